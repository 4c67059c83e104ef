"""How to talk to one kind of tracker. A table, no scanning: what is not named here is not loaded."""

from typing import Final

KINDS: Final[dict[str, str]] = {
    "jira-cloud": "connectors.jira.cloud:KIND",
    "linear": "connectors.linear.kind:KIND",
}
"""Kind (as written in syncd.yaml) → import string of its `syncd.core.ports.TrackerKind`."""
