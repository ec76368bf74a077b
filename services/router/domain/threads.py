"""Which thread a message belongs to, by the strongest clue there is, with the evidence kept."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.router.domain.policy import Policy
from shared.events import InboundMessage, OpenTicket, Profile, ThreadMatch
from shared.kernel import thread_key, ticket_id

_NEVER = timedelta(0)


def thread(message: InboundMessage, profile: Profile | None, policy: Policy, now: datetime) -> tuple[ThreadMatch, str]:
    """Returns the thread and the id of its ticket.

    A key's ticket is the same on every run, and the profile tells which generation of it is the
    current one. The desk has the last word: it knows whether that ticket is still open and whether
    this person may write to it.
    """
    clues = message.thread
    if clues.ticket_id:
        return _token(clues.ticket_id, profile)
    earlier = _earlier(message, profile)
    if earlier and earlier != message.provider_id:
        return _keyed("root", message.channel, earlier, profile)
    if clues.conversation:
        return _keyed("conversation", message.channel, clues.conversation, profile)
    if ticket := _open_ticket(message, profile, policy, now):
        return _joined("open-ticket", ticket, f"last message {ticket.last_message_at.isoformat()}")
    return _keyed("new", message.channel, message.provider_id, profile)


def _earlier(message: InboundMessage, profile: Profile | None) -> str:
    """Returns the first message of the thread, as far as the clues show.

    Some mail programs overwrite References and keep In-Reply-To. So where the root is none that we
    know of this customer and another reference is, that one counts; the newest first, because it is
    what was answered.
    """
    clues = message.thread
    root = clues.root or (clues.references[0] if clues.references else "")
    if profile is None or len(clues.references) < 2:
        return root
    known = {ticket.thread_key for ticket in profile.open_tickets} | profile.generations.keys()
    if thread_key(message.channel, root) in known:
        return root
    return next((one for one in reversed(clues.references) if thread_key(message.channel, one) in known), root)


def _token(named: str, profile: Profile | None) -> tuple[ThreadMatch, str]:
    """Returns the ticket that our own token names, by its own key where the profile still knows
    it."""
    for ticket in profile.open_tickets if profile else ():
        if ticket.ticket_id == named:
            return _joined("token", ticket, named)
    return ThreadMatch(key=f"ticket:{named}", generation=0, rule="token", evidence=named), named


def _joined(rule: str, ticket: OpenTicket, evidence: str) -> tuple[ThreadMatch, str]:
    match = ThreadMatch(key=ticket.thread_key, generation=ticket.generation, rule=rule, evidence=evidence)
    return match, ticket.ticket_id


def _keyed(rule: str, channel: str, evidence: str, profile: Profile | None) -> tuple[ThreadMatch, str]:
    key = thread_key(channel, evidence)
    generation = profile.generations.get(key, 0) if profile else 0
    return ThreadMatch(key=key, generation=generation, rule=rule, evidence=evidence), ticket_id(key, generation)


def _open_ticket(message: InboundMessage, profile: Profile | None, policy: Policy, now: datetime) -> OpenTicket | None:
    """Returns the newest open ticket of this customer on this channel, if it was touched within
    the policy's window; None otherwise."""
    window = policy.windows.get(message.channel, _NEVER)
    candidates = [
        ticket
        for ticket in (profile.open_tickets if profile else ())
        if ticket.channel == message.channel and _NEVER <= now - ticket.last_message_at < window
    ]
    return max(candidates, key=lambda ticket: (ticket.last_message_at, ticket.ticket_id), default=None)
