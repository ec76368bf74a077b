"""What a customer wrote is told from what their program quotes, in every language and program that
we know, and a story about a letter stays a story."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path

import pytest
from babel.dates import format_date, format_time

from services.email.domain.attributions import Strength, judged
from services.email.domain.incoming import words_of
from services.email.domain.mime import parse
from services.email.domain.quotes import without_quotes, without_quotes_of_html
from services.email.domain.references import our_message_id, reply_token, ticket_at_a_glance
from services.email.domain.sent import Sent
from services.email.domain.signatures import is_footer

ROOT = Path(__file__).parents[3]
DATA = ROOT / "tests" / "data" / "quotes"
MAILS: dict[str, dict[str, object]] = json.loads((DATA / "mails" / "expected.json").read_text())
OWN = "It still does not work.\nThe lamp is red."
OLD = "Please restart it.\nTell us what it does then."
LANGUAGES = [
    "en",
    "fr",
    "de",
    "es",
    "it",
    "pt",
    "nl",
    "sv",
    "da",
    "nb",
    "fi",
    "pl",
    "cs",
    "hu",
    "ro",
    "ru",
    "uk",
    "el",
    "tr",
    "ar",
    "he",
    "ja",
    "ko",
    "zh",
]
Case = tuple[str, str, str]


def table(name: str) -> list[list[str]]:
    return [line.split("\t") for line in (DATA / name).read_text().splitlines()]


def read(text: str, subject: str = "Re: lamp", kind: str = "plain") -> str:
    head = f"From: kim@customer.test\nSubject: {subject}\nContent-Type: text/{kind}; charset=utf-8\n\n"
    return words_of(parse(f"{head}{text}".encode())).text


def in_html(text: str) -> str:
    return "<br>".join(map(escape, text.split("\n")))


QUOTED = "\n".join(f"> {line}" for line in OLD.split("\n"))
ATTRIBUTED: dict[str, Callable[[str], str]] = {
    "words above": lambda line: read(f"{OWN}\n\n{line}\n\n{QUOTED}\n"),
    "words above, under a subject of their own": lambda line: read(f"{OWN}\n\n{line}\n{QUOTED}\n", "lamp"),
    "words above, no marks": lambda line: read(f"{OWN}\n\n{line}\n\n{OLD}\n"),
    "words below": lambda line: read(f"{line}\n{QUOTED}\n\n{OWN}\n"),
    "in html": lambda line: read(
        f"<div>{in_html(OWN)}</div><div>{in_html(line)}</div><blockquote>{in_html(OLD)}</blockquote>", "lamp", "html"
    ),
    "in html, no block": lambda line: read(f"<p>{in_html(OWN)}</p><p>{in_html(line)}</p>{in_html(OLD)}", kind="html"),
}
TABLED: dict[str, Callable[[str], str]] = {
    "words above": lambda block: read(f"{OWN}\n\n{block}\n\n{OLD}"),
    "under another subject": lambda block: read(f"{OWN}\n\n{block}\n\n{OLD}", "Re: something else"),
    "in bold": lambda block: read(f"{OWN}\n\n*{block.replace(':', ':*').replace(chr(10), chr(10) + '*')}\n\n{OLD}"),
    "in html": lambda block: read(f"<p>{in_html(OWN)}</p><p>{in_html(block)}</p>{in_html(OLD)}", kind="html"),
}


def cases() -> Iterator[Case]:
    """Language, program, and what came out."""
    for language, program, line in table("attributions.tsv"):
        yield from ((language, program, layout(line)) for layout in ATTRIBUTED.values())
    for language, program, block in table("tables.tsv"):
        yield from ((language, program, layout(block.replace("¶", "\n"))) for layout in TABLED.values())
    for language, program, footer in table("footers.tsv"):
        yield language, program, read(f"{OWN}\n\n{footer}\n")


FOUND = list(cases())


@pytest.mark.parametrize("name", sorted(MAILS))
def test_a_mail_that_teaches_something_is_read_as_its_writer_meant_it(name: str) -> None:
    wanted = MAILS[name]
    sent = Sent(wanted.get("sent", ()))  # type: ignore[arg-type]
    assert words_of(parse((DATA / "mails" / f"{name}.eml").read_bytes()), sent).text == wanted["text"]


def test_every_mail_in_the_folder_has_an_expectation() -> None:
    assert {path.stem for path in (DATA / "mails").glob("*.eml")} == set(MAILS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_of_each_language_at_least_20_forms_are_read_clean(language: str) -> None:
    found = [text for own, _, text in FOUND if own == language]
    assert len(found) >= 20
    assert [text for text in found if text != OWN] == []


@pytest.mark.parametrize("program", ["Gmail", "Apple Mail", "Thunderbird", "Outlook", "Roundcube", "Yahoo", "iPhone"])
def test_of_each_program_forms_in_many_languages_are_read_clean(program: str) -> None:
    found = Counter(text == OWN for _, own, text in FOUND if own == program)
    assert found[True] >= 20
    assert found[False] == 0


def test_of_the_programs_that_few_people_use_all_forms_are_read_clean() -> None:
    assert {(language, program) for language, program, text in FOUND if text != OWN} == set()


@pytest.mark.parametrize("answers", [True, False])
@pytest.mark.parametrize(("language", "line"), table("stories.tsv"))
def test_a_story_about_a_letter_is_no_quotation(language: str, line: str, answers: bool) -> None:
    assert language in LANGUAGES
    text = f"Hello there.\n\n{line}\nWe send a new one.\n\nNothing came."
    assert without_quotes(text, "Re: lamp", answers=answers) == text


@pytest.mark.parametrize(
    "line",
    [
        "Am 02.03.2026 um 10:00 schrieb Frau Müller:",
        "Le 02/03/2026 à 10:00, Monsieur Lee a écrit :",
        "On 02/03/2026 10:00, Lee Park wrote:",
        "02.03.2026 10:00, Анна Иванова пишет:",
        "2026/3/2 10:00, 王小明 写道:",
    ],
)
def test_a_name_without_an_address_introduces_unmarked_words_only_where_it_stands_by_itself(line: str) -> None:
    told = f"Hello there.\n\n{line}\nWe send a new one.\n\nNothing came."
    assert without_quotes(told, "Re: lamp", answers=True) == told
    assert without_quotes(f"Hello there.\n\n{line}\n\nWe send a new one.", "Re: lamp") == "Hello there."


def test_stories_are_told_in_every_language() -> None:
    assert {language for language, _ in table("stories.tsv")} == set(LANGUAGES)


@pytest.mark.parametrize(
    "line",
    [
        "Sent from Berlin on Monday.",
        "Gesendet von Ulm",
        "I sent it from my iPhone.",
        "Get Outlook for my colleague",
        "Enviado desde Lima",
        "x" * 500,
    ],
)
def test_a_customers_sentence_is_no_footer(line: str) -> None:
    assert not is_footer(line)


def test_a_marked_attribution_names_what_is_quoted_below_it() -> None:
    iphone = "> On Mar 2, 2026, at 10:00 AM, Support\n> <s@helpdesk.test> wrote:\n>\n> Please restart it."
    assert read(f"{OWN}\n\n{iphone}", "lamp") == OWN
    deep = f"{OWN}\n\n> a\n> b\n> c\n> d\n> e\n{iphone}"
    assert read(deep, "lamp") == deep


@pytest.mark.parametrize(
    "line",
    [
        "On 2 Mar 2026 10:00 a <a@helpdesk.test> one two three four five six seven eight nine wrote:",
        "wrote <s@helpdesk.test>:",
        "Why did Support <s@helpdesk.test> write this on 2 Mar 2026 10:00?:",
        "On 2026-03-02 10:00 wrote:",
        f"On 2026-03-02 10:00, {'A' * 500} wrote:",
        "On 2026-03-02 10:00, Hey! Support wrote:",
        "Order 7: ",
        ":",
        "---- 7 ----",
    ],
)
def test_half_an_attribution_is_none(line: str) -> None:
    text = f"{OWN}\n{line}\nand so on\n\nEnd."
    assert without_quotes(text, "Re: lamp") == text


def test_over_marked_lines_an_address_or_a_name_with_a_date_will_do() -> None:
    for line in (
        "On March 2, 2026 Support wrote:",
        "2 Mar 2026 s@helpdesk.test wrote:",
        "On 02/03/2026 10:00, john doe wrote:",
        "2026/3/2 Support <s@helpdesk.test>",
        "On Monday at 10:00, Support <s@helpdesk.test> wrote:",
        "Support <s@helpdesk.test>, 2 Mar 2026:",
        "quoting <s@helpdesk.test>:",
    ):
        assert without_quotes(f"{OWN}\n\n{line}\n{QUOTED}") == OWN, line
        assert without_quotes(f"{OWN}\n\n{line}\n{QUOTED}\n\nNo.") != OWN, line


def test_what_we_sent_is_cut_where_it_was_introduced_however_short_it_is() -> None:
    short = Sent(["Please restart it.", "x" * 70_000, "never looked at"])
    line = "On Mon, 2 Mar 2026 at 10:00, Support <s@helpdesk.test> wrote:"
    assert without_quotes(f"{OWN}\n\n{line}\nPlease restart it.\n", "lamp", sent=short) == OWN
    assert without_quotes(f"{line}\nPlease restart it.\n\n{OWN}", "lamp", answers=True, sent=short) == OWN
    for text in (
        f"{OWN}\n\nPlease restart it.",
        f"{OWN}\n\n{line}\nSomething else",
        f"{OWN}\nrestart it",
        "restart it\nyes",
    ):
        assert without_quotes(text, "lamp", sent=short) == text


@pytest.mark.parametrize(
    "fields",
    [
        "From: Lee Park\nSent: Monday, March 2, 2026 10:00 AM\nTo: Kim Doe\nSubject: RE: other",
        "From: Lee Park <s@helpdesk.test>\nDate: 2 March 2026 10:00\nSubject: RE: other",
        "From: Lee Park\nSent: Monday, March 2, 2026\nTo: Kim <kim@customer.test>;\n lee@customer.test\nSubject: other",
    ],
)
def test_a_table_under_another_subject_is_told_by_what_stands_in_it(fields: str) -> None:
    assert read(f"{OWN}\n\n{fields}\n\n{OLD}", "Re: lamp") == OWN
    without_date = "".join(letter for letter in fields if not letter.isdigit())
    assert read(f"{OWN}\n\n{without_date}\n\n{OLD}", "Re: lamp") != OWN


def test_a_link_that_a_program_wrote_out_changes_nothing() -> None:
    ours = "Please fill in the form at https://shop.example/form and send it back to returns@shop.example today."
    quoted = ours.replace("/form", "/form <https://shop.example/form>").replace(
        "e today", "e <mailto:returns@shop.example> today"
    )
    assert without_quotes(f"{OWN}\n\n{quoted}", "lamp", sent=Sent([ours])) == OWN


def test_an_answer_that_is_nothing_but_quoted_is_shown_as_it_came() -> None:
    assert read(QUOTED) == QUOTED
    assert read(f"<blockquote type=cite>{in_html(OLD)}</blockquote>", kind="html") == OLD


def test_under_quote_marks_a_few_words_of_ours_will_do_and_what_they_answered_may_follow() -> None:
    sent = Sent(["Hello Kim, the second charge is refunded today."])
    for quoted in (
        "> the second charge",
        "> the second charge is refunded today.\n>> I was charged twice.\n>>\n>> Kim",
    ):
        assert without_quotes(f"{OWN}\n\n{quoted}", "lamp", answers=True, sent=sent) == OWN
    for own in ("> error 4711", "> charge", "> pump blocked by something", ">> I was charged twice."):
        assert without_quotes(f"{OWN}\n\n{own}", "lamp", answers=True, sent=sent) == f"{OWN}\n\n{own}"


def test_two_tables_with_our_words_between_are_both_quoted() -> None:
    block = "From: Support <s@helpdesk.test>\nSent: 2 March 2026 10:00\nTo: Kim\nSubject: lamp\n\n"
    ours = "Please take the battery out for ten minutes and put it back."
    text = f"{OWN}\n\n{block}{ours}\n\n{block}{ours}"
    assert without_quotes(text, "Re: lamp", sent=Sent([ours])) == OWN
    assert without_quotes(text, "lamp", sent=Sent(["nothing like it"])) == text


def test_a_word_beside_a_quotation_in_one_row_stays() -> None:
    html = "<table><tr><td>Yes</td><td><div class=gmail_quote>Is it on?</div>No</td></tr></table>"
    assert read(html, kind="html") in {"Yes\nNo", "Yes\n\nNo"}


def test_a_ticket_is_known_at_a_glance_by_the_first_token_that_is_ours() -> None:
    secret = "a secret that is long enough for anybody"
    ours = our_message_id(secret, "ticket-7", "1", "helpdesk.test")
    other = our_message_id("another secret that is long enough", "ticket-8", "1", "helpdesk.test")
    head = f"Subject: lamp\r\nReferences: {other}\r\n {ours}\r\n"
    address = f"support+t{reply_token(secret, 'ticket-9')}@helpdesk.test"
    assert ticket_at_a_glance(f"{head}\r\nwords".encode(), [], secret) == "ticket-7"
    assert ticket_at_a_glance(f"{head}\r\nwords".encode(), [address], secret) == "ticket-9"
    assert ticket_at_a_glance(f"To: {address}\n\nwords".encode(), [], secret) == "ticket-9"
    assert ticket_at_a_glance(f"Subject: lamp\n\n{ours}".encode(), ["support@helpdesk.test"], secret) == ""


def test_an_attribution_over_nothing_stays_in_a_mail_that_answers_nothing() -> None:
    text = f"{OWN}\n\nOn Mon, 2 Mar 2026 at 10:00, Support <s@helpdesk.test> wrote:"
    assert without_quotes(text, "lamp") == text


OFFICE = "Acme Ltd\nMobile: +44 7700 900000\nwww.acme.example"
RULE = "-" * 30


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"It blinks.\n\nKind regards\nKim Doe\n{OFFICE}", "It blinks.\n\nKind regards\nKim Doe"),
        (f"点滅しています。\n\n{RULE}\n株式会社ランプ 山田太郎\nTEL: 03-0000-0000\n{RULE}", "点滅しています。"),
        (f"Please call me back.\n\nKind regards\nKim Doe\n{OFFICE}", ""),
        ("It blinks.\n\nKind regards\nKim Doe\n+44 7700 900000", ""),
        (f"It blinks.\n\nKind regards\nKim Doe 4711\n{OFFICE}", ""),
        ("It blinks.\n\nKind regards\nKim Doe\nAcme Ltd\nLeeds", ""),
        (f"It blinks.\n\nKind regards\nKim Doe\n{OFFICE}\nCustomer 4711-22", ""),
        (f"It blinks.\n\nKind regards\nKim Doe\n{OFFICE}\nIt is the one of May.", ""),
        (f"Two lamps:\n{RULE}\nred\ngreen", ""),
        (f"Two lamps:\n{RULE}\n4711-22\n+44 7700 900000", ""),
    ],
)
def test_a_contact_block_goes_and_what_may_be_said_stays(text: str, kept: str) -> None:
    assert without_quotes(text, "lamp") == (kept or text)


def test_signatures_one_below_the_other_go_and_a_mail_made_of_nothing_else_ends() -> None:
    assert without_quotes("It blinks.\n\n-- \nKim\n\n-- \nAcme\n\nSent from my iPhone", "lamp") == "It blinks."
    assert without_quotes("It blinks.\n" + "\n-- \nKim" * 50, "lamp").startswith("It blinks.")


@pytest.mark.parametrize(
    "line",
    [
        "##- Please type your reply above this line -##",
        "--- Bitte antworten Sie oberhalb dieser Zeile ---",
        "Subject: Re: other\nFrom: Support <s@helpdesk.test>\nDate: 2 March 2026 10:00\nTo: Kim",
        '========================================\n\nMessage du : 02/03/2026 10:00\nDe : "Support" <s@helpdesk.test>\nA : kim@customer.test\nSujet : autre',
    ],
)
def test_other_ways_to_say_where_the_old_mail_begins(line: str) -> None:
    assert read(f"{OWN}\n\n{line}\n\n{OLD}") == OWN
    assert read(f"{OWN}\n\n{line}\n\n{OLD}", "lamp") != OWN


def test_html_that_only_looks_like_a_containers_has_none() -> None:
    assert without_quotes_of_html('<div style="border-top:1px solid red">Words</div>', "Re: lamp") is None


def test_a_rule_that_a_program_draws_is_no_container() -> None:
    html = "<p>Yes.</p><hr class='zmail_extra_hr'><p>And no.</p>"
    assert read(html, kind="html").split() == ["Yes.", "And", "no."]


def test_quotations_beyond_some_hundreds_stay_as_they_are() -> None:
    html = "<p>Hi</p>" + "<blockquote type=cite>a</blockquote><p>b</p>" * 600
    assert read(html, kind="html").count("b") == 600


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_day_of_the_year_is_a_date_as_programs_write_it(language: str) -> None:
    unread = []
    for day in range(0, 365, 11):
        moment = datetime(2026, 1, 1, 10, 5, tzinfo=UTC) + timedelta(days=day)
        for style in ("short", "medium", "long", "full"):
            line = f"{format_date(moment, style, language)} {format_time(moment, 'short', locale=language)}, Support <s@helpdesk.test>:"
            if judged(line) is not Strength.ADDRESSED:
                unread.append(line)
    assert unread == []


def test_of_thousands_of_sentences_that_customers_write_none_is_taken_for_a_quotation() -> None:
    folders = [ROOT / "services" / name / "training" / "data" for name in ("router", "social")]
    files = sorted(path for folder in folders for path in folder.rglob("*.txt"))
    sentences = [line.split("\t")[-1] for path in files for line in path.read_text().splitlines()[::25]]
    texts = [f"Hello.\n\n{sentence}" for sentence in sentences if sentence and "|" not in sentence]
    cut = [text for text in texts if without_quotes(text, "Re: lamp", answers=True).split() != text.split()]
    assert len(texts) > 1_000
    assert [text for text in cut if not is_footer(text.split("\n")[-1])] == []
