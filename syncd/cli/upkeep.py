"""The store's upkeep (`migrate`, `backup`, `restore`), and `syncd demo`: the whole story on a served tracker."""

from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.terminal import Exit, cli, complain, open_app, say


@cli.command(name="migrate")
def migrate_() -> None:
    """Bring the store to this version's tables; create it if there is none."""
    applied = open_app().migrate()
    say(f"migrated: {', '.join(applied)}" if applied else "the store is up to date")


@cli.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where to write it; a .jsonl.gz.", metavar="FILE")],
) -> None:
    """Write the whole store to one file, while syncd goes on working. Exit 0, or 1 if it cannot be written."""
    made = open_app().backup(file)
    say(f"{file}: {made.rows} rows of {made.tables} tables, at revision {made.revision}")


@cli.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that `syncd backup` wrote.", metavar="FILE")],
) -> None:
    """Fill the store that syncd.yaml names from a backup; it must be empty. Exit 0, or 1 if nothing was changed."""
    found = open_app().restore(file)
    taken = f"{found.taken:%Y-%m-%d %H:%M} UTC"
    say(f"{found.rows} rows of {found.tables} tables as of {taken}. Trackers have moved on since: run `syncd plan`.")


@cli.command()
def demo(
    issues: Annotated[
        Path | None, typer.Option("--issues", help="Serve these real issues, one JSON issue a line.", metavar="FILE")
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option("--rules", help="A folder with strategy.yaml and rules.yaml to use.", metavar="DIR"),
    ] = None,
    write_closed: Annotated[bool, typer.Option("--write-closed", help="Label closed work, too.")] = False,  # noqa: FBT002 - typer's form of a flag
    folder: Annotated[Path, typer.Option("--dir", help="Where to keep config, store and report.")] = Path("demo-out"),
) -> None:
    """Play the whole story against a small Jira served on this machine: no account, no network."""
    try:
        from syncd.demo import play  # noqa: PLC0415 - needs the extra `demo`, which other commands do not
    except ImportError as missing:
        complain(f"the demo needs the extra `demo` ({missing.name} is missing): pip install 'syncd[demo]'")
        raise typer.Exit(Exit.CONFIG) from None
    for line in play(folder, issues=issues, rules=rules, write_closed=write_closed):
        say(line)
