"""The HTTP edge: Twilio's webhooks. The signature is checked before anything else is read."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from fastapi import APIRouter, Request, Response
from starlette.datastructures import FormData

from services.phone.adapters.signatures import Signatures
from services.phone.adapters.twiml import Script
from services.phone.call_flow import OVER, CallFlow, Webhook
from services.phone.call_log import CallLog
from services.phone.call_requests import CallRequests, attempted
from services.phone.domain.call_events import CallEvent, NotRecorded, Over, Recorded, Stage
from services.phone.receiving import Texts, sid_of
from shared.clock import utc_now
from shared.errors import Rejected, Unavailable
from shared.logs import log
from shared.metrics import METRICS
from shared.text import storable

_REPLAYED = timedelta(hours=1)
"""Twilio repeats a webhook within seconds. One that comes again after this time was recorded by somebody."""
_CALL, _TEXT = re.compile("CA[0-9a-f]{32}"), re.compile("(SM|MM)[0-9a-f]{32}")
"""Twilio's SIDs; ours are made of them, so they are taken in no other form."""
_EMPTY = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
_TRIES = "tries"
_DIGITS = 9
"""A recording of so many digits of seconds is none."""
Step = Callable[[Webhook], Awaitable[str]]


class Webhooks:
    """Verify, hand over, answer. `signatures` is None while the channel is off: nothing can be genuine then."""

    def __init__(
        self,
        signatures: Signatures | None,
        texts: Texts,
        calls: CallLog,
        requests: CallRequests,
        talk: CallFlow,
        script: Script,
        default_language: str,
    ) -> None:
        self._signatures, self._texts, self._calls = signatures, texts, calls
        self._requests, self._talk, self._script, self._language = requests, talk, script, default_language

    def routes(self) -> APIRouter:
        """`/webhooks/…`."""
        router = APIRouter(prefix="/webhooks")
        talk = self._talk
        steps: dict[str, Step] = {
            "": talk.incoming,
            "/menu": talk.menu,
            "/wait": talk.wait,
            "/wait-key": talk.wait_key,
            "/left": talk.left,
            "/closed": talk.closed,
            "/voicemail": talk.voicemail,
            "/recorded": talk.recorded,
            "/connect": talk.connect,
            "/whisper": talk.whisper,
            "/pressed": talk.pressed,
            "/answered": talk.answered,
            "/dialled": talk.dialled,
            "/callback": talk.callback,
            "/callback-pressed": talk.callback_pressed,
            "/customer": talk.customer,
            "/callback-done": talk.callback_done,
        }
        for path, step in steps.items():
            router.add_api_route(f"/voice{path}", self._voice(step), methods=["POST"], include_in_schema=not path)
        router.add_api_route("/sms", self.sms, methods=["POST"])
        router.add_api_route("/status", self.status, methods=["POST"])
        router.add_api_route("/recording", self.recording, methods=["POST"])
        return router

    async def sms(self, request: Request) -> Response:
        """A text message has come in."""
        hook = await self._genuine(request, "sms")
        _check_text(hook)
        _check_replay("sms", await self._texts.receive(hook.form, hook.at), hook.at)
        return Response(_EMPTY, media_type="text/xml")

    async def status(self, request: Request) -> Response:
        """What became of a text or a call of ours; unknown ones are counted, and forgotten."""
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
            await self._call_status(hook)
        return Response(status_code=204)

    async def recording(self, request: Request) -> Response:
        """A voicemail can be fetched, or there is none. It may come before or after the call's end."""
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
        await self._append(hook, hook.sid, (f"recording:{sid}:{type(event).__name__}", event))
        return Response(status_code=204)

    async def _call_status(self, hook: Webhook) -> None:
        status, leg = hook.form.get("CallStatus", ""), hook.query.get("leg", "")
        over = [(f"over:{status}", Over(status, hook.at))] if status in OVER else []
        if not hook.request_id:
            await self._append(hook, hook.sid, (f"status:{status}", await self._talk.begun(hook)), *over)
            return
        request = await self._requests.find(hook.request_id)
        if request is None:
            METRICS.refused.labels(channel="phone", reason="unknown").inc()
        elif leg == "line":
            await self._append(hook, request.call_id, *over)
            await self._requests.done(request.id)
        elif leg == "customer" and status == "in-progress":
            _, event = attempted(request, Stage.CONNECTED, hook.at)
            await self._append(hook, request.call_id, (f"status:{request.id}:{leg}:{status}", event), sid="")

    async def _append(
        self, hook: Webhook, call_id: str, *events: tuple[str, CallEvent], sid: str | None = None
    ) -> None:
        """What a status tells; a key of its own for each, so that the late first one is told from a replay."""
        _check_replay("phone", await self._calls.appended_at(call_id, [key for key, _ in events]), hook.at)
        await self._calls.append(call_id, *events, sid=hook.sid if sid is None else sid)

    def _voice(self, step: Step) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            hook = await self._genuine(request, "phone")
            _check_call(hook)
            try:
                known = await self._calls.find(hook.sid)
                over = known.call.over if known else None
                _check_replay("phone", over.at if over else None, hook.at)
                markup = await step(hook)
            except Unavailable as error:
                log.warning("a caller waits for our database", call_id=hook.sid, error=str(error)[:200])
                markup = self._patience(request, hook)
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
