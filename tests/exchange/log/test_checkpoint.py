"""Signed heads: both signatures are required, over exactly these bytes, and no byte may differ."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.errors import CheckpointInvalid
from exchange.log import merkle, note
from exchange.log.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint, vkeys

ORIGIN = "rs.example/log"
ED25519 = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
MLDSA44 = MLDSA44PrivateKey.from_seed_bytes(bytes(range(32)))
KEYS = (ED25519.public_key(), MLDSA44.public_key())
HEAD = Checkpoint(ORIGIN, 1234, hashlib.sha256(b"root").digest())
TIME = 1_700_000_000
SIGNED = sign_checkpoint(HEAD, ED25519, MLDSA44, TIME)


def reopen(signed: note.Note) -> Checkpoint:
    return open_checkpoint(signed.encoded(), ORIGIN, *KEYS)


def test_a_signed_head_opens_as_what_was_signed() -> None:
    assert open_checkpoint(SIGNED, ORIGIN, *KEYS) == HEAD


def test_the_head_of_an_empty_log_can_be_signed() -> None:
    empty = Checkpoint(ORIGIN, 0, merkle.EMPTY_ROOT)
    assert open_checkpoint(sign_checkpoint(empty, ED25519, MLDSA44, 0), ORIGIN, *KEYS) == empty


def test_the_published_head_has_the_same_three_lines() -> None:
    root = base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    head = Checkpoint("example.com/behind-the-sofa", 20852163, root)
    assert head.text == ("example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n")


def test_each_signature_covers_the_bytes_that_the_specification_names() -> None:
    """Put together here by hand, independently of the code under test."""
    plain, timed = note.parse_note(SIGNED).signatures
    text = f"rs.example/log\n1234\n{base64.b64encode(HEAD.root).decode()}\n"
    KEYS[0].verify(plain.value, text.encode())
    assert plain.key_id == hashlib.sha256(b"rs.example/log\n\x01" + KEYS[0].public_bytes_raw()).digest()[:4]

    structure = (
        bytes.fromhex("737562747265652f76310a00")
        + b"\x0ers.example/log"
        + TIME.to_bytes(8, "big")
        + b"\x0ers.example/log"
        + (0).to_bytes(8, "big")
        + (1234).to_bytes(8, "big")
        + HEAD.root
    )
    assert timed.value[:8] == TIME.to_bytes(8, "big")
    assert len(timed.value) == 8 + 2420
    KEYS[1].verify(timed.value[8:], structure)
    assert timed.key_id == hashlib.sha256(b"rs.example/log\n\x06" + KEYS[1].public_bytes_raw()).digest()[:4]


def test_the_keys_have_a_text_form_for_public_verifiers() -> None:
    ed25519, mldsa44 = vkeys(ORIGIN, *KEYS)
    name, key_id, material = ed25519.split("+", 2)
    assert (name, key_id) == (ORIGIN, note.parse_note(SIGNED).signatures[0].key_id.hex())
    assert base64.b64decode(material) == b"\x01" + KEYS[0].public_bytes_raw()
    name, key_id, material = mldsa44.split("+", 2)
    assert (name, key_id) == (ORIGIN, note.parse_note(SIGNED).signatures[1].key_id.hex())
    assert base64.b64decode(material) == b"\x06" + KEYS[1].public_bytes_raw()


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(SIGNED) - 1), st.integers(0, 7))
def test_a_flipped_bit_anywhere_is_refused(at: int, bit: int) -> None:
    altered = bytearray(SIGNED)
    altered[at] ^= 1 << bit
    with pytest.raises(CheckpointInvalid):
        open_checkpoint(bytes(altered), ORIGIN, *KEYS)


def test_every_altered_byte_of_the_text_and_the_first_signature_is_refused() -> None:
    for at in range(SIGNED.rindex(b"\n", 0, -1)):
        altered = bytearray(SIGNED)
        altered[at] ^= 0x01
        with pytest.raises(CheckpointInvalid):
            open_checkpoint(bytes(altered), ORIGIN, *KEYS)


@pytest.mark.parametrize("cut", [1, 2, 100, 3000])
def test_a_truncated_head_is_refused(cut: int) -> None:
    with pytest.raises(CheckpointInvalid):
        open_checkpoint(SIGNED[:-cut], ORIGIN, *KEYS)


@pytest.mark.parametrize("kept", [0, 1])
def test_one_signature_alone_is_not_enough(kept: int) -> None:
    signed = note.parse_note(SIGNED)
    with pytest.raises(CheckpointInvalid, match="0 signatures"):
        reopen(dataclasses.replace(signed, signatures=(signed.signatures[kept],)))


@pytest.mark.parametrize("other", [0, 1])
def test_a_head_signed_with_another_key_is_refused(other: int) -> None:
    keys = (
        Ed25519PrivateKey.from_private_bytes(bytes(32)) if other == 0 else ED25519,
        MLDSA44PrivateKey.from_seed_bytes(bytes(32)) if other == 1 else MLDSA44,
    )
    with pytest.raises(CheckpointInvalid, match="0 signatures"):
        open_checkpoint(sign_checkpoint(HEAD, *keys, TIME), ORIGIN, *KEYS)


@pytest.mark.parametrize("other", [0, 1])
def test_a_signature_of_another_key_under_the_key_id_is_refused(other: int) -> None:
    """The key id has four bytes and anyone can claim it."""
    imposter = sign_checkpoint(
        HEAD,
        Ed25519PrivateKey.from_private_bytes(bytes(32)),
        MLDSA44PrivateKey.from_seed_bytes(bytes(32)),
        TIME,
    )
    signed, false = note.parse_note(SIGNED), note.parse_note(imposter)
    lines = list(signed.signatures)
    lines[other] = dataclasses.replace(lines[other], value=false.signatures[other].value)
    with pytest.raises(CheckpointInvalid, match="not good"):
        reopen(dataclasses.replace(signed, signatures=tuple(lines)))


@pytest.mark.parametrize("taken", [0, 1])
def test_the_signature_of_another_head_is_refused(taken: int) -> None:
    later = sign_checkpoint(dataclasses.replace(HEAD, size=1235), ED25519, MLDSA44, TIME)
    signed, other = note.parse_note(SIGNED), note.parse_note(later)
    lines = list(signed.signatures)
    lines[taken] = other.signatures[taken]
    with pytest.raises(CheckpointInvalid, match="not good"):
        reopen(dataclasses.replace(signed, signatures=tuple(lines)))


def test_the_time_of_the_cosignature_cannot_be_altered() -> None:
    plain, timed = note.parse_note(SIGNED).signatures
    later = dataclasses.replace(timed, value=(TIME + 1).to_bytes(8, "big") + timed.value[8:])
    with pytest.raises(CheckpointInvalid, match="not good"):
        reopen(note.Note(HEAD.text, (plain, later)))


def test_a_time_out_of_range_is_refused_though_it_is_signed() -> None:
    open_checkpoint(sign_checkpoint(HEAD, ED25519, MLDSA44, 2**63 - 1), ORIGIN, *KEYS)
    with pytest.raises(CheckpointInvalid, match="time below"):
        open_checkpoint(sign_checkpoint(HEAD, ED25519, MLDSA44, 2**63), ORIGIN, *KEYS)


@pytest.mark.parametrize("length", [1, 7, 8, 2420, 2427, 2429])
def test_a_cosignature_of_another_length_is_refused(length: int) -> None:
    plain, timed = note.parse_note(SIGNED).signatures
    altered = dataclasses.replace(timed, value=(timed.value + bytes(1))[:length])
    with pytest.raises(CheckpointInvalid, match="2,420 bytes"):
        reopen(note.Note(HEAD.text, (plain, altered)))


def test_lines_of_witnesses_are_ignored_and_a_second_line_of_the_log_is_refused() -> None:
    signed = note.parse_note(SIGNED)
    witness = note.Signature("mk.example/log", b"\x00\x01\x02\x03", bytes(72))
    witnessed = dataclasses.replace(signed, signatures=(witness, *signed.signatures, witness))
    assert reopen(witnessed) == HEAD
    for line in signed.signatures:
        with pytest.raises(CheckpointInvalid, match="2 signatures"):
            reopen(dataclasses.replace(signed, signatures=(*signed.signatures, line)))


def test_a_head_of_another_log_is_refused_even_when_the_keys_are_the_same() -> None:
    other = sign_checkpoint(dataclasses.replace(HEAD, origin="mk.example/log"), ED25519, MLDSA44, TIME)
    with pytest.raises(CheckpointInvalid, match="0 signatures"):
        open_checkpoint(other, ORIGIN, *KEYS)
    lines = zip(note.parse_note(SIGNED).signatures, note.parse_note(other).signatures, strict=True)
    renamed = tuple(dataclasses.replace(ours, value=theirs.value) for ours, theirs in lines)
    with pytest.raises(CheckpointInvalid, match=f"not of {ORIGIN}"):
        reopen(dataclasses.replace(note.parse_note(other), signatures=renamed))


def signed_text(text: str) -> bytes:
    """Any text with good signatures of both keys: the Ed25519 one over the text, the other over HEAD."""
    signed = note.parse_note(SIGNED)
    plain, timed = signed.signatures
    plain = dataclasses.replace(plain, value=ED25519.sign(text.encode()))
    return note.Note(text, (plain, timed)).encoded()


def test_the_forger_of_the_next_test_would_pass_with_the_true_text() -> None:
    assert open_checkpoint(signed_text(HEAD.text), ORIGIN, *KEYS) == HEAD


@pytest.mark.parametrize(
    "text",
    [
        HEAD.text + "extension\n",
        HEAD.text.replace("1234", "01234"),
        HEAD.text.replace("1234", "+1234"),
        HEAD.text.replace("1234", "1_234"),
        HEAD.text.replace("1234", "١٢٣٤"),
        HEAD.text.replace("1234", "1235"),
        HEAD.text.replace("1234", "-1"),
        HEAD.text.replace("1234", str(2**63)),
        HEAD.text.replace("1234", "1" * 5000),
        HEAD.text.replace("1234", ""),
        HEAD.text.replace("1234", "0"),
        HEAD.text.replace(ORIGIN, "mk.example/log"),
        HEAD.text.replace("=\n", "\n"),
        "\n" + HEAD.text,
        f"{ORIGIN}\n1234\n{base64.b64encode(bytes(31)).decode()}\n",
        f"{ORIGIN}\n1234\n{base64.b64encode(bytes(33)).decode()}\n",
        f"{ORIGIN}\n1234\n{base64.b64encode(merkle.EMPTY_ROOT).decode()}\n",
    ],
)
def test_a_text_that_is_no_head_of_this_log_is_refused_though_it_is_signed(text: str) -> None:
    with pytest.raises(CheckpointInvalid):
        open_checkpoint(signed_text(text), ORIGIN, *KEYS)


@pytest.mark.parametrize(
    "change",
    [
        {"origin": ""},
        {"origin": "with space"},
        {"origin": "a+b"},
        {"origin": "x" * 256},
        {"size": -1},
        {"size": 2**63},
        {"size": 0},
        {"root": bytes(31)},
        {"root": merkle.EMPTY_ROOT},
    ],
)
def test_no_log_has_such_a_head(change: dict[str, Any]) -> None:
    with pytest.raises(CheckpointInvalid):
        dataclasses.replace(HEAD, **change)
