"""A tracker as a dictionary, a store as a few more, and one cycle over them: the core at work, without any I/O.

The cycle does what the engine does with the same functions of the core: read marks, follow people, decide, plan,
carry out, settle. People edit in between, and the search index may lag behind. `World.carry_out` refuses any write
that touches what is not syncd's own.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from support_values import (
    NAMES,
    NOW,
    OURS,
    OVERLAP,
    STRATEGY,
    any_of,
    copy_of,
    epic,
    has,
    initiative,
    issue,
    label,
    none_of,
    of,
    policy,
    rule,
    rulebook,
)

from syncd.core.comments import CommentPolicy
from syncd.core.decide import Decider
from syncd.core.marks import after_write, entry_key, wanted_mark
from syncd.core.match import Matcher
from syncd.core.model import (
    Action,
    Applied,
    Category,
    Condition,
    Decision,
    Issue,
    IssueRef,
    Lineage,
    Link,
    Origin,
    Override,
    Plan,
    Proof,
    Receipt,
    Rulebook,
    Standing,
)
from syncd.core.plan import Case, Policy, Write, plan
from syncd.core.reading import read_marks
from syncd.core.whose import mark_overrides, signed
from syncd.core.witness import Reading

MINUTE = timedelta(minutes=1)


@dataclass(slots=True)
class World:
    """What is there (`truth`), what the index shows (`rows`), and what syncd remembers."""

    truth: dict[IssueRef, Issue]
    rulebook: Rulebook
    policy: Policy
    now: datetime = NOW
    rows: dict[IssueRef, Issue] = field(default_factory=dict)
    applied: dict[IssueRef, Applied] = field(default_factory=dict)
    standings: dict[IssueRef, Standing] = field(default_factory=dict)
    overrides: dict[IssueRef, list[Override]] = field(default_factory=dict)
    ours: dict[IssueRef, set[str]] = field(default_factory=dict)
    """A ledger of its own: marks that are syncd's by what was written or signed, not by what `applied` says."""
    off: dict[IssueRef, set[str]] = field(default_factory=dict)
    """Marks of ours that people took off since the issue was last seen: put on again before that, never away."""
    entries: list[str] = field(default_factory=list)

    # people

    def edit(self, ref: IssueRef, **changes: Any) -> None:
        """A person changes an issue."""
        self.now += MINUTE
        self.truth[ref] = replace(self.truth[ref], updated=self.now, **changes)

    def toggle_label(self, ref: IssueRef, word: str) -> None:
        self.edit(ref, labels=_toggled(self.truth[ref].labels, word))

    def toggle_mark(self, ref: IssueRef, mark: str) -> None:
        """A person puts a mark on by hand, or takes one off, whoever put it there."""
        written, ours = self.applied.get(ref), self.ours.setdefault(ref, set())
        unseen = written is not None and written.proof is Proof.SENT
        if mark not in self.truth[ref].marks:
            ours.update({mark} & self._not_to_be_told(ref))
        elif mark in ours and not unseen:
            ours.discard(mark)
            self.off.setdefault(ref, set()).add(mark)
        self.edit(ref, marks=_toggled(self.truth[ref].marks, mark))

    def _not_to_be_told(self, ref: IssueRef) -> set[str]:
        """Marks that, put on by hand now, nobody can tell from ours: their absence was never observed."""
        written = self.applied.get(ref)
        unseen = written is not None and written.proof is Proof.SENT and written.mark is None
        return self.off.get(ref, set()) | ({written.was} if unseen and written and written.was else set())

    # a cycle

    def observe(self, lagging: Collection[IssueRef] = ()) -> None:
        """The index shows everything but what still lags."""
        for ref in self.truth:
            if ref not in lagging or ref not in self.rows:
                self._see(ref)

    def look(self, order: Sequence[IssueRef] | None = None) -> Plan:
        """Read marks, follow people, decide and plan, over the issues in that order."""
        refs = list(self.rows) if order is None else list(order)
        readings = {ref: self._reading(ref) for ref in refs}
        decider = Decider(Matcher(self.rulebook, self.now.date()), self.now)
        cases = []
        for ref in refs:
            decision = decider.decide(self.rows[ref], lineage_in(self.rows, self.rows[ref]), self.overrides)
            self.standings[ref] = self._standing(ref, decision)
            cases.append(Case(self.rows[ref], self.standings[ref], readings[ref]))
        return plan(cases, self.policy, self.now)

    def carry_out(self, whole: Plan) -> None:
        """Do what the plan says, and settle it as sent."""
        self.now += MINUTE
        for action in whole.actions:
            self.entries.append(entry_key(OURS.instance, action))
            self._write(action)
            receipt = Receipt(self.now, comment_id=action.comment_id or f"comment-{len(self.entries)}")
            self.applied[action.ref] = after_write(self.applied.get(action.ref), action, receipt)

    def cycle(self, lagging: Collection[IssueRef] = ()) -> Plan:
        """One whole cycle."""
        self.now += MINUTE
        self.observe(lagging)
        made = self.look()
        self.carry_out(made)
        return made

    def decisions(self) -> Mapping[IssueRef, Decision]:
        return {ref: standing.decision for ref, standing in self.standings.items()}

    # inside

    def _see(self, ref: IssueRef) -> None:
        self.rows[ref] = self.truth[ref]
        self.off.pop(ref, None)

    def _reading(self, ref: IssueRef) -> Reading:
        reading = self._read(ref, direct=False)
        if reading.doubt:
            self._see(ref)
            reading = self._read(ref, direct=True)
        reading = self._follow_people(ref, reading)
        if reading.applied is not None:
            self.applied[ref] = reading.applied
        return reading

    def _read(self, ref: IssueRef, *, direct: bool) -> Reading:
        before = self.standings.get(ref)
        return read_marks(
            self.rows[ref],
            self.applied.get(ref),
            self.overrides.get(ref, []),
            OURS,
            now=self.now,
            overlap=OVERLAP,
            direct=direct,
            pair=None if before is None else before.decision.pair,
        )

    def _follow_people(self, ref: IssueRef, reading: Reading) -> Reading:
        row, standing = self.rows[ref], self.overrides.get(ref, [])
        started, ended = mark_overrides(row, reading, standing, names=NAMES, strategy=STRATEGY, now=self.now)
        if len(started) == 1 and not standing and (reading.applied is None or reading.applied.mark is None):
            mark = started[0].mark or ""
            if wanted_mark(self._ruled(row).verdict, NAMES) == mark:
                self.ours.setdefault(ref, set()).add(mark)
                others = tuple(m for m in reading.hand if m != mark)
                return replace(reading, applied=signed(reading, row, mark), hand=others)
        self.overrides[ref] = [o for o in standing if o not in ended] + started
        return reading

    def _ruled(self, row: Issue) -> Decision:
        others = {ref: words for ref, words in self.overrides.items() if ref != row.ref}
        return Decider(Matcher(self.rulebook, self.now.date()), self.now).decide(
            row, lineage_in(self.rows, row), others
        )

    def _standing(self, ref: IssueRef, decision: Decision) -> Standing:
        before = self.standings.get(ref)
        version = self.rulebook.version
        if before is not None and before.decision.pair == decision.pair:
            return replace(before, decision=decision, version=version)
        origin = Origin.FIRST if before is None else Origin.ISSUE
        return Standing(decision, self.now, origin, self.rows[ref].updated, version)

    def _write(self, action: Action) -> None:
        """A delta of labels; anything but our own marks in it is an error of syncd's."""
        if action.kind != "mark":
            return
        before, ours = self.truth[action.ref], self.ours.setdefault(action.ref, set())
        if not set(action.remove) <= ours:
            raise AssertionError(f"takes off what is not ours: {action}")
        if not all(mark.startswith((NAMES.outcome, NAMES.alignment)) for mark in action.add):
            raise AssertionError(f"puts on what is no mark: {action}")
        marks = tuple(m for m in before.marks if m not in action.remove)
        marks += tuple(m for m in action.add if m not in marks)
        ours.difference_update(action.remove)
        ours.update(mark for mark in action.add if mark not in before.marks)
        mark = action.add[0] if action.add else None
        self.truth[action.ref] = replace(before, marks=marks, updated=self.now, copy=copy_of(mark))


def _toggled(words: Sequence[str], word: str) -> tuple[str, ...]:
    return tuple(w for w in words if w != word) if word in words else (*words, word)


def lineage_in(rows: Mapping[IssueRef, Issue], one: Issue) -> Lineage:
    """The ancestors of an issue, as far as they are known."""
    by_key = {row.key: row for row in rows.values()}
    steps: list[tuple[Issue, ...]] = []
    while one.parent is not None:
        above = by_key.get(one.parent.key or "")
        if above is None:
            return Lineage(tuple(steps), missing=one.parent)
        steps.append((above,))
        one = above
    return Lineage(tuple(steps))


# --- strategies -------------------------------------------------------------------------------------------

WORDS = ("sre", "SRE", "market", "platform", "Docs", "docs,")
HAND_SET = ("outcome/growth", "outcome/trust", "outcome/Reliability", "outcome/nonsense", "alignment/unmapped")
EPICS, INITIATIVES = ("PAY-901", "PAY-902"), ("PAY-991", "PAY-992")

labels = st.lists(st.sampled_from(WORDS), max_size=2, unique=True).map(tuple)
NOWHERE = Link("id-PAY-404", "PAY-404")
"""A parent that cannot be read."""

parents = st.sampled_from((None, *EPICS, *EPICS, NOWHERE.key)).map(lambda key: key and Link(f"id-{key}", key))
ages = st.sampled_from((timedelta(days=30), timedelta(days=30), timedelta(minutes=1)))


@st.composite
def stories(draw: st.DrawFn, number: int) -> Issue:
    """One piece of work: some with marks of people's or of another installation's on it."""
    foreign = draw(st.integers(0, 9)) == 0
    marks = ("outcome/trust",) if foreign else draw(st.lists(st.sampled_from(HAND_SET), max_size=1).map(tuple))
    return issue(
        f"PAY-{number}",
        *draw(labels),
        type=draw(st.sampled_from(("Story", "Bug"))),
        category=draw(st.sampled_from((Category.TODO, Category.IN_PROGRESS, Category.IN_PROGRESS, Category.DONE))),
        parent=draw(parents),
        marks=marks if draw(st.booleans()) or foreign else (),
        copy=copy_of("outcome/trust", installation="elsewhere") if foreign else None,
        updated=NOW - draw(ages),
    )


@st.composite
def issues(draw: st.DrawFn) -> tuple[Issue, ...]:
    """One to eight pieces of work under two epics and two initiatives."""
    links = st.sampled_from((None, *INITIATIVES)).map(lambda key: key and Link(f"id-{key}", key))
    tops = [initiative(key, *draw(labels)) for key in INITIATIVES]
    epics = [epic(key, *draw(labels), parent=draw(links)) for key in EPICS]
    below = [draw(stories(number)) for number in range(1, draw(st.integers(2, 9)))]
    return (*tops, *epics, *below)


conditions: st.SearchStrategy[Condition] = st.one_of(
    st.lists(st.sampled_from(("sre", "market", "plat*", "docs")), min_size=1, max_size=2).map(lambda t: label(*t)),
    st.sampled_from(
        (
            has("type", "Bug"),
            of("epic", label("sre")),
            of("ancestor", label("market", "docs")),
            none_of(of("parent", label("platform")), label("sre")),
            any_of(has("title", "re:(?i)payouts$"), of("initiative", label("*"))),
        )
    ),
)


@st.composite
def rulebooks(draw: st.DrawFn, version: str = "v1") -> Rulebook:
    """One to four rules, to outcomes, overhead and exemption."""
    to = st.sampled_from(
        ("growth", "growth", "trust", "reliability", "reliability/failover", "overhead: hiring", "exempt: a spike")
    )
    rules = [
        rule(f"rule-{n}", draw(to), draw(conditions), priority=draw(st.integers(0, 1)), default=draw(st.booleans()))
        for n in range(draw(st.integers(1, 4)))
    ]
    return replace(rulebook(*rules), version=version)


policies = st.builds(
    policy,
    st.sampled_from((Write.LABEL, Write.COMMENT)),
    write_closed=st.booleans(),
    grace=st.sampled_from((timedelta(0), timedelta(minutes=15))),
    comments=st.builds(
        CommentPolicy, grace=st.sampled_from((timedelta(0), timedelta(hours=24))), backlog=st.booleans()
    ),
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    made = draw(issues())
    return World({one.ref: one for one in made}, draw(rulebooks()), draw(policies))
