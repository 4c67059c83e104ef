"""Every file of real tracker data is parsed by what reads a tracker: understood, or complained of in words."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

import pytest

from connectors.jira.custom import Catalogue, Wanted
from connectors.jira.histories import birth
from connectors.jira.mapping import Dialect, read_issue
from connectors.linear.labels import Labels
from connectors.linear.mapping import Dialect as LinearDialect
from connectors.linear.mapping import read_issue as read_linear
from syncd.core.errors import Unreadable
from syncd.core.model import Issue
from syncd.core.ports import MarkNames

pytestmark = pytest.mark.shared

DIALECT: Final = Dialect("acme-jira", "https://acme.atlassian.net", MarkNames(), ("customfield_10014",))
LINEAR: Final = LinearDialect("acme-linear", Labels())
EPIC_LINKS: Final = {
    "Apache": "customfield_12311120", "MongoDB": "customfield_10857", "RedHat": "customfield_12311140",
    "IntelDAOS": "customfield_10014", "Sakai": "customfield_10014", "Qt": "customfield_10400",
    "Hyperledger": "customfield_10006", "Spring": "customfield_10680", "Mojang": "customfield_11602",
}  # fmt: skip
"""Of public sites, as their own catalogues have them (data/CHARACTER.md)."""

Found = Iterator[Issue | Unreadable]


def sound(**fields: Any) -> dict[str, Any]:
    told = {
        "summary": "Something",
        "issuetype": {"name": "Bug", "subtask": False},
        "status": {"name": "Open", "statusCategory": {"key": "new"}},
        "labels": [],
        "updated": "2026-01-01T10:00:00.000+0000",
    }
    return {"id": "1", "key": "PAY-1", "fields": told | fields}


def objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every object in a value, itself first."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(inner)


def loaded(path: Path) -> Any:
    text = path.read_text(encoding="utf-8-sig")  # one begins with a mark of its byte order
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in text.split("\n") if line.strip()]  # texts hold U+2028
    return json.loads(text)


def jira_answers(path: Path) -> Found:
    """Each object stands where an issue belongs, at whatever depth it was found."""
    for value in objects(loaded(path)):
        yield read_issue(value, DIALECT)


def jira_fields(path: Path) -> Found:
    for site, fields in loaded(path).items():
        told = Catalogue.of(fields)
        if site in EPIC_LINKS:
            assert told.epic_links == (EPIC_LINKS[site],), site
        wanted = Wanted.of([f"field.{name}" for _, name in told.names[:50]], told)
        assert not wanted.absent, f"{site}: a field is found by the name that the site gives it"
        dialect = Dialect("acme-jira", "https://acme.atlassian.net", MarkNames(), told.epic_links, wanted)
        for field in fields:  # a description where a value belongs
            yield read_issue(sound(**{field["id"]: field}), dialect)


def jira_types(path: Path) -> Found:
    for types in loaded(path).values():
        for kind in types.values():
            read = read_issue(sound(issuetype=kind), DIALECT)
            assert isinstance(read, Issue)
            assert (read.type, read.level) == (kind["name"], -1 if kind["subtask"] else kind.get("hierarchyLevel", 0))
            yield read


def jira_links(path: Path) -> Found:
    for value in objects(loaded(path)):
        link = {"type": dict(value), "outwardIssue": {"id": "2", "key": "P-2"}}
        raw = sound(created="2026-01-01T10:00:00.000+0000", issuelinks=[link])
        assert birth(raw) is not None
        yield read_issue(raw, DIALECT)


def linear_rows(path: Path) -> Found:
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            yield read_linear(row, LINEAR)
            yield read_linear({name.lower(): value for name, value in row.items() if name}, LINEAR)


def linear_answers(path: Path) -> Found:
    for value in objects(loaded(path)):
        yield read_linear(value, LINEAR)


PARSED_BY: Final[Mapping[str, Callable[[Path], Found]]] = {
    "jira-fixtures/*.json": jira_answers,
    "jira-tidev/*.json*": jira_answers,
    "public-jira-metadata/jira_field_information.json": jira_fields,
    "public-jira-metadata/jira_issuetype_information.json": jira_types,
    "public-jira-metadata/jira_issuelinktype_information.json": jira_links,
    "public-jira-metadata/jira_data_sources.json": jira_answers,
    "linear-*/*.csv": linear_rows,
    "linear-*/*.json": linear_answers,
}


def test_every_file_is_parsed_and_every_complaint_says_where(shared: Path) -> None:
    data = shared / "data"
    files = sorted(p for p in data.rglob("*") if p.is_file() and p.suffix != ".md" and not p.name.startswith("LICENSE"))
    assert len(files) > 40
    understood = 0
    for path in files:
        name = path.relative_to(data).as_posix()
        parsers = [parse for pattern, parse in PARSED_BY.items() if fnmatch(name, pattern)]
        assert len(parsers) == 1, f"{name} is parsed by {len(parsers)} of them"
        found = list(parsers[0](path))
        assert found, f"{name} holds nothing"
        wrong = [str(one) for one in found if isinstance(one, Unreadable)]
        assert all("issue." in text or "issue is" in text for text in wrong), (name, wrong[:3])
        assert all(len(text) < 1000 for text in wrong), name
        understood += len(found) - len(wrong)
    assert understood > 1185
