"""What articles say of a direction and a pair, what is missing, and where policy and compendium differ: no node."""

from __future__ import annotations

from datetime import date

import pytest

from exchange.coordination.law.law_report import ArticleAct, article_changes, concordance, law_matrix
from exchange.coordination.law.pair_of_law import (
    LackOfLaw,
    LawState,
    LinkFault,
    articles_named,
    in_force,
    law_state,
    link_findings,
    pair_of_law,
    rulings,
    states_by_kind,
)
from exchange.coordination.law.provisions import eu_provisions, short_provision
from schemas import LegalBasis
from schemas.law import LawDirection
from schemas.vocabulary import ExhibitKind, Jurisdiction, SharingRule
from tests.exchange.coordination.law.law_world import compendium
from tests.exchange.coordination.law.made_up_law import article, made_up_law, rule

DAY = date(2026, 9, 1)
GIVE, ASK, RECEIVE = LawDirection.GIVE, LawDirection.ASK, LawDirection.RECEIVE
ALL = {code: compendium(code) for code in made_up_law()}


@pytest.mark.parametrize(
    ("side", "direction", "other", "state"),
    [
        ("MK", GIVE, "RS", LawState.ALLOWED),  # the rule that names Serbia goes before the one for all
        ("MK", GIVE, "AL", LawState.NEEDS_APPROVAL),
        ("AL", GIVE, "RS", LawState.DIFFERS),
        ("RS", GIVE, "MK", LawState.DIFFERS),  # seized exhibits are blocked
        ("RS", GIVE, "XK", LawState.NEEDS_APPROVAL),
        ("ME", GIVE, "XK", LawState.NOT_ENTERED),
        ("ME", GIVE, "AL", LawState.BLOCKED),
        ("XK", ASK, "RS", LawState.NOT_ENTERED),
        ("XK", RECEIVE, "RS", LawState.ALLOWED),
        ("BA", RECEIVE, "RS", LawState.NOT_ENTERED),
    ],
)
def test_what_the_law_says_of_one_direction(side: str, direction: LawDirection, other: str, state: LawState) -> None:
    assert law_state(ALL[side].articles, direction, Jurisdiction(other), DAY) is state


def test_the_strictest_of_equal_rules_holds() -> None:
    allows = article("RS", "1", rule("give", "allowed"))
    blocks = article("RS", "2", rule("give", "blocked"))
    for articles in ((allows, blocks), (blocks, allows)):
        assert law_state(articles, GIVE, Jurisdiction.MK, DAY) is LawState.BLOCKED


def test_a_kind_of_exhibit_that_no_rule_names_is_not_allowed_by_the_others() -> None:
    found = rulings([article("RS", "1", rule("give", "allowed", kinds=("test_fire",)))], GIVE, Jurisdiction.MK, DAY)
    assert states_by_kind(found)[ExhibitKind.TEST_FIRE] is LawState.ALLOWED
    assert states_by_kind(found)[ExhibitKind.CRIME_SCENE] is LawState.NOT_ENTERED


def test_both_days_of_an_article_count() -> None:
    ended = article("RS", "1", rule("give", "allowed"), in_force_since="2026-09-01", in_force_until="2026-09-01")
    assert in_force(ended, DAY)
    assert not in_force(ended, date(2026, 8, 31))
    assert not in_force(ended, date(2026, 9, 2))
    assert law_state([ended], GIVE, Jurisdiction.MK, date(2026, 9, 2)) is LawState.NOT_ENTERED


def test_the_picture_has_each_pair_once_in_each_direction() -> None:
    matrix = law_matrix(list(ALL.values()), DAY)
    assert matrix.sides == tuple(map(Jurisdiction, ("AL", "BA", "ME", "MK", "RS", "XK")))
    for direction in LawDirection:
        assert sum(matrix.counted(direction, state) for state in LawState) == 30
    assert matrix.states[GIVE][Jurisdiction.MK][Jurisdiction.RS] is LawState.ALLOWED
    assert set(matrix.states[GIVE][Jurisdiction.BA].values()) == {LawState.NOT_ENTERED}


def test_a_pair_shows_both_ways_and_what_each_side_lacks() -> None:
    pair = pair_of_law(ALL["RS"], ALL["ME"], DAY)
    assert [item.state for item in pair.there.said] == [
        LawState.DIFFERS,  # seized exhibits need an approval
        LawState.NEEDS_APPROVAL,
        LawState.ALLOWED,
    ]
    assert [item.side for item in pair.back.said] == ["ME", "RS", "RS"]
    lacks = {(lack.side, lack.lack, lack.direction, lack.article_id) for lack in pair.lacks}
    assert lacks == {
        ("ME", LackOfLaw.ONE_SIDED, RECEIVE, None),
        ("ME", LackOfLaw.NO_ENGLISH, None, "ME-synthetic-31"),
        ("ME", LackOfLaw.REVIEW_OVERDUE, None, "ME-synthetic-32"),
    }


def test_a_side_that_entered_nothing_lacks_just_that() -> None:
    pair = pair_of_law(ALL["RS"], ALL["BA"], DAY)
    assert [lack.lack for lack in pair.lacks_of("BA")] == [LackOfLaw.NOTHING_ENTERED]
    assert pair.lacks_of("RS") == ()


def test_a_side_lacks_a_direction_and_a_provision() -> None:
    lacks = {
        (lack.lack, lack.direction, lack.article_id) for lack in pair_of_law(ALL["RS"], ALL["XK"], DAY).lacks_of("XK")
    }
    assert lacks == {
        (LackOfLaw.DIRECTION_NOT_ENTERED, ASK, None),
        (LackOfLaw.ONE_SIDED, GIVE, None),
        (LackOfLaw.NO_PROVISION, None, "XK-synthetic-8"),
    }


def test_every_known_provision_has_a_row_and_an_unknown_one_too() -> None:
    later = compendium("MK", (article("MK", "1", rule("give", "allowed"), provisions=["eu-2031-1"]),))
    table = concordance([ALL["RS"], later, ALL["BA"]], DAY)
    assert [row.provision for row in table.rows] == [*eu_provisions(), "eu-2031-1"]
    assert table.rows[-1].fact is None
    answered = {row.provision: [item.article_id for item in row.answers[Jurisdiction.RS]] for row in table.rows}
    assert answered["eu-2016-680"] == ["RS-synthetic-27.2", "RS-synthetic-27.3"]
    assert answered["eu-2021-555"] == []
    assert [item.article_id for item in table.in_words[Jurisdiction.RS]] == ["RS-synthetic-27.3"]


def test_the_provisions_say_where_they_are_from_and_that_nobody_verified_them() -> None:
    assert len(eu_provisions()) >= 9
    assert all(fact.source and fact.text and not fact.verified for fact in eu_provisions().values())
    assert short_provision("eu-2021-555") == "Directive (EU) 2021/555"
    assert short_provision("eu-2031-1") == "eu-2031-1"


def test_an_article_is_named_by_its_whole_id() -> None:
    known = {"RS-a-2", "RS-a-27", "RS-a-27.2"}
    assert articles_named("Act, RS-a-27.2.", known) == ["RS-a-27.2"]
    assert articles_named("RS-a-27, RS-a-2 and XRS-a-2", known) == ["RS-a-27", "RS-a-2"]
    assert articles_named("Police cooperation agreement, article 9", known) == []


def _line(words: str, says: SharingRule, *kinds: ExhibitKind, to: str = "MK") -> LegalBasis:
    return LegalBasis(jurisdiction=Jurisdiction(to), kinds=kinds, rule=says, article=words, review_by=date(2027, 1, 1))


def test_where_policy_and_compendium_differ() -> None:
    ended = article("RS", "5", rule("give", "allowed"), in_force_until="2020-01-01")
    articles = (*made_up_law()["RS"], ended)
    bases = (
        _line("Agreement of 2019, article 9", SharingRule.ALLOWED, ExhibitKind.REPLICA),
        _line("Act, RS-synthetic-27.2", SharingRule.ALLOWED, ExhibitKind.CRIME_SCENE),
        _line("Act, RS-synthetic-28", SharingRule.ALLOWED, ExhibitKind.SEIZED),
        _line("Act, RS-synthetic-5", SharingRule.BLOCKED, ExhibitKind.TEST_FIRE),
    )
    found = link_findings(bases, articles, [Jurisdiction.MK, Jurisdiction.XK], DAY)
    assert [(item.fault, item.article_id) for item in found] == [
        (LinkFault.LINE_NAMES_NONE, None),
        (LinkFault.OTHER_RULE, "RS-synthetic-28"),
        (LinkFault.NOT_IN_FORCE, "RS-synthetic-5"),
        (LinkFault.NO_LINE, "RS-synthetic-27.3"),
    ]
    assert found[1].says is LawState.BLOCKED
    assert found[3].partners == (Jurisdiction.MK, Jurisdiction.XK), "one sentence for all of whom it speaks"


def test_changes_are_told_by_article() -> None:
    kept, ended, altered, gone = (article("RS", number, rule("give", "allowed")) for number in "1234")
    after = (
        altered.model_copy(update={"review_by": date(2030, 1, 1)}),
        kept,
        ended.model_copy(update={"in_force_until": DAY}),
        article("RS", "6", rule("ask", "allowed")),
    )
    found = article_changes((kept, ended, altered, gone), after)
    assert [(change.what, change.article.article_id[-1], change.fields) for change in found] == [
        (ArticleAct.CHANGED, "3", ("review_by",)),
        (ArticleAct.ENDED, "2", ("in_force_until",)),
        (ArticleAct.ADDED, "6", ()),
        (ArticleAct.REMOVED, "4", ()),
    ]
