"""Peers, for the operator: enrol one by a fingerprint that is read out, see what is where, end it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Request
from pydantic import TypeAdapter, ValidationError
from starlette.responses import RedirectResponse, Response

from exchange.errors import ExchangeError, InvalidInput
from exchange.flows.keys.enrol import Introduction, enrol, fetch_introduction, revoke_peer
from exchange.flows.keys.trust_root import admitted
from exchange.flows.node.node import Node
from exchange.flows.sync.progress import PeerStatus, in_words, note_quarantine, sync_status
from exchange.trust.card import fingerprint
from exchange.web.access.caller import OpenNode
from exchange.web.pages.layout import Visitor, off_loop, only, page, read_form
from schemas.statement_base import NodeId, Url
from schemas.vocabulary import Role

MAP_WIDE: Final = 720
MAP_TALL: Final = 340
MOST_PEERS: Final = 16
"""Beyond them names would lie on each other: the list beneath has all."""
_ACROSS, _DOWN = 285, 118


class LinkState(StrEnum):
    """How it stands between this node and a peer."""

    EVEN = "even"
    """It has read all that is for it, and answers."""
    WAITING = "waiting"
    """Statements wait for it."""
    ALARM = "alarm"
    ENDED = "ended"


@dataclass(frozen=True)
class PlacedPeer:
    """A peer where it is drawn, by the middle of its box."""

    status: PeerStatus
    state: LinkState
    x: int
    y: int

    @property
    def waiting(self) -> int:
        return self.status.to_send - self.status.acknowledged


def node_map(peers: Sequence[PeerStatus]) -> list[PlacedPeer]:
    """Around the middle, the first at the top, as the clock goes; none where there are too many to draw."""
    if len(peers) > MOST_PEERS:
        return []
    placed = []
    for number, status in enumerate(peers):
        turned = 2 * math.pi * number / len(peers) - math.pi / 2
        x, y = MAP_WIDE / 2 + _ACROSS * math.cos(turned), MAP_TALL / 2 + _DOWN * math.sin(turned)
        placed.append(PlacedPeer(status, link_state(status), round(x), round(y)))
    return placed


def link_state(status: PeerStatus) -> LinkState:
    if status.row.state != "enrolled":
        return LinkState.ENDED
    if status.alarms or status.clock:
        return LinkState.ALARM
    return LinkState.WAITING if status.to_send > status.acknowledged else LinkState.EVEN


router = APIRouter()

Operating = Annotated[Visitor, Depends(only(Role.OPERATOR))]
PeerId = Annotated[NodeId, Path()]
_URL: TypeAdapter[str] = TypeAdapter(Url)


@router.get("/peers")
def peers_page(node: OpenNode, who: Operating) -> Response:
    """Each peer in words, and this node's own fingerprint to read out."""
    return _page(node, who)


@router.post("/peers/meet")
async def meet_peer(request: Request, node: OpenNode, who: Operating) -> Response:
    """Ask whoever answers at an address for its card. Nothing is believed of it yet."""
    fields = await read_form(request, node, who.csrf)
    try:
        met = await off_loop(fetch_introduction, node, _address(fields))
        return await off_loop(_page, node, who, met=met)
    except ExchangeError as error:
        return await off_loop(_page, node, who, problem=str(error), url=fields.get("url", ""))


@router.post("/peers")
async def enrol_peer(request: Request, node: OpenNode, who: Operating) -> Response:
    """Enrol whoever answers there, where the fingerprint that was read out is its own."""
    fields = await read_form(request, node, who.csrf)
    met: Introduction | None = None
    try:
        met = await off_loop(fetch_introduction, node, _address(fields))
        confirmed = fields.get("fingerprint", "").strip() or None
        basis, address = fields.get("legal_basis", ""), fields.get("address")
        await off_loop(enrol, node, met, confirmed=confirmed, legal_basis=basis, address=address)
    except ExchangeError as error:
        return await off_loop(_page, node, who, met=met, problem=str(error), url=fields.get("url", ""))
    return RedirectResponse("/app/peers", 303)


@router.post("/peers/{node_id}/revoke")
async def end(request: Request, node: OpenNode, who: Operating, node_id: PeerId) -> Response:
    """Answer and ask it no more; the operator types its name, so that no slip of the mouse does it."""
    fields = await read_form(request, node, who.csrf)
    if fields.get("name", "").strip() != node_id:
        raise InvalidInput(f"Type {node_id} to end the exchange with it.", code="not-confirmed")
    await off_loop(revoke_peer, node, node_id)
    return RedirectResponse("/app/peers", 303)


@router.post("/peers/{node_id}/noted")
async def noted(request: Request, node: OpenNode, who: Operating, node_id: PeerId) -> Response:
    """What is set aside of it was seen: it stays set aside, and raises no alarm any more."""
    await read_form(request, node, who.csrf)
    await off_loop(note_quarantine, node, node_id)
    return RedirectResponse("/app/peers", 303)


def _address(fields: dict[str, str]) -> str:
    try:
        return _URL.validate_python(fields.get("url", "").strip())
    except ValidationError as error:
        raise InvalidInput(
            "An address is written https://host or http://host:port, in lower case and without a path.",
            code="invalid-field",
        ) from error


def _page(
    node: Node, who: Visitor, *, met: Introduction | None = None, problem: str | None = None, url: str = ""
) -> Response:
    found = sync_status(node)
    return page(
        "peers",
        who,
        status=422 if problem else 200,
        own=fingerprint(node.card.identity),
        placed=node_map(found),
        rows=[(item, in_words(item)) for item in found],
        met=met,
        registered=admitted(node, met.card) if met else None,
        problem=problem,
        url=met.url if met and not url else url,
    )
