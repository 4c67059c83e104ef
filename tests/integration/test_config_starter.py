"""The starter files are right, their schemas are those of the code, and every key is documented."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from support_config import load, write_config

from syncd.conditions import FIELDS, JOINS, RELATIONS
from syncd.schemas import json_schemas
from syncd.settings import missing_secrets
from syncd.yamlfile import Word, parse

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config"


def test_the_starter_files_have_no_problem_but_the_token_that_is_not_there_yet() -> None:
    config = load(CONFIG)
    assert config.advice == ()
    assert [p.message for p in missing_secrets(config.settings, {})] == [
        "the environment variable `JIRA_TOKEN` is not set"
    ]
    shares = [o.allocation or 0 for o in config.rulebook.strategy.outcomes]
    assert round(sum(shares) + sum(o.budget or 0 for o in config.rulebook.strategy.overhead), 9) == 1


def test_what_the_starter_shows_as_a_default_in_a_comment_can_be_switched_on(tmp_path: Path) -> None:
    text = (CONFIG / "syncd.yaml").read_text()
    top, optional = text.split("shows the defaults.\n")
    switched = re.sub(r"^# ?(?=[a-z_ ]+:)", "", optional, flags=re.MULTILINE)
    assert switched.count("\n#") < optional.count("\n#")
    folder = tmp_path / "config"
    folder.mkdir()
    for name in ("strategy.yaml", "rules.yaml"):
        (folder / name).write_text((CONFIG / name).read_text())
    (folder / "syncd.yaml").write_text(top + switched.replace("quiet_hours:", "#"))
    shown = load(folder).settings
    (folder / "syncd.yaml").write_text(text)
    assert shown == load(folder).settings


def test_each_starter_file_names_its_schema_for_editors() -> None:
    for name, schema in _schemas_on_disk().items():
        file = CONFIG / name.replace(".schema.json", ".yaml")
        assert file.read_text().startswith(f"# yaml-language-server: $schema=schema/{name}\n")
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(_plain(parse(file.read_bytes(), "x").root), schema)


def _plain(node: Any) -> Any:
    def text(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: text(below) for key, below in value.items()}
        if isinstance(value, list):
            return [text(below) for below in value]
        return value.text if isinstance(value, Word) else value

    return text(node.plain())


def _schemas_on_disk() -> dict[str, Any]:
    return {path.name: json.loads(path.read_text()) for path in sorted((CONFIG / "schema").iterdir())}


def test_the_schemas_are_those_of_the_code(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--bless"):
        for name, schema in json_schemas().items():
            text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
            (CONFIG / "schema" / name).write_text(text, encoding="utf-8")
    assert _schemas_on_disk() == json_schemas(), "run this test with --bless to write config/schema/ anew"


def _keys(schema: Any) -> set[str]:
    """Every key that a schema names, at any depth."""
    if isinstance(schema, list):
        return {key for below in schema for key in _keys(below)}
    if not isinstance(schema, dict):
        return set()
    properties = schema.get("properties")
    own = set(properties) if isinstance(properties, dict) else set()
    return own.union(*(_keys(below) for below in schema.values()))


@pytest.mark.parametrize("file", ["syncd", "strategy", "rules"])
def test_every_key_is_documented_under_its_file(file: str) -> None:
    reference = (ROOT / "docs" / "reference-config.md").read_text()
    section = reference.split(f"\n## {file}.yaml\n")[1].split("\n## ")[0]
    documented = set(re.findall(r"`([a-z_]+)`", " ".join(re.findall(r"^\| (`.*?`) \|", section, re.MULTILINE))))
    wanted = _keys(json_schemas()[f"{file}.schema.json"])
    assert wanted - documented == set(), "missing in docs/reference-config.md"
    assert documented - wanted == set(), "documented, and no key"


def test_the_example_of_every_condition_in_the_reference_is_read(tmp_path: Path) -> None:
    reference = (ROOT / "docs" / "reference-config.md").read_text()
    shown = reference.split("\n### a condition\n")[1]
    for key in (*FIELDS, *RELATIONS, *JOINS):
        example = re.search(rf"^\| `{key}` \| `(.*?)` \|", shown, re.MULTILINE)
        assert example, key
        rules = f"rules:\n  - id: x\n    outcome: reliability\n    when: {{{key}: {example[1]}}}\n"
        load(write_config(tmp_path, {"rules.yaml": rules}))
