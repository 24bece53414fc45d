"""The checklist: what is signed, held against what is seen; kept by whom; and who stands where."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange.clock import DAY_S, stamp, stamp_in, today
from exchange.coordination.maturity.checklist import (
    Checklist,
    FileEvidence,
    StepChange,
    StepStanding,
    checklist_of,
    list_in,
    read_list,
    sign_checklist,
    take_evidence,
    who_stands_where,
    write_list,
)
from exchange.coordination.maturity.practice_definitions import STEP_GUIDES
from exchange.errors import Conflict, InvalidInput, TooLarge
from exchange.flows.node.node import Node
from exchange.flows.operate.recovery import note_outcome
from exchange.flows.statement.sign_statement import enter, say
from exchange.flows.terms.terms import state_policy
from schemas import Maker, Onboarding, OnboardingLine
from schemas.vocabulary import Jurisdiction, OnboardingState, OnboardingStep, Role, SignedInBy
from tests.exchange.coordination.maturity.test_look_at_node import DRILL, HEAD, OTHER, OWN, line
from tests.exchange.flows.network import MK, RS, Network
from tests.schemas.statement_examples import onboarding_fields

pytestmark = pytest.mark.slow

OPERATOR = Maker(pseudonym="operator-1", role=Role.OPERATOR, signed_in=SignedInBy.TOKEN)
Step, State = OnboardingStep, OnboardingState
DONE = StepChange(State.DONE)
URL = "https://ffp-md.example"


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    made = Network(tmp_path)
    made.make(OWN, OTHER)
    yield made
    made.close()


@pytest.fixture
def serbia(network: Network) -> Node:
    return network.nodes[RS]


def at(found: Checklist | Checklist, step: Step) -> StepStanding:
    return next(item for item in found.steps if item.step is step)


def states(found: Checklist | Checklist) -> dict[str, str]:
    return {item.step.value: item.line.state.value for item in found.steps if item.line.state is not State.OPEN}


def row(node: Node, jurisdiction: Jurisdiction) -> Checklist:
    return next(found for found in who_stands_where(node) if found.jurisdiction == jurisdiction)


def report(**changes: Any) -> bytes:
    """As ``ffp conformance --json`` writes it."""
    checks = [{"name": f"check-{place}", "verdict": "kept", "evidence": "seen"} for place in range(24)]
    return json.dumps({"url": URL, "at": stamp(), "kept": True, "checks": checks} | changes).encode()


def test_a_list_begins_open_and_is_gone_on_with_another_day(serbia: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    md = Jurisdiction.MD
    found = checklist_of(serbia, md)
    assert (found.taken, found.signed, states(found)) == (0, None, {})
    assert found.next is not None
    assert found.next.step is Step.LEGAL_BASIS
    shown = FileEvidence("ab" * 32, None)
    sign_checklist(serbia, HEAD, md, {Step.LEGAL_BASIS: StepChange(State.DONE, shown, "Agreement of 1 March 2026")})
    later = datetime.now(UTC) + timedelta(days=3)
    with monkeypatch.context() as clock:
        clock.setattr("exchange.clock.now", lambda: later)
        sign_checklist(
            serbia, OPERATOR, md, {Step.CEREMONY: DONE, Step.NODE: StepChange(State.NOT_POSSIBLE, remark="No machine.")}
        )
        found = checklist_of(serbia, md)
    assert states(found) == {"legal_basis": "done", "ceremony": "done", "node": "not_possible"}
    basis, ceremony = at(found, Step.LEGAL_BASIS).line, at(found, Step.CEREMONY).line
    assert (basis.by, basis.evidence, basis.remark) == (Role.HEAD, "ab" * 32, "Agreement of 1 March 2026")
    assert (ceremony.by, ceremony.on, basis.on) == (Role.OPERATOR, later.date(), today())
    assert found.next is not None
    assert found.next.step is Step.CONFORMANCE, "what is not possible yet waits"
    assert (found.taken, found.differs) == (2, False)


def test_what_the_node_sees_is_proven_and_opens_again_when_it_is_no_more(serbia: Node) -> None:
    home = serbia.settings.home
    note_outcome(home, replace(DRILL, at=stamp_in(-39 * DAY_S)))
    on = date.fromisoformat(stamp_in(-39 * DAY_S)[:10])
    drill = at(checklist_of(serbia, OWN), Step.BACKUP_DRILL)
    assert (drill.line.state, drill.line.by, drill.line.on, drill.was) == (State.PROVEN, Role.NODE, on, None)
    sign_checklist(serbia, HEAD, OWN, {})
    with pytest.raises(Conflict, match="nothing was signed"):
        sign_checklist(serbia, HEAD, OWN, {})
    note_outcome(home, replace(DRILL, at=stamp(), verified=False, said="A scan is damaged there."))
    found = checklist_of(serbia, OWN)
    drill = at(found, Step.BACKUP_DRILL)
    assert (drill.line.state, drill.was, found.differs) == (State.OPEN, on, True), "and says until when it stood"
    assert at(row(serbia, OWN), Step.BACKUP_DRILL) == drill, "the region's picture is of now, not of what is signed"
    sign_checklist(serbia, HEAD, OWN, {})
    assert states(checklist_of(serbia, OWN)) == {}


def test_what_happened_once_stays_proven(network: Network, serbia: Node) -> None:
    """A trial record is withdrawn again; the trial took place all the same."""
    lines = [OnboardingLine.model_validate(fields | {"step": Step(fields["step"])}) for fields in _proven_trial()]
    said = say(serbia, Onboarding, HEAD, jurisdiction=OTHER, lines=tuple(lines), stated_at=stamp())
    with serbia.store.write() as session:
        enter(session, said, to=[MK])
    found = checklist_of(serbia, OTHER)
    trial = at(found, Step.TRIAL_EXCHANGE)
    assert (trial.line.state, trial.was) == (State.PROVEN, None)
    assert trial.seen is not None
    assert not trial.seen.proven


def _proven_trial() -> list[dict[str, Any]]:
    proven = {"state": State.PROVEN, "on": date(2026, 11, 20), "by": Role.NODE, "evidence": "cd" * 32, "remark": None}
    fresh = {"state": State.OPEN, "on": None, "by": None, "evidence": None, "remark": None}
    return [{"step": step.value} | (proven if step is Step.TRIAL_EXCHANGE else fresh) for step in Step]


def test_what_a_person_said_is_to_be_shown_again_when_it_is_old(serbia: Node) -> None:
    md, old = Jurisdiction.MD, today() - timedelta(days=93)
    sign_checklist(serbia, HEAD, md, {Step.BACKUP_DRILL: StepChange(State.DONE, on=old), Step.LEGAL_BASIS: DONE})
    drill = at(checklist_of(serbia, md), Step.BACKUP_DRILL)
    assert (drill.line.state, drill.was) == (State.OPEN, old)
    assert states(checklist_of(serbia, md)) == {"legal_basis": "done"}
    assert STEP_GUIDES[Step.BACKUP_DRILL].is_old(old, today())
    assert not STEP_GUIDES[Step.BACKUP_DRILL].is_old(today() - timedelta(days=92), today())


@pytest.mark.parametrize(
    ("step", "change", "refused"),
    [
        (Step.LEGAL_BASIS, StepChange(State.PROVEN), "says by itself"),
        (Step.NODE, StepChange(State.NOT_POSSIBLE), "why it is not possible"),
        (Step.CONFORMANCE, DONE, "file of findings"),
        (Step.NODE, StepChange(State.DONE, on=date(2099, 1, 1)), "a day that has come"),
        (Step.NODE, StepChange(State.OPEN, FileEvidence("ab" * 32, None)), "Only a step that is done"),
    ],
)
def test_what_cannot_be_said_is_refused(serbia: Node, step: Step, change: StepChange, refused: str) -> None:
    with pytest.raises(InvalidInput, match=refused):
        sign_checklist(serbia, HEAD, Jurisdiction.MD, {step: change})
    assert checklist_of(serbia, Jurisdiction.MD).signed is None


def test_nobody_says_otherwise_of_what_the_node_sees(serbia: Node) -> None:
    state_policy(serbia, HEAD, (), (line(OTHER, today()),))
    with pytest.raises(InvalidInput, match="sees this step itself"):
        sign_checklist(serbia, HEAD, OWN, {Step.LEGAL_BASIS: StepChange(State.OPEN)})
    with pytest.raises(InvalidInput, match="is none of"):
        checklist_of(serbia, Jurisdiction("QQ"))


# Who stands where


def test_the_list_of_the_own_node_counts_before_any_other(network: Network, serbia: Node) -> None:
    macedonia = network.nodes[MK]
    sign_checklist(serbia, HEAD, OTHER, {Step.LEGAL_BASIS: DONE, Step.CEREMONY: DONE})
    network.settle()
    assert (row(macedonia, OTHER).issuer, states(row(serbia, OTHER))["ceremony"]) == (None, "done")
    sign_checklist(macedonia, HEAD, OTHER, {Step.LEGAL_BASIS: DONE})
    network.settle()
    found = row(serbia, OTHER)
    assert (found.issuer, states(found)) == (MK, {"legal_basis": "done"})
    assert [item.jurisdiction for item in who_stands_where(serbia)] == list(serbia.jurisdictions)


def test_of_a_jurisdiction_without_a_node_the_newest_list_counts(network: Network, serbia: Node) -> None:
    macedonia, md = network.nodes[MK], Jurisdiction.MD
    sign_checklist(macedonia, HEAD, md, {Step.LEGAL_BASIS: DONE})
    sign_checklist(serbia, HEAD, md, {Step.CEREMONY: DONE})
    network.settle()
    for node in (serbia, macedonia):
        assert (row(node, md).issuer, states(row(node, md))) == (RS, {"ceremony": "done"})


def test_a_peer_neither_adds_rows_nor_stays_newest_for_ever(network: Network, serbia: Node) -> None:
    macedonia, md = network.nodes[MK], Jurisdiction.MD
    lines = tuple(OnboardingLine.model_validate_json(json.dumps(fields)) for fields in onboarding_fields()["lines"])
    for jurisdiction in (Jurisdiction("QQ"), md):
        said = say(
            macedonia, Onboarding, HEAD, jurisdiction=jurisdiction, lines=lines, stated_at="2099-01-01T00:00:00.000Z"
        )
        with macedonia.store.write() as session:
            enter(session, said, to=[RS])
    network.settle()
    assert "QQ" not in [found.jurisdiction for found in who_stands_where(serbia)]
    assert row(serbia, md).issuer == MK
    sign_checklist(serbia, HEAD, md, {Step.LEGAL_BASIS: DONE})
    assert row(serbia, md).issuer == RS, "a moment that is still to come weighs no more than when it came"


# Files


def test_a_conformance_report_that_shows_something() -> None:
    data = report()
    found = take_evidence(Step.CONFORMANCE, data, URL)
    assert found.on == today()
    assert take_evidence(Step.LEGAL_BASIS, b"%PDF-1.7", None).on is None


@pytest.mark.parametrize(
    ("data", "refused"),
    [
        (b"", "is empty"),
        (b"{}", "no file of findings"),
        (b"[" * 100_000, "no file of findings"),
        (b'{"url": 1, "url": 2}', "no file of findings"),
        (report(kept=False), "did not keep"),
        (report(checks=[{"name": "tls", "verdict": "not kept"}] * 20), "did not keep: tls"),
        (report(checks=[{"name": "tls", "verdict": "not tried"}] * 60), "Only 0 checks"),
        (report(checks=[{"name": "tls", "verdict": "kept"}] * 501), "no file of findings"),
        (report(url="https://ffp-me.example"), "the node is at"),
        (report(at=stamp_in(-366 * DAY_S)), "Check it again"),
        (report(at=stamp_in(2 * DAY_S)), "Check it again"),
    ],
    ids=range(11),
)
def test_a_conformance_report_that_shows_nothing(data: bytes, refused: str) -> None:
    with pytest.raises(InvalidInput, match=refused):
        take_evidence(Step.CONFORMANCE, data, URL)


def test_evidence_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.coordination.maturity.checklist.MAX_EVIDENCE_BYTES", 10)
    with pytest.raises(TooLarge):
        take_evidence(Step.LEGAL_BASIS, b"x" * 11, None)


def test_a_list_in_a_file_is_kept_and_proves_nothing(tmp_path: Path) -> None:
    file, ua = tmp_path / "ua.json", Jurisdiction.UA
    assert list_in(file, ua).taken == 0
    lines = list(read_list(file, ua))
    said = OnboardingLine(
        step=Step.LEGAL_BASIS, state=State.DONE, on=today(), by=Role.HEAD, evidence="ab" * 32, remark="Signed."
    )
    write_list(file, ua, (said, *lines[1:]))
    assert states(list_in(file, ua)) == {"legal_basis": "done"}
    with pytest.raises(InvalidInput, match="is the checklist of UA"):
        read_list(file, Jurisdiction.MD)
    proven = json.loads(file.read_text())
    proven["lines"][0] |= {"state": "proven", "by": "node"}
    file.write_text(json.dumps(proven))
    with pytest.raises(InvalidInput, match="no checklist"):
        read_list(file, ua)
    file.write_text("{" * 70_000)
    with pytest.raises(InvalidInput, match="no checklist"):
        read_list(file, ua)
