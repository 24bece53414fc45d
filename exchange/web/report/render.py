"""A report as PDF/A-2: words and values go to the template as JSON, which typst reads as data and never as markup."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from exchange.extras.known import require_extra
from exchange.flows.report.report import PairReport
from exchange.web.languages import gettext as _
from exchange.web.languages import spoken
from exchange.web.languages.days import moment
from exchange.web.report.annex import annex
from exchange.web.report.blocks import printable
from exchange.web.report.plain import plain_page
from exchange.web.report.views import pictures

_FOLDER: Final = Path(__file__).parent
STANDARD: Final = "a-2a"  # PDF/A-2 with its structure marked: readable aloud, and to be searched


def render_report(report: PairReport) -> bytes:
    """The PDF in the language that is spoken: the same report gives the same bytes."""
    return set_pdf("pair.typ", _data(report), _files(report))


def draw_first_page(report: PairReport, ppi: float) -> bytes:
    """The page in plain language as PNG, at so many points per inch: what the guide and the README show of a report."""
    return draw_pages(report, ppi)[0]


def draw_pages(report: PairReport, ppi: float) -> list[bytes]:
    """Each page as PNG."""
    made = set_pages("pair.typ", _data(report), _files(report), format="png", ppi=ppi)
    return [made] if isinstance(made, bytes) else [bytes(page) for page in made]


def _files(report: PairReport) -> dict[str, bytes]:
    return {"picture.png": report.picture, **pictures(report)}


def set_pdf(template: str, data: dict[str, Any], files: Mapping[str, bytes] | None = None) -> bytes:
    """Set a template as one PDF. Raises ExtraMissing where typst is not installed."""
    made = set_pages(template, data, files or {}, format="pdf", pdf_standards=STANDARD)
    if not isinstance(made, bytes):
        raise TypeError("typst gives one PDF")
    return made


def set_pages(template: str, data: dict[str, Any], files: Mapping[str, bytes], **form: Any) -> Any:
    """Set a template of this folder with its data and the files that it names, in the form that typst is asked for.

    Raises ExtraMissing where typst is not installed.
    """
    require_extra("pdf", "A report as PDF")
    import typst

    with tempfile.TemporaryDirectory(prefix="ffp-report-") as name:
        folder = Path(name)
        shutil.copy(_FOLDER / template, folder / "main.typ")
        shutil.copy(_FOLDER / "blocks.typ", folder / "blocks.typ")
        (folder / "data.json").write_text(json.dumps(_printable(data), ensure_ascii=False), encoding="utf-8")
        for file, content in files.items():
            (folder / file).write_bytes(content)
        # another machine's fonts would set another page
        return typst.compile(str(folder / "main.typ"), root=str(folder), ignore_system_fonts=True, **form)


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
        plain=plain_page(report),
        annex=annex(report),
        caution=_("A score ranks candidates for comparison by an examiner; it identifies nothing."),
    )


def paper_data(title: str, subtitle: str, author: str, dated: datetime, **content: Any) -> dict[str, Any]:
    """Return what every template is set with, and its ``content``. Each page has the footnotes of jurisdictions."""
    code, _dash, script = spoken().code.partition("-")
    return {
        "language": code,
        "script": script.lower() or None,
        "title": title,
        "subtitle": subtitle,
        "author": author,
        "date": [dated.year, dated.month, dated.day, dated.hour, dated.minute, dated.second],
        "footnote": " ".join(spoken().footnotes()),
        "page": _("Page {page} of {pages}"),
        **content,
    }
