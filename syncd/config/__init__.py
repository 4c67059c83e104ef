"""The three files of a config folder, read together: everything, or every problem of all of them at once."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from syncd.core.errors import ConfigError, Problem
from syncd.core.model import Rulebook
from syncd.rulebook import RULES_FILE, STRATEGY_FILE, advise, read_rulebook
from syncd.settings import CheckOptions, Settings, read_settings


@dataclass(frozen=True, slots=True)
class Config:
    """All that an admin wrote."""

    settings: Settings
    rulebook: Rulebook
    sources: Mapping[str, str]
    """The texts that the rulebook was read from, by file name."""
    advice: tuple[Problem, ...]
    """What is not wrong and could be better, in order."""


def load_config(
    directory: Path, check_options: CheckOptions, kinds: Collection[str], today: date | None = None
) -> Config:
    """The config folder; files are named in problems as `directory` is given. With a day (UTC), lint is given too.

    Raises:
        ConfigError: with the problems of all files, advice included, sorted by file, line and column.
    """
    settings = read_settings(directory, check_options, kinds)
    files = read_rulebook(directory, settings.trackers)
    if today is not None:
        advise(files, today)
    problems = sorted([*settings.source.problems, *files.strategy.problems, *files.rules.problems])
    if settings.settings is None or files.rulebook is None:
        raise ConfigError(problems)
    sources = {STRATEGY_FILE: files.strategy.text, RULES_FILE: files.rules.text}
    return Config(settings.settings, files.rulebook, sources, tuple(problems))
