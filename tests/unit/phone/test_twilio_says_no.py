"""What Twilio refuses is judged by its status, in whichever of its two forms it says so."""

from __future__ import annotations

from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException, TwilioServiceException
from twilio.base.version import Version
from twilio.http.response import Response

from services.phone.adapters import twilio_api
from shared.attempts import Result
from shared.channels import Denied
from shared.errors import Malformed, Unavailable

FORMS = (
    '{{"code": 21610, "message": "Unsubscribed", "status": {status}}}',
    '{{"type": "about:blank", "title": "Refused", "detail": "Unsubscribed", "code": 21610, "status": {status}}}',
)
"""Twilio's own body, and a problem of RFC 9457."""
ODD = '{"type": "about:blank", "title": "Refused", "code": "x", "status": "soon"}'


def saying(body: str, status: int) -> Any:
    """An operation that Twilio's client answers with its own exception for this answer."""

    async def ask() -> Any:
        raise Version.exception("POST", "/Messages.json", Response(status, body), "Unable to create record")

    return ask


def test_the_client_knows_both_forms() -> None:
    kinds = [type(Version.exception("GET", "/", Response(400, form.format(status=400)), "")) for form in FORMS]
    assert kinds == [TwilioRestException, TwilioServiceException]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("status", "result", "error"),
    [
        (400, Result.REFUSED, Malformed),
        (401, Result.LATER, Denied),
        (429, Result.LATER, Unavailable),
        (503, Result.UNKNOWN, Unavailable),
    ],
)
async def test_a_refusal_counts_by_its_status(form: str, status: int, result: Result, error: type[Exception]) -> None:
    ask = saying(form.format(status=status), status)
    outcome = await twilio_api._judged(ask)
    assert (outcome.result, outcome.code) == (result, twilio_api.OPTED_OUT)
    assert "Unsubscribed (21610)" in outcome.words
    with pytest.raises(error, match="Unsubscribed"):
        await twilio_api._asked(ask)


async def test_a_refusal_without_a_status_that_can_be_read_leaves_open_what_happened() -> None:
    ask = saying(ODD, 400)
    assert (await twilio_api._judged(ask)).result is Result.UNKNOWN
    with pytest.raises(Unavailable):
        await twilio_api._asked(ask)
