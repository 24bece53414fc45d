"""Bundles of an owner's records, and every way in which one can lie, with the reason for which it is refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from exchange.flows.witness.bundle import make_bundle
from tests.exchange.flows.owner import Owner

Fields = dict[str, Any]


def made(owner: Owner, place: int) -> Fields:
    found: Fields = make_bundle(owner.node, owner.published[place].statement_id).model_dump(mode="json")
    return found


@dataclass(frozen=True)
class Lie:
    """``told`` makes it of the true bundle of the record at place 4; ``code`` is that of the error."""

    code: str
    told: Callable[[Fields, Owner], Fields]


def _flipped(text: str, place: float) -> str:
    """One bit of what a field in Base64 holds."""
    raw = bytearray(base64.b64decode(text))
    raw[int(place * (len(raw) - 1))] ^= 1
    return base64.b64encode(raw).decode()


def _reworded(text: str) -> str:
    """An envelope whose payload names a later year to keep it, or another address."""
    form = json.loads(base64.b64decode(text))
    payload = base64.b64decode(form["payload"])
    changed = payload.replace(b'"retention_until":"20', b'"retention_until":"21').replace(b"127.0.0.1", b"127.0.0.2")
    assert changed != payload
    form["payload"] = base64.b64encode(changed).decode()
    return base64.b64encode(json.dumps(form, separators=(",", ":")).encode()).decode()


LIES: dict[str, Lie] = {
    "a payload changed": Lie("bad-signature", lambda it, _: {**it, "envelope": _reworded(it["envelope"])}),
    "a card changed": Lie("bad-signature", lambda it, _: {**it, "card": _reworded(it["card"])}),
    "another index": Lie("proof-invalid", lambda it, _: {**it, "log_index": it["log_index"] + 1}),
    "beyond the head": Lie("proof-invalid", lambda it, _: {**it, "log_index": it["log_index"] + 64}),
    "a proof too short": Lie("proof-invalid", lambda it, _: {**it, "inclusion": it["inclusion"][:-1]}),
    "a proof too long": Lie("proof-invalid", lambda it, _: {**it, "inclusion": [*it["inclusion"], "0" * 64]}),
    "another's proof": Lie("proof-invalid", lambda it, owner: {**it, "inclusion": made(owner, 2)["inclusion"]}),
    "another record": Lie("proof-invalid", lambda it, owner: {**it, "envelope": made(owner, 2)["envelope"]}),
    "a bit of the head": Lie(
        "checkpoint-invalid", lambda it, _: {**it, "checkpoint": _flipped(it["checkpoint"], 0.02)}
    ),
    "a bit of its ML-DSA": Lie(
        "checkpoint-invalid", lambda it, _: {**it, "checkpoint": _flipped(it["checkpoint"], 0.7)}
    ),
    "the card as the record": Lie("unknown-key", lambda it, _: {**it, "envelope": it["card"]}),
}
