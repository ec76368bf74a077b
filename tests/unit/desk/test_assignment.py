"""Each conversation goes to the right person, and to nobody who does not accept work; nobody is
flooded, and equals are treated alike."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.desk.assignment import domain
from services.desk.assignment.domain import Conversation, Deal, Given, Snapshot, Team, Worker, decide
from services.desk.assignment.pushing import Looks
from services.desk.people.domain import Schedule, Standing

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
READY = Standing(presence="ready")
PUSH = Team(name="billing", delivery="push")


def worker(own: str, presence: str = "ready", **more: Any) -> Worker:
    standing = Standing(presence=presence, paused=frozenset(more.pop("paused", ())))
    teams = frozenset(more.pop("teams", {"billing"}))
    return Worker(id=own, standing=standing, since=more.pop("since", NOON - timedelta(hours=1)), teams=teams, **more)


def waiting(own: str, minutes: float = 10, **more: Any) -> Conversation:
    more = {"team": "billing", "rank": 200} | more
    return Conversation(id=own, queue_at=NOON - timedelta(minutes=minutes), **more)


def who(found: list[Given]) -> dict[str, str]:
    return {each.conversation: each.worker for each in found}


def test_the_most_urgent_goes_first_and_then_the_oldest() -> None:
    one = worker("ann", capacity={"mail": 2})
    mails = [waiting("old", 90), waiting("older", 95), waiting("urgent", 1, rank=5)]
    assert who(decide(mails, [one], [PUSH], NOON)) == {"urgent": "ann", "older": "ann"}


def test_whoever_has_most_room_gets_it_then_the_more_skilled_then_who_waited_longest_for_work() -> None:
    hour = timedelta(hours=1)
    ann = worker("ann", load={"mail": 1}, assigned_at=NOON - 3 * hour)
    bo = worker("bo", load={"chat": 1}, assigned_at=NOON - 4 * hour)
    cleo = worker("cleo", load={"mail": 1}, assigned_at=NOON - 2 * hour, skills={"refunds": 5})
    assert who(decide([waiting("1")], [bo, cleo, ann], [PUSH], NOON)) == {"1": "ann"}, "a third of a chat is more"
    asks = waiting("1", skills=("refunds",))
    assert who(decide([asks], [bo, cleo, ann], [PUSH], NOON)) == {"1": "cleo"}
    round_ = replace(PUSH, turn="round")
    assert who(decide([asks], [bo, cleo, ann], [round_], NOON)) == {"1": "bo"}


@pytest.mark.parametrize(
    ("someone", "asks", "why"),
    [
        (worker("ann"), {}, ""),
        (worker("ann", "away"), {}, "away"),
        (worker("ann", "busy"), {}, "busy"),
        (worker("ann", paused=["mail"]), {}, "paused"),
        (worker("ann", teams={"other"}), {}, "team"),
        (worker("ann", skills={"voice": 3}), {"skills": ("refunds",)}, "skills"),
        (worker("ann"), {"skills": ("refunds",)}, ""),
        (worker("ann", load={"mail": 10}), {}, "full"),
        (worker("ann", capacity={"mail": 0}), {}, "full"),
        (worker("ann", recent=2, since=NOON - timedelta(minutes=1)), {}, "ramp"),
        (worker("ann", recent=2, since=NOON - timedelta(minutes=6)), {}, ""),
        (worker("ann"), {"asked": {"ann": NOON + timedelta(seconds=1)}}, "asked"),
        (worker("ann"), {"asked": {"ann": NOON}}, ""),
    ],
)
def test_a_supervisor_is_told_why_not(someone: Worker, asks: dict[str, Any], why: str) -> None:
    asked = waiting("1", **asks)
    assert Deal([someone], [PUSH], NOON).verdicts(asked) == {"ann": why}
    assert bool(decide([asked], [someone], [PUSH], NOON)) is (why == "")


def test_a_language_is_asked_for_while_somebody_there_speaks_it() -> None:
    french, english = worker("ann", languages=frozenset({"fr"})), worker("bo", languages=frozenset({"en"}))
    asked = waiting("1", language="fr")
    assert Deal([french, english], [PUSH], NOON).verdicts(asked) == {"ann": "", "bo": "language"}
    full = replace(french, load={"mail": 10})
    assert decide([asked], [full, english], [PUSH], NOON) == [], "it waits for who speaks it"
    (found,) = decide([asked], [replace(french, standing=Standing(presence="away")), english], [PUSH], NOON)
    assert (found.worker, found.foreign) == ("bo", True)


def test_a_chat_is_offered_and_goes_on_to_who_was_not_asked() -> None:
    ann, bo = worker("ann"), worker("bo", load={"chat": 2})
    (first,) = decide([waiting("1", kind="chat")], [ann, bo], [PUSH], NOON)
    assert (first.worker, first.offered) == ("ann", True)
    past = {"ann": NOON - timedelta(minutes=1)}
    assert who(decide([waiting("1", kind="chat", asked=past)], [ann, bo], [PUSH], NOON)) == {"1": "bo"}
    alone = decide([waiting("1", kind="chat", asked=past)], [ann], [PUSH], NOON)
    assert who(alone) == {"1": "ann"}, "with nobody else there, they are asked again"
    assert decide([waiting("1", asked={"ann": NOON + timedelta(minutes=1)})], [ann], [PUSH], NOON) == []


def test_100_chats_for_three_agents_with_room_for_four_are_12_given_and_88_queued_in_order() -> None:
    """Requirement 4 (Chatwoot 13050)."""
    agents = [worker(name, capacity={"chat": 4}) for name in ("ann", "bo", "cleo")]
    chats = [waiting(f"{number:03}", 200 - number, kind="chat") for number in range(100)]
    found = decide(reversed(chats), agents, [PUSH], NOON)
    assert [each.conversation for each in found] == [chat.id for chat in chats[:12]]
    assert set(Counter(each.worker for each in found).values()) == {4}


def test_the_night_s_backlog_does_not_fall_on_the_first_to_come() -> None:
    early = worker("ann", since=NOON - timedelta(seconds=5))
    assert len(decide([waiting(str(number)) for number in range(50)], [early], [PUSH], NOON)) == 2


def test_heavy_conversations_fill_somebody_sooner_and_never_wait_for_ever() -> None:
    heavy = replace(PUSH, weight=4)
    found = decide([waiting(str(number)) for number in range(5)], [worker("ann")], [heavy], NOON)
    assert len(found) == 2
    assert len(decide([waiting("1")], [worker("ann", capacity={"mail": 3})], [heavy], NOON)) == 1


def test_teams_with_room_are_known_and_an_unknown_team_has_nobody() -> None:
    deal = Deal([worker("ann", teams={"a", "b"}), worker("bo", "away", teams={"c"})], [PUSH], NOON)
    assert deal.with_room == deal.staffed == {"a", "b"}
    assert Deal([worker("ann", capacity={})], [PUSH], NOON).staffed == {"billing"}
    assert deal.give(waiting("1", team="nowhere")) is None
    assert deal.verdicts(waiting("1", team="nowhere")) == {"ann": "team", "bo": "team"}


ZERO = datetime(2026, 11, 30, 8, tzinfo=UTC)
OFFICE = Schedule(hours="mon-fri 09:00-11:00")


@pytest.mark.parametrize(
    ("standing", "since", "given_at", "waits", "why"),
    [
        (READY, 0, 1, 2, ""),
        (Standing(presence="busy"), 3, 1, 2, ""),
        (Standing(presence="away"), 3, 1, 0, "away"),  # left after they got it
        (Standing(presence="away"), 0, 1, 0.5, ""),  # given by hand while they were away
        (Standing(presence="away"), 0, 1, 2, "away"),  # and the customer wrote again
        (Standing(presence="away"), 0, None, 2, "away"),
        (Standing(presence="ready", schedule=OFFICE), 0, 2, 1, "off-hours"),  # the shift is over
        (Standing(presence="ready", schedule=OFFICE), 0, 3.5, 1, ""),  # given by hand after it
        (Standing(presence="ready", schedule=OFFICE), 0, 3.5, 3.7, "off-hours"),
    ],
)
def test_work_goes_back_when_its_owner_leaves_or_is_away_when_the_customer_answers(
    standing: Standing, since: float, given_at: float | None, waits: float, why: str
) -> None:
    """Requirement 1 (Chatwoot 7204)."""

    def at(hours: float) -> datetime:
        return ZERO + timedelta(hours=hours)

    given = None if given_at is None else at(given_at)
    assert domain.has_left(standing, at(since), "mail", given, at(waits), NOON) == why


def test_a_skipped_agent_keeps_their_turn() -> None:
    """Requirement 6 (Zammad 684): the turn is when somebody was last given something, and is kept
    with them."""
    around = replace(PUSH, turn="round")
    people = [
        worker(name, assigned_at=NOON - timedelta(minutes=ago)) for name, ago in (("ann", 3), ("bo", 2), ("cleo", 1))
    ]
    people[0] = replace(people[0], standing=Standing(presence="busy"))
    assert who(decide([waiting("1")], people, [around], NOON)) == {"1": "bo"}
    people[0] = replace(people[0], standing=READY)
    people[1] = replace(people[1], assigned_at=NOON)
    assert who(decide([waiting("2")], people, [around], NOON)) == {"2": "ann"}


KINDS = ("mail", "chat", "text", "post")


@st.composite
def desks(draw: st.DrawFn) -> tuple[list[Conversation], list[Worker], list[Team]]:
    teams = [
        Team(name=name, delivery="push", turn=draw(st.sampled_from(["spare", "round"])), weight=draw(st.integers(1, 3)))
        for name in ("a", "b")
    ]
    people = [
        worker(
            f"w{number}",
            draw(st.sampled_from(["ready", "ready", "ready", "away", "busy"])),
            teams=draw(st.sets(st.sampled_from(["a", "b"]))),
            skills=dict.fromkeys(draw(st.sets(st.sampled_from(["x", "y"]))), 3),
            languages=frozenset(draw(st.sets(st.sampled_from(["fr", "en"])))),
            capacity={kind: draw(st.integers(0, 4)) for kind in KINDS},
            paused=draw(st.sets(st.sampled_from(KINDS), max_size=1)),
            since=NOON - timedelta(minutes=draw(st.sampled_from([1, 60]))),
            recent=draw(st.integers(0, 3)),
            assigned_at=NOON - timedelta(minutes=draw(st.integers(1, 9))),
        )
        for number in range(draw(st.integers(0, 6)))
    ]
    asks = [
        waiting(
            f"c{number}",
            draw(st.integers(0, 90)),
            team=draw(st.sampled_from(["a", "b", "c"])),
            kind=draw(st.sampled_from(KINDS)),
            language=draw(st.sampled_from(["", "fr", "en"])),
            skills=tuple(sorted(draw(st.sets(st.sampled_from(["x", "y"]))))),
            rank=draw(st.integers(0, 3)),
            asked={f"w{draw(st.integers(0, 5))}": NOON + timedelta(minutes=draw(st.integers(-3, 3)))}
            if draw(st.booleans())
            else {},
        )
        for number in range(draw(st.integers(0, 25)))
    ]
    return asks, people, teams


@given(desks())
@settings(max_examples=50, deadline=None)
def test_nobody_gets_what_they_do_not_accept_and_nothing_waits_that_somebody_could_get(
    desk: tuple[list[Conversation], list[Worker], list[Team]],
) -> None:
    asks, people, teams = desk
    found = decide(asks, people, teams, NOON)
    owners, by_id = who(found), {each.id: each for each in people}
    assert len(owners) == len(found), "none is given twice"
    slow = Deal(people, teams, NOON)
    for each in domain.in_order(asks):
        able = {own for own, why in slow.verdicts(each).items() if not why}
        decision = slow.give(each)
        assert (decision.worker if decision else None) == owners.get(each.id)
        assert bool(able) is (each.id in owners), "given to who could get it, or in the queue as nobody could"
        assert not decision or decision.worker in able
    for own, someone in by_id.items():
        for kind in KINDS:
            mine = [each for each in asks if owners.get(each.id) == own and each.kind == kind]
            weights = {team.name: team.weight for team in teams}
            assert len(mine) <= 1 or sum(weights[each.team] for each in mine) <= someone.capacity[kind]


@given(st.integers(1, 7), st.integers(0, 60), st.sampled_from(["spare", "round"]))
@settings(max_examples=60, deadline=None)
def test_equal_agents_differ_by_at_most_one_after_any_prefix(agents: int, count: int, turn: str) -> None:
    """Requirement 5 (Chatwoot 11034)."""
    team = replace(PUSH, turn=turn)
    people = [worker(f"w{number}") for number in range(agents)]
    deal, so_far = Deal(people, [team], NOON), Counter({each.id: 0 for each in people})
    for number in range(min(count, agents * 10)):
        decision = deal.give(waiting(str(number)))
        assert decision is not None
        so_far[decision.worker] += 1
        assert max(so_far.values()) - min(so_far.values()) <= 1


@given(desks())
@settings(max_examples=20, deadline=None)
def test_what_was_recorded_gives_the_same_decisions_again(
    desk: tuple[list[Conversation], list[Worker], list[Team]],
) -> None:
    asks, people, teams = desk
    found = decide(asks, people, teams, NOON)
    mine = {each.conversation for each in found}
    kept = Snapshot(
        at=NOON,
        conversations=tuple(each for each in asks if each.id in mine),
        workers=tuple(people),
        teams=tuple(teams),
    )
    read = msgspec.json.decode(msgspec.json.encode(kept), type=Snapshot)
    assert read == kept
    assert read.decided() == found
    for each in found:
        assert read.verdicts(each.conversation)[each.worker] == ""
    assert read.verdicts("another") == {}


def test_a_queue_for_which_nobody_is_there_is_read_again_when_something_has_changed() -> None:
    looks = Looks()
    assert looks.since("as it is", 100.0) is None, "at first, everything"
    looks.gave_nothing("as it is", 7, None, began=100.0, now=101.0)
    assert (looks.since("as it is", 102.0), looks.pause("as it is", 102.0)) == (7, 5.0)
    looks.gave_nothing("as it is", 9, 7, began=102.0, now=102.0)
    assert looks.since("as it is", 103.0) == 9, "only what happened since"
    assert (looks.since("somebody came", 103.0), looks.pause("somebody came", 103.0)) == (9, 3.0)
    assert looks.since("somebody came", 106.0) is None, "a look takes a fifth of the time at most"
    assert looks.since("as it is", 130.0) == 9
    assert looks.since("as it is", 131.0) is None, "the clock alone may have let somebody in"
    looks.gave_nothing("as it is", 9, None, began=131.0, now=131.0)
    looks.ask_again(131.0, 4.0)
    assert (looks.since("as it is", 134.9), looks.since("as it is", 135.0)) == (9, None)
    looks.gave_nothing("as it is", 9, None, began=140.0, now=140.0)
    looks.forget()
    assert looks.since("as it is", 140.0) is None
