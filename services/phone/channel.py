"""Describes both channels to router and desk."""

from shared.events import Channel, Wording

CHANNEL = Channel(
    name="phone",
    label="Phone",
    icon="phone",
    reaches=("tel",),
    live=True,
    spoken=True,
    wording=Wording(sent="Called", received="Call", to="To %(who)s, by phone", prefers="Prefers phone"),
)
SMS = Channel(
    name="sms",
    label="Text message",
    icon="smartphone",
    reaches=("tel",),
    wording=Wording(
        sent="Sent as a text message",
        received="Received as a text message",
        to="To %(who)s, by text message",
        prefers="Prefers text messages",
    ),
)
CHANNELS = (CHANNEL, SMS)
WHATSAPP = Channel(
    name="whatsapp",
    label="WhatsApp",
    icon="smartphone",
    reaches=("whatsapp",),
    can_start=False,
    enabled=False,
    why_off="Switchboard reads WhatsApp but cannot answer there yet. Answer from your phone, or choose another channel",
)
"""Announced with each message that comes from there: whoever never connected WhatsApp does not hear
of it."""
