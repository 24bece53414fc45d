"""Time stamps of signed heads (RFC 3161): the request, and what must hold of the reply before it is believed.

What is stamped is the head as the log signed it: three lines of text, an empty one, and both signatures. So the
stamp shows that root and signatures were there at that time, also when a key of the log is known to others later.
Cosignatures come after it, and state their own times.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimeStampRequest,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from exchange.errors import TimeStampRefused
from schemas.errors import shown

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


MAX_REPLY_BYTES: Final = 64 * 1024
"""A reply with a chain of four RSA certificates has 8 kB."""
MAX_ROOTS: Final = 100
_SHA256: Final = x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1")
_CERTIFICATE: Final = re.compile(r'data: "Verify error: ([a-z -]{1,100})"')
_UNREADABLE: Final = (
    ValueError,
    VerificationError,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What the parsers raise for what they cannot read or believe."""


@dataclass(frozen=True)
class TimeStamp:
    """A verified stamp: the reply byte for byte, the time that it states, and the name in its signer's certificate."""

    reply: bytes
    at: datetime
    authority: str


def make_request(signed_head: bytes) -> TimeStampRequest:
    """A request for a stamp of the head, with a fresh nonce of 64 bits; asks for the signer's certificate."""
    return TimestampRequestBuilder().data(signed_head).hash_algorithm(HashAlgorithm.SHA256).build()


def verify_reply(
    reply: bytes, signed_head: bytes, roots: Sequence[x509.Certificate], *, nonce: int | None
) -> TimeStamp:
    """Believe a reply, or raise TimeStampRefused.

    1. It is short enough, and has the form of RFC 3161.
    2. A stamp was granted.
    3. It is of the SHA-256 of this head.
    4. One signer signed it, whose certificate leads to one of the roots, all valid at the time that it states, and is
       for time stamps alone (RFC 3161, 2.3).
    5. It answers this very request: the nonce is the one that was asked with. None for a stamp from the store.

    Its time is the authority's word. The nonce shows that it is no older than the request.
    """
    # 1.
    if len(reply) > MAX_REPLY_BYTES:
        raise TimeStampRefused(f"the reply has more than {MAX_REPLY_BYTES} bytes")
    try:
        decoded = decode_timestamp_response(with_ordered_certificates(reply))
        # 2.
        if decoded.status != PKIStatus.GRANTED:
            raise TimeStampRefused(f"no stamp was granted: {_said(decoded)}")
        # 3.
        imprint = decoded.tst_info.message_imprint
        if (imprint.hash_algorithm, imprint.message) != (_SHA256, hashlib.sha256(signed_head).digest()):
            raise TimeStampRefused("the stamp is of something else than the head")
        # 4. and 5.
        verifier = VerifierBuilder(roots=list(roots), nonce=nonce).build()
        verifier.verify(decoded, imprint.message)
        return TimeStamp(reply, decoded.tst_info.gen_time, _signer(decoded))
    except _UNREADABLE as error:
        raise TimeStampRefused(f"the reply is no stamp that can be believed: {_in_words(error)}") from error


def parse_roots(pem: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates in a PEM file. Raises ValueError for anything else, for none and for more than a hundred."""
    roots = tuple(x509.load_pem_x509_certificates(pem))
    if len(roots) > MAX_ROOTS:
        raise ValueError(f"it has more than {MAX_ROOTS} certificates")
    return roots


def _in_words(error: Exception) -> str:
    """What the parser said; of OpenSSL's long lines only why a certificate does not lead to the roots."""
    reason = _CERTIFICATE.search(str(error))
    return f"of its signer's certificate OpenSSL says '{reason[1]}'" if reason else shown(str(error), 300)


def _said(decoded: TimeStampResponse) -> str:
    status = PKIStatus(decoded.status).name.lower().replace("_", " ")
    words = "; ".join(decoded.status_string)
    return shown(f"{status}, {words}" if words else f"{status}, without a reason", 300)


def _signer(decoded: TimeStampResponse) -> str:
    """The subject of the certificate that verified; the verifier has seen that there is one signer."""
    [signer] = decoded.signed_data.signer_infos
    for encoded in decoded.signed_data.certificates:
        certificate = x509.load_der_x509_certificate(encoded)
        if (certificate.issuer, certificate.serial_number) == (signer.issuer, signer.serial_number):
            return shown(certificate.subject.rfc4514_string(), 200)
    raise TimeStampRefused("the reply does not hold the certificate of its signer")
