"""Programs of the laboratory are told that something is new: where to look, and nothing of what is there.

A message has ids and links, no score, no verdict and no pair. It may be read by anybody in the laboratory, also by
those who are still to verify a pair: of hits it has not even an id, and of a candidate list it is sent whether
anything is in it or not. What somebody may see, the links decide, and the node writes down.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.errors import InvalidInput, NotFound, WebhookFailed, WebhookGone
from exchange.flows.access.sealed_secrets import open_sealed, seal_secret
from exchange.flows.log.audit_rows import CONSOLE
from exchange.flows.node.node import Node
from exchange.log.audit_entry import Act, Deed
from exchange.net.webhook import post, signed_headers
from exchange.store.log.audit import add_deeds
from exchange.store.review.webhook_rows import (
    WebhookEvent,
    all_webhooks,
    drop_messages,
    drop_webhook,
    find_webhook,
    message_for,
)
from exchange.store.tables.webhook_tables import WebhookRow

MAX_URL = 2_000
MOST: Final = 20
"""Of one node: each event is promised to each of them."""
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what a secret begins with
SECRET_BYTES: Final = 32
TOLD_AGAIN_S: Final = (5, 30, 300, 1_800, 7_200, 18_000, 36_000)
"""How long a program that did not take a message is left alone, by the attempt: most of a day in all."""
TEST: Final = "test"
_TYPES: Final = {WebhookEvent.CANDIDATES: "candidates.ready", WebhookEvent.HITS: "hits.changed"}
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Webhook:
    """``failure``: what was wrong with the last attempt since ``told_at``; ``stopped_at``: when it said that it is
    gone."""

    number: int
    url: str
    events: tuple[str, ...]
    made_at: str
    told_at: str | None
    failure: str | None
    stopped_at: str | None


def add_webhook(node: Node, url: str, events: Collection[str]) -> tuple[int, str]:
    """Its number, and the secret with which its messages are signed: shown once. Raises InvalidInput."""
    _check_url(url)
    wanted = [event for event in WebhookEvent if event in events]
    unknown = sorted(set(events) - set(WebhookEvent))
    if unknown or not wanted:
        raise InvalidInput(f"{', '.join(unknown) or 'Nothing'} is none of the events {', '.join(WebhookEvent)}.")
    secret = secrets.token_bytes(SECRET_BYTES)
    with node.store.write() as session:
        if len(all_webhooks(session)) >= MOST:
            raise InvalidInput(f"A node tells {MOST} programs at most. Remove one: ffp webhook remove NUMBER")
        row = WebhookRow(url=url, events=" ".join(wanted), secret=b"", made_at=stamp())
        session.add(row)
        session.flush()
        row.secret = seal_secret(node, _sealed_as(row), secret)
        add_deeds(session, [Deed(CONSOLE, Act.ADD_WEBHOOK, 1, (str(row.webhook_id),), asked=url)])
        number = row.webhook_id
    return number, SECRET_PREFIX + base64.b64encode(secret).decode()


def list_webhooks(node: Node) -> list[Webhook]:
    with node.store.read() as session:
        return [_told(row) for row in all_webhooks(session)]


def remove_webhook(node: Node, number: int) -> str:
    """Nothing is told there any more, what was promised neither; returns the address. Raises NotFound."""
    with node.store.write() as session:
        row = _found(session, number)
        url = row.url
        drop_webhook(session, row)
        add_deeds(session, [Deed(CONSOLE, Act.REMOVE_WEBHOOK, 1, (str(number),), asked=url)])
    return url


def try_webhook(node: Node, number: int) -> str:
    """Send it a message that tells of nothing; returns the address. What was wrong is over when it takes this one.
    Raises NotFound, WebhookFailed."""
    with node.store.read() as session:
        row = _found(session, number)
    _send(node, row, f"msg_{secrets.token_hex(16)}", TEST, stamp(), None)
    with node.store.write() as session:
        if (hook := find_webhook(session, number)) is not None and hook.stopped_at is None:
            hook.told_at, hook.failure = stamp(), None
    return row.url


def tell_webhook(node: Node, message_id: int, attempt: int) -> None:
    """Send what was promised. What was told already, or is nobody's any more, is done.

    Raises WebhookFailed that says when it is tried again.
    """
    with node.store.read() as session:
        found = message_for(session, message_id)
    if found is None:
        return
    message, row = found
    try:
        _send(node, row, message.name, _TYPES[WebhookEvent(message.event)], message.made_at, message.record)
    except WebhookGone as error:
        with node.store.write() as session:
            if (hook := find_webhook(session, row.webhook_id)) is not None:
                hook.failure, hook.stopped_at = str(error), stamp()
                drop_messages(session, row.webhook_id)
        return
    except WebhookFailed as error:
        with node.store.write() as session:
            if (hook := find_webhook(session, row.webhook_id)) is not None:
                hook.failure = str(error)
        again_s = TOLD_AGAIN_S[min(attempt, len(TOLD_AGAIN_S)) - 1]
        raise WebhookFailed(f"webhook {row.webhook_id}: {error}", retry_after_s=again_s) from error
    with node.store.write() as session:
        if (hook := find_webhook(session, row.webhook_id)) is not None:
            hook.told_at, hook.failure = stamp(), None
        if (told := message_for(session, message_id)) is not None:
            session.delete(told[0])


def webhook_alarms(session: Session) -> list[str]:
    return [
        f"Webhook {row.webhook_id} ({urlsplit(row.url).hostname}) is told nothing more since {row.stopped_at}: "
        f"{row.failure} Mend it and add it anew, or: ffp webhook remove {row.webhook_id}"
        if row.stopped_at
        else f"Webhook {row.webhook_id} ({urlsplit(row.url).hostname}) did not take the last message: {row.failure} It "
        f"is told again for most of a day; then: ffp job list --dead. Try it: ffp webhook test {row.webhook_id}"
        for row in all_webhooks(session)
        if row.failure is not None
    ]


def _send(node: Node, row: WebhookRow, name: str, kind: str, made_at: str, record: str | None) -> None:
    secret = open_sealed(node, _sealed_as(row), row.secret)
    if secret is None:
        raise WebhookFailed(
            f"Its secret does not open: {node.settings.sign_in_key.name} is another key, or somebody changed its "
            "address. Remove it, and add it anew."
        )
    body = json.dumps({"type": kind, "timestamp": made_at, "data": _data(node, kind, record)}).encode()
    post(row.url, signed_headers(secret, name, int(time.time()), body), body, node.egress)


def _data(node: Node, kind: str, record: str | None) -> dict[str, object]:
    base = node.settings.url
    if record is not None:
        links = {"candidates": f"{base}/v1/records/{record}/candidates", "page": f"{base}/records/{record}/candidates"}
        return {"node": node.node_id, "record": record, "links": links}
    links = {"page": f"{base}/hits"} if kind == _TYPES[WebhookEvent.HITS] else {}
    return {"node": node.node_id, "links": links}


def _sealed_as(row: WebhookRow) -> str:
    """No pseudonym has a line break; and the secret of one address signs for no other."""
    return f"webhook\n{row.webhook_id}\n{row.url}"


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidInput(f"{url[:200]} is no address: {error}.") from error
    if not host or not url.isascii() or not url.isprintable() or " " in url or len(url) > MAX_URL:
        raise InvalidInput(f"{url[:200]!a} is no address, such as https://lims.example/ffp.")
    if parts.username or parts.password or parts.fragment:
        raise InvalidInput("An address has no user, no password and no fragment: messages are signed with a secret.")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _HERE):
        raise InvalidInput("Messages go by https, or by http to a program on this machine (127.0.0.1).")


def _found(session: Session, number: int) -> WebhookRow:
    row = find_webhook(session, number)
    if row is None:
        raise NotFound(f"There is no webhook {number}. See: ffp webhook list")
    return row


def _told(row: WebhookRow) -> Webhook:
    events = tuple(row.events.split())
    return Webhook(row.webhook_id, row.url, events, row.made_at, row.told_at, row.failure, row.stopped_at)
