"""Small worlds shaped as Linear's: parents, projects, initiatives in initiatives, some of which cannot be read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from support_random_cases import dressed
from support_values import issue

from syncd.core.model import Issue, Link
from syncd.core.ports import Store
from syncd.engine.lineage import Ancestry


def node(key: str, level: int, *within: str, **changes: Any) -> Issue:
    """A project (level 1) or an initiative."""
    kind = "project" if level == 1 else "initiative"
    links = tuple(link(one) for one in within)
    return issue(key, type=kind, level=level, title=f"{kind} {key}", within=links, **changes)


def project(key: str, *within: str, **changes: Any) -> Issue:
    return node(key, 1, *within, **changes)


def initiative(key: str, *within: str, **changes: Any) -> Issue:
    return node(key, 2, *within, **changes)


def link(key: str) -> Link:
    return Link(f"id-{key}", key)


@dataclass
class Snapshots:
    """What an `Ancestry` asks of a store."""

    world: Mapping[str, Issue]
    lost: Sequence[Link] = ()

    def by_link(self, _tracker: str, links: Sequence[Link]) -> Mapping[Link, Issue]:
        return {one: self.world[one.id] for one in links if one.id is not None and one.id in self.world}

    def missing(self, _tracker: str) -> Sequence[Link]:
        return self.lost


def ancestry(*issues: Issue) -> Ancestry:
    """Over a store that knows these."""
    store: Any = Snapshots({one.ref.id: one for one in issues})
    known: Store = store
    return Ancestry(known, "acme-linear")


def random_tree(random: Random) -> list[Issue]:
    """Issues, projects and initiatives; what hangs on something hangs on an earlier one, so that there are no circles.

    One in eight is not in the list: it cannot be read.
    """
    tops = [initiative(f"I-{n}", *_some(random, [f"I-{m}" for m in range(n)], 2)) for n in range(5)]
    projects = [project(f"P-{n}", *_some(random, [top.key for top in tops], 2)) for n in range(4)]
    issues: list[Issue] = []
    for n in range(9):
        parent = random.choice(issues) if issues and random.random() < 0.6 else None
        within = [random.choice(projects).key] if random.random() < 0.5 else []
        level = 0 if parent is None else -1
        up = None if parent is None else link(parent.key)
        issues.append(issue(f"ENG-{n}", level=level, parent=up, within=tuple(map(link, within))))
    return [dressed_alike(random, one) for one in (*tops, *projects, *issues) if random.random() > 0.12]


def dressed_alike(random: Random, one: Issue) -> Issue:
    """With values that rules meet often, and of the kind it was."""
    return replace(dressed(random, one), type=one.type)


def _some(random: Random, keys: Sequence[str], most: int) -> list[str]:
    return sorted(random.sample(keys, k=min(len(keys), random.randint(0, most))))
