"""One message to a program, signed in the form of Standard Webhooks 1.0.0 (HMAC-SHA256): bounded in bytes and time.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final

import httpx

from exchange.errors import EgressRefused, PeerUnreachable, WebhookFailed, WebhookGone
from exchange.net.connection import OpenRequests, http_client
from exchange.net.egress import Guard
from schemas.errors import shown

WITHIN_S: Final = 15.0
"""Whoever is told writes it down and answers; what follows from it is done after that."""


def signed_headers(secret: bytes, name: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers; signed are the message's name, the time and the body, with dots between them."""
    signed = hmac.new(secret, f"{name}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": name,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }


def post(url: str, headers: dict[str, str], body: bytes, guard: Guard) -> None:
    """Returns when it has answered that it has the message (2xx). Nothing of the answer is read but its status, and no
    redirect is followed. Raises WebhookFailed, WebhookGone."""
    sent = {"Content-Type": "application/json", "Accept-Encoding": "identity", **headers}
    lines = OpenRequests()
    try:
        with http_client(WITHIN_S, guard) as client, lines.line(within_s=WITHIN_S) as line:
            try:
                with client.stream("POST", url, content=body, headers=sent, extensions={"trace": line.trace}) as answer:
                    status = answer.status_code
            except httpx.HTTPError as error:
                fate = line.fate or f"does not answer ({type(error).__name__}: {shown(str(error), 200)})"
                raise WebhookFailed(f"It {fate}.") from error
    except httpx.InvalidURL as error:
        raise WebhookFailed(f"It has no address: {error}.") from error
    except EgressRefused as error:
        raise WebhookFailed(str(error)) from error
    except PeerUnreachable as error:
        raise WebhookFailed("It was not told: this node is stopping.") from error
    if status == httpx.codes.GONE:
        raise WebhookGone("It answers that it is gone (410).")
    if not 200 <= status < 300:
        raise WebhookFailed(f"It answers with the status {status}.")
