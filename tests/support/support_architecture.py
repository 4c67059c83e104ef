"""The rules of the house, read off the syntax tree: who may import what, print, exit, read the environment.

import-linter (pyproject.toml) follows chains of imports between our own modules; this checker also knows the
libraries' homes, the purity of the core and what is done without an import. It works on any tree, so that a test can
plant a breach.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HOUSE = ("syncd", "connectors")
FILES = "syncd.files"  # what the loaders of config files share

# Which modules of the house a module may import, by its longest matching name. A module with no line here has no place.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "syncd": (),
    "syncd.core": ("syncd.core",),
    "syncd.files": ("syncd.core", FILES),
    "syncd.telemetry": ("syncd.core",),
    "syncd.rulebook": ("syncd.core", "syncd.rulebook", FILES),
    "syncd.settings": ("syncd.core", "syncd.settings", FILES),
    "syncd.config": ("syncd.core", "syncd.config", "syncd.rulebook", "syncd.settings", FILES),
    "syncd.config.starter": (),
    "syncd.config.watch": (),
    "syncd.config.schema_words": (),
    "syncd.store": ("syncd.core", "syncd.store"),
    "syncd.engine": ("syncd.core", "syncd.engine", "syncd.telemetry"),
    "syncd.render": ("syncd.core", "syncd.render", "syncd.files.problems"),
    "syncd.service": ("syncd.core", "syncd.service", "syncd.telemetry"),
    "syncd.tracing": ("syncd.telemetry",),
    "syncd.gauges": (
        "syncd.__version__",
        "syncd.core",
        "syncd.engine",
        "syncd.config.living",
        "syncd.service",
        "syncd.settings",
        "syncd.store",
        "syncd.telemetry",
    ),
    "syncd.app": HOUSE,
    "syncd.daemon": HOUSE,
    "syncd.demo": HOUSE,
    "syncd.cli": ("syncd",),
    "syncd.__main__": ("syncd.cli",),
    "connectors": (),
    "connectors.http": ("syncd.core", "connectors.http"),
    "connectors.jira": ("syncd.core", "connectors.http", "connectors.jira"),
    "connectors.linear": ("syncd.core", "connectors.http", "connectors.linear"),
    "connectors.sandbox": ("connectors.sandbox",),
}

READS_CONFIG = ("syncd.files", "syncd.rulebook", "syncd.settings")

# One library, one home. A library that is not listed has none, and needs a decision first.
HOMES: dict[str, tuple[str, ...]] = {
    "alembic": ("syncd.store",),
    "cel": ("syncd.core",),
    "dbos": ("syncd.engine.dbos_engine",),
    "fastapi": ("connectors.sandbox", "syncd.service"),
    "graphql": ("connectors.sandbox",),
    "httpx": ("connectors.http", "connectors.jira.transport"),
    "jira": ("connectors.jira",),
    "opentelemetry": ("syncd.tracing",),
    "orjson": ("syncd.store", "syncd.render", "syncd.cli", "connectors"),
    "prometheus_client": ("syncd.service",),
    "psycopg": ("syncd.store",),
    "pydantic": READS_CONFIG,
    "pydantic_core": READS_CONFIG,
    "re2": ("syncd.core",),
    "requests": ("connectors.jira",),
    "rich": ("syncd.cli",),
    "ruamel": ("syncd.files.yamlfile",),
    "sqlalchemy": ("syncd.store",),
    "starlette": ("connectors.sandbox", "syncd.service"),
    "structlog": ("syncd.telemetry",),
    "tenacity": ("connectors.http",),
    "typer": ("syncd.cli",),
    "uvicorn": ("connectors.sandbox", "syncd.service"),
    # of the standard library, what DESIGN gives one home or none
    "asyncio": ("connectors.sandbox",),  # the server that it is served by has a loop
    "pickle": (),
    "sqlite3": ("syncd.store",),
}

# The core is values in, values out: of the standard library it gets only what cannot touch the world.
PURE = frozenset({
    "__future__", "abc", "base64", "bisect", "calendar", "collections", "contextlib", "copy",
    "dataclasses", "datetime", "decimal", "difflib", "enum", "fractions", "functools", "graphlib",
    "hashlib", "heapq", "html", "itertools", "json", "math", "numbers", "operator", "re", "statistics",
    "string", "textwrap", "types", "typing", "unicodedata", "uuid",
})  # fmt: skip
IMPURE_CALLS = frozenset(
    {"open", "input", "exec", "eval", "__import__", "breakpoint"}
    | {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "uuid.uuid1", "uuid.uuid4"}
)

PRINTERS = ("syncd.cli", "connectors.sandbox.__main__", "connectors.sandbox.linear.__main__")  # say their address
EXITS = ("syncd.cli", "syncd.__main__")
ENVIRONMENT_READERS = ("syncd.cli", "syncd.app", "syncd.settings")
IMPORTS_BY_NAME = ("syncd.app",)  # the table KINDS holds import strings

PRINTS = frozenset({"print", "sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__"})
LEAVES = frozenset({"exit", "quit", "sys.exit", "os._exit", "os.abort", "SystemExit"})
ENVIRONMENT = frozenset({"os.environ", "os.environb", "os.getenv", "os.getenvb"})


@dataclass(frozen=True, slots=True)
class Breach:
    """One broken rule and where."""

    module: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line}: {self.what}"


@dataclass(frozen=True, slots=True)
class Module:
    """One source file under its dotted name."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def package(self) -> str:
        """The package that its relative imports start from."""
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]


def modules_of(root: Path) -> list[Module]:
    """Every module of syncd and connectors under root, sorted by name."""
    found = []
    for path in sorted(file for package in HOUSE for file in (root / package).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found.append(Module(name, path, ast.parse(path.read_text(encoding="utf-8"), str(path))))
    return found


def breaches(root: Path) -> list[Breach]:
    """Every broken rule in the tree under root."""
    return [breach for module in modules_of(root) for breach in _breaches_of(module)]


def imports_of(module: Module) -> Iterator[tuple[int, str]]:
    """The line and the dotted name of everything that a module imports, wherever in it that stands."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = module.package.split(".")
                base = ".".join([*above[: len(above) - node.level + 1], *filter(None, [base])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and _dotted(node.func).endswith("import_module") and node.args:
            match node.args[0]:
                case ast.Constant(value=str(name)):
                    yield node.lineno, name.replace(":", ".")
                case _:
                    pass  # a computed name: see _calls


def within(name: str, homes: tuple[str, ...]) -> bool:
    """Whether a dotted name is one of these or lies below one of them."""
    return any(name == home or name.startswith(home + ".") for home in homes)


def _breaches_of(module: Module) -> Iterator[Breach]:
    place = _place_of(module.name)
    if place is None:
        yield Breach(module.name, 1, "has no place in the house: give it one in MAY_IMPORT")
        return
    for line, imported in imports_of(module):
        what = _what_is_wrong_with(module.name, place, imported)
        if what:
            yield Breach(module.name, line, what)
    yield from _acts_of(module)


def _place_of(name: str) -> str | None:
    """The longest line of MAY_IMPORT that a module falls under; the bare packages cover only themselves."""
    exact = name if name in MAY_IMPORT else None
    return exact or max(
        (line for line in MAY_IMPORT if line not in HOUSE and within(name, (line,))), key=len, default=None
    )


def _what_is_wrong_with(importer: str, place: str, imported: str) -> str | None:
    library = imported.partition(".")[0]
    if library in HOUSE:
        allowed = within(imported, MAY_IMPORT[place])
        return (
            None if allowed else f"imports {imported}; it may import only {', '.join(MAY_IMPORT[place]) or 'libraries'}"
        )
    if library in HOMES:
        allowed = within(importer, HOMES[library])
        return (
            None if allowed else f"imports {library}, which lives in {', '.join(HOMES[library]) or 'no module at all'}"
        )
    if library not in sys.stdlib_module_names:
        return f"imports {library}, which has no home: give it one in HOMES"
    if within(importer, ("syncd.core",)) and library not in PURE:
        return f"imports {library}: the core is pure"
    return None


def _acts_of(module: Module) -> Iterator[Breach]:
    """What a module does without an import of note: prints, leaves, reads the environment, reaches the world."""
    for node in ast.walk(module.tree):
        for line, name in _names_in(node):
            if name in PRINTS and not within(module.name, PRINTERS):
                yield Breach(module.name, line, f"uses {name}: only syncd.cli prints")
            if name in LEAVES and not within(module.name, EXITS):
                yield Breach(module.name, line, f"uses {name}: only syncd.cli exits")
            if name in ENVIRONMENT and not within(module.name, ENVIRONMENT_READERS):
                yield Breach(module.name, line, f"uses {name}: it is handed its settings")
        if isinstance(node, ast.Call):
            yield from _calls(module, node)


def _calls(module: Module, node: ast.Call) -> Iterator[Breach]:
    name = _dotted(node.func)
    if within(module.name, ("syncd.core",)) and ".".join(name.split(".")[-2:]) in IMPURE_CALLS:
        yield Breach(module.name, node.lineno, f"calls {name}: the core is pure")
    named = node.args and isinstance(node.args[0], ast.Constant)
    if name.endswith(("import_module", "__import__")) and not named and not within(module.name, IMPORTS_BY_NAME):
        yield Breach(module.name, node.lineno, "imports by a computed name: only syncd.app does, from KINDS")


def _names_in(node: ast.AST) -> Iterator[tuple[int, str]]:
    """The line and the dotted name of what one node uses; `from os import environ` counts as os.environ."""
    match node:
        case ast.Attribute(value=ast.Name(id=owner), attr=attribute, lineno=line):
            yield line, f"{owner}.{attribute}"
        case ast.Name(id=name, ctx=ast.Load(), lineno=line):
            yield line, name
        case ast.ImportFrom(module=str(owner), level=0, names=names, lineno=line):
            yield from ((line, f"{owner}.{alias.name}") for alias in names)
        case _:
            return


def _dotted(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attribute):
            return f"{_dotted(value)}.{attribute}".lstrip(".")
        case _:
            return ""
