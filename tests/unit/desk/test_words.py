"""Whatever the router can give as a reason, an agent reads it in English, French and Korean."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

import services.router.domain.teams as teams_module
from services.desk.calls import domain as calls
from services.desk.calls.domain import Caller
from services.desk.timeline import EventView
from services.desk.web import render
from services.desk.web.conversation import reasons
from services.desk.web.conversation import words as conversation
from shared.events import Channel, Decision, InboundMessage, Observed, Profile, Reason, Stated
from shared.kernel import ContactPoint
from tests.unit.router.makers import ANN, ANNS_PHONE, CHAT, EMAIL, NOW, PHONE, POLICY, ann, decided, mail, under

ROUTER = Path(teams_module.__file__).parent
SMS = Channel(name="sms", label="Text message", icon="sms", reaches=("tel",))
X = Channel(name="x", label="X", icon="x", reaches=("x",), public=True, can_start=False)
OFF = Channel(
    name="whatsapp", label="WhatsApp", icon="w", reaches=("tel",), enabled=False, why_off="set PHONE_WHATSAPP"
)
POINTS = (ANN, ANNS_PHONE, ContactPoint("chat:u7"), ContactPoint("x:44196397"))
CHANNELS = {channel.name: channel for channel in (EMAIL, CHAT, PHONE, SMS, X, OFF)}
CLOSED = under("  channels: {}          # such as", "  channels: {phone: mon-fri 09:00-18:00}  # such as")


def seen(answer_seconds: float | None = None, messages: int = 6) -> Observed:
    return Observed(messages=messages, last_at=NOW, answer_seconds=answer_seconds)


def decisions() -> Iterator[Decision]:
    """Together they have every reason that there is; a test below says so."""

    def of(message: InboundMessage, profile: Profile | None = None, policy: Any = POLICY, **known: Channel) -> Decision:
        return decided(message, profile, known or CHANNELS, policy)

    known = ann(contact_points=POINTS, birth_year=1955)
    call = mail("환불해 주세요", language="ko", channel="phone", live=True, sender=ContactPoint("tel:+821012345678"))
    yield of(call)
    yield of(mail(automatic="reply"))
    yield of(mail(spam="spamassassin"))
    yield of(mail("ok", language=""))
    yield of(mail("ok", language=""), ann(language="fr"))
    yield of(mail("It is down, my data is gone. We were hacked. My lawyer will call. I cannot log in."))
    yield of(mail("Since the upgrade all our visitors get is a grey page with a stack trace on it"))
    yield of(mail("Thanks a lot, that solved it!"))
    poor = {"missed_sla": True, "last_csat": 1, "recent_contacts": (NOW - timedelta(hours=3),)}
    yield of(mail(public=True, reach=500, complaint=0.9, tier="Pro"), ann(**poor))
    yield of(mail(), known)
    yield of(mail(), known, CLOSED)
    yield of(mail(), known, email=EMAIL)
    yield of(mail(), ann(contact_points=POINTS, opted_out=(ANNS_PHONE,), birth_year=1955))
    yield of(mail(), ann(birth_year=1955))
    weak = {"email": seen(40), "chat": seen(30 * 3600), "sms": seen()}
    yield of(mail(channel="x", sender=POINTS[3]), ann(contact_points=POINTS, observed=weak))
    yield of(mail(channel="x", sender=POINTS[3], public=True, closed="not-summoned"), known)
    for source in ("customer", "survey", "phone", "agent"):
        yield of(mail(), ann(contact_points=POINTS, stated=Stated(channel="phone", source=source, at=NOW)))
    yield of(mail(), ann(contact_points=POINTS, stated=Stated(channel="whatsapp", source="agent", at=NOW)))


def reasons_of(decision: Decision) -> Iterator[Reason]:
    yield from chain(decision.reasons, decision.routing_reasons, *(choice.reasons for choice in decision.channels))
    if decision.ask_reason:
        yield decision.ask_reason


REASONS = {
    (found.code, tuple(sorted(found.values))): found for decision in decisions() for found in reasons_of(decision)
}


def texts(node: ast.expr, names: dict[str, set[str]]) -> set[str]:
    """The strings that an expression may be. A part that is filled in is a severity of the
    policy."""
    match node:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.IfExp(body=body, orelse=other):
            return texts(body, names) | texts(other, names)
        case ast.JoinedStr(values=[ast.Constant(value=str(before)), _]):
            return {before + severity for severity in POLICY.priority.severity}
        case ast.Name(id=name):
            return names[name]
    raise AssertionError(f"line {node.lineno}: cannot tell which code this is")


def codes_in(module: str) -> set[str]:
    """Every code that this module of the router's domain can give a reason."""
    tree = ast.parse((ROUTER / module).read_text(encoding="utf-8"))
    names: dict[str, set[str]] = {"code": set()}
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=[ast.Name(id="code"), *_])], value=ast.Tuple(elts=[value, *_])):
                names["code"] |= texts(value, names)
            case ast.Yield(value=ast.Tuple(elts=[_, code, _, _])) if module == "priority.py":
                names["code"] |= texts(code, names)
            case ast.Return(value=ast.Tuple(elts=[ast.Constant(value=str(held)), _, _])) if held:
                names["code"].add(held)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Reason":
            found |= texts(next(keyword.value for keyword in node.keywords if keyword.arg == "code"), names)
    return found


def test_the_messages_above_have_every_reason_that_the_router_can_give() -> None:
    written = {path.name for path in ROUTER.glob("*.py") if "Reason(" in path.read_text(encoding="utf-8")}
    assert written == {"languages.py", "preference.py", "priority.py", "teams.py"}
    assert {code for code, _ in REASONS} == set().union(*map(codes_in, written))


@pytest.mark.parametrize("found", REASONS.values(), ids=lambda found: found.code)
def test_every_reason_of_the_router_has_words_in_each_language(found: Reason) -> None:
    told = {language: reasons.reason(found, render.gettext(language)) for language in ("en", "fr", "ko")}
    assert all(told.values())
    assert len(set(told.values())) == 3, told
    assert not any("%" in text.replace("%)", "").replace("\u202f%", "") for text in told.values())


def test_a_reason_of_a_newer_router_is_shown_in_its_own_words() -> None:
    newer = Reason(code="moon.full", text="the moon is full")
    assert reasons.reason(newer, render.gettext("ko")) == "the moon is full"
    odd = Reason(code="preference.stated", text="asked for it", values={"colour": "blue"})
    assert reasons.reason(odd, render.gettext("fr")) == "asked for it"


def test_what_was_rejected_has_words_too() -> None:
    conditions = {
        node.value.elts[0].value
        for node in ast.walk(ast.parse((ROUTER / "teams.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == 2
        if isinstance(node.value.elts[0], ast.Constant)
    }
    told = {why for decision in decisions() for why in decision.rejected or ()}
    assert told | {f"rule.{condition}" for condition in conditions} == reasons.REJECTED.keys()
    signals = {
        n for d in decisions() for why, ns in (d.rejected or {}).items() if why.startswith("signal.") for n in ns
    }
    assert signals <= reasons.SIGNALS.keys()
    assert set(POLICY.priority.severity) <= reasons.SEVERITIES.keys()
    assert {skill for rule in POLICY.rules for skill in rule.skills} == reasons.SKILLS.keys()


def test_every_rule_of_threading_has_words() -> None:
    tree = ast.parse((ROUTER / "threads.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    rules = {
        call.args[0].value
        for call in calls
        if call.func.id in ("_joined", "_keyed") and isinstance(call.args[0], ast.Constant)
    }
    assert rules == reasons.RULES.keys()


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "After 10 min without a reply, also available to agents without: French"),
        ("fr", "Après 10 min sans réponse, aussi pour les agents sans : français"),
        ("ko", "10분 동안 답장이 없어 이 기술이 없는 상담원도 맡을 수 있음: 프랑스어"),
    ],
)
def test_the_timeline_says_who_may_take_a_ticket_that_nobody_got_to(language: str, said: str) -> None:
    def event(kind: str, **data: str) -> EventView:
        return EventView(seq=1, id="e", ticket_id="t", kind=kind, at=NOW, actor="desk", data=data)

    translate = render.gettext(language)
    assert conversation.event(event("ticket.widened", skill="french", after="600"), {}, translate) == said
    gone = conversation.event(
        event("ticket.overflowed", **{"from": "technical"}, team="night-shift", after="600"), {}, translate
    )
    assert "Technical" in gone
    assert "Night shift" in gone


def test_a_caller_s_place_says_who_else_was_asked() -> None:
    caller = Caller(call_id="CA1", waiting_since=NOW, dropped={"french": NOW + timedelta(minutes=2)})
    found = calls.reasons(caller, timedelta())[-1]
    assert found.text == "after 2 min also offered to agents without french"
    told = {language: reasons.reason(found, render.gettext(language)) for language in ("en", "fr", "ko")}
    assert told["en"] == "after 2 min also offered to agents without: French"
    assert "français" in told["fr"]
    assert "프랑스어" in told["ko"]
