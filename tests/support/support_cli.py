"""The command line on a stage: the program's own `main`, with the stage's clock in place of the machine's."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

import pytest
from support_stage import Stage

from syncd.cli import main

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "commands.md"


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Stdout, which must be one JSON value and nothing else."""
        return json.loads(self.out)


@dataclass
class Cli:
    """Runs commands in this process, with the config folder of a stage."""

    stage: Stage
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *argv: str) -> Ran:
        """`syncd --config … argv`."""
        return self.bare("--config", str(self.stage.config), *argv)

    def bare(self, *argv: str) -> Ran:
        """`syncd argv`."""
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main(argv)
        told = self.capsys.readouterr()
        assert isinstance(left.value.code, int)
        return Ran(int(left.value.code), told.out, told.err)


@contextmanager
def commanded(stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    """The command line over that stage: its clock, its secrets, a terminal of 80 columns that is none."""
    for name, value in {**stage.environ, "COLUMNS": "80", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    with (
        patch("syncd.app.SystemClock.now", lambda _self: stage.clock.now()),
        patch("syncd.cli.terminal.time", SimpleNamespace(sleep=stage.clock.sleep)),  # others' sleeps are none of ours
    ):
        yield Cli(stage, capsys)


def documented(command: str) -> set[str]:
    """Every key that the page names for a command's JSON."""
    part = PAGE.read_text(encoding="utf-8").partition("\n## JSON\n")[2].partition("\n## ")[0]
    told = next(entry for entry in part.split("\n- ") if entry.startswith(f"`{command}`:"))
    return set(re.findall(r"`([a-z_]+)`", told.partition(":")[2]))


def keys_of(value: Any, *, values: tuple[str, ...] = ()) -> set[str]:
    """Every key in a JSON value, at any depth; below a key in `values`, keys are data (ids, states)."""
    if isinstance(value, list):
        return set().union(*(keys_of(item, values=values) for item in value))
    if not isinstance(value, dict):
        return set()
    found = set(value)
    for key, inner in value.items():
        below = list(inner.values()) if key in values and isinstance(inner, dict) else inner
        found |= keys_of(below, values=values)
    return found
