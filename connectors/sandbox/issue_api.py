"""/issue and what hangs on it, without comments; /changelog/bulkfetch. Always fresh, never the index."""

import base64
from typing import Any

import orjson

from connectors.sandbox.answers import INVALID_PAYLOAD, Answer, Call, JiraError, strings
from connectors.sandbox.edits import check_property, new_values
from connectors.sandbox.shapes import SELF
from connectors.sandbox.site import Site
from connectors.sandbox.values import History, Issue, words

MOST_FETCHED = 100
MOST_CHANGELOGS = 1000
NOT_FOUND = "Issue does not exist or you do not have permission to see it."
SILENCE_REFUSED = "To discard the user notification either admin or project admin permissions are required."
EDIT_REFUSED = "You do not have permission to edit issues in this project."
PROPERTIES_REFUSED = "You do not have permission to set properties of issues in this project."
FETCH_KEYS = words("expand fields fieldsByKeys issueIdsOrKeys properties")
CHANGELOG_KEYS = words("fieldIds issueIdsOrKeys maxResults nextPageToken")
NO_CONTENT = Answer(204, None)


def the_issue(site: Site, call: Call) -> Issue:
    """The issue the path names, by id, key or former key.

    Raises:
        JiraError: 404; deleted, never there or not visible, which nobody can tell apart.
    """
    found = site.resolve(call.path["issueIdOrKey"])
    if found is None or call.actor is None or not site.visible(site.live[found]):
        raise JiraError(404, NOT_FOUND)
    return site.live[found]


def the_editable_issue(site: Site, call: Call) -> Issue:
    """As `the_issue`, for somebody who may edit it.

    Raises:
        JiraError: 401, 403 or 404.
    """
    call.required_actor()
    issue = the_issue(site, call)
    if not site.permissions.may_edit[issue.project]:
        raise JiraError(403, EDIT_REFUSED)
    return issue


def get_issue(site: Site, call: Call) -> Answer:
    """GET /issue/{issueIdOrKey}; a moved issue answers under its new key, without a redirect."""
    issue = the_issue(site, call)
    wanted = site.shapes.wanted(call.listed("fields"), "*all")
    return Answer(200, site.shapes.row(issue, wanted, _properties(call, issue), site.view()))


def _properties(call: Call, issue: Issue) -> list[str]:
    asked = call.listed("properties") or []
    return list(issue.properties) if "*all" in asked else asked


def bulkfetch(site: Site, call: Call) -> Answer:
    """POST /issue/bulkfetch: ascending ids; missing and invisible issues are left out without a word."""
    body = call.body(FETCH_KEYS)
    asked = strings(body, "issueIdsOrKeys") or []
    if not 1 <= len(asked) <= MOST_FETCHED:
        raise JiraError(400, f"Between 1 and {MOST_FETCHED} issue ids or keys may be asked for.")
    wanted = site.shapes.wanted(strings(body, "fields"), "*navigable")
    view = site.view()
    found = {resolved for name in asked if (resolved := site.resolve(name)) is not None}
    issues = [site.live[i] for i in sorted(found) if call.actor and site.visible(site.live[i])]
    rows = [site.shapes.row(issue, wanted, strings(body, "properties") or [], view) for issue in issues]
    return Answer(200, b'{"issues":[' + b",".join(rows) + b'],"issueErrors":[]}')


def put_issue(site: Site, call: Call) -> Answer:
    """PUT /issue/{issueIdOrKey}: all of the edit or nothing of it."""
    actor = call.required_actor()
    issue = the_editable_issue(site, call)
    silent = not call.flag("notifyUsers", default=True)
    if silent and not site.permissions.may_silence[issue.project]:
        raise JiraError(403, SILENCE_REFUSED)
    values = new_values(site, issue, call.body())
    if "properties" in values and not site.permissions.may_set_properties[issue.project]:
        raise JiraError(403, PROPERTIES_REFUSED)
    if issue.key in site.quirks.deaf:
        return NO_CONTENT
    touched = any(getattr(issue, name) != value for name, value in values.items() if name != "properties")
    only_properties = values.keys() == {"properties"}
    bump = site.quirks.property_bumps if only_properties else site.quirks.noop_edit_bumps
    if touched or bump or only_properties or "properties" in values:
        issue = site.commit(actor, issue, values, bump=bump)
    if touched and not silent:
        site.notify(actor, issue, "edited")
    if call.flag("returnIssue", default=False):
        return Answer(200, site.shapes.row(issue, site.shapes.wanted(None, "*all"), [], site.view()))
    return NO_CONTENT


def property_keys(site: Site, call: Call) -> Answer:
    """GET /issue/{issueIdOrKey}/properties."""
    issue = the_issue(site, call)
    return Answer.of({"keys": [_property_ref(issue, key) for key in issue.properties]})


def _property_ref(issue: Issue, key: str) -> dict[str, str]:
    return {"self": f"{SELF}/issue/{issue.id}/properties/{key}", "key": key}


def get_property(site: Site, call: Call) -> Answer:
    """GET /issue/{issueIdOrKey}/properties/{propertyKey}."""
    issue, key = the_issue(site, call), call.path["propertyKey"]
    if key not in issue.properties:
        raise JiraError(404, f"The property with key '{key}' does not exist.")
    return Answer.of({"key": key, "value": issue.properties[key]})


def put_property(site: Site, call: Call) -> Answer:
    """PUT /issue/{issueIdOrKey}/properties/{propertyKey}: no mail, no changelog."""
    issue, key = the_editable_issue(site, call), call.path["propertyKey"]
    value = call.value()
    check_property(key, call.raw)
    known = key in issue.properties
    site.set_property(issue, key, value)
    return Answer.of({}, 200 if known else 201)


def delete_property(site: Site, call: Call) -> Answer:
    """DELETE /issue/{issueIdOrKey}/properties/{propertyKey}."""
    issue, key = the_editable_issue(site, call), call.path["propertyKey"]
    if key not in issue.properties:
        raise JiraError(404, f"The property with key '{key}' does not exist.")
    site.set_property(issue, key, ...)
    return NO_CONTENT


def changelog_bulkfetch(site: Site, call: Call) -> Answer:
    """POST /changelog/bulkfetch: oldest entries first, smallest id first, `maxResults` entries a page."""
    body = call.body(CHANGELOG_KEYS)
    asked = strings(body, "issueIdsOrKeys") or []
    fields = strings(body, "fieldIds")
    limit = body.get("maxResults", 1000)
    if not 1 <= len(asked) <= MOST_CHANGELOGS or not isinstance(limit, int) or not 1 <= limit <= 10_000:  # noqa: PLR2004 (OpenAPI's own bounds)
        raise JiraError(400, body={"errorMessages": [INVALID_PAYLOAD]})
    found = {i for name in asked if (i := site.resolve(name)) is not None and site.visible(site.live[i])}
    entries = sorted(
        ((entry, issue_id) for issue_id in found for entry in site.histories[issue_id]),
        key=lambda pair: (pair[0].created, pair[1], pair[0].id),
    )
    chosen = frozenset(fields) if fields else None
    shown = [(i, row) for entry, i in entries if call.actor and (row := site.shapes.history(entry, chosen))]
    start = _offset(body.get("nextPageToken"))
    answer: dict[str, Any] = {"issueChangeLogs": _by_issue(shown[start : start + limit])}
    if start + limit < len(shown):
        answer["nextPageToken"] = base64.urlsafe_b64encode(b"%d" % (start + limit)).decode()
    return Answer.of(answer)


def _by_issue(rows: list[tuple[int, dict[str, Any]]]) -> list[dict[str, Any]]:
    found: dict[int, list[dict[str, Any]]] = {}
    for issue_id, row in rows:
        found.setdefault(issue_id, []).append(row)
    return [{"issueId": str(issue_id), "changeHistories": held} for issue_id, held in found.items()]


def _offset(token: Any) -> int:
    if token is None:
        return 0
    try:
        return int(base64.urlsafe_b64decode(str(token).encode()))
    except ValueError:
        raise JiraError(400, "Das Token ist ungültig.") from None


def get_changelog(site: Site, call: Call) -> Answer:
    """GET /issue/{issueIdOrKey}/changelog, oldest first."""
    issue = the_issue(site, call)
    start, limit = call.integer("startAt", 0), min(call.integer("maxResults", 100), 100)
    entries: list[History] = site.histories[issue.id]
    rows = [site.shapes.history(entry, None) for entry in entries[start : start + limit]]
    answer = {"startAt": start, "maxResults": limit, "total": len(entries), "values": rows}
    answer["isLast"] = start + limit >= len(entries)
    return Answer(200, orjson.dumps(answer))
