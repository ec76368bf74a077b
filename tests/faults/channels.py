"""The services of telephone and X, killed while people write and agents answer, with stand-ins for
Twilio and X at the other end."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx

from deploy.local import ports
from shared import db
from shared.clock import utc_now
from shared.events import OutboundMessage
from shared.kernel import ContactPoint, message_id
from shared.topics import deliveries_requested
from tests.faults.stage import Stage
from tests.faults.stream import Stream
from tests.providers import x_oauth
from tests.providers.twilio import Twilio, new_sid
from tests.providers.x import X, serving
from tests.waiting import until

_EACH = 30
"""Messages, and answers, between two kills."""
_SERVICES = Path(__file__).parents[2] / "services"


async def phone_killed(stage: Stage, stream: Stream, times: float) -> None:
    """Twilio sends again what was not taken, and is asked whether an answer went out whose end
    nobody saw."""
    twilio, wanted = Twilio(), Counter[str]()

    async def texted(number: int) -> None:
        sid = new_sid("SM")
        text = f"My order {number} has not come yet."
        await until(partial(_taken, twilio, f"+3361{random.randrange(10**7):07d}", text, sid), "a text was never taken")
        stream.acknowledged.append(message_id("sms", sid))

    async def answered() -> None:
        to, text = ContactPoint(f"tel:+3365{random.randrange(10**7):07d}"), f"It comes tomorrow. {uuid4()}"
        wanted[text] += 1
        await _answer(stage, "sms", to, text)

    def sent() -> Counter[str]:
        return Counter(one.body for one in twilio.messages.values() if one.direction == "outbound-api")

    async with twilio.running(ports.free()[0]), _channel(stage, "phone", twilio.settings) as kill:
        twilio.webhooks = f"http://{ports.HOST}:{stage.kept[-1].port}"
        for _ in range(int(times)):
            writing = [asyncio.ensure_future(texted(number)) for number in range(_EACH)]
            answering = [asyncio.ensure_future(answered()) for _ in range(_EACH)]
            await kill()
            await asyncio.gather(*writing, *answering)
        await _each_once(stage, "phone", wanted, sent)
    await stream.flows()


async def social_killed(stage: Stage, stream: Stream, times: float) -> None:
    """X keeps what was posted, and is read from where we were; our own posts tell which answers are
    out."""
    x, wanted = X(), Counter[str]()
    posted: list[tuple[int, str]] = []

    def post(number: int) -> None:
        person = x.person(f"ann{len(posted)}")
        posted.append(
            (x.post(person, f"@acme order {number} never came, nobody answers, this is unacceptable"), person.id)
        )
        stream.acknowledged.append(message_id("x", str(posted[-1][0])))

    async def answered(post: int, person: str) -> None:
        text = f"It comes tomorrow. {uuid4()}"
        wanted[text] += 1
        more = {"references": (str(post),), "conversation": f"{post}/{person}"}
        await _answer(stage, "x", ContactPoint(f"x:{person}"), text, **more)

    with serving(x) as url:
        settings = {
            **x_oauth.SETTINGS,
            "SOCIAL_X_API_URL": url,
            "SOCIAL_X_NAMES": "acme",
            "SOCIAL_X_EVERY": "0.3",
            "SOCIAL_X_TIMEOUT": "1",
            "SOCIAL_COMPLAINT_FROM": "0",
        }
        async with _channel(stage, "social", settings) as kill:
            for _ in range(int(times)):
                first = len(posted)
                for number in range(_EACH):
                    post(number)
                answering = [asyncio.ensure_future(answered(*one)) for one in posted[first:]]
                await kill()
                await asyncio.gather(*answering)
            await _each_once(stage, "social", wanted, lambda: Counter(one.text for one in x.ours()))
    await stream.flows()


@asynccontextmanager
async def _channel(
    stage: Stage, service: str, settings: dict[str, str]
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """A channel's service, ready and kept by the supervisor. What it gives kills it in the middle
    of its work, and returns once it was started again."""
    await asyncio.to_thread(db.migrate, stage.dsn, service, _SERVICES / service / "migrations")
    process = stage.process("one", service, settings)
    await process.start()
    stage.kept.append(process)

    async def kill() -> None:
        await asyncio.sleep(random.uniform(0, 1))
        before = stage.restarts
        os.kill(process.pid, signal.SIGKILL)
        await until(partial(stage.restarted_since, before), f"nobody started {service} again")

    try:
        yield kill
    finally:
        stage.kept.remove(process)
        await process.end(signal.SIGKILL)


async def _taken(twilio: Twilio, number: str, text: str, sid: str) -> bool:
    try:
        return await twilio.text(number, text, sid=sid) == 200
    except httpx.TransportError:
        return False


async def _answer(stage: Stage, channel: str, to: ContactPoint, text: str, **more: object) -> None:
    own = str(uuid4())
    request = OutboundMessage(id=own, ticket_id=own, channel=channel, to=to, text=text, requested_at=utc_now(), **more)  # type: ignore[arg-type]
    await stage.bus.publish(deliveries_requested(channel), own, request)


async def _each_once(stage: Stage, service: str, wanted: Counter[str], sent: Callable[[], Counter[str]]) -> None:
    """Each answer goes out and is reported, and none twice."""
    database = await asyncpg.connect(stage.dsn)
    left = (
        f"SELECT (SELECT count(*) FROM {service}.deliveries WHERE state IN ('waiting', 'sending')) "
        f"+ (SELECT count(*) FROM {service}.outbox)"
    )

    async def settled() -> bool:
        return sent().keys() >= wanted.keys() and not await database.fetchval(left)

    try:
        await until(settled, "an answer never went out, or was never reported")
    finally:
        await database.close()
    assert sent() == wanted
