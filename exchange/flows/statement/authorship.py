"""Who may do to a colleague's work what cannot be undone: one table, which each flow asks before it acts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

from sqlalchemy.orm import Session

from exchange.config import Settings
from exchange.errors import Forbidden
from exchange.flows.statement.sharing import record_of
from exchange.store.access.sign_in_rows import sign_in_of
from exchange.store.access.user_rows import find_user
from exchange.store.entry.exhibits import exhibit_name
from exchange.store.entry.record_rows import versions_of
from schemas import Maker
from schemas.vocabulary import Role


class Who(StrEnum):
    HEAD = "head"
    AUTHOR_OR_HEAD = "author_or_head"
    """The author as a person. Where the author is a program or has left, the head alone."""
    MAKER_OR_HEAD = "maker_or_head"
    """Whoever made it, a program too."""
    MAKER = "maker"
    """Nobody else sees it."""
    EXAMINERS = "examiners"


class WorkAct(StrEnum):
    """What somebody may do to a colleague's work."""

    WITHDRAW = "withdraw"
    TAKE_BACK = "take_back"
    """Withdraw a record from one holder, which revokes a grant too."""
    AMEND = "amend"
    SHORTEN_RETENTION = "shorten_retention"
    """Amend a record so that its retention withdraws it earlier."""
    WIDEN_SHARING = "widen_sharing"
    """Amend a record so that more people have it: a wider audience, a higher level, a looser handling, another kind."""
    GRANT = "grant"
    APPROVE = "approve"
    HOLD = "hold"
    END_HOLD = "end_hold"
    DISCLOSE = "disclose"
    RETRACT = "retract"
    """Take back a conclusion, a verification or a hit."""
    DISCARD_DRAFT = "discard_draft"
    """Erase a draft with its uploads."""
    DELETE_VIEW = "delete_view"
    REMOVE_FIREARM = "remove_firearm"
    REPLACE_SERIAL_NUMBER = "replace_serial_number"
    """Replace or empty the serial number of a firearm, of which no earlier value is kept."""


@dataclass(frozen=True)
class WorkRule:
    """``proposed``: whoever may not do it may propose it."""

    who: Who
    proposed: bool = False


RULES: Final[Mapping[WorkAct, WorkRule]] = {
    WorkAct.WITHDRAW: WorkRule(Who.AUTHOR_OR_HEAD, proposed=True),
    WorkAct.TAKE_BACK: WorkRule(Who.AUTHOR_OR_HEAD, proposed=True),
    WorkAct.AMEND: WorkRule(Who.EXAMINERS),
    WorkAct.SHORTEN_RETENTION: WorkRule(Who.MAKER_OR_HEAD),
    WorkAct.WIDEN_SHARING: WorkRule(Who.MAKER_OR_HEAD),
    WorkAct.GRANT: WorkRule(Who.HEAD),
    WorkAct.APPROVE: WorkRule(Who.HEAD),
    WorkAct.HOLD: WorkRule(Who.HEAD),
    WorkAct.END_HOLD: WorkRule(Who.HEAD),
    WorkAct.DISCLOSE: WorkRule(Who.HEAD),
    WorkAct.RETRACT: WorkRule(Who.MAKER_OR_HEAD),
    WorkAct.DISCARD_DRAFT: WorkRule(Who.MAKER),
    WorkAct.DELETE_VIEW: WorkRule(Who.MAKER),
    WorkAct.REMOVE_FIREARM: WorkRule(Who.MAKER_OR_HEAD),
    WorkAct.REPLACE_SERIAL_NUMBER: WorkRule(Who.MAKER_OR_HEAD),
}


PERSONLESS: Final = "the head, since its author is a program or has left"


def may_act(act: WorkAct, role: Role, pseudonym: str, author: str | None) -> bool:
    """Whether somebody may do this to the work of ``author``. Of an act for the author as a person, ``author`` is what
    ``deciding_author`` returns."""
    match RULES[act].who:
        case Who.HEAD:
            return role is Role.HEAD
        case Who.AUTHOR_OR_HEAD | Who.MAKER_OR_HEAD:
            return role is Role.HEAD or pseudonym == author
        case Who.MAKER:
            return pseudonym == author
        case Who.EXAMINERS:
            return role is Role.EXAMINER
        case who:
            assert_never(who)


def check_may_act(act: WorkAct, maker: Maker, author: str | None = None) -> None:
    """Raises Forbidden, code "not-author", with who may do it."""
    if may_act(act, maker.role, maker.pseudonym, author):
        return
    who = {
        Who.HEAD: "the head of this Firearms Focal Point",
        Who.AUTHOR_OR_HEAD: f"{author} or the head" if author else PERSONLESS,
        Who.MAKER_OR_HEAD: f"{author or 'whoever made it'} or the head",
        Who.MAKER: author or "whoever made it",
        Who.EXAMINERS: "an examiner",
    }[RULES[act].who]
    then = "Propose it, and one of them decides." if RULES[act].proposed else "Ask there."
    raise Forbidden(f"This is for {who}. {then}", code="not-author")


def author_of(session: Session, record: str) -> str | None:
    """Who signed the first version of a record. None where that version was erased: then only the head acts."""
    versions = versions_of(session, record)
    if not versions or versions[0].exhibit != exhibit_name(versions[0].issuer, versions[0].statement_id):
        return None
    return record_of(session, versions[0].statement_id).made_by.pseudonym


def deciding_author(session: Session, settings: Settings, record: str) -> str | None:
    """The author of a record, where the author is a person who can decide: an active examiner with an account that
    signs in on the pages. None where the author has left, is no examiner any more, or is a program: an account that has
    tokens alone."""
    author = author_of(session, record)
    user = find_user(session, author) if author is not None else None
    if user is None or user.revoked_at is not None or user.role != Role.EXAMINER:
        return None
    is_person = settings.oidc_issuer is not None or sign_in_of(session, user.pseudonym) is not None
    return user.pseudonym if is_person else None
