"""The settings, and the files that they name: readable, of the right kind, and certificates that do not end soon."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from cryptography import x509

import matcher
from exchange.clock import DAY_S
from exchange.config import Settings
from exchange.errors import ConfigurationError, ExtraMissing, SettingsRefused
from exchange.flows.access.oidc import provider_of
from exchange.flows.node.blob_cache import object_store_of
from exchange.flows.node.cluster import cluster_of
from exchange.flows.node.destinations import egress_of
from exchange.flows.node.likelihood_ratio import is_of_this_release, load_calibration
from exchange.flows.node.named_services import load_authority, load_mail_server
from exchange.flows.operate.doctor.causes import Cause
from exchange.flows.operate.doctor.findings import Finding, fault, warning
from exchange.net.connection import tls_context
from exchange.net.tracing import Tracing
from exchange.setting_faults import UNKNOWN, VARIABLE

CERTIFICATE_DAYS: Final = 21
"""Told so long before a certificate ends: a new one takes a letter, a signature and a holiday."""
_KINDS: Final = {VARIABLE: Cause.SETTING_VARIABLE, UNKNOWN: Cause.SETTING_UNKNOWN}
_CALIBRATE: Final = "Make it anew: ffp calibrate (docs/likelihood-ratio.md); or take calibration out of config.toml"
_SHOWN: Final = ("peer_certificate", "cluster_certificate")
"""Chains: the first that ends makes them useless."""
_BELIEVED: Final = ("cluster_authority", "objects_roots", "smtp_roots", "timestamp_roots")
"""Roots, earlier ones among them: only when the last one ends nothing is believed any more."""


def refused_home(home: Path, error: ConfigurationError) -> Finding:
    """Settings that make no node: what, in which line, and what to do."""
    if isinstance(error, SettingsRefused):
        return fault(_KINDS.get(error.kind, Cause.SETTING_REFUSED), "settings", str(error), error.step)
    if (home / "keys").is_dir():
        what = f"The file {home}/config.toml is missing, and keys of a node lie beside its place."
        return fault(
            Cause.NO_NODE, "settings", what, f"Copy it from the newest backup: cp -p BACKUP/config.toml {home}/"
        )
    what = f"There is no node in {home}: {'it is empty' if home.is_dir() else 'there is no such folder'}."
    if home.is_dir() and any(home.iterdir()):
        what = f"There is no node in {home}: what lies there is something else."
    then = f"Name the right folder with --home. Is its disk mounted? findmnt -T {home}. Lost: ffp restore BACKUP"
    return fault(Cause.NO_NODE, "settings", what, then)


def examine_files(settings: Settings) -> Iterator[Finding]:
    """What the settings name, each read as the node reads it when it starts."""
    guard = egress_of(settings)
    readers: dict[str, Callable[[], object]] = {
        "authority": partial(load_authority, settings),
        "mail": partial(load_mail_server, settings, guard),
        "peer_certificate": partial(tls_context, settings.client_certificate),
        "cluster": partial(cluster_of, settings, guard),
        "object store": partial(object_store_of, settings, guard),
        "sign-in": partial(provider_of, settings, guard),
        "traces": partial(Tracing, settings.tracing_url, settings.node_id, guard),
    }
    for reader in readers.values():
        try:
            reader()
        except ExtraMissing as error:
            yield fault(Cause.EXTRA_MISSING, "settings", error.what, error.step)
        except ConfigurationError as error:
            then = f"Correct it in {settings.home}/config.toml, or put the file there (docs/settings.md)"
            yield fault(Cause.SETTING_FILE, "settings", str(error), then)
    yield from _calibration(settings)


def _calibration(settings: Settings) -> Iterator[Finding]:
    try:
        models = load_calibration(settings)
    except ConfigurationError as error:
        yield fault(Cause.CALIBRATION, "calibration", f"The model of the setting {error}", _CALIBRATE)
        return
    if models is not None and not is_of_this_release(models):
        version = models.widest.population.matcher_version
        what = (
            f"The calibration model {settings.calibration} is of matcher {version}, this node has "
            f"{matcher.MATCHER_VERSION}: no pair gets a likelihood ratio."
        )
        yield warning(Cause.CALIBRATION, "calibration", what, _CALIBRATE)


def examine_certificates(settings: Settings) -> Iterator[Finding]:
    """Those that the settings name; what cannot be read was told already."""
    for name in (*_SHOWN, *_BELIEVED):
        named: Path | None = getattr(settings, name)
        ends = _ends(settings.home / named) if named is not None else []
        if not ends:
            continue
        days = ((min(ends) if name in _SHOWN else max(ends)) - time.time()) / DAY_S
        file = settings.home / str(named)
        then = f"Put a new one in its place ({file}), then: systemctl restart ffp"
        if days < 0:
            what = f"The certificate of the setting {name} ended {-days:.0f} days ago: whoever is shown it refuses it."
            yield fault(Cause.CERTIFICATE_ENDED, "certificate", what, then)
        elif days < CERTIFICATE_DAYS:
            what = f"The certificate of the setting {name} ends in {int(days)} days."
            yield warning(Cause.CERTIFICATE_ENDS, "certificate", what, then)


def _ends(file: Path) -> list[float]:
    """In POSIX seconds, of each certificate of a PEM file."""
    try:
        return [one.not_valid_after_utc.timestamp() for one in x509.load_pem_x509_certificates(file.read_bytes())]
    except (OSError, ValueError):
        return []
