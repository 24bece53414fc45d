"""Addresses among a node's settings: what is none, or is not safe, is refused before it is used."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, Field, SecretStr

_SECRET_OPTIONS = {"password", "sslpassword"}
LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""Where nobody reads along."""


def near(host: str) -> str:
    """Where a program on this machine reaches what listens on this host, as it stands in a URL."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - asked, not bound
    return f"[{reached}]" if ":" in reached else reached


def _postgresql(secret: SecretStr) -> SecretStr:
    address = urlsplit(secret.get_secret_value())
    if address.scheme != "postgresql+psycopg" or len(address.path) < 2 or address.port == 0:
        raise ValueError("names no database of PostgreSQL")
    if _SECRET_OPTIONS & parse_qs(address.query).keys():  # options are shown, and stand on command lines
        raise ValueError("has a password among its options; write postgresql+psycopg://user:password@host/database")
    return secret


def _scheduler(address: str) -> str:
    """Who may speak to a scheduler runs what he likes on its workers: in the clear on this machine alone."""
    parts = urlsplit(address)
    safe = parts.scheme == "tls" or (parts.scheme == "tcp" and parts.hostname in LOOPBACK)
    if not safe or not parts.hostname or not parts.port or parts.path or "@" in parts.netloc:
        raise ValueError("is no address of a cluster")
    return address


def _issuer(address: str) -> str:
    """Who reads along between a node and a provider that is not asked over TLS signs in as anybody."""
    parts = urlsplit(address)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not safe or not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("is no address of a provider")
    return address


def _endpoint(address: str) -> str:
    """Scans in the clear, and whoever reads along could change them: on this machine alone."""
    parts = urlsplit(address)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not safe or not parts.hostname or parts.path or "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("is no address of an object store")
    return address


def _network(text: str) -> str:
    return str(ip_network(text))


DatabaseUrl = Annotated[SecretStr, AfterValidator(_postgresql)]
SchedulerUrl = Annotated[str, Field(max_length=300), AfterValidator(_scheduler)]
IssuerUrl = Annotated[str, Field(max_length=500), AfterValidator(_issuer)]
ObjectStoreUrl = Annotated[str, Field(max_length=300), AfterValidator(_endpoint)]
NetworkText = Annotated[str, AfterValidator(_network)]
