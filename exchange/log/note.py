"""Signed notes (C2SP signed-note): a text, an empty line, and one line for each signature.

This file knows the form alone. Which signatures there must be, and over what bytes, is said where a note is used
(`checkpoint`). Nothing of a parsed note may be believed before its signatures are verified.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from exchange.errors import CheckpointInvalid

MAX_SIGNATURES: Final = 16
"""What every verifier must take at least; more than a log and its witnesses need."""
MAX_NOTE_BYTES: Final = 128 * 1024
"""Bounded before it is decoded: 16 signatures of the longest post-quantum kind fill 110 kB."""

ED25519_TYPE: Final = 0x01
"""Signature type: Ed25519 over the note's text."""
COSIGNATURE_ED25519: Final = 0x04
"""Signature type: a timestamped Ed25519 cosignature (C2SP tlog-cosignature)."""
MLDSA44_TYPE: Final = 0x06
"""Signature type: a timestamped ML-DSA-44 cosignature (C2SP tlog-cosignature)."""

_KEY_ID_BYTES: Final = 4
_LINE: Final = re.compile(r"\N{EM DASH} (?P<name>[^ ]+) (?P<encoded>[^ ]+)")
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True)
class Signature:
    """One signature line; (`name`, `key_id`) tells which key made it and in what manner.

    Raises CheckpointInvalid when the name or the lengths are not in the note's form.
    """

    name: str
    key_id: bytes
    value: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.key_id) != _KEY_ID_BYTES or not self.value:
            raise CheckpointInvalid("a note's signature is a key id of 4 bytes and at least one byte more")


@dataclass(frozen=True)
class Note:
    """`text` ends with a newline and is what is signed; it may be believed only after a signature is verified."""

    text: str
    signatures: tuple[Signature, ...]

    def encoded(self) -> bytes:
        """The note's exact bytes."""
        lines = (
            f"\N{EM DASH} {signature.name} {base64.b64encode(signature.key_id + signature.value).decode()}\n"
            for signature in self.signatures
        )
        return f"{self.text}\n{''.join(lines)}".encode()

    def signature_of(self, name: str, key: bytes) -> bytes:
        """What the key of this name and key id signed. Raises CheckpointInvalid unless it signed exactly once."""
        found = [made.value for made in self.signatures if (made.name, made.key_id) == (name, key)]
        if len(found) != 1:
            raise CheckpointInvalid(f"the note has {len(found)} signatures of {name}+{key.hex()} in place of one")
        return found[0]


def parse_note(data: bytes) -> Note:
    """The text and the signature lines of a note, none of them verified.

    Raises CheckpointInvalid for anything that is not exactly in the form; what is accepted encodes to the same bytes.
    """
    if len(data) > MAX_NOTE_BYTES:
        raise CheckpointInvalid(f"a note has at most {MAX_NOTE_BYTES} bytes, this one {len(data)}")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CheckpointInvalid("the note is not UTF-8") from error
    if _CONTROL.search(whole):
        raise CheckpointInvalid("the note has a control character other than newline")
    # The text may itself have empty lines: the last one ends it.
    text, separator, block = whole.rpartition("\n\n")
    if not separator or not block.endswith("\n"):
        raise CheckpointInvalid("the note has no signatures, or does not end with a newline")
    lines = block[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise CheckpointInvalid(f"a note has at most {MAX_SIGNATURES} signatures, this one {len(lines)}")
    return Note(text + "\n", tuple(_parse_line(line) for line in lines))


def note_key_id(name: str, kind: int, public_key: bytes) -> bytes:
    """The first 4 bytes of SHA-256(name || 0x0A || signature type || public key)."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public_key).digest()[:_KEY_ID_BYTES]


def vkey(name: str, kind: int, public_key: bytes) -> str:
    """The key in the text form that public verifiers of notes take: name+key id+type and key."""
    check_name(name)
    encoded = base64.b64encode(bytes([kind]) + public_key).decode()
    return f"{name}+{note_key_id(name, kind, public_key).hex()}+{encoded}"


def check_name(name: str) -> None:
    """A key's name is not empty and has no space of any script, no plus, no control character."""
    if not name or "+" in name or _CONTROL.search(name) or any(character.isspace() for character in name):
        raise CheckpointInvalid("a key's name is not empty and has no space, no plus and no control character")


def strict_base64(text: str) -> bytes:
    """Decode standard base64, refusing every other spelling of the same bytes (RFC 4648 section 3.5)."""
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise CheckpointInvalid("not base64") from error
    if base64.b64encode(decoded).decode() != text:
        raise CheckpointInvalid("not the canonical base64 of its bytes")
    return decoded


def _parse_line(line: str) -> Signature:
    parts = _LINE.fullmatch(line)
    if parts is None:
        raise CheckpointInvalid("a signature line is an em dash, a key's name and base64, with one space between")
    raw = strict_base64(parts["encoded"])
    return Signature(parts["name"], raw[:_KEY_ID_BYTES], raw[_KEY_ID_BYTES:])
