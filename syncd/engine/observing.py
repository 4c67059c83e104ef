"""Observe and remember: read what changed, page by page, and keep it with the cursor (DESIGN §3.1-2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from syncd.core.errors import Denied, TrackerError, Unavailable, Unreadable
from syncd.core.model import Finding, IssueRef, Link
from syncd.core.ports import Change, Page, Progress, Sight
from syncd.engine.lineage import read_outside
from syncd.engine.work import Observed, Work


@dataclass(slots=True)
class _Tally:
    """What has been read so far in this observation."""

    rows: int = 0
    changed: set[str] = field(default_factory=set)
    echoed: set[str] = field(default_factory=set)

    def add(self, changes: Mapping[IssueRef, Change]) -> None:
        for ref, change in changes.items():
            (self.echoed if change is Change.MARKS else self.changed).add(ref.id)


def observe(work: Work) -> Observed:
    """Read the tracker from its watermark on. Never raises for the tracker's faults: it says why it is incomplete.

    The cursor is saved with each page, so that a kill loses nothing; it never outruns the data.
    """
    store, started = work.store, work.clock.now()
    progress = replace(store.progress(work.tracker), last_attempt=started)
    tally = _Tally()
    sight = Sight(account="", skew=progress.skew)
    why: str | None = None
    try:
        sight = work.reader.look_around()
        progress = _fit_scope(work, replace(progress, skew=sight.skew), sight)
        progress = _walk(work, progress, tally)
        _read_ancestors(work, tally, started)
    except (Unavailable, Denied, Unreadable) as failed:
        why = str(failed)
        _remember_denial(work, failed, started)
    if why is None and sight.hidden:
        why = f"not visible to {sight.account}: {', '.join(sight.hidden)}"
    complete, familiar = why is None, frozenset(progress.complete_scope)
    done = replace(progress, why=why)
    if complete:
        everything = tuple(sorted(set(work.scope)))
        first = progress.first_complete or started
        done = replace(done, last_success=started, first_complete=first, complete_scope=everything)
    store.save_progress(work.tracker, done)
    return Observed(
        rows=tally.rows,
        changed=frozenset(tally.changed),
        echoed=frozenset(tally.echoed - tally.changed),
        complete=complete,
        why=why,
        skew=sight.skew,
        now=work.clock.now() + sight.skew,
        familiar=familiar,
    )


def _fit_scope(work: Work, progress: Progress, sight: Sight) -> Progress:
    """A watermark speaks of the scope it was made for: a project that is new to it, or visible again, is read whole."""
    visible = tuple(sorted(set(work.scope) - set(sight.hidden)))
    if set(progress.scope) - set(work.scope):
        work.store.leave_scope(work.tracker, work.scope)
    grown = bool(set(visible) - set(progress.scope))
    kept = tuple(sorted(set(progress.complete_scope) & set(work.scope)))
    watermark = None if grown else progress.watermark
    return replace(progress, scope=visible, complete_scope=kept, watermark=watermark)


def _walk(work: Work, progress: Progress, tally: _Tally) -> Progress:
    for page in work.reader.observe(progress.watermark):
        work.still_ours()
        progress = _remember(work, progress, page, tally)
        work.watch(f"reading {work.tracker}", tally.rows, None)
    return progress


def _remember(work: Work, progress: Progress, page: Page, tally: _Tally) -> Progress:
    newer = page.read_to
    if newer is not None and (progress.watermark is None or newer > progress.watermark):
        progress = replace(progress, watermark=newer)
    now = work.clock.now()
    tally.add(work.store.remember(work.tracker, page.issues, in_scope=True, now=now, progress=progress))
    if page.unreadable:
        work.store.set_aside(work.tracker, page.unreadable, now)
        for bad in page.unreadable:
            work.store.open_finding(_unreadable_finding(work.tracker, bad), now)
    tally.rows += len(page.issues) + len(page.unreadable)
    return progress


def _read_ancestors(work: Work, tally: _Tally, now: datetime) -> None:
    """Ancestors outside the scope change too, and no observation of the scope shows it: they are read directly."""
    links: Sequence[Link] = sorted({*work.store.outside(work.tracker), *work.store.missing(work.tracker)}, key=repr)
    tally.changed |= read_outside(work.store, work.reader, work.tracker, links, now)


def _remember_denial(work: Work, failed: TrackerError, now: datetime) -> None:
    if isinstance(failed, Denied):
        finding = Finding(
            tracker=work.tracker, kind="denied", cause=f"{failed.project or '*'}: {failed.need}", text=str(failed)
        )
        work.store.open_finding(finding, now)


def _unreadable_finding(tracker: str, bad: Unreadable) -> Finding:
    name = "an issue" if bad.link is None else str(bad.link)
    return Finding(tracker=tracker, kind="unreadable", cause=name, text=str(bad), key=name)
