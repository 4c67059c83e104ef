"""Issues as they were mapped when last read: one that answers with the very same words is the very same `Issue`.

Ancestors outside the scope are read in every poll, since no observation shows their changes and an `updated` of theirs
does not tell of a renamed status or project. What is compared is therefore all that the tracker says of an issue.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

import orjson

from connectors.jira.mapping import Dialect, read_issue
from syncd.core.errors import Unreadable
from syncd.core.model import Issue

AT_MOST: Final = 2000
"""Issues kept at hand (some 2 kB each); past it the memory starts afresh."""


class Remembered:
    """Maps what one reader reads, of one dialect; what cannot be understood is looked at anew each time."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._known: dict[str, tuple[bytes, Issue]] = {}

    def read(self, raw: Any, where: str) -> Issue | Unreadable:
        """As `read_issue` has it."""
        name = str(raw.get("id")) if isinstance(raw, Mapping) else ""
        words, known = _digest(raw), self._known.get(name)
        if known is not None and known[0] == words:
            return known[1]
        read = read_issue(raw, self._dialect, where)
        if isinstance(read, Issue) and words is not None:
            if len(self._known) >= AT_MOST:
                self._known.clear()
            self._known[name] = words, read
        return read


def _digest(raw: Any) -> bytes | None:
    """A digest of all of it; None for what nests deeper than can be written down again."""
    try:
        return blake2b(orjson.dumps(raw), digest_size=16).digest()
    except orjson.JSONEncodeError:
        return None
