"""`syncd run`: the daemon, and what signals mean to it."""

import gc
import os
import re
import signal
import socket
import sys
import threading
from types import FrameType
from typing import Annotated, Final

import typer

from syncd.cli.terminal import Exit, cli, complain, open_app
from syncd.service.notify import Notifier

WITHIN: Final = 4.7
"""Seconds after a signal to end at which the process is gone, whatever a disk, a database or a library still does."""


@cli.command()
def run(
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            envvar="SYNCD_NAME",
            help="The name of this process: its own among all that share a store, the same after a restart.",
        ),
    ] = None,
) -> None:
    """Watch the trackers until SIGTERM. SIGHUP reads the config again. Exit 0, or 1 if it had to give up."""
    from syncd.daemon import Daemon  # noqa: PLC0415 - loads the engine, which no other command needs

    gc.freeze()  # as in __main__: the engine stays, too
    known_as = re.sub(r"\s+", "-", name or socket.gethostname()) or "unknown"
    daemon = Daemon(open_app(), known_as, Notifier(os.environ.get("NOTIFY_SOCKET", "")))

    def end(_signal: int, _frame: FrameType | None) -> None:
        if not daemon.stop.is_set():
            daemon.stop.set()
            at_last = threading.Timer(WITHIN, leave, (Exit.OK,))
            at_last.daemon = True
            at_last.start()

    def read_again(_signal: int, _frame: FrameType | None) -> None:
        daemon.reload.set()

    for number, act in ((signal.SIGTERM, end), (signal.SIGINT, end), (signal.SIGHUP, read_again)):
        signal.signal(number, act)
    quiet = daemon.run()
    if daemon.failed is not None:
        complain(daemon.failed)
    code = Exit.OK if daemon.failed is None else Exit.WAITS
    if not quiet:
        leave(code)
    raise typer.Exit(code)


def leave(code: int) -> None:
    """End now. What still waits for an answer must not keep the process: the next start looks it up."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
