"""The first released form (0.1.0): all its tables, as each engine was given them, whatever the classes say later."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "5"
down_revision = None


def upgrade() -> None:
    engine = op.get_bind().dialect.name
    statements = Path(__file__).with_name(f"version_5.{engine}.sql").read_text(encoding="utf-8")
    for statement in filter(None, map(str.strip, statements.split(";\n"))):
        op.execute(statement)
