"""The card of quotations says what our fixtures measure, by language and by program: whoever
changes a rule sees who pays for it. `python -m tests.unit.email.test_quotes_card` writes it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

from services.email.domain.quotes import without_quotes
from tests.unit.email.answers import DATA, MOMENTS, Answer, answers, at

CARD = Path(__file__).parents[3] / "docs" / "reference" / "quotes.md"
BEGIN, END = "<!-- figures -->\n", "<!-- end of the figures -->"
FOUND = list(answers())
"""Read once: it is most of this file's time."""


def stories() -> tuple[Counter[str], Counter[str]]:
    """Counts by language the lines of customers that look like an attribution, at several times, in
    an answer and not; and those of them of which anything was cut."""
    told, cut = Counter[str](), Counter[str]()
    for row in (DATA / "stories.tsv").read_text().splitlines():
        language, line = row.split("\t")
        for moment in MOMENTS:
            text = f"Hello there.\n\n{at(line, language, moment)}\nWe send a new one.\n\nNothing came."
            for is_answer in (True, False):
                told[language] += 1
                cut[language] += without_quotes(text, "Re: lamp", answers=is_answer) != text
    return told, cut


def counts(key: Callable[[Answer], str]) -> dict[str, list[int]]:
    """Returns by key: answers, clean ones, those that lost words, those with a quotation left."""
    found: dict[str, list[int]] = defaultdict(lambda: [0] * 4)
    for one in FOUND:
        row = found[key(one)]
        for place, counted in enumerate((True, one.read == one.own, one.lost, one.left)):
            row[place] += counted
    return found


def figures() -> str:
    told, cut = stories()
    by_language = {
        language: [*row, told[language], cut[language]] for language, row in counts(lambda one: one.language).items()
    }
    by_program = dict(sorted(counts(lambda one: one.program).items(), key=lambda entry: (-entry[1][0], entry[0])))
    head = "answers | clean | own words lost | quotation left"
    return "\n".join(
        [
            *(
                "",
                f"| language | {head} | stories | stories cut |",
                "|---|---|---|---|---|---|---|",
                *rows(by_language),
            ),
            *("", f"| program | {head} |", "|---|---|---|---|---|", *rows(by_program), "", ""),
        ]
    )


def rows(table: dict[str, list[int]]) -> list[str]:
    table = {**table, "all": [sum(column) for column in zip(*table.values(), strict=True)]}
    return [f"| {name} | {' | '.join(map(str, row))} |" for name, row in table.items()]


def card(text: str) -> str:
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + figures() + END + rest.partition(END)[2]


def test_the_card_of_quotations_says_what_the_fixtures_measure() -> None:
    assert card(CARD.read_text()) == CARD.read_text()


def test_each_language_of_each_program_has_20_answers_at_least() -> None:
    pairs = Counter((one.language, one.program) for one in FOUND)
    assert {pair: count for pair, count in pairs.items() if count < 20} == {}
    assert len({language for language, _ in pairs}) == 24


def test_no_answer_loses_a_word_and_no_story_is_cut() -> None:
    assert [one for one in FOUND if one.lost] == []
    assert sum(stories()[1].values()) == 0


def test_a_row_at_another_time_is_in_the_same_form() -> None:
    may, june, august = MOMENTS[1:4]
    assert at("Am Mo., 2. März 2026 um 10:00 Uhr schrieb", "de", may) == "Am Mo., 25. Mai 2026 um 08:05 Uhr schrieb"
    assert at("2nd, 2026 at 10:00 AM GMT+2", "en", june) == "22nd, 2026 at 2:31 PM GMT+2"
    assert at("٢ مارس ٢٠٢٦، الساعة ١٠:٠٠ ص، كتب", "ar", august) == "١٧ أغسطس ٢٠٢٦، الساعة ١١:٥٩ م، كتب"
    assert at("2026년 3월 2일 오전 10:00", "ko", may) == "2026년 5월 25일 오전 8:05"


if __name__ == "__main__":
    CARD.write_text(card(CARD.read_text()))
