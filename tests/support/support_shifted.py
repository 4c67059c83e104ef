"""`syncd` on a machine whose clock is as far off as the file named by $SHIFT says, in seconds.

Whoever sets a machine's clock sets it for every program, so the engine's library sees the same time here as we do;
what measures how long something takes (`monotonic`) is not touched, as it is not by a real clock. It looks round as
often as that of support_brisk does.
"""

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

SHIFT = Path(os.environ["SHIFT"])
_real = time.time  # noqa: TID251 - it is what is shifted


def shifted() -> float:
    return _real() + float(SHIFT.read_text(encoding="utf-8"))


time.time = shifted  # noqa: TID251 - as above
time.time_ns = lambda: int(shifted() * 1e9)

import support_brisk  # noqa: E402, F401 - after it: it loads the engine's library

from syncd import app  # noqa: E402 - as above
from syncd.cli import main  # noqa: E402 - as above

app.SystemClock.now = lambda _self: datetime.fromtimestamp(time.time(), UTC)  # type: ignore[method-assign, assignment]  # noqa: TID251 - the shifted one

if __name__ == "__main__":
    main(sys.argv[1:])
