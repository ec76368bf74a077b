"""Text from outside: made fit to keep, HTML made safe to show (nh3) and made into plain text (inscriptis). Nothing here ever raises."""

from __future__ import annotations

import re

import inscriptis
import nh3
from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.model.config import ParserConfig

MAX_HTML = 1_000_000
"""Characters. One odd newsletter must not freeze a desk; the original stays in the storage."""
_TAGS = nh3.ALLOWED_TAGS - {"img", "map", "area"} | {"font", "center"}
_DROP_WITH_CONTENT = {
    "script",
    "style",
    "head",
    "title",
    "noscript",
    "template",
    "svg",
    "math",
    "iframe",
    "object",
    "form",
}
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""NUL, which PostgreSQL refuses, and halves of a character, which have no UTF-8."""
_BLANK_LINES = re.compile(r"\n[ \t]*\n(?:[ \t]*\n)+")


def storable(text: str) -> str:
    """The text with U+FFFD for each character that no store takes."""
    return _UNSTORABLE.sub("\ufffd", text)


def clean_html(html: str) -> str:
    """HTML without scripts, styles, forms, frames and images (a remote image tells its sender that it was seen)."""
    return nh3.clean(
        html[:MAX_HTML].replace("\x00", ""),
        tags=_TAGS,
        clean_content_tags=_DROP_WITH_CONTENT,
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener noreferrer nofollow",
    )


def html_to_text(html: str) -> str:
    """The text as a reader would see it."""
    safe = nh3.clean(html[:MAX_HTML].replace("\x00", ""), clean_content_tags=_DROP_WITH_CONTENT)
    if not safe.strip():
        return ""
    try:
        text = inscriptis.get_text(f"<html><body>{safe}</body></html>", ParserConfig(css=CSS_PROFILES["strict"]))
    except Exception:  # noqa: BLE001 - whatever a parser trips over, the customer's words are still in there
        text = re.sub(r"<[^>]*>", " ", safe)
    return _BLANK_LINES.sub("\n\n", text).strip()
