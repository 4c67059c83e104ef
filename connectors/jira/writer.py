"""Writes to one Jira Cloud site: each action is one request, signed, silent where Jira lets it be."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from connectors.http import Params, Rejected, Sleep, meaning
from connectors.jira.mapping import COPY_PROPERTY
from connectors.jira.marking import BULK_FROM, Marking
from connectors.jira.rights import Rights
from connectors.jira.transport import Site
from syncd.core.errors import Denied, Exposed, Gone, InDoubt, Stale, TrackerError, Unavailable, Unreadable
from syncd.core.marks import comment_digest
from syncd.core.model import Action, IssueRef, Receipt
from syncd.core.ports import Clock, CommentRenderer, Signature, Signed, TrackerOptions

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
        self._rights = Rights(self._site)
        self._marking = Marking(self._site, self._rights, signature, sleep, mail=options.mail)
        self._kinds: dict[str, str] = {}
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
        """From how many marks on a bulk edit needs fewer requests than one for each."""
        return BULK_FROM

    @property
    def most_together(self) -> int:
        """Bulk edits at once times issues in one; 1 where the account may not change in bulk (asked once)."""
        return self._marking.most_together()

    def together(self, action: Action) -> str | None:
        """Marks by the same change of labels."""
        return repr((action.add, action.remove)) if action.kind == "mark" else None

    def write(self, action: Action, entry: str) -> Receipt:
        """Do it, once. `InDoubt` when no answer came; see `TrackerWriter` and DESIGN §7 for the rest.

        A 400 that is not understood is a plain `TrackerError`: sending the same again will not help.
        """
        match action.kind:
            case "mark":
                return self._marking.write(action)
            case "comment" if action.comment_id is None:
                return self._create(action, entry)
            case "comment":
                return self._edit(action, entry)
            case "uncomment":
                return self._remove(action)
            case "unsign":
                return self._unsign(action)

    def tidy(self) -> tuple[str, ...]:
        """Nothing to do: a label that no issue bears is none in Jira."""
        return ()

    def write_together(self, portion: Sequence[Signed]) -> Sequence[Receipt | TrackerError]:
        """One bulk edit for every thousand issues, then one write of the copy; see `TrackerWriter`."""
        return self._marking.write_together([signed.action for signed in portion])

    def _unsign(self, action: Action) -> Receipt:
        """The copy goes. One that is gone already was taken off by somebody else."""
        try:
            answer = self._site.send("DELETE", f"issue/{action.ref.id}/properties/{COPY_PROPERTY}")
        except Rejected as rejected:
            if rejected.answer.status == 404:  # noqa: PLR2004  # HTTP's own
                return Receipt(rejected.answer.at)
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
        if service:
            self._keep_internal(action, comment_id)
        return Receipt(answer.at, comment_id)

    def _edit(self, action: Action, entry: str) -> Receipt:
        path = f"issue/{action.ref.id}/comment/{action.comment_id}"
        service = self._is_service_project(action.project)
        body = self._comment(action, entry, service)
        try:
            answer = self._rights.put_silently(action.project, path, body, "EDIT_OWN_COMMENTS")
            if answer is None and self._options.mail:
                answer = self._site.send("PUT", path, body)
        except Rejected as rejected:
            if not self._comment_is_there(action):
                raise Stale(str(rejected), tracker=self._options.id) from rejected
            raise self._comment_refused(rejected, action, "EDIT_OWN_COMMENTS", "Edit own comments") from rejected
        if answer is None:
            why = f"{self._options.id}: the comment on {action.key} cannot be edited without mail."
            need = f"Administer projects in {action.project}, so that comment edits do not mail watchers"
            raise self._rights.denied(why, need, action.project)
        if service and action.comment_id is not None:
            self._keep_internal(action, action.comment_id)
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
            "digest": comment_digest(action),
        }
        properties = [{"key": COPY_PROPERTY, "value": value}] + ([dict(INTERNAL)] if service else [])
        return {"body": self._render(action.comment), "properties": properties}

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
        """Read a comment back; one that customers can see is deleted at once, and none follows in that project.

        Where that cannot be done now the write is in doubt: it is looked up, and so read back, until it can.
        """
        path = f"issue/{action.ref.id}/comment/{comment_id}"
        try:
            if self._site.mapping(self._site.get(path), "comment").get("jsdPublic") is False:
                return
            self._public.add(action.project)
            self._take_back(path)
        except Gone:
            return
        except Rejected as rejected:
            raise self._shown_to_customers(action, f"{comment_id} cannot be deleted: {rejected}") from rejected
        except (Unavailable, Unreadable) as failed:
            message = f"{self._options.id}: the comment on {action.key} is there, but not read back: {failed}"
            raise InDoubt(message, tracker=self._options.id) from failed
        raise self._shown_to_customers(action)

    def _take_back(self, path: str) -> None:
        """Delete it; that somebody else did so first is as good."""
        try:
            self._site.send("DELETE", path)
        except Gone:
            return

    def _shown_to_customers(self, action: Action, more: str = "it was deleted") -> Exposed:
        message = f"{self._options.id}: a comment on {action.key} was public to customers; {more}"
        need = "internal comments through the platform API in this service project"
        return Exposed(message, need=need, tracker=self._options.id, project=action.project)

    # --- refusals ---

    def _comment_refused(self, rejected: Rejected, action: Action, right: str, name: str) -> TrackerError:
        """Jira refuses a comment for want of a right with 400, not 403 (facts/jira.md §5)."""
        match rejected.answer.status:
            case 413:
                need = f"room for a comment on {action.key}: it holds as many as can be"
                return self._rights.denied(rejected, need, action.project, key=action.key)
            case 400 | 403 if right not in self._rights.within(action.project):
                return self._rights.denied(rejected, name, action.project)
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
                (shown,) = self._marking.look_together([action])
                if isinstance(shown, TrackerError):
                    raise shown
                return shown
            case "comment" if action.comment_id is None:
                return self._look_for(action, entry)
            case "comment":
                found = self._signed([action.comment_id or ""], lambda value: value.get("entry") == entry)
                return self._read_back(action, found)
            case "uncomment":
                return None if self._comment_is_there(action) else self._seen(None)
            case "unsign":
                return None if self._copy_is_there(action) else self._seen(None)

    def look_together(self, portion: Sequence[Signed]) -> Sequence[Receipt | TrackerError | None]:
        """Marks a hundred a request, the others one by one."""
        marks = {one.entry: one.action for one in portion if one.action.kind == "mark"}
        found = dict(zip(marks, self._marking.look_together(list(marks.values())), strict=True))
        return [found[one.entry] if one.entry in marks else self._looked(one) for one in portion]

    def _copy_is_there(self, action: Action) -> bool:
        try:
            self._site.get(f"issue/{action.ref.id}/properties/{COPY_PROPERTY}")
        except Gone:
            return False
        return True

    def _looked(self, one: Signed) -> Receipt | TrackerError | None:
        try:
            return self.look(one.action, one.entry)
        except TrackerError as failed:
            return failed

    def _look_for(self, action: Action, entry: str) -> Receipt | None:
        """The comment that bears an entry's key. Whoever lost the answer did not read it back: that is done here."""
        found = self._found(action.ref, lambda value: value.get("entry") == entry)
        return self._read_back(action, found)

    def _read_back(self, action: Action, found: str | None) -> Receipt | None:
        if found is not None and self._is_service_project(action.project):
            self._keep_internal(action, found)
        return None if found is None else self._seen(found)

    def _found(self, ref: IssueRef, ours: Callable[[Mapping[str, Any]], bool]) -> str | None:
        """A comment of ours by its property, newest first: what was sent just now stands at the front."""
        for page in range(MOST_PAGES):
            params: Params = {"startAt": page * COMMENTS_A_PAGE, "maxResults": COMMENTS_A_PAGE, "orderBy": "-created"}
            told = self._site.mapping(self._site.get(f"issue/{ref.id}/comment", params), "comments")
            rows = told.get("comments") or []
            ids = [str(row["id"]) for row in rows if isinstance(row, Mapping) and row.get("id")]
            found = self._signed(ids, ours)
            if found:
                return found
            total = told.get("total")
            if not rows or (isinstance(total, int) and total <= (page + 1) * COMMENTS_A_PAGE):
                return None
        return None

    def _signed(self, ids: list[str], ours: Callable[[Mapping[str, Any]], bool]) -> str | None:
        """The first of those comments whose property is `ours`. Only comment/list tells properties in bulk."""
        numbers = [int(comment_id) for comment_id in ids if comment_id.isdecimal()]
        if not numbers:
            return None
        told = self._site.ask("comment/list", {"ids": numbers}, {"expand": "properties"})
        for row in self._site.mapping(told, "comment/list").get("values") or ():
            for held in row.get("properties") or () if isinstance(row, Mapping) else ():
                value = held.get("value") if isinstance(held, Mapping) and held.get("key") == COPY_PROPERTY else None
                if isinstance(value, Mapping) and ours(value):
                    return str(row.get("id"))
        return None

    def _seen(self, comment_id: str | None) -> Receipt:
        return Receipt(self._site.caller.tracker_now(), comment_id)
