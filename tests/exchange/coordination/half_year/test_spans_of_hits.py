"""Spans of a half-year that hits and their verifications end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from exchange import clock
from exchange.coordination.half_year.figure_counts import spans_of
from exchange.coordination.half_year.half_year_rows import joined_cases, rows_of
from exchange.coordination.half_year.half_years import Half
from schemas import Hit, Pair, Verification
from schemas.vocabulary import Basis, HitStage
from tests.exchange.flows.conftest import careless_owner as careless_owner
from tests.exchange.flows.hits.test_signed_by_a_peer import NOT_ASSOCIATED, signed
from tests.exchange.flows.hits.test_signed_by_a_peer import network as network
from tests.exchange.flows.network import RS, Network
from tests.exchange.flows.review.test_statements import FIRST, SECOND, lead
from tests.exchange.flows.review.test_statements import pair as pair

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("careless_owner")]


def test_a_peers_verification_is_no_turnaround_of_this_nodes(network: Network, pair: dict[str, Any]) -> None:
    first, _, _ = lead(network, pair)
    network.settle()
    joined = Pair.model_validate(pair)
    later = signed(
        network, Verification, SECOND, verifies=first.statement_id, pair=joined, result=NOT_ASSOCIATED, blind=True
    )
    rests_on = {"conclusion": first.statement_id, "verification": later}
    signed(network, Hit, FIRST, pair=joined, stage=HitStage.LEAD, basis=Basis.SCREEN, **rests_on)
    network.settle()
    rs = network.nodes[RS]
    with rs.store.read() as session:
        rows = rows_of(session, rs, Half.of(clock.now()))
    counted = replace(rows, moment=clock.stamp_in(60))
    spans = spans_of(counted, joined_cases(counted, rs.settings))
    assert (len(spans["verification"]), len(spans["dissemination"])) == (1, 1)
