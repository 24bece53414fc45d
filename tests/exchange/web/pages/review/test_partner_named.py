"""The pair page names the node whose examiner verified, since two nodes may have the same pseudonym."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import anyio
import httpx
import pytest

from exchange.flows.node.pipelines import PIPELINES
from exchange.flows.review.partners import ask_partner
from exchange.store.access.sign_in_rows import begin_session
from exchange.store.review.candidate_rows import CandidateView, candidate_of
from exchange.store.review.review_rows import scans_of
from exchange.web.app import create_app
from schemas.vocabulary import SignedInBy
from tests.exchange.flows.blind.blind_world import FIRST
from tests.exchange.flows.network import MK, RS
from tests.exchange.flows.review.partner_world import Partners, made_partners

pytestmark = pytest.mark.slow


def test_the_pair_page_names_the_node_that_verified(tmp_path: Path) -> None:
    made = made_partners(tmp_path / "made")
    with closing(made.network.copied(tmp_path / "copy")) as network:
        world = Partners(network, made.records)
        said = world.concludes()
        world.used_up()
        ask_partner(world.node(RS), FIRST.pseudonym, said, MK)
        network.settle()
        world.judges(MK)
        network.settle()
        pair = world.pair("a", "b")
        with world.node(RS).store.write() as session:
            cookie = begin_session(session, FIRST.pseudonym, SignedInBy.PASSWORD_AND_TOTP, most_s=3600)
            scans = scans_of(pair.a.scan, pair.b.scan)
            found = candidate_of(session, scans, CandidateView(PIPELINES, None))
        assert found is not None
        page = anyio.run(_read, world, f"/app/pairs/{found.row.candidate_id}", cookie)
    assert f"{FIRST.pseudonym} ({MK}), verified blind" in page


async def _read(world: Partners, path: str, cookie: str) -> str:
    app = create_app(world.node(RS), works=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=world.node(RS).settings.url, timeout=60) as http,
    ):
        return (await http.get(path, headers={"Cookie": f"ffp={cookie}"})).text
