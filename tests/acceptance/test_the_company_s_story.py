"""The company's story: nobody is signed in, posts come in, and the complaints and only they are
tickets within seconds.

The whole system runs, with the real tweepy on the wire to a local server that speaks X's API.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest

from tests import stack
from tests.conftest import engine_folder
from tests.providers import x_oauth
from tests.providers.x import X, serving
from tests.stack import Stack
from tests.waiting import eventually

REACH = 2_000_000
COMPLAINTS = (
    "@lumio the lamp I bought in October flickers all evening and your hotline just hangs up on me",
    "Third time this month that @lumio sends me the wrong bulbs. How hard can it be?",
    "@lumio your app logs me out every five minutes since the update, I can't even switch my lights off",
    "Ordered from @lumio on the 2nd, still nothing in the mail and no reply to four emails. Very disappointed",
    "so @lumio took the money twice and now pretends they can't find my order. never again",
    "@lumio j’attends ma lampe depuis trois semaines, le suivi ne bouge pas et personne ne me répond",
    "L’abat-jour de @lumio est arrivé cassé et on me demande de payer le retour, c’est scandaleux",
    "@lumio impossible de joindre le service client, ça raccroche à chaque fois. Je veux être remboursée",
    "@lumio 주문한 조명이 2주째 배송이 안 오는데 고객센터는 연락도 안 돼요",
    "@lumio 앱 업데이트하고 나서 계속 오류가 나요. 불도 못 끄고 너무 짜증나네요",
    "@lumio die Lampe ist nach drei Tagen kaputt gegangen und der Kundendienst antwortet einfach nicht",
    "Seit einem Monat warte ich bei @lumio auf meine Rückerstattung. Unverschämt!",
)
LOUD = 9
"""Which of them comes from an account with a large reach, and so comes first."""
OTHERS = (
    "The new @lumio floor lamp makes my reading corner so cosy, love it",
    "Big thank you to Tom from @lumio support, he fixed it in two minutes",
    "@lumio delivered a day early and the box was beautiful",
    "Happy birthday @lumio! Ten years of good light",
    "My cat has chosen the @lumio lamp as her new best friend",
    "@lumio opens a second shop in Lyon next spring",
    "Lighting maker @lumio reports revenue up 9 percent in the third quarter",
    "@lumio signs a partnership with the city theatre for its stage lights",
    "Follow @lumio and tag two friends to win a desk lamp! #giveaway",
    "Good morning from the train, coffee in hand, @lumio tote bag on my shoulder",
    "Currently listening to the @lumio podcast about Scandinavian light",
    "Rainy Sunday, candles and @lumio on the shelf",
    "The @lumio team at the design fair was so friendly, great stand",
    "Five stars for @lumio, I recommend them to everyone",
    "Merci @lumio, ma nouvelle lampe est magnifique",
    "Bravo à l’équipe de @lumio, livraison en deux jours, parfait",
    "@lumio ouvre une boutique à Nantes au printemps",
    "Belle soirée chez @lumio hier, merci pour l’accueil",
    "Bon week-end à tous, ici c’est canapé et lampe @lumio",
    "@lumio 조명 덕분에 방 분위기가 확 살았어요 최고예요",
    "@lumio 배송 정말 빠르네요 감사합니다",
    "@lumio 신제품 발표회 다녀왔어요, 예쁘다",
    "오늘도 @lumio 불빛 아래에서 책 읽기 좋은 밤",
    "Danke @lumio, die neue Lampe ist wunderschön geworden",
    "@lumio eröffnet im Frühjahr ein Geschäft in Köln",
    "Schönen Sonntag euch allen, Kaffee und @lumio an",
    "@lumio wins the national design award for its table lamp",
    "Guten Morgen zusammen, neue Woche, neues Glück, auf dem Tisch die @lumio",
)
SECOND = (
    "@lumio my refund was promised two weeks ago and nothing has arrived, please stop ignoring me",
    "the switch of my @lumio lamp broke off after one week, really poor quality",
    "@lumio votre site plante au moment de payer, j’ai perdu ma commande et personne ne répond",
    "@lumio 환불 신청한 지 한 달이 넘었는데 아직도 처리가 안 됐어요",
    "Meine Bestellung bei @lumio kam schon wieder falsch an und niemand geht ans Telefon",
    "@lumio stop sending me invoices for an order I cancelled in May, this is ridiculous",
)
GAP = 0.35
"""Seconds between two posts of the second wave: a kill in its middle falls between a look at X and
the next."""


@dataclass
class Company:
    """The system, and X beside it."""

    system: Stack
    x: X

    def tickets(self) -> dict[str, str]:
        """Tickets by the text of their one message."""
        return {row["subject"]: row["id"] for row in self.system.tickets(channel="x")}

    def inbound(self) -> Counter[str]:
        """How often each text is at the desk, in whatever ticket."""
        return Counter(
            message["text"]
            for row in self.system.tickets(channel="x")
            for message in self.system.ticket(row["id"])["messages"]
            if message["direction"] == "in"
        )

    def ticket_that_says(self, words: str) -> str:
        """The ticket with these words in its newest message, as soon as it is there."""
        rows = lambda: self.system.tickets(channel="x")  # noqa: E731
        return str(eventually(lambda: next(row["id"] for row in rows() if words in row["snippet"]), words))

    def answer(self, ticket: str, text: str) -> None:
        """An agent answers, by the API."""
        key = {"Idempotency-Key": uuid4().hex}
        answer = self.system.api.post(f"/tickets/{ticket}/replies", json={"text": text}, headers=key)
        assert answer.status_code == 201, answer.text

    def tries(self) -> list[str]:
        """How often X was asked to say something."""
        return [path for method, path in self.x.calls if method == "POST" and path.startswith("/2/")]

    def mentions(self) -> Counter[str]:
        """How often each text is among the mentions."""
        found: Counter[str] = Counter()
        cursor = ""
        while True:
            answer = self.system.api.get("/mentions", params={"limit": 100, "cursor": cursor}).raise_for_status().json()
            found.update(item["text"] for item in answer["items"])
            cursor = answer["next"]
            if not cursor:
                return found


@pytest.fixture(scope="module")
def company() -> Iterator[Company]:
    x = X()
    x.me.username = "lumio"
    with engine_folder() as folder, serving(x) as url:
        environment = x_oauth.SETTINGS | {
            "SOCIAL_X_API_URL": url,
            "SOCIAL_X_NAMES": "lumio",
            "SOCIAL_X_EVERY": "0.5",
            "SOCIAL_X_MESSAGES_EVERY": "2",
            "SOCIAL_X_TIMEOUT": "4",
        }
        with stack.running(folder / "home", environment) as system:
            yield Company(system, x)


@pytest.mark.timeout(300)
def test_a_company_s_complaints_are_caught_with_nobody_watching(company: Company) -> None:
    assert (len(COMPLAINTS), len(COMPLAINTS) + len(OTHERS)) == (12, 40)
    x = company.x
    mixed = [text for pair in zip(OTHERS, COMPLAINTS, strict=False) for text in pair] + list(OTHERS[len(COMPLAINTS) :])
    posts = {}
    for number, text in enumerate(mixed):
        loud = text == COMPLAINTS[LOUD]
        author = x.person(f"person{number}", followers=REACH if loud else 40 + number)
        posts[text] = x.post(author, text)
    started = time.monotonic()
    eventually(lambda: sum(company.inbound().values()) >= len(COMPLAINTS), "the complaints as tickets")
    took = time.monotonic() - started
    eventually(lambda: sum(company.mentions().values()) >= len(OTHERS), "all the rest among the mentions")
    assert company.inbound() == Counter(COMPLAINTS), "the complaints, each once, and nothing else"
    assert company.mentions() == Counter(OTHERS), "everything else, each once"
    assert took < 30, "within seconds, on a machine that runs everything"

    first = company.system.tickets(channel="x", status="open", order="priority")[0]
    assert first["snippet"] == COMPLAINTS[LOUD]
    why = company.system.ticket(first["id"])
    assert "public, up to 2,000,000 people may see it" in [reason["text"] for reason in why["reasons"]]

    company.answer(first["id"], "So sorry! We found your order and it leaves today.")
    eventually(x.ours, "the reply at X")
    eventually(
        lambda: company.system.ticket(first["id"])["messages"][-1]["delivery"] == "sent",
        "the reply is known as sent",
    )
    (reply,) = x.ours()
    assert (reply.answers, reply.conversation) == (posts[COMPLAINTS[LOUD]], posts[COMPLAINTS[LOUD]])
    assert "leaves today" in reply.text


@pytest.mark.timeout(300)
def test_killed_in_the_middle_nothing_is_lost_and_nothing_is_said_twice(company: Company) -> None:
    """While posts come in, and twice after X took an answer and before we heard so: under a post,
    and in private."""
    x, run = company.x, uuid4().hex[:6]
    asked = x.post(
        x.person("asks"), f"@lumio order {run} never arrived, and nobody answers your phone. So disappointed"
    )
    x.write_to_us(x.person("writes"), f"My parcel {run} is lost, could you please look where it is?")
    order, parcel = (company.ticket_that_says(f"{what} {run}") for what in ("order", "parcel"))
    before = company.inbound() + company.mentions()
    tried = len(company.tries())
    x.after_post = "hang"
    answers = (f"So sorry! Order {run} leaves today.", f"Parcel {run} is found, and on its way to you.")
    for ticket, text in zip((order, parcel), answers, strict=True):
        company.answer(ticket, text)
    texts = [
        text
        for number, complaint in enumerate(SECOND)
        for text in (complaint, f"Good light, good mood, day {number} with @lumio {run}")
    ]

    def wave() -> None:
        for number, text in enumerate(texts):
            x.post(x.person(f"second{number}", 60), text)
            time.sleep(GAP)

    poster = threading.Thread(target=wave)
    poster.start()
    for text, at_x in zip(answers, (x.ours, x.our_messages), strict=True):
        eventually(lambda text=text, at_x=at_x: text in [said.text for said in at_x()], f"{text!r} at X")
        pid = company.system.kill("social")
        if text == answers[-1]:
            x.after_post = ""
        company.system.wait_restarted("social", pid)
    poster.join()

    def here() -> Counter[str]:
        return (company.inbound() + company.mentions()) - before

    eventually(lambda: sum(here().values()) >= len(texts), "every post at the desk", 90)
    assert here() == Counter(texts), "each once"
    arrived = company.inbound()
    assert [text for text in SECOND if arrived[text] != 1] == []
    assert [text for text in texts if text not in SECOND and arrived[text]] == []

    for ticket in (order, parcel):
        eventually(
            lambda ticket=ticket: company.system.ticket(ticket)["messages"][-1]["delivery"] == "sent",
            "the answer to be found at X, and known as sent",
        )
    assert len(company.tries()) - tried == len(answers), (
        "X refuses to say the same twice, so nobody may even have tried"
    )
    (reply,) = [said for said in x.ours() if run in said.text]
    assert (reply.text, reply.answers) == (answers[0], asked)
    (message,) = [said for said in x.our_messages() if run in said.text]
    assert (message.text, x.person("writes").id in message.conversation) == (answers[1], True)
