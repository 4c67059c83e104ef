"""What the parts of a CEL expression are, how they may be joined, and what the worst issue makes them cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from typing import NoReturn

from syncd.core.cel_words import CelError


class Type(StrEnum):
    """What a part of an expression is, in words for people."""

    TEXT = "a text"
    LIST = "a list of texts"
    NUMBER = "a number"
    TRUTH = "true or false"


@dataclass(frozen=True, slots=True)
class Work:
    """An amount that grows with the lengths of texts: `fixed`, and so much for each character of a macro's variable."""

    fixed: float = 0.0
    by: Mapping[str, float] = field(default_factory=dict)

    def __add__(self, other: "Work | float") -> "Work":
        if not isinstance(other, Work):
            return Work(self.fixed + other, self.by)
        by = {name: self.by.get(name, 0.0) + other.by.get(name, 0.0) for name in {*self.by, *other.by}}
        return Work(self.fixed + other.fixed, by)

    def times(self, factor: float) -> "Work":
        """So much as often."""
        return Work(self.fixed * factor, {name: each * factor for name, each in self.by.items()})

    def over(self, variable: str, count: float, characters: float) -> "Work":
        """Done once for each of `count` values of the variable, which have so many characters together."""
        others = {name: each * count for name, each in self.by.items() if name != variable}
        return Work(self.fixed * count + self.by.get(variable, 0.0) * characters, others)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an expression: its type, how it is written anew, how long its text can be, and what it costs."""

    type: Type
    code: str
    work: Work
    size: Work = Work()
    """Characters of a text, or of all texts of a list."""
    count: int = 0
    """Values of a list."""
    literal: str | None = None


def be(part: Part, wanted: Type, what: str) -> None:
    """`CelError` if a part is of another type; `what` names it for people."""
    if part.type is not wanted:
        raise CelError(f"{what} must be {wanted.value}, and is {part.type.value}", _wanted_hint(part, wanted))


def _wanted_hint(part: Part, wanted: Type) -> str:
    if part.type is Type.LIST:
        return "write 'x' in issue.label, or issue.label.exists(v, …)"
    if wanted is Type.NUMBER:
        return "make a number of a text by double(…)"
    return {Type.TEXT: "put texts in quotes", Type.LIST: "lists are issue.label, issue.field['…'], ['a', 'b']"}.get(
        wanted, "compare it, as in issue.type == 'Bug'"
    )


def comparison(left: Part, sign: str, right: Part) -> Part:
    """Two parts of one type, compared."""
    if left.type is not right.type or left.type is Type.LIST:
        other = right if left.type is not Type.LIST else left
        wanted = left.type if other is right else Type.TEXT
        message = f"{left.type.value} is compared with {right.type.value}"
        raise CelError(message, _wanted_hint(other, Type.NUMBER if Type.NUMBER in (left.type, right.type) else wanted))
    if left.type is Type.TRUTH and sign not in ("==", "!="):
        raise CelError("true and false have no order", "write && or ||")
    work = left.work + right.work + 0.1 + (left.size + right.size).times(0.0001)
    return Part(Type.TRUTH, f"({left.code}{sign}{right.code})", work)


def arithmetic(left: Part, sign: str, right: Part) -> Part:
    """Two numbers made one."""
    for part, side in ((left, "before"), (right, "after")):
        be(part, Type.NUMBER, f"what stands {side} {sign}")
    return Part(Type.NUMBER, f"({left.code}{sign}{right.code})", left.work + right.work + 0.2)


def sized(part: Part) -> Part:
    """How long a text is, or how many values a list has."""
    return Part(
        Type.NUMBER, f"double(size({part.code}))", part.work + 0.9 + 0.01 * part.count + part.size.times(0.0001)
    )


def count_of(name: str, arguments: Sequence[Part], wanted: int) -> None:
    """`CelError` if a call has another number of arguments."""
    if len(arguments) != wanted:
        raise CelError(
            f"{name}() takes {wanted} arguments here, and has {len(arguments)}", "see the reference of rules"
        )


def refuse(name: str, known: Sequence[str]) -> NoReturn:
    """`CelError` for a function that rules may not call, with the one that may be meant."""
    hints = {
        "matches": "write re(text, 'pattern')",
        "map": "write .exists(v, …) or .filter(v, …)",
        "has": "write size(issue.field['…']) > 0",
        "int": "write double(…)",
        "lowerAscii": "write fold(text)",
    }
    near = get_close_matches(name, known, n=1)
    hint = hints.get(name) or (f"did you mean `{near[0]}`?" if near else f"there are {', '.join(known)}")
    raise CelError(f"`{name}()` is not known here", hint)
