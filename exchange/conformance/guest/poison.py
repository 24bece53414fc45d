"""Items that must not be believed: each bad statement of ``schemas/vectors``, as the guest would have issued it.

The vectors are signed with published keys of a made-up node. Here each is issued anew: its payload with the guest as
its issuer, signed with the guest's keys; where the envelope itself is bad, it is made bad in the same way.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

import schemas
from exchange.conformance.guest.owner import encoded
from exchange.trust.key_history import KeyHistory
from exchange.trust.keys import HybridSigner
from schemas import Envelope, KeyEvent, open_envelope, parse_statement, seal, statement_id
from schemas.envelope import MAX_ENVELOPE_BYTES
from schemas.jurisdiction import FIRST_JURISDICTIONS, Jurisdiction

VECTORS = Path(schemas.__file__).parent / "vectors"
NOT_MADE = frozenset({"record-in-compromise", "key-event-by-statement-key", "unknown-contract"})
"""No key of the guest was ever in wrong hands; on a lane the second is a statement that is put on none, and a reader
that is too old for the third waits for its upgrade."""
_NONCE = re.compile(rb'"nonce":"[0-9a-f]{64}"')


@dataclass(frozen=True)
class PoisonedItem:
    """One item: the vector that it is made of, why it is bad, and the reason for which it is to be set aside.

    ``name`` is the id under which the lane names it, None for its own; ``proven`` is false of one that the log does not
    hold.
    """

    vector: str
    because: str
    reason: str
    envelope: Envelope
    name: str | None = None
    proven: bool = True


@dataclass(frozen=True)
class Issuer:
    """Who issues it, and for whom."""

    history: KeyHistory
    signer: HybridSigner
    identity: HybridSigner
    reader: Jurisdiction

    @property
    def card(self) -> KeyEvent:
        return self.history.card

    @property
    def third(self) -> Jurisdiction:
        """A jurisdiction that is neither the issuer's nor the reader's."""
        return next(code for code in FIRST_JURISDICTIONS if code not in (self.card.jurisdiction, self.reader))


def make_poison(issuer: Issuer) -> list[PoisonedItem]:
    """One for each bad statement and each bad item of the vectors, in the manifest's order."""
    manifest = json.loads((VECTORS / "manifest.json").read_bytes())
    good = _read("good/record.json")
    made = []
    for vector in manifest["vectors"]:
        name = Path(vector["file"]).stem
        told = (name, vector["because"], vector["expect"])
        if vector["expect"] is None or name in NOT_MADE:
            continue
        if vector["read_as"] == "statement" and name in _ENVELOPES:
            payload = _issued(good.payload, issuer)
            made.append(PoisonedItem(*told, _ENVELOPES[name](issuer.signer, payload)))
        elif vector["read_as"] == "key-event":
            made.append(PoisonedItem(*told, issuer.identity.sign(_key_event(vector["file"], issuer))))
        elif vector["read_as"] == "statement":
            made.append(PoisonedItem(*told, issuer.signer.sign(_issued(_read(vector["file"]).payload, issuer))))
        elif vector["read_as"] == "lane-page" and name in _ITEMS:
            envelope = issuer.signer.sign(_item(vector["file"], issuer))
            other = secrets.token_hex(32) if name == "lane-wrong-id" else None
            made.append(PoisonedItem(*told, envelope, other, name != "lane-not-in-log"))
    return made


def _read(file: str) -> Envelope:
    return open_envelope((VECTORS / file).read_bytes())


def _issued(payload: bytes, issuer: Issuer) -> bytes:
    """The same bytes, wrong as they are, of another issuer, for the reader, under a nonce of their own."""
    node_id, jurisdiction = issuer.card.issuer.encode(), issuer.card.jurisdiction.encode()
    payload = payload.replace(b'"issuer":"ffp-rs"', b'"issuer":"%s"' % node_id)
    payload = payload.replace(b'"jurisdiction":"RS"', b'"jurisdiction":"%s"' % jurisdiction)
    payload = payload.replace(b'"audience":["MK","XK"]', b'"audience":["%s"]' % issuer.reader.encode())
    return _NONCE.sub(b'"nonce":"%s"' % secrets.token_hex(32).encode(), payload)


def _key_event(file: str, issuer: Issuer) -> bytes:
    """The same bytes, with the guest's identity, its log and the keys of its card in place of those of the example."""
    example, payload = _read("good/key-event.json"), _issued(_read(file).payload, issuer)
    card = parse_statement(example.payload)
    if not isinstance(card, KeyEvent):
        raise TypeError("the example of a card is none")
    told = {
        statement_id(example.payload): issuer.history.links[0].statement_id,
        card.log_origin: issuer.card.log_origin,
        card.url: issuer.history.url,
    }
    told.update(zip(_keys(card), _keys(issuer.card), strict=True))
    if file == "bad/key-event-another-jurisdiction.json":
        told["ME"] = issuer.third  # the guest itself may be Montenegro's
    for one, other in told.items():
        payload = payload.replace(b'"%s"' % one.encode(), b'"%s"' % other.encode())
    return payload


def _keys(card: KeyEvent) -> list[str]:
    given = card.delegation
    pairs = (card.identity, given.statement, given.log, given.witness)
    return [key for pair in pairs for key in (pair.ed25519, pair.ml_dsa)] + [given.transport]


def _item(file: str, issuer: Issuer) -> bytes:
    """The statement of a bad page, whose fault lies in the place on the lane or in for whom it is."""
    page = json.loads((VECTORS / file).read_bytes())
    payload = open_envelope(base64.b64decode(page["items"][0]["envelope"])).payload
    fields = json.loads(_issued(payload, issuer))
    return encoded({**fields, **_ITEMS[Path(file).stem](issuer)})


def _flipped(content: bytes) -> bytes:
    return bytes([content[0] ^ 1]) + content[1:]


def _stranger() -> HybridSigner:
    return HybridSigner(Ed25519PrivateKey.generate(), MLDSA65PrivateKey.generate())


def _altered(signer: HybridSigner, payload: bytes) -> Envelope:
    return seal(payload.replace(b"2036", b"2037", 1), signer.sign(payload).signatures)


def _resigned(change: Callable[[dict[str, bytes]], dict[str, bytes]]) -> Callable[[HybridSigner, bytes], Envelope]:
    return lambda signer, payload: seal(payload, change(signer.sign(payload).signatures))


def _borrowed(signer: HybridSigner, payload: bytes) -> Envelope:
    others = _stranger().sign(payload).signatures
    return seal(payload, dict(zip(signer.sign(payload).signatures, others.values(), strict=True)))


def _over(message: Callable[[bytes], bytes]) -> Callable[[HybridSigner, bytes], Envelope]:
    """Both keys sign something else than the pre-authentication encoding."""

    def make(signer: HybridSigner, payload: bytes) -> Envelope:
        ids = signer.sign(payload).signatures
        signed = (signer.ed25519.sign(message(payload)), signer.ml_dsa.sign(message(payload)))
        return seal(payload, dict(zip(ids, signed, strict=True)))

    return make


def _third(signer: HybridSigner, payload: bytes) -> Envelope:
    name, signature = next(iter(_stranger().sign(payload).signatures.items()))
    return seal(payload, {**signer.sign(payload).signatures, name: signature})


def _rewritten(change: Callable[[bytes], bytes]) -> Callable[[HybridSigner, bytes], Envelope]:
    """A good envelope whose bytes are changed."""

    def make(signer: HybridSigner, payload: bytes) -> Envelope:
        good = signer.sign(payload)
        return Envelope(change(good.raw), payload, good.signatures)

    return make


def _form(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[HybridSigner, bytes], Envelope]:
    """A good envelope whose fields are changed."""
    return _rewritten(lambda raw: encoded({**json.loads(raw), **change(json.loads(raw))}))


def _respelt(signer: HybridSigner, payload: bytes) -> Envelope:
    """Base64 that is not canonical: a bit is set that the last character leaves unused."""
    while len(payload) % 3 == 0:
        payload += b" "
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    def change(form: dict[str, Any]) -> dict[str, Any]:
        bare = form["payload"].rstrip("=")
        last = alphabet[alphabet.index(bare[-1]) + 1]
        return {"payload": bare[:-1] + last + form["payload"][len(bare) :]}

    return _form(change)(signer, payload)


def _swapped(signatures: dict[str, bytes]) -> dict[str, bytes]:
    return dict(zip(signatures, reversed(signatures.values()), strict=True))


def _flip(place: int) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    return lambda signatures: {
        key: _flipped(value) if number == place else value for number, (key, value) in enumerate(signatures.items())
    }


def _only(place: int) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    return lambda signatures: dict([list(signatures.items())[place]])


_ENVELOPES: dict[str, Callable[[HybridSigner, bytes], Envelope]] = {
    "altered-payload": _altered,
    "altered-ed25519": _resigned(_flip(0)),
    "altered-ml-dsa": _resigned(_flip(1)),
    "swapped-signatures": _resigned(_swapped),
    "borrowed-key-ids": _borrowed,
    "signed-without-encoding": _over(lambda payload: payload),
    "signed-for-another-type": _over(
        lambda payload: b"DSSEv1 16 application/json %d %s" % (len(payload), payload),
    ),
    "missing-ml-dsa": _resigned(_only(0)),
    "missing-ed25519": _resigned(_only(1)),
    "third-signature": _third,
    "wrong-key": lambda _signer, payload: _stranger().sign(payload),
    "record-by-former-key": lambda _signer, payload: _stranger().sign(payload),
    "duplicate-signature": _form(lambda form: {"signatures": [*form["signatures"], form["signatures"][0]]}),
    "envelope-cut-short": _rewritten(lambda raw: raw[:-1]),
    "envelope-duplicate-key": _rewritten(
        lambda raw: raw.replace(b'{"payload":', b'{"payload":"e30=","payload":', 1),
    ),
    "another-payload-type": _form(lambda _form: {"payloadType": "application/json"}),
    "envelope-unknown-field": _form(lambda _form: {"comment": ""}),
    "no-signatures": _form(lambda _form: {"signatures": []}),
    "not-base64": _form(lambda form: {"payload": "*" + form["payload"][1:]}),
    "not-canonical-base64": _respelt,
    "too-large": _rewritten(lambda raw: raw + b" " * MAX_ENVELOPE_BYTES),
}
"""By vector: what is wrong with the envelope itself. All others are wrong in what was signed."""
_ITEMS: dict[str, Callable[[Issuer], dict[str, Any]]] = {
    "lane-not-in-log": lambda _issuer: {},
    "lane-wrong-id": lambda _issuer: {},
    "lane-not-in-audience": lambda issuer: {"audience": [issuer.third]},
    "lane-grant-to-another": lambda issuer: {"jurisdiction": issuer.third},
    "lane-message-to-another": lambda issuer: {"to": f"ffp-{issuer.third.lower()}"},
    "lane-stays-at-home": lambda issuer: {"audience": [issuer.reader]},
    "lane-wrong-jurisdiction": lambda issuer: {"jurisdiction": issuer.third, "audience": [issuer.reader]},
    "lane-audit-batch": lambda _issuer: {},
}
"""By vector: what the statement says instead, where the fault is for whom it is. Pages that are refused whole are
lies."""
