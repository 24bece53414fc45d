"""The settings and the files that they name: readable, of the right kind; certificates; the keys at rest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

import matcher
from exchange.clock import DAY_S
from exchange.config import Settings
from exchange.errors import (
    ConfigurationError,
    ExchangeError,
    ExtraMissing,
    SettingFaultKind,
    SettingsDiffer,
    SettingsRefused,
)
from exchange.flows.access.oidc import provider_of
from exchange.flows.node.blob_cache import object_store_of
from exchange.flows.node.cluster import cluster_of
from exchange.flows.node.destinations import egress_of
from exchange.flows.node.likelihood_ratio import is_of_this_release, load_calibration
from exchange.flows.node.named_services import load_authority, load_mail_server
from exchange.flows.node.node import store_of
from exchange.flows.node.own_card import check_card, own_history
from exchange.flows.operate.findings import Cause, Finding, Gravity, finding
from exchange.net.connection import tls_context
from exchange.net.tracing import Tracing
from exchange.trust.key_files import NONCE_SECRET, NONCE_SECRET_BYTES, folders_beside, is_encrypted_key
from exchange.trust.keys import WORKING_KEYS

CERTIFICATE_DAYS: Final = 21
"""Told so long before a certificate ends: a new one takes a letter, a signature and a holiday."""
_KINDS: Final = {
    SettingFaultKind.VARIABLE: Cause.SETTING_VARIABLE,
    SettingFaultKind.UNKNOWN: Cause.SETTING_UNKNOWN,
    SettingFaultKind.NOT_ALLOWED: Cause.SETTING_REFUSED,
}
_SHOWN: Final = ("peer_certificate", "cluster_certificate")
"""Chains: the first that ends makes them useless."""
_BELIEVED: Final = ("cluster_authority", "objects_roots", "smtp_roots", "timestamp_roots")
"""Roots, earlier ones among them: only when the last one ends nothing is believed any more."""


def refused_home(home: Path, error: ConfigurationError) -> Finding:
    """Settings that make no node: what, in which line, and what to do."""
    if isinstance(error, SettingsRefused):
        first = error.faults[0]
        return finding(_KINDS[first.kind], str(error), step=first.step)
    if (home / "keys").is_dir():
        what = f"The file {home}/config.toml is missing, and keys of a node lie beside its place."
        return finding(Cause.NO_NODE, what, then=f"Copy it from the newest backup: cp -p BACKUP/config.toml {home}/")
    what = f"There is no node in {home}: {'it is empty' if home.is_dir() else 'there is no such folder'}."
    if home.is_dir() and any(home.iterdir()):
        what = f"There is no node in {home}: what lies there is something else."
    return finding(Cause.NO_NODE, what, home=home)


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
            yield finding(Cause.EXTRA_MISSING, error.what, step=error.step)
        except ConfigurationError as error:
            yield finding(Cause.SETTING_FILE, str(error), home=settings.home)
    yield from _calibration(settings)


def _calibration(settings: Settings) -> Iterator[Finding]:
    try:
        models = load_calibration(settings)
    except ConfigurationError as error:
        yield finding(Cause.CALIBRATION, f"The model of the setting {error}")
        return
    if models is not None and not is_of_this_release(models):
        version = models.widest.population.matcher_version
        what = (
            f"The calibration model {settings.calibration} is of matcher {version}, this node has "
            f"{matcher.MATCHER_VERSION}: no pair gets a likelihood ratio."
        )
        yield finding(Cause.CALIBRATION, what, gravity=Gravity.WARNING)


def against_card(settings: Settings) -> list[tuple[str, str, str]]:
    """Return each setting that contradicts this node's card, what is wrong, and the next step. None where the database
    cannot be read: `ffp doctor` says why."""
    if settings.database_url is None and not settings.database.is_file():
        return []
    try:
        store = store_of(settings)
        try:
            store.check()
            with store.read() as session:
                history = own_history(session)
        finally:
            store.close()
        check_card(settings, history)
    except SettingsDiffer as error:
        return list(error.settings)
    except ExchangeError:
        return []
    return []


def examine_certificates(settings: Settings) -> Iterator[Finding]:
    """Those that the settings name; what cannot be read was told already."""
    for name in (*_SHOWN, *_BELIEVED):
        named: Path | None = getattr(settings, name)
        ends = _ends(settings.home / named) if named is not None else []
        if not ends:
            continue
        days = ((min(ends) if name in _SHOWN else max(ends)) - time.time()) / DAY_S
        file = settings.home / str(named)
        if days < 0:
            what = f"The certificate of the setting {name} ended {-days:.0f} days ago: whoever is shown it refuses it."
            yield finding(Cause.CERTIFICATE_ENDED, what, file=file)
        elif days < CERTIFICATE_DAYS:
            what = f"The certificate of the setting {name} ends in {int(days)} days."
            yield finding(Cause.CERTIFICATE_ENDS, what, file=file)


def _ends(file: Path) -> list[float]:
    """In POSIX seconds, of each certificate of a PEM file."""
    try:
        return [one.not_valid_after_utc.timestamp() for one in x509.load_pem_x509_certificates(file.read_bytes())]
    except (OSError, ValueError):
        return []


def examine_keys(settings: Settings) -> Iterator[Finding]:
    """The files alone: whether they are those that the log names shows when the node is opened."""
    places = (settings.keys, *folders_beside(settings.keys))  # a change of keys may have broken off
    folder = next((place for place in places if place.is_dir()), settings.keys)
    wanted = [*(folder / f"{name}.pem" for name in WORKING_KEYS), folder / NONCE_SECRET]
    missing, contents = [path for path in wanted if not path.is_file()], dict[Path, bytes]()
    if missing:
        more = f", and {len(missing) - 1} more are" if len(missing) > 1 else " is"
        what = f"The key {missing[0]}{more} missing: the node does not start without."
        yield finding(Cause.KEY_MISSING, what, folder=folder)
    for path in wanted:
        if path in missing:
            continue
        if path.stat().st_mode & 0o077:
            what = f"The key {path} can be read by others, so the node does not start."
            yield finding(Cause.KEY_OPEN, what, path=path)
        else:
            contents[path] = path.read_bytes()
    yield from _passphrase(settings, contents)
    if contents and not any(map(is_encrypted_key, contents.values())):
        yield finding(
            Cause.KEYS_NOT_ENCRYPTED, "The private keys are not encrypted: a stolen backup signs as this node."
        )
    if list(folder.glob("identity-*.pem")):
        what = "The identity key lies on this machine, and the running node does not need it."
        yield finding(Cause.IDENTITY_HERE, what)


def _passphrase(settings: Settings, contents: dict[Path, bytes]) -> Iterator[Finding]:
    """A wrong passphrase opens no file at all; a damaged file is one that stays shut beside others that open."""
    encrypted = {path for path, content in contents.items() if is_encrypted_key(content)}
    if encrypted and settings.passphrase is None:
        what = f"The keys in {settings.keys} are encrypted, and no passphrase is given."
        yield finding(Cause.PASSPHRASE_MISSING, what, home=settings.home)
    shut = {path for path, content in contents.items() if not _opens(path, content, settings.passphrase)}
    if settings.passphrase is None:
        shut -= encrypted
    elif encrypted and encrypted <= shut:
        what = f"The passphrase that is given does not open the keys in {settings.keys}."
        yield finding(Cause.PASSPHRASE_WRONG, what, home=settings.home)
        shut -= encrypted
    for path in sorted(shut):
        what = f"The key {path} is damaged: it is no readable private key."
        yield finding(Cause.KEY_DAMAGED, what, name=path.name, folder=settings.keys)


def _opens(path: Path, content: bytes, passphrase: bytes | None) -> bool:
    encrypted = is_encrypted_key(content)
    if path.name == NONCE_SECRET and not encrypted:
        return len(content) == NONCE_SECRET_BYTES
    try:
        load_pem_private_key(content, password=passphrase if encrypted else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True
