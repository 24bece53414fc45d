"""The compendia that this node holds: its own, and what each partner published of its law; every edition of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.errors import NotFound
from exchange.flows.node.node import Node
from exchange.store.sync.peers import all_peers
from exchange.store.tables.peer_tables import PeerState
from exchange.store.tables.record_tables import StatementRow
from schemas import ContractError, Law, LawArticle, open_envelope, parse_statement
from schemas.vocabulary import Jurisdiction

MOST_LAW_EDITIONS: Final = 4
"""How many editions are tried, from the newest on, until one can be read."""


@dataclass(frozen=True)
class LawEdition:
    """One compendium as it was published. ``at``: when it came to be known here. ``stated_at``: as its issuer says."""

    statement_id: str
    log_index: int
    at: str
    stated_at: str | None
    articles: tuple[LawArticle, ...]


@dataclass(frozen=True)
class Compendium:
    """The law of one side. ``edition`` is None while nothing was published."""

    jurisdiction: Jurisdiction
    node_id: str
    own: bool
    edition: LawEdition | None

    @property
    def articles(self) -> tuple[LawArticle, ...]:
        return self.edition.articles if self.edition is not None else ()

    @property
    def is_entered(self) -> bool:
        return bool(self.articles)


def compendia(node: Node) -> tuple[Compendium, ...]:
    """This side's first, then those of the enrolled partners by their codes; one for each jurisdiction."""
    with node.store.read() as session:
        return compendia_in(session, node)


def compendia_in(session: Session, node: Node) -> tuple[Compendium, ...]:
    """As ``compendia``, within a transaction. Of several nodes of one jurisdiction the one that published last
    speaks."""
    here = Jurisdiction(node.settings.jurisdiction)
    own = Compendium(here, node.node_id, own=True, edition=newest_edition(session, node.node_id))
    by_jurisdiction: dict[Jurisdiction, Compendium] = {}
    for peer_id, jurisdiction in sorted(_partners(session)):
        found = Compendium(Jurisdiction(jurisdiction), peer_id, own=False, edition=newest_edition(session, peer_id))
        before = by_jurisdiction.get(found.jurisdiction)
        if before is None or _published_at(found) > _published_at(before):
            by_jurisdiction[found.jurisdiction] = found
    by_jurisdiction.pop(here, None)
    return (own, *(by_jurisdiction[code] for code in sorted(by_jurisdiction)))


def compendium_of(node: Node, jurisdiction: Jurisdiction) -> Compendium:
    """Raises NotFound for a jurisdiction of no enrolled partner."""
    found = next((item for item in compendia(node) if item.jurisdiction == jurisdiction), None)
    if found is None:
        raise NotFound(
            f"{node.jurisdictions.name(jurisdiction)} is no partner of this node. Of which sides law is known here, "
            "says: ffp law list"
        )
    return found


def newest_edition(session: Session, issuer: str, before: str | None = None) -> LawEdition | None:
    """What is in force, or was just before a moment, as known here. An edition that cannot be read is passed over: the
    daily check of the log tells of it."""
    found = map(_edition, _newest_law_editions(session, issuer, before))
    return next((edition for edition in found if edition is not None), None)


def enrolled_nodes(session: Session) -> list[str]:
    return [peer for peer, _ in _partners(session)]


def _partners(session: Session) -> list[tuple[str, str]]:
    return [(peer.node_id, peer.jurisdiction) for peer in all_peers(session) if peer.state == PeerState.ENROLLED]


def _newest_law_editions(session: Session, issuer: str, before: str | None = None) -> Sequence[StatementRow]:
    """The newest first, in the order of the issuer's log. With ``before``, only those that this node received
    before that moment."""
    found = select(StatementRow).where(
        StatementRow.issuer == issuer,
        StatementRow.type == "law",
        StatementRow.refused_by.is_(None),
        StatementRow.envelope.is_not(None),
    )
    if before is not None:
        found = found.where(StatementRow.received_at < before)
    return session.scalars(found.order_by(StatementRow.log_index.desc()).limit(MOST_LAW_EDITIONS)).all()


def _edition(row: StatementRow) -> LawEdition | None:
    try:
        said = parse_statement(open_envelope(row.envelope or b"").payload)
    except ContractError:
        return None
    if not isinstance(said, Law):
        return None
    return LawEdition(row.statement_id, row.log_index, row.received_at, said.stated_at, said.articles)


def _published_at(found: Compendium) -> str:
    return found.edition.at if found.edition is not None else ""
