"""The Merkle tree against its recursive definition, at every size to 130, and the published vectors."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.errors import ProofInvalid
from exchange.log import merkle

LARGEST = 130
LEAVES = [merkle.leaf_hash(n.to_bytes(2, "big")) for n in range(300)]


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 9162 2.1.1, as it is written: split at the largest power of two below the size."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest()


def naive_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 9162 2.1.3.1."""
    if len(leaves) == 1:
        return []
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    if index < split:
        return [*naive_path(index, leaves[:split]), naive_root(leaves[split:])]
    return [*naive_path(index - split, leaves[split:]), naive_root(leaves[:split])]


def naive_subproof(old: int, leaves: list[bytes], *, whole: bool) -> list[bytes]:
    """RFC 9162 2.1.4.1."""
    if old == len(leaves):
        return [] if whole else [naive_root(leaves)]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    if old <= split:
        return [*naive_subproof(old, leaves[:split], whole=whole), naive_root(leaves[split:])]
    return [*naive_subproof(old - split, leaves[split:], whole=False), naive_root(leaves[:split])]


class Rows:
    """The complete subtrees of a log, as a store keeps them: inserted once, never changed."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.rows: dict[tuple[int, int], bytes] = {}
        for size, leaf in enumerate(leaves):
            for level, index, value in merkle.appended(size, leaf, self.read):
                assert (level, index) not in self.rows
                self.rows[level, index] = value

    def read(self, level: int, index: int) -> bytes:
        return self.rows[level, index]


@pytest.fixture(scope="module")
def rows() -> Rows:
    return Rows(LEAVES)


def test_the_hashes_of_the_empty_tree_a_leaf_and_a_node_are_those_of_the_standard() -> None:
    assert hashlib.sha256(b"").digest() == merkle.EMPTY_ROOT
    assert merkle.leaf_hash(b"") == hashlib.sha256(b"\x00").digest()
    assert merkle.node_hash(b"l" * 32, b"r" * 32) == hashlib.sha256(b"\x01" + b"l" * 32 + b"r" * 32).digest()


def test_every_stored_row_is_a_complete_subtree_and_every_complete_subtree_is_stored(rows: Rows) -> None:
    size = len(LEAVES)
    complete = {(level, index) for level in range(9) for index in range(size >> level)}
    assert set(rows.rows) == complete
    for (level, index), value in rows.rows.items():
        assert value == naive_root(LEAVES[index << level : (index + 1) << level])


def test_roots_of_every_size(rows: Rows) -> None:
    for size in range(LARGEST + 1):
        assert merkle.root(size, rows.read) == naive_root(LEAVES[:size])


def test_inclusion_of_every_leaf_in_every_size(rows: Rows) -> None:
    for size in range(1, LARGEST + 1):
        root = merkle.root(size, rows.read)
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, rows.read)
            merkle.verify_inclusion(index, size, LEAVES[index], proof, root)
            if size <= 40:
                assert proof == naive_path(index, LEAVES[:size])


def test_consistency_of_every_pair_of_sizes(rows: Rows) -> None:
    roots = [merkle.root(size, rows.read) for size in range(LARGEST + 1)]
    for new in range(1, LARGEST + 1):
        for old in range(1, new + 1):
            proof = merkle.consistency_proof(old, new, rows.read)
            merkle.verify_consistency(old, new, roots[old], roots[new], proof)
            if new <= 40:
                assert proof == naive_subproof(old, LEAVES[:new], whole=True)


def test_an_inclusion_proof_serves_one_place_in_one_size_alone(rows: Rows) -> None:
    for size in range(1, 34):
        root = merkle.root(size, rows.read)
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, rows.read)
            for other in range(size):
                if other != index:
                    with pytest.raises(ProofInvalid):
                        merkle.verify_inclusion(other, size, LEAVES[index], proof, root)
                    with pytest.raises(ProofInvalid):
                        merkle.verify_inclusion(index, size, LEAVES[other], proof, root)


def test_a_forked_log_has_no_consistency_proof(rows: Rows) -> None:
    fork = Rows([*LEAVES[:20], merkle.leaf_hash(b"another"), *LEAVES[21:64]])
    for old in range(21, 64):
        proof = merkle.consistency_proof(old, 64, fork.read)
        with pytest.raises(ProofInvalid):
            merkle.verify_consistency(old, 64, merkle.root(old, rows.read), merkle.root(64, fork.read), proof)


def test_a_single_altered_leaf_changes_the_root_of_every_size_that_holds_it() -> None:
    leaves = [*LEAVES[:5], merkle.leaf_hash(b"another"), *LEAVES[6:40]]
    altered, straight = Rows(leaves), Rows(LEAVES[:40])
    for size in range(41):
        same = merkle.root(size, altered.read) == merkle.root(size, straight.read)
        assert same == (size <= 5)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_flipped_bit_anywhere_in_an_inclusion_proof_is_refused(rows: Rows, data: st.DataObject) -> None:
    size = data.draw(st.integers(2, len(LEAVES)))
    index = data.draw(st.integers(0, size - 1))
    parts = [
        LEAVES[index],
        merkle.root(size, rows.read),
        *merkle.inclusion_proof(index, size, rows.read),
    ]
    leaf, root, *proof = flipped(parts, data)
    with pytest.raises(ProofInvalid):
        merkle.verify_inclusion(index, size, leaf, proof, root)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_flipped_bit_anywhere_in_a_consistency_proof_is_refused(rows: Rows, data: st.DataObject) -> None:
    new = data.draw(st.integers(2, len(LEAVES)))
    old = data.draw(st.integers(1, new - 1))
    parts = [
        merkle.root(old, rows.read),
        merkle.root(new, rows.read),
        *merkle.consistency_proof(old, new, rows.read),
    ]
    old_root, new_root, *proof = flipped(parts, data)
    with pytest.raises(ProofInvalid):
        merkle.verify_consistency(old, new, old_root, new_root, proof)


def flipped(parts: list[bytes], data: st.DataObject) -> list[bytes]:
    where = data.draw(st.integers(0, len(parts) - 1))
    bit = data.draw(st.integers(0, 255))
    value = bytearray(parts[where])
    value[bit // 8] ^= 1 << bit % 8
    return [*parts[:where], bytes(value), *parts[where + 1 :]]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_proof_with_a_hash_more_or_less_is_refused(rows: Rows, data: st.DataObject) -> None:
    size = data.draw(st.integers(2, len(LEAVES)))
    index = data.draw(st.integers(0, size - 1))
    root, proof = merkle.root(size, rows.read), merkle.inclusion_proof(index, size, rows.read)
    at = data.draw(st.integers(0, len(proof) - 1))
    for altered in ([*proof[:at], root, *proof[at:]], [*proof, root]):
        with pytest.raises(ProofInvalid, match="more hashes"):
            merkle.verify_inclusion(index, size, LEAVES[index], altered, root)
    with pytest.raises(ProofInvalid, match="fewer hashes"):
        merkle.verify_inclusion(index, size, LEAVES[index], proof[:at] + proof[at + 1 :], root)


@settings(max_examples=100, deadline=None)
@given(size=st.integers(1, merkle.MAX_SIZE), data=st.data())
def test_trees_of_any_size_prove_and_verify_in_few_reads(size: int, data: st.DataObject) -> None:
    """All leaves are alike here, so that a complete subtree's hash follows from its level, at any size."""
    of_level = [merkle.leaf_hash(b"alike")]
    for _ in range(63):
        of_level.append(merkle.node_hash(of_level[-1], of_level[-1]))
    reads = []

    def read(level: int, index: int) -> bytes:
        assert (index + 1) << level <= size
        reads.append((level, index))
        return of_level[level]

    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    whole, beginning = merkle.root(size, read), merkle.root(old, read)
    proof = merkle.inclusion_proof(index, size, read)
    consistency = merkle.consistency_proof(old, size, read)
    assert len(proof) <= 63
    assert len(consistency) <= merkle.MAX_PROOF_HASHES
    assert len(reads) <= 6 * 64
    merkle.verify_inclusion(index, size, of_level[0], proof, whole)
    merkle.verify_consistency(old, size, beginning, whole, consistency)


def test_overlong_proofs_are_refused_before_anything_is_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    def unexpected(left: bytes, right: bytes) -> bytes:
        raise AssertionError("hashed")

    monkeypatch.setattr(merkle, "node_hash", unexpected)
    long = [LEAVES[0]] * 65
    with pytest.raises(ProofInvalid, match="at most 64"):
        merkle.verify_inclusion(0, merkle.MAX_SIZE, LEAVES[0], long, LEAVES[1])
    with pytest.raises(ProofInvalid, match="at most 64"):
        merkle.verify_consistency(1, merkle.MAX_SIZE, LEAVES[0], LEAVES[1], long)


@pytest.mark.parametrize("where", range(3))
@pytest.mark.parametrize("length", [0, 31, 33])
def test_hashes_of_another_length_are_refused(rows: Rows, where: int, length: int) -> None:
    parts = [LEAVES[1], LEAVES[0], merkle.root(2, rows.read)]
    parts[where] = (parts[where] + b"\x00")[:length]
    leaf, sibling, root = parts
    with pytest.raises(ProofInvalid, match="32 bytes"):
        merkle.verify_inclusion(1, 2, leaf, [sibling], root)


def test_moving_the_border_between_two_hashes_is_refused(rows: Rows) -> None:
    joined = LEAVES[0] + LEAVES[1]
    with pytest.raises(ProofInvalid, match="32 bytes"):
        merkle.verify_inclusion(0, 2, joined[:33], [joined[33:]], merkle.root(2, rows.read))


@pytest.mark.parametrize(("index", "size"), [(-1, 4), (4, 4), (0, 0), (0, -1), (0, merkle.MAX_SIZE + 1)])
def test_places_outside_the_tree_are_refused(rows: Rows, index: int, size: int) -> None:
    with pytest.raises(ProofInvalid):
        merkle.verify_inclusion(index, size, LEAVES[0], [], LEAVES[0])
    with pytest.raises(ValueError, match="no leaf"):
        merkle.inclusion_proof(index, size, rows.read)


@pytest.mark.parametrize(("old", "new"), [(5, 4), (0, 4), (0, 0), (-1, 4), (1, merkle.MAX_SIZE + 1)])
def test_sizes_without_a_consistency_proof_are_refused(rows: Rows, old: int, new: int) -> None:
    with pytest.raises(ProofInvalid):
        merkle.verify_consistency(old, new, LEAVES[0], LEAVES[0], [])
    with pytest.raises(ValueError, match="no proof"):
        merkle.consistency_proof(old, new, rows.read)


@pytest.mark.parametrize("size", [-1, merkle.MAX_SIZE + 1])
def test_sizes_that_no_log_has_are_refused(rows: Rows, size: int) -> None:
    with pytest.raises(ValueError, match="size"):
        merkle.root(size, rows.read)
    with pytest.raises(ValueError, match="size"):
        merkle.appended(size, LEAVES[0], rows.read)


@pytest.mark.data
def test_the_published_vectors_are_accepted_and_refused_as_they_say(ffp_data: Path) -> None:
    seen = {"inclusion": [0, 0], "consistency": [0, 0]}
    for kind, counts in seen.items():
        for file in sorted((ffp_data / "merkle-vectors" / "testdata" / kind).rglob("*.json")):
            vector = json.loads(file.read_text())
            counts[vector["wantErr"]] += 1
            if vector["wantErr"]:
                assert is_refused(kind, vector), file
                # and for its own reason, not for the word in the place of a hash, unless it is about just that
                assert is_refused(kind, with_whole_hashes(vector)) or vector["desc"] == "empty root and leaf", file
            else:
                verify_vector(kind, with_whole_hashes(vector))
    assert seen == {"inclusion": [6, 92], "consistency": [6, 92]}
    files = [file for file in (ffp_data / "merkle-vectors" / "testdata").rglob("*") if file.is_file()]
    assert len(files) == sum(map(sum, seen.values())), "there are others, which nothing was asked about"


def is_refused(kind: str, vector: dict[str, Any]) -> bool:
    try:
        verify_vector(kind, vector)
    except ProofInvalid:
        return True
    return False


def verify_vector(kind: str, vector: dict[str, Any]) -> None:
    def raw(name: str) -> bytes:
        return base64.b64decode(vector[name])

    proof = [base64.b64decode(part) for part in vector["proof"] or []]
    if kind == "inclusion":
        merkle.verify_inclusion(vector["leafIdx"], vector["treeSize"], raw("leafHash"), proof, raw("root"))
    else:
        merkle.verify_consistency(vector["size1"], vector["size2"], raw("root1"), raw("root2"), proof)


def with_whole_hashes(vector: dict[str, Any]) -> dict[str, Any]:
    """Some vectors have words for hashes, too short to be accepted here: the hash of the word stands in for it."""
    words = {
        name: base64.b64encode(hashlib.sha256(b"word " + value.encode()).digest()).decode()
        for name, value in vector.items()
        if name in {"root", "leafHash", "root1", "root2"} and len(base64.b64decode(value)) != 32
    }
    return {**vector, **words}
