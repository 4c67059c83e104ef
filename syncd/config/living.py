"""The config while the daemon runs: an edit is read whole, checked whole, and swapped in one step, or not at all.

What may change without a restart is small on purpose (DESIGN §8): strategy and rules, and of syncd.yaml `write_closed`,
`marks`, `comments`, `commands`, `limits`, and each tracker's `write` and `write_by`. Whoever may edit a file must not
be able to send the token elsewhere, widen the scope or open a port in passing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from syncd.config import Config
from syncd.core.errors import ConfigError, Problem
from syncd.settings import Secret, Settings, TrackerSettings

RELOADED = ("write_closed", "marks", "comments", "commands", "limits")
"""Keys of syncd.yaml whose edits are taken up."""
RELOADED_OF_TRACKERS = ("write", "write_by")
TYPED = ("kind", "url", "auth", "scope", "poll_every", "overlap", "census_every", "webhook")
Reload = Literal["same", "swapped", "broken"]


@dataclass(frozen=True, slots=True)
class Standing:
    """What is in force, and what is wrong with the files as they are now."""

    config: Config
    problems: tuple[Problem, ...] = ()
    """Of the files now, while an earlier version is in force."""
    restart: tuple[str, ...] = ()
    """Keys whose edits wait for a restart."""


class Living:
    """The config in force. `standing` is replaced whole: who took it has all of one version."""

    def __init__(self, load: Callable[[], Config], standing: Standing) -> None:
        self._load = load
        self.standing = standing

    @property
    def config(self) -> Config:
        """The last good version."""
        return self.standing.config

    def reload(self) -> Reload:
        """Read the files again."""
        before = self.standing
        try:
            fresh = self._load()
        except ConfigError as wrong:
            errors = tuple(p for p in wrong.problems if p.severity == "error")
            self.standing = replace(before, problems=errors)
            return "broken"
        settings, restart = taken_up(before.config.settings, fresh.settings)
        config = replace(fresh, settings=settings)
        self.standing = Standing(config, (), restart)
        same = settings == before.config.settings and config.rulebook.version == before.config.rulebook.version
        return "same" if same and before.restart == restart and not before.problems else "swapped"


def taken_up(old: Settings, new: Settings) -> tuple[Settings, tuple[str, ...]]:
    """The old settings with what may be reloaded of the new ones, and the keys that need a restart."""
    restart = [name for name in ("installation", "store", "http", "reports") if _told(old, name) != _told(new, name)]
    theirs = {tracker.id: tracker for tracker in new.trackers}
    restart += [f"trackers.{name}" for name in sorted(theirs.keys() ^ {t.id for t in old.trackers})]
    trackers = []
    for tracker in old.trackers:
        edited = theirs.get(tracker.id)
        if edited is not None:
            restart += [f"trackers.{tracker.id}.{name}" for name in _changed(tracker, edited)]
            tracker = replace(tracker, **{name: getattr(edited, name) for name in RELOADED_OF_TRACKERS})  # noqa: PLW2901 - the same tracker, as edited
        trackers.append(tracker)
    taken = {name: getattr(new, name) for name in RELOADED}
    return replace(old, trackers=tuple(trackers), **taken), tuple(restart)


def _changed(old: TrackerSettings, new: TrackerSettings) -> list[str]:
    changed = [name for name in TYPED if _plain(getattr(old, name)) != _plain(getattr(new, name))]
    others = (set(old.options) | set(new.options)) - {*TYPED, *RELOADED_OF_TRACKERS}
    return changed + sorted(name for name in others if old.options.get(name) != new.options.get(name))


def _told(settings: Settings, name: str) -> Any:
    value = getattr(settings, name)
    return (value.url, _plain(value.password)) if name == "store" else value


def _plain(value: Any) -> Any:
    """Without where in the file it stands."""
    if isinstance(value, Secret):
        return value.origin, value.name
    return {name: _plain(below) for name, below in value.items()} if isinstance(value, Mapping) else value
