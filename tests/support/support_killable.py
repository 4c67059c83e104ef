"""The two served trackers as a rig sees them: how one is started, set up in syncd.yaml, broken, and looked at."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from support_stage import PREFIXES, TRACKER, tracker_settings

LINEAR: Final = "acme-linear"
GROUPS: Final = ("Outcome", "Alignment")
_JIRA_WRITES: Final = ("/comment", "/bulk/issues/fields", "/issue/properties")
_LINEAR_WRITES: Final = ("CommentCreate", "CommentUpdate", "CommentDelete")


@dataclass(frozen=True, slots=True)
class Killable:
    """One kind of served tracker."""

    module: str
    """What `python -m` starts."""
    tracker: str
    prefixes: tuple[str, ...]
    """How the names of our marks begin."""
    environ: Mapping[str, str]
    settings: Callable[[str], Mapping[str, Any]]
    """The tracker's mapping in syncd.yaml, by the address that the served one printed."""
    writes: Callable[[str], bool]
    """Whether a counted exchange of that name wrote."""
    commenting: str
    """What a request that makes a comment is counted as, and matched by faults; a glob."""
    losing: Sequence[Mapping[str, Any]]
    """Answers that get lost, all the while."""
    lagging: Mapping[str, Any] | None
    """What makes the search lag behind; None: nothing does, there is no index between a write and a read."""

    def marks(self, state: Mapping[str, Any]) -> list[str]:
        """Our marks among an issue's labels, by their own names."""
        return [self.mark(label) for label in state["labels"] if label.startswith(self.prefixes)]

    def mark(self, label: str) -> str:
        """The mark that a label is. In Linear `cost (outcome)` stands for `cost` where people have a label `cost`."""
        return label.removesuffix(f" ({label.partition('/')[0].casefold()})")

    def people(self, state: Mapping[str, Any]) -> list[str]:
        """People's labels on an issue."""
        return [label for label in state["labels"] if not label.startswith(self.prefixes)]


def _jira_writes(name: str) -> bool:
    return name.startswith(("PUT", "DELETE")) or name.endswith(_JIRA_WRITES)


def _linear_writes(name: str) -> bool:
    """A marking is `Mark50With50And0`; `Marked` and `Commented` only look."""
    return (name.startswith("Mark") and name[4:5].isdigit()) or name in _LINEAR_WRITES


def _linear_settings(url: str) -> Mapping[str, Any]:
    return {
        "kind": "linear",
        "url": url,
        "auth": {"token": {"env": "LINEAR_TOKEN"}},
        "scope": {"teams": ["CORE", "APP", "DATA"]},
        "write": "label+comment",
    }


JIRA_SITE: Final = Killable(
    module="connectors.sandbox",
    tracker=TRACKER,
    prefixes=PREFIXES,
    environ={"JIRA_TOKEN": "sandbox-token"},
    settings=lambda url: tracker_settings(url, ("PAY", "OPS"), write="label+comment"),
    writes=_jira_writes,
    commenting="POST /rest/api/3/issue/*/comment",
    losing=(
        {"kind": "lose_answer", "match": "POST /rest/api/3/issue/*/comment", "every": 5, "times": None},
        {"kind": "lose_answer", "match": "PUT /rest/api/3/issue/*", "every": 5, "times": None},
        {"kind": "lose_answer", "match": "POST /rest/api/3/bulk/issues/fields", "every": 3, "times": None},
        {"kind": "reset", "match": "POST /rest/api/3/issue/*/comment", "every": 11, "times": None},
        {"kind": "lose_answer", "match": "DELETE /rest/api/3/issue/*", "every": 5, "times": None},
    ),
    lagging={"index_lag_s": 1.5},
)
LINEAR_WORKSPACE: Final = Killable(
    module="connectors.sandbox.linear",
    tracker=LINEAR,
    prefixes=tuple(f"{group}/" for group in GROUPS),
    environ={"LINEAR_TOKEN": "lin_api_sandbox"},
    settings=_linear_settings,
    writes=_linear_writes,
    commenting="CommentCreate",
    losing=(
        {"kind": "lose_answer", "match": "CommentCreate", "every": 5, "times": None},
        {"kind": "lose_answer", "match": "Mark[0-9]*", "every": 2, "times": None},
        {"kind": "reset", "match": "CommentCreate", "every": 11, "times": None},
        {"kind": "lose_answer", "match": "CommentDelete", "every": 5, "times": None},
    ),
    lagging=None,
)
