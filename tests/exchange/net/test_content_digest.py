"""Content-Digest: the published examples, and nothing but them."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.errors import DigestDiffers
from exchange.net.content_digest import content_digest, parse_content_digest


@pytest.mark.parametrize(
    ("body", "field"),
    [
        # RFC 9421 appendix B.2 and RFC 9530 appendix D
        (b'{"hello": "world"}', "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"),
        (b'{"hello": "world"}\n', "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"),
    ],
)
def test_the_published_digests_are_written_and_read(body: bytes, field: str) -> None:
    digest = hashlib.sha256(body).digest()
    assert content_digest(digest) == field
    assert parse_content_digest(field) == digest


@given(st.binary(min_size=32, max_size=32))
def test_every_digest_is_read_as_it_was_written(digest: bytes) -> None:
    assert parse_content_digest(content_digest(digest)) == digest


GOOD = content_digest(bytes(range(32)))


@pytest.mark.parametrize(
    "field",
    [
        "",
        GOOD + " ",
        GOOD + "\n",
        GOOD + ", " + GOOD,
        GOOD + ";a=1",
        GOOD.replace("sha-256", "SHA-256"),
        GOOD.replace("sha-256", "sha-512"),
        GOOD.replace("=:", "= :", 1),
        GOOD[:-1],
        GOOD.replace("=:", ":").replace("sha-256:", "sha-256=:"),
        GOOD.replace("8=:", "9=:"),
        f"sha-256=:{base64.b64encode(bytes(31)).decode()}:",
        f"sha-256=:{base64.b64encode(bytes(33)).decode()}:",
        f"sha-256=:{'=' * 44}:",
        f"sha-256=:{'é' * 44}:",
        f"sha-256=:{'A' * 100_000}:",
        "sha-256",
        'sha-256="text"',
    ],
)
def test_every_other_spelling_is_refused(field: str) -> None:
    with pytest.raises(DigestDiffers):
        parse_content_digest(field)


def test_the_altered_padding_above_spells_the_same_bytes() -> None:
    altered = GOOD.replace("8=:", "9=:")
    assert altered != GOOD
    assert base64.b64decode(altered[9:-1]) == bytes(range(32))
