"""Who does something, and what they may do: commands ask the actor, and whoever lets somebody in
makes one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Self

import msgspec

from shared.errors import Rejected


class Permission(StrEnum):
    """What a role or a scope allows."""

    READ = "tickets.read"
    REPLY = "tickets.reply"
    NOTE = "tickets.note"
    CHANGE_TICKETS = "tickets.change"
    CHANGE_CUSTOMERS = "customers.change"
    LABEL = "posts.label"
    TAKE_CALLS = "calls.take"
    MANAGE_AGENTS = "agents.manage"
    MANAGE_TEAMS = "teams.manage"
    MANAGE_DISPLAYS = "displays.manage"
    MANAGE_PEOPLE = "people.manage"
    MANAGE_TOKENS = "tokens.manage"
    READ_AUDIT = "audit.read"
    MANAGE_DEAD_LETTERS = "dead-letters.manage"
    READ_ROUTING = "routing.read"
    MANAGE_ROUTING = "routing.manage"
    MANAGE_AUTOREPLIES = "autoreplies.manage"
    MANAGE_SERVICE_LEVELS = "service-levels.manage"
    MANAGE_MAILBOXES = "mailboxes.manage"
    READ_REPORTS = "reports.read"
    """Figures of everybody; one's own need none."""


_READ = frozenset({Permission.READ})
_AGENT = _READ | {
    Permission.REPLY,
    Permission.NOTE,
    Permission.CHANGE_TICKETS,
    Permission.CHANGE_CUSTOMERS,
    Permission.LABEL,
    Permission.TAKE_CALLS,
}
_ALL = frozenset(Permission)

ROLES: Mapping[str, frozenset[Permission]] = MappingProxyType(
    {
        "read-only": _READ,
        "agent": _AGENT,
        "supervisor": _AGENT
        | {
            Permission.MANAGE_AGENTS,
            Permission.MANAGE_TEAMS,
            Permission.MANAGE_DISPLAYS,
            Permission.READ_ROUTING,
            Permission.READ_REPORTS,
        },
        "admin": _ALL,
    }
)
"""The roles that every desk begins with. What counts is the table `roles`."""

SCOPES: Mapping[str, frozenset[Permission]] = MappingProxyType(
    {"read": _READ, "write": _AGENT | {Permission.MANAGE_AGENTS}, "admin": _ALL}
)
"""What a scope of an API token allows."""


class Forbidden(Rejected):
    """The actor lacks this permission."""

    def __init__(self, permission: Permission) -> None:
        text = f"This needs the permission {permission.value!r}. Ask an admin for a role or a token that has it."
        super().__init__(403, "permission", text)
        self.permission = permission


class Kind(StrEnum):
    """What kind of actor."""

    AGENT = "agent"
    TOKEN = "token"  # noqa: S105 - the word
    COMMAND = "command"
    """Whoever may start processes."""
    SERVICE = "service"
    """The desk itself, or the service of a channel."""
    NOBODY = "nobody"
    """Somebody of whom nothing is known, such as who guesses a password."""


_TOKEN = "api:"  # noqa: S105 - a prefix


class Actor(msgspec.Struct, frozen=True):
    """Who does something."""

    kind: Kind
    id: str = ""
    """An agent's mail address in lower case; a token's or a service's name."""
    name: str = ""
    """For people."""
    permissions: frozenset[Permission] = frozenset()
    ip: str = ""
    """From where, for the audit log."""

    @property
    def stored(self) -> str:
        """The text that rows, topics and the audit log keep. `actor_of` reads it."""
        match self.kind:
            case Kind.TOKEN:
                return _TOKEN + self.id
            case Kind.COMMAND:
                return Kind.COMMAND.value
            case _:
                return self.id

    def may(self, permission: Permission) -> bool:
        """Whether the actor has this permission."""
        return permission in self.permissions

    def require(self, permission: Permission) -> None:
        """Raises Forbidden, a 403, where the actor lacks this permission."""
        if permission not in self.permissions:
            raise Forbidden(permission)

    def require_for(self, agent: str, permission: Permission) -> None:
        """Raises Forbidden where the actor is not this agent (a mail address) and lacks the
        permission to act on others."""
        if not self.is_agent(agent):
            self.require(permission)

    def is_agent(self, email: str) -> bool:
        """Whether this is the agent with this mail address."""
        return self.kind is Kind.AGENT and self.id == email.strip().lower()

    def acting_for(self, agent: str) -> Self:
        """Returns the agent (a mail address) in whose name a program does something, with the
        program's permissions."""
        return msgspec.structs.replace(self, kind=Kind.AGENT, id=agent.strip().lower(), name="")


DESK = Actor(Kind.SERVICE, "desk")
"""What nobody did by hand."""
COMMAND = Actor(Kind.COMMAND, permissions=_ALL)
NOBODY = Actor(Kind.NOBODY)


def actor_of(text: str) -> Actor:
    """Returns the actor that a row, a topic or the audit log names, without permissions: those
    of now are not theirs of then."""
    if not text:
        return NOBODY
    if text.startswith(_TOKEN):
        return Actor(Kind.TOKEN, text.removeprefix(_TOKEN))
    if text == Kind.COMMAND:
        return Actor(Kind.COMMAND)
    return Actor(Kind.AGENT if "@" in text else Kind.SERVICE, text)


def permissions_of(names: Iterable[str]) -> frozenset[Permission]:
    """Returns the permissions of these names. What only a newer desk knows is left out."""
    known = set(names)
    return frozenset(permission for permission in Permission if permission in known)


def scoped(scopes: Iterable[str]) -> frozenset[Permission]:
    """Returns what the scopes of an API token allow together."""
    return frozenset[Permission]().union(*(SCOPES.get(scope, ()) for scope in scopes))
