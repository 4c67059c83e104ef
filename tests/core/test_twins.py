"""The same work in two trackers: recognised by what one tells, counted once, a conflict where they disagree."""

from dataclasses import replace
from itertools import permutations

import pytest
from support_values import issue, ref

from syncd.core.model import (
    Candidate,
    Category,
    Conflict,
    Decision,
    Exempt,
    Issue,
    IssueRef,
    Mapped,
    ToOutcome,
    Unmapped,
    Verdict,
)
from syncd.core.twins import (
    Named,
    TwinLink,
    counted,
    disagree,
    keys_told,
    leads_to,
    members_of,
    named,
    sets_of,
    twin_finding,
)

JIRA = "https://acme.atlassian.net/browse/PAY-7"


@pytest.mark.parametrize(
    ("told", "name"),
    [
        (JIRA, Named("pay-7", "acme.atlassian.net/browse/")),
        (f"  {JIRA}?focusedId=12#x ", Named("pay-7", "acme.atlassian.net/browse/")),
        ("https://maria:x@ACME.atlassian.net/browse/pay-7/", Named("pay-7", "acme.atlassian.net/browse/")),
        ("http://jira.acme.example:8080/jira/browse/PAY-7", Named("pay-7", "jira.acme.example:8080/jira/browse/")),
        ("https://linear.app/acme/issue/ENG-3/fix-utf-8", Named("eng-3", "linear.app/acme/issue/")),
        ("https://a.example/boards/1?view=x&selectedIssue=PAY-7", Named("pay-7", "a.example")),
        ("PAY-7", Named("pay-7", None)),
        ("pay_2-7", Named("pay_2-7", None)),
        ("https://acme.atlassian.net/browse/", None),
        ("https://acme.atlassian.net/?selectedIssue=nothing", None),
        ("ftp://acme.example/PAY-7", None),
        ("https:///PAY-7", None),
        ("see PAY-7", None),
        ("https://a.example/PAY-7/" + "x" * 3000, None),
        ("", None),
    ],
)
def test_an_address_or_a_bare_key_names_an_issue(told: str, name: Named | None) -> None:
    assert named(told) == name


def test_a_store_finds_an_issue_by_the_keys_that_it_tells() -> None:
    assert keys_told([JIRA, "OPS-1", "nothing"]) == {"pay-7", "ops-1"}


@pytest.mark.parametrize(
    ("told", "leads"),
    [
        (JIRA, True),
        (JIRA.replace("PAY-7", "OLD-3"), True),
        ("old-3", True),
        ("https://acme.atlassian.net/jira/boards/1?selectedIssue=PAY-7", True),
        (JIRA.replace("PAY-7", "PAY-8"), False),
        (JIRA.replace("acme", "other"), False),
        ("https://acme.atlassian.net/wiki/PAY-7", False),
        ("http://other.example/?selectedIssue=PAY-7", False),
    ],
)
def test_it_is_the_issue_at_that_address_that_bears_or_bore_that_key(told: str, leads: bool) -> None:
    assert leads_to(told, {"pay-7", "old-3"}, JIRA) is leads


# --- who is a twin of whom ----------------------------------------------------------------------------------


def lin(n: int) -> IssueRef:
    return IssueRef("linear", str(n))


def jir(n: int) -> IssueRef:
    return IssueRef("jira", str(n))


def test_one_link_makes_a_pair_whoever_tells_it_and_however_often() -> None:
    pair = (jir(1), lin(1))
    for links in ([(lin(1), jir(1))], [(jir(1), lin(1))], [(lin(1), jir(1)), (jir(1), lin(1))]):
        assert sets_of([TwinLink(*link) for link in links]) == {jir(1): pair, lin(1): pair}


def test_where_several_point_at_one_issue_nobody_knows_which_is_its_twin() -> None:
    assert sets_of([TwinLink(lin(1), jir(1)), TwinLink(lin(2), jir(1))]) == {}
    assert sets_of([TwinLink(lin(1), jir(1)), TwinLink(lin(1), jir(2))]) == {}


def test_the_same_work_in_three_trackers_is_one_set() -> None:
    third = IssueRef("second-jira", "9")
    links = [TwinLink(lin(1), jir(1)), TwinLink(lin(1), third)]
    everyone = (jir(1), lin(1), third)
    for some in permutations(links):
        assert sets_of(some) == dict.fromkeys(everyone, everyone)


# --- one verdict ----------------------------------------------------------------------------------------------


def decided(key: str, verdict: Verdict, **changes: object) -> tuple[Issue, Decision]:
    one = replace(issue(key), **changes)  # type: ignore[arg-type]  # whatever the test says
    return one, Decision(one.ref, verdict)


SERVES, OTHER, SILENT = Mapped("reliability"), Mapped("growth"), Unmapped()


def test_twins_that_agree_count_as_one_of_them_an_open_one_if_there_is_one() -> None:
    closed = decided("ENG-1", SERVES, category=Category.DONE)
    open_ = decided("PAY-1", Mapped("reliability", "failover"))
    assert counted([closed, open_]) == open_
    assert counted([open_, decided("QA-1", SERVES)]) == open_, "in an order of their own"


def test_twins_that_disagree_are_a_conflict_with_what_each_says() -> None:
    one, decision = counted([decided("ENG-1", SERVES), decided("PAY-1", OTHER), decided("QA-1", SILENT)])
    assert decision.cause == "twins ENG-1 + PAY-1 + QA-1"
    assert decision.verdict == Conflict((Candidate(ToOutcome("growth"), ()), Candidate(ToOutcome("reliability"), ())))
    assert one.key == "ENG-1"


def test_a_twin_whose_ancestor_cannot_be_read_leaves_the_pair_undecided() -> None:
    lost = decided("PAY-1", Unmapped(incomplete=True))
    assert counted([decided("ENG-1", SERVES), lost]) == lost
    assert not disagree([lost[1], Decision(ref("ENG-1"), SERVES)])


@pytest.mark.parametrize("verdict", [OTHER, SILENT, Exempt(None, "ours"), Exempt("hiring", "Hiring"), Conflict(())])
def test_whatever_differs_is_a_disagreement(verdict: Verdict) -> None:
    assert disagree([Decision(ref("ENG-1"), SERVES), Decision(ref("PAY-1"), verdict)])
    assert not disagree([Decision(ref("ENG-1"), verdict), Decision(ref("PAY-1"), verdict)])


def test_a_finding_names_keys_and_verdicts_and_nothing_else_of_the_issues() -> None:
    secret = decided("PAY-1", OTHER, title="Buy the rival", restricted=True)
    finding = twin_finding([secret, decided("ENG-1", Exempt("hiring", "Hiring"))])
    assert "rival" not in repr(finding)
    assert finding.text.startswith("ENG-1 and PAY-1 are the same work, and their verdicts differ: ENG-1 is overhead")
    assert members_of(finding) == (ref("ENG-1"), ref("PAY-1"))
    assert finding == twin_finding([decided("ENG-1", Exempt("hiring", "Hiring")), secret])
