"""`syncd conflicts` and `syncd tradeoff`: what is torn, and what was decided on it."""

from typing import Annotated

import typer

from syncd.app.settling import drop_tradeoff, ledger, set_tradeoff
from syncd.cli.people import user
from syncd.cli.terminal import Json, cli, open_app, print_json, say
from syncd.core.torn import Recorded
from syncd.render.settling import recorded_json, recorded_line, torn_json, torn_lines_text

tradeoff = typer.Typer(name="tradeoff", help="A person's word on what a conflict comes from. Offline.")
cli.add_typer(tradeoff)

Cause = Annotated[str, typer.Argument(help='As `syncd conflicts` tells it: "rules a + b", "issue PAY-7".')]
Tracker = Annotated[str | None, typer.Option("--tracker", help="The tracker, if several have such a cause.")]


@cli.command(name="conflicts")
def conflicts_(as_json: Json = False) -> None:  # noqa: FBT002 - typer's form of a flag
    """List what is claimed by more than one: who decides, until when, what waits for it. Offline. Exit 0."""
    app = open_app()
    told, now = ledger(app), app.clock.now()
    if as_json:
        traded = [recorded_json(one) for one in told.tradeoffs]
        print_json({"conflicts": [torn_json(one, now) for one in told.open], "tradeoffs": traded})
    else:
        say("\n".join(torn_lines_text(told.open, now)) or "nothing is torn")


@tradeoff.command(name="set")
def set_(  # noqa: PLR0917 - typer's form: each is an option of the command
    cause: Cause,
    target: Annotated[str, typer.Argument(help="One of those that claim it: OUTCOME, overhead:ID or exempt.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for whoever asks `syncd explain`.")],
    expires: Annotated[
        str | None, typer.Option("--expires", help="The last day on which it holds.", metavar="DATE")
    ] = None,
    by: Annotated[str | None, typer.Option("--by", help="Who says so; else the user of this machine.")] = None,
    tracker: Tracker = None,
    as_json: Json = False,  # noqa: FBT002 - typer's form of a flag
) -> None:
    """Decide a cause of conflict; the next cycle decides its issues with it. Exit 0, 2 not claimed, 5 no such cause."""
    one = set_tradeoff(open_app(), cause, target, by=by or user(), reason=reason, expires=expires, tracker=tracker)
    told = Recorded(one, "from the next cycle on")
    if as_json:
        print_json(recorded_json(told))
    else:
        say(recorded_line(told))


@tradeoff.command(name="list")
def list_(as_json: Json = False) -> None:  # noqa: FBT002 - typer's form of a flag
    """List every trade-off that stands, and how many issues it decides. Exit 0."""
    told = ledger(open_app()).tradeoffs
    if as_json:
        print_json({"tradeoffs": [recorded_json(one) for one in told]})
    else:
        say("\n".join(map(recorded_line, told)) or "nobody recorded a trade-off")


@tradeoff.command()
def drop(cause: Cause, tracker: Tracker = None, as_json: Json = False) -> None:  # noqa: FBT002 - typer's form of a flag
    """Take a trade-off back: its conflict is open again with the next cycle. Exit 0, or 5 if there is none."""
    told = Recorded(drop_tradeoff(open_app(), cause, tracker=tracker), "taken back")
    if as_json:
        print_json(recorded_json(told))
    else:
        say(recorded_line(told))
