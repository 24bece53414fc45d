"""Which check a record names: the last that its instrument passed, of its software, where every peer can read that."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from exchange.clock import stamp_in
from exchange.flows.entry.submit import submit_record
from exchange.flows.instrument.check_standing import (
    CheckStanding,
    instrument_doubts,
    instrument_standing,
    named_check,
)
from exchange.flows.node.node import Node
from exchange.flows.statement.received_scan import ReceivedScan, arriving_scan
from exchange.flows.statement.sharing import record_of
from schemas import Acquisition, Instrument, Maker, Record
from schemas.vocabulary import Role, SignedInBy
from tests.exchange.flows.kept_checks import STATED, keep_check
from tests.exchange.flows.network import MK, RS, Network
from tests.exchange.running_nodes import metadata
from tests.schemas.examples import acquisition_fields, record_fields

pytestmark = pytest.mark.slow

INSTRUMENT = Instrument(**STATED)
DAY_S = 86_400
EXAMINER = Maker(pseudonym="examiner-1", role=Role.EXAMINER, signed_in=SignedInBy.TOKEN)


def standing(node: Node, instrument: Instrument | None = INSTRUMENT) -> tuple[CheckStanding, str | None]:
    with node.store.read() as session:
        found = instrument_standing(session, instrument, days=14)
    return found.standing, None if found.check is None else found.check.specimen


def kept(node: Node, *outcomes: str, **changes: Any) -> None:
    with node.store.write() as session:
        for outcome in outcomes:
            keep_check(session, outcome, **changes)


def test_the_last_check_of_each_specimen_counts(network: Network) -> None:
    node = network.nodes[RS]
    assert standing(node) == (CheckStanding.NEVER_CHECKED, None)
    kept(node, "reference")
    assert standing(node) == (CheckStanding.NEVER_CHECKED, None), "a first scan says nothing yet"
    kept(node, "passed")
    assert standing(node) == (CheckStanding.GOOD, "SRM 2461-7")
    kept(node, "reference", "warning", specimen="House case 4")
    assert standing(node) == (CheckStanding.GOOD, "House case 4")
    kept(node, "failed")
    assert standing(node) == (CheckStanding.FAILED, None), "whatever another specimen says"
    kept(node, "reference")
    assert standing(node) == (CheckStanding.GOOD, "House case 4"), "after a repair the other one speaks"
    assert standing(node, None) == (CheckStanding.NOT_STATED, None)


def test_it_must_be_the_device_and_the_software_that_the_record_states(network: Network) -> None:
    node = network.nodes[RS]
    kept(node, "reference", "passed")
    assert standing(node, Instrument(**{**STATED, "maker": "TEST"}))[0] is CheckStanding.GOOD
    for other in ({"serial": "13"}, {"serial": None}, {"software": "1.1"}, {"software": None}, {"model": "Profiler 2"}):
        assert standing(node, Instrument(**{**STATED, **other}))[0] is CheckStanding.NEVER_CHECKED, other


def test_an_old_check_is_named_with_its_date_and_told(network: Network) -> None:
    node = network.nodes[RS]
    kept(node, "reference", "passed", at=stamp_in(-20 * DAY_S))
    assert standing(node) == (CheckStanding.OVERDUE, "SRM 2461-7")
    kept(node, "passed", at=stamp_in(-13 * DAY_S))
    assert standing(node)[0] is CheckStanding.GOOD


def test_what_was_altered_past_the_node_is_not_named(network: Network) -> None:
    node = network.nodes[RS]
    kept(node, "reference", "failed")
    with node.store.write() as session:
        session.execute(text("update instrument_check set outcome = 'passed'"))
    assert standing(node)[0] is CheckStanding.NEVER_CHECKED


def test_a_check_that_was_passed_is_named(network: Network) -> None:
    node = network.nodes[RS]
    kept(node, "reference", "warning")
    with node.store.read() as session:
        found = named_check(session, node, INSTRUMENT)
    assert found is not None
    assert (found.specimen, found.warning) == ("SRM 2461-7", True)


def named_record(network: Network) -> str:
    """A record of Serbia that names a check, on the lane of North Macedonia."""
    node = network.nodes[RS]
    check = {"specimen": "SRM 2461-7", "checked_on": "2026-11-20", "warning": False, "digest": "cd" * 32}
    fields = record_fields(
        issuer=RS,
        audience=["MK"],
        acquisitions=[acquisition_fields(instrument=STATED, instrument_check=check)],
    )
    record, envelope = network.signed(node, fields)
    network.enter(node, record, envelope)
    return record_id(envelope.payload)


def record_id(payload: bytes) -> str:
    from schemas.statements import statement_id

    return statement_id(payload)


def test_a_peer_gets_the_record_with_the_check(network: Network) -> None:
    name = named_record(network)
    network.settle()
    with network.nodes[MK].store.read() as session:
        [scan] = record_of(session, name).acquisitions
    assert scan.instrument_check is not None
    assert scan.instrument_check.specimen == "SRM 2461-7"


@pytest.fixture
def submit(network: Network, scans: dict[str, Path]) -> Callable[..., Record]:
    """Submit the same scan of the instrument, with other words; the record as it was signed."""
    node = network.nodes[RS]

    def send(*, scan: str = "1-1", names_checks: bool = True, instrument: object = STATED, **changes: Any) -> Record:
        said = metadata() | changes
        said["acquisitions"] = [said["acquisitions"][0] | {"instrument": instrument}]
        with arriving_scan(node) as arrival:
            arrival.write(scans[scan].read_bytes())
            received = ReceivedScan("scan", arrival, arrival.finish())
            done = submit_record(node, EXAMINER, json.dumps(said).encode(), [received], None, names_checks=names_checks)
        with node.store.read() as session:
            return record_of(session, done.statement_id)

    return send


@pytest.mark.slow
def test_a_record_that_is_submitted_names_the_last_passed_check(
    network: Network, submit: Callable[..., Record]
) -> None:
    node = network.nodes[RS]
    without = submit(case_reference="RS-1")
    assert without.acquisitions[0].instrument_check is None
    kept(node, "reference", "passed")
    found = submit(case_reference="RS-2")
    [scan] = found.acquisitions
    assert scan.instrument_check is not None
    assert scan.instrument_check.warning is False
    with node.store.read() as session:
        last = instrument_standing(session, INSTRUMENT, days=14).check
    assert last is not None
    assert scan.instrument_check.digest == last.sha256
    assert submit(case_reference="RS-3", instrument=None).acquisitions[0].instrument_check is None
    imported = submit(case_reference="RS-4", names_checks=False)
    assert imported.acquisitions[0].instrument_check is None, "a scan of an earlier time"


@pytest.mark.slow
def test_a_new_version_says_of_an_old_scan_what_was_said_when_it_was_new(
    network: Network, submit: Callable[..., Record]
) -> None:
    from schemas import statement_payload

    node = network.nodes[RS]
    kept(node, "reference", "passed")
    first = submit(case_reference="RS-1")
    kept(node, "passed", "failed")
    second = submit(case_reference="RS-1", supersedes=record_id(statement_payload(first)))
    assert second.acquisitions[0].instrument_check == first.acquisitions[0].instrument_check
    corrected = submit(
        case_reference="RS-1", supersedes=record_id(statement_payload(second)), instrument=STATED | {"serial": "99"}
    )
    assert corrected.acquisitions[0].instrument_check is None, "it was another instrument"


def test_nobody_can_state_a_check_of_their_own(network: Network) -> None:
    from exchange.errors import InvalidInput

    said = metadata()
    check = {"specimen": "x", "checked_on": "2026-11-20", "warning": False, "digest": "ab" * 32}
    said["acquisitions"] = [said["acquisitions"][0] | {"instrument_check": check}]
    with pytest.raises(InvalidInput):
        submit_record(network.nodes[RS], EXAMINER, json.dumps(said).encode(), [], None)


def test_examiners_are_warned_only_where_instruments_are_checked(network: Network) -> None:
    node = network.nodes[RS]
    scan = Acquisition.model_validate(acquisition_fields(instrument=STATED))
    picture = Acquisition.model_validate(acquisition_fields(instrument=STATED, modality="reflectance"))
    assert instrument_doubts(node, [scan]) == {}
    kept(node, "reference")
    assert [one.standing for one in instrument_doubts(node, [scan]).values()] == [CheckStanding.NEVER_CHECKED]
    assert instrument_doubts(node, [picture]) == {}
    kept(node, "passed")
    assert instrument_doubts(node, [scan]) == {}
