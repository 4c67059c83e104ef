"""`syncd doctor`: is everything there that the service needs, and what to grant or to run where it is not.

It reads only. What it finds wrong is what `syncd.yaml` asks for now; what a wider `write:` would need is told, too.
"""

import platform
import shutil
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Final

from syncd import __version__
from syncd.app.commands import App
from syncd.app.desk import scope_of
from syncd.app.kinds import load_kind
from syncd.core.checkup import Checkup
from syncd.core.errors import Behind, ConfigError, StoreError, TrackerError
from syncd.core.expiry import LAST_DAY, expiry_checkup
from syncd.core.plan import Write
from syncd.core.ports import Signature
from syncd.settings import Settings, TrackerSettings, tracker_options
from syncd.store import file_of, open_store

LITTLE_ROOM: Final = 1 << 30
"""Bytes that should be free where an SQLite store lies."""

Section = tuple[str, Sequence[Checkup]]
"""What was examined (`this machine`, `store`, or a tracker's id), and what was found."""


def examine(app: App) -> Iterator[Section]:
    """Section by section, as each is done. `ConfigError` where syncd.yaml itself is broken."""
    settings = app.settings()
    yield "this machine", [_versions(), *_config(app)]
    instance, store = _store(app, settings)
    yield "store", store
    signature = Signature(settings.installation, instance)
    for tracker in settings.trackers:
        yield tracker.id, list(_tracker(app, settings, tracker, signature))


def _versions() -> Checkup:
    says = f"syncd {__version__} on Python {platform.python_version()}, SQLAlchemy {version('sqlalchemy')}"
    return Checkup("versions", ok=True, says=says)


def _config(app: App) -> Iterator[Checkup]:
    problems = app.check()
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        says = f"{len(errors)} error(s), the first at {errors[0].file}:{errors[0].line}"
        yield Checkup("config", ok=False, says=says, remedy="run `syncd check`, which tells all of them")
    else:
        yield Checkup("config", ok=True, says=f"sound, with {len(problems)} advice")


# --- the store --------------------------------------------------------------------------------------------


def _store(app: App, settings: Settings) -> tuple[str, list[Checkup]]:
    """The store's instance id ("" where there is none yet), and what was found."""
    found = list(_room(settings))
    file = file_of(settings.store.url)
    if file is not None and not file.exists():
        parent = file.parent
        if not parent.is_dir():
            remedy = f"make the folder {parent}, or name another under `store:`"
            return "", [*found, Checkup("store", ok=False, says=f"{parent} does not exist", remedy=remedy)]
        return "", [*found, Checkup("store", ok=None, says=f"{file} is not there yet: the first cycle makes it")]
    password = None if settings.store.password is None else settings.store.password.reveal(app.environ)
    try:
        store = open_store(settings.store.url, password=password, create=False, clock_now=app.clock.now())
    except Behind as behind:
        return "", [*found, Checkup("store", ok=False, says=str(behind), remedy="run `syncd migrate`")]
    except StoreError as failed:
        empty = "is empty" in str(failed)
        remedy = "" if empty else 'see docs/store.md, "When it cannot be used"'
        return "", [*found, Checkup("store", ok=None if empty else False, says=str(failed), remedy=remedy)]
    try:
        counts = store.outbox_counts()
        dead = counts.get("dead", 0)
        found.append(Checkup("store", ok=True, says=f"opens, at this program's tables; instance {store.instance}"))
        if dead:
            remedy = "look: `syncd outbox list`; then retry or drop them"
            found.append(Checkup("outbox", ok=False, says=f"{dead} write(s) failed for good", remedy=remedy))
        return store.instance, found
    finally:
        store.close()


def _room(settings: Settings) -> Iterator[Checkup]:
    file = file_of(settings.store.url)
    if file is None or not file.parent.is_dir():
        return
    free = shutil.disk_usage(file.parent).free
    says = f"{free / (1 << 30):.1f} GiB free in {file.parent}"
    if free < LITTLE_ROOM:
        yield Checkup("disk", ok=False, says=says, remedy="make room: a store takes some 2 kB an issue, and grows")
    else:
        yield Checkup("disk", ok=True, says=says)


# --- a tracker --------------------------------------------------------------------------------------------


def _tracker(app: App, settings: Settings, tracker: TrackerSettings, signature: Signature) -> Iterator[Checkup]:
    kind = load_kind(tracker.kind)
    try:
        options = tracker_options(settings, tracker.id, app.environ, groups=kind.groups)
    except ConfigError as wrong:
        for problem in wrong.problems:
            yield Checkup("secret", ok=False, says=problem.message, remedy=problem.hint or "")
        return
    try:
        yield from _foreseeing(kind.examine(options, app.clock, signature, _wanted(tracker)), tracker, app)
    except TrackerError as failed:
        remedy = f"see that {options.url} can be reached from here, through any proxy or firewall"
        yield Checkup("reach", ok=False, says=str(failed), remedy=remedy)
    yield _webhook(settings, tracker)


def _foreseeing(found: Iterator[Checkup], tracker: TrackerSettings, app: App) -> Iterator[Checkup]:
    """What a connector found, and when the token ends by what stands in syncd.yaml."""
    last, today = tracker.token_expires, app.clock.now().date()
    for one in found:
        if last is None or one.what != LAST_DAY:
            yield one
        if last is not None and one.what == "token":
            yield expiry_checkup(last, today, "")


def _wanted(tracker: TrackerSettings) -> Mapping[str, Write]:
    return {entry: tracker.write_by.get(entry, tracker.write) for entry in scope_of(tracker)}


def _webhook(settings: Settings, tracker: TrackerSettings) -> Checkup:
    listens = settings.http.webhooks or settings.http.listen
    where = f"POST /webhooks/{tracker.id} on {listens[0]}:{listens[1]}"
    if tracker.webhook is None:
        says = f"none: a change is seen within {tracker.poll_every.total_seconds():.0f} s"
        return Checkup("webhook", ok=None, says=says)
    return Checkup("webhook", ok=True, says=f"has a secret; {where}, once `syncd run` runs")
