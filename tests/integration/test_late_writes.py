"""A write that lands after it was given up: its process died, or its answer was lost, and nobody waited for it.

The request is held back and sent once more, as it was, when the issue has moved on: what it puts there is ours.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx
import pytest
from support_stage import Stage, staged

from connectors.sandbox import Exchange, Fault

EDITED = "PUT /rest/api/3/issue/*"
EDITED_IN_BULK = "POST /rest/api/3/bulk/issues/fields"
SAYS = {"sre": ["outcome/reliability"], "finops": ["outcome/cost"], "deps": [], "other": ["alignment/unmapped"]}
"""What people call their work, and the mark that it bears by the rules."""
GIVEN_UP = [("sre", "other", "finops"), ("other", "sre", "finops"), ("deps", "other", "sre"), ("finops", "sre", "deps")]
"""As the work was called first, when the write was sent that comes late, and when it was given up."""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path, write="label", limits={"share": 1.0}) as stage:
        stage.once()
        yield stage


def call(stage: Stage, called: Mapping[str, str]) -> None:
    for key, word in called.items():
        stage.edit(key, labels_remove=[other for other in SAYS if other != word], labels_add=[word])


def held_back(stage: Stage, match: str, times: int = 1) -> Callable[[], None]:
    """The next such requests do not arrive; what comes back sends them after all, as they were."""
    stage.site.faults.add(Fault("reset", match=match, times=times))
    held: list[Exchange] = []

    def see(exchange: Exchange) -> None:
        if exchange.fault == "reset":
            held.append(exchange)

    stage.site.on_exchange = see

    def land() -> None:
        assert len(held) == times
        for late in held:
            stage.tick()
            names = ("authorization", "content-type")
            headers = {name: value for name, value in late.request_headers.items() if name.lower() in names}
            url = f"{stage.url}{late.path}" + (f"?{late.query}" if late.query else "")
            answer = httpx.request(late.method, url, content=late.request_body, headers=headers, trust_env=False)
            assert answer.is_success, answer.text
        stage.tick()

    return land


def settles(stage: Stage, called: Mapping[str, str]) -> None:
    """Within a few cycles every one bears what it must and nothing else, and nobody is said to have said anything."""
    for _ in range(4):
        stage.later(minutes=1)
    assert {key: stage.marks(key) for key in called} == {key: SAYS[word] for key, word in called.items()}
    with stage.store() as store:
        assert store.words() == []
    stage.quiet()


class Lives:
    """Issues, and as what the work was called at each point: every way of `GIVEN_UP`, each ending in every way."""

    def __init__(self, stage: Stage, times: int = 1) -> None:
        ways = [(*way, last) for way in GIVEN_UP for last in SAYS for _ in range(times)]
        self.ways = {stage.create(labels=[way[0]]): way for way in ways}

    def at(self, point: int) -> Mapping[str, str]:
        """Issue → what it is called: 1 when that is sent which comes late, 2 when it is given up, 3 in the end."""
        return {key: way[point] for key, way in self.ways.items()}


@pytest.mark.parametrize(("times", "match"), [(1, EDITED), (3, EDITED_IN_BULK)], ids=["one by one", "in bulk"])
def test_what_lands_when_the_issue_has_moved_on_goes_again_whatever_the_rules_say_by_then(
    stage: Stage, times: int, match: str
) -> None:
    lives = Lives(stage, times)
    stage.later(minutes=1)
    stage.quiet()
    call(stage, lives.at(1))
    land = held_back(stage, match, len(lives.ways) if match == EDITED else len(GIVEN_UP))
    assert stage.later(minutes=1).waiting == len(lives.ways)
    call(stage, lives.at(2))
    stage.later(minutes=1)
    stage.later(minutes=1)
    assert {key: stage.marks(key) for key in lives.ways} == {key: SAYS[word] for key, word in lives.at(2).items()}
    land()
    call(stage, lives.at(3))
    settles(stage, lives.at(3))


@pytest.mark.parametrize(("times", "match"), [(1, EDITED), (12, EDITED_IN_BULK)], ids=["one by one", "in bulk"])
def test_what_was_taken_off_before_anybody_looked_for_it_comes_back_when_the_rules_say_so(
    stage: Stage, times: int, match: str
) -> None:
    """In bulk a mark goes first and our copy is told of it in a second request, which nobody sends any more."""
    last = {stage.create(labels=[first]): first for first in ("sre", "other") for _ in range(times)}
    stage.later(minutes=1)
    stage.quiet()
    call(stage, dict.fromkeys(last, "deps"))
    land = held_back(stage, match, len(last) if match == EDITED else 2)
    assert stage.later(minutes=1).waiting == len(last)
    land()
    stage.later(minutes=1)
    call(stage, last)
    settles(stage, last)


@pytest.mark.parametrize("seen", [True, False], ids=["seen", "not seen yet"])
def test_what_lands_a_second_time_after_it_was_sent_again_goes_again(stage: Stage, seen: bool) -> None:
    lives = Lives(stage)
    stage.later(minutes=1)
    stage.quiet()
    call(stage, lives.at(1))
    land = held_back(stage, EDITED, len(lives.ways))
    assert stage.later(minutes=1).waiting == len(lives.ways)
    assert stage.later(minutes=1).applied == len(lives.ways)
    call(stage, lives.at(2))
    stage.later(minutes=1)
    if seen:
        stage.later(minutes=1)
    land()
    call(stage, lives.at(3))
    stage.later(minutes=8)
    settles(stage, lives.at(3))


@pytest.mark.parametrize("lands", ["before", "after"])
@pytest.mark.parametrize("sent", ["other", "sre"])
def test_a_mark_of_ours_is_ours_also_where_a_person_had_put_the_same_one_on_before(
    stage: Stage, sent: str, lands: str
) -> None:
    """`alignment/…` of a person's is looked into once and left alone; what comes later by us is another matter."""
    key = stage.create(labels=["finops"])
    stage.later(minutes=1)
    stage.edit(key, labels_add=["alignment/unmapped"])
    stage.later(minutes=1)
    assert stage.marks(key) == ["alignment/unmapped", "outcome/cost"]
    stage.edit(key, labels_remove=["alignment/unmapped"])
    stage.later(minutes=1)
    call(stage, {key: "other"})
    land = held_back(stage, EDITED)
    stage.later(minutes=1)
    call(stage, {key: sent})
    if lands == "before":
        land()
    stage.later(minutes=1)
    stage.later(minutes=1)
    if lands == "after":
        land()
    settles(stage, {key: sent})


@pytest.mark.parametrize("word", ["sre", "deps"])
def test_a_person_who_puts_on_what_we_once_sent_in_vain_is_heard(stage: Stage, word: str) -> None:
    key = stage.create(labels=[word])
    stage.later(minutes=1)
    call(stage, {key: "finops"})
    held_back(stage, EDITED)
    stage.later(minutes=1)
    call(stage, {key: word})
    stage.later(minutes=1)
    stage.edit(key, labels_add=["outcome/cost", "alignment/conflict"])
    stage.later(minutes=1)
    stage.later(minutes=1)
    assert stage.marks(key) == ["alignment/conflict", "outcome/cost"]
    with stage.store() as store:
        (ref,) = store.find(key)
        assert [(said.author, said.mark) for said in store.overrides([ref])[ref]] == [("Tom", "outcome/cost")]
    stage.quiet()
