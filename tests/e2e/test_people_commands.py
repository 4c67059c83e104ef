"""`syncd override`, `findings`, `withdraw` and `adopt` at the terminal: what they say, ask and end with."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from support_cli import Cli, commanded, documented, keys_of
from support_stage import TRACKER, Stage, staged

from connectors.sandbox import Fault

Golden = Callable[[str, str], None]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path, write="label+comment", comments={"grace": "0s"}) as stage:
        stage.once()
        yield stage


@pytest.fixture
def syncd(stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    with commanded(stage, capsys, monkeypatch) as cli:
        yield cli


def worked(stage: Stage) -> dict[str, str]:
    """A few issues with marks and comments of ours, and what people did to them."""
    epic = stage.create(type="Epic", labels=["sre"], summary="Any region can fail", assignee="lena")
    keys = {
        "epic": epic,
        "other": stage.create(parent=epic, labels=["finops"], summary="Cheaper failover"),
        "torn": stage.create(labels=["sre", "finops"], summary="Both"),
        "off": stage.create(labels=["sre"], summary="Nobody wants the mark here"),
        "misspelt": stage.create("OPS", labels=["sre", "outcome/relyability"], assignee="tom"),
        "hand": stage.create(labels=["sre"], summary="Maria knows better"),
        "nothing": stage.create(summary="Why?"),
    }
    for _ in range(2):  # written, and seen to be there
        stage.later(minutes=1)
    stage.edit(keys["off"], by="tom", labels_remove=["outcome/reliability"])
    stage.edit(keys["hand"], by="maria", labels_add=["outcome/cost"])
    stage.later(minutes=1)
    return keys


def at_the_terminal(answer: str) -> SimpleNamespace:
    """A stdin at which somebody sits."""
    return SimpleNamespace(isatty=lambda: True, readline=lambda *_: f"{answer}\n")


# --- override ---


def test_saying_listing_and_taking_back_a_word_reads_as_accepted(stage: Stage, syncd: Cli, golden: Golden) -> None:
    keys = worked(stage)
    told = []
    for argv in (
        ("set", keys["epic"], "cost", "--by", "ada", "--reason", "The board said so", "--expires", "2026-12-31"),
        ("set", keys["nothing"], "overhead:chores", "--by", "ada"),
        ("list",),
        ("set", keys["epic"], "auto", "--by", "li"),
        ("drop", keys["nothing"]),
        ("drop", keys["nothing"]),
        ("drop", keys["hand"]),
        ("list", "--all"),
        ("set", keys["epic"], "reliabilty"),
        ("set", keys["epic"], "cost", "--expires", "tomorrow"),
        ("set", "PAY-999", "cost"),
    ):
        ran = syncd("override", *argv)
        told.append(f"$ syncd override {' '.join(argv)}\n{ran.out}{ran.err}[{ran.code}]\n")
        stage.tick()
    golden("cli/override.txt", "\n".join(told))


def test_every_key_of_override_is_documented_and_no_word_is_exit_5(stage: Stage, syncd: Cli) -> None:
    keys = worked(stage)
    said = syncd("override", "set", keys["epic"], "cost", "--reason", "so", "--json")
    listed = syncd("override", "list", "--json")
    dropped = syncd("override", "drop", keys["epic"], "--json")
    assert (said.code, listed.code, dropped.code) == (0, 0, 0)
    assert said.json in listed.json["overrides"]
    assert dropped.json["dropped"][0]["ended"] is not None
    assert keys_of([said.json, listed.json, dropped.json]) <= documented("override list")
    assert syncd("override", "drop", keys["epic"]).code == 5
    assert syncd("override", "set", keys["epic"], "nonsense").code == 2
    assert syncd("override", "set", "PAY-999", "cost").code == 5


def test_a_word_by_command_needs_no_tracker(stage: Stage, syncd: Cli) -> None:
    keys = worked(stage)
    with stage.watched() as traffic:
        syncd("override", "set", keys["epic"], "cost")
        syncd("override", "list", "--all")
        syncd("override", "drop", keys["epic"])
        syncd("findings")
    assert traffic.seen == []


# --- findings ---


def test_findings_read_as_accepted_by_level_and_when_they_are_settled(stage: Stage, syncd: Cli, golden: Golden) -> None:
    keys = worked(stage)
    opened = syncd("findings").out
    engineers = syncd("findings", "--level", "5000").out
    stage.edit(keys["misspelt"], labels_remove=["outcome/relyability"])
    stage.edit(keys["torn"], labels_remove=["finops"])
    stage.later(minutes=1)
    closed = syncd("findings", "--closed").out
    stage.clock.sleep(40 * 86_400)
    late = syncd("findings").out
    golden(
        "cli/findings.txt",
        f"$ syncd findings\n{opened}\n$ syncd findings --level 5000\n{engineers}\n$ syncd findings --closed\n{closed}\n"
        f"# forty days later\n{late}",
    )


def test_every_key_of_findings_is_documented_and_nothing_open_is_said(stage: Stage, syncd: Cli) -> None:
    assert syncd("findings").out == "nothing waits for anybody\n"
    worked(stage)
    told, settled = syncd("findings", "--json"), syncd("findings", "--closed", "--json")
    assert (told.code, settled.code) == (0, 0)
    assert {one["kind"] for one in told.json["findings"]} >= {"conflict", "divergence", "drift", "unknown-mark"}
    assert keys_of([told.json, settled.json]) <= documented("findings")
    assert {one["level"] for one in syncd("findings", "--level", "5000", "--json").json["findings"]} == {5000}


# --- withdraw ---


def test_withdrawing_says_what_went_and_status_that_the_place_is_on_hold(
    stage: Stage, syncd: Cli, golden: Golden
) -> None:
    keys = worked(stage)
    told = []
    for argv in (
        ("withdraw", "--issue", keys["torn"], "--yes"),
        ("withdraw", "--tracker", TRACKER, "--project", "OPS", "--yes"),
        ("withdraw", "--tracker", TRACKER, "--yes"),
        ("withdraw", "--tracker", TRACKER, "--yes"),
        ("status",),
        ("withdraw",),
        ("withdraw", "--tracker", "elsewhere", "--yes"),
        ("withdraw", "--issue", "PAY-999", "--yes"),
    ):
        ran = syncd(*argv)
        told.append(f"$ syncd {' '.join(argv)}\n{ran.out}{ran.err}[{ran.code}]\n")
    golden("cli/withdraw.txt", re.sub(r"rulebook [0-9a-f]+", "rulebook VERSION", "\n".join(told)))
    assert {tuple(stage.marks(key)) for key in keys.values()} == {(), ("outcome/cost",), ("outcome/relyability",)}


def test_without_a_terminal_and_without_yes_nothing_is_withdrawn(stage: Stage, syncd: Cli) -> None:
    keys = worked(stage)
    before = stage.site.snapshot()
    with patch("sys.stdin", SimpleNamespace(isatty=lambda: False)):
        ran = syncd("withdraw", "--issue", keys["epic"])
    assert (ran.code, ran.out) == (2, "")
    assert "--yes" in ran.err
    assert stage.site.snapshot() == before
    assert stage.app.status()["holds"] == []


@pytest.mark.parametrize(("answer", "goes"), [("y", True), ("n", False), ("", False)])
def test_at_a_terminal_it_asks_and_takes_off_only_after_a_yes(
    answer: str, goes: bool, stage: Stage, syncd: Cli
) -> None:
    keys = worked(stage)
    with patch("sys.stdin", at_the_terminal(answer)):
        ran = syncd("withdraw", "--issue", keys["epic"])
    assert (stage.marks(keys["epic"]) == []) is goes
    assert (ran.code == 0) is goes
    assert f"Take off everything that syncd left on {keys['epic']}?" in ran.err
    assert bool(stage.app.status()["holds"]) is goes


def test_what_could_not_be_taken_off_is_exit_1_and_the_next_try_is_0(stage: Stage, syncd: Cli) -> None:
    keys = worked(stage)
    match = f"PUT /rest/api/3/issue/{stage.site.issue(keys['epic']).id}"
    stage.site.faults.add(Fault("status", status=503, match=match, times=None))
    assert syncd("withdraw", "--tracker", TRACKER, "--yes").code == 1
    assert stage.marks(keys["epic"]) == ["outcome/reliability"]
    stage.site.faults.clear()
    assert syncd("withdraw", "--tracker", TRACKER, "--yes").code == 0
    assert stage.marks(keys["epic"]) == []


# --- adopt ---


def test_adopting_says_what_was_taken_over_and_writes_nothing(stage: Stage, syncd: Cli, golden: Golden) -> None:
    worked(stage)
    before = stage.site.snapshot()
    stage.write(store="sqlite:///fresh.db")
    first = syncd("adopt")
    again = syncd("adopt", "--json")
    assert (first.code, again.code) == (0, 0)
    assert stage.site.snapshot() == before
    (told,) = again.json["trackers"].values()
    assert (told["tracker"], told["complete"]) == (TRACKER, True)
    assert keys_of(again.json, values=("trackers",)) <= documented("adopt")
    assert syncd("once").code == 0
    assert stage.site.snapshot() == before
    golden("cli/adopt.txt", re.sub(r"[0-9a-f]{32}|[0-9a-f-]{36}", "INSTANCE", first.out + first.err))


def test_a_tracker_that_is_not_read_whole_is_exit_4_and_said(stage: Stage, syncd: Cli) -> None:
    worked(stage)
    stage.write(store="sqlite:///fresh.db")
    stage.site.permissions.may_browse["OPS"] = False
    ran = syncd("adopt")
    assert ran.code == 4
    assert "OPS" in ran.err
