"""Cosignatures: exactly the bytes that the specification names, both lines or none, of this witness and this head."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.errors import CheckpointInvalid
from exchange.log import note
from exchange.log.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from exchange.log.cosignature import (
    MAX_WITNESSES,
    Witness,
    cosign,
    verify_cosignature,
    with_lines,
    witness_name,
)

ORIGIN = "ffp-rs.ffp-exchange/log"
LOG = (Ed25519PrivateKey.from_private_bytes(bytes(range(32))), MLDSA44PrivateKey.from_seed_bytes(bytes(range(32))))
KEYS = (Ed25519PrivateKey.from_private_bytes(b"w" * 32), MLDSA44PrivateKey.from_seed_bytes(b"w" * 32))
OTHERS = (Ed25519PrivateKey.from_private_bytes(b"o" * 32), MLDSA44PrivateKey.from_seed_bytes(b"o" * 32))
NAME = witness_name("ffp-mk")
WITNESS = Witness(NAME, KEYS[0].public_key(), KEYS[1].public_key())
HEAD = Checkpoint(ORIGIN, 1234, hashlib.sha256(b"root").digest())
TIME = 1_700_000_000
SIGNED = sign_checkpoint(HEAD, *LOG, TIME - 5)
COSIGNED = cosign(SIGNED, NAME, *KEYS, TIME)
LOGS_ED25519, LOGS_MLDSA44, PLAIN, TIMED = note.parse_note(COSIGNED).signatures


def opened(*lines: note.Signature, text: str = HEAD.text) -> int:
    """Over the wire and back: the time of the witness's cosignature."""
    signed = note.parse_note(note.Note(text, lines).encoded())
    return verify_cosignature(signed, WITNESS).timestamp


def test_a_cosignature_opens_with_its_time_and_the_log_still_vouches_for_its_head() -> None:
    cosignature = verify_cosignature(note.parse_note(COSIGNED), WITNESS)
    assert (cosignature.timestamp, cosignature.lines) == (TIME, (PLAIN, TIMED))
    assert open_checkpoint(COSIGNED, ORIGIN, LOG[0].public_key(), LOG[1].public_key()) == HEAD
    assert note.Note(HEAD.text, (LOGS_ED25519, LOGS_MLDSA44)).encoded() == SIGNED


def test_each_signature_covers_the_bytes_that_the_specification_names() -> None:
    """Put together here by hand, independently of the code under test."""
    text = f"ffp-rs.ffp-exchange/log\n1234\n{base64.b64encode(HEAD.root).decode()}\n"
    assert NAME == "ffp-mk.ffp-exchange/witness"
    assert PLAIN.name == TIMED.name == NAME
    assert PLAIN.value[:8] == TIMED.value[:8] == bytes.fromhex("000000006553f100")
    assert (len(PLAIN.value), len(TIMED.value)) == (8 + 64, 8 + 2420)
    assert PLAIN.key_id == hashlib.sha256(NAME.encode() + b"\n\x04" + WITNESS.ed25519.public_bytes_raw()).digest()[:4]
    assert TIMED.key_id == hashlib.sha256(NAME.encode() + b"\n\x06" + WITNESS.mldsa44.public_bytes_raw()).digest()[:4]
    WITNESS.ed25519.verify(PLAIN.value[8:], b"cosignature/v1\ntime 1700000000\n" + text.encode())
    structure = (
        bytes.fromhex("737562747265652f76310a00")
        + b"\x1bffp-mk.ffp-exchange/witness"
        + TIME.to_bytes(8, "big")
        + b"\x17ffp-rs.ffp-exchange/log"
        + (0).to_bytes(8, "big")
        + (1234).to_bytes(8, "big")
        + HEAD.root
    )
    WITNESS.mldsa44.verify(TIMED.value[8:], structure)


def test_a_cosignature_made_by_hand_opens() -> None:
    """The other way round: what another implementation writes is taken here."""
    message = b"cosignature/v1\ntime 7\n" + HEAD.text.encode()
    structure = (
        b"subtree/v1\n\0\x1bffp-mk.ffp-exchange/witness"
        + (7).to_bytes(8, "big")
        + b"\x17ffp-rs.ffp-exchange/log"
        + bytes(8)
        + (1234).to_bytes(8, "big")
        + HEAD.root
    )
    stamp = (7).to_bytes(8, "big")
    plain = note.Signature(NAME, PLAIN.key_id, stamp + KEYS[0].sign(message))
    timed = note.Signature(NAME, TIMED.key_id, stamp + KEYS[1].sign(structure))
    assert opened(plain, timed) == opened(timed, LOGS_ED25519, plain) == 7


def test_the_example_of_the_specification_has_the_length_of_an_ed25519_cosignature() -> None:
    """C2SP tlog-cosignature, the checkpoint at its beginning; its witness's key is not published."""
    line = "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA=="
    raw = note.strict_base64(line)
    assert len(raw) == 4 + len(PLAIN.value)
    assert int.from_bytes(raw[4:12], "big") == 1679315147


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 7), st.data())
def test_a_flipped_bit_of_the_text_or_of_the_witnesss_lines_is_refused(bit: int, data: st.DataObject) -> None:
    alone = note.Note(HEAD.text, (PLAIN, TIMED)).encoded()
    at = data.draw(st.integers(0, len(alone) - 1))
    altered = bytearray(alone)
    altered[at] ^= 1 << bit
    with pytest.raises(CheckpointInvalid):
        verify_cosignature(note.parse_note(bytes(altered)), WITNESS)


@pytest.mark.parametrize("cut", [1, 2, 100, 3000, 3300])
def test_a_truncated_cosignature_is_refused(cut: int) -> None:
    with pytest.raises(CheckpointInvalid):
        verify_cosignature(note.parse_note(COSIGNED[:-cut]), WITNESS)


def _under(line: note.Signature, value: bytes) -> note.Signature:
    return dataclasses.replace(line, value=value)


EARLIER_PLAIN, EARLIER_TIMED = note.parse_note(cosign(SIGNED, NAME, *KEYS, TIME - 1)).signatures[2:]
GROWN = dataclasses.replace(HEAD, size=1235)
GROWN_PLAIN, GROWN_TIMED = note.parse_note(cosign(sign_checkpoint(GROWN, *LOG, TIME), NAME, *KEYS, TIME)).signatures[2:]
FALSE_PLAIN, FALSE_TIMED = note.parse_note(cosign(SIGNED, NAME, *OTHERS, TIME)).signatures[2:]
LIES: dict[str, tuple[tuple[note.Signature, ...], str]] = {
    "one-line-alone-04": ((PLAIN,), "0 signatures"),
    "one-line-alone-06": ((TIMED,), "0 signatures"),
    "a-line-twice": ((PLAIN, PLAIN, TIMED), "2 signatures"),
    "the-logs-lines-alone": ((LOGS_ED25519, LOGS_MLDSA44), "0 signatures"),
    "another-key": ((FALSE_PLAIN, FALSE_TIMED), "0 signatures"),
    "another-key-under-the-id-04": ((_under(PLAIN, FALSE_PLAIN.value), TIMED), "Ed25519 cosignature .* not good"),
    "another-key-under-the-id-06": ((PLAIN, _under(TIMED, FALSE_TIMED.value)), "ML-DSA-44 signature .* not good"),
    "swapped-values": ((_under(PLAIN, TIMED.value), _under(TIMED, PLAIN.value)), "64 bytes"),
    "swapped-key-ids": (
        (dataclasses.replace(PLAIN, key_id=TIMED.key_id), dataclasses.replace(TIMED, key_id=PLAIN.key_id)),
        "64 bytes",
    ),
    "another-head-04": ((GROWN_PLAIN, TIMED), "Ed25519 cosignature .* not good"),
    "another-head-06": ((PLAIN, GROWN_TIMED), "ML-DSA-44 signature .* not good"),
    "earlier-time-04": ((EARLIER_PLAIN, TIMED), "one time"),
    "earlier-time-06": ((PLAIN, EARLIER_TIMED), "one time"),
    "time-replayed-04": ((_under(PLAIN, EARLIER_PLAIN.value[:8] + PLAIN.value[8:]), EARLIER_TIMED), "not good"),
    "time-replayed-06": ((EARLIER_PLAIN, _under(TIMED, EARLIER_TIMED.value[:8] + TIMED.value[8:])), "not good"),
    "cut-04": ((_under(PLAIN, PLAIN.value[:-1]), TIMED), "64 bytes"),
    "cut-06": ((PLAIN, _under(TIMED, TIMED.value[:-1])), "2,420 bytes"),
    "longer-04": ((_under(PLAIN, PLAIN.value + b"\0"), TIMED), "64 bytes"),
    "longer-06": ((PLAIN, _under(TIMED, TIMED.value + b"\0")), "2,420 bytes"),
    "no-time": ((_under(PLAIN, PLAIN.value[8:]), TIMED), "64 bytes"),
    "late-time": ((_under(PLAIN, b"\xff" * 8 + PLAIN.value[8:]), TIMED), "below 2\\*\\*63"),
}


@pytest.mark.parametrize(("lines", "said"), LIES.values(), ids=LIES)
def test_what_is_no_whole_cosignature_is_refused(lines: tuple[note.Signature, ...], said: str) -> None:
    with pytest.raises(CheckpointInvalid, match=said):
        opened(*lines)


def _plain_note(message: Callable[[int], bytes], timestamp: int = TIME, kind: int = 0x04) -> tuple[note.Signature, ...]:
    """Both keys sign honestly, the Ed25519 key over something else or under another type."""
    stamp = timestamp.to_bytes(8, "big")
    key_id = note.note_key_id(NAME, kind, WITNESS.ed25519.public_bytes_raw())
    return note.Signature(NAME, key_id, stamp + KEYS[0].sign(message(timestamp))), TIMED


def _cosigned(timestamp: int) -> bytes:
    return f"cosignature/v1\ntime {timestamp}\n{HEAD.text}".encode()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (_plain_note(_cosigned, kind=0x01), "0 signatures"),
        (_plain_note(lambda _: HEAD.text.encode()), "not good"),
        (_plain_note(lambda time: _cosigned(time).replace(b"time 1", b"time 01")), "not good"),
        (_plain_note(lambda time: _cosigned(time)[:-1]), "not good"),
        (_plain_note(lambda time: _cosigned(time).replace(b"/v1", b"/v2")), "not good"),
    ],
    ids=["type-01", "bare-text", "leading-nought", "no-last-newline", "another-header"],
)
def test_another_type_and_another_message_are_refused(lines: tuple[note.Signature, ...], said: str) -> None:
    assert opened(*_plain_note(_cosigned)) == TIME, "the forger would pass with the true message"
    with pytest.raises(CheckpointInvalid, match=said):
        opened(*lines)


def test_a_cosignature_of_no_time_is_refused_though_it_is_signed() -> None:
    with pytest.raises(CheckpointInvalid, match="above 0"):
        cosign(SIGNED, NAME, *KEYS, 0)
    with pytest.raises(CheckpointInvalid, match="below 2"):
        cosign(SIGNED, NAME, *KEYS, 2**63)
    nought = bytes(8)
    plain = _under(PLAIN, nought + KEYS[0].sign(_cosigned(0)))
    with pytest.raises(CheckpointInvalid, match="one time"):
        opened(plain, _under(TIMED, nought + TIMED.value[8:]))


def test_a_cosignature_names_its_witness() -> None:
    """The ML-DSA-44 line commits to the name; under another, the same keys' signature is worth nothing."""
    other = dataclasses.replace(WITNESS, name=witness_name("ffp-xk"))
    renamed = [
        note.Signature(other.name, note.note_key_id(other.name, kind, key), line.value)
        for line, kind, key in (
            (PLAIN, 0x04, WITNESS.ed25519.public_bytes_raw()),
            (TIMED, 0x06, WITNESS.mldsa44.public_bytes_raw()),
        )
    ]
    with pytest.raises(CheckpointInvalid, match="ML-DSA-44 signature of ffp-xk"):
        verify_cosignature(note.Note(HEAD.text, tuple(renamed)), other)


def test_only_the_logs_own_lines_go_along_and_there_must_be_both() -> None:
    crowded = with_lines(SIGNED, (FALSE_PLAIN, FALSE_TIMED))
    assert note.parse_note(cosign(crowded, NAME, *KEYS, TIME)).signatures[:3] == (LOGS_ED25519, LOGS_MLDSA44, PLAIN)
    for lines in ((LOGS_ED25519,), (LOGS_ED25519, LOGS_MLDSA44, _under(LOGS_ED25519, b"x" * 64))):
        with pytest.raises(CheckpointInvalid, match="in place of 2"):
            cosign(note.Note(HEAD.text, lines).encoded(), NAME, *KEYS, TIME)


def test_as_many_witnesses_as_a_note_can_name_fit() -> None:
    lines = tuple(
        note.Signature(witness_name(f"ffp-mk-{n}"), bytes(4), line.value)
        for n in range(MAX_WITNESSES + 3)
        for line in (PLAIN, TIMED)
    )
    full = note.parse_note(with_lines(SIGNED, lines))
    assert len(full.signatures) == note.MAX_SIGNATURES == 2 + 2 * MAX_WITNESSES
    assert full.signatures[:2] == (LOGS_ED25519, LOGS_MLDSA44)
