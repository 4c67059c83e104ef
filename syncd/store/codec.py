"""Values <-> JSON text, spelled out field by field: what stands in the store is decided here, not by a class's shape.

Equal values give equal text. What has its default is left out, to keep rows small. A value's `ref` is left out where
the row's own columns say it.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from sys import intern
from typing import Any

import orjson

from syncd.core.model import (
    Action,
    Applied,
    Candidate,
    Category,
    Comment,
    Conflict,
    Copy,
    Decision,
    Evidence,
    Exempt,
    Finding,
    Issue,
    IssueRef,
    Link,
    Mapped,
    Origin,
    Override,
    OverrideSource,
    Person,
    Plan,
    Proof,
    Refusal,
    Run,
    Skipped,
    StickyComment,
    Target,
    ToExempt,
    ToOutcome,
    ToOverhead,
    Unmapped,
    Verdict,
    Via,
)
from syncd.core.tradeoffs import Tradeoff

Tree = dict[str, Any]


def dumps(tree: Any) -> str:
    """Compact JSON. Halves of surrogate pairs, which trackers do send, survive as escapes."""
    try:
        return orjson.dumps(tree).decode()
    except TypeError:  # orjson refuses what is not Unicode
        return json.dumps(tree, separators=(",", ":"), default=datetime.isoformat)


def loads(text: str) -> Any:
    """The inverse of `dumps`."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # as above, on the way back
        return json.loads(text)


def instant_text(at: datetime) -> str:
    """UTC, to the microsecond, always of one width. `ValueError` for a naive datetime."""
    return _utc(at).isoformat(" ", "microseconds")


def _utc(at: datetime) -> datetime:
    """For `dumps`, which writes it out."""
    if at.tzinfo is UTC:
        return at
    if at.utcoffset() is None:
        raise ValueError("a naive datetime: every instant in the store is aware")
    return at.astimezone(UTC)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


# --- issues -----------------------------------------------------------------------------------------------

ECHO = ("updated", "marks", "copy")
"""The fields of an issue that our own writes change."""


def without_fields(tree: Tree, other: Tree) -> Tree:
    """The snapshot's tree without the fields beyond the common ones that were not asked for in both of them."""
    both = {*tree.get("asked", ())} & {*other.get("asked", ())}
    kept = {key: value for key, value in tree.items() if key not in ("asked", "extra", "sprints")}
    kept["extra"] = [pair for pair in tree.get("extra", ()) if pair[0] in both]
    kept["sprints"] = tree.get("sprints", []) if "sprint" in both else []
    return kept


def issue_tree(issue: Issue) -> Tree:
    """A snapshot without its ref."""
    tree: Tree = {
        "key": issue.key,
        "title": issue.title,
        "type": issue.type,
        "level": issue.level,
        "status": issue.status,
        "category": issue.category.value,
        "project": issue.project,
        "project_name": issue.project_name,
        "created": _utc(issue.created),
        "updated": _utc(issue.updated),
        "url": issue.url,
    }
    _add_details(tree, issue)
    return tree


def _add_details(tree: Tree, issue: Issue) -> None:
    if issue.priority is not None:
        tree["priority"] = issue.priority
    _add_people_and_ties(tree, issue)
    if issue.components:
        tree["components"] = issue.components
    if issue.fix_versions:
        tree["fix_versions"] = issue.fix_versions
    if issue.labels:
        tree["labels"] = issue.labels
    if issue.marks:
        tree["marks"] = issue.marks
    if issue.restricted:
        tree["restricted"] = True
    _add_what_rules_asked_for(tree, issue)


def _add_what_rules_asked_for(tree: Tree, issue: Issue) -> None:
    if issue.team:
        tree["team"] = issue.team
    if issue.sprints:
        tree["sprints"] = issue.sprints
    if issue.extra:
        tree["extra"] = issue.extra
    if issue.asked:
        tree["asked"] = sorted(issue.asked)


def _add_people_and_ties(tree: Tree, issue: Issue) -> None:
    if issue.parent is not None:
        tree["parent"] = (issue.parent.id, issue.parent.key)
    if issue.within:
        tree["within"] = [(link.id, link.key) for link in issue.within]
    if issue.twins:
        tree["twins"] = issue.twins
    if issue.assignee is not None:
        tree["assignee"] = _person_tree(issue.assignee)
    if issue.reporter is not None:
        tree["reporter"] = _person_tree(issue.reporter)
    if issue.copy is not None:
        tree["copy"] = (issue.copy.installation, issue.copy.instance, issue.copy.mark)


def _person_tree(person: Person) -> tuple[str, str, str]:
    return (person.id, person.name, person.kind)


def _person(tree: list[Any] | None) -> Person | None:
    return None if tree is None else _same_person(tree[0], tree[1], tree[2])


_same_person = lru_cache(maxsize=4096)(Person)
"""A few people are assigned to most issues."""


_CATEGORIES = {category.value: category for category in Category}


def issue_value(ref: IssueRef, tree: Tree) -> Issue:
    """The inverse of `issue_tree`. What thousands of issues have in common is kept once."""
    get = tree.get
    parent, within, extra, copy = get("parent"), get("within"), get("extra"), get("copy")
    return Issue(
        ref=ref,
        key=tree["key"],
        title=tree["title"],
        type=intern(tree["type"]),
        level=tree["level"],
        status=tree["status"],
        category=_CATEGORIES[tree["category"]],
        priority=get("priority"),
        project=intern(tree["project"]),
        project_name=tree["project_name"],
        components=tuple(get("components", ())),
        fix_versions=tuple(get("fix_versions", ())),
        labels=tuple(get("labels", ())),
        marks=tuple(get("marks", ())),
        parent=None if parent is None else Link(parent[0], parent[1]),
        within=() if within is None else tuple([Link(id_, key) for id_, key in within]),
        twins=tuple(get("twins", ())),
        assignee=_person(get("assignee")),
        reporter=_person(get("reporter")),
        created=datetime.fromisoformat(tree["created"]),
        updated=datetime.fromisoformat(tree["updated"]),
        url=tree["url"],
        copy=None if copy is None else Copy(copy[0], copy[1], copy[2]),
        restricted=get("restricted", False),
        team=tuple(get("team", ())),
        sprints=tuple(get("sprints", ())),
        extra=() if extra is None else tuple([(key, tuple(values)) for key, values in extra]),
        asked=frozenset(get("asked", ())),
    )


# --- targets, evidence, decisions -------------------------------------------------------------------------


def target_tree(target: Target) -> Tree:
    """A target by what it points to."""
    match target:
        case ToOutcome(outcome=outcome, objective=objective):
            return {"outcome": outcome, "objective": objective} if objective is not None else {"outcome": outcome}
        case ToOverhead(overhead=overhead):
            return {"overhead": overhead}
        case ToExempt(why=why):
            return {"exempt": why}


def target_value(tree: Tree) -> Target:
    """The inverse of `target_tree`."""
    if "outcome" in tree:
        return ToOutcome(tree["outcome"], tree.get("objective"))
    if "overhead" in tree:
        return ToOverhead(tree["overhead"])
    return ToExempt(tree["exempt"])


def evidence_tree(evidence: Evidence) -> tuple[str, str, tuple[str, ...]]:
    """Compact: there is some on every issue."""
    return (evidence.source, evidence.key, evidence.texts)


def evidence_value(tree: list[Any]) -> Evidence:
    """The inverse of `evidence_tree`."""
    return Evidence(tree[0], tree[1], tuple(tree[2]))


def verdict_tree(verdict: Verdict) -> Tree:
    """A verdict under the name of its kind."""
    match verdict:
        case Mapped(outcome=outcome, objective=objective):
            return {"mapped": (outcome, objective)}
        case Conflict(candidates=candidates):
            return {
                "conflict": [(target_tree(c.target), [evidence_tree(e) for e in c.evidence]) for c in candidates],
            }
        case Unmapped(incomplete=incomplete):
            return {"unmapped": {"incomplete": incomplete}}
        case Exempt(overhead=overhead, why=why):
            return {"exempt": (overhead, why)}


def verdict_value(tree: Tree) -> Verdict:
    """The inverse of `verdict_tree`."""
    ((kind, body),) = tree.items()
    match kind:
        case "mapped":
            return Mapped(body[0], body[1])
        case "conflict":
            return Conflict(tuple(Candidate(target_value(t), tuple(map(evidence_value, seen))) for t, seen in body))
        case "unmapped":
            return Unmapped(body["incomplete"])
        case "exempt":
            return Exempt(body[0], body[1])
        case _:
            raise ValueError(f"no such verdict: {kind}")


def decision_tree(decision: Decision) -> Tree:
    """A decision without its ref."""
    tree: Tree = {"verdict": verdict_tree(decision.verdict)}
    if decision.via is not None:
        tree["via"] = decision.via.value
    if decision.evidence:
        tree["evidence"] = [(e.source, e.key, e.texts) for e in decision.evidence]
    if decision.spoke is not None:
        tree["spoke"] = (decision.spoke.tracker, decision.spoke.id)
    if decision.cause is not None:
        tree["cause"] = decision.cause
    if decision.diverges_from is not None:
        tree["diverges_from"] = decision.diverges_from
    return tree


_VIAS = {via.value: via for via in Via}
_PROOFS = {proof.value: proof for proof in Proof}


def decision_value(ref: IssueRef, tree: Tree) -> Decision:
    """The inverse of `decision_tree`."""
    via, spoke = tree.get("via"), tree.get("spoke")
    return Decision(
        ref,
        verdict_value(tree["verdict"]),
        None if via is None else _VIAS[via],
        tuple([Evidence(source, key, tuple(said)) for source, key, said in tree.get("evidence", ())]),
        None if spoke is None else IssueRef(spoke[0], spoke[1]),
        tree.get("cause"),
        tree.get("diverges_from"),
    )


def override_tree(override: Override) -> Tree:
    """An override without its ref."""
    tree: Tree = {
        "target": None if override.target is None else target_tree(override.target),
        "source": override.source.value,
        "author": override.author,
        "at": _utc(override.at),
    }
    if override.reason is not None:
        tree["reason"] = override.reason
    if override.expires is not None:
        tree["expires"] = _utc(override.expires)
    if override.mark is not None:
        tree["mark"] = override.mark
    return tree


def override_value(ref: IssueRef, tree: Tree) -> Override:
    """The inverse of `override_tree`."""
    return Override(
        ref=ref,
        target=None if tree["target"] is None else target_value(tree["target"]),
        source=OverrideSource(tree["source"]),
        author=tree["author"],
        at=datetime.fromisoformat(tree["at"]),
        reason=tree.get("reason"),
        expires=_instant(tree.get("expires")),
        mark=tree.get("mark"),
    )


def tradeoff_tree(tradeoff: Tradeoff) -> Tree:
    """A recorded trade-off."""
    return {
        "cause": tradeoff.cause,
        "tracker": tradeoff.tracker,
        "target": target_tree(tradeoff.target),
        "claimed": [target_tree(target) for target in tradeoff.claimed],
        "author": tradeoff.author,
        "reason": tradeoff.reason,
        "at": _utc(tradeoff.at),
        "expires": None if tradeoff.expires is None else _utc(tradeoff.expires),
    }


def tradeoff_value(tree: Tree) -> Tradeoff:
    """The inverse of `tradeoff_tree`."""
    return Tradeoff(
        cause=tree["cause"],
        tracker=tree["tracker"],
        target=target_value(tree["target"]),
        claimed=tuple(target_value(target) for target in tree["claimed"]),
        author=tree["author"],
        reason=tree["reason"],
        at=datetime.fromisoformat(tree["at"]),
        expires=_instant(tree["expires"]),
    )


# --- applied, plans ---------------------------------------------------------------------------------------


def applied_tree(applied: Applied) -> Tree:
    """What was applied, without its ref."""
    tree: Tree = {
        "mark": applied.mark,
        "proof": applied.proof.value,
        "revision": applied.revision,
        "at": _utc(applied.at),
        "tries": applied.tries,
    }
    if applied.was is not None:
        tree["was"] = applied.was
    if applied.shown is not None:
        tree["shown"] = _utc(applied.shown)
    if applied.declined is not None:
        tree["declined"] = applied.declined
    if applied.comment is not None:
        tree["comment"] = (applied.comment.id, applied.comment.digest, applied.comment.pair)
    _add_what_people_did(tree, applied)
    return tree


def _add_what_people_did(tree: Tree, applied: Applied) -> None:
    if applied.declined_by is not None:
        tree["declined_by"] = applied.declined_by
    if applied.tried is not None:
        tree["tried"] = applied.tried
    if applied.hushed is not None:
        tree["hushed"] = applied.hushed
    if applied.bare:
        tree["bare"] = True
    if applied.left:
        tree["left"] = applied.left
    if applied.recalled:
        tree["recalled"] = True
    if applied.noted:
        tree["noted"] = applied.noted
    if applied.past:
        tree["past"] = [(mark, _utc(until)) for mark, until in applied.past]


def applied_value(ref: IssueRef, tree: Tree) -> Applied:
    """The inverse of `applied_tree`."""
    get = tree.get
    past = get("past")
    return Applied(
        ref=ref,
        mark=tree["mark"],
        proof=_PROOFS[tree["proof"]],
        revision=tree["revision"],
        at=datetime.fromisoformat(tree["at"]),
        was=get("was"),
        shown=_instant(get("shown")),
        tries=tree["tries"],
        declined=_pair(get("declined")),
        declined_by=get("declined_by"),
        comment=_sticky(get("comment")),
        tried=_pair(get("tried")),
        hushed=_pair(get("hushed")),
        bare=get("bare", False),
        left=tuple(get("left", ())),
        recalled=get("recalled", False),
        noted=tuple(get("noted", ())),
        past=() if past is None else tuple([(mark, datetime.fromisoformat(until)) for mark, until in past]),
    )


def _pair(tree: list[Any] | None) -> Any:
    return None if tree is None else (tree[0], tree[1])


def _sticky(tree: list[Any] | None) -> StickyComment | None:
    if tree is None:
        return None
    return StickyComment(tree[0], tree[1], _pair(tree[2]) if len(tree) > 2 else None)  # noqa: PLR2004 - older rows hold two


def action_tree(action: Action) -> Tree:
    """An action, its ref included."""
    tree: Tree = {
        "ref": (action.ref.tracker, action.ref.id),
        "key": action.key,
        "project": action.project,
        "kind": action.kind,
        "why": action.why,
        "revision": action.revision,
        "origin": action.origin.value,
    }
    if action.add:
        tree["add"] = action.add
    if action.remove:
        tree["remove"] = action.remove
    if action.comment is not None:
        tree["comment"] = [[(run.text, run.style) for run in runs] for runs in action.comment.paragraphs]
    if action.comment_id is not None:
        tree["comment_id"] = action.comment_id
    if action.pair is not None:
        tree["pair"] = action.pair
    if action.notifies:
        tree["notifies"] = action.notifies
    if action.rules:
        tree["rules"] = action.rules
    if action.type:
        tree["type"] = action.type
    return tree


def action_value(tree: Tree) -> Action:
    """The inverse of `action_tree`."""
    comment = tree.get("comment")
    return Action(
        ref=IssueRef(*tree["ref"]),
        key=tree["key"],
        project=tree["project"],
        kind=tree["kind"],
        why=tree["why"],
        revision=tree["revision"],
        origin=Origin(tree["origin"]),
        add=tuple(tree.get("add", ())),
        remove=tuple(tree.get("remove", ())),
        comment=None if comment is None else Comment(tuple(tuple(Run(*run) for run in runs) for runs in comment)),
        comment_id=tree.get("comment_id"),
        pair=_pair(tree.get("pair")),
        notifies=tuple(tree.get("notifies", ())),
        rules=tuple(tree.get("rules", ())),
        type=tree.get("type", ""),
    )


def plan_tree(plan: Plan) -> Tree:
    """A whole plan. Its digest is part of it."""
    return {
        "actions": [action_tree(a) for a in plan.actions],
        "skipped": [(s.ref.tracker, s.ref.id, s.key, s.why, s.lasting, s.add, s.remove) for s in plan.skipped],
        "digest": plan.digest,
    }


def plan_value(tree: Tree) -> Plan:
    """The inverse of `plan_tree`."""
    return Plan(
        actions=tuple(action_value(a) for a in tree["actions"]),
        skipped=tuple(_skipped(one) for one in tree["skipped"]),
        digest=tree["digest"],
    )


def _skipped(row: list[Any]) -> Skipped:
    """Of one stored before `observe` showed what it holds back, `add` and `remove` are not there."""
    tracker, id_, key, why, lasting, *held = row
    return Skipped(IssueRef(tracker, id_), key, why, lasting, *map(tuple, held))


def refusal_tree(refusal: Refusal) -> Tree:
    """A refusal with its numbers."""
    return {
        "tracker": refusal.tracker,
        "reason": refusal.reason,
        "digest": refusal.digest,
        "counts": dict(refusal.counts),
        "limits": dict(refusal.limits),
    }


def refusal_value(tree: Tree) -> Refusal:
    """The inverse of `refusal_tree`."""
    return Refusal(
        tracker=tree["tracker"],
        reason=tree["reason"],
        digest=tree["digest"],
        counts=tree["counts"],
        limits=tree["limits"],
    )


def finding_tree(finding: Finding) -> Tree:
    """A finding, whole."""
    return {
        "tracker": finding.tracker,
        "kind": finding.kind,
        "cause": finding.cause,
        "text": finding.text,
        "key": finding.key,
        "owner": finding.owner,
        **({} if finding.issue is None else {"issue": finding.issue}),
    }


def finding_value(tree: Tree) -> Finding:
    """The inverse of `finding_tree`."""
    return Finding(
        tracker=tree["tracker"],
        kind=tree["kind"],
        cause=tree["cause"],
        text=tree["text"],
        key=tree["key"],
        owner=tree["owner"],
        issue=tree.get("issue"),
    )


def texts(values: Iterable[str]) -> str:
    """A list of texts."""
    return dumps(list(values))
