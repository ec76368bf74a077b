"""What goes on in the street after the first minute: one event every few seconds, for a bounded
time, so that the wallboard moves. Pure."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from deploy.demo.cast import Caller, Chat, Letter, Post, Text

FIRST, LAST = 4.0, 9.0
"""Seconds between two events: a busy shop, and nothing that a laptop would notice."""
Event = Letter | Chat | Text | Caller | Post
_Thing = TypeVar("_Thing")
_What = tuple[str, ...]
"""A sentence, after a mail's subject or what a post is."""
_CHANCES = {"mail": 38, "post": 32, "chat": 16, "text": 11, "call": 3}

_PEOPLE = {
    "en": (
        "Alma Reyes", "Carys Lloyd", "Esther Osei", "Liam Byrne", "Maya Singh", "Olga Petrova", "Tariq Aziz", "Una Walsh",
        "Victor Stone", "Wendy Park", "Yusuf Hassan", "Zoe Abbott",
    ),
    "fr": ("Hugo Blanc", "Paul Meunier", "Inès Caron", "Lise Fournier", "Malo Perrin", "Zélie Roche"),
    "de": ("Bruno Keller", "Greta Lind", "Jonas Weber", "Nils Berg", "Silke Brandt", "Uwe Lorenz"),
    "ko": ("박서준", "최유나", "정도윤", "한지우", "오하린", "윤태호"),
}  # fmt: skip
_LATIN = dict(
    zip(_PEOPLE["ko"], ("Park Seojun", "Choi Yuna", "Jung Doyun", "Han Jiwoo", "Oh Harin", "Yoon Taeho"), strict=True)
)
_ARTICLES = {
    "en": (
        "teapot", "reading lamp", "glass vase", "coffee grinder", "bread knife", "wool blanket", "alarm clock", "picture frame",
        "kettle", "salad bowl", "bath towel", "egg timer", "fruit basket", "door mat", "candle holder", "cake tin",
    ),
    "fr": ("théière", "lampe de bureau", "couverture en laine", "bouilloire", "horloge", "boîte à gâteaux", "corbeille", "nappe"),
    "de": ("Teekanne", "Leselampe", "Wolldecke", "Kaffeemühle", "Salatschüssel", "Kerzenschale", "Kuchenform", "Uhr"),
    "ko": ("찻주전자", "독서등", "담요", "꽃병", "커피 그라인더", "알람 시계", "액자", "수건"),
}  # fmt: skip
_MAILS = {
    "en": (
        (
            "Where is my {it}?",
            "Hello,\n\nthe {it} of order {n} was due on Monday and is still not here. Where is it?\n\n{who}\n",
        ),
        (
            "Refund for the {it}",
            "Hi,\n\nI sent the {it} back two weeks ago ({n}). When do I get my refund?\n\nBest, {who}\n",
        ),
        (
            "Cannot log in",
            "Hello,\n\nI wanted to follow my {it}, {n}, and cannot log in: my account is locked.\n\n{who}\n",
        ),
        (
            "Invoice for {n}",
            "Good day,\n\nplease send me the invoice for the {it}, {n}, with our VAT number.\n\n{who}\n",
        ),
        (
            "A scratch",
            "Hello,\n\nthe {it} has a scratch on its side. The order is {n}. Could you send another one?\n\n{who}\n",
        ),
        ("Thank you", "The new {it} came today ({n}). Thank you for being so quick!\n\n{who}\n"),
    ),
    "fr": (
        ("Commande {n}", "Bonjour,\n\ndans la commande {n}, il manque un article : {it}.\n\nCordialement,\n{who}\n"),
        (
            "Échange : {it}",
            "Bonjour,\n\nje voudrais échanger un article de {n} ({it}). Comment faire ?\n\nMerci, {who}\n",
        ),
    ),
    "de": (
        (
            "Frage zu {n}",
            "Guten Tag,\n\nkann ich die Lieferadresse von {n} ({it}) noch ändern?\n\nViele Grüße\n{who}\n",
        ),
        ("Ersatzteil: {it}", "Hallo,\n\ngibt es für {it} aus {n} ein Ersatzteil?\n\nViele Grüße\n{who}\n"),
    ),
    "ko": (
        ("배송 문의 {n}", "안녕하세요.\n\n주문 {n}의 {it} 언제 도착하나요?\n\n{who} 드림\n"),
        ("교환 문의: {it}", "안녕하세요.\n\n{n}의 {it}에 흠집이 있어요. 교환되나요?\n\n{who} 드림\n"),
    ),
}
_CHATS = {
    "en": (
        ("Is the {it} coming back in blue?",),
        ("The page of my order {n} stays empty, I only see “{it}”. Can you look?",),
        ("How do I change the card for {n}? It is only the {it}.",),
        ("Would the {it} go into a dishwasher?",),
        ("Can I add one more {it} to {n}, or is it too late?",),
    ),
}
_TEXTS = {
    "en": (
        ("The {it} of {n} is damaged, what now? {who}",),
        ("Can I pick the {it} up at the shop today? It is {n}. {who}",),
    ),
    "fr": (("Bonjour, où en est ma commande {n} ({it}) ? {who}",),),
}
_POSTS = {
    "en": (
        ("complaint", "@acme my {it} never came, {n}, and nobody answers. I want my money back"),
        ("complaint", "@acme the {it} arrived broken, second time now ({n}). Terrible"),
        ("complaint", "@acme three weeks for one {it} and no word from you about {n}. Ridiculous"),
        ("other", "@acme love the new {it}, great work"),
        ("other", "good morning to everyone whose {it} is from @acme"),
        ("other", "@acme shows a new {it} at the fair in Lyon"),
    ),
    "fr": (
        ("complaint", "@acme colis {n} toujours pas arrivé ({it}), le service client ne répond pas, c'est une honte"),
        ("other", "Merci @acme, {it} livrée en deux jours, au top"),
    ),
    "de": (
        ("complaint", "@acme {it} kam kaputt an ({n}) und niemand meldet sich. Nie wieder"),
        ("other", "Danke @acme für die schnelle Hilfe mit {n}: {it} ist da, super!"),
    ),
    "ko": (
        ("complaint", "@acme {it} 환불이 한 달째 안 되고 있어요 ({n}). 너무합니다"),
        ("other", "@acme {it} 정말 마음에 들어요. 감사합니다"),
    ),
}
_WORDS: Mapping[str, Mapping[str, Sequence[_What]]] = {"mail": _MAILS, "chat": _CHATS, "text": _TEXTS, "post": _POSTS}


@dataclass(frozen=True, slots=True)
class Later:
    """An event, so many seconds after the one before."""

    seconds: float
    event: Event
    title: str


def events(seconds: float, seed: int = 7) -> Iterator[Later]:
    """Yields what happens within so many seconds; the same for the same seed."""
    chance, number, passed = random.Random(seed), 10_500, 0.0
    words = {kind: _words(by_language, chance) for kind, by_language in _WORDS.items()}
    people = {language: _in_turn(names, chance) for language, names in _PEOPLE.items()}
    while True:
        pause = chance.uniform(FIRST, LAST)
        passed += pause
        if passed > seconds:
            return
        number += chance.randint(1, 9)
        kind = chance.choices(list(_CHANCES), list(_CHANCES.values()))[0]
        language, article, what = next(words[kind]) if kind in words else ("en", "", ())
        who = next(people[language])
        yield Later(pause, *_event(kind, what, {"n": f"A-{number}", "it": article, "who": who}, chance))


def _in_turn(things: Sequence[_Thing], chance: random.Random) -> Iterator[_Thing]:
    """Yields everything once, in a random order, before anything comes again."""
    while True:
        yield from chance.sample(things, len(things))


def _words(by_language: Mapping[str, Sequence[_What]], chance: random.Random) -> Iterator[tuple[str, str, _What]]:
    """Yields language, article and sentence: each sentence in its turn, and about another
    article each time."""
    sentences = [(language, what) for language, whats in by_language.items() for what in whats]
    articles = {each: _in_turn(_ARTICLES[each[0]], chance) for each in sentences}
    for language, what in _in_turn(sentences, chance):
        yield language, next(articles[language, what]), what


def _event(kind: str, what: _What, words: Mapping[str, str], chance: random.Random) -> tuple[Event, str]:
    who, text = words["who"], what[-1].format(**words) if what else ""
    handle = unicodedata.normalize("NFKD", _LATIN.get(who, who)).encode("ascii", "ignore").decode()
    handle = handle.lower().replace(" ", "_")
    if kind == "mail":
        subject = what[0].format(**words)
        return Letter(who, f"{handle}@example.org", subject, text), f"mail from {who}: {subject}"
    if kind == "post":
        followers = int(10 ** chance.uniform(1, 4.7))
        return Post(handle, who, followers, text, what[0] == "complaint"), f"post of {who}: {text}"
    if kind == "chat":
        return Chat(text), f"chat: {text}"
    if kind == "text":
        return Text(f"+44770090{chance.randint(200, 899):04d}", text), f"text message: {text}"
    patience = chance.choice((["", "1"], ["", "", "hang up"], [""] * 6 + ["1"]))
    said = (f"Hello, this is {who}.", f"It is about my order {words['n']}.", "When will it come?")
    caller = Caller(
        who, f"+4420794600{chance.randint(20, 69)}", {"press 0": ["0"], "stay on the line": patience}, said, 20
    )
    return caller, f"{who} calls"
