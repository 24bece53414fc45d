"""The whole way of a case, in a browser on two real nodes with real scans: two operators enrol each other's node, two
heads state what the other may have, an examiner registers and uploads, compares and concludes, a colleague verifies
blind, the other country sees the lead and answers, and the report that is downloaded says what was concluded."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from exchange.clock import now
from exchange.store.access.user_rows import add_user
from schemas.vocabulary import Jurisdiction, Role
from tests.browser.pages import person, sign_in, wait_ready
from tests.exchange.running_nodes import RunningNode, node_starter

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.data]

REMARK = "Parallel striae agree in position and spacing."


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningNode, RunningNode]]:
    """North Macedonia and Serbia, with nothing in them, and strangers to each other."""
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        node_starter(tmp_path_factory.mktemp("case"), monkeypatch) as start,
    ):
        mk = start(Jurisdiction.MK, control_share=0)
        rs = start(Jurisdiction.RS)
        yield mk, rs


class People:
    """Each at a browser window of their own; what any console says is kept."""

    def __init__(self, browser: Any) -> None:
        self._browser = browser
        self._contexts: list[Any] = []
        self.said: list[str] = []

    def at(self, node: RunningNode, role: Role, name: str | None = None) -> Any:
        pseudonym = name or person(node, role)
        if name is not None:
            with node.node.store.write() as session:
                add_user(session, name, role)
        context = self._browser.new_context(viewport={"width": 1280, "height": 720}, accept_downloads=True)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: self.said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        sign_in(page, node, pseudonym)
        return page

    def leave(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture
def people(browser: Any) -> Iterator[People]:
    made = People(browser)
    yield made
    made.leave()
    refused = [text for text in made.said if "422 (Unprocessable Entity)" in text]
    assert len(refused) == 2, "each operator typed a wrong fingerprint once"
    assert made.said == refused, "no other error on any console, and nothing that the policy forbids"


def enrol(page: Any, other: RunningNode, read_out: str) -> None:
    """One operator, with the other's fingerprint from the telephone."""
    page.get_by_role("link", name="Peers").click()
    page.get_by_label("Address of its node").fill(other.url)
    page.get_by_role("button", name="Ask for its card").click()
    assert other.node.node_id in page.locator(".notice").inner_text()
    assert read_out not in page.locator("#enrol form").inner_text(), "it comes from the other side, not from the screen"
    page.get_by_label("Its fingerprint").fill("0" * 40)
    page.get_by_label("Legal basis").fill("Police cooperation agreement, article 9")
    page.get_by_role("button", name="Enrol", exact=True).click()
    assert "The fingerprints differ" in page.get_by_role("alert").inner_text()
    page.get_by_label("Its fingerprint").fill(read_out)
    page.get_by_label("Legal basis").fill("Police cooperation agreement, article 9")
    page.get_by_role("button", name="Enrol", exact=True).click()
    page.locator("h2", has_text=other.node.node_id).wait_for()


def state_first_line(page: Any, other: RunningNode) -> None:
    """The head, who finds on the first page that nothing is shared with the new partner yet."""
    page.get_by_role("link", name="State the first line").click()
    form = page.locator(f"#first-{other.node.node_id} form")
    form.locator("input[name='kind.crime_scene']").check()
    form.locator("input[name='rule'][value=allowed]").check()
    form.get_by_role("button", name="Sign this line").click()
    page.locator("h2", has_text="Lines in force").wait_for()
    page.locator("table td", has_text="Police cooperation agreement, article 9").wait_for()


def register(page: Any, node: RunningNode, scan: Path, case: str, audience: str) -> None:
    page.get_by_role("link", name="Register").click()
    page.get_by_label("Case reference").fill(case)
    page.get_by_role("button", name="Begin").click()
    page.locator("[data-register][data-state=ready]").wait_for()
    page.locator("[data-pick]").set_input_files(str(scan))
    page.locator("[data-file][data-state=read]").wait_for(timeout=60_000)
    page.get_by_label("Kind", exact=True).select_option("crime_scene")
    page.get_by_label("Calibre", exact=True).fill("9x19")
    page.get_by_label("Level", exact=True).select_option("full")
    page.get_by_label(audience).check()
    page.locator("[data-saved]", has_text="Saved at").wait_for()
    page.get_by_role("button", name="Check and sign").click()
    page.get_by_role("button", name="Sign and submit").click()
    page.wait_for_url("**/app/records/*")
    assert page.locator("h1").inner_text() == case


def reload_until(page: Any, text: str, seconds: int = 60) -> None:
    for _ in range(seconds * 2):
        if text in page.locator("main").inner_text():
            return
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError(f"{text!r} did not come: {page.locator('main').inner_text()[:800]}")


def test_the_whole_way_of_a_case(people: People, nodes: tuple[RunningNode, RunningNode], ffp_data: Path) -> None:
    mk, rs = nodes
    operators = {node.node.node_id: people.at(node, Role.OPERATOR) for node in nodes}
    told = {}
    for node_id, page in operators.items():
        page.get_by_role("link", name="Peers").click()
        told[node_id] = page.locator(".fingerprint").inner_text()
    enrol(operators["ffp-mk"], rs, told["ffp-rs"])
    enrol(operators["ffp-rs"], mk, told["ffp-mk"])
    for node, other in ((mk, rs), (rs, mk)):
        state_first_line(people.at(node, Role.HEAD), other)

    belgrade = people.at(rs, Role.EXAMINER)
    register(belgrade, rs, ffp_data / "fadul" / "Fadul 1-1.x3p", "RS-2026-0815", "North Macedonia")
    skopje = people.at(mk, Role.EXAMINER, "examiner-lake")
    register(skopje, mk, ffp_data / "fadul" / "Fadul 1-2.x3p", "MK-2026-0044", "Serbia")

    # the candidate from Belgrade, under one light
    skopje.get_by_role("link", name="Candidates", exact=True).click()
    reload_until(skopje, "RS-2026-0815")
    skopje.get_by_role("link", name=re.compile("^Compare with RS-2026-0815")).first.click()
    wait_ready(skopje)
    pair = skopje.url
    assert "On the registration" in skopje.locator(".ffp-status").inner_text()
    box = skopje.locator(".ffp-divider").bounding_box()
    skopje.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    skopje.mouse.down()
    skopje.mouse.move(box["x"] + 200, box["y"] + box["height"] / 2, steps=5)
    skopje.mouse.up()
    assert abs(skopje.locator(".ffp-divider").bounding_box()["x"] - box["x"] - 200) < 15
    skopje.get_by_role("button", name="Light", exact=True).click()
    light = skopje.locator("label[data-slider=azimuth] input")
    light.fill("45")
    skopje.locator(".ffp-status", has_text="Light from 45°").wait_for()
    skopje.get_by_role("button", name="Cells", exact=True).click()
    skopje.locator(".ffp-status", has_text="cells congruent").wait_for()

    # she concludes; nothing is sent yet
    skopje.get_by_label("possible association", exact=True).check()
    skopje.get_by_label("What you saw").fill(REMARK)
    skopje.get_by_role("button", name="Sign my conclusion").click()
    skopje.locator("#review", has_text="Waits for a blind verification").wait_for()

    # a colleague, who has seen neither score nor verdict
    colleague = people.at(mk, Role.EXAMINER, "examiner-ridge")
    waiting = colleague.locator(".work li", has_text="Verify blind")
    waiting.get_by_role("button", name="Take it").click()
    wait_ready(colleague)
    assert REMARK not in colleague.content()
    assert not re.search("score|congruent", colleague.locator("main").inner_text(), re.IGNORECASE)
    colleague.get_by_label("possible association", exact=True).check()
    colleague.get_by_role("button", name="Sign my conclusion").click()
    colleague.locator("main", has_text="Nothing waits for your judgement.").wait_for()

    # they agree: the lead goes, signed
    skopje.reload()
    skopje.get_by_role("button", name="Sign and send the lead").click()
    skopje.wait_for_url("**/app/hits/*")
    assert "Serbia answers the lead" in skopje.locator(".next-step").inner_text()
    assert skopje.locator(".next-step .act").count() == 0, "this side has nothing to do"

    # Belgrade sees it, with a clock running, and asks for both exhibits under one microscope
    investigator = people.at(rs, Role.INVESTIGATOR)
    investigator.get_by_role("link", name="Hits", exact=True).click()
    reload_until(investigator, "MK-2026-0044")
    investigator.locator(".hit-list a").first.click()
    assert "Serbia answers the lead" in investigator.locator(".next-step").inner_text()
    investigator.get_by_text("What each side signed").click()
    assert REMARK in investigator.locator("#signed").inner_text()
    investigator.get_by_text("Ask for a comparison", exact=True).click()
    investigator.get_by_label("Day", exact=True).fill(f"{now() + timedelta(days=7):%Y-%m-%d}")
    investigator.get_by_label("Laboratory or town").fill("Skopje")
    investigator.get_by_role("button", name="Sign this step").click()
    investigator.locator("h1", has_text="Comparison of the exhibits asked for").wait_for()
    reload_until(skopje, "Comparison of the exhibits asked for")

    # the report says it in words that a prosecutor reads, and names both signatures
    skopje.goto(pair)
    with skopje.expect_download() as coming:
        skopje.get_by_role("link", name="Report (PDF)").click()
    report = PdfReader(io.BytesIO(Path(coming.value.path()).read_bytes()))
    words = re.sub(r"\s+", " ", " ".join(sheet.extract_text() for sheet in report.pages))
    for expected in ("MK-2026-0044", "RS-2026-0815", REMARK, "examiner-lake", "examiner-ridge"):
        assert expected in words, expected
    assert not re.search(r"\bmatch(es|ed)?\b", words, re.IGNORECASE)
    assert len(report.pages) >= 2
