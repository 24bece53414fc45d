"""What a node says of itself: status, vocabularies, health, and a log that can be checked from outside."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from exchange.log import merkle
from exchange.log.checkpoint import Checkpoint, open_checkpoint
from exchange.log.tiles import TILE_WIDTH, Tile
from exchange.trust.card import open_card
from schemas import KeyEvent, fold_calibre, open_envelope
from schemas.jurisdiction import FIRST_JURISDICTIONS
from schemas.kinds import KINDS
from schemas.versions import VERSIONS
from schemas.vocabulary import KOSOVO_FOOTNOTE, Jurisdiction, Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import problem, tiny_scan


def card_of(node: RunningNode) -> KeyEvent:
    return open_card(open_envelope(node.http.get(f"{node.url}/v1/node").content))


def signed_head(node: RunningNode, card: KeyEvent) -> Checkpoint:
    """The head that the node shows, believed only with the log keys of its card."""
    response = node.get("/v1/log/checkpoint", Role.OPERATOR)
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    keys = card.delegation.log
    return open_checkpoint(
        response.content,
        card.log_origin,
        Ed25519PublicKey.from_public_bytes(base64.b64decode(keys.ed25519)),
        MLDSA44PublicKey.from_public_bytes(base64.b64decode(keys.ml_dsa)),
    )


def leaves_from_tiles(node: RunningNode, size: int) -> list[bytes]:
    hashes: list[bytes] = []
    while len(hashes) < size:
        tile = Tile(0, len(hashes) // TILE_WIDTH, min(TILE_WIDTH, size - len(hashes)))
        content = node.get(f"/v1/log/{tile.path}").content
        hashes += [content[start : start + 32] for start in range(0, len(content), 32)]
    return hashes


def root_of(leaves: list[bytes]) -> bytes:
    nodes: dict[tuple[int, int], bytes] = {}

    def read(level: int, position: int) -> bytes:
        return nodes[level, position]

    for index, leaf in enumerate(leaves):
        for level, position, digest in list(merkle.appended(index, leaf, read)):
            nodes[level, position] = digest
    return merkle.root(len(leaves), read)


@pytest.mark.slow
def test_the_log_can_be_checked_with_public_things_alone(node: RunningNode) -> None:
    """The head's signatures with the card; the root from the tiles; each record's leaf from its envelope."""
    receipts = [node.submit(tiny_scan()).json() for _ in range(2)]
    node.wait_for(lambda status: status["signed_size"] == status["log_size"], 10)
    head = signed_head(node, card_of(node))
    leaves = leaves_from_tiles(node, head.size)
    assert len(leaves) == head.size == receipts[-1]["log_index"] + 1
    assert root_of(leaves) == head.root
    for receipt in receipts:
        envelope = open_envelope(node.get(f"/v1/records/{receipt['statement_id']}/envelope").content)
        assert merkle.leaf_hash(envelope.leaf_data) == leaves[receipt["log_index"]]


def test_a_tile_that_is_not_there_yet(node: RunningNode) -> None:
    problem(node.get("/v1/log/tile/0/000"), 404, "not-found")  # full tiles have 256 hashes
    problem(node.get("/v1/log/tile/0/000.p/255"), 404, "not-found")
    assert len(node.get("/v1/log/tile/0/000.p/1").content) == 32


@pytest.mark.slow
def test_what_stands_under_a_signed_head_may_be_kept_and_nothing_else(node: RunningNode) -> None:
    """C2SP tlog-tiles: tiles, full or partial, never change; the head does. A tile beyond the head may still be lost
    together with the database, and then another stands in its place."""
    node.submit(tiny_scan())
    status = node.wait_for(lambda status: status["signed_size"] == status["log_size"], 10)
    tile = f"/v1/log/tile/0/000.p/{min(status['log_size'], 255)}"
    found = node.get(tile)
    assert found.headers["content-type"] == "application/octet-stream"
    assert found.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert found.headers["x-content-type-options"] == "nosniff"
    for path in ("/v1/log/checkpoint", "/v1/status", "/v1/log/tile/1/000.p/255", "/v1/log/stamp/1", "/v1/nothing"):
        assert node.get(path).headers.get_list("cache-control") == ["no-store"]
    problem(node.get("/v1/log/tile/entries/000"), 404, "not-found")  # content goes to entitled peers alone


@pytest.mark.slow
def test_a_tile_beyond_the_signed_head_must_not_be_kept(start_node: Callable[..., RunningNode]) -> None:
    node = start_node(Jurisdiction.RS, checkpoint_interval_s=3600)
    node.wait_for(lambda status: status["signed_size"] == 1, 10)
    node.submit(tiny_scan())
    under, beyond = (node.get(f"/v1/log/tile/0/000.p/{width}") for width in (1, 2))
    assert "immutable" in under.headers["cache-control"]
    assert (beyond.status_code, beyond.headers["cache-control"]) == (200, "no-store")


@pytest.mark.slow
def test_an_earlier_head_is_there_as_it_was_signed(node: RunningNode) -> None:
    before = node.wait_for(lambda status: status["signed_size"] == status["log_size"], 10)["signed_size"]
    head = node.get("/v1/log/checkpoint").content
    node.submit(tiny_scan())
    node.wait_for(lambda status: status["signed_size"] > before, 10)
    assert node.get(f"/v1/log/checkpoint/{before}").content == head
    assert node.get("/v1/log/checkpoint").content != head
    problem(node.get(f"/v1/log/checkpoint/{before + 50}"), 404, "not-found")
    problem(node.get("/v1/log/checkpoint/0"), 422, "invalid-parameter")


def test_anybody_is_told_what_a_node_reads(node: RunningNode) -> None:
    told = node.http.get(f"{node.url}/v1/node").headers
    assert told["FFP-Contract"] == ", ".join(VERSIONS)
    assert set(told["FFP-Kinds"].split(", ")) == set(KINDS)


def test_status_counts(node: RunningNode) -> None:
    before = node.get("/v1/status").json()
    node.submit(tiny_scan())
    after = node.wait_for(lambda status: sum(status["jobs"].values()) == 0, 20)
    assert after["node_id"] == "ffp-rs"
    assert after["records"] == before["records"] + 1
    assert after["log_size"] == before["log_size"] + 1
    assert sum(after["acquisitions"].values()) == sum(before["acquisitions"].values()) + 1


def test_vocabularies(node: RunningNode) -> None:
    found = node.get("/v1/vocabularies", Role.INVESTIGATOR).json()
    kosovo = {"code": "XK", "name": "Kosovo*", "footnote": KOSOVO_FOOTNOTE}
    assert {**kosovo, "languages": ["sq", "sr-Latn"], "clock": "Europe/Belgrade"} in found["jurisdictions"]
    assert {item["code"] for item in found["jurisdictions"]} == set(FIRST_JURISDICTIONS)
    assert all((item["footnote"] is None) != item["name"].endswith("*") for item in found["jurisdictions"])
    assert all(fold_calibre(name).value == name for name in found["Calibre"])
    assert {"unknown", "not_examined"} < set(found["BreechFaceClass"])
    assert found["version"]


def test_kosovo_never_stands_without_its_footnote(node: RunningNode) -> None:
    receipt = node.submit(tiny_scan(), audience=["XK"], level="full").json()
    for path in ("/v1/vocabularies", f"/v1/records/{receipt['statement_id']}"):
        text = json.dumps(node.get(path).json(), ensure_ascii=False)
        assert text.count("Kosovo*") == text.count(KOSOVO_FOOTNOTE) > 0


def test_a_node_without_peers(node: RunningNode) -> None:
    assert node.get("/v1/peers", Role.OPERATOR).json() == []


def test_health_and_readiness(node: RunningNode) -> None:
    assert node.http.get(f"{node.url}/healthz").json()["status"] == "ok"
    ready = node.http.get(f"{node.url}/readyz")
    assert ready.status_code == 200
    assert ready.json() == {
        "status": "ready",
        "keys": "ok",
        "settings": "ok",
        "database": "ok",
        "blobs": "ok",
        "log": "ok",
        "worker": "ok",
    }


@pytest.mark.slow
def test_not_ready_when_something_is_gone_and_ready_when_it_is_back(start_node: Callable[..., RunningNode]) -> None:
    node = start_node(Jurisdiction.RS)
    for lost, named in (("node.db", "database"), ("blobs", "blobs"), ("incoming", "blobs")):
        assert node.submit(tiny_scan()).status_code == 201
        path = node.node.settings.home / lost
        away = path.rename(path.with_name("away"))

        not_ready = node.http.get(f"{node.url}/readyz")
        assert not_ready.status_code == 503
        assert [name for name, text in not_ready.json().items() if text not in ("ok", "not ready")] == [named]
        assert node.http.get(f"{node.url}/healthz").status_code == 200
        response = node.submit(tiny_scan())
        problem(response, 503, "store-unavailable")
        assert response.headers["retry-after"]
        assert not path.exists(), "nothing is made anew in place of what got lost"

        away.rename(path)
        assert node.http.get(f"{node.url}/readyz").status_code == 200
    assert node.submit(tiny_scan()).status_code == 201
    assert node.get("/v1/status").json()["records"] == 4
    _assert_no_leftovers(node)

    # as when somebody restores a backup and forgets to stop the node: SQLite would go on writing the old file
    database = node.node.settings.database
    copy = Path(f"{database}.copy")
    copy.write_bytes(database.read_bytes())
    copy.replace(database)
    problem(node.submit(tiny_scan()), 503, "store-unavailable")
    assert "restarts" in node.http.get(f"{node.url}/readyz").json()["database"]


def _assert_no_leftovers(node: RunningNode) -> None:
    settings = node.node.settings
    assert list(settings.incoming.iterdir()) == []
    digests = {path.name for path in settings.blobs.glob("??/*")}
    named: set[str] = set()
    listed: list[dict[str, Any]] = node.get("/v1/records", params={"limit": 200}).json()["items"]
    for item in listed:
        record = node.get(f"/v1/records/{item['statement_id']}").json()
        named |= {acquisition["sha256"] for acquisition in record["acquisitions"]}
    assert digests == named
