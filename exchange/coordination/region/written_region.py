"""The files of a regional report: of each edition JSON, a table, a PDF and drawings."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from exchange.coordination.region.combine import Combined
from exchange.coordination.region.region_document import write_region
from exchange.coordination.region.region_drawings import over_periods, pair_map
from exchange.coordination.region.region_paper import render_region
from exchange.coordination.region.regional import RegionalReport
from exchange.coordination.region.regional_csv import regional_sheet
from exchange.web.languages import spoken


def written_files(combined: Combined, *, with_pdf: bool) -> Iterator[tuple[str, bytes]]:
    """Name and content, in the language that is spoken; the public edition first. Raises ExtraMissing where a PDF is
    wanted and typst is not installed."""
    for report in (combined.public, combined.restricted):
        if report is not None:
            yield from edition_files(report, with_pdf=with_pdf)


def edition_files(report: RegionalReport, *, with_pdf: bool) -> Iterator[tuple[str, bytes]]:
    name = f"region-{report.period}-{report.edition}"
    yield f"{name}.json", write_region(report, spoken().jurisdictions)
    yield f"{name}.csv", regional_sheet(report)
    if with_pdf:
        yield f"{name}.pdf", render_region(report)
    for drawing, draw in drawings_of(report).items():
        yield f"{name}-{drawing}.svg", draw()


def drawings_of(report: RegionalReport) -> dict[str, Callable[[], bytes]]:
    """By the end of their names. Pairs stand in the restricted edition alone."""
    pairs = {
        "leads": lambda: pair_map(report, "leads"),
        "confirmed": lambda: pair_map(report, "confirmed_hits"),
    }
    return {**(pairs if report.edition == "restricted" else {}), "periods": lambda: over_periods(report)}
