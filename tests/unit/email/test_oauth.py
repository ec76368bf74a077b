"""What a token endpoint's answer means for whoever looks after a mailbox."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from services.email.domain.imap import Trouble
from services.email.domain.oauth import Refused, Tokens, challenge, code_in, page, tokens_of, xoauth2


@pytest.mark.parametrize(
    ("answer", "tokens"),
    [
        ({"access_token": "a", "refresh_token": "r", "expires_in": 3599}, Tokens("a", "r", 3599)),
        ({"access_token": "a", "expires_in": "3599"}, Tokens("a", "", 3599)),
        ({"access_token": "a", "refresh_token": None}, Tokens("a", "", 300)),
    ],
)
def test_tokens_are_read(answer: dict[str, object], tokens: Tokens) -> None:
    assert tokens_of(answer) == tokens


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        ({"error": "invalid_grant", "error_description": "Token has been expired or revoked."}, Trouble.SIGN_IN),
        ({"error": "interaction_required"}, Trouble.SIGN_IN),
        ({"error": "temporarily_unavailable"}, Trouble.BUSY),
        ({"error": "invalid_client"}, Trouble.REFUSED),
        ({}, Trouble.REFUSED),
    ],
)
def test_a_refusal_tells_whether_a_person_has_to_sign_in_again(answer: dict[str, object], trouble: Trouble) -> None:
    with pytest.raises(Refused) as caught:
        tokens_of(answer)
    assert caught.value.trouble is trouble
    assert str(answer.get("error", "no access token")) in str(caught.value)


def test_what_xoauth2_sends_is_as_google_writes_it() -> None:
    assert xoauth2("someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg") == (
        "user=someuser@example.com\x01auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\x01\x01"
    )


def test_the_challenge_is_that_of_rfc_7636_appendix_b() -> None:
    assert challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_page_asks_for_mail_and_for_a_token_that_lasts() -> None:
    address = page("https://accounts.google.com/x", "client", "http://127.0.0.1:1", "state", "verifier", "a@b.example")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert asked["scope"] == "https://mail.google.com/"
    assert (asked["access_type"], asked["prompt"], asked["login_hint"]) == ("offline", "consent", "a@b.example")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://127.0.0.1:1/?state=other&code=x", "another sign-in"),
        ("http://127.0.0.1:1/?state=state&error=access_denied", "access_denied"),
        ("http://127.0.0.1:1/?state=state", "no code"),
    ],
)
def test_the_answer_of_somebody_else_and_a_no_are_refused(address: str, words: str) -> None:
    assert code_in("/?state=state&code=x", "state") == "x"
    with pytest.raises(Refused, match=words):
        code_in(address, "state")
