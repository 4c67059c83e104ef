"""`/outcome dispute because …`: a vote against the rules that speak, and a finding of whoever owns them. Pure."""

from collections.abc import Iterator, Sequence

from syncd.core.commands import Dispute, Vote
from syncd.core.findings import about, owners_of
from syncd.core.model import Decision, Finding, Issue, IssueRef, Rulebook


def votes_of(
    ref: IssueRef, disputes: Sequence[Dispute], decision: Decision, cast: Sequence[Vote]
) -> tuple[list[Vote], list[Vote]]:
    """(votes to cast, votes to take back) for an issue.

    A dispute is against the rules that spoke when it was first read, and stays so; with its comment it goes.

    Args:
        ref: the issue.
        disputes: those that stand on it.
        decision: the verdict on it now.
        cast: all votes that stand on it.
    """
    mine = [vote for vote in cast if vote.kind == "dispute"]
    known, standing = {vote.source for vote in mine}, {dispute.comment for dispute in disputes}
    rules = sorted({evidence.source for evidence in decision.evidence if evidence.source != "override"})
    latest = {dispute.comment: dispute for dispute in disputes if dispute.comment not in known}
    new = [Vote(ref, "dispute", d.comment, rule, d.by, d.at, d.reason) for d in latest.values() for rule in rules]
    return new, [vote for vote in mine if vote.source not in standing]


def dispute_findings(issue: Issue, decision: Decision, votes: Sequence[Vote], rulebook: Rulebook) -> Iterator[Finding]:
    """One for each dispute of a rule that still speaks on that issue."""
    speaking = {evidence.source for evidence in decision.evidence}
    told: dict[str, Vote] = {vote.source: vote for vote in votes if vote.kind == "dispute" and vote.rule in speaking}
    owner = ", ".join(owners_of(decision, rulebook)) or None
    for source, vote in sorted(told.items()):
        because = f": {vote.reason}" if vote.reason and not issue.restricted else ""  # findings have more readers
        text = f"{vote.by} disputes rule {vote.rule} on {issue.key}{because}. Mend the rule, override, or answer there"
        yield about(issue, "dispute", text, f"{issue.key} {source}", owner)
