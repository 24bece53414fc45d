"""A record that fits a rule is asked about by itself: once, within a day's most, and only as policy allows."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from exchange.flows.node.node import Node
from exchange.flows.query import start_search as start_search_module
from exchange.flows.query.ask import Question, ask, ask_each
from exchange.flows.query.start_search import StartedSearch, start_search, started_search
from exchange.flows.terms.terms import state_policy
from exchange.flows.terms.withdraw import withdraw
from exchange.log.audit_entry import Act
from exchange.search_triggers import SearchTrigger
from exchange.store.node.jobs import JobKind
from exchange.store.query.started_searches import promise_search
from exchange.store.tables.log import AuditRow
from exchange.store.tables.query_tables import QueryRow, StartedSearchRow
from exchange.store.tables.record_tables import RecordRow
from exchange.store.tables.work_tables import JobRow
from schemas import LegalBasis, Maker
from schemas.vocabulary import (
    ExhibitKind,
    Jurisdiction,
    LawfulPurpose,
    Role,
    SharingRule,
    SignedInBy,
    WithdrawalReason,
)
from tests.exchange.flows.network import AL, MK, RS, Network
from tests.schemas.examples import acquisition_fields, exhibit_fields, firearm_fields, fired_fields

pytestmark = pytest.mark.slow

HEAD = Maker(pseudonym="head-1", role=Role.HEAD, signed_in=SignedInBy.TOKEN)
EXAMINER = Maker(pseudonym="examiner-1", role=Role.EXAMINER, signed_in=SignedInBy.TOKEN)
LAW = "Police Act, article 9"
BORDER = exhibit_fields(within_80_km_of_border="yes", offence="robbery")
AT_HOME: dict[str, Any] = {"level": "search", "audience": ["MK", "AL"], "exhibit": BORDER}


@pytest.fixture
def network(network: Network) -> Network:
    """Serbia, whose node asks by itself; North Macedonia and Albania."""
    configure(network)
    return network


def configure(network: Network, **changes: object) -> Node:
    """Serbia's node with these settings."""
    node = network.nodes[RS]
    stated = {
        "search_triggers": tuple(SearchTrigger),
        "search_trigger_purpose": LawfulPurpose.INVESTIGATION,
        "search_trigger_legal_basis": LAW,
        **changes,
    }
    network.nodes[RS] = replace(node, settings=node.settings.model_copy(update=stated))
    return network.nodes[RS]


def registered(network: Network, **changes: Any) -> str:
    """A record that stays at home, whose search a worker has started where that was promised."""
    name = network.record(RS, **{**AT_HOME, **changes})
    node = network.nodes[RS]
    with node.store.write() as session:
        promise_search(session, node.settings.search_triggers, name)
    drain(node)
    return name


def drain(node: Node) -> None:
    """Do all searches that are promised; a search may promise others of its case."""
    for _ in range(20):
        with node.store.write() as session:
            waiting = session.scalars(select(JobRow).where(JobRow.kind == JobKind.START_SEARCH)).all()
            for job in waiting:
                session.delete(job)
        if not waiting:
            return
        for job in waiting:
            start_search(node, int(job.subject))
    raise AssertionError("searches promise searches without an end")


def queries(network: Network, record: str | None = None) -> list[tuple[str, str, str | None]]:
    """Whom Serbia asked, how far that is, and by which rules; by the peer's name."""
    asked = select(QueryRow).order_by(QueryRow.asked, QueryRow.number)
    if record is not None:
        asked = asked.where(QueryRow.record == record)
    with network.nodes[RS].store.read() as session:
        return [(row.asked, row.state, row.triggers) for row in session.scalars(asked)]


def started(network: Network, record: str) -> StartedSearch | None:
    with network.nodes[RS].store.read() as session:
        return started_search(session, record)


def again(network: Network, record: str) -> None:
    """The job once more, as after a lease that ran out."""
    node = network.nodes[RS]
    with node.store.read() as session:
        sequence = session.scalars(select(RecordRow.sequence).where(RecordRow.statement_id == record)).one()
    start_search(node, sequence)


def blocked(network: Network, jurisdiction: Jurisdiction) -> None:
    """The law lets nothing go to one jurisdiction."""
    bases = tuple(
        LegalBasis(
            jurisdiction=one,
            kinds=tuple(ExhibitKind),
            rule=SharingRule.BLOCKED if one is jurisdiction else SharingRule.ALLOWED,
            article=LAW,
            review_by=date(2090, 1, 1),
        )
        for one in (Jurisdiction.MK, Jurisdiction.AL)
    )
    state_policy(network.nodes[RS], HEAD, (), bases)


def test_each_peer_is_asked_once_in_the_name_of_who_submitted(network: Network) -> None:
    record = registered(network)
    assert queries(network) == [(AL, "asked", "border"), (MK, "asked", "border")]
    found = started(network, record)
    assert found is not None
    assert (found.triggers, found.asked, found.not_allowed, found.left_out) == ((SearchTrigger.BORDER,), 2, (), ())
    with network.nodes[RS].store.read() as session:
        rows = session.scalars(select(QueryRow)).all()
        assert {(row.made_by, row.purpose, row.legal_basis) for row in rows} == {("examiner-1", "investigation", LAW)}
        sent = session.scalars(select(JobRow.subject).where(JobRow.kind == JobKind.SEND_QUERY)).all()
        assert sorted(sent) == sorted(str(row.number) for row in rows)
        [deed] = session.scalars(select(AuditRow).where(AuditRow.act == Act.START_SEARCH)).all()
        assert (deed.kind, deed.count, deed.asked, deed.legal_basis) == ("node", 2, "rules: border", LAW)

    again(network, record)
    assert len(queries(network)) == 2, "once for each record"
    with network.nodes[RS].store.write() as session:  # as if the node had died before it wrote down what it asked
        session.delete(session.get_one(StartedSearchRow, record))
    again(network, record)
    assert len(queries(network)) == 2, "once for each scan and peer"


def test_off_by_default_and_where_no_rule_fits(network: Network) -> None:
    registered(network, exhibit=exhibit_fields(within_80_km_of_border="no", offence="robbery"))
    configure(network, search_triggers=(SearchTrigger.TERRORISM,))
    registered(network)
    configure(network, search_triggers=())
    record = registered(network)
    assert (queries(network), started(network, record)) == ([], None)


def test_what_its_audience_gets_anyway_is_not_asked_about(network: Network) -> None:
    record = registered(network, level="full")
    assert (queries(network), started(network, record)) == ([], None)


def test_a_peer_that_policy_blocks_is_not_asked(network: Network) -> None:
    blocked(network, Jurisdiction.AL)
    record = registered(network)
    assert queries(network) == [(MK, "asked", "border")]
    found = started(network, record)
    assert found is not None
    assert (found.asked, found.not_allowed) == (1, (AL,))


def test_what_needs_an_approval_waits_for_the_head(network: Network) -> None:
    record = registered(network, level="none", audience=[])
    assert [(asked, state) for asked, state, _ in queries(network)] == [
        (AL, "waiting-for-approval"),
        (MK, "waiting-for-approval"),
    ]
    with network.nodes[RS].store.read() as session:
        assert not session.scalars(select(JobRow).where(JobRow.kind == JobKind.SEND_QUERY)).all()
    found = started(network, record)
    assert found is not None
    assert found.asked == 2


def test_no_more_in_a_day_than_the_settings_say(network: Network) -> None:
    configure(network, search_trigger_most_a_day=1)
    first, second = registered(network, audience=["MK"]), registered(network)
    assert len(queries(network, first)) == 2, "one of each peer"
    assert queries(network, second) == []
    found = started(network, second)
    assert found is not None
    assert (found.asked, found.left_out) == (0, (AL, MK))
    with network.nodes[RS].store.read() as session:
        told = [row.asked for row in session.scalars(select(AuditRow).where(AuditRow.act == Act.START_SEARCH))]
    assert told[-1] == "rules: border; left out, a day's most was reached: ffp-al ffp-mk"


def test_several_workers_together_ask_no_more_in_a_day(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another worker asks about another record after the first one has counted, and before it asks."""
    node = configure(network, search_trigger_most_a_day=1)
    first, second = (network.record(RS, **AT_HOME) for _ in range(2))

    def overtaken(*arguments: Any, **more: Any) -> Any:
        monkeypatch.setattr(start_search_module, "ask_each", ask_each)
        again(network, second)
        return ask_each(*arguments, **more)

    monkeypatch.setattr(start_search_module, "ask_each", overtaken)
    again(network, first)
    assert [asked for asked, _, _ in queries(network)] == [AL, MK]
    found = started(network, first)
    assert found is not None
    assert (found.asked, found.left_out) == (0, (AL, MK))
    assert node.settings.search_trigger_most_a_day == 1


def test_a_scan_that_a_person_asked_about_is_not_asked_about_again(network: Network) -> None:
    """Nor is the same scan of a newer version, which fits a rule where the first did not."""
    node = network.nodes[RS]
    plain = exhibit_fields(within_80_km_of_border="unknown", offence="robbery")
    first = registered(network, exhibit=plain, scan=b"one scan")
    ask(node, EXAMINER, Question(first, 0, LawfulPurpose.INVESTIGATION, "A court's order"), [MK])
    second = registered(network, scan=b"one scan", supersedes=first)
    assert queries(network, second) == [(AL, "asked", "border")]


def test_a_region_that_is_not_compared_is_not_asked_about(network: Network) -> None:
    content = b"a headstamp"
    blob = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "media_type": "application/x-x3p"}
    record = registered(network, scan=content, acquisitions=[acquisition_fields(roi="chamber_mark", blob=blob)])
    found = started(network, record)
    assert found is not None
    assert (queries(network), found.asked) == ([], 0)


def test_the_third_firearm_lets_the_whole_case_be_asked_about(network: Network) -> None:
    def fired(firearm_id: str, **changes: Any) -> str:
        exhibit = fired_fields(
            firearm=firearm_fields(firearm_id=firearm_id), within_80_km_of_border="no", offence="robbery"
        )
        stated = {"exhibit": exhibit, "case_reference": "RS-3", "audience": ["MK"], **changes}
        return registered(network, **stated)

    first, second = fired("F-1"), fired("F-2")
    fired("F-9", case_reference="RS-4")
    assert queries(network) == []
    third = fired("F-3")
    for record in (first, second, third):
        assert (MK, "asked", "three_firearms") in queries(network, record)
    fourth = fired("F-3")
    assert (MK, "asked", "three_firearms") in queries(network, fourth)
    assert len(queries(network)) == 8, "each once of each peer"


def test_a_record_that_is_withdrawn_is_not_asked_about_and_forgotten(network: Network) -> None:
    node = network.nodes[RS]
    record = registered(network)
    late = network.record(RS, **AT_HOME)
    with node.store.write() as session:
        promise_search(session, node.settings.search_triggers, late)
    for one in (record, late):
        withdraw(node, HEAD, one, next(iter(WithdrawalReason)))
    network.settle()
    with node.store.read() as session:
        assert not session.scalars(select(JobRow).where(JobRow.kind == JobKind.START_SEARCH)).all()
    assert (started(network, record), queries(network, late)) == (None, [])
