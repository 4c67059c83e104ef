"""Other stores of this installation: taken over by a store that is empty or told to, and kept apart from otherwise.

Two stores of one installation that write to one tracker would undo each other's work for ever. So a store with history
that meets a copy signed by another one writes nothing to that tracker, says which, and waits for `syncd adopt`.
"""

from dataclasses import dataclass, field, replace
from typing import Final

from syncd.core.model import Action, Finding, Issue, IssueRef, Skipped
from syncd.core.ports import Signature
from syncd.core.witness import Reading
from syncd.engine.work import Work

KIND: Final = "second-store"


def strangers_seen(work: Work) -> set[str]:
    """Ids of issues that another store's copy was seen on: looked at in every cycle, until that has been settled."""
    return {f.issue for f in work.store.findings_of(KIND, work.tracker) if f.issue is not None}


@dataclass
class Kinship:
    """Whose copies are met in one pass."""

    work: Work
    empty: bool
    """Nothing was ever decided with this store on this tracker: it is new, or it was lost."""
    signature: Signature = field(init=False)
    adopted: int = 0
    """Marks that this store did not know of."""
    _strangers: dict[str, Issue] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)
    _recalled: set[IssueRef] = field(default_factory=set)
    seen_before: frozenset[str] = field(init=False)
    """Ids of issues that another store's copy was seen on before this pass: they are looked at in it."""
    _before: bool = field(init=False)

    def __post_init__(self) -> None:
        self.signature = self.work.signature
        self.seen_before = frozenset(strangers_seen(self.work))
        self._before = bool(self.seen_before)

    def takes_over(self, reading: Reading) -> bool:
        """Whether another store's copy is ours from now on: read it again."""
        if reading.stranger is None or not (self.empty or self.work.adopting):
            return False
        if reading.stranger not in self.signature.adopted:
            self.work.store.adopt(reading.stranger, self.work.clock.now())
            self.signature = replace(self.signature, adopted=self.signature.adopted | {reading.stranger})
            self._taken.add(reading.stranger)
        return True

    def meet(self, issue: Issue, reading: Reading) -> None:
        """Count what was taken over, and keep what belongs to a stranger."""
        if reading.stranger is not None:
            self._strangers.setdefault(reading.stranger, issue)
        if reading.adopted and issue.ref not in self._recalled:
            self._recalled.add(issue.ref)
            self.adopted += 1

    def settled(self) -> bool:
        """Whether another store's copies seem to be gone, which only a look at every issue can tell. Asked once."""
        gone = self._before and not self._strangers
        self._before = False
        return gone

    @property
    def blocked(self) -> bool:
        """Whether nothing may be written to this tracker."""
        return bool(self._strangers)

    def held(self, action: Action) -> Skipped:
        """Why an action is not done."""
        return Skipped(action.ref, action.key, self._why())

    def _why(self) -> str:
        names = ", ".join(sorted(self._strangers))
        return f"another store of this installation writes to this tracker ({names}): run `syncd adopt` to take over"

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know."""
        said = []
        if self._taken:
            said.append(f"{self.work.tracker}: took over what another store wrote ({', '.join(sorted(self._taken))})")
        if self.adopted:
            said.append(f"{self.work.tracker}: {self.adopted} marks were taken over as the tracker holds them")
        if self._strangers:
            said.append(f"{self.work.tracker}: nothing is written: {self._why()}")
        return tuple(said)

    def findings(self) -> list[Finding]:
        """One for each other store."""
        return [
            Finding(
                tracker=self.work.tracker,
                kind=KIND,
                cause=instance,
                text=f"{issue.key} was marked by another store of this installation ({instance}), so nothing is written"
                f" to {self.work.tracker}. If this store is to go on: stop the other syncd and run `syncd adopt`. If"
                " not: stop this one",
                key=issue.key,
                issue=issue.ref.id,
            )
            for instance, issue in sorted(self._strangers.items())
        ]
