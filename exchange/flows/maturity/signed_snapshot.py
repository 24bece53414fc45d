"""The file of a signed snapshot of maturity: the snapshot's exact bytes, and the bundle of the approval that concerns
their digest. Verified far from any node, as the bundle of a record is."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from exchange.errors import InvalidInput, StatementInvalid
from exchange.flows.maturity.snapshot import MAX_SNAPSHOT_BYTES, Snapshot, read_snapshot
from exchange.flows.witness.bundle import verify_proven
from exchange.trust.key_history import history_of
from schemas import Approval, ContractError, HybridKey, open_envelope
from schemas.bundle import MAX_BUNDLE_BYTES, Bundle
from schemas.exhibit import Contract
from schemas.strict_json import check_json
from schemas.vocabulary import Decision, Role

MAX_SIGNED_SNAPSHOT_BYTES: Final = MAX_BUNDLE_BYTES + 2 * MAX_SNAPSHOT_BYTES


class SignedSnapshotForm(Contract):
    """``snapshot``: in Base64, byte for byte."""

    format: Literal["ffp-signed-maturity/1"]
    snapshot: Annotated[str, Field(max_length=2 * MAX_SNAPSHOT_BYTES)]
    bundle: Bundle


@dataclass(frozen=True)
class VerifiedSnapshot:
    """``fingerprint``: of the identity that vouches for all of it; ``confirmed``: it is the one that the reader knows.
    ``kept_by``: the role of who signed, the head or the node itself; ``statement_key``: with which key."""

    snapshot: Snapshot
    sha256: str
    fingerprint: str
    confirmed: bool
    kept_by: Role
    statement_id: str
    statement_key: HybridKey


def verify_signed_snapshot(data: bytes, *, confirmed: str | None = None) -> VerifiedSnapshot:
    """Believe a snapshot, or raise the reason not to.

    1. The file is in its form.
    2. The approval inside stands in its issuer's log: steps 1 to 7 of ``verify_proven``.
    3. It approves, it is of the issuer's own jurisdiction, said by the head or by the node, and concerns these bytes.
    4. They are a snapshot, and name that node and that jurisdiction.

    ``confirmed``: the fingerprint of the node's identity as the reader knows it. Raises InvalidInput for what is no
    such file, and what ``verify_proven`` raises.
    """
    # 1.
    try:
        check_json(data, max_bytes=MAX_SIGNED_SNAPSHOT_BYTES)
        form = SignedSnapshotForm.model_validate_json(data, strict=True)
        document = base64.b64decode(form.snapshot, validate=True)
    except (ContractError, ValidationError, binascii.Error) as error:
        raise InvalidInput("It is no file of a signed snapshot of maturity.") from error

    # 2.
    found = verify_proven(form.bundle.model_dump_json().encode(), confirmed=confirmed)

    # 3.
    said, card = found.verified.statement, found.card
    if not isinstance(said, Approval) or said.decision is not Decision.APPROVED:
        raise StatementInvalid("The statement inside approves nothing.", code="unexpected-type")
    if said.jurisdiction != card.jurisdiction:
        raise StatementInvalid("The approval names another jurisdiction than its issuer's.", code="wrong-jurisdiction")
    if said.made_by.role not in (Role.HEAD, Role.NODE):
        raise StatementInvalid("Neither the head nor the node signed the approval.", code="unexpected-type")
    sha256 = hashlib.sha256(document).hexdigest()
    if said.concerns != sha256:
        raise StatementInvalid("The signed approval concerns another file than this snapshot.", code="wrong-digest")

    # 4.
    snapshot = read_snapshot(document)
    if (snapshot.node_id, snapshot.jurisdiction) != (card.issuer, card.jurisdiction):
        raise StatementInvalid("The snapshot names another node than the one that signed it.", code="wrong-issuer")
    return VerifiedSnapshot(
        snapshot,
        sha256,
        found.fingerprint,
        confirmed is not None,
        said.made_by.role,
        found.verified.statement_id,
        _key_of(form.bundle),
    )


def _key_of(bundle: Bundle) -> HybridKey:
    """What signed it, of a bundle that was verified."""
    keys = history_of(open_envelope(base64.b64decode(bundle.card)), map(base64.b64decode, bundle.key_events))
    return keys.statement_key(bundle.log_index)
