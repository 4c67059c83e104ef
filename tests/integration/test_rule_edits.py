"""An edit of the rules looks at what it can touch, and comes to what looking at everything would come to."""

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from support_edits import EditedWorld, edited_world, random_edit, random_words, random_world
from support_store import statements, writes
from support_values import NOW, STRATEGY, epic, has, issue, label, none_of, of, rule, rulebook

from syncd.core.model import Condition, Decision, Exempt, Link, Rule, Strategy, ToOutcome, Via, Window
from syncd.core.plan import Write
from syncd.core.seen import Glance
from syncd.engine.causes import Touched, tell_causes
from syncd.engine.work import Looked
from syncd.store import open_store
from syncd.store.tables import metadata


def twin(world: EditedWorld, folder: Path) -> EditedWorld:
    """The same world once more, up to now."""
    folder.mkdir()
    world.store.close()
    shutil.copy(world.folder / "world.db", folder / "world.db")
    tracker = replace(world.tracker, issues=dict(world.tracker.issues))
    other = replace(world, folder=folder, tracker=tracker, used=dict(world.used))
    for one in (world, other):
        one.store = open_store(f"sqlite:///{one.folder}/world.db", clock_now=NOW)
    return other


def lived_in(world: EditedWorld, random: Random) -> None:
    """A few passes, some people's words, and whatever syncd leaves."""
    world.settle(world.look())
    world.settle(world.look())
    world.store.save_overrides(random_words(random, world), [], world.now)
    for id_ in random.sample(sorted(world.tracker.issues), k=2):
        world.change(id_, labels=("sre",))
    world.settle(world.look())


def told(looked: Looked) -> tuple[object, ...]:
    return looked.plan.actions, looked.plan.digest, looked.complete


def compare(folder: Path, seed: int) -> Counter[str]:
    """One world, one edit, looked at both ways."""
    random = Random(seed)  # noqa: S311 - a world to play in, not a secret
    seen: Counter[str] = Counter()
    with random_world(folder, random) as world:
        lived_in(world, random)
        world.rulebook = random_edit(random, world.rulebook, "v2")
        world.now += timedelta(days=random.choice((0, 0, 1)))
        for id_ in random.sample(sorted(world.tracker.issues), k=random.choice((0, 0, 2))):
            world.change(id_, labels=("platform",))
        other = twin(world, folder / "twin")
        with closing(other.store), closing(world.store):
            before = world.rows()["standings"]
            fast, slow = world.look(earlier=True), other.look(earlier=False)
            assert told(fast) == told(slow), seed
            assert world.rows() == other.rows(), seed
            world.now, other.now = (one.now + timedelta(minutes=1) for one in (world, other))
            assert told(world.look()) == told(other.look()), seed
            for one in (world, other):  # findings told of by name are those that telling of all would leave
                findings = one.rows()["findings"]
                tell_causes(one.work(earlier=True), Touched(all=True), one.now)
                assert one.rows()["findings"] == findings, seed
            seen["findings"] += bool(world.rows()["findings"])
            seen["moved"] += world.rows()["standings"] != before
            seen["less"] += fast.decided < slow.decided
    return seen


@pytest.mark.parametrize("part", range(2))
def test_the_fast_way_comes_to_what_deciding_all_anew_comes_to(tmp_path: Path, part: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(part * 10, part * 10 + 10):
        (tmp_path / str(seed)).mkdir()
        seen += compare(tmp_path / str(seed), seed)
    assert seen["moved"] >= 2
    assert seen["less"] >= 2
    assert seen["findings"] >= 5


def test_below_a_commented_issue_that_an_edit_maps_each_is_asked_itself(tmp_path: Path) -> None:
    """Looked at for its comment's words alone, it left those below it to wait for an answer that came from no one."""
    compare(tmp_path, 1023)


def test_history_tells_of_an_issue_what_its_pass_learned_of_it_last(tmp_path: Path) -> None:
    """It changed, so it was decided first; a word above it, which it diverges from, was heard later in that pass."""
    compare(tmp_path, 1984)


@pytest.mark.stress
@pytest.mark.parametrize("part", range(20))
def test_the_fast_way_comes_to_the_same_on_many_worlds(tmp_path: Path, part: int) -> None:
    for seed in range(1000 + part * 50, 1050 + part * 50):
        (tmp_path / str(seed)).mkdir()
        compare(tmp_path / str(seed), seed)


# --- what is looked at, and what is written ---

SRE = rule("sre", "reliability", label("sre"))
DOCS = rule("docs", "trust", label("docs"))
BUGS = rule("bugs", "growth", has("type", "Bug"), default=True)
PLATFORM = rule("platform", "growth", of("epic", label("platform")), priority=-1)
COMPANY = (
    epic("PAY-1", "platform"),
    *(issue(f"PAY-{n}", "sre", parent=Link("id-PAY-1", "PAY-1")) for n in (2, 3)),
    issue("PAY-4", "docs"),
    *(issue(f"PAY-{n}", type="Bug") for n in range(5, 25)),
)


@dataclass
class Counted:
    """What a pass read and wrote."""

    looked: Looked
    glanced: list[str]
    """Issues that it glanced at."""
    written: list[str]
    """Tables that it wrote to."""
    requests: int


CURSORS = ("trackers", "leases", "listenings")
"""What every pass writes: how far it has read, issues and comments, and that it goes on."""


def counted(world: EditedWorld, monkeypatch: pytest.MonkeyPatch) -> Counted:
    """One pass, watched."""
    glanced: list[str] = []
    glances = world.store.glances

    def watching(*given: Any, **named: Any) -> Iterator[Sequence[Glance]]:
        for some in glances(*given, **named):
            glanced.extend(one.ref.id.removeprefix("id-") for one in some)
            yield some

    requests = world.tracker.requests
    with monkeypatch.context() as patched, statements(world.store) as seen:
        patched.setattr(world.store, "glances", watching)
        looked = world.look()
    tables = [word for statement in writes(seen) for word in statement.split()[1:3] if word not in ("INTO", "FROM")]
    written = sorted({name for name in tables if name in metadata.tables and name not in CURSORS})
    return Counted(looked, glanced, written, world.tracker.requests - requests)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[EditedWorld]:
    """The company, marked and settled."""
    with edited_world(tmp_path, COMPANY, rulebook(SRE, DOCS, BUGS, PLATFORM)) as world:
        world.settle(world.look())
        world.settle(world.look())
        yield world


def edited(world: EditedWorld, *rules: Rule, strategy: Strategy = STRATEGY) -> None:
    world.rulebook = replace(rulebook(*rules, strategy=strategy), version="v2")


def decisions(world: EditedWorld) -> dict[str, Decision]:
    return {
        one.issue.key: one.standing.decision
        for some in world.store.standings()
        for one in some
        if one.standing is not None
    }


def test_an_edit_of_a_label_s_rule_looks_at_the_label_s_bearers_only(
    world: EditedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited(world, replace(SRE, target=ToOutcome("trust")), DOCS, BUGS, PLATFORM)
    seen = counted(world, monkeypatch)
    assert sorted(seen.glanced) == ["PAY-2", "PAY-3"]
    assert (seen.looked.decided, len(seen.looked.plan.actions), seen.requests) == (2, 2, 0)
    assert seen.written == ["history", "meta", "plan_states", "standings"]


def test_an_edit_of_an_epic_s_rule_looks_below_the_label_s_bearers(
    world: EditedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited(world, SRE, DOCS, BUGS, replace(PLATFORM, priority=1))
    seen = counted(world, monkeypatch)
    assert sorted(seen.glanced) == ["PAY-1", "PAY-2", "PAY-3"]
    assert decisions(world)["PAY-2"].pair == ("mapped", "growth")


def test_a_rule_that_begins_like_many_labels_looks_at_their_bearers_only(
    world: EditedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited(world, SRE, DOCS, BUGS, PLATFORM, rule("more", "trust", label("DOC*", "plat*")))
    assert sorted(counted(world, monkeypatch).glanced) == ["PAY-1", "PAY-2", "PAY-3", "PAY-4"]


@pytest.mark.parametrize("when", [has("type", "Bug"), none_of(label("sre")), label("re:sre"), label("*s")])
def test_where_no_index_can_tell_every_issue_is_glanced_at_and_no_more(
    world: EditedWorld, monkeypatch: pytest.MonkeyPatch, when: Condition
) -> None:
    edited(world, SRE, DOCS, BUGS, PLATFORM, rule("more", "growth", when, default=True, priority=-1))
    seen = counted(world, monkeypatch)
    assert len(seen.glanced) == len(COMPANY)
    assert seen.requests == 0


def test_an_edit_that_moves_nothing_writes_nothing(world: EditedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    edited(world, replace(SRE, priority=3), DOCS, BUGS, PLATFORM, rule("idle", "trust", label("nobody", "re:^no$")))
    seen = counted(world, monkeypatch)
    assert (seen.looked.decided, seen.looked.plan.actions, seen.written, seen.requests) == (2, (), [], 0)


def test_an_edit_that_no_decision_can_see_looks_at_nothing(world: EditedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    edited(world, replace(SRE, owner="li@acme.example", where="rules.yaml:9"), DOCS, BUGS, PLATFORM)
    seen = counted(world, monkeypatch)
    assert (seen.glanced, seen.looked.decided, seen.written) == ([], 0, [])


def test_a_day_on_which_a_rule_ends_is_an_edit_of_that_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ending = replace(SRE, window=Window(last=NOW.date()))
    with edited_world(tmp_path, COMPANY, rulebook(ending, DOCS, BUGS, PLATFORM)) as world:
        world.settle(world.look())
        world.look()
        world.now += timedelta(days=1)
        seen = counted(world, monkeypatch)
        assert sorted(seen.glanced) == ["PAY-2", "PAY-3"]
        assert decisions(world)["PAY-2"].via is Via.RULE  # the epic's rule is one on the issue itself
        assert decisions(world)["PAY-2"].pair == ("mapped", "growth")


def test_a_rule_that_becomes_a_default_says_so_in_every_decision(world: EditedWorld) -> None:
    edited(world, SRE, replace(DOCS, default=True), BUGS, PLATFORM)
    assert world.look().decided == 1
    assert decisions(world)["PAY-4"].via is Via.DEFAULT


def test_evidence_follows_the_rule_s_words_also_where_the_outcome_stays(world: EditedWorld) -> None:
    edited(world, replace(SRE, when=label("sr*")), DOCS, BUGS, PLATFORM)
    world.look()
    (evidence,) = decisions(world)["PAY-2"].evidence
    assert evidence.texts == ('label "sre" matches "sr*"',)


def test_a_child_s_decision_follows_what_its_epic_says_also_in_words(tmp_path: Path) -> None:
    torn = (rule("one", "trust", label("platform")), rule("two", "growth", label("platform")))
    below = issue("PAY-2", parent=Link("id-PAY-1", "PAY-1"))
    with edited_world(tmp_path, [epic("PAY-1", "platform"), below], rulebook(*torn)) as world:
        world.settle(world.look())
        edited(world, torn[0], replace(torn[1], id="zwei"))
        assert world.look().decided == 2
        assert {e.source for e in decisions(world)["PAY-2"].evidence} == {"one", "zwei"}


def test_the_title_of_an_overhead_stands_in_the_verdicts_that_name_it(tmp_path: Path) -> None:
    chores = rule("chores", "overhead: hiring", label("sre"))
    renamed = replace(STRATEGY, overhead=tuple(replace(o, title="New people") for o in STRATEGY.overhead))
    with edited_world(tmp_path, COMPANY, rulebook(chores)) as world:
        world.settle(world.look())
        edited(world, chores, strategy=renamed)
        world.look()
        assert decisions(world)["PAY-2"].verdict == Exempt("hiring", "New people")


def test_comments_follow_the_titles_of_outcomes(tmp_path: Path) -> None:
    lone = issue("PAY-2", updated=NOW)
    retitled = replace(STRATEGY, outcomes=tuple(replace(o, title=f"New {o.title}") for o in STRATEGY.outcomes))
    with edited_world(tmp_path, [lone], rulebook(SRE), write=Write.COMMENT) as world:
        first = world.look()
        assert [action.kind for action in first.plan.actions] == ["mark", "comment"]
        world.settle(first)
        edited(world, SRE, strategy=retitled)
        (action,) = world.look().plan.actions
        assert (action.kind, action.comment_id) == ("comment", "c2")


def test_a_mark_that_a_person_set_counts_once_its_outcome_is_there(tmp_path: Path) -> None:
    launch = replace(STRATEGY, outcomes=(*STRATEGY.outcomes, replace(STRATEGY.outcomes[0], id="launch", objectives=())))
    with edited_world(tmp_path, [issue("PAY-2", marks=("outcome/Launch",))], rulebook(SRE)) as world:
        world.settle(world.look())
        edited(world, SRE, strategy=launch)
        world.look()
        assert decisions(world)["PAY-2"].pair == ("mapped", "launch")


def test_an_edit_from_rules_that_nobody_kept_decides_everything_anew(world: EditedWorld) -> None:
    edited(world, replace(SRE, priority=3), DOCS, BUGS, PLATFORM)
    assert world.look(earlier=False).decided == len(COMPANY)


def test_a_label_that_an_issue_lost_is_not_found_any_more(world: EditedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world.change("id-PAY-3", labels=("Docs,",))
    world.settle(world.look())
    edited(world, replace(SRE, priority=3), DOCS, BUGS, PLATFORM)
    assert counted(world, monkeypatch).glanced == ["PAY-2"]
    world.rulebook = replace(rulebook(SRE, replace(DOCS, priority=3), BUGS, PLATFORM), version="v3")
    assert sorted(counted(world, monkeypatch).glanced) == ["PAY-2", "PAY-3", "PAY-4"]
