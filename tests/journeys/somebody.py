"""Somebody at the pages: one hand, one language, one window. What they use they find by its role and by the English
that the code has for its name, looked up in their language."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Final

import pyotp

from exchange.flows.access.sign_in import invite_user
from exchange.store.access.user_rows import add_user
from exchange.web.languages import NAMES
from schemas.vocabulary import Role
from tests.browser.pages import PASSWORD
from tests.exchange.running_nodes import RunningNode
from tests.journeys.hands import Hand, Keyboard
from tests.journeys.speech import Speech
from tests.journeys.watch import Watch

WAIT_MS: Final = 60_000
"""For what another node, or a worker, brings about."""
_STEPS = 120


class Somebody:
    def __init__(self, page: Any, node: RunningNode, speech: Speech, hand: Hand, watch: Watch) -> None:
        self.page, self.node, self.speech, self.hand, self.watch = page, node, speech, hand, watch
        self.pseudonym = ""

    # what is read

    def said(self, english: str, **named: Any) -> str:
        return self.speech.text(english, **named)

    def term(self, value: str, of: str) -> str:
        return self.speech.term(value, of)

    def look(self) -> None:
        self.watch.look()

    def reads(self, english: str, **named: Any) -> None:
        """That this stands on the page, at the latest when the node has brought it."""
        self.sees(self.said(english, **named))

    def sees(self, words: str) -> None:
        self.page.locator("main").get_by_text(words).filter(visible=True).first.wait_for(timeout=WAIT_MS)

    def text(self) -> str:
        return str(self.page.locator("main").inner_text())

    def control(self, role: str, english: str, where: Any = None, **named: Any) -> Any:
        """The first that is seen of this role and name; ``where``: within which part of the page."""
        return self.called(role, self.said(english, **named), where)

    def called(self, role: str, name: str, where: Any = None) -> Any:
        """By a name that is no text of the pages: that of an exhibit, a term, a pseudonym."""
        return (where or self.page).get_by_role(role, name=name, exact=True).filter(visible=True).first

    def alike(self, role: str, english: str, where: Any = None, **named: str) -> Any:
        """The first whose name is this text with values of these patterns."""
        name = self.speech.pattern(english, **named)
        return (where or self.page).get_by_role(role, name=name).filter(visible=True).first

    def field(self, english: str, where: Any = None) -> Any:
        return (where or self.page).get_by_label(self.said(english), exact=True).filter(visible=True).first

    # what is done

    def press(self, role: str, english: str, *, to: str | None = None, where: Any = None, **named: Any) -> None:
        """``to``: a pattern of the address, below the node's, of the page that comes then."""
        self.press_it(self.control(role, english, where, **named), to=to)

    def press_it(self, control: Any, *, to: str | None = None) -> None:
        if to is None:
            self.hand.press(control)
            return
        self.hand.approach(control)  # the way over the head of the page is an address too
        with self.page.expect_navigation(url=re.compile(f"{re.escape(self.node.url)}{to}(#.*)?$"), timeout=WAIT_MS):
            self.hand.press(control)
        self.look()

    def write(self, english: str, text: str, *, where: Any = None) -> None:
        self.hand.write(self.field(english, where), text)

    def write_day(self, english: str, day: date) -> None:
        self.hand.write_day(self.field(english), day)

    def choose(self, english: str, option: str) -> None:
        self.hand.choose(self.control("combobox", english), option)

    def take(self, name: str) -> None:
        self.hand.take(self.called("radio", name))

    def tick(self, name: str) -> None:
        box = self.called("checkbox", name)
        self.hand.press(box)
        assert box.is_checked()

    def give(self, english: str, paths: list[Path]) -> None:
        self.hand.give(self.field(english), paths)

    def unfold(self, english: str, **named: Any) -> None:
        """What opens below a line that begins so, or that is called so; nothing where it is open already."""
        self.unfold_called(self.said(english, **named))

    def unfold_called(self, name: str) -> None:
        begins = self.page.locator("summary").filter(has_text=re.compile(rf"^\s*{re.escape(name)}"))
        labelled = self.page.locator(f"summary[aria-label={json.dumps(name, ensure_ascii=False)}]")
        line = begins.or_(labelled).filter(visible=True).first
        is_open = "line => line.parentElement.open"
        if line.evaluate(is_open):
            return
        self.hand.press(line)
        assert line.evaluate(is_open), f"{name!r} does not open"

    def go(self, english: str, *, to: str, under: str | None = None) -> None:
        """By the head of the page, which has its groups behind a button where the window is narrow."""
        folded = self.control("button", "Pages")
        if folded.count():
            self.hand.press(folded)
        groups = self.page.get_by_role("navigation", name=self.said("Pages"), exact=True)
        groups.wait_for()
        if under is not None:
            self.unfold("More under %(group)s", group=self.said(under))
        self.look()
        self.press("link", english, to=to, where=groups)

    def until(self, happened: Callable[[], bool], look_again: Callable[[], None], what: str) -> None:
        for _ in range(_STEPS):
            if happened():
                return
            self.page.wait_for_timeout(500)
            look_again()
        raise AssertionError(f"{what}: {self.text()}")

    # how every story begins

    def come_in(self, role: Role, pseudonym: str) -> None:
        """Invited: the own language, a password, the authenticator; then signed in."""
        with self.node.node.store.write() as session:
            add_user(session, pseudonym, role)
        self.pseudonym = pseudonym
        self.watch.add_data(pseudonym)
        self.page.goto(invite_user(self.node.node, pseudonym))
        self.unfold_called(NAMES["en"])
        self.press_it(self.called("button", NAMES[self.speech.code]), to="/app/welcome/.+")
        code = pyotp.TOTP(self.page.locator("code").inner_text())
        self.write("Password", PASSWORD)
        self.write("Repeat the password", PASSWORD)
        self.write("The code that it shows now", code.now())
        self.press("button", "Finish", to="/app/welcome/.+")
        self.write("Password", PASSWORD)
        self.write("Code of the authenticator", code.at(int(time.time()) + 30))
        self.press("button", "Sign in", to=r"/app/(\?.*)?")
        tour = self.page.locator("[data-tour]")
        if tour.count():
            tour.wait_for(state="visible")
            self.press("button", "Leave the tour", where=tour)
            tour.wait_for(state="hidden")
            self.look()
            self.page.reload()  # as on any other day: from its head on
            self.look()

    def state_purpose(self, basis: str) -> None:
        """Why this session searches and reads, and under which law."""
        self.watch.add_data(basis)
        self.unfold("What this session is for")
        self.choose("Purpose", self.term("investigation", "lawful_purpose"))
        self.write("Law and case", basis)
        self.press("button", "Keep for this session", to="/app/")
        self.sees(basis)

    def leave(self) -> None:
        """By the menu under the own name."""
        self.unfold_called(self.pseudonym)
        self.press("button", "Sign out", to="/app/sign-in")
        if isinstance(self.hand, Keyboard):
            print(f"{self.speech.code}: at most {self.hand.farthest} keys from one control to the next")
        self.watch.end()
