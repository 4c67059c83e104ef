"""PUT /issue: a request body → the new values of an issue, or Jira's refusal of the whole edit."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import orjson

from connectors.sandbox import adf
from connectors.sandbox.answers import INVALID_PAYLOAD, JiraError
from connectors.sandbox.registry import EPIC_LINK
from connectors.sandbox.site import Site
from connectors.sandbox.values import Issue, IssueLink

LONGEST_LABEL = 255
LONGEST_SUMMARY = 255
LONGEST_PROPERTY = 32_768
LONGEST_PROPERTY_KEY = 255
LONGEST_TEXT = 32_767
NOT_ON_SCREEN = "Field '{}' cannot be set. It is not on the appropriate screen, or unknown."
NOT_ADF = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"

Operation = tuple[str, Any]


def new_values(site: Site, issue: Issue, body: dict[str, Any]) -> dict[str, Any]:
    """What the edit would make of the issue: attribute → value. Nothing is written.

    Raises:
        JiraError: 400; one bad field refuses all.
    """
    errors: dict[str, str] = {}
    values: dict[str, Any] = {}
    for name, operations in _operations(body).items():
        setter = _SETTERS.get(name)
        if setter is None or (name == "labels" and not site.shows_labels(issue)):
            errors[name] = NOT_ON_SCREEN.format(name)
            continue
        try:
            values |= setter(site, issue, operations)
        except ValueError as refused:
            errors[name] = str(refused)
    if errors:
        raise JiraError(400, errors=errors)
    if "properties" in body:
        values["properties"] = MappingProxyType({**issue.properties, **properties_of(body)})
    return values


def _operations(body: dict[str, Any]) -> dict[str, list[Operation]]:
    fields, update = body.get("fields") or {}, body.get("update") or {}
    if not isinstance(fields, dict) or not isinstance(update, dict):
        raise JiraError(400, body={"errorMessages": [INVALID_PAYLOAD]})
    both = sorted(fields.keys() & update.keys())
    if both:
        errors = {f: f"Field '{f}' cannot appear in both 'fields' and 'update'" for f in both}
        raise JiraError(400, errors=errors)
    found: dict[str, list[Operation]] = {name: [("set", value)] for name, value in fields.items()}
    for name, asked in update.items():
        if not isinstance(asked, list) or not all(isinstance(one, dict) and len(one) == 1 for one in asked):
            raise JiraError(400, body={"errorMessages": [INVALID_PAYLOAD]})
        found[name] = [next(iter(one.items())) for one in asked]
    return found


def properties_of(body: dict[str, Any]) -> dict[str, Any]:
    """`properties: [{key, value}]` as a mapping.

    Raises:
        JiraError: 400; not of that shape, or too long.
    """
    listed = body.get("properties") or []
    if not isinstance(listed, list) or not all(isinstance(p, dict) and isinstance(p.get("key"), str) for p in listed):
        raise JiraError(400, body={"errorMessages": [INVALID_PAYLOAD]})
    found = {one["key"]: one.get("value") for one in listed}
    for key, value in found.items():
        check_property(key, orjson.dumps(value))
    return found


def check_property(key: str, raw: bytes) -> None:
    """The limits of an entity property (facts §5).

    Raises:
        JiraError: 400.
    """
    if not key or len(key) > LONGEST_PROPERTY_KEY:
        raise JiraError(400, "The property key has to be between 1 and 255 characters long.")
    if len(raw.decode()) > LONGEST_PROPERTY:
        raise JiraError(400, "The property value cannot be longer than 32768 characters.")


def check_label(value: Any) -> str:
    """The label, if it may be one.

    Raises:
        ValueError: it may not; in Jira's words.
    """
    if not isinstance(value, str):
        raise ValueError("data was not an array")  # noqa: TRY004 (a refusal, gathered with the others)
    if any(character.isspace() for character in value):
        raise ValueError(f"The label '{value}' contains spaces which is invalid.")
    if not value or len(value) > LONGEST_LABEL:
        raise ValueError(f"The label '{value[:20]}...' exceeds the limit of 255 characters.")
    return value


def _labels(_: Site, issue: Issue, operations: list[Operation]) -> dict[str, Any]:
    held = list(issue.labels)
    for verb, value in operations:
        if verb == "set":
            if not isinstance(value, list):
                raise ValueError("data was not an array")
            held = list(dict.fromkeys(check_label(item) for item in value))
        elif verb == "add":
            held = list(dict.fromkeys([*held, check_label(value)]))
        elif verb == "remove":
            gone = check_label(value)
            held = [label for label in held if label != gone]
        else:
            raise ValueError(f"Operation '{verb}' is not supported for this field.")
    return {"labels": tuple(held)} if tuple(held) != issue.labels else {}


def _set_only(operations: list[Operation]) -> Any:
    if len(operations) != 1 or operations[0][0] != "set":
        raise ValueError("Only the operation 'set' is supported for this field.")
    return operations[0][1]


def _summary(_: Site, __: Issue, operations: list[Operation]) -> dict[str, Any]:
    value = _set_only(operations)
    if not isinstance(value, str) or not value.strip():
        raise ValueError("You must specify a summary of the issue.")
    if len(value) > LONGEST_SUMMARY or "\n" in value or "\r" in value:
        raise ValueError("The summary is invalid because it contains newline characters or is too long.")
    return {"summary": value}


def _description(_: Site, __: Issue, operations: list[Operation]) -> dict[str, Any]:
    value = _set_only(operations)
    if value is not None and not adf.valid(value):
        raise ValueError(NOT_ADF)
    return {"description": value}


def _priority(site: Site, _: Issue, operations: list[Operation]) -> dict[str, Any]:
    value = _set_only(operations)
    if value is None:
        return {"priority": None}
    asked = value.get("name") or value.get("id") if isinstance(value, dict) else None
    for name, number in site.registry.priorities.items():
        if asked in (name, number):
            return {"priority": name}
    raise ValueError("The priority selected is invalid.")


def _named(attribute: str) -> "Setter":
    def setter(_: Site, issue: Issue, operations: list[Operation]) -> dict[str, Any]:
        held: list[str] = list(getattr(issue, attribute))
        for verb, value in operations:
            values = value if verb == "set" else [value]
            if not isinstance(values, list) or not all(isinstance(v, dict) and "name" in v for v in values):
                raise ValueError("data was not an array of names")
            names = [str(v["name"]) for v in values]
            if verb == "remove":
                held = [name for name in held if name not in names]
            else:
                held = list(dict.fromkeys(names if verb == "set" else [*held, *names]))
        return {attribute: tuple(held)}

    return setter


def _parent(site: Site, issue: Issue, operations: list[Operation]) -> dict[str, Any]:
    value = _set_only(operations)
    if value is None:
        return {"parent": None, "epic_link": None}
    asked = str(value.get("key") or value.get("id") or "") if isinstance(value, dict) else ""
    found = site.resolve(asked)
    if found is None or not site.visible(site.live[found]):
        raise ValueError("Given parent work item does not exist or you do not have permission to view it.")
    above = site.live[found]
    kinds = site.registry.types
    if kinds[above.type_id].level != kinds[issue.type_id].level + 1:
        raise ValueError("Given parent work item does not belong to appropriate hierarchy.")
    link = IssueLink(above.id, above.key)
    return {"parent": link, "epic_link": link if kinds[above.type_id].level == 1 else None}


def _epic_link(site: Site, issue: Issue, operations: list[Operation]) -> dict[str, Any]:
    value = _set_only(operations)
    return _parent(site, issue, [("set", None if value is None else {"key": value})])


Setter = Callable[[Site, Issue, list[Operation]], dict[str, Any]]
_SETTERS: dict[str, Setter] = {
    "labels": _labels,
    "summary": _summary,
    "description": _description,
    "priority": _priority,
    "components": _named("components"),
    "fixVersions": _named("fix_versions"),
    "parent": _parent,
    EPIC_LINK: _epic_link,
}
