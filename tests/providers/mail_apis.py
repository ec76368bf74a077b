"""Mail providers that we hand mails to by HTTP: Mailgun, Postmark and SendGrid, on loopback, in
their wire format.

After documentation.mailgun.com (Messages: messages.mime, Response codes) and
postmarkapp.com/developer/api (Overview: codes; Email) and twilio.com/docs/sendgrid (Mail Send:
body, errors), in our own words.
"""

from __future__ import annotations

import asyncio
import base64
import email
import email.policy
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

KEY = "key-0123456789"
BASIC = "Basic " + base64.b64encode(f"api:{KEY}".encode()).decode()


@dataclass
class Answer:
    """What the next request hears. `hang_up`: nothing, after it was read."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False


@dataclass
class Apis:
    """`taken`: what each was handed, as the provider understands it; `in_pieces`: how answers
    come."""

    url: str = ""
    next: list[Answer] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)
    in_pieces: bool = False

    def _said(self, request: web.Request) -> web.Response | None:
        if not self.next:
            return None
        said = self.next.pop(0)
        if said.hang_up and request.transport:
            request.transport.abort()
        return web.json_response(said.body, status=said.status, headers=said.headers)

    async def mime(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != BASIC:
            return web.Response(status=401, text="Forbidden")
        form = await request.post()
        if said := self._said(request):
            return said
        message = form["message"]
        if not isinstance(message, web.FileField):
            return web.json_response({"message": "message parameter is missing"}, status=400)
        content = message.file.read()
        own_id = email.message_from_bytes(content, policy=email.policy.default)["Message-ID"]
        people = [str(value) for value in form.getall("to")]
        self.taken.append({"domain": request.match_info["domain"], "to": people, "content": content, "form": form})
        return web.json_response({"id": str(own_id), "message": "Queued. Thank you."})

    async def moved(self, request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect(f"/{request.match_info['path']}")

    async def domains(self, request: web.Request) -> web.Response:
        right = request.headers.get("Authorization") == BASIC
        return web.json_response({"items": []} if right else {}, status=200 if right else 401)

    async def email(self, request: web.Request) -> web.Response:
        if request.headers.get("X-Postmark-Server-Token") != KEY:
            return web.json_response(
                {"ErrorCode": 10, "Message": "No Account or Server API tokens were supplied"}, status=401
            )
        values = json.loads(await request.text())
        if said := self._said(request):
            return said
        if not values.get("TextBody") and not values.get("HtmlBody"):
            return web.json_response(
                {"ErrorCode": 300, "Message": "Provide either email TextBody or HtmlBody or both."}, status=422
            )
        self.taken.append(values)
        return web.json_response(
            {"ErrorCode": 0, "Message": "OK", "MessageID": "b7bc2f4a-e38e-4336-af7d-e6c392c2f817", "To": values["To"]}
        )

    async def server(self, request: web.Request) -> web.Response:
        right = request.headers.get("X-Postmark-Server-Token") == KEY
        return web.json_response({"ID": 1} if right else {"ErrorCode": 10}, status=200 if right else 401)

    async def mail_send(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return web.json_response(
                {"errors": [{"message": "The provided authorization grant is invalid"}]}, status=401
            )
        values = json.loads(await request.text())
        if said := self._said(request):
            return said
        if wrong := _wrong_for_sendgrid(values):
            return web.json_response({"errors": [{"message": wrong, "field": None, "help": None}]}, status=400)
        self.taken.append(values)
        return web.Response(status=202, headers={"X-Message-Id": "14c5d75ce93"})

    async def scopes(self, request: web.Request) -> web.Response:
        right = request.headers.get("Authorization") == f"Bearer {KEY}"
        return web.json_response({"scopes": ["mail.send"]} if right else {}, status=200 if right else 401)


_RESERVED = {"to", "from", "cc", "bcc", "subject", "reply-to", "content-type", "received", "dkim-signature"}


def _wrong_for_sendgrid(values: dict[str, Any]) -> str:
    """What SendGrid would find wrong with a mail; empty where it takes it."""
    people = [one["email"].lower() for each in values["personalizations"] for kind in each.values() for one in kind]
    if len(set(people)) < len(people):
        return "Each email address in the personalization block should be unique between to, cc, and bcc."
    if [one["type"] for one in values["content"]][:1] != ["text/plain"] or not all(
        one["value"] for one in values["content"]
    ):
        return "If present, text/plain and text/html may only be provided once, text/plain first."
    if not values["subject"]:
        return "The subject is required."
    if reserved := _RESERVED & {name.lower() for name in values["headers"]}:
        return f"Header can not be one of the reserved keys: {reserved}"
    return ""


@web.middleware
async def slowly(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Any:
    answer = await handler(request)
    if not request.app[APIS].in_pieces or not isinstance(answer, web.Response) or not isinstance(answer.body, bytes):
        return answer
    whole = web.StreamResponse(status=answer.status)
    await whole.prepare(request)
    for byte in answer.body:
        await whole.write(bytes([byte]))
        await asyncio.sleep(0)
    await whole.write_eof()
    return whole


APIS = web.AppKey("apis", Apis)


@asynccontextmanager
async def serving() -> AsyncIterator[Apis]:
    apis = Apis()
    app = web.Application(middlewares=[slowly])
    app[APIS] = apis
    app.router.add_route("*", "/moved/{path:.*}", apis.moved)
    app.router.add_post("/v3/{domain}/messages.mime", apis.mime)
    app.router.add_get("/v3/domains", apis.domains)
    app.router.add_post("/email", apis.email)
    app.router.add_get("/server", apis.server)
    app.router.add_post("/v3/mail/send", apis.mail_send)
    app.router.add_get("/v3/scopes", apis.scopes)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    apis.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield apis
    finally:
        await asyncio.shield(runner.cleanup())
