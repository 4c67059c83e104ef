"""The commands: parse, call `App`, print, pick the exit code (DESIGN §10). The only package that prints or exits.

What a program reads goes to stdout; progress, logs and problems go to stderr. `--help` lists the commands in the
order in which their modules are imported here.
"""

from syncd.cli import configuring, doctoring, cycling, running, looking, people, settling, noise, outbox, upkeep  # isort: skip  # noqa: F401 - importing registers
from syncd.cli.leaving import main
from syncd.cli.terminal import Exit, cli

__all__ = ["Exit", "cli", "main"]
