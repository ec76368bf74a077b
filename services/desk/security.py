"""Who calls the API: a bearer token, whose scopes are permissions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from services.desk.actors import Actor, Forbidden, Kind, Permission, scoped
from services.desk.context import Desk
from services.desk.people import audit
from services.desk.people import service as people
from shared.errors import Rejected

_bearer = HTTPBearer(auto_error=False, description="Made with `python -m services desk create-token --name <who>`.")


def desk_of(request: Request) -> Desk:
    """Returns this process's desk, with the connections for the caller: programs or pages."""
    state = request.app.state
    desk: Desk = state.desk_of_api if request.url.path.startswith("/api/") else state.desk_of_pages
    return desk


TheDesk = Annotated[Desk, Depends(desk_of)]


async def caller(
    request: Request, desk: TheDesk, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> AsyncIterator[Actor]:
    """Yields who calls, and log what they were refused. Rejected 401."""
    token = await people.check_token(desk, credentials.credentials) if credentials else None
    if token is None:
        raise Rejected(401, "unauthorized", "Send a valid API token: Authorization: Bearer <token>.")
    ip = request.client.host if request.client else ""
    actor = Actor(Kind.TOKEN, token.name, token.name, scoped(token.scopes), ip)
    try:
        yield actor
    except Forbidden as refused:
        why = refused.permission.value
        await audit.noted(desk.database, "access.refused", actor, request.url.path[:200], why=why)
        raise


Caller = Annotated[Actor, Depends(caller)]
"""For commands, which ask for the permission themselves."""


def allowed(permission: Permission) -> Callable[[Actor], Actor]:
    """Makes a dependency that lets only those in who have this permission: for what is read."""

    def check(actor: Caller) -> Actor:
        actor.require(permission)
        return actor

    return check


Reader = Annotated[Actor, Depends(allowed(Permission.READ))]
