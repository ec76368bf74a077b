"""What supervisors read. `N_` marks what the catalogue has to translate."""

from __future__ import annotations

from services.desk.steering.schemas import Reason
from services.desk.web.admin.words import WHY_NOT
from services.desk.web.words import N_, Gettext, name

WHY_WAITING = {
    "nobody": N_("Nobody is in this team"),
    "pull": N_("Members take it from the queue"),
    "now": N_("Is being given now"),
    "offered": N_("Waits for an answer to the offer"),
}


def why(reason: Reason, _: Gettext) -> str:
    """Says why nobody has a conversation: `Has no room (2)`."""
    if reason.why in WHY_WAITING:
        return name(WHY_WAITING, reason.why, _)
    return f"{name(WHY_NOT, reason.why, _)} ({reason.people})"
