"""`syncd` and `python -m syncd`: the way in, which stands before everything that takes time to load."""

import gc
import sys
from typing import Final, NoReturn

INTERRUPTED: Final = 130


def main() -> NoReturn:
    """The program. Ctrl-C while its parts are still being loaded ends it as quietly as later on."""
    try:
        from syncd.cli import main as begin  # noqa: PLC0415 - loading is what may be interrupted
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    gc.freeze()  # what is loaded stays: no collection need walk through it again
    begin()


if __name__ == "__main__":
    main()
