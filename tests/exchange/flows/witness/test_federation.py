"""Of twenty nodes twelve witness each log: who cosigns, how the others notice a log that shows them something else, and
how a node that was set back goes on."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from exchange.errors import PeerBusy, PeerMisbehaved
from exchange.flows.keys.enrol import revoke_peer
from exchange.flows.log.start import may_sign
from exchange.flows.node.last_head import state_no_head
from exchange.flows.node.node import Node
from exchange.flows.node.witnesses import installed_witnesses
from exchange.flows.operate.doctor.work import examine_alarms
from exchange.flows.operate.status import node_status
from exchange.flows.sync.pull import pull
from exchange.flows.witness.witnessed import ASK_EVERY_S
from exchange.store.tables.log import ToldHeadRow
from exchange.store.witness.cosignatures import LogStartState, log_start
from exchange.store.witness.mirror_rows import mirrored_size
from exchange.store.witness.rebuild_rows import lost_leaves
from schemas.witness import WitnessedHead, WitnessedLog
from tests.exchange.flows.witness.federation import Federation, X

pytestmark = pytest.mark.slow

AN_HOUR = ASK_EVERY_S / 3600 + 0.01
A_DAY = 24.1


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Federation:
    federation = Federation(tmp_path_factory.mktemp("federation"))
    federation.found()
    federation.close()
    return federation


@pytest.fixture
def twenty(made: Federation, tmp_path: Path) -> Iterator[Federation]:
    """All are enrolled with each other, and X has signed a head of one leaf."""
    federation = made.copied_to(tmp_path)
    yield federation
    federation.close()


def alarms(federation: Federation, node_id: str) -> str:
    return "\n".join(node_status(federation.nodes[node_id]).alarms)


def state(federation: Federation, node_id: str = X) -> str | None:
    with federation.nodes[node_id].store.read() as session:
        start = log_start(session)
    return start.state if start else None


def signs(federation: Federation, node_id: str = X) -> bool:
    node = federation.nodes[node_id]
    with node.store.read() as session:
        return may_sign(node, session)


def mirrored(federation: Federation, node_id: str, log: str = X) -> int:
    with federation.nodes[node_id].store.read() as session:
        return mirrored_size(session, log)


def test_only_the_dozen_cosign_mirror_and_report(twenty: Federation, monkeypatch: pytest.MonkeyPatch) -> None:
    twenty.publish(X, 4)
    told = []
    honest = twenty.client(X).__class__.send_report

    def send_report(client: Any, peer: Any, report: bytes) -> bytes:
        told.append((client._asker, peer.node_id))
        return honest(client, peer, report)

    monkeypatch.setattr(twenty.client(X).__class__, "send_report", send_report)
    for other in set(twenty.nodes) - {X}:
        twenty.round(other, X)
        twenty.meet(X, other)
    witnesses, head = twenty.witnesses(), twenty.head(X)
    assert head is not None
    assert twenty.cosigners() == set(witnesses)
    assert all(twenty.cosigned(witness, X) == head for witness in witnesses)
    assert all(mirrored(twenty, witness) == head.size for witness in witnesses)
    for reader in twenty.readers():
        assert twenty.peer(reader, X).checkpoint is not None, "it reads all the same"
        assert twenty.cosigned(reader, X) is None
        assert mirrored(twenty, reader) == 0
    strangers = {name for name in twenty.readers() if X not in twenty.witnesses(name)}
    assert strangers
    assert not {name for pair in told for name in pair} & strangers
    assert node_status(twenty.nodes[X]).witnesses == dict.fromkeys(witnesses, head.size)


def test_a_report_tells_few_heads_of_other_logs_and_no_stranger_any(twenty: Federation) -> None:
    witness = twenty.witnesses()[0]
    logs = [log for log in twenty.nodes if log != witness and witness in twenty.witnesses(log)]
    assert len(logs) > 5
    for log in logs:
        twenty.publish(log)
        twenty.pull(witness, log)
    related = next(log for log in logs if log != X)
    twenty.meet(witness, related)
    with twenty.nodes[related].store.read() as session:
        rows = session.query(ToldHeadRow).filter_by(teller=witness).all()
    assert len(rows) == 4


def test_a_reader_sees_that_a_majority_cosigned_and_asks_once_an_hour(twenty: Federation) -> None:
    reader = twenty.readers()[0]
    twenty.publish(X, 3)
    twenty.pull(reader, X)
    assert twenty.ask(reader) is False, "its witnesses have had no time yet"
    assert (twenty.known(reader).waiting_size, twenty.known(reader).asked_at) == (4, None)
    twenty.witnessed_by(*twenty.witnesses())
    twenty.hours_pass(reader, AN_HOUR)
    assert twenty.ask(reader) is True
    found = twenty.known(reader)
    assert (found.size, found.waiting_size, found.waiting_since, found.round) == (4, None, None, 1)
    twenty.hours_pass(reader, 2)
    assert twenty.ask(reader) is False, "it has not grown"
    twenty.publish(X)
    twenty.pull(reader, X)
    assert twenty.ask(reader) is False
    assert twenty.known(reader).waiting_size == 5
    assert twenty.ask(twenty.witnesses()[0]) is False, "a witness is told by reports"
    assert alarms(twenty, reader) == ""


@pytest.mark.parametrize(("cosigned", "covered"), [(6, 0), (7, 4)])
def test_seven_of_twelve_must_have_cosigned(twenty: Federation, cosigned: int, covered: int) -> None:
    reader = twenty.readers()[0]
    twenty.publish(X, 3)
    twenty.pull(reader, X)
    twenty.witnessed_by(*twenty.witnesses()[:cosigned])
    found = twenty.asked_after(reader, A_DAY)
    assert found.size == covered
    late = alarms(twenty, reader)
    if covered:
        assert late == ""
    else:
        assert f"The log of {X} showed here a head of size 4" in late
        assert "of its dozen witnesses 6 are known to have cosigned it" in late
        assert twenty.peer(reader, X).alarm is not None, "and in `ffp peer list`"
        twenty.witnessed_by(twenty.witnesses()[6])
        twenty.hours_pass(reader, AN_HOUR)
        twenty.ask(reader)
        assert alarms(twenty, reader) == ""
        assert twenty.peer(reader, X).alarm is None


def test_witnesses_of_a_busy_log_cosign_different_heads_and_all_count(twenty: Federation) -> None:
    reader = twenty.readers()[0]
    twenty.pull(reader, X)
    twenty.ask(reader)
    for witness in twenty.witnesses():
        twenty.publish(X)
        twenty.round(witness, X)
        twenty.pull(reader, X)
    twenty.hours_pass(reader, AN_HOUR)
    twenty.ask(reader)
    found = twenty.known(reader)
    assert (found.size, found.waiting_size) == (7, 13), "up to the seventh largest; what is newer waits"
    assert found.waiting_cosigned == 1


def test_a_split_view_shown_to_two_readers_is_found_within_a_day(twenty: Federation) -> None:
    one, other, honest = twenty.readers()[:3]
    for reader in (one, other):
        fork = twenty.routes[reader, X] = twenty.twin(X)
        twenty.publish(fork, 3)
    twenty.publish(X, 3)
    for reader in (one, other, honest):
        twenty.pull(reader, X)
    assert twenty.peer(one, X).checkpoint != twenty.peer(other, X).checkpoint
    twenty.witnessed_by(*twenty.witnesses())
    assert twenty.asked_after(honest, A_DAY).size == 4
    assert alarms(twenty, honest) == ""
    for reader in (one, other):
        found = twenty.asked_after(reader, A_DAY)
        assert (found.size, found.waiting_cosigned) == (0, 0)
        assert f"The log of {X} showed here a head of size 4" in alarms(twenty, reader)


@pytest.mark.parametrize("shown", [3, 2, 5])
def test_what_the_witnesses_saw_contradicts_what_was_shown(twenty: Federation, shown: int) -> None:
    """Who shows a reader another log, and tells it of the cosigned one, gives the evidence away."""
    reader = twenty.readers()[0]
    fork = twenty.twin(X)
    twenty.publish(X, 3)
    twenty.publish(fork, shown)
    twenty.routes[reader, X] = fork
    twenty.pull(reader, X)
    twenty.witnessed_by(*twenty.witnesses())
    twenty.publish(X, 2)
    for witness in twenty.witnesses()[6:]:
        twenty.pull(witness, X)
    del twenty.routes[reader, X]
    found = twenty.asked_after(reader, AN_HOUR)
    assert found.size == 0
    evidence = twenty.evidence(reader, X)
    assert evidence
    assert any(row.proven for row in evidence) == (shown == 3)
    assert "ffp log evidence" in (twenty.peer(reader, X).alarm or "")
    if shown == 3:
        with pytest.raises(PeerMisbehaved, match="two histories"):
            pull(twenty.nodes[reader], twenty.client(reader), X)


def changed(answer: WitnessedLog, **what: Any) -> WitnessedLog:
    return answer.model_copy(update=what)


def test_lies_about_witnesses(twenty: Federation) -> None:
    reader = twenty.readers()[0]
    twenty.publish(X, 3)
    twenty.pull(reader, X)
    twenty.witnessed_by(*twenty.witnesses())
    twenty.ask(reader)

    def asked(lie: Any) -> None:
        twenty.lies[X, "witnessed"] = lie
        twenty.hours_pass(reader, AN_HOUR)
        twenty.ask(reader)

    def first_for_all(answer: WitnessedLog) -> BaseModel:
        note = answer.heads[0].note
        heads = tuple(WitnessedHead(witness=one.witness, note=note, proof=()) for one in answer.heads)
        return changed(answer, heads=heads)

    asked(first_for_all)
    assert (twenty.known(reader).size, twenty.known(reader).waiting_cosigned) == (0, 1), "one is one"
    for lie, said in (
        (lambda answer: changed(answer, heads=answer.heads[:1] * 7), "two heads as the last one"),
        (lambda answer: changed(answer, size=answer.size - 1), "another question"),
        (lambda answer: changed(answer, log=reader), "another question"),
        (lambda answer: changed(answer, proofs=((),)), "another question"),
        (lambda answer: changed(answer, heads=answer.heads * 2), "breach of the contract"),
        (_signed_by_nobody, "did not sign"),
    ):
        with pytest.raises(PeerMisbehaved, match=said):
            asked(lie)
    strangers = twenty.readers()[1:]
    asked(lambda answer: changed(answer, heads=tuple(_as_of(strangers, answer))))
    assert twenty.known(reader).size == 0, "who was not chosen counts for nothing"
    del twenty.lies[X, "witnessed"]
    twenty.hours_pass(reader, AN_HOUR)
    twenty.ask(reader)
    assert twenty.known(reader).size == 4


def _signed_by_nobody(answer: WitnessedLog) -> WitnessedLog:
    one = answer.heads[0]
    text = base64.b64decode(one.note).replace(b"\n4\n", b"\n5\n")
    return changed(answer, heads=(one.model_copy(update={"note": base64.b64encode(text).decode()}),))


def _as_of(names: list[str], answer: WitnessedLog) -> Iterator[WitnessedHead]:
    for name, head in zip(names, answer.heads, strict=False):
        yield head.model_copy(update={"witness": name})


def test_who_is_always_too_busy_to_tell_is_an_alarm_after_a_day(twenty: Federation) -> None:
    """A log that shows others another one could say so each time: that it is busy is no alarm by itself."""
    reader = twenty.readers()[0]
    twenty.publish(X, 3)
    twenty.pull(reader, X)
    twenty.ask(reader)

    def busy(_answer: WitnessedLog) -> BaseModel:
        raise PeerBusy("Later.", retry_after_s=60)

    twenty.lies[X, "witnessed"] = busy
    twenty.hours_pass(reader, 20)
    with pytest.raises(PeerBusy):
        twenty.ask(reader)
    twenty.hours_pass(reader, A_DAY)
    with pytest.raises(PeerMisbehaved, match="too busy to tell how far its log is witnessed"):
        twenty.ask(reader)
    twenty.witnessed_by(*twenty.witnesses())
    del twenty.lies[X, "witnessed"]
    assert twenty.ask(reader) is True
    assert twenty.known(reader).waiting_since is None


def test_a_reader_that_becomes_a_witness_has_no_alarm_that_no_answer_can_end(twenty: Federation) -> None:
    """By a new round; as well where a registry becomes so small that every peer is a witness."""
    reader = twenty.readers()[0]
    twenty.publish(X, 3)
    twenty.pull(reader, X)
    twenty.asked_after(reader, A_DAY)
    assert "showed here a head of size 4" in alarms(twenty, reader)
    gone = [name for name in twenty.nodes if name not in (X, reader)][:7]
    twenty.next_round(*gone)
    assert installed_witnesses(twenty.nodes[reader].settings).includes(reader, X)
    assert twenty.ask(reader) is False
    assert "showed here a head" not in alarms(twenty, reader)
    assert twenty.peer(reader, X).alarm is None


def test_a_false_proof_is_evidence_until_a_true_one_comes(twenty: Federation) -> None:
    reader = twenty.readers()[0]
    twenty.publish(X, 3)
    twenty.witnessed_by(*twenty.witnesses())
    twenty.publish(X, 3)
    twenty.pull(reader, X)
    twenty.lies[X, "witnessed"] = lambda answer: changed(
        answer, heads=tuple(one.model_copy(update={"proof": ("00" * 32,)}) for one in answer.heads)
    )
    twenty.asked_after(reader, AN_HOUR)
    assert len(twenty.evidence(reader, X)) == 1, "twelve witnesses cosigned one head"
    del twenty.lies[X, "witnessed"]
    twenty.hours_pass(reader, AN_HOUR)
    twenty.ask(reader)
    assert twenty.evidence(reader, X) == []
    assert twenty.known(reader).size == 4


def test_where_few_witnesses_are_enrolled_the_log_is_not_blamed(twenty: Federation) -> None:
    reader = twenty.readers()[0]
    for witness in twenty.witnesses()[:6]:
        revoke_peer(twenty.nodes[reader], witness)
    twenty.publish(X, 3)
    twenty.pull(reader, X)
    for _ in range(2):
        assert twenty.ask(reader) is False
    said = alarms(twenty, reader)
    assert X in said
    assert "fewer than a majority of their witnesses are enrolled" in said
    assert "showed here a head" not in said
    found = list(examine_alarms(twenty.nodes[reader]))
    assert [one.subject for one in found if one.cause == "few-witnesses"]


def test_a_node_whose_own_witnesses_are_not_enrolled_is_told_whom_to_enrol(twenty: Federation) -> None:
    for witness in twenty.witnesses()[:6]:
        revoke_peer(twenty.nodes[X], witness)
    said = alarms(twenty, X)
    assert "Of the 12 witnesses of this node's log 6 are enrolled here, and 7 must cosign" in said
    assert all(witness in said for witness in twenty.witnesses()[:6])


def test_a_peer_that_refuses_the_question_hides_no_head(twenty: Federation) -> None:
    """The first refusal counts already, because a peer that hides a fork could always refuse."""
    reader = twenty.readers()[0]
    twenty.refusing.add(X)
    twenty.publish(X, 3)
    twenty.pull(reader, X)
    with pytest.raises(PeerMisbehaved, match="404"):
        twenty.asked_after(reader, A_DAY)
    assert f"The log of {X} showed here a head" in alarms(twenty, reader)
    twenty.refusing.clear()
    twenty.witnessed_by(*twenty.witnesses())
    assert twenty.asked_after(reader, AN_HOUR).size == 4


def test_a_head_that_a_witness_told_of_is_proved_by_the_log_itself(twenty: Federation) -> None:
    """Between two that do not report to each other the question brings these proofs."""
    reader = next(name for name in twenty.readers() if X not in twenty.witnesses(name))
    witness = next(name for name in twenty.witnesses() if name in twenty.witnesses(reader))
    twenty.publish(X, 3)
    twenty.pull(witness, X)
    twenty.meet(witness, reader)
    twenty.publish(X, 2)
    twenty.pull(reader, X)

    def told() -> list[tuple[int, bool]]:
        with twenty.nodes[reader].store.read() as session:
            return [(row.size, row.checked) for row in session.query(ToldHeadRow).filter_by(log=X)]

    assert told() == [(4, False)]
    twenty.asked_after(reader, AN_HOUR)
    assert told() == [(4, True)]


def set_back(twenty: Federation) -> Node:
    """X has published three statements more than the database has with which it is started."""
    twenty.publish(X, 3)
    twenty.witnessed_by(*twenty.witnesses())
    before = twenty.backup(X)
    twenty.publish(X, 3)
    return twenty.restart(X, before)


def test_a_restored_node_goes_on_after_a_majority_of_its_witnesses(twenty: Federation) -> None:
    twenty.publish(X, 3)
    twenty.witnessed_by(*twenty.witnesses())
    state_no_head(twenty.nodes[X].settings.last_head)
    twenty.restart(X)
    assert not signs(twenty)
    for reader in twenty.readers():
        twenty.meet(X, reader)
    assert not signs(twenty), "readers are asked, and do not count"
    witnesses = twenty.witnesses()
    for witness in witnesses[: twenty.needed - 1]:
        twenty.meet(X, witness)
    assert not signs(twenty)
    assert "from 7 of its" in alarms(twenty, X)
    assert "Returned by: 6." in alarms(twenty, X)
    twenty.meet(X, witnesses[-1])
    assert signs(twenty)


def test_a_node_that_was_only_started_waits_for_one_witness(twenty: Federation) -> None:
    twenty.publish(X, 3)
    twenty.witnessed_by(*twenty.witnesses())
    twenty.restart(X)
    twenty.meet(X, twenty.readers()[0])
    assert not signs(twenty)
    twenty.meet(X, twenty.witnesses()[0])
    assert signs(twenty)


def test_a_rebuilt_log_comes_back_from_its_witnesses(twenty: Federation) -> None:
    before = twenty.backup(X)
    names = twenty.share(X, *{node.settings.jurisdiction for node in twenty.nodes.values()}, count=3)
    head = twenty.head(X)
    for other in set(twenty.nodes) - {X}:
        twenty.round(other, X)
    twenty.restart(X, before)
    asked = []
    twenty.lies = {(name, "leaves"): lambda page, name=name: asked.append(name) or page for name in twenty.nodes}
    for _ in range(2):  # those that were met before a majority had returned are asked for statements later
        for witness in twenty.witnesses():
            twenty.get_back(X, witness)
    assert twenty.head(X) == head
    assert len(asked) == 1
    assert asked[0] in twenty.witnesses()
    assert state(twenty) == LogStartState.FREE
    assert twenty.holds(X) == set(names)
    with twenty.nodes[X].store.read() as session:
        assert not lost_leaves(session)


def test_a_head_that_only_a_reader_was_shown_is_not_signed_over(twenty: Federation) -> None:
    """No witness had read it when the database was lost: a node that waits asks everybody."""
    reader = twenty.readers()[0]
    before = twenty.backup(X)
    twenty.publish(X, 3)
    twenty.pull(reader, X)
    twenty.restart(X, before)
    twenty.meet(X, reader)
    for witness in twenty.witnesses():
        twenty.meet(X, witness)
    assert state(twenty) == LogStartState.BEHIND
    assert not signs(twenty)


def test_who_is_a_witness_no_more_keeps_and_returns_what_it_cosigned(twenty: Federation) -> None:
    twenty.publish(X, 3)
    twenty.witnessed_by(*twenty.witnesses())
    before = twenty.witnesses()
    gone = before[0]
    twenty.next_round(gone)
    [new] = set(twenty.witnesses()) - set(before)
    assert set(before) - set(twenty.witnesses()) == {gone}
    twenty.publish(X, 2)
    twenty.witnessed_by(*twenty.witnesses())
    twenty.pull(gone, X)
    assert (twenty.peer(gone, X).cosigned_size, mirrored(twenty, gone)) == (4, 4), "and no further"
    assert twenty.peer(new, X).cosigned_size == 6
    twenty.meet(X, gone)
    assert twenty.peer(X, gone).alarm is None
    reader = twenty.readers()[-1]
    twenty.pull(reader, X)
    assert twenty.asked_after(reader, AN_HOUR).size == 6
    whole = twenty.backup(X)
    twenty.restart(X, whole)
    twenty.meet(X, gone)
    assert twenty.peer(X, gone).returned_at is not None
    assert not signs(twenty), "it is one of those that count no more"
    twenty.meet(X, new)
    assert signs(twenty)


def test_one_that_comes_back_as_a_witness_goes_on_where_it_was(twenty: Federation) -> None:
    twenty.publish(X, 3)
    twenty.witnessed_by(*twenty.witnesses())
    gone = twenty.witnesses()[0]
    twenty.next_round(gone)
    twenty.publish(X, 2)
    twenty.witnessed_by(*twenty.witnesses())
    twenty.next_round()
    assert gone in twenty.witnesses()
    twenty.publish(X)
    twenty.round(gone, X)
    assert (twenty.peer(gone, X).cosigned_size, mirrored(twenty, gone)) == (7, 7)
    assert gone in twenty.cosigners()


def test_without_a_trust_root_that_can_be_believed_every_peer_is_a_witness(twenty: Federation) -> None:
    reader = twenty.readers()[0]
    path = twenty.nodes[reader].settings.trust_root / "1.root.json"
    path.write_bytes(path.read_bytes().replace(b"2099", b"2199"))
    twenty.publish(X)
    twenty.round(reader, X)
    assert twenty.cosigned(reader, X) == twenty.head(X)
    assert twenty.cosigners() == set(), "whoever believes the round keeps the cosignatures of the dozen alone"
    assert twenty.peer(X, reader).alarm is None
