"""`syncd init`: a config folder for somebody who has none. It explains itself, and never overwrites a file."""

import os
import re
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from syncd.config.starter import starter_texts
from syncd.core.errors import SyncdError
from syncd.files.yamlfile import parse
from syncd.settings import SETTINGS_FILE, CheckOptions, read_settings

Ask = Callable[[str, str], str]
"""(question, default) → what a person answers."""
Tell = Callable[[str], None]
Answers = Mapping[str, str]


class AlreadyThereError(SyncdError):
    """Files stand where new ones would: name another folder, or move them away."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = tuple(files)
        there = "\n".join(f"{file} is there already" for file in files)
        super().__init__(f"{there}\nnothing was written; name another folder with --dir")


@dataclass(frozen=True, slots=True)
class Interview:
    """Asks a person for what syncd.yaml needs, until the answers hold. No network."""

    ask: Ask
    tell: Tell
    check_options: CheckOptions
    kinds: Collection[str]

    def answers(self, starter: str) -> Answers:
        """Everything that was answered; `starter` is the syncd.yaml that it will be written into."""
        given: dict[str, str] = {}
        for key, (question, default) in QUESTIONS.items():
            if key in ("url", "email") and given["kind"] == "linear":
                continue  # its address is known, and its key says whose it is
            given[key] = self._one(starter, given, key, (question.format(kinds=", ".join(sorted(self.kinds))), default))
        return given

    def _one(self, starter: str, given: Answers, key: str, asked: tuple[str, str]) -> str:
        while True:
            answer = self.ask(*asked).strip()
            problems = self._problems(filled(starter, {**given, key: answer}))
            if not problems:
                return answer
            self.tell("\n".join(problems))

    def _problems(self, text: str) -> Sequence[str]:
        """What `syncd check` would say of that syncd.yaml."""
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / SETTINGS_FILE).write_text(text, encoding="utf-8")
            found = read_settings(Path(folder), self.check_options, self.kinds).source.problems
        return [f"  {p.message}" + (f" ({p.hint})" if p.hint else "") for p in found if p.severity == "error"]


QUESTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "installation": ("A name for this installation, which signs all marks", "acme"),
    "kind": ("The kind of tracker ({kinds})", "jira-cloud"),
    "url": ("Its address, such as https://acme.atlassian.net", ""),
    "email": ("The email address of syncd's account there", ""),
    "projects": ("The keys of the projects (in Linear: of the teams) that syncd may read, such as PAY, OPS", ""),
}
"""What is asked, in order: question and default. Without a default an answer is required."""


def filled(starter: str, answers: Answers) -> str:
    """The starter's syncd.yaml with answers in the place of its examples; what is not answered stays."""
    text = starter
    linear = answers.get("kind") == "linear"
    ending, scope = ("linear", "teams") if linear else ("jira", "projects")
    if linear:
        text = _put(text, r"\{projects: ", "{teams: ")
        text = _put(text, "(?m)^    url: .*\n", "")
        text = _put(text, r"\{email: [^,]*, token: \{env: JIRA_TOKEN\}\}", "{token: {env: LINEAR_TOKEN}}")
    if installation := answers.get("installation"):
        text = _put(text, "(?m)^installation: .*$", f"installation: {_plain(installation)}")
        text = _put(text, "(?m)^  acme-jira:", f"  {_plain(f'{installation[:56]}-{ending}')}:")
    for key in ("kind", "url"):
        if key in answers:
            text = _put(text, f"(?m)^    {key}: .*$", f"    {key}: {_plain(answers[key])}")
    if "email" in answers:
        text = _put(text, r"\{email: [^,]*,", f"{{email: {_plain(answers['email'])},")
    if "projects" in answers:
        listed = ", ".join(_plain(entry.strip()) for entry in answers["projects"].split(",") if entry.strip())
        text = _put(text, rf"\{{{scope}: \[.*\]\}}", f"{{{scope}: [{listed}]}}")
    return text


def _put(text: str, pattern: str, replacement: str) -> str:
    made, count = re.subn(pattern, lambda _: replacement, text, count=1)
    if not count:
        raise ValueError(f"the starter has no place for {pattern}")
    return made


def _plain(text: str) -> str:
    """A text as YAML: bare where it stays that text, else in quotes."""
    root = parse(f"[{text}]".encode(), "answer").root
    bare = root is not None and [text] == root.plain()
    return text if bare else "'" + text.replace("'", "''") + "'"


def write_new(directory: Path, today: date, interview: Interview | None) -> Sequence[Path]:
    """Write a starter config; with an interview, its syncd.yaml holds the answers. The files, in order.

    Raises:
        AlreadyThereError: some of the files exist; nothing was asked or written.
        SyncdError: the folder cannot be written.
    """
    texts = dict(starter_texts(today))
    if there := [directory / name for name in texts if os.path.lexists(directory / name)]:
        raise AlreadyThereError(there)
    if interview is not None:
        texts[SETTINGS_FILE] = filled(texts[SETTINGS_FILE], interview.answers(texts[SETTINGS_FILE]))
    for name, text in texts.items():
        _write(directory / name, text)
    return [directory / name for name in texts]


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as failed:
        raise SyncdError(f"{path} cannot be written: {failed.strerror}") from None
