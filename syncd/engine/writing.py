"""Carry out: commit intent, apply, settle (DESIGN §3.8-10). Every write has a name, and is looked up before a resend.

A row goes `todo → sending` durably before the call and `done` with its receipt. A row found in `sending` was sent by
a process that died or lost the answer: the tracker is asked whether it landed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, assert_never

from syncd.core.errors import Denied, Gone, InDoubt, Stale, TrackerError, Unavailable, Unreadable
from syncd.core.marks import after_write, entry_key
from syncd.core.model import Action, Finding, IssueRef, Plan
from syncd.core.ports import Entry, EntryState, TrackerWriter
from syncd.engine.work import Work

ATTEMPTS: Final = 3
"""Times an entry may fail in a way nobody understands before it waits for a person."""
CHUNK: Final = 500
NOTES: Final = 20


@dataclass(slots=True)
class Done:
    """What carrying out came to."""

    applied: int = 0
    dropped: int = 0
    waiting: int = 0
    notes: dict[str, None] = field(default_factory=dict)
    """What could not be written and why, once each, in order; bounded."""
    denied: list[Finding] = field(default_factory=list)
    """Permissions that were missing."""
    stopped: bool = False
    """The tracker could not be reached any more: what comes after was not tried."""

    def note(self, text: str) -> None:
        """Keep a sentence for the person who reads the result."""
        if len(self.notes) < NOTES:
            self.notes.setdefault(text)


def look_up_sending(work: Work, writer: TrackerWriter) -> Done:
    """Ask the tracker about every write that was begun and has no receipt: settle it, or put it back to be done."""
    done = Done()
    for entry in work.store.entries(work.tracker, [EntryState.SENDING]):
        work.still_ours()
        _look_up(work, writer, entry, done)
    return done


def carry_out(work: Work, writer: TrackerWriter, plan: Plan) -> Done:
    """Do a plan's actions. What an earlier plan left to do and this one no longer holds is dropped.

    A write whose answer was lost is looked up at once and otherwise left for the next cycle; nothing is resent here.
    Raises `StoreError` and `LeaseLostError`.
    """
    if not plan.actions and not _todo(work):
        return Done()
    entries = [Entry(entry_key(work.signature.instance, a), a, EntryState.TODO) for a in plan.actions]
    wanted = {entry.key for entry in entries}
    with work.store.transaction():
        for left in _todo(work):
            if left.key not in wanted:
                work.store.put_back(left, EntryState.DROPPED, "it no longer holds", work.clock.now())
        work.store.commit_intent(entries, work.clock.now())
    return _Writing(work, writer, total=len(entries)).run(entries)


def _todo(work: Work) -> Sequence[Entry]:
    return work.store.entries(work.tracker, [EntryState.TODO], limit=1_000_000)


class _Writing:
    """Goes through the entries in order. An issue whose earlier write waits keeps its later ones waiting."""

    def __init__(self, work: Work, writer: TrackerWriter, total: int) -> None:
        self._work = work
        self._writer = writer
        self._total = total
        unsure = work.store.entries(work.tracker, [EntryState.SENDING], limit=1_000_000)
        self._blocked: set[IssueRef] = {entry.action.ref for entry in unsure}
        self._dead = {entry.key for entry in work.store.entries(work.tracker, [EntryState.DEAD], limit=1_000_000)}
        self._denied: dict[tuple[str | None, str], str] = {}
        """(project, action kind) → what is missing there: asked once a cycle, not once an issue."""
        self.done = Done()

    def run(self, entries: Sequence[Entry]) -> Done:
        todo = {entry.key: entry for entry in _todo(self._work)}
        for number, key in enumerate(entry.key for entry in entries):
            self._work.watch(f"writing {self._work.tracker}", number, self._total)
            entry = todo.get(key)  # as it is stored, with the times it was tried
            if entry is None:
                self.done.waiting += key in self._dead
                continue
            if self.done.stopped or entry.action.ref in self._blocked or self._refused(entry.action):
                self._wait(entry)
                continue
            self._work.still_ours()
            self._apply(entry)
        return self.done

    def _refused(self, action: Action) -> bool:
        return (action.project, action.kind) in self._denied or (None, action.kind) in self._denied

    def _wait(self, entry: Entry) -> None:
        self._blocked.add(entry.action.ref)
        self.done.waiting += 1

    def _apply(self, entry: Entry) -> None:
        work = self._work
        if not work.store.begin(entry, work.lease, work.clock.now()):
            self._wait(entry)
            return
        try:
            receipt = self._writer.write(entry.action, entry.key)
        except TrackerError as failed:
            self._failed(entry, failed)
            return
        applied = work.store.known([entry.action.ref])[entry.action.ref].applied
        work.store.settle(entry, receipt, after_write(applied, entry.action, receipt), work.clock.now())
        self.done.applied += 1

    def _failed(self, entry: Entry, failed: TrackerError) -> None:
        match failed:
            case InDoubt():
                _look_up(self._work, self._writer, entry, self.done, put_back=False)
                self._blocked.add(entry.action.ref)
            case Unavailable():
                self._put_back(entry, EntryState.TODO, str(failed))
                self.done.stopped = True
                self._wait(entry)
            case Stale() | Gone():
                self._put_back(entry, EntryState.DROPPED, str(failed))
                self._forget_comment(entry.action)
                self.done.dropped += 1
            case Denied():
                self._put_back(entry, EntryState.DROPPED, str(failed))
                self._deny(entry.action, failed)
                self._wait(entry)
                return
            case Unreadable() | TrackerError():
                spent = entry.attempts + 1 >= ATTEMPTS
                self._put_back(entry, EntryState.DEAD if spent else EntryState.TODO, str(failed))
                self._wait(entry)
            case _:
                assert_never(failed)
        if not isinstance(failed, InDoubt):
            self.done.note(str(failed))

    def _forget_comment(self, action: Action) -> None:
        """A comment that cannot be edited since a person deleted it is no longer ours to edit in every cycle."""
        applied = self._work.store.known([action.ref])[action.ref].applied
        if action.kind == "comment" and action.comment_id is not None and applied is not None:
            self._work.store.save_applied([replace(applied, comment=None)])

    def _put_back(self, entry: Entry, state: EntryState, note: str) -> None:
        self._work.store.put_back(entry, state, note, self._work.clock.now())

    def _deny(self, action: Action, failed: Denied) -> None:
        self._denied[failed.project, action.kind] = failed.need
        where = failed.project or "every project"
        finding = Finding(
            tracker=self._work.tracker,
            kind="denied",
            cause=f"{where} {action.kind}: {failed.need}",
            text=f"{failed} Grant: {failed.need} ({where}).",
        )
        self._work.store.open_finding(finding, self._work.clock.now())
        self.done.denied.append(finding)
        self.done.note(finding.text)


def _look_up(work: Work, writer: TrackerWriter, entry: Entry, done: Done, *, put_back: bool = True) -> None:
    """Settle an entry by what the tracker shows. Not there: back to be done, but not by the pass that sent it."""
    try:
        receipt = writer.look(entry.action, entry.key)
    except (Gone, Stale) as gone:
        work.store.put_back(entry, EntryState.DROPPED, str(gone), work.clock.now())
        done.dropped += 1
        return
    except TrackerError as failed:
        done.note(f"{entry.action.key}: a write was sent and no answer came; looking it up failed too: {failed}")
        done.waiting += 1
        return
    if receipt is not None:
        applied = work.store.known([entry.action.ref])[entry.action.ref].applied
        work.store.settle(entry, receipt, after_write(applied, entry.action, receipt), work.clock.now())
        done.applied += 1
    elif put_back:
        work.store.put_back(entry, EntryState.TODO, "it was sent and did not arrive", work.clock.now())
    else:
        done.note(f"{entry.action.key}: a write was sent and no answer came; it is looked up in the next cycle")
        done.waiting += 1
