"""How this channel describes itself. Whether it is on depends on credentials: `app` announces it with `enabled` set."""

from shared.events import Channel

CHANNEL = Channel(name="x", label="X", icon="at-sign", reaches=("x",), public=True)
