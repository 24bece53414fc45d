"""People sign in at their authority's provider (OpenID Connect, authorization code with PKCE, state and nonce).

The provider says who it is, and nothing more: users are those of the node, and so are their roles.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import time
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from pydantic import TypeAdapter, ValidationError

from exchange.config import Settings
from exchange.errors import NotFound, Unauthenticated
from exchange.extras.known import require_extra
from exchange.flows.node.node import Node
from exchange.net.egress import Guard
from exchange.net.oidc import Provider
from exchange.store.access.sign_in_rows import begin_elsewhere, begin_session, take_begun
from exchange.store.access.user_rows import active_user
from exchange.trust.id_token import ExpectedClaims, signing_key, verify_id_token
from schemas.errors import shown
from schemas.statement_base import Pseudonym
from schemas.vocabulary import SignedInBy

AT_PROVIDER_S = 600
"""How long somebody may take there: password, second factor, perhaps a telephone that lies elsewhere."""
CALLBACK = "/app/sign-in/callback"
_PSEUDONYM: TypeAdapter[str] = TypeAdapter(Pseudonym)


@dataclass(frozen=True)
class CameBack:
    """What the browser brought from the provider, as it stood in the address; nothing of it is believed yet."""

    state: str
    code: str | None
    error: str | None
    issuer: str | None


def provider_of(settings: Settings, guard: Guard) -> Provider | None:
    """None where people sign in here alone. Raises ExtraMissing when what reads tokens is not installed."""
    if settings.oidc_issuer is None or settings.oidc_client_id is None:
        return None
    require_extra("oidc", "The setting oidc_issuer")
    secret = settings.oidc_client_secret
    given = None if secret is None else secret.get_secret_value()
    return Provider(settings.oidc_issuer, settings.oidc_client_id, given, guard=guard)


def begin_sign_in(node: Node, provider: Provider, browser: str) -> str:
    """The address at the provider to which to lead this browser. Raises ProviderUnavailable."""
    endpoint = provider.description().authorization_endpoint
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    with node.store.write() as session:
        begin_elsewhere(session, state=state, browser=browser, nonce=nonce, verifier=verifier, within_s=AT_PROVIDER_S)
    asked = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": node.settings.url + CALLBACK,
        "scope": "openid profile",
        "state": state,
        "nonce": nonce,
        "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    if node.settings.oidc_required_acr is not None:
        asked["acr_values"] = node.settings.oidc_required_acr
    return _with_query(endpoint, asked)


def finish_sign_in(node: Node, provider: Provider, browser: str, came: CameBack) -> str:
    """Begin a session; returns its token, for the cookie alone.

    1. The state is of a sign-in that began in this browser; it is used up, whatever follows.
    2. The provider that was asked sends the browser back, with a code and no error.
    3. The code is good for an ID token, which verifies.
    4. The claim names an active user of this node.
    Raises Unauthenticated, ProviderUnavailable.
    """
    with node.store.write() as session:
        begun = take_begun(session, came.state, browser)
    if begun is None:
        raise Unauthenticated(
            "This sign-in was used already, took too long, or began in another browser. Begin it anew.",
            code="provider-refused",
        )
    nonce, verifier = begun
    named = _verified(node, provider, _code(provider, came), nonce, verifier)
    with node.store.write() as session:
        try:
            user = active_user(session, _PSEUDONYM.validate_python(named))
        except (NotFound, ValidationError) as error:
            raise Unauthenticated(
                f"The provider knows you as {shown(named, 64)}; no active user of this node is called so. "
                "Ask the node's operator.",
                code="user-unknown",
            ) from error
        return begin_session(session, user.pseudonym, SignedInBy.OIDC, most_s=node.settings.session_most_s)


def leave_address(node: Node, provider: Provider) -> str | None:
    """Where to end the session at the provider too (RP-Initiated Logout 1.0); None where it offers that not.

    Raises ProviderUnavailable.
    """
    endpoint = provider.description().end_session_endpoint
    back = {"client_id": provider.client_id, "post_logout_redirect_uri": f"{node.settings.url}/app/sign-in"}
    return None if endpoint is None else _with_query(endpoint, back)


def _code(provider: Provider, came: CameBack) -> str:
    if came.issuer != provider.issuer and (came.issuer is not None or provider.description().states_issuer):
        raise Unauthenticated("Another provider than the one that was asked answers.", code="provider-refused")
    if came.error is not None or came.code is None:
        reason = came.error if came.error and re.fullmatch("[a-z_]{1,40}", came.error) else "it gives no reason"
        raise Unauthenticated(f"The provider did not sign you in: {reason}. Begin anew.", code="provider-refused")
    return came.code


def _verified(node: Node, provider: Provider, code: str, nonce: str, verifier: str) -> str:
    settings = node.settings
    token = provider.redeem(code, verifier=verifier, redirect_uri=settings.url + CALLBACK)
    key = signing_key(token, provider.keys()) or signing_key(token, provider.keys(fresh=True))
    if key is None:
        raise Unauthenticated(
            "The provider's ID token is not accepted: it is signed with none of its keys.", code="provider-refused"
        )
    expected = ExpectedClaims(
        issuer=provider.issuer,
        client_id=provider.client_id,
        nonce=nonce,
        claim=settings.oidc_claim,
        acr=settings.oidc_required_acr,
        amr=settings.oidc_required_amr,
    )
    return verify_id_token(token, key, expected, now=int(time.time()), skew_s=int(settings.request_skew_s))


def _with_query(address: str, more: dict[str, str]) -> str:
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(more)}"
