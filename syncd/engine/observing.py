"""Observe and remember: read what changed, page by page, and keep it with the cursor (DESIGN §3.1-2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from syncd.core.errors import Denied, TrackerError, Unavailable, Unreadable
from syncd.core.model import Finding, IssueRef, Link
from syncd.core.ports import (
    MEMORY_AT_MOST,
    Brief,
    Census,
    Change,
    NoSuchField,
    Owed,
    Page,
    PartPage,
    Progress,
    Sight,
)
from syncd.engine import leftalone
from syncd.engine.backfill import read_everything
from syncd.engine.census import Counted, call_for_census, census_if_due, reaches_back_to, read_again, read_below
from syncd.engine.coverage import coverage_findings
from syncd.engine.lineage import inside, read_outside
from syncd.engine.sureness import doubted, lateness, learned, since, trusted
from syncd.engine.work import Observed, Work

ASIDE_AT_ONCE: Final = 100
"""Issues set aside that are read again in one cycle."""
TURN_S: Final = 60
"""How long it is the turn of the same ones, where there are more."""
OUT: Final = "the tracker says that it is archived, deleted, or moved out of the scope"


@dataclass(slots=True)
class _Tally:
    """What has been read so far in this observation."""

    progress: Progress
    rows: int = 0
    changed: set[str] = field(default_factory=set)
    refielded: set[str] = field(default_factory=set)
    """Of those, issues that differ only in what was asked for."""
    nameless: list[Unreadable] = field(default_factory=list)
    """Issues that could not be understood, not even which ones they are."""
    aside: set[Link] = field(default_factory=set)
    """Issues that could not be understood this time."""
    echoed: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)
    """What the observation itself told of what lies outside the scope."""
    memory: str | None = None
    late: timedelta = timedelta(0)
    """How late the latest of the changes showed."""
    everything: bool = False
    """Everything was read; `changed` names only what may be somebody's doing."""
    held: str | None = None
    """Why the census did not believe what it found."""
    sighted: bool = False
    """Whether the tracker told what there is to see."""
    counted: bool = False
    """A census was taken, or an ancestor could not be understood."""

    @property
    def news(self) -> bool:
        """Whether anything of what was read is otherwise than it was known."""
        aside = self.aside or self.nameless
        return bool(self.changed or self.echoed or aside or self.everything or self.counted)

    def add(self, changes: Mapping[IssueRef, Change]) -> None:
        for ref, change in changes.items():
            (self.echoed if change is Change.MARKS else self.changed).add(ref.id)
            (self.refielded.add if change is Change.FIELDS else self.refielded.discard)(ref.id)


def observe(work: Work, before: Progress, brief: Brief) -> Observed:
    """Read the tracker from its watermark on. Never raises for the tracker's faults: it says why it is incomplete.

    The cursor is saved with each page that teaches something, so that a kill loses nothing; it never outruns the data.
    How far was read in the end is the caller's to save, once what was read has been decided.
    """
    store, started = work.store, work.clock.now()
    progress = replace(before, last_attempt=started)
    tally = _Tally(progress)
    sight = Sight(account="", skew=progress.skew)
    why: str | None = None
    denied: tuple[Finding, ...] = ()
    try:
        leftalone.heed(work, brief.rests)
        sight, tally.sighted = work.reader.look_around(), True
        tally.progress = _fit(work, trusted(replace(progress, skew=sight.skew)), sight)
        census = call_for_census(work, tally.progress, brief.census)
        back_to = reaches_back_to(work, tally.progress, census)
        if _walk(work, tally, back_to) > 1:  # it took a while: see that we still are who we were
            sight = work.reader.look_around()
            tally.progress = trusted(_fit(work, tally.progress, sight))
        tally.held = _count(work, tally, census)
        if tally.news or Owed.ASIDE in brief.owed:
            _read_aside(work, tally)
        if tally.news or Owed.ABOVE in brief.owed:
            _read_ancestors(work, tally, started)
    except (Unavailable, Denied, Unreadable) as failed:
        why = f"{failed.told}." if isinstance(failed, Denied) else str(failed)
        denied = _denial(work, failed, why, started)
        leftalone.note(work, failed, reading=True)
        tally.progress = doubted(tally.progress) if isinstance(failed, Denied) else tally.progress
    reachable = why is None
    if reachable:
        why = "; ".join(filter(None, (_hidden(sight), tally.held))) or None
    complete, familiar = why is None, tally.progress.complete_scope
    done = replace(tally.progress, why=why)
    if complete:
        done = replace(done, last_success=started, first_complete=done.first_complete or started)
        done = done if tally.memory is None else replace(done, memory=tally.memory)
    done = learned(done, tally.late, started)
    if tally.news:
        store.save_progress(work.tracker, done)
    told = {**_unreadable(work, tally, brief), **coverage_findings(work, done, sight.hidden, started)}
    if tally.sighted:
        told["unknown-field"] = _absent_fields(work, sight)
    if tally.news or any(told.values()) or brief.findings & told.keys():
        store.settle_findings(work.tracker, told, started)
    return Observed(
        progress=done,
        rows=tally.rows,
        changed=frozenset(tally.changed),
        refielded=frozenset(tally.refielded),
        echoed=frozenset(tally.echoed - tally.changed),
        complete=complete,
        reachable=reachable,
        why=why,
        skew=sight.skew,
        now=work.clock.now() + sight.skew,
        familiar=frozenset(familiar),
        denied=denied,
        read_whole=tuple(sorted(set(work.scope))) if complete else familiar,
        everything=tally.everything,
        account_id=sight.account_id,
    )


def _hidden(sight: Sight) -> str | None:
    return f"not visible to {sight.account}: {', '.join(sight.hidden)}" if sight.hidden else None


def _count(work: Work, tally: _Tally, census: Census) -> str | None:
    """Take the census if it is due; why what it did not meet is not believed."""
    counted = census_if_due(work, tally.progress, census)
    tally.add(counted.changes)
    tally.changed |= counted.orphaned
    tally.counted = counted.taken
    if counted.back is not None:
        tally.progress = counted.back
        _walk(work, tally, None)
    return counted.why


def _fit(work: Work, progress: Progress, sight: Sight) -> Progress:
    return _fit_fields(_fit_scope(work, progress, sight), sight)


def _fit_scope(work: Work, progress: Progress, sight: Sight) -> Progress:
    """A watermark speaks of the scope it was made for: a project that is new to it, or visible again, is read whole."""
    visible = tuple(sorted(set(work.scope) - set(sight.hidden)))
    if set(progress.scope) - set(work.scope):
        work.store.leave_scope(work.tracker, work.scope)
    grown = bool(set(visible) - set(progress.scope))
    kept = tuple(sorted(set(progress.complete_scope) & set(work.scope)))
    # nor does a whole reading go on with one from before that: in the midst of it the project may have been lost
    anew = replace(progress, watermark=None, memory="") if grown else progress
    return replace(anew, scope=visible, complete_scope=kept)


def _fit_fields(progress: Progress, sight: Sight) -> Progress:
    """A watermark speaks of the fields it was made with: if one more is asked for, everything is read again.

    Where fewer are, nothing is: a snapshot may hold more than is asked for.
    """
    grown = bool(set(sight.fields) - set(progress.fields))
    return replace(progress, fields=sight.fields, watermark=None if grown else progress.watermark)


def _absent_fields(work: Work, sight: Sight) -> Sequence[Finding]:
    """One finding for each field that rules name and the tracker does not have."""
    return [
        Finding(tracker=work.tracker, kind="unknown-field", cause=absent.name, text=_absent(work.tracker, absent))
        for absent in sight.absent
    ]


def _absent(tracker: str, absent: NoSuchField) -> str:
    meant = f"Did you mean {' or '.join(f'`{name}`' for name in absent.near)}?"
    hint = meant if absent.near else "Check its name there, and whether this account may see it."
    unknown = "conditions on it are unknown, so neither they nor their negation hold"
    return f"rules name `{absent.name}`, and {tracker} has no such field: {unknown}. {hint}"


def _walk(work: Work, tally: _Tally, back_to: datetime | None) -> int:
    """Read what changed, or everything, and what changed meanwhile; in how many pages."""
    if tally.progress.watermark is None:
        back_to = None
        _read_everything(work, tally)
    went_on = tally.progress.watermark is None and bool(_memory(tally))
    pages = _walk_once(work, tally, back_to)
    if went_on and tally.progress.watermark is not None:  # with a reading of days ago, maybe: that is how far it reads
        pages += _walk_once(work, tally, None)
    return pages


def _memory(tally: _Tally) -> str:
    return tally.progress.memory if tally.memory is None else tally.memory


def _walk_once(work: Work, tally: _Tally, back_to: datetime | None) -> int:
    known_to, pages = tally.progress.watermark, 0
    begin = since(work, tally.progress, work.clock.now())
    begin = begin if begin is None or back_to is None else min(begin, back_to)
    for page in work.reader.observe(begin, _memory(tally)):
        empty = page.last and not (page.issues or page.outside or page.unreadable)
        if not empty:  # else whoever keeps something after it asks
            work.still_ours()
        tally.late = max(tally.late, lateness(work, page.issues, known_to))
        _remember(work, page, tally)
        work.watch(f"reading {work.tracker}", tally.rows, None)
        pages += 1
    return pages


def _read_everything(work: Work, tally: _Tally) -> None:
    """Several walks at once, if the tracker allows for it; what was changed meanwhile is left to the walk after it."""
    familiar = frozenset(tally.progress.complete_scope)

    def keep(pages: Sequence[PartPage]) -> None:
        now, tally.everything = work.clock.now(), True
        issues = [issue for page in pages for issue in page.issues]
        project = {issue.ref: issue.project for issue in issues}
        changes = work.store.remember(work.tracker, issues, in_scope=True, now=now)
        doings = (ref for ref, change in changes.items() if change in (Change.NEW, Change.CONTENT))
        tally.changed.update(ref.id for ref in doings if project[ref] in familiar)
        _set_aside(work, [bad for page in pages for bad in page.unreadable], tally, now)
        tally.rows += len(issues)

    work.store.save_progress(work.tracker, tally.progress)  # with word that decisions are owed, should we be killed
    done = read_everything(work, tally.progress, keep)
    if done is not None:
        tally.everything = True  # an earlier process may have read all of it
        with work.store.transaction():
            work.store.save_progress(work.tracker, done)
            work.store.end_backfill(work.tracker)
        tally.progress = done


def _remember(work: Work, page: Page, tally: _Tally) -> None:
    newer, before, now = page.read_to, tally.progress.watermark, work.clock.now()
    progress = tally.progress
    if newer is not None and (before is None or newer > before):
        progress = replace(progress, watermark=newer)
    if page.memory is not None and not page.last and before is None:
        progress = replace(progress, memory=page.memory)  # how far a first reading is, with what it has read
    if page.issues or page.outside:  # else it is saved with whatever comes next
        tally.add(work.store.remember(work.tracker, page.issues, in_scope=True, now=now, progress=progress))
    tally.progress = progress
    _remember_outside(work, page, tally, now)
    _set_aside(work, page.unreadable, tally, now)
    tally.rows += len(page.issues)


def _set_aside(work: Work, unreadable: Sequence[Unreadable], tally: _Tally, now: datetime) -> None:
    if unreadable:
        work.store.set_aside(work.tracker, unreadable, now)
        tally.nameless += [bad for bad in unreadable if bad.link is None]
        tally.aside |= {bad.link for bad in unreadable if bad.link is not None}
        tally.rows += len(unreadable)


def _remember_outside(work: Work, page: Page, tally: _Tally, now: datetime) -> None:
    """What the tracker says lies outside the scope is known as somebody's ancestor may be, and counts nowhere."""
    tally.memory = page.memory if page.memory is not None else tally.memory
    if len(tally.memory or "") > MEMORY_AT_MOST:
        raise ValueError(f"the memory of {work.tracker}'s reader has more than {MEMORY_AT_MOST} characters")
    if not page.outside:
        return
    ids = [issue.ref.id for issue in page.outside]
    leaving = inside(work.store, (issue.ref for issue in page.outside))
    with work.store.transaction():
        tally.add(work.store.remember(work.tracker, page.outside, in_scope=False, now=now))
        tally.add(dict.fromkeys(leaving, Change.CONTENT))  # what was asked there is now asked below
        work.store.take_out(work.tracker, ids, OUT, now)
    tally.told.update(ids)


def _read_aside(work: Work, tally: _Tally) -> None:
    """Read again what could not be understood in earlier cycles: the fault may have passed, and no change tells of it.

    As many as one or two requests hold, in turn.
    """
    links = [link for link in work.store.aside(work.tracker) if link not in tally.aside]
    if not links:
        return
    work.still_ours()
    turn = int(work.clock.now().timestamp() // TURN_S) * ASIDE_AT_ONCE % len(links)
    counted = Counted()
    read_again(work, (links[turn:] + links[:turn])[:ASIDE_AT_ONCE], counted)
    tally.add(counted.changes)
    tally.changed |= counted.orphaned


def _read_ancestors(work: Work, tally: _Tally, now: datetime) -> None:
    """Ancestors outside the scope change too, and no observation of the scope shows it: they are read directly."""
    with work.store.together():
        work.still_ours()
        above = {link for link in work.store.outside(work.tracker) if link.id not in tally.told}
        missing = work.store.missing(work.tracker)
    links: Sequence[Link] = sorted({*above, *missing}, key=repr)
    read = read_outside(work.store, work.reader, work.tracker, links, now, missing=missing, progress=tally.progress)
    tally.changed |= read.changed
    tally.counted |= read.unreadable
    ids = [link.id for link in read.gone if link.id]
    if ids:
        counted = Counted()
        read_below(work, ids, counted)
        tally.add(counted.changes)


def _denial(work: Work, failed: TrackerError, text: str, now: datetime) -> tuple[Finding, ...]:
    if not isinstance(failed, Denied):
        return ()
    finding = Finding(tracker=work.tracker, kind="denied", cause=f"{failed.project or '*'}: {failed.need}", text=text)
    work.store.open_finding(finding, now)
    return (finding,)


def _unreadable(work: Work, tally: _Tally, brief: Brief) -> dict[str, Sequence[Finding]]:
    """One finding for each issue that is set aside; it closes when the issue is understood again."""
    if not tally.news and Owed.ASIDE not in brief.owed:
        return {"unreadable": ()}
    named = [(str(link), what) for link, what in work.store.aside(work.tracker).items()]
    told = [*named, *(("an issue", str(bad)) for bad in tally.nameless)]
    return {
        "unreadable": [
            Finding(tracker=work.tracker, kind="unreadable", cause=name, text=what, key=name)
            for name, what in dict(told).items()
        ]
    }
