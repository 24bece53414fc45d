"""Somebody who can write the database, and has none of the node's keys: whom the node talks to does not change, and one
altered row silences neither a lane nor what the operator is told."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from exchange.errors import ExchangeError, NotFound
from exchange.flows.integrity.log_check import check_log
from exchange.flows.keys.enrol import revoke_peer
from exchange.flows.node.node import Node, create_node, opened
from exchange.flows.operate.backup import back_up
from exchange.flows.operate.doctor.work import examine_alarms
from exchange.flows.operate.restore import Secrets, restore
from exchange.flows.operate.status import node_status
from exchange.flows.statement.sharing import share_anew
from exchange.flows.sync.progress import in_words, sync_status
from exchange.flows.sync.pull import pull
from exchange.flows.sync.serve_lane import give_mended, may_fetch, read_lane
from exchange.flows.terms.expel import expel
from exchange.store.access.user_rows import add_user
from exchange.store.database.seals import broken
from exchange.store.sync.peers import lane_of
from exchange.store.tables.peer_tables import PeerState
from exchange.web.metrics import registry_of
from schemas.lane import EMPTY_HEAD
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.flows.integrity.at_rest_world import HEAD
from tests.exchange.flows.network import AL, MK, RS, Network

pytestmark = pytest.mark.slow
HELD_BACK = {"code": "H3", "restriction": "Ask first.", "source_grade": None, "information_grade": None}


def alter(node: Node, change: str, **values: object) -> None:
    """Past the node's own software."""
    with node.store.write() as session:
        session.connection().execute(text(change), values)


def given(network: Network) -> list[str]:
    """What Serbia gives who comes as North Macedonia."""
    page = read_lane(network.nodes[RS], network.peer(RS, MK), start=0, head=EMPTY_HEAD, known_size=0, reads="1.0")
    return [item.statement_id for item in page.items if item.envelope is not None]


def stranger(network: Network) -> dict[str, object]:
    """The columns of a node with keys of its own that states North Macedonia's name."""
    home = network.folder / "stranger"
    create_node(home, jurisdiction=Jurisdiction.MK, url="http://mk.test", node_id=MK, port=9)
    with opened(home) as node:
        return {"card": node.card_envelope.raw}


def test_an_expelled_peer_gets_its_place_back_from_its_operator_alone(network: Network) -> None:
    rs = network.nodes[RS]
    expel(rs, HEAD, MK, erase=False)
    alter(rs, "update peer set state = 'enrolled' where node_id = 'ffp-mk'")
    network.record(RS, scan=b"a scan", audience=["MK", "AL"])
    network.settle()
    assert network.peer(RS, MK).state == PeerState.ALTERED
    assert given(network) == []
    assert len(network.holds(AL)) == 1, "the others are given theirs"


@pytest.mark.parametrize(
    "change",
    [
        "update peer set card = :card, key_chain = null",
        "update peer set jurisdiction = 'AL'",
        "update peer set url = 'http://elsewhere.test'",
        "update peer set legal_basis = 'Another'",
    ],
)
def test_nobody_takes_a_peers_place(network: Network, change: str) -> None:
    rs = network.nodes[RS]
    (shared,) = network.share(RS, Jurisdiction.MK)
    assert shared in given(network)
    columns = stranger(network) if "card" in change else {}
    alter(rs, f"{change} where node_id = 'ffp-mk'", **columns)
    assert given(network) == []
    before = network.peer(RS, MK).cursor_count
    network.share(MK, Jurisdiction.RS)
    assert not pull(rs, network.client(RS), MK)
    assert network.peer(RS, MK).cursor_count == before
    assert "peer ffp-mk" in {found.subject for found in check_log(rs).findings}
    with pytest.raises(ExchangeError):
        may_fetch(rs, network.peer(RS, MK), "ab" * 32)


@pytest.mark.parametrize(
    ("signed", "change"),
    [
        ({"level": "none"}, "update record set level = 'full'"),
        (
            {"audience": ["AL"]},
            "insert into record_audience (statement_id, name) select statement_id, 'MK' from record",
        ),
        ({"retention_until": "2026-01-01"}, "update record set retention_until = '2099-01-01'"),
        ({"handling": HELD_BACK}, "update record set handling = 'H0'"),
    ],
)
def test_a_record_is_given_as_it_was_signed(network: Network, signed: dict[str, object], change: str) -> None:
    rs = network.nodes[RS]
    record = network.record(RS, **({"scan": b"a scan", "audience": ["MK", "AL"]} | signed))  # type: ignore[arg-type]
    alter(rs, change)
    with rs.store.write() as session:
        share_anew(session, network.peer(RS, MK), owner=RS)
    assert record not in given(network)
    with pytest.raises(NotFound):
        may_fetch(rs, network.peer(RS, MK), hashlib.sha256(b"a scan").hexdigest())
    assert check_log(rs).findings


@pytest.mark.parametrize(
    ("change", "undo"),
    [
        ("update record set retention_until = '2099-01-01'", "update record set retention_until = '2036-12-31'"),
        ("update statement set envelope = :damaged where type = 'record'", None),
    ],
)
def test_what_is_withheld_so_makes_no_lane_grow(network: Network, change: str, undo: str | None) -> None:
    """A lane that always has news is asked again at once, and for ever."""
    rs = network.nodes[RS]
    names = set(network.share(RS, Jurisdiction.MK, count=3))
    alter(rs, change, **({"damaged": b"{damaged"} if ":damaged" in change else {}))
    counts = []
    for _ in range(4):
        network.pull(MK, RS)
        with rs.store.read() as session:
            counts.append(lane_of(session, MK).count)
    assert len(set(counts)) == 1
    if undo is not None:
        assert not network.holds(MK)
        assert give_mended(rs) == 0
        alter(rs, undo)
        assert give_mended(rs) == len(names)
        network.pull(MK, RS)
        assert network.holds(MK) == names
        assert give_mended(rs) == 0


def test_the_operator_is_told_at_once_and_ends_it(network: Network) -> None:
    rs = network.nodes[RS]
    alter(rs, "update peer set card = :card where node_id = 'ffp-mk'", card=b"{damaged")
    said = "It was not this node that wrote its row"
    assert [alarm for alarm in node_status(rs).alarms if alarm.startswith(f"ffp-mk: {said}")]
    (status,) = [one for one in sync_status(rs) if one.row.node_id == MK]
    assert status.fingerprint == ""
    assert [line for line in in_words(status) if said in line]
    assert [found for found in examine_alarms(rs) if found.subject == "peer ffp-mk" and said in found.what]
    revoke_peer(rs, MK)
    assert network.peer(RS, MK).state == PeerState.REVOKED


def test_what_was_altered_before_a_backup_is_not_sealed_by_restoring_it(network: Network, tmp_path: Path) -> None:
    rs = network.nodes[RS]
    with rs.store.write() as session:
        add_user(session, "examiner-1", Role.EXAMINER)
    alter(rs, "update \"user\" set role = 'head'")
    whole = back_up(rs.settings.home, tmp_path / "backups").folder
    home = tmp_path / "again"
    restore(whole, home, Secrets(keys=rs.settings.keys))
    with opened(home) as again, again.store.read() as session:
        assert list(broken(session)) == [("user", "examiner-1")]


@pytest.mark.sqlite
def test_a_lane_whose_row_is_lost_goes_on_and_the_operator_is_told(network: Network) -> None:
    """A server does not let it go as long as it has places."""
    rs = network.nodes[RS]
    (one,) = network.share(RS, Jurisdiction.MK)
    network.settle()
    with closing(sqlite3.connect(rs.settings.database, isolation_level=None)) as database:
        database.execute("pragma foreign_keys = off")
        database.execute("delete from lane where peer = 'ffp-mk'")
    assert "lane ffp-mk" in {found.subject for found in check_log(rs).findings}
    node_status(rs)
    sync_status(rs)
    list(registry_of(rs).collect())
    (two,) = network.share(RS, Jurisdiction.MK)
    network.settle()
    assert network.holds(MK) == {one, two}
    assert "lane ffp-mk" not in {found.subject for found in check_log(rs).findings}


def test_a_damaged_statement_holds_up_no_lane(network: Network) -> None:
    rs = network.nodes[RS]
    network.share(RS, Jurisdiction.MK)
    network.settle()
    damaged, after = network.share(RS, Jurisdiction.MK, count=2)
    alter(rs, "update statement set envelope = :with where statement_id = :name", **{"with": b"{damaged"}, name=damaged)
    node_status(rs)
    network.pull(MK, RS)
    assert after in network.holds(MK)


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "program",
    [
        "create trigger t after insert on record begin update record set level = 'full'; end",
        "create view v as select * from record",
    ],
)
def test_what_the_database_would_do_by_itself_is_named(network: Network, program: str) -> None:
    """Whatever is entered later would be altered as it is entered."""
    rs = network.nodes[RS]
    assert check_log(rs).findings == []
    alter(rs, program)
    assert [found.subject for found in check_log(rs).findings] == [" ".join(program.split()[1:3])]
