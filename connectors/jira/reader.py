"""Reads one Jira Cloud site: who we are there, what changed, and single issues past the search index."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from connectors.http import Rejected, Shared, Sleep
from connectors.jira.census import census
from connectors.jira.custom import Catalogue, Wanted
from connectors.jira.histories import BIRTH_FIELDS, birth, label_changes, moves
from connectors.jira.jql import bearing, changed_since
from connectors.jira.mapping import COPY_PROPERTY, Dialect, read_issue
from connectors.jira.parts import Row, walk_window, windows
from connectors.jira.remembered import Remembered
from connectors.jira.talk import changers, comments_by_id, comments_of, comments_with_commands
from connectors.jira.traces import LABELS_AT_ONCE, all_labels, signed_comments
from connectors.jira.transport import Site, read_refused
from syncd.core.commands import CommentSeen, Heard
from syncd.core.errors import Gone, Unavailable, Unreadable
from syncd.core.marks import is_mark
from syncd.core.model import Issue, IssueRef, Link, Person
from syncd.core.ports import (
    Birth,
    CensusPage,
    Clock,
    Found,
    LabelChange,
    Move,
    Page,
    Part,
    PartPage,
    Sight,
    SignedComment,
    TrackerOptions,
)

FETCHED_AT_ONCE: Final = 100  # bulkfetch refuses more (facts/jira.md §3)
HISTORIES_AT_ONCE: Final = 1000  # changelog/bulkfetch refuses more (OpenAPI)
MOST_EMPTY_PAGES: Final = 100


class CloudReader:
    """A `TrackerReader` for Jira Cloud."""

    def __init__(self, options: TrackerOptions, clock: Clock, sleep: Sleep, shared: Shared | None = None) -> None:
        self._site = Site(options, clock, sleep, shared)
        self._options, self._clock, self._sleep = options, clock, sleep
        self._projects = options.scope.get("projects", ())
        self._visible: tuple[str, ...] | None = None
        self._dialect: Dialect | None = None
        self._remembered: Remembered | None = None

    @property
    def requests(self) -> int:
        """How many HTTP requests were sent so far, retries counted."""
        return self._site.caller.requests

    @property
    def skew(self) -> timedelta:
        """The tracker's clock minus ours, as its last answer told it."""
        return self._site.caller.skew

    @property
    def budget(self) -> Mapping[str, float]:
        """What the site last said is left of its limits, by the name it gives them."""
        return self._site.caller.budget

    def close(self) -> None:
        """Give connections back."""
        self._site.close()

    def look_around(self) -> Sight:
        """The account, the clock, and which projects of the scope are visible.

        `/myself` comes first: other paths answer a lost credential with less instead of with 401 (facts/jira.md §8).
        """
        me = self._site.myself()
        if not isinstance(me.get("accountId"), str):
            raise Unreadable(f"{self._options.id}: myself.accountId is missing", tracker=self._options.id)
        wanted = self._known_dialect().wanted
        seen = self._site.projects(self._projects)  # a search in an invisible one is an empty page, no error (§1)
        self._visible = tuple(key for key in self._projects if key.casefold() in seen)
        hidden = tuple(key for key in self._projects if key.casefold() not in seen)
        account = me.get("emailAddress") or me.get("displayName") or me["accountId"]  # an email may be hidden, or ""
        return Sight(
            str(account), self._site.caller.skew, hidden, wanted.keys, wanted.absent, account_id=me["accountId"]
        )

    def observe(self, since: datetime | None, memory: str = "") -> Iterator[Page]:
        """Walk search/jql from `since` less the overlap, as long as there are pages.

        `read_to` of a page is the earliest `updated` on it: rows are sorted by what the index holds but may show
        what the database holds, so a later one may have jumped ahead of pages still to come. The last page says the
        instant at which the walk began on the tracker's clock: what changed up to then has been read, lag of the
        index aside, which the overlap covers (facts/jira.md §1); what changed during the walk is found by the next.
        """
        del memory  # the search tells all that it needs
        if self._visible is None:
            self.look_around()
        if not self._visible:
            yield Page((), last=True)  # nothing can be read, so nothing is known to have been read: no read_to
            return
        yield from self._walk(self._visible, since, may_restart=True)

    def _walk(self, projects: Sequence[str], since: datetime | None, *, may_restart: bool) -> Iterator[Page]:
        jql = changed_since(projects, None if since is None else since - self._options.overlap)
        began = self._site.caller.now()
        token, seen, empty, read_to = None, set[str](), 0, since
        while True:
            try:
                row = self._page(jql, token)
            except Rejected as rejected:
                if token is None or rejected.answer.status != 400:  # noqa: PLR2004  # a token that went stale
                    raise read_refused(rejected) from rejected
                if not may_restart:
                    raise Unavailable(f"{rejected} (page token refused twice)", tracker=self._options.id) from rejected
                yield from self._walk(projects, read_to, may_restart=False)
                return
            walk_began = began + self._site.caller.skew
            read_to = _read_to(read_to, row, walk_began)
            token = row.next_token
            if token is None:
                yield Page(row.issues, row.unreadable, walk_began, last=True)
                return
            empty = 0 if row.issues or row.unreadable else empty + 1
            if token in seen or empty > MOST_EMPTY_PAGES:
                message = f"{self._options.id}: search/jql goes round in circles (a page token came twice)"
                raise Unavailable(message, tracker=self._options.id)
            seen.add(token)
            yield Page(row.issues, row.unreadable, read_to)

    def _page(self, jql: str, token: str | None) -> Row:
        answer = self._site.search(jql, token, self._known_dialect().fields, (COPY_PROPERTY,))
        issues, unreadable = self._issues(answer)
        next_token = answer.get("nextPageToken") or None
        if answer.get("isLast") is True:
            next_token = None
        elif next_token is None and answer.get("isLast") is False:
            raise Unreadable(f"{self._options.id}: search/jql has more but tells no token", tracker=self._options.id)
        return Row(issues, unreadable, None if next_token is None else str(next_token))

    def census(self, after: str = "") -> Iterator[CensusPage]:
        """Ids and keys of the visible projects, 5,000 a request."""
        if self._visible is None:
            self.look_around()
        if not self._visible:
            yield CensusPage((), "", last=True)
            return
        yield from census(self._site, self._visible, after)

    def parts(self, at_least: int) -> Sequence[Part]:
        """Windows of creation, halved until each holds little enough; none where all is soon read in one walk."""
        if self._visible is None:
            self.look_around()
        return windows(self._site, self._visible or (), at_least)

    def observe_part(self, name: str, after: str = "") -> Iterator[PartPage]:
        """A window, oldest issue first."""
        if self._visible is None:
            self.look_around()
        yield from walk_window(self._site.tracker, self._page, self._visible or (), name, after)

    def beside(self) -> "CloudReader":
        """A reader with connections of its own."""
        other = CloudReader(self._options, self._clock, self._sleep, self._site.caller.shared)
        other._visible, other._dialect = self._visible, self._known_dialect()  # one of us
        return other

    def read(self, links: Sequence[Link]) -> Found:
        """Those issues through bulkfetch, 100 a request.

        It leaves out what is missing without a word and answers a moved issue under its new key; which key that was
        is then asked one by one, only for keys left over while answers are.
        """
        found: dict[str, Issue] = {}
        missing: list[Link] = []
        unreadable: list[Unreadable] = []
        asked = list(dict.fromkeys(links))
        for start in range(0, len(asked), FETCHED_AT_ONCE):
            part = asked[start : start + FETCHED_AT_ONCE]
            issues, wrong = self._fetch(part)
            unreadable += wrong
            left, spare = _left_over(part, issues, wrong)
            absent, met = self._moved(left, spare)
            missing += absent
            found.update((issue.ref.id, issue) for issue in (*issues, *met))
        return Found(tuple(found.values()), tuple(missing), tuple(unreadable))

    def label_changes(self, refs: Sequence[IssueRef]) -> Mapping[IssueRef, Sequence[LabelChange]]:
        """Through changelog/bulkfetch, 1000 issues a request and as many pages as there are (facts/jira.md §4)."""
        found: dict[IssueRef, list[LabelChange]] = {}
        ids = list(dict.fromkeys(ref.id for ref in refs))
        for start in range(0, len(ids), HISTORIES_AT_ONCE):
            for logs in self._histories(ids[start : start + HISTORIES_AT_ONCE]):
                for change in label_changes(logs, self._options.id):
                    found.setdefault(change.ref, []).append(change)
        return {ref: sorted(changes, key=lambda change: change.at) for ref, changes in found.items()}

    def changers(self, at: Mapping[IssueRef, datetime]) -> Mapping[IssueRef, Person]:
        """Through changelog/bulkfetch, all fields; an issue without a change was made by its creator."""
        refs = list(at)
        logs = list(self._whole_histories(refs))
        born = {ref: birth.by for ref, birth in self.births(refs).items()}
        return changers(logs, born, at, self._options.id)

    def moves(self, refs: Sequence[IssueRef]) -> Mapping[IssueRef, Sequence[Move]]:
        """Through changelog/bulkfetch, all fields: what Jira calls the change of a parent has no field id."""
        found: dict[IssueRef, list[Move]] = {}
        for logs in self._whole_histories(refs):
            for move in moves(logs, self._options.id):
                found.setdefault(move.ref, []).append(move)
        return {ref: sorted(told, key=lambda move: move.at) for ref, told in found.items()}

    def comments(self, refs: Sequence[IssueRef], since: datetime | None) -> Iterator[Heard]:
        """All comments of those issues: one that is made changes its issue. From nothing, by a text search."""
        if since is not None:
            yield from comments_of(self._site, refs)
            return
        if self._visible is None:
            self.look_around()
        if self._visible:
            yield from comments_with_commands(self._site, self._visible)

    def comments_by_id(self, comments: Mapping[str, IssueRef]) -> Sequence[CommentSeen]:
        """Through comment/list, which does not tell on which issues they stand."""
        return comments_by_id(self._site, list(comments), comments)

    def _whole_histories(self, refs: Sequence[IssueRef]) -> Iterator[Any]:
        for start in range(0, len(refs), HISTORIES_AT_ONCE):
            yield from self._histories([ref.id for ref in refs[start : start + HISTORIES_AT_ONCE]], ())

    def _histories(self, ids: Sequence[str], fields: Sequence[str] = ("labels",)) -> Iterator[Any]:
        body: dict[str, Any] = {"issueIdsOrKeys": list(ids), "maxResults": HISTORIES_AT_ONCE}
        body |= {"fieldIds": list(fields)} if fields else {}
        seen = set[str]()
        while True:
            answer = self._site.mapping(self._site.ask("changelog/bulkfetch", body), "changelog/bulkfetch")
            yield answer.get("issueChangeLogs")
            token = answer.get("nextPageToken")
            if not token:
                return
            if token in seen:
                message = f"{self._options.id}: changelog/bulkfetch goes round in circles (a page token came twice)"
                raise Unavailable(message, tracker=self._options.id)
            seen.add(token)
            body = body | {"nextPageToken": token}

    def births(self, refs: Sequence[IssueRef]) -> Mapping[IssueRef, Birth]:
        """Creators and links for copies, 100 issues a request. A creation stands in no changelog (facts/jira.md §4)."""
        found: dict[IssueRef, Birth] = {}
        ids = list(dict.fromkeys(ref.id for ref in refs))
        for start in range(0, len(ids), FETCHED_AT_ONCE):
            body = {"issueIdsOrKeys": ids[start : start + FETCHED_AT_ONCE], "fields": list(BIRTH_FIELDS)}
            answer = self._site.mapping(self._site.ask("issue/bulkfetch", body), "issue/bulkfetch")
            for raw in answer.get("issues") or ():
                told = birth(raw) if isinstance(raw, Mapping) else None
                if told is not None:
                    found[IssueRef(self._options.id, str(raw.get("id")))] = told
        return found

    def traces(self, refs: Sequence[IssueRef]) -> Mapping[IssueRef, Sequence[SignedComment]]:
        """100 issues a request for their comments, 1000 comments a request for their properties (facts/jira.md §5)."""
        return signed_comments(self._site, [ref.id for ref in refs])

    def marked(self) -> Iterator[Sequence[Issue]]:
        """A search knows labels by their whole names only: first those that there are, then who bears them."""
        names = [name for name in all_labels(self._site) if is_mark(name, self._options.marks)]
        for start in range(0, len(names), LABELS_AT_ONCE):
            token, jql = None, bearing(names[start : start + LABELS_AT_ONCE])
            while True:
                row = self._page(jql, token)
                yield row.issues
                if row.next_token is None or row.next_token == token:
                    break
                token = row.next_token

    def _fetch(self, links: Sequence[Link]) -> tuple[tuple[Issue, ...], tuple[Unreadable, ...]]:
        names = list(dict.fromkeys(name for link in links if (name := link.id or link.key)))
        if not names:
            return (), ()
        body = {
            "issueIdsOrKeys": names,
            "fields": list(self._known_dialect().fields),
            "properties": [COPY_PROPERTY],
        }
        answer = self._site.mapping(self._site.ask("issue/bulkfetch", body), "issue/bulkfetch")
        issues, unreadable = self._sorted_out(answer, self._directly_read)
        for error in answer.get("issueErrors") or ():  # could not be returned now: no sign that it is missing
            told = error.get("id") if isinstance(error, Mapping) else None
            again = self._one(str(told)) if told else None
            if isinstance(again, Issue):
                issues += (again,)
            elif again is not None:
                unreadable += (again,)
        return issues, unreadable

    def _moved(self, left: Sequence[Link], spare: int) -> tuple[list[Link], list[Issue]]:
        """Of links by key that nothing answered to: those truly missing, and the moved ones' issues."""
        missing: list[Link] = []
        met: list[Issue] = []
        for link in left:
            answer = self._one(link.key) if spare > len(met) and link.key and not link.id else None
            if isinstance(answer, Issue):
                met.append(answer)
            elif answer is None:
                missing.append(link)
        return missing, met

    def _one(self, name: str) -> Issue | Unreadable | None:
        """One issue by id or (old) key; None: not there or not visible, which nobody can tell apart."""
        dialect = self._known_dialect()
        params = {"fields": ",".join(dialect.fields), "properties": COPY_PROPERTY}
        try:
            return read_issue(self._site.get(f"issue/{quote(name, safe='')}", params), dialect)
        except Gone:
            return None

    def _directly_read(self, raw: Any, where: str) -> Issue | Unreadable:
        if self._remembered is None:
            self._remembered = Remembered(self._known_dialect())
        return self._remembered.read(raw, where)

    def _issues(self, answer: Mapping[str, Any]) -> tuple[tuple[Issue, ...], tuple[Unreadable, ...]]:
        dialect = self._known_dialect()
        return self._sorted_out(answer, lambda raw, where: read_issue(raw, dialect, where))

    def _sorted_out(
        self, answer: Mapping[str, Any], mapped: Callable[[Any, str], Issue | Unreadable]
    ) -> tuple[tuple[Issue, ...], tuple[Unreadable, ...]]:
        rows = answer.get("issues")
        if not isinstance(rows, list):
            raise Unreadable(f"{self._options.id}: the answer holds no list of issues", tracker=self._options.id)
        read = [mapped(raw, f"issues[{i}]") for i, raw in enumerate(rows)]
        issues = tuple(issue for issue in read if isinstance(issue, Issue))
        return issues, tuple(wrong for wrong in read if isinstance(wrong, Unreadable))

    def _known_dialect(self) -> Dialect:
        if self._dialect is None:
            told = Catalogue.of(self._site.fields())
            wanted = Wanted.of(self._options.fields, told)
            self._dialect = Dialect(self._options.id, self._site.browse(), self._options.marks, told.epic_links, wanted)
        return self._dialect


def _read_to(before: datetime | None, row: Row, walk_began: datetime) -> datetime | None:
    """How far a page lets us say that all has been read: never back, never beyond the walk's beginning."""
    if row.unreadable or not row.issues:  # an unreadable row's `updated` may be the earliest
        return before
    reached = min(walk_began, *(issue.updated for issue in row.issues))
    return reached if before is None else max(before, reached)


def _left_over(
    asked: Sequence[Link], issues: Sequence[Issue], unreadable: Sequence[Unreadable]
) -> tuple[list[Link], int]:
    """Links that nothing answered to, and how many answers belong to no link (moved issues, under new keys)."""
    answered = [(issue.ref.id, issue.key.casefold()) for issue in issues]
    answered += [(wrong.link.id or "", (wrong.link.key or "").casefold()) for wrong in unreadable if wrong.link]
    ids, keys = {i for i, _ in answered}, {k for _, k in answered}
    left = [link for link in asked if not (link.id in ids if link.id else (link.key or "").casefold() in keys)]
    wanted = {link.id for link in asked if link.id} | {(link.key or "").casefold() for link in asked if not link.id}
    spare = sum(1 for i, k in answered if i not in wanted and k not in wanted)
    return left, spare
