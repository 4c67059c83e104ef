"""The commands: parse, call `App`, print, pick the exit code (DESIGN §10). The only file that prints or exits.

What a program reads goes to stdout; progress, logs and problems go to stderr. No traceback ever reaches a user.
"""

import os
import shlex
import sys
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from syncd import __version__
from syncd.app import App, SeveralTrackersError, UnknownKeyError
from syncd.core.errors import ConfigError, Problem, SyncdError, TrackerError
from syncd.core.report import Report
from syncd.engine.cycle import Applied
from syncd.engine.work import CycleResult, LeaseLostError
from syncd.newconfig import AlreadyThereError
from syncd.problems import fails, problem_text
from syncd.render.check import check_github, check_json, check_summary, check_text
from syncd.render.csv import report_csv
from syncd.render.html import report_html
from syncd.render.jsonable import explanation_json, plan_json, report_json
from syncd.render.markdown import report_markdown
from syncd.render.rules import diff_json, diff_text, log_json, log_text
from syncd.render.text import action_text, cycle_line, explanation_text, plan_text, status_text
from syncd.telemetry import configure, logger

DEFAULT_CONFIG: Final = "config"


class Exit(IntEnum):
    """Exit codes; `worst` of several counts."""

    OK = 0
    WAITS = 1
    """Something could not be written or waits; the store cannot be used; `status` is not healthy."""
    CONFIG = 2
    REFUSED = 3
    UNREADABLE = 4
    UNKNOWN = 5


class ReportFormat(StrEnum):
    """What `syncd report` writes."""

    MD = "md"
    HTML = "html"
    JSON = "json"
    CSV = "csv"


cli = typer.Typer(
    name="syncd",
    help="Ties every issue in the trackers to one strategic outcome, and says so where engineers look.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


class _Given:
    """What stood before the command: filled by `main`, read by every command."""

    directory: Path = Path(DEFAULT_CONFIG)


def _version(asked: bool) -> None:  # noqa: FBT001 - typer's form of a flag
    if asked:
        _say(f"syncd {__version__}")
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
    _Given.directory = config


# --- commands ---------------------------------------------------------------------------------------------


@cli.command()
def init(
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Where to write it; else the config folder.", metavar="DIR")
    ] = None,
) -> None:
    """Write a commented starter config. On a terminal it asks for your tracker. Exit 0, or 2 if a file is there."""
    _Given.directory = folder or _Given.directory
    asks = sys.stdin.isatty() and sys.stdout.isatty()
    try:
        written = _app().init(_ask if asks else None, _say)
    except (EOFError, KeyboardInterrupt):
        _complain("\nnothing was written")
        raise typer.Exit(INTERRUPTED) from None
    _say("\n".join(map(str, written)))
    given = "" if _Given.directory == Path(DEFAULT_CONFIG) else f" --config {shlex.quote(str(_Given.directory))}"
    _say("Each file says what belongs in it. Edit them, and put the account's API token into $JIRA_TOKEN. Then:")
    _say(f"  syncd{given} check\n  syncd{given} plan")


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
    app, code = _app(), Exit.OK
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
            sys.stdout.write(orjson.dumps(found).decode() + "\n" if in_a_row else _json_text(found))
        case CheckFormat.GITHUB:
            sys.stdout.write(check_github(problems, Path.cwd(), strict=strict))
        case CheckFormat.TEXT:
            sys.stderr.write(check_text(problems))
            _say(check_summary(str(_Given.directory), problems))
    sys.stdout.flush()


@cli.command()
def once(as_json: Json = False) -> None:  # noqa: FBT002 - typer's form of a flag
    """Run one whole cycle for every tracker. Exit 0, 1 something waits, 3 a plan was refused, 4 not all was read."""
    with _progress() as watch:
        app = _app(watch)
        results = app.once()
    for result in results:
        _log_cycle(result, broken=len(app.broken))
    _tell_broken(app)
    numbers = {result.tracker: _cycle_json(result) for result in results}
    if as_json:
        _print_json({"trackers": numbers})
    else:
        for result in results:
            _tell_cycle(result, numbers[result.tracker])
    broken = Exit.CONFIG if app.broken else Exit.OK
    raise typer.Exit(max([broken, *(_cycle_exit(result) for result in results)]))


@cli.command()
def plan(as_json: Json = False) -> None:  # noqa: FBT002 - typer's form of a flag
    """Show what would be written and why; nothing that writes exists in this process. Exit 0, or 3 if it is refused."""
    with _progress() as watch:
        shown = _app(watch).plan()
    _tell_incomplete(shown.incomplete)
    if as_json:
        _print_json(plan_json(shown.plan, shown.refusals))
    else:
        _say(plan_text(shown.plan, shown.refusals))
    refused = Exit.REFUSED if shown.refusals else Exit.OK
    raise typer.Exit(Exit.UNREADABLE if shown.incomplete else refused)


@cli.command()
def apply(
    digest: Annotated[str, typer.Option("--plan", help="The digest of a plan that was shown.", metavar="DIGEST")],
    exact: Annotated[bool, typer.Option("--exact", help="All of it, or nothing.")] = False,  # noqa: FBT002 - typer's form of a flag
    as_json: Json = False,  # noqa: FBT002 - typer's form of a flag
) -> None:
    """Do those actions of a shown plan that still hold. Exit 0 settled, 1 something waits, 3 nothing of it holds."""
    with _progress() as watch:
        result = _app(watch).apply(digest, exact=exact)
    if result is None:
        _complain(f"no plan {digest} is known; `syncd plan` shows one with its digest")
        raise typer.Exit(Exit.REFUSED)
    _tell_incomplete(result.incomplete)
    if as_json:
        _print_json(_applied_json(result))
    else:
        _say(_applied_text(result, exact=exact))
    for note in result.notes:
        _complain(note)
    raise typer.Exit(_applied_exit(result, exact=exact))


@cli.command(name="explain")
def explain_(
    key: Annotated[str, typer.Argument(help="The issue's key, new or old.")],
    tracker: Annotated[str | None, typer.Option("--tracker", help="The tracker, if several know the key.")] = None,
    as_json: Json = False,  # noqa: FBT002 - typer's form of a flag
) -> None:
    """Say why an issue serves what it serves, and what is written on it. Offline. Exit 0, or 5 if it is unknown."""
    app = _app()
    found, config = app.explain(key, tracker)
    _tell_broken(app)
    if as_json:
        _print_json(explanation_json(found))
    else:
        _say(explanation_text(found, config.rulebook.strategy))


@cli.command()
def report(
    form: Annotated[ReportFormat, typer.Option("--format", help="What to write.")] = ReportFormat.MD,
    out: Annotated[Path | None, typer.Option("--out", help="A file to write it to.", metavar="FILE")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,  # noqa: FBT002 - typer's form of a flag
) -> None:
    """Write the alignment report by the decisions in the store; as CSV, every issue in scope. Offline."""
    with closing(_report_parts(ReportFormat.JSON if as_json else form)) as parts:
        if out is None:
            _pour(parts)
        else:
            _write_file(out, parts)
            _say(str(out))


REPORT_TEXTS: Final[Mapping[ReportFormat, Callable[[Report], str]]] = {
    ReportFormat.MD: report_markdown,
    ReportFormat.HTML: report_html,
    ReportFormat.JSON: lambda made: _json_text(report_json(made)),
}


def _report_parts(form: ReportFormat) -> Generator[str, None, None]:
    """The report's text as it comes: as CSV, no more than a batch of issues is in memory."""
    if form is ReportFormat.CSV:
        with closing(_app().each_issue()) as issues:
            yield from report_csv(issues)
    else:
        yield REPORT_TEXTS[form](_app().report())


@cli.command()
def status(as_json: Json = False) -> None:  # noqa: FBT002 - typer's form of a flag
    """Tell cursors, last success, what waits. Offline. Exit 0, or 1 if a tracker is not healthy or something waits."""
    app = _app()
    told = dict(app.status())
    _tell_broken(app)
    healthy = told.pop("healthy")
    if as_json:
        _print_json(told)
    else:
        _say(status_text(told))
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
    with _progress() as watch:
        app = _app(watch)
        diff = app.rules_diff(against)
    if as_json:
        _print_json(diff_json(diff))
    else:
        _say(diff_text(diff, app.slowest_pace()))


@rules.command(name="log")
def rules_log(as_json: Json = False) -> None:  # noqa: FBT002 - typer's form of a flag
    """List which rules were in use since when, and who committed them. Offline. Exit 0."""
    log = _app().rules_log()
    if as_json:
        _print_json({"versions": log_json(log)})
    else:
        _say(log_text(log))


@cli.command(name="migrate")
def migrate_() -> None:
    """Bring the store to this version's tables; create it if there is none."""
    applied = _app().migrate()
    _say(f"migrated: {', '.join(applied)}" if applied else "the store is up to date")


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
        _complain(f"the demo needs the extra `demo` ({missing.name} is missing): pip install 'syncd[demo]'")
        raise typer.Exit(Exit.CONFIG) from None
    for line in play(folder, issues=issues, rules=rules, write_closed=write_closed):
        _say(line)


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
    _say(cycle_line(result.tracker, numbers))
    if result.why is not None:
        _complain(f"not read whole: {result.why}")
    for refusal in result.refusals:
        _complain(f"{refusal.reason}.\n  look: syncd plan; do it: syncd apply --plan {refusal.digest}")
    for note in result.notes:
        _complain(note)


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


def _tell_broken(app: App) -> None:
    """Rules that are broken now were not used: say so wherever somebody looks."""
    if app.broken:
        sys.stderr.write(check_text(app.broken))
        _complain("The rules last in use stay in force until these problems are mended (`syncd check`).")


def _tell_incomplete(incomplete: Any) -> None:
    for why in incomplete.values():
        _complain(f"not read whole: {why}")


# --- the terminal -----------------------------------------------------------------------------------------


def _app(watch: Any = None) -> App:
    app = App(_Given.directory, os.environ, wait=time.sleep)
    if watch is not None:
        app.watch = watch
    return app


@contextmanager
def _progress() -> Iterator[Any]:
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
    )
    with Progress(*columns, console=console, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def watch(what: str, done: int, of: int | None) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=of)
            bars.update(tasks[what], completed=done, total=of)

        yield watch


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _json_text(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _print_json(value: Any) -> None:
    sys.stdout.write(_json_text(value))


def _pour(parts: Iterator[str]) -> None:
    """Parts of a text to stdout, in UTF-8 whatever the terminal is set to; line ends stay as they are."""
    try:
        for part in parts:
            sys.stdout.buffer.write(part.encode())
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read (such as `head`) has enough; Python's own flush at exit must not complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write_file(path: Path, parts: Iterator[str]) -> None:
    """Parts of a text to a file. What makes them fails, if at all, before the file is touched."""
    first = next(parts, "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write(first)
            file.writelines(parts)
    except OSError as failed:
        raise SyncdError(f"{path} cannot be written: {failed.strerror}") from None


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """The program. Turns every error into a sentence and an exit code."""
    configure(sys.stderr)
    given = _config_first(list(sys.argv[1:] if argv is None else argv))
    sys.exit(_run(given))


def _config_first(argv: list[str]) -> list[str]:
    """`syncd check --config DIR` means the same as `syncd --config DIR check`."""
    for at, word in enumerate(argv):
        if word == "--":
            break
        if word == "--config" and at + 1 < len(argv):
            return [word, argv[at + 1], *argv[:at], *argv[at + 2 :]]
        if word.startswith("--config="):
            return [word, *argv[:at], *argv[at + 1 :]]
    return argv


EXITS: Final[tuple[tuple[type[BaseException], Exit], ...]] = (
    (UnknownKeyError, Exit.UNKNOWN),
    (SeveralTrackersError, Exit.CONFIG),
    (AlreadyThereError, Exit.CONFIG),
    (TrackerError, Exit.UNREADABLE),
    (LeaseLostError, Exit.WAITS),
    (SyncdError, Exit.WAITS),
)
"""What an error means for whoever called; the first that fits counts."""
INTERRUPTED: Final = 130


def _run(argv: list[str]) -> int:
    try:
        cli(argv, prog_name="syncd")
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else int(left.code is not None)
    except ConfigError as wrong:
        _complain("\n".join(problem_text(problem) for problem in wrong.problems))
        return Exit.CONFIG
    except KeyboardInterrupt:
        _complain("stopped; what was begun is looked up by the next cycle")
        return INTERRUPTED
    except Exception as failed:  # noqa: BLE001 - the last boundary: a user is told what to do, never shown a traceback
        return _told(failed)
    return Exit.OK


def _told(failed: Exception) -> int:
    for kind, code in EXITS:
        if isinstance(failed, kind):
            _complain(str(failed))
            return code
    _report_bug(failed)
    return Exit.WAITS


def _report_bug(bug: Exception) -> None:
    _complain(f"syncd met a bug of its own ({type(bug).__name__}); nothing was written after it.")
    if os.environ.get("SYNCD_DEBUG"):
        traceback.print_exception(bug)
    else:
        _complain("Run it again with SYNCD_DEBUG=1 and report what it prints; it may quote issues, but no secrets.")
