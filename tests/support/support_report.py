"""A small company's report, decided by the real decider; and the same with texts that mean harm in every place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from html.parser import HTMLParser
from typing import Final

import support_values as values

from syncd.core.endings import Endings
from syncd.core.model import (
    Category,
    Focus,
    Issue,
    IssueRef,
    Lineage,
    Link,
    Metric,
    Rulebook,
    Strategy,
    Target,
    ToExempt,
)
from syncd.core.ports import Known
from syncd.core.report import Coverage, Report, build_report

FOCUS: Final = replace(
    values.STRATEGY,
    outcomes=(
        replace(
            values.OUTCOMES[0],
            metric=Metric("availability", "%", 99.9, 99.99),
            due=date(2026, 12, 31),
        ),
        *values.OUTCOMES[1:],
    ),
)

HOSTILE: Final = (
    "<script>window.pwned = 1</script>",
    '"><img src=x onerror="window.pwned=1">',
    "' onmouseover='window.pwned=1' x='",
    "</bdi></title></style></svg><iframe src=https://evil.example/></iframe>",
    "<!-- ]]> <![CDATA[ --!>",
    "&lt;script&gt;window.pwned=1&lt;/script&gt;",
    "javascript:window.pwned=1",
    '=HYPERLINK("https://evil.example","click")',
    "\u202egnp.exe\u2066\u200b\x1b[31m\x00\r\nSet-Cookie: a=b",
    "<a href='https://evil.example/'>x</a><style>*{display:none}</style>",
    "x" * 1_000_000,
    "W" * 280,
)


@dataclass
class Lineages:
    """Lineages that are told, not looked up."""

    above: Mapping[IssueRef, Lineage]

    def of(self, issues: Sequence[Issue]) -> Mapping[IssueRef, Lineage]:
        return {issue.ref: self.above.get(issue.ref, Lineage()) for issue in issues}


@dataclass
class Company:
    """Its issues with their decisions, and what the report is made from."""

    known: list[Known]
    book: Rulebook
    above: dict[IssueRef, Lineage]
    coverage: tuple[Coverage, ...]

    @property
    def report(self) -> Report:
        trackers = {one.issue.ref.tracker for one in self.known}
        lineages = {tracker: Lineages(self.above) for tracker in trackers}
        endings = Endings(self.book, values.NOW.date())
        return build_report(
            self.known, self.book.strategy, self.book.version, self.coverage, lineages=lineages, endings=endings
        )


def small(strategy: Strategy = FOCUS) -> Company:
    """Every verdict once or more, a restricted issue, one below what cannot be read, all of it read whole."""
    book = rulebook(replace(strategy, focus=Focus("reliability", date(2026, 12, 31))))
    issues = [
        values.issue("PAY-1", "sre"),
        values.issue("PAY-2", "sre", category=Category.DONE),
        values.issue("PAY-3", "growth", title="Open a market"),
        values.issue("PAY-10", "sre", "growth", title="Both at once"),
        values.issue("PAY-9", "sre", "growth", title="Both again", category=Category.DONE),
        values.issue("OPS-1", "chore", title="Upgrade the compiler"),
        values.issue("OPS-2", "spike", title="Try it out"),
        values.issue("OPS-3", "UI", components=("Ledger",), title="Nobody knows why"),
        values.issue("OPS-12", "ui", title="Nobody knows either"),
        values.issue("OPS-4", "secret", title="Do not tell", restricted=True),
        values.issue("OPS-5", title="Below what is hidden", parent=Link("77", "PROC-7")),
    ]
    above = {values.ref("OPS-5"): values.lineage(missing="PROC-7")}
    return Company(decided(book, issues, above), book, above, (Coverage(values.TRACKER, values.NOW, None),))


def rulebook(strategy: Strategy) -> Rulebook:
    outcome, other = strategy.outcomes[0].id, strategy.outcomes[1].id
    rules = (
        values.rule("reliable", outcome, values.label("sre")),
        values.rule("growing", other, values.label("growth"), window=values.between(None, "2026-11-20")),
        values.rule("upkeep", f"overhead: {strategy.overhead[0].id}", values.label("chore")),
        values.rule("spikes", "exempt: a spike", values.label("spike")),
    )
    return values.rulebook(*rules, strategy=strategy)


def decided(book: Rulebook, issues: Sequence[Issue], above: Mapping[IssueRef, Lineage]) -> list[Known]:
    """The issues as the store would tell them after a cycle."""
    return [
        Known(
            issue=issue,
            standing=replace(
                values.standing(values.UNMAPPED, issue.key),
                decision=values.decided(book, issue, above.get(issue.ref, Lineage())),
            ),
            applied=None,
            in_scope=True,
        )
        for issue in issues
    ]


def hostile(text: str) -> Company:
    """The small company where everything that people and trackers write is that text, or goes on with it."""
    plain = small()
    strategy = replace(
        plain.book.strategy,
        intent=text,
        outcomes=tuple(replace(o, title=text, owner=text) for o in plain.book.strategy.outcomes),
        overhead=tuple(replace(o, title=text, owner=text) for o in plain.book.strategy.overhead),
    )
    book = replace(rulebook(strategy), version=text)
    exempt: Target = ToExempt(text)
    book = replace(book, rules=tuple(replace(r, target=exempt) if r.id == "spikes" else r for r in book.rules))
    issues = [
        replace(
            one.issue,
            key=one.issue.key + text,
            title=text,
            project=one.issue.project + text,
            labels=(*one.issue.labels, text),
            components=(text,),
            url=text,
        )
        for one in plain.known
    ]
    missing = Lineage(missing=Link("77", f"{text}-7"))
    above = dict.fromkeys(plain.above, missing)
    coverage = (Coverage(text, None, text),)
    return Company(decided(book, issues, above), book, above, coverage)


def harmless() -> Company:
    """The hostile company's twin: as many texts in as many places, and no harm in them."""
    return hostile("harmless")


# --- reading HTML -----------------------------------------------------------------------------------------

VOID: Final = frozenset({"meta", "rect", "line"})
FREE: Final = frozenset({"href", "id", "aria-labelledby", "aria-describedby", "x", "x1", "x2", "width", "content"})


class Page(HTMLParser):
    """The elements of a page with their attributes, its texts, and what is wrong with its nesting."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.faults: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        self.faults += [f"<{name}> is never closed" for name in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}> closes something else")

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] != "style":
            self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.faults.append(f"a comment: {data}")

    def unknown_decl(self, data: str) -> None:
        self.faults.append(f"a declaration: {data}")

    @property
    def skeleton(self) -> list[tuple[str, tuple[tuple[str, str | None], ...]]]:
        """Elements and attributes; values too, but of those that tell numbers and addresses."""
        return [
            (tag, tuple((name, None if name in FREE else value) for name, value in attributes.items()))
            for tag, attributes in self.elements
        ]

    @property
    def links(self) -> list[str]:
        return [str(attributes["href"]) for _, attributes in self.elements if "href" in attributes]

    @property
    def text(self) -> str:
        return "".join(self.texts)
