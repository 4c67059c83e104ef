"""The words that a CEL expression is made of: texts, numbers, names and signs; and what rules may name."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MAX_LENGTH: Final = 1000
"""Characters of an expression."""
MAX_DEPTH: Final = 30
"""Brackets within brackets."""
MAX_MACROS: Final = 2
"""A macro within a macro, and no deeper."""
LIST_CUT: Final = 200
"""Values of a list that an expression sees."""
TEXT_CUT: Final = 10_000
"""Characters of one text, and of all texts of a list together, that an expression sees."""
MAX_WORK: Final = 40_000.0
"""What the worst issue may cost, in about microseconds; measured by bench/bench_patterns.py."""
COSTLY_HINT: Final = "write * in place of a repetition that is counted, or make it count less"

TEXTS: Final = ("title", "type", "status", "status_category", "priority", "project", "tracker", "key")
"""Fields with one value: `issue.title` is a text, empty where there is none. `issue.project` is the key."""
LISTS: Final = ("label", "component", "fix_version", "team", "sprint")
"""Fields with several."""
MACROS: Final = ("exists", "all", "exists_one", "filter")
METHODS: Final = ("contains", "startsWith", "endsWith", "size")
FUNCTIONS: Final = ("re", "fold", "size", "double")


class CelError(ValueError):
    """An expression that rules may not hold: what is wrong with it, and what to write instead."""

    def __init__(self, message: str, hint: str) -> None:
        self.message = message
        self.hint = hint
        super().__init__(message)


_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<text>[rR]?(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'))
    |(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d{1,2})?)
    |(?P<name>[A-Za-z_]\w*)
    |(?P<sign>&&|\|\||[=!<>]=|[-+*/<>!?:.,()\[\]]))""",
    re.VERBOSE | re.ASCII,
)
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'", "`": "`", "?": "?"}
NO_WORDS: Final = {
    "null": "a field without a value is '' or an empty list",
    "and": "write &&",
    "or": "write ||",
    "not": "write !",
}


@dataclass(frozen=True, slots=True)
class Word:
    """One of them; `kind` is text, number, name, sign or end."""

    kind: str
    text: str


def words(source: str) -> Iterator[Word]:
    """The words of an expression, an end last. `CelError` at what is none."""
    at, end = 0, len(source.rstrip())
    while at < end:
        found = _TOKEN.match(source, at)
        if found is None or found.lastgroup is None:
            rest = source[at:].strip()[:12]
            hint = (
                "write == to compare"
                if rest.startswith("=")
                else "write texts in quotes, and only what the reference names"
            )
            raise CelError(f"this cannot be read from `{rest}` on", hint)
        yield Word(found.lastgroup, found.group(found.lastgroup))
        at = found.end()
    yield Word("end", "")


def unquoted(text: str) -> str:
    """What a text in quotes means."""
    if text[0] in "rR":
        return text[2:-1]

    def plain(found: re.Match[str]) -> str:
        if found.group(1) not in _ESCAPES:
            raise CelError(f"`{found.group()}` is not an escape here", r"write r'…', in which \ is just a \ ")
        return _ESCAPES[found.group(1)]

    return re.sub(r"\\(.)", plain, text[1:-1])


def quoted(text: str) -> str:
    """A text for the library: ASCII only, every escape written out."""
    return (
        '"' + "".join(c if c.isascii() and (c.isalnum() or c in " -_.,:;/") else f"\\U{ord(c):08x}" for c in text) + '"'
    )
