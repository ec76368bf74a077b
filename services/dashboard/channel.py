"""Describes this channel to router and desk."""

from shared.events import Channel

CHANNEL = Channel(name="chat", label="Dashboard", icon="message-square", reaches=("chat",), tells_read=True)
