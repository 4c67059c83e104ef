"""Carry out: commit intent, apply, settle (DESIGN §3.8-10). Every write has a name, and is looked up before a resend.

A row goes `todo → sending` durably before the call and `done` with its receipt. A row found in `sending` was sent by
a process that died or lost the answer: the tracker is asked whether it landed. Writes that a tracker takes together
go in portions (`syncd.engine.portions`): all rows of one begin in one transaction, and each is settled by its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal, assert_never

from syncd.core.errors import Denied, Exposed, Gone, InDoubt, Stale, TrackerError, Unavailable, Unreadable
from syncd.core.findings import EXPOSED
from syncd.core.marks import after_write, comment_gone, entry_key
from syncd.core.model import Action, Finding, Issue, IssueRef, Plan, Receipt
from syncd.core.noise import Notice, notified, tells
from syncd.core.ports import Entry, EntryState, Signed, TrackerWriter
from syncd.engine import leftalone
from syncd.engine.asking import rationed
from syncd.engine.portions import Portions
from syncd.engine.recalling import found_instead
from syncd.engine.work import Work

ATTEMPTS: Final = 3
"""Times an entry may fail in a way nobody understands before it waits for a person."""
TOGETHER_TTL: Final = timedelta(minutes=10)
"""How long a portion may be silent: a tracker that works through a thousand issues takes minutes."""
LOOKED_UP_TOGETHER: Final = 500
NOTES: Final = 20
ALL: Final = 1_000_000


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
    unsure = work.store.entries(work.tracker, [EntryState.SENDING], limit=ALL)
    if unsure and leftalone.is_left_alone(work):
        done.waiting = len(unsure)
        return done
    for start in range(0, len(unsure), LOOKED_UP_TOGETHER):
        work.still_ours(TOGETHER_TTL)
        _look_up(work, writer, unsure[start : start + LOOKED_UP_TOGETHER], done)
    return done


def carry_out(work: Work, writer: TrackerWriter, plan: Plan, *, others_stay: bool = False) -> Done:
    """Do a plan's actions. What an earlier plan left to do and this one no longer holds is dropped.

    `others_stay`: the plan is of some issues only; what is to be done on others is neither dropped nor done.

    A write whose answer was lost is looked up at once and otherwise left for the next cycle; nothing is resent here.
    Raises `StoreError` and `LeaseLostError`.
    """
    if not plan.actions and (others_stay or not _todo(work)):
        return Done()
    entries = [Entry(entry_key(work.signature.instance, a), a, EntryState.TODO) for a in plan.actions]
    wanted = {entry.key for entry in entries}
    with work.store.transaction():
        for left in _todo(work):
            if left.key not in wanted and not others_stay:
                work.store.put_back(left, EntryState.DROPPED, "it no longer holds", work.clock.now())
        work.store.commit_intent(entries, work.clock.now())
    return _Writing(work, writer).run(entries)


def _todo(work: Work) -> Sequence[Entry]:
    return work.store.entries(work.tracker, [EntryState.TODO], limit=ALL)


class _Writing:
    """Goes through the entries in order. An issue whose earlier write waits keeps its later ones waiting."""

    def __init__(self, work: Work, writer: TrackerWriter) -> None:
        self._work = work
        self._writer = writer
        unsure = work.store.entries(work.tracker, [EntryState.SENDING], limit=ALL)
        self._blocked: set[IssueRef] = {entry.action.ref for entry in unsure}
        self._dead = {entry.key for entry in work.store.entries(work.tracker, [EntryState.DEAD], limit=ALL)}
        self._denied: set[tuple[str | None, str | None, str]] = set()
        """Project, type of issue and kind of action for which something is missing: asked once a cycle, not once an
        issue. None stands for all of them."""
        self.done = Done(stopped=leftalone.is_left_alone(work))

    def run(self, entries: Sequence[Entry]) -> Done:
        todo = {entry.key: entry for entry in _todo(self._work)}
        self.done.waiting += sum(entry.key in self._dead for entry in entries)
        ready = [todo[entry.key] for entry in entries if entry.key in todo]  # as stored, with the times it was tried
        portions = Portions(ready, self._writer, may=lambda entry: not self._held(entry))
        while (portion := portions.take()) is not None:
            self._work.watch(f"writing {self._work.tracker}", portions.taken - len(portion), len(entries))
            self._do(portion)
        return self.done

    def _held(self, entry: Entry) -> bool:
        """Whether it is not to be written in this pass, as things stand."""
        action = entry.action
        places = ((None, None), (action.project, None), (action.project, action.type or None))
        refused = any((*place, action.kind) in self._denied for place in places)
        return self.done.stopped or action.ref in self._blocked or refused

    def _do(self, portion: Sequence[Entry]) -> None:
        portion = self._still_due(portion)
        if not portion:
            return
        if len(portion) > 1:
            self._work.still_ours(TOGETHER_TTL)
            self._apply(portion)
        elif self._held(portion[0]):
            self._wait(portion[0])
        elif not self._learned(portion[0]):
            self._work.still_ours()
            self._apply(portion)

    def _still_due(self, portion: Sequence[Entry]) -> Sequence[Entry]:
        """Without comments to whom was told enough meanwhile: other trackers' passes go on beside this one.

        Asked before an entry begins, and once it has: of two that begin in one moment, each sees the other's then.
        """
        if not any(tells(entry.action) for entry in portion):
            return portion
        now = self._work.clock.now() + self._work.store.progress(self._work.tracker).skew
        held = {s.ref: s.why for s in rationed(self._work, [entry.action for entry in portion], (), now).skipped}
        over = [entry for entry in portion if tells(entry.action) and entry.action.ref in held]
        for entry in over:
            self._put_back(entry, EntryState.DROPPED, held[entry.action.ref], tried=False)
            self.done.dropped += 1
        return [entry for entry in portion if entry not in over]

    def _learned(self, entry: Entry) -> bool:
        """Whether there is nothing to write, since something was learned of a comment that the store had forgotten."""
        try:
            why = found_instead(self._work, self._writer, entry)
        except TrackerError as failed:
            self.done.note(str(failed))
            self._wait(entry)
            return True
        if why is None:
            return False
        self._put_back(entry, EntryState.DROPPED, why)
        self.done.dropped += 1
        return True

    def _wait(self, entry: Entry) -> None:
        self._blocked.add(entry.action.ref)
        self.done.waiting += 1

    def _apply(self, portion: Sequence[Entry]) -> None:
        """Begin, call, settle. Nothing is sent for a row that could not be begun: the lease is lost, or it moved on."""
        work = self._work
        begun = work.store.begin_together(portion, work.lease, work.clock.now())
        for entry in portion:
            if entry.key not in begun:
                self._wait(entry)
        sent = self._still_due([entry for entry in portion if entry.key in begun])
        if sent:
            self._take(list(zip(sent, self._call(sent), strict=True)))

    def _call(self, sent: Sequence[Entry]) -> Sequence[Receipt | TrackerError]:
        try:
            if len(sent) == 1:
                return [self._writer.write(sent[0].action, sent[0].key)]
            return self._writer.write_together([Signed(entry.action, entry.key) for entry in sent])
        except TrackerError as failed:
            return [failed] * len(sent)

    def _take(self, outcomes: Sequence[tuple[Entry, Receipt | TrackerError]]) -> None:
        with self._work.store.transaction():
            _settle(self._work, [(entry, o) for entry, o in outcomes if isinstance(o, Receipt)], self.done)
            for entry, outcome in outcomes:
                if isinstance(outcome, TrackerError) and not isinstance(outcome, InDoubt):
                    self._failed(entry, outcome)
                    if not isinstance(outcome, Denied):  # whose finding says more
                        self.done.note(str(outcome))
        unsure = [entry for entry, outcome in outcomes if isinstance(outcome, InDoubt)]
        if unsure:
            _look_up(self._work, self._writer, unsure, self.done, put_back=False)
            self._blocked |= {entry.action.ref for entry in unsure}

    def _failed(self, entry: Entry, failed: TrackerError) -> None:
        match failed:
            case Unavailable():
                self._put_back(entry, EntryState.TODO, str(failed), tried=False)
                self.done.stopped |= not failed.narrow
                leftalone.note(self._work, failed)
                self._wait(entry)
            case Gone() | Stale():
                self._put_back(entry, EntryState.GONE if isinstance(failed, Gone) else EntryState.DROPPED, str(failed))
                self._forget_comment(entry.action)
                self.done.dropped += 1
            case Denied():
                finding = _denial(entry.action, failed)
                self._put_back(
                    entry, EntryState.BARRED if failed.key else EntryState.DROPPED, finding.text, tried=False
                )
                self._deny(entry.action, failed, finding)
                self._wait(entry)
                if isinstance(failed, Exposed):
                    self._forget_comment(entry.action)
            case InDoubt():
                raise AssertionError("a write in doubt is looked up, and not put back")
            case Unreadable() | TrackerError():
                spent = entry.attempts + 1 >= ATTEMPTS
                self._put_back(entry, EntryState.DEAD if spent else EntryState.TODO, str(failed))
                self._wait(entry)
            case _:
                assert_never(failed)

    def _forget_comment(self, action: Action) -> None:
        """A comment that cannot be edited since a person deleted it is no longer ours to edit in every cycle."""
        applied = self._work.store.known([action.ref])[action.ref].applied
        if action.kind == "comment" and action.comment_id is not None and applied is not None:
            self._work.store.save_applied([comment_gone(applied, action)])

    def _put_back(self, entry: Entry, state: EntryState, note: str, *, tried: bool = True) -> None:
        self._work.store.put_back(entry, state, note, self._work.clock.now(), tried=tried)

    def _deny(self, action: Action, failed: Denied, finding: Finding) -> None:
        place = (failed.project, failed.type, action.kind)
        if place in self._denied:
            return
        if failed.key is None:
            self._denied.add(place)
        self._work.store.open_finding(finding, self._work.clock.now())
        if not isinstance(failed, Exposed):  # which does not close by itself
            self.done.denied.append(finding)
        self.done.note(finding.text)


def _denial(action: Action, failed: Denied) -> Finding:
    if isinstance(failed, Exposed):
        again = f"to try again, set `write_by: {{{action.project}: label}}` for a cycle and take it out again"
        text = f"{failed}. Comments are off in {action.project}: {again}. Grant: {failed.need}."
        return Finding(tracker=action.ref.tracker, kind=EXPOSED, cause=action.project, text=text)
    where = failed.key or failed.project or "every project"
    where = f"{where}, {failed.type}" if failed.type and not failed.key else where
    return Finding(
        tracker=action.ref.tracker,
        kind="denied",
        cause=f"{where} {action.kind}" + ("" if failed.key else f": {failed.need}"),
        text=f"{failed.told} ({where}).",
        key=failed.key,
    )


def _settle(work: Work, receipts: Sequence[tuple[Entry, Receipt]], done: Done) -> None:
    """`done` and what is applied now, for each."""
    known = work.store.known([entry.action.ref for entry, _ in receipts]) if receipts else {}
    with work.store.transaction():
        for entry, receipt in receipts:
            applied = after_write(known[entry.action.ref].applied, entry.action, receipt)
            work.store.settle(entry, receipt, applied, work.clock.now())
            _tell(work, entry, receipt, known[entry.action.ref].issue)
            if receipt.lacks:
                _lacks(work, entry.action, receipt.lacks, done)
    done.applied += len(receipts)


def _tell(work: Work, entry: Entry, receipt: Receipt, issue: Issue) -> None:
    """Count whom a write told: a new comment mails, the rest only where silence was not to be had."""
    action = entry.action
    if not tells(action) and not receipt.mailed:
        return
    kind: Literal["comment", "edit", "mark"] = "mark" if action.kind == "mark" else "edit"
    notice = Notice(
        ref=action.ref,
        key=action.key,
        project=action.project,
        kind="comment" if tells(action) else kind,
        at=receipt.at,
        people=action.notifies or notified(issue),
        pair=action.pair,
        rules=action.rules,
    )
    work.store.add_notice(notice, entry.key)


def _look_up(work: Work, writer: TrackerWriter, unsure: Sequence[Entry], done: Done, *, put_back: bool = True) -> None:
    """Settle entries by what the tracker shows. Not there: back to be done, but not by the pass that sent it."""
    shown = _shown(writer, unsure)
    _settle(work, [(entry, one) for entry in unsure if isinstance(one := shown[entry.key], Receipt)], done)
    for entry in unsure:
        match shown[entry.key]:
            case Receipt():
                pass
            case Gone() | Stale() as gone:
                state = EntryState.GONE if isinstance(gone, Gone) else EntryState.DROPPED
                work.store.put_back(entry, state, str(gone), work.clock.now())
                done.dropped += 1
            case Exposed() as failed:
                finding = _denial(entry.action, failed)
                work.store.put_back(entry, EntryState.DROPPED, finding.text, work.clock.now(), tried=False)
                work.store.open_finding(finding, work.clock.now())
                done.note(finding.text)
                done.dropped += 1
            case TrackerError() as failed:
                done.note(
                    f"{entry.action.key}: a write was sent and no answer came; looking it up failed too: {failed}"
                )
                done.waiting += 1
            case None if put_back:
                work.store.put_back(entry, EntryState.TODO, "it was sent and did not arrive", work.clock.now())
            case None:
                done.note(f"{entry.action.key}: a write was sent and no answer came; it is looked up in the next cycle")
                done.waiting += 1


def _lacks(work: Work, action: Action, what: str, done: Done) -> None:
    """Say once what was refused beside a write that was done."""
    finding = Finding(tracker=work.tracker, kind="denied", cause=f"{action.project} {action.kind}: copy", text=what)
    if finding.cause not in {known.cause for known in done.denied}:
        work.store.open_finding(finding, work.clock.now())
        done.denied.append(finding)
        done.note(what)


def _shown(writer: TrackerWriter, unsure: Sequence[Entry]) -> Mapping[str, Receipt | TrackerError | None]:
    signed = [Signed(entry.action, entry.key) for entry in unsure]
    found: Iterable[Receipt | TrackerError | None]
    try:
        found = writer.look_together(signed)
    except TrackerError as failed:
        found = [failed] * len(signed)
    return {one.entry: shown for one, shown in zip(signed, found, strict=True)}
