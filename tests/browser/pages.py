"""The way into the pages, as all journeys take it."""

from __future__ import annotations

import time
from typing import Any

import pyotp
from sqlalchemy import delete, update

from exchange.flows.access.sign_in import invite_user
from exchange.store.access.user_rows import all_users
from exchange.store.tables.sign_in_tables import SessionRow, SignInRow
from schemas.vocabulary import Role
from tests.exchange.running_nodes import RunningNode

PASSWORD = "correct horse battery staple"


def enter(page: Any, node: RunningNode, role: Role) -> pyotp.TOTP:
    """As the first who was made for a role."""
    return sign_in(page, node, person(node, role))


def person(node: RunningNode, role: Role) -> str:
    """The pseudonym of the first who was made for a role."""
    with node.node.store.read() as session:
        return next(user.pseudonym for user in all_users(session) if user.role == role)


def sign_in(page: Any, node: RunningNode, pseudonym: str) -> pyotp.TOTP:
    """As somebody who has just been handed the address of an invitation, and leaves the tour; returns their
    authenticator."""
    code = sign_in_first(page, node, pseudonym)
    page.get_by_text("Leave the tour", exact=True).locator("visible=true").click()
    page.wait_for_url("**/app/")
    return code


def sign_in_first(page: Any, node: RunningNode, pseudonym: str) -> pyotp.TOTP:
    """The same up to the tour of the first page."""
    return take_up(page, invite_user(node.node, pseudonym))


def take_up(page: Any, invitation: str) -> pyotp.TOTP:
    """An invitation, by its address, up to the tour of the first page."""
    page.goto(invitation)
    code = pyotp.TOTP(page.locator("code").inner_text())
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Repeat the password").fill(PASSWORD)
    page.get_by_label("The code that it shows now").fill(code.now())
    page.get_by_role("button", name="Finish").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Code of the authenticator").fill(code.at(int(time.time()) + 30))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/app/?tour=1")
    return code


def field(page: Any, label: str) -> Any:
    """A field of a draft, with the part of the form unfolded that holds it."""
    found = page.get_by_label(label, exact=True)
    folded = page.locator("details.more:not([open])", has=found)
    if folded.count():
        folded.locator(":scope > summary").click()
    return found


def sign_out(page: Any) -> None:
    """By the menu under the own name."""
    page.locator(".person > summary").click()
    page.get_by_role("button", name="Sign out").click()


def end_sessions(node: RunningNode) -> None:
    """And let a code of the authenticator be taken again, so that nobody has to wait for the next one."""
    with node.node.store.write() as session:
        session.execute(delete(SessionRow))
        session.execute(update(SignInRow).values(totp_step=0))


def sign_in_again(page: Any, pseudonym: str, code: pyotp.TOTP) -> None:
    page.get_by_label("Pseudonym").fill(pseudonym)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Code of the authenticator").fill(code.at(int(time.time())))
    page.get_by_role("button", name="Sign in").click()


def in_another_tab(page: Any) -> Any:
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Sign in in another tab").click()
    return opened.value


def wait_ready(page: Any) -> None:
    """Wait until the comparison is drawn: on a machine whose cores others share, photographs take half a minute."""
    page.locator("ffp-comparison[data-state=ready]").wait_for(timeout=90_000)


def settle(page: Any) -> None:
    """Wait until the comparison has said what it shows, and has drawn it."""
    page.locator("ffp-comparison:not([data-settling])").wait_for(timeout=20_000)
    page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
