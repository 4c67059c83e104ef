"""The bricks of an HTML page: elements whose content is escaped unless it is an element itself, links, and bars.

Texts from trackers are hostile. There is one door to the page, `tag`: a plain `str` that goes through it becomes
text and never markup, whether as content or as an attribute's value.
"""

from collections.abc import Iterable
from html import escape
from typing import Final
from urllib.parse import urlsplit

from syncd.render.adf import inert

LONGEST: Final = 300
"""Characters of one foreign text; a longer one is cut with an ellipsis."""
ENOUGH: Final = 2_000
"""Characters that any text may have at most, an address too; the rest never reaches the page."""
VOID: Final = ("meta", "rect", "line")
LINES: Final = frozenset({
    "meta", "title", "style", "h1", "h2", "h3", "p", "caption", "tr", "li", "dt", "dd", "ul", "table", "svg", "summary",
    "section", "header", "head", "body", "main",
})  # fmt: skip
"""Elements that end a line of the page's source, so that a person can read it and a comparison can name a line."""


class Markup(str):
    """Finished HTML. Made by `tag` and `joined` only."""

    __slots__ = ()


Content = str | None
"""What may stand in an element: markup as it is, a plain text escaped, None left out."""


def tag(name: str, /, *content: Content, **attributes: str | None) -> Markup:
    """An element. `class_` means `class`, `aria_label` means `aria-label`; an attribute of None is left out."""
    told = "".join(f' {_attribute(a)}="{_text(v)}"' for a, v in attributes.items() if v is not None)
    end = "\n" if name in LINES else ""
    if name in VOID:
        return Markup(f"<{name}{told}{'>' if name == 'meta' else '/>'}{end}")
    return Markup(f"<{name}{told}>{joined(content)}</{name}>{end}")


def joined(content: Iterable[Content], between: str = "") -> Markup:
    """Contents one after the other."""
    made = (part if isinstance(part, Markup) else _text(part) for part in content if part is not None)
    return Markup(_text(between).join(made))


def foreign(text: str) -> Markup:
    """A text from a tracker or a file: on one line, cut, its reading direction kept to itself."""
    return tag("bdi", shown(text))


def shown(text: str) -> str:
    """The text without what steers a screen, on one line, cut at `LONGEST`. Not escaped yet."""
    line = " ".join(inert(" ".join(text[: 4 * LONGEST].split())).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"


def link(url: str, content: Content) -> Markup:
    """A link to http or https; to anything else there is none, and the content stands alone."""
    if not safe(url):
        return joined([content])
    return tag("a", content, href=url, rel="noreferrer noopener")


def safe(url: str) -> bool:
    """Whether a browser may be sent there: http or https, a host, no user name, nothing that steers a screen."""
    if len(url) > ENOUGH or url != inert(url) or any(c.isspace() for c in url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:  # such as an unclosed [ in the host
        return False


def _text(text: str) -> str:
    return escape(inert(text[:ENOUGH]), quote=True)


def _attribute(name: str) -> str:
    """Python's spelling → HTML's; SVG's own names keep their capitals."""
    return name.rstrip("_").replace("_", "-")


# --- bars -------------------------------------------------------------------------------------------------


def bar(title: str, share: float, mark: float | None, *, scale: float, name: str) -> Markup:
    """A share as a bar, and a target or budget as a stroke across it, on a scale that ends at `scale`.

    All three are fractions. `name` is unique in the page; title and description say the same in words.
    """
    description = f"{percent(share)} of all work" + ("" if mark is None else f"; the stroke stands at {percent(mark)}")
    strokes = [
        tag("rect", class_="track", x="0", y="4", width="100%", height="8"),
        tag("rect", class_="share", x="0", y="4", width=_along(share, scale), height="8"),
    ]
    if mark is not None:
        at = _along(mark, scale)
        strokes += [tag("line", class_=c, x1=at, x2=at, y1="0", y2="16") for c in ("halo", "mark")]
    return _drawing("bar", strokes, title=title, description=description, name=name, height="16")


def stack(title: str, parts: Iterable[tuple[str, str, int]], name: str) -> Markup:
    """Parts of one whole side by side: (class, what, how many) each."""
    given = list(parts)
    whole = sum(count for _, _, count in given) or 1
    strokes, at = [], 0
    for class_, _, count in given:
        x, width = _along(at, whole), _along(count, whole)
        strokes.append(tag("rect", class_=class_, x=x, y="0", width=width, height="20"))
        at += count
    said = "; ".join(f"{what}: {number(count)}" for _, what, count in given)
    return _drawing("stack", strokes, title=title, description=said, name=name, height="20")


def _drawing(class_: str, strokes: Iterable[Markup], *, title: str, description: str, name: str, height: str) -> Markup:
    named = (tag("title", shown(title), id=f"{name}-t"), tag("desc", description, id=f"{name}-d"))
    return tag(
        "svg", *named, *strokes,
        class_=class_, role="img", aria_labelledby=f"{name}-t", aria_describedby=f"{name}-d",
        width="100%", height=height, focusable="false",
    )  # fmt: skip


def _along(value: float, scale: float) -> str:
    return f"{min(max(value / scale, 0), 1) * 100:.2f}%"


# --- numbers ----------------------------------------------------------------------------------------------


def number(count: int) -> str:
    """`1,753`."""
    return f"{count:,}"


def percent(share: float | None) -> str:
    """`12.3 %` that does not break, or a dash where there is no number."""
    return "-" if share is None else f"{share * 100:.1f}\u00a0%"


def plural(count: int, one: str, many: str | None = None) -> str:
    """`1 issue`, `2 issues`."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"
