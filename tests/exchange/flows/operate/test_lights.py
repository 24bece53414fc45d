"""The lights of a node: an alarm about a partner turns the light of the partners off, however lately it answered."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from sqlalchemy import update

from exchange.clock import DAY_S, stamp_in
from exchange.flows.operate.lights import LightOf, Shines, lights_of
from exchange.flows.operate.promised_work import NEXT_JOB_S, QueueLook, look_at_queue
from exchange.flows.operate.recovery import LastBackup, note_backup
from exchange.flows.operate.status import node_status
from exchange.flows.sync.sync_partners import ExchangeStanding, exchange_standing
from exchange.store.node import jobs
from exchange.store.tables.peer_tables import PeerRow
from schemas.vocabulary import Jurisdiction
from tests.exchange.flows.network import AL, MK, RS, Network
from tests.exchange.running_nodes import RunningNode


@pytest.mark.parametrize(
    ("altered", "alarm"),
    [("alarm", "2 items of its lane were not believed"), ("legal_basis", "written by somebody else")],
)
def test_a_partner_with_an_alarm_is_not_up_to_date(network: Network, altered: str, alarm: str) -> None:
    """However lately it answered: on the first page of each role as on the light of the partners."""
    network.pull(RS, MK)
    network.pull(RS, AL)
    node = network.nodes[RS]

    def behind() -> tuple[list[str], Shines]:
        exchange = exchange_standing(node)
        lights = lights_of(node, node_status(node), exchange)
        return [one.node_id for one in exchange.behind], next(x.shines for x in lights if x.of is LightOf.PARTNERS)

    assert behind() == ([], Shines.ON)
    with node.store.write() as session:
        session.execute(update(PeerRow).where(PeerRow.node_id == MK).values({altered: alarm}))
    assert behind() == ([MK], Shines.OFF)


def test_a_missing_backup_puts_out_its_own_light_alone(network: Network) -> None:
    node = network.nodes[RS]
    note_backup(node.settings.home, LastBackup(stamp_in(-9 * DAY_S), 1000, node.settings.home))
    status = node_status(node)
    shines = {light.of: light.shines for light in lights_of(node, status, exchange_standing(node))}
    assert status.findings == status.recovery.lacking
    assert (shines[LightOf.HEALTH], shines[LightOf.BACKUP]) == (Shines.ON, Shines.OFF)


@pytest.mark.slow
def test_a_queue_that_moves_puts_no_light_out(
    start_node: Callable[..., RunningNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two jobs nobody is at one; then it is looked again."""
    node = start_node(Jurisdiction.RS).node
    looks = iter([(40, "2026-01-01T00:00:00.000Z"), (39, "2026-01-01T00:00:01.000Z")])
    monkeypatch.setattr(jobs, "overdue", lambda *_: next(looks))
    assert look_at_queue(node, waits=True) == QueueLook()
    monkeypatch.setattr(jobs, "overdue", lambda *_: None)
    assert look_at_queue(node, waits=True) == QueueLook()
    monkeypatch.setattr(jobs, "overdue", lambda *_: (40, "2026-01-01T00:00:00.000Z"))
    assert look_at_queue(node, waits=True).standing == (40, "2026-01-01T00:00:00.000Z")


@pytest.mark.slow
def test_a_page_tells_a_queue_that_stands_without_waiting(
    start_node: Callable[..., RunningNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second look is the next page's; what it sees is held against the first."""
    node = start_node(Jurisdiction.RS).node
    moment, slept = [100.0], list[float]()
    clock = SimpleNamespace(monotonic=lambda: moment[0], sleep=slept.append)  # of this module alone
    monkeypatch.setattr("exchange.flows.operate.promised_work.time", clock)
    monkeypatch.setattr("exchange.flows.operate.promised_work.who_works", lambda _: "ok")

    def shines() -> tuple[Shines, int]:
        exchange = ExchangeStanding((), 0, 0)
        light = next(one for one in lights_of(node, node_status(node), exchange) if one.of is LightOf.WORK)
        return light.shines, len(light.findings)

    first, second = (40, "2026-01-01T00:00:00.000Z"), (39, "2026-01-01T00:00:01.000Z")
    monkeypatch.setattr(jobs, "overdue", lambda *_: first)
    assert shines() == (Shines.DARK, 0), "one look does not tell"
    moment[0] += NEXT_JOB_S / 2
    assert shines() == (Shines.DARK, 0), "nor do two between which a worker goes from one job to the next"
    moment[0] += NEXT_JOB_S
    assert shines() == (Shines.OFF, 1)
    monkeypatch.setattr(jobs, "overdue", lambda *_: second)
    assert shines() == (Shines.ON, 0), "the first is gone: the queue moves"
    monkeypatch.setattr(jobs, "overdue", lambda *_: None)
    assert shines() == (Shines.ON, 0)
    monkeypatch.setattr(jobs, "overdue", lambda *_: second)
    assert shines() == (Shines.DARK, 0), "what was seen before it was empty is no first look"
    assert slept == []
