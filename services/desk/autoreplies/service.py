"""Writes automatic replies with the messages that they answer, and lets admins say what is in
them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.actors import DESK, Actor, Permission
from services.desk.autoreplies.domain import (
    LONGEST,
    MINUTE,
    SILENT,
    UNANSWERED,
    Arrival,
    Before,
    Earlier,
    Outcome,
    Rule,
    Text,
    Texts,
    decide,
    filled,
    problem_with,
    quietly,
    values_of,
)
from services.desk.autoreplies.models import AUTOREPLIES, AUTOREPLY_BRAKE
from services.desk.bulk import inserting
from services.desk.context import Desk
from services.desk.people import audit
from services.desk.tickets import teams
from services.desk.tickets.models import MESSAGES
from services.desk.unit_of_work import UnitOfWork
from shared.clock import utc_now
from shared.errors import Rejected
from shared.events import DeliveryState, OutboundMessage
from shared.events.desk import AutoReplied
from shared.kernel import stable_id
from shared.logs import log
from shared.metrics import METRICS
from shared.statements import Part, fetch
from shared.text import storable
from shared.topics import deliveries_requested

AUTOMATIC = "reply"
"""`messages.automatic` of what the desk wrote by itself."""
_LOCK = 0x6175746F
"""Key of the advisory lock under which automatic replies are counted: ASCII of `auto`."""
_KNOWN = """
    SELECT (SELECT coalesce(json_agg(r), '[]')::text FROM desk.autoreplies AS r),
           ARRAY(SELECT point FROM desk.contact_points WHERE point = ANY($1::text[]) AND opted_out),
           ARRAY(
               SELECT recipient FROM (
                   SELECT DISTINCT ON (m.recipient) m.recipient, m.delivery
                   FROM unnest($2::uuid[]) AS c CROSS JOIN LATERAL (
                       SELECT id FROM desk.tickets WHERE customer_id = c ORDER BY last_message_at DESC LIMIT 50
                   ) AS t JOIN desk.messages AS m ON m.ticket_id = t.id
                   WHERE m.direction = 'out' AND m.recipient = ANY($1::text[])
                   ORDER BY m.recipient, m.at DESC
               ) AS newest WHERE delivery = $3
           ),
           (SELECT coalesce(json_agg(json_build_array(m.recipient, m.at, t.subject, EXISTS (
                SELECT FROM desk.messages AS a
                WHERE a.ticket_id = m.ticket_id AND a.at > m.at AND a.direction = 'out' AND a.automatic = ''
            ))), '[]')::text
            FROM desk.messages AS m JOIN desk.tickets AS t ON t.id = m.ticket_id
            WHERE m.direction = 'out' AND m.automatic <> '' AND m.recipient = ANY($1::text[]) AND m.at > $4),
           (SELECT coalesce(json_object_agg(id, number), '{}')::text FROM desk.tickets WHERE id = ANY($5::uuid[])),
           EXISTS (SELECT FROM desk.autoreply_brake),
           (SELECT count(*) FROM desk.messages WHERE direction = 'out' AND automatic <> '' AND at > $6)
"""
_WRONG = {
    "long": f"A text has at most {LONGEST:,} characters.",
    "variable": "There are the variables {ticket}, {name}, {subject} and {opens}, and no others.",
    "brace": "Braces are for variables, such as {name|there}. Close each, and leave out others.",
}
_PAUSE = "INSERT INTO desk.autoreply_brake (paused_at) VALUES ({0}::timestamptz) ON CONFLICT DO NOTHING"


@dataclass(slots=True)
class _Known:
    """What decisions of one transaction look at, kept up to date while they are made."""

    rules: dict[str, Rule]
    opted_out: frozenset[str]
    undelivered: frozenset[str]
    earlier: dict[str, list[Earlier]]
    numbers: dict[str, int]
    paused: bool
    in_last_minute: int

    def before(self, address: str) -> Before:
        """Returns what is known of one address."""
        return Before(
            earlier=tuple(self.earlier[address]),
            opted_out=address in self.opted_out,
            undelivered=address in self.undelivered,
            paused=self.paused,
            in_last_minute=self.in_last_minute,
        )


async def reply(work: UnitOfWork, desk: Desk, arrivals: Sequence[Arrival]) -> None:
    """Answers those of these messages that are to be answered, with the commit that writes them.
    They are written, and their senders' contact points are locked: so nobody else counts what goes
    to the same address. The brake of all is counted under a lock of its own."""
    wanted = [each for each in arrivals if quietly(each, desk.channels.get(each.message.channel)) is None]
    if not wanted:
        return
    await work.session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    now = utc_now()
    known = await _known(work.session, wanted, now)
    rows = []
    for arrival in wanted:
        outcome = decide(arrival, known.rules, known.before(arrival.message.sender), _per_minute(desk), now)
        if outcome.text:
            rows.append(_send(work, arrival, outcome.text, known, now))
        if outcome.pause:
            known.paused = True
            work.parts.append(Part(_PAUSE, (now,)))
            log.error("automatic replies are paused: too many within a minute", most=_per_minute(desk))
        _record(work, arrival, outcome, now)
    work.parts.append(inserting(MESSAGES, rows))


def _per_minute(desk: Desk) -> int:
    return desk.settings.autoreplies_per_minute


async def _known(session: AsyncSession, arrivals: Sequence[Arrival], now: datetime) -> _Known:
    addresses = list({each.message.sender for each in arrivals})
    customers = list({each.customer for each in arrivals})
    tickets = [each.ticket for each in arrivals]
    (row,) = await fetch(
        session, _KNOWN, addresses, customers, DeliveryState.FAILED.value, now - UNANSWERED, tickets, now - MINUTE
    )
    rules, opted_out, undelivered, sent, numbers, paused, in_last_minute = row
    earlier: dict[str, list[Earlier]] = defaultdict(list)
    for address, at, subject, answered in msgspec.json.decode(sent, type=list[tuple[str, datetime, str, bool]]):
        earlier[address].append(Earlier(at, subject, answered))
    return _Known(
        rules={rule.team: rule for rule in msgspec.json.decode(rules, type=list[Rule])},
        opted_out=frozenset(opted_out),
        undelivered=frozenset(undelivered),
        earlier=earlier,
        numbers=msgspec.json.decode(numbers, type=dict[str, int]),
        paused=paused,
        in_last_minute=in_last_minute,
    )


def _send(work: UnitOfWork, arrival: Arrival, found: Text, known: _Known, now: datetime) -> dict[str, Any]:
    """Asks the channel to deliver the text; its row. Its id is the ticket's: it has one."""
    message = arrival.message
    rule = known.rules.get(arrival.team) or known.rules[""]
    name = message.sender_name or arrival.name
    number = known.numbers[arrival.ticket]
    words = filled(
        found.text, values_of(number=number, name=name, subject=message.subject, rule=rule, text=found, now=now)
    )
    own = stable_id("autoreply", arrival.ticket)
    request = OutboundMessage(
        id=own,
        ticket_id=arrival.ticket,
        channel=message.channel,
        to=message.sender,
        to_name=message.sender_name,
        text=words,
        requested_at=now,
        subject=message.subject,
        language=found.language,
        mailbox=message.recipient,
        references=(message.provider_id,),
        conversation=message.thread.conversation,
        automatic=True,
    )
    work.send(deliveries_requested(message.channel), arrival.ticket, request)
    known.earlier[message.sender].append(Earlier(now, message.subject))
    known.in_last_minute += 1
    return {
        "id": own,
        "ticket_id": arrival.ticket,
        "direction": "out",
        "channel": message.channel,
        "author": DESK.stored,
        "author_name": "",
        "recipient": message.sender,
        "conversation": message.thread.conversation,
        "text": words,
        "at": now,
        "automatic": AUTOMATIC,
        "delivery": "requested",
    }


def _record(work: UnitOfWork, arrival: Arrival, outcome: Outcome, now: datetime) -> None:
    METRICS.autoreplies.labels(channel=arrival.message.channel, why=outcome.why.value).inc()
    if outcome.why in SILENT:
        return
    found = outcome.text
    change = AutoReplied(
        why=outcome.why.value,
        channel=arrival.message.channel,
        to=arrival.message.sender,
        message_id=stable_id("autoreply", arrival.ticket) if found else "",
        language=found.language if found else None,
        closed="true" if found and found.closed else None,
    )
    work.record(change, arrival.ticket, now, DESK, event_id=stable_id("autoreplied", arrival.ticket))


async def rules(desk: Desk, *, actor: Actor) -> tuple[Rule, ...]:
    """Lists all rules, that of everybody first. Rejected 403."""
    actor.require(Permission.MANAGE_AUTOREPLIES)
    async with desk.database.transaction() as session:
        found = await session.execute(select(AUTOREPLIES).order_by(AUTOREPLIES.c.team))
        names = Rule.__struct_fields__
        return tuple(msgspec.convert({name: getattr(row, name) for name in names}, Rule) for row in found)


async def paused_since(desk: Desk) -> datetime | None:
    """Returns when the brake of all automatic replies was pulled; None while it is not."""
    async with desk.database.transaction() as session:
        found: datetime | None = await session.scalar(select(AUTOREPLY_BRAKE.c.paused_at))
        return found


async def put(desk: Desk, rule: Rule, *, actor: Actor) -> Rule:
    """Keeps a team's rule in place of the one before, and logs it. Rejected 403, 422 with the field
    in `code`."""
    actor.require(Permission.MANAGE_AUTOREPLIES)
    rule = checked(rule, desk.common.languages)
    values = {**msgspec.to_builtins(rule), "changed_at": utc_now(), "changed_by": actor.stored}
    kept = insert(AUTOREPLIES).values(values)
    async with desk.database.transaction() as session:
        await session.execute(kept.on_conflict_do_update(index_elements=["team"], set_=values))
        await audit.note(session, "autoreply.changed", actor, rule.team, enabled=str(rule.enabled).lower())
    return rule


async def remove(desk: Desk, team: str, *, actor: Actor) -> None:
    """Forgets a team's rule: that of everybody counts for it. Rejected 403, 404."""
    actor.require(Permission.MANAGE_AUTOREPLIES)
    async with desk.database.transaction() as session:
        gone = delete(AUTOREPLIES).where(AUTOREPLIES.c.team == teams.checked(team)).returning(AUTOREPLIES.c.team)
        if await session.scalar(gone) is None:
            raise Rejected(404, "no-such-rule", "There is no automatic reply for this team.")
        await audit.note(session, "autoreply.removed", actor, teams.checked(team))


async def resume(desk: Desk, *, actor: Actor) -> None:
    """Lets the brake of all automatic replies go. Idempotent. Rejected 403."""
    actor.require(Permission.MANAGE_AUTOREPLIES)
    async with desk.database.transaction() as session:
        if await session.scalar(delete(AUTOREPLY_BRAKE).returning(AUTOREPLY_BRAKE.c.paused_at)):
            await audit.note(session, "autoreply.resumed", actor)


def checked(rule: Rule, languages: Sequence[str]) -> Rule:
    """Returns a rule as it is stored. Rejected 422."""
    if strange := {rule.language, *rule.texts} - set(languages):
        raise Rejected(
            422, "autoreply-language", f"{min(strange)[:20]!r} is none of the languages {', '.join(languages)}."
        )
    for text in (text for texts in rule.texts.values() for text in (texts.received, texts.closed)):
        if what := problem_with(text):
            raise Rejected(422, f"autoreply-{what}", _WRONG[what])
    texts = {code: Texts(received=_clean(own.received), closed=_clean(own.closed)) for code, own in rule.texts.items()}
    kept = {code: own for code, own in texts.items() if own.received or own.closed}
    rule = msgspec.structs.replace(rule, team=teams.checked(rule.team), texts=kept)
    try:
        _ = rule.opening
    except ValueError as error:
        raise Rejected(422, "autoreply-hours", f"Opening hours: {error}.") from error
    if rule.enabled and not rule.team and not kept.get(rule.language, Texts()).received:
        raise Rejected(
            422,
            "autoreply-texts",
            f"Write a text in {rule.language!r}: customers in whose language there is none get it.",
        )
    return rule


def _clean(text: str) -> str:
    return storable(text.replace("\r\n", "\n")).strip()
