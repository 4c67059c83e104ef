"""Whose mark it is: who put it on and when, what came along with a copy, what another store left."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from support_stage import Stage, staged

from connectors.sandbox.faults import Fault


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        stage.once()  # the projects are known and empty: what comes now is people's doing
        yield stage


def ours(stage: Stage, key: str) -> str | None:
    known = stage.known(key)
    return None if known.applied is None else known.applied.mark


def words(stage: Stage, key: str) -> list[tuple[str, str]]:
    """(author, mark or target) of each word that stands on the issue."""
    with stage.store() as store:
        (ref,) = store.find(key)
        return [(o.author, o.mark or repr(o.target)) for o in store.overrides([ref]).get(ref, ())]


# --- who and when ---


def test_an_override_names_who_put_the_mark_on_and_when(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    stage.edit(key, by="maria", labels_add=["outcome/cost"])
    put_on = stage.site.histories[stage.site.issue(key).id][-1].created
    stage.edit(key, by="tom", summary="Something else")
    stage.later(minutes=3)
    assert words(stage, key) == [("Maria", "outcome/cost")]
    with stage.store() as store:
        (ref,) = store.find(key)
        assert store.overrides([ref])[ref][0].at == put_on
    assert "by Maria" in stage.explain(key).decision.evidence[0].texts[0]


def test_a_mark_of_the_creation_is_the_word_of_who_created_the_issue(stage: Stage) -> None:
    key = stage.create(by="lena", labels=["sre", "outcome/cost"])
    stage.later(minutes=1)
    assert words(stage, key) == [("Lena", "outcome/cost")]
    stage.quiet()


def test_who_and_when_is_one_request_for_all_and_none_where_nobody_touched_a_mark(stage: Stage) -> None:
    keys = [stage.create(labels=["sre"]) for _ in range(30)]
    with stage.watched() as traffic:
        stage.later(minutes=1)
        stage.quiet()
    assert not traffic.of("POST", "changelog/bulkfetch")
    for key in keys:
        stage.edit(key, labels_add=["outcome/cost"])
    with stage.watched() as traffic:
        stage.later(minutes=1)
        stage.quiet()
    assert len(traffic.of("POST", "changelog/bulkfetch")) == 1


def test_where_the_history_cannot_be_read_now_nothing_is_decided_by_the_mark_until_it_can(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    stage.quiet()
    stage.site.faults.add(Fault("status", status=503, match="POST */changelog/bulkfetch", times=None))
    stage.edit(key, labels_add=["outcome/cost"])
    stage.later(minutes=1)
    assert stage.decided(key) == ("mapped", "reliability")
    assert words(stage, key) == []
    stage.site.faults.clear()
    stage.later(minutes=1)
    assert words(stage, key) == [("Tom", "outcome/cost")]
    assert stage.marks(key) == ["outcome/cost"]
    stage.quiet()


# --- apps ---


def test_a_mark_by_an_automation_is_nobody_s_word_it_is_left_alone_and_said(stage: Stage) -> None:
    stage.site.registry.person("robot", "Automation for Jira", account_type="app")
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    stage.edit(key, by="robot", labels_add=["outcome/cost"])
    stage.quiet_after_a_look()
    assert stage.decided(key) == ("mapped", "reliability")
    assert stage.marks(key) == ["outcome/cost", "outcome/reliability"]
    assert [text for text in stage.findings("automation") if key in text and "outcome/cost" in text]
    stage.edit(key, by="tom", labels_remove=["outcome/cost"])
    stage.quiet_after_a_look()
    assert stage.findings("automation") == []


# --- copies ---


@pytest.mark.parametrize("how", ["clone", "split"])
def test_a_mark_that_came_along_with_a_copy_is_ours_and_follows_the_rules(stage: Stage, how: str) -> None:
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    copy = getattr(stage.site.person("maria"), how)(key)
    stage.later(minutes=1)
    assert (ours(stage, copy), words(stage, copy)) == ("outcome/reliability", [])
    stage.edit(copy, labels_remove=["sre"], labels_add=["finops"])
    stage.later(minutes=1)
    assert stage.marks(copy) == ["outcome/cost"]
    assert stage.marks(key) == ["outcome/reliability"]
    stage.quiet()


def test_a_copy_whose_own_rules_say_otherwise_is_relabelled_and_not_overridden(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    copy = stage.site.person("maria").clone(key)
    stage.edit(copy, labels_remove=["sre"], labels_add=["finops"])
    stage.later(minutes=1)
    assert (stage.marks(copy), words(stage, copy)) == (["outcome/cost"], [])
    stage.quiet()


def test_a_copy_of_a_copy_that_no_cycle_has_seen_bears_ours_too(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    for _ in range(3):
        stage.tick()
        key = stage.site.person("maria").clone(key)
    stage.edit(key, labels_remove=["sre"], labels_add=["finops"])
    stage.later(minutes=1)
    assert (stage.marks(key), words(stage, key)) == (["outcome/cost"], [])
    stage.quiet()


def test_a_copy_bears_ours_also_where_the_original_bears_its_next_but_one_by_the_time_it_is_seen(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    stage.quiet()
    stage.site.index_lag = timedelta(minutes=3)
    stage.edit(key, labels=["finops", "outcome/reliability"])
    stage.clock.move(timedelta(seconds=30))
    stage.edit(key, labels_add=["sre"])
    stage.clock.move(timedelta(seconds=30))
    copy = stage.site.person("maria").clone(key)
    for seconds in (125, 30):  # the first edit shows, then the second, and the copy not yet
        stage.later(seconds=seconds)
    assert stage.marks(key) == ["alignment/conflict"]
    assert ours(stage, key) == "alignment/conflict"
    stage.later(minutes=1)
    assert (stage.marks(copy), words(stage, copy)) == (["alignment/conflict"], [])
    stage.later(minutes=6)
    stage.quiet()


def test_a_copy_of_a_copy_bears_ours_also_where_the_one_between_lost_the_mark_before_it_was_seen(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    between = stage.site.person("maria").clone(key)
    stage.tick()
    copy = stage.site.person("maria").clone(between)
    stage.edit(between, labels_remove=["outcome/reliability"])
    stage.edit(copy, labels_remove=["sre"], labels_add=["finops"])
    stage.later(minutes=1)
    assert (stage.marks(copy), words(stage, copy)) == (["outcome/cost"], [])
    stage.quiet()


def test_a_copy_of_a_copy_on_which_a_person_put_that_mark_back_is_that_person_s_word(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    between = stage.site.person("maria").clone(key)
    stage.edit(between, labels_remove=["outcome/reliability"])
    stage.edit(between, labels_add=["outcome/reliability"])
    copy = stage.site.person("lena").clone(between)
    stage.edit(copy, labels_remove=["sre"], labels_add=["finops"])
    stage.later(minutes=1)
    assert words(stage, copy) == [("Lena", "outcome/reliability")]


def test_a_mark_that_says_nothing_came_along_with_a_copy_too_and_goes_when_the_copy_is_mapped(stage: Stage) -> None:
    key = stage.create()
    stage.later(minutes=1)
    copy = stage.site.person("maria").clone(key)
    stage.edit(copy, labels_add=["sre"])
    stage.later(minutes=1)
    assert (stage.marks(key), stage.marks(copy)) == (["alignment/unmapped"], ["outcome/reliability"])
    stage.quiet()


def test_a_mark_that_says_nothing_and_that_a_person_put_on_is_asked_about_once_and_left_alone(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    stage.edit(key, labels_add=["alignment/unmapped"])
    stage.later(hours=2)
    stage.quiet()
    with stage.watched() as traffic:
        stage.edit(key, summary="Something else")
        stage.later(minutes=1)
    assert stage.marks(key) == ["alignment/unmapped", "outcome/reliability"]
    assert not traffic.of("POST", "changelog/bulkfetch")


def test_a_child_created_with_its_parent_s_mark_bears_ours(stage: Stage) -> None:
    epic = stage.create(labels=["sre"], type="Epic")
    stage.later(minutes=1)
    child = stage.create(parent=epic, labels=["finops", "outcome/reliability"])
    stage.later(minutes=1)
    assert (stage.marks(child), words(stage, child)) == (["outcome/cost"], [])


def test_a_child_that_was_hung_elsewhere_before_anybody_looked_bears_ours_by_its_first_parent(stage: Stage) -> None:
    epic, other = stage.create(labels=["sre"], type="Epic"), stage.create(labels=["quiet"], type="Epic")
    stage.later(minutes=1)
    child = stage.create(parent=epic, labels=["finops", "outcome/reliability"])
    stage.edit(child, parent=other)
    stage.later(minutes=1)
    assert (stage.marks(child), words(stage, child)) == (["outcome/cost"], [])
    stage.quiet()


def test_a_person_s_mark_stays_theirs_where_the_issue_is_hung_below_one_that_bears_the_same_by_us(stage: Stage) -> None:
    epic = stage.create(labels=["sre"], type="Epic")
    stage.later(minutes=1)
    issue = stage.create(by="lena", labels=["finops", "outcome/reliability"])
    stage.edit(issue, parent=epic)
    stage.later(minutes=1)
    assert (stage.marks(issue), words(stage, issue)) == (["outcome/reliability"], [("Lena", "outcome/reliability")])
    stage.quiet()


def test_a_clone_of_an_issue_that_bears_a_person_s_mark_is_that_person_s_word_again(stage: Stage) -> None:
    key = stage.create(labels=["sre", "outcome/cost"])
    stage.later(minutes=1)
    copy = stage.site.person("maria").clone(key)
    stage.later(minutes=1)
    assert words(stage, copy) == [("Maria", "outcome/cost")]


def test_a_clone_that_is_seen_before_its_link_is_recognised_when_the_link_comes(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    copy = stage.site.person("maria").clone(key, linked=False)
    stage.edit(copy, labels_remove=["sre"], labels_add=["finops"])
    stage.later(minutes=1)
    assert words(stage, copy) == [("Maria", "outcome/reliability")]
    stage.tick()
    stage.site.person("maria").link_clone(copy, key)
    stage.tick()
    stage.later(minutes=1)
    assert (stage.marks(copy), words(stage, copy)) == (["outcome/cost"], [])
    stage.quiet()


# --- other stores ---


def test_a_store_with_history_writes_nothing_where_another_store_of_its_installation_writes(stage: Stage) -> None:
    keys = [stage.create(labels=["sre"]), stage.create(labels=["finops"])]
    stage.later(minutes=1)
    stage.write(store="sqlite:///second.db")
    stage.later(minutes=1)  # empty: takes over what the first wrote
    stage.edit(keys[0], labels=["finops", "outcome/reliability"])
    assert stage.later(minutes=1).applied == 1
    stage.write(store="sqlite:///syncd.db")
    stage.edit(keys[1], labels=["sre", "outcome/cost"])
    before = stage.site.snapshot()
    for _ in range(2):
        result = stage.later(minutes=1)
        assert (result.planned, result.applied) == (0, 0)
        assert any("syncd adopt" in note for note in result.notes)
    assert stage.site.snapshot() == before
    assert [text for text in stage.findings("second-store") if keys[0] in text]


def test_a_store_from_yesterday_undoes_nothing_that_was_done_since(stage: Stage, tmp_path: Path) -> None:
    swapped, taken, put_on, untouched = (stage.create(labels=["sre"]) for _ in range(4))
    stage.later(minutes=1)
    stage.quiet()
    shutil.copytree(tmp_path, tmp_path.with_name("yesterday"))
    for key in (swapped, taken, put_on):
        stage.edit(key, labels_remove=["sre"], labels_add=["finops"])
    stage.later(hours=20)
    stage.quiet()
    late = stage.create(labels=["sre"])
    stage.later(minutes=1)
    stage.edit(taken, labels_remove=["outcome/cost"])
    stage.edit(put_on, labels_remove=["outcome/cost"], labels_add=["outcome/reliability"])
    stage.later(minutes=1)
    before = stage.site.snapshot()
    for file in tmp_path.glob("syncd.db*"):
        file.unlink()
        shutil.copy(tmp_path.with_name("yesterday") / "syncd.db", tmp_path / "syncd.db")
    for _ in range(3):
        assert stage.later(minutes=6).applied == 0
    assert stage.site.snapshot() == before
    assert (ours(stage, swapped), ours(stage, taken), ours(stage, late)) == (
        "outcome/cost",
        None,
        "outcome/reliability",
    )
    assert words(stage, put_on) == [("Tom", "outcome/reliability")]
    assert ours(stage, untouched) == "outcome/reliability"
    assert stage.findings("second-store") == []


# --- comments ---


def test_a_comment_that_a_person_deleted_stays_away_also_when_its_text_would_change(stage: Stage) -> None:
    stage.write(tracker={"write": "label+comment"}, comments={"grace": "0s"})
    key = stage.create(labels=["sre", "finops"])
    stage.later(minutes=1)
    (comment,) = stage.site.issue(key).comments
    stage.tick()
    stage.site.person("tom").delete_comment(comment.id)
    stage.edit(key, labels_remove=["sre"], labels_add=["incident-7"])  # still a conflict, in other words
    for _ in range(3):
        stage.later(minutes=1)
        assert stage.comments(key) == []
    stage.edit(key, labels_remove=["finops", "incident-7"])  # unmapped now: another question
    stage.later(minutes=1)
    assert len(stage.comments(key)) == 1
    stage.quiet()
