"""syncd.yaml + environment → `Settings`, problems as file:line:column (DESIGN §9).

Reading the file resolves no secret: an unset variable is advice to `check` and an error to what connects.
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from syncd.core.errors import ConfigError, OptionProblem, Problem
from syncd.core.model import Limits
from syncd.core.plan import Write
from syncd.core.ports import MarkNames, TrackerOptions
from syncd.files.problems import shown_line, visible
from syncd.files.shapes import fit, suggestion, value
from syncd.files.yamlfile import Node, Source, Where, Word, read_source
from syncd.settings.shape import (
    SQLITE,
    SecretShape,
    StoreShape,
    SyncdShape,
    TrackerShape,
    is_loopback,
    split_url,
)
from syncd.settings.values import (
    CREDENTIALS,
    CommandSettings,
    CommentSettings,
    GroupNames,
    HttpSettings,
    MarksSettings,
    QuietHours,
    Secret,
    Settings,
    StoreSettings,
    TrackerSettings,
)

SETTINGS_FILE = "syncd.yaml"
PLANNED_KINDS = ("jira-data-center",)
"""Kinds that DESIGN names and this version does not have."""

SAFE_KEYS = frozenset(SyncdShape.all_keys()) - {"auth", "webhook", "token", "password", "secret"}
"""Keys of syncd.yaml whose lines may be shown in messages."""

CheckOptions = Callable[[str, Mapping[str, Any]], Sequence[OptionProblem]]
"""(kind, the tracker's mapping as written) → a connector's complaints about it."""


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """The file as it was read, with its problems; the settings only if there is no error among them."""

    source: Source
    settings: Settings | None
    trackers: tuple[str, ...] | None
    """The ids of trackers, told even of a file that has problems; None if there are none."""


def read_settings(directory: Path, check_options: CheckOptions, kinds: Collection[str]) -> SettingsFile:
    """Read syncd.yaml. `kinds`: the kinds of tracker there are; only those are given to `check_options`."""
    source = read_source(directory / SETTINGS_FILE, safe=SAFE_KEYS)
    shape = fit(SyncdShape, source)
    written = dict(_trackers(source))
    for name, node in written.items():
        _check_kind(source, name, node, kinds)
        _check_url(source, name, node)
        _check_write_by(source, name, node)
        kind = value(node, "kind")
        if isinstance(kind, str) and kind in kinds:
            _check_options(source, name, check_options(kind, _as_written(node.plain())))
    _check_overlaps(source, written)
    _check_prefixes(source)
    clean = shape is not None and not any(p.severity == "error" for p in source.problems)
    base = Path(os.path.abspath(directory))  # noqa: PTH100 - resolve() would leave a linked folder for its target
    settings = _settings(shape, source, base) if shape is not None and clean else None
    return SettingsFile(source, settings, tuple(written) or None)


def load_settings(directory: Path, check_options: CheckOptions, kinds: Collection[str]) -> Settings:
    """The settings of a folder; as `read_settings`.

    Raises:
        ConfigError: with all problems of syncd.yaml, in order.
    """
    read = read_settings(directory, check_options, kinds)
    if read.settings is None:
        raise ConfigError(sorted(read.source.problems))
    return read.settings


def _trackers(source: Source) -> Iterator[tuple[str, Node]]:
    node, found = source.find(("trackers",))
    if found and node is not None and isinstance(node.value, dict):
        for name, below in node.value.items():
            if isinstance(below.value, dict):
                yield name, below


def _as_written(plain: Any) -> Any:
    """Plain values with every `Word` as the text that stands there."""
    if isinstance(plain, dict):
        return {key: _as_written(below) for key, below in plain.items()}
    if isinstance(plain, list):
        return [_as_written(below) for below in plain]
    return plain.text if isinstance(plain, Word) else plain


def _check_kind(source: Source, name: str, node: Node, kinds: Collection[str]) -> None:
    kind = value(node, "kind")
    if not isinstance(kind, str) or kind in kinds:
        return
    if kind in PLANNED_KINDS:
        hint = f"take this tracker out until then; this version has: {', '.join(sorted(kinds))}"
        source.add(("trackers", name, "kind"), f"the kind `{kind}` comes in a later version of syncd", hint)
    else:
        hint = suggestion(kind, sorted(kinds), "the kinds are")
        source.add(("trackers", name, "kind"), f"there is no kind of tracker `{visible(kind)}`", hint)


def _check_url(source: Source, name: str, node: Node) -> None:
    url = value(node, "url")
    parts = split_url(url) if isinstance(url, str) else None
    plain_http = parts is not None and parts.scheme == "http" and parts.hostname and not is_loopback(parts.hostname)
    if plain_http and value(node, "insecure") is not True:
        message = "plain http:// would send the token for everybody on the way to read"
        source.add(("trackers", name, "url"), message, "write https://, or add `insecure: true` if that is meant")


def _scope_entries(node: Node) -> Iterator[tuple[Where, str, str]]:
    """(where below the tracker, `projects` or `teams`, the entry) of every text in a scope."""
    scope = node.value.get("scope") if isinstance(node.value, dict) else None
    for key in ("projects", "teams"):
        listed = value(scope, key) if scope is not None else None
        for number, entry in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(entry.value, str):
                yield ("scope", key, number), key, entry.value


def _check_write_by(source: Source, name: str, node: Node) -> None:
    by = value(node, "write_by")
    scope = [entry for _, _, entry in _scope_entries(node)]
    for project in by if isinstance(by, dict) and scope else ():
        if project not in scope:
            hint = suggestion(project, scope, "the scope is")
            where: Where = ("trackers", name, "write_by", project)
            source.add(where, f"`{visible(project)}` is not in the scope of `{name}`", hint, at_key=True)


def _check_options(source: Source, name: str, complaints: Sequence[OptionProblem]) -> None:
    """A connector's complaints, where nothing has been said of the same yet."""
    said = [c for c in complaints if not source.complained_about(("trackers", name, *c.path))]
    for complaint in said:
        source.add(("trackers", name, *complaint.path), complaint.message, complaint.hint)


def _check_overlaps(source: Source, trackers: Mapping[str, Node]) -> None:
    taken: dict[tuple[str, str, str], str] = {}
    for name, node in trackers.items():
        url = value(node, "url")
        parts = split_url(url) if isinstance(url, str) else None
        if parts is not None:
            site = f"{parts.hostname}:{parts.port or {'http': 80}.get(parts.scheme, 443)}{parts.path.rstrip('/')}"
        elif url is None:  # at one address for all: whose token it is says which workspace is meant
            written = node.plain()
            site = repr((written.get("kind"), _as_written(written.get("auth")))) if isinstance(written, dict) else name
        else:
            continue
        for where, key, entry in _scope_entries(node):
            other = taken.setdefault((site, key, entry.casefold()), name)
            if other != name:
                message = f"`{visible(entry)}` is also in the scope of `{other}`, at the same url"
                source.add(("trackers", name, *where), message, "name it under one of the two")


def _check_prefixes(source: Source) -> None:
    marks, _ = source.find(("marks",))
    given = {} if marks is None else {key: value(marks, key) for key in ("outcome", "alignment")}
    outcome, alignment = given.get("outcome") or "outcome/", given.get("alignment") or "alignment/"
    if not isinstance(outcome, str) or not isinstance(alignment, str):
        return
    _check_groups(source, None if marks is None else value(marks, "groups"))
    if outcome.casefold().startswith(alignment.casefold()) or alignment.casefold().startswith(outcome.casefold()):
        key = "alignment" if given.get("alignment") else "outcome"
        message = f"`{visible(outcome)}` and `{visible(alignment)}` could not be told apart"
        source.add(("marks", key), message, "write two words of which neither begins the other")


def _check_groups(source: Source, given: Any) -> None:
    """Groups of labels must have two names."""
    names: dict[str, Any] = {"outcome": "Outcome", "alignment": "Alignment"}
    names |= {key: node.value for key, node in given.items()} if isinstance(given, dict) else {}
    folded = {name.strip().casefold() if isinstance(name, str) else name for name in names.values()}
    if len(folded) < len(names):
        message = f"`{visible(str(names['outcome']))}` cannot be the name of both groups"
        source.add(("marks", "groups"), message, "write two names, such as Outcome and Alignment")


# --- from the file's shape to values ----------------------------------------------------------------------


def _settings(shape: SyncdShape, source: Source, directory: Path) -> Settings:
    base = directory.parent
    marks, comments, http = shape.marks, shape.comments, shape.http
    return Settings(
        directory=directory,
        installation=shape.installation,
        store=_store(shape.store, source, base),
        trackers=tuple(_tracker(name, tracker, source, base) for name, tracker in shape.trackers.items()),
        reports=base / shape.reports.directory,
        write_closed=shape.write_closed,
        marks=MarksSettings(
            names=MarkNames(marks.outcome, marks.alignment),
            groups=GroupNames(marks.groups.outcome, marks.groups.alignment),
            grace=marks.grace,
            mail=marks.mail,
        ),
        comments=CommentSettings(
            grace=comments.grace,
            backlog=comments.backlog,
            per_project_per_day=comments.per_project_per_day,
            per_person_per_day=comments.per_person_per_day,
            quiet_hours=None if comments.quiet_hours is None else QuietHours(*comments.quiet_hours),
            acted_within=comments.acted_within,
            mute_after=comments.mute_after,
        ),
        commands=CommandSettings(shape.commands.allow),
        limits=Limits(shape.limits.share, shape.limits.actions, shape.limits.always),
        http=HttpSettings(http.listen, http.webhooks),
    )


def _store(shape: StoreShape, source: Source, base: Path) -> StoreSettings:
    url = shape.url
    if url.startswith(SQLITE):
        url = f"{SQLITE}{base / url.removeprefix(SQLITE)}"
    return StoreSettings(url, _secret(shape.password, source, ("store", "password"), base) if shape.password else None)


def _secret(shape: SecretShape, source: Source, where: Where, base: Path) -> Secret:
    node, _ = source.find(where)
    line, column = (node.line, node.column) if node else (1, 1)
    text = shown_line(source.lines, line, safe=source.safe)
    if shape.env is not None:
        return Secret("env", shape.env, source.name, line, column, text)
    file = shape.file or ""
    path = file if file.startswith(CREDENTIALS) else str(base / file)
    return Secret("file", path, source.name, line, column, text)


def _tracker(name: str, shape: TrackerShape, source: Source, base: Path) -> TrackerSettings:
    where: Where = ("trackers", name)
    auth: dict[str, Secret | str] = {"token": _secret(shape.auth.token, source, (*where, "auth", "token"), base)}
    if shape.auth.email is not None:
        auth["email"] = shape.auth.email
    scope = {"projects": shape.scope.projects, "teams": shape.scope.teams}
    node, _ = source.find(where)
    hook = shape.webhook
    return TrackerSettings(
        id=name,
        kind=shape.kind,
        url=(shape.url or "").rstrip("/"),
        auth=auth,
        scope={key: tuple(entries) for key, entries in scope.items() if entries is not None},
        write=Write(shape.write),
        write_by={project: Write(write) for project, write in (shape.write_by or {}).items()},
        poll_every=shape.poll_every,
        overlap=shape.overlap,
        census_every=shape.census_every,
        in_flight=shape.in_flight,
        token_expires=shape.token_expires,
        dashboard=None if shape.dashboard is None else shape.dashboard.issue,
        webhook=None if hook is None else _secret(hook.secret, source, (*where, "webhook", "secret"), base),
        options=_as_written(node.plain()) if node else {},
    )


# --- resolving secrets ------------------------------------------------------------------------------------


def tracker_options(
    settings: Settings, tracker_id: str, environ: Mapping[str, str], *, groups: bool = False
) -> TrackerOptions:
    """What the connector of that tracker is told, secrets included. `groups`: marks are labels in groups there.

    Raises:
        ConfigError: a secret is not to be had; with all of that tracker's.
        KeyError: there is no such tracker.
    """
    tracker = settings.tracker(tracker_id)
    if tracker is None:
        raise KeyError(tracker_id)
    problems: list[Problem] = []
    auth: dict[str, str] = {}
    for name, given in tracker.auth.items():
        try:
            auth[name] = given.reveal(environ) if isinstance(given, Secret) else given
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(sorted(problems))
    return TrackerOptions(
        id=tracker.id,
        kind=tracker.kind,
        url=tracker.url,
        auth=auth,
        scope=tracker.scope,
        overlap=tracker.overlap,
        marks=settings.marks.names_in(groups=groups),
        mail=settings.marks.mail,
        installation=settings.installation,
    )


def missing_secrets(settings: Settings, environ: Mapping[str, str]) -> tuple[Problem, ...]:
    """Every secret that is not to be had, as advice: `check` connects to nothing."""
    found = [given for tracker in settings.trackers for given in (*tracker.auth.values(), tracker.webhook)]
    problems: list[Problem] = []
    for secret in (settings.store.password, *found):
        if isinstance(secret, Secret):
            try:
                secret.reveal(environ)
            except ConfigError as error:
                problems += (replace(problem, severity="advice") for problem in error.problems)
    return tuple(sorted(problems))
