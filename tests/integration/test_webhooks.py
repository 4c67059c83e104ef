"""Webhooks are hints: proved on the raw bytes, bounded, and nothing is taken from them but which issues to look at."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support_jira_cloud import MovableClock

from syncd.service.webhooks import MOST_BYTES, MOST_HINTS, Hints

JIRA_SECRET, LINEAR_SECRET = "jira-hook-secret", "linear-hook-secret"


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def hints(clock: MovableClock) -> Hints:
    kinds = {"jira": "jira-cloud", "linear": "linear", "bare": "jira-cloud", "other": "some-plugin"}
    secrets = {"jira": JIRA_SECRET, "linear": LINEAR_SECRET, "other": "x"}
    return Hints(kinds, secrets.get, clock)


def signature(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def jira(body: Any, **headers: str) -> tuple[dict[str, str], bytes]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return {"x-hub-signature": f"sha256={signature(JIRA_SECRET, raw)}", **headers}, raw


def linear(body: dict[str, Any], at: datetime, **headers: str) -> tuple[dict[str, str], bytes]:
    raw = json.dumps({"webhookTimestamp": int(at.timestamp() * 1000), **body}).encode()
    return {"linear-signature": signature(LINEAR_SECRET, raw), **headers}, raw


def looked_at(hints: Hints) -> dict[str, list[str]]:
    taken: dict[str, list[str]] = {}

    def batch(tracker: str, refs: Any) -> bool:
        taken.setdefault(tracker, []).extend(refs)
        return True

    def poll(tracker: str) -> bool:
        taken.setdefault(tracker, []).append("everything")
        return True

    while hints.hand_on(batch, poll):
        pass
    return taken


def test_an_issue_that_is_named_is_looked_at_once_however_often_it_is_named(hints: Hints) -> None:
    for n in range(5):
        assert hints.receive("jira", *jira({"issue": {"id": "10001", "key": "PAY-1"}, "n": n})).status == 200
    assert hints.receive("jira", *jira({"issue": {"key": "PAY-2"}})).refs == ("PAY-2",)
    assert looked_at(hints) == {"jira": ["10001", "PAY-2"]}
    assert looked_at(hints) == {}


def test_a_repeated_delivery_counts_once_by_its_identifier_or_else_by_its_bytes(hints: Hints) -> None:
    named = jira({"issue": {"id": "1"}}, **{"x-atlassian-webhook-identifier": "a"})
    assert [hints.receive("jira", *named).outcome for _ in range(3)] == ["accepted", "repeated", "repeated"]
    again = jira({"issue": {"id": "1"}}, **{"x-atlassian-webhook-identifier": "b"})
    assert hints.receive("jira", *again).outcome == "accepted"
    bare = jira({"issue": {"id": "2"}})
    assert [hints.receive("jira", *bare).outcome for _ in range(2)] == ["accepted", "repeated"]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"x-hub-signature": ""},
        {"x-hub-signature": "sha256="},
        {"x-hub-signature": "sha256=" + "0" * 64},
        {"x-hub-signature": "sha256=é"},
        {"x-hub-signature": "sha1=" + hmac.new(JIRA_SECRET.encode(), b"{}", "sha1").hexdigest()},
        {"x-hub-signature": "sha256=" + signature(LINEAR_SECRET, b"{}")},
        {"x-hub-signature": "sha256=" + signature(JIRA_SECRET, b"{ }")},
        {"x-hub-signature": signature(JIRA_SECRET, b"{}")},
    ],
)
def test_without_the_right_signature_over_these_very_bytes_nothing_is_taken(
    hints: Hints, given: dict[str, str]
) -> None:
    assert hints.receive("jira", given, b"{}").status == 401
    assert looked_at(hints) == {}


def test_nothing_is_parsed_before_it_is_proved(hints: Hints, monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(_: Any) -> Any:
        raise AssertionError("parsed")

    monkeypatch.setattr("syncd.service.webhooks.json.loads", parse)
    assert hints.receive("jira", {"x-hub-signature": "sha256=00"}, b"{}").status == 401
    with pytest.raises(AssertionError, match="parsed"):
        hints.receive("jira", *jira(b"{}"))


def test_without_a_secret_or_a_tracker_or_a_known_form_there_is_nothing(hints: Hints) -> None:
    for tracker in ("bare", "other", "nobody", ""):
        assert hints.receive(tracker, *jira({"issue": {"id": "1"}})).status == 404
    assert set(hints.counts) == {("bare", "unknown"), ("unknown", "unknown")}, "no name of a caller's becomes a label"


def test_a_webhook_of_linear_is_believed_for_a_minute(hints: Hints, clock: MovableClock) -> None:
    told = {"type": "Issue", "data": {"id": "3f0c-uuid"}}
    given = linear(told, clock.now())
    clock.sleep(61)
    assert hints.receive("linear", *given).outcome == "stale"
    assert hints.receive("linear", *linear(told, clock.now())).outcome == "accepted"
    ahead = datetime.fromtimestamp(clock.now().timestamp() + 61, UTC)
    assert hints.receive("linear", *linear({**told, "n": 1}, ahead)).outcome == "stale"
    bare = json.dumps(told).encode()
    assert hints.receive("linear", {"linear-signature": signature(LINEAR_SECRET, bare)}, bare).outcome == "stale"


def test_what_hangs_on_an_issue_names_it_and_what_issues_hang_on_asks_for_a_poll(
    hints: Hints, clock: MovableClock
) -> None:
    for n, told in enumerate(
        (
            {"type": "Comment", "data": {"id": "c", "issueId": "issue-1"}},
            {"type": "Reaction", "data": {"id": "r", "issue": {"id": "issue-2"}}},
            {"type": "Project", "data": {"id": "p"}},
            {"type": "Cycle", "data": {"id": "x"}},
        )
    ):
        hints.receive("linear", *linear({**told, "n": n}, clock.now()))
    assert looked_at(hints) == {"linear": ["everything", "issue-1", "issue-2"]}


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000, b'{"issue": 7}', b'{"issue": {"id": {"a": 1}}}',
     b'{"issue": {"id": "../../x"}}', b'{"issue": {"id": true}}', b'{"issue": {"key": "PAY-1\\n"}}',
     json.dumps({"issue": {"id": "1" * 200}}).encode()],
)  # fmt: skip
def test_what_is_signed_and_makes_no_sense_names_nothing(hints: Hints, body: bytes) -> None:
    heard = hints.receive("jira", *jira(body))
    assert heard.refs == ()
    assert looked_at(hints) == {}


def test_a_body_over_a_mebibyte_is_refused_even_if_signed(hints: Hints) -> None:
    assert hints.receive("jira", *jira(b" " * (MOST_BYTES + 1))).status == 413


def test_ten_thousand_at_once_are_bounded_and_become_one_poll(hints: Hints) -> None:
    for n in range(10_000):
        assert hints.receive("jira", *jira({"issue": {"id": str(n)}})).status == 200
        assert hints.waiting()["jira"] <= MOST_HINTS
    taken = looked_at(hints)["jira"]
    assert taken[0] == "everything"
    assert len(taken) < 10_000


def test_what_nobody_takes_waits(hints: Hints) -> None:
    hints.receive("jira", *jira({"issue": {"id": "1"}}))
    assert hints.hand_on(lambda _tracker, _refs: False, lambda _tracker: False) == 0
    assert looked_at(hints) == {"jira": ["1"]}


def test_real_webhooks_of_linear_name_their_issues(shared: Path, hints: Hints, clock: MovableClock) -> None:
    named = {}
    for path in sorted((shared / "data" / "linear-webhooks").glob("*.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        heard = hints.receive("linear", *linear(told, clock.now()))
        assert heard.status == 200, path.name
        named[path.stem] = (told["type"], heard.refs, heard.whole)
    assert {kind for kind, refs, _ in named.values() if refs} >= {"Issue", "Comment"}
