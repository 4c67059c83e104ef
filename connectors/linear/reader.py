"""Reads one Linear workspace: who we are there, what changed, what changed without any issue changing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from connectors.http import Sleep
from connectors.linear import histories
from connectors.linear.catalogue import Catalogue
from connectors.linear.census import census
from connectors.linear.documents import (
    COMMENTS,
    COMMENTS_AT_ONCE,
    ISSUE_BY_KEY,
    ISSUES_AT_ONCE,
    LOOK,
    MOVED,
)
from connectors.linear.labels import Ours
from connectors.linear.mapping import Dialect, in_scope, read_issue
from connectors.linear.memory import Begun, Changes, Memory, node_digest, short
from connectors.linear.paging import Filter, IssueWalk, Part, oldest_of, pages, taken_apart, told
from connectors.linear.talk import comment_seen
from connectors.linear.traces import NAMED_AT_ONCE, bearing, signed_comments
from connectors.linear.transport import Linear, NotTaken, Torn
from syncd.core.commands import CommentSeen, Heard
from syncd.core.errors import Gone, Unreadable
from syncd.core.model import Issue, IssueRef, Link, Person
from syncd.core.ports import (
    Birth,
    CensusPage,
    Clock,
    Found,
    LabelChange,
    Move,
    NoSuchField,
    Page,
    Sight,
    SignedComment,
    TrackerOptions,
)

OLDEST: Final = timedelta(days=7)
"""A first reading that began before is not gone on with."""

_NEAR: Final = {
    "field.status": "status", "field.state": "status", "field.priority": "priority", "field.project": "project",
    "field.team": "team", "field.label": "label", "field.labels": "label", "field.cycle": "sprint",
}  # fmt: skip
"""What may be meant by a custom field, of which Linear has none."""


@dataclass(frozen=True, slots=True)
class _Mapped:
    """A page of issues, read."""

    inside: tuple[Issue, ...]
    outside: tuple[Issue, ...]
    unreadable: tuple[Unreadable, ...]

    def page(self) -> Page:
        return Page(self.inside, self.unreadable, outside=self.outside)


class LinearReader:
    """A `TrackerReader` for Linear."""

    def __init__(self, options: TrackerOptions, clock: Clock, sleep: Sleep) -> None:
        self._linear = Linear(options, clock, sleep)
        self._options = options
        self._scope = tuple(options.scope.get("teams", ()))
        self._teams: tuple[Mapping[str, Any], ...] | None = None
        self._catalogue: Catalogue | None = None
        self._walk = IssueWalk(self._linear, "sprint" in options.fields)

    @property
    def requests(self) -> int:
        """How many HTTP requests were sent so far, retries counted."""
        return self._linear.requests

    def close(self) -> None:
        """Give connections back."""
        self._linear.close()

    # --- who we are -------------------------------------------------------------------------------------------

    def look_around(self) -> Sight:
        """The account, the clock, and which teams of the scope are visible: one request."""
        viewer: Mapping[str, Any] = {}
        teams: list[Mapping[str, Any]] = []
        cursor: str | None = None
        while True:
            data = self._linear.ask(LOOK, {"teams": self._scope, "after": cursor}).data
            viewer = data["viewer"] if isinstance(data["viewer"], Mapping) else {}
            part = taken_apart(data["teams"], "teams", self._options.id)
            teams += [row for _, row in part.rows if isinstance(row, Mapping)]
            if part.following is None or part.following == cursor:
                break
            cursor = part.following
        if not isinstance(viewer.get("id"), str):
            raise Unreadable(f"{self._options.id}: viewer.id is missing", tracker=self._options.id)
        self._teams = tuple(team for team in teams if team.get("key") in self._scope)
        seen = {team["key"] for team in self._teams}
        hidden = tuple(key for key in self._scope if key not in seen)
        account = viewer.get("email") or viewer.get("name") or viewer["id"]
        known = tuple(field for field in self._options.fields if field == "sprint")
        absent = tuple(_absent(field) for field in self._options.fields if field != "sprint")
        return Sight(str(account), self._linear.caller.skew, hidden, known, absent, account_id=str(viewer["id"]))

    # --- what changed -----------------------------------------------------------------------------------------

    def observe(self, since: datetime | None, memory: str = "") -> Iterator[Page]:
        """Catalogues first, then what their changes concern and what moved out, then issues, newest change first.

        Only the last page says how far has been read: up to the instant at which all of it began on the tracker's
        clock, for whatever changes meanwhile is newer (facts/linear.md §3). Not up to the newest change that its first
        page of issues shows: what moved out between the question for that and this page would be older than it.

        Each page of a first reading says in its memory how far it is, and the next one goes on there. A later reading
        that is cut off begins anew: it is short, and what it had read is kept.
        """
        teams = self._visible()
        if not teams:
            yield Page((), last=True)  # nothing can be read, so nothing is known to have been read: no read_to
            return
        kept = Memory.parse(memory)
        begun = self._begun(kept, teams) if since is None else None
        now_there = self._linear.caller.tracker_now()
        began, oldest = (now_there, None) if begun is None else (begun.began, begun.oldest)
        before = None if since is None else kept
        catalogue = self._catalogue = Catalogue.read(self._linear, self._options.marks, self._ours(before))
        now = Memory.of(catalogue.labels, catalogue.nodes, self._teams or (), before)
        now = replace(now, marks=catalogue.known_ours().marks)
        now = now if begun is None or kept is None else kept
        yield from _told(self._nodes(catalogue, before))
        if since is not None:
            changes = Changes(everything=True) if before is None else before.changes(now, catalogue.ids())
            for beside in (self._concerned(teams, changes), self._moved(since)):
                for page in beside:
                    yield from _told(page)
        for part in self._walk.run(self._changed_since(teams, since), oldest):
            page, oldest = self._mapped(part).page(), oldest_of(part, oldest)
            now = now.with_labels(catalogue.found_late)
            if part.following is None:
                page = replace(page, read_to=began, last=True, memory=replace(now, begun=None).text())
            elif since is None and oldest is not None:
                far = Begun(began, oldest, self._asked(teams))
                page = replace(page, memory=replace(now, begun=far).text())
            yield page

    def _asked(self, teams: Sequence[str]) -> tuple[str, ...]:
        return ("sprint" if self._walk.sprint else "", *teams)

    def _begun(self, kept: Memory | None, teams: Sequence[str]) -> Begun | None:
        """A first reading that goes on: it asked for the same, and not so long ago that most has changed since."""
        begun = None if kept is None else kept.begun
        if begun is None or begun.asked != self._asked(teams):
            return None
        return begun if self._linear.caller.tracker_now() - begun.began < OLDEST else None

    def _nodes(self, catalogue: Catalogue, before: Memory | None) -> Page:
        """Projects and initiatives that are new or otherwise than they were."""
        known = before.nodes if before else {}
        nodes = catalogue.nodes.by_id.values()
        changed = tuple(node for node in nodes if known.get(short(node.ref.id)) != node_digest(node))
        return Page((), catalogue.unreadable, outside=changed)

    def _changed_since(self, teams: Sequence[str], since: datetime | None) -> Filter:
        """Archived work, too, so that what was archived since is seen; but not all that ever was."""
        scope = {"team": {"key": {"in": list(teams)}}}
        if since is None:
            return {**scope, "archivedAt": {"null": True}}
        return {**scope, "updatedAt": {"gte": told(since - self._options.overlap)}}

    def _concerned(self, teams: Sequence[str], changes: Changes) -> Iterator[Page]:
        """The issues that show what changed beside them: a filter for each hundred names, never one by one."""
        scope = {"team": {"key": {"in": list(teams)}}, "archivedAt": {"null": True}}
        if changes.everything:
            wanted: list[Filter] = [scope]
        else:
            wanted = [{**scope, "labels": {"id": {"in": ids}}} for ids in _hundreds(changes.labels)]
            wanted += [{**scope, "project": {"id": {"in": ids}}} for ids in _hundreds(changes.projects)]
            renamed = sorted(changes.teams.intersection(teams))
            wanted += [{**scope, "team": {"key": {"in": renamed}}}] if renamed else []
        for one in wanted:
            for part in self._walk.run(one):
                yield self._mapped(part).page()

    def _moved(self, since: datetime) -> Iterator[Page]:
        """Issues of other teams, changed since, that once bore a key of a team in scope: they moved out."""
        changed = {"updatedAt": {"gte": told(since - self._options.overlap)}}
        wanted = {"filter": {"team": {"key": {"nin": list(self._scope)}}, **changed}}
        for part in pages(self._linear, MOVED, wanted):
            gone = [raw for _, raw in part.rows if isinstance(raw, Mapping) and self._was_ours(raw)]
            ids = [raw["id"] for raw in gone if isinstance(raw.get("id"), str)]
            if ids:
                yield self._mapped(self._walk.by_id(ids)).page()

    def _was_ours(self, raw: Mapping[str, Any]) -> bool:
        former = raw.get("previousIdentifiers")
        keys = former if isinstance(former, list) else ()
        return any(isinstance(key, str) and key.rpartition("-")[0] in self._scope for key in keys)

    # --- single issues ----------------------------------------------------------------------------------------

    def read(self, links: Sequence[Link]) -> Found:
        """Projects and initiatives from the catalogue, without a request; issues by id, 125 a request; the rest by key.

        Keys are asked for by team and number; only what that does not find is asked for one by one, for an old key
        still resolves, and in no filter (facts/linear.md §5).
        """
        catalogue = self._known()
        asked = list(dict.fromkeys(links))
        nodes = {link: node for link in asked if (node := catalogue.node(link)) is not None}
        ids = [link.id for link in asked if link not in nodes and link.id is not None]
        keys = [link.key for link in asked if link not in nodes and link.id is None and link.key]
        parts = [self._walk.by_id(ids), *self._by_key(keys)]
        read = [self._mapped(part) for part in parts]
        issues = {i.ref.id: i for one in read for i in (*one.inside, *one.outside)}
        unreadable = tuple(bad for one in read for bad in one.unreadable)
        answered = {(i.ref.id, i.key.casefold()) for i in issues.values()}
        answered |= {(bad.link.id or "", (bad.link.key or "").casefold()) for bad in unreadable if bad.link}
        found_ids, found_keys = {i for i, _ in answered}, {k for _, k in answered}
        left = [link for link in asked if link not in nodes and link.id not in found_ids]
        left = [link for link in left if link.id is not None or (link.key or "").casefold() not in found_keys]
        missing = []
        for link in left:
            one = self._by_old_key(link.key) if link.id is None and link.key else None
            if one is None:
                missing.append(link)
            else:
                read.append(one)
                issues.update((i.ref.id, i) for i in (*one.inside, *one.outside))
                unreadable += one.unreadable
        away = frozenset(issue.ref.id for one in read for issue in one.outside)
        return Found((*nodes.values(), *issues.values()), tuple(missing), unreadable, archived=away)

    def _by_key(self, keys: Iterable[str]) -> Iterator[Part]:
        numbers: dict[str, list[int]] = {}
        for key in keys:
            team, _, number = key.upper().rpartition("-")
            if team and number.isascii() and number.isdigit():
                numbers.setdefault(team, []).append(int(number))
        for team, of_team in sorted(numbers.items()):
            for start in range(0, len(of_team), ISSUES_AT_ONCE):
                part = of_team[start : start + ISSUES_AT_ONCE]
                yield from self._walk.run({"team": {"key": {"eq": team}}, "number": {"in": part}})

    def _by_old_key(self, key: str) -> _Mapped | None:
        """One issue by a key it no longer bears; None: not there or not visible, which nobody can tell apart."""
        if not key.upper().rpartition("-")[0] or not key.rpartition("-")[2].isdigit():
            return None
        try:
            data = self._linear.ask(ISSUE_BY_KEY, {"key": key.upper(), "sprint": self._walk.sprint}).data
        except (Gone, NotTaken):
            return None
        except Torn as torn:
            return _Mapped((), (), (Unreadable(str(torn), tracker=self._options.id, link=Link(None, key)),))
        return self._mapped(Part([("issue", data["issue"])]))

    # --- histories --------------------------------------------------------------------------------------------

    def label_changes(self, refs: Sequence[IssueRef]) -> Mapping[IssueRef, Sequence[LabelChange]]:
        """Ten issues a request, fifty entries of each; an issue with a longer history costs more."""
        return histories.all_label_changes(self._linear, refs, self._known().labels)

    def births(self, refs: Sequence[IssueRef]) -> Mapping[IssueRef, Birth]:
        """Who made them, 250 a request."""
        return histories.births(self._linear, refs)

    def moves(self, refs: Sequence[IssueRef]) -> Mapping[IssueRef, Sequence[Move]]:
        """Ten issues a request, fifty entries of each; an issue with a longer history costs more."""
        return histories.all_moves(self._linear, refs)

    def changers(self, at: Mapping[IssueRef, datetime]) -> Mapping[IssueRef, Person]:
        """By the newest fifty entries of each history, ten issues a request; else by who created it."""
        return histories.changers(self._linear, at)

    # --- comments ---------------------------------------------------------------------------------------------

    def comments(self, refs: Sequence[IssueRef], since: datetime | None) -> Iterator[Heard]:
        """All that were made or edited since, one request a hundred; from nothing those in which a command stands."""
        del refs  # a comment does not change its issue: the stream of comments tells all (facts/linear.md §6)
        teams = self._visible()
        if not teams:
            return
        within: Filter = {"issue": {"team": {"key": {"in": list(teams)}}}}
        if since is None:
            wanted = {**within, "body": {"containsIgnoreCase": "/outcome"}}
        else:
            wanted = {**within, "updatedAt": {"gte": told(since - self._options.overlap)}}
        for part in pages(self._linear, COMMENTS, {"filter": wanted}):
            yield Heard(self._comments(part))

    def comments_by_id(self, comments: Mapping[str, IssueRef]) -> Sequence[CommentSeen]:
        """A hundred a request; deleted ones are left out without a word."""
        ids, found = list(comments), list[CommentSeen]()
        for start in range(0, len(ids), COMMENTS_AT_ONCE):
            wanted = {"filter": {"id": {"in": ids[start : start + COMMENTS_AT_ONCE]}}}
            for part in pages(self._linear, COMMENTS, wanted):
                found += self._comments(part)
        return found

    def _comments(self, part: Part) -> tuple[CommentSeen, ...]:
        seen = (comment_seen(raw, self._options.id) for _, raw in part.rows)
        return tuple(one for one in seen if one is not None)

    # --- what syncd left ---------------------------------------------------------------------------------------

    def traces(self, refs: Sequence[IssueRef]) -> Mapping[IssueRef, Sequence[SignedComment]]:
        """Known by our account and by the ids that we draw: comments bear nothing else. 100 issues a request."""
        return signed_comments(self._linear, self._options.installation, [ref.id for ref in refs])

    def marked(self) -> Iterator[Sequence[Issue]]:
        """In whichever team, archived ones too: by our attachment, and by the labels of our groups."""
        labels = sorted(self._known().labels.marks)
        for wanted in bearing(self._options.installation, labels):
            for part in self._walk.run(wanted):
                read = self._mapped(part)
                yield (*read.inside, *read.outside)

    # --- the census -------------------------------------------------------------------------------------------

    def census(self, after: str = "") -> Iterator[CensusPage]:
        """Ids, keys and parents of the visible teams, 250 a request, by creation: no edit disturbs that order."""
        teams = self._visible()
        if not teams:
            yield CensusPage((), "", last=True)
            return
        yield from census(self._linear, teams, after)

    # --- what all of them need --------------------------------------------------------------------------------

    def _visible(self) -> tuple[str, ...]:
        if self._teams is None:
            self.look_around()
        return tuple(str(team["key"]) for team in self._teams or ())

    def _ours(self, before: Memory | None = None) -> Ours:
        """What of the labels was ours when last seen, by the memory or by an earlier cycle of this very reader."""
        if before is not None:
            return Ours(self._options.installation, frozenset(before.groups), before.marks)
        return Ours(self._options.installation) if self._catalogue is None else self._catalogue.known_ours()

    def _known(self) -> Catalogue:
        if self._catalogue is None:
            self._catalogue = Catalogue.read(self._linear, self._options.marks, self._ours())
        return self._catalogue

    def _mapped(self, part: Part) -> _Mapped:
        catalogue = self._known()
        borne = [raw.get("labelIds") for _, raw in part.rows if isinstance(raw, Mapping)]
        catalogue.know(label_id for ids in borne if isinstance(ids, list) for label_id in ids)
        dialect = Dialect(self._options.id, catalogue.labels, self._walk.sprint, self._options.installation)
        teams = frozenset(self._scope)
        inside: list[Issue] = []
        outside: list[Issue] = []
        unreadable = list(part.broken)
        for at, raw in part.rows:
            issue = read_issue(raw, dialect, at)
            if isinstance(issue, Unreadable):
                unreadable.append(issue)
            else:
                (inside if in_scope(raw, teams) else outside).append(issue)
        return _Mapped(tuple(inside), tuple(outside), tuple(unreadable))


def _told(page: Page) -> Iterator[Page]:
    """The page, if it says anything: a quiet cycle is one page."""
    if page.issues or page.outside or page.unreadable:
        yield page


def _absent(field: str) -> NoSuchField:
    near = _NEAR.get(field)
    return NoSuchField(field, (near,) if near else ())


def _hundreds(ids: Iterable[str]) -> Iterator[list[str]]:
    known = sorted(ids)
    yield from (known[i : i + NAMED_AT_ONCE] for i in range(0, len(known), NAMED_AT_ONCE))
