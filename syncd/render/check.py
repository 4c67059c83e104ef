"""What `syncd check` found: as text, as JSON, and as GitHub shows it in a pull request."""

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from syncd.core.errors import Problem
from syncd.files.problems import fails, problem_text, visible


def check_text(problems: Sequence[Problem]) -> str:
    """Every problem with its line and what to write instead."""
    return "".join(f"{problem_text(problem)}\n" for problem in problems)


def check_summary(folder: str, problems: Sequence[Problem]) -> str:
    """One line: how much was found."""
    errors = sum(p.severity == "error" for p in problems)
    found = f"{folder}: {errors} error(s), {len(problems) - errors} advice"
    named = any(p.name for p in problems)
    return f'{found} (to accept some: accept: {{name: "why"}}, docs/lints.md)' if named else found


def check_json(problems: Sequence[Problem], *, strict: bool) -> dict[str, Any]:
    """`check --json`."""
    keys = ("file", "line", "column", "severity", "message", "hint")
    listed = [{**{key: getattr(p, key) for key in keys}, "name": p.name or None} for p in problems]
    return {"ok": not any(fails(p, strict=strict) for p in problems), "problems": listed}


def check_github(problems: Sequence[Problem], base: PurePath, *, strict: bool) -> str:
    """`::error file=…,line=…,col=…::message` for each; advice is a warning, unless it makes the check fail.

    GitHub names files from the top of the repository: `base` is where the command runs, and taken off an absolute path.
    The offending line is left out, since GitHub shows it itself.
    """
    return "".join(_annotation(problem, base, fails=fails(problem, strict=strict)) for problem in problems)


def _annotation(problem: Problem, base: PurePath, *, fails: bool) -> str:
    path = PurePath(problem.file)
    file = path.relative_to(base) if path.is_relative_to(base) else path
    places = {"file": file.as_posix(), "line": problem.line, "col": problem.column, "title": "syncd check"}
    where = ",".join(f"{name}={_property(str(value))}" for name, value in places.items())
    name = f" [{problem.name}]" if problem.name else ""
    said = f"{visible(problem.message, 400)}{name}" + (f"\nhint: {visible(problem.hint, 400)}" if problem.hint else "")
    return f"::{'error' if fails else 'warning'} {where}::{_data(said)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
