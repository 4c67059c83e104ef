"""Twins: the same piece of work in two trackers, told by links from one to the other (DESIGN §4)."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, assert_never

from syncd.core.model import (
    Candidate,
    Conflict,
    Decision,
    Exempt,
    Finding,
    Issue,
    IssueRef,
    Mapped,
    Target,
    ToExempt,
    ToOutcome,
    ToOverhead,
    Unmapped,
)

LONGEST: Final = 2_000
"""Characters of an address that are looked at; longer ones name nothing."""
_KEY: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,254}-[0-9]{1,18}")
_ADDRESS: Final = re.compile(r"(?i:https?)://(?:[^/?#@]*@)?([^/?#@\s]+)(/[^?#]*)?(?:\?([^#]*))?(?:#.*)?")
_IN_QUERY: Final = "selectedIssue="
"""How Jira's boards and lists say in their address which issue they show."""


class Named(NamedTuple):
    """What a link to an issue elsewhere says: the key in it, folded, and what stands before it (None: a bare key)."""

    key: str
    before: str | None


def named(told: str) -> Named | None:
    """The issue that an address leads to, or that a bare key names; None where there is no key in it."""
    text = told.strip()
    if _KEY.fullmatch(text):
        return Named(text.casefold(), None)
    parts = _ADDRESS.fullmatch(text) if len(text) <= LONGEST else None
    if parts is None:
        return None
    host, path, query = parts.groups(default="")
    return _in_path(host.casefold(), path) or _in_query(host.casefold(), query)


def _in_path(host: str, path: str) -> Named | None:
    """By the first step of the path that looks like a key: a title may follow, and look like one, too."""
    steps = path.split("/")
    for i, step in enumerate(steps):
        if _KEY.fullmatch(step):
            return Named(step.casefold(), host + "/".join(steps[:i]) + "/")
    return None


def _in_query(host: str, query: str) -> Named | None:
    values = (pair.removeprefix(_IN_QUERY) for pair in query.split("&") if pair.startswith(_IN_QUERY))
    return next((Named(value.casefold(), host) for value in values if _KEY.fullmatch(value)), None)


def keys_told(twins: Iterable[str]) -> frozenset[str]:
    """The folded keys that an issue's `twins` may mean: by these a store finds them."""
    return frozenset(name.key for name in map(named, twins) if name is not None)


def leads_to(told: str, keys: Collection[str], url: str) -> bool:
    """Whether what an issue tells leads to the one that is opened at `url`, and bears or bore these folded keys."""
    name = named(told)
    if name is None or name.key not in keys:
        return False
    if name.before is None:
        return True
    there = named(url)
    if there is None or there.before is None:
        return False
    return name.before in (there.before, there.before.partition("/")[0])  # a query names the host alone


# --- sets of twins ----------------------------------------------------------------------------------------


class TwinLink(NamedTuple):
    """One issue tells that another one, of another tracker, is the same work. Both are in scope."""

    teller: IssueRef
    told: IssueRef


def sets_of(links: Iterable[TwinLink]) -> Mapping[IssueRef, tuple[IssueRef, ...]]:
    """Each issue that has twins → all that are the same work, itself included, in a fixed order.

    Two issues are twins if neither has another partner in the other's tracker: where one is told by several, or tells
    of several, nobody knows which of them is meant, and each counts by itself.
    """
    partners: dict[IssueRef, set[IssueRef]] = {}
    for link in links:
        partners.setdefault(link.teller, set()).add(link.told)
        partners.setdefault(link.told, set()).add(link.teller)
    only = {ref: _alone_in_tracker(some) for ref, some in partners.items()}
    found: dict[IssueRef, tuple[IssueRef, ...]] = {}
    for ref in sorted(only):
        if ref not in found and (members := _reached(ref, only)) != {ref}:
            found |= dict.fromkeys(members, tuple(sorted(members)))
    return found


def _alone_in_tracker(partners: Collection[IssueRef]) -> set[IssueRef]:
    count = Counter(ref.tracker for ref in partners)
    return {ref for ref in partners if count[ref.tracker] == 1}


def _reached(start: IssueRef, only: Mapping[IssueRef, set[IssueRef]]) -> set[IssueRef]:
    members, ahead = {start}, [start]
    while ahead:
        ref = ahead.pop()
        further = {other for other in only[ref] if ref in only[other]} - members
        members |= further
        ahead += further
    return members


# --- one verdict for them all -------------------------------------------------------------------------------


def disagree(decisions: Iterable[Decision]) -> bool:
    """Whether twins have different verdicts. One whose ancestor could not be read says nothing yet."""
    pairs = {decision.pair for decision in decisions}
    return len(pairs) > 1 and "incomplete" not in {kind for kind, _ in pairs}


def counted(members: Sequence[tuple[Issue, Decision]]) -> tuple[Issue, Decision]:
    """Twins as the one issue that they count as: an open one where there is one, in conflict if they disagree."""
    first = min(members, key=lambda member: (member[0].closed, member[0].ref))
    decisions = [decision for _, decision in members]
    if not disagree(decisions):
        return next((member for member in members if member[1].pair[0] == "incomplete"), first)
    cause = "twins " + " + ".join(sorted(issue.key for issue, _ in members))
    return first[0], Decision(first[0].ref, Conflict(_candidates(decisions)), cause=cause)


def _candidates(decisions: Iterable[Decision]) -> tuple[Candidate, ...]:
    """What each of them says; one that is unmapped claims nothing."""
    found: dict[Target, Candidate] = {}
    for decision in decisions:
        match decision.verdict:
            case Mapped(outcome=outcome, objective=objective):
                said = [Candidate(ToOutcome(outcome, objective), decision.evidence)]
            case Exempt(overhead=None, why=why):
                said = [Candidate(ToExempt(why), decision.evidence)]
            case Exempt(overhead=str(overhead)):
                said = [Candidate(ToOverhead(overhead), decision.evidence)]
            case Conflict(candidates=candidates):
                said = list(candidates)
            case _:
                said = []
        found |= {candidate.target: candidate for candidate in said}
    return tuple(found[target] for target in sorted(found, key=repr))


# --- findings ---------------------------------------------------------------------------------------------


def twin_finding(members: Sequence[tuple[Issue, Decision]]) -> Finding:
    """Twins that disagree. Issues are named by key alone: one of them may be restricted where the other is not."""
    ordered = sorted(members, key=lambda member: member[0].ref)
    said = ", ".join(f"{issue.key} {_said(decision)}" for issue, decision in ordered)
    keys = " and ".join(issue.key for issue, _ in ordered)
    first = ordered[0][0]
    return Finding(
        tracker=first.ref.tracker,
        kind="twin",
        cause=" = ".join(f"{issue.ref.tracker} {issue.ref.id}" for issue, _ in ordered),
        text=f"{keys} are the same work, and their verdicts differ: {said}. Give both the same, by a label or a rule",
        key=first.key,
    )


def _said(decision: Decision) -> str:
    match decision.verdict:
        case Mapped(outcome=outcome):
            return f"serves {outcome}"
        case Conflict():
            return "is torn"
        case Unmapped():
            return "is unmapped"
        case Exempt(overhead=None):
            return "is exempt"
        case Exempt(overhead=overhead):
            return f"is overhead {overhead}"
        case _:
            assert_never(decision.verdict)


def members_of(finding: Finding) -> tuple[IssueRef, ...]:
    """Whom a `twin_finding` speaks of."""
    return tuple(IssueRef(*name.split(" ", 1)) for name in finding.cause.split(" = "))
