"""The composition root: the one file that knows every part. It builds them from the config and runs one command.

Every method is one command of DESIGN §10 without its printing; `syncd.cli` calls it, prints, and picks the exit code.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from syncd.app.desk import Desk
from syncd.app.kinds import kinds, load_kind
from syncd.app.status import status
from syncd.config import Config, load_config
from syncd.config.new import Ask, Interview, Tell, write_new
from syncd.config.versions import authored, rulebook_of, texts_in_git
from syncd.config.watch import changes
from syncd.core.diff import Pace, RulesDiff
from syncd.core.endings import Endings
from syncd.core.errors import Behind, Busy, ConfigError, OptionProblem, Problem, SyncdError
from syncd.core.explain import Explanation
from syncd.core.match import Matcher
from syncd.core.model import IssueRef, Plan, Refusal, Rulebook
from syncd.core.ports import Clock, Known, Lease, RulesVersion, Store
from syncd.core.report import Coverage, Report, build_report
from syncd.engine.cycle import Applied, Pair, applied_before, apply_shown, run_cycle, show
from syncd.engine.foresight import foresee
from syncd.engine.holding import Holder, gone_holder, holder_words
from syncd.engine.leaving import end_holds
from syncd.engine.lineage import Ancestry
from syncd.engine.overriding import overrides_told
from syncd.engine.twinning import Counting
from syncd.engine.voting import count_votes
from syncd.engine.work import LEASE_TTL, CycleResult, LeaseLostError, Watcher, Work
from syncd.rulebook import RULES_FILE, STRATEGY_FILE, load_rulebook
from syncd.settings import SETTINGS_FILE, Settings, TrackerSettings, load_settings, missing_secrets, tracker_options
from syncd.store import Backup, SqlStore, bring_back, migrate, open_store, take_backup

LEASE_PATIENCE: Final = timedelta(seconds=60)
"""How long a command waits for a tracker that another pass holds."""
LEASE_POLL: Final = timedelta(seconds=1)


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """This instant in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - the one place that asks the machine


class UnknownKeyError(SyncdError):
    """No issue of that key is known: look at its spelling, or run `syncd once` first."""


class UnknownTrackerError(SyncdError):
    """A command names a tracker that syncd.yaml does not: correct its id."""

    def __init__(self, named: str, known: Iterable[str]) -> None:
        super().__init__(f"there is no tracker {named} in syncd.yaml: there is {', '.join(sorted(known))}")


class UnknownProjectError(SyncdError):
    """A command names a project (or team) in which nothing is known: correct its key."""

    def __init__(self, named: str, tracker: str, known: Iterable[str]) -> None:
        near = get_close_matches(named.upper(), sorted(known), n=1)
        meant = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(known))}"
        super().__init__(f"nothing is known in {named} of {tracker}, and nothing was written: {meant}")


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
        return load_config(self.directory, self._check_options, list(kinds()))

    def settings(self) -> Settings:
        """syncd.yaml alone: what is needed where rules play no part. `ConfigError` with its problems."""
        return load_settings(self.directory, self._check_options, list(kinds()))

    def check(self) -> tuple[Problem, ...]:
        """All problems and all advice, nothing raised."""
        try:
            config = load_config(self.directory, self._check_options, list(kinds()), self._today())
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
        interview = None if ask is None else Interview(ask, tell, self._check_options, list(kinds()))
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
                raise UnknownTrackerError(", ".join(sorted(unknown)), known)
            return [self._one_cycle(desk, tracker) for tracker in desk.config.settings.trackers]

    def _one_cycle(self, desk: Desk, tracker: TrackerSettings) -> CycleResult:
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
                return applied_before(desk.store, shown)
            trackers = [t for t in desk.config.settings.trackers if t.id in shown.trackers]
            pairs = [Pair(self._shown_work(stack, desk, t), desk.writer(stack, t)) for t in trackers]
            result = apply_shown(desk.store, pairs, shown, exact=exact)
            if not result.nothing_holds:
                end_holds(desk.store, shown.plan.actions)
            return result

    def _shown_work(self, stack: ExitStack, desk: Desk, tracker: TrackerSettings) -> Work:
        """A pass whose plan a person sees: what is on hold is planned, too, and doing that plan ends the hold."""
        work = self._work(stack, desk, tracker)
        return replace(work, policy=replace(work.policy, holds=()))

    def _work(self, stack: ExitStack, desk: Desk, tracker: TrackerSettings) -> Work:
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
            return desk.explain(self.find(desk.store, key, tracker)), desk.config

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
            words = overrides_told(desk.store, ids, self.clock.now())
            return replace(report, twins=counting.sets, votes=votes, muted=tuple(sorted(muted)), overrides=words)

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
            desk = self.offline_desk(stack)
            return status(desk, self.broken, self.clock.now())

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

    def offline_desk(self, stack: ExitStack) -> Desk:
        """The parts for a command that reads and writes the store only, by the rules that are in force."""
        return self._desk(stack, create=False, offline=True, last_good=True)

    def lease(self, stack: ExitStack, store: Store, tracker: str) -> Lease:
        """The right to work on a tracker, until the stack ends; waits for it a while, then names who holds it."""
        return self._lease(stack, store, tracker)

    def find(self, store: Store, key: str, tracker: str | None) -> IssueRef:
        """The one issue of that key, new or old. `UnknownKeyError`, `SeveralTrackersError`."""
        refs = store.find(key, tracker)
        if not refs:
            where = "" if tracker is None else f" in {tracker}"
            raise UnknownKeyError(f"no issue {key} is known{where}; check the key, or run `syncd once` if it is new")
        if len({ref.tracker for ref in refs}) > 1:
            names = " or ".join(f"--tracker {name}" for name in sorted({ref.tracker for ref in refs}))
            raise SeveralTrackersError(f"{key} is known in several trackers: add {names}")
        return refs[0]

    def desk(self, stack: ExitStack) -> Desk:
        """The parts by the config in force, the store open until the stack ends; broken rules give way as in `once`."""
        return self._desk(stack, last_good=True)

    def desk_of(self, config: Config, store: SqlStore, matcher: Matcher) -> Desk:
        """The parts by that config."""
        return Desk(self.environ, self.clock, self.watch, config, store, matcher)

    def keep_rulebook(self, store: Store, config: Config) -> None:
        """It is in use from now on."""
        self._keep_rulebook(store, config)

    # --- building

    def _desk(self, stack: ExitStack, *, create: bool = True, offline: bool = False, last_good: bool = False) -> Desk:
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
        return Desk(self.environ, self.clock, self.watch, config, store, Matcher(config.rulebook, self._today()))

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
