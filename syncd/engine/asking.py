"""What is asked of the tracker, and counted in the store, before a comment is planned for good (DESIGN §6)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from syncd.core.errors import TrackerError
from syncd.core.model import Action, IssueRef, Origin, Plan, Skipped, Standing
from syncd.core.noise import DAY, Notice, ration, tells
from syncd.core.plan import make_plan
from syncd.core.ports import Entry, EntryState
from syncd.engine.work import Work

NO_PERSON: Final = "comment: an app or a customer made that change, no person of the site: see the report"
NOT_TOLD: Final = "comment: who made that change cannot be read now"
MOST_BEGUN: Final = 100_000


def by_people(work: Work, planned: Plan, standings: Mapping[IssueRef, Standing]) -> Plan:
    """The plan without first comments on what apps and customers changed. Asked only for what would be written."""
    at = {a.ref: standings[a.ref].changed for a in planned.actions if _first(a, standings[a.ref])}
    if not at:
        return planned
    why = NO_PERSON
    try:
        others = {ref for ref, by in work.reader.changers(at).items() if by.kind in ("app", "customer")}
    except TrackerError:
        why, others = NOT_TOLD, set(at)
    dropped = [a for a in planned.actions if a.ref in others and tells(a)]
    skipped = [Skipped(a.ref, a.key, why, lasting=why is NO_PERSON) for a in dropped]
    kept = [action for action in planned.actions if action not in dropped]
    return make_plan(kept, [*planned.skipped, *skipped])


def _first(action: Action, standing: Standing) -> bool:
    """A first comment that nobody asked for, due to a change of that very issue."""
    answers = action.pair is not None and action.pair[0] == "answer"
    return tells(action) and not answers and standing.origin is Origin.ISSUE


def rationed(work: Work, actions: Sequence[Action], skipped: Sequence[Skipped], now: datetime) -> Plan:
    """The plan with no more new comments than the caps leave, by what was told in the last 24 hours everywhere.

    A comment that was begun and has no receipt yet counts as told, by whichever pass: it may have mailed somebody.
    """
    whole = make_plan(actions, skipped)
    asked = {action.ref for action in actions if tells(action)}
    if not asked:
        return whole
    begun = work.store.entries(None, [EntryState.SENDING], limit=MOST_BEGUN)
    telling = (entry for entry in begun if tells(entry.action) and entry.action.ref not in asked)
    told = [*work.store.notices(now - DAY), *(_begun(entry, now) for entry in telling)]
    kept, held = ration(whole, told, work.policy.comments.caps, now)
    return make_plan(kept, [*skipped, *held])


def _begun(entry: Entry, now: datetime) -> Notice:
    action, at = entry.action, entry.moved or now
    return Notice(ref=action.ref, key=action.key, project=action.project, kind="comment", at=at, people=action.notifies)
