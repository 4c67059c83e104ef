"""Who holds a tracker's lease: a process by name, and the proof that it is no more.

A command after a SIGKILL would wait until the dead process's lease runs out. Where that process ran in our own view
of processes (host, boot, namespace), whether it is still there can be known, and is: by its number *and* the moment
it began, since numbers are given out again. In any other case nothing is proven, and the lease runs its time.
"""

import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from syncd.core.running import holder_prefix

_TEXT: Final = re.compile(
    r"(?:syncd run (?P<name>\S+): )?pid (?P<pid>\d+) on (?P<host>\S+)(?: \((?P<began>\d+) (?P<view>\S+)\))?"
)
_BEGAN: Final = 19
"""Of the fields of /proc/PID/stat behind the name: when it began, in clock ticks since the boot (proc(5))."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process. `began` and `view` (boot and namespace) are empty where the system does not tell them.

    `name` is that of a process of the daemon, else empty.
    """

    pid: int
    host: str
    began: str = ""
    view: str = ""
    name: str = ""

    @classmethod
    def here(cls, name: str = "") -> "Holder":
        """This process."""
        pid, host = os.getpid(), re.sub(r"\s+", "-", socket.gethostname()) or "unknown"
        began, view = _began(pid), _view()
        return cls(pid, host, began, view, name) if began and view else cls(pid, host, name=name)

    @classmethod
    def of(cls, text: str) -> "Holder | None":
        """The holder that a lease names; None: it was not written by this."""
        found = _TEXT.fullmatch(text)
        if found is None:
            return None
        told = (found[part] or "" for part in ("began", "view", "name"))
        return cls(int(found["pid"]), found["host"], *told)

    def __str__(self) -> str:
        proof = f" ({self.began} {self.view})" if self.view else ""
        return f"{self.words}{proof}"

    @property
    def words(self) -> str:
        """For a person."""
        return f"{holder_prefix(self.name) if self.name else ''}pid {self.pid} on {self.host}"

    def is_surely_gone(self) -> bool:
        """Whether that very process has ended, beyond doubt."""
        if not self.view or self.host != Holder.here().host or self.view != _view():
            return False
        return _began(self.pid) != self.began and not _is_hidden(self.pid)


def gone_holder(text: str | None) -> str | None:
    """The holder as its lease names it, if it is surely gone."""
    holder = Holder.of(text or "")
    return text if holder is not None and holder.is_surely_gone() else None


def holder_words(text: str | None) -> str:
    """A lease's holder for a person."""
    holder = Holder.of(text or "")
    return str(text) if holder is None else holder.words


def _began(pid: int) -> str:
    """When a process began; empty where there is none, or where the system does not say. A zombie has ended."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    state, *fields = told.rpartition(")")[2].split()
    return "" if state in ("Z", "X") else fields[_BEGAN - 1]


def _is_hidden(pid: int) -> bool:
    """Whether such a process is there and its folder is not shown to us (hidepid): then nothing is known of it."""
    if Path(f"/proc/{pid}").exists():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _view() -> str:
    """This boot of this machine, and the processes that we can see of it: two containers see different ones."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}"  # noqa: PTH115 - it is no path: pid:[4026531836]
    except OSError:
        return ""
