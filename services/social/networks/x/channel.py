"""How X describes itself to router and desk."""

from shared.events import Channel

CHANNEL = Channel(name="x", label="X", icon="at-sign", reaches=("x",), public=True)
