"""The tables of mirrors and rebuilds: what a witness keeps to give it back, and how far a node that was set back is."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.tables.columns import Base


class MirrorTileRow(Base):
    """256 neighbouring leaf hashes of a peer's log that this node witnesses (C2SP tlog-tiles, level 0), as far as they
    lead to a head that it verified."""

    __tablename__ = "mirror_tile"
    log: Mapped[str] = mapped_column(ForeignKey("peer.node_id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    top: Mapped[bytes | None]
    """The hash over a full tile, verified; None while the tile is not full."""
    hashes: Mapped[bytes | None]
    """None while a full tile was not fetched yet."""


class ReceivedPlaceRow(Base):
    """A place of a peer's lane as this node read it: what the peer needs to lay the lane again after a restore."""

    __tablename__ = "received_place"
    peer: Mapped[str] = mapped_column(ForeignKey("peer.node_id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    statement_id: Mapped[str]
    log_index: Mapped[int]
    withheld: Mapped[bool]
    __table_args__ = (Index("received_place_by_statement", "peer", "statement_id"),)


class ReturnedHeadRow(Base):
    """A head that the own log signed, that a peer cosigned and returned since the start, and that this database does
    not reach: the log was set back."""

    __tablename__ = "returned_head"
    peer: Mapped[str] = mapped_column(ForeignKey("peer.node_id"), primary_key=True)
    size: Mapped[int]
    root: Mapped[bytes]
    note: Mapped[bytes]


class RebuildSourceRow(Base):
    """A peer that is still to give back what it holds of this node's own: its statements, then its lane."""

    __tablename__ = "rebuild_source"
    peer: Mapped[str] = mapped_column(ForeignKey("peer.node_id"), primary_key=True)
    next_index: Mapped[int] = mapped_column(default=0)
    tried: Mapped[bool] = mapped_column(default=False)


class LostRow(Base):
    """A leaf of the own log whose statement is lost: peers gave its hash back, and nobody the statement."""

    __tablename__ = "lost"
    log_index: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    leaf: Mapped[bytes]
    found_at: Mapped[str]
