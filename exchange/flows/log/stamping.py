"""Have heads of the own log stamped by a time-stamping authority, so that what is under them is known to be no later.

Nothing waits for a stamp. While none come, the node goes on, says so, and asks again.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from exchange.clock import stamp_in
from exchange.errors import NotFound, TimeStampError
from exchange.flows.node.named_services import TimeStampAuthority
from exchange.flows.node.node import Node
from exchange.log.timestamp import make_request, verify_reply
from exchange.net.time_authority import TimeAuthorityClient
from exchange.store.log.stamps import (
    add_stamp,
    find_stamp,
    keep_stamp_failure,
    latest_stamp,
    next_stamped_size,
    stamp_failure,
)
from exchange.store.log.statement_rows import latest_checkpoint
from exchange.store.tables.log import CheckpointRow
from schemas.errors import shown


def stamp_head(node: Node, client: TimeAuthorityClient) -> bool:
    """Returns whether a head was stamped.

    1. The newest head, unless it has a stamp, or the last one came less than ``timestamp_interval_s`` ago.
    2. Ask the authority.
    3. Verify what it answered.
    4. Store it.
    Raises TimeStampUnavailable, TimeStampRefused: nothing was stored then (see ``note_stamp_failure``).
    """
    # 1.
    if node.authority is None:
        return False
    with node.store.read() as session:
        head = _due(session, node.settings.timestamp_interval_s)
    if head is None:
        return False
    # 2.
    request = make_request(head.note)
    reply = client.ask(node.authority.url, request.as_bytes())
    # 3.
    found = verify_reply(reply, head.note, node.authority.roots, nonce=request.nonce)
    # 4.
    with node.store.write() as session:
        add_stamp(session, head.size, found)
    return True


def note_stamp_failure(node: Node, error: TimeStampError) -> None:
    """Show the operator since when no stamps come, and why."""
    with node.store.write() as session:
        keep_stamp_failure(session, shown(f"{error}", 900))


def stamp_alarms(session: Session, authority: TimeStampAuthority | None) -> list[str]:
    """That no stamps come, in words, with the next step; empty when they do, or when none are wanted."""
    failure = stamp_failure(session) if authority is not None else None
    if failure is None:
        return []
    return [
        f"{failure.last} Time-stamps missing since {failure.since}: {failure.detail}. The exchange goes on without "
        "them, and the authority is asked again. If this lasts, compare the settings timestamp_url and "
        "timestamp_roots with what the authority publishes, or telephone it."
    ]


def read_stamp(node: Node, size: int) -> bytes:
    """The stamp of the head of this size, as the authority replied. Raises NotFound that names the next one."""
    with node.store.read() as session:
        found = find_stamp(session, size)
        larger = next_stamped_size(session, size)
    if found is not None:
        return found.token
    if larger is not None:
        raise NotFound(f"The head of size {size} has no time stamp; the next larger one that has is {larger}.")
    raise NotFound(f"Neither the head of size {size} nor a larger one has a time stamp yet; ask again later.")


def _due(session: Session, interval_s: float) -> CheckpointRow | None:
    head, last = latest_checkpoint(session), latest_stamp(session)
    if head is None or last is None:
        return head
    return head if last.size < head.size and last.received_at <= stamp_in(-interval_s) else None
