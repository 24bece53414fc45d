"""Somebody who can write the database lets a peer have a record: what was not signed opens no door to it."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import date

import pytest

from exchange.errors import NotFound
from exchange.flows.integrity.log_check import check_log
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.operate.status import node_status
from exchange.flows.query import answer as answer_query
from exchange.flows.query.ask import Question, ask
from exchange.flows.query.search_references import StandsOut
from exchange.flows.review.statements import speak
from exchange.flows.statement.sharing import share_anew
from exchange.flows.sync.serve_lane import give_mended, may_fetch, read_lane
from exchange.flows.terms.policy_change import change_policy, preview_policy
from exchange.flows.terms.terms import approve, grant, state_policy
from exchange.flows.terms.withdraw import place_hold, revoke_from
from exchange.flows.witness.mirror import answer_statements
from exchange.store.access.user_rows import add_user
from exchange.store.entry.record_rows import AcquisitionState, add_record
from exchange.store.log.statement_rows import append_own, find_statement, latest_of
from exchange.store.sync.peers import is_on_lane, put_on_lane
from exchange.store.tables.terms_tables import PolicyInForceRow
from schemas import Group, LegalBasis, Record, parse_statement
from schemas.lane import EMPTY_HEAD
from schemas.statements import statement_id
from schemas.vocabulary import Decision, Jurisdiction, LawfulPurpose, ScoreBand, SharingRule, WithdrawalReason
from tests.exchange.flows.integrity.at_rest_world import EVERY_KIND, FIRST, HEAD, SECOND, join, pair_of, says
from tests.exchange.flows.integrity.test_altered_rows import HELD_BACK, alter
from tests.exchange.flows.network import AL, MK, RS, Network
from tests.schemas.examples import acquisition_fields, encoded, record_fields
from tests.schemas.results import INCONCLUSIVE

pytestmark = pytest.mark.slow
SECRET = b"a secret scan"
SHA256 = hashlib.sha256(SECRET).hexdigest()
GROUP = "group-wb"


def secret(network: Network, **signed: object) -> str:
    return network.record(RS, **({"scan": SECRET, "audience": ["AL"]} | signed))


def envelope_of(network: Network, record: str) -> bytes:
    with network.nodes[RS].store.read() as session:
        row = find_statement(session, record)
        assert row is not None
        assert row.envelope is not None
        return row.envelope


def on_lane(network: Network, record: str) -> None:
    with network.nodes[RS].store.write() as session:
        put_on_lane(session, MK, record)


def anew(network: Network) -> None:
    with network.nodes[RS].store.write() as session:
        share_anew(session, network.peer(RS, MK), owner=RS)


def gets(network: Network, envelope: bytes) -> set[str]:
    """By which doors North Macedonia gets the record's envelope, or its scan."""
    rs, peer = network.nodes[RS], network.peer(RS, MK)
    page = read_lane(rs, peer, start=0, head=EMPTY_HEAD, known_size=0, reads="1.0")
    raw = base64.b64encode(envelope).decode()
    doors = {"lane"} if raw in {item.envelope for item in page.items} else set()
    doors |= {"mirror"} if raw in {item.envelope for item in answer_statements(rs, peer, 0).items} else set()
    try:
        may_fetch(rs, peer, SHA256)
    except NotFound:
        return doors
    return doors | {"scan"}


def bases(rule: SharingRule) -> tuple[LegalBasis, ...]:
    return tuple(
        LegalBasis(jurisdiction=one, kinds=EVERY_KIND, rule=rule, article="A 1", review_by=date(2090, 1, 1))
        for one in (Jurisdiction.MK, Jurisdiction.AL)
    )


def policy(network: Network, rule: SharingRule, *groups: Group) -> None:
    state_policy(network.nodes[RS], HEAD, groups, bases(rule))


GRANT_ROW = (
    'insert into "grant" (record, jurisdiction, exhibit, statement_id, log_index) '
    "values (:record, 'MK', 'ffp-rs/' || :record, :record, 9)"
)


@pytest.mark.parametrize(
    ("signed", "change"),
    [
        ({}, "update statement set issuer = 'ffp-mk', log_index = 77777 where statement_id = :record"),
        ({}, "update statement set type = 'message' where statement_id = :record"),
        ({}, GRANT_ROW),
        (
            {"audience": ["MK"], "level": "search"},
            GRANT_ROW,
        ),
        ({"audience": ["MK"], "handling": HELD_BACK}, "update approval set decision = 'approved'"),
        ({"audience": [GROUP]}, "insert into group_member values ('ffp-rs', 'group-wb', 'MK')"),
    ],
)
def test_what_was_not_signed_opens_no_door(network: Network, signed: dict[str, object], change: str) -> None:
    record = secret(network, **signed)
    envelope = envelope_of(network, record)
    alter(network.nodes[RS], change, **({"record": record} if ":record" in change else {}))
    anew(network)
    on_lane(network, record)
    assert gets(network, envelope) == set()


def test_another_records_row_names_no_scan_for_it(network: Network) -> None:
    envelope = envelope_of(network, secret(network))
    open_one = network.record(RS, scan=b"an open scan", audience=["MK"])
    alter(
        network.nodes[RS],
        "update acquisition set sha256 = :scan where statement_id = :name",
        scan=SHA256,
        name=open_one,
    )
    assert gets(network, envelope) == set()


def test_another_statements_row_holds_no_record(network: Network) -> None:
    envelope = envelope_of(network, secret(network))
    open_one = network.record(RS, scan=b"an open scan", audience=["MK"])
    change = "update statement set type = 'message', envelope = :held where statement_id = :name"
    alter(network.nodes[RS], change, held=envelope, name=open_one)
    assert gets(network, envelope) == set()


def test_a_record_that_this_node_did_not_sign_names_no_scan(network: Network) -> None:
    rs, other = network.nodes[RS], network.nodes[AL]
    envelope = envelope_of(network, secret(network))
    blob = {"sha256": SHA256, "size": len(SECRET), "media_type": "application/x-x3p"}
    handling = {"code": "H0", "restriction": None, "source_grade": None, "information_grade": None}
    payload = encoded(
        record_fields(
            issuer=RS,
            jurisdiction="RS",
            nonce="f" * 64,
            audience=["MK"],
            handling=handling,
            acquisitions=[acquisition_fields(blob=blob)],
        )
    )
    made_up, name = parse_statement(payload), statement_id(payload)
    assert isinstance(made_up, Record)
    with rs.store.write() as session:
        append_own(session, name, made_up, "record", other.keys.statement.sign(payload))
        add_record(session, name, made_up, submitted_by="nobody", state=AcquisitionState.QUEUED)
        put_on_lane(session, MK, name)
    assert gets(network, envelope) == set()


def test_what_the_policy_in_force_blocks_no_row_allows(network: Network) -> None:
    policy(network, SharingRule.BLOCKED)
    envelope = envelope_of(network, secret(network, audience=["MK"]))
    alter(network.nodes[RS], "update legal_basis set rule = 'allowed'")
    anew(network)
    assert gets(network, envelope) == set()


def test_a_revocation_is_lifted_by_a_later_grant_alone(network: Network) -> None:
    rs = network.nodes[RS]
    record = secret(network, audience=["MK"])
    envelope = envelope_of(network, record)
    revoke_from(rs, HEAD, record, MK, next(iter(WithdrawalReason)))
    alter(rs, "update tombstone set lifted = true")
    anew(network)
    sign_head(rs)
    assert gets(network, envelope) == set()
    grant(rs, HEAD, record, Jurisdiction.MK, "A 1")
    sign_head(rs)
    assert gets(network, envelope) == {"lane", "scan"}


@pytest.mark.parametrize("change", ["delete from tombstone", "update tombstone set holder = 'ffp-xk'"])
def test_a_withdrawal_holds_without_its_row(network: Network, change: str) -> None:
    record = secret(network, audience=["MK"])
    envelope = envelope_of(network, record)
    revoke_from(network.nodes[RS], HEAD, record, MK, next(iter(WithdrawalReason)))
    alter(network.nodes[RS], change)
    anew(network)
    assert gets(network, envelope) == set()


def test_of_several_decisions_the_last_one_counts(network: Network) -> None:
    rs = network.nodes[RS]
    policy(network, SharingRule.NEEDS_APPROVAL)
    record = secret(network, audience=["MK"])
    envelope = envelope_of(network, record)
    first = approve(rs, HEAD, record, Jurisdiction.MK, Decision.APPROVED, "asked")
    sign_head(rs)
    assert gets(network, envelope) == {"lane", "scan"}
    approve(rs, HEAD, record, Jurisdiction.MK, Decision.REFUSED, "asked")
    alter(rs, "update approval set decision = 'approved', statement_id = :first", first=first)
    anew(network)
    assert gets(network, envelope) == set()


def test_what_is_said_to_another_is_given_to_nobody_else(network: Network) -> None:
    rs = network.nodes[RS]
    draft = {"type": "message", "to": AL, "about": None, "text": "For Albania alone."}
    said = speak(rs, FIRST, json.dumps(draft).encode()).statement_id
    envelope = envelope_of(network, said)
    on_lane(network, said)
    sign_head(rs)
    assert gets(network, envelope) == set()


def test_what_is_said_of_a_lead_is_given_to_its_owners_alone(network: Network) -> None:
    """Also what takes one back: neither says itself for whom it is."""
    rs = network.nodes[RS]
    with rs.store.write() as session:
        for who in (FIRST, SECOND, HEAD):
            add_user(session, who.pseudonym, who.role)
    ours, theirs = secret(network), network.record(AL, audience=["RS"], scan=b"other")
    network.settle()
    lead = join(network, {RS: (ours, SECRET), AL: (theirs, b"other")})
    said = [
        lead,
        says(network, FIRST, "feedback", hit=lead, outcome="no_use", remark=None),
        says(network, FIRST, "retraction", retracts=lead, reason="A mistake."),
    ]
    sign_head(rs)
    for name in said:
        with rs.store.read() as session:
            assert is_on_lane(session, AL, name)
            assert not is_on_lane(session, MK, name)
        on_lane(network, name)
    mk = read_lane(rs, network.peer(RS, MK), start=0, head=EMPTY_HEAD, known_size=0, reads="1.0")
    al = read_lane(rs, network.peer(RS, AL), start=0, head=EMPTY_HEAD, known_size=0, reads="1.0")
    assert {item.statement_id for item in mk.items if item.envelope is not None}.isdisjoint(said)
    assert {item.statement_id for item in al.items if item.envelope is not None} >= set(said)


def test_what_no_lane_carries_is_given_to_nobody(network: Network) -> None:
    """A hold with the court's name, a query to another node, a conclusion that no hit rests on."""
    rs = network.nodes[RS]
    with rs.store.write() as session:
        for who in (FIRST, SECOND, HEAD):
            add_user(session, who.pseudonym, who.role)
    ours, theirs = secret(network, audience=["MK"]), network.record(MK, audience=["RS"], scan=b"other")
    asked_with = network.record(RS, scan=b"asked", audience=["AL"])
    network.settle()
    place_hold(rs, HEAD, ours, "Court of Example, 12/2026")
    ask(rs, FIRST, Question(asked_with, 0, LawfulPurpose.INVESTIGATION, "Article 286"))
    pair = pair_of({RS: (ours, SECRET), MK: (theirs, b"other")})
    concluded = says(network, FIRST, "conclusion", pair=pair, **INCONCLUSIVE)
    with rs.store.read() as session:
        found = [latest_of(session, RS, kind) for kind in ("hold", "query")]
    said = [concluded, *(row.statement_id for row in found if row is not None)]
    assert len(said) == 3
    for name in said:
        on_lane(network, name)
    sign_head(rs)
    page = read_lane(rs, network.peer(RS, MK), start=0, head=EMPTY_HEAD, known_size=0, reads="1.0")
    assert {item.statement_id for item in page.items if item.envelope is not None}.isdisjoint(said)
    verified = says(
        network,
        SECOND,
        "verification",
        verifies=concluded,
        pair=pair,
        **INCONCLUSIVE,
    )
    rests_on = {"conclusion": concluded, "verification": verified}
    says(network, FIRST, "hit", pair=pair, stage="lead", basis="screen", **rests_on)
    sign_head(rs)
    page = read_lane(rs, network.peer(RS, MK), start=0, head=EMPTY_HEAD, known_size=0, reads="1.0")
    assert {item.statement_id for item in page.items if item.envelope is not None} >= {concluded, verified}


def test_the_mirror_gives_back_what_the_peer_signed_alone(network: Network) -> None:
    rs = network.nodes[RS]
    held = envelope_of(network, secret(network))
    theirs = network.record(MK, scan=b"theirs", audience=["RS"])
    network.pull(RS, MK)
    true = envelope_of(network, theirs)
    assert gets(network, true) == {"mirror"}
    claimed = json.dumps({"issuer": MK, "payload": base64.b64encode(held).decode()}).encode()
    for false in (b"x" + held, claimed):
        alter(rs, "update statement set envelope = :false where statement_id = :theirs", false=false, theirs=theirs)
        assert gets(network, false) == set()


def test_what_only_rows_release_takes_no_place_in_an_answer(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_query, "MAX_FOUND", 2)
    rs = network.nodes[RS]
    hidden = [network.record(RS, scan=scan, audience=["AL"]) for scan in (b"one", b"two", b"three")]
    open_ones = [network.record(RS, scan=scan, audience=["MK"]) for scan in (b"four", b"five", b"six")]
    alter(rs, "update record_audience set name = 'MK'")
    best_first = [StandsOut(name, ScoreBand.HIGH) for name in (*hidden, *open_ones)]
    with rs.store.read() as session:
        named = answer_query.best_released(session, rs, network.peer(RS, MK), best_first)
    assert [item.record for item in named] == open_ones[:2]


def test_bytes_that_nobody_signed_are_carried_nowhere_and_what_was_signed_comes_when_it_is_mended(
    network: Network,
) -> None:
    rs = network.nodes[RS]
    held = envelope_of(network, secret(network))
    draft = {"type": "message", "to": MK, "about": None, "text": "For North Macedonia."}
    said = speak(rs, FIRST, json.dumps(draft).encode()).statement_id
    true = envelope_of(network, said)
    sign_head(rs)
    for false in (b"x" + held, held.replace(b"a", b"b", 1)):
        alter(rs, "update statement set envelope = :false where statement_id = :said", false=false, said=said)
        assert gets(network, false) == set()
    assert give_mended(rs) == 0
    alter(rs, "update statement set envelope = :true where statement_id = :said", true=true, said=said)
    assert give_mended(rs) == 1
    assert gets(network, true) == {"lane"}
    assert give_mended(rs) == 0


def test_a_place_before_the_log_holds_up_no_lane(network: Network) -> None:
    rs = network.nodes[RS]
    before, after = (network.record(RS, audience=["MK"], scan=scan) for scan in (b"one", b"two"))
    sign_head(rs)
    alter(rs, "update statement set log_index = -1 where statement_id = :before", before=before)
    page = read_lane(rs, network.peer(RS, MK), start=0, head=EMPTY_HEAD, known_size=0, reads="1.0")
    given = {item.statement_id: item.envelope is not None for item in page.items}
    assert (given[before], given[after]) == (False, True)


@pytest.mark.parametrize(
    "change",
    [
        "update statement set type = 'message' where type = 'policy'",
        "update statement set envelope = null where type = 'policy'",
        "update statement set envelope = :garbage where type = 'policy'",
        "update policy_in_force set statement_id = null",
        "update policy_in_force set seal = null",
        "delete from policy_in_force",
        "delete from legal_basis",
    ],
)
def test_a_policy_that_is_hidden_from_the_rule_allows_nothing_until_it_is_stated_anew(
    network: Network, change: str
) -> None:
    rs = network.nodes[RS]
    policy(network, SharingRule.ALLOWED)
    envelope = envelope_of(network, secret(network, audience=["MK"]))
    sign_head(rs)
    assert check_log(rs).good
    assert gets(network, envelope) == {"lane", "scan"}
    alter(rs, change, **({"garbage": b"{"} if ":garbage" in change else {}))
    anew(network)
    assert gets(network, envelope) == set()
    assert not check_log(rs).good
    told = [alarm for alarm in node_status(rs).alarms if "policy set" in alarm]
    assert bool(told) == ("legal_basis" not in change)

    confirmed = preview_policy(rs, HEAD, (), bases(SharingRule.ALLOWED)).confirmation if told else None
    if confirmed:
        change_policy(rs, HEAD, (), bases(SharingRule.ALLOWED), confirmed=confirmed)
    else:
        policy(network, SharingRule.ALLOWED)
    sign_head(rs)
    assert gets(network, envelope) == {"lane", "scan"}


def test_what_the_policy_in_force_blocks_stays_blocked_where_it_is_hidden(network: Network) -> None:
    rs = network.nodes[RS]
    policy(network, SharingRule.BLOCKED)
    envelope = envelope_of(network, secret(network, audience=["MK"]))
    alter(rs, "update statement set type = 'message' where type = 'policy'")
    anew(network)
    assert gets(network, envelope) == set()


def test_the_policy_of_before_is_not_in_force_where_its_row_is_put_back(network: Network) -> None:
    rs = network.nodes[RS]
    policy(network, SharingRule.ALLOWED)
    envelope = envelope_of(network, secret(network, audience=["MK"]))
    with rs.store.read() as session:
        row = session.get_one(PolicyInForceRow, RS)
        older = {"name": row.statement_id, "seal": row.seal}
    policy(network, SharingRule.BLOCKED)
    sign_head(rs)
    assert check_log(rs).good
    alter(rs, "update policy_in_force set statement_id = :name, seal = :seal", **older)
    alter(rs, "update legal_basis set rule = 'allowed'")
    anew(network)
    assert gets(network, envelope) == set()
    assert "policy_in_force ffp-rs" in {one.subject for one in check_log(rs).findings}


def test_a_peer_gets_no_scan_that_only_a_row_says_it_delivered(network: Network) -> None:
    """It signed a record that names the scan, and delivered nothing."""
    rs = network.nodes[RS]
    envelope = envelope_of(network, secret(network))
    network.record(MK, scan=SECRET, audience=["RS"])
    network.pull(RS, MK)
    assert gets(network, envelope) == set()
    alter(rs, "update acquisition set delivered_at = '2026-01-01T00:00:00.000Z', state = 'correlated'")
    assert gets(network, envelope) == set()
    assert any(one.subject.startswith("acquisition") for one in check_log(rs).findings)


def test_what_was_signed_opens_the_doors(network: Network) -> None:
    rs = network.nodes[RS]
    policy(network, SharingRule.NEEDS_APPROVAL, Group(name=GROUP, members=(Jurisdiction.MK, Jurisdiction.AL)))
    record = secret(network, audience=[GROUP], handling=HELD_BACK)
    envelope = envelope_of(network, record)
    assert gets(network, envelope) == set()
    approve(rs, HEAD, record, Jurisdiction.MK, Decision.APPROVED, "asked")
    sign_head(rs)
    assert gets(network, envelope) == {"lane", "scan"}
    approve(rs, HEAD, record, Jurisdiction.MK, Decision.REFUSED, "asked")
    assert gets(network, envelope) == set()
