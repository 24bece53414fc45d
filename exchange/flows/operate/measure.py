"""What an operator's instruments show of a node: numbers alone, no case and no person."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from exchange.compute import Compute
from exchange.errors import ComputeAway, ObjectStoreUnavailable
from exchange.flows.alerts.deadlines import Duty, all_duties
from exchange.flows.alerts.webhooks import webhook_alarms
from exchange.flows.entry.watch.folder_standing import watch_alarms
from exchange.flows.log.start import may_sign
from exchange.flows.node.cluster import count_workers
from exchange.flows.node.node import Node
from exchange.flows.operate.recovery import Recovery, age_s, recovery_of
from exchange.flows.sync.peer_quota import shares_of, why_stopped
from exchange.flows.sync.skew import peer_behind
from exchange.store.entry.record_rows import AcquisitionState, counts_by_state, scan_bytes
from exchange.store.log.stamps import latest_stamp, stamp_failure
from exchange.store.log.statement_rows import last_log_check, latest_checkpoint, log_size
from exchange.store.node import jobs, workers
from exchange.store.operate.newest_row import first_row
from exchange.store.review.mail_rows import failures
from exchange.store.scan.candidate_delays import delays_within
from exchange.store.scan.objects import count_objects
from exchange.store.sync.peers import all_peers, lane_of, node_older, unnoted, withheld_on
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.witness.cosignatures import all_disagreements, cosigned_size, last_cosigned_at


@dataclass(frozen=True)
class Gauge:
    """Numbers of one kind, by the values of its labels."""

    name: str
    text: str
    labels: tuple[str, ...]
    values: Mapping[tuple[str, ...], float]


@dataclass(frozen=True)
class Numbers:
    """One moment of a node. ``candidate_delays``: of own and of peers' scans, within how many seconds of their arrival
    how many were compared, infinity last."""

    gauges: tuple[Gauge, ...]
    candidate_delays: Mapping[str, Sequence[tuple[float, int]]]

    def value(self, name: str, *labels: str) -> float:
        return next(gauge.values[labels] for gauge in self.gauges if gauge.name == name)


def one(name: str, text: str, value: float) -> Gauge:
    return Gauge(name, text, (), {(): float(value)})


def by(label: str, name: str, text: str, values: Mapping[str, float]) -> Gauge:
    return Gauge(name, text, (label,), {(key,): float(value) for key, value in values.items()})


def observe(node: Node) -> Numbers:
    """Numbers of what the database and the home say; of what there is nothing, 0. Raises StoreUnavailable."""
    with node.store.read() as session:
        peers = [peer for peer in all_peers(session) if peer.state == PeerState.ENROLLED]
        gauges = (
            *_work(session, node),
            *_peers(session, node, peers),
            *_log(session, node, peers),
            *_recovery(recovery_of(node.settings, first_row(session))),
        )
        return Numbers(gauges, {origin: delays_within(session, origin) for origin in ("own", "peer")})


def _work(session: Session, node: Node) -> Iterator[Gauge]:
    found = jobs.counts_by_kind(session)
    counts: dict[tuple[str, ...], float] = {
        (kind, state): found.get((kind, state), 0) for kind in jobs.JobKind for state in jobs.JobState
    }
    yield Gauge("ffp_jobs", "Promised work that is not done.", ("kind", "state"), counts)
    away = dict.fromkeys(jobs.JobKind, 0) | {kind: of[0] for kind, of in jobs.waiting_for_others(session).items()}
    yield by("kind", "ffp_jobs_away", "Jobs that wait for what they stand on, which is away.", away)
    yield one("ffp_workers", "Processes that do the node's work and show themselves.", len(workers.alive(session)))
    seen = _posix(workers.last_seen(session))
    yield one("ffp_worker_seen_timestamp_seconds", "When one last showed itself; 0: never.", seen)
    states = dict.fromkeys(AcquisitionState, 0) | counts_by_state(session)
    yield by("state", "ffp_acquisitions", "Scans, by how far they are.", states)
    yield one("ffp_blobs_bytes", "Bytes of all scans that are here.", scan_bytes(session))
    kept = dict(zip(("stored", "waiting", "altered"), count_objects(session), strict=True))
    text = "Scans, by what the object store has of them; waiting includes altered."
    yield by("state", "ffp_objects", text, kept)
    duties = all_duties(session, node)
    none: dict[str, float] = dict.fromkeys(Duty, 0)
    yield by(
        "duty", "ffp_duties", "What waits for people, by what it is.", none | {due.duty: due.count for due in duties}
    )
    late = none | {due.duty: due.late for due in duties}
    yield by("duty", "ffp_duties_late", "Of these, those whose deadline has passed.", late)
    failing = failures(session) if node.mail is not None else None
    yield one("ffp_mail_failing", "People to whom no e-mail leaves.", failing[0] if failing else 0)
    hooks, watches = len(webhook_alarms(session)), len(watch_alarms(node.settings.home))
    yield one("ffp_webhooks_failing", "Programs that did not take the last message.", hooks)
    yield one("ffp_watches_failing", "Alarms of watched folders; ffp status has them.", watches)


PEER_TEXTS: Final = {
    "ffp_lane_statements": "Statements on the lane for this peer.",
    "ffp_lane_acknowledged": "Those of them that it has read.",
    "ffp_lane_acknowledged_timestamp_seconds": "When it last acknowledged; 0: never.",
    "ffp_lane_withheld": "Those that it read without their content.",
    "ffp_lane_received": "Statements that came from this peer.",
    "ffp_peer_answered_timestamp_seconds": "The last good pull; before the first, the enrolment.",
    "ffp_peer_alarm": "Whether an alarm stands at this peer.",
    "ffp_quarantine_items": "Its items that are set aside and not noted yet.",
    "ffp_peer_statements_left": "What it may still send today, in statements; a record counts for each of its scans.",
    "ffp_peer_bytes_left": "The same in bytes, with the scans that they name.",
    "ffp_peer_stopped": "Whether its lane is not read: its share is used up, or too much set aside.",
    "ffp_peer_older": "Statements that wait until this peer is upgraded.",
    "ffp_node_older": "Statements of this peer that wait until this node is upgraded.",
    "ffp_cosigned_size": "The largest head of this node's log that it cosigned.",
    "ffp_cosigned_timestamp_seconds": "When its last cosignature came; 0: never.",
    "ffp_lane_waiting": "Statements that wait for this peer.",
}


def _peers(session: Session, node: Node, peers: Sequence[PeerRow]) -> Iterator[Gauge]:
    found = {peer.node_id: _of_peer(session, node, peer) for peer in peers}
    for name, text in PEER_TEXTS.items():
        yield by("peer", name, text, {peer: numbers[name] for peer, numbers in found.items()})


def _of_peer(session: Session, node: Node, peer: PeerRow) -> dict[str, float]:
    lane, name = lane_of(session, peer.node_id), peer.node_id
    shares, behind = shares_of(session, node.settings, name), peer_behind(session, name)
    return {
        "ffp_lane_statements": lane.count,
        "ffp_lane_acknowledged": lane.acknowledged_count,
        "ffp_lane_acknowledged_timestamp_seconds": _posix(lane.acknowledged_at),
        "ffp_lane_withheld": withheld_on(session, name),
        "ffp_lane_received": peer.cursor_count,
        "ffp_peer_answered_timestamp_seconds": _posix(peer.pulled_at or peer.enrolled_at),
        "ffp_peer_alarm": peer.alarm is not None or peer.state == PeerState.ALTERED,
        "ffp_quarantine_items": unnoted(session, name),
        "ffp_peer_statements_left": max(0, shares.statements.left),
        "ffp_peer_bytes_left": max(0, shares.bytes.left),
        "ffp_peer_stopped": why_stopped(shares, node.settings, name) is not None,
        "ffp_peer_older": behind.waiting if behind else 0,
        "ffp_node_older": peer.waiting if node_older(peer) else 0,
        "ffp_cosigned_size": cosigned_size(session, name) or 0,
        "ffp_cosigned_timestamp_seconds": _posix(last_cosigned_at(session, name)),
        "ffp_lane_waiting": lane.count - lane.acknowledged_count,
    }


def _log(session: Session, node: Node, peers: Sequence[PeerRow]) -> Iterator[Gauge]:
    signed, check, stamped = latest_checkpoint(session), last_log_check(session), latest_stamp(session)
    missing = stamp_failure(session) if node.authority is not None else None
    signed_at, signs = _posix(signed.signed_at if signed else None), may_sign(node, session)
    yield one("ffp_log_size", "Statements in the own log.", log_size(session))
    yield one("ffp_log_signed_size", "Those that its last signed head covers.", signed.size if signed else 0)
    yield one("ffp_log_signed_timestamp_seconds", "When that head was signed; 0: never.", signed_at)
    yield one("ffp_log_may_sign", "Whether heads may be signed since the last start.", signs)
    forked = [row.log for row in all_disagreements(session)]
    pairs = {log: forked.count(log) for log in (node.node_id, *(peer.node_id for peer in peers))}
    yield by("log", "ffp_log_disagreements", "Pairs of signed heads that do not agree.", pairs)
    checked_at, altered = _posix(check.checked_at if check else None), check is not None and not check.good
    yield one("ffp_log_checked_timestamp_seconds", "When all at rest was last read again.", checked_at)
    yield one("ffp_log_altered", "Whether something was then not what was signed.", altered)
    yield one("ffp_stamps_wanted", "Whether an authority is to stamp heads.", node.authority is not None)
    stamped_at, since_s = _posix(stamped.at if stamped else None), age_s(missing.since) if missing else 0
    yield one("ffp_stamped_timestamp_seconds", "The time in the last stamp; 0: none.", stamped_at)
    yield one("ffp_stamps_missing_seconds", "For how long stamps are missing.", since_s)


def _recovery(found: Recovery) -> Iterator[Gauge]:
    drilled, size = found.drilled, found.backup.bytes if found.backup else 0
    yield one("ffp_backup_age_seconds", "Of the last whole backup; before the first, of the node.", found.backup_age_s)
    yield one("ffp_backup_bytes", "What a restore of the last backup reads; 0: not known.", size)
    since = "Of the last restore that was verified; before the first, of the node."
    yield one("ffp_restore_verified_age_seconds", since, found.verified_age_s)
    limit = "How old it may be (restore_drill_days)."
    yield one("ffp_restore_verified_limit_seconds", limit, found.verified_limit_s)
    failed, took_s = drilled is not None and not drilled.verified, drilled.seconds if drilled else 0
    yield one("ffp_restore_drill_failed", "Whether the last drill did not verify its backup.", failed)
    yield one("ffp_restore_drill_seconds", "What the last drill took; 0: there was none.", took_s)


def object_store_answers(node: Node) -> bool:
    """Asked once; true where there is none."""
    try:
        if node.objects is not None:
            node.objects.check()
    except ObjectStoreUnavailable:
        return False
    return True


def workers_of_cluster(node: Node) -> int | None:
    """How many the cluster has, asked once; 0 when it does not answer, None where there is none."""
    try:
        return None if node.cluster is None else count_workers(node.cluster)
    except ComputeAway:
        return 0


def computes(pool: Compute) -> bool:
    """Whether processes can be started: as it was the last time, and tried once more when it was not."""
    try:
        pool.check()
    except ComputeAway:
        return False
    return True


def free_bytes(node: Node) -> int:
    """Of the disk that scans and, with SQLite, the database share."""
    return shutil.disk_usage(node.settings.home).free


def _posix(moment: str | None) -> float:
    return datetime.fromisoformat(moment).timestamp() if moment else 0.0
