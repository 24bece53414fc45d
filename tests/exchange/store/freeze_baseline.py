"""Write the baseline migration out as the tables are now, so that later changes of the tables leave it alone:

    python -m tests.exchange.store.freeze_baseline

Run it once, when 0.1.0 is released. The tests of migrations freeze the baseline of a made-up next release with it.
"""

from __future__ import annotations

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.autogenerate.api import AutogenContext
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from exchange.store.migrations import SCRIPTS
from exchange.store.tables.columns import Base, Packed, WholeNumber, Words
from exchange.store.tables.schema_version import SchemaRow

_BASELINE = '''"""The first database schema version. It is released: it is never changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from exchange.store.tables.columns import Packed, WholeNumber, Words

revision = "1"
down_revision = None


def upgrade() -> None:
{body}
'''


def frozen_baseline() -> str:
    """Return the source of a ``version_1.py`` that makes the tables as they are declared now."""
    engine = create_engine("sqlite://")
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(connection)
            made = produce_migrations(context, Base.metadata).upgrade_ops
            made.ops = [op for op in made.ops if getattr(op, "table_name", None) != SchemaRow.__tablename__]
            body = render_python_code(made, render_item=_render_type, migration_context=context)
    finally:
        engine.dispose()
    commands = [line for line in f"    {body}".splitlines() if "# ###" not in line]
    return _BASELINE.format(body="\n".join(commands))


def _render_type(kind: str, item: object, _context: AutogenContext) -> str | bool:
    if kind != "type":
        return False
    if item is WholeNumber:
        return "WholeNumber"
    return f"{type(item).__name__}()" if isinstance(item, Words | Packed) else False


if __name__ == "__main__":
    (SCRIPTS / "version_1.py").write_text(frozen_baseline(), encoding="utf-8")
