"""The card of how mails are read says what our fixtures measure: whoever changes a rule sees which
mail system or language pays for it. `python -m tests.unit.email.test_reading_card` writes it."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from services.email.domain.bounces import Fate
from services.email.domain.incoming import Context, Envelope, Reading, read
from services.email.domain.mailboxes import Mailboxes
from services.email.domain.mime import parse
from tests.unit.email import returns
from tests.unit.email.replies import PEOPLE as PERSONS
from tests.unit.email.replies import replies

DATA = Path(__file__).parents[2] / "data"
CARD = Path(__file__).parents[3] / "docs" / "reference" / "reading-mail.md"
CONTEXT = Context(Mailboxes.parse("support@helpdesk.example.org"), "a secret that is long enough for anybody", ())
REPLIES = list(replies())
FORMS, PEOPLE = [returns.read(case) for case in returns.cases()], list(returns.people())
"""Read once: it is most of this file's time."""
BEGIN, END = "<!-- figures -->\n", "<!-- end of the figures -->"


def reading(folder: str, name: str, sender: str | None) -> Reading:
    mail = parse((DATA / folder / f"{name}.eml").read_bytes())
    envelope = Envelope(sender, ("support@helpdesk.example.org",))
    return read(mail, envelope, CONTEXT, "raw", datetime(2026, 11, 30, tzinfo=UTC))


def returned_rows() -> list[str]:
    counts: dict[str, list[int]] = defaultdict(lambda: [0] * 5)
    for name, wanted in json.loads((DATA / "returned" / "expected.json").read_text()).items():
        found = reading("returned", name, wanted.get("mail_from"))
        told, row = found.returned, counts[wanted["system"] or "none of them"]
        row[0] += 1
        row[1] += found.message.automatic == "bounce"
        row[2] += told is not None and list(told.recipients) == wanted["recipients"]
        row[3] += told is not None and told.fate is Fate(wanted["fate"])
        row[4] += told is not None and told.reason == wanted["reason"]
    head = [
        "| words of | mails | recognised | address exact | fate right | reason right |",
        "|---|---|---|---|---|---|",
    ]
    return [*head, *rows(counts)]


def form_rows() -> list[str]:
    head = "| mails | recognised | address exact | fate right | reason right |"
    line = "|---|---|---|---|---|---|"
    by_language = form_counts(lambda one: one.case.form.language)
    for language, _, taken in PEOPLE:
        by_language[language][5] += 1
        by_language[language][6] += taken
    return [
        *(f"| in the layout of {head}", line, *rows(form_counts(lambda one: one.case.form.system, 5))),
        *("", f"| in the language {head} people who paste or tell it | taken for machines |", f"{line}---|---|"),
        *rows(by_language),
    ]


def form_counts(key: Callable[[returns.Read], str], columns: int = 7) -> dict[str, list[int]]:
    counts: dict[str, list[int]] = defaultdict(lambda: [0] * columns)
    for one in FORMS:
        row = counts[key(one)]
        for place, right in enumerate((True, one.recognised, one.address, one.fate, one.reason)):
            row[place] += right
    return counts


def automatic_rows() -> list[str]:
    counts: dict[str, list[int]] = defaultdict(lambda: [0] * 4)
    for name, wanted in json.loads((DATA / "automatic" / "expected.json").read_text()).items():
        right = reading("automatic", name, wanted["mail_from"]).message.automatic == wanted["automatic"]
        kind, _, language = name.rpartition("-")
        row = counts[language if kind in {"away", "acknowledges", "person", "person-answers"} else "other rules"]
        place = 0 if wanted["automatic"] else 2
        row[place] += 1
        row[place + 1] += right
    for one in REPLIES:
        place = 2 if one.kind in PERSONS else 0
        counts[one.language][place] += 1
        counts[one.language][place + 1] += one.right
    head = [
        "| language | automatic mails | told | people's mails | taken for people's |",
        "|---|---|---|---|---|",
    ]
    return [*head, *rows(counts)]


def rows(counts: dict[str, list[int]]) -> list[str]:
    counts["all"] = [sum(column) for column in zip(*counts.values(), strict=True)]
    return [f"| {name} | {' | '.join(map(str, row))} |" for name, row in counts.items()]


def figures() -> str:
    return "\n".join(["", *returned_rows(), "", *form_rows(), "", *automatic_rows(), "", ""])


def card(text: str) -> str:
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + figures() + END + rest.partition(END)[2]


def test_the_card_says_what_the_fixtures_measure() -> None:
    assert card(CARD.read_text()) == CARD.read_text()


def test_of_each_system_and_language_at_least_20_mails_came_back() -> None:
    for key in (lambda one: one.case.form.system, lambda one: one.case.form.language):
        assert min(Counter(map(key, FORMS)).values()) >= 20
    assert len({one.case.form.language for one in FORMS}) == 12


def test_of_30_languages_5_automatic_replies_without_a_header_are_told_and_no_person_is_taken_for_one() -> None:
    automatic = Counter(one.language for one in REPLIES if one.kind not in PERSONS)
    assert len(automatic) >= 30
    assert min(automatic.values()) >= 5
    assert [one for one in REPLIES if not one.right] == []


def test_no_person_who_pastes_or_tells_what_came_back_is_taken_for_a_machine() -> None:
    assert [text for _, text, taken in PEOPLE if taken] == []


if __name__ == "__main__":
    CARD.write_text(card(CARD.read_text()))
