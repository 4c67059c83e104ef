"""The report as rows for a spreadsheet: read back they are what was decided, and no cell of them acts."""

import csv
import io
import os
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import support_values as values
from hypothesis import example, given
from hypothesis import strategies as st
from support_report import HOSTILE, hostile, small
from support_stage import staged

from syncd.cli import main
from syncd.cli.terminal import pour
from syncd.core.ports import Known
from syncd.render.csv import BOM, COLUMNS, LONGEST, cell, report_csv

FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")  # noqa: RUF001 - the wide ones are the point


OF_PEOPLE = ("override", "override_by", "override_at", "override_reason", "override_expires", "overrides_ended")


def rows_of(known: list[Known]) -> list[dict[str, str]]:
    text = "".join(report_csv(known))
    assert text.startswith(BOM)
    return list(csv.DictReader(io.StringIO(text.removeprefix(BOM), newline=""), strict=True))


def row_of(key: str) -> dict[str, str]:
    (found,) = [row for row in rows_of(small().known) if row["key"] == key]
    return found


# --- what it says -----------------------------------------------------------------------------------------


def test_every_issue_has_one_row_in_the_order_it_came() -> None:
    rows = rows_of(small().known)
    assert [row["key"] for row in rows] == [one.issue.key for one in small().known]
    assert list(rows[0]) == list(COLUMNS)


def test_a_mapped_issue_says_its_outcome_and_what_spoke_for_it() -> None:
    assert row_of("PAY-1") == {
        "tracker": "acme-jira",
        "key": "PAY-1",
        "title": "Retry failed payouts",
        "project": "PAY",
        "status_category": "in_progress",
        "verdict": "mapped",
        "incomplete": "false",
        "outcome": "reliability",
        "objective": "",
        "via": "rule",
        "rules": "reliable",
        "claims": "",
        "cause": "",
        "updated": "2026-10-17T12:00:00Z",
        "url": "https://acme.atlassian.net/browse/PAY-1",
        **dict.fromkeys(OF_PEOPLE, ""),
    }


def test_a_conflict_says_what_is_claimed_by_which_rules() -> None:
    row = row_of("PAY-10")
    assert (row["verdict"], row["outcome"]) == ("conflict", "")
    assert (row["rules"], row["claims"]) == ("growing reliable", "growth, reliability")
    assert row["cause"] == "rules growing + reliable"


def test_overhead_exempt_and_undecided_work_is_told_apart() -> None:
    told = {key: (row["verdict"], row["outcome"], row["incomplete"]) for key in ("OPS-1", "OPS-2", "OPS-3", "OPS-5")
            if (row := row_of(key))}  # fmt: skip
    assert told == {
        "OPS-1": ("exempt", "keep-the-lights-on", "false"),
        "OPS-2": ("exempt", "", "false"),
        "OPS-3": ("unmapped", "", "false"),
        "OPS-5": ("unmapped", "", "true"),
    }


def test_a_restricted_issue_has_no_title() -> None:
    assert row_of("OPS-4")["title"] == ""
    assert "Do not tell" not in "".join(report_csv(small().known))


def test_an_issue_that_was_not_decided_yet_has_a_row_without_a_verdict() -> None:
    (row,) = rows_of([replace(small().known[0], standing=None)])
    assert (row["key"], row["verdict"], row["incomplete"], row["rules"]) == ("PAY-1", "", "", "")


def test_rows_are_made_as_issues_come() -> None:
    taken: list[str] = []

    def issues() -> Iterator[Known]:
        for one in small().known:
            taken.append(one.issue.key)
            yield one

    rows = report_csv(issues())
    assert next(rows).startswith(f'{BOM}"tracker"')
    assert taken == ["PAY-1"]
    assert '"PAY-2"' in next(rows)
    assert taken == ["PAY-1", "PAY-2"]


def test_a_store_without_issues_makes_a_head_and_no_row() -> None:
    assert "".join(report_csv([])).removeprefix(BOM).split("\r\n") == [",".join(f'"{name}"' for name in COLUMNS), ""]


# --- cells that do not act --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'=1"),
        ("\r=1", "'=1"),
        ("\n\n =1", "'=1"),
        ("\x00=1", "'=1"),
        ("\u202e=1", "'=1"),
        ("\ufeff=1", "'=1"),
        ("\uff1d1", "'\uff1d1"),
        ("a;=1", "a;'=1"),
        ("a; @b", "a; '@b"),
        ("a=1", "a=1"),
        ('say "x", twice', 'say "x", twice'),
        ("two\r\nlines", "two lines"),
        ("", ""),
    ],
)
def test_a_text_that_would_act_is_shown_instead(text: str, shown: str) -> None:
    assert cell(text) == shown


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_stay_in_their_cells_and_do_nothing_there(text: str) -> None:
    known = hostile(text).known
    rows = rows_of(known)
    assert [list(row) for row in rows] == [list(COLUMNS)] * len(known)
    assert {row["title"] for row in rows} == {cell(text), ""}
    cells = [value for row in rows for value in row.values()]
    assert [value for value in cells if value.startswith(FORMULA)] == []
    assert [c for value in cells for c in value if unicodedata.category(c) in ("Cc", "Cf")] == []
    assert max(map(len, cells)) <= LONGEST + 1


@given(st.text(st.characters(codec="utf-8")))
@example('"\r\n=1,"')
@example(";" * 50 + "=1")
def test_any_title_comes_back_from_a_reader_of_csv_as_the_cell_shows_it(text: str) -> None:
    one = small().known[0]
    (row,) = rows_of([replace(one, issue=replace(one.issue, title=text))])
    assert row["title"] == cell(text)
    assert not row["title"].startswith(FORMULA)
    assert row["url"] == one.issue.url


# --- the command ------------------------------------------------------------------------------------------


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(words)
    assert isinstance(left.value.code, int)
    return left.value.code


def test_the_command_writes_every_form_of_the_report(tmp_path: Path) -> None:
    with staged(tmp_path, checked=False) as stage:
        keys = [stage.create("PAY", labels=["sre"]), stage.create("OPS", summary="=cmd|' /C calc'!A0")]
        stage.once()
        config = str(stage.config)
        for form in ("md", "html", "json", "csv"):
            assert run("--config", config, "report", "--format", form, "--out", str(tmp_path / f"report.{form}")) == 0
    with (tmp_path / "report.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["key"]: row for row in csv.DictReader(file, strict=True)}
    assert {key: (rows[key]["verdict"], rows[key]["title"][:2]) for key in keys} == {
        keys[0]: ("mapped", "So"),
        keys[1]: ("unmapped", "'="),
    }
    assert (tmp_path / "report.csv").read_bytes().count(b"\r\n") == 3
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert f">{keys[1]}<" in page


def test_the_command_writes_utf_8_to_whatever_reads_it(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    with staged(tmp_path, checked=False) as stage:
        stage.create("PAY", summary="Größe → 漢字")
        stage.once()
        capfdbinary.readouterr()
        assert run("--config", str(stage.config), "report", "--format", "csv") == 0
    assert "Größe → 漢字".encode() in capfdbinary.readouterr().out


def test_a_report_that_cannot_be_made_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    out = tmp_path / "report.csv"
    out.write_text("yesterday's", encoding="utf-8")
    assert run("--config", str(tmp_path / "nowhere"), "report", "--format", "csv", "--out", str(out)) == 2
    assert out.read_text(encoding="utf-8") == "yesterday's"


def test_a_reader_that_has_enough_ends_the_report_without_a_complaint(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        pour(iter(["x" * 100_000] * 3))


def test_values_of_the_small_company_are_as_old_as_this_test_says() -> None:
    assert {one.issue.updated for one in small().known} == {values.LONG_AGO}
