"""By whose records the bytes of a scan are here. To name a digest delivers nothing, keeps nothing and shows nothing.

An acquisition is *delivered* once its bytes came here from the issuer of its record: an own one with its submission, a
received one when they were fetched from that peer and had the digest, even where the same bytes were here before.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.store.tables.peer_tables import LaneItemRow
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow, StatementRow


def note_delivered(acquisition: AcquisitionRow) -> None:
    """To be called in the transaction in which the bytes get their name on the disk."""
    acquisition.delivered_at = stamp()


def is_delivered() -> ColumnElement[bool]:
    """A condition on AcquisitionRow."""
    return AcquisitionRow.delivered_at.is_not(None)


def keeps_its_scan() -> ColumnElement[bool]:
    """A condition on AcquisitionRow and RecordRow: while this row stands, the bytes that it names stay on this node.

    An own record keeps its scan also where a restored node does not have it yet: what is found on the disk or in the
    object store is the node's own. One that a court holds keeps it too, and shows it to nobody.
    """
    return or_(is_delivered(), RecordRow.submitted_by.is_not(None))


def records_showing(session: Session, sha256: str) -> Sequence[tuple[AcquisitionRow, StatementRow]]:
    """Every acquisition by which the bytes of a scan are here and may be shown, with the statement that says who may
    have it. One that a court holds shows nothing."""
    return _showing(session, AcquisitionRow.sha256 == sha256)


def _showing(session: Session, *which: ColumnElement[bool]) -> Sequence[tuple[AcquisitionRow, StatementRow]]:
    rows = session.execute(
        select(AcquisitionRow, StatementRow)
        .join(StatementRow, StatementRow.statement_id == AcquisitionRow.statement_id)
        .join(RecordRow, RecordRow.statement_id == AcquisitionRow.statement_id)
        .where(*which, is_delivered(), RecordRow.restricted.is_(False))
        .order_by(AcquisitionRow.acquisition_id)
    ).all()
    return [(row[0], row[1]) for row in rows]


def given_showing(session: Session, sha256: str, peer: str) -> Sequence[tuple[AcquisitionRow, StatementRow]]:
    """Return the rows of ``records_showing`` whose record the peer issued, or has on its lane without being withheld.

    The database filters the rows. So refusing a scan of any other record takes as long as refusing an unknown scan, and
    the time does not show whether the scan is here.
    """
    on_lane = exists().where(
        LaneItemRow.peer == peer,
        LaneItemRow.statement_id == StatementRow.statement_id,
        LaneItemRow.withheld.is_(False),
    )
    return _showing(session, AcquisitionRow.sha256 == sha256, or_(StatementRow.issuer == peer, on_lane))


def keepers_of(session: Session, sha256: str) -> list[str]:
    """The issuers of the records that keep a scan here, each once, by name."""
    issuers = (
        select(RecordRow.issuer)
        .join(AcquisitionRow, AcquisitionRow.statement_id == RecordRow.statement_id)
        .where(AcquisitionRow.sha256 == sha256, keeps_its_scan())
    )
    return sorted(session.scalars(issuers.distinct()))


def is_kept(session: Session, sha256: str) -> bool:
    """Whether a record that is still here keeps the scan."""
    return bool(keepers_of(session, sha256))


def kept_scans(session: Session) -> set[str]:
    """All scans that a record keeps here."""
    kept = (
        select(AcquisitionRow.sha256)
        .join(RecordRow, RecordRow.statement_id == AcquisitionRow.statement_id)
        .where(keeps_its_scan())
    )
    return set(session.scalars(kept.distinct()))
