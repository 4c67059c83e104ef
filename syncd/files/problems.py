"""How a problem in a config file is shown to a person: never with a secret, never with characters that do harm."""

import re
from collections.abc import Collection, Iterator, Sequence

from syncd.core.errors import Problem

_SECRET_KEY = re.compile(
    r"(?i)[\w.-]*(auth|token|passw|secret|credential|api[_-]?key|webhook\b)[\w.-]*[\"']?\s*:(?=[\s{\[\"'|>]|$)"
)
_NAMED = r"\{\s*(env|file)\s*:\s*[A-Za-z_][A-Za-z0-9_]*\s*\}"
_REFERENCE = re.compile(
    rf"\s*({_NAMED}|\{{\s*(email\s*:\s*[^\s,{{}}@]+@[^\s,{{}}@]+\s*,\s*)?(token|secret)\s*:\s*{_NAMED}\s*\}})[\s}}]*"
)
"""What may follow a key of secrets and be shown: where the secret is to be had."""
_HARMLESS = re.compile(
    r"\s*(-\s+)?((env|file):\s*[A-Za-z_][A-Za-z0-9_]*|(email:\s+[^\s@]+@[^\s@]+|(scope|kind|url):\s.*)|(token|secret|password|env|file):)\s*"
)
_USERINFO = re.compile(r"://[^\s\"']*@")
_HIDDEN = "****"


def visible(text: str, longest: int = 80) -> str:
    """A text for a message: short, on one line, and without characters that steer a terminal."""
    one_line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return one_line if len(one_line) <= longest else one_line[: longest - 1] + "…"


def shown_line(
    lines: Sequence[str], number: int, *, safe: Collection[str] | None = None, hide_after: int | None = None
) -> str:
    """A line for a message, with everything that may be a secret covered.

    `safe`: the keys whose values are shown, in a file that may hold secrets; None: it holds none, show all but what
    looks like one. `hide_after`: a column; cover the value of the key that begins there.
    """
    if not 1 <= number <= len(lines):
        return ""
    line = _USERINFO.sub(f"://{_HIDDEN}@", lines[number - 1])
    if hide_after is not None:
        head, colon, rest = line[hide_after - 1 :].partition(":")
        line = line[: hide_after - 1] + (f"{head}:{rest and ' ' + _HIDDEN}" if colon else _HIDDEN)
    if found := _SECRET_KEY.search(line):
        rest = line[found.end() :]
        return line if not rest.strip() or _REFERENCE.fullmatch(rest) else f"{line[: found.end()]} {_HIDDEN}"
    covered = _HIDDEN.rjust(_indent(line) + len(_HIDDEN))
    if any(_SECRET_KEY.search(above) for above in _enclosing(lines, number)):
        return line if _HARMLESS.fullmatch(line) else covered
    return line if safe is None or hide_after is not None else _with_safe_keys(line, safe, covered)


_KEY = re.compile(r"([^\s:{},\[\]\"']+)[\"']?\s*:(?=[\s{\[\"']|$)")
_PROJECT = re.compile("[A-Z][A-Z0-9_]{1,9}")
_WITHOUT_KEY = re.compile(r"\s*(-\s+[\w-]{1,40}|[\]}\s]*|#.*)\s*")


def _with_safe_keys(line: str, safe: Collection[str], covered: str) -> str:
    """The line if every key in it is one whose value may be shown; else no more of it than its first key."""
    keys = list(_KEY.finditer(line))
    if not keys:
        return line if _WITHOUT_KEY.fullmatch(line) else covered
    alone = len(keys) == 1 and not line[keys[0].end() :].strip()
    if alone or all(key[1] in safe or _PROJECT.fullmatch(key[1]) for key in keys):
        return line
    return f"{line[: keys[0].end()]} {_HIDDEN}"


def _enclosing(lines: Sequence[str], number: int) -> Iterator[str]:
    """Every line that this one is indented under, and the one before if its value may go on here."""
    indent = _indent(lines[number - 1])
    nearest = True
    for line in reversed(lines[: number - 1]):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if _indent(line) < indent or (nearest and line.rstrip()[-1] in ":|>-+"):
            yield line
        nearest = False
        indent = min(indent, _indent(line))
        if indent == 0:
            return


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def fails(problem: Problem, *, strict: bool) -> bool:
    """Whether `syncd check` fails for it: an error; with `strict`, also advice that can be accepted in the file."""
    return problem.severity == "error" or (strict and bool(problem.name))


_WIDEST = 140


def problem_text(problem: Problem) -> str:
    """`<path>:<line>:<column>: message`, then the line with a caret under the place, then what to write instead."""
    advice = "advice: " if problem.severity == "advice" else ""
    name = f" [{problem.name}]" if problem.name else ""
    out = [f"{problem.file}:{problem.line}:{problem.column}: {advice}{problem.message}{name}"]
    if problem.text.strip():
        start = max(0, problem.column - _WIDEST // 2) if len(problem.text) > _WIDEST else 0
        text = problem.text[start : start + _WIDEST]
        caret = min(problem.column - 1 - start, len(text))
        indent = "".join("\t" if c == "\t" else " " for c in text[:caret])
        out += ["    " + _tabs_kept(text), f"    {indent}^"]
    if problem.hint:
        verb, _, rest = problem.hint.partition(" ")
        out.append(f"  write: {rest}" if verb == "write" else f"  hint: {problem.hint}")
    return "\n".join(out)


def _tabs_kept(text: str) -> str:
    return "\t".join(visible(part, _WIDEST) for part in text.split("\t"))
