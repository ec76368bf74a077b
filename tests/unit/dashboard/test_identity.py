"""Who is let in as whom: the rules about signed identities, as tables."""

from __future__ import annotations

import string
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dashboard.adapters.jwt_signatures import JwtSignatures
from services.dashboard.domain.identity import Identity, admit, identify
from services.dashboard.domain.refusal import Refusal

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
T = int(NOW.timestamp())
GOOD: dict[str, Any] = {"sub": "7", "aud": "shop", "iat": T, "exp": T + 600}
SECRETS = {"new": "n" * 43, "old": "o" * 43}


def refused(**changes: Any) -> str:
    claims = {name: value for name, value in (GOOD | changes).items() if value is not ...}
    with pytest.raises(Refusal) as error:
        identify(claims, "shop", NOW)
    return error.value.code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sub": ...}, "identity-subject"),
        ({"sub": ""}, "identity-subject"),
        ({"sub": 7}, "identity-subject"),
        ({"sub": "x" * 201}, "identity-subject"),
        ({"sub": "a\nb"}, "identity-subject"),
        ({"aud": ...}, "identity-audience"),
        ({"aud": "other"}, "identity-audience"),
        ({"aud": ["other"]}, "identity-audience"),
        ({"iat": ...}, "identity-times"),
        ({"exp": ...}, "identity-times"),
        ({"exp": True}, "identity-times"),
        ({"exp": "soon"}, "identity-times"),
        ({"exp": float("nan")}, "identity-times"),
        ({"exp": 10**30}, "identity-times"),
        ({"iat": T + 61, "exp": T + 600}, "identity-future"),
        ({"exp": T + 3601}, "identity-lifetime"),
        ({"iat": T - 600, "exp": T - 60}, "identity-expired"),
        ({"iat": T, "exp": T}, "identity-lifetime"),
        ({"iat": T, "exp": T - 30}, "identity-lifetime"),
    ],
)
def test_a_claim_that_proves_nothing_lets_nobody_in(changes: dict[str, Any], code: str) -> None:
    assert refused(**changes) == code


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"iat": T + 59, "exp": T + 600},
        {"iat": T - 600, "exp": T - 59},
        {"exp": T + 3600},
        {"aud": ["other", "shop"]},
        {"sub": "u" * 200},
    ],
)
def test_clocks_that_differ_by_less_than_a_minute_keep_nobody_out(changes: dict[str, Any]) -> None:
    assert identify(GOOD | changes, "shop", NOW).subject


def test_what_the_site_tells_of_a_customer_is_kept_and_what_cannot_be_used_is_named() -> None:
    person = identify(
        GOOD
        | {
            "email": "Rose@Example.org",
            "name": " Rose  Martin ",
            "birth_year": 1955,
            "tier": "gold",
            "phone": "+33142685300",
            "locale": "fr-FR",
        },
        "shop",
        NOW,
    )
    assert (person.name, person.birth_year, person.tier, person.locale, person.ignored) == (
        "Rose Martin",
        1955,
        "gold",
        "fr",
        (),
    )
    assert person.point("shop") == "chat:shop.7"
    assert person.also == ("email:rose@example.org", "tel:+33142685300")
    odd = identify(
        GOOD | {"email": "no", "name": 5, "birth_year": 3000, "tier": "x" * 51, "phone": [], "locale": "!"}, "shop", NOW
    )
    assert odd.ignored == ("email", "name", "birth_year", "tier", "phone", "locale")
    assert (odd.also, odd.birth_year) == ((), None)


@pytest.mark.parametrize(
    ("given_year", "kept"),
    [
        (1955, 1955),
        ("1955", 1955),
        (1899, None),
        (2027, None),
        (True, None),
        ("195", None),
        (1955.5, None),
        (None, None),
    ],
)
def test_a_birth_year_is_taken_only_where_it_can_be_one(given_year: object, kept: int | None) -> None:
    assert identify(GOOD | {"birth_year": given_year}, "shop", NOW).birth_year == kept


@pytest.mark.parametrize(
    ("mode", "verified", "claimed", "code"),
    [
        ("anonymous", False, False, ""),
        ("anonymous", True, True, "identity-not-used"),
        ("optional", False, False, ""),
        ("optional", True, True, ""),
        ("required", False, False, "identity-required"),
        ("required", True, True, ""),
        ("required", True, False, ""),
    ],
)
def test_a_sites_mode_says_who_may_come(mode: str, verified: bool, claimed: bool, code: str) -> None:
    if not code:
        admit(mode, verified=verified, claimed=claimed)
        return
    with pytest.raises(Refusal) as error:
        admit(mode, verified=verified, claimed=claimed)
    assert error.value.code == code


def sign(claims: object = GOOD, secret: str = SECRETS["new"], algorithm: str = "HS256", **header: Any) -> str:
    return jwt.encode(claims, secret, algorithm=algorithm, headers={"kid": "new"} | header)  # type: ignore[arg-type]


def test_a_token_counts_while_its_secret_does() -> None:
    read = JwtSignatures().claims
    assert read(sign(), SECRETS) == GOOD
    assert read(sign(secret=SECRETS["old"], kid="old"), SECRETS) == GOOD
    with pytest.raises(Refusal, match="kid"):
        read(sign(secret=SECRETS["old"], kid="old"), {"new": SECRETS["new"]})


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (sign(secret="x" * 43), "identity-signature"),
        (sign(kid="old"), "identity-signature"),
        (sign(kid="gone"), "identity-kid"),
        (sign(secret="x" * 64, algorithm="HS512"), "identity-algorithm"),
        (jwt.encode(GOOD, None, algorithm="none", headers={"kid": "new"}), "identity-algorithm"),
        (sign()[:-5] + "AAAAA", "identity-signature"),
        (sign()[:-1], "identity-malformed"),
        ("a.b.c", "identity-malformed"),
        ("", "identity-malformed"),
        ("..", "identity-malformed"),
        ("é.é.é", "identity-malformed"),
        ("x" * 5000, "identity-malformed"),
    ],
)
def test_a_wrong_token_is_refused_with_what_to_do(token: str, code: str) -> None:
    with pytest.raises(Refusal) as error:
        JwtSignatures().claims(token, SECRETS)
    assert error.value.code == code


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*GOOD, "email", "name", "birth_year", "tier", "phone", "locale"]), json_values))
def test_whatever_a_signed_token_holds_it_is_an_identity_or_a_refusal(changes: dict[str, Any]) -> None:
    try:
        person = identify(GOOD | changes, "shop", NOW)
    except Refusal:
        return
    assert isinstance(person, Identity)
    assert person.birth_year is None or 1900 <= person.birth_year <= 2026


@given(st.text(alphabet=string.printable + "é한", max_size=200))
def test_whatever_stands_where_a_token_should_it_is_refused(token: str) -> None:
    with pytest.raises(Refusal):
        JwtSignatures().claims(token, SECRETS)
