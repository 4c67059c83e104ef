"""The store, as far as deciding goes: rules in use, verdicts, words of people, findings, what comments say."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from syncd.core.acting import Turn
from syncd.core.commands import Said, Vote
from syncd.core.model import Decision, Finding, IssueRef, Override, Standing
from syncd.core.noise import Notice
from syncd.core.ports.kept import Hold, Listening, RulesVersion
from syncd.core.tradeoffs import Tradeoff


class Decisions(Protocol):
    """Rules in use, verdicts, people's words, findings."""

    def keep_rulebook(self, version: RulesVersion, sources: Mapping[str, str]) -> None:
        """It is in use from now on. A version is kept once with its files' texts; its use is logged each time."""
        ...

    def rulebook_version(self) -> str | None:
        """The version that is in use."""
        ...

    def rulebook_texts(self, version: str | None = None) -> Mapping[str, str] | None:
        """The files' texts of a version, by name (None: of the one in use); None where it is not kept."""
        ...

    def rulebook_log(self) -> Sequence[RulesVersion]:
        """Every version that came into use, newest first; one that came back stands there again."""
        ...

    def save_standings(self, standings: Sequence[Standing], now: datetime | None = None) -> None:
        """Keep decisions; a row of history for each whose (kind, outcome) pair is new.

        `now`: of the pass. A verdict that began in it, and is now decided by more than was known then, is told so.
        """
        ...

    def history(self, ref: IssueRef) -> Sequence[tuple[datetime, Decision]]:
        """When the pair changed, and to what, oldest first."""
        ...

    def overrides(self, refs: Sequence[IssueRef]) -> Mapping[IssueRef, Sequence[Override]]:
        """Overrides that have not been ended, expired ones included."""
        ...

    def overridden(self, tracker: str) -> Sequence[IssueRef]:
        """Issues on which an override has not been ended, expired ones included."""
        ...

    def save_overrides(self, started: Sequence[Override], ended: Sequence[Override], now: datetime) -> None:
        """Begin some, end others; history is kept."""
        ...

    def speak(self, started: Sequence[Override], ended: Sequence[Override], now: datetime) -> None:
        """Begin and end words that no pass has heard: those of commands, and those that have run out."""
        ...

    def lapse(self, tracker: str, now: datetime) -> int:
        """End the words that have run out; how many."""
        ...

    def unheard(self, tracker: str) -> Mapping[int, IssueRef]:
        """Words that were begun or ended and that no pass has decided with, by a number of the store's."""
        ...

    def heard(self, numbers: Sequence[int]) -> None:
        """A pass has decided with those."""
        ...

    def words(self, *, ended: bool = False) -> Sequence[tuple[Override, datetime | None]]:
        """Every word that stands, or was ever said, with when it ended, in the order they began."""
        ...

    def holds(self, tracker: str | None = None) -> Sequence[Hold]:
        """Places where everything was taken off, and nothing is put on before an `apply --plan`."""
        ...

    def hold(self, hold: Hold) -> None:
        """Put a place on hold; one that is on hold stays so since when it was."""
        ...

    def release_hold(self, hold: Hold) -> None:
        """That place is no longer on hold."""
        ...

    def marked(self, tracker: str) -> Sequence[IssueRef]:
        """Every issue that this store ever wrote on or took a mark of over, in or out of scope, by id."""
        ...

    def tradeoffs(self, *, ended: bool = False) -> Sequence[Tradeoff]:
        """Trade-offs that nobody took back, expired ones included, in the order they were recorded; or all."""
        ...

    def save_tradeoff(self, tradeoff: Tradeoff, now: datetime) -> None:
        """Record one, in the place of an earlier one on that cause in that tracker."""
        ...

    def end_tradeoff(self, cause: str, tracker: str | None, now: datetime) -> Tradeoff | None:
        """Take one back; None: there is none."""
        ...

    def save_findings(self, tracker: str, kind: str, findings: Sequence[Finding], now: datetime) -> None:
        """The whole present set of that kind: new ones open, absent ones close, the rest keep their clock."""
        ...

    def settle_findings(self, tracker: str, found: Mapping[str, Sequence[Finding]], now: datetime) -> None:
        """As `save_findings`, for several kinds at once: kind → the whole present set of it."""
        ...

    def save_findings_on(
        self, tracker: str, ids: Sequence[str], kinds: Sequence[str], findings: Sequence[Finding], now: datetime
    ) -> None:
        """The whole present set of those kinds on those issues: new ones open, absent ones close."""
        ...

    def finding_log(self, limit: int = 1000) -> Sequence[tuple[datetime, datetime, Finding]]:
        """Findings that have closed, with when they were opened and closed, the last closed first."""
        ...

    def causes(self, tracker: str, among: Collection[str] | None = None) -> Iterator[tuple[int, Decision]]:
        """What conflicts in scope come from: how many open issues hang on it, and one of the decisions; by cause.

        With `among` only of these causes.
        """
        ...

    def divergences(self, tracker: str, among: Collection[str] | None = None) -> Iterator[tuple[int, Decision]]:
        """Ancestors that issues in scope are mapped otherwise than: how many open ones, and one of the decisions.

        With `among` only of the ancestors of these keys.
        """
        ...

    def causes_moved(self, tracker: str) -> bool:
        """Whether decisions were saved, or issues left the scope, since the causes were last told of."""
        ...

    def causes_told(self, tracker: str) -> None:
        """What `causes` and `divergences` say stands in the findings."""
        ...

    def open_finding(self, finding: Finding, now: datetime) -> None:
        """Open one, or leave the open one of the same name as it is."""
        ...

    def turn_findings(self, opened: Sequence[Finding], closed: Sequence[Finding], now: datetime) -> None:
        """Open some, or say them anew with their clock kept; close those of the others that are open."""
        ...

    def findings_of(self, kind: str, tracker: str | None = None) -> Sequence[Finding]:
        """Open findings of that kind, in that tracker or in all, oldest first."""
        ...

    def findings(self, tracker: str | None = None) -> Sequence[tuple[datetime, Finding]]:
        """Open findings with the time they were opened, oldest first."""
        ...


class Talk(Protocol):
    """What is said in comments, and what syncd told whom."""

    def listening(self, tracker: str) -> Listening:
        """How far comments have been read there."""
        ...

    def save_listening(self, tracker: str, listening: Listening) -> None:
        """Replace it."""
        ...

    def said(self, tracker: str, ids: Sequence[str] | None = None) -> Sequence[Said]:
        """Comments with commands on those issues, or on any, by issue and time."""
        ...

    def save_said(self, tracker: str, said: Sequence[Said], unsaid: Sequence[str]) -> None:
        """Keep comments with commands, and forget others by their ids."""
        ...

    def votes(self, tracker: str, ids: Sequence[str] | None = None) -> Sequence[Vote]:
        """Votes against rules on those issues, or on any, oldest first."""
        ...

    def save_votes(self, cast: Sequence[Vote], withdrawn: Sequence[Vote]) -> None:
        """Cast some (again: nothing), take others back."""
        ...

    def add_notice(self, notice: Notice, entry: str) -> None:
        """A write told people something. Once for each outbox entry."""
        ...

    def notices(self, since: datetime, tracker: str | None = None) -> Sequence[Notice]:
        """What was told since then, in every tracker or in one, oldest first."""
        ...

    def turns(self, refs: Sequence[IssueRef], since: datetime) -> Mapping[IssueRef, Sequence[Turn]]:
        """How the verdicts on those issues turned since then, oldest first; those that did not turn are absent."""
        ...
