"""A part of form 6: the bytes of what is set aside leave the database."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

from exchange.store.tables.columns import WholeNumber, Words


def add_evidence() -> None:
    """Of what is set aside the digest and the size; the bytes were written to the home before
    (`exchange.flows.node.migrate`). Beyond a bound reasons are counted."""
    op.create_table(
        "quarantine_count",
        sa.Column("peer", Words(), primary_key=True),
        sa.Column("reason", Words(), primary_key=True),
        sa.Column("items", WholeNumber, nullable=False),
        sa.Column("unnoted", WholeNumber, nullable=False),
        sa.Column("last_at", Words(), nullable=False),
    )
    with op.batch_alter_table("quarantine") as table:
        table.add_column(sa.Column("sha256", Words()))
        table.add_column(sa.Column("size", WholeNumber, nullable=False, server_default="0"))
    _name_evidence()
    with op.batch_alter_table("quarantine") as table:
        table.alter_column("size", existing_type=WholeNumber, existing_nullable=False, server_default=None)
        table.drop_column("envelope")


def _name_evidence() -> None:
    connection = op.get_bind()
    item = sa.table("quarantine", *map(sa.column, ("peer", "position", "envelope", "sha256", "size")))
    places = connection.execute(sa.select(item.c.peer, item.c.position).where(sa.func.length(item.c.envelope) > 0))
    for peer, position in places.all():
        here = (item.c.peer == peer) & (item.c.position == position)
        envelope = connection.execute(sa.select(item.c.envelope).where(here)).scalar_one()
        named = {"sha256": hashlib.sha256(envelope).hexdigest(), "size": len(envelope)}
        connection.execute(item.update().where(here).values(**named))


def drop_evidence() -> None:
    """The bytes stay in the home alone."""
    with op.batch_alter_table("quarantine") as table:
        table.add_column(sa.Column("envelope", sa.LargeBinary(), nullable=False, server_default=""))
    with op.batch_alter_table("quarantine") as table:
        table.alter_column("envelope", existing_type=sa.LargeBinary(), existing_nullable=False, server_default=None)
        table.drop_column("size")
        table.drop_column("sha256")
    op.drop_table("quarantine_count")
