"""One number leads through the logs of two nodes, no stranger puts anything else into them, and no secret stands
there."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest
from structlog.contextvars import bound_contextvars
from structlog.testing import capture_logs

from exchange.flows.access.sign_in import invite_user
from exchange.flows.keys.enrol import enrol, fetch_introduction
from exchange.flows.node.node import open_node
from exchange.net.client import PeerClient
from exchange.net.request_id import FIELD, HEADER, new_request_id, passed_on, taken
from exchange.trust.card import fingerprint
from schemas.vocabulary import Jurisdiction
from tests.exchange.open_policy import LEGAL_BASIS, allow_all
from tests.exchange.running_nodes import RunningNode, metadata
from tests.exchange.served import Served, command, eventually, serving
from tests.exchange.web.conftest import tiny_scan

NUMBER = re.compile(r"[0-9a-f]{32}")
PASSPHRASE = "a passphrase that nobody reads"
PASSWORD = "a password that nobody reads"


def test_what_has_the_form_is_taken_and_nothing_else() -> None:
    number = new_request_id()
    assert taken(number) == number
    for other in (None, "", number[:-1], number + "0", number.upper().replace("0", "A")[:31] + "G", "x" * 10_000):
        assert NUMBER.fullmatch(taken(other))
        assert taken(other) != other
    assert passed_on() == {}
    with bound_contextvars(**{FIELD: number}):
        assert passed_on() == {HEADER: number}


def test_an_answer_names_its_number(node: RunningNode) -> None:
    number = new_request_id()
    assert node.get("/v1/status", headers={HEADER: number}).headers.get_list(HEADER) == [number]
    for path in ("/healthz", "/nothing", "/app/sign-in", "/v1/records"):
        made = node.http.get(node.url + path, headers={HEADER: "'; DROP TABLE"}).headers[HEADER]
        assert NUMBER.fullmatch(made)


@pytest.mark.slow
def test_a_request_to_a_peer_carries_the_number_and_stays_good(pair: tuple[RunningNode, RunningNode]) -> None:
    """The signature does not cover it, and verifies as before."""
    rs, mk = pair
    number = new_request_id()
    client = PeerClient(rs.node.node_id, rs.node.keys.transport, guard=rs.node.egress, timeout_s=10)
    with capture_logs() as logs, bound_contextvars(**{FIELD: number}):
        assert client.fetch_card(mk.url)
        assert httpx.get(f"{mk.url}/healthz", headers=passed_on(), trust_env=False).headers[HEADER] == number
        # a server writes its line once the whole answer has left
        eventually(lambda: any(line["event"] == "answered" and line["route"] == "/v1/node" for line in logs))
    client.close()


def lines_of(node: Served) -> list[dict[str, Any]]:
    return [json.loads(line) for line in node.log.read_text(encoding="utf-8").splitlines()]


@pytest.mark.slow
def test_an_exchange_can_be_followed_and_its_logs_hold_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes exchange a record, and an examiner signs in, wrongly and rightly; then both logs are searched for
    every secret that was used."""
    monkeypatch.setenv("FFP_NODE_KEY_PASSPHRASE", PASSPHRASE)
    with serving(tmp_path / "rs", Jurisdiction.RS) as rs, serving(tmp_path / "mk", Jurisdiction.MK) as mk:
        ours, theirs = open_node(rs.home), open_node(mk.home)
        for reader, read in ((ours, theirs), (theirs, ours)):
            allow_all(reader)
            shown = fingerprint(read.card.identity)
            enrol(reader, fetch_introduction(reader, read.settings.url), confirmed=shown, legal_basis=LEGAL_BASIS)
        secrets = {PASSPHRASE, PASSWORD, rs.token, mk.token, *_sign_in(rs, ours)}
        ours.close()
        theirs.close()
        _submit(rs, {"audience": ["MK"], "level": "full"})
        assert httpx.get(f"{rs.url}/v1/status", headers={"Authorization": "Bearer ffp_wrong-one"}).status_code == 401
        secrets.add("ffp_wrong-one")
        eventually(lambda: len(mk.get("/v1/records")["items"]) == 1, 60)
        mk.wait_idle()
        ours_told, theirs_told = lines_of(rs), lines_of(mk)
    fetched = [line for line in theirs_told if line["event"] == "scan fetched"]
    assert len(fetched) == 1
    answered = [line for line in ours_told if line.get(FIELD) == fetched[0][FIELD]]
    assert [(line["event"], line["route"]) for line in answered] == [("answered", "/v1/blobs/{sha256}")]
    assert any(line["event"] == "answered" and line["route"] == "/v1/records" for line in ours_told)

    written = rs.log.read_text(encoding="utf-8") + mk.log.read_text(encoding="utf-8")
    assert len(secrets) >= 9
    assert [secret for secret in secrets if secret in written] == []
    assert "RS-2026-0001" not in written


def _submit(node: Served, changes: dict[str, Any]) -> None:
    files = {"metadata": (None, json.dumps(metadata() | changes)), "scan": ("scan.x3p", tiny_scan())}
    answer = httpx.post(f"{node.url}/v1/records", headers=node.bearer, files=files, timeout=60, trust_env=False)
    assert answer.status_code == 201, answer.text


def _sign_in(node: Served, opened: Any) -> set[str]:
    """Accept an invitation and sign in as a browser does; returns all that must stay secret of it."""
    address = invite_user(opened, "examiner")
    invitation = address.rsplit("/", 1)[1]
    with httpx.Client(base_url=node.url, timeout=60, trust_env=False) as http:
        path = address.removeprefix(node.url)
        secret = re.findall(r'name="secret" value="([A-Z2-7]+)"', http.get(path).text)[0]
        code = pyotp.TOTP(secret).now()
        fields = {"secret": secret, "password": PASSWORD, "again": PASSWORD, "code": code}
        assert http.post(path, data=fields).status_code == 200
        wrong = {"pseudonym": "examiner", "password": f"{PASSWORD} not", "code": "000000"}
        assert http.post("/app/sign-in", data=wrong).status_code in (401, 403, 422, 429)
        following = pyotp.TOTP(secret).at(int(time.time()) + 30)
        right = {"pseudonym": "examiner", "password": PASSWORD, "code": following}
        assert http.post("/app/sign-in", data=right).status_code == 303
        csrf = re.findall(r'name="csrf" value="([0-9a-f]{64})"', http.get("/app/").text)[0]
        cookies = set(http.cookies.values())
    assert cookies
    return {invitation, secret, f'"{code}"', f'"{following}"', csrf, *cookies}


@pytest.mark.slow
@pytest.mark.parametrize(("form", "is_json"), [("json", True), ("console", False)])
def test_the_form_of_the_log_is_a_setting(form: str, is_json: bool) -> None:
    """In a process of its own, since it sets up logging for all of it; a trace shows no values."""
    program = f"""
import structlog
from exchange.cli.logs import configure_logs
configure_logs({form!r})
password = "hidden-" + "value"
try:
    raise ValueError("told")
except ValueError:
    structlog.get_logger("node").exception("it failed", peer="ffp-mk")
"""
    done = subprocess.run([command()[0], "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert "it failed" in done.stderr
    assert "ValueError: told" in done.stderr
    assert "hidden-value" not in done.stderr
    if is_json:
        [line] = done.stderr.splitlines()
        assert json.loads(line)["peer"] == "ffp-mk"
    else:
        with pytest.raises(ValueError):
            json.loads(done.stderr.splitlines()[0])
