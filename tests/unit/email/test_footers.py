"""What a list puts below a mail is not shown as the customer's words, and who speaks of lists keeps
every word."""

from __future__ import annotations

import pytest

from services.email.domain.footers import without_list_footer
from services.email.domain.incoming import words_of
from services.email.domain.mime import parse

WORDS = "Which lamp do you use?\n\nThe old one is dark."
FOOTERS = {
    "mailman": "_______________________________________________\nGardens mailing list\nGardens@lists.example.net\nhttps://lists.example.net/mailman/listinfo/gardens",
    "mailman in French": "_______________________________________________\nListe de diffusion Jardins\nhttps://lists.example.net/mailman/listinfo/jardins",
    "google": '-- \nYou received this message because you are subscribed to the Google Groups "Gardens" group.\nTo unsubscribe from this group, send an email to gardens+unsubscribe@googlegroups.com.',
    "google in German": '-- \nSie erhalten diese Nachricht, weil Sie in Google Groups E-Mails der Gruppe "Garten" abonniert haben.',
    "google in Korean": "-- \n이 메일은 Google 그룹스 '정원' 그룹에 가입한 분들에게 전송되는 메시지입니다.",
    "groups.io": "-=-=-=-=-=-=-=-=-=-=-=-\nGroups.io Links: You receive all messages sent to this group.\nView/Reply Online: https://example.net/g/1",
    "yahoo": "------------------------------------\n\nYahoo! Groups Links\n\n<*> To visit your group on the web, go to:\n    http://groups.example.net/",
    "listserv": "########################################################################\n\nTo unsubscribe from the GARDENS list, click the following link:\nhttps://listserv.example.net/",
    "ezmlm": "---------------------------------------------------------------------\nTo unsubscribe, e-mail: gardens-unsubscribe@lists.example.net\nFor additional commands, e-mail: gardens-help@lists.example.net",
}  # fmt: skip
OF_LISTS = {
    "any list": "----------\nGarden friends\nUnsubscribe: https://example.net/leave",
    "Japanese": "==========\n配信停止はこちら https://example.net/leave",
}


@pytest.mark.parametrize("name", FOOTERS)
def test_the_footer_of_a_common_list_program_goes(name: str) -> None:
    raw = f"From: kim@example.net\nSubject: Lamp\nContent-Type: text/plain; charset=utf-8\n\n{WORDS}\n{FOOTERS[name]}"
    assert words_of(parse(raw.encode())).text == WORDS


@pytest.mark.parametrize("name", OF_LISTS)
def test_the_footer_of_another_list_goes_where_the_headers_name_a_list(name: str) -> None:
    text = f"{WORDS}\n\n{OF_LISTS[name]}"
    assert without_list_footer(text, of_a_list=True) == WORDS
    assert without_list_footer(text, of_a_list=False) == text


@pytest.mark.parametrize(
    "text",
    [
        "How do I unsubscribe from your mailing list?\n\nKim",
        "My order:\n----------\nLamp, blue\n----------\nPlease remove me from the mailing list as well.",
        "----------\n" + "I want to unsubscribe.\n" * 20,
        FOOTERS["google"],
    ],
)
def test_who_speaks_of_lists_keeps_every_word(text: str) -> None:
    assert without_list_footer(text, of_a_list=False) == text


def test_html_of_a_list_loses_its_footer_too() -> None:
    below = FOOTERS["mailman"].replace("\n", "<br>")
    html = f"<p>My lamp is dark.</p><p>{below}</p><blockquote type=cite>Old words</blockquote>"
    raw = f"From: kim@example.net\nList-ID: <gardens.example.net>\nSubject: Re: Lamp\nContent-Type: text/html\n\n{html}"
    assert words_of(parse(raw.encode())).text == "My lamp is dark."
