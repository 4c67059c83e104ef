"""The composition root: the one file that knows every part. It builds them from the config and runs one command.

Every method is one command of DESIGN §10 without its printing; `syncd.cli` calls it, prints, and picks the exit code.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from connectors import KINDS
from connectors.http import correlation
from syncd.config import Config, load_config
from syncd.core.acting import LOOKED_BACK, Heed, Turn, muted_sources
from syncd.core.asking import asked_fields
from syncd.core.commands import CommandPolicy
from syncd.core.comments import CommentPolicy
from syncd.core.decide import Overrides
from syncd.core.diff import Pace, RulesDiff
from syncd.core.endings import Endings
from syncd.core.errors import Behind, Busy, ConfigError, OptionProblem, Problem, SyncdError
from syncd.core.explain import Explanation, Twin, explain
from syncd.core.match import Matcher
from syncd.core.model import Comment, IssueRef, Plan, Refusal, Rulebook
from syncd.core.noise import Caps, Notice, Quiet
from syncd.core.plan import Policy, Write
from syncd.core.ports import (
    Clock,
    Entry,
    EntryState,
    Known,
    Lease,
    MarkNames,
    RulesVersion,
    Signature,
    Store,
    TrackerKind,
    TrackerOptions,
    TrackerReader,
    TrackerWriter,
)
from syncd.core.reading import Reading, read_marks
from syncd.core.report import Coverage, Report, build_report
from syncd.core.running import late_after, why_late
from syncd.core.tradeoffs import Tradeoffs
from syncd.engine.cycle import Applied, Pair, apply_shown, run_cycle, show
from syncd.engine.deadletters import dead_letters, letters_of
from syncd.engine.foresight import Outlook, foresee
from syncd.engine.holding import Holder, gone_holder, holder_words
from syncd.engine.leaving import end_holds
from syncd.engine.lineage import Ancestry
from syncd.engine.twinning import Counting, twins_of
from syncd.engine.voting import count_votes
from syncd.engine.work import LEASE_TTL, CycleResult, LeaseLostError, Watcher, Work
from syncd.newconfig import Ask, Interview, Tell, write_new
from syncd.render.adf import to_adf
from syncd.render.check import check_json
from syncd.render.comment_markdown import to_markdown
from syncd.render.comment_wiki import to_wiki
from syncd.render.jsonable import entry_json, instant, waiting_json
from syncd.rulebook import RULES_FILE, STRATEGY_FILE, load_rulebook
from syncd.settings import (
    SETTINGS_FILE,
    CommentSettings,
    Settings,
    TrackerSettings,
    load_settings,
    missing_secrets,
    tracker_options,
)
from syncd.store import Backup, SqlStore, bring_back, migrate, open_store, take_backup
from syncd.versions import authored, rulebook_of, texts_in_git
from syncd.watch import changes

RENDERERS: Final[Mapping[str, Callable[[Comment], Any]]] = {
    "adf": to_adf,
    "markdown": to_markdown,
    "wiki": to_wiki,
}
LEASE_PATIENCE: Final = timedelta(seconds=60)
"""How long a command waits for a tracker that another pass holds."""
LEASE_POLL: Final = timedelta(seconds=1)
STALE: Final = timedelta(days=1)
"""A tracker not read whole for that long is not healthy."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """This instant in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - the one place that asks the machine


class UnknownKeyError(SyncdError):
    """No issue of that key is known: look at its spelling, or run `syncd once` first."""


class SeveralTrackersError(SyncdError):
    """The key is known in more than one tracker: say which with `--tracker`."""


@dataclass(frozen=True)
class Shown:
    """What `syncd plan` came to."""

    plan: Plan
    refusals: tuple[Refusal, ...]
    incomplete: Mapping[str, str]


def _silent(_what: str, _done: int, _of: int | None) -> None:
    """Progress that nobody watches."""


@dataclass
class App:
    """One process's view of one config folder. Nothing is opened before a command needs it."""

    directory: Path
    environ: Mapping[str, str]
    clock: Clock = field(default_factory=SystemClock)
    watch: Watcher = _silent
    wait: Callable[[float], None] = lambda _seconds: None
    """Sleeps; given by the caller so that tests do not."""
    broken: tuple[Problem, ...] = ()
    """What is wrong with the rules or the strategy as they stand now, where the last good ones were used instead."""

    # --- config

    def load(self) -> Config:
        """The config folder. `ConfigError` with every problem of every file."""
        return load_config(self.directory, self._check_options, list(_kinds()))

    def settings(self) -> Settings:
        """syncd.yaml alone: what is needed where rules play no part. `ConfigError` with its problems."""
        return load_settings(self.directory, self._check_options, list(_kinds()))

    def check(self) -> tuple[Problem, ...]:
        """All problems and all advice, nothing raised."""
        try:
            config = load_config(self.directory, self._check_options, list(_kinds()), self._today())
        except ConfigError as wrong:
            return wrong.problems
        return tuple(sorted({*config.advice, *missing_secrets(config.settings, self.environ)}))

    def checks(self) -> Iterator[tuple[Problem, ...]]:
        """`check` at once, and again whenever a file has changed or a day has begun. Ends with what `wait` raises."""
        files = [self.directory / name for name in (SETTINGS_FILE, STRATEGY_FILE, RULES_FILE)]
        for _ in changes(files, self.wait, self._today):
            yield self.check()

    def init(self, ask: Ask | None, tell: Tell) -> Sequence[Path]:
        """Write a starter config into the folder, its syncd.yaml after asking if somebody can answer; the files."""
        kinds = list(_kinds())
        interview = None if ask is None else Interview(ask, tell, self._check_options, kinds)
        return write_new(self.directory, self._today(), interview)

    def _today(self) -> date:
        return self.clock.now().astimezone(UTC).date()

    def _check_options(self, kind: str, options: Mapping[str, Any]) -> Sequence[OptionProblem]:
        return load_kind(kind).check(options)

    # --- commands that go to the trackers

    def once(self, accept_missing: Sequence[str] = ()) -> Sequence[CycleResult]:
        """One whole cycle for every tracker; a tracker that fails does not keep the others from theirs.

        `accept_missing`: trackers where a person says that what answers nothing was deleted, however much it is.
        """
        with ExitStack() as stack:
            desk = self._desk(stack, last_good=True)
            desk.accept_missing = frozenset(accept_missing)
            known = {tracker.id for tracker in desk.config.settings.trackers}
            if unknown := desk.accept_missing - known:
                raise SyncdError(f"there is no tracker {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}")
            return [self._one_cycle(desk, tracker) for tracker in desk.config.settings.trackers]

    def _one_cycle(self, desk: "_Desk", tracker: TrackerSettings) -> CycleResult:
        """The boundary of a cycle: what goes wrong inside is recorded and does not stop the others."""
        with ExitStack() as stack:
            try:
                work = desk.work(stack, tracker, self._lease(stack, desk.store, tracker.id))
                return run_cycle(work, desk.writer(stack, tracker))
            except LeaseLostError as lost:
                return CycleResult(tracker=tracker.id, why=str(lost))

    def plan(self) -> Shown:
        """Observe, decide and plan everything. No writer exists in here."""
        with ExitStack() as stack:
            desk = self._desk(stack)
            works = [self._shown_work(stack, desk, tracker) for tracker in desk.config.settings.trackers]
            whole, guarded, incomplete, _ = show(works)
            return Shown(whole, guarded.refusals, incomplete)

    def apply(self, digest: str, *, exact: bool = False) -> Applied | None:
        """Do a plan that was shown; None: no plan of that digest is known."""
        with ExitStack() as stack:
            desk = self._desk(stack)
            shown = desk.store.plan(digest)
            if shown is None:
                return None
            if shown.settled is not None:
                return Applied(shown.plan.digest, settled_before=len(shown.plan.actions))
            trackers = [t for t in desk.config.settings.trackers if t.id in shown.trackers]
            pairs = [Pair(self._shown_work(stack, desk, t), desk.writer(stack, t)) for t in trackers]
            result = apply_shown(pairs, shown, exact=exact)
            if not result.nothing_holds:
                end_holds(desk.store, shown.plan.actions)
            return result

    def _shown_work(self, stack: ExitStack, desk: "_Desk", tracker: TrackerSettings) -> Work:
        """A pass whose plan a person sees: what is on hold is planned, too, and doing that plan ends the hold."""
        work = self._work(stack, desk, tracker)
        return replace(work, policy=replace(work.policy, holds=()))

    def _work(self, stack: ExitStack, desk: "_Desk", tracker: TrackerSettings) -> Work:
        return desk.work(stack, tracker, self._lease(stack, desk.store, tracker.id))

    def _lease(self, stack: ExitStack, store: Store, tracker: str) -> Lease:
        """The right to work on a tracker; waits for it a while, then names who holds it."""
        holder, until = str(Holder.here()), self.clock.now() + LEASE_PATIENCE
        while (lease := store.acquire(tracker, holder, self.clock.now(), LEASE_TTL)) is None:
            held_by = store.lease_holder(tracker, self.clock.now())
            gone = gone_holder(held_by)
            if gone is not None:
                lease = store.acquire(tracker, holder, self.clock.now(), LEASE_TTL, gone=gone)
                if lease is not None:
                    break
            if self.clock.now() >= until:
                who = holder_words(held_by)
                raise Busy(f"{tracker} is being worked on by {who}; try again when that has finished")
            self.wait(LEASE_POLL.total_seconds())
        stack.callback(store.release, lease)
        return lease

    # --- commands that read the store only

    def explain(self, key: str, tracker: str | None = None) -> tuple[Explanation, Config]:
        """Why that issue has the verdict it has, under the files as they are now. Offline."""
        with ExitStack() as stack:
            desk = self._desk(stack, create=False, offline=True, last_good=True)
            refs = desk.store.find(key, tracker)
            if not refs:
                raise UnknownKeyError(f"no issue {key} is known; check the key, or run `syncd once` if it is new")
            if len({ref.tracker for ref in refs}) > 1:
                names = " or ".join(f"--tracker {name}" for name in sorted({ref.tracker for ref in refs}))
                raise SeveralTrackersError(f"{key} is known in several trackers: add {names}")
            return desk.explain(refs[0]), desk.config

    def report(self) -> Report:
        """The alignment report by the decisions in the store. Offline."""
        with ExitStack() as stack:
            desk = self._desk(stack, create=False, offline=True, last_good=True)
            ids = [t.id for t in desk.config.settings.trackers]
            known = (one for tracker in ids for batch in desk.store.standings(tracker) for one in batch)
            coverage = [self._coverage(desk.store, tracker) for tracker in ids]
            lineages = {tracker: Ancestry(desk.store, tracker) for tracker in ids}
            rulebook = desk.in_use()
            endings = Endings(rulebook, self._today())
            counting = Counting(desk.store, ids)
            report = build_report(
                counting.once(known),
                rulebook.strategy,
                rulebook.version,
                coverage,
                lineages=lineages,
                endings=endings,
            )
            muted = {source for t in desk.config.settings.trackers for source in desk.comment_policy(t).muted}
            votes = count_votes(desk.store, ids, Matcher(rulebook, self._today()), self.clock.now())
            return replace(report, twins=counting.sets, votes=votes, muted=tuple(sorted(muted)))

    def look_over(self) -> Sequence[Known]:
        """Every issue in scope with its decision, in a fixed order. Offline."""
        return list(self.each_issue())

    def each_issue(self) -> Generator[Known, None, None]:
        """As `look_over`, streamed: the store is open until the last one was taken or the iterator is closed."""
        with ExitStack() as stack:
            desk = self._desk(stack, create=False, offline=True, last_good=True)
            for tracker in desk.config.settings.trackers:
                for batch in desk.store.standings(tracker.id):
                    yield from batch

    def rules_diff(self, against: str | None = None) -> RulesDiff:
        """What the config folder's rules would change against other ones, over the whole store. Offline.

        Args:
            against: a config folder, or a git commit, branch or tag; None: the version the store last used.
        """
        with ExitStack() as stack:
            desk = self._desk(stack, create=False, offline=True)
            old = self._other_rules(desk.store, against)
            diff = RulesDiff(old=old.version, new=desk.config.rulebook.version)
            for tracker in desk.config.settings.trackers:
                foresee(desk.outlook(tracker, old), diff)
            ids = [tracker.id for tracker in desk.config.settings.trackers]
            diff.votes += count_votes(desk.store, ids, Matcher(desk.in_use(), self._today()), self.clock.now())
            return diff

    def _other_rules(self, store: Store, against: str | None) -> Rulebook:
        if against is None:
            texts = store.rulebook_texts()
            if texts is None:
                raise SyncdError("the store knows no rules yet: run `syncd once`, or name others with --against")
            return rulebook_of(texts, "the rules of the last cycle")
        if Path(against).is_dir():
            return load_rulebook(Path(against))
        return rulebook_of(texts_in_git(self.directory, against), against)

    def rules_log(self) -> Sequence[RulesVersion]:
        """Every version of the rules that a cycle ran with, newest first. Offline."""
        with ExitStack() as stack:
            return self._desk(stack, create=False, offline=True, last_good=True).store.rulebook_log()

    def slowest_pace(self) -> Pace:
        """How fast the slowest of the trackers lets us write."""
        paces = [load_kind(tracker.kind).pace for tracker in self.load().settings.trackers]
        return Pace(min(p.mark for p in paces), min(p.comment for p in paces))

    def _coverage(self, store: Store, tracker: str) -> Coverage:
        progress = store.progress(tracker)
        return Coverage(tracker, progress.last_success, progress.why)

    def status(self) -> Mapping[str, Any]:
        """What `status --json` shows; `healthy` is false if anything waits for a person. Offline."""
        with ExitStack() as stack:
            desk = self._desk(stack, create=False, offline=True, last_good=True)
            outbox = dict(desk.store.outbox_counts())
            waiting = waiting_json(desk.store.waiting_plans())
            daemons = desk.store.executors()
            attempts = {a.tracker: a for a in desk.store.attempts() if a.kind == "cycle"}
            trackers = {
                t.id: {
                    **self._tracker_status(desk.store, t.id, late_after(t.poll_every) if daemons else STALE),
                    "last_attempt": instant(desk.store.progress(t.id).last_attempt),
                    "failures": attempts[t.id].failures if t.id in attempts else 0,
                    "not_before": instant(attempts[t.id].not_before) if t.id in attempts else None,
                }
                for t in desk.config.settings.trackers
            }
            sound = not self.broken and not waiting and not outbox.get("dead")
            healthy = sound and all(t["healthy"] for t in trackers.values())
            problems = check_json(self.broken, strict=False)["problems"]
            findings = [
                {"tracker": f.tracker, "kind": f.kind, "cause": f.cause, "text": f.text, "opened": instant(at)}
                for at, f in desk.store.findings()
            ]
            return {
                "healthy": healthy,
                "trackers": trackers,
                "outbox": outbox,
                "dead": [entry_json(entry) for t in trackers for entry in dead_letters(desk.store, t)],
                "refused": waiting,
                "findings": findings,
                "holds": [
                    {"tracker": h.tracker, "project": h.project, "issue": h.issue, "since": instant(h.at)}
                    for h in desk.store.holds()
                ],
                "rules": {
                    "in_use": desk.store.rulebook_version(),
                    "problems": problems,
                },
                "executors": [
                    {"name": e.name, "started": instant(e.started), "seen": instant(e.seen), **e.figures}
                    for e in daemons
                ],
            }

    def outbox(self) -> Sequence[Entry]:
        """Writes that are not over, and those that a person dropped, in the order they were committed. Offline."""
        with ExitStack() as stack:
            desk = self._desk(stack, create=False, offline=True, last_good=True)
            states = [EntryState.TODO, EntryState.SENDING, EntryState.DEAD, EntryState.DISMISSED]
            ids = [tracker.id for tracker in desk.config.settings.trackers]
            return [entry for tracker in ids for entry in desk.store.entries(tracker, states, limit=1_000_000)]

    def settle_dead(self, key: str | None, *, again: bool) -> Sequence[Entry]:
        """Retry or drop dead letters, of one issue or (None) all; those it was done to. Offline.

        `UnknownKeyError` if that issue has none. What was dropped can be retried, too.
        """
        with ExitStack() as stack:
            desk = self._desk(stack, create=False, offline=True, last_good=True)
            store, now = desk.store, self.clock.now()
            chosen = [
                entry
                for tracker in desk.config.settings.trackers
                for entry in letters_of(store, tracker.id, key, dismissed=again and key is not None)
            ]
            if key is not None and not chosen:
                raise UnknownKeyError(f"no write of {key} waits for a person: `syncd outbox list` shows what does")
            note = "dropped by `syncd outbox drop`"
            return [e for e in chosen if (store.revive(e, now) if again else store.dismiss(e, note, now))]

    def _tracker_status(self, store: Store, tracker: str, patience: timedelta) -> Mapping[str, Any]:
        progress, now = store.progress(tracker), self.clock.now()
        lag = None if progress.last_success is None else (now - progress.last_success).total_seconds()
        why = progress.why or why_late(progress.last_success, patience, now)
        return {
            "watermark": instant(progress.watermark),
            "last_success": instant(progress.last_success),
            "healthy": why is None,
            "lag_s": None if lag is None else int(lag),
            "why": why,
        }

    def migrate(self) -> Sequence[str]:
        """Bring the store to this program's tables, creating it where there is none; the revisions applied."""
        self.load()
        url, password = self._store_address()
        try:
            open_store(url, password=password, clock_now=self.clock.now()).close()
        except Behind:
            return migrate(url, password)
        return ()

    def backup(self, file: Path) -> Backup:
        """Write the whole store to a file while everything else goes on."""
        url, password = self._store_address()
        return take_backup(url, file, password=password, now=self.clock.now())

    def restore(self, file: Path) -> Backup:
        """Fill the store that syncd.yaml names, which must be empty, from such a file."""
        url, password = self._store_address()
        return bring_back(url, file, password=password)

    def _store_address(self) -> tuple[str, str | None]:
        store = self.settings().store
        return store.url, None if store.password is None else store.password.reveal(self.environ)

    # --- for a process that stays (syncd.daemon)

    def offline_desk(self, stack: ExitStack) -> "_Desk":
        """The parts for a command that reads and writes the store only, by the rules that are in force."""
        return self._desk(stack, create=False, offline=True, last_good=True)

    def lease(self, stack: ExitStack, store: Store, tracker: str) -> Lease:
        """The right to work on a tracker, until the stack ends; waits for it a while, then names who holds it."""
        return self._lease(stack, store, tracker)

    def find(self, store: Store, key: str, tracker: str | None) -> IssueRef:
        """The one issue of that key, new or old. `UnknownKeyError`, `SeveralTrackersError`."""
        refs = store.find(key, tracker)
        if not refs:
            raise UnknownKeyError(f"no issue {key} is known; check the key, or run `syncd once` if it is new")
        if len({ref.tracker for ref in refs}) > 1:
            names = " or ".join(f"--tracker {name}" for name in sorted({ref.tracker for ref in refs}))
            raise SeveralTrackersError(f"{key} is known in several trackers: add {names}")
        return refs[0]

    def desk(self, stack: ExitStack) -> "_Desk":
        """The parts by the config in force, the store open until the stack ends; broken rules give way as in `once`."""
        return self._desk(stack, last_good=True)

    def desk_of(self, config: Config, store: SqlStore, matcher: Matcher) -> "_Desk":
        """The parts by that config."""
        return _Desk(self, config, store, matcher)

    def keep_rulebook(self, store: Store, config: Config) -> None:
        """It is in use from now on."""
        self._keep_rulebook(store, config)

    # --- building

    def _desk(
        self, stack: ExitStack, *, create: bool = True, offline: bool = False, last_good: bool = False
    ) -> "_Desk":
        """The parts for one command. `last_good`: rules that are broken now give way to those last in use."""
        config, settings = self._config_or_settings(last_good=last_good)
        secret = settings.store.password
        password = None if secret is None else secret.reveal(self.environ)
        if not offline:
            self._require_secrets(settings)
        store = open_store(settings.store.url, password=password, create=create, clock_now=self.clock.now())
        stack.callback(store.close)
        if config is None:
            config = self._last_good(store, settings)
        elif not offline:
            self._keep_rulebook(store, config)
        return _Desk(self, config, store, Matcher(config.rulebook, self._today()))

    def _config_or_settings(self, *, last_good: bool) -> tuple[Config | None, Settings]:
        try:
            config = self.load()
        except ConfigError as wrong:
            if not last_good or any(
                Path(p.file).name == SETTINGS_FILE for p in wrong.problems if p.severity == "error"
            ):
                raise
            self.broken = wrong.problems
            return None, self.settings()
        self.broken = ()
        return config, config.settings

    def _last_good(self, store: Store, settings: Settings) -> Config:
        """The rules last in use: an edit that breaks them stops nothing, and is told until it is mended."""
        texts = store.rulebook_texts()
        if texts is None:
            raise ConfigError(self.broken)
        return Config(settings, rulebook_of(texts, "the rules last in use"), texts, ())

    def _keep_rulebook(self, store: Store, config: Config) -> None:
        """Keep a new version with who committed it, where git knows."""
        if store.rulebook_version() != config.rulebook.version:
            who = authored(self.directory)
            kept = RulesVersion(
                version=config.rulebook.version,
                at=self.clock.now(),
                author=None if who is None else who.author,
                commit=None if who is None else who.commit,
            )
            store.keep_rulebook(kept, config.sources)

    def _require_secrets(self, settings: Settings) -> None:
        problems: list[Problem] = []
        for tracker in settings.trackers:
            try:
                tracker_options(settings, tracker.id, self.environ)
            except ConfigError as wrong:
                problems += wrong.problems
        if problems:
            raise ConfigError(sorted(problems))


@dataclass
class _Desk:
    """The parts that one command works with."""

    app: App
    config: Config
    store: SqlStore
    matcher: Matcher
    accept_missing: frozenset[str] = frozenset()

    def options(self, tracker: TrackerSettings) -> TrackerOptions:
        """What the tracker's connector is told, with the fields that the rules ask for."""
        groups = load_kind(tracker.kind).groups
        options = tracker_options(self.config.settings, tracker.id, self.app.environ, groups=groups)
        return replace(options, fields=asked_fields(self.config.rulebook, tracker.id))

    def work(self, stack: ExitStack, tracker: TrackerSettings, lease: Lease) -> Work:
        """A pass over one tracker."""
        reader = load_kind(tracker.kind).reader(self.options(tracker), self.app.clock)
        stack.callback(reader.close)
        return self.work_with(reader, tracker, lease)

    def work_with(self, reader: TrackerReader, tracker: TrackerSettings, lease: Lease) -> Work:
        """A pass over one tracker, with a reader of the caller's."""
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
            clock=self.app.clock,
            lease=lease,
            watch=self.app.watch,
            earlier=self.earlier,
            in_flight=tracker.in_flight,
            census_every=tracker.census_every,
            accept_missing=tracker.id in self.accept_missing,
            tradeoffs=tuple(one for one in self.store.tradeoffs() if one.stands(self.app.clock.now())),
        )

    def comment_policy(self, tracker: TrackerSettings) -> CommentPolicy:
        """When comments may be made there, and whose stopped since nobody acts on them."""
        policy = comment_policy(self.config.settings.comments)
        if Write.COMMENT not in (tracker.write, *tracker.write_by.values()):
            return policy
        now = self.app.clock.now() + self.store.progress(tracker.id).skew
        notices, turns = told_lately(self.store, now)
        return replace(policy, muted=muted_sources(notices, turns, policy.heed, now))

    def tradeoffs(self, tracker: str) -> Tradeoffs:
        """What was recorded on causes of conflict, and holds there."""
        return Tradeoffs(self.store.tradeoffs(), self.app.clock.now(), tracker)

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
        options = tracker_options(self.config.settings, tracker.id, self.app.environ, groups=kind.groups)
        writer = kind.writer(options, self.app.clock, self.signature, RENDERERS[kind.comment_format])
        stack.callback(writer.close)
        return writer

    def outlook(self, tracker: TrackerSettings, old: Rulebook) -> Outlook:
        """One tracker to look ahead on, from these rules to the config's."""
        today = self.app.clock.now().astimezone(UTC).date()
        return Outlook(
            tracker=tracker.id,
            store=self.store,
            old=Matcher(old, today),
            new=self.matcher,
            policy=self.policy(tracker),
            signature=self.signature,
            overlap=tracker.overlap,
            now=self.app.clock.now() + self.store.progress(tracker.id).skew,
            mail=self.config.settings.marks.mail,
            tradeoffs=self.tradeoffs(tracker.id),
            watch=self.app.watch,
        )

    @property
    def signature(self) -> Signature:
        return Signature(self.config.settings.installation, self.store.instance, self.store.adopted())

    def policy(self, tracker: TrackerSettings) -> Policy:
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
        now = self.app.clock.now() + self.store.progress(ref.tracker).skew
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
def correlated(cycle: str) -> Iterator[None]:
    """What this thread sends to trackers in the block bears the id of that cycle."""
    token = correlation.set(cycle)
    try:
        yield
    finally:
        correlation.reset(token)


def scope_of(tracker: TrackerSettings) -> tuple[str, ...]:
    """The projects or teams of a tracker that syncd may touch."""
    return tuple(entry for entries in tracker.scope.values() for entry in entries)


# --- kinds of trackers ------------------------------------------------------------------------------------


def _kinds() -> Mapping[str, str]:
    """Kinds by name → import string: our own table first, then the entry points of `syncd.connectors`."""
    return {**dict(_plugged_in()), **KINDS}


@cache
def _plugged_in() -> tuple[tuple[str, str], ...]:
    """What other packages claim. Looked up once: it walks all that is installed, and that does not change under us."""
    return tuple((e.name, e.value) for e in entry_points(group="syncd.connectors"))


def load_kind(name: str) -> TrackerKind:
    """The kind of that name; a second claimant of one name is an error, since nobody could tell which one runs."""
    claimants = [value for claimed, value in _plugged_in() if claimed == name]
    claimants += [KINDS[name]] if name in KINDS else []
    if len(claimants) != 1:
        why = f"several packages claim the kind {name}: {', '.join(claimants)}" if claimants else f"no kind {name}"
        raise ConfigError([Problem("syncd.yaml", 1, 1, why, "uninstall one of them")])
    module, _, attribute = claimants[0].partition(":")
    return cast("TrackerKind", getattr(import_module(module), attribute))
