"""Writes that are not planned again for now: their issue was gone or has no room for them, or a person dropped them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from syncd.core.marks import entry_key
from syncd.core.model import Finding, Plan, Skipped
from syncd.core.plan import make_plan
from syncd.core.ports import Entry, EntryState
from syncd.engine.work import Work

RESTING: Final = (EntryState.GONE, EntryState.BARRED)
RESTS: Final = timedelta(hours=6)
"""How long a write rests that its issue does not take: as long as a census may take to find out (DESIGN §9)."""


def without_resting(work: Work, planned: Plan) -> tuple[Plan, Sequence[Finding]]:
    """The plan without writes that rest, and what is found of those that an issue bars.

    One rests when its issue was gone a while ago, or has no room for it, or when a person dropped it.
    """
    named = {entry_key(work.signature.instance, action): action for action in planned.actions}
    stored = work.store.entries_of(list(named))
    resting = {key: why for key, entry in stored.items() if (why := _rests(work, entry)) is not None}
    if not resting:
        return planned, ()
    skipped = [Skipped(named[key].ref, named[key].key, why) for key, why in resting.items()]
    left = make_plan([a for key, a in named.items() if key not in resting], [*planned.skipped, *skipped])
    return left, [_still_barred(stored[key]) for key in resting if stored[key].state is EntryState.BARRED]


def _still_barred(entry: Entry) -> Finding:
    """What was found when it was barred, for as long as it rests."""
    action = entry.action
    cause, tracker = f"{action.key} {action.kind}", action.ref.tracker
    return Finding(tracker=tracker, kind="denied", cause=cause, text=entry.note, key=action.key)


def _rests(work: Work, entry: Entry) -> str | None:
    if entry.state is EntryState.DISMISSED:
        return "a person dropped this write (`syncd outbox drop`): it is made when something else is wanted"
    if entry.state not in RESTING or entry.moved is None or work.clock.now() >= entry.moved + RESTS:
        return None
    until = f"tried again after {entry.moved + RESTS:%Y-%m-%d %H:%M} UTC"
    if entry.state is EntryState.BARRED:
        return f"the tracker denies it on this issue (see the findings): {until}"
    return f"it was not there when it was to be written: {until}"
