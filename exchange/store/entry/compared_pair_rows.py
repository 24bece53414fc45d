"""Which calibres were compared with one another, and the scans to compare anew where more of them became comparable."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeAlias

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from exchange.store.entry.record_rows import AcquisitionState, is_current
from exchange.store.tables.record_tables import AcquisitionRow, ComparedPairRow, RecordRow

ComparedPair: TypeAlias = tuple[str, str]
"""Two designations in their alphabetical order."""


def compared_pairs(session: Session) -> set[ComparedPair]:
    rows = session.execute(select(ComparedPairRow.one, ComparedPairRow.other))
    return {(one, other) for one, other in rows}


def keep_compared_pairs(session: Session, pairs: Collection[ComparedPair]) -> None:
    """These, and no others: a pair that is taken away and comes again is compared anew."""
    session.execute(delete(ComparedPairRow))
    if pairs:
        session.execute(insert(ComparedPairRow), [{"one": one, "other": other} for one, other in sorted(pairs)])


def correlated_by_calibre(session: Session) -> dict[str, int]:
    """How many scans of current records are correlated, by calibre."""
    rows = session.execute(
        select(AcquisitionRow.calibre, func.count())
        .join(RecordRow, RecordRow.statement_id == AcquisitionRow.statement_id)
        .where(AcquisitionRow.state == AcquisitionState.CORRELATED, is_current())
        .group_by(AcquisitionRow.calibre)
    )
    return {row[0]: row[1] for row in rows}


def correlated_of(session: Session, calibres: Collection[str]) -> Sequence[AcquisitionRow]:
    """The correlated scans of current records of these calibres."""
    return session.scalars(
        select(AcquisitionRow)
        .join(RecordRow, RecordRow.statement_id == AcquisitionRow.statement_id)
        .where(AcquisitionRow.state == AcquisitionState.CORRELATED, AcquisitionRow.calibre.in_(calibres), is_current())
        .order_by(AcquisitionRow.acquisition_id)
    ).all()
