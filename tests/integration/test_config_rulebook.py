"""What strategy.yaml and rules.yaml mean, and when two versions of them are the same."""

import time
from datetime import date, timedelta
from pathlib import Path

import pytest
from support_config import SMALL, load, write_config

from syncd.core.errors import ConfigError
from syncd.core.model import (
    AllOf,
    AnyOf,
    Focus,
    Form,
    Has,
    Metric,
    NoneOf,
    Of,
    Pattern,
    Review,
    Rulebook,
    ToExempt,
    ToOutcome,
    ToOverhead,
    Window,
)
from syncd.rulebook import load_rulebook

T, R = "strategy.yaml", "rules.yaml"


def _rulebook(folder: Path, **texts: str) -> Rulebook:
    return load(write_config(folder, {f"{name}.yaml": text for name, text in texts.items()})).rulebook


def _text(text: str) -> Pattern:
    return Pattern(Form.TEXT, text)


def test_a_strategy_is_read_whole(tmp_path: Path) -> None:
    text = """\
intent: One sentence.
outcomes:
  - id: reliability
    title: "42"
    owner: maria@acme.example
    metric: {name: availability, unit: "%", baseline: 99.90, target: 100}
    due: 2026-12-31
    review: {every: 90d, next: "2026-12-01"}
    allocation: 30%
    from: 2026-01-01
    until: 2026-12-31
    objectives: [{id: failover, title: B, owner: x, due: 2026-06-30, until: 2026-07-01}]
overhead: [{id: chores, title: Chores, owner: o, budget: 0.2}]
focus: {outcome: reliability, until: 2026-06-30}
"""
    strategy = _rulebook(tmp_path, strategy=text).strategy
    outcome = strategy.outcome("reliability")
    assert outcome is not None
    assert outcome.title == "42"
    assert outcome.metric == Metric("availability", "%", 99.9, 100.0)
    assert outcome.review == Review(timedelta(days=90), date(2026, 12, 1))
    assert (outcome.due, outcome.allocation) == (date(2026, 12, 31), 0.3)
    assert outcome.window == Window(date(2026, 1, 1), date(2026, 12, 31))
    assert outcome.objectives[0].window == Window(None, date(2026, 7, 1))
    assert strategy.overhead[0].budget == 0.2
    assert strategy.focus == Focus("reliability", date(2026, 6, 30))


def test_rules_are_read_whole(tmp_path: Path) -> None:
    text = """\
rules:
  - id: a
    outcome: reliability/failover
    when: {label: [sre, "incident-*"], type: Bug}
    match: exact
    priority: -3
    owner: maria@acme.example
    from: 2026-01-01
    examples: [{label: [sre], epic: {label: x}, expect: no match}]
  - {id: b, overhead: chores, default: true, when: {not: [{component: docs}, {key: "OPS-*"}]}}
  - id: c
    exempt: not ours
    when: {any: [{epic: {label: platform}}, {title: 're:(?i)\\bfailover\\b'}], not: {tracker: acme-jira}}
"""
    a, b, c = _rulebook(tmp_path, rules=text).rules
    assert a.target == ToOutcome("reliability", "failover")
    assert a.when == AllOf(
        (Has("label", (_text("sre"), Pattern(Form.GLOB, "incident-*"))), Has("type", (_text("Bug"),)))
    )
    assert (a.exact, a.priority, a.default, a.owner) == (True, -3, False, "maria@acme.example")
    assert a.window == Window(date(2026, 1, 1), None)
    assert a.where == f"{tmp_path}/config/rules.yaml:2"
    assert (b.target, b.default) == (ToOverhead("chores"), True)
    assert b.when == NoneOf((Has("component", (_text("docs"),)), Has("key", (Pattern(Form.GLOB, "OPS-*"),))))
    assert c.target == ToExempt("not ours")
    assert c.when == AllOf(
        (
            AnyOf(
                (
                    Of("epic", Has("label", (_text("platform"),))),
                    Has("title", (Pattern(Form.REGEX, r"(?i)\bfailover\b"),)),
                )
            ),
            NoneOf((Has("tracker", (_text("acme-jira"),)),)),
        )
    )


TWO = """\
rules:
  - {id: a, outcome: reliability, when: {label: [sre, oncall], type: Bug}}
  - {id: b, overhead: chores, when: {label: chore}, priority: 2}
"""
SAME = """\
# another comment
rules:

- when: {label: "chore"}
  overhead: chores
  priority: 2
  id: 'b'
- id: a
  when:
    type: [Bug]
    label: [oncall, sre]
  outcome: reliability
"""


def test_the_version_follows_the_meaning_and_not_the_spelling(tmp_path: Path) -> None:
    version = _rulebook(tmp_path, rules=TWO).version
    assert len(version) == 12
    assert int(version, 16) >= 0
    assert _rulebook(tmp_path, rules=SAME).version == version
    moved = {
        T: SMALL[T]
        .replace("    owner: maria@acme.example\n", "")
        .replace("    title: Payments", "    owner: maria@acme.example\n    title: Payments")
    }
    assert load(write_config(tmp_path, {R: TWO, **moved})).rulebook.version == version


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("priority: 2", "priority: 3"),
        ("[sre, oncall]", "[sre]"),
        ("type: Bug", "title: Bug"),
        ("label: chore", "label: 're:chore'"),
        ("label: chore", "not: {label: chore}"),
        ("label: chore", "epic: {label: chore}"),
        ("outcome: reliability", "outcome: reliability/failover"),
        ("outcome: reliability", "outcome: reliability, default: true"),
        ("outcome: reliability", "outcome: reliability, match: exact"),
        ("outcome: reliability", "outcome: reliability, until: 2026-12-31"),
        ("id: b", "id: c"),
    ],
)
def test_the_version_changes_with_the_meaning(tmp_path: Path, old: str, new: str) -> None:
    assert old in TWO
    assert _rulebook(tmp_path, rules=TWO).version != _rulebook(tmp_path, rules=TWO.replace(old, new, 1)).version


def test_rules_nested_as_deep_as_may_be_are_named_at_once_and_told_apart(tmp_path: Path) -> None:
    """Each level once doubled the work of naming them: at 45 levels that never ended."""

    def deep(label: str) -> str:
        return f"rules: [{{id: a, outcome: reliability, when: {'{not: ' * 45}{{label: {label}}}{'}' * 45}}}]\n"

    assert _rulebook(tmp_path, rules=deep("x")).version != _rulebook(tmp_path, rules=deep("y")).version


def test_the_version_is_the_same_on_every_machine(tmp_path: Path) -> None:
    assert _rulebook(tmp_path, rules=TWO).version == "3aed784be522"


def test_the_rulebook_alone_can_be_read_again(tmp_path: Path) -> None:
    folder = write_config(tmp_path)
    assert load_rulebook(folder, ["acme-jira"]) == load(folder).rulebook
    (folder / R).write_text("rules: [")
    with pytest.raises(ConfigError):
        load_rulebook(folder)


def test_two_thousand_rules_load_in_seconds(tmp_path: Path) -> None:
    rules = "".join(
        f'  - id: r{n}\n    outcome: reliability\n    when: {{label: [l{n}, "i{n}-*"], title: "re:(?i)foo{n}"}}\n'
        for n in range(2000)
    )
    folder = write_config(tmp_path, {R: f"rules:\n{rules}"})
    start = time.perf_counter()
    assert len(load_rulebook(folder).rules) == 2000
    assert time.perf_counter() - start < 20, "ten times what it takes on an idle machine"
