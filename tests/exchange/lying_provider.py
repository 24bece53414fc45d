"""A provider of OpenID Connect in this process, which keeps to the letter or lies as it is told."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwk, jws

Claims = dict[str, Any]
CLIENT, SECRET = "ffp-rs", "s3cret with : and ü"


def rsa(kid: str, bits: int = 2048) -> jwk.RSAKey:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a short key is made on purpose
        return jwk.RSAKey.generate_key(bits, {"kid": kid, "use": "sig"}, private=True)


@dataclass
class LyingProvider:
    """What it says is the truth but for ``changes``, by claim, and what the functions make of it."""

    issuer: str
    name: str = "nobody"
    """The preferred_username of whoever comes."""
    key: jwk.RSAKey = field(default_factory=lambda: rsa("one"))
    shown_keys: list[dict[str, Any]] = field(default_factory=list)
    """Beside that with which it signs; when ``key`` is not to be shown, instead of it."""
    hides_key: bool = False
    changes: Claims = field(default_factory=dict)
    described: dict[str, Any] = field(default_factory=dict)
    sign: Callable[[LyingProvider, Claims], str] | None = None
    delay_s: float = 0
    """How long it waits in the middle of each answer."""
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    """By path: what it answers instead."""
    back: dict[str, str] = field(default_factory=dict)
    """What stands in the address with which it sends somebody back."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def description(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "end_session_endpoint": f"{self.issuer}/logout?from=node",
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            **self.described,
        }

    def keys(self) -> dict[str, Any]:
        own = [] if self.hides_key else [self.key.as_dict(private=False)]
        return {"keys": [*own, *self.shown_keys]}

    def sent_back(self, query: dict[str, str]) -> str:
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        there = {"code": code, "state": query["state"], "iss": self.issuer, **self.back}
        return f"{query['redirect_uri']}?{urlencode({name: value for name, value in there.items() if value})}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """RFC 6749 4.1.3, RFC 7636 4.6: a code is good once, for the client and the verifier that asked for it."""
        given = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        encoded = f"{urlencode({'': CLIENT})[1:]}:{urlencode({'': SECRET})[1:].replace('+', '%20')}"
        basic = f"Basic {base64.b64encode(encoded.encode()).decode()}"
        if given is None or challenge != given["code_challenge"] or given["redirect_uri"] != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant", "error_description": "This code is not yours."}
        if authorization != basic:
            return 401, {"error": "invalid_client"}
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "4711",
            "iat": now,
            "exp": now + 60,
            "nonce": given["nonce"],
            "preferred_username": self.name,
        }
        claims = {name: value for name, value in {**claims, **self.changes}.items() if value is not None}
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": (self.sign or signed)(self, claims)}


def signed(provider: LyingProvider, claims: Claims) -> str:
    return compact(claims, provider.key)


def compact(claims: Claims, key: jwk.Key, *, algorithm: str = "RS256", kid: str | None = None) -> str:
    header = {"alg": algorithm, "kid": kid or key.kid}
    return jws.serialize_compact(header, json.dumps(claims).encode(), key, algorithms=[algorithm])


def unsigned(_provider: LyingProvider, claims: Claims) -> str:
    parts = [json.dumps({"alg": "none"}).encode(), json.dumps(claims).encode(), b""]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


@contextmanager
def lying_provider() -> Iterator[LyingProvider]:
    """On another name of this machine than the node's, as another site."""

    class Handler(BaseHTTPRequestHandler):
        provider: ClassVar[LyingProvider]

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(address.query).items()}
            match address.path:
                case "/.well-known/openid-configuration":
                    self._say(200, self.provider.description())
                case "/keys":
                    self._say(200, self.provider.keys())
                case "/authorize":
                    self._answer(303, b"", {"Location": self.provider.sent_back(query)})
                case _:
                    self._answer(404, b"")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._say(*self.provider.token(form, self.headers.get("Authorization", "")))

        def _say(self, status: int, said: dict[str, Any]) -> None:
            self._answer(status, json.dumps(said).encode())

        def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            path = urlsplit(self.path).path
            self.provider.asked.append(path)
            status, body = self.provider.answers.get(path, (status, body))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[:1])
            time.sleep(self.provider.delay_s)
            with suppress(OSError):  # whoever asked did not wait
                self.wfile.write(body[1:])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's own name
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Handler.provider = LyingProvider(f"http://localhost:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Handler.provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)
