"""What the printed sheet of a comparison says of each scan beside what its page shows: whose laboratory entered it,
under which handling code, and whether what was entered says that it is synthetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from exchange.errors import NotFound
from exchange.flows.blind.compared_sides import ComparedSide
from exchange.flows.node.node import Node
from exchange.flows.statement.sharing import record_of
from exchange.store.entry.scan_instruments import instruments_of
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


def paper_sides(node: Node, sides: Sequence[ComparedSide]) -> dict[str, PaperSide]:
    """By the digest of each scan. Raises NotFound where a record was withdrawn meanwhile."""
    with node.store.read() as session:
        instruments = instruments_of(session, [side.scan.acquisition_id for side in sides])
        return {
            side.scan.sha256: _side(session, node, side, instruments.get(side.scan.acquisition_id, ""))
            for side in sides
        }


def _side(session: Session, node: Node, side: ComparedSide, instrument: str) -> PaperSide:
    try:
        record = record_of(session, side.record.statement_id)
    except LookupError as error:
        raise NotFound("There is no such record on this node.") from error
    own = side.record.issuer == node.node_id
    return PaperSide(
        side.scan.roi,
        node.settings.laboratory if own else None,
        record.handling.code,
        record.handling.restriction,
        _is_synthetic(record, instrument),
    )


def _is_synthetic(record: Record, instrument: str) -> bool:
    return any(_SYNTHETIC in words.casefold() for words in (instrument, record.exhibit.headstamp or ""))
