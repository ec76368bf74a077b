"""The three examples of docs/explanation/how-the-router-decides.md, word for word."""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path

from services.router.domain.policy import Policy
from services.router.domain.sentences import advice
from shared.events import Channel, InboundMessage, Observed, Profile, ThreadClues
from shared.kernel import ContactPoint
from tests.unit.router.makers import ANN, ANNS_PHONE, CHAT, EMAIL, NOW, PHONE, POLICY, ann, decided, mail, under

PAGE = (Path(__file__).parents[3] / "docs/explanation/how-the-router-decides.md").read_text(encoding="utf-8")
MONDAY = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
X = Channel(name="x", label="X", icon="x", reaches=("x",), public=True, can_start=False)
CHANNELS = {"email": EMAIL, "chat": CHAT, "phone": PHONE, "x": X}
OFFICE = under(
    "  channels: {}          # such as",
    "  channels: {phone: mon-fri 09:00-18:00}  # such as",
    ("  timezone: UTC ", "  timezone: Europe/Paris "),
)


def sentence(
    message: InboundMessage, profile: Profile | None, policy: Policy, channels: dict[str, Channel]
) -> tuple[str, str]:
    """Score with level, and the sentence."""
    decision = decided(message, profile, channels, policy)
    for reason in decision.reasons:
        assert f"{reason.weight:.1f}" in PAGE, reason.text
    told = advice(message, profile, decision, policy, channels)
    quoted = textwrap.fill(
        told, 100, initial_indent="> ", subsequent_indent="> ", break_long_words=False, break_on_hyphens=False
    )
    assert f"\n{quoted}\n" in PAGE
    return f"{decision.score}, {decision.level.value}", decision.team


def test_an_older_customer_writes_in_french() -> None:
    message = mail(
        "Bonjour, notre boutique est en panne depuis ce matin. Pouvez-vous me rappeler ?",
        subject="Boutique",
        language="fr",
        thread=ThreadClues(root="<first@example.org>", references=("<first@example.org>",)),
    )
    profile = ann(
        name="Ann",
        tier="pro",
        birth_year=1955,
        contact_points=(ANN, ANNS_PHONE),
        recent_contacts=(NOW - timedelta(hours=3),),
    )
    assert sentence(message, profile, POLICY, {"email": EMAIL, "chat": CHAT}) == ("76, urgent", "technical")
    assert "**76: urgent**" in PAGE
    assert decided(message, profile, {"email": EMAIL, "chat": CHAT}).rejected == {
        "rule.severity": ("security",),
        "rule.not-needed": ("money", "invoices", "access"),
        "rule.language": ("Korean", "German", "Spanish", "Portuguese", "Italian", "Japanese"),
        "rule.channel": ("on the phone",),
        "signal.absent": ("live", "judged", "complaint", "reach", "bad-csat", "missed-sla"),
        "signal.no-words": ("security", "data-loss", "legal", "access", "payment"),
        "channel.no-address": ("chat",),
    }


def test_a_stranger_calls_about_money_in_korean() -> None:
    call = {"language": "ko", "received_at": MONDAY, "provider_id": "CA1", "thread": ThreadClues(conversation="CA1")}
    words = "환불해 주세요. 두 번 결제됐어요."
    message = mail(words, channel="phone", live=True, sender=ContactPoint("tel:+821012345678"), **call)
    score, team = sentence(message, None, OFFICE, CHANNELS)
    assert (score, team) == ("70, urgent", "billing")
    assert f"**{score}**" in PAGE
    by_mail = decided(mail(words, language="ko"))
    assert f"have {by_mail.score}, *{by_mail.level.value}*" in PAGE


def test_a_good_customer_complains_in_public() -> None:
    point = ContactPoint("x:44196397")
    message = mail(
        "Third day without an answer. My orders are missing, everything is gone. Terrible!",
        channel="x",
        public=True,
        reach=18_000,
        complaint=0.9,
        sender=point,
        sender_name="Jae",
        received_at=MONDAY,
        provider_id="179",
    )
    profile = ann(
        contact_point=point,
        tier="enterprise",
        missed_sla=True,
        contact_points=(point, ContactPoint("email:jae@example.org"), ContactPoint("chat:u7")),
        observed={
            "email": Observed(messages=12, last_at=MONDAY - timedelta(days=10), answer_seconds=30 * 3600),
            "chat": Observed(messages=10, last_at=MONDAY - timedelta(days=3), answer_seconds=90),
        },
    )
    score, team = sentence(message, profile, OFFICE, CHANNELS)
    assert (score, team) == ("88, urgent", "technical")
    assert f"**{score}**" in PAGE
