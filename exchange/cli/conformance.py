"""``ffp conformance``: does the node at an address keep the contract? Before it is enrolled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exchange.errors import ConfigurationError, InvalidInput, PeerUnreachable

if TYPE_CHECKING:
    from exchange.conformance.suite import Enrolment


def conformance(
    url: Annotated[str | None, typer.Argument(help="Where the node is reached, as its card says it.")] = None,
    acting_as: Annotated[
        str | None,
        typer.Option("--as", help="Try it as an enrolled peer too, of this jurisdiction: one that no record names."),
    ] = None,
    listen: Annotated[
        str, typer.Option(help="Where that peer serves, and the tested node reaches it: HOST:PORT.")
    ] = "127.0.0.1:8449",
    reached_at: Annotated[
        str | None, typer.Option(help="The address at which the tested node reaches it, if that is another one.")
    ] = None,
    wait: Annotated[float, typer.Option(min=1, max=86_400, help="Seconds to wait until it is enrolled.")] = 600,
    patience: Annotated[
        float, typer.Option(min=1, max=3600, help="Seconds to wait for what the node does by itself.")
    ] = 90,
    quick: Annotated[bool, typer.Option("--quick", help="Leave out what takes minutes: a body that drips.")] = False,
    json_out: Annotated[Path | None, typer.Option("--json", help="Write all findings here.")] = None,
    list_checks: Annotated[bool, typer.Option("--list", help="Show the checks, and try none.")] = False,
) -> None:
    """Check from outside whether a node keeps the contract. Ends with 0 only when all that was tried was kept."""
    from rich.console import Console

    from exchange.conformance import report
    from exchange.conformance.check import Verdict
    from exchange.conformance.guest.guest import Guest
    from exchange.conformance.suite import run_suite

    console = Console(highlight=False)
    if list_checks:
        report.print_checks(console)
        return
    if url is None:
        raise typer.BadParameter("Give the address of the node to check.", param_hint="URL")
    enrolment = _enrolment(acting_as, listen, reached_at, wait) if acting_as else None
    _must_answer(url)
    guests: list[str] = []

    def introduce(guest: Guest) -> None:
        guests.append(guest.node.node_id)
        report.print_introduction(console, guest, wait)

    findings = []
    try:
        for finding in run_suite(url, enrolment, patience_s=patience, quick=quick, introduce=introduce):
            findings.append(finding)
            report.print_finding(console, len(findings), finding)
    finally:
        if findings:
            report.print_summary(console, url, findings, guests[0] if guests else None)
    if json_out is not None:
        report.write_json(json_out, url, findings)
    raise typer.Exit(int(any(finding.verdict is Verdict.NOT_KEPT for finding in findings)))


def _must_answer(url: str) -> None:
    """Where nobody answers there is nothing to check: one sentence in place of a page of failures."""
    import httpx

    from exchange.net.connection import http_client
    from exchange.net.egress import Typed

    try:
        with http_client(10, Typed(url)) as client, client.stream("GET", url):
            pass  # whatever it says
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise InvalidInput(f"{url} is no address, such as https://ffp-mk.example.") from error
    except httpx.ConnectError as error:
        raise PeerUnreachable(
            f"Nobody answers at {url}: {error}. Is the node running, and the address right?"
        ) from error


def _enrolment(acting_as: str, listen: str, reached_at: str | None, wait: float) -> Enrolment:
    from exchange.conformance.suite import Enrolment
    from exchange.jurisdictions.directory import shipped_directory

    jurisdiction = shipped_directory().asked(acting_as)
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit():
        raise ConfigurationError(f"{listen} is no HOST:PORT, such as 127.0.0.1:8449.")
    return Enrolment(jurisdiction, (host, int(port)), reached_at, wait)
