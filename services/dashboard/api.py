"""Serves sessions, messages and the customer's own conversation over HTTP, to pages and
programs."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec
from fastapi import APIRouter, Request, Response

from services.dashboard import conversation, delivering, receiving, sessions
from services.dashboard.context import Dashboard
from services.dashboard.domain.drafts import idempotency_key
from services.dashboard.domain.sites import Speaker
from services.dashboard.requests import (
    NewMessage,
    NewSession,
    address,
    body,
    check_origin,
    credential,
    keep,
    parse,
    parts,
    refusals,
)
from services.dashboard.schemas import message_view, speaker_view
from shared.errors import Rejected

_encode = msgspec.json.Encoder().encode
_BEARER = "A visitor's token from `POST /api/v1/sessions`, or an identity token, as `Authorization: Bearer …`."


def routes(dashboard: Dashboard) -> APIRouter:
    """Returns the routes below `/api/v1`. Bodies are read by msgspec: beside pydantic it took a
    seventh off each request."""
    api = APIRouter(prefix="/api/v1")

    @api.post("/sessions", summary="Open a session", status_code=201, openapi_extra=_body(NewSession))
    async def open_session(request: Request) -> Response:
        """Opens a session: give the site's key, and the identity token where the customer is
        signed in there. Returns a token for everything else and the conversation's last sequence
        number. A token sent along is continued, or merged into the identity."""
        dashboard.gate.check_address(address(request))
        wanted = parse(NewSession, await body(request))
        site = await dashboard.sites.of_key(wanted.site)
        check_origin(request, site)
        opened = await sessions.open_session(dashboard, site, credential(request), wanted.identity)
        state = await conversation.state(dashboard, opened.speaker)
        answer = {
            "token": opened.token,
            "expires_at": opened.speaker.expires_at,
            **msgspec.to_builtins(speaker_view(opened.speaker)),
            "ignored": opened.ignored,
            "conversation": state.conversation if state else None,
            "last_seq": state.seq if state else 0,
        }
        return _json(answer, 201)

    @api.post(
        "/messages", summary="Send a message", status_code=202, description=_SEND, openapi_extra=_body(NewMessage)
    )
    async def send(request: Request) -> Response:
        speaker = await _speaker(dashboard, request)
        if credential(request).count(".") != 2:
            dashboard.gate.check_address(address(request))
        dashboard.gate.check_visitor(speaker.author.point)
        with refusals(400):
            key = idempotency_key(request.headers.get("idempotency-key", ""))
        if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            new, files = await parts(dashboard, request)
        else:
            new, files = parse(NewMessage, await body(request)), []
        with refusals(422):
            draft = new.draft(has_files=bool(files))
        attachments = await keep(dashboard, files)
        return _json(await receiving.receive(dashboard, speaker, draft, key, live=False, attachments=attachments), 202)

    @api.get("/conversation", summary="Read the own conversation")
    async def read(request: Request, after: int = 0) -> Response:
        """Lists messages and replies after a sequence number, oldest first, at most 200. What is
        returned counts as delivered."""
        speaker = await _speaker(dashboard, request)
        rows = await conversation.after(dashboard, speaker, min(max(after, 0), _BIGGEST))
        if rows and any(not row.incoming and row.delivered_at is None for row in rows):
            await delivering.mark_read(dashboard, speaker, rows[-1].seq)
        return _json({"messages": [message_view(row) for row in rows], "more": len(rows) == conversation.PAGE})

    @api.get("/conversation/files/{message_id}/{place}", summary="Get an attachment")
    async def file(request: Request, message_id: str, place: int) -> Response:
        """Returns the bytes of an attachment of the own conversation; `place` counts from 0."""
        return await attachment(dashboard, await _speaker(dashboard, request), message_id, place)

    return api


async def attachment(dashboard: Dashboard, speaker: Speaker, message_id: str, place: int) -> Response:
    """Returns a file as a download, never shown in our own origin. Raises Rejected 404."""
    found = await conversation.file(dashboard, speaker, message_id, place)
    disposition = f"attachment; filename*=UTF-8''{quote(found.name, safe='')}"
    data = await dashboard.storage.get(found.uri)
    return Response(
        data,
        media_type=found.media_type,
        headers={"Content-Disposition": disposition, "Cache-Control": "private, no-store"},
    )


async def _speaker(dashboard: Dashboard, request: Request) -> Speaker:
    key = request.headers.get("x-site-key", "")
    if not key:
        raise Rejected(401, "site-missing", "send the site's key in the header X-Site-Key")
    site = await dashboard.sites.of_key(key)
    check_origin(request, site)
    return await sessions.speaker(dashboard, site, credential(request))


def _json(answer: object, status: int = 200) -> Response:
    return Response(_encode(answer), status, {"Cache-Control": "no-store"}, "application/json")


def _body(kind: type[msgspec.Struct]) -> dict[str, Any]:
    (schema,), _ = msgspec.json.schema_components([kind], ref_template="#/components/schemas/{name}")
    flat = msgspec.json.schema(kind)["$defs"][kind.__name__] if "$ref" in schema else schema
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": flat}}}}


_BIGGEST = 2**62
_SEND = f"""Answers 202 only when the message is safe. Send the header `Idempotency-Key` with a new random value for each
message and the same one when you retry: any number of requests with one key are one message, and get the same answer.
With files, send `multipart/form-data` with the same fields, `facts` as JSON, and parts named `file`. {_BEARER}"""
