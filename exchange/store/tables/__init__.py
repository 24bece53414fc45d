"""The tables of one node, as SQLAlchemy maps them. All are known as soon as one is imported."""

from exchange.store.tables import (
    audit,
    base,
    core,
    drafts,
    hits,
    mail,
    mirror,
    monitoring,
    objects,
    queries,
    reviews,
    schema_version,
    shares,
    sign_in,
    views,
    work,
)

__all__ = [
    "audit",
    "base",
    "core",
    "drafts",
    "hits",
    "mail",
    "mirror",
    "monitoring",
    "objects",
    "queries",
    "reviews",
    "schema_version",
    "shares",
    "sign_in",
    "views",
    "work",
]
