"""The local pack is made of what one node has, and says what of it nobody approved."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from exchange.coordination.half_year.half_years import Half
from exchange.coordination.meetings.pack.approve_inputs import approve_inputs, draft_inputs, signed_inputs
from exchange.coordination.meetings.pack.local_pack import local_pack
from exchange.coordination.meetings.pack.make_inputs import overdue_band
from exchange.coordination.meetings.pack.pack import Missing, MissingPart
from exchange.coordination.meetings.pack.pack_inputs_document import OverdueBand, read_inputs
from exchange.errors import Conflict, Forbidden, NotFound
from schemas.errors import ContractError
from schemas.vocabulary import Role
from tests.exchange.coordination.meetings.pack.sent import Sent
from tests.exchange.coordination.region.region_world import H2, HEAD

pytestmark = pytest.mark.slow


def test_it_has_what_the_node_has(sent: Sent) -> None:
    found = local_pack(sent.world.nodes["RS"], H2)
    pack = found.pack
    assert found.approved
    assert not pack.changed_since
    assert not pack.restricted
    assert {(item.issuer, item.number) for item in pack.open_actions} == {
        ("ffp-rs", "A-2026-1"),
        ("ffp-rs", "A-2026-2"),
        ("ffp-mk", "A-2026-1"),
    }, "own ones, and what others expect of this side"
    assert all(item.one == "RS" and item.count is None for item in pack.overdue)
    assert pack.annexes
    assert pack.figures is not None
    assert pack.figures.document is not None
    assert pack.figures.of(H2.before()) is not None


def test_a_half_year_that_lasts_is_a_draft(sent: Sent) -> None:
    node, lasting = sent.world.nodes["RS"], Half(2027, 1)
    found = local_pack(node, lasting)
    assert not found.approved
    assert Missing(MissingPart.REPORT, "RS") in found.pack.missing
    assert Missing(MissingPart.INPUTS, "RS") in found.pack.missing
    assert found.pack.figures is not None
    assert not found.pack.figures.approved
    sent.world.at(sent.world.clock.moment.replace(hour=20))
    assert local_pack(node, lasting).sha256 == found.sha256, "the same all day long"
    with pytest.raises(NotFound, match="has not begun"):
        local_pack(node, Half(2028, 1))
    with pytest.raises(NotFound, match="are not approved"):
        signed_inputs(node, lasting)


def test_the_head_approves_what_was_shown_and_nobody_else_does(sent: Sent) -> None:
    node, lasting = sent.world.nodes["XK"], Half(2027, 1)
    shown = draft_inputs(node, lasting).sha256
    with pytest.raises(Conflict, match="others by now"):
        approve_inputs(node, HEAD, lasting, "0" * 64, "To the coordinator.")
    with pytest.raises(Forbidden):
        approve_inputs(node, HEAD.model_copy(update={"role": Role.EXAMINER}), lasting, shown, "To the coordinator.")
    approve_inputs(node, HEAD, lasting, shown, "To the coordinator.")
    with pytest.raises(Conflict, match="approved already"):
        approve_inputs(node, HEAD, lasting, shown, "To the coordinator.")
    assert local_pack(node, lasting).approved


def test_bands() -> None:
    assert [overdue_band(count, 5) for count in (None, 0, 1, 4, 5, 60)] == [
        OverdueBand.NO_DATA,
        OverdueBand.NONE,
        OverdueBand.SOME,
        OverdueBand.SOME,
        OverdueBand.MANY,
        OverdueBand.MANY,
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"people": 6', b'"people": 7'),
        (b'"issuer": "ffp-rs"', b'"issuer": "ffp-mk"'),
        (b'"format": "ffp-pack-inputs/2"', b'"format": "ffp-pack-inputs/3"'),
        (b'"half": "2026H2"', b'"half": "2026H3"'),
        (b'"decisions": "none"', b'"decisions": "3"'),
        (b'"meetings": 1,', b'"meetings": 2,'),
    ],
)
def test_inputs_that_contradict_themselves_are_refused(sent: Sent, before: bytes, after: bytes) -> None:
    sent.world.at(datetime(2027, 1, 9, tzinfo=UTC))
    data = draft_inputs(sent.world.nodes["RS"], H2).data
    read_inputs(data)
    assert before in data
    with pytest.raises(ContractError):
        read_inputs(data.replace(before, after, 1))
