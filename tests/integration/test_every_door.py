"""Whatever is sent to a door of ours, the answer is documented and no fault of ours: every API of
the whole running system."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import psutil
import pytest
import schemathesis
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, given, settings
from pydantic import SecretStr
from schemathesis import checks

from services.desk.app import create
from services.desk.settings import DeskSettings
from shared.bus.kafka import KafkaBus
from shared.health import Health
from shared.settings import Settings
from tests import stack
from tests.conftest import engine_folder

DOORS = ("desk", "dashboard", "phone", "social")
"""Those with an API. Of the phone's only refusals are seen here: its signed webhooks have tests of
their own."""
_TEXTS = (
    "\x00",
    "a\x00b",
    "\udcff",
    "\ud83d",
    "￿",
    "9" * 5000,
    "-" + "9" * 400,
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "NaN",
    "../" * 50,
)
_VALUES = (
    r'"\u0000"',
    r'"\ud800"',
    r'"\udc00\ud800"',
    "9" * 5000,
    "1e400",
    "-0.0",
    '"' + "x" * 300_000 + '"',
    "[" * 2000 + "]" * 2000,
    "null",
    "{}",
)
_TOKEN = "t" * 32
_FORM = "application/x-www-form-urlencoded"
_LEFT_OUT = ("/api/v1/live", "/live", "/wallboard/live", "/logout")
"""Streams, whose answer never ends, and the end of the session that the others need."""


@pytest.fixture(scope="module")
def system() -> Iterator[stack.Stack]:
    unlimited = {"DASHBOARD_RATE_PER_ADDRESS": "0", "DASHBOARD_RATE_PER_VISITOR": "0", "SOCIAL_API_TOKEN": _TOKEN}
    with engine_folder() as folder, stack.running(folder / "home", unlimited) as running:
        yield running


@pytest.fixture(scope="module")
def admin(system: stack.Stack) -> str:
    """A token for everything at the desk, made as an operator makes it."""
    environment = psutil.Process(system.run["services"]["desk"]["pid"]).environ()
    line = [sys.executable, "-m", "services", "desk", "create-token", "--name", "fuzz", "--scopes", "read,write,admin"]
    return subprocess.run(
        line, env=environment, cwd=stack.ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture(scope="module")
def ticket(system: stack.Stack) -> str:
    system.send(stack.mail_from("ann@customer.test", "The door", "It does not open."))
    system.ticket_with("The door")
    return str(system.tickets()[0]["number"])


@pytest.fixture(scope="module", params=DOORS)
def door(request: pytest.FixtureRequest, system: stack.Stack, admin: str) -> Iterator[httpx.Client]:
    name = request.param
    url, headers = system.url(name), {"Authorization": f"Bearer {admin if name == 'desk' else _TOKEN}"}
    if name == "dashboard":
        site = system.site["key"]
        token = httpx.post(f"{url}/api/v1/sessions", json={"site": site}).json()["token"]
        headers = {"X-Site-Key": site, "Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, headers=headers, timeout=20) as http:
        yield http


def test_every_operation_answers_as_it_is_documented(door: httpx.Client) -> None:
    schema = schemathesis.openapi.from_url(f"{door.base_url}/openapi.json")
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path in _LEFT_OUT:
            continue

        @settings(
            max_examples=8, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy())
        def answers(case: schemathesis.Case) -> None:
            answer = case.call(headers=dict(door.headers), timeout=20)
            case.validate_response(
                answer,
                checks=[
                    checks.not_a_server_error,
                    checks.CHECKS.get_one("status_code_conformance"),
                    checks.CHECKS.get_one("content_type_conformance"),
                    checks.CHECKS.get_one("response_schema_conformance"),
                ],
            )

        answers()


def test_characters_numbers_and_dates_that_no_store_takes_are_refused_or_replaced(
    door: httpx.Client, ticket: str
) -> None:
    _no_fault(door, poisoned(door.get("/openapi.json").json(), ticket))


def _no_fault(door: httpx.Client, requests: Iterator[tuple[str, str, str, str]]) -> None:
    faults: list[str] = []
    for method, url, sort, body in requests:
        headers = {"Content-Type": sort}
        content = body.encode("utf-8", "surrogatepass")
        try:
            answer = door.request(method, url, content=content, headers=headers)
        except httpx.TransportError as error:
            faults.append(f"{error!r} {method} {url[:120]} {body[:120]}")
            continue
        if answer.status_code >= 500:
            faults.append(f"{answer.status_code} {method} {url[:120]} {body[:120]}")
    assert not faults, "\n".join(faults)


def test_pages_and_forms_of_the_console_take_them_too(system: stack.Stack, ticket: str) -> None:
    address = system.url("desk")
    with httpx.Client(base_url=address, headers={"Origin": address}, timeout=20) as http:
        admin = system.run["admin"]
        password = Path(admin["password_file"]).read_text().strip()
        assert http.post("/login", data={"email": admin["email"], "password": password}).status_code == 303
        _no_fault(http, poisoned(_pages(), ticket))
        assert http.get("/inbox/all").status_code == 200, "the session was lost on the way"


def test_the_contact_page_takes_them_too(system: stack.Stack) -> None:
    page = f"/contact/{system.site['site']}"
    form = {name: {} for name in ("key", "name", "email", "phone", "subject", "message", "answer", "lang")}
    post = {"requestBody": {"content": {_FORM: {"schema": {"properties": form}}}}}
    with httpx.Client(base_url=system.url("dashboard"), timeout=20) as http:
        paths = {page: {"post": post}, f"{page}/conversation": {"post": post}}
        seen = {"parameters": [{"in": "query", "name": "lang"}, {"in": "path", "name": "site"}]}
        _no_fault(http, poisoned({"paths": {**paths, "/contact/{site}": {"get": seen}}}, "local-site"))


@pytest.mark.parametrize(
    ("service", "page"), [("desk", "/inbox/all"), ("desk", "/login"), ("dashboard", "/contact/local-site")]
)
def test_cookies_that_we_never_set_are_none(system: stack.Stack, service: str, page: str) -> None:
    names = ("session", "theme", "language", "view", "keys", "sound", "visitor", "contact", "csrf")
    for value in ("%00", "%ff%fe", '"', "x" * 3000, "9" * 5000, "%F0%9F%98"):
        cookie = "; ".join(f"{name}={value}" for name in names)
        answer = httpx.get(system.url(service) + page, headers={"Cookie": cookie}, timeout=20)
        assert answer.status_code in (200, 303), (value[:20], answer.text[:200])


def _pages() -> dict[str, Any]:
    """The console's pages and forms as an OpenAPI document: the product does not publish them."""
    common = Settings(secret=SecretStr("s" * 32))
    own = DeskSettings(database=SecretStr("postgresql://nobody@127.0.0.1/nowhere"))
    app = create(common, own, bus=KafkaBus("127.0.0.1:9", "desk", Health())).api
    for route in app.routes:
        if isinstance(route, APIRoute):
            route.include_in_schema = not route.path.startswith("/api/")
    return app.openapi()


def poisoned(document: dict[str, Any], known: str) -> Iterator[tuple[str, str, str, str]]:
    """Method, address, type and body of one request for each parameter and field with each poison.
    `known`: a ticket's number."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if path in _LEFT_OUT:
                continue
            plain = re.sub(r"\{\w+\}", known, path)
            for parameter in operation.get("parameters", []):
                for value in (quote(text.encode("utf-8", "surrogatepass")) for text in _TEXTS):
                    if parameter["in"] == "path":
                        yield method, re.sub(r"\{\w+\}", value, path), "application/json", "{}"
                    elif parameter["in"] == "query":
                        yield method, f"{plain}?{parameter['name']}={value}", "application/json", "{}"
            for sort, media in operation.get("requestBody", {}).get("content", {}).items():
                for body in _bodies(sort, _resolved(document, media.get("schema", {}))):
                    yield method, plain, sort, body


def _bodies(sort: str, schema: dict[str, Any]) -> Iterator[str]:
    fields, needed = list(schema.get("properties", {})), schema.get("required", [])
    if sort == "application/json":
        yield from _VALUES
        for field in fields:
            rest = "".join(f', "{name}": "x"' for name in needed if name != field)
            yield from (f'{{"{field}": {value}{rest}}}' for value in _VALUES)
            yield from (f'{{"{field}": {{"a": {value}}}{rest}}}' for value in _VALUES)
    elif "form" in sort:
        for field in fields:
            yield from (f"{field}={quote(text.encode('utf-8', 'surrogatepass'))}" for text in _TEXTS)


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return document["components"]["schemas"][name] if name else schema
