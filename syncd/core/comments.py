"""The one sticky comment on an issue: what it says, and when it is due at all (DESIGN §6)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, assert_never

from syncd.core.acting import Heed, rules_in, sources_of
from syncd.core.commands import Answer, CommandPolicy, as_typed, owners
from syncd.core.model import (
    Candidate,
    Comment,
    Conflict,
    Decision,
    Exempt,
    Issue,
    Mapped,
    Origin,
    Run,
    Standing,
    Strategy,
    Target,
    ToExempt,
    ToOutcome,
    ToOverhead,
    Unmapped,
    Via,
)
from syncd.core.noise import Caps, Quiet

FRESH: Final = timedelta(hours=24)
"""A change at least this old when it was observed is catching up: its verdict goes to the report, not to the ticket."""

EVERYBODY: Final = CommandPolicy()

Paragraphs = tuple[tuple[Run, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentPolicy:
    """When comments may be made."""

    grace: timedelta = timedelta(hours=24)
    backlog: bool = False
    """Comment on work that was there before syncd, too."""
    quiet: Quiet | None = None
    """When no new comment is made."""
    caps: Caps = field(default_factory=Caps)
    heed: Heed = field(default_factory=Heed)
    muted: tuple[str, ...] = ()
    """Whose comments nobody acts on (`syncd.core.acting`), in order: they stopped by themselves."""
    exposed: tuple[str, ...] = ()
    """Projects where outsiders could see one, in order: none follows there."""


def sticky_comment(
    issue: Issue,
    decision: Decision,
    strategy: Strategy,
    answers: Sequence[Answer] = (),
    commands: CommandPolicy = EVERYBODY,
) -> Comment | None:
    """What the comment should say for that decision, and to whoever gave a command; None: there should be none.

    It quotes values of this issue only, and other issues by key only. No paragraph of it begins with a command.
    """
    said = [_answered(answer, issue, decision, strategy, commands) for answer in answers]
    paragraphs = tuple(paragraph for paragraphs in said for paragraph in paragraphs)
    match decision.verdict:
        case Unmapped(incomplete=True) | Mapped() | Exempt():
            return Comment(paragraphs) if paragraphs else None
        case Unmapped():
            return Comment(paragraphs + _unmapped(issue, strategy, commands))
        case Conflict(candidates=candidates):
            return Comment(paragraphs + _conflict(issue, decision, candidates, strategy))
        case _:
            assert_never(decision.verdict)


def held_back(
    issue: Issue,
    standing: Standing,
    policy: CommentPolicy,
    now: datetime,
    *,
    asked_above: bool = False,
    answers: bool = False,
) -> str | None:
    """Why a first comment is not due now; None: it is due. `now` is on the tracker's clock.

    What begins with one of `PASSING` passes by itself. `answers`: somebody asked, who does not wait for a grace.
    """
    if issue.closed:
        return "closed issues are never commented on"
    if issue.project in policy.exposed:
        return f"comments are off in {issue.project}: customers could see one (see the findings)"
    if not answers:
        reason = _not_due(standing, policy, now, asked_above=asked_above) or _unheeded(issue, standing, policy)
        if reason is not None:
            return reason
    until = None if policy.quiet is None else policy.quiet.until(now)
    return None if until is None else f"quiet hours until {until:%Y-%m-%d %H:%M} UTC"


def _unheeded(issue: Issue, standing: Standing, policy: CommentPolicy) -> str | None:
    """Why nobody would read it."""
    sources = sources_of(issue.project, standing.decision.pair, rules_in(standing.decision))
    muted = [source for source in sources if source in policy.muted]
    if not muted:
        return None
    return f"nobody acted on the last {policy.heed.mute_after} comments of {muted[0]} (comments.mute_after)"


def _not_due(standing: Standing, policy: CommentPolicy, now: datetime, *, asked_above: bool) -> str | None:
    if standing.decision.via is Via.INHERITED or asked_above:
        return "it is asked at the ancestor only"
    if not policy.backlog:
        if standing.origin is not Origin.ISSUE:
            return f"the verdict does not come from a change of this issue, but {FROM[standing.origin]}: see the report"
        if standing.since - standing.changed >= FRESH:
            return "the change was 24 h old or more when it was observed: see the report"
    if policy.grace and now < standing.since + policy.grace:  # a tracker's clock may go back by a second
        return f"grace until {standing.since + policy.grace:%Y-%m-%d %H:%M} UTC"
    return None


PASSING: Final = ("grace", "quiet hours")
"""How reasons begin that pass with time alone."""

FROM: Final[Mapping[Origin, str]] = {
    Origin.ISSUE: "from one",
    Origin.ANCESTOR: "from a change of an ancestor",
    Origin.FIRST: "from reading the backlog for the first time",
    Origin.RULEBOOK: "from an edit of rules or strategy",
}
"""Origins in words."""


def target_words(target: Target, strategy: Strategy) -> str:
    """A target as a person knows it."""
    match target:
        case ToOutcome(outcome=outcome_id, objective=objective):
            outcome = strategy.outcome(outcome_id)
            name = outcome_id if outcome is None else f"{outcome.title} ({outcome_id})"
            return name if objective is None else f"{name}, objective {objective}"
        case ToOverhead(overhead=overhead):
            return f"overhead {overhead}"
        case ToExempt(why=why):
            return f"exempt: {why}"
        case _:
            assert_never(target)


MOST_CHOICES: Final = 6
MOST_LABELS: Final = 5
MOST_OVERHEADS: Final = 2
MOST_NAMED: Final = 3
MOST_CLAIMS: Final = 4
LONGEST_VALUE: Final = 60
"""Characters of one value of the issue that are quoted."""


def _unmapped(issue: Issue, strategy: Strategy, commands: CommandPolicy) -> Paragraphs:
    """What is asked and what was seen; how it is settled; by whom else: three short paragraphs.

    The choices are the commands themselves, to be copied: an example of one would be the answer of most.
    """
    return (
        (Run("Which outcome does this serve?", "strong"), Run(f" syncd found no rule that fits ({_seen(issue)}).")),
        _choices(strategy, commands),
        (Run(_settling(strategy, commands)),),
    )


def _seen(issue: Issue) -> str:
    """What rules usually look at, as it is on this issue; of the parent its key."""
    shown = ", ".join(f'"{cut(label)}"' for label in issue.labels[:MOST_LABELS])
    more = ", …" if len(issue.labels) > MOST_LABELS else ""
    labels = f"label{'s' if len(issue.labels) > 1 else ''} {shown}{more}" if shown else "no label"
    if issue.parent is not None and issue.parent.key:
        return f"{labels}; under {issue.parent}"
    return f"{labels}; in a project of no outcome" if issue.within else f"{labels}; nothing above it"


def _asks_for_commands(strategy: Strategy, commands: CommandPolicy) -> bool:
    return commands.heard and bool(strategy.outcomes)


def _choices(strategy: Strategy, commands: CommandPolicy) -> tuple[Run, ...]:
    """Every outcome with its command, and how work is declared that serves none."""
    shown, more = strategy.outcomes[:MOST_CHOICES], len(strategy.outcomes) - MOST_CHOICES
    if not _asks_for_commands(strategy, commands):
        named = [f"{cut(o.title)} ({o.id})" for o in shown] + ([f"and {more} more"] if more > 0 else [])
        return (Run(f"The outcomes: {', '.join(named)}."),) if named else ()
    runs = [Run("Please comment ")]
    for n, outcome in enumerate(shown):
        runs += [Run(_between(n, len(shown)))] if n else []
        runs += [Run(f"/outcome {outcome.id}", "code"), Run(f" ({cut(outcome.title)})")]
    runs += [Run(f", … ({more} more)")] if more > 0 else []
    for n, overhead in enumerate(strategy.overhead[:MOST_OVERHEADS]):
        runs += [Run(" or " if n else "; if it serves none, "), Run(f"/outcome overhead {overhead.id}", "code")]
    return (*runs, Run("."))


def _between(n: int, of: int) -> str:
    return " or " if n == of - 1 else ", "


def _settling(strategy: Strategy, commands: CommandPolicy) -> str:
    by_label = "a label or an epic that a rule knows settles it"
    if not _asks_for_commands(strategy, commands):
        return f"{by_label[0].upper()}{by_label[1:]}; this note then goes away by itself."
    return f"{_who(strategy, commands)} may; {by_label}, too. This note then goes away by itself."


def _who(strategy: Strategy, commands: CommandPolicy) -> str:
    if commands.allow == "members":
        return "Anybody who works here"
    if commands.allow == "owners":
        named = tuple(map(cut, owners(strategy)))
        return f"An owner of an outcome ({', '.join(named[:MOST_NAMED])}{', …' if len(named) > MOST_NAMED else ''})"
    return "People named by syncd's admin"


def _conflict(issue: Issue, decision: Decision, candidates: tuple[Candidate, ...], strategy: Strategy) -> Paragraphs:
    """That nothing is asked of the reader; who claims it and why; who decides: three short paragraphs."""
    claims = [_claim(issue, candidate, strategy) for candidate in candidates[:MOST_CLAIMS]]
    more = len(candidates) - len(claims)
    claimed = "; ".join([*claims, *([f"and {more} more"] if more else [])])
    names = _deciders(decision, strategy)
    who = ("The outcome owners", "The outcome owner", "Two outcome owners", "The outcome owners")[min(len(names), 3)]
    named = " and ".join(names) or "whoever owns those rules"
    return (
        (Run(f"{who} must decide what this serves; you need do nothing.", "strong"),),
        (Run(f"It is claimed {claimed}."),),
        (
            Run(
                f"To be settled by {named}{', together' if len(names) > 1 else ''}. This note then goes away by itself."
            ),
        ),
    )


# --- answers ----------------------------------------------------------------------------------------------


def _answered(
    answer: Answer, issue: Issue, decision: Decision, strategy: Strategy, commands: CommandPolicy
) -> Paragraphs:
    match answer.kind:
        case "refused":
            who = _who(strategy, commands)
            return ((Run("That command was not followed.", "strong"), Run(f" {who} may give one here.")),)
        case "unknown":
            words = f'"{cut(answer.word)}" is no outcome of ours.'
            near = [run for n, target in enumerate(answer.near) for run in _alternative(n, as_typed(target))]
            return ((Run(words, "strong"), *([Run(" Did you mean "), *near, Run("?")] if near else [])),)
        case "unclear":
            return ((Run("That command was not understood.", "strong"), Run(" What can be said: "), *_grammar()),)
        case "why":
            return _why(issue, decision, strategy)
        case _:
            assert_never(answer.kind)


def _alternative(n: int, command: str) -> tuple[Run, ...]:
    return (*((Run(" or "),) if n else ()), Run(command, "code"))


def _grammar() -> Iterator[Run]:
    for n, form in enumerate(FORMS):
        yield Run(", " if n else "")
        yield Run(form, "code")
    yield Run(".")


FORMS: Final = (
    "/outcome <id> because …",
    "/outcome overhead <id>",
    "/outcome auto",
    "/outcome why",
    "/outcome dispute because …",
)
"""Every command, as it is typed."""


def _why(issue: Issue, decision: Decision, strategy: Strategy) -> Paragraphs:
    """Why it is what it is. Of unmapped work and of conflicts the rest of the comment says it."""
    match decision.verdict:
        case Mapped(outcome=outcome, objective=objective):
            what = f"This serves {cut(target_words(ToOutcome(outcome, objective), strategy), 200)}."
        case Exempt(overhead=None, why=why):
            what = f"This serves no outcome: {cut(why, 200)}."
        case Exempt(overhead=overhead, why=title):
            what = f"This is overhead: {cut(title, 200)} ({overhead})."
        case Unmapped(incomplete=True):
            what = "What this serves cannot be told: something above it cannot be read by syncd."
        case Unmapped() | Conflict():
            return ()
        case _:
            assert_never(decision.verdict)
    because = [_evidence_words(issue, e.key, e.source, e.texts) for e in decision.evidence[:MOST_CLAIMS]]
    said = f" Decided {cut(', '.join(because), 600)}{LEVELS.get(decision.via, '')}." if because else ""
    return ((Run(what, "strong"), Run(said)), _if_wrong(decision), (Run(GOES_WITH_IT),))


def _if_wrong(decision: Decision) -> tuple[Run, ...]:
    say = Run("/outcome <id>", "code")
    if decision.via is None:
        return (Run("You may say it: "), say, Run("."))
    other, does = ("auto", "gives it back to the rules") if decision.via is Via.OVERRIDE else DISPUTE
    return (
        Run("If that is wrong: "),
        say,
        Run(" corrects it here, "),
        Run(f"/outcome {other}", "code"),
        Run(f" {does}."),
    )


DISPUTE: Final = ("dispute because …", "tells whoever owns the rule")
LEVELS: Final[Mapping[Via | None, str]] = {Via.INHERITED: ", above it", Via.DEFAULT: ", a default"}
"""What is added to the evidence where it is not about the issue itself."""
GOES_WITH_IT: Final = "You asked by /outcome why: delete that comment, and this one goes away."


def cut(text: str, longest: int = LONGEST_VALUE) -> str:
    """A value, short enough to be quoted."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


# --- what speaks ------------------------------------------------------------------------------------------


def _claim(issue: Issue, candidate: Candidate, strategy: Strategy) -> str:
    seen = [_evidence_words(issue, e.key, e.source, e.texts) for e in candidate.evidence]
    return f"for {cut(target_words(candidate.target, strategy), 200)} {cut(', '.join(seen), 400)}"


def _evidence_words(issue: Issue, key: str, source: str, texts: tuple[str, ...]) -> str:
    """Values of this issue are quoted; of an ancestor only its key is named."""
    own = [text for text in texts if not text.startswith(("parent ", "epic ", "initiative ", "ancestor "))]
    elsewhere = sorted({" ".join(text.split(" ")[:2]).rstrip(":") for text in texts if text not in own})
    if key != issue.key:
        return f"by override on {key}" if source == "override" else f"by rule {source} on {key}"
    what = ", ".join((*own, *elsewhere))
    return f"by rule {source} ({what})" if source != "override" else f"by a person ({what})"


def _deciders(decision: Decision, strategy: Strategy) -> list[str]:
    """The owners of all that claims it, in order."""
    verdict = decision.verdict
    targets = [c.target for c in verdict.candidates] if isinstance(verdict, Conflict) else []
    owned = {o.owner for t in targets if isinstance(t, ToOutcome) and (o := strategy.outcome(t.outcome)) is not None}
    owned |= {h.owner for t in targets if isinstance(t, ToOverhead) for h in strategy.overhead if h.id == t.overhead}
    return sorted(map(cut, owned))
