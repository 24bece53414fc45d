"""People sign in with a password and a code of their authenticator (RFC 6238); the operator knows neither."""

from __future__ import annotations

import functools
import re
import time
from dataclasses import dataclass

import pyotp
from pwdlib import PasswordHash
from sqlalchemy.orm import Session

from exchange.clock import seconds_until, stamp
from exchange.errors import ConfigurationError, InvalidInput, TooMany, Unauthenticated
from exchange.flows.access.sealed_secrets import open_sealed, seal_secret, sealing_key
from exchange.flows.node.node import Node
from exchange.store.access.sign_in_guard import (
    FailureCounter,
    count_failure,
    device_of,
    failure_slot,
    failures_at,
    keep_device,
)
from exchange.store.access.sign_in_rows import begin_session, hashed, invite_to_sign_in, invited, sign_in_of
from exchange.store.tables.sign_in_tables import DeviceRow, FailureRow, SignInRow
from schemas.vocabulary import SignedInBy

INVITED_S = 72 * 3600
MIN_PASSWORD, MAX_PASSWORD = 12, 128
STEP_S = 30
DEVICE_S = 180 * 86_400
"""How long a browser is known after its last full sign-in."""
_hasher = PasswordHash.recommended()


@functools.cache
def _nobody() -> str:
    """What an unknown user's password is held against; made when first needed, since it takes as long as it is meant
    to."""
    return _hasher.hash("nobody's password: an unknown user takes as long as a wrong password")


@dataclass(frozen=True)
class Enrolling:
    """Whoever takes up an invitation: the user, and a fresh secret for the authenticator in Base32."""

    pseudonym: str
    secret: str

    def address(self, node_id: str) -> str:
        """The ``otpauth`` address that an authenticator reads from a QR code."""
        return pyotp.TOTP(self.secret).provisioning_uri(name=self.pseudonym, issuer_name=node_id)


def invite_user(node: Node, pseudonym: str) -> str:
    """The address at which this user chooses a password; it can be used once, within three days. What the user signed
    in with before is void. Raises NotFound."""
    with node.store.write() as session:
        token = invite_to_sign_in(session, pseudonym, within_s=INVITED_S)
    return f"{node.settings.url}/app/welcome/{token}"


def read_invitation(node: Node, token: str) -> Enrolling:
    """Raises Unauthenticated when it is used, too old or none."""
    with node.store.read() as session:
        row = _invited(session, token)
        return Enrolling(row.pseudonym, pyotp.random_base32())


def accept_invitation(node: Node, token: str, *, password: str, secret: str, code: str) -> str:
    """Set password and authenticator, and use the invitation up. Returns the token for the cookie of this browser: it
    is known from now on, so that a lock by strangers, which goes on, does not keep the user out.

    The code shows that the authenticator has the secret. Raises Unauthenticated, InvalidInput.
    """
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise InvalidInput(
            f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters; four or five words make a good one.",
            code="password-length",
        )
    step = _step_of(secret, code, after=0)
    if step is None:
        raise InvalidInput("This is not the code that the authenticator shows. Try the next one.", code="wrong-code")
    chosen = _hasher.hash(password)
    with node.store.write() as session:
        row = _invited(session, token)
        row.password, row.totp, row.totp_step = chosen, seal_secret(node, row.pseudonym, secret.encode()), step
        row.invitation_sha256, row.invited_until = None, None
        return keep_device(session, row.pseudonym, "", for_s=DEVICE_S)


@dataclass(frozen=True)
class SignInTokens:
    """The tokens for two cookies: of the session that begins, and of the browser, which is known from now on."""

    session: str
    device: str


def sign_in(node: Node, pseudonym: str, password: str, code: str, *, device: str = "") -> SignInTokens:
    """Begin a session. ``device`` is the token of the browser's cookie, if it has one.

    One sentence for all that may be wrong, in the same time, with the same lock after ``FREE_TRIES`` failures, which
    nothing ends but time, so that nobody learns which users there are. A browser in which this user signed in fully, or
    took up an invitation, before counts its own failures and waits for its own alone: strangers do not lock it out. It
    needs password and code like any other.
    Raises Unauthenticated, TooMany.
    """
    place = failure_slot(sealing_key(node), pseudonym)
    with node.store.read() as session:
        _refuse_locked(_counted(session, pseudonym, device, place))
        found = sign_in_of(session, pseudonym)
        kept = found[0].password if found else None
    fits = password_fits(password, kept)
    with node.store.write() as session:
        counted = _counted(session, pseudonym, device, place)
        _refuse_locked(counted)  # others tried meanwhile
        found = sign_in_of(session, pseudonym)
        row = found[0] if found else None
        if row is not None and fits and row.password == kept and _take_code(node, row, code):
            begun = begin_session(session, pseudonym, SignedInBy.PASSWORD_AND_TOTP, most_s=node.settings.session_most_s)
            return SignInTokens(begun, keep_device(session, pseudonym, device, for_s=DEVICE_S))
        count_failure(session, counted)
    raise Unauthenticated(
        "Pseudonym, password or code is not right. A code is taken once: wait for the next one.", code="sign-in-failed"
    )


def password_fits(password: str, kept: str | None) -> bool:
    """Whether it is the password whose hash is kept. Where none is, because there is no such user, or none who signs in
    with a password, it takes as long."""
    nobody = _nobody()  # asked for by everybody, so that its making tells nothing either
    return _hasher.verify(password[:MAX_PASSWORD], kept or nobody) and kept is not None


def is_known_browser(node: Node, pseudonym: str, device: str) -> bool:
    """Whether this user signed in fully from the browser with this cookie before."""
    with node.store.read() as session:
        return device_of(session, pseudonym, device) is not None


def confirm(node: Node, session: Session, pseudonym: str, code: str) -> bool:
    """Whether the authenticator of somebody who is signed in shows this code, which is used up by that. A wrong one
    counts as a failure to sign in. Needs a write transaction. Raises TooMany."""
    found = sign_in_of(session, pseudonym)
    if found is None:
        return False
    _refuse_locked(found[0])
    if _take_code(node, found[0], code):
        return True
    count_failure(session, found[0])
    return False


def is_secret(text: str) -> bool:
    """Whether it is of the form of those that ``read_invitation`` makes: 160 bits in Base32."""
    return re.fullmatch("[A-Z2-7]{32}", text) is not None


def csrf_of(token: str) -> str:
    """What a form of this session carries: nobody can make it who has not the cookie."""
    return hashed(f"form of {token}")


def _invited(session: Session, token: str) -> SignInRow:
    row = invited(session, token)
    if row is None:
        raise Unauthenticated(
            "This invitation was used, is too old, or never was one. If you took it up yourself, sign in; if not, "
            "ask the operator for a new one.",
            code="invitation-void",
        )
    return row


def _counted(session: Session, pseudonym: str, device: str, place: int) -> DeviceRow | FailureRow:
    """What this try is counted for: the browser that is known, else the name, whether somebody has it or not."""
    return device_of(session, pseudonym, device) or failures_at(session, place)


def _refuse_locked(counted: FailureCounter) -> None:
    until = counted.locked_until
    if until is not None and until > stamp():
        raise TooMany(
            f"Too many failures: this account is tried again after {until}. The operator can invite anew.",
            code="account-locked",
            retry_after_s=seconds_until(until),
        )


def _take_code(node: Node, row: SignInRow, code: str) -> bool:
    step = _step_of(_open(node, row), code, after=row.totp_step)
    if step is not None:
        row.totp_step, row.failed, row.locked_until = step, 0, None
    return step is not None


def _step_of(secret: str, code: str, *, after: int) -> int | None:
    """The 30 seconds that a code is of: these, or those before or after for a clock that is off a little."""
    if not is_secret(secret):
        return None
    now = int(time.time()) // STEP_S
    typed = "".join(code.split())
    for step in (now, now - 1, now + 1):
        if step > after and pyotp.utils.strings_equal(typed, pyotp.TOTP(secret).at(step * STEP_S)):
            return step
    return None


def _open(node: Node, row: SignInRow) -> str:
    secret = open_sealed(node, row.pseudonym, row.totp or b"")
    if secret is None:
        raise ConfigurationError(
            f"{node.settings.sign_in_key.name} is not the key with which this user's authenticator was sealed. Restore "
            "it from the backup, or invite the users anew: `ffp user invite`."
        )
    return secret.decode()
