"""A stage: a served Jira Cloud with people in it, a config folder, a store, and the `App` over them, on one clock.

    with staged(tmp_path) as stage:
        key = stage.create("PAY", labels=["sre"])
        assert stage.once().applied == 1
        assert stage.marks(key) == ["outcome/reliability"]

Nobody waits: what would sleep moves the clock. Where the shared material is at hand, every exchange is checked
against Atlassian's own document.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from support_jira_cloud import MovableClock
from support_openapi import OpenApiDocument

from connectors.jira.cloud import CloudKind
from connectors.sandbox import Exchange, Site, serve
from syncd.app import App, Shown
from syncd.core.ports import Known, Store
from syncd.engine.cycle import Applied
from syncd.engine.work import CycleResult
from syncd.store import open_store

TRACKER: Final = "acme-jira"
MINUTE: Final = timedelta(minutes=1)
CONTRACT: Final = "contracts/jira-cloud-openapi.json"
PREFIXES: Final = ("outcome/", "alignment/")

STRATEGY: Final = """\
intent: We are the payments platform banks trust.
outcomes:
  - id: reliability
    title: Payments never go down
    owner: maria@acme.example
    metric: {name: availability, unit: "%"}
    objectives: [{id: failover, title: Any region can fail}]
  - id: cost
    title: A payment costs a third less
    owner: li@acme.example
    metric: {name: cost per payment, unit: cents}
overhead:
  - {id: chores, title: Upgrades and chores, owner: maria@acme.example, budget: 20%}
"""
RULES: Final = """\
rules:
  - id: reliable
    outcome: reliability
    when: {label: [sre, "incident-*"]}
  - id: cheap
    outcome: cost
    when: {label: finops}
  - id: upkeep
    overhead: chores
    when: {label: deps}
"""


@dataclass
class Stage:
    """The parts, and what people and operators do with them."""

    site: Site
    url: str
    clock: MovableClock
    folder: Path
    settings: dict[str, Any]
    environ: dict[str, str] = field(default_factory=dict)

    # --- the config

    @property
    def config(self) -> Path:
        return self.folder / "config"

    @property
    def app(self) -> App:
        """A fresh process's view of the config folder."""
        return App(self.config, self.environ, self.clock, wait=self.clock.sleep)

    def write(self, *, rules: str | None = None, strategy: str | None = None, **settings: Any) -> None:
        """Edit the config files. `settings` replaces top keys of syncd.yaml; `tracker=` updates the tracker's."""
        self.settings["trackers"][TRACKER] |= settings.pop("tracker", {})
        self.settings |= settings
        self.config.mkdir(exist_ok=True)
        # JSON is YAML, and nothing in it needs quoting rules
        (self.config / "syncd.yaml").write_text(json.dumps(self.settings, indent=2), encoding="utf-8")
        for name, text in (("rules.yaml", rules), ("strategy.yaml", strategy)):
            if text is not None:
                (self.config / name).write_text(text, encoding="utf-8")

    # --- commands

    def once(self) -> CycleResult:
        """One cycle."""
        (result,) = self.app.once()
        return result

    def plan(self) -> Shown:
        return self.app.plan()

    def apply(self, digest: str, *, exact: bool = False) -> Applied:
        result = self.app.apply(digest, exact=exact)
        assert result is not None, f"no plan {digest}"
        return result

    def explain(self, key: str) -> Any:
        found, _ = self.app.explain(key)
        return found

    def later(self, **by: float) -> CycleResult:
        """One cycle, that much later."""
        self.clock.move(timedelta(**by))
        return self.once()

    def quiet(self) -> CycleResult:
        """One more cycle a minute later, which must neither plan nor write."""
        before = self.site.snapshot()
        result = self.later(minutes=1)
        assert (result.planned, result.applied, result.waiting) == (0, 0, 0), result
        assert result.complete, result.why
        assert self.site.snapshot() == before
        return result

    def quiet_after_a_look(self) -> None:
        """A cycle that may learn but writes nothing, and a quiet one."""
        assert self.later(minutes=1).applied == 0
        self.quiet()

    def rest(self) -> None:
        """Quiet for so long that no search shows an old change any more: nothing of it is within the overlap."""
        self.later(minutes=7)
        self.quiet()

    # --- people

    def create(self, project: str = "PAY", *, by: str = "tom", **told: Any) -> str:
        """A person creates an issue; its key."""
        told.setdefault("summary", "Something to do")
        key = self.site.person(by).create(project=project, **told)
        self.tick()
        return key

    def edit(self, key: str, *, by: str = "tom", **told: Any) -> None:
        """A person edits an issue."""
        self.tick()
        self.site.person(by).edit(key, **told)
        self.tick()

    def tick(self) -> None:
        """Nobody does two things in one millisecond."""
        self.clock.move(timedelta(seconds=1))

    # --- what is there

    def labels(self, key: str) -> list[str]:
        """People's labels on the issue, in its order."""
        return [label for label in self.site.issue(key).labels if not is_mark(label)]

    def marks(self, key: str) -> list[str]:
        """Labels in syncd's namespaces, whoever put them."""
        return sorted(label for label in self.site.issue(key).labels if is_mark(label))

    def comments(self, key: str) -> list[str]:
        """The texts of syncd's own comments on the issue."""
        return [plain(c.body) for c in self.site.issue(key).comments if c.author == self.site.account]

    def decided(self, key: str) -> tuple[str, str | None]:
        """(kind, outcome) as the store has it."""
        known = self.known(key)
        assert known.standing is not None, f"{key} was not decided"
        return known.standing.decision.pair

    def known(self, key: str) -> Known:
        with self.store() as store:
            (ref,) = store.find(key)[:1]
            return store.known([ref])[ref]

    def findings(self, kind: str | None = None) -> list[str]:
        """The texts of open findings."""
        with self.store() as store:
            return [f.text for _, f in store.findings(TRACKER) if kind in (None, f.kind)]

    @contextmanager
    def store(self) -> Iterator[Store]:
        settings = self.app.load().settings
        secret = settings.store.password
        password = None if secret is None else secret.reveal(self.environ)
        store = open_store(settings.store.url, password=password, create=False, clock_now=self.clock.now())
        try:
            yield store
        finally:
            store.close()

    # --- what went over the wire

    @contextmanager
    def watched(self) -> Iterator["Traffic"]:
        """The exchanges of the block."""
        traffic, before = Traffic(), self.site.on_exchange

        def see(exchange: Exchange) -> None:
            traffic.seen.append(exchange)
            if before is not None:
                before(exchange)

        self.site.on_exchange = see
        try:
            yield traffic
        finally:
            self.site.on_exchange = before


@dataclass
class Traffic:
    """Exchanges, in order."""

    seen: list[Exchange] = field(default_factory=list)

    def of(self, method: str, path: str) -> list[Exchange]:
        """Those of a method whose path, cut of its /rest/api/3/, is fully matched by a regular expression."""
        whole = re.compile(f"/rest/api/[23]/{path}")
        return [e for e in self.seen if e.method == method and whole.fullmatch(e.path)]

    @property
    def edits(self) -> list[str]:
        """Ids of the issues that a PUT went to, in order."""
        return [e.path.rpartition("/")[2] for e in self.of("PUT", r"issue/\d+")]

    @property
    def writes(self) -> list[str]:
        """Everything that changes something."""
        reads = ("search/jql", "search/approximate-count", "issue/bulkfetch", "comment/list", "changelog/bulkfetch")
        return [f"{e.method} {e.path}" for e in self.seen if e.method != "GET" and not e.path.endswith(reads)]

    @property
    def single_reads(self) -> list[str]:
        """Issues that were read one by one."""
        return [e.path for e in self.of("GET", "issue/[^/]+")]

    @property
    def fetched(self) -> list[str]:
        """Ids or keys that were asked for in bulk, past the index."""
        asked = [json.loads(e.request_body)["issueIdsOrKeys"] for e in self.of("POST", "issue/bulkfetch")]
        return [name for names in asked for name in names]


def is_mark(label: str) -> bool:
    """Whether a label lies in syncd's namespaces, however it is spelt."""
    return label.casefold().startswith(PREFIXES)


def plain(document: Any) -> str:
    """The words of an ADF document."""
    if isinstance(document, Mapping):
        return str(document["text"]) if "text" in document else plain(document.get("content", []))
    return " ".join(filter(None, map(plain, document or [])))


def tracker_settings(url: str, projects: Sequence[str], **told: Any) -> dict[str, Any]:
    """A tracker's mapping in syncd.yaml."""
    auth = {"email": "syncd@acme.example", "token": {"env": "JIRA_TOKEN"}}
    return {"kind": "jira-cloud", "url": url, "auth": auth, "scope": {"projects": list(projects)}, **told}


def empty_site(clock: MovableClock) -> Site:
    """PAY and OPS, which are usually in scope; STRAT and WEB (team-managed), which are not; PROC, which is hidden."""
    site = Site(clock.now)
    for key, name in (("PAY", "Payments"), ("OPS", "Operations"), ("STRAT", "Strategy"), ("PROC", "Procurement")):
        site.registry.add_project(key, name)
    site.registry.add_project("WEB", "Website", style="next-gen")
    site.permissions.may_browse["PROC"] = False
    return site


@contextmanager
def staged(
    folder: Path,
    *,
    site: Site | None = None,
    clock: MovableClock | None = None,
    projects: Sequence[str] = ("PAY", "OPS"),
    rules: str = RULES,
    strategy: str = STRATEGY,
    store: str | Mapping[str, Any] = "sqlite:///syncd.db",
    checked: bool = True,
    write: str = "label",
    **settings: Any,
) -> Iterator[Stage]:
    """Serve the site (an empty one) until the block ends.

    Marks have no grace unless `marks=` gives one, and nobody listens to comments unless `commands=` says who may speak.
    """
    clock = clock or MovableClock()
    site = site or empty_site(clock)
    with ExitStack() as stack:
        document = _document() if checked else None
        if document is not None:
            stack.enter_context(document.watching(site))
        served = stack.enter_context(serve(site))
        stack.enter_context(patch("connectors.jira.cloud.KIND", CloudKind(sleep=clock.sleep)))
        tracker = tracker_settings(served.url, projects, write=write)
        told = {"installation": "acme", "store": store, "trackers": {TRACKER: tracker}, "marks": {"grace": "0s"}}
        told["commands"] = {"allow": "off"}
        stage = Stage(site, served.url, clock, folder, told | settings, {"JIRA_TOKEN": site.token})
        stage.write(rules=rules, strategy=strategy)
        yield stage
    assert not site.crashes, site.crashes[0]


@cache
def _document() -> OpenApiDocument | None:
    """Atlassian's document, once a process; without the shared material behaviour is still tested."""
    named = os.environ.get("SYNCD_SHARED")
    if not named or not (Path(named) / CONTRACT).is_file():
        assert os.environ.get("CI") != "true", f"SYNCD_SHARED does not name a folder with {CONTRACT}"
        return None
    return OpenApiDocument(Path(named) / CONTRACT)
