"""The file of a signed snapshot of maturity: the snapshot's exact bytes, and the bundle of the approval that concerns
their digest. Verified far from any node, as the bundle of a record is."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import Field

from exchange.coordination.approved_document import check_approval
from exchange.coordination.maturity.maturity_snapshot import MAX_SNAPSHOT_BYTES, Snapshot, read_snapshot
from exchange.errors import InvalidInput, StatementInvalid
from exchange.flows.statement.proven import verify_proven
from schemas import ContractError, HybridKey
from schemas.bundle import MAX_BUNDLE_BYTES, Bundle
from schemas.exhibit import Contract
from schemas.strict_json import read_strict
from schemas.vocabulary import Role

MAX_SIGNED_SNAPSHOT_BYTES: Final = MAX_BUNDLE_BYTES + 2 * MAX_SNAPSHOT_BYTES
KEPT_BY: Final = (Role.HEAD, Role.NODE)
"""Who may sign one: where nobody kept it in time, the node does so itself."""


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
    3. It approves these bytes, for the issuer's own jurisdiction, by the head or by the node.
    4. They are a snapshot, and name that node and that jurisdiction.

    ``confirmed``: the fingerprint of the node's identity as the reader knows it. Raises InvalidInput for what is no
    such file, and what ``verify_proven`` raises.
    """
    # 1.
    try:
        form = read_strict(SignedSnapshotForm, data, max_bytes=MAX_SIGNED_SNAPSHOT_BYTES)
        document = base64.b64decode(form.snapshot, validate=True)
    except (ContractError, binascii.Error) as error:
        raise InvalidInput("It is no file of a signed snapshot of maturity.") from error

    # 2.
    found = verify_proven(form.bundle.model_dump_json().encode(), confirmed=confirmed)

    # 3.
    said, card = check_approval(found, document, by=KEPT_BY), found.card

    # 4.
    snapshot = read_snapshot(document)
    if (snapshot.node_id, snapshot.jurisdiction) != (card.issuer, card.jurisdiction):
        raise StatementInvalid("The snapshot names another node than the one that signed it.", code="wrong-issuer")
    return VerifiedSnapshot(
        snapshot,
        said.concerns,
        found.fingerprint,
        confirmed is not None,
        said.made_by.role,
        found.verified.statement_id,
        found.key,
    )
