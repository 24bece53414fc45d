"""What a report on a pair tells beside records and statements: laboratories, what examiners are authorised for, saved
views, and the numbers under which other channels know the matter.

Of the other side this is what its node signed, and no more: a card names the jurisdiction and the identity, a statement
a pseudonym and a role. What is not stated here, a report calls not stated here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from exchange.flows.hits.history import believed
from exchange.flows.node.node import Node
from exchange.flows.report.view_document import ViewDocument
from exchange.flows.statement.peer import fingerprint_of
from exchange.store.access.user_rows import authorisations
from exchange.store.log.statement_rows import statements_about_each
from exchange.store.review.saved_view_rows import find_view, views_of
from exchange.store.sync.peers import find_peer
from exchange.store.tables.record_tables import StatementRow
from exchange.trust.card import fingerprint
from schemas import Disclosure, Message, open_envelope, parse_statement
from schemas.vocabulary import ReferenceChannel

MOST_REPORT_VIEWS: Final = 12
"""Each takes half a page, and up to some megabytes of the file."""
MOST_REFERENCES: Final = 25
"""Of each side."""


@dataclass(frozen=True)
class Laboratory:
    """Who answers for a side's record. ``name`` and accreditation are settings of a node, and in no statement: of the
    other side they are None. ``fingerprint``: of the identity on the node's card; None where that is not known here."""

    name: str | None = None
    accreditation_number: str | None = None
    accreditation_standard: str | None = None
    fingerprint: str | None = None


NOT_STATED: Final = Laboratory()


@dataclass(frozen=True)
class Authorisation:
    """What a user of this node is authorised for, and when that was entered."""

    words: str
    entered_at: str


@dataclass(frozen=True)
class ReportedView:
    """A view as it was saved: ``picture`` is PNG, byte for byte what is kept. ``on_second``: its places are in the
    frame of the second scan."""

    view_id: int
    title: str
    made_by: str
    made_at: str
    on_second: bool
    document: ViewDocument
    picture: bytes


@dataclass(frozen=True)
class ReportedReference:
    """The number under which a channel outside of this exchange knows the matter, and the statement that says so.
    ``channel`` None: the statement does not name it."""

    channel: ReferenceChannel | None
    number: str
    kind: str
    statement_id: str
    issuer: str
    received_at: str


def laboratory_of(session: Session, node: Node, issuer: str) -> Laboratory:
    if issuer == node.node_id:
        settings = node.settings
        return Laboratory(
            settings.laboratory,
            settings.accreditation_number,
            settings.accreditation_standard,
            fingerprint(node.history.card.identity),
        )
    peer = find_peer(session, issuer)
    return Laboratory(fingerprint=(fingerprint_of(peer) or None) if peer is not None else None)


def authorisations_of(session: Session, pseudonyms: Collection[str]) -> Mapping[str, Authorisation]:
    """Of those users of this node that anything is stated of."""
    stated = authorisations(session)
    return {name: Authorisation(row.words, row.entered_at) for name, row in stated.items() if name in pseudonyms}


def views_to_print(session: Session, query: str, reference: str) -> tuple[tuple[ReportedView, ...], int]:
    """The newest views of two scans, the oldest of them first, and how many older ones are left out."""
    kept = views_of(session, (query, reference), made_by=None)
    left_out = max(0, len(kept) - MOST_REPORT_VIEWS)
    rows = [find_view(session, (query, reference), row.view_id) for row in kept[left_out:]]
    return tuple(
        ReportedView(
            view_id=row.view_id,
            title=row.title,
            made_by=row.made_by,
            made_at=row.made_at,
            on_second=row.query == reference,
            document=ViewDocument.model_validate_json(row.document),
            picture=row.picture,
        )
        for row in rows
        if row is not None
    ), left_out


def numbers_of(
    session: Session, records: Mapping[str, str], statements: Iterable[str]
) -> tuple[ReportedReference, ...]:
    """The numbers that stand in messages between the sides about these statements or records, and in what one side
    disclosed to the other of its record, in the order in which they came to be known here; of each side so many that
    neither leaves out the other's. ``records``: each with its issuer."""
    about = statements_about_each(session, {*records, *statements}, ("message", "disclosure"))
    rows = {row.statement_id: row for found in about.values() for row in found if believed(row)}
    ordered = sorted(rows.values(), key=lambda row: (row.received_at, row.log_index, row.statement_id))
    found: list[ReportedReference] = []
    told: Counter[str] = Counter()
    for row in ordered:
        if told[row.issuer] < MOST_REFERENCES and (reference := _reference(row, records)) is not None:
            found.append(reference)
            told[row.issuer] += 1
    return tuple(found)


def _reference(row: StatementRow, records: Mapping[str, str]) -> ReportedReference | None:
    said = parse_statement(open_envelope(row.envelope or b"").payload)
    known_by = (row.type, row.statement_id, row.issuer, row.received_at)
    sides = set(records.values())
    match said:
        case Message() if said.reference is not None and {said.issuer, said.to} <= sides:
            return ReportedReference(said.reference.channel, said.reference.number, *known_by)
        case Disclosure() if (
            said.reference is not None and said.to in sides and records.get(said.record) == said.issuer
        ):
            return ReportedReference(said.channel, said.reference, *known_by)
        case _:
            return None
