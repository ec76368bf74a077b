"""What the routers of the benchmark work on: messages and profiles such as a small business has,
always the same ones."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from aiokafka import AIOKafkaProducer
from msgspec import structs

from services.router.adapters import policy_yaml
from shared.bus.kafka import create_topics
from shared.clock import utc_now
from shared.events import Channel, InboundMessage, Observed, Profile, RoutingPolicy, Stated, ThreadClues
from shared.events.codec import encode
from shared.kernel import email_point, message_id
from shared.topics import CHANNELS_ANNOUNCED, CUSTOMERS_UPDATED, MESSAGES_RECEIVED, POLICIES_PUBLISHED, all_topics
from tests.benchmarks.contenders import WITHOUT_MODEL

CUSTOMERS = 5_000
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SENTENCES = {
    "en": [
        "Good morning, I ordered a lamp last week and would like to change the delivery address.",
        "The page that lists our invoices shows an error since yesterday.",
        "I cannot log in any more, although I changed my password.",
        "Could you tell me how to invite a colleague?",
        "Our whole shop is down and customers are calling us!",
        "Thank you for your help so far.",
    ],
    "fr": [
        "Bonjour, je souhaite modifier l’adresse de livraison de ma commande.",
        "Je n’arrive plus à me connecter depuis ce matin.",
        "Pouvez-vous me rembourser la deuxième facture ?",
        "Merci beaucoup pour votre aide, très bonne journée.",
    ],
    "ko": [
        "안녕하세요, 지난주에 주문한 상품의 배송지를 바꾸고 싶습니다.",
        "오늘 아침부터 로그인이 안 됩니다.",
        "환불은 언제쯤 받을 수 있을까요?",
        "도와주셔서 감사합니다.",
    ],
}


def message(number: int, chance: random.Random) -> InboundMessage:
    """A mail or a chat message of about 1 KB, a third of them follow-ups."""
    language = chance.choices(("en", "fr", "ko"), (6, 3, 1))[0]
    channel = chance.choices(("email", "chat"), (3, 1))[0]
    customer = email_point(f"customer{chance.randrange(2 * CUSTOMERS)}@example.org")
    clues = ThreadClues(conversation=f"c{number % 5000}") if channel == "chat" else ThreadClues()
    if channel == "email" and number % 3 == 0:
        clues = ThreadClues(root=f"<m{number // 3}@example.org>", references=(f"<m{number // 3}@example.org>",))
    return InboundMessage(
        id=message_id(channel, f"<m{number}@example.org>"),
        channel=channel,
        provider_id=f"<m{number}@example.org>",
        sender=customer,
        received_at=START + timedelta(seconds=number / 10),
        subject="" if channel == "chat" else " ".join(chance.choice(SENTENCES[language]).split()[:6]),
        text=" ".join(chance.choices(SENTENCES[language], k=chance.randrange(3, 11))),
        sender_name="Some Customer",
        recipient="support@example.com",
        language=language,
        thread=clues,
        raw_uri=f"file:///storage/{number:032x}",
        birth_year=1950 + number % 55 if number % 7 == 0 else None,
    )


def profile(number: int, chance: random.Random) -> Profile:
    """What the desk knows of a customer after a while."""
    point = email_point(f"customer{number}@example.org")
    return Profile(
        contact_point=point,
        customer_id=f"c{number}",
        version=3,
        updated_at=START,
        contact_points=(point,),
        birth_year=1940 + chance.randrange(65) if number % 3 else None,
        stated=Stated(channel="phone", source="survey", at=START) if number % 10 == 0 else None,
        observed={
            "email": Observed(messages=chance.randrange(20), last_at=START),
            "chat": Observed(messages=4, last_at=START),
        },
        tier=chance.choice(("", "", "pro", "business")),
        recent_contacts=tuple(START + timedelta(hours=hours) for hours in range(chance.randrange(4))),
    )


def mail(run: str, number: int, chance: random.Random) -> InboundMessage:
    """A mail in a thread of its own, from one of 500 people, that no other run has."""
    provider = f"<{run}.{number}@example.net>"
    return structs.replace(
        message(number, chance),
        id=message_id("email", provider),
        channel="email",
        provider_id=provider,
        sender=f"email:{run}.{number % 500}@example.net",
        received_at=utc_now(),
    )


def _without_model() -> RoutingPolicy:
    text = policy_yaml.SHIPPED.read_text("utf-8")
    text = text.replace("name: default", f"name: {WITHOUT_MODEL}", 1).replace("use: newest", "use: off", 1)
    assert policy_yaml.parse(text, "words").priority.model is None, (
        "the shipped policy asks for its model in other words"
    )
    return RoutingPolicy(name=WITHOUT_MODEL, version=1, published_at=utc_now(), yaml=text)


async def preload(servers: str, messages: int) -> None:
    """Topics, a policy without a model, channels, profiles and messages."""
    await create_topics(servers, all_topics(["email", "chat"]))
    producer = AIOKafkaProducer(bootstrap_servers=servers, linger_ms=20, max_batch_size=1 << 20)
    await producer.start()
    chance = random.Random(7)
    try:
        for name in ("email", "chat"):
            channel = Channel(name=name, label=name.title(), icon=name, reaches=(name,), live=name == "chat")
            await producer.send(CHANNELS_ANNOUNCED.name, encode(channel), key=name.encode())
        words = _without_model()
        await producer.send(POLICIES_PUBLISHED.name, encode(words), key=words.name.encode())
        for number in range(CUSTOMERS):
            known = profile(number, chance)
            await producer.send(CUSTOMERS_UPDATED.name, encode(known), key=known.contact_point.encode())
        for number in range(messages):
            event = message(number, chance)
            await producer.send(MESSAGES_RECEIVED.name, encode(event), key=event.sender.encode())
    finally:
        await producer.stop()
