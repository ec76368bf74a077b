"""Settings are the same bytes every time, come back as they were, and what is wrong is told with
its file and line."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.desk.files.domain import Difference, Values, differences, written
from services.desk.files.levels import Calendars, ServiceLevels
from services.desk.files.part import Known, Part
from services.desk.files.parts import EVERYBODY, PARTS, AutomaticReplies, People, Teams
from shared.yaml_sections import YamlErrors, document

PEOPLE = ("ann@x.example", "bo@x.example", "김@x.example")
KNOWN = Known(
    people=frozenset(PEOPLE),
    teams=frozenset({"billing", "yes", "지원팀"}),
    calendars=frozenset({"Office", "night: shift"}),
    needed=frozenset(),
    languages=("en", "fr", "ko"),
)
names = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=20)
words = st.text(st.sampled_from(string.ascii_letters + " \n\t#:-'\"|>&*!%@`~é감😀\u2028\x85"), max_size=60)


teams = st.dictionaries(
    names,
    st.fixed_dictionaries(
        {},
        optional={
            "delivery": st.just("push"),
            "turn": st.just("round"),
            "weight": st.integers(2, 10),
            "members": st.lists(st.sampled_from(PEOPLE), unique=True, min_size=1).map(sorted),
        },
    ),
)
people = st.dictionaries(
    st.sampled_from(PEOPLE),
    st.fixed_dictionaries(
        {"hours": st.just("mon-fri 09:00-12:00,13:00-17:00")},
        optional={
            "skills": st.dictionaries(
                st.text(string.ascii_lowercase, min_size=1, max_size=9), st.integers(1, 5), min_size=1
            ),
            "languages": st.lists(st.sampled_from(["en", "fr", "no", "ko"]), unique=True, min_size=1).map(sorted),
            "capacity": st.dictionaries(st.sampled_from(["mail", "chat"]), st.integers(11, 1000), min_size=1),
            "timezone": st.just("Asia/Seoul"),
            "time_off": st.just("2026-12-24..2027-01-03, 2027-05-14"),
        },
    ),
)


def stripped(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


text = words.map(lambda each: stripped(each.replace("{", ""))).filter(bool)
replies = st.dictionaries(
    st.sampled_from([EVERYBODY, "billing", "yes", "지원팀"]),
    st.fixed_dictionaries(
        {
            "enabled": st.just(False),
            "texts": st.dictionaries(
                st.sampled_from(["en", "fr", "ko"]),
                st.fixed_dictionaries({"received": text}, optional={"closed": text}),
                min_size=1,
            ),
        },
        optional={"hours": st.just("mon-fri 09:00-18:00"), "zone": st.just("Europe/Paris"), "language": st.just("ko")},
    ),
)


calendars = st.dictionaries(
    st.text(string.ascii_letters + ":#-감", min_size=1, max_size=20),
    st.fixed_dictionaries(
        {},
        optional={
            "hours": st.just("mon-fri 09:00-18:00"),
            "zone": st.just("Europe/Paris"),
            "days_off": st.just("2026-12-25"),
            "country": st.just("FR"),
        },
    ),
)
actions = st.fixed_dictionaries(
    {"level": st.sampled_from(["high", "urgent"])},
    optional={"team": st.just("billing"), "notify": st.just(("assignee", "supervisors"))},
)
service_levels = st.lists(
    st.tuples(
        st.text(string.ascii_letters + ":#-감", min_size=1, max_size=20),
        st.fixed_dictionaries(
            {},
            optional={
                "enabled": st.just(False),
                "teams": st.just(("billing", "yes")),
                "levels": st.just(("urgent",)),
                "channels": st.just(("email",)),
                "first": st.integers(1, 1000),
                "next": st.integers(1, 1000),
                "warn_share": st.integers(1, 99),
                "calendar": st.sampled_from(["Office", "night: shift"]),
                "on_warning": actions,
                "on_breach": actions,
            },
        ),
    ),
    unique_by=lambda each: each[0],
).map(lambda each: {name: own | {"place": place} for place, (name, own) in enumerate(each, 1)})


def again(part: Part, values: Values) -> Values:
    root = document(written(part.document(values), part.about), "x.yaml")
    found = part.read(root, KNOWN)
    root.problems.check()
    return found


@given(teams)
def test_teams_come_back_as_they_were(values: Values) -> None:
    assert again(Teams(), values) == values


@given(people)
def test_what_work_people_get_comes_back_as_it_was(values: Values) -> None:
    assert again(People(), values) == values


@given(replies)
def test_automatic_replies_come_back_as_they_were(values: Values) -> None:
    assert again(AutomaticReplies(), values) == values


@given(calendars)
def test_calendars_come_back_as_they_were(values: Values) -> None:
    assert again(Calendars(), values) == values


@given(service_levels)
def test_service_levels_come_back_as_they_were_and_in_their_order(values: Values) -> None:
    assert again(ServiceLevels(), values) == values


def test_the_same_settings_are_the_same_bytes_in_whatever_order_they_came() -> None:
    values: Values = {"b": {"weight": 2, "members": ["ann@x.example"]}, "a": {}}
    mirrored: Values = {"a": {}, "b": {"members": ["ann@x.example"], "weight": 2}}
    text = written(Teams().document(values), Teams.about)
    assert text == written(Teams().document(mirrored), Teams.about)
    assert text == f"# {Teams.about}\nteams:\n  a: {{}}\n  b:\n    members:\n    - ann@x.example\n    weight: 2\n"


def test_nothing_set_is_a_file_too() -> None:
    for part in PARTS:
        assert again(part, {}) == {}


def wrong(part: Part, text: str) -> list[str]:
    root = document(text, "f.yaml")
    part.read(root, KNOWN)
    with pytest.raises(YamlErrors) as found:
        root.problems.check()
    return str(found.value).splitlines()


@pytest.mark.parametrize(
    ("part", "text", "said"),
    [
        (Teams(), "teams:\n  billing:\n    membres: [ann@x.example]\n", "f.yaml:3: teams.billing.membres: unknown key"),
        (
            Teams(),
            "teams:\n  billing:\n    members: [cy@x.example]\n",
            "f.yaml:3: teams.billing: 'cy@x.example' is not",
        ),
        (Teams(), "teams:\n  billing: {weight: 99}\n", "f.yaml:2: teams.billing.weight: must be a number from 1 to 10"),
        (Teams(), "teams:\n  billing: {weight: 1.5}\n", "f.yaml:2: teams.billing.weight: must be a whole number"),
        (Teams(), "teams:\n  billing: {delivery: throw}\n", "f.yaml:2: teams.billing.delivery: 'throw' is not known"),
        (Teams(), 'teams:\n  " ": {}\n', "f.yaml:2: teams. : needs a name"),
        (Teams(), f"teams:\n  {'x' * 61}: {{}}\n", "f.yaml:2: teams." + "x" * 61 + ": A team's name has at most 60"),
        (
            Calendars(),
            "calendars:\n  Office: {country: XX}\n",
            "f.yaml:2: calendars.Office: This calendar cannot be read",
        ),
        (
            Calendars(),
            "calendars:\n  Office: {feed: 'https://x.example'}\n",
            "f.yaml:2: calendars.Office.feed: unknown key",
        ),
        (ServiceLevels(), "policies:\n- {name: A, calendar: Ofice}\n", "f.yaml:2: policies[1]: 'Ofice' is not known"),
        (ServiceLevels(), "policies:\n- name: A\n- name: A\n", "f.yaml:3: policies[2].name: 'A' stands here twice"),
        (
            ServiceLevels(),
            "policies:\n- name: A\n  on_breach:\n    team: sales\n",
            "f.yaml:4: policies[1].on_breach: 'sales'",
        ),
        (
            ServiceLevels(),
            "policies:\n- {name: A, levels: [soon]}\n",
            "f.yaml:2: policies[1].levels: 'soon' is not known",
        ),
        (Teams(), "team: {}\n", "f.yaml:1: team: unknown key; did you mean 'teams'?"),
        (People(), "people:\n  cy@x.example: {}\n", "f.yaml:2: people: 'cy@x.example' is not known; known are ann@x"),
        (People(), "people:\n  ann@x.example:\n    hours: daily\n", "f.yaml:3: people.ann@x.example"),
        (People(), "people:\n  ann@x.example:\n    skills: {a: 6}\n", "must be a number from 1 to 5"),
        (People(), "people:\n  ann@x.example:\n    capacity: {letters: 6}\n", "letters: unknown key; known are"),
        (People(), "people:\n  ann@x.example:\n    languages: [french]\n", "is not a language's code"),
        (
            AutomaticReplies(),
            "automatic_replies:\n  teams:\n    sales: {}\n",
            "f.yaml:3: automatic_replies.teams: 'sales'",
        ),
        (
            AutomaticReplies(),
            "automatic_replies:\n  everyone:\n    texts: {en: {received: 'Hi {nick}'}}\n",
            "There are the variables",
        ),
        (
            AutomaticReplies(),
            "automatic_replies:\n  everyone: {enabled: maybe}\n",
            "everyone.enabled: 'maybe' is not known",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_file_and_line(part: Part, text: str, said: str) -> None:
    assert any(said in line for line in wrong(part, text)), wrong(part, text)


def test_a_calendar_that_a_policy_elsewhere_counts_by_cannot_be_left_out() -> None:
    root = document("calendars: {Home: {}}\n", "f.yaml")
    Calendars().read(root, Known(needed=frozenset({"Office"})))
    with pytest.raises(YamlErrors, match=r"f\.yaml:1: calendars: 'Office' is missing, and a policy"):
        root.problems.check()


def test_what_differs_is_told_by_field() -> None:
    before: Values = {"a": {"weight": 2}, "gone": {}, "same": {"x": 1}}
    after: Values = {"a": {"weight": 3, "on": True, "m": ["x", "y"], "d": {"k": 1}}, "new": {}, "same": {"x": 1}}
    found = differences("f.yaml", before, after)
    assert found == (
        Difference(
            "f.yaml",
            "a",
            "changed",
            (("d", "", "k: 1"), ("m", "", "x, y"), ("on", "", "true"), ("weight", "2", "3")),
        ),
        Difference("f.yaml", "gone", "removed"),
        Difference("f.yaml", "new", "added"),
    )
    assert str(found[0]).splitlines()[:2] == ["f.yaml: a: changed", "    d: - → k: 1"]
    assert differences("f.yaml", after, after) == ()
