"""Letters to the mail server of the settings (RFC 5321, RFC 3207, RFC 8314): over TLS, bounded in time."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from typing import Final

from exchange.clock import now
from exchange.errors import EgressRefused, MailRefused, MailUnavailable
from exchange.net.egress import Guard, connect
from schemas.errors import shown

_TIMEOUT_S: Final = 20
_LONGEST_SAID: Final = 200
_MAX_ADDRESS: Final = 254  # RFC 5321 4.5.3.1.3, without the angle brackets
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS: Final = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})*")


@dataclass(frozen=True)
class MailServer:
    """Where letters are handed in. ``trust`` has the roots under which its certificate is believed; None for a server
    on this machine, without TLS. ``at_once``: TLS from the first byte, else STARTTLS."""

    host: str
    port: int
    sender: str
    trust: ssl.SSLContext | None
    at_once: bool
    user: str | None
    password: str | None = field(repr=False)
    guard: Guard = field(repr=False)
    """Says where the connection may go."""

    def send(self, address: str, subject: str, text: str) -> None:
        """Returns once the server has taken it over.

        Raises MailUnavailable, of what may be better later, and MailRefused, of what this address is refused for.
        """
        with self._told(), self._signed_in() as line:
            line.send_message(self._letter(address, subject, text), self.sender, [address])

    def check(self) -> None:
        """Whether it takes letters of this node now, as far as it says so before one is there. Raises
        MailUnavailable."""
        with self._told(), self._signed_in() as line:
            line.noop()

    @contextmanager
    def _signed_in(self) -> Iterator[smtplib.SMTP]:
        with self._connected() as line:
            if self.trust is not None and not self.at_once:
                line.starttls(context=self.trust)
            if self.user is not None:
                line.login(self.user, self.password or "")
            yield line

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except smtplib.SMTPRecipientsRefused as error:
            [(code, said)] = error.recipients.values()
            kind = MailRefused if code >= 500 else MailUnavailable
            raise kind(f"{self.host} does not take letters to this address: {_words(said)}") from error
        except smtplib.SMTPAuthenticationError as error:
            refused = f"{self.host} refuses smtp_user and smtp_password: {_words(error.smtp_error)}"
            raise MailUnavailable(refused) from error
        except smtplib.SMTPResponseException as error:
            raise MailUnavailable(f"{self.host} answers {error.smtp_code} {_words(error.smtp_error)}") from error
        except EgressRefused as error:
            raise MailUnavailable(str(error)) from error
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise MailUnavailable(f"{self.host} port {self.port}: {shown(str(error), _LONGEST_SAID)}") from error

    def _connected(self) -> smtplib.SMTP:
        if self.trust is not None and self.at_once:
            return _SmtpOverTls(self.guard, self.host, self.port, self.trust)
        return _Smtp(self.guard, self.host, self.port)

    def _letter(self, address: str, subject: str, text: str) -> EmailMessage:
        letter = EmailMessage(policy=SMTP)
        letter["From"], letter["To"], letter["Subject"] = self.sender, address, subject
        letter["Date"] = format_datetime(now())
        letter["Message-ID"] = make_msgid(domain=self.sender.rpartition("@")[2])
        letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence is answered to it
        letter.set_content(text)
        return letter


class _Smtp(smtplib.SMTP):
    """Connects where ``guard`` lets it; the name of TLS stays that of the host."""

    def __init__(self, guard: Guard, host: str, port: int) -> None:
        self._guard = guard
        super().__init__(host, port, timeout=_TIMEOUT_S)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return connect(self._guard, host, port, timeout)


class _SmtpOverTls(_Smtp):
    def __init__(self, guard: Guard, host: str, port: int, trust: ssl.SSLContext) -> None:
        self._trust = trust
        super().__init__(guard, host, port)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._trust.wrap_socket(super()._get_socket(host, port, timeout), server_hostname=host)


def _words(said: bytes | str) -> str:
    return shown(said.decode("utf-8", "replace") if isinstance(said, bytes) else said, _LONGEST_SAID)


def is_address(text: str) -> bool:
    """Whether it has the form of an address, in ASCII and without quotes."""
    return len(text) <= _MAX_ADDRESS and _ADDRESS.fullmatch(text) is not None


def trusted(roots: str | None) -> ssl.SSLContext:
    """The system's roots, or those of a PEM file alone. Raises OSError, ssl.SSLError."""
    return ssl.create_default_context(cafile=roots)
