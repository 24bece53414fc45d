"""What the operator must know of chosen witnesses: who is to be enrolled, and which logs too few are known to see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from sqlalchemy.orm import Session

from exchange.flows.node.node import Node
from exchange.flows.node.witnesses import installed_witnesses
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.witness.witnessed_rows import unwitnessed, witnessed_logs
from exchange.trust.witness_choice import majority

_SHOWN: Final = 8
"""Of a list of nodes; more are not read by anybody."""


def unwitnessed_logs(session: Session, peers: Iterable[PeerRow]) -> list[str]:
    """One sentence for each enrolled peer whose log is not known to be seen by a majority of its witnesses."""
    enrolled = _enrolled(peers)
    return [said for row in witnessed_logs(session) if row.log in enrolled and (said := unwitnessed(row))]


def few_witnesses(node: Node, peers: Iterable[PeerRow]) -> list[str]:
    """Where fewer than a majority of a log's chosen witnesses are enrolled here: of the own log, whose heads are then
    covered nowhere; and of peers' logs, which cannot be held against their witnesses here."""
    witnesses, enrolled = installed_witnesses(node.settings), _enrolled(peers)
    said = []
    own = witnesses.of(node.node_id)
    if enrolled and own is not None and len(own & enrolled) < majority(own):
        said.append(
            f"Of the {len(own)} witnesses of this node's log {len(own & enrolled)} are enrolled here, and "
            f"{majority(own)} must cosign a head before other readers take it for witnessed. Enrol with each other: "
            f"{_named(sorted(own - enrolled))}."
        )
    unseen, missing = [], Counter[str]()
    for log in sorted(enrolled):
        chosen = witnesses.of(log)
        if chosen is None or node.node_id in chosen or len(chosen & enrolled) >= majority(chosen):
            continue
        unseen.append(log)
        missing.update(chosen - enrolled)
    if unseen:
        first = _named(name for name, _ in missing.most_common())
        said.append(
            f"Whether other readers are shown the same log cannot be told here of {_named(unseen)}: fewer than a "
            f"majority of their witnesses are enrolled. Enrol first: {first}."
        )
    return said


def _enrolled(peers: Iterable[PeerRow]) -> set[str]:
    return {peer.node_id for peer in peers if peer.state == PeerState.ENROLLED}


def _named(nodes: Iterable[str]) -> str:
    first = list(nodes)
    more = len(first) - _SHOWN
    return ", ".join(first[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
