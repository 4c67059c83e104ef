"""`syncd init` and `syncd check`: writing the config folder and finding what is wrong with it."""

import shlex
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import orjson
import typer

from syncd.cli.first import try_it
from syncd.cli.streams import put, put_error, put_utf8
from syncd.cli.terminal import DEFAULT_CONFIG, INTERRUPTED, Exit, Given, cli, complain, json_text, open_app, say
from syncd.core.errors import Problem
from syncd.files.problems import fails
from syncd.render.check import check_github, check_json, check_summary, check_text


@cli.command()
def init(
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Where to write it; else the config folder.", metavar="DIR")
    ] = None,
) -> None:
    """Write a commented starter config. On a terminal it asks for your tracker. Exit 0, or 2 if a file is there."""
    Given.directory = folder or Given.directory
    asks = sys.stdin.isatty() and sys.stdout.isatty()
    try:
        written = open_app().init(_ask if asks else None, say)
    except (EOFError, KeyboardInterrupt):
        complain("\nnothing was written")
        raise typer.Exit(INTERRUPTED) from None
    say("\n".join(map(str, written)))
    if asks:
        _try_it()
    given = "" if Given.directory == Path(DEFAULT_CONFIG) else f" --config {shlex.quote(str(Given.directory))}"
    say("Each file says what belongs in it. Edit them, and put the token into the variable that `auth:` names. Then:")
    say(f"  syncd{given} check\n  syncd{given} plan")


def _try_it() -> None:
    try:
        try_it()
    except (EOFError, KeyboardInterrupt):
        complain("\nthe files stand; nothing else was done")


def _ask(question: str, default: str) -> str:
    return input(f"{question} [{default}]: " if default else f"{question}: ").strip() or default


class CheckFormat(StrEnum):
    """What `syncd check` writes."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


@cli.command()
def check(
    strict: Annotated[bool, typer.Option("--strict", help="Fail for advice, too.")] = False,  # noqa: FBT002 - typer's form of a flag
    watch: Annotated[bool, typer.Option("--watch", help="Check again on every change, until Ctrl-C.")] = False,  # noqa: FBT002 - typer's form of a flag
    form: Annotated[
        CheckFormat, typer.Option("--format", help="How to tell it; github: as annotations.")
    ] = CheckFormat.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,  # noqa: FBT002 - typer's form of a flag
) -> None:
    """Tell all problems of all config files, and advice; no network. Exit 0, or 2 if there are errors."""
    app, code = open_app(), Exit.OK
    try:
        for problems in app.checks() if watch else [app.check()]:
            code = Exit.CONFIG if any(fails(p, strict=strict) for p in problems) else Exit.OK
            _tell_check(problems, CheckFormat.JSON if as_json else form, strict=strict, in_a_row=watch)
    except KeyboardInterrupt:
        if not watch:
            raise
    raise typer.Exit(code)


def _tell_check(problems: Sequence[Problem], form: CheckFormat, *, strict: bool, in_a_row: bool) -> None:
    """One check. Of several in a row, each is one line of JSON."""
    match form:
        case CheckFormat.JSON:
            found = check_json(problems, strict=strict)
            put_utf8(orjson.dumps(found).decode() + "\n" if in_a_row else json_text(found))
        case CheckFormat.GITHUB:
            put(check_github(problems, Path.cwd(), strict=strict))
        case CheckFormat.TEXT:
            put_error(check_text(problems))
            say(check_summary(str(Given.directory), problems))
