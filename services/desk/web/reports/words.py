"""Names of what reports count. `N_` marks what the catalogue has to translate."""

from __future__ import annotations

from services.desk.web.words import N_

PERIODS = {
    "today": N_("Today"),
    "yesterday": N_("Yesterday"),
    "7-days": N_("Last 7 days"),
    "28-days": N_("Last 28 days"),
    "90-days": N_("Last 90 days"),
    "month": N_("This month"),
    "last-month": N_("Last month"),
    "own": N_("Own dates"),
}
DIMENSIONS = {
    "channel": N_("Channel"),
    "team": N_("Team"),
    "agent": N_("Agent"),
    "language": N_("Language"),
    "tier": N_("Tier"),
}
CLOCKS = {"wall": N_("All hours"), "business": N_("Business hours")}
METRICS = {
    "new": N_("New conversations"),
    "replies": N_("Replies sent"),
    "first-reply": N_("First reply"),
    "next-reply": N_("Next reply"),
    "resolution": N_("Time to solve"),
    "reopened": N_("Reopened"),
    "due": N_("Answers due"),
    "missed": N_("Answered too late or not at all"),
    "backlog": N_("Unsolved"),
}
RHYTHMS = {
    "": N_("Never"),
    "weekly": N_("On Mondays, of the week before"),
    "monthly": N_("On the first, of the month before"),
}
MEANINGS = (
    (N_("New conversations"), N_("Opened by a customer in this period. Imported mail does not count.")),
    (N_("First reply"), N_("From the first message to the first reply or call that reached the customer.")),
    (N_("Next reply"), N_("From when the customer wrote again to the reply. More messages meanwhile do not restart it.")),
    (N_("Time to solve"), N_("From when it was opened, or reopened, until it was solved.")),
    (N_("Reopened"), N_("Share of the solved conversations that were opened again, until today.")),
    (N_("Answered in time"), N_("Share of the answers due that came in time. One still awaited counts once its time has passed.")),
    (N_("Unsolved"), N_("Open or pending at the end of the period, with their age.")),
    (N_("Callers who gave up"), N_("Share of the callers who waited and hung up before anyone spoke to them.")),
    (N_("Occupancy"), N_("Share of the time agents were ready, busy or in wrap-up in which a customer waited for them or they were busy.")),
    (N_("Median and 90th percentile"), N_("Half took no longer than the median, 90 of 100 no longer than the 90th percentile.")),
)  # fmt: skip
"""What each figure is, for people. `docs/reference/report-definitions.md` says it in full."""
