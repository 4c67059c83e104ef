"""A tracker as a dictionary and a store, with passes of the engine over them: what an edit of the rules comes to.

    with edited_world(tmp_path, [issue("PAY-1", "sre")], rulebook(...)) as world:
        world.settle(world.look())    # decide, plan, and carry out what was planned
        world.rulebook = rulebook(...)
        world.look()                  # or, to decide all anew, world.look(earlier=False)

Nothing is served: `Tracker` answers reads from memory and counts them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import select
from support_random_cases import WORDS, random_case
from support_values import NAMES, NOW, TRACKER, all_of, any_of, epic, has, initiative, issue, label, of

from syncd.core.commands import CommentSeen, Heard
from syncd.core.comments import CommentPolicy
from syncd.core.marks import after_write
from syncd.core.match import Matcher
from syncd.core.model import (
    Action,
    Category,
    Condition,
    Issue,
    IssueRef,
    Limits,
    Link,
    Override,
    OverrideSource,
    Person,
    Receipt,
    Relation,
    Rulebook,
    Strategy,
    ToOutcome,
    ToOverhead,
)
from syncd.core.plan import Policy, Write
from syncd.core.ports import Birth, CensusPage, Found, LabelChange, Move, Page, Sight, Signature
from syncd.engine.looking import look
from syncd.engine.work import Looked, Work
from syncd.store import SqlStore, open_store
from syncd.store.tables import applied, findings, history, overrides, plan_states, standings

SCOPE = ("PAY",)
MARKS = ("outcome/growth", "outcome/Trust", "outcome/launch", "outcome/nonsense", "alignment/unmapped")


@dataclass
class Tracker:
    """Issues by id; those in scope are observed, all are read."""

    issues: dict[str, Issue]
    now: Callable[[], datetime]
    requests: int = 0

    def look_around(self) -> Sight:
        return Sight("syncd@acme.example", timedelta(0))

    def observe(self, since: datetime | None, memory: str = "") -> Iterator[Page]:
        rows = [i for i in self.issues.values() if i.project in SCOPE and (since is None or i.updated > since)]
        yield Page(tuple(sorted(rows, key=lambda i: i.updated)), read_to=self.now(), last=True)

    def read(self, links: Sequence[Link]) -> Found:
        self.requests += 1
        found = [self.issues[link.id] for link in links if link.id in self.issues]
        return Found(tuple(found), tuple(link for link in links if link.id not in self.issues))

    def label_changes(self, refs: Sequence[IssueRef]) -> Mapping[IssueRef, Sequence[LabelChange]]:
        """No history: who put a mark on stays unknown."""
        return dict.fromkeys(refs, ())

    def births(self, refs: Sequence[IssueRef]) -> Mapping[IssueRef, Birth]:
        """Nor how an issue came to be."""
        del refs
        return {}

    def moves(self, refs: Sequence[IssueRef]) -> Mapping[IssueRef, Sequence[Move]]:
        """Nor where it hung."""
        del refs
        return {}

    def changers(self, at: Mapping[IssueRef, datetime]) -> Mapping[IssueRef, Person]:
        return dict.fromkeys(at, Person("tom", "Tom", "member"))

    def comments(self, refs: Sequence[IssueRef], since: datetime | None) -> Iterator[Heard]:
        return iter(() if since is None else [Heard((), frozenset(ref.id for ref in refs))])

    def comments_by_id(self, comments: Mapping[str, IssueRef]) -> Sequence[CommentSeen]:
        raise AssertionError(f"nobody gave a command: {comments}")

    def census(self, after: str = "") -> Iterator[CensusPage]:
        yield CensusPage(
            tuple(Link(i.ref.id, i.key) for i in self.issues.values() if i.project in SCOPE), "", last=True
        )

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class EditedWorld:
    """A tracker, its store, and the rules in use."""

    folder: Path
    tracker: Tracker
    rulebook: Rulebook
    policy: Policy
    store: SqlStore = field(init=False)
    now: datetime = NOW
    used: dict[str, Rulebook] = field(default_factory=dict)
    comments: int = 0

    def work(self, *, earlier: bool) -> Work:
        lease = self.store.acquire(TRACKER, "test", self.now, timedelta(minutes=5))
        assert lease is not None
        self.used[self.rulebook.version] = self.rulebook
        return Work(
            tracker=TRACKER,
            reader=self.tracker,
            scope=SCOPE,
            overlap=timedelta(minutes=5),
            policy=replace(self.policy, strategy=self.rulebook.strategy),
            limits=Limits(),
            signature=Signature("acme", self.store.instance),
            store=self.store,
            rulebook=self.rulebook,
            matcher=Matcher(self.rulebook, self.now.date()),
            clock=_Clock(self.now),
            lease=lease,
            earlier=self.used.get if earlier else lambda _version: None,
        )

    def look(self, *, earlier: bool = True) -> Looked:
        """One pass; nothing is carried out."""
        return look(self.work(earlier=earlier))

    def settle(self, looked: Looked) -> None:
        """Carry out what was planned, and see it."""
        for action in looked.plan.actions:
            self._write(action)
        self.now += timedelta(minutes=20)

    def _write(self, action: Action) -> None:
        self.comments += 1
        known = self.store.known([action.ref])[action.ref]
        receipt = Receipt(self.now, action.comment_id or f"c{self.comments}")
        self.store.save_applied([after_write(known.applied, action, receipt)])
        there = self.tracker.issues[action.ref.id].marks
        self.change(action.ref.id, marks=(*(m for m in there if m not in action.remove), *action.add))

    def change(self, id_: str, **changes: Any) -> None:
        """Somebody edits an issue."""
        self.now += timedelta(seconds=1)
        self.tracker.issues[id_] = replace(self.tracker.issues[id_], updated=self.now, **changes)

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that a pass leaves, but the rulebook's name and row numbers."""
        kept: dict[str, list[tuple[Any, ...]]] = {}
        with self.store._db.reading() as connection:
            for table in (standings, history, applied, overrides, findings, plan_states):
                columns = [c for c in table.columns if c.name not in ("n", "version")]
                kept[table.name] = sorted((tuple(row) for row in connection.execute(select(*columns))), key=repr)
        return kept


@dataclass(frozen=True)
class _Clock:
    at: datetime

    def now(self) -> datetime:
        return self.at


# --- random worlds ----------------------------------------------------------------------------------------


@contextmanager
def edited_world(
    folder: Path, issues: Iterable[Issue], book: Rulebook, *, write: Write = Write.LABEL, backlog: bool = True
) -> Iterator[EditedWorld]:
    """A world that nobody has looked at yet."""
    clock: list[EditedWorld] = []
    tracker = Tracker({i.ref.id: i for i in issues}, lambda: clock[0].now)
    comments = CommentPolicy(grace=timedelta(0), backlog=backlog)
    policy = Policy(strategy=book.strategy, write=write, names=NAMES, grace=timedelta(0), comments=comments)
    world = EditedWorld(folder, tracker, book, policy)
    clock.append(world)
    with closing(open_store(f"sqlite:///{folder}/world.db", clock_now=NOW)) as world.store:
        yield world


@contextmanager
def random_world(folder: Path, random: Random) -> Iterator[EditedWorld]:
    """Issues in and above the scope that meet a random rulebook's rules often."""
    write = random.choice((Write.OBSERVE, Write.LABEL, Write.COMMENT, Write.COMMENT))
    book = random_rulebook(random, "v1")
    with edited_world(folder, _issues(random), book, write=write, backlog=random.random() < 0.8) as world:
        yield world


def _issues(random: Random) -> Iterator[Issue]:
    tops = [initiative(f"STRAT-{n}") for n in (1, 2)]
    epics = [epic(f"{random.choice(('PAY', 'PAY', 'STRAT'))}-{n}") for n in range(10, 14)]
    stories = [issue(f"PAY-{n}") for n in range(20, 40)]
    tasks = [issue(f"PAY-{n}", level=-1) for n in range(50, 55)]
    above: dict[int, list[Issue]] = {2: [], 1: tops, 0: epics, -1: stories}
    for one in (*tops, *epics, *stories, *tasks):
        yield _dressed(random, one, above[one.level])


def _dressed(random: Random, plain: Issue, above: Sequence[Issue]) -> Issue:
    parent = random.choice(above).ref.id if above and random.random() < 0.8 else None
    if random.random() < 0.06:
        parent = "id-nowhere"
    if plain.key == "PAY-20" and random.random() < 0.3:
        parent = plain.ref.id  # its own ancestor
    return replace(
        plain,
        title=" ".join(random.choices(WORDS, k=2)),
        type=random.choice(("Bug", "Story", "sre")),
        category=random.choice(tuple(Category)),
        labels=tuple(random.choices(WORDS, k=random.randint(0, 2))),
        components=tuple(random.choices(WORDS, k=random.randint(0, 1))),
        marks=tuple(random.sample(MARKS, k=1)) if random.random() < 0.15 else (),
        parent=None if parent is None else Link(parent, parent.removeprefix("id-")),
    )


def random_rulebook(random: Random, version: str) -> Rulebook:
    return replace(random_case(random).rulebook, version=version)


def random_edit(random: Random, book: Rulebook, version: str) -> Rulebook:
    """Some rules of it replaced, dropped or added, and sometimes words of the strategy."""
    narrow = random.random() < 0.5
    other = random_rulebook(random, version)
    rules = {rule.id: rule for rule in book.rules}
    for rule in random.sample(other.rules, k=random.randint(0, len(other.rules))):
        rules[rule.id] = rule
    if narrow:
        rules = {rule.id: rule for rule in book.rules}
    for number in range(random.randint(1, 2) if narrow else 0):
        seeking = replace(random.choice(other.rules), id=f"narrow-{number}", when=_seekable(random))
        rules[seeking.id] = seeking
    if len(rules) > 1 and random.random() < 0.2:
        del rules[random.choice(sorted(rules))]
    if random.random() < 0.2:
        turned = random.choice(sorted(rules))
        rules[turned] = replace(rules[turned], default=not rules[turned].default)
    strategy = random.choice((book.strategy, book.strategy, other.strategy, _reworded(random, book.strategy)))
    known = {outcome.id for outcome in strategy.outcomes}
    kept = tuple(r for r in rules.values() if not isinstance(r.target, ToOutcome) or r.target.outcome in known)
    return Rulebook(version=version, strategy=strategy, rules=kept)


def _seekable(random: Random) -> Condition:
    """A condition that a store's index can answer."""
    texts = ("sre", "SRE.", "platform", "plat*", "docs", "straße", "*")
    leaf = has(random.choice(("label", "label", "component")), *random.choices(texts, k=random.choice((1, 2))))
    relation: Relation = random.choice(("parent", "epic", "initiative", "ancestor"))
    return random.choice((leaf, leaf, of(relation, leaf), all_of(has("type", "Bug"), leaf), any_of(leaf, label("sre"))))


def _reworded(random: Random, strategy: Strategy) -> Strategy:
    first, *others = strategy.outcomes
    match random.randrange(3):
        case 0:
            return replace(strategy, outcomes=(replace(first, title="Other words"), *others))
        case 1:
            return replace(strategy, outcomes=(first, *others, replace(first, id="launch", objectives=())))
        case _:
            return replace(strategy, overhead=tuple(replace(o, title=f"New {o.title}") for o in strategy.overhead))


def random_words(random: Random, world: EditedWorld) -> list[Override]:
    """Admins' words on some issues, some of which expire within a day."""
    chosen = random.sample(sorted(world.tracker.issues), k=random.randint(0, 3))
    return [
        Override(
            ref=world.tracker.issues[id_].ref,
            target=random.choice((ToOutcome("trust"), ToOverhead("hiring"))),
            source=OverrideSource.ADMIN,
            author="maria",
            at=world.now,
            expires=random.choice((None, world.now + timedelta(hours=1))),
        )
        for id_ in chosen
    ]
