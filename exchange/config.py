"""A node's settings: environment over secret files over ``config.toml`` in the node's home. Unknown keys are refused.

Each setting is read from ``FFP_NODE_<NAME>`` in the environment, from a file of that name under ``<home>/secrets`` or
among the service's credentials, or from ``<home>/config.toml``. The home itself comes from ``--home`` or
``FFP_NODE_HOME``.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from exchange.addresses import DatabaseUrl, IssuerUrl, NetworkText, ObjectStoreUrl, SchedulerUrl
from exchange.calibre_pairs import OwnCalibrePairs
from exchange.config_files import PREFIX, secret_folders
from exchange.errors import ConfigurationError, SettingOrigin, SettingsRefused
from exchange.search_triggers import SearchTriggers
from exchange.setting_faults import misplaced, no_list, not_toml, origins, refused_values, told_faults
from schemas.exhibit import ShortText
from schemas.keys import names_jurisdiction
from schemas.lane import MAX_NEWS_WAIT_S
from schemas.statement_base import NodeId, Url
from schemas.vocabulary import Jurisdiction, LawfulPurpose

RESTORING = "restoring"
_AUTHORITY_URL = r"^https?://[^\s/@?#]+(/[^\s@#]*)?$"
_OBJECTS_URL = r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[a-z0-9_-][a-z0-9._-]{0,99}){0,5}$"

SECRETS = {
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
    """One node's settings. The text below each says what it does; docs/settings.md is made of these texts."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    home: Path
    """The node's folder. ``--home`` goes before the environment; no file names it."""
    jurisdiction: Jurisdiction
    """The jurisdiction whose node this is."""
    node_id: NodeId
    """The node's name to others, such as ffp-rs. The node signs it in each statement: never change it."""
    url: Url
    """Where peers reach this node. It is part of what they sign."""
    laboratory: ShortText | None = None
    """The name of the laboratory, as reports on pairs print it."""
    accreditation_number: ShortText | None = None
    """The number under which the laboratory is accredited. Reports print it with the standard."""
    accreditation_standard: ShortText | None = None
    """The standard that the accreditation is for, such as ISO/IEC 17025:2017."""
    database_url: DatabaseUrl | None = None
    """A PostgreSQL database for this node alone, ``postgresql+psycopg://user:password@host/database``. Without one:
    SQLite in the node's folder. It is a secret when a password is in it."""
    session_idle_s: Seconds = 3600
    """A user who was idle at the pages for this long must sign in again."""
    session_most_s: Seconds = 12 * 3600
    """The longest session at the pages, active or idle: a working day."""
    oidc_issuer: IssuerUrl | None = None
    """An OpenID Connect provider at which users may sign in to the pages, exactly as it names itself. It needs TLS,
    unless it runs on this machine."""
    oidc_client_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """The name of this node at the provider."""
    oidc_client_secret: SecretStr | None = None
    """The secret of this node at the provider. Without one the provider must accept PKCE alone."""
    oidc_claim: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:/-]{1,100}$")] = "preferred_username"
    """The claim of the ID token that names the pseudonym. The operator must have added that user; the node gives the
    role."""
    oidc_required_acr: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """The authentication context (``acr``) that the node asks for and the provider must state, such as its level for
    two factors."""
    oidc_required_amr: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    """A method of authentication (``amr``, RFC 8176) that the provider must state, such as `mfa` or `otp`."""
    oidc_name: Annotated[str, Field(min_length=1, max_length=40)] = "OpenID Connect"
    """The name of the provider on the button of the sign-in page."""
    oidc_only: bool = False
    """True: users sign in at the provider only, and passwords that this node keeps are refused."""
    language: PageLanguage = "en"
    """The language of the pages for a visitor who chose none and whose browser asks for none that there is."""
    host: str = "127.0.0.1"
    """The address to listen on. A reverse proxy with TLS stands in front."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8440
    """The port to listen on."""
    trusted_proxies: Annotated[tuple[NetworkText, ...], Field(max_length=20)] = ()
    """Addresses of reverse proxies whose ``X-Forwarded-For`` is believed, such as ``["127.0.0.1"]``. Without one, all
    tries to sign in that come through a proxy count together."""
    metrics_port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    """The port on 127.0.0.1 where Prometheus reads the node's counts; never open it to others. None: no metrics."""
    tracing_url: Annotated[str, Field(pattern=_AUTHORITY_URL, max_length=500)] | None = None
    """Where traces go, as OpenTelemetry sends them over HTTP (such as http://127.0.0.1:4318/v1/traces). They show which
    record went which way when, and no content. The extra ``tracing`` sends them; without an address there are none."""
    log_format: LogFormat = "json"
    """``console`` is for a person who watches the node on a terminal."""
    max_scan_bytes: Bytes = 128 * 1024 * 1024
    """The largest scan. A breech face at 1 um takes about 30 MB, a whole case head 100 MB."""
    max_submission_bytes: Bytes = 512 * 1024 * 1024
    """The largest submission with all its scans. It bounds the disk that one request may fill before it is checked."""
    patience_s: Seconds = 5
    """A request of a program that needs a worker process is refused with 429 when it would wait longer; the answer says
    when to come again. Requests of the pages wait six times as long."""
    min_free_bytes: Bytes = 512 * 1024 * 1024
    """Submissions are refused when less of the disk is free, so that the database can always finish what it began."""
    workers: Annotated[int, Field(ge=1, le=256)] = max(1, (os.cpu_count() or 2) - 1)
    """Processes that correlate, at the lowest priority. As many again read and draw what people wait for. One core is
    left to answer them."""
    compute_timeout_s: Seconds = 120
    """The longest that a worker process may take over one scan or one correlation: a hostile file cannot hold a
    worker."""
    compute_memory_bytes: Annotated[int, Field(ge=512 * 1024**2, le=2**40)] = 3 * 1024**3
    """The most memory of its own that a worker process may take; the largest scan needs a quarter of it."""
    compute_rest_s: Seconds = 60
    """How long an idle worker process is kept. It takes a hundred megabytes, and a second to start."""
    heights_kept_bytes: Annotated[int, Field(ge=0, le=2**50)] = 4 * 1024**3
    """How much disk the heights may take that the viewer draws, so that a pair opens at once: half a MB of 545 x 545
    points. Those not looked at for longest leave, also where less than twice ``min_free_bytes`` is free. 0: none."""
    cluster_scheduler: SchedulerUrl | None = None
    """A Dask cluster that compares scans with the galleries, ``tls://host:port``. Without one this machine compares
    them."""
    cluster_authority: Path | None = None
    """A PEM file with the authority of the cluster's certificates; relative to the node's folder."""
    cluster_certificate: Path | None = None
    """A PEM file with the certificate that this node shows to the cluster; relative to the node's folder."""
    cluster_key: Path | None = None
    """A PEM file with the key of that certificate; relative to the node's folder."""
    objects_url: Annotated[str, Field(pattern=_OBJECTS_URL)] | None = None
    """An object store (S3) that keeps the scans, ``s3://bucket/prefix``. The node adds its id. Without one the scans
    stay in the node's folder."""
    objects_endpoint: ObjectStoreUrl | None = None
    """The address of the object store, ``https://host:port``; ``http`` on this machine alone. Without one: Amazon's, of
    the region."""
    objects_region: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")] = "us-east-1"
    """The region of the object store. Other stores than Amazon's usually take this one."""
    objects_roots: Path | None = None
    """A PEM file with roots for the certificate of the object store, in addition to the system's; relative to the
    node's folder."""
    objects_key_id: SecretStr | None = None
    """The id of the node's key at the object store. It is never read from ``config.toml``."""
    objects_secret: SecretStr | None = None
    """The secret of that key. It is never read from ``config.toml``."""
    objects_cache_bytes: Bytes = 20 * 1024**3
    """The largest local cache of scans that the object store has confirmed; the least recently used leave first. Scans
    that wait for their upload are not counted."""
    pull_interval_s: Seconds = 2
    """How often each peer is asked for news. A quarter is left to chance, so that peers do not move in step."""
    peer_timeout_s: Seconds = 30
    """How long the node waits for a peer, or for the time-stamping authority."""
    peer_certificate: Path | None = None
    """A PEM file with a certificate chain and its key, not encrypted, that this node shows to peers whose proxy asks
    for one; relative to the node's folder. Requests are signed all the same."""
    least_fetch_rate_bytes_per_s: Annotated[int, Field(ge=0, le=2**30)] = 4096
    """A transfer of a scan that is slower, over half a minute, is broken off and goes on later. 0: never. Sixteen
    transfers at once over a line of 560 kbit/s are faster."""
    most_fetch_rate_bytes_per_s: Bytes = 32 * 1024**2
    """No transfer of a scan is faster. Each peer has one transfer at a time, so that no peer takes the whole line."""
    peer_statements_per_day: Annotated[int, Field(ge=1, le=2**40)] = 4000
    """How many statements a peer may send in a day; a record counts once for each of its scans. Beyond it the peer's
    lane waits for the next day, and nothing is lost. A laboratory of 200 exhibits a day needs a third of it."""
    peer_bytes_per_day: Bytes = 20 * 1024**3
    """The same in bytes, with scans and the hashes that a witness keeps: 200 exhibits of three scans of 30 MB."""
    peer_quota_days: Annotated[int, Field(ge=1, le=60)] = 7
    """How many days a peer's unused quota is kept. A new peer, or one that was unreachable for a week, may then send
    the quota of this many days at once."""
    peer_quarantine_items: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """The most items that failed verification that are kept as evidence for each peer, and the most digests of further
    items. When a peer reaches this limit, its lane is not read until the operator has noted the items."""
    peer_quarantine_bytes: Bytes = 64 * 1024**2
    """The most bytes of such items that are kept for each peer."""
    lane_wait_s: Annotated[float, Field(ge=0, le=MAX_NEWS_WAIT_S)] = MAX_NEWS_WAIT_S
    """The longest that a peer is asked to wait for news before it answers that there is none; 0: not at all. With few
    peers it is shorter, 36 seconds a peer; where proxies cut a line that long, it becomes shorter by itself."""
    checkpoint_interval_s: Annotated[float, Field(ge=1, le=3600)] = 1
    """A head of the log is signed at most this often, and only when the log grew."""
    log_check_interval_s: Seconds = 86_400
    """How often all stored data are read again and compared with what was signed."""
    audit_interval_s: Annotated[float, Field(ge=1, le=86_400)] = 60
    """Audit rows wait at most this long for the leaf of the log that vouches for them. Each leaf costs about 25 kB on
    disk, with its head and its cosignatures."""
    audit_retention_days: Annotated[int, Field(ge=365, le=36_500)] = 3650
    """How long the audit records, who saw or asked what, are retained. National law decides."""
    draft_days: Annotated[int, Field(ge=1, le=365)] = 14
    """A draft that was not changed for this long is erased with its files."""
    instrument_check_days: Annotated[int, Field(ge=1, le=3660)] = 14
    """How many days a check of an instrument on a reference specimen is valid. Afterwards examiners who submit scans
    from the instrument are warned, never stopped. There is no warning before the first check of any instrument here.
    NIST's comparison of laboratories (NBIC) checked 24 times in a year."""
    purpose_required: bool = False
    """True: people must state purpose and legal basis of what they search and read."""
    receipt_interval_s: Seconds = 86_400
    """How often this node signs a receipt for what it read of each peer's lane. When it sets an item aside, it signs
    one at once."""
    request_skew_s: Annotated[float, Field(ge=1, le=300)] = 30
    """How far two nodes' clocks may differ before their signed requests are refused."""
    timestamp_url: Annotated[str, Field(pattern=_AUTHORITY_URL, max_length=500)] | None = None
    """A time-stamping authority (RFC 3161) that stamps the heads of the log. The node asks it past any proxy. Without
    one there are no stamps."""
    timestamp_roots: Path | None = None
    """A PEM file with the roots of the authority; relative to the node's folder. Keep the roots of earlier authorities
    in it, so that their stamps can be verified."""
    timestamp_interval_s: Seconds = 3600
    """A stamp is asked for at most this often, for the newest head that has none."""
    smtp_host: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:-]{1,253}$")] | None = None
    """A mail server that notifies users that there is something new, without its content. Without one no mail is
    sent."""
    smtp_port: Annotated[int, Field(ge=1, le=65_535)] = 587
    """The port of the mail server; 465 with ``tls``."""
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    """``tls`` from the first byte, or ``none`` for a server on this machine alone."""
    smtp_roots: Path | None = None
    """A PEM file with roots for the certificate of the mail server, in place of the system's; relative to the node's
    folder."""
    smtp_user: str | None = None
    """The name under which the node signs in to the mail server."""
    smtp_password: SecretStr | None = None
    """The password to it. It is never read from ``config.toml``."""
    smtp_from: Annotated[str, Field(max_length=254)] | None = None
    """The sender's address of the mail."""
    mail_interval_s: Annotated[float, Field(ge=1, le=7 * 86_400)] = 3600
    """The shortest time between two mails to one user."""
    calibration: Path | None = None
    """A model made by ``ffp calibrate``, relative to the node's folder. Without one there are no likelihood ratios."""
    exercises: Path | None = None
    """A folder of exercises. Only training nodes have one, and a training node must never hold real exhibits."""
    calibre_pairs: OwnCalibrePairs = ()
    """Pairs of calibres that one firearm may fire, in addition to those of `/v1/vocabularies`; for each a table
    ``[[calibre_pairs]]`` with ``one``, ``other`` and ``reason``. When a pair is added, the node compares the exhibits
    that have become comparable."""
    first_review_h: Hours = 24
    """From a scan's correlation until an examiner has looked at its candidates. This and the next two are NIBIN's
    practice."""
    second_review_h: Hours = 24
    """From a conclusion until another examiner has verified it, blind."""
    dissemination_h: Hours = 48
    """From a conclusion until the other jurisdiction has the lead."""
    comparison_answer_h: Hours = 10 * 24
    """From a request to compare the exhibits under one microscope until the other side answers."""
    feedback_h: Hours = 30 * 24
    """From a lead, or a confirmed hit, until each side reports its outcome."""
    monitoring_smallest: Annotated[int, Field(ge=5, le=50)] = 5
    """Monitoring reports suppress counts from 1 up to below this number, since so few cases could be recognised. Every
    node uses at least 5: otherwise the report of one side would disclose what the other side suppresses."""
    control_share: Annotated[float, Field(ge=0, le=1)] = 0.3
    """The share of conclusions after which a control pair, which is no lead, is also sent for blind verification within
    a week, so that a request does not reveal a lead. Each costs an examiner one comparison."""
    query_quota: Annotated[int, Field(ge=0, le=100_000)] = 50
    """How many queries each peer may ask in 24 hours; 0 answers none. It is enough for a laboratory's day, and too
    little to map what is held here."""
    search_triggers: SearchTriggers = ()
    """Rules by which this node asks peers by itself about a record that stays at home, such as ``["border"]``: within
    80 km of a border, seizure at a border, trafficking, three firearms in one case, terrorism."""
    search_trigger_purpose: LawfulPurpose | None = None
    """The purpose of such queries."""
    search_trigger_legal_basis: ShortText | None = None
    """The law and its article under which such queries are asked."""
    search_trigger_most_a_day: Annotated[int, Field(ge=1, le=10_000)] = 20
    """How many such queries each peer receives in 24 hours. A peer answers 50 queries of a node (``query_quota``); the
    rest is left for queries that people ask."""
    egress_networks: Annotated[tuple[NetworkText, ...], Field(max_length=100)] = ()
    """Networks in which names may lead anywhere, such as that of a VPN: ``["10.8.0.0/16"]``. Elsewhere a name must lead
    where it led when it was confirmed (``ffp egress list``)."""
    restore_drill_days: Annotated[int, Field(ge=1, le=3660)] = 40
    """How many days a verified restore is valid. Afterwards `ffp doctor` and the alarms ask for another drill."""
    max_attempts: Annotated[int, Field(ge=1, le=100)] = 8
    """How often a failing job is tried before it is set aside for the operator."""
    backup_passphrase: SecretStr | None = None
    """The passphrase of the keys within a backup (``ffp backup --with-keys``), at least 16 characters. It is never read
    from ``config.toml``."""
    key_passphrase: SecretStr | None = None
    """The passphrase of the private keys, at least 16 characters. It is never read from ``config.toml``, which lies
    next to the keys. ``ffp serve`` asks for it on a terminal."""

    @model_validator(mode="after")
    def _node_of_its_jurisdiction(self) -> Self:
        if names_jurisdiction(self.node_id, self.jurisdiction):
            return self
        raise ValueError(f"node_id {self.node_id} is no node of jurisdiction {self.jurisdiction}")

    @model_validator(mode="after")
    def _whole_accreditation(self) -> Self:
        if (self.accreditation_number is None) != (self.accreditation_standard is None):
            raise ValueError("accreditation_number and accreditation_standard belong together")
        if self.laboratory is None and self.accreditation_number is not None:
            raise ValueError("accreditation_number needs laboratory: the name of who is accredited")
        return self

    @model_validator(mode="after")
    def _whole_provider(self) -> Self:
        if (self.oidc_issuer is None) != (self.oidc_client_id is None):
            raise ValueError("oidc_issuer and oidc_client_id belong together")
        if self.oidc_issuer is None and self.oidc_only:
            raise ValueError("oidc_only needs an oidc_issuer: otherwise no user could sign in")
        return self

    @model_validator(mode="after")
    def _whole_search_triggers(self) -> Self:
        if self.search_triggers and not (self.search_trigger_purpose and self.search_trigger_legal_basis):
            raise ValueError("search_triggers needs search_trigger_purpose and search_trigger_legal_basis")
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
        folders = [folder for folder in secret_folders(home) if folder.is_dir()]
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
        """The bytes of items from peers that failed verification."""
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
        """The last tree head that this node signed, kept outside the database to detect a restored database."""
        return self.home / "last-head"

    @property
    def restoring(self) -> Path:
        """The mark of a restore that is under way, or was broken off: what lies in the home is half a node."""
        return self.home / RESTORING

    @property
    def trust_root(self) -> Path:
        """The rounds of the trust root that were installed here; a node without any has no such folder."""
        return self.home / "root"


def load_settings(home: Path) -> Settings:
    """Read the settings of an initialised node. Raises SettingsRefused that names each faulty setting and its line, and
    ConfigurationError that says what to do when there is no node yet."""
    if not (home / "config.toml").is_file():
        raise ConfigurationError(f"There is no node in {home}. Make one with: ffp init --home {home} (and --help)")
    given: dict[str, list[SettingOrigin]] = {}
    try:
        given = origins(home)
        faults = [*misplaced(given, Settings.model_fields, SECRETS)]
        settings = Settings(home=home)
    except ValidationError as error:
        faults += refused_values(error, home, given, Settings.model_fields)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        faults = [not_toml(home / "config.toml", error)]
    except SettingsError as error:
        faults += [no_list(error, given)]
    if faults:
        raise SettingsRefused(faults)
    return settings


def first_settings(home: Path, values: dict[str, str | int]) -> Settings:
    """The settings of a node that is being made. Raises ConfigurationError that names each faulty one."""
    try:
        return Settings(home=home, **values)  # type: ignore[arg-type]  # pydantic checks what the caller typed
    except ValidationError as error:
        raise ConfigurationError(f"These settings make no node: {told_faults(error)}.") from error


def given(name: str) -> str | None:
    """A secret of the environment, or else of the service's credentials: for a home that has no settings yet."""
    said = os.environ.get(f"{PREFIX}{name}".upper())
    file = Path(os.environ.get("CREDENTIALS_DIRECTORY") or os.devnull) / f"{PREFIX}{name}".lower()
    return file.read_text(encoding="utf-8").strip() if said is None and file.is_file() else said
