"""How every connector calls out: one manner for all (`calling`), and what an answer tells (`answers`)."""

from connectors.http.answers import Answer, said
from connectors.http.calling import (
    PATIENCE,
    Amiss,
    Caller,
    LimitedPart,
    Params,
    Rejected,
    Shared,
    Sleep,
    Watching,
    correlation,
    meaning,
    watching,
)

__all__ = [
    "PATIENCE",
    "Amiss",
    "Answer",
    "Caller",
    "LimitedPart",
    "Params",
    "Rejected",
    "Shared",
    "Sleep",
    "Watching",
    "correlation",
    "meaning",
    "said",
    "watching",
]
