"""The own test fires in a folder, as evaluation reads them; what is left out is told."""

from __future__ import annotations

import csv
import errno
import hashlib
import os
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

import matcher
from exchange.errors import Conflict, InvalidInput
from exchange.flows.log.audit_rows import CONSOLE
from exchange.flows.truth import export_folder
from exchange.flows.truth.export import Exported, export_truth
from exchange.store.tables.log import AuditRow
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow
from exchange.store.terms.withdrawals import restrict
from matcher.evaluate.run_evaluation import read_truth
from matcher.synthetic import breech_face
from schemas.vocabulary import HandlingCode
from tests.exchange.flows.truth.laboratory import Laboratory, laboratory

pytestmark = pytest.mark.slow
Usage = namedtuple("Usage", "total used free")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """Two test fires of one firearm, and one of each of two others."""
    folder = tmp_path_factory.mktemp("export")
    with laboratory(folder / "node") as made:
        for firearm, shot in ((1, 1), (1, 2), (2, 1), (3, 1)):
            path = folder / f"{firearm}-{shot}.x3p"
            matcher.write_topography(breech_face.draw(firearm, shot), path, instrument="=Scope A")
            made.register(path, f"F-{firearm}")
        yield made


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def export(own: Laboratory, folder: Path, **how: object) -> Exported:
    return export_truth(own.node, CONSOLE, folder, **how)  # type: ignore[arg-type]


def no_room(_path: Path, *_given: object, **_how: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def deeds(own: Laboratory) -> list[tuple[int, str]]:
    with own.node.store.read() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.act == "export-truth"))
        return [(row.count, row.actor) for row in rows]


def test_what_is_written_is_what_evaluation_reads(own: Laboratory, tmp_path: Path) -> None:
    folder = tmp_path / "truth"
    done = export(own, folder)
    assert (done.regions, done.firearms, done.alone, done.written) == ({"breech_face": 4}, 3, 2, 4)
    firearms = read_truth(folder / "breech_face" / "truth.csv")
    assert sorted(firearms.values()) == ["ffp-rs/F-1", "ffp-rs/F-1", "ffp-rs/F-2", "ffp-rs/F-3"]
    for row in rows_of(folder / "breech_face" / "truth.csv"):
        content = (folder / "breech_face" / f"{row['scan']}.x3p").read_bytes()
        assert hashlib.sha256(content).hexdigest() == row["sha256"]
        assert row["instrument"] == "'=Scope A", "no spreadsheet computes it"
    assert rows_of(folder / "left-out.csv") == []
    assert deeds(own)[-1] == (4, "console")


def test_broken_off_it_goes_on(own: Laboratory, tmp_path: Path) -> None:
    folder = tmp_path / "truth"
    export(own, folder)
    first, second, *_ = sorted((folder / "breech_face").glob("*.x3p"))
    first.unlink()
    second.write_bytes(b"half")
    (folder / "breech_face" / f"{first.name}.part").write_bytes(b"half")
    (folder / "breech_face" / "truth.csv").unlink()
    done = export(own, folder)
    assert (done.written, done.regions) == (2, {"breech_face": 4})
    assert not list(folder.rglob("*.part"))
    assert export(own, folder).written == 0


def test_a_folder_with_other_things_is_left_alone(own: Laboratory, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(InvalidInput, match="holds other things"):
        export(own, tmp_path)
    folder = tmp_path / "truth"
    export(own, folder)
    (folder / "breech_face" / "notes.txt").write_text("mine")
    with pytest.raises(InvalidInput, match=r"breech_face/notes\.txt"):
        export(own, folder)
    assert (tmp_path / "letter.txt").read_text() == "dear"


def test_a_disk_without_room_is_told_before_anything_is_copied(
    own: Laboratory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "truth"
    export(own, folder)
    [first, *_] = (folder / "breech_face").glob("*.x3p")
    first.unlink()
    monkeypatch.setattr(export_folder.shutil, "disk_usage", lambda _path: Usage(2**30, 2**30 - 5, 5))
    with pytest.raises(InvalidInput, match=r"1 scans take \d+ MiB, and 0 MiB are free"):
        export(own, folder)
    assert (folder / "breech_face" / "truth.csv").exists(), "the earlier export is as it was"


def test_a_disk_that_fills_while_the_mark_is_written_leaves_no_folder_that_is_refused_for_ever(
    own: Laboratory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "truth"
    export(own, folder)
    with monkeypatch.context() as full:
        full.setattr(Path, "replace", no_room)
        full.setattr(Path, "write_text", no_room)
        with pytest.raises(OSError, match="No space left"):
            export(own, folder)
    assert not list(folder.rglob("*.part"))
    (tmp_path / "killed").mkdir()
    (tmp_path / "killed" / "export.json.part").write_text("{")
    assert export(own, folder).regions == export(own, tmp_path / "killed").regions == {"breech_face": 4}


def test_of_two_exports_into_one_folder_the_second_waits(own: Laboratory, tmp_path: Path) -> None:
    folder, refused = tmp_path / "truth", []

    def again(done: int, _total: int) -> None:
        if done == 1:
            with pytest.raises(Conflict, match="Another export writes"):
                export(own, folder)
            refused.append(done)

    assert export(own, folder, show=again).written == 4
    assert refused == [1]


def test_what_is_withdrawn_while_others_are_copied_does_not_stay(own: Laboratory, tmp_path: Path) -> None:
    folder = tmp_path / "truth"
    with own.node.store.read() as session:
        records = [row.statement_id for row in session.scalars(select(RecordRow).order_by(RecordRow.sequence.desc()))]

    def withdraw(done: int, _total: int) -> None:
        if done == 1:
            with own.node.store.write() as session:
                restrict(session, records[0])

    try:
        done = export(own, folder, show=withdraw)
    finally:
        with own.node.store.write() as session:
            session.execute(update(RecordRow).values(restricted=False))
    assert (done.regions, done.written, done.removed) == ({"breech_face": 3}, 3, 1)
    assert done.left_out == {"withdrawn, superseded or restricted while it was copied": 1}
    assert len(list((folder / "breech_face").glob("*.x3p"))) == len(rows_of(folder / "breech_face" / "truth.csv")) == 3


def test_what_is_left_out_is_told_and_taken_out_again(own: Laboratory, tmp_path: Path) -> None:
    folder = tmp_path / "truth"
    export(own, folder)
    with own.node.store.read() as session:
        records = [row.statement_id for row in session.scalars(select(RecordRow).order_by(RecordRow.sequence))]
        scans = [row.sha256 for row in session.scalars(select(AcquisitionRow).order_by(AcquisitionRow.acquisition_id))]
    with own.node.store.write() as session:
        restrict(session, records[0])
        session.execute(update(RecordRow).where(RecordRow.statement_id == records[1]).values(superseded_by="ab" * 32))
        gone = AcquisitionRow.statement_id == records[2]
        session.execute(update(AcquisitionRow).where(gone).values(delivered_at=None))
    try:
        done = export(own, folder)
    finally:
        with own.node.store.write() as session:
            session.execute(update(RecordRow).values(restricted=False, superseded_by=None))
            session.execute(update(AcquisitionRow).where(gone).values(delivered_at="2026-01-01T00:00:00.000Z"))
    assert done.left_out == {"restricted by a court": 1, "scan not here": 1, "superseded by a newer version": 1}
    assert (done.regions, done.removed) == ({"breech_face": 1}, 3)
    assert [path.stem for path in folder.glob("*/*.x3p")] == [scans[3][:16]]
    assert {row["why"] for row in rows_of(folder / "left-out.csv")} == set(done.left_out)


def test_peers_by_their_handling(own: Laboratory, tmp_path: Path) -> None:
    with own.node.store.read() as session:
        records = [row.statement_id for row in session.scalars(select(RecordRow).order_by(RecordRow.sequence))]
    with own.node.store.write() as session:
        for record, handling in ((records[0], "H1"), (records[1], "H2")):
            peers = {"issuer": "ffp-mk", "handling": handling}
            session.execute(update(RecordRow).where(RecordRow.statement_id == record).values(**peers))
    try:
        assert export(own, tmp_path / "own").regions == {"breech_face": 2}
        freely = export(own, tmp_path / "freely", peers=True)
        assert freely.regions == {"breech_face": 3}
        assert freely.left_out == {"handling H2 of a peer's record": 1}
        allowed = export(own, tmp_path / "allowed", peers=True, handling={HandlingCode.H1, HandlingCode.H2})
        assert allowed.regions == {"breech_face": 4}
        names = set(read_truth(tmp_path / "allowed" / "breech_face" / "truth.csv").values())
        assert names == {"ffp-mk/F-1", "ffp-rs/F-2", "ffp-rs/F-3"}
    finally:
        with own.node.store.write() as session:
            session.execute(update(RecordRow).values(issuer="ffp-rs", handling="H0"))
