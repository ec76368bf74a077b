"""What admins read of learned models. `N_` marks what the catalogue has to translate."""

from __future__ import annotations

from services.desk.web.words import N_

STATES = {
    "taken": N_("Taken"),
    "waits": N_("Needs review"),
    "refused": N_("Not taken"),
    "back": N_("Rolled back"),
}
WHY = {
    "better": N_("It does better on corrections that it had not seen, and no worse in general."),
    "not-better": N_("It does not do better on corrections that it had not seen."),
    "worse-in-general": N_("It does better on corrections that it had not seen, but worse in general."),
    "large-shift": N_("It does better, but it changes so much that a person has to look first."),
    "after-roll-back": N_("It does better, but the model before was rolled back, so a person has to look first."),
    "one-agent": N_("It does better, but one agent taught more than half of it, so a person has to look first."),
    "overtaken": N_("It does better, but another model was taken while it was learned."),
    "by-hand": N_("An operator took it."),
}
