"""Bursts: many people, one cause. Their tickets are grouped under one.

The social service names the burst on a post (`Burst.id`), and the earlier posts of it
(`Burst.first`), whose tickets may be here already, come later, or be written by another process
right now. So each public post is locked by its id before anything else, then the bursts by theirs:
whoever comes second sees what the first did, in whatever order batches arrive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select, text

from services.desk.actors import DESK
from services.desk.bulk import among, insert_all
from services.desk.tickets import domain, grouping, store
from services.desk.tickets.models import BURST_POSTS, MESSAGES, TICKETS
from services.desk.unit_of_work import UnitOfWork
from shared.clock import utc_now
from shared.events import InboundMessage
from shared.kernel import message_id

_HEADS = text(
    """
    SELECT head.id, head.created_at, head.status = 'open' AND head.waiting_since IS NOT NULL AND NOT head.alone AS usable,
           led.it AS leads, led.it AND (head.assignee_id IS NOT NULL OR head.first_reply_at IS NOT NULL) AS in_hand
    FROM desk.tickets AS head,
         LATERAL (SELECT EXISTS (SELECT 1 FROM desk.tickets AS member WHERE member.group_id = head.id) AS it) AS led
    WHERE head.id IN (
        SELECT coalesce(part.group_id, part.id) FROM desk.tickets AS part WHERE part.burst_id = ANY(CAST(:bursts AS text[]))
        UNION
        SELECT coalesce(part.group_id, part.id) FROM desk.tickets AS part WHERE part.id = ANY(CAST(:tickets AS uuid[]))
    )
    """
)


@dataclass(frozen=True, slots=True)
class Bursts:
    """What the messages of a batch have to do with bursts."""

    of: Mapping[str, str] = field(default_factory=dict)
    """Burst by message id: as the post tells, or as a later one told."""
    first: Mapping[str, str] = field(default_factory=dict)
    """Burst by the message id of earlier posts that these name."""
    tickets: Mapping[str, str] = field(default_factory=dict)
    """Burst by ticket, of those earlier posts that are here already."""
    heads: frozenset[str] = frozenset()
    """Tickets that lead these bursts, or may, and those under a leader that may give way."""

    @property
    def concerned(self) -> set[str]:
        """Tickets that may change besides those that the messages belong to."""
        return {*self.tickets, *self.heads}


async def lock(work: UnitOfWork, messages: Sequence[InboundMessage]) -> Bursts:
    """Finds the bursts of these messages and locks them until the commit. Must come before all
    other locks of a batch."""
    session = work.session
    public = [message for message in messages if message.public]
    if not public:
        return Bursts()
    told = {message.id: burst for message in public if (burst := domain.burst_of(message))}
    first = {
        message_id(message.channel, post): told[message.id]
        for message in public
        if message.id in told
        for post in domain.burst_first(message)
    }
    own = {message.id for message in public}
    await work.lock(points={f"post:{name}" for name in own | first.keys()})
    remembered = select(BURST_POSTS.c.message_id, BURST_POSTS.c.burst_id).where(among(BURST_POSTS.c.message_id, own))
    of = {row.message_id: row.burst_id for row in await session.execute(remembered)}
    of |= {name: burst for name, burst in first.items() if name in own} | told
    if not of:
        return Bursts()
    await work.lock(points={f"burst:{name}" for name in of.values()})
    here = select(MESSAGES.c.id, MESSAGES.c.ticket_id).where(among(MESSAGES.c.id, first))
    tickets = {row.ticket_id: first[row.id] for row in await session.execute(here)}
    found = await session.execute(_HEADS, {"bursts": list(set(of.values())), "tickets": list(tickets)})
    heads = {str(row.id): row for row in found}
    oldest = min([m.received_at for m in public if m.id in of] + [row.created_at for row in heads.values()])
    giving_way = [name for name, row in heads.items() if row.leads and row.created_at > oldest]
    led = await session.scalars(select(TICKETS.c.id).where(among(TICKETS.c.group_id, giving_way))) if giving_way else ()
    return Bursts(of, first, tickets, frozenset(heads) | frozenset(led))


async def join(work: UnitOfWork, bursts: Bursts, landed: Mapping[str, str]) -> None:
    """Groups the tickets of these bursts. landed: ticket by message id, of the messages just
    written. All tickets are locked."""
    rows = [{"message_id": post, "burst_id": burst, "at": utc_now()} for post, burst in bursts.first.items()]
    await insert_all(work.session, BURST_POSTS, rows)
    wanted = dict(bursts.tickets)
    wanted |= {ticket: bursts.of[message] for message, ticket in landed.items() if message in bursts.of}
    if not wanted:
        return
    await store.mark_burst(work.session, wanted)
    for burst in sorted(set(wanted.values())):
        tickets = [ticket for ticket, name in wanted.items() if name == burst]
        found = await work.session.execute(_HEADS, {"bursts": [burst], "tickets": tickets})
        heads = [domain.Head(str(row.id), row.created_at, row.usable, row.in_hand) for row in found]
        leader, joining = domain.grouped(heads)
        await grouping.put_under(work, leader, joining, DESK)
