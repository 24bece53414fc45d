"""Every released form of the database, with data in it, becomes the present one; and a change that fails is none."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import URL, Engine, LargeBinary, MetaData, Table, inspect, select, text
from sqlalchemy.exc import IntegrityError

from exchange.errors import ConfigurationError
from exchange.store.database import engine
from exchange.store.database.engine import Store
from exchange.store.migrations import FORMS, upgrade
from exchange.store.tables.columns import Base
from exchange.store.tables.records import CandidateRow
from exchange.store.tables.schema_version import SCHEMA_VERSION, SchemaRow
from tests.exchange.databases import Databases
from tests.exchange.store.database.test_engine import argument
from tests.exchange.store.released import (
    FIRST,
    FOLDER,
    FORMS_5,
    RELEASES,
    changing,
    digest_of,
    digests,
    form_5,
    go_back,
    make_form_5,
)
from tests.exchange.store.write_form import of_data, row

StoreAt = Callable[[Path | URL], Store]
RELEASED = sorted(FOLDER.glob("form_*.json"))
KILLED = """
import sys
from pathlib import Path
from sqlalchemy import make_url
from exchange.store.database.engine import Store

place, *forms = sys.argv[1:]
Store(make_url(place) if "://" in place else Path(place)).migrate(forms=tuple(map(Path, forms)))
"""
NEXT = '''
"""A form that no release has: a column more, one that must not be absent any more, a table, and rows rewritten."""

import sqlalchemy as sa
from alembic import op

from exchange.store.tables.columns import Words

revision = "{number}"
down_revision = "{before}"


def upgrade():
    with op.batch_alter_table("record") as record:
        record.add_column(sa.Column("laboratory", Words(), nullable=False, server_default="unknown"))
        record.alter_column("place", existing_type=Words(), nullable=False, server_default="")
    op.create_table("laboratory", sa.Column("name", Words(), primary_key=True))
    op.execute("UPDATE record SET laboratory = issuer")
    op.execute("INSERT INTO laboratory SELECT DISTINCT laboratory FROM record")
    {last}
'''


def _empty(place: Path | URL, store_at: StoreAt) -> Store:
    if isinstance(place, Path):
        place.touch()
    return store_at(place)


def made(place: Path | URL, store_at: StoreAt, form: int) -> Store:
    """A store of a released form, as its own migration made it."""
    store = _empty(place, store_at)
    with changing(store) as connection:
        upgrade(connection, str(form))
    return store


def filled(place: Path | URL, store_at: StoreAt, dump: Path) -> tuple[Store, dict[str, list[dict[str, Any]]]]:
    """A store of the form of a dump, with its rows; and these."""
    store = made(place, store_at, int(dump.stem.removeprefix("form_")))
    rows = json.loads(dump.read_text(encoding="utf-8"))
    with changing(store) as connection:
        tables = MetaData()
        tables.reflect(connection)
        assert set(rows) == set(tables.tables) - {SchemaRow.__tablename__}, "of every table something"
        for table in tables.sorted_tables:
            if table.name in rows:
                connection.execute(table.insert(), [_stored(table, one) for one in rows[table.name]])
    return store, rows


def _stored(table: Table, one: dict[str, Any]) -> dict[str, Any]:
    binary = {column.name for column in table.columns if isinstance(column.type, LargeBinary)}
    return {name: bytes.fromhex(found) if name in binary and found else found for name, found in one.items()}


def rows_of(store: Store, table: str, names: list[str]) -> list[dict[str, Any]]:
    with store.read() as session:
        reflected = Table(table, MetaData(), autoload_with=session.connection())
        found = session.execute(select(*(reflected.columns[name] for name in names)))
        return [{name: _read(cell) for name, cell in one._mapping.items()} for one in found]


def _read(cell: Any) -> Any:
    return bytes(cell).hex() if isinstance(cell, bytes | memoryview) else cell


def form_of(database: Engine) -> dict[str, Any]:
    """Whatever the engine says of its tables, in an order of its own."""
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
def two_places(databases: Databases, tmp_path: Path) -> tuple[Path | URL, Path | URL]:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    return databases.place(tmp_path / "one"), databases.place(tmp_path / "other")


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tuple[Path, ...]]:
    """Folders of migrations with one more form, of a release that there is not."""

    def write(last: str) -> tuple[Path, ...]:
        folder = tmp_path / "100% later"
        folder.mkdir()
        migration = NEXT.format(number=SCHEMA_VERSION + 1, before=SCHEMA_VERSION, last=last)
        (folder / "form_next.py").write_text(migration, encoding="utf-8")
        monkeypatch.setattr(engine, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
        return FORMS, folder

    return write


@pytest.mark.slow
def test_a_new_database_and_a_migrated_one_have_the_same_form(
    two_places: tuple[Path | URL, Path | URL], store_at: StoreAt
) -> None:
    """Where this fails a table was changed without a migration; see `exchange.store.migrations`."""
    new, migrated = store_at(two_places[0]), made(two_places[1], store_at, FIRST)
    new.create()
    migrated.migrate()
    assert differences(migrated) == differences(new) == []
    assert form_of(migrated._database.reading) == form_of(new._database.reading)
    assert len(form_of(new._database.reading)) == len(Base.metadata.tables)
    migrated.check()


@pytest.mark.slow
@pytest.mark.parametrize("dump", RELEASED, ids=lambda dump: dump.stem)
def test_each_released_form_with_data_becomes_the_present_one(
    databases: Databases, tmp_path: Path, store_at: StoreAt, dump: Path
) -> None:
    store, rows = filled(databases.place(tmp_path), store_at, dump)
    store.migrate()
    store.migrate()  # again: nothing is to be done
    store.check()
    assert differences(store) == []
    present = {table.name: set(table.columns.keys()) for table in of_data(Base.metadata)}
    for table, told in rows.items():
        names = [name for name in told[0] if name in present.get(table, ())]
        kept = rows_of(store, table, names)
        assert sorted(map(str, kept)) == sorted(str({name: one[name] for name in names}) for one in told), table


@pytest.mark.parametrize(("engine_name", "release"), FORMS_5)
def test_form_5_is_what_each_release_ran(engine_name: str, release: str) -> None:
    """A form that is released stays as it is."""
    found = hashlib.sha256(form_5(engine_name, release).encode()).hexdigest()
    assert found == FORMS_5[engine_name, release]


@pytest.mark.slow
@pytest.mark.parametrize("form", range(FIRST, SCHEMA_VERSION + 1))
def test_a_form_has_the_engine_do_what_it_always_did(
    databases: Databases, tmp_path: Path, store_at: StoreAt, form: int
) -> None:
    """Its SQL and its revision id, by their digest. Only of a form that no release has yet it is written anew:
    python -m tests.exchange.store.write_form"""
    assert digest_of(_empty(databases.place(tmp_path), store_at), form) == digests()[str(form)][databases.name]


@pytest.mark.slow
@pytest.mark.parametrize("release", RELEASES)
def test_each_database_that_calls_itself_form_5_becomes_the_present_one_and_goes_back(
    two_places: tuple[Path | URL, Path | URL], store_at: StoreAt, release: str
) -> None:
    store, last = (_empty(place, store_at) for place in two_places)
    make_form_5(store, release)
    rows = json.loads((FOLDER / "form_5.json").read_text(encoding="utf-8"))
    explained = {one["candidate_id"]: f'{{"cells": {one["candidate_id"]}}}' for one in rows["candidate"]}
    with changing(store) as connection:
        tables = MetaData()
        tables.reflect(connection)
        packed = isinstance(tables.tables["candidate"].columns["comparison"].type, LargeBinary)
        for table in tables.sorted_tables:
            for one in rows.get(table.name, []):
                if table.name == "candidate":
                    text_of = explained[one["candidate_id"]].encode()
                    one = one | {"comparison": zlib.compress(text_of).hex() if packed else text_of.decode()}
                told = {name: one[name] for name in one if name in table.columns}
                connection.execute(table.insert(), _stored(table, told))
    store.migrate()
    assert differences(store) == []
    with store.read() as session:
        assert dict(session.execute(select(CandidateRow.candidate_id, CandidateRow.comparison)).all()) == explained
    go_back(store, FIRST)
    assert store.form() == FIRST
    make_form_5(last, "last")
    assert form_of(store._database.reading) == form_of(last._database.reading)
    assert len(rows_of(store, "candidate", ["candidate_id"])) == len(explained)
    store.migrate()
    assert differences(store) == []


def test_of_every_form_there_is_a_dump() -> None:
    assert f"form_{SCHEMA_VERSION}" in {dump.stem for dump in RELEASED}
    newest = json.loads((FOLDER / f"form_{SCHEMA_VERSION}.json").read_text(encoding="utf-8"))
    assert newest == json.loads(
        json.dumps({table.name: [row(table, 1), row(table, 2)] for table in of_data(Base.metadata)}, default=bytes.hex)
    ), "python -m tests.exchange.store.write_form"


def test_a_later_form_with_data(
    databases: Databases, tmp_path: Path, store_at: StoreAt, later: Callable[[str], tuple[Path, ...]]
) -> None:
    """What the next release will do: tables are made anew, with rows in them that others refer to."""
    store, rows = filled(databases.place(tmp_path), store_at, FOLDER / f"form_{SCHEMA_VERSION}.json")
    with store.write() as session:
        session.execute(text("UPDATE record SET place = '' WHERE place IS NULL"))
    forms = later("")
    with pytest.raises(ConfigurationError, match="run: ffp migrate"):
        store.check()
    store.migrate(forms=forms)
    store.check()
    kept = rows_of(store, "record", ["statement_id", "laboratory", "issuer"])
    assert {one["statement_id"] for one in kept} == {one["statement_id"] for one in rows["record"]}
    assert all(one["laboratory"] == one["issuer"] for one in kept)
    assert len(rows_of(store, "laboratory", ["name"])) == 2
    assert len(rows_of(store, "record_audience", ["name"])) == 2, "what refers to a table that was made anew"
    with pytest.raises(IntegrityError), store.write() as session:
        session.execute(text("UPDATE record SET statement_id = 'nothing'"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "fails", ["raise RuntimeError", "op.execute('DELETE FROM statement')"], ids=["of itself", "references to nothing"]
)
def test_a_migration_that_fails_leaves_all_as_it_was(
    databases: Databases, tmp_path: Path, store_at: StoreAt, later: Callable[[str], tuple[Path, ...]], fails: str
) -> None:
    store, rows = filled(databases.place(tmp_path), store_at, FOLDER / f"form_{SCHEMA_VERSION}.json")
    with store.write() as session:
        session.execute(text("UPDATE record SET place = '' WHERE place IS NULL"))
    before = form_of(store._database.reading)
    with pytest.raises((RuntimeError, ConfigurationError, IntegrityError)):
        store.migrate(forms=later(fails))
    assert form_of(store._database.reading) == before
    assert store.form() == SCHEMA_VERSION
    assert len(rows_of(store, "statement", ["statement_id"])) == len(rows["statement"])


@pytest.mark.slow
def test_a_migration_that_is_killed_leaves_all_as_it_was(
    databases: Databases, tmp_path: Path, store_at: StoreAt, later: Callable[[str], tuple[Path, ...]]
) -> None:
    place = databases.place(tmp_path)
    store, rows = filled(place, store_at, FOLDER / f"form_{SCHEMA_VERSION}.json")
    with store.write() as session:
        session.execute(text("UPDATE record SET place = '' WHERE place IS NULL"))
    before = form_of(store._database.reading)
    forms = later("import sys; print('all but committed', flush=True); sys.stdin.read()")
    command = [sys.executable, "-c", KILLED, argument(place), *map(str, forms)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        assert other.stdout.readline() == "all but committed\n"
        other.kill()
    assert form_of(store._database.reading) == before
    assert store.form() == SCHEMA_VERSION
    assert len(rows_of(store, "record", ["place"])) == len(rows["record"])


@pytest.mark.parametrize("form", [SCHEMA_VERSION + 1, "of-somebody-else"])
def test_a_form_that_is_not_known(store: Store, form: int | str) -> None:
    with store.write() as session:
        session.execute(text(f"UPDATE schema_version SET version_num = '{form}'"))  # noqa: S608 - of this test
    for refuses in (store.check, store.migrate, store.form):
        with pytest.raises(ConfigurationError, match=f"has form {form}, this release needs {SCHEMA_VERSION}: install"):
            refuses()


@pytest.mark.slow
def test_migrations_are_in_the_package(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=root, check=True, capture_output=True, timeout=120)
    [wheel] = tmp_path.glob("*.whl")
    packed = {name for name in ZipFile(wheel).namelist() if "/migrations/" in name}
    there = {str(path.relative_to(root)) for path in FORMS.parent.rglob("*") if path.suffix in (".py", ".sql")}
    assert packed == there
