"""The model's card as a part of a page: Markdown of ours, cleaned."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup

_TAGS = {
    "h2", "h3", "h4", "p", "em", "strong", "code", "pre", "ul", "ol", "li", "a", "blockquote", "hr", "br",
    "div", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
_ATTRIBUTES = {"div": {"class", "tabindex", "role", "aria-label"}, "a": {"href"}}


def as_html(text: str) -> Markup:
    """Renders a card without its title, which the page has as its own. Wide tables can be
    scrolled, also by keyboard."""
    body = text.partition("\n")[2] if text.startswith("# ") else text
    return Markup(nh3.clean(_markdown().render(body), tags=_TAGS, attributes=_ATTRIBUTES, url_schemes={"https"}))  # noqa: S704


@cache
def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": True}).enable("table")
    markdown.add_render_rule("table_open", _table_open)
    markdown.add_render_rule("table_close", _table_close)
    return markdown


def _table_open(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: Any) -> str:
    number = sum(token.type == "table_open" for token in tokens[: at + 1])
    return f'<div class="scroll" tabindex="0" role="region" aria-label="Table {number}">' + renderer.renderToken(
        tokens, at, options, env
    )


def _table_close(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: Any) -> str:
    return renderer.renderToken(tokens, at, options, env) + "</div>"
