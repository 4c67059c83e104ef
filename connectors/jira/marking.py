"""Marks on Jira Cloud: labels as deltas, the copy that travels with them, one issue at a time or a thousand."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from connectors.http import Answer, Rejected, Sleep, meaning
from connectors.jira.bulk import AT_ONCE, MOST_EDITED, Bulk, Fates
from connectors.jira.mapping import COPY_PROPERTY
from connectors.jira.rights import Rights
from connectors.jira.transport import Site
from syncd.core.errors import Denied, Gone, InDoubt, TrackerError
from syncd.core.model import Action, Receipt
from syncd.core.ports import Signature

BULK_FROM: Final = 10
"""A bulk edit costs itself, a write of the copy, and looks at both tasks: about nine requests, however many issues."""
MOST_TOGETHER: Final = AT_ONCE * MOST_EDITED
LOOKED_AT_ONCE: Final = 100
"""Issues in one bulkfetch (OpenAPI)."""
PROBES: Final = 20
"""Issues that a bulk edit refused and that are tried one by one, to learn why in a form that can be relied on."""
_FORBIDDEN: Final = 403
_BAD_REQUEST: Final = 400

Outcome = Receipt | TrackerError


class Marking:
    """Writes marks, and looks whether they are there."""

    def __init__(self, site: Site, rights: Rights, signature: Signature, sleep: Sleep, *, mail: bool) -> None:
        self._site = site
        self._rights = rights
        self._signature = signature
        self._mail = mail
        self._bulk = Bulk(site, sleep)

    def most_together(self) -> int:
        """How many go in one call: one where the account may not change in bulk. Asks the site, once."""
        try:
            return MOST_TOGETHER if self._rights.may_bulk() else 1
        except TrackerError:
            return 1  # a write of one will tell what is wrong

    # --- one ---

    def write(self, action: Action) -> Receipt:
        """Labels and the copy in one PUT. Where that may not be silent, a bulk edit of one; else aloud, or `Denied`."""
        try:
            answer = self._put(action)
            if answer is None and self._rights.may_bulk():
                return self._alone(action)
            if answer is None and self._mail:
                answer = self._site.send("PUT", f"issue/{action.ref.id}", self._edit(action))
        except Rejected as rejected:
            raise self._refused(action, rejected) from rejected
        if answer is None:
            why = f"{self._site.tracker}: {action.key} cannot be labelled without mail."
            need = (
                f"Administer projects in {action.project}, or the global permission Make bulk changes, "
                f"so that label edits do not mail watchers"
            )
            raise self._rights.denied(why, need, action.project)
        return Receipt(answer.at)

    def _put(self, action: Action) -> Answer | None:
        """In silence; None where that may not be."""
        return self._rights.put_silently(action.project, f"issue/{action.ref.id}", self._edit(action), "EDIT_ISSUES")

    def _edit(self, action: Action) -> Mapping[str, Any]:
        labels = [{"add": label} for label in action.add] + [{"remove": label} for label in action.remove]
        return {
            "update": {"labels": labels},
            "properties": [{"key": COPY_PROPERTY, "value": self._copy(action)}],
        }

    def _alone(self, action: Action) -> Receipt:
        (outcome,) = self.write_together([action])
        if isinstance(outcome, TrackerError):
            raise outcome
        return outcome

    def _refused(self, action: Action, rejected: Rejected) -> TrackerError:
        if rejected.answer.status == _BAD_REQUEST and "labels" in rejected.answer.faulted:
            kind = f"issues of type {action.type}" if action.type else "this type of issue"
            need = f"the field Labels on the edit screen of {action.project} for {kind}"
            return self._rights.denied(rejected, need, action.project, of_type=action.type or None)
        if rejected.answer.status == _FORBIDDEN and "EDIT_ISSUES" in self._rights.within(action.project):
            return self._forbidden(action, rejected)
        return meaning(rejected, need="Edit issues", project=action.project)

    def _forbidden(self, action: Action, rejected: Rejected) -> TrackerError:
        """A 403 though the account may edit: the copy may not be written, or this very issue may not be edited."""
        nothing: dict[str, Any] = {"update": {"labels": []}}
        try:
            self._rights.put_silently(action.project, f"issue/{action.ref.id}", nothing, "EDIT_ISSUES")
        except Rejected:
            why = "it may not be edited, though others of its project may: is it archived, or locked by its workflow?"
            return TrackerError(f"{rejected} ({action.key}: {why})", tracker=self._site.tracker)
        need = f"writing the issue property {COPY_PROPERTY} (is there an app access rule that forbids it?)"
        return self._rights.denied(rejected, need, action.project)

    def _copy(self, action: Action) -> Mapping[str, Any]:
        """Installation, instance and mark only: equal marks have equal copies (DESIGN §5)."""
        return {
            "installation": self._signature.installation,
            "instance": self._signature.instance,
            "mark": action.add[0] if action.add else None,
        }

    # --- many ---

    def write_together(self, actions: Sequence[Action]) -> Sequence[Outcome]:
        """One change to all of them, in silence. See `TrackerWriter`."""
        first, ids = actions[0], [action.ref.id for action in actions]
        fates = self._bulk.edit_labels(ids, first.add, first.remove)
        outcomes: dict[str, Outcome] = dict(fates.failed)
        outcomes |= self._looked_at(actions, fates)
        outcomes |= self._copied([issue for issue in ids if issue in fates.done], first)
        outcomes |= self._probed([action for action in actions if action.ref.id in fates.refused], fates)
        return [outcomes[issue] for issue in ids]

    def _copied(self, ids: Sequence[str], action: Action) -> dict[str, Outcome]:
        """The copy on issues that bear the mark by now. One that is refused is said; in doubt, all are in doubt."""
        if not ids:
            return {}
        lacks = ""
        try:
            why = self._bulk.set_property(ids, COPY_PROPERTY, self._copy(action))
        except InDoubt as error:
            return dict.fromkeys(ids, error)
        if why:
            lacks = (
                f"{why}. The labels are there, but not their copy in the issue property {COPY_PROPERTY}, from which a "
                f"lost store would be made anew: let the account write issue properties in {action.project}"
            )
        return dict.fromkeys(ids, Receipt(self._site.caller.tracker_now(), lacks=lacks))

    def _looked_at(self, actions: Sequence[Action], fates: Fates) -> dict[str, Outcome]:
        """Issues of which the task said nothing: those that bear the mark count as done (`fates` is told)."""
        unclear = [action for action in actions if action.ref.id in fates.unclear]
        outcomes: dict[str, Outcome] = {}
        for action, shown in zip(unclear, self._shown(unclear), strict=True):
            issue = action.ref.id
            if isinstance(shown, Gone):
                outcomes[issue] = shown
            elif isinstance(shown, TrackerError):
                outcomes[issue] = InDoubt(str(shown), tracker=self._site.tracker)
            elif _bears(shown, action):
                fates.done.add(issue)
            else:
                outcomes[issue] = fates.unclear[issue]
        return outcomes

    def _probed(self, refused: Sequence[Action], fates: Fates) -> dict[str, Outcome]:
        """What the bulk edit refused, one by one: Jira's reasons there are open-ended words, a PUT's are not."""
        outcomes: dict[str, Outcome] = {}
        denied: dict[tuple[str, str | None], Denied] = {}
        probed = 0
        for action in refused:
            why = f"{self._site.tracker}: {action.key}: {fates.refused[action.ref.id]}"
            known = denied.get((action.project, None)) or denied.get((action.project, action.type or None))
            outcome: Outcome = known or TrackerError(why, tracker=self._site.tracker)
            if known is None and probed < PROBES:
                outcome = self._probe(action, why)
                probed += 1
            if isinstance(outcome, Denied):
                denied[action.project, outcome.type] = outcome
            outcomes[action.ref.id] = outcome
        return outcomes

    def _probe(self, action: Action, why: str) -> Outcome:
        """The write by itself, in silence."""
        if "EDIT_ISSUES" not in self._rights.within(action.project):
            return self._rights.denied(why, "Edit issues", action.project)
        try:
            answer = self._put(action)
        except Rejected as rejected:
            return self._refused(action, rejected)
        except TrackerError as failed:
            return failed
        return TrackerError(why, tracker=self._site.tracker) if answer is None else Receipt(answer.at)

    # --- looking ---

    def look_together(self, actions: Sequence[Action]) -> Sequence[Outcome | None]:
        """Whether each mark is there with its copy; None: it is not. Asked past the search index."""
        now = self._site.caller.tracker_now()
        found: list[Outcome | None] = []
        for action, shown in zip(actions, self._shown(actions), strict=True):
            if isinstance(shown, TrackerError):
                found.append(shown)
            else:
                there = _bears(shown, action) and self._bears_copy(shown, action)
                found.append(Receipt(now) if there else None)
        return found

    def _shown(self, actions: Sequence[Action]) -> list[Mapping[str, Any] | TrackerError]:
        """Each issue as it is now; `Gone` where it does not answer."""
        found: list[Mapping[str, Any] | TrackerError] = []
        for start in range(0, len(actions), LOOKED_AT_ONCE):
            some = actions[start : start + LOOKED_AT_ONCE]
            try:
                rows = self._fetched([action.ref.id for action in some])
            except TrackerError as failed:
                found += [failed] * len(some)
                continue
            gone = (f"{self._site.tracker}: {action.key} is no longer there, or no longer visible" for action in some)
            found += [
                rows.get(action.ref.id) or Gone(why, tracker=self._site.tracker)
                for action, why in zip(some, gone, strict=True)
            ]
        return found

    def _fetched(self, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        body = {"issueIdsOrKeys": list(ids), "fields": ["labels"], "properties": [COPY_PROPERTY]}
        told = self._site.mapping(self._site.ask("issue/bulkfetch", body), "issue/bulkfetch").get("issues") or ()
        return {str(row.get("id")): row for row in told if isinstance(row, Mapping)}

    def _bears_copy(self, shown: Mapping[str, Any], action: Action) -> bool:
        properties = shown.get("properties")
        return isinstance(properties, Mapping) and properties.get(COPY_PROPERTY) == self._copy(action)


def _bears(shown: Mapping[str, Any], action: Action) -> bool:
    """Whether an issue's labels are as the action leaves them."""
    fields = shown.get("fields")
    labels = (fields.get("labels") if isinstance(fields, Mapping) else None) or ()
    return all(label in labels for label in action.add) and not any(label in labels for label in action.remove)
