"""A part of form 6: rows that let somebody in, or give something away, are sealed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from exchange.store.tables.columns import Words

_SEALED = ("user", "token", "sign_in", "sign_in_session", "peer", "acquisition")
_NUMBERED = {"acquisition": {"sqlite_autoincrement": True}}


def add_seals() -> None:
    """They are sealed, and which policy is in force is noted, when the node is first opened, which has the key."""
    for table in _SEALED:
        op.add_column(table, sa.Column("seal", sa.LargeBinary()))
    op.create_table(
        "policy_in_force",
        sa.Column("owner", Words(), primary_key=True),
        sa.Column("statement_id", Words()),
        sa.Column("seal", sa.LargeBinary()),
    )


def drop_seals() -> None:
    op.drop_table("policy_in_force")
    for name in _SEALED:
        with op.batch_alter_table(name, table_kwargs=_NUMBERED.get(name, {})) as table:
            table.drop_column("seal")
