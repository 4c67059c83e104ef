"""Dead letters: `status` shows them, `syncd outbox` retries or drops them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support_cli import Cli, commanded
from support_stage import Stage, staged

from connectors.sandbox import Fault

Dead = Callable[[], tuple[str, Fault]]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        yield stage


@pytest.fixture
def syncd(stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    with commanded(stage, capsys, monkeypatch) as cli:
        yield cli


@pytest.fixture
def dead(stage: Stage) -> Dead:
    """An issue whose mark Jira refuses for no known reason, until its write waits for a person."""

    def make() -> tuple[str, Fault]:
        key = stage.create(labels=["sre"])
        match = f"PUT /rest/api/3/issue/{stage.site.issue(key).id}"
        fault = stage.site.faults.add(Fault("status", status=400, match=match, times=None))
        for _ in range(3):
            stage.later(minutes=1)
        return key, fault

    return make


def test_status_and_list_say_what_where_why_and_since_when(stage: Stage, syncd: Cli, dead: Dead) -> None:
    stage.once()
    assert syncd("outbox", "list").out == "nothing waits\n"
    key, _ = dead()
    told = syncd("outbox", "list", "--json")
    assert told.code == 1
    (entry,) = told.json["entries"]
    assert (entry["key"], entry["kind"], entry["add"], entry["state"]) == (key, "mark", ["outcome/reliability"], "dead")
    assert (entry["attempts"], entry["why"]) == (3, "serves reliability (rule: reliable)")
    assert "400" in entry["note"]
    assert entry["since"].endswith("Z")
    status = syncd("status", "--json")
    assert status.code == 1
    assert status.json["dead"] == [entry]
    text = syncd("status").out
    assert f"dead letter: {key}: mark +outcome/reliability" in text
    assert "syncd outbox retry --all" in text
    assert text.count(key) == 1
    assert syncd("outbox", "list").out.startswith(f"{key}: mark +outcome/reliability (serves reliability")


def test_a_retry_begins_anew_and_the_next_cycle_writes_it(stage: Stage, syncd: Cli, dead: Dead) -> None:
    key, _ = dead()
    stage.site.faults.clear()
    assert stage.later(minutes=1).waiting == 1, "the dead are not raised by themselves"
    assert syncd("outbox", "retry", "--issue", key.lower()).out == f"retried {key}: mark\n"
    assert stage.later(minutes=1).applied == 1
    assert stage.marks(key) == ["outcome/reliability"]
    assert syncd("status").code == 0
    stage.quiet()


def test_what_was_dropped_is_not_planned_again_until_something_else_is_wanted(
    stage: Stage, syncd: Cli, dead: Dead
) -> None:
    key, fault = dead()
    assert syncd("outbox", "drop", "--all", "--json").json["dropped"][0]["key"] == key
    assert syncd("status").code == 0
    assert stage.later(minutes=1).skipped == 1
    stage.quiet()
    assert fault.struck == 3
    assert [s.why for s in stage.plan().plan.skipped if "a person dropped this write" in s.why]
    stage.site.faults.clear()
    stage.edit(key, labels=["finops"])
    assert stage.later(minutes=1).applied == 1
    assert stage.marks(key) == ["outcome/cost"]


def test_what_was_dropped_can_still_be_retried_by_its_issue(stage: Stage, syncd: Cli, dead: Dead) -> None:
    key, _ = dead()
    syncd("outbox", "drop", "--issue", key)
    stage.site.faults.clear()
    assert syncd("outbox", "retry", "--all").out == "no write waits for a person\n"
    assert syncd("outbox", "retry", "--issue", key).code == 0
    assert stage.later(minutes=1).applied == 1


@pytest.mark.parametrize("verb", ["retry", "drop"])
def test_an_issue_without_dead_letters_is_5_and_no_choice_is_2(verb: str, stage: Stage, syncd: Cli) -> None:
    key = stage.create(labels=["sre"])
    stage.once()
    assert syncd("outbox", verb, "--issue", key).code == 5
    assert syncd("outbox", verb).code == 2
    assert syncd("outbox", verb, "--all", "--issue", key).code == 2
