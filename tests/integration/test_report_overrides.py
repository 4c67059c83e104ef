"""What people said on single issues, in every form of the report: who, since when, why, until when, what was before."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import support_values as values
from support_report import HOSTILE, Page, small
from support_stage import Stage, staged

from syncd.app.people import drop_override, overrides_by_issue, set_override
from syncd.core.model import Override, OverrideSource, ToOutcome
from syncd.core.overriding import LISTED, override_lines
from syncd.render.csv import BOM, report_csv
from syncd.render.html import report_html
from syncd.render.markdown import report_markdown
from syncd.render.report_json import report_json


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        stage.once()
        yield stage


def say(stage: Stage, key: str, target: str, *, reason: str | None = None, expires: str | None = None) -> None:
    stage.tick()
    set_override(stage.app, key, target, by="ada", reason=reason, expires=expires, tracker=None)
    stage.later(minutes=1)


def row_of(stage: Stage, key: str) -> dict[str, str]:
    text = "".join(report_csv(stage.app.each_issue(), overrides_by_issue(stage.app))).removeprefix(BOM)
    (found,) = [row for row in csv.DictReader(io.StringIO(text, newline=""), strict=True) if row["key"] == key]
    return found


def test_a_word_stands_in_every_form_with_author_reason_and_end_and_so_does_what_was_said_before(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    say(stage, key, "reliability/failover")
    say(stage, key, "cost", reason="the board said so", expires="2026-11-30")
    report = stage.app.report()
    told = report_json(report)
    (stands,), (before,) = told["overrides"], told["overrides_ended"]
    assert told["overridden"] == {"standing": 1, "ended": 1}
    assert (stands["key"], stands["target"], stands["by"], stands["source"]) == (key, "cost", "ada", "admin")
    assert (stands["reason"], stands["expires"]) == ("the board said so", "2026-12-01T00:00:00Z")
    assert (before["target"], before["ended"] is not None) == ("reliability/failover", True)
    lines = report_markdown(report).splitlines()
    row = next(line for line in lines if line.startswith(f"| {key} | cost | "))
    assert "by command | ada" in row
    assert row.endswith("| the board said so | 2026-12-01T00:00:00Z |")
    assert [line for line in lines if line.startswith(f"| {key} | reliability/failover | ")]
    text = Page(report_html(report)).text
    assert "the board said so" in text
    assert "1 December 2026" in text
    assert "1 word said before" in text
    of = row_of(stage, key)
    assert (of["override"], of["override_by"], of["override_reason"]) == ("cost", "ada", "the board said so")
    assert of["override_expires"] == "2026-12-01T00:00:00Z"
    assert of["overrides_ended"].startswith("reliability/failover by ada 2026-11-21T")


def test_a_hand_set_mark_is_told_as_that_and_when_it_goes_it_is_history(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    stage.edit(key, by="maria", labels_add=["outcome/cost"])
    stage.later(minutes=1)
    (stands,) = report_json(stage.app.report())["overrides"]
    assert (stands["by"], stands["mark"], stands["source"]) == ("Maria", "outcome/cost", "mark")
    stage.edit(key, labels_remove=["outcome/cost"])
    stage.later(minutes=1)
    told = report_json(stage.app.report())
    assert (told["overrides"], [one["mark"] for one in told["overrides_ended"]]) == ([], ["outcome/cost"])
    assert row_of(stage, key)["override"] == ""


def test_a_word_that_ran_out_is_over_also_before_a_cycle_has_ended_it(stage: Stage) -> None:
    key = stage.create(labels=["sre"])
    stage.later(minutes=1)
    say(stage, key, "cost", expires="2026-11-22")
    stage.clock.move(timedelta(days=3))
    told = report_json(stage.app.report())
    assert (told["overrides"], told["overrides_ended"][0]["ended"]) == ([], "2026-11-23T00:00:00Z")
    assert row_of(stage, key)["override"] == ""


def test_words_that_were_dropped_or_said_on_what_left_the_scope_are_not_in_force(stage: Stage) -> None:
    dropped, moved = stage.create(labels=["sre"]), stage.create(labels=["sre"])
    stage.later(minutes=1)
    for key in (dropped, moved):
        say(stage, key, "cost")
    drop_override(stage.app, dropped, tracker=None)
    stage.site.person("ines").move(moved, "STRAT")
    stage.write(tracker={"census_every": "1m"})
    stage.later(minutes=10)
    told = report_json(stage.app.report())
    assert (told["overrides"], [one["key"] for one in told["overrides_ended"]]) == ([], [dropped])


def word(key: str, **told: object) -> Override:
    made = Override(
        ref=values.ref(key), target=ToOutcome("growth"), source=OverrideSource.ADMIN, author="ada", at=values.NOW
    )
    return replace(made, **told)  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_word_is_ever_more_than_text(text: str) -> None:
    said = word("PAY-1", author=text, reason=text, mark=text, source=OverrideSource.MARK)
    lines = override_lines([(said, None), (said, values.NOW)], {said.ref: values.issue("PAY-1")}, values.NOW)
    report = replace(small().report, overrides=lines)
    page = Page(report_html(report))
    assert page.faults == []
    assert page.links == Page(report_html(replace(report, overrides=override_lines([(word("PAY-1"), None)] * 2, {
        said.ref: values.issue("PAY-1")}, values.NOW)))).links  # fmt: skip
    told = report_markdown(report)
    assert "<script" not in told.replace("\\<", "")
    assert "](" not in told.replace("\\](", "")


def test_of_restricted_work_no_reason_is_told_and_the_counts_are_never_cut() -> None:
    secret = values.issue("OPS-4", restricted=True, title="Do not tell")
    said = word("OPS-4", reason="they are buying us")
    lines = override_lines([(said, None)] * (LISTED + 1), {said.ref: secret}, values.NOW)
    assert (len(lines.standing), lines.stand) == (LISTED, LISTED + 1)
    few = override_lines([(said, None), (said, values.NOW)], {said.ref: secret}, values.NOW)
    report = replace(small().report, overrides=few)
    for text in (report_markdown(report), report_html(report), repr(report_json(report))):
        assert "OPS-4" in text
        assert "buying" not in text
        assert "Do not tell" not in text
