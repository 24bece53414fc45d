"""What the printed sheet of a comparison says of each scan beside what its page shows: whose laboratory entered it,
under which handling code, and whether what was entered says that it is synthetic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from exchange.errors import NotFound
from exchange.flows.node.node import Node
from exchange.flows.statement.sharing import record_of
from exchange.store.entry.scan_instruments import instruments_of
from exchange.store.tables.records import AcquisitionRow, RecordRow
from schemas import Record
from schemas.vocabulary import HandlingCode

_SYNTHETIC: Final = "synthetic"
"""The word by which drawn scans and made-up exhibits tell what they are: of the instrument, or of the headstamp."""


@dataclass(frozen=True)
class PaperSide:
    """``laboratory``: None where this node does not know it, since no statement has it; ``restriction``: that of H3, in
    words."""

    roi: str
    laboratory: str | None
    handling: HandlingCode
    restriction: str | None
    synthetic: bool


def paper_sides(node: Node, *shown: tuple[RecordRow, AcquisitionRow]) -> dict[str, PaperSide]:
    """By the digest of each scan. Raises NotFound where a record was withdrawn meanwhile."""
    with node.store.read() as session:
        instruments = instruments_of(session, [scan.acquisition_id for _, scan in shown])
        return {
            scan.sha256: _side(session, node, row, scan, instruments.get(scan.acquisition_id, ""))
            for row, scan in shown
        }


def _side(session: Session, node: Node, row: RecordRow, scan: AcquisitionRow, instrument: str) -> PaperSide:
    try:
        record = record_of(session, row.statement_id)
    except LookupError as error:
        raise NotFound("There is no such record on this node.") from error
    own = row.issuer == node.node_id
    return PaperSide(
        scan.roi,
        node.settings.laboratory if own else None,
        record.handling.code,
        record.handling.restriction,
        _is_synthetic(record, instrument),
    )


def _is_synthetic(record: Record, instrument: str) -> bool:
    return any(_SYNTHETIC in words.casefold() for words in (instrument, record.exhibit.headstamp or ""))
