"""The three files of a config folder, read together: everything, or every problem of all of them at once."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from syncd.conditions import condition_schema, example_schema
from syncd.core.errors import ConfigError, Problem
from syncd.core.model import Rulebook
from syncd.rulebook import RULES_FILE, STRATEGY_FILE, RulesShape, StrategyShape, advise, read_rulebook
from syncd.settings import SETTINGS_FILE, CheckOptions, Settings, read_settings
from syncd.settings_shape import SyncdShape


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


def json_schemas() -> dict[str, dict[str, Any]]:
    """What editors know of each file: name in config/schema/ → JSON Schema."""
    schemas: dict[str, dict[str, Any]] = {}
    for file, shape in ((SETTINGS_FILE, SyncdShape), (STRATEGY_FILE, StrategyShape), (RULES_FILE, RulesShape)):
        schema = shape.model_json_schema()
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        schema["title"] = file
        schemas[f"{file.removesuffix('.yaml')}.schema.json"] = _tidied(schema)
    known = schemas["rules.schema.json"]["$defs"]
    known["Condition"] = condition_schema("#/$defs/Condition")
    known["Example"] = example_schema()
    known["RuleShape"]["properties"]["when"] = {"$ref": "#/$defs/Condition"}
    known["RuleShape"]["properties"]["examples"] = {"type": "array", "items": {"$ref": "#/$defs/Example"}}
    return schemas


def _tidied(schema: Any) -> Any:
    """Without titles that only repeat a key, and without the underscores of our class names."""
    if isinstance(schema, list):
        return [_tidied(below) for below in schema]
    if isinstance(schema, dict):
        kept = {k: v for k, v in schema.items() if not (k == "title" and isinstance(v, str) and "." not in v)}
        return {_public(k): _tidied(v) for k, v in kept.items()}
    return _public(schema) if isinstance(schema, str) and schema.startswith("#/") else schema


def _public(name: str) -> str:
    head, slash, last = name.rpartition("/")
    return head + slash + (last.removeprefix("_") if last.endswith("Shape") else last)
