"""`python -m support_blind …`: syncd with a safeguard taken out. What was sent without an answer is sent again, blind.

For the tests that must fail with it.
"""

import sys
from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

from syncd.cli import main
from syncd.core.ports import Entry, EntryState
from syncd.engine import cycle, writing
from syncd.engine.work import Work
from syncd.engine.writing import Done


def send_again(work: Work, _writer: Any, unsure: Sequence[Entry], _done: Done, **_told: bool) -> None:
    """In the place of looking: whatever is in doubt is to be done."""
    for entry in unsure:
        work.store.put_back(entry, EntryState.TODO, "sent again without a look", work.clock.now())


def send_all_again(work: Work, writer: Any) -> Done:
    """In the place of looking up what an earlier process left in `sending`."""
    send_again(work, writer, work.store.entries(work.tracker, [EntryState.SENDING], limit=1_000_000), Done())
    return Done()


def blind() -> None:
    """The command line, without the look."""
    with patch.object(writing, "_look_up", send_again), patch.object(cycle, "look_up_sending", send_all_again):
        main(sys.argv[1:])


if __name__ == "__main__":
    blind()
