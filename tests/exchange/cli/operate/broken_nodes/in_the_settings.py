"""Ways to break a node by its settings, and by the files that they name."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from matcher.likelihood.calibration_file import CalibrationModels
from tests.exchange.cli.operate.broken_nodes.made import Made
from tests.exchange.flows.node.test_likelihood_ratio import MODEL, MODELS, POPULATION
from tests.exchange.running_nodes import free_port


@contextmanager
def misspelt_setting(made: Made) -> Iterator[None]:
    made.set("pull_intervall_s = 2")
    yield


@contextmanager
def setting_out_of_range(made: Made) -> Iterator[None]:
    made.set("port = 84400")
    yield


@contextmanager
def variable_out_of_range(made: Made) -> Iterator[None]:
    made.patch.setenv("FFP_NODE_WORKERS", "0")
    yield


@contextmanager
def misspelt_variable(made: Made) -> Iterator[None]:
    made.patch.setenv("FFP_NODE_PROT", "8440")
    yield


@contextmanager
def misspelt_secret(made: Made) -> Iterator[None]:
    (made.home / "secrets").mkdir(mode=0o700)
    (made.home / "secrets" / "ffp_node_smtp_pasword").touch(mode=0o600)
    yield


@contextmanager
def secret_in_config(made: Made) -> Iterator[None]:
    made.set('smtp_password = "secret"')
    yield


@contextmanager
def not_toml(made: Made) -> Iterator[None]:
    made.set("language = en")
    yield


@contextmanager
def extra_missing(made: Made) -> Iterator[None]:
    """As Python answers where the optional part was never installed."""
    found = importlib.util.find_spec
    made.patch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "distributed" else found(name))
    made.set(f'cluster_scheduler = "tcp://127.0.0.1:{free_port()}"')
    yield


@contextmanager
def no_calibration(made: Made) -> Iterator[None]:
    made.set('calibration = "model.json"')
    yield


@contextmanager
def calibration_damaged(made: Made) -> Iterator[None]:
    made.set('calibration = "model.json"')
    (made.home / "model.json").write_text(MODELS.to_json().replace("63", "64"))
    yield


@contextmanager
def calibration_of_another_matcher(made: Made) -> Iterator[None]:
    made.set('calibration = "model.json"')
    model = replace(MODEL, population=replace(POPULATION, matcher_version="3"))
    (made.home / "model.json").write_text(CalibrationModels.of(model).to_json())
    yield


@contextmanager
def no_roots(made: Made) -> Iterator[None]:
    made.set('timestamp_url = "https://tsa.example/"', 'timestamp_roots = "tsa.pem"')
    yield


@contextmanager
def certificate_that_ends(made: Made) -> Iterator[None]:
    certificate(made.home / "peer.pem", days=10)
    made.set('peer_certificate = "peer.pem"')
    yield


@contextmanager
def certificate_that_ended(made: Made) -> Iterator[None]:
    certificate(made.home / "peer.pem", days=-3)
    made.set('peer_certificate = "peer.pem"')
    yield


def certificate(path: Path, *, days: float, name: str = "localhost") -> None:
    """Its own root, for a host of this name, with its key in the same file."""
    key, names = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    until = datetime.now(UTC) + timedelta(days=days, hours=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(names)
        .issuer_name(names)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(until - timedelta(days=90))
        .not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    path.chmod(0o600)
