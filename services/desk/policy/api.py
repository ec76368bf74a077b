"""The routing policy over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field

from services.desk.actors import Actor, Permission
from services.desk.policy import service as policy
from services.desk.security import Caller, TheDesk, allowed
from shared.policies import LONGEST

router = APIRouter(tags=["routing policy"])
Version = Annotated[int, Path(ge=0, le=2**31 - 1, description="0: the one that comes with the router")]
Reads = Annotated[Actor, Depends(allowed(Permission.READ_ROUTING))]


class VersionView(BaseModel):
    """A version of the policy."""

    version: int
    published_at: datetime | None = Field(description="Empty for version 0")
    by: str = Field(description="Who published it; empty: somebody by the router's command")
    of: int | None = Field(description="The version that it brought back")


class PolicyView(BaseModel):
    """The policy in force and all versions, the newest first."""

    version: int
    yaml: str
    trouble: str = Field(description="Why the newest version is not in force; usually empty")
    versions: list[VersionView]


class TextView(BaseModel):
    """A version's text."""

    yaml: str


class ProblemView(BaseModel):
    """What is wrong in a line."""

    line: int
    text: str


class ToCheck(BaseModel):
    """A policy that is only looked at."""

    model_config = ConfigDict(extra="forbid")

    yaml: str = Field(max_length=LONGEST)


class ToPublish(ToCheck):
    """A policy that comes into force."""

    base: int = Field(ge=0, description="The version in force that it takes the place of")


class RollBack(BaseModel):
    """Which version to bring back."""

    model_config = ConfigDict(extra="forbid")

    to: int = Field(ge=0, description="0: the one that comes with the router")
    base: int = Field(ge=0, description="The version in force")


class PublishedView(BaseModel):
    """The version under which it is in force."""

    version: int


@router.get("/policy", summary="The routing policy in force")
async def get_policy(desk: TheDesk, actor: Reads) -> PolicyView:
    """Returns its text and who published which version when. Responds 503 while the router is
    away."""
    found = await policy.state(desk, actor=actor)
    versions = [
        VersionView(version=each.version, published_at=each.published_at, by=each.by, of=each.of)
        for each in found.versions
    ]
    return PolicyView(version=found.version, yaml=found.yaml, trouble=found.trouble, versions=versions)


@router.get("/policy/versions/{version}", summary="A version of the routing policy")
async def get_version(desk: TheDesk, actor: Reads, version: Version) -> TextView:
    """Returns its text."""
    return TextView(yaml=await policy.version(desk, version, actor=actor))


@router.post("/policy/check", summary="Check a routing policy")
async def check(desk: TheDesk, actor: Reads, body: ToCheck) -> list[ProblemView]:
    """Lists what is wrong, with its line; nothing where it is right. A skill that nobody has, and
    that the policy in force does not name, is wrong."""
    problems = await policy.check(desk, body.yaml, actor=actor)
    return [ProblemView(line=each.line, text=each.text) for each in problems]


@router.post("/policy", summary="Publish a routing policy")
async def publish(desk: TheDesk, actor: Caller, body: ToPublish) -> PublishedView:
    """Puts it in force. Responds 409 `policy-overtaken` where another version than `base` is in
    force, 409 `second-person` where two people publish a policy, 422 `policy` with what is
    wrong."""
    return PublishedView(version=await policy.publish_text(desk, body.yaml, base=body.base, actor=actor))


@router.post("/policy/roll-back", summary="Bring a former routing policy back")
async def roll_back(desk: TheDesk, actor: Caller, body: RollBack) -> PublishedView:
    """Publishes a former version anew. Responds 409 `policy-overtaken` where another version than
    `base` is in force."""
    return PublishedView(version=await policy.roll_back(desk, body.to, base=body.base, actor=actor))
