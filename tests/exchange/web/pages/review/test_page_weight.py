"""What a browser fetches before the first picture of a pair stands on the screen, its scans aside."""

from __future__ import annotations

import re

import anyio
import pytest

from tests.exchange.flows.blind.blind_world import FIRST, BlindWorld
from tests.exchange.web.test_blind_pages import site_of

pytestmark = pytest.mark.slow

MOST_BYTES = 60_000
ASKED = {"Accept-Encoding": "gzip", "Sec-Fetch-Site": "same-origin"}
IMPORTED = re.compile(rb'^import .* from "\./([\w-]+\.js)";$', re.MULTILINE)


def test_the_page_of_a_pair_is_light(world: BlindWorld) -> None:
    fetched = anyio.run(_fetched, world)
    assert {"viewer.js", "workbench.css", "node.css", "session.js", "kept-work.js"} <= {
        name.rsplit("/", 1)[-1] for name in fetched
    }
    assert sum(fetched.values()) < MOST_BYTES, fetched


async def _fetched(world: BlindWorld) -> dict[str, int]:
    """By address, how many bytes travel: of the page, and of each style and script that it leads to."""
    weighed: dict[str, int] = {}
    async with site_of(world) as site:
        headers = {**ASKED, "Cookie": f"ffp={site.cookie(FIRST)}"}
        record, pair = world.records["a"], world.candidate("a", "b").row.candidate_id
        answer = await site.http.get(f"/app/pairs/{pair}?from={record}", headers=headers)
        assert answer.status_code == 200
        page = re.sub(r"<noscript>.*?</noscript>", "", answer.text, flags=re.DOTALL)  # where there is a stage is script
        waiting = re.findall(r'(?:href|src)="(/app/static/[^"]+\.(?:css|js))"', page)
        weighed["page"] = int(answer.headers["content-length"])
        while waiting:
            address = waiting.pop()
            if address in weighed:
                continue
            answer = await site.http.get(address, headers=headers)
            assert answer.headers["content-encoding"] == "gzip", address
            weighed[address] = int(answer.headers["content-length"])
            waiting += [f"{address.rsplit('/', 1)[0]}/{name.decode()}" for name in IMPORTED.findall(answer.content)]
    return weighed
