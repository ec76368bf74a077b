"""From a policy's YAML to the policy that decisions read. The same text always gives the same
policy."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from services.router.adapters import urgency
from services.router.adapters.urgency import Models
from services.router.domain.judging import Model
from services.router.domain.policy import (
    AgePrior,
    KnownChannel,
    Overflow,
    Patience,
    Policy,
    Preference,
    Priority,
    Repeated,
    RoutingRule,
    Service,
    Waiting,
)
from services.router.domain.words import Lexicon, Phrase, Vocabulary, denial, phrase
from shared.hours import Hours
from shared.hours import parse as parse_hours
from shared.kernel import Level
from shared.yaml_sections import Section, document

SHIPPED = Path(__file__).parent.parent / "policy.yaml"
"""The policy that is in force until another one is published."""
LONGEST = 60 * 24 * 60
"""Minutes: 60 days. What may take longer is no promise."""
OLDEST = 150
"""Years: above every age, where a prior has no upper end."""


def shipped(models: Models | None = None) -> Policy:
    """Returns the policy that comes with the router, as version 0."""
    return parse(SHIPPED.read_text(encoding="utf-8"), SHIPPED.name, version=0, models=models)


def parse(
    text: str, source: str, version: int = 0, models: Models | None = None, skills: Collection[str] = ()
) -> Policy:
    """Parses a policy. `models`: that it may ask for; None for the one that comes with the router.
    `skills`: that its rules may ask for; none means any. Raises YamlErrors with a line for
    everything that is wrong, and what would be right."""
    root = document(text, source)
    policy = build(root, version, models, skills)
    root.problems.check()
    return policy


def build(root: Section, version: int = 0, models: Models | None = None, known: Collection[str] = ()) -> Policy:
    """Builds the policy from a document. `known`: skills, as in `parse`. All that is wrong is
    recorded in the section's problems."""
    name, language = root.text("name"), root.text("language")
    windows = {key: timedelta(hours=hours) for key, hours in _numbers(root.section("windows"), 24 * 365).items()}
    priority = _priority(root.section("levels"), root.section("signals"), models or Models())
    lexicon = _lexicon(root, priority)
    preference = _preference(root.section("preference"))
    service = _service(root.optional("hours"), root.optional("answer_within"))
    team, rules, teams = _routing(root.section("routing"), priority, known)
    skills = {skill for rule in rules for skill in rule.skills}
    service = replace(service, waiting=_waiting(root.optional("waiting"), skills, team, teams))
    root.end()
    return Policy(name, version, language, windows, priority, lexicon, preference, service, team, rules)


def _small(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(text.lower() for text in texts)


def _numbers(section: Section, high: float, at_least: float = 0) -> dict[str, float]:
    """Returns names of the author's own, each with a number up to `high`."""
    return {key: section.number(key, at_least, high) for key in section.keys()}  # noqa: SIM118 - a Section is no mapping


def _priority(levels: Section, signals: Section, models: Models) -> Priority:
    urgent, high, normal = (levels.number(key, 0, 100) for key in ("urgent", "high", "normal"))
    if not urgent > high > normal:
        levels.problems.add(levels.line, "levels: urgent must be above high, and high above normal")
    levels.end()
    reach, repeated, csat = signals.section("reach"), signals.section("repeated"), signals.section("bad_csat")
    model, weight = _model(signals.optional("model"), models)
    priority = Priority(
        urgent=urgent,
        high=high,
        normal=normal,
        base=signals.number("base", 0, 100),
        live=signals.number("live", 0, 100),
        severity=_numbers(signals.section("severity"), 100),
        complaint=signals.number("complaint", 0, 100),
        reach=reach.number("points", 0, 100),
        reach_full=int(reach.number("full_at", 1, 10**10)),
        tiers={tier.lower(): points for tier, points in _numbers(signals.section("tiers"), 100).items()},
        repeated=Repeated(
            repeated.number("points", 0, 100),
            timedelta(hours=repeated.number("hours", 0, 24)),
            timedelta(minutes=repeated.number("minutes_apart", 0, 24 * 60)),
            int(repeated.number("at_most", 0, 20)),
        ),
        bad_csat=csat.number("points", 0, 100),
        bad_csat_at_most=int(csat.number("rated_at_most", 1, 5)),
        missed_sla=signals.number("missed_sla", 0, 100),
        ceilings=_numbers(signals.section("ceilings"), 100),
        model=model,
        model_weight=weight,
    )
    for section in (reach, repeated, csat, signals):
        section.end()
    return priority


def _model(section: Section, models: Models) -> tuple[Model | None, float]:
    """Returns the model that a policy asks for: the newest that was learned, the one that comes
    with the router, none, or the one of this version."""
    wanted, weight = section.text("use", default="newest"), section.number("weight", 0, 1, default=1)
    section.end()
    shipped = urgency.shipped()
    match wanted:
        case "off":
            return None, weight
        case "newest":
            return models.newest(), weight
        case "shipped":
            return shipped, weight
    if (found := models.of(wanted)) is None:
        section.problems.add(
            section.line,
            f"{section.path}.use: there is no model {wanted!r} here; "
            f"use newest, shipped, off{f' or {shipped.version}' if shipped else ''}",
        )
    return found, weight


def _lexicon(root: Section, priority: Priority) -> Lexicon:
    deniable = root.texts("deniable", one_of=priority.severity)
    languages = {}
    for code, section in root.section("words").subsections():
        before, after = denial(section.texts("denied_before"), section.texts("denied_after"))
        severities = {name: _phrases(section, name) for name in priority.severity if section.has(name)}
        section.only({"denied_before", "denied_after", *priority.severity})
        languages[code] = Vocabulary(severities, before, after)
    return Lexicon(languages, frozenset(deniable))


def _phrases(section: Section, key: str, *, some: bool = False) -> tuple[Phrase, ...]:
    found = []
    for line, text in section.lines(key, some=some):
        try:
            found.append(phrase(text))
        except ValueError as error:
            section.problems.add(
                line, f"{section.path}.{key}: {error}; a phrase is words, with * at the end or ... between"
            )
    return tuple(found)


def _preference(section: Section) -> Preference:
    observed, ages = section.section("observed"), section.section("ages")
    channels = {}
    for name, channel in section.section("channels").subsections():
        label = channel.text("label")
        channels[name] = KnownChannel(
            label, channel.texts("reaches"), channel.text("missing", default=f"{label} is not set up yet")
        )
        channel.end()
    priors = []
    for prior in ages.sections("priors"):
        low, high = prior.number("at_least", 0, OLDEST, default=0), prior.number("below", 0, OLDEST, default=OLDEST)
        if low >= high:
            prior.problems.add(prior.line, f"{prior.path}: at_least must be less than below")
        priors.append(AgePrior(prior.text("channel", one_of=channels), int(low), int(high)))
        prior.end()
    preference = Preference(
        stated=_numbers(section.section("stated"), 1),
        observed_at_least=observed.number("at_least", 1, 1000),
        half_life=timedelta(days=observed.number("half_life_days", 1, 3650)),
        observed=observed.number("confidence", 0, 1),
        slow=timedelta(hours=observed.number("slow_hours", 1, 24 * 365, default=24)),
        ages=tuple(priors),
        age=ages.number("confidence", 0, 1),
        used=section.number("used", 0, 1),
        ask_below=section.number("ask_below", 0, 1, default=0),
        channels=channels,
    )
    for part in (observed, ages, section):
        part.end()
    return preference


def _service(hours: Section, targets: Section) -> Service:
    zone, closed = _zone(hours), _closed(hours)
    channels = hours.optional("channels")
    service = Service(
        hours=_hours(hours, "open", zone, closed),
        channels={name: _hours(channels, name, zone, closed) for name in channels.keys()},  # noqa: SIM118
        targets={},
        tiers={},
    )
    hours.end()
    tiers = targets.optional("tiers")
    found = {tier.lower(): _targets(section) for tier, section in tiers.subsections()}
    return replace(service, targets=_targets(targets), tiers=found)


def _zone(hours: Section) -> str:
    zone = hours.text("timezone", default="UTC")
    try:
        parse_hours("", zone, "")
    except ValueError as error:
        hours.problems.add(hours.line_of("timezone"), f"{hours.path}.timezone: {error}")
        return "UTC"
    return zone


def _closed(hours: Section) -> str:
    """Days, with commas between."""
    right = []
    for line, day in hours.lines("closed_on"):
        try:
            parse_hours("", "UTC", day)
        except ValueError as error:
            hours.problems.add(line, f"{hours.path}.closed_on: {error}")
        else:
            right.append(day)
    return ",".join(right)


def _hours(section: Section, key: str, zone: str, closed: str) -> Hours:
    text = section.text(key, default="always")
    try:
        return parse_hours("" if text == "always" else text, zone, closed)
    except ValueError as error:
        section.problems.add(section.line_of(key), f"{section.path}.{key}: {error}")
        return parse_hours("", "UTC", "")


def _targets(section: Section) -> dict[Level, timedelta]:
    minutes = {level: section.number(level, 1, LONGEST) for level in Level if section.has(level)}
    section.end()
    return {level: timedelta(minutes=given) for level, given in minutes.items()}


def _waiting(section: Section, skills: Collection[str], usual: str, teams: Collection[str]) -> Waiting:
    levels, tiers = section.optional("levels"), section.optional("tiers")
    waiting = Waiting(
        general=_patience(section, skills, usual, teams),
        levels={level: _patience(levels.section(level), skills, usual, teams) for level in Level if levels.has(level)},
        tiers={tier.lower(): _patience(part, skills, usual, teams) for tier, part in tiers.subsections()},
    )
    levels.end()
    return waiting


def _patience(section: Section, skills: Collection[str], usual: str, teams: Collection[str]) -> Patience:
    dropped, overflow, found = section.optional("skills"), section.optional("overflow"), {}
    minutes = _numbers(dropped, LONGEST, at_least=1)
    dropped.only(skills)
    for team, part in overflow.subsections():
        to = part.text("to", default=usual, one_of=teams)
        found[team] = Overflow(to, timedelta(minutes=part.number("after", 1, LONGEST)))
        if to == team:
            part.problems.add(part.line, f"{part.path}.to: must be another team")
        part.end()
    overflow.only(teams)
    section.end()
    return Patience({skill: timedelta(minutes=given) for skill, given in minutes.items()}, found)


def _routing(
    section: Section, priority: Priority, known: Collection[str]
) -> tuple[str, tuple[RoutingRule, ...], set[str]]:
    """Returns the default team, the routing rules, and all teams that are named."""
    team = section.text("team")
    rules = tuple(_rule(rule, priority, known) for rule in section.sections("rules"))
    teams = {team, *section.texts("teams"), *(rule.team for rule in rules)} - {""}
    section.end()
    return team, rules, teams


def _rule(section: Section, priority: Priority, known: Collection[str]) -> RoutingRule:
    when = section.section("when")
    facts = when.optional("facts")
    rule = RoutingRule(
        name=section.text("name"),
        team=section.text("team", default=""),
        skills=section.texts("skills", one_of=known),
        languages=when.texts("languages", some=True),
        channels=when.texts("channels", some=True),
        severities=when.texts("severities", one_of=priority.severity, some=True),
        tiers=_small(when.texts("tiers", some=True)),
        words=_phrases(when, "words", some=True),
        live=when.flag("live"),
        recipients=_small(when.texts("recipients", some=True)),
        facts={name: _small(facts.texts(name, some=True)) for name in facts.keys()},  # noqa: SIM118
    )
    if when.has("facts"):
        facts.some("the name of a fact with its values")
    section.either("team", "skills")
    when.some("a condition, such as languages, channels, severities, tiers, words, recipients, facts or live")
    section.end()
    when.end()
    return rule
