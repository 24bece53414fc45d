"""Enter, undo, publish and compare the law of a node and its partners; what each article holds back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from exchange.coordination.half_year.half_years import Half
from exchange.coordination.half_year.small_counts import exact
from exchange.coordination.law.compendium import compendia, compendium_of
from exchange.coordination.law.law_draft import (
    MOST_LAW_STEPS,
    discard_law_draft,
    end_article,
    law_draft,
    publish_law,
    read_articles,
    remove_article,
    replace_articles,
    save_article,
    undo_draft_step,
)
from exchange.coordination.law.law_report import ArticleAct, changes_in_half
from exchange.coordination.law.law_words import held_back_now
from exchange.errors import Conflict, InvalidInput, NotFound, TooLarge
from exchange.flows.node.node import create_node, open_node
from exchange.store.log.statement_rows import find_statement, latest_of
from exchange.store.sync.peers import find_peer, lane_items
from exchange.store.terms.terms_rows import terms_for
from schemas import Law, Maker, open_envelope, parse_statement
from schemas.vocabulary import Jurisdiction, Role, SignedInBy
from tests.exchange.coordination.half_year.monitoring_world import Clock, World
from tests.exchange.coordination.law.law_world import PARTNERS, say_all, say_law
from tests.exchange.coordination.law.made_up_law import article, made_up_law, rule
from tests.exchange.databases import SLOW_ON_POSTGRESQL, Databases, databases_fixture
from tests.schemas.examples import encoded

HEAD = Maker(pseudonym="head-1", role=Role.HEAD, signed_in=SignedInBy.TOKEN)
FIRST = article("RS", "1", rule("give", "allowed", "MK"))
SECOND = article("RS", "2", rule("receive", "allowed"))
pytestmark = pytest.mark.slow
databases = databases_fixture("sqlite", SLOW_ON_POSTGRESQL)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, databases: Databases) -> Iterator[World]:
    """Made in March 2026, its partners enrolled in April."""
    clock = Clock(datetime(2026, 3, 1, tzinfo=UTC))
    monkeypatch.setattr("exchange.clock.now", clock)
    home = tmp_path / "node"
    create_node(home, jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:9", port=9, database_url=databases.new())
    node = open_node(home)
    made = World(node, clock)
    made.at("2026-04-01")
    made.enrol(*PARTNERS)
    yield made
    node.close()


def test_a_draft_is_kept_undone_and_published(world: World) -> None:
    node = world.node
    assert law_draft(node).articles == ()
    save_article(node, HEAD, FIRST)
    shown = save_article(node, HEAD, SECOND)
    assert [step.article_id for step in shown.steps] == ["RS-synthetic-2", "RS-synthetic-1"]
    assert undo_draft_step(node).articles == (FIRST,)
    shown = save_article(node, HEAD, SECOND)
    said = publish_law(node, HEAD, shown.mark)
    with node.store.read() as session:
        row = find_statement(session, said)
        assert row is not None
        law = parse_statement(open_envelope(row.envelope or b"").payload)
        lanes = [lane_items(session, peer, start=0, limit=9) for peer in PARTNERS]
    assert isinstance(law, Law)
    assert (law.articles, law.made_by.pseudonym) == ((FIRST, SECOND), "head-1")
    assert all(said in [item.statement_id for item, _ in lane] for lane in lanes), "it is meant for all"
    after = law_draft(node)
    assert (after.steps, after.articles, after.changes) == ((), (FIRST, SECOND), ())
    with pytest.raises(Conflict) as refused:
        publish_law(node, HEAD, after.mark)
    assert refused.value.code == "nothing-to-publish"
    with pytest.raises(Conflict) as refused:
        undo_draft_step(node)
    assert refused.value.code == "nothing-to-undo"


def test_what_is_published_is_what_was_shown(world: World) -> None:
    node = world.node
    shown = save_article(node, HEAD, FIRST)
    save_article(node, HEAD, SECOND, mark=shown.mark)
    for act in (
        lambda: publish_law(node, HEAD, shown.mark),
        lambda: save_article(node, HEAD, article("RS", "3", rule("ask", "allowed")), mark=shown.mark),
        lambda: undo_draft_step(node, mark=shown.mark),
        lambda: discard_law_draft(node, mark=shown.mark),
    ):
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == "draft-changed"
    assert law_draft(node).articles == (FIRST, SECOND)
    with node.store.read() as session:
        assert latest_of(session, node.node_id, "law") is None


def test_an_undone_step_made_anew_is_another_draft(world: World) -> None:
    """The same step number, and the same articles, at another time."""
    node = world.node
    shown = save_article(node, HEAD, FIRST)
    undo_draft_step(node)
    world.at("2026-04-02")
    assert save_article(node, HEAD, FIRST).mark != shown.mark


def test_an_article_is_changed_ended_and_removed(world: World) -> None:
    node = world.node
    publish_law(node, HEAD, replace_articles(node, HEAD, (FIRST, SECOND)).mark)
    renamed = FIRST.model_copy(update={"article_id": "RS-synthetic-1a"})
    save_article(node, HEAD, renamed, before="RS-synthetic-1")
    end_article(node, HEAD, "RS-synthetic-2", date(2026, 12, 31))
    assert [change.what for change in law_draft(node).changes] == [
        ArticleAct.ADDED,
        ArticleAct.ENDED,
        ArticleAct.REMOVED,
    ]
    remove_article(node, HEAD, "RS-synthetic-2")
    assert law_draft(node).articles == (renamed,)
    assert discard_law_draft(node).articles == (FIRST, SECOND)
    with pytest.raises(Conflict) as refused:
        save_article(node, HEAD, FIRST)
    assert refused.value.code == "article-known"
    with pytest.raises(InvalidInput):
        end_article(node, HEAD, "RS-synthetic-2", date(2018, 1, 1))
    with pytest.raises(NotFound):
        remove_article(node, HEAD, "RS-synthetic-9")
    with pytest.raises(NotFound):
        save_article(node, HEAD, SECOND, before="RS-synthetic-9")
    assert law_draft(node).steps == ()


def test_a_compendium_names_sides_that_are_known_and_fits_a_statement(world: World) -> None:
    with pytest.raises(InvalidInput) as unknown:
        save_article(world.node, HEAD, article("RS", "1", rule("give", "allowed", "QQ")))
    assert unknown.value.code == "unknown-jurisdiction"
    long = [article("RS", str(number), rule("give", "allowed"), text="ж" * 4000) for number in range(40)]
    with pytest.raises(TooLarge, match="Shorten texts"):
        replace_articles(world.node, HEAD, long)
    assert law_draft(world.node).articles == ()
    assert len(replace_articles(world.node, HEAD, long[:20]).articles) == 20


def test_the_last_fifty_steps_can_be_undone(world: World) -> None:
    for number in range(MOST_LAW_STEPS + 3):
        save_article(world.node, HEAD, article("RS", str(number), rule("give", "allowed")))
    assert len(law_draft(world.node).steps) == MOST_LAW_STEPS


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_file_of_articles_is_read_strictly(wrapped: bool) -> None:
    assert read_articles(encoded(FIRST.model_dump(mode="json"))) == (FIRST,)
    written = [item.model_dump(mode="json") for item in (FIRST, SECOND)]
    data = encoded({"articles": written} if wrapped else written)
    assert read_articles(data) == (FIRST, SECOND)
    for wrong in (
        b"",
        b"[1]",
        b"1",
        b'{"articles": [], "more": 1}',
        data.replace(b'"allowed"', b'"perhaps"'),
        data[:-1],
    ):
        with pytest.raises(InvalidInput):
            read_articles(wrong)


def test_the_newest_compendium_of_each_partner_counts_and_the_old_ones_stay(world: World) -> None:
    node = world.node
    assert [item.is_entered for item in compendia(node)] == [False] * 6, "not entered, until somebody does"
    world.at("2026-05-01")
    say_all(world)
    world.at("2026-08-01")
    ended = tuple(item.model_copy(update={"in_force_until": date(2026, 9, 30)}) for item in made_up_law()["MK"][:1])
    say_law(world, "ffp-mk", (*ended, *made_up_law()["MK"][1:], article("MK", "42", rule("ask", "allowed"))))
    found = {item.jurisdiction: len(item.articles) for item in compendia(node)}
    assert found == {"RS": 4, "AL": 3, "BA": 0, "ME": 3, "MK": 3, "XK": 2}
    assert compendium_of(node, Jurisdiction.MK).articles[0].in_force_until == date(2026, 9, 30)
    with pytest.raises(NotFound):
        compendium_of(node, Jurisdiction.UA)

    first = {item.compendium.jurisdiction: item for item in changes_in_half(node, Half(2026, 1))}
    assert first[Jurisdiction.MK].first
    assert [change.what for change in first[Jurisdiction.MK].changes] == [ArticleAct.ADDED] * 2
    assert (first[Jurisdiction.BA].changes, first[Jurisdiction.BA].first) == ((), False)
    second = {item.compendium.jurisdiction: item for item in changes_in_half(node, Half(2026, 2))}
    assert [(change.what, change.article.article_id) for change in second[Jurisdiction.MK].changes] == [
        (ArticleAct.ENDED, "MK-synthetic-40"),
        (ArticleAct.ADDED, "MK-synthetic-42"),
    ]
    assert second[Jurisdiction.MK].at == "2026-08-01T00:00:00.000Z"
    assert (second[Jurisdiction.AL].changes, second[Jurisdiction.AL].at) == ((), None)
    with pytest.raises(NotFound):
        changes_in_half(node, Half(2027, 1))


def test_a_peer_that_is_enrolled_later_gets_the_compendium_in_force(world: World) -> None:
    node = world.node
    publish_law(node, HEAD, save_article(node, HEAD, FIRST).mark)
    newest = publish_law(node, HEAD, save_article(node, HEAD, SECOND).mark)
    world.enrol("ffp-ua")
    with node.store.read() as session:
        peer = find_peer(session, "ffp-ua")
        assert peer is not None
        assert terms_for(session, peer, owner=node.node_id) == [newest]


def _policy(world: World, *lines: tuple[str, str, str, str]) -> None:
    bases = [
        {"jurisdiction": to, "kinds": [kind], "rule": says, "article": words, "review_by": "2030-01-01"}
        for to, kind, says, words in lines
    ]
    world.say("policy", groups=[], bases=bases)


def test_what_an_article_holds_back_is_counted(world: World) -> None:
    """Exactly for the node's own people; for others as the approved report tells its reason, and no more."""
    node = world.node
    world.at("2026-07-10")
    _policy(
        world,
        ("MK", "crime_scene", "blocked", "Act, RS-synthetic-28"),
        ("MK", "test_fire", "blocked", "Another act"),
        ("XK", "crime_scene", "needs_approval", "Act, RS-synthetic-27.3"),
        ("XK", "test_fire", "allowed", "Act, RS-synthetic-29"),
    )
    for _ in range(6):
        world.record(kind="crime_scene")
    world.record(kind="test_fire")
    articles = made_up_law()["RS"]
    world.at("2026-07-11")
    found = held_back_now(node, articles)
    assert {(line.partner, line.reason, line.named): line.figure for line in found.lines} == {
        ("MK", "blocked", ("RS-synthetic-28",)): exact(6),
        ("MK", "blocked", ()): exact(1),
        ("MK", "no_line", ()): exact(0),
        ("XK", "needs_approval", ("RS-synthetic-27.3",)): exact(6),
        ("XK", "no_line", ()): exact(0),
        ("AL", "no_line", ()): exact(7),
        ("BA", "no_line", ()): exact(0),
        ("ME", "no_line", ()): exact(0),
    }
    assert [line.reason for line in found.towards("XK")] == ["no_line", "needs_approval"]
