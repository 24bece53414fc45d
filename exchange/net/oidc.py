"""The provider at whom people sign in (OpenID Connect): what it says of itself, its keys, its ID tokens, unverified.

Each answer is bounded in bytes and time, no redirect is followed, and every address is one of TLS.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx

from exchange.addresses import LOOPBACK
from exchange.errors import PeerUnreachable, ProviderUnavailable, Unauthenticated
from exchange.net.connection import OpenRequest, OpenRequests, http_client
from exchange.net.egress import Guard
from schemas.errors import ContractError, shown
from schemas.strict_json import check_json

WELL_KNOWN: Final = "/.well-known/openid-configuration"
MAX_ANSWER: Final = 128 * 1024
"""Keycloak's description has some 7 kB, its keys 6 kB, its tokens 4 kB."""
MAX_KEYS: Final = 50
_TIMEOUT_S: Final = 10.0
KEPT_S: Final = 3600
"""Description and keys are asked for again after so long, keys also when a token names one that is not known ..."""
FRESH_S: Final = 60
"""... but not more often: else each made-up token would be a request."""


@dataclass(frozen=True)
class Description:
    """What the provider says of itself (OpenID Connect Discovery 1.0, 3), as far as it is needed."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None
    states_issuer: bool
    """Whether it states who it is when it sends somebody back (RFC 9207)."""
    secret_in_body: bool
    """Whether it takes the secret of a client in the body alone."""


class Provider:
    """One provider. What it says is kept for ``KEPT_S``; two threads that ask at once both get an answer."""

    def __init__(
        self, issuer: str, client_id: str, secret: str | None, *, guard: Guard, timeout_s: float = _TIMEOUT_S
    ) -> None:
        self.issuer = issuer
        self.client_id = client_id
        self._secret = secret
        self._guard = guard
        self._timeout_s = timeout_s
        self._lines = OpenRequests()
        self._description: tuple[float, Description] | None = None
        self._keys: tuple[float, list[dict[str, Any]]] | None = None

    def description(self) -> Description:
        """Raises ProviderUnavailable."""
        if self._description is None or self._description[0] < time.monotonic() - KEPT_S:
            said = self._asked(f"{self.issuer.rstrip('/')}{WELL_KNOWN}")
            if said.get("issuer") != self.issuer:
                raise ProviderUnavailable(f"{self.issuer} names itself otherwise: is the setting oidc_issuer right?")
            self._description = (time.monotonic(), _description(said))
        return self._description[1]

    def keys(self, *, fresh: bool = False) -> list[dict[str, Any]]:
        """The public keys of its signatures. Raises ProviderUnavailable."""
        oldest = time.monotonic() - (FRESH_S if fresh else KEPT_S)
        if self._keys is None or self._keys[0] < oldest:
            found = self._asked(self.description().jwks_uri).get("keys")
            if not isinstance(found, list) or len(found) > MAX_KEYS:
                raise ProviderUnavailable(f"{self.issuer} does not give its keys in their form.")
            self._keys = (time.monotonic(), [key for key in found if isinstance(key, dict)])
        return self._keys[1]

    def redeem(self, code: str, *, verifier: str, redirect_uri: str) -> str:
        """The ID token for a code, unverified. Raises ProviderUnavailable, Unauthenticated."""
        described = self.description()
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        form |= {"client_id": self.client_id, "code_verifier": verifier}
        shown_as: tuple[str, str] | None = None
        if self._secret is not None and described.secret_in_body:
            form["client_secret"] = self._secret
        elif self._secret is not None:  # each part encoded first: RFC 6749, 2.3.1
            shown_as = (quote(self.client_id, safe=""), quote(self._secret, safe=""))
        token = self._asked(described.token_endpoint, form=form, shown_as=shown_as).get("id_token")
        if not isinstance(token, str):
            raise ProviderUnavailable(f"{self.issuer} gave no ID token: is the scope openid allowed for this client?")
        return token

    def _asked(
        self, url: str, *, form: Mapping[str, str] | None = None, shown_as: tuple[str, str] | None = None
    ) -> dict[str, Any]:
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        try:
            with http_client(self._timeout_s, self._guard) as http, self._lines.line(within_s=self._timeout_s) as line:
                sent = http.stream(
                    "GET" if form is None else "POST",
                    url,
                    data=form,
                    auth=None if shown_as is None else httpx.BasicAuth(*shown_as),
                    headers=headers,
                    extensions={"trace": line.trace},
                )
                try:
                    with sent as answer:
                        return self._read(answer, line, refusable=form is not None)
                except httpx.HTTPError as error:
                    fate = line.fate or f"does not answer ({type(error).__name__}: {shown(str(error), 200)})"
                    raise ProviderUnavailable(f"{url} {fate}.") from error
        except (httpx.InvalidURL, PeerUnreachable) as error:
            raise ProviderUnavailable(f"{url} was not asked: {error}") from error

    def _read(self, answer: httpx.Response, line: OpenRequest, *, refusable: bool) -> dict[str, Any]:
        body = bytearray()
        for piece in answer.iter_raw():
            body += piece
            if len(body) > MAX_ANSWER:
                raise ProviderUnavailable(f"{answer.url} sends more than {MAX_ANSWER} bytes.")
        if line.fate is not None:  # the end of a body without a length looks like any other
            raise ProviderUnavailable(f"{answer.url} {line.fate}.")
        if refusable and answer.status_code == httpx.codes.BAD_REQUEST:
            raise Unauthenticated(
                f"The provider does not take its own code back: {_reason(bytes(body))}.", code="provider-refused"
            )
        if answer.status_code != httpx.codes.OK:
            raise ProviderUnavailable(f"{answer.url} answered with {answer.status_code}: {_reason(bytes(body))}.")
        return _object(str(answer.url), bytes(body))


def _description(said: Mapping[str, Any]) -> Description:
    challenges = said.get("code_challenge_methods_supported", ["S256"])
    if not isinstance(challenges, list) or "S256" not in challenges:
        raise ProviderUnavailable("The provider does not take PKCE with S256. Turn it on there for this client.")
    methods = said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    ending = said.get("end_session_endpoint")
    return Description(
        authorization_endpoint=_address(said, "authorization_endpoint"),
        token_endpoint=_address(said, "token_endpoint"),
        jwks_uri=_address(said, "jwks_uri"),
        end_session_endpoint=None if ending is None else _address(said, "end_session_endpoint"),
        states_issuer=said.get("authorization_response_iss_parameter_supported") is True,
        secret_in_body=isinstance(methods, list) and "client_secret_basic" not in methods,
    )


def _address(said: Mapping[str, Any], name: str) -> str:
    """One to which people are led, or secrets are sent: over TLS, or on this machine."""
    found = said.get(name)
    if isinstance(found, str) and len(found) <= 2000 and found.isascii() and found.isprintable():
        parts = urlsplit(found)
        if (parts.scheme == "https" and parts.hostname) or (parts.scheme == "http" and parts.hostname in LOOPBACK):
            return found
    raise ProviderUnavailable(f"The provider's {name} is no address over TLS: {shown(str(found), 200)}.")


def _object(url: str, body: bytes) -> dict[str, Any]:
    try:
        check_json(body, max_bytes=MAX_ANSWER)
    except ContractError as error:
        raise ProviderUnavailable(f"{url} does not answer with JSON: {error}") from error
    found = json.loads(body)
    if not isinstance(found, dict):
        raise ProviderUnavailable(f"{url} does not answer with an object of JSON.")
    return found


def _reason(body: bytes) -> str:
    """What the provider gives as a reason (RFC 6749, 5.2), as far as it is fit to be shown."""
    try:
        check_json(body, max_bytes=MAX_ANSWER)
        said = json.loads(body)
        return shown(f"{said['error']} {said.get('error_description', '')}".strip(), 200)
    except (ContractError, KeyError, TypeError, AttributeError):
        return "without a reason"
