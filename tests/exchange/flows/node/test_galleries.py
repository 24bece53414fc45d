"""The node's galleries follow its database, and what is damaged, lost or foreign in them costs no pair."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

import matcher
from exchange.errors import ComputeFailed
from exchange.flows.node.galleries import Galleries
from exchange.flows.node.pipelines import GALLERIES
from exchange.flows.scan.correlate import correlate_acquisition
from exchange.flows.scan.gallery_upkeep import restore_galleries
from exchange.flows.scan.prepared_scans import acquisition_id_of
from exchange.store.tables.record_tables import AcquisitionRow, CandidateRow
from schemas.vocabulary import Jurisdiction
from tests.exchange.running_nodes import RunningNode, node_starter

pytestmark = pytest.mark.slow

BREECH_FACE = matcher.DEFAULT_PARAMETERS
NAMES = ("1-1", "1-2", "2-1")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, scans: dict[str, Path]) -> Path:
    """The home of a node with three scans, correlated; the node is stopped."""
    folder = tmp_path_factory.mktemp("galleries")
    with pytest.MonkeyPatch.context() as monkeypatch, node_starter(folder, monkeypatch) as start:
        node = start(Jurisdiction.RS)
        for name in NAMES:
            assert node.submit(scans[name], case_reference=f"RS-{name}").status_code == 201
        node.wait_correlated(len(NAMES))
        node.wait_for(lambda status: not status["jobs"])
        node.stop()
        return node.node.settings.home


@pytest.fixture
def rs(home: Path, tmp_path: Path, start_node: Callable[..., RunningNode]) -> RunningNode:
    """That node, in a copy of its home, running."""
    shutil.copytree(home, tmp_path / home.name)
    return start_node(Jurisdiction.RS)


def held(node: RunningNode) -> list[int]:
    """The acquisitions in the gallery of breech faces."""
    gallery = matcher.Gallery(node.node.galleries.folder(BREECH_FACE))
    return sorted(acquisition_id_of(name) for name in gallery.references())


def test_processes_of_a_node_write_to_its_galleries_in_turn(rs: RunningNode) -> None:
    """One that emptied a gallery is known to the others, whose answers may lack something until it is filled again."""
    other = Galleries(rs.node.settings.galleries)
    rs.node.galleries.share(with_others=True)
    assert held(rs) == [1, 2, 3]
    with other.changing(BREECH_FACE) as writer:
        assert len(writer.references()) == len(held(rs))
        waits = threading.Thread(target=restore_galleries, args=(rs.node,))
        other.distrust(BREECH_FACE, other.times_emptied(BREECH_FACE))
    with other.changing(BREECH_FACE) as writer:
        assert writer.references() == []
        assert not rs.node.galleries.is_whole(BREECH_FACE)
        waits.start()
        waits.join(0.5)
        assert waits.is_alive(), "it waits for its turn"
    waits.join(30)
    assert held(rs) == [1, 2, 3]
    assert rs.node.galleries.is_whole(BREECH_FACE)
    other.close()


def forget_pairs(node: RunningNode) -> None:
    with node.node.store.write() as session:
        for row in session.scalars(select(CandidateRow)):
            session.delete(row)


def correlate_all(node: RunningNode) -> None:
    forget_pairs(node)
    for acquisition in (1, 2, 3):
        correlate_acquisition(node.node, acquisition)


def pairs(node: RunningNode) -> list[tuple[int, int]]:
    with node.node.store.read() as session:
        rows = session.scalars(select(CandidateRow)).all()
    return sorted((row.acquisition_a, row.acquisition_b) for row in rows)


def shard(node: RunningNode) -> Path:
    [found] = node.node.galleries.folder(BREECH_FACE).glob("*/shard-*")
    return found


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    with path.open("r+b") as file:  # in place: the node has the file open
        file.write(content)


def lose_folder(node: RunningNode) -> None:
    shutil.rmtree(node.node.galleries.folder(BREECH_FACE))


DAMAGE: dict[str, Callable[[RunningNode], object]] = {
    "a prepared scan": lambda node: flip(shard(node) / "blobs", 3000),
    "a row": lambda node: flip(shard(node) / "rows", 10),
    "the head": lambda node: (shard(node) / "head").write_bytes(b"x" * 64),
    "the manifest": lambda node: (shard(node).parent / "manifest").write_bytes(b"x"),
    "all of it": lose_folder,
}


@pytest.mark.parametrize(
    ("damage", "restarted"),
    [
        ("a prepared scan", False),
        ("the manifest", False),
        ("all of it", False),
        ("a row", True),  # rows are checked once a process
        ("the head", True),
        ("all of it", True),
    ],
)
def test_damage_costs_no_pair(
    rs: RunningNode, start_node: Callable[..., RunningNode], damage: str, restarted: bool
) -> None:
    correlate_all(rs)  # so the node and its process have read what is damaged now
    if restarted:
        rs.stop()
    DAMAGE[damage](rs)
    if restarted:
        rs = start_node(Jurisdiction.RS)
    correlate_all(rs)
    assert [set(pair) for pair in pairs(rs)] == [{1, 2}, {1, 3}, {2, 3}]
    assert held(rs) == [1, 2, 3]
    assert matcher.Gallery(rs.node.galleries.folder(BREECH_FACE)).verify() == ()


def test_at_its_start_a_node_brings_its_galleries_up_to_date(
    rs: RunningNode, start_node: Callable[..., RunningNode], scans: dict[str, Path]
) -> None:
    """A backup of the database is restored: what it lacks goes, what it has comes back; other releases' go."""
    rs.stop()
    folder = rs.node.galleries.folder(BREECH_FACE)
    with matcher.GalleryWriter(folder) as writer:
        writer.remove([name for name in writer.references() if acquisition_id_of(name) == 2])
        foreign = matcher.Reference(bytes(24) + (3).to_bytes(8, "big"), "9x19", "breech_face", "topography", "RS")
        writer.append([(foreign, matcher.prepare(matcher.read_topography(scans["3-1"])))])
    older = folder.with_name("0" * 64)
    shutil.copytree(folder, older)
    rs = start_node(Jurisdiction.RS)
    restore_galleries(rs.node)
    assert held(rs) == [1, 2, 3]
    assert foreign.reference not in matcher.Gallery(folder).references()
    assert sorted(rs.node.settings.galleries.iterdir()) == sorted(map(rs.node.galleries.folder, GALLERIES))


def test_a_superseded_version_makes_room(rs: RunningNode, scans: dict[str, Path]) -> None:
    with rs.node.store.read() as session:
        old = session.get_one(AcquisitionRow, 1).statement_id
    rs.submit(scans["1-1"], supersedes=old, case_reference="RS-1-1")
    rs.wait_correlated(4)
    assert held(rs) == [2, 3, 4]
    correlate_acquisition(rs.node, 1)
    assert held(rs) == [2, 3, 4], "also when the old version comes late"


def test_one_scan_in_two_records_is_two_references(rs: RunningNode, scans: dict[str, Path]) -> None:
    rs.submit(scans["1-1"], case_reference="RS-AGAIN")
    rs.wait_correlated(4)
    assert held(rs) == [1, 2, 3, 4]
    assert {1, 4} in [set(pair) for pair in pairs(rs)]


def test_a_scan_that_is_lost_is_left_out(rs: RunningNode, start_node: Callable[..., RunningNode]) -> None:
    """The rest goes on: one lost scan must not stop all others."""
    with rs.node.store.read() as session:
        lost = session.get_one(AcquisitionRow, 2).sha256
    rs.stop()
    lose_folder(rs)
    rs.node.blobs.path(lost).unlink()
    for prepared in rs.node.settings.prepared.glob("??/*"):
        prepared.unlink()
    rs = start_node(Jurisdiction.RS)
    restore_galleries(rs.node)
    assert held(rs) == [1, 3]


def test_a_stopped_node_changes_nothing(rs: RunningNode) -> None:
    rs.stop()
    with pytest.raises(ComputeFailed, match="stopping"):
        restore_galleries(rs.node)
    with matcher.GalleryWriter(rs.node.galleries.folder(BREECH_FACE)) as writer:
        assert len(writer) == len(NAMES)
