"""Words of people on single issues, in the forms that commands and the report share."""

from datetime import datetime
from typing import Any, Protocol

from syncd.core.model import Override, Target, ToExempt, ToOutcome, ToOverhead
from syncd.render.jsonable import instant


class Told(Protocol):
    """A word on an issue, with the issue's key and when it ended."""

    @property
    def key(self) -> str:
        """The issue's."""
        ...

    @property
    def override(self) -> Override:
        """What was said."""
        ...

    @property
    def ended(self) -> datetime | None:
        """None: it stands."""
        ...


def target_text(target: Target | None) -> str:
    """A target as the command takes it."""
    match target:
        case None:
            return "auto"
        case ToOutcome(outcome=outcome, objective=objective):
            return outcome if objective is None else f"{outcome}/{objective}"
        case ToOverhead(overhead=overhead):
            return f"overhead:{overhead}"
        case ToExempt(why=why):
            return f"exempt: {why}"


def said_json(said: Told) -> dict[str, Any]:
    """One word, with all that is known of it."""
    override = said.override
    return {
        "tracker": override.ref.tracker,
        "key": said.key,
        "target": target_text(override.target),
        "source": override.source.value,
        "by": override.author,
        "at": instant(override.at),
        "reason": override.reason,
        "expires": instant(override.expires),
        "mark": override.mark,
        "ended": instant(said.ended),
    }


def how_text(override: Override) -> str:
    """How it was said."""
    return f'by the mark "{override.mark}"' if override.mark is not None else "by command"
