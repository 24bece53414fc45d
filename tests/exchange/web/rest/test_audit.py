"""Each act leaves exactly its row, before the answer; what shows no content leaves none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from exchange.log.audit_entry import AuditEntry
from exchange.store.log.audit import audit_state, entries_from
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import problem, tiny_scan

pytestmark = pytest.mark.slow

WHY = {"FFP-Purpose": "investigation", "FFP-Legal-Basis": "%C4%8Clan%205 ZKP, K-17/26"}


@pytest.fixture(scope="module")
def record(node: RunningNode) -> str:
    """A record without candidates."""
    found: str = node.submit(tiny_scan(), case_reference="RS-AUDIT-1").json()["statement_id"]
    node.wait_for(lambda status: status["signed_size"] == status["log_size"])
    return found


class Rows:
    """The rows that came since the last time."""

    def __init__(self, node: RunningNode) -> None:
        self._node, self._from = node, 1
        self.new()

    def new(self) -> list[AuditEntry]:
        with self._node.node.store.read() as session:
            found = [kept.entry for kept in entries_from(session, self._from)]
            self._from = audit_state(session).last + 1
        return found

    def one(self) -> AuditEntry:
        [found] = self.new()
        return found


@pytest.fixture
def rows(node: RunningNode) -> Rows:
    return Rows(node)


def test_reading_a_record_is_one_row_with_all_that_was_stated(node: RunningNode, record: str, rows: Rows) -> None:
    assert node.get(f"/v1/records/{record}", Role.INVESTIGATOR, headers=WHY).status_code == 200
    row = rows.one()
    assert (row.kind, row.role, row.act, row.count) == ("person", "investigator", "read-record", 1)
    assert row.actor.startswith("investigator-")
    assert row.subjects == (record,)
    assert (row.purpose, row.legal_basis) == ("investigation", "Član 5 ZKP, K-17/26")


@pytest.mark.parametrize(
    ("path", "act"),
    [
        ("", "read-record"),
        ("/envelope", "read-envelope"),
        ("/bundle", "read-bundle"),
        ("/candidates", "list-candidates"),
    ],
)
def test_each_way_to_a_record_is_one_row(node: RunningNode, record: str, rows: Rows, path: str, act: str) -> None:
    assert node.get(f"/v1/records/{record}{path}").status_code == 200
    row = rows.one()
    assert (row.act, row.subjects) == (act, (record,))
    assert (row.purpose, row.legal_basis) == (None, None), "nothing was stated"


def test_a_search_is_its_filter_and_how_many_came(node: RunningNode, record: str, rows: Rows) -> None:
    wanted = {"case_reference": "RS-AUDIT-1", "calibre": "9x19"}
    assert [item["statement_id"] for item in node.get("/v1/records", params=wanted).json()["items"]] == [record]
    found = rows.one()
    assert (found.act, found.count, json.loads(found.asked or "")) == ("search-records", 1, wanted)
    assert node.get("/v1/records", params={"case_reference": "RS-AUDIT-NONE"}).json()["items"] == []
    assert rows.one().count == 0, "that nothing was found was told too"
    assert len(node.get("/v1/records", params={"limit": 1}).json()["items"]) == 1
    assert rows.one().count == 1, "not the one more that says whether there is a next page"


def test_the_investigators_list_is_one_row(node: RunningNode, rows: Rows) -> None:
    assert node.get("/v1/candidates", params={"jurisdiction": "MK"}).status_code == 200
    row = rows.one()
    assert (row.act, row.count, row.subjects, row.asked) == ("list-candidates", 0, (), '{"jurisdiction": "MK"}')


def test_a_scan_is_one_row_for_each_answer_with_bytes(node: RunningNode, record: str, rows: Rows) -> None:
    scan = node.get(f"/v1/records/{record}").json()["acquisitions"][0]
    rows.new()
    path = f"/v1/blobs/{scan['sha256']}"
    assert len(node.get(path).content) == scan["size"]
    whole = rows.one()
    assert (whole.act, whole.count, whole.asked) == ("read-scan", scan["size"], None)
    assert whole.subjects == (scan["sha256"], record)
    assert node.get(path, headers={"Range": "bytes=1-"}).status_code == 206
    part = rows.one()
    assert (part.count, part.asked) == (scan["size"] - 1, f'{{"part": "bytes 1-{scan["size"] - 1}/{scan["size"]}"}}')
    assert node.get(path, headers={"If-None-Match": f'"{scan["sha256"]}"'}).status_code == 304
    assert node.get(path, headers={"Range": f"bytes={scan['size']}-"}).status_code == 416
    assert rows.new() == []


def test_what_people_said_is_shown_with_a_row(node: RunningNode, rows: Rows) -> None:
    assert node.get("/v1/statements").json() == []
    assert (found := rows.one()).act == "list-statements"
    assert (found.count, found.subjects) == (0, ())
    problem(node.get(f"/v1/statements/{'ab' * 32}"), 404, "not-found")
    assert rows.new() == []


def test_what_shows_no_content_leaves_no_row(node: RunningNode, record: str, rows: Rows) -> None:
    for path in (
        "/v1/node",
        "/healthz",
        "/readyz",
        "/v1/status",
        "/v1/vocabularies",
        "/v1/openapi.json",
        "/v1/log/checkpoint",
        "/v1/log/tile/0/000.p/1",
    ):
        assert node.get(path).status_code == 200, path
    assert node.get("/v1/peers", Role.OPERATOR).status_code == 200
    tag = {"If-None-Match": f'"{record}"'}
    assert node.get(f"/v1/records/{record}/envelope", headers=tag).status_code == 304
    for path in (f"/v1/records/{'ab' * 32}", f"/v1/records/{'ab' * 32}/candidates", "/v1/candidates/999999"):
        problem(node.get(path), 404, "not-found")
    for role in (Role.OPERATOR, Role.AUDITOR):
        problem(node.get(f"/v1/records/{record}", role), 403, "forbidden")
    assert node.submit(tiny_scan()).status_code == 201, "a submission is a statement, and in the log by itself"
    assert rows.new() == []


@pytest.mark.parametrize(
    ("header", "value", "code"),
    [
        ("FFP-Purpose", "curiosity", "invalid-parameter"),
        ("FFP-Purpose", "", "invalid-parameter"),
        ("FFP-Legal-Basis", "%ff", "invalid-legal-basis"),
        ("FFP-Legal-Basis", "Article%0A5", "invalid-legal-basis"),
        ("FFP-Legal-Basis", "x" * 121, "invalid-legal-basis"),
        ("FFP-Legal-Basis", "%C4%8C" * 121, "invalid-legal-basis"),
        ("FFP-Legal-Basis", "Article%E2%80%AE5", "invalid-legal-basis"),
        ("FFP-Legal-Basis", "%20", "invalid-legal-basis"),
    ],
)
def test_what_is_stated_is_checked(
    node: RunningNode, record: str, rows: Rows, header: str, value: str, code: str
) -> None:
    problem(node.get(f"/v1/records/{record}", headers={header: value}), 422, code)
    assert rows.new() == []


def test_bytes_that_are_not_ascii_are_refused(node: RunningNode, record: str) -> None:
    headers = {**node.bearer(Role.EXAMINER), "FFP-Legal-Basis": "Član 5".encode()}
    response = node.http.get(f"{node.url}/v1/records/{record}", headers=headers)  # type: ignore[arg-type]
    problem(response, 422, "invalid-legal-basis")


def test_no_row_no_answer(node: RunningNode, record: str, rows: Rows) -> None:
    """Whatever is read, while the table cannot be written, nothing of it leaves the node."""
    scan = node.get(f"/v1/records/{record}").json()["acquisitions"][0]["sha256"]
    rows.new()
    with node.node.store.write() as session:
        session.execute(text("alter table audit_subject rename to elsewhere"))
        session.execute(text("alter table audit_state rename to elsewhere_too"))
    try:
        for path in (
            "/v1/records",
            f"/v1/records/{record}",
            f"/v1/records/{record}/envelope",
            f"/v1/records/{record}/bundle",
            f"/v1/records/{record}/candidates",
            "/v1/candidates",
            f"/v1/blobs/{scan}",
        ):
            response = node.get(path)
            assert "could not be written down" in problem(response, 503, "not-audited")["detail"]
            assert response.headers["retry-after"]
            assert b"RS-AUDIT-1" not in response.content
    finally:
        with node.node.store.write() as session:
            session.execute(text("alter table elsewhere rename to audit_subject"))
            session.execute(text("alter table elsewhere_too rename to audit_state"))
    assert rows.new() == []
    assert node.get(f"/v1/records/{record}").status_code == 200
    assert rows.one().act == "read-record"


def test_the_supervisor_reads_the_rows_and_that_is_a_row(node: RunningNode, record: str, rows: Rows) -> None:
    node.get(f"/v1/records/{record}", headers=WHY)
    node.get(f"/v1/records/{record}/envelope")
    envelope, read = reversed(rows.new())
    page = node.get("/v1/audit", Role.AUDITOR, params={"subject": record, "limit": 2}).json()
    assert [item["number"] for item in page["items"]] == [envelope.number, read.number]
    assert page["items"][1]["leaf"] == read.leaf().hex()
    assert page["items"][1]["purpose"] == "investigation"
    assert page["items"][0]["batch"] is None, "it waits for its leaf"
    assert page["not_stated"] >= 1
    row = rows.one()
    assert (row.act, row.role, row.count, row.purpose) == ("read-audit", "auditor", 2, "supervision")
    following = node.get("/v1/audit", Role.HEAD, params={"subject": record, "limit": 2, "cursor": page["next"]}).json()
    assert all(item["number"] < read.number for item in following["items"])
    by_actor = node.get("/v1/audit", Role.HEAD, params={"actor": row.actor, "act": "read-audit"}).json()
    assert by_actor["items"][0]["number"] == row.number
    assert node.get("/v1/audit", Role.HEAD, params={"day": "2020-01-01"}).json()["items"] == []
    problem(node.get("/v1/audit", Role.HEAD, params={"act": "gossip"}), 422, "invalid-parameter")


@pytest.fixture(scope="module")
def strict(start_shared: Callable[..., RunningNode]) -> RunningNode:
    """A node that demands a purpose."""
    return start_shared(Jurisdiction.MK, purpose_required="true")


def test_a_node_may_demand_a_purpose(strict: RunningNode) -> None:
    record = strict.submit(tiny_scan()).json()["statement_id"]
    rows = Rows(strict)
    scan = strict.node.settings.blobs
    [sha256] = [path.name for path in scan.glob("??/*")]
    for path in ("/v1/records", f"/v1/records/{record}", "/v1/candidates", f"/v1/blobs/{sha256}"):
        refused = problem(strict.get(path), 422, "purpose-missing")
        assert "prosecution" in refused["detail"]
        problem(strict.get(path, headers={"FFP-Purpose": "detection"}), 422, "purpose-missing")
        assert rows.new() == []
        assert strict.get(path, headers=WHY).status_code == 200
        assert rows.one().purpose == "investigation"
    assert strict.get("/v1/audit", Role.AUDITOR).json()["not_stated"] == 0


def test_a_candidate_and_its_picture(start_node: Callable[..., RunningNode], scans: dict[str, Path]) -> None:
    node = start_node(Jurisdiction.RS)
    sides = [node.submit(scans[name], case_reference=f"RS-{name}").json()["statement_id"] for name in ("1-1", "1-2")]
    node.wait_correlated(2)
    rows = Rows(node)
    items: list[dict[str, Any]] = node.get(f"/v1/records/{sides[0]}/candidates").json()["items"]
    assert rows.one().count == len(items) == 1
    path = f"/v1/candidates/{items[0]['candidate_id']}"
    assert node.get(path).status_code == 200
    assert node.get(f"{path}/picture").status_code == 200
    read, drawn = rows.new()
    assert (read.act, drawn.act) == ("read-candidate", "read-picture")
    assert set(read.subjects) == set(drawn.subjects) == set(sides)
    assert read.asked == drawn.asked == json.dumps({"candidate": str(items[0]["candidate_id"])})
