"""Linear's lineage: parents, then the project, then its initiatives at one level, then theirs (DESIGN §4)."""

from collections import Counter
from random import Random

import pytest
from support_linear_lineage import ancestry, initiative, link, project, random_tree
from support_random_cases import random_rules, random_words
from support_slow_decider import Family, slow_decide
from support_values import DAY, NOW, issue, label, of, rule, rulebook

from syncd.core.decide import Decider
from syncd.core.match import Matcher
from syncd.core.model import Conflict, Decision, Issue, Lineage, Mapped, Rulebook, Unmapped

TREES = 250
KINDS = ("conflict", "inherited", "incomplete", "default", "override", "rule", "unmapped")
AT_LEAST = 0.03
BOOK = rulebook(rule("market", "growth", label("market")), rule("sre", "reliability", label("sre")))


def keys(lineage: Lineage) -> list[list[str]]:
    return [[one.key for one in step] for step in lineage.steps]


def of_first(*issues: Issue) -> Lineage:
    """The lineage of the first of these by the others."""
    return ancestry(*issues).above(issues[:1])[0]


def decided(book: Rulebook, *issues: Issue) -> Decision:
    return Decider(Matcher(book, DAY), NOW).decide(issues[0], of_first(*issues), {})


def test_parents_come_first_then_the_project_then_its_initiatives_at_one_level_then_theirs() -> None:
    below = issue("ENG-3", parent=link("ENG-2"), within=(link("P-1"),))
    lineage = of_first(
        below,
        issue("ENG-2", parent=link("ENG-1")),
        issue("ENG-1"),
        project("P-1", "I-1", "I-2"),
        initiative("I-1", "I-3", "I-4"),
        initiative("I-2", "I-4"),
        initiative("I-3"),
        initiative("I-4"),
    )
    assert keys(lineage) == [["ENG-2"], ["ENG-1"], ["P-1"], ["I-1", "I-2"], ["I-3", "I-4"]]
    assert keys(lineage.above(3, 1)) == [["I-4"]], "each initiative has its own parents"


def test_an_issue_without_a_project_is_in_its_nearest_parents() -> None:
    family = (
        issue("ENG-2", parent=link("ENG-1"), within=(link("P-2"),)),
        issue("ENG-1", within=(link("P-1"),)),
        project("P-1", "I-1"),
        project("P-2"),
        initiative("I-1"),
    )
    assert keys(of_first(issue("ENG-3", parent=link("ENG-2")), *family)) == [["ENG-2"], ["ENG-1"], ["P-2"]]
    lineage = of_first(*family)
    assert keys(lineage) == [["ENG-1"], ["P-2"]]
    assert keys(lineage.above(0)) == [["P-1"], ["I-1"]], "the parent itself lies in another project"


def test_what_a_parent_says_by_its_own_project_is_not_asked_of_the_childs() -> None:
    book = rulebook(rule("platform", "reliability", of("epic", label("sre"))))
    family = (issue("ENG-1", within=(link("P-1"),)), project("P-1", labels=("sre",)), project("P-2"))
    said = decided(book, issue("ENG-2", parent=link("ENG-1"), within=(link("P-2"),)), *family)
    assert (said.verdict, said.spoke) == (Mapped("reliability"), family[0].ref)


def test_the_project_is_the_epic_and_no_parent() -> None:
    family = (issue("ENG-1", within=(link("P-1"),)), project("P-1", labels=("sre",)))
    as_epic = rulebook(rule("epic", "reliability", of("epic", label("sre"))))
    as_parent = rulebook(rule("parent", "reliability", of("parent", label("sre"))))
    assert decided(as_epic, *family).verdict == Mapped("reliability")
    assert decided(as_parent, *family).verdict == Unmapped()


def test_a_project_in_two_initiatives_of_two_outcomes_is_torn_itself_and_its_issues_are_its_findings() -> None:
    torn = (
        project("P-1", "I-1", "I-2"),
        initiative("I-1", labels=("sre",)),
        initiative("I-2", labels=("market",)),
    )
    nodes = ancestry(*torn)
    decider = Decider(Matcher(BOOK, DAY), NOW)
    issues = [issue(f"ENG-{n}", within=(link("P-1"),)) for n in range(1000)]
    said = [decider.decide(one, above, {}) for one, above in zip(issues, nodes.above(issues), strict=True)]
    assert {d.cause for d in said} == {"P-1"}
    assert all(isinstance(d.verdict, Conflict) for d in said)
    below = issue("ENG-2", parent=link("ENG-1"))
    assert decided(BOOK, below, issue("ENG-1", within=(link("P-1"),)), *torn).cause == "P-1"
    assert decided(BOOK, *torn).cause == "P-1", "asked of the project itself, it is the same finding"


def test_an_initiative_under_two_that_disagree_is_torn_and_not_each_project_in_it() -> None:
    torn = (
        initiative("I-1", "I-2", "I-3"),
        initiative("I-2", labels=("sre",)),
        initiative("I-3", labels=("market",)),
        initiative("I-4"),
    )
    assert decided(BOOK, project("P-1", "I-1", "I-4"), *torn).cause == "I-1"


def test_the_children_of_one_project_share_one_lineage() -> None:
    nodes = ancestry(project("P-1", "I-1", "I-2"), initiative("I-1", "I-3"), initiative("I-2"), initiative("I-3"))
    one, other = nodes.above([issue(f"ENG-{n}", within=(link("P-1"),)) for n in (1, 2)])
    assert one is other


def test_a_project_speaks_for_an_issue_of_its_own_even_where_the_parent_cannot_be_read_but_is_not_inherited() -> None:
    below = issue("ENG-2", parent=link("ENG-1"), within=(link("P-1"),))
    lineage = of_first(below, project("P-1", labels=("sre",)))
    assert (keys(lineage), lineage.missing, lineage.gap) == ([["P-1"]], link("ENG-1"), 0)
    by_epic = rulebook(rule("epic", "reliability", of("epic", label("sre"))))
    assert decided(by_epic, below, project("P-1", labels=("sre",))).verdict == Mapped("reliability")
    assert decided(BOOK, below, project("P-1", labels=("sre",))).verdict == Unmapped(incomplete=True)


def test_one_of_two_initiatives_that_cannot_be_read_leaves_the_lineage_incomplete() -> None:
    known = (project("P-1", "I-1", "I-2"), initiative("I-1", labels=("sre",)))
    assert decided(BOOK, issue("ENG-1", within=(link("P-1"),)), *known).verdict == Unmapped(incomplete=True)
    named = rulebook(rule("top", "reliability", of("initiative", label("sre"))))
    assert decided(named, issue("ENG-1", within=(link("P-1"),)), *known).verdict == Mapped("reliability")


def test_links_that_nobody_read_are_told_wherever_they_are() -> None:
    below = issue("ENG-2", parent=link("ENG-1"), within=(link("P-1"),))
    assert ancestry(below, project("P-1", "I-1", "I-2"), initiative("I-2", "I-3")).unknown([below]) == [
        link("ENG-1"),
        link("I-1"),
        link("I-3"),
    ]


@pytest.mark.parametrize(
    ("tops", "at"),
    [
        ((initiative("I-1", "I-1"),), "I-1"),
        ((initiative("I-1", "I-2"), initiative("I-2", "I-1")), "I-1"),
        ((initiative("I-1", "I-2"), initiative("I-2", "I-3"), initiative("I-3", "I-2")), "I-2"),
    ],
)
def test_initiatives_in_a_circle_are_cut_and_told(tops: tuple[Issue, ...], at: str) -> None:
    lineage = of_first(issue("ENG-1", within=(link("P-1"),)), project("P-1", "I-1"), *tops)
    assert lineage.cycle == at
    assert keys(lineage) == [["P-1"], *([top.key] for top in tops)]


def test_an_initiative_that_is_met_twice_without_a_circle_stands_at_its_nearest_place() -> None:
    tops = (initiative("I-1", "I-2"), initiative("I-2", "I-3"), initiative("I-3"))
    lineage = of_first(issue("ENG-1", within=(link("P-1"),)), project("P-1", "I-1", "I-2"), *tops)
    assert (keys(lineage), lineage.cycle) == ([["P-1"], ["I-1", "I-2"], ["I-3"]], None)
    assert keys(lineage.above(1, 0)) == [["I-2"], ["I-3"]]


def test_a_circle_of_parents_leaves_the_project_in_sight() -> None:
    below = issue("ENG-1", parent=link("ENG-2"), within=(link("P-1"),))
    lineage = of_first(below, issue("ENG-2", parent=link("ENG-1")), project("P-1"))
    assert (keys(lineage), lineage.cycle) == ([["ENG-2"], ["P-1"]], "ENG-1")


@pytest.mark.parametrize("seed", [1, 2])
def test_lineages_and_verdicts_are_those_of_plain_loops(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - cases to try, not secrets
    seen: Counter[str] = Counter()
    several = 0
    for _ in range(TREES):
        tree = random_tree(random)
        world = {one.ref.id: one for one in tree}
        book, words = random_rules(random), random_words(random, tree)
        decider, nodes = Decider(Matcher(book, DAY), NOW), ancestry(*tree)
        for one, lineage in zip(tree, nodes.above(tree), strict=True):
            family = Family(one, world)
            assert keys(lineage) == [[a.key for a in step] for step in family.steps], tree
            assert lineage.missing == family.missing
            fast = decider.decide(one, lineage, words)
            slow = slow_decide(one, family, book, words, now=NOW, day=DAY)
            told = (
                fast.pair[0],
                None if fast.via is None else fast.via.value,
                frozenset(e.source for e in fast.evidence),
            )
            assert (fast.pair, told[1], told[2], fast.spoke) == (
                (slow.kind, slow.outcome),
                slow.via,
                slow.sources,
                slow.spoke,
            ), (one, book)
            seen.update({slow.kind, slow.via or slow.kind})
            several += any(len(step) > 1 for step in lineage.steps)
    shares = {kind: seen[kind] / seen.total() for kind in KINDS}
    assert all(share >= AT_LEAST for share in shares.values()), shares
    assert several > TREES
