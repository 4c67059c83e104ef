"""A word to systemd over the socket that it names: READY=1, WATCHDOG=1, STOPPING=1, RELOADING=1."""

import socket
from dataclasses import dataclass
from typing import Final

TOO_LONG: Final = 0.5


@dataclass(frozen=True, slots=True)
class Notifier:
    """Speaks to `$NOTIFY_SOCKET`; with an empty address it says nothing."""

    address: str = ""

    def say(self, *words: str) -> bool:
        """Send these `NAME=value` lines in one message; whether somebody took it."""
        if not self.address:
            return False
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
                line.settimeout(TOO_LONG)
                line.sendto("\n".join(words).encode(), address)
        except OSError:  # not to be heard is no reason to end
            return False
        return True
