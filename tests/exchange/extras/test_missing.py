"""Without its extras a node works; whoever needs one is told the command that installs it, where it is first needed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from exchange.errors import ExtraMissing
from exchange.extras.known import EXTRAS, ExtraState, extra_named, require_extra
from exchange.flows.node.node import create_node
from exchange.web.http.problems import headers_of, status_of
from exchange.web.languages import CODES, Spoken
from exchange.web.languages.spoken import speaking
from exchange.web.pages import layout
from exchange.web.pages.layout import _pages as pages
from exchange.web.report.render_report import set_pages
from exchange.web.wording.sentences import refusal_of
from schemas.vocabulary import Jurisdiction
from tests.deploy.wheelhouse import ROOT, pins
from tests.exchange.cli.conftest import Ffp, ffp, refusal

__all__ = ["ffp"]
SETTINGS = {
    "tracing": ('tracing_url = "http://127.0.0.1:4318/v1/traces"', {}),
    "cluster": ('cluster_scheduler = "tcp://127.0.0.1:8786"', {}),
    "s3": (
        'objects_url = "s3://scans/rs"',
        {"FFP_NODE_OBJECTS_KEY_ID": "key", "FFP_NODE_OBJECTS_SECRET": "a secret of the test"},
    ),
    "oidc": ('oidc_issuer = "https://id.example"\noidc_client_id = "ffp-rs"', {}),
    "postgresql": ("", {"FFP_NODE_DATABASE_URL": "postgresql+psycopg:///ffp?host=/var/run/postgresql"}),
}
HIDING = """
import sys
hidden, finders = set({names!r}), tuple(sys.meta_path)
class Hiding:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if any((name + ".").startswith(one + ".") for one in hidden):
            return None
        return next((spec for finder in finders if (spec := finder.find_spec(name, path, target))), None)
sys.meta_path[:] = [Hiding]
"""
ALL_MODULES = """
import importlib, pkgutil, exchange, matcher, schemas
for package in (exchange, matcher, schemas):
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if ".migrations." not in found.name and not found.name.endswith("__main__"):
            importlib.import_module(found.name)
"""


@pytest.fixture
def none_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Python answers where the packages of the extras were never installed."""
    for extra in EXTRAS:
        monkeypatch.setitem(sys.modules, extra.module, None)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    create_node(home, jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:8440", port=8440)
    return home


@pytest.mark.sqlite
@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_that_needs_one_says_so(
    name: str, none_installed: None, home: Path, ffp: Ffp, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines, environment = SETTINGS[name]
    with (home / "config.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n{lines}\n")
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    said = ffp("doctor", "--home", home)
    first, second, *_ = said.out.splitlines()
    assert "needs an optional part that is not installed" in first
    assert second == f"Step:  ffp extras add {name}"
    assert f"ffp extras add {name} (without a network: --from WHEELHOUSE)" in refusal(ffp("serve", "--home", home))


def test_the_page_says_it_in_its_language_and_names_the_command(none_installed: None) -> None:
    with pytest.raises(ExtraMissing) as raised:
        set_pages({}, {}, format="pdf")
    assert status_of(raised.value) == 501
    assert headers_of(raised.value) == {}, "coming again later helps nobody"
    assert raised.value.code == "extra-missing"
    said = set()
    for code in CODES:
        with speaking(Spoken(code)):
            shown = refusal_of(raised.value)
        assert "ffp extras add pdf" in shown.detail
        said.add(shown.sentence)
    assert len(said) > len(CODES) / 2, "in their own words"


def test_a_page_offers_the_command_where_a_pdf_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    button = pages.from_string('{% from "pdf_button.html" import pdf_button %}{{ pdf_button("/app/x.pdf", "X") }}')
    assert 'href="/app/x.pdf"' in button.render()
    monkeypatch.setitem(sys.modules, extra_named("pdf").module, None)
    assert "href" not in (shown := button.render())
    assert "<code>ffp extras add pdf</code>" in shown


def test_no_page_links_to_a_pdf_in_another_way() -> None:
    links = re.compile(r'href="[^"]*[./]pdf"')
    folder = Path(layout.__file__).parent / "templates"
    assert [page.name for page in folder.glob("*.html") if links.search(page.read_text(encoding="utf-8"))] == []


def test_calibration(none_installed: None, ffp: Ffp, tmp_path: Path) -> None:
    asked = ("calibrate", "--scores", tmp_path / "scores.csv", "--out", tmp_path / "m.json")
    assert "ffp extras add evaluation" in refusal(ffp(*asked, "--name", "x", "--description", "y"))


def test_each_is_told_as_missing_and_then_as_installed(ffp: Ffp, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {extra.state for extra in EXTRAS} == {ExtraState.INSTALLED}
    monkeypatch.setitem(sys.modules, "typst", None)
    assert extra_named("pdf").state is ExtraState.MISSING
    monkeypatch.setattr("exchange.extras.known.version", lambda _name: "0.0.1")
    assert extra_named("s3").state is ExtraState.OTHER_VERSION
    rows = [line.split("\t") for line in ffp("extras", "list").out.splitlines()]
    assert {name: state for name, state, *_ in rows}["pdf"] == "not installed"
    assert "pdf" not in ffp("extras", "list", "--installed").out.split()
    require_extra("cluster", "This")
    with pytest.raises(ExtraMissing):
        require_extra("pdf", "This")


def test_every_extra_has_its_lock_and_the_lock_is_of_the_whole_one() -> None:
    whole = {pin.split(";")[0].strip(): digests for pin, digests in pins(ROOT / "requirements.lock").items()}
    base = {pin.split("==")[0] for pin in pins(ROOT / "requirements-base.lock")}
    node = {pin.split(";")[0].strip() for pin in pins(ROOT / "requirements-node.lock")}
    assert {extra.lock.name for extra in EXTRAS} == {path.name for path in (ROOT / "exchange/extras").glob("*.lock")}
    for extra in EXTRAS:
        own = {pin.split(";")[0].strip(): digests for pin, digests in pins(extra.lock).items()}
        assert extra.package in {pin.split("==")[0] for pin in own}
        assert not {pin for pin, digests in own.items() if whole.get(pin) != digests or not digests}
        assert not base & {pin.split("==")[0] for pin in own}
        assert (set(own) <= node) == (extra.name != "evaluation"), "which no node runs"


@pytest.fixture(scope="module")
def base_alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process that finds, of all that is installed, only what the lock of the base names."""
    base = {pin.split("==")[0] for pin in pins(ROOT / "requirements-base.lock")} | {"pip", "ffp-exchange"}
    hidden = [
        module
        for module, owners in packages_distributions().items()
        if not base & {owner.lower().replace("_", "-").replace(".", "-") for owner in owners}
    ]
    hidden += [extra.module for extra in EXTRAS if "." in extra.module]  # of a package that others are in as well
    assert {extra.module for extra in EXTRAS} < set(hidden)
    folder = tmp_path_factory.mktemp("hiding")
    (folder / "sitecustomize.py").write_text(HIDING.format(names=hidden), encoding="utf-8")
    return {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "FFP_NODE_HOME": str(folder / "home")}


@pytest.mark.slow
def test_every_module_is_imported_with_the_base_alone(base_alone: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ALL_MODULES], env=base_alone, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.sqlite
def test_a_node_is_made_and_examined_with_the_base_alone(base_alone: dict[str, str]) -> None:
    for arguments in (
        ("--help",),
        ("init", "--jurisdiction", "RS", "--url", "http://127.0.0.1:8440"),
        ("user", "add", "examiner-1", "--role", "examiner"),
        ("doctor", "--json"),
        ("extras", "list"),
    ):
        command = [sys.executable, "-m", "exchange.cli.main", *arguments]
        done = subprocess.run(command, env=base_alone, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode in ((0, 1) if "doctor" in arguments else (0,)), done.stderr
        assert "Traceback" not in done.stderr
    assert done.stdout.count("not installed") == len(EXTRAS)
