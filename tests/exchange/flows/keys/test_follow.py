"""A node is reached at another address: it signs the address, and each peer's operator confirms it."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exchange.errors import Conflict, InvalidInput, SettingsDiffer
from exchange.flows.integrity.log_check import check_log
from exchange.flows.keys.enrol import enrol, fetch_introduction
from exchange.flows.keys.events import key_chain, learn_keys
from exchange.flows.keys.follow import follow_peer
from exchange.flows.keys.rotate import replace_keys, state_address
from exchange.flows.node.node import open_node, opened
from exchange.flows.statement.peer import peer_keys
from exchange.store.sync.peers import add_peer, new_peer
from exchange.trust.keys import load_identity
from schemas.keys import KEY_ROLES
from schemas.vocabulary import Jurisdiction
from tests.exchange.flows.network import MK, RS, Network
from tests.exchange.open_policy import LEGAL_BASIS

pytestmark = pytest.mark.slow


@contextmanager
def answering(card: bytes, chain: bytes, port: int = 0) -> Iterator[str]:
    """Whoever answers at an address with a node's card and key-events."""

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = {"/v1/node": card, "/v1/node/keys": chain}[self.path]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", port), Answers) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Network]:
    made = Network(tmp_path)
    made.make(Jurisdiction.RS, Jurisdiction.MK)
    yield made
    made.close()


def move(network: Network, url: str) -> None:
    """Serbia's operator states the new address in the settings, and signs it."""
    home = network.nodes[RS].settings.home
    network.nodes[RS].close()
    config = home / "config.toml"
    config.write_text(config.read_text().replace("http://rs.test", url))
    with pytest.raises(SettingsDiffer, match="ffp key address"):
        open_node(home)
    with opened(home, moved=True) as node:
        assert state_address(node, load_identity(home / "keys")).url == url
    network.nodes[RS] = open_node(home)
    with pytest.raises(Conflict):
        state_address(network.nodes[RS], load_identity(home / "keys"))


def shown(network: Network) -> tuple[bytes, bytes]:
    return network.nodes[RS].card_envelope.raw, key_chain(network.nodes[RS].history)


def test_a_peer_is_asked_elsewhere_once_its_operator_and_its_key_events_say_so(pair: Network) -> None:
    mk, (card, before) = pair.nodes[MK], shown(pair)
    with answering(card, before) as url:
        with pytest.raises(InvalidInput) as caught:
            follow_peer(mk, RS, url)
        assert caught.value.code == "address-differs"
        port = int(url.rpartition(":")[2])
    move(pair, url)
    assert learn_keys(mk, pair.client(MK), RS)
    row = pair.peer(MK, RS)
    assert row.url == "http://rs.test", "a signature alone sends nobody elsewhere"
    assert f"ffp peer address ffp-rs {url}" in str(row.alarm)
    with answering(*shown(pair), port=port):
        assert follow_peer(mk, RS, url) == url
    row = pair.peer(MK, RS)
    assert (row.url, row.alarm) == (url, None)
    assert peer_keys(row).links == pair.nodes[RS].history.links
    assert check_log(mk).good
    replace_keys(pair.nodes[RS], load_identity(pair.nodes[RS].settings.keys), KEY_ROLES)
    pair.restart(RS)
    assert pair.nodes[RS].history.url == url


def test_another_node_at_the_address_changes_nothing(pair: Network) -> None:
    mk = pair.nodes[MK]
    with answering(mk.card_envelope.raw, key_chain(mk.history)) as url, pytest.raises(InvalidInput, match="is not"):
        follow_peer(mk, RS, url)
    assert pair.peer(MK, RS).url == "http://rs.test"


def test_the_address_of_another_peer_is_not_followed(pair: Network, tmp_path: Path) -> None:
    mk, (card, before) = pair.nodes[MK], shown(pair)
    with answering(card, before) as url:
        port = int(url.rpartition(":")[2])
    third = Network(tmp_path / "third")
    third.make(Jurisdiction.AL)
    with mk.store.write() as session:
        introduced = third.nodes["ffp-al"].card_envelope.raw
        row = new_peer(node_id="ffp-al", jurisdiction="AL", url=url, card=introduced, legal_basis=LEGAL_BASIS)
        add_peer(session, row)
    move(pair, url)
    with answering(*shown(pair), port=port), pytest.raises(Conflict) as caught:
        follow_peer(mk, RS, url)
    assert caught.value.code == "address-taken"
    assert learn_keys(mk, pair.client(MK), RS), "its key-events are learned all the same"
    third.close()


def test_a_node_that_moved_is_enrolled_at_its_new_address(pair: Network, tmp_path: Path) -> None:
    card, before = shown(pair)
    with answering(card, before) as url:
        port = int(url.rpartition(":")[2])
    move(pair, url)
    third = Network(tmp_path / "third")
    third.make(Jurisdiction.AL)
    al = third.nodes["ffp-al"]
    with answering(*shown(pair), port=port):
        introduction = fetch_introduction(al, url)
    assert not introduction.elsewhere
    peer = enrol(al, introduction, confirmed=introduction.fingerprint, legal_basis=LEGAL_BASIS)
    assert peer.url == url
    assert peer_keys(peer).links == pair.nodes[RS].history.links
    third.close()
