"""What admins read of mailboxes. `N_` marks what the catalogue has to translate."""

from __future__ import annotations

from services.desk.web.words import N_

STATES = {
    "setup": N_("Not set up yet"),
    "off": N_("Turned off"),
    "new": N_("Starting"),
    "connecting": N_("Starting"),
    "ok": N_("Up to date"),
    "reading": N_("Catching up"),
    "late": N_("Up to date, but some emails are tried again later"),
    "sign-in": N_("Sign-in needed"),
    "refused": N_("Sign-in refused"),
    "unreachable": N_("Server unreachable"),
    "busy": N_("The server asks to wait"),
    "no-folder": N_("A folder is missing"),
    "broken": N_("The server gives invalid answers"),
}
TO_DO = {
    "sign-in": N_("Someone has to sign in as this mailbox. Reading then continues where it stopped."),
    "refused": N_("The user name or password is wrong, or IMAP is turned off at the provider. Check both."),
    "unreachable": N_("Check server name, port and encryption. It is tried again within 5 minutes; nothing is lost."),
    "busy": N_("Too many connections, a quota or maintenance. It is tried again within half an hour; nothing is lost."),
    "no-folder": N_("Test the connection to see which folders there are, then choose again."),
    "broken": N_("This server does not follow the IMAP standard. Ask the provider; the exact words are below."),
    "late": N_("The server does not hand out, mark or move them. New emails keep arriving."),
}
"""What an admin does about it, by the same codes."""
CHIPS = {"ok": "ok", "reading": "normal", "late": "high"}
"""The colour of a state: those that are not here are bad news, or none."""
QUIET = frozenset({"setup", "off", "new", "connecting"})
SIGN_INS = {"password": N_("With a password"), "google": N_("At Google"), "microsoft": N_("At Microsoft")}
SECURITY = {"tls": N_("TLS (port 993)"), "starttls": N_("STARTTLS (port 143)"), "none": N_("None, this machine only")}
AFTER = {
    "leave": N_("Leave it unchanged"),
    "seen": N_("Mark it as read"),
    "move": N_("Move it to another folder"),
}


def chip(state: str) -> str:
    """Returns the class of a state's chip."""
    return "" if state in QUIET else CHIPS.get(state, "late")
