"""`syncd override`, `findings`, `withdraw` and `adopt`: people's words, and what syncd left in the trackers."""

import getpass
import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer

from syncd.app.people import adopt_all, closed_findings, drop_override, findings, overrides, set_override, withdraw_from
from syncd.cli.terminal import Exit, Json, cli, complain, open_app, print_json, progress, say
from syncd.render.people import closed_json, finding_json, finding_lines, said_line
from syncd.render.words import said_json

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
    said = set_override(open_app(), key, target, by=by or user(), reason=reason, expires=expires, tracker=tracker)
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


@cli.command(name="withdraw")
def withdraw_(
    tracker: Annotated[str | None, typer.Option("--tracker", help="From this whole tracker.", metavar="ID")] = None,
    project: Annotated[
        str | None, typer.Option("--project", help="Of that tracker, from this project only.", metavar="KEY")
    ] = None,
    issue: Annotated[str | None, typer.Option("--issue", help="From this issue only.", metavar="KEY")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,  # noqa: FBT002 - typer's form of a flag
) -> None:
    """Take off all that syncd ever left there, and put the place on hold. Exit 0, or 1 if something is left."""
    if (tracker is None) is (issue is None) or (project is not None and tracker is None):
        complain("say from where: --tracker ID, --tracker ID --project KEY, or --issue KEY")
        raise typer.Exit(Exit.CONFIG)
    place = issue or (tracker if project is None else f"{project} in {tracker}")
    if not yes:
        _ask(f"Take off everything that syncd left on {place}?")
    with progress() as watch:
        left = withdraw_from(open_app(watch), tracker=tracker, project=project, issue=issue)
    for note in left.notes:
        complain(note)
    gone = f", and the labels {', '.join(left.labels)}" if left.labels else ""
    say(f"{left.applied} removals on {left.issues} issues{gone}; {place} is on hold until an `apply --plan`")
    raise typer.Exit(Exit.WAITS if left.waiting else Exit.OK)


def _ask(question: str) -> None:
    if not sys.stdin.isatty():
        complain(f"{question} Nobody can answer here: say so with --yes")
        raise typer.Exit(Exit.CONFIG)
    typer.confirm(question, abort=True, err=True)


@cli.command(name="adopt")
def adopt_(as_json: Json = False) -> None:  # noqa: FBT002 - typer's form of a flag
    """Take over what this installation signed in the trackers, by whichever store. Exit 0, or 4 if not all was read."""
    with progress() as watch:
        told = adopt_all(open_app(watch))
    if as_json:
        print_json({"trackers": {one.tracker: {**asdict(one), "tracker": one.tracker} for one in told}})
    for one in told:
        for note in one.notes:
            complain(note)
        if not as_json:
            say(f"{one.tracker}: took over {one.marks} marks and {one.comments} comments")
    raise typer.Exit(Exit.OK if all(one.complete for one in told) else Exit.UNREADABLE)


def _show(told: Any) -> None:
    if isinstance(told, str):
        say(told)
    else:
        print_json(told)


def user() -> str:
    """Whoever runs this command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
