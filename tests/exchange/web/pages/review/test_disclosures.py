"""A disclosure on the page of an own record: made by the head, listed on both sides and on the firearm's page."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from schemas.vocabulary import Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import tiny_scan
from tests.exchange.web.pages.conftest import Person
from tests.schemas.examples import firearm_fields

pytestmark = pytest.mark.slow

People = Callable[[RunningNode, Role], Person]

SERIAL = "synthetic 4711"


def fired(node: RunningNode, **changes: object) -> str:
    """A test fire of a firearm whose serial number is known here."""
    firearm = firearm_fields(firearm_id="F-D1", calibre="9 mm Luger", calibre_words=None)
    stated = {name: value for name, value in firearm.items() if value is not None}
    entered = {"firearm": stated, "serial_number": SERIAL}
    made = node.http.post(f"{node.url}/v1/firearms", json=entered, headers=node.bearer(Role.EXAMINER))
    assert made.status_code == 201, made.text
    exhibit = {"kind": "test_fire", "calibre": "9 mm Luger", "firearm": stated}
    stored = node.submit(tiny_scan(), exhibit=exhibit, **{"level": "full", **changes})
    assert stored.status_code == 201, stored.text
    record: str = stored.json()["statement_id"]
    return record


def test_the_head_discloses_and_both_sides_read_it(pair: tuple[RunningNode, RunningNode], somebody: People) -> None:
    rs, mk = pair
    record = fired(rs, audience=["MK"])
    head, examiner = somebody(rs, Role.HEAD), somebody(rs, Role.EXAMINER)
    place = f"/app/records/{record}"
    assert f"{place}/disclose" in head.get(place).text
    assert f"{place}/disclose" not in examiner.get(place).text
    form = head.get(f"{place}/disclose")
    assert (form.status_code, SERIAL in form.text) == (200, True), "the firearm's serial number is filled in"
    assert "Test agreement" in form.text or "<datalist" in form.text

    typed = {"csrf": head.csrf(), "to": "ffp-mk", "legal_basis": "Article 9", "serial_number": SERIAL}
    faulty = head.post(f"{place}/disclose", typed | {"channel": "siena", "place": "Kept <b>as typed</b>"})
    assert faulty.status_code == 422
    assert "Kept &lt;b&gt;as typed" in faulty.text
    assert head.post(f"{place}/disclose", typed | {"serial_number": ""}).status_code == 422, "it discloses nothing"
    sent = head.post(f"{place}/disclose", typed | {"channel": "siena", "reference": "S-1/2026"})
    assert (sent.status_code, sent.headers["location"]) == (303, f"{place}#disclosures")
    for who in (head, examiner, somebody(rs, Role.INVESTIGATOR)):
        shown = who.get(place).text
        assert all(word in shown for word in (SERIAL, "S-1/2026", "SIENA (Europol)", "North Macedonia"))
    assert "Disclosed on its test fires" in examiner.get("/app/firearms/F-D1").text
    assert head.get(f"{place}/disclose").text.count("S-1/2026") == 1, "what was disclosed before"

    mk.wait_for(lambda _: bool(mk.get("/v1/statements", params={"about": record}).json()), 60)
    for role in (Role.HEAD, Role.EXAMINER, Role.INVESTIGATOR):
        shown = somebody(mk, role).get(place).text
        assert all(word in shown for word in (SERIAL, "S-1/2026", "SIENA (Europol)", "Serbia"))
    assert somebody(mk, Role.HEAD).get(f"{place}/disclose").status_code == 404, "another's record"


def test_only_who_may_have_the_record_is_told_more(pair: tuple[RunningNode, RunningNode], somebody: People) -> None:
    rs, _ = pair
    record = fired(rs, audience=["UA"])
    head = somebody(rs, Role.HEAD)
    form = head.get(f"/app/records/{record}/disclose").text
    assert "No other side may have this record" in form
    assert not re.findall(r'<option value="ffp-mk"', form)
    typed = {"csrf": head.csrf(), "to": "ffp-mk", "legal_basis": "Article 9", "serial_number": SERIAL}
    refused = head.post(f"/app/records/{record}/disclose", typed | {"place": "Kept <b>as typed</b>"})
    assert refused.status_code == 409
    assert all(told in refused.text for told in ("Nothing was signed.", "may not have the record itself"))
    assert "Kept &lt;b&gt;as typed" in refused.text, "what was typed stays"
    assert SERIAL not in head.get(f"/app/records/{record}").text


def test_nobody_else_is_shown_the_form(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    record = node.submit(tiny_scan()).json()["statement_id"]
    for role in (Role.EXAMINER, Role.INVESTIGATOR, Role.AUDITOR, Role.OPERATOR):
        assert signed_in(role).get(f"/app/records/{record}/disclose").status_code == 403
