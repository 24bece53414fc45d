"""What a report tells beside records and statements, as it stands on a node that has a peer."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from exchange.flows.access.users import authorise_user
from exchange.flows.report import pair_report as report_flow
from exchange.flows.report import report_sources
from exchange.flows.report.pair_report import PairReport, gather_report
from exchange.flows.report.report_sources import MOST_REPORT_VIEWS, Laboratory, laboratory_of
from exchange.store.review.saved_view_rows import add_view
from exchange.store.tables.review_tables import SavedViewRow
from schemas.vocabulary import ReferenceChannel
from tests.exchange.flows.blind.blind_world import FIRST, HEAD, REGIONS, SECOND, BlindWorld, blind_world, scan_of
from tests.exchange.flows.network import MK, RS
from tests.exchange.web.report.reports import VIEW

pytestmark = pytest.mark.slow

BREECH, _ = REGIONS


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BlindWorld]:
    """A lead between both nodes. The scans are made up, so that nothing can be drawn."""
    monkeypatch.setattr(report_flow, "pair_picture", lambda *_: b"")
    with blind_world(tmp_path) as made:
        made.exhibit("a", RS)
        made.exhibit("b", MK)
        made.compare("a", "b")
        yield made


def told(world: BlindWorld) -> PairReport:
    return gather_report(world.rs, world.candidate("a", "b", BREECH), FIRST.pseudonym)


def test_of_the_other_side_stands_what_its_card_says(world: BlindWorld) -> None:
    ours, theirs = sorted((side.laboratory for side in told(world).sides), key=lambda found: found.name is None)
    assert (ours.name, theirs.name) == (world.rs.settings.laboratory, None)
    assert None not in (ours.fingerprint, theirs.fingerprint)
    assert ours.fingerprint != theirs.fingerprint
    with world.rs.store.read() as session:
        named = {laboratory_of(session, world.rs, issuer) for issuer in (RS, MK)}
        assert named == {ours, theirs}
        assert laboratory_of(session, world.rs, "ffp-al").fingerprint is None
        stated = {"laboratory": "A laboratory", "accreditation_number": "1", "accreditation_standard": "ISO/IEC 17025"}
        named = replace(world.rs, settings=world.rs.settings.model_copy(update=stated))
        assert laboratory_of(session, named, RS) == Laboratory(*stated.values(), ours.fingerprint)
        assert laboratory_of(session, named, MK) == theirs, "what a node says of itself is said of no other"


def test_authorisations_are_those_of_own_signers(world: BlindWorld) -> None:
    said = world.concludes(FIRST, "a", "b", BREECH)
    world.verifies(SECOND, said, "a", "b", BREECH)
    for pseudonym in (FIRST.pseudonym, HEAD.pseudonym):
        authorise_user(world.rs, pseudonym, "authorised for cartridge cases")
    found = told(world).authorisations
    assert FIRST.pseudonym in found
    assert SECOND.pseudonym not in found
    assert HEAD.pseudonym not in found, "signed nothing of this pair"


def test_numbers_of_other_channels_are_those_between_the_sides(world: BlindWorld) -> None:
    hit = world.hit(RS, "a", "b", BREECH)
    world.network.settle()
    number = {"channel": "siena", "number": "SIENA-0001"}
    about = world.says(HEAD, "message", to=MK, about=hit.statement_id, text="As asked.", reference=number)
    world.says(HEAD, "message", to=MK, about=hit.statement_id, text="No number.", reference=None)
    world.says(HEAD, "message", to=MK, text="Another matter.", reference=number | {"number": "SIENA-0002"})
    disclosed = world.says(
        *(HEAD, "disclosure"),
        to=MK,
        record=world.records["a"],
        legal_basis="Police cooperation agreement, article 9",
        serial_number="synthetic 0001",
        place=None,
        circumstances=None,
        reference="iARMS-77",
        channel="iarms",
    )
    found = {item.statement_id: (item.channel, item.number) for item in told(world).references}
    assert found == {
        about.statement_id: (ReferenceChannel.SIENA, "SIENA-0001"),
        disclosed.statement_id: (ReferenceChannel.IARMS, "iARMS-77"),
    }


def test_numbers_of_one_side_leave_out_none_of_the_others(world: BlindWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_sources, "MOST_REFERENCES", 2)
    hit = world.hit(MK, "a", "b", BREECH)
    world.network.settle()
    for node, to, count in ((MK, RS, 4), (RS, MK, 1)):
        for number in range(count):
            reference = {"channel": "siena", "number": f"{node}-{number}"}
            told_of = {"about": hit.statement_id, "text": "As asked.", "reference": reference}
            world.says(HEAD, "message", node, to=to, **told_of)
        world.network.settle()
    assert [item.number for item in told(world).references] == [f"{MK}-0", f"{MK}-1", f"{RS}-0"]
    assert "synthetic 0001" not in repr(told(world))


def test_the_newest_views_are_printed_as_they_are_kept(world: BlindWorld) -> None:
    found = world.candidate("a", "b", BREECH)
    low, high = sorted((scan_of("a", BREECH), scan_of("b", BREECH)))
    stream = io.BytesIO()
    Image.new("L", (4, 3), 77).save(stream, "PNG")
    with world.rs.store.write() as session:
        for number in range(MOST_REPORT_VIEWS + 2):
            row = SavedViewRow(
                scan_low=low,
                scan_high=high,
                query=found.acquisition_b.sha256 if number % 2 else found.acquisition_a.sha256,
                made_by=FIRST.pseudonym,
                made_at=f"2027-01-01T00:00:{number:02}.000Z",
                title=f"View {number}",
                document=json.dumps(VIEW),
                picture=stream.getvalue(),
                thumbnail=b"",
            )
            add_view(session, row)
    report = told(world)
    assert [view.title for view in report.views] == [f"View {n}" for n in range(2, MOST_REPORT_VIEWS + 2)]
    assert report.views_left_out == 2
    assert {view.picture for view in report.views} == {stream.getvalue()}
    assert [view.on_second for view in report.views[:2]] == [False, True]
    assert report.dated == report.views[-1].made_at
