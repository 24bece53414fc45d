"""Where a node may connect to: services whose name leads elsewhere than confirmed, and a kernel that keeps to an old
list."""

from __future__ import annotations

from collections.abc import Iterator

from exchange.flows.node.node import Node
from exchange.flows.operate.doctor.causes import Cause
from exchange.flows.operate.doctor.findings import Finding, fault, warning
from exchange.flows.operate.egress import UNIT, listing, unit


def examine_egress(node: Node) -> Iterator[Finding]:
    """Services alone: of peers it is told when they are asked."""
    for listed in listing(node):
        if listed.strange and not listed.of_peer:
            what = (
                f"{listed.host} ({', '.join(listed.who)}) leads to {', '.join(listed.strange)}: not confirmed for it."
            )
            yield fault(
                Cause.EGRESS_STRANGE,
                "egress",
                what,
                f"Ask whoever runs it; if that is right: ffp egress allow {listed.host}",
            )
    if UNIT.is_file() and UNIT.read_text(encoding="utf-8") != unit(node):
        what = f"{UNIT} is not what this node's list would make: the kernel keeps to an older one."
        yield warning(
            Cause.EGRESS_UNIT,
            "egress",
            what,
            f"ffp egress unit > {UNIT}, then: systemctl daemon-reload && systemctl restart ffp",
        )
