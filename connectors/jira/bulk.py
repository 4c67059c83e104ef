"""One change to many issues: Jira's bulk edit and its bulk property write. Both answer before they are done.

Who asks is told what became of each issue, or that nobody can tell. No request is sent twice; a task that goes on
longer than our patience is left to itself, and the issues are looked at later.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from connectors.http import Rejected, Sleep
from connectors.jira.transport import Site
from syncd.core.errors import InDoubt, TrackerError, Unavailable

MOST_EDITED: Final = 1000
"""Issues in one bulk edit (OpenAPI)."""
AT_ONCE: Final = 3
"""Bulk edits of ours at one time. The site allows five to all its users together: two are left to people."""
PATIENCE: Final = timedelta(minutes=5)
"""How long a task is watched."""
WAITS_S: Final = (2.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between looks at a task; then `LONGEST_WAIT_S` each time."""
LONGEST_WAIT_S: Final = 30.0
_SEE_OTHER: Final = 303
_OVER: Final = frozenset({"COMPLETE", "FAILED", "CANCELLED", "DEAD"})


@dataclass(slots=True)
class Fates:
    """What became of each issue, by id: every one stands in one of these."""

    done: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    """Why Jira says that it did not: in its own words, which are no list one could rely on."""
    unclear: dict[str, TrackerError] = field(default_factory=dict)
    """To be looked at: what it comes to where the change is not there."""
    failed: dict[str, TrackerError] = field(default_factory=dict)
    """Surely not done."""


class Bulk:
    """Bulk writes to one site. `sleep` waits the seconds it is given, between looks at a task."""

    def __init__(self, site: Site, sleep: Sleep) -> None:
        self._site = site
        self._sleep = sleep

    def edit_labels(self, ids: Sequence[str], add: Sequence[str], remove: Sequence[str]) -> Fates:
        """Add and remove labels as deltas, without mail, on at most `AT_ONCE * MOST_EDITED` issues."""
        fates, tasks = Fates(), dict[str, Sequence[str]]()
        for start in range(0, len(ids), MOST_EDITED):
            some = ids[start : start + MOST_EDITED]
            try:
                tasks[self._submit(some, add, remove)] = some
            except InDoubt as error:
                fates.unclear |= dict.fromkeys(some, error)
            except TrackerError as error:
                fates.failed |= dict.fromkeys(some, error)
        over = self._watched("bulk/queue", tasks)
        for task, some in tasks.items():
            self._tell(fates, some, over.get(task))
        return fates

    def _submit(self, ids: Sequence[str], add: Sequence[str], remove: Sequence[str]) -> str:
        """The id of the task that does it."""
        changes = [("ADD", add), ("REMOVE", remove)]
        body = {
            "selectedActions": ["labels"],
            "selectedIssueIdsOrKeys": list(ids),
            "sendBulkNotification": False,
            "editedFieldsInput": {
                "labelsFields": [
                    {
                        "fieldId": "labels",
                        "bulkEditMultiSelectFieldOption": option,
                        "labels": [{"name": label} for label in labels],
                    }
                    for option, labels in changes
                    if labels
                ]
            },
        }
        told = self._site.send("POST", "bulk/issues/fields", body).value
        task = told.get("taskId") if isinstance(told, Mapping) else None
        if not task:
            raise self._doubt("a bulk edit was begun, but not which one was told")
        return str(task)

    def _tell(self, fates: Fates, ids: Sequence[str], told: Mapping[str, Any] | None) -> None:
        if told is None:
            going_on = self._doubt("a bulk edit of labels is not over, or does not say so")
            fates.unclear |= dict.fromkeys(ids, going_on)
            return
        processed = {str(number) for number in told.get("processedAccessibleIssues") or ()}
        refused = told.get("failedAccessibleIssues") or {}
        passed_over = TrackerError(
            f"{self._site.tracker}: a bulk edit of labels ended as {told.get('status')} and left this issue out",
            tracker=self._site.tracker,
        )
        for issue in ids:
            if issue in refused:
                reasons = refused[issue] if isinstance(refused[issue], list) else [refused[issue]]
                fates.refused[issue] = "; ".join(str(reason) for reason in reasons)[:400]
            elif issue in processed:
                fates.done.add(issue)
            else:
                fates.unclear[issue] = passed_over

    def set_property(self, ids: Sequence[str], key: str, value: Any) -> str:
        """The same property on all of them, or on none: why it was refused, empty when it is done.

        Raises:
            InDoubt: nobody can tell.
        """
        body = {"entitiesIds": [int(issue) for issue in ids], "properties": {key: value}}
        try:
            self._site.send("POST", "issue/properties", body)
        except Rejected as answer:
            task = str(answer.answer.headers.get("location", "")).rstrip("/").rpartition("/")[2]
            if answer.answer.status != _SEE_OTHER or not task:
                return str(answer)
        except Unavailable as error:
            raise self._doubt(str(error)) from error
        else:
            return ""  # done at once
        told = self._watched("task", [task]).get(task)
        if told is None:
            raise self._doubt("a bulk write of properties is not over, or does not say so")
        if told.get("status") != "COMPLETE":
            return f"{self._site.tracker}: a bulk write of properties ended as {told.get('status')}"
        return ""

    def _watched(self, path: str, tasks: Sequence[str] | Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        """What is told of each task once it is over; those that do not end are left out."""
        over: dict[str, Mapping[str, Any]] = {}
        for seconds in _waits():
            left = [task for task in tasks if task not in over]
            if not left:
                break
            self._sleep(seconds)
            for task in left:
                told = self._look(f"{path}/{task}")
                if told is not None and told.get("status") in _OVER:
                    over[task] = told
        return over

    def _look(self, path: str) -> Mapping[str, Any] | None:
        try:
            told = self._site.get(path)
        except TrackerError:  # reads were tried again already; the issues themselves will tell
            return None
        return told if isinstance(told, Mapping) else None

    def _doubt(self, what: str) -> InDoubt:
        return InDoubt(f"{self._site.tracker}: {what}", tracker=self._site.tracker)


def _waits() -> Iterator[float]:
    left = PATIENCE.total_seconds()
    for seconds in WAITS_S:
        left -= seconds
        yield seconds
    while left > 0:
        left -= LONGEST_WAIT_S
        yield LONGEST_WAIT_S
