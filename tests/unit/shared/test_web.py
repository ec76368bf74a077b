"""The HTTP side that all services have, as the other end of the line sees it."""

from __future__ import annotations

import json
from typing import Any

from fastapi import Request
from structlog.testing import capture_logs

from shared.health import Health
from shared.web import create_api, problem


async def test_somebody_who_hangs_up_in_the_middle_of_a_request_is_no_fault_of_ours() -> None:
    api = create_api("stage", Health(), title="Stage")

    @api.post("/letters")
    async def take(request: Request) -> int:
        return len(await request.body())

    half = [{"type": "http.request", "body": b"Dear", "more_body": True}, {"type": "http.disconnect"}]
    answers: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return half.pop(0)

    async def send(message: Any) -> None:
        answers.append(message)

    scope = {"type": "http", "method": "POST", "path": "/letters", "headers": [], "query_string": b""}
    with capture_logs() as logged:
        await api(scope, receive, send)
    assert answers[0]["status"] == 499
    assert not logged


def test_a_refusal_that_quotes_half_a_character_can_be_read() -> None:
    answer = problem(422, "no-such-address", "There is no contact point '\ud800' here.")
    assert json.loads(bytes(answer.body))["detail"] == "There is no contact point '?' here."
