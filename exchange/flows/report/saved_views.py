"""Views that examiners save of a pair under the comparison viewer: who made which, and who may see it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.errors import Conflict, InvalidInput, NotFound, TooLarge
from exchange.flows.node.node import Node
from exchange.flows.report.view_document import MOST_DOCUMENT_BYTES, ViewDocument
from exchange.flows.scan.view_picture import MOST_PICTURE_BYTES, PictureRefused, pictures_of
from exchange.store.review.saved_view_rows import add_view, count_views, delete_view, find_view, views_of
from exchange.store.tables.review_tables import SavedViewRow
from schemas import ContractError
from schemas.exhibit import ShortText
from schemas.strict_json import check_json

MOST_VIEWS = 24
"""Of one pair and one person: more than anybody lays before a court, few enough for a strip of thumbnails."""
MOST_VIEW_BYTES = MOST_DOCUMENT_BYTES + 4 * MOST_PICTURE_BYTES // 3 + 4096
"""Of what is sent: the document, the picture in base64, and what is around them."""

SavedView: TypeAlias = SavedViewRow
"""A view as it was saved, with its pictures."""


@dataclass(frozen=True)
class ScansOnStage:
    """Two scans by their digests, the query first."""

    query: str
    reference: str

    @property
    def scans(self) -> tuple[str, str]:
        return (self.query, self.reference)


class Sent(BaseModel):
    """What the viewer's page sends. ``picture``: PNG in base64."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    title: ShortText
    view: ViewDocument
    picture: Annotated[str, Field(max_length=4 * MOST_PICTURE_BYTES // 3 + 4)]


def visible_views(node: Node, pair: ScansOnStage, pseudonym: str, *, everybody: bool = False) -> Sequence[SavedView]:
    """The views that this person saved of a pair; those of others too only where ``everybody`` is asked for: on pages
    that are for people who may know what others hold of the pair."""
    with node.store.read() as session:
        return views_of(session, pair.scans, made_by=None if everybody else pseudonym)


def visible_view(node: Node, pair: ScansOnStage, view_id: int, pseudonym: str, *, everybody: bool = False) -> SavedView:
    """One of these, with its pictures. Raises NotFound: there is none, or not for this person."""
    with node.store.read() as session:
        return _visible(session, pair, view_id, pseudonym, everybody=everybody)


def save_view(node: Node, pair: ScansOnStage, pseudonym: str, sent: bytes) -> SavedView:
    """Keep a view. To be called where one may wait for a process.

    1. Read what was sent strictly.
    2. Refuse it where this person has as many as there may be, before any work is done.
    3. Have the picture decoded and written anew by a worker process.
    4. Store it, counted once more.

    Raises TooLarge, InvalidInput, Conflict, ComputeFailed.
    """
    # 1.
    asked = _read(sent)
    document = asked.view.model_dump_json()
    if len(document.encode()) > MOST_DOCUMENT_BYTES:
        raise TooLarge(f"A view has at most {MOST_DOCUMENT_BYTES} bytes; delete some marks.")

    # 2.
    with node.store.read() as session:
        _check_room(session, pair, pseudonym)

    # 3.
    try:
        pictures = node.compute.run(pictures_of, _decoded(asked.picture))
    except PictureRefused as error:
        raise InvalidInput(str(error), code="picture-refused") from error

    # 4.
    low, high = sorted(pair.scans)
    row = SavedViewRow(
        scan_low=low,
        scan_high=high,
        query=pair.query,
        made_by=pseudonym,
        made_at=stamp(),
        title=asked.title,
        document=document,
        picture=pictures.picture,
        thumbnail=pictures.thumbnail,
    )
    with node.store.write() as session:
        _check_room(session, pair, pseudonym)
        add_view(session, row)
    return row


def remove_view(node: Node, pair: ScansOnStage, view_id: int, pseudonym: str) -> None:
    """Delete one's own view. Raises NotFound, also for another's."""
    with node.store.write() as session:
        _visible(session, pair, view_id, pseudonym)
        delete_view(session, view_id)


def _visible(
    session: Session, pair: ScansOnStage, view_id: int, pseudonym: str, *, everybody: bool = False
) -> SavedView:
    row = find_view(session, pair.scans, view_id)
    if row is None or not (everybody or row.made_by == pseudonym):
        raise NotFound("There is no such view of this pair.")
    return row


def _read(sent: bytes) -> Sent:
    try:
        check_json(sent, max_bytes=MOST_VIEW_BYTES)
        return Sent.model_validate_json(sent)
    except ContractError as error:
        raise InvalidInput(str(error), code=error.reason) from error
    except ValidationError as error:
        faults = tuple((".".join(str(step) for step in item["loc"]), item["msg"]) for item in error.errors()[:10])
        what = "; ".join(f"{where}: {said}" for where, said in faults[:3])
        raise InvalidInput(f"This is no view that can be kept: {what}.", code="not-a-view", problems=faults) from error


def _decoded(picture: str) -> bytes:
    try:
        return base64.b64decode(picture, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput("The picture is not base64.", code="picture-refused") from error


def _check_room(session: Session, pair: ScansOnStage, pseudonym: str) -> None:
    if count_views(session, pair.scans, pseudonym) >= MOST_VIEWS:
        raise Conflict(f"You have saved {MOST_VIEWS} views of this pair; delete one first.", code="too-many-views")
