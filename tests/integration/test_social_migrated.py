"""A database of the release before: what was read stays read, what is on its way arrives once, and
what has ended stays so."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
from sqlalchemy import func, select, update

from services.social import repository
from services.social.domain.posts import Account
from services.social.models import DELIVERIES, SCHEMA
from services.social.networks.x.network import XNetwork
from shared.clock import utc_now
from shared.db import Database, migrate
from shared.events import OutboundMessage
from shared.events.codec import encode
from shared.kernel import ContactPoint
from shared.topics import DELIVERIES_REPORTED
from tests.integration.social_parts import MIGRATIONS, Parts
from tests.providers.x import X, serving
from tests.unit.social.makers import access
from tests.waiting import until

ENDED = {"t-sent": "sent", "t-failed": "failed", "t-uncertain": "uncertain"}


def request(name: str, x: X, post: int, text: str) -> OutboundMessage:
    ann = x.person("ann")
    return OutboundMessage(
        id=name,
        ticket_id=f"ticket of {name}",
        channel="x",
        to=ContactPoint(f"x:{ann.id}"),
        text=text,
        requested_at=utc_now(),
        references=(str(post),),
        conversation=f"{post}/{ann.id}",
    )


async def filled(dsn: str, x: X, post: int) -> None:
    """Rows as the release before wrote them."""
    connection = await asyncpg.connect(dsn)
    insert = (
        "INSERT INTO social.deliveries (outbound_id, ticket_id, state, request, requested_at, attempts, provider_id, detail) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, '')"
    )
    states = {"waiting": "waiting", "gone": "sending", "stuck": "sending", **ENDED}
    for name, state in states.items():
        one = request(name, x, post, f"the words of {name}" + (" \x00" if state == "waiting" else ""))
        row = (name, one.ticket_id, state, encode(one), one.requested_at, int(state != "waiting"))
        await connection.execute(insert, *row, "77" if state == "sent" else "")
    await connection.execute("INSERT INTO social.cursors (source, newest) VALUES ('mentions', 4711)")
    await connection.execute(
        "INSERT INTO social.posts (id, author, name, username, thread, conversation, text, language, source, outcome, kind, media, "
        "reasons, causes, created_at, received_at, complaint, question, followers) VALUES ('5', '42', '', '', '5/42', '5', 'hm', "
        "'en', 'search', 'mention', 'other', '{}', '{}', '{}', now(), now(), 0.1, 0.1, 3)"
    )
    await connection.execute(
        "INSERT INTO social.corrections (post_id, text, language, label, given_by) VALUES ('5', 'hm', 'en', 'other', 'ann')"
    )
    await connection.close()


async def test_what_is_on_its_way_arrives_once_and_what_was_read_stays_read(database: str) -> None:
    x = X()
    post = x.post(x.person("ann"), "@acme where is my parcel?")
    await asyncio.to_thread(migrate, database, SCHEMA, MIGRATIONS, "social_0003")
    await filled(database, x, post)
    await asyncio.to_thread(migrate, database, SCHEMA, MIGRATIONS)
    here = Database(database, SCHEMA)
    async with here.transaction() as session:
        assert await repository.cursor(session, "x", "mentions", 0) == 4711
        assert await repository.known(session, "x", ["5"]) == {"5"}
        assert [(one.network, one.post_id) for one in await repository.corrections(session)] == [("x", "5")]
        rows = {row.outbound_id: row for row in await session.execute(select(DELIVERIES))}
        assert {name: rows[name].state for name in ENDED} == ENDED
        assert rows["waiting"].recipient == request("waiting", x, post, "").to
        assert rows["gone"].started_at is not None
        assert rows["gone"].due_at > utc_now(), "a process of before may be sending it still"
        await session.execute(update(DELIVERIES).values(due_at=func.now() - timedelta(seconds=1)))
    with serving(x) as url:
        network = XNetwork(access(url))
        await network.reply("the words of gone", str(post))
        parts = Parts(here, network, Account(x.me.id, x.me.username))
        stop = asyncio.Event()
        tasks = [asyncio.ensure_future(parts.tasks()[name](stop)) for name in ("sending", "outbox")]
        await until(lambda: len(parts.bus.events(DELIVERIES_REPORTED)) == 3, "three reports", 30)
        stop.set()
        await asyncio.gather(*tasks)
    assert {one.outbound_id: one.state for one in parts.bus.events(DELIVERIES_REPORTED)} == dict.fromkeys(
        ("waiting", "gone", "stuck"), "sent"
    )
    assert sorted(one.text.split()[3] for one in x.ours()) == ["gone", "stuck", "waiting"], "each once"
    await here.dispose()
