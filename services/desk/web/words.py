"""The desk's terms in the agent's words. `N_` marks what the catalogue has to translate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil

from services.desk.tickets.schemas import ReasonView
from services.desk.timeline import EventView
from shared.errors import Rejected
from shared.events import Reason
from shared.phone_numbers import shown

Gettext = Callable[..., str]


def N_(text: str) -> str:  # noqa: N802 - the name by which every extractor knows it
    """Mark for translation; translated where it is shown."""
    return text


LEVELS = {"urgent": N_("Urgent"), "high": N_("High"), "normal": N_("Normal"), "low": N_("Low")}
STATUSES = {"open": N_("Open"), "pending": N_("Pending"), "solved": N_("Solved"), "closed": N_("Closed")}
CHANNELS = {
    "email": N_("Email"),
    "chat": N_("Chat"),
    "phone": N_("Phone"),
    "sms": N_("Text message"),
    "whatsapp": N_("WhatsApp"),
    "social": N_("Social"),
    "x": N_("X"),
}
KINDS = {"email": N_("Email"), "tel": N_("Phone"), "chat": N_("Chat"), "whatsapp": N_("WhatsApp"), "x": N_("X")}
"""Contact points, by kind."""
FACTS = {"Account": N_("Account")}
"""What channels tell of a customer; what a customer's site tells is shown as it is written."""
SOURCES = {
    "customer": N_("Stated by the customer"),
    "survey": N_("From a survey"),
    "phone": N_("Stated on the phone"),
    "agent": N_("Set by an agent"),
}
PREFERS = {
    "email": N_("Prefers email"),
    "chat": N_("Prefers chat"),
    "phone": N_("Prefers phone"),
    "sms": N_("Prefers text messages"),
}
SENT = {
    "email": N_("Sent by email"),
    "chat": N_("Sent by chat"),
    "phone": N_("Called"),
    "sms": N_("Sent as a text message"),
}
RECEIVED = {
    "email": N_("Received by email"),
    "chat": N_("Received by chat"),
    "phone": N_("Call"),
    "sms": N_("Received as a text message"),
}
TO = {
    "email": N_("To %(who)s, by email"),
    "chat": N_("To %(who)s, by chat"),
    "phone": N_("To %(who)s, by phone"),
    "sms": N_("To %(who)s, by text message"),
}
TO_ALL = N_("Public reply to %(who)s on %(channel)s")
"""Where everybody will read it."""
BY_CHANNEL = {
    "sent": (SENT, N_("Sent by: %(channel)s")),
    "received": (RECEIVED, N_("Received by: %(channel)s")),
    "to": (TO, N_("To %(who)s, by: %(channel)s")),
}
"""Phrases for the channels that we know, and one for any other."""
PROBLEMS = {
    "stale": N_("A new message arrived while you were writing. Read it, then send again."),
    "overtaken": N_("A colleague added a message while you were writing. Read it, then edit yours or send it anyway."),
    "too-long-here": N_("This message is too long for the channel. Shorten it, then send it again."),
    "channel-off": N_("This channel is turned off. Choose another one."),
    "unreachable": N_("This customer has no address on this channel. Choose another one."),
    "not-summoned": N_("This person did not mention us, so X does not allow a reply. Choose another channel."),
    "opted-out": N_("This customer opted out of messages here. Choose another channel."),
    "copy-address": N_("Invalid email address. Separate addresses such as ann@example.org with commas."),
    "copy-opted-out": N_("Someone in Cc or Bcc has opted out. Remove them."),
    "copies": N_("Replies on this channel go to one person. Remove Cc and Bcc."),
    "copies-many": N_("A reply has at most 48 addresses in Cc and Bcc."),
    "key-reused": N_("This was already sent. Check the conversation before you send it again."),
    "sign-in-failed": N_("Wrong email or password."),
    "too-many-tries": N_("Too many attempts. Wait a few minutes, then try again."),
    "call-taken": N_("A colleague already took this call."),
    "call-gone": N_("This call has ended or is no longer offered to you."),
    "on-a-call": N_("You are already on a call. End it first."),
    "calling": N_("This customer is already on a call or waiting in the queue."),
    "no-phone": N_("Set your phone number under Calls first."),
    "no-number": N_("No phone number for this customer. Ask for it first."),
    "number": N_("Enter the number with its country code, such as +33 6 12 34 56 78."),
    "no-ticket-yet": N_(
        "The conversation of this call is still being created. Your notes are saved; try again in a moment."
    ),
    "call-instead": N_("You cannot write by phone. Press Call, or choose another channel."),
    "admin": N_("Only admins can do this. Ask an admin."),
    "replayed": N_("This was already replayed. Check it before you replay it again."),
    "no-way-back": N_("This record cannot be replayed to its topic."),
    "no-such-letter": N_("This dead letter does not exist or is no longer kept."),
    "search-filter": N_("A search filter has an invalid value. “Search help” lists the valid ones."),
    "busy": N_("Too many requests right now. Nothing was changed; please try again."),
    "too-slow": N_("This took too long and was stopped. Nothing was changed; narrow it down or try again."),
    "password": N_("Use at least 10 characters."),
    "common-password": N_("This password is too common. Choose another."),
    "password-wrong": N_("Wrong password."),
    "code": N_("Wrong code. Check the app, and the clock of your phone."),
    "sign-in-again": N_("Your sign-in timed out. Sign in again."),
    "link-over": N_("This link was already used or has expired. Ask an admin for a new one."),
    "joined": N_("This person already has an account. Create a password reset link instead."),
    "last-admin": N_("This is the only admin. Make someone else an admin first."),
    "no-such-session": N_("This session has already ended."),
    "email": N_("Enter an email address, such as sam@example.org."),
    "disabled": N_("This person is disabled. Enable them first."),
    "no-second-step": N_("Turn on two-step verification first."),
    "no-such-agent": N_("This person no longer exists."),
    "no-such-call": N_("This call no longer exists."),
}
"""What the desk refuses, by its code."""
PERSON_STATES = {"active": N_("Active"), "invited": N_("Invited"), "disabled": N_("Disabled")}
AUDIT = {
    "sign-in": N_("Signed in"),
    "sign-in.refused": N_("Sign-in refused"),
    "sign-out": N_("Signed out"),
    "access.refused": N_("Access denied"),
    "session.ended": N_("Ended sessions"),
    "sessions.read": N_("Viewed sessions"),
    "person.invited": N_("Invited"),
    "person.created": N_("Created an account"),
    "person.joined": N_("Joined"),
    "person.disabled": N_("Disabled"),
    "person.enabled": N_("Enabled"),
    "person.role": N_("Changed the role"),
    "person.changed": N_("Changed phone or skills"),
    "password.link": N_("Created a password reset link"),
    "password.reset": N_("Set a new password by link"),
    "password.changed": N_("Changed the password"),
    "two-step.on": N_("Turned on two-step verification"),
    "two-step.off": N_("Turned off two-step verification"),
    "two-step.codes": N_("Created new recovery codes"),
    "token.created": N_("Created an API token"),
    "token.revoked": N_("Revoked an API token"),
    "display.created": N_("Created a display link"),
    "display.revoked": N_("Revoked a display link"),
    "message.read": N_("Downloaded an original or a file"),
    "letter.read": N_("Viewed a dead letter"),
    "letter.replayed": N_("Replayed a dead letter"),
    "audit.read": N_("Viewed the audit log"),
}
AUDIT_GROUPS = {
    "sign-in": N_("Signing in"),
    "sign-in.refused": N_("Sign-in refused"),
    "access": N_("Access denied"),
    "sign-out": N_("Signed out"),
    "session": N_("Ended sessions"),
    "sessions": N_("Viewed sessions"),
    "person": N_("People"),
    "password": N_("Passwords"),
    "two-step": N_("Two-step verification"),
    "token": N_("API tokens"),
    "display": N_("Display links"),
    "message": N_("Originals and files"),
    "letter": N_("Dead letters"),
    "audit": N_("Audit log"),
}
"""What the audit log can be asked for."""
_BROWSERS = (
    ("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("Windows", "Windows"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Mac OS X", "macOS"), ("Linux", "Linux"),
)  # fmt: skip
"""What browsers say of themselves; the first that fits, for each claims to be those after it too."""
IN_A_SEARCH = ("search-filter", "busy", "too-slow")
"""Of these, what the page of a search says in the place of what it found."""
FAILED = N_("Something went wrong. Nothing was changed; please try again.")
ERRORS = {
    400: N_("Invalid request. Go back and try again."),
    403: N_("You do not have permission to do this. Ask an admin."),
    404: N_("Page not found. The address may be wrong, or the page no longer exists."),
    405: N_("This action is not available here. Go back and use the buttons."),
    413: N_("This is too large. Send less."),
    422: N_("Invalid request. Go back and try again."),
    500: N_("Something went wrong on our side. It has been logged."),
    503: N_("Temporarily unavailable. Nothing was changed; please try again."),
}
"""What a browser is told that no page answers, by HTTP status."""
PREFERS_OTHER = N_("Prefers: %(channel)s")
DUE = {True: N_("Overdue %(time)s"), False: N_("Due in %(time)s")}
"""Whether an answer is late."""
DELIVERIES = {
    "requested": N_("Sending"),
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
RULES = {
    "token": N_("Signed token in the reply address or Message-ID"),
    "root": N_("First email of the thread"),
    "conversation": N_("Same conversation on the channel"),
    "open-ticket": N_("Open ticket from the same person"),
    "new": N_("No match: new conversation"),
}
SEVERITIES = {
    "outage": N_("an outage"),
    "access": N_("no access"),
    "data-loss": N_("lost data"),
    "security": N_("a security problem"),
    "legal": N_("legal action"),
    "payment": N_("a payment"),
}
SIGNALS = SEVERITIES | {
    "live": N_("somebody waiting"),
    "complaint": N_("a complaint"),
    "reach": N_("a public audience"),
    "tier": N_("the plan"),
    "repeated": N_("writing again"),
    "bad-csat": N_("a bad rating"),
    "missed-sla": N_("a late answer before"),
}
"""What priority looks at, where it did not count."""
REJECTED = {
    "signal.absent": N_("Not the case"),
    "signal.no-words": N_("None of its words"),
    "signal.unknown": N_("Not known"),
    "channel.no-address": N_("No address known for"),
    "rule.severity": N_("Rules about other problems"),
    "rule.words": N_("Rules about other words"),
    "rule.language": N_("Rules for other languages"),
    "rule.channel": N_("Rules for other channels"),
    "rule.live": N_("Rules by whether somebody waits"),
    "rule.tier": N_("Rules for other plans"),
    "rule.recipient": N_("Rules for other mailboxes, numbers or sites"),
    "rule.fact": N_("Rules for other site data"),
    "rule.not-needed": N_("Rules with nothing more to add"),
}
"""Why something had no part in a decision, by the keys of `Decision.rejected`, in the order in which it is shown."""
SKILLS = {
    "french": N_("French"),
    "korean": N_("Korean"),
    "german": N_("German"),
    "spanish": N_("Spanish"),
    "portuguese": N_("Portuguese"),
    "italian": N_("Italian"),
    "japanese": N_("Japanese"),
    "voice": N_("telephone"),
}
"""Of the policy that comes with the router; others are shown as they are written."""
_REASONS = {
    "base": N_("a customer wrote to us"),
    "live": N_("somebody is waiting right now"),
    "severity": N_("mentions %(severity)s: “%(words)s”"),
    "complaint": N_("sounds like a complaint"),
    "reach": N_("public, up to %(people)s people may see it"),
    "tier": N_("customer on the %(tier)s plan"),
    "bad-csat": N_("was not happy last time: rated us %(rating)s of 5"),
    "missed-sla": N_("was answered too late before"),
    "repeated": N_("wrote before within %(hours)s hours, times: %(contacts)s"),
    "automatic": N_("not written by a person"),
    "preference.stated": N_("asked for it: %(channel)s (%(date)s)"),
    "preference.observed": N_("%(messages)s of %(all)s messages came by: %(channel)s"),
    "preference.observed.minutes": N_(
        "%(messages)s of %(all)s messages came by: %(channel)s; usually answered within %(minutes)s min"
    ),
    "preference.observed.hours": N_(
        "%(messages)s of %(all)s messages came by: %(channel)s; usually answered within %(hours)s h"
    ),
    "preference.age": N_("age %(age)s, given by the customer"),
    "preference.used": N_("this message came by: %(channel)s"),
    "preference.reachable": N_("can also be reached by: %(channel)s"),
    "unavailable.opted-out": N_("opted out at %(address)s"),
    "unavailable.not-summoned": N_("by %(channel)s only those who mentioned or quoted us may be answered"),
    "unavailable.closed": N_("closed now, open again: %(opens)s"),
    "unavailable.off": N_("switched off: %(channel)s"),
    "unavailable.missing": N_("not set up yet: %(channel)s"),
    "unavailable.answers-only": N_("only answers are possible by: %(channel)s"),
    "unavailable.unknown-address": N_("we do not know yet where to reach them by: %(channel)s"),
    "call.prefers-phone": N_("prefers the phone, so it counts as waiting %(minutes)s minutes longer"),
    "ask.nothing-known": N_("Ask which channel they prefer: not known yet"),
    "ask.weak": N_("Ask which channel they prefer: low confidence (%(sure)s%%)"),
    "call.dropped-skill": N_("after %(minutes)s min also offered to agents without: %(skill)s"),
    "call.no-skill": N_("nobody on duty has all skills for it: %(skills)s"),
    "group": N_("as urgent as #%(number)s, which is about the same"),
    "team.rule": N_("team %(team)s, by the rule “%(rule)s”"),
    "skill.rule": N_("skills %(skills)s, by the rule “%(rule)s”"),
    "team.default": N_("%(team)s takes what no rule sends elsewhere"),
}
_OWN = ("ask", "call.dropped-skill", "unavailable.opted-out")
"""Reasons, or kinds of them, that are said in our words in English too."""
_WIDENED = N_("After %(minutes)s min without a reply, also available to agents without: %(skill)s")
_OVERFLOWED = N_("After %(minutes)s min without a reply, moved from %(before)s to %(team)s")
_REOPENED = N_("Reopened by a new message")
_NOT_DELIVERED = N_("Reopened: a reply was not delivered")


def name(table: Mapping[str, str], code: str, _: Gettext) -> str:
    """A code in words; the code itself where it is not known here."""
    return _(table[code]) if code in table else code


def team(name: str) -> str:
    """A team as a title: `Plugin support` for `plugin-support`. A name with capitals of its own is written as it is."""
    plain = name.replace("-", " ").replace("_", " ")
    return name if name != name.lower() else plain[:1].upper() + plain[1:]


def channel(code: str, label: str, _: Gettext) -> str:
    """A channel's name: ours where we know it, else how it announced itself."""
    return _(CHANNELS[code]) if code in CHANNELS else (label or code)


def telephone(point: str) -> str:
    """`+33 1 99 00 12 34` of `tel:+33199001234`; empty where the number was withheld."""
    return shown(point.removeprefix("tel:"))


def closed(channel: str, point: str, _: Gettext) -> str:
    """Why nothing is sent to this contact point any more."""
    return _("%(channel)s unavailable: %(who)s opted out.", channel=channel, who=address(point))


def address(point: str) -> str:
    """The address in a contact point, a telephone number as people write it."""
    return telephone(point) or point.partition(":")[2] or point


def person(name: str) -> str:
    """Somebody's name; where only a number is known, that as people write it."""
    return telephone(name) if name[:1] == "+" and name[1:].isdecimal() else name


def reason(found: ReasonView | Reason, _: Gettext) -> str:
    """A routing reason. English is the router's own text; other languages have the frequent ones, by code."""
    kind = _kind(found)
    if kind not in _REASONS:
        return found.text
    template = _(_REASONS[kind])
    if template == _REASONS[kind] and not kind.startswith(_OWN):
        return found.text
    try:
        return template % _in_words(found.values, _)
    except (KeyError, ValueError):
        return found.text


def _kind(found: ReasonView | Reason) -> str:
    if found.code == "preference.observed" and "answer_seconds" in found.values:
        return f"{found.code}.{'hours' if float(found.values['answer_seconds']) > _MINUTES_UNTIL else 'minutes'}"
    return found.code if found.code in _REASONS else found.code.partition(".")[0]


_MINUTES_UNTIL = 2 * 3600.0
"""Seconds up to which a time is told in minutes."""


def _in_words(given: Mapping[str, str], _: Gettext) -> dict[str, str]:
    values = dict(given)
    for key, table in (("severity", SEVERITIES), ("channel", CHANNELS), ("skill", SKILLS)):
        if key in values:
            values[key] = name(table, values[key], _)
    if "address" in values:
        values["address"] = person(values["address"])
    if "answer_seconds" in values:
        seconds = float(values["answer_seconds"])
        values |= {"minutes": str(max(1, ceil(seconds / 60))), "hours": str(ceil(seconds / 3600))}
    if "confidence" in values:
        values["sure"] = f"{100 * float(values['confidence']):.0f}"
    return values


def browser(said: str, _: Gettext) -> str:
    """`Firefox, Linux` of what a browser says that it is."""
    parts = [next((name for sign, name in table if sign in said), "") for table in (_BROWSERS, _SYSTEMS)]
    return ", ".join(part for part in parts if part) or _("Unknown browser")


def problem(error: Rejected, _: Gettext) -> str:
    """What the desk refused, and what to do about it."""
    return _(PROBLEMS[error.code]) if error.code in PROBLEMS else error.message


def event(change: EventView, agents: Mapping[str, str], _: Gettext) -> str:
    """One line about a change of a ticket; empty for what the timeline shows otherwise."""
    actor, data = agents.get(change.actor, change.actor), change.data
    line = ""
    match change.kind:
        case "ticket.reopened":
            line = _(_NOT_DELIVERED if data.get("why", "").startswith("delivery") else _REOPENED)
        case "ticket.status" if change.actor not in agents and data.get("to") == "open":
            line = _(_REOPENED)
        case "ticket.status":
            line = _("%(who)s: %(status)s", who=actor, status=name(STATUSES, data.get("to", ""), _))
        case "ticket.widened":
            skill = name(SKILLS, data.get("skill", ""), _)
            line = _(_WIDENED, minutes=_minutes(data), skill=skill)
        case "ticket.overflowed":
            line = _(
                _OVERFLOWED, minutes=_minutes(data), before=team(data.get("from", "")), team=team(data.get("team", ""))
            )
        case "ticket.assigned" if data.get("disabled"):
            line = _("Unassigned: %(who)s was disabled", who=data["disabled"])
        case "ticket.assigned" if not data.get("assignee"):
            line = _("%(who)s unassigned this", who=actor)
        case "ticket.assigned" if data["assignee"] == change.actor:
            line = _("%(who)s assigned this to themselves", who=actor)
        case "ticket.assigned":
            assignee = agents.get(data["assignee"], data["assignee"])
            line = _("%(who)s assigned this to %(assignee)s", who=actor, assignee=assignee)
    return line


def _minutes(data: Mapping[str, str]) -> str:
    after = data.get("after", "")
    return f"{int(after) / 60:.0f}" if after.isdecimal() else "?"
