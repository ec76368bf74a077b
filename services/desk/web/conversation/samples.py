"""Made-up people and tickets for the style guide: every state that a part can be in, in three
languages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from services.desk.customers.schemas import ContactPointView, CustomerTicket, CustomerView, StatedView
from services.desk.tickets.schemas import (
    AttachmentView,
    ChannelChoiceView,
    MessageView,
    ReasonView,
    TicketRow,
    TicketView,
)
from services.desk.web.conversation.pane import Line
from shared.clock import utc_now
from shared.events import Channel, Wording

CHANNELS = {
    "email": Channel(
        name="email",
        label="Email",
        icon="mail",
        reaches=("email",),
        wording=Wording(sent="Sent by email", received="Received by email", to="To %(who)s, by email"),
    ),
    "chat": Channel(name="chat", label="Chat", icon="message-circle", reaches=("chat",), live=True),
    "phone": Channel(
        name="phone",
        label="Phone",
        icon="phone",
        reaches=("tel",),
        live=True,
        spoken=True,
        enabled=False,
        why_off="not set up",
        wording=Wording(prefers="Prefers phone"),
    ),
}
_TICKET = "00000000-0000-0000-0000-000000000001"
_CUSTOMER = "00000000-0000-0000-0000-0000000000c1"
_NAMES: tuple[tuple[str, str, str, str, str, str], ...] = (
    (
        "김서연",
        "결제가 두 번 되었어요",
        "명세서에 같은 금액이 두 번 찍혔습니다. 확인 부탁드려요.",
        "ko",
        "urgent",
        "phone",
    ),
    ("John Abara", "Plugin fails after update 6.1", "The whole site is down since this morning.", "en", "high", ""),
    (
        "Chloé Martin",
        "Impossible de changer ma carte",
        "Bonjour, le formulaire refuse ma nouvelle carte.",
        "fr",
        "normal",
        "chat",
    ),
    ("Grace Lin", "Where is my invoice?", "Could you send me the one from October?", "en", "low", ""),
)


def rows() -> tuple[TicketRow, ...]:
    """Creates one sample row of each level."""
    now = utc_now()
    return tuple(
        TicketRow(
            id=_TICKET[:-1] + str(index + 1),
            number=1042 + index,
            subject=subject,
            snippet=snippet,
            status="pending" if index == 3 else "open",
            level=level,
            score=90 - 25 * index,
            channel=("email", "chat", "email", "phone")[index],
            language=language,
            team="support",
            assignee="sam@example.org" if index == 0 else "",
            assignee_name="Sam Okoro" if index == 0 else "",
            customer_id=_CUSTOMER,
            customer_name=name,
            preferred_channel=preferred,
            created_at=now - timedelta(hours=3),
            last_message_at=now - timedelta(minutes=4**index),
            waiting_since=None if index == 3 else now - timedelta(minutes=4**index),
            messages=3,
            version=3,
            due_at=None if index == 3 else now + timedelta(minutes=(-8, 25, 300)[index]),
        )
        for index, (name, subject, snippet, language, level, preferred) in enumerate(_NAMES)
    )


def customer() -> CustomerView:
    """Creates a sample customer of whom we know much."""
    at = datetime(2026, 10, 12, 9, 0, tzinfo=UTC)
    return CustomerView(
        id=_CUSTOMER,
        name="김서연",
        language="ko",
        tier="Pro",
        birth_year=1954,
        preferred=StatedView(channel="phone", source="survey", at=at),
        contact_points=(
            ContactPointView(
                point="email:seoyeon@example.org",
                kind="email",
                address="seoyeon@example.org",
                verified=True,
                opted_out=False,
            ),
            ContactPointView(
                point="tel:+33199001234", kind="tel", address="+33199001234", verified=False, opted_out=True
            ),
        ),
        observed=(),
        facts={"Site": "https://example.org/shop", "WordPress": "6.8"},
        tickets=tuple(
            CustomerTicket(
                id=_TICKET[:-1] + str(number),
                number=1000 + number,
                subject=subject,
                status=status,
                level="normal",
                channel="email",
                created_at=at,
                last_message_at=at,
            )
            for number, subject, status in ((1, "결제가 두 번 되었어요", "open"), (8, "Refund request", "solved"))
        ),
        created_at=at,
        version=2,
    )


def messages() -> tuple[MessageView, ...]:
    """Creates sample messages: received, sent, failed, a note."""
    now = utc_now()
    decision: dict[str, Any] = {
        "message_id": "sample-1",
        "ticket_id": _TICKET,
        "score": 82,
        "level": "urgent",
        "team": "billing",
        "skills": ["korean"],
        "language": "ko",
        "policy": "default@3",
        "skill_timeouts": {"korean": 600},
        "overflow": {"team": "support", "after": 1200},
        "ask_reason": {"code": "ask.weak", "text": "only weak signs of it (35%)", "values": {"confidence": "0.35"}},
        "rejected": {
            "signal.absent": ["live", "repeated", "bad-csat"],
            "signal.no-words": ["outage", "security", "data-loss"],
            "signal.unknown": ["complaint"],
            "rule.severity": ["security", "outage"],
            "rule.language": ["French", "German"],
            "rule.not-needed": ["invoices"],
        },
        "reasons": [
            {
                "code": "severity.payment",
                "text": "mentions a payment: “결제”",
                "weight": 55.0,
                "values": {"severity": "payment", "words": "결제"},
            },
            {"code": "tier", "text": "customer on the Pro plan", "weight": 17.0, "values": {"tier": "Pro"}},
            {"code": "base", "text": "a customer wrote to us", "weight": 10.0},
        ],
        "channels": [
            {
                "channel": "phone",
                "available": False,
                "open_until": "2026-10-12T18:00:00+02:00",
                "reasons": [{"code": "preference.stated", "text": "asked for it in our survey"}],
            },
            {"channel": "email", "available": True, "reasons": [{"code": "preference.used", "text": "wrote by email"}]},
        ],
        "routing_reasons": [
            {"code": "team.rule", "text": "team billing: mentions “결제”", "values": {"team": "billing"}}
        ],
        "thread": {"rule": "new", "evidence": "", "key": "email:<a@example.org>", "generation": 0},
    }

    def message(number: int, direction: str, text: str, **more: Any) -> MessageView:
        values: dict[str, Any] = {
            "id": f"sample-{number}",
            "ticket_id": _TICKET,
            "direction": direction,
            "channel": "email",
            "author": "email:seoyeon@example.org" if direction == "in" else "sam@example.org",
            "author_name": "김서연" if direction == "in" else "Sam Okoro",
            "verified": False,
            "other_address": False,
            "subject": "",
            "text": text,
            "html": "",
            "attachments": (),
            "at": now - timedelta(minutes=60 - 10 * number),
            "automatic": "",
            "to": "",
            "delivery": "",
            "delivery_detail": "",
            "facts": {},
            "raw_uri": "",
            "decision": None,
        }
        return MessageView(**(values | more))

    file = AttachmentView(uri="", name="명세서 10월.pdf", media_type="application/pdf", size=182_400, sha256="")
    return (
        message(
            1,
            "in",
            "명세서에 같은 금액이 두 번 찍혔습니다.\n확인 부탁드려요.",
            decision=decision,
            attachments=(file,),
            html="<b>x</b>",
            verified=True,
            facts={"signature": "intact", "signed_by": "kim@example.org (Example CA)"},
        ),
        message(
            2,
            "out",
            "Thank you for writing. I see both charges, the second one will be returned today.",
            delivery="sent",
        ),
        message(
            3,
            "out",
            "A second copy for your records.",
            delivery="failed",
            delivery_detail="552 5.2.2",
            facts={"undelivered": "full"},
        ),
        message(4, "note", "Refund id r_2201 issued, please call before noon."),
        message(
            5, "in", "I am away until Monday.", automatic="reply", other_address=True, author="email:other@example.org"
        ),
    )


def event() -> Line:
    """Creates a sample change for the timeline."""
    return Line("sample-event", _TICKET, utc_now() - timedelta(minutes=25), "Sam Okoro: Solved")


def ticket() -> TicketView:
    """Creates a sample ticket: the first row, opened."""
    choices = tuple(
        ChannelChoiceView(
            channel=channel,
            contact_point=point,
            confidence=0.9,
            available=available,
            reasons=(ReasonView(code=f"preference.{code}", text=text),),
        )
        for channel, point, available, code, text in (
            ("phone", "tel:+33199001234", False, "stated", "asked for it in our survey"),
            ("email", "email:seoyeon@example.org", True, "used", "wrote by email"),
            ("chat", "chat:u1", True, "observed", "answered there before"),
        )
    )
    return TicketView(
        row=rows()[0],
        skills=("korean",),
        reasons=(),
        routing_reasons=(),
        channels=choices,
        thread_key="email:<a@example.org>",
        generation=0,
        participants=("email:seoyeon@example.org",),
        linked=(),
        messages=messages(),
        events=(),
        earlier="",
        first_reply_at=None,
        solved_at=None,
    )
