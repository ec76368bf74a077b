"""How these two channels describe themselves to router and desk."""

from shared.events import Channel

CHANNEL = Channel(name="phone", label="Phone", icon="phone", reaches=("tel",), live=True)
SMS = Channel(name="sms", label="Text message", icon="smartphone", reaches=("tel",))
CHANNELS = (CHANNEL, SMS)
