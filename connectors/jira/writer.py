"""Writes to one Jira Cloud site: each action is one request, signed, silent where Jira lets it be."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from connectors.http import Answer, Params, Rejected, Sleep, meaning
from connectors.jira.mapping import COPY_PROPERTY
from connectors.jira.transport import Site
from syncd.core.errors import Denied, Gone, InDoubt, Stale, TrackerError, Unavailable, Unreadable
from syncd.core.model import Action, Receipt
from syncd.core.ports import Clock, CommentRenderer, Signature, Signed, TrackerOptions

T = TypeVar("T")

SILENCE_RIGHTS: Final = ("ADMINISTER_PROJECTS", "ADMINISTER")
"""Either lets a write go without mail (facts/jira.md §5)."""
RIGHTS: Final = ("EDIT_ISSUES", "ADD_COMMENTS", "EDIT_OWN_COMMENTS", "DELETE_OWN_COMMENTS", *SILENCE_RIGHTS)
SILENCE: Final = {"notifyUsers": "false"}
INTERNAL: Final = {"key": "sd.public.comment", "value": {"internal": True}}
"""Keeps a comment in a service project from its customers (facts/jira.md §5)."""

COMMENTS_A_PAGE: Final = 100
MOST_PAGES: Final = 10


class CloudWriter:
    """A `TrackerWriter` for Jira Cloud. Which project refuses silence, or shows our comments, is learnt once."""

    def __init__(
        self, options: TrackerOptions, clock: Clock, signature: Signature, render: CommentRenderer, sleep: Sleep
    ) -> None:
        self._site = Site(options, clock, sleep)
        self._options = options
        self._signature = signature
        self._render = render
        self._rights: dict[str, frozenset[str]] = {}
        self._kinds: dict[str, str] = {}
        self._loud: set[str] = set()
        self._public: set[str] = set()

    @property
    def requests(self) -> int:
        """How many HTTP requests were sent so far."""
        return self._site.caller.requests

    def close(self) -> None:
        """Give connections back."""
        self._site.close()

    # --- writing ---

    @property
    def least_together(self) -> int:
        """One: nothing goes together yet."""
        return 1

    @property
    def most_together(self) -> int:
        """One: nothing goes together yet."""
        return 1

    def together(self, action: Action) -> str | None:
        """Nothing goes together yet."""
        del action
        return None

    def write_together(self, portion: Sequence[Signed]) -> Sequence[Receipt | TrackerError]:
        """One after another; see `TrackerWriter`."""
        return [self._outcome(self.write, one) for one in portion]

    def look_together(self, portion: Sequence[Signed]) -> Sequence[Receipt | TrackerError | None]:
        """One after another; see `TrackerWriter`."""
        return [self._outcome(self.look, one) for one in portion]

    @staticmethod
    def _outcome(call: Callable[[Action, str], T], one: Signed) -> T | TrackerError:
        try:
            return call(one.action, one.entry)
        except TrackerError as failed:
            return failed

    def write(self, action: Action, entry: str) -> Receipt:
        """Do it, once. `InDoubt` when no answer came; see `TrackerWriter` and DESIGN §7 for the rest.

        A 400 that is not understood is a plain `TrackerError`: sending the same again will not help.
        """
        match action.kind:
            case "mark":
                return self._mark(action)
            case "comment" if action.comment_id is None:
                return self._create(action, entry)
            case "comment":
                return self._edit(action, entry)
            case "uncomment":
                return self._remove(action)

    def _mark(self, action: Action) -> Receipt:
        """Labels as a delta, and the copy that travels with them, in one PUT: never a whole label list."""
        labels = [{"add": label} for label in action.add] + [{"remove": label} for label in action.remove]
        copy = {
            "installation": self._signature.installation,
            "instance": self._signature.instance,
            "mark": action.add[0] if action.add else None,
        }
        body = {"update": {"labels": labels}, "properties": [{"key": COPY_PROPERTY, "value": copy}]}
        try:
            answer = self._silently(action, f"issue/{action.ref.id}", body, "EDIT_ISSUES")
        except Rejected as rejected:
            if rejected.answer.status == 400 and "labels" in rejected.answer.faulted:  # noqa: PLR2004  # HTTP's own
                need = f"the field Labels on the edit screen of {action.project} for this type of issue"
                raise self._denied(rejected, need, action) from rejected
            raise meaning(rejected, need="Edit issues", project=action.project) from rejected
        return Receipt(answer.at)

    def _create(self, action: Action, entry: str) -> Receipt:
        """A new comment. Jira mails its watchers: creating knows no silence (facts/jira.md §5)."""
        service = self._is_service_project(action.project)
        if action.project in self._public:
            raise self._shown_to_customers(action)
        try:
            answer = self._site.send("POST", f"issue/{action.ref.id}/comment", self._comment(action, entry, service))
        except Rejected as rejected:
            raise self._comment_refused(rejected, action, "ADD_COMMENTS", "Add comments") from rejected
        comment_id = answer.value.get("id") if isinstance(answer.value, Mapping) else None
        if not isinstance(comment_id, str):
            raise InDoubt(f"{self._options.id}: a comment was created, but not its id told", tracker=self._options.id)
        if service and answer.value.get("jsdPublic") is not False:
            self._keep_internal(action, comment_id)
        return Receipt(answer.at, comment_id)

    def _edit(self, action: Action, entry: str) -> Receipt:
        path = f"issue/{action.ref.id}/comment/{action.comment_id}"
        body = self._comment(action, entry, self._is_service_project(action.project))
        try:
            answer = self._silently(action, path, body, "EDIT_OWN_COMMENTS")
        except Rejected as rejected:
            if not self._comment_is_there(action):
                raise Stale(str(rejected), tracker=self._options.id) from rejected
            raise self._comment_refused(rejected, action, "EDIT_OWN_COMMENTS", "Edit own comments") from rejected
        return Receipt(answer.at, action.comment_id)

    def _remove(self, action: Action) -> Receipt:
        try:
            answer = self._site.send("DELETE", f"issue/{action.ref.id}/comment/{action.comment_id}")
        except Rejected as rejected:
            if not self._comment_is_there(action):  # somebody else was first
                return Receipt(rejected.answer.at)
            raise self._comment_refused(rejected, action, "DELETE_OWN_COMMENTS", "Delete own comments") from rejected
        return Receipt(answer.at)

    def _comment(self, action: Action, entry: str, service: bool) -> dict[str, Any]:  # noqa: FBT001  # one caller's flag
        if action.comment is None:
            raise ValueError(f"an action of kind {action.kind} without a comment")
        value = {
            "installation": self._signature.installation,
            "instance": self._signature.instance,
            "entry": entry,
        }
        properties = [{"key": COPY_PROPERTY, "value": value}] + ([dict(INTERNAL)] if service else [])
        return {"body": self._render(action.comment), "properties": properties}

    # --- silence ---

    def _silently(self, action: Action, path: str, body: Any, right: str) -> Answer:
        """PUT without mail. Where that is refused: aloud if `marks.mail` says so, else `Denied` with what to grant.

        Without an admin's right Jira refuses the whole edit with a 403, in the account's language (facts/jira.md §5):
        what the 403 is about is judged by the account's rights, not by the words.
        """
        if action.project in self._loud:
            return self._site.send("PUT", path, body)
        try:
            return self._site.send("PUT", path, body, SILENCE)
        except Rejected as rejected:
            if rejected.answer.status != 403:  # noqa: PLR2004  # HTTP's own
                raise
            rights = self._rights_in(action.project)
            if right not in rights or rights & set(SILENCE_RIGHTS):
                raise
            if not self._options.mail:
                what = "label" if action.kind == "mark" else "comment"
                need = f"Administer projects in {action.project}, so that {what} edits do not mail watchers"
                raise self._denied(rejected, need, action) from rejected
        self._loud.add(action.project)
        return self._site.send("PUT", path, body)

    def _rights_in(self, project: str) -> frozenset[str]:
        if project not in self._rights:
            self._rights[project] = self._site.permissions(project, RIGHTS)
        return self._rights[project]

    # --- service projects ---

    def _is_service_project(self, project: str) -> bool:
        if project not in self._kinds:
            told = self._site.projects((project,)).get(project.casefold())
            if told is None:
                message = f"{self._options.id}: the project {project} is not visible"
                raise Denied(message, need="Browse projects", tracker=self._options.id, project=project)
            self._kinds[project] = str(told.get("projectTypeKey"))
        return self._kinds[project] == "service_desk"

    def _keep_internal(self, action: Action, comment_id: str) -> None:
        """Read a comment back; one that customers can see is deleted at once, and none follows in that project."""
        path = f"issue/{action.ref.id}/comment/{comment_id}"
        try:
            told = self._site.mapping(self._site.get(path), "comment")
            if told.get("jsdPublic") is False:
                return
            self._public.add(action.project)
            self._site.send("DELETE", path)
        except Gone:
            return
        except (Rejected, Unavailable, InDoubt, Unreadable) as error:
            raise self._shown_to_customers(action, f"{comment_id} could not be checked or deleted: {error}") from error
        raise self._shown_to_customers(action)

    def _shown_to_customers(self, action: Action, more: str = "it was deleted") -> Denied:
        message = f"{self._options.id}: a comment on {action.key} was public to customers; {more}"
        need = "internal comments through the platform API in this service project"
        return Denied(message, need=need, tracker=self._options.id, project=action.project)

    # --- refusals ---

    def _denied(self, rejected: Rejected, need: str, action: Action) -> Denied:
        return Denied(str(rejected), need=need, tracker=self._options.id, project=action.project)

    def _comment_refused(self, rejected: Rejected, action: Action, right: str, name: str) -> TrackerError:
        """Jira refuses a comment for want of a right with 400, not 403 (facts/jira.md §5)."""
        match rejected.answer.status:
            case 413:
                return self._denied(rejected, f"room for a comment on {action.key}: it holds as many as can be", action)
            case 400 | 403 if right not in self._rights_in(action.project):
                return self._denied(rejected, name, action)
            case _:
                return meaning(rejected, need=name, project=action.project)

    def _comment_is_there(self, action: Action) -> bool:
        try:
            self._site.get(f"issue/{action.ref.id}/comment/{action.comment_id}")
        except Gone:
            return False
        return True

    # --- looking ---

    def look(self, action: Action, entry: str) -> Receipt | None:
        """Whether that very write was done, asked past the search index. The receipt bears the time of looking."""
        match action.kind:
            case "mark":
                return self._look_at_labels(action)
            case "comment" if action.comment_id is None:
                return self._look_for(action, entry)
            case "comment":
                found = self._signed([action.comment_id or ""], entry)
                return self._seen(found) if found else None
            case "uncomment":
                return None if self._comment_is_there(action) else self._seen(None)

    def _look_at_labels(self, action: Action) -> Receipt | None:
        params = {"fields": "labels", "properties": COPY_PROPERTY}
        told = self._site.mapping(self._site.get(f"issue/{action.ref.id}", params), "issue")
        labels = self._site.mapping(told.get("fields"), "issue.fields").get("labels") or ()
        done = all(label in labels for label in action.add) and not any(label in labels for label in action.remove)
        return self._seen(None) if done else None

    def _look_for(self, action: Action, entry: str) -> Receipt | None:
        """A comment of ours by its property, newest first: what was sent just now stands at the front."""
        for page in range(MOST_PAGES):
            params: Params = {"startAt": page * COMMENTS_A_PAGE, "maxResults": COMMENTS_A_PAGE, "orderBy": "-created"}
            told = self._site.mapping(self._site.get(f"issue/{action.ref.id}/comment", params), "comments")
            rows = told.get("comments") or []
            ids = [str(row["id"]) for row in rows if isinstance(row, Mapping) and row.get("id")]
            found = self._signed(ids, entry)
            if found:
                return self._seen(found)
            total = told.get("total")
            if not rows or (isinstance(total, int) and total <= (page + 1) * COMMENTS_A_PAGE):
                return None
        return None

    def _signed(self, ids: list[str], entry: str) -> str | None:
        """The comment among those whose property bears that entry. Only comment/list tells properties in bulk."""
        numbers = [int(comment_id) for comment_id in ids if comment_id.isdecimal()]
        if not numbers:
            return None
        told = self._site.ask("comment/list", {"ids": numbers}, {"expand": "properties"})
        for row in self._site.mapping(told, "comment/list").get("values") or ():
            for held in row.get("properties") or () if isinstance(row, Mapping) else ():
                value = held.get("value") if isinstance(held, Mapping) and held.get("key") == COPY_PROPERTY else None
                if isinstance(value, Mapping) and value.get("entry") == entry:
                    return str(row.get("id"))
        return None

    def _seen(self, comment_id: str | None) -> Receipt:
        return Receipt(self._site.caller.tracker_now(), comment_id)
