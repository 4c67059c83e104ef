"""`syncd explain`, `report`, `status` and `rules`: what the store tells, offline."""

from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from syncd.app.people import overrides_by_issue
from syncd.cli.terminal import (
    Exit,
    Json,
    cli,
    json_text,
    open_app,
    pour,
    print_json,
    progress,
    say,
    tell_broken,
    write_file,
)
from syncd.core.report import Report
from syncd.render.csv import report_csv
from syncd.render.html import report_html
from syncd.render.jsonable import explanation_json
from syncd.render.markdown import report_markdown
from syncd.render.report_json import report_json
from syncd.render.rules import diff_json, diff_text, log_json, log_text
from syncd.render.text import explanation_text, status_text


class ReportFormat(StrEnum):
    """What `syncd report` writes."""

    MD = "md"
    HTML = "html"
    JSON = "json"
    CSV = "csv"


@cli.command(name="explain")
def explain_(
    key: Annotated[str, typer.Argument(help="The issue's key, new or old.")],
    tracker: Annotated[str | None, typer.Option("--tracker", help="The tracker, if several know the key.")] = None,
    as_json: Json = False,  # noqa: FBT002 - typer's form of a flag
) -> None:
    """Say why an issue serves what it serves, and what is written on it. Offline. Exit 0, or 5 if it is unknown."""
    app = open_app()
    found, config = app.explain(key, tracker)
    tell_broken(app)
    if as_json:
        print_json(explanation_json(found))
    else:
        say(explanation_text(found, config.rulebook.strategy))


@cli.command()
def report(
    form: Annotated[ReportFormat, typer.Option("--format", help="What to write.")] = ReportFormat.MD,
    out: Annotated[Path | None, typer.Option("--out", help="A file to write it to.", metavar="FILE")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,  # noqa: FBT002 - typer's form of a flag
) -> None:
    """Write the alignment report by the decisions in the store; as CSV, every issue in scope. Offline."""
    with closing(_report_parts(ReportFormat.JSON if as_json else form)) as parts:
        if out is None:
            pour(parts)
        else:
            write_file(out, parts)
            say(str(out))


REPORT_TEXTS: Final[Mapping[ReportFormat, Callable[[Report], str]]] = {
    ReportFormat.MD: report_markdown,
    ReportFormat.HTML: report_html,
    ReportFormat.JSON: lambda made: json_text(report_json(made)),
}


def _report_parts(form: ReportFormat) -> Generator[str, None, None]:
    """The report's text as it comes: as CSV, no more than a batch of issues is in memory."""
    if form is ReportFormat.CSV:
        app = open_app()
        words = overrides_by_issue(app)
        with closing(app.each_issue()) as issues:
            yield from report_csv(issues, words)
    else:
        yield REPORT_TEXTS[form](open_app().report())


@cli.command()
def status(as_json: Json = False) -> None:  # noqa: FBT002 - typer's form of a flag
    """Tell cursors, last success, what waits. Offline. Exit 0, or 1 if a tracker is not healthy or something waits."""
    app = open_app()
    told = dict(app.status())
    tell_broken(app)
    healthy = told.pop("healthy")
    if as_json:
        print_json(told)
    else:
        say(status_text(told))
    raise typer.Exit(Exit.OK if healthy else Exit.WAITS)


rules = typer.Typer(name="rules", help="What an edit of the rules does, and which were in use when. Offline.")
cli.add_typer(rules)


@rules.command(name="diff")
def rules_diff(
    against: Annotated[
        str | None,
        typer.Option("--against", help="A config folder or a git ref; else the last cycle's rules.", metavar="DIR|REF"),
    ] = None,
    as_json: Json = False,  # noqa: FBT002 - typer's form of a flag
) -> None:
    """Show what the rules as they stand now would move, write and cost, against other ones. Offline. Exit 0."""
    with progress() as watch:
        app = open_app(watch)
        diff = app.rules_diff(against)
    if as_json:
        print_json(diff_json(diff))
    else:
        say(diff_text(diff, app.slowest_pace()))


@rules.command(name="log")
def rules_log(as_json: Json = False) -> None:  # noqa: FBT002 - typer's form of a flag
    """List which rules were in use since when, and who committed them. Offline. Exit 0."""
    log = open_app().rules_log()
    if as_json:
        print_json({"versions": log_json(log)})
    else:
        say(log_text(log))
