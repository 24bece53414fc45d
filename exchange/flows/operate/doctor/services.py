"""Services beside the node: mail server, provider of the sign-in, time-stamp authority. Each is asked once, and nothing
is left there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from exchange.errors import EgressRefused, MailUnavailable, PeerUnreachable, ProviderUnavailable
from exchange.flows.access.oidc import provider_of
from exchange.flows.node.node import Node
from exchange.flows.operate.doctor.causes import Cause
from exchange.flows.operate.doctor.findings import Finding, warning
from exchange.net.oidc import WELL_KNOWN
from exchange.net.probe import reach

_REACH_S: Final = 10.0


def examine_mail(node: Node) -> Iterator[Finding]:
    """Whether letters could be handed in now."""
    if node.mail is None:
        return
    try:
        node.mail.check()
    except MailUnavailable as error:
        what = f"The mail server does not take letters: {error}. Nobody is told that something new waits."
        then = f"Bring it back, or correct smtp_* in config.toml; try: nc -vz {node.mail.host} {node.mail.port}"
        yield warning(Cause.MAIL_AWAY, "e-mail", what, then)


def examine_sign_in(node: Node) -> Iterator[Finding]:
    """Whether the provider says who it is."""
    provider = provider_of(node.settings, node.egress)
    if provider is None:
        return
    try:
        provider.description()
    except ProviderUnavailable as error:
        who = (
            "Nobody can sign in to the pages" if node.settings.oidc_only else "Only who has a password here can sign in"
        )
        what = f"The provider of the sign-in does not answer as it must: {error} {who}."
        then = f"Bring it back, or correct oidc_issuer; try: curl {provider.issuer.rstrip('/')}{WELL_KNOWN}"
        yield warning(Cause.SIGN_IN_AWAY, "sign-in", what, then)


def examine_time_authority(node: Node) -> Iterator[Finding]:
    """Whether anybody answers at its address; whether its stamps are good shows when they come."""
    if node.authority is None:
        return
    url = node.authority.url
    try:
        reach(url, guard=node.egress, timeout_s=_REACH_S)
    except EgressRefused:
        return  # told with the egress
    except PeerUnreachable as error:
        what = f"The time-stamp authority is away: {error} New heads of the log get no stamp."
        then = f"Tell whoever runs it; stamps are asked for again by themselves. Try: curl -sI {url}"
        yield warning(Cause.TIME_AUTHORITY_AWAY, "time stamps", what, then)
