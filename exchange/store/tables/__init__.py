"""The tables of one node, as SQLAlchemy maps them. All are known as soon as one is imported."""

from exchange.extensions import modules_for
from exchange.store.tables import columns, hits, instruments, log, schema_version, truth, watched
from exchange.store.tables import draft_tables as drafts
from exchange.store.tables import firearm_tables as firearms
from exchange.store.tables import mail_tables as mail
from exchange.store.tables import mirror_tables as mirror
from exchange.store.tables import peer_tables as peers
from exchange.store.tables import query_tables as queries
from exchange.store.tables import record_tables as records
from exchange.store.tables import review_tables as reviews
from exchange.store.tables import sign_in_tables as sign_in
from exchange.store.tables import terms_tables as terms
from exchange.store.tables import webhook_tables as webhooks
from exchange.store.tables import work_tables as work

__all__ = [
    "columns",
    "drafts",
    "firearms",
    "hits",
    "instruments",
    "log",
    "mail",
    "mirror",
    "peers",
    "queries",
    "records",
    "reviews",
    "schema_version",
    "sign_in",
    "terms",
    "truth",
    "watched",
    "webhooks",
    "work",
]

modules_for("tables")
