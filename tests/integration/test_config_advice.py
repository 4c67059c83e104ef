"""What is unwise in a config is said where it stands, with what to write, under a name by which it can be accepted."""

# ruff: noqa: E501 - one case a line reads as a table

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from support_config import load, write_config
from support_wise import TODAY, WISE, R, T, advice

from syncd.core.advice import LINTS
from syncd.core.errors import ConfigError, Problem
from syncd.files.problems import fails, problem_text

HERE = "⟦"  # stands in an unwise text where the advice is to be found

DUE, REVIEW, SHARE = "    due: 2027-06-30\n", "    review: {next: 2027-01-31}\n", "    allocation: 25%\n"
METRIC = "    metric: {name: days to go-live, baseline: 74, target: 28}\n"
TITLE = "    title: A new bank goes live in four weeks\n"
ID, OWNER = "  - id: onboarding\n", "    owner: Jonas Berg\n"
KYC = "  - id: kyc\n    outcome: onboarding\n    when: {label: kyc}\n"
FOCUS = "focus: {outcome: reliability, until: 2027-03-31}\n"
LOST = "        metric: {name: lost payments, baseline: 120, target: 0}\n        due: 2027-03-31\n"


def _outcome(name: str, more: str = "") -> str:
    metric = f"{{name: of {name}, baseline: 1, target: 2}}"
    return (
        f"  - id: {name}\n    title: Number {name} doubles\n    owner: Li Wang\n    metric: {metric}\n    due: 2027-06-30\n"
        f"    review: {{next: 2027-01-31}}\n    allocation: 0%\n{more}"
    )


def _rule(name: str, outcome: str, when: str) -> str:
    return f"  - id: {name}\n    outcome: {outcome}\n    when: {when}\n"


def _x(when: str, outcome: str = "onboarding", more: str = "") -> str:
    """The wise rule of that outcome, and another one; a mark before its condition is one before `when`."""
    rule = _rule("x", outcome, when.removeprefix(HERE))
    return KYC + (rule.replace("when:", f"{HERE}when:") if when.startswith(HERE) else rule) + more


SIX = "".join(_outcome(f"o{n}") for n in range(3))
SIX_RULES = "".join(_rule(f"r{n}", f"o{n}", f"{{label: o{n}}}") for n in range(3))
TOP, ONBOARDING, FAILOVER = ("intent: We", T), (ID, T), ("      - id: failover\n", T)
CHORES, RULE, X = ("  - id: chores\n", T), ("  - id: kyc\n", R), ("  - id: x\n", R)


@dataclass(frozen=True)
class Unwise:
    """In `file` of the wise config `old` is replaced by `new`; following the hint gives `mended`.

    An accept is put before `beside`: (the first line of what it stands in, its file). `also`: further edits, of any file.
    """

    lint: str
    name: str
    file: str
    old: str
    new: str
    says: str
    hint: str
    mended: str
    beside: tuple[str, str]
    also: tuple[tuple[str, str], ...] = ()
    mended_also: tuple[tuple[str, str], ...] | None = None
    """Following the hint, where that is in the further edits; None: they stay."""


CASES = [
    Unwise("intent-sentences", "two", T, "intent: We are the payments platform banks trust.", f"intent: {HERE}We are big. We grow.",
           "takes 2 sentences", "one that everybody", "intent: We are big", TOP),
    Unwise("outcome-count", "six", T, "outcomes:\n", f"{HERE}outcomes:\n{SIX}", "6 outcomes", "three to five",
           "outcomes:\n" + _outcome("o0"), TOP, ((KYC, KYC + SIX_RULES),), ((KYC, KYC + _rule("r0", "o0", "{label: o0}")),)),
    Unwise("outcome-count", "two", T, "outcomes:\n", f"{HERE}outcomes:\n", "2 outcomes in effect today", "three to five", "outcomes:\n" + _outcome("o0"),
           TOP, (("  - id: fraud\n", "  - id: fraud\n    from: 2027-01-01\n"), ("allocation: 40%", "allocation: 55%")),
           (("  - id: fraud\n", "  - id: fraud\n    from: 2027-01-01\n"), ("allocation: 40%", "allocation: 55%"), (KYC, KYC + _rule("r0", "o0", "{label: o0}")))),
    Unwise("no-metric", "outcome", T, ID + TITLE + OWNER + METRIC, f"  - {HERE}id: onboarding\n{TITLE}{OWNER}", "`onboarding` is reached",
           "metric: {name", ID + TITLE + OWNER + METRIC, ONBOARDING),
    Unwise("no-metric", "objective", T, "      - id: failover\n        title: Any region can fail\n" + LOST,
           f"      - {HERE}id: failover\n        title: Any region can fail\n", "`reliability/failover`", "metric: {name",
           "      - id: failover\n        title: Any region can fail\n" + LOST, FAILOVER),
    Unwise("no-target", "", T, METRIC, f"    {HERE}metric: {{name: days, baseline: 74}}\n", "has no target", "target: …", METRIC, ONBOARDING),
    Unwise("no-baseline", "", T, METRIC, f"    {HERE}metric: {{name: days, target: 28}}\n", "has no baseline", "baseline: …", METRIC, ONBOARDING),
    Unwise("target-is-baseline", "", T, "baseline: 74, target: 28", f"baseline: 74, target: {HERE}74.0", "equals its baseline",
           "number to reach", "baseline: 74, target: 28", ONBOARDING),
    Unwise("no-due", "", T, ID + TITLE + OWNER + METRIC + DUE, f"  - {HERE}id: onboarding\n{TITLE}{OWNER}{METRIC}", "due on no day",
           "`due: 2026-12-31`", ID + TITLE + OWNER + METRIC + "    due: 2026-12-31\n", ONBOARDING),
    Unwise("due-passed", "outcome", T, METRIC + DUE, f"{METRIC}    due: {HERE}2026-11-21\n", "2026-11-21, 1 day ago", "next day",
           METRIC + "    due: 2026-11-22\n", ONBOARDING),
    Unwise("due-passed", "objective", T, "due: 2027-03-31", f"due: {HERE}2026-01-31", "`failover` was due on 2026-01-31, 295 days ago",
           "next day", "due: 2027-05-31", FAILOVER),
    Unwise("due-after-outcome", "", T, "due: 2027-03-31", f"due: {HERE}2027-07-01", "due after its outcome", "up to 2027-06-30",
           "due: 2027-06-30", FAILOVER),
    Unwise("no-review", "none", T, ID + TITLE + OWNER + METRIC + DUE + REVIEW, f"  - {HERE}id: onboarding\n{TITLE}{OWNER}{METRIC}{DUE}",
           "it has no review", "review: {every: 90d, next: 2026-12-01}", ID + TITLE + OWNER + METRIC + DUE
           + "    review: {every: 90d, next: 2026-12-01}\n", ONBOARDING),
    Unwise("no-review", "next", T, REVIEW, f"    {HERE}review: {{every: 90d}}\n", "it has no review", "next: …", REVIEW, ONBOARDING),
    Unwise("review-overdue", "every", T, REVIEW, f"    review: {{every: 30d, next: {HERE}2026-10-01}}\n", "2026-10-01, 52 days ago",
           "`next: 2026-11-30`", "    review: {every: 30d, next: 2026-11-30}\n", ONBOARDING),
    Unwise("review-overdue", "once", T, REVIEW, f"    review: {{next: {HERE}2026-11-21}}\n", "1 day ago", "the day of the next", REVIEW, ONBOARDING),
    Unwise("no-allocation", "", T, "outcomes:", f"{HERE}outcomes:", "how much of the work is meant", "`allocation: 30%`", "outcomes:", TOP,
           (("    allocation: 40%\n", ""), (SHARE, ""), ("    allocation: 15%\n", ""), ("    budget: 20%\n", "")), ()),
    Unwise("allocation-sum", "more", T, "outcomes:", f"{HERE}outcomes:", "add up to 105%", "take 5% away", "outcomes:", TOP,
           (("allocation: 25%", "allocation: 30%"),), ()),
    Unwise("allocation-sum", "less", T, "outcomes:", f"{HERE}outcomes:", "add up to 92.5%", "7.5% that are left", "outcomes:", TOP,
           (("allocation: 25%", "allocation: 17.5%"),), ()),
    Unwise("allocation-sum", "one-without", T, "outcomes:", f"{HERE}outcomes:", "add up to 75%; `onboarding` has none",
           "give `onboarding` the 25% that are left", "outcomes:", TOP, ((SHARE, ""),), ()),
    Unwise("outcome-as-task", "", T, TITLE, f"    title: {HERE}Migrate to the onboarding portal\n", "worded as a task", "what is different",
           TITLE, ONBOARDING),
    Unwise("objective-as-outcome", "metric", T, "name: lost payments", f"name: {HERE}Availability", "by the metric of its outcome",
           "this one part", "name: lost payments", FAILOVER),
    Unwise("objective-as-outcome", "vision", T, "title: Any region can fail", f"title: {HERE}We are the most reliable bank",
           "worded as an outcome", "this one part", "title: Any region can fail", FAILOVER),
    Unwise("no-rule", "outcome", T, ID, f"  - id: {HERE}onboarding\n", "no rule leads to `onboarding`", "`outcome: onboarding`", ID, ONBOARDING,
           ((KYC, ""),), ((KYC, _rule("new", "onboarding", "{label: new}")),)),
    Unwise("no-rule", "objective", T, "- id: failover", f"- id: {HERE}failover", "`reliability/failover`", "`outcome: reliability/failover`",
           "- id: failover", FAILOVER, (("reliability/failover", "reliability"),), ()),
    Unwise("no-rule", "overhead", T, "- id: chores", f"- id: {HERE}chores", "`chores`", "`overhead: chores`", "- id: chores", CHORES,
           (("overhead: chores", "outcome: fraud"),), ()),
    Unwise("no-rule", "over", T, ID, f"  - id: {HERE}onboarding\n", "no rule leads to `onboarding`", "`outcome: onboarding`", ID, ONBOARDING,
           ((KYC, KYC + '    until: 2026-11-21\n    accept: {ended: "kept"}\n'),), ((KYC, KYC + _rule("new", "onboarding", "{label: new}")),)),
    Unwise("ends-soon", "outcome", T, ID, f"{ID}    until: {HERE}2026-12-06\n", "in 14 days, on 2026-12-06; after that its 1 rule match",
           "later day", f"{ID}    until: 2026-12-07\n", ONBOARDING),
    Unwise("ends-soon", "objective", T, LOST, f"{LOST}        until: {HERE}2026-11-23\n", "`reliability/failover` ends in 1 day", "later day",
           f"{LOST}        until: 2027-12-07\n", FAILOVER),
    Unwise("ends-soon", "rule", R, KYC, f"{KYC}    until: {HERE}2026-11-22\n", "`kyc` ends today", "later day",
           f"{KYC}    until: 2026-12-22\n", RULE),
    Unwise("ends-soon", "focus", T, FOCUS, f"focus: {{outcome: reliability, until: {HERE}2026-12-01}}\n", "the focus ends in 9 days", "later day",
           FOCUS, TOP),
    Unwise("ended", "outcome", T, "  - id: fraud\n", f"{_outcome('old')}    until: {HERE}2026-10-31\n  - id: fraud\n",
           "`old` ended on 2026-10-31, 22 days ago", "take it out", "  - id: fraud\n", ("  - id: old\n", T)),
    Unwise("ended", "objective", T, LOST, f"{LOST}      - id: old\n        title: Old\n        until: {HERE}2026-10-31\n",
           "`reliability/old` ended", "take it out", LOST, ("      - id: old\n", T)),
    Unwise("ended", "rule", R, KYC, f"{KYC}{_rule('old', 'onboarding', '{label: old}')}    until: {HERE}2026-10-31\n", "`old` ended",
           "take it out", KYC, ("  - id: old\n", R)),
    Unwise("ended", "focus", T, FOCUS, f"focus: {{outcome: reliability, until: {HERE}2026-11-01}}\n", "the focus ended", "take it out", "", TOP),
    Unwise("never-matches", "not", R, KYC, _x(HERE + "{type: Bug, not: {type: [Story, bug]}}"), "`type: Story, bug` is both wanted and excluded",
           "take one of them out", _x("{type: Bug}"), X),
    Unwise("never-matches", "category", R, KYC, _x(HERE + "{all: [{status_category: todo}, {status_category: done}]}"),
           "two values of `status_category`", "two rules", _x("{status_category: todo}") + _rule("y", "onboarding", "{status_category: done}"), X),
    Unwise("never-matches", "dates", R, KYC, _x("{label: x}", more=f"    from: {HERE}2028-01-01\n"),
           "`onboarding` ends before it begins, on 2027-12-31", "up to 2027-12-31", _x("{label: x}", more="    from: 2027-12-31\n"), X,
           ((ID, ID + "    until: 2027-12-31\n"),)),
    Unwise("matches-everything", "", R, KYC, _x(HERE + '{project: "*"}'), "matches every issue", "`default: true`",
           _x('{project: "*"}', more="    default: true\n"), X),
    Unwise("equal-conditions", "conflict", R, KYC, _x(HERE + '{label: ["KYC,"]}', "fraud"), "whatever they match is in conflict",
           "take one of the two out", KYC, X),
    Unwise("equal-conditions", "priority", R, KYC, _x(HERE + "{label: kyc}", "fraud", "    priority: 1\n"), "`kyc` never decides",
           "take `kyc` out, or give the other one a further condition", _x("{label: kyc, type: Bug}", "fraud", "    priority: 1\n"), X),
    Unwise("equal-conditions", "same", R, KYC, _x(HERE + "{any: [{label: kyc}]}"), "leads to the same", "take one of the two out", KYC, X),
    Unwise("focus-outside", "over", T, FOCUS, f"focus: {{outcome: {HERE}old, until: 2027-03-31}}\n", "whose last day was 2026-10-31",
           "matters most now", FOCUS, TOP,
           (("  - id: fraud\n", f'{_outcome("old")}    until: 2026-10-31\n    accept: {{ended: "kept"}}\n  - id: fraud\n'),)),
    Unwise("focus-outside", "early", T, FOCUS, f"focus: {{outcome: {HERE}next, until: 2027-03-31}}\n", "begins on 2027-01-01", "until then",
           FOCUS, TOP, (("  - id: fraud\n", f"{_outcome('next')}    from: 2027-01-01\n  - id: fraud\n"), (KYC, KYC + _rule("next", "next", "{label: next}")))),
    Unwise("focus-outside", "longer", T, FOCUS, f"focus: {{outcome: reliability, until: {HERE}2027-03-31}}\n", "last day is 2027-02-28",
           "`until: 2027-02-28`", "focus: {outcome: reliability, until: 2027-02-28}\n", TOP,
           (("  - id: reliability\n", "  - id: reliability\n    until: 2027-02-28\n"),)),
    Unwise("owner-unclear", "outcome", T, OWNER, f"    owner: {HERE}tbd\n", "`tbd` is nobody", "one person", OWNER, ONBOARDING),
    Unwise("owner-unclear", "overhead", T, "    owner: maria@acme.example\n    budget", f"    owner: {HERE}maria@acme\n    budget",
           "`maria@acme` is no address", "one person", "    owner: maria@acme.example\n    budget", CHORES),
    Unwise("owner-unclear", "rule", R, KYC, f"{KYC}    owner: {HERE}Maria and Jonas\n", "is more than one", "outcome's owner answers", KYC, RULE),
    Unwise("title-twice", "", T, "title: Upgrades and chores", f"title: {HERE}fraud losses HALVE", "`chores` has the title of `fraud`",
           "tells them apart", "title: Upgrades and chores", CHORES),
]  # fmt: skip


def _edited(
    case: Unwise, new: str, also: tuple[tuple[str, str], ...] | None = None, *, accept: str = ""
) -> dict[str, str]:
    """The wise files with the case's edits (`also`: the further ones), and with an accept in its place."""
    assert case.old in WISE[case.file], "the case no longer fits the wise config"
    files = {**WISE, case.file: WISE[case.file].replace(case.old, new, 1)}
    for old, replaced in case.also if also is None else also:
        changed = [name for name, text in files.items() if old in text]
        assert changed, "the case no longer fits the wise config"
        files[changed[0]] = files[changed[0]].replace(old, replaced, 1)
    if accept:
        line, file = case.beside
        key = f'accept: {{{accept}: "we know"}}\n'
        plain = files[file].replace(HERE, "")
        files[file] = key + plain if line == TOP[0] else plain.replace(line, line + " " * line.index("id:") + key, 1)
    return files


def _place(text: str) -> tuple[int, int]:
    upto = text[: text.index(HERE)]
    return upto.count("\n") + 1, len(upto) - upto.rfind("\n")


def _said(problems: list[Problem]) -> list[str]:
    return [problem_text(p) for p in problems]


def test_nobody_has_anything_to_say_about_the_wise_config(tmp_path: Path) -> None:
    assert _said(advice(tmp_path)) == []


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.lint}-{c.name}".rstrip("-"))
def test_what_is_unwise_is_said_where_it_stands_and_gone_when_the_hint_is_followed(
    case: Unwise, tmp_path: Path
) -> None:
    files = _edited(case, case.new)
    said = advice(tmp_path, {name: text.replace(HERE, "") for name, text in files.items()})
    assert [(p.name, p.severity, Path(p.file).name) for p in said] == [(case.lint, "advice", case.file)], _said(said)
    assert (said[0].line, said[0].column) == _place(files[case.file])
    assert case.says in said[0].message
    assert case.hint in said[0].hint
    assert fails(said[0], strict=True)
    assert not fails(said[0], strict=False)
    assert _said(advice(tmp_path, _edited(case, case.mended, case.mended_also))) == []


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.lint}-{c.name}".rstrip("-"))
def test_an_accept_beside_it_silences_that_one_advice(case: Unwise, tmp_path: Path) -> None:
    assert _said(advice(tmp_path, _edited(case, case.new, accept=case.lint))) == []
    if case.beside != TOP and case.beside[1] == T:  # what stands in strategy.yaml is covered by the top of it, too
        top = Unwise(**{**{f: getattr(case, f) for f in case.__dataclass_fields__}, "beside": TOP})
        assert _said(advice(tmp_path, _edited(top, case.new, accept=case.lint))) == []


def test_there_are_forty_wrong_or_unwise_configs_and_every_advice_is_among_them() -> None:
    assert len(CASES) >= 40
    assert {case.lint for case in CASES} == {name for name in LINTS if not name.startswith("accept-")}


# --- accepting ---


def test_an_accept_silences_nothing_beside_it(tmp_path: Path) -> None:
    text = WISE[T].replace(METRIC, "").replace("    metric: {name: fraud losses, baseline: 6.2, target: 3.1}\n", "")
    text = text.replace(DUE + REVIEW, REVIEW).replace(ID, f'{ID}    accept: {{no-metric: "judged by hand"}}\n')
    assert [(p.name, p.message.split("`")[1]) for p in advice(tmp_path, {T: text})] == [
        ("no-due", "onboarding"),
        ("no-metric", "fraud"),
    ]


def test_an_accept_of_what_is_not_said_is_advice_at_its_place(tmp_path: Path) -> None:
    text = WISE[T].replace(ID, f'{ID}    accept: {{no-metric: "why not"}}\n')
    (said,) = advice(tmp_path, {T: text})
    assert (said.name, said.line, said.column) == ("accept-unused", 16, 25)
    assert "`no-metric` is accepted here, and not given" in said.message
    assert said.hint == "take it out"


def test_an_accept_of_an_unknown_name_is_advice_with_the_name_that_was_meant(tmp_path: Path) -> None:
    text = WISE[R].replace("  - id: kyc\n", '  - id: kyc\n    accept: {end-soon: "why", no-such-thing: "x"}\n')
    said = advice(tmp_path, {R: text})
    assert [(p.name, p.hint) for p in said] == [
        ("accept-unknown", "did you mean `ends-soon`?"),
        ("accept-unknown", "docs/lints.md has all there are"),
    ]
    assert all(Path(p.file).name == R for p in said)


def test_advice_about_an_accept_cannot_be_accepted(tmp_path: Path) -> None:
    text = f'accept: {{no-metric: "x", accept-unused: "y", accept-unknown: "z"}}\n{WISE[T]}'
    assert {p.name for p in advice(tmp_path, {T: text})} == {"accept-unused"}


def test_of_two_accepts_over_one_thing_the_outer_one_is_not_needed(tmp_path: Path) -> None:
    text = WISE[T].replace(METRIC, "").replace(ID, f'{ID}    accept: {{no-metric: "inner"}}\n')
    (said,) = advice(tmp_path, {T: f'accept: {{no-metric: "outer"}}\n{text}'})
    assert (said.name, said.line) == ("accept-unused", 1)


def test_what_a_date_will_bring_may_be_accepted_before(tmp_path: Path) -> None:
    """Otherwise --strict would fail on the day it is given, or fail until then."""
    until = '    until: 2027-11-30\n    accept: {ends-soon: "a project of one year", ended: "kept for the record"}\n'
    files = {R: WISE[R].replace(KYC, KYC + until) + _rule("kyc-2", "onboarding", "{label: kyc2}")}
    for today in (TODAY, date(2027, 1, 20)):
        assert _said(advice(tmp_path, files, today)) == []
    later = {p.name for p in advice(tmp_path, files, date(2027, 12, 1))}
    assert later == {"due-passed", "review-overdue", "ended"}, "of the wise strategy's own dates, and not of the rule's"
    assert [p for p in advice(tmp_path, files, date(2027, 12, 1)) if Path(p.file).name == R] == []


@pytest.mark.parametrize(
    ("accept", "says"),
    [
        ("[no-metric]", "a mapping (`key: value`) is wanted"),
        ("no-metric", "a mapping (`key: value`) is wanted"),
        ("{no-metric: }", "why it is accepted is missing"),
        ('{no-metric: " "}', "why it is accepted is missing"),
        ("{no-metric: true}", "why it is accepted is missing"),
        (f"{{no-metric: {'a' * 201}}}", "longer than 200 characters"),
    ],
)
def test_an_accept_without_a_short_reason_is_an_error(tmp_path: Path, accept: str, says: str) -> None:
    text = WISE[T].replace(ID, f"{ID}    accept: {accept}\n")
    with pytest.raises(ConfigError) as refused:
        advice(tmp_path, {T: text})
    assert says in refused.value.problems[0].message
    assert refused.value.problems[0].line == 16


def test_an_accept_changes_nothing_that_is_decided(tmp_path: Path) -> None:
    plain = load(write_config(tmp_path, WISE)).rulebook.version
    accepted = f'accept: {{no-metric: "x"}}\n{WISE[T]}'
    assert load(write_config(tmp_path, {**WISE, T: accepted})).rulebook.version == plain


# --- all at once ---


def test_advice_comes_by_file_line_and_column_and_only_for_what_is_asked(tmp_path: Path) -> None:
    files = {
        T: WISE[T].replace(METRIC, "").replace("intent: We", "intent: One. We").replace(OWNER, "    owner: tbd\n"),
        R: WISE[R].replace(KYC, f"{KYC}    until: 2026-11-30\n"),
    }
    said = advice(tmp_path, files)
    places = [(Path(p.file).name, p.line, p.column) for p in said]
    assert places == sorted(places)
    assert [p.name for p in said] == ["ends-soon", "intent-sentences", "no-metric", "owner-unclear"]
    assert load(tmp_path / "config").advice == (), "a cycle has nothing to do with advice"


def test_what_ended_is_told_once_and_not_told_all_the_rest(tmp_path: Path) -> None:
    old = "  - id: old\n    title: Launch it\n    owner: tbd@x.example\n    until: 2026-01-01\n"
    text = WISE[T].replace("  - id: fraud\n", f"{old}  - id: fraud\n")
    assert [p.name for p in advice(tmp_path, {T: text})] == ["ended"]


def test_rules_that_hand_over_to_each_other_by_date_may_have_equal_conditions(tmp_path: Path) -> None:
    first, then = "    until: 2027-06-30\n", "    from: 2027-07-01\n"
    text = WISE[R].replace(KYC, KYC + first + _rule("kyc-then", "fraud", "{label: kyc}") + then)
    assert _said(advice(tmp_path, {R: text})) == []
    assert [p.name for p in advice(tmp_path, {R: text.replace("07-01", "06-30")})] == ["equal-conditions"]


def test_fourteen_days_are_fourteen_days_in_utc(tmp_path: Path) -> None:
    files = {R: WISE[R].replace(KYC, f"{KYC}    until: 2027-01-20\n")}
    names = [[p.name for p in advice(tmp_path, files, date(2027, 1, 20) + timedelta(days=n))] for n in (-15, -14, 0)]
    assert names == [[], ["ends-soon"], ["ends-soon"]]


def test_lint_of_two_thousand_rules_takes_no_longer_than_reading_them(tmp_path: Path) -> None:
    rules = "".join(
        _rule(f"r{n}", "fraud", f'{{label: [l{n}, "i{n}-*"], not: {{title: "re:foo{n}"}}}}') for n in range(2000)
    )
    assert _said(advice(tmp_path, {R: WISE[R] + rules})) == []
