"""What is wrong with the options of a tracker in syncd.yaml, told alike by every kind of connector (DESIGN §2.2)."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from syncd.core.errors import OptionProblem


def unknown_keys(
    mapping: Mapping[Any, Any], known: Sequence[str], at: tuple[str | int, ...], words: str
) -> list[OptionProblem]:
    """A problem for each key that the kind does not know, with the one that may be meant.

    `words` begins the sentence that lists the known ones.
    """
    problems = []
    for name in mapping:
        if name not in known:
            near = get_close_matches(str(name), known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"{words}: {', '.join(known)}"
            problems.append(OptionProblem((*at, str(name)), f"unknown key {name}", hint))
    return problems


def scope_problems(scope: Any, *, kind: str, area: str, key: re.Pattern[str], example: str) -> list[OptionProblem]:
    """What is wrong with a `scope:`, which names areas of the tracker by their keys, each once.

    Args:
        scope: what stands in the file.
        kind: the kind of tracker, for the words.
        area: what its areas are called, in the singular: `project` or `team`.
        key: what the key of one looks like.
        example: a scope as it is written.
    """
    at, plural = ("scope",), f"{area}s"
    if not isinstance(scope, Mapping):
        return [OptionProblem(at, f"the scope must be said: which {plural} syncd may touch", example)]
    problems = unknown_keys(scope, (plural,), at, f"the scope of {kind} knows")
    areas = scope.get(plural)
    if not isinstance(areas, list | tuple) or not areas:
        where: tuple[str | int, ...] = (*at, plural) if plural in scope else at
        return [*problems, OptionProblem(where, f"{plural} must be a list of at least one {area} key", example)]
    seen: set[Any] = set()
    for i, name in enumerate(areas):
        where = (*at, plural, i)
        if not isinstance(name, str) or not key.fullmatch(name):
            upper = str(name).strip().upper()
            better = upper if key.fullmatch(upper) else "the letters before the dash of an issue's key"
            problems.append(OptionProblem(where, f"{name!r} is not a {area} key", better))
        elif name in seen:
            problems.append(OptionProblem(where, f"{name} stands twice"))
        else:
            seen.add(name)
    return problems
