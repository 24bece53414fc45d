"""Whether the services and files that the settings name can be used; nothing is connected to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from exchange.config import Settings
from exchange.errors import ConfigurationError, ExchangeError, SettingsDiffer
from exchange.flows.access.oidc import provider_of
from exchange.flows.node.blob_cache import object_store_of
from exchange.flows.node.cluster import cluster_of
from exchange.flows.node.destinations import egress_of
from exchange.flows.node.likelihood_ratio import load_calibration
from exchange.flows.node.named_services import load_authority, load_mail_server
from exchange.flows.node.node import store_of
from exchange.flows.node.own_card import check_card, own_history
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


def against_card(settings: Settings) -> list[tuple[str, str, str]]:
    """Return each setting that contradicts this node's card, what is wrong, and the next step. None where the database
    cannot be read: `ffp doctor` says why."""
    if settings.database_url is None and not settings.database.is_file():
        return []
    try:
        store = store_of(settings)
        try:
            store.check()
            with store.read() as session:
                history = own_history(session)
        finally:
            store.close()
        check_card(settings, history)
    except SettingsDiffer as error:
        return list(error.settings)
    except ExchangeError:
        return []
    return []


def _refusal(load: Callable[[], object]) -> list[str]:
    try:
        load()
    except ConfigurationError as error:
        return [str(error)]
    return []
