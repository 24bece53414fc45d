"""An examiner enters an exhibit: a draft on the server, saved as it is typed, seen by nobody else."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import TypeAlias

from sqlalchemy.orm import Session

from exchange.clock import now
from exchange.errors import NotFound, TooMany
from exchange.flows.entry.draft_changes import Change, merged
from exchange.flows.entry.draft_form import FILE_TEXTS, FREE_TEXTS, fields_of, fields_of_file
from exchange.flows.entry.firearms import FIREARM_FIELDS
from exchange.flows.entry.free_text import Doubt, doubts_of_field
from exchange.flows.node.node import Node
from exchange.flows.statement.sharing import record_of
from exchange.jurisdictions.directory import Directory
from exchange.store.entry.draft_rows import (
    add_draft,
    add_file,
    close_draft,
    files_of,
    find_draft,
    last_of_case,
    last_submitted,
    outlived_drafts,
    own_drafts,
    remove_draft,
    save_fields,
    typed,
)
from exchange.store.entry.firearm_rows import find_firearm
from exchange.store.entry.record_rows import find_record
from exchange.store.tables.draft_tables import DraftFileRow, DraftRow
from exchange.store.tables.record_tables import RecordRow
from exchange.store.terms.terms_rows import groups_of
from schemas import Firearm
from schemas.calibre import CalibreReading, read_calibre
from schemas.vocabulary import Answer, DatePrecision, ExhibitKind, HandlingCode, ReleaseLevel

MAX_DRAFTS = 50
"""Of one examiner at a time: a busy week's exhibits, and an end to what one account may put on the disk."""
RETENTION_YEARS = 10
_OF_ONE_EXHIBIT = ("exhibit.item", "exhibit.seal")
"""What another exhibit of the same case has anew."""
ERASED_AT_ONCE = 100

DraftFile: TypeAlias = DraftFileRow
"""One scan of a draft: what the browser announced of it, and what was read on it."""


@dataclass(frozen=True)
class Draft:
    """One draft as its examiner sees it. ``doubts``: free texts that may tell of a person, by field.

    ``elsewhere``: what stands in fields that were not saved, because another page changed them too.
    """

    row: DraftRow
    fields: dict[str, str]
    files: Sequence[DraftFile]
    doubts: dict[str, tuple[Doubt, ...]] = field(default_factory=dict)
    elsewhere: dict[str, str] = field(default_factory=dict)

    @property
    def calibre(self) -> CalibreReading:
        """What the typed calibre is understood as, or may be."""
        return read_calibre(self.fields.get("exhibit.calibre", ""))

    @property
    def read_files(self) -> dict[str, bool]:
        """Of each file whether it was read, so that a page can show it."""
        return {file.file_id: file.reading is not None for file in self.files}

    @property
    def digest(self) -> str:
        """Of all that would be signed: another one, and what was shown to somebody is no longer what is here."""
        files = [[file.file_id, file.sha256, file.region_mask, file.region_roi] for file in self.files]
        return hashlib.sha256(json.dumps([self.fields, files], sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class OwnExhibits:
    """What an examiner is entering, each draft with what was typed, the one that was saved last first; and the records
    that the examiner submitted last."""

    drafts: list[tuple[DraftRow, dict[str, str]]]
    submitted: Sequence[RecordRow]


def own_exhibits(node: Node, pseudonym: str, *, most_submitted: int) -> OwnExhibits:
    with node.store.read() as session:
        drafts = [(row, typed(row)) for row in own_drafts(session, pseudonym)]
        return OwnExhibits(drafts, last_submitted(session, pseudonym, most_submitted))


def begin(node: Node, pseudonym: str, case_reference: str = "", more: Mapping[str, str] = MappingProxyType({})) -> str:
    """A new draft, with ``more`` fields than an empty form has; returns its id. Raises TooMany."""
    with node.store.write() as session:
        return _add(session, pseudonym, {**first_fields(case_reference), **more}).draft_id


def begin_test_fire(node: Node, pseudonym: str, firearm: Firearm) -> str:
    """A new draft of a test fire of a firearm; returns its id. Raises TooMany."""
    calibre = {"exhibit.calibre": firearm.calibre.value, "exhibit.calibre_words": firearm.calibre_words or ""}
    said = {"exhibit.kind": ExhibitKind.TEST_FIRE.value, "exhibit.firearm.firearm_id": firearm.firearm_id, **calibre}
    with node.store.write() as session:
        return _add(session, pseudonym, first_fields("") | {name: text for name, text in said.items() if text}).draft_id


def last_exhibit(node: Node, case_reference: str) -> str | None:
    """The newest current record of a case of this node."""
    with node.store.read() as session:
        row = last_of_case(session, node.node_id, case_reference)
        return None if row is None else row.statement_id


def begin_from(node: Node, pseudonym: str, statement_id: str, *, amend: bool) -> str:
    """Another exhibit of a record's case, or a new version of it whose scans need not be sent again.

    1. Find the record: of this node, current. Anything else: NotFound.
    2. Fill the form from it; of an amendment also the files, which lie among the blobs.
    Raises NotFound, TooMany.
    """
    with node.store.write() as session:
        # 1.
        found = find_record(session, statement_id)
        if found is None or found[0].issuer != node.node_id or found[0].superseded_by is not None:
            raise NotFound("There is no current record of this node under this number.")
        record = record_of(session, statement_id)

        # 2.
        said = {name: text for name, text in fields_of(record).items() if amend or name not in _OF_ONE_EXHIBIT}
        draft = _add(session, pseudonym, _by_pseudonym(session, said), supersedes=statement_id if amend else None)
        fields = typed(draft)
        for number, acquisition in enumerate(record.acquisitions if amend else (), start=1):
            blob = acquisition.blob
            name = f"{number}-{acquisition.roi}"
            file = add_file(session, draft, name, blob.size, "", stored_as=blob.sha256)
            if acquisition.region_mask is not None:
                file.region_mask, file.region_roi = acquisition.region_mask.model_dump_json(), acquisition.roi.value
            fields |= fields_of_file(acquisition, file.file_id)
        save_fields(draft, fields)
        return draft.draft_id


def first_fields(case_reference: str) -> dict[str, str]:
    """What an empty form says: nothing is shared, and kept for ten years."""
    return {
        **({"case_reference": case_reference} if case_reference else {}),
        "exhibit.occurred.precision": DatePrecision.DAY.value,
        "exhibit.within_80_km_of_border": Answer.UNKNOWN.value,
        "handling.code": HandlingCode.H1.value,
        "level": ReleaseLevel.NONE.value,
        "retention_until": years_on(now().date(), RETENTION_YEARS).isoformat(),
    }


def read_draft(node: Node, pseudonym: str, draft_id: str) -> Draft:
    """Raises NotFound, also for another's."""
    with node.store.read() as session:
        row = find_draft(session, pseudonym, draft_id)
        return _draft(node, row, files_of(session, draft_id))


def save(node: Node, pseudonym: str, draft_id: str, changes: Mapping[str, Change]) -> Draft:
    """Keep what was changed, whether the draft is complete or not; the rest of it stays as it is.

    Raises NotFound, also for what was submitted.
    """
    with node.store.write() as session:
        row = open_draft(session, pseudonym, draft_id)
        files = files_of(session, draft_id)
        fields, elsewhere = merged(typed(row), changes, (file.file_id for file in files))
        if fields != typed(row):
            save_fields(row, fields)
        return _draft(node, row, files, elsewhere)


def discard(node: Node, pseudonym: str, draft_id: str) -> None:
    with node.draft_files.alone(draft_id):
        with node.store.write() as session:
            files = remove_draft(session, open_draft(session, pseudonym, draft_id))
        _erase(node, files)


def close(node: Node, pseudonym: str, draft_id: str, statement_id: str) -> None:
    """The draft became this record: nothing else of it is kept."""
    with node.store.write() as session:
        files = close_draft(session, find_draft(session, pseudonym, draft_id), statement_id)
    _erase(node, files)


def erase_outlived_drafts(node: Node) -> int:
    """Erase what nobody touched for ``draft_days``, submitted or not. Returns how many went."""
    with node.store.read() as session:
        if not outlived_drafts(session, older_than_s=node.settings.draft_days * 86_400, limit=1):
            return 0
    with node.store.write() as session:
        old = outlived_drafts(session, older_than_s=node.settings.draft_days * 86_400, limit=ERASED_AT_ONCE)
        files = [file for row in old for file in remove_draft(session, row)]
    _erase(node, files)
    return len(old)


def open_draft(session: Session, pseudonym: str, draft_id: str) -> DraftRow:
    """A draft that may still be changed. Raises NotFound, code "draft-submitted" for what is a record by now."""
    row = find_draft(session, pseudonym, draft_id)
    if row.statement_id is not None:
        raise NotFound("This draft was submitted; amend its record.", code="draft-submitted")
    return row


def doubtful(fields: Mapping[str, str], known: Directory) -> dict[str, tuple[Doubt, ...]]:
    """The free texts that may tell of a person, by field."""
    free = {name: fields[name] for name in fields if name in FREE_TEXTS or _is_text_of_file(name)}
    found = {name: doubts_of_field(name, text, known) for name, text in free.items()}
    return {name: doubt for name, doubt in found.items() if doubt}


def years_on(day: date, years: int) -> date:
    """The same day of another year; of 29 February the 28th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def possible_audience(node: Node) -> list[str]:
    """Whom a record may name: every other jurisdiction, and this node's groups of them."""
    with node.store.read() as session:
        groups = groups_of(session, node.node_id)
    return [str(code) for code in node.jurisdictions if code != node.settings.jurisdiction] + sorted(groups)


def _by_pseudonym(session: Session, fields: Mapping[str, str]) -> dict[str, str]:
    """Of a firearm that the node holds the pseudonym alone: the description is the one that stands here by then."""
    known = find_firearm(session, fields.get(f"{FIREARM_FIELDS}firearm_id", "")) is not None
    return {
        name: text
        for name, text in fields.items()
        if not (known and name.startswith(FIREARM_FIELDS)) or name == f"{FIREARM_FIELDS}firearm_id"
    }


def _is_text_of_file(name: str) -> bool:
    said = re.match(r"^file\.[0-9a-f]{32}\.(.+)$", name)
    return said is not None and said[1] in FILE_TEXTS


def _add(session: Session, pseudonym: str, fields: Mapping[str, str], supersedes: str | None = None) -> DraftRow:
    if len(own_drafts(session, pseudonym)) >= MAX_DRAFTS:
        raise TooMany(f"You have {MAX_DRAFTS} drafts; submit or discard some before you begin another.")
    return add_draft(session, pseudonym, fields, supersedes)


def _draft(node: Node, row: DraftRow, files: Sequence[DraftFileRow], elsewhere: dict[str, str] | None = None) -> Draft:
    fields = typed(row)
    return Draft(row, fields, files, doubtful(fields, node.jurisdictions), elsewhere or {})


def _erase(node: Node, files: Sequence[str]) -> None:
    for file_id in files:
        node.draft_files.erase(file_id)
