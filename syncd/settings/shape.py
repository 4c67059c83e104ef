"""What syncd.yaml looks like: its keys, their forms and their defaults (DESIGN §9)."""

import ipaddress
import re
from collections.abc import Mapping
from datetime import time, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, parse_qs, urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from syncd.files.problems import visible
from syncd.files.shapes import Count, Day, Duration, Flag, Id, Shape, Share, Text, closest, complaint, suggestion
from syncd.files.yamlfile import Word

SQLITE = "sqlite:///"

WriteName = Literal["observe", "label", "label+comment"]

# --- field types ------------------------------------------------------------------------------------------


def _section(value: object) -> object:
    """A section whose every line is commented out is one with all its defaults."""
    return {} if value is None else value


def _no_literal(value: object) -> object:
    if not isinstance(value, Mapping):
        raise complaint("a secret must not stand in this file", "{env: NAME_OF_A_VARIABLE} or {file: PATH}")
    return value


def _variable(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", value):
        raise complaint("this cannot be the name of an environment variable", "write a name such as JIRA_TOKEN")
    return value


def split_url(url: str) -> SplitResult | None:
    """The parts of a url; None if it has none, or a port that is not a number."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # reading it is what checks it
    except ValueError:
        return None
    return parts


def _url(value: object) -> object:
    if not isinstance(value, str):
        return value
    parts = split_url(value)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", value):
        raise complaint("this is not the url of a site", "write it as https://acme.atlassian.net")
    if parts.username is not None or parts.password is not None:
        raise complaint("a url must not hold a user or a secret", "write them under `auth:`")
    if parts.query or parts.fragment:
        raise complaint("the url of a site has no ? and no #", f"write https://{visible(parts.hostname)}")
    return value


def is_loopback(host: str) -> bool:
    """Whether that host can only be this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _store_url(value: object) -> object:
    if not isinstance(value, str):
        return value
    scheme = value.partition(":")[0]
    if value.startswith("sqlite:"):
        path = value.removeprefix(SQLITE)
        if path == value or not path.strip("/") or path == ":memory:" or re.search(r"[?#\0]", path):
            raise complaint("this is not the url of an SQLite file", "write it as sqlite:///syncd.db")
        return value
    if scheme in ("postgresql", "postgres", "postgresql+psycopg2"):
        raise complaint(
            f"`{scheme}` leaves open which driver is meant", "write postgresql+psycopg://user@host/database"
        )
    if scheme != "postgresql+psycopg":
        raise complaint("syncd keeps its store in SQLite or PostgreSQL", "write sqlite:///syncd.db")
    parts = split_url(value)
    if parts is None or len(parts.path) < 2:  # noqa: PLR2004 - a slash and a name
        raise complaint("this is not the url of a database", "write postgresql+psycopg://user@host/database")
    if parts.password is not None or "password" in parse_qs(parts.query):
        hint = "store: {url: postgresql+psycopg://user@host/database, password: {env: SYNCD_STORE_PASSWORD}}"
        raise complaint("a secret must not stand in this file", hint)
    return value


def _store(value: object) -> object:
    return {"url": value} if isinstance(value, (str, Word)) else value


def _prefix(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"[^\s,;\"'*]{1,100}", value):
        raise complaint(
            f"`{visible(value)}` cannot begin a label", 'write a short word without spaces, such as "outcome/"'
        )
    return value


def _group(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"[^\s/,;\"'*]([^/,;\"'*\t\n]{0,78}[^\s/,;\"'*])?", value):
        raise complaint(f"`{visible(value)}` cannot name a label group", "write a word or two, such as Outcome")
    return value


def _listener(value: object) -> object:
    found = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})", value) if isinstance(value, str) else None
    if not found or not 0 < int(found[2]) < 2**16:
        named = f"`{visible(value)}`" if isinstance(value, str) else "this"
        raise complaint(f"{named} is not an address to listen on", 'write it as "127.0.0.1:8080"')
    return found[1].strip("[]"), int(found[2])


_CLOCK = "([01][0-9]|2[0-3]):([0-5][0-9])"
QUIET_PATTERN = f"{_CLOCK}-{_CLOCK} [A-Za-z0-9_+/-]+"


def _quiet(value: object) -> object:
    found = re.fullmatch(QUIET_PATTERN, value) if isinstance(value, str) else None
    if found is None:
        named = (
            f"`{visible(value)}` does not say when it is quiet" if isinstance(value, str) else "a text is wanted here"
        )
        raise complaint(named, 'write it as "18:00-08:00 Europe/Berlin"')
    zone = found.string.partition(" ")[2]
    start, end = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
    if start == end:
        raise complaint("these quiet hours have no length", 'write it as "18:00-08:00 Europe/Berlin"')
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, LookupError):  # a folder of zones answers with an OSError
        raise complaint(f"there is no time zone `{visible(zone)}`", "write a name such as Europe/Berlin") from None
    return start, end, zone


_GROUPS = ("members", "owners", "off")


def _allow(value: object) -> object:
    value = value.text if isinstance(value, Word) else value
    if isinstance(value, str):
        if value not in _GROUPS:
            hint = suggestion(value, _GROUPS, "write a list of email addresses, or one of")
            raise complaint(
                f"`{visible(value)}` is nobody", hint if closest(value, _GROUPS) or "@" not in value else f"[{value}]"
            )
        return value
    if not isinstance(value, list) or not value or not all(isinstance(v, str) and "@" in v for v in value):
        raise complaint("nobody is named here", "write members, owners, off, or a list of email addresses")
    return tuple(value)


def _at_least(least: timedelta, written: str) -> AfterValidator:
    def check(value: timedelta) -> timedelta:
        if value < least:
            raise complaint("this is too short", f"write {written} or more")
        return value

    return AfterValidator(check)


# --- the file ---------------------------------------------------------------------------------------------


class SecretShape(Shape):
    """Where a secret is to be had."""

    env: Annotated[str | None, BeforeValidator(_variable)] = None
    file: Text | None = None

    @model_validator(mode="after")
    def _one(self) -> "SecretShape":
        if (self.env is None) == (self.file is None):
            raise complaint("exactly one of `env` and `file` tells where a secret is", "write {env: JIRA_TOKEN}")
        return self


_SECRET_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"env": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}, "file": {"type": "string"}},
    "minProperties": 1,
    "maxProperties": 1,
}
SecretField = Annotated[SecretShape, BeforeValidator(_no_literal), WithJsonSchema(_SECRET_SCHEMA)]


_STORE_URL_SCHEMA: dict[str, Any] = {"type": "string", "pattern": "^(sqlite:///|postgresql\\+psycopg://)"}
_STORE_SCHEMA: dict[str, Any] = {
    "anyOf": [
        _STORE_URL_SCHEMA,
        {
            "type": "object",
            "additionalProperties": False,
            "required": ["url"],
            "properties": {"url": _STORE_URL_SCHEMA, "password": _SECRET_SCHEMA},
        },
    ]
}


class StoreShape(Shape):
    """Where syncd remembers."""

    url: Annotated[Text, BeforeValidator(_store_url)]
    password: SecretField | None = None


class AuthShape(Shape):
    """Who syncd is at a tracker."""

    email: Text | None = None
    token: SecretField


class ScopeShape(Shape):
    """What of a tracker syncd may touch."""

    projects: Annotated[list[Text], Field(min_length=1)] | None = None
    teams: Annotated[list[Text], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _something(self) -> "ScopeShape":
        if self.projects is None and self.teams is None:
            raise complaint("the scope is empty, and syncd touches nothing that is not named", "projects: [PAY, OPS]")
        return self


class WebhookShape(Shape):
    """How a tracker's webhooks are known to be its own."""

    secret: SecretField


class DashboardShape(Shape):
    """Where the dashboard stands."""

    issue: Text


class TrackerShape(Shape):
    """One tracker."""

    kind: Text
    url: Annotated[Text, BeforeValidator(_url)] | None = None
    auth: AuthShape
    scope: ScopeShape
    write: WriteName = "observe"
    write_by: dict[str, WriteName] | None = None
    poll_every: Annotated[Duration, _at_least(timedelta(seconds=1), "1s")] = Field("60s", validate_default=True)
    overlap: Duration = Field("5m", validate_default=True)
    census_every: Annotated[Duration, _at_least(timedelta(minutes=1), "1m")] = Field("6h", validate_default=True)
    in_flight: Annotated[int, Field(strict=True, ge=1, le=8)] = 4
    token_expires: Day | None = None
    dashboard: DashboardShape | None = None
    webhook: WebhookShape | None = None
    insecure: Flag = False


Prefix = Annotated[Text, BeforeValidator(_prefix)]
GroupName = Annotated[Text, BeforeValidator(_group)]


class GroupsShape(Shape):
    """Linear's label groups."""

    outcome: GroupName = "Outcome"
    alignment: GroupName = "Alignment"


class MarksShape(Shape):
    """How marks look."""

    outcome: Prefix = "outcome/"
    alignment: Prefix = "alignment/"
    groups: Annotated[GroupsShape, BeforeValidator(_section)] = Field({}, validate_default=True)
    grace: Duration = Field("15m", validate_default=True)
    mail: Flag = False


class CommentsShape(Shape):
    """When the sticky comment may be written."""

    grace: Duration = Field("24h", validate_default=True)
    backlog: Flag = False
    per_project_per_day: Count = 20
    per_person_per_day: Count = 3
    quiet_hours: (
        Annotated[
            tuple[time, time, str],
            BeforeValidator(_quiet),
            WithJsonSchema({"type": "string", "pattern": QUIET_PATTERN}),
        ]
        | None
    ) = None
    acted_within: Duration = Field("14d", validate_default=True)
    mute_after: Count = 10


class CommandsShape(Shape):
    """Who may give commands in trackers."""

    allow: Annotated[
        Literal["members", "owners", "off"] | tuple[str, ...],
        BeforeValidator(_allow),
        WithJsonSchema(
            {"anyOf": [{"enum": list(_GROUPS)}, {"type": "array", "minItems": 1, "items": {"type": "string"}}]}
        ),
    ] = "members"


class LimitsShape(Shape):
    """When a plan waits for a person."""

    share: Share = 0.3
    actions: Count = 500
    always: Count = 20


Listener = Annotated[
    tuple[str, int], BeforeValidator(_listener), WithJsonSchema({"type": "string", "pattern": ":[0-9]{1,5}$"})
]


class HttpShape(Shape):
    """Where the service listens."""

    listen: Listener = Field("127.0.0.1:8080", validate_default=True)
    webhooks: Listener | None = None


class ReportsShape(Shape):
    """Where reports go."""

    directory: Text = "reports"


class SyncdShape(Shape):
    """syncd.yaml."""

    installation: Id
    store: Annotated[StoreShape, BeforeValidator(_store), WithJsonSchema(_STORE_SCHEMA)]
    trackers: dict[Id, TrackerShape] = Field(min_length=1)
    write_closed: Flag = False
    marks: Annotated[MarksShape, BeforeValidator(_section)] = Field({}, validate_default=True)
    comments: Annotated[CommentsShape, BeforeValidator(_section)] = Field({}, validate_default=True)
    commands: Annotated[CommandsShape, BeforeValidator(_section)] = Field({}, validate_default=True)
    limits: Annotated[LimitsShape, BeforeValidator(_section)] = Field({}, validate_default=True)
    http: Annotated[HttpShape, BeforeValidator(_section)] = Field({}, validate_default=True)
    reports: Annotated[ReportsShape, BeforeValidator(_section)] = Field({}, validate_default=True)
