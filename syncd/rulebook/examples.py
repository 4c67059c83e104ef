"""`examples:` of a rule are its tests: issues in the keys of `when`, held against the rule alone (DESIGN §4).

What an example does not name is empty (`status_category`: todo), also custom fields and sprints. Dates, priorities and
other rules do not matter. An example that comes out otherwise than it says is an error at its place.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Final, Literal

from syncd.core.asking import named_fields
from syncd.core.examine import Result, examine
from syncd.core.fold import field_key
from syncd.core.model import Category, Issue, IssueRef, Lineage, Rule, Rulebook, Strategy, ToExempt, Window
from syncd.files.problems import visible
from syncd.files.shapes import suggestion
from syncd.files.yamlfile import Node, Source
from syncd.rulebook.conditions import FIELDS, RELATIONS, Complaints, category_complaint, custom_name

ONE_VALUE: Final = ("title", "type", "status", "status_category", "priority", "project", "tracker", "key")
"""Of these an issue has one."""
LEVELS: Final = {"parent": 0, "epic": 1, "initiative": 2, "ancestor": 0}
MOST_TEXTS: Final = 3

Expect = Literal["match", "no match"]
Told = Mapping[str, "tuple[str, ...] | Told"]
"""Key → values, or the ancestor in that relation."""


@dataclass(frozen=True, slots=True)
class Example:
    """One example as it was written."""

    told: Told
    expect: Expect
    place: tuple[int, int]


class ExampleReader(Complaints):
    """Reads the examples of one file. What is off is noted in the source."""

    def example(self, node: Node) -> Example | None:
        """An issue in the keys of `when`, and what is expected of the rule."""
        if not isinstance(node.value, dict) or not node.value:
            self._note(node, "an example is an issue in few words", "write {label: [SRE], expect: match}")
            return None
        expect = self._expect(node)
        told = self._issue({key: below for key, below in node.value.items() if key != "expect"})
        if expect is None or told is None or node.spoiled:
            return None
        return Example(told, expect, (node.line, node.column))

    def _expect(self, node: Node) -> Expect | None:
        expect = node.value.get("expect") if isinstance(node.value, dict) else None
        if expect is None:
            self._source.add_at((node.line, node.column), "`expect` is missing", "add `expect: match` or `no match`")
            return None
        if expect.value == "match":
            return "match"
        if expect.value == "no match":
            return "no match"
        named = visible(expect.raw) or "this"
        self._note(expect, f"`{named}` is not an expectation", "write `expect: match` or `expect: no match`")
        return None

    def _issue(self, fields: Mapping[str, Node]) -> Told | None:
        read = {key: self._one(key, node) for key, node in fields.items()}
        told = {key: value for key, value in read.items() if value is not None}
        return told if len(told) == len(read) else None

    def _one(self, key: str, node: Node) -> "tuple[str, ...] | Told | None":
        if key in RELATIONS:
            if isinstance(node.value, dict):
                return self._issue(node.value)
            self._note(node, f"`{key}` in an example is an issue", f"{key}: {{label: platform}}")
            return None
        if key in FIELDS or custom_name(key):
            return self._values(key, node)
        hint = suggestion(key, (*FIELDS, *RELATIONS, "expect"), "the keys are")
        hint = "an example is an issue: give it the values that the expression looks at" if key == "cel" else hint
        self._source.add_at(node.named_at, f"`{visible(key)}` is not a key of an example", hint)
        return None

    def _values(self, key: str, node: Node) -> tuple[str, ...] | None:
        nodes = node.value if isinstance(node.value, list) else [node]
        if key in ONE_VALUE and len(nodes) > 1:
            self._note(nodes[1], f"an issue has one {key}", "make two examples of it")
            return None
        texts = []
        for one in nodes:
            if not isinstance(one.value, str):
                self._not_text(key, one)
            elif key == "status_category" and (wrong := category_complaint(one.value)):
                self._note(one, *wrong)
            else:
                texts.append(one.value)
        return tuple(texts) if len(texts) == len(nodes) else None


# --- running ----------------------------------------------------------------------------------------------


def run(rule: Rule, examples: Sequence[Example], source: Source) -> None:
    """Note each example that comes out otherwise than it says, with what held or did not."""
    alone = replace(rule, target=ToExempt(""), window=Window(), default=False)
    rulebook = Rulebook(version="", strategy=Strategy(intent=""), rules=(alone,))
    asked = frozenset(field_key(name) for name in named_fields(rule))
    for example in examples:
        issue, lineage = _world(example.told, asked)
        (found,) = examine(rulebook, date.min, issue, lineage)
        matched = found.result is Result.MATCHED
        if matched is not (example.expect == "match"):
            shown = [visible(text, 200) for text in found.texts[:MOST_TEXTS]]
            more = [f"{len(found.texts) - MOST_TEXTS} more"] if len(found.texts) > MOST_TEXTS else []
            why = "; ".join(shown + more) or "nothing of it holds"
            verb = "matches" if matched else "does not match"
            message = f"`{rule.id}` {verb} this example: {why}"
            hint = f"correct the rule, or write `expect: {'match' if matched else 'no match'}`"
            source.add_at(example.place, message, hint)


def _world(told: Told, asked: frozenset[str]) -> tuple[Issue, Lineage]:
    ancestors = [
        _issue(one, asked, level, f"{relation.upper()}-{number}")
        for number, (relation, level, one) in enumerate(_above(told), 1)
    ]
    return _issue(told, asked, 0, "EXAMPLE-1"), Lineage(tuple((ancestor,) for ancestor in ancestors))


def _above(told: Told) -> Iterator[tuple[str, int, Told]]:
    """Ancestors, nearest first: the parent with all that is above it, then the epic, and so on."""
    for relation, level in LEVELS.items():
        one = told.get(relation)
        if isinstance(one, Mapping):
            yield relation, level, one
            yield from _above(one)


_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)


def _issue(told: Told, asked: frozenset[str], level: int, name: str) -> Issue:
    def values(key: str) -> tuple[str, ...]:
        found = told.get(key, ())
        return () if isinstance(found, Mapping) else found

    def one(key: str, otherwise: str = "") -> str:
        return next(iter(values(key)), otherwise)

    extra = {field_key(key): values(key) for key in told if custom_name(key) and values(key)}
    return Issue(
        ref=IssueRef(one("tracker"), name),
        key=one("key", name),
        title=one("title"),
        type=one("type"),
        level=level,
        status=one("status"),
        category=Category(one("status_category", "todo")),
        priority=one("priority") or None,
        project=one("project"),
        project_name=one("project"),
        components=values("component"),
        fix_versions=values("fix_version"),
        labels=values("label"),
        team=values("team"),
        sprints=values("sprint"),
        extra=tuple(sorted(extra.items())),
        asked=asked | frozenset(extra) | {"sprint"},
        created=_LONG_AGO,
        updated=_LONG_AGO,
        url="",
    )


# --- for editors ------------------------------------------------------------------------------------------


def example_schema() -> dict[str, Any]:
    """The JSON Schema of an entry of `examples:`."""
    text = {"type": "string"}
    several = {"anyOf": [text, {"type": "array", "items": text}]}
    fields: dict[str, Any] = {name: text if name in ONE_VALUE else several for name in FIELDS}
    fields |= {"status_category": {"enum": [c.value for c in Category]}}
    fields |= {relation: {"type": "object"} for relation in RELATIONS}
    fields |= {"expect": {"enum": ["match", "no match"]}}
    return {
        "title": "Example",
        "type": "object",
        "required": ["expect"],
        "additionalProperties": False,
        "properties": fields,
        "patternProperties": {"^field\\..": several},
    }
