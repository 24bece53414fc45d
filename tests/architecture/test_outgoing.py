"""Every part of the program that can open a connection, and what decides where the connection may lead."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from pydantic import SecretStr

from exchange.config import Settings, load_settings
from exchange.flows.node.destinations import service_destinations
from exchange.flows.node.node import create_node
from schemas.vocabulary import Jurisdiction
from tests.architecture.test_house import MODULES, name_of, nodes

NETWORK = {
    *("aiohttp", "distributed", "ftplib", "http.client", "httpcore", "httpx", "obstore.store", "psycopg", "requests"),
    *("smtplib", "socket", "ssl", "subprocess", "urllib.request", "urllib3", "websockets"),
}
"""Modules with which a program reaches others."""

GUARD = "net.egress: the list of the node, asked at each connection"
TUNNEL = "net.tunnel, which asks net.egress at each connection"
ADDRESSES = "gets the addresses that net.egress gave, and resolves no name"
TYPED = "net.egress.Typed: the address that the operator typed, and no other"
VISITOR = "no node: a command visits the address that was typed for it"
HERE = "this machine alone: its own processes, or a socket that the service manager named"
OPERATOR = "no node: pip, by a command of the operator"
NOTHING = "opens no connection: types, errors, options, names and listeners"

DECIDES = {
    "exchange/cli/conformance.py": TYPED,
    "exchange/cli/serving/http_server.py": NOTHING,
    "exchange/cli/serving/listener.py": NOTHING,
    "exchange/cli/serving/service_manager.py": HERE,
    "exchange/cli/serving/supervisor.py": NOTHING,
    "exchange/conformance/check.py": NOTHING,
    "exchange/conformance/guest/peer_simulator.py": NOTHING,
    "exchange/conformance/wire.py": VISITOR,
    "exchange/demo/demo_processes.py": HERE,
    "exchange/extras/install.py": OPERATOR,
    "exchange/flows/node/cluster.py": ADDRESSES,
    "exchange/flows/node/named_services.py": NOTHING,
    "exchange/flows/node/worker_lease.py": NOTHING,
    "exchange/flows/operate/doctor/database.py": GUARD,
    "exchange/flows/operate/doctor/check_peers.py": NOTHING,
    "exchange/flows/operate/doctor/port.py": NOTHING,
    "exchange/flows/operate/home_lock.py": NOTHING,
    "exchange/net/client.py": GUARD,
    "exchange/net/connection.py": GUARD,
    "exchange/net/egress.py": GUARD,
    "exchange/net/keep_alive.py": NOTHING,
    "exchange/net/mail.py": GUARD,
    "exchange/net/message_signatures.py": NOTHING,
    "exchange/net/news_lines.py": GUARD,
    "exchange/net/object_store.py": TUNNEL,
    "exchange/net/oidc.py": GUARD,
    "exchange/net/probe.py": GUARD,
    "exchange/net/time_authority.py": GUARD,
    "exchange/net/tracing.py": GUARD,
    "exchange/net/tunnel.py": GUARD,
    "exchange/net/webhook.py": GUARD,
    "exchange/store/database/postgresql.py": ADDRESSES,
    "exchange/store/operate/postgresql_dump.py": ADDRESSES,
}
"""A new module that can reach others is a new line here, and its client a new case in net/test_every_client.py."""

_OPENS = re.compile(
    r"(httpx|socket|smtplib|http\.client|urllib\.request|requests|aiohttp)"
    r"\.(get|post|put|request|stream|Client|AsyncClient|create_connection|SMTP|SMTP_SSL|HTTPS?Connection|urlopen)\("
)


def imported(path: Path) -> set[str]:
    found = set()
    for node in nodes(path):
        match node:
            case ast.Import():
                found |= {alias.name for alias in node.names}
            case ast.ImportFrom(module=str() as module):
                found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return {name for name in found if name in NETWORK or name.partition(".")[0] in NETWORK - {"http", "urllib"}}


def test_every_module_that_can_reach_others_is_in_the_table() -> None:
    assert {name_of(path) for path in MODULES if imported(path)} == set(DECIDES)


def test_what_is_said_to_open_no_connection_opens_none() -> None:
    opening = {name_of(path) for path in MODULES if _OPENS.search(path.read_text(encoding="utf-8"))}
    assert opening & {name for name, decides in DECIDES.items() if decides == NOTHING} == set()


def test_requests_go_through_the_one_client_that_asks_the_guard() -> None:
    """Beside it httpx makes its own client for the lines that wait for news, and for processes of this machine."""
    made = re.compile(r"httpx\.(Async)?Client\(|httpx\.(get|post|stream|request)\(")
    found = {name_of(path) for path in MODULES if made.search(path.read_text(encoding="utf-8"))}
    assert {name for name in found if DECIDES[name] != HERE} == {
        "exchange/net/connection.py",
        "exchange/net/news_lines.py",
    }


def test_every_address_of_the_settings_is_in_the_list_of_the_node(tmp_path: Path) -> None:
    """By the settings' names: what a node may connect to is what its settings name, and its peers."""
    addresses = {
        "url": "https://own.example",
        "database_url": "postgresql+psycopg://ffp@database.example/ffp",
        "oidc_issuer": "https://issuer.example",
        "timestamp_url": "https://stamps.example",
        "tracing_url": "https://traces.example/v1/traces",
        "cluster_scheduler": "tls://cluster.example:8786",
        "objects_endpoint": "https://objects.example",
        "smtp_host": "mail.example",
    }
    named = {
        name
        for name in Settings.model_fields
        if re.search(r"(^|_)(url|host|issuer|endpoint|scheduler|address|server)$", name)
    }
    # host is listened at; objects_url names a bucket, which objects_endpoint is asked for
    assert named - {"host", "objects_url"} == set(addresses)
    create_node(tmp_path / "node", jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:9", port=9)
    given = {**addresses, "database_url": SecretStr(addresses["database_url"]), "objects_url": "s3://scans/pilot"}
    listed = {one.host for one in service_destinations(load_settings(tmp_path / "node").model_copy(update=given))}
    assert listed == {re.search(r"[a-z]+\.example", text)[0] for text in addresses.values()}  # type: ignore[index]
