"""Made-up records that went from one node to another, in rows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from exchange.store.entry.records import AcquisitionState
from exchange.store.tables.peers import LaneItemRow, LaneRow
from exchange.store.tables.records import (
    AcquisitionRow,
    RecordDetailRow,
    RecordRow,
    ScanInstrumentRow,
    StatementRow,
)

SYNTHETIC: Final = "synthetic"
"""The word by which drawn scans and made-up exhibits tell what they are: of the instrument, or of the headstamp."""


@dataclass(frozen=True)
class TrialRecord:
    record: str
    at: str


def arrived_trial(session: Session, issuers: Collection[str]) -> TrialRecord | None:
    """The first record of these issuers that is here with all its scans, and says that it is made up."""
    awaited = select(AcquisitionRow.acquisition_id).where(
        AcquisitionRow.statement_id == RecordRow.statement_id, AcquisitionRow.state == AcquisitionState.AWAITING_SCAN
    )
    found = (
        select(StatementRow.statement_id, StatementRow.received_at)
        .join(RecordRow, RecordRow.statement_id == StatementRow.statement_id)
        .join(RecordDetailRow, RecordDetailRow.statement_id == StatementRow.statement_id)
        .where(RecordRow.issuer.in_(list(issuers)), _made_up(), StatementRow.refused_by.is_(None), ~awaited.exists())
        .order_by(StatementRow.received_at)
    )
    row = session.execute(found.limit(1)).first()
    return None if row is None else TrialRecord(row[0], row[1])


def taken_trial(session: Session, owner: str, peers: Collection[str]) -> TrialRecord | None:
    """The first own record that says that it is made up, and that one of these peers acknowledged."""
    found = (
        select(StatementRow.statement_id, LaneRow.acknowledged_at)
        .join(RecordRow, RecordRow.statement_id == StatementRow.statement_id)
        .join(RecordDetailRow, RecordDetailRow.statement_id == StatementRow.statement_id)
        .join(LaneItemRow, LaneItemRow.statement_id == StatementRow.statement_id)
        .join(LaneRow, LaneRow.peer == LaneItemRow.peer)
        .where(
            RecordRow.issuer == owner,
            _made_up(),
            LaneRow.peer.in_(list(peers)),
            LaneItemRow.withheld.is_(False),
            LaneItemRow.position < LaneRow.acknowledged_count,
        )
        .order_by(StatementRow.log_index)
    )
    row = session.execute(found.limit(1)).first()
    return None if row is None or row[1] is None else TrialRecord(row[0], row[1])


def _made_up() -> ColumnElement[bool]:
    """By what the record states, in folded columns, or by what the file of a scan says."""
    word = f"%{SYNTHETIC}%"
    measured = (
        select(ScanInstrumentRow.acquisition_id)
        .join(AcquisitionRow, AcquisitionRow.acquisition_id == ScanInstrumentRow.acquisition_id)
        .where(
            AcquisitionRow.statement_id == RecordRow.statement_id, func.lower(ScanInstrumentRow.instrument).like(word)
        )
    )
    return or_(RecordDetailRow.headstamp.like(word), RecordDetailRow.instrument.like(word), measured.exists())
