"""`syncd override` and `syncd findings`: what people say on single issues, and what waits for whom. Offline."""

import getpass
from typing import Annotated, Any

import typer

from syncd.cli.terminal import Exit, Json, cli, complain, open_app, print_json, say
from syncd.people import closed_findings, drop_override, findings, overrides, set_override
from syncd.render.people import closed_json, finding_json, finding_lines, said_json, said_line

override = typer.Typer(name="override", help="A person's word on one issue: it stands before every rule. Offline.")
cli.add_typer(override)

Key = Annotated[str, typer.Argument(help="The issue's key, new or old.")]
Tracker = Annotated[str | None, typer.Option("--tracker", help="The tracker, if several know the key.")]


@override.command(name="set")
def set_(  # noqa: PLR0917 - typer's form: each is an option of the command
    key: Key,
    target: Annotated[str, typer.Argument(help="OUTCOME, OUTCOME/OBJECTIVE, overhead:ID, or auto: the rules decide.")],
    reason: Annotated[str | None, typer.Option("--reason", help="Why, for whoever asks `syncd explain`.")] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", help="The last day on which it holds.", metavar="DATE")
    ] = None,
    by: Annotated[str | None, typer.Option("--by", help="Who says so; else the user of this machine.")] = None,
    tracker: Tracker = None,
    as_json: Json = False,  # noqa: FBT002 - typer's form of a flag
) -> None:
    """Say what an issue serves; the next cycle decides with it. Exit 0, 2 for no such outcome, 5 for no such issue."""
    said = set_override(open_app(), key, target, by=by or _user(), reason=reason, expires=expires, tracker=tracker)
    _show(said_json(said) if as_json else said_line(said))


@override.command(name="list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Those that ended, too.")] = False,  # noqa: FBT002 - typer's form
    as_json: Json = False,  # noqa: FBT002 - typer's form of a flag
) -> None:
    """List every word that stands, by hand-set marks and by commands. Exit 0."""
    told = overrides(open_app(), ended=everything)
    if as_json:
        print_json({"overrides": [said_json(said) for said in told]})
    else:
        say("\n".join(map(said_line, told)) or "nobody has said anything")


@override.command()
def drop(key: Key, tracker: Tracker = None, as_json: Json = False) -> None:  # noqa: FBT002 - typer's form of a flag
    """Take back what was said by command on an issue. Exit 0, or 5 if nothing was."""
    told = drop_override(open_app(), key, tracker=tracker)
    if as_json:
        print_json({"dropped": [said_json(said) for said in told]})
    elif told:
        say("\n".join(map(said_line, told)))
    else:
        complain(f"nothing was said on {key} by command; a mark that a person put on it is theirs to take off")
    raise typer.Exit(Exit.OK if told else Exit.UNKNOWN)


@cli.command(name="findings")
def findings_(
    level: Annotated[
        int | None, typer.Option("--level", help="5000, 10000, 20000 or 30000 feet only.", metavar="FEET")
    ] = None,
    closed: Annotated[bool, typer.Option("--closed", help="What was settled instead.")] = False,  # noqa: FBT002 - typer's form
    as_json: Json = False,  # noqa: FBT002 - typer's form of a flag
) -> None:
    """List what people should settle, by level: who, since when, until when. Offline. Exit 0."""
    app = open_app()
    if closed:
        rows = closed_json(closed_findings(app))
        _show({"closed": rows} if as_json else "\n".join(f"{r['closed']} {r['kind']}: {r['text']}" for r in rows))
        return
    told, now = findings(app, level), app.clock.now()
    if as_json:
        print_json({"findings": [finding_json(one, now) for one in told]})
    else:
        say("\n".join(finding_lines(told, now)) or "nothing waits for anybody")


def _show(told: Any) -> None:
    if isinstance(told, str):
        say(told)
    else:
        print_json(told)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
