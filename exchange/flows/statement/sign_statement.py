"""Make a statement of this node's own: signed outside of any transaction, appended to the log inside the caller's."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import ValidationError
from sqlalchemy.orm import Session

from exchange.errors import InvalidInput
from exchange.flows.node.last_head import check_last_head
from exchange.flows.node.node import Node, check_keys
from exchange.store.entry.exhibits import known_first_version
from exchange.store.log.statement_rows import append_own
from exchange.store.sync.peers import find_peer, put_on_lane
from schemas import CONTRACT_VERSION, AnyStatement, Envelope, Maker, statement_id, statement_payload
from schemas.strict_json import contract_error
from schemas.vocabulary import Role, SignedInBy

_S = TypeVar("_S", bound=AnyStatement)

THE_NODE = Maker(pseudonym="node", role=Role.NODE, signed_in=SignedInBy.NODE_KEY)
"""Who makes what no person does: acknowledgements, receipts."""


@dataclass(frozen=True)
class SignedStatement(Generic[_S]):
    """A signed statement that is not in the log yet."""

    statement_id: str
    statement: _S
    envelope: Envelope
    signed_since: int
    """The index of the key-event whose keys signed it."""


def say(node: Node, kind: type[_S], maker: Maker, *, nonce: str | None = None, **fields: Any) -> SignedStatement[_S]:
    """Make a statement and sign it. Raises InvalidInput naming what the contract refuses."""
    return signed(node, made(node, kind, maker, nonce=nonce, **fields))


def of_record(node: Node, record: str) -> dict[str, str]:
    """Return the fields by which a statement names an own record and its exhibit."""
    with node.store.read() as session:
        return {"record": record, "first_version": known_first_version(session, node.node_id, record) or record}


def made(node: Node, kind: type[_S], maker: Maker, *, nonce: str | None = None, **fields: Any) -> _S:
    """A statement as it would be signed. Raises InvalidInput naming what the contract refuses."""
    name = kind.model_fields["type"].annotation.__args__[0]  # type: ignore[union-attr]  # each is a Literal of one
    try:
        return kind(
            contract=CONTRACT_VERSION,
            type=name,
            nonce=nonce or secrets.token_hex(32),
            issuer=node.node_id,
            made_by=maker,
            **fields,
        )
    except ValidationError as error:
        refused = contract_error(error)
        raise InvalidInput(str(refused), code=refused.reason, problems=refused.problems) from error


def signed(node: Node, statement: _S) -> SignedStatement[_S]:
    """Sign a statement that is whole. Raises StoreUnavailable where the database was set back."""
    with node.store.read() as session:
        check_last_head(node.settings, session)
    payload = statement_payload(statement)
    return SignedStatement(statement_id(payload), statement, node.keys.statement.sign(payload), node.history.last.index)


def enter(session: Session, said: SignedStatement[Any], *, to: list[str]) -> int:
    """Append a statement to the log and put it on the lanes of these peers, those that are known. Needs a write
    transaction; returns its index. Raises StoreUnavailable when the keys that signed it were replaced."""
    check_keys(session, said.signed_since)
    index = append_own(session, said.statement_id, said.statement, said.statement.type, said.envelope)
    put_on_lanes(session, said.statement_id, to)
    return index


def put_on_lanes(session: Session, statement_id: str, to: list[str]) -> None:
    """Put a statement on the lanes of these peers, those that are known. Needs a write transaction."""
    for peer in to:
        if find_peer(session, peer) is not None:
            put_on_lane(session, peer, statement_id)
