"""The files of a meeting pack: the paper, and a table for each section."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator

from exchange.coordination.meetings.pack.pack import Pack
from exchange.coordination.meetings.pack_paper.pack_paper import pack_sections, pack_title, render_pack
from exchange.coordination.meetings.pack_paper.pack_words import missing_words
from exchange.web.languages import gettext as _
from exchange.web.languages import spoken
from exchange.web.report.blocks import shared_columns
from exchange.web.report.sheet import written_sheet


def pack_sheets(pack: Pack) -> Iterator[tuple[str, bytes]]:
    """Yield each table of the pack: its file name without the ending, and its content as CSV. In the first column of
    each row stands of which pack it is."""
    missing = shared_columns(
        [_("What this pack has not")], [[missing_words(item, pack)] for item in pack.missing], (1,), name="missing"
    )
    for block in (*pack_sections(pack), missing):
        if block.get("name"):
            head, rows = (_("Pack"), *block["head"]), ((pack_title(pack), *row) for row in block["rows"])
            yield block["name"], written_sheet(head, rows)


_MADE = (1980, 1, 1, 0, 0, 0)


def pack_files(pack: Pack, *, with_pdf: bool) -> Iterator[tuple[str, bytes]]:
    """Name and content, in the language that is spoken. Raises ExtraMissing where a PDF is wanted and typst is not
    installed."""
    base = pack_name(pack)
    if with_pdf:
        yield f"{base}.pdf", render_pack(pack)
    for name, content in pack_sheets(pack):
        yield f"{base}-{name}.csv", content


def pack_names(pack: Pack, *, with_pdf: bool) -> list[str]:
    """Of the same files, without making the paper."""
    base = pack_name(pack)
    return [*([f"{base}.pdf"] if with_pdf else []), *(f"{base}-{name}.csv" for name, _sheet in pack_sheets(pack))]


def pack_name(pack: Pack) -> str:
    if not pack.is_regional:
        return f"pack-{pack.sides[0].node}-{pack.half}-{spoken().code}"
    return f"pack-region-{pack.half}-{'restricted' if pack.restricted else 'public'}-{spoken().code}"


def zipped(files: Iterable[tuple[str, bytes]]) -> bytes:
    """One file for a browser: the same files give the same bytes."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name, _MADE), content, zipfile.ZIP_DEFLATED)
    return whole.getvalue()
