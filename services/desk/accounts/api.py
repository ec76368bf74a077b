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
    """Active ones first, by name."""
    return list(await accounts.people(desk))


@router.post("/people", status_code=201, summary="Invite a person")
async def invite(desk: TheDesk, actor: Admin, body: Invitation) -> LinkView:
    """The link is shown this once, works once, and for seven days. Inviting somebody again makes a new one. 409 where they have
    joined already."""
    return await accounts.invite(desk, body.email, body.name, body.role, actor)


@router.get("/people/{email}", summary="One person")
async def get_person(desk: TheDesk, _: Admin, email: Email) -> PersonView:
    """Also one who is disabled."""
    return await accounts.person(desk, email)


@router.patch("/people/{email}", summary="Disable or enable a person, change their role, end their second step")
async def change(desk: TheDesk, actor: Admin, email: Email, body: PersonChange) -> PersonView:
    """Who is disabled is signed out at once; their open conversations go back to their queues. 409 `last-admin` for the only one."""
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
    """It is shown this once, works once, and for a day. The password that they have works until then."""
    return await accounts.password_link(desk, email, actor)


@router.get("/people/{email}/sessions", summary="Where a person is signed in")
async def list_sessions(desk: TheDesk, actor: Admin, email: Email) -> list[SessionView]:
    """Last used first."""
    person = await accounts.person(desk, email)
    await audit.noted(desk.database, "sessions.read", actor, person.email)
    return list(await sessions.listed(desk, person.id))


@router.delete("/people/{email}/sessions", status_code=204, summary="Sign a person out everywhere")
async def end_sessions(desk: TheDesk, actor: Admin, email: Email) -> None:
    """At once."""
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
    """The newest, newest first; go on with `before` the last id. Reading it is an entry too."""
    found = await audit.entries(desk.database, kind=kind, who=who, before=before, limit=limit)
    await audit.noted(desk.database, "audit.read", actor, who, kinds=kind)
    return list(found)
