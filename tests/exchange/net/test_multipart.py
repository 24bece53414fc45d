"""A form as it travels: whole, of the size that it says, under the digest that is signed, and taken apart again."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from python_multipart.multipart import parse_form

from exchange.net.multipart import Multipart


@pytest.mark.parametrize("size", [0, 1, 65_536, 200_001])
def test_what_goes_in_comes_out(tmp_path: Path, size: int) -> None:
    scan = tmp_path / "scan"
    scan.write_bytes(bytes(index % 251 for index in range(size)))
    form = Multipart(b'{"contract": "1.0"}', scan)
    body = b"".join(form.pieces())
    assert len(body) == form.size
    assert hashlib.sha256(body).digest() == form.sha256()
    assert b"".join(form.pieces()) == body, "read anew, it is the same"

    fields: dict[bytes, bytes] = {}
    files: dict[bytes, bytes] = {}

    def field(found: object) -> None:
        fields[found.field_name] = found.value  # type: ignore[attr-defined]

    def file(found: object) -> None:
        handle = found.file_object  # type: ignore[attr-defined]
        handle.seek(0)
        files[found.field_name] = handle.read()  # type: ignore[attr-defined]
        found.close()  # type: ignore[attr-defined]

    with (tmp_path / "body").open("wb+") as stream:
        stream.write(body)
        stream.seek(0)
        parse_form({"Content-Type": form.content_type.encode()}, stream, field, file)  # type: ignore[arg-type]
    assert fields == {b"metadata": b'{"contract": "1.0"}'}
    assert files == {b"scan": scan.read_bytes()}


def test_two_forms_have_two_boundaries(tmp_path: Path) -> None:
    assert Multipart(b"", tmp_path).boundary != Multipart(b"", tmp_path).boundary
