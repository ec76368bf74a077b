"""What a draft would change, told in few numbers and without a customer's word. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import structs

from services.router.domain.policy import Policy
from services.router.domain.replay import Change, Comparison, Recorded, again, summary
from shared.policies import PolicyExample, PolicyMove, PolicyPreview

SHOWN = 10
"""Examples in a preview, of different tickets."""
_MOVED = ("level", "team", "channel")
_MOST_MOVES = 20


def as_now(recorded: Recorded, policy: Policy) -> Recorded:
    """Returns the record as the policy in force would decide on it now, so that a draft is not held
    against policies that were in force earlier in the week."""
    decision = again(recorded, policy, recorded.channels[0])
    return structs.replace(recorded, routed=structs.replace(recorded.routed, decision=decision))


def add(total: Comparison, part: Comparison) -> None:
    """Adds what a part of the messages showed."""
    total.messages += part.messages
    total.changed.update(part.changed)
    total.changes += part.changes


def preview(
    found: Comparison, tickets: Mapping[str, str], *, since: datetime, until: datetime, base: int, of: int
) -> PolicyPreview:
    """Returns what there is to tell. tickets: by message, as they were recorded; base: version of
    the policy in force; of: messages of the period, also those that were not decided on again."""
    return PolicyPreview(
        since=since,
        until=until,
        base=base,
        messages=found.messages,
        of=max(of, found.messages),
        changed=len(found.changes),
        fields=dict(found.changed.most_common()),
        moves=_moves(found.changes),
        examples=_examples(found.changes, tickets),
    )


def _moves(changes: Sequence[Change]) -> tuple[PolicyMove, ...]:
    counted: Counter[tuple[str, str, str]] = Counter()
    for change in changes:
        before, after = summary(change.recorded.routed.decision), summary(change.after)
        counted.update((name, str(before[name]), str(after[name])) for name in _MOVED if name in change.fields)
    return tuple(
        PolicyMove(field=name, before=before, after=after, messages=count)
        for (name, before, after), count in counted.most_common(_MOST_MOVES)
    )


def _examples(changes: Sequence[Change], tickets: Mapping[str, str]) -> tuple[PolicyExample, ...]:
    found: dict[str, PolicyExample] = {}
    for change in sorted(changes, key=lambda change: (-change.size, change.recorded.at)):
        before, after = summary(change.recorded.routed.decision), summary(change.after)
        ticket = tickets[change.recorded.routed.message.id]
        if ticket not in found:
            found[ticket] = PolicyExample(
                ticket_id=ticket,
                fields=change.fields,
                before={name: _told(before[name]) for name in change.fields},
                after={name: _told(after[name]) for name in change.fields},
            )
        if len(found) == SHOWN:
            break
    return tuple(found.values())


def _told(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else "" if value is None else str(value)
