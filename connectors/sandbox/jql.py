"""JQL: text → clauses. Only what this project asks; everything else is refused, as Jira refuses what it cannot read.

Grammar (keywords in any case):
    query  = or [ORDER BY sort {, sort}]          sort = field [ASC | DESC]
    or     = and {OR and}      and = not {AND not}      not = NOT not | ( or ) | clause
    clause = field op value | field [NOT] IN ( value {, value} ) | field IS [NOT] EMPTY
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

from connectors.sandbox.values import words

MAX_SORTS = 7

FIELDS = {
    "project": "project",
    "key": "key",
    "issuekey": "key",
    "issue": "key",
    "id": "id",
    "parent": "parent",
    "labels": "labels",
    "updated": "updated",
    "updateddate": "updated",
    "created": "created",
    "createddate": "created",
    "statuscategory": "statusCategory",
    "status": "status",
    "issuetype": "issuetype",
    "type": "issuetype",
    "component": "component",
    "comment": "comment",
}
TEXTS = frozenset({"comment"})
SORTABLE = frozenset({"key", "id", "updated", "created", "project", "status", "issuetype"})
DATES = frozenset({"updated", "created"})
ORDERED = DATES | {"key", "id"}

# Atlassian's list of words that must be quoted as values, cut to those that could be mistaken for data.
RESERVED = words(
    """
    abort access add after alias all alter and any as asc audit avg before begin between boolean
    break by byte catch cf char character check checkpoint collate collation column commit connect
    continue count create current date decimal declare decrement default defaults define delete
    delimiter desc difference distinct divide do double drop else empty encoding end equals escape
    exclusive exec execute exists explain false fetch file field first float for from function go
    goto grant greater group having identified if immediate in increment index initial inner inout
    input insert int integer intersect intersection into is isempty isnull join last left less like
    limit lock long max min minus mode modify modulo more multiply next noaudit not notin nowait
    null number object of on option or order outer output power previous prior privileges public
    raise raw remove rename resource return returns revoke right row rowid rownum rows select
    session set share size sqrt start strict string subtract sum synonym table then to trans
    transaction trigger true uid union unique update user validate values view when whenever where
    while with
    """
)


class JqlError(ValueError):
    """A query Jira refuses with 400; the text says where."""


class Value(NamedTuple):
    """A value as written; `quoted` tells `"1755424200000"` from the epoch milliseconds."""

    text: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Clause:
    """`field op values`; op is one of = != > >= < <= ~ in notin empty notempty."""

    field: str
    op: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """AND, OR or NOT over other nodes; NOT has exactly one."""

    op: str
    nodes: "tuple[Node, ...]"


Node = Clause | Group


class Sort(NamedTuple):
    """One term of ORDER BY."""

    field: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query. `where` is None when it is nothing but an ORDER BY."""

    where: Node | None
    order: tuple[Sort, ...]


class _Token(NamedTuple):
    kind: str  # word, quoted, op, punct
    text: str
    at: int

    def says(self, *words: str) -> bool:
        return self.kind == "word" and self.text.lower() in words


_LEX = re.compile(
    r"""(?P<space>\s+)
      | (?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<op>!=|>=|<=|=|>|<|~)
      | (?P<punct>[(),])
      | (?P<word>[^\s"'=!<>(),+.;?|*/%^$\#@\[\]&{}~`\\:]+)""",
    re.VERBOSE,
)
_END = _Token("end", "", -1)


def _tokens(text: str) -> list[_Token]:
    found = []
    at = 0
    while at < len(text):
        match = _LEX.match(text, at)
        if match is None:
            raise JqlError(f"The character '{text[at]}' is a reserved JQL character (position {at + 1}).")
        kind = str(match.lastgroup)
        if kind != "space":
            found.append(_Token(kind, match.group(), at))
        at = match.end()
    return found


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.at = 0

    def peek(self) -> _Token:
        return self.tokens[self.at] if self.at < len(self.tokens) else _END

    def take(self) -> _Token:
        token = self.peek()
        self.at += 1
        return token

    def accept(self, *words: str) -> bool:
        if self.peek().says(*words) or (self.peek().kind == "punct" and self.peek().text in words):
            self.at += 1
            return True
        return False

    def expect(self, word: str) -> None:
        if not self.accept(word):
            raise self.unexpected(f"expecting '{word}'")

    def unexpected(self, wanted: str) -> JqlError:
        token = self.peek()
        got = f"'{token.text}' (position {token.at + 1})" if token is not _END else "the end of the query"
        return JqlError(f"Error in the JQL Query: {wanted} but got {got}.")

    def query(self) -> Query:
        where = None if self.peek() is _END or self.peek().says("order") else self.either()
        order: tuple[Sort, ...] = ()
        if self.accept("order"):
            self.expect("by")
            order = self.sorts()
        if self.peek() is not _END:
            raise self.unexpected("expecting the end")
        return Query(where, order)

    def sorts(self) -> tuple[Sort, ...]:
        found = [self.sort()]
        while self.accept(","):
            found.append(self.sort())
        if len(found) > MAX_SORTS:
            raise JqlError(f"A maximum of {MAX_SORTS} fields may be used in ORDER BY.")
        return tuple(found)

    def sort(self) -> Sort:
        field = self.field()
        if field not in SORTABLE:
            raise JqlError(f"Field '{field}' cannot be sorted by.")
        if self.accept("desc"):
            return Sort(field, descending=True)
        self.accept("asc")
        return Sort(field, descending=False)

    def either(self) -> Node:
        nodes = [self.both()]
        while self.accept("or"):
            nodes.append(self.both())
        return nodes[0] if len(nodes) == 1 else Group("or", tuple(nodes))

    def both(self) -> Node:
        nodes = [self.negated()]
        while self.accept("and"):
            nodes.append(self.negated())
        return nodes[0] if len(nodes) == 1 else Group("and", tuple(nodes))

    def negated(self) -> Node:
        if self.accept("not"):
            return Group("not", (self.negated(),))
        if self.accept("("):
            node = self.either()
            self.expect(")")
            return node
        return self.clause()

    def field(self) -> str:
        token = self.take()
        name = _unquoted(token.text) if token.kind == "quoted" else token.text
        if token.kind not in ("word", "quoted"):
            self.at -= 1
            raise self.unexpected("expecting a field")
        if name.lower() not in FIELDS:
            raise JqlError(f"Field '{name}' does not exist or you do not have permission to view it.")
        return FIELDS[name.lower()]

    def clause(self) -> Clause:
        field = self.field()
        token = self.take()
        if (token.text == "~") is not (field in TEXTS):
            raise JqlError(f"The operator '{token.text}' is not supported by the '{field}' field.")
        if token.kind == "op":
            if token.text in (">", ">=", "<", "<=") and field not in ORDERED:
                raise JqlError(f"The operator '{token.text}' is not supported by the '{field}' field.")
            return Clause(field, token.text, (self.value(),))
        if token.says("is"):
            op = "notempty" if self.accept("not") else "empty"
            if not self.accept("empty", "null"):
                raise self.unexpected("expecting EMPTY or NULL")
            return Clause(field, op, ())
        negated = token.says("not")
        if negated:
            token = self.take()
        if not token.says("in"):
            self.at -= 1
            raise self.unexpected("expecting an operator")
        return Clause(field, "notin" if negated else "in", self.listed())

    def listed(self) -> tuple[Value, ...]:
        self.expect("(")
        values = [self.value()]
        while self.accept(","):
            values.append(self.value())
        self.expect(")")
        return tuple(values)

    def value(self) -> Value:
        token = self.take()
        if token.kind == "quoted":
            return Value(_unquoted(token.text), quoted=True)
        if token.kind != "word":
            self.at -= 1
            raise self.unexpected("expecting a value")
        if token.text.lower() in RESERVED:
            raise JqlError(
                f"Error in the JQL Query: '{token.text}' is a reserved JQL word (position {token.at + 1}). "
                "You must surround it in quotation marks to use it in a query."
            )
        if token.text.lower() == "now" and self.accept("("):
            self.expect(")")
            return Value("-0m", quoted=True)
        return Value(token.text, quoted=False)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def parse(text: str) -> Query:
    """Reads a query.

    Raises:
        JqlError: it cannot be read; a reserved word or a special character stands unquoted.
    """
    return _Parser(text).query()
