"""What a person reads, word by word: help, plan, cycle, explain, status and report of one small company."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support_cli import Cli, commanded
from support_stage import Stage, staged

Golden = Callable[[str, str], None]
COMMANDS = ("check", "once", "plan", "apply", "explain", "report", "status", "migrate", "demo")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    limits = {"share": 0.3, "actions": 500, "always": 3}
    with staged(tmp_path, write="label+comment", comments={"grace": "0s"}, limits=limits) as stage:
        yield stage


@pytest.fixture
def syncd(stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    with commanded(stage, capsys, monkeypatch) as cli:
        yield cli


def company(stage: Stage) -> dict[str, str]:
    """Ten issues, one of each kind of answer."""
    epic = stage.create(type="Epic", labels=["sre"], summary="Any region can fail")
    torn = stage.create(type="Epic", labels=["sre", "finops"], summary="Cheaper failover")
    hidden = stage.create("PROC", type="Epic", summary="Nobody may know")
    return {
        "epic": epic,
        "child": stage.create(parent=epic, summary="Rehearse the failover"),
        "torn": torn,
        "torn child": stage.create(parent=torn, summary="Count what it costs"),
        "own": stage.create("OPS", labels=["FinOps,"], summary="Turn idle machines off"),
        "overhead": stage.create("OPS", labels=["deps"], summary="Newer libraries"),
        "nobody's": stage.create(summary="A *bold* | title [link](http://evil.example) @maria"),
        "blind": stage.create(parent=hidden, summary="Buy a thing"),
        "closed": stage.create(labels=["incident-7"], status="Done", summary="An incident that is over"),
        "by hand": stage.create(labels=["sre", "outcome/cost"], summary="Maria knows better"),
    }


def test_help_says_what_each_command_does(syncd: Cli, golden: Golden) -> None:
    told = [f"$ syncd {command} --help\n{syncd.bare(command, '--help').out}" for command in COMMANDS]
    assert all(syncd.bare(command, "--help").code == 0 for command in COMMANDS)
    golden("cli/help.txt", "\n".join(told))


def test_help_lists_every_command(syncd: Cli) -> None:
    listed = set(re.findall(r"^  ([a-z]+)  ", syncd.bare("--help").out.partition("Commands:")[2], re.MULTILINE))
    assert set(COMMANDS) <= listed


def test_a_first_plan_and_what_refuses_it(stage: Stage, syncd: Cli, golden: Golden) -> None:
    company(stage)
    golden("cli/plan.txt", syncd("plan").out)
    refused = syncd("once")
    golden("cli/once.txt", refused.out + without_log(refused.err))


def test_a_plan_done_and_every_kind_of_explanation(stage: Stage, syncd: Cli, golden: Golden) -> None:
    keys = company(stage)
    digest = syncd("plan", "--json").json["digest"]
    done = syncd("apply", "--plan", digest)
    late = stage.create(summary="Made afterwards")
    syncd("once")
    keys |= {"asked": late}
    told = [f"# {name}\n{syncd('explain', key).out}" for name, key in keys.items()]
    golden("cli/explain.txt", (done.out + "\n" + "\n".join(told)).replace(str(stage.config), "config"))


def test_status_when_all_is_well_and_when_it_is_not(stage: Stage, syncd: Cli, golden: Golden) -> None:
    syncd("once")
    well = syncd("status").out
    stage.site.permissions.may_browse["OPS"] = False
    stage.site.permissions.may_silence["PAY"] = stage.site.permissions.may_bulk["*"] = False
    stage.create(labels=["sre", "outcome/nonsense"])
    syncd("once")
    golden("cli/status.txt", f"# all is well\n{well}\n# it is not\n{syncd('status').out}")


def test_the_report_is_what_a_person_can_read_and_no_text_of_a_ticket_can_shape(
    stage: Stage, syncd: Cli, golden: Golden
) -> None:
    company(stage)
    syncd("once")
    report = syncd("report").out
    assert not re.search(r"(?<!\\)\]\(", report)  # no link
    golden("cli/report.md", re.sub(r"rulebook [0-9a-f]+", "rulebook VERSION", report))


def without_log(text: str) -> str:
    """Without the log's line, whose stamp is the machine's."""
    return "".join(line for line in text.splitlines(keepends=True) if "cycle_finished" not in line)
