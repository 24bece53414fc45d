"""Whether an address answers, by which clock, and how long its certificate is good: for whoever looks after a node."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

import httpx

from exchange.errors import PeerUnreachable
from exchange.net.connection import OpenRequests, http_client
from exchange.net.egress import Guard
from schemas.errors import shown

_MAX_ANSWER_BYTES = 16 * 1024
_AS_IT_IS = {"Accept-Encoding": "identity"}
"""The bytes are counted as they come, and read so."""


@dataclass(frozen=True)
class ReachedPeer:
    """``ahead_s``: how far the other clock is ahead of this one, to within a second and the time of the answer; None
    when it does not say. ``certificate_until`` is in POSIX seconds, None without TLS."""

    status: int
    body: bytes
    ahead_s: float | None
    certificate_until: float | None


def reach(url: str, *, guard: Guard, timeout_s: float, most_bytes: int = _MAX_ANSWER_BYTES) -> ReachedPeer:
    """Ask, unsigned, and believe nothing of it; of a longer answer ``most_bytes`` are read, or a little more. Raises
    PeerUnreachable."""
    with http_client(timeout_s, guard) as http, OpenRequests().line(within_s=timeout_s) as line:
        asked = time.time()
        try:
            with http.stream("GET", url, headers=_AS_IT_IS, extensions={"trace": line.trace}) as answer:
                begun, body = time.time(), bytearray()
                until = _until(answer.extensions["network_stream"])  # the line is gone once the body was read
                for piece in answer.iter_raw():
                    body += piece
                    if len(body) > most_bytes:
                        break
                return ReachedPeer(answer.status_code, bytes(body), clock_ahead(answer.headers, asked, begun), until)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            fate = line.fate or f"does not answer ({type(error).__name__}: {shown(str(error), 200)})"
            raise PeerUnreachable(f"{url} {fate}.") from error


def clock_ahead(answer: httpx.Headers, asked: float, now: float) -> float | None:
    """How far the clock of who answered is ahead of this one, at least; None when it does not say. The field is in
    whole seconds, cut off: half a second is added.

    Some servers date an answer when the question came, others when the answer leaves, and a peer that waits for news
    answers late: a time between the two is no sign of a clock that is off.
    """
    try:
        told: datetime = parsedate_to_datetime(answer.get("date", ""))
        found = told.timestamp() + 0.5
    except (ValueError, OverflowError):  # whatever a peer writes there
        return None
    return found - min(max(found, asked), now)


def _until(stream: object) -> float | None:
    """httpcore gives the line itself, or what of TLS is within it: whichever of them, it knows the certificate."""
    tls = stream.get_extra_info("ssl_object") if hasattr(stream, "get_extra_info") else None
    certificate = tls.getpeercert() if tls is not None and hasattr(tls, "getpeercert") else None
    end = (certificate or {}).get("notAfter")
    return ssl.cert_time_to_seconds(end) if isinstance(end, str) else None
