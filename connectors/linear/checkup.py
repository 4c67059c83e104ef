"""What `syncd doctor` asks of a Linear workspace: the key, the clock, the teams, the budget, our label groups.

Whether labels may be created there no query tells: it is found when the first one is (facts/linear.md §1).
"""

from collections.abc import Iterator, Mapping

from connectors.linear.own_labels import OurLabels
from connectors.linear.reader import LinearReader
from connectors.linear.transport import KEY_PREFIX
from syncd.core.checkup import Checkup, clock_checkup
from syncd.core.errors import Denied
from syncd.core.plan import Write


def examine(reader: LinearReader, labels: OurLabels, wanted: Mapping[str, Write], token: str) -> Iterator[Checkup]:
    """Look at everything that `wanted` (team → policy) needs. Raises `Unavailable`, `Unreadable`."""
    try:
        sight = reader.look_around()
    except Denied as denied:
        remedy = f"needed: {denied.need}. Keys are made under Settings → Security & access, and put where `token` says"
        yield Checkup("token", ok=False, says=str(denied), remedy=remedy)
        return
    personal = token.startswith(KEY_PREFIX)
    yield Checkup(
        "token", ok=True, says=f"works, {'a personal key' if personal else 'an OAuth token'} of {sight.account}"
    )
    if personal:
        remedy = "give syncd a user of its own, if this one has other keys"
        yield Checkup("budget", ok=None, says="all keys of one user share one budget of requests", remedy=remedy)
    yield clock_checkup(sight.skew)
    for team in wanted:
        if team in sight.hidden:
            remedy = f"add {sight.account} to {team}, and the team to the key; or take it out of `scope`"
            yield Checkup(f"{team}: read", ok=False, says="not visible", remedy=remedy)
        else:
            yield Checkup(f"{team}: read", ok=True, says="visible")
    yield _groups(labels, needed=any(policy is not Write.OBSERVE for policy in wanted.values()))


def _groups(labels: OurLabels, *, needed: bool) -> Checkup:
    try:
        labels.check()
    except Denied as denied:
        return Checkup("labels", ok=False if needed else None, says=str(denied), remedy=denied.need)
    says = "no group of somebody else's bears our names; whether labels may be created shows when the first one is"
    return Checkup("labels", ok=True, says=says)
