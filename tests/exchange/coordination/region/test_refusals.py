"""A forged, an older, a doubled and an unapproved report are refused by name, each with what to do; and link ids."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange.coordination.approved_document import approval_proof
from exchange.coordination.approved_rows import ApprovedKind, ApprovedRow
from exchange.coordination.half_year.editions import (
    EditionsManifest,
    editions,
    read_editions_manifest,
    write_editions_manifest,
)
from exchange.coordination.half_year.half_year_document import write_document
from exchange.coordination.half_year.half_year_report import approve_report, draft, find_approved
from exchange.coordination.half_year.half_years import Half, Period
from exchange.coordination.half_year.restricted_edition import BLOCK, read_restricted
from exchange.coordination.half_year.small_counts import HELD_BACK, exact
from exchange.coordination.region.combine import combine_reports
from exchange.coordination.region.indicators import indicators_in, shipped_indicators
from exchange.coordination.region_files.read_reports import read_reports
from exchange.coordination.region_files.recipient import make_recipient, seal_edition
from exchange.coordination.region_files.release_report import Addressed, release_report
from exchange.coordination.region_files.report_file import Believed, RefusedFile, ReportRefused, verify_report_file
from exchange.errors import Forbidden, InvalidInput
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.statement.sign_statement import enter, say
from exchange.log.audit_entry import Act
from exchange.store.tables.log import AuditRow
from exchange.trust.registry import RegisteredNode
from schemas import Approval, Maker
from schemas.vocabulary import Decision, Jurisdiction, Role, SignedInBy
from tests.exchange.coordination.region.region_world import (
    BY_HEAD,
    CODES,
    H1,
    H2,
    HEAD,
    YEAR,
    RegionWorld,
    start_of_2026,
)
from tests.exchange.coordination.region.releases import Released
from tests.exchange.trust.rounds import Capitals, new_signer

pytestmark = pytest.mark.slow


def who(region: Released) -> Believed:
    return Believed(fingerprints=region.world.fingerprints())


def refused(region: Released, *files: tuple[str, bytes], believed: Believed | None = None) -> tuple[RefusedFile, ...]:
    """Beside the good ones of the other five nodes, which are counted all the same."""
    others = [file for file in region.files[H2] if file[0] not in {name.split("-")[0] + ".json" for name, _ in files}]
    read = read_reports([*others, *files], H2, believed or who(region), region.world.recipient)
    assert {item.file for item in read.accepted} >= {name for name, _ in others}
    return read.refused


def of(region: Released, code: str) -> bytes:
    return dict(region.files[H2])[f"{code}.json"]


def changed(data: bytes, **fields: Any) -> bytes:
    return json.dumps({**json.loads(data), **fields}).encode()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def unb64(data: bytes, field: str) -> bytes:
    return base64.b64decode(json.loads(data)[field])


def only(found: tuple[RefusedFile, ...]) -> RefusedFile:
    (item,) = found
    assert item.file == "rs-x.json"
    assert item.next_step
    return item


def test_forged_files_are_refused(released_region: Released) -> None:
    good = of(released_region, "rs")
    public = unb64(good, "public").replace(b'"goal": 2', b'"goal": 3', 1)
    manifest = read_editions_manifest(ApprovedKind.REPORT, unb64(good, "manifest"))
    other = json.loads(of(released_region, "mk"))
    sealed = json.loads(good)["restricted"]
    later_purpose = {**sealed, "purpose": "Another purpose"}
    cut = {**sealed, "sealed": b64(base64.b64decode(sealed["sealed"])[:-1] + b"\0")}
    proof = json.loads(unb64(good, "proof"))
    envelope = json.loads(base64.b64decode(proof["envelope"]))
    envelope["payload"] = b64(base64.b64decode(envelope["payload"]).replace(b"To the", b"Tu the"))
    for what, data, code in (
        ("another public edition", changed(good, public=b64(public)), "forged"),
        ("another manifest", changed(good, manifest=b64(_manifest(manifest, public="0" * 64))), "unapproved"),
        ("another node's public edition", changed(good, public=other["public"]), "forged"),
        ("another node's proof", changed(good, proof=other["proof"]), "forged"),
        ("another node's name", changed(good, node="ffp-mk"), "forged"),
        ("another period", changed(good, period="2027H1"), "forged"),
        ("another purpose", changed(good, restricted=later_purpose), "other-recipient"),
        ("a byte of what is sealed", changed(good, restricted=cut), "other-recipient"),
        ("another node's sealed edition", changed(good, restricted=other["restricted"]), "other-recipient"),
        (
            "a changed approval",
            changed(good, proof=b64(json.dumps({**proof, "envelope": b64(json.dumps(envelope).encode())}).encode())),
            "forged",
        ),
        ("a place that is not in the log", changed(good, proof=b64(_at(proof, 3))), "forged"),
        ("a field more", changed(good, more=1), "no-report"),
        ("no JSON", b"{", "no-report"),
        ("a file of a release to come", changed(good, format="ffp-report-file/2"), "newer-format"),
    ):
        item = only(refused(released_region, ("rs-x.json", data)))
        assert item.code == code, what
        if code != "no-report":
            assert item.node in ("ffp-rs", "ffp-mk"), what


def _manifest(manifest: EditionsManifest, **changes: Any) -> bytes:
    return write_editions_manifest(manifest.model_copy(update=changes))


def _at(proof: dict[str, Any], index: int) -> bytes:
    return json.dumps({**proof, "log_index": index}).encode()


def test_an_identity_that_nobody_vouches_for_is_refused(released_region: Released) -> None:
    good = of(released_region, "rs")
    others = [known for known in released_region.world.fingerprints() if not known.startswith("ffp-rs=")]
    item = only(refused(released_region, ("rs-x.json", good), believed=Believed(fingerprints=others)))
    assert item.code == "unknown-identity"
    assert fingerprint_of(released_region, "RS") in item.why
    assert 'give them with --fingerprint "ffp-rs=12345 ..."' in item.next_step


def test_digits_that_name_a_node_vouch_for_no_other_one(released_region: Released) -> None:
    digits = fingerprint_of(released_region, "RS")
    assert not refused(released_region, ("rs-x.json", of(released_region, "rs")))
    others = [known for known in released_region.world.fingerprints() if not known.startswith("ffp-rs=")]
    named = Believed(fingerprints=(*others, f"ffp-rs={digits}"))
    assert not refused(released_region, ("rs-x.json", of(released_region, "rs")), believed=named)
    of_another = Believed(fingerprints=(*others, f"ffp-al={digits}"))
    found = only(refused(released_region, ("rs-x.json", of(released_region, "rs")), believed=of_another))
    assert found.code == "unknown-identity"
    for bare in (digits, f"={digits}", f" ={digits}"):
        with pytest.raises(InvalidInput, match='with their node: --fingerprint "ffp-rs=12345 ') as unnamed:
            Believed(fingerprints=(*others, bare))
        assert unnamed.value.code == "unnamed-fingerprint"


def fingerprint_of(region: Released, code: str) -> str:
    return verify_report_file(of(region, code.lower()), who(region)).fingerprint


def test_the_trust_root_vouches_for_whom_it_names(released_region: Released) -> None:
    cards = [node.history.card for node in released_region.world.nodes.values()]
    nodes = [
        RegisteredNode(node_id=card.issuer, jurisdiction=card.jurisdiction, url=card.url, identity=card.identity)
        for card in cards
    ]
    trust = Capitals().round(nodes=nodes)
    read = read_reports(released_region.files[H2], H2, Believed(trust), None)
    assert len(read.accepted) == len(CODES)
    assert not read.refused
    assert all(not report.halves for report in read.reports), "without a key the exact figures stay sealed"
    swapped = [*nodes[:-1], nodes[-1].model_copy(update={"identity": nodes[0].identity})]
    elsewhere = Capitals().round(nodes=[swapped[-1]])
    (code, data) = released_region.files[H2][-1]
    (item,) = read_reports([(code, data)], H2, Believed(elsewhere), None).refused
    assert (item.code, item.node) == ("forged", "ffp-xk")


def test_an_identity_that_was_replaced_is_believed_no_more(released_region: Released) -> None:
    """Nobody can prove when a report was signed: who has the old key makes new ones."""
    nodes = [
        RegisteredNode(node_id=card.issuer, jurisdiction=card.jurisdiction, url=card.url, identity=card.identity)
        for card in (node.history.card for node in released_region.world.nodes.values())
    ]
    capitals = Capitals()
    first = capitals.round(nodes=nodes)
    replaced = nodes[-1].model_copy(update={"identity": new_signer().keys.public})
    for last, words in (([*nodes[:-1], replaced], "another one for this node"), (nodes[:-1], "this node no more")):
        second = capitals.round(first, nodes=last)
        read = read_reports(released_region.files[H2], H2, Believed(second), None)
        (item,) = read.refused
        assert (item.file, item.code, item.node) == ("xk.json", "replaced-identity", "ffp-xk")
        assert f"round 1 of the trust root was the last to name; round 2 names {words}" in item.why
        assert "--fingerprint" in item.next_step
        assert len(read.accepted) == len(CODES) - 1
        digits = released_region.world.fingerprints()[CODES.index("XK")]
        assert not read_reports(released_region.files[H2], H2, Believed(second, [digits]), None).refused


def signed_anew(region: Released, code: str, period: Period, role: Role, **parts: bytes) -> bytes:
    """A file whose manifest somebody in this role signed with the node's keys; ``parts``: editions that differ."""
    node, recipient = region.world.nodes[code], region.world.recipient.recipient
    approved = find_approved(node, period)
    assert approved is not None
    public = parts.get("public", approved.editions.public)
    made = editions(
        ApprovedKind.REPORT,
        str(period),
        node.node_id,
        code,
        public,
        parts.get("restricted", approved.editions.restricted),
    )
    maker = Maker(pseudonym="somebody", role=role, signed_in=SignedInBy.TOKEN)
    fields = {"concerns": made.sha256, "jurisdiction": Jurisdiction(code), "decision": Decision.APPROVED}
    said = say(node, Approval, maker, because="To the coordinator.", **fields)
    with node.store.write() as session:
        enter(session, said, to=[])
    sign_head(node)
    sealed = seal_edition(made.restricted, made.manifest, recipient, "A purpose")
    return changed(
        dict(region.files[period])[f"{code.lower()}.json"],
        manifest=b64(made.manifest),
        public=b64(made.public),
        restricted=sealed.model_dump(mode="json"),
        proof=b64(approval_proof(node, said.statement_id)),
    )


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.HEAD])
def test_what_the_head_did_not_approve_is_refused(released_region: Released, role: Role) -> None:
    item = only(refused(released_region, ("rs-x.json", signed_anew(released_region, "RS", H2, role))))
    assert (item.code, item.node) == ("not-by-head", "ffp-rs")
    assert f"somebody in the role {role}" in item.why
    node = released_region.world.nodes["RS"]
    maker, shown = Maker(pseudonym="somebody", role=role, signed_in=SignedInBy.TOKEN), draft(node, H2)
    with pytest.raises(Forbidden, match="is for the role head"):
        approve_report(node, maker, H2, shown.sha256, "To the coordinator.")


@pytest.mark.parametrize("period", [H1, H2, YEAR], ids=str)
def test_the_two_editions_say_the_same(released_region: Released, period: Period) -> None:
    """A year's too: its public figures are held against the sums of its half-years."""
    key, believed = released_region.world.recipient, who(released_region)
    good = signed_anew(released_region, "RS", period, Role.HEAD)
    assert verify_report_file(good, believed, key).restricted is not None
    approved = find_approved(released_region.world.nodes["RS"], period)
    assert approved is not None
    lies = list(_lies(json.loads(approved.data)))
    assert {where for where, _ in lies} == {"a count", "a time"}
    for where, public in lies:
        data = signed_anew(released_region, "RS", period, Role.HEAD, public=json.dumps(public).encode())
        assert verify_report_file(data, believed, None).restricted is None, "without the key nobody sees it"
        with pytest.raises(ReportRefused, match="contradict each other") as error:
            verify_report_file(data, believed, key)
        assert error.value.code == "forged", where


def _told(**figure: Any) -> Callable[[dict[str, Any]], object]:
    return lambda public: public["exhibits_entered"].update(figure=figure)


@pytest.mark.parametrize(
    ("period", "change", "said"),
    [
        (H2, _told(told="exact", value=4), "exhibits_entered"),
        (H2, _told(told="exact", value=12.5), "exhibits_entered"),
        (H2, _told(told="between", low=0.5, high=4), "exhibits_entered"),
        (YEAR, _told(told="exact", value=2), "exhibits_entered"),
        (H2, lambda public: public["stages"][0].update(median={"told": "exact", "value": 37.2}), "search"),
        (
            H2,
            lambda public: public["availability"]["nodes"][0].update(share={"told": "exact", "value": 10**9}),
            "more than all",
        ),
    ],
)
def test_a_public_edition_that_tells_what_none_may_tell_is_refused(
    released_region: Released, period: Period, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    """Its head signed it; and a small count that another side holds back would be out."""
    approved = find_approved(released_region.world.nodes["RS"], period)
    assert approved is not None
    public = json.loads(approved.editions.public)
    change(public)
    data = signed_anew(released_region, "RS", period, Role.HEAD, public=json.dumps(public).encode())
    without = changed(data, restricted=None)
    for given in (data, without):
        with pytest.raises(ReportRefused, match=said) as error:
            verify_report_file(given, who(released_region), released_region.world.recipient)
        assert error.value.code == "forged"


def _lies(public: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    more, other = {"told": "exact", "value": 9_999}, {"told": "between", "low": 720, "high": None}
    yield "a count", public | {"exhibits_entered": public["exhibits_entered"] | {"figure": more}}
    stages = [stage | {"median": other, "percentile_90": other} for stage in public["stages"]]
    yield "a time", public | {"stages": stages}


def test_an_older_report_is_refused(released_region: Released) -> None:
    item = only(refused(released_region, ("rs-x.json", dict(released_region.files[H1])["rs.json"])))
    assert (item.code, item.node) == ("older-period", "ffp-rs")
    assert "2026H1" in item.why
    item = only(refused(released_region, ("rs-x.json", dict(released_region.files[YEAR])["rs.json"])))
    assert item.code == "other-period"


def test_a_doubled_report_counts_once_or_not_at_all(released_region: Released) -> None:
    world, good = released_region.world, of(released_region, "rs")
    again = world.file("RS", H2)
    assert again != good, "sealed anew, and the same report"
    read = read_reports([*released_region.files[H2], ("rs-x.json", again)], H2, who(released_region), world.recipient)
    (item,) = read.refused
    assert (item.code, item.node, len(read.accepted)) == ("doubled", "ffp-rs", 6)
    made = combine_reports(read, H2, shipped_indicators())
    once = combine_reports(
        read_reports(released_region.files[H2], H2, who(released_region), world.recipient), H2, shipped_indicators()
    )
    assert made.restricted is not None
    assert once.restricted is not None
    assert made.restricted.rows == once.restricted.rows


def test_two_different_approvals_of_one_period_count_for_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    clock = start_of_2026()
    monkeypatch.setattr("exchange.clock.now", clock)
    world = RegionWorld(tmp_path, clock, 1)
    world.receipts()
    world.enter("RS", to=["MK"])
    world.at(datetime(2026, 7, 9, tzinfo=UTC))
    world.approve(H1)
    first = world.files(H1)
    with world.nodes["RS"].store.write() as session:  # as if the node had been set back, and its head had signed anew
        session.delete(session.get_one(ApprovedRow, (ApprovedKind.REPORT, "2026H1")))
    world.at(datetime(2026, 5, 1, tzinfo=UTC))
    world.enter("RS", to=["MK"])
    world.at(datetime(2026, 7, 10, tzinfo=UTC))
    approve_report(world.nodes["RS"], HEAD, H1, draft(world.nodes["RS"], H1).sha256, "Once more.")
    sign_head(world.nodes["RS"])
    believed = Believed(fingerprints=world.fingerprints())
    read = read_reports([*first, ("rs-x.json", world.file("RS", H1))], H1, believed, world.recipient)
    assert {(item.file, item.code) for item in read.refused} == {
        ("rs.json", "doubled-differently"),
        ("rs-x.json", "doubled-differently"),
    }
    assert "ffp-rs" not in {report.node_id for report in read.reports}
    world.close()


def test_an_unapproved_report_is_refused(released_region: Released) -> None:
    world = released_region.world
    node = world.nodes["RS"]
    approved = find_approved(node, H2)
    assert approved is not None
    drafted = write_document(approved.document, node.jurisdictions, draft=True)
    item = only(refused(released_region, ("rs-x.json", drafted)))
    assert (item.code, item.node) == ("unapproved", "ffp-rs")
    item = only(refused(released_region, ("rs-x.json", approved.data)))
    assert item.code == "unapproved"
    assert "--form file" in item.next_step
    by_h1 = json.loads(dict(released_region.files[H1])["rs.json"])
    item = only(refused(released_region, ("rs-x.json", changed(of(released_region, "rs"), proof=by_h1["proof"]))))
    assert item.code == "unapproved"


def test_a_file_for_somebody_else_does_not_open(released_region: Released) -> None:
    world = released_region.world
    elsewhere = make_recipient("Somebody else")
    item = only(refused(released_region, ("rs-x.json", world.file("RS", H2, elsewhere))))
    assert item.code == "other-recipient"
    assert "Somebody else" in item.why
    found = verify_report_file(world.file("RS", H2, elsewhere), who(released_region), None)
    assert found.restricted is None
    assert found.sealed is not None


def test_the_restricted_edition_goes_to_a_confirmed_recipient_for_a_purpose(released_region: Released) -> None:
    world = released_region.world
    node, recipient = world.nodes["RS"], world.recipient.recipient
    wrong = recipient.fingerprint[::-1]
    for to, code in (
        (Addressed(recipient, wrong, "A purpose"), "fingerprint-differs"),
        (Addressed(recipient, recipient.fingerprint, "  "), "purpose-missing"),
        (Addressed(recipient, recipient.fingerprint, "Two\nlines"), "purpose-missing"),
    ):
        with pytest.raises(InvalidInput) as error:
            release_report(node, BY_HEAD, H2, to)
        assert error.value.code == code
    data = release_report(node, BY_HEAD, H2, Addressed(recipient, recipient.fingerprint, "A stated purpose"))
    with node.store.read() as session:
        rows = session.query(AuditRow).filter_by(act=str(Act.RELEASE_RESTRICTED)).all()
    assert rows[-1].purpose == "A stated purpose"
    assert rows[-1].actor == "head-1"
    assert recipient.name in (rows[-1].asked or "")
    assert recipient.fingerprint in (rows[-1].asked or "")
    approved = find_approved(node, H2)
    assert approved is not None
    assert approved.editions.restricted[:200] not in data
    assert len(approved.editions.restricted) % BLOCK == 0
    assert json.loads(release_report(node, BY_HEAD, H2, None))["restricted"] is None


def test_both_sides_make_one_link_id_whatever_came_first(tmp_path: Path, monkeypatch: Any) -> None:
    """Also where the hit is told on the other side a day later, in another half-year: it counts once, where it was
    known first, and is told as a difference; and the ids of a later half-year are the same."""
    clock = start_of_2026()
    monkeypatch.setattr("exchange.clock.now", clock)
    world = RegionWorld(tmp_path, clock, 1)
    a, b = world.enter("RS", to=["MK"]), world.enter("MK", to=["RS"])
    c, d = world.enter("MK", to=["RS"]), world.enter("RS", to=["MK"])
    world.at(datetime(2026, 6, 30, 20, tzinfo=UTC))
    world.lead(("RS", a), ("MK", b), late_on_the_other_side=timedelta(hours=10))
    world.at(datetime(2026, 6, 1, tzinfo=UTC))
    world.lead(("MK", c), ("RS", d))
    world.at(datetime(2026, 7, 2, tzinfo=UTC))
    assert {link.link for code in ("RS", "MK") for link in links(world, code, "2026H1")} == {None}
    world.receipts(("MK", "RS"))
    world.receipts(("RS", "MK"))
    world.at(datetime(2026, 7, 9, tzinfo=UTC))
    first = {code: {(link.link, link.lead) for link in links(world, code, "2026H1")} for code in ("RS", "MK")}
    assert len(first["RS"]) == 2
    assert first["MK"] < first["RS"], "one of the two MK knows in July alone"
    world.approve(H1)
    files_h1 = world.files(H1)
    world.at(datetime(2027, 1, 9, tzinfo=UTC))
    second = {code: {link.link for link in links(world, code, "2026H2")} for code in ("RS", "MK")}
    assert second["RS"] == second["MK"] == {name for name, _ in first["RS"]}
    world.approve(H2)
    for period, files, told in (
        (H1, files_h1, (2, {"RS": 2, "MK": 1})),
        (H2, world.files(H2), (0, {"RS": 0, "MK": 1})),
    ):
        read = read_reports(files, period, Believed(fingerprints=world.fingerprints()), world.recipient)
        made = combine_reports(read, period, shipped_indicators())
        assert made.restricted is not None
        leads, figures = told
        assert made.restricted.row("leads").cells["MK-RS"] == exact(leads)
        (difference,) = [item for item in made.restricted.differences if item.id == "leads"]
        assert difference.told == {code: exact(count) for code, count in figures.items()}
        assert made.public.row("leads").across == HELD_BACK, "of two sides a total is of one pair"
    texts = [find_approved(world.nodes[code], H2) for code in ("RS", "MK")]
    for found in texts:
        assert found is not None
        said = found.editions.restricted.decode()
        assert not any(secret in said for secret in (a, b, c, d, "-K-"))
    world.close()


def links(world: RegionWorld, code: str, half: str) -> Any:
    return read_restricted(draft(world.nodes[code], Half.parse(half)).editions.restricted).halves[0].links


def test_numbers_of_indicators_are_not_entered_until_somebody_does(released_region: Released) -> None:
    shipped = shipped_indicators().of("leads", 3)
    assert (shipped.goal, shipped.kpi_2024, shipped.kpi_2030, shipped.verified) == (3, "", "", False)
    own = [{"id": "leads", "text": "", "source": "The Roadmap", "verified": True, "goal": 3, "kpi_2030": "made-up 4"}]
    found = indicators_in(json.dumps(own).encode()).of("leads", 3)
    assert (found.kpi_2030, found.verified, found.goal_text) == ("made-up 4", True, "Reduced illicit flows")
    with pytest.raises(InvalidInput):
        indicators_in(b'[{"id": "leads", "goal": 9, "text": "", "source": "", "verified": true}]')
    read = read_reports(released_region.files[H2], H2, who(released_region), None)
    made = combine_reports(read, H2, shipped_indicators())
    assert made.restricted is None
    assert len(made.incomplete) == len(CODES)
    assert {stage.median for stage in made.public.stages} == {HELD_BACK}
