"""`syncd` with a daemon that gives signs of life six times as often, so that tests need not wait for the dead."""

import sys

from syncd import gauges
from syncd.engine import keeper

TIMES = 6
keeper.BEAT_EVERY /= TIMES  # type: ignore[misc]  # before syncd.daemon reads it
gauges.SILENT_S /= TIMES  # type: ignore[misc]  # so many beats as ever

from syncd.cli import main  # noqa: E402 - after it

if __name__ == "__main__":
    main(sys.argv[1:])
