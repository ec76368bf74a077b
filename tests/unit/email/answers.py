"""Answers as mail programs write them: each row of `tests/data/quotes` at other times, by other
people, in the ways in which this program writes an answer, and in the language's own words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import NamedTuple

from babel import Locale

from services.email.domain.incoming import words_of
from services.email.domain.mime import parse

DATA = Path(__file__).parents[2] / "data" / "quotes"
WRITTEN = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
"""When the rows say that the quoted mail was written."""
MOMENTS = [
    WRITTEN,
    *(datetime(2026, *when, tzinfo=UTC) for when in ((5, 25, 8, 5), (6, 22, 14, 31), (8, 17, 23, 59), (12, 14, 9, 30))),
]
"""All are Mondays: a test beside reads every day of a year in every language."""
WORDS: dict[str, list[str]] = {
    language: words.replace("¶", "\n").split("\t")
    for language, words in (row.split("\t", 1) for row in (DATA / "words.tsv").read_text().splitlines())
}
"""By language: what a customer writes, what we had written to them, and an agent's name."""
HALVES = {"AM": "PM", "오전": "오후", "上午": "下午", "π\\.μ\\.": "μ.μ.", "(?<=[0-9٠] )ص": "م"}
"""Of the day, as rows name them."""
EASTERN = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
PLAIN_ONLY = {"Mutt", "Becky", "Onet"}
NO_MARKS = {"Yahoo", "Outlook mobile", "Notes", "Zoho", "NetEase", "AOL", "HEY", "Yandex", "mail.ru", "Proton"}
"""Programs whose plain text quotes without `>`, or did so for years."""
AROUND = {
    "Gmail": '<div dir="ltr">{own}</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">{line}<br></div>'
    '<blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex">{old}</blockquote></div>',
    "Apple Mail": '{own}<br><div><br><blockquote type="cite"><div>{line}</div><br class="Apple-interchange-newline">'
    "<div>{old}</div></blockquote></div>",
    "iOS": '<div dir="ltr">{own}</div><div dir="ltr"><br><blockquote type="cite">{line}<br><br></blockquote></div>'
    '<blockquote type="cite"><div dir="ltr">{old}</div></blockquote>',
    "Thunderbird": '<p>{own}</p><div class="moz-cite-prefix">{line}<br></div>'
    '<blockquote type="cite" cite="mid:1@example.org">{old}</blockquote>',
    "Yahoo": '<div class="yahoo-style-wrap"><div>{own}</div></div><div id="yahoo_quoted_1" class="yahoo_quoted">'
    "<div>{line}</div><div><br></div><div>{old}</div></div>",
    "Proton": '<div>{own}</div><div class="protonmail_quote">{line}<br>'
    '<blockquote class="protonmail_quote" type="cite">{old}</blockquote></div>',
    "Roundcube": '<p>{own}</p><p id="reply-intro">{line}</p><blockquote type="cite" style="padding:0 0.4em">{old}</blockquote>',
    "Zoho": '<div>{own}</div><div class="zmail_extra_hr" style="border-top:1px solid #ccc"></div><div class="zmail_extra">'
    "<div>{line}</div><br><blockquote>{old}</blockquote></div>",
    "Airmail": '<div>{own}</div><p class="airmail_on">{line}</p><blockquote type="cite" class="clean_bq">{old}</blockquote>',
    "Fastmail": '<div>{own}</div><div>{line}<br></div><blockquote type="cite" id="qt">{old}</blockquote>',
    "NetEase": '<div>{own}</div><p>{line}</p><blockquote id="isReplyContent">{old}</blockquote>',
    "Outlook": "<p class=MsoNormal>{own}</p><div><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm'>"
    "<p class=MsoNormal>{line}</p></div></div><p class=MsoNormal>{old}</p>",
    "Outlook web": '<div class="elementToProof">{own}</div><div id="appendonsend"></div><hr>'
    '<div id="divRplyFwdMsg">{line}</div><div>{old}</div>',
    "Outlook Mac": '<div>{own}</div><div style="border:none;border-top:solid #B5C4DF 1.0pt;padding:3.0pt 0cm">'
    "<p>{line}</p></div><div>{old}</div>",
    "Outlook mobile": '<div dir="ltr">{own}</div><div class="ms-outlook-mobile-reference-message"><div>{line}</div>'
    "<div>{old}</div></div>",
    "Zimbra": '<div>{own}</div><hr id="zwchr" data-marker="__DIVIDER__"><div data-marker="__HEADERS__">{line}</div>'
    '<div data-marker="__QUOTED_TEXT__">{old}</div>',
}
"""The HTML of a program; of the others it is plain blocks."""
BLOCK = "<div>{own}</div><br><div>{line}</div><blockquote>{old}</blockquote>"
BELOW = "<div>{own}</div><br><div>{line}</div><br><div>{old}</div>"


class Answer(NamedTuple):
    """`own`: what its sender wrote; `read`: what we take for that."""

    language: str
    program: str
    own: str
    read: str

    @property
    def lost(self) -> bool:
        """Whether a line of the sender's is gone."""
        return not set(self.own.split("\n")) <= set(self.read.split("\n"))

    @property
    def left(self) -> bool:
        """Whether anything is shown that is not the sender's."""
        return not set(self.read.split("\n")) - {""} <= set(self.own.split("\n"))


def answers() -> Iterator[Answer]:
    """Yields every row of attributions and tables at several times, by several people, in each
    layout of its program."""
    for name, layouts in (("attributions", _attributed), ("tables", _tabled)):
        for row in (DATA / f"{name}.tsv").read_text().splitlines():
            language, program, line = row.split("\t")
            own, old, _ = WORDS[language]
            for place, moment in enumerate(MOMENTS):
                said = at(by(line, *people(language)[place % 3]), language, moment).replace("¶", "\n")
                for layout in layouts(program):
                    yield Answer(language, program, own, layout(own, said, old))


def people(language: str) -> list[tuple[str, str]]:
    """Returns names and addresses of agents."""
    return [
        ("Support", "support@example.org"),
        (WORDS[language][2], "a.lee+desk@help.example.org"),
        ("Pat Lee", "p_lee@example.org"),
    ]


def by(line: str, name: str, address: str) -> str:
    """Returns a row with another writer of the quoted mail, where it names none of its own."""
    return line.replace("Support", name).replace("support@example.org", address)


def at(line: str, language: str, moment: datetime) -> str:
    """Returns a row with another date and hour in the same form."""
    locale, english = Locale(language), Locale("en")
    for months in (locale.months["format"], locale.months["stand-alone"], english.months["format"]):
        for names in (months["wide"], months["abbreviated"]):
            before, after = (names[one.month].rstrip(".") for one in (WRITTEN, moment))
            k = "k?" if language == "fi" else ""
            line = re.sub(rf"(?<!\w)(ב?){before}({k})(?!\w)", rf"\g<1>{after}\2", line)
        if months is locale.months["format"] and language == "en":
            break
    hour = f"{moment.hour:02}"
    for morning, afternoon in HALVES.items():
        if re.search(morning, line):
            line = re.sub(morning, afternoon, line) if moment.hour >= 12 else line
            hour = str((moment.hour - 1) % 12 + 1)
    line = line.replace("2nd,", "2nd," if moment.day in {2, 22} else "2th,")
    parts = {2: moment.day, 3: moment.month, 10: hour, 0: f"{moment.minute:02}"}

    def number(found: re.Match[str]) -> str:
        written = found[0]
        if written[0] == "+" or len(written) > 2 or int(written) not in parts:
            return written
        value = str(parts[int(written)]).rjust(2 if written[0] == "0" else 1, "0")
        return value if written.isascii() else value.translate(EASTERN)

    return re.sub(r"\+[\d:]+|\d+", number, line)


def _plain(subject: str, form: str) -> Callable[[str, str, str], str]:
    def layout(own: str, line: str, old: str) -> str:
        marked = "\n".join(f"> {each}" for each in old.split("\n"))
        return _read(form.format(own=own, line=line, old=old, marked=marked), subject, "plain")

    return layout


def _html(form: str, bold: bool) -> Callable[[str, str, str], str]:
    def layout(own: str, line: str, old: str) -> str:
        words = (escape(each).replace("\n", "<br>") for each in (own, line, old))
        parts = dict(zip(("own", "line", "old"), words, strict=True))
        if bold:
            parts["line"] = re.sub(r"(^|<br>)([^<:]{1,30}:)", r"\1<b>\2</b>", parts["line"])
        return _read(form.format(**parts), "Re: lamp", "html")

    return layout


def _attributed(program: str) -> Iterator[Callable[[str, str, str], str]]:
    yield _plain("Re: lamp", "{own}\n\n{line}\n\n{marked}\n")
    yield _plain("lamp", "{own}\n\n{line}\n{marked}\n")
    yield _plain("Re: lamp", "{line}\n{marked}\n\n{own}\n")
    if program in NO_MARKS:
        yield _plain("Re: lamp", "{own}\n\n{line}\n\n{old}\n")
    if program in PLAIN_ONLY:
        yield _plain("Re: lamp", "{own}\n\n{line}\n\n{marked}\n>\n>> {marked}\n")
    else:
        yield _html(AROUND.get(program, BLOCK), bold=False)


def _tabled(program: str) -> Iterator[Callable[[str, str, str], str]]:
    yield _plain("Re: lamp", "{own}\n\n{line}\n\n{old}\n")
    yield _plain("AW: lamp", "{own}\n\n\n{line}\n\n{old}\n\n")
    yield _plain("Re: something else", "{own}\n\n{line}\n\n{old}\n")
    yield _html(AROUND.get(program, BELOW), bold=program.startswith("Outlook"))


def _read(body: str, subject: str, kind: str) -> str:
    head = f"From: kim@customer.test\nSubject: {subject}\nContent-Type: text/{kind}; charset=utf-8\n\n"
    return words_of(parse(f"{head}{body}".encode())).text
