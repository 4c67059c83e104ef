"""`python -m connectors.sandbox.linear`: a small Linear as a process of its own. Prints its endpoint as one line."""

import argparse
import sys
import time
from datetime import UTC, datetime

from connectors.sandbox.linear.app import PATH
from connectors.sandbox.linear.server import serve_linear_forever
from connectors.sandbox.linear.workspace import Workspace
from connectors.sandbox.linear.world import Twin, build_linear_world, twins_of
from connectors.sandbox.server import bound, url_of
from connectors.sandbox.site import Site
from connectors.sandbox.world import build_world


def wall_clock() -> datetime:
    """The machine's own time: this process is not a test."""
    return datetime.fromtimestamp(time.time_ns() / 1e9, UTC)


def _twins(url: str, seed: int, size: int) -> list[Twin]:
    """Of the Jira world that another process serves: keys and titles follow from its seed and size alone."""
    site = Site(clock=wall_clock)
    build_world(site, seed=seed, size=size)
    return twins_of(site, base_url=url)


def main(arguments: list[str]) -> None:
    """Builds a workspace, says where it is, and serves it until it is told to end."""
    workspace = Workspace(wall_clock)
    parser = argparse.ArgumentParser(
        prog="python -m connectors.sandbox.linear",
        description=__doc__,
        epilog=f"It answers to the API key {workspace.token}.",
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, default=300)
    parser.add_argument("--twins-of", metavar="URL", help="where `python -m connectors.sandbox` answers, for twins")
    parser.add_argument("--jira-seed", type=int, default=1, help="of the world there")
    parser.add_argument("--jira-size", type=int, default=2000, help="of the world there")
    parser.add_argument("--control", action="store_true", help="open /_sandbox/ to tests")
    asked = parser.parse_args(arguments)
    twins = _twins(asked.twins_of, asked.jira_seed, asked.jira_size) if asked.twins_of else []
    build_linear_world(workspace, seed=asked.seed, size=asked.size, twins=twins)
    with bound(asked.port) as listener:
        sys.stdout.write(url_of(listener) + PATH + "\n")
        sys.stdout.flush()
        serve_linear_forever(workspace, listener, control=asked.control)


if __name__ == "__main__":
    main(sys.argv[1:])
