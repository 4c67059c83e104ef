"""A stage with Linear alone: a served workspace with people in it, a config folder, a store, and the `App` over them.

    with linear_staged(tmp_path) as stage:
        key = stage.create(labels=["sre"])
        assert stage.once().applied == 1
        assert stage.marks(key) == ["Outcome/reliability"]

Nobody waits: what would sleep moves the clock, and is written down.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from support_jira_cloud import MovableClock
from support_stage import RULES, STRATEGY

from connectors.linear.kind import LinearKind
from connectors.sandbox.linear import Member, Workspace, serve_linear
from syncd.app import App
from syncd.core.model import Finding
from syncd.core.ports import Known, Store
from syncd.engine.work import CycleResult
from syncd.store import open_store

TRACKER: Final = "acme-linear"
OURS: Final = ("Outcome/", "Alignment/")


@dataclass
class LinearStage:
    """The parts, and what people and operators do with them."""

    space: Workspace
    clock: MovableClock
    folder: Path
    settings: dict[str, Any]
    slept: list[float] = field(default_factory=list)

    def write(self, *, rules: str | None = None, strategy: str | None = None, **settings: Any) -> None:
        """Edit the config files. `settings` replaces top keys of syncd.yaml; `tracker=` updates the tracker's."""
        self.settings["trackers"][TRACKER] |= settings.pop("tracker", {})
        self.settings |= settings
        config = self.folder / "config"
        config.mkdir(exist_ok=True)
        (config / "syncd.yaml").write_text(json.dumps(self.settings, indent=2), encoding="utf-8")
        for name, text in (("rules.yaml", rules), ("strategy.yaml", strategy)):
            if text is not None:
                (config / name).write_text(text, encoding="utf-8")

    @property
    def app(self) -> App:
        """A fresh process's view of the config folder."""
        return App(self.folder / "config", {"LINEAR_TOKEN": self.space.token}, self.clock, wait=self.sleep)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.sleep(seconds)

    # --- commands

    def once(self) -> CycleResult:
        """One cycle."""
        (result,) = self.app.once()
        return result

    def later(self, **by: float) -> CycleResult:
        """One cycle, that much later."""
        self.clock.move(timedelta(**by))
        return self.once()

    def quiet(self) -> None:
        """One more cycle a minute later, which must neither plan nor write."""
        before = self.space.snapshot()
        result = self.later(minutes=1)
        assert (result.planned, result.applied, result.waiting) == (0, 0, 0), result
        assert result.complete, result.why
        assert self.space.snapshot() == before

    def rest(self) -> None:
        """Quiet, now and when no change is within the overlap any more."""
        self.quiet()
        self.later(minutes=7)
        self.quiet()

    # --- people

    @property
    def maria(self) -> Member:
        return self.space.member("maria")

    def create(self, title: str = "Something to do", *, team: str = "ENG", **told: Any) -> str:
        """A person creates an issue; its key. Labels are made where there are none of that name."""
        self.know(*told.get("labels", ()))
        key = self.maria.create(team, title, **told)
        self.clock.move(timedelta(seconds=1))
        return key

    def edit(self, key: str, **told: Any) -> None:
        """A person edits an issue."""
        self.know(*told.get("labels_add", ()))
        self.maria.edit(key, **told)
        self.clock.move(timedelta(seconds=1))

    def know(self, *labels: str) -> None:
        """People make a label before they put it on."""
        known = set(self.space.label_names().values())
        for label in labels:
            if label not in known and not label.startswith(OURS):
                self.space.label(label)

    # --- what is there

    def labels(self, key: str) -> list[str]:
        """All labels on an issue by their full names."""
        shown: list[str] = self.space.snapshot()[key]["labels"]
        return shown

    def marks(self, key: str) -> list[str]:
        """Labels in groups of our names, whoever put them."""
        return [label for label in self.labels(key) if label.startswith(OURS)]

    def comments(self, key: str) -> list[str]:
        """The texts of syncd's own comments on the issue."""
        return [c["body"] for c in self.space.snapshot()[key]["comments"] if c["by"] == "syncd"]

    def world(self) -> dict[str, Any]:
        """All that people see: issues with labels, comments and attachments, and the label catalogue."""
        issues = {
            key: {name: value for name, value in shown.items() if name != "updated"}
            for key, shown in self.space.snapshot().items()
        }
        return {"issues": issues, "labels": self.space.label_names()}

    def known(self, key: str) -> Known:
        with self.store() as store:
            (ref,) = store.find(key)[:1]
            return store.known([ref])[ref]

    def decided(self, key: str) -> tuple[str, str | None]:
        """(kind, outcome) as the store has it."""
        known = self.known(key)
        assert known.standing is not None, f"{key} was not decided"
        return known.standing.decision.pair

    def findings(self, kind: str | None = None) -> list[Finding]:
        """Open findings."""
        with self.store() as store:
            return [f for _, f in store.findings(TRACKER) if kind in (None, f.kind)]

    @contextmanager
    def store(self) -> Iterator[Store]:
        store = open_store(self.app.load().settings.store.url, create=False, clock_now=self.clock.now())
        try:
            yield store
        finally:
            store.close()


@contextmanager
def linear_staged(
    folder: Path, *, rules: str = RULES, strategy: str = STRATEGY, write: str = "label", **settings: Any
) -> Iterator[LinearStage]:
    """Serve a workspace of two teams, ENG and OPS, until the block ends; ENG is in scope. Marks have no grace."""
    clock = MovableClock()
    space = Workspace(clock.now)
    space.team("ENG", "Engineering")
    space.team("OPS", "Operations")
    with ExitStack() as stack:
        served = stack.enter_context(serve_linear(space))
        tracker = {
            "kind": "linear",
            "url": served.url,
            "auth": {"token": {"env": "LINEAR_TOKEN"}},
            "scope": {"teams": ["ENG"]},
            "write": write,
        }
        told = {
            "installation": "acme",
            "store": "sqlite:///syncd.db",
            "trackers": {TRACKER: tracker},
            "marks": {"grace": "0s"},
        }
        stage = LinearStage(space, clock, folder, told | settings)
        stack.enter_context(patch("connectors.linear.kind.KIND", LinearKind(sleep=stage.sleep)))
        stage.write(rules=rules, strategy=strategy)
        yield stage
    assert not space.crashes, space.crashes[0]
