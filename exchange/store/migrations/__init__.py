"""Alembic migrations from each released database schema version to that of this release, and back.

A new database is made from `exchange.store.tables` and marked with SCHEMA_VERSION. A change of the tables after the
first release raises SCHEMA_VERSION and adds ``versions/version_<number>.py`` with ``revision = "<number>"``,
``down_revision``, ``contract_before`` (the newest contract version that the last release before it reads), and an
``upgrade`` and a ``downgrade`` that run on both engines: columns are changed with ``op.batch_alter_table``. A released
migration is never changed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

if TYPE_CHECKING:
    from alembic.config import Config

SCRIPTS = Path(__file__).parent / "versions"


def upgrade(connection: Connection, to: int) -> None:
    """Bring the database up to a schema version, within the transaction that the caller has begun and commits.

    Raises whatever the engine does.
    """
    from alembic import command  # imported here: a node that runs needs no Alembic

    command.upgrade(_configured(connection), str(to))


def downgrade(connection: Connection, to: int) -> None:
    """Bring the database back to an earlier schema version, as ``upgrade``. Data that only the later version has a
    place for is deleted."""
    from alembic import command

    command.downgrade(_configured(connection), str(to))


def contract_read_at(version: int) -> str:
    """The newest contract version that the last release with this database schema version reads. The schema version
    must be earlier than this release's."""
    from alembic.script import ScriptDirectory

    for script in ScriptDirectory.from_config(_configured(None)).walk_revisions():
        if script.down_revision == str(version):
            found: str = script.module.contract_before
            return found
    raise LookupError(f"no migration leads back to database schema version {version}")


def _configured(connection: Connection | None) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", _quoted(Path(__file__).parent))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", _quoted(SCRIPTS))
    config.attributes["connection"] = connection
    return config


def _quoted(path: Path) -> str:
    """A path as Alembic's settings want it, which read a per cent sign as the begin of a name."""
    return str(path).replace("%", "%%")
