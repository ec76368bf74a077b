"""What admins type of policies and calendars. Pure: fields in, values out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.desk.service_levels.domain import Actions, Calendar, Policy

Fields = Mapping[str, Sequence[str]]
_DIGITS = 6


def policy(fields: Fields, own: str) -> Policy:
    """Reads a policy. own: its id; empty for a new one. A number that cannot be read is -1, which
    no policy takes."""
    return Policy(
        id=own,
        name=_one(fields, "name"),
        enabled=bool(_one(fields, "enabled")),
        teams=_all(fields, "teams"),
        channels=_all(fields, "channels"),
        tiers=tuple(part.strip() for part in _one(fields, "tiers").split(",") if part.strip()),
        levels=_all(fields, "levels"),
        first=_number(fields, "first"),
        next=_number(fields, "next"),
        solution=_number(fields, "solution"),
        calendar=_one(fields, "calendar") or None,
        warn_share=_number(fields, "warn_share"),
        warn_minutes=_number(fields, "warn_minutes"),
        on_warning=_actions(fields, "warning"),
        on_breach=_actions(fields, "breach"),
    )


def calendar(fields: Fields, own: str) -> Calendar:
    """Reads a calendar. own: its id; empty for a new one."""
    return Calendar(
        id=own,
        name=_one(fields, "name"),
        hours=_one(fields, "hours"),
        zone=_one(fields, "zone"),
        days_off=_one(fields, "days_off"),
        country=_one(fields, "country"),
        region=_one(fields, "region"),
        feed=_one(fields, "feed"),
    )


def _actions(fields: Fields, when: str) -> Actions:
    return Actions(
        level=_one(fields, f"{when}-level"), team=_one(fields, f"{when}-team"), notify=_all(fields, f"{when}-notify")
    )


def _one(fields: Fields, name: str) -> str:
    return fields[name][0].strip() if fields.get(name) else ""


def _all(fields: Fields, name: str) -> tuple[str, ...]:
    return tuple(fields.get(name, ()))


def _number(fields: Fields, name: str) -> int:
    """Reads a whole number; 0 for nothing, -1 for what is none."""
    text = _one(fields, name)
    if text and not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
        return -1
    return int(text or 0)
