"""What is withdrawn is gone: from every file of every home, from the object store, and from backups made later."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

import matcher
from exchange.clock import stamp
from exchange.flows.entry.draft_scans import read_scan
from exchange.flows.entry.drafts import begin_from
from exchange.flows.operate.backup import back_up
from exchange.store.entry.draft_rows import files_of
from exchange.store.log.statement_rows import find_statement
from exchange.store.review.saved_view_rows import add_view
from exchange.store.sync.peers import quarantine
from exchange.store.tables.peer_tables import QuarantineRow
from exchange.store.tables.record_tables import AcquisitionRow
from exchange.store.tables.review_tables import SavedViewRow
from exchange.store.tables.sign_in_tables import UserRow
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.flows.report.view_examples import picture
from tests.exchange.object_server import Bucket, bucket_served
from tests.exchange.running_nodes import RunningNode, enrol_each_other
from tests.exchange.web.rest.test_terms import eventually

pytestmark = pytest.mark.slow

CASE = "RS-2026-GONE-4711"
PIECE = 48
Traces = dict[str, list[bytes]]


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with bucket_served() as served:
        yield served


def pieces(content: bytes) -> list[bytes]:
    """Of the middle, where it is like nothing else; whatever holds the whole has all of them."""
    chosen = [content[len(content) * part // 8 :][:PIECE] for part in range(2, 7)]
    return [piece for piece in chosen if len(piece) == PIECE and len(set(piece)) > PIECE // 4]


def traces(node: RunningNode, scan: bytes, record: str) -> Traces:
    """What a node has of a record, by what it is."""
    home, sha256 = node.node.settings.home, hashlib.sha256(scan).hexdigest()
    with zipfile.ZipFile(io.BytesIO(scan)) as x3p:
        heights = max((x3p.read(name) for name in x3p.namelist()), key=len)
    small = [path.read_bytes() for path in (home / "prepared").glob(f"??/{sha256}.thumbnail-*")]
    shown = [path.read_bytes() for path in (home / "prepared").glob(f"??/{sha256}.heights-*")]
    ready = [path.read_bytes() for path in (home / "prepared").glob(f"??/{sha256}.[0-9a-f]*")]
    marks = [matcher.Prepared.from_bytes(content) for content in ready]
    with node.node.store.read() as session:
        statement = find_statement(session, record)
        assert statement is not None
        envelope = statement.envelope or b""
    return {
        "scan": pieces(scan),
        "heights": pieces(heights),
        "prepared": [piece for content in ready for piece in pieces(content)],
        "descriptor": [piece for mark in marks for piece in pieces(mark.descriptor.tobytes())],
        "polar": [piece for mark in marks for piece in pieces(mark.polar.tobytes())],
        "thumbnail": [piece for content in small for piece in pieces(content)],
        "shown heights": [piece for content in shown for piece in pieces(content)],
        "payload": [CASE.encode(), *pieces(envelope)],
        "previews": [piece for path in home.glob("drafts/*.png") for piece in pieces(path.read_bytes())],
        "view": pieces(picture()),
    }


def found(wanted: Traces, places: dict[str, bytes]) -> set[tuple[str, str]]:
    return {
        (what, place)
        for place, content in places.items()
        for what, looked_for in wanted.items()
        if any(piece in content for piece in looked_for)
    }


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def leave_everywhere(node: RunningNode, scan: bytes, record: str) -> None:
    """What is not there by itself: a part that came again, a saved view, an item that could not be read at first."""
    sha256, store = hashlib.sha256(scan).hexdigest(), node.node.store
    with store.write() as session:
        row = session.scalars(select(AcquisitionRow).where(AcquisitionRow.statement_id == record)).one()
        statement = find_statement(session, record)
        assert statement is not None
        low, high = sorted((sha256, "f" * 64))
        made_by = _examiner(session)
        view = SavedViewRow(scan_low=low, scan_high=high, query=sha256, made_by=made_by, made_at=stamp())
        view.title, view.document, view.picture, view.thumbnail = "Ridges", "{}", picture(), picture()
        add_view(session, view)
        envelope = statement.envelope or b""
        item = QuarantineRow(peer=statement.issuer, position=999, statement_id=record, log_index=999)
        item.sha256, item.size = hashlib.sha256(envelope).hexdigest(), len(envelope)
        item.reason, item.detail, item.at = "unknown-field", "newer", stamp()
        quarantine(session, item)
        node.node.evidence.keep(statement.issuer, 999, envelope)
    part = node.node.settings.incoming / f"{sha256}.{row.acquisition_id}.part"
    part.write_bytes(scan[: 3 * len(scan) // 4])


def _examiner(session: Session) -> str:
    return session.scalars(select(UserRow.pseudonym).where(UserRow.role == Role.EXAMINER)).one()


def begin_a_new_version(node: RunningNode, record: str) -> None:
    with node.node.store.read() as session:
        pseudonym = _examiner(session)
    draft = begin_from(node.node, pseudonym, record, amend=True)
    with node.node.store.read() as session:
        (file,) = files_of(session, draft)
    read_scan(node.node, pseudonym, draft, file.file_id)


def test_a_withdrawn_scan_is_gone_everywhere(
    start_node: Callable[..., RunningNode],
    scans: dict[str, Path],
    bucket: Bucket,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rs, mk = (start_node(one, **bucket.settings) for one in (Jurisdiction.RS, Jurisdiction.MK))
    enrol_each_other(rs, mk)
    scan = scans["1-1"].read_bytes()
    record = rs.submit(scan, level="full", audience=["MK"], case_reference=CASE).json()["statement_id"]
    stays = mk.submit(scans["1-2"], level="full", audience=["RS"], case_reference="MK-1").json()["statement_id"]
    for node in (rs, mk):
        node.wait_correlated(2)
        leave_everywhere(node, scan, record)
    begin_a_new_version(rs, record)
    eventually(lambda: scan in bucket.of("ffp-rs") and scan in bucket.of("ffp-mk"))
    looked_for = {node.node.node_id: traces(node, scan, record) for node in (rs, mk)}
    for node in (rs, mk):
        there = {what for what, _ in found(looked_for[node.node.node_id], files(node.node.settings.home))}
        assert there >= {
            *("scan", "prepared", "thumbnail", "shown heights", "descriptor", "polar", "payload", "view")
        }, "else nothing is shown below"
    assert {what for what, _ in found(looked_for["ffp-rs"], files(rs.node.settings.home))} >= {"previews"}

    assert rs.post(f"/v1/records/{record}/withdrawal", {"reason": "entered_in_error"}, Role.HEAD).status_code == 201

    def acknowledged() -> bool:
        (state,) = rs.get(f"/v1/records/{record}/withdrawal").json()
        (holder,) = state["holders"]
        return state["here"] == holder["outcome"] == "erased" and not state["kept"] and not holder["kept"]

    eventually(acknowledged)
    for name, value in bucket.settings.items():
        monkeypatch.setenv(f"FFP_NODE_{name.upper()}", str(value))
    for node in (rs, mk):
        wanted, home = looked_for[node.node.node_id], node.node.settings.home

        def gone(node: RunningNode = node, wanted: Traces = wanted, home: Path = home) -> bool:
            node.node.store.forget_overwritten()  # as the worker does every minute
            return found(wanted, files(home)) == set()

        try:
            eventually(gone)
        except AssertionError as error:
            raise AssertionError(found(wanted, files(home))) from error
        assert found(wanted, bucket.objects) == set()
        later = tmp_path / f"backup-{node.node.node_id}"
        back_up(home, later)
        assert found(wanted, files(later)) == set()
        assert node.get(f"/v1/records/{stays}").status_code == 200
    assert scans["1-2"].read_bytes() in bucket.of("ffp-mk"), "and nothing else went"
