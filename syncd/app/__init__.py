"""The composition root: the package that knows every part, and what each command comes to (docs/adr/0015).

`App` has the commands of DESIGN §10 without their printing; the modules beside it hold those that go by one subject
(`status`, `outbox`, `people`, `settling`, `noise`, `doctor`). `syncd.cli` calls them, prints, and picks the exit code.
"""

from syncd.app.commands import (
    App,
    SeveralTrackersError,
    Shown,
    SystemClock,
    UnknownKeyError,
    UnknownProjectError,
    UnknownTrackerError,
)
from syncd.app.desk import Desk, comment_policy, correlated, scope_of, told_lately
from syncd.app.kinds import load_kind

__all__ = [
    "App",
    "Desk",
    "SeveralTrackersError",
    "Shown",
    "SystemClock",
    "UnknownKeyError",
    "UnknownProjectError",
    "UnknownTrackerError",
    "comment_policy",
    "correlated",
    "load_kind",
    "scope_of",
    "told_lately",
]
