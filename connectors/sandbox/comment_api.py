"""Comments and their properties."""

from dataclasses import replace
from types import MappingProxyType
from typing import Any

from connectors.sandbox import adf
from connectors.sandbox.answers import Answer, Call, JiraError
from connectors.sandbox.edits import LONGEST_TEXT, check_property, properties_of
from connectors.sandbox.issue_api import NO_CONTENT, the_issue
from connectors.sandbox.shapes import SELF
from connectors.sandbox.site import Site
from connectors.sandbox.values import Adf, Comment, Issue, Person

MOST_COMMENTS = 5000
MOST_LISTED = 1000
MOST_PAGED = 5000
NO_COMMENT = "Can not find a comment for the id: {}."


def list_comments(site: Site, call: Call) -> Answer:
    """GET /issue/{issueIdOrKey}/comment, without properties, as documented."""
    issue = the_issue(site, call)
    start, limit = call.integer("startAt", 0), min(call.integer("maxResults", 100), MOST_PAGED)
    order = call.text("orderBy") or "created"
    if order not in ("created", "+created", "-created"):
        raise JiraError(400, f"The orderBy value '{order}' is invalid.")
    comments = sorted(issue.comments, key=lambda c: (c.created, c.id), reverse=order.startswith("-"))
    page = [site.shapes.comment(issue, comment) for comment in comments[start : start + limit]]
    return Answer.of({"startAt": start, "maxResults": limit, "total": len(comments), "comments": page})


def _body(value: Any) -> Adf:
    if not isinstance(value, dict):
        raise JiraError(400, errors={"comment": "Comment body is not valid!"})
    if not adf.valid(value):
        raise JiraError(400, "INVALID_INPUT")
    if len(adf.text_of(value)) > LONGEST_TEXT:
        raise JiraError(400, errors={"comment": "The entered text is too long. It exceeds the allowed limit."})
    return adf.normalised(value)


def _may_comment(site: Site, issue: Issue, actor: Person) -> None:
    if not site.permissions.may_comment[issue.project]:
        raise JiraError(400, f"{actor.display_name}, you do not have the permission to comment on this issue.")


def _shown_properties(site: Site, request: Any) -> dict[str, Any]:
    """What a request sets, but for what a quirk of the site keeps from holding."""
    held = properties_of(request)
    return {k: v for k, v in held.items() if k != "sd.public.comment"} if site.quirks.customers_see_all else held


def add_comment(site: Site, call: Call) -> Answer:
    """POST /issue/{issueIdOrKey}/comment: always mails, and its author watches the issue from now on."""
    actor = call.required_actor()
    issue = the_issue(site, call)
    _may_comment(site, issue, actor)
    request = call.body()
    if len(issue.comments) >= MOST_COMMENTS:
        raise JiraError(413, f"The issue has reached its limit of {MOST_COMMENTS} comments.")
    body, held = _body(request.get("body")), _shown_properties(site, request)
    now = site.now()
    comment = Comment(site.number("comment"), actor, body, now, now, MappingProxyType(held))
    watched = replace(issue, watchers=issue.watchers | {actor})
    changed = site.set_comments(watched, (*issue.comments, comment), bump=True)
    site.notify(actor, changed, "commented")
    return Answer.of(site.shapes.comment(changed, comment), 201)


def _home(site: Site, call: Call, comment_id: str) -> tuple[Issue, Comment]:
    issue_id = site.comment_home.get(int(comment_id)) if comment_id.isdigit() else None
    issue = site.live.get(issue_id) if issue_id is not None else None
    if issue is None or call.actor is None or not site.visible(issue):
        raise JiraError(404, NO_COMMENT.format(comment_id))
    return issue, next(comment for comment in issue.comments if comment.id == int(comment_id))


def _own_comment(site: Site, call: Call) -> tuple[Issue, Comment, Person]:
    """The comment the path names, which its author alone may change: refused with 400, not 403 (facts §5)."""
    actor = call.required_actor()
    issue = the_issue(site, call)
    home, comment = _home(site, call, call.path["id"])
    if home.id != issue.id:
        raise JiraError(404, NO_COMMENT.format(comment.id))
    if comment.author != actor or not site.permissions.may_comment[issue.project]:
        raise JiraError(400, f"You do not have permission to edit or delete comment with id {comment.id}.")
    return issue, comment, actor


def get_comment(site: Site, call: Call) -> Answer:
    """GET /issue/{issueIdOrKey}/comment/{id}."""
    issue = the_issue(site, call)
    home, comment = _home(site, call, call.path["id"])
    if home.id != issue.id:
        raise JiraError(404, NO_COMMENT.format(comment.id))
    return Answer.of(site.shapes.comment(issue, comment))


def _swapped(site: Site, issue: Issue, comment: Comment, *, bump: bool) -> Issue:
    comments = tuple(comment if held.id == comment.id else held for held in issue.comments)
    return site.set_comments(issue, comments, bump=bump)


def put_comment(site: Site, call: Call) -> Answer:
    """PUT /issue/{issueIdOrKey}/comment/{id}: mails unless `notifyUsers=false`."""
    issue, comment, actor = _own_comment(site, call)
    request = call.body()
    held = MappingProxyType({**comment.properties, **_shown_properties(site, request)})
    changed = replace(
        comment,
        body=_body(request.get("body")),
        properties=held,
        updated=site.now(),
        update_author=actor,
    )
    issue = _swapped(site, issue, changed, bump=site.quirks.comment_edit_bumps)
    if call.flag("notifyUsers", default=True):
        site.notify(actor, issue, "comment edited")
    return Answer.of(site.shapes.comment(issue, changed))


def delete_comment(site: Site, call: Call) -> Answer:
    """DELETE /issue/{issueIdOrKey}/comment/{id}."""
    issue, comment, _ = _own_comment(site, call)
    site.comment_home.pop(comment.id)
    site.set_comments(issue, tuple(c for c in issue.comments if c.id != comment.id), bump=True)
    return NO_CONTENT


def comments_by_id(site: Site, call: Call) -> Answer:
    """POST /comment/list: up to 1,000 ids; invisible ones are left out; properties by `expand=properties`."""
    ids = call.body(frozenset({"ids"})).get("ids")
    if not isinstance(ids, list) or not 1 <= len(ids) <= MOST_LISTED or not all(isinstance(i, int) for i in ids):
        raise JiraError(400, f"Between 1 and {MOST_LISTED} comment ids may be asked for.")
    properties = "properties" in (call.listed("expand") or [])
    shown = []
    for comment_id in dict.fromkeys(ids):
        issue = site.live.get(site.comment_home.get(comment_id, -1))
        if issue is not None and call.actor and site.visible(issue):
            comment = next(c for c in issue.comments if c.id == comment_id)
            shown.append(site.shapes.comment(issue, comment, properties=properties))
    answer = {"startAt": 0, "maxResults": 1_048_576, "total": len(shown), "isLast": True, "values": shown}
    return Answer.of(answer)


def comment_property_keys(site: Site, call: Call) -> Answer:
    """GET /comment/{commentId}/properties."""
    _, comment = _home(site, call, call.path["commentId"])
    base = f"{SELF}/comment/{comment.id}/properties"
    return Answer.of({"keys": [{"self": f"{base}/{key}", "key": key} for key in comment.properties]})


def get_comment_property(site: Site, call: Call) -> Answer:
    """GET /comment/{commentId}/properties/{propertyKey}."""
    _, comment = _home(site, call, call.path["commentId"])
    key = call.path["propertyKey"]
    if key not in comment.properties:
        raise JiraError(404, f"The property with key '{key}' does not exist.")
    return Answer.of({"key": key, "value": comment.properties[key]})


def _editable_comment(site: Site, call: Call) -> tuple[Issue, Comment]:
    actor = call.required_actor()
    issue, comment = _home(site, call, call.path["commentId"])
    if comment.author != actor:
        raise JiraError(403, f"You do not have permission to edit comment with id {comment.id}.")
    return issue, comment


def put_comment_property(site: Site, call: Call) -> Answer:
    """PUT /comment/{commentId}/properties/{propertyKey}: no mail."""
    issue, comment = _editable_comment(site, call)
    key, value = call.path["propertyKey"], call.value()
    check_property(key, call.raw)
    held = MappingProxyType({**comment.properties, key: value})
    _swapped(site, issue, replace(comment, properties=held), bump=False)
    return Answer.of({}, 200 if key in comment.properties else 201)


def delete_comment_property(site: Site, call: Call) -> Answer:
    """DELETE /comment/{commentId}/properties/{propertyKey}."""
    issue, comment = _editable_comment(site, call)
    key = call.path["propertyKey"]
    if key not in comment.properties:
        raise JiraError(404, f"The property with key '{key}' does not exist.")
    held = MappingProxyType({k: v for k, v in comment.properties.items() if k != key})
    _swapped(site, issue, replace(comment, properties=held), bump=False)
    return NO_CONTENT
