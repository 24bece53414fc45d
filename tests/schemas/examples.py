"""Test keys and whole, good statements to start from; the signed examples are made of them."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA65PrivateKey

from exchange.log import merkle
from exchange.log.checkpoint import Checkpoint, sign_checkpoint
from exchange.log.cosignature import cosign, witness_name
from exchange.trust.keys import HybridSigner, LogKeys, NodeKeys, raw_public
from exchange.trust.possession import prove_possession
from schemas import Envelope, KeyRole
from schemas.exhibit import Measurement
from schemas.keys import KEY_ROLES, Possession, log_origin_of
from schemas.lane import EMPTY_HEAD, next_head

SEED_RULE = "SHA-256 of the ASCII text 'FFP exchange test key, for tests only: ' and the key's name"
ISSUER, OTHER, READER = "ffp-rs", "ffp-mk", "ffp-mk"
LOG_ORIGIN = "ffp-rs.ffp-exchange/log"
HEAD_TIME = 1_793_000_000  # when the test log says it signed its head; nobody believes it

Json = dict[str, Any]


def seed(name: str) -> bytes:
    """The published seed of a test key: 32 bytes, for Ed25519 (RFC 8032) and ML-DSA (FIPS 204) alike."""
    return hashlib.sha256(f"FFP exchange test key, for tests only: {name}".encode()).digest()


def hybrid(name: str) -> HybridSigner:
    return HybridSigner(
        Ed25519PrivateKey.from_private_bytes(seed(f"{name} ed25519")),
        MLDSA65PrivateKey.from_seed_bytes(seed(f"{name} ml-dsa-65")),
    )


IDENTITY, STATEMENT, OTHERS = hybrid("ffp-rs identity"), hybrid("ffp-rs statement"), hybrid("ffp-mk statement")
LOG = LogKeys(
    Ed25519PrivateKey.from_private_bytes(seed("ffp-rs log ed25519")),
    MLDSA44PrivateKey.from_seed_bytes(seed("ffp-rs log ml-dsa-44")),
)
WITNESS = LogKeys(
    Ed25519PrivateKey.from_private_bytes(seed("ffp-rs witness ed25519")),
    MLDSA44PrivateKey.from_seed_bytes(seed("ffp-rs witness ml-dsa-44")),
)
READERS_WITNESS = LogKeys(
    Ed25519PrivateKey.from_private_bytes(seed("ffp-mk witness ed25519")),
    MLDSA44PrivateKey.from_seed_bytes(seed("ffp-mk witness ml-dsa-44")),
)
TRANSPORT = Ed25519PrivateKey.from_private_bytes(seed("ffp-rs transport ed25519"))
WORKING = NodeKeys(STATEMENT, LOG, WITNESS, TRANSPORT, nonce_secret=b"")


def record_fields(**changes: object) -> Json:
    """The fields of a full record, in the order in which a node writes them. One that supersedes another is the second
    version, unless ``first_version`` says otherwise."""
    fields: Json = {
        "contract": "1.0",
        "nonce": hashlib.sha256(b"nonce of the record").hexdigest(),
        "issuer": ISSUER,
        "made_by": {"pseudonym": "examiner-7", "role": "examiner", "signed_in": "token"},
        "stated_at": None,
        "type": "record",
        "jurisdiction": "RS",
        "case_reference": "RS-2026-0001",
        "exhibit": exhibit_fields(),
        "acquisitions": [acquisition_fields()],
        "handling": {"code": "H1", "restriction": None, "source_grade": "A", "information_grade": 1},
        "level": "full",
        "audience": ["MK", "XK"],
        "retention_until": "2036-12-31",
        "supersedes": None,
        "first_version": changes.get("supersedes"),
    }
    return fields | changes


def exhibit_fields(**changes: object) -> Json:
    classes = {
        "firing_pin_type": "centrefire",
        "firing_pin_class": "hemispherical",
        "firing_pin_aperture": "rectangular",
        "breech_face": ["arched", "granular"],
        "ejector_hour": 8,
        "extractor_hour": 3,
    }
    fields: Json = {
        "kind": "crime_scene",
        "calibre": "9 mm Luger",
        "calibre_words": None,
        "item": None,
        "seal": None,
        "incident": None,
        "firearm": None,
        "classes": classes,
        "primer_material": "brass",
        "primer_lacquered": "no",
        "case_material": "brass",
        "cast": "no",
        "headstamp": "PPU 9mm LUGER",
        "cartridge_maker": "Prvi partizan",
        "cartridge_lot": None,
        "suspected_firearm": {"make": "Zastava", "model": "CZ 99", "basis": "class characteristics"},
        "converted_weapon": "no",
        "offence": "robbery",
        "occurred": {"earliest": "2026-03-01", "latest": "2026-03-02", "precision": "day"},
        "municipality": "Niš",
        "within_80_km_of_border": "yes",
    }
    return fields | changes


def firearm_fields(**changes: object) -> Json:
    fields: Json = {
        "firearm_id": "F-2026-0007",
        "kind": "pistol",
        "calibre": "9 mm Luger",
        "calibre_words": None,
        "make": "Zastava",
        "model": "CZ 99",
        "converted": "no",
        "origin": "seized",
    }
    return fields | changes


def fired_fields(**changes: object) -> Json:
    """An exhibit of a firearm that the laboratory holds."""
    named = {"item": "K-2/1", "seal": "B 004711", "incident": "2", "firearm": firearm_fields()}
    return exhibit_fields(kind="test_fire", suspected_firearm=None, **named) | changes


def acquisition_fields(**changes: object) -> Json:
    fields: Json = {
        "roi": "breech_face",
        "modality": "topography",
        "instrument": {"maker": "Test", "model": "Profiler", "serial": None, "software": "1.0"},
        "lateral_resolution_um": 3.125,
        "vertical_resolution_um": 0.01,
        "objective_magnification": 10.0,
        "numerical_aperture": 0.3,
        "lighting": "none",
        "light_hour": None,
        "unmodified": "yes",
        "captured_by": "examiner",
        "region_mask": None,
        "blob": {
            "sha256": hashlib.sha256(b"the scan").hexdigest(),
            "size": 2_376_200,
            "media_type": "application/x-x3p",
        },
        "instrument_check": None,
    }
    return fields | changes


def mended_fields(**changes: object) -> Json:
    """With a region of three rows of five cells, `.###.`, `##..#` and `...##`, and one bit that is not used."""
    return acquisition_fields(region_mask={"rows": 3, "columns": 5, "bits": "dkY="} | changes)


def card_fields(**changes: object) -> Json:
    fields: Json = {
        "contract": "1.0",
        "nonce": hashlib.sha256(b"nonce of the card").hexdigest(),
        "issuer": ISSUER,
        "made_by": {"pseudonym": "operator", "role": "operator", "signed_in": "node_key"},
        "stated_at": None,
        "type": "key-event",
        "event": "delegate",
        "jurisdiction": "RS",
        "url": "https://ffp.example",
        "log_origin": LOG_ORIGIN,
        "identity": IDENTITY.public.model_dump(),
        "delegation": {
            "from_index": 0,
            "statement": STATEMENT.public.model_dump(),
            "log": LOG.public.model_dump(),
            "witness": WITNESS.public.model_dump(),
            "transport": raw_public(TRANSPORT),
        },
        "possession": proofs(WORKING, KEY_ROLES, previous=None),
        "previous": None,
        "compromised": None,
    }
    return fields | changes


def of_node(node_id: str) -> Json:
    """The fields of a key-event that follow from the node id."""
    return {"issuer": node_id, "jurisdiction": node_id[4:6].upper(), "log_origin": log_origin_of(node_id)}


@functools.cache
def _proofs(keys: NodeKeys, roles: tuple[KeyRole, ...], previous: str | None) -> Possession:
    """ML-DSA signatures differ each time; an example is to be one statement, whoever uses it."""
    return prove_possession(keys, roles, issuer=ISSUER, identity=IDENTITY.public, previous=previous)


def proofs(keys: NodeKeys, roles: tuple[KeyRole, ...], *, previous: str | None) -> Json:
    return _proofs(keys, roles, previous).model_dump()


def submission_fields(**changes: object) -> Json:
    own = ("case_reference", "exhibit", "handling", "level", "audience", "retention_until")
    fields: Json = {name: value for name, value in record_fields().items() if name in own}
    acquisition = {name: acquisition_fields()[name] for name in Measurement.model_fields}
    return fields | {"acquisitions": [acquisition | {"file": "scan"}]} | changes


def encoded(fields: object) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


CARD = IDENTITY.sign(encoded(card_fields()))


def page_fields(envelope: Envelope | None = None, **changes: object) -> Json:
    """A lane of one statement, second in a log of two; the first is the node's card."""
    envelope = envelope or STATEMENT.sign(encoded(record_fields()))
    statement_id = hashlib.sha256(envelope.payload).hexdigest()
    leaves = [merkle.leaf_hash(item.leaf_data) for item in (CARD, envelope)]
    nodes: dict[tuple[int, int], bytes] = {}
    for size, leaf in enumerate(leaves):
        for level, index, node in merkle.appended(size, leaf, lambda level, index: nodes[level, index]):
            nodes[level, index] = node

    def read(level: int, index: int) -> bytes:
        return nodes[level, index]

    head = Checkpoint(LOG_ORIGIN, len(leaves), merkle.root(len(leaves), read))
    item = {
        "position": 0,
        "statement_id": statement_id,
        "log_index": 1,
        "envelope": base64.b64encode(envelope.raw).decode(),
        "inclusion": [step.hex() for step in merkle.inclusion_proof(1, len(leaves), read)],
    }
    page: Json = {
        "contract": "1.0",
        "lane": READER,
        "start": 0,
        "count": 1,
        "head": next_head(EMPTY_HEAD, statement_id).hex(),
        "checkpoint": base64.b64encode(sign_checkpoint(head, LOG.ed25519, LOG.ml_dsa, HEAD_TIME)).decode(),
        "consistency": [],
        "items": [item],
    }
    return page | changes


def cosigned_head(*, witness: LogKeys = READERS_WITNESS, log: LogKeys = LOG) -> bytes:
    """A head of the issuer's log, cosigned by the reader's witness a minute later."""
    head = Checkpoint(LOG_ORIGIN, 2, hashlib.sha256(b"a root").digest())
    signed = sign_checkpoint(head, log.ed25519, log.ml_dsa, HEAD_TIME)
    return cosign(signed, witness_name(READER), witness.ed25519, witness.ml_dsa, HEAD_TIME + 60)


def report_fields(cosigned: bytes | None = None, **changes: object) -> Json:
    """What the reader tells the issuer of its log."""
    report: Json = {
        "contract": "1.0",
        "cosigned": base64.b64encode(cosigned or cosigned_head()).decode(),
        "shown": None,
        "seen": [],
        "forked": [],
        "size": 2,
        "asks": [1],
    }
    return report | changes


def grown_head(size: int) -> Checkpoint:
    """The head of the issuer's log of three leaves, when it had ``size`` of them."""
    a, b, c = _THREE
    return Checkpoint(
        LOG_ORIGIN, size, merkle.node_hash(a, b) if size == 2 else merkle.node_hash(merkle.node_hash(a, b), c)
    )


_THREE = [merkle.leaf_hash(letter) for letter in (b"a", b"b", b"c")]


def witnessed_fields(head: Checkpoint | None = None, *, log: LogKeys = LOG, **changes: object) -> Json:
    """How far the issuer's log is witnessed beyond its head of two leaves: the reader cosigned that of three."""
    signed = sign_checkpoint(head or grown_head(3), log.ed25519, log.ml_dsa, HEAD_TIME)
    cosigned = cosign(signed, witness_name(READER), READERS_WITNESS.ed25519, READERS_WITNESS.ml_dsa, HEAD_TIME + 60)
    answer: Json = {
        "contract": "1.0",
        "log": ISSUER,
        "size": 2,
        "round": 1,
        "heads": [{"witness": READER, "note": base64.b64encode(cosigned).decode(), "proof": [_THREE[2].hex()]}],
        "proofs": [],
    }
    return answer | changes


def query_request_fields(envelope: Envelope, **changes: object) -> Json:
    """What the issuer posts to ask the reader: the query second in a log of two, as in ``page_fields``."""
    page = page_fields(envelope)
    [item] = page["items"]
    request: Json = {
        "contract": "1.0",
        "envelope": item["envelope"],
        "log_index": item["log_index"],
        "inclusion": item["inclusion"],
        "checkpoint": page["checkpoint"],
    }
    return request | changes
