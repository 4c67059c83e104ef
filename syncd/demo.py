"""`syncd demo`: the whole story against the sandbox's Jira and Linear on loopback, in plain words, line by line.

The story runs the commands' own code (`App`); only the trackers and the people in them are made up.
"""

import hashlib
import json
import shutil
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date
from itertools import product
from pathlib import Path
from typing import Final, NamedTuple

from connectors.sandbox import Site, build_world, load_issues, serve
from connectors.sandbox.linear import Workspace, build_linear_world, serve_linear, twins_of
from syncd.app import App, Shown, SystemClock
from syncd.config.starter import starter_texts
from syncd.config.versions import FILES
from syncd.core.decide import Decider
from syncd.core.errors import SyncdError
from syncd.core.match import Matcher
from syncd.core.model import Issue, IssueRef, Lineage, Via
from syncd.core.ports import Known
from syncd.core.report import Report, Totals
from syncd.engine.work import CycleResult
from syncd.render.html import report_html
from syncd.render.markdown import report_markdown
from syncd.render.text import explanation_text, plan_text

TOKEN: Final = "sandbox-token"  # noqa: S105 - the sandbox's own, good for nothing else
LINEAR_TOKEN: Final = "lin_api_sandbox"  # noqa: S105 - as well
TRACKER: Final = "demo-jira"
OUTSIDE: Final = ("WEB", "STRAT", "PROC")
"""Projects of the made-up company that the demo leaves out of its scope."""

SETTINGS: Final = """\
# Made by `syncd demo`: the sandbox's trackers on this machine, and no waiting.
installation: demo
store: sqlite:///syncd.db
trackers:
  {tracker}:
    kind: jira-cloud
    url: {url}
    auth: {{email: syncd@acme.example, token: {{env: JIRA_TOKEN}}}}
    scope: {{projects: [{projects}]}}
    write: label+comment
{linear}write_closed: {write_closed}
marks: {{grace: 0s}}
comments: {{grace: 0s}}
"""
LINEAR: Final = "demo-linear"
LINEAR_SETTINGS: Final = """\
  {tracker}:
    kind: linear
    url: {url}
    auth: {{token: {{env: LINEAR_TOKEN}}}}
    scope: {{teams: [{teams}]}}
    write: label+comment
"""
TEAMS: Final = ("APP", "CORE", "DATA")


@dataclass(frozen=True)
class Stage:
    """What a story is played on. Issues from a file are Jira's alone: then there is no workspace."""

    site: Site
    app: App
    folder: Path
    scope: tuple[str, ...]
    workspace: Workspace | None = None


def play(folder: Path, *, issues: Path | None, rules: Path | None, write_closed: bool) -> Iterator[str]:
    """Tell the story as it happens. `folder` is made anew; what the story leaves there is yours to look at."""
    with _stage(folder, issues=issues, rules=rules, write_closed=write_closed) as stage:
        yield from _check(stage)
        shown = yield from _plan(stage)
        yield from _apply(stage, shown)
        yield from _people(stage)
        yield from _quiet(stage)
        yield from _ending(stage)


@contextmanager
def _stage(folder: Path, *, issues: Path | None, rules: Path | None, write_closed: bool) -> Iterator[Stage]:
    clock = SystemClock()
    site = Site(clock=clock.now)
    if issues is None:
        build_world(site)
    else:
        _load(site, issues)
    scope = tuple(sorted({issue.project for issue in site.live.values()} - set(OUTSIDE if issues is None else ())))
    texts = _rules_texts(rules, clock.now().astimezone(UTC).date())  # before room is made: they may stand in there
    _make_room(folder, texts)
    with ExitStack() as stack:
        served = stack.enter_context(serve(site))
        config = folder / "config"
        workspace = None if issues is not None else Workspace(clock=clock.now)
        text = SETTINGS.format(
            tracker=TRACKER,
            url=served.url,
            projects=json.dumps(scope)[1:-1],
            write_closed=str(write_closed).lower(),
            linear="" if workspace is None else _linear(stack, workspace, site, served.url),
        )
        (config / "syncd.yaml").write_text(text, encoding="utf-8")
        environ = {"JIRA_TOKEN": TOKEN, "LINEAR_TOKEN": LINEAR_TOKEN}
        yield Stage(site, App(config, environ, clock), folder, scope, workspace)


def _linear(stack: ExitStack, workspace: Workspace, site: Site, jira: str) -> str:
    """Serve the company's Linear, in which a part of its Jira's work is worked on as well; its settings."""
    build_linear_world(workspace, twins=twins_of(site, base_url=jira))
    served = stack.enter_context(serve_linear(workspace))
    return LINEAR_SETTINGS.format(tracker=LINEAR, url=served.url, teams=", ".join(TEAMS))


def _load(site: Site, issues: Path) -> None:
    try:
        load_issues(site, issues)
    except OSError as failed:
        raise SyncdError(f"{issues} cannot be read: {failed.strerror}") from None
    except ValueError as wrong:
        raise SyncdError(f"{issues} is not a file of issues, one JSON object a line: {wrong}") from None


def _make_room(folder: Path, texts: Mapping[str, bytes]) -> None:
    """An earlier demo's folder is replaced; anything else of that name is left alone, and so are edited rules."""
    config, marker = folder / "config", folder / ".syncd-demo"
    if folder.exists() and any(folder.iterdir()) and not marker.exists():
        raise SyncdError(f"{folder} holds something that no demo made; name another folder with --dir")
    made = marker.read_text(encoding="utf-8") if marker.exists() else ""
    found = {name: (config / name).read_bytes() for name in FILES if (config / name).is_file()}
    if found and found != texts and made not in ("", _digest(found)):
        raise SyncdError(
            f"the rules in {config} were edited after the demo made them: "
            f"play with them by --rules {config}, or name another folder with --dir"
        )
    shutil.rmtree(folder, ignore_errors=True)
    config.mkdir(parents=True)
    for name, text in texts.items():
        (config / name).write_bytes(text)
    # Edited rules that are played where they stand remain edited: nobody has another copy of them.
    marker.write_text(made if made and found == texts else _digest(texts), encoding="utf-8")


def _digest(texts: Mapping[str, bytes]) -> str:
    return hashlib.sha256(b"\0".join(texts[name] for name in sorted(texts))).hexdigest()


def _rules_texts(rules: Path | None, today: date) -> Mapping[str, bytes]:
    if rules is None:
        return {name: starter_texts(today)[name].encode() for name in FILES}
    for source in (rules / name for name in FILES):
        if not source.is_file():
            raise SyncdError(f"there is no {source}; --rules names a folder with strategy.yaml and rules.yaml")
    return {name: (rules / name).read_bytes() for name in FILES}


# --- the story --------------------------------------------------------------------------------------------


def _check(stage: Stage) -> Iterator[str]:
    yield _title("1. check: is the configuration sound?")
    problems = stage.app.check()
    errors = [p for p in problems if p.severity == "error"]
    yield from (f"{p.file}:{p.line}:{p.column}: {p.message}" for p in problems)
    if errors:
        raise SyncdError("the configuration has errors, so the story ends here")
    outcomes = stage.app.load().rulebook.strategy.outcomes
    rules = stage.app.load().rulebook.rules
    teams = "" if stage.workspace is None else f"; in Linear the teams {', '.join(TEAMS)}"
    yield f"It is: {len(outcomes)} outcomes, {len(rules)} rules, projects {', '.join(stage.scope)}{teams}."


def _plan(stage: Stage) -> Generator[str, None, Shown]:
    yield _title("2. plan: what would be written, and why?")
    shown = stage.app.plan()
    yield plan_text(shown.plan, shown.refusals)
    if shown.refusals:
        yield "The first labelling of a backlog is a decision: it waits for a person, who now says yes."
    return shown


def _apply(stage: Stage, shown: Shown) -> Iterator[str]:
    yield _title(f"3. apply --plan {shown.plan.digest}: just what was shown")
    before, mails = stage.site.snapshot(), len(stage.site.mails)
    teams = _linear_labels(stage)
    result = stage.app.apply(shown.plan.digest)
    if result is None:
        raise SyncdError("the plan that was just shown is not known any more")
    after = stage.site.snapshot()
    kept = all(_peoples(after[key].labels) == _peoples(was.labels) for key, was in before.items())
    kept = kept and _linear_labels(stage) == teams
    written = [key for key, was in before.items() if after[key] != was]
    foreign = sum(stage.site.issue(key).project not in stage.scope for key in written)
    sent = len(stage.site.mails) - mails
    labels = "as they were" if kept else "CHANGED"
    yield f"{result.applied} writes done, {result.requests} requests in all, {sent} mails sent."
    yield f"People's own labels are {labels}; {foreign} issues outside the scope were touched."
    yield from result.notes


def _people(stage: Stage) -> Iterator[str]:
    yield _title("4. people go on working: three tickets are edited")
    edits = _Edits(stage)
    yield from (f"- {line}" for line in edits.make())
    yield "The next cycle:"
    results = yield from _cycle(stage)
    yield from (f"- {line}" for line in edits.outcome())
    children = stage.site.counts["GET /rest/api/3/issue/{issueIdOrKey}"]
    yield f"Issues read one by one for it: {children}; {sum(r.decided for r in results)} were decided anew."


def _quiet(stage: Stage) -> Iterator[str]:
    yield _title("5. nobody does anything: a cycle that does nothing")
    results = yield from _cycle(stage)
    silent = not sum(result.planned + result.applied for result in results)
    yield "Nothing was planned and nothing written." if silent else "Something was written!"


def _cycle(stage: Stage) -> Generator[str, None, Sequence[CycleResult]]:
    results = stage.app.once()
    for result in results:
        said = f"{result.planned} planned, {result.applied} applied, {result.requests} requests"
        name = f"{result.tracker}: " if len(results) > 1 else ""
        yield f"  {name}{result.observed} rows read, {result.decided} decided, {said}."
        yield from (f"  {refusal.reason}" for refusal in result.refusals)
        yield from (f"  {note}" for note in result.notes)
    return results


def _ending(stage: Stage) -> Iterator[str]:
    report = stage.app.report()
    path = stage.folder / "reports" / "alignment.md"
    path.parent.mkdir()
    path.write_text(report_markdown(report), encoding="utf-8")
    page = path.with_suffix(".html")
    page.write_text(report_html(report), encoding="utf-8")
    yield _title("What happened, in plain words")
    yield from _plain_words(report)
    yield f"The report: {path}, and for a browser: {page}"
    yield f"The configuration it ran with: {stage.app.directory}"
    yield f"Its {'Jira ends' if stage.workspace is None else 'trackers end'} here. Edit the rules and see, offline:"
    yield f"  syncd --config {stage.app.directory} check | rules diff | explain KEY | report"
    yield _title("explain: three tickets")
    for ref, key in _telling(stage):
        found, config = stage.app.explain(key, ref.tracker)
        yield explanation_text(found, config.rulebook.strategy)
        yield ""


def _plain_words(report: Report) -> Iterator[str]:
    totals = report.totals
    yield f"syncd read {totals.issues} issues; {report.open.issues} of them are open. Intent: {report.strategy.intent}"
    for name, count in _counts(totals):
        yield f"  {count:>5}  {count / max(totals.issues, 1):>6.1%}  {name}"
    via = sorted(report.outcomes, key=lambda line: -line.issues)
    yield "Work per outcome: " + ", ".join(f"{line.outcome.id} {line.issues}" for line in via) + "."
    if report.twins:
        torn = sum(line.cause.startswith("twins ") for line in report.conflicts)
        said = f"{torn} of them with different verdicts, which makes each a conflict"
        yield f"{report.twins} pieces of work stand in Jira and in Linear; each is counted once, {said}."
    if report.conflicts:
        worst = report.conflicts[0]
        yield f"{len(report.conflicts)} conflicts to settle; the largest holds up {worst.issues}: {worst.cause}."


def _counts(totals: Totals) -> Sequence[tuple[str, int]]:
    return (
        ("serve an outcome", totals.mapped),
        ("are declared overhead or exempt", totals.exempt),
        ("serve nothing that anybody said", totals.unmapped),
        ("are claimed by two outcomes", totals.conflict),
        ("cannot be decided, since an ancestor cannot be read", totals.incomplete),
    )


def _telling(stage: Stage) -> Sequence[tuple[IssueRef, str]]:
    """One ticket that inherits, one in conflict, one that nothing speaks for: open ones first."""
    found: dict[str, tuple[bool, str, IssueRef]] = {}
    for one in stage.app.look_over():
        decision = None if one.standing is None else one.standing.decision
        if decision is None:
            continue
        kind = "inherited" if decision.via is Via.INHERITED and decision.pair[0] == "mapped" else decision.pair[0]
        candidate = (one.issue.closed, one.issue.key, one.issue.ref)
        if kind not in found or candidate < found[kind]:
            found[kind] = candidate
    return [(found[kind][2], found[kind][1]) for kind in ("inherited", "conflict", "unmapped") if kind in found]


# --- the people in it -------------------------------------------------------------------------------------


class _Edits:
    """Three edits that people make: they label a ticket, unlabel one, and give an epic to another outcome.

    Each is tried on the rules before it is made, so that what is told of it holds for any issues and any rulebook.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        now = stage.app.clock.now()
        self._decider = Decider(Matcher(stage.app.load().rulebook, now.astimezone(UTC).date()), now)
        known = [one for one in stage.app.look_over() if one.issue.ref.tracker == TRACKER]
        self._open = [one for one in known if one.standing is not None and not one.issue.closed]
        self._tops = [one for one in self._open if one.issue.parent is None]
        self._labelled = [one for one in self._tops if _is_by_label(one)]
        self._models: dict[str, Known] = {}
        for one in sorted(self._labelled, key=lambda one: (len(one.issue.labels), one.issue.ref)):
            self._models.setdefault(_outcome(one), one)
        self._watched: list[str] = []

    def make(self) -> Iterator[str]:
        """Edit, and tell what was edited."""
        yield self._label_one() or "(no open, unmapped ticket is there that a label would map)"
        yield self._unlabel_one() or "(no open ticket is mapped by its labels alone)"
        yield (
            self._give_an_epic_away() or "(no open ticket stands below one that a label would give to another outcome)"
        )

    def outcome(self) -> Iterator[str]:
        """What became of the tickets that were edited."""
        for key in self._watched:
            issue = self._stage.site.issue(key)
            said = ", ".join(label for label in issue.labels if label.startswith(NAMESPACES)) or "no mark"
            comments = sum(c.author == self._stage.site.account for c in issue.comments)
            asked = f", and {comments} comment that asks" if comments else ""
            yield f"{key} bears {said}{asked}"

    def _label_one(self) -> str | None:
        for ticket in self._tops:
            if _kind(ticket) != "unmapped":
                continue
            for model in self._models.values():
                labels = model.issue.labels
                if self._pair(_with(ticket.issue, *ticket.issue.labels, *labels)) == ("mapped", _outcome(model)):
                    self._edit("maria", ticket.issue.key, add=labels)
                    return f"Maria labels {ticket.issue.key}, which served nothing, with {', '.join(labels)}."
        return None

    def _unlabel_one(self) -> str | None:
        for ticket in reversed(self._labelled):
            key, labels = ticket.issue.key, ticket.issue.labels
            if key not in self._watched and self._pair(_with(ticket.issue)) == ("unmapped", None):
                self._edit("tom", key, remove=labels)
                return f"Tom takes {', '.join(labels)} off {key}, which nothing else maps."
        return None

    def _give_an_epic_away(self) -> str | None:
        """An epic that its labels map, else any that labels could map: the one that most tickets follow."""
        gifts = self._gifts(self._labelled) or self._gifts(self._tops)
        if not gifts:
            return None
        gift = max(gifts, key=lambda g: len(g.heirs))
        key, labels = gift.epic.key, gift.model.issue.labels
        self._edit("ines", key, add=labels, remove=[x for x in gift.epic.labels if x not in gift.labels])
        self._watched += [heir.issue.key for heir in gift.heirs[:2]]
        return f"Ines gives {key} to {_outcome(gift.model)} ({', '.join(labels)}); {_follow(len(gift.heirs))}."

    def _gifts(self, tickets: Sequence[Known]) -> Sequence["_Gift"]:
        """Every way to give one of these to another outcome by the labels of a model, so that tickets below follow."""
        below: dict[str, list[Known]] = {}
        for one in self._open:
            below.setdefault(str(one.issue.parent), []).append(one)
        epics = [one for one in tickets if one.issue.key in below and one.issue.key not in self._watched]
        found = []
        for epic, model in product(epics, self._models.values()):
            kept = () if _is_by_label(epic) else epic.issue.labels
            given = _with(epic.issue, *kept, *model.issue.labels)
            heirs = [o for o in below[epic.issue.key] if self._follows(o, given, _outcome(model))]
            if heirs and self._pair(given) == ("mapped", _outcome(model)):
                found.append(_Gift(epic.issue, model, given.labels, heirs))
        return found

    def _follows(self, one: Known, epic: Issue, outcome: str) -> bool:
        """Whether a ticket right below an epic that stands alone would come to serve the epic's new outcome."""
        return _outcome(one) != outcome and self._pair(one.issue, Lineage(((epic,),))) == ("mapped", outcome)

    def _pair(self, issue: Issue, lineage: Lineage | None = None) -> tuple[str, str | None]:
        """What the rules would say of an issue; with no lineage given, of one that nothing stands above."""
        return self._decider.decide(issue, lineage or Lineage(), {}).pair

    def _edit(self, who: str, key: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        self._stage.site.person(who).edit(key, labels_add=list(add), labels_remove=list(remove))
        self._watched.append(key)


class _Gift(NamedTuple):
    """An epic, the ticket whose labels it is to get, all its labels then, and the tickets that follow it."""

    epic: Issue
    model: Known
    labels: Sequence[str]
    heirs: Sequence[Known]


def _is_by_label(one: Known) -> bool:
    """Mapped by labels of its own and by nothing else."""
    decision = one.standing.decision if one.standing else None
    if decision is None or decision.via is not Via.RULE or decision.pair[0] != "mapped":
        return False
    return all(text.startswith("label ") for e in decision.evidence for text in e.texts)


def _with(issue: Issue, *labels: str) -> Issue:
    return replace(issue, labels=tuple(dict.fromkeys(labels)))


def _follow(count: int) -> str:
    return "1 open ticket below it follows" if count == 1 else f"{count} open tickets below it follow"


NAMESPACES: Final = ("outcome/", "alignment/")
GROUPS: Final = ("Outcome/", "Alignment/")


def _kind(one: Known) -> str:
    return "" if one.standing is None else one.standing.decision.pair[0]


def _outcome(one: Known) -> str:
    return "" if one.standing is None else one.standing.decision.pair[1] or ""


def _peoples(labels: Sequence[str]) -> list[str]:
    return [label for label in labels if not label.startswith(NAMESPACES)]


def _linear_labels(stage: Stage) -> Mapping[str, list[str]]:
    """People's labels in Linear."""
    shown = {} if stage.workspace is None else stage.workspace.snapshot()
    return {key: [label for label in one["labels"] if not label.startswith(GROUPS)] for key, one in shown.items()}


def _title(text: str) -> str:
    return f"\n{text}\n{'-' * len(text)}"
