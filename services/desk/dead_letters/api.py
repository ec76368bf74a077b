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
    """The newest 200, newest first. 503 while Kafka is away."""
    return [letter for letter in await letters.newest() if not (waiting and letter.replayed_at)]


@router.get("/dead-letters/{letter}", summary="One dead letter")
async def get_letter(desk: TheDesk, letters: Kept, actor: Admin, letter: LetterId) -> DeadLetterDetails:
    """With its stack, its headers and the beginning of its raw record."""
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
    """The raw record goes back exactly as it was: key, value and headers. Correct the cause first: what is still bad is set aside
    again, as a letter of its own. 409 where it was replayed before, or has no way back."""
    done = await letters.replay(letter, by=actor.stored, again=again)
    await audit.noted(desk.database, "letter.replayed", actor, str(letter), topic=done.topic)
    return done
