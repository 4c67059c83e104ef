"""How syncd's own work is known in Linear: an attachment carries the copy, labels say who made them. Pure.

The reader and the writer share these words: what one writes, the other must find again.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from connectors.linear.ids import label_ids
from syncd.core.fold import fold
from syncd.core.model import Copy
from syncd.core.ports import MarkNames

COPY_SCHEME: Final = "syncd://"
"""How the addresses of all installations' copies begin."""

_SIGNED: Final = re.compile(r"\Asyncd ([a-z0-9][a-z0-9-]{0,62})(?=\Z|[\s:])")
_KEPT: Final = ", made and kept by syncd"
_MADE: Final = re.compile(rf"\Asyncd ([a-z0-9][a-z0-9-]{{0,62}}): (.+){_KEPT}")


# --- the copy of what is applied: an attachment with an address of our own ----------------------------------


def copy_url(installation: str) -> str:
    """The address of that installation's attachment: attachmentCreate is an upsert by (issue, url)."""
    return f"{COPY_SCHEME}{installation}"


def copy_metadata(copy: Copy) -> dict[str, str]:
    """The attachment's metadata: flat texts, which is what Linear shows (facts/linear.md §5)."""
    told = {"installation": copy.installation, "instance": copy.instance}
    return told if copy.mark is None else told | {"mark": copy.mark}


def copy_of(attachment: Any) -> Copy | None:
    """The copy that an attachment carries; anything not written by syncd's own hand is none."""
    told = attachment.get("metadata") if isinstance(attachment, Mapping) else None
    if not isinstance(told, Mapping):
        return None
    installation, instance, mark = told.get("installation"), told.get("instance"), told.get("mark")
    if not isinstance(installation, str) or not isinstance(instance, str) or not isinstance(mark, str | None):
        return None
    if attachment.get("url") != copy_url(installation):
        return None
    return Copy(installation, instance, mark or None)


# --- labels and groups that syncd made ----------------------------------------------------------------------


def label_sign(installation: str) -> str:
    """What the description of every label and group of ours says, or begins with before a colon."""
    return f"syncd {installation}"


def label_note(installation: str, mark: str) -> str:
    """The description of a label that syncd makes: whatever people call it later, this says which mark it is."""
    return f"{label_sign(installation)}: {mark}{_KEPT}; it goes when no issue bears it"


def made_for(label_id: str, description: Any) -> str | None:
    """The mark that some syncd made a label for, whatever its name is by now; None: not made by syncd, or not told.

    The description says it and the id proves it: a description that was copied onto another label proves nothing.
    """
    found = _MADE.match(description.strip()) if isinstance(description, str) else None
    return found[2] if found and label_id in label_ids(found[1], found[2]) else None


def signer(description: Any) -> str | None:
    """The installation that made a label, by its description; None: people did."""
    found = _SIGNED.match(description.strip()) if isinstance(description, str) else None
    return found[1] if found else None


def group_names(names: MarkNames) -> tuple[str, str]:
    """The groups of outcomes and of alignment: mark names are theirs, with a slash behind."""
    return names.outcome.removesuffix("/"), names.alignment.removesuffix("/")


def spare_name(child: str, group: str) -> str:
    """What a child is called where Linear refuses its name, which another label has: `reliability (outcome)`."""
    return f"{child} ({group.casefold()})"


def mark_of(child: str, group: str) -> str:
    """The mark that a child of one of our groups is, also one that bears its spare name."""
    tail = f" ({fold(group)})"
    return f"{group}/{child[: -len(tail)] if fold(child).endswith(tail) and len(child) > len(tail) else child}"
