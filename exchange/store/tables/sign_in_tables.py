"""How people sign in, what they know and what they have, and the sessions that follow; and the tokens of machines."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.tables.columns import Base


class SignInRow(Base):
    """What a user signs in with. Until the invitation was taken up there is no password.

    ``password`` is its argon2id hash, ``totp`` the secret of the second factor, sealed with a key that lies outside the
    database, and ``totp_step`` the last 30 seconds whose code was used, so that none is used twice.
    """

    __tablename__ = "sign_in"
    pseudonym: Mapped[str] = mapped_column(ForeignKey("user.pseudonym"), primary_key=True)
    invitation_sha256: Mapped[str | None] = mapped_column(unique=True)
    invited_until: Mapped[str | None]
    password: Mapped[str | None]
    totp: Mapped[bytes | None]
    totp_step: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    """Wrong codes in a row, of somebody who is signed in already. Failures to sign in are ``FailureRow``."""
    locked_until: Mapped[str | None]
    seal: Mapped[bytes | None]
    """Over what lets somebody in (``store/database/seals.py``)."""


class FailureRow(Base):
    """Failures to sign in, in a row, under the names that share a place: of users, and of names that nobody has."""

    __tablename__ = "sign_in_failure"
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    failed: Mapped[int]
    locked_until: Mapped[str | None]
    last_at: Mapped[str] = mapped_column(index=True)


class DeviceRow(Base):
    """A browser in which a user signed in fully before; of the token in its cookie only the SHA-256 is kept.

    Its failures are counted for itself alone: strangers do not lock it, and it locks nobody else.
    """

    __tablename__ = "sign_in_device"
    sha256: Mapped[str] = mapped_column(primary_key=True)
    pseudonym: Mapped[str] = mapped_column(ForeignKey("user.pseudonym"), index=True)
    began_at: Mapped[str]
    ends_at: Mapped[str]
    failed: Mapped[int]
    locked_until: Mapped[str | None]


class BegunRow(Base):
    """A sign-in that began here and goes on at the provider; erased when somebody comes back with its state.

    ``browser_sha256`` is of the cookie of the browser in which it began. ``nonce`` must stand in the ID token, and
    ``verifier`` shows the provider that the code was meant for this node (RFC 7636).
    """

    __tablename__ = "sign_in_begun"
    state_sha256: Mapped[str] = mapped_column(primary_key=True)
    browser_sha256: Mapped[str]
    nonce: Mapped[str]
    verifier: Mapped[str]
    ends_at: Mapped[str]


class SessionRow(Base):
    """Somebody who is signed in. Of the token in the cookie only the SHA-256 is kept.

    ``purpose`` and ``legal_basis`` are what was stated for this session; they go with every search and consultation.
    """

    __tablename__ = "sign_in_session"
    token_sha256: Mapped[str] = mapped_column(primary_key=True)
    pseudonym: Mapped[str] = mapped_column(ForeignKey("user.pseudonym"), index=True)
    signed_in: Mapped[str]
    """How: a word of ``SignedInBy``."""
    began_at: Mapped[str]
    seen_at: Mapped[str]
    ends_at: Mapped[str]
    purpose: Mapped[str | None]
    legal_basis: Mapped[str | None]
    seal: Mapped[bytes | None]
    """Over whose session it is (``store/database/seals.py``)."""


class TokenRow(Base):
    """What a machine signs in with, in the name of a user. Of the token itself only the SHA-256 is kept.

    ``scopes`` are those of ``store/access/token_rows.py``, with a space between; ``used_at`` is kept to the minute.
    """

    __tablename__ = "token"
    token_id: Mapped[int] = mapped_column(primary_key=True)
    """Stands in audit rows; never given again."""
    sha256: Mapped[str] = mapped_column(unique=True)
    pseudonym: Mapped[str] = mapped_column(ForeignKey("user.pseudonym"), index=True)
    name: Mapped[str]
    scopes: Mapped[str]
    created_at: Mapped[str]
    expires_at: Mapped[str]
    revoked_at: Mapped[str | None]
    used_at: Mapped[str | None]
    seal: Mapped[bytes | None]
    """Over what it may (``store/database/seals.py``)."""


class UserRow(Base):
    __tablename__ = "user"
    pseudonym: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str]
    created_at: Mapped[str]
    revoked_at: Mapped[str | None]
    examiner_since: Mapped[str | None]
    """When somebody became examiner who had another role before; None: is none, or was one from the beginning."""
    seal: Mapped[bytes | None]
    """Over all of this (``store/database/seals.py``)."""


class AuthorisationRow(Base):
    """What the laboratory authorised a user for, as reports print it beside the pseudonym: never a person's name."""

    __tablename__ = "user_authorisation"
    pseudonym: Mapped[str] = mapped_column(ForeignKey("user.pseudonym"), primary_key=True)
    words: Mapped[str]
    entered_at: Mapped[str]
    seal: Mapped[bytes | None]
    """Over all of this (``store/database/seals.py``)."""
