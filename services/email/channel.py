"""How this channel describes itself."""

from shared.events import Channel

CHANNEL = Channel(name="email", label="Email", icon="mail", reaches=("email",))
