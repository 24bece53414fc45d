"""The static copy of a log: believed from its files and the log's two keys alone, and made up bit by bit."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.errors import Conflict, NotFound, ProofInvalid
from exchange.flows.log.publishing import PublishedLog, publish_log
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.node.node import Node, create_node, open_node
from exchange.log import merkle
from exchange.log.checkpoint import Checkpoint, open_checkpoint
from exchange.log.tiles import TILE_WIDTH, Tile, tiles_of
from exchange.log.timestamp import make_request, parse_roots, verify_reply
from exchange.store.log.stamps import add_stamp
from exchange.store.log.statement_rows import append_own, latest_checkpoint
from schemas import Envelope, parse_statement
from schemas.vocabulary import Jurisdiction
from tests.exchange.flows.owner import Owner, make_owner
from tests.exchange.log.authority import Authority
from tests.schemas.examples import encoded, record_fields


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[Owner]:
    made = make_owner(tmp_path / "node")
    made.publish()
    yield made
    made.node.close()


def grow(node: Node, count: int) -> list[Envelope]:
    """That many leaves, as fast as they can be had: one envelope, told apart by spaces behind it."""
    statement = parse_statement(encoded(record_fields(issuer=node.node_id)))
    envelope = node.keys.statement.sign(encoded(record_fields(issuer=node.node_id, nonce=os.urandom(32).hex())))
    made = []
    with node.store.write() as session:
        for number in range(count):
            raw = envelope.raw + b" " * (number + 1)
            made.append(Envelope(raw=raw, payload=envelope.payload, signatures=envelope.signatures))
            name = hashlib.sha256(raw + os.urandom(8)).hexdigest()
            append_own(session, name, statement, "record", made[-1])
    sign_head(node)
    return made


class StaticCopy:
    """What anybody makes of the files, with no more than the log's name and keys."""

    def __init__(self, folder: Path, node: Node) -> None:
        self.folder, self._node = folder, node
        self.tiles_read: set[str] = set()
        self.head = self.checkpoint()

    def checkpoint(self) -> Checkpoint:
        keys = self._node.keys.log
        return open_checkpoint(
            (self.folder / "checkpoint").read_bytes(),
            self._node.card.log_origin,
            keys.ed25519.public_key(),
            keys.ml_dsa.public_key(),
        )

    def read(self, level: int, index: int) -> bytes:
        """The hash of a complete subtree: in a tile of its level, or folded from the tile below."""
        if level % 8:
            return merkle.node_hash(self.read(level - 1, 2 * index), self.read(level - 1, 2 * index + 1))
        held = self.head.size >> level
        place, offset = divmod(index, TILE_WIDTH)
        tile = Tile(level // 8, place, min(TILE_WIDTH, held - place * TILE_WIDTH))
        self.tiles_read.add(tile.path)
        content = (self.folder / tile.path).read_bytes()
        assert len(content) == 32 * tile.width
        return content[32 * offset : 32 * offset + 32]

    def verify_whole(self) -> None:
        assert merkle.root(self.head.size, self.read) == self.head.root


@pytest.mark.slow
def test_a_static_copy_verifies_from_its_files_alone(owner: Owner, tmp_path: Path) -> None:
    """The head, then, when the log has grown over a full tile, that it goes on from the head before; each leaf."""
    folder = tmp_path / "static"
    grow(owner.node, 250)
    assert publish_log(owner.node, folder) == PublishedLog(size=252, written=1, kept=0)
    before = StaticCopy(folder, owner.node)
    before.verify_whole()

    late = grow(owner.node, 300)
    publish_log(owner.node, folder)
    copy = StaticCopy(folder, owner.node)
    copy.verify_whole()
    assert copy.head.size == 552
    proof = merkle.consistency_proof(before.head.size, copy.head.size, copy.read)
    merkle.verify_consistency(before.head.size, copy.head.size, before.head.root, copy.head.root, proof)
    for index, envelope in ((252, late[0]), (255, late[3]), (256, late[4]), (551, late[299])):
        way = merkle.inclusion_proof(index, copy.head.size, copy.read)
        merkle.verify_inclusion(index, copy.head.size, merkle.leaf_hash(envelope.leaf_data), way, copy.head.root)
        with pytest.raises(ProofInvalid):
            merkle.verify_inclusion(index, copy.head.size, merkle.leaf_hash(late[9].leaf_data), way, copy.head.root)
    assert copy.tiles_read == {"tile/0/000", "tile/0/001", "tile/0/002.p/40", "tile/1/000.p/2"}


def test_only_what_is_new_is_written_and_what_a_full_tile_replaces_goes(owner: Owner, tmp_path: Path) -> None:
    folder = tmp_path / "static"
    publish_log(owner.node, folder)
    grow(owner.node, 252)
    publish_log(owner.node, folder)
    assert files(folder) == {"checkpoint", "tile/0/000.p/2", "tile/0/000.p/254"}, "those of earlier heads stay"
    grow(owner.node, 2)
    assert publish_log(owner.node, folder) == PublishedLog(size=256, written=2, kept=0)
    assert files(folder) == {"checkpoint", "tile/0/000", "tile/1/000.p/1"}
    full = folder / "tile/0/000"
    stood = full.stat().st_mtime_ns, full.stat().st_ino
    grow(owner.node, 1)
    assert publish_log(owner.node, folder) == PublishedLog(size=257, written=1, kept=2)
    assert (full.stat().st_mtime_ns, full.stat().st_ino) == stood
    assert files(folder) == {"checkpoint", *(tile.path for tile in tiles_of(257))}
    assert publish_log(owner.node, folder) == PublishedLog(size=257, written=0, kept=3)


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_file_that_was_left_short_is_made_whole(owner: Owner, tmp_path: Path) -> None:
    folder = tmp_path / "static"
    publish_log(owner.node, folder)
    (folder / "tile/0/000.p/2").write_bytes(b"")
    assert publish_log(owner.node, folder).written == 1
    StaticCopy(folder, owner.node).verify_whole()


def test_time_stamps_go_with_the_heads_that_they_are_of(owner: Owner, tmp_path: Path) -> None:
    folder, authority = tmp_path / "static", Authority(tmp_path / "authority")
    with owner.node.store.read() as session:
        head = latest_checkpoint(session)
    assert head is not None
    reply = authority.reply(make_request(head.note).as_bytes())
    stamp = verify_reply(reply, head.note, parse_roots(authority.roots.read_bytes()), nonce=None)
    with owner.node.store.write() as session:
        add_stamp(session, head.size, stamp)
    owner.publish()
    publish_log(owner.node, folder)
    assert files(folder) == {"checkpoint", "tile/0/000.p/3", "stamp/2.tsr", "stamp/2.note"}
    assert authority.accepts((folder / "stamp/2.tsr").read_bytes(), (folder / "stamp/2.note").read_bytes())
    assert publish_log(owner.node, folder) == PublishedLog(size=3, written=0, kept=3)


def test_a_web_server_may_read_the_files(owner: Owner, tmp_path: Path) -> None:
    folder = tmp_path / "static"
    before = os.umask(0o022)
    try:
        publish_log(owner.node, folder)
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()} == {0o644}


def test_the_copy_of_another_log_is_left_as_it_is(owner: Owner, tmp_path: Path) -> None:
    folder = tmp_path / "static"
    other = make_owner(tmp_path / "other", jurisdiction=Jurisdiction.MK, with_reader=False)
    publish_log(other.node, folder)
    other.node.close()
    before = (folder / "checkpoint").read_bytes()
    with pytest.raises(Conflict, match="holds the log ffp-mk"):
        publish_log(owner.node, folder)
    (folder / "checkpoint").write_bytes(b"another web site")
    with pytest.raises(Conflict, match="no signed head"):
        publish_log(owner.node, folder)
    (folder / "checkpoint").write_bytes(before)
    assert files(folder) == {"checkpoint", "tile/0/000.p/1"}


@pytest.mark.sqlite  # the copy of a home brings its database along
@pytest.mark.parametrize("grown", [0, 2])
def test_a_log_that_was_set_back_is_noticed(owner: Owner, tmp_path: Path, grown: int) -> None:
    """Whether it is still shorter than its copy, or has grown otherwise meanwhile."""
    folder, backup = tmp_path / "static", tmp_path / "backup"
    owner.node.close()
    shutil.copytree(owner.node.settings.home, backup)
    later = open_node(owner.node.settings.home)
    grow(later, 1)
    publish_log(later, folder)
    later.close()
    restored = open_node(backup)
    grow(restored, grown)
    with pytest.raises(Conflict, match="set back, or forked"):
        publish_log(restored, folder)
    assert StaticCopy(folder, restored).head.size == 3
    restored.close()


def test_before_the_first_head_there_is_nothing_to_publish(tmp_path: Path) -> None:
    create_node(tmp_path / "node", jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:9", port=9)
    node = open_node(tmp_path / "node")
    with pytest.raises(NotFound, match="serve the node first"):
        publish_log(node, tmp_path / "static")
    assert not (tmp_path / "static").exists()
    node.close()
