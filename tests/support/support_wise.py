"""A config folder that nobody has anything to say about on `TODAY`, and what is said of an edit of it."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from support_config import check_options, write_config

from connectors import KINDS
from syncd.config import load_config
from syncd.core.errors import Problem

TODAY = date(2026, 11, 22)
T, R = "strategy.yaml", "rules.yaml"

WISE = {
    T: """\
intent: We are the payments platform banks trust.
outcomes:
  - id: reliability
    title: Payments never go down
    owner: maria@acme.example
    metric: {name: availability, unit: "%", baseline: 99.9, target: 99.99}
    due: 2027-06-30
    review: {every: 90d, next: 2027-01-31}
    allocation: 40%
    objectives:
      - id: failover
        title: Any region can fail
        metric: {name: lost payments, baseline: 120, target: 0}
        due: 2027-03-31
  - id: onboarding
    title: A new bank goes live in four weeks
    owner: Jonas Berg
    metric: {name: days to go-live, baseline: 74, target: 28}
    due: 2027-06-30
    review: {next: 2027-01-31}
    allocation: 25%
  - id: fraud
    title: Fraud losses halve
    owner: amara@acme.example
    metric: {name: fraud losses, baseline: 6.2, target: 3.1}
    due: 2027-06-30
    review: {every: 90d, next: 2027-01-31}
    allocation: 15%
overhead:
  - id: chores
    title: Upgrades and chores
    owner: maria@acme.example
    budget: 20%
focus: {outcome: reliability, until: 2027-03-31}
""",
    R: """\
rules:
  - id: by-label
    outcome: reliability
    when: {label: [sre, oncall]}
  - id: by-epic
    outcome: reliability/failover
    when: {epic: {label: failover}}
  - id: kyc
    outcome: onboarding
    when: {label: kyc}
  - id: fraud-label
    outcome: fraud
    when: {label: fraud}
  - id: chore
    overhead: chores
    when: {label: chore}
""",
}


def advice(folder: Path, files: Mapping[str, str] | None = None, today: date = TODAY) -> list[Problem]:
    """What is said of the wise folder with some files replaced. An error fails the test."""
    config = write_config(folder, {**WISE, **(files or {})})
    return list(load_config(config, check_options, KINDS, today).advice)
