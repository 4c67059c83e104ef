"""What decisions may see of an issue. Marks are not in it: what syncd writes never reaches what syncd decides."""

from typing import Protocol

from syncd.core.model import Category, IssueRef, Link


class Seen(Protocol):
    """An issue as rules see it: an `Issue`, or a stored one that is parsed only as far as they look."""

    @property
    def ref(self) -> IssueRef:
        """What never changes."""
        ...

    @property
    def key(self) -> str:
        """Its key today."""
        ...

    @property
    def title(self) -> str:
        """Its title."""
        ...

    @property
    def type(self) -> str:
        """The name of its type."""
        ...

    @property
    def level(self) -> int:
        """Its level in the hierarchy, as `Issue` counts."""
        ...

    @property
    def status(self) -> str:
        """The name of its status."""
        ...

    @property
    def category(self) -> Category:
        """Where it stands."""
        ...

    @property
    def priority(self) -> str | None:
        """The name of its priority."""
        ...

    @property
    def project(self) -> str:
        """The key of its project."""
        ...

    @property
    def project_name(self) -> str:
        """The name of its project."""
        ...

    @property
    def team(self) -> tuple[str, ...]:
        """Its team by key and by name."""
        ...

    @property
    def components(self) -> tuple[str, ...]:
        """Names of components."""
        ...

    @property
    def fix_versions(self) -> tuple[str, ...]:
        """Names of versions."""
        ...

    @property
    def sprints(self) -> tuple[str, ...]:
        """Names of sprints, where asked for."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """People's labels."""
        ...

    @property
    def asked(self) -> frozenset[str]:
        """What was asked for beyond the common fields."""
        ...

    @property
    def parent(self) -> Link | None:
        """What it hangs on."""
        ...

    @property
    def within(self) -> tuple[Link, ...]:
        """What it lies in, all at one level."""
        ...

    def values_of(self, key: str) -> tuple[str, ...]:
        """The values of the custom field of that key."""
        ...


class Glance(Seen, Protocol):
    """A stored issue, with the marks on it for whoever reads people's words in them."""

    @property
    def marks(self) -> tuple[str, ...]:
        """Labels in syncd's namespaces, whoever put them there."""
        ...


def is_node(issue: Seen) -> bool:
    """Whether it is a project or an initiative of Linear's, and no issue."""
    return issue.level >= 1 and issue.type in ("project", "initiative")
