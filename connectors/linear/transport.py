"""One Linear workspace: sends documents and says what came of them, by the remedy.

An HTTP status tells little here. Not found, bad arguments and refused labels are 200; a rate limit is a 400; errors
of one field may stand beside data that is good. What an error is stands in its `extensions` (facts/linear.md §4).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from connectors.http import PATIENCE, Amiss, Answer, Caller, Rejected, Sleep, said
from connectors.linear.budget import Budget
from connectors.linear.documents import Document
from connectors.linear.shapes import Untold
from syncd.core.errors import Denied, Gone, InDoubt, TrackerError, Unavailable, Unreadable
from syncd.core.fold import storable
from syncd.core.ports import Clock, TrackerOptions

ENDPOINT: Final = "https://api.linear.app/graphql"
KEY_PREFIX: Final = "lin_api_"
PARTIAL_TRIES: Final = 3
"""How often a read is sent whose answer is whole but for some fields that failed for a while."""

KEY_NEEDED: Final = "a valid API key or OAuth token of Linear"
"""How the need begins where the credentials are to blame, and nothing that they ask for."""

_WAITS_A_LITTLE: Final = frozenset({
    "network error", "internal error", "lock timeout", "bootstrap error", "unknown", "other",
})  # fmt: skip
_NOT_ALLOWED: Final = frozenset({"forbidden", "usage limit exceeded"})
_NOT_FOUND: Final = "Entity not found"


@dataclass(frozen=True, slots=True)
class Fault:
    """One of an answer's `errors`. `message` is Linear's own and fixed; `words` may quote people, and is for them."""

    type: str
    """`extensions.type`, in lower case; "" where there is none."""
    code: str
    message: str
    words: str
    path: tuple[str | int, ...]
    raw: Mapping[str, Any]

    @property
    def limited(self) -> bool:
        """Too many requests, or too complex ones: nothing was done."""
        return self.type == "ratelimited" or self.code == "RATELIMITED"

    @property
    def passing(self) -> bool:
        """It may go well another time. One without any type is of this kind, unless it is about the request."""
        return self.type in _WAITS_A_LITTLE or (not self.type and not self.code and bool(self.path))

    @property
    def gone(self) -> bool:
        """Deleted or invisible: there is no code for that, and nobody can tell the two apart."""
        return self.message.startswith(_NOT_FOUND)

    def __str__(self) -> str:
        return self.words if self.words.startswith(self.message) else f"{self.message}: {self.words}"


class Refusal(Rejected):
    """Linear refused the request, and surely did nothing of it. `faults` says why."""

    def __init__(self, message: str, faults: tuple[Fault, ...], *, tracker: str, answer: Answer) -> None:
        self.faults = faults
        super().__init__(message, tracker=tracker, answer=answer)


class PartlyDone(InDoubt):
    """A document of several writes failed at one that was not the first: look what was done. `faults` says why."""

    def __init__(self, message: str, faults: tuple[Fault, ...], *, tracker: str) -> None:
        self.faults = faults
        super().__init__(message, tracker=tracker)


class NotOffered(Denied):
    """A part of Linear that this workspace does not have, by its plan or its settings."""


class NotTaken(Unreadable):
    """A read that the server does not understand: a cursor that is gone, or a document it no longer accepts."""


class Torn(Unavailable):
    """A read that came back with nothing, because of single fields in it: `faults` says which."""

    def __init__(
        self, message: str, faults: tuple[Fault, ...], *, tracker: str, retry_after: timedelta | None = None
    ) -> None:
        self.faults = faults
        super().__init__(message, tracker=tracker, retry_after=retry_after)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a document brought: every root of it. Where a field is null because it failed, `data` has an `Untold`."""

    data: Mapping[str, Any]
    at: datetime
    """When, on the tracker's clock."""
    faults: tuple[Fault, ...] = ()


class Linear:
    """Sends documents to one workspace. Opens nothing before the first. Not for several threads."""

    def __init__(self, options: TrackerOptions, clock: Clock, sleep: Sleep) -> None:
        token = options.auth.get("token", "")
        self.tracker = options.id
        self.url = options.url or ENDPOINT
        self.budget = Budget()
        self._sleep = sleep
        self._document = ""
        self._write = False
        self._passing: tuple[Fault, ...] = ()
        self.caller = Caller(
            options.id,
            clock,
            headers={"Authorization": authorization(token), "Content-Type": "application/json"},
            secrets=(token,),
            credentials=f"{KEY_NEEDED} (this one is wrong, expired or revoked)",
            amiss=self._amiss,
            sleep=sleep,
        )

    @property
    def requests(self) -> int:
        """How many HTTP requests were sent so far, retries counted."""
        return self.caller.requests

    def close(self) -> None:
        """Give connections back."""
        self.caller.close()

    def ask(self, document: Document, variables: Mapping[str, Any] | None = None) -> Reply:
        """Send a query. A reply may have faults; its roots are all there.

        Raises:
            Unavailable: not reached, limited, or failed and failed again; `Torn` where single fields are to blame.
            Denied: the key is not good, or may not do this.
            Gone: the one thing asked for is not there, or not visible.
            NotTaken: the server does not accept the request.
            Unreadable: the answer is no answer to it.
        """
        reply = self._ask_once(document, variables)
        for tried in range(1, PARTIAL_TRIES):
            if not any(fault.passing for fault in reply.faults):
                break
            self._sleep(float(tried))
            reply = self._ask_once(document, variables)
        return reply

    def send(self, document: Document, variables: Mapping[str, Any]) -> Reply:
        """Send a mutation, once (again only after a rate limit, which says that it was not done).

        Raises:
            Unavailable: it never left, or was not done for now.
            InDoubt: it left and no clear answer came; `PartlyDone` where a later one of several writes failed.
            Denied: not allowed.
            Gone: what it is about is not there.
            Refusal: not done, for a reason that `faults` tells.
        """
        answer = self._exchange(document, variables, write=True)
        faults = faults_of(answer.value)
        data = answer.value.get("data") if isinstance(answer.value, Mapping) else None
        whole = isinstance(data, Mapping) and all(data.get(root) is not None for root in document.roots)
        if whole and not faults and isinstance(data, Mapping):
            return Reply(data, answer.at)
        message = self.caller.words(f"{document.name}: {said(answer)}")
        if not faults:
            raise InDoubt(f"{message} (an answer without data)", tracker=self.tracker)
        if any(fault.passing for fault in faults):
            raise PartlyDone(message, faults, tracker=self.tracker)
        if _executed(answer, faults) and len(document.roots) > 1 and faults[0].path[:1] != document.roots[:1]:
            raise PartlyDone(message, faults, tracker=self.tracker)
        raise self._refused(message, faults, answer)

    # --- one exchange ---

    def _ask_once(self, document: Document, variables: Mapping[str, Any] | None) -> Reply:
        answer = self._exchange(document, variables, write=False)
        faults = faults_of(answer.value)
        data = answer.value.get("data") if isinstance(answer.value, Mapping) else None
        asked = [root for root in document.roots if (variables or {}).get(root) is not False]
        if isinstance(data, Mapping) and all(data.get(root) is not None for root in asked):
            return Reply(_planted(data, faults), answer.at, faults)
        message = self.caller.words(f"{document.name}: {said(answer)}")
        if not faults:
            raise Unreadable(f"{message} (an answer without data)", tracker=self.tracker)
        error = self._refused(message, faults, answer)
        if not isinstance(error, Refusal):
            raise error
        if all(len(fault.path) > 1 for fault in faults) and _executed(answer, faults):
            raise Torn(message, faults, tracker=self.tracker)
        raise NotTaken(message, tracker=self.tracker)

    def _exchange(self, document: Document, variables: Mapping[str, Any] | None, *, write: bool) -> Answer:
        self._keep_pace(document)
        self._document, self._write, self._passing = document.name, write, tuple[Fault, ...]()
        body = {"query": document.text, "variables": dict(variables or {}), "operationName": document.name}
        try:
            return self.caller.call("POST", self.url, read=not write, body=orjson.dumps(body))
        except Rejected as rejected:
            if faults_of(rejected.answer.value):
                return rejected.answer
            raise self._meaning(rejected) from rejected
        except Unavailable as failed:
            faults = self._passing
            if not faults or not all(len(fault.path) > 1 for fault in faults):
                raise
            raise Torn(str(failed), faults, tracker=self.tracker, retry_after=failed.retry_after) from failed

    def _keep_pace(self, document: Document) -> None:
        """Wait until the budget holds it. What it holds is known from the answers so far, so nothing waits at first."""
        wait = self.budget.wait(document.name, self.caller.now())
        if wait > PATIENCE.total_seconds():
            message = self.caller.words(f"{document.name}: not sent, the budget gives it in {wait:.0f} s")
            raise Unavailable(message, tracker=self.tracker, retry_after=timedelta(seconds=wait))
        if wait:
            self._sleep(wait)

    def _amiss(self, answer: Answer) -> Amiss | None:
        """What the Caller cannot see in a status: limits, and failures of the moment behind a 200."""
        now = self.caller.now()
        self.budget.learn(self._document, answer.headers, now)
        faults = faults_of(answer.value)
        self._passing = tuple[Fault, ...]()
        limited = next((fault for fault in faults if fault.limited), None)
        if limited is not None:
            after = self.budget.refused(self._document, limited.raw, now)
            return Amiss(str(limited), undone=not _executed(answer, faults), after=after)
        passing = next((fault for fault in faults if fault.passing), None)
        if passing is not None and not self._write and _nothing(answer.value):
            self._passing = faults
            return Amiss(str(passing), undone=False)
        return None

    # --- what an error means ---

    def _refused(self, message: str, faults: tuple[Fault, ...], answer: Answer) -> TrackerError:
        for fault in faults:
            if fault.type == "authentication error" or fault.code == "AUTHENTICATION_ERROR":
                need = f"{KEY_NEEDED} (this one is not accepted)"
                return Denied(message, need=need, tracker=self.tracker)
            if fault.type == "feature not accessible":
                return NotOffered(message, need=_need(fault), tracker=self.tracker)
            if fault.type in _NOT_ALLOWED or fault.code == "FORBIDDEN":
                return Denied(message, need=_need(fault), tracker=self.tracker)
        if all(fault.gone for fault in faults):
            return Gone(message, tracker=self.tracker)
        return Refusal(message, faults, tracker=self.tracker, answer=answer)

    def _meaning(self, rejected: Rejected) -> TrackerError:
        """A refusal that is not Linear's own: no GraphQL error in it."""
        message, status = str(rejected), rejected.answer.status
        if status == 403:  # noqa: PLR2004  # HTTP's own
            return Denied(message, need="access to Linear from here (something refuses it)", tracker=self.tracker)
        if 300 <= status < 400:  # noqa: PLR2004  # the class of redirects
            need = (
                "a url in syncd.yaml that is the GraphQL endpoint itself: this one redirects, and syncd never follows"
            )
            return Denied(message, need=need, tracker=self.tracker)
        if self._write:
            return rejected
        return Unreadable(f"{message} (is the url that of Linear's GraphQL endpoint?)", tracker=self.tracker)


def authorization(token: str) -> str:
    """A personal API key stands alone: with Bearer before it Linear refuses it. OAuth tokens have Bearer (§1)."""
    return token if token.startswith(KEY_PREFIX) else f"Bearer {token}"


def faults_of(value: Any) -> tuple[Fault, ...]:
    """The errors of an answer; none for one that has none, whatever else it is."""
    errors = value.get("errors") if isinstance(value, Mapping) else None
    return tuple(_fault(error) for error in errors if isinstance(error, Mapping)) if isinstance(errors, list) else ()


def _fault(error: Mapping[str, Any]) -> Fault:
    extensions = error.get("extensions")
    more: Mapping[str, Any] = extensions if isinstance(extensions, Mapping) else {}
    path = error.get("path")
    message = _text(error.get("message")) or "no explanation"
    return Fault(
        type=_text(more.get("type")).strip().lower(),
        code=_text(more.get("code")).strip().upper(),
        message=message,
        words=_text(more.get("userPresentableMessage")) or message,
        path=tuple(p for p in path if isinstance(p, str | int)) if isinstance(path, list) else (),
        raw=error,
    )


def _text(value: Any) -> str:
    return storable(value) if isinstance(value, str) else ""


def _planted(data: Mapping[str, Any], faults: tuple[Fault, ...]) -> Mapping[str, Any]:
    """The data with an `Untold` at each null that is there by a fault: at its path, or above, as far as null spread."""
    for fault in faults:
        at: Any = data
        for step, beyond in zip(fault.path, (*fault.path[1:], None), strict=True):
            try:
                below = at[step]
                if below is None:
                    at[step] = Untold(str(fault))
            except (KeyError, IndexError, TypeError):
                break
            if below is None or beyond is None:
                break
            at = below
    return data


def _nothing(value: Any) -> bool:
    """Whether no root of an answer holds anything."""
    data = value.get("data") if isinstance(value, Mapping) else None
    return not isinstance(data, Mapping) or all(root is None for root in data.values())


def _executed(answer: Answer, faults: tuple[Fault, ...]) -> bool:
    """Whether the server began to do it: an error that stands at a field, and not at the request."""
    return answer.status < 400 and any(fault.path for fault in faults)  # noqa: PLR2004  # the class of refusals


def _need(fault: Fault) -> str:
    if fault.type == "usage limit exceeded":
        return "room in the workspace's plan"
    return "the permission in Linear that it names (a scope of the key, the team, or who may manage labels)"
