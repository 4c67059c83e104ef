"""The one YAML loader: bytes in, a tree with positions and every problem out, never a traceback.

What it reads is YAML 1.2 without the parts that no configuration needs (aliases, tags, several documents). Scalars are
told apart here and not by the library, so that what other readers would take for something else (`yes`, `2026-12-31`)
stays a `Word` that only a field made for it accepts.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from syncd.core.errors import Problem
from syncd.files.problems import shown_line, visible

MAX_BYTES = 2 * 1024 * 1024
MAX_DEPTH = 50

Step = str | int
Where = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Word:
    """An unquoted text that is easily taken for something else: `kind` says for what."""

    text: str
    kind: str


Scalar = str | int | float | bool | None | Word


@dataclass(slots=True)
class Node:
    """A value and where it stands. Lines and columns count from 1; `raw` is a scalar as it was written."""

    value: "dict[str, Node] | list[Node] | Scalar"
    line: int
    column: int
    raw: str = ""
    key: tuple[int, int] | None = None
    """Where its key stands, if it is a value of a mapping."""
    spoiled: bool = False
    """Whether an entry of it had to be left out."""

    @property
    def named_at(self) -> tuple[int, int]:
        """Where a person looks for it: at its key if it has one."""
        return self.key or (self.line, self.column)

    def plain(self) -> Any:
        """Dicts, lists and scalars, without positions. A `Word` stays one."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


@dataclass(slots=True)
class Source:
    """One file as it was read. `root` is None where nothing could be made of it; `problems` then says why."""

    name: str
    """The file as the user named it."""
    safe: Collection[str] | None = None
    """In a file that may hold secrets: the keys whose values may be shown."""
    text: str = ""
    lines: tuple[str, ...] = ()
    root: Node | None = None
    problems: list[Problem] = field(default_factory=list)
    _complained: set[tuple[int, int]] = field(default_factory=set)
    _paths: set[Where] = field(default_factory=set)

    @property
    def guarded(self) -> bool:
        """Whether the file may hold secrets."""
        return self.safe is not None

    def find(self, where: Where) -> tuple[Node | None, bool]:
        """The node there and True; or the deepest one that exists on the way to it and False."""
        node = self.root
        for step in where:
            below = _below(node, step)
            if below is None:
                return node, False
            node = below
        return node, True

    def add(
        self,
        where: Where,
        message: str,
        hint: str = "",
        *,
        at_key: bool = False,
        advice: bool = False,
        name: str = "",
    ) -> None:
        """Note a problem with the value there. What is missing stands at its parent. `name`: of advice."""
        node, found = self.find(where)
        if node is None:
            position = (1, 1)
        elif at_key or not found or (node.value is None and not node.raw):
            position = node.named_at
        else:
            position = (node.line, node.column)
        self.add_at(position, message, hint, advice=advice, path=where, name=name)

    def add_at(
        self,
        position: tuple[int, int],
        message: str,
        hint: str = "",
        *,
        advice: bool = False,
        hide: bool = False,
        path: Where | None = None,
        name: str = "",
    ) -> None:
        """Note a problem at a (line, column). `hide`: the line's value is not to be shown. `path`: what it is about."""
        line, column = position
        text = shown_line(self.lines, line, safe=self.safe, hide_after=column if hide else None)
        severity: Literal["advice", "error"] = "advice" if advice else "error"
        if not advice:
            self._complained.add(position)
            if path is not None:
                self._paths.add(path)
        self.problems.append(Problem(self.name, line, column, message, hint, severity, text, name))

    def complained(self, position: tuple[int, int]) -> bool:
        """Whether there already is an error at that very place."""
        return position in self._complained

    def complained_about(self, where: Where) -> bool:
        """Whether there already is an error with that value, with one in it or with one that it is in."""
        return any(path[: len(where)] == where or where[: len(path)] == path for path in self._paths)


def _below(node: Node | None, step: Step) -> Node | None:
    if node is None:
        return None
    if isinstance(node.value, dict):
        return node.value.get(str(step))
    if isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
        return node.value[step]
    return None


# --- reading ----------------------------------------------------------------------------------------------


def read_source(path: Path, *, safe: Collection[str] | None = None) -> Source:
    """Read a file. Whatever is wrong with it is a problem in what is returned; `safe` as in `Source`."""
    source = Source(str(path), safe)
    try:
        if path.exists() and not path.is_file():
            source.add_at((1, 1), "this is not a file", "put a YAML file there")
            return source
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        source.add_at((1, 1), "there is no such file", "`syncd init` makes a starter; --config names another folder")
        return source
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL byte
        why = error.strerror if isinstance(error, OSError) and error.strerror else "its name cannot be used"
        source.add_at((1, 1), f"it cannot be read: {why}", "give syncd's user the right to read it")
        return source
    return parse(content, source.name, safe=safe)


def parse(content: bytes, name: str, *, safe: Collection[str] | None = None) -> Source:
    """Make a tree of a file's bytes."""
    source = Source(name, safe)
    if len(content) > MAX_BYTES:
        source.add_at((1, 1), "the file is larger than 2 MiB", "split it up, or use patterns instead of long lists")
        return source
    text = _decoded(content, source)
    if text is None:
        return source
    source.text = text
    source.lines = tuple(re.split("\r\n|[\r\n\x85\u2028\u2029]", text))
    if not _has_forbidden_character(source):
        source.root = _tree(source)
    return source


def _tree(source: Source) -> Node | None:
    builder = _Builder(source)
    try:
        for event in YAML(typ="safe", pure=True).parse(source.text):
            builder.take(event)
    except _Stop:
        return None
    except MarkedYAMLError as error:
        _syntax_problem(source, error)
        return None
    except (YAMLError, ValueError, OverflowError, IndexError, AssertionError) as error:
        # the scanner lets some of Python's own errors out, such as OverflowError for "\UFFFFFFFF"
        kind = type(error).__name__
        source.add_at(builder.reached, f"this cannot be read as YAML ({kind})", "look at what follows here")
        return None
    if builder.root is None:
        source.add_at((1, 1), "the file is empty", "a starter file shows what belongs here")
    return builder.root


def _decoded(content: bytes, source: Source) -> str | None:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        start = before.rfind(b"\n") + 1
        column = len(before[start:].decode("utf-8-sig", "replace")) + 1
        source.add_at(
            (line, column),
            f"byte {error.start + 1} of the file (0x{content[error.start]:02x}, on line {line}) is not UTF-8",
            "save the file as UTF-8",
        )
        return None


_FORBIDDEN = re.compile("[^\x09\x0a\x0d\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _has_forbidden_character(source: Source) -> bool:
    for number, line in enumerate(source.lines, 1):
        if found := _FORBIDDEN.search(line):
            code = f"U+{ord(found.group()):04X}"
            source.add_at((number, found.start() + 1), f"the character {code} cannot stand in YAML", "take it out")
            return True
    return False


_SAID = (  # what the scanner says → in plain words, and what to write. Its own words may hold a piece of a secret
    ("unknown escape", 'a `\\` in "double quotes" starts an escape, and this is none', "write it in 'single quotes'"),
    ("cannot start any token", "no value can start with this character", "indent with spaces, and quote such a text"),
    ("mapping values are not", "a second `: ` on one line, or a wrong indentation", "write such a text in quotes"),
    ("stream end|end of stream", "a quote or a bracket is opened and never closed", "close it"),
    ("expected ',' or", "a comma is missing, or a bracket is not closed", "write [a, b] or {key: value, other: value}"),
    ("expected ':'", "a line without a colon", "write `key: value`"),
    ("<block end>", "this line does not fit in here", "start what belongs together in the same column"),
    ("tag", "a tag that cannot be read", "write a text that starts with ! in quotes"),
    ("anchor|alias", "an anchor or alias that cannot be read", "write a text that starts with & or * in quotes"),
)


def _syntax_problem(source: Source, error: MarkedYAMLError) -> None:
    mark = error.problem_mark or error.context_mark
    position = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    scanner = f"{error.problem or ''} {error.context or ''}"
    otherwise = ("it cannot be read from here on", "write `key: value`, and texts with special characters in quotes")
    message, hint = next(((m, h) for pattern, m, h in _SAID if re.search(pattern, scanner)), otherwise)
    source.add_at(position, f"this is not YAML: {message}", hint)


# --- building the tree ------------------------------------------------------------------------------------


class _Stop(Exception):  # noqa: N818 - not an error: the problem has been noted
    """Nothing useful can follow."""


@dataclass(slots=True)
class _Open:
    """A collection being read; in a mapping, `key` waits for its value. A key of None is thrown away."""

    node: Node
    waiting: bool = False
    key: str | None = None
    key_at: tuple[int, int] = (1, 1)


class _Builder:
    """Turns the parser's events into nodes with an explicit stack, so that no depth of nesting can break it."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.root: Node | None = None
        self.reached = (1, 1)
        self._stack: list[_Open] = []
        self._documents = 0

    def take(self, event: Event) -> None:
        mark = event.start_mark
        self.reached = (mark.line + 1, mark.column + 1)
        if isinstance(event, DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self.source.add_at(self.reached, "a second document starts here", "keep one; take out the line `---`")
                raise _Stop
        elif isinstance(event, (MappingEndEvent, SequenceEndEvent)):
            self._place(self._stack.pop().node)
        elif isinstance(event, NodeEvent):
            self._node(event)

    def _node(self, event: NodeEvent) -> None:
        line, column = self.reached
        if isinstance(event, AliasEvent):
            self.source.add_at(self.reached, "aliases (`*name`) are not read here", "write the value out, or quote it")
            self._place(Node(Word("", "alias"), line, column))
            return
        if event.anchor:
            self.source.add_at(self.reached, "anchors (`&name`) are not read here", "take it out, or quote the text")
        if isinstance(event, (ScalarEvent, CollectionStartEvent)) and event.ctag is not None:
            self.source.add_at(self.reached, "tags (`!name`) are not read here", "take it out, or quote the text")
        if isinstance(event, ScalarEvent):
            self._place(Node(_scalar(event), line, column, event.value))
        elif isinstance(event, CollectionStartEvent):
            if len(self._stack) >= MAX_DEPTH:
                self.source.add_at(self.reached, f"this is nested deeper than {MAX_DEPTH} levels", "make it flatter")
                raise _Stop
            self._stack.append(_Open(Node({} if isinstance(event, MappingStartEvent) else [], line, column)))

    def _place(self, node: Node) -> None:
        if not self._stack:
            self.root = node if node.raw or node.value is not None else None
            return
        top = self._stack[-1]
        if isinstance(top.node.value, list):
            top.node.value.append(node)
        elif not top.waiting:
            top.waiting, top.key, top.key_at = True, self._key(top.node, node), (node.line, node.column)
        elif isinstance(top.node.value, dict):
            top.waiting = False
            if top.key is not None:
                node.key = top.key_at
                top.node.value[top.key] = node

    def _key(self, mapping: Node, node: Node) -> str | None:
        """The key's text, or None where it is not one that can be used."""
        if isinstance(node.value, (dict, list)) or not node.raw:
            self.source.add_at(
                (node.line, node.column), "a key must be a text", "write `key: value`", hide=self.source.guarded
            )
            mapping.spoiled = True
            return None
        first = mapping.value.get(node.raw) if isinstance(mapping.value, dict) else None
        if first is None:
            return node.raw
        before = first.named_at[0]
        named = "this key" if self.source.guarded else f"`{visible(node.raw)}`"
        self.source.add_at(
            (node.line, node.column),
            f"{named} stands here a second time; the first is on line {before}",
            "keep one of the two",
            hide=self.source.guarded,
        )
        return None


_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?")
_LONGEST_NUMBER = 40
_NULLS = ("", "~", "null", "Null", "NULL")
_BOOLS: Mapping[str, bool] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


def _scalar(event: ScalarEvent) -> Scalar:
    """The value of a scalar by YAML 1.2's core schema; what YAML 1.1 would take for something else is a `Word`."""
    text: str = event.value
    if event.style or event.ctag is not None:
        return text
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if text.casefold() in ("yes", "no", "on", "off"):
        return Word(text, "yes or no")
    if _DATE.fullmatch(text):
        return Word(text, "a date")
    return _number(text)


def _number(text: str) -> Scalar:
    integer = _INTEGER.fullmatch(text)
    if not integer and not _FLOAT.fullmatch(text):
        return text
    if len(text) > _LONGEST_NUMBER:
        return Word(text, "a number")
    if integer:
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    number = (
        float(text.replace(".inf", "inf").replace(".nan", "nan")) if text[-1].isdigit() or text[-1] == "." else None
    )
    return Word(text, "a number") if number is None or abs(number) == float("inf") else number
