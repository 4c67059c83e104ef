"""structlog, set up once by the command line: one canonical line per cycle, never a secret in it."""

import logging
from typing import Any, TextIO

import structlog


def configure(stream: TextIO) -> None:
    """Log as `key=value` lines with UTC stamps to that stream. Libraries' own loggers stay at warnings."""
    logging.basicConfig(level=logging.WARNING, stream=stream, format="%(levelname)s %(name)s %(message)s")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=stream),
    )


def logger() -> Any:
    """The program's logger; what it is told is a constant message with facts as keys."""
    return structlog.get_logger("syncd")
