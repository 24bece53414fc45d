"""A node on each of the databases that call themselves form 5 is brought up, taken back and brought up again. It says
the same each time, and all that it holds is what was signed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from exchange.config import load_settings
from exchange.config_files import write_secret
from exchange.flows.integrity.log_check import check_and_keep
from exchange.flows.node.migrate import forms, migrate
from exchange.flows.node.node import opened, store_of
from exchange.store.database.engine import Store
from exchange.store.tables.schema_version import SCHEMA_VERSION
from schemas.vocabulary import Jurisdiction
from tests.exchange.conftest import RunningNode, enrol_each_other, node_starter
from tests.exchange.databases import Databases, databases_fixture
from tests.exchange.store.released import FIRST, RELEASES, copy_rows, go_back, make_form_5

pytestmark = pytest.mark.slow
databases = databases_fixture("sqlite", "postgresql")


def answers(node: RunningNode) -> dict[str, Any]:
    """What the node tells a program: candidates with their explanations, records, statements as they were signed. Each
    candidate is looked at first: a list tells the cells that are known."""
    listed = node.get("/v1/candidates").json()["items"]
    alone = {name: node.get(f"/v1/candidates/{name}").json() for name in (one["candidate_id"] for one in listed)}
    records = node.get("/v1/records").json()
    found: dict[str, Any] = {"records": records, "statements": node.get("/v1/statements").json()}
    for record in records["items"]:
        name = record["statement_id"]
        found[name] = node.get(f"/v1/records/{name}").json()
        found[f"{name} as signed"] = node.get(f"/v1/records/{name}/envelope").content
        found[f"{name} candidates"] = node.get(f"/v1/records/{name}/candidates").json()
    return found | {str(name): told for name, told in alone.items()}


@pytest.fixture(scope="module")
def told(
    tmp_path_factory: pytest.TempPathFactory, scans: dict[str, Path], databases: Databases
) -> tuple[Path, dict[str, Any]]:
    """The home of a node with records of its own and of a peer, and what it answers."""
    folder = tmp_path_factory.mktemp("told")
    with pytest.MonkeyPatch.context() as patched, node_starter(folder, patched, databases) as start:
        rs, mk = start(Jurisdiction.RS), start(Jurisdiction.MK)
        enrol_each_other(rs, mk)
        assert rs.submit(scans["1-1"], key="first-of-two").status_code == 201
        assert mk.submit(scans["1-2"], level="full", audience=["RS"], case_reference="MK-1").status_code == 201
        rs.wait_for(lambda status: status["acquisitions"] == {"correlated": 2} and not status["jobs"], seconds=180)
        mk.stop()
        found = answers(rs)
        rs.stop()
    assert len(found["records"]["items"]) == 2
    assert any(name.isdecimal() for name in found), "a candidate"
    return rs.node.settings.home, found


def as_released(home: Path, databases: Databases, release: str) -> None:
    """The node's database, as a release had it that called it form 5."""
    now = store_of(load_settings(home))
    go_back(now, FIRST)
    place = databases.place(home / "keys")
    if isinstance(place, Path):
        place.touch(mode=0o600)
    then = Store(place)
    make_form_5(then, release)
    copy_rows(now, then)
    for store in (now, then):
        store.close()
    (home / "rows-sealed").unlink()  # which no release of form 5 wrote
    if isinstance(place, Path):
        for file in home.glob("node.db*"):
            file.unlink()
        place.rename(home / "node.db")
    else:
        write_secret("database_url", place.render_as_string(hide_password=False), home)


@pytest.mark.parametrize("release", RELEASES)
def test_up_to_form_6_and_back_and_up_again(
    told: tuple[Path, dict[str, Any]],
    tmp_path: Path,
    databases: Databases,
    monkeypatch: pytest.MonkeyPatch,
    release: str,
) -> None:
    source, before = told
    home = tmp_path / source.name
    databases.copy(source, home)
    as_released(home, databases, release)
    for _ in range(2):
        assert forms(home)[0] == FIRST
        migrate(home)
        have, needed = forms(home)
        assert have == needed
        with opened(home) as node:
            checked = check_and_keep(node, lambda _what, _done, _total: None)
        assert (checked.good, checked.findings) == (True, [])
        assert checked.statements >= 3
        assert checked.scans == 2
        with node_starter(tmp_path, monkeypatch) as start:
            rs = start(Jurisdiction.RS)
            assert answers(rs) == before
            rs.stop()
        store = store_of(load_settings(home))
        assert store.form() == SCHEMA_VERSION
        go_back(store, FIRST)
        store.close()
        (home / "rows-sealed").unlink()
