"""An edition that is for one recipient alone: sealed for its key, and bound to what was approved, to whom it goes, and
why."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from exchange.clock import stamp
from exchange.coordination.region_files.recipient import SUITE, NamedRecipient, RecipientKey, seal_for_recipient
from schemas.exhibit import Contract, plain_line
from schemas.lane import Base64Text

MAX_PURPOSE: Final = 200
_LABEL: Final = b"ffp-report-file/1\0"


class SealedEdition(Contract):
    """What stands here beside ``sealed`` is authenticated with it."""

    recipient: Annotated[str, Field(min_length=1, max_length=120), AfterValidator(plain_line)]
    fingerprint: Annotated[str, Field(pattern=r"^([0-9]{5} ){7}[0-9]{5}$")]
    purpose: Annotated[str, Field(min_length=1, max_length=MAX_PURPOSE), AfterValidator(plain_line)]
    released_at: Annotated[str, Field(max_length=30)]
    suite: Annotated[str, Field(max_length=100)]
    sealed: Base64Text


def seal_edition(content: bytes, manifest: bytes, recipient: NamedRecipient, purpose: str) -> SealedEdition:
    """``manifest``: what was approved, which names this edition."""
    said = SealedEdition(
        recipient=recipient.name,
        fingerprint=recipient.fingerprint,
        purpose=purpose,
        released_at=stamp(),
        suite=SUITE,
        sealed="",
    )
    sealed = seal_for_recipient(recipient, content, _info(manifest, said))
    return said.model_copy(update={"sealed": base64.b64encode(sealed).decode()})


def open_edition(said: SealedEdition, manifest: bytes, key: RecipientKey) -> bytes:
    """Raises InvalidInput, code "not-for-this-key": for somebody else, or changed on the way."""
    return key.open(base64.b64decode(said.sealed), _info(manifest, said))


def _info(manifest: bytes, said: SealedEdition) -> bytes:
    """What is bound to the sealed edition: the manifest, and for whom and why it was sealed."""
    fields = said.model_dump(mode="json", exclude={"sealed"})
    told = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
    return _LABEL + hashlib.sha256(manifest).digest() + told
