"""A node is moved to PostgreSQL and back: the same rows, the same head; and never could two databases be served."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from exchange.clock import stamp
from exchange.config import load_settings
from exchange.config_files import write_secret
from exchange.errors import ConfigurationError, DatabaseMoved, MoveUnfinished, StoreUnavailable, WebhookFailed
from exchange.flows.alerts.webhooks import add_webhook, try_webhook
from exchange.flows.integrity.log_check import check_log
from exchange.flows.move.move import CopyLeft, give_up, move_database
from exchange.flows.move.move_places import at, parse_place, place_name
from exchange.flows.node.node import Node, open_node, opened, store_of
from exchange.flows.operate.doctor.examine import examine
from exchange.flows.operate.findings import Cause
from exchange.flows.operate.home_lock import served
from exchange.store.access.user_rows import add_user
from exchange.store.move.copying import content_of
from exchange.store.move.rows import moved_tables
from exchange.store.review.webhook_rows import WebhookEvent, announce_event
from exchange.store.tables.query_tables import StartedSearchRow
from exchange.store.tables.review_tables import KeptSearchRow, PairSetAsideRow, TakenWorkRow
from exchange.store.tables.terms_tables import HeldDecisionRow
from exchange.store.tables.watched import WatchedScanRow
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.databases import Postgresql, databases_fixture
from tests.exchange.flows.move.killed import moved_until
from tests.exchange.flows.network import MK, RS, Network, resting

databases = databases_fixture("postgresql")
_BEFORE_LEAVING = ["begun", "3", "40", "audit", "statement", "record, read", "statement, compared", "log checked"]
_AFTER = ["old database left", "handed over", "settings", "set aside"]
AT = stamp()
pytestmark = [pytest.mark.slow, pytest.mark.sqlite]


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    """Two nodes on SQLite that have exchanged records; the one of Serbia is closed."""
    with resting(tmp_path, Jurisdiction.RS, Jurisdiction.MK) as made:
        for node_id in (RS, MK):
            for _ in range(3):
                made.record(node_id)
        made.settle()
        made.nodes[RS].close()
        yield made


@pytest.fixture
def home(network: Network) -> Path:
    return network.nodes[RS].settings.home


def place(databases: Postgresql) -> SecretStr:
    found = parse_place(databases.new())
    assert found is not None
    return found


def rows_of(node: Node) -> dict[str, tuple[int, str]]:
    """Of each table: how many rows, and a digest over them."""
    with node.store.read() as session:
        found = {
            table.name: content_of(session.connection(), table, lambda *_: None, 0)
            for table in moved_tables()
            if table.name != "log_check"
        }
    return {name: (content.rows, content.sha256) for name, content in found.items()}


def keep_what_years_leave(node: Node) -> None:
    """A webhook that is still to be told, a kept search, a watched scan, decisions, who
    works on what, a pair that is set aside: a row of each, its secret too."""
    add_webhook(node, "http://127.0.0.1:9/ffp", ["hits"])
    with node.store.write() as session:
        announce_event(session, WebhookEvent.HITS)
        add_user(session, "i-1", Role.INVESTIGATOR)
        session.add_all(
            [
                TakenWorkRow(kind="hit", subject="d" * 64, taken_by="i-1", taken_at=AT, given_by="h-1"),
                PairSetAsideRow(
                    pseudonym="i-1",
                    exhibit_low="ffp-mk/1",
                    exhibit_high="ffp-rs/1",
                    highest=0.1 + 0.2,
                    validated=None,
                    set_aside_at=AT,
                ),
                KeptSearchRow(pseudonym="i-1", title="Лот", conditions='{"headstamp":"ППУ"}', looked_to=1, kept_at=AT),
                WatchedScanRow(
                    sha256="a" * 64, stated="b" * 64, statement_id="c" * 64, folder="/срв", name="ж.x3p", taken_at=AT
                ),
                HeldDecisionRow(
                    record="c" * 64,
                    holder=MK,
                    decision="stays",
                    reason="blocked-by-law",
                    because="Није",
                    decided_by="h-1",
                    decided_at=AT,
                ),
                StartedSearchRow(
                    record="c" * 64, triggers="border", started_at=AT, asked=1, not_allowed="", left_out=MK
                ),
            ]
        )


def test_to_postgresql_and_back(network: Network, home: Path, databases: Postgresql) -> None:
    (home / "config.toml").write_text((home / "config.toml").read_text() + "# a remark\nworkers = 1\n")
    with opened(home) as node:
        keep_what_years_leave(node)
        before, head = rows_of(node), network.head(node)
    assert before["record"][0] >= 3
    assert head is not None
    address = place(databases)
    moved = move_database(home, address)
    assert (moved.source, moved.target, moved.head_size) == ("sqlite", place_name(address), head.size)
    assert moved.rows == sum(rows for rows, _ in before.values()), "log_check had no row"
    assert moved.set_aside is not None
    assert moved.set_aside.exists()
    assert not (home / "node.db").exists()
    assert load_settings(home).database_url == address
    with opened(home) as node:
        assert (rows_of(node), network.head(node)) == (before, head)
        assert check_log(node).findings == []
        with pytest.raises(WebhookFailed, match="does not answer"):
            try_webhook(node, 1)  # its secret opens
        assert add_webhook(node, "http://127.0.0.1:9/ffp", ["hits"])[0] == 2
    network.nodes[RS] = open_node(home)
    network.record(RS)  # numbers are given behind those that were moved
    network.record(MK)
    network.settle()
    with opened(home) as node:
        before, head = rows_of(node), network.head(node)
    network.nodes[RS].close()

    back = move_database(home, None)
    assert (back.source, back.target, back.set_aside) == (place_name(address), "sqlite", None)
    assert "# a remark\nworkers = 1\n" in (home / "config.toml").read_text()
    network.nodes[RS] = open_node(home)
    assert load_settings(home).database_url is None
    assert (rows_of(network.nodes[RS]), network.head(RS)) == (before, head)
    network.record(RS)
    network.settle()
    assert check_log(network.nodes[RS]).findings == []
    assert network.evidence(MK, RS) == []


def refused(home: Path) -> None:
    """Nobody serves it, whichever of the two databases the settings name; and the sentence says what to do."""
    with pytest.raises(MoveUnfinished, match=r"ffp migrate --to '") as told:
        open_node(home)
    assert "geheim" not in str(told.value)
    causes = examine(home).causes
    assert causes[0].cause is Cause.HALF_MOVE
    assert "ffp migrate --to" in causes[0].next


def assert_one_at_most(home: Path, address: SecretStr) -> None:
    """Both databases as any process finds them that knows nothing of the mark in the home."""
    usable = []
    for place in (None, address):
        settings = at(load_settings(home), place)
        if place is None and not settings.database.exists():
            continue
        store = store_of(settings)
        try:
            store.check()
            usable.append(place_name(place))
        except (ConfigurationError, StoreUnavailable):
            pass
        finally:
            store.close()
    assert len(usable) <= 1, usable


@pytest.mark.long
@pytest.mark.parametrize("back", [False, True], ids=["to postgresql", "to sqlite"])
def test_killed_anywhere_it_goes_on(network: Network, home: Path, databases: Postgresql, back: bool) -> None:
    """Killed at each step in turn, of one and the same move: what was done stays, and never could two be served."""
    with opened(home) as node:
        before, head = rows_of(node), network.head(node)
    address = place(databases)
    if back:
        move_database(home, address)
    to = "sqlite" if back else address.get_secret_value()
    for step in (*_BEFORE_LEAVING, *(step for step in _AFTER if not (back and step == "set aside"))):
        assert moved_until(home, to, step).killed, step
        refused(home)
        assert_one_at_most(home, address)
    assert not moved_until(home, to, "never").killed
    assert_one_at_most(home, address)
    with opened(home) as node:
        assert (node.settings.database_url is None) == back
        assert (rows_of(node), network.head(node)) == (before, head)
        assert check_log(node).findings == []
    assert not (home / "moving").exists()


def test_given_up_before_the_node_is_handed_over(network: Network, home: Path, databases: Postgresql) -> None:
    address = place(databases)
    to = address.get_secret_value()
    assert moved_until(home, to, "statement, read").killed
    with pytest.raises(MoveUnfinished, match="another one waits"):
        move_database(home, place(databases))
    assert give_up(home, address) is CopyLeft.REMOVED
    with opened(home) as node:
        before = rows_of(node)
    assert moved_until(home, to, "old database left").killed, "the copy was removed: the same database is empty again"
    with pytest.raises(MoveUnfinished, match="can only go on"):
        give_up(home, address)
    move_database(home, address)
    with opened(home) as node:
        assert rows_of(node) == before
    with pytest.raises(ConfigurationError, match="No move"):
        give_up(home, address)


def test_given_up_where_something_else_is_by_now(network: Network, home: Path, databases: Postgresql) -> None:
    """Of what the move did not put there nothing is emptied, nor said to be; and the node is there again."""
    address = place(databases)
    assert moved_until(home, address.get_secret_value(), "begun").killed
    there = create_engine(address.get_secret_value(), poolclass=NullPool)
    with there.begin() as connection:
        connection.execute(text("CREATE TABLE thesis (chapter text)"))
    assert give_up(home, address) is CopyLeft.NONE_THERE
    with there.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM thesis")).scalar() == 0
    with opened(home):
        pass


def test_what_was_left_is_served_by_nobody(network: Network, home: Path, databases: Postgresql) -> None:
    """Not the file that was put back, not the database of the server under another home."""
    address = place(databases)
    first = move_database(home, address)
    assert first.set_aside is not None
    other = home.parent / "copied"
    shutil.copytree(home, other)
    (other / "secrets" / "ffp_node_database_url").unlink()
    shutil.copy(first.set_aside, other / "node.db")
    with pytest.raises(DatabaseMoved, match=f"moved to {re.escape(place_name(address))}"):
        open_node(other)
    move_database(home, None)
    write_secret("database_url", address.get_secret_value(), other)
    with pytest.raises(DatabaseMoved, match="moved to sqlite"):
        open_node(other)
    assert examine(other).causes[0].cause is Cause.DATABASE_MOVED
    with pytest.raises(ConfigurationError, match="is one that a node left"):
        move_database(home, address)


def test_who_opened_it_before_the_move_writes_no_more(network: Network, home: Path, databases: Postgresql) -> None:
    """A worker on another machine has the old database open still: what it brings is not taken."""
    address = place(databases)
    move_database(home, address)
    stale = open_node(home)
    assert moved_until(home, "sqlite", "old database left").killed
    with pytest.raises(StoreUnavailable, match="moved to another database"), stale.store.write():
        pytest.fail("it wrote")
    stale.close()
    move_database(home, None)


def test_the_environment_still_names_what_was_left(
    network: Network, home: Path, databases: Postgresql, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = place(databases)
    move_database(home, address)
    monkeypatch.setenv("FFP_NODE_DATABASE_URL", address.get_secret_value())
    moved = move_database(home, None)
    assert moved.still_named is not None
    assert moved.still_named.startswith("FFP_NODE_DATABASE_URL in the environment")
    with pytest.raises(DatabaseMoved, match="database_url"):
        open_node(home)
    monkeypatch.delenv("FFP_NODE_DATABASE_URL")
    open_node(home).close()


def test_settings_that_name_the_copy_too_early(network: Network, home: Path, databases: Postgresql) -> None:
    """An operator who helps along: the half copy is not taken for the node's database."""
    address = place(databases)
    assert moved_until(home, address.get_secret_value(), "statement").killed
    write_secret("database_url", address.get_secret_value(), home)
    with pytest.raises(MoveUnfinished, match="no more than a copy"):
        move_database(home, address)
    refused(home)
    (home / "secrets" / "ffp_node_database_url").unlink()
    move_database(home, address)
    open_node(home).close()


def test_what_stands_in_the_way_is_said_before_anything_is_written(
    network: Network, home: Path, databases: Postgresql
) -> None:
    address = place(databases)
    with served(open_node(home)), pytest.raises(ConfigurationError, match="is served by another process"):
        move_database(home, address)
    with pytest.raises(ConfigurationError, match="is sqlite already"):
        move_database(home, None)
    taken = parse_place(databases.new())
    with closing(store_of(at(load_settings(home), taken))) as store, store.write() as session:
        session.execute(text("CREATE TABLE somebodys (id int)"))
    with pytest.raises(ConfigurationError, match="not of this software, such as somebodys"):
        move_database(home, taken)
    databases.run("DROP ROLE IF EXISTS poor", "CREATE ROLE poor LOGIN")
    poor = parse_place(make_url(databases.new()).set(username="poor").render_as_string())
    with pytest.raises(ConfigurationError, match="The role poor may make no tables"):
        move_database(home, poor)
    last = (home / "last-head").read_text()
    size = last.splitlines()[1]
    (home / "last-head").write_text(last.replace(f"\n{size}\n", f"\n{int(size) + 1}\n"))
    with pytest.raises(ConfigurationError, match="it was set back"):
        move_database(home, address)
    assert not (home / "moving").exists()
    assert not (home / "secrets").exists()


def test_rows_that_somebody_changed_are_found(network: Network, home: Path, databases: Postgresql) -> None:
    """In the copy, past this software: counts alike, content not. The node stays where it is."""
    address = place(databases)
    to = address.get_secret_value()
    assert moved_until(home, to, "statement, read").killed
    with closing(store_of(at(load_settings(home), address))) as store, store.write() as session:
        session.execute(text("UPDATE record SET calibre = '6.35 mm' WHERE sequence = 1"))
    with pytest.raises(ConfigurationError, match="The table record has 3 rows"):
        move_database(home, address)
    assert give_up(home, address) is CopyLeft.REMOVED
    open_node(home).close()
