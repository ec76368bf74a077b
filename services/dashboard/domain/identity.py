"""Checks the claims of a signed token. Its signature is verified elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.dashboard.domain.refusal import Refusal
from shared.kernel import ContactPoint, contact_point, email_point

MAX_LIFETIME = timedelta(hours=1)
"""A stolen token should not outlive the visit."""
LEEWAY = timedelta(seconds=60)
"""Two servers' clocks differ; RFC 7519, 4.1.4 allows "usually no more than a few minutes"."""
MAX_SUBJECT = 200
MODES = ("anonymous", "optional", "required")
_EMAIL = re.compile(r"[^\s@<>\"',;:]{1,64}@[^\s@<>\"',;:]{1,190}\.[^\s@<>\"',;:.]{2,63}")
_LOCALE = re.compile(r"([A-Za-z]{2})(?:[-_].{1,30})?")
_OLDEST = 1900


@dataclass(frozen=True, slots=True)
class Identity:
    """A person as their own site vouches for them. `ignored`: optional claims that could not be
    used."""

    subject: str
    expires_at: datetime
    email: str = ""
    name: str = ""
    birth_year: int | None = None
    tier: str = ""
    phone: str = ""
    locale: str = ""
    ignored: tuple[str, ...] = ()

    def point(self, site: str) -> ContactPoint:
        """Returns their contact point. Holds the site, because two sites may both have a user 1."""
        return contact_point("chat", f"{site}.{self.subject}")

    @property
    def also(self) -> tuple[ContactPoint, ...]:
        """Their other contact points; `phone` is in E.164 already."""
        email = (email_point(self.email),) if self.email else ()
        return (*email, contact_point("tel", self.phone)) if self.phone else email


def identify(claims: Mapping[str, object], site: str, now: datetime) -> Identity:
    """Reads an identity from claims whose signature was verified. Raises Refusal."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject.strip() or len(subject) > MAX_SUBJECT or not subject.isprintable():
        raise Refusal("identity-subject", f"`sub` must be the user's id: a text of 1 to {MAX_SUBJECT} characters")
    audience = claims.get("aud")
    if site not in (audience if isinstance(audience, list) else [audience]):
        raise Refusal("identity-audience", f"`aud` must be this site's id, {site}: sign a token for each site")
    issued, expires = _time(claims, "iat"), _time(claims, "exp")
    if issued > now + LEEWAY:
        raise Refusal(
            "identity-future", "`iat` lies in the future: set your server's clock, and use seconds since 1970"
        )
    if expires - issued > MAX_LIFETIME:
        raise Refusal("identity-lifetime", "`exp` must be at most one hour after `iat`: sign a new token for each page")
    if expires <= now - LEEWAY:
        raise Refusal("identity-expired", "this identity token has expired: sign a new one and open the session again")
    if expires <= issued:
        raise Refusal("identity-lifetime", "`exp` must be after `iat`")
    return _described(claims, subject.strip(), expires)


def admit(mode: str, *, verified: bool, claimed: bool) -> None:
    """Checks whether a site's mode admits this person. `claimed`: they came with an identity token.
    Raises Refusal."""
    if mode == "anonymous" and claimed:
        raise Refusal(
            "identity-not-used",
            "this site takes no signed identities: leave `identity` out, or set its mode to optional",
        )
    if mode == "required" and not verified:
        raise Refusal(
            "identity-required", "this site answers signed-in customers only: sign in there, then write again"
        )


def _time(claims: Mapping[str, object], name: str) -> datetime:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refusal("identity-times", f"`{name}` is missing or is not a number of seconds since 1970")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Refusal("identity-times", f"`{name}` is not a number of seconds since 1970") from error


def _described(claims: Mapping[str, object], subject: str, expires_at: datetime) -> Identity:
    read = {
        "email": _email(claims.get("email")),
        "name": _words(claims.get("name"), 200),
        "birth_year": _year(claims.get("birth_year"), expires_at.year),
        "tier": _words(claims.get("tier"), 50),
        "phone": _words(claims.get("phone"), 40),
        "locale": _locale(claims.get("locale")),
    }
    ignored = tuple(name for name, value in read.items() if not value and claims.get(name) not in (None, ""))
    return Identity(
        subject=subject,
        expires_at=expires_at,
        email=str(read["email"]),
        name=str(read["name"]),
        birth_year=_year(claims.get("birth_year"), expires_at.year),
        tier=str(read["tier"]),
        phone=str(read["phone"]),
        locale=str(read["locale"]),
        ignored=ignored,
    )


def is_email(text: str) -> bool:
    """Tells whether an address is good enough to write to: the mail server has the last word."""
    return _EMAIL.fullmatch(text) is not None


def _email(value: object) -> str:
    return value.strip() if isinstance(value, str) and is_email(value.strip()) else ""


def _words(value: object, longest: int) -> str:
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return text if len(text) <= longest and text.isprintable() else ""


def _year(value: object, this_year: int) -> int | None:
    year = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) == 4 else value
    return year if isinstance(year, int) and not isinstance(year, bool) and _OLDEST <= year <= this_year else None


def _locale(value: object) -> str:
    match = _LOCALE.fullmatch(value) if isinstance(value, str) else None
    return match[1].lower() if match else ""
