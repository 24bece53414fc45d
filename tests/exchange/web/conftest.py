"""One running node for all tests of the web side, and how to see that a refusal left nothing behind."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from sqlalchemy import func, select

from exchange.errors import PROBLEM_TYPE
from exchange.store.tables.log import LogNodeRow
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow, StatementRow, SubmissionRow
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.flows.conftest import made, network, world
from tests.exchange.running_nodes import RunningNode, node_starter
from tests.matcher.read.x3p.conftest import build, wave

__all__ = ["made", "network", "world"]

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    """Serbia's node, without peers."""
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        node_starter(tmp_path_factory.mktemp("web"), monkeypatch) as start,
    ):
        yield start(Jurisdiction.RS)


@pytest.fixture(autouse=True)
def _no_memory_of_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """All tests come from one address."""
    monkeypatch.setattr("exchange.web.access.login_rate_limit.TRIES_A_MINUTE", 10_000)


def tiny_scan() -> bytes:
    """A valid x3p of 9 x 12 points, different each time: stored at once, and too small to correlate."""
    return build(wave() + next(_numbers) * 1e-9 * np.eye(9, 12))


@dataclass(frozen=True)
class Stored:
    """All that a submission leaves behind: rows by table, and files by folder."""

    rows: tuple[int, ...]
    blobs: frozenset[str]
    incoming: frozenset[str]


def stored(running: RunningNode) -> Stored:
    tables = (StatementRow, RecordRow, AcquisitionRow, SubmissionRow, LogNodeRow)
    with running.node.store.read() as session:
        rows = tuple(session.scalar(select(func.count()).select_from(table)) or 0 for table in tables)
    return Stored(rows, _files(running.node.settings.blobs), _files(running.node.settings.incoming))


def _files(folder: Path) -> frozenset[str]:
    return frozenset(path.name for path in folder.rglob("*") if path.is_file())


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem that a response holds, which must be of this status and type and say something to a person."""
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json"), (
        response.text
    )
    found: dict[str, Any] = response.json()
    assert found["type"] == PROBLEM_TYPE + code, found
    assert found["status"] == status
    assert found["title"]
    assert len(found["detail"]) > 20, found
    assert found["detail"].endswith("."), found
    return found


@pytest.fixture
def unharmed(node: RunningNode) -> Iterator[None]:
    """After the test: what it sent has left nothing behind. That the node goes on, the last test of each file shows."""
    # what the last test broke off may still be on its way out
    node.wait_for(lambda _: not stored(node).incoming, 10)
    before = stored(node)
    yield
    node.wait_for(lambda _: not stored(node).incoming, 10)
    assert stored(node) == before


def multipart(*parts: tuple[bytes, bytes], boundary: bytes = b"the-boundary") -> bytes:
    """A body from (header lines, content) of each part."""
    pieces = [b"--" + boundary + b"\r\n" + headers + b"\r\n\r\n" + content + b"\r\n" for headers, content in parts]
    return b"".join(pieces) + b"--" + boundary + b"--\r\n"


def part(name: str) -> bytes:
    return f'Content-Disposition: form-data; name="{name}"'.encode()


def post(
    running: RunningNode,
    body: Any,
    content_type: str = "multipart/form-data; boundary=the-boundary",
    headers: Mapping[str, str | bytes] | None = None,
) -> httpx.Response:
    """Post raw bytes, or pieces of them with ``Transfer-Encoding: chunked``, as an examiner."""
    everything = {**running.bearer(Role.EXAMINER), "Content-Type": content_type, **(headers or {})}
    return running.http.post(f"{running.url}/v1/records", content=body, headers=everything)
