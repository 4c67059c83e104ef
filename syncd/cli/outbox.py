"""`syncd outbox`: writes that wait, and those that failed for good: retried or dropped by a person. Offline."""

from typing import Annotated

import typer

from syncd.app.outbox import settle_dead, waiting_writes
from syncd.cli.terminal import Exit, Json, cli, complain, open_app, print_json, say
from syncd.render.jsonable import entry_json
from syncd.render.text import entry_line

outbox = typer.Typer(name="outbox", help="Writes that wait, and those that failed for good. Offline.")
cli.add_typer(outbox)

Issue = Annotated[str | None, typer.Option("--issue", help="The issue's key, new or old.", metavar="KEY")]
All = Annotated[bool, typer.Option("--all", help="Every dead letter of every tracker.")]


@outbox.command(name="list")
def list_(as_json: Json = False) -> None:  # noqa: FBT002 - typer's form of a flag
    """List writes that are not over, and those that were dropped. Exit 0, or 1 if one waits for a person."""
    entries = [entry_json(entry) for entry in waiting_writes(open_app())]
    if as_json:
        print_json({"entries": entries})
    else:
        say("\n".join(map(entry_line, entries)) or "nothing waits")
    raise typer.Exit(Exit.WAITS if any(entry["state"] == "dead" for entry in entries) else Exit.OK)


@outbox.command()
def retry(issue: Issue = None, everything: All = False, as_json: Json = False) -> None:  # noqa: FBT002 - typer's form
    """Let the next cycle try dead letters again, from the beginning. Exit 0, or 5 if that issue has none."""
    _settle(issue, everything, as_json, again=True)


@outbox.command()
def drop(issue: Issue = None, everything: All = False, as_json: Json = False) -> None:  # noqa: FBT002 - typer's form
    """Give dead letters up: not written while the same is wanted. Exit 0, or 5 if that issue has none."""
    _settle(issue, everything, as_json, again=False)


def _settle(issue: str | None, everything: bool, as_json: bool, *, again: bool) -> None:  # noqa: FBT001 - as given
    if (issue is None) is not everything:
        complain("say which: --issue KEY, or --all")
        raise typer.Exit(Exit.CONFIG)
    entries = [entry_json(entry) for entry in settle_dead(open_app(), issue, again=again)]
    name = "retried" if again else "dropped"
    if as_json:
        print_json({name: entries})
    else:
        say("\n".join(f"{name} {entry['key']}: {entry['kind']}" for entry in entries) or "no write waits for a person")
