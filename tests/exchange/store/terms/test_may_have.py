"""The rule in SQL gives each record to a peer exactly when the pure rule does."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from exchange.policy import Purpose, Reason, Recipient, Release, Withheld, release
from exchange.store.database.engine import Store
from exchange.store.entry.record_rows import add_record
from exchange.store.log.statement_rows import append_own
from exchange.store.sync.peers import add_peer, find_peer, new_peer
from exchange.store.tables.peer_tables import PeerState
from exchange.store.tables.record_tables import RecordRow
from exchange.store.terms.may_have import may_have, to_be_decided
from exchange.store.terms.terms_rows import decide_approval, keep_grant, replace_policy, standing_of
from exchange.store.terms.withdrawals import lift_tombstones, raise_tombstone
from schemas import Grant, Policy, Record, Withdrawal, parse_statement, statement_id
from schemas.vocabulary import Decision, ExhibitKind, Jurisdiction, ReleaseLevel, SharingRule
from tests.schemas.examples import ISSUER, STATEMENT, encoded, exhibit_fields, record_fields
from tests.schemas.statement_examples import statement_fields

PLACES = st.integers(0, 9)
"""In the owner's log."""
TODAY = date(2026, 11, 25)
DAYS = st.dates(date(2026, 11, 23), date(2026, 11, 27)).map(str)
KINDS = [ExhibitKind.CRIME_SCENE, ExhibitKind.TEST_FIRE]
NAMES = ["MK", "XK", "group-one", "group-two"]

RECORDS = st.fixed_dictionaries(
    {
        "issuer": st.sampled_from([ISSUER, ISSUER, ISSUER, "ffp-mk"]),
        "level": st.sampled_from(ReleaseLevel),
        "audience": st.lists(st.sampled_from(NAMES), unique=True),
        "handling": st.sampled_from([{"code": "H1"}, {"code": "H3", "restriction": "Ask first."}]),
        "retention_until": DAYS,
        "exhibit": st.builds(exhibit_fields, kind=st.sampled_from(KINDS), item=st.sampled_from([None, "1", "2"])),
    }
)
BASES = st.dictionaries(
    st.tuples(st.sampled_from(["MK", "XK"]), st.sampled_from(KINDS)),
    st.fixed_dictionaries({"rule": st.sampled_from(SharingRule), "review_by": DAYS}),
)
GROUPS = st.dictionaries(
    st.sampled_from(["group-one", "group-two"]), st.lists(st.sampled_from(["MK", "XK"]), unique=True)
)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a node that knows nobody yet."""
    path = tmp_path_factory.mktemp("release") / "node.db"
    store = Store(path)
    store.create()
    store.close()
    return path


@pytest.mark.parametrize("examples", [10, pytest.param(200, marks=pytest.mark.slow)])
def test_both_rules_say_the_same(empty: Path, examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(data=st.data())
    def hold(data: st.DataObject) -> None:
        with TemporaryDirectory() as folder:
            shutil.copy(empty, folder)
            with closing(Store(Path(folder) / empty.name)) as store:  # also where the example is broken off
                _both_rules_say_the_same(store, data)

    hold()


def _both_rules_say_the_same(store: Store, data: st.DataObject) -> None:
    peer = new_peer(
        node_id="ffp-mk",
        jurisdiction="MK",
        url="http://mk.test",
        card=b"",
        legal_basis=data.draw(st.sampled_from(["Article 1", "Article 1", " "])),
    )
    peer.state = data.draw(st.sampled_from([PeerState.ENROLLED, PeerState.ENROLLED, *PeerState]))
    records: dict[str, Record] = {}
    with store.write() as session:
        add_peer(session, peer)
        if data.draw(st.booleans()):
            fields = statement_fields()["policy"] | {
                "groups": [{"name": name, "members": members} for name, members in data.draw(GROUPS).items()],
                "bases": [
                    {"jurisdiction": to, "kinds": [kind], "article": "Article 2"} | line
                    for (to, kind), line in data.draw(BASES).items()
                ],
            }
            policy = parse_statement(encoded(fields))
            assert isinstance(policy, Policy)
            append_own(session, "p" * 64, policy, "policy", STATEMENT.sign(encoded(fields)))
            replace_policy(session, "p" * 64, policy, own=True)
        for number, changes in enumerate(data.draw(st.lists(RECORDS, min_size=1, max_size=4))):
            earlier = [None, *(name for name, record in records.items() if record.issuer == changes["issuer"])]
            supersedes = data.draw(st.sampled_from(earlier))
            payload = encoded(record_fields(nonce=f"{number:064x}", supersedes=supersedes, **changes))
            record, name = parse_statement(payload), statement_id(payload)
            assert isinstance(record, Record)
            append_own(session, name, record, "record", STATEMENT.sign(payload))
            add_record(session, name, record, submitted_by=None, state="queued")
            records[name] = record
            named = {"issuer": record.issuer, "record": name, "first_version": record.first_version or name}
            if data.draw(st.booleans()):
                to = data.draw(st.sampled_from(["MK", "XK"]))
                fields = statement_fields()["grant"] | named | {"jurisdiction": to}
                granted = parse_statement(encoded(fields))
                assert isinstance(granted, Grant)
                keep_grant(session, granted, "e" * 64, data.draw(PLACES))
            if decision := data.draw(st.none() | st.sampled_from(Decision)):
                to = data.draw(st.sampled_from(["MK", "XK"]))
                decide_approval(session, name, to, decision, "a" * 64, data.draw(PLACES))
            if data.draw(st.sampled_from([False, False, True])):
                holder = data.draw(st.sampled_from([None, "ffp-mk", "ffp-xk"]))
                withdrawal = parse_statement(encoded(statement_fields()["withdrawal"] | named | {"holder": holder}))
                assert isinstance(withdrawal, Withdrawal)
                raise_tombstone(session, withdrawal, f"{number:064x}", log_index=5)
                if data.draw(st.booleans()):
                    granted = parse_statement(encoded(statement_fields()["grant"] | named))
                    assert isinstance(granted, Grant)
                    lift_tombstones(session, granted, "ffp-mk", data.draw(st.integers(4, 7)))
    for purpose in Purpose:
        _same(store, peer.node_id, purpose, records)


def _same(store: Store, node_id: str, purpose: Purpose, records: dict[str, Record]) -> None:
    with store.read() as session:
        peer = find_peer(session, node_id)
        assert peer is not None
        given_out = set(
            session.scalars(select(RecordRow.statement_id).where(may_have(peer, purpose, TODAY, owner=ISSUER)))
        )
        asked = set(
            session.scalars(select(RecordRow.statement_id).where(to_be_decided(peer, purpose, TODAY, owner=ISSUER)))
        )
        for name, record in records.items():
            answer = release(
                record,
                Recipient(peer.node_id, Jurisdiction(peer.jurisdiction), peer.state == PeerState.ENROLLED),
                purpose,
                peer.legal_basis,
                TODAY,
                owner=ISSUER,
                standing=standing_of(session, name, record, peer, owner=ISSUER),
            )
            assert (name in given_out) == (answer == Release()), (answer, record)
            assert (name in asked) == (answer == Withheld(Reason.NEEDS_APPROVAL)), (answer, record)
