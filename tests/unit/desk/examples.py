"""Messages as the router hands them over, short to write."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from shared.events import ChannelChoice, Decision, InboundMessage, Reason, RoutedMessage, ThreadClues, ThreadMatch
from shared.kernel import ContactPoint, Level, message_id, ticket_id

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def routed(
    provider_id: str = "<1@example.org>",
    *,
    sender: str = "email:ann@example.org",
    thread: str = "email:<1@example.org>",
    generation: int = 0,
    rule: str = "new",
    level: Level = Level.NORMAL,
    score: int = 40,
    ticket: str = "",
    conversation: str = "",
    team: str = "support",
    **more: Any,
) -> RoutedMessage:
    channel = more.pop("channel", "email")
    reply_within, reply_targets = more.pop("reply_within", 0), more.pop("reply_targets", {})
    defaults: dict[str, Any] = {
        "received_at": NOON,
        "text": "My invoice is wrong.",
        "subject": "Invoice",
        "recipient": "help@shop.example",
    }
    message = InboundMessage(
        id=message_id(channel, provider_id),
        channel=channel,
        provider_id=provider_id,
        sender=ContactPoint(sender),
        thread=ThreadClues(conversation=conversation),
        **(defaults | more),
    )
    decision = Decision(
        message_id=message.id,
        ticket_id=ticket or ticket_id(thread, generation),
        thread=ThreadMatch(key=thread, generation=generation, rule=rule, evidence=provider_id),
        score=score,
        level=level,
        reasons=(Reason(code="base", text="Every message starts here", weight=float(score)),),
        channels=(ChannelChoice(channel=channel, reasons=(Reason(code="preference.used", text="They wrote here"),)),),
        team=team,
        skills=(),
        language=more.get("language", "en"),
        policy="default@1",
        reply_within=reply_within,
        reply_targets=reply_targets,
    )
    return RoutedMessage(message=message, decision=decision)
