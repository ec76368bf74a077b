"""What the desk asks the router about a text that nobody sent: how it would be decided on, and why.
HTTP, because somebody waits for the answer and nothing of it is kept."""

from __future__ import annotations

from shared.events import Decision
from shared.events.base import Event
from shared.kernel import Level
from shared.security.tokens import is_recent, sign_now

TRIALS = "/api/v1/trials"
MODEL = "/api/v1/model"
LONGEST = 200_000
"""Characters of a text that is tried: more than any channel brings."""
_PURPOSE = "router-trial"


class Trial(Event, frozen=True, kw_only=True):
    """A text as if somebody had sent it, of whom nothing else is known."""

    text: str
    channel: str = "email"
    language: str = ""
    """ISO 639-1; empty: to be detected, as channels do."""
    tier: str = ""
    """The customer's plan."""
    live: bool = False
    """Somebody is waiting for the answer right now."""
    policy: str = ""
    """YAML of a policy to decide by as well; empty: only by the one in force."""


class Judgement(Event, frozen=True, kw_only=True):
    """What the urgency model says of a text."""

    model: str
    kind: str
    """As `Judged.kind`."""
    share: float
    """How probably, 0 to 1."""
    words: str
    """Those that spoke most for it."""
    complaint: float
    """How probably it complains, 0 to 1."""
    calm: bool
    """It asks nobody to hurry: thanks, a goodbye, spam or an automatic mail and nothing else."""


class Need(Event, frozen=True, kw_only=True):
    """What a text would need for a level. Signals are named as the codes of reasons are, and beside
    those: a plan as `tier.<plan>`; `wording`, all that words and model say of severities."""

    level: Level
    begins: int
    ends: int
    """Scores of the level, both included."""
    points: int
    """How many more, or (below zero) fewer; 0: this is its level."""
    adding: tuple[str, ...] = ()
    """Signals each of which, in addition and by itself, would lead to this level; the weakest
    first."""
    without: tuple[str, ...] = ()
    """Signals that counted, and without any one of which it would be this level."""


class Outcome(Event, frozen=True, kw_only=True):
    """What one policy makes of a text."""

    decision: Decision
    needs: tuple[Need, ...]
    """Every level, the most urgent first."""
    judgement: Judgement | None = None
    """None where the policy asks no model, or there is none."""


class Tried(Event, frozen=True, kw_only=True):
    """The router's answer."""

    current: Outcome
    """By the policy in force."""
    draft: Outcome | None = None
    """By the policy that came along."""
    problems: tuple[str, ...] = ()
    """What is wrong with that one, a line each."""


class ModelCard(Event, frozen=True, kw_only=True):
    """What the model was made of and how good it is, in Markdown."""

    model: str
    """Name and version; empty where it cannot be read and words alone decide."""
    text: str


def token(secret: str) -> str:
    """Returns a bearer token that lets whoever has our secret ask, for a minute."""
    return sign_now(secret, _PURPOSE)


def is_ours(secret: str, given: str) -> bool:
    """Whether somebody with our secret made this bearer token within the last minute."""
    return is_recent(secret, _PURPOSE, given)
