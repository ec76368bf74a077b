"""Learns from agents: corrections move the shipped model, and the new one is taken only when it
does better on corrections that it has not seen, and no worse in general."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, TypeAlias, TypeVar

from msgspec import structs

from services.router.adapters.period import records
from services.router.adapters.urgency import Models, UrgencyModel, shipped
from services.router.domain import learning as domain
from services.router.domain.judging import GRAVE
from shared.bus import View
from shared.bus.kafka import KafkaBus
from shared.clock import utc_now
from shared.errors import Misconfigured
from shared.events import AuditNoted, ModelLearned, PriorityCorrected, Rejudged
from shared.events.base import Event
from shared.events.codec import MalformedEvent, decode
from shared.events.learning import in_use
from shared.logs import log
from shared.topics import AUDIT_NOTED, MODELS_LEARNED, PRIORITIES_CORRECTED, Topic
from shared.waiting import wait

E = TypeVar("E", bound=Event)
_Item: TypeAlias = tuple[Topic[Any], str, Event]
_COUNTS = 5.0
"""How much more a correction counts than a shipped sentence: it is the company's own customer."""
_KNOWN = 3
"""One shipped sentence in so many holds the model while it learns: all of them take six times as
long and hold it no better."""
_GENERAL = 25
"""Held-out messages of each class and language on which models are compared in general."""
_SHOWN = 20
_LATER = 75
"""Exit code where Kafka was away: EX_TEMPFAIL of sysexits.h."""
_LOOK = 300.0
"""Seconds between two looks at whether it is time, and at most before the first, so that not all
processes learn at once."""


async def newest(servers: str, topic: Topic[E]) -> dict[str, E]:
    """Reads the newest event of each key of a compacted topic. Raises Unavailable."""
    found: dict[str, E] = {}
    async for record in records(servers, [topic], None, utc_now() + timedelta(minutes=1)):
        key = (record.key or b"").decode(errors="replace")
        try:
            if record.value is None:
                found.pop(key, None)
            else:
                found[key] = decode(topic.value, record.value)
        except MalformedEvent as error:
            log.error("an event cannot be read, and teaches nothing", topic=topic.name, error=str(error))
    return found


async def learn(
    servers: str, policy: str, *, only_new: bool = False, without: Collection[str] = ()
) -> ModelLearned | str:
    """Makes a model of what agents said, and publishes what became of it. Why not, where there is
    too little to learn; `only_new`: also where little was added since the last time. `without`: the
    addresses of agents who are left out. Raises Unavailable, Misconfigured."""
    corrections = domain.counted(heard((await newest(servers, PRIORITIES_CORRECTED)).values(), without))
    models = await newest(servers, MODELS_LEARNED)
    if only_new and (new := added(corrections, models, _base().version)) < domain.ENOUGH:
        return f"{new} corrections since the last time: at least {domain.ENOUGH} are needed"
    made = await asyncio.to_thread(make, corrections, models, policy, utc_now())
    if isinstance(made, ModelLearned):
        made = settled(made, models.get(in_use(policy)), (await newest(servers, MODELS_LEARNED)).get(in_use(policy)))
    if isinstance(made, ModelLearned):
        items: list[_Item] = [(MODELS_LEARNED, made.version, made)]
        if made.state == "taken":
            items.append((MODELS_LEARNED, in_use(policy), structs.replace(made, weights=b"", examples=())))
        await _publish(servers, items)
        log.info("learned from agents", version=made.version, state=made.state, why=made.why)
    return made


def heard(corrections: Iterable[PriorityCorrected], without: Collection[str]) -> list[PriorityCorrected]:
    """Returns what all agents said but these. Raises Misconfigured where one of them said
    nothing."""
    said = list(corrections)
    agents = {one.agent for one in said}
    if unknown := sorted(set(without) - agents):
        raise Misconfigured(f"{', '.join(unknown)} corrected nothing; who did: {', '.join(sorted(agents)) or 'nobody'}")
    return [one for one in said if one.agent not in without]


def added(corrections: Iterable[PriorityCorrected], models: Mapping[str, ModelLearned], base: str) -> int:
    """Returns how many corrections came since a model was last learned from this shipped one."""
    last = max((one.at for key, one in models.items() if key == one.version and one.base == base), default=None)
    return sum(last is None or one.at > last for one in corrections)


def settled(made: ModelLearned, before: ModelLearned | None, now: ModelLearned | None) -> ModelLearned | str:
    """Returns what becomes of a model where another was taken while it was learned: it waits. Says
    so where that one is the same. `before`, `now`: which was and is in use."""
    if now == before:
        return made
    if now and now.version == made.version:
        return f"{made.version} is in use: it was taken while this learned the same"
    return structs.replace(made, state="waits", why="overtaken") if made.state == "taken" else made


def make(
    corrections: Sequence[PriorityCorrected], models: Mapping[str, ModelLearned], policy: str, now: datetime
) -> ModelLearned | str:
    """Makes a model of `domain.counted` corrections, the same of the same ones; or says why not."""
    from services.router.training.make import general, known, macro, measured  # nothing that a router needs to decide
    from shared.classifier.changes import pack
    from shared.classifier.fit import Taught, adapt

    kept = [one for one in corrections if domain.is_held_back(one)]
    if len(kept) < domain.ENOUGH:
        return (
            f"{len(corrections)} corrections, of which {len(kept)} are held back to compare models: at least "
            f"{domain.ENOUGH} of those are needed"
        )
    base, available, pointer = _base(), Models(models, policy), models.get(in_use(policy))
    now_used = available.newest() or base
    reviewed = (available.of(pointer.reviewed) if pointer and pointer.reviewed else None) or base
    taught = [
        (one, kind, read)
        for one in corrections
        if not domain.is_held_back(one) and (read := base.read(one.text))
        if (kind := domain.wanted(one, read, base.judge(one.text)))
    ]
    if not taught:
        return f"{len(corrections)} corrections, and the model was right in all that could teach it"
    lessons = [Taught(text, kind, 0, _COUNTS) for _, kind, read in taught for text in domain.lessons(kind, read)]
    classifier = adapt(base.classifier, lessons, known()[::_KNOWN])
    weights = pack(base.classifier, classifier)
    version = f"{base.version}+{sha256(weights).hexdigest()[:8]}"
    if version == now_used.version:
        return f"{version} is in use, and these corrections make the same again"
    new, wide = UrgencyModel(classifier), general(_GENERAL)
    moved = sum((reviewed.judge(one.text).kind in GRAVE) != (new.judge(one.text).kind in GRAVE) for one in wide)
    trial = domain.Trial(
        right_before=_right(now_used, kept),
        right_after=_right(new, kept),
        general_before=round(macro(measured(now_used, wide)), 4),
        general_after=round(macro(measured(new, wide)), 4),
        moved=round(moved / len(wide), 4),
        quieted=sum(_is_quieted(reviewed, new, one.text) for one in corrections) / len(corrections),
        most_of_one=domain.most_of_one(one for one, _, _ in taught),
        after_roll_back=pointer is not None and pointer.state == "back",
    )
    state, why = domain.verdict(trial)
    return ModelLearned(
        version=version,
        base=base.version,
        at=now,
        state=state,
        why=why,
        replaces=now_used.version,
        reviewed=pointer.reviewed if pointer else "",
        weights=weights if state != "refused" or version in models else b"",
        corrections=len(corrections),
        agents=len({one.agent for one in corrections}),
        held_back=len(kept),
        right_before=trial.right_before,
        right_after=trial.right_after,
        general_before=trial.general_before,
        general_after=trial.general_after,
        moved=trial.moved,
        examples=_examples(corrections, now_used, new),
    )


async def take(servers: str, policy: str, version: str) -> None:
    """Takes a model that waits for a person, or any that is kept. Raises Unavailable,
    Misconfigured."""
    models, base = await newest(servers, MODELS_LEARNED), _base().version
    if Models(models).of(version) is None:
        kept = sorted(one.version for key, one in models.items() if key == one.version and one.weights)
        raise Misconfigured(f"there is no model {version!r} to take; there are {', '.join([base, *kept])}")
    used = models.get(in_use(policy))
    event = ModelLearned(
        version=version,
        base=base,
        at=utc_now(),
        state="taken",
        why="by-hand",
        replaces=used.version if used else base,
        reviewed=version,
    )
    await _publish(servers, [(MODELS_LEARNED, in_use(policy), event), _noted("model.taken", event)])


async def roll_back(servers: str, policy: str) -> str:
    """Takes the model that was in use before; returns its version. Raises Unavailable,
    Misconfigured."""
    models, base = await newest(servers, MODELS_LEARNED), _base().version
    used = models.get(in_use(policy))
    if used is None or used.version == base:
        raise Misconfigured("the shipped model is in use: there is none before it")
    before = used.replaces if Models(models).of(used.replaces) else base
    earlier = models.get(before)
    event = ModelLearned(
        version=before,
        base=base,
        at=utc_now(),
        state="back",
        replaces=earlier.replaces if earlier else "",
        reviewed=before,
    )
    await _publish(servers, [(MODELS_LEARNED, in_use(policy), event), _noted("model.rolled-back", event)])
    return before


async def nightly(learned: View[ModelLearned], hours: float, stop: asyncio.Event) -> None:
    """Learns every so many hours, in a process of its own: it takes half a minute of one core.
    Where several routers do so at once, they make the same model."""
    tried: datetime | None = None
    await wait(stop, random.uniform(0, _LOOK))
    while hours and not stop.is_set():
        times = [tried, *(one.at for one in learned.values())]
        last = max(filter(None, times), default=None)
        if (last is None or utc_now() - last > timedelta(hours=hours)) and await _in_a_process(stop) != _LATER:
            tried = utc_now()
        await wait(stop, _LOOK)
    await stop.wait()


async def _in_a_process(stop: asyncio.Event) -> int | None:
    """Learns if there is enough that is new; returns the exit code. Ended where we end."""
    command = (sys.executable, "-m", "services", "router", "model", "learn", "--only-new")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    ended, stopped = asyncio.ensure_future(process.wait()), asyncio.ensure_future(stop.wait())
    await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not ended.done():
        process.terminate()
    return await ended


def _base() -> UrgencyModel:
    found = shipped()
    if found is None:
        raise Misconfigured("the urgency model that comes with the router cannot be read: install it again")
    return found


def _is_quieted(before: UrgencyModel, after: UrgencyModel, text: str) -> bool:
    return before.judge(text).kind in GRAVE and after.judge(text).kind not in GRAVE


def _right(model: UrgencyModel, corrections: Sequence[PriorityCorrected]) -> int:
    return sum(domain.is_right(one, model.judge(one.text)) for one in corrections)


def _examples(
    corrections: Sequence[PriorityCorrected], before: UrgencyModel, after: UrgencyModel
) -> tuple[Rejudged, ...]:
    """Returns the newest that are judged differently, those first that show most: held back, and
    right in one of both."""
    found = []
    for one in corrections:
        old, new = before.judge(one.text), after.judge(one.text)
        if old.kind != new.kind:
            right = domain.is_right(one, old), domain.is_right(one, new)
            example = Rejudged(
                ticket_id=one.ticket_id,
                message_id=one.message_id,
                wanted=one.kind or one.after,
                before=old.kind,
                after=new.kind,
                right_before=right[0],
                right_after=right[1],
            )
            found.append((domain.is_held_back(one), right[0] != right[1], one.at, example))
    return tuple(each[-1] for each in sorted(found, key=lambda each: each[:3], reverse=True)[:_SHOWN])


def _noted(kind: str, event: ModelLearned) -> _Item:
    noted = AuditNoted(
        id=f"{kind}:{event.version}@{event.at.isoformat()}", at=event.at, kind=kind, subject=event.version
    )
    return AUDIT_NOTED, noted.subject, noted


async def _publish(servers: str, items: Sequence[_Item]) -> None:
    """Publishes in this order: whoever reads which model is in use has read the model."""
    bus = KafkaBus(servers, "router")
    await bus.start()
    try:
        for item in items:
            await bus.publish(*item)
    finally:
        await bus.stop()
