"""A month of people at work over a served Jira Cloud and a served Linear, and who was told what by syncd meanwhile.

Everything is counted at the trackers, by the mails that they would have sent, and not by what syncd says of itself.
What must never be commented on is written down when it is made, with why: `Month.breaches` names each that was.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from support_stage import RULES, TRACKER, Stage, staged

from connectors.linear.kind import LinearKind
from connectors.sandbox.linear import Workspace, serve_linear
from syncd.app.noise import noise
from syncd.core.acting import NoiseReport
from syncd.core.ports import EntryState

LINEAR = "acme-linear"
DAY = timedelta(hours=24)
LABELS = ("sre", "finops", "deps", "incident-1")
PER_PERSON, PER_PROJECT = 3, 20
WITHOUT_UPKEEP = RULES[: RULES.index("  - id: upkeep")]
MORE = WITHOUT_UPKEEP + "  - {id: more, outcome: cost, when: {label: audit}}\n"


@dataclass(frozen=True)
class Size:
    """How large a world, for how long. `every`: hours between cycles; `busy`: edits of each person a day."""

    issues: int
    days: int
    every: int
    people: int = 40
    busy: float = 1.0
    torn: int = 300
    linear: bool = True
    looks: tuple[int, ...] = ()
    """The hours at which a cycle runs; empty: at all of them but those of the outage."""


@dataclass(frozen=True)
class Told:
    """Somebody was mailed of a comment of syncd's."""

    at: datetime
    key: str
    person: str

    @property
    def project(self) -> str:
        return self.key.partition("-")[0]


@dataclass
class Month:
    """The world, what people do in it, and what came of it."""

    stage: Stage
    space: Workspace
    size: Size
    dice: random.Random
    told: list[Told] = field(default_factory=list)
    never: dict[str, str] = field(default_factory=dict)
    """Keys that must not be commented on → why."""
    commented: list[str] = field(default_factory=list)
    cycles: int = 0
    wrote: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    keys: list[str] = field(default_factory=list)
    epic: str = ""
    acted: set[str] = field(default_factory=set)

    # --- people

    def someone(self) -> str:
        return f"p{self.dice.randrange(self.size.people):02}"

    def create(self, *labels: str, by: str | None = None, project: str = "PAY", **told: Any) -> str:
        key = self.stage.site.person(by or self.someone()).create(
            project=project, summary="Something to do", labels=list(labels), **told
        )
        self.stage.clock.move(timedelta(milliseconds=5))
        return key

    def fresh(self, why: str, count: int, *labels: str, **told: Any) -> list[str]:
        """So many new issues, each by another person, that must never be commented on."""
        by = told.pop("by", None)
        made = [self.create(*labels, by=by or f"p{n % self.size.people:02}", **told) for n in range(count)]
        self.never.update(dict.fromkeys(made, why))
        return made

    def backlog(self) -> None:
        """What was there before syncd: most of it mapped, some not, some torn; a fifth of it in Linear."""
        in_linear = self.size.issues // 5 if self.size.linear else 0
        for n in range(self.size.issues):
            roll = self.dice.random()
            labels = [self.dice.choice(LABELS)] if roll < 0.7 else ["sre", "finops"] if roll < 0.75 else []
            if n < in_linear:
                made = self.space.member(self.someone()).create("ENG", "Something to do", labels=labels)
            else:
                made = self.create(*labels, project=self.dice.choice(("PAY", "OPS")))
                self.keys.append(made)
            self.never[made] = "the backlog"

    def work(self, hours: float) -> None:
        """What people do in so many hours: new issues, some without a label, and edits; some answer what was asked."""
        for _ in range(max(1, round(self.size.people * self.size.busy * hours / 24))):
            roll = self.dice.random()
            if roll < 0.3:
                labels = [self.dice.choice(LABELS[:2])] if self.dice.random() < 0.8 else []
                if self.size.linear and roll < 0.06:
                    self.space.member(self.someone()).create("ENG", "Something new", labels=labels)
                else:
                    self.keys.append(self.create(*labels, project=self.dice.choice(("PAY", "OPS"))))
            else:
                self._edit(self.dice.choice(self.keys), roll)
        for key in [k for k in self.commented if k not in self.acted and self.dice.random() < 0.1]:
            self.acted.add(key)
            if key.startswith("ENG"):
                self.space.member(self.someone()).edit(key, labels=["sre"])
            else:
                self.stage.site.person(self.someone()).edit(key, labels_add=["sre"], labels_remove=["finops"])
        self.stage.clock.move(timedelta(hours=hours))

    def _edit(self, key: str, roll: float) -> None:
        person = self.stage.site.person(self.someone())
        if roll < 0.7:
            person.edit(key, summary=f"Something to do, said better {roll}")
        elif roll < 0.85:
            person.edit(key, assignee=self.someone())
        else:
            person.edit(key, status="Done" if roll < 0.9 else "In Progress")

    # --- syncd

    def cycle(self) -> None:
        self.stage.site.mails.clear()
        self.space.notifications.clear()
        for result in self.stage.app.once():
            assert result.complete, result.why
            assert not result.refusals, result.refusals
            self.wrote[result.tracker] += result.applied
        self.cycles += 1
        now = self.stage.clock.now()
        mails = [(mail.to, mail.why) for mail in self.stage.site.mails]
        mails += [(inbox.to, inbox.why) for inbox in self.space.notifications]
        for person, what in mails:
            key, _, why = what.partition(": ")
            self.wrote[f"mails: {why}"] += 1
            if why == "commented":
                self.told.append(Told(now, key, person.casefold()))
        self.commented += sorted({t.key for t in self.told if t.at == now})

    def run(self) -> "Month":
        """The story. Hours are counted from the first cycle."""
        some = max(3, self.size.issues // 100)
        self.epic = self.create("sre", type="Epic", project="PAY", by="p01")
        strat = self.create("sre", type="Epic", project="STRAT")
        children = [self.create(parent=self.epic, by=f"p{n % self.size.people:02}") for n in range(self.size.torn)]
        self.never.update(dict.fromkeys(children, "a child of the torn epic"))
        self.backlog()
        self.cycle()
        story: dict[int, Callable[[], object]] = {
            6: lambda: (self.fresh("the first rule edit", some, "deps"), self.fresh("an ancestor", some, parent=strat)),
            9: lambda: self.stage.write(rules=WITHOUT_UPKEEP),
            12: self._new_project,
            15: lambda: self._tear(some),
            18: lambda: self._bursts(some),
            21: lambda: self._afterthoughts(strat),
            24: lambda: self.fresh("the second rule edit", some, "sre", "audit"),
            27: lambda: self.stage.write(rules=MORE),
        }
        hour, end, outage = 0, self.size.days * 24, range(30, 60)
        while hour < end:
            self.work(self.size.every)
            hour += self.size.every
            for at in [at for at in sorted(story) if at <= hour]:
                story.pop(at)()
            if hour == 33:
                self.fresh("the outage", some, project="OPS")
            if hour not in outage and (not self.size.looks or hour in self.size.looks):
                self.cycle()
        return self

    def _edit_epic(self, key: str, *, add: str | None = None, remove: str | None = None) -> None:
        self.stage.site.person("p01").edit(
            key, labels_add=[add] if add else None, labels_remove=[remove] if remove else None
        )

    def _new_project(self) -> None:
        self.stage.site.registry.add_project("NEW", "Newcomers")
        self.fresh("the new project", max(3, self.size.issues // 20), project="NEW")
        scope = {"projects": ["PAY", "OPS", "NEW"]}
        self.stage.write(tracker={"scope": scope})

    def _tear(self, some: int) -> None:
        """The epic is claimed twice, and its children follow it, later ones as well."""
        self._edit_epic(self.epic, add="finops")
        self.fresh("a child of the torn epic", some, parent=self.epic)

    def _bursts(self, some: int) -> None:
        """One person in a hurry, a project in a hurry, and what nobody needs to be asked about."""
        for _ in range(8):
            self.create(by="p07")
        for n in range(PER_PROJECT + 10):
            self.create(by=f"p{n % (self.size.people - 10) + 10:02}", project="OPS")
        above = self.create(type="Epic", by="p02")
        self.fresh("asked at the epic", some, parent=above)
        self.fresh("an app", some, by="robot")
        self._mended = self.fresh("mended within the grace", some)
        self._closed = self.fresh("closed", some)

    def _afterthoughts(self, strat: str) -> None:
        """What was asked about is mended or closed before anybody was told; an epic elsewhere serves nothing now."""
        self._edit_epic(strat, remove="sre")
        for key in self._mended:
            self.stage.site.person("p03").edit(key, labels_add=["sre"])
        for key in self._closed:
            self.stage.site.person("p03").edit(key, status="Done")

    _mended: list[str] = field(default_factory=list)
    _closed: list[str] = field(default_factory=list)

    # --- what came of it

    def breaches(self) -> list[str]:
        """Every promise of quiet that was broken."""
        found = [f"{self.never[key]}: {key}" for key in self.commented if key in self.never]
        by_person, by_project = defaultdict(list), defaultdict(set)
        for told in self.told:
            by_person[told.person].append(told.at)
            by_project[told.project].add((told.at, told.key))
        found += [f"told too often: {who}" for who, at in by_person.items() if _most(at) > PER_PERSON]
        for project, what in by_project.items():
            if _most([at for at, _ in what]) > PER_PROJECT:
                found.append(f"too many in a project: {project}")
        found += [
            f"mailed for more than a comment: {why}"
            for why in self.wrote
            if why[:6] == "mails:" and why[7:] != "commented"
        ]
        return sorted(found)

    @property
    def trackers(self) -> tuple[str, ...]:
        return (TRACKER, LINEAR) if self.size.linear else (TRACKER,)

    def told_by_syncd(self) -> NoiseReport:
        """What `syncd noise` says of the same time."""
        return noise(self.stage.app)

    def note(self) -> str:
        """In numbers, for a person."""
        return "\n".join((*self._sums(), *self._weeks(), *self._acted(), *self._held_back()))

    def _sums(self) -> Iterator[str]:
        done: Counter[str] = Counter()
        with self.stage.store() as store:
            for tracker in self.trackers:
                for entry in store.entries(tracker, [EntryState.DONE], limit=10**6):
                    edit = entry.action.kind == "comment" and entry.action.comment_id is not None
                    done["edits in place" if edit else DONE[entry.action.kind]] += 1
        yield f"{self.size.issues} issues, {self.size.people} people, {self.size.days} days, {self.cycles} cycles"
        yield "written: " + ", ".join(f"{count} {what}" for what, count in done.most_common())
        yield f"{len(self.commented)} comments, {len(self.told)} notices; sent by the trackers: {dict(self.wrote)}"

    def _weeks(self) -> Iterator[str]:
        weeks: dict[int, Counter[str]] = defaultdict(Counter)
        for told in self.told:
            weeks[(told.at - self.told[0].at).days // 7][told.person] += 1
        for week, people in sorted(weeks.items()):
            each = sum(people.values()) / self.size.people
            yield (
                f"week {week + 1}: {sum(people.values())} notices to {len(people)} people, {each:.2f} for each of all, "
                f"{max(people.values())} for whom they were most"
            )
        days = {who: _most([t.at for t in self.told if t.person == who]) for who in {t.person for t in self.told}}
        yield f"most within 24 hours for one person: {max(days.values(), default=0)} of {PER_PERSON}"

    def _acted(self) -> Iterator[str]:
        total = self.told_by_syncd().total
        yield f"acted on: {total.acted} of {total.ripe} of which is known ({total.comments} comments in all)"

    def _held_back(self) -> Iterator[str]:
        with self.stage.store() as store:
            for tracker in self.trackers:
                for why, issues in sorted(store.held(tracker).items(), key=lambda item: -item[1]):
                    if why.startswith("comment: "):
                        yield f"held back in {tracker}: {issues:>5}  {why.removeprefix('comment: ')}"


DONE = {"mark": "labels", "comment": "comments", "uncomment": "comments taken away", "unsign": "copies taken away"}


def _most(times: Sequence[datetime]) -> int:
    """The most within any 24 hours."""
    ordered = sorted(times)
    return max((sum(1 for later in ordered[n:] if later - at < DAY) for n, at in enumerate(ordered)), default=0)


@contextmanager
def month(folder: Path, size: Size, **comments: object) -> Iterator[Month]:
    """Both trackers served, with people in them; `comments`: other settings than the defaults."""
    with ExitStack() as stack:
        stage = stack.enter_context(
            staged(
                folder,
                checked=False,
                write="label+comment",
                limits={"share": 1.0, "actions": 1_000_000, "always": 20},
                comments=comments,
            )
        )
        space = Workspace(stage.clock.now)
        space.team("ENG", "Engineering")
        for label in LABELS:
            space.label(label)
        stage.site.registry.person("robot", account_type="app")
        if size.linear:
            served = stack.enter_context(serve_linear(space))
            stack.enter_context(patch("connectors.linear.kind.KIND", LinearKind(sleep=stage.clock.sleep)))
            stage.environ["LINEAR_TOKEN"] = space.token
            stage.settings["trackers"][LINEAR] = {
                "kind": "linear",
                "url": served.url,
                "auth": {"token": {"env": "LINEAR_TOKEN"}},
                "scope": {"teams": ["ENG"]},
                "write": "label+comment",
            }
            stage.write()
        yield Month(stage, space, size, random.Random(8))  # noqa: S311 - a story that is the same each time
        assert not space.crashes, space.crashes[0]
