"""A node's settings: environment over secret files over ``config.toml`` in the node's home. Unknown keys are refused.

Each setting is read from ``FFP_NODE_<NAME>`` in the environment, from a file of that name under ``<home>/secrets`` or
among the service's credentials, or from ``<home>/config.toml``. The home itself comes from ``--home`` or
``FFP_NODE_HOME``.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from exchange.addresses import DatabaseUrl, IssuerUrl, NetworkText, ObjectStoreUrl, SchedulerUrl
from exchange.errors import ConfigurationError
from exchange.home import write_private
from schemas.issued import NodeId, Url
from schemas.vocabulary import Jurisdiction

PREFIX = "FFP_NODE_"
_AUTHORITY_URL = r"^https?://[^\s/@?#]+(/[^\s@#]*)?$"
_OBJECTS_URL = r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[a-z0-9_-][a-z0-9._-]{0,99}){0,5}$"
_FORMS = {
    "url": "is written http://host:port or https://host:port, in lower case and without a path",
    "node_id": "is written ffp-rs or ffp-rs-name, in lower case",
    "database_url": "is written postgresql+psycopg://user:password@host:port/database",
    "cluster_scheduler": "is written tls://host:port, or tcp://127.0.0.1:port on this machine alone",
    "oidc_issuer": "is written https://host/path, without a name and a query; http on this machine alone",
    "objects_url": "is written s3://bucket/prefix, in lower case",
    "objects_endpoint": "is written https://host:port; http on this machine alone",
    "timestamp_url": "is written http://host/path or https://host/path, without a name and password",
}

_SECRETS = {
    "backup_passphrase": "The passphrase of backups",
    "key_passphrase": "The passphrase of the keys",
    "objects_key_id": "The key of the object store",
    "objects_secret": "The secret of the object store",
    "smtp_password": "The password of the mail server",
}


Seconds = Annotated[float, Field(gt=0, le=86_400)]
Hours = Annotated[int, Field(ge=1, le=24 * 366)]
Bytes = Annotated[int, Field(gt=0, le=2**40)]
LogFormat = Literal["json", "console"]
PageLanguage = Literal["en", "sq", "bs", "hr", "sr-Latn", "sr-Cyrl", "cnr", "mk", "ro", "uk"]


class Settings(BaseSettings):
    """Bounded on purpose: each limit says what it protects."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    home: Path
    jurisdiction: Jurisdiction
    node_id: NodeId
    url: Url
    """Where peers reach this node; it is part of what they sign."""
    database_url: DatabaseUrl | None = None
    """A database of PostgreSQL for this node alone; without one, SQLite in the home. A secret, when a password is in
    it."""
    session_idle_s: Seconds = 3600
    """Whoever is signed in to the pages and does nothing for so long signs in again."""
    session_most_s: Seconds = 12 * 3600
    """However busy: a working day."""
    oidc_issuer: IssuerUrl | None = None
    """A provider (OpenID Connect) at whom users of this node may sign in to the pages; exactly as it names itself."""
    oidc_client_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """What this node is called there."""
    oidc_client_secret: SecretStr | None = None
    """What it shows there that it is the node; without one the provider must take PKCE alone."""
    oidc_claim: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:/-]{1,100}$")] = "preferred_username"
    """What of the ID token names the pseudonym: of a user whom the operator added, in the role that the node gave."""
    oidc_required_acr: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """The authentication context that the provider must state, such as its level for two factors; asked for, too."""
    oidc_required_amr: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    """A method of authentication that the provider must state, such as `mfa` or `otp` (RFC 8176)."""
    oidc_name: Annotated[str, Field(min_length=1, max_length=40)] = "OpenID Connect"
    """What the button calls the provider."""
    oidc_only: bool = False
    """Whether nobody signs in with a password kept here any more."""
    language: PageLanguage = "en"
    """Of the pages, for a browser that asks for none of those that there are and a visitor who has chosen none."""
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8440
    metrics_port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    """Where Prometheus reads what this node counts, on 127.0.0.1 alone: it tells outsiders who exchanges how much.
    Without one nowhere."""
    log_format: LogFormat = "json"
    """``console`` for a person who watches a node on a terminal."""
    max_scan_bytes: Bytes = 128 * 1024 * 1024
    """One scan. A breech face at 1 um takes about 30 MB, a whole case head 100 MB."""
    max_submission_bytes: Bytes = 512 * 1024 * 1024
    """One submission with all its scans: bounds the disk that one request may fill before it is checked."""
    patience_s: Seconds = 5
    """What needs a worker process, a submission above all, is refused with 429 when it would wait longer, and told when
    to come again. People at the pages are let wait six times as long."""
    min_free_bytes: Bytes = 512 * 1024 * 1024
    """Submissions are refused below this, so that the database can always finish what it began."""
    workers: Annotated[int, Field(ge=1, le=256)] = max(1, (os.cpu_count() or 2) - 1)
    """Processes that correlate, at the lowest priority, and as many again that read and draw what people wait for; one
    core is left to answer them."""
    compute_timeout_s: Seconds = 120
    """The longest that a worker process may take over one scan or one correlation."""
    compute_memory_bytes: Annotated[int, Field(ge=512 * 1024**2, le=2**40)] = 3 * 1024**3
    """And the most memory of its own. The largest scan that the reader takes needs a quarter of it."""
    compute_rest_s: Seconds = 60
    """How long such a process is kept when nothing is asked of it: it takes a hundred megabytes, and a second to
    start."""
    cluster_scheduler: SchedulerUrl | None = None
    """A Dask cluster that compares scans with the galleries, ``tls://host:port``; none: this machine does."""
    cluster_authority: Path | None = None
    """PEM files of the cluster, relative to the home: whom this node believes to be of it, and what it shows there."""
    cluster_certificate: Path | None = None
    cluster_key: Path | None = None
    objects_url: Annotated[str, Field(pattern=_OBJECTS_URL)] | None = None
    """An object store (S3) that keeps the scans, ``s3://bucket/prefix``; the node's id is added. Without one they stay
    in the home."""
    objects_endpoint: ObjectStoreUrl | None = None
    """Where it is reached; none: Amazon's, of the region."""
    objects_region: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")] = "us-east-1"
    """What stores of one's own usually call theirs."""
    objects_roots: Path | None = None
    """A PEM file with roots under which its certificate is believed, beside the system's; relative to the home."""
    objects_key_id: SecretStr | None = None
    """What the node shows there, with the next: from the environment, a secret file or a systemd credential; never
    from ``config.toml``."""
    objects_secret: SecretStr | None = None
    objects_cache_bytes: Bytes = 20 * 1024**3
    """How much of what the object store has confirmed is kept here too, what was used last; what it has not is kept
    besides."""
    pull_interval_s: Seconds = 2
    """How often each peer is asked for news; jittered by a quarter, so that peers do not move in step."""
    peer_timeout_s: Seconds = 30
    peer_certificate: Path | None = None
    """A PEM file with the certificate chain, and its key, that this node shows to peers whose proxy asks for one;
    relative to the home. Beside the signatures of requests, never in their place."""
    least_fetch_rate_bytes_per_s: Annotated[int, Field(ge=0, le=2**30)] = 4096
    """Below this, over half a minute, the transfer of a peer's scan is broken off and goes on later from where it was:
    sixteen at once over a line of 560 kbit/s are faster. 0: never."""
    most_fetch_rate_bytes_per_s: Bytes = 32 * 1024**2
    """One transfer at a time is under way from each peer, and none is taken faster than this: an ordinary scan in a
    second, and neither the line nor a processor is one peer's alone."""
    peer_statements_per_day: Annotated[int, Field(ge=1, le=2**40)] = 4000
    """What a peer may send in a day, a record counted once for each of its scans: three times what a laboratory of 200
    exhibits a day does. Beyond it the peer's lane is not read until the next day, and nothing is lost."""
    peer_bytes_per_day: Bytes = 20 * 1024**3
    """The same for statements and the scans that they name: 200 exhibits of three scans of 30 MB."""
    peer_quota_days: Annotated[int, Field(ge=1, le=60)] = 7
    """For so many days a peer keeps what it did not use: a newcomer has as much of its past to send at once, and a peer
    that was away a week what it gathered."""
    peer_quarantine_items: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """So many items of a peer's that are not believed are kept as evidence, in files; of as many more their digests and
    reasons. While so many were not noted, its lane is read no further: the operator is to see them first."""
    peer_quarantine_bytes: Bytes = 64 * 1024**2
    """And so many bytes of them."""
    lane_wait_s: Annotated[float, Field(ge=0, le=50)] = 20
    """How long a peer is asked to wait for news before it answers that there is none; 0 asks it not to wait. At most
    half of ``peer_timeout_s``, and below what reverse proxies wait for."""
    checkpoint_interval_s: Annotated[float, Field(ge=1, le=3600)] = 1
    """A head of the log is signed at most this often, and only when the log grew."""
    log_check_interval_s: Seconds = 86_400
    """How often all that is at rest is read again and compared with what was signed."""
    audit_interval_s: Annotated[float, Field(ge=1, le=86_400)] = 60
    """Audit rows wait at most this long for the leaf of the log that vouches for them. Each leaf brings a signed head
    and every peer's cosignature, some 25 kB on disk: one a second, for ever, would be 2 GB a day."""
    audit_retention_days: Annotated[int, Field(ge=365, le=36_500)] = 3650
    """How long it stays known who saw or asked what: as long as a record usually stands, and so may be questioned."""
    draft_days: Annotated[int, Field(ge=1, le=365)] = 14
    """An exhibit that was begun and not submitted is erased with its files when nobody touched it for so long."""
    purpose_required: bool = False
    """Whether people must state purpose and legal basis of what they search and read."""
    receipt_interval_s: Seconds = 86_400
    """How often this node signs for what it read of each peer's lane; at once when something of it was set aside."""
    request_skew_s: Annotated[float, Field(ge=1, le=300)] = 30
    """How far two nodes' clocks may differ before their signed requests are refused."""
    timestamp_url: Annotated[str, Field(pattern=_AUTHORITY_URL, max_length=500)] | None = None
    """A time-stamping authority (RFC 3161) that is asked for stamps of the log's heads. Without one none are made."""
    timestamp_roots: Path | None = None
    """A PEM file with the roots under which its stamps are believed; relative to the home. Those of earlier
    authorities stay in it, so that their stamps can be verified."""
    timestamp_interval_s: Seconds = 3600
    """A stamp is asked for at most this often, for the newest head that has none."""
    smtp_host: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:-]{1,253}$")] | None = None
    """A mail server through which people are told that something new waits, and nothing of what. Without one nobody
    is."""
    smtp_port: Annotated[int, Field(ge=1, le=65_535)] = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    """``tls`` from the first byte (port 465); ``none`` only for a server on this machine."""
    smtp_roots: Path | None = None
    """A PEM file with the roots under which its certificate is believed, in place of the system's; relative to the
    home."""
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    """From the environment, a secret file or a systemd credential; never from ``config.toml``."""
    smtp_from: Annotated[str, Field(max_length=254)] | None = None
    """The address that letters come from."""
    mail_interval_s: Annotated[float, Field(ge=1, le=7 * 86_400)] = 3600
    """At most so often one person is told."""
    calibration: Path | None = None
    """A model that says what scores are worth, made by ``ffp calibrate``; relative to the home. Without one no
    likelihood ratio is given."""
    first_review_h: Hours = 24
    """From a scan's correlation until an examiner has looked at what it brought. NIBIN's practice, as those below."""
    second_review_h: Hours = 24
    """From a conclusion until another examiner has verified it, blind."""
    dissemination_h: Hours = 48
    """From a conclusion until the lead is with the other jurisdiction."""
    comparison_answer_h: Hours = 10 * 24
    """How long the other side may take to answer when the exhibits are to meet under one microscope."""
    feedback_h: Hours = 30 * 24
    """From a lead, or a confirmed hit, until each side says what became of it."""
    monitoring_smallest: Annotated[int, Field(ge=3, le=50)] = 5
    """Of monitoring reports: counts from 1 to below this are not released. What a handful of cases in one jurisdiction
    are about, whoever reads its newspapers knows; and of a bound below 3 each such count would be known to be 1."""
    control_share: Annotated[float, Field(ge=0, le=1)] = 0.3
    """How often, within a week after a conclusion, a pair that nobody holds for a lead is sent for verification too: so
    that being asked tells nothing. Each costs an examiner the time of a comparison."""
    query_quota: Annotated[int, Field(ge=0, le=100_000)] = 50
    """Queries that each peer may ask in 24 hours: enough for a laboratory's day, too few to map what is held here."""
    egress_networks: Annotated[tuple[NetworkText, ...], Field(max_length=100)] = ()
    """Networks in which names may lead anywhere, such as that of a VPN: ``["10.8.0.0/16"]``. Elsewhere a name leads
    where it did when it was confirmed (``ffp egress list``)."""
    max_attempts: Annotated[int, Field(ge=1, le=100)] = 8
    """How often a failing job is tried before it is set aside for the operator."""
    backup_passphrase: SecretStr | None = None
    """What the keys within a backup are sealed with (``ffp backup --with-keys``). From the environment, a secret file
    or a systemd credential; never from ``config.toml``."""
    key_passphrase: SecretStr | None = None
    """What the private keys are encrypted with. From the environment, a secret file or a systemd credential; never
    from ``config.toml``, which lies beside the keys."""

    @model_validator(mode="after")
    def _whole_provider(self) -> Self:
        if (self.oidc_issuer is None) != (self.oidc_client_id is None):
            raise ValueError("oidc_issuer and oidc_client_id belong together")
        if self.oidc_issuer is None and self.oidc_only:
            raise ValueError("oidc_only needs an oidc_issuer: else nobody could sign in")
        return self

    @model_validator(mode="after")
    def _whole_object_store(self) -> Self:
        if self.objects_url is not None and not (self.objects_key_id and self.objects_secret):
            raise ValueError("objects_url needs objects_key_id and objects_secret, as secrets")
        return self

    @model_validator(mode="after")
    def _whole_cluster(self) -> Self:
        files = (self.cluster_authority, self.cluster_certificate, self.cluster_key)
        encrypted = self.cluster_scheduler is not None and self.cluster_scheduler.startswith("tls:")
        if encrypted != all(files) or any(files) != all(files):
            raise ValueError(
                "cluster_authority, cluster_certificate and cluster_key belong to a cluster_scheduler with tls://, all "
                "three"
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over secret files over TOML; ``.env`` files are not read."""
        home = Path(init_settings()["home"])
        folders = [folder for folder in _secret_folders(home) if folder.is_dir()]
        files = (SecretsSettingsSource(settings_cls, secrets_dir=folders),) if folders else ()
        return (init_settings, env_settings, *files, TomlConfigSettingsSource(settings_cls, home / "config.toml"))

    @property
    def passphrase(self) -> bytes | None:
        """Of the private keys; None when none was given."""
        return None if self.key_passphrase is None else self.key_passphrase.get_secret_value().encode()

    @property
    def database(self) -> Path:
        """The file of SQLite, of a node without ``database_url``."""
        return self.home / "node.db"

    @property
    def keys(self) -> Path:
        return self.home / "keys"

    @property
    def client_certificate(self) -> Path | None:
        """Where ``peer_certificate`` lies; None without one."""
        return None if self.peer_certificate is None else self.home / self.peer_certificate

    @property
    def rows_sealed(self) -> Path:
        """An empty file: what lets somebody in is sealed in the database from then on."""
        return self.home / "rows-sealed"

    @property
    def sign_in_key(self) -> Path:
        """Seals the secrets of users' authenticators; belongs in the backup of the keys."""
        return self.home / "sign-in.key"

    @property
    def egress_file(self) -> Path:
        """The addresses that were confirmed for the names that this node connects to."""
        return self.home / "egress.json"

    @property
    def blobs(self) -> Path:
        return self.home / "blobs"

    @property
    def incoming(self) -> Path:
        """What is still arriving; emptied at every start."""
        return self.home / "incoming"

    @property
    def queries(self) -> Path:
        """Scans with which peers ask, apart from all others; each is erased once its query is answered."""
        return self.home / "queries"

    @property
    def drafts(self) -> Path:
        """Scans of exhibits that examiners are still entering; each is erased with its draft."""
        return self.home / "drafts"

    @property
    def quarantine(self) -> Path:
        """The bytes of what peers sent and nobody believes."""
        return self.home / "quarantine"

    @property
    def prepared(self) -> Path:
        """Cleaned scans, made again from the blobs whenever they are missing."""
        return self.home / "prepared"

    @property
    def galleries(self) -> Path:
        """What correlation needs of every reference, made again from the prepared scans whenever it is missing."""
        return self.home / "galleries"

    @property
    def last_head(self) -> Path:
        """The last head of the own log that was signed, beside the database: it tells a restored one from the last."""
        return self.home / "last-head"

    @property
    def last_backup(self) -> Path:
        """When the last whole backup was made from this home; it is in no backup itself."""
        return self.home / "last-backup"

    @property
    def trust_root(self) -> Path:
        """The rounds of the trust root that were installed here; a node without any has no such folder."""
        return self.home / "root"

    @property
    def log_origin(self) -> str:
        return f"{self.node_id}.ffp-exchange/log"


def load_settings(home: Path) -> Settings:
    """Read the settings of an initialised node.

    Raises ConfigurationError that names each faulty setting, and what to do when there is no node yet.
    """
    if not (home / "config.toml").is_file():
        raise ConfigurationError(
            f"There is no node in {home}. Make one with: ffp init --home {home} --jurisdiction RS --url http://..."
        )
    _refuse_unknown_environment()
    _refuse_unknown_secrets(home)
    try:
        _refuse_open_secret(home / "config.toml")
        return Settings(home=home)
    except ValidationError as error:
        raise ConfigurationError(
            f"The settings in {home / 'config.toml'} or the environment: {_faults(error)}."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{home / 'config.toml'} is not TOML: {error}.") from error


def first_settings(home: Path, values: dict[str, str | int]) -> Settings:
    """The settings of a node that is being made. Raises ConfigurationError that names each faulty one."""
    try:
        return Settings(home=home, **values)  # type: ignore[arg-type]  # pydantic checks what the caller typed
    except ValidationError as error:
        raise ConfigurationError(f"These settings make no node: {_faults(error)}.") from error


def given(name: str) -> str | None:
    """A secret of the environment, or else of the service's credentials: for a home that has no settings yet."""
    said = os.environ.get(f"{PREFIX}{name}".upper())
    file = Path(os.environ.get("CREDENTIALS_DIRECTORY") or os.devnull) / f"{PREFIX}{name}".lower()
    return file.read_text(encoding="utf-8").strip() if said is None and file.is_file() else said


def _faults(error: ValidationError) -> str:
    """Each faulty setting in one clause, without the value: it may be a secret."""
    clauses = []
    for item in error.errors(include_input=False, include_url=False, include_context=False):
        name = ".".join(map(str, item["loc"]))
        clauses.append(
            f"{name}: {_FORMS.get(name, item['msg'])}" if name else item["msg"].removeprefix("Value error, ")
        )
    return "; ".join(clauses)


def write_config(settings: dict[str, Any], home: Path) -> None:
    """Write the first ``config.toml``; values are validated strings and numbers, so quoting is safe."""
    lines = [
        f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value}" for name, value in settings.items()
    ]
    write_private(home / "config.toml", "\n".join(lines) + "\n")


def write_secret(name: str, value: str, home: Path) -> None:
    """Write a setting to a file that its owner alone may read."""
    folder = home / "secrets"
    folder.mkdir(mode=0o700, exist_ok=True)
    write_private(folder / f"{PREFIX}{name}".lower(), value + "\n")


def _refuse_unknown_environment() -> None:
    unknown = [name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in _known()]
    if unknown:
        raise ConfigurationError(f"The environment names settings that do not exist: {', '.join(sorted(unknown))}.")


def _refuse_unknown_secrets(home: Path) -> None:
    folder = home / "secrets"
    names = [file.name for file in folder.iterdir()] if folder.is_dir() else []
    unknown = [name for name in names if not name.startswith(".") and name.upper() not in _known()]
    if unknown:
        raise ConfigurationError(f"{folder} names settings that do not exist: {', '.join(sorted(unknown))}.")


def _refuse_open_secret(config: Path) -> None:
    for name in tomllib.loads(config.read_text(encoding="utf-8")).keys() & _SECRETS.keys():
        raise ConfigurationError(
            f"{_SECRETS[name]} must not stand in {config}: give it in {PREFIX}{name.upper()} or in the secret file of "
            "that name."
        )


def _secret_folders(home: Path) -> tuple[Path, ...]:
    """Secret files of the node, over what systemd decrypted for its service (``LoadCredentialEncrypted=``)."""
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    return (*((Path(credentials),) if credentials else ()), home / "secrets")


def _known() -> set[str]:
    return {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
