"""CEL in conditions: `Expression(source)`, asked of an issue, is true, false or unknown. It never raises.

What may stand in an expression, and what bounds it, is in `cel_grammar`. Unknown is what hangs on a field that was not
asked for, and what fails while it runs (a text that is no number): neither it nor its negation holds.
"""

from types import ModuleType
from typing import TYPE_CHECKING, Final

from syncd.core.atoms import VALUES
from syncd.core.cel_grammar import check
from syncd.core.cel_words import LIST_CUT, LISTS, TEXT_CUT, TEXTS, CelError
from syncd.core.fold import field_key, fold
from syncd.core.model import CUSTOM
from syncd.core.patterns import PatternSet
from syncd.core.seen import Seen

if TYPE_CHECKING:
    from cel import Program

__all__ = ["CelError", "Expression"]

SHOWN: Final = 80
"""Characters of an expression, and of a value, that evidence quotes."""
VALUES_SHOWN: Final = 5
_OPERATORS: Final = frozenset(
    [
        "!_",
        "-_",
        "_&&_",
        "_||_",
        "_?_:_",
        "_==_",
        "_!=_",
        "_<_",
        "_<=_",
        "_>_",
        "_>=_",
        "_+_",
        "_-_",
        "_*_",
        "_/_",
        "@in",
        "@not_strictly_false",
    ]
)
_FUNCTIONS: Final = frozenset(["re", "fold", "double", "size", "contains", "startsWith", "endsWith"])


class Expression:
    """A compiled expression. Not safe for use by several threads at once."""

    def __init__(self, source: str) -> None:
        """`CelError` where rules may not hold it."""
        self.source = source
        self._checked = check(source)
        self._program = _compiled(self._checked.code, {*self._checked.names.values(), *self._checked.variables})
        self._patterns = [PatternSet([pattern]) for pattern in self._checked.patterns]
        self._context = _library().Context()
        self._context.add_function("fold", fold)
        self._context.add_function("re", self._search)
        self.needs = frozenset(field_key(n) for n in self._checked.names if n == "sprint" or n.startswith(CUSTOM))
        self.fault: str | None = None
        """Why the last answer was unknown, when the reason was not a field that was not asked for."""

    @property
    def names(self) -> tuple[str, ...]:
        """The fields it names, by their keys in conditions."""
        return tuple(self._checked.names)

    @property
    def work(self) -> float:
        """What the worst issue costs, in about microseconds."""
        return self._checked.work

    def holds(self, issue: Seen) -> bool | None:
        """Whether it is true of the issue; None: unknown, and `fault` may say why."""
        self.fault = None
        if not self.needs <= issue.asked:
            return None
        for name, variable in self._checked.names.items():
            self._context.add_variable(variable, _value(name, issue))
        try:
            answer = self._program.execute(self._context)
        except BaseException as failed:
            if not isinstance(failed, Exception) and type(failed).__name__ != "PanicException":
                raise  # somebody stops the program; only the library's own panics are not Exceptions
            self.fault = f"{type(failed).__name__}: {failed}"[:200]
            return None
        return answer is True

    def texts(self, issue: Seen) -> tuple[str, ...]:
        """The expression, shortened, and the values of the fields it names, for people."""
        seen = [f"{name} is {_shown(_values(name, issue))}" for name in self._checked.names]
        return ("; ".join([f"cel {_quoted(self.source)} is true", *seen]),)

    def _search(self, text: str, pattern: int) -> bool:
        return bool(self._patterns[pattern].fits(text))


def _library() -> ModuleType:
    import cel  # noqa: PLC0415 - loads its own command line, in half a second, and most rulebooks hold no CEL

    return cel


def _compiled(code: str, variables: set[str]) -> "Program":
    """Compiled by the library. What it says of the code must be what we know of it (facts/stack.md §2)."""
    try:
        program: Program = _library().compile(code)
    except ValueError as refused:
        raise CelError(f"this cannot be compiled: {refused}"[:200], "write it in a simpler way") from None
    strange = {*program.functions()} - _OPERATORS - _FUNCTIONS | {*program.variables()} - variables
    if strange:
        raise CelError(f"this calls {', '.join(sorted(strange))}", "write it in a simpler way")
    return program


def _values(name: str, issue: Seen) -> tuple[str, ...]:
    if name.startswith(CUSTOM):
        return issue.values_of(field_key(name))
    return VALUES[name](issue)[:1] if name in TEXTS else VALUES[name](issue)


def _value(name: str, issue: Seen) -> str | list[str]:
    """What an expression sees, cut to its bounds."""
    values = _values(name, issue)
    if name in LISTS or name.startswith(CUSTOM):
        return _cut(values)
    return values[0][:TEXT_CUT] if values else ""


def _cut(values: tuple[str, ...]) -> list[str]:
    kept, left = [], TEXT_CUT
    for value in values[:LIST_CUT]:
        if left <= 0:
            break
        kept.append(value[:left])
        left -= len(value)
    return kept


def _shown(values: tuple[str, ...]) -> str:
    if not values:
        return "empty"
    more = f" and {len(values) - VALUES_SHOWN} more" if len(values) > VALUES_SHOWN else ""
    return ", ".join(_quoted(value) for value in values[:VALUES_SHOWN]) + more


def _quoted(text: str) -> str:
    short = text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
    return f'"{short}"'
