"""Dead letters over HTTP, for machines with the scope `admin`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request

from services.desk.actors import Actor, Permission
from services.desk.dead_letters.schemas import DeadLetterDetails, DeadLetterView
from services.desk.dead_letters.service import DeadLetterList
from services.desk.people import audit
from services.desk.security import TheDesk, allowed

router = APIRouter(tags=["dead letters"])
Admin = Annotated[Actor, Depends(allowed(Permission.MANAGE_DEAD_LETTERS))]
LetterId = Annotated[int, Path(ge=0, le=2**62, description="Its offset in `dead-letters`")]


def _kept(request: Request) -> DeadLetterList:
    letters: DeadLetterList = request.app.state.dead_letters
    return letters


Kept = Annotated[DeadLetterList, Depends(_kept)]


@router.get("/dead-letters", summary="List what services could not handle")
async def list_letters(
    letters: Kept,
    _: Admin,
    waiting: Annotated[bool, Query(description="Only what was not replayed yet")] = False,
) -> list[DeadLetterView]:
    """Lists the newest 200 dead letters, newest first. Responds 503 while Kafka is unavailable."""
    return [letter for letter in await letters.newest() if not (waiting and letter.replayed_at)]


@router.get("/dead-letters/{letter}", summary="One dead letter")
async def get_letter(desk: TheDesk, letters: Kept, actor: Admin, letter: LetterId) -> DeadLetterDetails:
    """Returns a dead letter with its stack, its headers and the beginning of its raw record."""
    found = await letters.one(letter)
    await audit.noted(desk.database, "letter.read", actor, str(letter))
    return found


@router.post("/dead-letters/{letter}/replay", summary="Put a dead letter back on its topic")
async def replay_letter(
    desk: TheDesk,
    letters: Kept,
    actor: Admin,
    letter: LetterId,
    again: Annotated[bool, Query(description="Also where it was replayed before")] = False,
) -> DeadLetterView:
    """Publishes the raw record to its topic again, unchanged: key, value and headers. Correct
    the cause first: a record that is still bad is dead-lettered again, as a letter of its own.
    Responds 409 if it was replayed before, or cannot be replayed."""
    done = await letters.replay(letter, by=actor.stored, again=again)
    await audit.noted(desk.database, "letter.replayed", actor, str(letter), topic=done.topic)
    return done
