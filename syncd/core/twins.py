"""Twins: the same piece of work in two trackers, told by links from one to the other (DESIGN §4)."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

LONGEST: Final = 2_000
"""Characters of an address that are looked at; longer ones name nothing."""
_KEY: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,254}-[0-9]{1,18}")
_ADDRESS: Final = re.compile(r"(?i:https?)://(?:[^/?#@]*@)?([^/?#@\s]+)(/[^?#]*)?(?:\?([^#]*))?(?:#.*)?")
_IN_QUERY: Final = "selectedIssue="
"""How Jira's boards and lists say in their address which issue they show."""


class Named(NamedTuple):
    """What a link to an issue elsewhere says: the key in it, folded, and what stands before it (None: a bare key)."""

    key: str
    before: str | None


def named(told: str) -> Named | None:
    """The issue that an address leads to, or that a bare key names; None where there is no key in it."""
    text = told.strip()
    if _KEY.fullmatch(text):
        return Named(text.casefold(), None)
    parts = _ADDRESS.fullmatch(text) if len(text) <= LONGEST else None
    if parts is None:
        return None
    host, path, query = parts.groups(default="")
    return _in_path(host.casefold(), path) or _in_query(host.casefold(), query)


def _in_path(host: str, path: str) -> Named | None:
    """By the first step of the path that looks like a key: a title may follow, and look like one, too."""
    steps = path.split("/")
    for i, step in enumerate(steps):
        if _KEY.fullmatch(step):
            return Named(step.casefold(), host + "/".join(steps[:i]) + "/")
    return None


def _in_query(host: str, query: str) -> Named | None:
    values = (pair.removeprefix(_IN_QUERY) for pair in query.split("&") if pair.startswith(_IN_QUERY))
    return next((Named(value.casefold(), host) for value in values if _KEY.fullmatch(value)), None)


def keys_told(twins: Iterable[str]) -> frozenset[str]:
    """The folded keys that an issue's `twins` may mean: by these a store finds them."""
    return frozenset(name.key for name in map(named, twins) if name is not None)
