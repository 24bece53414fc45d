"""A node that is killed while people read: a row may be left without its answer, never an answer without its row."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx
import pytest

from exchange.flows.integrity.audit_check import verify_audit
from exchange.flows.node.node import opened
from exchange.store.log.audit import entries_from
from schemas.vocabulary import Jurisdiction
from tests.exchange.served import Served, eventually, serving
from tests.exchange.web.conftest import tiny_scan

pytestmark = pytest.mark.slow

READERS = 4


class Reading:
    """People who read one record again and again, and count what they were shown."""

    def __init__(self, node: Served, record: str) -> None:
        self._url, self._bearer = f"{node.url}/v1/records/{record}", node.bearer
        self.shown = [0] * READERS
        self._threads = [threading.Thread(target=self._read, args=(number,)) for number in range(READERS)]
        for thread in self._threads:
            thread.start()

    def _read(self, number: int) -> None:
        with httpx.Client(headers=self._bearer, timeout=30, trust_env=False) as http:
            while True:
                try:
                    response = http.get(self._url)
                except httpx.TransportError:
                    return
                assert response.status_code == 200, response.text
                self.shown[number] += 1

    def end(self) -> int:
        for thread in self._threads:
            thread.join(timeout=60)
            assert not thread.is_alive()
        return sum(self.shown)


@pytest.mark.parametrize("after", [1, 20, 45])
def test_every_answer_has_its_row(tmp_path: Path, after: int) -> None:
    with serving(tmp_path / "node", Jurisdiction.RS) as node:
        sent = node.submit(tiny_scan(), "RS-1")
        assert sent is not None
        record = sent.json()["statement_id"]
        reading = Reading(node, record)
        eventually(lambda: sum(reading.shown) >= after, 60)
        node.process.kill()
        node.process.wait()
        shown = reading.end()
    with opened(tmp_path / "node") as left:
        with left.store.read() as session:
            rows = [kept.entry for kept in entries_from(session)]
        assert verify_audit(left).good
    assert {row.subjects for row in rows} == {(record,)}
    assert shown <= len(rows) <= shown + READERS
