"""Time stamps of signed heads (RFC 3161): the request, and what must hold of the reply before it is believed.

What is stamped is the head as the log signed it: three lines of text, an empty one, and both signatures. So the
stamp shows that root and signatures were there at that time, also when a key of the log is known to others later.
Cosignatures come after it, and state their own times.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
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
from exchange.log.certificate_order import with_ordered_certificates
from schemas.errors import shown

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
