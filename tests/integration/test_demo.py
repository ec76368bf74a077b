"""`make demo`: a newcomer without any account sees all channels arrive, writes back and forth, and
leaves nothing behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.demo import trickle
from deploy.demo.cast import Caller, Post
from deploy.demo.practice import Practice as Place
from deploy.demo.practice import begin_anew, settings
from deploy.local.problem import Problem
from tests.conftest import engine_folder
from tests.practice import Practice, practising
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def demo() -> Iterator[Practice]:
    # What a developer may have in their environment must not reach a real provider from here.
    real = {
        "PHONE_API_URL": "http://127.0.0.1:9",
        "SOCIAL_X_API_URL": "http://127.0.0.1:9",
        "EMAIL_RELAY_HOST": "127.0.0.1",
    }
    with engine_folder() as folder, practising(folder, "--minutes", "0.3", "--pace", "0.2", **real) as found:
        yield found


def tickets(demo: Practice) -> list[dict[str, Any]]:
    return list(demo.desk("GET", "/tickets?order=newest&limit=100")["items"])


def ticket_with(demo: Practice, text: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        for row in tickets(demo):
            whole = dict(demo.desk("GET", f"/tickets/{row['id']}"))
            if any(text in message["text"] for message in whole["messages"]):
                return whole
        return None

    found = eventually(look, f"a ticket with {text!r}")
    assert found
    return found


def street(demo: Practice, path: str, body: object = None) -> Any:
    url = f"{demo.street}/api{path}"
    answer = httpx.post(url, json=body, timeout=30) if body is not None else httpx.get(url, timeout=30)
    assert answer.status_code < 300, answer.text
    return answer.json()


def test_every_channel_arrives_as_tickets_and_praise_does_not(demo: Practice) -> None:
    assert {row["channel"] for row in tickets(demo)} >= {"email", "chat", "sms", "phone", "x"}
    texts = [
        message["text"] for row in tickets(demo) for message in demo.desk("GET", f"/tickets/{row['id']}")["messages"]
    ]
    assert any("택배" in text for text in texts)
    assert not any("Huge thanks to Anna" in text for text in texts)


def test_the_older_customer_is_known_to_prefer_the_phone(demo: Practice) -> None:
    choices = ticket_with(demo, "The new menu is hard for me to read")["channels"]
    assert choices[0]["channel"] == "phone"
    assert "age 71" in choices[0]["reasons"][0]["text"]


def test_a_newcomer_reads_where_the_desk_is_and_how_to_sign_in(demo: Practice) -> None:
    assert (demo.home / "admin-password").read_text().strip() in demo.said
    assert demo.run["services"]["desk"]["url"] in demo.said
    assert "Traceback" not in demo.said


def test_more_customers_come_by_themselves_for_a_bounded_time(demo: Practice) -> None:
    eventually(lambda: "no more customers come by themselves" in demo.said, "the trickle to end")
    assert len(demo.said.partition("Ctrl-C stops everything")[2].splitlines()) > 2


def test_a_mail_of_the_street_is_answered_and_the_answer_comes_back(demo: Practice) -> None:
    letter = {"name": "Robin", "address": "robin@example.org", "subject": "A lamp", "text": "Is the lamp in stock?"}
    street(demo, "/mails", letter)
    ticket = ticket_with(demo, "Is the lamp in stock?")
    demo.desk("POST", f"/tickets/{ticket['row']['id']}/replies", {"text": "Yes, two of them.", "author_name": "Anna"})

    def came_back() -> dict[str, Any] | None:
        return next((mail for mail in street(demo, "/mails") if "Yes, two of them." in mail["text"]), None)

    mail = eventually(came_back, "the answer in the street")
    answered = {"id": mail["id"], "references": mail["references"]}
    street(demo, "/mails", {**letter, "to": mail["answer_to"], "text": "Then I take both!", "answers": answered})
    assert ticket_with(demo, "Then I take both!")["row"]["id"] == ticket["row"]["id"]


def test_a_complaint_posted_in_the_street_is_caught_with_its_reach(demo: Practice) -> None:
    text = "@acme my kettle exploded and your support ignores me, I want my money back"
    street(demo, "/posts", {"username": "robinvale", "name": "Robin Vale", "followers": 90_000, "text": text})
    ticket = ticket_with(demo, "my kettle exploded")
    reasons = [reason["text"] for reason in ticket["reasons"]]
    assert any("90,000" in reason for reason in reasons), reasons
    link = ticket["messages"][0]["facts"]["Post"]
    assert link.startswith(f"{demo.street}/robinvale/status/"), "“Open the post” stays in the street"
    assert httpx.get(link, follow_redirects=True).status_code == 200


def test_a_text_message_of_the_street_arrives(demo: Practice) -> None:
    street(demo, "/phones/+447700900143/text", {"text": "Is Sam's parcel on its way?"})
    assert ticket_with(demo, "Is Sam's parcel on its way?")["row"]["channel"] == "sms"


def test_another_site_cannot_work_the_street(demo: Practice) -> None:
    """A page elsewhere may send forms, but no JSON, and may not rename itself to 127.0.0.1."""
    form = httpx.post(f"{demo.street}/api/posts", data={"username": "eve", "text": "@acme hello"})
    assert form.status_code == 415
    assert httpx.get(f"{demo.street}/api/street", headers={"Host": "evil.example"}).status_code == 400


def test_a_second_demonstration_is_told_about_the_first(demo: Practice) -> None:
    environment = {**os.environ, "SWITCHBOARD_HOME": str(demo.home.parent)}
    found = subprocess.run(
        [sys.executable, "-m", "deploy.demo"], check=False, env=environment, capture_output=True, text=True, timeout=60
    )
    assert found.returncode == 1
    assert demo.street in found.stderr
    assert len(found.stderr.splitlines()) == 1


def test_ctrl_c_ends_everything_in_order(demo: Practice) -> None:
    assert demo.stop() == 0
    assert "nothing is left running" in demo.said
    assert "Traceback" not in demo.said
    assert not (demo.home / "run.json").exists()


def test_only_a_folder_of_its_own_is_ever_emptied(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    with pytest.raises(Problem, match="no practice folder"):
        begin_anew(tmp_path)
    assert (tmp_path / "postgres").is_dir()
    begin_anew(tmp_path / "new")
    (tmp_path / "new" / "postgres").mkdir()
    begin_anew(tmp_path / "new")
    assert not (tmp_path / "new" / "postgres").exists()


def test_no_real_account_is_ever_used(tmp_path: Path) -> None:
    account = {"url": "http://127.0.0.1:1", "account_sid": "AC1", "auth_token": "t", "number": "+33199001234"}
    mine = {"PHONE_ACCOUNT_SID": "AC-mine", "EMAIL_RELAY_HOST": "smtp-mine.example", "PATH": "/bin"}
    file = {"SOCIAL_X_ACCESS_TOKEN": "x-mine", "EMAIL_IMAP_PASSWORD": "i-mine", "SWITCHBOARD_STORAGE": "s3://s-mine"}
    network = {"SOCIAL_X_API_URL": "http://127.0.0.1:2", "SOCIAL_X_ACCESS_TOKEN": "practice"}
    found = settings(Place(tmp_path, 20_000), mine, file, account, network)
    assert not [name for name, value in found.items() if "-mine" in value]
    assert found["PHONE_API_URL"] == account["url"]
    assert found["SOCIAL_X_API_URL"] == network["SOCIAL_X_API_URL"]
    assert found["PATH"] == "/bin"
    assert set(file) <= set(found), "an empty variable of the environment keeps a line of .env away"


def test_customers_come_slowly_on_every_channel_and_then_stop() -> None:
    events = list(trickle.events(1800))
    assert sum(later.seconds for later in events) <= 1800
    assert min(later.seconds for later in events) >= trickle.FIRST
    assert {type(later.event).__name__ for later in events} == {"Letter", "Chat", "Text", "Caller", "Post"}
    assert events == list(trickle.events(1800)), "the same street for everybody"


def test_nobody_on_the_street_says_the_same_twice() -> None:
    said = [later.event.text for later in trickle.events(1800) if not isinstance(later.event, Caller)]
    assert len(said) > 200
    assert len(set(said)) == len(said)
    handles = [later.event.username for later in trickle.events(1800) if isinstance(later.event, Post)]
    assert all(re.fullmatch(r"[a-z_]{1,15}", handle) for handle in handles), "X allows no other"
