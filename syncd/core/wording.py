"""What can be told of a text by its words alone: cheap, certain cases, in English; silence where it is not sure."""

import re
from typing import Final

from syncd.core.fold import fold


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# --- sentences --------------------------------------------------------------------------------------------

_END: Final = re.compile(r"(\S*?)([.!?…]+[\"'”’)\]]*\s+|[。！？]+\s*)(?=\S)")  # noqa: RUF001 - the ends of a sentence in Chinese and Japanese
_ABBREVIATIONS: Final = _set("approx cf co corp dr eg etc ie inc jr ltd mr mrs ms no sr st vs")


def sentences(text: str) -> int:
    """How many sentences a text holds; a dot behind an abbreviation (`e.g.`, `U.S.`, `no.`) ends none."""
    return 1 + sum(not _is_abbreviation(found[1], found[2]) for found in _END.finditer(text.strip()))


def _is_abbreviation(word: str, end: str) -> bool:
    bare = word.lstrip("(\"'“").casefold()
    return end.rstrip() == "." and (bare in _ABBREVIATIONS or "." in bare or (len(bare) == 1 and bare.isalpha()))


# --- a task, a result, a vision ---------------------------------------------------------------------------

_TASKS: Final = _set(
    "add adopt automate build clean complete configure consolidate create decommission define deliver deploy design "
    "develop document enable establish evaluate extend finish finalise finalize fix implement install integrate "
    "introduce investigate kick launch migrate modernise modernize move onboard organise organize plan port prepare "
    "prototype publish refactor refine release remove replace research revamp rewrite roll run ship start test train "
    "update upgrade"
)
"""Verbs that begin a to-do. Those that say a change of a number (reduce, halve, grow, improve) are not among them."""
_NOUNS: Final = re.compile(
    r"(the )?(implementation|introduction|launch|migration|roll-?out|development|creation|refactoring|replacement|"
    r"rewrite) (of|to|from)\b"
)
_RESULT: Final = re.compile(
    r"[0-9%]|\b(is|are|be|can|cannot|never|always|no|nobody|goes?|go|takes?|costs?|stays?|keeps?|gets?|"
    r"falls?|drops?|rises?|grows?|reach(es)?|halves?|halved|doubles?|twice|half|third|quarter|under|below|above|within|"
    r"fewer|less|more|faster|slower|cheaper|sooner|zero|so that|without|until|per|one|two|three|four|five|six|seven|"
    r"eight|nine|ten|twelve)\b"
)


def is_task(title: str) -> bool:
    """Whether a title only says what to do (`Migrate to the new platform`) and no result of it."""
    words = fold(title)
    first = re.match(r"[a-z]+", words)
    begins = _NOUNS.match(words) is not None or (first is not None and first[0] in _TASKS)
    return begins and not _RESULT.search(words)


_VISION: Final = re.compile(
    r"\b(we|our company|the company) (are|is|become|becomes|will be)\b|"
    r"\b(market|industry) leaders?\b|\bnumber one\b|\bworld[- ]class\b|\bbest[- ]in[- ]class\b|"
    r"\b(the )?(leading|most trusted|most loved|preferred) \w+ (in|of|for)\b"
)


def is_vision(title: str) -> bool:
    """Whether a title speaks of the whole company, as an intent or an outcome does and an objective does not."""
    return _VISION.search(fold(title)) is not None


# --- owners -----------------------------------------------------------------------------------------------

_NOBODY: Final = _set(
    "all anybody anyone everybody everyone me myself n/a na nobody no-one none owner owners somebody someone tba tbd "
    "tbc team teams them todo unassigned unknown us we xxx"
)
_ADDRESS: Final = re.compile(r"[^\s@,;:<>()]+@[^\s@,;:<>()]+\.[^\s@,;:<>().]+")
_SEVERAL: Final = re.compile(r"[;&/|]|,\s*\S|\s(and|or|und|et|y)\s")


def owner_complaint(owner: str) -> str | None:
    """Why nobody can be asked under that owner; None for what is one address or may be one name."""
    bare = fold(owner).strip(" .!?<>[]{}…-")
    if not bare or bare in _NOBODY:
        return "is nobody"
    if bare.count("@") > 1 or (_SEVERAL.search(f" {bare} ") and not _ADDRESS.fullmatch(bare)):
        return "is more than one"
    if "@" in bare and not _ADDRESS.search(bare):
        return "is no address"
    if sum(character.isalpha() for character in bare) < 2:  # noqa: PLR2004 - an initial is no name
        return "is no name"
    return None
