"""What the desk asks a router about a text that nobody sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from services.desk.context import Desk
from services.desk.trials import service as trials
from services.router.adapters import policy_yaml
from shared import trials as wire
from shared.errors import Rejected, Unavailable
from shared.kernel import Level
from shared.trials import Trial
from tests.integration.desk_parts import desk_on
from tests.integration.router_process import RouterProcess
from tests.waiting import until

SECRET = "s" * 32
"""Of `RouterProcess`."""
DSN = "postgresql://nobody@127.0.0.1:9/none"
"""Nothing here asks the database."""


@pytest.fixture
async def desk(router: RouterProcess, storage_url: str) -> AsyncIterator[Desk]:
    await router.start()
    async with asking(f"http://127.0.0.1:{router.port}", storage_url) as made:
        yield made


def asking(url: str, storage_url: str) -> AbstractAsyncContextManager[Desk]:
    return desk_on(DSN, storage_url, router_url=url)


@pytest.fixture(autouse=True)
def _one_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.integration.desk_parts.SECRET", SECRET)


async def test_a_text_gives_class_words_level_reasons_and_what_each_level_would_need(desk: Desk) -> None:
    found = (await trials.tried(desk, Trial(text="Notre boutique est en panne, plus rien ne marche !"))).current
    assert found.decision.level is Level.URGENT
    assert found.decision.language == "fr", "as a channel would have detected it"
    assert found.judgement
    assert (found.judgement.kind, found.judgement.share > 0.5) == ("outage", True)
    assert found.judgement.words
    assert sum(reason.weight for reason in found.decision.reasons) == pytest.approx(found.decision.score, abs=0.6)
    assert [need.level for need in found.needs] == list(Level)
    card = await trials.model_card(desk)
    assert card.model == found.judgement.model
    assert "precision" in card.text


@pytest.mark.parametrize(
    "text", ["", "😀", "안녕 Привет hello 你好 مرحبا", "\x00\x1b[2J<script>", "감" * 200_000, "😀" * 200_000]
)
async def test_any_text_gets_an_answer(desk: Desk, text: str) -> None:
    found = (await trials.tried(desk, Trial(text=text))).current
    assert found.decision.level in (Level.NORMAL, Level.LOW)


async def test_a_text_that_is_too_long_is_refused_with_what_would_be_right(desk: Desk) -> None:
    with pytest.raises(Rejected, match=r"at most 200,000 characters; this one has 200,001") as refused:
        await trials.tried(desk, Trial(text="x" * 200_001))
    assert (refused.value.status, refused.value.code) == (422, "trial-too-long")
    with pytest.raises(Rejected, match=r"at most 100,000 characters"):
        await trials.tried(desk, Trial(text="x", policy="x" * 100_001))
    with pytest.raises(Rejected, match=r"names of at most 200"):
        await trials.tried(desk, Trial(text="x", channel="a:b"))


async def test_another_policy_is_tried_beside_the_one_in_force(desk: Desk) -> None:
    draft = policy_yaml.SHIPPED.read_text("utf-8").replace("  urgent: 65", "  urgent: 21")
    draft = draft.replace("  high: 45", "  high: 20").replace("use: newest", "use: off")
    found = await trials.tried(desk, Trial(text="When do you open on Saturdays?", policy=draft))
    assert found.draft
    assert (found.current.decision.level, found.draft.decision.level) == (Level.NORMAL, Level.HIGH)
    assert found.draft.judgement is None
    assert found.problems == ()
    wrong = await trials.tried(desk, Trial(text="x", policy=draft.replace("live: 45", "live: 450")))
    assert wrong.draft is None
    assert wrong.problems[0].startswith("draft:")
    assert "signals.live" in wrong.problems[0]
    assert (await trials.tried(desk, Trial(text="x", policy="- [{"))).problems


async def test_the_policy_in_force_is_the_published_one(
    router: RouterProcess, storage_url: str, tmp_path: Path
) -> None:
    name = f"trial-{uuid4().hex[:8]}"
    router.environment["ROUTER_POLICY"] = name
    mine = tmp_path / "mine.yaml"
    text = policy_yaml.SHIPPED.read_text("utf-8").replace("name: default", f"name: {name}")
    mine.write_text(text.replace("  base: 20 ", "  base: 70 "), "utf-8")
    await router.start()
    async with asking(f"http://127.0.0.1:{router.port}", storage_url) as desk:
        assert (await trials.tried(desk, Trial(text="When do you open?"))).current.decision.level is Level.NORMAL
        assert (await router.command("policy", "publish", str(mine))).returncode == 0

        async def in_force() -> bool:
            return (await trials.tried(desk, Trial(text="x"))).current.decision.policy == f"{name}@1"

        await until(in_force, "the published policy was never tried")
        assert (await trials.tried(desk, Trial(text="When do you open?"))).current.decision.level is Level.URGENT


async def test_nobody_else_is_answered(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    url = desk.settings.router_url + wire.TRIALS
    good = wire.token(SECRET)
    monkeypatch.setattr("shared.security.tokens.time.time", lambda: 1_000_000_000.0)
    old = wire.token(SECRET)
    monkeypatch.undo()
    async with httpx.AsyncClient(trust_env=False) as client:
        for bearer in ("", "Bearer", "Bearer x", f"Basic {good}", f"Bearer {old}", f"Bearer {wire.token('t' * 32)}"):
            answer = await client.post(
                url, content=b'{"text":"x"}', headers={"Authorization": bearer} if bearer else {}
            )
            assert answer.status_code == 401, bearer
            assert "SWITCHBOARD_SECRET" in answer.json()["detail"]
        ours = {"Authorization": f"Bearer {good}"}
        for body in (b"", b"{", b'{"text": 1}', b"\xff", b"[]"):
            assert (await client.post(url, content=body, headers=ours)).status_code == 400
        assert (await client.post(url, content=b"x" * 4_000_001, headers=ours)).status_code == 413
        assert (await client.post(url, content=b'{"text":"x"}', headers=ours)).status_code == 200


async def test_a_router_that_is_away_or_has_another_secret_is_told_as_unavailable(
    desk: Desk, storage_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asking("http://127.0.0.1:9", storage_url) as nowhere:
        with pytest.raises(Unavailable, match="does not answer"):
            await trials.tried(nowhere, Trial(text="x"))
    monkeypatch.setattr("tests.integration.desk_parts.SECRET", "t" * 32)
    async with asking(desk.settings.router_url, storage_url) as stranger:
        with pytest.raises(Unavailable, match="answers 401"):
            await trials.model_card(stranger)
