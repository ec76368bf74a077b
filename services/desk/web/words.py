"""The desk's terms in the agent's words. `N_` marks what the catalogue has to translate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil

import phonenumbers

from services.desk.tickets.views import EventView, ReasonView
from shared.errors import Rejected
from shared.events import Reason

Gettext = Callable[..., str]


def N_(text: str) -> str:  # noqa: N802 - the name by which every extractor knows it
    """Mark for translation; translated where it is shown."""
    return text


LEVELS = {"urgent": N_("Urgent"), "high": N_("High"), "normal": N_("Normal"), "low": N_("Low")}
STATUSES = {
    "open": N_("Open"),
    "pending": N_("Waiting for the customer"),
    "solved": N_("Solved"),
    "closed": N_("Closed"),
}
SHORT_STATUSES = {"open": N_("Open"), "pending": N_("Pending"), "solved": N_("Solved"), "closed": N_("Closed")}
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
    "customer": N_("The customer said so"),
    "survey": N_("Answered our survey"),
    "phone": N_("Said so on the phone"),
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
    "stale": N_("Something arrived that you had not seen. Read it, then send again."),
    "overtaken": N_("A colleague wrote here since you began. Read it, then change your text or send it anyway."),
    "too-long-here": N_("This is longer than the channel takes. Make it shorter, then send it again."),
    "channel-off": N_("This channel is switched off. Choose another one."),
    "unreachable": N_("We do not know where to reach this person on this channel. Choose another one."),
    "not-summoned": N_("This person did not mention us, so X does not let us answer. Choose another channel."),
    "opted-out": N_("This person asked not to be written to here. Choose another channel."),
    "copy-address": N_("This is not an e-mail address. Write them as ann@example.org, with commas between them."),
    "copy-opted-out": N_("Somebody in Cc or Bcc asked not to be written to. Leave them out."),
    "copies": N_("A reply on this channel goes to one person. Leave out Cc and Bcc."),
    "copies-many": N_("A reply has at most 48 addresses in Cc and Bcc."),
    "key-reused": N_("This was sent already. Look at the conversation before you send it again."),
    "sign-in-failed": N_("Email or password is not right."),
    "too-many-tries": N_("Too many tries. Wait a few minutes, then try again."),
    "call-taken": N_("A colleague has this call already."),
    "call-gone": N_("This call is over, or is not offered to you any more."),
    "on-a-call": N_("You are on a call already. End it first."),
    "calling": N_("Somebody is on the telephone with this customer already, or the customer waits in line."),
    "no-phone": N_("First say under Calls at which telephone we reach you."),
    "no-number": N_("We do not know a number of this customer. Ask for it first."),
    "number": N_("Write the number with its country, like +33 6 12 34 56 78."),
    "no-ticket-yet": N_("The conversation of this call is on its way. Your notes are kept: try again in a moment."),
    "call-instead": N_("Nothing can be written by phone. Press Call, or choose another channel."),
    "admin": N_("Only an admin can do this. Ask one of them."),
    "replayed": N_("This was replayed already. Look at it again before you repeat that."),
    "no-way-back": N_("This has no way back to its topic."),
    "no-such-letter": N_("There is no such dead letter, or it is not kept any more."),
    "search-filter": N_("A filter in this search has a value that it does not take. “What a search finds” lists them."),
    "busy": N_("Too much is asked at this moment. Nothing was done. Try again."),
    "too-slow": N_("This took too long and was stopped. Nothing was done. Ask for less, or try again."),
    "password": N_("Take at least 10 characters."),
    "common-password": N_("This password is among the first that anybody would try. Choose another."),
    "password-wrong": N_("This is not your password."),
    "code": N_("This code is not right. Look at the app again, and at the clock of its telephone."),
    "sign-in-again": N_("That took too long. Sign in again."),
    "link-over": N_("This link was used, or is too old. Ask an admin for a new one."),
    "joined": N_("This person has an account already. Make a link for a new password instead."),
    "last-admin": N_("This is the only admin. Make somebody else one first."),
    "no-such-session": N_("This session is over already."),
    "email": N_("Type an email address, like sam@example.org."),
    "disabled": N_("This person is disabled. Enable them first."),
    "no-second-step": N_("Turn the second step on first."),
    "no-such-agent": N_("There is nobody like this any more."),
    "no-such-call": N_("There is no such call any more."),
}
"""What the desk refuses, by its code."""
PERSON_STATES = {"active": N_("Active"), "invited": N_("Invited"), "disabled": N_("Disabled")}
AUDIT = {
    "sign-in": N_("Signed in"),
    "sign-in.refused": N_("Sign-in refused"),
    "sign-out": N_("Signed out"),
    "access.refused": N_("Was not allowed"),
    "session.ended": N_("Ended sessions"),
    "sessions.read": N_("Looked at sessions"),
    "person.invited": N_("Invited"),
    "person.created": N_("Made an account"),
    "person.joined": N_("Joined"),
    "person.disabled": N_("Disabled"),
    "person.enabled": N_("Enabled"),
    "person.role": N_("Changed the role"),
    "person.changed": N_("Changed telephone or skills"),
    "password.link": N_("Made a link for a new password"),
    "password.reset": N_("Set a new password by link"),
    "password.changed": N_("Changed the password"),
    "two-step.on": N_("Turned the second step on"),
    "two-step.off": N_("Turned the second step off"),
    "two-step.codes": N_("Made new recovery codes"),
    "token.created": N_("Made an API token"),
    "token.revoked": N_("Revoked an API token"),
    "display.created": N_("Made a display link"),
    "display.revoked": N_("Revoked a display link"),
    "message.read": N_("Downloaded an original or a file"),
    "letter.read": N_("Read a dead letter"),
    "letter.replayed": N_("Replayed a dead letter"),
    "audit.read": N_("Read the audit log"),
}
AUDIT_GROUPS = {
    "sign-in": N_("Signing in"),
    "sign-in.refused": N_("Sign-in refused"),
    "access": N_("Was not allowed"),
    "sign-out": N_("Signed out"),
    "session": N_("Ended sessions"),
    "sessions": N_("Looked at sessions"),
    "person": N_("People"),
    "password": N_("Passwords"),
    "two-step": N_("Second step"),
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
FAILED = N_("That did not work. Nothing was changed. Try again.")
ERRORS = {
    400: N_("The desk did not understand this. Go back and try again."),
    403: N_("You are not allowed to do this. Ask an admin."),
    404: N_("Nothing is at this address. It may be misspelled, or what was here is gone."),
    405: N_("Nothing can be done this way at this address. Go back and use its buttons."),
    413: N_("This is more than the desk takes in at once. Send less."),
    422: N_("The desk did not understand this. Go back and try again."),
    500: N_("Something went wrong on our side. It has been logged."),
    503: N_("Something the desk needs is away for a moment. Nothing was done. Try again."),
}
"""What a browser is told that no page answers, by HTTP status."""
PREFERS_OTHER = N_("Prefers: %(channel)s")
DUE = {True: N_("Overdue %(time)s"), False: N_("Due in %(time)s")}
"""Whether an answer is late."""
DELIVERIES = {
    "requested": N_("Sending"),
    "sent": N_("Sent"),
    "delayed": N_("Delayed on its way, still tried"),
    "delivered": N_("Delivered"),
    "failed": N_("Not delivered"),
    "uncertain": N_("May not have been sent"),
}
UNDELIVERED = {"failed": N_("Reply not delivered"), "uncertain": N_("Reply may not have arrived")}
AUTOMATIC = {
    "reply": N_("Automatic reply"),
    "bounce": N_("Returned mail"),
    "list": N_("Mailing list"),
    "files": N_("Came later"),
}
RULES = {
    "token": N_("Our own signed token, in the reply address or the Message-ID"),
    "root": N_("The thread's first mail"),
    "conversation": N_("The channel's own conversation"),
    "open-ticket": N_("An open ticket of the same person"),
    "new": N_("Nothing matched: a new conversation"),
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
    "unavailable.opted-out": N_("does not want to be reached at %(address)s"),
    "unavailable.not-summoned": N_("by %(channel)s only those who mentioned or quoted us may be answered"),
    "unavailable.closed": N_("closed now, open again: %(opens)s"),
    "unavailable.off": N_("switched off: %(channel)s"),
    "unavailable.missing": N_("not set up yet: %(channel)s"),
    "unavailable.answers-only": N_("only answers are possible by: %(channel)s"),
    "unavailable.unknown-address": N_("we do not know yet where to reach them by: %(channel)s"),
    "call.prefers-phone": N_("prefers the phone, so it counts as waiting %(minutes)s minutes longer"),
    "ask.nothing-known": N_("Ask them once which channel they prefer: nothing is known of it yet"),
    "ask.weak": N_("Ask them once which channel they prefer: only weak signs of it (%(sure)s%%)"),
    "call.dropped-skill": N_("after %(minutes)s min also offered to agents without: %(skill)s"),
    "call.no-skill": N_("nobody on duty has all skills for it: %(skills)s"),
    "group": N_("as urgent as #%(number)s, which is about the same"),
    "team.rule": N_("team %(team)s, by the rule “%(rule)s”"),
    "skill.rule": N_("skills %(skills)s, by the rule “%(rule)s”"),
    "team.default": N_("%(team)s takes what no rule sends elsewhere"),
}
_OWN = ("ask", "call.dropped-skill", "unavailable.opted-out")
"""Reasons, or kinds of them, that are said in our words in English too."""
_WIDENED = N_("After %(minutes)s min without an answer also for agents without: %(skill)s")
_OVERFLOWED = N_("After %(minutes)s min without an answer this went from %(before)s to %(team)s")
_REOPENED = N_("Reopened by a new message")
_NOT_DELIVERED = N_("Reopened: an answer was not delivered")


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
    number = point.removeprefix("tel:")
    if not number.startswith("+"):
        return ""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def closed(channel: str, point: str, _: Gettext) -> str:
    """Why nothing is sent to this contact point any more."""
    return _("%(channel)s is closed: %(who)s asked for no messages there.", channel=channel, who=address(point))


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
            line = _("Back in the queue: %(who)s cannot sign in any more", who=data["disabled"])
        case "ticket.assigned" if not data.get("assignee"):
            line = _("%(who)s put this back into the queue", who=actor)
        case "ticket.assigned" if data["assignee"] == change.actor:
            line = _("%(who)s took this", who=actor)
        case "ticket.assigned":
            assignee = agents.get(data["assignee"], data["assignee"])
            line = _("%(who)s assigned this to %(assignee)s", who=actor, assignee=assignee)
    return line


def _minutes(data: Mapping[str, str]) -> str:
    after = data.get("after", "")
    return f"{int(after) / 60:.0f}" if after.isdecimal() else "?"
