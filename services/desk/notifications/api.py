"""Notifications over HTTP, for machines that show them elsewhere."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from services.desk.cursors import as_uuid
from services.desk.notifications import service
from services.desk.notifications.domain import Preferences
from services.desk.notifications.schemas import NotificationList
from services.desk.security import Caller, TheDesk

router = APIRouter(prefix="/agents/{agent}", tags=["notifications"])
Email = Annotated[str, Path(max_length=320, description="An agent's mail address")]


class Read(BaseModel):
    """What was read; without any: everything."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field("", description="Of one line")
    ticket: str = Field("", description="Id of the ticket of which all is read")
    up_to: int | None = Field(None, description="`seq` of the newest line that was seen: newer ones stay unread")


class Count(BaseModel):
    """How many lines that was."""

    read: int


class QuietView(BaseModel):
    """When somebody hears nothing and gets no mail."""

    model_config = ConfigDict(extra="forbid")

    begins: str = Field("", examples=["20:00"], description="Local time; empty like `ends`: no quiet hours")
    ends: str = Field("", examples=["08:00"], description="Earlier than `begins`: of the next day")
    days: list[str] = Field([], examples=[["sat", "sun"]], description="Quiet from midnight to midnight")
    zone: str = Field("UTC", max_length=60, examples=["Europe/Paris"])


class PreferencesView(BaseModel):
    """How somebody wants to be told."""

    model_config = ConfigDict(extra="forbid")

    ways: dict[str, list[str]] = Field(
        {},
        examples=[{"mention": ["bell", "desktop", "sound", "mail"], "new-work": ["bell"]}],
        description="`bell`, `desktop`, `sound`, `mail` by kind: `mention`, `assigned`, `reply`, `failed`, `sla-warning`, "
        "`sla-breach`, `called-in`, `new-work`. Of a kind that is left out, the usual ones",
    )
    quiet: QuietView = Field(default_factory=QuietView)
    details: bool = Field(default=False, description="Whether a desktop notification shows the subject, too")
    mail_after: int = Field(15, description="Minutes unread until a mail, while away: 1 to 1,440")


def _view(found: Preferences) -> PreferencesView:
    return PreferencesView.model_validate(msgspec.to_builtins(found))


@router.get("/notifications", summary="What an agent was told")
async def list_notifications(
    desk: TheDesk,
    actor: Caller,
    agent: Email,
    *,
    unread: Annotated[bool, Query(description="Only what they have not read")] = False,
    after: Annotated[int, Query(ge=0, description="Only what is newer than this `seq`")] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = service.MOST,
) -> NotificationList:
    """Lists it, the newest first. What happens to one ticket again before it was read is one line
    with a count."""
    return await service.listed(desk, agent, actor=actor, unread=unread, after=after, limit=limit)


@router.post("/notifications/read", summary="Mark notifications as read")
async def mark_read(desk: TheDesk, actor: Caller, agent: Email, body: Read) -> Count:
    """Marks one line, those of a ticket, or all. Idempotent."""
    one = as_uuid(body.id, "notification") if body.id else ""
    ticket = as_uuid(body.ticket, "ticket") if body.ticket else ""
    count = await service.read(desk, agent, actor=actor, one=one, ticket=ticket, up_to=body.up_to)
    return Count(read=count)


@router.get("/notification-settings", summary="How an agent wants to be told")
async def get_settings(desk: TheDesk, actor: Caller, agent: Email) -> PreferencesView:
    """Returns what they chose, or what is usual."""
    return _view(await service.preferences(desk, agent, actor=actor))


@router.put("/notification-settings", summary="Say how an agent wants to be told")
async def put_settings(desk: TheDesk, actor: Caller, agent: Email, body: PreferencesView) -> PreferencesView:
    """Replaces all of it. Responds 422 with `notifications-ways`, `notifications-quiet`,
    `notifications-zone` or `notifications-mail_after`."""
    wanted = msgspec.convert(body.model_dump(), Preferences)
    return _view(await service.choose(desk, agent, wanted, actor=actor))
