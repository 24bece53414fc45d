"""Search: each filter alone and together, and pages that are complete however they are cut."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import problem, tiny_scan

EXHIBITS: dict[str, dict[str, Any]] = {
    "LUGER": {"calibre": "9 mm Parabellum", "occurred": {"earliest": "2026-03-01", "latest": "2026-03-10"}},
    "MAKAROV": {
        "calibre": "9x18",
        "kind": "test_fire",
        "municipality": "Нови Пазар",
        "occurred": {"earliest": "2026-03-10", "latest": "2026-03-10"},
    },
    "ALARM": {"calibre": "9 mm P.A.K.", "occurred": {"earliest": "2026-05-01"}},
    "UNKNOWN": {"calibre": "unknown", "occurred": {"latest": "2026-01-31"}},
    "MAGNUM": {"calibre": "357 Magnum", "classes": {"breech_face": ["arched", "granular"], "ejector_hour": 8}},
    "SPECIAL": {
        "calibre": ".38 Spl",
        "kind": "seized",
        "classes": {"breech_face": ["parallel"], "extractor_hour": 3, "firing_pin_class": "elliptical"},
    },
    "SHOTGUN": {"calibre": "12 ga", "classes": {"firing_pin_aperture": "teardrop"}},
}


@pytest.fixture(scope="module")
def library(start_shared: Callable[..., RunningNode]) -> RunningNode:
    """A node with one record of each of ``EXHIBITS``, its name as case reference."""
    running = start_shared(Jurisdiction.RS)
    for name, changes in EXHIBITS.items():
        response = running.submit(tiny_scan(), case_reference=name, exhibit={"kind": "crime_scene", **changes})
        assert response.status_code == 201, response.text
    return running


def found(library: RunningNode, **wanted: Any) -> list[str]:
    response = library.get("/v1/records", Role.INVESTIGATOR, params=wanted)
    assert response.status_code == 200, response.text
    return [item["case_reference"] for item in response.json()["items"]]


@pytest.mark.slow
def test_the_newest_comes_first(library: RunningNode) -> None:
    assert found(library) == list(reversed(EXHIBITS))


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({"municipality": "novi pazar"}, {"MAKAROV"}),
        ({"municipality": "Pazar"}, {"MAKAROV"}),
        ({"municipality": "%"}, set()),
        ({"municipality": "Niš"}, set()),
        # synonyms are one calibre; what may come from the same firearm is found too, and what may be anything
        ({"calibre": "9x19"}, {"LUGER", "ALARM", "UNKNOWN"}),
        ({"calibre": "9 MM LUGER"}, {"LUGER", "ALARM", "UNKNOWN"}),
        ({"calibre": "9 mm Makarov"}, {"MAKAROV", "ALARM", "UNKNOWN"}),
        ({"calibre": "9 mm PA"}, {"ALARM", "LUGER", "MAKAROV", "UNKNOWN"}),
        ({"calibre": ".38 Special"}, {"SPECIAL", "MAGNUM", "UNKNOWN"}),
        ({"calibre": "12/70"}, {"SHOTGUN", "UNKNOWN"}),
        ({"calibre": ".45 ACP"}, {"UNKNOWN"}),
        ({"calibre": "unknown"}, set(EXHIBITS)),
        # date ranges overlap, both ends included; an end that is not known is open; no date at all is not found
        ({"earliest": "2026-03-10"}, {"LUGER", "MAKAROV", "ALARM"}),
        ({"earliest": "2026-03-11"}, {"ALARM"}),
        ({"latest": "2026-03-01"}, {"LUGER", "UNKNOWN"}),
        ({"latest": "2026-02-28"}, {"UNKNOWN"}),
        ({"earliest": "2026-03-05", "latest": "2026-03-05"}, {"LUGER"}),
        ({"earliest": "2026-03-10", "latest": "2026-03-31"}, {"LUGER", "MAKAROV"}),
        ({"earliest": "2030-01-01", "latest": "2030-01-02"}, {"ALARM"}),
        ({"jurisdiction": "RS"}, set(EXHIBITS)),
        ({"jurisdiction": "XK"}, set()),
        ({"kind": "test_fire"}, {"MAKAROV"}),
        ({"case_reference": "MAGNUM"}, {"MAGNUM"}),
        ({"case_reference": "MAG"}, {"MAGNUM"}),
        ({"case_reference": "mag"}, {"MAGNUM"}),
        ({"case_reference": "%"}, set()),
        ({"case_reference": "' OR '1'='1"}, set()),
        ({"case_reference": "x'; DROP TABLE record; --"}, set()),
        ({"breech_face": "granular"}, {"MAGNUM"}),
        ({"breech_face": "arched"}, {"MAGNUM"}),
        ({"breech_face": "not_examined"}, set(EXHIBITS) - {"MAGNUM", "SPECIAL"}),
        ({"firing_pin_class": "elliptical"}, {"SPECIAL"}),
        ({"firing_pin_aperture": "teardrop"}, {"SHOTGUN"}),
        ({"ejector_hour": 8}, {"MAGNUM"}),
        ({"extractor_hour": 3}, {"SPECIAL"}),
        ({"calibre": "9x19", "earliest": "2026-02-01", "kind": "crime_scene"}, {"LUGER", "ALARM"}),
        ({"calibre": ".38 Special", "breech_face": "smooth"}, set()),
    ],
)
def test_each_filter(library: RunningNode, wanted: dict[str, Any], names: set[str]) -> None:
    listed = found(library, **wanted)
    assert (set(listed), len(listed)) == (names, len(names))


@pytest.mark.parametrize(
    "query", ["caliber=9x19", "Calibre=9x19", "calibre=9x19&calibre=9x18", "limit=5&offset=5", "%00=1", "=1"]
)
def test_a_mistyped_filter_is_not_passed_over(library: RunningNode, query: str) -> None:
    found = problem(library.get(f"/v1/records?{query}"), 422, "unknown-parameter")
    assert "case_reference" in found["detail"]


def test_what_is_not_known_of_a_date_is_not_made_up(library: RunningNode) -> None:
    [alarm] = library.get("/v1/records", params={"case_reference": "ALARM"}).json()["items"]
    assert (alarm["earliest"], alarm["latest"]) == ("2026-05-01", None)


def test_an_unknown_calibre_names_near_ones(library: RunningNode) -> None:
    response = library.get("/v1/records", params={"calibre": "9 mm Lugre"})
    assert "9 mm Luger" in problem(response, 422, "unknown-calibre")["detail"]


def pages(library: RunningNode, limit: int, **wanted: Any) -> Iterator[httpx.Response]:
    """One page after the other, by the Link header alone, as RFC 8288 has it."""
    response = library.get("/v1/records", params={"limit": limit, **wanted})
    while True:
        yield response
        link = response.links.get("next")
        assert (link is None) == (response.json()["next"] is None)
        if link is None:
            return
        response = library.get(link["url"])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limit=st.integers(1, 9), calibre=st.sampled_from([None, "9x19", "9 mm P.A."]))
def test_pages_together_are_all_and_nothing_twice(library: RunningNode, limit: int, calibre: str | None) -> None:
    wanted = {"calibre": calibre} if calibre else {}
    together: list[str] = []
    for page in pages(library, limit, **wanted):
        items = page.json()["items"]
        assert len(items) <= limit
        together += [item["case_reference"] for item in items]
    assert together == found(library, **wanted)


@pytest.mark.slow
def test_what_arrives_meanwhile_disturbs_no_page(node: RunningNode) -> None:
    """Here the list grows between two pages."""
    for _ in range(7):
        node.submit(tiny_scan(), case_reference="PAGES")
    wanted = {"case_reference": "PAGES"}
    before = [item["statement_id"] for item in node.get("/v1/records", params=wanted).json()["items"]]
    seen: list[str] = []
    for page in pages(node, 2, **wanted):
        seen += [item["statement_id"] for item in page.json()["items"]]
        node.submit(tiny_scan(), case_reference="PAGES")
    assert (seen, len(seen)) == (before, 7)


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize("path", ["/v1/records", "/v1/candidates"])
@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "1",
        "!",
        "нет",
        "a" * 200,
        encoded([]),
        encoded([1, 2, 3]),
        encoded({"sequence": 1}),
        encoded(["1", "1"]),
        encoded([True, True]),
        encoded([None, None]),
        encoded([10**40, 10**40]),
        encoded([2**63, 2**63]),
        encoded([float("nan"), float("nan")]),
        encoded([float("inf"), float("-inf")]),
        base64.urlsafe_b64encode(b"[1e999, 1e999]").decode(),
        base64.urlsafe_b64encode(b"[" * 140).decode(),
        base64.urlsafe_b64encode(b"\xff\xfe1").decode(),
        encoded(["1 OR 1=1", "--"]),
    ],
)
def test_a_cursor_of_ones_own(library: RunningNode, path: str, cursor: str) -> None:
    problem(library.get(path, params={"cursor": cursor}), 422, "invalid-cursor")


def test_a_cursor_is_for_its_own_list(library: RunningNode) -> None:
    cursor = library.get("/v1/records", params={"limit": 1}).json()["next"]
    problem(library.get("/v1/candidates", params={"cursor": cursor}), 422, "invalid-cursor")


def test_a_cursor_that_is_too_long(library: RunningNode) -> None:
    problem(library.get("/v1/records", params={"cursor": "a" * 201}), 422, "invalid-parameter")
