"""Label catalogues: from the ids that an issue or a project tells to what rules see, and to syncd's marks. Pure.

A label in a group counts under two texts, `Name` and `Group/Name` (DESIGN §4), so that a rule may use either. A label
in one of *our* groups is a mark and no label: `Outcome/reliability`. Ours is a group that bears the name of the
settings *and* says in its description that syncd made it; one that people made under that name holds people's labels.
What syncd made itself is known by its id as well, so that a new name, description or group takes nothing from it: to
be called otherwise is no removal of a mark.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.linear.ids import label_ids
from connectors.linear.shapes import WrongError, mapping, name, required
from connectors.linear.signs import group_names, made_for, mark_of, signer
from syncd.core.fold import fold
from syncd.core.ports import MarkNames


@dataclass(frozen=True, slots=True)
class Label:
    """One label or group as its catalogue tells it."""

    id: str
    name: str
    group: str | None = None
    """The id of the group it is in."""
    is_group: bool = False
    signed: str | None = None
    """The installation of syncd that made it, by its description; None: people did."""
    made_for: str | None = None
    """The mark that syncd made it for, by its description and its id."""
    archived: bool = False
    team: str | None = None
    """The key of the team it belongs to; None: the workspace."""


@dataclass(frozen=True, slots=True)
class Ours:
    """What this installation had made, or was given, when it last looked."""

    installation: str = ""
    groups: frozenset[str] = frozenset()
    """Ids."""
    marks: tuple[str, ...] = ()
    """Whose labels it had made."""


@dataclass(frozen=True, slots=True)
class Labels:
    """A catalogue, ready to be asked by id."""

    by_id: Mapping[str, Label] = field(default_factory=dict)
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What rules see of a people's label."""
    marks: Mapping[str, str] = field(default_factory=dict)
    """The labels that are marks."""
    broken: Mapping[str, str] = field(default_factory=dict)
    """Labels of which something could not be understood: what, by id."""
    unread: tuple[str, ...] = ()
    """What could not be understood, and not even which label it is."""
    own_groups: frozenset[str] = frozenset()
    """The groups whose labels are marks."""

    @classmethod
    def of(cls, raw: Iterable[tuple[str, Any]], names: MarkNames | None = None, ours: "Ours | None" = None) -> "Labels":
        """From the rows of a catalogue, each with its path.

        `names` are those of our groups; None: a catalogue in which syncd never writes. `ours`: what was ours when
        last seen, for somebody may have edited a name or a description since.
        """
        by_id: dict[str, Label] = {}
        broken: dict[str, str] = {}
        unread: list[str] = []
        for at, row in raw:
            try:
                label = _label(row, at)
            except WrongError as wrong:
                named = row.get("id") if isinstance(row, Mapping) else None
                if isinstance(named, str) and named:
                    broken[named] = str(wrong)
                else:
                    unread.append(str(wrong))
            else:
                by_id[label.id] = label
        ours = ours or Ours()
        own = {} if names is None else _own_groups(by_id.values(), names, ours)
        marks = {one.id: mark_of(one.name, own[one.group]) for one in by_id.values() if one.group in own}
        marks |= {} if names is None else _made(by_id.values(), names, ours)
        texts = {one.id: _texts(one, by_id) for one in by_id.values() if one.id not in marks and not one.is_group}
        return cls(by_id, texts, marks, broken, tuple(unread), frozenset(own))

    def unknown(self, ids: Iterable[Any]) -> bool:
        """Whether one of these ids is in this catalogue in no way: it was made after the catalogue was read."""
        return any(isinstance(i, str) and i not in self.by_id and i not in self.broken for i in ids)

    def read(self, ids: Sequence[Any], at: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(people's labels, marks), each sorted: the order of ids means nothing.

        An id that is in no catalogue is passed over: the label was deleted, and its id was left behind.

        Raises:
            WrongError: a label of which something could not be understood.
        """
        labels: set[str] = set()
        marks: set[str] = set()
        for i, label_id in enumerate(ids):
            if not isinstance(label_id, str):
                raise WrongError(f"{at}[{i}]", "is not the id of a label")
            if label_id in self.broken:
                raise WrongError(f"{at}[{i}]", f"is a label that cannot be read: {self.broken[label_id]}")
            labels.update(self.texts.get(label_id, ()))
            if label_id in self.marks:
                marks.add(self.marks[label_id])
        return tuple(sorted(labels)), tuple(sorted(marks))

    def made_by(self, installation: str) -> tuple[str, ...]:
        """The marks whose labels that installation made itself."""
        return tuple(sorted({mark for i, mark in self.marks.items() if i in label_ids(installation, mark)}))

    def name_of(self, label_id: str) -> str | None:
        """The one name to call it by: a mark, `Group/Name`, or the name; None: not in the catalogue."""
        return self.marks.get(label_id) or next(reversed(self.texts.get(label_id, ())), None)


def _label(row: Any, at: str) -> Label:
    told = mapping(row, at)
    parent, team = told.get("parent"), told.get("team")
    return Label(
        id=name(told.get("id"), f"{at}.id"),
        name=name(told.get("name"), f"{at}.name").strip(),
        group=None if parent is None else required(mapping(parent, f"{at}.parent").get("id"), f"{at}.parent.id"),
        is_group=told.get("isGroup") is True,
        signed=signer(told.get("description")),
        made_for=made_for(str(told.get("id")), told.get("description")),
        archived=told.get("archivedAt") is not None,
        team=None if team is None else name(mapping(team, f"{at}.team").get("key"), f"{at}.team.key"),
    )


def _own_groups(labels: Iterable[Label], names: MarkNames, ours: Ours) -> dict[str, str]:
    """Id → name as in the settings, for the groups that are ours."""
    wanted = {fold(group): group for group in group_names(names)}
    found: dict[str, str] = {}
    for one in labels:
        makers = {ours.installation, one.signed} - {None, ""}
        made = [group for group in wanted.values() for by in makers if one.id in label_ids(str(by), group)]
        if made:
            found[one.id] = made[0]
        elif fold(one.name) in wanted and (one.signed is not None or one.id in ours.groups):
            found[one.id] = wanted[fold(one.name)]
    return found


def _made(labels: Iterable[Label], names: MarkNames, ours: Ours) -> dict[str, str]:
    """Id → mark, for the labels that syncd made, by whatever name and in whatever group they are now."""
    remembered = {i: mark for mark in ours.marks for i in label_ids(ours.installation, mark)}
    told = ((one, one.made_for or remembered.get(one.id)) for one in labels if not one.is_group)
    spelt = ((one, None if mark is None else _as_set(mark, names)) for one, mark in told)
    return {one.id: mark for one, mark in spelt if mark is not None}


def _as_set(mark: str, names: MarkNames) -> str | None:
    """A mark with its group as the settings spell it; None: they name no such group."""
    for group in group_names(names):
        if fold(mark).startswith(f"{fold(group)}/"):
            return f"{group}{mark[len(group) :]}"
    return None


def _texts(label: Label, by_id: Mapping[str, Label]) -> tuple[str, ...]:
    group = by_id.get(label.group) if label.group is not None else None
    return (label.name,) if group is None else (label.name, f"{group.name}/{label.name}")
