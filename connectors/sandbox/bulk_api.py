"""/bulk/issues/fields and its queue, /issue/properties and /task: writes that go on after the request is over."""

from dataclasses import replace
from typing import Any

from connectors.sandbox.answers import INVALID_PAYLOAD, Answer, Call, JiraError
from connectors.sandbox.edits import NOT_ON_SCREEN, check_label, check_property
from connectors.sandbox.issue_api import EDIT_REFUSED
from connectors.sandbox.shapes import SELF, person_json
from connectors.sandbox.site import Site
from connectors.sandbox.tasks import MOST_AT_ONCE, Task
from connectors.sandbox.values import Person, words

MOST_EDITED = 1000
MOST_PROPERTIED = 10_000
EDIT_KEYS = words("editedFieldsInput selectedActions selectedIssueIdsOrKeys sendBulkNotification")
LABEL_KEYS = words("bulkEditMultiSelectFieldOption fieldId labelProperties labels")
NO_BULK = "You do not have permission to perform bulk operations."
TOO_MANY = "The maximum number of concurrent bulk operations has been reached."

Operations = list[tuple[str, list[str]]]


def refusal(message: str, status: int = 400) -> JiraError:
    """A refusal in the bulk operations' own form; one that they do not document (429) in that of all others."""
    if status not in (400, 401):
        return JiraError(status, message)
    return JiraError(status, body={"errors": [{"message": message}]})


def submit_edit(site: Site, call: Call) -> Answer:
    """POST /bulk/issues/fields: labels only, the one field that the sandbox edits in bulk."""
    actor = call.required_actor()
    body = call.body(EDIT_KEYS)
    if not site.permissions.may_bulk["*"]:
        raise refusal(NO_BULK)
    asked = body.get("selectedIssueIdsOrKeys")
    if not isinstance(asked, list) or not 1 <= len(asked) <= MOST_EDITED:
        raise refusal(f"Between 1 and {MOST_EDITED} issues may be edited at once.")
    edited = body.get("editedFieldsInput")
    if body.get("selectedActions") != ["labels"] or not isinstance(edited, dict) or edited.keys() != {"labelsFields"}:
        raise refusal("The editedFieldInput values are not those listed as selectedActions.")
    operations = _operations(edited["labelsFields"])
    if site.tasks.running() >= MOST_AT_ONCE:
        raise refusal(TOO_MANY, site.tasks.manners.crowd_status)
    mailing = body.get("sendBulkNotification", True) is not False

    def edit(issue_id: int) -> str | None:
        return _edit(site, actor, issue_id, operations, mailing=mailing)

    task = site.tasks.begin(actor, site.now(), _known(site, [str(one) for one in asked]), edit, kind="bulk")
    return Answer.of({"taskId": task.id}, 201)


def _known(site: Site, asked: list[str]) -> dict[int, bool]:
    """Of each issue, once, whether it is there to see; unknown ones by a number that nobody has."""
    found: dict[int, bool] = {}
    for number, name in enumerate(asked):
        resolved = site.resolve(name)
        found[-number - 1 if resolved is None else resolved] = resolved is not None and site.visible(
            site.live[resolved]
        )
    return found


def _operations(told: Any) -> Operations:
    if not isinstance(told, list) or not told:
        raise refusal(INVALID_PAYLOAD)
    found: Operations = []
    for one in told:
        if not isinstance(one, dict) or one.get("fieldId") != "labels" or not one.keys() <= LABEL_KEYS:
            raise refusal(INVALID_PAYLOAD)
        labels = [label.get("name") if isinstance(label, dict) else None for label in one.get("labels") or []]
        try:
            found.append((str(one.get("bulkEditMultiSelectFieldOption")), [check_label(label) for label in labels]))
        except ValueError as wrong:
            raise refusal(str(wrong)) from None
    if any(option not in ("ADD", "REMOVE", "REPLACE", "REMOVE_ALL") for option, _ in found):
        raise refusal(INVALID_PAYLOAD)
    return found


def _edit(site: Site, actor: Person, issue_id: int, operations: Operations, *, mailing: bool) -> str | None:
    """One issue's turn: why it could not be edited, None where it could, "" where nothing is told of it."""
    issue, manners = site.live.get(issue_id), site.tasks.manners
    if issue is None or not site.visible(issue) or issue.key in manners.passes_over:
        return ""
    if issue.key in manners.refuses:
        return manners.refuses[issue.key]
    if not site.permissions.may_edit[issue.project]:
        return EDIT_REFUSED
    if not site.shows_labels(issue):
        return NOT_ON_SCREEN.format("labels")
    held = list(issue.labels)
    for option, labels in operations:
        if option in ("REPLACE", "REMOVE_ALL"):
            held = labels if option == "REPLACE" else []
        elif option == "ADD":
            held = [*held, *labels]
        else:
            held = [label for label in held if label not in labels]
    changed = tuple(dict.fromkeys(held))
    if changed != issue.labels:
        issue = site.commit(actor, issue, {"labels": changed})
        if mailing:
            site.notify(actor, issue, "edited in bulk")
    return None


def progress(site: Site, call: Call) -> Answer:
    """GET /bulk/queue/{taskId}."""
    call.required_actor()
    task = site.tasks.get(call.path["taskId"])
    if task is None or task.kind != "bulk":
        raise refusal("The task associated with this taskId is not a bulk operation task")
    stamp = site.shapes.stamp
    told: dict[str, Any] = {
        "taskId": task.id,
        "status": task.status,
        "progressPercent": task.percent,
        "submittedBy": person_json(task.actor),
        "created": stamp(task.submitted),
        "updated": stamp(task.updated or task.submitted),
    }
    if task.status != "ENQUEUED":
        told["started"] = stamp(task.submitted + task.manners.begins_after)
    if task.over:
        told |= {
            "processedAccessibleIssues": sorted(task.done),
            "failedAccessibleIssues": {str(number): [why] for number, why in task.failed.items()},
            "invalidOrInaccessibleIssueCount": task.unknown,
            "totalIssueCount": len(task.issues) + task.unknown,
        }
    return Answer.of(told)


def set_properties(site: Site, call: Call) -> Answer:
    """POST /issue/properties: the same values on many issues, all or none; whoever is not there is passed over."""
    actor = call.required_actor()
    body = call.body(words("entitiesIds properties"))
    ids, values = body.get("entitiesIds"), body.get("properties")
    if not isinstance(ids, list) or not 1 <= len(ids) <= MOST_PROPERTIED or len(set(ids)) != len(ids):
        raise JiraError(400, f"Between 1 and {MOST_PROPERTIED} different issues may be named.")
    if not isinstance(values, dict) or not 1 <= len(values) <= 10:  # noqa: PLR2004 (OpenAPI's own bound)
        raise JiraError(400, "Between 1 and 10 properties may be set.")
    for key in values:
        check_property(key, call.raw)
    known = {number: number in site.live and site.visible(site.live[number]) for number in ids}
    projects = {site.live[number].project for number, there in known.items() if there}
    held = site.permissions
    if not all(held.may_edit[project] and held.may_set_properties[project] for project in projects):
        raise JiraError(400, EDIT_REFUSED)

    def write(issue_id: int) -> str | None:
        for key, value in values.items():
            if issue_id not in site.live:
                return ""
            site.set_property(site.live[issue_id], key, value)
        return None

    task = site.tasks.begin(actor, site.now(), known, write, kind="properties", whole=True)
    return replace(Answer(303, None), headers={"location": f"{SELF}/task/{task.id}"})


def get_task(site: Site, call: Call) -> Answer:
    """GET /task/{taskId}."""
    call.required_actor()
    task = site.tasks.get(call.path["taskId"])
    if task is None:
        raise JiraError(404, "The task was not found.")
    return Answer.of(_task(task))


def _task(task: Task) -> dict[str, Any]:
    submitted = int(task.submitted.timestamp() * 1000)
    updated = int((task.updated or task.submitted).timestamp() * 1000)
    told = {
        "self": f"{SELF}/task/{task.id}",
        "id": task.id,
        "description": "Setting issue properties",
        "status": task.status,
        "progress": task.percent,
        "submitted": submitted,
        "submittedBy": 10_000,
        "lastUpdate": updated,
        "elapsedRuntime": updated - submitted,
    }
    return told | ({"finished": updated} if task.over else {})
