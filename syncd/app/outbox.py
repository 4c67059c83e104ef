"""`syncd outbox`: what is not written yet, and what a person does about dead letters."""

from collections.abc import Sequence
from contextlib import ExitStack

from syncd.app.commands import App, UnknownKeyError
from syncd.core.ports import Entry, EntryState
from syncd.engine.deadletters import letters_of


def waiting_writes(app: App) -> Sequence[Entry]:
    """Writes that are not over, and those that a person dropped, in the order they were committed. Offline."""
    with ExitStack() as stack:
        desk = app.offline_desk(stack)
        states = [EntryState.TODO, EntryState.SENDING, EntryState.DEAD, EntryState.DISMISSED]
        ids = [tracker.id for tracker in desk.config.settings.trackers]
        return [entry for tracker in ids for entry in desk.store.entries(tracker, states, limit=1_000_000)]


def settle_dead(app: App, key: str | None, *, again: bool) -> Sequence[Entry]:
    """Retry or drop dead letters, of one issue or (None) all; those it was done to. Offline.

    `UnknownKeyError` if that issue has none. What was dropped can be retried, too.
    """
    with ExitStack() as stack:
        desk = app.offline_desk(stack)
        store, now = desk.store, app.clock.now()
        chosen = [
            entry
            for tracker in desk.config.settings.trackers
            for entry in letters_of(store, tracker.id, key, dismissed=again and key is not None)
        ]
        if key is not None and not chosen:
            raise UnknownKeyError(f"no write of {key} waits for a person: `syncd outbox list` shows what does")
        note = "dropped by `syncd outbox drop`"
        return [e for e in chosen if (store.revive(e, now) if again else store.dismiss(e, note, now))]
