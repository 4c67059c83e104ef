"""Whatever bytes a config file holds, reading it ends in values or in a ConfigError."""

import random
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from support_config import SMALL, load, write_config

from syncd.config.starter import starter_files
from syncd.core.errors import ConfigError
from syncd.files.problems import problem_text
from syncd.files.yamlfile import parse

NAMES = sorted(SMALL)
STARTER = {name: starter_files().joinpath(name).read_bytes() for name in NAMES}
PIECES = [
    *(
        "{",
        "}",
        "[",
        "]",
        ":",
        ": ",
        "- ",
        "&a ",
        "*a",
        "!t ",
        "!!int ",
        "|",
        ">",
        "'",
        '"',
        "\\",
        "#",
        "%",
        "@",
        "`",
        "?",
    ),
    *("\n", "\r", "\t", "  ", "\0", "\x85", "\u2028", "\ufeff", "\ud7ff", "---\n", "...\n", "<<: ", "null", "true"),
    *(
        "yes",
        "1e999",
        ".nan",
        "0o8",
        "9" * 50,
        "2026-02-30",
        "re:(",
        "re:",
        "*",
        "env",
        "file",
        "sqlite:///",
        "http://[",
    ),
    *("when: {}", "label:", "not:", "any: [", "token: x", "://u:p@h", "\u202e", "😀"),
]


def outcome(content: dict[str, bytes]) -> str:
    """`values`, or the problems as a person sees them; anything else fails the test."""
    with tempfile.TemporaryDirectory() as folder:
        config = write_config(Path(folder), content)
        try:
            load(config)
        except ConfigError as error:
            refused = error
        else:
            return "values"
    for problem in refused.problems:
        written = content.get(Path(problem.file).name, b"")
        lines = parse(written, "x").lines or written.split(b"\n")  # what is not UTF-8 has no lines of text
        assert problem.line >= 1
        assert problem.column >= 1
        assert problem.line <= len(lines) + 1 or Path(problem.file).name not in content
    return "\n".join(problem_text(p) for p in refused.problems)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(NAMES),
    st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace"))),
)
def test_random_bytes_are_refused_cleanly(name: str, content: bytes) -> None:
    assert outcome({name: content}) != ""


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(NAMES), st.lists(st.sampled_from(PIECES), max_size=30))
def test_random_pieces_of_yaml_are_refused_cleanly(name: str, pieces: list[str]) -> None:
    assert outcome({name: "".join(pieces).encode("utf-8", "replace")}) != ""


def _mutated(content: bytes, seed: int) -> bytes:
    """The file with one to three places cut, doubled, or overwritten."""
    rng = random.Random(seed)  # noqa: S311 - reproducible, not secret
    text = content.decode()
    for _ in range(rng.randint(1, 3)):
        start = rng.randrange(len(text))
        end = min(len(text), start + rng.choice((0, 1, 1, 2, 5, 20, 200)))
        put = rng.choice(("", rng.choice(PIECES), text[start:end] * 2, chr(rng.randrange(0xD7FF))))
        text = text[:start] + put + text[end:]
    return text.encode("utf-8", "replace")


def test_a_starter_file_damaged_anywhere_is_read_or_refused_cleanly() -> None:
    ends = {"values": 0, "problems": 0}
    for seed in range(200):
        name = NAMES[seed % 3]
        told = outcome({**STARTER, name: _mutated(STARTER[name], seed)})
        ends["values" if told == "values" else "problems"] += 1
    assert ends["problems"] > 60
    assert ends["values"] > 10


def test_a_secret_in_a_damaged_file_is_in_no_message() -> None:
    inline = SMALL["syncd.yaml"].replace("{env: JIRA_TOKEN}", "hunter2")
    auth = inline.splitlines()[6]
    block = inline.replace(auth, "    auth:\n      email: a@b.example\n      token: hunter2")
    refused = 0
    for seed in range(150):
        for text in (inline, block):
            told = outcome({"syncd.yaml": _mutated(text.encode(), seed)})
            assert "hunter2" not in told, (seed, told)
            refused += told != "values"
    assert refused > 250
