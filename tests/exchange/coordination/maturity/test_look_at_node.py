"""Each step is seen to be proven, and not to be, by what really is at a node and came from others."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from exchange.clock import DAY_S, stamp_in, today
from exchange.coordination.approved_rows import ApprovedKind, ApprovedRow, Editions
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.maturity.look_at_node import SeenStep, Why, evidence_digest, look_at_steps
from exchange.flows.keys.trust_root import install_trust
from exchange.flows.node.node import Node, create_node, open_node
from exchange.flows.operate.recovery import FILE, DrillOutcome, note_outcome
from exchange.flows.statement.peer import note_alarm
from exchange.flows.terms.terms import state_policy
from exchange.store.tables.peer_tables import PeerRow
from exchange.trust.registry import RegisteredNode
from schemas import LegalBasis, Maker
from schemas.vocabulary import ExhibitKind, Jurisdiction, OnboardingStep, Role, SharingRule, SignedInBy
from tests.exchange.flows.network import MK, RS, Network
from tests.exchange.trust.rounds import Capitals
from tests.schemas.examples import exhibit_fields

pytestmark = pytest.mark.slow

HEAD = Maker(pseudonym="head-1", role=Role.HEAD, signed_in=SignedInBy.TOKEN)
DRILL = DrillOutcome(at="", seconds=1, verified=True, said="All is what was signed.", backup="ffp-rs-1")
Step = OnboardingStep
OWN, OTHER, FAR = Jurisdiction.RS, Jurisdiction.MK, Jurisdiction.MD


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    made = Network(tmp_path)
    made.make(OWN, OTHER)
    yield made
    made.close()


@pytest.fixture
def serbia(network: Network) -> Node:
    return network.nodes[RS]


def line(jurisdiction: Jurisdiction, review_by: date) -> LegalBasis:
    return LegalBasis(
        jurisdiction=jurisdiction,
        kinds=(ExhibitKind.CRIME_SCENE,),
        rule=SharingRule.ALLOWED,
        article="Test agreement, article 1",
        review_by=review_by,
    )


def seen(node: Node, step: Step, jurisdiction: Jurisdiction = OWN, faults: tuple[str, ...] = ()) -> SeenStep:
    return look_at_steps(node, jurisdiction, faults)[step]


def test_the_legal_basis(serbia: Node) -> None:
    assert seen(serbia, Step.LEGAL_BASIS) == SeenStep(why=Why.NO_POLICY)
    state_policy(serbia, HEAD, (), (line(Jurisdiction.AL, today()),))
    assert seen(serbia, Step.LEGAL_BASIS) == SeenStep(why=Why.NO_LINE, names=("MK",)), "of its own, for each partner"
    assert seen(serbia, Step.LEGAL_BASIS, FAR) == SeenStep(why=Why.NO_LINE, names=("MD",))
    said = state_policy(serbia, HEAD, (), (line(OTHER, today() - timedelta(days=1)), line(FAR, today())))
    assert seen(serbia, Step.LEGAL_BASIS) == SeenStep(why=Why.LINE_OVERDUE, names=("MK",))
    assert seen(serbia, Step.LEGAL_BASIS, FAR) == SeenStep(said, today())
    said = state_policy(serbia, HEAD, (), (line(OTHER, today()),))
    assert seen(serbia, Step.LEGAL_BASIS) == SeenStep(said, today())


def test_the_ceremony(serbia: Node) -> None:
    assert seen(serbia, Step.CEREMONY) == SeenStep(why=Why.NO_ROOT)
    registered = RegisteredNode(node_id=RS, jurisdiction=OWN, url="http://rs.test", identity=serbia.card.identity)
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=70)
    trust = Capitals().round(nodes=[registered], expires=expires)
    install_trust(serbia.settings, trust, confirmed=trust.fingerprint)
    assert seen(serbia, Step.CEREMONY) == SeenStep(hashlib.sha256(trust.registry.raw).hexdigest())
    assert seen(serbia, Step.CEREMONY, FAR) == SeenStep(why=Why.NOT_IN_ROOT, names=("MD",))


def test_a_trust_root_that_expired_or_is_not_believed(serbia: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    trust = Capitals().round(expires=datetime.now(UTC).replace(microsecond=0) + timedelta(days=70))
    install_trust(serbia.settings, trust, confirmed=trust.fingerprint)
    ahead = datetime.now(UTC) + timedelta(days=71)
    with monkeypatch.context() as later:
        later.setattr("exchange.clock.now", lambda: ahead)
        assert seen(serbia, Step.CEREMONY) == SeenStep(why=Why.ROOT_EXPIRED)
    next(serbia.settings.trust_root.glob("*.root.json")).write_bytes(b"{}")
    assert seen(serbia, Step.CEREMONY) == SeenStep(why=Why.ROOT_NOT_BELIEVED)


def test_the_own_node(tmp_path: Path, network: Network, serbia: Node) -> None:
    assert seen(serbia, Step.NODE) == SeenStep(why=Why.NO_TLS)
    assert seen(serbia, Step.NODE, faults=("disk", "disk", "backup")) == SeenStep(
        why=Why.FAULTS, names=("backup", "disk")
    )
    create_node(tmp_path / "tls", jurisdiction=Jurisdiction.ME, url="https://ffp-me.example", port=9)
    montenegro = open_node(tmp_path / "tls")
    try:
        assert seen(montenegro, Step.NODE, Jurisdiction.ME) == SeenStep(why=Why.NO_HEAD)
        network.publish(montenegro)
        assert seen(montenegro, Step.NODE, Jurisdiction.ME) == SeenStep(evidence_digest(montenegro.card_envelope.raw))
    finally:
        montenegro.close()


def test_another_jurisdictions_node(network: Network, serbia: Node) -> None:
    assert seen(serbia, Step.NODE, FAR) == SeenStep(why=Why.NOT_ENROLLED)
    assert seen(serbia, Step.NODE, OTHER) == SeenStep(why=Why.SILENT, names=(MK,)), "it was never asked"
    network.publish(MK)
    network.pull(RS, MK)
    assert seen(serbia, Step.NODE, OTHER) == SeenStep(evidence_digest(network.nodes[MK].card_envelope.raw))
    with serbia.store.write() as session:
        session.get_one(PeerRow, MK).pulled_at = stamp_in(-1.01 * DAY_S)
    assert seen(serbia, Step.NODE, OTHER) == SeenStep(why=Why.SILENT, names=(MK,))
    network.pull(RS, MK)
    note_alarm(serbia, MK, "Its log has two histories.")
    assert seen(serbia, Step.NODE, OTHER) == SeenStep(why=Why.ALARM, names=(MK,))


def test_the_drill(serbia: Node) -> None:
    assert seen(serbia, Step.BACKUP_DRILL) == SeenStep(why=Why.NO_DRILL)
    assert seen(serbia, Step.BACKUP_DRILL, OTHER) == SeenStep(why=Why.NOT_SEEN_FROM_HERE)
    home = serbia.settings.home
    note_outcome(home, replace(DRILL, at=stamp_in(-41 * DAY_S)))
    old = seen(serbia, Step.BACKUP_DRILL)
    assert (old.why, old.proven) == (Why.DRILL_OLD, False)
    note_outcome(home, replace(DRILL, at=stamp_in(-39 * DAY_S)))
    found = seen(serbia, Step.BACKUP_DRILL)
    assert (found.proven, found.on) == (True, date.fromisoformat(stamp_in(-39 * DAY_S)[:10]))
    note_outcome(home, replace(DRILL, at=stamp_in(0), verified=False, said="A scan is damaged there."))
    assert seen(serbia, Step.BACKUP_DRILL) == SeenStep(why=Why.DRILL_FAILED)
    (home / FILE).write_text("[]")
    assert seen(serbia, Step.BACKUP_DRILL) == SeenStep(why=Why.DRILL_FAILED), "unreadable proves nothing"


def test_the_trial_exchange_needs_a_made_up_record_each_way(network: Network, serbia: Node) -> None:
    assert seen(serbia, Step.TRIAL_EXCHANGE, FAR) == SeenStep(why=Why.NO_PARTNER)
    network.record(MK, audience=["RS"])
    network.settle()
    assert seen(serbia, Step.TRIAL_EXCHANGE) == SeenStep(why=Why.NOTHING_ARRIVED), "it says nothing of being made up"
    trial = network.record(MK, audience=["RS"], exhibit=exhibit_fields(headstamp="SYNTHETIC 26"))
    network.pull(RS, MK)
    assert seen(serbia, Step.TRIAL_EXCHANGE) == SeenStep(why=Why.NOTHING_ARRIVED), "its scan is not here yet"
    network.settle()
    assert seen(serbia, Step.TRIAL_EXCHANGE) == SeenStep(why=Why.NOTHING_TAKEN)
    network.record(RS, audience=["MK"], exhibit=exhibit_fields(headstamp="synthetic"))
    assert seen(serbia, Step.TRIAL_EXCHANGE) == SeenStep(why=Why.NOTHING_TAKEN), "nobody has read it yet"
    network.settle()
    for jurisdiction in (OWN, OTHER):
        assert seen(serbia, Step.TRIAL_EXCHANGE, jurisdiction) == SeenStep(trial, today())


def test_the_first_report(serbia: Node) -> None:
    assert seen(serbia, Step.FIRST_REPORT) == SeenStep(why=Why.NO_REPORT)
    assert seen(serbia, Step.FIRST_REPORT, OTHER) == SeenStep(why=Why.NOT_SEEN_FROM_HERE)
    approval = state_policy(serbia, HEAD, (), ())
    with serbia.store.write() as session:
        session.add(
            ApprovedRow(
                kind=ApprovedKind.REPORT,
                period=str(Half(2026, 1)),
                **vars(Editions(b"{}")),
                sha256="ab" * 32,
                approval=approval,
                approved_by="head-1",
                approved_at="2026-07-05T00:00:00.000Z",
            )
        )
    assert seen(serbia, Step.FIRST_REPORT) == SeenStep("ab" * 32, date(2026, 7, 5))


def test_of_conformance_a_file_tells(serbia: Node) -> None:
    assert seen(serbia, Step.CONFORMANCE) == seen(serbia, Step.CONFORMANCE, FAR) == SeenStep(why=Why.NEEDS_A_FILE)
