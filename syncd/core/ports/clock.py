"""Time, as an argument of everything that needs it."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Time, so that nothing else asks the machine for it."""

    def now(self) -> datetime:
        """This instant, aware, in UTC."""
        ...
