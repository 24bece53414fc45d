"""Requests to a time-stamping authority (RFC 3161 section 3.4, over HTTP): bounded in bytes and time, and no more.

Whether a reply is a stamp, `log.timestamp` says.
"""

from __future__ import annotations

from typing import Final

import httpx

from exchange.errors import EgressRefused, PeerUnreachable, TimeStampRefused, TimeStampUnavailable
from exchange.log.timestamp import MAX_REPLY_BYTES
from exchange.net.connection import OpenRequest, OpenRequests, http_client
from exchange.net.egress import Guard
from schemas.errors import shown

_TRY_AGAIN: Final = (408, 425, 429)
"""RFC 9110 15.5.9, RFC 8470 5.2, RFC 6585 4: the same request may be answered later."""


class TimeAuthorityClient:
    """Asks one authority after another for stamps, past any proxy of the environment, as peers are asked.

    ``timeout_s`` is the longest that one request may take in all.
    """

    def __init__(self, *, guard: Guard, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._lines = OpenRequests()
        self._http = http_client(timeout_s, guard)

    def hang_up(self) -> None:
        """Break off what is under way, with TimeStampUnavailable, and begin nothing more. For any thread."""
        self._lines.hang_up()

    def close(self) -> None:
        """For when nothing is under way any more."""
        self._http.close()

    def ask(self, url: str, request: bytes) -> bytes:
        """The unverified reply. Raises TimeStampUnavailable, TimeStampRefused."""
        headers = {"Content-Type": "application/timestamp-query", "Accept-Encoding": "identity"}
        try:
            with self._lines.line(within_s=self._timeout_s) as line:
                sent = self._http.stream(
                    "POST", url, content=request, headers=headers, extensions={"trace": line.trace}
                )
                try:
                    with sent as answer:
                        _check_status(url, answer.status_code)
                        return _bounded(url, answer, line)
                except httpx.HTTPError as error:
                    raise _unavailable(url, line, error) from error
        except httpx.InvalidURL as error:
            raise TimeStampRefused(f"{url} is not an address: {error}") from error
        except EgressRefused as error:
            raise TimeStampUnavailable(str(error)) from error
        except PeerUnreachable as error:  # a line that was hung up before it stood
            raise TimeStampUnavailable(f"{url} was not asked: this node is stopping") from error


def _check_status(url: str, status: int) -> None:
    if status == httpx.codes.OK:
        return
    if status in _TRY_AGAIN or status >= 500:
        raise TimeStampUnavailable(f"{url} answered with the status {status}")
    raise TimeStampRefused(f"{url} answered with the status {status}; is it the address of the authority?")


def _bounded(url: str, answer: httpx.Response, line: OpenRequest) -> bytes:
    """Never unpacked: the bytes as they travel are the bytes that are counted."""
    body = bytearray()
    for piece in answer.iter_raw():
        body += piece
        if len(body) > MAX_REPLY_BYTES:
            raise TimeStampRefused(f"{url} sends more than {MAX_REPLY_BYTES} bytes")
    if line.fate is not None:  # the end of a body without a length looks like any other
        raise TimeStampUnavailable(f"{url} {line.fate}")
    return bytes(body)


def _unavailable(url: str, line: OpenRequest, error: httpx.HTTPError) -> TimeStampUnavailable:
    fate = line.fate or f"does not answer, or broke off ({type(error).__name__}: {shown(str(error), 200)})"
    return TimeStampUnavailable(f"{url} {fate}")
