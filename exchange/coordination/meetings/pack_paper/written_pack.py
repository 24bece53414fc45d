"""The files of a meeting pack: the paper, and a table for each section."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator

from exchange.coordination.meetings.pack.approve_inputs import signed_inputs
from exchange.coordination.meetings.pack.local_pack import LocalPack
from exchange.coordination.meetings.pack.pack import Pack
from exchange.coordination.meetings.pack.pack_inputs_document import OverdueBand, PackInputs, write_inputs
from exchange.coordination.meetings.pack_paper.pack_paper import pack_sections, pack_title, render_pack
from exchange.coordination.meetings.pack_paper.pack_words import missing_words, side_names
from exchange.flows.node.node import Node
from exchange.log.audit_entry import SUPERVISION, Act, Actor, Deed
from exchange.web.languages import gettext as _
from exchange.web.languages import spoken
from exchange.web.report.blocks import shared_columns
from exchange.web.report.sheet import written_sheet


def inputs_facts(inputs: PackInputs) -> list[tuple[str, str]]:
    """Title and value of each figure, in the language of the reader."""
    still_open = [action for action in inputs.actions if action.is_open]
    late = sum(action.overdue for action in still_open)
    behind = (OverdueBand.SOME, OverdueBand.MANY)
    waiting = [item.partner for item in inputs.overdue if item.steps in behind or item.decisions in behind]
    snapshot = inputs.maturity_of(inputs.half_year)
    return [
        (_("Half-year"), inputs.half),
        (_("Day"), inputs.as_of.isoformat()),
        (_("SHA-256 of the report's manifest"), inputs.report or _("not approved")),
        (_("Meetings and trainings held"), str(len(inputs.meetings))),
        (_("People who attended"), str(sum(meeting.people for meeting in inputs.meetings))),
        (_("Open actions"), _("%(open)s, of which overdue: %(late)s", open=len(still_open), late=late)),
        (_("Partners that wait beyond the term"), side_names(waiting) or "0"),
        (_("Articles of law"), str(inputs.law.articles)),
        (_("What is missing in law"), str(len(inputs.law.lacks))),
        (_("Level of maturity"), str(snapshot.reached) if snapshot is not None else _("no snapshot")),
    ]


def inputs_file(node: Node, found: LocalPack) -> tuple[str, bytes]:
    """Name and content: signed where the head approved what they say now, else the draft, whose name says so. Raises
    Conflict, code "head-not-signed", for a second after the approval."""
    base = f"inputs-{node.node_id}-{found.pack.half}"
    if found.approved:
        return f"{base}.json", signed_inputs(node, found.pack.half)
    return f"{base}-draft.json", write_inputs(found.pack.inputs[0])


def note_pack(node: Node, by: Actor, found: LocalPack) -> None:
    """Raises NotAudited."""
    side = found.pack.sides[0]
    subjects = tuple(name for name in (side.report_approval, side.approval) if name is not None)
    asked = f"{found.pack.half} pack"
    node.audit.note(Deed(by, Act.READ_MONITORING, 1, subjects, asked=asked, purpose=SUPERVISION))


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
