"""What `noise`, `conflicts`, `tradeoff` and the dashboard say, letter by letter, on a terminal and as JSON."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support_cli import Cli, commanded
from support_stage import Stage, staged

Golden = Callable[[str, str], None]
CAUSE = "rules cheap + reliable"
COMMENTS = {"grace": "0s", "mute_after": 2, "acted_within": "1d", "per_person_per_day": 20}


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path, write="label+comment", comments=COMMENTS) as stage:
        stage.once()
        yield stage


@pytest.fixture
def syncd(stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    with commanded(stage, capsys, monkeypatch) as cli:
        yield cli


def said(cli: Cli, *commands: str) -> str:
    """What each prints, with its exit code."""
    told = []
    for command in commands:
        ran = cli(*command.split("|"))
        told.append(f"$ syncd {command.replace('|', ' ')}\n{ran.out}{ran.err}(exit {ran.code})\n")
    return "\n".join(told)


def torn(stage: Stage) -> str:
    """Three issues between two rules, one of them an epic with four children; one more between two people's words."""
    for summary in ("Cheaper failover", "A *bold* [title](http://evil.example)"):
        stage.create(labels=["sre", "finops"], summary=summary)
    epic = stage.create(type="Epic", labels=["sre", "finops"], assignee="tom", summary="Both at once")
    for n in range(4):
        stage.create(parent=epic, summary=f"Step {n}")
    stage.create(labels=["outcome/cost", "outcome/reliability"], summary="Two people, two words")
    stage.later(minutes=1)
    return epic


def test_before_anything_was_said_there_is_nothing_to_tell(syncd: Cli, golden: Golden) -> None:
    told = said(syncd, "noise", "noise|--json", "conflicts", "conflicts|--json", "tradeoff|list")
    golden("cli/quiet.txt", told)


def test_noise_tells_who_was_told_what_came_of_it_and_what_stopped(stage: Stage, syncd: Cli, golden: Golden) -> None:
    heeded = stage.create(by="ana")
    for _ in range(2):
        stage.create("OPS", by="tom")
    stage.later(minutes=1)
    stage.edit(heeded, labels=["sre"])
    stage.later(minutes=1)
    stage.later(hours=25)
    stage.create("OPS", by="tom", summary="Held back, since nobody answers there")
    stage.create("OPS", by="tom", summary="And this")
    stage.create(labels=["sre", "finops"], by="maria")
    stage.later(minutes=1)
    stage.later(minutes=20)
    golden("cli/noise.txt", said(syncd, "noise", "noise|--json"))


def test_conflicts_are_listed_settled_and_open_again(stage: Stage, syncd: Cli, golden: Golden) -> None:
    epic = torn(stage)
    first = said(syncd, "conflicts", "conflicts|--json")
    settled = said(
        syncd,
        f"tradeoff|set|{CAUSE}|cost|--reason|until the audit|--expires|2026-11-30|--by|ada",
        f"tradeoff|set|issue {epic}|reliability|--reason|it pages us|--by|ada|--json",
        f"tradeoff|set|{CAUSE}|overhead:chores|--reason|no|--by|ada",
        "tradeoff|set|rules cheap + reliables|cost|--reason|no|--by|ada",
    )
    stage.later(minutes=1)
    settled += said(syncd, "conflicts", "tradeoff|list", "tradeoff|list|--json")
    stage.later(hours=24 * 12)
    again = said(
        syncd, "conflicts", "conflicts|--json", f"tradeoff|drop|{CAUSE}", f"tradeoff|drop|{CAUSE}", "tradeoff|list"
    )
    golden("cli/conflicts.txt", first)
    golden("cli/tradeoff.txt", settled)
    golden("cli/conflicts-again.txt", again)


def test_no_text_of_a_ticket_reaches_the_ledger_but_by_key(stage: Stage, syncd: Cli) -> None:
    torn(stage)
    for told in (syncd("conflicts").out, syncd("conflicts", "--json").out, syncd("noise").out):
        assert "evil" not in told
        assert "\x1b" not in told


def test_the_dashboard_as_a_person_reads_it(stage: Stage, golden: Golden) -> None:
    board = stage.create("OPS", labels=["deps"], summary="What our work serves")
    stage.write(tracker={"dashboard": {"issue": board}})
    torn(stage)
    for _ in range(5):
        stage.create("OPS", summary="Nobody knows @here")
    stage.create(labels=["deps"])
    stage.later(minutes=61)
    (text,) = stage.comments(board)
    assert "@here" not in text
    golden("cli/dashboard.txt", text + "\n")
