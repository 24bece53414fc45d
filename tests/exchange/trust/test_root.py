"""The trust root: who must sign, how one version hands over to the next, and what is never believed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from securesystemslib.signer import CryptoSigner, SSlibKey
from tuf.api.metadata import Metadata, Root

from exchange.clock import now
from exchange.errors import ConfigurationError, InvalidInput, RootInvalid
from exchange.trust.ceremony import (
    combine_proposals,
    open_proposal,
    propose,
    publish_signed_round,
    sign_proposal,
    usual_threshold,
)
from exchange.trust.registry import RoundFiles, Trust, check_continues, verify_rounds
from exchange.trust.root import MAX_ROOT_BYTES, MAX_ROUNDS, RootReason, count_signatures, parse_root, verify_chain
from exchange.trust.root_files import read_rounds, write_rounds
from exchange.trust.root_keys import RootKey, create_root_key, load_root_signer, read_root_key
from schemas.errors import ContractReason
from schemas.vocabulary import Jurisdiction
from tests.exchange.trust.rounds import (
    AL,
    BA,
    LONG_AGO,
    ME,
    MK,
    RS,
    SIX,
    XK,
    Capitals,
    content_of,
    forged,
    new_signer,
    rounds_of,
    signed,
)

PASSPHRASE = "six words drawn by lot for tests"


@pytest.fixture(scope="module")
def first() -> tuple[Capitals, Trust]:
    """Six jurisdictions and their first round. Tests that replace a key make their own."""
    capitals = Capitals()
    return capitals, capitals.round()


def refused(call: Callable[..., object], *arguments: object, **more: object) -> str:
    with pytest.raises(RootInvalid) as caught:
        call(*arguments, **more)
    assert caught.value.code in (*get_args(RootReason), *get_args(ContractReason))
    return caught.value.code


def copy_of(raw: bytes) -> Metadata[Any]:
    copy: Metadata[Any] = Metadata.from_bytes(raw)
    return copy


# Who must sign.


def test_four_of_six_with_both_keys_are_enough() -> None:
    capitals = Capitals()
    trust = capitals.round(by=(AL, ME, RS, XK))
    assert (trust.version, trust.root.needed) == (1, 4)
    assert [member.jurisdiction for member in trust.root.members] == list(SIX)
    assert trust.root.metadata.signed.roles["root"].threshold == 8
    assert len(trust.root.metadata.signed.keys) == 12


def test_three_are_not(first: tuple[Capitals, Trust]) -> None:
    capitals, _ = first
    proposal = signed(capitals.proposed(), *(capitals.held[code] for code in (AL, ME, RS)))
    assert not proposal.complete
    assert refused(publish_signed_round, None, proposal) == "too-few-signatures"


def test_a_jurisdiction_with_one_of_its_two_keys_does_not_count(first: tuple[Capitals, Trust]) -> None:
    """TUF alone would be content: eight of twelve keys have signed, but only three jurisdictions with both."""
    capitals, _ = first
    proposal = signed(capitals.proposed(), *(capitals.held[code] for code in (AL, BA, ME)))
    copies = []
    for raw in (proposal.root.raw, proposal.registry.raw):
        copy = copy_of(raw)
        for code, which in ((MK, 0), (RS, 1)):
            copy.sign(capitals.held[code].signers[which], append=True)
        copies.append(copy.to_bytes())
    root = parse_root(copies[0])
    assert root.metadata.signed.get_verification_result("root", root.signed, root.metadata.signatures).verified
    tally = count_signatures(root.metadata, root.signed, root)
    assert (tally.keys, tally.complete, tally.half, tally.missing) == (8, (AL, BA, ME), (MK, RS), (XK,))
    assert not tally.good
    assert refused(verify_chain, [copies[0]]) == "too-few-signatures"
    assert refused(verify_rounds, [RoundFiles(*copies)]) == "too-few-signatures"


def test_the_registry_needs_as_many_as_the_root(first: tuple[Capitals, Trust]) -> None:
    _, trust = first
    registry = copy_of(trust.registry.raw)
    del registry.signatures[next(iter(registry.signatures))]
    assert refused(verify_rounds, [RoundFiles(trust.root.raw, registry.to_bytes())]) == "too-few-signatures"


def test_a_signature_that_stands_twice_is_refused(first: tuple[Capitals, Trust]) -> None:
    _, trust = first
    file = json.loads(trust.root.raw)
    file["signatures"].append(file["signatures"][0])
    assert refused(verify_chain, [json.dumps(file).encode()]) == "not-tuf"


def test_one_key_under_two_ids_is_refused() -> None:
    """Else whoever holds it would sign twice: the id must be the digest of the key, and its text the only one."""
    capitals = Capitals()
    raw = capitals.proposed().root.raw
    for change in (_another_id, _upper_case, _spaced_pem):
        content = content_of(raw)
        change(content)
        assert refused(parse_root, forged(content, capitals.held.values())) == "wrong-keys"


def _key_of(content: dict[str, Any], kind: str) -> str:
    return next(name for name, key in content["keys"].items() if key["keytype"] == kind)


def _renamed(content: dict[str, Any], old: str, new: str) -> None:
    content["keys"][new] = content["keys"].pop(old)
    for role in content["roles"].values():
        role["keyids"] = [new if name == old else name for name in role["keyids"]]


def _another_id(content: dict[str, Any]) -> None:
    _renamed(content, _key_of(content, "ed25519"), "0" * 64)


def _upper_case(content: dict[str, Any]) -> None:
    value = content["keys"][_key_of(content, "ed25519")]["keyval"]
    value["public"] = value["public"].upper()


def _spaced_pem(content: dict[str, Any]) -> None:
    content["keys"][_key_of(content, "ml-dsa")]["keyval"]["public"] += "\n"


def test_one_signature_under_all_key_ids_counts_once(first: tuple[Capitals, Trust]) -> None:
    capitals, trust = first
    ids = list(trust.root.metadata.signed.keys)
    assert refused(verify_chain, [forged(content_of(trust.root.raw), [capitals.held[AL]] * 6, ids)]) == (
        "too-few-signatures"
    )


def test_signatures_of_strangers_do_not_count(first: tuple[Capitals, Trust]) -> None:
    _, trust = first
    strangers = [new_signer() for _ in SIX]
    assert refused(verify_chain, [forged(content_of(trust.root.raw), strangers)]) == "too-few-signatures"


def test_signatures_of_something_else_do_not_count(first: tuple[Capitals, Trust]) -> None:
    _, trust = first
    altered = trust.root.raw.replace(b"2099-01-01", b"2199-01-01")
    assert altered != trust.root.raw
    assert refused(verify_chain, [altered]) == "too-few-signatures"


# How one version hands over to the next.


def test_a_chain_of_three_roots_with_a_key_replaced_and_a_jurisdiction_added() -> None:
    capitals = Capitals()
    one = capitals.round(by=(AL, BA, ME, MK))
    capitals.held[RS] = new_signer()
    two = capitals.round(one, by=(AL, BA, XK, MK))
    capitals.held[Jurisdiction.UA] = new_signer()
    three = capitals.round(two, by=(AL, RS, XK, MK, Jurisdiction.UA), needed=5)
    assert [root.version for root in three.roots] == [1, 2, 3]
    assert [len(root.members) for root in three.roots] == [6, 6, 7]
    assert verify_rounds(rounds_of(three)).fingerprint == three.fingerprint
    assert len({trust.fingerprint for trust in (one, two, three)}) == 3


def test_the_old_root_must_hand_over() -> None:
    """Whoever takes over four new keys of the new root has not the old ones (TUF 5.3.4)."""
    capitals = Capitals()
    before = capitals.round()
    old = dict(capitals.held)
    for code in (AL, BA, ME, MK):
        capitals.held[code] = new_signer()
    mutinous = signed(capitals.proposed(before), *(capitals.held[code] for code in (AL, BA, ME, MK)))
    assert refused(publish_signed_round, before, mutinous) == "too-few-signatures"
    agreed = signed(mutinous, *(old[code] for code in (AL, BA, ME, MK)))
    assert publish_signed_round(before, agreed).version == 2


def test_a_replaced_key_signs_no_longer() -> None:
    capitals = Capitals()
    before = capitals.round()
    old = capitals.held[RS]
    capitals.held[RS] = new_signer()
    by_old = signed(capitals.proposed(before), *(capitals.held[code] for code in (AL, BA, ME)), old)
    told = dict(by_old.tallies)
    assert told["root 2 under root 1"].good
    assert not told["root 2 under itself"].good
    assert refused(publish_signed_round, before, by_old) == "too-few-signatures"


@pytest.mark.slow
@pytest.mark.parametrize("order", [(1,), (0, 0), (1, 0), (0, 2), (0, 1, 1)])
def test_no_version_is_left_out_or_stands_twice(order: tuple[int, ...]) -> None:
    capitals = Capitals()
    three = capitals.round(capitals.round(capitals.round()))
    files = rounds_of(three)
    assert refused(verify_rounds, [files[place] for place in order]) == "wrong-version"


def test_root_and_registry_have_one_number() -> None:
    capitals = Capitals()
    two = capitals.round(capitals.round())
    one, other = rounds_of(two)
    assert refused(verify_rounds, [one, RoundFiles(other.root, one.registry)]) == "wrong-version"


def test_nothing_and_too_much_are_no_chain(first: tuple[Capitals, Trust]) -> None:
    _, trust = first
    assert refused(verify_chain, []) == "wrong-version"
    assert refused(verify_chain, [trust.root.raw] * (MAX_ROUNDS + 1)) == "wrong-version"


def test_root_expired_history_still_verifies() -> None:
    capitals = Capitals()
    old = capitals.round(capitals.round(expires=LONG_AGO), expires=LONG_AGO + timedelta(days=1))
    assert old.expires < now()
    again = verify_rounds(rounds_of(old))
    assert [root.expires for root in again.roots] == [LONG_AGO, LONG_AGO + timedelta(days=1)]
    assert capitals.round(again).version == 3, "and an expired root still hands over"


# What is installed goes on.


def test_a_round_never_goes_back() -> None:
    capitals = Capitals()
    one = capitals.round()
    two = capitals.round(one)
    check_continues(rounds_of(one), two)
    check_continues(rounds_of(two), two)
    assert refused(check_continues, rounds_of(two), one) == "rollback"


def test_another_history_is_refused_however_well_signed() -> None:
    """Two rounds of one number are two histories, as when enough keys were stolen."""
    capitals = Capitals()
    one = capitals.round()
    two = capitals.round(one)
    other = capitals.round(one, expires=LONG_AGO)
    assert refused(check_continues, rounds_of(two), other) == "another-history"
    assert refused(check_continues, rounds_of(two), capitals.round(other)) == "another-history"


def test_more_signatures_are_the_same_round() -> None:
    capitals = Capitals()
    proposal = capitals.proposed()
    few = publish_signed_round(None, signed(proposal, *(capitals.held[code] for code in (AL, BA, ME, MK))))
    all_six = publish_signed_round(None, signed(proposal, *capitals.held.values()))
    check_continues(rounds_of(few), all_six)
    assert few.fingerprint == all_six.fingerprint


# Bytes and forms.


def _threshold(content: dict[str, Any], threshold: object) -> None:
    for role in content["roles"].values():
        role["threshold"] = threshold


def _snapshot_by_one(content: dict[str, Any]) -> None:
    content["roles"]["snapshot"]["threshold"] = 2


def _targets_by_another(content: dict[str, Any]) -> None:
    content["roles"]["targets"]["keyids"] = content["roles"]["targets"]["keyids"][:10]


def _no_jurisdiction(content: dict[str, Any]) -> None:
    del content["keys"][_key_of(content, "ed25519")]["x-ffp-jurisdiction"]


def _unknown_jurisdiction(content: dict[str, Any]) -> None:
    content["keys"][_key_of(content, "ed25519")]["x-ffp-jurisdiction"] = "YU"


def _two_of_a_kind(content: dict[str, Any]) -> None:
    for key in content["keys"].values():
        if key["x-ffp-jurisdiction"] == "RS":
            key["x-ffp-jurisdiction"] = "AL"


def _one_key_only(content: dict[str, Any]) -> None:
    left_out = _key_of(content, "ml-dsa")
    del content["keys"][left_out]
    for role in content["roles"].values():
        role["keyids"].remove(left_out)


def _elliptic(content: dict[str, Any]) -> None:
    key = SSlibKey.from_crypto(ec.generate_private_key(ec.SECP256R1()).public_key())
    old = _key_of(content, "ml-dsa")
    content["keys"][old] = {**key.to_dict(), "x-ffp-jurisdiction": content["keys"][old]["x-ffp-jurisdiction"]}
    _renamed(content, old, key.keyid)


def _no_key(content: dict[str, Any]) -> None:
    content["keys"][_key_of(content, "ed25519")]["keyval"]["public"] = "ab"


def _no_pem(content: dict[str, Any]) -> None:
    content["keys"][_key_of(content, "ml-dsa")]["keyval"]["public"] = "-----BEGIN PUBLIC KEY-----"


def _set(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        content[name] = value

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda content: _threshold(content, 7), "wrong-threshold"),
        (lambda content: _threshold(content, 6), "wrong-threshold"),  # two groups of three could both reach it
        (lambda content: _threshold(content, 14), "wrong-threshold"),  # nobody ever could
        (lambda content: _threshold(content, True), "wrong-threshold"),
        (lambda content: _threshold(content, 0), "not-tuf"),
        (lambda content: _threshold(content, "8"), "not-tuf"),
        (_snapshot_by_one, "wrong-keys"),
        (_targets_by_another, "wrong-keys"),
        (_no_jurisdiction, "wrong-keys"),
        (_unknown_jurisdiction, "wrong-keys"),
        (_two_of_a_kind, "wrong-keys"),
        (_one_key_only, "wrong-keys"),
        (_elliptic, "wrong-keys"),
        (_no_key, "wrong-keys"),
        (_no_pem, "wrong-keys"),
        (_set("keys", {}), "wrong-keys"),
        (_set("version", True), "wrong-version"),
        (_set("version", 10**9), "wrong-version"),
        (_set("version", 0), "not-tuf"),
        (_set("version", "1"), "not-tuf"),
        (_set("spec_version", "2.0"), "not-tuf"),
        (_set("expires", "never"), "not-tuf"),
        (_set("roles", {}), "not-tuf"),
        (_set("_type", "snapshot"), "not-tuf"),
    ],
)
def test_a_root_out_of_order_is_refused_however_well_signed(
    first: tuple[Capitals, Trust], change: Callable[[dict[str, Any]], None], reason: str
) -> None:
    capitals, trust = first
    content = content_of(trust.root.raw)
    change(content)
    assert refused(verify_chain, [forged(content, capitals.held.values())]) == reason


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "not-json"),
        (b"{}", "not-tuf"),
        (b"[]", "not-tuf"),
        (b"null", "not-tuf"),
        (b'{"signed": 1, "signatures": []}', "not-tuf"),
        (b'{"signed": {"_type": ["root"]}, "signatures": []}', "not-tuf"),
        (b"\xef\xbb\xbf{}", "not-json"),
        (b'{"signed": NaN}', "not-json"),
        (b'{"signed": {}, "signed": {}}', "duplicate-key"),
        (b"[" * 5_000 + b"]" * 5_000, "too-deep"),
        (b" " * (MAX_ROOT_BYTES + 1), "too-large"),
        (b"[" + b"0," * 100_000 + b"0]", "too-large"),
    ],
)
def test_hostile_bytes_are_refused(raw: bytes, reason: str) -> None:
    assert refused(verify_chain, [raw]) == reason
    assert refused(verify_rounds, [RoundFiles(raw, raw)]) == reason


@pytest.mark.parametrize("value", [b"0.5", b'"\\ud800"', b"1e400"])
def test_what_has_no_canonical_form_is_refused(first: tuple[Capitals, Trust], value: bytes) -> None:
    """It could not be signed, so nobody signed it."""
    _, trust = first
    raw = trust.root.raw.replace(b'"_type": "root"', b'"more": ' + value + b',\n  "_type": "root"')
    assert raw != trust.root.raw
    assert refused(verify_chain, [raw]) in ("not-tuf", "not-json")


def test_fields_that_are_not_known_are_signed_like_the_others(first: tuple[Capitals, Trust]) -> None:
    capitals, trust = first
    content = {**content_of(trust.root.raw), "x-later": {"a": [1, None, "ć"]}}
    raw = forged(content, capitals.held.values())
    assert verify_chain([raw])[0].metadata.signed.unrecognized_fields == {"x-later": {"a": [1, None, "ć"]}}
    assert refused(verify_chain, [raw.replace(b'"a"', b'"b"')]) == "too-few-signatures"


# The ceremony's own refusals.


def test_a_key_pair_of_nobody_cannot_sign(first: tuple[Capitals, Trust]) -> None:
    capitals, _ = first
    with pytest.raises(InvalidInput, match="neither"):
        sign_proposal(capitals.proposed(), new_signer())


def test_a_copy_of_another_proposal_is_not_combined(first: tuple[Capitals, Trust]) -> None:
    capitals, _ = first
    _, other = sign_proposal(capitals.proposed(expires=LONG_AGO), capitals.held[AL])
    assert refused(combine_proposals, capitals.proposed(), other) == "another-history"


def test_a_copy_with_a_bad_signature_is_not_combined(first: tuple[Capitals, Trust]) -> None:
    capitals, _ = first
    proposal = capitals.proposed()
    _, copy = sign_proposal(proposal, capitals.held[AL])
    root = copy_of(copy.root)
    one = next(iter(root.signatures.values()))
    one.signature = one.signature[::-1]
    assert refused(combine_proposals, proposal, RoundFiles(root.to_bytes(), copy.registry)) == "too-few-signatures"
    root.signatures.clear()
    root.sign(CryptoSigner(Ed25519PrivateKey.generate()))
    assert refused(combine_proposals, proposal, RoundFiles(root.to_bytes(), copy.registry)) == "too-few-signatures"


def test_a_good_signature_takes_the_place_of_one_that_was_damaged(first: tuple[Capitals, Trust]) -> None:
    capitals, _ = first
    proposal = capitals.proposed()
    copies = [sign_proposal(proposal, capitals.held[code])[1] for code in (AL, BA, ME, MK)]
    damaged = copy_of(copies[0].root)
    for one in damaged.signatures.values():
        one.signature = one.signature[::-1]
    proposal = open_proposal(RoundFiles(damaged.to_bytes(), copies[0].registry), None)
    for copy in copies:
        assert not proposal.complete
        proposal = combine_proposals(proposal, copy)
    assert proposal.complete


def test_a_threshold_that_two_groups_could_reach_is_not_proposed(first: tuple[Capitals, Trust]) -> None:
    capitals, _ = first
    assert refused(capitals.proposed, needed=3) == "wrong-threshold"
    assert [usual_threshold(members) for members in range(1, 9)] == [1, 2, 2, 3, 4, 4, 5, 6]


def test_two_keys_of_one_jurisdiction_are_not_proposed(first: tuple[Capitals, Trust]) -> None:
    capitals, _ = first
    another = RootKey(jurisdiction=RS, key=new_signer().keys.public)
    with pytest.raises(InvalidInput, match="one jurisdiction"):
        propose(None, keys=[*capitals.public(), another], needed=4, nodes=(), time_stamping=(), expires=LONG_AGO)


# Keys and folders.


def test_private_root_keys_are_encrypted_and_private(tmp_path: Path) -> None:
    public = create_root_key(tmp_path / "key", XK, PASSPHRASE)
    assert read_root_key(tmp_path / "key" / "XK.json") == public
    assert load_root_signer(tmp_path / "key", PASSPHRASE).keys.public == public.key
    for path in (tmp_path / "key").glob("*.pem"):
        assert path.stat().st_mode & 0o077 == 0
        assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
        with pytest.raises(TypeError):
            load_pem_private_key(path.read_bytes(), None)
    with pytest.raises(InvalidInput, match="passphrase is wrong"):
        load_root_signer(tmp_path / "key", PASSPHRASE + ".")
    with pytest.raises(ConfigurationError, match="never overwritten"):
        create_root_key(tmp_path / "key", XK, PASSPHRASE)
    with pytest.raises(InvalidInput, match="20"):
        create_root_key(tmp_path / "short", XK, "too short")
    assert not (tmp_path / "short").exists()


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"jurisdiction": "YU", "key": {}}', b'{"a": 1, "a": 2}', b" " * 20_000]
)
def test_what_is_no_public_root_key(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "RS.json").write_bytes(content)
    with pytest.raises(InvalidInput, match="no root key"):
        read_root_key(tmp_path / "RS.json")


def test_a_folder_holds_whole_rounds_and_keeps_what_it_has(tmp_path: Path) -> None:
    capitals = Capitals()
    one = capitals.round()
    write_rounds(tmp_path / "root", one)
    first_bytes = (tmp_path / "root" / "1.root.json").read_bytes()
    proposal = signed(capitals.proposed(one), *capitals.held.values())
    two = publish_signed_round(one, proposal)
    write_rounds(tmp_path / "root", two)
    assert (tmp_path / "root" / "1.root.json").read_bytes() == first_bytes
    assert sorted(path.name for path in (tmp_path / "root").iterdir()) == [
        "1.root.json",
        "1.targets.json",
        "2.root.json",
        "2.targets.json",
    ]
    (tmp_path / "root" / "2.root.json").unlink()  # a crash before the last rename
    assert verify_rounds(read_rounds(tmp_path / "root")).version == 1
    (tmp_path / "root" / "1.targets.json").unlink()
    with pytest.raises(ConfigurationError, match=r"1\.targets\.json"):
        read_rounds(tmp_path / "root")


def test_a_file_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    with (tmp_path / "1.root.json").open("wb") as file:
        file.truncate(2**40)
    (tmp_path / "1.targets.json").write_bytes(b"{}")
    assert refused(verify_rounds, read_rounds(tmp_path)) == "too-large"


def test_any_tuf_tool_reads_the_root(first: tuple[Capitals, Trust], tmp_path: Path) -> None:
    """python-tuf's own check of the same file, with nothing of this project."""
    _, trust = first
    (tmp_path / "root.json").write_bytes(trust.root.raw)
    plain: Metadata[Root] = Metadata.from_file(str(tmp_path / "root.json"))
    plain.signed.verify_delegate("root", plain.signed_bytes, plain.signatures)
    registry = copy_of(trust.registry.raw)
    plain.signed.verify_delegate("targets", registry.signed_bytes, registry.signatures)
