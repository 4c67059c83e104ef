"""Ids that syncd gives to what it makes in Linear: drawn from what a thing is, so that a repeat is refused."""

import hashlib
from functools import cache
from typing import Final
from uuid import UUID

CONFLICT: Final = "conflict on insert"
"""How Linear's refusal of an id that is there already begins (facts/linear.md §5)."""

LIVES: Final = 8
"""How often one label may be made anew: an id that was given once, and whose label is gone, is not given again."""


def own_id(*parts: str) -> str:
    """The same for the same parts, in the shape of a UUID of version 4: Linear takes no other (facts/linear.md §5)."""
    digest = hashlib.sha256("\n".join(("syncd", *parts)).encode()).digest()
    return str(UUID(bytes=digest[:16], version=4))


@cache
def label_ids(installation: str, what: str) -> frozenset[str]:
    """The ids that an installation gives to the label of a mark, or to a group by its name."""
    return frozenset(own_id("label", installation, what, str(life)) for life in range(LIVES))
