"""Other versions of the rulebook: of another folder, of a git commit, or of the texts that the store kept."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from syncd.core.errors import ConfigError, SyncdError
from syncd.core.model import Rulebook
from syncd.rulebook import RULES_FILE, STRATEGY_FILE, load_rulebook

FILES: Final = (STRATEGY_FILE, RULES_FILE)
GIT_PATIENCE: Final = 20
"""Seconds that git may take."""


@dataclass(frozen=True, slots=True)
class Authored:
    """Who last committed the two files, and in which commit."""

    author: str
    commit: str


def rulebook_of(texts: Mapping[str, str], named: str) -> Rulebook:
    """The rulebook of two texts. A rule stands in `<named>, <file>:<line>`.

    Raises:
        ConfigError: its problems name the files as `<named>:<file>`.
    """
    with TemporaryDirectory(prefix="syncd-rules-") as folder:
        for name in FILES:
            (Path(folder) / name).write_text(texts.get(name, ""), encoding="utf-8")
        try:
            book = load_rulebook(Path(folder))
        except ConfigError as wrong:
            raise ConfigError([replace(p, file=f"{named}:{Path(p.file).name}") for p in wrong.problems]) from None
    # The folder is gone by now: a rule stands in what it came from.
    return replace(book, rules=tuple(replace(r, where=f"{named}, {Path(r.where).name}") for r in book.rules))


def texts_in_git(directory: Path, ref: str) -> Mapping[str, str]:
    """Both files of the config folder as they stood at that commit, branch or tag."""
    if ref.startswith("-"):
        raise SyncdError(f"{ref} is neither a folder nor a git commit, branch or tag")
    what = f"{ref} is no folder; as a git commit, branch or tag it"
    return {name: _git(directory, "show", f"{ref}:./{name}", what=what) for name in FILES}


def authored(directory: Path) -> Authored | None:
    """Who committed the files as they stand now; None without git, or while they differ from the last commit."""
    try:
        if _git(directory, "status", "--porcelain", "--", *FILES, what="git"):
            return None
        said = _git(directory, "log", "-1", "--format=%H%n%an <%ae>", "--", *FILES, what="git")
    except SyncdError:
        return None
    commit, _, author = said.strip().partition("\n")
    return Authored(author, commit) if author else None


def _git(directory: Path, *words: str, what: str) -> str:
    command = ["git", "-C", str(directory), *words]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=GIT_PATIENCE)  # noqa: S603 - no shell; words are ours or refused above
    except (OSError, subprocess.TimeoutExpired) as failed:
        raise SyncdError(f"{what} cannot be read: git did not answer ({type(failed).__name__})") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise SyncdError(f"{what} cannot be read: {said[-1] if said else 'git says nothing'}")
    return done.stdout.decode("utf-8", "replace")
