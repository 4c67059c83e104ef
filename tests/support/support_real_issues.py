"""A second reading of tests/e2e/tidev/rules.yaml: the verdict of each real issue in plain Python over the raw file.

Nothing in here knows of syncd: not its folding, nor its matcher, nor its ladder of levels.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

# --- the file, read without syncd -------------------------------------------------------------------------


def low(text: str) -> str:
    """As texts are compared: neither case, nor width, nor edges count."""
    return unicodedata.normalize("NFKC", text).casefold().strip()


def any_is(values: Sequence[str], *patterns: str) -> bool:
    """Whether a value is one of the patterns; these are written small, `*` is anything."""
    return any(fnmatchcase(low(value), pattern) for value in values for pattern in patterns)


@dataclass
class Real:
    """One line of the file, and the line above it."""

    raw: dict[str, Any]
    above: "Real | None" = None
    lost: bool = False
    """It names an issue above it which the file does not hold."""

    @property
    def fields(self) -> dict[str, Any]:
        found: dict[str, Any] = self.raw["fields"]
        return found

    @property
    def key(self) -> str:
        return str(self.raw["key"])

    @property
    def title(self) -> str:
        return str(self.fields["summary"])

    @property
    def type(self) -> str:
        return str(self.fields["issuetype"]["name"])

    @property
    def priority(self) -> str:
        return str((self.fields["priority"] or {}).get("name"))

    @property
    def done(self) -> bool:
        return bool(self.fields["status"]["statusCategory"]["key"] == "done")

    @cached_property
    def components(self) -> list[str]:
        return [c["name"] for c in self.fields["components"]]

    @cached_property
    def versions(self) -> list[str]:
        return [v["name"] for v in self.fields["fixVersions"]]

    def labelled(self, *patterns: str) -> bool:
        return any_is([label.strip().rstrip(",.;") for label in self.fields["labels"]], *patterns)

    def of(self, *components: str) -> bool:
        return any_is(self.components, *components)

    def says(self, expression: str) -> bool:
        return re.search(expression, self.title) is not None

    @property
    def ancestors(self) -> "list[Real]":
        return [self.above, *self.above.ancestors] if self.above else []

    @property
    def unsure(self) -> bool:
        """Somewhere above it is an issue that nobody can read."""
        return (self.ancestors or [self])[-1].lost

    @property
    def epic(self) -> "Real | None":
        return next((a for a in self.ancestors if a.type == "Epic"), None)


def link_of(raw: dict[str, Any]) -> dict[str, Any] | None:
    """What the line names above it: a sub-task its parent, any other its epic."""
    link: dict[str, Any] | None = raw["fields"].get("parent") or raw["fields"].get("epic")
    return link


def read_file(path: Path) -> dict[str, Real]:
    with path.open(encoding="utf-8") as lines:
        found = {real.key: real for real in map(Real, map(json.loads, lines))}
    for real in found.values():
        link = link_of(real.raw)
        real.above = found.get(link["key"]) if link else None
        real.lost = link is not None and real.above is None
    return found


# --- tests/e2e/tidev/rules.yaml, said again ---------------------------------------------------------------

IOS_OR_ANDROID = r"(iOS|Xcode) ?[0-9]+|Android [A-Z]\b"
CRASHES = r"(?i)\b(crash(es|ed|ing)?|memory leaks?|ANR|freez(es|ing)|segfault)\b"
WRITING = r"(?i)\b(docs?|documentation|api reference)\b"
NODE = "TIMOB-26570"


def withdrawn(i: Real) -> bool:
    gone = i.of("windows", "windows *", "blackberry", "mobileweb", "tizen")
    gone = gone or i.labelled("mobileweb", "blackberry", "tizen", "lumia", "sdk-bb")
    gone = gone or any_is(i.versions, "bb preview *", "* bb", "* win8")
    return gone and not i.of("ios", "ipad", "android")


def about_an_os(i: Real) -> bool:
    numbered = any(re.search(r"(?i)^ios ?[0-9]+,?$", label) for label in i.fields["labels"])
    return numbered or i.labelled("android-*", "androidn", "androido", "appthinning", "64bit")


def widget(i: Real) -> bool:
    named = i.labelled("tabgroup", "tableview", "listview", "scrollableview", "textfield", "textarea", "searchbar")
    named = named or i.labelled("optiondialog", "webview")
    return named and i.type in ("New Feature", "Improvement", "Story")


def one_api(i: Real) -> bool:
    if not i.of("tiapi") or i.type == "Bug" or (i.unsure and i.epic is None):
        return False
    return i.epic is None or not any_is([i.epic.title], "*test*")


def tool(i: Real) -> bool:
    tools = ("cli", "cb-tooling", "gradle", "build", "debugger", "liveview", "hyperloop", "tooling", "simulator")
    return i.labelled(*tools, "documentation", "apidoc")


def crash(i: Real) -> bool:
    return i.type == "Bug" and (i.labelled("crash", "leak", "memory", "nullpointerexception") or i.says(CRASHES))


def fast(i: Real) -> bool:
    named = any_is([i.title], "*performance*") and i.type in ("Epic", "Story", "Improvement")
    return i.labelled("performance") or named


def suite(i: Real) -> bool:
    below = i.epic is not None and any_is([i.epic.title], "*test failures*", "*code coverage*", "*mocha*")
    return i.labelled("drillbit", "unit-test", "coverage", "anvil") or i.of("drillbit", "anvil") or below


class Said(NamedTuple):
    """One rule: its id, what it says, how strongly, and when. `strength` None: a default."""

    id: str
    target: str
    strength: int | None
    holds: Callable[[Real], bool]


PARITY, DAY_ONE, TOOLS, QUALITY = "platform-parity", "day-one-os", "developer-experience", "runtime-quality"
WITHDRAWN, RELEASE = "exempt", "overhead: release-work"
BIG = ("New Feature", "Improvement", "Epic")
DX = ("cli", "tooling", "liveview", "hyperloop", "code processor", "appcd*", "appcelerator studio", "node-*")
PEOPLE = ("supportteam", "escalation", "community", "tcsupport", "hudder", "exalture")

RULES = (
    Said("withdrawn-platforms", WITHDRAWN, 20, withdrawn),
    Said("os-by-label", DAY_ONE, 0, about_an_os),
    Said("os-by-epic", DAY_ONE, 0, lambda i: i.epic is not None and i.epic.says(IOS_OR_ANDROID)),
    Said("os-epics", DAY_ONE, 0, lambda i: i.type == "Epic" and (i.says(IOS_OR_ANDROID) or "tvos" in low(i.title))),
    Said("parity-by-label", PARITY, 0, lambda i: i.labelled("parity")),
    Said("location", PARITY, 0, lambda i: i.labelled("geolocation", "location", "gps", "permission")),
    Said("parity-by-epic", PARITY, 0, lambda i: i.epic is not None and i.epic.labelled("parity")),
    Said("user-interface", PARITY, 0, widget),
    Said("material-design", PARITY, 0, lambda i: i.labelled("material-*", "theme")),
    Said("one-api", PARITY, -10, one_api),
    Said("both-platforms", PARITY, -10, lambda i: i.of("ios") and i.of("android") and i.type in BIG),
    Said("tools-by-label", TOOLS, 0, tool),
    Said("tools-by-component", TOOLS, -10, lambda i: i.of(*DX)),
    Said("node-compatibility", TOOLS, 0, lambda i: any(a.key == NODE for a in i.ancestors)),
    Said(
        "modern-javascript", TOOLS, 0,
        lambda i: i.labelled("es6", "babel", "ast_transformation")
        or (i.epic is not None and any_is([i.epic.title], "*webpack*", "*es6*")),
    ),
    Said(
        "documentation", TOOLS, 0,
        lambda i: i.says(WRITING) and i.type in ("Improvement", "Story", "Sub-task", "Technical task"),
    ),
    Said("misspelt-plugin", TOOLS, 0, lambda i: "TItaniumAppcdplugin" in i.fields["labels"]),
    Said("alloy-and-daemon", TOOLS, None, lambda i: i.fields["project"]["key"] in ("ALOY", "DAEMON")),
    Said("crashes", QUALITY, 0, crash),
    Said("regressions", QUALITY, 0, lambda i: i.labelled("regression") and i.priority in ("High", "Critical")),
    Said(
        "rock-solid", QUALITY, 0,
        lambda i: i.labelled("rock_solid") or (i.above is not None and i.above.labelled("rock_solid")),
    ),
    Said("speed", QUALITY, 0, fast),
    Said("engines", QUALITY, 0, lambda i: i.epic is not None and i.epic.key in ("TIMOB-19790", "TIMOB-19794")),
    Said(
        "critical-bugs", QUALITY, -10,
        lambda i: i.type == "Bug" and i.priority == "Critical" and i.of("android", "ios", "core"),
    ),
    Said("asked-by-people", "community", 0, lambda i: i.labelled(*PEOPLE)),
    Said("shipping", RELEASE, 0, lambda i: i.of("release") and not i.labelled("regression")),
    Said("test-suites", RELEASE, 0, suite),
    Said("merges", RELEASE, 0, lambda i: i.done and i.labelled("merge-*", "branch-*", "tbs-*")),
)  # fmt: skip


class Expected(NamedTuple):
    """A verdict, the level that spoke, and the rules that spoke on it."""

    verdict: str
    via: str | None
    rules: frozenset[str]


def voice(i: Real, via: str, rules: Sequence[Said]) -> Expected | None:
    """What rules say on the issue itself: the strongest together."""
    spoken = [rule for rule in rules if rule.holds(i)]
    strongest = [r for r in spoken if r.strength == max(s.strength or 0 for s in spoken) or r.strength is None]
    if not strongest:
        return None
    targets = {rule.target for rule in strongest}
    verdict = targets.pop() if len(targets) == 1 else "conflict"
    return Expected(verdict, via, frozenset(rule.id for rule in strongest))


def expected(i: Real) -> Expected:
    """The ladder of DESIGN §4, said again: own rules, the nearest ancestor that speaks, defaults."""
    spoken = [rule for rule in RULES if rule.strength is not None]
    for step, one in enumerate([i, *i.ancestors]):
        found = voice(one, "inherited" if step else "rule", spoken)
        if found is not None:
            return found
    if i.unsure:
        return Expected("incomplete", None, frozenset())
    fallback = voice(i, "default", [rule for rule in RULES if rule.strength is None])
    return fallback or Expected("unmapped", None, frozenset())
