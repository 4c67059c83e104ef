"""What people said on single issues, gathered from the store for the report."""

from collections.abc import Sequence
from datetime import datetime

from syncd.core.overriding import Overrides, override_lines
from syncd.core.ports import Store
from syncd.engine.widening import chunks


def overrides_told(store: Store, trackers: Sequence[str], now: datetime) -> Overrides:
    """Every word on an issue in scope of those trackers, also those that ended."""
    words = [(word, ended) for word, ended in store.words(ended=True) if word.ref.tracker in trackers]
    issues = {
        ref: known.issue
        for some in chunks(sorted({word.ref for word, _ in words}))
        for ref, known in store.known(some).items()
        if known.in_scope
    }
    return override_lines(words, issues, now)
