"""People are told by e-mail that something new waits: where, and nothing of what.

Whoever reads a letter on its way learns that somebody has an account here, and no more. Without a mail server in the
settings nobody is asked for an address.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy.orm import Session

from exchange.clock import stamp, stamp_in
from exchange.errors import InvalidInput, MailError, MailRefused, NotFound, TooMany
from exchange.flows.alerts.alerts import count_fresh
from exchange.flows.node.node import Node
from exchange.net.mail import MailServer, is_address
from exchange.store.review.mail_rows import (
    addressees,
    failures,
    forget_address,
    mail_address_of,
    note_failure,
    note_sent,
)
from exchange.store.tables.mail_tables import MailAddressRow
from schemas.errors import shown
from schemas.vocabulary import Role

CODE_S: Final = 3600
CODE_TRIES: Final = 5
ASKED_AGAIN_S: Final = 60
"""Nobody has this node send a letter to a stranger more often."""
FAILED_AGAIN_S: Final = 600


class Occasion(StrEnum):
    CODE = "code"
    NEWS = "news"


@dataclass(frozen=True)
class Letter:
    subject: str
    text: str


LetterWriter = Callable[[Occasion, str, str], Letter]
"""Puts an occasion into words: of a language, with the code that is to be typed in (empty for news)."""


@dataclass(frozen=True)
class MailState:
    """What a person sees of the own address. ``failure``: what the mail server last said."""

    address: str
    confirmed: bool
    failure: str | None


def mail_state(node: Node, pseudonym: str) -> MailState | None:
    with node.store.read() as session:
        row = mail_address_of(session, pseudonym)
    return None if row is None else MailState(row.address, row.code is None, row.failure)


def ask_for_letters(node: Node, pseudonym: str, address: str, language: str) -> None:
    """A code is sent to the address; once it is typed in, the address is told of what is new. Raises InvalidInput,
    TooMany."""
    if not is_address(address):
        raise InvalidInput("This is not an e-mail address, such as reading-room@lab.example.", code="invalid-address")
    with node.store.write() as session:
        row = mail_address_of(session, pseudonym)
        if row is not None and row.asked_at > stamp_in(-ASKED_AGAIN_S):
            raise TooMany("A code was asked for a moment ago. Wait a minute.", code="wait-a-minute")
        session.merge(
            MailAddressRow(
                pseudonym=pseudonym,
                address=address,
                language=language,
                code=f"{secrets.randbelow(10**6):06d}",
                code_until=stamp_in(CODE_S),
                code_tries=0,
                code_sent=False,
                asked_at=stamp(),
                told_to=stamp(),
                told_at=None,
                tried_at=None,
                failed_since=None,
                failure=None,
            )
        )


def confirm_address(node: Node, pseudonym: str, code: str) -> None:
    """Take the code that was sent. A wrong one is kept as a try.

    Raises InvalidInput for a wrong code; NotFound when none is waited for, or it is too old, or was tried too often.
    """
    with node.store.write() as session:
        row = mail_address_of(session, pseudonym)
        if row is None or row.code is None or (row.code_until or "") < stamp() or row.code_tries >= CODE_TRIES:
            raise NotFound("No code is waited for any more. Enter the address again.")
        row.code_tries += 1
        right = secrets.compare_digest("".join(code.split()).encode(), row.code.encode())
        if right:
            row.code, row.code_until, row.told_to = None, None, stamp()
    if not right:
        raise InvalidInput("This is not the code of the letter.", code="wrong-mail-code")


def stop_letters(node: Node, pseudonym: str) -> None:
    """The address is forgotten. Raises NotFound when there is none."""
    with node.store.write() as session:
        if mail_address_of(session, pseudonym) is None:
            raise NotFound("There is no address that could be forgotten.")
        forget_address(session, pseudonym)


def send_letter(node: Node, server: MailServer, write: LetterWriter) -> bool:
    """Send one letter that is due; returns whether there was one.

    1. Who is to be told, and of what.
    2. Hand the letter to the mail server.
    3. Note it: a node that ends before tells a second time.
    Raises MailError: it is tried again, and the operator sees since when nothing leaves.
    """
    # 1.
    with node.store.read() as session:
        due = _due(session, node)
    if due is None:
        return False
    # 2.
    row, occasion, moment = due
    letter = write(occasion, row.language, row.code or "")
    try:
        server.send(row.address, letter.subject, letter.text)
    except MailError as error:
        said = shown(f"{error}", 500)
        with node.store.write() as session:
            _note(session, row, lambda current: note_failure(current, said))
        if isinstance(error, MailRefused):
            return True  # the next one's address may be a good one
        raise
    # 3.
    with node.store.write() as session:
        _note(session, row, lambda current: _sent(current, occasion, moment))
    return True


def mail_alarms(session: Session, server: MailServer | None) -> list[str]:
    """That letters do not leave, in words, with the next step."""
    failed = failures(session) if server is not None else None
    if failed is None:
        return []
    count, since, said = failed
    return [
        f"E-mail to {count} of this node's users does not leave since {since}: {said}. They see what is new on the "
        "pages all the same. Compare the settings smtp_* with what the mail server demands."
    ]


def _due(session: Session, node: Node) -> tuple[MailAddressRow, Occasion, str] | None:
    """The row, the occasion, and the moment up to which is told."""
    moment = stamp()
    for row, user in addressees(session):
        if row.failed_since is not None and (row.tried_at or "") > stamp_in(-FAILED_AGAIN_S):
            continue
        if row.code is not None:
            if not row.code_sent and (row.code_until or "") > moment:
                return row, Occasion.CODE, moment
        elif (row.told_at or "") <= stamp_in(-node.settings.mail_interval_s) and count_fresh(
            session, node, Role(user.role), user.pseudonym, after=row.told_to
        ):
            return row, Occasion.NEWS, moment
    return None


def _sent(row: MailAddressRow, occasion: Occasion, moment: str) -> None:
    note_sent(row)
    if occasion is Occasion.CODE:
        row.code_sent = True
    else:
        row.told_to = row.told_at = moment


def _note(session: Session, asked: MailAddressRow, what: Callable[[MailAddressRow], None]) -> None:
    """Unless the person has changed the address meanwhile."""
    row = mail_address_of(session, asked.pseudonym)
    if row is not None and (row.address, row.asked_at) == (asked.address, asked.asked_at):
        what(row)
