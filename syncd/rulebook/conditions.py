"""`when:` of a rule, from YAML to values (DESIGN §4), with a problem for everything that is off."""

import re
from collections.abc import Collection
from typing import Any, get_args

from syncd.core.cel import CelError, Expression
from syncd.core.cel_words import COSTLY_HINT, MAX_LENGTH
from syncd.core.fold import fold, fold_label
from syncd.core.model import (
    CUSTOM,
    AllOf,
    AnyOf,
    Category,
    Cel,
    Condition,
    FieldName,
    Form,
    Has,
    NoneOf,
    Of,
    Pattern,
    Relation,
)
from syncd.core.patterns import CostlyPatternError, PatternError, checked_rate, compile_pattern
from syncd.files.problems import visible
from syncd.files.shapes import kind_of, quoted_hint, suggestion
from syncd.files.yamlfile import Node, Source

FIELDS: tuple[FieldName, ...] = get_args(FieldName)
RELATIONS: tuple[Relation, ...] = get_args(Relation)
JOINS = ("any", "all", "not")
CEL = "cel"

MAX_PATTERN = 1000
MAX_NAME = 255
"""Characters of a custom field's name; Jira allows no longer ones."""
_KNOWN = (*FIELDS, *RELATIONS, *JOINS, CEL)
_CATEGORIES = tuple(c.value for c in Category)


def custom_name(key: str) -> str | None:
    """The display name in `field.<name>`; None where the key is none of a custom field."""
    name = key.removeprefix(CUSTOM).strip() if key.startswith(CUSTOM) else ""
    return name if 0 < len(name) <= MAX_NAME and fold(name) else None


def category_complaint(text: str) -> tuple[str, str] | None:
    """(message, hint) if that is no status category."""
    if text in _CATEGORIES:
        return None
    written = text.casefold().replace(" ", "_").replace("-", "_")
    return f"`{visible(text)}` is not a status category", suggestion(written, _CATEGORIES, "write one of")


class Complaints:
    """What readers of a file have in common: one complaint about a place is enough."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def _note(self, node: Node, message: str, hint: str) -> None:
        place = node.named_at if node.value is None else (node.line, node.column)
        if not self._source.complained(place):  # an alias, say
            self._source.add_at(place, message, hint)

    def _not_text(self, name: str, node: Node) -> None:
        what, named = kind_of(node.plain()), f"`{visible(node.raw)}`" if node.raw else "this"
        message = f"`{visible(name)}` takes a text, and {named} is {what}"
        self._note(node, message, quoted_hint(node.value, node.raw))


class ConditionReader(Complaints):
    """Reads conditions of one file. Each method notes its problems in the source and answers None where there are."""

    def __init__(self, source: Source, trackers: Collection[str] | None) -> None:
        """`trackers`: the ids in syncd.yaml; None when they are not known, so that they cannot be checked."""
        super().__init__(source)
        self._trackers = trackers

    def condition(self, node: Node) -> Condition | None:
        """A mapping: every key of it must hold."""
        if not isinstance(node.value, dict):
            what = kind_of(node.plain())
            self._note(node, f"conditions are keys with values, and this is {what}", "write `label: [sre, oncall]`")
            return None
        if not node.value and not node.spoiled:
            self._note(node, "`{}` would hold for every issue", "write at least one condition, such as `label: sre`")
            return None
        read = [self._entry(key, below) for key, below in node.value.items()]
        conditions = tuple(c for c in read if c is not None)
        if len(conditions) < len(read) or node.spoiled:
            return None
        return conditions[0] if len(conditions) == 1 else AllOf(conditions)

    def _entry(self, key: str, node: Node) -> Condition | None:
        if key in JOINS:
            return self._joined(key, node)
        for relation in RELATIONS:
            if key == relation:
                return self._of(relation, node)
        if key == CEL:
            return self._cel(node)
        if key in FIELDS or custom_name(key):
            patterns = self._patterns(key, node)
            return None if patterns is None else Has(key, patterns)
        self._unknown(key, node)
        return None

    def _cel(self, node: Node) -> Condition | None:
        if isinstance(node.value, list):
            self._note(
                node, "`cel` takes one expression, not a list", "join them by && or ||, or write all: [{cel: …}]"
            )
        elif not isinstance(node.value, str):
            self._not_text(CEL, node)
        else:
            try:
                return Cel(Expression(node.value).source)
            except CelError as wrong:
                self._note(node, f"cel: {visible(wrong.message, 160)}", visible(wrong.hint, 160))
        return None

    def _joined(self, key: str, node: Node) -> Condition | None:
        if key == "not" and not isinstance(node.value, list):
            one = self.condition(node)
            return None if one is None else NoneOf((one,))
        conditions = self._list(key, node)
        if conditions is None:
            return None
        joins: dict[str, type[AnyOf | AllOf | NoneOf]] = {"any": AnyOf, "all": AllOf, "not": NoneOf}
        return joins[key](conditions)

    def _list(self, key: str, node: Node) -> tuple[Condition, ...] | None:
        if not isinstance(node.value, list) or not node.value:
            what = "empty" if not node.value else kind_of(node.plain())
            self._note(node, f"`{key}` takes a list of conditions, and this is {what}", f"{key}: [{{label: sre}}]")
            return None
        read = [self.condition(below) for below in node.value]
        conditions = tuple(c for c in read if c is not None)
        return conditions if len(conditions) == len(read) else None

    def _of(self, relation: Relation, node: Node) -> Condition | None:
        if not isinstance(node.value, dict):
            shown = visible(node.raw) if node.raw else "platform"
            self._note(
                node, f"`{relation}` holds conditions, not {kind_of(node.plain())}", f"{relation}: {{label: {shown}}}"
            )
            return None
        condition = self.condition(node)
        return None if condition is None else Of(relation, condition)

    def _unknown(self, key: str, node: Node) -> None:
        hint = suggestion(key, _KNOWN, "the conditions are")
        if key.casefold().startswith("field"):
            hint = "write `field.` and the field's name as people see it, such as `field.Squad: Core`"
        self._source.add_at(node.named_at, f"`{visible(key)}` is not a condition", hint)

    # patterns

    def _patterns(self, name: str, node: Node) -> tuple[Pattern, ...] | None:
        if isinstance(node.value, list):
            if not node.value:
                self._note(node, f"`{name}` is an empty list, so nothing fits it", "write at least one text")
                return None
            read = [self._pattern(name, below) for below in node.value]
        else:
            read = [self._pattern(name, node)]
        patterns = tuple(p for p in read if p is not None)
        return patterns if len(patterns) == len(read) else None

    def _pattern(self, name: str, node: Node) -> Pattern | None:
        text = node.value
        if not isinstance(text, str):
            self._not_text(name, node)
            return None
        pattern = _formed(text)
        complaint = _form_complaint(name, pattern) or self._value_complaint(name, pattern)
        if complaint:
            self._note(node, *complaint)
            return None
        return pattern

    def _value_complaint(self, name: str, pattern: Pattern) -> tuple[str, str] | None:
        """What is wrong with the value of a field that has few possible ones."""
        shown = visible(str(pattern))
        if name == "status_category":
            return category_complaint(str(pattern))
        if name == "tracker" and self._trackers is not None and not any(_fits(pattern, t) for t in self._trackers):
            return f"no tracker in syncd.yaml is called `{shown}`", suggestion(shown, self._trackers, "there are")
        return None


def _formed(text: str) -> Pattern:
    if text.startswith("re:"):
        return Pattern(Form.REGEX, text[3:])
    return Pattern(Form.GLOB if "*" in text else Form.TEXT, text)


def _form_complaint(name: str, pattern: Pattern) -> tuple[str, str] | None:
    """(message, hint) if no value could be compared with that pattern."""
    text = pattern.text
    if len(text) > MAX_PATTERN:
        return f"this pattern is longer than {MAX_PATTERN} characters", "write several shorter ones as a list"
    if found := re.search("[\x00-\x08\x0b-\x1f\x7f]", text):
        code = f"U+{ord(found.group()):04X}"
        message = f'this holds the character {code}: in "double quotes" a `\\b` is a backspace'
        return message, "write it in 'single quotes', where \\ is just a \\"
    if not (fold_label(text) if name == "label" and pattern.form is not Form.REGEX else fold(text)):
        return "nothing is left of this text to compare with", "write a text"
    return _refused(text) if pattern.form is Form.REGEX else None


def _refused(expression: str) -> tuple[str, str] | None:
    try:
        checked_rate(expression)
    except CostlyPatternError as costly:
        return f"`re:{visible(expression)}`: {costly}", COSTLY_HINT
    except PatternError as error:
        message = f"RE2 refuses `re:{visible(expression)}`: {visible(str(error), 120)}"
        return message, _refusal_hint(expression)
    return None


def _refusal_hint(expression: str) -> str:
    if re.search(r"\(\?<?[=!]", expression):
        return "RE2 cannot look ahead or behind: write two conditions, or one under `not:`"
    if re.search(r"\\[1-9]", expression):
        return "RE2 cannot refer back to a group: write out what may stand there"
    return "write an expression that RE2 knows (https://github.com/google/re2/wiki/Syntax)"


def _fits(pattern: Pattern, value: str) -> bool:
    if pattern.form is Form.TEXT:
        return fold(pattern.text) == value
    expression = pattern.text
    if pattern.form is Form.GLOB:
        expression = r"\A" + ".*".join(re.escape(part) for part in fold(pattern.text).split("*")) + r"\z"
    return compile_pattern(expression).search(value) is not None


# --- for editors ------------------------------------------------------------------------------------------

_TEXTS: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "minLength": 1, "maxLength": MAX_PATTERN + 3},
        {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1, "maxLength": MAX_PATTERN + 3}},
    ]
}


def condition_schema(reference: str) -> dict[str, Any]:
    """The JSON Schema of a condition, which names itself by `reference`."""
    itself = {"$ref": reference}
    several = {"type": "array", "minItems": 1, "items": itself}
    category = {"enum": list(_CATEGORIES)}
    return {
        "title": "Condition",
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": {
            **dict.fromkeys(FIELDS, _TEXTS),
            "status_category": {"anyOf": [category, {"type": "array", "minItems": 1, "items": category}]},
            **dict.fromkeys(RELATIONS, itself),
            CEL: {"type": "string", "minLength": 1, "maxLength": MAX_LENGTH},
            "any": several,
            "all": several,
            "not": {"anyOf": [itself, several]},
        },
        "patternProperties": {"^field\\..": _TEXTS},
    }
