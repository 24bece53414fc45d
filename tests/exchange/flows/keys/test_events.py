"""Keys are replaced, in time or because they were stolen: what was signed before stands, what must not be believed is
not, and a peer finds its way whenever it comes."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from sqlalchemy import delete

from exchange.errors import (
    CheckpointInvalid,
    Conflict,
    InvalidInput,
    PeerMisbehaved,
    SigningStopped,
    StatementInvalid,
    StoreUnavailable,
)
from exchange.flows.entry.submit import _find_earlier
from exchange.flows.integrity.log_check import check_log
from exchange.flows.keys import rotate
from exchange.flows.keys.events import key_chain, learn_keys
from exchange.flows.keys.rotate import Replaced, replace_keys
from exchange.flows.keys.suspicion import suspicions
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.log.start import accept_database
from exchange.flows.node.node import Node, open_node
from exchange.flows.statement.heads import head_of, open_head
from exchange.flows.statement.peer import peer_keys
from exchange.flows.statement.sharing import share
from exchange.flows.statement.sign_statement import THE_NODE, enter, say
from exchange.flows.sync.pull import pull
from exchange.flows.witness.bundle import make_bundle, verify_bundle
from exchange.flows.witness.cosign import cosign_head, meet
from exchange.flows.witness.mirror import mirror_log
from exchange.log.checkpoint import open_checkpoint
from exchange.record_filter import RecordFilter
from exchange.store.entry.record_rows import AcquisitionState, add_record
from exchange.store.entry.search import search_records
from exchange.store.log.statement_rows import all_checkpoints, append_own, latest_checkpoint
from exchange.store.sync.peers import standing_alarm
from exchange.store.tables.log import CheckpointRow
from exchange.store.tables.peer_tables import QuarantineRow
from exchange.store.tables.record_tables import StatementRow, SubmissionRow
from exchange.trust.card import fingerprint
from exchange.trust.key_history import KeyHistory, begin_history
from exchange.trust.keys import load_identity, settle_keys
from schemas import Delegation, KeyRole, Message, Record, parse_statement
from schemas.keys import KEY_ROLES
from schemas.lane import MAX_PAGE_ITEMS
from schemas.statements import statement_id
from schemas.vocabulary import Jurisdiction
from tests.exchange.flows.network import MK, RS, XK, Network, resting
from tests.exchange.open_policy import allow_all
from tests.schemas.examples import acquisition_fields, encoded, record_fields

pytestmark = pytest.mark.slow

START = 5
"""Size of Serbia's log in `pair`: the card, the policy and three records."""
EVERY_CHANGE: tuple[tuple[KeyRole, ...], ...] = (*((role,) for role in KEY_ROLES), KEY_ROLES)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Network]:
    """Serbia and North Macedonia, with three records of Serbia's that both hold."""
    with resting(tmp_path, Jurisdiction.RS, Jurisdiction.MK) as made:
        submit(made, 3)
        turn(made, MK, RS)
        turn(made, RS, MK)
        yield made


def submit(network: Network, count: int, node_id: str = RS) -> list[str]:
    """Records for everybody, as a submission stores them; their scans are of no matter here."""
    node, made = network.nodes[node_id], []
    allow_all(node)
    for _ in range(count):
        network.published += 1
        blob = {"sha256": f"{network.published:064x}", "size": 1, "media_type": "application/x-x3p"}
        fields = record_fields(
            issuer=node_id,
            jurisdiction=node.settings.jurisdiction,
            nonce=f"{network.published:064x}",
            case_reference=f"{node_id}-{network.published}",
            audience=[code for code in ("RS", "MK", "XK") if code != node.settings.jurisdiction],
            acquisitions=[acquisition_fields(blob=blob)],
        )
        payload = encoded(fields)
        record = parse_statement(payload)
        assert isinstance(record, Record)
        name = statement_id(payload)
        with node.store.write() as session:
            append_own(session, name, record, "record", node.keys.statement.sign(payload))
            add_record(
                session, name, record, submitted_by=record.made_by.pseudonym, state=AcquisitionState.AWAITING_SCAN
            )
            share(session, name, record, history=node.history)
        made.append(name)
    while sign_head(node):
        pass
    return made


def turn(network: Network, reader: str, owner: str) -> None:
    """What a node's worker does with a peer until there is nothing more: pull, mirror, cosign, tell; and look for new
    keys where something does not verify."""
    node, client = network.nodes[reader], network.client(reader)
    while True:
        try:
            more = pull(node, client, owner)
            mirror_log(node, client, owner)
            cosign_head(node, owner)
            if not more:
                meet(node, client, owner)
                return
        except PeerMisbehaved:
            if not learn_keys(node, client, owner):
                raise


def replaced(
    network: Network, roles: Sequence[KeyRole], *, compromised: bool = False, from_index: int | None = None
) -> Replaced:
    """Serbia's node is stopped, its keys are replaced, it is started again and meets its peers."""
    node = network.nodes[RS]
    done = replace_keys(node, load_identity(node.settings.keys), roles, compromised=compromised, from_index=from_index)
    network.restart(RS)
    for peer in set(network.nodes) - {RS}:
        meet_again(network, peer)
    while sign_head(network.nodes[RS]):
        pass
    return done


def meet_again(network: Network, peer: str) -> None:
    """The started node gets the last head that the peer cosigned, whatever keys of it the peer knows by then."""
    client = network.client(RS)
    for _ in range(2):
        try:
            meet(network.nodes[RS], client, peer)
        except PeerMisbehaved:
            learn_keys(network.nodes[peer], network.client(peer), RS)


def records(network: Network, node_id: str, issuer: str = RS) -> set[str]:
    """What an examiner finds of one issuer."""
    with network.nodes[node_id].store.read() as session:
        found = search_records(session, RecordFilter(), before=None, limit=500)
    return {row.statement_id for row in found if row.issuer == issuer}


def quarantine(network: Network, node_id: str) -> list[tuple[int, str]]:
    with network.nodes[node_id].store.read() as session:
        return [(row.position, row.reason) for row in session.query(QuarantineRow).order_by(QuarantineRow.position)]


def known_keys(network: Network, reader: str, owner: str = RS) -> KeyHistory:
    return peer_keys(network.peer(reader, owner))


@pytest.mark.parametrize("roles", EVERY_CHANGE, ids=["-".join(roles) for roles in EVERY_CHANGE])
def test_keys_rotated_old_items_still_verify(pair: Network, roles: tuple[KeyRole, ...]) -> None:
    """Records before, between and after two rotations; for a peer that was there, and for one that joins later."""
    before = sorted(records(pair, MK))
    replaced(pair, roles)
    between = submit(pair, 2)
    turn(pair, MK, RS)
    replaced(pair, roles)
    after = submit(pair, 2)
    turn(pair, MK, RS)
    turn(pair, RS, MK)

    pair.make(Jurisdiction.XK)
    turn(pair, XK, RS)
    turn(pair, XK, MK)
    turn(pair, MK, XK)
    everything = {*before, *between, *after}
    for reader in (MK, XK):
        assert records(pair, reader) == everything
        assert quarantine(pair, reader) == []
        assert known_keys(pair, reader).links == pair.nodes[RS].history.links
        assert pair.cosigned(reader, RS) == pair.head(RS)
        assert pair.peer(reader, RS).alarm is None
        found = check_log(pair.nodes[reader])
        assert found.good, found.findings
    own = check_log(pair.nodes[RS])
    assert own.good, own.findings
    known = fingerprint(pair.nodes[RS].card.identity)
    for name in (before[0], between[0], after[0]):
        bundle = make_bundle(pair.nodes[RS], name).model_dump_json().encode()
        assert verify_bundle(bundle, confirmed=known).statement_id == name


def test_the_log_has_one_head_that_both_pairs_of_keys_signed_and_one_name(pair: Network) -> None:
    """Who knows only the former keys sees that the log goes on, who knows the new ones that it did."""
    former = pair.nodes[RS].history
    done = replaced(pair, ["log"])
    submit(pair, 1)
    index = done.event.delegation.from_index
    with pair.nodes[RS].store.read() as session:
        heads = {head.size: head.note for head in all_checkpoints(session)}
    keys = pair.nodes[RS].history
    for size, note in heads.items():
        assert open_head(note, keys).origin == former.card.log_origin
        signed_by = {side: _signed(note, of.in_force) for side, of in (("former", former), ("new", keys))}
        assert signed_by == {"former": size <= index + 1, "new": size >= index + 1}
    assert {index, index + 1, index + 2} <= heads.keys()
    assert pair.nodes[RS].keys.former_log is not None, "as it was opened"
    assert open_again(pair.nodes[RS]).keys.former_log is None, "signed with it, and gone"


def _signed(note: bytes, keys: Delegation) -> bool:
    try:
        open_checkpoint(
            note,
            "ffp-rs.ffp-exchange/log",
            Ed25519PublicKey.from_public_bytes(base64.b64decode(keys.log.ed25519)),
            MLDSA44PublicKey.from_public_bytes(base64.b64decode(keys.log.ml_dsa)),
        )
    except CheckpointInvalid:
        return False
    return True


def open_again(node: Node) -> Node:
    again = open_node(node.settings.home)
    again.close()
    return again


def test_the_head_at_the_change_needs_both_and_later_ones_the_new_alone(pair: Network) -> None:
    replaced(pair, ["log"])
    submit(pair, 1)
    keys = pair.nodes[RS].history
    with pair.nodes[RS].store.read() as session:
        heads = {head.size: head.note for head in all_checkpoints(session)}
    size = keys.last.index + 1
    lines = heads[size].split(b"\n\n")[1].splitlines(keepends=True)
    assert len(lines) == 4
    for kept in (lines[:2], lines[2:], lines[:3]):
        with pytest.raises(CheckpointInvalid):
            open_head(heads[size].split(b"\n\n")[0] + b"\n\n" + b"".join(kept), keys)
    with pytest.raises(CheckpointInvalid):
        open_head(heads[size + 1], begin_history(pair.nodes[RS].card_envelope))


@pytest.mark.parametrize("roles", [("statement",), ("log",), KEY_ROLES], ids=["statement", "log", "all"])
@pytest.mark.parametrize("unread", [2, MAX_PAGE_ITEMS + 6])
def test_a_peer_that_was_away_a_week_finds_its_way(pair: Network, roles: tuple[KeyRole, ...], unread: int) -> None:
    """With so much to read that the key-event is not on the page whose head its keys signed."""
    pair.parted.add(frozenset((RS, MK)))
    submit(pair, unread)
    node = pair.nodes[RS]
    replace_keys(node, load_identity(node.settings.keys), roles)
    pair.restart(RS)
    pair.parted.clear()
    meet_again(pair, MK)
    later = submit(pair, 2)
    turn(pair, MK, RS)
    assert len(records(pair, MK)) == 3 + unread + 2
    assert set(later) <= records(pair, MK)
    assert quarantine(pair, MK) == []


def test_what_a_stolen_key_signed_is_set_aside_and_the_rest_stands(pair: Network) -> None:
    good = records(pair, MK)
    stolen = submit(pair, 2)  # at START and the next index
    turn(pair, MK, RS)
    turn(pair, RS, MK)
    assert records(pair, MK) == good | set(stolen)
    done = replaced(pair, ["statement"], compromised=True, from_index=START)
    assert done.refused == 2
    fresh = submit(pair, 1)
    turn(pair, MK, RS)

    assert records(pair, MK) == good | set(fresh)
    assert records(pair, RS) == good | set(fresh)
    with pair.nodes[MK].store.read() as session:
        alarm = standing_alarm(session, RS)
        kept = [session.get_one(StatementRow, name) for name in stolen]
    assert alarm is not None
    assert "2 of its statements are set aside" in alarm
    assert {row.refused_by for row in kept} == {statement_id(pair.nodes[RS].history.last.envelope.payload)}
    assert all(row.envelope for row in kept), "the evidence stays"
    for node_id in (RS, MK):
        assert check_log(pair.nodes[node_id]).good, "what is kept as evidence is what was signed"

    pair.make(Jurisdiction.XK)
    turn(pair, XK, RS)
    assert records(pair, XK) == good | set(fresh), "a later peer is not even shown them"
    assert quarantine(pair, XK) == []


def test_what_was_set_aside_is_submitted_again_under_a_new_key_alone(pair: Network) -> None:
    """Its id comes from what was sent: the same would be the same statement."""
    [stolen] = submit(pair, 1)
    done = SubmissionRow(pseudonym="examiner-7", idempotency_key="one", content_sha256="00", statement_id=stolen)
    with pair.nodes[RS].store.write() as session:
        session.add(done)
    assert _find_earlier(pair.nodes[RS], "examiner-7", "one", "00") is not None
    replaced(pair, ["statement"], compromised=True, from_index=START)
    with pytest.raises(Conflict, match="new Idempotency-Key") as caught:
        _find_earlier(pair.nodes[RS], "examiner-7", "one", "00")
    assert caught.value.code == "key-compromised"
    assert _find_earlier(pair.nodes[RS], "examiner-7", "another", "00") is None
    with pytest.raises(Conflict, match="not believed any more"):
        make_bundle(pair.nodes[RS], stolen)


@pytest.mark.usefixtures("careless_owner")
def test_a_stolen_keys_statement_is_quarantined_by_whoever_reads_it_later(pair: Network) -> None:
    """The owner withholds them; one that does not is not believed all the same."""
    [unread] = submit(pair, 1)  # at START, not pulled
    with pair.nodes[RS].store.read() as session:
        index = session.get_one(StatementRow, unread).log_index
    replaced(pair, ["statement"], compromised=True, from_index=START)
    with pair.nodes[RS].store.write() as session:
        session.get_one(StatementRow, unread).refused_by = None
    turn(pair, MK, RS)
    assert unread not in records(pair, MK)
    assert [reason for _, reason in quarantine(pair, MK)] == ["key-compromised"]
    assert known_keys(pair, MK).is_refused("statement", index)


def test_what_a_thief_superseded_is_current_again(pair: Network) -> None:
    good = records(pair, MK)
    hidden = sorted(good)[0]
    node = pair.nodes[RS]
    payload = encoded(record_fields(nonce="ff" * 32, supersedes=hidden, case_reference="RS-X"))
    record = parse_statement(payload)
    assert isinstance(record, Record)
    with node.store.write() as session:
        append_own(session, statement_id(payload), record, "record", node.keys.statement.sign(payload))
        add_record(
            session,
            statement_id(payload),
            record,
            submitted_by=record.made_by.pseudonym,
            state=AcquisitionState.AWAITING_SCAN,
        )
        share(session, statement_id(payload), record, history=node.history)
    sign_head(node)
    turn(pair, MK, RS)
    assert hidden not in records(pair, MK)
    turn(pair, RS, MK)
    replaced(pair, ["statement"], compromised=True, from_index=START)
    turn(pair, MK, RS)
    assert records(pair, MK) == good
    assert records(pair, RS) == good


def test_whoever_holds_what_the_key_signed_is_told_of_it(pair: Network) -> None:
    """What is not believed any more, and what stands before that place; not what the next key signed."""
    stands = sorted(records(pair, MK))
    [stolen] = submit(pair, 1)
    turn(pair, MK, RS)
    turn(pair, RS, MK)
    everything = [(name, RS) for name in (*stands, stolen)]
    with pair.nodes[MK].store.read() as session:
        assert suspicions(session, pair.nodes[MK], everything) == {}
    replaced(pair, ["statement"], compromised=True, from_index=START)
    [later] = submit(pair, 1)
    turn(pair, MK, RS)
    for reader in (RS, MK):
        node = pair.nodes[reader]
        with node.store.read() as session:
            told = suspicions(session, node, [*everything, (later, RS)])
            event = session.get_one(StatementRow, told[stolen].key_event)
        assert {name: found.believed for name, found in told.items()} == {
            **dict.fromkeys(stands, True),
            stolen: False,
        }
        assert (event.type, told[stolen].since, told[stolen].place) == ("key-event", event.received_at, START)
        assert "Not believed" in told[stolen].in_words
        assert event.received_at in told[stands[0]].in_words


@pytest.mark.parametrize("roles", [["statement"], ["log"], ["statement", "log"]])
def test_a_compromise_reaches_no_further_than_what_a_peer_cosigned(pair: Network, roles: list[KeyRole]) -> None:
    """The card, the policy and three records were; the fourth record was not, and nobody proves when it was made."""
    submit(pair, 1)
    node = pair.nodes[RS]
    identity = load_identity(node.settings.keys)
    for index in (START + 1, START + 2, None):
        with pytest.raises(InvalidInput, match=f"{START} at the most") as caught:
            replace_keys(node, identity, roles, compromised=True, from_index=index)
        assert caught.value.code == "past-the-last-witness"
    assert node.history == open_again(node).history
    replace_keys(node, identity, roles, compromised=True, from_index=START)


def test_heads_of_a_stolen_log_key_are_refused_and_the_log_goes_on(pair: Network) -> None:
    submit(pair, 2)
    turn(pair, MK, RS)  # a head of size START + 2, whose cosignature the owner never gets
    replaced(pair, ["log"], compromised=True, from_index=START)
    fresh = submit(pair, 1)
    turn(pair, MK, RS)
    assert set(fresh) <= records(pair, MK)
    keys = known_keys(pair, MK)
    for size in (START + 1, START + 2, START + 3):
        if size <= keys.last.index:
            with pytest.raises(CheckpointInvalid, match="wrong hands"):
                keys.log_keys(size)
    assert keys.log_keys(keys.last.index + 1) == (keys.in_force.log,), "the stolen key vouches for nothing"
    assert pair.cosigned(MK, RS) == pair.head(RS)
    assert check_log(pair.nodes[RS]).good


def test_a_thiefs_head_does_not_keep_the_true_log_away(pair: Network) -> None:
    """The thief of the log's key showed North Macedonia another history; the owner says that it was stolen."""
    thief = pair.twin(RS)
    pair.publish(thief, 2)
    pair.routes[MK, RS] = thief
    pair.pull(MK, RS)
    del pair.routes[MK, RS]
    submit(pair, 3)
    replaced(pair, ["log"], compromised=True, from_index=START)
    fresh = submit(pair, 1)
    with pytest.raises(PeerMisbehaved, match="set aside"):
        turn(pair, MK, RS)
    turn(pair, MK, RS)
    assert set(fresh) <= records(pair, MK)
    assert pair.evidence(MK, RS) == [], "the owner forked nothing"
    thief.close()


@pytest.mark.parametrize("role", ["witness", "transport"])
def test_a_stolen_witness_or_transport_key_is_out_of_use_at_once(pair: Network, role: KeyRole) -> None:
    node = pair.nodes[RS]
    submit(pair, 1, MK)
    turn(pair, RS, MK)
    done = replaced(pair, [role], compromised=True)
    assert done.refused == 0
    turn(pair, MK, RS)
    turn(pair, RS, MK)
    assert known_keys(pair, MK).in_force == pair.nodes[RS].history.in_force != node.history.in_force
    assert pair.cosigned(RS, MK) == pair.head(MK), "cosigned again with the new key"
    assert pair.peer(MK, RS).alarm is None


def test_what_a_replaced_key_signed_is_never_appended(pair: Network) -> None:
    """By a process that was still running with the former keys."""
    running = open_node(pair.nodes[RS].settings.home)
    said = say(running, Message, THE_NODE, to=MK, about=None, text="Signed before, sent after.")
    replaced(pair, KEY_ROLES)
    size = pair.size(RS)
    with pytest.raises(StoreUnavailable, match="not those that its log names"), running.store.write() as session:
        enter(session, said, to=[MK])
    submit(pair, 1)
    with running.store.write() as session:  # as if its last heads were still to be signed
        session.execute(delete(CheckpointRow).where(CheckpointRow.size > START))
        head = latest_checkpoint(session)
        assert head is not None
        running.settings.last_head.write_text(head_of(head.note).text)
    with pytest.raises(StoreUnavailable, match="not those that its log names"):
        sign_head(running)
    assert pair.size(RS) == size + 1
    running.close()


def test_a_change_that_breaks_off_after_the_log_has_it_is_finished(
    pair: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = pair.nodes[RS]

    def power_cut(_folder: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as cut:
        cut.setattr(rotate, "exchange_folder", power_cut)
        with pytest.raises(KeyboardInterrupt):
            replace_keys(node, load_identity(node.settings.keys), KEY_ROLES)
    again = pair.restart(RS)
    assert len(again.history.links) == 2
    settle_keys(again.settings.keys, again.history.in_force)
    assert open_again(again).keys.statement.public == again.history.in_force.statement
    meet_again(pair, MK)
    fresh = submit(pair, 1)
    turn(pair, MK, RS)
    assert set(fresh) <= records(pair, MK)


def test_a_log_whose_change_is_not_signed_yet_is_not_changed_again(pair: Network) -> None:
    node = pair.nodes[RS]
    identity = load_identity(node.settings.keys)
    replace_keys(node, identity, ["log"])
    again = pair.restart(RS)
    with pytest.raises(Conflict, match="not signed yet"):
        replace_keys(again, identity, ["log"])
    replace_keys(again, identity, ["statement"])


def test_a_restored_log_is_not_changed_before_it_has_met_its_peers(pair: Network) -> None:
    """Else the identity could sign two key-events that follow on one."""
    backup = pair.backup(RS)
    submit(pair, 1)
    node = pair.restart(RS, backup)
    identity = load_identity(node.settings.keys)
    with pytest.raises(SigningStopped):
        replace_keys(node, identity, ["transport"])
    accept_database(node, START)
    with pytest.raises(Conflict, match="meet its peers first") as caught:
        replace_keys(node, identity, ["transport"])
    assert caught.value.code == "log-unsettled"
    meet_again(pair, MK)
    replace_keys(node, identity, ["transport"])


def test_another_identity_replaces_nothing(pair: Network) -> None:
    node = pair.nodes[RS]
    foreign = load_identity(pair.nodes[MK].settings.keys)
    with pytest.raises(InvalidInput, match="another one"):
        replace_keys(node, foreign, ["statement"])
    assert pair.size(RS) == START


class Chain:
    """Stands for a client that is shown any chain of key-events."""

    def __init__(self, shown: bytes) -> None:
        self.shown = shown

    def fetch_keys(self, _peer: object) -> bytes:
        return self.shown


def learn(network: Network, shown: bytes) -> bool:
    return learn_keys(network.nodes[MK], Chain(shown), RS)  # type: ignore[arg-type]  # all of it that is used


def test_a_chain_that_was_rolled_back_or_forked_is_an_alarm_and_changes_nothing(pair: Network) -> None:
    before = pair.nodes[RS].history
    twin = pair.twin(RS)
    replaced(pair, ["transport"])
    turn(pair, MK, RS)
    assert learn_keys(pair.nodes[MK], pair.client(MK), RS) in (True, False)
    held = pair.peer(MK, RS).key_chain
    assert held == key_chain(pair.nodes[RS].history)
    with pytest.raises(PeerMisbehaved, match="older backup"):
        learn(pair, key_chain(before))
    replace_keys(twin, load_identity(twin.settings.keys), ["transport"])
    other = open_again(twin)
    with pytest.raises(PeerMisbehaved, match="other key-events than before"):
        learn(pair, key_chain(other.history))
    assert pair.peer(MK, RS).key_chain == held
    twin.close()


def test_a_forged_chain_is_refused(pair: Network) -> None:
    """Begins with another card; or goes on with an event that the identity did not sign."""
    foreign = pair.nodes[MK].history
    with pytest.raises(PeerMisbehaved, match="another card"):
        learn(pair, key_chain(foreign))
    replaced(pair, ["statement"])
    link = pair.nodes[RS].history.last
    forged = pair.nodes[RS].keys.statement.sign(link.envelope.payload)
    raw = encoded(
        {
            "contract": "1.0",
            "events": [base64.b64encode(item).decode() for item in (pair.nodes[RS].card_envelope.raw, forged.raw)],
        }
    )
    with pytest.raises(PeerMisbehaved, match="not signed by exactly"):
        learn(pair, raw)
    with pytest.raises(PeerMisbehaved, match="not believed"):
        learn(pair, b"{}")
    assert pair.peer(MK, RS).key_chain is None


def test_an_altered_bundle_of_rotated_keys_is_refused(pair: Network) -> None:
    """Without its key-events, with them in another order, or with the record of one range under an index of another."""
    replaced(pair, KEY_ROLES)
    [between] = submit(pair, 1)
    replaced(pair, KEY_ROLES)
    submit(pair, 1)
    bundle = make_bundle(pair.nodes[RS], between)
    assert verify_bundle(bundle.model_dump_json().encode()).log_index == START + 1
    assert len(bundle.key_events) == 2
    first, second = bundle.key_events
    for events in ((), (first,), (second,), (second, first), (first, first, second)):
        with pytest.raises((StatementInvalid, CheckpointInvalid)):
            verify_bundle(bundle.model_copy(update={"key_events": events}).model_dump_json().encode())
    for index in (3, 7):
        with pytest.raises(StatementInvalid):
            verify_bundle(bundle.model_copy(update={"log_index": index}).model_dump_json().encode())
