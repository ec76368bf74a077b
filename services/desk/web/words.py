"""The desk's terms in the agent's words. `N_` marks what the catalogue has to translate."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from shared.errors import Rejected
from shared.phone_numbers import shown

Gettext = Callable[..., str]


def N_(text: str) -> str:  # noqa: N802 - the name by which every extractor knows it
    """Marks a text for translation; it is translated where it is shown."""
    return text


LEVELS = {"urgent": N_("Urgent"), "high": N_("High"), "normal": N_("Normal"), "low": N_("Low")}
STATUSES = {"open": N_("Open"), "pending": N_("Pending"), "solved": N_("Solved"), "closed": N_("Closed")}
CHANNELS = {
    "email": N_("Email"),
    "chat": N_("Chat"),
    "phone": N_("Phone"),
    "sms": N_("Text message"),
    "whatsapp": N_("WhatsApp"),
    "x": N_("X"),
}
KINDS = {"email": N_("Email"), "tel": N_("Phone"), "chat": N_("Chat"), "whatsapp": N_("WhatsApp"), "x": N_("X")}
"""Contact points, by kind."""
TO_ALL = N_("Public reply to %(who)s on %(channel)s")
"""Where everybody will read it."""
BY_CHANNEL = {
    "sent": N_("Sent by: %(channel)s"),
    "received": N_("Received by: %(channel)s"),
    "to": N_("To %(who)s, by: %(channel)s"),
    "prefers": N_("Prefers: %(channel)s"),
}
"""Phrases for a channel that announces none of its own, by the names of `Wording`."""
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
    "report-days": N_("Choose the first and the last day."),
    "report-long": N_("A report covers at most 366 days."),
    "permission": N_("You do not have permission to do this. Ask an admin."),
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
    "autoreply-long": N_("A text has at most 5,000 characters."),
    "autoreply-variable": N_("Use only the variables {ticket}, {name}, {subject} and {opens}."),
    "autoreply-brace": N_("Use braces only for variables, such as {name|there}, and close each."),
    "autoreply-hours": N_(
        "Enter opening hours such as mon-fri 09:00-18:00; sat 10:00-13:00, a time zone such as Europe/Paris, and dates such as 2026-12-25."
    ),
    "autoreply-language": N_("This language is not one of those your customers write in (SWITCHBOARD_LANGUAGES)."),
    "autoreply-texts": N_("Write a text for open hours in the language for everyone else."),
    "notifications-quiet": N_("Enter both times, such as 20:00 and 08:00, or none."),
    "notifications-zone": N_("Enter a time zone such as Europe/Paris."),
    "notifications-mail_after": N_("Enter minutes from 1 to 1440."),
    "no-such-rule": N_("There is no automatic reply for this team."),
    "sla-name": N_("Enter a name of up to 60 characters that no other one has."),
    "sla-team": N_("One of these teams does not exist."),
    "sla-minutes": N_("Enter whole minutes, at most 86400."),
    "sla-share": N_("Enter 1 to 99 per cent, or nothing."),
    "sla-match": N_("Enter up to 50 plans of up to 60 characters each."),
    "sla-many": N_("There are at most 50."),
    "sla-calendar": N_("This calendar no longer exists."),
    "no-such-policy": N_("This policy no longer exists."),
    "no-such-calendar": N_("This calendar no longer exists."),
    "calendar-hours": N_(
        "Enter hours such as mon-fri 09:00-12:00,13:00-18:00, a time zone such as Europe/Paris, and dates such as 2026-12-25."
    ),
    "calendar-country": N_(
        "No public holidays are known for this country or region. Enter codes such as FR, or DE and BY."
    ),
    "calendar-used": N_("A policy counts the time of this calendar. Change the policy first."),
    "feed-address": N_("Enter an address that begins with https://, without a name or password."),
    "trial-too-long": N_("This text is too long. Test at most 200,000 characters."),
    "ready": N_("They are ready already."),
    "taken": N_("Somebody else has this conversation now. Look at it before you take it."),
    "no-choice": N_("Choose a person, a team or the queue."),
    "tickets": N_("Choose 1 to 100 conversations."),
    "unknown-agent": N_("This person no longer exists."),
    "offer-over": N_("This conversation is not offered to you any more."),
    "team-work": N_("Choose how the team gets its work, and a weight from 1 to 10."),
    "team": N_("A team’s name has 1 to 60 printable characters."),
    "no-such-team": N_("This team does not exist."),
    "skills": N_("Separate skills with commas, with a level from 1 to 5 if you like: billing:4, voice."),
    "languages": N_("Write codes of languages such as en or ko, separated by commas."),
    "capacity": N_("Write whole numbers from 0 to 1000."),
    "schedule": N_(
        "Write hours such as mon-fri 09:00-17:00, a time zone such as Europe/Paris, and time off such as 2026-12-24..2027-01-03."
    ),
    "not-our-address": N_(
        "Add this address to EMAIL_MAILBOXES and restart the email service first: replies leave from it."
    ),
    "there-already": N_("This mailbox is already in the list."),
    "no-such-mailbox": N_("This mailbox is no longer there."),
    "password-missing": N_("Enter the password again: it is not sent to another server or for another user."),
    "server-unknown": N_("The server could not be found by this address. Your provider’s help page names it."),
    "another-domain": N_("This domain names a server of another domain. Enter it yourself if you trust it."),
    "sign-in-sign-in": N_("Nobody was signed in. Start the sign-in again."),
    "sign-in-refused": N_("Signing in there is not set up. The email service needs the client ID of your app."),
    "sign-in-unreachable": N_("The provider’s sign-in is not reachable right now. Try again in a moment."),
    "sign-in-busy": N_("The provider’s sign-in asks to wait. Try again in a moment."),
    "folders": N_("Choose at least one folder."),
    "move-to": N_("Choose the folder that emails are moved to."),
    "day": N_("Enter a day."),
    "port": N_("Enter a port between 1 and 65535."),
    "draft-too-long": N_("This policy is too long: it has at most 100,000 characters."),
    "draft-changed": N_("This draft was changed elsewhere meanwhile. Reload the page and look at it again."),
    "second-person": N_("Another admin has to look at this draft and publish it."),
    "policy-overtaken": N_("Another version came into force meanwhile. Nothing was published; look at it first."),
    "no-such-draft": N_("This draft is no longer there: it was published or thrown away."),
    "no-such-version": N_("This version of the policy does not exist."),
}
"""What the desk refuses, by its code."""
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
DUE = {True: N_("Overdue %(time)s"), False: N_("Due in %(time)s")}
"""Whether an answer is late."""


def name(table: Mapping[str, str], code: str, _: Gettext) -> str:
    """Translates a code into words; returns the code itself if it is not known here."""
    return _(table[code]) if code in table else code


def team(name: str) -> str:
    """Formats a team as a title: `Plugin support` for `plugin-support`. A name with capitals of
    its own is left unchanged."""
    plain = name.replace("-", " ").replace("_", " ")
    return name if name != name.lower() else plain[:1].upper() + plain[1:]


def channel(code: str, label: str, _: Gettext) -> str:
    """Returns a channel's name: ours if we know it, else how it announced itself."""
    return _(CHANNELS[code]) if code in CHANNELS else (label or code)


def telephone(point: str) -> str:
    """Formats `tel:+33199001234` as `+33 1 99 00 12 34`; empty if the number was withheld."""
    return shown(point.removeprefix("tel:"))


def address(point: str) -> str:
    """Returns the address in a contact point, a telephone number as people write it."""
    return telephone(point) or point.partition(":")[2] or point


def person(name: str) -> str:
    """Returns somebody's name; if only a number is known, that as people write it."""
    return telephone(name) if name[:1] == "+" and name[1:].isdecimal() else name


def problem(error: Rejected, _: Gettext) -> str:
    """Describes what the desk refused, and what to do about it."""
    return _(PROBLEMS[error.code]) if error.code in PROBLEMS else error.message
