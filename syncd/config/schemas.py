"""What editors know of each config file: JSON Schemas, made of the models that read the files (config/schema/)."""

from typing import Any

from syncd.config.schema_words import WORDS
from syncd.core.advice import LINTS
from syncd.rulebook import RULES_FILE, STRATEGY_FILE, RulesShape, StrategyShape
from syncd.rulebook.conditions import condition_schema
from syncd.rulebook.examples import example_schema
from syncd.settings import SETTINGS_FILE
from syncd.settings.shape import SyncdShape


def json_schemas() -> dict[str, dict[str, Any]]:
    """Name in config/schema/ → JSON Schema, with a description of every key."""
    schemas: dict[str, dict[str, Any]] = {}
    for file, shape in ((SETTINGS_FILE, SyncdShape), (STRATEGY_FILE, StrategyShape), (RULES_FILE, RulesShape)):
        schema = _tidied(shape.model_json_schema())
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        schema["title"] = file
        schemas[f"{file.removesuffix('.yaml')}.schema.json"] = schema
    known = schemas["rules.schema.json"]["$defs"]
    known["Condition"] = condition_schema("#/$defs/Condition")
    known["Example"] = example_schema()
    known["RuleShape"]["properties"]["when"] = {"$ref": "#/$defs/Condition"}
    known["RuleShape"]["properties"]["examples"] = {"type": "array", "items": {"$ref": "#/$defs/Example"}}
    return {name: _described(schema, schema["title"]) for name, schema in schemas.items()}


def _described(schema: Any, mapping: str) -> Any:
    """With a description at every key. `mapping`: whose keys these are, by its name in `WORDS`."""
    if isinstance(schema, list):
        return [_described(below, mapping) for below in schema]
    if not isinstance(schema, dict):
        return schema
    made = {}
    for key, below in schema.items():
        if key == "properties":
            made[key] = _keys(below, _named(below, mapping))
        elif key == "$defs":
            made[key] = {name: _described(one, name.removesuffix("Shape")) for name, one in below.items()}
        else:
            made[key] = _described(below, mapping)
    return made


def _keys(properties: dict[str, Any], mapping: str) -> dict[str, Any]:
    made = {}
    for key, below in properties.items():
        made[key] = {"description": WORDS[mapping].get(key, ""), **_described(below, mapping)}
        if key == "accept":
            made[key]["propertyNames"] = {"enum": [name for name in LINTS if not name.startswith("accept-")]}
    return made


_INLINE = {frozenset({"env", "file"}): "Secret", frozenset({"url", "password"}): "Store"}
"""Mappings that stand inside another one's schema, by their keys."""


def _named(properties: dict[str, Any], mapping: str) -> str:
    return _INLINE.get(frozenset(properties), mapping)


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
