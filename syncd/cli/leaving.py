"""How the program ends: every error becomes a sentence and an exit code. No traceback ever reaches a user."""

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Final, NoReturn, TextIO, cast

from syncd.app import SeveralTrackersError, UnknownKeyError, UnknownProjectError, UnknownTrackerError
from syncd.app.people import UnknownTargetError
from syncd.app.settling import NotClaimedError, UnknownCauseError
from syncd.cli.streams import Unbroken, prepare
from syncd.cli.terminal import INTERRUPTED, Exit, cli, complain
from syncd.config.new import AlreadyThereError
from syncd.core.errors import ConfigError, SyncdError, TrackerError
from syncd.engine.work import LeaseLostError
from syncd.files.problems import problem_text
from syncd.telemetry import configure


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """The program. Turns every error into a sentence and an exit code."""
    prepare()
    configure(cast("TextIO", Unbroken(sys.stderr)))
    given = _config_first(list(sys.argv[1:] if argv is None else argv))
    sys.exit(_run(given))


def _config_first(argv: list[str]) -> list[str]:
    """`syncd check --config DIR` means the same as `syncd --config DIR check`."""
    for at, word in enumerate(argv):
        if word == "--":
            break
        if word == "--config" and at + 1 < len(argv):
            return [word, argv[at + 1], *argv[:at], *argv[at + 2 :]]
        if word.startswith("--config="):
            return [word, *argv[:at], *argv[at + 1 :]]
    return argv


EXITS: Final[tuple[tuple[type[BaseException], Exit], ...]] = (
    (UnknownKeyError, Exit.UNKNOWN),
    (UnknownTargetError, Exit.CONFIG),
    (UnknownCauseError, Exit.UNKNOWN),
    (NotClaimedError, Exit.CONFIG),
    (SeveralTrackersError, Exit.CONFIG),
    (UnknownTrackerError, Exit.CONFIG),
    (UnknownProjectError, Exit.CONFIG),
    (AlreadyThereError, Exit.CONFIG),
    (TrackerError, Exit.UNREADABLE),
    (LeaseLostError, Exit.WAITS),
    (SyncdError, Exit.WAITS),
)
"""What an error means for whoever called; the first that fits counts."""


def _run(argv: list[str]) -> int:
    try:
        cli(argv, prog_name="syncd")
    except SystemExit as left:
        if left.code == INTERRUPTED:  # typer's own end of a KeyboardInterrupt
            complain("stopped; what was begun is looked up by the next cycle")
        return left.code if isinstance(left.code, int) else int(left.code is not None)
    except ConfigError as wrong:
        complain("\n".join(problem_text(problem) for problem in wrong.problems))
        return Exit.CONFIG
    except Exception as failed:  # noqa: BLE001 - the last boundary: a user is told what to do, never shown a traceback
        return _told(failed)
    return Exit.OK


def _told(failed: Exception) -> int:
    for kind, code in EXITS:
        if isinstance(failed, kind):
            complain(str(failed))
            return code
    _report_bug(failed)
    return Exit.WAITS


def _report_bug(bug: Exception) -> None:
    complain(f"syncd met a bug of its own ({type(bug).__name__}); nothing was written after it.")
    if os.environ.get("SYNCD_DEBUG"):
        traceback.print_exception(bug)
    else:
        complain("Run it again with SYNCD_DEBUG=1 and report what it prints; it may quote issues, but no secrets.")
