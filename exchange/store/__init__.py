"""Rows in, rows out. All tables are known as soon as anything of this package is imported."""

from exchange.store import (
    alert_tables,
    audit_tables,
    draft_tables,
    form_tables,
    hit_tables,
    mail_tables,
    mirror_tables,
    monitoring_tables,
    policy_tables,
    query_tables,
    review_tables,
    share_tables,
    sign_in_tables,
    tables,
    view_tables,
    work_tables,
)

__all__ = [
    "alert_tables",
    "audit_tables",
    "draft_tables",
    "form_tables",
    "hit_tables",
    "mail_tables",
    "mirror_tables",
    "monitoring_tables",
    "policy_tables",
    "query_tables",
    "review_tables",
    "share_tables",
    "sign_in_tables",
    "tables",
    "view_tables",
    "work_tables",
]
