"""A config that is edited is checked again: once per change, whatever way it is changed."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TypeVar

import pytest
from support_wise import TODAY, WISE, R, T

from syncd.app import App
from syncd.config.watch import PERIOD, SETTLE, changes

T_ = TypeVar("T_")
NOW = datetime(TODAY.year, TODAY.month, TODAY.day, 23, 59, tzinfo=UTC)


class Hand:
    """Waits in no time, and does something at each wait; ends the watching when nothing is left to do."""

    def __init__(self, *deeds: Callable[[], object] | None) -> None:
        self._deeds = iter(deeds)
        self.waits: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)
        try:
            deed = next(self._deeds)
        except StopIteration:
            raise KeyboardInterrupt from None
        if deed is not None:
            deed()


def _told(rounds: Iterator[T_]) -> list[T_]:
    """Everything until the hand has nothing left to do."""
    seen: list[T_] = []
    try:
        while True:
            seen.append(next(rounds))
    except KeyboardInterrupt:
        return seen


def _count(rounds: Iterator[None]) -> int:
    return len(_told(rounds))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file that is watched."""
    path = tmp_path / "rules.yaml"
    path.write_text("a")
    return path


def test_nothing_is_told_while_nothing_changes(file: Path) -> None:
    hand = Hand(None, None, None)
    assert _count(changes([file], hand)) == 1, "the first look"
    assert hand.waits == [PERIOD] * 4


def test_a_changed_file_is_told_once(file: Path) -> None:
    assert _count(changes([file], Hand(lambda: file.write_text("b"), None, None, None))) == 2


def test_a_file_that_is_only_touched_has_not_changed(file: Path) -> None:
    assert _count(changes([file], Hand(file.touch, lambda: file.write_text("a"), None))) == 1


def test_a_change_of_the_same_length_in_the_same_instant_is_seen(file: Path) -> None:
    """Times of files are coarse: the content counts."""
    before = file.stat()

    def edit() -> None:
        file.write_text("b")
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert _count(changes([file], Hand(edit, None, None))) == 2


def test_files_that_go_and_come_are_told(file: Path) -> None:
    assert _count(changes([file], Hand(file.unlink, None, None, lambda: file.write_text("a"), None, None))) == 3


def test_a_file_that_is_replaced_is_told(file: Path, tmp_path: Path) -> None:
    new = tmp_path / ".rules.yaml.swp"
    new.write_text("b")
    assert _count(changes([file], Hand(lambda: new.replace(file), None, None))) == 2


def test_a_swapped_folder_of_links_is_told_as_one_change(tmp_path: Path) -> None:
    """As Kubernetes updates a ConfigMap: files are links into ..data, which is a link that is renamed over."""
    names = ("strategy.yaml", "rules.yaml")
    for version in ("1", "2"):
        (tmp_path / f"..{version}").mkdir()
        for name in names:
            (tmp_path / f"..{version}" / name).write_text(f"{name} {version}")
    (tmp_path / "..data").symlink_to("..1")
    for name in names:
        (tmp_path / name).symlink_to(f"..data/{name}")

    def swap() -> None:
        (tmp_path / "..new").symlink_to("..2")
        (tmp_path / "..new").rename(tmp_path / "..data")

    assert _count(changes([tmp_path / name for name in names], Hand(swap, None, None, None))) == 2


def test_a_file_that_is_being_written_is_told_when_it_is_whole(file: Path) -> None:
    parts = [lambda: file.write_text(""), lambda: file.write_text("b"), lambda: file.write_text("bc"), None, None]
    hand = Hand(*parts)
    assert _told(file.read_text() for _ in changes([file], hand)) == ["a", "bc"]
    assert hand.waits[:5] == [PERIOD, SETTLE, SETTLE, SETTLE, PERIOD]


def test_a_file_that_never_stops_changing_is_told_all_the_same(file: Path) -> None:
    number = iter(range(1000))
    hand = Hand(*[lambda: file.write_text(str(next(number)))] * 50)
    assert len(list(islice(changes([file], hand), 2))) == 2


def test_what_changes_while_the_caller_is_busy_is_told_next(file: Path) -> None:
    rounds = changes([file], Hand(None, None, None))
    next(rounds)
    file.write_text("b")
    next(rounds)
    with pytest.raises(KeyboardInterrupt):
        next(rounds)


class _Clock:
    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


def _config(folder: Path) -> Path:
    config = folder / "config"
    config.mkdir()
    settings = (Path(__file__).parents[2] / "config" / "syncd.yaml").read_text(encoding="utf-8")
    for name, text in {**WISE, "syncd.yaml": settings}.items():
        (config / name).write_text(text, encoding="utf-8")
    return config


def test_check_tells_a_mistake_and_that_it_is_mended(tmp_path: Path) -> None:
    config = _config(tmp_path)

    def write(name: str, old: str, new: str) -> Callable[[], object]:
        return lambda: (config / name).write_text(WISE[name].replace(old, new))

    hand = Hand(
        write(R, "label: kyc", "lable: kyc"),
        None,
        write(R, "", ""),
        None,
        write(T, "intent: We", "intent: Big. We"),
        None,
    )
    checks = App(config, {"JIRA_TOKEN": "x"}, _Clock(), wait=hand).checks()
    assert _told([p.name or p.hint for p in problems] for problems in checks) == [
        [],
        ["did you mean `label`?"],
        [],
        ["intent-sentences"],
    ]


def test_a_new_day_is_a_reason_to_check_again(tmp_path: Path) -> None:
    config, clock = _config(tmp_path), _Clock()
    (config / R).write_text(WISE[R].replace("  - id: kyc\n", "  - id: kyc\n    until: 2026-12-07\n"))

    def midnight() -> None:
        clock.at += timedelta(minutes=1)

    checks = App(config, {"JIRA_TOKEN": "x"}, clock, wait=Hand(None, midnight, None)).checks()
    assert _told([p.name for p in problems] for problems in checks) == [[], ["ends-soon"]]
