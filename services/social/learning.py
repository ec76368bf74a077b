"""Learns from agents: their corrections join the shipped examples, and a model made of both is
taken only when it does better on corrections that it has not seen, and not clearly worse in
general."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from services.social import repository
from services.social.active_model import shipped
from services.social.domain.complaints import Model, dump, load
from services.social.domain.taking import taken
from services.social.models import Correction
from services.social.training.examples import Example
from shared.clock import utc_now
from shared.db import Database
from shared.errors import Rejected, Unavailable
from shared.locks import Leadership
from shared.logs import log
from shared.waiting import wait

HELD_BACK = 5
"""One correction in so many is held back, chosen by its post's id: the same ones every time."""
ENOUGH = 10
"""Held-back corrections without which nothing can be said."""
_COUNTS = 10.0
"""How much more a correction counts than a shipped example, of which nine are composed around one
fragment: it is the company's own customer."""
_LOOK = 300.0


async def retrain(database: Database, complaint_from: float, question_from: float) -> dict[str, Any]:
    """Makes a model and activates it where it is better with these thresholds; its figures, with
    `taken` and `why`. Raises Rejected, Unavailable."""
    async with database.transaction() as session:
        rows = await repository.corrections(session)
        version = await repository.active_version(session)
        active = await repository.trained(session, version) if version else None
    old = _read(active.content) if active else shipped()
    new, figures = await asyncio.to_thread(_make, rows, old, complaint_from, question_from)
    figures |= {"replaces": version}
    async with database.transaction() as session:
        figures["version"] = await repository.add_model(session, dump(new), figures, figures["taken"])
    log.info("trained on corrections", **{name: figures[name] for name in ("version", "taken", "why", "corrections")})
    return figures


async def roll_back(database: Database) -> int:
    """Activates the model before; its version, 0 for the shipped one. Raises Rejected."""
    async with database.transaction() as session:
        version = await repository.active_version(session)
        if not version:
            raise Rejected(409, "nothing-to-roll-back", "The shipped model is in use: there is none before it.")
        before = await repository.taken_before(session, version)
        await repository.activate(session, before)
    return before


async def nightly(database: Database, leadership: Leadership, hours: float, stop: asyncio.Event) -> None:
    """Trains every so many hours on what is new, in a process: it takes a minute of one core."""
    while hours and await leadership.mine(stop):
        try:
            async with database.transaction() as session:
                last = await repository.last_trained(session)
                new = await repository.corrected_since(session, last)
            if new >= ENOUGH and (last is None or utc_now() - last > timedelta(hours=hours)):
                process = await asyncio.create_subprocess_exec(sys.executable, "-m", "services", "social", "retrain")
                await process.wait()
        except Unavailable:
            log.debug("training waits for PostgreSQL")
        await wait(stop, _LOOK)
    await stop.wait()


def _read(content: bytes) -> Model:
    """Reads a model that was made before; what this version cannot read is not in use either."""
    try:
        return load(content)
    except ValueError:
        return shipped()


def _make(
    rows: Sequence[Correction], old: Model, complaint_from: float, question_from: float
) -> tuple[Model, dict[str, Any]]:
    from services.social.training import examples as data  # numpy and the examples are not needed to serve
    from services.social.training.fit import train
    from services.social.training.measure import changes, fold, measure

    own = _examples(rows)
    kept = [example for example in own if fold(example, HELD_BACK) == 0]
    taught = [example for example in own if fold(example, HELD_BACK) != 0]
    if len(kept) < ENOUGH or not {e.kind for e in kept} > {"other"}:
        raise Rejected(
            409,
            "too-few-corrections",
            f"{len(own)} corrections, of which {len(kept)} are held back to compare models: at least {ENOUGH} of those are "
            "needed, complaints or questions and others among them. Label more mentions and tickets.",
        )
    base = data.shipped()
    new = train([*base, *taught], [1.0] * len(base) + [_COUNTS] * len(taught), {"corrections": len(taught)})
    general = data.held_out()
    at = (complaint_from, question_from)
    before, after = (measure(model, kept, "ticket", *at) for model in (old, new))
    wide_before, wide_after = (measure(model, general, "ticket", *at) for model in (old, new))
    put_right, put_wrong = changes(old, new, general, *at)
    use, why = taken(before.f1, after.f1, put_right, put_wrong)
    return new, {
        "corrections": len(own),
        "held_back": len(kept),
        "before": before.as_dict(),
        "after": after.as_dict(),
        "general_before": wide_before.as_dict(),
        "general_after": wide_after.as_dict(),
        "general_put_right": put_right,
        "general_put_wrong": put_wrong,
        "taken": use,
        "why": why,
    }


def on_own_posts(
    rows: Sequence[Correction], model: Model, complaint_from: float, question_from: float
) -> dict[str, Any]:
    """Measures precision and recall of the thresholds on the company's own labelled posts."""
    from services.social.training.measure import measure

    own = _examples(rows)
    return {
        head: measure(model, own, head, complaint_from, question_from).as_dict()
        for head in ("complaint", "question", "ticket")
    }


def _examples(rows: Sequence[Correction]) -> list[Example]:
    labelled = {"complaint": "complaint", "question": "question", "other": "noise"}
    return [Example(row.text, labelled[row.label], row.language) for row in rows if row.text.strip()]
