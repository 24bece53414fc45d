"""One trace leads from a submission to the peer's candidates; no secret and nothing of the case is in it."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from exchange.errors import Conflict, ExtraMissing
from exchange.net.egress import Typed
from exchange.net.tracing import Tracing, trace_passed_on
from schemas.vocabulary import Jurisdiction
from tests.exchange.running_nodes import RunningNode, enrol_each_other, free_port

RECORD = "0123456789abcdef" * 4


class Collector:
    """Takes traces as OpenTelemetry's collector does."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.status = 200
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1/traces"

    def __enter__(self) -> Collector:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.headers["Content-Type"] == "application/x-protobuf"
                collector.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(collector.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Tests are silent."""

        return Handler

    def spans(self) -> list[tuple[str, Span]]:
        """With the node that each is of."""
        found = []
        for body in self.bodies:
            for of_node in ExportTraceServiceRequest.FromString(body).resource_spans:
                named = {entry.key: entry.value.string_value for entry in of_node.resource.attributes}
                found += [(named["service.instance.id"], span) for scope in of_node.scope_spans for span in scope.spans]
        return found


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as running:
        yield running


def attributes(span: Span) -> dict[str, str | int]:
    return {entry.key: entry.value.string_value or entry.value.int_value for entry in span.attributes}


@pytest.mark.slow
def test_one_trace_from_the_submission_to_the_candidates_of_the_peer(
    collector: Collector,
    start_node: Callable[..., RunningNode],
    scans: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FFP_NODE_TRACING_URL", collector.url)
    rs, mk = start_node(Jurisdiction.RS), start_node(Jurisdiction.MK)
    enrol_each_other(rs, mk)
    receipt = rs.submit(scans["1-1"], case_reference="RS-2026-0815", audience=["MK"], level="full").json()
    mk.wait_correlated(1)
    rs.wait_correlated(1)
    rs.stop()
    mk.stop()

    record = receipt["statement_id"]
    spans = collector.spans()
    of_record = [(node, span) for node, span in spans if span.trace_id.hex() == record[:32]]
    assert {("ffp-rs", "record submitted"), ("ffp-rs", "correlate")} < {(node, span.name) for node, span in of_record}
    assert {("ffp-mk", "record received"), ("ffp-mk", "fetch-scan"), ("ffp-mk", "correlate")} < {
        (node, span.name) for node, span in of_record
    }
    submitted = next(span for _, span in of_record if span.name == "record submitted")
    asked = next(span for node, span in spans if span.span_id == submitted.links[0].span_id)
    assert attributes(asked) == {"ffp.method": "POST", "ffp.route": "/v1/records", "ffp.status": 201}
    fetched = next(span for _, span in of_record if span.name == "fetch-scan")
    assert attributes(fetched) == {"ffp.record": record, "ffp.peer": "ffp-rs", "ffp.attempt": 1}
    linked = {link.span_id for node, span in spans if (node, span.name) == ("ffp-rs", "request") for link in span.links}
    assert fetched.span_id in linked, "the request that served it leads there"
    assert b"".join(collector.bodies).count(b"RS-2026-0815") == 0
    assert {name for _, span in spans for name in attributes(span)} == {
        f"ffp.{name}" for name in ("method", "route", "status", "record", "peer", "attempt")
    }


def _tracing(url: str) -> Tracing:
    return Tracing(url, "ffp-rs", Typed(url))


def test_an_error_is_told_by_its_code_and_not_by_its_words(collector: Collector) -> None:
    tracing = _tracing(collector.url)

    def refuse() -> None:
        with tracing.span("correlate", record=RECORD):
            assert trace_passed_on()["traceparent"].startswith(f"00-{RECORD[:32]}-")
            raise Conflict("RS-2026-0815 is there already.")

    with pytest.raises(Conflict):
        refuse()
    assert trace_passed_on() == {}
    tracing.close()
    ((_, span),) = collector.spans()
    assert span.status.message == "conflict"
    assert b"RS-2026-0815" not in collector.bodies[0]


@pytest.mark.parametrize("flags", ["00", "01"])
@pytest.mark.parametrize("sent", ["", "nonsense", f"00-{'0' * 32}-{'1' * 16}", f"00-{RECORD[:32]}-{'1' * 16}"])
def test_a_caller_is_linked_and_decides_nothing(collector: Collector, sent: str, flags: str) -> None:
    """Anybody can send the header: into no trace but its own is it told, and always."""
    tracing = _tracing(collector.url)
    with tracing.span("request", caller={"traceparent": f"{sent}-{flags}"}) as span:
        span.say(status=200)
        assert int(trace_passed_on()["traceparent"][-2:], 16) & 1, "sampled"
    tracing.close()
    ((_, told),) = collector.spans()
    assert told.trace_id.hex() != RECORD[:32]
    assert [link.trace_id.hex() for link in told.links] == ([RECORD[:32]] if RECORD[:32] in sent else [])
    assert attributes(told) == {"ffp.status": 200}


@pytest.mark.slow
def test_a_collector_that_is_silent_holds_up_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        tracing = _tracing(f"http://127.0.0.1:{silent.getsockname()[1]}/v1/traces")
        for _ in range(2_000):
            with tracing.span("correlate", record=RECORD):
                pass
        began = time.monotonic()
        tracing.close()
        assert time.monotonic() - began < 5
        with tracing.span("correlate", record=RECORD):
            assert trace_passed_on() == {}, "what comes later is not sent"


def test_a_collector_that_is_away_costs_nothing_but_its_traces(collector: Collector) -> None:
    tracing = _tracing(f"http://127.0.0.1:{free_port()}/v1/traces")
    with tracing.span("correlate", record=RECORD):
        began = time.monotonic()
    tracing.close()
    assert time.monotonic() - began < 5
    assert collector.bodies == []


def test_without_the_extra_the_command_that_adds_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk", None)
    with pytest.raises(ExtraMissing, match="ffp extras add tracing"):
        _tracing("http://127.0.0.1:4318/v1/traces")
    with Tracing(None, "ffp-rs", Typed("http://127.0.0.1")).span("correlate", record=RECORD) as told:
        told.say(status=200)
    assert trace_passed_on() == {}
