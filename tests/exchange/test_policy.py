"""Who may have what: every reason to withhold, and nothing released of which any condition fails."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.policy import Purpose, Reason, Recipient, Release, Withheld, release
from schemas import Record, parse_statement
from schemas.vocabulary import HandlingCode, Jurisdiction, ReleaseLevel
from tests.schemas.examples import ISSUER, encoded, record_fields

TODAY = date(2026, 11, 25)
BASIS = "Agreement of the parties, article 7"
PEER = Recipient("ffp-mk", Jurisdiction.MK, enrolled=True)


def record(**changes: object) -> Record:
    statement = parse_statement(encoded(record_fields(**changes)))
    assert isinstance(statement, Record)
    return statement


def ask(given_record: Record, peer: Recipient = PEER, **changes: Any) -> Release | Withheld:
    """The question of the good case, with what a test changes of it."""
    asked: dict[str, Any] = {
        "purpose": Purpose.CORRELATION,
        "legal_basis": BASIS,
        "now": TODAY,
        "owner": ISSUER,
    } | changes
    return release(given_record, peer, asked["purpose"], asked["legal_basis"], asked["now"], owner=asked["owner"])


def test_what_is_meant_for_the_peer_goes() -> None:
    assert ask(record()) == Release()


CASES: list[tuple[Reason, dict[str, object], Recipient, dict[str, object]]] = [
    (Reason.NOT_ENROLLED, {}, Recipient("ffp-mk", Jurisdiction.MK, enrolled=False), {}),
    (Reason.NO_LEGAL_BASIS, {}, PEER, {"legal_basis": None}),
    (Reason.NO_LEGAL_BASIS, {}, PEER, {"legal_basis": ""}),
    (Reason.NO_LEGAL_BASIS, {}, PEER, {"legal_basis": " \n"}),
    (Reason.NOT_OWNER, {}, PEER, {"owner": "ffp-mk"}),
    (Reason.LEVEL, {"level": "search"}, PEER, {}),
    (Reason.LEVEL, {"level": "none"}, PEER, {}),
    (Reason.LEVEL, {}, PEER, {"purpose": "curiosity"}),
    (Reason.NOT_IN_AUDIENCE, {"audience": []}, PEER, {}),
    (Reason.NOT_IN_AUDIENCE, {"audience": ["XK", "AL"]}, PEER, {}),
    (Reason.RESTRICTION_IN_WORDS, {"handling": {"code": "H3", "restriction": "Ask first."}}, PEER, {}),
    (Reason.RETENTION_OVER, {}, PEER, {"now": date(2037, 1, 1)}),
]


@pytest.mark.parametrize(("reason", "changes", "peer", "asked"), CASES)
def test_every_reason_to_withhold(
    reason: Reason, changes: dict[str, object], peer: Recipient, asked: dict[str, object]
) -> None:
    assert ask(record(**changes), peer, **asked) == Withheld(reason)


def test_the_table_has_every_reason() -> None:
    assert {case[0] for case in CASES} == set(Reason)


def test_the_day_of_retention_is_the_last_on_which_it_goes() -> None:
    last = record().retention_until
    assert ask(record(), now=last) == Release()
    assert ask(record(), now=last + timedelta(days=1)) == Withheld(Reason.RETENTION_OVER)


@pytest.mark.parametrize("code", ["H0", "H1", "H2"])
def test_codes_that_a_machine_may_heed_go_with_the_record(code: str) -> None:
    assert ask(record(handling={"code": code})) == Release()


def test_another_node_of_the_jurisdiction_is_asked_for_its_own_enrolment() -> None:
    assert ask(record(), Recipient("ffp-mk-2", Jurisdiction.MK, enrolled=False)) == Withheld(Reason.NOT_ENROLLED)


RECORDS = st.builds(
    lambda **changes: record().model_copy(update=changes),
    issuer=st.sampled_from(["ffp-rs", "ffp-mk"]),
    level=st.sampled_from(ReleaseLevel),
    audience=st.lists(st.sampled_from(Jurisdiction), unique=True).map(tuple),
    handling=st.sampled_from(HandlingCode).map(lambda code: record().handling.model_copy(update={"code": code})),
    retention_until=st.dates(date(2026, 11, 20), date(2026, 11, 30)),
)
RECIPIENTS = st.builds(
    Recipient, st.sampled_from(["ffp-mk", "ffp-xk"]), st.sampled_from(Jurisdiction), enrolled=st.booleans()
)


@given(
    record=RECORDS,
    peer=RECIPIENTS,
    basis=st.sampled_from([None, "", " ", BASIS]),
    now=st.dates(date(2026, 11, 20), date(2026, 11, 30)),
    owner=st.sampled_from(["ffp-rs", "ffp-mk"]),
)
def test_released_exactly_when_every_condition_holds(
    record: Record, peer: Recipient, basis: str | None, now: date, owner: str
) -> None:
    conditions = {
        "the peer is enrolled": peer.enrolled,
        "a legal basis is stated": basis is not None and basis.strip() != "",
        "the owner itself gives": record.issuer == owner,
        "the record replicates": record.level is ReleaseLevel.FULL,
        "the audience names the peer's jurisdiction": peer.jurisdiction in record.audience,
        "no restriction stands in words": record.handling.code is not HandlingCode.H3,
        "retention runs": now <= record.retention_until,
    }
    answer = release(record, peer, Purpose.CORRELATION, basis, now, owner=owner)
    assert (answer == Release()) == all(conditions.values()), [name for name, held in conditions.items() if not held]
