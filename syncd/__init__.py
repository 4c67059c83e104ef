"""syncd ties every issue in the trackers to one strategic outcome, and says so where engineers look."""

from typing import Final

__version__: Final = "0.1.0"
