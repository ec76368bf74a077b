"""The channels of this service: one from the `channel.py` of each folder of `networks/`."""

from importlib import import_module
from pathlib import Path

from shared.events import Channel

CHANNELS: tuple[Channel, ...] = tuple(
    import_module(f"services.social.networks.{path.parent.name}.channel").CHANNEL
    for path in sorted((Path(__file__).parent / "networks").glob("*/channel.py"))
)
CHANNEL = CHANNELS[0]
