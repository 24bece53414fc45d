"""A new database and a migrated one have the same tables; a next release migrates all data, up and back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import URL, Engine, inspect, select, text
from sqlalchemy.exc import IntegrityError

from exchange.errors import ConfigurationError, OtherSchemaVersion
from exchange.store.database.engine import Store
from exchange.store.migrations import SCRIPTS, upgrade
from exchange.store.tables.columns import Base
from exchange.store.tables.schema_version import SCHEMA_VERSION, SchemaRow
from tests.exchange.databases import Databases
from tests.exchange.store.database.test_engine import argument
from tests.exchange.store.filled import data_tables, fill
from tests.exchange.store.freeze_baseline import frozen_baseline
from tests.next_release import NEXT_SCHEMA_VERSION, Release, make_next_release

StoreAt = Callable[[Path | URL], Store]


def empty(place: Path | URL, store_at: StoreAt) -> Store:
    if isinstance(place, Path):
        place.touch()
    return store_at(place)


def tables_of(database: Engine) -> dict[str, Any]:
    """Return what the engine reports about its tables, sorted."""
    looked = inspect(database)
    return {
        name: {
            "columns": {
                column["name"]: (
                    str(column["type"]),
                    getattr(column["type"], "collation", None),
                    column["nullable"],
                    column["default"],
                )
                for column in looked.get_columns(name)
            },
            "primary key": looked.get_pk_constraint(name)["constrained_columns"],
            "references": sorted(map(str, looked.get_foreign_keys(name))),
            "unique": sorted(str(one["column_names"]) for one in looked.get_unique_constraints(name)),
            "indexes": sorted(map(str, looked.get_indexes(name))),
        }
        for name in looked.get_table_names()
    }


def differences(store: Store) -> list[Any]:
    with store.read() as session:
        options = {"version_table": SchemaRow.__tablename__, "compare_type": True, "compare_server_default": True}
        return compare_metadata(MigrationContext.configure(session.connection(), opts=options), Base.metadata)


@pytest.fixture
def two_stores(databases: Databases, tmp_path: Path, store_at: StoreAt) -> tuple[Store, Store]:
    """A new database, and an empty one."""
    places = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        places.append(databases.place(tmp_path / name))
    new = store_at(places[0])
    new.create()
    return new, empty(places[1], store_at)


def test_a_new_database_and_a_migrated_one_have_the_same_tables(two_stores: tuple[Store, Store]) -> None:
    """Where this fails after 0.1.0, a table was changed without a migration; see `exchange.store.migrations`."""
    new, migrated = two_stores
    with migrated.changing() as connection:
        upgrade(connection, SCHEMA_VERSION)
    assert differences(migrated) == differences(new) == []
    assert tables_of(migrated._database.reading) == tables_of(new._database.reading)
    assert len(tables_of(new._database.reading)) == len(Base.metadata.tables)
    migrated.check()


def test_a_frozen_baseline_makes_the_same_tables(two_stores: tuple[Store, Store]) -> None:
    new, frozen = two_stores
    baseline: dict[str, Any] = {}
    exec(compile(frozen_baseline(), "version_1.py", "exec"), baseline)  # noqa: S102 - source that this test wrote
    with frozen.changing() as connection, Operations.context(MigrationContext.configure(connection)):
        SchemaRow.metadata.tables[SchemaRow.__tablename__].create(connection)
        baseline["upgrade"]()
    assert tables_of(frozen._database.reading) == tables_of(new._database.reading)


MIGRATE = """
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import make_url
from exchange.store.database.engine import Store
from exchange.store.tables.columns import Base
from exchange.store.tables.schema_version import SchemaRow

place = told["place"]
store = Store(make_url(place) if "://" in place else Path(place))
store.migrate(told["to"])
with store.read() as session:
    options = {"version_table": SchemaRow.__tablename__, "compare_type": True, "compare_server_default": True}
    context = MigrationContext.configure(session.connection(), opts=options)
    print(json.dumps([store.schema_version(), [str(found) for found in compare_metadata(context, Base.metadata)]]))
"""


def rows_of(store: Store) -> dict[str, list[str]]:
    """Return what stands in every table of this release."""
    with store.read() as session:
        return {
            table.name: sorted(str(tuple(found)) for found in session.execute(select(*table.columns)))
            for table in data_tables()
        }


@pytest.fixture
def filled(store: Store) -> Store:
    fill(store)
    return store


@pytest.mark.slow
def test_a_next_release_brings_a_database_up_and_back(filled: Store, place: Path | URL, next_release: Release) -> None:
    """A table is made anew on SQLite, with rows in it that others refer to."""
    before, tables = rows_of(filled), tables_of(filled._database.reading)
    for _ in range(2):  # the second time there is nothing to do
        found = next_release.run(MIGRATE, place=argument(place), to=NEXT_SCHEMA_VERSION)
        assert found == [NEXT_SCHEMA_VERSION, []]
    with pytest.raises(OtherSchemaVersion) as refused:
        filled.check()
    assert refused.value.newer
    assert rows_of(filled) == before
    with filled.read() as session:
        assert session.scalar(text("SELECT count(*) FROM laboratory")) == 2
    version, differing = next_release.run(MIGRATE, place=argument(place), to=SCHEMA_VERSION)
    assert (version, differing != []) == (SCHEMA_VERSION, True)
    assert differences(filled) == []
    assert tables_of(filled._database.reading) == tables
    assert rows_of(filled) == before
    filled.check()
    with pytest.raises(IntegrityError), filled.write() as session:
        session.execute(text("UPDATE record SET statement_id = 'nothing'"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "ends",
    [
        "raise RuntimeError",
        "op.execute('DELETE FROM statement')",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    ],
    ids=["of itself", "references to nothing", "killed"],
)
def test_a_migration_that_fails_leaves_all_as_it_was(
    filled: Store, place: Path | URL, tmp_path: Path, ends: str
) -> None:
    failing = make_next_release(tmp_path / "failing", upgrade_ends=ends)
    before, tables = rows_of(filled), tables_of(filled._database.reading)
    with pytest.raises(AssertionError):
        failing.run(MIGRATE, place=argument(place), to=NEXT_SCHEMA_VERSION)
    assert tables_of(filled._database.reading) == tables
    assert filled.schema_version() == SCHEMA_VERSION
    assert rows_of(filled) == before


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, "of-somebody-else"])
def test_a_schema_version_that_is_not_known(store: Store, version: int | str) -> None:
    with store.write() as session:
        session.execute(text(f"UPDATE schema_version SET version_num = '{version}'"))  # noqa: S608 - of this test
    for refuses in (store.check, store.migrate, store.schema_version):
        with pytest.raises(ConfigurationError, match=f"schema version {version}, this release needs {SCHEMA_VERSION}"):
            refuses()


@pytest.mark.slow
def test_migrations_are_in_the_package(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=root, check=True, capture_output=True, timeout=120)
    [wheel] = tmp_path.glob("*.whl")
    packed = {name for name in ZipFile(wheel).namelist() if "/migrations/" in name}
    there = {str(path.relative_to(root)) for path in SCRIPTS.parent.rglob("*.py")}
    assert packed == there
