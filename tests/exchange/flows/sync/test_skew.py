"""Nodes of different releases, one of which says more than the other reads: nothing is set aside, nothing is lost, and
each lane keeps its order.

The newer release is this one with a field, a kind of statement and a word of a vocabulary more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import pytest
from prometheus_client.exposition import generate_latest
from pydantic import Field, TypeAdapter
from sqlalchemy import select

from exchange.errors import PeerMisbehaved
from exchange.flows.node.node import Node
from exchange.flows.operate.doctor.work import examine_alarms
from exchange.flows.operate.status import node_status
from exchange.flows.statement.sign_statement import put_on_lanes
from exchange.flows.sync import serve_lane
from exchange.flows.sync.progress import in_words, sync_status
from exchange.flows.sync.pull import pull
from exchange.flows.sync.serve_lane import read_lane
from exchange.flows.sync.skew import PlaceOnLane, peer_behind
from exchange.store.log.statement_rows import append_own
from exchange.store.sync.peers import lane_of, set_aside, unnoted
from exchange.store.tables.record_tables import StatementRow
from exchange.trust import verify
from exchange.web.metrics import registry_of
from schemas import AnyStatement, Exhibit, Message, Policy, Record, Statement, kinds, parse_statement, statement_id
from schemas.lane import EMPTY_HEAD
from schemas.vocabulary import Jurisdiction
from tests.exchange.flows.keys.test_events import replaced
from tests.exchange.flows.network import AL, MK, RS, Network
from tests.schemas.examples import acquisition_fields, encoded, record_fields
from tests.schemas.statement_examples import statement_fields

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("careless_owner")]

NEWER = "1.1"


class NewerExhibit(Exhibit):
    colour: str | None = None
    case_material: Literal["polymer"] | Any = None


class NewerRecord(Record):
    contract: Literal["1.0", "1.1"]  # type: ignore[assignment]
    exhibit: NewerExhibit


class Notice(Statement):
    contract: Literal["1.0", "1.1"]  # type: ignore[assignment]
    type: Literal["notice"]
    text: str


_NEWER: TypeAdapter[Any] = TypeAdapter(Annotated[NewerRecord | Notice | Message | Policy, Field(discriminator="type")])


def newer_record(network: Network, *, signer: str = RS, **exhibit: str) -> str:
    """What a newer node at Serbia enters, which this release does not read; its id."""
    network.published += 1
    rs = network.nodes[RS]
    fields = record_fields(
        issuer=RS,
        nonce=f"{network.published:064x}",
        audience=["MK", "AL"],
        acquisitions=[acquisition_fields(blob=None) | {"blob": _blob(network.published)}],
    )
    record = parse_statement(encoded(fields))
    assert isinstance(record, Record)
    newer = fields | {"contract": NEWER, "exhibit": fields["exhibit"] | exhibit}
    envelope = network.nodes[signer].keys.statement.sign(encoded(newer))
    network.enter(rs, record, envelope)
    return statement_id(envelope.payload)


def _blob(number: int) -> dict[str, Any]:
    return {"sha256": f"{number:064x}", "size": 9, "media_type": "application/x-x3p"}


def notice(network: Network, to: Sequence[str] = (MK, AL)) -> str:
    """A kind of statement that this release does not know."""
    network.published += 1
    rs = network.nodes[RS]
    fields = statement_fields()["message"] | {"issuer": RS, "nonce": f"{network.published:064x}"}
    told = parse_statement(encoded(fields))
    newer = {name: fields[name] for name in ("nonce", "issuer", "made_by")}
    envelope = rs.keys.statement.sign(encoded(newer | {"contract": NEWER, "type": "notice", "text": "Closed at noon."}))
    name = statement_id(envelope.payload)
    with rs.store.write() as session:
        append_own(session, name, told, "notice", envelope)
        put_on_lanes(session, name, list(to))
    return name


def a_day(network: Network) -> list[str]:
    """A lane on which what only a newer release reads stands between what this one reads."""
    said = network.share(RS, Jurisdiction.MK, Jurisdiction.AL)
    said.append(newer_record(network, colour="grey"))
    said += network.share(RS, Jurisdiction.MK, Jurisdiction.AL)
    said.append(notice(network))
    said.append(newer_record(network, case_material="polymer"))
    said += network.share(RS, Jurisdiction.MK, Jurisdiction.AL)
    return said


def came(node: Node, issuer: str = RS) -> list[str]:
    """What a node took of a peer, in the order in which it did."""
    with node.store.read() as session:
        rows = session.scalars(
            select(StatementRow).where(StatementRow.issuer == issuer).order_by(StatementRow.log_index)
        )
        return [row.statement_id for row in rows if row.type not in ("key-event", "policy")]


def upgrade(network: Network, node_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "parse_statement", _newer)
    monkeypatch.setitem(kinds.KINDS, "notice", kinds.Kind(Notice, meant_for=kinds.MeantFor.ALL))
    network.reads[node_id] = NEWER


def _newer(payload: bytes) -> AnyStatement:
    found: AnyStatement = _NEWER.validate_json(payload)
    return found


def careless(items: Sequence[PlaceOnLane], given: object, reads: str) -> tuple[Sequence[PlaceOnLane], str | None]:
    """An owner that does not heed what its peer reads."""
    return items, None


@pytest.mark.parametrize("owner", ["heeds what its peer reads", "does not"])
def test_what_a_peer_is_too_old_for_waits_in_order_and_is_read_after_its_upgrade(
    network: Network, owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if owner == "does not":
        monkeypatch.setattr(serve_lane, "readable", careless)
    said = a_day(network)
    (back,) = network.share(MK, Jurisdiction.RS)
    network.settle()
    mk = network.nodes[MK]
    assert came(mk) == said[:1], "as far as the first that it is too old for"
    assert came(network.nodes[RS], MK) == [back], "the other way nothing waits"
    assert network.peer(MK, RS).cursor_count == 2, "the policy, and the first record"
    with mk.store.read() as session:
        assert (set_aside(session, RS), unnoted(session, RS)) == ([], 0)
    alarm = network.peer(MK, RS).alarm
    assert alarm is not None
    assert "This node is older: upgrade it. 5 statements of ffp-rs wait" in alarm
    assert "version 1.1 of the contract, and this node reads 1.0" in alarm

    upgrade(network, MK, monkeypatch)
    network.pull(MK, RS)
    assert came(mk) == said
    row = network.peer(MK, RS)
    assert (row.cursor_count, row.needs, row.waiting) == (7, None, 0)
    assert row.alarm is None or "older" not in row.alarm
    with mk.store.read() as session:
        assert set_aside(session, RS) == []
    with network.nodes[RS].store.read() as session:
        assert lane_of(session, MK).head == row.cursor_head
        assert peer_behind(session, MK) is None


def test_a_lane_that_stands_still_is_told_at_both_ends(network: Network) -> None:
    a_day(network)
    network.settle()
    rs, mk = network.nodes[RS], network.nodes[MK]
    older = "Peer older: upgrade. 5 of this node's statements wait on its lane, in their order: the first needs version"
    assert [said for said in node_status(rs).alarms if said.startswith(f"ffp-mk: {older}")]
    assert [said for said in node_status(mk).alarms if said.startswith("This node is older: upgrade it. 5 statements")]
    (to_mk,) = [status for status in sync_status(rs) if status.row.node_id == MK]
    (from_rs,) = [status for status in sync_status(mk) if status.row.node_id == RS]
    assert [said for said in in_words(to_mk) if said.startswith(f"Alarm: {older}")]
    assert "It reads the contract up to version 1.0, this node up to 1.0." in in_words(to_mk)
    assert [said for said in in_words(from_rs) if "Alarm: " in said and "This node is older: upgrade it." in said]
    for node, what in ((rs, older), (mk, "This node is older")):
        assert [found for found in examine_alarms(node) if what in found.what and found.subject == "contract"]
    told = generate_latest(registry_of(rs)).decode(), generate_latest(registry_of(mk)).decode()
    assert 'ffp_peer_older{peer="ffp-mk"} 5.0' in told[0]
    assert 'ffp_node_older{peer="ffp-rs"} 5.0' in told[1]
    assert 'ffp_quarantine_items{peer="ffp-rs"} 0.0' in told[1]
    assert 'ffp_contract_version{version="1.0"} 1.0' in told[0]
    assert 'ffp_contract_kind{kind="record"} 1.0' in told[0]


def test_while_a_lane_stands_still_nobody_asks_in_a_hurry_and_nothing_grows(network: Network) -> None:
    a_day(network)
    network.settle()
    before = network.peer(MK, RS)
    assert not any(pull(network.nodes[MK], network.client(MK), RS) for _ in range(3)), "nothing more to ask for at once"
    after = network.peer(MK, RS)
    assert (after.cursor_count, after.cursor_head, after.waiting) == (before.cursor_count, before.cursor_head, 5)
    network.share(RS, Jurisdiction.MK)
    network.pull(MK, RS)
    assert network.peer(MK, RS).waiting == 6


def test_what_policy_withholds_holds_nobody_up(network: Network) -> None:
    """What is not given needs no reader."""
    name = newer_record(network, colour="grey")
    (after,) = network.share(RS, Jurisdiction.MK)
    with network.nodes[RS].store.write() as session:
        session.get_one(StatementRow, name).refused_by = "ab" * 32
    network.settle()
    assert came(network.nodes[MK]) == [after]


def test_a_page_ends_before_what_its_reader_is_too_old_for(network: Network) -> None:
    a_day(network)
    rs, peer = network.nodes[RS], network.peer(RS, MK)
    for reads in ({"reads": "1.0"}, {}):  # a peer that states nothing reads the first version
        given = read_lane(rs, peer, start=0, head=EMPTY_HEAD, known_size=0, **reads)
        assert (len(given.items), given.needs, given.count) == (2, NEWER, 7)
    for reads in (NEWER, "1.10", "2.0"):
        given = read_lane(rs, peer, start=0, head=EMPTY_HEAD, known_size=0, reads=reads)
        assert (len(given.items), given.needs) == (7, None)


def test_what_is_too_new_holds_up_its_own_issuer_alone(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve_lane, "readable", careless)
    a_day(network)
    (other,) = network.share(AL, Jurisdiction.MK)
    network.settle()
    assert came(network.nodes[MK], AL) == [other]
    assert (network.peer(MK, AL).needs, network.peer(MK, RS).needs) == (None, NEWER)


def test_what_is_not_signed_as_it_must_be_is_never_too_new(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else whoever alters a page on its way could stop a lane. It is set aside, and the lane goes on."""
    monkeypatch.setattr(serve_lane, "readable", careless)
    newer_record(network, signer=AL, colour="grey")
    (after,) = network.share(RS, Jurisdiction.MK)
    network.settle()
    assert came(network.nodes[MK]) == [after]
    with network.nodes[MK].store.read() as session:
        assert [row.reason for row in set_aside(session, RS)] == ["unknown-key"]


@pytest.mark.parametrize("lie", [{"needs": "1.0"}, {"needs": "0.9"}, {"needs": "9.9", "count": 2}])
def test_a_peer_keeps_its_lane_for_no_other_reason(
    network: Network, lie: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    network.share(RS, Jurisdiction.MK)
    honest = serve_lane.LanePage
    monkeypatch.setattr(serve_lane, "LanePage", lambda **fields: honest.model_construct(**(fields | lie)))
    with pytest.raises(PeerMisbehaved, match=r"keeps its lane|breaks the contract"):
        network.pull(MK, RS)


def test_a_compromise_behind_what_waits_holds_at_once(network: Network) -> None:
    """Else a peer that is too old would go on believing what a stolen key signed until it is upgraded."""
    good, stolen = network.share(RS, Jurisdiction.MK, count=2)
    network.round(MK, RS)
    network.round(AL, RS)
    index = network.size(RS) - 1
    replaced(network, ["statement"])
    newer_record(network, colour="grey")
    network.work(RS)
    network.round(MK, RS)
    network.round(AL, RS)
    waits_at = network.peer(MK, RS).cursor_count
    replaced(network, ["statement"], compromised=True, from_index=index)
    network.pull(MK, RS)
    row = network.peer(MK, RS)
    assert (row.cursor_count, row.needs) == (waits_at, NEWER), "it waits still"
    assert network.holds(MK) == {good}
    with network.nodes[MK].store.read() as session:
        assert session.get_one(StatementRow, stolen).refused_by is not None
