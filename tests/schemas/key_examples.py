"""Key-events that follow on the card of the examples: good ones of each kind, and one for each way to be wrong."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from exchange.trust.keys import LogKeys, NodeKeys, raw_public
from schemas.keys import KEY_ROLES
from tests.schemas.examples import (
    CARD,
    IDENTITY,
    OTHER,
    OTHERS,
    STATEMENT,
    TRANSPORT,
    WORKING,
    Json,
    card_fields,
    encoded,
    hybrid,
    of_node,
    proofs,
    record_fields,
    seed,
)

ROTATED_AT, COMPROMISED_FROM, COMPROMISED_AT = 3, 4, 7
"""Log indices: of the rotation; of the first statement that is not believed, and of the compromise that says so."""

STATEMENT_2 = hybrid("ffp-rs statement 2")
LOG_2 = LogKeys(
    Ed25519PrivateKey.from_private_bytes(seed("ffp-rs log 2 ed25519")),
    MLDSA44PrivateKey.from_seed_bytes(seed("ffp-rs log 2 ml-dsa-44")),
)
WITNESS_2 = LogKeys(
    Ed25519PrivateKey.from_private_bytes(seed("ffp-rs witness 2 ed25519")),
    MLDSA44PrivateKey.from_seed_bytes(seed("ffp-rs witness 2 ml-dsa-44")),
)
TRANSPORT_2 = Ed25519PrivateKey.from_private_bytes(seed("ffp-rs transport 2 ed25519"))
WORKING_2 = NodeKeys(STATEMENT_2, LOG_2, WITNESS_2, TRANSPORT_2, nonce_secret=b"")
AFTER_CARD = hashlib.sha256(CARD.payload).hexdigest()


@dataclass(frozen=True)
class KeyExample:
    """One file; ``expect`` is None when it is good. ``after`` is the key-event that the reader knows beside the card,
    and ``log_index`` where in the log a statement stands."""

    file: str
    read_as: str
    expect: str | None
    because: str
    content: bytes
    after: str | None = None
    log_index: int | None = None


def delegation_fields(from_index: int, **changes: object) -> Json:
    """All four keys replaced, unless said otherwise."""
    fields: Json = {
        "from_index": from_index,
        "statement": STATEMENT_2.public.model_dump(),
        "log": LOG_2.public.model_dump(),
        "witness": WITNESS_2.public.model_dump(),
        "transport": raw_public(TRANSPORT_2),
    }
    return fields | changes


def rotation_fields(**changes: object) -> Json:
    fields = card_fields(
        event="rotate",
        nonce=hashlib.sha256(b"nonce of the rotation").hexdigest(),
        delegation=delegation_fields(ROTATED_AT),
        possession=proofs(WORKING_2, KEY_ROLES, previous=AFTER_CARD),
        previous=AFTER_CARD,
    )
    return fields | changes


def compromise_fields(**changes: object) -> Json:
    fields = rotation_fields(
        event="compromise",
        nonce=hashlib.sha256(b"nonce of the compromise").hexdigest(),
        delegation=delegation_fields(
            COMPROMISED_AT,
            witness=card_fields()["delegation"]["witness"],
            transport=raw_public(TRANSPORT),
        ),
        possession=proofs(WORKING_2, ("statement", "log"), previous=AFTER_CARD),
        compromised={"roles": ["statement", "log"], "from_index": COMPROMISED_FROM},
    )
    return fields | changes


def moved_fields(**changes: object) -> Json:
    """Another address, and the keys of the card."""
    fields = rotation_fields(
        url="https://ffp.example:8443",
        delegation=card_fields()["delegation"] | {"from_index": ROTATED_AT},
        possession=dict.fromkeys(KEY_ROLES),
    )
    return fields | changes


def key_examples() -> list[KeyExample]:
    rotation, compromise = (IDENTITY.sign(encoded(fields)).raw for fields in (rotation_fields(), compromise_fields()))
    moved = IDENTITY.sign(encoded(moved_fields())).raw
    after = "good/key-compromise.json"
    record = encoded(record_fields())
    return [
        KeyExample("good/key-rotation.json", "key-event", None, "replaces all four keys", rotation),
        KeyExample(
            "good/key-compromise.json", "key-event", None, "two keys in wrong hands from index 4 on", compromise
        ),
        KeyExample("good/key-moved.json", "key-event", None, "the node has another address", moved),
        KeyExample("good/key-chain.json", "key-chain", None, "the card and the rotation", chain(CARD.raw, rotation)),
        KeyExample(
            "good/record-before-compromise.json",
            "statement",
            None,
            "the former key, before its bound",
            STATEMENT.sign(record).raw,
            after,
            COMPROMISED_FROM - 1,
        ),
        KeyExample(
            "good/record-after-compromise.json",
            "statement",
            None,
            "the new key, past its key-event",
            STATEMENT_2.sign(record).raw,
            after,
            COMPROMISED_AT + 1,
        ),
        *_bad_events(rotation, after, record),
    ]


def _bad_events(rotation: bytes, after: str, record: bytes) -> list[KeyExample]:
    old = card_fields()["delegation"]

    def event(name: str, expect: str, because: str, fields: Json) -> KeyExample:
        content = IDENTITY.sign(encoded(fields)).raw
        return KeyExample(f"bad/key-event-{name}.json", "key-event", expect, because, content)

    return [
        KeyExample(
            "bad/record-in-compromise.json",
            "statement",
            "key-compromised",
            "the former key, past its bound",
            STATEMENT.sign(record).raw,
            after,
            COMPROMISED_FROM,
        ),
        KeyExample(
            "bad/record-by-former-key.json",
            "statement",
            "unknown-key",
            "the former key, past the key-event that replaced it",
            STATEMENT.sign(record).raw,
            "good/key-rotation.json",
            ROTATED_AT + 1,
        ),
        KeyExample(
            "bad/key-event-by-statement-key.json",
            "key-event",
            "unknown-key",
            "no working key makes key-events",
            STATEMENT.sign(encoded(rotation_fields())).raw,
        ),
        KeyExample("bad/key-chain-without-card.json", "key-chain", "unexpected-type", "begins later", chain(rotation)),
        KeyExample(
            "bad/key-chain-twice.json",
            "key-chain",
            "out-of-order",
            "one event twice",
            chain(CARD.raw, rotation, rotation),
        ),
        event("second-card", "unexpected-type", "another card", card_fields(nonce="00" * 32)),
        event(
            "another-identity", "unchangeable", "a new identity", rotation_fields(identity=OTHERS.public.model_dump())
        ),
        event(
            "another-origin",
            "invalid-field",
            "the log of another node",
            rotation_fields(log_origin="ffp-mk.ffp-exchange/log"),
        ),
        event("another-jurisdiction", "invalid-field", "the node moves", rotation_fields(jurisdiction="ME")),
        event(
            "unproved",
            "possession-missing",
            "no proof that the issuer has the new transport key",
            rotation_fields(possession=rotation_fields()["possession"] | {"transport": None}),
        ),
        event(
            "proves-too-much",
            "possession-missing",
            "a proof for a key that stays",
            compromise_fields(possession=rotation_fields()["possession"]),
        ),
        event(
            "proved-by-another",
            "possession-invalid",
            "the new transport key is another node's; the proof is by the former one",
            rotation_fields(
                possession=rotation_fields()["possession"]
                | {"transport": proofs(WORKING, ("transport",), previous=AFTER_CARD)["transport"]}
            ),
        ),
        event(
            "half-proved",
            "possession-invalid",
            "of the statement keys one proves itself",
            rotation_fields(
                possession=rotation_fields()["possession"]
                | {
                    "statement": proofs(WORKING_2, ("statement",), previous=AFTER_CARD)["statement"]
                    | {"ml_dsa": proofs(WORKING, ("statement",), previous=AFTER_CARD)["statement"]["ml_dsa"]}
                }
            ),
        ),
        event(
            "proved-elsewhere",
            "possession-invalid",
            "the proofs are for another place in the key-events",
            rotation_fields(possession=proofs(WORKING_2, KEY_ROLES, previous="ab" * 32)),
        ),
        event("another-issuer", "wrong-issuer", "of another node", rotation_fields(**of_node(OTHER))),
        event("out-of-order", "out-of-order", "follows on something unknown", rotation_fields(previous="ab" * 32)),
        event("replaces-nothing", "key-reused", "the same keys", rotation_fields(delegation=old | {"from_index": 3})),
        event(
            "half-a-pair",
            "key-reused",
            "of the statement keys one stays",
            rotation_fields(
                delegation=delegation_fields(3, statement=old["statement"] | {"ml_dsa": STATEMENT_2.public.ml_dsa})
            ),
        ),
        event(
            "goes-on-compromised",
            "key-reused",
            "the statement key is called compromised and stays",
            compromise_fields(delegation=delegation_fields(COMPROMISED_AT, statement=old["statement"])),
        ),
        event("names-no-previous", "invalid-field", "only a card follows on nothing", rotation_fields(previous=None)),
        event(
            "compromise-to-come",
            "invalid-field",
            "of what has not been signed yet",
            compromise_fields(compromised={"roles": ["log"], "from_index": COMPROMISED_AT + 1}),
        ),
        event(
            "compromise-of-nothing",
            "invalid-field",
            "names no key",
            compromise_fields(compromised={"roles": [], "from_index": 0}),
        ),
        event(
            "compromise-twice",
            "invalid-field",
            "names a key twice",
            compromise_fields(compromised={"roles": ["log", "log"], "from_index": 0}),
        ),
    ]


def chain(*events: bytes) -> bytes:
    return encoded({"contract": "1.0", "events": [base64.b64encode(event).decode() for event in events]})
