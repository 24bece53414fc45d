"""Signed requests and answers: the published examples, and a refusal for whatever differs."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.errors import DigestDiffers, KeyUnknown, RequestExpired, RequestRefused, SignatureInvalid
from exchange.net import message_signatures as ms

NOW = 1_700_000_000
RS = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
MK = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
RS_ID, MK_ID = "ed25519:rs", "ed25519:mk"
KEYS = {RS_ID: RS.public_key(), MK_ID: MK.public_key()}
URL = "https://mk.example/v1/lane?start=3&head=00ff"
BODY = b'{"receipt": 1}'
NONCE = "0123456789abcdef0123456789abcdef"


def sign(**change: Any) -> dict[str, str]:
    return ms.sign_request(
        RS, RS_ID, **({"method": "GET", "url": URL, "body": None, "now": NOW, "nonce": NONCE} | change)
    )


def verify(headers: Any, **change: Any) -> ms.VerifiedRequest:
    request = {
        "method": "GET",
        "authority": "mk.example",
        "path": "/v1/lane",
        "query": "start=3&head=00ff",
        "headers": headers,
        "body": None,
        "now": NOW,
        "key_for": KEYS.get,
    }
    return ms.verify_request(**(request | change))


# The published examples


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_rfc_9421_b_2_6_is_reproduced() -> None:
    key = Ed25519PrivateKey.from_private_bytes(decoded("n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU"))
    assert key.public_key().public_bytes_raw() == decoded("JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs")
    values = {
        '"date"': "Tue, 20 Apr 2021 02:07:55 GMT",
        '"@method"': "POST",
        '"@path"': "/foo",
        '"@authority"': "example.com",
        '"content-type"': "application/json",
        '"content-length"': "18",
    }
    parameters = f'({" ".join(values)});created=1618884473;keyid="test-key-ed25519"'
    signature = key.sign(ms.signature_base(values, values, parameters))
    assert base64.b64encode(signature).decode() == (
        "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
    )


def test_rfc_9421_2_4_an_answer_bound_to_its_request_verifies() -> None:
    """The example is signed with ECDSA: only the signature base is ours."""
    point = (
        b"\x04"
        + decoded("qIVYZVLCrPZHGHjP17CTW0_-D9Lfw0EkjqF7xB4FivA")
        + decoded("Mc4nN9LTDOBhfoUeg8Ye9WedFRhnZXZJA12Qp0zZ6F0")
    )
    raw = base64.b64decode("mh17P4TbYYBmBwsXPT4nsyVzW4Rp9Fb8WcvnfqKCQLoMvzOBLD/n32tL/GPW6XE5GAS5bdsg1khK6lBzV1Cx/Q==")
    request_signature = (
        ":LAH8BjcfcOcLojiuOBFWn0P5keD3xAOuJRGziCLuD8r5MW9S0RoXXLzLSRfGY/3SF8kVIkHjE13SEFdTo4Af/fJ/Pu9wheqoLVdwXyY/"
        "UkBIS1M8Brc8IODsn5DFIrG0IrburbLi0uCc+E2ZIIb6HbUJ+o+jP58JelMTe0QE3IpWINTEzpxjqDf5/Df+InHCAkQCTuKsamjWXUpyOT1W"
        "kxi7YPVNOjW4MfNuTZ9HdbD2Tr65+BXeTG9ZS/9SWuXAc+BZ8WyPz0QRz//ec3uWXd7bYYODSjRAxHqX+S1ag3LZElYyUKaAIjZ8MGOt4gXE"
        "wCSLDv/zqxZeWLj/PDkn6w==:"
    )
    components = [
        '"@status"',
        '"content-length"',
        '"content-type"',
        '"signature";req;key="sig1"',
        '"@authority";req',
        '"@method";req',
    ]
    values = {
        '"@status"': "503",
        '"content-length"': "62",
        '"content-type"': "application/json",
        '"signature";key="sig1";req': request_signature,
        '"@authority";req': "example.com",
        '"@method";req': "POST",
    }
    base = ms.signature_base(
        components, values, f'({" ".join(components)});created=1618884479;keyid="test-key-ecc-p256"'
    )
    key = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key.verify(der, base, ECDSA(SHA256()))


def test_a_request_signs_these_bytes() -> None:
    """The whole profile, put together by hand."""
    headers = sign(method="POST", body=BODY)
    parameters = (
        '("@method" "@authority" "@path" "@query" "content-digest");created=1700000000;expires=1700000060'
        f';nonce="{NONCE}";keyid="ed25519:rs";tag="ffp-node-v1"'
    )
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(BODY).digest()).decode()}:"
    assert headers["Signature-Input"] == f"ffp={parameters}"
    assert headers["Content-Digest"] == digest
    base = (
        '"@method": POST\n"@authority": mk.example\n"@path": /v1/lane\n"@query": ?start=3&head=00ff\n'
        f'"content-digest": {digest}\n"@signature-params": {parameters}'
    )
    signature = base64.b64decode(headers["Signature"].removeprefix("ffp=:").removesuffix(":"))
    RS.public_key().verify(signature, base.encode())


def test_an_answer_signs_these_bytes() -> None:
    asked = sign()
    request = verify(asked).request
    headers = ms.sign_response(MK, MK_ID, status=200, body=BODY, request=request, now=NOW)
    parameters = (
        '("@status" "content-digest" "@method";req "@authority";req "@path";req "@query";req "signature";key="ffp";req)'
        ';created=1700000000;expires=1700000060;keyid="ed25519:mk";tag="ffp-node-v1"'
    )
    assert headers["Signature-Input"] == f"ffp={parameters}"
    base = (
        f'"@status": 200\n"content-digest": {headers["Content-Digest"]}\n'
        '"@method";req: GET\n"@authority";req: mk.example\n"@path";req: /v1/lane\n"@query";req: ?start=3&head=00ff\n'
        f'"signature";key="ffp";req: {asked["Signature"].removeprefix("ffp=")}\n"@signature-params": {parameters}'
    )
    signature = base64.b64decode(headers["Signature"].removeprefix("ffp=:").removesuffix(":"))
    MK.public_key().verify(signature, base.encode())


# Requests


def test_a_signed_request_is_verified() -> None:
    verified = verify(sign())
    assert verified == ms.VerifiedRequest(
        ms.SignedRequest("GET", "mk.example", "/v1/lane", "start=3&head=00ff", verified.request.signature),
        nonce=NONCE,
        created=NOW,
        expires=NOW + 60,
        proof=verified.proof,
    )
    assert verified.key_id == RS_ID


def test_what_was_verified_proves_itself_to_others() -> None:
    proof = verify(sign()).proof
    RS.public_key().verify(proof.signature, proof.base)
    assert proof.query == "start=3&head=00ff"
    proof.verify(RS.public_key())
    for other in (proof.base.replace(b"start=3", b"start=4"), proof.base + b" "):
        with pytest.raises(SignatureInvalid):
            dataclasses.replace(proof, base=other).verify(RS.public_key())


FIELDS = {"FFP-Contract": "1.0", "Range": "bytes=5-", "If-Range": '"00"', "If-None-Match": "*", "Content-Type": "a/b"}


def test_each_field_by_which_a_route_decides_is_covered() -> None:
    assert {name.lower() for name in FIELDS} == set(ms.COVERED_FIELDS)
    headers = sign(fields=FIELDS)
    assert verify(headers).key_id == RS_ID
    for name in FIELDS:
        without = {title: value for title, value in headers.items() if title != name}
        for altered in (without, headers | {name: "bytes=0-"}, headers | {name: ""}, headers | {name: "é"}):
            with pytest.raises(SignatureInvalid):
                verify(altered)
        with pytest.raises(SignatureInvalid, match="must cover"):
            verify(sign() | {name: FIELDS[name]})
        with pytest.raises(SignatureInvalid, match="must stand once"):
            verify(Repeated([*headers.items(), (name.lower(), FIELDS[name])]))


def test_a_request_with_a_body_is_verified() -> None:
    assert verify(sign(method="POST", body=BODY), method="POST", body=BODY).key_id == RS_ID


def test_a_body_may_be_read_after_its_signature() -> None:
    digest = hashlib.sha256(BODY).digest()
    headers = sign(method="POST", body=None, body_sha256=digest)
    assert headers == sign(method="POST", body=BODY), "as if it had been in memory"
    asked: dict[str, Any] = {
        "method": "POST",
        "authority": "mk.example",
        "path": "/v1/lane",
        "query": "start=3&head=00ff",
        "headers": headers,
        "now": NOW,
        "key_for": KEYS.get,
    }
    verified, wanted = ms.verify_request_head(**asked)
    assert wanted == digest
    assert verified == verify(headers, method="POST", body=BODY)
    with pytest.raises(SignatureInvalid):
        ms.verify_request_head(**asked | {"headers": sign(method="POST", body=None)})
    other = headers | {"Content-Digest": f"sha-256=:{base64.b64encode(bytes(32)).decode()}:"}
    with pytest.raises(SignatureInvalid):
        ms.verify_request_head(**asked | {"headers": other})


@pytest.mark.parametrize("empty", [None, b""])
def test_an_empty_body_is_no_body(empty: bytes | None) -> None:
    headers = sign(body=empty)
    assert "Content-Digest" not in headers
    assert verify(headers, body=b"").key_id == RS_ID


def test_every_request_has_a_nonce_of_its_own() -> None:
    nonces = {verify(sign(nonce=None)).nonce for _ in range(50)}
    assert len(nonces) == 50
    assert all(re.fullmatch("[0-9a-f]{32}", nonce) for nonce in nonces)


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://MK.Example/x", "mk.example"),
        ("https://mk.example:443/x", "mk.example"),
        ("http://mk.example:80/x", "mk.example"),
        ("http://mk.example:443/x", "mk.example:443"),
        ("http://127.0.0.1:8101/x", "127.0.0.1:8101"),
        ("http://[::1]:8101/x", "[::1]:8101"),
    ],
)
def test_the_authority_is_that_of_the_url_without_the_default_port(url: str, authority: str) -> None:
    assert ms.authority_of(url) == authority
    path = httpx.URL(url).path
    assert verify(sign(url=url), authority=authority, path=path, query="").request.authority == authority


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8101/v1/lane?",
        "http://127.0.0.1:8101/v1/lane?start=0&asks=1,2,3",
        "http://127.0.0.1:8101/v1/log/tile/0/x001/234.p/5",
        "http://127.0.0.1:8101/v1/x#part",
    ],
)
def test_what_is_signed_is_what_httpx_sends(url: str) -> None:
    def receive(request: httpx.Request) -> httpx.Response:
        path, _, query = request.url.raw_path.decode().partition("?")
        verified = ms.verify_request(
            method=request.method,
            authority=request.headers["host"],
            path=path,
            query=query,
            headers=request.headers,
            body=request.content,
            now=NOW,
            key_for=KEYS.get,
        )
        headers = ms.sign_response(MK, MK_ID, status=200, body=BODY, request=verified.request, now=NOW)
        return httpx.Response(200, headers=headers, content=BODY)

    asked = sign(method="POST", url=url, body=BODY)
    with httpx.Client(transport=httpx.MockTransport(receive)) as client:
        answer = client.post(url, headers=asked, content=BODY)
    ms.verify_response(
        MK.public_key(),
        status=answer.status_code,
        headers=answer.headers,
        body=answer.content,
        request_method="POST",
        request_url=url,
        request_headers=asked,
        now=NOW,
    )


@pytest.mark.parametrize(
    "change",
    [
        {"method": "POST"},
        {"method": "HEAD"},
        {"authority": "rs.example"},
        {"authority": "mk.example:8443"},
        {"path": "/v1/lane/news"},
        {"path": "/V1/lane"},
        {"query": "start=4&head=00ff"},
        {"query": "head=00ff&start=3"},
        {"query": ""},
    ],
)
def test_another_request_with_the_same_signature_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(SignatureInvalid, match="altered"):
        verify(sign(), **change)


def test_the_query_and_the_path_cannot_be_moved_into_each_other() -> None:
    headers = sign(url="https://mk.example/a?b=c")
    with pytest.raises(SignatureInvalid):
        verify(headers, path="/a?b=c", query="")


@pytest.mark.parametrize(
    "change",
    [
        {"method": "get"},
        {"method": "GET\n"},
        {"method": ""},
        {"authority": ""},
        {"authority": "mk.example\n"},
        {"path": ""},
        {"path": "v1/lane"},
        {"path": '/v1/lane\n"@query": ?'},
        {"path": "/v1/la ne"},
        {"path": "/v1/läne"},
        {"path": "/"},
        {"path": "/v1/%6Cane"},
        {"path": "/v1/%6cane"},
        {"path": "/v1//lane"},
        {"path": "//v1/lane"},
        {"path": "/v1/lane/"},
        {"path": "/v1/./lane"},
        {"path": "/v1/x/../lane"},
        {"path": "/v1/.."},
        {"path": "/v1/lane;x=1"},
        {"path": "/v1/lane#"},
        {"path": "/v1/lane?start=3"},
        {"authority": "MK.example"},
        {"authority": "mk.example/v1"},
        {"query": "a b"},
        {"query": "a\n"},
        {"query": "?start=3&head=00ff"},
        {"query": "start=3&start=4"},
        {"query": "start=%33"},
        {"query": "st%61rt=3"},
        {"query": "start=3+4"},
        {"query": "start=3;head=00ff"},
        {"query": "start=3&"},
        {"query": "&start=3"},
        {"query": "start"},
        {"query": "Start=3"},
    ],
)
def test_a_target_in_another_spelling_than_the_one_is_refused(change: dict[str, str]) -> None:
    """Also with a good signature over it: it could be read as another request."""
    with pytest.raises(SignatureInvalid, match=r"method|authority|path|query"):
        verify(sign(), **change)
    target = {"authority": "mk.example", "path": "/v1/lane", "query": "start=3&head=00ff", "method": "GET"} | change
    values = {f'"@{name}"': target[name] for name in ("method", "authority", "path")}
    values['"@query"'] = f"?{target['query']}"
    base = "\n".join([*(f"{name}: {value}" for name, value in values.items()), f'"@signature-params": {INPUT}'])
    signature = base64.b64encode(RS.sign(base.encode())).decode()
    with pytest.raises(SignatureInvalid, match=r"method|authority|path|query"):
        verify({"Signature-Input": f"ffp={INPUT}", "Signature": f"ffp=:{signature}:"}, **change)


def test_an_altered_body_is_refused() -> None:
    headers = sign(method="POST", body=BODY)
    with pytest.raises(DigestDiffers):
        verify(headers, method="POST", body=BODY + b" ")


def test_an_altered_body_with_its_digest_is_refused() -> None:
    headers = sign(method="POST", body=BODY)
    other = sign(method="POST", body=b"other", nonce=None)["Content-Digest"]
    with pytest.raises(SignatureInvalid, match="altered"):
        verify(headers | {"Content-Digest": other}, method="POST", body=b"other")


def test_a_body_taken_away_or_put_in_is_refused() -> None:
    with pytest.raises(SignatureInvalid, match="must cover"):
        verify(sign(method="POST", body=BODY), method="POST", body=None)
    with pytest.raises(SignatureInvalid, match="content-digest must stand once"):
        verify(sign(), body=BODY)
    digest = sign(method="POST", body=BODY)["Content-Digest"]
    with pytest.raises(SignatureInvalid, match="must cover"):
        verify(sign() | {"Content-Digest": digest}, body=BODY)


@pytest.mark.parametrize("field", ["", "sha-256=:é:", "sha-512=:AAAA:", "md5=:AAAA:"])
def test_a_digest_in_another_form_is_refused(field: str) -> None:
    with pytest.raises(DigestDiffers):
        verify(sign(method="POST", body=BODY) | {"Content-Digest": field}, method="POST", body=BODY)


@pytest.mark.parametrize("now", [NOW - 30, NOW, NOW + 60, NOW + 90])
def test_clocks_may_differ_a_little(now: int) -> None:
    assert verify(sign(), now=now).expires + ms.MAX_SKEW_S >= now


@pytest.mark.parametrize(
    ("now", "clock"),
    [(NOW - 31, "2023-11-14T22:12:49Z"), (NOW + 91, "2023-11-14T22:14:51Z"), (0, "1970-01-01T00:00:00Z")],
)
def test_a_request_that_is_late_or_early_is_refused_and_told_both_clocks(now: int, clock: str) -> None:
    with pytest.raises(RequestExpired) as refused:
        verify(sign(), now=now)
    assert "2023-11-14T22:13:20Z" in str(refused.value)
    assert clock in str(refused.value)


def test_the_nonce_is_remembered_for_as_long_as_the_request_is_taken() -> None:
    remember_until = verify(sign()).expires + ms.MAX_SKEW_S
    verify(sign(), now=remember_until)
    with pytest.raises(RequestExpired):
        verify(sign(), now=remember_until + 1)


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(KeyUnknown, match="ed25519:rs"):
        verify(sign(), key_for={MK_ID: MK.public_key()}.get)


def test_the_key_of_another_node_under_this_id_is_refused() -> None:
    with pytest.raises(SignatureInvalid, match="altered"):
        verify(sign(), key_for={RS_ID: MK.public_key()}.get)


# The form, with a forger who has the key: everything below carries a good signature over what it covers

INPUT = (
    '("@method" "@authority" "@path" "@query");created=1700000000;expires=1700000060'
    f';nonce="{NONCE}";keyid="ed25519:rs";tag="ffp-node-v1"'
)
VALUES = {
    '"@method"': "GET",
    '"@authority"': "mk.example",
    '"@path"': "/v1/lane",
    '"@query"': "?start=3&head=00ff",
    '"@status"': "200",
    '"content-digest"': "sha-256=:AAAA:",
    '"@method";req': "GET",
    '"host"': "mk.example",
    '"@scheme"': "https",
}


def forged(signature_params: str, *, label: str = "ffp") -> dict[str, str]:
    listed = signature_params.removeprefix("(").partition(")")[0]
    components = [component for component in listed.split(" ") if component]
    lines = [f"{component}: {VALUES.get(component, 'GET')}" for component in components]
    base = "\n".join([*lines, f'"@signature-params": {signature_params}'])
    signature = base64.b64encode(RS.sign(base.encode())).decode()
    return {"Signature-Input": f"{label}={signature_params}", "Signature": f"{label}=:{signature}:"}


def test_the_forger_of_the_next_tests_passes_with_the_form_as_it_must_be() -> None:
    assert verify(forged(INPUT)) == verify(sign())


@pytest.mark.parametrize(
    "signature_params",
    [
        INPUT.replace('"@method" "@authority"', '"@authority" "@method"'),
        INPUT.replace(f';nonce="{NONCE}"', "").replace(';tag="ffp-node-v1"', f';tag="ffp-node-v1";nonce="{NONCE}"'),
        INPUT + ';alg="ed25519"',
        INPUT.replace("1700000060", "1700000000"),
    ],
)
def test_another_order_the_algorithm_and_a_shorter_life_are_taken(signature_params: str) -> None:
    assert verify(forged(signature_params)).key_id == RS_ID


@pytest.mark.parametrize(
    "signature_params",
    [
        INPUT.replace('"@method" ', ""),
        INPUT.replace('"@authority" ', ""),
        INPUT.replace('"@path" ', ""),
        INPUT.replace(' "@query"', ""),
        INPUT.replace('"@method" ', '"@method" "@method" '),
        INPUT.replace('"@method" ', '"@method" "@method";req '),
        INPUT.replace('"@method" ', '"@method";req '),
        INPUT.replace('"@method" ', '"@method";bs '),
        INPUT.replace('"@authority" ', '"host" '),
        INPUT.replace('"@path" ', '"@path" "host" '),
        INPUT.replace('"@path" ', '"@path" "@scheme" '),
        INPUT.replace('"@query")', '"@query" "@status")'),
        INPUT.replace('"@query")', '"@query" "content-digest")'),
        INPUT.replace('"@method" "@authority" "@path" "@query"', ""),
        INPUT.replace('" "', '"  "', 1),
        INPUT.replace("@method", "@Method"),
        INPUT.replace('"@method"', "@method"),
    ],
)
def test_other_components_are_refused(signature_params: str) -> None:
    with pytest.raises(SignatureInvalid, match="must cover"):
        verify(forged(signature_params))


@pytest.mark.parametrize(
    "signature_params",
    [
        INPUT.replace(";created=1700000000", ""),
        INPUT.replace(";expires=1700000060", ""),
        INPUT.replace(f';nonce="{NONCE}"', ""),
        INPUT.replace(';keyid="ed25519:rs"', ""),
        INPUT.replace(';tag="ffp-node-v1"', ""),
        INPUT.replace("ffp-node-v1", "ffp-node-v2"),
        INPUT.replace("ffp-node-v1", ""),
        INPUT.replace("ffp-node-v1", "FFP-node-v1"),
        INPUT + ";created=1700000000",
        INPUT + ';tag="ffp-node-v1"',
        INPUT + ';alg="rsa-pss-sha512"',
        INPUT + ';alg="hmac-sha256"',
        INPUT + ";alg=ed25519",
        INPUT + ';context="x"',
        INPUT + ";flag",
        INPUT + ";",
        INPUT.replace("created=1700000000", 'created="1700000000"'),
        INPUT.replace("created=1700000000", "created=1700000000.0"),
        INPUT.replace("created=1700000000", "created=01700000000"),
        INPUT.replace("created=1700000000", "created=-1700000000"),
        INPUT.replace("created=1700000000", "created=99999999999"),
        INPUT.replace("created=1700000000", "created=?1"),
        INPUT.replace("created=1700000000", "created=١٧٠٠٠٠٠٠٠٠"),
        INPUT.replace("created=1700000000", "created= 1700000000"),
        INPUT.replace(";created", "; created"),
        INPUT.replace("1700000060", "1700000061"),
        INPUT.replace("1700000060", "1699999999"),
        INPUT.replace("1700000060", "9999999999"),
        INPUT.replace(NONCE, ""),
        INPUT.replace(NONCE, "0" * 21),
        INPUT.replace(NONCE, "0" * 65),
        INPUT.replace(NONCE, "ä" * 22),
        INPUT.replace("ed25519:rs", ""),
        INPUT.replace("ed25519:rs", "a" * 129),
        INPUT.replace("ed25519:rs", 'a\\"b'),
        INPUT.replace("ed25519:rs", "a b"),
    ],
)
def test_other_parameters_are_refused(signature_params: str) -> None:
    with pytest.raises(SignatureInvalid, match=r"parameter|at the most"):
        verify(forged(signature_params))


def test_a_second_signature_is_refused_whatever_its_label_and_tag() -> None:
    one = forged(INPUT)
    for label in ("ffp", "other"):
        two = forged(INPUT.replace("ffp-node-v1", "other"), label=label)
        both = {name: f"{one[name]}, {two[name]}" for name in one}
        for headers in (both, Repeated(list(one.items()) + list(two.items()))):
            with pytest.raises(SignatureInvalid):
                verify(headers)


@dataclasses.dataclass
class Repeated:
    """Header fields of which one may stand several times."""

    fields: list[tuple[str, str]]

    def items(self) -> list[tuple[str, str]]:
        return self.fields


def test_repeated_fields_are_refused() -> None:
    headers = sign(method="POST", body=BODY)
    for name, value in headers.items():
        repeated = Repeated([*headers.items(), (name.lower(), value)])
        with pytest.raises(SignatureInvalid, match="must stand once"):
            verify(repeated, method="POST", body=BODY)


def test_missing_fields_are_refused() -> None:
    headers = sign(method="POST", body=BODY)
    for name in headers:
        with pytest.raises(SignatureInvalid, match="must stand once"):
            verify({n: v for n, v in headers.items() if n != name}, method="POST", body=BODY)


def test_the_case_of_field_names_means_nothing() -> None:
    assert verify({name.upper(): f" {value}\t" for name, value in sign().items()}) == verify(sign())


def test_another_label_is_refused() -> None:
    with pytest.raises(SignatureInvalid, match="labelled"):
        verify(forged(INPUT, label="sig1"))


def test_overlong_fields_are_refused_before_they_are_parsed() -> None:
    for name in sign():
        with pytest.raises(SignatureInvalid, match="1024"):
            verify(sign() | {name: sign()[name] + " " * 2000 + "x"})


SIGNED = sign()["Signature"]


@pytest.mark.parametrize(
    "field",
    [
        "",
        "ffp=",
        "ffp=::",
        SIGNED.replace("ffp", "sig1"),
        SIGNED + ";a=1",
        SIGNED.replace("==:", ":"),
        SIGNED.replace("==:", "=:"),
        re.sub("(.)==:", lambda found: chr(ord(found[1]) + 1) + "==:", SIGNED),
        f"ffp=:{base64.b64encode(bytes(63)).decode()}:",
        f"ffp=:{base64.b64encode(bytes(65)).decode()}:",
        f"ffp=:{base64.b64encode(bytes(64)).decode()}:",
        f'ffp="{SIGNED[5:-1]}"',
    ],
)
def test_a_signature_in_another_form_is_refused(field: str) -> None:
    assert field != SIGNED
    with pytest.raises(SignatureInvalid):
        verify(sign() | {"Signature": field})


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_flipped_bit_in_any_field_is_refused(data: st.DataObject) -> None:
    headers = sign(method="POST", body=BODY)
    name = data.draw(st.sampled_from(sorted(headers)))
    at = data.draw(st.integers(0, len(headers[name]) - 1))
    flipped = chr(ord(headers[name][at]) ^ 1 << data.draw(st.integers(0, 7)))
    altered = headers[name][:at] + flipped + headers[name][at + 1 :]
    with pytest.raises(RequestRefused):
        verify(headers | {name: altered}, method="POST", body=BODY)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80), st.text(max_size=80))
def test_whatever_stands_in_the_fields_is_refused_cleanly(signature_input: str, signature: str) -> None:
    for prefix in ("", "ffp=", "ffp=(", 'ffp=("@method")'):
        with pytest.raises(RequestRefused):
            verify({"Signature-Input": prefix + signature_input, "Signature": prefix + signature})
        with pytest.raises(RequestRefused):
            verify(sign() | {"Signature-Input": sign()["Signature-Input"] + signature_input + "x"})


# Answers


def answered(
    asked: dict[str, str], *, key: Ed25519PrivateKey = MK, status: int = 200, body: bytes = BODY
) -> dict[str, str]:
    return ms.sign_response(key, MK_ID, status=status, body=body, request=verify(asked).request, now=NOW + 1)


def check(headers: Any, asked: dict[str, str], **change: Any) -> None:
    answer = {
        "status": 200,
        "headers": headers,
        "body": BODY,
        "request_method": "GET",
        "request_url": URL,
        "request_headers": asked,
        "now": NOW + 2,
    }
    ms.verify_response(MK.public_key(), **(answer | change))


def test_an_answer_to_this_request_is_taken() -> None:
    check(answered(sign()), sign())


def test_an_empty_answer_is_taken_and_cannot_be_filled() -> None:
    headers = answered(sign(), status=204, body=b"")
    check(headers, sign(), status=204, body=b"")
    with pytest.raises(DigestDiffers):
        check(headers, sign(), status=204, body=b"x")


def test_the_answer_to_another_request_is_refused() -> None:
    another = sign(nonce=None)
    with pytest.raises(SignatureInvalid, match="altered"):
        check(answered(another), sign())


@pytest.mark.parametrize(
    "change",
    [
        {"status": 206},
        {"request_method": "POST"},
        {"request_url": URL.replace("mk.example", "rs.example")},
        {"request_url": URL.replace("lane", "line")},
        {"request_url": URL.replace("start=3", "start=4")},
    ],
)
def test_an_answer_with_another_status_or_for_another_target_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(SignatureInvalid, match="altered"):
        check(answered(sign()), sign(), **change)


def test_an_answer_with_an_altered_body_is_refused() -> None:
    with pytest.raises(DigestDiffers):
        check(answered(sign()), sign(), body=BODY + b" ")
    other = answered(sign(), body=b"other")["Content-Digest"]
    with pytest.raises(SignatureInvalid, match="altered"):
        check(answered(sign()) | {"Content-Digest": other}, sign(), body=b"other")


def test_an_answer_of_another_node_is_refused() -> None:
    with pytest.raises(SignatureInvalid, match="altered"):
        check(answered(sign(), key=RS), sign())


def test_an_answer_without_its_signature_or_digest_is_refused() -> None:
    headers = answered(sign())
    for name in headers:
        with pytest.raises(SignatureInvalid, match="must stand once"):
            check({n: v for n, v in headers.items() if n != name}, sign())


def test_a_request_is_no_answer_and_an_answer_is_no_request() -> None:
    digest = {"Content-Digest": answered(sign())["Content-Digest"]}
    with pytest.raises(SignatureInvalid):
        check(sign() | digest, sign())
    with pytest.raises(SignatureInvalid):
        verify(answered(sign()))


@pytest.mark.parametrize("now", [NOW - 30, NOW + 92])
def test_an_answer_that_is_late_or_early_is_refused(now: int) -> None:
    with pytest.raises(RequestExpired):
        check(answered(sign()), sign(), now=now)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_flipped_bit_in_any_field_of_an_answer_is_refused(data: st.DataObject) -> None:
    headers = answered(sign())
    name = data.draw(st.sampled_from(sorted(headers)))
    at = data.draw(st.integers(0, len(headers[name]) - 1))
    flipped = chr(ord(headers[name][at]) ^ 1 << data.draw(st.integers(0, 7)))
    with pytest.raises(RequestRefused):
        check(headers | {name: headers[name][:at] + flipped + headers[name][at + 1 :]}, sign())


def resigned(headers: dict[str, str], signature_params: str) -> dict[str, str]:
    """The answer signed again by its own node, with other parameters."""
    listed = signature_params.removeprefix("(").partition(")")[0].split(" ")
    values = {
        '"@status"': "200",
        '"content-digest"': headers["Content-Digest"],
        '"@method";req': "GET",
        '"@authority";req': "mk.example",
        '"@path";req': "/v1/lane",
        '"@query";req': "?start=3&head=00ff",
        '"signature";key="ffp";req': SIGNED.removeprefix("ffp="),
    }
    signature = base64.b64encode(MK.sign(ms.signature_base(listed, values, signature_params))).decode()
    return headers | {"Signature-Input": f"ffp={signature_params}", "Signature": f"ffp=:{signature}:"}


def test_the_parameters_of_a_component_stand_in_any_order() -> None:
    headers = answered(sign())
    signature_params = headers["Signature-Input"].removeprefix("ffp=")
    assert resigned(headers, signature_params) == headers
    turned = signature_params.replace(';key="ffp";req', ';req;key="ffp"')
    assert turned != signature_params
    check(resigned(headers, turned), sign())


@pytest.mark.parametrize("more", [f';nonce="{NONCE}"', ';alg="hmac-sha256"', ';tag="ffp-node-v1"'])
def test_an_answer_with_other_parameters_is_refused(more: str) -> None:
    headers = answered(sign())
    with pytest.raises(SignatureInvalid, match="parameter"):
        check(resigned(headers, headers["Signature-Input"].removeprefix("ffp=") + more), sign())


@pytest.mark.parametrize("left_out", ['"@status" ', ' "content-digest"', ' "@path";req', ' "signature";key="ffp";req'])
def test_an_answer_that_does_not_cover_all_is_refused(left_out: str) -> None:
    headers = answered(sign())
    with pytest.raises(SignatureInvalid, match="must cover"):
        check(resigned(headers, headers["Signature-Input"].removeprefix("ffp=").replace(left_out, "")), sign())


def test_keys_are_asked_for_by_the_id_that_was_signed() -> None:
    asked: list[str] = []

    def key_for(key_id: str) -> Ed25519PublicKey | None:
        asked.append(key_id)
        return KEYS.get(key_id)

    verify(sign(), key_for=key_for)
    assert asked == [RS_ID]
