"""What a half-year waits for stands on the first page of the head."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from exchange.coordination.maturity.keep_snapshot import last_half
from exchange.store.tables.record_tables import StatementRow
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.running_nodes import RunningNode, node_starter
from tests.exchange.web.pages.conftest import Person

pytestmark = pytest.mark.slow


def _first_in_pack(page: str) -> list[tuple[str, str]]:
    found = re.search(r'id="first">(.*?)</div>', page, re.DOTALL)
    return re.findall(r'<a href="([^"]+)">([^<]+)</a>', found[1]) if found else []


def test_what_a_half_year_waits_for_stands_on_the_heads_first_page_until_it_is_signed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, somebody: Callable[[RunningNode, Role], Person]
) -> None:
    half = last_half()
    with node_starter(tmp_path, monkeypatch) as start:
        node = start(Jurisdiction.UA)
        head = somebody(node, Role.HEAD)
        assert "Nothing waits for you." in head.get("/app/").text, "the node began after the half-year"
        with node.node.store.write() as session:
            began = session.scalars(select(StatementRow).order_by(StatementRow.log_index).limit(1)).one()
            began.received_at = half.start
        lines = re.findall(
            r'<li><a href="(/app/[^"]+)">([^<]+)</a> <span class="hint">waits since', head.get("/app/").text
        )
        assert lines == [
            (f"/app/monitoring/{half}", f"Approve the report of {half}"),
            ("/app/maturity#path", f"Keep the snapshot of maturity of {half}"),
            (f"/app/meetings/pack/{half}#approve", f"Approve what goes into the meeting pack of {half}"),
        ]
        assert "the node keeps it by itself" in head.get("/app/").text
        pack = f"/app/meetings/pack/{half}"
        assert _first_in_pack(head.get(pack).text) == lines[:2], "what the pack names is signed before it"
        assert "This half-year lasts" not in head.get(pack).text
        assert f'href="{pack}"' in head.get("/app/meetings").text, "of which something waits"
        for address, _said in lines:
            page = head.get(address).text
            form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page[page.rindex("<form") :]))
            if "half" in form:
                fields = {"csrf": form["csrf"], "half": form["half"]}
            else:
                fields = {"csrf": form["csrf"], "sha256": form["sha256"], "because": "To the coordinator."}
            assert head.post(address.partition("#")[0], fields).status_code == 303
        assert "Nothing waits for you." in head.get("/app/").text
        assert f'href="/app/meetings/pack/{half.after()}"' in head.get("/app/meetings").text
        assert "Keep the snapshot" not in head.get("/app/maturity").text
        assert somebody(node, Role.AUDITOR).post("/app/maturity", {"half": str(half)}).status_code == 403
