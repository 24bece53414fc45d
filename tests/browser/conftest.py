"""A page with the comparison viewer, served on this machine under the policy of the node's pages; and a browser."""

from __future__ import annotations

import html
import importlib.util
import io
import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import pytest
from PIL import Image

import matcher
from exchange.web.pages.pages_app import POLICY
from matcher.draw.display import display_filtered, display_heights, display_photograph, encode_display
from matcher.synthetic.render import render
from tests.browser.viewer_page import Viewer

STATIC = Path(__file__).parents[2] / "exchange" / "web" / "static"
KINDS = {".js": "text/javascript", ".css": "text/css"}
OPTIONS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

SIZE = {"width": 1400, "height": 900}
STEP_UM, STEP_SPACING_UM = 400.0, 2.0


def step_scan() -> matcher.Topography:
    """A plateau 400 um wide and 10 um high on 1200 x 1200 um: its edges lie at 400 and 800 um."""
    heights = np.zeros((600, 600), np.float32)
    heights[:, 200:400] = 10.0
    return matcher.Topography(heights, (STEP_SPACING_UM, STEP_SPACING_UM))


@dataclass(eq=False)
class Site:
    """What is served: pages of pairs, the heights of scans, the viewer's own files."""

    folder: Path
    url: str = ""
    asked: list[str] = field(default_factory=list)

    @cache  # noqa: B019 - one site for all tests
    def scan(self, name: str) -> matcher.Topography:
        return step_scan() if name == "step" else matcher.read_topography(self.folder / f"Fadul {name}.x3p")

    @cache  # noqa: B019
    def heights(self, name: str, form: str) -> bytes:
        if name == "photograph":
            photograph = render(self.scan("1-1"), matcher.Lighting("side", 225.0))
            return encode_display(display_photograph(photograph.brightness, photograph.um_per_pixel, 1500))
        if form == "filtered":
            return encode_display(display_filtered(self.scan(name), matcher.DEFAULT_PARAMETERS, 1500))
        return encode_display(display_heights(self.scan(name), 1500))

    @cache  # noqa: B019
    def comparison(self, a: str, b: str) -> str | None:
        if not {"step", "photograph", "missing"}.isdisjoint((a, b)):
            return None
        return matcher.compare(*(matcher.prepare(self.scan(name)) for name in (a, b))).to_json()

    def page(self, a: str, b: str, form: str, more: dict[str, str]) -> str:
        attributes = {
            "query-heights": f"/heights/{a}?form={form}",
            "reference-heights": f"/heights/{b}?form={form}",
            "label-query": f"Query {a}",
            "label-reference": f"Reference {b}",
            **more,
        }
        comparison = self.comparison(b, a) if more.get("query-is") == "b" else self.comparison(a, b)
        if comparison is not None:
            attributes["comparison"] = comparison
        said = " ".join(f'{name}="{html.escape(value)}"' for name, value in attributes.items())
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Comparison</title>'
            '<link rel="stylesheet" href="/static/viewer.css"><script type="module" src="/static/viewer.js"></script>'
            f"</head><body><ffp-comparison {said}></ffp-comparison></body></html>"
        )

    def answer(self, target: str) -> tuple[int, str, bytes]:
        """Status, media type and body."""
        parts = urlsplit(target)
        names = [unquote(part) for part in parts.path.strip("/").split("/")]
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        match names:
            case ["pair", a, b]:
                page = self.page(a, b, asked.pop("form", "filtered"), asked)
                return 200, "text/html; charset=utf-8", page.encode()
            case ["heights", "missing"]:
                return 404, "application/problem+json", json.dumps({"detail": "There is no such scan."}).encode()
            case ["heights", name]:
                return 200, "application/octet-stream", self.heights(name, asked["form"])
            case ["static", *inside] if ".." not in inside:
                path = STATIC.joinpath(*inside)
                return 200, KINDS[path.suffix], path.read_bytes()
            case ["picture.png"]:
                stream = io.BytesIO()
                Image.new("RGB", (64, 48), (90, 120, 150)).save(stream, "PNG")
                return 200, "image/png", stream.getvalue()
            case ["favicon.ico"]:
                return 204, "image/x-icon", b""
        return 404, "text/plain", b""


@pytest.fixture(scope="session")
def site(ffp_data: Path) -> Iterator[Site]:
    with serving(Site(ffp_data / "fadul")) as found:
        yield found


@contextmanager
def serving(found: Site) -> Iterator[Site]:
    """The site on a port of 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            status, kind, body = found.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", POLICY)
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Nothing between the lines of the tests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, drawing in software. Closed with the module: while it is open, nothing else in this process
    may run a loop of asyncio."""
    program, found = shutil.which("chromium"), importlib.util.find_spec("playwright")
    if program is None or found is None:
        reason = "the tests in a browser DID NOT RUN: they need Debian's chromium and the package playwright"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    playwright = importlib.import_module("playwright.sync_api")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=program, args=list(OPTIONS))
        yield browser
        browser.close()


@pytest.fixture
def viewer(browser: Any, site: Site) -> Iterator[Viewer]:
    """No test may leave an error on the console, nor break the policy."""
    page = browser.new_page(viewport=SIZE)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield Viewer(page, site)
    expected = [line for line in said if "404" in line]
    page.close()
    assert said == expected
