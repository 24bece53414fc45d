"""Every signed example is read as the manifest says, and every reason has one."""

from __future__ import annotations

import ast
import base64
import inspect
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, get_args

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

import schemas
from exchange.errors import CheckpointInvalid, PeerMisbehaved, ProofInvalid, StatementInvalid
from exchange.flows.query.take import verify_query
from exchange.flows.statement.addressee import NOT_MEANT_FOR_US, LaneReader, check_meant_for
from exchange.flows.statement.heads import open_head
from exchange.flows.sync import verify_lane_page as page_flow
from exchange.flows.sync.verify_lane_page import Expected, verify_page
from exchange.flows.witness.witnessed import read_witnessed
from exchange.log.checkpoint import Checkpoint
from exchange.log.cosignature import Witness, verify_cosignature, witness_name
from exchange.log.note import parse_note
from exchange.trust.card import open_card
from exchange.trust.key_history import begin_history, extend_history, history_of
from exchange.trust.verify import VerificationReason, verify_statement
from schemas import (
    ContractError,
    HybridKey,
    open_envelope,
    parse_statement,
    parse_submission,
    statement_id,
    statement_payload,
)
from schemas.errors import ContractReason
from schemas.key_chain import parse_key_chain
from schemas.lane import parse_lane_page
from schemas.query_request import parse_query_request
from schemas.vocabulary import Jurisdiction
from schemas.witness import parse_witness_report, parse_witnessed_log
from tests.schemas import make_vectors

FOLDER = Path(schemas.__file__).parent / "vectors"
MANIFEST = json.loads((FOLDER / "manifest.json").read_bytes())
KEYS = {key["name"]: key for key in json.loads((FOLDER / "keys.json").read_bytes())["keys"]}
STATEMENT_KEY = HybridKey(
    ed25519=KEYS["ffp-rs statement ed25519"]["public"], ml_dsa=KEYS["ffp-rs statement ml-dsa-65"]["public"]
)
READERS_WITNESS = Witness(
    witness_name(MANIFEST["reader"]["node"]),
    Ed25519PublicKey.from_public_bytes(base64.b64decode(KEYS["ffp-mk witness ed25519"]["public"])),
    MLDSA44PublicKey.from_public_bytes(base64.b64decode(KEYS["ffp-mk witness ml-dsa-44"]["public"])),
)
CARD = begin_history(open_envelope((FOLDER / "good/key-event.json").read_bytes()))
Entry = dict[str, Any]


def content(entry: Entry) -> bytes:
    return (FOLDER / entry["file"]).read_bytes() + b" " * entry.get("append_spaces", 0)


def refusal(entry: Entry) -> str | None:
    """The reason for which the node's own code refuses the example, None when it takes it."""
    try:
        return _read(entry["read_as"], content(entry), entry)
    except ContractError as error:
        return error.reason
    except (StatementInvalid, ProofInvalid, PeerMisbehaved, CheckpointInvalid) as error:
        return error.code


def _read(read_as: str, raw: bytes, entry: Entry) -> str | None:
    match read_as:
        case "statement":
            keys = extend_history(CARD, (FOLDER / entry["after"]).read_bytes()) if "after" in entry else CARD
            verify_statement(raw, issuer=MANIFEST["issuer"], key=keys.statement_key(entry.get("log_index", 1)))
        case "key-event":
            extend_history(CARD, raw)
        case "key-chain":
            first, *later = map(base64.b64decode, parse_key_chain(raw).events)
            history_of(open_envelope(first), later)
        case "card":
            open_card(open_envelope(raw))
        case "submission":
            parse_submission(raw)
        case "lane-page":
            reader = MANIFEST["reader"]
            expected = Expected(
                keys=CARD,
                lane=reader["node"],
                start=reader["lane_start"],
                head=bytes.fromhex(reader["lane_head"]),
                known=None,
            )
            page = parse_lane_page(raw)
            verified = verify_page(page, expected)
            assert len(verified.accepted) + len(verified.poisoned) == sum(
                item.envelope is not None for item in page.items
            )
            for item in verified.accepted:
                check_meant_for(LaneReader(reader["node"], Jurisdiction(reader["jurisdiction"])), item.statement)
            return verified.poisoned[0].reason if verified.poisoned else None
        case "witness-report":
            report = parse_witness_report(raw)
            assert report.cosigned is not None
            cosigned = base64.b64decode(report.cosigned)
            open_head(cosigned, CARD)
            verify_cosignature(parse_note(cosigned), READERS_WITNESS)
        case "witnessed-log":
            known = Checkpoint(
                CARD.card.log_origin, MANIFEST["known"]["size"], bytes.fromhex(MANIFEST["known"]["root"])
            )
            found = read_witnessed(parse_witnessed_log(raw), known, CARD, {MANIFEST["reader"]["node"]: READERS_WITNESS})
            if found.contradicting:
                raise ProofInvalid("what was cosigned is another log")
            assert found.sizes == {MANIFEST["reader"]["node"]: 3}
        case "query-request":
            verify_query(parse_query_request(raw), CARD, MANIFEST["reader"]["node"])
        case other:
            pytest.fail(f"the manifest wants a vector read as {other}")
    return None


@pytest.mark.parametrize("entry", MANIFEST["vectors"], ids=lambda entry: entry["file"])
def test_read_as_the_manifest_says(entry: Entry) -> None:
    assert refusal(entry) == entry["expect"], entry["because"]


def test_manifest_names_every_file() -> None:
    present = {str(path.relative_to(FOLDER)) for folder in ("good", "bad") for path in (FOLDER / folder).iterdir()}
    assert present == {entry["file"] for entry in MANIFEST["vectors"]}


def test_every_reason_has_a_bad_example() -> None:
    wanted = {*get_args(ContractReason), *get_args(VerificationReason), *_codes_of_pages()}
    assert wanted - {entry["expect"] for entry in MANIFEST["vectors"]} == set()


def test_no_example_expects_a_reason_that_the_code_does_not_know() -> None:
    known = {*get_args(ContractReason), *get_args(VerificationReason), *_codes_of_pages(), None}
    assert {entry["expect"] for entry in MANIFEST["vectors"]} - known == set()


def _codes_of_pages() -> set[str]:
    """Every code that the verification of a lane's page, or of a cosigned head, raises, from its source."""
    codes = {PeerMisbehaved.code, ProofInvalid.code, CheckpointInvalid.code}
    for node in ast.walk(ast.parse(inspect.getsource(page_flow))):
        if isinstance(node, ast.keyword) and node.arg == "code":
            is_name = isinstance(node.value, ast.Name)
            codes.add(getattr(page_flow, node.value.id) if is_name else ast.literal_eval(node.value))
    return codes | {NOT_MEANT_FOR_US}


@pytest.mark.parametrize(
    "entry", [entry for entry in MANIFEST["vectors"] if "statement_id" in entry], ids=lambda e: e["file"]
)
def test_ids_and_bytes_of_statements_stay_as_they_are(entry: Entry) -> None:
    payload = open_envelope(content(entry)).payload
    assert statement_id(payload) == entry["statement_id"]
    if entry["file"] != "good/record-smallest.json":  # the one that leaves defaults out
        assert statement_payload(parse_statement(payload)) == payload


def test_examples_are_those_that_the_generator_makes() -> None:
    """But for ML-DSA's fresh randomness; run ``python -m tests.schemas.make_vectors`` after a wanted change."""
    made = make_vectors.make_files()
    assert made["keys.json"] == (FOLDER / "keys.json").read_bytes()
    assert _without_key_events(made["manifest.json"]) == _without_key_events((FOLDER / "manifest.json").read_bytes())
    for entry in MANIFEST["vectors"]:
        assert _lasting(made[entry["file"]]) == _lasting((FOLDER / entry["file"]).read_bytes()), entry["file"]


def _lasting(raw: bytes) -> list[bytes]:
    """What does not change from one making to the next: everything but signatures, and what hashes them."""
    try:
        envelope = open_envelope(raw)
    except ContractError:
        return [re.sub(rb'"[A-Za-z0-9+/=]{90,}"|"[0-9a-f]{64}"', b"", raw)]
    payload = envelope.payload
    if b'"type":"key-event"' in payload:  # it holds proofs, and the id of the event before
        payload = re.sub(rb'"[A-Za-z0-9+/=]{88}"|"[A-Za-z0-9+/=]{3000,}"|"[0-9a-f]{64}"', b"", payload)
    return [payload, *envelope.signatures]


def _without_key_events(manifest: bytes) -> bytes:
    """The manifest without the ids of key-events: their proofs are within what is hashed."""
    return re.sub(rb'("file": "good/key-[a-z]*.json",.*?"statement_id": )"[0-9a-f]{64}"', rb"\1", manifest, flags=re.S)


def test_openssl_alone_verifies_a_vector(tmp_path: Path) -> None:
    """Both signatures, with coreutils and OpenSSL; and it notices one altered bit in either, and in the payload."""
    _need_openssl_3_5()
    assert _verify_with_openssl("good/record.json").returncode == 0
    for file in ("bad/altered-ed25519.json", "bad/altered-ml-dsa.json", "bad/altered-payload.json"):
        assert _verify_with_openssl(file).returncode != 0, file
    shown = _verify_with_openssl("good/record.json").stdout
    entry = next(entry for entry in MANIFEST["vectors"] if entry["file"] == "good/record.json")
    assert entry["statement_id"] in shown


def _verify_with_openssl(file: str) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(FOLDER / "verify.sh"), str(FOLDER / file), STATEMENT_KEY.ed25519, STATEMENT_KEY.ml_dsa]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


def _need_openssl_3_5() -> None:
    reason = "OpenSSL >= 3.5 is not on PATH: the check with public tools alone DID NOT RUN"
    openssl = shutil.which("openssl")
    version = ""
    if openssl is not None:
        version = subprocess.run([openssl, "version"], capture_output=True, text=True, check=True, timeout=30).stdout
    found = re.match(r"OpenSSL (\d+)\.(\d+)", version)
    if found is None or (int(found[1]), int(found[2])) < (3, 5):
        pytest.skip(reason)
