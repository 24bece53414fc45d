"""A report as PDF/A-2: words and values go to the template as JSON, which typst reads as data and never as markup."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final

from exchange.extras.known import require_extra
from exchange.flows.report.pair_report import PairReport
from exchange.web.languages import gettext as _
from exchange.web.languages import spoken
from exchange.web.languages.days import moment
from exchange.web.report.annex import annex
from exchange.web.report.blocks import Block, large, new_page, printable
from exchange.web.report.plain import plain_page
from exchange.web.report.views import pictures

_FOLDER: Final = Path(__file__).parent
STANDARD: Final = "a-2a"  # PDF/A-2 with its structure marked: readable aloud, and to be searched


def render_report(report: PairReport) -> bytes:
    """The PDF in the language that is spoken: the same report gives the same bytes."""
    return set_pdf(_data(report), _files(report))


def draw_first_page(report: PairReport, ppi: float) -> bytes:
    """The page in plain language as PNG, at so many points per inch: what the guide and the README show of a report."""
    return draw_pages(report, ppi)[0]


def draw_pages(report: PairReport, ppi: float) -> list[bytes]:
    """Each page as PNG."""
    made = set_pages(_data(report), _files(report), format="png", ppi=ppi)
    return [made] if isinstance(made, bytes) else [bytes(page) for page in made]


def _files(report: PairReport) -> dict[str, bytes]:
    return {"picture.png": report.picture, **pictures(report)}


def set_pdf(data: dict[str, Any], files: Mapping[str, bytes] | None = None) -> bytes:
    """Set a paper as one PDF. Raises ExtraMissing where typst is not installed."""
    made = set_pages(data, files or {}, format="pdf", pdf_standards=STANDARD)
    if not isinstance(made, bytes):
        raise TypeError("typst gives one PDF")
    return made


def set_pages(data: dict[str, Any], files: Mapping[str, bytes], **form: Any) -> Any:
    """Set a paper with the files that its blocks name, in the form that typst is asked for.

    Raises ExtraMissing where typst is not installed.
    """
    require_extra("pdf", "A report as PDF")
    import typst

    with tempfile.TemporaryDirectory(prefix="ffp-report-") as name:
        folder = Path(name)
        for part in ("paper.typ", "blocks.typ"):
            shutil.copy(_FOLDER / part, folder / part)
        (folder / "data.json").write_text(json.dumps(_printable(data), ensure_ascii=False), encoding="utf-8")
        for file, content in files.items():
            (folder / file).write_bytes(content)
        # another machine's fonts would set another page
        return typst.compile(str(folder / "paper.typ"), root=str(folder), ignore_system_fonts=True, **form)


def _printable(data: Any) -> Any:
    """The data with each text as the font can draw it."""
    match data:
        case str():
            return printable(data)
        case dict():
            return {name: _printable(value) for name, value in data.items()}
        case list() | tuple():
            return [_printable(value) for value in data]
        case _:
            return data


def _data(report: PairReport) -> dict[str, Any]:
    subtitle = _(
        "Pair %(number)s at the node %(node)s, as of %(moment)s",
        number=report.candidate_id,
        node=report.node_id,
        moment=moment(report.dated),
    )
    return paper_data(
        _("Report on a possible link between two cases"),
        subtitle,
        report.node_id,
        datetime.fromisoformat(report.dated),
        [large(plain_page(report)), new_page(), *annex(report)],
        caution=_("A score ranks candidates for comparison by an examiner; it identifies nothing."),
    )


def paper_data(
    title: str,
    subtitle: str,
    author: str,
    dated: date,
    blocks: Iterable[Block],
    *,
    wide: bool = False,
    mark: str = "",
    warning: str = "",
    caution: str = "",
) -> dict[str, Any]:
    """``mark`` and ``warning`` stand above each page, ``caution`` and the footnotes of jurisdictions below. ``wide``:
    the pages lie on their side."""
    code, _dash, script = spoken().code.partition("-")
    at = dated if isinstance(dated, datetime) else datetime.combine(dated, time())
    return {
        "language": code,
        "script": script.lower() or None,
        "title": title,
        "subtitle": subtitle,
        "author": author,
        "date": [at.year, at.month, at.day, at.hour, at.minute, at.second],
        "wide": wide,
        "mark": mark,
        "warning": warning,
        "footnotes": [*([caution] if caution else []), " ".join(spoken().footnotes())],
        "page": _("Page {page} of {pages}"),
        "blocks": list(blocks),
    }
