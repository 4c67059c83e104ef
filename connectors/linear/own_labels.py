"""syncd's label groups in a Linear workspace: found, made when first needed, restored, and taken away when unused.

A label or group is ours by its id, which is drawn from what it is, or by `syncd <installation>` in its description;
never by its name (DESIGN §5). A group of our name that is not ours is not adopted: then nothing is written at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from connectors.linear.documents import BORNE, LABEL_CREATE, LABEL_DELETE, LABEL_RESTORE, OUR_LABELS
from connectors.linear.ids import CONFLICT, LIVES, label_ids, own_id
from connectors.linear.signs import (
    group_names,
    label_note,
    label_sign,
    made_for,
    mark_of,
    signer,
    spare_name,
)
from connectors.linear.transport import Linear, Refusal
from syncd.core.errors import Denied, Gone, InDoubt, Unavailable, Unreadable
from syncd.core.fold import fold
from syncd.core.ports import MarkNames

MOST_PAGES: Final = 100


@dataclass(frozen=True, slots=True)
class Label:
    """A label of the workspace, as far as we need to know it."""

    id: str
    name: str
    signer: str | None
    made_for: str | None
    """The mark that syncd made it for, whatever it is called by now."""
    group: bool
    parent: str | None
    retired: bool
    deleted: bool = False


class OurLabels:
    """The labels that marks are in one workspace, for one installation. Reads the catalogue once, when first asked."""

    def __init__(self, linear: Linear, names: MarkNames, installation: str) -> None:
        self._linear = linear
        self._groups = group_names(names)
        self._installation = installation
        self._known: dict[str, Label] | None = None
        self._spent: set[str] = set()

    def forget(self) -> None:
        """The catalogue is not what it was: read it again when next asked."""
        self._known = None

    def known(self, mark: str) -> str | None:
        """The id of that mark's label; None: there is none of ours."""
        label = self._label(mark)
        return None if label is None else label.id

    def wanted(self, mark: str) -> str:
        """The id of that mark's label, ready to be put on an issue: made or restored where need be.

        Raises:
            Denied: labels may not be made, the name is taken, or the group is somebody else's.
            Unavailable: not now; what a lost answer left is found the next time.
        """
        self.check()
        label = self._label(mark)
        if label is not None:
            return self._restored(label)
        group, child = self._taken_apart(mark)
        parent = self._wanted_group(group)
        try:
            return self._made(mark, child, parent)
        except Refusal:
            spare = spare_name(child, group)
        try:
            return self._made(mark, spare, parent)
        except Refusal as refused:
            need = f'a free name for a label: Linear refuses both "{child}" and "{spare}" in the group {group}'
            raise Denied(str(refused), need=need, tracker=self._linear.tracker) from refused

    def rivals(self, labels: Sequence[str]) -> set[str]:
        """The labels beside these in their groups: an issue bears one of a group, and a second is refused."""
        groups = {self._all()[label].parent for label in labels if label in self._all()} - {None}
        return {label.id for label in self._all().values() if label.parent in groups} - {*labels}

    def check(self) -> None:
        """Raise `Denied` where a group of our name is somebody else's: then nothing is written to this tracker."""
        for group in self._groups:
            for label in self._all().values():
                if label.group and fold(label.name) == fold(group) and not self._is_ours(label, group):
                    raise self._not_adopted(group)

    def sweep(self) -> tuple[str, ...]:
        """Delete those of our labels that no issue bears, and our groups that hold nothing then; their names."""
        self.forget()
        rows = self._all()
        ours = [label for label in rows.values() if self._is_made(label)]
        gone = [label for label in ours if not label.group and not self._borne(label)]
        for label in gone:
            self._delete(label)
        left = {label.parent for label in rows.values() if label not in gone}
        empty = [label for label in ours if label.group and label.id not in left]
        for label in empty:
            self._delete(label)
        self.forget()
        return tuple(sorted(label.name for label in (*gone, *empty)))

    # --- the catalogue ---

    def _all(self) -> dict[str, Label]:
        if self._known is None:
            rows = self._read()
            self._spent = {label.id for label in rows if label.deleted}
            self._known = {label.id: label for label in rows if not label.deleted}
        return self._known

    def _read(self) -> list[Label]:
        found, after = list[Label](), None
        for _ in range(MOST_PAGES):
            page = self._linear.ask(OUR_LABELS, {"after": after}).data["issueLabels"]
            nodes, info = page.get("nodes"), page.get("pageInfo")
            if not isinstance(nodes, list) or not isinstance(info, Mapping):
                raise self._unreadable("no list of labels")
            found += [label for node in nodes if (label := _label_of(node)) is not None]
            if info.get("hasNextPage") is not True:
                return found
            after = info.get("endCursor")
            if not after:
                raise self._unreadable("more labels, and no cursor")
        raise self._unreadable("labels without end")

    def _unreadable(self, what: str) -> Unreadable:
        return Unreadable(f"{self._linear.tracker}: OurLabels answered {what}", tracker=self._linear.tracker)

    def _label(self, mark: str) -> Label | None:
        ids = self._ids(mark)
        for label in self._all().values():
            named = label.signer == self._installation and fold(self._name_of(label)) == fold(mark)
            if not label.group and (label.id in ids or named):
                return label
        return None

    def _taken_apart(self, mark: str) -> tuple[str, str]:
        for group in self._groups:
            if fold(mark).startswith(f"{fold(group)}/"):
                return group, mark[len(group) + 1 :]
        raise ValueError(f"{mark!r} lies in none of the groups {self._groups}")

    def _is_ours(self, label: Label, what: str) -> bool:
        """`what`: the mark that a label stands for, or the name of a group."""
        return label.signer == self._installation or label.id in self._ids(what)

    def _is_made(self, label: Label) -> bool:
        """Whether syncd made it itself: not by hand, for syncd to use."""
        told = (label.made_for is not None and label.signer == self._installation) or self._made_group(label)
        return bool(told) or label.id in self._ids(self._name_of(label))

    def _ids(self, what: str) -> frozenset[str]:
        return label_ids(self._installation, what)

    def _made_group(self, label: Label) -> str | None:
        """The name in the settings of a group that syncd made, whatever it is called by now."""
        return next((group for group in self._groups if label.id in self._ids(group)), None)

    def _name_of(self, label: Label) -> str:
        if label.made_for is not None:
            return label.made_for
        above = None if self._known is None or label.parent is None else self._known.get(label.parent)
        return label.name if above is None else mark_of(label.name, self._made_group(above) or above.name)

    def _not_adopted(self, group: str) -> Denied:
        message = (
            f'{self._linear.tracker}: the workspace has a label group "{group}" that syncd {self._installation} did '
            f"not make; it is not adopted, and nothing is written to this tracker"
        )
        need = (
            f"other names under marks.groups in syncd.yaml, or the words `{label_sign(self._installation)}` at the "
            f'beginning of the description of the group "{group}", to give it to syncd'
        )
        return Denied(message, need=need, tracker=self._linear.tracker)

    # --- making and taking away ---

    def _wanted_group(self, group: str) -> str:
        made = (label for label in self._all().values() if label.id in self._ids(group))
        named = (label for label in self._all().values() if label.group and fold(label.name) == fold(group))
        for label in (*made, *named):
            return self._restored(label)
        try:
            return self._made(group, group, None)
        except Refusal as refused:
            raise self._not_adopted(group) from refused

    def _made(self, what: str, name: str, parent: str | None) -> str:
        """A new label or group. Raises `Refusal` where Linear does not take it, which is mostly about its name."""
        group_note = f"{label_sign(self._installation)}: what syncd says of issues"
        said = label_note(self._installation, what) if parent else group_note
        told: dict[str, Any] = {"name": name, "description": said, "isGroup": parent is None}
        for n in range(LIVES):
            identity = own_id("label", self._installation, what, str(n))
            if identity in self._all() or identity in self._spent:
                continue
            try:
                self._send(LABEL_CREATE, {"input": {**told, "id": identity, "parentId": parent}})
            except Refusal as refused:
                if not any(fault.message.startswith(CONFLICT) for fault in refused.faults):
                    raise
                self.forget()  # made by an earlier try whose answer was lost, or by another process of ours
                if identity in self._all():
                    return identity
                continue  # it was, and is no more: its id is spent
            except Gone as gone:
                raise self._not_now(gone) from gone  # its group went meanwhile
            self._all()[identity] = Label(
                identity, name, self._installation, what if parent else None, parent is None, parent, retired=False
            )
            return identity
        message = f"{self._linear.tracker}: the label {name} was made and deleted {LIVES} times"
        raise Denied(message, need=f"an end to deleting the label {name}", tracker=self._linear.tracker)

    def _restored(self, label: Label) -> str:
        if label.retired:
            try:
                self._send(LABEL_RESTORE, {"id": label.id})
            except Gone as gone:
                raise self._not_now(gone) from gone
            self.forget()
        return label.id

    def _delete(self, label: Label) -> None:
        try:
            self._send(LABEL_DELETE, {"id": label.id})
        except Gone:
            return

    def _borne(self, label: Label) -> bool:
        return bool(self._linear.ask(BORNE, {"label": label.id}).data["issues"].get("nodes"))

    def _send(self, document: Any, variables: Mapping[str, Any]) -> None:
        """A write to the catalogue. A lost answer is no doubt about any issue: the catalogue tells the next time."""
        try:
            self._linear.send(document, variables)
        except InDoubt as doubt:
            raise self._not_now(doubt) from doubt
        except Denied as denied:
            sign = label_sign(self._installation)
            need = (
                "the right to manage the workspace's labels (Linear: Settings, Labels; an app may lack it), or the "
                f"labels made by hand, each with the description `{sign}`"
            )
            raise Denied(str(denied), need=need, tracker=denied.tracker) from denied

    def _not_now(self, error: Exception) -> Unavailable:
        self.forget()
        return Unavailable(f"{error} (labels are looked up the next time)", tracker=self._linear.tracker)


def _label_of(node: Any) -> Label | None:
    """A label as it was answered; one without an id or a name cannot be ours."""
    if not isinstance(node, Mapping) or not isinstance(node.get("id"), str) or not isinstance(node.get("name"), str):
        return None
    parent = node.get("parent")
    return Label(
        id=node["id"],
        name=node["name"],
        signer=signer(node.get("description")),
        made_for=made_for(node["id"], node.get("description")),
        group=node.get("isGroup") is True,
        parent=parent.get("id") if isinstance(parent, Mapping) else None,
        retired=node.get("retiredAt") is not None,
        deleted=node.get("archivedAt") is not None,
    )
