"""Settings as files over HTTP, for programs with the scope `admin`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from services.desk.files import service as files
from services.desk.security import Caller, TheDesk

router = APIRouter(tags=["settings"])
_LARGEST = 512 << 10
Text = Annotated[str, Field(max_length=_LARGEST)]


class Files(BaseModel):
    """Settings, by the name of the file."""

    model_config = ConfigDict(extra="forbid")

    files: dict[str, Text] = Field(examples=[{"teams.yaml": "teams:\n  billing: {}\n"}])


class ChangeView(BaseModel):
    """What a file changes."""

    file: str
    about: str
    kind: str = Field(description="`added`, `changed` or `removed`")
    fields: dict[str, list[str]] = Field(description="Before and after, by field")


class AppliedView(BaseModel):
    """What files changed, or would change."""

    changes: list[ChangeView]
    policy: list[str] = Field(description="Lines of the policy that differ, with `-` or `+` before them")
    published: int = Field(description="The version of the policy that they made; 0: none")
    trouble: str = Field(description="Why the policy was not published, though all else is done; usually empty")


@router.get("/settings", summary="Settings as files")
async def export(desk: TheDesk, actor: Caller) -> Files:
    """Returns teams, what work people get, automatic replies, service levels and the routing
    policy. The same settings are the same bytes. Nothing secret is in them."""
    return Files(files=await files.export(desk, actor=actor))


@router.put("/settings", summary="Apply settings from files")
async def apply(
    desk: TheDesk,
    actor: Caller,
    body: Files,
    dry_run: Annotated[bool, Query(description="Only say what would change")] = False,
) -> AppliedView:
    """Makes the desk as these files say, all of them or nothing; a file that is left out leaves its
    settings as they are. Responds 422 `settings-files` with file and line of all that is wrong."""
    found = await files.apply(desk, body.files, dry_run=dry_run, actor=actor)
    changes = [
        ChangeView(
            file=each.file,
            about=each.about,
            kind=each.kind,
            fields={name: [old, new] for name, old, new in each.fields},
        )
        for each in found.changes
    ]
    return AppliedView(changes=changes, policy=list(found.policy), published=found.published, trouble=found.trouble)
