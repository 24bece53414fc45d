"""What of a signed report goes to the public: the exact bytes that were signed, and nothing that was sealed."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from exchange.coordination.region_files.report_file import VerifiedReport

_SEALED: Final = frozenset({"recipient", "sealed"})
"""The fields by which an edition for one recipient is known, wherever it stands in a file."""


@dataclass(frozen=True)
class SignedBytes:
    """An edition, the manifest that names its digest, and the proof that the head approved the manifest."""

    public: bytes
    manifest: bytes
    approval: bytes

    def named(self, begin: str) -> dict[str, bytes]:
        return {
            f"{begin}-public.json": self.public,
            f"{begin}-manifest.json": self.manifest,
            f"{begin}-approval.json": self.approval,
        }


@dataclass(frozen=True)
class PublicFiles:
    """``report``: the whole file, as the program reads it. ``signed``: what is in it, by itself, for whoever verifies
    without the program; ``annexes``: the same of incident annexes, by half-year. ``as_it_came``: whether ``report`` is
    the file that was given, byte for byte; else sealed editions were left out, and what is signed is the same bytes."""

    report: bytes
    signed: SignedBytes
    annexes: Mapping[str, SignedBytes]
    as_it_came: bool

    def named(self, verified: VerifiedReport) -> dict[str, bytes]:
        """Under the names that they have in a site."""
        begin = f"{verified.jurisdiction}-{verified.node_id}-{verified.manifest.period}"
        found = {f"{begin}-report.json": self.report, **self.signed.named(begin)}
        for half, signed in self.annexes.items():
            found |= signed.named(f"{begin}-incidents-{half}")
        return found


def public_files(data: bytes) -> PublicFiles:
    """Of a report's file that was verified (`verify_report_file`), whatever else that
    verified in it."""
    fields: dict[str, Any] = json.loads(data)
    opened = _without_sealed(fields)
    is_open = opened == fields
    return PublicFiles(
        report=data if is_open else (json.dumps(opened, indent=1) + "\n").encode(),
        signed=_signed(fields),
        annexes={str(annex["half"]): _signed(annex) for annex in fields.get("annexes", ())},
        as_it_came=is_open,
    )


def _signed(fields: Mapping[str, Any]) -> SignedBytes:
    return SignedBytes(*(base64.b64decode(fields[name]) for name in ("public", "manifest", "proof")))


def _without_sealed(value: Any) -> Any:
    if isinstance(value, Mapping):
        if value.keys() >= _SEALED:
            return None
        return {name: _without_sealed(item) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_without_sealed(item) for item in value]
    return value
