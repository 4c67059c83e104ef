"""Everything that syncd left in a Linear workspace can be taken off again, also by a store that remembers nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support_linear_stage import TRACKER, LinearStage, linear_staged

from connectors.linear.signs import label_sign
from connectors.sandbox.linear import LinearFault
from syncd.app.people import adopt_all, withdraw_from


@pytest.fixture
def both(tmp_path: Path) -> Iterator[LinearStage]:
    with linear_staged(tmp_path, write="label+comment", comments={"grace": "0s"}) as stage:
        stage.later(minutes=1)
        yield stage


def worked(linear: LinearStage) -> dict[str, str]:
    """Issues of every verdict, with what people left on them; keys by what they are."""
    keys = {
        "mapped": linear.create("Fail over", labels=["sre"]),
        "torn": linear.create("Cheaper failover", labels=["sre", "finops"]),
        "nothing": linear.create("Something"),
        "overhead": linear.create("Newer libraries", labels=["deps"]),
    }
    linear.maria.comment(keys["nothing"], "What is this for?")
    linear.maria.attach(keys["mapped"], "https://acme.example/plan", "The plan")
    return keys


def withdraw(linear: LinearStage) -> tuple[int, int]:
    left = withdraw_from(linear.app, tracker=TRACKER, project=None, issue=None)
    return left.applied, left.waiting


def test_labels_comments_attachments_and_the_catalogue_are_as_before_syncd(both: LinearStage) -> None:
    keys = worked(both)
    before = both.world()
    assert both.later(minutes=1).applied == 5
    assert (both.marks(keys["mapped"]), len(both.comments(keys["torn"]))) == (["Outcome/reliability"], 1)
    assert "Outcome/reliability" in both.world()["labels"].values()
    both.quiet()
    left = withdraw_from(both.app, tracker=TRACKER, project=None, issue=None)
    assert (left.issues, left.waiting, left.notes) == (3, 0, [])
    assert left.labels == ("Alignment", "Outcome", "conflict", "reliability", "unmapped")
    assert both.world() == before
    both.quiet()


def test_what_left_the_scope_loses_its_mark_too(both: LinearStage) -> None:
    keys = worked(both)
    both.later(minutes=1)
    moved = both.maria.move(keys["mapped"], "OPS")
    both.later(minutes=1)
    assert both.marks(moved) == ["Outcome/reliability"]
    assert withdraw(both)[1] == 0
    assert (both.marks(moved), both.space.snapshot()[moved]["labels"]) == ([], ["sre"])
    assert [a["title"] for a in both.space.snapshot()[moved]["attachments"]] == ["The plan"]


def test_a_store_that_was_lost_does_not_keep_anything_from_being_withdrawn(both: LinearStage) -> None:
    keys = worked(both)
    before = both.world()["labels"]
    both.later(minutes=1)
    moved = both.maria.move(keys["mapped"], "OPS")
    both.later(minutes=1)
    both.write(store="sqlite:///fresh.db", tracker={"write": "observe"})
    both.later(minutes=1)
    assert withdraw(both)[1] == 0
    after = both.world()
    assert after["labels"] == before
    for key in (moved, keys["torn"], keys["nothing"]):
        issue = after["issues"][key]
        assert (both.marks(key), both.comments(key)) == ([], [])
        assert not [a for a in issue["attachments"] if a["url"].startswith("syncd:")]
    assert [c["body"] for c in after["issues"][keys["nothing"]]["comments"]] == ["What is this for?"]


def test_what_could_not_be_taken_off_is_taken_off_by_the_next_try(both: LinearStage) -> None:
    worked(both)
    before = both.world()
    both.later(minutes=1)
    both.space.faults.add(LinearFault("status", status=503, match="CommentDelete", times=None))
    assert withdraw(both)[1] > 0
    both.later(minutes=1)
    both.space.faults.clear()
    assert withdraw(both)[1] == 0
    assert both.world() == before


def test_an_empty_store_takes_comments_over_by_their_ids_and_writes_nothing(both: LinearStage) -> None:
    keys = worked(both)
    both.later(minutes=1)
    both.quiet()
    before = both.world()
    both.write(store="sqlite:///fresh.db", comments={"grace": "0s", "backlog": True})
    (told,) = adopt_all(both.app)
    assert (told.complete, told.marks, told.comments) == (True, 3, 2)
    for _ in range(2):
        assert both.later(minutes=6).applied == 0
    assert both.world() == before
    both.maria.edit(keys["torn"], labels_remove=["finops"])
    both.later(minutes=1)
    assert (both.marks(keys["torn"]), both.comments(keys["torn"])) == (["Outcome/reliability"], [])


def test_without_adopting_first_a_forgotten_comment_is_edited_and_not_doubled(both: LinearStage) -> None:
    keys = worked(both)
    both.later(minutes=1)
    both.write(store="sqlite:///fresh.db", comments={"grace": "0s", "backlog": True})
    both.write(rules="rules: []\n")
    for _ in range(3):
        both.later(minutes=6)
    assert [len(both.comments(key)) for key in (keys["torn"], keys["nothing"])] == [1, 1]
    both.quiet()


def test_people_who_comment_on_the_same_account_keep_their_words(both: LinearStage) -> None:
    """Many run syncd on a person's own token: what that person said is theirs, whoever the account is."""
    keys = worked(both)
    both.later(minutes=1)
    both.space.member("syncd").comment(keys["torn"], "I said this with my own hands")
    withdraw(both)
    assert both.comments(keys["torn"]) == ["I said this with my own hands"]


def test_where_labels_may_not_be_made_nothing_is_written_and_the_finding_says_what_to_do(both: LinearStage) -> None:
    both.space.switches.label_owners_only = True
    keys = worked(both)
    before = both.world()
    result = both.later(minutes=1)
    assert (result.applied, result.complete) == (0, True)
    assert result.waiting > 0
    assert both.world() == before
    told = [finding.text for finding in both.findings("denied")]
    assert any("the right to manage the workspace's labels" in text and "`syncd acme`" in text for text in told), told
    both.space.switches.label_owners_only = False
    assert both.later(minutes=1).applied == 5
    assert both.marks(keys["mapped"]) == ["Outcome/reliability"]
    assert both.findings("denied") == []
    both.quiet()


def test_a_label_goes_under_any_name_and_one_that_people_made_for_syncd_or_still_bear_stays(both: LinearStage) -> None:
    both.space.label("Outcome", is_group=True, description=label_sign("acme"))
    both.space.label("reliability", group="Outcome", description=label_sign("acme"))
    keys = worked(both)
    kept = both.create("Done long ago", labels=["finops"])
    before = set(both.world()["labels"].values())
    both.later(minutes=1)
    both.maria.archive(kept)  # cannot be written any more, and bears a label of ours
    both.maria.rename_label("Alignment/conflict", "torn")
    assert withdraw(both)[1] == 0
    assert set(both.world()["labels"].values()) == before | {"Outcome/cost"}
    assert (both.marks(kept), both.marks(keys["mapped"])) == (["Outcome/cost"], [])
