"""`python -m connectors.sandbox`: the sandbox as a process of its own. Prints its address as one line."""

import argparse
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from connectors.sandbox import Site, build_world, load_issues
from connectors.sandbox.server import bound, serve_forever, url_of


def wall_clock() -> datetime:
    """The machine's own time: this process is not a test."""
    return datetime.fromtimestamp(time.time_ns() / 1e9, UTC)


def main(arguments: list[str]) -> None:
    """Builds a site, says where it is, and serves it until it is told to end."""
    site = Site(clock=wall_clock, kept_exchanges=0)  # nobody could look at them from outside
    who = f"It answers to {site.email} with the API token {site.token}."
    parser = argparse.ArgumentParser(prog="python -m connectors.sandbox", description=__doc__, epilog=who)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--issues", type=Path, help="a file of real issues, one JSON issue a line")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, default=2000)
    parser.add_argument("--control", action="store_true", help="open /_sandbox/ to tests")
    asked = parser.parse_args(arguments)
    if asked.issues:
        load_issues(site, asked.issues)
    else:
        build_world(site, seed=asked.seed, size=asked.size)
    with bound(asked.port) as listener:
        sys.stdout.write(url_of(listener) + "\n")
        sys.stdout.flush()
        serve_forever(site, listener, control=asked.control)


if __name__ == "__main__":
    main(sys.argv[1:])
