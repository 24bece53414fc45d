"""Six jurisdictions with their key pairs, and rounds of the trust root signed by whom a test names."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from securesystemslib.formats import encode_canonical

from exchange.jurisdictions.jurisdiction_entry import Entries
from exchange.trust.ceremony import Proposal, combine_proposals, propose, publish_signed_round, sign_proposal
from exchange.trust.keys import HybridSigner
from exchange.trust.registry import RegisteredNode, RoundFiles, TimeStampingRoot, Trust
from exchange.trust.root_keys import RootKey, RootSigner
from schemas.vocabulary import Jurisdiction

AL, BA, ME, MK, RS, XK = (Jurisdiction(code) for code in ("AL", "BA", "ME", "MK", "RS", "XK"))
SIX = (AL, BA, ME, MK, RS, XK)
EXPIRES = datetime(2099, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def new_signer() -> RootSigner:
    return RootSigner(HybridSigner(Ed25519PrivateKey.generate(), MLDSA65PrivateKey.generate()))


@dataclass
class Capitals:
    """Who holds which key pair now. A test replaces one with ``held[RS] = new_signer()``."""

    held: dict[Jurisdiction, RootSigner] = field(default_factory=lambda: {code: new_signer() for code in SIX})

    def public(self) -> list[RootKey]:
        return [RootKey(jurisdiction=code, key=signer.keys.public) for code, signer in self.held.items()]

    def proposed(
        self,
        before: Trust | None = None,
        *,
        nodes: Iterable[RegisteredNode] = (),
        time_stamping: Iterable[TimeStampingRoot] = (),
        jurisdictions: Entries | None = None,
        needed: int = 4,
        expires: datetime = EXPIRES,
    ) -> Proposal:
        return propose(
            before.root if before else None,
            keys=self.public(),
            needed=needed,
            nodes=nodes,
            time_stamping=time_stamping,
            jurisdictions=jurisdictions,
            expires=expires,
        )

    def round(self, before: Trust | None = None, *, by: Sequence[Jurisdiction] = SIX[:4], **what: Any) -> Trust:
        """The next round, published, signed by ``by``."""
        return publish_signed_round(before, signed(self.proposed(before, **what), *(self.held[code] for code in by)))


def signed(proposal: Proposal, *signers: RootSigner) -> Proposal:
    """The proposal with the signatures of all these, each made on a copy of its own."""
    copies = [sign_proposal(proposal, signer)[1] for signer in signers]
    for copy in copies:
        proposal = combine_proposals(proposal, copy)
    return proposal


def rounds_of(trust: Trust) -> list[RoundFiles]:
    return [RoundFiles(root.raw, registry.raw) for root, registry in zip(trust.roots, trust.registries, strict=True)]


def forged(content: dict[str, Any], signers: Iterable[RootSigner], ids: Sequence[str] | None = None) -> bytes:
    """Metadata with any content at all, properly signed; ``ids`` are the key ids to sign under instead of the true."""
    payload = (encode_canonical(content) or "").encode()
    made = [one.sign(payload) for signer in signers for one in signer.signers]
    names = ids or [signature.keyid for signature in made]
    signatures = [{"keyid": name, "sig": one.signature} for name, one in zip(names, made, strict=True)]
    return json.dumps({"signed": content, "signatures": signatures}).encode()


def content_of(raw: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(raw)["signed"]
    return found
