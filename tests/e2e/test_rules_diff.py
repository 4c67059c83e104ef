"""`rules diff` keeps its word: what it predicts of an edit is what the next plan then writes, item by item."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from support_jira_cloud import MovableClock
from support_stage import PREFIXES, Stage, staged

from connectors.sandbox import Site, build_world
from syncd.config.starter import starter_files
from syncd.core.diff import counts_under
from syncd.core.errors import ConfigError, SyncdError

SCOPE = ("PAY", "OPS", "RISK", "ONB")
HOUR = timedelta(hours=1)
TARGETS = ("reliability", "onboarding", "fraud-losses", "cost-per-payment")


class Editor:
    """An admin who edits rules.yaml, one random edit after another."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self._stage = stage
        self._random = random.Random(seed)  # noqa: S311 - edits, not secrets
        starter = Path(str(starter_files()))
        self.rules: list[dict[str, Any]] = YAML(typ="safe").load(starter / "rules.yaml")["rules"]
        for rule in self.rules:
            rule.pop("examples", None)
        labels = Counter(
            label
            for issue in stage.site.live.values()
            if issue.project in SCOPE
            for label in issue.labels
            if not label.startswith(PREFIXES)
        )
        self._common = [label for label, _ in labels.most_common(12)]
        self._serial = 0

    def edit(self) -> str:
        """Change two things, write the file, and say what was done: edits come in pairs more often than not."""
        changes = [*[self._new_rule] * 4, *[self._retarget] * 2, self._take_out, self._prioritise]
        what = "; ".join(self._random.choice(changes)() for _ in range(2))
        self._stage.write(rules=json.dumps({"rules": self.rules}))
        return what

    def lead(self, rule_id: str, outcome: str) -> None:
        """Make one rule lead to another outcome."""
        next(rule for rule in self.rules if rule["id"] == rule_id)["outcome"] = outcome
        self._stage.write(rules=json.dumps({"rules": self.rules}))

    def _new_rule(self) -> str:
        self._serial += 1
        when: dict[str, Any] = self._random.choice(
            [
                {"label": self._random.sample(self._common, 3)},
                {"project": self._random.choice(SCOPE), "type": self._random.choice(["Bug", "Story", "Task"])},
                {"epic": {"label": self._random.choice(["platform", "kyc", "cost", "fraud"])}},
                {"component": self._random.choice(["Gateway", "Ledger", "Infrastructure", "Docs"])},
                {"label": self._random.choice(self._common), "not": {"project": self._random.choice(SCOPE)}},
            ]
        )
        rule: dict[str, Any] = {"id": f"edit-{self._serial}", "outcome": self._random.choice(TARGETS), "when": when}
        if self._random.random() < 0.8:  # an edit that outranks the others moves many
            rule["priority"] = self._random.choice([-5, 5, 5, 5])
        self.rules.append(rule)
        return f"new rule {rule}"

    def _retarget(self) -> str:
        rule = self._random.choice([rule for rule in self.rules if "outcome" in rule])
        rule["outcome"] = self._random.choice([t for t in TARGETS if t != rule["outcome"].split("/")[0]])
        return f"{rule['id']} now leads to {rule['outcome']}"

    def _take_out(self) -> str:
        rule = self.rules.pop(self._random.randrange(len(self.rules)))
        return f"{rule['id']} is taken out"

    def _prioritise(self) -> str:
        rule = self._random.choice(self.rules)
        rule["priority"] = self._random.choice([-10, 10])
        return f"{rule['id']} has priority {rule['priority']}"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A small company at rest."""
    with acted(tmp_path, size=200) as made:
        settle(made)
        yield made


@contextmanager
def acted(tmp_path: Path, *, size: int) -> Iterator[Stage]:
    clock = MovableClock()
    site = Site(clock.now)
    build_world(site, seed=1, size=size)
    starter = Path(str(starter_files()))
    texts = {name: (starter / f"{name}.yaml").read_text(encoding="utf-8") for name in ("strategy", "rules")}
    with staged(
        tmp_path, site=site, clock=clock, projects=SCOPE, checked=False, write="label+comment", **texts
    ) as made:
        made.write(comments={"grace": "0s"})
        yield made


def marks(stage: Stage) -> dict[str, list[str]]:
    return {
        key: [label for label in state.labels if label.startswith(PREFIXES)]
        for key, state in stage.site.snapshot().items()
    }


def verdicts(stage: Stage) -> dict[str, str]:
    return {one.issue.key: counts_under(one.standing.decision) for one in stage.app.look_over() if one.standing}


def settle(stage: Stage) -> None:
    """Do what the rules want, and let the world come to rest."""
    shown = stage.plan()
    if shown.plan.actions:
        stage.apply(shown.plan.digest)
    stage.clock.move(HOUR)
    assert not stage.plan().plan.actions


def keeps_its_word(stage: Stage, edits: int, capsys: pytest.CaptureFixture[str]) -> int:
    """Predict, apply and compare, edit by edit; how many edits moved at least 20 issues."""
    seed = int(os.environ.get("SYNCD_TEST_SEED", "20261121"))
    editor, moved_many, written = Editor(stage, seed), 0, 0
    for _ in range(edits):
        what = editor.edit()
        before, had = verdicts(stage), marks(stage)
        with stage.watched() as traffic:
            diff = stage.app.rules_diff()
        assert not traffic.seen, "a preview asks no tracker anything"
        predicted = {
            action.key: sorted((set(had[action.key]) - set(action.remove)) | set(action.add))
            for action in diff.writes
            if action.kind == "mark"
        }
        settle(stage)
        after, has = verdicts(stage), marks(stage)
        moved = {key: (before[key], after[key]) for key in after if before[key] != after[key]}
        assert {m.key: (m.before, m.after) for m in diff.moved} == moved, what
        assert predicted == {key: sorted(has[key]) for key in has if has[key] != had[key]}, what
        assert (diff.later, diff.not_predictable) == ([], []), what
        moved_many += len(moved) >= 20
        written += len(predicted)
    told = f"rules diff kept its word on {edits} edits (seed {seed}): {moved_many} moved >= 20 issues, {written} writes"
    with capsys.disabled():
        sys.stdout.write(f"\n{told}\n")
    return moved_many


def test_what_rules_diff_predicts_is_what_is_then_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with acted(tmp_path, size=800) as stage:
        settle(stage)
        assert keeps_its_word(stage, 5, capsys) >= 3


@pytest.mark.stress
def test_what_rules_diff_predicts_is_what_is_written_on_fifty_edits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with acted(tmp_path, size=2000) as stage:
        settle(stage)
        assert keeps_its_word(stage, 50, capsys) >= 40


def test_a_preview_changes_nothing_in_the_store(stage: Stage) -> None:
    Editor(stage, 1).lead("reliability-by-label", "onboarding")
    before = verdicts(stage)
    first = stage.app.rules_diff()
    assert first.moved
    again = stage.app.rules_diff()
    assert (again.moved, again.writes) == (first.moved, first.writes)
    assert verdicts(stage) == before


def test_rules_are_compared_with_a_folder_and_with_a_git_commit(stage: Stage, tmp_path: Path) -> None:
    folder = tmp_path / "yesterday"
    shutil.copytree(stage.config, folder)
    git = ["git", "-C", str(stage.config), "-c", "user.name=Maria", "-c", "user.email=maria@acme.example"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "the rules of yesterday"]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    Editor(stage, 1).lead("reliability-by-label", "onboarding")
    moves = [stage.app.rules_diff(against).moved for against in (None, str(folder), "HEAD")]
    assert moves[0]
    assert moves[0] == moves[1] == moves[2]


@pytest.mark.parametrize("against", ["no-such-ref", "--output=x"])
def test_what_is_neither_folder_nor_git_ref_is_said_to_be_neither(stage: Stage, against: str) -> None:
    with pytest.raises(SyncdError, match=f"{against}.*"):
        stage.app.rules_diff(against)


def test_broken_rules_of_the_other_side_are_named_where_they_stand(stage: Stage, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(stage.config, folder)
    (folder / "rules.yaml").write_text("rules:\n  - id: x\n    outcom: reliability\n", encoding="utf-8")
    with pytest.raises(ConfigError) as wrong:
        stage.app.rules_diff(str(folder))
    assert any(problem.file.endswith("broken/rules.yaml") for problem in wrong.value.problems)


def test_the_log_names_each_version_that_came_into_use_and_its_author(stage: Stage) -> None:
    git = ["git", "-C", str(stage.config), "-c", "user.name=Maria", "-c", "user.email=maria@acme.example"]
    Editor(stage, 1).lead("reliability-by-label", "onboarding")
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "an edit"]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    settle(stage)
    newest, oldest = stage.app.rules_log()
    assert (newest.author, oldest.author) == ("Maria <maria@acme.example>", None)
    assert len(newest.commit or "") == 40
    assert newest.at > oldest.at
