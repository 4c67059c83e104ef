"""A small served Linear, with its traps, for `syncd demo` and the tests. It shares no code with the connectors."""

from connectors.sandbox.linear.faults import LinearExchange, LinearFault
from connectors.sandbox.linear.people import Member
from connectors.sandbox.linear.server import ServedLinear, serve_linear
from connectors.sandbox.linear.workspace import Key, Limits, Notification, Switches, Workspace
from connectors.sandbox.linear.world import Twin, build_linear_world, twins_of

__all__ = [
    "Key",
    "Limits",
    "LinearExchange",
    "LinearFault",
    "Member",
    "Notification",
    "ServedLinear",
    "Switches",
    "Twin",
    "Workspace",
    "build_linear_world",
    "serve_linear",
    "twins_of",
]
