"""Who calls the API: a bearer token with scopes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from services.desk.context import Desk
from services.desk.people import audit
from services.desk.people import service as people
from services.desk.people.audit import By
from services.desk.people.schemas import Token
from shared.errors import Rejected

_bearer = HTTPBearer(auto_error=False, description="Made with `python -m services desk create-token --name <who>`.")
_GRANTS = {"read": {"read", "write", "admin"}, "write": {"write", "admin"}, "admin": {"admin"}}


def desk_of(request: Request) -> Desk:
    """Find this process's desk, with the connections of whoever asks: programs or pages."""
    state = request.app.state
    desk: Desk = state.desk_of_api if request.url.path.startswith("/api/") else state.desk_of_pages
    return desk


def _allows(scope: str) -> Callable[..., Awaitable[Token]]:
    async def check(
        request: Request,
        desk: Annotated[Desk, Depends(desk_of)],
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    ) -> Token:
        token = await people.check_token(desk, credentials.credentials) if credentials else None
        if token is None:
            raise Rejected(401, "unauthorized", "Send a valid API token: Authorization: Bearer <token>.")
        if not _GRANTS[scope] & set(token.scopes):
            await audit.noted(desk.database, "access.refused", _by(request, token), request.url.path[:200], why="scope")
            raise Rejected(403, "scope", f"This token does not have the scope {scope!r}.")
        return token

    return check


TheDesk = Annotated[Desk, Depends(desk_of)]
Reader = Annotated[Token, Depends(_allows("read"))]
Writer = Annotated[Token, Depends(_allows("write"))]
Admin = Annotated[Token, Depends(_allows("admin"))]


def _by(request: Request, token: Token) -> By:
    return By(actor(token), request.client.host if request.client else "")


def _by_reader(request: Request, token: Reader) -> By:
    return _by(request, token)


def _by_writer(request: Request, token: Writer) -> By:
    return _by(request, token)


def _by_admin(request: Request, token: Admin) -> By:
    return _by(request, token)


ByReader = Annotated[By, Depends(_by_reader)]
ByWriter = Annotated[By, Depends(_by_writer)]
ByAdmin = Annotated[By, Depends(_by_admin)]


def actor(token: Token) -> str:
    """How a machine is named in timelines."""
    return f"api:{token.name}"
