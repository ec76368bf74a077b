"""What admins read of people, of browsers and in the audit log. `N_` marks what the catalogue has
to translate."""

from __future__ import annotations

from services.desk.web.words import N_, Gettext

PERSON_STATES = {"active": N_("Active"), "invited": N_("Invited"), "disabled": N_("Disabled")}
ROLES = {
    "read-only": N_("Read-only"),
    "agent": N_("Agent"),
    "supervisor": N_("Supervisor"),
    "admin": N_("Admin"),
}
ROLE_MEANINGS = {
    "read-only": N_("Sees conversations, customers, calls and the wallboard. Changes nothing."),
    "agent": N_("Replies to customers, writes notes, assigns and solves conversations, takes calls."),
    "supervisor": N_(
        "Like an agent. Also manages teams, colleagues’ availability and skills, and wallboard displays, and sees the routing policy."
    ),
    "admin": N_(
        "Everything. Also manages people, roles and API tokens, mailboxes, the audit log, dead letters and routing."
    ),
}
"""What each role that every desk begins with may do."""
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
    "person.changed": N_("Changed phone, skills or hours"),
    "person.called": N_("Asked somebody to come in"),
    "password.link": N_("Created a password reset link"),
    "password.reset": N_("Set a new password by link"),
    "password.changed": N_("Changed the password"),
    "two-step.on": N_("Turned on two-step verification"),
    "two-step.off": N_("Turned off two-step verification"),
    "two-step.codes": N_("Created new recovery codes"),
    "token.created": N_("Created an API token"),
    "token.revoked": N_("Revoked an API token"),
    "team.created": N_("Created a team"),
    "team.changed": N_("Changed how a team gets work"),
    "team.removed": N_("Removed a team"),
    "team.joined": N_("Joined a team"),
    "team.left": N_("Left a team"),
    "work.released": N_("Put somebody’s work back into the queues"),
    "autoreply.changed": N_("Changed automatic replies"),
    "autoreply.removed": N_("Removed a team's automatic replies"),
    "autoreply.resumed": N_("Resumed automatic replies"),
    "service-level.changed": N_("Changed a service level"),
    "service-level.moved": N_("Moved a service level"),
    "service-level.removed": N_("Removed a service level"),
    "calendar.changed": N_("Changed a calendar"),
    "calendar.removed": N_("Removed a calendar"),
    "notifications.changed": N_("Changed notification settings"),
    "display.created": N_("Created a display link"),
    "display.revoked": N_("Revoked a display link"),
    "message.read": N_("Downloaded an original or a file"),
    "letter.read": N_("Viewed a dead letter"),
    "letter.replayed": N_("Replayed a dead letter"),
    "audit.read": N_("Viewed the audit log"),
    "site.created": N_("Added a site"),
    "site.origins": N_("Changed a site's origins"),
    "site.secrets": N_("Changed a site's secrets"),
    "policy.drafted": N_("Changed a draft of the routing policy"),
    "policy.discarded": N_("Threw a draft of the routing policy away"),
    "policy.previewed": N_("Previewed a routing policy"),
    "policy.published": N_("Published a routing policy"),
    "policy.rolled-back": N_("Brought a routing policy back"),
    "model.taken": N_("Took an urgency model"),
    "model.rolled-back": N_("Rolled back the urgency model"),
    "corrections.forgotten": N_("Took a customer's words away from learning"),
    "mailbox.added": N_("Added a mailbox"),
    "mailbox.changed": N_("Changed a mailbox"),
    "mailbox.removed": N_("Removed a mailbox"),
    "mailbox.signed-in": N_("Signed in to a mailbox"),
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
    "team": N_("Teams"),
    "work": N_("Work put back"),
    "autoreply": N_("Automatic replies"),
    "service-level": N_("Service levels"),
    "calendar": N_("Calendars"),
    "notifications": N_("Notifications"),
    "display": N_("Display links"),
    "message": N_("Originals and files"),
    "letter": N_("Dead letters"),
    "audit": N_("Audit log"),
    "site": N_("Sites"),
    "policy": N_("Routing policies"),
    "model": N_("Urgency models"),
    "corrections": N_("Forgotten corrections"),
    "mailbox": N_("Mailboxes"),
}
"""What the audit log can be asked for."""
WORK = {
    "mail": N_("Email"),
    "chat": N_("Chat"),
    "text": N_("Text messages"),
    "post": N_("Social posts"),
    "voice": N_("Calls"),
}
"""Kinds of work."""
WHY_NOT = {
    "away": N_("Away"),
    "busy": N_("Busy"),
    "wrap-up": N_("After-call work"),
    "paused": N_("Does not take this kind of work now"),
    "no-phone": N_("No phone number"),
    "off-hours": N_("Outside working hours"),
    "skills": N_("Lacks a skill"),
    "language": N_("Does not speak the language"),
    "asked": N_("Let it go just now"),
    "full": N_("Has no room"),
    "ramp": N_("Became ready just now"),
}
"""Why somebody does not get a conversation."""
_BROWSERS = (
    ("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("Windows", "Windows"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Mac OS X", "macOS"), ("Linux", "Linux"),
)  # fmt: skip
"""What browsers say of themselves; the first that fits, for each claims to be those after it
too."""


def browser(said: str, _: Gettext) -> str:
    """Shortens what a browser says that it is to the form `Firefox, Linux`."""
    parts = [next((name for sign, name in table if sign in said), "") for table in (_BROWSERS, _SYSTEMS)]
    return ", ".join(part for part in parts if part) or _("Unknown browser")
