"""Services that the settings name: the time-stamping authority with the roots under which its stamps are believed, and
the mail server which tells people that something new waits."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Final

from cryptography import x509

from exchange.config import Settings
from exchange.errors import ConfigurationError
from exchange.log.timestamp import parse_roots
from exchange.net.egress import Guard
from exchange.net.mail import MailServer, is_address, trusted

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def load_mail_server(settings: Settings, guard: Guard) -> MailServer | None:
    """None when none is wanted. Raises ConfigurationError."""
    if settings.smtp_host is None:
        return None
    if settings.smtp_from is None or not is_address(settings.smtp_from):
        raise ConfigurationError("smtp_host names a mail server, but smtp_from no address that letters come from.")
    if settings.smtp_security == "none" and settings.smtp_host not in _LOOPBACK:
        raise ConfigurationError(
            f"smtp_security is none, and {settings.smtp_host} is not on this machine: addresses and the password would "
            "travel in the clear. Use starttls or tls."
        )
    roots = None if settings.smtp_roots is None else settings.home / settings.smtp_roots
    try:
        trust = None if settings.smtp_security == "none" else trusted(None if roots is None else str(roots))
    except ssl.SSLError as error:
        raise ConfigurationError(f"smtp_roots: {roots} holds no certificates in PEM: {error}.") from error
    except OSError as error:
        raise ConfigurationError(f"smtp_roots: {roots} cannot be read: {error.strerror}.") from error
    secret = settings.smtp_password
    return MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        sender=settings.smtp_from,
        trust=trust,
        at_once=settings.smtp_security == "tls",
        user=settings.smtp_user,
        password=None if secret is None else secret.get_secret_value(),
        guard=guard,
    )


@dataclass(frozen=True)
class TimeStampAuthority:
    url: str
    roots: tuple[x509.Certificate, ...]


def load_authority(settings: Settings) -> TimeStampAuthority | None:
    """None when no stamps are wanted. Raises ConfigurationError when its roots are missing or cannot be used."""
    if settings.timestamp_url is None:
        return None
    if settings.timestamp_roots is None:
        raise ConfigurationError(
            "timestamp_url names a time-stamping authority, but timestamp_roots names no PEM file with its roots: "
            "without one its stamps cannot be believed."
        )
    path = settings.home / settings.timestamp_roots
    try:
        return TimeStampAuthority(settings.timestamp_url, parse_roots(path.read_bytes()))
    except ValueError as error:
        raise ConfigurationError(f"timestamp_roots: {path} holds no certificates in PEM: {error}.") from error
    except OSError as error:
        raise ConfigurationError(f"timestamp_roots: {path} cannot be read: {error.strerror}.") from error
