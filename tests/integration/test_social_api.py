"""Social's API, asked by whoever means harm or mistypes: a clear refusal, never an error of
ours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest
from pydantic import SecretStr

from services.social.app import create
from services.social.settings import SocialSettings
from shared.bus.memory import MemoryBus
from tests.integration.social_parts import COMMON, Parts, migrated
from tests.unit.social.makers import post

TOKEN = "social-token-of-the-tests"


@pytest.fixture
async def client(database: str) -> AsyncIterator[httpx.AsyncClient]:
    async with migrated(database) as db:
        await Parts(db).take([post(text="Huge thanks to Anna, lovely day")])
        settings = SocialSettings(database=SecretStr(database), api_token=SecretStr(TOKEN))
        service = create(COMMON, settings, bus=MemoryBus())
        headers = {"Authorization": f"Bearer {TOKEN}"}
        door = httpx.ASGITransport(service.api, raise_app_exceptions=False)
        async with (
            httpx.AsyncClient(transport=door, base_url="http://social", headers=headers) as found,
            service.resources(),
        ):
            yield found


EDGES = ("\x00", "a\x00b", "\ufffd", "9" * 5_000, "-1", "0001-01-01T00:00:00+14:00,1", "9999-12-31T23:59:59-14:00,1")
"""What no store takes, or hardly."""
BODIES = (
    b'{"label": "complaint", "by": "a\\u0000b"}',
    b'{"label": "complaint", "by": "a\\ud83d"}',
    b'{"label": "complaint", "by": ' + b"9" * 5_000 + b"}",
    b"[" * 5_000,
    b'{"label": "\xff"}',
)


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: repr(edge)[:30])
async def test_a_value_at_the_edge_in_a_query_or_a_path_is_refused_with_words(
    client: httpx.AsyncClient, edge: str
) -> None:
    edge = quote(edge)
    for name in ("kind", "language", "before", "limit"):
        answer = await client.get(f"/api/v1/mentions?{name}={edge}")
        assert answer.status_code in {200, 400, 422}, f"{name}: {answer.text}"
        assert answer.is_success or answer.json()["detail"]
    assert (await client.post(f"/api/v1/mentions/{edge}/ticket")).status_code in {400, 404}
    assert (await client.put(f"/api/v1/posts/{edge}/label", json={"label": "other"})).status_code in {400, 404}


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body)[:40])
async def test_a_value_at_the_edge_in_a_label_is_refused_with_words(client: httpx.AsyncClient, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await client.put("/api/v1/posts/100/label", content=body, headers=headers)
    assert answer.status_code in {400, 422}, answer.text
    assert answer.json()["detail"]


async def test_a_label_is_taken_beside_all_that(client: httpx.AsyncClient) -> None:
    assert (await client.put("/api/v1/posts/100/label", json={"label": "other", "by": "Ann"})).status_code == 200
