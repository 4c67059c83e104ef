"""How many people syncd told and what came of it, and votes against rules: as lines and as JSON."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from syncd.core.acting import NoiseReport, SourceLine
from syncd.core.advice import counted, days
from syncd.core.votes import KINDS, RuleVotes
from syncd.render.adf import inert
from syncd.render.jsonable import instant, votes_json

__all__ = ["noise_json", "noise_lines", "votes_json", "votes_lines"]


def noise_json(noise: NoiseReport) -> dict[str, Any]:
    """`noise --json`."""
    return {
        "since": instant(noise.since),
        "acted_within_s": int(noise.heed.within.total_seconds()),
        "weeks": [
            {
                "start": week.start.isoformat(),
                "comments": week.comments,
                "marks": week.marks,
                "edits": week.edits,
                "notices": week.notices,
                "people": week.people,
                "most": week.most,
            }
            for week in noise.weeks
        ],
        "total": _source(noise.total),
        "sources": [_source(line) for line in noise.sources],
        "muted": list(noise.muted),
        "held": dict(noise.held),
    }


def _source(line: SourceLine) -> dict[str, Any]:
    return {
        "source": line.source,
        "comments": line.comments,
        "ripe": line.ripe,
        "acted": line.acted,
        "share": line.share,
        "muted": line.muted,
    }


def noise_lines(noise: NoiseReport) -> Iterator[str]:
    """Whom syncd told, week by week; whose comments people act on; what was held back."""
    if not noise.weeks:
        yield f"syncd told nobody anything since {noise.since:%Y-%m-%d}"
    for week in noise.weeks:
        others = "".join(f", {counted(n, what)}" for n, what in ((week.marks, "label"), (week.edits, "edit")) if n)
        people = "1 person" if week.people == 1 else f"{week.people} people"
        told = f"{counted(week.comments, 'comment')}{others}; {people} told {counted(week.notices, 'time')}"
        yield f"week of {week.start}: {told}, nobody more than {counted(week.most, 'time')}"
    if noise.total.comments:
        yield f"acted on within {_span(noise.heed.within)}: {_share(noise.total)}"
    for line in noise.sources:
        stopped = f"; stopped: nobody acted on the last {noise.heed.mute_after}" if line.muted else ""
        yield inert(f"  {line.source}: {counted(line.comments, 'comment')}, {_share(line)}{stopped}")
    if noise.held:
        yield "held back now:"
    for why, issues in sorted(noise.held.items(), key=lambda item: (-item[1], item[0])):
        yield inert(f"  {issues:>6}  {why}")


def _span(span: timedelta) -> str:
    return days(span) if span >= timedelta(days=1) else counted(int(span.total_seconds()) // 3600, "hour")


def _share(line: SourceLine) -> str:
    if line.share is None:
        return "none is old enough to tell"
    return f"{line.acted} of {line.ripe} ({line.share:.0%})"


def votes_lines(votes: Sequence[RuleVotes]) -> Iterator[str]:
    """Rules that people vote against, and what would let go of most of those issues."""
    for one in votes:
        told = ", ".join(counted(one.votes[kind], kind) for kind in KINDS if one.votes[kind])
        yield inert(f"  {one.rule}: {told} on {one.issues} of {one.decides} issues, such as {', '.join(one.keys)}")
        if one.suggestion is not None:
            yield inert(f"    {suggestion_words(one)}")


def suggestion_words(one: RuleVotes) -> str:
    """The exception in the words of rules.yaml, and what it would let go of."""
    told = one.suggestion
    if told is None:
        return ""
    others = f"and {told.others} others" if told.others else "and no other"
    return f"perhaps not: {{{told.key}: {told.value}}} (lets go of {told.voted} of them {others})"
