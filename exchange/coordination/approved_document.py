"""A document that a head approved: its bytes, and a signed ``approval`` in the log that concerns their SHA-256.

Reports, incident annexes, snapshots of maturity and what a meeting pack is made from are approved so. Two editions are
approved as a manifest, which names the digest of each. At the node:

    approve_document(node, maker, ApprovedKind.INPUTS, "2026H2", Editions(data), "To the coordinator.")
    kept = find_approval(session, ApprovedKind.INPUTS, "2026H2")
    proof = approval_proof(node, kept.approval)                        # goes along when the bytes are given away

And far from any node, of whoever's bytes:

    proven = verify_proven(proof)                                      # then: is `proven.fingerprint` believed?
    said = check_approval(proven, data)

An approval goes on nobody's lane, and decides nothing but what it concerns.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.coordination.approved_rows import ApprovedKind, ApprovedRow, Editions, find_approved_row
from exchange.errors import Conflict, Forbidden, InvalidInput, StatementInvalid
from exchange.flows.node.node import Node
from exchange.flows.statement.proven import ProvenStatement, make_proven, verify_proven
from exchange.flows.statement.sign_statement import enter, say
from exchange.store.log.statement_rows import find_statement
from schemas import Approval, Maker, open_envelope, parse_statement
from schemas.exhibit import Contract
from schemas.lane import Base64Text
from schemas.strict_json import read_strict
from schemas.vocabulary import Decision, Role

HEAD_ALONE: Final = (Role.HEAD,)
"""Who approves, unless a document says otherwise."""


@dataclass(frozen=True, kw_only=True)
class ApprovedDocument:
    """An approval that stands in the own log. ``sha256``: of what it concerns. ``approval``: the id of the signed
    statement, ``envelope`` its exact bytes. ``because``: to whom it goes and on what ground, as the head signed it."""

    editions: Editions
    sha256: str
    approval: str
    log_index: int
    envelope: bytes
    approved_by: str
    approved_at: str
    because: str


_MOST_VALUES: Final = 64
"""Of an ``ApprovedFile``, which has three; what it holds is read within bounds of its own."""


class ApprovedFile(Contract):
    """A document and the bundle of its approval, in one file; both byte for byte, in Base64."""

    format: Literal["ffp-approved-document/1"]
    document: Base64Text
    proof: Base64Text


@dataclass(frozen=True)
class OpenedFile:
    """What stands in an ``ApprovedFile`` whose proof and approval were verified."""

    document: bytes
    proven: ProvenStatement
    said: Approval


def digest_of(data: bytes) -> str:
    """What an approval concerns."""
    return hashlib.sha256(data).hexdigest()


def check_digest(text: str) -> str:
    """What a person approves is what was shown. Raises InvalidInput for what is no SHA-256 in hexadecimal digits."""
    if not re.fullmatch("[0-9a-f]{64}", text):
        raise InvalidInput("Approve what the page shows.", code="invalid-field")
    return text


def check_part(data: bytes, sha256: str, name: str) -> None:
    """``sha256``: as the manifest names it. Raises StatementInvalid, code "digest-differs"."""
    if not hmac.compare_digest(digest_of(data), sha256):
        raise StatementInvalid(f"The {name} edition is not the one that was approved.", code="digest-differs")


def approve_document(
    node: Node,
    maker: Maker,
    kind: ApprovedKind,
    period: str,
    found: Editions,
    because: str,
    *,
    by: Collection[Role] = HEAD_ALONE,
    again: bool = False,
    also: Callable[[Session], None] = lambda _session: None,
) -> ApprovedRow:
    """Sign that these bytes may be handed out, and keep them.

    1. Who approves is one who may (``by``).
    2. Sign an approval of their digest, of the own jurisdiction.
    3. In one transaction: the statement into the log, the bytes beside it, and ``also``. With ``again`` they take the
       place of what was approved before.

    Raises Forbidden, InvalidInput; Conflict, code "decided", for what is approved already: then nothing is signed.
    """
    # 1.
    if maker.role not in by:
        raise Forbidden(f"{maker.pseudonym} is {maker.role}; this is for the role {' or '.join(by)}.")

    # 2.
    said = say(
        node,
        Approval,
        maker,
        concerns=found.sha256,
        jurisdiction=node.settings.jurisdiction,
        decision=Decision.APPROVED,
        because=because,
    )

    # 3.
    row = ApprovedRow(
        kind=kind,
        period=period,
        **vars(found),
        sha256=found.sha256,
        approval=said.statement_id,
        approved_by=maker.pseudonym,
        approved_at=stamp(),
    )
    with node.store.write() as session:
        if not again and find_approved_row(session, kind, period) is not None:
            raise Conflict(f"The {kind} of {period} was approved already.", code="decided")
        enter(session, said, to=[])
        session.merge(row)
        also(session)
    return row


def find_approval(session: Session, kind: ApprovedKind, period: str) -> ApprovedDocument | None:
    """What was approved; None if nothing was, or if the content of the signed approval is missing."""
    row = find_approved_row(session, kind, period)
    statement = find_statement(session, row.approval) if row is not None else None
    if row is None or statement is None or statement.envelope is None:
        return None
    said = parse_statement(open_envelope(statement.envelope).payload)
    return ApprovedDocument(
        editions=row.editions,
        sha256=row.sha256,
        approval=row.approval,
        log_index=statement.log_index,
        envelope=statement.envelope,
        approved_by=row.approved_by,
        approved_at=row.approved_at,
        because=said.because if isinstance(said, Approval) else "",
    )


def approval_proof(node: Node, approval: str) -> bytes:
    """The bundle of an approval: what proves that it stands in the log. Raises Conflict, code "head-not-signed", for a
    second after it was signed, or while the node does not run."""
    return make_proven(node, approval, kind="approval").model_dump_json().encode()


def check_approval(proven: ProvenStatement, data: bytes, *, by: Collection[Role] = HEAD_ALONE) -> Approval:
    """That a proven statement approves these bytes, or the reason why it does not.

    1. It is an approval, and it approves.
    2. It is of its issuer's own jurisdiction.
    3. Who signed it is one who may (``by``).
    4. It concerns these very bytes.

    Raises StatementInvalid: "unexpected-type", "wrong-jurisdiction", "wrong-role", "wrong-digest".
    """
    said = proven.verified.statement
    # 1.
    if not isinstance(said, Approval) or said.decision is not Decision.APPROVED:
        raise StatementInvalid("The statement inside approves nothing.", code="unexpected-type")
    # 2.
    if said.jurisdiction != proven.card.jurisdiction:
        raise StatementInvalid("The approval names another jurisdiction than its issuer's.", code="wrong-jurisdiction")
    # 3.
    if said.made_by.role not in by:
        raise StatementInvalid(
            f"The approval was signed by {said.made_by.pseudonym} in the role {said.made_by.role}, and not in the role "
            f"{' or '.join(by)}.",
            code="wrong-role",
        )
    # 4.
    if said.concerns != digest_of(data):
        raise StatementInvalid(
            f"The signed approval concerns another file than this one; the SHA-256 of that is {said.concerns}.",
            code="wrong-digest",
        )
    return said


def approved_file(node: Node, approval: str, document: bytes) -> bytes:
    """A document that was approved, with its proof, in one file. Raises as ``approval_proof``."""
    file = ApprovedFile(
        format="ffp-approved-document/1",
        document=base64.b64encode(document).decode(),
        proof=base64.b64encode(approval_proof(node, approval)).decode(),
    )
    return (json.dumps(file.model_dump(mode="json"), indent=1) + "\n").encode()


def open_approved_file(
    data: bytes, *, max_bytes: int, confirmed: str | None = None, by: Collection[Role] = HEAD_ALONE
) -> OpenedFile:
    """Verify such a file of whoever: the proof, then the approval of what stands beside it. Whether the identity is
    believed (``OpenedFile.proven.fingerprint``) is the reader's to say, or given as ``confirmed``.

    Raises ContractError for another kind of file, and what ``verify_proven`` and ``check_approval`` raise.
    """
    file = read_strict(ApprovedFile, data, max_bytes=max_bytes, max_values=_MOST_VALUES)
    document = base64.b64decode(file.document)
    proven = verify_proven(base64.b64decode(file.proof), confirmed=confirmed)
    return OpenedFile(document, proven, check_approval(proven, document, by=by))
