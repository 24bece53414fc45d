"""The compendium of law as PDF/A: all sides at a glance, each side's articles, the table of concordance and what
changed; and one page for a pair."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from exchange.coordination.law.compendium import Compendium
from exchange.coordination.law.law_report import LawMatrix, LawReport
from exchange.coordination.law.law_words import (
    LAW_MARKS,
    all_provisions_note,
    article_act_words,
    by_kind_words,
    direction_words,
    english_title,
    kinds_words,
    lack_words,
    law_field_words,
    law_state_words,
    matrix_question,
    provisions_words,
    side_says_words,
    sides_words,
)
from exchange.coordination.law.pair_of_law import LawState, OneWay, PairOfLaw, SideSays
from exchange.coordination.outside_words import outside_words
from exchange.web.languages import gettext as _
from exchange.web.languages import term
from exchange.web.languages.days import moment
from exchange.web.report.blocks import (
    Block,
    beside,
    bullets,
    columns,
    heading,
    judged,
    judged_table,
    paragraph,
    quiet,
    tables,
    together,
)
from exchange.web.report.render_report import paper_data, set_pdf
from schemas import LawArticle
from schemas.law import LawDirection

_FITS_A_PAGE = 1200
"""Characters of a text beside its other language, with the heading and the rules above it."""


def render_law(report: LawReport) -> bytes:
    """The compendium in the language that is spoken. The same report gives the same bytes."""
    return _pdf(law_data(report))


def render_law_pair(pair: PairOfLaw, report: LawReport) -> bytes:
    """One page for two sides."""
    return _pdf(law_pair_data(pair, report))


def law_data(report: LawReport) -> dict[str, Any]:
    return _document(
        report,
        _("Compendium of law"),
        [
            *_caution(),
            *_matrices(report.matrix),
            *(block for law in report.laws for block in _side(law)),
            *_concordance(report),
            *_changes(report),
        ],
    )


def law_pair_data(pair: PairOfLaw, report: LawReport) -> dict[str, Any]:
    one, other = (term(law.jurisdiction, "jurisdiction") for law in (pair.one, pair.other))
    return _document(
        report,
        _("Law between %(one)s and %(other)s", one=one, other=other),
        [
            *_caution(),
            beside(_way(pair.there), _way(pair.back)),
            beside(_missing(pair, pair.one), _missing(pair, pair.other)),
        ],
    )


def _pdf(data: dict[str, Any]) -> bytes:
    return set_pdf(data)


def _document(report: LawReport, title: str, blocks: list[Block]) -> dict[str, Any]:
    return paper_data(
        title,
        _(
            "As the node %(node)s of %(jurisdiction)s held it on %(moment)s",
            node=report.node_id,
            jurisdiction=term(report.here, "jurisdiction"),
            moment=moment(report.at),
        ),
        report.node_id,
        datetime.fromisoformat(report.at),
        blocks,
        wide=True,
    )


def _caution() -> list[Block]:
    return [quiet(law_caution())]


def law_caution() -> str:
    return _(
        "Each side enters its own law and signs it. It informs: who may have which record is decided by the policy of "
        "its owner alone. Where articles of one side differ, those that name the other side go before those for all, "
        "and of what is left the strictest holds."
    )


def _matrices(matrix: LawMatrix) -> list[Block]:
    sides = [term(code, "jurisdiction") for code in matrix.sides]
    blocks = [heading(_("All sides at a glance"), 1)]
    pictures = []
    for direction in LawDirection:
        rows = [
            (
                term(side, "jurisdiction"),
                [None if other == side else matrix.states[direction][side][other] for other in matrix.sides],
            )
            for side in matrix.sides
        ]
        pictures.append(judged_table(direction_words(direction), matrix_question(direction), sides, _marked(rows)))
    blocks.append(tables(pictures))
    blocks.append(judged([(str(state), LAW_MARKS[state], law_state_words(state)) for state in LawState]))
    return blocks


def _marked(rows: Sequence[tuple[str, list[LawState | None]]]) -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        (name, [("self", "") if state is None else (str(state), LAW_MARKS[state]) for state in states])
        for name, states in rows
    ]


def _side(law: Compendium) -> list[Block]:
    blocks = [heading(term(law.jurisdiction, "jurisdiction"), 1)]
    if law.edition is None or not law.articles:
        return [*blocks, paragraph(_("not entered"))]
    blocks.append(
        quiet(
            _(
                "Published by %(node)s, known here since %(moment)s, statement %(statement)s",
                node=law.node_id,
                moment=moment(law.edition.at),
                statement=law.edition.statement_id,
            )
        )
    )
    return [*blocks, *(block for article in law.articles for block in _article(article))]


def _article(article: LawArticle) -> list[Block]:
    english = article.text_en or _("No English text is entered.")
    return [together(_whole(article), long=max(len(article.text), len(english)) > _FITS_A_PAGE)]


def _whole(article: LawArticle) -> list[Block]:
    english = article.text_en or _("No English text is entered.")
    return [
        heading(f"{article.article_id}: {english_title(article)}, {article.article}", 2),
        quiet(_in_force(article)),
        columns(
            [_("Direction"), _("Rule"), _("Exhibits"), _("Other side"), _("In words")],
            [
                [
                    direction_words(rule.direction),
                    term(rule.rule, "sharing_rule"),
                    kinds_words(rule.kinds),
                    sides_words(rule),
                    rule.words or "",
                ]
                for rule in article.rules
            ],
        ),
        beside([quiet(article.title), paragraph(article.text)], [quiet(_("In English")), paragraph(english)]),
    ]


def _in_force(article: LawArticle) -> str:
    until = str(article.in_force_until or "–")
    return _(
        "In force from %(since)s to %(until)s, review by %(review)s. It answers: %(provisions)s",
        since=str(article.in_force_since),
        until=until,
        review=str(article.review_by),
        provisions=provisions_words(article) or _("not entered"),
    )


def _concordance(report: LawReport) -> list[Block]:
    sides = report.matrix.sides
    rows = []
    for row in report.concordance.rows:
        name = row.provision if row.fact is None else str(row.fact.more["short"])
        cells = ["\n".join(article.article_id for article in row.answers.get(side, ())) or "–" for side in sides]
        rows.append([name, *cells])
    in_words = [
        "\n".join(f"{item.article_id}: {item.provision_words}" for item in report.concordance.in_words.get(side, ()))
        for side in sides
    ]
    rows.append([_("In own words"), *(cell or "–" for cell in in_words)])
    note = all_provisions_note()
    return [
        heading(_("Table of concordance"), 1),
        *([quiet(note)] if note is not None else []),
        columns([_("Provision"), *(term(side, "jurisdiction") for side in sides)], rows),
        bullets(
            *(
                outside_words(f"{row.fact.text} ({row.fact.source})")
                for row in report.concordance.rows
                if row.fact is not None
            )
        ),
    ]


def _changes(report: LawReport) -> list[Block]:
    rows = [
        [
            term(item.compendium.jurisdiction, "jurisdiction"),
            change.article.article_id,
            article_act_words(change),
            law_field_words(change.fields),
        ]
        for item in report.changes
        for change in item.changes
    ]
    blocks = [heading(_("What changed in the half-year %(half)s", half=str(report.half)), 1)]
    if not rows:
        return [*blocks, paragraph(_("Nothing changed."))]
    return [*blocks, columns([_("Side"), _("Article"), _("Change"), _("What differs")], rows)]


def _way(way: OneWay) -> list[Block]:
    title = _(
        "From %(giver)s to %(receiver)s",
        giver=term(way.giver, "jurisdiction"),
        receiver=term(way.receiver, "jurisdiction"),
    )
    return [heading(title, 1), *(block for said in way.said for block in _said(said))]


def _said(said: SideSays) -> list[Block]:
    blocks = [
        judged([(str(said.state), LAW_MARKS[said.state], f"{side_says_words(said)}: {law_state_words(said.state)}")])
    ]
    parts = [f"{LAW_MARKS[state]} {kind}: {law_state_words(state)}" for kind, state in by_kind_words(said)]
    if parts:
        blocks.append(quiet("; ".join(parts)))
    if said.rulings:
        blocks.append(
            bullets(
                *(
                    f"{ruling.article.article_id}, {english_title(ruling.article)}, {ruling.article.article}: "
                    f"{term(ruling.rule.rule, 'sharing_rule')}; {kinds_words(ruling.rule.kinds)}; "
                    f"{sides_words(ruling.rule)}"
                    for ruling in said.rulings
                )
            )
        )
    return blocks


def _missing(pair: PairOfLaw, law: Compendium) -> list[Block]:
    lacks = pair.lacks_of(law.jurisdiction)
    title = _("What is missing on the side of %(side)s", side=term(law.jurisdiction, "jurisdiction"))
    said = [lack_words(lack) for lack in lacks]
    return [heading(title, 2), bullets(*said) if said else paragraph(_("Nothing is missing."))]
