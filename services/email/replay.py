"""Read mails again that were set aside, once a newer version can read them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from services.email.domain.incoming import Envelope
from services.email.importing import MailImporter
from services.email.receiving import SOURCE, Receiver
from shared.bus import Bus, Consumer, Record
from shared.bus.client import options, shown
from shared.clock import utc_now
from shared.errors import Malformed, Unavailable
from shared.events import UnreadableMail
from shared.events.codec import MalformedEvent, decode
from shared.storage import Storage
from shared.topics import DEAD_LETTERS, MAILS_REPLAYED

_WAIT_MS = 5_000
"""For one record whose offset is known; a broker that is there answers in milliseconds."""


async def replay(reference: str, servers: str, storage: Storage, receiver: Receiver, importer: MailImporter) -> str:
    """Replays a mail. `reference`: an offset in `dead-letters`, or a raw mail's uri in the storage.
    Returns the event's id: that of the message itself, so that a mail which is replayed twice is
    one message; empty for a mail that is not a message.

    Raises Malformed where there is no such mail or it still cannot be read, Unavailable where Kafka
    or storage is away.
    """
    mail = await _dead_letter(servers, int(reference)) if reference.isdigit() else _unknown_envelope(reference)
    return await _read_again(mail, storage, receiver, importer)


def replays(bus: Bus, storage: Storage, receiver: Receiver, importer: MailImporter) -> Consumer:
    """Creates the consumer of `mails-replayed`, the mails that an admin replays. What still
    cannot be read is dead-lettered again."""

    async def take(records: Sequence[Record[UnreadableMail]]) -> None:
        for record in records:
            try:
                await _read_again(record.event, storage, receiver, importer)
            except Unavailable as error:  # such as a raw mail that is gone: the others do not wait for it
                raise Malformed(f"not now, replay it later: {error}") from error

    return bus.consumer([MAILS_REPLAYED], "email-replays", take, max_records=10)


async def _read_again(mail: UnreadableMail, storage: Storage, receiver: Receiver, importer: MailImporter) -> str:
    raw = await storage.get(mail.raw_uri)
    if mail.imported:
        return await importer.again(mail, raw)
    envelope = Envelope(
        mail.sender,
        mail.recipients,
        junk=mail.junk,
        cut=mail.cut,
        client=mail.client,
        helo=mail.helo,
        by_others=mail.by_others,
    )
    return await receiver.publish(raw, envelope, mail.raw_uri, mail.received_at)


def _unknown_envelope(raw_uri: str) -> UnreadableMail:
    """Returns a mail of which only the raw form is known: its headers have to say who wrote and
    to whom."""
    now: datetime = utc_now()
    return UnreadableMail(raw_uri=raw_uri, sender=None, recipients=(), received_at=now)


async def _dead_letter(servers: str, offset: int) -> UnreadableMail:
    consumer = AIOKafkaConsumer(**options(servers), enable_auto_commit=False, isolation_level="read_committed")
    try:
        await consumer.start()
        partition = TopicPartition(DEAD_LETTERS.name, 0)
        consumer.assign([partition])
        ends = await consumer.end_offsets([partition])
        if offset >= ends[partition]:
            raise Malformed(f"`{DEAD_LETTERS.name}` has no offset {offset}; its last is {ends[partition] - 1}")
        consumer.seek(partition, offset)
        found = (await consumer.getmany(partition, timeout_ms=_WAIT_MS, max_records=1)).get(partition, [])
    except (KafkaError, OSError) as error:
        raise Unavailable(f"Kafka at {shown(servers)} does not answer: {error}") from error
    finally:
        await consumer.stop()
    record = next((record for record in found if record.offset == offset), None)
    ours = (SOURCE.encode(), MAILS_REPLAYED.name.encode())
    if record is None or dict(record.headers).get("source_topic") not in ours:
        raise Malformed(f"the dead letter at offset {offset} is not a mail that the email service set aside")
    try:
        return decode(UnreadableMail, record.value)
    except MalformedEvent as error:
        raise Malformed(f"the dead letter at offset {offset} cannot be read: {error}") from error
