"""One Jira Cloud site: the `jira` package on our one `httpx.Client`, and beside it the calls it lacks."""

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
import requests
from jira import JIRA
from requests.structures import CaseInsensitiveDict

from connectors.http import Answer, Caller, LimitedPart, Params, Rejected, Shared, Sleep, meaning
from syncd.core.errors import Denied, Gone, TrackerError, Unreadable
from syncd.core.ports import Clock, TrackerOptions

READING_POSTS: Final = (
    "/search/jql",
    "/search/approximate-count",
    "/issue/bulkfetch",
    "/comment/list",
    "/changelog/bulkfetch",
)
"""POSTs that change nothing, so that they may be sent again like a GET."""

MOST_ROWS: Final = 100  # with fields, what Jira gives at most in practice (facts/jira.md §1)
MOST_IDS: Final = 5000  # of id and key alone (facts/jira.md §1)
PROJECTS_AT_ONCE: Final = 50  # as many keys as project/search takes (OpenAPI)
GATEWAY: Final = "api.atlassian.com"
"""Where scoped tokens work, at /ex/jira/{cloudId}; people browse elsewhere (facts/jira.md §8)."""


class CallerSession(requests.Session):
    """Sends what the `jira` package asks for through our `Caller`: one place for retries, limits and redaction.

    Errors are ours before the package sees them: its own handling retries writes, ignores Retry-After, and prints
    headers (facts/jira.md §10). It stands in place of the package's session: what `requests` merges and prepares for
    each request (cookies, netrc, proxies, its own headers) would be thrown away, and is a tenth of an empty poll.
    """

    def __init__(self, caller: Caller) -> None:
        super().__init__()
        self._caller = caller

    def request(  # type: ignore[override]  # requests names its options, and all of them are settled by the Caller
        self, method: str, url: str, params: Params | None = None, data: str | None = None, **_options: Any
    ) -> requests.Response:
        """One exchange. Raises our TrackerErrors, which pass through the package untouched."""
        answer = self._caller.call(
            method,
            url,
            read=is_read(method, urlsplit(url).path),
            params=params,
            body=None if data is None else data.encode(),
            headers=None if data is None else {"Content-Type": "application/json"},
        )
        return _Response(answer)

    def close(self) -> None:
        """The client belongs to the site."""


class _Response(requests.Response):
    """An answer that has been read and parsed already."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.status_code = answer.status
        self.headers = CaseInsensitiveDict(answer.headers)
        self.encoding = "utf-8"
        self._content = answer.content
        self._value = answer.value

    def json(self, **_options: Any) -> Any:
        """The value as orjson read it."""
        return self._value


class Site:
    """All calls to one site. Paths are below `rest/api/3/`; urls are built from the configured one, never `self`."""

    def __init__(self, options: TrackerOptions, clock: Clock, sleep: Sleep, shared: Shared | None = None) -> None:
        self.tracker = options.id
        self.url = options.url.rstrip("/")
        email, token = options.auth.get("email", ""), options.auth.get("token", "")
        basic = base64.b64encode(f"{email}:{token}".encode()).decode()
        self.caller = Caller(
            options.id,
            clock,
            headers={"Authorization": f"Basic {basic}"},
            secrets=(token, basic),
            credentials=f"a valid API token for {email} (the token is wrong, expired, or a scoped one, which works "
            f"only at https://{GATEWAY}/ex/jira/<cloud id>)",
            limited=what_is_limited,
            thing=issue_in,
            sleep=sleep,
            shared=shared,
        )
        self.jira = self._package()
        self._browse: str | None = None

    def _package(self) -> JIRA:
        """The package without its own network, retries, secrets, and hidden `GET /field` (facts/jira.md §10)."""
        jira = JIRA(
            options={"server": self.url, "rest_api_version": "3"},
            get_server_info=False,
            max_retries=0,
            timeout=60,
            logging=False,
        )
        jira.deploymentType = "Cloud"  # else its Cloud calls return None in silence (facts/stack.md §4)
        jira._fields_cache_value = {"summary": "summary"}  # noqa: SLF001  # filled: no lookup, no renaming
        jira._session = CallerSession(self.caller)  # type: ignore[assignment]  # noqa: SLF001  # no other way in
        return jira

    def myself(self) -> Mapping[str, Any]:
        """The account that the token belongs to."""
        return self.mapping(self._meant(self.jira.myself), "myself")

    def fields(self) -> Any:
        """All fields that the account may see."""
        return self._meant(self.jira.fields)

    def permissions(self, project: str | None, names: Sequence[str]) -> frozenset[str]:
        """Those of the named permissions that the account has in a project; None: of the global ones."""
        told = self._meant(lambda: self.jira.my_permissions(projectKey=project, permissions=",".join(names)))
        granted = self.mapping(told, "mypermissions").get("permissions")
        rows = granted if isinstance(granted, Mapping) else {}
        return frozenset(
            name for name, row in rows.items() if isinstance(row, Mapping) and row.get("havePermission") is True
        )

    def projects(self, keys: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """Those of the projects that the account may browse, by folded key, as project/search tells them."""
        rows: dict[str, Mapping[str, Any]] = {}
        for start in range(0, len(keys), PROJECTS_AT_ONCE):
            params: Params = {"keys": keys[start : start + PROJECTS_AT_ONCE], "maxResults": PROJECTS_AT_ONCE}
            try:
                page = self.mapping(self.get("project/search", params), "project/search")
            except Gone:  # "no project" is 200 and empty, or 404: OpenAPI lists both
                continue
            found = page.get("values") or ()
            rows.update((str(row.get("key")).casefold(), row) for row in found if isinstance(row, Mapping))
        return rows

    def search(
        self, jql: str, token: str | None, fields: Sequence[str], properties: Sequence[str], most: int = MOST_ROWS
    ) -> Mapping[str, Any]:
        """One page of search/jql. Raises `Rejected` as it comes: a 400 may be about the token."""
        page = self.jira.enhanced_search_issues(
            jql,
            nextPageToken=token,
            maxResults=most,
            fields=list(fields),  # the package writes into it
            expand="",  # its default is sent as null, which is no text
            properties=list(properties),
            json_result=True,
            use_post=True,  # a GET's url would have to hold every project
        )
        return self.mapping(page, "search/jql")

    def get(self, path: str, params: Params | None = None) -> Any:
        """GET of something that may be gone: `Gone` on a 404, other refusals as `read_refused` has them."""
        try:
            return self.send("GET", path, params=params).value
        except Rejected as rejected:
            if rejected.answer.status == 404:  # noqa: PLR2004  # HTTP's own
                raise Gone(str(rejected), tracker=self.tracker) from rejected
            raise read_refused(rejected) from rejected

    def ask(self, path: str, body: Any, params: Params | None = None) -> Any:
        """A POST of `READING_POSTS`, with refusals by their common meaning."""
        return self._meant(lambda: self.send("POST", path, body, params=params).value)

    def send(self, method: str, path: str, body: Any = None, params: Params | None = None) -> Answer:
        """Any call. Raises what `Caller.call` raises."""
        url = f"{self.url}/rest/api/3/{path}"
        content = None if body is None else orjson.dumps(body)
        headers = None if body is None else {"Content-Type": "application/json"}
        return self.caller.call(
            method, url, read=is_read(method, urlsplit(url).path), params=params, body=content, headers=headers
        )

    def browse(self) -> str:
        """The address that people open issues at: the configured one, or what the site says behind the gateway."""
        if self._browse is None:
            self._browse = self.url
            if urlsplit(self.url).hostname == GATEWAY:
                answer = self._meant(lambda: self.send("GET", "serverInfo").value)
                told = self.mapping(answer, "serverInfo").get("baseUrl")
                self._browse = str(told).rstrip("/") if told else self.url
        return self._browse

    def mapping(self, value: Any, what: str) -> Mapping[str, Any]:
        """The value if it is an object; else the answer is not what we understand."""
        if not isinstance(value, Mapping):
            kind = type(value).__name__
            raise Unreadable(f"{self.tracker}: {what} answered a {kind} where an object belongs", tracker=self.tracker)
        return value

    def close(self) -> None:
        """Give connections back."""
        self.caller.close()

    def _meant(self, call: Any) -> Any:
        try:
            return call()
        except Rejected as rejected:
            raise read_refused(rejected) from rejected


def is_read(method: str, path: str) -> bool:
    """Whether asking twice changes nothing."""
    return method in ("GET", "HEAD") or (method == "POST" and path.endswith(READING_POSTS))


def read_refused(rejected: Rejected) -> TrackerError:
    """What a refused read comes to: `Denied`, or `Unreadable` for a request that this server does not understand."""
    need = "Browse projects, and use of Jira, for the account of the API token"
    meant = meaning(rejected, need=need)
    if isinstance(meant, Denied | Unreadable):
        return meant
    hint = " (is the url that of a Jira Cloud site?)" if isinstance(meant, Gone) else ""
    return Unreadable(f"{rejected}{hint}", tracker=rejected.tracker)


def issue_in(path: str) -> str:
    """The part of a path that names an issue, where there is one: what is written to it is limited together."""
    found = re.match(r".*?/issue/[^/]+", path)
    return path if found is None else found[0]


def what_is_limited(headers: Mapping[str, str]) -> LimitedPart:
    """What a 429 pauses, by its RateLimit-Reason. One we do not know pauses everything (facts/jira.md §7)."""
    reason = next((value for name, value in headers.items() if name.lower() == "ratelimit-reason"), "")
    return {"jira-burst-based": "endpoint", "jira-per-issue-on-write": "thing"}.get(reason, "all")  # type: ignore[return-value]  # Literal values in a dict are widened
