"""What X takes for a link, as its own library (npm's twitter-text 3.1.0) finds them; a test holds
us to that.

A link needs no protocol and may be glued to other text. IP addresses and mail addresses are none.
Everything here is bounded, so that the time grows with the text and not with its square.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby
from pathlib import Path

_DOMAINS = Path(__file__).with_name("domains.txt")
"""The top-level domains that twitter-text knows."""
_LATIN = (
    "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0253\u0254\u0256\u0257\u0259\u025b\u0263\u0268\u026f\u0272\u0289\u028b\u02bb"
    "\u0300-\u036f\u1e00-\u1eff"
)
_NO_CHARACTER, _MARKS = "\ufffe\ufeff\uffff", "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_LABEL = (
    r"[^/!'#%&()*+,\\\-.:;<=>?@\[\]^_{|}~$\x09-\x0d\x20\x85\xa0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
    rf"{_NO_CHARACTER}{_MARKS}]"
)
_BEFORE = rf"(?P<before>[^A-Za-z0-9@＠$#＃{_NO_CHARACTER}]|\A)"
_PATH = rf"a-z\u0400-\u04ff0-9!*';:=+,.$/%#\[\]\-\u2013_~@|&{_LATIN}"
_PARENS = rf"\((?:[{_PATH}]++|[{_PATH}]*+\([{_PATH}]++\)[{_PATH}]*+)\)"
_PATH_ENDS = re.compile(rf"(?P<parens>{_PARENS})|[a-z\u0400-\u04ff0-9+\-=_#/{_LATIN}]", re.IGNORECASE)
_QUERY_ENDS = re.compile(r"[^a-z0-9\-_&=#/]+\Z", re.IGNORECASE)
_NOT_BEHIND = "-_./"
"""Behind one of these a link without a protocol is none."""
_QUERY, _QUERY_END = r"[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]", r"[a-z0-9\-_&=#/]"
_T_CO = re.compile(rf"https?://t\.co/([a-z0-9]+)(?:\?{_QUERY}*{_QUERY_END})?", re.IGNORECASE)
_LONGEST, _LONGEST_SLUG = 4096, 40


def links(text: str) -> Iterator[tuple[int, int]]:
    """Yields where each link begins and ends, in order. `text`: in NFC."""
    if "." not in text:
        return
    place = 0
    while found := _whole().search(text, place):
        path, query = found["path"] or "", found["query"] or ""
        end = found.end("port") if found["port"] else found.end("domain")
        kept = _kept(path)
        end += kept
        if kept == len(path) and query:
            end += len(shown) if len(shown := _QUERY_ENDS.sub("", query)) > 1 else 0
        place = max(end, found.end("domain"))
        if found.end("domain") - found.start("url") > _LONGEST:
            continue
        if found["protocol"]:
            yield from _with_protocol(text, found.start("url"), end)
        elif not found["before"] or found["before"] not in _NOT_BEHIND:
            yield from _without(found, end if path else found.end("domain"))


def _kept(path: str) -> int:
    """Returns how much of a path is part of its link: up to the last letter or so, and parentheses
    that follow it at once."""
    end = 0
    for one in _PATH_ENDS.finditer(path):
        if not one["parens"] or one.start() == end:
            end = one.end()
    return end


def _with_protocol(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    short = _T_CO.match(text, start, end)
    if short is None:
        yield start, end
    elif len(short[1]) <= _LONGEST_SLUG:
        yield start, short.end()


def _without(found: re.Match[str], end: int) -> Iterator[tuple[int, int]]:
    """Yields links without a protocol. Of what is glued together only the part in Latin letters
    counts; the last one takes port and query along, where it has a path."""
    own = list(_latin().finditer(found["domain"]))
    start = found.start("domain")
    for one in own:
        more = (
            end - found.end("domain") if one is own[-1] else 0
        )  # X counts on from the part, even where the rest is no Latin
        yield start + one.start(), start + one.end() + more


@cache
def _whole() -> re.Pattern[str]:
    label, top = rf"{_LABEL}{{1,63}}+", _top()
    inner = rf"(?:{_LABEL}(?:[_-]|{_LABEL}){{0,62}}(?<![_-])\.)"
    name = rf"(?:{label}(?:-+{label})*+\.)"
    return re.compile(
        rf"{_BEFORE}(?P<url>(?P<protocol>https?://)?(?P<domain>{inner}{{0,9}}{name}{top})(?P<port>:[0-9]+)?"
        rf"(?P<path>/(?:[{_PATH}]|{_PARENS})*+)?(?P<query>\?{_QUERY}*+)?)",
        re.IGNORECASE,
    )


@cache
def _latin() -> re.Pattern[str]:
    return re.compile(rf"(?:[\-a-z0-9{_LATIN}]{{1,63}}+\.){{1,10}}{_top()}", re.IGNORECASE)


@cache
def _top() -> str:
    names = _DOMAINS.read_text(encoding="utf-8").split()
    return rf"(?:{_any(sorted(names))}(?=[^0-9a-zA-Z@+\-]|\Z)|xn--[\-0-9a-z]+)"


def _any(names: Iterable[str]) -> str:
    """Builds a pattern for these, sorted, that looks at each letter once; the longest first."""
    found = []
    for first, group in groupby(names, key=lambda name: name[:1]):
        rest = [name[1:] for name in group]
        more = [name for name in rest if name]
        found.append(re.escape(first) + (_any(more) + ("?" if "" in rest else "") if more else ""))
    return f"(?:{'|'.join(found)})"
