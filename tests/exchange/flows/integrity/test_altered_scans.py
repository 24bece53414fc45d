"""Somebody who can write the database would have this node seal that a peer delivered a scan, or answer with it."""

from __future__ import annotations

import hashlib

import pytest
from sqlalchemy import select

from exchange.errors import NotFound, PeerMisbehaved, StoreUnavailable
from exchange.flows.query import answer as answer_query
from exchange.flows.sync import fetch
from exchange.flows.sync.fetch import fetch_scan
from exchange.flows.sync.serve_lane import may_fetch
from exchange.store.database.seals import broken
from exchange.store.tables.record_tables import AcquisitionRow
from tests.exchange.flows.integrity.test_altered_rows import alter
from tests.exchange.flows.integrity.test_altered_terms import SECRET, SHA256, secret
from tests.exchange.flows.network import MK, RS, Network
from tests.schemas.examples import acquisition_fields

pytestmark = pytest.mark.slow
MINE = b"a scan of the peer's own"


def acquisitions(network: Network, record: str) -> dict[str, int]:
    """By digest."""
    with network.nodes[RS].store.read() as session:
        rows = session.scalars(select(AcquisitionRow).where(AcquisitionRow.statement_id == record))
        return {row.sha256: row.acquisition_id for row in rows}


def is_given(network: Network) -> bool:
    try:
        return bool(may_fetch(network.nodes[RS], network.peer(RS, MK), SHA256))
    except NotFound:
        return False


def test_a_peers_record_is_not_fetched_as_if_it_were_this_nodes_own(network: Network) -> None:
    """The bytes are here, by a record of this node's; the peer names them and is away."""
    rs = network.nodes[RS]
    secret(network)
    named = network.record(MK, scan=SECRET, audience=["RS"])
    network.pull(RS, MK)
    network.parted.add(frozenset((RS, MK)))
    alter(rs, "update record set issuer = 'ffp-rs' where statement_id = :named", named=named)
    with pytest.raises(PeerMisbehaved):
        fetch_scan(rs, network.client(RS), acquisitions(network, named)[SHA256])
    alter(rs, "update record set issuer = 'ffp-mk' where statement_id = :named", named=named)
    assert not is_given(network)


def test_what_a_row_names_since_the_fetch_began_was_not_delivered(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    rs = network.nodes[RS]
    secret(network)
    blobs = [
        {"sha256": hashlib.sha256(scan).hexdigest(), "size": len(scan), "media_type": "application/x-x3p"}
        for scan in (SECRET, MINE)
    ]
    named = network.record(
        MK, scan=MINE, audience=["RS"], acquisitions=[acquisition_fields(blob=blob) for blob in blobs]
    )
    network.pull(RS, MK)
    mine = acquisitions(network, named)[hashlib.sha256(MINE).hexdigest()]

    def meanwhile(*_: object) -> None:
        alter(rs, "update acquisition set sha256 = :secret where acquisition_id = :mine", secret=SHA256, mine=mine)

    monkeypatch.setattr(fetch, "_unusable", meanwhile)
    with pytest.raises(StoreUnavailable, match="ffp log check"):
        fetch_scan(rs, network.client(RS), mine)
    assert not is_given(network)
    with rs.store.read() as session:
        assert [table for table, _ in broken(session)] == ["acquisition"]


def test_a_row_that_names_another_scan_answers_no_query(network: Network) -> None:
    rs = network.nodes[RS]
    secret(network)
    opened = network.record(RS, scan=b"an open scan", audience=["MK"])
    with rs.store.read() as session:
        rows = session.scalars(select(AcquisitionRow).where(AcquisitionRow.statement_id == opened)).all()
        assert answer_query.as_sealed(session, rows) == list(rows)
    alter(rs, "update acquisition set sha256 = :secret where statement_id = :opened", secret=SHA256, opened=opened)
    with rs.store.read() as session:
        rows = session.scalars(select(AcquisitionRow).where(AcquisitionRow.statement_id == opened)).all()
        assert answer_query.as_sealed(session, rows) == []
