"""`syncd demo` tells the whole story by itself, on a machine without an account and without a network."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support_cli import Ran

from syncd.cli import main

ROOT = Path(__file__).resolve().parents[2]


def an_issue(number: int, labels: list[str], epic: str | None = None) -> str:
    """A line of a file as Jira's agile API writes it."""
    kind = {"id": "2", "name": "Story"} if epic else {"id": "1", "name": "Epic"}
    fields = {
        "summary": f"Issue {number}",
        "project": {"id": "1", "key": "APP", "name": "The app"},
        "issuetype": kind | {"subtask": False},
        "status": {"id": "1", "name": "Open", "statusCategory": {"key": "new"}},
        "created": "2025-01-01T10:00:00.000+0000",
        "updated": "2025-01-02T10:00:00.000+0000",
        "labels": labels,
        "epic": {"id": int(epic.rpartition("-")[2]), "key": epic} if epic else None,
    }
    return json.dumps({"id": str(number), "key": f"APP-{number}", "fields": fields})


def demo(cwd: Path, *argv: str) -> Ran:
    """`python -m syncd demo`, with an empty HOME and nothing in its environment."""
    environ = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "HOME": str(cwd)}
    ran = subprocess.run(
        [sys.executable, "-m", "syncd", "demo", *argv],
        cwd=cwd,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ran, Path]:
    folder = tmp_path_factory.mktemp("demo")
    return demo(folder), folder


def number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    assert found, f"the story does not say {pattern!r}"
    return int(found[1])


def test_it_ends_well_and_tells_its_five_parts_in_order(told: tuple[Ran, Path]) -> None:
    ran, _ = told
    assert (ran.code, ran.err) == (0, "")
    parts = ["1. check", "2. plan", "3. apply", "4. people", "5. nobody", "in plain words", "explain: three tickets"]
    places = [ran.out.index(part) for part in parts]
    assert places == sorted(places)


def test_the_safeguards_are_shown_at_work(told: tuple[Ran, Path]) -> None:
    ran, _ = told
    assert "Waits for a person" in ran.out
    assert number(r"(\d+) writes done", ran.out) >= 500
    assert number(r"requests in all, (\d+) mails sent", ran.out) == 0
    assert "People's own labels are as they were; 0 issues outside the scope were touched." in ran.out
    assert number(r"Issues read one by one for it: (\d+)", ran.out) == 0
    assert "Nothing was planned and nothing written." in ran.out
    assert "Something was written!" not in ran.out
    assert "CHANGED" not in ran.out


def test_both_trackers_run_under_one_rulebook_and_the_same_work_is_counted_once(told: tuple[Ran, Path]) -> None:
    ran, folder = told
    assert "in Linear the teams APP, CORE, DATA" in ran.out
    for mark in ("outcome/reliability", "Outcome/reliability"):
        assert number(rf"(\d+)  \+ {mark}\n", ran.out) > 0, "in Linear it is a label in a group"
    assert ran.out.count("  demo-linear: ") == 2, "once for each of the two cycles"
    twins = number(r"(\d+) pieces of work stand in Jira and in Linear; each is counted once", ran.out)
    torn = number(r"counted once, (\d+) of them with different verdicts", ran.out)
    assert twins > torn > 0
    report = (folder / "demo-out" / "reports" / "alignment.md").read_text(encoding="utf-8")
    assert f"Counted once: {twins} pieces of work that several trackers hold." in report
    page = (folder / "demo-out" / "reports" / "alignment.html").read_text(encoding="utf-8")
    assert f"Counted once: {twins} pieces of work" in page


def test_it_does_what_it_showed(told: tuple[Ran, Path]) -> None:
    ran, _ = told
    shown, digest = number(r"Plan [0-9a-f]{16}: (\d+) mark", ran.out), re.search(r"Plan ([0-9a-f]{16}):", ran.out)
    assert digest
    assert f"apply --plan {digest[1]}" in ran.out
    assert number(r"(\d+) writes done", ran.out) == shown


def test_three_people_edit_and_the_next_cycle_follows(told: tuple[Ran, Path]) -> None:
    ran, _ = told
    edits, follows = ran.out.partition("4. people")[2].partition("5. nobody")[0].split("The next cycle:")
    assert [name for name in ("Maria", "Tom", "Ines") if f"- {name} " in edits] == ["Maria", "Tom", "Ines"]
    assert len(re.findall(r"^- \S+-\d+ bears (outcome|alignment)/", follows, re.MULTILINE)) >= 4
    assert "1 comment that asks" in follows


def test_the_report_and_the_store_are_left_to_look_at(told: tuple[Ran, Path]) -> None:
    ran, folder = told
    report = folder / "demo-out" / "reports" / "alignment.md"
    assert str(report.relative_to(folder)) in ran.out
    assert report.read_text(encoding="utf-8").startswith("# Alignment report")
    assert (folder / "demo-out" / "syncd.db").exists()
    assert {path.name for path in folder.iterdir()} == {"demo-out"}


def test_the_same_config_checks_afterwards(told: tuple[Ran, Path]) -> None:
    _, folder = told
    environ = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "HOME": str(folder)}
    command = [sys.executable, "-m", "syncd", "check", "--config", "demo-out/config"]
    ran = subprocess.run(command, cwd=folder, env=environ, capture_output=True, check=False, timeout=60)
    assert ran.returncode == 0


# --- in this process: what the story is made of is known by now ---


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    monkeypatch.chdir(tmp_path)

    def run(*argv: str) -> Ran:
        with pytest.raises(SystemExit) as left:
            main(["demo", *argv])
        told = capsys.readouterr()
        assert isinstance(left.value.code, int)
        return Ran(int(left.value.code), told.out, told.err)

    return run


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path: Path, here: Callable[..., Ran]) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    ran = here("--dir", "mine")
    assert (ran.code, ran.out) == (1, "")
    assert "--dir" in ran.err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_an_earlier_demo_is_replaced_and_real_issues_are_served_from_a_file(
    tmp_path: Path, here: Callable[..., Ran]
) -> None:
    lines = [an_issue(1, ["sre"]), an_issue(2, [], "APP-1"), an_issue(3, []), an_issue(4, [], "APP-99")]
    (tmp_path / "issues.jsonl").write_text("\n".join(lines), encoding="utf-8")
    assert here("--issues", "issues.jsonl").code == 0
    ran = here("--issues", "issues.jsonl")
    assert ran.code == 0, ran.err
    assert "projects APP" in ran.out
    assert "APP-2" in ran.out
    assert "serves reliability (inherited: reliability-by-label on APP-1)" in ran.out
    assert re.search(r"^ +1 .* cannot be decided, since an ancestor cannot be read$", ran.out, re.MULTILINE)


def test_rules_that_somebody_edited_are_never_replaced_and_can_be_played_where_they_stand(
    tmp_path: Path, here: Callable[..., Ran]
) -> None:
    (tmp_path / "issues.jsonl").write_text("\n".join([an_issue(1, ["sre"]), an_issue(2, ["mine"])]), encoding="utf-8")
    rules = tmp_path / "demo-out" / "config" / "rules.yaml"
    assert here("--issues", "issues.jsonl").code == 0
    edited = rules.read_text(encoding="utf-8") + "\n  - {id: mine, outcome: reliability, when: {label: mine}}\n"
    rules.write_text(edited, encoding="utf-8")
    refused = here("--issues", "issues.jsonl")
    assert refused.code == 1
    assert "--rules demo-out/config" in refused.err
    assert rules.read_text(encoding="utf-8") == edited
    played = here("--issues", "issues.jsonl", "--rules", "demo-out/config")
    assert played.code == 0, played.err
    assert "serves reliability (rule: mine)" in played.out
    assert rules.read_text(encoding="utf-8") == edited
    assert here("--issues", "issues.jsonl").code == 1
    assert rules.read_text(encoding="utf-8") == edited


def test_an_earlier_demo_outlives_rules_that_cannot_be_found(tmp_path: Path, here: Callable[..., Ran]) -> None:
    (tmp_path / "issues.jsonl").write_text(an_issue(1, ["sre"]), encoding="utf-8")
    assert here("--issues", "issues.jsonl").code == 0
    assert here("--issues", "issues.jsonl", "--rules", "nowhere").code == 1
    assert (tmp_path / "demo-out" / "config" / "rules.yaml").is_file()
    assert (tmp_path / "demo-out" / "syncd.db").is_file()


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--issues", "nowhere.jsonl"), "nowhere.jsonl"),
        (("--issues", "broken.jsonl"), "broken.jsonl:1"),
        (("--rules", "nowhere"), "--rules"),
    ],
)
def test_what_cannot_be_played_is_told(
    argv: tuple[str, str], words: str, tmp_path: Path, here: Callable[..., Ran]
) -> None:
    (tmp_path / "broken.jsonl").write_text("{not json\n", encoding="utf-8")
    ran = here(*argv)
    assert ran.code == 1
    assert words in ran.err
    assert "Traceback" not in ran.err
