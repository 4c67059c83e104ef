"""A small served Jira Cloud, with its traps, for `syncd demo` and the tests. It shares no code with the connectors."""

from connectors.sandbox.faults import Exchange, Fault, Faults
from connectors.sandbox.load import load_issues
from connectors.sandbox.server import Served, serve
from connectors.sandbox.site import Mail, Permissions, Quirks, Site
from connectors.sandbox.values import Issue, IssueState
from connectors.sandbox.world import build_world

__all__ = [
    "Exchange",
    "Fault",
    "Faults",
    "Issue",
    "IssueState",
    "Mail",
    "Permissions",
    "Quirks",
    "Served",
    "Site",
    "build_world",
    "load_issues",
    "serve",
]
