"""What the doctor found, for a person and as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from syncd.core.checkup import Checkup
from syncd.files.problems import visible

SIGNS: Final[Mapping[bool | None, str]] = {True: "ok", False: "WRONG", None: "note"}
LONGEST: Final = 400
"""Characters of one sentence: a tracker's own words may be in it."""


def section_text(name: str, found: Sequence[Checkup]) -> str:
    """One section: what was looked at, what was found, and under it what to do."""
    lines = [name]
    for one in found:
        lines.append(f"  {SIGNS[one.ok]:<6} {one.what}: {visible(one.says, LONGEST)}")
        if one.remedy and one.ok is not True:
            lines.append(f"         → {visible(one.remedy, LONGEST)}")
    return "\n".join(lines)


def doctor_json(sections: Mapping[str, Sequence[Checkup]], *, ok: bool) -> dict[str, Any]:
    """`doctor --json`."""
    return {"ok": ok, "sections": {name: [_checkup(one) for one in found] for name, found in sections.items()}}


def _checkup(one: Checkup) -> dict[str, Any]:
    return {"what": one.what, "ok": one.ok, "says": one.says, "remedy": one.remedy or None}
