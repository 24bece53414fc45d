"""Signed notes: the form, against published notes and keys, and everything that is not in the form."""

from __future__ import annotations

import base64
import dataclasses

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given
from hypothesis import strategies as st

from exchange.errors import CheckpointInvalid
from exchange.log import note

# A published test key of a public log implementation, and a head which that implementation signed with it.
NAME = "example.com/log/testdata"
PRIVATE = base64.b64decode("AeymY/SZAX0jZcJ8enZ5FY1Dz+wTML2yWSkK+9DSF3eg")[1:]
VKEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
TEXT = "example.com/log/testdata\n100270\nGRV1O0dCqmjjPvYi7CtOT79zb/fPwLNsMFWsynwU8Ac=\n"
SIGNED = "M9e0lkcvy5bAe7rrC8tCyAP+my+CLzswA91zOpBNWVU7qCojkUOHnfdQzDImoYeYH8G8PJSwOqsx0RkSa261OmKVwwM="
PUBLISHED = f"{TEXT}\n— {NAME} {SIGNED}\n".encode()

# The example of the specification: empty lines and letters beyond ASCII in the text.
VERSES = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaq"
    "P3ZekRwNtIc=\n"
).encode()


def test_the_published_note_is_reproduced_byte_for_byte() -> None:
    key = Ed25519PrivateKey.from_private_bytes(PRIVATE)
    public = key.public_key().public_bytes_raw()
    key_id = note.note_key_id(NAME, note.ED25519_TYPE, public)
    signature = note.Signature(NAME, key_id, key.sign(TEXT.encode()))
    assert note.Note(TEXT, (signature,)).encoded() == PUBLISHED
    assert note.vkey(NAME, note.ED25519_TYPE, public) == VKEY


def test_the_published_note_opens_and_its_signature_is_found_by_name_and_key_id() -> None:
    parsed = note.parse_note(PUBLISHED)
    assert parsed.text == TEXT
    value = parsed.signature_of(NAME, bytes.fromhex("33d7b496"))
    Ed25519PrivateKey.from_private_bytes(PRIVATE).public_key().verify(value, TEXT.encode())
    with pytest.raises(CheckpointInvalid, match="0 signatures"):
        parsed.signature_of(NAME, bytes.fromhex("33d7b497"))
    with pytest.raises(CheckpointInvalid, match="0 signatures"):
        parsed.signature_of("example.com/log/another", bytes.fromhex("33d7b496"))


def test_the_example_of_the_specification_opens() -> None:
    parsed = note.parse_note(VERSES)
    assert parsed.text.endswith("sole:\n\ned è subito sera.\n")
    (signature,) = parsed.signatures
    assert signature.name == "quasimodo.example/salvatore"
    assert signature.key_id.hex() == "367ba04b"
    assert len(signature.value) == 64
    assert parsed.encoded() == VERSES


def test_one_key_signs_a_note_once() -> None:
    parsed = note.parse_note(PUBLISHED)
    twice = dataclasses.replace(parsed, signatures=parsed.signatures * 2)
    with pytest.raises(CheckpointInvalid, match="2 signatures"):
        note.parse_note(twice.encoded()).signature_of(NAME, parsed.signatures[0].key_id)


def test_the_key_id_depends_on_the_name_the_type_and_the_key() -> None:
    ids = {
        note.note_key_id(name, kind, key)
        for name in ("a", "b")
        for kind in (note.ED25519_TYPE, note.MLDSA44_TYPE)
        for key in (bytes(32), b"\x01" * 32)
    }
    assert len(ids) == 8


def test_sixteen_signatures_are_taken_and_no_more() -> None:
    line = note.Signature("witness.example", b"four", bytes(5000))
    full = note.Note(TEXT, (line,) * 16)
    assert len(note.parse_note(full.encoded()).signatures) == 16
    with pytest.raises(CheckpointInvalid, match="at most 16"):
        note.parse_note(dataclasses.replace(full, signatures=(line,) * 17).encoded())


def test_a_note_too_large_is_refused() -> None:
    with pytest.raises(CheckpointInvalid, match="bytes"):
        note.parse_note(b"x" * note.MAX_NOTE_BYTES + PUBLISHED)


LINE = f"— {NAME} {SIGNED}\n"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\n\n",
        TEXT.encode(),
        f"{TEXT}\n".encode(),
        f"{TEXT}{LINE}".encode(),
        PUBLISHED[:-1],
        PUBLISHED + b"\n",
        PUBLISHED + b"more\n",
        PUBLISHED.replace(b"\n", b"\r\n"),
        PUBLISHED.replace(b"testdata\n", b"test\tdata\n"),
        PUBLISHED.replace(b"testdata\n", b"test\x00data\n"),
        PUBLISHED.replace("—".encode(), b"-"),
        PUBLISHED.replace("—".encode(), b"\x97"),
        PUBLISHED.replace("— ".encode(), "—".encode()),
        PUBLISHED.replace("— ".encode(), "—  ".encode()),
        f"{TEXT}\n— {SIGNED}\n".encode(),
        f"{TEXT}\n—  {SIGNED}\n".encode(),
        f"{TEXT}\n— a+b {SIGNED}\n".encode(),
        f"{TEXT}\n— a\u00a0b {SIGNED}\n".encode(),
        f"{TEXT}\n— a\u2003b {SIGNED}\n".encode(),
        f"{TEXT}\n— {NAME} {SIGNED} \n".encode(),
        f"{TEXT}\n— {NAME} {SIGNED[:-1]}\n".encode(),
        f"{TEXT}\n— {NAME} {SIGNED[:-2]}N=\n".encode(),
        f"{TEXT}\n— {NAME} {SIGNED}=\n".encode(),
        f"{TEXT}\n— {NAME} {SIGNED.replace('+', '-')}\n".encode(),
        f"{TEXT}\n— {NAME} M9e0lg==\n".encode(),
        f"{TEXT}\n— {NAME} M9e0\n".encode(),
        f"{TEXT}\n— {NAME} \n".encode(),
        f"{TEXT}\n{LINE}\n{LINE}".encode().replace(b"\n\n", b"\n \n"),
    ],
)
def test_what_is_not_in_the_form_is_refused(data: bytes) -> None:
    with pytest.raises(CheckpointInvalid):
        note.parse_note(data)


def test_base64_that_says_the_same_with_other_letters_is_refused() -> None:
    assert base64.b64decode("QQ==") == base64.b64decode("QR==")
    assert note.strict_base64("QQ==") == b"A"
    for other in ("QR==", "QQ", "QQ=", "QQ==\n", " QQ==", "QQ==QQ==", "Q-==", "é"):
        with pytest.raises(CheckpointInvalid):
            note.strict_base64(other)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u3000b", "a\nb", "a\x1fb", "a\x85b"])
def test_a_key_without_a_fit_name_has_no_text_form_and_signs_nothing(name: str) -> None:
    with pytest.raises(CheckpointInvalid):
        note.vkey(name, note.ED25519_TYPE, bytes(32))
    with pytest.raises(CheckpointInvalid):
        note.Signature(name, b"four", b"value")


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters=[chr(n) for n in range(32) if n != 10]), max_size=60)
NAMES = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=20)
LINES = st.builds(note.Signature, NAMES, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=80))


@given(TEXTS, st.lists(LINES, min_size=1, max_size=16))
def test_every_note_survives_being_written_and_read(text: str, lines: list[note.Signature]) -> None:
    original = note.Note(text + "\n", tuple(lines))
    assert note.parse_note(original.encoded()) == original


@given(st.binary(max_size=120) | st.binary(max_size=8).map(lambda tail: PUBLISHED + tail))
@example(PUBLISHED)
def test_whatever_is_accepted_is_written_again_as_the_same_bytes(data: bytes) -> None:
    try:
        parsed = note.parse_note(data)
    except CheckpointInvalid:
        return
    assert parsed.encoded() == data
