"""What goes on in the street after the first minute: one event every few seconds, for a bounded time, so that the wallboard moves. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from deploy.demo.cast import Caller, Chat, Letter, Post, Text

FIRST, LAST = 4.0, 9.0
"""Seconds between two events: a busy shop, and nothing that a laptop would notice."""
Event = Letter | Chat | Text | Caller | Post
_CHANCES = {"mail": 38, "post": 32, "chat": 16, "text": 11, "call": 3}

_PEOPLE = (
    "Alma Reyes", "Bruno Keller", "Carys Lloyd", "Dmitri Volkov", "Esther Osei", "Farid Nasser", "Greta Lind", "Hugo Blanc",
    "Ines Costa", "Jonas Weber", "Kaya Demir", "Liam Byrne", "Maya Singh", "Nils Berg", "Olga Petrova", "Paul Meunier",
)  # fmt: skip
_MAILS = (
    ("Where is order {n}?", "Hello,\n\nmy order {n} was due on Monday and is still not here. Where is it?\n\n{who}\n"),
    ("Refund for {n}", "Hi,\n\nI sent {n} back two weeks ago. When do I get my refund?\n\nBest, {who}\n"),
    ("Cannot log in", "Hello,\n\nI cannot log in since this morning, it says my account is locked.\n\n{who}\n"),
    ("Invoice for {n}", "Good day,\n\nplease send me the invoice for {n} with our VAT number.\n\n{who}\n"),
    (
        "Commande {n}",
        "Bonjour,\n\nla commande {n} est arrivée incomplète, il manque deux tasses.\n\nCordialement,\n{who}\n",
    ),
    ("Frage zu {n}", "Guten Tag,\n\nkann ich die Lieferadresse von {n} noch ändern?\n\nViele Grüße\n{who}\n"),
    ("배송 문의 {n}", "안녕하세요.\n\n주문 {n} 언제 도착하나요?\n\n{who} 드림\n"),
    ("Thank you", "The replacement for {n} came today. Thank you for being so quick!\n\n{who}\n"),
)
_CHATS = (
    "Is the blue one of {n} coming back?",
    "The page of my order {n} stays empty. Can you look?",
    "How do I change the card that I pay with?",
    "The export of my invoices stops at half, is that known?",
)
_TEXTS = (
    "Parcel {n} is damaged, what now? {who}",
    "Can I pick {n} up at the shop today?",
    "Bonjour, où en est ma commande {n} ?",
)
_POSTS = (
    ("@acme my parcel {n} never came and nobody answers, I want my money back", True),
    ("@acme {n} arrived broken, second time now. Terrible", True),
    ("@acme colis {n} toujours pas arrivé, le service client ne répond pas, c'est une honte", True),
    ("@acme {n} 환불이 한 달째 안 되고 있어요. 너무합니다", True),
    ("@acme love the new cups, great work", False),
    ("good morning everyone, happy Friday @acme", False),
    ("Merci @acme, livraison de {n} au top", False),
    ("@acme opens a new shop in Lyon", False),
)


@dataclass(frozen=True, slots=True)
class Later:
    """An event, so many seconds after the one before."""

    seconds: float
    event: Event
    title: str


def events(seconds: float, seed: int = 7) -> Iterator[Later]:
    """What happens within so many seconds; the same for the same seed."""
    chance, number, passed = random.Random(seed), 10_500, 0.0
    while True:
        pause = chance.uniform(FIRST, LAST)
        passed += pause
        if passed > seconds:
            return
        number += chance.randint(1, 9)
        kind = chance.choices(list(_CHANCES), list(_CHANCES.values()))[0]
        yield Later(pause, *_event(kind, chance, number))


def _event(kind: str, chance: random.Random, number: int) -> tuple[Event, str]:
    who, order = chance.choice(_PEOPLE), f"A-{number}"
    handle = who.lower().replace(" ", ".")
    if kind == "mail":
        subject, text = (part.format(n=order, who=who) for part in chance.choice(_MAILS))
        return Letter(who, f"{handle}@example.org", subject, text), f"mail from {who}: {subject}"
    if kind == "post":
        text, complaint = chance.choice(_POSTS)
        text = text.format(n=order)
        followers = int(10 ** chance.uniform(1, 4.7))
        return Post(handle.replace(".", "_"), who, followers, text, complaint), f"post of {who}: {text}"
    if kind == "chat":
        text = chance.choice(_CHATS).format(n=order)
        return Chat(text), f"chat: {text}"
    if kind == "text":
        text = chance.choice(_TEXTS).format(n=order, who=who)
        return Text(f"+44770090{chance.randint(200, 899):04d}", text), f"text message: {text}"
    patience = chance.choice((["", "1"], ["", "", "hang up"], [""] * 6 + ["1"]))
    said = (f"Hello, this is {who}.", f"It is about my order {order}.", "When will it come?")
    caller = Caller(
        who, f"+4420794600{chance.randint(20, 69)}", {"press 0": ["0"], "stay on the line": patience}, said, 20
    )
    return caller, f"{who} calls"
