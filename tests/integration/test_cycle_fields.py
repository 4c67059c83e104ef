"""Custom fields and sprints are asked for only while rules name them; naming one more reads the tracker again, once."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support_stage import RULES, Stage, staged

from connectors.sandbox import Fault
from syncd.core.model import Origin

SQUAD = """\
  - id: core
    outcome: cost
    when: {field.Squad: Core}
"""
NOT_SQUAD = """\
  - id: others
    outcome: cost
    when: {label: work, not: {field.Squad: Core}}
"""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        stage.site.registry.add_field("Squad")
        yield stage


def of_squad(stage: Stage, *squads: str | None) -> list[str]:
    """Issues of those squads, labelled `work`."""
    keys = [stage.create(labels=["work"]) for _ in squads]
    for key, squad in zip(keys, squads, strict=True):
        if squad is not None:
            stage.edit(key, custom={squad_id(stage): {"value": squad, "id": "10300"}})
    return keys


def squad_id(stage: Stage) -> str:
    return stage.site.registry.fields[0][0]


def asked(bodies: list[Any]) -> set[str]:
    """The fields that searches asked for."""
    return {name for body in bodies for name in json.loads(body.request_body)["fields"]}


def test_a_field_is_asked_for_only_while_a_rule_names_it(stage: Stage) -> None:
    of_squad(stage, "Core")
    with stage.watched() as traffic:
        stage.once()
    assert squad_id(stage) not in asked(traffic.of("POST", "search/jql"))
    stage.write(rules=RULES + SQUAD)
    with stage.watched() as traffic:
        stage.later(minutes=1)
    assert squad_id(stage) in asked(traffic.of("POST", "search/jql"))


def test_an_edit_that_names_a_field_reads_everything_again_once_and_writes_only_what_changes(stage: Stage) -> None:
    core, edge, none, sre = (*of_squad(stage, "Core", "Edge", None), stage.create(labels=["sre"]))
    assert stage.once().observed == 4
    stage.later(days=3)  # beyond the overlap
    stage.write(rules=RULES + SQUAD)
    with stage.watched() as traffic:
        result = stage.later(minutes=1)
    assert (result.observed, result.planned, result.applied) == (4, 1, 1)
    assert result.requests == len(traffic.seen), "the re-read is counted"
    assert [stage.marks(key) for key in (core, edge, none, sre)] == [
        ["outcome/cost"], ["alignment/unmapped"], ["alignment/unmapped"], ["outcome/reliability"]
    ]  # fmt: skip
    assert stage.known(core).issue.values_of("field.squad") == ("Core",)
    stage.later(days=3)
    assert stage.quiet().observed == 0


def test_what_a_reread_brings_counts_as_an_edit_of_the_rules(stage: Stage) -> None:
    (core,) = of_squad(stage, "Core")
    stage.once()
    stage.write(rules=RULES + SQUAD)
    stage.later(minutes=1)
    standing = stage.known(core).standing
    assert standing is not None
    assert standing.origin is Origin.RULEBOOK


def test_until_an_issue_was_read_again_neither_a_condition_nor_its_negation_holds(stage: Stage) -> None:
    core, edge = of_squad(stage, "Core", "Edge")
    stage.once()
    stage.write(rules=RULES + NOT_SQUAD)
    stage.site.faults.add(Fault("status", 503, match="* /rest/api/3/search/jql", times=None))
    stage.later(minutes=1)
    assert stage.decided(core) == stage.decided(edge) == ("unmapped", None), "edge is of no other squad yet: unknown"
    stage.site.faults.clear()
    stage.later(minutes=1)
    assert (stage.decided(core), stage.decided(edge)) == (("unmapped", None), ("mapped", "cost"))
    standing = stage.known(edge).standing
    assert standing is not None
    assert standing.origin is Origin.RULEBOOK, "it comes of the edit, one cycle late"


def test_rules_that_name_no_field_any_more_read_nothing_again(stage: Stage) -> None:
    (core,) = of_squad(stage, "Core")
    stage.write(rules=RULES + SQUAD)
    stage.once()
    stage.later(days=3)
    stage.write(rules=RULES)
    result = stage.later(minutes=1)
    assert result.observed == 0
    assert stage.decided(core) == ("unmapped", None)
    stage.write(rules=RULES + SQUAD)
    assert stage.later(minutes=1).observed == 1, "what changed meanwhile was read without it"
    assert stage.decided(core) == ("mapped", "cost")


def test_a_changed_value_is_a_change_of_the_issue(stage: Stage) -> None:
    (key,) = of_squad(stage, "Edge")
    stage.write(rules=RULES + SQUAD)
    stage.once()
    stage.edit(key, custom={squad_id(stage): {"value": "Core"}})
    stage.later(minutes=1)
    standing = stage.known(key).standing
    assert standing is not None
    assert (standing.decision.pair, standing.origin) == (("mapped", "cost"), Origin.ISSUE)


def test_two_fields_of_one_name_count_together(stage: Stage) -> None:
    other = stage.site.registry.add_field("squad ")
    (one, two) = of_squad(stage, "Edge", "Edge")
    stage.edit(two, custom={other: [{"value": "Core"}, {"value": "Platform"}]})
    stage.write(rules=RULES + SQUAD)
    stage.once()
    assert stage.known(two).issue.values_of("field.squad") == ("Edge", "Core", "Platform")
    assert (stage.decided(one), stage.decided(two)) == (("unmapped", None), ("mapped", "cost"))


def test_a_field_that_the_tracker_does_not_have_is_a_finding_that_says_what_may_be_meant(stage: Stage) -> None:
    (key,) = of_squad(stage, "Core")
    wrong = SQUAD.replace("field.Squad: Core", "field.Sqad: Core") + NOT_SQUAD.replace("Squad", "Squadron")
    stage.write(rules=RULES + wrong)
    stage.once()
    found = stage.findings("unknown-field")
    assert len(found) == 2
    assert "`field.Sqad`" in found[0] + found[1]
    assert "Did you mean `field.Squad`?" in found[0]
    assert stage.decided(key) == ("unmapped", None), "unknown, and so is its negation"
    stage.write(rules=RULES + SQUAD)
    stage.later(minutes=1)
    assert stage.findings("unknown-field") == []
    assert stage.decided(key) == ("mapped", "cost")


def test_a_built_in_field_is_no_custom_one_and_the_finding_names_its_condition(stage: Stage) -> None:
    stage.write(rules=RULES + SQUAD.replace("field.Squad", "field.Status"))
    stage.once()
    assert "Did you mean `status`?" in stage.findings("unknown-field")[0]


def test_a_field_that_appears_later_is_read_then(stage: Stage) -> None:
    key = stage.create(labels=["work"])
    stage.write(rules=RULES + SQUAD.replace("Squad", "Tribe"))
    stage.once()
    stage.later(days=3)
    tribe = stage.site.registry.add_field("Tribe")
    stage.site.person("tom").edit(key, custom={tribe: {"value": "Core"}})
    stage.later(minutes=1)
    assert stage.findings("unknown-field") == []
    assert stage.decided(key) == ("mapped", "cost")


def test_sprints_are_told_by_their_type_and_past_ones_count(stage: Stage) -> None:
    sprints = stage.site.registry.add_field("Sprint-Feld", "array", "gh-sprint")
    key = stage.create()
    told = [{"id": 1, "name": "Payments 7", "state": "closed"}, {"id": 2, "name": "Payments 8", "state": "active"}]
    stage.edit(key, custom={sprints: told})
    stage.write(rules=RULES + SQUAD.replace("field.Squad: Core", 'sprint: "payments 7"'))
    stage.once()
    assert stage.known(key).issue.sprints == ("Payments 7", "Payments 8")
    assert stage.decided(key) == ("mapped", "cost")


def test_an_epics_field_maps_its_children_and_its_change_is_read_from_the_store(stage: Stage) -> None:
    epic = stage.create(type="Epic")
    child = stage.create(parent=epic)
    stage.write(rules=RULES + SQUAD.replace("{field.Squad: Core}", "{epic: {field.Squad: Core}}"))
    stage.once()
    assert stage.decided(child) == ("unmapped", None)
    stage.edit(epic, custom={squad_id(stage): {"value": "Core"}})
    stage.later(minutes=1)
    assert stage.decided(child) == ("mapped", "cost")


def test_cel_that_fails_on_an_issue_is_unknown_there_and_a_finding(stage: Stage) -> None:
    good, bad = of_squad(stage, "8", "many")
    cel = SQUAD.replace("{field.Squad: Core}", "{cel: \"issue.field['Squad'].exists(p, double(p) >= 8)\"}")
    stage.write(rules=RULES + cel)
    stage.once()
    assert (stage.decided(good), stage.decided(bad)) == (("mapped", "cost"), ("unmapped", None))
    (found,) = stage.findings("cel")
    assert found.startswith(f"the CEL of rule core could not be computed on {bad}, where it counts as unknown: ")
    stage.edit(bad, custom={squad_id(stage): {"value": "9"}})
    stage.later(minutes=1)
    assert stage.decided(bad) == ("mapped", "cost")
    stage.write(rules=RULES)
    stage.later(minutes=1)
    assert stage.findings("cel") == []


def test_a_preview_says_that_it_cannot_tell_what_was_not_asked_for_yet(stage: Stage) -> None:
    core, other = of_squad(stage, "Core", None)
    stage.once()
    stage.write(rules=RULES + SQUAD)
    diff = stage.app.rules_diff()
    assert {(one.key, one.why) for one in diff.not_predictable} == {
        (key, "`field.Squad` was not asked for yet: the next cycle reads it first") for key in (core, other)
    }
    stage.later(minutes=1)
    stage.write(rules=RULES + SQUAD.replace("Core", "Edge"))
    diff = stage.app.rules_diff()
    assert diff.not_predictable == []
    assert [one.key for one in diff.moved] == [core]


def test_an_example_of_what_is_asked_needs_no_tracker(stage: Stage) -> None:
    rules = SQUAD + "    examples: [{field.Squad: core, expect: match}, {label: x, expect: no match}]\n"
    stage.write(rules=RULES + rules)
    with stage.watched() as traffic:
        assert [p for p in stage.app.check() if p.severity == "error"] == []
    assert traffic.seen == []
