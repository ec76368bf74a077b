"""HTML → lines that say which of them stand in a quotation, by the containers that mail programs
put around what is answered. What follows from it is decided in `quotes.py`."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import NamedTuple

from shared.markup import Outline, Token, outline
from shared.text import html_to_text


class Mark(IntEnum):
    """What a line stands in. `BLOCK`: a block that anybody may have made; `ANSWER`: what programs
    make around an answered mail, and people sometimes around their own words; `PROGRAM`: what only
    programs make; `BELOW`: all below a mark that says where the old mail begins, and not where it
    ends."""

    NONE = 0
    BLOCK = 1
    ANSWER = 2
    PROGRAM = 3
    SIGNATURE = 4
    BELOW = 5


class Line(NamedTuple):
    """A line of a text and where it stands."""

    text: str
    mark: Mark = Mark.NONE


_START = r"\b(?:class|id|name|data-marker|data-smartmail)\s*=\s*[\"']?[^\"'>]{0,200}(?<![\w-])(?:x_){0,9}"
_PROGRAM = re.compile(
    _START
    + r"(?:gmail_quote(?:_container)?|gmail_attr|\w{0,30}yahoo_quoted\w{0,20}|moz-cite-prefix|moz-forward-container|protonmail_quote"
    r"|tutanota_quote|zmail_extra(?:_hr)?|ms-outlook-mobile-reference-message|isReplyContent|ntes-mailmaster-quote|reply-intro"
    r"|airmail_on|messageReplySection|cm_quote|missive_quote|front-blockquote|sh-quoted-content|__QUOTED_TEXT__|__HEADERS__)(?![\w-])"
    r"|\bname\s*=\s*[\"']?quote[\"'\s>]",
    re.IGNORECASE,
)
"""What mail programs put around what is answered, or on top of it."""
_FROM_HERE = re.compile(
    r"\b(?:id|data-marker)\s*=\s*[\"']?(?:x_){0,9}(?:divRplyFwdMsg|appendonsend|mail-editor-reference-message-container"
    r"|OLK_SRC_BODY_SECTION|stopSpelling|zwchr|__DIVIDER__)\b"
    r"|\bborder-top:\s?(?:solid #(?:E1E1E1|B5C4DF) 1\.0pt|1pt solid (?:rgb\((?:225, 225, 225|181, 196, 223)\)|#(?:E1E1E1|B5C4DF)))",
    re.IGNORECASE,
)
"""Outlook's and Zimbra's marks: everything below is the old mail, answered or forwarded."""
_CITE = re.compile(
    r"\btype\s*=\s*[\"']?cite\b|\bcite\s*=\s*[\"']?mid:|\bclass\s*=\s*[\"']?(?:spark_quote|clean_bq)\b", re.IGNORECASE
)
_WRAPPER = re.compile(
    r"\b(?:gmail_quote(?:_container)?|protonmail_quote|tutanota_quote|messageReplySection|zmail_extra)\b", re.IGNORECASE
)
"""These have an attribution and a block in them, and whatever is written below that block."""
_SIGNATURE = re.compile(
    _START
    + r"(?:gmail_signature|moz-signature|protonmail_signature_block(?:-user)?|bloop_sign\w{0,30}|messageSignatureSection"
    r"|zmail_signature|__SIG_POST__|__SIG_PRE__)(?![\w-])",
    re.IGNORECASE,
)
_QUOTING = frozenset({"div", "blockquote", "span", "section", "table", "p", "hr"})
_INTERESTING = re.compile(
    r"<blockquote|gmail_|_quote|-quote|quote[\"'\s>]|quoted|border-top:|moz-|protonmail_|zmail_|divRplyFwdMsg|appendonsend"
    r"|reference-message|OLK_SRC|stopSpelling|zwchr|isReplyContent|reply-intro|messageReplySection"
    r"|messageSignatureSection|airmail_on|bloop_sign|__DIVIDER__|__QUOTED|__HEADERS__|__SIG_",
    re.IGNORECASE,
)
"""One of these is in each of the marks above: most HTML has none, and is looked at no further."""
_MOST = 500
"""Quotations that are marked; what is beyond stays as it is."""
_END, _BEGIN = "\uf8f0", "\uf8f1\uf8f2\uf8f3\uf8f4\uf8f5"
_SIGNS = re.compile(f"([{_END}{_BEGIN}])")


def marked(html: str) -> list[Line] | None:
    """Returns the lines as a reader would see them; None where nothing is marked."""
    if not _INTERESTING.search(html):
        return None
    html = _SIGNS.sub("", html)
    found = outline(html)
    ranges = _ranges(found)
    if not ranges:
        return None
    pieces, behind = list[str](), 0
    for start, end, mark in ranges:
        first = found.tokens[start].start
        last = found.tokens[end].start if end < len(found.tokens) else len(html)
        pieces += html[behind:first], f"<div>{_BEGIN[mark - 1]}</div>", html[first:last], f"<div>{_END}</div>"
        behind = last
    return _lines(html_to_text("".join((*pieces, html[behind:]))))


def _lines(text: str) -> list[Line]:
    lines, mark, between = list[Line](), Mark.NONE, False
    for row in text.split("\n"):
        for number, part in enumerate(_SIGNS.split(row)):
            if number % 2:
                mark, between = Mark(_BEGIN.index(part) + 1) if part in _BEGIN else Mark.NONE, True
            elif part.strip() or (row == part and not (between and lines and not lines[-1].text)):
                lines.append(Line(part.rstrip(), mark))
                between = False
    return lines


def _ranges(found: Outline) -> list[tuple[int, int, Mark]]:
    """Returns the numbers of the first token and of that behind the last of each quotation and
    signature, outermost ones only."""
    ranges = list[tuple[int, int, Mark]]()
    number, after = 0, len(found.tokens)
    while number < after and len(ranges) < _MOST:
        token = found.tokens[number]
        mark, end = _mark(token), after
        if mark:
            if token.name == "hr" and mark is Mark.PROGRAM:
                end = number + 1
            elif mark is not Mark.BELOW:
                end = min(found.ends.get(number, after) + 1, after)
                if mark is Mark.PROGRAM and token.name != "blockquote" and _WRAPPER.search(token.text):
                    end = _first_block(found, number, end)
            ranges.append((number, end, mark))
            number = end
        else:
            number += 1
    return ranges


def _mark(token: Token) -> Mark:
    if token.name not in _QUOTING:
        return Mark.NONE
    block = token.name == "blockquote"
    if len(token.text) < 8 or not (block or _INTERESTING.search(token.text)):
        return Mark.NONE
    if _FROM_HERE.search(token.text):
        return Mark.BELOW
    if _SIGNATURE.search(token.text):
        return Mark.SIGNATURE
    program = _PROGRAM.search(token.text)
    if block:
        return Mark.ANSWER if program or _CITE.search(token.text) else Mark.BLOCK
    return Mark.PROGRAM if program else Mark.NONE


def _first_block(found: Outline, number: int, end: int) -> int:
    """Returns where the first block in a container ends: below it may stand an answer. The end of
    the container where there is none."""
    for inner in range(number + 1, end):
        if found.tokens[inner].name == "blockquote":
            return min(found.ends.get(inner, end - 1) + 1, end)
    return end
