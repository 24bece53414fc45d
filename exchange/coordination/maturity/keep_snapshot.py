"""Keep a signed snapshot of a node's maturity for each half-year, and give it away with what proves it.

A half-year has one, taken after its end and before the next one's: the practices look at the days before, and one of
them at the report of the half-year that ended last. The head keeps it when the report is approved; where nobody did so
within ``KEPT_AFTER_DAYS``, the node keeps it by itself. What is kept stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from exchange.clock import stamp
from exchange.coordination.approved_document import approve_document, approved_file
from exchange.coordination.approved_rows import ApprovedKind, ApprovedRow, Editions, approved_rows, find_approved_row
from exchange.coordination.half_year.counted import begun_at
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.maturity.maturity_snapshot import (
    KEPT_BY,
    MaturityPath,
    Snapshot,
    path_of,
    read_snapshot,
    write_snapshot,
)
from exchange.coordination.maturity.practices_here import maturity_of
from exchange.errors import Conflict, NotFound
from exchange.flows.log.start import may_sign
from exchange.flows.node.node import Node
from exchange.flows.statement.sign_statement import THE_NODE
from schemas import Maker

KEPT_AFTER_DAYS: Final = 30
"""So long after the end of a half-year the head has time to approve its report and to keep the snapshot."""
_BY_ITSELF: Final = "Kept by the node itself: nobody had kept it within %s days of the end of %s."
_BY_THE_HEAD: Final = "What the node saw of its own maturity after the end of %s."


@dataclass(frozen=True)
class KeptSnapshot:
    """``approval``: the id of the signed statement that concerns its digest."""

    snapshot: Snapshot
    sha256: str
    approval: str
    kept_by: str
    kept_at: str


def last_half() -> Half:
    """The half-year that ended last: the one of which a snapshot may be kept now."""
    return Half.of(datetime.fromisoformat(stamp())).before()


def keep_snapshot(node: Node, maker: Maker, half: Half | None = None) -> KeptSnapshot:
    """Keep what each practice shows now as the snapshot of the half-year that ended last.

    1. It is that half-year, and the node was there before it ended.
    2. Look at each practice, and write that down as bytes.
    3. Sign an approval of these bytes, and keep them with it.

    Raises Conflict, code "half-not-over", "half-gone-by", "decided"; NotFound where the node began later.
    """
    # 1.
    wanted, last = half or last_half(), last_half()
    if wanted > last:
        raise Conflict(f"The half-year {wanted} is not over before {wanted.end}.", code="half-not-over")
    if wanted < last:
        raise Conflict(f"What {wanted} showed can be seen no more: {last} ended since.", code="half-gone-by")
    if (kept := _kept(node, wanted)) is not None:
        raise Conflict(f"The snapshot of {wanted} was kept by {kept.kept_by} at {kept.kept_at}.", code="decided")
    if not _was_there(node, wanted):
        raise NotFound(f"There is no data of the half-year {wanted}.")

    # 2.
    data = write_snapshot(wanted, maturity_of(node))

    # 3.
    because = _BY_ITSELF % (KEPT_AFTER_DAYS, wanted) if maker == THE_NODE else _BY_THE_HEAD % wanted
    return _of_row(
        approve_document(node, maker, ApprovedKind.SNAPSHOT, str(wanted), Editions(data), because, by=KEPT_BY)
    )


def keep_when_due(node: Node) -> bool:
    """Keep the snapshot of the half-year that ended last by itself, once its time is over. False: nothing more is to be
    done. A node that waits for its own heads from its peers signs nothing."""
    half = last_half()
    due = stamp(datetime.fromisoformat(half.end) + timedelta(days=KEPT_AFTER_DAYS))
    if stamp() < due or _kept(node, half) is not None or not _was_there(node, half):
        return False
    with node.store.read() as session:
        if not may_sign(node, session):
            return False
    try:
        keep_snapshot(node, THE_NODE, half)
    except Conflict as error:
        if error.code != "decided":  # the head was faster
            raise
    return False


def half_to_keep(node: Node) -> Half | None:
    """The half-year of which the head may keep a snapshot now; None where it is kept, or the node began later."""
    half = last_half()
    return half if _kept(node, half) is None and _was_there(node, half) else None


def kept_snapshots(node: Node) -> list[KeptSnapshot]:
    """The earliest first."""
    with node.store.read() as session:
        return [_of_row(row) for row in approved_rows(session, ApprovedKind.SNAPSHOT)]


def maturity_path(node: Node) -> MaturityPath:
    return path_of([kept.snapshot for kept in kept_snapshots(node)])


def signed_snapshot(node: Node, half: Half) -> bytes:
    """The snapshot with what proves it, as a file that is verified without any node.

    Raises NotFound; Conflict, code "head-not-signed", while no signed head of the log covers it: ask again in a second.
    """
    with node.store.read() as session:
        row = find_approved_row(session, ApprovedKind.SNAPSHOT, str(half))
        document, approval = (row.manifest, row.approval) if row is not None else (b"", "")
    if not document:
        raise NotFound(f"No snapshot of {half} is kept here. {_keep_next(half)}")
    return approved_file(node, approval, document)


def _keep_next(half: Half) -> str:
    if half == last_half():
        return "The head keeps it with: ffp maturity --keep --as HEAD"
    if half > last_half():
        return f"It can be kept once the half-year is over, from {half.end[:10]} on."
    return "What that half-year showed can be seen no more; which are kept says: ffp maturity --path"


def _kept(node: Node, half: Half) -> KeptSnapshot | None:
    with node.store.read() as session:
        row = find_approved_row(session, ApprovedKind.SNAPSHOT, str(half))
        return None if row is None else _of_row(row)


def _was_there(node: Node, half: Half) -> bool:
    with node.store.read() as session:
        began = begun_at(session, node.node_id)
    return began is not None and began < half.end


def _of_row(row: ApprovedRow) -> KeptSnapshot:
    return KeptSnapshot(read_snapshot(row.manifest), row.sha256, row.approval, row.approved_by, row.approved_at)
