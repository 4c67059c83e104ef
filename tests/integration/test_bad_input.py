"""Bad input through whole cycles, on both trackers: one issue is set aside and named, and nothing else is lost."""

import copy
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support_linear_stage import LinearStage, linear_staged
from support_stage import Stage, staged

from connectors.sandbox.wire import Distort
from syncd.core.model import Unmapped, Verdict

MB = 1_000_000
VALUES: dict[str, Any] = {
    "null": None, "an object": {"de": "Fertig"}, "a megabyte": "x" * MB, "what no store holds": "\x00\x1b[2J\ud83d",
}  # fmt: skip
"""More of them, and what is absent, in tests/contract/test_connector_bad_input.py."""


class Both:
    """What the two stages have in common, for texts and rows that go wrong."""

    def __init__(self, stage: Stage | LinearStage) -> None:
        self.stage = stage

    def create(self, title: str, **told: Any) -> str:
        named = {"summary": title} if isinstance(self.stage, Stage) else {"title": title}
        return self.stage.create(**named, **told)

    def describe(self, key: str, text: str) -> None:
        if isinstance(self.stage, Stage):
            body = {"type": "doc", "version": 1, "content": [paragraph(text)]}
            self.stage.edit(key, description=body)
        else:
            self.stage.edit(key, description=text)

    def comment(self, key: str, text: str) -> None:
        who = self.stage.site.person("maria") if isinstance(self.stage, Stage) else self.stage.maria
        who.comment(key, text)

    def distort(self, distort: Distort | None) -> None:
        (self.stage.site if isinstance(self.stage, Stage) else self.stage.space).distort = distort

    def spoil(self, how: Callable[[str, Any], None]) -> None:
        """Change rows of issues on their way out: their key, and the row."""

        def meddle(_asked: str, answer: Any) -> Any:
            told = answer.get("data", answer) if isinstance(answer, dict) else {}
            rows = told.get("issues", ())
            for row in rows.get("nodes", ()) if isinstance(rows, dict) else rows:
                how(str(row.get("key") or row.get("identifier")), row)
            return answer

        self.distort(meddle)

    def circle(self, upper: str, lower: str) -> None:
        """Each is the other's parent."""
        if isinstance(self.stage, Stage):
            self.stage.edit(upper, parent=lower)
        else:
            space = self.stage.space
            space.issue(upper).parent = space.issue(lower)
            self.stage.edit(upper, title="turned upside down")

    def orphan(self, child: str) -> None:
        """Its parent is one that nobody can read."""

        def nobody(key: str, row: Any) -> None:
            if key == child and "fields" in row:
                row["fields"]["parent"] = {"id": "99999", "key": "GONE-1"}
            elif key == child and "parent" in row:
                row["parent"] = {"id": "00000000-0000-4000-8000-000000000000", "identifier": "GONE-1"}

        self.spoil(nobody)

    def unreadable(self) -> list[str]:
        return [found if isinstance(found, str) else found.text for found in self.stage.findings("unreadable")]


def paragraph(text: str) -> dict[str, Any]:
    return {"type": "paragraph", "content": [{"type": "text", "text": text}]}


@pytest.fixture(params=["jira-cloud", "linear"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Both]:
    with ExitStack() as stack:
        told: dict[str, Any] = {"commands": {"allow": "members"}}
        if request.param == "linear":
            yield Both(stack.enter_context(linear_staged(tmp_path, **told)))
        else:
            yield Both(stack.enter_context(staged(tmp_path, checked=False, **told)))


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield (*path, step)
        yield from places(inner, (*path, step))


@pytest.mark.parametrize("odd", VALUES)
def test_of_issues_spoiled_in_every_place_all_are_known_or_set_aside_and_the_rest_is_marked(
    both: Both, odd: str
) -> None:
    """Names are left alone here: an issue that has lost its own is told of as such (the connectors' contract)."""
    stage = both.stage
    stage.once()
    victims = [both.create(f"victim {n}", labels=["sre"]) for n in range(50)]
    sound = [both.create(f"sound {n}", labels=["sre"]) for n in range(5)]
    spoilt: set[str] = set()

    def meddle(key: str, row: Any) -> None:
        own = {("id",), ("key",), ("identifier",), ("archivedAt",), ("trashed",), ("team", "key")}
        everywhere = [path for path in places(row) if path not in own]
        if key in victims and victims.index(key) < len(everywhere):
            path, held = everywhere[victims.index(key)], row
            for step in path[:-1]:
                held = held[step]
            held[path[-1]] = copy.deepcopy(VALUES[odd])
            spoilt.add(key)

    both.spoil(meddle)
    result = stage.later(minutes=1)
    assert result.complete, result.why
    assert len(spoilt) > 20
    assert {tuple(mark.casefold() for mark in stage.marks(key)) for key in sound} == {("outcome/reliability",)}
    named = {key for key in victims if any(text.startswith(f"{key}: ") for text in both.unreadable())}
    assert len(named) == len(both.unreadable())
    with stage.store() as store:
        known = {key for key in victims if store.find(key)}
    assert known | named == set(victims), "each is known, or set aside by name"
    both.distort(None)
    stage.later(minutes=1)
    assert both.unreadable() == [], "understood again: read anew though nobody changed them"


def test_huge_and_hostile_texts_keep_nobody_from_a_verdict_or_a_word(both: Both) -> None:
    stage = both.stage
    stage.once()
    described, talked, other = (both.create(f"work {n}", labels=["finops"]) for n in range(3))
    both.describe(described, "d" * MB)
    both.comment(talked, "c" * 3 * MB)
    both.comment(talked, "/outcome reliability because the long one was not it")
    both.comment(other, "\x07\u202e/outcome reliability\u0000")
    assert stage.later(minutes=1).complete
    assert stage.decided(described) == ("mapped", "cost")
    assert stage.decided(talked) == ("mapped", "reliability")
    assert [stage.decided(key)[0] for key in (described, talked, other)] == ["mapped"] * 3
    assert both.unreadable() == []


def test_parents_in_a_circle_are_cut_and_told_and_both_are_decided(both: Both) -> None:
    stage = both.stage
    stage.once()
    upper = both.create("upper")
    lower = both.create("lower", parent=upper)
    both.circle(upper, lower)
    assert stage.later(minutes=1).complete
    assert stage.decided(upper) == stage.decided(lower) == ("unmapped", None)
    assert len(stage.findings("cycle")) == 1


def test_below_an_epic_that_is_not_there_nothing_is_guessed_and_all_else_goes_on(both: Both) -> None:
    stage = both.stage
    stage.once()
    child, own, sound = (
        both.create("child"),
        both.create("own word", labels=["finops"]),
        both.create("sound", labels=["sre"]),
    )
    both.orphan(child)
    assert stage.later(minutes=1).complete
    assert verdict(stage, child) == Unmapped(incomplete=True)
    assert stage.marks(child) == []
    assert (stage.decided(own), stage.decided(sound)) == (("mapped", "cost"), ("mapped", "reliability"))
    both.distort(None)
    both.comment(child, "it has no parent at all")
    assert stage.later(minutes=1).complete
    assert verdict(stage, child) == Unmapped()


def verdict(stage: Stage | LinearStage, key: str) -> Verdict:
    standing = stage.known(key).standing
    assert standing is not None
    return standing.decision.verdict
