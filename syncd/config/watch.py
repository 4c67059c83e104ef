"""Noticing that files changed, by looking at them once a second: no library, and any file system or swap will do."""

import hashlib
from collections.abc import Callable, Hashable, Iterator, Sequence
from pathlib import Path
from typing import Final

PERIOD: Final = 1.0
"""Seconds between two looks."""
SETTLE: Final = 0.2
"""Seconds that files must have stayed the same before they count as written."""
PATIENCE: Final = 20
"""Looks after which files count as written although they still change."""


def changes(
    paths: Sequence[Path], wait: Callable[[float], None], also: Callable[[], Hashable] = lambda: None
) -> Iterator[None]:
    """Yield at once, and again whenever what stands in a file, or what `also` answers, has become another.

    A file that comes, goes, is replaced or is reached through a link that is swapped (as Kubernetes does with a
    ConfigMap) counts by its content alone: touching it is no change. What changes while the caller is busy is told
    when it asks again. `wait` sleeps for so many seconds; whatever it raises ends the watching.
    """
    seen: Hashable = None
    while True:
        now = (also(), *map(_content, paths))
        if seen is not None and now != seen:
            now = _settled(paths, wait, also, now)
        if now != seen:
            seen = now
            yield
        wait(PERIOD)


def _settled(
    paths: Sequence[Path], wait: Callable[[float], None], also: Callable[[], Hashable], now: tuple[Hashable, ...]
) -> tuple[Hashable, ...]:
    """What stands in the files when an editor or a swap has done with them."""
    for _ in range(PATIENCE):
        wait(SETTLE)
        before, now = now, (also(), *map(_content, paths))
        if before == now:
            break
    return now


def _content(path: Path) -> str:
    """A digest of what stands there, or why it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError) as unreadable:  # ValueError: a path with a NUL byte
        return type(unreadable).__name__
