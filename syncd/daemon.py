"""`syncd run`: the process that stays. It builds the engine, the passes, the listeners, and keeps an eye on them.

Threads: the main one goes round once a second; the engine's hand out passes; one gives signs of life; one watches the
config files; one hands webhooks' hints on; each listener has one. Whatever any of them meets, the others go on.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, date, timedelta
from time import monotonic
from typing import Any, Final
from uuid import uuid4

from syncd import __version__, tracing
from syncd.app import App, correlated, load_kind
from syncd.config.living import Living, Standing
from syncd.config.watch import changes
from syncd.core.errors import ConfigError, StoreError
from syncd.core.match import Matcher
from syncd.core.ports import Lease, TrackerOptions, TrackerWriter
from syncd.core.running import Attempt, Executor
from syncd.engine.cycle import run_cycle
from syncd.engine.dbos_engine import DbosEngine, Place
from syncd.engine.hints import run_named
from syncd.engine.holding import Holder
from syncd.engine.keeper import BEAT_EVERY, DisplacedError, Keeper
from syncd.engine.kept import KeptReader
from syncd.engine.passes import Passes, Tools
from syncd.engine.ports import Duty, Task
from syncd.engine.work import CycleResult
from syncd.gauges import LOOKED_S, Gauges
from syncd.rulebook import RULES_FILE, STRATEGY_FILE
from syncd.service.http import health_app, webhook_app
from syncd.service.notify import Notifier
from syncd.service.server import Listener
from syncd.service.webhooks import Hints
from syncd.settings import SETTINGS_FILE, Secret, Settings
from syncd.store import SqlStore, engine_place
from syncd.telemetry import hide, logger
from syncd.tracing import NoTracesError, Tracing

ROUND: Final = 1.0
LISTEN_FOR: Final = 1.0
"""Seconds between two looks at what webhooks named: they are coalesced meanwhile."""
PATIENCE: Final = timedelta(seconds=4)
"""How long what runs may take to end, of the five seconds in which the process must."""
MOST_HIDDEN: Final = 100
"""Secrets that no line shows, the newest."""
STILL: Final = 120.0
"""Seconds after which a loop that did not go round is taken for dead."""


class _Ended(Exception):  # noqa: N818 - a signal to the loop above it
    """The process is to end."""


@dataclass
class _Kept:
    """What stays from pass to pass over one tracker, while the config does."""

    options: TrackerOptions
    reader: KeptReader
    writer: TrackerWriter
    stack: ExitStack
    version: str
    matcher: Matcher

    @property
    def requests(self) -> int:
        """Sent so far, by both."""
        return int(self.reader.requests) + self.writer.requests


@dataclass
class Daemon:
    """One process of `syncd run`. `stop` and `reload` may be set by signals."""

    app: App
    name: str
    notifier: Notifier = field(default_factory=Notifier)
    poll: float = 1.0
    """Seconds between the engine's looks at its queue."""
    beat_every: float = BEAT_EVERY
    dead_after: float = 5 * BEAT_EVERY
    stop: threading.Event = field(default_factory=threading.Event)
    reload: threading.Event = field(default_factory=threading.Event)
    began: Callable[["Daemon"], None] = lambda _daemon: None
    """Called when it is ready; tests learn the ports from it."""
    listeners: list[Listener] = field(default_factory=list)
    _hidden: list[str] = field(default_factory=list, init=False, repr=False)
    failed: str | None = None
    """Why it had to end, if not because it was told to."""

    def run(self) -> bool:
        """Run until `stop` is set; whether all that ran has ended, and no library's thread is left.

        Raises ConfigError, StoreError and SyncdError for what keeps it from starting.
        """
        self._kept: dict[str, _Kept] = {}
        with ExitStack() as stack:
            desk = self.app.desk(stack)
            self._store: SqlStore = desk.store
            self._living = Living(self.app.load, Standing(desk.config, self.app.broken))
            settings = desk.config.settings
            self._hide(settings)
            self._begin(settings)
            stack.callback(self._drop_kept)
            try:
                self._go_round()
            finally:
                quiet = self._end()
        return quiet

    # --- beginning and ending

    def _begin(self, settings: Settings) -> None:
        secret = settings.store.password
        url, lock = engine_place(settings.store.url, None if secret is None else secret.reveal(self.app.environ))
        now, token = self.app.clock.now(), uuid4().hex
        self._tracing = self._begin_traces()
        self._engine = DbosEngine(Place(url, lock), self.name, self.app.clock, poll=self.poll)
        self._engine.hold()
        me = Executor(name=self.name, token=token, started=now, seen=now)
        self._gauges = Gauges(self._store, self._engine, self._living, self.app.clock, monotonic)
        self._keeper = Keeper(
            self._store, self._engine, me, self.app.clock, monotonic, self.dead_after, self._gauges.engine
        )
        self._gauges.keeper = self._keeper
        self._hints = Hints({t.id: t.kind for t in settings.trackers}, self._webhook_secret, self.app.clock)
        self._gauges.hints = self._hints
        self._passes = Passes(
            store=self._store,
            clock=self.app.clock,
            holder=str(Holder.here(self.name)),
            tools=self._tools,
            acts={"cycle": self._cycle, "webhook_batch": self._named},
            every=self._every,
            renewed=self._renewed,
            correlated=self._correlated,
            ending=self.stop.is_set,
            told=self._told,
            traced=self._traced,
        )
        self.listeners = self._listen(settings)
        self._keeper.enlist()
        self._engine.start(self._passes.run)
        self._engine.schedule(list(self._duties(settings)))
        self._day = self._today()
        self._round = monotonic()
        for listener in self.listeners:
            listener.start()
        loops: list[tuple[Callable[[], None], str]] = [
            (self._keep, "signs-of-life"),
            (self._watch, "config"),
            (self._listen_to_hints, "hints"),
        ]
        for run, what in loops:
            threading.Thread(target=run, name=f"syncd-{what}", daemon=True).start()
        logger().info("daemon_started", name=self.name, trackers=len(settings.trackers), listening=self._addresses())
        self.notifier.say("READY=1", f"STATUS=watching {len(settings.trackers)} tracker(s)")
        self.began(self)

    def _listen(self, settings: Settings) -> list[Listener]:
        http = settings.http
        hooked = any(t.webhook is not None for t in settings.trackers)
        shared = self._hints if hooked and http.webhooks is None else None
        made = [Listener(health_app(self, shared), http.listen, "health")]
        if hooked and http.webhooks is not None:
            made.append(Listener(webhook_app(self._hints), http.webhooks, "webhooks"))
        return made

    def _addresses(self) -> list[str]:
        return [f"{one.host}:{one.port}" for one in self.listeners]

    def _end(self) -> bool:
        self.stop.set()
        self.notifier.say("STOPPING=1")
        logger().info("daemon_stopping", why=self.failed or "it was told to")
        for listener in self.listeners:
            listener.hush()
        quiet = self._engine.stop(PATIENCE)
        for listener in self.listeners:
            listener.stop()
        if quiet and self.failed is None:
            try:
                self._store.retire(self._keeper.me)
            except StoreError as failed:
                logger().warning("not_retired", why=str(failed))
        if self._tracing is not None:
            self._tracing.end()
        logger().info("daemon_ended", quiet=quiet)
        return quiet and self._engine.gone

    def _drop_kept(self) -> None:
        for kept in list(self._kept.values()):
            kept.stack.close()

    # --- the main loop

    def _go_round(self) -> None:
        while not self.stop.wait(ROUND):
            self._round = monotonic()
            if self.live()[0]:
                self.notifier.say("WATCHDOG=1")
            if self.reload.is_set():
                self.reload.clear()
                self._reload()
            if self._today() != self._day:
                self._day = self._today()
                self._hurry()
            self._gauges.freshen(LOOKED_S)

    def _reload(self) -> None:
        self.notifier.say("RELOADING=1")
        before, log = self._living.standing, logger()
        came = self._living.reload()
        standing = self._living.standing
        if came == "broken" and standing.problems != before.problems:
            first = standing.problems[0]
            where = f"{first.file}:{first.line}:{first.column}: {first.message}"
            log.error("config_broken", problems=len(standing.problems), first=where, in_force=self._version())
        if standing.restart and standing.restart != before.restart:
            log.warning("config_needs_a_restart", keys=list(standing.restart))
        if came == "swapped":
            try:
                self.app.keep_rulebook(self._store, standing.config)
            except StoreError as failed:
                log.warning("config_not_recorded", why=str(failed))
                self.reload.set()  # again at the next round
            log.info("config_in_force", version=self._version(), mended=bool(before.problems))
            self._hurry()
        self.notifier.say("READY=1")

    def _version(self) -> str:
        return self._living.config.rulebook.version

    def _hurry(self) -> None:
        for tracker in self._living.config.settings.trackers:
            self._engine.hurry(tracker.id)

    def _today(self) -> date:
        return self.app.clock.now().astimezone(UTC).date()

    # --- the other loops

    def _keep(self) -> None:
        while not self.stop.wait(self.beat_every):
            try:
                self._keeper.beat()
            except DisplacedError as displaced:
                self.failed = str(displaced)
                self.stop.set()
            except Exception as bug:  # noqa: BLE001 - a boundary: signs of life go on
                logger().error("signs_of_life_failed", what=type(bug).__name__, why=str(bug)[:200])

    def _watch(self) -> None:
        files = [self.app.directory / name for name in (SETTINGS_FILE, STRATEGY_FILE, RULES_FILE)]
        first = True
        try:
            for _ in changes(files, self._wait):
                if not first:
                    self.reload.set()
                first = False
        except _Ended:
            return

    def _wait(self, seconds: float) -> None:
        if self.stop.wait(seconds):
            raise _Ended

    def _listen_to_hints(self) -> None:
        while not self.stop.wait(LISTEN_FOR):
            try:
                self._hints.hand_on(self._take_batch, self._take_poll)
            except Exception as failed:  # noqa: BLE001 - the engine's database is away: hints wait, or are lost, and no harm done
                logger().warning("hints_wait", what=type(failed).__name__)

    def _take_batch(self, tracker: str, refs: Sequence[str]) -> bool:
        return self._engine.enqueue(tracker, "webhook_batch", refs) is not None

    def _take_poll(self, tracker: str) -> bool:
        self._engine.hurry(tracker)
        return True

    # --- traces

    def _begin_traces(self) -> Tracing | None:
        """If they are asked for; that they cannot be sent is told, and keeps nobody from working."""
        try:
            return tracing.start(self.app.environ, self.name, __version__)
        except NoTracesError as why:
            logger().warning("traces_not_sent", why=str(why))
            return None

    def _correlated(self, cycle: str) -> AbstractContextManager[None]:
        return correlated(cycle, None if self._tracing is None else self._tracing.requesting)

    def _traced(self, task: Task) -> AbstractContextManager[None]:
        return nullcontext() if self._tracing is None else self._tracing.passing(task.id, task.tracker, task.kind)

    def _told(self, attempt: Attempt, result: CycleResult | None) -> None:
        self._gauges.told(attempt, result)
        if self._tracing is not None:
            self._tracing.told(attempt.facts)

    # --- what passes are made of

    def _duties(self, settings: Settings) -> Iterator[Duty]:
        for tracker in settings.trackers:
            yield Duty(tracker.id, "cycle", tracker.poll_every)

    def _every(self, tracker: str) -> timedelta | None:
        found = self._living.config.settings.tracker(tracker)
        return None if found is None else found.poll_every

    def _renewed(self, tracker_id: str) -> bool:
        """Whether it is reached with something else than in the last pass: a process that has just begun knows none."""
        config, kept = self._living.config, self._kept.get(tracker_id)
        tracker = config.settings.tracker(tracker_id)
        if kept is None or tracker is None:
            return True
        try:
            desk = self.app.desk_of(config, self._store, kept.matcher)
            return desk.options(tracker, kept.options.fields) != kept.options
        except ConfigError:
            return False  # a secret that is not to be had is told by the pass, and waited for by nobody

    @contextmanager
    def _tools(self, tracker_id: str, lease: Lease) -> Iterator[Tools]:
        config = self._living.config
        tracker = config.settings.tracker(tracker_id)
        if tracker is None:
            raise ConfigError([])
        before = self._kept.pop(tracker_id, None)
        version, day = config.rulebook.version, self._today()
        matcher = before.matcher if before and (before.version, before.matcher.day) == (version, day) else None
        matcher = matcher or Matcher(config.rulebook, day)
        desk = self.app.desk_of(config, self._store, matcher)
        options = desk.options(tracker, before.options.fields if before and before.version == version else None)
        if before is not None and before.options == options:
            kept = replace(before, version=version, matcher=matcher)
        else:
            if before is not None:
                before.stack.close()
            self._hide(config.settings)
            stack = ExitStack()
            reader = load_kind(tracker.kind).reader(options, self.app.clock)
            stack.callback(reader.close)
            kept = _Kept(options, KeptReader(reader, monotonic), desk.writer(stack, tracker), stack, version, matcher)
        try:
            yield Tools(
                replace(desk.work_with(kept.reader, tracker, lease), ending=self.stop.is_set),
                kept.writer,
                tracker.poll_every,
            )
        finally:
            self._gauges.budgets[tracker_id] = dict(getattr(kept.reader, "budget", {}))
            self._kept[tracker_id] = kept

    def _counted(self, tools: Tools, act: Callable[[], CycleResult]) -> CycleResult:
        """The reader and the writer stay, and so do their counts: what this pass sent is the difference."""
        before = tools.work.reader.requests + tools.writer.requests
        result = act()
        return replace(result, requests=tools.work.reader.requests + tools.writer.requests - before)

    def _cycle(self, tools: Tools, task: Task) -> CycleResult:
        del task
        return self._counted(tools, lambda: run_cycle(tools.work, tools.writer))

    def _named(self, tools: Tools, task: Task) -> CycleResult:
        return self._counted(tools, lambda: run_named(tools.work, tools.writer, task.refs))

    # --- secrets

    def _webhook_secret(self, tracker_id: str) -> str | None:
        tracker = self._living.config.settings.tracker(tracker_id)
        if tracker is None or tracker.webhook is None:
            return None
        try:
            return tracker.webhook.reveal(self.app.environ)
        except ConfigError:
            return None

    def _hide(self, settings: Settings) -> None:
        """No line shows them; nor those of before, which a pass under way may still use, or whose file is just away."""
        known = dict.fromkeys([*self._secrets(settings), *self._hidden])
        self._hidden = list(known)[:MOST_HIDDEN]
        hide(self._hidden)

    def _secrets(self, settings: Settings) -> list[str]:
        """All that is to be had now, so that no line shows them."""
        given = [s for t in settings.trackers for s in (*t.auth.values(), t.webhook)]
        found = []
        for secret in (settings.store.password, *given):
            if isinstance(secret, Secret):
                try:
                    found.append(secret.reveal(self.app.environ))
                except ConfigError:
                    continue  # it is told where it is needed
        return found

    # --- vitals, for the pages of syncd.service.http

    def live(self) -> tuple[bool, Mapping[str, Any]]:
        """Whether every loop goes round."""
        now, beaten = monotonic(), self._keeper.tried or monotonic()
        ages = {"main": now - self._round, "schedule": now - self._engine.ticked, "signs_of_life": now - beaten}
        return all(age < STILL for age in ages.values()), {"loops_s": {k: round(v, 1) for k, v in ages.items()}}

    def ready(self) -> tuple[bool, Mapping[str, Any]]:
        """Whether store and engine answer, and a config is in force."""
        return self._gauges.ready()

    def metrics(self) -> bytes:
        """For Prometheus."""
        return self._gauges.metrics()
