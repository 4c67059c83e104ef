"""Listen: read what people said in comments (DESIGN §5). What it comes to is weighed where an issue is looked at.

Only comments that may be new are read: those of issues that changed, or the tracker's own stream. What holds commands
is kept, and its issue is marked to be looked at in the same transaction, so that a kill loses nothing. Deleted ones
show where all comments of an issue are read, and otherwise when the known ones are read again by id, as often as a
census is taken.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from syncd.core.commands import CommentSeen, Said, kept_time, said_in
from syncd.core.errors import TrackerError
from syncd.core.model import IssueRef
from syncd.core.ports import Brief, Listening, Owed
from syncd.engine.work import Observed, Work

READ_ONE_BY_ONE: Final = 1000
"""With more changed issues than that, commands are searched for instead: a first reading, or a new project."""


SAVED_EVERY: Final = timedelta(minutes=10)
"""How long what is heard may reach farther than what is saved, while nobody says anything: it is only read again."""


@dataclass(slots=True)
class _Ear:
    """What was heard so far, against what was known."""

    known: dict[str, Said]
    new: dict[str, Said] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    def take(self, comments: Iterable[CommentSeen]) -> set[str]:
        """Comments as they are now; their ids."""
        met = set[str]()
        for comment in comments:
            met.add(comment.id)
            before, now = self.known.get(comment.id), said_in(comment)
            if now is None:
                self.miss([comment.id])
            elif (kept := kept_time(now, before)) != before:
                self.new[comment.id] = kept
                self.gone.discard(comment.id)
        return met

    def miss(self, ids: Iterable[str]) -> None:
        """They are deleted, or say nothing any more."""
        for comment in ids:
            self.new.pop(comment, None)
            if comment in self.known:
                self.gone.add(comment)

    def touched(self) -> set[IssueRef]:
        """The issues on which something else is said now."""
        said = [*self.new.values(), *(self.known[comment] for comment in self.gone)]
        before = [self.known[comment] for comment in self.new if comment in self.known]
        return {one.ref for one in (*said, *before)}


@dataclass(frozen=True, slots=True)
class Heard:
    """What listening came to."""

    why: str | None = None
    """Why comments were not read: the next pass then searches for all there is."""
    touched: bool = False
    """Whether something else is said somewhere now."""


def listen(work: Work, observed: Observed, brief: Brief, *, missed: bool, afresh: bool) -> Heard:
    """Read what may have been said.

    Args:
        work: the pass.
        observed: what was read in it.
        brief: what the store held as the pass began.
        missed: an earlier pass may have died before it listened.
        afresh: the strategy changed, so that what nobody understood may be a word now.
    """
    if not work.policy.commands.heard:
        return Heard()
    listening, now = brief.listening, work.clock.now() + observed.skew
    ids = observed.changed | observed.echoed
    if not observed.reachable:
        if ids:
            _search_anew(work, listening)
        return Heard()
    many = observed.everything or len(ids) > READ_ONE_BY_ONE
    since = None if missed or many else listening.heard_to
    ear = _Ear({one.comment: one for one in work.store.said(work.tracker)} if Owed.SAID in brief.owed else {})
    try:
        _hear(work, ear, [IssueRef(work.tracker, id_) for id_ in sorted(ids)], since)
        checked = _check(work, ear, listening)
    except TrackerError as failed:
        _search_anew(work, listening)
        return Heard(f"comments were not read: {failed}")
    others = ear.known.values() if afresh else ()
    nothing = since is not None and not (ids or ear.touched() or others) and checked == listening
    if nothing and now - since < SAVED_EVERY:  # type: ignore[operator]  # `nothing` says that there is one
        return Heard()
    work.still_ours()
    _keep(work, ear, replace(checked, heard_to=now), others)
    return Heard(touched=bool(ear.touched()))


def _search_anew(work: Work, listening: Listening) -> None:
    """The next pass asks for all that was ever said."""
    work.still_ours()
    work.store.save_listening(work.tracker, replace(listening, heard_to=None))


def listen_at(work: Work, ids: Collection[str]) -> tuple[frozenset[str], str | None]:
    """Read what was said on issues that a webhook named: (those on which something else is said now, why not)."""
    if not work.policy.commands.heard:
        return frozenset(), None
    listening = work.store.listening(work.tracker)
    if listening.heard_to is None:  # the next cycle reads everything
        return frozenset(), None
    ear = _Ear({one.comment: one for one in work.store.said(work.tracker)})
    refs = [IssueRef(work.tracker, id_) for id_ in sorted(ids)]
    try:
        whole = _hear(work, ear, refs, listening.heard_to)
        doubtful = {c: s.ref for c, s in ear.known.items() if s.ref.id in ids and s.ref.id not in whole}
        if doubtful:
            met = ear.take(work.reader.comments_by_id(doubtful))
            ear.miss(doubtful.keys() - met)
    except TrackerError as failed:
        return frozenset(), f"comments were not read: {failed}"
    _keep(work, ear, listening, ())
    return frozenset(ref.id for ref in ear.touched()), None


def _hear(work: Work, ear: _Ear, refs: list[IssueRef], since: datetime | None) -> set[str]:
    """Take what the tracker tells; the issues of which it told all."""
    whole = set[str]()
    for heard in work.reader.comments(refs, since):
        work.still_ours()
        met = ear.take(heard.comments)
        ear.miss([c for c, said in ear.known.items() if said.ref.id in heard.whole and c not in met])
        whole |= heard.whole
    return whole


def _check(work: Work, ear: _Ear, listening: Listening) -> Listening:
    """Read the known ones again by id, when it is time. So many missing ones at once are not believed."""
    now = work.clock.now()
    if listening.checked is not None and now - listening.checked < work.census_every:
        return listening
    if ear.known:
        met = ear.take(work.reader.comments_by_id({comment: said.ref for comment, said in ear.known.items()}))
        missing = ear.known.keys() - met
        if len(missing) <= max(work.limits.always, work.limits.share * len(ear.known)):
            ear.miss(missing)
    return replace(listening, checked=now)


def _keep(work: Work, ear: _Ear, listening: Listening, others: Iterable[Said]) -> None:
    """Keep it, and that these issues are to be looked at."""
    ours = _own(work, {one.ref for one in ear.new.values()})
    said = [one for comment, one in ear.new.items() if comment not in ours]
    touched = ear.touched() | {one.ref for one in others}
    if not touched:
        work.store.save_listening(work.tracker, listening)
        return
    known = work.store.known(sorted(touched))
    with work.store.transaction():
        work.store.save_said(work.tracker, said, sorted(ear.gone))
        work.store.save_plan_state([], [ref for ref, one in known.items() if one.in_scope], {})
        work.store.save_listening(work.tracker, listening)


def _own(work: Work, refs: Collection[IssueRef]) -> frozenset[str]:
    """Our own comments there, whoever's account they are written by: nobody's word."""
    known = work.store.known(sorted(refs)) if refs else {}
    return frozenset(k.applied.comment.id for k in known.values() if k.applied is not None and k.applied.comment)
