"""A time-stamping authority (RFC 3161): certificates made here, replies made by ``openssl ts``, served on loopback."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

TIME_STAMPING, WEB_SERVER = ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.SERVER_AUTH
"""Their DER has one length."""
CONFIG = """
[tsa]
serial = {folder}/serial
signer_cert = {folder}/signer.pem
signer_key = {folder}/signer.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = {digests}
accuracy = secs:1
ess_cert_id_alg = sha256
{chain}
"""


class Authority:
    """Its own root, an authority under it, and a signer for time stamps under that; each of a name of its own.

    ``chain``: the file of certificates that is sent beside the signer's; "" for none.
    """

    def __init__(
        self,
        folder: Path,
        name: str = "Test",
        *,
        digests: str = "sha256",
        chain: str = "intermediate.pem",
        days_ago: int = 1,
        days_left: int = 30,
    ) -> None:
        assert shutil.which("openssl"), "install openssl: the tests of time stamps need it"
        folder.mkdir(parents=True)
        self.folder = folder
        valid = datetime.now(UTC) - timedelta(days=days_ago), datetime.now(UTC) + timedelta(days=days_left)
        root = _Holder(f"{name} root", None, valid, None)
        intermediate = _Holder(f"{name} authority", root, valid, None)
        signer = _Holder(f"{name} signer", intermediate, valid, TIME_STAMPING)
        self._signer, self._issuer = signer, intermediate
        self.roots = folder / "root.pem"
        self.roots.write_bytes(root.pem)
        (folder / "intermediate.pem").write_bytes(intermediate.pem)
        (folder / "chain.pem").write_bytes(intermediate.pem + root.pem)
        (folder / "chain-backwards.pem").write_bytes(root.pem + intermediate.pem)
        (folder / "signer.pem").write_bytes(signer.pem)
        (folder / "signer.key").write_bytes(signer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        (folder / "serial").write_text("01\n")
        sent = f"certs = {folder}/{chain}" if chain else ""
        (folder / "openssl.cnf").write_text(CONFIG.format(folder=folder, digests=digests, chain=sent))
        self._one_at_a_time = threading.Lock()

    def reply(self, request: bytes) -> bytes:
        """What ``openssl ts -reply`` answers."""
        with self._one_at_a_time:  # it counts serial numbers in a file
            (self.folder / "request.tsq").write_bytes(request)
            command = ["openssl", "ts", "-reply", "-config", "openssl.cnf", "-section", "tsa"]
            done = subprocess.run(
                [*command, "-queryfile", "request.tsq", "-out", "reply.tsr"],
                cwd=self.folder,
                capture_output=True,
                text=True,
                timeout=30,
                check=False,
            )
            reply = self.folder / "reply.tsr"
            assert reply.exists(), done.stderr  # it writes one that refuses, too, and then ends with an error
            return reply.read_bytes()

    def with_purpose(self, reply: bytes, purpose: x509.ObjectIdentifier) -> bytes:
        """The reply with another certificate of its signer's key in place of the one for time stamps."""
        good = self._signer.certificate.public_bytes(Encoding.DER)
        while True:  # signatures differ in length
            other = self._signer.certified(self._issuer, purpose).public_bytes(Encoding.DER)
            if len(other) == len(good):
                assert reply.count(good) == 1
                return reply.replace(good, other)

    def accepts(self, reply: bytes, data: bytes) -> bool:
        """Whether ``openssl ts -verify`` takes the reply for a stamp of the data under this authority's root."""
        (self.folder / "check.tsr").write_bytes(reply)
        (self.folder / "check.data").write_bytes(data)
        command = ["openssl", "ts", "-verify", "-data", "check.data", "-in", "check.tsr", "-CAfile", "root.pem"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, timeout=30, check=False)
        return done.returncode == 0


class _Holder:
    """A key with its certificate, signed by an issuer or, as a root, by itself. ``purpose`` None: an authority."""

    def __init__(
        self,
        name: str,
        issuer: _Holder | None,
        valid: tuple[datetime, datetime],
        purpose: x509.ObjectIdentifier | None,
    ) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.serial, self.valid = x509.random_serial_number(), valid
        self.certificate = self.certified(issuer or self, purpose)

    def certified(self, by: _Holder, purpose: x509.ObjectIdentifier | None) -> x509.Certificate:
        is_authority = purpose is None
        builder = (
            x509.CertificateBuilder(by.name, self.name, self.key.public_key(), self.serial, *self.valid)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(_usage(is_authority), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key()), critical=False)
        )
        if purpose is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)
        return builder.sign(by.key, hashes.SHA256())

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


def _usage(is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=not is_authority,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


class ServedAuthority:
    """What answers at ``url``: a stamp, until a test sets ``answer``, ``status`` or ``pause_s`` otherwise."""

    def __init__(self, authority: Authority, port: int) -> None:
        self.url = url_of(port)
        self.asked = 0
        self.status = 200
        self.answer: Callable[[bytes], bytes] = authority.reply
        self.pause_s = 0.0
        """Between one byte of the body and the next."""
        self.announces = True
        """Whether it says beforehand how long the body is."""
        self._stopped = threading.Event()
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                served.asked += 1
                request = self.rfile.read(int(self.headers["Content-Length"]))
                asks = self.path == "/stamp" and self.headers["Content-Type"] == "application/timestamp-query"
                body = served.answer(request) if asks else b""
                self.send_response(served.status if asks else 404)
                self.send_header("Content-Type", "application/timestamp-reply")
                if served.announces:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                served._write(self, body)

            def log_message(self, *_: object) -> None:
                """Nothing between the lines of the tests."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def _write(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        step = 1 if self.pause_s else max(1, len(body))
        for at in range(0, len(body), step):
            try:
                handler.wfile.write(body[at : at + step])
            except OSError:
                return  # the asker had enough, which is what some tests are about
            if self._stopped.wait(self.pause_s):
                return

    def close(self) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)


def url_of(port: int) -> str:
    return f"http://127.0.0.1:{port}/stamp"


@contextmanager
def served(authority: Authority, port: int) -> Iterator[ServedAuthority]:
    """The authority behind ``url_of(port)`` as long as the block runs."""
    running = ServedAuthority(authority, port)
    try:
        yield running
    finally:
        running.close()


def altered(request: bytes, part: bytes) -> bytes:
    """The request with the last bit of one part of it turned, which stands in it once."""
    assert request.count(part) == 1
    return request.replace(part, part[:-1] + bytes([part[-1] ^ 1]))
