"""Files and links that somebody made up to break the coordinator's desk, or another side's figures."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from exchange.coordination.desk.desk_app import desk_app
from exchange.coordination.desk.pack_desk import PackDesk
from exchange.coordination.half_year.half_years import parse_period
from exchange.coordination.half_year.restricted_edition import RestrictedHalf
from exchange.coordination.half_year.small_counts import exact
from exchange.coordination.region.earlier_claims import Claim, DroppedLinks, held_against
from exchange.coordination.region.exact_region import exact_half
from exchange.coordination.region.indicators import shipped_indicators
from exchange.coordination.region.regional_lines import difference_words
from exchange.coordination.region_files.read_reports import read_reports
from exchange.coordination.region_files.recipient import make_recipient, read_recipient, write_recipient
from exchange.coordination.region_files.report_file import MAX_FILE_BYTES, Believed, DeskKeys
from exchange.errors import InvalidInput
from exchange.web.languages import Spoken
from exchange.web.languages.spoken import speaking
from tests.exchange.coordination.region.exact_rows import Cells, exact_parts

PORT = 8461
HIDING = "\N{RIGHT-TO-LEFT OVERRIDE}\x1b[2J\ud800"


def hostile(**fields: str) -> bytes:
    return json.dumps(fields).encode()


HOSTILE = (
    hostile(format="ffp-monitoring-report/2", node=HIDING, period=HIDING),
    hostile(format="ffp-monitoring-report/1", node="ffp-rs", half=HIDING),
    hostile(format=f"ffp-report-file/{HIDING}", node=HIDING),
)


DAMAGED: dict[str, bytes] = {
    "nothing": b"",
    "a mark of byte order": b"\xef\xbb\xbf" + hostile(format="ffp-report-file/1"),
    "another encoding": hostile(format="ffp-report-file/1").decode().encode("utf-16"),
    "no number": b'{"format": "ffp-report-file/1", "period": NaN}',
    "a number without an end": b'{"format": "ffp-report-file/1", "period": ' + b"9" * 100_000 + b"}",
    "a number beyond all": b'{"format": "ffp-report-file/1", "period": 1e999}',
    "deep nesting": b"[" * 100_000,
    "a key twice": b'{"format": "ffp-report-file/1", "node": "ffp-rs", "node": "ffp-mk"}',
    "a bomb": gzip.compress(b" " * 10**7),
    "a list": b"[]",
    "half a pair of surrogates": b'{"format": "\\ud800"}',
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_what_is_no_report_is_refused_by_name_and_what_to_do_is_said(kind: str) -> None:
    read = read_reports([("x.json", DAMAGED[kind])], parse_period("2026H2"), Believed())
    (refused,) = read.refused
    assert (refused.file, refused.code) == ("x.json", "no-report")
    assert refused.why.isprintable()
    assert refused.next_step
    assert not read.accepted


@pytest.mark.parametrize("data", HOSTILE)
def test_a_refusal_repeats_nothing_that_hides_or_cannot_be_written(data: bytes) -> None:
    read = read_reports([(f"a{HIDING}.json", data)], parse_period("2026H2"), Believed())
    (refused,) = read.refused
    said = "".join((refused.file, refused.node or "", refused.why, refused.next_step))
    assert said.isprintable(), said
    assert said.encode(), "no half of a pair"


def test_the_desk_stands_whatever_lies_in_its_folder(tmp_path: Path) -> None:
    for number, data in enumerate(HOSTILE):
        (tmp_path / f"{number} of nobody.json").write_bytes(data)
    (tmp_path / os.fsdecode(b"\xff.json")).write_bytes(b"{}")
    desk = PackDesk(tmp_path, DeskKeys(Believed(), None), shipped_indicators())
    answer = asyncio.run(_page(desk))
    assert answer.status_code == 200, answer.text
    assert answer.text.count("<strong>refused</strong>") == len(HOSTILE) + 1
    assert not {"\N{RIGHT-TO-LEFT OVERRIDE}", "\x1b"} & set(answer.text)
    for name in ("../outside.json", "0 of nobody", ".", ""):
        with pytest.raises(InvalidInput):
            desk.take_away(name)
    desk.take_away("0 of nobody.json")  # no name that the desk gives, and a file of the folder
    assert not (tmp_path / "0 of nobody.json").exists()


def test_of_a_huge_file_no_more_is_read_than_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 4096)  # takes no room on the disk
    lengths: list[int] = []

    def read(files: Any, *rest: Any) -> Any:
        found = list(files)
        lengths.extend(len(data) for _, data in found)
        return read_reports(found, *rest)

    monkeypatch.setattr("exchange.coordination.desk.pack_desk.read_reports", read)
    desk = PackDesk(tmp_path, DeskKeys(Believed(), None), shipped_indicators())
    (refused,) = desk.read(parse_period("2026H2")).refused
    assert refused.code == "no-report"
    assert lengths == [MAX_FILE_BYTES + 1]


def test_a_recipient_has_a_name_that_hides_nothing() -> None:
    fields = json.loads(write_recipient(make_recipient("Coordination").recipient))
    for name in ("a\N{RIGHT-TO-LEFT OVERRIDE}b", "a\x9b2Jb", "a\N{LINE SEPARATOR}b", "a\N{ZERO WIDTH SPACE}b"):
        with pytest.raises(InvalidInput):
            read_recipient(json.dumps({**fields, "name": name}).encode())


Link = tuple[str, str | None, str, str | None]
"""By whom, id, and the half-years of lead and confirmation."""


def half(code: str, partner: str, links: Sequence[Link], period: str = "2026H2", **more: Any) -> RestrictedHalf:
    counts: Mapping[str, Cells] = {
        "leads": {partner: sum(lead == "2026H2" for _, _, lead, _ in links)} if period == "2026H2" else {}
    }
    fields = {
        "format": "ffp-monitoring-restricted/1",
        "edition": "restricted",
        "period": period,
        "counted_to": "2027-01-01T00:00:00Z",
        "begun": None,
        "node": f"ffp-{code.lower()}",
        "jurisdiction": code,
        "partners": [partner],
        "smallest_count_told": 5,
        "terms_h": {},
        **exact_parts(counts),
        "availability": [],
        "links": [
            {"partner": partner, "by": by, "link": name, "lead": lead, "confirmed": confirmed}
            for by, name, lead, confirmed in links
        ],
        "salt": "0" * 64,
        "note": "",
        **more,
    }
    return RestrictedHalf.model_validate_json(json.dumps(fields), strict=True)


def named(number: int) -> str:
    return f"{number:064x}"


@pytest.mark.parametrize(
    ("mine", "theirs", "counted"),
    [
        ([None] * 5, [1, 2, 3, 4, 5], 5),
        ([None] * 7, [1, 2, 3, 4, 5], 7),
        ([1, None, None], [1, 2, 3], 3),
        ([1, 4, None], [1, 2, 3], 4),
        ([None, None], [None, None, None], 3),
        ([1, 2], [1, 2], 2),
    ],
)
def test_a_side_that_leaves_link_ids_out_doubles_no_hit(
    mine: list[int | None], theirs: list[int | None], counted: int
) -> None:
    def links(numbers: list[int | None]) -> list[Link]:
        return [("RS", None if number is None else named(number), "2026H2", None) for number in numbers]

    made = exact_half([half("MK", "RS", links(mine)), half("RS", "MK", links(theirs))])
    leads = next(row for row in made.rows if row.id == "leads")
    assert leads.cells["MK-RS"] == exact(counted)


@pytest.mark.parametrize(
    ("then", "now", "counted", "claim"),
    [
        ([], [named(1)], 1, Claim.DISBELIEVED),  # told as of a half-year whose report does not have it
        ([named(1)], [named(1)], 0, None),
        ([named(2)], [named(1), named(2)], 1, Claim.DISBELIEVED),
        ([None], [named(1)], 0, Claim.UNPROVEN),  # it had no id then
        ([named(2)], [named(1)], 0, Claim.UNPROVEN),  # a record is gone, so that its case is another
        ([None], [None, named(1)], 1, Claim.DISBELIEVED),  # what had no id then is there still
    ],
)
def test_a_hit_that_is_told_as_of_an_earlier_half_year_is_held_against_the_report_of_then(
    then: list[str | None], now: list[str | None], counted: int, claim: Claim | None
) -> None:
    """Serbia hides what North Macedonia tells for this half-year."""
    mine = half("RS", "MK", [("RS", name, "2026H1", None) for name in now])
    theirs = half("MK", "RS", [("RS", name, "2026H2" if name == named(1) else "2026H1", None) for name in now])
    before = half("RS", "MK", [("RS", name, "2026H1", None) for name in then], period="2026H1")
    of_mk = half("MK", "RS", [("RS", name, "2026H1", None) for name in then], period="2026H1")
    made = exact_half([theirs, mine], {"ffp-rs": [before], "ffp-mk": [of_mk]})
    leads = next(row for row in made.rows if row.id == "leads")
    assert leads.cells["MK-RS"] == exact(counted)
    claims = [item.claim for item in made.differences if item.claim is not None and "RS" in item.told]
    assert claims == ([] if claim is None else [claim])
    hidden = next(row for row in exact_half([theirs, mine]).rows if row.id == "leads")
    assert hidden.cells["MK-RS"] == exact(0), "what nobody holds against anything is hidden"


def links_of(figure: str, links: Sequence[Link], then: Sequence[Link], theirs: Sequence[Link]) -> dict[Claim, int]:
    """What Serbia tells with ``links`` now, told with ``then`` before, and North Macedonia with ``theirs`` now."""
    before = half("RS", "MK", then, period="2026H1")
    ids = {name for _, name, _, _ in theirs}
    _, claims = held_against(half("RS", "MK", links), [before], ids)
    return {item.claim: item.count for item in claims if item.figure == figure}


def test_one_hit_that_is_dropped_hides_no_two() -> None:
    then = [("RS", named(9), "2026H1", None)]
    backdated: list[Link] = [("RS", named(number), "2026H1", None) for number in (1, 2, 3)]
    assert links_of("leads", backdated, then, []) == {Claim.UNPROVEN: 1, Claim.DISBELIEVED: 2}
    assert links_of("leads", backdated, [*then, ("RS", None, "2026H1", None)], []) == {
        Claim.UNPROVEN: 2,
        Claim.DISBELIEVED: 1,
    }


def test_a_hit_that_is_dropped_hides_none_where_it_cannot_be_the_one() -> None:
    dropped: Link = ("RS", named(9), "2026H1", None)
    backdated: list[Link] = [("RS", named(1), "2026H1", "2026H1")]
    assert links_of("leads", backdated, [dropped], [dropped]) == {Claim.DISBELIEVED: 1}, "the other side has it still"
    assert links_of("leads", backdated, [dropped], []) == {Claim.UNPROVEN: 1}
    assert links_of("confirmed_hits", backdated, [dropped], []) == {Claim.DISBELIEVED: 1}, "it was not confirmed"
    earlier: list[Link] = [("RS", named(1), "2025H2", None)]
    assert links_of("leads", earlier, [dropped], []) == {Claim.DISBELIEVED: 1}, "it was no hit before 2026H1"
    assert links_of("leads", [*backdated, dropped], [dropped], []) == {Claim.DISBELIEVED: 1}, "it is there"


def test_what_was_dropped_is_said() -> None:
    then: list[Link] = [
        ("RS", named(8), "2026H1", None),
        ("RS", named(9), "2026H1", None),
        ("RS", None, "2026H1", None),
    ]
    before = half("RS", "MK", then, period="2026H1")
    made = exact_half([half("RS", "MK", [("RS", named(1), "2026H1", None)])], {"ffp-rs": [before]})
    (item,) = [item for item in made.differences if item.claim is not None]
    assert item.dropped == DroppedLinks("MK", "2026H1", (named(8), named(9)), 1)
    with speaking(Spoken("en")):
        said = difference_words(item)
    assert "The report of 2026H1 had 2 hits with North Macedonia that are told no more." in said
    assert "The report of 2026H1 had 1 hit with North Macedonia without an id that is not there now." in said
    assert named(8) not in said


def test_what_was_told_then_is_not_made_earlier_still() -> None:
    before = half("RS", "MK", [("RS", named(1), "2026H1", None)], period="2026H1")
    later = half("RS", "MK", [("RS", named(1), "2025H2", "2026H1")])
    believed, claims = held_against(later, [before])
    (link,) = believed.links
    assert (link.lead, link.confirmed) == ("2026H1", "2026H2")
    assert {(item.figure, item.claim, item.count) for item in claims} == {
        ("leads", Claim.DISBELIEVED, 1),
        ("confirmed_hits", Claim.DISBELIEVED, 1),
    }


@pytest.mark.parametrize(
    "link",
    [
        ("HR", named(1), "2026H2", None),  # credits a side that is no partner
        ("RS", named(1), "2027H1", None),  # still to come
        ("RS", named(1), "2026H2", "2026H1"),  # confirmed before it was a lead
        ("RS", named(1), "2026H1", "2027H1"),
    ],
)
def test_a_link_that_cannot_be_is_refused(link: Link) -> None:
    half("MK", "RS", [("RS", named(1), "2026H1", "2026H2")])
    with pytest.raises(ValidationError, match="a link is"):
        half("MK", "RS", [link])


def test_many_links_with_many_partners_are_looked_through_a_few_times_each() -> None:
    """Not once for each partner: with 40,000 links and 255 partners that took half a minute."""
    codes = [f"{one}{other}" for one in "ABCDEFGHIJ" for other in "ABCDEFGHIJ"]

    def cost(partners: Sequence[str]) -> float:
        links = [
            {"partner": partners[number % len(partners)], "by": "RS", "link": named(number), "lead": "2026H1"}
            for number in range(10_000)
        ]
        fields = json.loads(half("RS", codes[0], []).model_dump_json())
        fields |= {"partners": partners, "links": [{**link, "confirmed": None} for link in links], **exact_parts()}
        made = RestrictedHalf.model_validate_json(json.dumps(fields), strict=True)
        began = time.process_time()
        leads = next(row for row in exact_half([made]).rows if row.id == "leads")
        assert leads.cells[f"{codes[0]}-RS"] == exact(0)
        return time.process_time() - began

    assert cost(codes) < 10 * cost(codes[:1]), "with one partner as with a hundred"


@pytest.mark.parametrize("part", ["indicators", "stages", "harmonisation_gap"])
def test_the_restricted_edition_has_each_figure_once(part: str) -> None:
    good = exact_parts()[part]
    for wrong in ([*good, good[0]], good[1:], [{**good[0], "id": "another"}, *good[1:]]):
        with pytest.raises(ValidationError, match=f"{part} has other figures than this format has"):
            half("MK", "RS", [], **{part: wrong})


async def _page(desk: PackDesk) -> httpx.Response:
    app = desk_app(desk, PORT)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://127.0.0.1:{PORT}") as client:
        return await client.get(f"{app.state.base}/")
