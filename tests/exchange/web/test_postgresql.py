"""A server of PostgreSQL that goes away while the node serves: said, survived, and nothing lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import make_url

from exchange.errors import StoreUnavailable
from exchange.flows.operate.doctor.examine import examine
from exchange.flows.operate.measure import observe
from schemas.vocabulary import Jurisdiction
from tests.exchange.databases import Postgresql, databases_fixture
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import problem

databases = databases_fixture("postgresql")


def test_a_database_that_is_away_for_a_while(
    start_node: Callable[..., RunningNode], databases: Postgresql, scans: dict[str, Path]
) -> None:
    node = start_node(Jurisdiction.RS)
    assert node.submit(scans["1-1"], key="first-of-two").status_code == 201
    database = make_url(str(databases.address(node.node.settings.home))).database

    node.wait_correlated(1)
    numbers = observe(node.node)
    values = {gauge.name: gauge.values for gauge in numbers.gauges}
    assert (values["ffp_log_size"], {*values["ffp_duties"].values()}) == ({(): 2}, {0})
    assert {state: count for state, count in values["ffp_acquisitions"].items() if count} == {("correlated",): 1}
    assert numbers.value("ffp_blobs_bytes") == scans["1-1"].stat().st_size
    assert set(values["ffp_jobs"].values()) == {0}

    databases.run(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS false')
    databases.cut(str(database))
    not_ready = node.http.get(f"{node.url}/readyz")
    assert not_ready.status_code == 503
    assert "does not answer" in not_ready.json()["database"]
    assert (not_ready.json()["blobs"], not_ready.json()["keys"]) == ("ok", "ok")
    assert node.http.get(f"{node.url}/healthz").status_code == 200
    with pytest.raises(StoreUnavailable):
        observe(node.node)
    assert "database" in {found.subject for found in examine(node.node.settings.home).findings}
    refused = node.submit(scans["1-2"], key="second-of-two", case_reference="RS-2")
    problem(refused, 503, "store-unavailable")
    assert refused.headers["retry-after"]

    databases.run(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS true')
    assert "database" not in {found.subject for found in examine(node.node.settings.home).findings}
    assert node.http.get(f"{node.url}/readyz").status_code == 200
    assert node.submit(scans["1-2"], key="second-of-two", case_reference="RS-2").status_code == 201
    assert node.submit(scans["1-1"], key="first-of-two").status_code == 200, "what was stored before is known again"
    node.wait_correlated(2)
    status = node.wait_for(lambda status: status["signed_size"] == 3)
    assert (status["records"], status["candidates"], status["jobs"]) == (2, 1, {})
