"""Rows are read in the order of their keys, few at a time, as they lie in the database."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from exchange.errors import DatabaseMoved, MoveUnfinished, StoreDamaged, StoreUnavailable
from exchange.store.database.database_standing import DatabaseStanding, Use, parse_standing
from exchange.store.database.engine import Store
from exchange.store.move import rows
from exchange.store.move.copying import OF_THE_COPY, copy_table, hand_over, highest_number, mark_left, set_counter
from exchange.store.move.rows import MovedTable, add_to, moved_tables
from exchange.store.tables.columns import Base
from exchange.store.tables.log import LogNodeRow
from exchange.store.tables.record_tables import StatementRow
from exchange.store.tables.schema_version import SCHEMA_VERSION

pytestmark = pytest.mark.sqlite
MOVE = "0123456789abcdef"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path / "node.db")) as made:
        made.create()
        yield made


def table(name: str) -> MovedTable:
    return next(one for one in moved_tables() if one.name == name)


def add_hashes(store: Store, count: int) -> None:
    with store.write() as session:
        for level in (0, 1):
            session.add_all(LogNodeRow(level=level, position=place, hash=bytes(32)) for place in range(count))


def test_every_table_of_content_is_moved() -> None:
    of_one_place = {"schema_version", "serving", "worker"}
    assert {one.name for one in moved_tables()} == Base.metadata.tables.keys() - of_one_place


def test_keys_of_two_columns_a_few_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    add_hashes(store, 5)
    monkeypatch.setattr(rows, "ROWS_A_TIME", 3)
    nodes = table("log_node")
    with store.read() as session:
        batches = list(nodes.batches(session.connection()))
        assert [len(batch) for batch in batches] == [3, 3, 3, 1]
        keys = [nodes.key_of(row) for batch in batches for row in batch]
        assert keys == [(level, place) for level in (0, 1) for place in range(5)]
        behind = [nodes.key_of(row) for batch in nodes.batches(session.connection(), (0, 3)) for row in batch]
    assert behind == keys[4:]


def test_no_more_bytes_at_a_time_than_fit(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "BYTES_A_TIME", 1000)
    with store.write() as session:
        for number, size in enumerate((400, 400, 5000, 10, 10)):
            session.add(_statement(number, b"x" * size))
    with store.read() as session:
        batches = list(table("statement").batches(session.connection()))
    assert [len(batch) for batch in batches] == [2, 1, 2], "one that is larger comes alone"


def _statement(number: int, envelope: bytes, kind: str = "record") -> StatementRow:
    name = f"{number:064x}"
    return StatementRow(
        statement_id=name, type=kind, issuer="ffp-rs", envelope=envelope, leaf=b"", log_index=number, received_at="now"
    )


def test_an_early_release_let_a_nul_through(store: Store) -> None:
    with store.write() as session:
        session.add(_statement(1, b"\0"))
        session.execute(text("UPDATE statement SET received_at = 'a' || char(0) || 'b'"))
    with store.read() as session:
        ((row,),) = table("statement").batches(session.connection())
    assert "a\N{REPLACEMENT CHARACTER}b" in row
    assert b"\0" in row, "bytes stay what they are"


def test_another_type_than_the_columns_is_told(store: Store) -> None:
    with store.write() as session:
        session.add(_statement(1, b""))
        session.execute(text("UPDATE statement SET log_index = 'seven'"))
    with store.read() as session, pytest.raises(StoreDamaged, match="column log_index holds str in place of int"):
        list(table("statement").batches(session.connection()))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a", "bc"), ("ab", "c")),
        ((1,), (True,)),
        ((1,), (1.0,)),
        ((b"1",), ("1",)),
        ((None, ""), ("", None)),
        ((0.0,), (-0.0,)),
        ((11, 1), (1, 11)),
    ],
)
def test_rows_that_differ_have_other_digests(one: tuple[object, ...], other: tuple[object, ...]) -> None:
    digests = []
    for row in (one, other):
        digest = hashlib.sha256()
        add_to(digest, row)
        digests.append(digest.hexdigest())
    assert digests[0] != digests[1]


def test_what_stands_in_the_place_of_the_form() -> None:
    for standing in (DatabaseStanding(7), DatabaseStanding(7, Use.COPY, MOVE), DatabaseStanding(7, Use.MOVED, MOVE)):
        assert parse_standing(str(standing)) == standing
        assert len(str(standing)) <= 32, "so wide is the column"
    for text_ in ("", "seven", "copy-7", f"copy-7-{MOVE.upper()}", f"left-7-{MOVE}", f"moved-7-{MOVE}\n"):
        assert parse_standing(text_) is None


@pytest.mark.slow
def test_a_copy_and_what_was_left_are_served_by_nobody(store: Store, tmp_path: Path) -> None:
    """Also not by an earlier release: to it the form is no number. A process that had it open writes no more."""
    add_hashes(store, 2)
    store.check()
    (tmp_path / "other").mkdir()
    with closing(Store(tmp_path / "other" / "node.db")) as copy:
        copy.begin_copy(MOVE, OF_THE_COPY)
        with pytest.raises(MoveUnfinished, match="unfinished copy"):
            copy.check()
        with store.changing() as old:
            assert copy_table(old, copy, table("log_node"), lambda *_: None) == 4
            assert copy_table(old, copy, table("log_node"), lambda *_: None) == 0, "nothing twice"
            mark_left(old, MOVE, "elsewhere")
        with pytest.raises(DatabaseMoved, match="moved to elsewhere"):
            store.check()
        with pytest.raises(StoreUnavailable, match="moved to another database"), store.write():
            pytest.fail("it wrote")
        with copy.write() as session:
            hand_over(session.connection(), MOVE)
        assert copy.schema_version() == SCHEMA_VERSION


def test_numbers_are_not_given_twice(store: Store) -> None:
    """Of a table that remembers its highest number, also when its last row is gone."""
    objects, jobs = table("stored_object"), table("job")
    with store.write() as session:
        connection = session.connection()
        set_counter(connection, objects, 41)
        assert highest_number(connection, objects) == 41
        connection.execute(insert(objects.plain), {"sha256": "0" * 64, "size": 1})
        assert highest_number(connection, objects) == 42
        assert highest_number(connection, jobs) == 0
        assert highest_number(connection, table("statement")) == 0
