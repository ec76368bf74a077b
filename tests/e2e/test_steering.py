"""A supervisor's morning, in a browser: somebody is ill, a queue overflows, work is moved."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, expect

from shared.clock import utc_now
from shared.kernel import Level
from tests.e2e.axe import findings
from tests.e2e.conftest import BrowserLog, picture
from tests.e2e.desk import Customer, Desk
from tests.e2e.test_assignment import PHONE, come, gives, ready, team
from tests.e2e.test_looks import overflow
from tests.e2e.test_people import at_desk, made
from tests.waiting import eventually

__all__ = ["team"]


def test_a_supervisor_s_morning(browser: Browser, desk: Desk, team: str, log: BrowserLog) -> None:
    log.allow("status of 409 (Conflict)")
    her_name, his_name = (f"{name}-{uuid4().hex[:6]}" for name in ("Ann", "Bo"))  # other tests have an Ann, too
    sue, ann, bo = made(desk, "Sue", role="supervisor"), made(desk, her_name), made(desk, his_name)
    with at_desk(browser, desk, sue) as page:
        page.goto(f"{desk.url}/teams")
        page.locator("[name=team]").fill(team)
        page.locator(".primary").click()
        for email in (ann, bo):
            page.locator("#agent").select_option(email)
            page.locator("form[action='/teams/join'] button").click()
        waiting = [come(desk, team, f"Question {number}", name=f"Ana {number}", channel="email") for number in range(4)]
        counted = f"SELECT count(*) FROM desk.tickets WHERE team = '{team}'"
        eventually(lambda: desk.rows(counted)[0]["count"] == len(waiting), "all of them are there")
        desk.rows(
            f"UPDATE desk.tickets SET assignee_id = (SELECT id FROM desk.agents WHERE email = '{ann}'), given_at = now(),"
            f" due_at = now() + interval '40 min' WHERE id = ANY(ARRAY['{waiting[0]}', '{waiting[1]}']::uuid[])"
        )
        page.locator(".rail a[href='/supervisor']").click()
        hers = page.locator(".agent", has=page.locator("h3", has_text=her_name))
        his = page.locator(".agent", has=page.locator("h3", has_text=his_name))
        queue = page.locator(f"[id='queue-{team}']")
        expect(hers.locator(".work")).to_have_count(2)
        expect(hers).to_contain_text("Away, and has work")
        expect(queue).to_contain_text("2 waiting")
        expect(page.locator("#floor-risk .work")).to_have_count(2)
        assert findings(page) == []
        picture(page, "supervisor")

        # Somebody is ill: their work goes back, with its age, and each conversation says so.
        hers.get_by_text("Not in today").click()
        hers.get_by_label("What colleagues read").fill("not in today")
        hers.get_by_role("button", name="Put all work back").click()
        expect(page.locator(".toast")).to_contain_text("back in the queues: 2")
        expect(queue).to_contain_text("4 waiting")
        expect(hers.locator(".work")).to_have_count(0)

        # The queue overflows: somebody is called in, and comes.
        his.get_by_text("Call in").click()
        his.get_by_label("Why").fill("Four people wait")
        his.get_by_role("button", name="Ask to come in").click()
        with at_desk(browser, desk, bo) as his_page:
            expect(his_page.locator("#call-bar-called")).to_contain_text("Four people wait")
            assert findings(his_page) == []
            his_page.get_by_role("button", name="I am ready").click()
            expect(his_page.locator("#call-bar-called")).to_have_count(0)
        expect(his.locator(".agent-head")).to_contain_text("Ready")

        # Work is moved by keyboard from the queue's page, and dragged from person to queue.
        queue.get_by_role("link").click()
        expect(page.locator("#queue .work")).to_have_count(4)
        expect(page.locator(".why-waits").first).to_contain_text("Members take it from the queue")
        assert findings(page) == []
        picture(page, "queue")
        page.keyboard.press("j")
        page.keyboard.press("x")
        page.keyboard.press("j")
        page.keyboard.press("x")
        expect(page.locator("#bulk-said")).to_have_text("2 selected")
        page.keyboard.press("t")
        dialog = page.locator("#hand-over")
        expect(dialog.locator("#hand-over-find")).to_be_focused()
        page.keyboard.type(his_name)
        page.keyboard.press("Enter")
        expect(page.locator("#queue .work")).to_have_count(2)
        page.keyboard.press("g")
        page.keyboard.press("s")
        expect(his.locator(".work")).to_have_count(2)
        his.locator(".work").first.drag_to(queue)
        expect(his.locator(".work")).to_have_count(1)
        expect(queue).to_contain_text("3 waiting")
        picture(page, "supervisor-moved")

        # Two take one at once: one has it, the other is told who.
        page.goto(f"{desk.url}/c/{waiting[0]}")
        take = page.locator(".conversation-head [data-key=a]")
        expect(take).to_be_visible()
        desk.rows(
            f"UPDATE desk.tickets SET assignee_id = (SELECT id FROM desk.agents WHERE email = '{bo}') WHERE id = '{waiting[0]}'"
        )
        take.click()
        expect(page.locator(".toast")).to_contain_text(f"{his_name} has it now")
        expect(page.locator(".conversation-head .assign")).to_contain_text(his_name)


@pytest.mark.parametrize("language", ["fr", "ko"])
def test_a_supervisor_looks_from_a_phone_in_the_dark(browser: Browser, desk: Desk, team: str, language: str) -> None:
    sue = made(desk, "Sue", role="supervisor")
    with at_desk(browser, desk, sue, language=language, **PHONE) as page:
        gives(page, desk, team, sue)
        late = Customer("Ana Ruiz", "email:ana@example.org", team=team)
        desk.receive(
            late.says(
                "My shop is down and nobody answers the telephone",
                subject="Down",
                level=Level.URGENT,
                at=utc_now() - timedelta(minutes=9),
            )
        )
        ready(page, desk, sue)
        for path in ("supervisor", f"queues/{team}", "inbox/all"):
            page.goto(f"{desk.url}/{path}")
            expect(page.locator("h1").first).to_be_visible()
            assert (overflow(page) <= 0, findings(page)) == (True, []), path
            picture(page, f"phone-{path.partition('/')[0]}-{language}")
        page.locator("#rows .pick").first.check()
        page.locator("#bulk .button").first.click()
        expect(page.locator("#hand-over-form")).to_be_visible()
        assert (overflow(page) <= 0, findings(page)) == (True, [])
        picture(page, f"phone-hand-over-{language}")
