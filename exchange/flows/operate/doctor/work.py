"""What a node does: its scans, its log, deadlines; and what its rows tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from exchange.clock import stamp_in
from exchange.errors import NotFound
from exchange.flows.alerts.deadlines import all_duties
from exchange.flows.node.blob_cache import is_blob_away
from exchange.flows.node.last_head import last_head_fault
from exchange.flows.node.node import Node
from exchange.flows.operate.findings import Cause, Finding, finding
from exchange.flows.operate.status import own_findings, peer_findings
from exchange.store.entry.record_rows import scans_at_rest
from exchange.store.log.statement_rows import keys_since, last_log_check, latest_checkpoint, log_size, statement_at
from exchange.store.scan.objects import all_stored, count_set_aside
from exchange.store.sync.peers import all_peers
from exchange.store.tables.peer_tables import PeerState
from exchange.store.witness.cosignatures import cosigned_size, disagreements

TAIL_S: Final = 60
"""A running node signs once a second; so long it may be busy with something else."""
UNWITNESSED_S: Final = 3600
CHECKS_LATE: Final = 2
"""Of the intervals between checks of content at rest, so many may pass."""
_NAMED: Final = 3
WHAT_WAITS: Final = {
    "first_review": "Scans whose pairs nobody has opened",
    "verification": "Verifications",
    "send_lead": "Leads that the other side does not know of",
    "answer": "Hits on which the other side waits for an answer",
    "feedback": "Hits without feedback",
    "explain": "Custody discrepancies of own exhibits that the head has not explained",
    "receive": "Exhibits on their way to this side",
    "return": "Exhibits of the other side that nobody compares any more",
}


def examine_scans(node: Node) -> Iterator[Finding]:
    """Whether each scan that a record names is there, in its size. Their bytes are read by `ffp log check`."""
    with node.store.read() as session:
        named, elsewhere = scans_at_rest(session), all_stored(session)
    lacking = [
        sha256
        for sha256, size in named.items()
        if not (sha256 in elsewhere and is_blob_away(node.blobs, sha256)) and _size(node, sha256) != size
    ]
    if lacking:
        some = ", ".join(lacking[:_NAMED])
        what = f"{len(lacking)} of {len(named)} scans that records name are gone or cut short: {some}."
        yield finding(Cause.SCANS_GONE, what, blobs=node.settings.blobs)

    aside = len(node.blobs.all_set_aside())
    with node.store.read() as session:
        in_store = count_set_aside(session)
    if aside or in_store:
        where = [f"{aside} in {node.settings.blobs}/set-aside"] if aside else []
        where += [f"{in_store} in the object store"] if in_store else []
        what = f"Scans that no record names were set aside after a restore: {' and '.join(where)}."
        yield finding(Cause.SCANS_SET_ASIDE, what)


def _size(node: Node, sha256: str) -> int | None:
    try:
        return node.blobs.size(sha256)
    except NotFound:
        return None


def examine_log(node: Node, *, served: bool) -> Iterator[Finding]:
    """The own log: may it be signed, is it, do others vouch for it, and is what is at rest what was signed."""
    with node.store.read() as session:
        set_back = last_head_fault(node.settings, session)
        kept, named = disagreements(session, node.node_id), keys_since(session)
        size, signed = log_size(session), latest_checkpoint(session)
        tail = statement_at(session, node.node_id, signed.size if signed else 0)
        check, peers = last_log_check(session), all_peers(session)
        enrolled = [peer.node_id for peer in peers if peer.state == PeerState.ENROLLED]
        vouched = max((cosigned_size(session, peer) or 0 for peer in enrolled), default=0)
    if named != node.history.last.index:
        what = "The keys are newer than the database, whose log does not name them yet: submissions are refused."
        yield finding(Cause.KEYS_NEWER, what)
    if set_back is not None:
        yield finding(Cause.DATABASE_SET_BACK, f"{set_back.what} Nothing is signed.", step=set_back.next)
    if kept:
        yield finding(Cause.LOG_FORKED, f"{len(kept)} pairs of heads that this node signed do not agree.")
    if served and tail is not None and tail.received_at < stamp_in(-TAIL_S):
        what = f"{size - (signed.size if signed else 0)} statements wait for a signed head since {tail.received_at}."
        yield finding(Cause.LOG_UNSIGNED, what)
    late = signed is not None and vouched < signed.size and signed.signed_at < stamp_in(-UNWITNESSED_S)
    if served and enrolled and late:
        what = f"No peer has cosigned the last head of the log; the largest that one did has size {vouched}."
        yield finding(Cause.LOG_UNWITNESSED, what)
    if check is not None and not check.good:
        yield finding(Cause.LOG_ALTERED, "Content at rest is not what was signed.")
    elif (
        served and check is not None and check.checked_at < stamp_in(-CHECKS_LATE * node.settings.log_check_interval_s)
    ):
        yield finding(Cause.LOG_UNREAD, f"Content at rest was last read again {check.checked_at}.")


def examine_alarms(node: Node) -> list[Finding]:
    """What `ffp status` tells too; the clock is measured anew with the peers."""
    with node.store.read() as session:
        peers = all_peers(session)
        found = [*own_findings(session, node, peers), *peer_findings(session, node, peers)]
    return [one for one in found if one.cause is not Cause.CLOCK_OFF]


def examine_deadlines(node: Node) -> Iterator[Finding]:
    """By kind, never by person or case."""
    with node.store.read() as session:
        found = all_duties(session, node)
    for due in found:
        if due.late:
            what = f"{WHAT_WAITS[due.duty]} overdue: {due.late}, the first since {due.first}."
            yield finding(Cause.DEADLINES, what)
