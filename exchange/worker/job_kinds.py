"""Which flow does a job of each kind."""

from __future__ import annotations

import structlog
from structlog.contextvars import bound_contextvars

from exchange.flows.alerts.webhooks import tell_webhook
from exchange.flows.log.objects import settle_object
from exchange.flows.node.node import Node
from exchange.flows.query.answer import answer_query
from exchange.flows.query.ask import send_query
from exchange.flows.query.start_search import start_search
from exchange.flows.review.partners import draw_control_here_or_at_partner
from exchange.flows.scan.correlate import correlate_acquisition
from exchange.flows.scan.instrument_probe import probe_instrument
from exchange.flows.sync.fetch import fetch_scan
from exchange.flows.terms.erase import erase
from exchange.flows.truth.known_pairs import score_test_fire
from exchange.net.client import PeerClient
from exchange.store.entry.records import record_and_issuer
from exchange.store.node.jobs import OF_SCANS, JobKind

log = structlog.get_logger(__name__)


def do_job(node: Node, client: PeerClient, kind: JobKind, subject: int, attempt: int) -> None:
    """Do one job. ``subject`` is the number of an acquisition, a tombstone, a query, an object, a task, a message or a
    record, by the kind. Raises whatever its flow raises: then the job is not done."""
    about = _about(node, kind, subject)
    with (
        bound_contextvars(**about),
        node.tracing.span(kind.value, {**about, "attempt": attempt}, record=about.get("record")),
    ):
        _do(node, client, kind, subject, attempt)


def _about(node: Node, kind: JobKind, subject: int) -> dict[str, str]:
    """Which record a job is about, and from which peer that came: for its lines in the log, and its trace."""
    if kind not in OF_SCANS:
        return {}
    with node.store.read() as session:
        found = record_and_issuer(session, subject)
    if found is None:
        return {}
    record, issuer = found
    return {"record": record} if issuer == node.node_id else {"record": record, "peer": issuer}


def _do(node: Node, client: PeerClient, kind: JobKind, subject: int, attempt: int) -> None:
    match kind:
        case JobKind.CORRELATE:
            with node.meters.correlation_seconds.time():
                added = correlate_acquisition(node, subject)
            log.info("correlated", acquisition=subject, candidates=added)
        case JobKind.PROBE:
            turned = probe_instrument(node, subject)
            log.info("instrument probed", acquisition=subject, turned=turned and turned.name)
        case JobKind.KNOWN_PAIRS:
            scored = score_test_fire(node, subject)
            log.info("a test fire was scored with the others", acquisition=subject, pairs=scored)
        case JobKind.FETCH_SCAN:
            fetch_scan(node, client, subject)
            log.info("scan fetched", acquisition=subject)
        case JobKind.ERASE:
            erase(node, subject)
        case JobKind.SEND_QUERY:
            send_query(node, client, subject)
        case JobKind.ANSWER_QUERY:
            answer_query(node, subject, give_up=attempt > node.settings.max_attempts)
        case JobKind.STORE_OBJECT:
            settle_object(node, subject)
        case JobKind.DRAW_CONTROL:
            draw_control_here_or_at_partner(node, subject)
        case JobKind.TELL_WEBHOOK:
            tell_webhook(node, subject, attempt)
        case JobKind.START_SEARCH:
            start_search(node, subject)
