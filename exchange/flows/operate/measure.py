"""What an operator's instruments show of a node: numbers alone, no case and no person."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.compute import Compute
from exchange.errors import ComputeAway, ObjectStoreUnavailable
from exchange.flows.alerts.deadlines import Due, all_duties
from exchange.flows.alerts.webhooks import webhook_alarms
from exchange.flows.entry.watch.standing import watch_alarms
from exchange.flows.log.start import may_sign
from exchange.flows.node.cluster import count_workers
from exchange.flows.node.node import Node
from exchange.flows.operate.recovery import Recovery, recovery_of
from exchange.flows.sync.peer_quota import shares_of, why_stopped
from exchange.flows.sync.skew import peer_behind
from exchange.store.entry.records import AcquisitionState, counts_by_state, scan_bytes
from exchange.store.log.stamps import latest_stamp, stamp_failure
from exchange.store.log.statements import last_log_check, latest_checkpoint, log_size
from exchange.store.node import jobs, workers
from exchange.store.operate.newest_row import first_row
from exchange.store.review.mail import failures
from exchange.store.scan.candidate_delays import delays_within
from exchange.store.scan.objects import count_objects
from exchange.store.sync.peers import all_peers, lane_of, node_older, unnoted, withheld_on
from exchange.store.tables.peers import PeerRow, PeerState
from exchange.store.witness.cosignatures import all_disagreements, cosigned_size, last_cosigned_at


@dataclass(frozen=True)
class PeerNumbers:
    """One enrolled peer. Times are POSIX seconds; 0 for what never happened, but ``answered`` counts from the
    enrolment."""

    node_id: str
    to_send: int
    acknowledged: int
    acknowledged_at: float
    withheld: int
    received: int
    answered: float
    alarm: bool
    quarantined: int
    """Items that are set aside, and of which the operator took no note yet."""
    cosigned_size: int
    cosigned_at: float
    statements_left: int
    """What it may still send today; a record counts once for each of its scans."""
    bytes_left: int
    stopped: bool
    """Whether its lane is read no further, since it used up its share or too much is set aside."""
    peer_older: int
    """How many statements wait for it until it is upgraded."""
    node_older: int
    """How many of its statements wait until this node is upgraded."""


@dataclass(frozen=True)
class Numbers:
    """One moment of a node."""

    workers: int
    """Those that are alive."""
    worker_seen: float
    """When any last showed itself."""
    jobs: dict[tuple[str, str], int]
    """By kind and state, those of which there are none included."""
    jobs_away: dict[str, int]
    """By kind: those that wait for what they stand on, none included."""
    acquisitions: dict[str, int]
    """By state, those of which there are none included."""
    scan_bytes: int
    objects: tuple[int, int, int]
    """Scans that the object store has confirmed, that wait for it, that were found altered there."""
    peers: list[PeerNumbers]
    log_size: int
    signed_size: int
    signed_at: float
    may_sign: bool
    disagreements: dict[str, int]
    """Pairs of heads that do not agree, by the log that signed them: the own one and each enrolled peer's."""
    checked_at: float
    altered: bool
    stamps_wanted: bool
    stamped_at: float
    stamps_missing_s: float
    mail_failing: int
    """To how many people nothing leaves."""
    webhooks_failing: int
    """How many programs did not take the last message, or are told nothing more."""
    watches_failing: int
    """How many things the operator must see to at watched folders."""
    duties: list[Due]
    candidate_delays: dict[str, list[tuple[float, int]]]
    """Of own and of peers' scans: within how many seconds of their arrival how many were compared, infinity last."""
    recovery: Recovery


def observe(node: Node) -> Numbers:
    """Raises StoreUnavailable."""
    with node.store.read() as session:
        signed, check, stamped = latest_checkpoint(session), last_log_check(session), latest_stamp(session)
        missing = stamp_failure(session) if node.authority is not None else None
        failing = failures(session) if node.mail is not None else None
        enrolled = [peer for peer in all_peers(session) if peer.state == PeerState.ENROLLED]
        return Numbers(
            workers=len(workers.alive(session)),
            worker_seen=_posix(workers.last_seen(session)),
            jobs={(kind, state): 0 for kind in jobs.JobKind for state in jobs.JobState} | jobs.counts_by_kind(session),
            jobs_away=dict.fromkeys(jobs.JobKind, 0)
            | {kind: count for kind, (count, _) in jobs.waiting_for_others(session).items()},
            acquisitions=dict.fromkeys(AcquisitionState, 0) | counts_by_state(session),
            scan_bytes=scan_bytes(session),
            objects=count_objects(session),
            peers=[_peer(session, node, peer) for peer in enrolled],
            log_size=log_size(session),
            signed_size=signed.size if signed else 0,
            signed_at=_posix(signed.signed_at if signed else None),
            may_sign=may_sign(node, session),
            disagreements=_disagreements(session, [node.node_id, *(peer.node_id for peer in enrolled)]),
            checked_at=_posix(check.checked_at if check else None),
            altered=check is not None and not check.good,
            stamps_wanted=node.authority is not None,
            stamped_at=_posix(stamped.at if stamped else None),
            stamps_missing_s=_posix(stamp()) - _posix(missing.since) if missing else 0.0,
            mail_failing=failing[0] if failing else 0,
            webhooks_failing=len(webhook_alarms(session)),
            watches_failing=len(watch_alarms(node.settings.home)),
            duties=all_duties(session, node),
            candidate_delays={origin: delays_within(session, origin) for origin in ("own", "peer")},
            recovery=recovery_of(node.settings, first_row(session)),
        )


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


def _peer(session: Session, node: Node, peer: PeerRow) -> PeerNumbers:
    lane, name = lane_of(session, peer.node_id), peer.node_id
    shares = shares_of(session, node.settings, name)
    return PeerNumbers(
        node_id=name,
        to_send=lane.count,
        acknowledged=lane.acknowledged_count,
        acknowledged_at=_posix(lane.acknowledged_at),
        withheld=withheld_on(session, name),
        received=peer.cursor_count,
        answered=_posix(peer.pulled_at or peer.enrolled_at),
        alarm=peer.alarm is not None or peer.state == PeerState.ALTERED,
        quarantined=unnoted(session, name),
        cosigned_size=cosigned_size(session, name) or 0,
        cosigned_at=_posix(last_cosigned_at(session, name)),
        statements_left=max(0, shares.statements.left),
        bytes_left=max(0, shares.bytes.left),
        stopped=why_stopped(shares, node.settings, name) is not None,
        peer_older=behind.waiting if (behind := peer_behind(session, name)) else 0,
        node_older=peer.waiting if node_older(peer) else 0,
    )


def _disagreements(session: Session, logs: list[str]) -> dict[str, int]:
    found = [row.log for row in all_disagreements(session)]
    return {log: found.count(log) for log in logs}


def _posix(moment: str | None) -> float:
    return datetime.fromisoformat(moment).timestamp() if moment else 0.0
