"""`syncd …` as a process of its own, forked off one that has imported it and opened nothing.

What such a process does is what `python -m syncd` does; only it need not first spend a second or two on importing,
which is far more than a test that starts dozens of them can afford.
"""

import multiprocessing
import os
import runpy
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["pytest", "syncd.cli", "syncd.app", "syncd.store", "connectors.jira.cloud", "connectors.linear.kind"]
)


def started(program: str, arguments: Sequence[str], folder: Path, environ: Mapping[str, str]) -> BaseProcess:
    """`python -m program arguments…` in that folder, with that environment and no other; it says into `said` there.

    To be waited for by `join`, and closed.
    """
    process = _CONTEXT.Process(target=_become, args=(program, arguments, folder, environ))
    process.start()
    return process


def _become(program: str, arguments: Sequence[str], folder: Path, environ: Mapping[str, str]) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    said = os.open("said", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(said, 1)
    os.dup2(said, 2)
    sys.argv = [program, *arguments]
    runpy.run_module(program, run_name="__main__")
