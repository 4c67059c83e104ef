"""What changed between two versions of an issue, as the changelog tells it."""

from connectors.sandbox.registry import EPIC_LINK, Registry
from connectors.sandbox.values import ChangeItem, Issue, IssueLink


def _joined(values: tuple[str, ...]) -> str:
    return " ".join(values)


def _link(link: IssueLink | None) -> tuple[str | None, str | None]:
    return (str(link.id), link.key) if link else (None, None)


def items(registry: Registry, old: Issue, new: Issue) -> tuple[ChangeItem, ...]:
    """One item for each tracked field that differs. Labels hold the whole set as one string (facts §4)."""
    found: list[ChangeItem] = []
    if old.labels != new.labels:
        found.append(ChangeItem("labels", "labels", None, _joined(old.labels), None, _joined(new.labels)))
    if old.summary != new.summary:
        found.append(ChangeItem("summary", "summary", None, old.summary, None, new.summary))
    if old.description != new.description:
        found.append(ChangeItem("description", "description", None, None, None, None))
    if old.status_id != new.status_id:
        before, after = registry.statuses[old.status_id].name, registry.statuses[new.status_id].name
        found.append(ChangeItem("status", "status", old.status_id, before, new.status_id, after))
    if old.parent != new.parent:
        found.append(ChangeItem("IssueParentAssociation", "parent", *_link(old.parent), *_link(new.parent)))
    if old.epic_link != new.epic_link:
        found.append(ChangeItem("Epic Link", EPIC_LINK, *_link(old.epic_link), *_link(new.epic_link)))
    if old.type_id != new.type_id:
        before, after = registry.types[old.type_id].name, registry.types[new.type_id].name
        found.append(ChangeItem("issuetype", "issuetype", old.type_id, before, new.type_id, after))
    if old.key != new.key:
        found.append(ChangeItem("Key", "issuekey", None, old.key, None, new.key))
    found.extend(_named_changes(old, new))
    return tuple(found)


def _named_changes(old: Issue, new: Issue) -> list[ChangeItem]:
    before_assignee = old.assignee.display_name if old.assignee else None
    after_assignee = new.assignee.display_name if new.assignee else None
    pairs = (
        ("Component", "components", _joined(old.components), _joined(new.components)),
        ("Fix Version", "fixVersions", _joined(old.fix_versions), _joined(new.fix_versions)),
        ("priority", "priority", old.priority, new.priority),
        ("resolution", "resolution", old.resolution, new.resolution),
        ("assignee", "assignee", before_assignee, after_assignee),
    )
    return [ChangeItem(name, field, None, a, None, b) for name, field, a, b in pairs if a != b]
