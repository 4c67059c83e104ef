"""Writes to one Linear workspace: equal marks fifty at a time, the copy in the same request, one comment of our own.

Labels go as deltas, never as a set, and never two of one group (facts/linear.md §5). A refused request was done
nowhere: what is to blame is looked at, and the others are sent again. A request without a clear answer is in doubt,
issue by issue.
"""

import re
from collections.abc import Mapping, Sequence
from html import unescape
from typing import Any, Final

from connectors.http import Sleep
from connectors.linear.documents import (
    COMMENT_CREATE,
    COMMENT_DELETE,
    COMMENT_UPDATE,
    COMMENTED,
    MARKED,
    MARKS_AT_ONCE,
    marking,
)
from connectors.linear.ids import CONFLICT, comment_id
from connectors.linear.own_labels import OurLabels
from connectors.linear.signs import copy_metadata, copy_of, copy_url, group_names
from connectors.linear.transport import KEY_NEEDED, Linear, Refusal, Reply
from syncd.core.errors import Denied, Gone, InDoubt, Stale, TrackerError, Unavailable
from syncd.core.model import Action, Copy, Receipt
from syncd.core.ports import Clock, CommentRenderer, Signature, Signed, TrackerOptions

FULL: Final = "Quota exceeded"
"""How Linear's refusal of an issue's 2,001st comment begins (facts/linear.md §5)."""
LONGEST_SUBTITLE: Final = 200
TRIES: Final = 2
"""How often a refusal of several marks is looked into, before each is sent for itself."""

Came = Receipt | TrackerError


class LinearWriter:
    """A `TrackerWriter` for Linear. Knows the label catalogue from its first write on."""

    least_together: int = 2
    most_together: int = MARKS_AT_ONCE

    def __init__(
        self, options: TrackerOptions, clock: Clock, signature: Signature, render: CommentRenderer, sleep: Sleep
    ) -> None:
        self._linear = Linear(options, clock, sleep)
        self._labels = OurLabels(self._linear, options.marks, signature.installation)
        self._groups = group_names(options.marks)
        self._signature = signature
        self._render = render

    @property
    def requests(self) -> int:
        """How many HTTP requests were sent so far."""
        return self._linear.requests

    def close(self) -> None:
        """Give connections back."""
        self._linear.close()

    def together(self, action: Action) -> str | None:
        """Marks with one delta go together; comments alone."""
        return repr((action.add, action.remove)) if action.kind == "mark" else None

    def write(self, action: Action, entry: str) -> Receipt:
        """Do it, once. `InDoubt` when no answer came; see `TrackerWriter` and DESIGN §7 for the rest."""
        match action.kind:
            case "mark" | "unsign":  # an attachment goes with its mark; without one, it goes alone
                (came,) = self.write_together([Signed(action, entry)])
                if isinstance(came, TrackerError):
                    raise came
                return came
            case "comment" if action.comment_id is None:
                return self._create(action, entry)
            case "comment":
                return self._edit(action)
            case "uncomment":
                return self._remove(action)

    def look(self, action: Action, entry: str) -> Receipt | None:
        """Whether that very write was done. The receipt bears the time of looking."""
        (came,) = self.look_together([Signed(action, entry)])
        if isinstance(came, TrackerError):
            raise came
        return came

    def tidy(self) -> tuple[str, ...]:
        """Take away our labels and groups that no issue bears any more; their names."""
        return self._labels.sweep()

    # --- marks ---

    def write_together(self, portion: Sequence[Signed]) -> Sequence[Came]:
        """Marks of one delta, in one request; after a refusal in as few more as it takes to find who is to blame.

        Raises only when nothing was sent: labels that cannot be had, or no way to the server.
        """
        actions = [signed.action for signed in portion]
        delta = self._delta(actions[0])
        came: dict[str, Came] = {}
        self._mark(actions, delta, came, tries=TRIES)
        return [came[action.ref.id] for action in actions]

    def _delta(self, action: Action) -> Mapping[str, Any]:
        """The labels to add and to remove. One that is not in the workspace any more needs no removing."""
        gone = [label for mark in action.remove if (label := self._labels.known(mark)) is not None]
        return {"addedLabelIds": [self._labels.wanted(mark) for mark in action.add], "removedLabelIds": gone}

    def _mark(self, actions: Sequence[Action], delta: Mapping[str, Any], came: dict[str, Came], *, tries: int) -> None:
        """One request for these issues. A refusal is looked into as long as there are `tries`."""
        try:
            reply = self._send_marks(actions, delta, came)
        except Unavailable as error:
            if not came:
                raise
            came.update((action.ref.id, error) for action in actions if action.ref.id not in came)
        except Denied as denied:
            self._denied_marks(actions, delta, came, denied)
        except (Refusal, Gone) as refused:
            if tries:
                self._find_who(actions, delta, came, refused, tries=tries - 1)
            else:
                came.update((action.ref.id, self._meant(refused, action)) for action in actions)
        except TrackerError as error:
            came.update((action.ref.id, error) for action in actions if action.ref.id not in came)
        else:
            self._settle(actions, came, reply)

    def _denied_marks(
        self, actions: Sequence[Action], delta: Mapping[str, Any], came: dict[str, Came], denied: Denied
    ) -> None:
        """A team that may not be written takes no other with it; a key that is not good is nobody's."""
        projects = sorted({action.project for action in actions})
        if denied.need.startswith(KEY_NEEDED):
            came.update((action.ref.id, denied) for action in actions)
        elif len(projects) == 1:
            error = self._denied(denied, actions[0], "edit issues")
            came.update((action.ref.id, error) for action in actions)
        else:
            for project in projects:
                self._mark([action for action in actions if action.project == project], delta, came, tries=TRIES)

    def _send_marks(self, actions: Sequence[Action], delta: Mapping[str, Any], came: dict[str, Came]) -> Reply | None:
        """The labels and the copies in one document. None: there was nothing to do for any of them."""
        copies = [self._copy(action) for action in actions if action.add]
        stale = [] if copies else self._copies_on(actions, came)
        left = [action.ref.id for action in actions if action.ref.id not in came]
        if not left or not (any(delta.values()) or copies or stale):
            return None
        document = marking(len(left), copies=len(copies), dropped=len(stale))
        named: dict[str, Any] = {"id": left[0]} if len(left) == 1 else {"ids": left}
        told = {f"c{n}": copy for n, copy in enumerate(copies)} | {f"d{n}": copy for n, copy in enumerate(stale)}
        return self._linear.send(document, {**named, "input": dict(delta), **told})

    def _copies_on(self, actions: Sequence[Action], came: dict[str, Came]) -> list[str]:
        """The attachments that say a mark which is to go; and what cannot be written at all is told at once."""
        states = self._states(actions)
        for action in actions:
            hindered = self._hindered(states.get(action.ref.id), action)
            if hindered is not None:
                came[action.ref.id] = hindered
        return [str(row["id"]) for issue, state in states.items() if issue not in came for row in _attached(state)]

    def _copy(self, action: Action) -> dict[str, Any]:
        mark = action.add[0]
        group = next((group for group in self._groups if mark.startswith(f"{group}/")), self._groups[0])
        copy = Copy(self._signature.installation, self._signature.instance, mark)
        return {
            "issueId": action.ref.id,
            "url": copy_url(self._signature.installation),
            "title": f"{group}: {mark.removeprefix(f'{group}/')}",
            "subtitle": _by(action.why)[:LONGEST_SUBTITLE],
            "metadata": copy_metadata(copy),
        }

    def _settle(self, actions: Sequence[Action], came: dict[str, Came], reply: Reply | None) -> None:
        """A receipt for each issue that the answer tells of, and doubt for the others.

        Where it acknowledges a write and shows labels that are not as they should be, a later observation shows that
        too: such a write was lost, and is not sent again and again.
        """
        at = self._linear.caller.tracker_now() if reply is None else reply.at
        shown = None if reply is None else _shown(reply)
        for action in actions:
            if action.ref.id in came:
                continue
            if shown is None or isinstance(shown.get(action.ref.id), list):
                came[action.ref.id] = Receipt(at)
            else:
                message = f"{self._linear.tracker}: {action.key} is not marked in the answer to its marking"
                came[action.ref.id] = InDoubt(message, tracker=self._linear.tracker)

    def _find_who(
        self,
        actions: Sequence[Action],
        delta: Mapping[str, Any],
        came: dict[str, Came],
        refused: TrackerError,
        *,
        tries: int,
    ) -> None:
        """Nothing was done: tell those that cannot be written, and send the others again.

        Where every issue looks well, and is not the only one, each is sent for itself; so one that Linear dislikes
        for a reason that nobody can see takes no other with it.
        """
        self._labels.forget()  # a label that went is made anew
        fresh = self._delta(actions[0])
        states = self._states(actions)
        for action in actions:
            hindered = self._hindered(states.get(action.ref.id), action, fresh)
            if hindered is not None:
                came[action.ref.id] = hindered
        left = [action for action in actions if action.ref.id not in came]
        if left and (len(left) < len(actions) or fresh != delta):
            self._mark(left, fresh, came, tries=tries)
        elif len(left) == 1:
            came[left[0].ref.id] = self._meant(refused, left[0])
        else:
            for action in left:
                self._mark([action], fresh, came, tries=0)

    def _hindered(
        self, state: Mapping[str, Any] | None, action: Action, delta: Mapping[str, Any] | None = None
    ) -> TrackerError | None:
        """Why that issue cannot be written; None: it looks as if it could."""
        tracker = self._linear.tracker
        if state is None:
            return Gone(f"{tracker}: {action.key} is not there, or not visible", tracker=tracker)
        if state.get("archivedAt") is not None or state.get("trashed") is True:
            return Stale(f"{tracker}: {action.key} is archived, and cannot be written", tracker=tracker)
        if delta is None:
            return None
        there, removed = {*(state.get("labelIds") or ())}, {*delta["removedLabelIds"]}
        if there & (self._labels.rivals(delta["addedLabelIds"]) - removed):
            return Stale(f"{tracker}: {action.key} bears another label of that group by now", tracker=tracker)
        if removed - there:
            return Stale(f"{tracker}: {action.key} does not bear any more what is to go", tracker=tracker)
        return None

    def _meant(self, refused: TrackerError, action: Action) -> TrackerError:
        """What a refusal of one issue's marks comes to: somebody put another label of that group on, or it moved."""
        if isinstance(refused, Refusal) and any(fault.message.startswith("labelIds") for fault in refused.faults):
            return Stale(f"{action.key}: {refused}", tracker=refused.tracker)
        return refused

    def _states(self, actions: Sequence[Action]) -> dict[str, Mapping[str, Any]]:
        """What is on those issues now, by id; missing ones are absent."""
        found: dict[str, Mapping[str, Any]] = {}
        url = copy_url(self._signature.installation)
        ids = [action.ref.id for action in actions]
        for start in range(0, len(ids), MARKS_AT_ONCE):
            reply = self._linear.ask(MARKED, {"ids": ids[start : start + MARKS_AT_ONCE], "url": url})
            rows = _nodes(reply.data["issues"])
            found.update((str(row.get("id")), row) for row in rows)
        return found

    # --- looking ---

    def look_together(self, portion: Sequence[Signed]) -> Sequence[Receipt | TrackerError | None]:
        """`look` for several: one request for all marks among them, one for all comments."""
        marks = [signed.action for signed in portion if signed.action.kind in _MARKS]
        comments = [signed for signed in portion if signed.action.kind not in _MARKS]
        states = self._states(marks) if marks else {}
        said = self._comments([self._comment_id(signed) for signed in comments]) if comments else {}
        at = self._linear.caller.tracker_now()
        found: list[Receipt | TrackerError | None] = []
        for signed in portion:
            if signed.action.kind in _MARKS:
                found.append(self._marked(signed.action, states.get(signed.action.ref.id)))
            else:
                identity = self._comment_id(signed)
                done = self._is_said(signed.action, said.get(identity))
                kept = None if signed.action.kind == "uncomment" else identity
                found.append(Receipt(at, kept) if done else None)
        return found

    def _marked(self, action: Action, state: Mapping[str, Any] | None) -> Receipt | TrackerError | None:
        """Both the labels and the copy are as the action leaves them."""
        if state is None:
            return self._hindered(None, action)
        wanted = {"addedLabelIds": [self._labels.known(m) for m in action.add]}
        wanted["removedLabelIds"] = [self._labels.known(m) for m in action.remove]
        copies = [copy_of(row) for row in _attached(state)]
        ours = Copy(self._signature.installation, self._signature.instance, action.add[0]) if action.add else None
        if not _as_wanted(state.get("labelIds"), wanted) or copies != ([] if ours is None else [ours]):
            return None
        return Receipt(self._linear.caller.tracker_now())

    def _comments(self, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        found: dict[str, Mapping[str, Any]] = {}
        for start in range(0, len(ids), MARKS_AT_ONCE):
            reply = self._linear.ask(COMMENTED, {"ids": ids[start : start + MARKS_AT_ONCE]})
            found.update((str(row.get("id")), row) for row in _nodes(reply.data["comments"]))
        return found

    def _is_said(self, action: Action, comment: Mapping[str, Any] | None) -> bool:
        """Whether a comment says what it should: an id of ours tells that it was made, its gist that it was edited."""
        if action.kind == "uncomment" or comment is None:
            return (action.kind == "uncomment") is (comment is None)
        return action.comment_id is None or gist(str(comment.get("body"))) == gist(self._body(action))

    # --- comments ---

    def _comment_id(self, signed: Signed) -> str:
        drawn = comment_id(self._signature.installation, signed.action.ref.id, signed.entry)
        return signed.action.comment_id or drawn

    def _create(self, action: Action, entry: str) -> Receipt:
        """A comment under an id of our own: where it is there already, an earlier try made it."""
        self._labels.check()
        identity = self._comment_id(Signed(action, entry))
        told = {"id": identity, "issueId": action.ref.id, "body": self._body(action)}
        try:
            reply = self._linear.send(COMMENT_CREATE, {"input": told})
        except Refusal as refused:
            if not any(fault.message.startswith(CONFLICT) for fault in refused.faults):
                raise self._not_said(refused, action) from refused
            if identity not in self._comments([identity]):  # made, and deleted by a person since
                raise Stale(str(refused), tracker=refused.tracker) from refused
            return Receipt(refused.answer.at, identity)
        except Denied as denied:
            full = FULL in str(denied)  # Linear counts it among the limits of a plan
            raise self._full(denied, action) if full else self._denied(denied, action, "comment") from denied
        return Receipt(reply.at, identity)

    def _edit(self, action: Action) -> Receipt:
        self._labels.check()
        comment_id = action.comment_id or ""
        try:
            reply = self._linear.send(COMMENT_UPDATE, {"id": comment_id, "input": {"body": self._body(action)}})
        except Gone as gone:  # a person deleted it
            raise Stale(str(gone), tracker=gone.tracker) from gone
        except Refusal as refused:
            raise self._not_said(refused, action) from refused
        except Denied as denied:
            raise self._denied(denied, action, "edit comments") from denied
        return Receipt(reply.at, comment_id)

    def _remove(self, action: Action) -> Receipt:
        try:
            reply = self._linear.send(COMMENT_DELETE, {"id": action.comment_id or ""})
        except Gone:  # somebody else was first
            return Receipt(self._linear.caller.tracker_now())
        except Refusal as refused:
            raise self._not_said(refused, action) from refused
        except Denied as denied:
            raise self._denied(denied, action, "delete comments") from denied
        return Receipt(reply.at)

    def _body(self, action: Action) -> str:
        if action.comment is None:
            raise ValueError(f"an action of kind {action.kind} without a comment")
        return str(self._render(action.comment))

    def _not_said(self, refused: Refusal, action: Action) -> TrackerError:
        """What a refused comment comes to: no room, an issue that cannot be written, or a body that is disliked."""
        if any(fault.message.startswith(FULL) for fault in refused.faults):
            return self._full(refused, action)
        return self._hindered(self._states([action]).get(action.ref.id), action) or refused

    def _full(self, error: TrackerError, action: Action) -> Denied:
        need = f"room for a comment on {action.key}: it holds 2,000, which is as many as can be"
        return Denied(str(error), need=need, tracker=error.tracker, project=action.project, key=action.key)

    def _denied(self, denied: Denied, action: Action, what: str) -> Denied:
        if denied.need.startswith(KEY_NEEDED):
            return denied
        need = f"the right to {what} in the team {action.project} (the key's scopes, or the team's members)"
        return Denied(str(denied), need=need, tracker=denied.tracker, project=action.project)


_MARKS: Final = ("mark", "unsign")
"""Kinds of actions on labels and their copies."""


def gist(text: str) -> str:
    """The letters and digits of a text: what is left of Markdown that was stored as something else and came back."""
    return "".join(re.findall(r"[^\W_]+", unescape(text)))


def _by(why: str) -> str:
    """`serves x (rule: y)` as `by rule y`: the title says the rest."""
    found = re.search(r"\((\w+): (.+)\)$", why)
    return f"by {found[1]} {found[2]}" if found and found[1] != found[2] else why


def _nodes(connection: Any) -> list[Mapping[str, Any]]:
    rows = connection.get("nodes") if isinstance(connection, Mapping) else None
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _attached(state: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return _nodes(state.get("attachments"))


def _shown(reply: Reply) -> Mapping[str, Any]:
    """The labels of each issue in the answer to a marking, by id."""
    root = next(iter(reply.data.values()))
    if root.get("success") is False:
        return {}
    rows = root.get("issues") if "issues" in root else [root.get("issue")]
    return {str(row.get("id")): row.get("labelIds") for row in rows or () if isinstance(row, Mapping)}


def _as_wanted(labels: Any, delta: Mapping[str, Any]) -> bool:
    """Whether an issue's labels are as a delta leaves them."""
    if not isinstance(labels, list):
        return False
    added, removed = delta["addedLabelIds"], delta["removedLabelIds"]
    return all(label in labels for label in added) and not any(label in labels for label in removed)
