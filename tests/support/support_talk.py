"""A tracker in which people talk: the same sentences in a served Jira Cloud and in a served Linear.

    with room("linear", tmp_path, commands={"allow": "members"}) as room:
        key = room.create()
        note = room.say(key, "/outcome reliability")
        room.cycle()
        assert room.decided(key) == ("mapped", "reliability")

`by` names who speaks: `tom` and `ana` are members, `maria` owns an outcome and shows her address, `robot` is an app,
`guest` a customer or a guest. `shape` is how a sentence stands in its comment.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, Protocol
from unittest.mock import patch

from support_stage import TRACKER, Stage, plain, staged

from connectors.linear.kind import LinearKind
from connectors.sandbox.linear import Member, Workspace, serve_linear
from syncd.core.ports import Known
from syncd.engine.hints import run_named
from syncd.engine.work import CycleResult

Shape = Literal[
    "plain", "quote", "fence", "code", "bullet", "number", "struck", "heading", "table", "after", "within", "bold"
]
Tracker = Literal["jira", "linear"]
LINEAR = "acme-linear"
PEOPLE = {"tom": "member", "ana": "member", "maria": "member", "robot": "app", "guest": "customer"}


@dataclass
class Room:
    """What both have in common."""

    stage: Stage
    tracker: str

    def cycle(self, **later: float) -> CycleResult:
        """One cycle, a minute later or that much."""
        self.stage.clock.move(timedelta(**later) if later else timedelta(minutes=1))
        (result,) = (one for one in self.stage.app.once() if one.tracker == self.tracker)
        assert result.complete, result.why
        return result

    def hinted(self, key: str) -> CycleResult:
        """What the daemon does when a webhook names the issue, a minute later."""
        self.stage.clock.move(timedelta(minutes=1))
        app, id_ = self.stage.app, self.known(key).issue.ref.id
        with ExitStack() as stack:
            desk = app._desk(stack, last_good=True)
            (tracker,) = (one for one in desk.config.settings.trackers if one.id == self.tracker)
            work = desk.work(stack, tracker, app._lease(stack, desk.store, tracker.id))
            return run_named(work, desk.writer(stack, tracker), [id_])

    def rewrite(self) -> None:
        """Write syncd.yaml anew from `stage.settings`."""
        (self.stage.config / "syncd.yaml").write_text(json.dumps(self.stage.settings), encoding="utf-8")

    def known(self, key: str) -> Known:
        with self.stage.store() as store:
            (ref,) = store.find(key, self.tracker)[:1]
            return store.known([ref])[ref]

    def decided(self, key: str) -> tuple[str, str | None]:
        standing = self.known(key).standing
        assert standing is not None, key
        return standing.decision.pair

    def skipped(self, key: str) -> list[str]:
        """Why something was not written on it, by a plan made now."""
        return sorted(s.why for s in self.stage.plan().plan.skipped if s.key == key)

    def findings(self, kind: str) -> list[str]:
        with self.stage.store() as store:
            return [f.text for _, f in store.findings(self.tracker) if f.kind == kind]

    def words(self, key: str) -> list[Any]:
        """The overrides that stand on an issue."""
        with self.stage.store() as store:
            (ref,) = store.find(key, self.tracker)[:1]
            return list(store.overrides([ref]).get(ref, ()))


class Talking(Protocol):
    """What people do in either."""

    def create(self, *, by: str = "tom", **told: Any) -> str: ...
    def say(self, key: str, text: str, *, by: str = "tom", shape: Shape = "plain") -> Any: ...
    def edit(self, comment: Any, text: str, *, by: str = "tom") -> None: ...
    def delete(self, comment: Any) -> None: ...
    def notes(self, key: str) -> list[str]: ...


@dataclass
class JiraRoom(Room):
    """A served Jira Cloud."""

    def create(self, *, by: str = "tom", **told: Any) -> str:
        return self.stage.create(told.pop("project", "PAY"), by=by, **told)

    def say(self, key: str, text: str, *, by: str = "tom", shape: Shape = "plain") -> int:
        self.stage.tick()
        return self.stage.site.person(by).comment(key, _adf(text, shape))

    def edit(self, comment: int, text: str, *, by: str = "tom") -> None:
        self.stage.tick()
        self.stage.site.person(by).edit_comment(comment, _adf(text, "plain"))

    def delete(self, comment: int) -> None:
        self.stage.tick()
        self.stage.site.person("tom").delete_comment(comment)

    def notes(self, key: str) -> list[str]:
        return self.stage.comments(key)


@dataclass
class LinearRoom(Room):
    """A served Linear."""

    space: Workspace = field(kw_only=True)

    def _who(self, by: str) -> Member:
        return self.space.automation(by) if by == "robot" else self.space.member(by)

    def create(self, *, by: str = "tom", **told: Any) -> str:
        told.pop("project", None)
        self.stage.tick()
        for name in told.get("labels", ()):
            self.space.label(name)
        return self._who(by).create("ENG", told.pop("summary", "Something to do"), **told)

    def say(self, key: str, text: str, *, by: str = "tom", shape: Shape = "plain") -> str:
        self.stage.tick()
        return self._who(by).comment(key, _markdown(text, shape))

    def edit(self, comment: str, text: str, *, by: str = "tom") -> None:
        self.stage.tick()
        self._who(by).edit_comment(comment, text)

    def delete(self, comment: str) -> None:
        self.stage.tick()
        self.space.member("tom").delete_comment(comment)

    def notes(self, key: str) -> list[str]:
        ours = next(iter(self.space.keys.values())).user
        return [c.body for c in self.space.comments_of.get(self.space.issue(key).id, ()) if c.user is ours]


@contextmanager
def room(tracker: Tracker, folder: Path, **settings: Any) -> Iterator[Any]:
    """One of both, with `label+comment` and no grace, listening to members."""
    told: dict[str, Any] = {"write": "label+comment", "comments": {"grace": "0s"}, "commands": {"allow": "members"}}
    told |= settings
    with ExitStack() as stack:
        stage = stack.enter_context(staged(folder, checked=False, **told))
        for name in ("tom", "ana"):
            stage.site.registry.person(name)
        stage.site.registry.person("maria", email="maria@acme.example")
        stage.site.registry.person("robot", account_type="app")
        stage.site.registry.person("guest", account_type="customer")
        stage.once()
        yield JiraRoom(stage, TRACKER) if tracker == "jira" else _linear(stack, stage, told["write"])


def _linear(stack: ExitStack, stage: Stage, write: str) -> LinearRoom:
    space = Workspace(stage.clock.now)
    space.team("ENG", "Engineering")
    space.user("maria", email="maria@acme.example")
    space.user("guest", guest=True)
    served = stack.enter_context(serve_linear(space))
    stack.enter_context(patch("connectors.linear.kind.KIND", LinearKind(sleep=stage.clock.sleep)))
    stack.callback(lambda: _whole(space))
    stage.environ["LINEAR_TOKEN"] = space.token
    trackers = stage.settings["trackers"]
    trackers.clear()
    trackers[LINEAR] = {
        "kind": "linear",
        "url": served.url,
        "auth": {"token": {"env": "LINEAR_TOKEN"}},
        "scope": {"teams": ["ENG"]},
        "write": write,
    }
    made = LinearRoom(stage, LINEAR, space=space)
    made.rewrite()
    stage.app.once()
    return made


def _whole(space: Workspace) -> None:
    assert not space.crashes, space.crashes[0]


# --- one sentence, in many places -------------------------------------------------------------------------


def _text(text: str, *marks: str) -> dict[str, Any]:
    node: dict[str, Any] = {"type": "text", "text": text}
    return node | ({"marks": [{"type": mark} for mark in marks]} if marks else {})


def _paragraph(*nodes: dict[str, Any]) -> dict[str, Any]:
    return {"type": "paragraph", "content": list(nodes)}


def _table(cell: dict[str, Any]) -> dict[str, Any]:
    row = {"type": "tableRow", "content": [{"type": "tableCell", "content": [cell]}]}
    return {"type": "table", "content": [row]}


def _adf(text: str, shape: Shape) -> dict[str, Any]:
    item = {"type": "listItem", "content": [_paragraph(_text(text))]}
    blocks: dict[Shape, list[dict[str, Any]]] = {
        "plain": [_paragraph(_text(line)) for line in text.split("\n\n")],
        "quote": [{"type": "blockquote", "content": [_paragraph(_text(text))]}],
        "fence": [{"type": "codeBlock", "content": [_text(text)]}],
        "code": [_paragraph(_text(text, "code"))],
        "bullet": [{"type": "bulletList", "content": [item]}],
        "number": [{"type": "orderedList", "content": [item]}],
        "struck": [_paragraph(_text(text, "strike"))],
        "heading": [{"type": "heading", "attrs": {"level": 2}, "content": [_text(text)]}],
        "table": [_table(_paragraph(_text(text)))],
        "after": [_paragraph(_text("I looked into it.")), _paragraph(_text(text))],
        "within": [_paragraph(_text(f"I think {text}"))],
        "bold": [_paragraph(_text(text, "strong"))],
    }
    return {"type": "doc", "version": 1, "content": blocks[shape]}


def _markdown(text: str, shape: Shape) -> str:
    return {
        "plain": text,
        "quote": f"> {text}",
        "fence": f"```\n{text}\n```",
        "code": f"`{text}`",
        "bullet": f"* {text}",
        "number": f"1. {text}",
        "struck": f"~~{text}~~",
        "heading": f"## {text}",
        "table": f"| {text} |\n| -- |\n| x |",
        "after": f"I looked into it.\n\n{text}",
        "within": f"I think {text}",
        "bold": f"**{text}**",
    }[shape]


__all__ = ["LINEAR", "JiraRoom", "LinearRoom", "Room", "Shape", "Talking", "Tracker", "plain", "room"]
