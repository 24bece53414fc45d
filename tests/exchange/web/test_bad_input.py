"""What bad input gets: the right problem, nothing half stored, and a node that goes on."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from PIL import Image

from schemas.strict_json import MAX_STATEMENT_BYTES
from schemas.vocabulary import Role
from tests.exchange.running_nodes import RunningNode, metadata
from tests.exchange.web.conftest import multipart, part, post, problem, tiny_scan
from tests.matcher.read.formats.conftest import plux
from tests.matcher.read.x3p.conftest import build, zip_bytes

refused = pytest.mark.usefixtures("unharmed")

BOMB = '<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]>'
EXTERNAL = '<!DOCTYPE b [<!ENTITY c SYSTEM "file:///etc/hostname">]>'
PHOTOGRAPH = {"roi": "breech_face", "modality": "reflectance", "file": "scan", "lateral_resolution_um": 2.5}


def entity(doctype: str) -> bytes:
    return build(edit_xml=lambda xml: xml.replace("?>", f"?>{doctype}", 1).replace("somebody", "&c;"))


def dimension(x: object, y: object) -> bytes:
    return build(dimension=f"<MatrixDimension><SizeX>{x}</SizeX><SizeY>{y}</SizeY><SizeZ>1</SizeZ></MatrixDimension>")


def flipped(entry: str) -> bytes:
    """One bit in the middle of an entry, stored without compression so that only its checksums can tell."""
    with zipfile.ZipFile(io.BytesIO(tiny_scan())) as archive:
        content = bytearray(zip_bytes({name: archive.read(name) for name in archive.namelist()}, zipfile.ZIP_STORED))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        info = archive.getinfo(entry)
    content[info.header_offset + 30 + len(entry) + info.file_size // 2] ^= 0x04
    return bytes(content)


def png(width: int, height: int) -> bytes:
    """A PNG whose header states a size that its data do not have."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def image(kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.new("L", (30, 20), 90).save(file, kind, **options)
    return file.getvalue()


def animation() -> bytes:
    frames = [Image.new("L", (30, 20), shade) for shade in (10, 200)]
    return image("PNG", save_all=True, append_images=frames)


SCANS: dict[str, tuple[Callable[[], bytes], int, str]] = {
    "cut in the middle": (lambda: tiny_scan()[:1500], 422, "truncated"),
    "last bytes missing": (lambda: tiny_scan()[:-10], 422, "truncated"),
    "only its beginning": (lambda: tiny_scan()[:4], 422, "truncated"),
    "another maker's zip": (plux, 422, "main-xml-missing"),
    "bit flipped in the points": (lambda: flipped("bindata/data.bin"), 422, "checksum-differs"),
    "bit flipped in main.xml": (lambda: flipped("main.xml"), 422, "archive-damaged"),
    "bit flipped in the checksum": (lambda: flipped("md5checksum.hex"), 422, "archive-damaged"),
    "bit flipped in the directory": (
        lambda: tiny_scan().replace(b"PK\x01\x02", b"PK\x01\x03", 1),
        422,
        "archive-damaged",
    ),
    "points changed after the checksum": (
        lambda: build(edit_entries=lambda entries: {**entries, "bindata/data.bin": bytes(9 * 12 * 8)}),
        422,
        "checksum-differs",
    ),
    "entity bomb": (lambda: entity(BOMB), 422, "dtd-forbidden"),
    "external entity": (lambda: entity(EXTERNAL), 422, "dtd-forbidden"),
    "zip bomb": (
        lambda: build(np.zeros((2200, 2200))),  # 39 MB of nothing in 40 kB
        422,
        "compression-ratio",
    ),
    "gzip bomb": (lambda: gzip.compress(bytes(1 << 20)), 415, "unsupported-media"),
    "huge dimensions": (lambda: dimension(100_000, 100_000), 422, "dimensions-out-of-range"),
    "dimensions beyond any number": (lambda: dimension("9" * 400, 12), 422, "dimensions-out-of-range"),
    "zero dimensions": (lambda: dimension(0, 9), 422, "dimensions-out-of-range"),
    "negative dimensions": (lambda: dimension(-12, -9), 422, "dimensions-out-of-range"),
    "dimensions that do not fit the data": (lambda: dimension(13, 9), 422, "data-size-differs"),
    "no valid point": (lambda: build(np.full((9, 12), np.nan)), 422, "no-valid-points"),
    "a zip that is no x3p": (
        lambda: build(edit_entries=lambda _: {"word/document.xml": b"<w/>"}),
        422,
        "main-xml-missing",
    ),
    "names that lead out": (
        lambda: build(edit_entries=lambda entries: {**entries, "../../etc/cron.d/x": b"x"}),
        422,
        "unsafe-path",
    ),
    "empty": (lambda: b"", 422, "empty-file"),
    "text": (lambda: b"this is no scan\n" * 40, 415, "unsupported-media"),
    "PDF": (lambda: b"%PDF-1.7\n" + bytes(500), 415, "unsupported-media"),
    "PNG named .x3p": (lambda: image("PNG"), 415, "modality-differs"),
}

PHOTOGRAPHS: dict[str, tuple[Callable[[], bytes], int, str]] = {
    "x3p as a photograph": (tiny_scan, 415, "modality-differs"),
    "PNG cut off": (lambda: image("PNG")[:-30], 422, "image-damaged"),
    "PNG of 40,000 x 40,000": (lambda: png(40_000, 40_000), 422, "image-too-large"),
    "PNG of no width": (lambda: png(0, 10), 422, "image-damaged"),
    "JPEG cut off": (lambda: image("JPEG")[:-40], 422, "image-damaged"),
    "animation": (animation, 422, "multi-page"),
    "GIF": (lambda: image("GIF"), 415, "unsupported-media"),
    "empty": (lambda: b"", 422, "empty-file"),
}


@refused
@pytest.mark.parametrize("case", SCANS)
def test_a_bad_scan(node: RunningNode, case: str) -> None:
    make, status, code = SCANS[case]
    found = problem(node.submit(make()), status, code)
    assert "scan" in found["detail"] or "acquisitions.0" in found["detail"]
    assert found["problems"]


@refused
@pytest.mark.parametrize("case", PHOTOGRAPHS)
def test_a_bad_photograph(node: RunningNode, case: str) -> None:
    make, status, code = PHOTOGRAPHS[case]
    problem(node.submit(make(), acquisitions=[PHOTOGRAPH]), status, code)


def changed(**changes: Any) -> bytes:
    return json.dumps(metadata() | changes).encode()


def exhibit(**changes: Any) -> bytes:
    return changed(exhibit=metadata()["exhibit"] | changes)


def in_days(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


METADATA: dict[str, tuple[Callable[[], bytes], int, str]] = {
    "unknown field": (lambda: changed(colour="red"), 422, "unknown-field"),
    "unknown field deep inside": (lambda: exhibit(classes={"shape": "round"}), 422, "unknown-field"),
    "issuer of its own choice": (lambda: changed(issuer="ffp-mk"), 422, "unknown-field"),
    "unknown calibre": (lambda: exhibit(calibre="9x91"), 422, "unknown-calibre"),
    "calibre that is no text": (lambda: exhibit(calibre=9), 422, "invalid-field"),
    "unknown vocabulary": (lambda: exhibit(kind="stolen"), 422, "invalid-field"),
    "future date": (lambda: exhibit(occurred={"earliest": in_days(2)}), 422, "future-date"),
    "future end of a range": (
        lambda: exhibit(occurred={"earliest": in_days(-2), "latest": in_days(400)}),
        422,
        "future-date",
    ),
    "dates turned round": (
        lambda: exhibit(occurred={"earliest": "2026-02-02", "latest": "2026-02-01"}),
        422,
        "invalid-field",
    ),
    "no such day": (lambda: exhibit(occurred={"earliest": "2026-02-30"}), 422, "invalid-field"),
    "retention over": (lambda: changed(retention_until=in_days(-1)), 422, "retention-over"),
    "no acquisition": (lambda: changed(acquisitions=[]), 422, "invalid-field"),
    "photograph without scale": (
        lambda: changed(acquisitions=[{"roi": "breech_face", "modality": "reflectance", "file": "scan"}]),
        422,
        "invalid-field",
    ),
    "pixel size that cannot be": (
        lambda: changed(acquisitions=[PHOTOGRAPH | {"lateral_resolution_um": 0}]),
        422,
        "invalid-field",
    ),
    "restriction without words": (lambda: changed(handling={"code": "H3"}), 422, "invalid-field"),
    "audience twice": (lambda: changed(audience=["MK", "MK"]), 422, "invalid-field"),
    "audience of nowhere": (lambda: changed(audience=["ZZ"]), 422, "unknown-jurisdiction"),
    "control character": (lambda: exhibit(headstamp="PPU\u202e9"), 422, "invalid-field"),
    "half a surrogate pair": (
        lambda: changed(case_reference="RS").replace(b'"RS"', b'"\\ud800"'),
        422,
        "not-json",
    ),
    "half a surrogate pair twice as a key": (lambda: b'{"\\ud800": 1, "\\ud800": 2}', 422, "duplicate-key"),
    "not JSON": (lambda: b"case: RS-2026-1", 422, "not-json"),
    "not UTF-8": (lambda: changed(case_reference="RS").replace(b"RS", b"\xff\xfe"), 422, "not-json"),
    "nothing": (lambda: b"", 422, "not-json"),
    "a list": (lambda: b"[1, 2]", 422, "invalid-field"),
    "NaN": (lambda: changed(acquisitions=[PHOTOGRAPH | {"lateral_resolution_um": float("nan")}]), 422, "not-json"),
    "a number of 100,000 digits": (lambda: b'{"a": ' + b"9" * 100_000 + b"}", 422, "not-json"),
    "duplicate key": (lambda: changed()[:-1] + b', "level": "none", "level": "full"}', 422, "duplicate-key"),
    "too deep": (lambda: b'{"a":' * 40 + b"1" + b"}" * 40, 422, "too-deep"),
    "too deep to close": (lambda: b"[" * 200_000, 422, "too-deep"),
    "too large": (lambda: changed() + b" " * MAX_STATEMENT_BYTES, 413, "too-large"),
}


@pytest.mark.slow
@refused
@pytest.mark.parametrize("case", METADATA)
def test_bad_metadata(node: RunningNode, case: str) -> None:
    make, status, code = METADATA[case]
    problem(node.submit(tiny_scan(), raw_metadata=make()), status, code)


@refused
def test_an_unknown_calibre_is_told_its_neighbours(node: RunningNode) -> None:
    found = problem(node.submit(tiny_scan(), raw_metadata=exhibit(calibre="9x91")), 422, "unknown-calibre")
    assert "9 mm Luger" in found["detail"]
    assert [fault["where"] for fault in found["problems"]] == ["exhibit.calibre"]


@refused
def test_each_faulty_field_is_named(node: RunningNode) -> None:
    raw = changed(case_reference="", level="some", handling={"code": "H9"})
    found = problem(node.submit(tiny_scan(), raw_metadata=raw), 422, "invalid-field")
    assert {fault["where"] for fault in found["problems"]} == {"case_reference", "level", "handling.code"}


DESCRIBED = (part("metadata") + b"\r\nContent-Type: application/json", changed())

BODIES: dict[str, tuple[Callable[[], bytes], str]] = {
    "no scan": (lambda: multipart(DESCRIBED), "files-differ"),
    "a scan that nothing names": (
        lambda: multipart(DESCRIBED, (part("scan"), tiny_scan()), (part("more"), tiny_scan())),
        "files-differ",
    ),
    "a scan under another name": (lambda: multipart(DESCRIBED, (part("Scan"), tiny_scan())), "files-differ"),
    "the same part twice": (
        lambda: multipart(DESCRIBED, (part("scan"), tiny_scan()), (part("scan"), tiny_scan())),
        "files-differ",
    ),
    "a part without a name": (
        lambda: multipart(DESCRIBED, (b"Content-Disposition: form-data", tiny_scan())),
        "files-differ",
    ),
    "a part without headers": (lambda: multipart(DESCRIBED, (b"X-Nothing: 1", tiny_scan())), "files-differ"),
    "no metadata": (lambda: multipart((part("scan"), tiny_scan())), "metadata-missing"),
    "metadata twice": (lambda: multipart(DESCRIBED, DESCRIBED, (part("scan"), tiny_scan())), "not-multipart"),
    "no parts": (lambda: b"--the-boundary--\r\n", "metadata-missing"),
    "nothing": (lambda: b"", "not-multipart"),
    "another boundary": (lambda: multipart(DESCRIBED, boundary=b"another"), "not-multipart"),
    "cut in a part": (lambda: multipart(DESCRIBED, (part("scan"), tiny_scan()))[:-900], "not-multipart"),
    "cut before the end": (lambda: multipart(DESCRIBED, (part("scan"), tiny_scan()))[:-6], "not-multipart"),
    "JSON": (changed, "not-multipart"),
}


@refused
@pytest.mark.parametrize("case", BODIES)
def test_a_bad_body(node: RunningNode, case: str) -> None:
    make, code = BODIES[case]
    problem(post(node, make()), 422, code)


@refused
def test_one_file_for_two_acquisitions(node: RunningNode) -> None:
    twice = [{"roi": "breech_face", "modality": "topography", "file": "scan"}] * 2
    problem(node.submit(tiny_scan(), acquisitions=twice), 422, "files-differ")


@refused
def test_the_same_scan_under_two_names(node: RunningNode) -> None:
    scan = tiny_scan()
    named = [{"roi": "breech_face", "modality": "topography", "file": name} for name in ("one", "two")]
    described = (part("metadata"), changed(acquisitions=named))
    problem(post(node, multipart(described, (part("one"), scan), (part("two"), scan))), 422, "files-differ")


@refused
@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/x-x3p",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=" + "x" * 71,
        "multipart/mixed; boundary=the-boundary",
        "nonsense",
        "",
    ],
)
def test_a_body_that_is_no_form(node: RunningNode, content_type: str) -> None:
    found = problem(post(node, multipart(DESCRIBED), content_type), 415, "unsupported-media")
    assert "multipart/form-data" in found["detail"]


@refused
@pytest.mark.parametrize("role", [Role.INVESTIGATOR, Role.OPERATOR])
def test_only_an_examiner_submits(node: RunningNode, role: Role) -> None:
    assert role in problem(node.submit(tiny_scan(), role=role), 403, "forbidden")["detail"]


@refused
@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ffp_wrong", "Basic dTpw", "Bearer ' OR 1=1 --"])
def test_nobody_submits_without_a_token(node: RunningNode, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    files = {"metadata": (None, changed(), "application/json"), "scan": ("scan.x3p", tiny_scan())}
    response = node.http.post(f"{node.url}/v1/records", headers=headers, files=files)
    problem(response, 401, "unauthenticated")
    assert response.headers["www-authenticate"].startswith("Bearer")


def test_after_all_of_this_the_node_takes_what_is_good(node: RunningNode) -> None:
    assert node.submit(tiny_scan()).status_code == 201
