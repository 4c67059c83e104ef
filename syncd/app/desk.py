"""The desk: the parts that one command works with, built from the config and an open store."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from connectors.http import Watching, correlation, watching
from syncd.app.kinds import load_kind
from syncd.config import Config
from syncd.config.versions import rulebook_of
from syncd.core.acting import LOOKED_BACK, Heed, Turn, muted_sources
from syncd.core.asking import asked_fields
from syncd.core.commands import CommandPolicy
from syncd.core.comments import CommentPolicy
from syncd.core.decide import Overrides
from syncd.core.errors import ConfigError
from syncd.core.explain import Explanation, Twin, explain
from syncd.core.findings import EXPOSED
from syncd.core.match import Matcher
from syncd.core.model import Comment, IssueRef, Rulebook
from syncd.core.noise import Caps, Notice, Quiet
from syncd.core.plan import Policy, Write
from syncd.core.ports import (
    Clock,
    Known,
    Lease,
    MarkNames,
    Signature,
    Store,
    TrackerOptions,
    TrackerReader,
    TrackerWriter,
)
from syncd.core.reading import read_marks
from syncd.core.tradeoffs import Tradeoffs
from syncd.core.witness import Reading
from syncd.engine.foresight import Outlook
from syncd.engine.lineage import Ancestry
from syncd.engine.twinning import twins_of
from syncd.engine.work import Watcher, Work
from syncd.render.adf import to_adf
from syncd.render.comment_markdown import to_markdown
from syncd.render.comment_wiki import to_wiki
from syncd.settings import CommentSettings, TrackerSettings, tracker_options
from syncd.store import SqlStore

RENDERERS: Final[Mapping[str, Callable[[Comment], Any]]] = {
    "adf": to_adf,
    "markdown": to_markdown,
    "wiki": to_wiki,
}


@dataclass
class Desk:
    """The parts that one command works with."""

    environ: Mapping[str, str]
    clock: Clock
    watch: Watcher
    config: Config
    store: SqlStore
    matcher: Matcher
    accept_missing: frozenset[str] = frozenset()

    def options(self, tracker: TrackerSettings, fields: tuple[str, ...] | None = None) -> TrackerOptions:
        """What the tracker's connector is told, with the fields that the rules ask for (if that is known already)."""
        groups = load_kind(tracker.kind).groups
        options = tracker_options(self.config.settings, tracker.id, self.environ, groups=groups)
        return replace(options, fields=asked_fields(self.config.rulebook, tracker.id) if fields is None else fields)

    def work(self, stack: ExitStack, tracker: TrackerSettings, lease: Lease) -> Work:
        """A pass over one tracker."""
        reader = load_kind(tracker.kind).reader(self.options(tracker), self.clock)
        stack.callback(reader.close)
        return self.work_with(reader, tracker, lease)

    def work_with(self, reader: TrackerReader, tracker: TrackerSettings, lease: Lease) -> Work:
        """A pass over one tracker, with a reader of the caller's."""
        with self.store.moment():
            return self._work_with(reader, tracker, lease)

    def _work_with(self, reader: TrackerReader, tracker: TrackerSettings, lease: Lease) -> Work:
        return Work(
            tracker=tracker.id,
            reader=reader,
            scope=scope_of(tracker),
            overlap=tracker.overlap,
            policy=self.policy(tracker),
            limits=self.config.settings.limits,
            signature=self.signature,
            store=self.store,
            rulebook=self.config.rulebook,
            matcher=self.matcher,
            clock=self.clock,
            lease=lease,
            watch=self.watch,
            earlier=self.earlier,
            in_flight=tracker.in_flight,
            census_every=tracker.census_every,
            token_expires=tracker.token_expires,
            accept_missing=tracker.id in self.accept_missing,
            tradeoffs=tuple(one for one in self.store.tradeoffs() if one.stands(self.clock.now())),
        )

    def comment_policy(self, tracker: TrackerSettings) -> CommentPolicy:
        """When comments may be made there, and whose stopped since nobody acts on them."""
        policy = comment_policy(self.config.settings.comments)
        if Write.COMMENT not in (tracker.write, *tracker.write_by.values()):
            return policy
        now = self.clock.now() + self.store.progress(tracker.id).skew
        notices, turns = told_lately(self.store, now)
        exposed = {f.cause for _, f in self.store.findings(tracker.id) if f.kind == EXPOSED}
        muted = muted_sources(notices, turns, policy.heed, now)
        return replace(policy, muted=muted, exposed=tuple(sorted(exposed)))

    def tradeoffs(self, tracker: str) -> Tradeoffs:
        """What was recorded on causes of conflict, and holds there."""
        return Tradeoffs(self.store.tradeoffs(), self.clock.now(), tracker)

    def in_use(self) -> Rulebook:
        """The rules that the decisions in the store were made by: an edit decides nothing before the next cycle."""
        version, ours = self.store.rulebook_version(), self.config.rulebook
        if version is None or version == ours.version:
            return ours
        return self.earlier(version) or ours

    def earlier(self, version: str) -> Rulebook | None:
        """The rulebook of a version that was in use; None where its texts are not kept or no longer understood."""
        texts = self.store.rulebook_texts(version)
        try:
            return None if texts is None else rulebook_of(texts, version)
        except ConfigError:
            return None

    def writer(self, stack: ExitStack, tracker: TrackerSettings) -> TrackerWriter:
        """What writes to a tracker: only commands that write call this."""
        kind = load_kind(tracker.kind)
        options = tracker_options(self.config.settings, tracker.id, self.environ, groups=kind.groups)
        writer = kind.writer(options, self.clock, self.signature, RENDERERS[kind.comment_format])
        stack.callback(writer.close)
        return writer

    def outlook(self, tracker: TrackerSettings, old: Rulebook) -> Outlook:
        """One tracker to look ahead on, from these rules to the config's."""
        today = self.clock.now().astimezone(UTC).date()
        return Outlook(
            tracker=tracker.id,
            store=self.store,
            old=Matcher(old, today),
            new=self.matcher,
            policy=self.policy(tracker),
            signature=self.signature,
            overlap=tracker.overlap,
            now=self.clock.now() + self.store.progress(tracker.id).skew,
            mail=self.config.settings.marks.mail,
            tradeoffs=self.tradeoffs(tracker.id),
            watch=self.watch,
        )

    @property
    def signature(self) -> Signature:
        """What marks of ours are signed with."""
        return Signature(self.config.settings.installation, self.store.instance, self.store.adopted())

    def policy(self, tracker: TrackerSettings) -> Policy:
        """What may be written in a tracker, and when."""
        settings = self.config.settings
        return Policy(
            strategy=self.config.rulebook.strategy,
            write=tracker.write,
            write_by=tracker.write_by,
            write_closed=settings.write_closed,
            names=settings.marks.names_in(groups=load_kind(tracker.kind).groups),
            grace=settings.marks.grace,
            comments=self.comment_policy(tracker),
            dashboard=tracker.dashboard,
            commands=CommandPolicy(allow=settings.commands.allow),
            holds=tuple(self.store.holds(tracker.id)),
        )

    def explain(self, ref: IssueRef) -> Explanation:
        """Decide one issue anew from the store, and say why."""
        known = self.store.known([ref])[ref]
        lineage = Ancestry(self.store, ref.tracker).of([known.issue])[ref]
        refs = [ref, *(a.ref for step in lineage.steps for a in step)]
        overrides: Overrides = self.store.overrides(refs)
        tracker = self.config.settings.tracker(ref.tracker)
        now = self.clock.now() + self.store.progress(ref.tracker).skew
        return explain(
            known.issue,
            lineage,
            overrides,
            known.standing,
            self._reading(known, overrides, now, tracker),
            matcher=self.matcher,
            policy=Policy(strategy=self.config.rulebook.strategy) if tracker is None else self.policy(tracker),
            in_scope=known.in_scope,
            twins=self._twins(ref),
            now=now,
            inside=[one for one, there in self.store.known(refs).items() if there.in_scope],
            tradeoffs=self.tradeoffs(ref.tracker),
        )

    def _twins(self, ref: IssueRef) -> list[Twin]:
        others = [other for other in twins_of(self.store, [ref]).get(ref, ()) if other != ref]
        known = self.store.known(others)
        return [
            Twin(one.issue, None if one.standing is None else one.standing.decision)
            for one in (known[other] for other in others if other in known)
        ]

    def _reading(self, known: Known, overrides: Overrides, now: datetime, tracker: TrackerSettings | None) -> Reading:
        return read_marks(
            known.issue,
            known.applied,
            overrides.get(known.issue.ref, ()),
            self.signature,
            now=now,
            overlap=timedelta(minutes=5) if tracker is None else tracker.overlap,
            direct=False,
            pair=None if known.standing is None else known.standing.decision.pair,
            names=MarkNames() if tracker is None else self.policy(tracker).names,
            strategy=self.config.rulebook.strategy,
        )


def comment_policy(told: CommentSettings) -> CommentPolicy:
    """When comments may be made, with the clocks of the quiet hours' zone."""
    hours = told.quiet_hours
    return CommentPolicy(
        grace=told.grace,
        backlog=told.backlog,
        quiet=None if hours is None else Quiet(hours.start, hours.end, ZoneInfo(hours.zone)),
        caps=Caps(told.per_project_per_day, told.per_person_per_day),
        heed=Heed(told.acted_within, told.mute_after),
    )


def told_lately(store: Store, now: datetime) -> tuple[Sequence[Notice], Mapping[IssueRef, Sequence[Turn]]]:
    """What syncd told whom, in every tracker, and how the verdicts it spoke of turned."""
    notices = store.notices(now - LOOKED_BACK)
    return notices, store.turns(sorted({notice.ref for notice in notices}), now - LOOKED_BACK)


@contextmanager
def correlated(cycle: str, watch: Watching | None = None) -> Iterator[None]:
    """What this thread sends to trackers in the block bears the id of that cycle; `watch` is told of each request."""
    token, seen = correlation.set(cycle), watching.set(watch)
    try:
        yield
    finally:
        correlation.reset(token)
        watching.reset(seen)


def scope_of(tracker: TrackerSettings) -> tuple[str, ...]:
    """The projects or teams of a tracker that syncd may touch."""
    return tuple(entry for entries in tracker.scope.values() for entry in entries)
