"""A simulated month over both trackers: who is told what, and that each safeguard is what keeps it quiet."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from support_month import Month, Size, month

from syncd.core import comments
from syncd.core.decide import Decider
from syncd.core.model import Category, Issue, Origin, Standing, Via

TENTH = Size(issues=500, days=3, every=3, torn=30)
WHOLE = Size(issues=5_000, days=30, every=3, torn=300)
LOOKS = (6, 9, 12, 15, 18, 21, 24, 27, 60, 84, 87)
CRUMB = Size(issues=20, days=4, every=3, busy=0.2, torn=4, linear=False, looks=LOOKS)
HELD_BACK = "syncd.core.plan.held_back"


def told(one: Month, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{one.note()}")  # noqa: T201 - the note is what the simulation is for


def holds(one: Month) -> None:
    assert one.breaches() == []
    assert one.commented.count(one.epic) == 1, "the torn epic is asked about, once"
    assert len(one.commented) > 10, "and people are asked, else nothing was proven"
    assert one.told_by_syncd().total.comments == len(one.commented), "and `syncd noise` says what the trackers sent"


def test_three_days_with_defaults_bother_nobody_more_than_three_times_a_day(tmp_path: Path) -> None:
    with month(tmp_path, TENTH) as one:
        holds(one.run())


@pytest.mark.stress
def test_a_month_with_defaults_bothers_nobody_more_than_three_times_a_day(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with month(tmp_path, WHOLE) as one:
        one.run()
        told(one, capsys)
        holds(one)


# --- each safeguard, switched off alone ------------------------------------------------------------------

Held = Callable[..., str | None]


def seen_otherwise(change: Callable[[Issue, Standing], tuple[Issue, Standing]]) -> AbstractContextManager[Any]:
    """What is held back is asked about another issue, or another standing, than there is."""
    real: Held = comments.held_back

    def held(issue: Issue, standing: Standing, *rest: Any, **told: Any) -> str | None:
        return real(*change(issue, standing), *rest, **told)

    return patch(HELD_BACK, held)


def without_origin(origin: Origin) -> AbstractContextManager[Any]:
    return seen_otherwise(lambda i, s: (i, replace(s, origin=Origin.ISSUE) if s.origin is origin else s))


def without_heirs() -> AbstractContextManager[Any]:
    """What is inherited counts as the issue's own."""

    def own(issue: Issue, standing: Standing) -> tuple[Issue, Standing]:
        decision = standing.decision
        return issue, replace(standing, decision=decision._replace(via=Via.RULE)) if decision.via else standing

    return seen_otherwise(own)


def never_closed() -> AbstractContextManager[Any]:
    return seen_otherwise(lambda i, s: (replace(i, category=Category.TODO), s))


@contextmanager
def unchanged() -> Iterator[None]:
    yield


SWITCHES: dict[str, tuple[Callable[[], AbstractContextManager[Any]], dict[str, Any], str]] = {
    "the cap for a person": (unchanged, {"per_person_per_day": 1000}, "told too often: p07"),
    "the cap for a project": (unchanged, {"per_project_per_day": 1000}, "too many in a project: OPS"),
    "the grace": (unchanged, {"grace": "0s"}, "mended within the grace"),
    "the backlog": (unchanged, {"backlog": True}, "the backlog"),
    "24 hours": (lambda: patch("syncd.core.comments.FRESH", timedelta(days=9999)), {}, "the outage"),
    "edits of rules": (lambda: without_origin(Origin.RULEBOOK), {}, "rule edit"),
    "a new project": (lambda: without_origin(Origin.FIRST), {}, "the new project"),
    "changes above": (lambda: without_origin(Origin.ANCESTOR), {}, "an ancestor"),
    "heirs of a torn epic": (without_heirs, {}, "a child of the torn epic"),
    "one question for all below": (
        lambda: patch.object(Decider, "asked_above", lambda *_told: False),
        {},
        "asked at the epic",
    ),
    "apps are nobody": (
        lambda: patch("syncd.engine.deciding.by_people", lambda _w, planned, _s: planned),
        {},
        "an app",
    ),
    "closed work": (never_closed, {}, "closed"),
}


def test_a_crumb_of_that_world_is_quiet_with_all_safeguards_on(tmp_path: Path) -> None:
    with month(tmp_path, CRUMB) as one:
        holds(one.run())


QUICK = ("the cap for a person", "edits of rules")
"""Those that every run of the suite holds; the others take their time."""


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.stress) for name in SWITCHES]
)
def test_without_that_safeguard_alone_the_promise_is_broken(name: str, tmp_path: Path) -> None:
    switch, settings, breach = SWITCHES[name]
    with month(tmp_path, CRUMB, **settings) as one, switch():
        found = one.run().breaches()
    assert [text for text in found if breach in text], f"{name} keeps nothing quiet: {found}"
