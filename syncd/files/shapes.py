"""The forms that values in config files take, and what is said when one is not kept.

The models of each file are pydantic's and live beside what they are turned into; here are their field types and the
one translation of pydantic's complaints into `Problem`s with a line, a column and what to write instead.
"""

import difflib
import re
import types
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic_core import ErrorDetails, PydanticCustomError

from syncd.files.problems import visible
from syncd.files.yamlfile import Node, Source, Where, Word

M = TypeVar("M", bound="Shape")


class Shape(BaseModel):
    """A mapping in a config file. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)

    @classmethod
    def keys(cls) -> list[str]:
        """The keys that belong in it."""
        return [f.alias or name for name, f in cls.model_fields.items()]

    @classmethod
    def all_keys(cls) -> set[str]:
        """The keys that belong in it or anywhere below."""
        below = (_shape_of(f.annotation) for f in cls.model_fields.values())
        return set(cls.keys()).union(*(shape.all_keys() for shape in below if shape))


def complaint(message: str, hint: str) -> PydanticCustomError:
    """What a validator raises: our words go through pydantic as they are."""
    # both are handed over as values, so that a brace in them is not taken for a placeholder
    return PydanticCustomError("syncd", "{message}", {"message": message, "hint": hint})


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that somebody who wrote this one probably meant."""
    by_folded = {k.casefold(): k for k in known}
    found = difflib.get_close_matches(word.casefold().replace("-", "_"), by_folded, 1, 0.6)
    found = found or difflib.get_close_matches(word.casefold(), by_folded, 1, 0.6)
    return by_folded[found[0]] if found else None


def suggestion(word: str, known: Iterable[str], those: str) -> str:
    """The hint for an unknown word: the one that was meant, else all there are."""
    known = list(known)
    if meant := closest(word, known):
        return f"did you mean `{meant}`?"
    listed = ", ".join(f"`{k}`" for k in known[:20]) + (", …" if len(known) > 20 else "")  # noqa: PLR2004 - a screen
    return f"{those}: {listed}" if known else f"{those}: there are none yet"


# --- field types ------------------------------------------------------------------------------------------

ID_PATTERN = "[a-z0-9][a-z0-9-]{0,62}"
MAX_TEXT = 1000


def quoted_hint(value: object, raw: str) -> str:
    """What to write where a text is wanted and something else stands."""
    if isinstance(value, (dict, list)):
        return "write one text"
    if value is None:
        return "write a text after the colon"
    return f'write it in quotes: "{visible(raw)}"'


def kind_of(value: object) -> str:
    """What YAML makes of a value, in words."""
    for kinds, name in (
        (bool, "true or false"),
        ((int, float), "a number"),
        (dict, "a mapping"),
        (list, "a list"),
        (str, "a text"),
    ):
        if isinstance(value, kinds):
            return name
    return value.kind if isinstance(value, Word) else "nothing"


def _text(value: object) -> object:
    if isinstance(value, str):
        if not value.strip():
            raise complaint("this text is empty", "write a text")
        if len(value) > MAX_TEXT:
            raise complaint(f"this text is longer than {MAX_TEXT} characters", "write a shorter one")
    return value


MAX_REASON = 200


def _reason(value: object) -> object:
    if not isinstance(value, str) or not value.strip():
        raise complaint("why it is accepted is missing", 'write a short reason: "tracked elsewhere"')
    if len(value) > MAX_REASON:
        raise complaint(f"this reason is longer than {MAX_REASON} characters", "write a shorter one")
    return value


def _id(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(ID_PATTERN, value):
        suggested = re.sub("[^a-z0-9]+", "-", value.casefold()).strip("-")[:63]
        fits = f": {suggested}" if re.fullmatch(ID_PATTERN, suggested) else ""
        message = f"`{visible(value)}` is not an id"
        raise complaint(message, f"write small letters, digits and dashes, at most 63{fits}")
    return value


def _day(value: object) -> object:
    text = value.text if isinstance(value, Word) else value
    if not isinstance(text, str) or (isinstance(value, Word) and value.kind != "a date"):
        raise complaint("a date is wanted here", "write it as 2026-12-31")
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise complaint(f"`{visible(text)}` is not a date", "write it as 2026-12-31")
        return date.fromisoformat(text)
    except ValueError as error:
        if isinstance(error, PydanticCustomError):
            raise
        raise complaint(f"there is no day `{text}`", "write a day that is in the calendar") from None


def day_of(value: object) -> date | None:
    """The day that a value of a tree means, or None if it means none."""
    try:
        day = _day(value)
    except PydanticCustomError:
        return None
    return day if isinstance(day, date) else None


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
DURATION_PATTERN = "[0-9]{1,6}[smhd]"


def _duration(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(DURATION_PATTERN, value):
        named = (
            f"`{visible(str(value))}` is not a duration" if isinstance(value, (str, int)) else "a duration is wanted"
        )
        example = f"{value}s" if isinstance(value, int) and not isinstance(value, bool) else "60s"
        raise complaint(named, f"write a whole number and a unit (s, m, h or d): {example}")
    return timedelta(**{_UNITS[value[-1]]: int(value[:-1])})


SHARE_PATTERN = r"[0-9]{1,3}(\.[0-9]+)?\s*%"


def _share(value: object) -> object:
    number: float | None = None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        number = float(value)
    elif isinstance(value, str) and re.fullmatch(SHARE_PATTERN, value):
        number = round(float(value.rstrip("% \t")) / 100, 9)
    if number is None or not 0 <= number <= 1:
        written = visible(value.text if isinstance(value, Word) else str(value))
        named = f"`{written}` is not a share" if not isinstance(value, (dict, list)) else "a share is wanted"
        fits = isinstance(value, (int, float)) and 1 < value <= 100  # noqa: PLR2004 - per cent
        raise complaint(named, f"write a percentage from 0% to 100%: {f'{value}%' if fits else '30%'}")
    return number


Text = Annotated[str, Field(strict=True), BeforeValidator(_text)]
Reason = Annotated[
    str,
    BeforeValidator(_reason),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_REASON}),
]
Id = Annotated[
    str, Field(strict=True), BeforeValidator(_id), WithJsonSchema({"type": "string", "pattern": f"^{ID_PATTERN}$"})
]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Duration = Annotated[
    timedelta, BeforeValidator(_duration), WithJsonSchema({"type": "string", "pattern": f"^{DURATION_PATTERN}$"})
]
Share = Annotated[
    float,
    BeforeValidator(_share),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "pattern": f"^{SHARE_PATTERN}$"}, {"type": "number", "minimum": 0, "maximum": 1}]}
    ),
]
Flag = Annotated[bool, Field(strict=True)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Whole = Annotated[int, Field(strict=True, ge=-(2**31), lt=2**31)]
Count = Annotated[int, Field(strict=True, ge=0, lt=2**31)]


# --- holding a file to its model --------------------------------------------------------------------------


def fit(model: type[M], source: Source) -> M | None:
    """The file as the model has it; None after noting every way in which it does not fit."""
    if source.root is None:
        return None
    if not isinstance(source.root.value, dict):
        source.add((), f"the file must hold keys and values, not {kind_of(source.root.plain())}", "write `key: value`")
        return None
    try:
        return model.model_validate(source.root.plain())
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=True)
        misspelt = {_meant(model, d["loc"]) for d in details if d["type"] == "extra_forbidden"}
        for detail in details:
            if detail["type"] != "missing" or detail["loc"] not in misspelt:
                _note(model, source, detail)
        return None


def _meant(model: type[Shape], where: Where) -> Where:
    """The place of the key that somebody meant who wrote the unknown one there."""
    return (*where[:-1], closest(str(where[-1]), keys_at(model, where[:-1])) or "")


def _note(model: type[Shape], source: Source, detail: ErrorDetails) -> None:
    where: Where = tuple(p for p in detail["loc"] if p != "[key]")
    node, found = source.find(where)
    if node is not None and found and detail["type"] not in ("missing", "extra_forbidden"):
        place = node.named_at if node.value is None else (node.line, node.column)
        if source.complained(place):  # an alias, say: one complaint is enough
            return
    if detail["type"] == "missing":
        key = where[-1]
        source.add(where, f"`{key}` is missing", f"`{key}: …` is required here")
    elif detail["type"] == "extra_forbidden":
        unknown_key(source, where, keys_at(model, where[:-1]))
    else:
        while not source.find(where)[1]:  # the shape gave a short form more levels than the file has
            where = where[:-1]
        wants_more = source.guarded and _WANTED.get(detail["type"], "").startswith(("a mapping", "a list"))
        message, hint = _words(detail, node, held_secret=is_secret(where) or wants_more)
        source.add(where, message, hint, at_key="[key]" in detail["loc"])


def unknown_key(source: Source, where: Where, known: Sequence[str], those: str = "the keys here are") -> None:
    """Note a key that nobody knows. In a file that may hold secrets it is named only if it resembles a known one."""
    node, _ = source.find(where)
    key = str(where[-1])
    named = f"`{visible(key)}`" if not source.guarded or closest(key, known) or not is_secret(where[:-1]) else "this"
    place = node.named_at if node else (1, 1)
    source.add_at(
        place, f"{named} is not a key that belongs here", suggestion(key, known, those), hide=source.guarded, path=where
    )


_SECRET_STEPS = ("auth", "token", "password", "secret", "webhook")


def is_secret(where: Where) -> bool:
    """Whether what stands there could be a secret, so that it must not be repeated."""
    return any(step in _SECRET_STEPS for step in where)


_WANTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a number",
    "bool_type": "`true` or `false`",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping (`key: value`)",
    "model_type": "a mapping (`key: value`)",
}


def _words(detail: ErrorDetails, node: Node | None, *, held_secret: bool) -> tuple[str, str]:
    """(message, hint) for one of pydantic's complaints."""
    kind, context, value = detail["type"], detail.get("ctx", {}), detail["input"]
    if kind == "syncd":
        return str(context["message"]), str(context["hint"])
    raw = "" if held_secret or node is None else node.raw
    named = f"`{visible(raw)}`" if raw else "this"
    if kind in ("literal_error", "enum"):
        choices = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        return f"{named} is not one of the values possible here", suggestion(raw, choices, "write one of")
    if kind == "string_type":
        what = kind_of(value)
        return f"a text is wanted here, and {named} is {what}", "write a text" if held_secret else quoted_hint(
            value, raw
        )
    if kind in _WANTED:
        empty = "; [] is an empty one" if value is None and _WANTED[kind] == "a list" else ""
        return f"{_WANTED[kind]} is wanted here, and {named} is {kind_of(value)}", f"write {_WANTED[kind]}{empty}"
    if kind == "too_short":
        return "this is empty", "write at least one entry"
    message = detail["msg"]
    return f"{named} cannot be used: {message[:1].lower()}{message[1:]}", "write another value"


def keys_at(model: type[Shape], where: Where) -> list[str]:
    """The keys that the model knows at that place."""
    form: Any = model
    for step in where:
        form = _form_of(form)
        if isinstance(form, type) and issubclass(form, BaseModel):
            fields = {f.alias or name: f.annotation for name, f in form.model_fields.items()}
            form = fields.get(str(step))
        else:  # a list's or a mapping's values
            arguments = get_args(form)
            form = arguments[-1] if arguments and arguments[-1] is not Ellipsis else arguments[0] if arguments else None
    form = _form_of(form)
    return form.keys() if isinstance(form, type) and issubclass(form, Shape) else []


def _shape_of(form: Any) -> type[Shape] | None:
    """The mapping that a field holds, be it in a list or under keys of the admin's choice."""
    form = _form_of(form)
    if get_origin(form) in (list, dict):
        return _shape_of(get_args(form)[-1])
    return form if isinstance(form, type) and issubclass(form, Shape) else None


def _form_of(form: Any) -> Any:
    """Without `Annotated` and `| None`; of several forms the mapping."""
    while get_origin(form) is Annotated:
        form = get_args(form)[0]
    if get_origin(form) in (Union, types.UnionType):
        options = [_form_of(a) for a in get_args(form)]
        models = [o for o in options if isinstance(o, type) and issubclass(o, BaseModel)]
        return models[0] if models else next(o for o in options if o is not type(None))
    return form


# --- looking at the tree, where one bad value is to hide no other problem ---


def items(source: Source, where: Where) -> Iterator[tuple[Where, Node]]:
    """The entries of the list there, with their places; none if there is no list."""
    node, found = source.find(where)
    if found and node is not None and isinstance(node.value, list):
        for number, item in enumerate(node.value):
            yield (*where, number), item


def value(node: Node, key: str) -> object:
    """What a mapping holds under a key; None if it is no mapping or has no such key."""
    below = node.value.get(key) if isinstance(node.value, dict) else None
    return None if below is None else below.value


def unique(source: Source, places: Iterable[tuple[Where, Node]]) -> None:
    """Note every entry whose id an earlier one has."""
    first: dict[str, int] = {}
    for where, node in places:
        name = value(node, "id")
        if not isinstance(name, str):
            continue
        if name in first:
            message = f"the id `{visible(name)}` is taken by the entry on line {first[name]}"
            source.add((*where, "id"), message, "give this one another id")
        else:
            first[name] = node.line


def check_dates(source: Source, where: Where, node: Node) -> None:
    """Note an `until` that is before its `from`."""
    first, last = (day_of(value(node, key)) for key in ("from", "until"))
    if first and last and first > last:
        message = f"`until` ({last}) is before `from` ({first})"
        source.add((*where, "until"), message, f"write a day from {first} on")
