"""What a rule edit moves, and which rules were in use when: as text and as the shapes of DESIGN §10."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from syncd.core.diff import LISTED, Pace, RulesDiff, Shift, minutes
from syncd.core.ports import RulesVersion
from syncd.render.jsonable import action_json, instant, votes_json
from syncd.render.noise import votes_lines
from syncd.render.text import action_text, inert_lines

SHOWN = 15
"""Moves, projects and writes shown before a list is cut; `--json` has more."""


def diff_json(diff: RulesDiff) -> dict[str, Any]:
    """`rules diff --json`."""
    return {
        "old": diff.old,
        "new": diff.new,
        "issues": diff.issues,
        "moved": [
            {"tracker": m.ref.tracker, "key": m.key, "project": m.project, "before": m.before, "after": m.after}
            for m in diff.moved
        ],
        "moved_total": sum(diff.moves.values()),
        "writes": len(diff.writes),
        "actions": [action_json(action) for action in diff.writes[:LISTED]],
        "later": len(diff.later),
        "notified": len(diff.notified),
        "api_calls": len(diff.writes),
        "outcomes": _shifts(diff.outcomes),
        "projects": {project: _shifts(shifts) for project, shifts in sorted(diff.projects.items())},
        "conflicts": {"made": diff.conflicts_made, "solved": diff.conflicts_solved},
        "votes": votes_json(diff.votes),
        "not_predictable": [{"tracker": n.tracker, "key": n.key, "why": n.why} for n in diff.not_predictable],
    }


def _shifts(shifts: Mapping[str, Shift]) -> dict[str, dict[str, int]]:
    return {name: {"before": shift.before, "after": shift.after} for name, shift in sorted(shifts.items())}


def diff_text(diff: RulesDiff, pace: Pace) -> str:
    """What moves from where to where, what it would write and cost, and what nobody can tell beforehand."""
    return inert_lines(_diff_lines(diff, pace))


def _diff_lines(diff: RulesDiff, pace: Pace) -> Iterator[str]:
    moved = sum(diff.moves.values())
    yield f"Rules {diff.old} → {diff.new}: {moved} of {diff.issues} issues move."
    for (before, after), count in diff.moves.most_common(SHOWN):
        yield f"  {count:>6}  {before} → {after}   such as {', '.join(diff.samples[before, after])}"
    if len(diff.moves) > SHOWN:
        yield f"  … and {len(diff.moves) - SHOWN} other moves (--json lists every issue)."
    yield from _table("Per outcome:", diff.outcomes)
    for project, shifts in sorted(diff.projects.items()):
        if any(shift.before != shift.after for shift in shifts.values()):
            yield from _table(f"In {project}:", shifts)
    if diff.conflicts_made or diff.conflicts_solved:
        yield f"Conflicts: {diff.conflicts_made} made, {diff.conflicts_solved} solved."
    if diff.votes:
        yield "Votes against rules in use:"
        yield from votes_lines(diff.votes)
    yield from _cost(diff, pace)
    yield from _unknown(diff)


def _table(title: str, shifts: Mapping[str, Shift]) -> Iterator[str]:
    changed = {name: shift for name, shift in shifts.items() if shift.before != shift.after}
    if changed:
        yield title
    for name, shift in sorted(changed.items(), key=lambda item: (-abs(item[1].after - item[1].before), item[0])):
        yield f"  {name:<28} {shift.before:>7} → {shift.after:>7}  ({shift.after - shift.before:+})"


def _cost(diff: RulesDiff, pace: Pace) -> Iterator[str]:
    kinds = Counter(action.kind for action in diff.writes)
    if not diff.writes:
        yield "Nothing would be written."
    else:
        counted = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        took = minutes(kinds, pace)
        time = "less than a minute" if took < 1 else f"at least {took:.0f} minutes"
        yield (
            f"Would be written: {counted}; {len(diff.writes)} API calls, {time} at the tracker's limits; "
            f"{len(diff.notified)} people would get a mail."
        )
        yield from (f"  {action_text(action)}" for action in diff.writes[:SHOWN])
        if len(diff.writes) > SHOWN:
            yield f"  … and {len(diff.writes) - SHOWN} more."
    if diff.later:
        yield f"{len(diff.later)} more would follow once their grace is over."


def _unknown(diff: RulesDiff) -> Iterator[str]:
    if not diff.unpredicted:
        return
    reasons = Counter(n.why for n in diff.not_predictable)
    yield f"Cannot be told beforehand: {diff.unpredicted} issues."
    for why, count in reasons.most_common(SHOWN):
        yield f"  {count:>6}  {why}"


def log_text(log: Sequence[RulesVersion]) -> str:
    """Versions of the rules that cycles ran with, newest first."""
    return inert_lines(_log_lines(log))


def _log_lines(log: Sequence[RulesVersion]) -> Iterator[str]:
    if not log:
        yield "No cycle ran yet, so no rules were in use."
    for one in log:
        who = f"  {(one.commit or '')[:12]} by {one.author}" if one.author else "  not committed, or not in git"
        yield f"{instant(one.at)}  {one.version}{who}"


def log_json(log: Sequence[RulesVersion]) -> list[dict[str, Any]]:
    """`rules log --json`."""
    return [{"version": one.version, "at": instant(one.at), "author": one.author, "commit": one.commit} for one in log]
