"""An edit that breaks the rules stops nothing: the last good ones stay in force, and everybody who looks is told."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support_stage import RULES, Stage, staged

from syncd import cli
from syncd.core.errors import ConfigError

BROKEN = RULES.replace("outcome: cost", "outcome: costs")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as made:
        made.create("PAY", labels=["sre"])
        made.once()
        made.write(rules=BROKEN)
        yield made


def run(stage: Stage, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setenv("JIRA_TOKEN", stage.site.token)
    with pytest.raises(SystemExit) as left:
        cli.main(["--config", str(stage.config), *words])
    return int(left.value.code or 0)


def test_a_cycle_goes_on_by_the_rules_last_in_use(stage: Stage) -> None:
    key = stage.create("PAY", labels=["finops"])
    app = stage.app
    (result,) = app.once()
    assert (result.complete, result.applied) == (True, 1)
    assert stage.marks(key) == ["outcome/cost"]
    assert [p.message for p in app.broken]


def test_the_broken_rules_are_no_version_and_mending_them_is_quiet(stage: Stage) -> None:
    stage.once()
    assert len(stage.app.rules_log()) == 1
    stage.write(rules=RULES)
    stage.quiet()
    assert len(stage.app.rules_log()) == 1


def test_once_and_status_say_where_it_is_broken_and_exit_otherwise_than_well(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(stage, monkeypatch, "once") == 2
    said = capsys.readouterr().err
    assert "rules.yaml:6:14: " in said
    assert "stay in force" in said
    assert run(stage, monkeypatch, "status", "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert [p["line"] for p in told["rules"]["problems"]] == [6]
    assert told["rules"]["in_use"] == stage.app.rules_log()[0].version
    assert run(stage, monkeypatch, "explain", "PAY-1") == 0
    explained = capsys.readouterr()
    assert "stay in force" in explained.err
    assert re.search(r"^  rule \S+ \(the rules last in use, rules\.yaml:\d+\)", explained.out, re.MULTILINE)


@pytest.mark.parametrize("command", ["plan", "apply", "rules_diff"])
def test_what_shows_the_effect_of_an_edit_refuses_a_broken_one(stage: Stage, command: str) -> None:
    with pytest.raises(ConfigError):
        getattr(stage.app, command)(*(["x"] if command == "apply" else []))


def test_a_broken_syncd_yaml_is_refused_by_all(stage: Stage) -> None:
    (stage.config / "syncd.yaml").write_text("installation: [", encoding="utf-8")
    with pytest.raises(ConfigError):
        stage.app.once()


def test_without_rules_that_were_ever_in_use_a_broken_edit_is_refused(tmp_path: Path) -> None:
    with staged(tmp_path, rules=BROKEN) as stage, pytest.raises(ConfigError):
        stage.app.once()
