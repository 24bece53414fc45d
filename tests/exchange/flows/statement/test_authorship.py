"""Who may do to a colleague's work what cannot be undone: each act of the table, done by each person on a node."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import pytest
from PIL import Image

from exchange.clock import stamp
from exchange.errors import Conflict, Forbidden, InvalidInput, NotFound
from exchange.flows.entry.amendments import check_amendment
from exchange.flows.entry.drafts import begin, discard
from exchange.flows.entry.firearms import change_firearm, enter_firearm, forget_firearm
from exchange.flows.report.saved_views import ScansOnStage, remove_view
from exchange.flows.review.approvals import sign_decision
from exchange.flows.review.statements import may_say, may_take_back
from exchange.flows.statement.authorship import RULES, Who, WorkAct, author_of, deciding_author, may_act
from exchange.flows.statement.sharing import decide_sharing, entitled, record_of
from exchange.flows.terms.proposals import ProposalStep, decide_proposal, proposals_for, propose_withdrawal
from exchange.flows.terms.terms import approve, grant, state_policy
from exchange.flows.terms.withdraw import end_hold, place_hold, purge, revoke_from, withdraw
from exchange.log.audit_entry import Actor, ActorKind
from exchange.policy import Reason
from exchange.store.access.user_rows import add_user, change_role, revoke_user
from exchange.store.log.audit import entries_from
from exchange.store.review.saved_view_rows import add_view
from exchange.store.sync.peers import find_peer
from exchange.store.tables.record_tables import RecordRow
from exchange.store.tables.review_tables import SavedViewRow
from exchange.store.tables.sign_in_tables import SignInRow
from schemas import Firearm, Maker, Submission
from schemas.calibre import Calibre
from schemas.vocabulary import (
    Decision,
    FirearmKind,
    FirearmOrigin,
    Jurisdiction,
    Role,
    SharingRule,
    SignedInBy,
    WithdrawalReason,
)
from tests.exchange.flows.network import MK, RS, Network, resting
from tests.exchange.open_policy import LEGAL_BASIS, LINES

ERROR: Final = WithdrawalReason.ENTERED_IN_ERROR
WHY: Final = "Entered twice."
AUTHOR: Final = "examiner-1"
"""Who signed the records of the network."""
PEOPLE: Final = {
    AUTHOR: Role.EXAMINER,
    "colleague": Role.EXAMINER,
    "ivan": Role.INVESTIGATOR,
    "oto": Role.OPERATOR,
    "ana": Role.AUDITOR,
    "head": Role.HEAD,
}


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    with resting(tmp_path, Jurisdiction.RS, Jurisdiction.MK) as made:
        with made.nodes[RS].store.write() as session:
            for pseudonym, role in PEOPLE.items():
                add_user(session, pseudonym, role)
                session.add(SignInRow(pseudonym=pseudonym, password="a hash"))
        yield made


def maker(pseudonym: str) -> Maker:
    return Maker(pseudonym=pseudonym, role=PEOPLE[pseudonym], signed_in=SignedInBy.PASSWORD_AND_TOTP)


def actor(pseudonym: str) -> Actor:
    return Actor(ActorKind.PERSON, pseudonym, PEOPLE[pseudonym])


# ---- each act, done to the work of AUTHOR; raises where it is refused --------------------------------------------


def _withdraw(network: Network, who: Maker) -> None:
    withdraw(network.nodes[RS], who, network.record(RS, audience=["MK"]), ERROR)


def _take_back(network: Network, who: Maker) -> None:
    revoke_from(network.nodes[RS], who, network.record(RS, audience=["MK"]), MK, WithdrawalReason.REVOKED)


def _amended(network: Network, who: Maker, record: str, **changes: object) -> bool:
    sent = {
        "case_reference": "RS-1",
        "exhibit": {"kind": "crime_scene", "calibre": "9x19"},
        "acquisitions": [{"roi": "breech_face", "modality": "topography", "file": "scan"}],
        "handling": {"code": "H0"},
        "level": "full",
        "audience": ["MK"],
        "retention_until": "2036-12-31",
        "supersedes": record,
    }
    return check_amendment(network.nodes[RS], who, Submission.model_validate_json(json.dumps(sent | changes)))


def _shorten(network: Network, who: Maker) -> None:
    record = network.record(RS, audience=["MK"], retention_until="2036-12-31")
    _amended(network, who, record, retention_until="2030-01-01")


def _widen(network: Network, who: Maker) -> None:
    record = network.record(RS, audience=["MK"], retention_until="2036-12-31")
    _amended(network, who, record, audience=["MK", "XK"])


def _grant(network: Network, who: Maker) -> None:
    grant(network.nodes[RS], who, network.record(RS, audience=[]), Jurisdiction.MK, LEGAL_BASIS)


def _approve(network: Network, who: Maker) -> None:
    node = network.nodes[RS]
    record = network.record(RS, audience=["MK"])
    lines = tuple(line.model_copy(update={"rule": SharingRule.NEEDS_APPROVAL}) for line in LINES)
    state_policy(node, maker("head"), (), lines)
    sign_decision(node, who, record, Jurisdiction.MK, Decision.APPROVED, WHY)


def _hold(network: Network, who: Maker) -> None:
    place_hold(network.nodes[RS], who, network.record(RS), "Court of a test, 1/2026")


def _end_hold(network: Network, who: Maker) -> None:
    record = network.record(RS)
    place_hold(network.nodes[RS], maker("head"), record, "Court of a test, 1/2026")
    end_hold(network.nodes[RS], who, record, "Court of a test, 2/2026")


def _disclose(_network: Network, who: Maker) -> None:
    if not may_say("disclosure", who.role):
        raise Forbidden("A disclosure is for the head.")


def _retract(_network: Network, who: Maker) -> None:
    if not may_take_back(maker(AUTHOR), who.pseudonym, who.role):
        raise Forbidden("It is taken back by whoever made it, or the head.")


def _discard(network: Network, who: Maker) -> None:
    discard(network.nodes[RS], who.pseudonym, begin(network.nodes[RS], AUTHOR))


def _delete_view(network: Network, who: Maker) -> None:
    pair = ScansOnStage("a" * 64, "b" * 64)
    picture = io.BytesIO()
    Image.new("L", (4, 4)).save(picture, "PNG")
    row = SavedViewRow(
        scan_low=pair.query,
        scan_high=pair.reference,
        query=pair.query,
        made_by=AUTHOR,
        made_at=stamp(),
        title="A view",
        document="{}",
        picture=picture.getvalue(),
        thumbnail=base64.b64encode(b"small"),
    )
    with network.nodes[RS].store.write() as session:
        add_view(session, row)
        session.flush()
        number = row.view_id
    remove_view(network.nodes[RS], pair, number, who.pseudonym)


def _firearm(network: Network) -> Firearm:
    network.published += 1
    stated = Firearm(
        firearm_id=f"F-2026-{network.published:04d}",
        kind=FirearmKind.PISTOL,
        calibre=Calibre("9 mm Luger"),
        origin=FirearmOrigin.UNKNOWN,
    )
    enter_firearm(network.nodes[RS], maker(AUTHOR), stated, "ZX-4711", None)
    return stated


def _remove_firearm(network: Network, who: Maker) -> None:
    forget_firearm(network.nodes[RS], who, _firearm(network).firearm_id)


def _replace_serial(network: Network, who: Maker) -> None:
    from exchange.flows.entry.firearms import read_firearm

    stated = _firearm(network)
    seen = read_firearm(network.nodes[RS], stated.firearm_id).firearm.changed_at
    change_firearm(network.nodes[RS], who, stated, "ZX-4712", None, seen)


ACTS: Final[dict[WorkAct, Callable[[Network, Maker], None]]] = {
    WorkAct.WITHDRAW: _withdraw,
    WorkAct.TAKE_BACK: _take_back,
    WorkAct.SHORTEN_RETENTION: _shorten,
    WorkAct.WIDEN_SHARING: _widen,
    WorkAct.GRANT: _grant,
    WorkAct.APPROVE: _approve,
    WorkAct.HOLD: _hold,
    WorkAct.END_HOLD: _end_hold,
    WorkAct.DISCLOSE: _disclose,
    WorkAct.RETRACT: _retract,
    WorkAct.DISCARD_DRAFT: _discard,
    WorkAct.DELETE_VIEW: _delete_view,
    WorkAct.REMOVE_FIREARM: _remove_firearm,
    WorkAct.REPLACE_SERIAL_NUMBER: _replace_serial,
}
"""Amending is for examiners: REST and pages let nobody else submit (``who_may.csv``)."""


def test_each_act_of_the_table_is_tried() -> None:
    assert set(ACTS) == set(RULES) - {WorkAct.AMEND}


@pytest.mark.parametrize("act", ACTS)
def test_each_person_may_do_what_the_table_says(network: Network, act: WorkAct) -> None:
    for pseudonym, role in PEOPLE.items():
        allowed = may_act(act, role, pseudonym, AUTHOR)
        expected = {
            Who.HEAD: {"head"},
            Who.AUTHOR_OR_HEAD: {AUTHOR, "head"},
            Who.MAKER_OR_HEAD: {AUTHOR, "head"},
            Who.MAKER: {AUTHOR},
            Who.EXAMINERS: {AUTHOR, "colleague"},
        }[RULES[act].who]
        assert allowed == (pseudonym in expected)
        if allowed:
            ACTS[act](network, maker(pseudonym))
        else:
            with pytest.raises((Forbidden, NotFound, InvalidInput)):
                ACTS[act](network, maker(pseudonym))


H1 = {"code": "H1", "restriction": None, "source_grade": None, "information_grade": None}
H3 = {"code": "H3", "restriction": "Ask first.", "source_grade": None, "information_grade": None}


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        ({}, {}, None),
        ({}, {"audience": []}, None),
        ({}, {"audience": ["XK"]}, "audience"),
        ({}, {"audience": ["MK", "group-new"]}, "audience"),
        ({}, {"audience": ["XK"], "level": "none"}, None),
        ({"level": "search"}, {}, "level"),
        ({}, {"level": "search"}, None),
        ({"handling": H1}, {}, "handling.code"),
        ({}, {"handling": H3}, None),
        ({"handling": H3}, {"handling": H3 | {"restriction": "None."}}, "handling.restriction"),
        ({}, {"exhibit": {"kind": "test_fire", "calibre": "9x19"}}, "exhibit.kind"),
    ],
)
def test_a_colleague_does_not_widen_the_sharing_by_an_amendment(
    network: Network, before: dict[str, object], after: dict[str, object], field: str | None
) -> None:
    record = network.record(RS, **{"audience": ["MK"], "retention_until": "2036-12-31"} | before)
    assert not _amended(network, maker(AUTHOR), record, **after)
    if field is None:
        assert not _amended(network, maker("colleague"), record, **after)
        return
    with pytest.raises(InvalidInput) as refused:
        _amended(network, maker("colleague"), record, **after)
    assert (refused.value.code, refused.value.problems[0][0]) == ("sharing-widened", field)


def test_nobody_becomes_the_author_when_the_first_version_is_purged(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = network.record(RS, audience=["MK"], retention_until="2027-01-31")
    colleague = maker("colleague")
    second = network.record(
        RS,
        audience=["MK"],
        retention_until="2036-12-31",
        supersedes=first,
        made_by=colleague.model_dump(mode="json"),
    )
    monkeypatch.setattr("exchange.flows.terms.withdraw.now", lambda: datetime(2027, 6, 1, tzinfo=UTC))
    assert purge(network.nodes[RS]) == 1
    with network.nodes[RS].store.read() as session:
        assert author_of(session, second) is None
    for who in (colleague, maker(AUTHOR)):
        assert _amended(network, who, second, audience=["MK", "XK"]), "the head decides"


# ---- whose author decides ------------------------------------------------------------------------------------------


def _author_left(network: Network) -> None:
    with network.nodes[RS].store.write() as session:
        revoke_user(session, AUTHOR)


def _author_has_another_role(network: Network) -> None:
    with network.nodes[RS].store.write() as session:
        change_role(session, AUTHOR, Role.INVESTIGATOR)


def _author_is_a_program(network: Network) -> None:
    with network.nodes[RS].store.write() as session:
        session.get_one(SignInRow, AUTHOR).password = None


@pytest.mark.parametrize("gone", [_author_left, _author_has_another_role, _author_is_a_program])
def test_where_the_author_cannot_decide_the_head_does(network: Network, gone: Callable[[Network], None]) -> None:
    node, record = network.nodes[RS], network.record(RS, audience=["MK"])
    with node.store.read() as session:
        assert deciding_author(session, node.settings, record) == AUTHOR
    gone(network)
    with node.store.read() as session:
        assert deciding_author(session, node.settings, record) is None
    with pytest.raises(Forbidden) as refused:
        withdraw(node, maker(AUTHOR), record, ERROR)
    assert refused.value.code == "not-author"
    assert len(withdraw(node, maker("head"), record, ERROR)) == 1


@pytest.mark.parametrize("gone", [_author_left, _author_is_a_program])
def test_where_the_author_cannot_decide_a_wider_version_waits_for_the_head(
    network: Network, gone: Callable[[Network], None]
) -> None:
    node, record = network.nodes[RS], network.record(RS, audience=["MK"], retention_until="2036-12-31")
    gone(network)
    assert not _amended(network, maker("colleague"), record)
    assert _amended(network, maker("colleague"), record, audience=["MK", "XK"])
    with node.store.write() as session:
        session.get_one(RecordRow, record).widened = True
        peer = find_peer(session, MK)
        assert peer is not None
        assert entitled(session, peer, owner=RS) == []
        said = decide_sharing(session, record, record_of(session, record), peer, history=node.history)
        assert said is not None
        assert said.reason is Reason.NEEDS_APPROVAL
    assert _amended(network, maker("colleague"), record)
    approve(node, maker("head"), record, Jurisdiction.MK, Decision.APPROVED, WHY)
    network.settle()
    assert record in network.holds(MK)


def test_an_amendment_makes_nobody_else_the_author(network: Network) -> None:
    node, first = network.nodes[RS], network.record(RS, audience=["MK"])
    by_colleague = {"pseudonym": "colleague", "role": "examiner", "signed_in": "password_and_totp"}
    second = network.record(RS, audience=["MK"], supersedes=first, made_by=by_colleague)
    with pytest.raises(Forbidden):
        withdraw(node, maker("colleague"), second, ERROR)
    assert len(withdraw(node, maker(AUTHOR), second, ERROR)) == 2


def test_retention_withdraws_by_itself(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    record = network.record(RS, audience=["MK"], retention_until="2026-12-31")
    network.settle()
    _author_left(network)
    later = date(2027, 1, 1)
    monkeypatch.setattr("exchange.flows.terms.withdraw.now", lambda: _Moment(later))
    assert purge(network.nodes[RS]) == 1
    network.settle()
    assert network.holds(MK) == set()
    assert record not in network.holds(RS)


class _Moment:
    def __init__(self, day: date) -> None:
        self._day = day

    def date(self) -> date:
        return self._day


def test_a_holder_obeys_whoever_the_owner_let_sign(network: Network) -> None:
    """A peer knows nothing of the owner's people: it obeys each withdrawal that the owner's node signed."""
    record = network.record(RS, audience=["MK"])
    network.settle()
    assert network.holds(MK) == {record}
    withdraw(network.nodes[RS], maker(AUTHOR), record, ERROR)
    network.settle()
    assert network.holds(MK) == set()


# ---- proposals -----------------------------------------------------------------------------------------------------


def propose(network: Network, record: str, who: str = "colleague", holder: str | None = None) -> int:
    return propose_withdrawal(network.nodes[RS], maker(who), actor(who), record, ERROR, WHY, holder=holder)


def decide(network: Network, number: int, step: ProposalStep, who: str) -> list[str]:
    return decide_proposal(network.nodes[RS], maker(who), actor(who), number, step)


def concerned(network: Network, number: int) -> dict[str, bool]:
    """Who sees the proposal among what waits, and whether they may decide it."""
    found = {who: proposals_for(network.nodes[RS], role, who) for who, role in PEOPLE.items()}
    return {who: item.may_decide for who, items in found.items() for item in items if item.proposal_id == number}


@pytest.mark.parametrize("decider", [AUTHOR, "head"])
@pytest.mark.parametrize("holder", [None, MK])
def test_one_of_the_two_approves_what_a_colleague_proposed(network: Network, decider: str, holder: str | None) -> None:
    record = network.record(RS, audience=["MK"])
    network.settle()
    number = propose(network, record, holder=holder)
    assert concerned(network, number) == {AUTHOR: True, "head": True, "colleague": False}
    network.settle()
    assert network.holds(MK) == network.holds(RS) == {record}, "a proposal changes nothing"
    for who in ("colleague", "ivan", "oto", "ana"):
        with pytest.raises(Forbidden):
            decide(network, number, ProposalStep.APPROVE, who)

    assert len(decide(network, number, ProposalStep.APPROVE, decider)) == 1
    network.settle()
    assert network.holds(MK) == set()
    assert network.holds(RS) == (set() if holder is None else {record})
    assert concerned(network, number) == {}
    with pytest.raises(Conflict) as settled:
        decide(network, number, ProposalStep.APPROVE, "head")
    assert settled.value.code == "decided"


def test_a_proposal_is_declined_or_undone_and_may_be_made_again(network: Network) -> None:
    record = network.record(RS, audience=["MK"])
    first = propose(network, record)
    with pytest.raises(Conflict) as twice:
        propose(network, record)
    assert twice.value.code == "proposed-already"
    for who in (AUTHOR, "head"):
        with pytest.raises(Forbidden):
            decide(network, first, ProposalStep.UNDO, who)
    assert decide(network, first, ProposalStep.UNDO, "colleague") == []
    second = propose(network, record)
    assert decide(network, second, ProposalStep.DECLINE, AUTHOR) == []
    assert concerned(network, second) == {}
    assert record in network.holds(RS)
    with network.nodes[RS].store.read() as session:
        rows = [kept.entry for kept in entries_from(session, 0) if kept.entry.act == "propose-withdrawal"]
    assert [(row.actor, json.loads(row.asked or "")["step"]) for row in rows] == [
        ("colleague", "propose"),
        ("colleague", "undo"),
        ("colleague", "propose"),
        (AUTHOR, "decline"),
    ]
    assert {row.subjects for row in rows} == {(record,)}


def test_who_decides_alone_proposes_nothing_and_who_is_no_examiner_neither(network: Network) -> None:
    record = network.record(RS)
    for who in (AUTHOR, "head"):
        with pytest.raises(Conflict) as alone:
            propose(network, record, who)
        assert alone.value.code == "decides-alone"
    for who in ("ivan", "oto", "ana"):
        with pytest.raises(Forbidden):
            propose(network, record, who)
    with pytest.raises(NotFound):
        propose(network, "ab" * 32)


def test_a_withdrawal_settles_what_was_proposed_and_its_words_go_with_the_record(network: Network) -> None:
    record = network.record(RS, audience=["MK"])
    everybody, one = propose(network, record), propose(network, record, holder=MK)
    withdraw(network.nodes[RS], maker(AUTHOR), record, ERROR)
    for number in (everybody, one):
        assert concerned(network, number) == {}
        with pytest.raises(Conflict):
            decide(network, number, ProposalStep.UNDO, "colleague")
    with network.nodes[RS].store.read() as session:
        assert WHY not in "".join(map(str, session.connection().exec_driver_sql("SELECT * FROM withdrawal_proposal")))


def test_where_the_author_left_a_proposal_waits_for_the_head_alone(network: Network) -> None:
    record = network.record(RS)
    number = propose(network, record)
    _author_left(network)
    assert concerned(network, number) == {"head": True, "colleague": False}
    assert len(decide(network, number, ProposalStep.APPROVE, "head")) == 1
