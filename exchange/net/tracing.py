"""Spans of what a node does, for whoever watches it (OpenTelemetry; an extra, off until ``tracing_url`` is set).

Each record has a trace of its own, at every node that has it: the trace's id is the first half of the record's. So one
trace leads from the submission to the peer's candidates, whatever queues and restarts lie between, and no peer is told
anything that it does not know. Requests between nodes carry W3C's ``traceparent``, which no signature covers.

A span says which route, record, peer and kind of work: never a path, a case reference, a person or what an error says.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import httpx
import structlog

from exchange.errors import ExchangeError, ExtraMissing
from exchange.extras.known import require_extra
from exchange.net.connection import OpenRequests, http_client
from exchange.net.egress import Guard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Link, Span, Tracer

log = structlog.get_logger(__name__)

TRACEPARENT: Final = "traceparent"
"""W3C Trace Context, section 3.2."""
_EXPORT_S: Final = 5.0
_LAST_S: Final = 3.0
"""So long a node that stops waits for its last spans to leave."""
_SERVICE: Final = "ffp-exchange"
_NOTHING: Final[Mapping[str, str | int]] = MappingProxyType({})
_traceparent = ContextVar[str | None]("traceparent", default=None)


def trace_passed_on() -> dict[str, str]:
    """The header for a request to a peer; empty where no span is open."""
    open_here = _traceparent.get()
    return {TRACEPARENT: open_here} if open_here else {}


class OpenSpan:
    """What is said of an open span; of none where nobody watches."""

    def __init__(self, span: Span | None = None) -> None:
        self._span = span

    def say(self, **attributes: str | int) -> None:
        if self._span is not None:
            self._span.set_attributes(_named(attributes))


class Tracing:
    """The spans of one node. Any thread."""

    def __init__(self, url: str | None, node_id: str, guard: Guard) -> None:
        """Without ``url`` nothing is made. Raises ExtraMissing."""
        self._url, self._node_id, self._guard = url, node_id, guard
        self._lock = threading.Lock()
        self._tracer: Tracer | None = None
        self._close = contextlib.ExitStack()
        self._lines = OpenRequests()
        if url is not None:
            require_extra("tracing", "The setting tracing_url")
            try:  # half of it may be there
                import opentelemetry.exporter.otlp.proto.common.trace_encoder
                import opentelemetry.sdk.trace.export  # noqa: F401
            except ImportError as error:
                raise ExtraMissing("The setting tracing_url", extra="tracing") from error

    def close(self) -> None:
        """Send what waits, for a few seconds at most; what is made afterwards is not sent."""
        with self._lock:
            self._url, self._tracer = None, None
        ending = threading.Thread(target=self._close.close, name="traces-end", daemon=True)
        ending.start()
        ending.join(_LAST_S)
        self._lines.hang_up()

    @contextlib.contextmanager
    def span(
        self,
        name: str,
        about: Mapping[str, str | int] = _NOTHING,
        *,
        record: str | None = None,
        caller: Mapping[str, str] | None = None,
    ) -> Iterator[OpenSpan]:
        """What happens in the block. ``record``: in this record's trace, with a link to the span around it;
        ``caller``: headers of the request that it answers: in a trace of its own, linked with the caller's; else within
        the span around it.
        An error that leaves the block is told by its code."""
        tracer = self._running()
        if tracer is None:
            yield OpenSpan()
            return
        from opentelemetry import trace

        around, links = _around(record, caller)
        kind = trace.SpanKind.SERVER if caller is not None else trace.SpanKind.INTERNAL
        with tracer.start_as_current_span(
            name,
            context=around,
            kind=kind,
            attributes=_named(about),
            links=links,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            context = span.get_span_context()
            before = _traceparent.set(f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}")
            try:
                yield OpenSpan(span)
            except BaseException as error:
                code = error.code if isinstance(error, ExchangeError) else type(error).__name__
                span.set_status(trace.StatusCode.ERROR, code)
                raise
            finally:
                _traceparent.reset(before)

    def note(self, name: str, record: str, since_s: float, **attributes: str | int) -> None:
        """A span in a record's trace that began at ``since_s`` (``time.time``) and ends now: of what is a record only
        at its end."""
        tracer = self._running()
        if tracer is None:
            return
        around, links = _around(record, None)
        told = _named({**attributes, "record": record})
        span = tracer.start_span(
            name, context=around, attributes=told, links=links, start_time=min(int(since_s * 1e9), time.time_ns())
        )
        span.end()

    def _running(self) -> Tracer | None:
        """Begun at the first span: so in the process that makes it."""
        if self._url is None:
            return None
        with self._lock:
            if self._tracer is None and self._url is not None:
                self._tracer = self._begun(self._url)
            return self._tracer

    def _begun(self, url: str) -> Tracer:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON

        resource = Resource({"service.name": _SERVICE, "service.instance.id": self._node_id})
        provider = TracerProvider(sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(_exporter(url, self._guard, self._lines)))
        self._close.callback(provider.shutdown)
        return provider.get_tracer(_SERVICE)


def _named(attributes: Mapping[str, str | int]) -> dict[str, str | int]:
    return {f"ffp.{name}": value for name, value in attributes.items()}


def _around(record: str | None, caller: Mapping[str, str] | None) -> tuple[Context | None, Sequence[Link]]:
    """In which context a span begins, None for the one around it; and what it is linked with."""
    from opentelemetry import trace
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    if caller is not None:  # linked, no more: anybody can send such a header, and tell it in anybody's trace
        theirs = trace.get_current_span(TraceContextTextMapPropagator().extract(caller)).get_span_context()
        return Context(), [trace.Link(theirs)] if theirs.is_valid else []
    here = trace.get_current_span().get_span_context()
    if record is None or here.trace_id == int(record[:32], 16):
        return None, []
    root = trace.SpanContext(
        trace_id=int(record[:32], 16),
        span_id=int(record[32:48], 16) or 1,
        is_remote=True,
        trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(root)), [trace.Link(here)] if here.is_valid else []


def _exporter(url: str, guard: Guard, lines: OpenRequests) -> SpanExporter:
    """OTLP over HTTP (protobuf), where the node's egress lets it go."""
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
    from opentelemetry.sdk.trace.export import SpanExporter as Exporting
    from opentelemetry.sdk.trace.export import SpanExportResult

    class Exporter(Exporting):
        def __init__(self) -> None:
            self._http = http_client(_EXPORT_S, guard)
            self._failing = False

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            """What cannot be sent is lost: nobody waits for it, and nothing depends on it."""
            headers = {"Content-Type": "application/x-protobuf"}
            body = encode_spans(spans).SerializeToString()
            try:
                with lines.line(within_s=_EXPORT_S) as line:
                    sent = self._http.stream(
                        "POST", url, content=body, headers=headers, extensions={"trace": line.trace}
                    )
                    with sent as answer:
                        failure = "" if answer.is_success else f"it answered with the status {answer.status_code}"
            except (httpx.HTTPError, ExchangeError) as error:
                failure = str(error) or type(error).__name__
            if failure and not self._failing:
                log.warning("traces do not leave", url=url, detail=failure)
            self._failing = bool(failure)
            return SpanExportResult.FAILURE if failure else SpanExportResult.SUCCESS

        def shutdown(self) -> None:
            self._http.close()

    return Exporter()
