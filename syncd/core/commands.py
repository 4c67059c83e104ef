"""What people say to syncd in comments: `/outcome reliability because …` (DESIGN §5, docs/commands-in-comments.md).

A connector turns a comment into its top-level paragraphs (no quotes, code blocks, lists, tables, panels), whatever
the tracker's markup; here they are read, and weighed: who may, who said it last, what has to be answered. All of it
follows from the comments as they are now, so that nothing breaks when a reading is missed, doubled or late.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from typing import Final, Literal

from syncd.core.fold import LABEL_TAIL, fold
from syncd.core.model import (
    IssueRef,
    Override,
    OverrideSource,
    Person,
    Run,
    Strategy,
    Target,
    ToOutcome,
    ToOverhead,
)

MOST_ORDERS: Final = 10
"""Commands heard in one comment."""
LONGEST_WORD: Final = 80
LONGEST_REASON: Final = 500
NEAR: Final = 3
_COMMAND: Final = re.compile(r"\s*/outcome(?=[\s:]|$)[ \t]*:?", re.IGNORECASE)
_BECAUSE: Final = re.compile(r"(?:^|(?<=[\s,;–—-]))because\b[:,]?", re.IGNORECASE)  # noqa: RUF001 - dashes as people type them
_TAIL: Final = LABEL_TAIL + ":!?"
_AROUND: Final = "`'\"<>“”‘’«»"  # noqa: RUF001 - quotation marks as people type them

Paragraph = tuple[Run, ...]
Allow = Literal["members", "owners", "off"] | tuple[str, ...]
Verb = Literal["set", "overhead", "auto", "why", "dispute", "unclear"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandPolicy:
    """Who may give commands: members of the site, owners of outcomes, nobody, or people by email address."""

    allow: Allow = "members"

    @property
    def heard(self) -> bool:
        """Whether comments are read at all."""
        return self.allow != "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentSeen:
    """One comment as it is now. Instants are the tracker's; `edited` None: never, as far as it tells.

    `author` is who wrote what now stands there: whoever edited it last, where the tracker says so.
    """

    id: str
    ref: IssueRef
    author: Person | None
    email: str | None = None
    """The author's address, where the tracker shows it to us."""
    created: datetime
    edited: datetime | None = None
    paragraphs: tuple[Paragraph, ...] = ()
    """Its top-level paragraphs; `code` runs are inline code; a line break within is a newline. Struck text is left
    out; mentions, cards and emoji are U+FFFC."""

    @property
    def at(self) -> datetime:
        """When what it says counts as said."""
        return self.edited or self.created


@dataclass(frozen=True, slots=True)
class Heard:
    """A portion of comments. `whole`: ids of issues all of whose comments are in this portion."""

    comments: tuple[CommentSeen, ...]
    whole: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Order:
    """One command as it was typed. `word` is folded: an outcome's id, or what could not be understood."""

    verb: Verb
    word: str = ""
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A comment that holds commands, as last read: what the store remembers of it, and nothing else of its text."""

    ref: IssueRef
    comment: str
    author: Person
    email: str | None
    at: datetime
    orders: tuple[Order, ...]
    dropped: bool = False
    """An admin dropped it (`syncd override drop`): it says nothing until its commands are others."""


@dataclass(frozen=True, slots=True)
class Vote:
    """Somebody's word against a rule. `source` names it: the id of the comment that disputes, say."""

    ref: IssueRef
    kind: Literal["dispute", "removal", "override"]
    source: str
    rule: str
    by: str
    at: datetime
    reason: str | None = None


# --- reading ----------------------------------------------------------------------------------------------


def said_in(comment: CommentSeen) -> Said | None:
    """The commands in a comment; None: there are none, or nobody is named as its author."""
    if comment.author is None:
        return None
    orders = tuple(orders_in(comment.paragraphs))
    if not orders:
        return None
    return Said(
        ref=comment.ref,
        comment=comment.id,
        author=comment.author,
        email=comment.email,
        at=comment.at,
        orders=orders,
    )


def kept_time(now: Said, before: Said | None) -> Said:
    """An edit that leaves the commands as they were does not say them again."""
    same = before is not None and before.orders == now.orders and before.author.id == now.author.id
    return replace(now, at=min(before.at, now.at), dropped=before.dropped) if same and before is not None else now


def orders_in(paragraphs: Sequence[Paragraph]) -> Iterator[Order]:
    """The commands that begin a paragraph, in order, at most `MOST_ORDERS`."""
    found = 0
    for runs in paragraphs:
        order = _order(runs)
        if order is not None:
            yield order
            found += 1
            if found == MOST_ORDERS:
                return


def _order(runs: Paragraph) -> Order | None:
    first = next((run for run in runs if run.text.strip()), None)
    if first is None or first.style == "code":  # an example of a command is none
        return None
    text = "".join(run.text for run in runs)
    called = _COMMAND.match(text)
    if called is None:
        return None
    line, _, below = text[called.end() :].replace("\ufffc", " ").partition("\n")
    because = _BECAUSE.search(line)
    if because is None:
        follows = _BECAUSE.match(below.lstrip())
        reason = below.lstrip()[follows.end() :] if follows else None
    else:
        reason = f"{line[because.end() :]} {below}"
        line = line[: because.start()]
    return _meant(line.split(), _tidied(reason))


def _tidied(reason: str | None) -> str | None:
    words = " ".join((reason or "").split())[:LONGEST_REASON].strip()
    return words or None


def _meant(told: Sequence[str], reason: str | None) -> Order:
    words = [word for typed in told if (word := fold(typed).strip(_AROUND).rstrip(_TAIL).strip(_AROUND))]
    whole = " ".join(words)[:LONGEST_WORD]
    match words:
        case ["auto"]:
            return Order("auto", reason=reason)
        case ["why"]:
            return Order("why")
        case ["dispute"] if reason is not None:
            return Order("dispute", reason=reason)
        case ["overhead", name]:
            return Order("overhead", name[:LONGEST_WORD], reason)
        case [name] if name not in ("dispute", "overhead"):
            return Order("set", name[:LONGEST_WORD], reason)
        case _:
            return Order("unclear", whole)


# --- weighing ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sticky comment owes to whoever gave a command. `near`: targets that may have been meant."""

    kind: Literal["why", "unknown", "unclear", "refused"]
    comment: str
    word: str = ""
    near: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True)
class Dispute:
    """Somebody says that a rule is wrong here."""

    comment: str
    by: str
    at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class Ruling:
    """What all the commands on an issue come to."""

    word: Override | None = None
    answers: tuple[Answer, ...] = ()
    disputes: tuple[Dispute, ...] = ()


NOTHING_SAID: Final = Ruling()


def weigh(said: Sequence[Said], strategy: Strategy, policy: CommandPolicy) -> Ruling:
    """The latest word of those who may, what is to be answered, and who disputes.

    An answer is owed for what was asked after the last word that was followed: whoever gave that one is served.
    """
    word: Override | None = None
    answers: dict[str, Answer] = {}
    disputes: list[Dispute] = []
    for one in sorted(said, key=lambda s: (s.at, len(s.comment), s.comment)):
        refused = not may(one.author, one.email, strategy, policy)
        if one.dropped or (refused and one.author.kind != "member"):
            continue  # apps, customers, guests: nobody is answered who need not know that we listen
        for order in one.orders:
            if refused:
                answers["refused"] = Answer("refused", one.comment)
            elif order.verb == "dispute":
                disputes.append(Dispute(one.comment, one.author.name, one.at, order.reason))
            elif (answer := _answer(order, one, strategy)) is not None:
                answers[answer.kind] = answer
            else:
                word, answers = _word(order, one, strategy), {}
    kinds = ("refused", "unknown", "unclear", "why")
    return Ruling(word, tuple(answers[kind] for kind in kinds if kind in answers), tuple(disputes))


def words_of(ruling: Ruling, standing: Sequence[Override]) -> tuple[list[Override], list[Override]]:
    """(overrides that begin, overrides that end), of those that stand on an issue, by what was said in comments."""
    given = [word for word in standing if word.source is OverrideSource.COMMAND]
    wanted = [] if ruling.word is None else [ruling.word]
    return [word for word in wanted if word not in given], [word for word in given if word not in wanted]


def may(author: Person, email: str | None, strategy: Strategy, policy: CommandPolicy) -> bool:
    """Whether that person's commands are followed: people of the site, never apps, customers or guests."""
    if author.kind != "member" or not policy.heard:
        return False
    if policy.allow == "members":
        return True
    named = owners(strategy) if policy.allow == "owners" else policy.allow
    return email is not None and fold(email) in {fold(one) for one in named}


def owners(strategy: Strategy) -> tuple[str, ...]:
    """Who owns an outcome, an objective or an overhead, once each."""
    held = [outcome.owner for outcome in strategy.outcomes]
    held += [o.owner for outcome in strategy.outcomes for o in outcome.objectives if o.owner]
    return tuple(dict.fromkeys((*held, *(one.owner for one in strategy.overhead))))


def _answer(order: Order, said: Said, strategy: Strategy) -> Answer | None:
    """What is to be answered to it; None: it is followed."""
    if order.verb == "why":
        return Answer("why", said.comment)
    if order.verb == "unclear":
        return Answer("unclear", said.comment, order.word)
    if order.verb == "auto" or _target(order, strategy) is not None:
        return None
    return Answer("unknown", said.comment, order.word, _nearest(order.word, strategy))


def _word(order: Order, said: Said, strategy: Strategy) -> Override:
    return Override(
        ref=said.ref,
        target=_target(order, strategy),
        source=OverrideSource.COMMAND,
        author=said.author.name,
        at=said.at,
        reason=order.reason,
    )


def _targets(strategy: Strategy) -> Mapping[str, Target]:
    """All that can be named, by its folded name."""
    named: dict[str, Target] = {}
    for outcome in strategy.outcomes:
        named[fold(outcome.id)] = ToOutcome(outcome.id)
        for objective in outcome.objectives:
            named[fold(f"{outcome.id}/{objective.id}")] = ToOutcome(outcome.id, objective.id)
    return named


def _target(order: Order, strategy: Strategy) -> Target | None:
    if order.verb == "overhead":
        ids = (one.id for one in strategy.overhead if fold(one.id) == order.word)
        return next((ToOverhead(overhead) for overhead in ids), None)
    return _targets(strategy).get(order.word) if order.verb == "set" else None


def _nearest(word: str, strategy: Strategy) -> tuple[Target, ...]:
    """What may have been meant, nearest first; where nothing is near, every outcome, as far as there is room."""
    named: dict[str, Target] = {**_targets(strategy)}
    named.update((fold(one.id), ToOverhead(one.id)) for one in strategy.overhead)
    near = get_close_matches(word, list(named), n=NEAR, cutoff=0.5)
    return tuple(named[name] for name in near) or tuple(ToOutcome(o.id) for o in strategy.outcomes[:NEAR])


def as_typed(target: Target) -> str:
    """The command that says that target."""
    match target:
        case ToOutcome(outcome=outcome, objective=objective):
            return f"/outcome {outcome}" if objective is None else f"/outcome {outcome}/{objective}"
        case ToOverhead(overhead=overhead):
            return f"/outcome overhead {overhead}"
        case _:
            return "/outcome auto"
