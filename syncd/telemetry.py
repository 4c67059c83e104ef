"""structlog, set up once by the command line: one canonical line per cycle, never a secret in it.

What is said of many things at once (which cycle, which tracker) is bound to the thread by `during`.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final, TextIO

import structlog

HIDDEN: Final = "[secret]"
AGAIN_AFTER: Final = 300.0
ALIKE: Final = 60
"""Characters that say what a library's line is about; the circumstances follow."""
LEVELS: Final = {"CRITICAL": "error", "ERROR": "error", "WARNING": "warning"}


class _Masked:
    """Takes secrets out of what is about to be written, wherever in it they stand."""

    def __init__(self) -> None:
        self.secrets: tuple[str, ...] = ()

    def __call__(self, _logger: Any, _method: str, event: Any) -> Any:
        return {key: self.clean(value) for key, value in event.items()} if self.secrets else event

    def clean(self, value: Any) -> Any:
        """A value without secrets."""
        if isinstance(value, str):
            for secret in self.secrets:
                value = value.replace(secret, HIDDEN)
            return value
        if isinstance(value, dict):
            return {self.clean(key): self.clean(below) for key, below in value.items()}
        if isinstance(value, list | tuple):
            return [self.clean(below) for below in value]
        return value if isinstance(value, int | float | type(None)) else self.clean(str(value))


_masked = _Masked()


class LibraryLog(logging.Handler):
    """A handler that tells a library's warnings through our log, as one event; lines that hold `drop` nowhere.

    A library whose database is away says so several times a second. Lines that begin alike are told once in
    `AGAIN_AFTER` seconds, so that a night's outage does not bury what matters.
    """

    def __init__(self, drop: Sequence[str] = (), since: Callable[[], float] = monotonic) -> None:
        super().__init__(logging.WARNING)
        self._drop = tuple(drop)
        self._since = since
        self._told: dict[str, float] = {}
        """How a line begins → when such a line was told."""

    def emit(self, record: logging.LogRecord) -> None:
        """Tell it, cut to a line."""
        text = " ".join(record.getMessage().split())[:500]
        if any(word in text for word in self._drop) or not self._is_news(f"{record.name} {text[:ALIKE]}"):
            return
        tell = getattr(logger(), LEVELS.get(record.levelname, "info"))
        tell("library_said", library=record.name, text=text)

    def _is_news(self, beginning: str) -> bool:
        now = self._since()
        if now - self._told.get(beginning, -AGAIN_AFTER) < AGAIN_AFTER:
            return False
        self._told = {**{line: at for line, at in self._told.items() if now - at < AGAIN_AFTER}, beginning: now}
        return True


def configure(stream: TextIO) -> None:
    """Log as `key=value` lines with UTC stamps to that stream. Libraries' own loggers stay at warnings."""
    logging.basicConfig(level=logging.WARNING, stream=stream, format="%(levelname)s %(name)s %(message)s")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _masked,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=stream),
    )


def hide(secrets: Sequence[str]) -> None:
    """These words show in no line from now on: a net below what keeps them out in the first place."""
    _masked.secrets = tuple(sorted({s for s in secrets if s}, key=len, reverse=True))


def masked(text: str) -> str:
    """A text without these words."""
    clean: str = _masked.clean(text)
    return clean


def logger() -> Any:
    """The program's logger; what it is told is a constant message with facts as keys."""
    return structlog.get_logger("syncd")


@contextmanager
def during(**facts: str) -> Iterator[None]:
    """These facts stand in every line that this thread writes in the block."""
    with structlog.contextvars.bound_contextvars(**facts):
        yield
