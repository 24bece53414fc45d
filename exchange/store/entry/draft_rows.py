"""Drafts and their files, inside the caller's transaction. Another's draft is as absent as none."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from exchange.clock import stamp, stamp_in
from exchange.errors import NotFound
from exchange.store.operate.at_rest import rows_named
from exchange.store.tables.draft_tables import DraftFileRow, DraftRow
from exchange.store.tables.record_tables import AudienceRow, RecordRow
from schemas.vocabulary import ReleaseLevel


def add_draft(session: Session, pseudonym: str, fields: Mapping[str, str], supersedes: str | None = None) -> DraftRow:
    now = stamp()
    row = DraftRow(
        draft_id=secrets.token_hex(16),
        pseudonym=pseudonym,
        fields=_json(fields),
        supersedes=supersedes,
        made_at=now,
        saved_at=now,
    )
    session.add(row)
    session.flush()
    return row


def own_drafts(session: Session, pseudonym: str) -> Sequence[DraftRow]:
    """Those that are not submitted yet, what was saved last first."""
    open_ones = select(DraftRow).where(DraftRow.pseudonym == pseudonym, DraftRow.statement_id.is_(None))
    return session.scalars(open_ones.order_by(DraftRow.saved_at.desc())).all()


def find_draft(session: Session, pseudonym: str, draft_id: str) -> DraftRow:
    """Raises NotFound, also for another's."""
    row = session.get(DraftRow, draft_id)
    if row is None or row.pseudonym != pseudonym:
        raise NotFound("There is no such draft of yours on this node.")
    return row


def typed(row: DraftRow) -> dict[str, str]:
    found: dict[str, str] = json.loads(row.fields)
    return found


def save_fields(row: DraftRow, fields: Mapping[str, str]) -> str:
    """Returns when it was saved."""
    row.fields, row.saved_at = _json(fields), stamp()
    return row.saved_at


def files_of(session: Session, draft_id: str) -> Sequence[DraftFileRow]:
    mine = select(DraftFileRow).where(DraftFileRow.draft_id == draft_id)
    return session.scalars(mine.order_by(DraftFileRow.number)).all()


def find_file(session: Session, draft: DraftRow, file_id: str) -> DraftFileRow:
    """Raises NotFound, also for a file of another draft."""
    row = session.get(DraftFileRow, file_id)
    if row is None or row.draft_id != draft.draft_id:
        raise NotFound("There is no such file in this draft.")
    return row


def add_file(
    session: Session, draft: DraftRow, name: str, size: int, modified: str, *, stored_as: str | None = None
) -> DraftFileRow:
    """``stored_as``: its digest, of a scan that lies among the blobs already."""
    last = session.scalar(select(func.max(DraftFileRow.number)).where(DraftFileRow.draft_id == draft.draft_id))
    row = DraftFileRow(
        file_id=secrets.token_hex(16),
        draft_id=draft.draft_id,
        number=(last or 0) + 1,
        name=name,
        size=size,
        modified=modified,
        sha256=stored_as,
        stored=stored_as is not None,
    )
    session.add(row)
    session.flush()
    return row


def remove_file(session: Session, row: DraftFileRow) -> None:
    session.delete(row)
    session.flush()


def remove_draft(session: Session, row: DraftRow) -> list[str]:
    """With its files; returns their ids."""
    files = _remove_files(session, row)
    session.delete(row)
    return files


def forget_drafts(session: Session, record: str) -> None:
    """New versions of a record that is taken away: what was typed is its content. Their files are then of no draft."""
    for row in session.scalars(select(DraftRow).where(DraftRow.supersedes == record)).all():
        remove_draft(session, row)


def close_draft(session: Session, row: DraftRow, statement_id: str) -> list[str]:
    """It became a record: only which one is kept, for whoever submits it twice. Returns the ids of its files."""
    files = _remove_files(session, row)
    row.statement_id, row.fields, row.saved_at = statement_id, "{}", stamp()
    return files


def outlived_drafts(session: Session, *, older_than_s: float, limit: int) -> Sequence[DraftRow]:
    """Those that nobody touched for so long, submitted or not."""
    old = select(DraftRow).where(DraftRow.saved_at < stamp_in(-older_than_s))
    return session.scalars(old.order_by(DraftRow.saved_at).limit(limit)).all()


def every_file(session: Session) -> set[str]:
    return set(session.scalars(select(DraftFileRow.file_id)))


def last_of_case(session: Session, issuer: str, case_reference: str) -> RecordRow | None:
    """The newest current record of a case of this node."""
    of_case = select(RecordRow).where(
        RecordRow.issuer == issuer,
        RecordRow.case_reference == case_reference,
        RecordRow.superseded_by.is_(None),
        RecordRow.restricted.is_(False),
    )
    return session.scalars(of_case.order_by(RecordRow.sequence.desc()).limit(1)).one_or_none()


def last_submitted(session: Session, pseudonym: str, limit: int) -> Sequence[RecordRow]:
    """What somebody submitted last, current versions alone."""
    own = select(RecordRow).where(
        RecordRow.submitted_by == pseudonym, RecordRow.superseded_by.is_(None), RecordRow.restricted.is_(False)
    )
    return session.scalars(own.order_by(RecordRow.sequence.desc()).limit(limit)).all()


def last_shared(session: Session, issuer: str, limit: int) -> list[tuple[str, frozenset[str]]]:
    """The level and the audience of the node's own current records that go to others, the newest first."""
    shared = select(RecordRow.statement_id, RecordRow.level).where(
        RecordRow.issuer == issuer,
        RecordRow.level != ReleaseLevel.NONE,
        RecordRow.superseded_by.is_(None),
        RecordRow.restricted.is_(False),
    )
    found = session.execute(shared.order_by(RecordRow.sequence.desc()).limit(limit)).all()
    named = rows_named(session, AudienceRow, AudienceRow.statement_id, [row.statement_id for row in found])
    return [(row.level, frozenset(one.name for one in named[row.statement_id])) for row in found]


def _remove_files(session: Session, row: DraftRow) -> list[str]:
    files = [file.file_id for file in files_of(session, row.draft_id)]
    session.execute(delete(DraftFileRow).where(DraftFileRow.draft_id == row.draft_id))
    return files


def _json(fields: Mapping[str, str]) -> str:
    return json.dumps(dict(fields), sort_keys=True, ensure_ascii=False)
