"""What every command shares: its options, its exit codes, and the terminal it prints on."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from syncd import __version__
from syncd.app import App
from syncd.cli.streams import put, put_error, put_utf8
from syncd.core.errors import SyncdError
from syncd.render.check import check_text

DEFAULT_CONFIG: Final = "config"
INTERRUPTED: Final = 130
"""The exit code after Ctrl-C."""


class Exit(IntEnum):
    """Exit codes; `worst` of several counts."""

    OK = 0
    WAITS = 1
    """Something could not be written or waits; the store cannot be used; `status` is not healthy."""
    CONFIG = 2
    REFUSED = 3
    UNREADABLE = 4
    UNKNOWN = 5


cli = typer.Typer(
    name="syncd",
    help="Ties every issue in the trackers to one strategic outcome, and says so where engineers look.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


class Given:
    """What stood before the command: filled by `main`, read by every command."""

    directory: Path = Path(DEFAULT_CONFIG)


def _version(asked: bool) -> None:  # noqa: FBT001 - typer's form of a flag
    if asked:
        say(f"syncd {__version__}")
        raise typer.Exit


@cli.callback()
def options(
    config: Annotated[
        Path, typer.Option("--config", envvar="SYNCD_CONFIG", help="The config folder.", metavar="DIR")
    ] = Path(DEFAULT_CONFIG),
    version: Annotated[  # noqa: ARG001, FBT002 - its callback does it; typer's form of a flag
        bool, typer.Option("--version", help="Print the version and leave.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """Ties every issue in the trackers to one strategic outcome, and says so where engineers look."""
    Given.directory = config


def open_app(watch: Any = None) -> App:
    """The config folder that was given, with the real clock behind it."""
    app = App(Given.directory, os.environ, wait=time.sleep)
    if watch is not None:
        app.watch = watch
    return app


@contextmanager
def progress() -> Iterator[Any]:
    """A bar on stderr for long work; silent without a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),  # "-:--:--" while nobody can tell
    )
    with Progress(*columns, console=console, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def watch(what: str, done: int, of: int | None) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=of, completed=done)  # what was done before is no pace of ours
            bars.update(tasks[what], completed=done, total=of)

        yield watch


def say(text: str) -> None:
    """A line for whoever reads or pipes the result: stdout."""
    put(f"{text}\n")


def complain(text: str) -> None:
    """A line for a person: stderr."""
    put_error(f"{text}\n")


def json_text(value: Any) -> str:
    """One JSON value, indented."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def print_json(value: Any) -> None:
    """One JSON value on stdout."""
    put_utf8(json_text(value))


def pour(parts: Iterator[str]) -> None:
    """Parts of a text to stdout, in UTF-8 and with their own line ends, for as long as anybody reads."""
    for part in parts:
        if not put_utf8(part):
            return


def write_file(path: Path, parts: Iterator[str]) -> None:
    """Parts of a text to a file. What makes them fails, if at all, before the file is touched."""
    first = next(parts, "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write(first)
            file.writelines(parts)
    except OSError as failed:
        raise SyncdError(f"{path} cannot be written: {failed.strerror}") from None


def tell_broken(app: App) -> None:
    """Rules that are broken now were not used: say so wherever somebody looks."""
    if app.broken:
        put_error(check_text(app.broken))
        complain("The rules last in use stay in force until these problems are mended (`syncd check`).")


def tell_incomplete(incomplete: Any) -> None:
    """Trackers that could not be read whole, and why."""
    for why in incomplete.values():
        complain(f"not read whole: {why}")
