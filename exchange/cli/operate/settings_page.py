"""Write the table of the settings, the form in which it is committed: ``python -m exchange.cli.operate.settings_page
FILE``.

The names, defaults, bounds and texts are those of ``exchange.config.Settings``; the headings and links are here.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import re
import sys
import textwrap
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from exchange.config import Settings
from exchange.config_files import PREFIX
from exchange.home import DEFAULT_HOME

_HEAD = """# Settings

This page is made from the code (`make contract`); a test compares the two.

`ffp init` writes `config.toml` into the node's folder. A node looks for each setting in this order:

1. in the environment, under the name in the tables;
2. in a file of that name, in lower case, in the folder `secrets/` of the node, or among the credentials of its service;
3. in `config.toml`, in lower case and without the prefix, as `pull_interval_s = 5`;
4. else the default holds.

A node refuses names that it does not know. The end of a name is its unit: `_s` seconds, `_h` hours, `_days` days,
`_bytes` bytes. Restart the node after a change.
"""
CORES = "cores - 1"
"""The default of ``workers``, which depends on the machine."""


@dataclass(frozen=True)
class SettingsGroup:
    """Settings under one heading: those whose names begin with one of ``beginnings``."""

    heading: str
    beginnings: tuple[str, ...]
    more: str = ""
    """Where it is explained, relative to ``docs/``."""


GROUPS = (
    SettingsGroup(
        "The node",
        ("home", "jurisdiction", "node_id", "url", "host", "port", "trusted_", "language", "log_format"),
        "#2-the-node",
    ),
    SettingsGroup("Laboratory", ("laboratory", "accreditation_")),
    SettingsGroup("Keys", ("key_", "backup_"), "#replacing-keys"),
    SettingsGroup("Backups", ("restore_",), "#restore-drill"),
    SettingsGroup("Database", ("database_",), "#11-postgresql-in-place-of-sqlite"),
    SettingsGroup("Scans in an object store", ("objects_",), "#scans-in-an-object-store"),
    SettingsGroup("Sign-in", ("session_", "oidc_"), "#sign-in-with-keycloak"),
    SettingsGroup("Submissions", ("max_scan", "max_submission", "min_free", "draft_", "instrument_")),
    SettingsGroup(
        "Work",
        ("workers", "heights_", "compute_", "patience_", "max_attempts", "calibration", "calibre_"),
        "#work-in-processes-of-its-own",
    ),
    SettingsGroup("Cluster", ("cluster_",), "scale.md"),
    SettingsGroup(
        "Exchange with peers", ("pull_", "peer_timeout", "lane_", "receipt_", "request_", "query_", "least_", "most_")
    ),
    SettingsGroup("Searches that start by themselves", ("search_",), "two-step-query.md"),
    SettingsGroup(
        "What a peer may take", ("peer_statements", "peer_bytes", "peer_quota", "peer_quarantine"), "#6-peers"
    ),
    SettingsGroup("Connections", ("peer_certificate", "egress_"), "#where-the-node-connects-to"),
    SettingsGroup("Log and audit", ("checkpoint_", "log_check", "audit_", "purpose_"), "audit.md"),
    SettingsGroup("Time stamps", ("timestamp_",), "#7-time-stamps-and-a-public-copy-of-the-log"),
    SettingsGroup("E-mail", ("smtp_", "mail_"), "#12-e-mail"),
    SettingsGroup(
        "Deadlines and review", ("first_", "second_", "dissemination_", "comparison_", "feedback_", "control_")
    ),
    SettingsGroup("Monitoring", ("monitoring_", "metrics_", "tracing_"), "monitoring.md"),
    SettingsGroup("Training", ("exercises",), "training/README.md"),
)


def settings_page() -> str:
    """The page in Markdown: each setting once, in a table under its heading."""
    texts = _texts()
    parts = [_HEAD]
    for group in GROUPS:
        names = [name for name in Settings.model_fields if group_of(name) is group]
        more = f"deploy/README.md{group.more}" if group.more.startswith("#") else group.more
        link = f"More: [{more}]({'../' if group.more.startswith('#') else ''}{more})\n\n" if more else ""
        rows = "".join(_row(name, texts[name]) for name in names)
        head = "| setting | default | allowed | what it does |\n|---|---|---|---|\n"
        parts.append(f"## {group.heading}\n\n{link}{head}{rows}")
    return "\n".join(parts)


def group_of(name: str) -> SettingsGroup:
    """The group of a setting: that with the longest beginning of its name."""
    found = [
        (len(beginning), group) for group in GROUPS for beginning in group.beginnings if name.startswith(beginning)
    ]
    if not found:
        raise LookupError(f"the setting {name} belongs to no group of this page")
    return max(found, key=lambda pair: pair[0])[1]


def told_default(name: str) -> str:
    """The default as the page states it."""
    field = Settings.model_fields[name]
    if name == "home":
        return str(DEFAULT_HOME)
    if name == "workers":
        return CORES
    if field.is_required():
        return "set by `ffp init`"
    if isinstance(field.default, bool):
        return str(field.default).lower()
    return str(field.default) if field.default or field.default == 0 else "none"


def _row(name: str, text: str) -> str:
    default = told_default(name)
    if default.isdigit() and _told(name, int(default)) != default:
        default += f" ({_told(name, int(default))})"
    return f"| `{PREFIX}{name.upper()}` | {default} | {allowed_values(name, Settings.model_fields[name])} | {text} |\n"


def allowed_values(name: str, field: Any) -> str:
    """Which values there are, where that can be said in a few words."""
    kinds = list(_kinds(field.annotation))
    for kind in kinds:
        if typing.get_origin(kind) is Literal:
            return ", ".join(typing.get_args(kind))
        if kind is bool:
            return "true, false"
        if isinstance(kind, type) and issubclass(kind, StrEnum):
            return ", ".join(kind)
    bounds = [*field.metadata, *(bound for kind in kinds for bound in getattr(kind, "__metadata__", ()))]
    bounds += [inner for bound in bounds for inner in getattr(bound, "metadata", ())]
    low, high = (next((getattr(bound, end) for bound in bounds if hasattr(bound, end)), None) for end in ("ge", "le"))
    if high is None:
        return ""
    return f"up to {_told(name, high)}" if low is None else f"{_told(name, low)} to {_told(name, high)}"


def _told(name: str, number: float) -> str:
    """A number, in bytes as a power of 1,024 where it is a whole one."""
    if "_bytes" in name and number:
        for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB")):
            if number % 1024**power == 0:
                return f"{number // 1024**power} {unit}"
    return str(number)


def _kinds(annotation: Any) -> Iterator[Any]:
    yield annotation
    if typing.get_origin(annotation) is not Literal:
        for part in typing.get_args(annotation):
            yield from _kinds(part)


def _texts() -> dict[str, str]:
    """The text below each setting in the code, on one line."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(Settings)))
    body = [statement for owner in tree.body if isinstance(owner, ast.ClassDef) for statement in owner.body]
    texts = {}
    for said, following in itertools.pairwise(body):
        match said, following:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                texts[name] = re.sub(r"``", "`", " ".join(text.split()))
    return texts


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(settings_page(), encoding="utf-8")
