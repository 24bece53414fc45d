"""Fill the new database, compare it with the old one, check its log, and leave the old one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sqlalchemy import Connection

from exchange.config import Settings
from exchange.errors import ConfigurationError
from exchange.flows.integrity.log_check import check_log
from exchange.flows.integrity.report import Discrepancy, LogCheck
from exchange.flows.move.begin import check_last
from exchange.flows.node.node import Node
from exchange.store.database.database_standing import DatabaseStanding, Use
from exchange.store.database.engine import Store
from exchange.store.database.seals import derived_key
from exchange.store.log.statement_rows import latest_head, log_size
from exchange.store.move.copying import (
    OF_THE_COPY,
    MoveProgress,
    content_of,
    copy_table,
    highest_number,
    mark_left,
    set_counter,
)
from exchange.store.move.home_mark import SQLITE, MoveMark
from exchange.store.move.rows import MovedTable, moved_tables
from exchange.store.tables.schema_version import SCHEMA_VERSION

_ANEW: Final = "The node stays where it is; give the move up, and begin it anew: {0.command} --give-up"


@dataclass(frozen=True)
class Filled:
    """How much was compared, and which findings of the log check the database had before too."""

    tables: int = 0
    rows: int = 0
    findings: list[Discrepancy] = field(default_factory=list)


def fill_and_leave(
    node: Node, source: Store, target: Store, settings: Settings, mark: MoveMark, progress: MoveProgress
) -> Filled:
    """Move the rows of ``source``, that of the opened ``node``, to ``target``, that of these ``settings``. The old
    database is left when this returns, and not before.

    Raises ConfigurationError when the two differ in the end, StoreUnavailable, StoreDamaged.
    """
    with target.alone(), source.changing() as old:
        _make_copy(target, settings, mark)
        tables = moved_tables()
        for table in tables:
            copy_table(old, target, table, progress)
        rows = sum(_compare(old, target, table, mark, progress) for table in tables)
        _compare_heads(target, node, mark)
        _set_counters(old, target, tables)
        check = _checked(node, target, progress)
        mark_left(old, mark.move, mark.target)
    return Filled(len(tables), rows, check.findings)


def _make_copy(target: Store, settings: Settings, mark: MoveMark) -> None:
    there = mark.target != SQLITE or settings.database.exists()
    standing = target.standing() if there else None
    if standing is None:
        target.begin_copy(mark.move, OF_THE_COPY)
    elif standing != DatabaseStanding(SCHEMA_VERSION, Use.COPY, mark.move):
        raise ConfigurationError(
            f"{mark.target} holds something else by now ({standing}); it is left as it is. Give the move up, and begin "
            f"it anew with an empty database: {mark.command} --give-up"
        )


def _compare(old: Connection, target: Store, table: MovedTable, mark: MoveMark, progress: MoveProgress) -> int:
    """Returns how many rows both have."""
    there = table.count(old)
    before = content_of(old, table, lambda name, done, of: progress(f"{name}, read", done, of), there)
    with target.read() as session:
        new = session.connection()
        after = content_of(new, table, lambda name, done, of: progress(f"{name}, compared", done, of), there)
    if before != after:
        raise ConfigurationError(
            f"The table {table.name} has {before.rows} rows (SHA-256 {before.sha256[:16]}) in {mark.source} and "
            f"{after.rows} ({after.sha256[:16]}) in {mark.target}: somebody wrote to one of them. {_ANEW.format(mark)}"
        )
    return after.rows


def _compare_heads(target: Store, node: Node, mark: MoveMark) -> None:
    with target.read() as session:
        head, size = latest_head(session, node.card.log_origin), log_size(session)
    check_last(node, head)
    if (mark.size, mark.root) != ((head.size, head.root.hex()) if head else (0, "")) or size < mark.size:
        raise ConfigurationError(
            f"A head was signed since the move began: it had size {mark.size}, and now {head.size if head else 0}. "
            f"{_ANEW.format(mark)}"
        )


def _set_counters(old: Connection, target: Store, tables: Sequence[MovedTable]) -> None:
    numbers = [(table, highest_number(old, table)) for table in tables]
    with target.write() as session:
        new = session.connection()
        for table, highest in numbers:
            set_counter(new, table, highest)
        if new.dialect.name == "postgresql":
            new.exec_driver_sql("ANALYZE")  # else it finds its rows slowly until its first vacuum


def _checked(node: Node, target: Store, progress: MoveProgress) -> LogCheck:
    """What is found must have been so before; a move mends nothing, and damages nothing."""
    target.seal_with(derived_key(node.keys.nonce_secret))
    found = check_log(replace(node, store=target), progress, fetch=False, scans_too=False)
    progress("log checked", 1, 1)
    if found.good:
        return found
    before = check_log(node, progress, fetch=False, scans_too=False)
    new = [finding for finding in found.findings if finding not in before.findings]
    if new or found.unnamed != before.unnamed:
        first = new[0] if new else found.findings[0]
        raise ConfigurationError(
            f"In the copy not all is what was signed, and it was before: {first.subject}: {first.what} The node stays "
            "where it is; give the move up."
        )
    return found
