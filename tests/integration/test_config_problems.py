"""Every way in which a config file can be wrong is told where it is, by name, with what to write instead."""

# ruff: noqa: E501 - one case a line reads as a table

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from support_config import SMALL, load, write_config

from syncd.core.errors import ConfigError, Problem
from syncd.files.problems import problem_text
from syncd.settings import missing_secrets

HERE = "⟦"  # stands in a broken text where the problem is to be found


@dataclass(frozen=True)
class Broken:
    """`old` in a file of the small config is replaced by `new`; following the hint gives `mended`."""

    name: str
    file: str
    old: str
    new: str
    says: str
    hint: str
    mended: str | None = None


S, T, R = "syncd.yaml", "strategy.yaml", "rules.yaml"
WHEN = "{label: [sre, oncall]}"
TITLE = "title: Payments never go down"
OWNER = "    owner: maria@acme.example\n"
SCOPE = "scope: {projects: [PAY, OPS]}"
LAST = "    scope: {projects: [PAY, OPS]}\n"

CASES = [
    # the form of a file
    Broken("tab", S, "    kind:", f"{HERE}\tkind:", "this is not YAML", "indent with spaces", "    kind:"),
    Broken("open-bracket", R, WHEN, f"{{label: [sre, oncall{HERE}}}", "a bracket is not closed", "[a, b]", WHEN),
    Broken("backslash", R, WHEN, f'{{title: "re:\\{HERE}d"}}', "starts an escape", "single quotes", "{title: 're:\\d'}"),
    Broken("colon", T, TITLE, f"title: Payments{HERE}: never", "not YAML", "in quotes", 'title: "Payments: never"'),
    Broken("twice", T, TITLE, f"{TITLE}\n    {HERE}title: B", "`title` stands here a second time", "one of the two", TITLE),
    Broken("alias", R, WHEN, f"{HERE}*same", "aliases", "write the value out", WHEN),
    Broken("anchor", R, WHEN, f"{HERE}&same {WHEN}", "anchors", "take it out", WHEN),
    Broken("tag", T, TITLE, f"title: {HERE}!!str Payments", "tags", "take it out", "title: Payments"),
    Broken("key-list", R, WHEN, f"{{{HERE}[a]: b}}", "a key must be a text", "key: value"),
    Broken("control", T, TITLE, f"title: Pay{HERE}\x07", "U+0007", "take it out", "title: Pay"),
    Broken("second-document", R, "rules:", f"x: 1\n{HERE}---\nrules:", "a second document", "keep one"),
    Broken("deep", R, WHEN, "[" * 47 + f"{HERE}[" + "]" * 48, "nested deeper than 50", "flatter"),
    Broken("list-file", R, "rules:", f"{HERE}- rules:", "keys and values, not a list", "key: value"),
    # keys
    Broken("key-deep", T, "unit:", f"{HERE}units:", "`units` is not a key", "did you mean `unit`?", "unit:"),
    Broken("key-file", S, "store:", f"{HERE}limts: {{}}\nstore:", "`limts`", "did you mean `limits`?", "limits: {}\nstore:"),
    Broken("missing", T, OWNER, "", "`owner` is missing", "owner: …"),
    Broken("missing-intent", T, "intent: We are the payments platform banks trust.\n", "", "`intent` is missing", "intent"),
    Broken("missing-when", R, f"    when: {WHEN}\n", "", "`when` is missing", "when: …"),
    Broken("missing-under-key", T, "{name: availability, ", "{", "`name` is missing", "name: …"),
    # text
    Broken("number", T, TITLE, f"title: {HERE}3.10", "`3.10` is a number", 'quotes: "3.10"', 'title: "3.10"'),
    Broken("label-number", R, "sre,", f"{HERE}3.2,", "`3.2` is a number", 'quotes: "3.2"', '"3.2",'),
    Broken("label-yes", R, "sre,", f"{HERE}yes,", "`yes` is yes or no", 'quotes: "yes"', '"yes",'),
    Broken("label-true", R, "sre,", f"{HERE}True,", "`True` is true or false", 'quotes: "True"', '"True",'),
    Broken("label-date", R, "sre,", f"{HERE}2026-01-31,", "is a date", 'quotes: "2026-01-31"', '"2026-01-31",'),
    Broken("label-null", R, "sre,", f"{HERE}null,", "`null` is nothing", "write a text"),
    Broken("nothing", T, TITLE, f"{HERE}title:", "this is nothing", "after the colon", TITLE),
    Broken("blank", T, TITLE, f'title: {HERE}" "', "is empty", "write a text", TITLE),
    # strategy
    Broken("id", T, "id: chores", f"id: {HERE}Chores_Too", "not an id", ": chores-too", "id: chores-too"),
    Broken("id-twice", T, "{id: chores,", f"{{id: {HERE}reliability,", "is taken by the entry on line 3", "another id"),
    Broken("objective-twice", T, "fail}]", f"fail}}, {{id: {HERE}failover, title: B}}]", "`failover` is taken", "another"),
    Broken("no-such-day", T, OWNER, f"{OWNER}    due: {HERE}2026-02-30\n", "there is no day `2026-02-30`", "calendar"),
    Broken("date", T, OWNER, f"{OWNER}    due: {HERE}31.12.2026\n", "`31.12.2026` is not a date", "2026-12-31"),
    Broken("until", T, OWNER, f"{OWNER}    from: 2026-02-02\n    until: {HERE}2026-02-01\n", "is before", "2026-02-02"),
    Broken("share", T, "budget: 20%", f"budget: {HERE}20", "`20` is not a share", ": 20%", "budget: 20%"),
    Broken("duration", T, OWNER, f"{OWNER}    review: {{every: {HERE}3 months}}\n", "not a duration", "s, m, h or d"),
    Broken("focus", T, "overhead:", f"focus: {{outcome: {HERE}relability}}\noverhead:", "no outcome `relability`", "`reliability`"),
    # rules
    Broken("outcome", R, "outcome: rel", f"outcome: {HERE}relia-b-", "no outcome `relia-b-iability`", "mean `reliability`"),
    Broken("objective", R, "outcome: reliability", f"outcome: {HERE}reliability/failovr", "`failovr`", "`failover`?",
           "outcome: reliability/failover"),
    Broken("overhead", R, "outcome: reliability", f"overhead: {HERE}chore", "no overhead `chore`", "`chores`?",
           "overhead: chores"),
    Broken("as-outcome", R, "outcome: reliability", f"outcome: {HERE}chores", "is overhead", "overhead: chores",
           "overhead: chores"),
    Broken("as-overhead", R, "outcome: reliability", f"overhead: {HERE}reliability", "is an outcome", "outcome: reliability",
           "outcome: reliability"),
    Broken("two-targets", R, "    when:", f"    {HERE}exempt: x\n    when:", "both `outcome` and `exempt`", "keep one"),
    Broken("no-target", R, "    outcome: reliability\n", "", "leads nowhere", "outcome: …"),
    Broken("rule-twice", R, f"    when: {WHEN}", f"    when: {WHEN}\n  - id: {HERE}by-label\n    outcome: reliability\n"
           f"    when: {WHEN}", "`by-label` is taken", "another id"),
    Broken("priority", R, "    when:", f"    priority: {HERE}high\n    when:", "a whole number is wanted", "whole number"),
    Broken("priority-flag", R, "    when:", f"    priority: {HERE}true\n    when:", "a whole number is wanted", "number"),
    Broken("default", R, "    when:", f"    default: {HERE}yes\n    when:", "`true` or `false` is wanted", "`true`"),
    Broken("match", R, "    when:", f"    match: {HERE}exactly\n    when:", "`exactly` is not one of", "`exact`?",
           "    match: exact\n    when:"),
    # conditions
    Broken("when-empty", R, WHEN, f"{HERE}{{}}", "`{}` would hold for every issue", "at least one"),
    Broken("when-null", R, f"when: {WHEN}", f"{HERE}when:", "this is nothing", "label"),
    Broken("when-text", R, WHEN, f"{HERE}sre", "this is a text", "label: [sre"),
    Broken("when-key", R, "{label:", f"{{{HERE}lable:", "`lable` is not a condition", "did you mean `label`?", "{label:"),
    Broken("when-plural", R, "{label:", f"{{{HERE}labels:", "`labels` is not", "did you mean `label`?", "{label:"),
    Broken("field-empty", R, WHEN, f"{{{HERE}field.: x}}", "`field.` is not a condition", "such as `field.Squad: Core`"),
    Broken("field-mapping", R, WHEN, f"{{{HERE}field: {{Squad: x}}}}", "`field` is not a condition", "`field.Squad: Core`",
           "{field.Squad: x}"),
    Broken("field-number", R, WHEN, f"{{field.Story Points: {HERE}8}}", "takes a text, and `8` is a number", 'quotes: "8"',
           '{field.Story Points: "8"}'),
    Broken("sprint-number", R, WHEN, f"{{sprint: {HERE}12}}", "`sprint` takes a text", 'quotes: "12"', '{sprint: "12"}'),
    Broken("sprint-plural", R, WHEN, f"{{{HERE}sprints: a}}", "`sprints` is not a condition", "`sprint`?", "{sprint: a}"),
    Broken("team-list", R, WHEN, f"{{team: {HERE}[]}}", "`team` is an empty list", "at least one"),
    Broken("costly", R, WHEN, f"{{title: {HERE}'re:pay.{{0,400}}fail'}}", "could take", "in place of a repetition",
           "{title: 're:pay.*fail'}"),
    Broken("costly-nested", R, WHEN, f"{{title: {HERE}'re:(.{{0,30}}x){{30}}'}}", "and 5 ms is the most", "write *"),
    Broken("cel-list", R, WHEN, f"{{cel: {HERE}[a, b]}}", "one expression, not a list", "join them by &&"),
    Broken("cel-flag", R, WHEN, f"{{cel: {HERE}true}}", "`cel` takes a text", "in quotes", "{cel: 'true'}"),
    Broken("cel-syntax", R, WHEN, f'{{cel: {HERE}"issue.label.exists(l, l == \'x\'"}}', "`)` is wanted at the end", "brackets",
           '{cel: "issue.label.exists(l, l == \'x\')"}'),
    Broken("cel-equals", R, WHEN, f"{{cel: {HERE}'issue.type = \"Bug\"'}}", "cannot be read from `= ", "write ==",
           "{cel: 'issue.type == \"Bug\"'}"),
    Broken("cel-name", R, WHEN, f"{{cel: {HERE}'issue.lable == \"x\"'}}", "`issue.lable` is not a field", "`issue.label`?"),
    Broken("cel-bare", R, WHEN, f"{{cel: {HERE}'title == \"x\"'}}", "`title` is not known here", "`issue.title`?",
           "{cel: 'issue.title == \"x\"'}"),
    Broken("cel-list-text", R, WHEN, f"{{cel: {HERE}'issue.label == \"x\"'}}", "a list of texts is compared", "'x' in issue.label",
           "{cel: '\"x\" in issue.label'}"),
    Broken("cel-number", R, WHEN, f"{{cel: {HERE}'size(issue.label) > \"3\"'}}", "a number is compared with a text", "double(",
           "{cel: 'size(issue.label) > 3'}"),
    Broken("cel-truth", R, WHEN, f"{{cel: {HERE}issue.title}}", "the expression is a text", "compare it"),
    Broken("cel-matches", R, WHEN, f"{{cel: {HERE}'issue.title.matches(\"x\")'}}", "`matches()` is not known", "re(text, 'pattern')",
           "{cel: 're(issue.title, \"x\")'}"),
    Broken("cel-map", R, WHEN, f"{{cel: {HERE}'issue.label.map(l, l)'}}", "`map()` is not known", ".filter(v, …)"),
    Broken("cel-function", R, WHEN, f"{{cel: {HERE}'fld(issue.title) == \"x\"'}}", "`fld()` is not known", "`fold`?"),
    Broken("cel-pattern", R, WHEN, f"{{cel: {HERE}'re(issue.title, \"(a\")'}}", "RE2 refuses `(a`", "google/re2"),
    Broken("cel-pattern-costly", R, WHEN, f"{{cel: {HERE}'re(issue.title, \"a.{{0,400}}b\")'}}", "could take", "write *"),
    Broken("cel-index", R, WHEN, f"{{cel: {HERE}'issue.sprint[0] == \"x\"'}}", "not taken out of a list by number", ".exists(v"),
    Broken("cel-null", R, WHEN, f"{{cel: {HERE}'issue.priority == null'}}", "`null` is not known", "is ''"),
    Broken("cel-thrice", R, WHEN, f"{{cel: {HERE}'issue.label.all(a, issue.label.all(b, issue.label.all(c, a == c)))'}}",
           "a macro within a macro within a macro", "two conditions"),
    Broken("cel-work", R, WHEN, f"{{cel: {HERE}'issue.label.all(a, issue.label.all(b, re(b, a)))'}}", "is written out", "re(issue.title"),
    Broken("cel-stalls", R, WHEN, f"{{cel: {HERE}'issue.label.all(a, issue.label.all(b, re(b, \"x\")))'}}", "could take", "take a macro"),
    Broken("cel-long", R, WHEN, f"{{cel: {HERE}'issue.title == \"{'a' * 1000}\"'}}", "longer than 1000", "several rules"),
    Broken("list-empty", R, WHEN, f"{{label: {HERE}[]}}", "`label` is an empty list", "at least one"),
    Broken("epic-text", R, WHEN, f"{{epic: {HERE}platform}}", "`epic` holds conditions", "epic: {label: platform}",
           "{epic: {label: platform}}"),
    Broken("any-mapping", R, WHEN, f"{{any: {HERE}{{label: sre}}}}", "`any` takes a list", "any: [{label: sre}]",
           "{any: [{label: sre}]}"),
    Broken("not-deep", R, WHEN, f"{{not: [{{label: a}}, {{{HERE}lebel: b}}]}}", "`lebel`", "`label`?"),
    Broken("regex", R, WHEN, f"{{title: {HERE}'re:(pay'}}", "RE2 refuses `re:(pay`: missing )", "RE2 knows"),
    Broken("look-ahead", R, WHEN, f"{{title: {HERE}'re:a(?=b)'}}", "RE2 refuses", "cannot look ahead"),
    Broken("back-reference", R, WHEN, f"{{title: {HERE}'re:(a)\\1'}}", "RE2 refuses", "refer back"),
    Broken("backspace", R, WHEN, f'{{title: {HERE}"re:\\bpay\\b"}}', "U+0008", "single quotes", "{title: 're:\\bpay\\b'}"),
    Broken("long", R, WHEN, f"{{title: {HERE}{'a' * 1001}}}", "longer than 1000", "several shorter"),
    Broken("comma-label", R, WHEN, f'{{label: {HERE}",;"}}', "nothing is left", "write a text"),
    Broken("category", R, WHEN, f"{{status_category: {HERE}In Progress}}", "not a status category", "`in_progress`?",
           "{status_category: in_progress}"),
    Broken("tracker", R, WHEN, f"{{tracker: {HERE}acme-jra}}", "no tracker in syncd.yaml", "`acme-jira`?",
           "{tracker: acme-jira}"),
    Broken("tracker-glob", R, WHEN, f'{{tracker: {HERE}"linear-*"}}', "no tracker in syncd.yaml", "acme-jira"),
    Broken("example-expect", R, "    when:", f"    examples: [{HERE}{{label: SRE}}]\n    when:", "`expect` is missing", "match"),
    Broken("example-word", R, "    when:", f"    examples: [{{label: SRE, expect: {HERE}yes}}]\n    when:", "`yes`", "no match"),
    Broken("example-key", R, "    when:", f"    examples: [{{{HERE}lable: SRE, expect: match}}]\n    when:", "`lable`", "`label`?"),
    Broken("example-fails", R, "    when:", f"    examples: [{HERE}{{label: kyc, expect: match}}]\n    when:",
           "`by-label` does not match this example: label is", "`expect: no match`",
           "    examples: [{label: kyc, expect: no match}]\n    when:"),
    Broken("example-matches", R, "    when:", f"    examples: [{HERE}{{label: SRE, expect: no match}}]\n    when:",
           "`by-label` matches this example: label", "`expect: match`", "    examples: [{label: SRE, expect: match}]\n    when:"),
    Broken("example-cel", R, "    when:", f"    examples: [{{{HERE}cel: 'true', expect: match}}]\n    when:",
           "`cel` is not a key of an example", "an example is an issue"),
    Broken("example-two-titles", R, "    when:", f"    examples: [{{title: [a, {HERE}b], expect: match}}]\n    when:",
           "an issue has one title", "two examples"),
    Broken("example-category", R, "    when:", f"    examples: [{{status_category: {HERE}Done, expect: match}}]\n    when:",
           "`Done` is not a status category", "`done`?"),
    Broken("example-field", R, "    when:", f"    examples: [{{field.Points: {HERE}8, expect: match}}]\n    when:",
           "`8` is a number", 'quotes: "8"'),
    # syncd.yaml
    Broken("kind", S, "jira-cloud", f"{HERE}jira-clod", "no kind of tracker `jira-clod`", "`jira-cloud`?", "jira-cloud"),
    Broken("data-center", S, "jira-cloud", f"{HERE}jira-data-center", "comes in a later version", "jira-cloud"),
    Broken("literal", S, "{env: JIRA_TOKEN}", f"{HERE}hunter2", "a secret must not stand", "{env: NAME", "{env: JIRA_TOKEN}"),
    Broken("env-name", S, "JIRA_TOKEN", f"{HERE}hunter-2", "cannot be the name of an environment", "JIRA_TOKEN", "JIRA_TOKEN"),
    Broken("env-and-file", S, "{env: JIRA_TOKEN}", f"{HERE}{{env: A, file: b}}", "exactly one of", "env: JIRA_TOKEN",
           "{env: JIRA_TOKEN}"),
    Broken("write", S, LAST, f"{LAST}    write: {HERE}labels\n", "`labels` is not one of", "`label`?", f"{LAST}    write: label\n"),
    Broken("write-by", S, LAST, f"{LAST}    write_by: {{{HERE}PYA: label}}\n", "`PYA` is not in the scope", "`PAY`?",
           f"{LAST}    write_by: {{PAY: label}}\n"),
    Broken("write-by-value", S, LAST, f"{LAST}    write_by: {{PAY: {HERE}comment}}\n", "`comment` is not one of",
           "`label+comment`"),
    Broken("poll", S, LAST, f"{LAST}    poll_every: {HERE}60\n", "`60` is not a duration", ": 60s", f"{LAST}    poll_every: 60s\n"),
    Broken("poll-zero", S, LAST, f"{LAST}    poll_every: {HERE}0s\n", "too short", "1s or more"),
    Broken("http", S, "https://acme", f"{HERE}http://acme", "plain http://", "https://", "https://acme"),
    Broken("url-user", S, "https://acme", f"{HERE}https://a:hunter2@acme", "must not hold a user", "auth:", "https://acme"),
    Broken("url", S, "https://acme.atlassian.net", f"{HERE}acme.atlassian.net", "not the url of a site", "https://"),
    Broken("scope-empty", S, "[PAY, OPS]", f"{HERE}[]", "this is empty", "at least one"),
    Broken("scope-option", S, "OPS]", f"{HERE}ops]", "'ops' is not a project key", "OPS", "OPS]"),
    Broken("tracker-id", S, "acme-jira:", f"{HERE}Acme Jira:", "`Acme Jira` is not an id", "acme-jira", "acme-jira:"),
    Broken("store", S, "sqlite:///syncd.db", f"{HERE}mysql://x/y", "SQLite or PostgreSQL", "sqlite:///syncd.db",
           "sqlite:///syncd.db"),
    Broken("store-password", S, "sqlite:///syncd.db", f"{HERE}postgresql+psycopg://u:hunter2@h/d", "a secret must not stand",
           "password: {env:"),
    Broken("store-driver", S, "sqlite:///syncd.db", f"{HERE}postgresql://u@h/d", "which driver", "postgresql+psycopg://",
           "postgresql+psycopg://u@h/d"),
    Broken("limits", S, "store:", f"limits: {{share: {HERE}130%}}\nstore:", "`130%` is not a share", "0% to 100%"),
    Broken("limits-negative", S, "store:", f"limits: {{actions: {HERE}-1}}\nstore:", "`-1` cannot be used", "another"),
    Broken("quiet", S, "store:", f"comments: {{quiet_hours: {HERE}18-8}}\nstore:", "`18-8` does not say", "18:00-08:00"),
    Broken("zone", S, "store:", f'comments: {{quiet_hours: {HERE}"18:00-08:00 Europe/Berln"}}\nstore:', "no time zone", "Berlin"),
    Broken("allow", S, "store:", f"commands: {{allow: {HERE}member}}\nstore:", "`member` is nobody", "`members`?",
           "commands: {allow: members}\nstore:"),
    Broken("listen", S, "store:", f"http: {{listen: {HERE}localhost}}\nstore:", "`localhost` is not an address", "127.0.0.1:8080"),
    Broken("prefix", S, "store:", f'marks: {{outcome: {HERE}"out come/"}}\nstore:', "cannot begin a label", "without spaces"),
    Broken("prefixes", S, "store:", f'marks: {{alignment: {HERE}"outcome/a"}}\nstore:', "could not be told apart", "neither"),
]  # fmt: skip


def _problems(config: Path) -> list[Problem]:
    with pytest.raises(ConfigError) as refused:
        load(config)
    return list(refused.value.problems)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file}-{case.name}")
def test_a_mistake_is_told_where_it_stands_with_what_to_write(case: Broken, tmp_path: Path) -> None:
    before, old, after = SMALL[case.file].partition(case.old)
    assert old, "the case no longer fits the small config"
    marked = before + case.new + after
    problems = _problems(write_config(tmp_path, {case.file: marked.replace(HERE, "")}))
    assert [p.severity for p in problems] == ["error"], [problem_text(p) for p in problems]
    problem = problems[0]
    assert Path(problem.file).name == case.file
    assert case.says in problem.message
    assert case.hint in problem.hint
    if HERE in marked:
        upto = marked[: marked.index(HERE)]
        assert (problem.line, problem.column) == (upto.count("\n") + 1, len(upto) - upto.rfind("\n"))
    assert "hunter" not in problem_text(problem)
    if case.mended is not None:
        load(write_config(tmp_path, {case.file: before + case.mended + after}))


def test_all_problems_of_all_files_are_told_at_once_in_order(
    tmp_path: Path, golden: Callable[[str, str], None]
) -> None:
    files = {
        S: SMALL[S].replace("kind: jira-cloud", "kind: jira-clod").replace("projects:", "project:") + "limts: {share: 0.1}\n",
        T: SMALL[T].replace(OWNER, "    due: 2026-13-01\n    allocation: 30\n"),
        R: SMALL[R].replace("outcome:", "outcme:").replace(WHEN, "{lable: [sre, 3.2], title: 're:(a', epic: {teem: x}}")
        + "  - {id: by-label, exempt: why, overhead: chore, default: yes, when: {not: {}}}\n",
    }  # fmt: skip
    problems = _problems(write_config(tmp_path, files))
    places = [(Path(p.file).name, p.line, p.column) for p in problems]
    assert places == sorted(places)
    text = "\n".join(problem_text(p) for p in problems) + "\n"
    golden("config/many-problems.txt", text.replace(f"{tmp_path}/", ""))


def test_a_syntax_error_in_one_file_hides_no_problem_of_the_others(tmp_path: Path) -> None:
    files = {S: SMALL[S].replace("kind: jira-cloud", "kind: x"), T: "intent: [", R: SMALL[R].replace("label", "lable")}
    problems = _problems(write_config(tmp_path, files))
    assert [(Path(p.file).name, p.line) for p in problems] == [(R, 4), (T, 1), (S, 5)]


@pytest.mark.parametrize(
    ("content", "line", "column", "says"),
    [
        (b"", 1, 1, "the file is empty"),
        (b"# only a comment\n", 1, 1, "the file is empty"),
        (b"---\n...\n", 1, 1, "the file is empty"),
        (b"a: b\nc: d\xff\n", 2, 5, "byte 10 of the file (0xff, on line 2) is not UTF-8"),
        ("größe: 1\n".encode("latin-1"), 1, 3, "byte 3 of the file (0xf6, on line 1) is not UTF-8"),
        ("a: 1\n".encode("utf-16"), 1, 1, "byte 1 of the file (0xff, on line 1) is not UTF-8"),
        (b"#" * (2 * 1024 * 1024 + 1), 1, 1, "larger than 2 MiB"),
        (b"[" * 100_000, 1, 51, "nested deeper than 50 levels"),
        (b'a: "\\UFFFFFFFF"', 1, 1, "cannot be read as YAML"),
        (b"just a text", 1, 1, "must hold keys and values, not a text"),
    ],
)
def test_bytes_that_are_no_config_are_told_cleanly(
    tmp_path: Path, content: bytes, line: int, column: int, says: str
) -> None:
    for name in SMALL:
        problems = [p for p in _problems(write_config(tmp_path, {name: content})) if Path(p.file).name == name]
        assert [(p.line, p.column) for p in problems] == [(line, column)]
        assert says in problems[0].message


def test_a_file_that_is_not_there_is_told_under_the_name_the_user_gave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    problems = _problems(Path("nowhere"))
    assert [(p.file, p.message) for p in problems] == [
        (f"nowhere/{name}", "there is no such file") for name in sorted(SMALL)
    ]
    (write_config(tmp_path) / R).unlink()
    (tmp_path / "config" / R).mkdir()
    assert [p.message for p in _problems(Path("config"))] == ["this is not a file"]


@pytest.mark.parametrize(
    ("file", "right", "wrong", "line"), [(R, "outcome:", "outcme:", 3), (T, "title: Pay", "titel: Pay", 4)]
)
def test_a_misspelt_key_is_one_mistake_and_not_also_a_missing_one(
    tmp_path: Path, file: str, right: str, wrong: str, line: int
) -> None:
    problems = _problems(write_config(tmp_path, {file: SMALL[file].replace(right, wrong, 1)}))
    assert [(p.line, p.column, p.hint) for p in problems] == [(line, 5, f"did you mean `{right.partition(':')[0]}`?")]


def test_two_trackers_may_not_share_a_project_at_one_site(tmp_path: Path) -> None:
    second = """\
  other:
    kind: jira-cloud
    url: https://ACME.atlassian.net/
    auth: {email: b@acme.example, token: {env: OTHER}}
    scope: {projects: [RISK, PAY]}
"""
    problems = _problems(write_config(tmp_path, {S: SMALL[S] + second}))
    assert [(p.line, p.column) for p in problems] == [(13, 30)]
    assert "`PAY` is also in the scope of `acme-jira`" in problems[0].message
    load(write_config(tmp_path, {S: SMALL[S] + second.replace(", PAY", "")}))


def test_rules_are_not_blamed_for_a_strategy_that_cannot_be_read(tmp_path: Path) -> None:
    assert {Path(p.file).name for p in _problems(write_config(tmp_path, {T: "intent: [\n"}))} == {T}


@pytest.mark.parametrize(
    "planted",
    [
        "token: hunter2",
        'token: "hunter2"',
        "token: [hunter2]",
        "token: {hunter2: x}",
        "token: {env: hunter2-}",
        "token: {env: A, hunter2: b}",
        "token: {env: A}, tokn: hunter2",
        "token: {env: A}, email: [hunter2]",
        "token: !hunter2",
        "token: *hunter2",
        "token: &hunter2 x",
        "token: {env: A, env: hunter2}",
        "token: {env: A}, token: hunter2",
        "token: !hunter2!x y",
        'token: "\\hunter2"',
        "token: hunter2: x",
        "token: @hunter2",
        "token: >\n        hunter2\n        more: x",
        "token:\n        hunter2: x",
        "token:\n        hunter2:\n",
        "token: {env: A}, hunter2: b  # hunter2",
        "token: 'hunter2",
    ],
)
def test_a_secret_that_stands_in_the_file_is_refused_and_never_repeated(tmp_path: Path, planted: str) -> None:
    inline = SMALL[S].replace("{email: syncd@acme.example, token: {env: JIRA_TOKEN}}", f"{{email: a@b.c, {planted}}}")
    block = SMALL[S].replace(
        "{email: syncd@acme.example, token: {env: JIRA_TOKEN}}",
        f"\n      email: a@b.c\n      {planted.replace('}, ', '}' + chr(10) + '      ')}",
    )
    for text in (inline, block):
        problems = _problems(write_config(tmp_path, {S: text}))
        assert problems
        assert "hunter" not in "\n".join(problem_text(p) for p in problems) + repr(problems)


@pytest.mark.parametrize("key", ["tokn", "store_pasword", "apikey", "x"])
def test_the_value_of_an_unknown_key_beside_secrets_is_not_shown(tmp_path: Path, key: str) -> None:
    problems = _problems(write_config(tmp_path, {S: f"{SMALL[S]}{key}: hunter2\n"}))
    assert [p.line for p in problems] == [9]
    assert "hunter" not in problem_text(problems[0])


def test_a_reference_to_a_secret_is_shown_as_it_stands(tmp_path: Path) -> None:
    problem = missing_secrets(load(write_config(tmp_path)).settings, {})[0]
    assert problem.text == SMALL[S].splitlines()[6]
    assert problem_text(problem).splitlines()[2] == "    " + " " * (problem.column - 1) + "^"


def test_a_problem_is_shown_without_characters_that_steer_a_terminal(tmp_path: Path) -> None:
    problems = _problems(write_config(tmp_path, {T: SMALL[T].replace("Payments", "\x1b[2J\u202ePay")}))
    assert not set("\x1b\u202e") & set("".join(problem_text(p) for p in problems))


def test_of_a_long_line_the_part_around_the_caret_is_shown(tmp_path: Path) -> None:
    labels = ", ".join(f"label{n}" for n in range(500))
    shown = problem_text(_problems(write_config(tmp_path, {R: SMALL[R].replace("sre", f"{labels}, 3.2, {labels}")}))[0])
    _, line, caret, _ = shown.splitlines()
    assert len(line) < 150
    assert line[caret.index("^") :].startswith("3.2")


def test_a_tab_in_a_line_keeps_the_caret_under_its_place(tmp_path: Path) -> None:
    text = SMALL[R].replace("{label: [sre, oncall]}", "{label: [\tsre,\t3.2]}")
    _, line, caret, _ = problem_text(_problems(write_config(tmp_path, {R: text}))[0]).splitlines()
    assert line.expandtabs()[len(caret.expandtabs()) - 1 :].startswith("3.2")


def test_lines_are_counted_alike_whatever_ends_them(tmp_path: Path) -> None:
    for end in ("\n", "\r\n", "\r"):
        text = SMALL[R].replace("sre", "3.2").replace("\n", end)
        assert [(p.line, p.column) for p in _problems(write_config(tmp_path, {R: text}))] == [(4, 20)]
    with_mark = "\ufeff" + SMALL[R].replace("rules:", "rulez:")
    assert [(p.line, p.column) for p in _problems(write_config(tmp_path, {R: with_mark}))] == [(1, 1)]
