"""`syncd doctor`: what is missing is named, with what to grant; what is not asked for yet is told beforehand."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support_cli import Cli, commanded
from support_linear_writer import Space, space_of
from support_stage import TRACKER, Stage, staged

from connectors.linear.kind import LinearKind
from connectors.sandbox import Fault
from syncd.core.checkup import Checkup
from syncd.core.plan import Write
from syncd.core.ports import Signature


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path, write="label+comment") as stage:
        yield stage


@pytest.fixture
def syncd(stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    with commanded(stage, capsys, monkeypatch) as cli:
        yield cli


def found(ran: Any, section: str = TRACKER) -> Mapping[str, Mapping[str, Any]]:
    """What one section told, by what was looked at."""
    return {one["what"]: one for one in json.loads(ran.out)["sections"][section]}


def wrong(ran: Any) -> dict[str, str]:
    """What is wrong anywhere, with the remedy."""
    sections = json.loads(ran.out)["sections"].values()
    return {one["what"]: one["remedy"] for section in sections for one in section if one["ok"] is False}


def test_where_nothing_is_missing_it_says_so_and_nothing_is_written(stage: Stage, syncd: Cli) -> None:
    stage.create(labels=["sre"])
    before = stage.site.snapshot()
    ran = syncd("doctor", "--json")
    assert (ran.code, json.loads(ran.out)["ok"], wrong(ran)) == (0, True, {})
    assert syncd("doctor").out.endswith("Nothing is missing.\n")
    assert stage.site.snapshot() == before
    assert not list(stage.folder.glob("syncd.db"))  # not even a store


BREAKS: dict[str, tuple[Callable[[Stage], object], str, str]] = {
    "edit": (lambda s: s.site.permissions.may_edit.update(PAY=False), "PAY: labels", "Edit issues"),
    "browse": (lambda s: s.site.permissions.may_browse.update(OPS=False), "OPS: read", "not visible"),
    "comment": (lambda s: s.site.permissions.may_comment.update(PAY=False), "PAY: comments", "Add comments"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_missing_permission_is_named_with_its_project(name: str, stage: Stage, syncd: Cli) -> None:
    spoil, what, says = BREAKS[name]
    spoil(stage)
    ran = syncd("doctor", "--json")
    assert ran.code == 4
    assert list(wrong(ran)) == [what]
    assert says in found(ran)[what]["says"]
    assert what.partition(":")[0] in (found(ran)[what]["remedy"] or "")


def test_labels_that_would_mail_are_wrong_unless_mail_is_allowed_or_bulk_is(stage: Stage, syncd: Cli) -> None:
    stage.site.permissions.may_silence.update(PAY=False, OPS=False)
    assert wrong(syncd("doctor", "--json")) == {}  # in bulk there is silence, too
    stage.site.permissions.may_bulk["*"] = False
    assert set(wrong(syncd("doctor", "--json"))) == {"PAY: labels", "OPS: labels"}
    stage.write(marks={"mail": True})
    assert wrong(syncd("doctor", "--json")) == {}


def test_what_only_a_wider_policy_needs_is_told_and_is_not_wrong(stage: Stage, syncd: Cli) -> None:
    stage.write(tracker={"write": "observe"})
    stage.site.permissions.may_edit["PAY"] = False
    stage.site.permissions.may_comment["PAY"] = False
    ran = syncd("doctor", "--json")
    assert (ran.code, wrong(ran)) == (0, {})
    assert (found(ran)["PAY: labels"]["ok"], found(ran)["PAY: comments"]["ok"]) == (None, None)
    assert "before `write:` asks for more" in found(ran)["PAY: labels"]["remedy"]


def test_a_token_that_does_not_work_is_the_one_thing_told_of_that_tracker(
    syncd: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIRA_TOKEN", "not-the-token")
    ran = syncd("doctor", "--json")
    assert list(wrong(ran)) == ["token"]
    assert "PAY: read" not in found(ran)
    assert "not-the-token" not in ran.out


def test_an_address_that_redirects_is_mended_at_the_url_and_not_at_the_token(stage: Stage, syncd: Cli) -> None:
    stage.site.faults.add(Fault("status", 302, times=None))
    remedy = wrong(syncd("doctor", "--json"))["token"]
    assert remedy.startswith("needed: a url in syncd.yaml that is the tracker's own")
    assert "302, Found. Grant: a url" in syncd("once").err


def test_a_secret_that_is_not_set_is_told_with_its_name(syncd: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JIRA_TOKEN")
    ran = syncd("doctor", "--json")
    assert ran.code == 4
    assert wrong(ran) == {"secret": "export JIRA_TOKEN=…"}


def test_a_tracker_that_cannot_be_reached_is_told_and_the_others_sections_stand(stage: Stage, syncd: Cli) -> None:
    stage.write(tracker={"url": "http://127.0.0.1:9"})
    ran = syncd("doctor", "--json")
    assert list(wrong(ran)) == ["reach"]
    assert found(ran, "store")


def test_a_token_that_ends_soon_is_wrong_and_one_whose_end_nobody_noted_asks_for_it(stage: Stage, syncd: Cli) -> None:
    asks = found(syncd("doctor", "--json"))["token's end"]
    assert (asks["ok"], "token_expires" in asks["remedy"]) == (None, True)
    day = (stage.clock.now() + timedelta(days=12)).date()
    stage.write(tracker={"token_expires": f"{day}"})
    ran = syncd("doctor", "--json")
    assert (ran.code, list(wrong(ran))) == (4, ["token's end"])
    assert found(ran)["token's end"]["says"] == f"it ends on {day}, in 12 days"
    stage.write(tracker={"token_expires": f"{day.replace(year=day.year + 1)}"})
    assert syncd("doctor", "--json").code == 0


def test_a_cycle_foresees_a_token_s_end_and_a_new_day_closes_the_finding(stage: Stage) -> None:
    day = (stage.clock.now() + timedelta(days=31)).date()
    stage.write(tracker={"token_expires": f"{day}"})
    stage.once()
    assert stage.findings("token-expires") == []
    stage.later(days=1)
    (told,) = stage.findings("token-expires")
    assert f"ends on {day}, in 30 days" in told
    stage.write(tracker={"token_expires": f"{day.replace(year=day.year + 1)}"})
    stage.later(minutes=1)
    assert stage.findings("token-expires") == []


def test_a_clock_that_is_off_is_told(stage: Stage, syncd: Cli) -> None:
    here = stage.clock.now()
    stage.site.clock = lambda: here + timedelta(minutes=5)
    ran = syncd("doctor", "--json")
    assert list(wrong(ran)) == ["clock"]
    assert "300 s behind the tracker's" in found(ran)["clock"]["says"]


def test_little_room_for_the_store_is_told(stage: Stage, syncd: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10_000_000))
    assert list(wrong(syncd("doctor", "--json"))) == ["disk"]


def test_writes_that_failed_for_good_are_told(stage: Stage, syncd: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.once()
    monkeypatch.setattr("syncd.store.SqlStore.outbox_counts", lambda _: {"dead": 2})
    ran = syncd("doctor", "--json")
    assert wrong(ran) == {"outbox": "look: `syncd outbox list`; then retry or drop them"}


# --- Linear -----------------------------------------------------------------------------------------------


@pytest.fixture
def served() -> Iterator[Space]:
    with space_of() as served:
        yield served


def examined(served: Space, token: str | None = None, **wanted: Write) -> dict[str, Checkup]:
    auth = {"token": token or served.workspace.token}
    options = served.options(auth=auth, scope={"teams": tuple(wanted)})
    signature = Signature("acme", "instance")
    return {one.what: one for one in LinearKind().examine(options, served.clock, signature, wanted)}


def test_linear_tells_the_key_the_budget_the_teams_and_the_groups(served: Space) -> None:
    told = examined(served, PAY=Write.LABEL, SEC=Write.OBSERVE)
    assert {what: one.ok for what, one in told.items()} == {
        "token": True,
        "budget": None,
        "clock": True,
        "PAY: read": True,
        "SEC: read": False,
        "labels": True,
    }
    assert "SEC" in told["SEC: read"].remedy


def test_a_key_that_linear_does_not_know_is_the_one_thing_told(served: Space) -> None:
    told = examined(served, token="lin_api_wrong", PAY=Write.LABEL)
    assert [(one.what, one.ok) for one in told.values()] == [("token", False)]
    assert "lin_api_wrong" not in told["token"].says


@pytest.mark.parametrize(("policy", "ok"), [(Write.LABEL, False), (Write.OBSERVE, None)])
def test_a_group_of_our_name_that_is_somebody_elses_is_told(policy: Write, ok: bool | None, served: Space) -> None:
    served.workspace.label("Outcome", is_group=True)
    told = examined(served, PAY=policy)["labels"]
    assert told.ok is ok
    assert "marks" in told.remedy
