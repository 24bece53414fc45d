"""The series of instrument checks at rest: each says the digest of the one before it, so that none is taken out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from sqlalchemy.orm import Session

from exchange.store.entry.instrument_checks import all_checks, references_of


def check_instruments(session: Session) -> Iterator[tuple[str, str]]:
    """Subject and sentence for each check after which one is missing, or whose first scan is gone. That a row itself is
    as this node wrote it, its seal says."""
    before, kept = None, references_of(session)
    for row in all_checks(session):
        subject = f"instrument_check {row.check_id}"
        if hashlib.sha256(row.document.encode()).hexdigest() != row.sha256:
            yield subject, "Its document does not have the digest that records name. Restore a backup."
            before = row.sha256
            continue
        said = json.loads(row.document)
        if said["previous"] != before:
            yield subject, "The check before it is missing, or another one. Restore a backup, and find out who took it."
        heights = kept.get(row.check_id)
        if row.reference is None and heights != said["heights"]:
            yield subject, "What was kept of this first scan is gone or another one: begin a new series with it."
        before = row.sha256
