"""The pass over what is looked at: batch by batch it hears comments, reads marks, decides and plans.

What a batch taught is kept in one transaction. No writer is in reach of this module.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from syncd.core.commands import NOTHING_SAID, Said, weigh, words_of
from syncd.core.decide import Decider, restand
from syncd.core.disputes import dispute_findings, votes_of
from syncd.core.errors import TrackerError
from syncd.core.findings import DECIDED_KINDS, MARK_KINDS, cycle_findings, mark_findings
from syncd.core.marks import wanted_mark
from syncd.core.match import Matcher
from syncd.core.model import (
    Action,
    Decision,
    Finding,
    Issue,
    IssueRef,
    Link,
    Origin,
    Override,
    Plan,
    Skipped,
    Standing,
    Unmapped,
)
from syncd.core.plan import Case, Policy, Write, plan
from syncd.core.ports import Change
from syncd.core.reading import read_marks
from syncd.core.tradeoffs import Tradeoffs
from syncd.core.whose import leaving_late_ones, mark_overrides, wants_history, with_signed
from syncd.core.witness import History, Reading
from syncd.engine.asking import by_people, rationed
from syncd.engine.batch import Batch
from syncd.engine.causes import Touched
from syncd.engine.census import placed, put_outside
from syncd.engine.histories import histories
from syncd.engine.kinship import Kinship
from syncd.engine.lineage import Ancestry, inside, read_outside
from syncd.engine.twinning import tell_twins
from syncd.engine.widening import Shift, Widened, chunks, descendants, refs_of
from syncd.engine.work import Observed, Work


class Pass:
    """Reads marks, decides and plans batch by batch; keeps what each batch taught in one transaction."""

    def __init__(
        self,
        work: Work,
        observed: Observed,
        widened: Widened,
        *,
        rules_changed: bool,
        empty: bool,
        keep_held: bool = True,
    ) -> None:
        """`keep_held`: the plan names also what is skipped for a lasting reason; else the store alone knows of it."""
        self._work = work
        self.kinship = Kinship(work, empty=empty)
        self._now = observed.now
        self._widened = widened
        self._rules_changed = rules_changed
        self._policy: Policy = replace(work.policy, complete=work.policy.complete and observed.complete)
        self._ancestry = Ancestry(work.store, work.tracker)
        self._reworded: set[str] = set()
        self._familiar = observed.familiar
        self._account = observed.account_id
        self._readable = observed.reachable
        self._planned: dict[IssueRef, list[Action | Skipped]] = {}
        self._keep_held = keep_held
        self._held: set[IssueRef] = set()
        """Issues skipped for a lasting reason that stand in `_planned`."""
        self.decided = 0
        self.touched = Touched(all=widened.everything or work.store.causes_moved(work.tracker))

    def take(self, refs: Sequence[IssueRef]) -> None:
        """One batch of at most `BATCH` issues."""
        self._work.still_ours()
        known = {ref: k for ref, k in self._work.store.known(refs).items() if k.in_scope}
        if not known:
            return
        overrides = self._overrides([k.issue for k in known.values()])
        batch = Batch(known, overrides)
        self._listen(batch)
        self._read_marks(batch)
        self._decide(batch)
        self._plan(batch)
        tell_twins(self._work.store, sorted(known), self._now)

    def shift(self, earlier: Matcher) -> None:
        """Take what came out otherwise under the earlier rules, besides what was taken already."""
        shift = Shift(self._work, earlier, self._ancestry)
        for some in shift.moved(self._widened.own | self._widened.below):
            self._widened.below.update(ref.id for ref in some)
            self.take(some)
        self.decided += shift.unmoved

    def plan(self) -> Plan:
        """All that was planned in this pass."""
        steps = [step for steps in self._planned.values() for step in steps]
        if self.kinship.blocked:
            steps = [self.kinship.held(step) if isinstance(step, Action) else step for step in steps]
        actions = [step for step in steps if isinstance(step, Action)]
        return rationed(self._work, actions, [step for step in steps if isinstance(step, Skipped)], self._now)

    def held_elsewhere(self) -> int:
        """Issues skipped for a lasting reason that this pass's plan does not name."""
        return max(0, sum(self._work.store.held(self._work.tracker).values()) - len(self._held))

    def below_reworded(self) -> Sequence[IssueRef]:
        """What hangs below issues on which a person's word began or ended in this pass: it follows in this pass."""
        below = descendants(self._work, self._reworded)
        self._widened.below |= below
        self._reworded = set()
        return refs_of(self._work, sorted(below))

    # lineage and overrides

    def _overrides(self, issues: Sequence[Issue]) -> dict[IssueRef, list[Override]]:
        """Overrides on these issues and on all their ancestors; ancestors that are new to us are read first."""
        self._fetch_ancestors(issues)
        above = {a.ref for lineage in self._ancestry.of(issues).values() for step in lineage.steps for a in step}
        wanted = sorted({*above, *(issue.ref for issue in issues)})
        found: dict[IssueRef, list[Override]] = {}
        for chunk in chunks(wanted):
            found.update({ref: list(words) for ref, words in self._work.store.overrides(chunk).items()})
        return found

    def _fetch_ancestors(self, issues: Sequence[Issue]) -> None:
        while self._readable and (links := self._ancestry.unknown(issues)):
            try:
                read_outside(self._work.store, self._work.reader, self._work.tracker, links, self._work.clock.now())
            except TrackerError:
                self._readable = False
                # those lineages are incomplete now; the next observation reads missing links again
                self._work.store.mark_missing(self._work.tracker, links, self._work.clock.now())
            self._ancestry.forget()

    # comments

    def _listen(self, batch: Batch) -> None:
        """What people say in comments begins overrides and ends them; without commands what was said stands."""
        work = self._work
        if not self._policy.commands.heard:
            return
        ids = [ref.id for ref in batch.known]
        said: dict[IssueRef, list[Said]] = {}
        for one in work.store.said(work.tracker, ids):
            said.setdefault(one.ref, []).append(one)
        for vote in work.store.votes(work.tracker, ids):
            batch.votes.setdefault(vote.ref, []).append(vote)
        for ref in batch.known:
            ruling = weigh(said.get(ref, ()), work.rulebook.strategy, self._policy.commands)
            standing = batch.overrides.get(ref, [])
            started, ended = words_of(ruling, standing)
            batch.rulings[ref] = ruling
            if started or ended:
                batch.overrides[ref] = [o for o in standing if o not in ended] + started
                batch.started += started
                batch.ended += ended
                batch.reworded.add(ref)

    # marks

    def _read_marks(self, batch: Batch) -> None:
        """What the marks mean; where that is surprising, after a direct read of the issue."""
        for ref in batch.known:
            batch.readings[ref] = self._reading(batch, ref, direct=False)
            if self.kinship.takes_over(batch.readings[ref]):
                batch.readings[ref] = self._reading(batch, ref, direct=False)
        doubtful = [ref for ref, reading in batch.readings.items() if reading.doubt]
        answered = self._read_again(batch, doubtful)
        for ref in answered:
            batch.readings[ref] = self._reading(batch, ref, direct=True)
        for ref, history in self._histories(batch, answered).items():
            batch.readings[ref] = self._reading(batch, ref, direct=True, history=history)
        for ref in batch.known:
            self.kinship.meet(batch.known[ref].issue, batch.readings[ref])
            self._follow_people(batch, ref)

    def _histories(self, batch: Batch, refs: Sequence[IssueRef]) -> Mapping[IssueRef, History]:
        """Who and when, where it takes that to say more. An issue whose history cannot be read now stays in doubt."""
        names = self._policy.names
        asked = [
            ref
            for ref in refs
            if wants_history(batch.known[ref].issue, batch.readings[ref], batch.overrides.get(ref, ()), names)
        ]
        issues = {ref: batch.known[ref].issue for ref in asked}
        try:
            if issues and not self._account:
                self._account = self._work.reader.look_around().account_id
            return histories(self._work.reader, self._work.store, issues, batch.readings, self._account)
        except TrackerError:
            self._readable = False
            for ref in asked:
                known = batch.known[ref]
                batch.readings[ref] = Reading(known.applied, batch.readings[ref].hand, doubt=True)
            return {}

    def _reading(self, batch: Batch, ref: IssueRef, *, direct: bool, history: History | None = None) -> Reading:
        known = batch.known[ref]
        return read_marks(
            known.issue,
            known.applied,
            batch.overrides.get(ref, ()),
            self.kinship.signature,
            now=self._now,
            overlap=self._work.overlap,
            direct=direct,
            pair=None if known.standing is None else known.standing.decision.pair,
            names=self._policy.names,
            strategy=self._policy.strategy,
            history=history,
        )

    def _read_again(self, batch: Batch, refs: Sequence[IssueRef]) -> Sequence[IssueRef]:
        """Read those issues directly; which of them answered."""
        if not refs or not self._readable:
            return ()
        links = [Link(ref.id, batch.known[ref].issue.key) for ref in refs]
        try:
            found = self._work.reader.read(links)
        except TrackerError:
            self._readable = False
            return ()
        present, outside = placed(found, self._work.scope)
        left: dict[IssueRef, Change] = {}
        self.touched.all |= bool(outside)
        put_outside(self._work, outside, left, self._work.clock.now())
        self._reworded |= {ref.id for ref, change in left.items() if change is not Change.MARKS}
        for moved in outside:  # to where nothing may be touched, and no search of the scope shows it any more
            batch.known.pop(moved.ref, None)
            batch.readings.pop(moved.ref, None)
        answered = [issue for issue in present if issue.ref in batch.known]
        changes = self._work.store.remember(self._work.tracker, answered, in_scope=True, now=self._work.clock.now())
        newer = {ref.id for ref, change in changes.items() if change is not Change.MARKS}
        self._widened.own |= newer  # fresher than the row that was observed: no later row will tell of it
        self._reworded |= newer
        for issue in answered:
            batch.known[issue.ref] = replace(batch.known[issue.ref], issue=issue)
        return [issue.ref for issue in answered]

    def _follow_people(self, batch: Batch, ref: IssueRef) -> None:
        """Marks that people put on begin overrides, those they took off end them; equal ones become ours."""
        known, reading = batch.known[ref], batch.readings[ref]
        names, strategy = self._policy.names, self._work.rulebook.strategy
        standing = batch.overrides.get(ref, [])
        started, ended = mark_overrides(known.issue, reading, standing, names=names, strategy=strategy, now=self._now)
        ours = reading.copied
        unsigned = [o.mark for o in started if o.mark is not None] + list(reading.left)
        bare = reading.applied is None or reading.applied.mark is None
        if ours is None and len(unsigned) == 1 and not standing and bare and not reading.doubt:
            equal = wanted_mark(self._ruled(batch, ref).verdict, names) == unsigned[0]
            ours = unsigned[0] if equal else None
        if ours is not None:
            batch.readings[ref] = with_signed(reading, known.issue, ours)
            started = [o for o in started if o.mark != ours]
        if started or ended:
            batch.overrides[ref] = [o for o in standing if o not in ended] + started
            batch.started += started
            batch.ended += ended
            batch.reworded.add(ref)

    def _ruled(self, batch: Batch, ref: IssueRef) -> Decision:
        """What the rules alone decide."""
        issue = batch.known[ref].issue
        others = {r: words for r, words in batch.overrides.items() if r != ref}
        return self._decider().decide(issue, self._ancestry.of([issue])[ref], others)

    def _decider(self) -> Decider:
        traded = Tradeoffs(self._work.tradeoffs, self._now, self._work.tracker)
        return Decider(self._work.matcher, self._now, traded)

    # decisions

    def _decide(self, batch: Batch) -> None:
        due = [ref for ref in batch.known if self._due(batch, ref)]
        lineages = self._ancestry.of([batch.known[ref].issue for ref in due])
        decider = self._decider()
        for ref in due:
            decision = decider.decide(batch.known[ref].issue, lineages[ref], batch.overrides)
            batch.standings[ref] = self._standing(batch, ref, decision)
            batch.cycles += cycle_findings(batch.known[ref].issue, lineages[ref])
            changed = ref.id in self._widened.own
            self.touched.note(batch.known[ref].standing, batch.standings[ref], changed=changed)
        self._reworded |= {ref.id for ref in batch.reworded}
        self.decided += len(due)

    def _due(self, batch: Batch, ref: IssueRef) -> bool:
        return (
            self._widened.holds(ref.id)
            or batch.known[ref].standing is None
            or ref in batch.reworded
            or any(not o.stands(self._now) for o in batch.overrides.get(ref, ()))
        )

    def _standing(self, batch: Batch, ref: IssueRef, decision: Decision) -> Standing:
        issue, before = batch.known[ref].issue, batch.known[ref].standing
        if issue.project not in self._familiar:
            origin = Origin.FIRST
        elif ref in batch.reworded:
            origin = Origin.ISSUE
        else:
            origin = self._widened.origin(ref.id, rules_changed=self._rules_changed)
        version = self._work.rulebook.version
        return restand(before, decision, issue, now=self._now, origin=origin, version=version)

    # plans

    def _plan(self, batch: Batch) -> None:
        for ref in batch.known:
            wanted = wanted_mark(batch.standing(ref).decision.verdict, self._policy.names)
            batch.readings[ref] = leaving_late_ones(batch.readings[ref], batch.known[ref].issue, wanted)
        asked = self._asked_above(batch)
        cases = [
            Case(batch.known[ref].issue, batch.standing(ref), batch.readings[ref], ref in asked, batch.answers(ref))
            for ref in batch.known
        ]
        planned = plan(cases, self._policy, self._now)
        planned = by_people(self._work, planned, {ref: batch.standing(ref) for ref in batch.known})
        open_ = {a.ref for a in planned.actions} | {s.ref for s in planned.skipped if not s.lasting}
        open_ |= {ref for ref, r in batch.readings.items() if r.doubt or (r.applied and r.applied.proof == "sent")}
        held = {s.ref: s.why for s in planned.skipped if s.lasting and s.ref not in open_}
        settled = [ref for ref in batch.known if ref not in open_ and ref not in held]
        with self._work.store.transaction():
            batch.save(self._work, self._now)
            self._save_findings(batch)
            self._work.store.save_plan_state(settled, sorted(open_), held)
        for ref in batch.known:  # a second look at an issue in one pass replaces the first
            self._planned.pop(ref, None)
            self._held.discard(ref)
        steps: list[Action | Skipped] = [*planned.actions, *planned.skipped]
        for step in steps:
            if self._keep_held or step.ref not in held:
                self._planned.setdefault(step.ref, []).append(step)
        if self._keep_held:
            self._held |= held.keys()

    def _save_findings(self, batch: Batch) -> None:
        """What a look at these issues shows opens, and what it shows no more closes."""
        found: list[Finding] = []
        for ref, known in batch.known.items():
            found += mark_findings(
                known.issue,
                batch.readings[ref],
                batch.standing(ref).decision,
                [o for o in batch.overrides.get(ref, ()) if o.stands(self._now)],
                names=self._policy.names,
                rulebook=self._work.rulebook,
                day=self._now.date(),
            )
            found += self._disputes(batch, ref)
        tracker, now = self._work.tracker, self._work.clock.now()
        self._work.store.save_findings_on(tracker, [ref.id for ref in batch.known], MARK_KINDS, found, now)
        cycles = {finding.cause: finding for finding in batch.cycles}
        decided = [ref.id for ref in batch.standings]
        self._work.store.save_findings_on(tracker, decided, DECIDED_KINDS, list(cycles.values()), now)

    def _disputes(self, batch: Batch, ref: IssueRef) -> Iterator[Finding]:
        """Votes against rules are cast and taken back, and what they come to is told."""
        disputes, cast = batch.rulings.get(ref, NOTHING_SAID).disputes, batch.votes.get(ref, [])
        if not disputes and not cast:
            return
        decision = batch.standing(ref).decision
        new, gone = votes_of(ref, disputes, decision, cast)
        self._work.store.save_votes(new, gone)
        votes = [vote for vote in (*cast, *new) if vote not in gone]
        yield from dispute_findings(batch.known[ref].issue, decision, votes, self._work.rulebook)

    def _asked_above(self, batch: Batch) -> set[IssueRef]:
        """Unmapped issues whose question is put to an unmapped ancestor in scope; asked only where comments are."""
        issues = [
            known.issue
            for ref, known in batch.known.items()
            if known.issue.parent is not None
            and batch.standing(ref).decision.verdict == Unmapped()
            and self._policy.may(known.issue.project) is Write.COMMENT
        ]
        lineages, decider = self._ancestry.of(issues), self._decider()
        there = inside(self._work.store, (a.ref for one in lineages.values() for step in one.steps for a in step))
        return {
            issue.ref
            for issue in issues
            if decider.asked_above(batch.standing(issue.ref).decision, lineages[issue.ref], batch.overrides, there)
        }
