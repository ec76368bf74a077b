"""What agents read in a conversation and of its customer. `N_` marks what the catalogue has to
translate."""

from __future__ import annotations

from collections.abc import Mapping

from services.desk.actors import DESK
from services.desk.timeline import EventView
from services.desk.web.conversation.reasons import KINDS, SKILLS
from services.desk.web.words import LEVELS, N_, STATUSES, Gettext, address, name, team
from shared.events.desk import (
    AutoReplied,
    TicketAssigned,
    TicketOffered,
    TicketOverflowed,
    TicketPrioritised,
    TicketReopened,
    TicketStatusChanged,
    TicketWidened,
)

FACTS = {"Account": N_("Account")}
"""What channels tell of a customer; what a customer's site tells is shown as it is written."""
SOURCES = {
    "customer": N_("Stated by the customer"),
    "survey": N_("From a survey"),
    "phone": N_("Stated on the phone"),
    "agent": N_("Set by an agent"),
}
DELIVERIES = {
    "requested": N_("Sending"),
    "deferred": N_("Not sent yet, retrying"),
    "sent": N_("Sent"),
    "delayed": N_("Delayed, retrying"),
    "delivered": N_("Delivered"),
    "failed": N_("Not delivered"),
    "uncertain": N_("May not have been sent"),
}
UNDELIVERED = {"failed": N_("Reply not delivered"), "uncertain": N_("Reply may not have arrived")}
AUTOMATIC = {
    "reply": N_("Automatic reply"),
    "bounce": N_("Bounced email"),
    "list": N_("Mailing list"),
    "files": N_("Added later"),
}
SIGNATURES = {
    "intact": N_("Signed, signer not proven"),
    "other": N_("Signed by another address"),
    "broken": N_("Changed after it was signed"),
    "unchecked": N_("Signed, not checked"),
    "pgp": N_("Signed with PGP, not checked"),
    "encrypted": N_("Encrypted: open the original"),
}
"""By what `services/email/domain/seals.py` tells."""
SENDERS = {
    "signed": N_("Signed by %(domain)s"),
    "sent": N_("Sent by a server of %(domain)s"),
    "vouched": N_("Changed by the mailing list of %(domain)s, which vouches for the sender"),
    "unproven": N_("Nothing proves that it comes from %(domain)s"),
    "unknown": N_("Could not be checked whether it comes from %(domain)s"),
    "forged": N_("Claims to come from %(domain)s, but that domain says it does not"),
}
"""By `services/email/domain/authentication.py`."""
WHY_UNDELIVERED = {
    "no-such-address": N_("this address does not exist"),
    "no-such-domain": N_("nobody takes mail under this domain"),
    "closed": N_("the mailbox is closed"),
    "full": N_("the mailbox is full"),
    "too-large": N_("the mail is too large"),
    "unreachable": N_("their mail server does not answer"),
    "spam": N_("it was taken for spam"),
    "blocked": N_("their server refuses our server"),
    "unproven": N_("our domain could not be proven (SPF, DKIM, DMARC)"),
    "content": N_("a file or a part of it is not let in"),
    "refused": N_("their rules refuse it"),
    "later": N_("their server asks for patience"),
    "loop": N_("it runs in a circle"),
    "challenge": N_("they ask the sender to confirm"),
    "system": N_("their mail system has a fault"),
    "suppressed-hard-bounce": N_("earlier mail to this address came back"),
    "suppressed-complaint": N_("they reported earlier mail as spam"),
    "suppressed-by-hand": N_("this address is on the list of suppressed addresses"),
}
"""By `services/email/domain/reasons.py` and `suppression.py`."""
AUTOREPLIES = {
    "sent": N_("Automatic reply sent"),
    "closed": N_("Automatic reply sent: outside opening hours"),
    "ours": N_("No automatic reply: this is one of our own mailboxes"),
    "doubt": N_("No automatic reply: the sender may be somebody else"),
    "spam": N_("No automatic reply: this looks like spam"),
    "automatic": N_("No automatic reply: this looks like an automatic message"),
    "old": N_("No automatic reply: the message is more than a day old"),
    "opted-out": N_("No automatic reply: the customer opted out"),
    "undelivered": N_("No automatic reply: the last message to this address did not arrive"),
    "echo": N_("No automatic reply: one went to this address shortly before, or about the same subject"),
    "often": N_("No automatic reply: this address got two within three hours"),
    "unanswered": N_("No automatic reply: one went to this address within a day, and nobody has answered since"),
    "no-text": N_("No automatic reply: there is no text in a language that fits"),
    "paused": N_("No automatic reply: too many went out within a minute, and an admin has to resume them"),
}
_LATER, _OTHERWISE = N_("Send it again later, or reach them another way."), N_("Reach them another way.")
_SMALLER = N_("Send it again with smaller files, or with none.")
_ADDRESS = N_("Check the address with the customer.")
_OPERATOR = N_("Tell whoever runs Switchboard: it concerns more mails than this one.")
WHAT_TO_DO = {
    **dict.fromkeys(("no-such-address", "no-such-domain"), _ADDRESS),
    **dict.fromkeys(("full", "unreachable", "later", "system"), _LATER),
    **dict.fromkeys(("closed", "refused", "challenge"), _OTHERWISE),
    **dict.fromkeys(("too-large", "content"), _SMALLER),
    **dict.fromkeys(("blocked", "unproven", "loop"), _OPERATOR),
    "spam": N_("Word it otherwise, without links and files."),
    "suppressed-hard-bounce": N_(
        "Check the address with the customer, or have it taken off the list of suppressed addresses."
    ),
    **dict.fromkeys(
        ("suppressed-complaint", "suppressed-by-hand"),
        N_("Reach them another way, or have the address taken off the list of suppressed addresses."),
    ),
}
"""After a reply that did not arrive, by the same reasons."""
OFFERS = {
    "offered": N_("Offered to %(who)s"),
    "declined": N_("%(who)s declined"),
    "missed": N_("%(who)s did not answer in time"),
}
ASSIGNED = {
    "pushed": N_("Assigned to %(who)s automatically"),
    "accepted": N_("%(who)s accepted this"),
    "away": N_("Back in the queue: its agent is away"),
    "off-hours": N_("Back in the queue: its agent’s working hours are over"),
    "service-level": N_("Moved to %(team)s by its service level"),
}
"""What the desk does by itself, by `TicketAssigned.why`."""
_WIDENED = N_("After %(minutes)s min without a reply, also available to agents without: %(skill)s")
_OVERFLOWED = N_("After %(minutes)s min without a reply, moved from %(before)s to %(team)s")
_REOPENED = N_("Reopened by a new message")
_NOT_DELIVERED = N_("Reopened: a reply was not delivered")


def sender(facts: Mapping[str, str], _: Gettext) -> str:
    """Says who stands behind a mail's From; empty where nobody looked, or it names no domain."""
    known = SENDERS.get(facts.get("sender", ""), "")
    domain = facts.get("sender_domain", "")
    return _(known, domain=domain) if known and domain else ""


def closed(channel: str, point: str, _: Gettext) -> str:
    """Explains why nothing is sent to this contact point any more."""
    return _("%(channel)s unavailable: %(who)s opted out.", channel=channel, who=address(point))


def event(change: EventView, agents: Mapping[str, str], _: Gettext) -> str:
    """Describes a change of a ticket in one line; empty for what the timeline shows otherwise."""
    actor = agents.get(change.actor, change.actor)
    line = ""
    match change.change:
        case TicketReopened(why=why):
            line = _(_NOT_DELIVERED if why.startswith("delivery") else _REOPENED)
        case TicketStatusChanged(to="open") if change.actor not in agents:
            line = _(_REOPENED)
        case TicketStatusChanged(to=status):
            line = _("%(who)s: %(status)s", who=actor, status=name(STATUSES, status, _))
        case TicketWidened(skill=skill, after=after):
            line = _(_WIDENED, minutes=_minutes(after), skill=name(SKILLS, skill, _))
        case TicketOverflowed(before=before, team=to, after=after):
            line = _(_OVERFLOWED, minutes=_minutes(after), before=team(before), team=team(to))
        case TicketOffered() | TicketAssigned():
            line = _assigned(change, agents, _)
    return line


def _assigned(change: EventView, agents: Mapping[str, str], _: Gettext) -> str:  # noqa: PLR0911 - a case each
    """Describes who was given or offered a ticket, by whom."""
    actor = agents.get(change.actor, change.actor)
    match change.change:
        case TicketAssigned(disabled=str(gone)) if gone:
            return _("Unassigned: %(who)s was disabled", who=gone)
        case TicketOffered(state=state, agent=agent) if state in OFFERS:
            return _(OFFERS[state], who=agents.get(agent, agent))
        case TicketAssigned(why=str(why), assignee=assignee, team=to) if why in ASSIGNED:
            return _(ASSIGNED[why], who=agents.get(assignee or "", assignee or ""), team=team(to or ""))
        case TicketAssigned(why="released", had=had):
            return _("%(who)s put all work of %(had)s back into the queues", who=actor, had=agents.get(had or "", had))
        case TicketAssigned(assignee=assignee, team=str(to)) if to and not assignee:
            return _("%(who)s moved this to %(team)s", who=actor, team=team(to))
        case TicketAssigned(assignee=assignee, had=had) if had and had == change.actor and not assignee:
            return _("%(who)s gave this back to the queue", who=actor)
        case TicketAssigned(assignee=assignee) if not assignee:
            return _("%(who)s unassigned this", who=actor)
        case TicketAssigned(assignee=assignee) if assignee == change.actor:
            return _("%(who)s assigned this to themselves", who=actor)
        case TicketAssigned(assignee=str(assignee)):
            return _("%(who)s assigned this to %(assignee)s", who=actor, assignee=agents.get(assignee, assignee))
    return ""


def prioritised(change: EventView, agents: Mapping[str, str], _: Gettext) -> str:
    """Describes what somebody said of a ticket's priority; empty for another change."""
    said = change.change
    if not isinstance(said, TicketPrioritised):
        return ""
    actor, level = agents.get(change.actor, change.actor), name(LEVELS, said.to, _)
    if change.actor == DESK.stored:
        return _("Priority %(before)s → %(level)s automatically", before=name(LEVELS, said.before, _), level=level)
    line = (
        _("%(who)s: priority stays %(level)s", who=actor, level=level)
        if said.to == said.before
        else _("%(who)s: priority %(before)s → %(level)s", who=actor, before=name(LEVELS, said.before, _), level=level)
    )
    return f"{line} ({_('really about: %(kind)s', kind=name(KINDS, said.about, _))})" if said.about else line


def autoreplied(change: EventView, _: Gettext) -> str:
    """Says whether a customer was answered automatically, and why not; empty for another change."""
    said = change.change
    return name(AUTOREPLIES, "closed" if said.closed else said.why, _) if isinstance(said, AutoReplied) else ""


def _minutes(after: str) -> str:
    return f"{int(after) / 60:.0f}" if after.isdecimal() else "?"
