"""A new instrument that exports mirrored or inverted scans is told of; one that does not is not, among dozens of scans
of another."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

import matcher
from exchange.clock import stamp
from exchange.flows.node.pipelines import Variant
from exchange.flows.scan import instrument_probe
from exchange.flows.scan.instrument_probe import CHANCE, CLEARLY, NEW_FOR, probe_instrument, promise_probe, stands_out
from exchange.store.entry.record_rows import AcquisitionState
from exchange.store.entry.scan_instruments import note_instrument
from exchange.store.node.jobs import JobKind
from exchange.store.tables.record_tables import AcquisitionRow, CandidateRow, RecordRow, ScanInstrumentRow
from exchange.store.tables.review_tables import ExhibitsSeenRow, VerificationTaskRow
from exchange.store.tables.work_tables import JobRow
from matcher.synthetic import breech_face
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.running_nodes import DONE_S, RunningNode

pytestmark = pytest.mark.slow

REFERENCES = 24
USUAL = "Usual scope"
Turn = Callable[[matcher.Topography], matcher.Topography]


def both(scan: matcher.Topography) -> matcher.Topography:
    return scan.mirrored().inverted()


@pytest.fixture(scope="module")
def node(start_shared: Callable[..., RunningNode], tmp_path_factory: pytest.TempPathFactory) -> RunningNode:
    """A node with a scan each of two dozen firearms, all by one instrument."""
    folder = tmp_path_factory.mktemp("probe")
    running = start_shared(Jurisdiction.RS, workers=2)
    for firearm in range(1, REFERENCES + 1):
        submit(running, folder, firearm, 1, USUAL)
    running.wait_correlated(REFERENCES)
    return running


def submit(
    node: RunningNode,
    folder: Path,
    firearm: int,
    shot: int,
    instrument: str,
    turn: Turn | None = None,
    calibre: str = "9 mm Luger",
) -> dict[str, Any]:
    drawn = breech_face.draw(firearm, shot)
    path = folder / f"{firearm}-{shot}-{instrument}.x3p"
    matcher.write_topography(turn(drawn) if turn else drawn, path, instrument=instrument)
    sent = node.submit(path, case_reference=f"RS-{firearm}-{shot}", exhibit={"kind": "crime_scene", "calibre": calibre})
    assert sent.status_code == 201
    receipt: dict[str, Any] = sent.json()
    return receipt


def told(node: RunningNode, receipt: dict[str, Any]) -> str | None:
    """What the record says of its scan, once all is done."""
    deadline = time.monotonic() + DONE_S
    while not done(node, receipt):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    [scan] = node.get(f"/v1/records/{receipt['statement_id']}").json()["acquisitions"]
    detail: str | None = scan["detail"]
    return detail


def done(node: RunningNode, receipt: dict[str, Any]) -> bool:
    """A probe is promised in the transaction that marks the scan as correlated."""
    with node.node.store.read() as session:
        scan = session.get_one(AcquisitionRow, acquisition_of(node, receipt))
        return (
            scan.state == AcquisitionState.CORRELATED
            and not session.scalars(
                select(JobRow.job_id).where(JobRow.kind == JobKind.PROBE, JobRow.subject == str(scan.acquisition_id))
            ).all()
        )


def acquisition_of(node: RunningNode, receipt: dict[str, Any]) -> int:
    with node.node.store.read() as session:
        wanted = AcquisitionRow.statement_id == receipt["statement_id"]
        return session.scalars(select(AcquisitionRow.acquisition_id).where(wanted)).one()


def reference_of(node: RunningNode, firearm: int) -> str:
    [record] = node.get("/v1/records", params={"case_reference": f"RS-{firearm}-1"}).json()["items"]
    name: str = record["statement_id"]
    return name


@pytest.mark.parametrize(
    ("firearm", "turn", "how"),
    [
        (1, matcher.Topography.mirrored, "exports mirrored in y."),
        (2, matcher.Topography.inverted, "exports heights downwards."),
        (3, both, "exports mirrored in y and heights downwards, or its scan is of a cast."),
    ],
)
def test_what_a_new_instrument_turns_over_is_told(
    node: RunningNode, tmp_path: Path, firearm: int, turn: Turn, how: str
) -> None:
    receipt = submit(node, tmp_path, firearm, 2, f"New{firearm} scope", turn)
    said = told(node, receipt)
    assert said is not None
    assert how in said
    assert reference_of(node, firearm) in said
    assert f"New{firearm} scope" in said
    assert USUAL in said
    page = node.http.get(f"{node.url}/v1/records/{receipt['statement_id']}", headers=node.bearer(Role.EXAMINER))
    assert page.json()["statement"]["acquisitions"][0]["blob"]["sha256"], "the scan stays as it was signed"
    assert list(node.node.settings.prepared.rglob("*.turned-*")) == []


def test_no_candidate_comes_of_it(node: RunningNode, tmp_path: Path) -> None:
    receipt = submit(node, tmp_path, 4, 2, "New4 scope", matcher.Topography.mirrored)
    assert told(node, receipt) is not None
    with node.node.store.read() as session:
        mine = acquisition_of(node, receipt)
        rows = session.scalars(select(CandidateRow).where(CandidateRow.acquisition_a == mine)).all()
    assert rows
    assert max(row.score for row in rows) < 0.5


@pytest.mark.parametrize("firearm", [5, 6])
def test_a_scan_that_agrees_as_it_is_tells_nothing(node: RunningNode, tmp_path: Path, firearm: int) -> None:
    assert told(node, submit(node, tmp_path, firearm, 2, f"New{firearm} scope")) is None


@pytest.mark.parametrize(
    ("firearm", "turn"),
    [(101, None), (102, matcher.Topography.mirrored), (103, matcher.Topography.inverted), (104, both)],
)
def test_of_a_firearm_that_is_not_here_nothing_is_told(
    node: RunningNode, tmp_path: Path, firearm: int, turn: Turn | None
) -> None:
    assert told(node, submit(node, tmp_path, firearm, 2, f"New{firearm} scope", turn)) is None


def test_scans_of_one_instrument_say_nothing(node: RunningNode, tmp_path: Path) -> None:
    """They agree whichever way y runs: the second is held against those of the other instrument alone."""
    first = submit(node, tmp_path, 7, 2, "Same scope", matcher.Topography.mirrored)
    assert told(node, first) is not None
    second = submit(node, tmp_path, 7, 3, "Same scope", matcher.Topography.mirrored)
    said = told(node, second)
    assert said is not None
    assert reference_of(node, 7) in said
    best = node.get(f"/v1/records/{second['statement_id']}/candidates").json()["items"][0]
    assert best["other"]["statement_id"] == first["statement_id"]


def test_what_exports_alike_is_not_asked(node: RunningNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scans of both agree as they are; of a third one, whose do not, they are still asked."""

    def asked(receipt: dict[str, Any]) -> bool:
        calls = list[Any]()
        with monkeypatch.context() as patched:
            patched.setattr(instrument_probe, "ask_gallery", lambda *args: calls.append(args) or [])
            probe_instrument(node.node, acquisition_of(node, receipt))
        return bool(calls)

    calibre = "7.62 x 39 mm"  # of which there is nothing else
    first = submit(node, tmp_path, 60, 1, "First scope", calibre=calibre)
    alike = submit(node, tmp_path, 60, 2, "Alike scope", calibre=calibre)
    assert told(node, first) is None
    assert told(node, alike) is None
    assert not asked(alike)
    third = submit(node, tmp_path, 60, 3, "Third scope", both, calibre=calibre)
    assert told(node, third) is not None
    assert asked(alike)


def test_what_a_peer_calls_the_same_is_another_instrument(
    node: RunningNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its settings are its own: nor does it use up what is tried of this node's instrument."""
    receipt = submit(node, tmp_path, 14, 2, USUAL, matcher.Topography.mirrored)
    assert told(node, receipt) is None
    mine = acquisition_of(node, receipt)
    assert probe_instrument(node.node, mine) is None
    references = [reference_of(node, firearm) for firearm in range(1, REFERENCES + 1)]

    def issued_by(issuer: str) -> None:
        with node.node.store.write() as session:
            for name in references:
                session.get_one(RecordRow, name).issuer = issuer

    issued_by("MK")
    try:
        monkeypatch.setattr(instrument_probe, "NEW_FOR", 2)
        with node.node.store.write() as session:
            scan = session.get_one(AcquisitionRow, mine)
            promise_probe(session, node.node, scan, session.get_one(RecordRow, scan.statement_id))
            promised = session.scalars(select(JobRow.subject).where(JobRow.kind == JobKind.PROBE)).all()
        assert promised == [str(mine)]
        assert "exports mirrored in y." in (told(node, receipt) or "")
    finally:
        issued_by(node.node.node_id)


def test_an_instrument_is_new_for_some_scans_alone(
    node: RunningNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert NEW_FOR > 1
    monkeypatch.setattr(instrument_probe, "NEW_FOR", 1)
    assert told(node, submit(node, tmp_path, 8, 2, "Known scope", matcher.Topography.mirrored)) is not None
    later = submit(node, tmp_path, 9, 2, "Known scope", matcher.Topography.mirrored)
    assert told(node, later) is None
    assert probe_instrument(node.node, acquisition_of(node, later)) is Variant.MIRRORED, "it would have been found"


def test_the_record_names_the_instrument_too(node: RunningNode, tmp_path: Path) -> None:
    path = tmp_path / "scan.x3p"
    matcher.write_topography(breech_face.draw(10, 2).mirrored(), path, instrument=USUAL)
    instrument = {"maker": "Maker", "model": "M1", "software": "Export 3"}
    stated = [{"roi": "breech_face", "modality": "topography", "file": "scan", "instrument": instrument}]
    receipt = node.submit(path, case_reference="RS-10-2", acquisitions=stated).json()
    assert f"Maker M1, Export 3 (in the file: {USUAL})" in (told(node, receipt) or "")


def test_whoever_was_told_has_seen_the_pair_and_whoever_may_be_asked_is_not_told(
    node: RunningNode, tmp_path: Path
) -> None:
    receipt = submit(node, tmp_path, 11, 2, "New11 scope", matcher.Topography.mirrored)
    names = sorted([receipt["statement_id"], reference_of(node, 11)])
    low, high = (f"{node.node.node_id}/{name}" for name in names)
    seen = select(ExhibitsSeenRow).where(ExhibitsSeenRow.exhibit_low == low, ExhibitsSeenRow.exhibit_high == high)
    given = {name: name for name in ("task_id", "scan_low", "scan_high", "pair")}
    with node.node.store.write() as session:
        exhibits = {"exhibit_low": low, "exhibit_high": high, "statement_a": names[0], "statement_b": names[1]}
        task = VerificationTaskRow(**given, **exhibits, basis="screen", created_at=stamp(), due_at=stamp())
        session.add(task)
    assert told(node, receipt) is None
    with node.node.store.write() as session:
        assert session.scalars(seen).all() == []
        session.delete(session.get_one(VerificationTaskRow, "task_id"))
    assert told(node, receipt) is not None
    with node.node.store.read() as session:
        assert len(session.scalars(seen).all()) == 1


def test_with_either_record_goes_what_was_found(node: RunningNode, tmp_path: Path) -> None:
    receipt = submit(node, tmp_path, 12, 2, "New12 scope", matcher.Topography.mirrored)
    assert told(node, receipt) is not None
    withdrawal = {"reason": "entered_in_error"}
    other = reference_of(node, 12)
    gone = node.http.post(f"{node.url}/v1/records/{other}/withdrawal", json=withdrawal, headers=node.bearer(Role.HEAD))
    assert gone.status_code == 201, gone.text
    assert told(node, receipt) is None
    with node.node.store.read() as session:
        row = session.get_one(ScanInstrumentRow, acquisition_of(node, receipt))
        assert (row.turned, row.other, row.agreement) == (None, None, None)


def test_what_was_withdrawn_while_it_was_probed_is_not_told(
    node: RunningNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its number may be another scan's by then."""
    receipt = submit(node, tmp_path, 15, 2, "New15 scope", matcher.Topography.mirrored)
    assert told(node, receipt) is not None
    acquisition = acquisition_of(node, receipt)
    with node.node.store.write() as session:
        note_instrument(session, acquisition, "New15 scope")
    ask = instrument_probe.ask_gallery

    def of_a_record_that_is_gone(*asked: Any) -> list[Any]:
        return [replace(item, reference=bytes(24) + item.reference[24:]) for item in ask(*asked)]

    with monkeypatch.context() as patched:
        patched.setattr(instrument_probe, "ask_gallery", of_a_record_that_is_gone)
        assert probe_instrument(node.node, acquisition) is None
    assert told(node, receipt) is None


def test_correlated_anew_it_is_found_anew(node: RunningNode, tmp_path: Path) -> None:
    receipt = submit(node, tmp_path, 13, 2, "New13 scope", matcher.Topography.mirrored)
    said = told(node, receipt)
    acquisition = acquisition_of(node, receipt)
    with node.node.store.write() as session:
        note_instrument(session, acquisition, "New13 scope")
    assert told(node, receipt) is None
    assert probe_instrument(node.node, acquisition) is Variant.MIRRORED
    assert told(node, receipt) == said


@pytest.mark.parametrize(
    ("turned", "as_it_is", "stands"),
    [
        (CLEARLY * CHANCE, 0.0, True),
        (CLEARLY * CHANCE - 0.1, 0.0, False),
        (13.0, 9.0, False),
        (25.0, 20.0, False),
        (31.0, 20.0, True),
    ],
)
def test_what_stands_out(turned: float, as_it_is: float, stands: bool) -> None:
    assert stands_out(turned, as_it_is) is stands
