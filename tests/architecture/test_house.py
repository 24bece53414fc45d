"""The rules of the house that no tool checks: size, names, words, and nothing of the machine it was made on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("exchange", "matcher", "schemas")
FOLDERS = (*PACKAGES, "deploy", "docs", "tests", ".ci")
MAX_LINES = 500
DRAWERS = {"utils", "util", "helpers", "helper", "misc", "common", "tools", "shared", "base"}

MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
TEXTS = {".md", ".html", ".svg", ".json", ".toml", ".yaml", ".yml", ".po", ".typ", ".txt", ".sh"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def files() -> Iterator[Path]:
    """Everything that is part of the project: the folders' files, and those beside them."""
    left_behind = [".git", *(ROOT / ".gitignore").read_text(encoding="utf-8").split()]
    yield from (path for path in ROOT.iterdir() if path.is_file() and path.name not in left_behind)
    for folder in FOLDERS:
        yield from (path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


@cache
def texts() -> list[tuple[str, str]]:
    """(where, text) of all that a person may come to read: strings of the code, whose docstrings become help texts
    and the API's description, and written files."""
    spoken = [
        (f"{name_of(path)}:{node.lineno}", node.value)
        for path in MODULES
        for node in nodes(path)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    written = [
        (name_of(path), path.read_text(encoding="utf-8"))
        for path in files()
        if path.suffix in TEXTS and path.relative_to(ROOT).parts[0] != "tests"
    ]
    return spoken + written


def test_there_is_something_to_check() -> None:
    assert len(MODULES) > 50
    assert {"README.md", "pyproject.toml"} & {path.name for path in files()}
    assert len(texts()) > 1000


def test_a_module_can_be_read_in_one_sitting() -> None:
    long = {name_of(path) for path in MODULES if len(path.read_text(encoding="utf-8").splitlines()) > MAX_LINES}
    assert long == set()


def test_no_module_is_a_drawer() -> None:
    names = {name_of(path) for path in MODULES if {path.stem, path.parent.name} & DRAWERS}
    assert names == set(), "name a module for what it does in the field's own terms"


# The word belongs to no score and no result. Left alone: HTTP's header names, and the evaluation's "known match" and
# "known non-match", where the truth is known; and the matched filter of signal processing.
ALLOWED = re.compile(r"If-(None-)?Match|known (non-)?match(es)?|matched filters?|should match pattern", re.IGNORECASE)
MATCH = re.compile(r"\b(mis|non-?)?match(es|ed)?\b|\bmatching (score|result|rate|value|degree)", re.IGNORECASE)
CERTAINTY = re.compile(
    r"(%|\bper ?cent)( of)? (certain|certainty|sure|likely|likelihood|probable|probability|confidence|similar)",
    re.IGNORECASE,
)


def test_no_score_or_result_is_called_a_match() -> None:
    found = [where for where, text in texts() if MATCH.search(ALLOWED.sub("", text))]
    assert found == [], "write candidate, correlation or congruent cells; of files and dates: fit, agree, differ"


def test_no_name_calls_a_score_or_result_a_match() -> None:
    """Field and function names reach people too: in the API's answers, in JSON reports, in logs."""
    header = re.compile(r"if_?(none_?)?match", re.IGNORECASE)
    result = re.compile(r"(^|_)match(es|ed)?(_|$)|Match(es|ed)?([A-Z]|$)")
    found = {
        f"{name_of(path)}: {name}"
        for path in MODULES
        for name in {_defined_name(node) for node in nodes(path)}
        if result.search(header.sub("", name))
    }
    assert found == set()


def _defined_name(node: ast.AST) -> str:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
            return name
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.Name(id=name, ctx=ast.Store()):
            return name
    return ""


def test_no_certainty_is_given_in_per_cent() -> None:
    assert [where for where, text in texts() if CERTAINTY.search(text)] == []


def test_kosovo_is_never_written_without_its_asterisk() -> None:
    """But in the footnote itself, which says what the asterisk means."""
    for where, text in texts():
        plain = text.replace("References to Kosovo shall", "")
        plain = re.sub(r'"\* [^"\n]*1244 \(1999\)[^"\n]*"', "", plain)  # the footnote itself, in other languages
        assert not re.search(r"Kosovo(?!\*)", plain), where


def test_the_words_are_found_where_they_stand() -> None:
    """The checks above check something."""
    assert MATCH.search("a match was found")
    assert MATCH.search("3 Matches")
    assert MATCH.search("matching score 0.9")
    assert not MATCH.search(ALLOWED.sub("", "If-None-Match; known matches; KM and KNM; the matcher; rematching"))
    assert CERTAINTY.search("90 % certainty")
    assert not CERTAINTY.search("it is not a percentage of certainty")
    assert _defined_name(ast.parse("match_score = 1").body[0].targets[0]) == "match_score"  # type: ignore[attr-defined]  # an assignment


# A folder of somebody's machine at the begin of a path; what systemd or a web server call by that name is none.
MACHINE_PATH = re.compile(r"(?<![\w.}*/-])/(?:work|tmp|root|home|Users)/\w")


def test_nothing_names_a_path_of_the_machine_it_was_made_on() -> None:
    found = []
    for path in files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{name_of(path)}: {hit.group()}" for hit in MACHINE_PATH.finditer(text)]
    assert found == []
    assert MACHINE_PATH.search('open("/' + 'tmp/x")')
