"""docs/verify-by-hand.md, followed to the letter: it accepts what is true, and refuses what is not."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exchange.clock import stamp
from exchange.errors import StatementInvalid
from exchange.flows.keys.rotate import replace_keys
from exchange.flows.log.publishing import publish_log
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.node.node import open_node
from exchange.flows.witness.bundle import verify_bundle
from exchange.log.timestamp import make_request
from exchange.net.message_signatures import sign_request, verify_request
from exchange.store.tables.log import CosignatureRow
from exchange.store.tables.record_tables import StatementRow
from exchange.store.witness.cosignatures import own_checkpoint
from exchange.trust.card import same_fingerprint
from exchange.trust.keys import ED25519, key_id, load_identity, raw_public
from schemas import KeyRole
from tests.exchange.flows.owner import READER, Owner, make_owner
from tests.exchange.flows.witness.bundles import LIES, made
from tests.exchange.log.authority import Authority

TOOLS = ("openssl", "jq", "xxd", "sha256sum", "base64", "expr")


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owner]:
    made = make_owner(tmp_path_factory.mktemp("owner") / "node")
    for _ in range(6):
        made.publish()
    yield made
    made.node.close()


@pytest.fixture(scope="module")
def script(root: Path) -> str:
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    assert not missing, f"install {', '.join(missing)}: the page needs them (Debian: openssl jq xxd coreutils)"
    page = (root / "docs/verify-by-hand.md").read_text(encoding="utf-8")
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", page, re.DOTALL | re.MULTILINE))


def follow(script: str, folder: Path, bundle: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    folder.mkdir(exist_ok=True)
    (folder / "bundle.json").write_text(json.dumps(bundle))
    return subprocess.run(["sh", "-c", script], cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("place", [0, 3, 5])
def test_a_true_bundle_is_accepted(owner: Owner, script: str, tmp_path: Path, place: int) -> None:
    """Wherever its leaf is: the tree of seven leaves has ways of different lengths."""
    bundle = made(owner, place)
    done = follow(script, tmp_path / "by-hand", bundle)
    assert done.returncode == 0, done.stdout + done.stderr
    by_ffp = verify_bundle(json.dumps(bundle).encode())
    assert f"statement id: {by_ffp.statement_id}" in done.stdout
    assert f"number {place + 1} of 7" in done.stdout
    [line] = [line for line in done.stdout.splitlines() if line.startswith("fingerprint of ffp-rs: ")]
    assert same_fingerprint(line.partition(": ")[2], by_ffp.fingerprint)


def replaced(owner: Owner, roles: tuple[KeyRole, ...], **changes: Any) -> None:
    """The owner's node is stopped, its keys are replaced, it is opened again."""
    replace_keys(owner.node, load_identity(owner.node.settings.keys), roles, **changes)
    owner.node.close()
    owner.node = open_node(owner.node.settings.home)


@pytest.mark.slow
def test_where_keys_were_replaced_each_record_is_verified_with_its_own(script: str, tmp_path: Path) -> None:
    """Before, between and after; and under the head that both pairs of log keys signed."""
    owner = make_owner(tmp_path / "node")
    owner.publish()
    replaced(owner, ("statement", "log"))
    sign_head(owner.node)
    at_the_change = made(owner, 0)
    owner.publish()
    replaced(owner, ("statement", "transport"))
    owner.publish()
    bundles = [at_the_change, *(made(owner, place) for place in range(3))]
    for number, bundle in enumerate(bundles):
        done = follow(script, tmp_path / f"true-{number}", bundle)
        assert done.returncode == 0, done.stdout + done.stderr
        assert verify_bundle(json.dumps(bundle).encode()).statement_id in done.stdout
    events = bundles[3]["key_events"]
    for number, told in enumerate(([], events[:1], events[::-1])):
        assert follow(script, tmp_path / f"false-{number}", bundles[3] | {"key_events": told}).returncode != 0
    owner.node.close()


@pytest.mark.slow
def test_what_a_stolen_key_signed_is_refused_and_what_came_before_is_not(script: str, tmp_path: Path) -> None:
    owner = make_owner(tmp_path / "node")
    for _ in range(2):
        owner.publish()
    with owner.node.store.write() as session:  # a peer cosigned up to the first record
        session.add(CosignatureRow(size=2, peer=READER, note=b"", timestamp=1, received_at=stamp()))
    replaced(owner, ("statement",), compromised=True, from_index=2)
    sign_head(owner.node)
    with owner.node.store.write() as session:  # an owner that gives it away all the same
        session.get_one(StatementRow, owner.published[1].statement_id).refused_by = None
    assert follow(script, tmp_path / "good", made(owner, 0)).returncode == 0
    stolen = made(owner, 1)
    assert follow(script, tmp_path / "stolen", stolen).returncode != 0
    with pytest.raises(StatementInvalid) as caught:
        verify_bundle(json.dumps(stolen).encode())
    assert caught.value.code == "key-compromised"
    owner.node.close()


def test_a_peers_acknowledgement_is_verified(owner: Owner, script: str, tmp_path: Path) -> None:
    key, now, head = owner.node.keys.transport, 1_700_000_000, "ab" * 32
    query = f"start=2&head={head}&known_size=0"
    name = key_id(ED25519, raw_public(key))
    signed = sign_request(key, name, method="GET", url=f"https://rs.example/v1/lane?{query}", body=None, now=now)
    proof = verify_request(
        method="GET",
        authority="rs.example",
        path="/v1/lane",
        query=query,
        headers=signed,
        body=None,
        now=now,
        key_for=lambda _: key.public_key(),
    ).proof
    for count, accepted in ((2, True), (3, False)):
        folder = tmp_path / str(count)
        folder.mkdir()
        receipt = {"count": count, "head": head, "at": stamp(), "request": proof.as_json()}
        (folder / "receipt.json").write_text(json.dumps(receipt))
        assert (follow(script, folder, made(owner, 0)).returncode == 0) is accepted
        receipt["request"] = {**proof.as_json(), "signature_base": proof.as_json()["signature_base"] + " "}
        (folder / "receipt.json").write_text(json.dumps(receipt))
        assert follow(script, folder, made(owner, 0)).returncode != 0


QUICKLY = ("a payload changed", "a card changed", "another index", "a bit of the head")
"""The others run with the slow tests; ``ffp verify`` is shown all of them each time."""


@pytest.mark.parametrize("lie", [pytest.param(lie, marks=() if lie in QUICKLY else pytest.mark.slow) for lie in LIES])
def test_what_is_not_true_is_refused(owner: Owner, script: str, tmp_path: Path, lie: str) -> None:
    bundle = LIES[lie].told(made(owner, 4), owner)
    assert follow(script, tmp_path / "by-hand", bundle).returncode != 0


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "own")


def stamped(owner: Owner, authority: Authority, folder: Path, size: int) -> None:
    """What the page asks for beside the bundle, of the head of this size."""
    folder.mkdir()
    with owner.node.store.read() as session:
        head = own_checkpoint(session, size)
    assert head is not None
    (folder / "stamped.note").write_bytes(head.note)
    (folder / "stamp.tsr").write_bytes(authority.reply(make_request(head.note).as_bytes()))
    (folder / "roots.pem").write_bytes(authority.roots.read_bytes())
    publish_log(owner.node, folder / "static")
    (folder / "leaves").write_bytes((folder / "static/tile/0/000.p/7").read_bytes()[: 32 * size])


@pytest.mark.slow
@pytest.mark.parametrize("size", [5, 6, 7])
def test_a_time_stamp_is_accepted(owner: Owner, script: str, authority: Authority, tmp_path: Path, size: int) -> None:
    """Of the bundle's own head, or of an earlier one that covers the record too."""
    stamped(owner, authority, tmp_path / "by-hand", size)
    done = follow(script, tmp_path / "by-hand", made(owner, 3))
    assert done.returncode == 0, done.stdout + done.stderr
    [line] = [line for line in done.stdout.splitlines() if line.startswith("there no later than ")]
    assert line.endswith(" GMT")


@pytest.mark.slow
def test_a_time_stamp_that_proves_nothing_is_refused(
    owner: Owner, script: str, authority: Authority, tmp_path: Path
) -> None:
    """Another head's, another authority's, one of before the record, and a tree that is not the stamped one's."""
    folder = tmp_path / "by-hand"
    stamped(owner, authority, folder, 6)
    good = {name: (folder / name).read_bytes() for name in ("stamped.note", "stamp.tsr", "roots.pem", "leaves")}
    stamped(owner, Authority(tmp_path / "posing"), tmp_path / "posed", 6)
    stamped(owner, authority, tmp_path / "other-head", 5)
    leaves = bytearray(good["leaves"])
    leaves[1] ^= 1
    lies = {
        "another head": {"stamp.tsr": (tmp_path / "other-head/stamp.tsr").read_bytes()},
        "another authority": {"stamp.tsr": (tmp_path / "posed/stamp.tsr").read_bytes()},
        "another tree": {"leaves": bytes(leaves)},
        "too few leaves": {"leaves": good["leaves"][:-32]},
        "a note that the log did not sign": {"stamped.note": good["stamped.note"].replace(b"\n6\n", b"\n7\n", 1)},
    }
    for lie, files in lies.items():
        for name, content in {**good, **files}.items():
            (folder / name).write_bytes(content)
        assert follow(script, folder, made(owner, 3)).returncode != 0, lie
    for name, content in good.items():
        (folder / name).write_bytes(content)
    assert follow(script, folder, made(owner, 3)).returncode == 0
    assert follow(script, folder, made(owner, 5)).returncode != 0, "the record came after the stamped head"
