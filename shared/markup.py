"""HTML from outside, taken apart once from left to right, in time that grows with its length
whatever stands in it."""

from __future__ import annotations

import html as entities
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

MAX_LENGTH = 1_000_000
"""Characters. The longest newsletters have a tenth of it."""
MAX_TOKENS = 60_000
"""Tags, and texts between them. A parser needs some hundred bytes and some microseconds for
each."""
MAX_DEPTH = 200
"""Parsers search all open elements at each tag."""
MAX_TAG = 2_000
"""Characters of one tag without its quoted values: parsers compare each attribute with all others
of its tag."""
_VALUES = re.compile(r"=\s*+(?:\"[^\"]*+\"|'[^']*+')")
_SLOW, _EASY = re.compile("[&\x80-\xbf]"), 200
_TOKEN = re.compile(
    r"<!--(?:.*?-->|.*)|<[!?][^>]*+>?"
    r"|<(/?)([a-zA-Z][^\s/>]*+)(?:[^>=]++|=\s*+(?:\"[^\"]*+\"|'[^']*+')|=)*+>?",
    re.DOTALL,
)
_RAW = {
    name: re.compile(f"</{name}", re.IGNORECASE)
    for name in ("script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes")
}
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)
_LEVELS = {"table": 4, "ul": 2, "ol": 2, "dl": 2}
"""Levels that one tag opens together with those which close themselves."""
_CLOSE_THEMSELVES = frozenset(
    {
        "p",
        "li",
        "dt",
        "dd",
        "tr",
        "td",
        "th",
        "thead",
        "tbody",
        "tfoot",
        "colgroup",
        "option",
        "optgroup",
        "rt",
        "rp",
        "body",
        "html",
        "head",
    }
)
_PLAIN = _VOID | _RAW.keys() | {"", "!"}
"""What opens and closes no level."""
_SCOPES = frozenset({"table", "template", "marquee", "object", "applet", "button", "select", "svg", "math", "caption"})
"""An end tag closes nothing beyond these."""
_FORMATTING = frozenset(
    {"a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"}
)


class Token(NamedTuple):
    """`name`: of a tag, in lower case, `/div` for an end tag; `!` for comments, scripts and the
    like; empty for words."""

    name: str
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Outline:
    """Tags and words within the limits above. `ends`: the number of a start tag → the number of the
    token that ends it, as far as there is one. `whole`: no word was left out."""

    tokens: list[Token]
    ends: dict[int, int]
    whole: bool


def tokens(html: str) -> Iterator[Token]:
    """Tags, comments and the words between them."""
    position = 0
    while match := _TOKEN.search(html, position):
        if match.start() > position:
            yield Token("", html[position : match.start()], position)
        name = f"{match[1]}{match[2]}".lower() if match[2] else "!"
        position = match.end()
        yield Token(name, match[0], match.start())
        if name in _RAW:
            end = _RAW[name].search(html, position)
            start, position = position, end.start() if end else len(html)
            yield Token("!", html[start:position], start)
    if position < len(html):
        yield Token("", html[position:], position)


def outline(html: str) -> Outline:
    """Parses HTML into an outline: cut where it is too long, flat where it is too deep, without
    end tags that end nothing and without the attributes of endless tags. Not to be changed: who
    asks for the same again gets the same."""
    return _last_outline(html) if len(html) <= _REMEMBERED else _outline(html)


def _outline(html: str) -> Outline:
    kept: list[Token] = []
    ends: dict[int, int] = {}
    levels: list[tuple[str, int]] = []
    lone: dict[str, int] = {}
    flattened: Counter[str] = Counter()
    depth = 0
    pieces = tokens(html[:MAX_LENGTH])
    for token in itertools.islice(pieces, MAX_TOKENS):
        name, bare, number = token.name, token.name.removeprefix("/"), len(kept)
        if bare in _CLOSE_THEMSELVES:
            if bare in lone:
                ends[lone.pop(bare)] = number
            if name == bare:
                lone[name] = number
        elif bare in _PLAIN:
            pass
        elif name == bare:
            if depth + _LEVELS.get(name, 1) > MAX_DEPTH:
                flattened[name] += 1
                continue
            levels.append((name, number))
            depth += _LEVELS.get(name, 1)
        else:
            place = _innermost(levels, bare)
            if flattened[bare] or place < 0:
                flattened[bare] -= flattened[bare] > 0
                continue
            closed = levels[place : place + 1 if bare in _FORMATTING else None]
            del levels[place : place + len(closed)]
            for each, start in closed:
                ends[start] = number
                depth -= _LEVELS.get(each, 1)
        kept.append(token if _short(token) else token._replace(text=f"<{name}>"))
    return Outline(kept, ends, whole=len(html) <= MAX_LENGTH and next(pieces, None) is None)


_last_outline = lru_cache(maxsize=1)(_outline)
"""A mail's HTML becomes text, is looked through for quotations, and is made safe."""
_REMEMBERED = 1 << 16
"""Characters of HTML whose outline may take memory until the next."""


def bounded(html: str) -> str:
    """Returns HTML that looks the same, within the limits above: for parsers whose time or
    memory grows faster than their input."""
    return "".join(_eased(token) for token in outline(html).tokens if token.name != "!")


def fits(html: str) -> bool:
    """Whether every word of it is within the limits above."""
    return len(html) <= MAX_LENGTH and (html.count("<") < MAX_TOKENS // 2 or outline(html).whole)


def without_tags(html: str) -> str:
    """Returns the text between the tags."""
    return " ".join(token.text for token in tokens(html) if not token.name)


def to_text(html: str) -> str:
    """Returns the text as a reader would see it: lines, lists, cells; without what is hidden,
    unless there is nothing else."""
    found = outline(html)
    return _render(found, hiding=True) or _render(found, hiding=False)


def _eased(token: Token) -> str:
    """Returns a token's text, split by empty comments: html5ever moves a whole text at each of
    some characters in it, and an empty comment makes two texts of one."""
    if token.name:
        return token.text
    cuts = [match.start() for match in itertools.islice(_SLOW.finditer(token.text), _EASY, None, _EASY)]
    return "<!---->".join(token.text[start:end] for start, end in itertools.pairwise([0, *cuts, len(token.text)]))


def _short(token: Token) -> bool:
    return not token.name or len(token.text) <= MAX_TAG or len(_VALUES.sub("", token.text)) <= MAX_TAG


def _innermost(levels: list[tuple[str, int]], name: str) -> int:
    """Returns the index of the innermost open element of this name that an end tag may close, or
    -1."""
    for place in range(len(levels) - 1, -1, -1):
        if levels[place][0] == name:
            return place
        if levels[place][0] in _SCOPES:
            break
    return -1


# ── as text ─────────────────────────────────────────────────────────────────────────────────────

_LINES = frozenset(
    {
        "address",
        "article",
        "aside",
        "center",
        "dd",
        "details",
        "dialog",
        "dir",
        "div",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "header",
        "hgroup",
        "hr",
        "legend",
        "main",
        "menu",
        "nav",
        "option",
        "section",
        "summary",
        "table",
        "caption",
        "tbody",
        "thead",
        "tfoot",
        "tr",
    }
)
_PARAGRAPHS = frozenset({"blockquote", "dl", "h1", "h2", "h3", "h4", "h5", "h6", "p", "pre"})
_LISTS = frozenset({"ul", "ol"})
_UNSEEN = frozenset({"svg", "math", "template"})
_BULLETS = "*+o-"
_DEEPEST = 8
"""Lists in lists that are still indented more than those around them."""
_HIDDEN = re.compile(
    r"\bdisplay\s*:\s*none\b|\bmso-hide\s*:\s*all\b|\bvisibility\s*:\s*hidden\b"
    r"|(?:\bmax-height|(?<![-\w])opacity)\s*:\s*0(?:\.0+)?(?:px|em|pt|%)?\s*(?:;|!|$)",
    re.IGNORECASE,
)
"""How mails hide what programs show beside the subject (preheaders). `font-size: 0` hides nothing:
newsletters put it around words of another size."""
_FILLER = re.compile("[\u00ad\u034f\u061c\u200b-\u200f\u2007\u2060\ufeff]")
"""Characters without a picture; where nothing else stands, they keep a preheader's rest blank."""
_AS_WRITTEN = re.compile(r"\bwhite-space\s*:\s*(?:pre|break-spaces)", re.IGNORECASE)
_STYLE = re.compile(r"\sstyle\s*=\s*(?:\"([^\"]*)|'([^']*)|([^\s>]*))", re.IGNORECASE)
_HIDDEN_ATTRIBUTE = re.compile(r"\shidden(?=[\s>=/])", re.IGNORECASE)
_NUMBER = re.compile(r"\s(?:start|value)\s*=\s*[\"']?(\d{1,6})\b", re.IGNORECASE)


@dataclass(slots=True)
class _Page:
    """Lines, as they are written. A break waits for the words behind it: so the first paragraph of
    a cell or of a list item stays on its line, and a row of short cells is one line."""

    lines: list[str] = field(default_factory=list)
    line: list[str] = field(default_factory=list)
    lists: list[int | str] = field(default_factory=list)
    bullet: str = ""
    pending: int = 0
    """1: a new line before the next words; 2: a blank one too."""
    blank: bool = False
    cell: bool = False
    fresh: bool = False
    """At the beginning of a cell or of a list item."""
    row: bool = False
    """Before the first cell of a row."""
    one_line: bool = True
    """This row, so far."""

    def words(self, text: str) -> None:
        inner = " ".join(text.split())
        if not inner or not _FILLER.sub("", inner).strip():
            self.blank = self.blank or bool(text)
            return
        blank = self.blank or text[0].isspace()
        if not self._begin() and blank:
            self.line.append(" ")
        self.line.append(inner)
        self.blank = text[-1].isspace()

    def written(self, text: str) -> None:
        for number, part in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n")):
            if number:
                self.new_line()
            if part:
                self._begin()
                self.line.append(part)
        self.blank = False

    def new_line(self) -> None:
        if self.line or (self.lines and self.lines[-1]):
            self.lines.append("".join(self.line).rstrip())
        self.line.clear()
        self.blank = self.one_line = False

    def end_line(self) -> None:
        if self.pending:
            self._begin()
        self.new_line()

    def after(self, level: int) -> None:
        """Makes the next words begin on a new line (1) or after a blank one (2)."""
        if not self.fresh:
            self.pending = max(self.pending, level)

    def begin_list(self, mark: int | str) -> None:
        self.fresh = False
        self.after(1 if self.lists else 2)
        self.lists.append(mark)

    def begin_item(self, number: str) -> None:
        self.fresh = False
        self.after(1)
        mark = self.lists[-1] if self.lists else _BULLETS[0]
        if isinstance(mark, int):
            mark = int(number or mark)
            self.lists[-1] = mark + 1
            mark = f"{mark}."
        self.bullet, self.fresh = f"{mark} ", True

    def end_list(self) -> None:
        del self.lists[-1:]
        self.fresh, self.bullet = False, ""
        self.after(1 if self.lists else 2)

    def begin_row(self) -> None:
        if self.line and not self.fresh:
            self.new_line()
        self.row = self.one_line = True

    def begin_cell(self) -> None:
        if self.row:
            self.row = False
        elif self.line and self.one_line:
            self.pending, self.cell = 0, True
        else:
            self.after(1)
        self.fresh = True

    def _begin(self) -> bool:
        """Whether the next words are the first of their line, or of their cell."""
        if self.pending and self.line:
            self.new_line()
        if self.pending == 2 and self.lines and self.lines[-1]:
            self.lines.append("")
        first = not self.line or self.cell
        if self.cell and self.line:
            self.line.append("  ")
        elif not self.line:
            indent = "  " * min(len(self.lists), _DEEPEST)
            self.line.append(indent[2:] + self.bullet if self.bullet else indent)
        self.bullet, self.pending, self.cell, self.fresh = "", 0, False, False
        return first


def _render(found: Outline, *, hiding: bool) -> str:
    page, resume, as_written = _Page(), 0, 0
    for number, (name, text, _) in enumerate(found.tokens):
        if number < resume or name == "!":
            continue
        if not name:
            (page.written if number < as_written else page.words)(_unescaped(text))
            continue
        style = _style(text)
        if (hiding and name[0] != "/" and (_HIDDEN.search(style) or _HIDDEN_ATTRIBUTE.search(text))) or name in _UNSEEN:
            resume = found.ends.get(number, resume)
        else:
            _tag(page, name, text)
            if name == "pre" or _AS_WRITTEN.search(style):
                as_written = max(as_written, found.ends.get(number, len(found.tokens) if name == "pre" else 0))
    page.new_line()
    return "\n".join(page.lines).strip()


def _tag(page: _Page, name: str, text: str) -> None:
    bare = name.removeprefix("/")
    if name == "br":
        page.end_line()
    elif name in _LISTS:
        page.begin_list(int(_number(text) or 1) if name == "ol" else _BULLETS[len(page.lists) % len(_BULLETS)])
    elif bare in _LISTS:
        page.end_list()
    elif name == "li":
        page.begin_item(_number(text))
    elif name == "tr":
        page.begin_row()
    elif name in {"td", "th"}:
        page.begin_cell()
    elif bare in _PARAGRAPHS:
        page.after(2)
    elif bare in _LINES or bare == "li":
        page.after(1)
    if name == "/table":
        page.one_line = False


def _style(tag: str) -> str:
    match = _STYLE.search(tag) if "style" in tag or "STYLE" in tag else None
    return _unescaped(next(filter(None, match.groups()), "")) if match else ""


def _number(tag: str) -> str:
    match = _NUMBER.search(tag)
    return match[1] if match else ""


def _unescaped(text: str) -> str:
    try:
        return entities.unescape(text) if "&" in text else text
    except ValueError:  # a number with more digits than Python reads
        return text
