"""Saved views over the pages of a running node: who may keep, see and delete what."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from sqlalchemy import func, select

from exchange.flows.report.saved_views import ScansOnStage, visible_views
from exchange.store.entry.record_rows import acquisitions_of
from exchange.store.tables.review_tables import SavedViewRow
from exchange.store.terms.withdrawals import erase_rows
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.flows.report.view_examples import picture, view
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.pages.conftest import Person

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def node(start_shared: Callable[..., RunningNode], scans: dict[str, Path]) -> RunningNode:
    """A node of its own, with three scans that make three pairs."""
    started = start_shared(Jurisdiction.RS)
    for name in ("1-1", "1-2", "2-1"):
        assert started.submit(scans[name], case_reference=f"CASE-{name}").status_code == 201
    started.wait_correlated(3)
    return started


@dataclass
class OnePair:
    """A pair of the node and the addresses of its views."""

    candidate_id: int
    record: str
    other: str

    @property
    def views(self) -> str:
        return f"/app/pairs/{self.candidate_id}/views"


@pytest.fixture
def pairs(node: RunningNode) -> list[OnePair]:
    records = [item["statement_id"] for item in node.get("/v1/records").json()["items"]]
    found = {}
    for record in records:
        for item in node.get(f"/v1/records/{record}/candidates").json()["items"]:
            sides = (item["record"]["statement_id"], item["other"]["statement_id"])
            found[item["candidate_id"]] = OnePair(item["candidate_id"], *sides)
    return list(found.values())


def sent(**changes: Any) -> dict[str, Any]:
    return {"title": "Ridges", "view": view(), "picture": base64.b64encode(picture()).decode(), **changes}


def keep(person: Person, pair: OnePair, body: dict[str, Any] | str | None = None, **headers: str) -> httpx.Response:
    shown = {"X-CSRF": person.csrf(), "Content-Type": "application/json", "Accept": "application/json", **headers}
    content = body if isinstance(body, str) else json.dumps(sent() if body is None else body)
    return person.http.post(person.node.url + pair.views, content=content, headers=shown)


def remove(person: Person, address: str, **headers: str) -> httpx.Response:
    return person.http.delete(person.node.url + address, headers={"X-CSRF": person.csrf(), **headers})


def listed(person: Person, pair: OnePair) -> list[dict[str, Any]]:
    answer = person.get(pair.views)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["views"]
    return found


def count(node: RunningNode) -> int:
    with node.node.store.read() as session:
        return session.scalar(select(func.count()).select_from(SavedViewRow)) or 0


def test_a_view_is_kept_shown_and_deleted(signed_in: Callable[[Role], Person], pairs: list[OnePair]) -> None:
    person = signed_in(Role.EXAMINER)
    made = keep(person, pairs[0])
    assert made.status_code == 201, made.text
    (found,) = [item for item in listed(person, pairs[0]) if item["mine"]]
    assert found == made.json()
    assert found["view"] == view()
    answer = person.get(found["picture"])
    assert answer.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(answer.content)) as shown:
        assert shown.size == (320, 120)
    again = person.http.get(person.node.url + found["picture"], headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert person.get(found["thumbnail"]).headers["content-type"] == "image/jpeg"
    assert remove(person, found["address"]).status_code == 204
    assert person.get(found["picture"]).status_code == 404
    assert remove(person, found["address"]).status_code == 404


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"title": ""}, 422, "not-a-view"),
        ({"title": "two\nlines"}, 422, "not-a-view"),
        ({"view": view(mode="cinema")}, 422, "not-a-view"),
        ({"view": view(marks=[{"kind": "note"}] * 41)}, 422, "not-a-view"),
        ({"made_by": "somebody-else"}, 422, "not-a-view"),
        ({"picture": "not base64!"}, 422, "picture-refused"),
        ({"picture": base64.b64encode(b"GIF89a" + b"\0" * 60).decode()}, 422, "picture-refused"),
        ({"picture": base64.b64encode(picture()[:-40]).decode()}, 422, "picture-refused"),
        ({"picture": "A" * (9 * 2**20)}, 413, "too-large"),
    ],
)
def test_what_is_no_view_leaves_nothing(
    node: RunningNode,
    signed_in: Callable[[Role], Person],
    pairs: list[OnePair],
    changes: dict[str, Any],
    status: int,
    code: str,
) -> None:
    before = count(node)
    answer = keep(signed_in(Role.EXAMINER), pairs[0], sent(**changes))
    assert answer.status_code == status, answer.text
    assert answer.json()["type"].endswith(code)
    assert count(node) == before


def test_json_that_readers_disagree_on_is_refused(signed_in: Callable[[Role], Person], pairs: list[OnePair]) -> None:
    twice = json.dumps(sent()).replace('"title"', '"title": "one", "title"')
    answer = keep(signed_in(Role.EXAMINER), pairs[0], twice)
    assert answer.json()["type"].endswith("duplicate-key")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-CSRF": ""}, 403),
        ({"X-CSRF": "0" * 64}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Content-Type": "text/plain"}, 422),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 422),
    ],
)
def test_what_is_not_sent_by_the_own_pages_changes_nothing(
    node: RunningNode,
    signed_in: Callable[[Role], Person],
    pairs: list[OnePair],
    headers: dict[str, str],
    status: int,
) -> None:
    person = signed_in(Role.EXAMINER)
    before = count(node)
    assert keep(person, pairs[0], None, **headers).status_code == status
    kept = keep(person, pairs[0]).json()
    if status == 403:
        assert remove(person, kept["address"], **headers).status_code == 403
    assert count(node) == before + 1


def test_others_see_it_and_cannot_change_it(signed_in: Callable[[Role], Person], pairs: list[OnePair]) -> None:
    maker, other, investigator = signed_in(Role.EXAMINER), signed_in(Role.EXAMINER), signed_in(Role.INVESTIGATOR)
    kept = keep(maker, pairs[0]).json()
    for person in (other, investigator):
        (seen,) = [item for item in listed(person, pairs[0]) if item["view_id"] == kept["view_id"]]
        assert (seen["mine"], seen["made_by"]) == (False, maker.pseudonym)
        assert person.get(kept["thumbnail"]).status_code == 200
    assert remove(other, kept["address"]).status_code == 404
    assert remove(investigator, kept["address"]).status_code == 403
    assert keep(investigator, pairs[0]).status_code == 403
    assert maker.get(kept["picture"]).status_code == 200


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR])
def test_who_reads_no_records_sees_no_view(
    signed_in: Callable[[Role], Person], pairs: list[OnePair], role: Role
) -> None:
    kept = keep(signed_in(Role.EXAMINER), pairs[0]).json()
    person = signed_in(role)
    for path in (pairs[0].views, kept["picture"], kept["thumbnail"]):
        assert person.get(path).status_code == 403
    assert keep(person, pairs[0]).status_code == 403


def test_the_flow_gives_the_own_views_alone_unless_asked(
    node: RunningNode, signed_in: Callable[[Role], Person], pairs: list[OnePair]
) -> None:
    one, two = signed_in(Role.EXAMINER), signed_in(Role.EXAMINER)
    mine, theirs = keep(one, pairs[1]).json(), keep(two, pairs[1]).json()
    with node.node.store.read() as session:
        row = session.get(SavedViewRow, mine["view_id"])
        assert row is not None
        pair = ScansOnStage(row.scan_high, row.scan_low)
    own = visible_views(node.node, pair, one.pseudonym)
    all_of_them = visible_views(node.node, pair, one.pseudonym, everybody=True)
    assert [view.view_id for view in own] == [mine["view_id"]]
    assert {mine["view_id"], theirs["view_id"]} <= {view.view_id for view in all_of_them}


def test_under_another_pair_there_is_no_such_view(signed_in: Callable[[Role], Person], pairs: list[OnePair]) -> None:
    person = signed_in(Role.EXAMINER)
    kept = keep(person, pairs[0]).json()
    elsewhere = f"{pairs[1].views}/{kept['view_id']}"
    assert person.get(f"{elsewhere}/picture").status_code == 404
    assert remove(person, elsewhere).status_code == 404
    assert person.get(f"/app/pairs/999999/views/{kept['view_id']}/picture").status_code == 404


def test_there_may_be_so_many_and_no_more(
    signed_in: Callable[[Role], Person], pairs: list[OnePair], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exchange.flows.report.saved_views.MOST_VIEWS", 2)
    person = signed_in(Role.EXAMINER)
    assert [keep(person, pairs[0]).status_code for _ in range(3)] == [201, 201, 409]
    assert keep(person, pairs[1]).status_code == 201


def test_a_look_at_a_view_is_written_down(
    node: RunningNode, signed_in: Callable[[Role], Person], pairs: list[OnePair]
) -> None:
    person = signed_in(Role.EXAMINER)
    kept = keep(person, pairs[0]).json()
    person.get(kept["picture"])
    asked = {"actor": person.pseudonym, "subject": pairs[0].record}
    rows = node.get("/v1/audit", Role.AUDITOR, params=asked).json()["items"]
    said = json.loads(next(row["asked"] for row in rows if row["act"] == "read-picture"))
    assert said == {"candidate": str(pairs[0].candidate_id), "view": str(kept["view_id"])}


def test_the_rail_has_the_neighbours_of_the_records_own_list(
    signed_in: Callable[[Role], Person], pairs: list[OnePair]
) -> None:
    person = signed_in(Role.EXAMINER)
    record = pairs[0].record
    of_it = [pair.candidate_id for pair in pairs if record in (pair.record, pair.other)]
    shown = person.get(f"/app/pairs/{pairs[0].candidate_id}?from={record}").text
    for candidate_id in of_it:
        assert f'href="/app/pairs/{candidate_id}?from={record}"' in shown
    assert shown.count('rel="next"') + shown.count('rel="prev"') == 1, "two in the list, and one of them is here"
    assert shown.partition("<main")[2].count('aria-current="page"') == 1
    assert 'class="rail"' not in person.get(f"/app/pairs/{pairs[0].candidate_id}").text
    everybody = {side for pair in pairs for side in (pair.record, pair.other)}
    (stranger,) = everybody - {pairs[0].record, pairs[0].other}
    assert 'class="rail"' not in person.get(f"/app/pairs/{pairs[0].candidate_id}?from={stranger}").text
    assert person.get(f"/app/pairs/{pairs[0].candidate_id}?from=<script>").status_code == 422


def test_the_picture_of_a_pair_is_not_drawn_again(signed_in: Callable[[Role], Person], pairs: list[OnePair]) -> None:
    person = signed_in(Role.EXAMINER)
    path = f"/app/pairs/{pairs[0].candidate_id}/picture"
    drawn = person.get(path)
    with Image.open(io.BytesIO(drawn.content)) as shown:
        assert shown.format == "PNG"
    again = person.http.get(f"{person.node.url}{path}", headers={"If-None-Match": drawn.headers["etag"]})
    assert again.status_code == 304


def test_what_is_erased_takes_its_views_along(
    node: RunningNode, signed_in: Callable[[Role], Person], pairs: list[OnePair]
) -> None:
    person = signed_in(Role.EXAMINER)
    assert all(keep(person, pair).status_code == 201 for pair in pairs)
    with node.node.store.write() as session:
        (scan,) = acquisitions_of(session, pairs[0].record)
        erase_rows(session, pairs[0].record)
        left = session.scalars(select(SavedViewRow)).all()
    assert left, "the pair of the other two scans keeps its views"
    assert all(scan.sha256 not in (row.scan_low, row.scan_high) for row in left)
    (apart,) = [pair for pair in pairs if pairs[0].record not in (pair.record, pair.other)]
    assert listed(person, apart)
    assert person.get(pairs[0].views).status_code == 404
