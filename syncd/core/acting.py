"""What people made of syncd's comments: how many were told, who then acted, and whose comments nobody heeds. Pure.

A comment was acted on if, within a while after it, the issue's verdict became another by somebody's doing: an edit of
the issue, its epic or what else is above it, a word of a person. A comment on a conflict asks the owners of outcomes,
so there a rule edit or a trade-off counts as well.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final

from syncd.core.model import Decision, IssueRef, Origin
from syncd.core.noise import Notice

LOOKED_BACK: Final = timedelta(days=90)
"""How far back comments count. One that was muted speaks again when what muted it lies further back."""
ANSWER: Final = "answer"
"""The kind of pair of a comment that somebody asked for by a command: it asks nobody to act."""

Pair = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Turn:
    """A verdict that became another: when (tracker's clock), to what, and whose doing it was (None: not kept)."""

    at: datetime
    pair: Pair
    origin: Origin | None


@dataclass(frozen=True, slots=True)
class Heed:
    """When syncd stops speaking up where nobody acts."""

    within: timedelta = timedelta(days=14)
    """How long there is to act."""
    mute_after: int = 10
    """So many comments in a row of one source, all of them older than that, and nobody acted; 0: it never stops."""


@dataclass(frozen=True, slots=True)
class Week:
    """Whom syncd told in one week. `start`: its Monday, in UTC."""

    start: date
    comments: int
    marks: int
    edits: int
    notices: int
    """People told, counted for each write that told them."""
    people: int
    """Different ones."""
    most: int
    """How often the one was told who was told most often."""


@dataclass(frozen=True, slots=True)
class SourceLine:
    """What came of the comments of one rule, or of what no rule speaks for."""

    source: str
    comments: int
    ripe: int
    """Those of which is known whether anybody acted: somebody did, or the time for it is over."""
    acted: int
    muted: bool

    @property
    def share(self) -> float | None:
        """Of the ripe ones, those that somebody acted on."""
        return self.acted / self.ripe if self.ripe else None


@dataclass(frozen=True, slots=True)
class NoiseReport:
    """`syncd noise`."""

    since: datetime
    heed: Heed
    weeks: tuple[Week, ...]
    total: SourceLine
    sources: tuple[SourceLine, ...]
    held: Mapping[str, int] = field(default_factory=dict)
    """Comments held back now, by why."""

    @property
    def muted(self) -> tuple[str, ...]:
        """The sources that stopped speaking up."""
        return tuple(line.source for line in self.sources if line.muted)


def sources_of(project: str, pair: Pair | None, rules: Iterable[str]) -> tuple[str, ...]:
    """Whose a comment is: each rule that speaks in it, or the unmapped work of a project."""
    named = sorted({f"rule {rule}" for rule in rules if rule not in ("override", "tradeoff")})
    return tuple(named) or (f"{pair[0] if pair is not None else 'unmapped'} work in {project}",)


def rules_in(decision: Decision) -> tuple[str, ...]:
    """The rules that spoke for a verdict."""
    return tuple(sorted({e.source for e in decision.evidence if e.source not in ("override", "tradeoff")}))


def acted_at(told: Notice, turns: Sequence[Turn], heed: Heed) -> datetime | None:
    """When somebody acted on a comment; None: nobody did in time, or not yet."""
    conflict = told.pair is not None and told.pair[0] == "conflict"
    doings = {Origin.ISSUE, Origin.ANCESTOR, None} | ({Origin.RULEBOOK} if conflict else set())
    late = told.at + heed.within
    return next(
        (t.at for t in turns if told.at < t.at <= late and t.pair != told.pair and t.origin in doings),
        None,
    )


def noise_report(
    told: Sequence[Notice],
    turns: Mapping[IssueRef, Sequence[Turn]],
    heed: Heed,
    now: datetime,
    held: Mapping[str, int] | None = None,
) -> NoiseReport:
    """All that was told since `now - LOOKED_BACK`, by week and by source. `turns`: of the issues told of."""
    recent = sorted((one for one in told if now - one.at < LOOKED_BACK), key=lambda one: one.at)
    asked = [(one, acted_at(one, turns.get(one.ref, ()), heed)) for one in recent if _asks(one)]
    by_source: dict[str, list[tuple[Notice, datetime | None]]] = {}
    for one, acted in asked:
        for source in sources_of(one.project, one.pair, one.rules):
            by_source.setdefault(source, []).append((one, acted))
    return NoiseReport(
        since=now - LOOKED_BACK,
        heed=heed,
        weeks=tuple(_weeks(recent)),
        total=_line("all", asked, heed, now, may_mute=False),
        sources=tuple(_line(source, some, heed, now) for source, some in sorted(by_source.items())),
        held=dict(held or {}),
    )


def muted_sources(
    told: Sequence[Notice], turns: Mapping[IssueRef, Sequence[Turn]], heed: Heed, now: datetime
) -> tuple[str, ...]:
    """Whose comments stop, since nobody acts on them, in order."""
    return noise_report(told, turns, heed, now).muted if heed.mute_after else ()


def _asks(one: Notice) -> bool:
    return one.kind == "comment" and (one.pair is None or one.pair[0] not in (ANSWER, "dashboard"))


def _line(
    source: str, some: Sequence[tuple[Notice, datetime | None]], heed: Heed, now: datetime, *, may_mute: bool = True
) -> SourceLine:
    ripe = [(one, acted) for one, acted in some if acted is not None or now - one.at >= heed.within]
    last = ripe[-heed.mute_after :] if heed.mute_after else []
    unheeded = len(last) == heed.mute_after and all(acted is None for _, acted in last)
    return SourceLine(
        source=source,
        comments=len(some),
        ripe=len(ripe),
        acted=sum(acted is not None for _, acted in ripe),
        muted=may_mute and heed.mute_after > 0 and unheeded,
    )


def _weeks(told: Iterable[Notice]) -> Iterable[Week]:
    by_week: dict[date, list[Notice]] = {}
    for one in told:
        day = one.at.astimezone(UTC).date()
        by_week.setdefault(day - timedelta(days=day.weekday()), []).append(one)
    for start, some in sorted(by_week.items()):
        kinds = Counter(one.kind for one in some)
        people = Counter(person for one in some for person in one.people)
        yield Week(
            start=start,
            comments=kinds["comment"],
            marks=kinds["mark"],
            edits=kinds["edit"],
            notices=people.total(),
            people=len(people),
            most=max(people.values(), default=0),
        )
