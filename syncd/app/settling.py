"""Conflicts as work: what is to be decided and by whom, and the trade-offs that people record on it. Offline."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from difflib import get_close_matches

from syncd.app.commands import App
from syncd.app.people import expiry
from syncd.core.errors import SyncdError
from syncd.core.model import Candidate, Conflict, Link, Target
from syncd.core.ports import Store
from syncd.core.torn import Recorded, Torn, recorded, torn_lines
from syncd.core.tradeoffs import SOURCE, Tradeoff, scope_of, words, words_of

ISSUE = "issue "


class UnknownCauseError(SyncdError):
    """No open conflict comes from that cause: see `syncd conflicts`."""


class NotClaimedError(SyncdError):
    """A trade-off decides for one of those that claim the work, and for nothing else."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """What is torn, and what was decided."""

    open: tuple[Torn, ...]
    tradeoffs: tuple[Recorded, ...]


def ledger(app: App) -> Ledger:
    """Every cause of conflict that holds up work, and every trade-off with where it stands."""
    with ExitStack() as stack:
        desk = app.offline_desk(stack)
        store, now = desk.store, app.clock.now()
        trackers = [tracker.id for tracker in desk.config.settings.trackers]
        causes = {(t, cause): told for t in trackers for cause, told in _causes(store, t)}
        traded = store.tradeoffs()
        lines = torn_lines(
            app.report().conflicts,
            store.findings(),
            store.finding_log(),
            assignees=_assignees(store, causes),
            tradeoffs=traded,
            candidates=causes,
            now=now,
        )
        settled = _settled(store, trackers, traded) if traded else {}
        return Ledger(lines, recorded(traded, lines, settled, now))


def set_tradeoff(
    app: App, cause: str, target: str, *, by: str, reason: str, expires: str | None, tracker: str | None
) -> Tradeoff:
    """Decide a cause of conflict for one of those that claim the work; the next cycle decides with it.

    `UnknownCauseError`, `NotClaimedError`; `UnknownTargetError` for a date that is none.
    """
    with ExitStack() as stack:
        desk = app.offline_desk(stack)
        where, claimed = _find(desk.store, [t.id for t in desk.config.settings.trackers], cause, tracker)
        now = app.clock.now()
        one = Tradeoff(
            cause=cause,
            tracker=scope_of(cause, where),
            target=_claimed(target, claimed),
            claimed=claimed,
            author=by,
            reason=reason,
            at=now,
            expires=expiry(expires, now),
        )
        desk.store.save_tradeoff(one, now)
        return one


def drop_tradeoff(app: App, cause: str, *, tracker: str | None) -> Tradeoff:
    """Take back what was recorded on a cause. `UnknownCauseError` if nothing was, or in several trackers."""
    with ExitStack() as stack:
        store = app.offline_desk(stack).store
        known = [one for one in store.tradeoffs() if one.cause == cause and tracker in (None, one.tracker)]
        if len(known) != 1:
            raise UnknownCauseError(
                f"there is no trade-off on {cause!r}: see `syncd tradeoff list`"
                if not known
                else f"there are trade-offs on {cause!r} in several trackers: add --tracker"
            )
        store.end_tradeoff(cause, known[0].tracker, app.clock.now())
        return known[0]


def _causes(store: Store, tracker: str) -> Iterator[tuple[str, Sequence[Candidate]]]:
    for _, decision in store.causes(tracker):
        if isinstance(decision.verdict, Conflict) and decision.cause is not None:
            yield decision.cause, decision.verdict.candidates


def _find(store: Store, trackers: Sequence[str], cause: str, tracker: str | None) -> tuple[str, tuple[Target, ...]]:
    """Where that cause is open, and what it is claimed by. One that was settled by a trade-off may be settled anew."""
    here = [t for t in trackers if tracker in (None, t)]
    found = {t: candidates for t in here for name, candidates in _causes(store, t) if name == cause}
    if found and (len(found) == 1 or scope_of(cause, "") is None):
        where, candidates = next(iter(found.items()))
        return where, tuple(candidate.target for candidate in candidates)
    if found:
        raise UnknownCauseError(f"{cause!r} is open in several trackers: add --tracker {' or '.join(found)}")
    for one in store.tradeoffs():
        if one.cause == cause and one.tracker in (None, *here):
            return one.tracker or here[0], one.claimed
    near = get_close_matches(cause, [name for t in here for name, _ in _causes(store, t)], n=3, cutoff=0.4)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ": `syncd conflicts` lists what is"
    raise UnknownCauseError(f"nothing is torn by {cause!r}{hint}")


def _claimed(text: str, claimed: tuple[Target, ...]) -> Target:
    """The one of those claims that is meant: by its outcome, with or without the objective."""
    for target in claimed:
        if text.casefold() in (words(target), words(target).partition("/")[0]):
            return target
    raise NotClaimedError(f"{text!r} is not claimed there: say one of {', '.join(words(one) for one in claimed)}")


def _assignees(store: Store, causes: Mapping[tuple[str, str], object]) -> dict[tuple[str, str], str]:
    """Who works on the issues that are torn."""
    found: dict[tuple[str, str], str] = {}
    for tracker, cause in causes:
        key = cause.removeprefix("overrides on ").removeprefix(ISSUE)
        if " " in key:
            continue
        issue = next(iter(store.by_link(tracker, [Link(None, key)]).values()), None)
        person = None if issue is None else issue.assignee or issue.reporter
        if person is not None:
            found[tracker, cause] = person.name
    return found


def _settled(store: Store, trackers: Sequence[str], traded: Sequence[Tradeoff]) -> dict[tuple[str | None, str], int]:
    """How many issues each trade-off decides, by what stands in their decisions' evidence."""
    counts: Counter[tuple[str | None, str]] = Counter()
    for tracker in trackers:
        here = [one for one in traded if one.tracker in (None, tracker)]
        for batch in store.standings(tracker):
            for known in batch:
                evidence = () if known.standing is None else known.standing.decision.evidence
                said = {text for e in evidence if e.source == SOURCE for text in e.texts}
                counts.update((one.tracker, one.cause) for one in here if words_of(one) in said)
    return counts
