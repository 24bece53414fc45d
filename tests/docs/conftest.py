"""The documents that a newcomer reads, and the code in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = (
    "README.md",
    "CHANGELOG.md",
    "deploy/README.md",
    "deploy/runbook.md",
    "deploy/pilot/README.md",
    *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/**/*.md")),
)
WITH_CODE = (
    *DOCUMENTS,
    *(
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "deploy").rglob("*"))
        if path.is_file() and path.suffix not in {".md", ".json", ".pyc"}
    ),
)
REMOVABLE = (ROOT / "exchange" / "coordination", ROOT / "tests" / "exchange" / "coordination")
"""Where these were removed, documents may still name what was in them."""
_FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def is_removed(path: Path) -> bool:
    return any(folder in (path := path.resolve(), *path.parents) and not folder.exists() for folder in REMOVABLE)


@dataclass(frozen=True)
class Document:
    """One document: ``path`` below the project's folder, and its text."""

    path: str
    text: str

    def blocks(self, language: str, section: str | None = None) -> list[str]:
        """The fenced blocks of a language, of the whole document or of one section (a heading of level 2)."""
        text = self.text if section is None else self._section(section)
        return [code for name, code in _FENCED.findall(text) if name == language]

    def code(self) -> list[str]:
        """Each line of shell, and each piece of code within a sentence; lines that go on are joined."""
        lines = [line for block in self.blocks("sh") for line in block.replace("\\\n", " ").splitlines()]
        return lines + re.findall(r"`([^`\n]+)`", _FENCED.sub("", self.text))

    def _section(self, heading: str) -> str:
        found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", self.text, re.MULTILINE | re.DOTALL)
        assert found, f"{self.path} has no section '{heading}'"
        return found[1]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def readme() -> Document:
    return _read("README.md")


@pytest.fixture(scope="session")
def first_submission() -> Document:
    return _read("docs/first-submission.md")


@pytest.fixture(scope="session")
def settings_document() -> Document:
    return _read("docs/settings.md")


@pytest.fixture(scope="session")
def index() -> Document:
    return _read("docs/README.md")


@pytest.fixture(params=DOCUMENTS)
def document(request: pytest.FixtureRequest) -> Document:
    """Each document in turn."""
    return _read(request.param)


@pytest.fixture(params=WITH_CODE)
def file_with_names(request: pytest.FixtureRequest) -> Document:
    """Each document and each file of ``deploy`` in turn."""
    return _read(request.param)


@pytest.fixture(scope="session")
def submission_format() -> Document:
    return _read("docs/submission-format.md")


@pytest.fixture(scope="session")
def architecture() -> Document:
    return _read("docs/architecture.md")


def _read(path: str) -> Document:
    return Document(path, (ROOT / path).read_text(encoding="utf-8"))
