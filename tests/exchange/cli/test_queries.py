"""``ffp query``, beside nodes that serve: asked as somebody whom the node knows, and listed with what was found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.exchange.cli.conftest import Ffp, refusal
from tests.exchange.running_nodes import RunningNode
from tests.exchange.served import eventually

WHY = ("--purpose", "investigation", "--legal-basis", "Criminal Procedure Code, article 286")


@pytest.mark.slow
def test_a_query_is_asked_and_listed_at_both_ends(
    ffp: Ffp, pair: tuple[RunningNode, RunningNode], scans: dict[str, Path]
) -> None:
    rs, mk = pair
    here, there = (node.node.settings.home for node in pair)
    assert "No query was asked" in ffp("query", "list", "--home", here).out
    hidden = mk.submit(scans["1-1"], level="search", audience=["RS"]).json()["statement_id"]
    mk.wait_correlated(1)
    record = rs.submit(scans["1-2"], level="search", audience=["MK"]).json()["statement_id"]
    [examiner] = [
        line.split("\t")[0] for line in ffp("user", "list", "--home", here).out.splitlines() if "\texaminer\t" in line
    ]

    for wrong in ("nobody", "operator"):
        user = next((name for name in _users(ffp, here) if name.startswith(wrong)), wrong)
        assert ("no active user" if user == "nobody" else "this is for the role") in refusal(
            ffp("query", "ask", record, "--as", user, *WHY, "--home", here)
        )
    assert "none of" in refusal(
        ffp("query", "ask", record, "--as", examiner, "--purpose", "x", *WHY[2:], "--home", here)
    )
    assert "ffp-xk" in refusal(ffp("query", "ask", record, "--as", examiner, *WHY, "--peer", "ffp-xk", "--home", here))

    asked = ffp("query", "ask", record, "--as", examiner, *WHY, "--peer", "ffp-mk", "--home", here)
    assert asked.code == 0, asked
    assert asked.out.startswith("ffp-mk\tasked\t")
    eventually(lambda: "answered" in ffp("query", "list", "--home", here).out, 60)
    listed = ffp("query", "list", "--home", here).out
    assert "candidate" in listed
    assert "high\tNot validated: " in listed
    assert hidden not in listed
    assert hidden in ffp("query", "list", "--received", "--home", there).out


def _users(ffp: Ffp, home: Path) -> list[str]:
    return [line.split("\t")[0] for line in ffp("user", "list", "--home", home).out.splitlines()]
