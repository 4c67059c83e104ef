"""docs/reference-rules.md is made of the code, and each rule in it loads and does what its examples say."""

import re
from pathlib import Path

import pytest
from support_config import load, write_config

from syncd.config.reference import page
from syncd.core.errors import ConfigError

PAGE = Path(__file__).parents[2] / "docs" / "reference-rules.md"
BLOCKS = re.findall(r"```yaml\n(.*?)```", page(), re.DOTALL)


def test_the_page_says_what_the_code_says(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--bless"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), "run this test with --bless to write the page anew"


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_every_rule_on_the_page_loads_and_passes_its_examples(number: int, tmp_path: Path) -> None:
    rules = load(write_config(tmp_path, {"rules.yaml": BLOCKS[number]})).rulebook.rules
    assert len(rules) == BLOCKS[number].count("  - id:")
    assert BLOCKS[number].count("examples:") == len(rules), "each rule shows what it does"


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_the_examples_on_the_page_are_run(number: int, tmp_path: Path) -> None:
    turned = {"expect: match": "expect: no match", "expect: no match": "expect: match"}
    wrong = re.sub("expect: (?:no )?match", lambda found: turned[found[0]], BLOCKS[number])
    with pytest.raises(ConfigError) as refused:
        load(write_config(tmp_path, {"rules.yaml": wrong}))
    assert len(refused.value.problems) == wrong.count("expect:")
