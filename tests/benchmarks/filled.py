"""Fills the desk's database as years of work would: a million tickets with five million messages in
minutes.

    python -m tests.benchmarks.filled 200000 postgresql://...  # after `desk migrate`

Rows come by COPY and indexes are made after them. Only columns that the schema has are filled, so
that an older build's is too. Texts are made: sentences of common words and of one topic each in
English, French or Korean, an order number for each ticket, and a name that about twenty tickets
share. Lengths are those of real mails (median 238 characters, one in twenty longer than 800).
"""

from __future__ import annotations

import asyncio
import json
import math
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import md5
from itertools import accumulate
from random import Random

import asyncpg

from services.desk.search.domain import document

_YEARS = 3
_BLOCK = 2000
"""Tickets whose rows are made at a time."""
_LANGUAGES = {
    "en": (
        [
            "the",
            "to",
            "and",
            "a",
            "of",
            "in",
            "is",
            "it",
            "we",
            "for",
            "that",
            "on",
            "with",
            "this",
            "you",
            "not",
            "have",
            "be",
            "are",
            "our",
            "my",
            "was",
            "but",
            "can",
            "has",
            "please",
            "from",
            "they",
            "at",
            "as",
        ],
        [
            "refund",
            "invoice",
            "order",
            "delivery",
            "password",
            "printer",
            "account",
            "warranty",
            "return",
            "meeting",
            "update",
            "battery",
        ],
    ),
    "fr": (
        [
            "le",
            "la",
            "de",
            "et",
            "les",
            "des",
            "en",
            "un",
            "une",
            "pour",
            "que",
            "dans",
            "nous",
            "vous",
            "est",
            "pas",
            "sur",
            "avec",
            "mon",
            "ma",
            "merci",
            "bonjour",
            "depuis",
            "chez",
        ],
        [
            "remboursement",
            "facture",
            "commande",
            "livraison",
            "mot-de-passe",
            "imprimante",
            "compte",
            "colis",
            "retour",
            "rendez-vous",
        ],
    ),
    "ko": (
        [
            "안녕하세요",
            "그리고",
            "제가",
            "지금",
            "어제",
            "오늘",
            "다시",
            "문의",
            "부탁드립니다",
            "감사합니다",
            "그런데",
            "아직",
            "계속",
            "저희",
        ],
        ["환불을", "로그인이", "주문을", "배송이", "비밀번호를", "결제가", "교환을", "영수증을", "계정에", "제품이"],
    ),
}
_SHARES = (("en", 0.6), ("fr", 0.85), ("ko", 1.0))
_TEAMS = ("support", "billing", "shipping", "technical", "sales", "")
_LEVELS = (("urgent", 90, 0.03), ("high", 70, 0.18), ("normal", 40, 0.88), ("low", 10, 1.0))
_RANKS = {"urgent": 0, "high": 1, "normal": 2, "low": 3}
_AGENTS = 12
_REASONS = json.dumps([{"code": "base", "text": "Every message starts here", "weight": 40.0, "values": {}}])


@dataclass(frozen=True, slots=True)
class Text:
    """One text, as COPY and as a tsvector take it."""

    copied: str
    words: str


@dataclass(slots=True)
class _Rows:
    """Lines for COPY by table, each with its columns."""

    columns: dict[str, tuple[str, ...]]
    kept: dict[str, tuple[int, ...]]
    """By table: which values are of columns that this schema has."""
    lines: dict[str, list[str]] = field(default_factory=dict)

    def add(self, table: str, *values: object) -> None:
        if table in self.kept:
            line = "\t".join("\\N" if (value := values[place]) is None else str(value) for place in self.kept[table])
            self.lines.setdefault(table, []).append(line)

    def take(self) -> dict[str, bytes]:
        taken = {table: ("\n".join(lines) + "\n").encode() for table, lines in self.lines.items()}
        self.lines = {}
        return taken


_COLUMNS = {
    "customers": "id name language facts created_at",
    "contact_points": "point customer_id verified created_at",
    "customer_words": "customer_id words",
    "tickets": "id number thread_key generation customer_id participants verified status level score rank queue_at reasons "
    "routing_reasons channels team skills language assignee_id subject snippet channel created_at last_message_at last_inbound_at "
    "waiting_since due_at first_reply_at solved_at messages version",
    "messages": "id ticket_id direction channel provider_id author author_name verified recipient subject text at decision delivery "
    "taken_at routed_at applied_at sent_at",
    "message_words": "ticket_id message_id words",
    "ticket_events": "id ticket_id kind at actor data",
}


async def fill(dsn: str, tickets: int, *, texts: int = 3000, working: float = 0.04) -> None:
    """Fill a migrated, empty database, and gather its statistics. dsn: of a superuser, who may go
    round foreign keys. texts: how many different ones a language has. working: the share of tickets
    that are open, most of them among the newest tenth."""
    admin = await asyncpg.connect(dsn)
    try:
        found = await admin.fetch(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'desk'"
        )
        known = {(row["table_name"], row["column_name"]) for row in found}
        columns = {
            table: tuple(name for name in names.split() if (table, name) in known)
            for table, names in _COLUMNS.items()
            if any(of == table for of, _ in known)
        }
        kept = {
            table: tuple(place for place, name in enumerate(_COLUMNS[table].split()) if (table, name) in known)
            for table in columns
        }
        agents = await _agents(admin)
        async with _without_indexes(admin, dsn):
            await _copy(dsn, columns, _blocks(_Rows(columns, kept), tickets, agents, texts, working))
        await _finish(admin, ("search_progress", "what") in known, ("customers", "late_at") in known)
    finally:
        await admin.close()


async def _agents(admin: asyncpg.Connection[asyncpg.Record]) -> list[str]:
    ids = [_id("agent", number) for number in range(_AGENTS)]
    await admin.executemany(
        "INSERT INTO desk.agents (id, email, name, role, password_hash) VALUES ($1, $2, $3, 'agent', '')",
        [(own, f"agent{number}@example.org", f"Agent {number}") for number, own in enumerate(ids)],
    )
    return ids


@asynccontextmanager
async def _without_indexes(admin: asyncpg.Connection[asyncpg.Record], dsn: str) -> AsyncIterator[None]:
    """Take away all indexes that hold no constraint, and make them again at the end, two at a time,
    largest tables first."""
    names = [*_COLUMNS]
    found = await admin.fetch(
        "SELECT c.relname, pg_get_indexdef(i.indexrelid) AS made FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid"
        " JOIN pg_class AS t ON t.oid = i.indrelid WHERE t.relnamespace = 'desk'::regnamespace AND t.relname = ANY($1)"
        " AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid) ORDER BY t.relname = 'messages' DESC",
        names,
    )
    for row in found:
        await admin.execute(f"DROP INDEX desk.{row['relname']}")
    yield
    left = [row["made"] for row in found]

    async def make() -> None:
        connection = await asyncpg.connect(dsn)
        await connection.execute("SET maintenance_work_mem = '1GB'; SET max_parallel_maintenance_workers = 0")
        while left:
            await connection.execute(left.pop(0), timeout=3600)
        await connection.close()

    await asyncio.gather(make(), make())


async def _copy(dsn: str, columns: dict[str, tuple[str, ...]], blocks: Iterator[dict[str, bytes]]) -> None:
    """One COPY for each table, all at once."""
    queues: dict[str, asyncio.Queue[bytes]] = {table: asyncio.Queue(2) for table in columns}

    async def chunks(table: str) -> AsyncIterator[bytes]:
        while chunk := await queues[table].get():
            yield chunk

    async def load(table: str) -> None:
        connection = await asyncpg.connect(dsn)
        await connection.execute("SET session_replication_role = replica; SET synchronous_commit = off")
        await connection.copy_to_table(
            table, source=chunks(table), columns=columns[table], schema_name="desk", format="text", timeout=3600
        )
        await connection.close()

    async def feed() -> None:
        for block in blocks:
            for table, data in block.items():
                await queues[table].put(data)
        for queue in queues.values():
            await queue.put(b"")

    async with asyncio.TaskGroup() as group:
        for table in columns:
            group.create_task(load(table))
        group.create_task(feed())


async def _finish(admin: asyncpg.Connection[asyncpg.Record], searched: bool, told: bool) -> None:
    await admin.execute(
        "SELECT setval(pg_get_serial_sequence('desk.tickets', 'number'), max(number)) FROM desk.tickets"
    )
    if told:  # the router heard long ago of whoever waits beyond what they were promised
        await admin.execute(
            "UPDATE desk.customers SET late_at = now() WHERE id IN (SELECT customer_id FROM desk.tickets"
            " WHERE status = 'open' AND waiting_since IS NOT NULL AND due_at <= now() + interval '1 day')",
            timeout=3600,
        )
    if searched:
        await admin.execute("DELETE FROM desk.search_progress")
    await admin.execute("VACUUM ANALYZE", timeout=3600)


def _id(kind: str, number: int) -> str:
    return md5(f"{kind}{number}".encode(), usedforsecurity=False).hexdigest()


def _texts(count: int, random: Random) -> dict[str, list[Text]]:
    syllables = [first + vowel for first in "bcdfglmnprstv" for vowel in "aeiou"]
    rare = ["".join(random.choices(syllables, k=3)) + "n" for _ in range(4000)]
    jamo = [chr(code) for code in random.sample(range(0xAC00, 0xD7A0), 700)]
    found = {}
    for language, (common, topics) in _LANGUAGES.items():
        others = rare if language != "ko" else ["".join(random.choices(jamo, k=3)) for _ in rare]
        totals = [*accumulate(1 / (place + 2) for place in range(len(others)))]
        made = []
        for number in range(count):
            text, length = topics[number % len(topics)], min(6000, int(random.lognormvariate(math.log(238), 0.75)))
            while len(text) < length:
                text = " ".join((text, *random.choices(common, k=5), *random.choices(others, cum_weights=totals, k=3)))
            made.append(Text(text, document([text])))
        found[language] = made
    return found


def _blocks(rows: _Rows, count: int, agents: list[str], different: int, working: float) -> Iterator[dict[str, bytes]]:
    now, random = datetime.now(UTC), Random(1)
    texts = _texts(different, random)
    people = max(1, count * 2 // 5)
    for number in range(people):
        _customer(rows, number, now, random)
        if number % 10_000 == 0:
            yield rows.take()
    for number in range(count - 1, -1, -1):  # oldest first, as they came
        share = min(1.0, working * (7.5 if number < count // 10 else 0.275))
        _ticket(rows, number, count, people, now, texts, agents, random, share)
        if number % _BLOCK == 0:
            yield rows.take()


def _person(number: int) -> tuple[str, str]:
    name = f"{('Ann', 'Jo', 'Minji', 'Zoe', 'Sam', 'Lea')[number % 6]} {('Lee', 'Park', 'Martin', 'Okoro')[number % 4]}{number % 997}"
    host = ("example.org", "shop.example", "mail.example")[number % 3]
    return name, f"{name.lower().replace(' ', '.')}.{number}@{host}"


def _customer(rows: _Rows, number: int, now: datetime, random: Random) -> None:
    own, (name, address) = _id("customer", number), _person(number)
    points = [f"email:{address}", *([f"tel:+4420{number:08d}"] if random.random() < 0.7 else [])]
    rows.add("customers", own, name, "", "{}", now - timedelta(days=365 * _YEARS))
    for point in points:
        rows.add("contact_points", point, own, "t", now)
    rows.add("customer_words", own, document([name, *(point.partition(":")[2] for point in points)]))


def _ticket(
    rows: _Rows,
    number: int,
    count: int,
    people: int,
    now: datetime,
    texts: dict[str, list[Text]],
    agents: list[str],
    random: Random,
    working: float,
) -> None:
    """Number 0 is the newest."""
    own, chance = _id("ticket", number), random.random
    whose = int(people * chance() ** 2)
    (name, address), customer = _person(whose), _id("customer", whose)
    draw = chance()
    language = next(code for code, until in _SHARES if draw < until)
    draw = chance()
    level, score = next((name, score) for name, score, until in _LEVELS if draw < until)
    last = now - timedelta(seconds=(number + chance()) * _YEARS * 365 * 86400 / count)
    many = min(300, 1 + int(random.expovariate(1 / 4.3))) if number % 5000 else 260
    step = timedelta(seconds=random.expovariate(1 / 40_000))
    created = last - step * (many - 1)
    draw = chance()
    status = "open" if draw < working else "pending" if draw > 0.99 else "solved"
    if status == "solved" and number > count // 30:
        status = "closed"
    waits = status == "open" and chance() < 0.77
    due = last + timedelta(hours=4) if waits and chance() < 0.95 else None
    assignee = None if status in ("open", "pending") and chance() < 0.4 else agents[int(chance() * len(agents))]
    spoken = chance() < 0.04
    best = "phone" if spoken else "email"
    channels = json.dumps(
        [
            {
                "channel": best,
                "contact_point": "tel:+442000000000" if spoken else f"email:{address}",
                "confidence": 0.8,
                "reasons": [{"code": "preference.stated", "text": "They said so", "weight": 0.0, "values": {}}],
            }
        ]
    )
    tag = f"ORD-{number:07d} mx{number // 20:06d}"
    tagged = f" 'ord' '{number:07d}' 'ord{number:07d}' '+{number:07d}' 'mx{number // 20:06d}'"
    several = texts[language]
    first = several[number % len(several)]
    subject = first.copied[:50]
    for place in range(many):
        inbound = place % 2 == 0 or waits
        message, at = _id(f"{number}m", place), created + step * place
        text = several[int(chance() * len(several))] if place else first
        rows.add(
            "messages", message, own, "in" if inbound else "out", "email", f"<{message}@x>", f"email:{address}" if inbound else
            "agent:agent0@example.org", name if inbound else "Agent 0", "t", "help@example.org", subject, f"{text.copied} {tag}", at,
            _DECISION if inbound else None, "" if inbound else "delivered", at, at, at, None if inbound else at,
        )  # fmt: skip
        rows.add("message_words", own, message, text.words + tagged)
        kind = "message.added" if inbound else "reply.added"
        rows.add(
            "ticket_events",
            _id(f"{number}e", place),
            own,
            kind,
            at,
            "",
            f'{{"message_id": "{message}", "channel": "email"}}',
        )
    replied = created + step if many > 1 and not waits else None
    rank = _RANKS[level] * 101 + 100 - score
    rows.add(
        "tickets", own, 1001 + count - number, f"email:{own}", 0, customer, f'{{"email:{address}"}}', "t", status, level, score, rank,
        created if waits else last, _REASONS, "[]", channels, _TEAMS[number % 6], "{}", language, assignee, subject, f"{first.copied[:160]} {tag}",
        "email", created, last, last, created if waits else None, due, replied, None if status in ("open", "pending") else last, many, many,
    )  # fmt: skip
    rows.add("ticket_events", _id("opened", number), own, "ticket.opened", created, "", '{"channel": "email"}')


_DECISION = json.dumps(
    {
        "message_id": "0" * 32,
        "ticket_id": "0" * 32,
        "thread": {"key": "email:x", "generation": 0, "rule": "new", "evidence": "x"},
        "score": 40,
        "level": "normal",
        "reasons": [
            {
                "code": f"rule.{number}",
                "text": "Words of the message say so",
                "weight": 4.0,
                "values": {"words": "urgent"},
            }
            for number in range(8)
        ],
        "channels": [
            {
                "channel": "email",
                "contact_point": "email:x@example.org",
                "confidence": 0.8,
                "reasons": [{"code": "preference.used", "text": "They wrote here", "weight": 0.0, "values": {}}],
            }
        ],
        "team": "support",
        "skills": [],
        "language": "en",
        "policy": "default@1",
        "reply_within": 14400,
    }
)

if __name__ == "__main__":
    asyncio.run(fill(sys.argv[2], int(sys.argv[1])))
