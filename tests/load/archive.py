"""A node with any number of references: signed records of three countries, in the database and in the galleries.

Each record names a scan of its own. The scans themselves are a few dozen drawn faces under that many names: their
bytes are linked, not copied, and the galleries' columns are those of mixtures, each unlike all others.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import matcher
from exchange.clock import stamp
from exchange.flows.keys.enrol import enrol, read_introduction
from exchange.flows.node.node import Node
from exchange.flows.node.pipelines import roles_of
from exchange.flows.scan.inspect import Appearance, PicturePaths, ThumbnailSize, prepare_scan
from exchange.flows.scan.prepared_scans import prepared_path, reference_name
from exchange.flows.scan.scan_thumbnail import picture_paths
from exchange.store.entry.record_rows import AcquisitionState, acquisitions_with_records, add_records
from exchange.store.log.statement_rows import add_statements, append_own, keep_log_check
from exchange.store.node.jobs import JobKind, promise
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow
from matcher import Prepared
from matcher.synthetic import breech_face
from matcher.synthetic.marks import Mixtures
from schemas import Envelope, Record, parse_statement
from schemas.statements import statement_id
from tests.exchange.open_policy import LEGAL_BASIS, allow_all
from tests.schemas.examples import acquisition_fields, encoded, exhibit_fields, record_fields

FACES = 48
A_TRANSACTION = 500
CHUNK = 2048
CALIBRES = ("9 mm Luger", "9 mm Luger", "9 mm Luger", "7.65 mm Browning", "9 mm Makarov")
HEIGHTS, PIPELINES = matcher.DEFAULT_PARAMETERS, (matcher.DEFAULT_PARAMETERS, matcher.RELIEF_PARAMETERS)


@dataclass(frozen=True)
class Face:
    """A drawn breech face: its scan's file, the prepared files of both pipelines, and its pictures."""

    scan: Path
    prepared: tuple[Path, ...]
    pictures: PicturePaths

    def loaded(self, pipeline: int) -> Prepared:
        return Prepared.from_bytes(self.prepared[pipeline].read_bytes())


def drawn(folder: Path, firearm: int, shot: int = 0) -> Face:
    """Made anew each time: the file is linked under as many names as there are records of it."""
    folder.mkdir(exist_ok=True)
    scan = folder / f"{firearm}-{shot}.x3p"
    matcher.write_topography(breech_face.draw(firearm, shot), scan, instrument="synthetic")
    prepared = []
    pictures = PicturePaths(
        {size: scan.with_suffix(f".{size}") for size in ThumbnailSize}, scan.with_suffix(".heights")
    )
    for pipeline in PIPELINES:
        prepared.append(scan.with_suffix(f".{pipeline.digest[:8]}"))
        prepare_scan(Appearance(scan, pipeline), prepared[-1], pictures=pictures if pipeline is HEIGHTS else None)
    return Face(scan, tuple(prepared), pictures)


class Archive:
    """Fills a node with records, its own and those of two peers that nobody serves."""

    def __init__(self, node: Node, peers: Sequence[Node], examiners: Sequence[str]) -> None:
        self.node, self._peers, self._examiners = node, peers, examiners
        self._numbers, self._places = itertools.count(1), {peer.node_id: itertools.count(1) for peer in peers}
        allow_all(node)
        for peer in peers:
            introduction = read_introduction(node, peer.card_envelope.raw)
            enrol(node, introduction, confirmed=introduction.fingerprint, legal_basis=LEGAL_BASIS)

    def add_own(self, count: int, faces: Sequence[Face], *, waiting: bool = False) -> list[int]:
        """This node's records, by its examiners in turn; those that wait are to be correlated once it is served.
        Returns their acquisitions' ids."""
        return self._add(self.node, count, faces, waiting=waiting)

    def add_peers(self, count: int, faces: Sequence[Face]) -> list[int]:
        """Records of the peers, half and half, that were received and correlated."""
        share = count // len(self._peers)
        sizes = [share] * (len(self._peers) - 1) + [count - share * (len(self._peers) - 1)]
        return [one for peer, size in zip(self._peers, sizes, strict=True) for one in self._add(peer, size, faces)]

    def _add(self, issuer: Node, count: int, faces: Sequence[Face], *, waiting: bool = False) -> list[int]:
        added: list[int] = []
        for start in range(0, count, A_TRANSACTION):
            signed = []
            for place in range(start, min(start + A_TRANSACTION, count)):
                face, number = faces[place % len(faces)], next(self._numbers)
                envelope, record = _signed(issuer, number, face, self._examiners[number % len(self._examiners)])
                signed.append((envelope, record, face))
            added += self._store(issuer, signed, waiting=waiting)
        return added

    def _store(self, issuer: Node, signed: list[tuple[Envelope, Record, Face]], *, waiting: bool) -> list[int]:
        named = [(statement_id(envelope.payload), record) for envelope, record, _ in signed]
        own = issuer is self.node
        with self.node.store.write() as session:
            if own:
                for (envelope, record, _), (name, _) in zip(signed, named, strict=True):
                    append_own(session, name, record, record.type, envelope)
            else:
                places = self._places[issuer.node_id]
                whole = zip(named, signed, strict=True)
                add_statements(session, [(n, r, r.type, e, next(places)) for (n, r), (e, _, _) in whole])
            ids = []
            state = AcquisitionState.QUEUED if waiting else AcquisitionState.CORRELATED
            if own:  # each by an examiner of its own
                for one in named:
                    ids += add_records(session, [one], submitted_by=one[1].made_by.pseudonym, state=state)
            else:
                ids += add_records(session, named, submitted_by=None, state=state)
            rows = acquisitions_with_records(session, ids)
            for acquisition_id, (_, _, face) in zip(ids, signed, strict=True):
                row = rows[acquisition_id][0]
                self._keep(row, face)
                if waiting:
                    promise(session, JobKind.CORRELATE, acquisition_id)
                else:
                    row.parameters, row.correlated_at = HEIGHTS.digest, stamp()
                    row.spacing_y_um = row.spacing_x_um = 6.25
        return ids

    def _keep(self, row: AcquisitionRow, face: Face) -> None:
        target = self.node.settings.blobs / row.sha256[:2] / row.sha256
        target.parent.mkdir(exist_ok=True)
        os.link(face.scan, target)
        for pipeline, prepared in zip(PIPELINES, face.prepared, strict=True):
            path = prepared_path(self.node, row, pipeline)
            path.parent.mkdir(exist_ok=True)
            os.link(prepared, path)
        named, drawn = picture_paths(self.node, row), face.pictures
        for size, picture in drawn.thumbnails.items():
            os.link(picture, named.thumbnails[size])
        if drawn.heights is not None and named.heights is not None:
            os.link(drawn.heights, named.heights)

    def fill_galleries(self, ids: Sequence[int], faces: Sequence[Face]) -> None:
        """Put acquisitions that count as correlated into both galleries."""
        for place, pipeline in enumerate(PIPELINES):
            loaded = [face.loaded(place) for face in faces]
            for start in range(0, len(ids), CHUNK):
                some = ids[start : start + CHUNK]
                with self.node.store.read() as session:
                    rows = acquisitions_with_records(session, some)
                with self.node.galleries.changing(pipeline) as writer:
                    writer.append(_entries([rows[one] for one in some], loaded, start, pipeline))

    def as_after_a_night(self) -> None:
        """Content at rest was just read: the daily check does not come while pages are timed."""
        with self.node.store.write() as session:
            keep_log_check(session, good=True, report='{"findings": []}')


def _entries(
    rows: Sequence[tuple[AcquisitionRow, RecordRow]], faces: Sequence[Prepared], seed: int, pipeline: matcher.Parameters
) -> Iterator[tuple[matcher.Reference, Prepared]]:
    mixed = Mixtures.drawn(faces, len(rows), seed)
    columns = zip(mixed.descriptors(), mixed.polar_rows(), strict=True)
    for place, ((acquisition, record), (descriptor, polar)) in enumerate(zip(rows, columns, strict=True)):
        [shown] = [role.shown for role in roles_of(acquisition) if role.pipeline == pipeline]
        for variant, label in shown.items():
            reference = matcher.Reference(
                reference_name(acquisition, variant),
                calibre=acquisition.calibre,
                region=label,
                modality=acquisition.modality,
                owner=record.issuer,
                date=date.fromisoformat(record.earliest) if record.earliest else None,
            )
            yield reference, replace(faces[place % len(faces)], descriptor=descriptor, polar=polar)


def _signed(issuer: Node, number: int, face: Face, examiner: str) -> tuple[Envelope, Record]:
    jurisdiction, day = issuer.settings.jurisdiction, f"2026-{number % 10 + 1:02d}-{number % 28 + 1:02d}"
    sha256 = hashlib.sha256(b"scan %d" % number).hexdigest()
    blob = {"sha256": sha256, "size": face.scan.stat().st_size, "media_type": "application/x-x3p"}
    calibre = CALIBRES[number % len(CALIBRES)]
    fields = record_fields(
        issuer=issuer.node_id,
        jurisdiction=jurisdiction,
        made_by={"pseudonym": examiner, "role": "examiner", "signed_in": "token"},
        nonce=secrets.token_hex(32),
        case_reference=f"{jurisdiction}-2026-{number:06d}",
        exhibit=exhibit_fields(
            calibre=calibre, occurred={"earliest": day, "latest": day, "precision": "day"}, headstamp="synthetic"
        ),
        acquisitions=[acquisition_fields(blob=blob)],
        handling={"code": "H0", "restriction": None, "source_grade": None, "information_grade": None},
        audience=sorted({"RS", "MK", "XK"} - {jurisdiction}),
    )
    payload = encoded(fields)
    record = parse_statement(payload)
    assert isinstance(record, Record)
    return issuer.keys.statement.sign(payload), record
