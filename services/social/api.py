"""Serves agents' tools by HTTP: mentions, tickets made of them, labels, and the model's figures."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from services.social import learning, repository
from services.social.active_model import ActiveModel
from services.social.channel import CHANNEL
from services.social.labels import Labels
from services.social.models import Seen
from services.social.settings import SocialSettings
from shared.clock import utc_now
from shared.db import Database
from shared.errors import Rejected
from shared.kernel import contact_point, message_id

_SHORTEST_TOKEN = 16


class Mention(BaseModel):
    """A post that opened no ticket."""

    id: str
    network: str
    author: str
    name: str
    username: str
    text: str
    language: str
    followers: int
    created_at: datetime
    received_at: datetime
    kind: str
    complaint: float
    question: float
    reasons: list[str]


class Mentions(BaseModel):
    """A page, newest first. `before`: what to ask for the next page; empty at the end."""

    mentions: list[Mention]
    before: str


class Opened(BaseModel):
    """`message_id`: the message as router and desk know it."""

    id: str
    message_id: str
    contact_point: str


class Label(BaseModel):
    """What a post is in an agent's eyes."""

    label: Literal["complaint", "question", "other"]
    by: str = Field("", max_length=200)


def routes(settings: SocialSettings, database: Database, active_model: ActiveModel, labels: Labels) -> APIRouter:
    """Makes `/api/v1`. Every request needs the bearer token of the settings."""

    async def authorised(authorization: Annotated[str, Header()] = "") -> None:
        token = settings.api_token.get_secret_value()
        if len(token) < _SHORTEST_TOKEN:
            raise Rejected(
                403, "api-off", f"Set SOCIAL_API_TOKEN to at least {_SHORTEST_TOKEN} characters to use this API."
            )
        if not hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
            raise Rejected(401, "unauthorized", "Send `Authorization: Bearer <SOCIAL_API_TOKEN>`.")

    router = APIRouter(prefix="/api/v1", dependencies=[Depends(authorised)])

    @router.get("/mentions")
    async def mentions(
        kind: Literal["", "complaint", "question", "other"] = "",
        language: Annotated[str, Query(max_length=5)] = "",
        before: Annotated[str, Query(max_length=100)] = "",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> Mentions:
        async with database.transaction() as session:
            rows = await repository.mentions(session, kind, language, _place(before), limit)
        following = f"{rows[-1].received_at.isoformat()},{rows[-1].id}" if len(rows) == limit else ""
        return Mentions(mentions=[Mention.model_validate(row, from_attributes=True) for row in rows], before=following)

    @router.post("/mentions/{post}/ticket")
    async def ticket(post: str, network: str = CHANNEL.name) -> Opened:
        async with database.transaction() as session:
            row = await _post(session, network, post)
            await labels.open(row)
        return Opened(id=post, message_id=message_id(network, post), contact_point=contact_point(network, row.author))

    @router.put("/posts/{post}/label")
    async def label(post: str, given: Label, network: str = CHANNEL.name) -> Label:
        async with database.transaction() as session:
            row = await _post(session, network, post)
            if not await labels.label(session, row, given.label, given.by, utc_now()):
                raise Rejected(
                    409, "no-text", "The text of this post is not kept here, so nothing can be learned from it."
                )
        return given

    @router.get("/model")
    async def model() -> dict[str, Any]:
        async with database.transaction() as session:
            rows = await repository.corrections(session)
        own = learning.on_own_posts(rows, active_model.model, settings.complaint_from, settings.question_from)
        thresholds = {"complaint": settings.complaint_from, "question": settings.question_from}
        return {
            "version": active_model.version,
            "thresholds": thresholds,
            "own_posts": own,
            "about": active_model.model.about,
        }

    return router


async def _post(session: AsyncSession, network: str, post: str) -> Seen:
    row = await repository.post(session, network, post)
    if row is None:
        raise Rejected(404, "no-such-post", "There is no such post, or it was forgotten.")
    return row


def _place(before: str) -> tuple[datetime, str] | None:
    if not before:
        return None
    moment, _, last = before.replace(" ", "+").partition(",")
    try:
        parsed = datetime.fromisoformat(moment)
    except ValueError as error:
        raise Rejected(422, "before", "Give `before` as the page before gave it.") from error
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)), last
