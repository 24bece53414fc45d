"""Who may have what: every reason to withhold, and nothing released of which any condition fails."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.policy import (
    Purpose,
    Reason,
    Recipient,
    Release,
    Standing,
    Withheld,
    release,
    release_query,
)
from schemas import LegalBasis, Record, parse_statement
from schemas.jurisdiction import FIRST_JURISDICTIONS
from schemas.vocabulary import Decision, ExhibitKind, HandlingCode, Jurisdiction, ReleaseLevel, SharingRule
from tests.schemas.examples import ISSUER, encoded, record_fields

TODAY = date(2026, 11, 25)
BASIS = "Agreement of the parties, article 7"
H3 = {"code": "H3", "restriction": "Ask first."}
PEER = Recipient("ffp-mk", Jurisdiction.MK, enrolled=True)


def record(**changes: object) -> Record:
    statement = parse_statement(encoded(record_fields(**changes)))
    assert isinstance(statement, Record)
    return statement


def basis(rule: SharingRule, *, to: Jurisdiction = Jurisdiction.MK, review_by: date = TODAY) -> LegalBasis:
    return LegalBasis(jurisdiction=to, kinds=(ExhibitKind.CRIME_SCENE,), rule=rule, article=BASIS, review_by=review_by)


def standing(**changes: Any) -> Standing:
    """A line of the policy allows this kind of exhibit, unless ``changes`` say otherwise."""
    return Standing(**{"bases": (basis(SharingRule.ALLOWED, review_by=date(2040, 1, 1)),), **changes})


def ask(given_record: Record, peer: Recipient = PEER, **changes: Any) -> Release | Withheld:
    """The question of the good case, with what a test changes of it."""
    asked: dict[str, Any] = {
        "purpose": Purpose.CORRELATION,
        "legal_basis": BASIS,
        "now": TODAY,
        "owner": ISSUER,
        "standing": standing(),
    } | changes
    return release(
        given_record,
        peer,
        asked["purpose"],
        asked["legal_basis"],
        asked["now"],
        owner=asked["owner"],
        standing=asked["standing"],
    )


def test_what_is_meant_for_the_peer_goes() -> None:
    assert ask(record()) == Release()


CASES: list[tuple[Reason, dict[str, object], Recipient, dict[str, object]]] = [
    (Reason.NOT_ENROLLED, {}, Recipient("ffp-mk", Jurisdiction.MK, enrolled=False), {}),
    (Reason.NO_LEGAL_BASIS, {}, PEER, {"legal_basis": None}),
    (Reason.NO_LEGAL_BASIS, {}, PEER, {"legal_basis": ""}),
    (Reason.NO_LEGAL_BASIS, {}, PEER, {"legal_basis": " \n"}),
    (Reason.NOT_OWNER, {}, PEER, {"owner": "ffp-mk"}),
    (Reason.WITHDRAWN, {}, PEER, {"standing": standing(withdrawn=True)}),
    (Reason.WITHDRAWN, {}, PEER, {"standing": standing(withdrawn=True, granted=True, decision=Decision.APPROVED)}),
    (Reason.LEVEL, {"level": "search"}, PEER, {}),
    (Reason.LEVEL, {"level": "none"}, PEER, {}),
    (Reason.LEVEL, {"level": "none"}, PEER, {"standing": standing(granted=True, decision=Decision.APPROVED)}),
    (Reason.LEVEL, {"level": "none"}, PEER, {"purpose": Purpose.SEARCH}),
    (Reason.NOT_IN_AUDIENCE, {"audience": []}, PEER, {}),
    (Reason.NOT_IN_AUDIENCE, {"audience": ["XK", "AL"]}, PEER, {}),
    (Reason.NOT_IN_AUDIENCE, {"audience": ["group-neighbours"]}, PEER, {}),
    (Reason.RETENTION_OVER, {}, PEER, {"now": date(2037, 1, 1)}),
    (Reason.BLOCKED_BY_LAW, {}, PEER, {"standing": Standing()}),
    (Reason.BLOCKED_BY_LAW, {}, PEER, {"standing": standing(bases=(basis(SharingRule.BLOCKED),))}),
    (
        Reason.BLOCKED_BY_LAW,
        {},
        PEER,
        {"standing": standing(bases=(basis(SharingRule.ALLOWED, to=Jurisdiction.XK),), decision=Decision.APPROVED)},
    ),
    (Reason.NEEDS_APPROVAL, {"handling": H3}, PEER, {}),
    (Reason.NEEDS_APPROVAL, {}, PEER, {"standing": standing(bases=(basis(SharingRule.NEEDS_APPROVAL),))}),
    (
        Reason.NEEDS_APPROVAL,
        {},
        PEER,
        {"standing": standing(bases=(basis(SharingRule.ALLOWED, review_by=TODAY - timedelta(days=1)),))},
    ),
    (Reason.APPROVAL_REFUSED, {"handling": H3}, PEER, {"standing": standing(decision=Decision.REFUSED)}),
]


@pytest.mark.parametrize(("reason", "changes", "peer", "asked"), CASES)
def test_every_reason_to_withhold(
    reason: Reason, changes: dict[str, object], peer: Recipient, asked: dict[str, object]
) -> None:
    assert ask(record(**changes), peer, **asked) == Withheld(reason)


def test_the_table_has_every_reason() -> None:
    assert {case[0] for case in CASES} == set(Reason)


def test_without_a_policy_nothing_goes_and_no_person_can_let_it_go() -> None:
    for granted in (False, True):
        for decision in (None, *Decision):
            silent = Standing(granted=granted, decision=decision)
            for purpose in Purpose:
                assert ask(record(), purpose=purpose, standing=silent) == Withheld(Reason.BLOCKED_BY_LAW)
            assert ask_with(record(), silent) == Withheld(Reason.BLOCKED_BY_LAW)


def test_an_empty_audience_reaches_none() -> None:
    for jurisdiction in FIRST_JURISDICTIONS:
        peer = Recipient(f"ffp-{jurisdiction.lower()}", jurisdiction, enrolled=True)
        assert ask(record(audience=[]), peer) == Withheld(Reason.NOT_IN_AUDIENCE)


def test_the_day_of_retention_is_the_last_on_which_it_goes() -> None:
    last = record().retention_until
    assert ask(record(), now=last) == Release()
    assert ask(record(), now=last + timedelta(days=1)) == Withheld(Reason.RETENTION_OVER)


@pytest.mark.parametrize("code", ["H0", "H1", "H2"])
def test_codes_that_a_machine_may_heed_go_with_the_record(code: str) -> None:
    assert ask(record(handling={"code": code})) == Release()


def test_a_member_of_a_group_in_the_audience_may_have_it() -> None:
    neighbours = {"group-neighbours": frozenset({Jurisdiction.MK})}
    assert ask(record(audience=["group-neighbours"]), standing=standing(groups=neighbours)) == Release()


def test_who_was_granted_it_may_have_it() -> None:
    assert ask(record(audience=[]), standing=standing(granted=True)) == Release()


def test_what_is_searched_alone_goes_to_who_was_granted_it() -> None:
    searched = record(level="search")
    assert ask(searched, standing=standing(granted=True)) == Release()
    assert ask(searched, standing=standing(decision=Decision.APPROVED)) == Withheld(Reason.LEVEL)
    blocked = standing(granted=True, decision=Decision.APPROVED, bases=())
    assert ask(searched, standing=blocked) == Withheld(Reason.BLOCKED_BY_LAW)


def test_a_person_lets_go_what_no_rule_may() -> None:
    assert ask(record(handling=H3), standing=standing(decision=Decision.APPROVED)) == Release()
    asked = standing(bases=(basis(SharingRule.NEEDS_APPROVAL),), decision=Decision.APPROVED)
    assert ask(record(), standing=asked) == Release()


def test_what_may_be_searched_stays_at_home() -> None:
    assert ask(record(level="search"), purpose=Purpose.SEARCH) == Release()
    assert ask(record(level="full"), purpose=Purpose.SEARCH) == Release()


def test_the_day_of_review_is_the_last_on_which_the_rule_stands() -> None:
    assert ask(record(), standing=standing(bases=(basis(SharingRule.ALLOWED, review_by=TODAY),))) == Release()


def test_another_node_of_the_jurisdiction_is_asked_for_its_own_enrolment() -> None:
    assert ask(record(), Recipient("ffp-mk-2", Jurisdiction.MK, enrolled=False)) == Withheld(Reason.NOT_ENROLLED)


RECORDS = st.builds(
    lambda **changes: record().model_copy(update=changes),
    issuer=st.sampled_from(["ffp-rs", "ffp-mk"]),
    level=st.sampled_from(ReleaseLevel),
    audience=st.lists(st.sampled_from([*FIRST_JURISDICTIONS, "group-neighbours"]), unique=True).map(tuple),
    handling=st.sampled_from(HandlingCode).map(lambda code: record().handling.model_copy(update={"code": code})),
    retention_until=st.dates(date(2026, 11, 20), date(2026, 11, 30)),
)
RECIPIENTS = st.builds(
    Recipient, st.sampled_from(["ffp-mk", "ffp-xk"]), st.sampled_from(FIRST_JURISDICTIONS), enrolled=st.booleans()
)
STANDINGS = st.builds(
    Standing,
    groups=st.frozensets(st.sampled_from(FIRST_JURISDICTIONS)).map(lambda members: {"group-neighbours": members}),
    bases=st.lists(
        st.builds(
            basis,
            st.sampled_from(SharingRule),
            to=st.sampled_from(FIRST_JURISDICTIONS),
            review_by=st.dates(date(2026, 11, 20), date(2026, 11, 30)),
        ),
        unique_by=lambda line: line.jurisdiction,
    ).map(tuple),
    granted=st.booleans(),
    withdrawn=st.booleans(),
    decision=st.none() | st.sampled_from(Decision),
)


@given(
    record=RECORDS,
    peer=RECIPIENTS,
    legal_basis=st.sampled_from([None, "", " ", BASIS]),
    now=st.dates(date(2026, 11, 20), date(2026, 11, 30)),
    owner=st.sampled_from(["ffp-rs", "ffp-mk"]),
    standing=STANDINGS,
)
def test_released_exactly_when_every_condition_holds(
    record: Record, peer: Recipient, legal_basis: str | None, now: date, owner: str, standing: Standing
) -> None:
    named = {peer.jurisdiction} if peer.jurisdiction in record.audience else set()
    if "group-neighbours" in record.audience:
        named |= standing.groups["group-neighbours"] & {peer.jurisdiction}
    lines = [line for line in standing.bases if line.jurisdiction == peer.jurisdiction]
    free = any(line.rule is SharingRule.ALLOWED and line.review_by >= now for line in lines)
    possible = any(line.rule is not SharingRule.BLOCKED for line in lines)
    conditions = {
        "the peer is enrolled": peer.enrolled,
        "a legal basis is stated": legal_basis is not None and legal_basis.strip() != "",
        "the owner itself gives": record.issuer == owner,
        "it was not withdrawn": not standing.withdrawn,
        "the record replicates, or is searched and was granted": record.level is ReleaseLevel.FULL
        or (record.level is ReleaseLevel.SEARCH and standing.granted),
        "the audience has the peer's jurisdiction, or it was granted": bool(named) or standing.granted,
        "retention runs": now <= record.retention_until,
        "the law does not block it": possible,
        "no person is needed, or one approved": (free and record.handling.code is not HandlingCode.H3)
        or standing.decision is Decision.APPROVED,
    }
    answer = release(record, peer, Purpose.CORRELATION, legal_basis, now, owner=owner, standing=standing)
    assert (answer == Release()) == all(conditions.values()), [name for name, held in conditions.items() if not held]


def ask_with(given_record: Record, said: Standing | None = None) -> Release | Withheld:
    return release_query(given_record, PEER, BASIS, TODAY, owner=ISSUER, standing=said or standing())


def test_a_scan_travels_where_the_peer_may_search_the_record_anyway() -> None:
    for level in ("full", "search"):
        assert ask_with(record(level=level)) == Release()
        assert ask_with(record(level=level, audience=[]), standing(granted=True)) == Release()


@pytest.mark.parametrize(
    "changes", [{"level": "none"}, {"audience": []}, {"handling": {"code": "H2"}}, {"handling": H3}]
)
def test_a_person_decides_where_the_record_does_not_say_so(changes: dict[str, object]) -> None:
    asked = record(**{"level": "search", **changes})
    assert ask_with(asked) == Withheld(Reason.NEEDS_APPROVAL)
    assert ask_with(asked, standing(decision=Decision.APPROVED)) == Release()
    assert ask_with(asked, standing(decision=Decision.REFUSED)) == Withheld(Reason.APPROVAL_REFUSED)


@given(
    record=RECORDS,
    peer=RECIPIENTS,
    legal_basis=st.sampled_from([None, " ", BASIS]),
    now=st.dates(date(2026, 11, 20), date(2026, 11, 30)),
    owner=st.sampled_from(["ffp-rs", "ffp-mk"]),
    standing=STANDINGS,
)
def test_no_scan_travels_against_the_law_or_without_a_person_where_one_is_needed(
    record: Record, peer: Recipient, legal_basis: str | None, now: date, owner: str, standing: Standing
) -> None:
    answer = release_query(record, peer, legal_basis, now, owner=owner, standing=standing)
    if isinstance(answer, Withheld):
        assert answer.reason not in (Reason.LEVEL, Reason.NOT_IN_AUDIENCE), "these a person may overrule"
        return
    lines = [line for line in standing.bases if line.jurisdiction == peer.jurisdiction]
    assert peer.enrolled
    assert record.issuer == owner
    assert not standing.withdrawn
    assert record.retention_until >= now
    assert legal_basis == BASIS
    assert any(line.rule is not SharingRule.BLOCKED for line in lines)
    if standing.decision is not Decision.APPROVED:
        searched = release(record, peer, Purpose.SEARCH, legal_basis, now, owner=owner, standing=standing)
        assert searched == Release()
        assert record.handling.code not in (HandlingCode.H2, HandlingCode.H3)
