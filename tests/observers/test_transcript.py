"""What two worlds are compared by: a ZIP by what is in it, not by how well its hashes pack."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile

import httpx

from tests.observers.seen.transcript import differences, transcript
from tests.observers.seen.wire import OUTSIDE, Exchange


def test_hashes_in_a_zip_have_names_and_words_are_compared() -> None:
    one, same, other = (_told(*secret) for secret in ((b"1", "lead"), (b"2", "lead"), (b"1", "control")))
    assert one.answer.content != same.answer.content
    assert not _differ(one, same)
    assert _differ(one, other)


def test_what_is_in_a_zip_beside_text_is_compared_byte_for_byte() -> None:
    one, other = (_told(b"1", "lead", drawn=drawn) for drawn in (b"%PDF one", b"%PDF two"))
    assert _differ(one, other)


def _differ(one: Exchange, other: Exchange) -> bool:
    return bool(differences(transcript([one], ()), transcript([other], ())))


def _told(seed: bytes, word: str, *, drawn: bytes = b"%PDF") -> Exchange:
    """A proof of as many hashes as one has, which pack into another length with each seed."""
    hashes = [hashlib.sha256(seed + bytes([number])).hexdigest() for number in range(40)]
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {"a.json": json.dumps({"is": word, "proof": hashes}).encode(), "b.pdf": drawn}.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    request = httpx.Request("GET", "http://rs.test/v1/candidates/1/bundle")
    answer = httpx.Response(200, headers={"content-type": "application/zip"}, content=stream.getvalue())
    return Exchange(OUTSIDE, request, answer)
