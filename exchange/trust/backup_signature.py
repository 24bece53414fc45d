"""Who made a backup: the node's statement key signs its manifest, in a file beside it.

    {"payloadType": "application/vnd.ffp.backup+json", "signatures": [{"keyid": ..., "sig": ...}, ...]}

A DSSE envelope without its payload, which is the manifest's exact bytes: Ed25519 and ML-DSA-65 sign the type and them.
The type differs from a statement's, so neither is ever taken for the other. The ids name the key pair; which pairs are
believed, the reader knows from elsewhere, and never from the backup.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from exchange.errors import StatementInvalid
from exchange.trust.keys import HybridSigner, key_ids
from exchange.trust.verify import not_believed, verify_signatures
from schemas import ContractError, HybridKey, pre_authentication_encoding
from schemas.envelope import SignatureForm
from schemas.exhibit import Contract
from schemas.strict_json import check_json

BACKUP_TYPE = "application/vnd.ffp.backup+json"
_MOST_BYTES = 16 * 1024
"""Both signatures take 5 kB in Base64."""


class _SignatureFile(Contract):
    payloadType: Literal["application/vnd.ffp.backup+json"]  # noqa: N815 - DSSE's own name
    signatures: Annotated[tuple[SignatureForm, ...], Field(min_length=2, max_length=2)]


def sign_backup(manifest: bytes, signer: HybridSigner) -> bytes:
    """What the file beside the manifest holds."""
    made = signer.signatures(pre_authentication_encoding(manifest, BACKUP_TYPE))
    signatures = tuple(
        SignatureForm(keyid=name, sig=base64.b64encode(signature).decode()) for name, signature in made.items()
    )
    return _SignatureFile(payloadType=BACKUP_TYPE, signatures=signatures).model_dump_json(indent=1).encode()


def verify_backup(manifest: bytes, signature: bytes | None, believed: Iterable[HybridKey]) -> None:
    """Believe that a holder of one of these keys made the manifest, or raise StatementInvalid.

    1. There is a file of signatures, in its form.
    2. It names both ids of one pair that is believed.
    3. Both signatures verify over the manifest's exact bytes.
    """
    # 1.
    if signature is None:
        raise not_believed("unknown-key", "its manifest is not signed")
    signatures = _opened(signature)
    # 2.
    key = next((key for key in believed if key_ids(key) == signatures.keys()), None)
    if key is None:
        raise not_believed(
            "unknown-key",
            "its manifest is signed with a key that the given keys, and key-events beside them, do not name",
        )
    # 3.
    try:
        verify_signatures(signatures, pre_authentication_encoding(manifest, BACKUP_TYPE), key)
    except StatementInvalid as error:
        raise not_believed("bad-signature", "its manifest was altered after it was signed") from error


def _opened(signature: bytes) -> dict[str, bytes]:
    try:
        check_json(signature, max_bytes=_MOST_BYTES)
        form = _SignatureFile.model_validate_json(signature, strict=True)
        return {item.keyid: base64.b64decode(item.sig, validate=True) for item in form.signatures}
    except (ContractError, ValidationError, binascii.Error) as error:
        raise not_believed("bad-signature", "the signature of its manifest is damaged") from error
