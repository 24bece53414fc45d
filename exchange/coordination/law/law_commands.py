"""``ffp law``: the law of each side, and this side's: entered as a draft, then signed and published to all partners."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from exchange.cli.acting import Acting, code_of, maker_as_head, read_named_file
from exchange.cli.node_commands import Home
from exchange.cli.opening import node_at
from exchange.cli.tables import AsJson, TableColumn, print_facts, print_json, print_table, tell
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.handed_out import LanguageOption
from exchange.coordination.law.compendium import compendium_of
from exchange.coordination.law.law_draft import (
    LawDraft,
    law_draft,
    publish_law,
    read_articles,
    replace_articles,
    save_article,
    undo_draft_step,
)
from exchange.coordination.law.law_paper import render_law, render_law_pair
from exchange.coordination.law.law_report import law_report
from exchange.coordination.law.pair_of_law import in_force
from exchange.coordination.law.provisions import eu_provisions
from exchange.errors import InvalidInput, NotFound
from exchange.extras.known import require_extra
from exchange.web.languages import Spoken
from exchange.web.languages.spoken import speaking
from schemas import LawArticle
from schemas.strict_json import MAX_STATEMENT_BYTES

app = typer.Typer(help="The law of each side: read it, enter it, publish it.", no_args_is_help=True)

ArticleFile = Annotated[Path, typer.Argument(help="JSON with one article, a list of them, or an object `articles`.")]
_NOT_ENTERED = "not entered"


@app.command("list")
def list_laws(home: Home = None, as_json: AsJson = False) -> None:
    """List the sides, with how many articles of each are in force."""

    with node_at(home) as node:
        report = law_report(node)
        names = {law.jurisdiction: node.jurisdictions.name(law.jurisdiction) for law in report.laws}
        footnotes = node.jurisdictions.footnotes(names)
    fields = [
        {
            "jurisdiction": law.jurisdiction,
            "node": law.node_id,
            "articles_in_force": sum(in_force(article, report.day) for article in law.articles),
            "articles": len(law.articles),
            "known_since": law.edition.at if law.edition else None,
            "statement": law.edition.statement_id if law.edition else None,
        }
        for law in report.laws
    ]
    if as_json:
        print_json(fields)
        return
    columns = [TableColumn("side"), TableColumn("node"), TableColumn("in force", number=True), TableColumn("since")]
    rows = [
        [names[law.jurisdiction], one["node"], one["articles_in_force"], one["known_since"] or _NOT_ENTERED]
        for law, one in zip(report.laws, fields, strict=True)
    ]
    print_table(columns, rows)
    for footnote in footnotes:
        typer.echo(footnote)


@app.command("show")
def show_law(
    jurisdiction: Annotated[str, typer.Argument(help="The code of a side, such as MK.")],
    article: Annotated[str | None, typer.Argument(help="The id of one article: all of it.")] = None,
    draft: Annotated[bool, typer.Option("--draft", help="This side's draft, not what is published.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Show the articles of one side; with --json as `ffp law import` reads them."""

    code = code_of(jurisdiction)
    with node_at(home) as node:
        if draft and code != node.settings.jurisdiction:
            raise InvalidInput(f"The draft is of {node.settings.jurisdiction}.")
        found = law_draft(node).articles if draft else compendium_of(node, code).articles
        own = code == node.settings.jurisdiction
    shown = [item for item in found if article in (None, item.article_id)]
    if article is not None and not shown:
        raise NotFound(f"There is no article {article}.")
    if as_json:
        print_json({"articles": shown})
    elif article is not None:
        print_facts(_in_full(shown[0]))
    elif not shown:
        enter = "ffp law add FILE --as HEAD, then ffp law publish --as HEAD"
        step = f"the head enters it: {enter}" if own else "its head has published none that came here"
        typer.echo(f"{_NOT_ENTERED}; {step}")
    else:
        headings = ("article", "law", "since", "until", "review by", "says")
        rows = [
            [
                item.article_id,
                f"{item.title_en or item.title}, {item.article}",
                item.in_force_since,
                item.in_force_until,
                item.review_by,
                "; ".join(f"{rule.direction} {rule.rule}" for rule in item.rules),
            ]
            for item in shown
        ]
        print_table([TableColumn(heading) for heading in headings], rows)


@app.command("add")
def add_articles(file: ArticleFile, acting: Acting, home: Home = None, as_json: AsJson = False) -> None:
    """Put articles into this side's draft; one whose id is there already takes that one's place. Nothing is signed."""

    articles = _read(file)
    with node_at(home) as node:
        maker, draft = maker_as_head(node, acting), law_draft(node)
        for article in articles:
            known = any(item.article_id == article.article_id for item in draft.articles)
            draft = save_article(node, maker, article, mark=draft.mark, before=article.article_id if known else None)
    _warn_of_provisions(articles)
    _tell_draft(draft, as_json=as_json)


@app.command("import")
def import_articles(
    file: ArticleFile,
    acting: Acting,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Replace all articles of this side's draft by those of a file, as `ffp law show --json` writes them. Nothing is
    signed."""

    articles = _read(file)
    with node_at(home) as node:
        maker, draft = maker_as_head(node, acting), law_draft(node)
        if not yes:
            asked = f"Replace the {len(draft.articles)} articles of the draft by {len(articles)}?"
            typer.confirm(asked, abort=True, err=as_json)
        draft = replace_articles(node, maker, articles, mark=draft.mark)
    _warn_of_provisions(articles)
    _tell_draft(draft, as_json=as_json)


@app.command("undo")
def undo(acting: Acting, home: Home = None, as_json: AsJson = False) -> None:
    """Take back the last change of this side's draft."""

    with node_at(home) as node:
        maker_as_head(node, acting)
        draft = undo_draft_step(node)
    _tell_draft(draft, as_json=as_json)


@app.command("publish")
def publish(
    acting: Acting,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Sign this side's draft and publish it to all partners, once you have confirmed what changes."""

    with node_at(home) as node:
        maker, draft = maker_as_head(node, acting), law_draft(node)
        changes = _changes(draft)
        for line in changes:
            typer.echo(line, err=as_json)
        _warn_of_provisions(draft.articles)
        if changes and not yes:
            typer.confirm("Sign and publish it?", abort=True, err=as_json)
        said = publish_law(node, maker, draft.mark)
    tell(as_json, {"statement": said, "changes": changes}, f"It is published; the statement is {said}.")


@app.command("report")
def write_report(
    out: Annotated[Path, typer.Option(help="The PDF to write.")],
    pair: Annotated[str | None, typer.Option(help="One page for two sides, such as RS-MK.")] = None,
    half: Annotated[str | None, typer.Option(help="Whose changes are told, such as 2026H2.")] = None,
    language: LanguageOption = "en",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Write the compendium of all sides as PDF, or one page for a pair."""

    sides = [code_of(word) for word in pair.split("-")] if pair is not None else []
    if pair is not None and len(sides) != 2:
        raise InvalidInput("A pair is written RS-MK.")
    require_extra("pdf", "A report as PDF")
    with node_at(home) as node:
        report = law_report(node, Half.parse(half) if half is not None else None)
        known = node.jurisdictions
        with speaking(Spoken(language, directory=lambda: known)):
            made = render_law_pair(report.pair(sides[0], sides[1]), report) if sides else render_law(report)
    out.write_bytes(made)
    tell(as_json, {"written": out, "pair": pair, "half": str(report.half)}, f"Written: {out}.")


def _read(file: Path) -> tuple[LawArticle, ...]:
    """A file with one article is a list of one."""

    return read_articles(read_named_file(file, MAX_STATEMENT_BYTES))


def _warn_of_provisions(articles: Iterable[LawArticle]) -> None:
    """One that no list has may be of a later release, or mistyped: it stands by its id alone, so that is said."""

    known = eu_provisions()
    unknown = [(item.article_id, name) for item in articles for name in item.provisions if name not in known]
    for article_id, name in unknown:
        typer.echo(f"Warning, {article_id}: this release knows no provision {name}.", err=True)
    if unknown:
        typer.echo(f"It knows: {', '.join(known)}.", err=True)


def _changes(draft: LawDraft) -> list[str]:
    told = []
    for change in draft.changes:
        fields = f" ({', '.join(change.fields)})" if change.fields else ""
        told.append(f"{change.article.article_id}: {change.what}{fields}")
    return told


def _tell_draft(draft: LawDraft, *, as_json: bool) -> None:
    changes = _changes(draft)
    told = f"The draft has {len(draft.articles)} articles, {len(changes)} of them not as published: ffp law publish"
    tell(as_json, {"articles": len(draft.articles), "changes": changes}, *changes, told)


def _in_full(article: LawArticle) -> list[tuple[str, object]]:
    """Texts of several lines are shown with their lines in one."""
    facts: list[tuple[str, object]] = [
        (name, value)
        for name, value in article.model_dump(mode="json", exclude={"rules", "provisions"}).items()
        if value is not None
    ]
    facts += [("provision", name) for name in article.provisions]
    for rule in article.rules:
        kinds = ", ".join(rule.kinds) if rule.kinds else "all kinds"
        sides = ", ".join(rule.jurisdictions) if rule.jurisdictions else "all sides"
        facts.append(("rule", f"{rule.direction}: {rule.rule}; {kinds}; {sides}; {rule.words or '-'}"))
    return facts
