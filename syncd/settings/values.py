"""What syncd.yaml says, as values (DESIGN §9). A `Secret` says where a secret is to be had and holds none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any, Literal

from syncd.core.errors import ConfigError, Problem
from syncd.core.model import Limits
from syncd.core.plan import Write
from syncd.core.ports import MarkNames

MAX_SECRET = 64 * 1024
CREDENTIALS = "$CREDENTIALS_DIRECTORY/"
"""How the path of a systemd credential begins: the folder is another one at every start."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret is to be had. It is read when it is needed, and never kept here."""

    origin: Literal["env", "file"]
    name: str
    """The environment variable, or the file's absolute path, which may begin with `CREDENTIALS`."""
    file: str
    line: int
    column: int
    text: str = field(default="", repr=False)
    """The line in the file, as it may be shown."""

    def reveal(self, environ: Mapping[str, str]) -> str:
        """The secret itself, without the newline that ends a file.

        Raises:
            ConfigError: it is not there, empty, or cannot be one.
        """
        secret = self._from_file(self._path(environ)) if self.origin == "file" else environ.get(self.name)
        if secret is None:
            raise self._error(f"the environment variable `{self.name}` is not set", f"export {self.name}=…")
        if not secret:
            raise self._error(f"the {self._noun} `{self.name}` is empty", "put the secret there")
        if not secret.isprintable():
            message = f"the {self._noun} `{self.name}` holds a line break or a control character"
            raise self._error(message, "put the secret there, and nothing else")
        return secret

    @property
    def _noun(self) -> str:
        return "file" if self.origin == "file" else "environment variable"

    def _path(self, environ: Mapping[str, str]) -> Path:
        if not self.name.startswith(CREDENTIALS):
            return Path(self.name)
        folder = environ.get(CREDENTIALS[1:-1])
        if not folder:
            hint = "start syncd by systemd, with LoadCredential= in its unit"
            raise self._error("the environment variable `CREDENTIALS_DIRECTORY` is not set", hint)
        return Path(folder) / self.name.removeprefix(CREDENTIALS)

    def _from_file(self, path: Path) -> str:
        try:
            if not path.is_file():
                raise self._error(f"there is no file `{self.name}`", "put the secret into that file")
            with path.open("rb") as stream:
                content = stream.read(MAX_SECRET + 1)
            if len(content) > MAX_SECRET:
                raise self._error(f"the file `{self.name}` is too large to be a secret", "name another file")
            return content.decode().removesuffix("\n").removesuffix("\r")
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise self._error(f"the file `{self.name}` cannot be read: {why}", "give syncd's user that right") from None

    def _error(self, message: str, hint: str) -> ConfigError:
        return ConfigError([Problem(self.file, self.line, self.column, message, hint, text=self.text)])


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where the store is. The path of an SQLite file is absolute; a password is never part of `url`."""

    url: str
    password: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerSettings:
    """One tracker as the admin described it."""

    id: str
    kind: str
    url: str
    """Without a slash at its end; empty: the one that the kind knows by itself."""
    auth: Mapping[str, Secret | str] = field(repr=False)
    scope: Mapping[str, tuple[str, ...]]
    write: Write = Write.OBSERVE
    write_by: Mapping[str, Write] = field(default_factory=dict)
    poll_every: timedelta = timedelta(seconds=60)
    overlap: timedelta = timedelta(minutes=5)
    census_every: timedelta = timedelta(hours=6)
    in_flight: int = 4
    token_expires: date | None = None
    """The last day of its token, as somebody noted it down."""
    dashboard: str | None = None
    """The key of the issue that the dashboard stands on."""
    webhook: Secret | None = None
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The tracker's mapping as it was written."""


@dataclass(frozen=True, slots=True)
class GroupNames:
    """Linear's label groups."""

    outcome: str = "Outcome"
    alignment: str = "Alignment"


@dataclass(frozen=True, slots=True)
class MarksSettings:
    """How marks look, and how long `alignment/…` waits."""

    names: MarkNames = field(default_factory=MarkNames)
    groups: GroupNames = field(default_factory=GroupNames)
    grace: timedelta = timedelta(minutes=15)
    mail: bool = False

    def names_in(self, *, groups: bool) -> MarkNames:
        """How marks are called in a tracker: `Outcome/reliability` is the label `reliability` of a group."""
        if not groups:
            return self.names
        return MarkNames(f"{self.groups.outcome}/", f"{self.groups.alignment}/", exclusive=True)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """No comment from `start` to `end` (past midnight if `end` is earlier), in the zone of that IANA name."""

    start: time
    end: time
    zone: str


@dataclass(frozen=True, slots=True)
class CommentSettings:
    """When the sticky comment may be written (DESIGN §6)."""

    grace: timedelta = timedelta(hours=24)
    backlog: bool = False
    per_project_per_day: int = 20
    per_person_per_day: int = 3
    quiet_hours: QuietHours | None = None
    acted_within: timedelta = timedelta(days=14)
    mute_after: int = 10


@dataclass(frozen=True, slots=True)
class CommandSettings:
    """Who may give commands in trackers: a group of people, or these email addresses."""

    allow: Literal["members", "owners", "off"] | tuple[str, ...] = "members"


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Where the service listens, as (host, port). `webhooks`: a listener of their own, None: they share the first."""

    listen: tuple[str, int] = ("127.0.0.1", 8080)
    webhooks: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """syncd.yaml."""

    directory: Path
    """The config folder, absolute."""
    installation: str
    store: StoreSettings
    trackers: tuple[TrackerSettings, ...]
    reports: Path
    """Absolute."""
    write_closed: bool = False
    marks: MarksSettings = field(default_factory=MarksSettings)
    comments: CommentSettings = field(default_factory=CommentSettings)
    commands: CommandSettings = field(default_factory=CommandSettings)
    limits: Limits = field(default_factory=Limits)
    http: HttpSettings = field(default_factory=HttpSettings)

    def tracker(self, tracker_id: str) -> TrackerSettings | None:
        """The tracker of that id, if there is one."""
        return next((t for t in self.trackers if t.id == tracker_id), None)
