"""/search/jql, /search, /search/approximate-count: what the index knows."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from connectors.sandbox.answers import Answer, Call, JiraError, ProblemError, strings
from connectors.sandbox.jql import Group, JqlError, Node, Query, parse
from connectors.sandbox.query import SortValue, packed, unpacked
from connectors.sandbox.site import Site
from connectors.sandbox.values import words

MOST_RESULTS = 5000
MOST_ROWS = 100
MOST_HEAVY_ROWS = 50
MOST_PROPERTIES = 5
MOST_RECONCILED = 50
BODY_KEYS = words("expand fields fieldsByKeys jql maxResults nextPageToken properties reconcileIssues")
REMOVED = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration "
    "guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)
# In the language of the account: nobody may match the words (facts §1).
BAD_TOKEN = "Das Token für die nächste Seite ist ungültig oder abgelaufen."  # noqa: S105 (a message)
UNBOUNDED = "Unbegrenzte JQL-Abfragen sind hier nicht zulässig. Fügen Sie der Abfrage eine Einschränkung hinzu."


@dataclass(frozen=True, slots=True)
class _Asked:
    jql: str
    token: str | None
    limit: int
    fields: list[str] | None
    properties: list[str]
    reconcile: list[int]


def removed(_: Site, __: Call) -> Answer:
    """The old search, gone from Cloud (facts §1)."""
    raise JiraError(410, REMOVED)


def search_get(site: Site, call: Call) -> Answer:
    """GET /search/jql."""
    reconcile = call.listed("reconcileIssues") or []
    if not all(issue_id.isdigit() for issue_id in reconcile):
        raise ProblemError(400, "Bad Request", "Failed to convert 'reconcileIssues'")
    asked = _Asked(
        jql=call.text("jql") or "",
        token=call.text("nextPageToken"),
        limit=call.integer("maxResults", 50),
        fields=call.listed("fields"),
        properties=call.listed("properties") or [],
        reconcile=[int(issue_id) for issue_id in reconcile],
    )
    return _search(site, call, asked)


def search_post(site: Site, call: Call) -> Answer:
    """POST /search/jql. Its query string is ignored; a body property it does not know is refused."""
    body = call.body(BODY_KEYS)
    jql, token = body.get("jql") or "", body.get("nextPageToken")
    reconcile: Any = body.get("reconcileIssues") or []
    if not isinstance(jql, str) or not isinstance(token, str | None) or not _integers(reconcile):
        raise JiraError(400, body={"errorMessages": ["Invalid request payload."]})
    asked = _Asked(
        jql=jql,
        token=token,
        limit=_limit(body.get("maxResults", 50)),
        fields=strings(body, "fields"),
        properties=strings(body, "properties") or [],
        reconcile=reconcile,
    )
    return _search(site, call, asked)


def _integers(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) is int for item in value)


def _limit(value: Any) -> int:
    """A number as Jackson reads it: null is 0, a string of digits is coerced (facts §1)."""
    if value is None:
        return 0
    if isinstance(value, str) and value.isdigit():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise JiraError(400, body={"errorMessages": ["Invalid request payload."]})
    return value


def bounded(site: Site, jql: str) -> Query:
    """A query that restricts something.

    Raises:
        JiraError: 400.
    """
    try:
        query = parse(jql)
    except JqlError as refused:
        raise JiraError(400, f"Fehler in der JQL-Abfrage: {refused}") from None
    if query.where is None:
        raise JiraError(400, UNBOUNDED)
    if site.quirks.unknown_key_is_400 and (key := _unknown_key(site, query.where)):
        raise JiraError(400, f"An issue with key '{key}' does not exist for field 'key'.")
    return query


def _unknown_key(site: Site, node: Node) -> str | None:
    if isinstance(node, Group):
        return next((key for inner in node.nodes if (key := _unknown_key(site, inner))), None)
    if node.field not in ("key", "parent"):
        return None
    return next((value.text for value in node.values if site.resolve(value.text) is None), None)


def _search(site: Site, call: Call, asked: _Asked) -> Answer:
    if not 1 <= asked.limit <= MOST_RESULTS:
        raise JiraError(400, f"maxResults must be between 1 and {MOST_RESULTS}.")
    if len(asked.properties) > MOST_PROPERTIES:
        raise JiraError(400, f"At most {MOST_PROPERTIES} properties may be asked for.")
    if len(asked.reconcile) > MOST_RECONCILED:
        raise JiraError(400, f"At most {MOST_RECONCILED} issues may be reconciled.")
    query = bounded(site, asked.jql)
    place = _place(site, asked)
    if call.actor is None:
        return Answer.of({"issues": [], "isLast": True})
    try:
        ranked, index = site.rank(query, asked.reconcile)
    except JqlError as refused:
        raise JiraError(400, f"Fehler in der JQL-Abfrage: {refused}") from None
    wanted = site.shapes.wanted(asked.fields, "id")
    start = ranked.after(place)
    end = start + min(asked.limit, _page_size(wanted, asked.properties))
    view = site.view(index)
    if wanted == ["id"] and not asked.properties:
        rows = [b'{"id":"%d"}' % issue_id for issue_id in ranked.ids[start:end]]
    else:
        rows = [site.shapes.row(index[i], wanted, asked.properties, view) for i in ranked.ids[start:end]]
    tail = b"true" if end >= len(ranked.ids) else b"false"
    if end < len(ranked.ids):
        tail += b',"nextPageToken":"%s"' % _token(site, asked.jql, ranked.places[end - 1])
    return Answer(200, b'{"issues":[' + b",".join(rows) + b'],"isLast":' + tail + b"}")


def _page_size(wanted: list[str], properties: list[str]) -> int:
    if set(wanted) <= {"id", "key"} and not properties:
        return MOST_RESULTS
    return MOST_HEAVY_ROWS if "*all" in wanted else MOST_ROWS


def _of(jql: str) -> str:
    return hashlib.sha256(jql.encode()).hexdigest()[:12]


def _token(site: Site, jql: str, place: list[SortValue]) -> bytes:
    stamp = int(site.now().timestamp())
    return base64.urlsafe_b64encode(orjson.dumps([_of(jql), stamp, packed(place)]))


def _place(site: Site, asked: _Asked) -> list[SortValue] | None:
    """Where the page before ended. A token of another query, an old or a broken one is refused alike."""
    if not asked.token:
        return None
    try:
        of, stamp, place = orjson.loads(base64.urlsafe_b64decode(asked.token.encode()))
        issued = datetime.fromtimestamp(stamp, UTC)
        found = unpacked(place)
    except (ValueError, TypeError):
        raise JiraError(400, BAD_TOKEN) from None
    if of != _of(asked.jql) or site.now() - issued >= site.token_lifetime:
        raise JiraError(400, BAD_TOKEN)
    return found


def approximate_count(site: Site, call: Call) -> Answer:
    """POST /search/approximate-count: of the lagging index, as the real one."""
    jql = call.body(frozenset({"jql"})).get("jql") or ""
    query = bounded(site, jql if isinstance(jql, str) else "")
    if call.actor is None:
        return Answer.of({"count": 0})
    try:
        return Answer.of({"count": len(site.rank(query, [])[0].ids)})
    except JqlError as refused:
        raise JiraError(400, f"Fehler in der JQL-Abfrage: {refused}") from None
