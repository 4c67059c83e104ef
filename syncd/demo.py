"""`syncd demo`: the whole story against the sandbox's Jira on loopback, in plain words, line by line.

The story runs the commands' own code (`App`); only the tracker and the people in it are made up.
"""

import shutil
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file
from pathlib import Path
from typing import Final

from connectors.sandbox import Site, build_world, load_issues, serve
from syncd.app import App, Shown, SystemClock
from syncd.core.errors import SyncdError
from syncd.core.model import IssueRef, Via
from syncd.core.ports import Known
from syncd.core.report import Report, Totals
from syncd.engine.work import CycleResult
from syncd.render.markdown import report_markdown
from syncd.render.text import explanation_text, plan_text
from syncd.starter import starter_files

TOKEN: Final = "sandbox-token"  # noqa: S105 - the sandbox's own, good for nothing else
TRACKER: Final = "demo-jira"
OUTSIDE: Final = ("WEB", "STRAT", "PROC")
"""Projects of the made-up company that the demo leaves out of its scope."""

SETTINGS: Final = """\
# Made by `syncd demo`: the sandbox's Jira on this machine, and no waiting.
installation: demo
store: sqlite:///syncd.db
trackers:
  {tracker}:
    kind: jira-cloud
    url: {url}
    auth: {{email: syncd@acme.example, token: {{env: JIRA_TOKEN}}}}
    scope: {{projects: [{projects}]}}
    write: label+comment
write_closed: {write_closed}
marks: {{grace: 0s}}
comments: {{grace: 0s}}
"""


@dataclass(frozen=True)
class Stage:
    """What a story is played on."""

    site: Site
    app: App
    folder: Path
    scope: tuple[str, ...]


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
    _make_room(folder)
    with serve(site) as served:
        config = folder / "config"
        _write_config(config, rules)
        text = SETTINGS.format(
            tracker=TRACKER, url=served.url, projects=", ".join(scope), write_closed=str(write_closed).lower()
        )
        (config / "syncd.yaml").write_text(text, encoding="utf-8")
        yield Stage(site, App(config, {"JIRA_TOKEN": TOKEN}, clock), folder, scope)


def _load(site: Site, issues: Path) -> None:
    try:
        load_issues(site, issues)
    except OSError as failed:
        raise SyncdError(f"{issues} cannot be read: {failed.strerror}") from None
    except ValueError as wrong:
        raise SyncdError(f"{issues} is not a file of issues, one JSON object a line: {wrong}") from None


def _make_room(folder: Path) -> None:
    """An earlier demo's folder is replaced; anything else of that name is left alone."""
    if folder.exists() and any(folder.iterdir()) and not (folder / ".syncd-demo").exists():
        raise SyncdError(f"{folder} holds something that no demo made; name another folder with --dir")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "config").mkdir(parents=True)
    (folder / ".syncd-demo").touch()


def _write_config(config: Path, rules: Path | None) -> None:
    with as_file(starter_files()) as starter:
        for name in ("strategy.yaml", "rules.yaml"):
            source = (starter if rules is None else rules) / name
            if not source.is_file():
                raise SyncdError(f"there is no {source}; --rules names a folder with strategy.yaml and rules.yaml")
            shutil.copyfile(source, config / name)


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
    yield f"It is: {len(outcomes)} outcomes, {len(rules)} rules, projects {', '.join(stage.scope)}."


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
    result = stage.app.apply(shown.plan.digest)
    if result is None:
        raise SyncdError("the plan that was just shown is not known any more")
    after = stage.site.snapshot()
    kept = all(_peoples(after[key].labels) == _peoples(was.labels) for key, was in before.items())
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
    result = yield from _cycle(stage)
    yield from (f"- {line}" for line in edits.outcome())
    children = stage.site.counts["GET /rest/api/3/issue/{issueIdOrKey}"]
    yield f"Issues read one by one for it: {children}; {result.decided} were decided anew."


def _quiet(stage: Stage) -> Iterator[str]:
    yield _title("5. nobody does anything: a cycle that does nothing")
    result = yield from _cycle(stage)
    yield (
        "Nothing was planned and nothing written." if not result.planned + result.applied else "Something was written!"
    )


def _cycle(stage: Stage) -> Generator[str, None, CycleResult]:
    result = stage.app.once()[0]
    said = f"{result.planned} planned, {result.applied} applied, {result.requests} requests"
    yield f"  {result.observed} rows read, {result.decided} decided, {said}."
    yield from (f"  {refusal.reason}" for refusal in result.refusals)
    yield from (f"  {note}" for note in result.notes)
    return result


def _ending(stage: Stage) -> Iterator[str]:
    report = stage.app.report()
    path = stage.folder / "reports" / "alignment.md"
    path.parent.mkdir()
    path.write_text(report_markdown(report), encoding="utf-8")
    yield _title("What happened, in plain words")
    yield from _plain_words(report)
    yield f"The report: {path}"
    yield f"The configuration it ran with: {stage.app.directory}"
    yield _title("explain: three tickets")
    for key in _telling(stage):
        found, config = stage.app.explain(key)
        yield explanation_text(found, config.rulebook.strategy)
        yield ""


def _plain_words(report: Report) -> Iterator[str]:
    totals = report.totals
    yield f"syncd read {totals.issues} issues; {report.open.issues} of them are open. Intent: {report.strategy.intent}"
    for name, count in _counts(totals):
        yield f"  {count:>5}  {count / max(totals.issues, 1):>6.1%}  {name}"
    via = sorted(report.outcomes, key=lambda line: -line.issues)
    yield "Work per outcome: " + ", ".join(f"{line.outcome.id} {line.issues}" for line in via) + "."
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


def _telling(stage: Stage) -> Sequence[str]:
    """One ticket that inherits, one in conflict, one that nothing speaks for: open ones first."""
    found: dict[str, tuple[bool, str]] = {}
    for one in stage.app.look_over():
        decision = None if one.standing is None else one.standing.decision
        if decision is None:
            continue
        kind = "inherited" if decision.via is Via.INHERITED and decision.pair[0] == "mapped" else decision.pair[0]
        candidate = (one.issue.closed, one.issue.key)
        if kind not in found or candidate < found[kind]:
            found[kind] = candidate
    return [found[kind][1] for kind in ("inherited", "conflict", "unmapped") if kind in found]


# --- the people in it -------------------------------------------------------------------------------------


class _Edits:
    """Three edits that people make: they label a ticket, unlabel one, and give an epic to another outcome."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._open = [one for one in stage.app.look_over() if one.standing is not None and not one.issue.closed]
        self._labelled = [one for one in self._open if self._is_by_label(one)]
        self._watched: list[str] = []

    def make(self) -> Iterator[str]:
        """Edit, and tell what was edited."""
        yield from self._label_one()
        yield from self._unlabel_one()
        yield from self._give_an_epic_away()

    def outcome(self) -> Iterator[str]:
        """What became of the tickets that were edited."""
        for key in self._watched:
            issue = self._stage.site.issue(key)
            said = ", ".join(label for label in issue.labels if label.startswith(NAMESPACES)) or "no mark"
            comments = sum(c.author == self._stage.site.account for c in issue.comments)
            asked = f", and {comments} comment that asks" if comments else ""
            yield f"{key} bears {said}{asked}"

    def _label_one(self) -> Iterator[str]:
        ticket = next((o for o in self._open if _kind(o) == "unmapped" and o.issue.parent is None), None)
        model = next(iter(self._labelled), None)
        if ticket is None or model is None:
            yield "(no open, unmapped ticket is there to label)"
            return
        labels = list(model.issue.labels)
        self._stage.site.person("maria").edit(ticket.issue.key, labels_add=labels)
        self._watched.append(ticket.issue.key)
        yield f"Maria labels {ticket.issue.key}, which served nothing, with {', '.join(labels)}."

    def _unlabel_one(self) -> Iterator[str]:
        ticket = next((o for o in self._labelled[1:] if o.issue.parent is None), None)
        if ticket is None:
            yield "(no open ticket is mapped by its labels alone)"
            return
        labels = list(ticket.issue.labels)
        self._stage.site.person("tom").edit(ticket.issue.key, labels_remove=labels)
        self._watched.append(ticket.issue.key)
        yield f"Tom takes {', '.join(labels)} off {ticket.issue.key}, which nothing else maps."

    def _give_an_epic_away(self) -> Iterator[str]:
        below = Counter(o.standing.decision.spoke for o in self._open if o.standing and _kind(o) == "mapped")
        below.pop(None, None)
        for one in self._labelled:
            other = next((o for o in self._labelled if _outcome(o) != _outcome(one)), None)
            if below[one.issue.ref] and other is not None:
                epic, labels = one.issue, list(other.issue.labels)
                self._stage.site.person("ines").edit(epic.key, labels_add=labels, labels_remove=list(epic.labels))
                self._watched += [epic.key, *self._children_of(epic.ref)[:2]]
                heirs = f"{below[epic.ref]} open tickets inherit from it"
                yield f"Ines gives {epic.key} to {_outcome(other)} ({', '.join(labels)}); {heirs}."
                return
        yield "(no open ticket with heirs is mapped by its labels)"

    def _children_of(self, ref: IssueRef) -> list[str]:
        return [o.issue.key for o in self._open if o.standing and o.standing.decision.spoke == ref]

    @staticmethod
    def _is_by_label(one: Known) -> bool:
        """Mapped by labels of its own and by nothing else."""
        decision = one.standing.decision if one.standing else None
        if decision is None or decision.via is not Via.RULE or decision.pair[0] != "mapped":
            return False
        return all(text.startswith("label ") for e in decision.evidence for text in e.texts)


NAMESPACES: Final = ("outcome/", "alignment/")


def _kind(one: Known) -> str:
    return "" if one.standing is None else one.standing.decision.pair[0]


def _outcome(one: Known) -> str:
    return "" if one.standing is None else one.standing.decision.pair[1] or ""


def _peoples(labels: Sequence[str]) -> list[str]:
    return [label for label in labels if not label.startswith(NAMESPACES)]


def _title(text: str) -> str:
    return f"\n{text}\n{'-' * len(text)}"
