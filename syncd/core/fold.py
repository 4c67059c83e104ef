"""How texts are compared: folded, so that `SRE`, ` sre` and (for labels) `sre,` are one (DESIGN §4)."""

import unicodedata
from typing import Final

LABEL_TAIL: Final = ",.;"
"""What people leave behind a label when they paste lists (data/CHARACTER.md §1)."""


def fold(text: str) -> str:
    """NFKC, casefolded, stripped."""
    if text.isascii():
        return text.lower().strip()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).strip()


def fold_label(text: str) -> str:
    """As `fold`, and without trailing `,.;`."""
    folded = fold(text)
    while folded and folded[-1] in LABEL_TAIL:
        folded = folded.rstrip(LABEL_TAIL).rstrip()
    return folded


def field_key(name: str) -> str:
    """The key under which a snapshot holds a field beyond the common ones, from the key of a condition.

    `field.Story Points` and `field.story  points ` are one field: display names are compared folded, spaces as one.
    """
    head, dot, name_part = name.partition(".")
    return f"{head}.{' '.join(fold(name_part).split())}" if dot else head


def storable(text: str) -> str:
    """The text with what no store and no pattern accepts (NUL, lone surrogates) replaced by U+FFFD.

    Both occur in real trackers (data/CHARACTER.md §1); connectors call it on every text they map.
    """
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
