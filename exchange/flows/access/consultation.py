"""Somebody who is signed in, with what they state of why they search and read; and how that is written down."""

from __future__ import annotations

import json
from dataclasses import dataclass

from exchange.flows.node.node import Node
from exchange.log.audit_entry import Act, Actor, ActorKind, Deed
from exchange.scopes import Scope
from schemas import Maker
from schemas.vocabulary import Role, SignedInBy


@dataclass(frozen=True)
class Caller:
    """A signed-in user. ``token`` is the number of the token, ``scopes`` what it is for; in the pages there is none."""

    pseudonym: str
    role: Role
    signed_in: SignedInBy = SignedInBy.TOKEN
    token: int | None = None
    scopes: frozenset[Scope] = frozenset()

    @property
    def actor(self) -> Actor:
        """As audit rows name it."""
        return Actor(ActorKind.PERSON, self.pseudonym, self.role, self.token)

    @property
    def maker(self) -> Maker:
        return Maker(pseudonym=self.pseudonym, role=self.role, signed_in=self.signed_in)


@dataclass(frozen=True)
class Consultation:
    """Somebody who searches or reads, with what they stated."""

    node: Node
    caller: Caller
    purpose: str | None
    legal_basis: str | None

    @property
    def reader(self) -> tuple[Role, str]:
        """Whom it may be told, in which role."""
        return self.caller.role, self.caller.pseudonym

    def note(self, act: Act, count: int, *subjects: str, asked: dict[str, str] | None = None) -> None:
        """Write the act down; to be called when the answer is made and before it leaves. Raises NotAudited."""
        words = json.dumps(asked, sort_keys=True, ensure_ascii=False) if asked else None
        self.node.audit.note(Deed(self.caller.actor, act, count, subjects, words, self.purpose, self.legal_basis))
