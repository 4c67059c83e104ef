"""`syncd once`, `plan` and `apply`: the commands that go to the trackers."""

from typing import Annotated, Any

import typer

from syncd.cli.terminal import (
    Exit,
    Json,
    cli,
    complain,
    open_app,
    print_json,
    progress,
    say,
    tell_broken,
    tell_incomplete,
)
from syncd.engine.cycle import Applied
from syncd.engine.work import CycleResult
from syncd.render.jsonable import plan_json
from syncd.render.text import action_text, cycle_line, plan_text
from syncd.telemetry import logger

AcceptMissing = Annotated[
    list[str] | None,
    typer.Option(
        "--accept-missing", help="Believe that what answers nothing there was deleted, however much.", metavar="TRACKER"
    ),
]


@cli.command()
def once(accept_missing: AcceptMissing = None, as_json: Json = False) -> None:  # noqa: FBT002 - typer's form of a flag
    """Run one whole cycle for every tracker. Exit 0, 1 something waits, 3 a plan was refused, 4 not all was read."""
    with progress() as watch:
        app = open_app(watch)
        results = app.once(accept_missing or ())
    for result in results:
        _log_cycle(result, broken=len(app.broken))
    tell_broken(app)
    numbers = {result.tracker: _cycle_json(result) for result in results}
    if as_json:
        print_json({"trackers": numbers})
    else:
        for result in results:
            _tell_cycle(result, numbers[result.tracker])
    broken = Exit.CONFIG if app.broken else Exit.OK
    raise typer.Exit(max([broken, *(_cycle_exit(result) for result in results)]))


@cli.command()
def plan(as_json: Json = False) -> None:  # noqa: FBT002 - typer's form of a flag
    """Show what would be written and why; nothing that writes exists in this process. Exit 0, or 3 if it is refused."""
    with progress() as watch:
        shown = open_app(watch).plan()
    tell_incomplete(shown.incomplete)
    if as_json:
        print_json(plan_json(shown.plan, shown.refusals))
    else:
        say(plan_text(shown.plan, shown.refusals))
    refused = Exit.REFUSED if shown.refusals else Exit.OK
    raise typer.Exit(Exit.UNREADABLE if shown.incomplete else refused)


@cli.command()
def apply(
    digest: Annotated[str, typer.Option("--plan", help="The digest of a plan that was shown.", metavar="DIGEST")],
    exact: Annotated[bool, typer.Option("--exact", help="All of it, or nothing.")] = False,  # noqa: FBT002 - typer's form of a flag
    as_json: Json = False,  # noqa: FBT002 - typer's form of a flag
) -> None:
    """Do those actions of a shown plan that still hold. Exit 0 settled, 1 something waits, 3 nothing of it holds."""
    with progress() as watch:
        result = open_app(watch).apply(digest, exact=exact)
    if result is None:
        complain(f"no plan {digest} is known; `syncd plan` shows one with its digest")
        raise typer.Exit(Exit.REFUSED)
    tell_incomplete(result.incomplete)
    if as_json:
        print_json(_applied_json(result))
    else:
        say(_applied_text(result, exact=exact))
    for note in result.notes:
        complain(note)
    raise typer.Exit(_applied_exit(result, exact=exact))


# --- exit codes -------------------------------------------------------------------------------------------


def _cycle_exit(result: CycleResult) -> Exit:
    if not result.complete:
        return Exit.UNREADABLE
    if result.refusals:
        return Exit.REFUSED
    return Exit.WAITS if result.waiting else Exit.OK


def _applied_exit(result: Applied, *, exact: bool) -> Exit:
    if result.nothing_holds or (exact and result.dropped):
        return Exit.REFUSED
    return Exit.WAITS if result.waits else Exit.OK


# --- shapes and texts -------------------------------------------------------------------------------------


def _cycle_json(result: CycleResult) -> dict[str, Any]:
    names = ("observed", "decided", "planned", "applied", "skipped", "requests", "complete")
    numbers: dict[str, Any] = {name: getattr(result, name) for name in names}
    refused = [{"reason": r.reason, "digest": r.digest, "counts": dict(r.counts)} for r in result.refusals]
    return {**numbers, "waiting": result.waiting, "why": result.why, "refused": refused, "notes": list(result.notes)}


def _tell_cycle(result: CycleResult, numbers: dict[str, Any]) -> None:
    say(cycle_line(result.tracker, numbers))
    if result.why is not None:
        complain(f"not read whole: {result.why}")
    for refusal in result.refusals:
        complain(f"{refusal.reason}.\n  look: syncd plan; do it: syncd apply --plan {refusal.digest}")
    for note in result.notes:
        complain(note)


def _log_cycle(result: CycleResult, *, broken: int) -> None:
    log = logger()
    facts = {k: v for k, v in _cycle_json(result).items() if k not in ("notes", "refused")}
    (log.info if result.complete else log.warning)(
        "cycle_finished", tracker=result.tracker, refused=len(result.refusals), rules_problems=broken, **facts
    )


def _applied_json(result: Applied) -> dict[str, Any]:
    return {
        "digest": result.digest,
        "applied": result.applied,
        "settled_before": result.settled_before,
        "dropped": [action.key for action in result.dropped],
        "new": [action.key for action in result.new],
        "waiting": result.waiting,
        "requests": result.requests,
        "complete": not result.incomplete,
    }


def _applied_text(result: Applied, *, exact: bool) -> str:
    lines = [f"Plan {result.digest}: {result.applied} done now, {result.settled_before} done before."]
    if result.dropped:
        lines.append(f"{len(result.dropped)} no longer hold and were dropped:")
        lines += [f"  {action_text(action)}" for action in result.dropped]
        if exact:
            lines.append("Nothing was written, since --exact wants all of it.")
    if result.new:
        lines.append(f"{len(result.new)} were not shown and wait (`syncd plan` shows them).")
    if result.waiting:
        lines.append(f"{result.waiting} could not be written and wait.")
    return "\n".join(lines)
