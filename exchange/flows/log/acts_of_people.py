"""Who saw and asked what, gathered: the rows of one person, for one purpose under one law, are one account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from exchange.log.audit_entry import ActorKind, AuditEntry


@dataclass(frozen=True)
class Account:
    """What one person, or peer, did for one purpose: ``acts`` how often, between ``first_at`` and ``last_at``;
    ``subjects``: how many different records, scans and statements that was about."""

    kind: str
    actor: str
    role: str
    purpose: str | None
    legal_basis: str | None
    acts: Mapping[str, int]
    subjects: int
    first_at: str
    last_at: str


def accounts_of(entries: Iterable[AuditEntry], *, reader: str) -> list[Account]:
    """People before nodes, and among them whoever acted last first; whoever reads this at the end. ``entries``: the
    newest first."""
    gathered: dict[tuple[str, str, str, str | None, str | None], list[AuditEntry]] = {}
    for entry in entries:
        key = (entry.kind, entry.actor, entry.role, entry.purpose, entry.legal_basis)
        gathered.setdefault(key, []).append(entry)
    found = [
        Account(
            *key,
            acts=Counter(entry.act for entry in rows),
            subjects=len({subject for entry in rows for subject in entry.subjects}),
            first_at=rows[-1].at,
            last_at=rows[0].at,
        )
        for key, rows in gathered.items()
    ]
    return sorted(found, key=lambda account: (account.kind != ActorKind.PERSON, account.actor == reader))
