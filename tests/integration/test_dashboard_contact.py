"""The contact page without any script: a plain HTTP client fills in the form, as an old browser
would."""

from __future__ import annotations

import asyncio
import re
from html import unescape

import httpx
import pytest

from tests.integration.dashboard_parts import Process, Site, Stage, received, reply

MESSAGE = {
    "topic": "My invoice",
    "name": "Rose Martin",
    "email": "rose@example.org",
    "message": "I was charged twice.",
    "answer": "email",
}


def browser(door: Process, language: str = "en") -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=door.url, headers={"Accept-Language": language}, follow_redirects=True, timeout=30
    )


def hidden_key(page: httpx.Response) -> str:
    found = re.search(r'name="key" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


async def conversation_of(place: Stage, marker: str) -> str:
    import asyncpg

    connection = await asyncpg.connect(place.dsn)
    found = await connection.fetchval("SELECT conversation FROM dashboard.messages WHERE text LIKE $1", f"%{marker}%")
    await connection.close()
    return str(found)


async def test_somebody_writes_reads_the_answer_and_writes_back_without_script(
    place: Stage, door: Process, site: Site
) -> None:
    async with browser(door) as http:
        form = await http.get(f"/contact/{site.site}")
        assert form.status_code == 200
        assert not http.cookies
        body = MESSAGE | {"key": hidden_key(form), "answer": "phone", "phone": "+33 1 42 68 53 00"}
        thanks = await http.post(f"/contact/{site.site}", data=body)
        assert "Thank you" in thanks.text
        assert thanks.url.path.endswith("/thanks")
        page = await http.get(f"/contact/{site.site}/conversation")
        assert "I was charged twice." in page.text
        (message,) = await received(place.kafka, await conversation_of(place, "charged twice"))
        assert message.also == ("email:rose@example.org", "tel:+33142685300")
        assert (message.sender_name, message.sender_verified, message.subject) == ("Rose Martin", False, "My invoice")
        assert message.wish == "phone"
        assert (message.facts["email"], message.facts["phone"]) == ("rose@example.org", "+33142685300")
        await reply(place.kafka, message, "We <b>return</b> it today: https://shop.example/refunds.")
        async with asyncio.timeout(20):
            while "We &lt;b&gt;return&lt;/b&gt; it today" not in page.text:
                page = await http.get(f"/contact/{site.site}/conversation")
        link = '<a href="https://shop.example/refunds" target="_blank" rel="noopener noreferrer nofollow">'
        assert link in page.text
        back = await http.post(
            f"/contact/{site.site}/conversation", data={"key": hidden_key(page), "message": "Thank you!"}
        )
        assert (back.status_code, back.text.count("<li class=")) == (200, 3)
    both = await received(place.kafka, message.thread.conversation, count=2)
    assert both[1].text == "Thank you!"
    assert both[1].sender == message.sender
    assert both[1].also == message.also


@pytest.mark.parametrize(
    ("language", "title", "error", "thanks"),
    [
        ("fr-CA,fr;q=0.9,en;q=0.5", "Nous écrire", "Saisissez votre adresse e-mail.", "Merci"),
        ("ko-KR,ko;q=0.9", "문의하기", "이메일 주소를 입력해 주세요.", "감사합니다"),
        ("de", "Contact us", "Enter your email address.", "Thank you"),
    ],
)
async def test_the_page_speaks_the_visitors_language(
    door: Process, site: Site, language: str, title: str, error: str, thanks: str
) -> None:
    async with browser(door, language) as http:
        form = await http.get(f"/contact/{site.site}")
        assert f"<h1>{title}</h1>" in form.text
        wrong = await http.post(f"/contact/{site.site}", data=MESSAGE | {"key": hidden_key(form), "email": ""})
        assert wrong.status_code == 422
        assert unescape(wrong.text).count(error) == 2
        done = await http.post(f"/contact/{site.site}", data=MESSAGE | {"key": hidden_key(form)})
        assert thanks in done.text
        chosen = await http.get(f"/contact/{site.site}", params={"lang": "ko"})
        assert '<html lang="ko">' in chosen.text


async def test_errors_stand_beside_their_fields_and_in_a_summary_and_what_was_typed_is_kept(
    door: Process, site: Site
) -> None:
    async with browser(door) as http:
        form = await http.get(f"/contact/{site.site}")
        typed = {
            "topic": "",
            "name": "Ann <i>",
            "email": "ann@",
            "message": "",
            "answer": "phone",
            "phone": "12",
            "key": hidden_key(form),
        }
        page = await http.post(f"/contact/{site.site}", data=typed)
    assert page.status_code == 422
    for field in ("topic", "email", "message", "phone"):
        assert f'<a href="#{field}">' in page.text
        assert f'id="{field}-error"' in page.text
        assert re.search(rf'id="{field}"[^>]*aria-invalid="true" aria-describedby="{field}-error', page.text), field
    assert 'value="Ann &lt;i&gt;"' in page.text
    assert 'value="phone" checked' in page.text


async def test_a_form_that_is_sent_twice_is_one_message_even_before_the_first_answer(
    place: Stage, door: Process, site: Site
) -> None:
    async with browser(door) as http:
        key = hidden_key(await http.get(f"/contact/{site.site}"))
    body = MESSAGE | {"key": key, "message": "double click"}

    async def press() -> httpx.Response:
        async with browser(door) as fresh:
            return await fresh.post(f"/contact/{site.site}", data=body)

    answers = await asyncio.gather(*(press() for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(await received(place.kafka, await conversation_of(place, "double click"))) == 1


async def test_a_changed_form_sent_again_asks_once_more_and_keeps_the_text(door: Process, site: Site) -> None:
    async with browser(door) as http:
        key = hidden_key(await http.get(f"/contact/{site.site}"))
        await http.post(f"/contact/{site.site}", data=MESSAGE | {"key": key})
        again = await http.post(f"/contact/{site.site}", data=MESSAGE | {"key": key, "message": "something else"})
        assert again.status_code == 409
        assert "something else" in again.text
        assert hidden_key(again) != key
        sent = await http.post(
            f"/contact/{site.site}", data=MESSAGE | {"key": hidden_key(again), "message": "something else"}
        )
        assert "Thank you" in sent.text


async def test_a_program_that_fills_in_every_field_is_stopped_and_a_person_is_told_why(
    door: Process, site: Site
) -> None:
    async with browser(door) as http:
        key = hidden_key(await http.get(f"/contact/{site.site}"))
        page = await http.post(f"/contact/{site.site}", data=MESSAGE | {"key": key, "website": "https://spam.example"})
    assert page.status_code == 422
    assert "Please leave this field empty" in page.text


async def test_another_browser_sees_nothing_of_a_conversation(door: Process, site: Site) -> None:
    async with browser(door) as http:
        page = await http.get(f"/contact/{site.site}/conversation")
        missing = await http.get("/contact/no-such-site")
    assert page.status_code == 403
    assert "This conversation cannot be shown here" in page.text
    assert missing.status_code == 404


async def test_a_form_that_another_site_sends_leaves_no_conversation_behind(door: Process, site: Site) -> None:
    async with browser(door) as http:
        body = MESSAGE | {"key": hidden_key(await http.get(f"/contact/{site.site}")), "answer": "email"}
        refused = await http.post(f"/contact/{site.site}", data=body, headers={"Origin": "https://evil.example"})
        assert refused.status_code == 403
        assert not http.cookies
        own = await http.post(f"/contact/{site.site}", data=body, headers={"Origin": door.url})
        assert own.status_code == 200


async def test_the_page_runs_no_script_and_shows_in_no_frame(door: Process, site: Site) -> None:
    async with browser(door) as http:
        page = await http.get(f"/contact/{site.site}")
        style = await http.get("/static/contact.css")
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert "default-src 'none'; style-src 'self'" in page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert style.headers["content-type"].startswith("text/css")


async def test_a_neighbour_under_the_same_domain_cannot_slip_a_customer_its_own_cookie(
    door: Process, site: Site
) -> None:
    async with httpx.AsyncClient(base_url=door.url, headers={"X-Forwarded-Proto": "https"}, timeout=30) as http:
        form = await http.get(f"/contact/{site.site}")
        sent = await http.post(f"/contact/{site.site}", data=MESSAGE | {"key": hidden_key(form)})
        (cookie,) = sent.headers.get_list("set-cookie")
        http.cookies.clear()
        name, value = cookie.partition(";")[0].split("=", 1)
        assert name == f"__Host-switchboard_visitor_{site.site}"
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= {part.strip() for part in cookie.split(";")}
        assert sent.headers["cache-control"] == "no-store"
        path = f"/contact/{site.site}/conversation"
        assert MESSAGE["message"] in (await http.get(path, headers={"Cookie": f"{name}={value}"})).text
        slipped = await http.get(path, headers={"Cookie": f"{name.removeprefix('__Host-')}={value}"})
        assert MESSAGE["message"] not in slipped.text


async def test_everything_that_the_page_asks_for_is_there(door: Process, site: Site) -> None:
    async with browser(door) as http:
        page = await http.get(f"/contact/{site.site}")
        asked = re.findall(r'<link[^>]* href="([^"]+)"', page.text)
        assert len(asked) == 2
        for address in asked:
            assert (await http.get(address)).status_code == 200
        assert "img-src 'self'" in page.headers["content-security-policy"]
