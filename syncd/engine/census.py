"""The census: the slow sweep by id alone that finds what no incremental read shows (DESIGN §1).

A deleted issue tells nobody; one that moved to a project outside the scope is in no answer any more; one that we may
see again is not newer for it. What the census does not meet is read directly before anything is believed, and what
answers nothing there is deleted or hidden, which nobody can tell apart. Too much of that at once is a lost permission
until a person says otherwise.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from syncd.core.model import Finding, Issue, IssueRef, Link
from syncd.core.ports import Census, Change, Found, Progress
from syncd.engine.lineage import inside
from syncd.engine.sureness import trusted
from syncd.engine.widening import chunks
from syncd.engine.work import Work

READ_AT_ONCE: Final = 100
RECHECK: Final = timedelta(minutes=15)
"""How soon a census that was held up is taken again: a permission may be back."""
OLDEST: Final = timedelta(days=1)
"""A census that began before is not gone on with."""
GONE: Final = "it answers nothing any more: it was deleted, or syncd's account may not see it"
MOVED: Final = "it was archived, or moved to a project outside the scope"


@dataclass(slots=True)
class Counted:
    """What a census came to."""

    changes: dict[IssueRef, Change] = field(default_factory=dict)
    """What is news of the issues that were read directly."""
    orphaned: set[str] = field(default_factory=set)
    """Ids of issues whose descendants are to be decided again: gone, or out of scope."""
    gone: int = 0
    moved_out: int = 0
    why: str | None = None
    """Why what did not answer was not taken for deleted."""
    taken: bool = False
    """One was taken just now."""
    back: Progress | None = None
    """What was held up answers again: how far back to read, for it may have been changed while it did not."""


def is_due(census: Census, progress: Progress, every: timedelta, now: datetime) -> bool:
    """Whether a census is to be taken, or gone on with. What was just read whole for the first time needs none yet."""
    if census.began is not None:
        return True
    if census.why is not None and census.tried is not None:
        return now - census.tried >= min(RECHECK, every)
    last = census.last or progress.first_complete
    return last is not None and now - last >= every


def call_for_census(work: Work, progress: Progress, census: Census) -> Census:
    """The census as it stands; one that is begun, where everything is to be read and something is known already.

    Such a reading shows what is there, and not what left since the watermark that it does without. So a census follows,
    in whichever cycle it comes to its end. Earlier ones vouch for nothing any more: they may have been of less. Nor
    does a reading that goes on after a fault: what it passed over before that may have been out of sight just then.
    """
    if progress.watermark is not None or work.store.count_in_scope(work.tracker) == 0:
        return census
    begun = _begin(work, progress)
    begun = replace(begun, last=None, sound=begun.began if census.began is None else None)
    work.store.save_census(work.tracker, begun)
    return begun


def reaches_back_to(work: Work, progress: Progress, census: Census) -> datetime | None:
    """From when on (tracker's clock) the read before a census goes: all that was changed since the one before the last.

    So what a search did not show in time is found, and what was changed while a permission was away for a while: even
    if it was away during the very read before the last one. None: no census is due, or one is held up: as far back is
    then read once it is so no more, and not with each try.
    """
    if census.why is not None:
        return None
    if not work.accept_missing and not is_due(census, progress, work.census_every, work.clock.now()):
        return None
    sound = census.sound or progress.first_complete
    return None if sound is None else sound + progress.skew


def census_if_due(work: Work, progress: Progress, census: Census) -> Counted:
    """Take a census where one is due; else what the last one was held up by still holds.

    Raises the TrackerErrors of reading; it goes on from there the next time.
    """
    if not work.accept_missing and not is_due(census, progress, work.census_every, work.clock.now()):
        return Counted(why=census.why)
    work.still_ours()
    work.store.save_progress(work.tracker, progress)  # with word that decisions are owed, before anything is remembered
    return take_census(work, progress)


def take_census(work: Work, progress: Progress) -> Counted:
    """Walk, compare, read directly what differs, and keep what that taught.

    Safe to be killed anywhere: the walk goes on from its last page, and what follows it may be done twice.
    Raises the TrackerErrors of reading.
    """
    counted = Counted(taken=True)
    census = _begin(work, progress)
    if not census.walked:
        census = _walk(work, census, counted)
    _seek(work, census, counted)
    now = work.clock.now()
    held, was_held = counted.why is not None, census.why is not None
    last, sound = (census.last, census.sound) if held else (census.began, census.last or census.sound)
    done = Census(last=last, sound=sound, tried=now, why=counted.why)
    counted.back = _before_the_hold(progress, census) if was_held and not held else None
    with work.store.transaction():
        work.store.save_census(work.tracker, done, None)
        if counted.back is not None:  # with the census, should we be killed before it is read
            work.store.save_progress(work.tracker, counted.back)
        work.store.save_findings(work.tracker, "census", _held_up(work, counted), now)
    return counted


def _before_the_hold(progress: Progress, census: Census) -> Progress:
    """As far as was read when a census last held good; where none ever did, nothing."""
    sound, to = census.last, progress.watermark
    to = None if sound is None or to is None else min(to, sound + progress.skew)
    return trusted(replace(progress, watermark=to))


def _begin(work: Work, progress: Progress) -> Census:
    census, now = work.store.census(work.tracker), work.clock.now()
    fits = census.began is not None and census.scope == progress.scope and now - census.began < OLDEST
    if not fits:
        census = Census(
            began=now, scope=progress.scope, last=census.last, sound=census.sound, tried=now, why=census.why
        )
        work.store.save_census(work.tracker, census, None)
    return census


# --- what is there ----------------------------------------------------------------------------------------


def _walk(work: Work, census: Census, counted: Counted) -> Census:
    met = 0
    for page in work.reader.census(census.after):
        work.still_ours()
        met += len(page.links)
        strange = work.store.strangers(work.tracker, page.links, page.parents)
        for some in _parts(strange):
            _learn(work, work.reader.read(some), counted)
        census = replace(census, after=page.next, walked=page.last, tried=work.clock.now())
        work.store.save_census(work.tracker, census, page.links)
        work.watch(f"counting {work.tracker}", met, None)
    return census


def _learn(work: Work, found: Found, counted: Counted) -> None:
    """Remember issues that were read directly, in scope or out of it by where they are now."""
    store, now = work.store, work.clock.now()
    inside, outside = placed(found, work.scope)
    with store.transaction():
        counted.changes.update(store.remember(work.tracker, inside, in_scope=True, now=now))
        counted.moved_out += put_outside(work, outside, counted.changes, now)
        counted.orphaned.update(issue.ref.id for issue in outside)
        store.set_aside(work.tracker, found.unreadable, now)


def placed(found: Found, scope: Sequence[str]) -> tuple[list[Issue], list[Issue]]:
    """Those in a project (or team) of the scope, and the others, archived ones among them."""
    entries = {entry.casefold() for entry in scope}
    inside, outside = list[Issue](), list[Issue]()
    for issue in found.issues:
        within = issue.project.casefold() in entries and issue.ref.id not in found.archived
        (inside if within else outside).append(issue)
    return inside, outside


def put_outside(work: Work, issues: Sequence[Issue], changes: dict[IssueRef, Change], now: datetime) -> int:
    """Know these as somebody's ancestors may be known, and touch them no more; how many were in scope."""
    if not issues:
        return 0
    ids = [issue.ref.id for issue in issues]
    leaving = inside(work.store, (issue.ref for issue in issues))
    changes.update(work.store.remember(work.tracker, issues, in_scope=False, now=now))
    changes.update(dict.fromkeys(leaving, Change.CONTENT))  # what was asked there is now asked below
    work.store.drop_entries(work.tracker, ids, MOVED, now)
    return work.store.take_out(work.tracker, ids, MOVED, now)


# --- what is not there ------------------------------------------------------------------------------------


def _seek(work: Work, census: Census, counted: Counted) -> None:
    """Look directly for everything that was not met, project by project; believe what answers nothing, or hold it."""
    known = work.store.count_projects(work.tracker)
    entries = {entry.casefold() for entry in census.scope}
    missing: dict[str, list[Link]] = {}
    held: list[str] = []
    for project in (name for name in known if name.casefold() in entries):
        answerless = list(_answerless(work, project, known[project], counted))
        if (why := _too_many(work, project, known[project], len(answerless))) and not work.accept_missing:
            held.append(why)
        elif answerless:
            missing[project] = answerless
    if missing:  # an account that is locked out is answered nothing, too: it is asked last who it is
        hidden = {entry.casefold() for entry in work.reader.look_around().hidden}
        for project, links in missing.items():
            if project.casefold() not in hidden:
                believe(work, links, counted)
    counted.why = "; ".join(held) or None


def _answerless(work: Work, project: str, known: int, counted: Counted) -> Iterator[Link]:
    """Links of a project that nothing answers to: not in the census, nor directly. Ends early where it is too many."""
    last, answerless = "", 0
    while some := work.store.unmet(work.tracker, project, after=last, limit=READ_AT_ONCE):
        last = some[-1].id or ""
        work.still_ours()
        found = work.reader.read(some)
        _learn(work, found, counted)
        yield from found.missing
        answerless += len(found.missing)
        if _too_many(work, project, known, answerless) and not work.accept_missing:
            return


def _too_many(work: Work, project: str, known: int, missing: int) -> str | None:
    """Why so many missing ones at once are not believed. The limits are those of plans."""
    limits = work.limits
    if missing > limits.always and (missing > limits.share * known or missing > limits.actions):
        return f"at least {missing} of {known} issues of {project} answer nothing any more"
    if missing == known > 1:
        return f"none of the {known} issues of {project} answers any more"
    return None


def believe(work: Work, links: Sequence[Link], counted: Counted) -> None:
    """They are gone: out of every count and every plan. What hung on them is read again, for nothing else tells."""
    store, now = work.store, work.clock.now()
    ids = [link.id for link in links if link.id]
    parents = [link for link in links if link.id and store.children([IssueRef(work.tracker, link.id)])]
    with store.transaction():
        store.drop_entries(work.tracker, ids, GONE, now)
        counted.gone += store.take_out(work.tracker, ids, GONE, now)
        store.mark_missing(work.tracker, parents, now)
    counted.orphaned.update(ids)
    read_below(work, ids, counted)


def read_below(work: Work, ids: Sequence[str], counted: Counted) -> None:
    """Read directly what hangs below issues that are gone: losing its parent need not make an issue newer."""
    refs = (IssueRef(work.tracker, id_) for id_ in ids)
    below = {ref.id for some in chunks(refs) for ref in work.store.children(some)}
    for some in _parts([Link(id_, None) for id_ in sorted(below.difference(ids))]):
        _learn(work, work.reader.read(some), counted)


def read_again(work: Work, links: Sequence[Link], counted: Counted) -> None:
    """Read directly what could not be understood before. What is not there any more is no longer waited for."""
    found = work.reader.read(links)
    _learn(work, found, counted)
    work.store.forget_aside(work.tracker, found.missing)


def _held_up(work: Work, counted: Counted) -> list[Finding]:
    if counted.why is None:
        return []
    told = (
        f"{counted.why}. Nothing was taken for deleted. If syncd's account lost a permission, give it back; if they "
        f"were deleted on purpose: syncd once --accept-missing {work.tracker}"
    )
    return [Finding(tracker=work.tracker, kind="census", cause=work.tracker, text=told)]


def _parts(links: Sequence[Link]) -> Iterator[Sequence[Link]]:
    for start in range(0, len(links), READ_AT_ONCE):
        yield links[start : start + READ_AT_ONCE]
