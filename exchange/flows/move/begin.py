"""Before a move: both databases are as they must be, and nobody works on the node. Then the mark in the home."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.config import Settings
from exchange.errors import ConfigurationError
from exchange.flows.move.handed_over import check_switch
from exchange.flows.move.move_places import at, check_room_for_copy, place_name
from exchange.flows.node.last_head import fault_between, remembered_head
from exchange.flows.node.node import Node, opened
from exchange.flows.node.worker_lease import this_machine
from exchange.log.checkpoint import Checkpoint
from exchange.store.database.database_standing import Use
from exchange.store.database.engine import Store
from exchange.store.log.statement_rows import latest_head
from exchange.store.move.home_mark import MoveMark, new_name, write_mark
from exchange.store.node import workers
from schemas.keys import log_origin_of


def begin_move(
    home: Path, settings: Settings, source: Store, target: Store, to: SecretStr | None, passphrase: SecretStr | None
) -> MoveMark:
    """Raises ConfigurationError that says what stands in the way, StoreUnavailable, PassphraseNeeded."""
    here, there = place_name(settings.database_url), place_name(to)
    if here == there:
        raise ConfigurationError(f"The node's database is {there} already; nothing is to be moved.")
    with opened(home, passphrase=passphrase) as node:
        with node.store.read() as session:
            _refuse_workers(session)
            head = latest_head(session, log_origin_of(settings.node_id))
        check_last(node, head)
    source.check_may_leave()
    check_switch(home)
    _check_empty(target, at(settings, to), there)
    if to is None:
        check_room_for_copy(source, home)
    mark = MoveMark(
        move=new_name(),
        source=here,
        target=there,
        begun_at=stamp(),
        size=head.size if head else 0,
        root=head.root.hex() if head else "",
    )
    write_mark(home, mark)
    return mark


def _refuse_workers(session: Session) -> None:
    """Those of this machine were kept out by the lock on the home; of others a lease tells, which soon ends."""
    for row in workers.alive(session):
        if row.machine != this_machine():
            raise ConfigurationError(
                f"A worker on another machine works on this node, {row.place}. Stop it, and try again half a minute "
                "later."
            )


def _check_empty(target: Store, settings: Settings, there: str) -> None:
    if settings.database_url is None:
        if settings.database.exists():
            raise ConfigurationError(f"There is a database in {settings.database} already; it is left as it is.")
        return
    target.check_may_fill()
    standing = target.standing()
    if standing is None:
        return
    what = {
        Use.SERVED: "holds a node already",
        Use.COPY: "holds the unfinished copy of another move, which may be under way",
        Use.MOVED: "is one that a node left",
    }[standing.use]
    raise ConfigurationError(
        f"{there} {what}; it is left as it is. Give the node an empty database: createdb --encoding=UTF8 "
        "--template=template0 NAME"
    )


def check_last(node: Node, head: Checkpoint | None) -> None:
    """What was signed last in this home is in the database; else it was set back, and is no one to move."""
    fault = fault_between(remembered_head(node.settings), head, node.settings)
    if fault is not None:
        raise ConfigurationError(
            f"{fault.what} Serve the node first, until ffp status says that its peers have given the log back. "
            f"{fault.next}"
        )
