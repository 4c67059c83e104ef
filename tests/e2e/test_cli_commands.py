"""Every command's exit codes and JSON, as the commands' page promises them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support_cli import Cli, commanded, documented, keys_of
from support_stage import RULES, TRACKER, Stage, staged, tracker_settings

from connectors.sandbox import Fault

DIGEST = re.compile(r"[0-9a-f]{16}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path, limits={"share": 0.3, "actions": 500, "always": 2}) as stage:
        yield stage


@pytest.fixture
def syncd(stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    with commanded(stage, capsys, monkeypatch) as cli:
        yield cli


# --- check ---


def test_check_is_0_for_a_sound_config_and_2_for_a_wrong_one(stage: Stage, syncd: Cli) -> None:
    sound = syncd("check", "--json")
    assert (sound.code, sound.json["ok"]) == (0, True)
    stage.write(rules="rules:\n  - {id: x, outcme: cost, when: {lable: a}}\n")
    wrong = syncd("check", "--json")
    assert (wrong.code, wrong.json["ok"]) == (2, False)
    errors = [problem for problem in wrong.json["problems"] if problem["severity"] == "error"]
    assert {(p["file"].rpartition("/")[2], p["line"]) for p in errors} == {("rules.yaml", 2)}
    assert {"file", "line", "column", "severity", "message", "hint"} <= set(errors[0])
    assert keys_of(wrong.json) <= documented("check")


def test_check_tells_problems_on_stderr_as_path_line_column(stage: Stage, syncd: Cli) -> None:
    stage.write(rules="rules:\n  - {id: x, outcme: cost, when: {label: a}}\n")
    told = syncd("check")
    assert re.search(r"rules\.yaml:2:\d+: ", told.err)
    assert told.code == 2


def test_check_makes_no_connection_and_no_store(stage: Stage, syncd: Cli) -> None:
    with stage.watched() as traffic:
        assert syncd("check").code == 0
    assert not traffic.seen
    assert not (stage.folder / "syncd.db").exists()


def test_an_unset_secret_is_advice_to_check_and_an_error_to_what_connects(
    syncd: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JIRA_TOKEN")
    checked = syncd("check")
    assert checked.code == 0
    assert "JIRA_TOKEN" in checked.err
    for command in ("once", "plan"):
        ran = syncd(command)
        assert ran.code == 2
        assert re.search(r"syncd\.yaml:\d+:\d+: .*JIRA_TOKEN", ran.err)


# --- once ---


def test_once_is_0_when_all_is_done_and_tells_its_numbers(stage: Stage, syncd: Cli) -> None:
    stage.create(labels=["sre"])
    ran = syncd("once", "--json")
    assert ran.code == 0
    numbers = ran.json["trackers"][TRACKER]
    names = ("observed", "decided", "planned", "applied", "skipped", "complete")
    assert [numbers[name] for name in names] == [1, 1, 1, 1, 0, True]
    assert numbers["requests"] == stage.site.counts.total()
    assert keys_of(ran.json, values=("trackers",)) <= documented("once") | {TRACKER}


def test_once_is_1_when_something_could_not_be_written(stage: Stage, syncd: Cli) -> None:
    stage.site.permissions.may_silence["PAY"] = stage.site.permissions.may_bulk["*"] = False
    stage.create(labels=["sre"])
    ran = syncd("once")
    assert ran.code == 1
    assert "Administer projects" in ran.err


def test_once_is_3_when_a_plan_was_refused_and_says_how_to_go_on(stage: Stage, syncd: Cli) -> None:
    for _ in range(4):
        stage.create(labels=["sre"])
    ran = syncd("once")
    assert ran.code == 3
    (digest,) = DIGEST.findall(ran.err.partition("apply --plan ")[2])
    assert syncd("apply", "--plan", digest).code == 0


def test_once_is_4_when_a_tracker_was_not_read_whole(stage: Stage, syncd: Cli) -> None:
    stage.site.faults.add(Fault("status", status=503, times=None))
    ran = syncd("once", "--json")
    assert ran.code == 4
    assert ran.json["trackers"][TRACKER]["complete"] is False
    assert "503" in ran.json["trackers"][TRACKER]["why"]


def test_once_is_4_when_a_project_is_invisible(stage: Stage, syncd: Cli) -> None:
    stage.site.permissions.may_browse["OPS"] = False
    ran = syncd("once")
    assert ran.code == 4
    assert "OPS" in ran.err


def test_of_several_trackers_the_highest_code_counts_and_each_has_its_cycle(stage: Stage, syncd: Cli) -> None:
    other = tracker_settings("http://127.0.0.1:9", ("PAY",), write="label")
    stage.settings["trackers"]["other-jira"] = other
    stage.write()
    stage.create(labels=["sre"])
    ran = syncd("once", "--json")
    assert ran.code == 4
    assert ran.json["trackers"][TRACKER]["applied"] == 1
    assert ran.json["trackers"]["other-jira"]["complete"] is False


def test_once_writes_one_canonical_line_on_stderr(stage: Stage, syncd: Cli) -> None:
    told = [line for line in syncd("once").err.splitlines() if "cycle_finished" in line]
    assert len(told) == 1
    assert f"tracker='{TRACKER}'" in told[0]
    assert "sandbox-token" not in told[0]


# --- plan and apply ---


def test_plan_is_0_and_3_when_it_is_refused(stage: Stage, syncd: Cli) -> None:
    for _ in range(4):
        stage.create(labels=["sre"])
    large = syncd("plan", "--json")
    assert large.code == 3
    assert DIGEST.fullmatch(large.json["digest"])
    assert {"reason", "counts", "limits"} <= set(large.json["refused"])
    assert {"tracker", "key", "kind", "add", "remove", "why"} <= set(large.json["actions"][0])
    ignored = {TRACKER, *large.json["refused"]["counts"], *large.json["refused"]["limits"]}
    assert keys_of(large.json) - ignored <= documented("plan")
    syncd("apply", "--plan", large.json["digest"])
    stage.create(labels=["finops"])
    small = syncd("plan", "--json")
    assert (small.code, small.json["refused"], len(small.json["actions"])) == (0, None, 1)


def test_plan_names_what_is_skipped(stage: Stage, syncd: Cli) -> None:
    key = stage.create(labels=["sre"], status="Done")
    (skipped,) = syncd("plan", "--json").json["skipped"]
    assert (skipped["tracker"], skipped["key"]) == (TRACKER, key)
    assert "closed" in skipped["why"]


def test_apply_is_0_1_or_3(stage: Stage, syncd: Cli) -> None:
    keys = [stage.create(labels=["sre"]) for _ in range(3)]
    digest = syncd("plan", "--json").json["digest"]
    assert syncd("apply", "--plan", "0123456789abcdef").code == 3
    new = stage.create(labels=["finops"])
    waits = syncd("apply", "--plan", digest[:8], "--json")
    assert waits.code == 1
    assert (waits.json["applied"], waits.json["new"], waits.json["digest"]) == (3, [new], digest)
    assert keys_of(waits.json) == documented("apply")
    again = syncd("apply", "--plan", digest, "--json")
    assert (again.code, again.json["settled_before"]) == (0, 3)
    assert {tuple(stage.marks(key)) for key in keys} == {("outcome/reliability",)}


def test_apply_is_3_when_nothing_of_the_plan_holds_any_more(stage: Stage, syncd: Cli) -> None:
    key = stage.create(labels=["sre"])
    digest = syncd("plan", "--json").json["digest"]
    stage.edit(key, labels=["finops"])
    ran = syncd("apply", "--plan", digest)
    assert ran.code == 3
    assert "no longer hold" in ran.out
    assert stage.marks(key) == []


def test_apply_exact_is_3_when_one_action_is_gone_and_writes_nothing(stage: Stage, syncd: Cli) -> None:
    keys = [stage.create(labels=["sre"]) for _ in range(2)]
    digest = syncd("plan", "--json").json["digest"]
    stage.edit(keys[0], labels=["finops"])
    assert syncd("apply", "--plan", digest, "--exact").code == 3
    assert [stage.marks(key) for key in keys] == [[], []]


def test_under_observe_once_is_0_and_nothing_can_be_applied(stage: Stage, syncd: Cli) -> None:
    stage.write(tracker={"write": "observe"})
    for _ in range(4):
        stage.create(labels=["sre"])
    assert syncd("once").code == 0
    shown = syncd("plan", "--json")
    assert (shown.code, shown.json["actions"], shown.json["refused"]) == (0, [], None)
    assert {skipped["why"] for skipped in shown.json["skipped"]} == {"policy: observe"}
    told = syncd("plan").out  # what it would be is looked at before `write:` is changed
    assert "With `write: label` would be written:\n       4  + outcome/reliability\n" in told
    assert "\n  PAY-1        + outcome/reliability\n" in told
    assert "apply --plan" not in told
    assert syncd("apply", "--plan", shown.json["digest"]).code == 3


# --- explain, report, status, migrate ---


def test_explain_tells_the_verdict_and_its_evidence_offline(stage: Stage, syncd: Cli) -> None:
    epic = stage.create(type="Epic", labels=["SRE"])
    child = stage.create(parent=epic)
    syncd("once")
    stage.site.faults.add(Fault("status", status=500, times=None))
    with stage.watched() as traffic:
        told = syncd("explain", child.lower(), "--json")
    assert not traffic.seen
    assert told.code == 0
    assert (told.json["key"], told.json["verdict"], told.json["outcome"], told.json["via"]) == (
        child,
        "mapped",
        "reliability",
        "inherited",
    )
    assert told.json["evidence"][0]["key"] == epic
    assert [step["key"] for step in told.json["lineage"]] == [epic]
    promised = "key tracker verdict outcome objective via incomplete evidence candidates lineage marks"
    assert set(promised.split()) <= set(told.json)
    assert keys_of(told.json) <= documented("explain") | {"action", "add", "remove", "why"}


def test_explain_names_the_overhead_as_outcome_and_null_for_a_conflict(stage: Stage, syncd: Cli) -> None:
    overhead, conflict = stage.create(labels=["deps"]), stage.create(labels=["sre", "finops"])
    syncd("once")
    exempt = syncd("explain", overhead, "--json").json
    assert (exempt["verdict"], exempt["outcome"]) == ("exempt", "chores")
    torn = syncd("explain", conflict, "--json").json
    assert (torn["verdict"], torn["outcome"], len(torn["candidates"])) == ("conflict", None, 2)


def test_explain_is_5_for_an_unknown_key(stage: Stage, syncd: Cli) -> None:
    syncd("once")
    ran = syncd("explain", "PAY-999")
    assert (ran.code, ran.out) == (5, "")
    assert "PAY-999" in ran.err


def test_a_key_known_in_two_trackers_wants_one_named(stage: Stage, syncd: Cli) -> None:
    key = stage.create("PAY", labels=["sre"])
    ops = tracker_settings(stage.url.replace("127.0.0.1", "localhost"), ("PAY",), write="observe")
    stage.settings["trackers"]["second-jira"] = ops
    stage.write()
    assert syncd("once").code == 0
    ran = syncd("explain", key)
    assert (ran.code, ran.out) == (2, "")
    assert "--tracker acme-jira or --tracker second-jira" in ran.err
    assert syncd("explain", key, "--tracker", "second-jira", "--json").json["tracker"] == "second-jira"


def test_report_adds_up(stage: Stage, syncd: Cli) -> None:
    hidden = stage.create("PROC", type="Epic")
    told: list[dict[str, Any]] = [{"labels": ["sre"]}, {"labels": ["deps"]}, {}, {"labels": ["sre", "finops"]}]
    for issue in (*told, {"parent": hidden}):
        stage.create(**issue)
    syncd("once")
    report = syncd("report", "--json")
    assert report.code == 0
    totals = report.json["totals"]
    assert totals == {"issues": 5, "mapped": 1, "unmapped": 1, "conflict": 1, "exempt": 1, "incomplete": 1}
    assert set(report.json["open"]) == set(totals)
    (reliability,) = (o for o in report.json["outcomes"] if o["id"] == "reliability")
    assert (reliability["issues"], reliability["share"]) == (1, 0.25)
    assert {"as_of", "totals", "open", "outcomes", "unmapped", "conflicts"} <= set(report.json)
    assert set(report.json) <= documented("report")
    assert syncd("report", "--format", "json").out == report.out


def test_report_writes_a_file_where_it_is_told_to(stage: Stage, syncd: Cli) -> None:
    syncd("once")
    out = stage.folder / "new" / "alignment.md"
    assert syncd("report", "--out", str(out)).code == 0
    assert out.read_text(encoding="utf-8") == syncd("report").out


def test_status_is_1_before_the_first_cycle_0_after_it_and_1_while_something_waits(stage: Stage, syncd: Cli) -> None:
    assert syncd("once").code == 0
    well = syncd("status", "--json")
    assert well.code == 0
    tracker = well.json["trackers"][TRACKER]
    assert {"watermark", "last_success", "healthy", "lag_s", "why"} <= set(tracker) <= documented("status")
    assert INSTANT.fullmatch(tracker["last_success"])
    assert (tracker["healthy"], tracker["lag_s"], tracker["why"]) == (True, 0, None)
    stage.write(tracker={"scope": {"projects": ["PAY", "OPS", "STRAT"]}})
    for _ in range(3):
        stage.create("STRAT", labels=["sre"])
    assert syncd("once").code == 3
    waits = syncd("status", "--json")
    assert waits.code == 1
    assert DIGEST.fullmatch(waits.json["refused"][0]["digest"])
    assert keys_of(waits.json, values=("trackers", "outbox")) <= documented("status") | {TRACKER, *waits.json["outbox"]}


def test_status_is_1_while_a_tracker_was_not_read_for_a_day(stage: Stage, syncd: Cli) -> None:
    syncd("once")
    stage.clock.sleep(25 * 3600)
    ran = syncd("status", "--json")
    assert (ran.code, ran.json["trackers"][TRACKER]["lag_s"]) == (1, 25 * 3600)


def test_migrate_makes_a_store_and_then_has_nothing_to_do(stage: Stage, syncd: Cli) -> None:
    assert syncd("migrate").code == 0
    assert (stage.folder / "syncd.db").exists()
    again = syncd("migrate")
    assert (again.code, again.out) == (0, "the store is up to date\n")


# --- options ---


def test_the_config_folder_may_stand_before_and_after_the_command_and_in_the_environment(
    stage: Stage, syncd: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = str(stage.config)
    for argv in (
        ("--config", config, "check"),
        ("check", "--config", config),
        ("check", f"--config={config}", "--json"),
    ):
        assert syncd.bare(*argv).code == 0
    monkeypatch.chdir(stage.folder.parent)
    assert syncd.bare("check").code == 2  # there is no folder `config` here
    monkeypatch.setenv("SYNCD_CONFIG", config)
    assert syncd.bare("check").code == 0
    stage.write(rules="[")
    assert syncd.bare("check").code == 2
    assert syncd.bare("--version").out.startswith("syncd ")


def test_the_config_folder_s_parent_is_where_relative_paths_begin(
    stage: Stage, syncd: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    (stage.folder / "elsewhere").mkdir()
    monkeypatch.chdir(stage.folder / "elsewhere")
    assert syncd("once").code == 0
    assert (stage.folder / "syncd.db").exists()
    assert list((stage.folder / "elsewhere").iterdir()) == []


def test_wrong_words_are_2_and_told_on_stderr(syncd: Cli) -> None:
    for argv in (("nonsense",), ("apply",), ("explain",), ("report", "--format", "pdf"), ("--config",)):
        ran = syncd.bare(*argv)
        assert (ran.code, ran.out) == (2, ""), argv
        assert ran.err


def test_with_json_stdout_is_one_object_and_nothing_else(stage: Stage, syncd: Cli) -> None:
    stage.create(labels=["sre", "finops"])
    stage.write(rules=RULES.replace("id: reliable", "id: dependable"))
    for command in ("check", "once", "plan", "report", "status"):
        assert isinstance(json.loads(syncd(command, "--json").out), dict), command


def test_the_commands_take_a_backup_and_bring_it_back(stage: Stage, syncd: Cli, tmp_path: Path) -> None:
    stage.create(labels=["sre"])
    syncd("once")
    file = tmp_path / "kept.jsonl.gz"
    taken = syncd("backup", str(file))
    assert taken.code == 0
    assert syncd("restore", str(file)).code == 1
    explained = syncd("explain", "PAY-1", "--json").out
    for left in tmp_path.rglob("syncd.db*"):
        left.unlink()
    back = syncd("restore", str(file))
    assert back.code == 0, back.err
    assert "run `syncd plan`" in back.out
    assert syncd("explain", "PAY-1", "--json").out == explained
    assert syncd("once").code == 0
    assert syncd("backup", str(tmp_path / "no" / "such" / "folder.gz")).code == 1
