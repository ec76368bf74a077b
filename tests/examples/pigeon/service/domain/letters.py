"""A letter is a text file. Its first line names the loft it came from: `From: Trafalgar Square`."""

from __future__ import annotations

from datetime import datetime

from services.pigeon.channel import CHANNEL
from shared.errors import Malformed
from shared.events import InboundMessage, OutboundMessage, ThreadClues
from shared.kernel import address_of, contact_point, message_id


def read(name: str, raw: bytes, raw_uri: str, received_at: datetime) -> InboundMessage:
    """Makes the message of a letter. `name`: the file's, unique for each letter. Raises Malformed
    without a loft."""
    head, _, text = raw.decode("utf-8", "replace").partition("\n")
    label, _, loft = head.partition(":")
    if label.strip().lower() != "from" or not loft.strip():
        raise Malformed(f"the letter {name!r} does not say where it comes from")
    sender = contact_point("loft", loft.strip().lower())
    return InboundMessage(
        id=message_id(CHANNEL.name, name),
        channel=CHANNEL.name,
        provider_id=name,
        sender=sender,
        sender_name=loft.strip(),
        received_at=received_at,
        text=text.strip(),
        thread=ThreadClues(conversation=sender),
        raw_uri=raw_uri,
    )


def write(request: OutboundMessage) -> str:
    """Writes an answer as the letter that a pigeon carries."""
    return f"To: {address_of(request.to)}\n\n{request.text}\n"
