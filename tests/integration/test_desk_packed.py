"""Pages travel compressed, where nobody can learn from their length what is in them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from services.desk.actors import COMMAND
from services.desk.app import DeskService
from services.desk.people import service as people
from services.desk.people.limits import Limiter
from tests.integration.desk_parts import KNOWN, migrate, service_on

OURS = {"Sec-Fetch-Site": "same-origin", "Accept-Encoding": "gzip, br"}


@pytest.fixture
async def service(database: str, storage_url: str) -> AsyncIterator[DeskService]:
    await migrate(database)
    async with service_on(database, storage_url, channels=KNOWN) as made:
        yield made


@pytest.fixture
async def browser(service: DeskService) -> AsyncIterator[httpx.AsyncClient]:
    email, password = "sam@example.org", "long enough"
    await people.create_agent(
        service.desk.database, email=email, name="Sam", role="agent", password=password, actor=COMMAND
    )
    token = await people.sign_in(service.desk, Limiter(10), email, password, ip="")
    transport = httpx.ASGITransport(service.api)
    headers = {"Origin": "http://desk", "Accept": "text/html"}
    async with httpx.AsyncClient(transport=transport, base_url="http://desk", headers=headers) as client:
        client.cookies.set(people.COOKIE, token)
        yield client


def token_of(page: httpx.Response) -> str:
    found = re.search(r'name="csrf" value="(\w+)"', page.text)
    assert found
    return found[1]


async def test_a_page_is_compressed_for_our_own_pages_and_for_who_typed_its_address(browser: httpx.AsyncClient) -> None:
    plain = await browser.get("/inbox/all", headers={"Accept-Encoding": "identity", "Sec-Fetch-Site": "none"})
    assert "content-encoding" not in plain.headers
    for site in ("same-origin", "none"):
        page = await browser.get("/inbox/all", headers=OURS | {"Sec-Fetch-Site": site})
        assert page.headers["content-encoding"] == "gzip"
        assert int(page.headers["content-length"]) < len(plain.content) / 3
        assert page.text.endswith("</html>"), "and comes out whole"
        assert "Sec-Fetch-Site" in page.headers["vary"]


@pytest.mark.parametrize("site", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {}])
async def test_a_page_that_another_site_asks_for_keeps_its_length(
    browser: httpx.AsyncClient, site: dict[str, str]
) -> None:
    page = await browser.get("/inbox/all?q=guess", headers={"Accept-Encoding": "gzip", **site})
    assert page.status_code == 200
    assert "content-encoding" not in page.headers


async def test_the_token_of_forms_is_written_differently_each_time_and_each_form_of_it_is_taken(
    service: DeskService, browser: httpx.AsyncClient
) -> None:
    one, other = [token_of(await browser.get("/inbox/all", headers=OURS)) for _ in range(2)]
    assert one != other
    assert not set(re.findall(".{8}", one)) & set(re.findall(".{8}", other)), "no part of it stays"
    for wrong in ("", "é", one[:-2] + ("00" if one[-2:] != "00" else "11"), one[:64], "0" * 128):
        refused = await browser.post("/logout", data={"csrf": wrong}, headers=OURS)
        assert refused.status_code == 403, wrong
    assert (await browser.post("/logout", data={"csrf": other}, headers=OURS)).status_code == 303
