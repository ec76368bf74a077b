"""People and the audit log over HTTP, for machines with the scope `admin`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from services.desk.accounts import service as accounts
from services.desk.actors import Actor, Permission
from services.desk.people import audit, sessions
from services.desk.people.audit import MOST, Entry
from services.desk.people.schemas import LinkView, PersonView, SessionView
from services.desk.security import TheDesk, allowed

router = APIRouter(tags=["people"])
Admin = Annotated[Actor, Depends(allowed(Permission.MANAGE_PEOPLE))]
Email = Annotated[str, Path(max_length=320, description="Their mail address")]


class Invitation(BaseModel):
    """Who is to join."""

    model_config = ConfigDict(extra="forbid")

    email: str = Field(max_length=320, examples=["ann@example.org"])
    name: str = Field("", max_length=200, examples=["Ann Lee"])
    role: str = Field("agent", description="`read-only`, `agent`, `supervisor` or `admin`")


class PersonChange(BaseModel):
    """What to change; leave out what stays."""

    model_config = ConfigDict(extra="forbid")

    active: bool | None = Field(None, description="Whether they may sign in")
    role: str | None = Field(None, description="`read-only`, `agent`, `supervisor` or `admin`")
    two_step: bool | None = Field(None, description="Only false: signing in asks for no code any more")


@router.get("/people", summary="List who may sign in, was invited to, or could once")
async def list_people(desk: TheDesk, _: Admin) -> list[PersonView]:
    """Lists active people first, each group by name."""
    return list(await accounts.people(desk))


@router.post("/people", status_code=201, summary="Invite a person")
async def invite(desk: TheDesk, actor: Admin, body: Invitation) -> LinkView:
    """Creates an invitation link that is shown only once, works once and expires after seven
    days. Inviting somebody again creates a new one. Responds 409 if they have joined already."""
    return await accounts.invite(desk, body.email, body.name, body.role, actor)


@router.get("/people/{email}", summary="One person")
async def get_person(desk: TheDesk, _: Admin, email: Email) -> PersonView:
    """Returns a person by mail address, also one who is disabled."""
    return await accounts.person(desk, email)


@router.patch("/people/{email}", summary="Disable or enable a person, change their role, end their second step")
async def change(desk: TheDesk, actor: Admin, email: Email, body: PersonChange) -> PersonView:
    """Changes what the body gives. A disabled person is signed out at once, and their open
    conversations return to their queues. Responds 409 `last-admin` for the only admin."""
    person = await accounts.person(desk, email)
    if body.role is not None:
        await accounts.set_role(desk, email, body.role, actor)
    if body.two_step is False:
        await accounts.end_second_step(desk, email, actor)
    if body.active is not None:
        await (accounts.enable if body.active else accounts.disable)(desk, email, actor)
    return next((each for each in await accounts.people(desk) if each.id == person.id), person)


@router.post("/people/{email}/password-link", status_code=201, summary="Create a password reset link")
async def password_link(desk: TheDesk, actor: Admin, email: Email) -> LinkView:
    """Creates a link that is shown only once, works once and expires after a day. The current
    password works until the link is used."""
    return await accounts.password_link(desk, email, actor)


@router.get("/people/{email}/sessions", summary="Where a person is signed in")
async def list_sessions(desk: TheDesk, actor: Admin, email: Email) -> list[SessionView]:
    """Lists the person's sessions, last used first."""
    person = await accounts.person(desk, email)
    await audit.noted(desk.database, "sessions.read", actor, person.email)
    return list(await sessions.listed(desk, person.id))


@router.delete("/people/{email}/sessions", status_code=204, summary="Sign a person out everywhere")
async def end_sessions(desk: TheDesk, actor: Admin, email: Email) -> None:
    """Ends all sessions of the person at once."""
    await sessions.end(desk, (await accounts.person(desk, email)).id, actor)


@router.get("/audit", summary="Who did what")
async def list_audit(
    desk: TheDesk,
    actor: Annotated[Actor, Depends(allowed(Permission.READ_AUDIT))],
    kind: Annotated[
        str, Query(max_length=40, description="Such as `sign-in.refused`, or the first word of several")
    ] = "",
    who: Annotated[str, Query(max_length=320, description="Did it, or had it done to them")] = "",
    before: Annotated[int, Query(ge=0, le=2**62, description="Only entries with a smaller id")] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
) -> list[Entry]:
    """Lists the newest entries, newest first; to continue, pass the last id as `before`. Reading
    the log is recorded as an entry too."""
    found = await audit.entries(desk.database, kind=kind, who=who, before=before, limit=limit)
    await audit.noted(desk.database, "audit.read", actor, who, kinds=kind)
    return list(found)
