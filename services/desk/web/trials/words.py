"""What an admin reads of a judgement. `N_` marks what the catalogue has to translate."""

from __future__ import annotations

from services.desk.web.conversation.reasons import KINDS, SIGNALS
from services.desk.web.words import N_, Gettext, name

_KINDS = KINDS | {"other": N_("nothing it knows")}
_SIGNALS = SIGNALS | {
    "calm": N_("nothing but thanks, a goodbye or spam"),
    "wording": N_("what its words say"),
}
_PLAN = "tier."


def kind(code: str, _: Gettext) -> str:
    """Describes what a message sounds like."""
    return name(_KINDS, code, _)


def signal(code: str, _: Gettext) -> str:
    """Describes a signal of `Need`, by its code."""
    if code.startswith(_PLAN):
        return _("the %(plan)s plan", plan=code.removeprefix(_PLAN))
    return name(_SIGNALS, code.removeprefix("severity."), _)
