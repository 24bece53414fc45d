"""What an examiner judged blind is taken back where it is listed, alike for a conclusion of a colleague and for a pair
that nobody holds for a lead; and the pages say what follows from it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exchange.flows.blind.send import draw_control
from exchange.flows.blind.tasks import take_task, tasks_for
from tests.exchange.flows.blind.blind_world import FIRST, REGIONS, SECOND, BlindWorld
from tests.exchange.web.test_blind_pages import Site, at, pair_page

pytestmark = pytest.mark.slow

LIST = "/app/verifications"


def taken(world: BlindWorld) -> str:
    """The one task that waits for the second examiner, who takes it."""
    with world.rs.store.write() as session:
        (task,) = tasks_for(session, SECOND.pseudonym)
        take_task(session, SECOND.pseudonym, task.task_id)
    return f"{LIST}/{task.task_id}"


def shape(page: str) -> str:
    """A list without what differs from pair to pair."""
    main = page[page.index("<main") : page.index("</main>")]
    return re.sub(r"[0-9a-f]{32,}|case-[a-z]|North Macedonia|Serbia|<time .*?</time>", "", main)


async def judged_and_taken_back(site: Site, task: str) -> list[str]:
    """What the list of the second examiner looks like once it was judged, and once that was taken back."""
    assert (await site.post(SECOND, f"{task}/retraction", reason="Too soon.")).status_code == 404, "nothing was signed"
    answer = await site.post(SECOND, task, conclusion="no_association_indicated", remark="")
    assert answer.status_code == 303, answer.text
    before = await site.get(SECOND, LIST)
    assert "case-" in before, "it says which pair it was"
    assert (await site.post(FIRST, f"{task}/retraction", reason="Not mine.")).status_code == 404
    for _ in range(2):  # pressed twice, signed once
        answer = await site.post(SECOND, f"{task}/retraction", reason="The wrong line of the form.")
        assert (answer.status_code, answer.headers["location"]) == (303, LIST)
    return [shape(before), shape(await site.get(SECOND, LIST))]


def test_a_verification_is_taken_back_and_the_conclusion_is_to_be_signed_anew(world: BlindWorld) -> None:
    world.shown(FIRST, "a", "b", REGIONS[0], opened=True)
    world.concludes(FIRST, "a", "b", REGIONS[0])
    task = taken(world)

    async def acts(site: Site) -> None:
        before, after = await judged_and_taken_back(site, task)
        assert ("Take this conclusion back" in before, "Taken back by its examiner" in before) == (True, False)
        assert ("Take this conclusion back" in after, "Taken back by its examiner" in after) == (False, True)
        page = await site.get(FIRST, pair_page(world))
        assert "was taken back. Conclude anew" in page
        assert "do not agree" not in page

    at(world, acts)


def test_a_control_that_was_judged_and_taken_back_looks_the_same(world: BlindWorld, tmp_path: Path) -> None:
    with world.copied(tmp_path / "other") as other:
        world.shown(FIRST, "a", "b", REGIONS[0], opened=True)
        world.concludes(FIRST, "a", "b", REGIONS[0])
        asked = taken(world)
        draw_control(other.rs, 2**127)
        control = taken(other)
        lists = [
            at(one, lambda site, task=task: judged_and_taken_back(site, task))  # type: ignore[misc]
            for one, task in ((world, asked), (other, control))
        ]
    assert lists[0] == lists[1]
