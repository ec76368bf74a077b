"""An agent types what they remember of a conversation, and finds it: on every database, however
much there is."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from random import Random
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import text

from services.desk.actors import COMMAND
from services.desk.context import Desk
from services.desk.intake.messages import apply
from services.desk.people import service as people
from services.desk.search import finding, indexing
from services.desk.search.domain import asked
from services.desk.tickets import repository
from services.desk.tickets import service as tickets
from services.desk.tickets.schemas import TicketPage, TicketQuery
from shared.clock import utc_now
from shared.errors import Rejected
from shared.events import Attachment
from tests.integration.desk_parts import acting, desk_on, migrate, scalar, with_channels
from tests.unit.desk.examples import NOON, routed

WRITTEN = {
    "order": {"text": "Where is ORD-12345?", "sender_name": "Ann Lee"},
    "glued": {"text": "It arrived.Please send another"},
    "slash": {"text": "It fails on iOS/Android alike"},
    "korean telephone": {"text": "전화 주세요 010-1234-5678"},
    "quotes": {"text": "Je veux passer à l’offre «Premium»"},
    "typographic": {"text": "Où est l’imprimante ?"},
    "typewriter": {"text": "Où est donc l'imprimantes du bureau"},
    "korean quotes": {"text": "버튼 “환불”이 안 보여요"},
    "middle dot": {"text": "교환·취소 규정을 알려주세요"},
    "particle": {"text": "결제를 두 번 했습니다"},
    "telephone": {"text": "Nobody called", "sender": "tel:+442079460071", "channel": "sms"},
    "telephone in a text": {"text": "Call me on (020) 7946 0072 please"},
    "fact": {"text": "It is broken", "facts": {"Order": "A-10311"}},
    "accents": {"text": "Une somme a été prélevée deux fois"},
    "stems": {"text": "I cannot print my invoices"},
    "hyphen": {"text": "Your e-mail never came"},
    "file": {
        "text": "As you asked",
        "attachments": (
            Attachment(uri="file://x", name="facture_mars-2026.pdf", media_type="application/pdf", size=9, sha256="0"),
        ),
    },
    "address": {"text": "Hello", "sender": "email:kim.minji@shop.example"},
    "decomposed": {"text": "\u1112\u116a\u11ab\u1107\u116e\u11af\u1100\u1173\u11b7 언제 와요"},
}
FINDS = [
    ("ORD-12345", {"order"}),
    ("12345", {"order"}),
    ("ord 12345", {"order"}),
    ("ORD-12345는", {"order"}),
    ("please", {"glued", "telephone in a text"}),
    ("arrived", {"glued"}),
    ("android", {"slash"}),
    ("iOS", {"slash"}),
    ("010-1234-5678", {"korean telephone"}),
    ("01012345678", {"korean telephone"}),
    ("+82 10 1234 5678", {"korean telephone"}),
    ("premium", {"quotes"}),
    ("«Premium»", {"quotes"}),
    ("l'imprimante", {"typographic", "typewriter"}),
    ("l’imprimante", {"typographic", "typewriter"}),
    ("imprimante", {"typographic", "typewriter"}),
    ("환불", {"korean quotes", "decomposed"}),
    ("환불을", {"korean quotes", "decomposed"}),
    ("“환불”", {"korean quotes", "decomposed"}),
    ("교환·취소", {"middle dot"}),
    ("교환ㆍ취소", {"middle dot"}),
    ("취소", {"middle dot"}),
    ("결제가", {"particle"}),
    ("결제했어요", {"particle"}),
    ("+44 20 7946 0071", {"telephone"}),
    ("07946 0071", {"telephone"}),
    ("(020) 7946-0071", {"telephone"}),
    ("+44 20 7946 0072", {"telephone in a text"}),
    ("A-10311", {"fact"}),
    ("10311", {"fact"}),
    ("prelevee", {"accents"}),
    ("PRÉLEVÉE", {"accents"}),
    ("prélevées", {"accents"}),
    ("Printing invoice", {"stems"}),
    ("printed", {"stems"}),
    ("email", {"hyphen"}),
    ("e-mail", {"hyphen"}),
    ("facture mars", {"file"}),
    ("kim.minji@shop.example", {"address"}),
    ("minji", {"address"}),
    ("Ann Lee", {"order"}),
    ("oder", set()),
    ("!?", set()),
    ("' & | ! ( :* \\", set()),
]


@pytest.fixture(params=["as make run and Compose make it", "with the system's own UTF-8"])
async def any_database(postgres: str, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """LC_CTYPE is C in the first, by which PostgreSQL's own parser does not know Korean letters or
    typographic marks."""
    name = f"test_{uuid4().hex}"
    own = request.param.startswith("with")
    admin = await asyncpg.connect(postgres)
    locale = "TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C.UTF-8'" if own else ""
    await admin.execute(f'CREATE DATABASE "{name}" {locale}')
    try:
        dsn = postgres.rsplit("/", 1)[0] + f"/{name}"
        assert await admin.fetchval("SELECT datctype FROM pg_database WHERE datname = $1", name) == (
            "C.UTF-8" if own else "C"
        )
        yield dsn
    finally:
        await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await admin.close()


@pytest.fixture
async def desk(database: str, storage_url: str) -> AsyncIterator[Desk]:
    await migrate(database)
    async with desk_on(database, storage_url) as made:
        yield with_channels(made)


async def write(desk: Desk) -> None:
    await apply(
        desk,
        [
            routed(
                f"<{number}@x>",
                **({"sender": f"email:sender{number}@nowhere.example", "subject": name} | more),
                thread=f"email:{number}",
                received_at=NOON + timedelta(minutes=number),
            )
            for number, (name, more) in enumerate(WRITTEN.items())
        ],
    )


async def page(desk: Desk, q: str, **more: object) -> TicketPage:
    return await finding.list_tickets(desk, TicketQuery(q=q, order="newest", **more))


async def found(desk: Desk, q: str, **more: object) -> set[str]:
    return {row.subject for row in (await page(desk, q, **more)).items}


async def test_an_agent_finds_what_is_written_on_every_database(any_database: str, storage_url: str) -> None:
    await migrate(any_database)
    async with desk_on(any_database, storage_url) as desk:
        await write(desk)
        wrong = {q: got for q, right in FINDS if (got := await found(desk, q)) != right}
        assert not wrong


async def test_a_home_from_before_is_moved_over_while_the_desk_runs_and_goes_on_where_it_was_killed(
    desk: Desk, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(desk)
    head = await scalar(desk, "SELECT version_num FROM desk.alembic_version")
    async with desk.database.transaction() as session:
        for statement in (
            "DROP TABLE desk.message_words, desk.customer_words, desk.search_progress",
            "CREATE INDEX ix_messages_search ON desk.messages USING gin (to_tsvector('simple', left(text, 100000)))",
            "CREATE INDEX ix_tickets_search ON desk.tickets USING gin (subject public.gin_trgm_ops)",
            "CREATE INDEX ix_contact_points_search ON desk.contact_points USING gin (point public.gin_trgm_ops)",
            "UPDATE desk.alembic_version SET version_num = '0009'",
        ):
            await session.execute(text(statement))
    await migrate(database, "0010")
    async with desk.database.transaction() as session:  # what came after it is there already
        await session.execute(text("UPDATE desk.alembic_version SET version_num = :head"), {"head": head})
    assert (await page(desk, "premium")).indexing, "the page says that it does not know everything yet"
    await apply(desk, [routed("<new@x>", thread="email:new", subject="new", text="Premium too")])
    assert await found(desk, "premium") == {"new"}, "what comes meanwhile is found at once"
    monkeypatch.setattr(indexing, "_CHUNK", 4)
    assert await indexing.step(desk)
    assert await found(desk, "환불") == {"decomposed"}, "the newest first"
    async with desk_on(database, "file:///tmp/none") as another:  # this process is gone
        while await indexing.step(another):
            pass
    assert await found(desk, "premium") == {"new", "quotes"}
    wrong = {q: got for q, right in FINDS if (got := await found(desk, q)) - {"new"} != right}
    assert not wrong
    assert not (await page(desk, "premium")).indexing
    assert await scalar(desk, "SELECT count(*) FROM desk.messages") == len(WRITTEN) + 1, "nothing is lost"


async def test_a_note_a_reply_and_a_changed_name_are_found(desk: Desk) -> None:
    await apply(desk, [routed(sender_name="Ann")])
    await tickets.add_note(desk, "#1001", "Ask the warehouse", actor=acting("sam@example.org"))
    await tickets.reply(desk, "#1001", tickets.Draft(text="We sent a replacement"), actor=acting("sam@example.org"))
    for q in ("warehouse", "replacements", "ann", "#1001", "1001"):
        assert await found(desk, q) == {"Invoice"}, q
    assert await found(desk, "#10010") == set()


@pytest.mark.parametrize(
    ("q", "subjects"),
    [
        ("status:solved", {"old"}),
        ("status:open refund", {"mine", "chat"}),
        ("refund channel:chat", {"chat"}),
        ("assignee:sam@example.org", {"mine"}),
        ("assignee:me", {"mine"}),
        ("assignee:none refund status:open", {"chat"}),
        ('from:"Zoë Martin"', {"old"}),
        ("from:zoe@shop.example refund", {"old"}),
        ("has:file", {"chat"}),
        ("older:2d", {"old"}),
        ("newer:2d refund", {"mine", "chat"}),
        ("team:Billing", {"old"}),
        ("level:normal language:en refund", {"old", "mine", "chat"}),
        ("STATUS：solved", {"old"}),
        ("http://shop.example refund", set()),
        ("from:nobody refund", set()),
    ],
)
async def test_filters_narrow_a_search(desk: Desk, q: str, subjects: set[str]) -> None:
    await people.create_agent(
        desk.database,
        email="sam@example.org",
        name="Sam",
        role="agent",
        password="correct horse battery",
        actor=COMMAND,
    )
    file = Attachment(uri="file://x", name="a.pdf", media_type="application/pdf", size=9, sha256="0")
    await apply(
        desk,
        [
            routed(
                "<1@x>",
                subject="old",
                text="refund",
                thread="email:1",
                sender="email:zoe@shop.example",
                sender_name="Zoë Martin",
                team="billing",
                received_at=utc_now() - timedelta(days=3),
            ),
            routed("<2@x>", subject="mine", text="refund", thread="email:2", received_at=utc_now()),
            routed(
                "<3@x>",
                subject="chat",
                text="refund",
                thread="chat:3",
                channel="chat",
                sender="chat:3",
                received_at=utc_now(),
                attachments=(file,),
            ),
        ],
    )
    await tickets.set_status(desk, "#1001", "solved", actor=acting("sam@example.org"))
    async with desk.database.transaction() as session:
        await session.execute(
            text("UPDATE desk.tickets SET assignee_id = (SELECT id FROM desk.agents) WHERE subject = 'mine'")
        )
    assert await found(desk, q, me="sam@example.org") == subjects


@pytest.mark.parametrize("q", ["status:lost", "older:soon", "has:cats", "newer:99999d"])
async def test_a_filter_that_cannot_be_says_what_can(desk: Desk, q: str) -> None:
    with pytest.raises(Rejected, match="`") as refused:
        await page(desk, q)
    assert (refused.value.status, refused.value.code) == (422, "search-filter")


COMMON = """
INSERT INTO desk.{table} SELECT (jsonb_populate_record(t, jsonb_build_object({changes}))).*
FROM desk.{table} AS t, generate_series(1, {count}) AS n
"""
_ID = "'id', md5('{what}' || n)::uuid"


async def many(desk: Desk, count: int) -> None:
    """So many conversations that begin with "the", a minute apart."""
    await apply(desk, [routed(text="The same")])
    own, message = "md5('ticket' || n)::uuid", "md5('message' || n)::uuid"
    changes = {
        "tickets": f"'id', {own}, 'number', 5000 + n, 'last_message_at', t.last_message_at - n * interval '1 minute'",
        "messages": f"'id', {message}, 'ticket_id', {own}",
        "message_words": f"'message_id', {message}, 'ticket_id', {own}",
    }
    async with desk.database.transaction() as session:
        for table, values in changes.items():
            sql = COMMON.format(table=table, changes=values, count=count).replace(":", r"\:")
            await session.execute(text(sql))
        await session.execute(text("ANALYZE desk.tickets, desk.messages, desk.message_words"))  # as autovacuum does


async def test_a_word_that_is_in_every_conversation_is_found_page_by_page_newest_first_and_none_is_left_out(
    desk: Desk,
) -> None:
    await many(desk, 5200)
    seen, cursor = [], ""
    while True:
        got = await page(desk, "the", limit=100, cursor=cursor)
        seen += [row.last_message_at for row in got.items]
        assert got.searched_back_to is None
        if not (cursor := got.next):
            break
    assert len(seen) == len(set(seen)) == 5201
    assert seen == sorted(seen, reverse=True)


async def test_a_search_that_runs_out_of_time_says_how_far_it_came_and_goes_on_from_there(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await many(desk, 5200)
    async with desk.database.transaction() as session:
        with_file = "UPDATE desk.messages SET attachments = '[1]' WHERE ticket_id IN (SELECT id FROM desk.tickets WHERE number IN (5100, 10150))"
        await session.execute(text(with_file))
    real, asked = time.monotonic, 0

    def clock() -> float:
        nonlocal asked
        asked += 1
        return real() + (
            1000 if asked > 6 else 0
        )  # the start and the first bound, state, is it common?, two statements of the first window

    monkeypatch.setattr(finding, "clock", clock)
    first = await page(desk, "the has:file")
    assert [row.number for row in first.items] == [5100], "what was found so far"
    assert first.searched_back_to
    assert first.searched_back_to == first.items[0].last_message_at - timedelta(minutes=400)
    monkeypatch.undo()
    rest = await page(desk, "the has:file", cursor=first.next)
    assert ([row.number for row in rest.items], rest.searched_back_to, rest.next) == ([10150], None, "")


async def test_windows_find_what_a_plain_look_at_every_ticket_finds_in_the_same_order(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is common or rare, with ties in time, pages across the borders of windows, and words
    that came later."""
    draw = Random(7)
    words = ["refund", "refunds", "ord-12", "ord-12345", "order", "환불이", "환불", "délai", "12345", "zoe"]
    names = [" ".join(draw.choices(words, k=3)) for _ in range(120)]
    await apply(
        desk,
        [
            routed(
                f"<{number}@x>",
                thread=f"email:{number}",
                subject=str(number),
                text=said,
                sender=f"email:{draw.choice('abcdef')}@{draw.choice(['zoe', 'ann'])}.example",
                received_at=NOON + timedelta(minutes=number // 4),
            )
            for number, said in enumerate(names)
        ],
    )
    for number in draw.sample(range(1001, 1121), 20):
        await tickets.add_note(desk, f"#{number}", draw.choice(words), actor=acting("sam@example.org"))
        await tickets.set_status(
            desk, f"#{number}", draw.choice(["solved", "pending"]), actor=acting("sam@example.org")
        )
    monkeypatch.setattr(finding, "_FIRST_WINDOW", 3)
    monkeypatch.setattr(finding, "_GROWS", 2)
    monkeypatch.setattr(finding, "SECONDS", 60.0)
    queries = [
        "refund",
        "ord-12",
        "ord 12345",
        "환불",
        "delai zoe",
        "refund status:solved",
        "from:zoe refund",
        "ref",
        "12345",
        "nowhere",
    ]
    for q in queries:
        wanted = asked(q)
        cheap, others = finding._filters(wanted, "")
        plain = TicketQuery(order="newest", limit=100)
        async with desk.database.transaction() as session:
            statement = repository.places(plain, *cheap, *others, *finding._matches(wanted)).limit(None)
            right = [row.id for row in await session.execute(statement)]
        for common in (True, False):
            for few in (0, 5000):
                monkeypatch.setattr(finding, "_is_common", partial(_say, common))
                monkeypatch.setattr(finding, "_FEW", few)
                assert await every_page(desk, q) == right, (q, common, few)


async def _say(answer: bool, *_: object) -> bool:
    return answer


async def every_page(desk: Desk, q: str) -> list[str]:
    seen, cursor = list[str](), ""
    while True:
        got = await page(desk, q, limit=7, cursor=cursor)
        seen += [row.id for row in got.items]
        if not (cursor := got.next):
            return seen
