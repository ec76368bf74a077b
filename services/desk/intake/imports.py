"""Apply mails of archives: many in one transaction, each at most once. Customers, closed tickets,
messages and the words to find them by are written, and nothing else happens: no event, no
deadline, no profile for now."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import structs
from sqlalchemy import select

from services.desk.bulk import document, inserting
from services.desk.context import Desk
from services.desk.customers import contacts
from services.desk.customers.models import PROFILES_OWED
from services.desk.intake.messages import check
from services.desk.intake.models import IMPORTS
from services.desk.tickets import store
from services.desk.tickets.domain import Ticket, history
from services.desk.tickets.models import MESSAGES
from services.desk.unit_of_work import UnitOfWork
from shared.clock import utc_now
from shared.db import Database
from shared.errors import Unavailable
from shared.events import ImportedMail, InboundMessage
from shared.kernel import address_of
from shared.metrics import METRICS
from shared.statements import Part, fetch, write

_FIND = """
    WITH thread AS MATERIALIZED (
        SELECT id, thread_key, customer_id FROM desk.tickets
        WHERE thread_key = ANY($2::text[] || ARRAY(SELECT thread_key FROM desk.tickets WHERE id = ANY($3::uuid[])))
    )
    SELECT ARRAY(SELECT id::text FROM desk.messages WHERE id = ANY($1::uuid[])),
           ARRAY(SELECT DISTINCT thread_key FROM thread),
           ARRAY(SELECT DISTINCT customer_id::text FROM thread)
"""
_COUNT = """
    INSERT INTO desk.imports (id, received, sent, known, tickets, begun_at, changed_at)
    SELECT id, received, sent, known, tickets, now(), now() FROM json_populate_recordset(NULL::desk.imports, {0}::json)
    ON CONFLICT (id) DO UPDATE SET received = imports.received + excluded.received, sent = imports.sent + excluded.sent,
        known = imports.known + excluded.known, tickets = imports.tickets + excluded.tickets, changed_at = now()
"""


_SINCE = """
    UPDATE desk.customers AS c SET created_at = first.at
    FROM (SELECT id, min(at) AS at FROM json_to_recordset($1::json) AS one (id uuid, at timestamptz) GROUP BY id) AS first
    WHERE c.id = first.id AND c.created_at > first.at
"""
"""Somebody is a customer since their first mail."""


async def apply(desk: Desk, batch: Sequence[ImportedMail]) -> None:
    """Writes these mails; those that are here already change nothing. Raises Unavailable with
    nothing written, or Malformed where an id or a contact point is none."""
    for mail in batch:
        check(mail.message, mail.customer)
    mails = sorted({mail.message.id: mail for mail in batch}.values(), key=_at)
    async with desk.unit_of_work() as work:
        customers = await contacts.identify(work, [_by_customer(mail) for mail in mails])
        keys = {key for mail in mails for key in history.keys_of(mail.message)}
        named = {mail.message.thread.ticket_id for mail in mails if mail.message.thread.ticket_id}
        (found,) = await fetch(work.session, _FIND, [m.message.id for m in mails], list(keys), list(named))
        here, threads, owners = map(frozenset, found)
        fresh = [mail for mail in mails if mail.message.id not in here]
        counts = Counter((mail.run, "known") for mail in mails if mail.message.id in here)
        parts = await _write(work, fresh, customers, threads, owners, counts) if fresh else []
        rows = [
            {"id": run} | {name: counts[run, name] for name in ("received", "sent", "known", "tickets")}
            for run in {mail.run for mail in mails}
        ]
        await write(work.session, *parts, Part(_COUNT, (document(rows),)))
    METRICS.imported.labels(result="known").inc(len(mails) - len(fresh))
    METRICS.imported.labels(result="new").inc(len(fresh))


async def every(database: Database) -> list[dict[str, Any]]:
    """Lists what became of each import, the newest first."""
    async with database.statements() as session:
        rows = await session.execute(select(IMPORTS).order_by(IMPORTS.c.begun_at.desc()))
        return [dict(row) for row in rows.mappings()]


async def _write(
    work: UnitOfWork,
    fresh: Sequence[ImportedMail],
    customers: dict[str, str],
    threads: frozenset[str],
    owners: frozenset[str],
    counts: Counter[tuple[str, str]],
) -> list[Part]:
    session, people = work.session, {customers[mail.message.id] for mail in fresh}
    known = await contacts.locked(session, owners | people)
    before, _ = await store.concerned(session, threads, ())
    by_key: defaultdict[str, list[Ticket]] = defaultdict(list)
    for ticket in sorted(before, key=lambda one: one.generation):
        by_key[ticket.thread_key].append(ticket)
    by_id = {ticket.id: ticket.thread_key for ticket in before}
    touched, rows = dict[str, Ticket](), []
    for mail in fresh:
        message, customer = mail.message, customers[mail.message.id]
        key = by_id.get(message.thread.ticket_id) or history.thread_of(message, by_key.keys())
        theirs = by_key[key]
        old = history.belongs_to(mail, theirs)
        ticket = history.with_mail(old or history.begun(mail, key, customer), mail, customer)
        if old is None:
            theirs.append(ticket)
            counts[mail.run, "tickets"] += 1
        else:
            theirs[theirs.index(old)] = ticket
        touched[ticket.id] = ticket
        counts[mail.run, "sent" if mail.sent else "received"] += 1
        rows.append(_row(mail, ticket.id))
    for row, mail in zip(rows, fresh, strict=True):
        row["other_address"] = not mail.sent and touched[row["ticket_id"]].customer_id != customers[mail.message.id]
    new = [ticket for ticket in touched.values() if ticket.id not in by_id]
    opened, *_ = await write(
        session,
        store.inserting(new),
        store.adding_history([ticket for ticket in touched.values() if ticket.id in by_id]),
    )
    if opened < len(new):
        raise Unavailable("another process opened the same ticket at the same moment")
    since = [{"id": customers[mail.message.id], "at": _at(mail)} for mail in fresh]
    await fetch(session, _SINCE, document(since))
    work.wrote(rows)
    owed = [{"customer_id": customer, "at": utc_now()} for customer in sorted(people)]
    written = [(customers[mail.message.id], mail.message) for mail in fresh if not mail.sent]
    learned = [contacts.learning(known, written, {})] if written else []
    return [inserting(MESSAGES, rows), *learned, inserting(PROFILES_OWED, owed)]


def _at(mail: ImportedMail) -> datetime:
    return mail.message.received_at


def _by_customer(mail: ImportedMail) -> InboundMessage:
    """Returns the message as one of its customer's, so that they are found or made by it."""
    return structs.replace(mail.message, sender=mail.customer) if mail.sent else mail.message


def _row(mail: ImportedMail, ticket: str) -> dict[str, Any]:
    message = mail.message
    return {
        "id": message.id,
        "ticket_id": ticket,
        "direction": "out" if mail.sent else "in",
        "channel": message.channel,
        "provider_id": message.provider_id,
        "conversation": "",
        "author": address_of(message.sender) if mail.sent else message.sender,
        "author_name": message.sender_name,
        "verified": False,
        "doubt": message.doubt,
        "other_address": False,
        "recipient": mail.customer if mail.sent else message.recipient,
        "also_to": [address for address in message.also_to if address != address_of(mail.customer)],
        "cc": list(message.cc),
        "bcc": [],
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "attachments": message.attachments,
        "at": message.received_at,
        "automatic": message.automatic,
        "account": "",
        "forwarded_by": "",
        "missing_files": message.missing_files,
        "facts": message.facts,
        "raw_uri": message.raw_uri,
        "delivery": "",
        "delivery_detail": "",
        "public": False,
        "label": "",
        "label_by": "",
        "reach": 0,
    }
