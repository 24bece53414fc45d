"""What a node's signed snapshot answers, where it lies in the folder; and monitoring reports beside their approvals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from exchange.coordination.half_year.half_year_report import approve_report, draft, released
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.maturity.assessment import FindingKind, assessment_of
from exchange.coordination.maturity.assessment_folder import read_folder
from exchange.coordination.maturity.keep_snapshot import keep_snapshot, signed_snapshot
from exchange.coordination.maturity.midterm_paper import FIGURES, figures_under, midterm, questions_under, rated_under
from exchange.coordination.maturity.questionnaire import Criterion
from exchange.coordination.region_files.release_report import release_report
from exchange.errors import InvalidInput
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.node.node import Node, create_node, open_node
from exchange.flows.terms.terms import state_policy
from exchange.log.audit_entry import Actor, ActorKind
from exchange.trust.card import fingerprint
from schemas import Maker
from schemas.vocabulary import Jurisdiction, Role, SignedInBy
from tests.exchange.coordination.half_year.monitoring_world import MK, Clock, World
from tests.exchange.coordination.maturity.filled_assessment import all_best, write_filled

pytestmark = pytest.mark.slow

BY_HEAD = Actor(ActorKind.PERSON, "head-1", Role.HEAD)
LATER = "ffp-monitoring-report/9"
HEAD = Maker(pseudonym="head-1", role=Role.HEAD, signed_in=SignedInBy.TOKEN)
H1 = Half(2026, 1)
ASKED_OF_THE_NODE = (
    *("legal_exchange", "legal_partners", "verification_blind", "reviews_in_time", "it_connection", "it_backup"),
    *("it_keys", "exchange_flows", "feedback", "report_used"),
)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Serbia's node, which approved the report of 2026H1 and kept its snapshot."""
    clock = Clock(datetime(2026, 3, 1, tzinfo=UTC))
    monkeypatch.setattr("exchange.clock.now", clock)
    create_node(tmp_path / "node", jurisdiction=Jurisdiction.RS, url="https://ffp-rs.example", port=9)
    node = open_node(tmp_path / "node")
    made = World(node, clock)
    made.enrol(MK)
    state_policy(node, HEAD, (), ())
    made.record()
    made.at("2026-07-04")
    approve_report(node, HEAD, H1, draft(node, H1).sha256, "To the coordinator.")
    keep_snapshot(node, HEAD)
    sign_head(node)
    yield made
    node.close()


@pytest.fixture
def folder(world: World, tmp_path: Path) -> Path:
    """An assessment in which the assessor left to the node what the node proves."""
    found = tmp_path / "serbia"
    write_filled(found, all_best(**dict.fromkeys(ASKED_OF_THE_NODE, "")), jurisdiction="RS")
    (found / "maturity.json").write_bytes(signed_snapshot(world.node, H1))
    return found


def test_the_snapshot_answers_what_nobody_else_does(folder: Path, world: World) -> None:
    found = assessment_of(read_folder(folder))
    assert found.left == ()
    assert found.snapshot is not None
    assert not found.snapshot.confirmed
    answers = {answer.question.id: answer for answer in found.answers if answer.by_node}
    assert {name: answer.value for name, answer in answers.items()} == {
        "legal_exchange": "yes",
        "legal_partners": "no",
        "it_connection": "partly",
        "it_keys": "no",
        "exchange_flows": "no",
        "report_used": "yes",
    }
    assert answers["it_connection"].points == 0.5
    assert answers["it_connection"].on == date(2026, 7, 4)
    assert {item.question for item in found.recommended.made} == {
        "legal_partners",
        "it_connection",
        "it_keys",
        "exchange_flows",
    }
    untold = {item.answer.question.id for item in found.findings if item.kind is FindingKind.NOT_TOLD}
    assert untold == set(ASKED_OF_THE_NODE) - answers.keys(), "no data proves nothing"


def test_where_the_assessor_saw_otherwise_both_are_told(folder: Path) -> None:
    write_filled(folder, all_best(legal_partners="yes"), jurisdiction="RS")
    found = assessment_of(read_folder(folder))
    differing = {item.answer.question.id: item.answer for item in found.findings if item.kind is FindingKind.DIFFERS}
    assert set(differing) >= {"legal_partners", "it_keys"}
    assert (differing["legal_partners"].value, differing["legal_partners"].points) == ("yes", 1)
    assert differing["legal_partners"].proof is not None
    assert differing["legal_partners"].proof.answer == "no"


def test_the_fingerprint_that_the_assessor_knows(folder: Path, world: World) -> None:
    digits = fingerprint(world.node.history.card.identity)
    write_filled(folder, all_best(), jurisdiction="RS", more=f'node_fingerprint = "{digits}"')
    snapshot = assessment_of(read_folder(folder)).snapshot
    assert snapshot is not None
    assert snapshot.confirmed
    write_filled(folder, all_best(), jurisdiction="RS", more=f'node_fingerprint = "{"0" * 40}"')
    found = assessment_of(read_folder(folder))
    assert found.snapshot is None
    assert "not the one that you know" in found.left[0].why


def test_a_snapshot_of_elsewhere_or_of_another_half_year_answers_nothing(folder: Path) -> None:
    (folder / "assessment-RS-2026H1.toml").unlink()
    write_filled(folder, all_best(), jurisdiction="MK")
    found = assessment_of(read_folder(folder))
    assert (found.snapshot, [item.why for item in found.left]) == (None, ["It is of RS, not of MK."])
    (folder / "assessment-MK-2026H1.toml").unlink()
    write_filled(folder, all_best(), jurisdiction="RS", half="2026H2", on="2026-07-04")
    found = assessment_of(read_folder(folder))
    assert found.snapshot is None
    assert [str(half) for half in found.path.halves] == ["2026H1"], "it stands on the path all the same"


def test_a_forged_snapshot_is_left_and_named(folder: Path) -> None:
    fields = json.loads((folder / "maturity.json").read_text())
    (folder / "maturity.json").write_text(json.dumps(fields | {"document": "e30="}))
    found = assessment_of(read_folder(folder))
    assert found.snapshot is None
    assert found.left[0].name == "maturity.json"
    assert "concerns another file" in found.left[0].why


# The mid-term paper


def put_file(node: Node, folder: Path) -> None:
    (folder / "report.json").write_bytes(release_report(node, BY_HEAD, H1, None))


def test_a_reports_file_counts_where_its_identity_is_known(folder: Path, world: World) -> None:
    put_file(world.node, folder)
    [report] = read_folder(folder).reports
    assert (str(report.half), report.node_id) == ("2026H1", "ffp-rs")
    assert report.figures["exhibits_entered"].as_json() == {"told": "between", "low": 1, "high": 4}
    assert report.sha256 == released(world.node, H1).sha256

    (folder / "maturity.json").unlink()
    found = read_folder(folder)
    assert found.reports == (), "nobody vouches for the identity"
    assert "node_fingerprint" in found.left[0].why
    digits = fingerprint(world.node.history.card.identity)
    write_filled(folder, all_best(), jurisdiction="RS", more=f'node_fingerprint = "{digits}"')
    assert len(read_folder(folder).reports) == 1

    data = json.loads((folder / "report.json").read_bytes())
    for changed, why in (
        ({"public": "e30="}, "is not the one that was approved"),
        ({"format": "ffp-report-file/9"}, "Install a newer release"),
        ({"period": "2026H2"}, "another node or period"),
    ):
        (folder / "report.json").write_text(json.dumps({**data, **changed}))
        found = read_folder(folder)
        assert found.reports == ()
        assert why in found.left[0].why


def test_each_format_is_read_as_that_format(folder: Path, world: World) -> None:
    """A public edition by itself proves nothing; one of a release to come nobody reads here."""
    approved = released(world.node, H1)
    (folder / "report.json").write_bytes(approved.data)
    found = read_folder(folder)
    assert found.reports == ()
    assert "--form file" in found.left[0].why
    (folder / "report.json").write_bytes(json.dumps({**json.loads(approved.data), "format": LATER}).encode())
    found = read_folder(folder)
    assert [(item.name, found.reports) for item in found.left] == [("report.json", ())]


def test_an_approval_that_another_key_signed_is_refused(folder: Path, world: World, tmp_path: Path) -> None:
    """As somebody would make it who has a node of their own and gives it this one's name."""
    world.at("2026-03-01")
    create_node(tmp_path / "false", jurisdiction=Jurisdiction.RS, url="https://ffp-rs.example", port=9)
    false = open_node(tmp_path / "false")
    World(false, world.clock).record()
    world.at("2026-07-05")
    approve_report(false, HEAD, H1, draft(false, H1).sha256, "To the coordinator.")
    sign_head(false)
    put_file(false, folder)
    found = read_folder(folder)
    assert found.reports == ()
    assert [item.name for item in found.left] == ["report.json"]
    false.close()


def test_what_speaks_to_each_criterion(folder: Path, world: World, tmp_path: Path) -> None:
    put_file(world.node, folder)
    write_filled(tmp_path / "md", all_best(succession="no"), half="2025H2", on="2025-09-01")
    write_filled(tmp_path / "md", all_best())
    found = midterm([folder, tmp_path / "md"])
    assert (found.jurisdictions, str(found.first), str(found.last)) == (("RS", "MD"), "2025H2", "2026H1")
    asked = [question.id for criterion in Criterion for question in questions_under(criterion)]
    assert len(asked) == len(set(asked)) == 49, "each question stands under one criterion"
    now, first = rated_under(found.assessments[1], Criterion.SUSTAINABILITY)
    assert now.share == 1
    assert first is not None
    assert first.share is not None
    assert first.share < 1
    reported = figures_under(Criterion.RELEVANCE, found.assessments)
    places = [item.jurisdiction for item in reported if item.name == "exhibits_entered"]
    assert places == ["RS"], "Moldova has no report, and no zero either"
    assert figures_under(Criterion.GENDER, found.assessments) == []
    with pytest.raises(InvalidInput, match="are both of MD"):
        midterm([tmp_path / "md", tmp_path / "md"])


def test_figures_are_those_that_a_node_publishes(world: World) -> None:
    assert {name for names in FIGURES.values() for name in names} <= set(draft(world.node, H1).document.trend)
