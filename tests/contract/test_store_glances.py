"""What the store tells whoever edits rules: issues as rules see them, found by what they bear; and what is held."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from sqlalchemy import func, select
from support_store import JIRA, NOW, applied, child, issue, override, ref

from syncd.core.bearing import Bears
from syncd.core.model import Issue, Link, StickyComment
from syncd.core.seen import Glance
from syncd.store import SqlStore
from syncd.store.tables import held_counts, issues, plan_states

BARE = issue("1", labels=(), priority=None)
FULL = child(
    "2",
    "3",
    "PAY-3",
    labels=("SRE", "docs, "),
    components=("API",),
    fix_versions=("1.0",),
    marks=("outcome/reliability",),
    team=("ENG", "Engineering"),
    sprints=("Sprint 9",),
    extra=(("field.squad", ("Alpha", "Beta")),),
    asked=frozenset({"sprint", "field.squad", "field.other"}),
)
SEEN = sorted(name for kind in Glance.__mro__ for name, held in vars(kind).items() if isinstance(held, property))


def remember(store: SqlStore, *some: Issue, in_scope: bool = True) -> None:
    store.remember(JIRA, some, in_scope=in_scope, now=NOW)


def bearing(store: SqlStore, *values: Bears, limit: int = 100) -> list[str] | None:
    found = store.bearing(JIRA, values, limit=limit)
    return None if found is None else [one.id for one in found]


# --- glances ---


@pytest.mark.parametrize("given", [BARE, FULL, replace(BARE, parent=Link(None, "PAY-9"))], ids=["bare", "full", "key"])
def test_a_glance_shows_what_the_issue_holds(store: SqlStore, given: Issue) -> None:
    remember(store, given)
    ((glance,),) = store.glances(JIRA)
    assert {name: getattr(glance, name) for name in SEEN} == {name: getattr(given, name) for name in SEEN}
    assert {"labels", "parent", "marks", "asked"} <= set(SEEN)
    for key in ("field.squad", "field.other", "field.nobody"):
        assert glance.values_of(key) == given.values_of(key)


def test_glances_are_at_issues_in_scope_in_one_order_batch_by_batch(store: SqlStore) -> None:
    remember(store, *(issue(str(n)) for n in range(10, 17)))
    remember(store, issue("99"), in_scope=False)
    assert [[one.ref.id for one in some] for some in store.glances(JIRA, batch=3)] == [
        ["10", "11", "12"],
        ["13", "14", "15"],
        ["16"],
    ]
    assert [[one.ref.id for one in some] for some in store.glances(JIRA, ["16", "99", "11", "nobody"])] == [
        ["11", "16"]
    ]


# --- bearing ---


def test_issues_are_found_by_what_they_bear_folded_in_or_out_of_scope(store: SqlStore) -> None:
    remember(store, FULL, issue("4", labels=("sre-team",)), issue("5", labels=()))
    remember(store, issue("6", labels=("sre",)), in_scope=False)
    assert bearing(store, Bears("label", "sre")) == ["2", "6"]
    assert bearing(store, Bears("label", "docs"), Bears("component", "api")) == ["2"]
    assert bearing(store, Bears("label", "sre", prefix=True)) == ["2", "4", "6"]
    assert bearing(store, Bears("component", "sre"), Bears("label", "nobody")) == []
    assert bearing(store) == []


def test_where_more_bear_a_value_than_is_worth_while_nobody_is_named(store: SqlStore) -> None:
    remember(store, *(issue(str(n)) for n in range(5)))
    assert bearing(store, Bears("label", "sre"), limit=4) is None
    assert bearing(store, Bears("label", "sre"), limit=5) == ["0", "1", "2", "3", "4"]
    assert bearing(store, Bears("label", "s", prefix=True), limit=4) is None


def test_what_an_issue_bears_follows_its_newest_snapshot(store: SqlStore) -> None:
    remember(store, FULL)
    remember(store, replace(FULL, labels=("sre", "new"), components=(), updated=NOW.replace(hour=13)))
    remember(store, replace(FULL, labels=("old",)))  # a row that lags behind
    found = {text: bearing(store, Bears("label", text)) for text in ("sre", "docs", "new", "old")}
    assert found == {"sre": ["2"], "docs": [], "new": ["2"], "old": []}
    assert bearing(store, Bears("component", "api")) == []


def test_one_tracker_s_values_are_not_another_s(store: SqlStore) -> None:
    store.remember("other", [replace(FULL, ref=ref("2", "other"))], in_scope=True, now=NOW)
    assert bearing(store, Bears("label", "sre")) == []


# --- words and comments ---


def test_issues_with_a_word_on_them_are_named_until_it_ends(store: SqlStore) -> None:
    one, two = override("1"), override("2", expires=NOW)
    store.save_overrides([one, two, override("3")], [], NOW)
    store.save_overrides([], [one], NOW)
    assert [named.id for named in store.overridden(JIRA)] == ["2", "3"]


def test_issues_with_a_comment_of_ours_are_named(store: SqlStore) -> None:
    store.save_applied(
        [
            applied("1", 'outcome/"comment":[', 1),
            applied("2", None, 1, comment=StickyComment("c1", "d")),
            applied("3", None, 1),
        ]
    )
    assert [named.id for named in store.commented(JIRA)] == ["2"]


# --- what is held ---


def test_what_is_held_is_counted_as_it_changes(store: SqlStore) -> None:
    random = Random(4)  # noqa: S311 - states to try, not secrets
    refs = [ref(str(n)) for n in range(12)]
    remember(store, *(issue(r.id, project=random.choice(("PAY", "OPS"))) for r in refs))
    for turn in range(40):
        some = random.sample(refs, k=4)
        held = {r: random.choice(("policy: observe", "closed", "closed\0")) for r in some[:2]}
        store.save_plan_state(some[2:3], some[1:2] + some[3:], held)
        if turn == 20:
            store.leave_scope(JIRA, ["PAY"])
            refs = [r for r in refs if store.known([r])[r].in_scope]
        with store._db.reading() as connection:
            states = connection.execute(
                select(plan_states.c.held, func.count())
                .join_from(plan_states, issues, plan_states.c.id == issues.c.id)
                .where(plan_states.c.held.is_not(None), issues.c.in_scope.is_(True))
                .group_by(plan_states.c.held)
            )
            counted = Counter({row[0]: row[1] for row in states})
            assert connection.execute(select(func.min(held_counts.c.issues))).scalar_one() >= 0
        assert Counter(store.held(JIRA)) == counted


def test_an_issue_that_left_the_scope_is_neither_held_nor_unsettled(store: SqlStore) -> None:
    remember(store, issue("1", project="OPS"), issue("2"))
    store.save_plan_state([], [ref("2"), ref("1")], {ref("1"): "closed"})
    store.leave_scope(JIRA, ["PAY"])
    assert (store.held(JIRA), [r.id for r in store.unsettled(JIRA)]) == ({}, ["2"])
