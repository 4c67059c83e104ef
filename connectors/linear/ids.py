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


SIGN: Final = 13
"""As many characters of a comment's id say whose it is: 48 bits, and the hyphens between and behind them."""


def comment_id(installation: str, issue: str, entry: str) -> str:
    """The id of our comment on an issue: its beginning says which installation wrote it where, the rest what write.

    Linear's comments bear no property; so their ids are the signature that a store which was lost is not needed for.
    """
    return own_id("comment", installation, issue)[:SIGN] + own_id("comment", entry)[SIGN:]


def is_own_comment(identity: str, installation: str, issue: str) -> bool:
    """Whether that installation drew the id of a comment on that issue, by whichever store."""
    return identity[:SIGN] == own_id("comment", installation, issue)[:SIGN]
