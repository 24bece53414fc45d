"""A day's work in a laboratory of two and of three examiners: an examiner who reads all and opens no
scored list of another's exhibit can still verify; where nobody is left, a partner is offered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select, update

from exchange.flows.blind.verifications import verifications_of
from exchange.flows.review.partners import offered_partners
from exchange.flows.terms.terms import state_policy
from exchange.store.access.user_rows import add_user
from exchange.store.tables.record_tables import RecordRow
from exchange.store.tables.review_tables import ExhibitsSeenRow
from schemas import Maker
from schemas.sharing import LegalBasis
from schemas.vocabulary import ExhibitKind, Jurisdiction, Role, SharingRule, SignedInBy
from tests.exchange.flows.blind.blind_world import FIRST, HEAD, SECOND, THIRD, BlindWorld, blind_world
from tests.exchange.flows.network import MK, RS
from tests.exchange.web.test_blind_pages import Site, at

pytestmark = pytest.mark.slow

INVESTIGATOR = Maker(pseudonym="inv", role=Role.INVESTIGATOR, signed_in=SignedInBy.TOKEN)
OWN = {"a": FIRST, "c": FIRST, "e": SECOND}
"""Who registered which of this node's exhibits."""
PAIRS = (("a", "b", 0.9), ("a", "d", 0.3), ("c", "b", 0.2), ("c", "d", 0.25), ("e", "b", 0.4), ("a", "e", 0.5))
"""The last one is of two examiners of the laboratory, and stands in the list of each."""
NOT_READ = ("/static/", "/picture", "/heights", "report.pdf", "bundle.zip", "/language", "/app/sign")
ROUTES = (
    "/v1/status",
    "/v1/records",
    "/v1/hits",
    "/v1/queries",
    "/v1/statements",
    "/v1/verifications",
    "/v1/alerts",
    "/v1/candidates?min_score=-10",
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> BlindWorld:
    """Exhibits of two examiners, compared across the border; the other side sent a lead on two of them."""
    with blind_world(tmp_path_factory.mktemp("day")) as world:
        world.looking = ()
        for name in OWN:
            world.exhibit(name)
        for name in ("b", "d", "f"):
            world.exhibit(name, MK)
        for one, other, score in (*PAIRS, ("c", "f", 0.35), ("e", "d", 0.8)):
            world.compare(one, other, score)
        with world.rs.store.write() as session:
            for name, who in OWN.items():
                session.execute(
                    update(RecordRow)
                    .where(RecordRow.statement_id == world.records[name])
                    .values(submitted_by=who.pseudonym)
                )
            world.tokens["inv"] = add_user(session, "inv", Role.INVESTIGATOR)
        for node, jurisdiction in ((RS, Jurisdiction.MK), (MK, Jurisdiction.RS)):
            line = LegalBasis(
                jurisdiction=jurisdiction,
                kinds=tuple(ExhibitKind),
                rule=SharingRule.ALLOWED,
                article="Article 7",
                review_by=date(2036, 1, 1),
            )
            state_policy(world.network.nodes[node], HEAD, (), (line,))
        world.hit(MK, "c", "f")
        world.network.settle()
    return world


@pytest.fixture(params=[2, 3])
def world(request: pytest.FixtureRequest, made: BlindWorld, tmp_path: Path) -> Iterator[BlindWorld]:
    with made.copied(tmp_path / "copy") as copy:
        if request.param == 3:
            with copy.rs.store.write() as session:
                copy.tokens["three"] = add_user(session, "three", Role.EXAMINER)
        yield copy


def examiners(world: BlindWorld) -> list[Maker]:
    return [who for who in (FIRST, SECOND, THIRD) if who.pseudonym in world.tokens]


async def reads_all(site: Site, who: Maker) -> int:
    """All that the first page leads to, page by page, and the routes of programs; no form is sent. Returns how many."""
    waiting, read = ["/app/", "/app/exhibits", "/app/search?calibre=9x19"], set[str]()
    waiting += [f"/app/records/{record}/candidates" for record in site.world.records.values()]
    waiting += [f"/app/pairs/{number}" for number in range(1, 20)]
    while waiting:
        path = waiting.pop(0)
        if path in read or any(part in path for part in NOT_READ):
            continue
        read.add(path)
        text = await site.get(who, path)
        waiting += [address.replace("&amp;", "&") for address in re.findall(r'href="(/app/[^"#]*)', text)]
    for route in (*ROUTES, *(f"/v1/records/{name}/candidates" for name in site.world.records.values())):
        await site.get(who, route)
    return len(read)


def day(world: BlindWorld, openers: Sequence[tuple[Maker, str]] = ()) -> dict[tuple[str, str], tuple[int, list[str]]]:
    """Everybody reads, some open a list, and the authors conclude. By pair: how many are left who may verify, and which
    partners are offered."""

    async def reading(site: Site) -> None:
        for who, name in openers:
            answer = await site.post(who, f"/app/records/{world.records[name]}/candidates/open")
            assert answer.status_code == 303
        for who in (*examiners(world), INVESTIGATOR, HEAD):
            assert await reads_all(site, who) > 20

    at(world, reading)
    found = {}
    for one, other, _ in PAIRS:
        author = OWN[one]
        said = world.concludes(author, one, other).statement_id
        [own] = [
            item for item in verifications_of(world.rs, author.pseudonym, most_done=0).own if item.statement_id == said
        ]
        found[one, other] = own.may_verify, offered_partners(world.rs, author.pseudonym, said)
    return found


def test_after_a_day_of_reading_every_colleague_can_still_verify(world: BlindWorld) -> None:
    colleagues = len(examiners(world)) - 1
    found = day(world)
    both_work_on = found.pop(("a", "e"))
    assert both_work_on == (colleagues - 1, [] if colleagues > 1 else [MK])
    assert all(left == (colleagues, []) for left in found.values())
    with world.rs.store.read() as session:
        seen = session.execute(select(ExhibitsSeenRow.pseudonym, ExhibitsSeenRow.exhibit_low)).all()
    assert {"one", "two"} <= {pseudonym for pseudonym, _ in seen}, "they did look at their own lists"


def test_where_a_colleague_opened_the_list_another_is_left_or_the_partner_is_offered(world: BlindWorld) -> None:
    left = len(examiners(world)) - 2
    found = day(world, [(SECOND, "a"), (SECOND, "c")])
    for pair in (("a", "b"), ("a", "d"), ("c", "b"), ("c", "d")):
        assert found[pair] == (left, [] if left else [MK]), pair
    assert found["e", "b"] == (left + 1, [])


def test_the_warning_names_who_is_left_and_the_list_opens_after_it(world: BlindWorld) -> None:
    lists = f"/app/records/{world.records['a']}/candidates"

    async def asks(site: Site) -> tuple[str, str, str]:
        warned = await site.get(SECOND, lists)
        await site.post(SECOND, f"{lists}/open")
        return warned, await site.get(SECOND, lists), await site.get(SECOND, "/app/exhibits")

    warned, opened, exhibits = at(world, asks)
    assert f'action="{lists}/open"' in warned
    assert re.findall(r'<li class="data">([^<]+)</li>', warned) == (["three"] if "three" in world.tokens else [])
    assert ("0.9" in warned, "exhibit-pair" in warned, "/app/pairs/" in warned) == (False, False, False)
    assert ("exhibit-pair" in opened, f"{lists}/open" in opened) == (True, False)
    assert all(world.records[name] in exhibits for name in OWN)
    assert "/app/pairs/" not in exhibits
