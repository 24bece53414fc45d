"""What a public site is made of: it follows from signed files, nothing sealed goes into it, and a regional report that
says something else is not believed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from exchange.coordination.half_year.half_years import Period
from exchange.coordination.half_year.public_edition import HOUR_CLASSES
from exchange.coordination.half_year.small_counts import HELD_BACK
from exchange.coordination.public_site.publication import (
    Publication,
    ReportsRefused,
    TakingPart,
    public_files,
    publication_of,
)
from exchange.coordination.region.combine import Combined, combine_reports
from exchange.coordination.region.indicators import shipped_indicators
from exchange.coordination.region.public_region import CROSSING
from exchange.coordination.region.read_regional import read_earlier
from exchange.coordination.region.region_document import write_region
from exchange.coordination.region_files.read_reports import read_reports
from exchange.coordination.region_files.release_report import release_report
from exchange.coordination.region_files.report_file import Believed, DeskKeys, verify_report_file
from exchange.errors import InvalidInput
from exchange.jurisdictions.directory import shipped_directory
from tests.exchange.coordination.region.region_world import BY_HEAD, CODES, H1, H2, YEAR
from tests.exchange.coordination.region.releases import Released

pytestmark = pytest.mark.slow

Files = list[tuple[str, bytes]]


def who(region: Released) -> Believed:
    return Believed(fingerprints=region.world.fingerprints())


def published(region: Released, files: Files, *wanted: Period) -> Publication:
    return publication_of(files, wanted, DeskKeys(who(region), None), shipped_indicators())


def all_files(region: Released) -> Files:
    return [(f"{period}-{name}", data) for period in (H1, H2, YEAR) for name, data in region.files[period]]


def combined(region: Released, period: Period, earlier: Sequence[bytes] = ()) -> Combined:
    read = read_reports(region.files[period], period, who(region), region.world.recipient)
    return combine_reports(read, period, shipped_indicators(), read_earlier(earlier, str(period)))


def regional(region: Released, period: Period, earlier: Sequence[bytes] = (), *, public: bool = True) -> bytes:
    made = combined(region, period, earlier)
    assert made.restricted is not None
    return write_region(made.public if public else made.restricted, shipped_directory())


def changed(data: bytes, path: str, value: Any) -> bytes:
    """``figures.leads.total``: of lists by ``id``."""
    fields = json.loads(data)
    found: Any = fields
    *steps, last = path.split(".")
    for step in steps:
        found = next(item for item in found if item["id"] == step) if isinstance(found, list) else found[step]
    found[last] = value
    return json.dumps(fields).encode()


def test_counts_follow_from_the_signed_files_without_a_key(released_region: Released) -> None:
    """What two sides share is held back where no regional report is given."""
    found = published(released_region, all_files(released_region))
    assert [str(item.period) for item in found.periods] == ["2026", "2026H1", "2026H2"]
    assert found.newest.period == H2
    for item in found.periods:
        expected = combined(released_region, item.period).public
        assert item.report.row("exhibits_entered") == expected.row("exhibits_entered")
        assert expected.row("exhibits_entered").total.low
        assert {item.report.row(name).across for name in CROSSING} == {HELD_BACK}
        assert {stage.median for stage in item.report.stages} == {item.report.rate.total} == {HELD_BACK}
    assert set(found.parts) == set(shipped_directory())
    assert {code for code, part in found.parts.items() if part is TakingPart.REPORTED} == set(CODES)
    assert len(found.exchanging) == 15


def test_hits_times_and_the_rate_are_those_of_the_public_regional_report(released_region: Released) -> None:
    told = regional(released_region, H2)
    found = published(released_region, [*released_region.files[H2], ("region.json", told)])
    expected = combined(released_region, H2).public
    assert found.newest.report.stages == expected.stages
    assert found.newest.report.rows == expected.rows
    assert found.newest.report.rate == expected.rate
    assert any(stage.median in HOUR_CLASSES for stage in found.newest.report.stages)


def test_earlier_periods_follow_from_the_files_of_then(released_region: Released) -> None:
    """What a regional report tells of them is held against these, and against the regional report of then."""
    first = regional(released_region, H1)
    later = regional(released_region, H2, [first])
    files = [*all_files(released_region), ("first.json", first)]
    (before, now) = published(released_region, [*files, ("region.json", later)]).trend()
    assert (before.period, now.period) == ("2026H1", "2026H2")
    assert before.figures == combined(released_region, H1).public.trend
    alone = [*released_region.files[H2], ("region.json", later)]
    without_its_report = [*alone, *released_region.files[H1]]
    for some, wanted in ((alone, ()), (without_its_report, ()), ([*files, ("region.json", later)], (H2,))):
        with pytest.raises(InvalidInput, match="compares with a public regional report of 2026H1 that is not here"):
            published(released_region, some, *wanted)
    for name, value in (
        ("period", "2025H2"),
        ("sha256", "0" * 64),
        ("figures", {}),
        ("jurisdictions", ["RS"]),
        ("without", {"leads": ["RS"]}),
        ("more", 1),
    ):
        fields = json.loads(later)
        fields["earlier"][0][name] = value
        with pytest.raises(InvalidInput, match=r"that is not here|files: earlier, 2026H1, ") as refused:
            published(released_region, [*files, ("region.json", json.dumps(fields).encode())])
        assert refused.value.code == "regional-differs", name
    assert [point.period for point in published(released_region, all_files(released_region)).trend(years=True)] == [
        "2026"
    ]


def test_only_the_periods_that_are_asked_for(released_region: Released) -> None:
    found = published(released_region, all_files(released_region), H1)
    assert [item.period for item in found.periods] == [H1]
    with pytest.raises(InvalidInput, match="No report of 2026H2"):
        published(released_region, released_region.files[H1], H2)
    with pytest.raises(InvalidInput, match="No report's file"):
        published(released_region, [])


def test_what_is_for_named_recipients_is_not_read(released_region: Released) -> None:
    exact = regional(released_region, H2, public=False)
    unread = changed(exact, "figures", "nothing that could be read")
    for data in (exact, unread):
        found = published(released_region, [*released_region.files[H2], ("exact.json", data)])
        assert found.not_read == ("exact.json",)
        assert found.newest.regional is None


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("figures.leads.total", {"told": "exact", "value": 3}, "does not follow from the files: figures, leads, total"),
        ("figures.leads.across", {"told": "exact", "value": 3.5}, "may not be told: leads"),
        ("figures.leads.cells", {"MK-RS": {"told": "exact", "value": 3}}, "files: figures, leads, cells, "),
        ("figures.leads.without", ["UA"], "leaves out a side that is not in it: leads"),
        ("figures.exhibits_entered.across", {"told": "exact", "value": 3}, "files: figures, exhibits_entered, across"),
        ("figures.exhibits_entered.cells", {}, "files: figures, exhibits_entered, cells, "),
        ("figures.exhibits_entered.without", ["RS"], "files: figures, exhibits_entered, without"),
        ("figures.leads.definition", "Another one", "files: figures, leads, definition"),
        ("figures.leads.kpi_2030", "3.1", "files: figures, leads, kpi_2030.* same --indicators"),
        ("figures.leads.verified", 0, "files: figures, leads, verified"),
        ("figures.leads.more", 1, "files: figures, leads, more"),
        ("figures.leads.total.more", 1, "no public regional report"),
        ("feedback_rate.cells", {"RS": {"told": "exact", "value": 1}}, "files: feedback_rate, cells"),
        ("stages.search.spans", 7, "files: stages, search, spans"),
        ("availability.nodes", [], "files: availability, nodes"),
        (
            "differences",
            [{"id": "leads", "period": "2026H2", "told": {}, "told_alone": {"RS": 2}}],
            "files: differences",
        ),
        ("refused", [{"file": "x", "node": "ffp-rs", "code": "forged", "why": "", "next_step": ""}], "files: refused"),
        ("jurisdictions", [], "files: jurisdictions"),
        ("how_a_hit_is_counted", "Twice", "files: how_a_hit_is_counted"),
        ("smallest_count_told", 3, "files: smallest_count_told"),
        ("from", "2026-06-30T00:00:00.000Z", "files: from"),
        ("note", "Another one", "files: note"),
        ("more", {"RS": 3}, "files: more"),
        ("more\u202e", 1, "files: more"),
        ("figures", [], "other figures than this release"),
        ("stages.feedback.median", {"told": "exact", "value": 3}, "may not be told: feedback"),
        ("stages.feedback.median", {"told": "between", "low": 24, "high": 240}, "may not be told: feedback"),
        ("feedback_rate.total", {"told": "exact", "value": 0.7}, "feedback rate"),
        ("feedback_rate.total", {"told": "between", "low": 0.6, "high": 0.7}, "feedback rate"),
        (
            "reports",
            [{"node": "ffp-rs", "jurisdiction": "RS", "sha256": "0" * 64, "exact": True}],
            "other reports than those that are here: of ffp-al",
        ),
        ("edition", "exact", "no public regional report"),
        ("figures.leads.total", {"told": "between", "low": 9, "high": 3}, "no public regional report"),
        ("figures.leads.total", {"told": "held_back", "value": 3}, "no public regional report"),
    ],
)
def test_a_regional_report_that_says_something_else(
    released_region: Released, path: str, value: Any, said: str
) -> None:
    data = changed(regional(released_region, H2), path, value)
    with pytest.raises(InvalidInput, match=said) as refused:
        published(released_region, [*released_region.files[H2], ("region.json", data)])
    assert refused.value.code in ("regional-differs", "invalid-regional")
    assert "\u202e" not in str(refused.value)


def test_what_is_said_of_the_reports_it_is_made_of(released_region: Released) -> None:
    for name, value, said in (
        ("approval", "0" * 64, "files: reports, ffp-rs, approval"),
        ("fingerprint", "0", "files: reports, ffp-rs, fingerprint"),
        ("exact", "yes", "no public regional report"),
    ):
        fields = json.loads(regional(released_region, H2))
        next(item for item in fields["reports"] if item["node"] == "ffp-rs")[name] = value
        with pytest.raises(InvalidInput, match=said):
            published(released_region, [*released_region.files[H2], ("region.json", json.dumps(fields).encode())])


def test_hits_that_may_not_be_totalled_are_not_published(released_region: Released) -> None:
    """The report says itself that it has the exact editions of four sides alone: two are missing."""
    fields = json.loads(regional(released_region, H2))
    for item in fields["reports"][:2]:
        item["exact"] = False
    with pytest.raises(InvalidInput, match="tells a total that may not be told: leads"):
        published(released_region, [*released_region.files[H2], ("region.json", json.dumps(fields).encode())])


def test_times_that_contradict_each_other_or_the_sides(released_region: Released) -> None:
    data = regional(released_region, H2)
    told = [item for item in json.loads(data)["stages"] if item["median"]["told"] == "between"]
    (search,) = [item for item in told if item["id"] == "search"]
    longest = {"told": "between", "low": 720, "high": None}
    for path, value in (
        ("stages.confirmation.median", longest),
        ("stages.search.percentile_90", longest),
        ("stages.search.median", {"told": "held_back"}),
    ):
        assert value not in (search["median"], search["percentile_90"])
        files = [*released_region.files[H2], ("region.json", changed(data, path, value))]
        with pytest.raises(InvalidInput, match="tells a time that may not be told"):
            published(released_region, files)


def test_two_regional_reports_of_one_period(released_region: Released) -> None:
    data = regional(released_region, H2)
    other = changed(data, "figures.leads.across", {"told": "held_back"})
    files = [*released_region.files[H2], ("a.json", data)]
    assert published(released_region, [*files, ("b.json", data)]).newest.regional is not None
    with pytest.raises(InvalidInput, match=r"b\.json is a second public regional report"):
        published(released_region, [*files, ("b.json", other)])


def test_more_may_be_held_back(released_region: Released) -> None:
    data = changed(regional(released_region, H2), "figures.leads.across", {"told": "held_back"})
    found = published(released_region, [*released_region.files[H2], ("region.json", data)])
    assert found.newest.report.row("leads").across == HELD_BACK


def test_one_refused_file_stops_all(released_region: Released) -> None:
    files = released_region.files[H2]
    name, data = files[4]
    forged = data.replace(b'"period": "2026H2"', b'"period": "2026H1"')
    for wrong, code in ((forged, "forged"), (b"{}", "no-report"), (b"\xff", "no-report")):
        with pytest.raises(ReportsRefused) as refused:
            published(released_region, [*files, (f"wrong-{name}", wrong)])
        assert [(item.file, item.code) for item in refused.value.refused] == [(f"wrong-{name}", code)]
    with pytest.raises(ReportsRefused) as refused:
        publication_of(files, (), DeskKeys(Believed(), None), shipped_indicators())
    assert {item.code for item in refused.value.refused} == {"unknown-identity"}
    assert published(released_region, [*files, ("again.json", data)]).newest.report.reports, "twice counts once"


def test_who_is_missing_takes_part_and_has_not_reported(released_region: Released) -> None:
    parts = published(released_region, released_region.files[H2][:-1]).parts
    assert (parts["XK"], parts["RS"], parts["UA"]) == (TakingPart.CONNECTED, TakingPart.REPORTED, TakingPart.PREPARING)


def test_what_is_given_out_was_signed_and_nothing_in_it_is_sealed(released_region: Released) -> None:
    for name, data in released_region.files[H2]:
        verified = verify_report_file(data, who(released_region))
        found = public_files(data)
        assert b'"sealed"' in data
        assert not found.as_it_came
        for content in found.named(verified).values():
            assert b"sealed" not in content
            assert released_region.world.recipient.recipient.name.encode() not in content
        assert found.signed.public == verified.public
        again = verify_report_file(found.report, who(released_region), released_region.world.recipient)
        assert (again.public, again.approval, again.sha256) == (verified.public, verified.approval, verified.sha256)
        assert again.sealed is None, name


def test_a_file_without_a_sealed_edition_is_given_out_as_it_came(released_region: Released) -> None:
    data = release_report(released_region.world.nodes["RS"], BY_HEAD, H2, None)
    found = public_files(data)
    assert found.report == data
    assert found.as_it_came
