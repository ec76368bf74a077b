"""Answers to posts while X falters: each arrives once, and is reported once, whatever becomes of X's own answer."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from uuid import uuid4

from services.social.adapters.x import XNetwork
from services.social.adapters.x_http import Access
from services.social.app import _MIGRATIONS
from services.social.delivering import Deliverer
from services.social.domain.posts import Account
from services.social.models import OUTBOX, SCHEMA
from services.social.standing import Standing
from services.social.turn import Turn
from shared.bus.memory import MemoryBus
from shared.clock import utc_now
from shared.db import Database, migrate
from shared.events import DeliveryReport, OutboundMessage
from shared.health import Health
from shared.kernel import ContactPoint
from shared.outbox import Outbox
from shared.topics import DELIVERIES_REPORTED, deliveries_requested
from tests.providers import x_oauth
from tests.providers.x import X, serving
from tests.waiting import until


def posted(x: X) -> int:
    return len([one for one in x.calls if one == ("POST", "/2/tweets")])


async def test_a_faltering_x_never_loses_or_doubles_an_answer(database: str) -> None:
    await asyncio.to_thread(migrate, database, SCHEMA, _MIGRATIONS)
    x, bus, db, stop = X(), MemoryBus(), Database(database, SCHEMA), asyncio.Event()
    ann = x.person("ann")
    standing, turn, outbox = Standing(None, [], bus, Health()), Turn(db), Outbox(OUTBOX, db, bus)
    standing.account = Account(x.me.id, x.me.username)
    turn.held.set()
    with serving(x) as url:
        network = XNetwork(Access(*x_oauth.SETTINGS.values(), url, 0.5, ("acme",), ""))
        deliverer = Deliverer(db, outbox, network, standing, turn, 280, 0.5)
        deliverer._unseen_after = timedelta(seconds=0.7)
        consumer = bus.consumer([deliveries_requested("x")], "social", deliverer.take)
        tasks = [asyncio.ensure_future(run(stop)) for run in (deliverer.run, outbox.run, consumer.run)]

        async def answer(trouble: str) -> None:
            post, before = x.post(ann, f"@acme where is my parcel? {uuid4()}"), posted(x)
            to, text = ContactPoint(f"x:{ann.id}"), f"It arrives tomorrow. {uuid4()}"
            request = OutboundMessage(
                id=uuid4().hex,
                ticket_id="t1",
                channel="x",
                to=to,
                text=text,
                requested_at=utc_now(),
                references=(str(post),),
                conversation=f"{post}/{ann.id}",
            )
            kind, _, how = trouble.partition(" ")
            if kind == "429":
                x.limits["post"], x.resets["post"] = 0, int(time.time()) + 2
            else:
                setattr(x, kind, how)
            await bus.publish(deliveries_requested("x"), "t1", request)
            await until(lambda: posted(x) > before, f"a first attempt in spite of {trouble}")
            x.outage = x.after_post = ""
            x.limits["post"] = 200

            def reports() -> list[DeliveryReport]:
                return [one for one in bus.events(DELIVERIES_REPORTED) if one.outbound_id == request.id]

            await until(reports, f"a report after {trouble}")
            sent = [one for one in x.ours() if one.text == text]
            assert [one.answers for one in sent] == [post], trouble
            assert [(str(one.state), one.provider_id) for one in reports()] == [("sent", str(sent[0].id))], trouble

        lost = [f"after_post {how}" for how in ("503", "cut", "drop", "hang")]
        try:
            for trouble in ("outage 503", "outage cut", "outage drop", "outage hang", *lost, "429"):
                await answer(trouble)
        finally:
            stop.set()
            await asyncio.wait_for(asyncio.gather(*tasks), 15)
    await db.dispose()
