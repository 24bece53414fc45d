"""``ffp status`` and ``ffp log evidence`` of a node whose log has two histories, and of its peer."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.flows.log.signed_checkpoint import sign_head
from exchange.log.note import parse_note
from schemas.vocabulary import Jurisdiction
from tests.exchange.cli.conftest import Ffp
from tests.exchange.flows.network import MK, RS, Network


@pytest.mark.slow
def test_what_contradicts_a_log_is_named_and_can_be_carried_away(ffp: Ffp, tmp_path: Path) -> None:
    network = Network(tmp_path)
    network.make(Jurisdiction.RS, Jurisdiction.MK)
    home = network.nodes[RS].settings.home
    sign_head(network.nodes[RS])
    network.round(MK, RS)
    assert "ffp-mk at 1" in " ".join(ffp("status", "--home", home).out.split())
    assert "No two heads" in ffp("log", "evidence", "--home", home).out

    network.routes[MK, RS] = network.twin(RS)  # a second node with the same keys: what it signs is not in this log
    network.publish(network.routes[MK, RS], 2)
    network.pull(MK, RS)
    network.publish(RS, 2)
    network.meet(RS, MK)
    lost = network.cosigned(MK, RS)
    assert lost is not None
    network.close()
    shown = " ".join(ffp("status", "--home", home).out.replace("│", " ").split())
    assert "ffp-mk holds a head that this node signed" in shown
    assert "ffp log evidence" in shown
    assert lost.text in ffp("log", "evidence", "--home", home).out
    said = ffp("log", "evidence", "--out", tmp_path / "out", "--home", home)
    assert said.code == 0
    notes = sorted((tmp_path / "out").iterdir())
    assert [parse_note(path.read_bytes()).text == lost.text for path in notes] == [False, True]
    assert "No two heads" in ffp("log", "evidence", "--home", tmp_path / "MK").out
