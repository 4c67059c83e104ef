"""One manner of calling out for every connector: bounded, counted, redacted, and only what is safe is sent twice.

A read is asked again after network trouble, a 5xx, a 429, or an answer that is no JSON. A write is sent again only
after a 429, which says that it was not done; whatever else happens after a write left is `InDoubt` (DESIGN §7).
Retry-After is obeyed to the letter: asking earlier fails again, with a longer wait (facts/jira.md §7). Where no status
tells how a call went (GraphQL), a connector says by `Amiss` what an answer means.
"""

import re
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from ssl import SSLContext
from threading import Lock
from time import sleep as really_sleep
from typing import Final, Literal

import httpx
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential_jitter,
    wait_random,
)

from connectors.http.answers import Answer, http_date, left_of_limits, parsed, retry_after, said
from syncd.core.errors import Denied, Gone, InDoubt, Stale, TrackerError, Unavailable, Unreadable
from syncd.core.ports import Clock

Sleep = Callable[[float], None]
Params = Mapping[str, str | int | Sequence[str]]
LimitedPart = Literal["all", "endpoint", "thing"]
"""Everything, one kind of call, or writes to one thing."""

TRIES: Final = 5
PATIENCE: Final = timedelta(seconds=60)
"""The most that one call sleeps in sum; a longer wait is handed to the caller."""
LONGEST_ANSWER: Final = timedelta(minutes=5)
MOST_BYTES: Final = 64 * 1024 * 1024
TIMEOUT: Final = httpx.Timeout(connect=10, read=60, write=30, pool=10)

Watching = Callable[[str, str, str, str], AbstractContextManager[Callable[[int], None]]]
"""Is told (tracker, method, host, path) of each attempt, stays while it lasts, and hears the status of its answer."""
watching: ContextVar[Watching | None] = ContextVar("watching", default=None)
correlation: ContextVar[str] = ContextVar("correlation", default="")
"""What is sent as `X-Request-Id` by this thread: the id of the cycle, so that both sides' logs can be laid together."""

_NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_TOO_MANY = 429
_UNAUTHORIZED = 401
_NO_CONTENT = 204


class Rejected(TrackerError):  # noqa: N818  # named as its siblings in syncd.core.errors
    """Refused and surely not done (3xx, 4xx), before anybody said what that means: see `meaning`."""

    def __init__(self, message: str, *, tracker: str, answer: Answer) -> None:
        self.answer = answer
        super().__init__(message, tracker=tracker)


@dataclass(frozen=True, slots=True)
class Amiss:
    """What an answer says that its HTTP status does not: it failed, and may be asked again.

    `undone`: surely nothing was done, so that a write, too, may be sent again (a rate limit). Else it is as with a 5xx:
    a read is asked again, a write is in doubt. `after`: the seconds to wait first (None: backing off),
    or longer, where the answer has a Retry-After.
    """

    why: str
    undone: bool
    after: float | None = None


class _Again(Exception):  # noqa: N818  # a signal to the retrying above it, never seen outside this module
    """May be sent again; `error` is what it comes to when patience ends, `after` the seconds we were told to wait."""

    def __init__(
        self, error: TrackerError, after: float | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        self.error = error
        self.after = after
        self.headers = headers or {}
        super().__init__()


class Shared:
    """What callers of one server have in common, whichever thread they are in: its limits, and a count of requests.

    A limit that one of them was told of is heeded by all: asking before it is over prolongs it (facts/jira.md §7).
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._paused: dict[str, datetime] = {}
        self.requests = 0

    def count(self) -> None:
        """One more request."""
        with self._lock:
            self.requests += 1

    def pause(self, name: str, now: datetime, span: timedelta) -> None:
        """That part rests for so long; a longer rest that it was told of stays."""
        with self._lock:
            self._paused = {part: until for part, until in self._paused.items() if until > now}
            self._paused[name] = max(now + span, self._paused.get(name, now))

    def paused_until(self, names: Iterable[str], now: datetime) -> datetime:
        """When the last of these parts may go on; `now` where none rests."""
        with self._lock:
            return max((self._paused.get(name, now) for name in names), default=now)


class Caller:
    """Calls one server. Owns one `httpx.Client`; opens nothing before the first call. Not for several threads.

    `secrets` never show in a message, `credentials` says whose token a 401 asks for, `limited` tells from a 429's
    headers what is to pause, `thing` what a path writes to, and `amiss` finds in an answer's content what its status
    does not tell. The environment is not trusted: everything syncd connects to stands in syncd.yaml (DESIGN §8), so
    neither HTTPS_PROXY nor .netrc is read.
    """

    def __init__(
        self,
        tracker: str,
        clock: Clock,
        *,
        headers: Mapping[str, str],
        secrets: Sequence[str],
        credentials: str,
        limited: Callable[[Mapping[str, str]], LimitedPart] = lambda _headers: "all",
        thing: Callable[[str], str] = lambda path: path,
        amiss: Callable[[Answer], Amiss | None] = lambda _answer: None,
        sleep: Sleep = really_sleep,
        shared: Shared | None = None,
    ) -> None:
        self.tracker = tracker
        self._shared = shared or Shared()
        self.skew = timedelta(0)
        self.budget: dict[str, float] = {}
        """What the tracker last said is left of its limits, by the name it gives them."""
        self._clock = clock
        self._secrets = sorted((s for s in secrets if s), key=len, reverse=True)
        self._credentials = credentials
        self._limited = limited
        self._thing = thing
        self._amiss = amiss
        self._sleep = sleep
        self._client = httpx.Client(
            headers={"Accept": "application/json", "User-Agent": f"syncd/{_version()}", **headers},
            timeout=TIMEOUT,
            follow_redirects=False,
            trust_env=False,
            verify=_trusted(),
        )
        weakref.finalize(self, self._client.close)  # a writer's port has no close: its connections end with it

    def __repr__(self) -> str:
        return f"<Caller of {self.tracker}>"

    @property
    def shared(self) -> Shared:
        """What another caller of the same server is to know, too."""
        return self._shared

    @property
    def requests(self) -> int:
        """How many requests were sent so far, by all that share with this one."""
        return self._shared.requests

    def close(self) -> None:
        """Give connections back."""
        self._client.close()

    def tracker_now(self) -> datetime:
        """This instant on the tracker's clock, as far as its `Date` headers told (whole seconds, never ahead)."""
        return self._clock.now() + self.skew

    def now(self) -> datetime:
        """This instant on our clock."""
        return self._clock.now()

    def words(self, text: str) -> str:
        """A message for people: it names the tracker, and shows no secret."""
        text = f"{self.tracker}: {text}"
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return text

    def call(
        self,
        method: str,
        url: str,
        *,
        read: bool,
        params: Params | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send it and return the 2xx answer.

        Raises:
            Unavailable: not reached, limited, or (reads) failed and failed again. Where only writes to this very thing
                are limited nobody waits for it here: others may go on meanwhile.
            InDoubt: a write left and no clear answer came.
            Unreadable: (reads) the answer stays something that is no JSON, or is too large.
            Denied: 401.
            Rejected: any other 3xx or 4xx; it was not done.
        """
        headers = {**(headers or {}), **({"X-Request-Id": named} if (named := correlation.get()) else {})}
        request = self._client.build_request(method, url, params=_plain(params), content=body, headers=headers)
        persist = Retrying(
            retry=retry_if_exception_type(_Again),
            stop=lambda state: stop_after_attempt(TRIES)(state) or _out_of_patience(state),
            wait=_wait,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return persist(self._attempt, request, read=read)
        except _Again as again:
            raise again.error from again.__cause__

    # --- one attempt ---

    def _attempt(self, request: httpx.Request, *, read: bool) -> Answer:
        self._heed_pauses(request, read=read)
        self._shared.count()
        watch = watching.get()
        if watch is None:
            return self._answered(request, lambda _status: None, read=read)
        with watch(self.tracker, request.method, request.url.host, request.url.path) as told:
            return self._answered(request, told, read=read)

    def _answered(self, request: httpx.Request, told: Callable[[int], None], *, read: bool) -> Answer:
        what = f"{request.method} {request.url.path}"
        try:
            response = self._client.send(request, stream=True)
            told(response.status_code)
        except _NEVER_SENT as error:
            unreached = Unavailable(self.words(f"{what}: not reached ({_kind(error)})"), tracker=self.tracker)
            raise (_Again(unreached) if read else unreached) from error
        except httpx.RequestError as error:
            raise self._broken_off(what, _kind(error), read=read) from error
        try:
            content = self._content(response, what, read=read)
        except httpx.RequestError as error:
            if not 300 <= response.status_code < 500:  # noqa: PLR2004  # a refusal is clear without its body
                raise self._broken_off(what, _kind(error), read=read) from error
            content = b""
        finally:
            response.close()
        try:
            return self._judge(request, response, content, read=read)
        except _Again as again:
            if again.after:  # at once: whoever calls beside this one must not ask before it is over
                self._pause(request, again.headers, again.after, read=read)
            raise

    def _content(self, response: httpx.Response, what: str, *, read: bool) -> bytes:
        parts, size, late = [], 0, self._clock.now() + LONGEST_ANSWER
        for part in response.iter_bytes():
            size += len(part)
            if size > MOST_BYTES:
                message = self.words(f"{what}: the answer is larger than {MOST_BYTES} bytes")
                raise (Unreadable if read else InDoubt)(message, tracker=self.tracker)
            if self._clock.now() > late:
                raise httpx.ReadTimeout(f"still going on after {LONGEST_ANSWER}")
            parts.append(part)
        return b"".join(parts)

    def _judge(self, request: httpx.Request, response: httpx.Response, content: bytes, *, read: bool) -> Answer:
        now = self._clock.now()
        told = http_date(response.headers.get("Date"))
        if told is not None:
            self.skew = told - now
        self.budget.update(left_of_limits(response.headers))
        value, broken = parsed(content)
        status, what = response.status_code, f"{request.method} {request.url.path}"
        answer = Answer(
            request.method, request.url.path, status, value, now + self.skew, content, dict(response.headers)
        )
        amiss = self._amiss(answer)
        if amiss is not None:
            waits = (amiss.after, retry_after(response.headers, now + self.skew))
            raise self._told(answer, amiss, max((w for w in waits if w is not None), default=None), read=read)
        if 200 <= status < 300:  # noqa: PLR2004  # the class of success
            if broken is None and (content or status == _NO_CONTENT or not read):
                return answer
            raise self._garbled(answer, broken or "an empty body", read=read)
        if status == _TOO_MANY or (read and (status >= 500 or status in (408, 425))):  # noqa: PLR2004  # as above
            after = retry_after(response.headers, now + self.skew)
            message = self.words(f"{what}: {status}, {said(answer)}")
            wait = None if after is None else timedelta(seconds=after)
            raise _Again(Unavailable(message, tracker=self.tracker, retry_after=wait), after, answer.headers)
        if status >= 500 or status == 408:  # noqa: PLR2004  # the server may have done it before it failed
            raise InDoubt(self.words(f"{what}: {status}, {said(answer)}"), tracker=self.tracker)
        if status == _UNAUTHORIZED:
            message = self.words(f"{what}: 401, {said(answer)}")
            raise Denied(message, need=self._credentials, tracker=self.tracker)
        raise Rejected(self.words(f"{what}: {status}, {said(answer)}"), tracker=self.tracker, answer=answer)

    def _told(self, answer: Answer, amiss: Amiss, after: float | None, *, read: bool) -> Exception:
        message = self.words(f"{answer.method} {answer.path}: {answer.status}, {amiss.why}")
        if not read and not amiss.undone:
            return InDoubt(message, tracker=self.tracker)
        wait = None if after is None else timedelta(seconds=after)
        return _Again(Unavailable(message, tracker=self.tracker, retry_after=wait), after, answer.headers)

    def _broken_off(self, what: str, why: str, *, read: bool) -> Exception:
        message = self.words(f"{what}: the answer broke off or never came ({why})")
        if read:
            return _Again(Unavailable(message, tracker=self.tracker))
        return InDoubt(message, tracker=self.tracker)

    def _garbled(self, answer: Answer, why: str, *, read: bool) -> Exception:
        what = f"{answer.method} {answer.path}: {answer.status} with {why} instead of JSON: {said(answer)}"
        if read:
            return _Again(Unreadable(self.words(what), tracker=self.tracker))
        return InDoubt(self.words(what), tracker=self.tracker)

    # --- limits ---

    def _pause(self, request: httpx.Request, headers: Mapping[str, str], seconds: float, *, read: bool) -> None:
        part, span = self._limited(headers), timedelta(seconds=seconds)
        self._shared.pause(self._names(request)[part], self._clock.now(), span)
        if part == "thing" and not read:
            raise self._not_sent(request, self._clock.now(), span, narrow=True, why="it limits writes to this one")

    def _heed_pauses(self, request: httpx.Request, *, read: bool) -> None:
        now, names = self._clock.now(), self._names(request)
        alone = self._shared.paused_until([] if read else [names["thing"]], now)
        if alone > now:
            raise self._not_sent(request, now, alone - now, narrow=True)
        whole = self._shared.paused_until([names["all"]], now)
        until = max(whole, self._shared.paused_until([names["endpoint"]], now))
        if until - now > PATIENCE:
            raise self._not_sent(request, now, until - now, narrow=until > whole)
        if until > now:
            self._sleep((until - now).total_seconds())

    def _not_sent(
        self, request: httpx.Request, now: datetime, span: timedelta, *, narrow: bool, why: str = "not sent"
    ) -> Unavailable:
        message = self.words(f"{request.method} {request.url.path}: {why}, it asked us to wait until {now + span}")
        return Unavailable(message, tracker=self.tracker, retry_after=span, narrow=narrow)

    def _names(self, request: httpx.Request) -> dict[LimitedPart, str]:
        """What of a server a request belongs to, as names that pauses are kept by."""
        path = request.url.path
        endpoint = re.sub(r"/[^/]*[0-9][^/]*", "/*", path)
        return {"all": "", "endpoint": f"{request.method} {endpoint}", "thing": f"to {self._thing(path)}"}


def meaning(rejected: Rejected, *, need: str, project: str | None = None) -> TrackerError:
    """What a refusal comes to where nothing finer is known. A 400 stays what it is: a request that Jira dislikes."""
    tracker, message = rejected.tracker, str(rejected)
    match rejected.answer.status:
        case 403:
            return Denied(message, need=need, tracker=tracker, project=project)
        case 404:
            return Gone(message, tracker=tracker)
        case 409:
            return Stale(message, tracker=tracker)
        case 410:
            return Unreadable(f"{message} (the API was removed: syncd needs an update)", tracker=tracker)
        case status if 300 <= status < 400:  # noqa: PLR2004  # the class of redirects
            need = "a url in syncd.yaml that is the tracker's own: the present one redirects, and syncd never follows"
            return Denied(message, need=need, tracker=tracker)
        case _:
            return rejected


_backing_off = wait_exponential_jitter(initial=1, max=16, jitter=1)
_a_little = wait_random(0, 0.5)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    after = error.after if isinstance(error, _Again) else None
    # at least a second, also where zero is told: Data Center says 0 while tokens are left (facts/jira.md §9)
    return _backing_off(state) if after is None else max(1.0, after) + _a_little(state)


def _out_of_patience(state: RetryCallState) -> bool:
    return state.idle_for + state.upcoming_sleep > PATIENCE.total_seconds()


@cache
def _trusted() -> SSLContext:
    """The authorities that servers are checked by: read once a process, not by each of many connections."""
    return httpx.create_ssl_context(trust_env=False)


def _plain(params: Params | None) -> dict[str, str | int | list[str]] | None:
    if params is None:  # and not {}: httpx would take it to mean that the url's own query is to go
        return None
    return {name: list(v) if not isinstance(v, str | int) else v for name, v in params.items()}


def _kind(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]


@cache
def _version() -> str:
    """Ours, for the User-Agent: read from disk once a process, not by each pass."""
    try:
        return version("syncd")
    except PackageNotFoundError:
        return "0"
