"""`syncd init`: a folder that explains itself, asked for on a terminal only, and nothing overwritten ever."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from support_config import check_options

from connectors import KINDS
from connectors.sandbox import Site, serve
from connectors.sandbox.__main__ import wall_clock
from syncd.app import App
from syncd.cli import main
from syncd.config import load_config
from syncd.config.new import QUESTIONS, AlreadyThereError, Interview, filled, write_new
from syncd.config.starter import starter_texts
from syncd.core.errors import SyncdError
from syncd.settings import missing_secrets

ROOT = Path(__file__).parents[2]
DAY = date(2027, 4, 2)
STARTER = starter_texts(DAY)["syncd.yaml"]
GOOD = {
    "installation": "mine",
    "kind": "jira-cloud",
    "url": "https://mine.atlassian.net",
    "email": "me@mine.example",
    "projects": "ABC, NO,X1",
}


class Person:
    """Answers each question with the next of the answers to it, and keeps what it is told."""

    def __init__(self, **answers: list[str]) -> None:
        by_question = {question.partition("{")[0]: key for key, (question, _) in QUESTIONS.items()}
        self._keys = by_question
        self._answers: dict[str, Iterator[str]] = {k: iter(answers.get(k, [GOOD[k]])) for k in QUESTIONS}
        self.asked: list[tuple[str, str]] = []
        self.told: list[str] = []

    def ask(self, question: str, default: str) -> str:
        self.asked.append((question, default))
        key = next(key for begins, key in self._keys.items() if question.startswith(begins))
        return next(self._answers[key]) or default

    def interview(self) -> Interview:
        return Interview(self.ask, self.told.append, check_options, list(KINDS))


def test_the_starter_is_written_whole_and_checks_without_a_word(tmp_path: Path) -> None:
    written = write_new(tmp_path / "a" / "config", DAY, None)
    assert {path.relative_to(tmp_path / "a" / "config").as_posix() for path in written} == set(starter_texts(DAY))
    assert all(path.is_file() for path in written)
    assert load_config(tmp_path / "a" / "config", check_options, KINDS, DAY).advice == ()


@pytest.mark.parametrize("name", sorted(starter_texts(DAY)))
def test_a_file_that_is_there_is_named_and_nothing_at_all_is_written(tmp_path: Path, name: str) -> None:
    mine = tmp_path / name
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("mine")
    person = Person()
    with pytest.raises(AlreadyThereError) as refused:
        write_new(tmp_path, DAY, person.interview())
    assert refused.value.files == (mine,)
    assert f"{mine} is there already" in str(refused.value)
    assert person.asked == [], "nobody answers questions for nothing"
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [mine]
    assert mine.read_text() == "mine"


def test_a_link_that_leads_nowhere_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    with pytest.raises(AlreadyThereError):
        write_new(tmp_path, DAY, None)
    assert not (tmp_path / "elsewhere.yaml").exists()


def test_a_folder_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file")
    with pytest.raises(SyncdError, match="cannot be written"):
        write_new(tmp_path / "config", DAY, None)


def test_the_answers_stand_in_the_file_and_the_comments_stay(tmp_path: Path) -> None:
    person = Person()
    write_new(tmp_path, DAY, person.interview())
    (tracker,) = load_config(tmp_path, check_options, KINDS, DAY).settings.trackers
    assert (tracker.id, tracker.kind) == ("mine-jira", "jira-cloud")
    text = (tmp_path / "syncd.yaml").read_text()
    assert "installation: mine\n" in text
    assert "scope: {projects: [ABC, 'NO', X1]}" in text
    assert "    url: https://mine.atlassian.net\n" in text
    assert "{email: me@mine.example, token: {env: JIRA_TOKEN}}" in text
    assert text.count("#") == STARTER.count("#")
    assert person.told == []
    assert [question for question, _ in person.asked][1] == "The kind of tracker (jira-cloud, linear)"


def test_for_linear_neither_address_nor_email_is_asked_for_and_the_scope_is_of_teams(tmp_path: Path) -> None:
    person = Person(kind=["linear"], projects=["ENG, OPS"])
    write_new(tmp_path, DAY, person.interview())
    config = load_config(tmp_path, check_options, KINDS, DAY)
    (tracker,) = config.settings.trackers
    assert config.advice == ()
    assert [p.message for p in missing_secrets(config.settings, {})] == [
        "the environment variable `LINEAR_TOKEN` is not set"
    ]
    assert not missing_secrets(config.settings, {"LINEAR_TOKEN": "lin_api_x"})
    assert (tracker.id, tracker.kind, tracker.url) == ("mine-linear", "linear", "")
    assert tracker.scope == {"teams": ("ENG", "OPS")}
    assert "    auth: {token: {env: LINEAR_TOKEN}}\n" in (tmp_path / "syncd.yaml").read_text()
    assert len(person.asked) == len(QUESTIONS) - 2
    assert person.told == []


@pytest.mark.parametrize(
    ("key", "wrong", "says"),
    [
        ("installation", "Not An Id", "is not an id"),
        ("installation", "x: y", "is not an id"),
        ("kind", "jira-clod", "did you mean `jira-cloud`?"),
        ("kind", "jira-data-center", "comes in a later version"),
        ("url", "", "not the url of a site"),
        ("url", "mine.atlassian.net", "write it as https://acme.atlassian.net"),
        ("url", "http://mine.atlassian.net", "plain http://"),
        ("url", "https://me:hunter2@mine.atlassian.net", "must not hold a user"),
        ("email", "", "this text is empty"),
        ("projects", "", "this is empty"),
        ("projects", "Payments team", "is not a project key"),
        ("projects", "PAY]}", "is not a project key"),
        ("projects", "PAY\x07", "cannot stand in YAML"),
    ],
)
def test_an_answer_that_check_would_refuse_is_asked_for_again(tmp_path: Path, key: str, wrong: str, says: str) -> None:
    person = Person(**{key: [wrong, GOOD[key]]})
    write_new(tmp_path, DAY, person.interview())
    assert len(person.asked) == len(QUESTIONS) + 1
    assert says in person.told[0]
    assert "hunter2" not in person.told[0]
    assert load_config(tmp_path, check_options, KINDS, DAY).settings.installation == "mine"


def test_nothing_is_written_when_the_questions_are_not_answered(tmp_path: Path) -> None:
    def ask(_question: str, _default: str) -> str:
        raise EOFError

    with pytest.raises(EOFError):
        App(tmp_path / "config", {}).init(ask, print)
    assert list(tmp_path.iterdir()) == []


def test_the_starter_has_a_place_for_every_answer() -> None:
    text = filled(STARTER, GOOD)
    for value in ("acme", "PAY"):
        assert value not in "".join(line for line in text.splitlines() if not line.strip().startswith("#"))
    with pytest.raises(ValueError, match="no place"):
        filled("installation: x\n", GOOD)


def _syncd(*argv: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(argv)
    assert isinstance(left.value.code, int)
    return left.value.code


def test_without_a_terminal_nothing_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("init asked somebody who is not there"))
    assert _syncd("init") == 0
    assert capsys.readouterr().out.splitlines()[-2:] == ["  syncd check", "  syncd plan"]
    assert _syncd("check", "--strict") == 0
    assert _syncd("init") == 2
    told = capsys.readouterr().err.splitlines()
    assert "config/rules.yaml is there already" in told
    assert told[-1] == "nothing was written; name another folder with --dir"
    assert _syncd("init", "--dir", "other place") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "  syncd --config 'other place' plan"
    assert (tmp_path / "other place" / "schema" / "rules.schema.json").is_file()


def _on_a_terminal(folder: Path, typed: bytes, token: str = "") -> tuple[int, str]:
    """Run `syncd init` as a person at a terminal does who has typed this ahead, and types the token when asked."""
    person, terminal = pty.openpty()
    program = [sys.executable, "-c", "from syncd.cli import main; main(['init'])"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        program, cwd=folder, env=environ, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
    ) as running:
        os.close(terminal)
        os.write(person, typed)
        shown = b""
        try:
            while part := os.read(person, 4096):
                asked = b"not shown" in shown
                shown += part
                if b"not shown" in shown and not asked:
                    os.write(person, token.encode() + b"\n")
        except OSError:  # Linux ends a terminal that nobody holds any more so
            pass
        finally:
            os.close(person)
        return running.wait(60), shown.decode()


def test_on_a_terminal_it_asks_and_says_what_comes_next(tmp_path: Path) -> None:
    typed = "mine\n\nmine\nhttps://mine.atlassian.net\nme@mine.example\nABC\n"
    code, shown = _on_a_terminal(tmp_path, typed.encode())
    assert code == 0, shown
    assert "The kind of tracker (jira-cloud, linear) [jira-cloud]: " in shown
    assert "this is not the url of a site" in shown
    assert shown.rstrip().endswith("syncd plan")
    assert load_config(tmp_path / "config", check_options, KINDS).settings.trackers[0].id == "mine-jira"


def test_ctrl_d_ends_the_questions_and_nothing_is_written(tmp_path: Path) -> None:
    code, shown = _on_a_terminal(tmp_path, b"mine\n\x04")
    assert code == 130, shown
    assert "nothing was written" in shown
    assert list(tmp_path.iterdir()) == []


def test_on_a_terminal_it_ends_at_a_first_plan_and_the_token_is_kept_nowhere(tmp_path: Path) -> None:
    with serve(Site(clock=wall_clock)) as served:
        served.site.registry.add_project("PAY", "Payments")
        served.site.person("Dana").create(project="PAY", summary="a failover", labels=["sre"])
        before = served.site.snapshot()
        typed = f"mine\n\n{served.url}\n{served.site.email}\nPAY\n"
        code, shown = _on_a_terminal(tmp_path, typed.encode(), served.site.token)
    assert code == 0, shown
    assert "works, as syncd@acme.example" in shown
    assert "With `write: label` would be written:\r\n       1  + outcome/reliability\r\n  PAY-1 " in shown
    assert served.site.token not in shown
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in kept if served.site.token.encode() in path.read_bytes()]
    assert served.site.snapshot() == before
