"""Checks the contact page's form: what has to be in it, and what it becomes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.dashboard.domain.drafts import MAX_SUBJECT, MAX_TEXT, Draft, clean
from services.dashboard.domain.identity import is_email
from shared.kernel import ContactPoint, contact_point, email_point

WAYS = ("email", "phone")
"""How a customer may ask to be answered: names of channels."""
_KEY = re.compile(r"[A-Za-z0-9_-]{16,64}")


@dataclass(frozen=True, slots=True)
class Form:
    """As typed, so that it can be shown again beside its errors."""

    topic: str = ""
    name: str = ""
    email: str = ""
    message: str = ""
    answer: str = "email"
    phone: str = ""
    key: str = ""
    trap: str = ""
    """A field that people do not see and programs fill in."""


@dataclass(frozen=True, slots=True)
class Checked:
    """`errors`: field → code. Where it is empty, draft and contact points are ready."""

    errors: Mapping[str, str] = field(default_factory=dict)
    draft: Draft | None = None
    name: str = ""
    also: tuple[ContactPoint, ...] = ()


def read(fields: Mapping[str, str]) -> Form:
    """Reads the form's fields, cleaned; unknown ones are left out."""
    one_line = {
        name: " ".join(clean(fields.get(name, "")).split())
        for name in ("topic", "name", "email", "phone", "answer", "key")
    }
    return Form(**one_line, message=clean(fields.get("message", "")).strip(), trap=fields.get("website", ""))


def check(form: Form, number: str | None) -> Checked:
    """Checks the form; reports all errors at once. `number`: the phone number in E.164, None where
    nothing in the field can be dialled."""
    wrong = (
        ("website", "trap", bool(form.trap)),
        ("topic", "topic-missing", not form.topic),
        ("topic", "topic-too-long", len(form.topic) > MAX_SUBJECT),
        ("name", "name-too-long", len(form.name) > MAX_SUBJECT),
        ("email", "email-missing", not form.email),
        ("email", "email-wrong", bool(form.email) and not is_email(form.email)),
        ("message", "message-missing", not form.message),
        ("message", "message-too-long", len(form.message) > MAX_TEXT),
        ("answer", "answer-missing", form.answer not in WAYS),
        ("phone", "phone-missing", form.answer == "phone" and not form.phone),
        ("phone", "phone-wrong", bool(form.phone) and number is None),
        ("form", "form-stale", not usable_key(form.key)),
    )
    errors = {name: code for name, code, is_wrong in wrong if is_wrong}
    if errors:
        return Checked(errors)
    tel = (contact_point("tel", number),) if number else ()
    # Nobody proved these: agents see them, and nothing is merged by them.
    facts = {"page": "contact", "email": form.email}
    facts |= {"phone": number} if number else {}
    if any(map(str.isalpha, form.phone)):  # "(soir)": when to call is said beside the number
        facts["phone as written"] = form.phone
    return Checked({}, Draft(form.message, form.topic, facts, form.answer), form.name, (email_point(form.email), *tel))


def usable_key(key: str) -> bool:
    """Tells whether a page of ours can have carried this idempotency key."""
    return _KEY.fullmatch(key) is not None
