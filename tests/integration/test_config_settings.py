"""What syncd.yaml means: defaults, relative paths, and secrets that are fetched late and never shown."""

from datetime import time, timedelta
from pathlib import Path

import pytest
from support_config import SMALL, load, write_config

from syncd.core.errors import ConfigError
from syncd.core.model import Limits
from syncd.core.plan import Write
from syncd.core.ports import MarkNames
from syncd.settings import (
    CommandSettings,
    CommentSettings,
    GroupNames,
    HttpSettings,
    MarksSettings,
    QuietHours,
    Secret,
    Settings,
    missing_secrets,
    tracker_options,
)

S = "syncd.yaml"
AT = SMALL[S].splitlines()[6].index("{env") + 1


def _settings(folder: Path, text: str) -> Settings:
    return load(write_config(folder, {S: text})).settings


def test_what_is_not_written_is_as_the_design_says(tmp_path: Path) -> None:
    settings = _settings(tmp_path, SMALL[S])
    assert settings.write_closed is False
    assert settings.marks == MarksSettings(
        MarkNames("outcome/", "alignment/"), GroupNames("Outcome", "Alignment"), timedelta(minutes=15), mail=False
    )
    assert settings.comments == CommentSettings(timedelta(hours=24), False, 20, 3, None)
    assert settings.commands == CommandSettings("members")
    assert settings.limits == Limits(0.3, 500, 20)
    assert settings.http == HttpSettings(("127.0.0.1", 8080), None)
    assert settings.reports == tmp_path / "reports"
    tracker = settings.trackers[0]
    assert (tracker.write, dict(tracker.write_by)) == (Write.OBSERVE, {})
    assert (tracker.poll_every, tracker.overlap) == (timedelta(seconds=60), timedelta(minutes=5))
    assert (tracker.census_every, tracker.webhook) == (timedelta(hours=6), None)


def test_a_section_whose_lines_are_all_commented_out_has_its_defaults(tmp_path: Path) -> None:
    empty = "".join(f"{key}:\n" for key in ("marks", "comments", "commands", "limits", "http", "reports"))
    assert _settings(tmp_path, SMALL[S] + empty) == _settings(tmp_path, SMALL[S])


def test_everything_that_can_be_written_is_understood(tmp_path: Path) -> None:
    text = (
        SMALL[S]
        + """\
    write: label
    write_by: {PAY: label+comment}
    poll_every: 5m
    overlap: 0s
    census_every: 90d
    webhook: {secret: {file: hook}}
write_closed: true
marks: {outcome: "o-", alignment: "a-", groups: {outcome: Goal}, grace: 0s, mail: true}
comments: {grace: 2h, backlog: true, per_project_per_day: 1, per_person_per_day: 0, quiet_hours: "18:30-08:00 UTC"}
commands: {allow: off}
limits: {share: 12.5%, actions: 7, always: 0}
http: {listen: "[::1]:80", webhooks: "0.0.0.0:8443"}
reports: {directory: /var/lib/syncd}
"""
    )
    settings = _settings(tmp_path, text)
    tracker = settings.trackers[0]
    assert (tracker.write_by["PAY"], tracker.write) == (Write.COMMENT, Write.LABEL)
    assert (tracker.poll_every, tracker.overlap) == (timedelta(minutes=5), timedelta(0))
    assert tracker.census_every == timedelta(days=90)
    assert tracker.webhook is not None
    assert (tracker.webhook.origin, tracker.webhook.name) == ("file", str(tmp_path / "hook"))
    assert settings.marks == MarksSettings(
        MarkNames("o-", "a-"), GroupNames("Goal", "Alignment"), timedelta(0), mail=True
    )
    quiet = QuietHours(time(18, 30), time(8), "UTC")
    assert settings.comments == CommentSettings(timedelta(hours=2), True, 1, 0, quiet)
    assert settings.commands.allow == "off"
    assert settings.limits == Limits(0.125, 7, 0)
    assert settings.http == HttpSettings(("::1", 80), ("0.0.0.0", 8443))  # noqa: S104 - a value, nothing listens
    assert settings.reports == Path("/var/lib/syncd")


def test_relative_paths_start_at_the_folder_above_the_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_config(tmp_path)
    monkeypatch.chdir(tmp_path)
    for named in (Path("config"), tmp_path / "config"):
        settings = load(named).settings
        assert settings.store.url == f"sqlite:///{tmp_path}/syncd.db"
        assert settings.directory == tmp_path / "config"
    absolute = SMALL[S].replace("sqlite:///syncd.db", "sqlite:////var/lib/syncd.db")
    assert _settings(tmp_path, absolute).store.url == "sqlite:////var/lib/syncd.db"


def test_plain_http_is_for_this_machine_or_said_to_be_meant(tmp_path: Path) -> None:
    for url in ("http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost"):
        text = SMALL[S].replace("https://acme.atlassian.net", url)
        assert _settings(tmp_path, text).trackers[0].url == url
    insecure = SMALL[S].replace("https://acme.atlassian.net", "http://jira.acme.example/") + "    insecure: true\n"
    assert _settings(tmp_path, insecure).trackers[0].url == "http://jira.acme.example"


def test_a_connector_gets_its_secrets_resolved_and_shows_them_nowhere(tmp_path: Path) -> None:
    settings = _settings(tmp_path, SMALL[S])
    options = tracker_options(settings, "acme-jira", {"JIRA_TOKEN": "hunter2"})
    assert options.auth == {"email": "syncd@acme.example", "token": "hunter2"}
    assert options.scope == {"projects": ("PAY", "OPS")}
    assert "hunter2" not in repr(options) + repr(settings)


def test_an_unset_variable_is_advice_to_check_and_an_error_to_what_connects(tmp_path: Path) -> None:
    settings = _settings(tmp_path, SMALL[S])
    advice = missing_secrets(settings, {})
    assert [(p.severity, p.line, p.column) for p in advice] == [("advice", 7, AT)]
    assert advice[0].message == "the environment variable `JIRA_TOKEN` is not set"
    assert missing_secrets(settings, {"JIRA_TOKEN": "x"}) == ()
    with pytest.raises(ConfigError) as refused:
        tracker_options(settings, "acme-jira", {})
    assert [(p.severity, p.line, p.column) for p in refused.value.problems] == [("error", 7, AT)]


def test_a_secret_file_is_read_when_it_is_needed_without_its_last_newline(tmp_path: Path) -> None:
    settings = _settings(tmp_path, SMALL[S].replace("{env: JIRA_TOKEN}", "{file: secrets/token}"))
    secret = settings.trackers[0].auth["token"]
    assert isinstance(secret, Secret)
    assert [p.message for p in missing_secrets(settings, {})] == [f"there is no file `{tmp_path}/secrets/token`"]
    (tmp_path / "secrets").mkdir()
    for content, revealed in ((b"hunter2\n", "hunter2"), (b"hunter2\r\n", "hunter2"), (b" hunter2", " hunter2")):
        (tmp_path / "secrets/token").write_bytes(content)
        assert secret.reveal({}) == revealed


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"hunter2\nand more", "holds a line break"),
        (b"hunter2\xff", "it is not UTF-8"),
        (b"hunter2" * 20_000, "too large"),
    ],
)
def test_a_file_that_cannot_be_a_secret_is_told_and_not_repeated(tmp_path: Path, content: bytes, says: str) -> None:
    settings = _settings(tmp_path, SMALL[S].replace("{env: JIRA_TOKEN}", "{file: token}"))
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        tracker_options(settings, "acme-jira", {})
    assert says in refused.value.problems[0].message
    assert "hunter" not in repr(refused.value.problems)


def test_the_password_of_a_database_is_told_by_reference(tmp_path: Path) -> None:
    store = "store: {url: postgresql+psycopg://syncd@db/syncd?sslmode=require, password: {env: DB}}"
    settings = _settings(tmp_path, SMALL[S].replace("store: sqlite:///syncd.db", store))
    assert settings.store.url == "postgresql+psycopg://syncd@db/syncd?sslmode=require"
    assert settings.store.password is not None
    assert settings.store.password.reveal({"DB": "hunter2"}) == "hunter2"


# --- marks in label groups --------------------------------------------------------------------------------


def test_where_marks_are_labels_in_groups_they_are_called_by_group_and_name(tmp_path: Path) -> None:
    usual = _settings(tmp_path, SMALL[S])
    environ = {"JIRA_TOKEN": "x"}
    assert tracker_options(usual, "acme-jira", environ).marks == MarkNames("outcome/", "alignment/")
    assert tracker_options(usual, "acme-jira", environ, groups=True).marks == MarkNames(
        "Outcome/", "Alignment/", exclusive=True
    )
    named = SMALL[S] + "marks: {outcome: goal/, groups: {outcome: Our goals, alignment: To settle}}\n"
    settings = _settings(tmp_path, named)
    assert tracker_options(settings, "acme-jira", environ).marks == MarkNames("goal/", "alignment/")
    assert tracker_options(settings, "acme-jira", environ, groups=True).marks == MarkNames(
        "Our goals/", "To settle/", exclusive=True
    )


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ("{outcome: Goals, alignment: goals}", "`Goals` cannot be the name of both groups"),
        ("{alignment: outcome}", "`Outcome` cannot be the name of both groups"),
        ("{outcome: a/b}", "`a/b` cannot name a label group"),
        ("{outcome: ' x'}", "` x` cannot name a label group"),
    ],
)
def test_groups_that_could_not_be_told_apart_or_written_are_refused_where_they_stand(
    tmp_path: Path, groups: str, message: str
) -> None:
    write_config(tmp_path, {S: SMALL[S] + f"marks: {{groups: {groups}}}\n"})
    with pytest.raises(ConfigError) as wrong:
        load(tmp_path / "config")
    (problem,) = [p for p in wrong.value.problems if p.severity == "error"]
    assert (problem.line, problem.message) == (SMALL[S].count("\n") + 1, message)


def test_the_url_may_be_left_out_only_where_the_kind_knows_one(tmp_path: Path) -> None:
    write_config(tmp_path, {S: SMALL[S].replace("    url: https://acme.atlassian.net\n", "")})
    with pytest.raises(ConfigError) as wrong:
        load(tmp_path / "config")
    assert [p.message for p in wrong.value.problems if p.severity == "error"] == [
        "jira-cloud needs the url of the site"
    ]
