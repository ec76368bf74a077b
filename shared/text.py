"""Text from outside: made fit to keep, HTML made safe to show (nh3) and made into plain text.
Nothing here ever raises."""

from __future__ import annotations

import re
from collections.abc import Callable

import nh3

from shared import markup

_TAGS = nh3.ALLOWED_TAGS - {"map", "area"} | {"font", "center"}
_LINKS = ("http://", "https://", "mailto:", "tel:")
_PICTURES = ("http://", "https://", "cid:", *(f"data:image/{kind};base64," for kind in ("png", "jpeg", "gif", "webp")))
_CELLS = {"width", "height", "bgcolor", "valign"}
_ATTRIBUTES = nh3.ALLOWED_ATTRIBUTES | {"*": {"style", "dir", "lang", "title"}, "font": {"color", "size"}}
_ATTRIBUTES |= {
    "ol": {"start", "type"},
    "li": {"value"},
    "ul": {"type"},
    "table": {"border", "cellpadding", "cellspacing"} | _CELLS,
}
_ATTRIBUTES |= {cell: nh3.ALLOWED_ATTRIBUTES[cell] | _CELLS for cell in ("td", "th")}
_SIDES = ("", "-top", "-right", "-bottom", "-left")
_STYLES = {f"{name}{side}" for name in ("border", "margin", "padding") for side in _SIDES} | {
    *("background-color", "border-collapse", "border-color", "border-spacing", "border-style", "border-width", "color"),
    *("direction", "display", "font-family", "font-size", "font-style", "font-weight", "height", "line-height"),
    *(
        "list-style-type",
        "max-width",
        "text-align",
        "text-decoration",
        "text-indent",
        "vertical-align",
        "white-space",
        "width",
    ),
}
"""What a mail looks like, and nothing that is fetched or that leaves its place."""
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
    """Returns the text with U+FFFD for each character that no store takes."""
    return _UNSTORABLE.sub("\ufffd", text)


def clean_html(html: str, place: Callable[[str], str | None] = str) -> str:
    """Returns HTML without scripts, style sheets, forms and frames. `place` maps the address of
    a picture to where it is loaded from, or to None for nowhere. Unless it maps them, HTML is
    only for a frame that fetches nothing: a remote picture shows its sender that it was seen."""

    def keep(tag: str, name: str, value: str) -> str | None:
        if (tag, name) == ("img", "src"):
            return place(value) if value.lower().startswith(_PICTURES) else None
        return value if name != "href" or value.lower().startswith(_LINKS) else None

    return nh3.clean(
        markup.bounded(html).replace("\x00", ""),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=keep,
        filter_style_properties=_STYLES,
        clean_content_tags=_DROP_WITH_CONTENT,
        url_schemes={"http", "https", "mailto", "tel", "cid", "data"},
        link_rel="noopener noreferrer nofollow",
    )


def html_to_text(html: str) -> str:
    """Returns the text as a reader would see it."""
    return markup.to_text(html.replace("\x00", ""))
