"""Reading a served Linear: what is told, what each cycle costs, and that nothing is missed however it changes."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from support_linear_reading import IDLE, Cycles, Desk, desk

from connectors.linear.documents import ISSUES_AT_ONCE
from connectors.sandbox.linear import LinearFault
from connectors.sandbox.linear.faults import LinearExchange
from syncd.core.errors import Denied, Unavailable, Unreadable
from syncd.core.model import Category, Copy, IssueRef, Link
from syncd.core.ports import NoSuchField, Page


@pytest.fixture
def at() -> Iterator[Desk]:
    with desk() as made:
        yield made


@pytest.fixture
def cycles(at: Desk) -> Cycles:
    return Cycles(at)


# --- what is told ---------------------------------------------------------------------------------------------


def test_an_issue_is_told_with_all_that_rules_and_writes_need(at: Desk, cycles: Cycles) -> None:
    at.space.project("Failover", teams=["ENG"], labels=["sre"])
    at.space.initiative("Never down", projects=["Failover"], labels=["core"])
    at.space.label("qa", group="Area")
    one = at.maria.create("ENG", "Fail over", labels=["Area/qa"], project="Failover", priority=1, state="Todo")
    two = at.maria.create("ENG", "Test it", parent=one)
    cycles.run()
    issue, below = cycles.by_key()[one], cycles.by_key()[two]
    assert (issue.type, issue.level, issue.priority, issue.category) == ("issue", 0, "Urgent", Category.TODO)
    assert issue.labels == ("Area/qa", "qa")
    assert (issue.project, issue.project_name, issue.team) == ("ENG", "Failover", ("ENG", "Engineering"))
    assert (below.type, below.level, below.parent) == ("sub-issue", -1, Link(issue.ref.id, one))
    assert issue.reporter is not None
    assert (issue.reporter.name, issue.reporter.kind) == ("maria", "member")
    (project,) = [node for node in cycles.outside.values() if node.type == "project"]
    (initiative,) = [node for node in cycles.outside.values() if node.type == "initiative"]
    assert issue.within == (Link(project.ref.id, project.key),)
    assert project.within == (Link(initiative.ref.id, initiative.key),)
    assert (project.level, project.title, project.labels) == (1, "Failover", ("sre",))
    assert (initiative.level, initiative.title, initiative.labels) == (2, "Never down", ("core",))


def test_a_project_in_two_initiatives_lies_within_both(at: Desk, cycles: Cycles) -> None:
    at.space.project("Failover", teams=["ENG"])
    at.space.initiative("Never down", projects=["Failover"])
    at.space.initiative("Twice as fast", projects=["Failover"])
    cycles.run()
    (project,) = [node for node in cycles.outside.values() if node.type == "project"]
    assert {link.id for link in project.within} == {n.ref.id for n in cycles.outside.values() if n.level == 2}


def test_labels_of_our_signed_groups_are_marks_and_those_of_peoples_groups_are_labels(at: Desk, cycles: Cycles) -> None:
    outcome = at.space.label("Outcome", is_group=True, description="syncd acme")
    at.space.label("Alignment", is_group=True)
    at.space.label("reliability", group="Outcome")
    at.space.label("speed (outcome)", group="Outcome")
    at.space.label("conflict", group="Alignment")
    one = at.maria.create("ENG", "One", labels=["Outcome/reliability", "Alignment/conflict"])
    two = at.maria.create("ENG", "Two", labels=["Outcome/speed (outcome)"])
    cycles.run()
    assert cycles.by_key()[one].marks == ("Outcome/reliability",)
    assert cycles.by_key()[one].labels == ("Alignment/conflict", "conflict")
    assert cycles.by_key()[two].marks == ("Outcome/speed",)
    at.later(minutes=1)
    at.maria.describe_label("Outcome", "ours!")  # a group that was ours once stays ours by its id
    assert outcome.description == "ours!"
    cycles.run()
    at.maria.edit(one, title="Changed")
    at.later(minutes=1)
    cycles.run()
    assert cycles.by_key()[one].marks == ("Outcome/reliability",)


def test_the_copy_is_read_from_the_attachment_of_our_own_installation(at: Desk, cycles: Cycles) -> None:
    one, two = at.maria.create("ENG", "One"), at.maria.create("ENG", "Two")
    for key, installation in ((one, "acme"), (one, "other"), (two, "other")):
        at.maria.attach(key, f"syncd://{installation}", "Outcome: reliability")
        for attachment in at.space.attachments_of[at.space.issue(key).id]:
            if attachment.url == f"syncd://{installation}":
                told = {"installation": installation, "instance": "i-1", "mark": "Outcome/reliability"}
                attachment.metadata = told
        at.later(seconds=1)
    at.maria.attach(two, "syncd://forged", "not ours")
    cycles.run()
    assert cycles.by_key()[one].copy == Copy("acme", "i-1", "Outcome/reliability")
    assert cycles.by_key()[two].copy == Copy("other", "i-1", "Outcome/reliability")


def test_twins_are_told_by_address_and_by_key_where_there_is_no_address(at: Desk, cycles: Cycles) -> None:
    one = at.maria.create("ENG", "One")
    at.maria.sync_with_jira(one, "PAY-7")
    at.maria.attach(one, "https://acme.atlassian.net/browse/PAY-9", "PAY-9", source="jira")
    two = at.maria.create("ENG", "Two")
    at.maria.attach(two, "https://wiki.acme.example/page", "a page")
    cycles.run()
    told = cycles.by_key()[one].twins
    assert "https://acme.atlassian.net/browse/PAY-9" in told
    assert any("PAY-7" in twin for twin in told)
    assert cycles.by_key()[two].twins == ()


def test_a_cycle_is_a_sprint_only_where_rules_ask_for_it(at: Desk, cycles: Cycles) -> None:
    cycle = at.space.cycle("ENG", at.time.now())
    one = at.maria.create("ENG", "One")
    at.space.issue(one).cycle = cycle
    cycles.run()
    assert (cycles.by_key()[one].sprints, cycles.by_key()[one].asked) == ((), frozenset())
    asking = Cycles(at, changed={"fields": ("sprint",)})
    asking.run()
    assert (asking.by_key()[one].sprints, asking.by_key()[one].asked) == (("Cycle 1",), frozenset({"sprint"}))


# --- who we are -----------------------------------------------------------------------------------------------


def test_look_around_names_the_account_and_what_is_hidden(at: Desk) -> None:
    sight = at.reader(
        scope={"teams": ("ENG", "SEC", "NOPE")}, fields=("sprint", "field.Squad", "field.state")
    ).look_around()
    assert (sight.account, sight.hidden) == ("syncd@acme.example", ("SEC", "NOPE"))
    assert sight.fields == ("sprint",)
    assert sight.absent == (NoSuchField("field.Squad"), NoSuchField("field.state", ("status",)))


def test_a_wrong_key_is_denied_and_never_shown(at: Desk) -> None:
    with pytest.raises(Denied) as denied:
        at.reader(auth={"token": "lin_api_wrong_secret"}).look_around()
    assert "valid API key" in denied.value.need
    assert "wrong_secret" not in str(denied.value)


def test_a_scope_of_which_nothing_is_visible_is_no_empty_one(at: Desk) -> None:
    pages = list(at.reader(scope={"teams": ("SEC",)}).observe(None))
    assert pages == [Page((), last=True)]


# --- what a cycle costs ---------------------------------------------------------------------------------------


def test_a_cycle_with_nothing_new_costs_one_request_a_stream(at: Desk, cycles: Cycles) -> None:
    for number in range(ISSUES_AT_ONCE + 5):  # a burst that is over is not read again and again
        at.maria.create("ENG", f"Issue {number}")
    at.later(minutes=30)
    cycles.run()
    at.later(minutes=30)
    assert at.counted(cycles.run) == IDLE
    at.later(minutes=30)
    assert at.counted(cycles.run) == IDLE


@pytest.mark.parametrize("changed", [1, ISSUES_AT_ONCE, ISSUES_AT_ONCE + 1, 2 * ISSUES_AT_ONCE + 3])
def test_k_changes_cost_k_over_the_page_size(at: Desk, cycles: Cycles, changed: int) -> None:
    keys = [at.maria.create("ENG", f"Issue {number}") for number in range(changed)]
    at.later(minutes=30)
    cycles.run()
    at.later(minutes=30)
    for key in keys:
        at.maria.edit(key, title=f"{key} changed")
        at.later(seconds=0.1)
    expected = -(-changed // ISSUES_AT_ONCE)
    assert at.counted(cycles.run) == {**IDLE, "Issues": expected}
    assert all(issue.title.endswith("changed") for issue in cycles.issues.values())
    assert len(cycles.issues) == changed


def test_a_quiet_cycle_and_one_with_few_changes_are_one_page(at: Desk, cycles: Cycles) -> None:
    one = at.maria.create("ENG", "One")
    cycles.run()
    at.later(hours=1)
    assert len(cycles.run()) == 1
    at.later(hours=1)
    at.maria.edit(one, title="Changed")
    (page,) = cycles.run()
    assert ([issue.title for issue in page.issues], page.last) == (["Changed"], True)


def test_no_document_is_charged_a_third_of_what_one_may_cost(at: Desk, cycles: Cycles) -> None:
    one = at.maria.create("ENG", "One")
    cycles.run()
    reader = at.reader()
    ref = IssueRef("acme-linear", at.space.issue(one).id)
    reader.label_changes([ref])
    reader.births([ref])
    reader.moves([ref])
    list(reader.census())
    reader.read([Link(None, one), Link(None, "ENG-99")])
    assert at.space.exchanges
    assert max(exchange.complexity for exchange in at.space.exchanges) < 10_000 / 3


# --- nothing is missed ----------------------------------------------------------------------------------------


def test_an_edit_during_the_walk_is_found_by_the_next(at: Desk, cycles: Cycles) -> None:
    keys = []
    for number in range(ISSUES_AT_ONCE + 20):
        keys.append(at.maria.create("ENG", f"Issue {number}"))
        at.later(seconds=10)
    cycles.run()
    at.later(hours=1)
    for key in keys:
        at.maria.edit(key, title="first")
        at.later(seconds=10)
    walk = at.reader().observe(cycles.since, cycles.memory)
    pages = [next(walk)]
    at.later(seconds=1)
    late = keys[0]  # would be on the second page, and jumps to the front
    at.maria.edit(late, title="during")
    pages += list(walk)
    cycles.take(pages)
    assert cycles.by_key()[late].title != "during"
    at.later(hours=1)
    cycles.run()
    assert cycles.by_key()[late].title == "during"
    assert {issue.title for issue in cycles.issues.values()} == {"first", "during"}


def test_without_the_watermark_from_before_the_walk_that_edit_would_be_lost(at: Desk, cycles: Cycles) -> None:
    """The safeguard is `read_to`: with the end of the walk in its place, and no overlap, the next walk misses it."""
    keys = [at.maria.create("ENG", f"Issue {number}") for number in range(ISSUES_AT_ONCE + 5)]
    cycles.changed = {"overlap": timedelta(0)}
    cycles.run()
    at.later(hours=1)
    for key in keys:
        at.maria.edit(key, title="first")
        at.later(seconds=1)
    walk = at.reader(**cycles.changed).observe(cycles.since, cycles.memory)
    pages = [next(walk)]
    at.maria.edit(keys[0], title="during")
    at.later(minutes=1)
    cycles.take([*pages, *walk])
    told, cycles.since = cycles.since, at.time.now()
    cycles.run()
    assert cycles.by_key()[keys[0]].title != "during"
    cycles.since = told
    cycles.run()
    assert cycles.by_key()[keys[0]].title == "during"


def test_only_the_last_page_says_how_far_has_been_read(at: Desk, cycles: Cycles) -> None:
    for number in range(ISSUES_AT_ONCE + 5):
        at.maria.create("ENG", f"Issue {number}")
        at.later(seconds=1)
    at.later(minutes=9)
    began = at.time.now()
    pages = cycles.run()
    assert [page.read_to for page in pages[:-1]] == [None] * (len(pages) - 1)
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
    assert pages[-1].read_to is not None
    assert began - timedelta(seconds=1) < pages[-1].read_to <= began, "a quiet workspace reads its last burst once"


@pytest.mark.parametrize("lost", ["error", "end", "top"])
def test_whatever_a_lost_cursor_does_the_walk_is_whole(at: Desk, cycles: Cycles, lost: str) -> None:
    at.space.switches.lost_cursor = lost  # type: ignore[assignment]  # one of the three
    keys = []
    for number in range(3 * ISSUES_AT_ONCE):
        keys.append(at.maria.create("ENG", f"Issue {number}"))
        at.later(seconds=1)
    walk = at.reader().observe(None)
    pages = [next(walk)]
    at.maria.purge(pages[0].issues[-1].key)
    cycles.take([*pages, *walk])
    assert set(cycles.by_key()) == set(keys)


def test_fifty_issues_in_one_millisecond_all_come(at: Desk, cycles: Cycles) -> None:
    cycles.changed = {"overlap": timedelta(0)}
    first = at.maria.create("ENG", "First")
    cycles.run()
    more = [at.maria.create("ENG", f"At once {number}") for number in range(50)]  # the clock stands still
    cycles.run()
    assert set(cycles.by_key()) == {first, *more}


# --- what bumps no issue --------------------------------------------------------------------------------------


def test_a_renamed_label_has_its_issues_read_again_by_one_request(at: Desk, cycles: Cycles) -> None:
    at.space.label("sre")
    other = at.maria.create("ENG", "Another")
    at.later(hours=1)
    bearing = [at.maria.create("ENG", f"Issue {number}", labels=["sre"]) for number in range(10)]
    at.later(hours=1)
    newest = at.maria.create("ENG", "Newest")
    cycles.run()
    at.later(hours=1)
    at.maria.rename_label("sre", "reliability")
    assert at.counted(cycles.run) == {**IDLE, "Issues": 2}
    assert {cycles.by_key()[key].labels for key in bearing} == {("reliability",)}
    assert cycles.told() == sorted([*bearing, newest])  # and not the other
    assert other in cycles.by_key()
    at.later(hours=1)
    assert at.counted(cycles.run) == IDLE


def test_without_the_memory_everything_is_read_again_rather_than_a_rename_missed(at: Desk, cycles: Cycles) -> None:
    at.space.label("sre")
    one = at.maria.create("ENG", "One", labels=["sre"])
    cycles.run()
    at.later(hours=1)
    at.maria.rename_label("sre", "reliability")
    cycles.memory = "{}"
    cycles.run()
    assert cycles.by_key()[one].labels == ("reliability",)


def test_a_renamed_group_counts_as_its_labels_renamed(at: Desk, cycles: Cycles) -> None:
    at.space.label("qa", group="Area")
    one = at.maria.create("ENG", "One", labels=["Area/qa"])
    cycles.run()
    at.later(hours=1)
    at.maria.rename_label("Area", "Field")
    cycles.run()
    assert cycles.by_key()[one].labels == ("Field/qa", "qa")


def test_a_deleted_label_is_off_its_issues_although_none_was_changed(at: Desk, cycles: Cycles) -> None:
    at.space.label("sre")
    one = at.maria.create("ENG", "One", labels=["sre"])
    cycles.run()
    at.later(hours=1)
    at.maria.delete_label("sre")
    cycles.run()
    assert cycles.by_key()[one].labels == ()


def test_a_label_made_during_the_walk_is_looked_for_once(at: Desk, cycles: Cycles) -> None:
    one = at.maria.create("ENG", "One")
    cycles.run()
    at.later(hours=1)
    at.space.project("Told of first", teams=["ENG"])
    walk = at.reader().observe(cycles.since, cycles.memory)
    pages = [next(walk)]  # the catalogues have been read
    at.space.label("new")
    at.maria.edit(one, labels=["new"])
    before = at.space.counts["Labels"]
    cycles.take([*pages, *walk])
    assert cycles.by_key()[one].labels == ("new",)
    assert at.space.counts["Labels"] == before + 1
    at.later(hours=1)
    at.maria.rename_label("new", "newer")
    cycles.run()
    assert cycles.by_key()[one].labels == ("newer",)


def test_a_projects_new_label_or_initiative_is_told_with_no_read_of_an_issue(at: Desk, cycles: Cycles) -> None:
    at.space.project("Failover", teams=["ENG"], labels=["old"])
    at.space.initiative("Never down")
    at.maria.create("ENG", "One", project="Failover")
    cycles.run()
    at.later(hours=1)
    at.maria.edit_project("Failover", labels=["sre"])
    at.maria.put_into("Failover", "Never down")
    assert at.counted(cycles.run) == IDLE
    (project,) = [node for node in cycles.outside.values() if node.type == "project"]
    assert "sre" in project.labels
    assert [link.id for link in project.within] == [n.ref.id for n in cycles.outside.values() if n.level == 2]


def test_a_renamed_project_has_its_issues_read_again(at: Desk, cycles: Cycles) -> None:
    at.space.project("Failover", teams=["ENG"])
    one = at.maria.create("ENG", "One", project="Failover")
    cycles.run()
    at.later(hours=1)
    at.maria.edit_project("Failover", new_name="Fail over twice")
    assert at.counted(cycles.run) == {**IDLE, "Issues": 2}
    assert cycles.by_key()[one].project_name == "Fail over twice"


# --- what leaves ----------------------------------------------------------------------------------------------


def test_archived_and_trashed_issues_are_outside_and_come_back(at: Desk, cycles: Cycles) -> None:
    one, two = at.maria.create("ENG", "One"), at.maria.create("ENG", "Two")
    cycles.run()
    at.later(hours=1)
    at.maria.archive(one)
    at.maria.delete(two)
    cycles.run()
    assert cycles.by_key() == {}
    assert {issue.key for issue in cycles.outside.values()} == {one, two}
    at.later(hours=1)
    at.maria.restore(one)
    cycles.run()
    assert set(cycles.by_key()) == {one}


def test_what_moves_out_between_the_question_for_that_and_the_first_page_of_issues_is_told_by_the_next_walk(
    at: Desk, cycles: Cycles
) -> None:
    """Though nothing overlaps, and an edit made after the move stands on that page."""
    cycles.changed = {"scope": {"teams": ("ENG",)}, "overlap": timedelta(0)}
    gone, edited = at.maria.create("ENG", "Moves"), at.maria.create("ENG", "Stays")
    at.later(minutes=1)
    cycles.run()
    at.later(minutes=1)

    def meanwhile(exchange: LinearExchange) -> None:
        if exchange.operation == "Moved":
            at.space.on_exchange = None
            at.later(seconds=2)
            at.maria.move(gone, "OPS")
            at.later(seconds=2)
            at.maria.edit(edited, title="Edited")

    at.space.on_exchange = meanwhile
    cycles.run()
    assert cycles.by_key()[edited].title == "Edited"
    at.later(minutes=1)
    cycles.run()
    assert list(cycles.by_key()) == [edited]


def test_an_issue_that_moved_out_of_scope_is_outside_and_in_scope_has_its_new_key(at: Desk) -> None:
    cycles = Cycles(at, changed={"scope": {"teams": ("ENG",)}})
    one, two = at.maria.create("ENG", "One"), at.maria.create("OPS", "Two")
    cycles.run()
    at.later(hours=1)
    out, came = at.maria.move(one, "OPS"), at.maria.move(two, "ENG")
    cycles.run()
    assert set(cycles.by_key()) == {came}
    assert {issue.key for issue in cycles.outside.values()} == {out}


def test_the_first_cycle_does_not_read_the_archive(at: Desk, cycles: Cycles) -> None:
    one = at.maria.create("ENG", "One")
    at.maria.archive(one)
    cycles.run()
    assert (cycles.issues, cycles.outside) == ({}, {})


# --- single issues, histories, the census ---------------------------------------------------------------------


def test_issues_are_read_by_id_by_key_and_by_an_old_key(at: Desk) -> None:
    one, two, three = (at.maria.create("ENG", title) for title in ("One", "Two", "Three"))
    moved = at.maria.move(three, "OPS")
    gone = Link("00000000-0000-4000-8000-000000000000", None)
    reader = at.reader()
    found = reader.read(
        [Link(at.space.issue(one).id, one), Link(None, two.lower()), Link(None, three), gone, Link(None, "ENG-77")]
    )
    assert {issue.key for issue in found.issues} == {one, two, moved}
    assert set(found.missing) == {gone, Link(None, "ENG-77")}


def test_projects_and_initiatives_are_answered_from_the_catalogue_without_a_request(at: Desk, cycles: Cycles) -> None:
    at.space.project("Failover", teams=["ENG"])
    at.space.initiative("Never down", projects=["Failover"])
    reader = at.reader()
    nodes = [node for page in reader.observe(None) for node in page.outside]
    links = [Link(node.ref.id, None) for node in nodes] + [Link(None, node.key.upper()) for node in nodes]
    found = []
    assert at.counted(lambda: found.append(reader.read(links))) == {}
    assert {issue.title for issue in found[0].issues} == {"Failover", "Never down"}
    assert found[0].missing == ()


def test_a_hundred_links_cost_one_request(at: Desk) -> None:
    links = [Link(at.space.issue(at.maria.create("ENG", str(n))).id, None) for n in range(ISSUES_AT_ONCE)]
    reader = at.reader()
    reader.read([])
    assert at.counted(lambda: reader.read(links)) == {"Issues": 1}


def test_label_changes_name_who_and_when_oldest_first(at: Desk) -> None:
    at.space.label("Outcome", is_group=True, description="syncd acme")
    at.space.label("reliability", group="Outcome")
    at.space.label("sre")
    one, two = at.maria.create("ENG", "One"), at.maria.create("ENG", "Two")
    at.later(minutes=1)
    at.maria.edit(one, labels_add=["Outcome/reliability"])
    at.later(minutes=1)
    at.space.automation("bot").edit(one, labels_add=["sre"], labels_remove=["Outcome/reliability"])
    ref = IssueRef("acme-linear", at.space.issue(one).id)
    found = at.reader().label_changes([ref, IssueRef("acme-linear", at.space.issue(two).id)])
    assert list(found) == [ref]
    told = [(change.label, change.added, change.by and change.by.kind) for change in found[ref]]
    assert told[0] == ("Outcome/reliability", True, "member")
    assert set(told[1:]) == {("sre", True, "app"), ("Outcome/reliability", False, "app")}
    assert found[ref][0].at < found[ref][-1].at


def test_a_long_history_is_read_to_its_end(at: Desk) -> None:
    at.space.label("sre")
    one = at.maria.create("ENG", "One")
    for _ in range(60):
        at.later(minutes=1)
        at.maria.edit(one, labels_add=["sre"])
        at.later(minutes=1)
        at.maria.edit(one, labels_remove=["sre"])
    ref = IssueRef("acme-linear", at.space.issue(one).id)
    assert len(at.reader().label_changes([ref])[ref]) == 120


def test_moves_tell_what_an_issue_hung_below_until_when_oldest_first(at: Desk) -> None:
    one, two = at.maria.create("ENG", "One"), at.maria.create("ENG", "Two")
    part, still = at.maria.create("ENG", "A part", parent=one), at.maria.create("ENG", "Another", parent=one)
    at.later(minutes=1)
    at.maria.edit(still, title="Another one")
    at.maria.edit(part, parent=two)
    first = at.space.issue(part).updated_at
    at.later(minutes=1)
    at.maria.edit(part, parent=None)
    at.later(minutes=1)
    at.maria.edit(part, parent=one)
    refs = [IssueRef("acme-linear", at.space.issue(key).id) for key in (part, still)]
    found = at.reader().moves(refs)
    assert list(found) == refs[:1]
    assert [move.before and move.before.id for move in found[refs[0]]] == [
        at.space.issue(one).id,
        at.space.issue(two).id,
        None,
    ]
    assert found[refs[0]][0].at == first


def test_births_tell_who_made_an_issue(at: Desk) -> None:
    one, two = at.maria.create("ENG", "One"), at.space.automation("intake").create("ENG", "Two")
    refs = [IssueRef("acme-linear", at.space.issue(key).id) for key in (one, two)]
    born = at.reader().births(refs)
    assert [(birth.by.name, birth.by.kind) for ref in refs if (birth := born[ref]).by is not None] == [
        ("maria", "member"),
        ("intake", "app"),
    ]


def test_the_census_tells_every_issue_by_id_and_key_and_no_archived_one(at: Desk) -> None:
    keys = {at.maria.create("ENG", str(number)) for number in range(260)}
    archived = at.maria.create("ENG", "Archived")
    at.maria.archive(archived)
    pages = list(at.reader().census())
    assert {link.key for page in pages for link in page.links} == keys
    assert [page.last for page in pages] == [False, True]
    resumed = list(at.reader().census(pages[0].next))
    assert resumed == pages[1:]


def test_a_census_whose_place_is_gone_begins_anew(at: Desk) -> None:
    keys = [at.maria.create("ENG", str(number)) for number in range(260)]
    first = next(iter(at.reader().census()))
    at.maria.purge(str(first.links[-1].key))
    told = {link.key for page in at.reader().census(first.next) for link in page.links}
    assert told == set(keys) - {first.links[-1].key}


# --- faults ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ratelimited", "status", "html", "reset", "truncate", "lose_answer"])
def test_with_every_fifth_answer_failing_all_arrives(at: Desk, kind: str) -> None:
    keys = {at.maria.create("ENG", f"Issue {number}") for number in range(ISSUES_AT_ONCE + 3)}
    status = {"status": 503, "html": 502}.get(kind, 0)
    fault = LinearFault(kind=kind, status=status, times=None, every=5)  # type: ignore[arg-type]  # one of them
    at.space.faults.add(fault)
    cycles = Cycles(at)
    for _ in range(4):
        cycles.run()
        at.later(minutes=10)
    assert set(cycles.by_key()) == keys
    assert fault.struck > 3


def test_a_field_that_fails_sets_that_issue_aside_and_keeps_the_page(at: Desk, cycles: Cycles) -> None:
    at.space.project("Failover", teams=["ENG"])
    keys = [at.maria.create("ENG", str(number), project="Failover") for number in range(4)]
    at.space.faults.add(LinearFault(kind="partial", match="Issues", times=3, at="Issue.project"))
    (page,) = [page for page in cycles.run() if page.issues]
    assert len(page.issues) == 3
    (bad,) = page.unreadable
    assert bad.link is not None
    assert bad.link.key in keys
    assert "could not be told" in str(bad)


def test_more_without_a_cursor_is_an_error_and_never_the_end(at: Desk) -> None:
    body = '{"data":{"issues":{"nodes":[],"pageInfo":{"hasNextPage":true,"endCursor":null}}}}'
    at.maria.create("ENG", "One")
    at.space.faults.add(LinearFault(kind="body", status=200, body=body, match="Issues", times=None))
    with pytest.raises(Unreadable, match="has more but tells no cursor"):
        list(at.reader().observe(None))


def test_a_page_of_html_that_stays_is_unreadable_and_worded(at: Desk) -> None:
    at.space.faults.add(LinearFault(kind="html", status=200, match="Issues", times=None))
    with pytest.raises(Unreadable, match="HTML"):
        list(at.reader().observe(None))


def test_a_limit_that_stays_is_unavailable_with_the_time_to_wait(at: Desk) -> None:
    at.space.faults.add(LinearFault(kind="ratelimited", times=None))
    with pytest.raises(Unavailable) as limited:
        at.reader().look_around()
    assert limited.value.retry_after is not None
    assert limited.value.retry_after < timedelta(minutes=30)  # and not the hour until `reset`


def test_what_is_archived_answers_when_it_is_asked_for_and_is_said_to_be_so(at: Desk) -> None:
    here = at.maria.create("ENG", "Here")
    away = at.maria.create("ENG", "Away")
    now = at.maria.move(at.maria.create("ENG", "Moved, and away"), "OPS")
    (old,) = at.space.issue(now).previous_identifiers
    for key in (away, now):
        at.maria.archive(key)
    ids = {key: at.space.issue(key).id for key in (here, away, now)}
    found = at.reader().read([Link(ids[here], here), Link(ids[away], None), Link(None, old)])
    assert {issue.ref.id for issue in found.issues} == set(ids.values())
    assert found.archived == {ids[away], ids[now]}
