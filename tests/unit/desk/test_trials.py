"""What an admin reads of the model, and what the desk makes of a router that answers strangely."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from services.desk.trials import service as trials
from services.desk.web import render
from services.desk.web.trials import card, words
from services.router.adapters import urgency
from shared.errors import Rejected, Unavailable
from shared.trials import Trial


def test_the_model_s_card_is_a_page_with_tables_that_can_be_scrolled_by_keyboard() -> None:
    html = card.as_html(urgency.card())
    assert html.startswith("<p><strong>What it is for.")
    assert html.count('<div class="scroll" tabindex="0" role="region" aria-label="Table ') == html.count("<table>") > 2
    assert 'aria-label="Table 2"' in html
    assert "figures --" not in html


def test_what_a_card_should_not_have_is_not_in_its_page() -> None:
    html = card.as_html(
        "# Title\n\n<script>x</script>\n\n<b onclick=x>b</b> [a](javascript:x) [b](https://example.org)"
    )
    assert "Title" not in html
    assert "<script" not in html
    assert 'href="javascript' not in html
    assert "onclick" not in html
    assert '<a href="https://example.org"' in html


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("severity.outage", "an outage"),
        ("tier.pro", "the pro plan"),
        ("calm", "nothing but thanks, a goodbye or spam"),
        ("new", "new"),
    ],
)
def test_a_signal_is_named_in_words(code: str, said: str) -> None:
    assert words.signal(code, render.gettext("en")) == said
    assert words.kind("order", render.gettext("fr")) == "une commande"


@asynccontextmanager
async def answering(answer: Callable[[], web.Response]) -> AsyncIterator[Any]:
    async def handle(_: web.Request) -> web.Response:
        return answer()

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    common = SimpleNamespace(secret=SecretStr("s" * 32))
    yield SimpleNamespace(common=common, settings=SimpleNamespace(router_url=f"http://127.0.0.1:{port}"))
    await runner.cleanup()


@pytest.mark.parametrize(
    "answer",
    [
        lambda: web.Response(status=500, body=b"\xff"),
        lambda: web.Response(status=302, headers={"Location": "http://127.0.0.1:9/"}),
        lambda: web.Response(text="{"),
        lambda: web.Response(text='{"current": 1}'),
        lambda: web.Response(status=422, text="not a problem"),
    ],
)
async def test_a_router_that_answers_strangely_counts_as_away(answer: Callable[[], web.Response]) -> None:
    async with answering(answer) as desk:
        with pytest.raises(Unavailable):
            await trials.tried(desk, Trial(text="x"))


async def test_what_the_router_refuses_is_told_with_its_code() -> None:
    told = '{"type": "urn:switchboard:problem:trial-too-long", "detail": "A text has at most"}'
    async with answering(lambda: web.Response(status=422, text=told)) as desk:
        with pytest.raises(Rejected, match="A text has at most") as refused:
            await trials.tried(desk, Trial(text="x"))
    assert (refused.value.status, refused.value.code) == (422, "trial-too-long")
