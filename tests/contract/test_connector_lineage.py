"""What any tracker tells of what its issues hang on: links upward, levels, and every node to be had."""

from collections.abc import Mapping, Sequence

from support_contract import MINUTE, Poll, Tracker, link

from syncd.core.model import Issue, Link


def links_above(issue: Issue) -> Sequence[Link]:
    """The next step of its lineage (DESIGN §4)."""
    return (issue.parent,) if issue.parent is not None else issue.within


def seen_by(tracker: Tracker, *areas: str) -> tuple[Poll, dict[str, Issue]]:
    """Everything that one observation told, in scope or outside."""
    poll = Poll(tracker.reader(scope=tracker.scope(*areas)))
    told = {issue.ref.id: issue for issue in poll.run()}
    return poll, told | poll.outside


def climbed(tracker: Tracker, told: Mapping[str, Issue], lowest: str) -> list[Issue]:
    """From an issue to the top; what was not told is read directly, as the engine does."""
    chain, known = [told[lowest]], dict(told)
    while above := links_above(chain[-1]):
        (pointer,) = above
        assert pointer.id is not None
        if pointer.id not in known:
            (known[pointer.id],) = tracker.reader().read([pointer]).issues
        chain.append(known[pointer.id])
    return chain


def test_a_chain_leads_from_a_part_to_its_initiative_and_levels_say_what_each_is(tracker: Tracker) -> None:
    tower = tracker.tower()
    _, told = seen_by(tracker, "PAY", "OPS")
    chain = climbed(tracker, told, tower[0])
    assert [issue.ref.id for issue in chain] == list(tower)
    assert [issue.level for issue in chain] == [-1, 0, 1, 2]
    assert [issue.labels for issue in chain] == [("part",), ("work",), ("epic",), ("bet",)]
    assert [issue.title for issue in chain] == ["part", "work", "epic", "initiative"]
    assert all(issue.key for issue in chain)


def test_ancestors_outside_the_scope_are_to_be_had_and_are_not_told_as_inside(tracker: Tracker) -> None:
    part, work, *above = tracker.tower()
    poll = Poll(tracker.reader(scope=tracker.scope("PAY")))
    inside = {issue.ref.id for issue in poll.run()}
    assert {part, work} <= inside
    assert above[-1] not in inside
    _, told = seen_by(tracker, "PAY")
    assert [issue.ref.id for issue in climbed(tracker, told, part)][2:] == above


def test_an_edit_above_is_told_with_no_read_for_each_issue_below(tracker: Tracker) -> None:
    _, _, epic, initiative = tracker.tower()
    poll, _ = seen_by(tracker, "PAY", "OPS")
    tracker.clock.move(10 * MINUTE)
    poll.run()
    before = poll.reader.requests
    tracker.clock.move(10 * MINUTE)
    tracker.relabel(epic, ["other"])
    tracker.relabel(initiative, ["another"])
    told = {issue.ref.id: issue for issue in poll.run()} | poll.outside
    assert told[epic].labels == ("other",)
    assert told[initiative].labels == ("another",)
    assert poll.reader.requests - before == tracker.idle


def test_what_is_cut_loose_has_nothing_above_it(tracker: Tracker) -> None:
    alone = tracker.create("alone")
    _, told = seen_by(tracker, "PAY")
    assert links_above(told[alone]) == ()


def test_a_parent_that_was_deleted_is_missing_and_not_nothing(tracker: Tracker) -> None:
    work = tracker.create("work")
    part = tracker.create("part", parent=work)
    _, told = seen_by(tracker, "PAY")
    (pointer,) = links_above(told[part])
    assert pointer.id == work
    tracker.hide("PAY")
    assert tracker.reader().read([link(work)]).missing == (link(work),)
