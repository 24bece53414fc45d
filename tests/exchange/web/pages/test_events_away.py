"""The database goes away while pages are open: their lines stay, and the log says it once."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from sqlalchemy import make_url
from structlog.testing import capture_logs

from exchange.clock import stamp_in
from exchange.store.tables.terms_tables import ApprovalRow
from exchange.web.pages import live_hint_pages as live_hints
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.databases import Postgresql, databases_fixture
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.pages.conftest import Person
from tests.exchange.web.pages.test_events import kept, listening
from tests.exchange.web.rest.test_terms import eventually

pytestmark = pytest.mark.slow

databases = databases_fixture("postgresql")
NOT_KNOWN, KNOWN_AGAIN = "what is new for the open pages is not known", "what is new for the open pages is known again"


def test_a_database_that_is_away_ends_no_line_and_fills_no_log(
    start_node: Callable[..., RunningNode],
    somebody: Callable[[RunningNode, Role], Person],
    databases: Postgresql,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_hints, "PEOPLE_S", 0.2)
    monkeypatch.setattr(live_hints, "HINTS_AGAIN_S", 0.2)
    node = start_node(Jurisdiction.RS)
    head = somebody(node, Role.HEAD)
    database = make_url(str(databases.address(node.node.settings.home))).database
    with listening(head) as heard:
        eventually(lambda: bool(heard.events))
        with capture_logs() as said:

            def times(sentence: str) -> int:
                return [line["event"] for line in said].count(sentence)

            databases.run(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS false')
            databases.cut(str(database))
            eventually(lambda: times(NOT_KNOWN) == 1)
            time.sleep(1.5)
            databases.run(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS true')
            eventually(lambda: times(KNOWN_AGAIN) == 1)
        assert times(NOT_KNOWN) == 1
        of_pages = [line for line in said if "open pages" in line["event"]]
        assert not any(line.get("exc_info") for line in of_pages), "a sentence, no trace"
        assert not heard.over
        approval = ApprovalRow(concerns="cd" * 32, jurisdiction="MK", asked_at=stamp_in(0.01), due_at=stamp_in(60))
        with kept(node, approval):
            eventually(lambda: len(heard.of("alerts")) == 2)
