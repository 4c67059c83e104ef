"""What is written into the store as JSON comes out equal, and nothing that a value holds is forgotten."""

import dataclasses
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.core.model import (
    Action,
    Applied,
    Candidate,
    Conflict,
    Decision,
    Evidence,
    Exempt,
    Finding,
    Issue,
    IssueRef,
    Mapped,
    Override,
    Plan,
    Refusal,
    ToExempt,
    ToOutcome,
    ToOverhead,
    Unmapped,
)
from syncd.store import codec

REF = IssueRef("acme-jira", "1")
TEXTS = st.text(st.characters(), max_size=8)  # halves of surrogate pairs included: trackers do send them
INSTANTS = st.datetimes(
    min_value=datetime(1970, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001 - as above
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-9.5))]),
)

OF_REF = (Issue, Decision, Override, Applied)
"""Values whose ref stands in the row's own columns."""

Pair = tuple[type, Callable[[Any], Any], Callable[[Any], Any]]
PAIRS: list[Pair] = [
    (Issue, codec.issue_tree, lambda tree: codec.issue_value(REF, tree)),
    (Decision, codec.decision_tree, lambda tree: codec.decision_value(REF, tree)),
    (Evidence, codec.evidence_tree, codec.evidence_value),
    (Override, codec.override_tree, lambda tree: codec.override_value(REF, tree)),
    (Applied, codec.applied_tree, lambda tree: codec.applied_value(REF, tree)),
    (Action, codec.action_tree, codec.action_value),
    (Plan, codec.plan_tree, codec.plan_value),
    (Refusal, codec.refusal_tree, codec.refusal_value),
    (Finding, codec.finding_tree, codec.finding_value),
    *((kind, codec.verdict_tree, codec.verdict_value) for kind in (Mapped, Conflict, Unmapped, Exempt)),
    *((kind, codec.target_tree, codec.target_value) for kind in (ToOutcome, ToOverhead, ToExempt)),
]


SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXTS,
    datetime: INSTANTS,
    int: st.integers(-(2**31), 2**31),
    float: st.floats(allow_nan=False, allow_infinity=False),
}


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of that type. Every field of a record is filled, so a new one is filled, too."""
    if isinstance(kind, type) and names_of(kind):
        return st.builds(kind, **fields_of(kind))
    if typing.get_args(kind):
        return composed(typing.get_origin(kind), typing.get_args(kind))
    return SIMPLE[kind] if kind in SIMPLE else st.from_type(kind)


def names_of(kind: type) -> tuple[str, ...]:
    """The fields of a dataclass or a named tuple; none of anything else."""
    if dataclasses.is_dataclass(kind):
        return tuple(field.name for field in dataclasses.fields(kind))
    return tuple(getattr(kind, "_fields", ()))


def changed(one: Any, **changes: Any) -> Any:
    return one._replace(**changes) if hasattr(one, "_replace") else dataclasses.replace(one, **changes)


def fields_of(kind: type) -> dict[str, st.SearchStrategy[Any]]:
    hints = typing.get_type_hints(kind)
    fields = {name: values(hints[name]) for name in names_of(kind)}
    return fields | ({"ref": st.just(REF)} if "ref" in fields and kind in OF_REF else {})


def composed(origin: Any, arguments: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    made: dict[Any, Callable[[], st.SearchStrategy[Any]]] = {
        tuple: lambda: (
            st.lists(values(arguments[0]), max_size=2).map(tuple)
            if arguments[-1] is Ellipsis
            else st.tuples(*map(values, arguments))
        ),
        frozenset: lambda: st.frozensets(values(arguments[0]), max_size=2),
        Mapping: lambda: st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=2),
        typing.Literal: lambda: st.sampled_from(arguments),
    }
    return made.get(origin, lambda: st.one_of(*map(values, arguments)))()  # anything else is a union


@pytest.mark.parametrize(("kind", "tree", "value"), PAIRS, ids=[pair[0].__name__ for pair in PAIRS])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_every_value_comes_back_equal(kind: Any, tree: Any, value: Any, data: st.DataObject) -> None:
    given_value = data.draw(values(kind))
    text = codec.dumps(tree(given_value))
    assert value(codec.loads(text)) == given_value
    assert codec.dumps(tree(value(codec.loads(text)))) == text
    text.encode()  # any text that a database may hold
    assert "\0" not in text


@pytest.mark.parametrize(("kind", "tree", "value"), PAIRS, ids=[pair[0].__name__ for pair in PAIRS])
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_two_values_that_differ_in_one_field_are_written_differently(
    kind: Any, tree: Any, value: Any, data: st.DataObject
) -> None:
    one = data.draw(values(kind))
    hints = typing.get_type_hints(kind)
    for name in names_of(kind):
        if name == "ref" and kind in OF_REF:
            continue
        other = changed(one, **{name: data.draw(values(hints[name]))})
        if getattr(other, name) != getattr(one, name):
            assert codec.dumps(tree(one)) != codec.dumps(tree(other)), name


def test_a_field_that_nobody_wrote_a_codec_for_is_noticed() -> None:
    grown: Any = Grown("r", "PAY-1", ("x",), "Sprint 9")
    assert Grown._fields[:-1] == Evidence._fields
    assert codec.evidence_value(codec.loads(codec.dumps(codec.evidence_tree(grown)))) != grown


class Grown(NamedTuple):
    """`Evidence` with one field more, as a later version may have."""

    source: str
    key: str
    texts: tuple[str, ...]
    sprint: str


def test_what_has_its_default_takes_no_room() -> None:
    decision = Decision(REF, Mapped("growth"))
    assert codec.dumps(codec.decision_tree(decision)) == '{"verdict":{"mapped":["growth",null]}}'


def test_a_conflict_keeps_all_that_spoke_in_its_order() -> None:
    seen = Evidence("r1", "PAY-1", ('label "SRE" matches "sre"', "and more"))
    conflict = Conflict((Candidate(ToOutcome("b", "x"), (seen, seen)), Candidate(ToOverhead("a"), ())))
    assert codec.verdict_value(codec.loads(codec.dumps(codec.verdict_tree(conflict)))) == conflict


def test_equal_instants_of_different_zones_are_written_alike_and_naive_ones_refused() -> None:
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert codec.instant_text(at) == "2026-03-01 12:00:00.000000+00:00"
    assert codec.instant_text(at.astimezone(timezone(timedelta(hours=13)))) == codec.instant_text(at)
    with pytest.raises(ValueError, match="naive"):
        codec.instant_text(datetime(2026, 3, 1))  # noqa: DTZ001 - refused is the point
