"""What meetings agreed on: said by the head, told to all peers, changed by its issuer alone, carried on by the pack."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from exchange.coordination.half_year.half_years import Half
from exchange.coordination.meetings.agreed_actions import (
    ListedAction,
    NewAction,
    add_action,
    change_action,
    list_actions,
    open_actions,
    overdue_here,
)
from exchange.errors import Conflict, InvalidInput, NotFound
from exchange.flows.keys.enrol import enrol, read_introduction
from exchange.flows.node.node import Node
from exchange.flows.statement.sign_statement import enter, say
from exchange.store.sync.peers import put_on_lane
from schemas import Action, Maker
from schemas.vocabulary import ActionState, Jurisdiction, MeetingKind, OfficeRole, Role, SignedInBy
from tests.exchange.coordination.half_year.monitoring_world import Clock
from tests.exchange.flows.network import MK, RS, Network
from tests.exchange.open_policy import LEGAL_BASIS

HEAD = Maker(pseudonym="head-1", role=Role.HEAD, signed_in=SignedInBy.TOKEN)
MET = NewAction(
    "Name the articles that let test fires go.",
    Jurisdiction.MK,
    OfficeRole.LEGAL_OFFICER,
    date(2027, 3, 31),
    MeetingKind.REGIONAL,
    date(2026, 11, 24),
)
H1, H2, NEXT = Half(2026, 1), Half(2026, 2), Half(2027, 1)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock(datetime(2026, 11, 25, tzinfo=UTC))
    monkeypatch.setattr("exchange.clock.now", made)
    return made


@pytest.fixture
def network(tmp_path: Path, clock: Clock) -> Iterator[Network]:
    """Serbia and North Macedonia, on the day after the meeting."""
    made = Network(tmp_path)
    made.make(Jurisdiction.RS, Jurisdiction.MK)
    yield made
    made.close()


def shown(node: Node) -> list[tuple[str, str, str, bool]]:
    return [(item.said.issuer, item.said.number, item.said.state, item.own) for item in list_actions(node)]


def told(half: Half, node: Node) -> dict[str, ListedAction]:
    return {item.said.number: item for item in open_actions(node, half)}


def test_an_action_is_told_to_peers_and_changed_by_its_issuer_alone(network: Network) -> None:
    serbia, macedonia = network.nodes[RS], network.nodes[MK]
    number, _ = add_action(serbia, HEAD, MET)
    assert number == "A-2026-1"
    network.settle()
    assert shown(macedonia) == [(RS, "A-2026-1", "open", False)]
    with pytest.raises(NotFound, match="its head alone changes"):
        change_action(macedonia, HEAD, number, ActionState.DONE, remark="Not ours.")
    change_action(serbia, HEAD, number, ActionState.DONE, remark="All are named.")
    network.settle()
    assert shown(macedonia) == [(RS, "A-2026-1", "done", False)]
    [item] = list_actions(macedonia)
    assert (item.said.closed_on, item.said.remark, item.said.title) == (date(2026, 11, 25), "All are named.", MET.title)


def test_a_peers_action_of_the_same_number_is_another(network: Network) -> None:
    add_action(network.nodes[RS], HEAD, MET)
    add_action(network.nodes[MK], HEAD, replace(MET, title="Another."))
    network.settle()
    assert sorted(shown(network.nodes[RS])) == [(MK, "A-2026-1", "open", False), (RS, "A-2026-1", "open", True)]


def test_an_older_statement_that_comes_again_changes_nothing(network: Network) -> None:
    """What counts is the place in the issuer's log, not the order in which statements stand on a lane."""
    serbia, macedonia = network.nodes[RS], network.nodes[MK]
    number, first = add_action(serbia, HEAD, MET)
    change_action(serbia, HEAD, number, ActionState.DROPPED, remark="Not needed.")
    with serbia.store.write() as session:
        put_on_lane(session, MK, first)
    network.settle()
    assert shown(macedonia) == [(RS, "A-2026-1", "dropped", False)]


def test_a_peer_that_is_enrolled_later_is_told_how_they_stand(tmp_path: Path, clock: Clock) -> None:
    network = Network(tmp_path)
    network.make(Jurisdiction.RS)
    serbia = network.nodes[RS]
    done, _ = add_action(serbia, HEAD, MET)
    add_action(serbia, HEAD, replace(MET, title="Another."))
    change_action(serbia, HEAD, done, ActionState.DONE, remark="Done.")
    other = Network(tmp_path / "other")
    other.make(Jurisdiction.MK)
    macedonia = other.nodes[MK]
    network.nodes[MK] = macedonia
    for reader, owner in ((serbia, macedonia), (macedonia, serbia)):
        introduction = read_introduction(reader, owner.card_envelope.raw)
        enrol(reader, introduction, confirmed=introduction.fingerprint, legal_basis=LEGAL_BASIS)
    network.settle()
    assert shown(macedonia) == [(RS, "A-2026-2", "open", False), (RS, "A-2026-1", "done", False)]
    network.close()


def test_numbers_go_on_within_a_year(network: Network, clock: Clock) -> None:
    serbia = network.nodes[RS]
    numbers = [add_action(serbia, HEAD, replace(MET, title=f"Action {place}."))[0] for place in range(11)]
    assert numbers[-1] == "A-2026-11"
    clock.moment = datetime(2027, 1, 5, tzinfo=UTC)
    new = replace(MET, met_on=date(2027, 1, 4))
    assert add_action(serbia, HEAD, new)[0] == "A-2027-1"


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"met_on": date(2026, 11, 26)}, "before its day"),
        ({"due": date(2026, 11, 23)}, "due on no day before"),
        ({"owner": Jurisdiction("QQ")}, "QQ is none of"),
        ({"title": "One line.\nAnother."}, "title"),
        ({"title": "x" * 121}, "title"),
    ],
)
def test_what_is_no_action_is_refused(network: Network, changes: dict[str, object], refused: str) -> None:
    with pytest.raises(InvalidInput, match=refused):
        add_action(network.nodes[RS], HEAD, replace(MET, **changes))  # type: ignore[arg-type]
    assert list_actions(network.nodes[RS]) == []


def test_the_same_action_is_added_once(network: Network) -> None:
    serbia = network.nodes[RS]
    number, _ = add_action(serbia, HEAD, MET)
    with pytest.raises(Conflict, match="stands already, as A-2026-1"):
        add_action(serbia, HEAD, MET)
    change_action(serbia, HEAD, number, ActionState.DONE, remark="Done.")
    assert add_action(serbia, HEAD, MET)[0] == "A-2026-2", "a later meeting may agree on it anew"
    with pytest.raises(Conflict, match="nothing was signed"):
        change_action(serbia, HEAD, number, ActionState.DONE, remark="Done.")


def test_what_is_overdue_stands_before_the_head(network: Network, clock: Clock) -> None:
    serbia, macedonia = network.nodes[RS], network.nodes[MK]
    add_action(serbia, HEAD, MET)
    add_action(serbia, HEAD, replace(MET, title="For somebody else.", owner=Jurisdiction.AL))
    network.settle()
    clock.moment = datetime(2027, 3, 31, 23, tzinfo=UTC)
    assert overdue_here(serbia) == overdue_here(macedonia) == []
    clock.moment = datetime(2027, 4, 1, tzinfo=UTC)
    assert [item.said.number for item in overdue_here(serbia)] == ["A-2026-1", "A-2026-2"]
    assert [item.said.number for item in overdue_here(macedonia)] == ["A-2026-1"], "what this jurisdiction is to do"
    change_action(serbia, HEAD, "A-2026-1", ActionState.OPEN, due=date(2027, 6, 30))
    assert [item.said.number for item in overdue_here(serbia)] == ["A-2026-2"]


def test_each_pack_tells_how_actions_stood_then_and_the_next_carries_them_on(network: Network, clock: Clock) -> None:
    serbia = network.nodes[RS]
    for title in ("Done in time.", "Done in the next half-year.", "Still open."):
        add_action(serbia, HEAD, replace(MET, title=title))
    change_action(serbia, HEAD, "A-2026-1", ActionState.DONE, remark="Done.")
    clock.moment = datetime(2027, 4, 15, tzinfo=UTC)
    change_action(serbia, HEAD, "A-2026-2", ActionState.DONE, remark="Done, late.", on=date(2027, 4, 10))
    assert {number: item.said.state for number, item in told(H2, serbia).items()} == {
        "A-2026-1": "done",
        "A-2026-2": "open",
        "A-2026-3": "open",
    }
    assert not told(H2, serbia)["A-2026-3"].overdue, "at the end of that half-year it was not"
    now = told(NEXT, serbia)
    assert {number: item.said.state for number, item in now.items()} == {"A-2026-2": "done", "A-2026-3": "open"}
    assert now["A-2026-3"].overdue
    assert told(H1, serbia) == {}, "nothing was agreed on by then"


def test_a_peers_flood_hides_its_own_actions_and_nobody_elses(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exchange.flows.statement.coordination.MOST_READ", 5)
    serbia, macedonia = network.nodes[RS], network.nodes[MK]
    number, _ = add_action(serbia, HEAD, MET)
    assert number == "A-2026-1"
    for place in range(1, 9):
        fields = vars(MET) | {"state": ActionState.OPEN, "closed_on": None, "remark": None}
        said = say(macedonia, Action, HEAD, number=f"A-2026-{place}", **fields)
        with macedonia.store.write() as session:
            enter(session, said, to=[RS])
    network.settle()
    found = shown(serbia)
    assert (RS, "A-2026-1", "open", True) in found
    assert [number for issuer, number, *_ in found if issuer == MK] == [f"A-2026-{place}" for place in range(4, 9)]


def test_no_number_comes_again_however_much_was_said_since(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is for what peers say: an own action that was not spoken of for long keeps its number and its place."""
    monkeypatch.setattr("exchange.flows.statement.coordination.MOST_READ", 5)
    serbia = network.nodes[RS]
    numbers = [add_action(serbia, HEAD, replace(MET, title=f"Of {place}."))[0] for place in range(3)]
    for place in range(7):
        change_action(serbia, HEAD, numbers[0], ActionState.OPEN, due=date(2027, 1, 1 + place))
    assert add_action(serbia, HEAD, replace(MET, title="A further one."))[0] == "A-2026-4"
    assert {number for _, number, *_ in shown(serbia)} == {*numbers, "A-2026-4"}
    assert {*told(H2, serbia)} == {*numbers, "A-2026-4"}
    change_action(serbia, HEAD, numbers[2], ActionState.DONE, remark="Found again.")
    with pytest.raises(Conflict, match="stands already, as A-2026-2"):
        add_action(serbia, HEAD, replace(MET, title="Of 1."))
