"""What `syncd doctor` finds: one line for each thing it looked at, with what to grant or to run where it is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

SKEW: Final = timedelta(seconds=60)
"""Clocks that are further apart than that are told: graces and quiet hours are measured by the tracker's."""


@dataclass(frozen=True, slots=True)
class Checkup:
    """One thing that was looked at."""

    what: str
    """`token`, `PAY: labels`, `clock`."""
    ok: bool | None
    """None: nothing wrong by what `syncd.yaml` asks for now, and good to know."""
    says: str
    remedy: str = ""
    """What a person does about it; "" where nothing is to be done."""


def clock_checkup(skew: timedelta) -> Checkup:
    """How far the tracker's clock is from ours."""
    seconds = round(skew.total_seconds())
    if abs(skew) <= SKEW:
        return Checkup("clock", ok=True, says=f"{abs(seconds)} s apart from the tracker's")
    ahead = "behind" if seconds > 0 else "ahead of"
    remedy = "set this machine's clock by NTP"
    return Checkup("clock", ok=False, says=f"{abs(seconds)} s {ahead} the tracker's", remedy=remedy)


def healthy(found: Sequence[Checkup]) -> bool:
    """Whether nothing is wrong."""
    return all(one.ok is not False for one in found)
