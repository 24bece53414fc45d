"""Sign-in at a provider that others wrote: somebody of the node, somebody who is not, and somebody who thinks again."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from exchange.store.access.user_rows import add_user
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.real_provider import real_provider
from tests.exchange.running_nodes import RunningNode

pytestmark = pytest.mark.slow


def test_at_a_real_provider(start_node: Callable[..., RunningNode]) -> None:
    with real_provider("examiner-1", "stranger") as issuer:
        node = start_node(Jurisdiction.RS, oidc_issuer=issuer, oidc_client_id="ffp-rs", oidc_client_secret="any")
        with node.node.store.write() as session:
            add_user(session, "examiner-1", Role.EXAMINER)

        def sign_in(browser: httpx.Client, **form: str) -> httpx.Response:
            there = browser.get("/app/sign-in/provider").headers["location"]
            assert there.startswith(f"{issuer}/")
            assert "Authorize Client" in browser.get(there).text
            return browser.get(browser.post(there, data=form).headers["location"])

        with httpx.Client(base_url=node.url, timeout=30, trust_env=False) as browser:
            stranger = sign_in(browser, sub="sub-stranger")
            assert stranger.status_code == 401
            assert "The provider knows you as stranger; no active user of this node" in stranger.text
            assert sign_in(browser, action="deny").status_code == 401
            assert sign_in(browser, sub="sub-examiner-1").status_code == 200
            assert "examiner-1</bdi> · examiner" in browser.get("/app/").text
            assert browser.get("/app/sign-out/provider").headers["location"].startswith(f"{issuer}/")
