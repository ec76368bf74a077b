"""The routing policy is changed by people who do not take each other's work back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.desk.actors import COMMAND, Actor
from services.desk.context import Desk
from services.desk.people import audit, work
from services.desk.people import service as people
from services.desk.policy import previews
from services.desk.policy import service as policy
from services.desk.policy.domain import State
from services.desk.policy.service import Wrong
from shared.bus.kafka import KafkaBus
from shared.errors import Rejected, Unavailable
from shared.topics import AUDIT_NOTED, MESSAGES_RECEIVED
from tests.integration.desk_parts import acting, desk_on, migrate
from tests.integration.router_process import RouterProcess
from tests.topic import events_on
from tests.unit.router.makers import mail
from tests.waiting import until

ANN, BO = acting("ann@desk.example", "admin"), acting("bo@desk.example", "admin")


@pytest.fixture
async def desk(
    router: RouterProcess, database: str, storage_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Desk]:
    monkeypatch.setattr("tests.integration.desk_parts.SECRET", "s" * 32)
    router.environment["ROUTER_POLICY"] = f"desk-{uuid4().hex[:8]}"
    await asyncio.gather(router.start(), migrate(database))
    async with desk_on(database, storage_url, router_url=f"http://127.0.0.1:{router.port}") as made:
        yield made


async def drafted(desk: Desk, old: str, new: str, actor: Actor = ANN) -> policy.Draft:
    state = await policy.state(desk, actor=actor)
    assert old in state.yaml
    text = state.yaml.replace(old, new)
    return await policy.save(desk, text, base=state.version, revision=0, actor=actor)


async def hear(desk: Desk, when: str) -> None:
    """When who makes a preview was heard of."""
    async with desk.database.transaction() as session:
        await session.execute(text(f"UPDATE desk.policy_previews SET beat_at = {when}"))


async def test_two_admins_at_once_do_not_overwrite_each_other(desk: Desk) -> None:
    drafts = [await drafted(desk, "  base: 20 ", f"  base: 2{n} ", who) for n, who in ((1, ANN), (2, BO))]
    done = await asyncio.gather(
        *(policy.publish(desk, each.id, revision=1, actor=who) for each, who in zip(drafts, (ANN, BO), strict=True)),
        return_exceptions=True,
    )
    (refused,) = [each for each in done if isinstance(each, Rejected)]
    assert refused.code == "policy-overtaken"
    state = await policy.state(desk, actor=ANN)
    (left,) = await policy.drafts(desk, actor=ANN)
    winner = BO if left.author == ANN.stored else ANN
    assert (state.version, state.versions[0].by) == (1, winner.stored)
    assert left.text != state.yaml, "the other text is still there"
    loser = ANN if winner == BO else BO
    again = await policy.save(desk, left.text, base=1, revision=1, actor=loser)
    assert await policy.publish(desk, again.id, revision=2, actor=loser) == 2
    assert await policy.roll_back(desk, 0, base=2, actor=ANN) == 3
    state = await policy.state(desk, actor=ANN)
    assert (state.versions[0].of, state.yaml) == (0, await policy.version(desk, 0, actor=ANN))
    with pytest.raises(Rejected, match="no version 9"):
        await policy.roll_back(desk, 9, base=3, actor=ANN)


async def test_who_published_what_reaches_the_audit_log(desk: Desk, router: RouterProcess) -> None:
    made = await drafted(desk, "  base: 20 ", "  base: 21 ")
    await policy.publish(desk, made.id, revision=1, actor=BO)
    name = router.environment["ROUTER_POLICY"]
    noted = await events_on(router.servers, AUDIT_NOTED)
    (event,) = [each for each in noted if each.subject == f"{name}@1"]
    assert (event.actor, event.data) == (BO.stored, {"draft by": ANN.stored})
    await audit.record(desk.database, [event])
    (entry,) = await audit.entries(desk.database, kind="policy.published")
    assert (entry.actor, entry.subject) == (BO.stored, f"{name}@1")


async def test_a_policy_with_an_unknown_skill_is_refused_with_its_line_until_somebody_has_it(desk: Desk) -> None:
    made = await drafted(desk, "[fr]}, skills: [french]", "[fr]}, skills: [french, fluency]")
    line = next(number for number, each in enumerate(made.text.splitlines(), 1) if "fluency" in each)
    with pytest.raises(Wrong, match=f"line {line}: .*'fluency' is not known"):
        await policy.publish(desk, made.id, revision=1, actor=ANN)
    assert (await policy.state(desk, actor=ANN)).version == 0
    await people.create_agent(
        desk.database, email="cy@desk.example", name="", role="agent", password="correct horse battery", actor=COMMAND
    )
    await work.set_work(desk, "cy@desk.example", work.WorkChange(skills=["fluency"]), actor=COMMAND)
    assert await policy.check(desk, made.text, actor=ANN) == ()
    assert await policy.publish(desk, made.id, revision=1, actor=ANN) == 1


async def test_a_preview_is_made_beside_the_router_and_kept(desk: Desk, router: RouterProcess) -> None:
    bus = KafkaBus(router.servers, "test")
    await bus.start()
    own = uuid4().hex
    for n in range(3):
        message = mail("When do you open?", id=f"{own}-{n}", provider_id=f"<{own}-{n}@example.org>")
        await bus.publish(MESSAGES_RECEIVED, message.id, message)
    await bus.stop()
    made = await drafted(desk, "  urgent: 65", "  urgent: 46")
    await policy.ask_preview(desk, made.id, actor=ANN)

    async def decided() -> bool:
        assert await previews.make_one(desk)
        found = (await policy.draft(desk, made.id, actor=ANN)).preview
        assert found
        assert (found.state, found.fresh) == (State.DONE, True), found.failed
        assert found.result
        if found.result.messages < 3:
            await policy.ask_preview(desk, made.id, actor=ANN)
        return found.result.messages >= 3

    await until(decided, "the messages were never previewed")
    assert not await previews.make_one(desk), "there is nothing else to do"
    changed = await policy.save(desk, made.text + "\n# more", base=0, revision=1, actor=ANN)
    assert changed.preview
    assert not changed.preview.fresh


async def test_while_the_router_is_away_drafts_are_kept_and_a_preview_says_why_there_is_none(
    database: str, storage_url: str
) -> None:
    await migrate(database)
    async with desk_on(database, storage_url, router_url="http://127.0.0.1:9") as desk:
        made = await policy.save(desk, "name: x", base=0, revision=0, actor=ANN)
        for asking in (
            policy.state(desk, actor=ANN),
            policy.check(desk, "x", actor=ANN),
            policy.publish(desk, made.id, revision=1, actor=ANN),
            policy.roll_back(desk, 0, base=1, actor=ANN),
        ):
            with pytest.raises(Unavailable):
                await asking
        await policy.ask_preview(desk, made.id, actor=ANN)
        await hear(desk, "now()")
        assert not await previews.make_one(desk), "another process makes it"
        await hear(desk, "now() - interval '31 s'")
        assert await previews.make_one(desk), "that one was killed"
        (kept,) = await policy.drafts(desk, actor=BO)
        assert kept.preview
        assert (kept.text, kept.preview.state, kept.preview.failed) == ("name: x", State.FAILED, "away")
        with pytest.raises(Rejected, match="another tab"):
            await policy.save(desk, "name: y", base=0, revision=0, actor=ANN)
        await policy.discard(desk, made.id, actor=BO)
        for gone in (policy.draft(desk, made.id, actor=ANN), policy.discard(desk, made.id, actor=ANN)):
            with pytest.raises(Rejected, match="no longer there"):
                await gone
        kinds = [entry.kind for entry in await audit.entries(desk.database, kind="policy")]
        assert kinds == ["policy.discarded", "policy.previewed", "policy.drafted"]


async def test_where_two_people_publish_the_author_needs_somebody_else(database: str, storage_url: str) -> None:
    await migrate(database)
    async with desk_on(database, storage_url, router_url="http://127.0.0.1:9", two_person=True) as desk:
        made = await policy.save(desk, "name: x", base=0, revision=0, actor=ANN)
        with pytest.raises(Rejected, match="Somebody else"):
            await policy.publish(desk, made.id, revision=1, actor=ANN)
        with pytest.raises(Rejected, match="Two people"):
            await policy.publish_text(desk, "name: x", base=0, actor=BO)
        with pytest.raises(Rejected, match="changed meanwhile"):
            await policy.publish(desk, made.id, revision=7, actor=BO)
        with pytest.raises(Unavailable):
            await policy.publish(desk, made.id, revision=1, actor=BO)
