"""How a text that nobody sent would be decided on. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from services.router.domain.decide import decide, read
from services.router.domain.judging import Judgement
from services.router.domain.policy import Policy
from services.router.domain.what_if import needs
from shared import trials
from shared.events import Channel, InboundMessage
from shared.kernel import contact_point
from shared.trials import Outcome, Trial

_NOBODY = "customer"
"""What stands for provider's id and address."""


def tried(trial: Trial, language: str, policy: Policy, channels: Mapping[str, Channel], now: datetime) -> Outcome:
    """Decides on a text as on the first message of a person of whom nothing is known. `language`:
    that of the text, empty where it is not known."""
    known = channels.get(trial.channel)
    message = InboundMessage(
        id=_NOBODY,
        channel=trial.channel,
        provider_id=_NOBODY,
        sender=contact_point(known.reaches[0] if known and known.reaches else trial.channel, _NOBODY),
        received_at=now,
        text=trial.text,
        language=language,
        tier=trial.tier,
        live=trial.live,
        public=known is not None and known.public,
    )
    seen = read(message, None, policy, now)
    return Outcome(
        decision=decide(message, None, policy, channels, now),
        needs=needs(seen.seen, policy.priority),
        judgement=_told(seen.judged) if seen.judged else None,
    )


def _told(judged: Judgement) -> trials.Judgement:
    return trials.Judgement(
        model=judged.version,
        kind=judged.kind,
        share=judged.share,
        words=judged.words,
        complaint=judged.complaint,
        calm=judged.calm,
    )
