"""What is offered as the laboratory's usual audience: what most of its last shared records had."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from exchange.flows.entry.drafts import begin, possible_audience, read_draft
from exchange.flows.entry.usual_sharing import UsualSharing, usual_sharing
from exchange.store.access.user_rows import all_users
from schemas.vocabulary import Jurisdiction, ReleaseLevel, Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import tiny_scan

pytestmark = pytest.mark.slow


@pytest.fixture
def node(start_node: Callable[..., RunningNode]) -> RunningNode:
    return start_node(Jurisdiction.RS)


def test_what_most_had_is_offered(node: RunningNode) -> None:
    possible = possible_audience(node.node)
    assert usual_sharing(node.node, possible) is None

    def submit(case: str, level: str, audience: list[str]) -> None:
        made = node.submit(tiny_scan(), case_reference=case, level=level, audience=audience)
        assert made.status_code in (200, 201), made.text

    submit("RS-1", "none", [])
    assert usual_sharing(node.node, possible) is None, "what stays here is no audience"
    submit("RS-2", "search", ["AL"])
    assert usual_sharing(node.node, possible) == UsualSharing(ReleaseLevel.SEARCH, ("AL",))
    submit("RS-3", "full", ["XK", "MK"])
    newer = UsualSharing(ReleaseLevel.FULL, ("MK", "XK"))
    assert usual_sharing(node.node, possible) == newer, "of equal ones"
    submit("RS-4", "search", ["AL"])
    usual = usual_sharing(node.node, possible)
    assert usual == UsualSharing(ReleaseLevel.SEARCH, ("AL",))
    assert usual_sharing(node.node, ["MK", "XK"]) == newer, "where AL may not be named"

    with node.node.store.read() as session:
        examiner = next(user.pseudonym for user in all_users(session) if user.role == Role.EXAMINER)
    draft = read_draft(node.node, examiner, begin(node.node, examiner, "RS-5", usual.fields))
    assert (draft.fields["level"], draft.fields["audience.AL"]) == ("search", "yes")
    assert draft.fields["handling.code"] == "H1", "all else is as in an empty form"
