"""docs/write-your-first-rules.md does what it says: each command is run, each edit made, each output compared."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "write-your-first-rules.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"(?:<!-- (?P<mark>.*?) -->\n)?```(?P<kind>console|yaml)\n(?P<text>.*?)```\n", re.DOTALL)
LEFT_OUT = "…"


@dataclass
class Reader:
    """Somebody who follows the page to the letter, in an empty folder."""

    folder: Path
    environ: dict[str, str] = field(default_factory=lambda: {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"})
    edited: tuple[Path, str] | None = None
    """The file that was edited last, and what was put into it."""

    def follow(self, block: re.Match[str]) -> None:
        if block["kind"] == "yaml":
            self._edit(block["mark"], block["text"])
            return
        for typed, shown in _commands(block["text"]):
            told = self._type(typed)
            assert _fits(shown, told), f"$ {typed}\n--- the page says\n{shown}\n--- it says\n{told}"

    def _edit(self, mark: str, text: str) -> None:
        if mark == "instead":
            assert self.edited, "there is nothing yet to be replaced"
            path, before = self.edited
            path.write_text(path.read_text(encoding="utf-8").replace(before, text), encoding="utf-8")
        else:
            path = self.folder / mark.removeprefix("add to ")
            path.write_text(f"{path.read_text(encoding='utf-8')}\n{text}", encoding="utf-8")
        self.edited = path, text

    def _type(self, typed: str) -> str:
        words = shlex.split(typed)
        if words[0] == "export":
            self.environ |= dict(word.split("=", 1) for word in words[1:] if not word.startswith("PATH="))
            return ""
        assert words[0] in ("make", "syncd"), typed
        ran = subprocess.run(  # `make demo` is `syncd demo` with its environment made first
            [sys.executable, "-m", "syncd", *words[1:]],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        assert ran.returncode in (0, 2), ran.stdout
        return ran.stdout


def _commands(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split("$ ")[1:] if text.startswith("$ ") else []:
        typed, _, shown = part.partition("\n")
        yield typed, shown


def _fits(shown: str, told: str) -> bool:
    """Whether what a command told is what the page shows: `…` is anything, a number one nearby."""
    pattern, numbers = "", []
    for piece in re.split(rf"({LEFT_OUT}|\d+)", shown.rstrip("\n")):
        if piece == LEFT_OUT:
            pattern += ".*?"
        elif piece.isdigit():
            pattern += r"(\d+)"
            numbers.append(int(piece))
        else:
            pattern += re.escape(piece)
    found = re.fullmatch(pattern + r"\s*", told, re.DOTALL)
    return found is not None and all(
        abs(int(seen) - meant) <= max(2, meant // 10) for seen, meant in zip(found.groups(), numbers, strict=True)
    )


@pytest.mark.stress
def test_the_page_can_be_followed_to_the_letter(tmp_path: Path) -> None:
    reader, kinds = Reader(tmp_path), []
    for block in BLOCK.finditer(PAGE):
        reader.follow(block)
        kinds.append(block["kind"])
    assert kinds.count("yaml") == 5
    assert kinds.count("console") == PAGE.count("```console")
    assert (tmp_path / "my-config" / "rules.yaml").is_file()


@pytest.mark.parametrize(
    ("shown", "told", "fits"),
    [
        ("a\n…\nb", "a\nx\ny\nb\n", True),
        ("a 29 b", "a 31 b", True),
        ("84 made", "7 made", False),
        ("0 made", "0 made", True),
        ("0 made", "5 made", False),
        ("a", "a\nmore", False),
        ("a\n…", "a\nmore", True),
        ("", "", True),
        ("", "something", False),
    ],
)
def test_a_page_that_is_wrong_is_noticed(shown: str, told: str, fits: bool) -> None:
    assert _fits(shown, told) == fits
