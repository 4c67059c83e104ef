"""`syncd` with a daemon that looks round six times as often: at its queue, its files, webhooks, its pulse, its figures.

All of that stays in proportion, so what is proven of it is what holds at its own pace; tests need not wait for it.
"""

import sys
from functools import partial

from support_hasty import TIMES

from syncd import daemon, gauges
from syncd.cli import main
from syncd.config import watch

watch.PERIOD /= TIMES  # type: ignore[misc]  # a constant, but for this program
daemon.ROUND /= TIMES  # type: ignore[misc]  # as above
daemon.LISTEN_FOR /= TIMES  # type: ignore[misc]  # as above
daemon.Daemon = partial(daemon.Daemon, poll=1.0 / TIMES)  # type: ignore[assignment, misc]  # before the command takes it
gauges.Gauges.freshen.__defaults__ = (gauges.FRESH_S / TIMES,)

if __name__ == "__main__":
    main(sys.argv[1:])
