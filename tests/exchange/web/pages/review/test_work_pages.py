"""Who works on what, on the pages: many lines of the first page at once, a line in lists, a bar on a thing's page."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select, update

from exchange.flows.access.sign_in import csrf_of
from exchange.store.access.user_rows import add_user
from exchange.store.tables.record_tables import RecordRow
from exchange.store.tables.review_tables import PairSetAsideRow, TakenWorkRow
from schemas import Maker
from schemas.vocabulary import Role, SignedInBy
from tests.exchange.flows.blind.blind_world import FIRST, HEAD, REGIONS, SECOND, BlindWorld, blind_world
from tests.exchange.flows.network import MK, RS
from tests.exchange.web.test_blind_pages import Site, at

pytestmark = pytest.mark.slow

BREECH, PIN = REGIONS
INVESTIGATOR = Maker(pseudonym="inv", role=Role.INVESTIGATOR, signed_in=SignedInBy.TOKEN)
WEAK = [f"w{number}" for number in range(4)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> BlindWorld:
    """Serbia's a and c, registered by the first examiner; a hit of the other side on c and d."""
    with blind_world(tmp_path_factory.mktemp("work")) as world:
        for name, owner in (("a", RS), ("b", MK), ("c", RS), ("d", MK), *((name, MK) for name in WEAK)):
            world.exhibit(name, owner)
        for one, other, score in (("a", "b", 0.9), ("c", "b", 0.4), ("c", "d", 0.4)):
            world.compare(one, other, score)
        for place, name in enumerate(WEAK):
            world.compare("a", name, 0.1 + 0.01 * place)
        with world.rs.store.write() as session:
            ours = update(RecordRow).where(RecordRow.issuer == RS)
            session.execute(ours.values(submitted_by=FIRST.pseudonym))
            world.tokens[INVESTIGATOR.pseudonym] = add_user(session, INVESTIGATOR.pseudonym, INVESTIGATOR.role)
        world.hit(MK, "c", "d", PIN)
    return world


def taken(world: BlindWorld) -> set[tuple[str, str]]:
    with world.rs.store.read() as session:
        return {(row.kind, row.taken_by) for row in session.scalars(select(TakenWorkRow))}


def boxes(page: str) -> list[str]:
    return re.findall(r'<input type="checkbox" form="chosen-work" name="(on\.(?:exhibit|hit)\.[0-9a-f]{64})"', page)


def test_many_lines_are_taken_given_and_put_back_at_once(world: BlindWorld) -> None:
    async def acts(site: Site) -> None:
        home = await site.get(FIRST, "/app/")
        chosen = dict.fromkeys(boxes(home), "1")
        assert len(chosen) == 3
        assert '<option value="two">two, examiner</option>' in home
        assert '<option value="one">' not in home
        answer = await site.post(FIRST, "/app/work", take="chosen", back="/app/?of=mine", **chosen)
        assert (answer.status_code, answer.headers["location"]) == (303, "/app/?of=mine")
        mine = await site.get(FIRST, "/app/?of=mine")
        assert (mine.count("You work on it since"), len(boxes(mine))) == (3, 3)
        assert "No line is of that kind" in await site.get(FIRST, "/app/?of=nobody")

        await site.post(FIRST, "/app/work", give="chosen", to="two", **chosen)
        assert taken(world) == {("exhibit", "two"), ("hit", "two")}
        theirs = await site.get(SECOND, "/app/?of=mine")
        assert theirs.count("given by one") == 3
        assert (await site.get(FIRST, "/app/")).count("two works on it since") == 3
        assert "two works on it since" in await site.get(INVESTIGATOR, "/app/")

        await site.post(SECOND, "/app/work", **{"put-back": "chosen"}, **chosen)
        assert taken(world) == set()
        assert (await site.post(FIRST, "/app/work", take="chosen")).status_code == 422, "nothing was chosen"
        assert (await site.post(FIRST, "/app/work", **chosen)).status_code == 422, "no act"

    at(world, acts)


def test_from_the_pages_of_the_thing_itself_and_from_lists(world: BlindWorld) -> None:
    async def acts(site: Site) -> None:
        record = f"/app/records/{world.records['a']}"
        for page in (record, f"{record}/candidates", "/app/candidates"):
            shown = await site.get(FIRST, page)
            (key,) = set(re.findall(rf'name="take" value="(exhibit\.{world.records["a"]})"', shown))
        answer = await site.post(FIRST, "/app/work", take=key, back=record)
        assert answer.headers["location"] == record
        for page in (record, f"{record}/candidates", "/app/candidates"):
            assert "You work on it since" in await site.get(FIRST, page)
        assert "one works on it since" in await site.get(HEAD, record)
        for page in (record, f"{record}/candidates", "/app/exhibits"):
            told = await site.get(SECOND, page)
            assert ("works on it" in told, "I take it" in told) == (False, False), page

        hits = await site.get(INVESTIGATOR, "/app/hits")
        (link,) = re.findall(r'name="take" value="hit\.([0-9a-f]{64})"', hits)
        await site.post(INVESTIGATOR, "/app/work", take=f"hit.{link}", back="https://elsewhere.example/")
        for page in ("/app/hits", f"/app/hits/{link}"):
            assert "inv works on it since" in await site.get(SECOND, page)
        assert "Advice, no lock" in await site.get(SECOND, f"/app/hits/{link}")
        head = await site.get(HEAD, f"/app/hits/{link}")
        assert ("I take it" in head, 'name="give"' in head, 'name="put-back"' in head) == (False, True, True)
        await site.post(HEAD, "/app/work", give=f"hit.{link}", to="two")
        assert ("hit", "two") in taken(world)

    at(world, acts)


def test_the_heads_home_says_who_has_how_much_and_what_nobody_took(world: BlindWorld) -> None:
    async def acts(site: Site) -> None:
        home = await site.get(HEAD, "/app/")
        chosen = dict.fromkeys(boxes(home), "1")
        assert ("Nobody took anything." in home, len(chosen)) == (True, 2)
        assert "entered by one" in home
        assert "I take the chosen" not in home
        await site.post(HEAD, "/app/work", give="chosen", to="two", **chosen)
        home = await site.get(HEAD, "/app/")
        row = re.search(r'<tr><th scope="row">two</th>(.*?)</tr>', home)
        assert row is not None
        assert re.findall(r">(\d+)<", row[1]) == ["2", "0", "2"]
        assert boxes(home) == []

    at(world, acts)


def test_pairs_are_set_aside_and_brought_back(world: BlindWorld) -> None:
    lists = f"/app/records/{world.records['a']}/candidates"

    async def acts(site: Site) -> None:
        shown = await site.get(FIRST, lists)
        (tag,) = re.findall(r'name="list" value="([0-9a-f]{64})"', shown)
        assert re.findall(r'form="set-aside" name="(pair\.[0-9a-f]{64})"', shown) == [f"pair.{world.records['b']}"]
        answer = await site.post(FIRST, lists, aside="chosen", list=tag, **{f"pair.{world.records['b']}": "1"})
        assert (answer.status_code, answer.headers["location"]) == (303, f"{lists}#aside")
        folded = await site.get(FIRST, lists)
        assert "1 pair that you set aside" in folded
        assert "case-b" not in folded, "it is not sent before it is asked for"
        assert "1 pair that you set aside" in await site.get(FIRST, "/app/candidates")
        assert "case-b" in await site.get(FIRST, f"{lists}?aside=1")
        await site.post(FIRST, lists, aside="rest", list=tag)
        assert "5 pairs that you set aside" in await site.get(FIRST, lists)
        assert f'href="{lists}"' not in await site.get(FIRST, "/app/"), "it was looked at"
        assert "set aside" not in await site.get(HEAD, lists)
        assert "that you set aside" not in await site.get(SECOND, lists)
        await site.post(FIRST, lists, back=world.records["b"])
        assert "4 pairs that you set aside" in await site.get(FIRST, lists)
        await site.post(FIRST, lists, back="all")
        assert "that you set aside" not in await site.get(FIRST, lists)
        assert (await site.post(FIRST, lists, aside="rest", list="0" * 64)).status_code == 409
        assert (await site.post(FIRST, lists, aside="chosen", list=tag)).status_code == 422
        assert (await site.post(HEAD, lists, aside="rest", list=tag)).status_code == 403

    at(world, acts)
    with world.rs.store.read() as session:
        assert session.scalars(select(PairSetAsideRow)).all() == []


def test_a_list_keeps_its_place_when_a_line_is_taken_and_stays_open_when_pairs_are_set_aside(world: BlindWorld) -> None:
    async def acts(site: Site) -> None:
        hits = await site.get(INVESTIGATOR, "/app/hits")
        (link,) = re.findall(r'name="take" value="hit\.([0-9a-f]{64})"', hits)
        assert f'id="on-hit.{link}"' in hits
        answer = await site.post(INVESTIGATOR, "/app/work", take=f"hit.{link}", back="/app/hits", lines="1")
        assert answer.headers["location"] == f"/app/hits#on-hit.{link}"
        assert f'id="on-hit.{link}"' in await site.get(INVESTIGATOR, "/app/hits")

        lists = f"/app/records/{world.records['a']}/candidates"
        (tag,) = re.findall(r'name="list" value="([0-9a-f]{64})"', await site.get(FIRST, f"{lists}?rest=weaker"))
        cookie = site.cookie(FIRST)
        headers = {"Cookie": f"ffp={cookie}", "Referer": f"{world.rs.settings.url}{lists}?rest=weaker"}
        fields = {"csrf": csrf_of(cookie), "list": tag, "aside": "rest"}
        answer = await site.http.post(lists, data=fields, headers=headers)
        assert answer.headers["location"] == f"{lists}?rest=weaker#aside"

    at(world, acts)
