"""Twins by the store, on both engines: found by address, key and old key; counted once; findings that close."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from support_store import JIRA, MINUTE, NOW, issue, ref, standing, statements
from support_values import STRATEGY

from syncd.core.model import Issue, IssueRef, Mapped, Unmapped, Verdict
from syncd.core.report import build_report
from syncd.core.twins import TwinLink
from syncd.engine.twinning import Counting, settle_twins, tell_twins, twins_of
from syncd.store import SqlStore

LINEAR = "acme-linear"
BROWSE = "https://acme.atlassian.net/browse"


def linear(id_: str, *twins: str, **changes: object) -> Issue:
    told = {"key": f"ENG-{id_}", "url": f"https://linear.app/acme/issue/ENG-{id_}/a-title", "team": ("ENG", "Core")}
    return issue(id_, ref=ref(id_, LINEAR), twins=twins, **(told | changes))


def remember(store: SqlStore, *issues: Issue) -> None:
    for tracker in (JIRA, LINEAR):
        some = [one for one in issues if one.ref.tracker == tracker]
        store.remember(tracker, some, in_scope=True, now=NOW)


def decide(store: SqlStore, verdicts: Mapping[IssueRef, Verdict]) -> None:
    store.save_standings(
        [
            replace(base, decision=base.decision._replace(ref=one))
            for one, verdict in verdicts.items()
            for base in [standing(one.id, verdict)]
        ]
    )


def report(store: SqlStore, trackers: Sequence[str] = (JIRA, LINEAR)) -> tuple[tuple[int, ...], int]:
    """Mapped, unmapped, conflict; and how many sets of twins were counted as one."""
    known = (one for tracker in trackers for batch in store.standings(tracker) for one in batch)
    counting = Counting(store, trackers)
    totals = build_report(counting.once(known), STRATEGY, "v1", ()).totals
    return (totals.mapped, totals.unmapped, totals.conflict), counting.sets


def test_a_link_is_found_from_both_ends_by_address_and_by_key(store: SqlStore) -> None:
    remember(store, issue("1"), issue("2"), linear("1", f"{BROWSE}/PAY-1"), linear("2", "pay-2"), linear("3"))
    links = [TwinLink(ref("1", LINEAR), ref("1")), TwinLink(ref("2", LINEAR), ref("2"))]
    assert store.twin_links([ref("1"), ref("2")]) == links
    assert store.twin_links([ref(n, LINEAR) for n in "123"]) == links
    assert store.twin_links([ref("3", LINEAR)]) == []


def test_an_old_key_still_leads_to_the_issue(store: SqlStore) -> None:
    remember(store, issue("1"), linear("1", f"{BROWSE}/PAY-1"))
    moved = {"key": "OPS-9", "project": "OPS", "url": f"{BROWSE}/OPS-9", "updated": NOW + MINUTE}
    remember(store, issue("1", **moved))
    assert store.twin_links([ref("1")]) == [TwinLink(ref("1", LINEAR), ref("1"))]


def test_what_leads_elsewhere_or_out_of_scope_or_is_told_no_more_is_no_twin(store: SqlStore) -> None:
    elsewhere = "https://other.atlassian.net/browse/PAY-1"
    remember(store, issue("1"), issue("2"), linear("1", elsewhere, f"{BROWSE}/PAY-404"), linear("2", f"{BROWSE}/PAY-2"))
    assert store.twin_links([ref("1"), ref("1", LINEAR)]) == []
    assert len(store.twin_links([ref("2")])) == 1
    store.take_out(JIRA, ["2"], "archived", NOW)
    assert store.twin_links([ref("2"), ref("2", LINEAR)]) == []
    remember(store, issue("2", updated=NOW + MINUTE))
    assert len(store.twin_links([ref("2")])) == 1
    remember(store, linear("2", updated=NOW + MINUTE))
    assert store.twin_links([ref("2")]) == []


def test_a_bare_key_that_two_sites_bear_says_nothing(store: SqlStore) -> None:
    remember(store, issue("1"), linear("1", "PAY-1"))
    assert len(store.twin_links([ref("1")])) == 1
    second = issue("1", ref=ref("1", "second-jira"), url="https://second.atlassian.net/browse/PAY-1")
    store.remember("second-jira", [second], in_scope=True, now=NOW)
    assert store.twin_links([ref("1"), ref("1", LINEAR), second.ref]) == []


def test_a_store_without_twins_answers_by_one_look_at_an_empty_table(store: SqlStore) -> None:
    remember(store, *(issue(str(n)) for n in range(5)))
    with statements(store) as seen:
        assert twins_of(store, [ref(str(n)) for n in range(5)]) == {}
    assert [text.split()[0] for text in seen if text != "BEGIN"] == ["SELECT"]


def test_twins_count_once_as_a_conflict_where_they_differ_and_twice_without_the_link(store: SqlStore) -> None:
    remember(store, *(issue(n) for n in "123"), linear("1", f"{BROWSE}/PAY-1"), linear("2", f"{BROWSE}/PAY-2"))
    here: dict[IssueRef, Verdict] = {ref("1"): Mapped("growth"), ref("2"): Mapped("growth"), ref("3"): Unmapped()}
    decide(store, {**here, ref("1", LINEAR): Mapped("growth"), ref("2", LINEAR): Mapped("trust")})
    assert report(store) == ((1, 1, 1), 2)
    assert report(store, [LINEAR]) == ((2, 0, 0), 0), "of a tracker that is not counted no twin is known"
    remember(store, linear("1", updated=NOW + MINUTE), linear("2", updated=NOW + MINUTE))
    assert report(store) == ((4, 1, 0), 0)


def test_a_twin_that_is_not_decided_yet_does_not_hide_the_other(store: SqlStore) -> None:
    remember(store, issue("1"), linear("1", f"{BROWSE}/PAY-1"))
    decide(store, {ref("1", LINEAR): Mapped("growth")})
    assert report(store) == ((1, 0, 0), 1)


def test_a_thousand_and_more_pairs_in_batches_are_each_counted_once(store: SqlStore) -> None:
    numbers = [str(n) for n in range(1, 1203)]
    remember(store, *map(issue, numbers), *(linear(n, f"{BROWSE}/PAY-{n}") for n in numbers))
    decide(store, {ref(n, tracker): Mapped("growth") for n in numbers for tracker in (JIRA, LINEAR)})
    assert report(store) == ((1202, 0, 0), 1202)


def test_a_disagreement_is_a_finding_that_opens_once_and_closes_by_itself(store: SqlStore) -> None:
    remember(store, issue("1"), linear("1", f"{BROWSE}/PAY-1"))
    decide(store, {ref("1"): Mapped("growth"), ref("1", LINEAR): Mapped("trust")})
    tell_twins(store, [ref("1", LINEAR)], NOW)
    ((opened, finding),) = store.findings()
    assert (opened, finding.kind, finding.key) == (NOW, "twin", "PAY-1")
    tell_twins(store, [ref("1")], NOW + MINUTE)
    settle_twins(store, NOW + MINUTE)
    assert [at for at, _ in store.findings()] == [NOW], "it keeps its clock"
    decide(store, {ref("1", LINEAR): Unmapped()})
    tell_twins(store, [ref("1", LINEAR)], NOW + MINUTE)
    ((opened, reworded),) = store.findings()
    assert opened == NOW
    assert "ENG-1 is unmapped" in reworded.text
    decide(store, {ref("1", LINEAR): Mapped("growth")})
    settle_twins(store, NOW + MINUTE)
    assert store.findings() == []


@pytest.mark.parametrize("parting", ["unlinked", "left"])
def test_a_finding_closes_when_they_are_twins_no_more(store: SqlStore, parting: str) -> None:
    remember(store, issue("1"), linear("1", f"{BROWSE}/PAY-1"))
    decide(store, {ref("1"): Mapped("growth"), ref("1", LINEAR): Mapped("trust")})
    tell_twins(store, [ref("1")], NOW)
    assert len(store.findings()) == 1
    if parting == "unlinked":
        remember(store, linear("1", updated=NOW + MINUTE))
    else:
        store.take_out(LINEAR, ["1"], "gone", NOW)
    settle_twins(store, NOW + MINUTE)
    assert store.findings() == []


def test_nothing_is_written_where_nothing_changed(store: SqlStore) -> None:
    remember(store, issue("1"), linear("1", f"{BROWSE}/PAY-1"))
    decide(store, {ref("1"): Mapped("growth"), ref("1", LINEAR): Mapped("trust")})
    tell_twins(store, [ref("1")], NOW)
    with statements(store) as seen:
        tell_twins(store, [ref("1")], NOW + MINUTE)
        settle_twins(store, NOW + MINUTE)
    assert not [s for s in seen if not s.lstrip().upper().startswith(("SELECT", "BEGIN"))]
