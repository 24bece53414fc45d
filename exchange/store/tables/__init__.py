"""The tables of one node, as SQLAlchemy maps them. All are known as soon as one is imported."""

from exchange.store.tables import (
    columns,
    drafts,
    hits,
    instruments,
    log,
    mail,
    mirror,
    monitoring,
    peers,
    queries,
    records,
    reviews,
    schema_version,
    sign_in,
    terms,
    work,
)

__all__ = [
    "columns",
    "drafts",
    "hits",
    "instruments",
    "log",
    "mail",
    "mirror",
    "monitoring",
    "peers",
    "queries",
    "records",
    "reviews",
    "schema_version",
    "sign_in",
    "terms",
    "work",
]
