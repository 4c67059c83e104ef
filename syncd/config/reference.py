"""docs/reference-rules.md, made of the code that it describes: what conditions see, and how they compare.

A test holds the page to this, and loads and runs every rule that stands in it.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from syncd.config.schema_words import WORDS
from syncd.core.atoms import Atom, FieldIndex
from syncd.core.cel_words import (
    FUNCTIONS,
    LIST_CUT,
    LISTS,
    MACROS,
    MAX_LENGTH,
    METHODS,
    TEXT_CUT,
    TEXTS,
)
from syncd.core.model import Form, Pattern
from syncd.core.patterns import LONG_TEXT, MOST_MS, CostlyPatternError, checked_rate
from syncd.rulebook.conditions import FIELDS, JOINS, MAX_PATTERN, RELATIONS

SEES: Final = {
    "label": ("people's labels", "labels, as `Name` and as `Group/Name`"),
    "title": ("the summary", "the title"),
    "type": ("the issue type's name", "`issue` or `sub-issue`"),
    "status": ("the status's name", "the state's name"),
    "status_category": ("its category (`undefined` is `todo`)", "its type (canceled and duplicate are `done`)"),
    "priority": ("the priority's name", "the priority's name"),
    "project": ("the project's key and name", "the project's name"),
    "team": ("nothing: there are no teams", "the team's key and name"),
    "component": ("the components' names", "nothing: there are no components"),
    "fix_version": ("the fix versions' names", "nothing: there are no versions"),
    "sprint": ("the names of all sprints it is or was in", "the cycle's name"),
    "tracker": ("the tracker's id in syncd.yaml", "the tracker's id in syncd.yaml"),
    "key": ("the key, the present one", "the identifier"),
    "field.<name>": ("the values of all custom fields of that display name", "nothing: there are no custom fields"),
    "parent": ("the parent; where there is none, the epic of the Epic Link", "the parent issue"),
    "epic": ("the nearest ancestor at hierarchy level 1", "the project"),
    "initiative": ("any ancestor at hierarchy level 2 or above", "any initiative"),
    "ancestor": ("anything above", "anything above"),
}
"""Key → what it sees in Jira, and in Linear."""

FOLDED: Final = (
    ("label", "sre", "SRE"),
    ("label", "sre", " sre,"),
    ("label", "sre", "sre;."),
    ("label", "sre", "sre-team"),
    ("component", "api", "api,"),
    ("component", "Straße", "STRASSE"),
    ("title", "ﬁx", "fix"),
    ("status", "In Review", "in review"),
    ("label", "incident-*", "Incident-42"),
    ("label", "incident-*", "my-incident-42"),
    ("label", "*incident*", "my-incident-42"),
    ("label", "pay-?", "pay-1"),
    ("title", r"re:(?i)\bfail", "Failover is broken"),
    ("title", r"re:\bfail", "Failover is broken"),
    ("title", "re:^Fix", "[PAY] Fix it"),
)
"""(key, the text in the rule, the value in the tracker)."""

FORMS: Final = (
    (r"re:(?i)\b(outage|incident)s?\b", "any of several words, in any case"),
    (r"re:^\[PAY\]", "at the beginning"),
    (r"re:[A-Z]{2,10}-\d{1,6}", "counted repetitions of what cannot begin within itself"),
    ("re:pay.*fail", "one after the other"),
    ("re:pay.{0,100}fail", "a counted gap: nearly every letter of some texts would need a state of its own"),
    ("re:(.{0,30}x){30}", "counted repetitions within each other"),
)

INTRO: Final = """\
# Reference: conditions of rules

*This page is made from the code: `syncd/config/reference.py`, and its test with `--bless`.*

A condition is a mapping under `when:`. Its keys are AND, the values of a list are OR; a field with several values fits
if any of them does. `any:` and `all:` take lists of conditions, `not:` a condition or a list of which none may hold;
they nest. `when: {}` is an error.

```yaml
rules:
  - id: by-label-or-epic
    outcome: reliability
    when:
      any: [{label: [sre, "incident-*"]}, {epic: {label: platform}}]
      not: {component: docs}
    examples:
      - {label: SRE, expect: match}
      - {epic: {label: platform}, component: docs, expect: no match}
```

A condition is true, false, or unknown. It is unknown where an ancestor that might decide it cannot be read, where a
custom field or sprint was not asked for yet, and where CEL fails. What is unknown does not match, and neither does
its negation.
"""

TEXTS_WORDS: Final = """\
## How texts are compared

Both sides are folded: NFKC, case, and spaces at both ends do not count; of labels, `,.;` at the end do not either.
`match: exact` beside `when` switches all folding off. `*` stands for any run of characters, and is the only wildcard;
it covers the whole value. `re:` begins an expression of [RE2](https://github.com/google/re2/wiki/Syntax) that is
*searched* in the value as it is, without folding; `(?i)` ignores case. Write it in 'single quotes', where a `\\` is
just a `\\`.
"""

FIELDS_WORDS: Final = """\
## Custom fields and sprints

`field.<name>` names a custom field as people see it (spaces and case do not count). Where several fields have that
name, the values of all of them count. Fields built into a tracker have conditions of their own. A field may also be
named by its id, `field.customfield_10042`, which no translation and no renaming changes.

| value in Jira | texts |
|---|---|
| option, version, component, group, sprint, project | its name |
| cascading option | `Europe`, `Europe/Berlin` and `Berlin` |
| person | the name that Jira shows |
| several of them | one text for each |
| number | `8`, `2.5`: without a needless `.0` |
| day, instant | as Jira writes it: `2026-12-31` |
| text | the whole text, without its form |

What rules name is asked of the tracker, and nothing else is. When an edit names a field for the first time, the next
cycle reads the tracker once more from the beginning (`once --json` counts it under `observed` and `requests`) and
writes only the decisions that change. Until an issue was read again, conditions on the field are unknown on it. When
rules stop naming a field, nothing is read again. A name that the tracker does not know is a [finding](findings.md) that
says which one may be meant.

```yaml
rules:
  - id: squad-core
    outcome: reliability
    when: {field.Squad: [Core, "Edge *"], not: {sprint: "Hackathon*"}}
    examples:
      - {field.Squad: Core, expect: match}
      - {field.squad: edge berlin, sprint: [Payments 7, Hackathon 2], expect: no match}
```
"""

CEL_RULES: Final = """\
```yaml
rules:
  - id: cel-many-labels
    outcome: reliability
    when: {cel: "size(issue.label) > 3 && issue.type == 'Bug'"}
    examples:
      - {label: [a, b, c, d], type: Bug, expect: match}
      - {label: [a, b, c, d], type: bug, expect: no match}
  - id: cel-points
    outcome: reliability
    when: {cel: "issue.field['Story Points'].exists(p, double(p) >= 8)"}
    examples:
      - {field.Story Points: "13", expect: match}
      - {field.Story Points: "5", expect: no match}
      - {expect: no match, title: no points at all}
  - id: cel-label-names-component
    outcome: reliability
    when: {cel: "issue.label.exists(l, issue.component.exists(c, c == l))"}
    examples:
      - {label: [sre, gateway], component: [docs, gateway], expect: match}
      - {label: [sre, gateway], component: docs, expect: no match}
  - id: cel-ancestor
    outcome: reliability
    when: {epic: {cel: "re(issue.title, r'(?i)^q[1-4] failover')"}}
    examples:
      - {epic: {title: Q3 Failover to Dublin}, expect: match}
      - {title: Q3 Failover to Dublin, expect: no match}
```
"""

EXAMPLES_WORDS: Final = """\
## Examples

`examples:` under a rule are its tests. Each is an issue in the keys of this page, ancestors included, and says whether
the rule is to match: `expect: match` or `expect: no match`. What it does not name is empty; `status_category` is then
`todo`. Dates, priorities and other rules do not count. `syncd check` runs them, without a network; one that comes out
otherwise is an error at its place that says which condition held or did not.

```yaml
rules:
  - id: exact-labels
    outcome: reliability
    match: exact
    when: {label: SRE, parent: {type: Story}}
    examples:
      - {label: SRE, parent: {type: Story}, expect: match}
      - {label: sre, parent: {type: Story}, expect: no match}
      - {label: SRE, parent: {type: Task, epic: {type: Story}}, expect: no match}
```
"""


def page() -> str:
    """The whole of docs/reference-rules.md."""
    words = {**WORDS["Condition"], "field.<name>": "The values of a custom field, by its display name."}
    several = {*LISTS, "field.<name>", "project"}
    fields = [
        (f"`{key}`", "several" if key in several else "one", words[key], *SEES[key])
        for key in (*FIELDS, "field.<name>")
    ]
    above = [(f"`{key}`", words[key], *SEES[key]) for key in RELATIONS]
    return "\n".join(
        [
            INTRO,
            "## What each key sees\n",
            _table(("key", "values", "meaning", "in Jira", "in Linear"), fields),
            "\nThese hold conditions about ancestors. Without such an ancestor they are false.\n",
            _table(("key", "meaning", "in Jira", "in Linear"), above),
            "\nThese join conditions.\n",
            _table(("key", "meaning"), [(f"`{key}`", words[key]) for key in (*JOINS, "cel")]),
            "",
            TEXTS_WORDS,
            _table(("in the rule", "in the tracker", "fits", "with `match: exact`"), _compared()),
            "",
            _bounds(),
            _table(("pattern", "", "loads"), [(f"`{_cell(p)}`", what, _loads(p)) for p, what in FORMS]),
            "",
            FIELDS_WORDS,
            _cel(),
            CEL_RULES,
            EXAMPLES_WORDS.rstrip(),
            "",
        ]
    )


def _bounds() -> str:
    return f"""\
A pattern has at most {MAX_PATTERN:,} characters. One that could take more than {MOST_MS:g} ms on some text of
{LONG_TEXT:,} characters is refused when rules load: RE2 is never exponential, but a counted repetition that may begin
again within itself needs very many states. That is worked out from the pattern alone, so every machine answers alike.
"""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" if line[0] != "---" else f"|{'|'.join(line)}|" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _compared() -> Iterable[tuple[str, ...]]:
    for key, text, value in FOLDED:
        fits = ["yes" if _fits(key, text, value, exact=exact) else "no" for exact in (False, True)]
        yield f"`{key}: {_cell(text)}`", f"`{_cell(value)}`", *fits


def _fits(key: str, text: str, value: str, *, exact: bool) -> bool:
    form = Form.REGEX if text.startswith("re:") else Form.GLOB if "*" in text else Form.TEXT
    index = FieldIndex(key)
    index.add(0, Atom(key, Pattern(form, text.removeprefix("re:")), exact))
    index.seal()
    return bool(index[value])


def _loads(pattern: str) -> str:
    try:
        checked_rate(pattern.removeprefix("re:"))
    except CostlyPatternError:
        return "no"
    return "yes"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _cel() -> str:
    return f"""\
## CEL

`cel:` takes one expression of [CEL](https://cel.dev) over `issue`, for what the other conditions cannot say: counting,
comparing numbers, one field with another. It sees values as they are, unfolded.

- Texts: {_listed(f"issue.{name}" for name in TEXTS)}. Empty where there is none; `issue.project` is the key.
- Lists of texts: {_listed(f"issue.{name}" for name in LISTS)}, `issue.field['Story Points']`.
- On a text: {_listed(f".{name}()" for name in METHODS)}.
- On a list: {_listed(f".{name}(v, …)" for name in MACROS)}, `.size()`, `'x' in list`.
- Functions: {_listed(f"{name}()" for name in FUNCTIONS)}. `re(text, r'pattern')` searches with RE2, `fold(text)` folds
  as conditions do, `double(text)` makes a number of a text. `matches()` is not there.
- `&& || ! == != < <= > >= in + - * / ? :`, texts in quotes, `r'raw ones'`, numbers, `true`, `false`, and lists of
  texts: `['a', 'b']`.

Every part has a type, so that a wrong name or a text compared with a list is told when rules load. Where it fails on an
issue all the same (`double('n/a')`), it is unknown there, and a finding says so.

It cannot stall anything: at most {MAX_LENGTH:,} characters, one macro within another, {LIST_CUT} values of a list,
{TEXT_CUT:,} characters of a text or of all texts of a list together (the rest is not seen); and an expression of which
the worst issue could take more than some hundredths of a second is refused when rules load.
"""
