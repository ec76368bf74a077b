"""Serves Twilio's webhooks. The signature is verified before anything else is read."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData

from services.phone import call_request_rows, repository
from services.phone.adapters.signatures import Signatures
from services.phone.adapters.twiml import Script
from services.phone.call_flow import OVER, CallFlow, Turn, Webhook
from services.phone.call_log import CallLog
from services.phone.domain.call_events import CallEvent, NotRecorded, Over, Recorded, Stage, attempted
from services.phone.receiving import Texts, sid_of
from shared.clock import utc_now
from shared.errors import Rejected, Unavailable
from shared.logs import log
from shared.metrics import METRICS
from shared.text import storable

_REPLAYED = timedelta(hours=1)
"""Twilio retries a webhook within seconds. One that comes again after this time was recorded by
somebody."""
_CALL, _TEXT = re.compile("CA[0-9a-f]{32}"), re.compile("(SM|MM)[0-9a-f]{32}")
"""Twilio's SIDs; ours are made of them, so they are taken in no other form."""
_EMPTY = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
_TRIES = "tries"
_DIGITS = 9
"""A recording of so many digits of seconds is none."""
Step = Callable[[Turn], Awaitable[str]]


class Webhooks:
    """Verifies Twilio's webhooks and answers them, each in one transaction.

    `signatures` is None while the channels are off: nothing can be genuine then.
    """

    def __init__(
        self,
        signatures: Signatures | None,
        texts: Texts,
        calls: CallLog,
        flow: CallFlow,
        script: Script,
        default_language: str,
    ) -> None:
        self._signatures, self._texts, self._calls = signatures, texts, calls
        self._flow, self._script, self._language = flow, script, default_language

    def routes(self) -> APIRouter:
        """Returns the routes below `/webhooks`."""
        router = APIRouter(prefix="/webhooks")
        flow = self._flow
        steps: dict[str, Step] = {
            "": flow.incoming,
            "/menu": flow.menu,
            "/wait": flow.wait,
            "/wait-key": flow.wait_key,
            "/left": flow.left,
            "/closed": flow.closed,
            "/voicemail": flow.voicemail,
            "/recorded": flow.recorded,
            "/connect": flow.connect,
            "/whisper": flow.whisper,
            "/pressed": flow.pressed,
            "/answered": flow.answered,
            "/dialled": flow.dialled,
            "/callback": flow.callback,
            "/callback-pressed": flow.callback_pressed,
            "/customer": flow.customer,
            "/callback-done": flow.callback_done,
        }
        for path, step in steps.items():
            router.add_api_route(f"/voice{path}", self._voice(step), methods=["POST"], include_in_schema=not path)
        router.add_api_route("/sms", self.sms, methods=["POST"])
        router.add_api_route("/status", self.status, methods=["POST"])
        router.add_api_route("/recording", self.recording, methods=["POST"])
        return router

    async def sms(self, request: Request) -> Response:
        """Receives a text message."""
        hook = await self._genuine(request, "sms")
        _check_text(hook)
        _check_replay("sms", await self._texts.receive(hook.form, hook.at), hook.at)
        return Response(_EMPTY, media_type="text/xml")

    async def status(self, request: Request) -> Response:
        """Records what became of a text or a call of ours; unknown ones are counted and dropped."""
        hook = await self._genuine(request, "phone")
        if hook.form.get("MessageStatus") or hook.form.get("SmsStatus"):
            _check_text(hook)
            known, before = await self._texts.status(hook.form, hook.query.get("outbound", ""), hook.at)
            _check_replay("sms", before, hook.at)
            if not known:
                METRICS.refused.labels(channel="sms", reason="unknown").inc()
                log.info("status of a text that is not ours", sid=sid_of(hook.form))
        else:
            _check_call(hook)
            async with self._calls.database.transaction() as session:
                await self._call_status(session, hook)
            self._calls.outbox.wake()
        return Response(status_code=204)

    async def recording(self, request: Request) -> Response:
        """Records that a voicemail can be fetched, or that there is none; before or after the
        call's end."""
        hook = await self._genuine(request, "phone")
        _check_call(hook)
        sid, url = hook.form.get("RecordingSid", ""), hook.form.get("RecordingUrl", "")
        seconds = hook.form.get("RecordingDuration", "0")
        event: CallEvent = NotRecorded(hook.at)
        if (
            url
            and hook.form.get("RecordingStatus", "completed") == "completed"
            and seconds.isdecimal()
            and len(seconds) < _DIGITS
            and int(seconds)
        ):
            event = Recorded(sid, url, int(seconds))
        async with self._calls.database.transaction() as session:
            await self._append(session, hook, hook.sid, (f"recording:{sid}:{type(event).__name__}", event))
        self._calls.outbox.wake()
        return Response(status_code=204)

    async def _call_status(self, session: AsyncSession, hook: Webhook) -> None:
        status, leg = hook.form.get("CallStatus", ""), hook.query.get("leg", "")
        over = [(f"over:{status}", Over(status, hook.at))] if status in OVER else []
        if not hook.request_id:
            begun = await self._flow.begun(session, hook)
            await self._append(session, hook, hook.sid, (f"status:{status}", begun), *over)
            return
        request = await call_request_rows.find(session, hook.request_id)
        if request is None:
            METRICS.refused.labels(channel="phone", reason="unknown").inc()
        elif leg == "line":
            await self._append(session, hook, request.call_id, *over)
            await call_request_rows.end(session, request.id)
        elif leg == "customer" and status == "in-progress":
            _, event = attempted(request, Stage.CONNECTED, hook.at)
            key = f"status:{request.id}:{leg}:{status}"
            await self._append(session, hook, request.call_id, (key, event), sid="")

    async def _append(
        self,
        session: AsyncSession,
        hook: Webhook,
        call_id: str,
        *events: tuple[str, CallEvent],
        sid: str | None = None,
    ) -> None:
        """Appends what a status says, under a key of its own: so the late first one is told from a
        replay."""
        opened = await self._calls.open(session, call_id)
        before = await repository.appended_at(session, call_id, [key for key, _ in events])
        _check_replay("phone", before, hook.at)
        await opened.append(*events, sid=hook.sid if sid is None else sid)

    def _voice(self, step: Step) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            hook = await self._genuine(request, "phone")
            _check_call(hook)
            try:
                async with self._calls.database.transaction() as session:
                    known = await self._calls.open_known(session, hook.sid)
                    _check_replay("phone", known.call.over.at if known and known.call.over else None, hook.at)
                    markup = await step(Turn(session, hook, known))
            except Unavailable as error:
                log.warning(
                    "PostgreSQL is unavailable: a caller is asked for patience",
                    call_id=hook.sid,
                    error=str(error)[:200],
                )
                markup = self._patience(request, hook)
            self._calls.outbox.wake()
            return Response(markup, media_type="text/xml")

        return answer

    def _patience(self, request: Request, hook: Webhook) -> str:
        tries = hook.number(_TRIES)
        query = {**hook.query, _TRIES: str(tries + 1)}
        again = self._script.url(request.url.path.removeprefix("/webhooks/"), **query)
        return self._script.patience(self._language, again, tries)

    async def _genuine(self, request: Request, channel: str) -> Webhook:
        form: FormData = await request.form(max_files=0, max_fields=200)
        signature = request.headers.get("x-twilio-signature", "")
        genuine = self._signatures is not None and self._signatures.genuine(
            request.url.path, request.url.query, form, signature
        )
        if not genuine:
            raise _refused(
                channel, "unsigned", 403, "this webhook is not signed by our Twilio account; check PHONE_PUBLIC_URL"
            )
        fields = {name: storable(value) for name, value in form.items() if isinstance(value, str)}
        query = {name: storable(value) for name, value in request.query_params.items()}
        return Webhook(fields, query, utc_now())


def _check_replay(channel: str, before: datetime | None, now: datetime) -> None:
    if before is not None and now - before > _REPLAYED:
        raise _refused(channel, "replayed", 403, "this webhook was handled long ago")


def _check_call(hook: Webhook) -> None:
    if not _CALL.fullmatch(hook.sid):
        raise _refused("phone", "incomplete", 400, "a call has a CallSid: CA and 32 hexadecimal digits")


def _check_text(hook: Webhook) -> None:
    if not _TEXT.fullmatch(sid_of(hook.form)):
        raise _refused("sms", "incomplete", 400, "a text message has a MessageSid: SM or MM and 32 hexadecimal digits")


def _refused(channel: str, reason: str, status: int, words: str) -> Rejected:
    METRICS.refused.labels(channel=channel, reason=reason).inc()
    log.warning("webhook refused", channel=channel, reason=reason)
    return Rejected(status, reason, words)
