"""A scoped token works at api.atlassian.com/ex/jira/{cloudId} and nowhere else: the whole path there, over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support_cli import commanded
from support_stage import TRACKER, Stage, staged

from connectors.sandbox.shapes import CLOUD_ID


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """As with a service account: its token is a scoped one, and the url in syncd.yaml is the gateway's."""
    with staged(tmp_path, write="label+comment", comments={"grace": "0s"}) as stage:
        for module in ("cloud", "transport", "checkup"):  # the served gateway stands on loopback
            monkeypatch.setattr(f"connectors.jira.{module}.GATEWAY", urlsplit(stage.url).hostname)
        stage.environ["JIRA_TOKEN"] = stage.site.scoped_token
        stage.write(tracker={"url": f"{stage.url}/ex/jira/{CLOUD_ID}"})
        yield stage


def test_labels_and_comments_are_written_through_the_gateway_and_come_to_rest(stage: Stage) -> None:
    assert stage.once().complete
    sre, bare = stage.create(labels=["sre"]), stage.create()
    many = [stage.create(labels=["sre"]) for _ in range(12)]
    assert stage.later(minutes=1).complete
    assert {tuple(stage.marks(key)) for key in (sre, *many)} == {("outcome/reliability",)}
    assert (stage.marks(bare), len(stage.comments(bare))) == (["alignment/unmapped"], 1)
    stage.quiet()


def test_people_are_sent_to_the_site_and_not_to_the_gateway(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.once()
    assert stage.known(key).issue.url == f"{stage.site.base_url}/browse/{key}"


def test_at_the_site_s_own_address_a_scoped_token_is_refused_and_the_gateway_named(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.jira.cloud.GATEWAY", "api.atlassian.com")
    stage.write(tracker={"url": stage.url})
    result = stage.once()
    assert not result.complete
    assert "a scoped one, which works only at https://" in str(result.why)
    assert "/ex/jira/<cloud id>" in str(result.why)
    assert stage.site.scoped_token not in str(result.why)


def test_another_site_s_cloud_id_is_told_to_be_no_jira(stage: Stage) -> None:
    stage.write(tracker={"url": f"{stage.url}/ex/jira/00000000-0000-0000-0000-000000000000"})
    result = stage.once()
    assert not result.complete
    assert "is the url that of a Jira Cloud site" in str(result.why)


def test_a_gateway_without_a_cloud_id_is_a_problem_of_the_file(stage: Stage) -> None:
    stage.write(tracker={"url": f"{stage.url}/ex/jira/"})
    assert any("the gateway needs the cloud id" in problem.message for problem in stage.app.check())


def test_doctor_tells_that_the_token_is_a_scoped_one(
    stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with commanded(stage, capsys, monkeypatch) as syncd:
        ran = syncd("doctor")
    assert (ran.code, "a scoped token, at the gateway" in ran.out, TRACKER in ran.out) == (0, True, True)
