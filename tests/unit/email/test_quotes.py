"""An agent sees what is new, and never loses a word that the customer wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.email.domain.incoming import words_of
from services.email.domain.mime import parse
from services.email.domain.quotes import without_quotes, without_quotes_of_html

REPLY = "It still does not work.\nThe lamp is red."
QUOTED = "> Please restart it.\n> Regards"


@pytest.mark.parametrize(
    "attribution",
    [
        "On Mon, 2 Mar 2026 at 10:00, Support <support@example.org> wrote:",
        "On Mon, 2 Mar 2026 at 10:00, A Very Long Name Of A Support Department\n<support@example.org> wrote:",
        "Le lun. 2 mars 2026 à 10:00, Support <support@example.org> a écrit :",
        "Am Mo., 2. März 2026 um 10:00 Uhr schrieb Support <support@example.org>:",
        "El lun, 2 mar 2026 a las 10:00, Support (<support@example.org>) escribió:",
        "Em seg., 2 de mar. de 2026 às 10:00, Support <support@example.org> escreveu:",
        "Il giorno lun 2 mar 2026 alle ore 10:00 Support <support@example.org> ha scritto:",
        "2026년 3월 2일 (월) 오전 10:00, Support <support@example.org>님이 작성:",
        "2026年3月2日(月) 10:00 Support <support@example.org>:",
        "Op ma 2 mrt 2026 om 10:00 schreef Support <support@example.org>:",
        "pon., 2 mar 2026 o 10:00 Support <support@example.org> napisał(a):",
        "Den mån 2 mars 2026 kl 10:00 skrev Support\n<support@example.org>:",
        "пн, 2 мар. 2026 г. в 10:00, Support <support@example.org>:",
        "Support <support@example.org> 于2026年3月2日周一 10:00写道：",
        "Support <support@example.org>, 2 Mar 2026 Pzt, 10:00 tarihinde şunu yazdı:",
    ],
)
def test_the_quoted_mail_below_a_reply_is_cut(attribution: str) -> None:
    assert without_quotes(f"{REPLY}\n\n{attribution}\n\n{QUOTED}\n") == REPLY


@pytest.mark.parametrize(
    ("block", "subject"),
    [
        ("-----Original Message-----\nFrom: Support\nTo: Ann\nSubject: Re: lamp\n\nPlease restart it.", "Re: lamp"),
        (
            "________________________________\nFrom: Support <support@example.org>\nSent: Monday, 2 March 2026\nTo: Ann\nSubject: Re: lamp\n\nPlease",
            "RE: lamp",
        ),
        (
            "De : Support <support@example.org>\nEnvoyé : lundi 2 mars 2026\nÀ : Ann\nObjet : Re: lampe\n\nRedémarrez",
            "Re: lampe",
        ),
        ("Von: Support\nGesendet: Montag, 2. März 2026\nAn: Ann\nBetreff: AW: Lampe\n\nBitte", "AW: Lampe"),
        ("보낸 사람: Support\n보낸 날짜: 2026년 3월 2일\n받는 사람: Ann\n제목: 램프\n\n다시 시작하세요", "RE: 램프"),
        ("差出人: Support\n送信日時: 2026年3月2日\n宛先: Ann\n件名: ランプ\n\n再起動", "Re: ランプ"),
        ("-----원본 메시지-----\n다시 시작하세요", "Re: 램프"),
    ],
)
def test_outlooks_block_is_cut_from_an_answer(block: str, subject: str) -> None:
    assert without_quotes(f"{REPLY}\n\n{block}", subject) == REPLY
    if "Subject" in block or "-----" not in block:
        assert without_quotes(f"{REPLY}\n\n{block}", subject.partition(": ")[2]) == f"{REPLY}\n\n{block}"


@pytest.mark.parametrize(
    "text",
    [
        "On Monday my boss wrote:\nplease cancel the order\nand I agree.",
        "From: Berlin\nTo: Paris\nThat is my trip.",
        "> Is it on?\nYes, it is.\n> Is it red?\nNo, green.",
        "On Mon, 2 Mar 2026, Support <support@example.org> wrote:\n> Is it on?\n\nYes, it is.",
        "Note: the -- in the middle\n-- \nstays, because what follows is long\n" + "words and more words\n" * 20,
        "I wrote:\n\n1. this\n2. that",
        "Le livre que ma mère a écrit :\nje le cherche.",
    ],
)
def test_when_unsure_nothing_is_cut(text: str) -> None:
    assert without_quotes(text).split() == text.split()


@pytest.mark.parametrize(
    "subject", ["Fwd: bill", "FW: bill", "WG: Rechnung", "TR : facture", "RV: factura", "전달: 청구서"]
)
def test_a_forward_is_kept_whole(subject: str) -> None:
    text = "See below\n\n-----Original Message-----\nFrom: Shop\nSent: today\nTo: Ann\n\nYour bill"
    assert without_quotes(text, subject) == text


def test_gmails_forward_mark_keeps_what_follows_whatever_the_subject() -> None:
    text = "See\n\n---------- Forwarded message ---------\nFrom: Shop <shop@example.net>\nDate: today\nSubject: bill\nTo: Ann\n\nYour bill"
    assert without_quotes(text) == text


@pytest.mark.parametrize(
    "ending",
    [
        "-- \nAnn Smith\n+44 20 1234",
        "Sent from my iPhone",
        "Envoyé de mon iPhone",
        "Von meinem iPhone gesendet",
        "나의 iPhone에서 보냄",
        "iPhoneから送信",
    ],
)
def test_a_signature_is_cut(ending: str) -> None:
    assert without_quotes(f"{REPLY}\n\n{ending}\n") == REPLY


def test_a_mail_that_is_all_quote_or_signature_is_kept() -> None:
    for text in (QUOTED, "-- \nAnn", "Sent from my iPhone", "-----Original Message-----\nFrom: x\nTo: y\nSubject: z"):
        assert without_quotes(text) == text


@given(
    st.lists(
        st.sampled_from(
            [
                "On x, y <a@b.c> wrote:",
                "> q",
                "-- ",
                "From: a",
                "Sent: b",
                "To: c",
                "Subject: d",
                "",
                "word",
                "____________",
            ]
        )
    )
)
def test_it_never_takes_the_last_word(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert any(map(str.isalnum, without_quotes(text))) == any(map(str.isalnum, text))


@pytest.mark.parametrize(
    "quote",
    [
        '<div class="gmail_quote gmail_quote_container"><div class="gmail_attr">On Monday wrote:</div><blockquote>Old words</blockquote></div>',
        '<div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>From:</b> Support</div><div>Old words</div>',
        '<div class="moz-cite-prefix">On Monday:</div><blockquote type="cite">Old words</blockquote>',
        '<blockquote type="cite"><div>Old words</div></blockquote>',
        '<div class="yahoo_quoted">Old words</div>',
        '<div class="protonmail_quote">Old words</div>',
    ],
)
def test_quotes_in_html_are_found_by_their_marks(quote: str) -> None:
    raw = f"From: a@b.example\nSubject: Re: lamp\nContent-Type: text/html; charset=utf-8\n\n<p>New words</p>{quote}".encode()
    reading = words_of(parse(raw))
    assert reading.text == "New words"
    assert "Old words" in reading.html


def test_an_answer_below_an_html_quote_is_kept() -> None:
    html = '<p>Hi</p><blockquote type="cite">Old words</blockquote><p>And here is my long answer below it</p>'
    assert without_quotes_of_html(html, "Re: lamp") == "Hi\n\n> Old words\n\nAnd here is my long answer below it"
    assert (
        without_quotes_of_html('<blockquote type="cite">Old</blockquote><p>answer</p>', "Re: lamp") == "> Old\n\nanswer"
    )


def test_a_forwarded_html_mail_is_kept() -> None:
    html = '<p>See</p><div class="gmail_quote">---------- Forwarded message ---------<br>Your bill</div>'
    assert without_quotes_of_html(html) == ""


LONG = "On Mon, 2 Mar 2026 at 10:00, Support <support@example.org> wrote:"


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("Voici mon trajet :\n\nDe : Paris\nÀ : Lyon\nDate : 12 décembre\n\nRemboursez-moi.", "Re: Réservation"),
        ("On Monday your colleague lee@example.org wrote:\nwe refund it.\n\nI want my money.", "Re: Refund"),
        ("New enquiry:\n\nFrom: Kim\nDate: 2026-11-30\nSubject: Heating\n\nMessage:\nIt is broken.", "Re: New enquiry"),
        ("From: Kim\nDate: today\nSubject: Heating\n\nIt is broken.", "Heating"),
        ("The machine shows this:\n\n> Error E-4711, pump blocked\n> serial 99-1234", "Machine stopped"),
        (f"{LONG}\n> Is it on?\nYes.\n> Is it red?\nNo.", "Re: Lamp"),
        (f"Look what you wrote:\n\n{LONG}\nPlease restart it.\n\nI did.", "Re: Lamp"),
    ],
    ids=["journey", "told", "form", "form under its own subject", "own quote", "point by point", "no quote marks"],
)
def test_no_word_of_a_customer_vanishes_for_looking_like_a_quotation(text: str, subject: str) -> None:
    assert without_quotes(text, subject) == text


def test_an_answer_to_a_mail_of_ours_needs_no_re_in_its_subject() -> None:
    for quotation in (
        "> Please restart it.",
        "-----Original Message-----\nPlease restart it.",
    ):
        assert without_quotes(f"{REPLY}\n\n{quotation}", "Lamp", answers=True) == REPLY
        assert "restart" in without_quotes(f"{REPLY}\n\n{quotation}", "Lamp")
    ours = "In-Reply-To: <t.abcdefghijklmnopqrstuvwx.1@example.org>\n"
    for headers, text in ((ours, REPLY), ("In-Reply-To: <1@else.example>\n", f"{REPLY}\n\n> Please restart it.")):
        raw = f"From: a@b.example\nSubject: Lamp\n{headers}\n{REPLY}\n\n> Please restart it."
        assert words_of(parse(raw.encode())).text == text


@pytest.mark.parametrize(
    "line",
    [
        "Sent with [Proton Mail](https://proton.me/) secure email.",
        "Sent with Proton Mail secure email.",
        "Sent from Proton Mail for iOS",
        "Gesendet mit Proton Mail",
        "Envoyé avec la messagerie sécurisée Proton Mail.",
    ],
)
def test_what_a_mail_program_says_of_itself_is_no_word_of_the_customer(line: str) -> None:
    assert (
        without_quotes(f"{REPLY}\n\n{line}\n\n{LONG}\n\n> Please restart it.\n\n-- \nThis mail was scanned.") == REPLY
    )


@pytest.mark.parametrize(
    "html",
    [
        '<div>It shows:</div><blockquote class="gmail_quote">Error E-4711</blockquote><div>What now?</div>',
        '<div>It shows:</div><blockquote class="gmail_quote">Error E-4711</blockquote>',
        '<p>Hello,</p><blockquote type="cite">A new one?</blockquote><p>Yes.</p><blockquote type="cite">Where?</blockquote><p>Ulm</p>',
        '<p>Hi</p><div class="gmail_quote"><div class="gmail_attr">On Monday:</div><blockquote>Old</blockquote></div><p>No.</p>',
        '<p>Hi</p><div class="moz-cite-prefix">On Monday:</div><blockquote type="cite">Old</blockquote><p>No.</p>',
        '<p>See</p><div id="divRplyFwdMsg"><b>From:</b> Shop</div><div>Bill</div>',
    ],
    ids=["own words", "own words last", "between", "below gmail", "below thunderbird", "no answer"],
)
def test_words_around_a_quotation_in_html_stay(html: str) -> None:
    assert without_quotes_of_html(html, "Machine stopped") == ""


def test_the_line_that_introduces_a_quotation_goes_with_it() -> None:
    html = f"<div>{REPLY}</div><div>On 2 Mar 2026, at 10:00, Support &lt;support@example.org&gt; wrote:</div><br><blockquote type='cite'>Old</blockquote>"
    raw = f"From: a@b.example\nSubject: Re: lamp\nContent-Type: text/html; charset=utf-8\n\n{html}"
    assert words_of(parse(raw.encode())).text == REPLY.replace("\n", " ")


CLIENTS = {
    "gmail": '<div dir="ltr">It works now, thanks!<div><br></div><div>Kim</div></div><br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">On Mon, Mar 2, 2026 at 10:00 AM Support &lt;<a href="mailto:s@example.org">s@example.org</a>&gt; wrote:<br></div><blockquote class="gmail_quote" style="margin:0"><div>Please restart it.</div></blockquote></div>',
    "outlook desktop": '<html><body><div class=WordSection1><p class=MsoNormal>It works now, thanks!</p><p class=MsoNormal>&nbsp;</p><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in"><p class=MsoNormal><b>From:</b> Support &lt;s@example.org&gt; <br><b>Sent:</b> Monday, March 2, 2026 10:00 AM<br><b>To:</b> Kim<br><b>Subject:</b> Re: lamp</p></div><p class=MsoNormal>Please restart it.</p></div></body></html>',
    "outlook web": '<div class="elementToProof">It works now, thanks!</div><div id="appendonsend"></div><hr><div id="divRplyFwdMsg" dir="ltr"><font><b>From:</b> Support &lt;s@example.org&gt;<br><b>Sent:</b> Monday<br><b>Subject:</b> Re: lamp</font></div><div>Please restart it.</div>',
    "apple": '<html><body>It works now, thanks!<br id="lineBreakAtBeginningOfMessage"><div><br><blockquote type="cite"><div>On 2 Mar 2026, at 10:00, Support &lt;s@example.org&gt; wrote:</div><br><div>Please restart it.</div></blockquote></div><br></body></html>',
    "apple ios": '<html><body dir="auto"><div dir="ltr">It works now, thanks!</div><div dir="ltr"><br><blockquote type="cite">On 2 Mar 2026, at 10:00, Support &lt;s@example.org&gt; wrote:<br><br></blockquote></div><blockquote type="cite"><div dir="ltr">Please restart it.</div></blockquote></body></html>',
    "thunderbird": '<p>It works now, thanks!</p><p><br></p><div class="moz-cite-prefix">On 02/03/2026 10:00, Support wrote:<br></div><blockquote type="cite" cite="mid:x"><p>Please restart it.</p></blockquote>',
    "yahoo": '<div>It works now, thanks!</div><div id="yahoo_quoted_1" class="yahoo_quoted"><div>On Monday, Support wrote:</div><div>Please restart it.</div></div>',
    "proton": '<div>It works now, thanks!</div><div class="protonmail_signature_block"><div class="protonmail_signature_block-proton">Sent with <a href="https://proton.me">Proton Mail</a> secure email.</div></div><div class="protonmail_quote">On Monday Support wrote:<br><blockquote class="protonmail_quote" type="cite">Please restart it.</blockquote></div>',
    "naver": "<div>It works now, thanks!</div><p>-----Original Message-----</p><p><b>From:</b> Support &lt;s@example.org&gt;</p><p><b>To:</b> Kim</p><p><b>Sent:</b> Monday</p><p><b>Subject:</b> Re: lamp</p><div>Please restart it.</div>",
}


@pytest.mark.parametrize("client", CLIENTS)
def test_an_answer_is_read_without_what_its_program_quotes(client: str) -> None:
    raw = f"From: a@b.example\nSubject: Re: lamp\nContent-Type: text/html; charset=utf-8\n\n{CLIENTS[client]}"
    text = words_of(parse(raw.encode())).text
    assert (text.split("\n")[0], "restart" in text) == ("It works now, thanks!", False)
    if client not in {
        "outlook desktop",
        "outlook web",
        "naver",
    }:  # these mark where the old mail begins, and not where it ends
        assert "No, it does not." in words_of(parse(f"{raw}<p>No, it does not.</p>".encode())).text


@pytest.mark.parametrize(
    "asked",
    [
        "I have moved, my new address is below. Please deliver there.",
        "Ich bin umgezogen, bitte liefern Sie künftig hierhin:",
        "J'ai déménagé, voici où livrer.",
        "이사했습니다. 새 주소는 아래와 같습니다.",
    ],
)
def test_an_address_that_the_sender_speaks_of_is_part_of_what_they_say(asked: str) -> None:
    block = "Ann Meyer\nBaker Street 5\n12345 Berlin\n+49 30 1234567"
    said = f"{asked}\n\nKind regards\n{block}"
    headers = "From: ann@customer.test\nSubject: Order\nContent-Type: text/plain; charset=utf-8"
    assert words_of(parse(f"{headers}\n\n{said}".encode())).text.endswith(block)
