"""Answers each webhook of a call with the next instructions, as TwiML.

A webhook that comes again is answered as before, and its events are kept once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.phone import call_request_rows, repository
from services.phone.adapters.phone_numbers import point_of
from services.phone.adapters.twiml import Script
from services.phone.call_log import CallLog, OpenCall
from services.phone.domain.call_events import (
    Begun,
    CallbackAsked,
    LanguageChosen,
    MenuHeard,
    Stage,
    VoicemailBegun,
    Waiting,
    attempted,
    ended,
)
from services.phone.domain.menu import CALLBACK_KEY, PERSON_KEY, Step, choose, choose_without_agents
from services.phone.domain.messages import can_call_back
from services.phone.domain.prompts import LANGUAGES, language_of
from services.phone.domain.wait_times import expected_wait, pace
from shared.events import CallOutcome, CallRequested
from shared.hours import Hours
from shared.kernel import address_of
from shared.logs import log
from shared.phone_numbers import region_of

OVER = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})
"""Twilio's words for a call that is over."""
_CONNECTED = "completed"
"""Twilio's `DialCallStatus` where somebody answered."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A genuine webhook. `form`: Twilio's fields; `query`: what we put into the address
    ourselves."""

    form: Mapping[str, str]
    query: Mapping[str, str]
    at: datetime

    @property
    def sid(self) -> str:
        """The CallSid."""
        return self.form.get("CallSid", "")

    @property
    def digits(self) -> str:
        """The keys that were pressed."""
        return self.form.get("Digits", "")

    @property
    def request_id(self) -> str:
        """The request of the desk that this step belongs to."""
        return self.query.get("request", "")

    def number(self, name: str) -> int:
        """Reads a count that we put into the address; 0 where there is none."""
        text = self.query.get(name, "0")
        return int(text) if text.isdecimal() and len(text) < 4 else 0


@dataclass(frozen=True, slots=True)
class Turn:
    """A webhook in its transaction. `known`: the call of its CallSid, locked; None for one that is
    not known yet, and for an agent's line, which is none of its own."""

    session: AsyncSession
    hook: Webhook
    known: OpenCall | None


class CallFlow:
    """Answers each step of a call with TwiML."""

    def __init__(self, calls: CallLog, script: Script, hours: Hours, default_language: str, wait_limit: int) -> None:
        self._calls, self._script, self._hours = calls, script, hours
        self._default_language, self._wait_limit = default_language, wait_limit

    async def incoming(self, turn: Turn) -> str:
        """Greets a caller: with the menu, or with what can be done while nobody is there."""
        hook, opened = turn.hook, turn.known or await self._calls.open(turn.session, turn.hook.sid)
        begun = await self.begun(turn.session, hook)
        is_open = self._hours.open_at(hook.at)
        menu = [("menu", MenuHeard(hook.at))] if is_open else []
        call = await opened.append(("begun", begun), *menu, sid=hook.sid)
        if not is_open:
            return self._script.without_agents(call.language, "closed", can_call_back=can_call_back(call))
        return self._script.menu(call.language, 0, 0, can_call_back=can_call_back(call), welcome=True)

    async def menu(self, turn: Turn) -> str:
        """Follows a key that was pressed after the menu, or none."""
        hook, opened = turn.hook, await self._opened(turn)
        wrong, step = hook.number("wrong"), hook.number("step")
        choice = choose(hook.digits, wrong, LANGUAGES, can_call_back=can_call_back(opened.call))
        match choice.step:
            case Step.PERSON:
                return await self._queue(turn, opened)
            case Step.CALLBACK:
                return await self._promise_callback(turn, opened)
            case Step.MESSAGE:
                return await self._voicemail(turn, opened)
            case Step.LANGUAGE:
                call = await opened.append((f"language:{step}", LanguageChosen(choice.language, step)))
                if call.begun and can_call_back(call):
                    await repository.remember_language(turn.session, call.begun.customer, call.language)
                return self._script.menu(
                    call.language, wrong, step + 1, can_call_back=can_call_back(call), welcome=True
                )
            case Step.AGAIN:
                call = opened.call
                return self._script.menu(
                    call.language, wrong + 1, step + 1, can_call_back=can_call_back(call), welcome=False
                )

    async def wait(self, turn: Turn) -> str:
        """Plays one round of waiting. After `wait_limit` seconds the caller leaves the line, for
        something better than music."""
        hook, opened = turn.hook, await self._opened(turn)
        if opened.call.waiting_since is None:
            await opened.append(("waiting", Waiting(hook.at)))
        else:
            await opened.touch()
        call, row = opened.call, opened.row
        since = call.waiting_since or hook.at
        queue_time = hook.form.get("QueueTime", "")
        waited = (hook.at - since).total_seconds()
        if max(waited, float(queue_time) if queue_time.isdecimal() else 0.0) >= self._wait_limit:
            return self._script.leave()
        if hook.number("round") < 2 and not row.position:
            return self._script.hold(call.language)  # the desk is about to tell the place; ours may be another
        position = row.position or 1 + await repository.ahead(turn.session, since)
        seconds = row.expected_wait or expected_wait(position, pace(await repository.taken(turn.session)))
        return self._script.wait(call.language, position, seconds, can_call_back=can_call_back(call))

    async def wait_key(self, turn: Turn) -> str:
        """Follows a key that was pressed while waiting: 1 asks for a callback; any other goes on
        waiting."""
        opened = await self._opened(turn)
        if turn.hook.digits != CALLBACK_KEY or not can_call_back(opened.call):
            return await self.wait(turn)
        await opened.append(("callback", CallbackAsked(turn.hook.at)))
        return self._script.leave()

    async def left(self, turn: Turn) -> str:
        """Says what comes after the line."""
        call = (await self._opened(turn)).call
        match turn.hook.form.get("QueueResult", ""):
            case "redirected" | "bridged" | "hangup":
                return self._script.through()  # the call has its next step from elsewhere, or is over
            case "leave" if call.callback_at:
                return self._script.callback_confirmed(call.language)
            case _:  # waited too long, or Twilio's queue is full or at fault
                return self._script.without_agents(call.language, "nobody", can_call_back=can_call_back(call))

    async def closed(self, turn: Turn) -> str:
        """Follows a key that was pressed while nobody is there to talk."""
        hook, opened = turn.hook, await self._opened(turn)
        if hook.digits == PERSON_KEY and self._hours.open_at(hook.at):
            return await self._queue(turn, opened)
        if choose_without_agents(hook.digits, can_call_back=can_call_back(opened.call)).step is Step.CALLBACK:
            return await self._promise_callback(turn, opened)
        return await self._voicemail(turn, opened)

    async def voicemail(self, turn: Turn) -> str:
        """Announces a voicemail, and records it."""
        return await self._voicemail(turn, await self._opened(turn))

    async def recorded(self, turn: Turn) -> str:
        """Thanks for a voicemail; the recording itself comes to `/webhooks/recording`."""
        return self._script.voicemail_done((await self._opened(turn)).call.language)

    async def connect(self, turn: Turn) -> str:
        """Lets the telephone of the agent ring who has accepted the call."""
        opened, request = await self._asked(turn)
        call = opened.call
        if request is None or request.agent_at is None:
            return self._script.queue(call.language, "still_looking")
        await call_request_rows.end(turn.session, request.id)
        shown = address_of(call.begun.customer) if call.begun and can_call_back(call) else self._script.number
        return self._script.connect(call.language, request.agent_at, request.id, shown)

    async def whisper(self, turn: Turn) -> str:
        """Asks whoever answered the agent's telephone, which may be a voicemail, to press 1."""
        request = await call_request_rows.find(turn.session, turn.hook.request_id)
        opened = await self._calls.open_known(turn.session, request.call_id) if request else None
        language = (opened.call.language if opened else "") or self._default_language
        return self._script.whisper(language, turn.hook.request_id)

    async def pressed(self, turn: Turn) -> str:
        """Connects the agent who has pressed 1."""
        return await self._connected(turn) if turn.hook.digits == "1" else self._script.hang_up()

    async def answered(self, turn: Turn) -> str:
        """Connects an agent's softphone: whoever answers it is the agent."""
        return await self._connected(turn)

    async def dialled(self, turn: Turn) -> str:
        """Ends the call where the agent has spoken; otherwise the caller goes back to their
        place."""
        hook, (opened, request) = turn.hook, await self._asked(turn)
        call = opened.call
        spoke = request is not None and request.id in call.attempts and call.attempts[request.id].connected
        if request is not None:
            status = hook.form.get("DialCallStatus", "")
            end = CallOutcome.COMPLETED if spoke else CallOutcome.AGENT_NO_ANSWER
            if not spoke and hook.form.get("CallStatus", "") in OVER:
                end = CallOutcome.CALLER_GONE
            elif not spoke and status == "failed":
                end = CallOutcome.FAILED
            call = await opened.append(ended(request, end, hook.at, "" if spoke else _why(status)))
        if spoke:
            return self._script.goodbye(call.language)
        return self._script.queue(call.language, "still_looking")

    async def callback(self, turn: Turn) -> str:
        """Asks the agent whose telephone was answered to press 1, for a callback."""
        found = await self._requested(turn)
        if found is None:
            return self._script.hang_up()
        opened, request = found
        await opened.append(attempted(request, Stage.RINGING, turn.hook.at), sid=turn.hook.sid)
        await call_request_rows.end(turn.session, request.id)
        return self._script.callback_whisper(self._default_language, request.id)

    async def callback_pressed(self, turn: Turn) -> str:
        """Calls the customer once the agent has pressed 1."""
        found = await self._requested(turn) if turn.hook.digits == "1" else None
        if found is None or found[1].customer is None:
            return self._script.hang_up()
        opened, request = found
        call = await opened.append(attempted(request, Stage.AGENT_READY, turn.hook.at), sid=turn.hook.sid)
        customer = address_of(found[1].customer)
        return self._script.call_customer(self._default_language, call.language, customer, request.id)

    async def customer(self, turn: Turn) -> str:
        """Greets the customer who has answered our callback."""
        found = await self._requested(turn)
        if found is not None:
            opened, request = found
            await opened.append(attempted(request, Stage.CONNECTED, turn.hook.at))
        language = turn.hook.query.get("language", "")
        return self._script.customer_greeting(language if language in LANGUAGES else self._default_language)

    async def callback_done(self, turn: Turn) -> str:
        """Ends a callback: the customer's line is closed, or was never open."""
        found = await self._requested(turn)
        if found is None:
            return self._script.hang_up()
        opened, request = found
        status = turn.hook.form.get("DialCallStatus", "")
        spoke = status == _CONNECTED
        end = CallOutcome.COMPLETED if spoke else CallOutcome.CUSTOMER_NO_ANSWER
        connected = [attempted(request, Stage.CONNECTED, turn.hook.at)] if spoke else []
        await opened.append(*connected, ended(request, end, turn.hook.at, "" if spoke else _why(status)))
        return self._script.hang_up() if spoke else self._script.customer_no_answer(self._default_language)

    async def begun(self, session: AsyncSession, hook: Webhook) -> Begun:
        """Reads from a webhook who calls whom, and in which language to greet them."""
        point = point_of(hook.form.get("From", ""), hook.sid)
        chosen = await repository.language_of(session, point)
        guessed = language_of(region_of(hook.form.get("From", "")), self._default_language)
        return Begun(
            customer=point,
            ours=hook.form.get("To", ""),
            language=chosen if chosen in LANGUAGES else guessed,
            at=hook.at,
            verified=hook.form.get("StirVerstat", "") == "TN-Validation-Passed-A",
        )

    async def _opened(self, turn: Turn) -> OpenCall:
        """Returns the call of this webhook, begun here where it is the first that we hear of it."""
        opened = turn.known or await self._calls.open(turn.session, turn.hook.sid)
        if opened.call.begun is None:
            log.info("webhook of a call that is not known yet", call_id=turn.hook.sid)
            await opened.append(("begun", await self.begun(turn.session, turn.hook)), sid=turn.hook.sid)
        return opened

    async def _asked(self, turn: Turn) -> tuple[OpenCall, CallRequested | None]:
        """Returns the call of this webhook, and the request that the step belongs to where it is
        about this call."""
        request = await call_request_rows.find(turn.session, turn.hook.request_id)
        opened = await self._opened(turn)
        return opened, request if request and request.call_id == opened.call.id else None

    async def _requested(self, turn: Turn) -> tuple[OpenCall, CallRequested] | None:
        """Returns the request that the step belongs to, and its call; None for a request that is
        not known."""
        request = await call_request_rows.find(turn.session, turn.hook.request_id)
        if request is None:
            return None
        return await self._calls.open(turn.session, request.call_id), request

    async def _connected(self, turn: Turn) -> str:
        found = await self._requested(turn)
        if found is None:
            return self._script.hang_up()
        opened, request = found
        await opened.append(attempted(request, Stage.CONNECTED, turn.hook.at))
        return self._script.through()

    async def _queue(self, turn: Turn, opened: OpenCall) -> str:
        call = await opened.append(("waiting", Waiting(turn.hook.at)))
        return self._script.queue(call.language)

    async def _promise_callback(self, turn: Turn, opened: OpenCall) -> str:
        call = await opened.append(("callback", CallbackAsked(turn.hook.at)))
        return self._script.callback_confirmed(call.language)

    async def _voicemail(self, turn: Turn, opened: OpenCall) -> str:
        call = await opened.append(("voicemail", VoicemailBegun(turn.hook.at)))
        return self._script.voicemail(call.language)


def _why(status: str) -> str:
    words = {
        "busy": "the line is busy",
        "no-answer": "nobody answered",
        "failed": "the number cannot be called",
        "canceled": "the caller hung up",
        "completed": "answered, but nobody pressed 1",
    }
    return words.get(status, status[:50])
