"""Everything that a node refuses, and what the caller should do about it.

ExchangeError
├── ConfigurationError          the operator mends the settings; the node does not start
│   ├── PassphraseNeeded        the operator gives the passphrase of the keys
│   ├── SettingsRefused         the operator mends the line, the variable or the file that is named
│   ├── ExtraMissing            the operator installs the optional part that a setting, or what was asked, needs
│   ├── KeysDiffer              the operator takes keys and database of one backup
│   ├── SettingsDiffer          the operator corrects the settings that contradict the node's card
│   ├── RestoreUnfinished       the operator restores once more: the home is half a node
│   ├── MoveUnfinished          the operator goes on with the move of the database, or gives it up
│   ├── DatabaseMoved           the operator corrects database_url: the node left this database for another one
│   └── OtherSchemaVersion      the operator migrates the database, or installs the release that made it
├── Unauthenticated             sign in: no token, an unknown or a revoked one
├── Forbidden                   signed in, but the role may not do this
│   └── ScopeMissing            the role may, the token is not for it: take one of the scope that is named
├── NotFound                    no such thing, or not for this caller: both get the same answer
├── InvalidInput                the sender corrects what the message names and sends again
│   └── UnsupportedMedia        the sender exports the scan in a format that is read here
├── TooLarge                    the sender sends less; the limit stands in the message
├── Conflict                    the sender looks at what is stored already
├── TooMany                     the sender comes again later; nothing is wrong
│   ├── QuotaReached            the peer asked as often as it may: it asks again after the time that is named
│   └── Busy                    there is more to do than can be done in time: the same again, after that time
├── InfrastructureAway          what all work stands on is away, whatever was asked: work waits, no attempt is counted
│   ├── StoreUnavailable        try again later; nothing was stored
│   │   ├── SigningStopped          the operator takes the step that `ffp status` names
│   │   ├── StoreFull           the operator frees space; nothing was stored
│   │   ├── StoreDamaged        the operator restores the backup
│   │   ├── StoreBusy           another process holds the database for writing: try again later
│   │   ├── StoreReadOnly       the database takes no writes: the operator finds out why
│   │   ├── ObjectStoreUnavailable  the object store is away: try again later; nothing is lost
│   │   │   └── ObjectAltered   it has other bytes than the scan's: they are not served; the operator mends it
│   │   └── NotAudited          try again later; nothing was shown, since who asked could not be written down
│   └── ComputeAway             no process can be started, the node stops, or the cluster is away: a ComputeFailed too
├── ComputeFailed               a worker process died or took too long over this work: try again; it is counted
├── ProviderUnavailable         nobody can sign in at the provider: try again later, or tell the operator
├── WebhookFailed               a program did not take a message: it is told again, after the time that is named
│   └── WebhookGone             it answers that it is there no more: it is told nothing again
├── NotSearched                 nothing could be compared, for a reason that lies in the query: the answer says so
├── StatementInvalid            a signed statement that must not be believed: quarantine it
│   └── StatementTooNew         only a later release reads it: leave it where it is, and upgrade this node
├── RootInvalid                 a trust root or registry that must not be believed: keep to the one before it
├── LogError
│   ├── ProofInvalid            a proof does not lead to the root: believe nothing that rests on it
│   └── CheckpointInvalid       a head that is not signed by the log's keys, or not in its form
├── TimeStampError
│   ├── TimeStampUnavailable    the authority is away: nothing waits for it, it is asked again
│   └── TimeStampRefused        what it answered is not believed: the operator looks at the authority
├── RequestRefused              a request between nodes that must not be answered
│   ├── SignatureInvalid        altered, or not covering what it must
│   ├── RequestExpired          too old or from the future: compare the clocks
│   ├── RequestReplayed         seen before
│   ├── KeyUnknown              no enrolled peer has this key: enrol first
│   └── DigestDiffers           the body is not the one that was signed
└── PeerError
    ├── PeerUnreachable         try again later, with back-off
    │   ├── EgressRefused       this node may not connect there: the operator allows it, or mends the name
    │   └── PeerBusy            it answers, and wants to be asked again later: nothing is wrong, no try is counted
    └── PeerMisbehaved          the peer's answer breaks the protocol: stop, keep the evidence, tell the operator
        └── HistoryDiffers      two heads that one log signed do not agree: keep both, believe neither
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

PROBLEM_TYPE = "urn:ffp:problem:"
"""Begins the type of a problem (RFC 9457); an error's ``code`` ends it."""


class ExchangeError(Exception):
    """Base of all errors that a node raises on purpose; ``code`` is stable and ends the problem type's URI."""

    code = "exchange-error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class ConfigurationError(ExchangeError):
    code = "configuration-error"


class PassphraseNeeded(ConfigurationError):
    code = "passphrase-needed"


class SettingFaultKind(StrEnum):
    UNKNOWN = "unknown"
    NOT_ALLOWED = "refused"
    VARIABLE = "variable"
    """A variable of the environment that names no setting."""


@dataclass(frozen=True)
class SettingOrigin:
    """One place at which a setting is given. ``line``: of config.toml, None elsewhere or where it is not found."""

    kind: str
    """environment variable, secret file or config.toml."""
    place: str
    """The variable's name or the file's path."""
    line: int | None = None

    def __str__(self) -> str:
        if self.kind != "config.toml":
            return f"{self.kind} {self.place}"
        return self.place if self.line is None else f"line {self.line} of {self.place}"


@dataclass(frozen=True)
class SettingFault:
    """One fault, with its ``step``. ``nearest``: the setting that was probably meant."""

    name: str
    what: str
    origin: SettingOrigin | None
    step: str
    kind: SettingFaultKind = SettingFaultKind.NOT_ALLOWED
    nearest: str | None = None

    @property
    def sentence(self) -> str:
        where = "" if self.origin is None or self.origin.place in self.what else f", in {self.origin}"
        return self.what + where + (f" (the nearest that exists: {self.nearest})" if self.nearest else "")


class SettingsRefused(ConfigurationError):
    """``faults`` are all that were found, of which the operator mends the first."""

    def __init__(self, faults: Sequence[SettingFault]) -> None:
        super().__init__("; ".join(fault.sentence.removesuffix(".") for fault in faults) + ".")
        self.faults = faults


class ExtraMissing(ConfigurationError):
    """``extra`` is the name of the optional part."""

    code = "extra-missing"

    def __init__(self, needed_by: str, *, extra: str) -> None:
        self.extra = extra
        self.what = f"{needed_by} needs an optional part that is not installed."
        super().__init__(f"{self.what} Install it with: {self.step} (without a network: --from WHEELHOUSE)")

    @property
    def step(self) -> str:
        """The command that installs it."""
        return f"ffp extras add {self.extra}"


class KeysDiffer(ConfigurationError):
    """Keys and database are each whole, and not of one node, or not of one time."""


class SettingsDiffer(ConfigurationError):
    """``settings`` contradict the node's card: for each, its name, what is wrong, and the next step."""

    def __init__(self, message: str, *, settings: tuple[tuple[str, str, str], ...]) -> None:
        super().__init__(message)
        self.settings = settings


class RestoreUnfinished(ConfigurationError):
    """A restore into this home was broken off."""


class MoveUnfinished(ConfigurationError):
    """A move of this node from one database to another has not ended."""


class DatabaseMoved(ConfigurationError):
    """The node was moved from this database to another one."""


class OtherSchemaVersion(ConfigurationError):
    """``newer``: a later release made the database; else it waits for ``ffp migrate``."""

    def __init__(self, message: str, *, newer: bool) -> None:
        super().__init__(message)
        self.newer = newer


class Unauthenticated(ExchangeError):
    code = "unauthenticated"


class Forbidden(ExchangeError):
    code = "forbidden"


class ScopeMissing(Forbidden):
    """``scope`` is what the token lacks."""

    code = "scope-missing"

    def __init__(self, message: str, *, scope: str) -> None:
        super().__init__(message)
        self.scope = scope


class NotFound(ExchangeError):
    code = "not-found"


class InvalidInput(ExchangeError):
    """``problems`` names each faulty place: (where, what is wrong)."""

    code = "invalid-input"

    def __init__(self, message: str, *, code: str | None = None, problems: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message, code=code)
        self.problems = problems


class UnsupportedMedia(InvalidInput):
    code = "unsupported-media"


class TooLarge(ExchangeError):
    code = "too-large"


class Conflict(ExchangeError):
    code = "conflict"


class TooMany(ExchangeError):
    """``retry_after_s`` says when the next is taken."""

    code = "too-many"

    def __init__(self, message: str, *, code: str | None = None, retry_after_s: int = 5) -> None:
        super().__init__(message, code=code)
        self.retry_after_s = retry_after_s


class QuotaReached(TooMany):
    code = "quota-reached"


class Busy(TooMany):
    code = "busy"


class InfrastructureAway(ExchangeError):
    """Raised where the connection or the service itself failed. What the work did to itself is never one of these."""

    code = "infrastructure-away"


class StoreUnavailable(InfrastructureAway):
    code = "store-unavailable"


class SigningStopped(StoreUnavailable):
    """The operator takes the step that `ffp status` names; nothing was signed or stored."""

    code = "signing-stopped"


class StoreFull(StoreUnavailable):
    code = "store-full"


class StoreDamaged(StoreUnavailable):
    """To whoever waits it is as any store that is away; the operator must know which."""


class StoreBusy(StoreUnavailable):
    """As ``StoreDamaged``."""


class StoreReadOnly(StoreUnavailable):
    """As ``StoreDamaged``."""


class ObjectStoreUnavailable(StoreUnavailable):
    code = "object-store-unavailable"


class ObjectAltered(ObjectStoreUnavailable):
    code = "object-altered"


class NotAudited(StoreUnavailable):
    code = "not-audited"


class ComputeFailed(ExchangeError):
    code = "compute-failed"


class ComputeAway(ComputeFailed, InfrastructureAway):
    code = "compute-away"


class ProviderUnavailable(ExchangeError):
    """The provider of the sign-in does not answer, or not as it must."""

    code = "provider-unavailable"


class WebhookFailed(ExchangeError):
    """``retry_after_s`` is how long it is left alone."""

    code = "webhook-failed"

    def __init__(self, message: str, *, retry_after_s: int = 0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class WebhookGone(WebhookFailed):
    code = "webhook-gone"


class NotSearched(ExchangeError):
    """It tells nothing of what is held here."""

    code = "not-searched"


class StatementInvalid(ExchangeError):
    code = "statement-invalid"


class StatementTooNew(StatementInvalid):
    """Signed as it must be, and of a newer contract than this release reads: it waits until this node is upgraded.
    ``needs`` is the version."""

    code = "unknown-contract"

    def __init__(self, message: str, *, needs: str) -> None:
        super().__init__(message)
        self.needs = needs


class RootInvalid(ExchangeError):
    code = "root-invalid"


class LogError(ExchangeError):
    code = "log-error"


class ProofInvalid(LogError):
    code = "proof-invalid"


class CheckpointInvalid(LogError):
    code = "checkpoint-invalid"


class TimeStampError(ExchangeError):
    code = "time-stamp-error"


class TimeStampUnavailable(TimeStampError):
    code = "time-stamp-unavailable"


class TimeStampRefused(TimeStampError):
    code = "time-stamp-refused"


class MailError(ExchangeError):
    code = "mail-error"


class MailUnavailable(MailError):
    code = "mail-unavailable"


class MailRefused(MailError):
    code = "mail-refused"


class RequestRefused(ExchangeError):
    code = "request-refused"


class SignatureInvalid(RequestRefused):
    code = "signature-invalid"


class RequestExpired(RequestRefused):
    """``ahead_s`` is how far the sender's clock is ahead of the one here, by what it signed."""

    code = "request-expired"

    def __init__(self, message: str, *, ahead_s: float) -> None:
        super().__init__(message)
        self.ahead_s = ahead_s


class RequestReplayed(RequestRefused):
    code = "request-replayed"


class KeyUnknown(RequestRefused):
    code = "key-unknown"


class DigestDiffers(RequestRefused):
    code = "digest-differs"


class PeerError(ExchangeError):
    code = "peer-error"


class PeerUnreachable(PeerError):
    """``retry_after_s`` is how long the peer wants to be left alone, 0 when it did not say."""

    code = "peer-unreachable"

    def __init__(self, message: str, *, retry_after_s: int = 0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class EgressRefused(PeerUnreachable):
    """Of peers and of services alike: nothing was sent."""

    code = "egress-refused"


class PeerBusy(PeerUnreachable):
    """Whoever waits for unreachable peers waits for this one too, hence the same code."""


class PeerMisbehaved(PeerError):
    code = "peer-misbehaved"


class HistoryDiffers(PeerMisbehaved):
    """``note`` is the signed head that does not agree with the one that was seen before."""

    def __init__(self, message: str, *, note: bytes) -> None:
        super().__init__(message)
        self.note = note
