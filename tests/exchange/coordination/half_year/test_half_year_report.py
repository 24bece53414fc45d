"""The half-yearly report: each figure on a world whose counts are known; no data apart from 0; approval first."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from exchange.clock import stamp
from exchange.coordination.approved_rows import ApprovedKind
from exchange.coordination.half_year.editions import read_editions_manifest
from exchange.coordination.half_year.figure_definitions import COUNTS
from exchange.coordination.half_year.half_year_document import read_document, write_document
from exchange.coordination.half_year.half_year_report import approve_report, find_approved, halves, released
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.half_year.public_edition import OWN_STAGES
from exchange.coordination.half_year.small_counts import HELD_BACK, NO_DATA, exact
from exchange.errors import Conflict, InvalidInput, NotFound
from exchange.flows.node.node import create_node, open_node
from exchange.flows.statement.sign_statement import say
from exchange.flows.sync.available_hours import AvailableHours
from exchange.store.tables.log import AuditStateRow
from exchange.store.tables.peer_tables import NodeHoursRow
from exchange.store.tables.record_tables import StatementRow
from exchange.store.tables.terms_tables import ApprovalRow
from exchange.store.terms.held_records import STAYS, note_decision
from schemas import Approval, Maker, open_envelope, parse_statement
from schemas.vocabulary import Decision, Jurisdiction, Role, SignedInBy
from tests.exchange.coordination.half_year.monitoring_world import AL, MK, RS, XK, Clock, World
from tests.exchange.databases import SLOW_ON_POSTGRESQL, Databases, databases_fixture
from tests.schemas.results import ON

pytestmark = pytest.mark.slow

HEAD = Maker(pseudonym="head-1", role=Role.HEAD, signed_in=SignedInBy.TOKEN)
OWN_CASE = "RS-K-2026-7788"


databases = databases_fixture("sqlite", SLOW_ON_POSTGRESQL)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, databases: Databases) -> Iterator[World]:
    """Made in March 2026, its partners enrolled in April."""
    clock = Clock(datetime(2026, 3, 1, tzinfo=UTC))
    monkeypatch.setattr("exchange.clock.now", clock)
    home, url = tmp_path / "node", "http://127.0.0.1:9"
    create_node(home, jurisdiction=Jurisdiction.RS, url=url, port=9, database_url=databases.new())
    node = open_node(home)
    made = World(node, clock)
    made.at("2026-04-01")
    made.enrol(MK, XK, AL)
    yield made
    node.close()


def test_half_years_begin_and_end_at_midnight_utc() -> None:
    half = Half.parse("2026H2")
    assert (half.start, half.end) == ("2026-07-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z")
    assert (half.before(), half.after()) == (Half(2026, 1), Half(2027, 1))
    assert half.holds("2026-07-01T00:00:00.000Z")
    assert half.holds("2026-12-31T23:59:59.999Z")
    assert not half.holds("2026-06-30T23:59:59.999Z")
    assert not half.holds(half.end)
    assert Half.of(datetime.fromisoformat("2027-01-01T00:30:00+01:00")) == half
    for wrong in ("2026H3", "2026", "1999H1", "2026h2", "2026H2\n", "２０２６H1"):
        with pytest.raises(InvalidInput):
            Half.parse(wrong)


def test_exhibits_are_counted_once_whatever_becomes_of_them(world: World) -> None:
    world.at("2026-06-30 23:59")
    before = world.record()
    world.at("2026-07-01")
    first, second = world.record(), world.record()
    amended = world.record(supersedes=first)
    world.record(supersedes=before)
    received = world.record(MK)
    world.record(MK, supersedes=received)
    world.record(XK)
    world.say("withdrawal", record=second)
    world.say("withdrawal", record=first, holder=MK, reason="revoked")
    world.at("2026-12-31 23:59")
    world.record()
    world.given(MK, first, amended, second)
    world.given(MK, amended)
    world.given(XK, amended)
    world.at("2027-01-01")
    world.given(AL, first)
    world.record()
    world.record(AL)
    counts = world.counts()
    assert counts["exhibits_entered"] == {"RS": 3}
    assert counts["exhibits_received"] == {"MK": 1, "XK": 1, "AL": 0}
    assert counts["exhibits_shared"] == {"MK": 2, "XK": 1, "AL": 0}
    assert counts["records_withdrawn"] == {"RS": 1}
    assert world.counts("2026H1")["exhibits_entered"] == {"RS": 1}


def test_each_month_has_what_happened_in_it(world: World) -> None:
    world.at("2026-05-31 23:59")
    world.record()
    world.at("2026-06-01")
    entered = world.record()
    received = world.record(MK)
    world.record(MK, supersedes=received)
    world.at("2026-07-01")
    world.hit(entered, received)
    world.at("2026-09-30 12:00")
    world.hit(entered, received, confirmed=True)
    world.at("2026-09-30 13:00")
    months = world.draft("2026H2").months
    assert months.names == ("2026-03", "2026-04", "2026-05", "2026-06", "2026-07", "2026-08", "2026-09")
    assert months.counts == {
        "exhibits_entered": (0, 0, 1, 1, 0, 0, 0),
        "exhibits_received": (0, 0, 0, 1, 0, 0, 0),
        "leads": (0, 0, 0, 0, 1, 0, 0),
        "confirmed_hits": (0, 0, 0, 0, 0, 0, 1),
    }
    world.at("2028-01-05")
    year = world.draft("2027H2").months
    assert (year.names[0], year.names[-1], len(year.names)) == ("2027-01", "2027-12", 12)
    assert {sum(counts) for counts in year.counts.values()} == {0}
    half = world.draft("2026H1").months
    assert half.names[-1] == "2026-06"
    assert half.counts["leads"] == (0, 0, 0, 0)


def test_search_and_first_review(world: World) -> None:
    world.at("2026-07-01")
    own = [world.record() for _ in range(4)]
    others = [world.record(MK) for _ in range(3)]
    for record, other in zip(own, others, strict=False):
        world.compared(record, other)
    world.correlated(own[0], "2026-07-02")
    world.correlated(own[1], "2026-07-03")
    world.correlated(own[2], "2026-12-31")
    world.correlated(own[3], "2026-07-04")
    world.opened(own[0], others[0], "2026-07-04")
    world.opened(own[1], others[1], "2027-01-05")
    world.at("2027-02-01")
    found = world.draft()
    assert found.counted.counts["exhibits_searched"] == {"RS": 4}
    assert found.counted.counts["overdue_first_reviews"] == {"RS": 1}, "opened too late; of the third the term runs"
    assert sorted(found.counted.hours["search"]) == [24, 48, 72, 183 * 24]
    assert found.counted.hours["first_review"] == [48]


def test_cases_that_hits_join_are_counted_once(world: World) -> None:
    world.at("2026-07-10")
    a, b = world.record(case="A"), world.record(case="A")
    c, d, e = world.record(MK, case="C"), world.record(XK, case="D"), world.record(case="E")
    concluded = world.conclude(a, c)
    world.conclude(a, e)
    world.at("2026-07-11")
    second = {"pseudonym": "examiner-8", "role": "examiner", "signed_in": "token"}
    world.say("verification", verifies=concluded, pair=world.pair(a, c), **ON["screen"], made_by=second)
    world.at("2026-07-12")
    lead = world.hit(a, c, conclusion=concluded)
    world.hit(b, c, issuer=MK)
    world.hit(a, e)
    taken_back = world.hit(a, d)
    world.at("2026-07-22")
    world.say("feedback", hit=lead)
    world.say("feedback", MK, hit=lead)
    world.hit(a, c, confirmed=True)
    world.say("retraction", retracts=taken_back)
    world.at("2027-01-02")
    world.hit(b, d)
    found = world.draft()
    counts = found.counted.counts
    assert counts["conclusions"] == {"RS": 1, "MK": 1, "XK": 0, "AL": 0}
    assert counts["leads"] == {"RS": 1, "MK": 1, "XK": 0, "AL": 0}
    assert counts["confirmed_hits"] == {"RS": 0, "MK": 1, "XK": 0, "AL": 0}
    assert counts["hits_retracted"] == {"RS": 0, "MK": 0, "XK": 1, "AL": 0}
    assert found.counted.hours["verification"] == [24]
    assert sorted(found.counted.hours["dissemination"]) == [48, 3096, 3336], "two rest on what was said long before"
    assert found.counted.hours["confirmation"] == [240]
    assert found.counted.hours["feedback"] == [240]
    world.at("2027-08-01")
    assert world.counts("2027H1")["leads"] == {"RS": 0, "MK": 0, "XK": 1, "AL": 0}


def test_a_hit_that_is_taken_back_later_still_counts(world: World) -> None:
    world.at("2026-12-01")
    lead = world.hit(world.record(), world.record(MK))
    world.at("2027-01-01")
    world.say("retraction", retracts=lead)
    assert world.counts()["leads"]["MK"] == 1
    world.at("2027-08-01")
    assert world.counts("2027H1")["hits_retracted"]["MK"] == 1


def test_feedback_that_fell_due(world: World) -> None:
    """The term is 30 days."""
    world.at("2026-06-15")
    early = world.hit(world.record(), world.record(MK))
    world.at("2026-11-20")
    silent = world.hit(world.record(), world.record(MK))
    world.at("2026-12-20")
    world.hit(world.record(), world.record(MK))
    world.say("feedback", hit=early)
    world.say("feedback", MK, hit=silent)
    world.at("2027-03-01")
    world.say("feedback", hit=silent)
    counts = world.counts()
    assert counts["feedback_given"] == {"MK": 1, "XK": 0, "AL": 0}
    assert counts["feedback_missing"] == {"MK": 1, "XK": 0, "AL": 0}


def test_what_is_overdue_at_the_end(world: World) -> None:
    world.at("2026-07-10")
    asked = world.hit(world.record(), world.record(MK))
    answered = world.hit(world.record(), world.record(XK))
    world.at("2026-07-11")
    world.say("physical-comparison", MK, hit=asked, step="asked", on=None)
    question = world.say("physical-comparison", XK, hit=answered, step="asked", on=None)
    world.at("2026-07-12")
    world.say("physical-comparison", hit=answered, step="declined", on=None, answers=question)
    world.task(due="2026-07-15", conclusion="1" * 64)
    world.task(due="2026-07-15", conclusion="2" * 64, done="2027-01-03")
    world.task(due="2026-07-15", conclusion="3" * 64, done="2026-07-20")
    world.task(due="2026-07-15")
    world.task(due="2027-01-15", conclusion="4" * 64)
    world.asked("MK", at="2026-07-10", due="2026-07-12")
    world.asked("MK", at="2026-12-31", due="2027-01-02")
    world.asked("MK", at="2026-07-10", due="2026-07-12", decided="2026-07-11", decision="approved")
    world.asked("XK", at="2026-07-10", due="2026-07-12", decided="2026-07-20", decision="refused")
    world.at("2027-02-01")
    found = world.draft()
    counts = found.counted.counts
    assert counts["overdue_answers"] == {"MK": 1, "XK": 0, "AL": 0}
    assert counts["overdue_verifications"] == {"RS": 2}, "pairs that nobody holds for a lead are no conclusions"
    assert counts["overdue_approvals"] == {"MK": 1, "XK": 0, "AL": 0}
    assert counts["releases_approved"] == {"MK": 1, "XK": 0, "AL": 0}
    assert counts["releases_refused"] == {"MK": 0, "XK": 1, "AL": 0}
    assert sorted(found.counted.hours["decision"]) == [24, 240]


def basis(jurisdiction: str, kind: str, rule: str, review_by: str = "2030-01-01") -> dict[str, object]:
    article = f"Law on {kind}, article 3"
    return {"jurisdiction": jurisdiction, "kinds": [kind], "rule": rule, "article": article, "review_by": review_by}


def test_the_gap_names_what_the_law_keeps_from_whom(world: World) -> None:
    world.at("2026-08-01")
    bases = [
        basis("MK", "crime_scene", "allowed"),
        basis("MK", "test_fire", "blocked"),
        basis("MK", "seized", "needs_approval"),
        basis("XK", "crime_scene", "allowed", "2026-09-30"),
    ]
    world.say("policy", groups=[], bases=bases)
    for kind in ("crime_scene", "crime_scene", "test_fire", "seized"):
        world.record(kind=kind, audience=["MK", "XK"])
    world.record(
        audience=["MK"],
        handling={"code": "H3", "restriction": "Ask first.", "source_grade": None, "information_grade": None},
    )
    world.record(audience=[])
    world.record(kind="test_fire", level="none", audience=["MK"])
    withdrawn = world.record(kind="test_fire", audience=["MK"])
    world.say("withdrawal", record=withdrawn)
    world.at("2027-01-01")
    world.say("policy", groups=[], bases=[])
    found = world.draft()
    assert found.gap.counts == {
        "no_article": {"MK": 0, "XK": 0, "AL": 0},
        "no_line": {"MK": 0, "XK": 2, "AL": 0},
        "blocked": {"MK": 1, "XK": 0, "AL": 0},
        "needs_approval": {"MK": 1, "XK": 0, "AL": 0},
        "review_overdue": {"MK": 0, "XK": 2, "AL": 0},
        "restriction": {"MK": 1, "XK": 0, "AL": 0},
    }
    assert [(item.partner, item.rule) for item in found.document.bases] == [
        ("MK", "blocked"),
        ("MK", "needs_approval"),
        ("XK", "review_overdue"),
    ]


def left(world: World, record: str, holder: str) -> None:
    """As a head decides it (``flows/terms/held_under_old_line.py``)."""
    with world.node.store.write() as session:
        note_decision(session, record, holder, STAYS, "blocked-by-law", "Agreed.", by="head-1", at=stamp())


def test_what_the_partner_held_before_the_law_kept_it_is_told_apart(world: World) -> None:
    world.at("2026-08-01")
    world.say("policy", groups=[], bases=[basis("MK", "crime_scene", "allowed"), basis("XK", "crime_scene", "allowed")])
    never, waits, stays, back = (world.record(audience=["MK", "XK"]) for _ in range(4))
    newer = world.record(audience=["MK", "XK"], supersedes=waits)
    world.given(MK, waits, stays, back)
    world.given(XK, never)
    world.at("2026-10-01")
    world.say("policy", groups=[], bases=[basis("MK", "crime_scene", "blocked"), basis("XK", "crime_scene", "allowed")])
    left(world, stays, MK)
    world.say("withdrawal", record=back, reason="revoked", holder=MK)
    world.at("2027-01-02")
    left(world, waits, MK)
    found = world.draft()
    assert found.gap.counts["blocked"] == {"MK": 4, "XK": 0, "AL": 0}, "as before: what the law keeps, held or not"
    assert found.gap.held == {
        "held_open": {"MK": 1, "XK": 0, "AL": 0},
        "held_left": {"MK": 1, "XK": 0, "AL": 0},
        "held_taken_back": {"MK": 1, "XK": 0, "AL": 0},
    }, "an earlier version of a record counts, and what was decided later does not"
    assert newer not in found.data.decode()


def test_what_was_approved_is_not_held_under_an_earlier_line(world: World) -> None:
    world.at("2026-08-01")
    world.say("policy", groups=[], bases=[basis("MK", "crime_scene", "needs_approval")])
    approved, later = world.record(audience=["MK"]), world.record(audience=["MK"])
    world.given(MK, approved, later)
    for record, at in ((approved, "2026-08-02"), (later, "2027-01-02")):
        with world.node.store.write() as session:
            row = ApprovalRow(concerns=record, jurisdiction="MK", decision="approved", asked_at="2026-08-01", due_at=at)
            row.decided_at = at
            session.add(row)
    world.at("2027-02-01")
    found = world.draft().gap
    assert found.counts["needs_approval"]["MK"] == 2
    assert found.held["held_open"]["MK"] == 1, "of what was decided after the half-year nobody had decided by its end"


def test_no_data_is_not_nothing(world: World) -> None:
    world.at("2027-02-01")
    counts = world.counts()
    assert all(set(counts[name].values()) == {0} for name in COUNTS)
    document = world.draft().document
    assert document.entered == exact(0)
    assert set(document.stages.values()) == {(HELD_BACK, HELD_BACK)}, "of no spans as of few"
    assert {node.share for node in document.nodes} == {NO_DATA}
    earlier = world.draft("2025H2").document
    assert earlier.entered == NO_DATA
    assert set(earlier.stages.values()) == {(NO_DATA, NO_DATA)}
    assert world.draft("2026H1").document.begun == "2026-03-01"


def test_without_the_audit_rows_nobody_knows_what_was_shared(world: World) -> None:
    world.at("2026-07-02")
    world.given(MK, world.record())
    world.given(XK, world.record())
    with world.node.store.write() as session:
        session.get_one(AuditStateRow, 1).kept_from = 2
    world.at("2027-02-01")
    assert world.counts()["exhibits_shared"] == {"MK": None, "XK": None, "AL": None}
    assert world.draft().restricted.halves[0].count("held_open", "MK") is None


def test_availability_is_counted_in_hours(world: World) -> None:
    hours = AvailableHours(world.node)
    for when, there in (("2026-07-01 00:10", False), ("2026-07-01 00:40", True), ("2026-07-01 01:10", False)):
        world.at(when)
        hours.note(MK, answered=there)
        hours.note(MK, answered=False)
    world.at("2026-07-02 23:59")
    hours.note(MK, answered=True)
    hours.note(RS, answered=True)
    world.at("2026-12-31 23:59")
    hours.note(MK, answered=True)
    world.at("2027-01-01")
    hours.note(MK, answered=False)
    with world.node.store.read() as session:
        first = session.get_one(NodeHoursRow, (MK, "2026-07-01"))
    assert (first.asked, first.answered) == (0b11, 0b01)
    shares = {node.node_id: node.share for node in world.draft().document.nodes}
    assert shares == {RS: exact(round(1 / (184 * 24), 4)), AL: NO_DATA, MK: exact(0.75), XK: NO_DATA}


def test_while_it_lasts_it_is_counted_up_to_now(world: World) -> None:
    world.at("2026-09-01")
    world.record()
    world.at("2026-09-02")
    found = world.draft()
    assert found.counted.counts["exhibits_entered"] == {"RS": 1}
    assert found.document.counted_to == "2026-09-02T00:00:00.000Z"
    with pytest.raises(Conflict) as refused:
        approve_report(world.node, HEAD, Half(2026, 2), found.sha256, "To the coordinator.")
    assert refused.value.code == "half-not-over"
    with pytest.raises(NotFound):
        world.draft("2027H1")


def test_the_same_rows_give_the_same_bytes(world: World) -> None:
    world.at("2026-09-01")
    for _ in range(6):
        world.hit(world.record(), world.record(MK))
    world.at("2027-01-01")
    first = world.draft()
    world.at("2028-05-05")
    world.record()
    assert world.draft().data == first.data, "whatever came after the end, and whenever it is counted"
    assert read_document(first.data) == first.document
    assert write_document(read_document(first.data)) == first.data


def test_the_document_holds_aggregates_alone(world: World) -> None:
    world.at("2026-09-01")
    records = [world.record(case=OWN_CASE), world.record(MK, case="MK-SECRET-1")]
    hit = world.hit(*records)
    world.at("2027-01-01")
    data = world.draft().data.decode()
    for secret in (*records, hit, *world.scans.values(), OWN_CASE, "MK-SECRET-1", "examiner-7"):
        assert secret not in data
    fields = json.loads(data)
    assert {item["id"] for item in fields["stages"]} == set(OWN_STAGES)
    assert all(item["definition"] and item["title"] for item in (fields["exhibits_entered"], *fields["stages"]))
    assert not {"harmonisation_gap", "held_under_earlier_line"} & set(fields), "these stand in the restricted edition"


def test_nothing_is_released_before_the_head_has_signed(world: World) -> None:
    world.at("2026-09-01")
    for _ in range(3):
        world.record()
    world.at("2027-01-10")
    half, found = Half(2026, 2), world.draft()
    with pytest.raises(NotFound) as refused:
        released(world.node, half)
    assert refused.value.code == "not-approved"
    for other in ("0" * 64, "“pasted with its quotes”"):
        with pytest.raises(Conflict) as refused_too:
            approve_report(world.node, HEAD, half, other, "To the coordinator.")
        assert refused_too.value.code == "other-figures"
    assert find_approved(world.node, half) is None

    said = approve_report(world.node, HEAD, half, found.sha256, "To the coordinator.")
    world.at("2027-01-11")
    given = released(world.node, half)
    assert given.data == found.data
    assert given.editions == found.editions
    assert given.sha256 == hashlib.sha256(given.editions.manifest).hexdigest()
    manifest = read_editions_manifest(ApprovedKind.REPORT, given.editions.manifest)
    assert manifest.public == hashlib.sha256(given.data).hexdigest()
    assert manifest.restricted == hashlib.sha256(given.editions.restricted).hexdigest()
    assert (given.approval, given.approved_by, given.approved_at) == (said, "head-1", "2027-01-10T00:00:00.000Z")
    statement = parse_statement(open_envelope(given.envelope).payload)
    assert isinstance(statement, Approval)
    assert (statement.concerns, statement.jurisdiction, statement.decision, statement.made_by) == (
        given.sha256,
        "RS",
        Decision.APPROVED,
        HEAD,
    )
    with world.node.store.read() as session:
        logged = session.scalars(select(StatementRow).where(StatementRow.statement_id == said)).one()
    assert logged.log_index == given.log_index
    with pytest.raises(Conflict) as again:
        approve_report(world.node, HEAD, half, found.sha256, "Once more.")
    assert again.value.code == "decided"
    assert halves(world.node) == [(Half(2027, 1), False), (half, True), (Half(2026, 1), False)]


def test_what_was_approved_stays_whatever_is_counted_later(world: World) -> None:
    world.at("2026-09-01")
    record = world.record()
    world.at("2027-01-10")
    found = world.draft()
    approve_report(world.node, HEAD, Half(2026, 2), found.sha256, "To the coordinator.")
    world.say("withdrawal", record=record)
    assert released(world.node, Half(2026, 2)).data == found.data


def test_an_approved_half_year_is_what_later_ones_are_compared_with(world: World) -> None:
    for number, half in enumerate((Half(2026, 1), Half(2026, 2)), 6):
        world.at(half.start[:10] if number > 6 else "2026-05-01")
        for _ in range(number):
            world.record()
    world.at("2027-01-10")
    assert world.draft("2026H2").document.earlier == (), "what nobody approved is no baseline"
    approve_report(world.node, HEAD, Half(2026, 1), world.draft("2026H1").sha256, "To the coordinator.")
    (baseline,) = world.draft("2026H2").document.earlier
    assert baseline.period == "2026H1"
    assert baseline.figures["exhibits_entered"] == exact(6)
    assert baseline.figures["search_median_h"] == HELD_BACK
    assert world.draft("2026H2").document.trend["exhibits_entered"] == exact(7)


def test_an_approval_of_a_report_decides_nothing_else(world: World) -> None:
    world.at("2027-01-10")
    said = say(
        world.node,
        Approval,
        HEAD,
        concerns="a" * 64,
        jurisdiction=Jurisdiction.RS,
        decision=Decision.APPROVED,
        because="Nothing of the kind.",
    )
    assert said.statement.concerns == "a" * 64
    approve_report(world.node, HEAD, Half(2026, 2), world.draft().sha256, "To the coordinator.")
    assert set(world.counts("2027H1")["releases_approved"].values()) == {0}


def test_times_of_too_few_are_held_back(world: World) -> None:
    world.at("2026-09-01")
    records = [world.record() for _ in range(5)]
    for day, record in enumerate(records[:4], 2):
        world.correlated(record, f"2026-09-{day:02}")
    world.at("2027-01-10")
    assert world.draft().document.stages["search"] == (HELD_BACK, HELD_BACK)
    world.correlated(records[4], "2026-09-20")
    assert [figure.low for figure in world.draft().document.stages["search"]] == [48, 240], "of 72 h and of 19 days"
    assert set(world.draft().document.stages) == set(OWN_STAGES)
