"""A caller's way through the house: each step is a webhook of Twilio's, learned of and answered with the next
instructions.

A step that is asked for again is answered as before and learned of once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.phone import repository
from services.phone.adapters.phone_numbers import point_of
from services.phone.adapters.twiml import Script
from services.phone.call_log import CallLog, KnownCall
from services.phone.call_requests import CallRequests, attempted, ended
from services.phone.domain.call_events import (
    Begun,
    CallbackAsked,
    CallEvent,
    LanguageChosen,
    MenuHeard,
    Stage,
    VoicemailBegun,
    Waiting,
)
from services.phone.domain.calls import Call
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
    """One genuine webhook. `form`: Twilio's fields; `query`: what we put into the address ourselves."""

    form: Mapping[str, str]
    query: Mapping[str, str]
    at: datetime

    @property
    def sid(self) -> str:
        """The CallSid."""
        return self.form.get("CallSid", "")

    @property
    def digits(self) -> str:
        """What was pressed."""
        return self.form.get("Digits", "")

    @property
    def request_id(self) -> str:
        """The request of the desk that this step belongs to."""
        return self.query.get("request", "")

    def number(self, name: str) -> int:
        """A count of ours in the address."""
        text = self.query.get(name, "0")
        return int(text) if text.isdecimal() and len(text) < 4 else 0


class CallFlow:
    """Answers each step of a call with TwiML."""

    def __init__(
        self, calls: CallLog, requests: CallRequests, script: Script, hours: Hours, default: str, limit: int
    ) -> None:
        self._calls, self._requests, self._script, self._hours = calls, requests, script, hours
        self._default_language, self._wait_limit = default, limit

    async def incoming(self, hook: Webhook) -> str:
        """Somebody calls."""
        begun = await self.begun(hook)
        is_open = self._hours.open_at(hook.at)
        events: list[tuple[str, CallEvent]] = [("begun", begun)]
        call = await self._calls.append(
            hook.sid, *events, *([("menu", MenuHeard(hook.at))] if is_open else []), sid=hook.sid
        )
        if not is_open:
            return self._script.without_agents(call.language, "closed", can_call_back=can_call_back(call))
        return self._script.menu(call.language, 0, 0, can_call_back=can_call_back(call), welcome=True)

    async def menu(self, hook: Webhook) -> str:
        """A key after the menu, or none."""
        call = await self._known(hook)
        wrong, step = hook.number("wrong"), hook.number("step")
        choice = choose(hook.digits, wrong, LANGUAGES, can_call_back=can_call_back(call))
        match choice.step:
            case Step.PERSON:
                call = await self._calls.append(call.id, ("waiting", Waiting(hook.at)))
                return self._script.queue(call.language)
            case Step.CALLBACK:
                call = await self._calls.append(call.id, ("callback", CallbackAsked(hook.at)))
                return self._script.callback_confirmed(call.language)
            case Step.MESSAGE:
                return await self._voicemail(call, hook)
            case Step.LANGUAGE:
                call = await self._choose_language(call, choice.language, step)
                return self._script.menu(
                    call.language, wrong, step + 1, can_call_back=can_call_back(call), welcome=True
                )
            case Step.AGAIN:
                return self._script.menu(
                    call.language, wrong + 1, step + 1, can_call_back=can_call_back(call), welcome=False
                )

    async def wait(self, hook: Webhook) -> str:
        """One round in line. After too long a wait the caller is led out of it, to something better than music."""
        known = await self._calls.find(hook.sid)
        call = known.call if known else await self._known(hook)
        if call.waiting_since is None:
            call = await self._calls.append(call.id, ("waiting", Waiting(hook.at)))
        await self._calls.touch(call.id)
        queue_time = hook.form.get("QueueTime", "")
        waited = (hook.at - call.waiting_since).total_seconds() if call.waiting_since else 0.0
        if max(waited, float(queue_time) if queue_time.isdecimal() else 0.0) >= self._wait_limit:
            return self._script.leave()
        if hook.number("round") < 2 and not (known and known.position):
            return self._script.hold(call.language)  # the desk is about to tell the place; ours may be another
        position, seconds = await self._place(call, known, hook.at)
        return self._script.wait(call.language, position, seconds, can_call_back=can_call_back(call))

    async def wait_key(self, hook: Webhook) -> str:
        """A key while waiting: 1 asks for a callback; any other goes on waiting."""
        call = await self._known(hook)
        if hook.digits != CALLBACK_KEY or not can_call_back(call):
            return await self.wait(hook)
        await self._calls.append(call.id, ("callback", CallbackAsked(hook.at)))
        return self._script.leave()

    async def left(self, hook: Webhook) -> str:
        """The line is behind the caller."""
        call = await self._known(hook)
        match hook.form.get("QueueResult", ""):
            case "redirected" | "bridged" | "hangup":
                return self._script.through()  # the call has its next step from elsewhere, or is over
            case "leave" if call.callback_at:
                return self._script.callback_confirmed(call.language)
            case _:  # waited too long, or Twilio's queue is full or at fault
                return self._script.without_agents(call.language, "nobody", can_call_back=can_call_back(call))

    async def closed(self, hook: Webhook) -> str:
        """A key where nobody is there to talk."""
        call = await self._known(hook)
        if hook.digits == PERSON_KEY and self._hours.open_at(hook.at):
            call = await self._calls.append(call.id, ("waiting", Waiting(hook.at)))
            return self._script.queue(call.language)
        if choose_without_agents(hook.digits, can_call_back=can_call_back(call)).step is Step.CALLBACK:
            call = await self._calls.append(call.id, ("callback", CallbackAsked(hook.at)))
            return self._script.callback_confirmed(call.language)
        return await self._voicemail(call, hook)

    async def voicemail(self, hook: Webhook) -> str:
        """Announce and record."""
        return await self._voicemail(await self._known(hook), hook)

    async def recorded(self, hook: Webhook) -> str:
        """The caller has finished a message; the recording itself comes to `/webhooks/recording`."""
        return self._script.voicemail_done((await self._known(hook)).language)

    async def connect(self, hook: Webhook) -> str:
        """An agent has accepted: their telephone rings while the caller hears it ring."""
        call, request = await self._asked(hook)
        if request is None or request.agent_at is None:
            return self._script.queue(call.language, "still_looking")
        await self._requests.done(request.id)
        shown = address_of(call.begun.customer) if call.begun and can_call_back(call) else self._script.number
        return self._script.connect(call.language, request.agent_at, request.id, shown)

    async def whisper(self, hook: Webhook) -> str:
        """The agent's telephone was answered, by the agent or by a voicemail."""
        return self._script.whisper(await self._agents_language(hook), hook.request_id)

    async def pressed(self, hook: Webhook) -> str:
        """What the agent pressed."""
        request = await self._requests.find(hook.request_id)
        if request is None or hook.digits != "1":
            return self._script.hang_up()
        await self._calls.append(request.call_id, attempted(request, Stage.CONNECTED, hook.at))
        return self._script.through()

    async def answered(self, hook: Webhook) -> str:
        """An agent's softphone: whoever answers it is the agent."""
        request = await self._requests.find(hook.request_id)
        if request is None:
            return self._script.hang_up()
        await self._calls.append(request.call_id, attempted(request, Stage.CONNECTED, hook.at))
        return self._script.through()

    async def dialled(self, hook: Webhook) -> str:
        """The agent's line is closed: they have spoken, or nobody took the call and the caller goes back to their
        place."""
        call, request = await self._asked(hook)
        spoke = request is not None and request.id in call.attempts and call.attempts[request.id].connected
        if request is not None:
            status = hook.form.get("DialCallStatus", "")
            end = CallOutcome.COMPLETED if spoke else CallOutcome.AGENT_NO_ANSWER
            if not spoke and hook.form.get("CallStatus", "") in OVER:
                end = CallOutcome.CALLER_GONE
            elif not spoke and status == "failed":
                end = CallOutcome.FAILED
            call = await self._calls.append(call.id, ended(request, end, hook.at, "" if spoke else _why(status)))
        if spoke:
            return self._script.goodbye(call.language)
        return self._script.queue(call.language, "still_looking")

    async def callback(self, hook: Webhook) -> str:
        """The agent's telephone was answered, for a callback."""
        request = await self._requests.find(hook.request_id)
        if request is None:
            return self._script.hang_up()
        await self._requests.done(request.id)
        await self._calls.append(request.call_id, attempted(request, Stage.RINGING, hook.at), sid=hook.sid)
        return self._script.callback_whisper(self._default_language, request.id)

    async def callback_pressed(self, hook: Webhook) -> str:
        """What the agent pressed; after 1 the customer is called."""
        request = await self._requests.find(hook.request_id)
        if request is None or request.customer is None or hook.digits != "1":
            return self._script.hang_up()
        call = await self._calls.append(request.call_id, attempted(request, Stage.AGENT_READY, hook.at), sid=hook.sid)
        customer = address_of(request.customer)
        return self._script.call_customer(self._default_language, call.language, customer, request.id)

    async def customer(self, hook: Webhook) -> str:
        """The customer has answered our callback."""
        request = await self._requests.find(hook.request_id)
        if request is not None:
            await self._calls.append(request.call_id, attempted(request, Stage.CONNECTED, hook.at))
        language = hook.query.get("language", "")
        return self._script.customer_greeting(language if language in LANGUAGES else self._default_language)

    async def callback_done(self, hook: Webhook) -> str:
        """The customer's line is closed, or was never open."""
        request = await self._requests.find(hook.request_id)
        if request is None:
            return self._script.hang_up()
        status = hook.form.get("DialCallStatus", "")
        spoke = status == _CONNECTED
        end = CallOutcome.COMPLETED if spoke else CallOutcome.CUSTOMER_NO_ANSWER
        events = [attempted(request, Stage.CONNECTED, hook.at)] if spoke else []
        events.append(ended(request, end, hook.at, "" if spoke else _why(status)))
        await self._calls.append(request.call_id, *events)
        return self._script.hang_up() if spoke else self._script.customer_no_answer(self._default_language)

    async def begun(self, hook: Webhook) -> Begun:
        """What the webhook itself tells of a call, and how this caller is greeted."""
        point = point_of(hook.form.get("From", ""), hook.sid)
        async with self._calls.database.transaction() as session:
            chosen = await repository.language_of(session, point)
        guessed = language_of(region_of(hook.form.get("From", "")), self._default_language)
        return Begun(
            customer=point,
            ours=hook.form.get("To", ""),
            language=chosen if chosen in LANGUAGES else guessed,
            at=hook.at,
            verified=hook.form.get("StirVerstat", "") == "TN-Validation-Passed-A",
        )

    async def _known(self, hook: Webhook) -> Call:
        """The call of this webhook, even where it is the first that we hear of it."""
        found = await self._calls.find(hook.sid)
        if found is not None and found.call.begun is not None:
            return found.call
        log.info("a webhook came before its call was known", call_id=hook.sid)
        return await self._calls.append(hook.sid, ("begun", await self.begun(hook)), sid=hook.sid)

    async def _asked(self, hook: Webhook) -> tuple[Call, CallRequested | None]:
        request = await self._requests.find(hook.request_id)
        call = await self._known(hook)
        return call, request if request and request.call_id == call.id else None

    async def _voicemail(self, call: Call, hook: Webhook) -> str:
        call = await self._calls.append(call.id, ("voicemail", VoicemailBegun(hook.at)))
        return self._script.voicemail(call.language)

    async def _choose_language(self, call: Call, language: str, step: int) -> Call:
        async with self._calls.database.transaction() as session:
            call = await self._calls.append_within(
                session, call.id, [(f"language:{step}", LanguageChosen(language, step))]
            )
            if call.begun and can_call_back(call):
                await repository.remember_language(session, call.begun.customer, call.language)
        self._calls.wake()
        return call

    async def _place(self, call: Call, known: KnownCall | None, now: datetime) -> tuple[int, int]:
        """Position and expected seconds, as the desk tells, or else by our own count."""
        async with self._calls.database.transaction() as session:
            counted = 1 + await repository.ahead(session, call.waiting_since or now)
            each = pace(await repository.taken(session))
        position = (known.position if known else 0) or counted
        return position, (known.expected_wait if known else 0) or expected_wait(position, each)

    async def _agents_language(self, hook: Webhook) -> str:
        request = await self._requests.find(hook.request_id)
        found = await self._calls.find(request.call_id) if request else None
        return (found.call.language if found else "") or self._default_language


def _why(status: str) -> str:
    words = {
        "busy": "the line is busy",
        "no-answer": "nobody answered",
        "failed": "the number cannot be called",
        "canceled": "the caller hung up",
        "completed": "answered, but nobody pressed 1",
    }
    return words.get(status, status[:50])
