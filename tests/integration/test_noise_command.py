"""`syncd noise` tells whom syncd told and who acted; what nobody heeds stops, and votes stand against the rules."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support_stage import RULES, Stage, staged

from syncd.app.noise import noise
from syncd.render.markdown import report_markdown
from syncd.render.noise import noise_json, noise_lines
from syncd.render.report_json import report_json
from syncd.render.rules import diff_json, diff_text

COMMENTS = {"grace": "0s", "mute_after": 2, "acted_within": "1d", "per_person_per_day": 20}


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path, write="label+comment", comments=COMMENTS) as stage:
        stage.once()
        yield stage


def test_what_was_said_to_whom_and_what_came_of_it(stage: Stage) -> None:
    asked, ignored = stage.create(), stage.create("OPS")
    stage.later(minutes=1)
    stage.edit(asked, labels=["sre"])
    stage.later(minutes=10)
    stage.clock.sleep(2 * 86400)
    told = noise_json(noise(stage.app))
    assert (told["total"]["comments"], told["total"]["ripe"], told["total"]["acted"]) == (2, 2, 1)
    by_source = {one["source"]: one["share"] for one in told["sources"]}
    assert by_source == {"unmapped work in PAY": 1.0, "unmapped work in OPS": 0.0}
    assert (told["weeks"][0]["comments"], told["weeks"][0]["people"], told["weeks"][0]["most"]) == (2, 1, 2)
    assert any("1 of 2 (50%)" in line for line in noise_lines(noise(stage.app)))
    assert stage.comments(ignored)


def test_what_nobody_acts_on_stops_says_so_and_the_rest_goes_on(stage: Stage) -> None:
    unheeded = [stage.create() for _ in range(2)]
    stage.later(minutes=1)
    assert all(stage.comments(key) for key in unheeded)
    stage.later(hours=25)
    late, other = stage.create(), stage.create("OPS")
    stage.later(minutes=1)
    assert (stage.comments(late), len(stage.comments(other))) == ([], 1)
    (why,) = [step.why for step in stage.explain(late).steps]
    assert why == "comment: nobody acted on the last 2 comments of unmapped work in PAY (comments.mute_after)"
    stage.later(minutes=10)
    assert noise(stage.app).held[why.removeprefix("comment: ")] == 1
    assert noise(stage.app).muted == ("unmapped work in PAY",)
    report = stage.app.report()
    assert report_json(report)["muted"] == ["unmapped work in PAY"]
    assert "## Stopped commenting" in report_markdown(report)
    stage.write(comments=COMMENTS | {"mute_after": 0})
    stage.later(minutes=1)
    assert len(stage.comments(late)) == 1, "it is the muting that kept it away"


def test_votes_stand_in_the_report_and_in_the_diff_with_an_exception(stage: Stage) -> None:
    keys = [stage.create(labels=["sre", "spike"]) for _ in range(2)]
    stage.create(labels=["sre"])
    stage.later(minutes=1)
    stage.later(minutes=10)
    for key in keys:
        stage.edit(key, labels=["sre", "spike"])
    stage.later(minutes=10)
    assert len(stage.findings("drift")) == 2
    (told,) = report_json(stage.app.report())["votes"]
    assert (told["rule"], told["decides"], told["removals"], told["keys"]) == ("reliable", 3, 2, keys)
    assert told["suggestion"] == {"not": {"label": "spike"}, "voted": 2, "others": 0}
    assert "perhaps not: {label: spike}" in report_markdown(stage.app.report()).replace("\\", "")
    stage.write(rules=RULES.replace("label: finops", "label: money"))
    diff = stage.app.rules_diff()
    assert diff_json(diff)["votes"] == [told]
    assert "reliable: 2 removals on 2 of 3 issues" in diff_text(diff, stage.app.slowest_pace())
