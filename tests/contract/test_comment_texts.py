"""Every kind of sticky comment and the dashboard, letter by letter, in each format that a tracker takes."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest
from support_values import (
    NOW,
    STRATEGY,
    decided,
    epic,
    hand_set,
    issue,
    label,
    lineage,
    of,
    override,
    rule,
    rulebook,
    standing,
)

from syncd.core.commands import Allow, Answer, CommandPolicy
from syncd.core.comments import sticky_comment
from syncd.core.dashboard import Figures, dashboard_comment
from syncd.core.model import Comment, Decision, Issue, Lineage, Link, ToOutcome, Unmapped
from syncd.core.ports import Known
from syncd.render.adf import to_adf
from syncd.render.comment_markdown import to_markdown
from syncd.render.comment_wiki import to_wiki

Golden = Callable[[str, str], None]
BOOK = rulebook(
    rule("by-sre", "reliability", label("sre")),
    rule("by-market", "growth", label("market")),
    rule("by-audit", "trust", label("audit")),
    rule("by-epic", "growth", of("epic", label("expansion"))),
    rule("upkeep", "overhead: keep-the-lights-on", label("deps")),
    rule("spikes", "exempt: a spike", label("spike")),
    rule("else", "trust", label("ledger"), default=True),
)
PLAIN = issue("PAY-1")
WHY = Answer("why", "10001")
MANY = replace(
    STRATEGY,
    outcomes=tuple(replace(STRATEGY.outcomes[0], id=f"outcome-{n}", title=f"Outcome number {n}") for n in range(1, 9)),
    overhead=(),
)


def said(
    one: Issue = PLAIN,
    above: Lineage | None = None,
    *answers: Answer,
    decision: Decision | None = None,
    allow: Allow = "members",
) -> Comment:
    told = decision or decided(BOOK, one, above)
    comment = sticky_comment(one, told, STRATEGY, answers, CommandPolicy(allow=allow))
    assert comment is not None
    return comment


def comments() -> Iterator[tuple[str, Comment]]:
    """Each by what it is about."""
    yield from unmapped()
    yield from torn()
    yield from answered()
    yield "the dashboard", dashboard_comment(figures(), NOW)


def unmapped() -> Iterator[tuple[str, Comment]]:
    labels = tuple(f"label-{n}" for n in range(8))
    yield "unmapped", said()
    yield (
        "unmapped, with labels, below an epic that says nothing",
        said(issue("PAY-1", "needs-triage", "ui", parent=Link("id-PAY-9", "PAY-9")), lineage(epic())),
    )
    yield (
        "unmapped, in a Linear project, with more labels than are shown",
        said(issue("ENG-1", *labels, within=(Link("project-1", None),))),
    )
    yield "unmapped, where owners give commands", said(allow="owners")
    yield "unmapped, where some people give commands", said(allow=("tom@acme.example",))
    yield "unmapped, where nobody gives commands", said(allow="off")
    eight = sticky_comment(PLAIN, Decision(PLAIN.ref, Unmapped()), MANY)
    assert eight is not None
    yield "unmapped, with eight outcomes and no overhead", eight


def torn() -> Iterator[tuple[str, Comment]]:
    hands = (hand_set("PAY-1", "growth", author="Tom"), hand_set("PAY-1", "trust", author="Ana"))
    yield "conflict of two rules", said(issue("PAY-1", "sre", "market"))
    yield "conflict of a rule with one about the epic", said(issue("PAY-1", "sre"), lineage(epic("PAY-9", "expansion")))
    yield "conflict of three outcomes", said(issue("PAY-1", "sre", "market", "audit"))
    yield "conflict of an outcome with overhead", said(issue("PAY-1", "sre", "deps"))
    yield (
        "conflict of two exemptions that nobody owns",
        said(
            decision=decided(
                rulebook(rule("a", "exempt: a spike", label("x")), rule("b", "trust", label("x"))), X, None
            )
        ),
    )
    yield "conflict between two people", said(decision=decided(BOOK, PLAIN, None, *hands))
    yield "conflict inherited from an epic", said(PLAIN, lineage(epic("PAY-9", "sre", "market")))


X = issue("PAY-1", "x")


def answered() -> Iterator[tuple[str, Comment]]:
    mapped = issue("PAY-1", "sre")
    near = (ToOutcome("reliability"), ToOutcome("reliability", "failover"))
    word = override("PAY-1", "growth", author="Tom", reason="we agreed")
    yield "why, by a rule", said(mapped, None, WHY)
    yield "why, by inheritance", said(PLAIN, lineage(epic("PAY-9", "sre")), WHY)
    yield "why, by default", said(issue("PAY-1", "ledger"), None, WHY)
    yield "why, by a person's word", said(PLAIN, None, WHY, decision=decided(BOOK, PLAIN, None, word))
    yield "why, of overhead", said(issue("PAY-1", "deps"), None, WHY)
    yield "why, of exempt work", said(issue("PAY-1", "spike"), None, WHY)
    yield "why, below what cannot be read", said(PLAIN, lineage(missing="SEC-1"), WHY)
    yield "why, of unmapped work", said(PLAIN, None, WHY)
    yield "why, of a conflict", said(issue("PAY-1", "sre", "market"), None, WHY)
    yield "an unknown outcome", said(mapped, None, Answer("unknown", "1", "relaibility", near))
    yield "an unknown outcome on unmapped work", said(PLAIN, None, Answer("unknown", "1", "relaibility", near))
    yield "what was not understood", said(mapped, None, Answer("unclear", "1", "reliability or cost"))
    yield "somebody who may not, where owners may", said(mapped, None, Answer("refused", "1"), allow="owners")
    yield (
        "somebody who may not, where some people may",
        said(mapped, None, Answer("refused", "1"), allow=("tom@acme.example",)),
    )
    yield (
        "three things at once",
        said(mapped, None, Answer("refused", "1"), Answer("unknown", "2", "cots", near[:1]), WHY, allow="owners"),
    )


def figures() -> Figures:
    """Of a dozen issues, one of them under a security level."""
    rows: Sequence[tuple[Issue, Lineage | None]] = (
        *((issue(f"PAY-{n}", "sre"), None) for n in range(1, 5)),
        (issue("PAY-5", "market"), None),
        (issue("PAY-6", "sre", "market"), None),
        *((issue(f"OPS-{n}"), None) for n in range(1, 6)),
        (issue("PAY-7", "deps"), None),
        (issue("PAY-8"), lineage(missing="SEC-1")),
        (issue("SEC-2", restricted=True), None),
    )
    known = []
    for one, above in rows:
        decision = decided(BOOK, one, above)
        stands = standing(decision.verdict, one.key, decision=decision)
        known.append(Known(issue=one, applied=None, standing=stands, in_scope=True))
    return Figures.of(known)


@pytest.mark.parametrize("form", ["adf.json", "md", "wiki"])
def test_every_comment_reads_as_it_was_agreed(form: str, golden: Golden) -> None:
    named = dict(comments())
    assert len(named) == len(list(comments()))
    if form == "adf.json":
        told = json.dumps({name: to_adf(comment) for name, comment in named.items()}, indent=1, ensure_ascii=False)
        golden("comments/comments.adf.json", told + "\n")
        return
    render = to_markdown if form == "md" else to_wiki
    texts = (f"=== {name}\n\n{render(comment)}\n" for name, comment in named.items())
    golden(f"comments/comments.{form}", "\n".join(texts).replace("\u2060", "<WJ>"))


def test_a_question_is_three_short_lines_and_says_please() -> None:
    for name, comment in (*unmapped(), *torn()):
        lines = ["".join(run.text for run in runs) for runs in comment.paragraphs]
        assert len(lines) == 3, name
        assert sum(map(len, lines)) < 800, f"{name} is no note but a letter: {lines}"
    (question,) = (c for name, c in unmapped() if name == "unmapped")
    assert question.paragraphs[1][0].text.startswith("Please")


def test_a_conflict_asks_nothing_of_the_reader() -> None:
    for name, comment in torn():
        text = "".join(run.text for runs in comment.paragraphs for run in runs)
        assert "you need do nothing" in text, name
        assert not Counter(text)["?"], name
        assert "/outcome" not in text, name
