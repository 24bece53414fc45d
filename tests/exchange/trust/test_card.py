"""A node's card vouches for itself; whether its identity is the right one, two people find out by telephone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exchange.errors import StatementInvalid
from exchange.trust.card import FINGERPRINT_GROUPS, fingerprint, make_card, open_card, same_fingerprint
from exchange.trust.keys import create_keys, load_identity, load_keys
from schemas import HybridKey, KeyEvent, open_envelope, seal
from schemas.vocabulary import Jurisdiction
from tests.schemas.examples import CARD, IDENTITY, OTHERS, STATEMENT, card_fields, encoded, record_fields

GOOD = CARD


def test_a_node_makes_a_card_that_it_can_open(tmp_path: Path) -> None:
    create_keys(tmp_path / "keys")
    identity, keys = load_identity(tmp_path / "keys"), load_keys(tmp_path / "keys")
    made = make_card(
        identity,
        keys,
        node_id="ffp-rs",
        jurisdiction=Jurisdiction.RS,
        url="https://ffp.example:8440",
    )
    card = open_card(open_envelope(made.raw))
    assert isinstance(card, KeyEvent)
    assert card.identity == identity.public
    assert card.delegation.statement == keys.statement.public
    assert card.delegation.log == keys.log.public
    assert card.delegation.witness == keys.witness.public
    assert card.delegation.from_index == 0
    assert (card.issuer, card.jurisdiction, card.url) == ("ffp-rs", Jurisdiction.RS, "https://ffp.example:8440")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (GOOD.raw, None),
        (STATEMENT.sign(GOOD.payload).raw, "unknown-key"),
        (seal(GOOD.payload, {**GOOD.signatures, **OTHERS.sign(GOOD.payload).signatures}).raw, "unknown-key"),
        (seal(GOOD.payload.replace(b"ffp.example", b"ffq.example"), GOOD.signatures).raw, "bad-signature"),
        (IDENTITY.sign(encoded(record_fields())).raw, "unexpected-type"),
        (IDENTITY.sign(b"{}").raw, "unknown-type"),
        (IDENTITY.sign(encoded(card_fields(contract="2.0"))).raw, "unknown-contract"),
    ],
)
def test_a_card_vouches_for_itself(content: bytes, code: str | None) -> None:
    if code is None:
        assert open_card(open_envelope(content)).identity == IDENTITY.public
        return
    with pytest.raises(StatementInvalid) as caught:
        open_card(open_envelope(content))
    assert caught.value.code == code


@pytest.mark.parametrize("part", ["ed25519", "ml_dsa"])
@pytest.mark.parametrize("change", ["cut", "padded", "another-alphabet", "last-bits-set"])
def test_a_card_with_a_key_that_cannot_be_is_refused_when_shown(part: str, change: str) -> None:
    key = getattr(IDENTITY.public, part)
    changed = {
        "cut": key[:-4],
        "padded": key + "AAAA",
        "another-alphabet": "-_" + key[2:],
        "last-bits-set": key[:-2] + "B=",
    }[change]
    identity = IDENTITY.public.model_dump() | {part: changed}
    with pytest.raises(StatementInvalid) as caught:
        open_card(IDENTITY.sign(encoded(card_fields(identity=identity))))
    assert caught.value.code == "invalid-field"


def test_the_fingerprint_is_eight_groups_of_five_digits() -> None:
    shown = fingerprint(IDENTITY.public)
    assert re.fullmatch(rf"\d{{5}}( \d{{5}}){{{FINGERPRINT_GROUPS - 1}}}", shown)
    assert shown == "74035 26610 36545 74496 43039 45428 59543 48375"


def test_the_fingerprint_covers_both_keys() -> None:
    mine, other = IDENTITY.public, OTHERS.public
    keys = [mine, other, HybridKey(ed25519=mine.ed25519, ml_dsa=other.ml_dsa)]
    keys.append(HybridKey(ed25519=other.ed25519, ml_dsa=mine.ml_dsa))
    assert len({fingerprint(key) for key in keys}) == len(keys)


@pytest.mark.parametrize("typed", ["{}", " {} ", "{}.", "No. {}"])
def test_fingerprints_are_the_same_however_they_are_set(typed: str) -> None:
    shown = fingerprint(IDENTITY.public)
    assert same_fingerprint(typed.format(shown), shown)
    assert same_fingerprint(shown.replace(" ", ""), shown)
    assert same_fingerprint(shown.replace(" ", "-"), shown)
    assert same_fingerprint(shown.replace(" ", "\n"), shown)


@pytest.mark.parametrize("typed", ["", "12345", "x" * 40])
def test_too_few_digits_are_never_the_same(typed: str) -> None:
    assert not same_fingerprint(typed, typed)
    assert not same_fingerprint(typed, fingerprint(IDENTITY.public))


def test_one_other_digit_is_another_fingerprint() -> None:
    shown = fingerprint(IDENTITY.public)
    for place in range(len(shown)):
        if shown[place].isdigit():
            digit = str((int(shown[place]) + 1) % 10)
            assert not same_fingerprint(shown[:place] + digit + shown[place + 1 :], shown)


@pytest.mark.parametrize("zero", ["\u0660", "\u06f0", "\uff10", "\u00b2"])
def test_digits_of_other_scripts_differ_and_do_no_harm(zero: str) -> None:
    assert not same_fingerprint(zero * 40, fingerprint(IDENTITY.public))
    assert not same_fingerprint(zero * 40, zero * 40)
