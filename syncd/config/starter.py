"""The starter files that syncd ships (config/): where they are, and their texts with days that lie ahead of today."""

import calendar
import re
from collections.abc import Mapping
from datetime import date
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

WRITTEN_FOR: Final = date(2026, 10, 1)
"""The quarter that the shipped days were chosen for: all lie at least two weeks after its end."""
_DAY: Final = re.compile(r"\b(20[0-9]{2})-([0-9]{2})-([0-9]{2})\b")


def starter_files() -> Traversable:
    """Return the folder that holds the starter syncd.yaml, strategy.yaml and rules.yaml.

    In a wheel they are package data (`syncd/_config`), in a clone the folder `config/` beside the package. The
    answer is for reading and copying only, never a place to write to.

    Raises:
        FileNotFoundError: this installation holds neither, so it was not built as syncd is built.
    """
    packaged = resources.files("syncd") / "_config"
    beside = Path(__file__).resolve().parents[2] / "config"
    for folder in (packaged, beside):
        if (folder / "syncd.yaml").is_file():
            return folder
    raise FileNotFoundError(f"the starter files are missing from this installation: neither {packaged} nor {beside}")


def starter_texts(today: date) -> Mapping[str, str]:
    """Path below a config folder → text: the three files and their schemas, every day moved on by whole quarters.

    So what is due, reviewed and in focus in them lies ahead of `today` as it did when they were written.
    """
    folder = starter_files()
    found = {
        name: (folder / name).read_text(encoding="utf-8") for name in ("syncd.yaml", "strategy.yaml", "rules.yaml")
    }
    moved = {name: _moved(text, today) for name, text in found.items()}
    schemas = (folder / "schema").iterdir()
    return moved | {f"schema/{s.name}": s.read_text(encoding="utf-8") for s in schemas if s.name.endswith(".json")}


def _moved(text: str, today: date) -> str:
    months = 3 * (_quarter(today) - _quarter(WRITTEN_FOR))
    return _DAY.sub(lambda found: str(_later(date(*map(int, found.groups())), months)), text)


def _quarter(day: date) -> int:
    return day.year * 4 + (day.month - 1) // 3


def _later(day: date, months: int) -> date:
    """The same day so many months on; the last day of a month stays one."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    was_last = day.day == calendar.monthrange(day.year, day.month)[1]
    return date(year, month + 1, last if was_last else min(day.day, last))
