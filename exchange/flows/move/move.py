"""Move a node that stands still to another database: same identity, log and peers, and never two databases to serve.

A node is in one of these states, and each is told apart by what lies on the disks alone:

| settings name | the old database says | the new one says | what may be served |
|---|---|---|---|
| the old | its schema version | nothing, or `copy` | the old, once the move is given up |
| the old | `moved` | `copy` | neither, until the same command goes on |
| the old | `moved` | its schema version | neither, until the same command goes on |
| the new | `moved` | its schema version | the new |

As long as the mark `moving` lies in the home, no command opens the node, whatever the databases say. Blobs, keys and
files of the home stay where they are.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from pydantic import SecretStr

from exchange.config import Settings, load_settings
from exchange.errors import ConfigurationError, ExtraMissing, MoveUnfinished, StoreUnavailable
from exchange.flows.integrity.report import Discrepancy
from exchange.flows.move.begin import begin_move
from exchange.flows.move.fill import fill_and_leave
from exchange.flows.move.handed_over import set_database_aside, switch_settings
from exchange.flows.move.move_places import at, place_name
from exchange.flows.node.node import opened, store_of
from exchange.flows.operate.home_lock import check_user
from exchange.store.database.database_standing import DatabaseStanding, Use
from exchange.store.database.engine import Store
from exchange.store.log.statement_rows import latest_head, log_size
from exchange.store.move.copying import MoveProgress, empty_copy, hand_over
from exchange.store.move.home_mark import SQLITE, MoveMark, read_mark, refuse_unfinished_move, remove_mark
from exchange.store.node.lock import sole_server
from exchange.store.tables.schema_version import SCHEMA_VERSION
from schemas.keys import log_origin_of


def refuse_half_moved(home: Path) -> None:
    """Raises MoveUnfinished where a move is under way, with the command that goes on with it."""
    refuse_unfinished_move(home)


_AGAIN = "ffp migrate --to ..."


@dataclass
class Moved:
    """What a move did. ``findings`` of the log check that the database had before it too."""

    source: str
    target: str
    tables: int = 0
    rows: int = 0
    """That both databases have, whenever they were moved; 0 where an earlier run had compared them."""
    log_size: int = 0
    head_size: int = 0
    set_aside: Path | None = None
    """Where the file of SQLite is now, which is not served any more."""
    still_named: str | None = None
    """What the operator must change himself, since it still names the database that was left."""
    findings: list[Discrepancy] = field(default_factory=list)


def move_database(
    home: Path,
    to: SecretStr | None,
    *,
    passphrase: SecretStr | None = None,
    progress: MoveProgress = lambda _what, _done, _total: None,
) -> Moved:
    """Move a node to PostgreSQL, or with None to SQLite in its home. Killed at any point, the same once more goes on.

    1. Nobody serves the node or works on it, and nobody can from here on: the mark `moving` in the home. Before it:
       both databases are as they must be, this node may write to the other one, and there is room.
    2. The rows, table by table, in one write transaction of the old database that keeps every other writer out. Each
       batch lies in the new one together with how far it goes.
    3. Both are read again: as many rows in each table, the same digest over them, the same head, the one that was
       signed last in this home. The log of the new one is checked as by `ffp log check`, scans apart.
    4. The old database is marked as left. From the commit of 2 on no release serves it.
    5. The new one becomes the node's. 6. The settings name it. 7. A file of SQLite is set aside. 8. The mark goes.

    Raises ConfigurationError, MoveUnfinished, StoreUnavailable, PassphraseNeeded, OSError. Up to 4 the move can be
    given up (`give_up`); from there on it can only go on.
    """
    settings = load_settings(home)
    check_user(home, _AGAIN)
    with sole_server(home):
        mark, here, there = read_mark(home), place_name(settings.database_url), place_name(to)
        source, target = store_of(settings), store_of(at(settings, to))
        try:
            if mark is None:
                # 1.
                mark = begin_move(home, settings, source, target, to, passphrase)
                progress("begun", 1, 1)
            _check_same_move(mark, here, there)
            moved = Moved(mark.source, mark.target)
            if here == mark.target:
                _check_switched(target, mark)
            elif not _is_left(source, mark):
                with opened(home, passphrase=passphrase, moving=True) as node:
                    # 2. to 4.
                    filled = fill_and_leave(node, source, target, at(settings, to), mark, progress)
                moved.tables, moved.rows, moved.findings = filled.tables, filled.rows, filled.findings
                progress("old database left", 1, 1)
            # 5.
            _handed_over(target, mark)
            progress("handed over", 1, 1)
            _tell_size(target, settings, moved)
        finally:
            source.close()
            target.close()
        # 6.
        moved.still_named = switch_settings(home, to)
        progress("settings", 1, 1)
        # 7.
        if mark.source == SQLITE:
            moved.set_aside = set_database_aside(settings, mark.move)
            progress("set aside", 1, 1)
        # 8.
        remove_mark(home)
    return moved


class CopyLeft(StrEnum):
    """What became of the copy of a move that was given up."""

    REMOVED = "removed"
    NOT_REACHED = "not reached"
    """It stays there, marked so that nobody serves it."""
    NONE_THERE = "none there"
    """The other database holds something that the move did not put there: it is left as it is."""


def give_up(home: Path, to: SecretStr | None) -> CopyLeft:
    """Give up a move that has not handed the node over: it is served from its old database again. What was copied is
    removed where the other database can be had.

    Raises ConfigurationError when there is no move, or when the node was handed over; StoreUnavailable.
    """
    settings = load_settings(home)
    check_user(home, _AGAIN)
    with sole_server(home):
        mark = read_mark(home)
        if mark is None:
            raise ConfigurationError("No move of the database is under way; nothing is to be given up.")
        here = place_name(settings.database_url)
        _check_same_move(mark, here, place_name(to))
        source = store_of(settings)
        try:
            if here == mark.target or _is_left(source, mark):
                raise MoveUnfinished(
                    f"The old database was left already: this move can only go on. Next: {mark.command}. Then the node "
                    "can be moved back."
                )
        finally:
            source.close()
        left = _remove_copy(at(settings, to), mark)
        remove_mark(home)
    return left


def _check_same_move(mark: MoveMark, here: str, there: str) -> None:
    if there != mark.target:
        raise MoveUnfinished(
            f"A move to {mark.target} is under way since {mark.begun_at}; another one waits for its end. Next: "
            f"{mark.command}, or the same with --give-up."
        )
    if here not in (mark.source, mark.target):
        raise ConfigurationError(
            f"The settings name {here}; the move that is under way leads from {mark.source} to {mark.target}. Set "
            "database_url as it was: ffp config show --origin"
        )


def _check_switched(target: Store, mark: MoveMark) -> None:
    """The settings name the new database: then it is the node's already, unless somebody set them too early."""
    standing = target.standing()
    if standing != DatabaseStanding(SCHEMA_VERSION):
        raise MoveUnfinished(
            f"The settings name {mark.target} already, and that is no more than a copy ({standing or 'empty'}). Have "
            f"database_url name {mark.source} again (ffp config show --origin), and then: {mark.command}"
        )


def _is_left(source: Store, mark: MoveMark) -> bool:
    """Raises ConfigurationError when another move left it."""
    standing = source.standing()
    if standing is None or standing.use is Use.SERVED:
        return False
    if standing.move != mark.move:
        raise ConfigurationError(
            f"{mark.source} belongs to another move ({standing}), and the mark in the home to {mark.move}: two homes "
            "share a database. Nothing was changed."
        )
    return True


def _handed_over(target: Store, mark: MoveMark) -> None:
    standing = target.standing()
    if standing == DatabaseStanding(SCHEMA_VERSION):
        return
    if standing != DatabaseStanding(SCHEMA_VERSION, Use.COPY, mark.move):
        raise ConfigurationError(
            f"{mark.target} is to be the node's database, and holds something else ({standing or 'nothing'}). "
            f"{mark.source} was left, whole: nothing was lost. Serve neither, and put the right database in its place."
        )
    with target.write() as session:
        hand_over(session.connection(), mark.move)


def _tell_size(target: Store, settings: Settings, moved: Moved) -> None:
    with target.read() as session:
        head = latest_head(session, log_origin_of(settings.node_id))
        moved.log_size, moved.head_size = log_size(session), head.size if head else 0


def _remove_copy(settings: Settings, mark: MoveMark) -> CopyLeft:
    if mark.target == SQLITE and not settings.database.exists():
        return CopyLeft.REMOVED
    try:
        with closing(store_of(settings)) as target:
            if not _empty_if_copy(target, mark):
                return CopyLeft.NONE_THERE
    except (StoreUnavailable, ExtraMissing):
        return CopyLeft.NOT_REACHED
    if mark.target == SQLITE:
        for end in ("-wal", "-shm", ""):
            settings.database.with_name(settings.database.name + end).unlink(missing_ok=True)
    return CopyLeft.REMOVED


def _empty_if_copy(target: Store, mark: MoveMark) -> bool:
    """False where something else is there: another node, or what is no node at all."""
    try:
        standing = target.standing()
    except ExtraMissing:
        raise
    except ConfigurationError:  # tables of somebody else
        return False
    if standing not in (None, DatabaseStanding(SCHEMA_VERSION, Use.COPY, mark.move)):
        return False
    if mark.target != SQLITE and standing is not None:
        with target.changing() as connection:
            empty_copy(connection)
    return True
