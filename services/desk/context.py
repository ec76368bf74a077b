"""What the desk's functions work with, wired once in `app.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.desk.letters.service import Letters
from services.desk.live import Live
from services.desk.people.limits import Limiter
from services.desk.settings import DeskSettings
from shared.bus import Bus, View
from shared.db import Database
from shared.events import Channel
from shared.outbox import Outbox
from shared.settings import Settings
from shared.storage import Storage

if TYPE_CHECKING:  # its figures count tickets, whose modules work with a Desk
    from services.desk.wallboard.service import Wallboard


@dataclass(frozen=True, slots=True)
class Desk:
    """One process of the desk."""

    common: Settings
    settings: DeskSettings
    database: Database
    outbox: Outbox
    bus: Bus
    storage: Storage
    channels: View[Channel]
    """Announced channels by name, enabled or not."""
    live: Live
    sign_ins: Limiter
    wallboard: Wallboard
    letters: Letters
