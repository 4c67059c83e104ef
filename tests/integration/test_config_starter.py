"""The starter files are right, their schemas are those of the code, and every key is documented."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from support_config import check_options, load, write_config

from connectors import KINDS
from syncd.config import load_config
from syncd.config.schema_words import WORDS
from syncd.config.schemas import json_schemas
from syncd.config.starter import WRITTEN_FOR, starter_texts
from syncd.core.advice import LINTS
from syncd.files.yamlfile import Word, parse
from syncd.rulebook.conditions import CEL, FIELDS, JOINS, RELATIONS
from syncd.settings import missing_secrets

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config"


def test_the_starter_files_have_no_problem_but_the_token_that_is_not_there_yet() -> None:
    first, config = (load_config(CONFIG, check_options, KINDS, day) for day in (WRITTEN_FOR, date(2026, 12, 31)))
    assert (first.advice, config.advice) == ((), ())
    assert [p.message for p in missing_secrets(config.settings, {})] == [
        "the environment variable `JIRA_TOKEN` is not set"
    ]
    shares = [o.allocation or 0 for o in config.rulebook.strategy.outcomes]
    assert round(sum(shares) + sum(o.budget or 0 for o in config.rulebook.strategy.overhead), 9) == 1


@pytest.mark.parametrize(
    "day", [date(2026, 12, 31), date(2027, 1, 1), date(2027, 11, 30), date(2028, 2, 29), date(2040, 5, 5)]
)
def test_the_starter_s_days_lie_ahead_of_the_day_it_is_written_on(tmp_path: Path, day: date) -> None:
    folder = write_config(tmp_path, {n: text for n, text in starter_texts(day).items() if "/" not in n})
    assert load_config(folder, check_options, KINDS, day).advice == ()


def test_days_move_by_whole_quarters_and_ends_of_months_stay_ends_of_months() -> None:
    assert starter_texts(WRITTEN_FOR)["strategy.yaml"] == (CONFIG / "strategy.yaml").read_text()
    text = starter_texts(date(2027, 10, 15))["strategy.yaml"]
    assert "next: 2028-02-29" in text, "the last day of February, a leap year's"
    assert "due: 2028-06-30" in text
    assert "until: 2028-03-31" in text


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


def test_the_linear_tracker_that_the_starter_shows_in_a_comment_can_be_switched_on(tmp_path: Path) -> None:
    text = (CONFIG / "syncd.yaml").read_text()
    before, example = text.split("  # acme-linear:\n")
    example, after = example.split("\n\n", 1)
    shown = re.sub(r"^  # ", "  ", "  # acme-linear:\n" + example, flags=re.MULTILINE)
    files = {name: (CONFIG / name).read_text() for name in ("strategy.yaml", "rules.yaml")}
    folder = write_config(tmp_path, {**files, "syncd.yaml": f"{before}{shown}\n\n{after}"})
    config = load_config(folder, check_options, KINDS, WRITTEN_FOR)
    assert config.advice == ()
    assert [(t.id, t.kind, dict(t.scope)) for t in config.settings.trackers][1:] == [
        ("acme-linear", "linear", {"teams": ("ENG", "OPS")})
    ]


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


def _undescribed(schema: Any) -> list[str]:
    """Every key that a schema names without a description, at any depth."""
    if isinstance(schema, list):
        return [key for below in schema for key in _undescribed(below)]
    if not isinstance(schema, dict):
        return []
    properties = schema.get("properties") if isinstance(schema.get("properties"), dict) else {}
    own = [key for key, below in (properties or {}).items() if not below.get("description")]
    return own + [key for below in schema.values() for key in _undescribed(below)]


def test_editors_show_a_description_at_every_key() -> None:
    assert {name: _undescribed(schema) for name, schema in _schemas_on_disk().items()} == {
        f"{file}.schema.json": [] for file in ("rules", "strategy", "syncd")
    }
    keys = {key for words in WORDS.values() for key in words}
    assert all(
        text.strip() == text and text.endswith((".", "…")) for words in WORDS.values() for text in words.values()
    )
    assert keys == set().union(*(_keys(schema) for schema in json_schemas().values())), "a description of no key"


def test_editors_complete_the_names_of_advice_in_an_accept() -> None:
    defs = json_schemas()["strategy.schema.json"]["$defs"]
    names = defs["OutcomeShape"]["properties"]["accept"]["propertyNames"]["enum"]
    assert set(names) == {name for name in LINTS if not name.startswith("accept-")}


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
    for key in (*FIELDS, *RELATIONS, *JOINS, CEL):
        example = re.search(rf"^\| `{key}` \| `(.*?)` \|", shown, re.MULTILINE)
        assert example, key
        rules = f"rules:\n  - id: x\n    outcome: reliability\n    when: {{{key}: {example[1]}}}\n"
        load(write_config(tmp_path, {"rules.yaml": rules}))
