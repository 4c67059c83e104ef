"""Issue + lineage + overrides + rules → Decision, strongest level first (DESIGN §4).

override on the issue > rules on the issue > the nearest ancestor that speaks for itself > defaults > unmapped.
At one level all matches agree, or it is a conflict. Nothing is ever settled by file order or alphabet.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple, assert_never

from syncd.core.match import Match, Matcher, alike
from syncd.core.model import (
    Candidate,
    Conflict,
    Decision,
    Evidence,
    Exempt,
    Issue,
    IssueRef,
    Lineage,
    Mapped,
    Origin,
    Override,
    OverrideSource,
    Standing,
    Strategy,
    Target,
    ToExempt,
    ToOutcome,
    ToOverhead,
    Unmapped,
    Verdict,
    Via,
)
from syncd.core.seen import Seen, is_node
from syncd.core.tradeoffs import NONE, Tradeoff, Tradeoffs, agreement, evidence_of

VOICES_REMEMBERED: Final = 100_000
"""Ancestors from which up the word is remembered within one pass; past it the memory starts afresh."""

_UNMAPPED: Final = Unmapped()
_INCOMPLETE: Final = Unmapped(incomplete=True)

Overrides = Mapping[IssueRef, Sequence[Override]]

Said = tuple[Target, Evidence]
"""One thing that spoke: what it wants, and why."""


class Voice(NamedTuple):
    """What one issue says for itself (levels 1 and 2), or what a level says: a verdict with its evidence."""

    via: Via
    verdict: Verdict
    evidence: tuple[Evidence, ...]
    cause: str | None
    """Where a conflict comes from."""
    said: Sequence[Said]
    """All that it is made of."""


Above = tuple[Voice | None, tuple[Issue, ...]]
"""What the nearest speaking ancestors say, and who they are."""


class Decider:
    """Decides issues under one rulebook on one day. Remembers what ancestors said, so make a new one each pass."""

    def __init__(self, matcher: Matcher, now: datetime, tradeoffs: Tradeoffs = NONE) -> None:
        self._matcher = matcher
        self._strategy = matcher.rulebook.strategy
        self._now = now
        self._tradeoffs = tradeoffs
        self._verdicts: dict[Target, Verdict] = {}
        self._heard: dict[str, tuple[Lineage, Above]] = {}

    def decide(self, issue: Seen, lineage: Lineage, overrides: Overrides) -> Decision:
        """The verdict for one issue. `overrides` holds those on the issue and on its ancestors."""
        matches = self._matcher.strongest(issue, lineage)
        own = self._own_voice(issue, matches, overrides)
        above, spoke = self._voice_above(lineage, overrides)
        if own is not None:
            return _decision(issue, own, diverges_from=_divergence(own, above, spoke))
        if above is not None:
            return self._inherited(issue, above, spoke, lineage)
        if lineage.missing is not None:
            return Decision(issue.ref, _INCOMPLETE)
        return _decision(issue, self._rules_voice(issue, Via.DEFAULT, matches)) if matches else _unmapped(issue)

    def above(self, lineage: Lineage) -> Above:
        """What is heard from above where nobody overrode anything there."""
        return self._voice_above(lineage, {})

    def asked_above(
        self, decision: Decision, lineage: Lineage, overrides: Overrides, inside: Collection[IssueRef]
    ) -> bool:
        """Whether an unmapped issue hangs below one that is unmapped as well, and is asked: one of these in scope.

        An archived or deleted ancestor is of a project in scope, perhaps, and yet nobody is asked there.
        """
        if decision.verdict != Unmapped():
            return False
        return any(
            ancestor.ref in inside
            and self.decide(ancestor, lineage.above(distance, place), overrides).verdict == Unmapped()
            for distance, step in enumerate(lineage.steps)
            for place, ancestor in enumerate(step)
        )

    def _own_voice(self, issue: Seen, matches: Sequence[Match], overrides: Overrides) -> Voice | None:
        words = prevailing([o for o in overrides[issue.ref] if o.stands(self._now)]) if issue.ref in overrides else ()
        if words:
            said = [(o.target, _override_evidence(issue, o)) for o in words if o.target is not None]
            return self._traded(issue, self._settle(Via.OVERRIDE, said, f"overrides on {issue.key}"))
        if not matches or matches[0].rule.default:
            return None
        return self._rules_voice(issue, Via.RULE, matches)

    def _rules_voice(self, issue: Seen, via: Via, matches: Sequence[Match]) -> Voice:
        said = [(match.rule.target, match.evidence) for match in matches]
        first = said[0][0]
        if all(target == first for target, _ in said):
            return Voice(via, self._verdict(first), tuple([why for _, why in said]), None, said)
        voice = self._settle(via, said, "rules " + " + ".join([match.rule.id for match in matches]))
        return self._traded(issue, voice)

    def _voice_above(self, lineage: Lineage, overrides: Overrides) -> Above:
        """The word of the nearest ancestors that say anything, and who they are. Siblings share it: remembered."""
        if not lineage.steps or lineage.gap == 0:
            return None, ()
        nearest = lineage.steps[0]
        name = nearest[0].ref.id
        known = self._heard.get(name)
        if known is not None and (known[0] is lineage or alike(known[0], lineage)):
            return known[1]
        all_ = [(a, self._voice_of(a, lineage.above(0, place), overrides)) for place, a in enumerate(nearest)]
        voices = [(ancestor, voice) for ancestor, voice in all_ if voice is not None]
        speakers = tuple(ancestor for ancestor, _ in voices)
        heard = self._voice_above(lineage.rest(0), overrides)
        if voices:
            heard = self._together([voice for _, voice in voices], speakers), speakers
        if len(self._heard) >= VOICES_REMEMBERED:
            self._heard.clear()
        self._heard[name] = (lineage, heard)
        return heard

    def _voice_of(self, ancestor: Issue, above: Lineage, overrides: Overrides) -> Voice | None:
        return self._own_voice(ancestor, self._matcher.strongest(ancestor, above), overrides)

    def _together(self, voices: Sequence[Voice], speakers: tuple[Issue, ...]) -> Voice:
        cause = " + ".join(sorted(map(place, speakers)))
        said = [pair for voice in voices for pair in voice.said]
        return self._settle(Via.INHERITED, said, cause)

    def _traded(self, issue: Seen, voice: Voice) -> Voice:
        """The voice, its conflict settled by what was recorded on that very issue, or on what it comes from."""
        if not self._tradeoffs or not isinstance(voice.verdict, Conflict):
            return voice
        causes = [place(issue), *([voice.cause] if voice.cause is not None else [])]
        tradeoff = self._tradeoffs.of(causes, voice.verdict.candidates)
        return voice if tradeoff is None else self._settled(voice, tradeoff, issue.key)

    def _settled(self, voice: Voice, tradeoff: Tradeoff, key: str) -> Voice:
        chosen = agreement(tradeoff.target)
        said = [one for one in voice.said if agreement(one[0]) == chosen]
        said.append((tradeoff.target, evidence_of(tradeoff, key)))
        return self._settle(voice.via, said, voice.cause or "")

    def _inherited(self, issue: Seen, voice: Voice, spoke: tuple[Issue, ...], lineage: Lineage) -> Decision:
        """A conflict above has its ancestor as its cause: a thousand children of one torn epic are one finding."""
        if not isinstance(voice.verdict, Conflict):
            return Decision(issue.ref, voice.verdict, Via.INHERITED, voice.evidence, spoke[0].ref)
        cause = _torn(issue, lineage, spoke)
        tradeoff = self._tradeoffs.of([cause], voice.verdict.candidates) if self._tradeoffs else None
        if tradeoff is not None:
            voice = self._settled(voice, tradeoff, cause.removeprefix("issue "))
            return Decision(issue.ref, voice.verdict, Via.INHERITED, voice.evidence, spoke[0].ref)
        return Decision(issue.ref, voice.verdict, Via.INHERITED, voice.evidence, spoke[0].ref, cause)

    def _verdict(self, target: Target) -> Verdict:
        verdict = self._verdicts.get(target)
        if verdict is None:
            verdict = self._verdicts[target] = _verdict(target, self._strategy)
        return verdict

    def _settle(self, via: Via, said: Sequence[Said], cause: str) -> Voice:
        candidates = _candidates(said)
        evidence = tuple(e for candidate in candidates for e in candidate.evidence)
        if len(candidates) > 1:
            return Voice(via, Conflict(candidates), evidence, cause, said)
        return Voice(via, self._verdict(candidates[0].target), evidence, None, said)


def prevailing(words: Sequence[Override]) -> Sequence[Override]:
    """Those that speak: of commands the latest, and of a command and hand-set marks the later (DESIGN §5).

    Marks that people put on speak together, so that two of them may disagree. Nobody speaks after a latest `auto`.
    """
    commands = [o for o in words if o.source is not OverrideSource.MARK]
    if not commands:
        return words
    latest = max(commands, key=lambda o: o.at)
    later = [o for o in words if o.source is OverrideSource.MARK and o.at >= latest.at]
    return later or ([] if latest.target is None else [latest])


# --- agreement --------------------------------------------------------------------------------------------


def _candidates(said: Iterable[Said]) -> tuple[Candidate, ...]:
    """What was said, grouped by what agrees, in an order that depends on content alone."""
    groups: dict[tuple[str, str], list[Said]] = {}
    for target, evidence in said:
        groups.setdefault(agreement(target), []).append((target, evidence))
    return tuple(_candidate(groups[key]) for key in sorted(groups))


def _candidate(group: Sequence[Said]) -> Candidate:
    if len(group) == 1:
        return Candidate(group[0][0], (group[0][1],))
    return Candidate(_finest([target for target, _ in group]), tuple(sorted({why for _, why in group})))


def _finest(targets: Sequence[Target]) -> Target:
    """The one target that stands for targets that agree: the finer objective is shown if there is just one."""
    first = targets[0]
    match first:
        case ToOutcome(outcome=outcome):
            objectives = {t.objective for t in targets if isinstance(t, ToOutcome) and t.objective is not None}
            return ToOutcome(outcome, objectives.pop() if len(objectives) == 1 else None)
        case ToOverhead():
            return first
        case ToExempt():
            return ToExempt("; ".join(sorted({t.why for t in targets if isinstance(t, ToExempt)})))
        case _:
            assert_never(first)


def _verdict(target: Target, strategy: Strategy) -> Verdict:
    match target:
        case ToOutcome(outcome=outcome, objective=objective):
            return Mapped(outcome, objective)
        case ToOverhead(overhead=overhead_id):
            titles = (o.title for o in strategy.overhead if o.id == overhead_id)
            return Exempt(overhead_id, next(titles, overhead_id))
        case ToExempt(why=why):
            return Exempt(None, why)
        case _:
            assert_never(target)


# --- decisions --------------------------------------------------------------------------------------------


def _unmapped(issue: Seen) -> Decision:
    return Decision(issue.ref, _UNMAPPED)


def _decision(issue: Seen, voice: Voice, diverges_from: str | None = None) -> Decision:
    return Decision(issue.ref, voice.verdict, voice.via, voice.evidence, cause=voice.cause, diverges_from=diverges_from)


def _torn(issue: Seen, lineage: Lineage, spoke: tuple[Issue, ...]) -> str:
    """Where a conflict above arises: at who speaks, or at the topmost below those who disagree that has them all above.

    A project in two initiatives of two outcomes is torn itself; the initiatives are not, nor is each issue in it.
    """
    if len(spoke) == 1:
        return place(spoke[0])
    for step in range(len(lineage.steps) - 1, -1, -1):
        torn = [
            ancestor
            for number, ancestor in enumerate(lineage.steps[step])
            if {speaker.ref for speaker in spoke} <= lineage.above(step, number).refs()
        ]
        if torn:
            return " + ".join(sorted(map(place, torn)))
    return place(issue)


def place(issue: Seen) -> str:
    """An issue by its key; of Linear's projects and initiatives the key says what they are."""
    return issue.key if is_node(issue) else f"issue {issue.key}"


def _divergence(own: Voice, above: Voice | None, spoke: tuple[Issue, ...]) -> str | None:
    """The key of the nearest speaking ancestor, if the issue is mapped otherwise than it."""
    if above is None or not isinstance(own.verdict, Mapped):
        return None
    match above.verdict:
        case Mapped(outcome=outcome):
            return spoke[0].key if outcome != own.verdict.outcome else None
        case Exempt():
            return spoke[0].key
        case Conflict() | Unmapped():
            return None
        case _:
            assert_never(above.verdict)


def _override_evidence(issue: Seen, override: Override) -> Evidence:
    how = f'mark "{override.mark}"' if override.mark is not None else f"{override.source.value}"
    because = f", because {override.reason}" if override.reason else ""
    return Evidence("override", issue.key, (f"{how} by {override.author}{because}",))


# --- history ----------------------------------------------------------------------------------------------


def restand(
    before: Standing | None, decision: Decision, issue: Issue, *, now: datetime, origin: Origin, version: str
) -> Standing:
    """The decision with its history: a verdict of the same pair keeps its clock and its origin, a new one begins."""
    if before is not None and before.decision.pair == decision.pair:
        return Standing(decision, before.since, before.origin, before.changed, version)
    return Standing(decision, now, origin, issue.updated, version)
