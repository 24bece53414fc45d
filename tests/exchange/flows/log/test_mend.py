"""Rows that the log's tables lost: each is named, or made again from what was signed; the node goes on meanwhile."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from exchange.errors import StoreUnavailable
from exchange.flows.integrity.log_check import check_and_keep, check_log
from exchange.flows.integrity.report import Discrepancy
from exchange.flows.log.mend import mend_log
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.log.start import loss_alarms, signing_alarms
from exchange.flows.node.node import Node
from exchange.flows.operate.status import node_status, readiness
from schemas.vocabulary import Jurisdiction
from tests.exchange.flows.integrity.at_rest_world import altered, deleted
from tests.exchange.flows.network import MK, RS, Network, resting

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]

LEAVES = 11
NODES = [(level, at) for level in range(4) for at in range(LEAVES >> level)]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Network]:
    with resting(tmp_path, Jurisdiction.RS, Jurisdiction.MK) as made:
        made.share(RS, Jurisdiction.MK, count=LEAVES - 2)  # beside the card and the policy
        made.settle()
        made.round(MK, RS)
        made.round(RS, MK)
        assert made.size(RS) == LEAVES
        yield made


def execute(node: Node, statement: str) -> None:
    with closing(sqlite3.connect(node.settings.database, isolation_level=None)) as database:
        database.execute("pragma foreign_keys = off")
        assert database.execute(statement).rowcount > 0


def tree(node: Node) -> list[tuple[int, int, bytes]]:
    with closing(sqlite3.connect(node.settings.database)) as database:
        return database.execute("select level, position, hash from log_node order by level, position").fetchall()


def findings(node: Node) -> list[Discrepancy]:
    """Of these records nobody has the scans."""
    return [finding for finding in check_log(node).findings if not finding.subject.startswith("scan ")]


def alarms(node: Node) -> list[str]:
    with node.store.read() as session:
        return [*loss_alarms(session), *signing_alarms(node, session)]


def test_each_lost_hash_of_the_tree_is_named_and_made_again(pair: Network) -> None:
    rs, whole = pair.nodes[RS], tree(pair.nodes[RS])
    assert len(whole) == len(NODES)
    for level, at in NODES:
        execute(rs, f"delete from log_node where level = {level} and position = {at}")  # noqa: S608
        assert [finding.subject for finding in findings(rs)] == [f"tree level {level}, place {at}"]
        assert "lost 1 hashes" in alarms(rs)[0]
        assert "lost 1 hashes" in node_status(rs).alarms[0]
        assert mend_log(rs) == 1
        assert tree(rs) == whole
        assert (mend_log(rs), alarms(rs), findings(rs)) == (0, [], [])


def test_no_lost_hash_silences_a_node(pair: Network) -> None:
    """It meets, is read, signs and answers, as if nothing was lost."""
    rs, whole = pair.nodes[RS], tree(pair.nodes[RS])
    execute(rs, "delete from log_node")
    assert readiness(rs)["log"] == "ok"
    pair.share(RS, Jurisdiction.MK)
    execute(rs, "delete from log_node where position % 2 = 0")
    pair.settle()
    pair.round(MK, RS)
    pair.round(RS, MK)
    assert pair.cosigned(MK, RS) == pair.head(RS)
    assert len(pair.holds(MK)) == LEAVES - 1
    assert mend_log(rs) > len(whole)
    assert [row for row in tree(rs) if row in whole] == whole
    assert findings(rs) == []


def test_the_lost_size_of_the_log_is_made_again(pair: Network) -> None:
    rs = pair.nodes[RS]
    execute(rs, "delete from log_state")
    assert "log_state" in {finding.subject for finding in findings(rs)}
    assert "ffp log mend" in readiness(rs)["log"]
    with pytest.raises(StoreUnavailable, match="ffp log mend"):
        node_status(rs)
    assert mend_log(rs) == 1
    assert (pair.size(RS), findings(rs), readiness(rs)["log"]) == (LEAVES, [], "ok")
    pair.share(RS, Jurisdiction.MK)
    assert pair.size(RS) == LEAVES + 1


def test_a_lost_leaf_without_its_statement_is_named_everywhere(pair: Network) -> None:
    rs = pair.nodes[RS]
    execute(rs, f"delete from statement where issuer = '{RS}' and log_index = {LEAVES - 1}")  # noqa: S608
    assert f"log index {LEAVES - 1}" in {finding.subject for finding in findings(rs)}
    execute(rs, f"delete from log_node where level = 0 and position = {LEAVES - 1}")  # noqa: S608
    assert f"leaf {LEAVES - 1}" in readiness(rs)["log"]
    with pytest.raises(StoreUnavailable, match=f"lost leaf {LEAVES - 1}"):
        mend_log(rs)


def test_what_does_not_lead_to_the_signed_head_is_not_made_again(pair: Network) -> None:
    rs = pair.nodes[RS]
    execute(rs, "delete from log_node where level = 3")
    execute(rs, "update log_node set hash = zeroblob(32) where level = 2 and position = 0")
    before = tree(rs)
    with pytest.raises(StoreUnavailable, match="does not lead to the head"):
        mend_log(rs)
    assert tree(rs) == before


def test_no_head_is_signed_over_an_altered_tree(pair: Network) -> None:
    rs = pair.nodes[RS]
    execute(rs, "update log_node set hash = zeroblob(32) where level = 3 and position = 0")
    with pytest.raises(StoreUnavailable, match="ffp log check"):
        pair.share(RS, Jurisdiction.MK)
    assert pair.head(RS).size == LEAVES  # type: ignore[union-attr]  # it signed one


@pytest.mark.parametrize("table", ["checkpoint", "statement", "log_node", "lane", "record", "cosignature"])
def test_a_lost_row_is_named(pair: Network, table: str) -> None:
    """Of cosignatures: what one more cosigned is asked for again; so it is the head under it that is missed."""
    rs = pair.nodes[RS]
    lost = "checkpoint" if table == "cosignature" else table
    with closing(sqlite3.connect(rs.settings.database)) as database:
        (row,) = database.execute(f"select max(rowid) from {lost}").fetchone()  # noqa: S608
    with deleted(rs, lost, row):
        assert findings(rs)
    assert findings(rs) == []


def test_what_a_check_found_stays_known_until_one_finds_it_mended(pair: Network) -> None:
    rs = pair.nodes[RS]
    with closing(sqlite3.connect(rs.settings.database)) as database:
        row, name = database.execute("select rowid, statement_id from record limit 1").fetchone()
    with altered(rs, "record", "level", row, "none"):
        check_and_keep(rs)
        assert any(one.startswith(f"record {name}: ") for one in node_status(rs).altered)
    assert any(one.startswith(f"record {name}: ") for one in node_status(rs).altered), "nobody has looked since"
    check_and_keep(rs)
    assert not any(one.startswith("record ") for one in node_status(rs).altered)


def test_a_node_signs_on_after_all_this(pair: Network) -> None:
    pair.share(RS, Jurisdiction.MK)
    assert not sign_head(pair.nodes[RS]), "it is signed already"
