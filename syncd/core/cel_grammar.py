"""The CEL that rules may hold: read, typed, bounded, and said again in a form that only one parser can read.

    issue.label.exists(l, l.startsWith('incident-')) && issue.field['Story Points'].exists(p, double(p) >= 8)

The library compiles any CEL, takes `issue.lable` for granted until it runs, and holds the interpreter while it does
(facts/stack.md §2). So the text is read here first: names are checked, every part has a type (text, list of texts,
number, truth), and the work that the worst issue could cause is added up. What comes out is written anew, with brackets
around everything, our own names for variables and for patterns; the library sees nothing else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from syncd.core.cel_types import Part, Type, Work, arithmetic, be, comparison, count_of, refuse, sized
from syncd.core.cel_words import (
    COSTLY_HINT,
    FUNCTIONS,
    LIST_CUT,
    LISTS,
    MACROS,
    MAX_DEPTH,
    MAX_LENGTH,
    MAX_MACROS,
    MAX_WORK,
    METHODS,
    NO_WORDS,
    TEXT_CUT,
    TEXTS,
    CelError,
    Word,
    quoted,
    unquoted,
    words,
)
from syncd.core.fold import field_key
from syncd.core.model import CUSTOM
from syncd.core.patterns import CostlyPatternError, PatternError, checked_rate


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
    lists = sum(name not in TEXTS for name in reader.checked.names)
    work = part.work.fixed + lists * LIST_CUT * 1.5  # handing a list over to the library
    if work > MAX_WORK:
        raise CelError(
            f"this could take {work / 1000:.0f} ms on one issue, and {MAX_WORK / 1000:.0f} ms is the most",
            "take a macro within a macro apart, or join several re() into one pattern with |",
        )
    reader.checked.code = part.code
    reader.checked.work = work
    return reader.checked


def _truth_hint(part: Part) -> str:
    return "compare it, as in `issue.type == 'Bug'`" if part.type is not Type.LIST else "`'x' in …` or `.exists(v, …)`"


# --- reading ----------------------------------------------------------------------------------------------


class _Reader:
    """A recursive descent: one method for each strength of binding, weakest first."""

    def __init__(self, source: str) -> None:
        self._words: Sequence[Word] = tuple(words(source))
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
    def _next(self) -> Word:
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
            be(chosen, Type.TRUTH, "what stands before ?")
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
            be(left, Type.TRUTH, f"what stands before {sign}")
            be(right, Type.TRUTH, f"what stands after {sign}")
            left = Part(Type.TRUTH, f"({left.code}{sign}{right.code})", left.work + right.work + 0.15)
        return left

    def _compared(self) -> Part:
        left = self._sum()
        while sign := self._take("==", "!=", "<=", ">=", "<", ">", "in"):
            right = self._sum()
            if sign == "in":
                be(left, Type.TEXT, "what stands before `in`")
                be(right, Type.LIST, "what stands after `in`")
                cost = left.work + right.work + 0.3 + 0.02 * right.count + (left.size + right.size).times(0.0005)
                left = Part(Type.TRUTH, f"({left.code} in {right.code})", cost)
            else:
                left = comparison(left, sign, right)
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
                left = arithmetic(left, sign, right)
        return left

    def _product(self) -> Part:
        left = self._signed()
        while sign := self._take("*", "/"):
            left = arithmetic(left, sign, self._signed())
        return left

    def _signed(self) -> Part:
        if sign := self._take("!", "-"):
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise CelError(f"more than {MAX_DEPTH} signs before one another", "one is enough")
            part = self._signed()
            self._depth -= 1
            wanted = Type.TRUTH if sign == "!" else Type.NUMBER
            be(part, wanted, f"what stands after {sign}")
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
            name = unquoted(word.text)
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
            text = unquoted(word.text)
            return Part(Type.TEXT, quoted(text), Work(0.02), Work(len(text)), literal=text)
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
                refuse(name, FUNCTIONS)
            return self._function(name, self._arguments())
        if name in ("true", "false"):
            return Part(Type.TRUTH, name, Work(0.1))
        for told, part in self._macros:
            if told == name:
                return part
        if name in NO_WORDS:
            raise CelError(f"`{name}` is not known here", NO_WORDS[name])
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
            be(item, Type.TEXT, "what stands in a list")
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
            refuse(name, METHODS + MACROS)
        arguments = self._arguments()
        if name == "size" and on.type in (Type.TEXT, Type.LIST):
            count_of(name, arguments, 0)
            return sized(on)
        count_of(name, arguments, 1)
        be(on, Type.TEXT, f"what stands before .{name}()")
        be(arguments[0], Type.TEXT, f"what stands in .{name}()")
        work = on.work + arguments[0].work + 0.5 + (on.size + arguments[0].size).times(0.005)
        return Part(Type.TRUTH, f"{on.code}.{name}({arguments[0].code})", work)

    def _macro(self, on: Part, name: str) -> Part:
        be(on, Type.LIST, f"what stands before .{name}()")
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
        be(body, Type.TRUTH, f"what .{name}() asks of each value")
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
        count_of(name, arguments, 1)
        one = arguments[0]
        if name == "size" and one.type is Type.LIST:
            return sized(one)
        be(one, Type.TEXT, f"what stands in {name}()")
        if name == "size":
            return sized(one)
        if name == "fold":
            work = one.work + 4.0 + one.size.times(0.02)
            return Part(Type.TEXT, f"fold({one.code})", work, one.size.times(18))  # NFKC makes eighteen of one
        return Part(Type.NUMBER, f"double({one.code})", one.work + 0.5 + one.size.times(0.002))

    def _search(self, arguments: list[Part]) -> Part:
        count_of("re", arguments, 2)
        text, pattern = arguments
        be(text, Type.TEXT, "the first argument of re()")
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
