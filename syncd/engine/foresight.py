"""What a rule edit would do, from the store alone: the same deciding and planning as a cycle, and nothing is saved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from syncd.core.asking import asked_fields
from syncd.core.decide import Decider, Overrides, restand
from syncd.core.diff import RulesDiff
from syncd.core.fold import field_key
from syncd.core.match import Matcher
from syncd.core.model import Action, Decision, Issue, IssueRef, Lineage, Origin, Unmapped
from syncd.core.plan import Case, Policy, Write, plan
from syncd.core.ports import Known, Signature, Store
from syncd.core.reading import read_marks
from syncd.core.tradeoffs import NONE, Tradeoffs
from syncd.core.witness import Reading
from syncd.engine.lineage import Ancestry, inside
from syncd.engine.work import Watcher

BATCH = 1000


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """One tracker to look ahead on."""

    tracker: str
    store: Store
    old: Matcher
    new: Matcher
    policy: Policy
    """With the new rules' strategy."""
    signature: Signature
    overlap: timedelta
    now: datetime
    """On the tracker's clock."""
    mail: bool
    tradeoffs: Tradeoffs = NONE
    """They hold under both, as far as the same targets are claimed."""
    watch: Watcher = lambda _what, _done, _of: None


def foresee(outlook: Outlook, diff: RulesDiff) -> None:
    """Add one tracker's issues to the diff. Reads the store in batches; no tracker is asked anything."""
    ancestry = Ancestry(outlook.store, outlook.tracker)
    total = outlook.store.count_in_scope(outlook.tracker)
    done = 0
    for known in outlook.store.standings(outlook.tracker, batch=BATCH):
        _Batch(outlook, ancestry, known).into(diff)
        done += len(known)
        outlook.watch(f"looking ahead on {outlook.tracker}", done, total)


class _Batch:
    """A batch of issues under both rulebooks."""

    def __init__(self, outlook: Outlook, ancestry: Ancestry, known: Sequence[Known]) -> None:
        self._outlook = outlook
        self._known = [one for one in known if one.standing is not None]
        self._lineages: Mapping[IssueRef, Lineage] = ancestry.of([one.issue for one in self._known])
        above = {a.ref for lineage in self._lineages.values() for step in lineage.steps for a in step}
        refs = sorted({*above, *(one.issue.ref for one in self._known)})
        self._overrides: Overrides = outlook.store.overrides(refs)
        self._inside = inside(outlook.store, above) if _asks(outlook.policy) else frozenset[IssueRef]()
        self._old = Decider(outlook.old, outlook.now, outlook.tradeoffs)
        self._new = Decider(outlook.new, outlook.now, outlook.tradeoffs)
        self._needed = {field_key(name): name for name in asked_fields(outlook.new.rulebook, outlook.tracker)}

    def into(self, diff: RulesDiff) -> None:
        """Count every issue, and plan what the new rules would write on it."""
        cases = []
        for one in self._known:
            lineage = self._lineages[one.issue.ref]
            old = self._old.decide(one.issue, lineage, self._overrides)
            new = self._new.decide(one.issue, lineage, self._overrides)
            diff.add(one.issue, old, new)
            reading = self._reading(one)
            if reading.doubt:
                diff.cannot_tell(one.issue, "its marks changed since they were written: they are read again first")
            if unasked := self._unasked(one.issue, lineage):
                diff.cannot_tell(one.issue, f"{unasked} was not asked for yet: the next cycle reads it first")
            cases.append(self._case(one, new, reading))
        planned = plan(cases, self._outlook.policy, self._outlook.now)
        diff.writes += planned.actions
        diff.later += [step for step in planned.skipped if not step.lasting]
        issues = {case.issue.ref: case.issue for case in cases}
        diff.notified |= {p for action in planned.actions for p in self._mailed(action, issues[action.ref])}

    def _unasked(self, issue: Issue, lineage: Lineage) -> str:
        """Fields that the new rules need, and that were not asked for of the issue or of something above it."""
        seen = [issue, *(ancestor for step in lineage.steps for ancestor in step)]
        lacking = {key for one in seen for key in self._needed.keys() - one.asked}
        return ", ".join(f"`{self._needed[key]}`" for key in sorted(lacking))

    def _case(self, one: Known, decision: Decision, reading: Reading) -> Case:
        version = self._outlook.new.rulebook.version
        standing = restand(
            one.standing, decision, one.issue, now=self._outlook.now, origin=Origin.RULEBOOK, version=version
        )
        return Case(one.issue, standing, reading, self._asked_above(one.issue, decision))

    def _asked_above(self, issue: Issue, decision: Decision) -> bool:
        may = self._outlook.policy.may(issue.project)
        if may is not Write.COMMENT or decision.verdict != Unmapped():
            return False
        return self._new.asked_above(decision, self._lineages[issue.ref], self._overrides, self._inside)

    def _reading(self, one: Known) -> Reading:
        return read_marks(
            one.issue,
            one.applied,
            self._overrides.get(one.issue.ref, ()),
            self._outlook.signature,
            now=self._outlook.now,
            overlap=self._outlook.overlap,
            direct=False,
            pair=None if one.standing is None else one.standing.decision.pair,
            names=self._outlook.policy.names,
            strategy=self._outlook.policy.strategy,
        )

    def _mailed(self, action: Action, issue: Issue) -> set[tuple[str, str]]:
        """Who gets a mail: a new comment mails assignee and reporter; labels are silent unless mail is allowed."""
        new_comment = action.kind == "comment" and action.comment_id is None
        if not new_comment and not (action.kind == "mark" and self._outlook.mail):
            return set()
        return {(issue.ref.tracker, p.id) for p in (issue.assignee, issue.reporter) if p is not None}


def _asks(policy: Policy) -> bool:
    return Write.COMMENT in (policy.write, *policy.write_by.values())
