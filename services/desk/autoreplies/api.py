"""Automatic replies over HTTP, for machines with the scope `admin`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from services.desk.actors import Actor, Permission
from services.desk.autoreplies import service as autoreplies
from services.desk.autoreplies.domain import LONGEST, Rule, Texts
from services.desk.security import Caller, TheDesk, allowed

router = APIRouter(tags=["automatic replies"])
Team = Annotated[str, Query(max_length=60, description="Empty: of all teams that have no settings of their own")]


class TextsView(BaseModel):
    """What is written in one language. Variables are `{ticket}`, `{name}`, `{subject}` and
    `{opens}`; `{name|there}` has words for when nothing is known."""

    model_config = ConfigDict(extra="forbid")

    received: str = Field("", max_length=LONGEST)
    closed: str = Field("", max_length=LONGEST, description="Outside opening hours; empty: `received` then too")


class RuleView(BaseModel):
    """What a team's customers are told."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool = False
    hours: str = Field("", max_length=1000, examples=["mon-fri 09:00-18:00"], description="Empty: always open")
    zone: str = Field("UTC", max_length=60, examples=["Europe/Paris"])
    holidays: str = Field("", max_length=5000, examples=["2026-12-25,2027-01-01"])
    language: str = Field("en", max_length=10, description="Of customers in whose own language there is no text")
    texts: dict[str, TextsView] = Field({}, description="By language, ISO 639-1")


class TeamRuleView(RuleView):
    """The same, and whose it is."""

    team: str


class AutorepliesView(BaseModel):
    """All settings of automatic replies."""

    paused_at: datetime | None = Field(description="When too many within a minute paused all of them")
    rules: list[TeamRuleView]


def _view(rule: Rule) -> TeamRuleView:
    return TeamRuleView.model_validate(msgspec.to_builtins(rule))


@router.get("/automatic-replies", summary="What customers are told automatically")
async def list_rules(
    desk: TheDesk, actor: Annotated[Actor, Depends(allowed(Permission.MANAGE_AUTOREPLIES))]
) -> AutorepliesView:
    """Lists the settings of everybody and of each team that has its own."""
    found = await autoreplies.rules(desk, actor=actor)
    return AutorepliesView(paused_at=await autoreplies.paused_since(desk), rules=[_view(rule) for rule in found])


@router.put("/automatic-replies", summary="Set what a team's customers are told automatically")
async def put_rule(desk: TheDesk, actor: Caller, body: RuleView, team: Team = "") -> TeamRuleView:
    """Replaces the team's settings. Responds 422 with `autoreply-hours`, `autoreply-language`,
    `autoreply-texts`, `autoreply-variable` or `autoreply-brace`, and what to write instead."""
    texts = {code: Texts(received=own.received, closed=own.closed) for code, own in body.texts.items()}
    rule = Rule(team=team, texts=texts, **body.model_dump(exclude={"texts"}))
    return _view(await autoreplies.put(desk, rule, actor=actor))


@router.delete("/automatic-replies", status_code=204, summary="Forget a team's settings")
async def remove_rule(desk: TheDesk, actor: Caller, team: Team = "") -> None:
    """Forgets them: those of everybody count for the team. Forgetting those of everybody switches
    automatic replies off for all teams without their own."""
    await autoreplies.remove(desk, team, actor=actor)


@router.post("/automatic-replies/resume", status_code=204, summary="Resume automatic replies")
async def resume(desk: TheDesk, actor: Caller) -> None:
    """Lets the brake go that too many within a minute pulled. Idempotent."""
    await autoreplies.resume(desk, actor=actor)
