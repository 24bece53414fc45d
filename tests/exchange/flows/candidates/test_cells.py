"""Cells are found when somebody looks: whatever is wrong with a scan, or however busy the node, a list is shown."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from exchange.compute import Compute
from exchange.errors import NotFound
from exchange.flows.access.consultation import Caller, Consultation
from exchange.flows.candidates.candidates import find_candidate, find_with_cells, ranked_for_record
from exchange.flows.candidates.cells import with_cells
from exchange.flows.report.pair_report import gather_report
from exchange.flows.scan.inspect import prepare_scan
from exchange.flows.scan.pair_picture import pair_picture
from exchange.store.tables.record_tables import CandidateRow
from exchange.store.terms.withdrawals import erase_rows
from exchange.web.pages.review.rail import rail_for
from exchange.web.report.annex import _comparison
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.running_nodes import RunningNode

pytestmark = pytest.mark.slow

NAMES = ("1-1", "1-2", "2-1")


@pytest.fixture
def node(start_node: Callable[..., RunningNode], scans: dict[str, Path]) -> RunningNode:
    """A node with three scans, whose pairs nobody looked at."""
    running = start_node(Jurisdiction.RS)
    for name in NAMES:
        assert running.submit(scans[name], case_reference=name).status_code == 201
    running.wait_correlated(len(NAMES))
    return running


def record_of(node: RunningNode, case: str) -> str:
    [record] = node.get("/v1/records", params={"case_reference": case}).json()["items"]
    name: str = record["statement_id"]
    return name


def listed(node: RunningNode, case: str) -> list[dict[str, Any]]:
    """As a page lists them to somebody who looks."""
    found = ranked_for_record(node.node, Role.INVESTIGATOR, "nobody", record_of(node, case), limit=50)
    assert found is not None
    with_cells(node.node, found.pairs)
    answer = node.get(f"/v1/records/{record_of(node, case)}/candidates")
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def forget_prepared(node: RunningNode, scan: Path) -> Path:
    """As after a restore. Returns where the scan itself lies."""
    name = hashlib.sha256(scan.read_bytes()).hexdigest()
    for path in node.node.settings.prepared.glob(f"??/{name}.*"):
        path.unlink()
    return node.node.blobs.path(name)


def test_a_scan_that_was_altered_takes_no_list_away(node: RunningNode, scans: dict[str, Path]) -> None:
    kept = forget_prepared(node, scans["1-2"])
    kept.chmod(0o600)
    kept.write_bytes(b"PK and rubbish")
    found = {item["other"]["case_reference"]: item for item in listed(node, "1-1")}
    assert found.keys() == {"1-2", "2-1"}
    assert found["2-1"]["cells"] > 0, "the other pair has its cells"
    pair = found["1-2"]["candidate_id"]
    assert node.get(f"/v1/candidates/{pair}").json()["score"] == found["1-2"]["score"]


def test_a_page_prepares_no_scans_and_a_report_does(node: RunningNode, scans: dict[str, Path]) -> None:
    forget_prepared(node, scans["1-2"])
    for _ in range(2):
        assert not any(item["cells"] for item in listed(node, "1-2"))
    found = find_candidate(node.node, Role.INVESTIGATOR, "nobody", listed(node, "1-2")[0]["candidate_id"])
    assert found is not None
    report = gather_report(node.node, found, "nobody")
    assert report.cells == len(report.comparison["cells"]) > 0
    assert listed(node, "1-2")[0]["cells"] == report.cells


def test_the_rail_beside_a_pair_asks_for_no_cells_of_its_neighbours(node: RunningNode, scans: dict[str, Path]) -> None:
    first = record_of(node, "1-1")
    found = ranked_for_record(node.node, Role.INVESTIGATOR, "nobody", first, limit=5)
    assert found is not None
    pair = found.pairs[0]
    asker = Consultation(node.node, Caller("nobody", Role.INVESTIGATOR), None, None)
    rail = rail_for(node.node, asker, pair, first)
    assert rail is not None
    assert rail.length == 2
    with node.node.store.read() as session:
        assert not any(session.scalars(select(CandidateRow.cells_found)))


def test_a_pair_is_found_without_its_cells_and_with_them(node: RunningNode) -> None:
    """Its page comes without: the viewer asks for them when it has drawn its first picture."""
    with node.node.store.read() as session:
        number = session.scalars(select(CandidateRow.candidate_id)).first() or 0
    asked = (node.node, Role.INVESTIGATOR, "nobody", number)
    for _ in range(2):
        found = find_candidate(*asked)
        assert found is not None
        assert not found.row.cells_found
    found = find_with_cells(*asked)
    assert found is not None
    assert found.row.cells_found
    assert found.row.cells == len(json.loads(found.row.comparison)["cells"])


def test_a_list_waits_for_no_busy_process(node: RunningNode) -> None:
    """As when an examiner's submission, or a picture, takes all that it may."""
    busy = threading.Thread(target=node.node.compute.run, args=(time.sleep, 8))
    busy.start()
    time.sleep(0.5)
    asked = time.monotonic()
    assert len(listed(node, "1-1")) == 2
    waited = time.monotonic() - asked
    busy.join()
    assert waited < 5
    assert all(item["cells"] for item in listed(node, "1-1")), "the next who looks finds them"


def test_cells_that_nobody_found_are_not_told_as_none(node: RunningNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.flows.candidates.cells._find", lambda *_: None)
    [pair, _] = listed(node, "1-1")
    assert (pair["congruent_cells"], pair["cells"]) == (None, None)
    found = find_candidate(node.node, Role.INVESTIGATOR, "nobody", pair["candidate_id"])
    assert found is not None
    report = gather_report(node.node, found, "nobody")
    assert report.cells is None
    assert "not known yet" in str(_comparison(report))


def test_a_scan_that_is_withdrawn_while_it_is_prepared_leaves_nothing(
    node: RunningNode, scans: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = listed(node, "1-1")[0]
    found = find_candidate(node.node, Role.INVESTIGATOR, "nobody", pair["candidate_id"])
    assert found is not None
    forget_prepared(node, scans["1-2"])
    run = Compute.run

    def withdrawn_meanwhile(compute: Compute, *work: Any) -> Any:
        """The scan was read; what is made of it is written after the erasure."""
        made = run(compute, *work)
        if work[0] is prepare_scan and not any(erased):
            written = {path: path.read_bytes() for path in prepared()}
            with node.node.store.write() as session:
                erase_rows(session, record)
            for path, content in written.items():
                path.unlink()
                path.write_bytes(content)
            erased.append(record)
        return made

    def prepared() -> list[Path]:
        name = hashlib.sha256(scans["1-2"].read_bytes()).hexdigest()
        return list(node.node.settings.prepared.glob(f"??/{name}.*"))

    record, erased = record_of(node, "1-2"), list[str]()
    monkeypatch.setattr(Compute, "run", withdrawn_meanwhile)
    with pytest.raises(NotFound):
        pair_picture(node.node, found)
    assert erased == [record]
    assert prepared() == []
