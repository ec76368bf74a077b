"""Describes this channel to router and desk."""

from shared.events import Channel, Wording

CHANNEL = Channel(
    name="chat",
    label="Dashboard",
    icon="message-square",
    reaches=("chat",),
    tells_read=True,
    wording=Wording(sent="Sent by chat", received="Received by chat", to="To %(who)s, by chat", prefers="Prefers chat"),
)
