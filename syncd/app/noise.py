"""How much syncd speaks up, and what comes of it. Offline."""

from collections import Counter
from contextlib import ExitStack

from syncd.app.commands import App
from syncd.app.desk import comment_policy, told_lately
from syncd.core.acting import NoiseReport, noise_report

COMMENT = "comment: "


def noise(app: App) -> NoiseReport:
    """People told by week, comments acted on by rule, and what is held back for a lasting reason."""
    with ExitStack() as stack:
        desk = app.offline_desk(stack)
        store = desk.store
        trackers = [tracker.id for tracker in desk.config.settings.trackers]
        skew = max((store.progress(tracker).skew for tracker in trackers), key=abs)
        now = app.clock.now() + skew
        notices, turns = told_lately(store, now)
        held: Counter[str] = Counter()
        for tracker in trackers:
            held.update({w.removeprefix(COMMENT): n for w, n in store.held(tracker).items() if w.startswith(COMMENT)})
        heed = comment_policy(desk.config.settings.comments).heed
        return noise_report(notices, turns, heed, now, held)
