"""The way from each released form of the database to the present one, by Alembic.

A new database is made from the tables themselves and marked with SCHEMA_VERSION; a test holds that against what the
migrations make. A change of the tables after a release raises SCHEMA_VERSION and brings
``versions/version_<number>.py`` with ``revision = "<number>"``, ``down_revision``, and an ``upgrade`` and a
``downgrade`` that run on both engines: columns are changed with ``op.batch_alter_table``. There is no way below form 5:
what came before needs its backup.

Three databases call themselves form 5, and form 6 takes them all. From form 6 on, what a released form has the engine
do, and its revision, never change: tests hold the digest of that. Until the release of a form
``python -m tests.exchange.store.write_form`` writes its digest anew; after it, never.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

if TYPE_CHECKING:
    from alembic.config import Config

FORMS = Path(__file__).parent / "versions"


def upgrade(connection: Connection, to: str = "head", *, forms: tuple[Path, ...] = (FORMS,)) -> None:
    """Bring the database up to a form, within the transaction that the caller has begun and commits.

    ``forms`` are the folders whose migrations there are. Raises whatever the engine does.
    """
    from alembic import command  # only here: no node needs it to run

    command.upgrade(_configured(connection, forms), to)


def downgrade(connection: Connection, to: str, *, forms: tuple[Path, ...] = (FORMS,)) -> None:
    """Bring the database back to an earlier form, as ``upgrade``. What only the later form has a place for is gone."""
    from alembic import command

    command.downgrade(_configured(connection, forms), to)


def _configured(connection: Connection, forms: tuple[Path, ...]) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", _quoted(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", _quoted(os.pathsep.join(map(str, forms))))
    config.attributes["connection"] = connection
    return config


def _quoted(value: Path | str) -> str:
    """As a file of settings wants it, which reads a per cent sign as the begin of a name."""
    return str(value).replace("%", "%%")
