"""Who put a label on, and when: read in bulk from a served site, checked against Atlassian's document."""

from collections.abc import Callable, Iterator

import pytest
from support_jira_cloud import MINUTE, Cloud, MovableClock, cloud_of

from connectors.jira.histories import birth, label_changes, moves
from connectors.sandbox import Site
from syncd.core.model import IssueRef, Link


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def cloud(watched: Callable[..., Site], clock: MovableClock) -> Iterator[Cloud]:
    with cloud_of(watched, clock) as made:
        yield made


def ref(cloud: Cloud, key: str) -> IssueRef:
    return IssueRef("acme-jira", str(cloud.issue(key).id))


def test_who_put_a_label_on_and_who_took_it_off_and_when(cloud: Cloud) -> None:
    key = cloud.site.person("tom").create(project="PAY", summary="a", labels=["given-at-creation"])
    cloud.clock.move(MINUTE)
    cloud.site.person("maria").edit(key, labels_add=["outcome/cost", "sre"], summary="b")
    put_on = cloud.clock.now()
    cloud.clock.move(MINUTE)
    cloud.site.registry.person("robot", "Automation for Jira", account_type="app")
    cloud.site.person("robot").edit(key, labels_remove=["outcome/cost"])
    changes = cloud.reader().label_changes([ref(cloud, key)])[ref(cloud, key)]
    told = [(c.label, c.added, c.by and (c.by.name, c.by.kind), c.at) for c in changes]
    assert told == [
        ("outcome/cost", True, ("Maria", "member"), put_on),
        ("sre", True, ("Maria", "member"), put_on),
        ("outcome/cost", False, ("Automation for Jira", "app"), put_on + MINUTE),
    ]


def test_a_thousand_histories_are_one_request_and_every_page_is_read(cloud: Cloud) -> None:
    maria, keys = cloud.site.person("maria"), []
    for n in range(1100):
        keys.append(maria.create(project="PAY", summary=f"{n}"))
        maria.edit(keys[-1], labels_add=["one"])
    maria.edit(keys[0], labels_add=["two"])
    reader = cloud.reader()
    found = reader.label_changes([ref(cloud, key) for key in keys])
    assert len(found) == 1100
    assert [c.label for c in found[ref(cloud, keys[0])]] == ["one", "two"]
    assert reader.requests == 3  # the first thousand need two pages


def test_an_issue_without_changes_is_absent_and_nothing_is_asked_for_nothing(cloud: Cloud) -> None:
    key = cloud.site.person("tom").create(project="PAY", summary="a", labels=["x"])
    reader = cloud.reader()
    assert reader.label_changes([ref(cloud, key)]) == {}
    assert reader.label_changes([]) == {}
    assert reader.births([]) == {}
    assert reader.requests == 1


def test_a_birth_tells_the_creator_and_what_was_cloned_or_split(cloud: Cloud) -> None:
    source = cloud.site.person("tom").create(project="PAY", summary="a", labels=["x"])
    born = cloud.clock.now()
    cloud.clock.move(MINUTE)
    clone, part = cloud.site.person("maria").clone(source), cloud.site.person("maria").split(source)
    reader = cloud.reader()
    births = reader.births([ref(cloud, key) for key in (source, clone, part)])
    assert reader.requests == 1
    assert (births[ref(cloud, source)].at, births[ref(cloud, source)].by.name) == (born, "Tom")  # type: ignore[union-attr]
    for key in (clone, part):
        told = births[ref(cloud, key)]
        assert told.by is not None
        assert (told.by.name, [link.key for link in told.copied_from]) == ("Maria", [source])


def test_moves_tell_what_an_issue_hung_below_until_when_oldest_first(cloud: Cloud) -> None:
    maria = cloud.site.person("maria")
    one, two = (maria.create(project="PAY", summary=name, type="Epic") for name in ("one", "two"))
    part, still = (maria.create(project="PAY", summary=name, parent=one) for name in ("a part", "another"))
    cloud.clock.move(MINUTE)
    maria.edit(still, summary="another one")
    first = cloud.clock.now()
    for parent in (two, None, one):
        maria.edit(part, parent=parent)
        cloud.clock.move(MINUTE)
    reader = cloud.reader()
    found = reader.moves([ref(cloud, part), ref(cloud, still)])
    assert reader.requests == 1
    assert list(found) == [ref(cloud, part)]
    told = [(move.before and move.before.id, move.at) for move in found[ref(cloud, part)]]
    assert told == [
        (str(cloud.issue(one).id), first),
        (str(cloud.issue(two).id), first + MINUTE),
        (None, first + 2 * MINUTE),
    ]


def test_a_move_that_the_changelog_tells_in_the_words_of_old_is_one_too() -> None:
    epic = {"field": "Epic Link", "fieldId": "customfield_10014", "from": "10001", "fromString": "PAY-1", "to": None}
    subtask = {"field": "Parent", "fieldtype": "jira", "from": "10002", "fromString": None, "to": "10003"}
    words = [{"field": "Epic Link", "from": None, "fromString": "PAY-1"}]
    logs = [
        {
            "issueId": "7",
            "changeHistories": [{"created": n, "items": i} for n, i in enumerate(([epic], [subtask], words))],
        }
    ]
    assert [move.before for move in moves(logs, "t")] == [
        Link("10001", "PAY-1"),
        Link("10002", None),
        Link(None, "PAY-1"),
    ]


def test_what_a_history_cannot_tell_is_left_out_and_never_an_error() -> None:
    items = [{"fieldId": "labels", "fromString": None, "toString": "a"}]
    logs = [
        "no object",
        {"issueId": None, "changeHistories": [{"created": 1, "items": items}]},
        {"issueId": "7", "changeHistories": [{"created": "yesterday", "items": items}, {"items": items}, None]},
        {"issueId": "8", "changeHistories": [{"created": 10**30, "items": items}]},
    ]
    assert list(label_changes(logs, "t")) == []
    assert list(label_changes(None, "t")) == []
    hung = [{"field": "Epic Link", "from": "1", "fromString": "PAY-1"}]
    assert (
        list(moves([{"issueId": "7", "changeHistories": [{"created": "yesterday", "items": hung}, None]}], "t")) == []
    )
    assert list(moves(None, "t")) == []
    assert birth({}) is None


@pytest.mark.parametrize("created", [1492070429, 1492070429000, "2017-04-13T08:00:29.000+0000"])
def test_a_date_is_understood_in_each_of_the_forms_that_the_document_knows(created: object) -> None:
    items = [{"field": "labels", "fromString": "", "toString": "a"}]
    logs = [{"issueId": 7, "changeHistories": [{"created": created, "author": None, "items": items}]}]
    (change,) = label_changes(logs, "t")
    assert (change.ref.id, change.by, change.at.isoformat()) == ("7", None, "2017-04-13T08:00:29+00:00")


def test_any_other_link_makes_no_copy() -> None:
    other = {"id": "1", "key": "PAY-1"}
    kinds = [{"name": "Blocks", "inward": "is blocked by", "outward": "blocks"}, {"name": "Klonen"}, None]
    links = [{"type": kind, "outwardIssue": other | {"id": str(n)}} for n, kind in enumerate(kinds)]
    told = birth({"fields": {"created": "2026-11-21T12:00:00.000+0000", "issuelinks": links}})
    assert told is not None
    assert [link.id for link in told.copied_from] == ["1"]
