"""The pages of firearms: entered, changed, and named by a test fire that begins there."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from schemas.vocabulary import Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import tiny_scan
from tests.exchange.web.pages.conftest import Person
from tests.exchange.web.pages.entry.test_register import Desk
from tests.exchange.web.pages.test_pages import HOSTILE

pytestmark = pytest.mark.slow

TYPED = {
    "kind": "pistol",
    "calibre": "9x19",
    "make": "Zastava",
    "model": "CZ 99",
    "converted": "no",
    "origin": "seized",
    "serial_number": "synthetic 4711",
    "remark": "Came with two magazines",
}


@pytest.fixture
def examiner(signed_in: Callable[[Role], Person]) -> Person:
    return signed_in(Role.EXAMINER)


def send(person: Person, path: str, **fields: str) -> httpx.Response:
    return person.post(path, {"csrf": person.csrf(), **fields})


def test_a_firearm_its_test_fire_and_what_is_known_later(node: RunningNode, examiner: Person) -> None:
    assert 'value="F-20' in examiner.get("/app/firearms").text, "a free pseudonym is proposed"
    made = send(examiner, "/app/firearms", firearm_id="P-1/x", **TYPED)
    assert (made.status_code, made.headers["location"]) == (303, "/app/firearms/P-1%2Fx")
    shown = examiner.get("/app/firearms/P-1%2Fx").text
    assert all(word in shown for word in ("Zastava", "synthetic 4711", "Came with two magazines", "9 mm Luger"))

    begun = send(examiner, "/app/firearms/P-1%2Fx", act="test-fire")
    desk = Desk(examiner, begun.headers["location"])
    scan = desk.send(tiny_scan())
    fields = {"case_reference": "RS-2026-77", "exhibit.item": "K-2/1", "exhibit.seal": "B 0047"}
    given = desk.drawn()
    assert '"exhibit.firearm.firearm_id": "P-1/x"' in given
    assert '"exhibit.kind": "test_fire"' in given
    saved = desk.save({**desk.fields(), **fields, f"file.{scan}.roi": "breech_face", "retention_until": "2036-12-31"})
    assert saved.status_code == 303, saved.text
    summary = examiner.get(f"{desk.address}/summary").text
    assert all(word in summary for word in ("P-1/x", "CZ 99", "K-2/1", "B 0047", "seized"))
    assert "4711" not in summary
    assert "What others will read" in summary
    assert "partners read this reference" in examiner.get(desk.address).text
    seen = summary.split('name="seen" value="')[1].split('"')[0]
    record = desk.post(f"{desk.address}/submit", {"seen": seen}).headers["location"]
    assert record in examiner.get("/app/firearms/P-1%2Fx").text
    assert "known pair" in examiner.get("/app/firearms/P-1%2Fx").text, "one test fire alone is no pair"
    assert "P-1/x" in examiner.get(record).text

    stamp = shown.split('name="seen" value="')[1].split('"')[0]
    changed = send(examiner, "/app/firearms/P-1%2Fx", act="change", seen=stamp, **TYPED | {"model": "CZ 999"})
    assert changed.status_code == 303
    assert "CZ 999" in examiner.get("/app/firearms/P-1%2Fx").text
    late = send(examiner, "/app/firearms/P-1%2Fx", act="change", seen=stamp, **TYPED)
    assert late.status_code == 422
    assert "changed since it was shown" in late.text
    assert send(examiner, "/app/firearms/P-1%2Fx", act="remove").status_code == 409


def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(node: RunningNode, examiner: Person) -> None:
    refused = send(examiner, "/app/firearms", firearm_id="P-2", **TYPED | {"calibre": "9x91", "kind": ""})
    assert refused.status_code == 422
    assert 'id="problem-calibre"' in refused.text
    assert 'id="problem-kind"' in refused.text
    assert "Came with two magazines" in refused.text
    assert "The nearest: 9 mm Luger" in refused.text, "in the words of the page"
    assert "/v1/vocabularies" not in refused.text
    assert refused.text.index("Nothing was entered.") < refused.text.index('id="enter"'), "where one looks first"
    unnamed = send(examiner, "/app/firearms", firearm_id="P-2", **TYPED | {"calibre": "drugo"})
    assert "The calibre other, and it alone, needs words that say what it is." in unnamed.text
    told = send(examiner, "/app/firearms", firearm_id="P-synthetic4711", **TYPED)
    assert 'id="problem-firearm_id"' in told.text
    assert examiner.get("/app/firearms/P-2").status_code == 404


def test_whatever_is_typed_is_text(node: RunningNode, examiner: Person) -> None:
    send(examiner, "/app/firearms", firearm_id="P-3", **TYPED | {"make": HOSTILE[:100], "remark": HOSTILE[:100]})
    for path in ("/app/firearms/P-3", "/app/firearms"):
        assert HOSTILE[:100] not in examiner.get(path).text
    assert "&lt;" in examiner.get("/app/firearms/P-3").text


def test_an_investigator_reads_and_changes_nothing(
    node: RunningNode, examiner: Person, signed_in: Callable[[Role], Person]
) -> None:
    send(examiner, "/app/firearms", firearm_id="P-4", **TYPED)
    investigator = signed_in(Role.INVESTIGATOR)
    shown = investigator.get("/app/firearms/P-4").text
    assert "synthetic 4711" in shown
    assert "P-4" in investigator.get("/app/firearms?text=4711").text
    assert '<form method="post" action="/app/firearms' not in shown
    assert send(investigator, "/app/firearms/P-4", act="change", **TYPED).status_code == 403
    assert signed_in(Role.OPERATOR).get("/app/firearms/P-4").status_code == 403


def test_a_draft_describes_a_firearm_that_is_not_here(node: RunningNode, examiner: Person) -> None:
    desk = Desk(examiner)
    scan = desk.send(tiny_scan())
    fields = {
        "case_reference": "RS-2026-78",
        "exhibit.kind": "test_fire",
        "exhibit.calibre": "9x19",
        "exhibit.firearm.firearm_id": "P-5",
        "handling.code": "H1",
        "level": "none",
        "retention_until": "2036-12-31",
        f"file.{scan}.roi": "breech_face",
    }
    assert desk.save(fields).status_code == 303
    missing = examiner.get(f"{desk.address}/summary")
    assert missing.status_code == 422
    assert 'id="problem-exhibit.firearm.kind"' in missing.text
    assert (
        desk.save({"exhibit.firearm.kind": "revolver", "exhibit.firearm.calibre": "9x91", **fields}).status_code == 303
    )
    assert "The nearest: 9 mm Luger" in examiner.get(f"{desk.address}/summary").text
    described = {"exhibit.firearm.kind": "revolver", "exhibit.firearm.calibre": "7.62 Nagant", **fields}
    assert desk.save(described).status_code == 303
    summary = examiner.get(f"{desk.address}/summary").text
    seen = summary.split('name="seen" value="')[1].split('"')[0]
    assert desk.post(f"{desk.address}/submit", {"seen": seen}).status_code == 303
    assert "revolver" in examiner.get("/app/firearms/P-5").text


def test_another_exhibit_of_the_case_has_a_number_of_its_own(node: RunningNode, examiner: Person) -> None:
    exhibit = {"kind": "crime_scene", "calibre": "9x19", "item": "7", "seal": "B 7", "incident": "2"}
    made = node.submit(tiny_scan(), exhibit=exhibit).json()["statement_id"]
    another = Desk(examiner, send(examiner, "/app/register", act="another", record=made).headers["location"])
    assert (another.fields().get("exhibit.item"), another.fields().get("exhibit.incident")) == (None, "2")
    amended = Desk(examiner, send(examiner, "/app/register", act="amend", record=made).headers["location"])
    assert (amended.fields()["exhibit.item"], amended.fields()["exhibit.seal"]) == ("7", "B 7")
