"""Style and scripts are packed once; pages only where the browser says that nobody else made it ask."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from exchange.web.http.compression import Kept, PackedPages, takes_gzip
from exchange.web.http.lean_text import lean_style
from exchange.web.pages.static_files import STATIC
from schemas.vocabulary import Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.pages.conftest import Person

STYLE = "/app/static/node.css"


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        ("gzip, deflate, br", True),
        ("br;q=1.0, gzip;q=0.8", True),
        ("*", True),
        ("GZIP", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip;q=nonsense", False),
        ("xgzip", False),
    ],
)
def test_what_a_browser_takes(accepted: str, takes: bool) -> None:
    assert takes_gzip(accepted) is takes


class Travelled(NamedTuple):
    """An answer with its bytes as they came."""

    status_code: int
    headers: httpx.Headers
    content: bytes


def raw(node: RunningNode, path: str, **headers: str) -> Travelled:
    asked = {"accept-encoding": "identity"} | {name.replace("_", "-"): value for name, value in headers.items()}
    with httpx.stream("GET", node.url + path, headers=asked, trust_env=False) as answer:
        return Travelled(answer.status_code, answer.headers, b"".join(answer.iter_raw()))


def test_style_is_packed_and_its_two_forms_are_told_apart(node: RunningNode) -> None:
    plain, packed = raw(node, STYLE), raw(node, STYLE, accept_encoding="gzip")
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) == len(packed.content) < len(plain.content) / 2
    assert int(plain.headers["content-length"]) == len(plain.content)
    assert gzip.decompress(packed.content) == plain.content == lean_style((STATIC / "node.css").read_text()).encode()
    assert plain.headers["etag"] != packed.headers["etag"]
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"
    assert plain.headers["content-type"] == packed.headers["content-type"]
    for answer, accepted in ((plain, "identity"), (packed, "gzip")):
        again = raw(node, STYLE, accept_encoding=accepted, if_none_match=answer.headers["etag"])
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == answer.headers["etag"]
    other = raw(node, STYLE, accept_encoding="gzip", if_none_match=plain.headers["etag"])
    assert other.status_code == 200, "another form is another thing"


def test_there_are_no_parts_of_it(node: RunningNode) -> None:
    """It is short, and whoever asks for a part may be given the whole (RFC 9110, 14.2)."""
    whole = raw(node, STYLE)
    asked = raw(node, STYLE, range="bytes=10-19")
    assert (asked.status_code, asked.content) == (200, whole.content)
    assert "accept-ranges" not in whole.headers


def test_of_a_picture_there_are(node: RunningNode) -> None:
    (picture, *_) = sorted((STATIC / "guide").glob("*.png"))
    part = raw(node, f"/app/static/guide/{picture.name}", range="bytes=10-19", accept_encoding="gzip")
    assert (part.status_code, part.content) == (206, picture.read_bytes()[10:20])


def test_a_head_says_what_a_get_would(node: RunningNode) -> None:
    packed = raw(node, STYLE, accept_encoding="gzip")
    head = httpx.head(node.url + STYLE, headers={"Accept-Encoding": "gzip"}, trust_env=False)
    assert head.headers["content-length"] == packed.headers["content-length"]
    assert head.headers["content-encoding"] == "gzip"


def test_pictures_are_packed_already(node: RunningNode) -> None:
    (picture, *_) = sorted((STATIC / "guide").glob("*.png"))
    answer = raw(node, f"/app/static/guide/{picture.name}", accept_encoding="gzip")
    assert "content-encoding" not in answer.headers
    assert answer.content == picture.read_bytes()


def of(app: ASGIApp, path: str, method: str = "GET") -> httpx.Response:
    """What an application alone answers a page of its own."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
            return await http.request(method, path, headers={"Sec-Fetch-Site": "none"})

    return asyncio.run(ask())


def test_a_file_that_changes_is_packed_anew(tmp_path: Path) -> None:
    file, app = tmp_path / "a.css", Kept(directory=tmp_path, how="no-cache")
    file.write_text("a { color: red }" * 100)
    assert of(app, "/a.css").text == f"{file.read_text()}\n"
    file.write_text("b { color: red }" * 101)
    assert of(app, "/a.css").text == f"{file.read_text()}\n"
    file.write_text("short")
    assert "content-encoding" not in of(app, "/a.css").headers, "packed it would be longer"


@pytest.mark.parametrize("asked_by", ["cross-site", "same-site", None, "nonsense"])
def test_a_page_that_somebody_else_may_have_made_a_browser_ask_for_is_not_packed(
    signed_in: Callable[[Role], Person], asked_by: str | None
) -> None:
    person = signed_in(Role.EXAMINER)
    headers = {"Accept-Encoding": "gzip"} | ({} if asked_by is None else {"Sec-Fetch-Site": asked_by})
    page = person.http.get(person.node.url + "/app/", headers=headers)
    assert "content-encoding" not in page.headers
    assert page.headers["vary"] == "Accept-Encoding, Sec-Fetch-Site"


@pytest.mark.parametrize("asked_by", ["same-origin", "none"])
def test_a_page_that_its_own_address_asks_for_is_packed(signed_in: Callable[[Role], Person], asked_by: str) -> None:
    person = signed_in(Role.EXAMINER)
    headers = {"Accept-Encoding": "gzip", "Sec-Fetch-Site": asked_by}
    page = person.http.get(person.node.url + "/app/", headers=headers)
    assert page.headers["content-encoding"] == "gzip"
    assert int(page.headers["content-length"]) < len(page.content) / 2
    assert "</html>" in page.text
    assert person.http.get(page.url, headers={"Accept-Encoding": "identity"}).text[:200] == page.text[:200]


def _short(_: object) -> Response:
    return HTMLResponse("short")


def _packed(_: object) -> Response:
    return HTMLResponse(gzip.compress(b"x" * 5000), headers={"Content-Encoding": "gzip"})


def _long(_: object) -> Response:
    return HTMLResponse("x" * 300_000)


def test_what_is_short_or_packed_already_goes_as_it_is() -> None:
    routes = [Route("/short", _short), Route("/packed", _packed), Route("/long", _long, methods=["GET", "POST"])]
    app = PackedPages(Starlette(routes=routes))
    assert "content-encoding" not in of(app, "/short").headers
    assert of(app, "/packed").text == "x" * 5000
    long = of(app, "/long")
    assert (long.headers["content-encoding"], long.text) == ("gzip", "x" * 300_000)
    assert "content-encoding" not in of(app, "/long", "POST").headers
