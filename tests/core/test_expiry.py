"""A token whose last day was noted down is told of beforehand."""

from datetime import date, timedelta

import pytest

from syncd.core.expiry import FORESEEN, expiry_checkup, expiry_findings

TODAY = date(2027, 2, 1)


def days(count: int) -> date:
    return TODAY + timedelta(days=count)


@pytest.mark.parametrize("last", [None, days(31), days(300)])
def test_nothing_is_said_while_the_end_is_far_or_nobody_told_it(last: date | None) -> None:
    assert expiry_findings("acme-jira", last, TODAY) == []


@pytest.mark.parametrize(
    ("last", "says"),
    [
        (TODAY + FORESEEN, "ends on 2027-03-03, in 30 days"),
        (days(1), "ends on 2027-02-02, tomorrow"),
        (TODAY, "ends on 2027-02-01, today"),
        (days(-3), "should have ended on 2027-01-29, by `token_expires`"),
    ],
)
def test_from_thirty_days_before_a_finding_says_when_and_what_to_do(last: date, says: str) -> None:
    (finding,) = expiry_findings("acme-jira", last, TODAY)
    assert says in finding.text
    assert "make a new one" in finding.text
    looked = expiry_checkup(last, TODAY, "a year")
    assert (looked.ok, looked.says) == (False, f"it {says}")
    assert "token_expires" in looked.remedy


def test_a_new_token_s_day_is_another_finding() -> None:
    causes = {expiry_findings("acme-jira", last, TODAY)[0].cause for last in (days(1), days(2))}
    assert len(causes) == 2


def test_a_far_end_is_well_and_an_unknown_one_asks_for_the_day() -> None:
    assert expiry_checkup(days(200), TODAY, "a year").ok is True
    unknown = expiry_checkup(None, TODAY, "it lives a year at most")
    assert (unknown.ok, unknown.says) == (None, "it lives a year at most")
    assert "token_expires" in unknown.remedy
