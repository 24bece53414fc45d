"""The firearms that a node holds or held."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.tables.columns import Base


class FirearmRow(Base):
    """One firearm. What its test fires say of it stands in their records as it was when each was signed; here it stands
    as it is known now, with what stays at home."""

    __tablename__ = "firearm"
    firearm_id: Mapped[str] = mapped_column(primary_key=True)
    stated: Mapped[str]
    """What the next test fire will say of it, as JSON (``schemas.Firearm``)."""
    words: Mapped[str]
    """Its id, make, model, calibre and serial number, folded: to be found by, not to be shown."""
    serial_number: Mapped[str | None]
    """It never leaves but in a disclosure."""
    remark: Mapped[str | None]
    entered_by: Mapped[str]
    entered_at: Mapped[str]
    changed_at: Mapped[str] = mapped_column(index=True)
