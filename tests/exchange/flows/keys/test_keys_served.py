"""Two serving nodes replace all their keys and go on, over their own workers and sockets."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exchange.flows.keys.rotate import replace_keys
from exchange.flows.node.node import open_node
from exchange.trust.key_files import exchange_folder, prepare_folder, recrypted
from exchange.trust.keys import load_identity
from schemas.keys import KEY_ROLES
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.running_nodes import RunningNode

pytestmark = pytest.mark.slow

Pair = tuple[RunningNode, RunningNode]
PASSPHRASE = "a passphrase of 31 characters.."
SHARED_WITH_MK = {"level": "full", "audience": ["MK"]}


def test_two_nodes_that_replace_all_their_keys_go_on(
    pair: Pair, start_node: Callable[..., RunningNode], scans: dict[str, Path]
) -> None:
    """One after the other, with records before, between and after, over their own workers and sockets; one of them with
    its keys encrypted."""
    rs, mk = pair
    rs.submit(scans["1-1"], **SHARED_WITH_MK, case_reference="RS-1")
    mk.wait_correlated(1)
    for node, jurisdiction, number in ((rs, Jurisdiction.RS, 2), (mk, Jurisdiction.MK, 3)):
        node.stop()
        stopped = open_node(node.node.settings.home)
        replace_keys(stopped, load_identity(stopped.settings.keys), KEY_ROLES)
        stopped.close()
        if jurisdiction == Jurisdiction.RS:
            keys = stopped.settings.keys
            prepare_folder(keys, recrypted(keys, None, PASSPHRASE.encode()))
            exchange_folder(keys)
            rs = start_node(jurisdiction, key_passphrase=PASSPHRASE)
        else:
            mk = start_node(jurisdiction)
        for owner, audience in ((rs, "MK"), (mk, "RS")):
            scan = scans[f"{number}-{1 if owner is rs else 2}"]
            sent = owner.submit(scan, level="full", audience=[audience], case_reference=f"case-{number}")
            assert sent.status_code == 201, sent.text
        for node_now in (rs, mk):
            node_now.wait_correlated(2 * number - 1)
    for node, other in ((rs, "ffp-mk"), (mk, "ffp-rs")):
        node.wait_for(lambda status, other=other: status["witnesses"].get(other) == status["log_size"])
        _eventually(lambda node=node, other=other: _peer(node, other)["alarm"] is None)
        assert _peer(node, other)["quarantined"] == 0


def _peer(node: RunningNode, name: str) -> dict[str, Any]:
    peers: list[dict[str, Any]] = node.get("/v1/peers", Role.OPERATOR).json()
    return next(peer for peer in peers if peer["node_id"] == name)


def _eventually(holds: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
