"""What the account may do, asked once each, and edits without mail where Jira lets them be silent."""

from typing import Any, Final

from connectors.http import Answer, Rejected
from connectors.jira.transport import Site
from syncd.core.errors import Denied

SILENCE_RIGHTS: Final = ("ADMINISTER_PROJECTS", "ADMINISTER")
"""Either lets a write go without mail (facts/jira.md §5)."""
RIGHTS: Final = ("EDIT_ISSUES", "ADD_COMMENTS", "EDIT_OWN_COMMENTS", "DELETE_OWN_COMMENTS", *SILENCE_RIGHTS)
BULK_RIGHT: Final = "BULK_CHANGE"
SILENCE: Final = {"notifyUsers": "false"}
_FORBIDDEN: Final = 403


class Rights:
    """The account's rights on one site. Lives as long as a writer: a right that was granted counts in the next pass."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._in_project: dict[str, frozenset[str]] = {}
        self._loud: set[str] = set()
        self._bulk: bool | None = None

    def within(self, project: str) -> frozenset[str]:
        """Those of `RIGHTS` that it has in a project."""
        if project not in self._in_project:
            self._in_project[project] = self._site.permissions(project, RIGHTS)
        return self._in_project[project]

    def may_bulk(self) -> bool:
        """Whether it may change issues in bulk, which is one right for the whole site."""
        if self._bulk is None:
            self._bulk = BULK_RIGHT in self._site.permissions(None, (BULK_RIGHT,))
        return self._bulk

    def put_silently(self, project: str, path: str, body: Any, right: str) -> Answer | None:
        """PUT without mail; None: the account may write there, but not in silence. Nothing was written then.

        Without an admin's right Jira refuses the whole edit with a 403, in the account's language (facts/jira.md §5):
        what the 403 is about is judged by the account's rights, not by the words. Other refusals are raised.
        """
        if project in self._loud:
            return None
        try:
            return self._site.send("PUT", path, body, SILENCE)
        except Rejected as rejected:
            if rejected.answer.status != _FORBIDDEN:
                raise
            rights = self.within(project)
            if right not in rights or rights & set(SILENCE_RIGHTS):
                raise
        self._loud.add(project)
        return None

    def denied(
        self, why: object, need: str, project: str, *, of_type: str | None = None, key: str | None = None
    ) -> Denied:
        """What a refusal comes to that a right would lift; on issues `of_type` alone, or on the one of that `key`."""
        return Denied(str(why), need=need, tracker=self._site.tracker, project=project, type=of_type, key=key)
