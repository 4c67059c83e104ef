"""A credential that ends on a day that somebody told: said beforehand, since no tracker says it (facts/jira.md §8)."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from syncd.core.checkup import Checkup
from syncd.core.model import Finding

FORESEEN: Final = timedelta(days=30)
"""How long before its last day a token is told of: a new one may need somebody else's approval."""
LAST_DAY: Final = "token's end"
"""What is looked at, as `syncd doctor` calls it."""


def expiry_findings(tracker: str, last: date | None, today: date) -> Sequence[Finding]:
    """At most one: the tracker's token ends soon, or should have ended."""
    if last is None or last - today > FORESEEN:
        return []
    text = (
        f"The token of {tracker} {_ends(last, today)}. After its last day nothing can be read or written there: make "
        f"a new one, put it where `token` says, and its last day under `token_expires`."
    )
    return [Finding(tracker=tracker, kind="token-expires", cause=f"{last}", text=text)]


def expiry_checkup(last: date | None, today: date, lifetime: str) -> Checkup:
    """What `syncd doctor` says of it; `lifetime`: how long such tokens live, in the connector's words."""
    if last is None:
        remedy = "write its last day under `token_expires`, to be told 30 days before"
        return Checkup(LAST_DAY, ok=None, says=lifetime, remedy=remedy)
    soon = last - today <= FORESEEN
    remedy = "make a new one, put it where `token` says, and its last day under `token_expires`" if soon else ""
    return Checkup(LAST_DAY, ok=not soon, says=f"it {_ends(last, today)}", remedy=remedy)


def _ends(last: date, today: date) -> str:
    days = (last - today).days
    if days < 0:
        return f"should have ended on {last}, by `token_expires`"
    return f"ends on {last}, " + ("today" if days == 0 else "tomorrow" if days == 1 else f"in {days} days")
