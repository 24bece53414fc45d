"""The firearms that a laboratory holds: what its test fires say of each, and what stays at home.

A firearm has a pseudonym, by which its test fires name it: scans of one firearm are true pairs, whatever case they came
from. Its serial number stays here, and goes in a disclosure. A test fire that names a firearm which is not here yet
enters it; one that describes it otherwise than it stands here is refused, since then one of the two is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from exchange.clock import now, stamp
from exchange.errors import Conflict, InvalidInput, NotFound
from exchange.flows.node.node import Node
from exchange.flows.statement.authorship import WorkAct, check_may_act
from exchange.log.audit_entry import Act, Actor, Deed
from exchange.store.entry.firearm_rows import (
    find_firearm,
    ids_that_begin,
    list_firearms,
    remove_firearm,
    save_firearm,
    test_fires_of,
)
from exchange.store.tables.firearm_tables import FirearmRow
from exchange.store.tables.record_tables import RecordRow
from schemas import Firearm, Maker
from schemas.exhibit import ShortText
from schemas.place import fold_place
from schemas.statement_base import Moment

MOST_TEST_FIRES: Final = 200
FIREARM_FIELDS: Final = "exhibit.firearm."
"""How the fields of a form begin that describe a firearm."""


class FirearmEntered(BaseModel):
    """``serial_number`` and ``remark`` stay on this node; what ``firearm`` says goes into each test fire that names
    it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    firearm: Firearm
    serial_number: ShortText | None = None
    remark: ShortText | None = None


class FirearmChanged(FirearmEntered):
    """``seen``: the ``changed_at`` of what was read before."""

    seen: Moment


@dataclass(frozen=True)
class HeldFirearm:
    """A firearm as it is known now. ``serial_number`` and ``remark`` are in no record."""

    stated: Firearm
    serial_number: str | None
    remark: str | None
    entered_by: str
    entered_at: str
    changed_at: str


@dataclass(frozen=True)
class FirearmFile:
    """A firearm with its test fires, the newest first."""

    firearm: HeldFirearm
    test_fires: Sequence[RecordRow]


def enter_firearm(node: Node, maker: Maker, stated: Firearm, serial_number: str | None, remark: str | None) -> None:
    """Raises Conflict where its pseudonym is taken, InvalidInput where what peers read tells the serial number."""
    _check_serial_stays(stated, serial_number)
    with node.store.write() as session:
        if find_firearm(session, stated.firearm_id) is not None:
            raise Conflict(
                f"There is a firearm {stated.firearm_id} already: change that one, or take another pseudonym, such as "
                f"{propose_id(session)}.",
                code="firearm-known",
            )
        save_firearm(session, stated, serial_number=serial_number, remark=remark, by=maker.pseudonym, at=stamp())


def change_firearm(
    node: Node, maker: Maker, stated: Firearm, serial_number: str | None, remark: str | None, seen: str
) -> None:
    """Put down what is known now; records that were signed say what they said. ``seen``: when it had last been changed
    as it was shown. Raises NotFound; Conflict where it was changed since; Forbidden, code "not-author", for a serial
    number that somebody else entered."""
    _check_serial_stays(stated, serial_number)
    with node.store.write() as session:
        row = _row(session, stated.firearm_id)
        if row.changed_at != seen:
            raise Conflict("This firearm was changed since it was shown: look at it again.", code="firearm-changed")
        if row.serial_number is not None and row.serial_number != serial_number:
            check_may_act(WorkAct.REPLACE_SERIAL_NUMBER, maker, row.entered_by)
        save_firearm(session, stated, serial_number=serial_number, remark=remark, by=row.entered_by, at=stamp())


def forget_firearm(node: Node, maker: Maker, firearm_id: str) -> None:
    """Take a firearm off the list. Raises NotFound; Conflict where a test fire names it; Forbidden, code "not-author",
    for one that somebody else entered."""
    with node.store.write() as session:
        check_may_act(WorkAct.REMOVE_FIREARM, maker, _row(session, firearm_id).entered_by)
        if test_fires_of(session, node.node_id, firearm_id, limit=1):
            raise Conflict(
                "Test fires name this firearm: withdraw these records first, or correct what is written here.",
                code="firearm-in-use",
            )
        remove_firearm(session, firearm_id)


def note_change(node: Node, actor: Actor, what: str, firearm_id: str) -> None:
    """Write down who entered, changed or removed a firearm. Raises NotAudited."""
    node.audit.note(Deed(actor, Act.CHANGE_FIREARM, 1, (firearm_id,), what))


def read_firearm(node: Node, firearm_id: str) -> FirearmFile:
    """Raises NotFound."""
    with node.store.read() as session:
        row = _row(session, firearm_id)
        return FirearmFile(_held(row), test_fires_of(session, node.node_id, firearm_id, limit=MOST_TEST_FIRES))


def find_firearms(node: Node, text: str = "", *, skip: int = 0, limit: int) -> list[HeldFirearm]:
    """Those that a text is part of, by pseudonym, make, model, calibre or serial number; the last changed first."""
    with node.store.read() as session:
        return [_held(row) for row in list_firearms(session, text, skip=skip, limit=limit)]


def next_pseudonym(node: Node) -> str:
    """What a new firearm may be called."""
    with node.store.read() as session:
        return propose_id(session)


def propose_id(session: Session) -> str:
    """``F-2026-0007``: of this year, the number after the highest."""
    begin = f"F-{now().year}-"
    numbers = [int(found[1]) for name in ids_that_begin(session, begin) if (found := re.search(r"-(\d{1,9})$", name))]
    return f"{begin}{max(numbers, default=0) + 1:04d}"


def described_fully(session: Session, fields: Mapping[str, str]) -> dict[str, str]:
    """A form that names a firearm by its pseudonym alone, with what the node knows of that one. Any other as it is."""
    firearm_id = fields.get(f"{FIREARM_FIELDS}firearm_id")
    said = {name for name in fields if name.startswith(FIREARM_FIELDS)}
    row = find_firearm(session, firearm_id) if firearm_id and len(said) == 1 else None
    if row is None:
        return dict(fields)
    known = Firearm.model_validate_json(row.stated).model_dump(mode="json", exclude_none=True)
    return {**fields, **{f"{FIREARM_FIELDS}{name}": value for name, value in known.items()}}


def check_described(session: Session, stated: Firearm) -> None:
    """Raise InvalidInput, with each field that differs, where a test fire describes a firearm otherwise than it stands
    here."""
    row = find_firearm(session, stated.firearm_id)
    if row is None:
        return
    known = Firearm.model_validate_json(row.stated)
    differ = [name for name in Firearm.model_fields if getattr(known, name) != getattr(stated, name)]
    if differ:
        raise InvalidInput(
            f"The firearm {stated.firearm_id} stands here with another {' and '.join(differ)}: correct it there first, "
            "or name another firearm.",
            code="firearm-differs",
            problems=tuple(
                (f"exhibit.firearm.{name}", f"stands here as {getattr(known, name) or 'not stated'}") for name in differ
            ),
        )


def enter_named(session: Session, stated: Firearm, maker: Maker) -> None:
    """Enter the firearm that a test fire names, unless it is here. Raises InvalidInput as ``check_described``."""
    check_described(session, stated)
    if find_firearm(session, stated.firearm_id) is None:
        save_firearm(session, stated, serial_number=None, remark=None, by=maker.pseudonym, at=stamp())


def _check_serial_stays(stated: Firearm, serial_number: str | None) -> None:
    """Raises InvalidInput."""
    told, secret = _bare(stated.firearm_id), _bare(serial_number)
    if secret and (secret in told or (len(told) >= _TELLING and told in secret)):
        raise InvalidInput(
            "The pseudonym tells the serial number, and peers read it: take another one.",
            code="pseudonym-tells",
            problems=(("firearm_id", "tells the serial number"),),
        )
    words = {name: _bare(getattr(stated, name)) for name in _IN_WORDS}
    if len(secret) >= _TELLING and (telling := [name for name, word in words.items() if secret in word]):
        raise InvalidInput(
            "What describes the firearm tells its serial number, and peers read it in each test fire: take it out.",
            code="description-tells",
            problems=tuple((name, "tells the serial number") for name in telling),
        )


def _bare(text: str | None) -> str:
    """Without spaces and signs, in whatever script it is written."""
    return fold_place(text or "").replace(" ", "")


_IN_WORDS: Final = ("make", "model", "calibre_words")
_TELLING: Final = 4
"""So many characters of a serial number say which firearm it is."""


def _row(session: Session, firearm_id: str) -> FirearmRow:
    row = find_firearm(session, firearm_id)
    if row is None:
        raise NotFound(f"This node holds no firearm {firearm_id}.")
    return row


def _held(row: FirearmRow) -> HeldFirearm:
    stated = Firearm.model_validate_json(row.stated)
    return HeldFirearm(stated, row.serial_number, row.remark, row.entered_by, row.entered_at, row.changed_at)
