"""The site of nginx: two nodes exchange a record through it, over TLS, and it refuses what it must in their words."""

from __future__ import annotations

import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from exchange.errors import ConfigurationError
from exchange.flows.node.node import create_node, open_node
from exchange.store.access.sign_in_rows import begin_session
from exchange.store.access.user_rows import add_user
from exchange.web.http.problems import Problem
from schemas.vocabulary import Jurisdiction, Role, SignedInBy
from tests.deploy.certificates import Authority
from tests.deploy.tools import needed
from tests.exchange.running_nodes import RunningNode, enrol_each_other, free_port, node_starter

DEPLOY = Path(__file__).parents[2] / "deploy"
START_S = 20


@pytest.fixture(scope="module")
def nginx() -> str:
    return needed("nginx", "nginx-light")


@dataclass
class Proxy:
    """A site that stands before a node which listens on ``behind``."""

    folder: Path
    program: str
    port: int
    behind: int
    authority: Authority
    mutual: bool = False
    changed: dict[str, str] = field(default_factory=dict)
    """What of the site is another than it stands in ``deploy``, beside addresses and paths."""

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def write(self) -> Path:
        """The whole configuration, with the site in it."""
        added = self.folder / "ffp.d"
        added.mkdir(parents=True, exist_ok=True)
        server = self.authority.issue("127.0.0.1", self.folder)
        site = _exchanged(
            (DEPLOY / "nginx.conf").read_text(encoding="utf-8"),
            {
                "listen 443 ssl ": f"listen 127.0.0.1:{self.port} ssl ",
                "listen [::]:443 ssl so_keepalive=240s:30s:4;": "",
                "/etc/ffp/tls/fullchain.pem": str(server),
                "/etc/ffp/tls/privkey.pem": str(server),
                "http://127.0.0.1:8440": f"http://127.0.0.1:{self.behind}",
                "/etc/nginx/ffp.d/": f"{added}/",
                "/var/www/ffp-log/": f"{self.folder}/log/",
                **self.changed,
            },
        )
        (self.folder / "site.conf").write_text(site, encoding="utf-8")
        if self.mutual:
            peers = (DEPLOY / "nginx-peers.conf").read_text(encoding="utf-8")
            named = {"/etc/ffp/tls/peer-authorities.pem": str(self.authority.certificate_file)}
            (added / "peers.conf").write_text(_exchanged(peers, named), encoding="utf-8")
        whole = self.folder / "nginx.conf"
        whole.write_text(
            f"daemon off;\nmaster_process off;\npid {self.folder}/pid;\nerror_log {self.folder}/error.log;\n"
            "events {}\nhttp {\n"
            + "".join(
                f"    {name}_temp_path {self.folder}/{name};\n"
                for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
            )
            + f"    access_log off;\n    include {self.folder}/site.conf;\n}}\n",
            encoding="utf-8",
        )
        return whole

    @contextmanager
    def running(self) -> Iterator[None]:
        whole = self.write()
        error_log = self.folder / "error.log"
        checked = subprocess.run([self.program, "-t", "-c", whole], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
        assert "warn" not in checked.stderr
        process = subprocess.Popen([self.program, "-c", whole], stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + START_S
            while not _listens(self.port):
                assert process.poll() is None, error_log.read_text()
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield
        finally:
            process.terminate()
            process.wait(timeout=START_S)


def _exchanged(text: str, named: dict[str, str]) -> str:
    for old, new in named.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def alone(nginx: str, authority: Authority, tmp_path: Path) -> Proxy:
    """A site before a node that does not run."""
    return Proxy(tmp_path / "nginx", nginx, free_port(), free_port(), authority)


@pytest.fixture
def http(authority: Authority) -> Iterator[httpx.Client]:
    context = authority.trusted()
    with httpx.Client(verify=context, trust_env=False, timeout=30) as client:
        yield client


def problem(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert (told["type"], told["status"]) == (f"urn:ffp:problem:{code}", status)
    assert set(told) == set(Problem.model_fields)


def test_a_node_that_does_not_run_is_told_as_the_node_would(alone: Proxy, http: httpx.Client) -> None:
    with alone.running():
        answer = http.get(f"{alone.url}/v1/status")
    problem(answer, 503, "not-ready")
    assert answer.headers["retry-after"] == "5"


def test_a_submission_that_is_too_large_is_not_even_read(alone: Proxy, authority: Authority) -> None:
    head = f"POST /v1/records HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {514 << 20}\r\nConnection: close\r\n\r\n"
    context = authority.trusted()
    with (
        alone.running(),
        socket.create_connection(("127.0.0.1", alone.port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as line,
    ):
        line.sendall(head.encode())
        said = b""
        while b"urn:ffp:problem:too-large" not in said:  # nginx keeps the line for five seconds more
            more = line.recv(4096)
            assert more, said
            said += more
    assert said.startswith(b"HTTP/1.1 413 ")


def test_who_asks_too_much_waits(alone: Proxy, http: httpx.Client) -> None:
    """With smaller numbers: a single reader never gets to the real ones, since it is slowed down before."""
    alone.changed = {"rate=100r/s": "rate=1r/s", "burst=600 delay=200": "burst=3 nodelay"}
    with alone.running():
        answers = [http.get(f"{alone.url}/v1/status") for _ in range(6)]
    assert {answer.status_code for answer in answers[:3]} == {503}
    problem(answers[-1], 429, "too-many")
    assert answers[-1].headers["retry-after"] == "5"


@pytest.mark.parametrize(
    ("version", "ciphers", "taken"),
    [
        (ssl.TLSVersion.TLSv1_3, None, True),
        (ssl.TLSVersion.TLSv1_2, "ECDHE+AESGCM", True),
        (ssl.TLSVersion.TLSv1_2, "AES128-SHA256:ECDHE+SHA256:!AESGCM:@SECLEVEL=0", False),
    ],
)
def test_tls_is_of_today(
    alone: Proxy, authority: Authority, version: ssl.TLSVersion, ciphers: str | None, taken: bool
) -> None:
    context = authority.trusted()
    context.minimum_version = context.maximum_version = version
    if ciphers:
        context.set_ciphers(ciphers)
    with alone.running(), socket.create_connection(("127.0.0.1", alone.port), timeout=20) as plain:
        try:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as line:
                assert taken, line.cipher()
        except ssl.SSLError:
            assert not taken


def test_the_copy_of_the_log_may_be_kept_but_not_its_head(alone: Proxy, http: httpx.Client) -> None:
    tile = alone.folder / "log" / "tile" / "0" / "000"
    tile.parent.mkdir(parents=True)
    tile.write_bytes(bytes(32))
    (alone.folder / "log" / "checkpoint").write_text("head\n", encoding="utf-8")
    with alone.running():
        kept, head = http.get(f"{alone.url}/log/tile/0/000"), http.get(f"{alone.url}/log/checkpoint")
    assert kept.content == bytes(32)
    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert head.text == "head\n"
    assert head.headers["cache-control"] == "no-store"


Nodes = Callable[..., tuple[RunningNode, RunningNode]]


@pytest.fixture
def nodes(
    nginx: str, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, http: httpx.Client
) -> Iterator[Nodes]:
    """``nodes(mutual=True)``: Serbia and North Macedonia, each behind a site; with ``mutual`` both sites ask nodes for
    certificates, and the second node has one."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate_file))
    with ExitStack() as stack:
        start = stack.enter_context(node_starter(tmp_path, monkeypatch))

        def made(*, mutual: bool = False) -> tuple[RunningNode, RunningNode]:
            running = []
            for jurisdiction in (Jurisdiction.RS, Jurisdiction.MK):
                folder, home = tmp_path / f"nginx-{jurisdiction}", tmp_path / f"node-{jurisdiction}"
                proxy = Proxy(folder, nginx, free_port(), free_port(), authority, mutual=mutual)
                stack.enter_context(proxy.running())
                create_node(home, jurisdiction=jurisdiction, url=proxy.url, port=proxy.behind)
                if mutual and jurisdiction == Jurisdiction.MK:
                    running.append(start(jurisdiction, peer_certificate=authority.issue("ffp-mk", home)))
                else:
                    running.append(start(jurisdiction))
                running[-1].http.close()
                running[-1].http = httpx.Client(verify=authority.trusted(), trust_env=False, timeout=30)
            enrol_each_other(*running)
            return running[0], running[1]

        yield made


@pytest.mark.slow
def test_two_nodes_exchange_a_record_through_it(nodes: Nodes, scans: dict[str, Path]) -> None:
    rs, mk = nodes()
    sent = rs.submit(scans["1-1"], level="full", audience=["MK"])
    assert sent.status_code == 201, sent.text
    assert sent.headers["strict-transport-security"] == "max-age=31536000"
    mk.wait_for(holds_one)
    assert mk.get(f"/v1/records/{sent.json()['statement_id']}").status_code == 200


@pytest.mark.slow
def test_pages_that_wait_take_no_place_of_other_requests(
    nginx: str, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, http: httpx.Client
) -> None:
    """A laboratory behind one address may have as many pages open as the node lets wait."""
    one = {"limit_conn ffp_connections 300": "limit_conn ffp_connections 1"}
    proxy = Proxy(tmp_path / "nginx", nginx, free_port(), free_port(), authority, changed=one)
    create_node(tmp_path / "node-RS", jurisdiction=Jurisdiction.RS, url=proxy.url, port=proxy.behind)
    with node_starter(tmp_path, monkeypatch) as start, proxy.running():
        node = start(Jurisdiction.RS).node
        with node.store.write() as session:
            add_user(session, "one", Role.HEAD)
            token = begin_session(session, "one", SignedInBy.PASSWORD_AND_TOTP, most_s=3600)
        asked = {"Accept": "text/event-stream", "Cookie": f"__Host-ffp={token}"}
        with http.stream("GET", f"{proxy.url}/app/events", headers=asked) as line:
            assert line.status_code == 200
            lines = line.iter_lines()  # held: without it the line would be closed
            assert next(lines).startswith("retry:"), "what comes is passed on at once"
            assert http.get(f"{proxy.url}/healthz").status_code == 200


@pytest.mark.slow
def test_where_certificates_are_asked_for_a_node_without_one_gets_nothing(nodes: Nodes, scans: dict[str, Path]) -> None:
    rs, mk = nodes(mutual=True)
    sent = rs.submit(scans["1-1"], level="full", audience=["MK"])
    assert sent.status_code == 201, sent.text
    mk.wait_for(holds_one)
    deadline = time.monotonic() + START_S
    while (alarm := lane_alarm(rs)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert "403" in alarm
    assert "peer_certificate" in alarm


def test_a_certificate_of_somebody_else_opens_nothing(
    alone: Proxy, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> None:
    alone.mutual = True
    stranger = Authority(tmp_path_factory.mktemp("stranger")).issue("ffp-xx", alone.folder.parent)
    signed = {"Signature-Input": 'ffp=("@method");created=1'}
    with alone.running():
        answers = []
        for shown in (None, stranger, authority.issue("ffp-mk", alone.folder)):
            context = authority.trusted()
            if shown:
                context.load_cert_chain(shown)
            with httpx.Client(verify=context, trust_env=False) as client:
                answers += [client.get(f"{alone.url}/v1/lane", headers=headers) for headers in ({}, signed)]
    without, without_signed, strange, strange_signed, own, own_signed = answers
    problem(without_signed, 403, "forbidden")
    assert {strange.status_code, strange_signed.status_code} == {400}
    for passed_on in (without, own, own_signed):
        problem(passed_on, 503, "not-ready")


@pytest.mark.parametrize(
    ("content", "said"), [(None, "cannot be read"), ("nothing of it", "does not hold a certificate and its key")]
)
def test_a_certificate_that_cannot_be_shown_is_a_sentence(tmp_path: Path, content: str | None, said: str) -> None:
    home = tmp_path / "node"
    create_node(home, jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:9", port=9)
    with (home / "config.toml").open("a", encoding="utf-8") as config:
        config.write('peer_certificate = "peer.pem"\n')
    if content is not None:
        (home / "peer.pem").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=said):
        open_node(home)


def holds_one(status: dict[str, Any]) -> bool:
    return sum(status["acquisitions"].values()) == 1


def lane_alarm(node: RunningNode) -> str | None:
    """Why nothing comes from the one peer."""
    [peer] = node.get("/v1/peers", Role.OPERATOR).json()
    alarm: str | None = peer["alarm"]
    return alarm
