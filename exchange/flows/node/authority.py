"""The time-stamping authority of the settings: where it is asked, and under which roots its stamps are believed."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509

from exchange.config import Settings
from exchange.errors import ConfigurationError
from exchange.log.timestamp import parse_roots


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
