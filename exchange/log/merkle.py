"""The Merkle tree of a log: hashing, proofs and their verification (RFC 9162 section 2.1, as in RFC 6962).

What is stored are the hashes of the *complete* subtrees, each addressed by (level, index): that subtree has
the leaves index * 2**level up to, not including, (index + 1) * 2**level. A complete subtree never changes, so
a store only ever inserts rows, less than two a leaf on average, and the rest is folded from O(log size) of them.

Leaf data is the SHA-256 of an envelope; `leaf_hash` of it is what the tree, its proofs and its tiles hold.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

from exchange.errors import ProofInvalid

HASH_BYTES: Final = 32
MAX_PROOF_HASHES: Final = 64
"""Bounded before any hashing: the longest proof of a tree below MAX_SIZE has 64 hashes."""
MAX_SIZE: Final = 2**63 - 1
"""Sizes and indices fit a signed 64-bit column."""
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
"""The root of a tree without leaves (RFC 9162 2.1.1)."""

Read = Callable[[int, int], bytes]
"""The store's answer to (level, index): the 32-byte hash of that complete subtree, which it must hold."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf: SHA-256(0x00 || data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def appended(size_before: int, leaf: bytes, read: Read) -> list[tuple[int, int, bytes]]:
    """The complete subtrees which the new last leaf completes, as (level, index, hash), lowest level first.

    `leaf` is the leaf's hash. The first row is the leaf itself; each right-hand child that is now complete
    brings one row of the level above it. The store inserts them all in the transaction that appends the leaf.
    """
    if not 0 <= size_before < MAX_SIZE:
        raise ValueError(f"a log of size {size_before} takes no leaf")
    rows = [(0, size_before, leaf)]
    level, index, subtree = 0, size_before, leaf
    while index & 1:
        subtree = node_hash(read(level, index - 1), subtree)
        level, index = level + 1, index >> 1
        rows.append((level, index, subtree))
    return rows


def root(size: int, read: Read) -> bytes:
    """The root hash of the first `size` leaves."""
    if not 0 <= size <= MAX_SIZE:
        raise ValueError(f"no log has the size {size}")
    return EMPTY_ROOT if size == 0 else _last_below(size.bit_length(), size, read)


def inclusion_proof(index: int, size: int, read: Read) -> list[bytes]:
    """The hashes that lead from leaf `index` to the root of size `size`, lowest first (RFC 9162 2.1.3.1)."""
    if not 0 <= index < size <= MAX_SIZE:
        raise ValueError(f"a log of size {size} has no leaf {index}")
    return _path(0, index, size, read)


def consistency_proof(old: int, new: int, read: Read) -> list[bytes]:
    """The hashes that show the tree of size `new` to begin with the tree of size `old` (RFC 9162 2.1.4.1).

    `old` is at least 1: everything begins with the empty tree, and no proof could say more.
    """
    if not 0 < old <= new <= MAX_SIZE:
        raise ValueError(f"there is no proof from size {old} to size {new}")
    if old == new:
        return []
    level, index = _last_subtree(old)
    path = _path(level, index, new, read)
    # A power of two is one complete subtree: its hash is the old root, which the verifier has.
    return path if index == 0 else [read(level, index), *path]


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root_hash: bytes) -> None:
    """Check that `leaf`, a leaf's hash, stands at `index` of the tree of this size and root (RFC 9162 2.1.3.2).

    Raises ProofInvalid when it does not.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise ProofInvalid(f"a log of size {size} has no leaf {index}")
    _check_hashes(proof, leaf, root_hash)
    if _climbed(index, size, proof, leaf)[1] != root_hash:
        raise ProofInvalid(f"leaf {index} does not lead to the root of size {size}")


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree of size `new` goes on from the tree of size `old` (RFC 9162 2.1.4.2).

    Raises ProofInvalid when it does not, and always when `old` is 0: that would prove nothing, so whoever has seen
    no head yet, or that of an empty log, must not ask.
    """
    if not 0 <= old <= new <= MAX_SIZE:
        raise ProofInvalid(f"no log grows from size {old} to size {new}")
    _check_hashes(proof, old_root, new_root)
    if old == 0:
        raise ProofInvalid("nothing is proved by consistency with the empty log")
    if old == new:
        if proof or old_root != new_root:
            raise ProofInvalid(f"two different heads of one size, {new}")
        return
    level, index = _last_subtree(old)
    if index == 0:
        start, path = old_root, proof
    elif proof:
        start, path = proof[0], proof[1:]
    else:
        raise ProofInvalid(f"the proof from size {old} to size {new} is empty")
    beginning, whole = _climbed(index, ((new - 1) >> level) + 1, path, start)
    if beginning != old_root:
        raise ProofInvalid(f"the proof does not lead to the root of the old size {old}")
    if whole != new_root:
        raise ProofInvalid(f"the proof does not lead to the root of the new size {new}")


class Growing:
    """A tree while its leaves are read in order: of each level the last complete subtree, no more."""

    def __init__(self) -> None:
        self._last: dict[int, tuple[int, bytes]] = {}

    def append(self, index: int, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """As `appended`, for the leaf that follows those before."""
        completed = appended(index, leaf, self._read)
        self._last.update({level: (position, value) for level, position, value in completed})
        return completed

    def root(self, size: int) -> bytes:
        """The root of all leaves so far, of which there are `size`."""
        return root(size, self._read)

    def _read(self, level: int, position: int) -> bytes:
        known, value = self._last[level]
        if known != position:
            raise ValueError(f"of level {level} the subtree {known} is known, not {position}")
        return value


def _path(level: int, index: int, size: int, read: Read) -> list[bytes]:
    """The siblings on the way from the complete subtree (level, index) to the root of `size` leaves."""
    path = []
    last = (size - 1) >> level
    while last:
        sibling = index ^ 1
        if sibling <= last:
            complete = (sibling + 1) << level <= size
            path.append(read(level, sibling) if complete else _last_below(level, size, read))
        # Without a sibling the node itself stands one level higher.
        level, index, last = level + 1, index >> 1, last >> 1
    return path


def _last_below(level: int, size: int, read: Read) -> bytes:
    """The hash of the last size mod 2**level leaves (at least one): an incomplete subtree of that level."""
    folded = None
    for height in range(level):
        if size >> height & 1:
            subtree = read(height, (size >> height) - 1)
            folded = subtree if folded is None else node_hash(subtree, folded)
    if folded is None:
        raise ValueError(f"no leaves are left of size {size} below level {level}")
    return folded


def _last_subtree(size: int) -> tuple[int, int]:
    """(level, index) of the largest complete subtree that ends with leaf `size` - 1."""
    level = (size & -size).bit_length() - 1
    return level, (size >> level) - 1


def _climbed(index: int, width: int, path: Sequence[bytes], start: bytes) -> tuple[bytes, bytes]:
    """Climb from node `index` of a row of `width` nodes to the top of the tree.

    Returns the root of all that stands up to and including the node, and the root of the whole row.
    Raises ProofInvalid unless the path has exactly the hashes that the way needs.
    """
    beginning = whole = start
    last = width - 1
    for sibling in path:
        if last == 0:
            raise ProofInvalid("the proof has more hashes than the tree has levels")
        if index & 1 or index == last:
            # A node without a right sibling waits until it is itself a right child.
            rises = (index & -index).bit_length() - 1 if index else 0
            index, last = index >> rises, last >> rises
            beginning, whole = node_hash(sibling, beginning), node_hash(sibling, whole)
        else:
            whole = node_hash(whole, sibling)
        index, last = index >> 1, last >> 1
    if last:
        raise ProofInvalid("the proof has fewer hashes than the tree has levels")
    return beginning, whole


def _check_hashes(proof: Sequence[bytes], *others: bytes) -> None:
    """Bounds first, before anything is hashed."""
    if len(proof) > MAX_PROOF_HASHES:
        raise ProofInvalid(f"a proof has at most {MAX_PROOF_HASHES} hashes, this one {len(proof)}")
    if any(len(value) != HASH_BYTES for value in (*others, *proof)):
        raise ProofInvalid(f"every hash has {HASH_BYTES} bytes")
