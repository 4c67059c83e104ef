"""Custom fields and sprints: from the names that rules use to a site's ids, and from Jira's values to texts. Pure.

Display names are localised, may be changed, and may stand for several fields (team-managed projects each have their
own): then the values of all of them count (DESIGN §4). Sprint fields are told by their type (facts/jira.md §3).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from syncd.core.fold import field_key, storable
from syncd.core.model import CUSTOM
from syncd.core.ports import NoSuchField

SPRINT_TYPE: Final = "com.pyxis.greenhopper.jira:gh-sprint"
EPIC_LINK_TYPE: Final = "com.pyxis.greenhopper.jira:gh-epic-link"

OWN_CONDITIONS: Final = {
    "summary": "title",
    "issuetype": "type",
    "status": "status",
    "statusCategory": "status_category",
    "priority": "priority",
    "project": "project",
    "components": "component",
    "fixVersions": "fix_version",
    "labels": "label",
    "parent": "parent",
    "issuekey": "key",
}
"""Fields built into Jira → the conditions that see them."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What `GET /field` told."""

    epic_links: tuple[str, ...] = ()
    sprints: tuple[str, ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    """(id, display name) of every custom field."""
    built_in: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, fields: Any) -> "Catalogue":
        """Reads the answer; what is no field in it is passed over."""
        known = [f for f in (fields if isinstance(fields, list) else ()) if isinstance(f, Mapping)]
        known = [f for f in known if isinstance(f.get("id"), str)]
        custom = [f for f in known if f.get("custom") is True]
        return cls(
            epic_links=_of_type(known, EPIC_LINK_TYPE),
            sprints=_of_type(known, SPRINT_TYPE),
            names=tuple(sorted((f["id"], storable(f["name"])) for f in custom if isinstance(f.get("name"), str))),
            built_in=tuple(
                sorted((f["id"], f["name"]) for f in known if f not in custom and isinstance(f.get("name"), str))
            ),
        )


def _of_type(fields: Sequence[Mapping[str, Any]], kind: str) -> tuple[str, ...]:
    found = {f["id"] for f in fields if isinstance(f.get("schema"), Mapping) and f["schema"].get("custom") == kind}
    return tuple(sorted(found))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What rules ask for, in this site's terms."""

    fields: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(key of the snapshot, ids)."""
    absent: tuple[NoSuchField, ...] = ()

    @classmethod
    def of(cls, names: Sequence[str], catalogue: Catalogue) -> "Wanted":
        """The fields of those names (`sprint`, `field.Squad`); also by id (`field.customfield_10042`)."""
        ids: dict[str, tuple[str, ...]] = {}
        absent = []
        for name in names:
            key = field_key(name)
            found = catalogue.sprints if key == "sprint" else _called(key, catalogue)
            if found:
                ids[key] = found
            else:
                absent.append(NoSuchField(name, _near(key, catalogue)))
        return cls(tuple(sorted(ids.items())), tuple(absent))

    @property
    def keys(self) -> tuple[str, ...]:
        """What is asked for, by the keys of a snapshot."""
        return tuple(key for key, _ in self.fields)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids to ask for, each once."""
        return tuple(dict.fromkeys(i for _, ids in self.fields for i in ids))


NOTHING: Final = Wanted()
"""Rules name no field beyond the common ones."""


def _called(key: str, catalogue: Catalogue) -> tuple[str, ...]:
    return tuple(i for i, name in catalogue.names if key in (field_key(CUSTOM + name), field_key(CUSTOM + i)))


def _near(key: str, catalogue: Catalogue) -> tuple[str, ...]:
    """Conditions that may be meant."""
    if key == "sprint":
        return ()
    own = [
        OWN_CONDITIONS[i] for i, name in catalogue.built_in if field_key(CUSTOM + name) == key and i in OWN_CONDITIONS
    ]
    if own:
        return tuple(own)
    keys = {field_key(CUSTOM + name): CUSTOM + name.strip() for _, name in reversed(catalogue.names)}
    return tuple(keys[close] for close in get_close_matches(key, keys, n=3, cutoff=0.75))


# --- values -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Extras:
    """What an issue holds in the fields that rules ask for."""

    asked: frozenset[str]
    """Those that could be understood: a condition on any other is unknown on this issue."""
    sprints: tuple[str, ...]
    extra: tuple[tuple[str, tuple[str, ...]], ...]


def extras_of(fields: Mapping[str, Any], wanted: Wanted) -> Extras:
    """The values of an issue's fields; a field that is absent or null has none."""
    found: dict[str, tuple[str, ...]] = {}
    for key, ids in wanted.fields:
        read: Callable[[Any], Iterator[str]] = _sprint_names if key == "sprint" else _texts
        try:
            found[key] = tuple(dict.fromkeys(text for i in ids for text in read(fields.get(i)) if text.strip()))
        except _StrangeError:
            continue
    sprints = found.get("sprint", ())
    extra = tuple((key, values) for key, values in found.items() if values and key != "sprint")
    return Extras(frozenset(found), sprints, extra)


class _StrangeError(Exception):
    """A value of no known shape; caught by `extras_of` alone."""


def _texts(value: Any) -> Iterator[str]:
    """What a person reads in the field: options, people, versions by name; numbers without a needless `.0`.

    A cascading choice gives its first level, both levels as `Europe/Berlin`, and its second.
    """
    if value is None:
        return
    if isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, str):
        yield storable(value)
    elif isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, int | float):
        yield str(int(value)) if value == int(value) else repr(value)
    elif isinstance(value, Mapping):
        yield from _object(value)
    else:
        raise _StrangeError


def _object(value: Mapping[str, Any]) -> Iterator[str]:
    if value.get("type") == "doc" and isinstance(value.get("content"), list):
        yield storable(_words(value).strip())
        return
    name = next(
        (value[k] for k in ("value", "displayName", "name", "title", "key") if isinstance(value.get(k), str)), None
    )
    if name is None:
        raise _StrangeError
    yield storable(name)
    if isinstance(value.get("child"), Mapping):
        for below in _object(value["child"]):
            yield f"{storable(name)}/{below}"
            yield below


def _words(node: Any) -> str:
    """The words of an ADF document; paragraphs end with a line."""
    if not isinstance(node, Mapping):
        return ""
    if isinstance(node.get("text"), str):
        return str(node["text"])
    content = node.get("content")
    inner = "".join(map(_words, content)) if isinstance(content, list) else ""
    return f"{inner}\n" if node.get("type") in _LINES else inner


_LINES: Final = frozenset({"paragraph", "heading", "hardBreak", "listItem", "codeBlock", "tableRow"})


def _sprint_names(value: Any) -> Iterator[str]:
    """The names of sprints, past ones too: objects, or texts as Data Center and old sites write them."""
    for one in value if isinstance(value, list) else [] if value is None else [value]:
        if isinstance(one, Mapping) and isinstance(one.get("name"), str):
            yield storable(one["name"])
        elif isinstance(one, str) and (told := _OLD_SPRINT.search(one)):
            yield storable(told[1])
        else:
            raise _StrangeError


_OLD_SPRINT: Final = re.compile(r"[\[,]name=(.*?)(?:,\w+=|\]$)")
