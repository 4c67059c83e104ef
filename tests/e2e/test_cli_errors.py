"""Whatever is wrong, a person is told in a sentence on stderr what to do; no traceback, nothing half done."""

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support_cli import Cli, Ran, commanded
from support_stage import Stage, staged

ROOT = Path(__file__).resolve().parents[2]
EVERYTHING = (
    ("check",),
    ("once",),
    ("plan",),
    ("apply", "--plan", "0123456789abcdef"),
    ("explain", "PAY-1"),
    ("report",),
    ("status",),
    ("migrate",),
)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        yield stage


@pytest.fixture
def syncd(stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    with commanded(stage, capsys, monkeypatch) as cli:
        yield cli


def is_told(ran: Ran, code: int, *words: str) -> None:
    """A sentence on stderr with these words, that exit code, nothing on stdout, and no sign of a defect."""
    assert ran.code == code, ran
    assert ran.out == ""
    for word in words:
        assert word in ran.err
    for sign in ("Traceback", "bug of its own", "sandbox-token", "Error("):
        assert sign not in ran.err


def test_without_a_config_folder_every_command_says_what_is_missing(stage: Stage, syncd: Cli) -> None:
    nowhere = str(stage.folder / "nowhere")
    for argv in EVERYTHING[1:]:
        is_told(syncd.bare("--config", nowhere, *argv), 2, "nowhere/syncd.yaml")
    assert not (stage.folder / "nowhere").exists()


def test_broken_yaml_is_told_with_its_place_by_every_command(stage: Stage, syncd: Cli) -> None:
    (stage.config / "rules.yaml").write_text("rules:\n  - {id: x\n", encoding="utf-8")
    for argv in EVERYTHING[1:]:
        is_told(syncd(*argv), 2, "rules.yaml:")
    checked = syncd("check")
    assert checked.code == 2
    assert "rules.yaml:" in checked.err


def test_a_config_that_is_a_folder_or_no_text_is_told(stage: Stage, syncd: Cli) -> None:
    (stage.config / "rules.yaml").write_bytes(b"\xff\xfe\x00")
    is_told(syncd("once"), 2, "rules.yaml")
    (stage.config / "rules.yaml").unlink()
    (stage.config / "rules.yaml").mkdir()
    is_told(syncd("once"), 2, "rules.yaml")


def test_an_unset_secret_names_its_variable_and_its_place(
    stage: Stage, syncd: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JIRA_TOKEN")
    with stage.watched() as traffic:
        for argv in (("once",), ("plan",), ("apply", "--plan", "0123456789abcdef")):
            is_told(syncd(*argv), 2, "syncd.yaml:", "JIRA_TOKEN")
    assert not traffic.seen


def test_offline_commands_need_no_secret(stage: Stage, syncd: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    key = stage.create(labels=["sre"])
    syncd("once")
    monkeypatch.delenv("JIRA_TOKEN")
    for argv in (("explain", key), ("report",), ("status",)):
        assert syncd(*argv).code == 0


def test_an_unreachable_tracker_is_4_with_its_name(stage: Stage, syncd: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    stage.write(tracker={"url": f"http://127.0.0.1:{port}"})
    ran = syncd("once")
    assert ran.code == 4
    assert "acme-jira" in ran.err
    assert "not reached" in ran.err
    assert "Traceback" not in ran.err
    assert syncd("plan").code == 4
    assert syncd("status").code == 1


def test_wrong_credentials_are_4_and_say_whose(stage: Stage, syncd: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIRA_TOKEN", "not-the-right-one")
    ran = syncd("once")
    assert ran.code == 4
    assert "401" in ran.err
    assert "not-the-right-one" not in ran.err
    assert "token" in ran.err


def test_a_store_where_nothing_can_be_written_is_told(stage: Stage, syncd: Cli) -> None:
    stage.write(store="sqlite:////proc/nowhere/syncd.db")
    is_told(syncd("once"), 1, "/proc/nowhere/syncd.db")
    stage.write(store="sqlite:///missing/folder/syncd.db")
    is_told(syncd("once"), 1, "missing/folder/syncd.db")


def test_a_store_of_another_program_is_left_alone(stage: Stage, syncd: Cli) -> None:
    with sqlite3.connect(stage.folder / "syncd.db") as db:
        db.execute("CREATE TABLE theirs (x)")
    db.close()
    for argv in EVERYTHING[1:]:
        is_told(syncd(*argv), 1, "syncd.db")
    with sqlite3.connect(stage.folder / "syncd.db") as db:
        assert [row[0] for row in db.execute("SELECT name FROM sqlite_master")] == ["theirs"]
    db.close()


def test_a_file_that_is_no_database_is_told(stage: Stage, syncd: Cli) -> None:
    (stage.folder / "syncd.db").write_bytes(b"my diary, not a database\n" * 200)
    is_told(syncd("once"), 1, "syncd.db")
    assert (stage.folder / "syncd.db").read_bytes().startswith(b"my diary")


def test_before_the_first_cycle_offline_commands_say_what_to_run(syncd: Cli) -> None:
    for argv in (("explain", "PAY-1"), ("report",), ("status",)):
        is_told(syncd(*argv), 1, "syncd once")


def test_a_report_that_cannot_be_written_is_told(stage: Stage, syncd: Cli) -> None:
    syncd("once")
    is_told(syncd("report", "--out", "/proc/nowhere/report.md"), 1, "/proc/nowhere/report.md")


def test_a_defect_of_our_own_is_a_sentence_and_the_exit_code_1(syncd: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr("syncd.app.App.status", fail)
    ran = syncd("status")
    assert (ran.code, ran.out) == (1, "")
    assert "RuntimeError" in ran.err
    assert "a secret detail" not in ran.err
    assert "Traceback" not in ran.err
    monkeypatch.setenv("SYNCD_DEBUG", "1")
    assert "a secret detail" in syncd("status").err


def test_a_tracker_that_the_settings_do_not_name_is_told_with_those_they_do(stage: Stage, syncd: Cli) -> None:
    key = stage.create(labels=["sre"])
    syncd("once")
    for argv in (("once", "--accept-missing", "acme-jra"), ("withdraw", "--tracker", "acme-jra", "--yes")):
        is_told(syncd(*argv), 2, "no tracker acme-jra", "acme-jira")
    is_told(syncd("explain", key, "--tracker", "acme-jra"), 5, f"no issue {key} is known in acme-jra")


def test_ctrl_c_is_130_and_says_what_becomes_of_what_was_begun(syncd: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_told: object, **_named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("syncd.app.App.once", interrupted)
    is_told(syncd("once"), 130, "looked up by the next cycle")


# --- as a process ---


def process(*argv: str, cwd: Path, stdin: str | None = None, streams: str = "", **environ: str) -> Ran:
    """`python -m syncd`, alone with these variables; `streams`: what a shell redirects."""
    known = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "HOME": str(cwd), **environ}
    ran = subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {streams}', "sh", sys.executable, "-m", "syncd", *argv],
        cwd=cwd,
        env=known,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def test_as_a_process_stdout_is_json_alone_and_the_rest_is_on_stderr(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    config = str(stage.config)
    ran = process("once", "--json", cwd=stage.folder, SYNCD_CONFIG=config, JIRA_TOKEN=stage.environ["JIRA_TOKEN"])
    assert ran.code == 0, ran.err
    assert ran.json["trackers"]["acme-jira"]["applied"] == 1
    assert "cycle_finished" in ran.err
    assert "\x1b" not in ran.out + ran.err  # no colours and no bars without a terminal
    assert stage.marks(key) == ["outcome/reliability"]


def test_as_a_process_a_missing_config_is_a_sentence(tmp_path: Path) -> None:
    ran = process("once", cwd=tmp_path)
    is_told(ran, 2, "config/syncd.yaml")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("streams", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_as_a_process_a_command_does_its_work_without_anybody_who_reads(stage: Stage, streams: str) -> None:
    """From a scheduler that closes them. No file that is opened may come to stand in the place of a closed stream."""
    key = stage.create(labels=["sre"])
    environ = {"SYNCD_CONFIG": str(stage.config), "JIRA_TOKEN": stage.environ["JIRA_TOKEN"]}
    ran = process("once", "--json", cwd=stage.folder, streams=streams, **environ)
    assert ran.code == 0, ran.err
    assert stage.marks(key) == ["outcome/reliability"]
    assert "bug" not in ran.err
    if ran.out:
        assert ran.json["trackers"]["acme-jira"]["applied"] == 1  # the log, which had no stderr, is not among it
    stage.quiet()


def test_as_a_process_the_exit_code_stays_when_the_reader_has_enough(stage: Stage) -> None:
    stage.once()
    ends, stdout = os.pipe()
    os.close(ends)
    argv = [sys.executable, "-m", "syncd", "findings", "--json"]
    environ = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "SYNCD_CONFIG": str(stage.config)}
    ran = subprocess.run(argv, env=environ, stdout=stdout, stderr=subprocess.PIPE, check=False, timeout=60)
    os.close(stdout)
    assert (ran.returncode, ran.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_as_a_process_a_full_disk_behind_stdout_is_a_sentence(stage: Stage) -> None:
    stage.once()
    ran = process("report", cwd=stage.folder, streams="> /dev/full", SYNCD_CONFIG=str(stage.config))
    is_told(ran, 1, "stdout cannot be written: No space left on device")


def test_as_a_process_an_old_encoding_of_the_terminal_fails_no_command(stage: Stage) -> None:
    key = stage.create(labels=["sre"], summary="Überweisung → \N{SNOWMAN}")
    stage.once()
    old = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "SYNCD_CONFIG": str(stage.config)}
    for encoding in ("", "ascii:strict"):
        ran = process("explain", key, cwd=stage.folder, PYTHONIOENCODING=encoding, **old)
        assert (ran.code, ran.err) == (0, "")
        assert f"chain: {key}" in ran.out
    ran = process("explain", key, "--json", cwd=stage.folder, PYTHONIOENCODING="ascii", **old)
    assert ran.json["title"] == "Überweisung → \N{SNOWMAN}"  # JSON is UTF-8 whatever the terminal is set to


def test_as_a_process_ctrl_c_while_it_is_being_loaded_is_as_quiet_as_later(tmp_path: Path) -> None:
    program = """\
import sys

class PressedMeanwhile:
    def find_spec(self, name, *_):
        if name == "httpx":
            raise KeyboardInterrupt

sys.meta_path.insert(0, PressedMeanwhile())
from syncd.__main__ import main
main()
"""
    environ = {"PATH": os.defpath, "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-c", program, "--version"]
    ran = subprocess.run(argv, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "")
