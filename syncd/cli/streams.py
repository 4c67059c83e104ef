"""Stdout and stderr as they are found: closed, in an old encoding, on a full disk, or with nobody who reads on.

What a command did does not hang on who reads about it, so none fails for want of a reader, and the exit code stays
the command's own.
"""

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, TextIO

from syncd.core.errors import SyncdError

_STANDARD: Final = (0, 1, 2)


def prepare() -> None:
    """Put nothing where a stream was closed (`>&-`): else the next file opened would stand there and be written to.

    What an encoding cannot say is written as an escape.
    """
    for number in _STANDARD:
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def put(text: str) -> None:
    """Text to stdout, at once.

    Raises:
        SyncdError: it could not be written, for another reason than that nobody reads on.
    """
    _heard(lambda: sys.stdout.write(text))


def put_utf8(text: str) -> bool:
    """Text to stdout in UTF-8 whatever the terminal is set to; whether anybody reads on. Raises as `put`."""
    return _heard(lambda: sys.stdout.buffer.write(text.encode(errors="replace")))


def put_error(text: str) -> None:
    """Text to stderr, or to nobody."""
    Unbroken(sys.stderr).write(text)


class Unbroken(io.TextIOBase):
    """A stream for what is told on the way: where it cannot be written it is lost, and the work goes on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write it at once, if that is possible."""
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            _give_up(self._stream)
        return len(text)

    def flush(self) -> None:
        """Nothing is ever left to be flushed."""


def _heard(write: Callable[[], object]) -> bool:
    try:
        sys.stdout.flush()  # what was written as text goes before what is written as bytes
        write()
        sys.stdout.flush()
    except BrokenPipeError:  # such as `| head`, which has enough
        _give_up(sys.stdout)
        return False
    except OSError as failed:
        _give_up(sys.stdout)
        raise SyncdError(f"stdout cannot be written: {failed.strerror}") from None
    return True


def _give_up(stream: TextIO) -> None:
    """Send what is still to come nowhere; Python's own flush at the end must not complain either."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
