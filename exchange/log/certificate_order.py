"""Put the certificates of a time-stamp reply into the order that DER demands.

`openssl ts` and what is built on it send them as they were configured: the signer first, then its issuers. That is
allowed (RFC 5652 section 5.1 has BER), but the reader here takes DER alone, where a SET OF is sorted (X.690 11.6). No
signature covers the order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

_INDEFINITE: Final = 0x80
_LONG_TAG: Final = 0x1F
_SEQUENCE: Final = 0x30
_TAGGED_0: Final = 0xA0
_MAX_LENGTH_BYTES: Final = 4


def with_ordered_certificates(reply: bytes) -> bytes:
    """The reply (TimeStampResp, RFC 3161 2.4.2) with its certificates sorted. Raises ValueError where it has no such
    form, as far as the way to the certificates goes; what has none of them comes back as it is."""
    # TimeStampResp { status, timeStampToken ContentInfo { type, [0] SignedData { version, digests, content, [0] ..
    response = _child(reply, 0, len(reply), 0, _SEQUENCE)
    parts = list(_children(reply, *response))
    if len(parts) < 2:
        return reply
    _, start, end = parts[1]
    wrapped = _child(reply, start, end, 1, _TAGGED_0)
    signed = _child(reply, *wrapped, 0, _SEQUENCE)
    for tag, start, end in list(_children(reply, *signed))[3:]:  # the optional fields
        if tag == _TAGGED_0:
            certificates = sorted(_wholes(reply, start, end))
            return reply[:start] + b"".join(certificates) + reply[end:]
    return reply


def _child(data: bytes, start: int, end: int, number: int, tag: int) -> tuple[int, int]:
    """Where the content of one element of a constructed one is."""
    found = list(_children(data, start, end))
    if len(found) <= number or found[number][0] != tag:
        raise ValueError("it has not the form of a time-stamp reply")
    return found[number][1:]


def _wholes(data: bytes, start: int, end: int) -> Iterator[bytes]:
    """Each element with its tag and length."""
    for _, _, stop in _children(data, start, end):
        yield data[start:stop]
        start = stop


def _children(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(tag, begin and end of the content) of each element between two places (X.690 8.1)."""
    while start < end:
        tag = data[start]
        at = start + 1
        if tag & _LONG_TAG == _LONG_TAG or at >= end:
            raise ValueError("it has not the form of a time-stamp reply")
        length = data[at]
        at += 1
        if length >= _INDEFINITE:
            count = length & ~_INDEFINITE
            if not 0 < count <= _MAX_LENGTH_BYTES:
                raise ValueError("it has lengths that are not DER's")
            length = int.from_bytes(data[at : at + count], "big")
            at += count
        if at + length > end:
            raise ValueError("it breaks off")
        yield tag, at, at + length
        start = at + length
