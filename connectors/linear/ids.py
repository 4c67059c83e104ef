"""Ids that syncd gives to what it makes in Linear: drawn from what a thing is, so that a repeat is refused."""

import hashlib
from typing import Final
from uuid import UUID

CONFLICT: Final = "conflict on insert"
"""How Linear's refusal of an id that is there already begins (facts/linear.md §5)."""


def own_id(*parts: str) -> str:
    """The same for the same parts, in the shape of a UUID of version 4: Linear takes no other (facts/linear.md §5)."""
    digest = hashlib.sha256("\n".join(("syncd", *parts)).encode()).digest()
    return str(UUID(bytes=digest[:16], version=4))
