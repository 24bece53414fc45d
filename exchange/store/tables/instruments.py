"""Checks of instruments: each scan of a reference specimen, what came of it, and the first one that it is held
against."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.tables.columns import Base


class InstrumentCheckRow(Base):
    """One scan of a reference specimen. Local, unsigned, sealed; never changed, never erased.

    ``document`` says all of it as JSON: instrument, specimen, scan, figures with their uncertainties, limits, result,
    and the digest of the check before it on this node, so that one which is taken out is missed. ``sha256`` is its
    digest, which a signed record names. The other columns are what is asked for.
    """

    __tablename__ = "instrument_check"
    check_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    instrument: Mapped[str]
    """Maker, model and serial number, folded, so that one device is one however it is typed."""
    software: Mapped[str]
    """Folded likewise; empty where nobody stated it."""
    specimen: Mapped[str]
    """As it was typed first."""
    specimen_key: Mapped[str]
    """The same, folded."""
    reference: Mapped[int | None]
    """The check whose scan it was held against: the first of its series. None of a first one itself."""
    at: Mapped[str]
    outcome: Mapped[str]
    document: Mapped[str]
    sha256: Mapped[str]
    seal: Mapped[bytes | None]
    """Over all of this but its number (``store/database/seals.py``)."""
    __table_args__ = (
        Index("instrument_check_by_instrument", "instrument", "specimen_key"),
        {"sqlite_autoincrement": True},
    )


class InstrumentReferenceRow(Base):
    """The heights around the mark of the first scan of a series, as ``matcher.instrument.reference_map`` packs them: a
    few hundred kilobytes, 8 MB at most. The document of its check has their digest."""

    __tablename__ = "instrument_reference"
    check_id: Mapped[int] = mapped_column(ForeignKey("instrument_check.check_id"), primary_key=True)
    heights: Mapped[bytes]
    seal: Mapped[bytes | None]
    """Over the heights."""
