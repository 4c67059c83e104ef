"""What Linear makes of Markdown: it keeps a document, not the text, so little comes back as it went in.

What came back once comes back the same for ever after.
"""

import re

_BULLET = re.compile(r"^(\s*)[-+] ", re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[([^\]\n]+)\]\((?!<)([^()\s]+)\)")
_RULE = re.compile(r"^\|?(?:\s*:?-{2,}:?\s*\|)+(?:\s*:?-{2,}:?\s*)?$", re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
_DETAILS = re.compile(r"</?(?:details|summary)[^>\n]*>")
_EMPHASIS = re.compile(r"(?<![\w_])_([^_\n]+)_(?![\w_])")
_BLANKS = re.compile(r"\n{3,}")


def kept(text: str) -> str:
    """The text as it is given back."""
    done = _COMMENT.sub("", text.replace("\r\n", "\n"))
    done = _DETAILS.sub("", done)
    done = _BULLET.sub(r"\1* ", done)
    done = _EMPHASIS.sub(r"*\1*", done)
    done = _LINK.sub(r"[\1](<\2>)", done)
    done = _RULE.sub(_short_rule, done)
    return _BLANKS.sub("\n\n", done).strip()


def _short_rule(found: re.Match[str]) -> str:
    cells = found.group().strip().strip("|").count("|") + 1
    return "| " + " | ".join(["--"] * cells) + " |"
