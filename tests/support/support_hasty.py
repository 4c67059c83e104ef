"""`syncd` with a daemon that gives signs of life six times as often, so that tests need not wait for the dead."""

import sys

from syncd.engine import keeper

keeper.BEAT_EVERY = 0.5  # type: ignore[misc]  # before syncd.daemon reads it

from syncd.cli import main  # noqa: E402 - after it

if __name__ == "__main__":
    main(sys.argv[1:])
