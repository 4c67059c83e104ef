"""What the site's issues refer to: projects, types, statuses, priorities, people."""

import hashlib

from connectors.sandbox.values import IssueType, Person, Project, Status

EPIC_LINK = "customfield_10014"

_TYPES = (
    IssueType("10000", "epic", "Epic", 1),
    IssueType("10001", "story", "Story", 0),
    IssueType("10002", "task", "Task", 0),
    IssueType("10003", "subtask", "Sub-task", -1),
    IssueType("10004", "bug", "Bug", 0),
    IssueType("10005", "improvement", "Improvement", 0),
    IssueType("10006", "feature", "New Feature", 0),
    IssueType("10010", "initiative", "Initiative", 2),
)
_STATUSES = (
    Status("1", "To Do", "new"),
    Status("3", "In Progress", "indeterminate"),
    Status("4", "Reopened", "new"),
    Status("5", "Done", "done"),
    Status("6", "Closed", "done"),
    Status("10001", "In Review", "indeterminate"),
)
_CATEGORIES = {"todo": "new", "open": "new", "in progress": "indeterminate"}
_ALIASES = {"sub-task": "subtask", "new feature": "feature"}
_CUSTOM_TYPES = "com.atlassian.jira.plugin.system.customfieldtypes"
PRIORITIES = {"Highest": "1", "High": "2", "Medium": "3", "Low": "4", "Lowest": "5"}


class Registry:
    """The site's directory. Adding is not locked: it happens while a world is built."""

    def __init__(self) -> None:
        self.projects: dict[str, Project] = {}
        self.types: dict[str, IssueType] = {kind.id: kind for kind in _TYPES}
        self.statuses: dict[str, Status] = {status.id: status for status in _STATUSES}
        self.priorities: dict[str, str] = dict(PRIORITIES)
        self.people: dict[str, Person] = {}
        self.components: dict[tuple[str, str], str] = {}
        self.versions: dict[tuple[str, str], str] = {}
        self.fields: list[tuple[str, str, str, str]] = []
        """Custom fields besides those that every site has: (id, name, type, Jira's own name of the type)."""

    def add_field(self, name: str, kind: str = "option", custom: str = "select") -> str:
        """Adds a custom field and returns its id. Several may have one name; `gh-sprint` is the type of sprints."""
        identity = f"customfield_{10200 + len(self.fields)}"
        owner = "com.pyxis.greenhopper.jira" if custom.startswith("gh-") else _CUSTOM_TYPES
        self.fields.append((identity, name, kind, f"{owner}:{custom}"))
        return identity

    def person(
        self,
        name: str,
        display_name: str | None = None,
        *,
        active: bool = True,
        account_type: str = "atlassian",
        email: str = "",
    ) -> Person:
        """The account called `name`, made on first use with an account id that depends on the name alone."""
        if name not in self.people:
            digest = hashlib.sha256(name.encode()).hexdigest()
            account_id = f"712020:{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"
            shown = display_name or name.replace(".", " ").title()
            self.people[name] = Person(account_id, name, shown, account_type, active, email)
        return self.people[name]

    def add_project(
        self,
        key: str,
        name: str,
        *,
        style: str = "classic",
        type_key: str = "software",
        absent: frozenset[str] = frozenset(),
        identity: str | None = None,
    ) -> Project:
        """Adds a project; a team-managed one gets types of its own, in another language than the rest."""
        project = Project(identity or str(10100 + len(self.projects)), key, name, style, type_key, absent)
        self.projects[key] = project
        if style == "next-gen":
            first = 20000 + 100 * len(self.projects)
            own = (("epic", "Épopée", 1), ("story", "Récit", 0), ("task", "Tâche", 0), ("bug", "Bogue", 0))
            for offset, (role, shown, level) in enumerate((*own, ("subtask", "Sous-tâche", -1))):
                self.types[str(first + offset)] = IssueType(str(first + offset), role, shown, level, key)
        return project

    def types_of(self, project: Project) -> list[IssueType]:
        """The types that issues of this project may have."""
        scope = project.key if project.style == "next-gen" else None
        return [kind for kind in self.types.values() if kind.project == scope]

    def type_named(self, project: Project, name: str) -> IssueType:
        """A type by its shown name, our role for it (any case), or its id.

        Raises:
            KeyError: the project has no such type.
        """
        folded = _ALIASES.get(name.casefold(), name.casefold())
        kinds = self.types_of(project)
        for kind in kinds:
            if folded in (kind.role, kind.name.casefold(), kind.id):
                return kind
        raise KeyError(f"project {project.key} has no issue type {name!r}")

    def status_named(self, name: str) -> Status:
        """A status by shown name, id, category key, or the English name of a category.

        Raises:
            KeyError: the site has no such status.
        """
        folded = name.casefold()
        category = _CATEGORIES.get(folded, folded)
        statuses = list(self.statuses.values())
        for status in statuses:
            if folded in (status.name.casefold(), status.id):
                return status
        for status in reversed(statuses) if category == "done" else statuses:
            if status.category == category:
                return status
        raise KeyError(f"the site has no status {name!r}")

    def component_id(self, project: str, name: str) -> str:
        """The id of a project's component, given out on first use."""
        return self.components.setdefault((project, name), str(10300 + len(self.components)))

    def version_id(self, project: str, name: str) -> str:
        """The id of a project's version, given out on first use."""
        return self.versions.setdefault((project, name), str(10800 + len(self.versions)))
