"""The tables of one node, as SQLAlchemy maps them. All are known as soon as one is imported."""

from exchange.extensions import modules_for
from exchange.store.tables import (
    columns,
    drafts,
    firearms,
    hits,
    instruments,
    log,
    mail,
    mirror,
    peers,
    queries,
    records,
    reviews,
    schema_version,
    sign_in,
    terms,
    truth,
    watched,
    webhooks,
    work,
)

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
