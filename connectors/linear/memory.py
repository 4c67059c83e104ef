"""What the reader remembers from one cycle to the next, to see what changed without any issue changing. Pure.

A label's new name or group, a project's, a team's, bump no issue (facts/linear.md §6). So each cycle compares the
catalogues with short digests of what they were, and the issues concerned are read again, by filter.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Final

from connectors.linear.labels import Labels
from connectors.linear.nodes import Nodes
from syncd.core.model import Issue
from syncd.core.ports import MEMORY_AT_MOST

VERSION: Final = 1

Digests = Mapping[str, str]
"""Short id → digest."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What is otherwise than it was. `everything`: something is gone, and only the issues know who bore it."""

    labels: frozenset[str] = frozenset()
    projects: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    everything: bool = False


@dataclass(frozen=True, slots=True)
class Begun:
    """How far a first reading has come: newest changes first, so it goes on with what changed no later than `oldest`.

    Whatever changes meanwhile is newer than `began`, which is how far the whole reading will have read in the end.
    """

    began: datetime
    oldest: datetime
    asked: tuple[str, ...]
    """The teams, and what else is asked for: another reading does not go on with this one."""

    def told(self) -> Sequence[str]:
        """To keep."""
        return [self.began.isoformat(), self.oldest.isoformat(), *self.asked]

    @classmethod
    def of(cls, told: Sequence[str]) -> "Begun | None":
        """Back again."""
        if not told:
            return None
        began, oldest, *asked = told
        return cls(datetime.fromisoformat(began), datetime.fromisoformat(oldest), tuple(asked))


@dataclass(frozen=True, slots=True)
class Memory:
    """Digests of the catalogues as they were when the issues were mapped by them."""

    labels: Digests = field(default_factory=dict)
    projects: Digests = field(default_factory=dict)
    """Of projects' names alone: that is what issues show of them."""
    nodes: Digests = field(default_factory=dict)
    teams: Digests = field(default_factory=dict)
    """By key."""
    groups: tuple[str, ...] = ()
    """The label groups that are ours, by full id."""
    begun: Begun | None = None
    """A first reading that is not done. The digests are then those of its beginning: what differs from them in the end
    is read again, whichever part of the reading it fell into."""
    marks: tuple[str, ...] = ()
    """The marks whose labels we made: whatever they are called by now, their ids prove it."""

    @classmethod
    def of(cls, labels: Labels, nodes: Nodes, teams: Iterable[Mapping[str, Any]], before: "Memory | None") -> "Memory":
        """As the catalogues stand. What could not be understood stands as it did `before`, neither changed nor gone."""
        known = [n for n in nodes.by_id.values() if n.type == "project"]
        found = cls(
            labels=label_digests(labels, _alive(labels)) | {short(i): "" for i in labels.broken},
            projects={short(node.ref.id): digest(node.title) for node in known},
            nodes={short(node.ref.id): node_digest(node) for node in nodes.by_id.values()},
            teams={str(team.get("key")): digest(team.get("name"), team.get("visibility")) for team in teams},
            groups=tuple(sorted(labels.own_groups)),
        )
        kept = [short(bad.link.id) for bad in nodes.unreadable if bad.link is not None and bad.link.id]
        if before is None or not kept:
            return found
        projects = {i: before.projects[i] for i in kept if i in before.projects}
        return replace(found, projects={**projects, **found.projects})

    def with_labels(self, found: Digests) -> "Memory":
        """And labels that were made since."""
        return replace(self, labels={**found, **self.labels})

    def changes(self, now: "Memory", seen: Iterable[str]) -> Changes:
        """From this one to `now`. `seen` are the full ids in the present catalogues, to call what changed by."""
        labels, gone = _changed(self.labels, now.labels)
        projects, lost = _changed(self.projects, now.projects)
        projects |= now.projects.keys() - self.projects.keys()  # a new one may have been renamed while we walked
        teams = {key for key, value in now.teams.items() if self.teams.get(key, value) != value}
        ids = list(seen)
        return Changes(
            frozenset(i for i in ids if short(i) in labels),
            frozenset(i for i in ids if short(i) in projects),
            frozenset(teams),
            gone or lost,
        )

    def text(self) -> str:
        """To keep. Where it would be too long, what costs least to know again is left out first."""
        for kept in (self, replace(self, nodes={}), _summed(replace(self, nodes={}))):
            told = {part.name: getattr(kept, part.name) for part in fields(kept)}
            told["begun"] = () if kept.begun is None else kept.begun.told()
            text = json.dumps({"v": VERSION, **told}, separators=(",", ":"), sort_keys=True)
            if len(text) <= MEMORY_AT_MOST:
                return text
        return ""

    @classmethod
    def parse(cls, text: str) -> "Memory | None":
        """Back again; None: it is not ours, or of another version."""
        try:
            told = json.loads(text)
            if not isinstance(told, dict) or told.pop("v", None) != VERSION:
                return None
            groups, begun, marks = (_texts(told.pop(name)) for name in ("groups", "begun", "marks"))
            digests = {name: dict(value) for name, value in told.items()}
            return cls(**digests, groups=groups, begun=Begun.of(begun), marks=marks)
        except (ValueError, TypeError, KeyError, RecursionError):
            return None


def _texts(told: Sequence[Any]) -> tuple[str, ...]:
    return tuple(map(str, told))


def _alive(labels: Labels) -> Iterator[str]:
    """Labels that issues may bear. A deleted one stays in the catalogue as archived, and is off its issues."""
    return (label.id for label in labels.by_id.values() if not label.archived)


def label_digests(labels: Labels, ids: Iterable[str]) -> dict[str, str]:
    """What rules and plans see of each of those labels, as digests by short id."""
    return {short(i): digest(labels.texts.get(i), labels.marks.get(i)) for i in ids}


def node_digest(node: Issue) -> str:
    """All that a snapshot of it holds."""
    return digest(node)


def short(full_id: str) -> str:
    """Enough of a UUID to tell labels of one workspace apart: 48 bits."""
    return hashlib.blake2b(full_id.encode("utf-8", "replace"), digest_size=6).hexdigest()


def digest(*values: Any) -> str:
    """A short hash of what values say."""
    return hashlib.blake2b(repr(values).encode("utf-8", "replace"), digest_size=5).hexdigest()


def _changed(before: Digests, now: Digests) -> tuple[set[str], bool]:
    """(what is otherwise, whether something is gone). Summed up on either side, any difference may be anything."""
    if _ALL in before or _ALL in now:
        return set(), _sum(before) != _sum(now)
    return {i for i, value in now.items() if before.get(i, value) != value}, bool(before.keys() - now.keys())


_ALL: Final = "*"


def _sum(digests: Digests) -> Digests:
    return digests if _ALL in digests else {_ALL: digest(sorted(digests.items()))}


def _summed(memory: Memory) -> Memory:
    return replace(memory, labels=_sum(memory.labels), projects=_sum(memory.projects))
