"""Whether the services and files that the settings name can be used; nothing is connected to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from exchange.config import Settings
from exchange.errors import ConfigurationError
from exchange.flows.access.oidc import provider_of
from exchange.flows.node.authority import load_authority
from exchange.flows.node.blob_cache import object_store_of
from exchange.flows.node.cluster import cluster_of
from exchange.flows.node.destinations import egress_of
from exchange.flows.node.likelihood_ratio import load_calibration
from exchange.flows.node.mail_server import load_mail_server
from exchange.net.connection import tls_context


def unusable(settings: Settings) -> list[str]:
    """What a node that is opened with these settings would refuse, one sentence each."""
    guard = egress_of(settings)
    loads: tuple[Callable[[], object], ...] = (
        partial(load_calibration, settings),
        partial(load_authority, settings),
        partial(load_mail_server, settings, guard),
        partial(tls_context, settings.client_certificate),
        partial(cluster_of, settings, guard),
        partial(object_store_of, settings, guard),
        partial(provider_of, settings, guard),
    )
    return [sentence for load in loads for sentence in _refusal(load)]


def _refusal(load: Callable[[], object]) -> list[str]:
    try:
        load()
    except ConfigurationError as error:
        return [str(error)]
    return []
