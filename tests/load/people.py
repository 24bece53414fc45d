"""Fifty people who each open a page every five seconds, whatever became of the one before.

What a page took is counted from the moment at which it was to be asked for: a node that falls behind does not get
fewer questions for it, and nothing of the waiting is left out.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx

from tests.load.world import Person, World

EACH_S = 5.0
ANSWER_S = 60
MIX = {
    "home": 15,
    "candidates": 18,
    "candidates of a record": 17,
    "pair": 20,
    "records": 8,
    "record": 10,
    "hits": 5,
    "heights": 4,
    "thumbnail": 3,
}
"""How often, of a hundred. The first seven are pages."""
NO_PAGES = frozenset({"heights", "thumbnail"})
"""What is asked for by a page that is there already."""


@dataclass
class Told:
    """Milliseconds of each kind, and what was not answered well."""

    took_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = field(default_factory=Counter)

    def figures(self) -> dict[str, dict[str, float]]:
        pages = [one for kind, took in self.took_ms.items() if kind not in NO_PAGES for one in took]
        everything = [one for took in self.took_ms.values() for one in took]
        kinds = {kind: self.took_ms[kind] for kind in MIX if kind in self.took_ms}
        return {name: _summary(took) for name, took in {**kinds, "all pages": pages, "everything": everything}.items()}


def browse(url: str, world: World, seconds: float, seed: int) -> Told:
    """All of them, evenly spread, for so long. Cookies are those of their sessions, connections are made anew: after
    five seconds a browser's would be closed."""
    return asyncio.run(_browse(url, world, seconds, seed))


async def _browse(url: str, world: World, seconds: float, seed: int) -> Told:
    told = Told()
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=url, timeout=ANSWER_S, trust_env=False, limits=limits) as http:
        begun = time.monotonic() + 0.5
        visits = []
        for place, person in enumerate(world.people):
            dice = random.Random(f"{seed} {person.pseudonym}")
            first = begun + EACH_S * place / len(world.people)
            moments = [first + EACH_S * turn for turn in range(int(seconds / EACH_S))]
            visits += [_visit(http, world, person, dice, moment, told) for moment in moments]
        await asyncio.gather(*visits)
    return told


async def _visit(
    http: httpx.AsyncClient, world: World, person: Person, dice: random.Random, planned: float, told: Told
) -> None:
    kind, path = _choice(world, person, dice)
    await asyncio.sleep(planned - time.monotonic())
    try:
        answer = await http.get(path, headers={"Cookie": f"ffp={person.cookie}", "Accept-Encoding": "gzip"})
    except httpx.HTTPError as error:
        told.errors[f"{kind}: {type(error).__name__}"] += 1
        return
    told.took_ms[kind].append(1000 * (time.monotonic() - planned))
    if answer.status_code != httpx.codes.OK:
        told.errors[f"{kind}: {answer.status_code}"] += 1


def _choice(world: World, person: Person, dice: random.Random) -> tuple[str, str]:
    [kind] = dice.choices(list(MIX), weights=list(MIX.values()))
    pair, record, scan = dice.choice(world.pairs)
    paths = {
        "home": "/app/",
        "candidates": "/app/candidates",
        "candidates of a record": f"/app/records/{dice.choice(world.own)}/candidates",
        "pair": f"/app/pairs/{pair}?from={record}",
        "records": "/app/search",
        "record": f"/app/records/{dice.choice(world.records)}",
        "hits": "/app/hits",
        "heights": f"/app/scans/{scan}/heights/plain?form=filtered",
        "thumbnail": f"/app/records/{dice.choice(world.records)}/scans/0/picture",
    }
    return kind, paths[kind]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that so many are not above (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * int(share * 100) // 100) - 1)]


def _summary(took: Sequence[float]) -> dict[str, float]:
    return {
        "count": len(took),
        "p50 ms": round(percentile(took, 0.50), 1),
        "p95 ms": round(percentile(took, 0.95), 1),
        "p99 ms": round(percentile(took, 0.99), 1),
        "most ms": round(max(took), 1),
    }
