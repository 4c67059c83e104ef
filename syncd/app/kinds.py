"""The kinds of trackers: the table of ours and what other packages claim, by name."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import cast

from connectors import KINDS
from syncd.core.errors import ConfigError, Problem
from syncd.core.ports import TrackerKind


def kinds() -> Mapping[str, str]:
    """Kinds by name → import string: our own table first, then the entry points of `syncd.connectors`."""
    return {**dict(_plugged_in()), **KINDS}


@cache
def _plugged_in() -> tuple[tuple[str, str], ...]:
    """What other packages claim. Looked up once: it walks all that is installed, and that does not change under us."""
    return tuple((e.name, e.value) for e in entry_points(group="syncd.connectors"))


def load_kind(name: str) -> TrackerKind:
    """The kind of that name; a second claimant of one name is an error, since nobody could tell which one runs."""
    claimants = [value for claimed, value in _plugged_in() if claimed == name]
    claimants += [KINDS[name]] if name in KINDS else []
    if len(claimants) != 1:
        why = f"several packages claim the kind {name}: {', '.join(claimants)}" if claimants else f"no kind {name}"
        raise ConfigError([Problem("syncd.yaml", 1, 1, why, "uninstall one of them")])
    module, _, attribute = claimants[0].partition(":")
    return cast("TrackerKind", getattr(import_module(module), attribute))
