"""The console's pure parts: what it says, in which language, and in which order."""

from __future__ import annotations

import dataclasses
import itertools
import re
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from fastapi import FastAPI, Response
from fastapi.testclient import TestClient

from services.desk import notifications
from services.desk.people import audit
from services.desk.tickets.domain import rank
from services.desk.tickets.schemas import MessageView, ReasonView, TicketRow
from services.desk.timeline import EventView
from services.desk.web import icons, render, static, viewer
from services.desk.web.admin import words as admin
from services.desk.web.conversation import formatted, pane, reasons, samples
from services.desk.web.inbox import lists
from shared import i18n
from shared.events import Channel, Length

WEB = Path(static.__file__).parent
HOLES = re.compile(r"%\(\w+\)s|\{\w+\}")
ENGLISH = render.gettext("en")
KOREAN = render.gettext("ko")


def said() -> set[str]:
    """Everything that the console says, from its code and its templates."""
    methods = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
    options = {"**.html": {"newstyle_gettext": "true"}}
    folders = (WEB, Path(notifications.__file__).parent)
    return {str(found[2]) for folder in folders for found in extract_from_dir(folder, methods, options)}


@pytest.mark.parametrize("language", [code for code in i18n.LANGUAGES if code != "en"])
def test_an_agent_reads_every_word_in_their_own_language(language: str) -> None:
    with (i18n.FOLDER / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    texts = said()
    assert len(texts) > 150
    for text in texts:
        entry = catalogue.get(text)
        assert entry is not None, f"missing in {language}: {text!r}"
        assert entry.string, f"empty in {language}: {text!r}"
        assert not entry.fuzzy, f"fuzzy in {language}: {text!r}"
        assert sorted(HOLES.findall(str(entry.string))) == sorted(HOLES.findall(text)), (
            f"holes differ in {language}: {text!r}"
        )


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_every_part_can_be_shown_in_every_language(language: str) -> None:
    ticket = samples.ticket()
    for message in ticket.messages:
        html = render.render(
            "parts/changed.html",
            language,
            samples.CHANNELS,
            row=ticket.row,
            message=message,
            change=samples.event(),
            viewer=None,
        )
        assert f'id="message-{message.id}"' in html
        assert "csrf" not in html, "what is pushed to everybody must not hold one agent's token"


@pytest.mark.parametrize(
    ("facts", "delivery", "said"),
    [
        ({"signature": "broken"}, "", "서명 후 변경됨"),
        ({"signature": "intact", "signed_by": "kim@example.org (<CA>)"}, "", '서명됨, 서명자 미확인</span><span class="meta">kim@example.org (&lt;CA&gt;)'),
        ({"undelivered": "full"}, "failed", "메일함이 가득 찼습니다: 552 5.2.2"),
        ({"undelivered": "challenge"}, "delayed", "상대가 보낸 사람에게 확인을 요청합니다"),
        ({"undelivered": "suppressed-hard-bounce"}, "failed", "발송 금지 목록에서 빼 달라고 요청하세요."),
        ({"undelivered": "full"}, "failed", "나중에 다시 보내거나 다른 방법으로 연락하세요."),
        ({"undelivered": "later"}, "deferred", "상대 서버가 잠시 기다리라고 합니다: 552"),
        ({"undelivered": "suppressed-hard-bounce"}, "failed", "되돌아왔습니다: 552 5.2.2"),
    ],
)  # fmt: skip
def test_an_agent_reads_why_a_mail_did_not_arrive_and_what_a_signature_says(
    facts: dict[str, str], delivery: str, said: str
) -> None:
    plain = dataclasses.replace(
        samples.messages()[1], facts={}, delivery=delivery, delivery_detail="552 5.2.2", channel="email"
    )

    def shown(message: MessageView) -> str:
        return render.render(
            "parts/changed.html",
            "ko",
            samples.CHANNELS,
            row=samples.ticket().row,
            message=message,
            change=samples.event(),
            viewer=None,
        )

    assert said not in shown(plain)
    assert said in shown(dataclasses.replace(plain, facts=facts))
    assert said not in shown(dataclasses.replace(plain, facts=facts, channel="wordpress", delivery="sent"))


@pytest.mark.parametrize(
    ("facts", "doubt", "said"),
    [
        ({"sender": "signed", "sender_domain": "a.example"}, "", ['<p class="meta">Signé par a.example</p>']),
        (
            {"sender": "forged", "sender_domain": "<b>.example"},
            "dmarc",
            ['<p class="meta hint">Prétend venir de &lt;b&gt;.example', "Expéditeur non vérifié (DMARC)"],
        ),
        ({"spam_score": "7.9"}, "spam", ["Indésirable selon votre serveur de messagerie (7.9)"]),
        ({"sender": "unproven", "sender_domain": ""}, "", []),
        ({"infected": "a.exe (<X>)"}, "", ["Virus détecté", "l’original le contient : a.exe (&lt;X&gt;)"]),
        ({"unscanned": "b.zip"}, "", ["Virus non recherchés : b.zip"]),
    ],
)
def test_an_agent_reads_who_stands_behind_a_mail(facts: dict[str, str], doubt: str, said: list[str]) -> None:
    message = dataclasses.replace(samples.messages()[0], facts=facts, doubt=doubt, channel="email")

    def shown(message: MessageView) -> str:
        return render.render(
            "parts/changed.html",
            "fr",
            samples.CHANNELS,
            row=samples.ticket().row,
            message=message,
            change=samples.event(),
            viewer=None,
        )

    assert [words for words in said if words not in shown(message)] == []
    assert not any(words in shown(dataclasses.replace(message, channel="wordpress", doubt="")) for words in said)


@pytest.mark.parametrize(
    ("values", "said"),
    [({"undelivered": "failed"}, "Réponse non remise"), ({"calm": "spam"}, "Indésirable ?")],
)
def test_a_row_says_that_a_reply_did_not_arrive_and_what_looks_like_spam(values: dict[str, str], said: str) -> None:
    def shown(row: TicketRow) -> str:
        return render.render(
            "parts/changed.html", "fr", samples.CHANNELS, row=row, message=None, change=None, viewer=None
        )

    plain = dataclasses.replace(samples.rows()[0], undelivered="", calm="")
    assert said not in shown(plain)
    assert said in shown(dataclasses.replace(plain, **values))


def test_what_is_no_spam_is_said_in_one_click() -> None:
    def shown(calm: str) -> str:
        row = dataclasses.replace(samples.rows()[0], calm=calm)
        return render.render(
            "parts/changed.html", "en", samples.CHANNELS, row=row, message=None, change=None, viewer=None
        )

    assert '<button class="button small" name="level" value="normal">Not spam</button>' in shown("spam")
    assert "Not spam" not in shown("")


def test_what_customers_write_is_text_and_never_markup() -> None:
    evil = "<script>alert(1)</script>"
    row = dataclasses.replace(
        samples.rows()[0], subject=evil, snippet=evil, customer_name=evil, team=evil, assignee_name=evil
    )
    message = dataclasses.replace(samples.messages()[0], text=evil, author_name=evil, delivery_detail=evil)
    html = render.render(
        "parts/changed.html", "en", samples.CHANNELS, row=row, message=message, change=None, viewer=None
    )
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_rows_sort_in_the_browser_as_they_do_at_the_desk() -> None:
    first = samples.rows()[0]
    rows = [
        dataclasses.replace(first, level=level, score=score)
        for level, score in itertools.product(("urgent", "high", "normal", "low"), (99, 50, 7))
    ]
    assert sorted(rows, key=render.order) == sorted(rows, key=lambda row: rank(row.level, row.score))


def test_a_decision_that_cannot_be_read_any_more_does_not_hide_the_message() -> None:
    assert render.decision({"score": "many"}) is None
    message = dataclasses.replace(samples.messages()[0], decision={"score": "many"})
    assert message.text in render.render(
        "parts/changed.html", "en", {}, row=samples.rows()[0], message=message, change=None, viewer=None
    ).replace("&#39;", "'")


@pytest.mark.parametrize("view", list(lists.VIEWS))
def test_every_view_leads_somewhere_when_it_is_empty(view: str) -> None:
    assert lists.VIEWS[view].next in lists.VIEWS
    assert lists.query(view, "sam@example.org").status


def test_a_search_looks_at_solved_conversations_too() -> None:
    asked = lists.query("mine", "sam@example.org", "invoice")
    assert asked.q == "invoice"
    assert asked.status == ()
    assert asked.assignee == ""


class TestWhereAnAnswerGoes:
    def routes(self, *, phone: bool = False, chosen: str = "") -> list[pane.Route]:
        ticket = samples.ticket()
        if phone:
            ticket = dataclasses.replace(
                ticket, channels=tuple(dataclasses.replace(choice, available=True) for choice in ticket.channels)
            )
        channels = samples.CHANNELS | ({"phone": samples.CHANNELS["email"]} if phone else {})
        return pane.routes(ticket, channels, chosen, lambda channel, who, **_: f"{channel} {who}")

    def test_the_preferred_channel_is_chosen_where_it_is_open(self) -> None:
        assert next(route for route in self.routes(phone=True) if route.chosen).channel == "phone"

    def test_otherwise_the_best_one_that_is(self) -> None:
        chosen = next(route for route in self.routes() if route.chosen)
        assert chosen.line == "email seoyeon@example.org"

    def test_what_the_agent_chose_before_stays(self) -> None:
        assert next(route for route in self.routes(chosen="chat") if route.chosen).line == "chat 김서연"

    def test_a_channel_that_is_switched_off_cannot_be_chosen(self) -> None:
        assert next(route for route in self.routes(chosen="phone") if route.chosen).channel == "email"

    def test_a_channel_that_the_customer_closed_is_not_chosen_and_says_why(self) -> None:
        point = samples.ticket().channels[1].contact_point
        routes = pane.routes(
            samples.ticket(), samples.CHANNELS, "", lambda *_, **__: "", lambda _, to: "No!" * (to == point)
        )
        shut = next(route for route in routes if route.closed)
        assert (shut.closed, shut.available, shut.chosen) == ("No!", False, False)

    def test_the_agent_is_told_what_the_customer_would_rather_have(self) -> None:
        hint = pane.hint(samples.ticket(), self.routes(), str, lambda item: item.text, ENGLISH)
        assert hint == (
            "Preferred channel: phone (asked for it in our survey). It is unavailable right now, so this reply goes by: email."
        )

    def test_an_answer_that_everybody_reads_says_so_and_how_long_it_may_be(self) -> None:
        limit = Length(longest=280, link=23, light=((0, 0x10FF),))
        channels = {"x": Channel(name="x", label="X", icon="at-sign", reaches=("x",), public=True, length=limit)}
        row = dataclasses.replace(samples.rows()[0], channel="x", customer_name="Jin")
        post = dataclasses.replace(samples.messages()[0], channel="x", public=True)
        for public in (True, False):
            ticket = dataclasses.replace(
                samples.ticket(), row=row, channels=(), messages=(dataclasses.replace(post, public=public),)
            )
            (route,) = pane.routes(ticket, channels, "", partial(render.line_of, channels, ENGLISH))
            assert route.line == ("Public reply to Jin on X" if public else "To Jin, by: X")
            assert route.length == (limit if public else None)


class TestReasons:
    def test_english_is_the_routers_own_text(self) -> None:
        assert (
            reasons.reason(ReasonView(code="tier", text="on the Pro plan", values={"tier": "Pro"}), ENGLISH)
            == "on the Pro plan"
        )

    def test_other_languages_say_it_by_code_and_values(self) -> None:
        found = ReasonView(code="severity.outage", text="mentions", values={"severity": "outage", "words": "down"})
        assert reasons.reason(found, KOREAN) == "서비스 장애 언급: “down”"

    @pytest.mark.parametrize(("code", "values"), [("made.up", {}), ("tier", {}), ("reach", {"tier": "x"})])
    def test_what_cannot_be_translated_stays_in_english(self, code: str, values: dict[str, str]) -> None:
        assert reasons.reason(ReasonView(code=code, text="in English", values=values), KOREAN) == "in English"


@pytest.mark.parametrize(
    ("kind", "data", "line"),
    [
        ("ticket.status", {"from": "open", "to": "solved"}, "Sam: Solved"),
        ("ticket.assigned", {"assignee": "kim@example.org"}, "Sam assigned this to kim@example.org"),
        ("ticket.assigned", {"assignee": "sam@example.org"}, "Sam assigned this to themselves"),
        ("ticket.assigned", {"assignee": ""}, "Sam unassigned this"),
        ("ticket.assigned", {"assignee": "", "had": "sam@example.org"}, "Sam gave this back to the queue"),
        ("ticket.assigned", {"assignee": "", "had": "kim@example.org"}, "Sam unassigned this"),
        ("ticket.assigned", {"assignee": "", "team": "plugin-support"}, "Sam moved this to Plugin support"),
        (
            "ticket.assigned",
            {"assignee": "", "had": "kim@example.org", "why": "released"},
            "Sam put all work of kim@example.org back into the queues",
        ),
        ("ticket.reopened", {}, "Reopened by a new message"),
        ("ticket.reopened", {"why": "delivery-failed"}, "Reopened: a reply was not delivered"),
        ("message.added", {}, None),
    ],
)
def test_a_change_is_one_line_in_the_timeline(kind: str, data: dict[str, str], line: str | None) -> None:
    event = EventView(
        seq=1, id="e", ticket_id="t", kind=kind, at=samples.rows()[0].created_at, actor="sam@example.org", data=data
    )
    shown = pane.line(event, {"sam@example.org": "Sam"}, ENGLISH)
    assert (shown.text if shown else None) == line


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Sam Okoro", "SO"), ("김서연", "서연"), ("ann@example.org", "A"), ("", "?"), ("+33 1 99", "?")],
)
def test_an_avatar_has_initials(name: str, letters: str) -> None:
    assert render.initials(name) == letters


class TestStaticFiles:
    @pytest.fixture
    def client(self) -> TestClient:
        app = FastAPI()
        app.include_router(static.router)
        return TestClient(app)

    def test_a_browser_keeps_them_until_they_change(self, client: TestClient) -> None:
        assert "immutable" in client.get(static.url("css/tokens.css")).headers["cache-control"]
        assert client.get("/static/old/css/tokens.css").headers["cache-control"] == "no-cache"

    def test_they_travel_compressed(self, client: TestClient) -> None:
        packed = client.get(static.url("js/live.js"))
        assert packed.headers["content-encoding"] == "gzip"
        plain = client.get(static.url("js/live.js"), headers={"Accept-Encoding": "identity"})
        assert plain.content == packed.content
        assert "content-encoding" not in plain.headers

    def test_the_worker_may_follow_the_stream_and_nothing_else(self, client: TestClient) -> None:
        policy = client.get(static.url("js/live-worker.js")).headers["content-security-policy"]
        assert policy == "default-src 'none'; script-src 'self'; connect-src 'self'"

    @pytest.mark.parametrize("path", ["../icons.py", "css/../../icons.py", "nothing.css", "%2e%2e/icons.py"])
    def test_nothing_else_is_served(self, client: TestClient, path: str) -> None:
        assert client.get(f"/static/{static.build()}/{path}").status_code == 404

    def test_all_our_own_styles_and_scripts_stay_small(self) -> None:
        def weight(suffix: str) -> int:
            return sum(
                len(file.packed or b"")
                for name, file in static.files().items()
                if name.endswith(suffix)
                and not any(
                    page in name for page in ("vendor", "wallboard", "supervisor", "policy", "reports", "settings")
                )  # loaded there only
            )

        assert weight(".css") < 20_000
        assert weight(".js") < 36_000


def test_the_sprite_has_every_icon_and_its_notice() -> None:
    sprite = icons.SPRITE.read_text("utf-8")
    assert "ISC License" in sprite
    for name in icons.ICONS:
        assert f'<symbol id="{name}"' in sprite
    used: set[Any] = set()
    for path in (WEB / "templates").rglob("*.html"):
        used |= set(re.findall(r'icon\("([\w-]+)"', path.read_text("utf-8")))
    assert used <= set(icons.ICONS)


def test_templates_hold_nothing_that_the_policy_forbids() -> None:
    for path in (WEB / "templates").rglob("*.html"):
        text = path.read_text("utf-8")
        assert not re.search(r"\son\w+=|\sstyle=|<style|javascript:|hx-on|\|\s*safe", text), path.name
        for script in re.findall(r"<script[^>]*>", text):
            assert "src=" in script, path.name


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0", "Firefox, Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/150.0 Safari/537.36 Edg/150.0", "Edge, Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (Linux; Android 16) Chrome/150.0 Mobile Safari/537.36", "Chrome, Android"),
        ("curl/8.17", "Unknown browser"),
    ],
)
def test_somebody_recognises_the_browser_that_they_left_signed_in(said: str, shown: str) -> None:
    assert admin.browser(said, ENGLISH) == shown


def test_an_admin_reads_in_words_whatever_the_audit_log_can_hold() -> None:
    assert set(admin.AUDIT) == set(audit.KINDS)
    for kind in audit.KINDS:
        assert any(kind == group or kind.startswith(f"{group}.") for group in admin.AUDIT_GROUPS), kind


@pytest.mark.parametrize("url", ["https://desk.example", "http://127.0.0.1:8000"])
def test_a_neighbour_under_the_same_domain_can_set_no_cookie_of_the_desk(url: str) -> None:
    desk: Any = SimpleNamespace(common=SimpleNamespace(public_url=url), settings=SimpleNamespace(session_hours=12))
    request: Any = SimpleNamespace(
        url=SimpleNamespace(path="/"),
        app=SimpleNamespace(state=SimpleNamespace(desk_of_pages=desk)),
        cookies={"__Host-switchboard_session": "host", "switchboard_session": "plain"},
    )
    answer = Response()
    viewer.keep_session(answer, desk, "t")
    secure = url.startswith("https")
    (header,) = answer.headers.getlist("set-cookie")
    assert header.startswith("__Host-switchboard_session=t;" if secure else "switchboard_session=t;")
    assert ("Secure" in header) is secure
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= {part.strip() for part in header.split(";")}
    assert "Domain" not in header
    assert viewer.cookie(request, "switchboard_session") == ("host" if secure else "plain")


def test_reading_begins_with_the_first_message_since_our_last_reply() -> None:
    first, second = samples.messages()[0], dataclasses.replace(samples.messages()[0], id="second")
    inbound = dataclasses.replace(first, direction="in")
    reply = dataclasses.replace(first, id="reply", direction="out")
    note = dataclasses.replace(first, id="note", direction="note")
    unread = dataclasses.replace(second, direction="in")
    assert pane.first_unread([inbound, reply, note, unread, note]) == "message-second"
    assert pane.first_unread([inbound, unread]) == f"message-{inbound.id}"
    assert pane.first_unread([inbound, reply, note]) == ""
    told = dataclasses.replace(reply, automatic="reply")
    assert pane.first_unread([inbound, told]) == f"message-{inbound.id}"


@pytest.mark.parametrize(
    ("html", "framed"),
    [
        ("<p>Hello <b>you</b></p>", False),
        ("<p>Hello</p><table><tr><td>1</td></tr></table>", True),
        ("<ul><li>one</li></ul>", True),
        ("<p>Thanks</p><blockquote><table><tr><td>1</td></tr></table></blockquote>", False),
        ("<p>1 &lt;table</p>", False),
    ],
)
def test_a_frame_is_shown_where_text_would_lose_something(html: str, *, framed: bool) -> None:
    assert formatted.needs_frame(dataclasses.replace(samples.messages()[0], html=html)) is framed


def test_the_note_of_a_hand_over_is_shown_until_somebody_has_answered() -> None:
    ticket = samples.ticket()
    note = ticket.messages[-1]

    def after(*changes: tuple[str, dict[str, str]], status: str = "open") -> pane.Handed | None:
        events = tuple(
            EventView(seq=seq, id=str(seq), ticket_id="t", kind=kind, at=note.at, actor="sam@example.org", data=data)
            for seq, (kind, data) in enumerate(changes)
        )
        shown = dataclasses.replace(
            ticket, events=events, row=dataclasses.replace(ticket.row, status=status, team="plugin-support")
        )
        return pane.handed(shown, {"sam@example.org": "Sam", "kim@example.org": "Kim"})

    to_kim = ("ticket.assigned", {"assignee": "kim@example.org", "note": note.id})
    handed = after(to_kim)
    assert handed
    assert (handed.by, handed.to, handed.text) == ("Sam", "Kim", note.text)
    to_team = after(("ticket.assigned", {"assignee": "", "team": "plugin-support", "note": note.id}))
    assert to_team
    assert to_team.to == "Plugin support"
    assert after(to_kim, ("reply.added", {})) is None
    assert after(to_kim, ("ticket.assigned", {"assignee": "sam@example.org"})) is None
    assert after(("ticket.assigned", {"assignee": "kim@example.org", "note": "further back"})) is None
    assert after(to_kim, status="solved") is None
