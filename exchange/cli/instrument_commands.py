"""``ffp instrument``: check an instrument on a reference specimen, and see how its series goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from exchange.cli.acting import HIGHEST, actor_of
from exchange.cli.node_commands import Home
from exchange.cli.opening import node_at
from exchange.cli.tables import TableColumn, print_json, print_table

if TYPE_CHECKING:
    from exchange.flows.instrument.check_series import CheckSeries

app = typer.Typer(help="Check instruments on reference specimens.", no_args_is_help=True)


@app.command("check")
def check(
    scan: Annotated[Path, typer.Argument(help="A scan of the specimen: x3p, al3d, sur or plux.")],
    specimen: Annotated[str, typer.Option(help='Its name and serial number, such as "SRM 2461-0123".')],
    maker: Annotated[str | None, typer.Option(help="Of the instrument. Default: as the file says.")] = None,
    model: Annotated[str | None, typer.Option(help="Of the instrument. Default: as the file says.")] = None,
    serial: Annotated[str | None, typer.Option(help="Of the instrument. Default: as the file says.")] = None,
    software: Annotated[str | None, typer.Option(help="With its version. Default: as the file says.")] = None,
    region: Annotated[str, typer.Option(help="breech_face or firing_pin_impression.")] = "breech_face",
    new_reference: Annotated[
        bool, typer.Option("--new-reference", help="Begin a new series with this scan, as after a calibration.")
    ] = False,
    reason: Annotated[str | None, typer.Option(help="Why a new series is begun, in one line.")] = None,
    acting: Annotated[
        str | None, typer.Option("--as", help="The examiner or operator who measured. Default: the console.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
    home: Home = None,
) -> None:
    """Hold a specimen's scan against the first one of it by this instrument, which becomes the reference by itself.

    State maker, model, serial number and software as records state them: a record names the last check that its
    instrument passed. Exit code 1: failed. 2: the scan cannot be used; nothing was kept."""
    import json

    from exchange.flows.instrument.check_instrument import StatedCheck, check_instrument
    from exchange.flows.instrument.check_series import read_series
    from exchange.flows.instrument.outcome_words import outcome_in_words
    from schemas.vocabulary import Role

    stated = StatedCheck(specimen, maker, model, serial, software, region, new_reference, reason)
    with node_at(home) as node:
        done = check_instrument(node, actor_of(node, acting, Role.EXAMINER, Role.OPERATOR), scan, stated)
        series = read_series(node, done.row.check_id)
    if as_json:
        typer.echo(json.dumps(json.loads(done.row.document) | {"digest": done.row.sha256}, indent=2))
    else:
        typer.echo(f"Check {done.row.check_id}, {_named(series)}")
        for sentence in outcome_in_words(series.last):
            typer.echo(sentence)
        for line in _figures(series):
            typer.echo(line)
        for warning in done.warnings:
            typer.echo(f"Of the file: {warning}")
    if done.row.outcome == "failed":
        raise typer.Exit(1)


@app.command("list")
def list_instruments(
    closed: Annotated[bool, typer.Option("--closed", help="Also series after which a newer one was begun.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
    home: Home = None,
) -> None:
    """List instruments and specimens: number of the series, last check, its outcome, and by when the next is due."""

    from exchange.flows.instrument.check_series import list_series

    with node_at(home) as node:
        found = list_series(node, closed=closed)
    if as_json:
        print_json([_as_dict(series) for series in found])
        return
    columns = [
        TableColumn("series", number=True),
        *map(TableColumn, ("instrument", "specimen", "last", "outcome", "due")),
    ]
    print_table(columns, [_listed(series) for series in found])
    if not found:
        typer.echo("No instrument was checked here yet. See: ffp instrument check --help")


@app.command("series")
def show_series(
    number: Annotated[
        int, typer.Argument(min=1, max=HIGHEST, help="Of any check of it, as `ffp instrument list` has.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="For a spreadsheet.")] = False,
    chart: Annotated[Path | None, typer.Option(help="Draw the control chart here, as SVG.")] = None,
    home: Home = None,
) -> None:
    """Show all checks of a series, each with its figures; with --chart also as a control chart."""

    from exchange.flows.instrument.check_series import read_series
    from exchange.flows.instrument.instrument_chart import chart_of

    with node_at(home) as node:
        series = read_series(node, number)
    if chart is not None:
        chart.write_text(chart_of(series), encoding="utf-8")
    if as_json:
        print_json(_as_dict(series))
    elif as_csv:
        typer.echo(_as_csv(series), nl=False)
    else:
        title = _named(series) + (f", begun: {series.reason}" if series.reason else "")
        names = [measure.name for measure in series.measures]
        columns = [TableColumn("check", number=True), TableColumn("at"), TableColumn("outcome")]
        print_table([*columns, *(TableColumn(name, number=True) for name in names)], _rows(series), title=title)


def _named(series: CheckSeries) -> str:
    of = series.instrument
    parts = (f"{of.maker} {of.model}", of.serial, series.last.software)
    return f"{', '.join(part for part in parts if part)}: {series.specimen}"


def _figures(series: CheckSeries) -> list[str]:
    """Each figure of the last check, with its uncertainty and the limits."""
    from exchange.flows.instrument.instrument_chart import WRITTEN, written, written_limits

    lines = []
    for measure in series.measures if series.last.values else ():
        value, uncertainty = (figures.get(measure.name) for figures in (series.last.values, series.last.uncertainties))
        if value is None:
            continue
        spread = (
            "" if uncertainty is None else f" \N{PLUS-MINUS SIGN} {written(measure.name, 2.0 * uncertainty)} (k = 2)"
        )
        limits = f"warning {written_limits(measure, measure.warning)}, action {written_limits(measure, measure.action)}"
        lines.append(f"  {WRITTEN[measure.name].title}: {written(measure.name, value)}{spread}; {limits}")
    return lines


def _listed(series: CheckSeries) -> list[object]:
    due = "closed" if series.closed else f"overdue since {series.due}" if series.is_overdue else series.due
    of, last = series.instrument, series.last
    named = ", ".join(part for part in (f"{of.maker} {of.model}", of.serial, last.software) if part)
    outcome = last.outcome if last.intact else "altered: see ffp log check"
    return [series.series_id, named, series.specimen, last.at[:10], outcome, due]


def _rows(series: CheckSeries) -> Iterator[list[object]]:
    from exchange.flows.instrument.instrument_chart import written

    for point in series.points:
        values = (
            written(measure.name, point.values[measure.name]) if measure.name in point.values else "-"
            for measure in series.measures
        )
        yield [point.check_id, point.at[:16], point.outcome if point.intact else "altered", *values]


def _as_dict(series: CheckSeries) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "series": series.series_id,
        "instrument": series.instrument.model_dump(),
        "specimen": series.specimen,
        "region": series.region,
        "reason": series.reason,
        "closed": series.closed,
        "due": series.due.isoformat(),
        "checks": [asdict(point) for point in series.points],
    }


def _as_csv(series: CheckSeries) -> str:
    import csv
    import io

    names = [measure.name for measure in series.measures]
    sheet = io.StringIO(newline="")
    rows = csv.writer(sheet)
    rows.writerow(["check", "at", "outcome", "made_by", "scan", *names, *(f"{name}_uncertainty" for name in names)])
    for point in series.points:
        values = [point.values.get(name, "") for name in names]
        uncertainties = [point.uncertainties.get(name) or "" for name in names]
        rows.writerow(
            [point.check_id, point.at, point.outcome, point.made_by, point.scan_sha256, *values, *uncertainties]
        )
    return sheet.getvalue()
