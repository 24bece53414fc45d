"""In a browser, from the node to a provider on another site and back: past the policy, with the cookies of a site."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from exchange.store.access.user_rows import add_user
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.real_provider import real_provider
from tests.exchange.running_nodes import node_starter

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_there_and_back_and_out_of_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, browser: Any) -> None:
    with real_provider("examiner-1") as issuer, node_starter(tmp_path, monkeypatch) as start:
        node = start(
            Jurisdiction.RS,
            oidc_issuer=issuer,
            oidc_client_id="ffp-rs",
            oidc_client_secret="any",
            oidc_name="the ministry",
        )
        with node.node.store.write() as session:
            add_user(session, "examiner-1", Role.EXAMINER)
        context = browser.new_context(locale="en-GB")
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda line: said.append(f"{line.location} {line.text}") if line.type == "error" else None)
        page.goto(f"{node.url}/app/")
        page.get_by_role("link", name="Sign in with the ministry").click()
        page.wait_for_url(f"{issuer}/**")
        page.get_by_role("button", name="sub-examiner-1").click()
        page.wait_for_url(f"{node.url}/app/")
        page.locator(".person > summary").click()
        assert page.get_by_text("examiner-1 · examiner").is_visible()
        assert {cookie["name"]: cookie["sameSite"] for cookie in context.cookies(node.url)} == {"ffp": "Strict"}
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("link", name="Sign out there too").click()
        page.wait_for_url(f"{issuer}/**")
        page.goto(f"{node.url}/app/")
        assert page.get_by_role("heading", name="Sign in").is_visible()
        assert [line for line in said if node.url in line] == [], "the policy forbids nothing of this"
        context.close()
