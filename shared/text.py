"""Text from outside: made fit to keep, HTML made safe to show (nh3) and made into plain text. Nothing here ever raises."""

from __future__ import annotations

import re

import nh3

from shared import markup

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


def storable(text: str) -> str:
    """The text with U+FFFD for each character that no store takes."""
    return _UNSTORABLE.sub("\ufffd", text)


def clean_html(html: str) -> str:
    """HTML without scripts, styles, forms, frames and images (a remote image tells its sender that it was seen)."""
    return nh3.clean(
        markup.bounded(html).replace("\x00", ""),
        tags=_TAGS,
        clean_content_tags=_DROP_WITH_CONTENT,
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener noreferrer nofollow",
    )


def html_to_text(html: str) -> str:
    """The text as a reader would see it."""
    return markup.to_text(html.replace("\x00", ""))
