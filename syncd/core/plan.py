"""Decisions + what is there + policy → a Plan; a Plan + limits → what may go ahead, and what waits for a person.

`plan` touches only syncd's own marks, closes the gap in deltas, and says why for every action and every omission.
`guard` weighs actions by their cause (DESIGN §3.7). Both are functions of values; a plan's digest names its content.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final, assert_never

from syncd.core.acting import rules_in
from syncd.core.commands import Answer, CommandPolicy
from syncd.core.comments import PASSING, CommentPolicy, held_back, sticky_comment
from syncd.core.fold import fold
from syncd.core.marks import WRITES_BEFORE_GIVING_UP, comment_digest, wanted_mark
from syncd.core.model import (
    Action,
    Applied,
    Conflict,
    Exempt,
    Issue,
    Limits,
    Mapped,
    Origin,
    Plan,
    Refusal,
    Skipped,
    Standing,
    Strategy,
    Unmapped,
    Via,
)
from syncd.core.noise import notified
from syncd.core.ports import Hold, MarkNames
from syncd.core.witness import Reading

DIGEST_LENGTH: Final = 16
OBSERVED: Final = "policy: observe"


class Write(StrEnum):
    """What may be written (the policy): nothing, labels, or labels and the sticky comment."""

    OBSERVE = "observe"
    LABEL = "label"
    COMMENT = "label+comment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the settings allow on one tracker, and what this cycle saw of it."""

    strategy: Strategy
    write: Write = Write.OBSERVE
    write_by: Mapping[str, Write] = field(default_factory=dict)
    """Per project, before `write`."""
    write_closed: bool = False
    names: MarkNames = field(default_factory=MarkNames)
    grace: timedelta = timedelta(minutes=15)
    comments: CommentPolicy = field(default_factory=CommentPolicy)
    commands: CommandPolicy = field(default_factory=CommandPolicy)
    complete: bool = True
    """Whether this cycle's observation was complete: removals are never planned from one that was not."""

    dashboard: str | None = None
    """The key of the issue whose one comment is the dashboard."""
    holds: tuple[Hold, ...] = ()
    """Places where everything was taken off; nothing is written there."""

    def on_hold(self, issue: Issue) -> bool:
        """Whether `syncd withdraw` was there, and no `apply --plan` since."""
        return any(
            hold.tracker == issue.ref.tracker
            and hold.project in (None, issue.project)
            and hold.issue in (None, issue.ref.id)
            for hold in self.holds
        )

    def may(self, project: str) -> Write:
        """The policy for that project."""
        return self.write_by.get(project, self.write)


@dataclass(frozen=True, slots=True)
class Case:
    """One issue, ready to be planned: its snapshot, its decision, and what its marks mean."""

    issue: Issue
    standing: Standing
    reading: Reading
    asked_above: bool = False
    """An ancestor in scope is as unmapped: the question is put there, not here."""
    answers: tuple[Answer, ...] = ()
    """What the comment owes to whoever gave a command."""

    @property
    def pair(self) -> tuple[str, str | None]:
        """What the comment is written for: the verdict, or whoever asked last. Deleted, it stays away for that."""
        return ("answer", self.answers[-1].comment) if self.answers else self.standing.decision.pair


def plan(cases: Iterable[Case], policy: Policy, now: datetime) -> Plan:
    """Every write that closes a gap, and every one that is not made, sorted. `now` is on the tracker's clock."""
    actions: list[Action] = []
    skipped: list[Skipped] = []
    for case in cases:
        for step in _steps(case, policy, now):
            if isinstance(step, Action):
                actions.append(step)
            else:
                skipped.append(step)
    return make_plan(actions, skipped)


def make_plan(actions: Iterable[Action], skipped: Iterable[Skipped] = ()) -> Plan:
    """A plan of these actions, in the one order, under its digest."""
    ordered = tuple(sorted(actions, key=_order))
    return Plan(ordered, tuple(sorted(skipped, key=lambda s: (s.ref, s.why))), digest(ordered))


def digest(actions: Sequence[Action]) -> str:
    """The name of a plan: a hash of what would be written where, whatever the order and the time."""
    hashed = hashlib.sha256()  # fed line by line: of a whole backlog all of it together is many megabytes
    for number, line in enumerate(sorted("\n".join(_content(action)) for action in actions)):
        hashed.update((f"\n\n{line}" if number else line).encode())
    return hashed.hexdigest()[:DIGEST_LENGTH]


def same_write(action: Action) -> tuple[str, ...]:
    """What makes two actions the same to a person who was shown one: compare with `==`."""
    return _content(action)


def _content(action: Action) -> tuple[str, ...]:
    said = "" if action.comment is None else comment_digest(action)
    parts = (action.ref.tracker, action.ref.id, action.kind, repr(action.add), repr(action.remove), said)
    return (*parts, action.comment_id or "")


def _order(action: Action) -> tuple[str, str, int, str]:
    """By project and number as people read keys, a mark before the comment that speaks of it."""
    project, _, number = action.key.rpartition("-")
    return (
        action.ref.tracker,
        project,
        int(number) if number.isdigit() else 0,
        f"{action.kind != 'mark'}{action.kind}",
    )


# --- one issue --------------------------------------------------------------------------------------------

Step = Action | Skipped


def _steps(case: Case, policy: Policy, now: datetime) -> Iterator[Step]:
    """At most one mark and one comment; a comment waits behind a mark that could not be planned for lack of trust."""
    if isinstance(case.standing.decision.verdict, Unmapped) and case.standing.decision.verdict.incomplete:
        yield _skip(case, "an ancestor cannot be read, so nothing is written on it nor taken off", lasting=True)
        return
    if policy.on_hold(case.issue):
        yield _skip(case, "on hold since `syncd withdraw`: `syncd plan` and `syncd apply --plan` end it", lasting=True)
        return
    if case.reading.stranger is not None:
        other = case.reading.stranger
        yield _skip(case, f"marked by another store of this installation ({other}): see `syncd adopt`", lasting=True)
        return
    if case.reading.foreign is not None:
        yield _skip(case, f'marked by another installation of syncd, "{case.reading.foreign}"', lasting=True)
        return
    revision = 0 if case.reading.applied is None else case.reading.applied.revision
    mark = _mark_step(case, policy, revision, now)
    if mark is not None:
        yield mark
    follows = revision + 1 if isinstance(mark, Action) else revision
    comment = _comment_step(case, policy, follows, now)
    if comment is not None:
        yield comment


def _mark_step(case: Case, policy: Policy, revision: int, now: datetime) -> Step | None:
    applied = case.reading.applied
    there = None if applied is None else applied.mark
    wanted = _wanted(case, policy)
    rival = _rival(case, policy, wanted)
    if rival is not None and there is None:
        return _skip(
            case, f'"{rival}" stands there, and an issue bears one label of a group: take it off', lasting=True
        )
    wanted = wanted if rival is None else None  # ours is wrong by now: it goes, and the other one stays
    if wanted == there:
        return None
    held = _mark_held(case, policy, wanted, there, now)
    if held is not None:
        return held
    return Action(
        ref=case.issue.ref,
        key=case.issue.key,
        project=case.issue.project,
        type=case.issue.type,
        kind="mark",
        why=why(case.standing),
        revision=revision,
        origin=case.standing.origin,
        add=_marks(wanted),
        remove=_marks(there),
        pair=case.standing.decision.pair,
    )


def _wanted(case: Case, policy: Policy) -> str | None:
    """The mark we want of ours: none where a person's own mark says it already."""
    wanted = wanted_mark(case.standing.decision.verdict, policy.names)
    if wanted is not None and any(fold(mark) == fold(wanted) for mark in case.reading.hand):
        return None
    return wanted


def _rival(case: Case, policy: Policy, wanted: str | None) -> str | None:
    """The mark of somebody else's in whose place ours would have to be, where a group holds but one."""
    if wanted is None or not policy.names.exclusive:
        return None
    group = next(name for name in (policy.names.outcome, policy.names.alignment) if wanted.startswith(name))
    return next((mark for mark in case.reading.hand if fold(mark).startswith(fold(group))), None)


def _mark_held(case: Case, policy: Policy, wanted: str | None, there: str | None, now: datetime) -> Skipped | None:
    """Why the mark is not written now; None: write it."""
    if case.reading.doubt:
        return _skip(case, "its marks are not what they were: it is read again before anything is written")
    lasting = _held_for_good(case, policy, wanted, there)
    if lasting is not None:
        held = _skip(case, lasting, lasting=True)
        return replace(held, add=_marks(wanted), remove=_marks(there)) if lasting == OBSERVED else held
    if there is not None and not policy.complete:
        return _skip(case, "nothing is taken off after an incomplete observation")
    if wanted is None or not wanted.startswith(policy.names.alignment):
        return None
    wait = mark_grace(case.standing, policy.grace)
    until = case.standing.since + wait
    return _skip(case, f"grace until {until:%Y-%m-%d %H:%M} UTC") if wait and now < until else None


def _held_for_good(case: Case, policy: Policy, wanted: str | None, there: str | None) -> str | None:
    """Why the mark is not written until somebody edits the issue, the rules or the settings."""
    applied = case.reading.applied
    if wanted is not None and applied is not None and applied.declined == case.standing.decision.pair:
        return f'a person took "{wanted}" off: it stays off until the verdict changes'
    if given_up(applied, wanted, there) and applied is not None and case.standing.since <= applied.at:
        return f'"{wanted}" was written twice and is not there: see the findings'
    if case.issue.closed and not policy.write_closed:
        return "closed (write_closed is false)"
    if policy.may(case.issue.project) is Write.OBSERVE:
        return OBSERVED
    return None


@lru_cache  # a rule edit plans tens of thousands of a few marks
def _marks(mark: str | None) -> tuple[str, ...]:
    return () if mark is None else (mark,)


def given_up(applied: Applied | None, wanted: str | None, there: str | None) -> bool:
    """Whether that very write was acknowledged as often as it is tried, and is not there."""
    if applied is None or applied.tries <= WRITES_BEFORE_GIVING_UP:
        return False
    return applied.tried is None or applied.tried == (wanted, there)


def mark_grace(standing: Standing, grace: timedelta) -> timedelta:
    """For how long after its verdict an `alignment/…` mark waits: the grace, or not at all if nobody was typing.

    What does not wait is written whatever the clock says: a tracker tells its time in whole seconds, so that the
    verdict of a moment ago may lie ahead of now.
    """
    return timedelta(0) if standing.since - standing.changed >= grace else grace


def _comment_step(case: Case, policy: Policy, revision: int, now: datetime) -> Step | None:
    if policy.may(case.issue.project) is not Write.COMMENT or case.reading.doubt:
        return None
    if case.issue.key == policy.dashboard:
        return None
    applied = case.reading.applied
    there = None if applied is None else applied.comment
    says = sticky_comment(case.issue, case.standing.decision, policy.strategy, case.answers, policy.commands)
    if says is None and there is None:
        return None
    action = Action(
        ref=case.issue.ref,
        key=case.issue.key,
        project=case.issue.project,
        type=case.issue.type,
        kind="uncomment" if says is None else "comment",
        why="settled" if says is None else why(case.standing),
        revision=revision,
        origin=case.standing.origin,
        comment=says,
        comment_id=None if there is None else there.id,
        pair=case.pair,
        notifies=notified(case.issue) if there is None else (),
        rules=rules_in(case.standing.decision),
    )
    if there is not None:
        return _comment_change(case, policy, action, there.digest)
    if applied is not None and applied.hushed == case.pair:
        return _skip(case, "comment: a person deleted it: it stays away until the verdict changes", lasting=True)
    held = held_back(
        case.issue,
        case.standing,
        policy.comments,
        now,
        asked_above=case.asked_above,
        answers=bool(case.answers),
    )
    return action if held is None else _skip(case, f"comment: {held}", lasting=not held.startswith(PASSING))


def _comment_change(case: Case, policy: Policy, action: Action, said: str) -> Step | None:
    """Editing and removing our own comment: as it stands on closed work, and not on an incomplete observation."""
    if action.kind == "comment" and comment_digest(action) == said:
        return None
    if case.issue.closed and not policy.write_closed:
        return _skip(case, "comment: closed (write_closed is false)", lasting=True)
    if action.kind == "uncomment" and not policy.complete:
        return _skip(case, "comment: nothing is taken off after an incomplete observation")
    return action


def _skip(case: Case, reason: str, *, lasting: bool = False) -> Skipped:
    return Skipped(case.issue.ref, case.issue.key, reason, lasting)


def why(standing: Standing) -> str:
    """The decision in one line: what, at which level, by what."""
    decision = standing.decision
    sources = sorted(
        {f"{e.source} on {e.key}" if decision.via is Via.INHERITED else e.source for e in decision.evidence}
    )
    by = f" ({decision.via.value}: {', '.join(sources)})" if decision.via is not None else ""
    match decision.verdict:
        case Mapped(outcome=outcome, objective=None):
            return f"serves {outcome}{by}"
        case Mapped(outcome=outcome, objective=objective):
            return f"serves {outcome}/{objective}{by}"
        case Conflict():
            return f"conflict{by}"
        case Unmapped(incomplete=incomplete):
            return "an ancestor cannot be read" if incomplete else "no rule speaks"
        case Exempt(overhead=None, why=words):
            return f"exempt, {words}{by}"
        case Exempt(overhead=overhead):
            return f"overhead {overhead}{by}"
        case _:
            assert_never(decision.verdict)


# --- the guard --------------------------------------------------------------------------------------------

TOGETHER: Final = frozenset({Origin.FIRST, Origin.RULEBOOK})
"""Origins whose actions stand or are refused as one: they follow from what the admin did, not from people at work."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """What may go ahead, and what waits for a person with its own digest."""

    plan: Plan
    refused: Plan
    refusals: tuple[Refusal, ...] = ()


def guard(whole: Plan, in_scope: Mapping[str, int], limits: Limits) -> Guarded:
    """Split a plan by the limits. A refused part is written nowhere, not even in part.

    Args:
        whole: the plan.
        in_scope: how many issues each tracker has in scope.
        limits: a part over `share` of those or over `actions` waits; one of at most `always` never does.
    """
    parts: dict[tuple[str, bool], list[Action]] = defaultdict(list)
    for action in whole.actions:
        parts[action.ref.tracker, action.origin in TOGETHER].append(action)
    allowed: list[Action] = []
    refused: list[Action] = []
    refusals = []
    for (tracker, together), actions in sorted(parts.items()):
        refusal = _refusal(tracker, actions, in_scope.get(tracker, 0), limits, together=together)
        if refusal is None:
            allowed += actions
        else:
            refused += actions
            refusals.append(refusal)
    return Guarded(make_plan(allowed, whole.skipped), make_plan(refused), tuple(refusals))


def _refusal(
    tracker: str, actions: Sequence[Action], in_scope: int, limits: Limits, *, together: bool
) -> Refusal | None:
    count = len(actions)
    if count <= limits.always:
        return None
    cause = "a rulebook or scope edit, or a first labelling" if together else "changes that people made"
    if count > limits.actions:
        reason = f"{count} actions from {cause} are more than {limits.actions} (limits.actions)"
    elif together and count > limits.share * in_scope:
        share = count / in_scope if in_scope else 1.0
        reason = (
            f"{count} actions from {cause} touch {share:.1%} of {in_scope} issues in scope, "
            f"more than {limits.share:.1%} (limits.share)"
        )
    else:
        return None
    return Refusal(
        tracker=tracker,
        reason=reason,
        digest=digest(actions),
        counts={"actions": count, "in_scope": in_scope},
        limits={"share": limits.share, "actions": limits.actions, "always": limits.always},
    )
