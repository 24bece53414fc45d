"""A node with everything that its flows need, opened once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr
from sqlalchemy import make_url
from sqlalchemy.orm import Session

from exchange.compute import Compute
from exchange.config import RESTORING, Settings, first_settings, load_settings
from exchange.config_files import write_config, write_secret
from exchange.errors import (
    ConfigurationError,
    PassphraseNeeded,
    RestoreUnfinished,
    StatementInvalid,
    StoreUnavailable,
)
from exchange.flows.node.blob_cache import BlobCache, object_store_of
from exchange.flows.node.cluster import Cluster, cluster_of
from exchange.flows.node.destinations import egress_of, route_of
from exchange.flows.node.galleries import Galleries
from exchange.flows.node.head_notifier import HeadNotifier
from exchange.flows.node.jurisdictions import checked_jurisdictions, installed_jurisdictions
from exchange.flows.node.last_head import state_no_head
from exchange.flows.node.likelihood_ratio import load_calibration
from exchange.flows.node.named_services import TimeStampAuthority, load_authority, load_mail_server
from exchange.flows.node.own_card import check_card, own_history
from exchange.home import emptied_on_failure
from exchange.jurisdictions.directory import Directory
from exchange.jurisdictions.own_file import own_entries
from exchange.meters import Meters
from exchange.net.connection import tls_context
from exchange.net.egress import Egress
from exchange.net.mail import MailServer
from exchange.net.object_store import ObjectStore
from exchange.net.tracing import Tracing
from exchange.store.database.engine import PATIENCE_S, Store
from exchange.store.database.postgresql import CONNECTIONS
from exchange.store.database.seals import derived_key
from exchange.store.entry.draft_files import DraftFiles
from exchange.store.log.audit_trail import AuditTrail
from exchange.store.log.statement_rows import append_own, keys_since, latest_checkpoint
from exchange.store.move.home_mark import refuse_unfinished_move
from exchange.store.node.rate_limits import NodeLimits
from exchange.store.scan.blobs import BlobFolder, QueryScans
from exchange.store.sync.evidence import EvidenceFolder
from exchange.store.terms.terms_rows import note_no_policy
from exchange.trust.card import make_card, open_card
from exchange.trust.key_files import EVENTS, kept_events
from exchange.trust.key_history import KeyHistory, history_in
from exchange.trust.keys import (
    NodeKeys,
    create_keys,
    load_identity,
    load_keys,
    load_keys_in_force,
    raw_public,
    requester_id,
)
from schemas import ContractError, Envelope, KeyEvent
from schemas.statements import statement_id
from schemas.vocabulary import Jurisdiction

if TYPE_CHECKING:
    from matcher.likelihood.calibration_file import CalibrationModels


LEAST_CONNECTIONS: Final = 4
"""Of one process, however many serve."""


@dataclass(frozen=True)
class Node:
    """One open node. ``history`` has its own key-events: ``card`` is the first, ``card_envelope`` the bytes that peers
    fetch of it, and ``keys`` are those that the last one delegates."""

    settings: Settings
    store: Store
    egress: Egress
    """Where this node may connect to."""
    audit: AuditTrail
    blobs: BlobFolder
    objects: ObjectStore | None
    """Which keeps the scans, `blobs` in front of it; None where the home does."""
    query_scans: QueryScans
    draft_files: DraftFiles
    evidence: EvidenceFolder
    """Of what peers sent and nobody believes."""
    keys: NodeKeys
    compute: Compute
    """What somebody waits for at a screen: scans that are being uploaded, heights, pictures."""
    background: Compute
    """What nobody does: correlation, and whatever it needs. It never keeps those above waiting."""
    cluster: Cluster | None
    """Which compares scans with the galleries; None where this machine does."""
    galleries: Galleries
    limits: NodeLimits
    """Which all processes keep that serve the node."""
    news: HeadNotifier
    calibration: CalibrationModels | None
    authority: TimeStampAuthority | None
    """Who stamps the heads of the log; None when nobody does."""
    mail: MailServer | None
    """Through which people are told that something new waits; None when nobody is."""
    history: KeyHistory
    meters: Meters
    tracing: Tracing

    @property
    def card(self) -> KeyEvent:
        return self.history.card

    @property
    def card_envelope(self) -> Envelope:
        return self.history.links[0].envelope

    @property
    def node_id(self) -> str:
        return self.settings.node_id

    @property
    def requester_id(self) -> str:
        """The ``keyid`` of this node's requests and answers."""
        return requester_id(self.node_id, raw_public(self.keys.transport))

    @property
    def jurisdictions(self) -> Directory:
        """Which are known now: a round that is installed while the node runs holds at once."""
        return installed_jurisdictions(self.settings.home)

    def close(self) -> None:
        self.news.close()
        self.tracing.close()
        self.compute.close()
        self.background.close()
        self.galleries.close()
        if self.objects is not None:
            self.objects.close()
        self.store.close()


def create_node(
    home: Path,
    *,
    jurisdiction: Jurisdiction,
    url: str,
    node_id: str | None = None,
    port: int,
    database_url: str | None = None,
) -> KeyEvent:
    """Make a new node in an empty folder and return its card.

    1. Refuse a home or a database that holds a node, and a database that cannot be had.
    2. Make the folders, the settings and the keys, encrypted when the settings have a passphrase. A ``database_url``,
       wherever it came from, is kept among the secrets: the node must find it again.
    3. Make the database, with the card as the first leaf of the log.
    The jurisdiction must be one that the home knows (``flows/node/jurisdictions.py``), or of the release.
    Raises ConfigurationError, StoreUnavailable.
    """
    known = checked_jurisdictions(home)
    if jurisdiction not in known:
        raise ConfigurationError(unknown_here(jurisdiction, known, home))
    if (home / "config.toml").exists():
        raise ConfigurationError(f"There is a node in {home} already; it is left as it is.")
    values: dict[str, str | int] = {
        "jurisdiction": str(jurisdiction),
        "node_id": node_id or f"ffp-{jurisdiction.lower()}",
        "url": url.rstrip("/"),
        "port": port,
    }
    settings = first_settings(home, {**values, "database_url": database_url} if database_url else values)
    store = store_of(settings)
    try:
        store.check_new()
        with emptied_on_failure(home):
            card = _fill_home(settings, store)
    finally:
        store.close()
    if settings.database_url:
        write_secret("database_url", settings.database_url.get_secret_value(), home)
    write_config(values, home)  # last: a home with settings is a whole node
    return card


def unknown_here(code: str, known: Directory, home: Path) -> str:
    """How a home gets to know a jurisdiction beyond the release's."""
    return (
        f"{code} is none of {', '.join(known)}. A further one comes with a round of the trust root that names it (ffp "
        f"root install FOLDER --home {home}), or, without a trust root, from a file with its names (ffp jurisdiction "
        f"add FILE --home {home}). Do that first, then ffp init again."
    )


def _fill_home(settings: Settings, store: Store) -> KeyEvent:
    for folder in (settings.blobs, settings.incoming, settings.prepared):
        folder.mkdir(mode=0o700, exist_ok=True)
    create_keys(settings.keys, settings.passphrase)
    keys = load_keys(settings.keys, settings.passphrase)
    envelope = make_card(
        load_identity(settings.keys, settings.passphrase),
        keys,
        node_id=settings.node_id,
        jurisdiction=settings.jurisdiction,
        url=settings.url,
    )
    card = open_card(envelope)
    state_no_head(settings.last_head)
    store.create()
    store.seal_with(derived_key(keys.nonce_secret))
    with store.write() as session:
        append_own(session, statement_id(envelope.payload), card, card.type, envelope)
        note_no_policy(session, settings.node_id)
    return card


def check_keys(session: Session, signed_since: int) -> None:
    """Within the transaction that stores what was signed with the keys of the key-event at index ``signed_since``: no
    other one came since.

    Raises StoreUnavailable: what a replaced key signed is never appended.
    """
    if keys_since(session) != signed_since:
        raise StoreUnavailable(
            "The keys of this node are not those that its log names; nothing was stored. They were replaced while it "
            "ran: then the operator restarts it. Or its database is an older one: then its peers give the log back, "
            "and `ffp status` says when they have."
        )


@contextmanager
def opened(
    home: Path, *, passphrase: SecretStr | None = None, moving: bool = False, moved: bool = False
) -> Iterator[Node]:
    """``open_node`` for the length of a block: closed at its end, however it ends."""
    node = open_node(home, passphrase=passphrase, moving=moving, moved=moved)
    try:
        yield node
    finally:
        node.close()


def open_node(
    home: Path,
    *,
    passphrase: SecretStr | None = None,
    moving: bool = False,
    moved: bool = False,
    processes: int = 1,
) -> Node:
    """Open an initialised node; ``passphrase`` of its keys stands for that of the settings. A move of its database that
    has not ended is refused, but for the move itself, which is ``moving``; so are settings that contradict the card,
    but for the address where the node has ``moved``. Where several ``processes`` serve it and do its work, each takes
    its part of the connections to the database, and of the processes that read and draw.

    Raises ConfigurationError naming what is missing and how to mend it, PassphraseNeeded.
    """
    if (home / RESTORING).exists():
        raise RestoreUnfinished(
            f"A restore into {home} is under way, or was broken off: half of the node is missing. Restore once more: "
            f"ffp restore BACKUP --home {home}"
        )
    if not moving:
        refuse_unfinished_move(home)
    settings = load_settings(home)
    if passphrase is not None:
        settings = settings.model_copy(update={"key_passphrase": passphrase})
    return open_with(settings, processes=processes, moved=moved)


def open_with(settings: Settings, *, processes: int = 1, moved: bool = False) -> Node:
    """As ``open_node``, by settings that the caller answers for: of a home that is none to be served, too. ``moved``:
    the address may be another one than the node signed, since the caller will sign it."""
    if not settings.trust_root.exists():
        own_entries(settings.home)  # a file that cannot be read is told at the start
    calibration, authority = load_calibration(settings), load_authority(settings)
    services = egress_of(settings)
    mail = load_mail_server(settings, services)
    tracing = Tracing(settings.tracing_url, settings.node_id, services)
    tls_context(settings.client_certificate)
    cluster = cluster_of(settings, services)
    if settings.database_url is None and not settings.database.is_file():
        raise ConfigurationError(
            f"{settings.database} is missing; restore it from the backup. Of a node on PostgreSQL, set "
            "FFP_NODE_DATABASE_URL."
        )
    store = store_of(settings, processes=processes)
    try:
        store.check()
        with store.read() as session:
            history = own_history(session)
            signed = latest_checkpoint(session)
        if history.card.issuer != settings.node_id:  # else the keys would be blamed
            check_card(settings, history, moved=moved)
        history, keys = keys_in_force(settings, history)
        check_card(settings, history, moved=moved)
        objects = object_store_of(settings, services)
        store.seal_with(derived_key(keys.nonce_secret))
    except BaseException:
        store.close()
        raise
    return Node(
        settings=settings,
        store=store,
        egress=egress_of(settings, store),
        audit=AuditTrail(store),
        blobs=_cached_blobs(settings, store, objects) if objects else blobs_of(settings),
        objects=objects,
        query_scans=QueryScans(settings.queries),
        draft_files=DraftFiles(settings.drafts, min_free_bytes=settings.min_free_bytes),
        evidence=EvidenceFolder(settings.quarantine),
        keys=keys,
        compute=_compute(settings, processes=processes),
        background=_compute(settings, background=True),
        cluster=cluster,
        galleries=Galleries(settings.galleries),
        limits=NodeLimits(settings.home / "limits"),
        news=HeadNotifier(signed.size if signed else 0),
        calibration=calibration,
        authority=authority,
        mail=mail,
        history=history,
        meters=Meters(),
        tracing=tracing,
    )


def _compute(settings: Settings, *, background: bool = False, processes: int = 1) -> Compute:
    """In the background one process more, which is begun when another node's work waits for that of one."""
    return Compute(
        settings.workers + 1 if background else math.ceil(settings.workers / processes),
        settings.compute_timeout_s,
        memory_bytes=settings.compute_memory_bytes,
        rest_s=settings.compute_rest_s,
        background=background,
    )


def keys_in_force(settings: Settings, known: KeyHistory) -> tuple[KeyHistory, NodeKeys]:
    """The keys, and the key-events up to the one that names them. A database from before that one gets it back beside
    its log (`key_return`); until then nothing is signed. Raises ConfigurationError, PassphraseNeeded."""
    try:
        return known, load_keys_in_force(settings.keys, known.in_force, settings.passphrase)
    except PassphraseNeeded:
        raise
    except ConfigurationError:
        for chain in kept_events(settings.keys):
            later = _later(known, chain)
            if later is not None:
                return later, load_keys_in_force(settings.keys, later.in_force, settings.passphrase)
        raise


def _later(known: KeyHistory, chain: bytes) -> KeyHistory | None:
    """The history that goes on from the one that is known, if this is one."""
    try:
        told = history_in(chain)
    except (ContractError, StatementInvalid) as error:
        raise ConfigurationError(f"{EVENTS} beside the keys holds no key-events: {error}") from error
    names = [link.statement_id for link in told.links]
    before = [link.statement_id for link in known.links]
    return told if len(names) > len(before) and names[: len(before)] == before else None


def store_of(settings: Settings, *, patience_s: float = PATIENCE_S, processes: int = 1) -> Store:
    """The database that the settings name, not looked at yet. Writers wait for each other so long at most. The
    connections to a server are those of all ``processes`` together."""
    url = settings.database_url
    if url is None:
        return Store(settings.database, patience_s=patience_s)
    connections = max(LEAST_CONNECTIONS, CONNECTIONS // processes)
    return Store(
        make_url(url.get_secret_value()), patience_s=patience_s, route=route_of(settings), connections=connections
    )


def blobs_of(settings: Settings) -> BlobFolder:
    """Where the scans are; of a node with an object store, those that are here."""
    return BlobFolder(settings.blobs, settings.incoming, min_free_bytes=settings.min_free_bytes)


def _cached_blobs(settings: Settings, store: Store, objects: ObjectStore) -> BlobCache:
    return BlobCache(
        settings.blobs, settings.incoming, min_free_bytes=settings.min_free_bytes, store=store, objects=objects
    )
