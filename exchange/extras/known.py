"""Which extras there are, which of them this environment has, and how one says that one is missing.

>>> extra_named("pdf").module
'typst'
"""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from exchange.errors import ExtraMissing, InvalidInput


class ExtraState(StrEnum):
    INSTALLED = "installed"
    OTHER_VERSION = "other version"
    """Installed, and not in the version of this release: ``ffp extras add`` brings it there."""
    MISSING = "not installed"


@dataclass(frozen=True)
class Extra:
    """``module`` is what the code imports, ``package`` what it is installed by; ``megabytes`` is what it adds to the
    disk, about."""

    name: str
    purpose: str
    module: str
    package: str
    megabytes: int

    @property
    def lock(self) -> Path:
        return Path(__file__).parent / f"{self.name}.lock"

    @property
    def is_installed(self) -> bool:
        try:
            return importlib.util.find_spec(self.module) is not None
        except ModuleNotFoundError:  # of a package within a package that is not there
            return False

    @property
    def state(self) -> ExtraState:
        if not self.is_installed:
            return ExtraState.MISSING
        try:
            found = version(self.package)
        except PackageNotFoundError:
            return ExtraState.OTHER_VERSION
        pinned = re.search(rf"^{re.escape(self.package)}==(\S+)", self.lock.read_text(encoding="utf-8"), re.MULTILINE)
        return ExtraState.INSTALLED if pinned is not None and pinned[1] == found else ExtraState.OTHER_VERSION


EXTRAS: Final = (
    Extra("pdf", "reports as PDF: of a pair, and the half-yearly one", "typst", "typst", 80),
    Extra("postgresql", "a database on PostgreSQL (setting database_url)", "psycopg", "psycopg", 13),
    Extra("oidc", "sign-in at a provider, such as Keycloak (setting oidc_issuer)", "joserfc", "joserfc", 1),
    Extra("s3", "scans in an object store (setting objects_url)", "obstore", "obstore", 15),
    Extra("cluster", "galleries on a Dask cluster (setting cluster_scheduler)", "distributed", "distributed", 41),
    Extra("tracing", "traces of what the node does (setting tracing_url)", "opentelemetry.sdk", "opentelemetry-sdk", 7),
    Extra("evaluation", "ffp calibrate, and likelihood ratios in ffp evaluate and validate", "lir", "lir", 230),
)


def extra_named(name: str) -> Extra:
    """Raises InvalidInput, with the names that there are."""
    for extra in EXTRAS:
        if extra.name == name:
            return extra
    raise InvalidInput(f"There is no extra {name!r}. There are: {', '.join(extra.name for extra in EXTRAS)}.")


def require_extra(name: str, needed_by: str) -> None:
    """Raises ExtraMissing where the extra is not installed. ``needed_by`` begins its sentence."""
    if not extra_named(name).is_installed:
        raise ExtraMissing(needed_by, extra=name)
