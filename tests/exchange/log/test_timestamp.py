"""Time stamps made by ``openssl ts``: a good one is believed, by OpenSSL too, and every other has its reason."""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.errors import TimeStampRefused
from exchange.log.timestamp import MAX_REPLY_BYTES, make_request, parse_roots, verify_reply, with_ordered_certificates
from tests.exchange.log.authority import TIME_STAMPING, WEB_SERVER, Authority, altered

HEAD = b"ffp-rs.ffp-exchange/log\n7\nroot\n\n\xe2\x80\x94 two signatures\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "own")


@pytest.fixture(scope="module")
def roots(authority: Authority) -> tuple[x509.Certificate, ...]:
    return parse_roots(authority.roots.read_bytes())


@pytest.fixture(scope="module")
def good(authority: Authority) -> tuple[bytes, int | None]:
    """A reply, and the nonce that was asked with."""
    request = make_request(HEAD)
    return authority.reply(request.as_bytes()), request.nonce


Good = tuple[bytes, int | None]
Roots = tuple[x509.Certificate, ...]


def test_a_good_stamp_says_when_and_by_whom(authority: Authority, roots: Roots, good: Good) -> None:
    reply, nonce = good
    found = verify_reply(reply, HEAD, roots, nonce=nonce)
    assert found.reply == reply
    assert abs(found.at - datetime.now(UTC)) < timedelta(minutes=10)
    assert found.authority == "CN=Test signer"
    assert authority.accepts(reply, HEAD), "OpenSSL says otherwise"
    assert verify_reply(reply, HEAD, roots, nonce=None) == found, "as it is read again from the store"


def test_a_request_holds_the_digest_and_a_nonce_of_its_own() -> None:
    one, other = make_request(HEAD), make_request(HEAD)
    assert hashlib.sha256(HEAD).digest() in one.as_bytes()
    assert one.nonce != other.nonce
    assert one.cert_req


@pytest.mark.parametrize("chain", ["intermediate.pem", "chain.pem", "chain-backwards.pem"])
def test_certificates_may_come_in_any_order(tmp_path: Path, chain: str) -> None:
    """Their bytes are random: each authority has its own order, so several are tried."""
    for number in range(4):
        authority = Authority(tmp_path / str(number), chain=chain)
        request = make_request(HEAD)
        reply = authority.reply(request.as_bytes())
        roots = parse_roots(authority.roots.read_bytes())
        assert verify_reply(reply, HEAD, roots, nonce=request.nonce).authority == "CN=Test signer"
        ordered = with_ordered_certificates(reply)
        assert sorted(ordered) == sorted(reply)
        assert authority.accepts(ordered, HEAD), "the order is covered by no signature"


def test_a_stamp_of_another_head_is_refused(authority: Authority, roots: Roots, good: Good) -> None:
    reply, nonce = good
    with pytest.raises(TimeStampRefused, match="something else"):
        verify_reply(reply, HEAD + b" ", roots, nonce=nonce)
    request = make_request(HEAD)
    wrong = authority.reply(altered(request.as_bytes(), hashlib.sha256(HEAD).digest()))
    with pytest.raises(TimeStampRefused, match="something else"):
        verify_reply(wrong, HEAD, roots, nonce=request.nonce)


def test_an_answer_to_another_request_is_refused(authority: Authority, roots: Roots, good: Good) -> None:
    reply, nonce = good
    request = make_request(HEAD)
    assert request.nonce != nonce
    with pytest.raises(TimeStampRefused, match="Nonce"):
        verify_reply(reply, HEAD, roots, nonce=request.nonce)


def test_a_stamp_by_another_authority_is_refused(tmp_path: Path, authority: Authority, roots: Roots) -> None:
    """Of the same names: a name is no key."""
    request = make_request(HEAD)
    reply = Authority(tmp_path / "posing").reply(request.as_bytes())
    with pytest.raises(TimeStampRefused, match="says 'unable to get local issuer certificate'"):
        verify_reply(reply, HEAD, roots, nonce=request.nonce)
    assert not authority.accepts(reply, HEAD)


def test_roots_of_several_authorities_stand_side_by_side(tmp_path: Path, roots: Roots, good: Good) -> None:
    reply, nonce = good
    other = Authority(tmp_path / "other", "Another")
    both = parse_roots(other.roots.read_bytes() + b"\n" + other.roots.read_bytes()) + roots
    assert verify_reply(reply, HEAD, both, nonce=nonce).authority == "CN=Test signer"


def refused(authority: Authority, saying: str) -> None:
    request = make_request(HEAD)
    reply = authority.reply(request.as_bytes())
    with pytest.raises(TimeStampRefused, match=saying):
        verify_reply(reply, HEAD, parse_roots(authority.roots.read_bytes()), nonce=request.nonce)


def test_a_signer_that_is_not_for_time_stamps_is_refused(authority: Authority, roots: Roots, good: Good) -> None:
    reply, nonce = good
    with pytest.raises(TimeStampRefused, match="says 'unsuitable certificate purpose'"):
        verify_reply(authority.with_purpose(reply, WEB_SERVER), HEAD, roots, nonce=nonce)
    assert verify_reply(authority.with_purpose(reply, TIME_STAMPING), HEAD, roots, nonce=nonce)


def test_a_certificate_that_was_over_by_then_is_refused(tmp_path: Path) -> None:
    refused(Authority(tmp_path / "old", days_ago=30, days_left=-10), "says 'certificate has expired'")


def test_a_reply_without_the_signers_issuer_is_refused(tmp_path: Path) -> None:
    refused(Authority(tmp_path / "short", chain=""), "says 'unable to get local issuer certificate'")


def test_a_refusal_is_told_in_the_authoritys_words(tmp_path: Path) -> None:
    refused(Authority(tmp_path / "other-digests", digests="sha512"), "no stamp was granted: rejection, .*not supported")


@pytest.mark.parametrize("reply", [b"", b"0", b"\x30\x80", b"\x30\x84\xff\xff\xff\xff", b"<html></html>"])
def test_what_is_no_reply_is_refused(roots: Roots, reply: bytes) -> None:
    with pytest.raises(TimeStampRefused):
        verify_reply(reply, HEAD, roots, nonce=1)


def test_an_overlong_reply_is_refused_before_it_is_read(
    roots: Roots, good: Good, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unexpected(data: bytes) -> None:
        raise AssertionError("read")

    monkeypatch.setattr("exchange.log.timestamp.with_ordered_certificates", unexpected)
    with pytest.raises(TimeStampRefused, match="more than 65536 bytes"):
        verify_reply(good[0] + b"\0" * MAX_REPLY_BYTES, HEAD, roots, nonce=good[1])


def test_a_stamp_without_roots_is_refused(good: Good) -> None:
    with pytest.raises(TimeStampRefused):
        verify_reply(good[0], HEAD, (), nonce=good[1])


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(place=st.floats(0.0, 1.0), bit=st.integers(0, 7))
def test_a_flipped_bit_is_refused_or_changes_nothing(roots: Roots, good: Good, place: float, bit: int) -> None:
    """Not every byte of a reply is signed; those that are not say nothing of head, time or signer."""
    reply, nonce = good
    changed = bytearray(reply)
    changed[int(place * (len(reply) - 1))] ^= 1 << bit
    whole = verify_reply(reply, HEAD, roots, nonce=nonce)
    try:
        found = verify_reply(bytes(changed), HEAD, roots, nonce=nonce)
    except TimeStampRefused:
        return
    assert (found.at, found.authority) == (whole.at, whole.authority)


def test_whatever_is_cut_or_put_in_is_refused_and_nothing_else_happens(roots: Roots, good: Good) -> None:
    reply, nonce = good
    chance = random.Random(20)
    for _ in range(500):
        at, length = chance.randrange(len(reply)), chance.randrange(9)
        changed = reply[:at] + chance.randbytes(chance.randrange(9)) + reply[at + length :]
        if len(changed) != len(reply):
            with pytest.raises(TimeStampRefused):
                verify_reply(changed, HEAD, roots, nonce=nonce)


@pytest.mark.parametrize(
    "pem", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----"]
)
def test_roots_are_certificates(pem: bytes) -> None:
    with pytest.raises(ValueError):
        parse_roots(pem)


def test_roots_are_bounded(authority: Authority) -> None:
    assert len(parse_roots(authority.roots.read_bytes() * 100)) == 100
    with pytest.raises(ValueError, match="more than 100"):
        parse_roots(authority.roots.read_bytes() * 101)
