"""The bytes of an audit row, and the root over many: what a supervisor computes by hand."""

from __future__ import annotations

import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from exchange.log import merkle
from exchange.log.audit_entry import MAX_ASKED, MAX_SUBJECTS, Act, Actor, ActorKind, AuditEntry, Deed, batch_root
from schemas.vocabulary import Role

ACTOR = Actor(ActorKind.PERSON, "examiner-1", Role.EXAMINER)


def entry(deed: Deed, number: int = 7) -> AuditEntry:
    return AuditEntry.of(deed, number=number, at="2026-11-25T09:00:00.000Z", nonce="0f" * 16)


def test_the_bytes_are_known() -> None:
    deed = Deed(ACTOR, Act.READ_RECORD, 1, ("ab" * 32,), purpose="investigation", legal_basis="Član 5 „ZKP“")
    expected = (
        '{"act":"read-record","actor":"examiner-1","asked":null,"at":"2026-11-25T09:00:00.000Z","count":1,'
        '"kind":"person","legal_basis":"Član 5 „ZKP“","nonce":"0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f","number":7,'
        f'"purpose":"investigation","role":"examiner","subjects":["{"ab" * 32}"],"token":null}}'
    )
    assert entry(deed).canonical() == expected.encode()
    assert entry(deed).leaf() == hashlib.sha256(b"\x00" + expected.encode()).digest()


@given(asked=st.text(), name=st.text(), count=st.integers(0, 2**53))
def test_the_bytes_hold_all_of_it(asked: str, name: str, count: int) -> None:
    deed = Deed(Actor(ActorKind.PEER, name, Role.NODE), Act.GIVE_PAGE, count, asked=asked)
    if asked.isprintable() and name.isprintable():  # half of a surrogate pair is no text
        read = json.loads(entry(deed).canonical())
        assert (read["actor"], read["asked"], read["count"]) == (name, asked, count)


def test_a_row_is_bounded() -> None:
    made = entry(Deed(ACTOR, Act.SEARCH_RECORDS, 0, ("ab" * 32,) * 1000, asked="x" * 10_000))
    assert (len(made.subjects), len(made.asked or "")) == (MAX_SUBJECTS, MAX_ASKED)


@given(st.integers(0, 70))
def test_the_root_is_that_of_the_logs_tree(size: int) -> None:
    leaves = [merkle.leaf_hash(bytes([number])) for number in range(size)]
    nodes: dict[tuple[int, int], bytes] = {}

    def read(level: int, position: int) -> bytes:
        return nodes[level, position]

    for index, leaf in enumerate(leaves):
        nodes.update({(level, position): value for level, position, value in merkle.appended(index, leaf, read)})
    assert batch_root(leaves) == merkle.root(size, read)
