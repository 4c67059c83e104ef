"""The two served trackers as people, automations and copies play on them in stories (test_people_and_syncd)."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from support_linear_stage import LinearStage, linear_staged
from support_stage import Stage, is_mark, staged

from connectors.sandbox.linear import LinearExchange, Member
from syncd.core.ports import Known, Store
from syncd.engine.work import CycleResult

ROBOT: Final = "robot"
Written = Sequence[tuple[str, str]]
"""(key, delta of labels) of each write that was sent, in order."""


class Ground(ABC):
    """A served tracker with one project in scope, and syncd over it."""

    hand_set: Sequence[str]
    """Marks that somebody may put on with their own hands."""
    lags: bool
    """Whether a search index lies between a write and a read."""

    @abstractmethod
    def create(self, label: str, *, epic: bool) -> str:
        """A person creates an issue; its key."""

    @abstractmethod
    def toggle(self, key: str, label: str, *, on: bool) -> None:
        """A person puts a label of theirs on, or takes it off."""

    @abstractmethod
    def put_on(self, key: str, mark: str, by: str) -> frozenset[str] | None:
        """Somebody puts a mark on; what went with that. None: it cannot be had."""

    @abstractmethod
    def take_off(self, key: str, by: str) -> None:
        """Somebody takes every mark off."""

    @abstractmethod
    def copy(self, key: str, by: str, *, tied: bool) -> tuple[str, bool]:
        """Somebody makes a copy with all labels; its key, and whether the tracker tells where it comes from."""

    @abstractmethod
    def hang_below(self, child: str, parent: str | None) -> None:
        """A person hangs one issue below another; None: below none."""

    @abstractmethod
    def lag(self, minutes: int) -> None:
        """Let the index lag behind."""

    @abstractmethod
    def later(self, minutes: int) -> tuple[CycleResult, Written]:
        """A cycle, that much later."""

    @abstractmethod
    def below(self, key: str) -> frozenset[str]:
        """The keys of the issue and of all that hangs below it."""

    @abstractmethod
    def marks(self, key: str) -> frozenset[str]:
        """Labels in syncd's namespaces, whoever put them."""

    @abstractmethod
    def people(self, key: str) -> frozenset[str]:
        """People's labels."""

    @abstractmethod
    def snapshot(self) -> Any:
        """All there is."""

    @abstractmethod
    def known(self, key: str) -> Known:
        """What the store has of it."""

    @abstractmethod
    def store(self) -> AbstractContextManager[Store]:
        """The store itself."""


class OnJira(Ground):
    """Clones and splits are linked; marks are plain labels, as many as people like."""

    hand_set = ("outcome/cost", "outcome/reliability", "Outcome/Cost", "outcome/nonsense", "alignment/unmapped")
    lags = True

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        stage.site.registry.person(ROBOT, "Automation for Jira", account_type="app")
        stage.once()

    def create(self, label: str, *, epic: bool) -> str:
        return self.stage.create(labels=[label], type="Epic" if epic else "Story")

    def toggle(self, key: str, label: str, *, on: bool) -> None:
        change: dict[str, Any] = {"labels_add" if on else "labels_remove": [label]}
        self.stage.edit(key, **change)

    def put_on(self, key: str, mark: str, by: str) -> frozenset[str] | None:
        self.stage.edit(key, by=by, labels_add=[mark])
        return frozenset()

    def take_off(self, key: str, by: str) -> None:
        self.stage.edit(key, by=by, labels_remove=sorted(self.marks(key)))

    def copy(self, key: str, by: str, *, tied: bool) -> tuple[str, bool]:
        self.stage.tick()
        person = self.stage.site.person(by)
        made = person.split(key) if tied else person.clone(key)
        self.stage.tick()
        return made, True

    def hang_below(self, child: str, parent: str | None) -> None:
        self.stage.edit(child, parent=parent)

    def lag(self, minutes: int) -> None:
        self.stage.site.index_lag = timedelta(minutes=minutes)

    def later(self, minutes: int) -> tuple[CycleResult, Written]:
        with self.stage.watched() as traffic:
            result = self.stage.later(minutes=minutes)
        written = []
        for exchange in traffic.of("PUT", r"issue/\d+"):
            key = self.stage.site.issue(exchange.path.rpartition("/")[2]).key
            written.append((key, json.dumps(json.loads(exchange.request_body)["update"])))
        return result, written

    def below(self, key: str) -> frozenset[str]:
        site = self.stage.site
        found, level = set[int](), [site.issue(key).id]
        while level:
            found.update(level)
            level = [child for one in level for child in site.children.get(one, ()) if child not in found]
        return frozenset(site.live[one].key for one in found)

    def marks(self, key: str) -> frozenset[str]:
        return frozenset(self.stage.marks(key))

    def people(self, key: str) -> frozenset[str]:
        return frozenset(label for label in self.stage.site.issue(key).labels if not is_mark(label))

    def snapshot(self) -> Any:
        return self.stage.site.snapshot()

    def known(self, key: str) -> Known:
        return self.stage.known(key)

    def store(self) -> AbstractContextManager[Store]:
        return self.stage.store()


class OnLinear(Ground):
    """Marks lie in groups of which an issue bears one label each; a copy is tied to its original only as a child."""

    hand_set = ("Outcome/cost", "Outcome/reliability", "Outcome/nonsense", "Alignment/unmapped", "Alignment/conflict")
    lags = False

    def __init__(self, stage: LinearStage) -> None:
        self.stage = stage
        self.space = stage.space
        stage.once()

    def _who(self, name: str) -> Member:
        return self.space.automation(ROBOT) if name == ROBOT else self.space.member(name)

    def _tick(self) -> None:
        self.stage.clock.move(timedelta(seconds=1))

    def _edit(self, key: str, by: str, **told: Any) -> None:
        self._tick()
        self._who(by).edit(key, **told)
        self._tick()

    def create(self, label: str, *, epic: bool) -> str:
        return self.stage.create(labels=[label])

    def toggle(self, key: str, label: str, *, on: bool) -> None:
        self.stage.know(label)
        self._edit(key, "maria", **{"labels_add" if on else "labels_remove": [label]})

    def put_on(self, key: str, mark: str, by: str) -> frozenset[str] | None:
        known = set(self.space.label_names().values())
        group, _, name = mark.partition("/")
        if mark not in known and name == "nonsense" and group in known:
            self.space.label(name, group=group)
        elif mark not in known:
            return None
        others = frozenset(one for one in self.marks(key) if one.startswith(f"{group}/") and one != mark)
        self._edit(key, by, labels_add=[mark], labels_remove=sorted(others))
        return others

    def take_off(self, key: str, by: str) -> None:
        self._edit(key, by, labels_remove=sorted(self.marks(key)))

    def copy(self, key: str, by: str, *, tied: bool) -> tuple[str, bool]:
        self._tick()
        labels = self.stage.labels(key)
        made = self._who(by).create("ENG", "A copy", labels=labels, parent=key if tied else None)
        self._tick()
        return made, tied

    def hang_below(self, child: str, parent: str | None) -> None:
        if parent is None or parent not in self.below(child):  # Linear refuses circles
            self._edit(child, "maria", parent=parent)

    def lag(self, minutes: int) -> None:
        assert not minutes

    def later(self, minutes: int) -> tuple[CycleResult, Written]:
        seen: list[LinearExchange] = []
        self.space.on_exchange = seen.append
        result = self.stage.later(minutes=minutes)
        self.space.on_exchange = None
        keys = {issue.id: issue.identifier for issue in self.space.issues}
        written = []
        for exchange in seen:
            told = exchange.variables
            if exchange.operation.startswith("Mark") and exchange.operation[4:5].isdigit():
                delta = json.dumps(told["input"], sort_keys=True)
                written += [(keys[one], delta) for one in told.get("ids", [told.get("id")])]
        return result, written

    def below(self, key: str) -> frozenset[str]:
        found, level = set[str](), {key}
        while level:
            found |= level
            parents = ((issue.identifier, issue.parent) for issue in self.space.issues)
            level = {one for one, parent in parents if parent is not None and parent.identifier in level} - found
        return frozenset(found)

    def marks(self, key: str) -> frozenset[str]:
        return frozenset(self.stage.marks(key))

    def people(self, key: str) -> frozenset[str]:
        return frozenset(self.stage.labels(key)) - self.marks(key)

    def snapshot(self) -> Any:
        return self.space.snapshot()

    def known(self, key: str) -> Known:
        return self.stage.known(key)

    def store(self) -> AbstractContextManager[Store]:
        return self.stage.store()


@contextmanager
def on_jira(folder: Path) -> Iterator[Ground]:
    """A served Jira, empty."""
    with staged(folder, checked=False) as stage:
        yield OnJira(stage)


@contextmanager
def on_linear(folder: Path) -> Iterator[Ground]:
    """A served Linear, empty."""
    with linear_staged(folder, commands={"allow": "off"}) as stage:
        yield OnLinear(stage)
