"""OpenTelemetry, for whoever asks for it by the standard variables and has installed the extra `otel`.

One span for each pass of the daemon, one below it for each attempt of a request to a tracker. They tell which tracker,
how much and how long: no title, no text, no query, no header, no secret. The libraries are imported by `start` alone.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from threading import Thread
from typing import Any, Final

from syncd.telemetry import during, masked

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
EXPORTERS: Final = "OTEL_TRACES_EXPORTER"
DISABLED: Final = "OTEL_SDK_DISABLED"
NEEDED: Final = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
PATIENCE_S: Final = 0.5
"""How long what is left may take to be sent at the end: the process must be gone in five seconds."""
FACTS: Final = ("observed", "decided", "planned", "applied", "skipped", "waiting", "requests", "complete", "refused")
"""Of a pass's line in the log, what its span tells too."""


class NoTracesError(Exception):
    """Traces are asked for and cannot be sent: the message says what to install or to set."""


def exporter_asked_for(environ: Mapping[str, str]) -> str | None:
    """Where traces are to go (`otlp`, `console`); None: nobody asks for them. `NoTracesError` for what is not known."""
    if environ.get(DISABLED, "").strip().lower() == "true":
        return None
    named = environ.get(EXPORTERS, "").strip().lower()
    if not named and any(environ.get(name) for name in ENDPOINTS):
        named = "otlp"
    if named in ("", "none"):
        return None
    if named not in ("otlp", "console"):
        raise NoTracesError(f"{EXPORTERS} says {named}: syncd sends traces by otlp, or writes them to the console")
    protocol = next(filter(None, (environ.get(name) for name in PROTOCOLS)), "http/protobuf")
    if named == "otlp" and protocol != "http/protobuf":
        raise NoTracesError(f"{PROTOCOLS[1]} says {protocol}: syncd speaks http/protobuf")
    return named


def start(
    environ: Mapping[str, str], name: str, version: str, export: Callable[[str], Any] | None = None
) -> "Tracing | None":
    """Begin to trace, if that is asked for.

    Args:
        environ: the environment, whose standard variables OpenTelemetry reads itself, too.
        name: of this process.
        version: of syncd.
        export: makes the exporter of that name; OpenTelemetry's own if left out.

    Raises:
        NoTracesError: asked for, and not possible.
    """
    exporter = exporter_asked_for(environ)
    if exporter is None:
        return None
    if not all(map(_installed, NEEDED)):
        raise NoTracesError("traces are asked for by OTEL_… and not installed: pip install 'syncd[otel]'")
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - an extra, which need not be there
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - as above
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - as above

    told = {"service.name": environ.get("OTEL_SERVICE_NAME") or "syncd", "service.version": version}
    provider = TracerProvider(resource=Resource.create({**told, "service.instance.id": name}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor((export or _exporter)(exporter)))
    return Tracing(provider, version)


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # not even what it is a part of
        return False


def _exporter(name: str) -> Any:
    if name == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter  # noqa: PLC0415 - as above

        return ConsoleSpanExporter()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - as above

    return OTLPSpanExporter()


class Tracing:
    """Makes spans. Safe for threads: each has a span of its own under way."""

    def __init__(self, provider: Any, version: str) -> None:
        from opentelemetry import trace  # noqa: PLC0415 - as above

        self._trace: Any = trace
        self._provider = provider
        self._tracer: Any = provider.get_tracer("syncd", version)

    @contextmanager
    def passing(self, cycle: str, tracker: str, kind: str) -> Iterator[None]:
        """A pass; every line that it logs bears its trace."""
        attributes = {"syncd.cycle": cycle, "syncd.tracker": tracker, "syncd.kind": kind}
        with ExitStack() as stack:
            span = stack.enter_context(self._span(f"syncd {kind}", attributes=attributes))
            stack.enter_context(during(trace=format(span.get_span_context().trace_id, "032x")))
            yield

    def told(self, facts: Mapping[str, Any]) -> None:
        """What the pass under way came to."""
        span = self._trace.get_current_span()
        span.set_attributes({f"syncd.{name}": facts[name] for name in FACTS if name in facts})
        if not facts.get("complete"):
            span.set_status(self._trace.StatusCode.ERROR, masked(str(facts.get("why") or "not complete")))

    @contextmanager
    def requesting(self, tracker: str, method: str, host: str, path: str) -> Iterator[Callable[[int], None]]:
        """One attempt of a request; what is yielded is told the status of the answer."""
        attributes = {"syncd.tracker": tracker, "http.request.method": method, "server.address": host, "url.path": path}
        with self._span(method, attributes=attributes, kind=self._trace.SpanKind.CLIENT) as span:

            def answered(status: int) -> None:
                span.set_attribute("http.response.status_code", status)

            try:
                yield answered
            except BaseException as failed:
                kind = type(failed).__name__.strip("_")
                span.set_attribute("error.type", kind)
                span.set_status(self._trace.StatusCode.ERROR, kind)
                raise

    def _span(self, name: str, **told: Any) -> Any:
        """An exception's own words stay out of it."""
        return self._tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False, **told)

    def end(self, patience: float = PATIENCE_S) -> None:
        """Send what is left, as far as that goes quickly."""
        last = Thread(target=self._provider.shutdown, name="syncd-traces-end", daemon=True)
        last.start()
        last.join(patience)
