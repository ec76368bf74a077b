"""Templates in three languages, and what they are filled with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

import msgspec
from babel import Locale
from babel.dates import format_date, format_skeleton, format_timedelta
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from services.desk.notifications import words as told
from services.desk.people.domain import KINDS as KINDS_OF_WORK
from services.desk.tickets.domain import SOON
from services.desk.web import icons, prose, static, words
from services.desk.web.admin import words as admin
from services.desk.web.calls import words as call_words
from services.desk.web.calls.line import NOBODY
from services.desk.web.conversation import formatted, reasons, why
from services.desk.web.conversation import words as conversation
from services.desk.web.learning import words as learning
from services.desk.web.mailboxes import words as mailboxes
from services.desk.web.notifications import words as notifications
from services.desk.web.policy import words as policy
from services.desk.web.service_levels import words as levels
from services.desk.web.social import words as posts
from services.desk.web.steering import words as steering
from services.desk.web.trials import words as trials
from shared.clock import utc_now
from shared.events import Channel, Decision
from shared.events.learning import KINDS
from shared.i18n import LANGUAGES, locale, time_of_day, translations
from shared.kernel import Level
from shared.logs import log

_ICONS = frozenset(icons.ICONS)
_UNKNOWN = "message-square"
_OLDEST_WAIT = "9999"
_UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"))
_SINCE = (31_536_000, 2_592_000, 604_800, 86_400, 3600, 60, 1)
"""Seconds of the units in which a time is told: a year, a month, a week, and so on."""


@cache
def environment(language: str) -> Environment:
    """Builds Jinja's environment for one language. Everything is escaped; an unknown name is an
    error, not an empty string."""
    env = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    env.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    spoken = locale(language)
    env.globals |= {
        "language": language,
        "languages": {code: Locale.parse(code).get_display_name(code) for code in LANGUAGES},
        "asset": static.url,
        "icon": icon,
        "now": utc_now,
        "kinds": KINDS,
    }
    env.filters |= {
        "ago": partial(ago, language=language),
        "due": partial(due, language=language),
        "due_class": due_class,
        "moment": partial(moment, language=language),
        "date": lambda at: format_date(at, "medium", locale=spoken),
        "size": partial(size, language=language),
        "initials": initials,
        "language_name": lambda code: spoken.languages.get(code, code),
        "iso": lambda at: at.astimezone(UTC).isoformat(),
        "points": lambda value: format_decimal(value, "+#,##0.#;−#,##0.#", locale=spoken),
        "order": order,
        "team": words.team,
        "decision": decision,
        "bars": why.bars,
        "passed_over": why.passed_over,
        "for_it": why.for_it,
        "against_it": why.against_it,
        "answer_due": why.due,
        "explain_command": why.command,
        "rejected": why.rejected,
        "lasting": partial(lasting, language=language),
        "share": lambda value: format_percent(value, locale=spoken),
        "address": words.address,
        "linked": prose.linked,
        "needs_frame": formatted.needs_frame,
        "has_remote": formatted.has_remote,
        "listed": formatted.listed,
        "person": words.person,
        "length_json": lambda length: msgspec.json.encode(length).decode(),
        "attr_json": lambda value: json.dumps(value, ensure_ascii=False),
    }
    translate = gettext(language)
    env.filters |= {
        "level": lambda code: words.name(words.LEVELS, code, translate),
        "status": lambda code: words.name(words.STATUSES, code, translate),
        "short_status": lambda code: words.name(words.STATUSES, code, translate),
        "source": lambda code: words.name(conversation.SOURCES, code, translate),
        "delivery": lambda code: words.name(conversation.DELIVERIES, code, translate),
        "undelivered": lambda code: words.name(conversation.UNDELIVERED, code, translate),
        "automatic": lambda code: words.name(conversation.AUTOMATIC, code, translate),
        "rule": lambda code: words.name(reasons.RULES, code, translate),
        "why_rejected": lambda code: words.name(reasons.REJECTED, code, translate),
        "signal": lambda code: words.name(reasons.SIGNALS, code, translate),
        "trial_kind": lambda code: trials.kind(code, translate),
        "trial_signal": lambda code: trials.signal(code, translate),
        "decision_field": lambda code: policy.field(code, translate),
        "decision_value": lambda text, field: (
            lasting(float(text), language) if field == "reply_within" and text else policy.value(field, text, translate)
        ),
        "preview_failed": lambda code: policy.failed(code, translate),
        "skill": lambda code: words.name(reasons.SKILLS, code, translate),
        "signature": lambda facts: words.name(conversation.SIGNATURES, facts.get("signature", ""), translate),
        "sender": lambda facts: conversation.sender(facts, translate),
        "what_to_do": lambda facts: (
            translate(conversation.WHAT_TO_DO[facts["undelivered"]])
            if facts.get("undelivered") in conversation.WHAT_TO_DO
            else ""
        ),
        "why_undelivered": lambda facts: words.name(
            conversation.WHY_UNDELIVERED, facts.get("undelivered", ""), translate
        ),
        "fact": lambda key: words.name(conversation.FACTS, key, translate),
        "kind": lambda point: words.name(words.KINDS, str(point).partition(":")[0], translate),
        "reason": lambda found: reasons.reason(found, translate),
        "clock": call_words.clock,
        "telephone": words.telephone,
        "sounds": lambda post: posts.sounds(post, language, translate),
        "post_link": posts.where,
        "said": lambda label, agent, names: posts.said(label, agent, names, translate),
        "about": lambda code: words.name(reasons.KINDS, code, translate),
        "wanted": lambda code: words.name(words.LEVELS | reasons.KINDS, code, translate),
        "mailbox_state": lambda code: words.name(mailboxes.STATES, code, translate),
        "mailbox_chip": mailboxes.chip,
        "mailbox_to_do": lambda code: words.name(mailboxes.TO_DO, code, translate) if code in mailboxes.TO_DO else "",
        "learned_state": lambda code: words.name(learning.STATES, code, translate),
        "learned_why": lambda code: words.name(learning.WHY, code, translate),
        "post_label": lambda code: words.name(posts.LABELS, code, translate),
        "count": lambda value: format_decimal(value, locale=spoken),
        "browser": lambda said: admin.browser(said, translate),
        "role": lambda code: words.name(admin.ROLES, code, translate),
        "role_meaning": lambda code: (
            words.name(admin.ROLE_MEANINGS, code, translate) if code in admin.ROLE_MEANINGS else ""
        ),
        "person_state": lambda code: words.name(admin.PERSON_STATES, code, translate),
        "target": lambda code: words.name(levels.TARGETS, code, translate),
        "target_state": lambda code: words.name(levels.STATES, code, translate),
        "listener": lambda code: words.name(levels.LISTENERS, code, translate),
        "why_waiting": lambda reason: steering.why(reason, translate),
        "why_not": lambda code: words.name(admin.WHY_NOT, code, translate),
        "work": lambda code: words.name(admin.WORK, code, translate),
        "audit_kind": lambda code: words.name(admin.AUDIT, code, translate),
        "told": lambda line: told.said(line, translate),
        "told_kind": lambda code: words.name(notifications.KINDS, code, translate),
        "told_way": lambda code: words.name(notifications.WAYS, code, translate),
        "told_day": lambda code: words.name(notifications.DAYS, code, translate),
        "presence": lambda code: call_words.presence(code, translate),
        "missed": lambda code: words.name(call_words.MISSED, code, translate),
        "why_set": lambda code: call_words.why_set(code, translate),
        "call_state": lambda call: call_words.state(call, translate),
        "why_call": lambda todo: call_words.why_call(todo, translate),
        "place": lambda call, names: call_words.place(call, names, translate),
    }
    return env


@cache
def gettext(language: str) -> words.Gettext:
    """Returns the function for `_("Sent to %(name)s", name=…)` outside templates."""
    catalogue = translations(language)

    def translate(text: str, **values: object) -> str:
        found = str(catalogue.gettext(text))
        return found % values if values else found

    return translate


def render(template: str, language: str, channels: Mapping[str, Channel], **context: Any) -> str:
    """Renders a template with the announced channels at hand."""
    translate = gettext(language)
    return (
        environment(language)
        .get_template(template)
        .render(
            channel_label=partial(label_of, channels, translate),
            channel_icon=partial(_channel_icon, channels),
            prefers=partial(_prefers, channels, translate),
            by_channel=partial(by_channel, channels, translate),
            **(
                {
                    "board": NOBODY,
                    "line": None,
                    "names": {},
                    "why_away": call_words.WHY_AWAY,
                    "kinds_of_work": KINDS_OF_WORK,
                }
                | context
            ),
        )
    )


def label_of(channels: Mapping[str, Channel], translate: words.Gettext, code: str) -> str:
    """Returns a channel's name in the language of `translate`."""
    known = channels.get(code)
    return words.channel(code, known.label if known else "", translate)


def line_of(
    channels: Mapping[str, Channel], translate: words.Gettext, code: str, who: str, *, public: bool = False
) -> str:
    """Describes who gets an answer, and how."""
    if public:
        return translate(words.TO_ALL, who=who, channel=label_of(channels, translate, code))
    return by_channel(channels, translate, "to", code, who=who)


def by_channel(channels: Mapping[str, Channel], translate: words.Gettext, how: str, code: str, **values: str) -> str:
    """Returns a phrase such as `Sent by email`. `how`: a field of `Wording`. A phrase that needs
    more than we have is not used."""
    known = channels.get(code)
    phrase = getattr(known.wording, how) if known else ""
    with suppress(KeyError, TypeError, ValueError):
        if phrase:
            return translate(phrase, **values)
    return translate(words.BY_CHANNEL[how], channel=label_of(channels, translate, code), **values)


def _prefers(channels: Mapping[str, Channel], translate: words.Gettext, code: str) -> str:
    return by_channel(channels, translate, "prefers", code)


def _channel_icon(channels: Mapping[str, Channel], code: str, class_: str = "icon") -> Markup:
    known = channels.get(code)
    return icon(known.icon if known else _UNKNOWN, class_)


def decision(found: dict[str, Any] | None) -> Decision | None:
    """Returns what the router decided, as it was published; None if it cannot be read any more."""
    try:
        return msgspec.convert(found, Decision) if found else None
    except msgspec.ValidationError as error:
        log.warning("a stored decision cannot be shown", error=str(error))
        return None


def icon(name: str, class_: str = "icon") -> Markup:
    """Returns an icon of the sprite, silent for screen readers: words beside it say what it
    means."""
    known = name if name in _ICONS else _UNKNOWN
    return Markup('<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>').format(
        class_, static.url("icons.svg"), known
    )


def ago(at: datetime, language: str) -> str:
    """Formats the time since a moment as `12m ago`, rounded down. `times.js` shows the same as
    time passes."""
    style: Literal["short", "narrow"] = "short" if language == "fr" else "narrow"  # narrow French says "-12 min"
    seconds = int((at - utc_now()).total_seconds()) or -1
    unit = next((unit for unit in _SINCE if abs(seconds) >= unit), 1)
    whole = timedelta(seconds=int(seconds / unit) * unit)
    return format_timedelta(whole, threshold=1, add_direction=True, format=style, locale=locale(language))


def due(at: datetime, language: str) -> str:
    """Formats a due time as `Due in 1 hr 59 min`, `Overdue 8 min`. `times.js` shows the same as
    time passes."""
    now = utc_now()
    return gettext(language)(words.DUE[at <= now], time=span(abs((at - now).total_seconds()), language))


def lasting(seconds: float, language: str) -> str:
    """Formats how long something may take: a minute at least."""
    return span(max(60, seconds), language)


def span(seconds: float, language: str) -> str:
    """Formats a duration as `4 hr`, `1 hr 30 min`, `2 days 3 hr`: the two largest units, rounded
    down."""
    steps = _UNITS[:2] if seconds >= _UNITS[0][0] else _UNITS[1:]
    left, counts = int(seconds), []
    for length, unit in steps:
        count, left = divmod(left, length)
        counts.append((count, unit))
    told = [(count, unit) for count, unit in counts if count] or counts[-1:]
    return " ".join(format_unit(count, f"duration-{unit}", "short", locale=locale(language)) for count, unit in told)


def due_class(at: datetime) -> str:
    """Returns `late`, `soon`, or nothing, for a due time."""
    now = utc_now()
    return "late" if at <= now else "soon" if at - now <= SOON else ""


def moment(at: datetime, language: str) -> str:
    """Formats a time as `22 Nov, 09:10` in UTC, of another year with it; the browser writes it anew
    in the reader's own zone."""
    spoken = locale(language)
    return f"{format_skeleton('MMMd' if at.year == utc_now().year else 'yMMMd', at, locale=spoken)}, {time_of_day(at, language)}"


def size(count: int, language: str) -> str:
    """Formats a number of bytes as `1.2 MB`."""
    units = {"en": ("bytes", "KB", "MB"), "fr": ("octets", "Ko", "Mo"), "ko": ("바이트", "KB", "MB")}[language]
    for power, unit in ((2, units[2]), (1, units[1])):
        if count >= 1000**power:
            return f"{format_decimal(round(count / 1000**power, 1), locale=locale(language))}\N{NO-BREAK SPACE}{unit}"
    return f"{count}\N{NO-BREAK SPACE}{units[0]}"


def initials(name: str) -> str:
    """Returns `SO` for Sam Okoro; `서연` stays readable as its last two syllables; a number has
    none."""
    parts = name.replace("@", " ").split()
    if not parts or name.startswith("+"):
        return "?"
    if not parts[0][0].isascii() and len(parts) == 1:
        return parts[0][-2:]
    return (parts[0][0] + (parts[-1][0] if len(parts) > 1 and "@" not in name else "")).upper()


def order(row: Any) -> str:
    """Returns where a row stands in the list, as a string to compare: the same order as the
    desk's `priority`."""
    waiting = row.waiting_since.astimezone(UTC).strftime("%Y%m%d%H%M%S%f") if row.waiting_since else _OLDEST_WAIT
    return f"{list(Level).index(Level(row.level))}-{100 - row.score:03d}-{waiting}-{row.number:012d}"
