"""What we sent to a ticket is known when its answer comes in, and is cut from it."""

from __future__ import annotations

from services.email.domain.incoming import Context, Envelope
from services.email.domain.outgoing import message_id_of
from services.email.domain.references import our_message_id, reply_token
from services.email.history import History
from services.email.models import OUTBOX
from services.email.receiving import Receiver
from services.email.returning import Returns
from shared.db import Database
from shared.events import InboundMessage
from shared.outbox import Outbox
from shared.topics import MESSAGES_RECEIVED
from tests.integration.test_email_delivering import IDENTITY, Stage, answer, stage
from tests.waiting import until

__all__ = ["stage"]
OURS = "Please take the battery out for ten minutes, put it back and tell us what the red light does then."
NEWER = "Have you had time to try what we wrote to you about the battery of your lamp?"
ENVELOPE = Envelope("ann@example.com", ("support@example.org",))


def mail(message_id: str, text: str) -> bytes:
    return f"From: Ann <ann@example.com>\nMessage-ID: <1@example.com>\nSubject: Lamp\nIn-Reply-To: {message_id}\n\n{text}".encode()


async def test_a_mail_without_quote_marks_is_read_without_what_we_sent_to_its_ticket(stage: Stage) -> None:
    first = answer(text=OURS)
    second = answer(first.ticket_id, text=NEWER)
    elsewhere = answer(text="Something else")
    stage.start()
    await stage.ask(first, second, elsewhere)
    await until(lambda: len(stage.reports()) == 3)
    history = History(stage.database, IDENTITY.secret)
    assert await history.answered_by(mail(message_id_of(first, IDENTITY), ""), ENVELOPE) == (NEWER, OURS)
    token = reply_token(IDENTITY.secret, first.ticket_id)
    assert await history.answered_by(b"From: a\n\n", Envelope("", (f"support+t{token}@example.org",))) == (NEWER, OURS)
    guessed = our_message_id("another secret that is long enough", first.ticket_id, first.id, "example.org")
    assert await history.answered_by(mail(guessed, ""), ENVELOPE) == ()

    context = Context(IDENTITY.mailboxes, IDENTITY.secret, ("en",))
    returns = Returns(stage.database, Outbox(OUTBOX, stage.database, stage.bus), IDENTITY.secret)
    receiver = Receiver(stage.bus, stage.storage, context, returns, history=history)
    away = History(Database("postgresql://nobody@127.0.0.1:9/none", "email"), IDENTITY.secret)
    alone = Receiver(stage.bus, stage.storage, context, returns, history=away)
    text = "\n\n".join(["It blinks twice.", OURS.replace(", ", ",\n"), "And it smells."])
    try:
        await receiver.receive(mail(message_id_of(first, IDENTITY), text), ENVELOPE)
        await alone.receive(mail(message_id_of(first, IDENTITY), text), ENVELOPE)
    finally:
        await receiver.reader.close()
        await alone.reader.close()
    read: list[InboundMessage] = stage.bus.events(MESSAGES_RECEIVED)
    assert [message.text for message in read] == ["It blinks twice.\n\nAnd it smells.", text]
