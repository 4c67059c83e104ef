"""A small config folder for tests, and the loader with the real kinds of tracker."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connectors import KINDS
from syncd.app import load_kind
from syncd.config import Config, load_config
from syncd.core.errors import OptionProblem

SMALL = {
    "syncd.yaml": """\
installation: acme
store: sqlite:///syncd.db
trackers:
  acme-jira:
    kind: jira-cloud
    url: https://acme.atlassian.net
    auth: {email: syncd@acme.example, token: {env: JIRA_TOKEN}}
    scope: {projects: [PAY, OPS]}
""",
    "strategy.yaml": """\
intent: We are the payments platform banks trust.
outcomes:
  - id: reliability
    title: Payments never go down
    owner: maria@acme.example
    metric: {name: availability, unit: "%"}
    objectives: [{id: failover, title: Any region can fail}]
overhead:
  - {id: chores, title: Chores, owner: maria@acme.example, budget: 20%}
""",
    "rules.yaml": """\
rules:
  - id: by-label
    outcome: reliability
    when: {label: [sre, oncall]}
""",
}


def check_options(kind: str, options: Mapping[str, Any]) -> list[OptionProblem]:
    """What the app hands to the settings."""
    return list(load_kind(kind).check(options))


def write_config(folder: Path, files: Mapping[str, str | bytes] | None = None) -> Path:
    """Write the small config with some files replaced; the folder."""
    config = folder / "config"
    config.mkdir(exist_ok=True)
    for name, content in {**SMALL, **(files or {})}.items():
        (config / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return config


def load(config: Path) -> Config:
    """Read it as the app does."""
    return load_config(config, check_options, KINDS)
