"""The documents say what the program does: every command, option, exit code, finding and variable stands in them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.main import get_command

from syncd.cli import Exit, cli
from syncd.core.advice import LINTS
from syncd.core.model import FindingKind
from syncd.service import metrics
from syncd.store.tables import metadata

ROOT = Path(__file__).parents[1]
COMMANDS = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def commands() -> dict[str, list[str]]:
    """Every command, those of groups too, with its options."""
    return dict(_below(get_command(cli), ""))


def _below(group: Any, prefix: str) -> Iterator[tuple[str, list[str]]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _below(command, f"{prefix}{name} ")
        else:
            options = [option for parameter in command.params for option in parameter.opts]
            yield f"{prefix}{name}", [option for option in options if option.startswith("--")]


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_and_each_of_its_options_is_documented(name: str) -> None:
    row = next((line for line in COMMANDS.splitlines() if line.startswith(f"| `syncd {name}")), None)
    assert row is not None, f"docs/commands.md has no row for `syncd {name}`"
    missing = [option for option in commands()[name] if option not in (*["--help"],) and option not in row]
    assert not missing, f"the row of `syncd {name}` does not name {missing}"


def test_no_command_is_documented_that_does_not_exist() -> None:
    named = set(re.findall(r"^\| `syncd ((?:(?:rules|outbox|override|tradeoff) )?[a-z]+)", COMMANDS, re.MULTILINE))
    assert named == set(commands())


def test_every_exit_code_is_documented_with_what_to_do() -> None:
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", COMMANDS, re.MULTILINE)}
    assert codes == {int(code) for code in Exit} | {130}


def test_every_variable_that_is_read_is_documented() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "syncd").rglob("*.py")]
    read = {name for text in sources for name in re.findall(r"\"(SYNCD_[A-Z_]+)\"", text)}
    assert read, "the program reads at least its own config variable"
    assert {name for name in read if f"`{name}`" not in COMMANDS} == set()


def test_every_kind_of_finding_is_documented() -> None:
    text = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
    assert [kind for kind in get_args(FindingKind) if f"| `{kind}` |" not in text] == []


def test_every_metric_is_documented_with_when_to_be_woken_by_it_and_no_other() -> None:
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    rows = {
        cells[0]: cells for cells in (re.findall(r"(?<=\| )(.+?)(?= \|)", line) for line in text.splitlines()) if cells
    }
    documented = {name.strip("`"): cells for name, cells in rows.items() if name.startswith("`syncd_")}
    assert sorted(documented) == metrics.names()
    assert [name for name, cells in documented.items() if len(cells) != 3 or not all(cells)] == []


def test_it_is_documented_of_every_table_what_it_grows_with_and_what_ends_it() -> None:
    text = (ROOT / "docs" / "backing-up.md").read_text(encoding="utf-8").partition("## What is kept")[2]
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| `")]
    told = [name for row in rows for name in re.findall(r"`(\w+)`", row[1])]
    assert sorted(told) == sorted(metadata.tables), "each once"
    assert all(len(row) == 5 and row[2].strip() and row[3].strip() for row in rows)


def test_every_event_of_the_daemon_is_documented() -> None:
    text = (ROOT / "docs" / "run.md").read_text(encoding="utf-8")
    told = set()
    for path in [*(ROOT / "syncd" / "engine").glob("*.py"), *(ROOT / "syncd").glob("*.py")]:
        told |= set(re.findall(r"(?:\.info|\.warning|\.error|\btell)\)?\(\s*\"([a-z_]+)\"", path.read_text("utf-8")))
    assert {"cycle_finished", "took_over", "library_said"} <= told
    assert {event for event in told if f"`{event}`" not in text and f"event='{event}'" not in text} == set()


def test_every_advice_is_documented_with_its_reason() -> None:
    text = (ROOT / "docs" / "lints.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.strip("| ").split(" | ")] for line in text.splitlines() if line.startswith("| `")
    ]
    assert {row[0].strip("`"): row[3] for row in rows} == dict(LINTS)


@pytest.mark.parametrize(
    "page", ["README.md", *sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "docs").rglob("*.md"))]
)
def test_every_link_between_pages_leads_somewhere(page: str) -> None:
    here = ROOT / page
    broken = [link for link in LINK.findall(here.read_text(encoding="utf-8")) if not (here.parent / link).exists()]
    assert broken == []


def test_every_page_stands_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = [path.name for path in (ROOT / "docs").glob("*.md") if path.name != "README.md"]
    assert [name for name in pages if f"({name})" not in index] == []


def test_the_life_of_one_issue_names_functions_that_exist() -> None:
    """Each `name` in code type that looks like one of our functions or classes is one."""
    text = (ROOT / "docs" / "the-life-of-one-issue.md").read_text(encoding="utf-8")
    defined = set()
    for path in [*(ROOT / "syncd").rglob("*.py"), *(ROOT / "connectors").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                defined.add(node.name)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    named = {
        part for row in rows for name in re.findall(r"`([A-Za-z_.]+)`", row.split("|")[3]) for part in name.split(".")
    }
    assert len(named) > 15
    assert {name for name in named if name not in defined} == set()
