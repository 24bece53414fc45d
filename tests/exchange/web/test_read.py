"""Reading: a record, its envelope as it was signed, its scans by range, conditional requests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from exchange.flows.witness.bundle import verify_bundle
from exchange.trust.card import fingerprint, open_card
from exchange.trust.verify import verify_statement
from schemas import ENVELOPE_MEDIA_TYPE, Record, open_envelope
from schemas.bundle import BUNDLE_MEDIA_TYPE
from schemas.vocabulary import Role
from tests.exchange.running_nodes import RunningNode, metadata
from tests.exchange.web.conftest import problem, tiny_scan

UNKNOWN = "ab" * 32


@dataclass(frozen=True)
class Submitted:
    statement_id: str
    scan: bytes

    @property
    def record(self) -> str:
        return f"/v1/records/{self.statement_id}"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.scan).hexdigest()

    @property
    def blob(self) -> str:
        return f"/v1/blobs/{self.sha256}"


@pytest.fixture(scope="module")
def submitted(node: RunningNode) -> Submitted:
    scan = tiny_scan()
    receipt = node.submit(scan, level="full", audience=["XK"], case_reference="RS-READ-1").json()
    return Submitted(receipt["statement_id"], scan)


def test_a_record_says_what_was_submitted(node: RunningNode, submitted: Submitted) -> None:
    for role in (Role.EXAMINER, Role.INVESTIGATOR):
        record = node.get(submitted.record, role).json()
        assert record["statement"]["exhibit"]["calibre"] == "9 mm Luger"
        assert record["statement"]["case_reference"] == record["case_reference"] == "RS-READ-1"
        assert record["statement"]["retention_until"] == metadata()["retention_until"]
        assert record["sharing"][0]["jurisdiction"]["footnote"].startswith("* References to Kosovo")
        [acquisition] = record["acquisitions"]
        assert (acquisition["sha256"], acquisition["size"]) == (submitted.sha256, len(submitted.scan))
        assert acquisition["media_type"] == "application/x-x3p"


def test_an_envelope_is_verified_with_the_nodes_card(node: RunningNode, submitted: Submitted) -> None:
    """With public things only: the card that anybody may fetch, and the envelope."""
    card_raw = node.http.get(f"{node.url}/v1/node")
    assert card_raw.headers["content-type"] == ENVELOPE_MEDIA_TYPE
    card = open_card(open_envelope(card_raw.content))
    envelope = node.get(f"{submitted.record}/envelope")
    assert envelope.headers["content-type"] == ENVELOPE_MEDIA_TYPE
    verified = verify_statement(envelope.content, issuer=card.issuer, key=card.delegation.statement)
    assert verified.statement_id == submitted.statement_id
    assert isinstance(verified.statement, Record)
    assert node.get(submitted.record).json()["statement"] == verified.statement.model_dump(mode="json")
    assert node.get(f"{submitted.record}/envelope").content == envelope.content


@pytest.mark.slow
def test_a_bundle_is_verified_without_any_node(node: RunningNode, submitted: Submitted) -> None:
    node.wait_for(lambda status: status["signed_size"] == status["log_size"])
    given = node.get(f"{submitted.record}/bundle")
    assert given.headers["content-type"] == BUNDLE_MEDIA_TYPE
    found = verify_bundle(given.content, confirmed=fingerprint(node.node.card.identity))
    assert (found.statement_id, found.card.issuer) == (submitted.statement_id, node.node.node_id)


def test_what_the_caller_has_is_not_sent_again(node: RunningNode, submitted: Submitted) -> None:
    for path in (f"{submitted.record}/envelope", submitted.blob):
        first = node.get(path)
        tag = first.headers["etag"]
        assert not tag.startswith("W/")
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = node.get(path, headers={"If-None-Match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert node.get(path, headers={"If-None-Match": '"other"'}).content == first.content


def test_a_scan_comes_back_as_it_was_sent(node: RunningNode, submitted: Submitted) -> None:
    response = node.get(submitted.blob)
    assert response.content == submitted.scan
    assert response.headers["etag"] == f'"{submitted.sha256}"'
    assert response.headers["content-type"] == "application/x-x3p"
    assert response.headers["content-disposition"].startswith("attachment")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=100-199", slice(100, 200)),
        ("bytes=100-", slice(100, None)),
        ("bytes=-7", slice(-7, None)),
        ("bytes=10-99999999", slice(10, None)),
        ("bytes=-99999999", slice(0, None)),
    ],
)
def test_a_part_of_a_scan(node: RunningNode, submitted: Submitted, asked: str, part: slice) -> None:
    response = node.get(submitted.blob, headers={"Range": asked})
    assert response.status_code == 206
    assert response.content == submitted.scan[part]
    start, stop, _ = part.indices(len(submitted.scan))
    assert response.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(submitted.scan)}"
    assert response.headers["content-length"] == str(stop - start)


@pytest.mark.parametrize(
    "asked",
    ["bytes=5-3", "bytes=", "bytes=-", "bytes=a-b", "items=0-3", "bytes=0-1,5-6", "bytes=1_0-2_0", "bytes=٣-٤", "0-1"],
)
def test_a_range_that_means_nothing_here_is_passed_over(node: RunningNode, submitted: Submitted, asked: str) -> None:
    """RFC 9110, 14.2: a server may ignore Range; several ranges at once are not needed by anybody."""
    response = node.get(submitted.blob, headers={"Range": asked.encode()})
    assert (response.status_code, response.content) == (200, submitted.scan)


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=99999999-999999999", "bytes=-0"])
def test_a_part_that_is_not_there(node: RunningNode, submitted: Submitted, asked: str) -> None:
    response = node.get(submitted.blob, headers={"Range": asked})
    problem(response, 416, "range-not-satisfiable")
    assert response.headers["content-range"] == f"bytes */{len(submitted.scan)}"


def test_a_part_only_of_the_same_scan(node: RunningNode, submitted: Submitted) -> None:
    def ask(condition: str) -> tuple[int, bytes]:
        response = node.get(submitted.blob, headers={"Range": "bytes=3-5", "If-Range": condition})
        return response.status_code, response.content

    assert ask(f'"{submitted.sha256}"') == (206, submitted.scan[3:6])
    for other in (f'"{UNKNOWN}"', f'W/"{submitted.sha256}"', "Wed, 25 Nov 2026 09:00:00 GMT"):
        assert ask(other) == (200, submitted.scan)


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/records/{UNKNOWN}",
        f"/v1/records/{UNKNOWN}/envelope",
        f"/v1/records/{UNKNOWN}/bundle",
        f"/v1/records/{UNKNOWN}/candidates",
        f"/v1/blobs/{UNKNOWN}",
        "/v1/candidates/999999",
        "/v1/candidates/999999/picture",
        "/v1/log/tile/0/009",
        "/v1/log/tile/not/a/tile",
        "/v1/nothing",
        "/docs",
        "/v1/records/",
        "//v1/records",
        "/v1/../healthz/x",
    ],
)
def test_what_is_not_there(node: RunningNode, path: str) -> None:
    problem(node.get(path), 404, "not-found")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/records/" + "AB" * 32,
        "/v1/records/1",
        "/v1/records/' OR 1=1 --",
        "/v1/records/%00",
        "/v1/records/%ff%fe",
        "/v1/blobs/..%2f..%2fnode.db",
        "/v1/blobs/" + "a" * 63,
        "/v1/candidates/0",
        "/v1/candidates/-1",
        "/v1/candidates/1e3",
        f"/v1/candidates/{2**64}",
        "/v1/records?limit=0",
        "/v1/records?limit=201",
        "/v1/records?limit=ten",
        "/v1/records?earliest=yesterday",
        "/v1/records?ejector_hour=13",
        "/v1/records?jurisdiction=rs",
        "/v1/records?breech_face=flat",
        "/v1/candidates?min_score=nan",
        "/v1/candidates?min_score=1e999",
    ],
)
def test_a_parameter_that_does_not_fit(node: RunningNode, path: str) -> None:
    found = node.get(path)
    if "%2f" in path:  # a slash is a slash: no such address
        problem(found, 404, "not-found")
        return
    assert problem(found, 422, "invalid-parameter")["problems"]


def test_a_statement_of_another_kind_is_no_record(node: RunningNode) -> None:
    """The node's own card stands in its log too."""
    card_id = hashlib.sha256(node.node.card_envelope.payload).hexdigest()
    for path in (f"/v1/records/{card_id}", f"/v1/records/{card_id}/envelope", f"/v1/records/{card_id}/bundle"):
        problem(node.get(path), 404, "not-found")


def test_a_scan_that_got_lost_is_said_to_be_lost(node: RunningNode) -> None:
    scan = tiny_scan()
    node.submit(scan)
    digest = hashlib.sha256(scan).hexdigest()
    path = node.node.blobs.path(digest)
    with _moved_away(path):
        problem(node.get(f"/v1/blobs/{digest}"), 404, "not-found")
    assert node.get(f"/v1/blobs/{digest}").content == scan


@contextmanager
def _moved_away(path: Path) -> Iterator[None]:
    away = path.rename(path.with_suffix(".away"))
    try:
        yield
    finally:
        away.rename(path)
