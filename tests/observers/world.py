"""Three real nodes in one process, their people, and their work done when the trial says so.

Serbia's node is observed. Kosovo*'s is a peer that holds some of its records. North Macedonia's is the observer's: it
signs what it likes, and whatever it asks or is asked stands in the transcript. The nodes are made once, and copied for
each world.
"""

from __future__ import annotations

import contextlib
import functools
import json
import ssl
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.orm import Session

import matcher
from exchange.compute import _P, _T, Compute
from exchange.flows.node.node import Node
from exchange.store.access.sign_in_rows import begin_session
from exchange.store.access.user_rows import add_user
from exchange.store.entry.record_rows import counts_by_state
from exchange.store.node.jobs import JobKind
from exchange.web.app import create_app
from exchange.web.mail_text import letters_of
from exchange.web.pages.layout import cookie_name
from exchange.worker import Worker
from matcher.synthetic import breech_face
from schemas import Maker
from schemas.vocabulary import Jurisdiction, Role, SignedInBy
from tests.exchange.flows.kept_checks import keep_check
from tests.exchange.flows.network import MK, RS, XK, Network
from tests.exchange.open_policy import allow_all
from tests.observers.fixed import Steps, fixed
from tests.observers.seen.wire import Wire
from tests.schemas.examples import firearm_fields

COLLEAGUE, EXAMINER, THIRD, HEAD, INVESTIGATOR = "examiner-1", "examiner-2", "examiner-3", "head-1", "investigator-1"
PEOPLE = {
    COLLEAGUE: Role.EXAMINER,
    EXAMINER: Role.EXAMINER,
    THIRD: Role.EXAMINER,
    HEAD: Role.HEAD,
    INVESTIGATOR: Role.INVESTIGATOR,
}
WORK_S = 90
"""How far time moves with a round of work: an audit batch is due after sixty, and what failed is due again."""

PULLS = ((XK, RS), (XK, MK), (RS, XK), (RS, MK), (MK, RS))
"""Who reads whose lane, in this order."""
DUE = {
    RS: (JobKind.ERASE, JobKind.FETCH_SCAN, JobKind.CORRELATE, JobKind.ANSWER_QUERY),
    XK: (JobKind.ERASE, JobKind.FETCH_SCAN),
}
"""What is done by whom. Nobody looks at the candidates of the other two."""


class Inline(Compute):
    """Work in this process: drawn scans are small, and a process for each of hundreds of worlds would cost more."""

    def run(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return function(*args, **kwargs)


class StepWorker(Worker):
    """The node's own worker without its loops: each step is taken when the trial says so."""

    def __init__(self, node: Node, wire: Wire) -> None:
        super().__init__(node, letters_of(node))
        self._client._http.close()
        self._client._http = wire.client(node.node_id)
        self._rounds._wait_s = 0
        self._jobs._due_kinds = lambda: frozenset(JobKind)  # type: ignore[method-assign]  # time stands still here

    def drain(self, *kinds: JobKind) -> None:
        """Do whatever of these kinds is due."""
        for kind in kinds:
            while self._jobs.drain(kind):
                pass

    def pull(self, peer: str) -> None:
        """All that there is at one peer, then tell it what was seen; a peer that does not answer is an alarm."""
        while self._rounds.pull(peer):
            pass

    def sign(self) -> None:
        self._duties.sequence()

    def close(self) -> None:
        self._client.close()
        self._time_authority.close()


class World:
    """Nodes that serve, and that work when they are told to, within ``running``."""

    def __init__(self, network: Network, steps: Steps, tokens: dict[str, str], records: dict[str, str]) -> None:
        self.network, self.steps, self.tokens, self.records = network, steps, tokens, records
        self.wire = Wire(steps.request)
        self.workers: dict[str, StepWorker] = {}
        for node_id, node in network.nodes.items():
            app = create_app(node, works=False)
            self.wire.serve(httpx.URL(node.settings.url).host, app)
            self.workers[node_id] = StepWorker(node, self.wire)

    @contextmanager
    def running(self) -> Iterator[None]:
        """While the block runs, time and chance are this world's."""
        with pytest.MonkeyPatch.context() as patched, fixed(self.steps):
            for_a_trial(patched)
            yield

    @property
    def rs(self) -> Node:
        return self.network.nodes[RS]

    @property
    def mk(self) -> Node:
        return self.network.nodes[MK]

    def work(self, between: Sequence[tuple[str, str]] = PULLS) -> None:
        """Each node signs, pulls, does what is due, and signs that. The observer's own computes nothing."""
        self.steps.step(WORK_S)
        self._sign()
        for reader, owner in between:
            self.steps.step(working=True)
            self.workers[reader].pull(owner)
        for node_id, kinds in DUE.items():
            self.steps.step(working=True)
            self.workers[node_id].drain(*kinds)
        self._sign()
        self.steps.step()

    def _sign(self) -> None:
        for worker in self.workers.values():
            self.steps.step(working=True)
            worker.sign()

    def token(self, pseudonym: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[pseudonym]}"}

    def rest(self, method: str, path: str, pseudonym: str, **more: Any) -> httpx.Response:
        """What a person of Serbia's does with a program; refused is an error of the trial."""
        with self.wire.client() as client:
            answer = client.request(method, self.rs.settings.url + path, headers=self.token(pseudonym), **more)
        assert answer.status_code < 300, (path, answer.text)
        return answer

    def submit(self, scan: bytes, *more: bytes, **changes: Any) -> str:
        """A record of Serbia's with one scan or several; returns its id."""
        files: dict[str, Any] = {}
        acquisitions = []
        for number, content in enumerate((scan, *more)):
            acquisitions.append({"roi": "breech_face", "modality": "topography", "file": f"scan{number}"})
            files[f"scan{number}"] = (f"scan{number}.x3p", content)
        said = {
            "case_reference": "RS-2026-0001",
            "exhibit": {"kind": "crime_scene", "calibre": "9x19"},
            "handling": {"code": "H0"},
            "retention_until": "2036-12-31",
            "acquisitions": acquisitions,
            **changes,
        }
        body = {"metadata": (None, json.dumps(said).encode(), "application/json"), **files}
        found: str = self.rest("POST", "/v1/records", COLLEAGUE, files=body).json()["statement_id"]
        return found

    def maker(self, pseudonym: str) -> Maker:
        return Maker(pseudonym=pseudonym, role=PEOPLE[pseudonym], signed_in=SignedInBy.TOKEN)

    def write(self) -> contextlib.AbstractContextManager[Session]:
        return self.rs.store.write()

    def browser(self, pseudonym: str) -> httpx.Client:
        """A browser in which this person is signed in."""
        with self.write() as session:
            token = begin_session(session, pseudonym, SignedInBy.PASSWORD_AND_TOTP, most_s=43_200)
        client = self.wire.client()
        client.cookies.set(cookie_name(self.rs), token, domain=httpx.URL(self.rs.settings.url).host)
        return client

    def close(self) -> None:
        self.wire.close()
        for worker in self.workers.values():
            worker.close()


@functools.cache
def tls_context(certificate: Path | None = None) -> ssl.SSLContext:
    """Read once: no request of a trial leaves the process."""
    return ssl.create_default_context()


@functools.lru_cache(maxsize=32)
def drawn(firearm: int, shot: int) -> bytes:
    """A drawn scan, as a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scan.x3p"
        matcher.write_topography(breech_face.draw(firearm, shot), path, instrument="synthetic")
        return path.read_bytes()


@dataclass(frozen=True)
class Base:
    """Nodes that rest, to be copied: what every world begins with."""

    folder: Path
    network: Network
    tokens: dict[str, str]
    moment: float
    records: dict[str, str]
    """Record ids of what everybody of the trial may see, by a name."""

    @contextmanager
    def opened(self, folder: Path, seed: str) -> Iterator[World]:
        """A world of its own, made of copies."""
        steps = Steps(seed, self.moment)
        with ExitStack() as opened:
            with pytest.MonkeyPatch.context() as patched, fixed(steps):
                for_a_trial(patched)
                network = opened.enter_context(closing(self.network.copied(folder)))
                world = opened.enter_context(closing(World(network, steps, self.tokens, dict(self.records))))
            yield world


def make_base(folder: Path) -> Base:
    """Three nodes that are enrolled with each other, four people, and records that all three may have."""
    steps = Steps("base")
    with pytest.MonkeyPatch.context() as patched, fixed(steps), ExitStack() as opened:
        for_a_trial(patched)
        network = Network(folder)
        opened.callback(network.close)
        network.make(Jurisdiction.RS, Jurisdiction.XK, Jurisdiction.MK)
        allow_all(network.nodes[RS])
        tokens: dict[str, str] = {}
        records: dict[str, str] = {}
        for pseudonym, role in PEOPLE.items():
            steps.step()
            with network.nodes[RS].store.write() as session:
                tokens[pseudonym] = add_user(session, pseudonym, role)
        world = opened.enter_context(closing(World(network, steps, tokens, records)))
        world.rest("POST", "/v1/firearms", COLLEAGUE, json={"firearm": firearm_fields()})
        open_to_all = {"level": "full", "audience": ["MK", "XK"]}
        for name, shot in {"1-1": (1, 1), "2-1": (2, 1)}.items():
            records[name] = world.submit(drawn(*shot), case_reference=f"RS-2026-{name}", **open_to_all)
        for owner, name, shot in ((XK, "3-1", (3, 1)), (MK, "1-2", (1, 2)), (MK, "3-2", (3, 2))):
            steps.step()
            records[name] = network.record(owner, scan=drawn(*shot), audience=["RS", "XK", "MK"])
        world.work()
        world.work()
        steps.step()
        with network.nodes[RS].store.write() as session:
            keep_check(session, "reference")
            keep_check(session, "passed", height_ratio=1.001)
        with network.nodes[RS].store.read() as session:
            assert counts_by_state(session) == {"correlated": 5}, counts_by_state(session)
    return Base(folder, network, tokens, steps.time(), records)


def for_a_trial(patched: pytest.MonkeyPatch) -> None:
    """What a trial has otherwise than a node in use: no processes of its own, no limit that all requests from one
    address would reach, and a pair that nobody holds for a lead beside each that somebody does."""
    patched.setattr("exchange.flows.node.node.Compute", Inline)
    patched.setattr("exchange.net.connection.tls_context", tls_context)
    patched.setenv("FFP_NODE_CONTROL_SHARE", "1.0")
    patched.setattr("exchange.web.access.login_rate_limit.TRIES_A_MINUTE", 100_000)
