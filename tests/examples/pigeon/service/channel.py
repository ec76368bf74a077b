"""How this channel describes itself to router and desk."""

from shared.events import Channel

CHANNEL = Channel(name="pigeon", label="Pigeon", icon="send", reaches=("loft",))
