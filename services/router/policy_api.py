"""Serves the desk's page of the policy: which one is in force and which were, what is wrong with a
draft and what it would have changed, and its publication."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Collection
from typing import TypeVar

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from services.router import publishing
from services.router.adapters import policy_yaml
from services.router.adapters.urgency import Models
from services.router.api import ours
from services.router.domain.policy import Policy
from services.router.policies import Policies
from services.router.ports import Lookup
from shared import policies as wire
from shared.asking import LONGEST_LINE
from shared.errors import Rejected, Unavailable
from shared.events import RoutingPolicy
from shared.events.base import Event
from shared.events.codec import decode, encode
from shared.policies import (
    PolicyChecked,
    PolicyDraft,
    PolicyProblem,
    PolicyPublished,
    PolicyState,
    PolicyText,
    PolicyToPublish,
    PolicyVersion,
)
from shared.yaml_sections import YamlErrors

D = TypeVar("D", bound=PolicyDraft)
_LOOK_EVERY = 0.05
_LOOKS = 100
"""Five seconds for a published policy to come back from Kafka; later the answer is the same."""


class History:
    """All versions of a policy, read again when there is a newer one."""

    def __init__(self, servers: str, name: str, published: Lookup[RoutingPolicy]) -> None:
        self.name, self._servers, self._published = name, servers, published
        self._read: tuple[RoutingPolicy, ...] = ()

    async def versions(self) -> tuple[RoutingPolicy, ...]:
        """Returns them, oldest first. Raises Unavailable."""
        newest = self._published.get(self.name)
        if newest is not None and (not self._read or self._read[-1] != newest):
            self._read = await publishing.history(self._servers, self.name)
        return self._read

    async def text(self, version: int) -> str:
        """Returns the text of a version. Rejected 404."""
        if version == 0:
            shipped = policy_yaml.SHIPPED.read_text(encoding="utf-8")
            return re.sub(r"(?m)^name: .*$", lambda _: f"name: {self.name}", shipped, count=1)
        found = next((one.yaml for one in await self.versions() if one.version == version), None)
        if found is None:
            raise Rejected(404, "no-such-version", f"There is no version {version} of the policy {self.name!r}.")
        return found

    async def publish(self, asked: PolicyToPublish, policies: Policies) -> int:
        """Publishes a text that was checked, and waits until this router follows it. Where the
        newest version cannot be used, what is in force is a base as well. Rejected 409."""
        base, refused = asked.base, self._published.get(self.name)
        if base == policies.current().version and policies.trouble and refused is not None:
            base = refused.version
        event = await publishing.publish(
            self._servers, self.name, asked.yaml, base=base, by=asked.by, of=asked.of, about=asked.about
        )
        for _ in range(_LOOKS):
            newest = self._published.get(self.name)
            if newest is not None and newest.version >= event.version:
                break
            await asyncio.sleep(_LOOK_EVERY)
        return event.version


def routes(secret: str, policies: Policies, models: Models, history: History) -> APIRouter:
    """Makes `/api/v1/policy`, for whoever has our secret. models: that a draft may ask for."""
    router = APIRouter(dependencies=[Depends(ours(secret))])
    previewing = asyncio.Lock()  # one at a time: each takes a core

    async def problems(asked: PolicyDraft) -> tuple[PolicyProblem, ...]:
        return await asyncio.to_thread(_problems, asked, history.name, policies.current(), models.aside())

    @router.get(wire.POLICY)
    async def state() -> Response:
        current, versions = policies.current(), await history.versions()
        return _json(
            PolicyState(
                name=history.name,
                version=current.version,
                yaml=await history.text(current.version),
                versions=(*map(_described, reversed(versions)), PolicyVersion(version=0)),
                trouble=policies.trouble,
            )
        )

    @router.get(wire.VERSIONS + "/{version}")
    async def version(version: int) -> Response:
        return _json(PolicyText(version=version, yaml=await history.text(version)))

    @router.post(wire.CHECKS)
    async def check(request: Request) -> Response:
        return _json(PolicyChecked(problems=await problems(await _asked(PolicyDraft, request))))

    @router.post(wire.POLICY)
    async def publish(request: Request) -> Response:
        asked = await _asked(PolicyToPublish, request)
        if found := await problems(asked):
            return _json(PolicyPublished(problems=found))
        return _json(PolicyPublished(version=await history.publish(asked, policies)))

    @router.post(wire.PREVIEWS)
    async def preview(request: Request) -> Response:
        asked = await _asked(PolicyDraft, request)

        async def told() -> AsyncIterator[bytes]:
            async with previewing:
                async for line in _previewed(asked.yaml):
                    yield line

        return StreamingResponse(told(), media_type="application/x-ndjson")

    return router


async def _previewed(text: str) -> AsyncIterator[bytes]:
    """Yields the lines of `policy preview`, which ends where nobody wants them any more."""
    command = (sys.executable, "-m", "services", "router", "policy", "preview")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, limit=LONGEST_LINE)
    writer, reader = process.stdin, process.stdout
    if writer is None or reader is None:  # pragma: no cover - they were asked for
        raise Unavailable("a preview cannot be made")
    try:
        writer.write(text.encode())
        writer.close()
        async for line in reader:
            yield line
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _asked(kind: type[D], request: Request) -> D:
    asked = decode(kind, await request.body())
    if len(asked.yaml) > wire.LONGEST:
        raise Rejected(422, "draft-too-long", f"A policy has at most {wire.LONGEST:,} characters.")
    return asked


def _problems(asked: PolicyDraft, name: str, current: Policy, models: Models) -> tuple[PolicyProblem, ...]:
    skills: Collection[str] = ()
    if asked.skills is not None:
        skills = {*asked.skills, *(skill for rule in current.rules for skill in rule.skills)}
    try:
        policy = policy_yaml.parse(asked.yaml, "policy", models=models, skills=skills)
    except YamlErrors as error:
        return tuple(PolicyProblem(line=line, text=text) for line, text in error.found)
    if policy.name != name:
        line = next((n for n, text in enumerate(asked.yaml.splitlines(), 1) if text.startswith("name:")), 1)
        return (PolicyProblem(line=line, text=f"name: must be {name!r}, the policy that the router follows"),)
    return ()


def _described(event: RoutingPolicy) -> PolicyVersion:
    return PolicyVersion(version=event.version, published_at=event.published_at, by=event.by, of=event.of)


def _json(event: Event) -> Response:
    return Response(encode(event), media_type="application/json")
