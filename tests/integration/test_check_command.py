"""`syncd check`: --strict, --watch and its formats."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Any

import pytest
from ruamel.yaml import YAML
from support_wise import TODAY, WISE, R, T
from typer.main import get_command

from syncd.cli import cli, main
from syncd.core.errors import Problem
from syncd.render.check import check_github

ROOT = Path(__file__).parents[2]
SETTINGS = (ROOT / "config" / "syncd.yaml").read_text(encoding="utf-8")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The wise config in the folder `config` of the current one, on its day."""
    noon = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC)
    monkeypatch.setattr("syncd.app.SystemClock.now", lambda _self: noon)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "config"
    folder.mkdir()
    for name, text in {**WISE, "syncd.yaml": SETTINGS}.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def _run(*argv: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(["check", *argv])
    assert isinstance(left.value.code, int)
    return left.value.code


def _unwise(config: Path) -> None:
    (config / T).write_text(WISE[T].replace("intent: We", "intent: Big. We"))


def test_advice_fails_only_when_strict(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _unwise(config)
    assert _run() == 0
    told = capsys.readouterr()
    assert told.err.startswith(
        "config/strategy.yaml:1:9: advice: the intent takes 2 sentences [intent-sentences]\n    intent: Big."
    )
    assert told.out == 'config: 0 error(s), 2 advice (to accept some: accept: {name: "why"}, docs/lints.md)\n'
    assert _run("--strict") == 2
    (config / T).write_text(
        'accept: {intent-sentences: "the board said so"}\n' + WISE[T].replace("intent: We", "intent: Big. We")
    )
    assert _run("--strict") == 0


def test_a_secret_that_is_not_set_does_not_fail_a_strict_check(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pull request is checked where the secrets are not."""
    assert _run("--strict") == 0
    assert "JIRA_TOKEN" in capsys.readouterr().err


def test_an_error_fails_strict_or_not(config: Path) -> None:
    (config / R).write_text(WISE[R].replace("label: kyc", "lable: kyc"))
    assert _run() == 2
    assert _run("--strict") == 2


def test_json_is_the_same_by_either_option_and_ok_is_the_exit_code(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _unwise(config)

    def told(*argv: str) -> Any:
        code = _run(*argv)
        answer = json.loads(capsys.readouterr().out)
        assert answer["ok"] == (code == 0)
        return answer

    plain = told("--json")
    assert plain == told("--format", "json")
    assert plain["ok"]
    assert not told("--json", "--strict")["ok"]
    by_file = [(PurePath(p["file"]).name, p["line"], p["column"], p["severity"], p["name"]) for p in plain["problems"]]
    assert by_file == [(T, 1, 9, "advice", "intent-sentences"), ("syncd.yaml", 18, 46, "advice", None)]


def test_github_is_told_errors_and_warnings_at_their_places(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _unwise(config)
    assert _run("--format", "github") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "::warning file=config/strategy.yaml,line=1,col=9,title=syncd check::"
        "the intent takes 2 sentences [intent-sentences]%0Ahint: say it in one that everybody remembers"
    )
    assert lines[1].startswith("::warning file=config/syncd.yaml,line=18,col=46,")
    assert _run("--format", "github", "--strict", "--config", str(config)) == 2
    assert [line.split(",")[0] for line in capsys.readouterr().out.splitlines()] == [
        "::error file=config/strategy.yaml",
        "::warning file=config/syncd.yaml",
    ], "an absolute path is told from the top of the repository"


def test_an_annotation_cannot_be_broken_out_of() -> None:
    evil = Problem("a,b:c%.yaml", 1, 2, "100% `::error::x`\n::set-output name=a::b\r", "one\n::error::two", "error")
    text = check_github([evil], PurePath("/"), strict=False)
    assert text.count("\n") == 1
    assert text.startswith("::error file=a%2Cb%3Ac%25.yaml,line=1,col=2,title=syncd check::100%25 `::error::x`")
    assert "\r" not in text


def test_watch_checks_again_after_each_change_and_leaves_with_the_last_exit_code(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = iter([WISE[R].replace("label: kyc", "lable: kyc")] * 3)  # one edit, and two waits in which nothing happens

    def wait(_seconds: float) -> None:
        text = next(rules, None)
        if text is None:
            raise KeyboardInterrupt
        (config / R).write_text(text)

    monkeypatch.setattr("syncd.cli.terminal.time.sleep", wait)
    assert _run("--watch", "--json") == 2
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["ok"] for one in told] == [True, False], "one line for each check"


def test_watch_ends_at_a_real_ctrl_c(config: Path) -> None:
    """With the program's own sleep: Ctrl-C arrives while it waits."""
    # heard also where the tests run in the background of a shell, which has all that it starts there ignore Ctrl-C
    hears = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = [sys.executable, "-c", f"{hears}; from syncd.cli import main; main(['check', '--watch', '--json'])"]
    (config / T).write_text("intent: [")
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(program, cwd=config.parent, env=environ, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert json.loads(running.stdout.readline())["ok"] is False
        running.send_signal(signal.SIGINT)
        try:
            assert running.wait(30) == 2
        finally:
            running.kill()


def test_the_hook_for_other_repositories_runs_a_command_that_exists() -> None:
    (hook,) = YAML(typ="safe", pure=True).load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert hook["id"] == "syncd-check"
    program, command, *options = shlex.split(hook["entry"])
    assert program == "syncd"
    assert command in get_command(cli).commands  # type: ignore[attr-defined] # a group has commands
    assert options == []

    for name in ("config/rules.yaml", "strategy.yaml", "a/b/syncd.yaml"):
        assert re.search(hook["files"], name)
    assert not re.search(hook["files"], "docs/myrules.yaml")
    assert hook["pass_filenames"] is False, "all three files are read together"
