"""The incident annex goes with the report: in its file, verified with it, and summed over the region."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from exchange.coordination.approved_document import approval_proof, digest_of
from exchange.coordination.half_year.half_years import Half, Period
from exchange.coordination.half_year.small_counts import Told, exact
from exchange.coordination.incidents.incident_vocabulary import IncidentCounts
from exchange.coordination.incidents.told_incidents import TABLES, TOTALS, exact_table, exact_totals
from exchange.coordination.public_site.publication import publication_of
from exchange.coordination.region.combine import Combined, combine_reports
from exchange.coordination.region.indicators import shipped_indicators
from exchange.coordination.region.read_regional import read_earlier
from exchange.coordination.region.region_document import write_region
from exchange.coordination.region.region_paper import regional_sheet, render_region
from exchange.coordination.region.regional import RegionalReport
from exchange.coordination.region_files.read_reports import ReadReports, read_reports
from exchange.coordination.region_files.release_report import release_report
from exchange.coordination.region_files.report_file import Believed, DeskKeys, ReportRefused, verify_report_file
from exchange.errors import InvalidInput
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.statement.sign_statement import enter, say
from exchange.jurisdictions.directory import shipped_directory
from exchange.log.audit_entry import Act
from exchange.store.tables.log import AuditRow, AuditSubjectRow
from exchange.web.languages import Spoken
from exchange.web.languages.spoken import speaking
from schemas import Approval, Maker
from schemas.vocabulary import KOSOVO_FOOTNOTE, Decision, Jurisdiction, Role, SignedInBy
from tests.exchange.coordination.region.annexed_region import annex_of, region_world, summed
from tests.exchange.coordination.region.region_world import BY_HEAD, H1, H2, YEAR, RegionWorld, start_of_2026

pytestmark = pytest.mark.slow

WITHOUT = "AL"
"""Its head approved no annex."""
INCIDENTS = {"BA": 40, "ME": 9, "MK": 130, "RS": 400, "XK": 60}


@dataclass
class Annexed:
    world: RegionWorld
    true: dict[tuple[str, Half], IncidentCounts]
    before: dict[str, bytes]
    """The files of the first half-year from before any annex was approved."""
    files: dict[Period, dict[str, bytes]]


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Annexed]:
    clock = start_of_2026()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("exchange.clock.now", clock)
        world = region_world(tmp_path_factory.mktemp("annexed"), clock)
        world.at(datetime(2026, 7, 9, tzinfo=UTC))
        world.approve(H1)
        before = dict(world.files(H1))
        true = {}
        for number, (code, incidents) in enumerate(INCIDENTS.items()):
            true[code, H1] = annex_of(world.nodes[code], H1, number, incidents)
        world.at(datetime(2027, 1, 9, tzinfo=UTC))
        for number, (code, incidents) in enumerate(INCIDENTS.items()):
            true[code, H2] = annex_of(world.nodes[code], H2, 50 + number, incidents)
        world.approve(H2)
        world.approve(YEAR)
        yield Annexed(world, true, before, {period: dict(world.files(period)) for period in (H1, H2, YEAR)})
        world.close()


def who(region: Annexed) -> Believed:
    return Believed(fingerprints=region.world.fingerprints())


def read(region: Annexed, period: Period, *, key: bool = True, **changed: bytes) -> ReadReports:
    files = {**region.files[period], **{f"{code}.json": data for code, data in changed.items()}}
    return read_reports(files.items(), period, who(region), region.world.recipient if key else None)


def combined(region: Annexed, period: Period, **changed: bytes) -> Combined:
    found = read(region, period, **changed)
    assert not found.refused
    return combine_reports(found, period, shipped_indicators())


def restricted(region: Annexed, period: Period) -> RegionalReport:
    made = combined(region, period).restricted
    assert made is not None
    return made


def test_a_file_without_an_annex(region: Annexed) -> None:
    for data in (*region.before.values(), region.files[H2]["al.json"]):
        assert verify_report_file(data, who(region), region.world.recipient).annexes == ()
    fields = json.loads(region.files[H1]["rs.json"])
    assert fields["manifest"] == json.loads(region.before["rs.json"])["manifest"], "the report is the same"
    read_files = read_reports(region.before.items(), H1, who(region), region.world.recipient)
    assert combine_reports(read_files, H1, shipped_indicators()).public.incidents is None


@pytest.mark.parametrize(("period", "halves"), [(H1, [H1]), (H2, [H2]), (YEAR, [H1, H2])], ids=str)
def test_exact_sums_are_the_truth_and_public_ranges_hold_it(
    region: Annexed, period: Period, halves: list[Half]
) -> None:
    truth = summed([counts for (_, half), counts in region.true.items() if half in halves])
    made = combined(region, period)
    assert made.restricted is not None
    found, public = made.restricted.incidents, made.public.incidents
    assert found is not None
    assert public is not None
    totals = exact_totals(truth)
    assert found.totals == {name: exact(totals[name]) for name in TOTALS}
    held = told = 0
    for name, kind in TABLES.items():
        cells = exact_table(truth, kind)
        assert found.tables[name].cells == {place: exact(count) for place, count in cells.items()}
        for place, figure in public.tables[name].cells.items():
            if figure.told is Told.HELD_BACK:
                held += 1
                continue
            assert (figure.low or 0) <= cells[place] <= (figure.high or 0), (name, place)
            told += 1
    assert told > 100
    for name, figure in public.totals.items():
        assert (figure.low or 0) <= totals[name] <= (figure.high or 0)
        assert set(public.by_jurisdiction[name]) == set(INCIDENTS)
    own = exact_totals(summed([region.true["RS", half] for half in halves]))
    assert found.by_jurisdiction["use"]["RS"] == exact(own["use"])
    lacking = [(WITHOUT, str(half)) for half in halves]
    assert list(found.lacking) == list(public.lacking) == lacking
    assert len(found.annexes) == len(INCIDENTS) * len(halves)


def test_without_a_key_the_exact_edition_stays_sealed(region: Annexed) -> None:
    found = combine_reports(read(region, H2, key=False), H2, shipped_indicators())
    assert found.restricted is None
    assert found.public.incidents == combined(region, H2).public.incidents, "it is made of the public annexes alone"
    data = region.files[H2]["rs.json"]
    sealed = [annex["exact"]["sealed"] for annex in json.loads(data)["annexes"]]
    assert (
        len(base64.b64decode(sealed[0])) % 8192
        == len(base64.b64decode(json.loads(data)["restricted"]["sealed"])) % 8192
    )
    public = release_report(region.world.nodes["RS"], BY_HEAD, H2, None)
    assert [annex["exact"] for annex in json.loads(public)["annexes"]] == [None]


def changed(data: bytes, **fields: Any) -> bytes:
    found = json.loads(data)
    found["annexes"][0] |= fields
    return json.dumps(found).encode()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_forged_annexes_are_refused_by_name(region: Annexed) -> None:
    good = region.files[H2]["rs.json"]
    annex = json.loads(good)["annexes"][0]
    other = json.loads(region.files[H2]["mk.json"])["annexes"][0]
    first = json.loads(region.files[H1]["rs.json"])["annexes"][0]
    public = base64.b64decode(annex["public"]).replace(b'"exact"', b'"held_back"', 1)
    manifest = base64.b64decode(annex["manifest"]).replace(b'"public":"', b'"public":"0', 1)
    assert b64(manifest) != annex["manifest"]
    purpose = {**annex["exact"], "purpose": "Another purpose"}
    whole = json.loads(good)
    for what, data, code in (
        ("another public edition", changed(good, public=b64(public)), "forged"),
        ("a manifest of nobody", changed(good, manifest=b64(manifest)), "unapproved"),
        ("another node's annex", changed(good, **other), "forged"),
        ("another node's proof", changed(good, proof=other["proof"]), "forged"),
        ("the report's proof", changed(good, proof=whole["proof"]), "unapproved"),
        ("an annex of before", changed(good, **first), "no-report"),
        ("an annex of before under today's name", changed(good, **{**first, "half": "2026H2"}), "forged"),
        ("another purpose", changed(good, exact=purpose), "other-recipient"),
        ("what was sealed for the report", changed(good, exact=whole["restricted"]), "other-recipient"),
        ("a field more", changed(good, more=1), "no-report"),
        ("one annex twice", json.dumps({**whole, "annexes": [annex, annex]}).encode(), "no-report"),
    ):
        with pytest.raises(ReportRefused) as error:
            verify_report_file(data, who(region), region.world.recipient)
        assert error.value.code == code, what
        assert error.value.next_step


def test_an_annex_that_the_head_did_not_approve_is_refused(region: Annexed) -> None:
    node = region.world.nodes["RS"]
    good = region.files[H2]["rs.json"]
    manifest = base64.b64decode(json.loads(good)["annexes"][0]["manifest"])
    for role in (Role.NODE, Role.EXAMINER):
        maker = Maker(pseudonym="somebody", role=role, signed_in=SignedInBy.TOKEN)
        fields = {"concerns": digest_of(manifest), "jurisdiction": Jurisdiction.RS, "decision": Decision.APPROVED}
        said = say(node, Approval, maker, because="Made up.", **fields)
        with node.store.write() as session:
            enter(session, said, to=[])
        sign_head(node)
        data = changed(good, proof=b64(approval_proof(node, said.statement_id)))
        with pytest.raises(ReportRefused, match=f"somebody in the role {role}, and not in the role head") as error:
            verify_report_file(data, who(region), region.world.recipient)
        assert error.value.code == "not-by-head"


def signed_annex(region: Annexed, change: Callable[[dict[str, Any]], object]) -> bytes:
    """The file of a head who approved an annex that a program of their own wrote."""
    good = region.files[H2]["rs.json"]
    annex = json.loads(good)["annexes"][0]
    fields = json.loads(base64.b64decode(annex["public"]))
    change(fields)
    public = json.dumps(fields).encode()
    manifest = json.loads(base64.b64decode(annex["manifest"]))
    manifest["public"] = digest_of(public)
    written = json.dumps(manifest).encode()
    node = region.world.nodes["RS"]
    maker = Maker(pseudonym="head-1", role=Role.HEAD, signed_in=SignedInBy.TOKEN)
    subject = {"concerns": digest_of(written), "jurisdiction": Jurisdiction.RS, "decision": Decision.APPROVED}
    said = say(node, Approval, maker, because="Made up.", **subject)
    with node.store.write() as session:
        enter(session, said, to=[])
    sign_head(node)
    proof = b64(approval_proof(node, said.statement_id))
    return changed(good, public=b64(public), manifest=b64(written), exact=None, proof=proof)


def total(**told: Any) -> Callable[[dict[str, Any]], object]:
    def change(fields: dict[str, Any]) -> None:
        fields["totals"][0] = {"id": fields["totals"][0]["id"], "title": "", **told}

    return change


def cell(**told: Any) -> Callable[[dict[str, Any]], object]:
    def change(fields: dict[str, Any]) -> None:
        first = fields["tables"][0]["cells"][0]
        fields["tables"][0]["cells"][0] = {"at": first["at"], **told}

    return change


@pytest.mark.parametrize(
    "change",
    [
        total(told="no_data", low="a", high=[1]),
        total(told="restricted", low={}, high=None),
        total(told="no_data"),
        total(told="held_back"),
        total(told="exact", value=1.5),
        cell(told="no_data", low="a", high={}),
        cell(told="restricted"),
        cell(told="exact", value=10**9),
        lambda fields: fields.update(smallest_count_told=0),
        lambda fields: fields.update(smallest_count_told=10**9),
        lambda fields: fields.update(earlier=[{"half": "2025H2", "sha256": "<b>", "totals": {}}]),
    ],
)
def test_a_head_who_signs_what_no_annex_tells_stops_nothing(
    region: Annexed, change: Callable[[dict[str, Any]], object]
) -> None:
    """It would end up in the sum of all: as no number at all, or as a silence that hides the others' counts."""
    found = read(region, H2, rs=signed_annex(region, change))
    (refused,) = found.refused
    assert (refused.file, refused.code) == ("rs.json", "forged")
    made = combine_reports(found, H2, shipped_indicators()).public
    assert made.incidents is not None
    assert all(figure.told in (Told.EXACT, Told.BETWEEN) for figure in made.incidents.totals.values())


def test_an_annex_that_is_signed_as_it_was_is_taken(region: Annexed) -> None:
    found = read(region, H2, rs=signed_annex(region, lambda _fields: None))
    assert not found.refused


def test_a_copy_without_an_exact_annex_takes_nothing_away(region: Annexed) -> None:
    files = {"a copy.json": changed(region.files[H2]["rs.json"], exact=None), **region.files[H2]}
    found = read_reports(files.items(), H2, who(region), region.world.recipient)
    assert [(item.file, item.code) for item in found.refused] == [("a copy.json", "doubled")]
    made = combine_reports(found, H2, shipped_indicators()).restricted
    assert made is not None
    assert made.incidents is not None
    assert ("RS", str(H2)) not in made.incidents.lacking


def test_a_regional_report_with_incidents_goes_to_the_public_site(region: Annexed) -> None:
    made = combined(region, H2)
    assert made.restricted is not None
    public, exact_one = (write_region(report, shipped_directory()) for report in (made.public, made.restricted))
    files = [*region.files[H2].items(), ("public.json", public), ("exact.json", exact_one)]
    keys = DeskKeys(who(region), None)
    found = publication_of(files, (), keys, shipped_indicators())
    assert found.not_read == ("exact.json",)
    assert found.newest.regional is not None
    assert found.newest.regional.data == public
    fields = json.loads(public)
    fields["incidents"]["totals"][0]["cells"]["RS"] = {"told": "exact", "value": 3}
    others = [item for item in files if item[0] == "exact.json" or item[0] in region.files[H2]]
    for changed_report in (
        fields,
        {**json.loads(public), "incidents": {**json.loads(public)["incidents"], "annexes": []}},
    ):
        with pytest.raises(InvalidInput, match=r"from the files: incidents, (totals, use, cells, RS|annexes)"):
            publication_of([*others, ("p.json", json.dumps(changed_report).encode())], (), keys, shipped_indicators())
    without = {name: value for name, value in json.loads(public).items() if name != "incidents"}
    with pytest.raises(InvalidInput, match="from the files: incidents"):
        publication_of([*others, ("p.json", json.dumps(without).encode())], (), keys, shipped_indicators())


def test_of_one_report_twice_the_file_with_the_annex_counts(region: Annexed) -> None:
    found = read(region, H1, **{"rs-before": region.before["rs.json"]})
    (refused,) = found.refused
    assert (refused.file, refused.code) == ("rs-before.json", "doubled")
    assert next(report for report in found.reports if report.jurisdiction == "RS").annexes


def test_the_audit_says_that_the_annex_went_along(region: Annexed) -> None:
    node = region.world.nodes["RS"]
    region.world.file("RS", H2)
    with node.store.read() as session:
        row = session.query(AuditRow).filter_by(act=str(Act.RELEASE_RESTRICTED)).order_by(AuditRow.number).all()[-1]
        subjects = {item.subject for item in session.query(AuditSubjectRow).filter_by(number=row.number)}
    verified = verify_report_file(region.files[H2]["rs.json"], who(region), region.world.recipient)
    assert subjects == {verified.approval, verified.annexes[0].approval}


def test_the_regional_report_tells_the_incidents_and_compares_them(region: Annexed) -> None:
    first, second = restricted(region, H1), combined(region, H2)
    data = write_region(first, shipped_directory())
    fields = json.loads(data)
    assert [item["id"] for item in fields["incidents"]["totals"]] == list(TOTALS)
    assert fields["incidents"]["words"]["verified"] is False
    assert fields["incidents"]["lacking"] == [{"jurisdiction": WITHOUT, "half": "2026H1"}]
    before = read_earlier([data], "2026H2")
    assert before["restricted"][0].figures["incidents_use"] == first.trend["incidents_use"]
    made = combine_reports(read(region, H2), H2, shipped_indicators(), before).restricted
    assert made is not None
    assert made.earlier[0].figures["incidents_victims"].told is Told.EXACT
    with speaking(Spoken("en", directory=shipped_directory)):
        sheet = regional_sheet(second.public).decode("utf-8-sig")
        pdf = render_region(second.public)
    assert "incidents_use_by_offence" in sheet
    assert KOSOVO_FOOTNOTE in sheet
    assert pdf.startswith(b"%PDF-")
