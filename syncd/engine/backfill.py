"""Reading everything: several walks at once where the tracker pages by chains, and going on after a kill.

Walkers only fetch: each has a reader and a thread of its own, and hands pages over a short queue to the one thread
that writes them down with how far their part is. So memory holds a few pages, however much there is, and a process
that is killed reads again no more than these.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from datetime import timedelta
from queue import Empty, Full, Queue
from typing import Final

from syncd.core.ports import Backfill, PartedReader, PartPage, PartProgress, Progress
from syncd.engine.work import Work

TOGETHER: Final = 10
"""Pages written down in one go: a page alone costs nearly twice as much."""
GATHERING_S: Final = 0.05
"""How long pages wait for one more to be written down with."""
PATIENCE_S: Final = 0.5
OLDEST: Final = timedelta(days=7)
"""One that began before is not gone on with: too much of it is old by now."""

Remember = Callable[[Sequence[PartPage]], None]
_Piece = tuple[PartProgress, PartPage]


def read_everything(work: Work, progress: Progress, remember: Remember) -> Progress | None:
    """Read all that is in scope, part by part, from where an earlier process was stopped; None: one walk will do.

    The progress that comes back is that of the instant at which the reading began: what was changed meanwhile is
    still to be read. Raises the TrackerErrors of reading; what was remembered until then stays.
    """
    reader = work.reader
    if work.in_flight == 1 or not isinstance(reader, PartedReader):
        return None
    backfill = _under_way(work, progress) or _begin(work, progress, reader)
    if backfill is None:
        return None
    _Reading(work, backfill, remember).run(reader)
    return replace(progress, watermark=backfill.read_to)


def _under_way(work: Work, progress: Progress) -> Backfill | None:
    """What an earlier process left, if it reads what is wanted now."""
    backfill = work.store.backfill(work.tracker)
    if backfill is None or (backfill.scope, backfill.fields) != (progress.scope, progress.fields):
        return None
    return backfill if work.clock.now() - backfill.began < OLDEST else None


def _begin(work: Work, progress: Progress, reader: PartedReader) -> Backfill | None:
    began = work.clock.now()
    parts = tuple(PartProgress(n, part) for n, part in enumerate(reader.parts(work.in_flight)))
    if not parts:
        work.store.end_backfill(work.tracker)
        return None
    backfill = Backfill(began, began + progress.skew, progress.scope, progress.fields, parts)
    work.store.begin_backfill(work.tracker, backfill)
    return backfill


class _Reading:
    """One process's go at a whole reading."""

    def __init__(self, work: Work, backfill: Backfill, remember: Remember) -> None:
        self._work = work
        self._remember = remember
        # the largest last, where it is taken first: none of them is to be the only one left at the end
        self._left = sorted((p for p in backfill.parts if not p.done), key=lambda p: (p.part.size or 0) - p.read)
        self._taking = threading.Lock()
        self._pages: Queue[_Piece] = Queue(2 * work.in_flight)
        self._enough = threading.Event()
        """One walk has failed: the others end with the page that they are at."""
        self._over = threading.Event()
        """Nobody writes down any more."""
        self._done = sum(part.read for part in backfill.parts)
        self._total = sum(part.part.size or 0 for part in backfill.parts)

    def run(self, reader: PartedReader) -> None:
        readers = [reader.beside() for _ in range(min(self._work.in_flight, len(self._left)))]
        with ThreadPoolExecutor(max(1, len(readers)), thread_name_prefix="backfill") as pool:
            walks = [pool.submit(copy_context().run, self._walk, one) for one in readers]
            try:
                self._write_down(walks)
            finally:
                self._over.set()
        for one in readers:
            one.close()

    # --- those who walk

    def _walk(self, reader: PartedReader) -> None:
        while (part := self._next()) is not None:
            for page in reader.observe_part(part.part.name, part.after):
                part = replace(part, after=page.next, read=part.read + _rows(page), done=page.last)
                if not self._hand_over(part, page) or self._enough.is_set():
                    return

    def _next(self) -> PartProgress | None:
        with self._taking:
            return self._left.pop() if self._left and not self._enough.is_set() else None

    def _hand_over(self, part: PartProgress, page: PartPage) -> bool:
        """Wait for room; False: nobody takes anything any more."""
        while not self._over.is_set():
            try:
                self._pages.put((part, page), timeout=PATIENCE_S)
            except Full:
                continue
            return True
        return False

    # --- the one who writes down

    def _write_down(self, walks: Sequence[Future[None]]) -> None:
        while True:
            over = all(walk.done() for walk in walks)  # asked before looking: what they handed over is there by then
            self._work.still_ours()  # also while nothing comes: a walk may have been told to wait
            pieces = self._taken(PATIENCE_S if not over else 0)
            if pieces:
                self._keep(pieces)
            if any(walk.done() and walk.exception() for walk in walks):
                self._enough.set()
            if over and not pieces:
                break
        for walk in walks:
            walk.result()  # raises what it ended with

    def _taken(self, patience: float) -> list[_Piece]:
        pieces: list[_Piece] = []
        while len(pieces) < TOGETHER:
            try:
                pieces.append(self._pages.get(timeout=min(patience, GATHERING_S) if pieces else patience))
            except Empty:
                break
        return pieces

    def _keep(self, pieces: Sequence[_Piece]) -> None:
        """Snapshots first, then how far their parts are: the place never outruns the data."""
        self._remember([page for _, page in pieces])
        for part in {part.n: part for part, _ in pieces}.values():
            self._work.store.save_part(self._work.tracker, part)
        self._done += sum(_rows(page) for _, page in pieces)
        of = max(self._total, self._done) if self._total else None  # an estimate may be too low
        self._work.watch(f"reading {self._work.tracker}", self._done, of)


def _rows(page: PartPage) -> int:
    return len(page.issues) + len(page.unreadable)
