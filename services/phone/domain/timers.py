"""Decides what follows when nothing is heard for too long: a live call always has a next step, and
no state lasts for ever."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.phone.domain.call_events import AttemptEnded, CallEvent, NotesWritten, NotRecorded, Stage
from services.phone.domain.calls import Call
from shared.events import CallOutcome

RECORDING_COMES = timedelta(seconds=90)
"""Twilio has a voicemail ready within seconds of the call's end."""
RING_ENDS = timedelta(seconds=90)
"""On top of the time that a telephone rings; after it a lost webhook is the likelier cause."""


@dataclass(frozen=True, slots=True)
class Timer:
    """An event to append at `due`. `key`: the same on each look."""

    due: datetime
    key: str
    event: CallEvent


def timers(call: Call, notes_within: timedelta) -> Iterator[Timer]:
    """Lists all timers that run now. `notes_within`: how long an agent may write notes after a
    call."""
    for attempt in call.attempts.values():
        if not attempt.open or attempt.connected or call.over or attempt is not call.newest:
            continue  # an offer that a later request has replaced is nobody's to answer
        due = attempt.until if attempt.stage is Stage.OFFERED else (attempt.rung_at or attempt.asked_at) + RING_ENDS
        if due and not (call.outgoing and attempt.stage is Stage.AGENT_READY):
            ended = AttemptEnded(
                attempt.id, CallOutcome.AGENT_NO_ANSWER, due, attempt.asked_at, attempt.agent, "no answer in time"
            )
            yield Timer(due, f"attempt:{attempt.id}:lapsed", ended)
    if call.over is None:
        return
    if call.voicemail_at and not call.recording and not call.not_recorded_at:
        due = call.over.at + RECORDING_COMES
        yield Timer(due, "not-recorded", NotRecorded(due))
    if call.connected_at and not call.notes_at:
        due = call.over.at + notes_within
        yield Timer(due, "notes", NotesWritten(due))
