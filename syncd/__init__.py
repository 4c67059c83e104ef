"""syncd ties every issue in the trackers to one strategic outcome, and says so where engineers look."""
