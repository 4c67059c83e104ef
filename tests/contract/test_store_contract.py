"""What every part of syncd may rely on in a store, on SQLite and PostgreSQL alike."""

import inspect
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from threading import Barrier

import pytest
from support_store import (
    JIRA,
    MINUTE,
    NOW,
    applied,
    child,
    entry,
    finding,
    issue,
    mapped,
    override,
    ref,
    standing,
    statements,
    stored_plan,
    unmapped,
    writes,
)

from syncd.core.errors import Broken, Unreadable
from syncd.core.model import (
    Category,
    Copy,
    Exempt,
    Link,
    Mapped,
    Proof,
    Receipt,
    StickyComment,
    Unmapped,
    Verdict,
)
from syncd.core.ports import Change, EntryState, Lease, Progress, RulesVersion, Store
from syncd.store import SqlStore, open_store
from syncd.store.database import listed
from syncd.store.snapshots import Snapshots
from syncd.store.tables import trackers

TTL = timedelta(minutes=5)
NEW, CONTENT, FIELDS, MARKS = Change.NEW, Change.CONTENT, Change.FIELDS, Change.MARKS


def remember(store: Store, *issues: object, in_scope: bool = True) -> dict[str, Change]:
    changes = store.remember(JIRA, issues, in_scope=in_scope, now=NOW)  # type: ignore[arg-type]  # terse on purpose
    return {r.id: change for r, change in changes.items()}


def test_the_store_has_every_method_of_the_port_with_the_same_parameters() -> None:
    for name, method in inspect.getmembers(Store, inspect.isfunction):
        if name.startswith("_"):
            continue
        wanted, had = inspect.signature(method), inspect.signature(getattr(SqlStore, name))
        assert list(wanted.parameters.values()) == list(had.parameters.values()), name


# --- observing --------------------------------------------------------------------------------------------


def test_a_snapshot_comes_back_as_it_was(store: Store) -> None:
    full = child(
        "7",
        "3",
        "PAY-3",
        marks=("outcome/reliability",),
        components=("api", "db"),
        fix_versions=("1.0",),
        copy=Copy("acme", "some-instance", None),
        restricted=True,
        team=("ENG", "Engineering"),
        within=(Link("p1", "core-api"), Link(None, "no-id")),
        twins=("https://acme.atlassian.net/browse/PAY-7", "OPS-1"),
        sprints=("Sprint 7", "Sprint 8"),
        extra=(("field.squad", ("Core", "Edge")),),
        asked=frozenset({"sprint", "field.squad", "field.empty"}),
        category=Category.DONE,
        title="nul \0, half \ud83d, snow ☃, quote \" and '",
    )
    assert remember(store, full) == {"7": NEW}
    assert store.known([full.ref])[full.ref].issue == full
    assert remember(store, full) == {}


def test_what_is_unchanged_is_absent_and_writes_nothing(store: SqlStore) -> None:
    issues = [issue(str(n)) for n in range(50)]
    remember(store, *issues)
    with statements(store) as seen:
        assert remember(store, *issues) == {}
    assert writes(seen) == []


def test_until_when_a_tracker_is_to_be_left_alone_is_kept_for_each(store: Store) -> None:
    assert store.rests_until(JIRA) is None
    store.rest(JIRA, NOW + MINUTE)
    store.rest("another", NOW)
    store.rest(JIRA, NOW + 2 * MINUTE)
    assert (store.rests_until(JIRA), store.rests_until("another")) == (NOW + 2 * MINUTE, NOW)


def test_a_steady_poll_writes_the_trackers_row_and_nothing_else(store: SqlStore) -> None:
    remember(store, issue("1"))
    with statements(store) as seen:
        store.remember(JIRA, [issue("1")], in_scope=True, now=NOW, progress=Progress(watermark=NOW))
    assert [s.split()[:3] for s in writes(seen)] == [["INSERT", "INTO", "trackers"]]


def test_nothing_observed_and_no_progress_does_not_even_begin_a_transaction(store: SqlStore) -> None:
    with statements(store) as seen:
        assert remember(store) == {}
    assert seen == []


@pytest.mark.parametrize(
    "echo",
    [
        {"updated": NOW + MINUTE},
        {"marks": ("outcome/reliability",), "updated": NOW + MINUTE},
        {"copy": Copy("acme", "i", "outcome/reliability"), "updated": NOW + MINUTE},
    ],
)
def test_our_own_echo_is_a_change_of_marks_only(store: Store, echo: dict[str, object]) -> None:
    remember(store, issue("1"))
    assert remember(store, issue("1", **echo)) == {"1": MARKS}
    assert remember(store, issue("1", **echo)) == {}
    assert store.known([ref("1")])[ref("1")].issue == issue("1", **echo)


def test_what_a_rule_can_see_is_content(store: Store) -> None:
    remember(store, issue("1"))
    assert remember(store, issue("1", labels=(), updated=NOW + MINUTE)) == {"1": CONTENT}
    assert remember(store, child("1", "2", "PAY-2", labels=(), updated=NOW + MINUTE)) == {"1": CONTENT}
    assert remember(store, child("1", "2", "PAY-2", labels=("x",), marks=("m",), updated=NOW + MINUTE)) == {
        "1": CONTENT
    }


def test_another_set_of_fields_asked_for_is_nobodys_edit(store: Store) -> None:
    remember(store, issue("1"))
    squad = {"asked": frozenset({"field.squad"}), "extra": (("field.squad", ("Core",)),)}
    more = {"asked": frozenset({"field.squad", "sprint"}), "extra": squad["extra"], "sprints": ("Sprint 7",)}
    assert remember(store, issue("1", **squad)) == {"1": FIELDS}
    assert remember(store, issue("1", **more)) == {"1": FIELDS}
    assert remember(store, issue("1", **squad)) == {"1": FIELDS}
    assert remember(store, issue("1", **squad)) == {}
    moved = more | {"extra": (("field.squad", ("Edge",)),), "updated": NOW + MINUTE}
    assert remember(store, issue("1", **moved)) == {"1": CONTENT}, "its squad changed as well"
    assert remember(store, issue("1", labels=("x",), updated=NOW + MINUTE * 2)) == {"1": CONTENT}


def test_a_row_older_than_the_stored_one_is_ignored(store: Store) -> None:
    remember(store, issue("1", title="new", updated=NOW))
    assert remember(store, issue("1", title="lagging", updated=NOW - timedelta(microseconds=1))) == {}
    assert store.known([ref("1")])[ref("1")].issue.title == "new"


def test_of_one_issue_twice_in_a_batch_the_newer_counts_and_of_equals_the_later(store: Store) -> None:
    remember(store, issue("1", title="b", updated=NOW + MINUTE), issue("1", title="a", updated=NOW))
    assert store.known([ref("1")])[ref("1")].issue.title == "b"
    remember(store, issue("2", title="a"), issue("2", title="b"))
    assert store.known([ref("2")])[ref("2")].issue.title == "b"


def test_a_large_batch_is_remembered_whole_and_found_in_one_query(store: SqlStore) -> None:
    issues = [issue(f"{n:05}") for n in range(2500)]
    assert len(remember(store, *issues)) == 2500
    with statements(store) as seen:
        known = store.known([i.ref for i in issues[:1000]])
    assert [known[i.ref].issue for i in issues[:1000]] == issues[:1000]
    assert len([s for s in seen if s.startswith("SELECT")]) == 1


def test_the_cursor_never_outruns_the_data(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Snapshots, "_save_progress", crash)
    with pytest.raises(KeyboardInterrupt):
        store.remember(JIRA, [issue("1")], in_scope=True, now=NOW, progress=Progress(watermark=NOW))
    assert store.known([ref("1")]) == {}
    assert store.progress(JIRA) == Progress()


def test_progress_comes_back_whole_and_a_tracker_never_read_has_none(store: Store) -> None:
    assert store.progress(JIRA) == Progress()
    progress = Progress(
        watermark=NOW,
        first_complete=NOW - MINUTE,
        last_attempt=NOW + MINUTE,
        last_success=NOW,
        why="half of it",
        scope=("PAY", "OPS"),
        complete_scope=("PAY",),
        fields=("field.squad", "sprint"),
        rules_key="r",
        plan_key="p",
        skew=timedelta(seconds=-3, microseconds=5),
    )
    store.save_progress(JIRA, progress)
    assert store.progress(JIRA) == progress
    store.save_progress(JIRA, Progress())
    assert store.progress(JIRA) == Progress()


def test_every_field_of_progress_has_its_column() -> None:
    assert {f.name for f in fields(Progress)} | {"tracker"} == set(trackers.c.keys())


# --- the scope --------------------------------------------------------------------------------------------


def test_an_ancestor_outside_stays_outside_until_it_is_observed_in_scope(store: Store) -> None:
    assert remember(store, issue("1"), in_scope=False) == {"1": NEW}
    assert store.count_in_scope(JIRA) == 0
    assert remember(store, issue("1"), in_scope=True) == {"1": NEW}
    assert store.count_in_scope(JIRA) == 1


def test_reading_an_issue_directly_never_takes_it_out_of_scope(store: Store) -> None:
    remember(store, issue("1"))
    assert remember(store, issue("1", title="direct"), in_scope=False) == {"1": CONTENT}
    known = store.known([ref("1")])[ref("1")]
    assert known.in_scope
    assert known.issue.title == "direct"


def test_projects_that_left_the_scope_take_their_issues_along(store: Store) -> None:
    remember(store, issue("1"), issue("2", project="OPS"), issue("3", project="WEB"))
    assert store.leave_scope(JIRA, ["PAY", "OPS"]) == 1
    assert [refs for refs in store.in_scope(JIRA)] == [[ref("1"), ref("2")]]  # noqa: C416 - an iterator is shown
    assert store.leave_scope(JIRA, ["PAY", "OPS"]) == 0
    assert store.leave_scope(JIRA, []) == 2
    assert store.count_in_scope(JIRA) == 0
    assert list(store.in_scope(JIRA)) == []


def test_batches_in_scope_stay_whole_while_others_remember(store: Store) -> None:
    remember(store, *(issue(f"{n:03}") for n in range(0, 100, 2)))
    seen = []
    for turn, batch in enumerate(store.in_scope(JIRA, batch=7)):
        seen += [r.id for r in batch]
        remember(store, issue(f"{turn * 2 + 1:03}"), issue("000", title=f"turn {turn}", updated=NOW + turn * MINUTE))
    before = [f"{n:03}" for n in range(0, 100, 2)]
    assert [id_ for id_ in seen if id_ in before] == before
    assert seen == sorted(set(seen))


def test_standings_are_streamed_over_all_trackers_in_a_fixed_order(store: Store) -> None:
    other = issue("9", ref=ref("9", "b-linear"))
    store.remember("b-linear", [other], in_scope=True, now=NOW)
    remember(store, issue("2"), issue("1"))
    remember(store, issue("8"), in_scope=False)
    store.save_standings([mapped("1", "growth")])
    rows = [known for batch in store.standings(batch=1) for known in batch]
    assert [k.issue.ref for k in rows] == [ref("1"), ref("2"), other.ref]
    assert [k.standing for k in rows] == [mapped("1", "growth"), None, None]
    assert [k.issue.ref for batch in store.standings(JIRA) for k in batch] == [ref("1"), ref("2")]


# --- finding and lineage ----------------------------------------------------------------------------------


def test_a_key_is_found_in_any_case_and_in_one_tracker_or_in_all(store: Store) -> None:
    remember(store, issue("1"))
    twin = issue("77", ref=ref("77", "z-linear"), key="PAY-1")
    store.remember("z-linear", [twin], in_scope=True, now=NOW)
    assert store.find(" pay-1 ") == [ref("1"), twin.ref]
    assert store.find("PAY-1", "z-linear") == [twin.ref]
    assert store.find("PAY-2") == []
    assert store.find("\ud83d\0") == []


def test_an_old_key_answers_after_a_rename_and_after_the_way_back(store: Store) -> None:
    remember(store, issue("1"))
    remember(store, issue("1", key="OPS-9", project="OPS", updated=NOW + MINUTE))
    assert store.find("PAY-1") == store.find("ops-9") == [ref("1")]
    by_link = store.by_link(JIRA, [Link(None, "pay-1")])
    assert by_link[Link(None, "pay-1")].key == "OPS-9"
    remember(store, issue("1", updated=NOW + 2 * MINUTE))
    assert store.find("PAY-1") == store.find("ops-9") == [ref("1")]


def test_who_bears_a_key_now_comes_before_who_once_bore_it(store: Store) -> None:
    remember(store, issue("1", key="PAY-5"))
    remember(store, issue("1", key="PAY-6", updated=NOW + MINUTE))
    remember(store, issue("2", key="PAY-5"))
    assert store.find("PAY-5") == [ref("2"), ref("1")]
    assert store.by_link(JIRA, [Link(None, "PAY-5")])[Link(None, "PAY-5")].ref == ref("2")


def test_a_link_leads_by_its_id_before_its_key(store: Store) -> None:
    remember(store, issue("1"), issue("2"))
    links = [Link("1", "PAY-2"), Link(None, "PAY-2"), Link("404", "PAY-1"), Link(None, "PAY-404")]
    assert {link: i.ref.id for link, i in store.by_link(JIRA, links).items()} == {links[0]: "1", links[1]: "2"}


def test_children_are_found_by_the_parents_id_by_its_key_and_by_its_old_key(store: Store) -> None:
    remember(store, issue("1"))
    remember(store, issue("1", key="OPS-1", updated=NOW + MINUTE))
    remember(store, child("2", "1", "OPS-1"), child("3", None, "ops-1"), child("4", None, "PAY-1"))
    remember(store, child("5", "1", None), in_scope=False)
    remember(store, child("6", "4", None))
    assert store.children([ref("1")]) == [ref("2"), ref("3"), ref("4"), ref("5")]
    assert store.children([ref("4"), ref("1")])[-1] == ref("6")
    assert store.children([ref("404")]) == []


def test_ancestors_outside_are_told_all_the_way_up_while_something_hangs_on_them(store: Store) -> None:
    remember(store, child("1", "10", "EPIC-10"), child("2", None, "EPIC-11"))
    assert set(store.outside(JIRA)) == {Link("10", "EPIC-10"), Link(None, "EPIC-11")}  # never read yet
    remember(
        store,
        child("10", "100", "INI-100", key="EPIC-10"),
        issue("11", key="EPIC-11"),
        issue("12", key="EPIC-12"),
        in_scope=False,
    )
    assert set(store.outside(JIRA)) == {Link("10", "EPIC-10"), Link("11", "EPIC-11"), Link("100", "INI-100")}
    remember(store, issue("100", key="INI-100"), in_scope=False)
    assert set(store.outside(JIRA)) == {Link("10", "EPIC-10"), Link("11", "EPIC-11"), Link("100", "INI-100")}
    store.leave_scope(JIRA, [])
    assert store.outside(JIRA) == []


def test_a_circle_of_parents_outside_ends(store: Store) -> None:
    remember(store, child("1", "2", None))
    remember(store, child("2", "3", None), child("3", "2", None), in_scope=False)
    assert [link.id for link in store.outside(JIRA)] == ["2", "3"]


def test_a_missing_link_is_missing_until_it_answers_and_is_not_read_as_an_outside_one(store: Store) -> None:
    remember(store, child("1", "10", "EPIC-10"), child("2", None, "EPIC-11"))
    store.mark_missing(JIRA, [Link("10", "EPIC-10"), Link(None, "epic-11 "), Link(None, "EPIC-11")], NOW)
    assert set(store.missing(JIRA)) == {Link("10", "EPIC-10"), Link(None, "EPIC-11")}
    assert store.outside(JIRA) == []
    store.forget_missing(JIRA, [Link("10", None)])
    assert store.missing(JIRA) == [Link(None, "EPIC-11")]
    remember(store, issue("11", key="EPIC-11"), in_scope=False)
    assert store.missing(JIRA) == []


def test_a_missing_issue_that_comes_back_unchanged_stays_missing_until_somebody_is_told(store: Store) -> None:
    remember(store, issue("10"), in_scope=False)
    store.mark_missing(JIRA, [Link("10", "PAY-10")], NOW)
    assert remember(store, issue("10"), in_scope=False) == {}
    assert store.missing(JIRA) == [Link("10", "PAY-10")]
    assert remember(store, issue("10", title="told", updated=NOW + MINUTE), in_scope=False) == {"10": CONTENT}
    assert store.missing(JIRA) == []


def test_what_is_set_aside_is_told_until_it_is_understood(store: Store) -> None:
    problems = [Unreadable("no fields", link=Link("5", "PAY-5")), Unreadable("no key", link=Link("6", None))]
    store.set_aside(JIRA, [*problems, Unreadable("nameless")], NOW)
    store.set_aside(JIRA, [Unreadable("no status", link=Link("5", "PAY-5"))], NOW)
    assert store.aside(JIRA) == {Link("5", "PAY-5"): "no status", Link("6", None): "no key"}
    remember(store, issue("5"))
    assert store.aside(JIRA) == {Link("6", None): "no key"}
    store.forget_aside(JIRA, [Link("6", None)])
    assert store.aside(JIRA) == {}


# --- deciding ---------------------------------------------------------------------------------------------


def test_the_version_kept_last_is_told_also_when_it_comes_back(store: Store) -> None:
    assert store.rulebook_version() is None
    for version in ("a", "b", "a"):
        store.keep_rulebook(RulesVersion(version, NOW, "Maria", "c0ffee"), {"rules.yaml": f"# {version}"})
        assert store.rulebook_version() == version
        assert store.rulebook_texts() == {"rules.yaml": f"# {version}"}
    assert [kept.version for kept in store.rulebook_log()] == ["a", "b", "a"]
    assert store.rulebook_log()[0] == RulesVersion("a", NOW, "Maria", "c0ffee")


def test_the_texts_of_an_earlier_version_stay_and_an_unknown_one_has_none(store: Store) -> None:
    assert store.rulebook_texts() is None
    for version in ("a", "b"):
        store.keep_rulebook(RulesVersion(version, NOW), {"rules.yaml": f"# {version}"})
    assert store.rulebook_texts("a") == {"rules.yaml": "# a"}
    assert store.rulebook_texts("c") is None


def test_rules_that_stay_in_use_are_logged_once(store: Store) -> None:
    for _ in range(3):
        store.keep_rulebook(RulesVersion("a", NOW), {"rules.yaml": "# a"})
    assert len(store.rulebook_log()) == 1


def test_history_keeps_each_change_of_the_pair_and_nothing_else(store: Store) -> None:
    first = mapped("1", "growth", NOW)
    store.save_standings([first])
    same_pair = standing("1", Mapped("growth", "signups"), NOW, "v2")
    store.save_standings([same_pair])
    for again in (mapped("1", "reliability", NOW + MINUTE), mapped("1", "growth", NOW + 2 * MINUTE)):
        store.save_standings([again])
    pairs = [(at, decision.pair) for at, decision in store.history(ref("1"))]
    assert pairs == [
        (NOW, ("mapped", "growth")),
        (NOW + MINUTE, ("mapped", "reliability")),
        (NOW + 2 * MINUTE, ("mapped", "growth")),
    ]
    assert store.history(ref("1"))[0][1] == first.decision
    assert store.history(ref("2")) == []


def test_a_verdict_decided_again_in_the_pass_that_it_began_in_is_told_as_it_was_decided_last(store: Store) -> None:
    old, first = mapped("1", "reliability", NOW), mapped("1", "growth", NOW + MINUTE)
    again = replace(first, decision=first.decision._replace(diverges_from="PAY-9"))
    later = replace(first, decision=first.decision._replace(diverges_from="PAY-7"))
    for one, now in ((old, NOW), (first, NOW + MINUTE), (again, NOW + MINUTE), (later, NOW + 2 * MINUTE)):
        store.save_standings([one], now)
    assert store.history(ref("1")) == [(NOW, old.decision), (NOW + MINUTE, again.decision)]


def test_incomplete_is_another_pair_than_unmapped_and_overheads_differ_by_their_id(store: Store) -> None:
    verdicts: list[Verdict] = [
        Unmapped(),
        Unmapped(incomplete=True),
        Exempt("lights", "ops"),
        Exempt("rent", "ops"),
        Exempt(None, "x"),
    ]
    for verdict in verdicts:
        store.save_standings([standing("1", verdict)])
    assert [decision.verdict for _, decision in store.history(ref("1"))] == verdicts


def test_a_standing_said_again_writes_nothing(store: SqlStore) -> None:
    remember(store, issue("1"))
    store.save_standings([mapped("1", "growth")])
    with statements(store) as seen:
        store.save_standings([mapped("1", "growth")])
    assert writes(seen) == []
    assert store.known([ref("1")])[ref("1")].standing == mapped("1", "growth")


def test_overrides_begin_end_and_are_kept_in_the_order_they_began(store: Store) -> None:
    first, second = override("1"), override("1", "reliability", expires=NOW - MINUTE, reason="because")
    other = override("2")
    store.save_overrides([first, second, other], [], NOW)
    store.save_overrides([first], [], NOW)
    assert store.overrides([ref("1"), ref("2"), ref("3")]) == {ref("1"): [first, second], ref("2"): [other]}
    store.save_overrides([], [first], NOW + MINUTE)
    assert store.overrides([ref("1")]) == {ref("1"): [second]}
    store.save_overrides([first], [second], NOW + 2 * MINUTE)
    assert store.overrides([ref("1")]) == {ref("1"): [first]}


def test_findings_open_and_close_by_themselves_and_keep_their_clock(store: Store) -> None:
    a, b, c = finding("rules a + b"), finding("issue PAY-3"), finding("c" * 5000)
    store.save_findings(JIRA, "conflict", [a, b], NOW)
    a_anew = replace(a, text="They disagree still.")
    store.save_findings(JIRA, "conflict", [a_anew, c], NOW + MINUTE)
    assert store.findings() == [(NOW, a_anew), (NOW + MINUTE, c)]
    store.save_findings(JIRA, "conflict", [b], NOW + 2 * MINUTE)
    assert store.findings(JIRA) == [(NOW + 2 * MINUTE, b)]  # opened anew: its clock too


def test_findings_of_another_kind_or_tracker_are_left_alone(store: Store) -> None:
    drift = finding("PAY-1", "drift")
    elsewhere = replace(finding("PAY-1"), tracker="b-linear")
    store.open_finding(drift, NOW)
    store.save_findings("b-linear", "conflict", [elsewhere], NOW)
    store.save_findings(JIRA, "conflict", [], NOW)
    assert [f for _, f in store.findings()] == [drift, elsewhere]
    assert [f for _, f in store.findings("b-linear")] == [elsewhere]
    with pytest.raises(ValueError, match="another tracker or kind"):
        store.save_findings(JIRA, "conflict", [elsewhere], NOW)


def test_a_finding_opened_again_stays_as_it_is_and_one_that_closed_opens_anew(store: Store) -> None:
    store.open_finding(finding("x"), NOW)
    store.open_finding(finding("x", text="otherwise"), NOW + MINUTE)
    assert store.findings() == [(NOW, finding("x"))]
    store.save_findings(JIRA, "conflict", [], NOW + MINUTE)
    store.open_finding(finding("x"), NOW + 2 * MINUTE)
    assert store.findings() == [(NOW + 2 * MINUTE, finding("x"))]


# --- planning ---------------------------------------------------------------------------------------------


def test_what_is_applied_comes_back_and_never_falls_behind_its_revision(store: Store) -> None:
    remember(store, issue("1"))
    full = applied(
        "1",
        "outcome/growth",
        4,
        was="alignment/unmapped",
        shown=NOW,
        proof=Proof.SEEN,
        tries=2,
        declined=("unmapped", None),
        comment=StickyComment("88", "abc"),
    )
    store.save_applied([full])
    store.save_applied([applied("1", "outcome/stale", 3)])
    assert store.known([ref("1")])[ref("1")].applied == full
    store.save_applied([applied("1", None, 4)])
    assert store.known([ref("1")])[ref("1")].applied == applied("1", None, 4)


def test_plan_states_tell_who_is_planned_again_and_who_is_held(store: Store) -> None:
    remember(store, *(issue(str(n)) for n in range(1, 6)))
    store.save_plan_state([ref("1")], [ref("2"), ref("3")], {ref("4"): "closed", ref("5"): "closed"})
    assert store.unsettled(JIRA) == [ref("2"), ref("3")]
    assert store.held(JIRA) == {"closed": 2}
    store.save_plan_state([ref("2"), ref("4")], [ref("5")], {ref("3"): "no permission"})
    assert store.unsettled(JIRA) == [ref("5")]
    assert store.held(JIRA) == {"no permission": 1}


def test_an_issue_that_left_the_scope_is_neither_planned_again_nor_counted_as_held(store: Store) -> None:
    remember(store, issue("1"), issue("2"))
    store.save_plan_state([], [ref("1")], {ref("2"): "closed"})
    store.leave_scope(JIRA, [])
    assert store.unsettled(JIRA) == []
    assert store.held(JIRA) == {}


def test_a_plan_is_found_by_its_digest_and_by_a_unique_beginning_of_it(store: Store) -> None:
    a, b = stored_plan("abcdef1111"), stored_plan("abcdef2222")
    store.save_plan(a)
    assert store.plan("abcdef") == a
    store.save_plan(b)
    assert store.plan("abcdef") is None
    assert store.plan("abcdef2") == b
    assert store.plan("abcdef1111") == a
    assert store.plan("abcde") is None
    assert store.plan("_bcdef1111") is None
    short = stored_plan("abcdef")  # a whole digest is meant before a beginning
    store.save_plan(short)
    assert store.plan("abcdef") == short


def test_a_plan_saved_again_is_replaced_and_may_be_settled(store: Store) -> None:
    store.save_plan(stored_plan("abcdef1111"))
    newer = stored_plan("abcdef1111", NOW + MINUTE)
    store.save_plan(newer)
    assert store.plan("abcdef1111") == newer
    store.settle_plan("abcdef1111", NOW + 2 * MINUTE)
    assert store.plan("abcdef1111") == replace(newer, settled=NOW + 2 * MINUTE)


def test_the_newest_refused_plan_of_each_tracker_waits_until_settled_or_cleared(store: Store) -> None:
    store.save_plan(stored_plan("old-one", NOW, (JIRA,)))
    both = stored_plan("both-of-them", NOW + MINUTE, (JIRA, "b-linear"))
    store.save_plan(both)
    assert store.waiting_plans() == [both]
    newest = stored_plan("newest", NOW + 2 * MINUTE, (JIRA,))
    store.save_plan(newest)
    assert store.waiting_plans() == [replace(both, refusals=both.refusals[1:]), newest]
    store.clear_waiting("b-linear", NOW + 3 * MINUTE)
    assert store.waiting_plans() == [newest]
    store.settle_plan("newest", NOW + 3 * MINUTE)
    assert store.waiting_plans() == []  # and the older ones do not come back


# --- writing ----------------------------------------------------------------------------------------------


def lease(store: Store, tracker: str = JIRA, holder: str = "me", now: datetime = NOW) -> Lease:
    taken = store.acquire(tracker, holder, now, TTL)
    assert taken is not None
    return taken


def states(store: Store, *wanted: EntryState) -> list[tuple[str, EntryState, int, str]]:
    rows = store.entries(JIRA, wanted or list(EntryState))
    return [(e.action.ref.id, e.state, e.attempts, e.note) for e in rows]


def test_the_same_entry_is_committed_once_and_entries_keep_their_order(store: Store) -> None:
    some = [entry("3"), entry("1"), entry("2")]
    assert store.commit_intent([*some, some[0]], NOW) == 3
    assert store.commit_intent([*some, entry("0")], NOW) == 1
    assert [e.action.ref.id for e in store.entries(JIRA, [EntryState.TODO])] == ["3", "1", "2", "0"]
    assert [e.action.ref.id for e in store.entries(JIRA, [EntryState.TODO], 2)] == ["3", "1"]
    assert store.entries(JIRA, [EntryState.DEAD]) == []
    assert list(store.entries(JIRA, [EntryState.TODO]))[:3] == some


def test_a_to_b_to_a_are_three_entries(store: Store) -> None:
    there_and_back = [entry("1", "outcome/a", 0), entry("1", "outcome/b", 1), entry("1", "outcome/a", 2)]
    assert [store.commit_intent([e], NOW) for e in there_and_back] == [1, 1, 1]


def test_a_thousand_and_more_entries_are_counted_and_keep_their_order(store: Store) -> None:
    many = [entry(f"{n:05}") for n in range(2200)]
    assert store.commit_intent(many[:700], NOW) == 700
    assert store.commit_intent(many, NOW) == 1500
    assert list(store.entries(JIRA, [EntryState.TODO], 3000)) == many


def test_a_dropped_entry_is_revived_and_one_that_is_done_or_dead_is_not(store: Store) -> None:
    mine = lease(store)
    some = [entry("1"), entry("2"), entry("3")]
    store.commit_intent(some, NOW)
    assert all(store.begin(e, mine, NOW) for e in some)
    store.put_back(some[0], EntryState.DROPPED, "it moved on", NOW)
    store.put_back(some[1], EntryState.DEAD, "refused", NOW)
    store.settle(some[2], Receipt(NOW), applied("3", "outcome/reliability", 1), NOW)
    assert store.commit_intent(some, NOW) == 1
    assert states(store) == [
        ("1", EntryState.TODO, 1, ""),
        ("2", EntryState.DEAD, 1, "refused"),
        ("3", EntryState.DONE, 1, ""),
    ]
    assert store.outbox_counts() == {"todo": 1, "sending": 0, "dead": 1}


def test_an_entry_is_begun_once(store: Store) -> None:
    mine = lease(store)
    store.commit_intent([entry("1")], NOW)
    assert store.begin(entry("1"), mine, NOW)
    assert not store.begin(entry("1"), mine, NOW)
    assert states(store) == [("1", EntryState.SENDING, 1, "")]
    store.put_back(entry("1"), EntryState.TODO, "try later", NOW)
    assert store.begin(entry("1"), mine, NOW)
    assert states(store) == [("1", EntryState.SENDING, 2, "try later")]


def test_the_fence_stops_a_stale_writer(store: Store) -> None:
    stale = lease(store, holder="slow")
    store.commit_intent([entry("1")], NOW)
    late = NOW + 2 * TTL
    fresh = lease(store, holder="quick", now=late)
    assert fresh.fence > stale.fence
    assert not store.begin(entry("1"), stale, late)
    assert not store.begin(entry("1"), replace(fresh, fence=fresh.fence + 1), late)
    assert states(store) == [("1", EntryState.TODO, 0, "")]
    assert store.begin(entry("1"), fresh, late)


def test_a_lease_given_back_or_of_another_tracker_begins_nothing(store: Store) -> None:
    mine, other = lease(store), lease(store, "b-linear")
    store.commit_intent([entry("1")], NOW)
    assert not store.begin(entry("1"), other, NOW)
    store.release(mine)
    assert not store.begin(entry("1"), mine, NOW)


def test_settling_writes_done_and_what_is_applied_together(store: SqlStore) -> None:
    remember(store, issue("1"))
    mine = lease(store)
    store.commit_intent([entry("1")], NOW)
    store.begin(entry("1"), mine, NOW)
    with pytest.raises(ValueError, match="naive"):
        store.settle(entry("1"), Receipt(NOW), applied("1", "m", 1, at=datetime(2026, 1, 1)), NOW)  # noqa: DTZ001
    assert states(store) == [("1", EntryState.SENDING, 1, "")]
    now_applied = applied("1", "outcome/reliability", 1)
    store.settle(entry("1"), Receipt(NOW, "77"), now_applied, NOW)
    assert states(store) == [("1", EntryState.DONE, 1, "")]
    assert store.known([ref("1")])[ref("1")].applied == now_applied


def test_what_is_over_is_settled_no_second_time(store: Store) -> None:
    remember(store, issue("1"))
    mine = lease(store)
    store.commit_intent([entry("1")], NOW)
    store.begin(entry("1"), mine, NOW)
    store.settle(entry("1"), Receipt(NOW), applied("1", "first", 1), NOW)
    store.settle(entry("1"), Receipt(NOW), applied("1", "second", 2), NOW)
    store.put_back(entry("1"), EntryState.TODO, "no", NOW)
    assert states(store) == [("1", EntryState.DONE, 1, "")]
    assert store.known([ref("1")])[ref("1")].applied == applied("1", "first", 1)


def test_notes_of_any_text_are_kept(store: Store) -> None:
    store.commit_intent([entry("1")], NOW)
    store.put_back(entry("1"), EntryState.DEAD, "nul \0, half \ud83d, 'quote'; DROP TABLE outbox", NOW)
    assert states(store)[0][3] == "nul \ufffd, half \ufffd, 'quote'; DROP TABLE outbox"


# --- leases -----------------------------------------------------------------------------------------------


def test_a_lease_is_held_until_it_is_released_or_expires(store: Store) -> None:
    mine = lease(store)
    assert store.acquire(JIRA, "you", NOW + TTL - MINUTE, TTL) is None
    assert store.lease_holder(JIRA, NOW) == "me"
    assert lease(store) == mine  # already ours
    store.release(mine)
    assert store.lease_holder(JIRA, NOW) is None
    assert lease(store, holder="you") == Lease(JIRA, "you", mine.fence + 1)
    assert store.lease_holder(JIRA, NOW + TTL) is None
    assert lease(store, holder="third", now=NOW + TTL) == Lease(JIRA, "third", mine.fence + 2)


def test_a_lease_is_renewed_by_its_holder_only(store: Store) -> None:
    mine = lease(store)
    assert store.renew(mine, NOW + MINUTE, TTL)
    assert store.acquire(JIRA, "you", NOW + TTL, TTL) is None
    yours = lease(store, holder="you", now=NOW + TTL + MINUTE)
    assert not store.renew(mine, NOW + TTL + MINUTE, TTL)
    store.release(mine)
    assert store.lease_holder(JIRA, NOW + TTL + MINUTE) == "you"
    assert store.renew(yours, NOW + TTL + MINUTE, TTL)


def test_of_many_that_take_a_lease_at_once_exactly_one_gets_it(store_url: str) -> None:
    rivals, rounds = 4, 12
    stores = [open_store(store_url, clock_now=NOW) for _ in range(rivals)]
    barrier = Barrier(rivals)

    def rival(number: int) -> list[Lease | None]:
        taken = []
        for turn in range(rounds):
            barrier.wait(30)
            taken.append(stores[number].acquire(f"tracker {turn}", f"rival {number}", NOW, TTL))
        return taken

    with ThreadPoolExecutor(rivals) as pool:
        taken = list(pool.map(rival, range(rivals)))
    for store in stores:
        store.close()
    assert [sum(row[turn] is not None for row in taken) for turn in range(rounds)] == [1] * rounds


def test_threads_of_one_store_do_not_get_into_each_others_transactions(store: SqlStore) -> None:
    barrier = Barrier(2)

    def undo() -> None:
        with store.transaction():
            remember(store, issue("1"))
            raise RuntimeError

    def run(work: Callable[[], object]) -> Exception | None:
        barrier.wait(30)
        try:
            work()
        except RuntimeError as error:
            return error
        return None

    with ThreadPoolExecutor(2) as pool:
        undone, kept = pool.map(run, [undo, lambda: remember(store, issue("2"))])
    assert isinstance(undone, RuntimeError)
    assert kept is None
    assert list(store.known([ref("1"), ref("2")])) == [ref("2")]


# --- transactions -----------------------------------------------------------------------------------------


def test_a_transaction_keeps_all_or_nothing_and_a_nested_one_joins_it(store: Store) -> None:
    def undone() -> None:
        with store.transaction():
            remember(store, issue("1"))
            with store.transaction():
                store.save_standings([unmapped("1")])
            store.commit_intent([entry("1")], NOW)
            assert store.known([ref("1")])[ref("1")].standing == unmapped("1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        undone()
    assert store.known([ref("1")]) == {}
    assert store.outbox_counts()["todo"] == 0
    with store.transaction():
        remember(store, issue("1"))
        with store.transaction():
            store.commit_intent([entry("1")], NOW)
    assert list(store.known([ref("1")])) == [ref("1")]
    assert store.outbox_counts()["todo"] == 1


def test_a_failure_that_was_passed_over_inside_a_transaction_still_undoes_it(store: Store) -> None:
    def passed_over() -> None:
        with store.transaction():
            remember(store, issue("1"))
            with pytest.raises(ValueError, match="naive"):
                remember(store, issue("2", updated=datetime(2026, 1, 1)))  # noqa: DTZ001

    with pytest.raises(Broken, match="nothing of it is kept"):
        passed_over()
    assert store.known([ref("1")]) == {}


# --- instants ---------------------------------------------------------------------------------------------


def test_a_naive_datetime_is_refused_everywhere(store: Store) -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001
    for call in (
        lambda: remember(store, issue("1", updated=naive)),
        lambda: remember(store, issue("1", created=naive)),
        lambda: store.save_progress(JIRA, Progress(watermark=naive)),
        lambda: store.acquire(JIRA, "me", naive, TTL),
        lambda: store.save_standings([mapped("1", "x", naive)]),
        lambda: store.save_overrides([override("1", at=naive)], [], NOW),
        lambda: store.lease_holder(JIRA, naive),
    ):
        with pytest.raises(ValueError, match="naive"):
            call()


def test_instants_come_back_in_utc_to_the_microsecond(store: Store) -> None:
    elsewhere = datetime(2026, 3, 29, 1, 59, 59, 999999, tzinfo=timezone(timedelta(hours=13)))
    store.save_progress(JIRA, Progress(watermark=elsewhere))
    watermark = store.progress(JIRA).watermark
    assert watermark == elsewhere
    assert watermark is not None
    assert watermark.tzinfo is UTC
    remember(store, issue("1", created=elsewhere))
    assert store.known([ref("1")])[ref("1")].issue.created == elsewhere


def test_instants_sort_by_time_whatever_their_zone_or_fraction(store: Store) -> None:
    zones = [timezone(timedelta(hours=h)) for h in (-11, 0, 13)]
    times = [NOW.replace(microsecond=0), NOW.replace(microsecond=1), NOW, NOW + MINUTE]
    for n, at in enumerate(reversed(times)):
        store.open_finding(finding(f"cause {n}"), at.astimezone(zones[n % 3]))
    assert [at for at, _ in store.findings()] == times


# --- several ancestors at one level, and what lies outside -----------------------------------------------------


def test_what_lies_within_a_node_is_its_child_by_id_and_by_key(store: Store) -> None:
    remember(
        store, issue("1", within=(Link("p1", "core"), Link("p2", "edge"))), issue("2", within=(Link(None, "Edge"),))
    )
    remember(store, issue("p1", key="core"), issue("p2", key="edge"), in_scope=False)
    assert store.children([ref("p1")]) == [ref("1")]
    assert store.children([ref("p2")]) == [ref("1"), ref("2")]
    remember(store, issue("1", within=(Link("p1", "core"),), updated=NOW + MINUTE))
    assert store.children([ref("p2")]) == [ref("2")]
    assert {link.id for link in store.outside(JIRA)} == {"p1", "p2"}
    remember(store, issue("1", updated=NOW + MINUTE * 2))
    assert store.children([ref("p1")]) == []
    assert {link.id for link in store.outside(JIRA)} == {"p2"}


def test_nodes_above_nodes_are_read_again_and_unknown_ones_are_told(store: Store) -> None:
    remember(store, issue("1", within=(Link("p1", "core"),)))
    assert store.outside(JIRA) == [Link("p1", "core")], "never read"
    remember(store, issue("p1", key="core", within=(Link("i1", "go"), Link("i2", "up"))), in_scope=False)
    assert store.outside(JIRA) == [Link("p1", "core"), Link("i1", "go"), Link("i2", "up")]
    remember(store, issue("i1", key="go"), issue("i2", key="up"), in_scope=False)
    assert {link.id for link in store.outside(JIRA)} == {"p1", "i1", "i2"}


def test_what_is_taken_out_of_scope_says_why_until_it_comes_back(store: Store) -> None:
    remember(store, issue("1"), issue("2"))
    assert store.take_out(JIRA, ["1", "1", "nobody"], "archived", NOW) == 1
    assert store.take_out(JIRA, ["1"], "moved", NOW + MINUTE) == 0
    assert store.count_in_scope(JIRA) == 1
    assert store.left([ref("1"), ref("2")]) == {ref("1"): (NOW, "archived")}
    assert remember(store, issue("1", updated=NOW + MINUTE), in_scope=False) == {"1": MARKS}
    assert store.count_in_scope(JIRA) == 1, "being somebody's ancestor does not bring it back"
    assert remember(store, issue("1", updated=NOW + MINUTE)) == {"1": NEW}
    assert store.left([ref("1")]) == {}
    assert store.count_in_scope(JIRA) == 2


def test_what_is_taken_out_of_scope_has_no_plan_any_more(store: Store) -> None:
    remember(store, issue("1"), issue("2"))
    store.save_plan_state([], [ref("1")], {ref("2"): "closed"})
    store.take_out(JIRA, ["1", "2"], "archived", NOW)
    assert store.unsettled(JIRA) == []
    assert store.held(JIRA) == {}


def test_a_readers_memory_comes_back_as_it_was(store: Store) -> None:
    store.save_progress(JIRA, Progress(memory='{"labels": 7}'))
    assert store.progress(JIRA) == Progress(memory='{"labels": 7}')
    store.save_progress(JIRA, Progress())
    assert store.progress(JIRA) == Progress()


def test_words_among_many_lose_what_no_database_can_hold_and_nothing_else() -> None:
    plain = ["1", "snow ☃", 'quote "', "a backslash \\u0000"]
    assert json.loads(listed(plain)) == plain
    assert json.loads(listed([*plain, "nul \0", "half \ud83d"])) == [*plain, "nul \ufffd", "half \ufffd"]
