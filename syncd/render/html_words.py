"""Days and instants in words, for pages that people read."""

from datetime import date, datetime
from typing import Final

MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def day(when: date) -> str:
    """`22 November 2026`."""
    return f"{when.day} {MONTHS[when.month - 1]} {when.year}"


def instant_words(when: datetime) -> str:
    """`22 November 2026, 00:03 UTC`; `when` is in UTC."""
    return f"{day(when.date())}, {when:%H:%M} UTC"
