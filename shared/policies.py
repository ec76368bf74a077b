"""What the desk asks the router about its policy: which one is in force, what is wrong with a
draft, what it would have changed, and to publish it. HTTP, because a person waits for the answer
(decision 21)."""

from __future__ import annotations

from datetime import datetime

from shared.events.base import Event

POLICY = "/api/v1/policy"
VERSIONS = "/api/v1/policy/versions"
CHECKS = "/api/v1/policy/checks"
PREVIEWS = "/api/v1/policy/previews"
LONGEST = 100_000
"""Characters of a policy: four times the one that comes with the router."""


class PolicyVersion(Event, frozen=True, kw_only=True):
    """A version without its text. Version 0 comes with the router."""

    version: int
    published_at: datetime | None = None
    by: str = ""
    of: int | None = None
    """The version that it brought back."""


class PolicyState(Event, frozen=True, kw_only=True):
    """Which policy counts."""

    name: str
    version: int
    """In force."""
    yaml: str
    """Its text."""
    versions: tuple[PolicyVersion, ...]
    """All that were published and the one that comes with the router, the newest first."""
    trouble: str = ""
    """Why the newest version is not in force; usually empty."""


class PolicyText(Event, frozen=True, kw_only=True):
    """One version."""

    version: int
    yaml: str


class PolicyDraft(Event, frozen=True, kw_only=True):
    """A text that may become the policy."""

    yaml: str
    skills: tuple[str, ...] | None = None
    """That somebody has. Others than these and those of the policy in force are refused; None: any
    are right."""


class PolicyToPublish(PolicyDraft, frozen=True, kw_only=True):
    """A text that becomes the policy, unless another one did meanwhile."""

    base: int
    """The version that was in force when the text was begun."""
    by: str
    """Who publishes it, as the audit log has it."""
    about: dict[str, str] = {}
    """What the audit log says beside that."""
    of: int | None = None
    """The version that this brings back."""


class PolicyProblem(Event, frozen=True, kw_only=True):
    """What is wrong in a line."""

    line: int
    text: str


class PolicyChecked(Event, frozen=True, kw_only=True):
    """What is wrong with a draft: nothing, or a problem each."""

    problems: tuple[PolicyProblem, ...] = ()


class PolicyPublished(PolicyChecked, frozen=True, kw_only=True):
    """What became of a publication."""

    version: int = 0
    """Under which it is in force; 0 where there are problems."""


class PolicyMove(Event, frozen=True, kw_only=True):
    """How many messages go from one value to another."""

    field: str
    """`level`, `team` or `channel`."""
    before: str
    after: str
    messages: int


class PolicyExample(Event, frozen=True, kw_only=True):
    """A message that would be decided differently. Its words are at the desk only."""

    ticket_id: str
    fields: tuple[str, ...]
    before: dict[str, str]
    after: dict[str, str]


class PolicyPreview(Event, frozen=True, kw_only=True):
    """What a draft would have changed, compared with the policy in force."""

    since: datetime
    until: datetime
    base: int
    """The version that was in force."""
    messages: int
    """That both policies decided on, the newest first."""
    of: int
    """That came in this time: more than `messages` where there were too many, or time ran out."""
    changed: int
    fields: dict[str, int] = {}
    """In how many messages what would change."""
    moves: tuple[PolicyMove, ...] = ()
    """The most frequent first."""
    examples: tuple[PolicyExample, ...] = ()
    """What changes most first."""


class PolicyPreviewed(PolicyChecked, frozen=True, kw_only=True):
    """How far a preview is; each is a line of the answer."""

    done: int = 0
    of: int = 0
    result: PolicyPreview | None = None
    """In the last line."""
    failed: str = ""
    """Why there is no result."""
