"""Form 11: what the region's side needs of a node."""

from __future__ import annotations

revision = "11"
down_revision = "10"


def upgrade() -> None:
    """Empty tables."""


def downgrade() -> None:
    """Nothing of them is in other tables."""
