"""What changes without any issue changing, read whole: labels, projects, initiatives, and which lie in which.

One request a stream each cycle, as long as a page holds it (facts/linear.md §6).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.linear.documents import INITIATIVES, LABELS, NODE_LABELS, PROJECTS
from connectors.linear.labels import Labels, Ours
from connectors.linear.memory import Digests, label_digests
from connectors.linear.nodes import Nodes, Raw
from connectors.linear.paging import whole
from connectors.linear.transport import Linear, NotOffered
from syncd.core.errors import Unreadable
from syncd.core.model import Issue, Link
from syncd.core.ports import MarkNames


@dataclass(slots=True)
class Catalogue:
    """One reading of it. Labels that issues turn out to bear and that it does not hold are looked for once more."""

    linear: Linear
    names: MarkNames
    ours: Ours
    labels: Labels
    nodes: Nodes
    unreadable: tuple[Unreadable, ...] = ()
    found_late: Digests = field(default_factory=dict)
    """Labels made after the first reading."""
    _left_behind: set[str] = field(default_factory=set)
    """Ids that issues bear and no catalogue has: of labels that were deleted."""

    @classmethod
    def read(cls, linear: Linear, names: MarkNames, ours: Ours) -> "Catalogue":
        """Four requests, and one for each page beyond the first."""
        labels = Labels.of(whole(linear, LABELS)["issueLabels"], names, ours)
        projects = whole(linear, PROJECTS)["projects"]
        try:
            told = whole(linear, NODE_LABELS)
        except NotOffered:
            told = whole(linear, NODE_LABELS, ("projectLabels",))
        try:
            above = whole(linear, INITIATIVES)
        except NotOffered:  # a plan without initiatives: no project lies in any
            above = {}
        project_labels = Labels.of(told["projectLabels"])
        initiative_labels = Labels.of(told.get("initiativeLabels", ()))
        raw = Raw(projects, above.get("initiatives", ()), above.get("initiativeToProjects", ()))
        nodes = Nodes.of(raw, linear.tracker, project_labels, initiative_labels)
        bad = tuple(
            Unreadable(what, tracker=linear.tracker)
            for catalogue in (labels, project_labels, initiative_labels)
            for what in (*catalogue.broken.values(), *catalogue.unread)
        )
        return cls(linear, names, ours, labels, nodes, (*bad, *nodes.unreadable))

    def know(self, ids: Iterable[Any]) -> None:
        """See that the labels of these ids are known, if they can be: one request where one is new."""
        strange = {i for i in ids if isinstance(i, str) and self.labels.unknown([i])} - self._left_behind
        if not strange:
            return
        before = self.labels
        self.labels = Labels.of(whole(self.linear, LABELS)["issueLabels"], self.names, self.known_ours())
        late = self.labels.by_id.keys() - before.by_id.keys()
        self.found_late = {**self.found_late, **label_digests(self.labels, late)}
        self._left_behind |= {i for i in strange if self.labels.unknown([i])}

    def known_ours(self) -> Ours:
        """What is known to be ours by now."""
        by, made = self.ours.installation, self.labels.made_by(self.ours.installation)
        return Ours(by, self.labels.own_groups, tuple(sorted({*self.ours.marks, *made})))

    def node(self, link: Link) -> Issue | None:
        """The project or initiative that a link points to, by id or by key."""
        if link.id is not None:
            return self.nodes.by_id.get(link.id)
        key = (link.key or "").casefold()
        return next((node for node in self.nodes.by_id.values() if node.key.casefold() == key), None)

    def ids(self) -> Sequence[str]:
        """The full ids of labels and nodes."""
        return [*self.labels.by_id, *self.nodes.by_id]
