"""OpenTelemetry: only if asked for, said if it cannot be, and nothing in it that is nobody's business."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from support_daemon import HOOK_SECRET, rigged, until
from support_jira_cloud import MovableClock
from support_stage import empty_site

from connectors.http import Caller
from connectors.sandbox import serve
from syncd import tracing
from syncd.app import SystemClock, correlated
from syncd.core.errors import TrackerError
from syncd.telemetry import hide
from syncd.tracing import NoTracesError, Tracing, exporter_asked_for, start

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
ASKED = {ENDPOINT: "http://127.0.0.1:1"}
SECRET = "planted-token-77"


@pytest.mark.parametrize(
    ("environ", "asked"),
    [
        ({}, None),
        ({"OTEL_SERVICE_NAME": "syncd"}, None),
        (ASKED, "otlp"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1"}, "otlp"),
        ({"OTEL_TRACES_EXPORTER": "console"}, "console"),
        ({**ASKED, "OTEL_TRACES_EXPORTER": "none"}, None),
        ({**ASKED, "OTEL_SDK_DISABLED": "TRUE"}, None),
        ({**ASKED, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, "otlp"),
    ],
)
def test_the_standard_variables_say_whether_and_where(environ: dict[str, str], asked: str | None) -> None:
    assert exporter_asked_for(environ) == asked


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER says zipkin"),
        ({**ASKED, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "says grpc: syncd speaks http/protobuf"),
    ],
)
def test_what_cannot_be_sent_is_said(environ: dict[str, str], said: str) -> None:
    with pytest.raises(NoTracesError, match=said):
        exporter_asked_for(environ)


def test_without_the_extra_it_says_what_to_install_and_nobody_who_did_not_ask_hears_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tracing, "find_spec", lambda _name: None)
    assert start({}, "one", "1.0") is None
    with pytest.raises(NoTracesError, match=r"pip install 'syncd\[otel\]'"):
        start(ASKED, "one", "1.0")


@contextmanager
def traced() -> Iterator[tuple[Tracing, InMemorySpanExporter]]:
    kept = InMemorySpanExporter()
    made = start(ASKED, "one", "1.0", lambda _name: kept)
    assert made is not None
    try:
        yield made, kept
    finally:
        made.end(10)


def spans(made: Tracing, kept: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    made._provider.force_flush()
    return {span.name: span for span in kept.get_finished_spans()}


def call(url: str, method: str = "GET") -> None:
    caller = Caller("acme", SystemClock(), headers={"Authorization": SECRET}, secrets=[SECRET], credentials="a token")
    try:
        caller.call(method, url, read=method == "GET")
    finally:
        caller.close()


def test_a_request_is_a_span_below_its_pass_and_both_bear_the_cycle_by_which_it_is_known_in_the_log() -> None:
    site = empty_site(MovableClock())
    with serve(site) as served, traced() as (made, kept):
        with made.passing("cycle:acme:7", "acme", "cycle"), correlated("cycle:acme:7", made.requesting):
            with pytest.raises(TrackerError):
                call(f"{served.url}/rest/api/3/myself?secret={SECRET}")
            made.told({"observed": 3, "applied": 1, "requests": 1, "complete": True, "why": None, "seconds": 0.1})
        found = spans(made, kept)
    above, below = found["syncd cycle"], found["GET"]
    assert below.parent is not None
    assert above.context is not None
    assert below.parent.span_id == above.context.span_id
    assert dict(above.attributes or {}) == {
        "syncd.cycle": "cycle:acme:7",
        "syncd.tracker": "acme",
        "syncd.kind": "cycle",
        "syncd.observed": 3,
        "syncd.applied": 1,
        "syncd.requests": 1,
        "syncd.complete": True,
    }
    assert above.status.status_code is StatusCode.UNSET
    assert below.kind is SpanKind.CLIENT
    assert dict(below.attributes or {}) == {
        "syncd.tracker": "acme",
        "http.request.method": "GET",
        "server.address": "127.0.0.1",
        "url.path": "/rest/api/3/myself",
        "http.response.status_code": 401,
        "error.type": "Denied",
    }
    assert above.resource.attributes["service.name"] == "syncd"
    assert above.resource.attributes["service.instance.id"] == "one"


def test_no_secret_is_in_what_is_traced_of_a_failure() -> None:
    hide([SECRET])
    try:
        with traced() as (made, kept):
            with made.passing("c", "acme", "cycle"), correlated("c", made.requesting):
                with pytest.raises(TrackerError):
                    call(f"http://127.0.0.1:1/{SECRET}", "POST")
                made.told({"complete": False, "why": f"the token {SECRET} is refused"})
            found = spans(made, kept)
    finally:
        hide([])
    assert found["syncd cycle"].status.status_code is StatusCode.ERROR
    assert found["syncd cycle"].status.description == "the token [secret] is refused"
    assert (found["POST"].attributes or {})["error.type"] == "Unavailable"
    told = [
        span.to_json() for name, span in found.items() if name != "POST"
    ]  # whose path the test itself planted it in
    assert SECRET not in "".join(told)
    assert not any(span.events for span in found.values()), "an exception's own words"


def test_a_pass_that_nobody_traces_sends_its_requests_untold() -> None:
    with traced() as (made, kept), correlated("c"), pytest.raises(TrackerError):
        call("http://127.0.0.1:1/", "POST")
    assert spans(made, kept) == {}


class Collector(BaseHTTPRequestHandler):
    """Takes what is sent to it."""

    taken: Sequence[bytes] = ()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).taken = [*type(self).taken, body]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *told: Any) -> None:
        del told


def test_the_daemon_sends_its_passes_to_the_collector_that_the_environment_names(tmp_path: Path) -> None:
    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        with rigged(tmp_path) as rig:
            rig.environ |= {ENDPOINT: f"http://127.0.0.1:{server.server_port}", "OTEL_BSP_SCHEDULE_DELAY": "200"}
            rig.create(labels=["sre"], summary="planted-title-4711")
            process = rig.start()
            until(lambda: any(b"syncd.applied" in body for body in Collector.taken), "a pass arrives at the collector")
            (line, *_) = process.events("cycle_finished")
            assert "trace='" in line
            assert process.end()[0] == 0
            everything = b"".join(Collector.taken)
            for planted in (rig.environ["JIRA_TOKEN"], HOOK_SECRET, "planted-title-4711"):
                assert planted.encode() not in everything, planted
            assert b"/rest/api/3/search/jql" in everything
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def test_a_daemon_whose_traces_cannot_be_sent_says_so_once_and_works(tmp_path: Path) -> None:
    with rigged(tmp_path) as rig:
        rig.environ |= {**ASKED, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
        key = rig.create(labels=["sre"])
        process = rig.start()
        rig.await_marks(key, "outcome/reliability")
        assert len(process.events("traces_not_sent")) == 1
        assert process.get("/livez").json()["ok"]
