"""The CEL that rules may hold: read, typed, bounded, and said again in a form that only one parser can read.

    issue.label.exists(l, l.startsWith('incident-')) && issue.field['Story Points'].exists(p, double(p) >= 8)

The library compiles any CEL, takes `issue.lable` for granted until it runs, and holds the interpreter while it does
(facts/stack.md §2). So the text is read here first: names are checked, every part has a type (text, list of texts,
number, truth), and the work that the worst issue could cause is added up. What comes out is written anew, with brackets
around everything, our own names for variables and for patterns; the library sees nothing else.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from typing import Final, NoReturn

from syncd.core.fold import field_key
from syncd.core.model import CUSTOM
from syncd.core.patterns import CostlyPatternError, PatternError, checked_rate

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


class CelError(ValueError):
    """An expression that rules may not hold: what is wrong with it, and what to write instead."""

    def __init__(self, message: str, hint: str) -> None:
        self.message = message
        self.hint = hint
        super().__init__(message)


class Type(StrEnum):
    """What a part of an expression is, in words for people."""

    TEXT = "a text"
    LIST = "a list of texts"
    NUMBER = "a number"
    TRUTH = "true or false"


COSTLY_HINT: Final = "write * in place of a repetition that is counted, or make it count less"

TEXTS: Final = ("title", "type", "status", "status_category", "priority", "project", "tracker", "key")
"""Fields with one value: `issue.title` is a text, empty where there is none. `issue.project` is the key."""
LISTS: Final = ("label", "component", "fix_version", "team", "sprint")
"""Fields with several."""
MACROS: Final = ("exists", "all", "exists_one", "filter")
METHODS: Final = ("contains", "startsWith", "endsWith", "size")
FUNCTIONS: Final = ("re", "fold", "size", "double")


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


@dataclass(slots=True)
class Checked:
    """An expression that rules may hold, ready for the library."""

    code: str
    names: dict[str, str] = field(default_factory=dict)
    """Key of a condition (`label`, `field.Squad`) → the variable that holds its values."""
    patterns: list[str] = field(default_factory=list)
    """What `re` searches for; in `code` each is called by its place."""
    work: float = 0.0
    """What the worst issue costs, in about microseconds."""
    variables: set[str] = field(default_factory=set)
    """Those of macros."""


def check(source: str) -> Checked:
    """Read an expression. `CelError` says what rules may not hold, with what to write instead."""
    if len(source) > MAX_LENGTH:
        raise CelError(
            f"this expression is longer than {MAX_LENGTH} characters", "make several rules or conditions of it"
        )
    reader = _Reader(source)
    part = reader.whole()
    if part.type is not Type.TRUTH:
        raise CelError(f"the expression is {part.type.value}, and a condition is true or false", _truth_hint(part))
    if part.work.fixed > MAX_WORK:
        raise CelError(
            f"this could take {part.work.fixed / 1000:.0f} ms on one issue, and {MAX_WORK / 1000:.0f} ms is the most",
            "take a macro within a macro apart, or join several re() into one pattern with |",
        )
    reader.checked.code = part.code
    reader.checked.work = part.work.fixed
    return reader.checked


def _truth_hint(part: Part) -> str:
    return "compare it, as in `issue.type == 'Bug'`" if part.type is not Type.LIST else "`'x' in …` or `.exists(v, …)`"


# --- words ------------------------------------------------------------------------------------------------

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<text>[rR]?(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'))
    |(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d{1,2})?)
    |(?P<name>[A-Za-z_]\w*)
    |(?P<sign>&&|\|\||[=!<>]=|[-+*/<>!?:.,()\[\]]))""",
    re.VERBOSE | re.ASCII,
)
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'", "`": "`", "?": "?"}
_NO_WORDS: Final = {
    "null": "a field without a value is '' or an empty list",
    "and": "write &&",
    "or": "write ||",
    "not": "write !",
}


@dataclass(frozen=True, slots=True)
class _Word:
    kind: str
    text: str


def _words(source: str) -> Iterator[_Word]:
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
        yield _Word(found.lastgroup, found.group(found.lastgroup))
        at = found.end()
    yield _Word("end", "")


def _unquoted(text: str) -> str:
    if text[0] in "rR":
        return text[2:-1]

    def plain(found: re.Match[str]) -> str:
        if found.group(1) not in _ESCAPES:
            raise CelError(f"`{found.group()}` is not an escape here", r"write r'…', in which \ is just a \ ")
        return _ESCAPES[found.group(1)]

    return re.sub(r"\\(.)", plain, text[1:-1])


def _quoted(text: str) -> str:
    """A text for the library: ASCII only, every escape written out."""
    return (
        '"' + "".join(c if c.isascii() and (c.isalnum() or c in " -_.,:;/") else f"\\U{ord(c):08x}" for c in text) + '"'
    )


# --- reading ----------------------------------------------------------------------------------------------


class _Reader:
    """A recursive descent: one method for each strength of binding, weakest first."""

    def __init__(self, source: str) -> None:
        self._words: Sequence[_Word] = tuple(_words(source))
        self._at = 0
        self._depth = 0
        self._macros: list[tuple[str, Part]] = []
        self.checked = Checked("")

    def whole(self) -> Part:
        part = self._choice()
        if self._next.kind != "end":
            raise CelError(f"this cannot be read from `{self._next.text}` on", "join conditions by && or ||")
        return part

    # words

    @property
    def _next(self) -> _Word:
        return self._words[self._at]

    def _take(self, *texts: str) -> str | None:
        """The next word, if it is one of these signs (or the name `in`)."""
        word = self._next
        if word.kind in ("sign", "name") and word.text in texts:
            self._at += 1
            return word.text
        return None

    def _want(self, text: str) -> None:
        if self._take(text) is None:
            raise CelError(f"`{text}` is wanted {self._where()}", "count the brackets and quotes")

    def _where(self) -> str:
        return "at the end" if self._next.kind == "end" else f"before `{self._next.text}`"

    def _name(self) -> str:
        word = self._next
        if word.kind != "name":
            raise CelError(f"a name is wanted {self._where()}", "such as issue.title")
        self._at += 1
        return word.text

    # operators, weakest first

    def _choice(self) -> Part:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise CelError(f"more than {MAX_DEPTH} brackets within brackets", "make several conditions of it")
        chosen = self._or()
        if self._take("?"):
            _be(chosen, Type.TRUTH, "what stands before ?")
            yes = self._or()
            self._want(":")
            no = self._choice()
            if yes.type is not no.type or yes.type is Type.LIST:
                raise CelError(
                    f"one side of : is {yes.type.value}, the other {no.type.value}", "make them alike, and no lists"
                )
            work = chosen.work + yes.work + no.work + 0.2
            chosen = Part(yes.type, f"({chosen.code}?{yes.code}:{no.code})", work, yes.size + no.size)
        self._depth -= 1
        return chosen

    def _or(self) -> Part:
        return self._joined("||", self._and)

    def _and(self) -> Part:
        return self._joined("&&", self._compared)

    def _joined(self, sign: str, below: Callable[[], Part]) -> Part:
        left = below()
        while self._take(sign):
            right = below()
            _be(left, Type.TRUTH, f"what stands before {sign}")
            _be(right, Type.TRUTH, f"what stands after {sign}")
            left = Part(Type.TRUTH, f"({left.code}{sign}{right.code})", left.work + right.work + 0.15)
        return left

    def _compared(self) -> Part:
        left = self._sum()
        while sign := self._take("==", "!=", "<=", ">=", "<", ">", "in"):
            right = self._sum()
            if sign == "in":
                _be(left, Type.TEXT, "what stands before `in`")
                _be(right, Type.LIST, "what stands after `in`")
                cost = left.work + right.work + 0.3 + 0.02 * right.count + (left.size + right.size).times(0.0005)
                left = Part(Type.TRUTH, f"({left.code} in {right.code})", cost)
            else:
                left = _comparison(left, sign, right)
        return left

    def _sum(self) -> Part:
        left = self._product()
        while sign := self._take("+", "-"):
            right = self._product()
            if sign == "+" and left.type is right.type is Type.TEXT:
                size = left.size + right.size
                left = Part(
                    Type.TEXT, f"({left.code}+{right.code})", left.work + right.work + 0.4 + size.times(0.0002), size
                )
            else:
                left = _arithmetic(left, sign, right)
        return left

    def _product(self) -> Part:
        left = self._signed()
        while sign := self._take("*", "/"):
            left = _arithmetic(left, sign, self._signed())
        return left

    def _signed(self) -> Part:
        if sign := self._take("!", "-"):
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise CelError(f"more than {MAX_DEPTH} signs before one another", "one is enough")
            part = self._signed()
            self._depth -= 1
            wanted = Type.TRUTH if sign == "!" else Type.NUMBER
            _be(part, wanted, f"what stands after {sign}")
            return Part(wanted, f"({sign}{part.code})", part.work + 0.1)
        return self._member()

    # names, calls, values

    def _member(self) -> Part:
        at_field = self._next.kind == "name" and self._next.text == "issue"
        part = self._field() if at_field else self._primary()
        while True:
            if self._take("["):
                raise CelError("values are not taken out of a list by number", "write .exists(v, v == …) or 'x' in …")
            if not self._take("."):
                return part
            name = self._name()
            if self._next.text != "(":
                raise CelError(f"{part.type.value} has no part `{name}`", "only issue has fields")
            part = self._call(part, name)

    def _field(self) -> Part:
        self._at += 1
        if not self._take("."):
            raise CelError("`issue` alone cannot be compared", "name a field: issue.title, issue.label")
        name = self._name()
        if name == "field":
            return self._custom()
        if name not in (*TEXTS, *LISTS):
            near = get_close_matches(name, (*TEXTS, *LISTS, "field"), n=1)
            hint = (
                f"did you mean `issue.{near[0]}`?" if near else f"there are {', '.join((*TEXTS, *LISTS))}, field['…']"
            )
            raise CelError(f"`issue.{name}` is not a field", hint)
        return self._seen(name, Type.LIST if name in LISTS else Type.TEXT)

    def _custom(self) -> Part:
        hint = "write issue.field['Story Points']"
        if self._take("["):
            word = self._next
            if word.kind != "text":
                raise CelError("the name of a custom field stands in quotes", hint)
            self._at += 1
            name = _unquoted(word.text)
            self._want("]")
        elif self._take("."):
            name = self._name()
        else:
            raise CelError("`issue.field` alone cannot be compared", hint)
        if not field_key(CUSTOM + name).removeprefix(CUSTOM):
            raise CelError("the name of the custom field is empty", hint)
        return self._seen(CUSTOM + name, Type.LIST)

    def _seen(self, name: str, kind: Type) -> Part:
        variable = self.checked.names.setdefault(name, f"v{len(self.checked.names)}")
        if kind is Type.TEXT:
            return Part(kind, variable, Work(0.1), Work(TEXT_CUT))
        return Part(kind, variable, Work(0.3 + 0.01 * LIST_CUT), Work(TEXT_CUT), LIST_CUT)

    def _primary(self) -> Part:
        word = self._next
        if word.kind == "text":
            self._at += 1
            text = _unquoted(word.text)
            return Part(Type.TEXT, _quoted(text), Work(0.02), Work(len(text)), literal=text)
        if word.kind == "number":
            self._at += 1
            return Part(Type.NUMBER, repr(float(word.text)), Work(0.1))
        if word.kind == "name":
            return self._named(self._name())
        if self._take("("):
            part = self._choice()
            self._want(")")
            return part
        if self._take("["):
            return self._listed()
        raise CelError(f"a value is wanted {self._where()}", "a field, a text in quotes, or a number")

    def _named(self, name: str) -> Part:
        if self._take("("):
            if name not in FUNCTIONS:
                _refuse(name, FUNCTIONS)
            return self._function(name, self._arguments())
        if name in ("true", "false"):
            return Part(Type.TRUTH, name, Work(0.1))
        for told, part in self._macros:
            if told == name:
                return part
        if name in _NO_WORDS:
            raise CelError(f"`{name}` is not known here", _NO_WORDS[name])
        known = [*(f"issue.{n}" for n in (*TEXTS, *LISTS)), *(told for told, _ in self._macros)]
        near = [f"issue.{name}"] if f"issue.{name}" in known else get_close_matches(name, ["issue", *known], n=1)
        hint = f"did you mean `{near[0]}`?" if near else "put texts in quotes; fields are issue.title, issue.label, …"
        raise CelError(f"`{name}` is not known here", hint)

    def _listed(self) -> Part:
        items = [] if self._next.text == "]" else [self._choice()]
        while items and self._take(","):
            items.append(self._choice())
        self._want("]")
        for item in items:
            _be(item, Type.TEXT, "what stands in a list")
        work, size = sum((i.work for i in items), Work(0.5)), sum((i.size for i in items), Work())
        return Part(Type.LIST, f"[{','.join(i.code for i in items)}]", work + 0.2 * len(items), size, len(items))

    def _arguments(self) -> list[Part]:
        arguments = [] if self._next.text == ")" else [self._choice()]
        while arguments and self._take(","):
            arguments.append(self._choice())
        self._want(")")
        return arguments

    def _call(self, on: Part, name: str) -> Part:
        self._want("(")
        if name in MACROS:
            return self._macro(on, name)
        if name not in METHODS:
            _refuse(name, METHODS + MACROS)
        arguments = self._arguments()
        if name == "size" and on.type in (Type.TEXT, Type.LIST):
            _count(name, arguments, 0)
            return _sized(on)
        _count(name, arguments, 1)
        _be(on, Type.TEXT, f"what stands before .{name}()")
        _be(arguments[0], Type.TEXT, f"what stands in .{name}()")
        work = on.work + arguments[0].work + 0.5 + (on.size + arguments[0].size).times(0.005)
        return Part(Type.TRUTH, f"{on.code}.{name}({arguments[0].code})", work)

    def _macro(self, on: Part, name: str) -> Part:
        _be(on, Type.LIST, f"what stands before .{name}()")
        if len(self._macros) >= MAX_MACROS:
            raise CelError("a macro within a macro within a macro", "take one of them out: make two conditions of it")
        told = self._name()
        if told == "issue" or told in {other for other, _ in self._macros}:
            raise CelError(f"the variable `{told}` is taken", "choose another name")
        self._want(",")
        own = f"m{len(self.checked.variables)}"
        self.checked.variables.add(own)
        self._macros.append((told, Part(Type.TEXT, own, Work(0.05), Work(0.0, {own: 1.0}))))
        body = self._choice()
        self._macros.pop()
        self._want(")")
        _be(body, Type.TRUTH, f"what .{name}() asks of each value")
        kept = 0.3 * on.count if name == "filter" else 0.0  # what is kept is copied each time
        characters = on.size.fixed
        work = on.work + (body.work + 0.75 + kept).over(own, on.count, characters)
        code = f"{on.code}.{name}({own},{body.code})"
        if name == "filter":
            return Part(Type.LIST, code, work, on.size, on.count)
        return Part(Type.TRUTH, code, work)

    def _function(self, name: str, arguments: list[Part]) -> Part:
        if name == "re":
            return self._search(arguments)
        _count(name, arguments, 1)
        one = arguments[0]
        if name == "size" and one.type is Type.LIST:
            return _sized(one)
        _be(one, Type.TEXT, f"what stands in {name}()")
        if name == "size":
            return _sized(one)
        if name == "fold":
            work = one.work + 4.0 + one.size.times(0.02)
            return Part(Type.TEXT, f"fold({one.code})", work, one.size.times(3))  # NFKC makes some characters longer
        return Part(Type.NUMBER, f"double({one.code})", one.work + 0.5 + one.size.times(0.002))

    def _search(self, arguments: list[Part]) -> Part:
        _count("re", arguments, 2)
        text, pattern = arguments
        _be(text, Type.TEXT, "the first argument of re()")
        if pattern.literal is None:
            raise CelError("the pattern of re() is written out", r"re(issue.title, r'(?i)\bfailover\b')")
        try:
            rate = checked_rate(pattern.literal)
        except CostlyPatternError as costly:
            raise CelError(f"`{pattern.literal}`: {costly}", COSTLY_HINT) from None
        except PatternError as refused:
            raise CelError(
                f"RE2 refuses `{pattern.literal}`: {refused}", "https://github.com/google/re2/wiki/Syntax"
            ) from None
        self.checked.patterns.append(pattern.literal)
        work = text.work + 6.5 + text.size.times(rate)
        return Part(Type.TRUTH, f"re({text.code},{len(self.checked.patterns) - 1})", work)


# --- types ------------------------------------------------------------------------------------------------


def _be(part: Part, wanted: Type, what: str) -> None:
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


def _comparison(left: Part, sign: str, right: Part) -> Part:
    if left.type is not right.type or left.type is Type.LIST:
        other = right if left.type is not Type.LIST else left
        wanted = left.type if other is right else Type.TEXT
        message = f"{left.type.value} is compared with {right.type.value}"
        raise CelError(message, _wanted_hint(other, Type.NUMBER if Type.NUMBER in (left.type, right.type) else wanted))
    if left.type is Type.TRUTH and sign not in ("==", "!="):
        raise CelError("true and false have no order", "write && or ||")
    work = left.work + right.work + 0.1 + (left.size + right.size).times(0.0001)
    return Part(Type.TRUTH, f"({left.code}{sign}{right.code})", work)


def _arithmetic(left: Part, sign: str, right: Part) -> Part:
    for part, side in ((left, "before"), (right, "after")):
        _be(part, Type.NUMBER, f"what stands {side} {sign}")
    return Part(Type.NUMBER, f"({left.code}{sign}{right.code})", left.work + right.work + 0.2)


def _sized(part: Part) -> Part:
    return Part(
        Type.NUMBER, f"double(size({part.code}))", part.work + 0.9 + 0.01 * part.count + part.size.times(0.0001)
    )


def _count(name: str, arguments: Sequence[Part], wanted: int) -> None:
    if len(arguments) != wanted:
        raise CelError(
            f"{name}() takes {wanted} arguments here, and has {len(arguments)}", "see the reference of rules"
        )


def _refuse(name: str, known: Sequence[str]) -> NoReturn:
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
