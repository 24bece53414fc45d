"""What the packages promise: their public names, and to do without what they should not need."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import matcher
import schemas

ROOT = Path(__file__).parents[2]
WEB_AND_DATABASE = ("exchange", "fastapi", "starlette", "uvicorn", "httpx", "sqlalchemy", "sqlite3", "structlog")


@pytest.mark.parametrize("package", [schemas, matcher], ids=lambda package: package.__name__)
def test_public_names_are_those_that_the_package_lists(package: ModuleType) -> None:
    """Everything else may change without notice."""
    for name in package.__all__:
        getattr(package, name)  # of the matcher loaded only now
    inside = {path.stem for path in Path(str(package.__file__)).parent.iterdir()}
    public = {name for name in vars(package) if not name.startswith("_")}
    assert len(set(package.__all__)) == len(package.__all__)
    assert set(package.__all__) == public - inside - {"annotations"}


@pytest.mark.slow
@pytest.mark.parametrize("package", ["schemas", "matcher"])
def test_what_others_take_from_a_package_itself_is_public(package: str) -> None:
    public = set(importlib.import_module(package).__all__)
    modules = {path.stem for path in (ROOT / package).iterdir()}
    for path in (ROOT / "exchange").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == package:
                assert {alias.name for alias in node.names} <= public | modules, path


def test_schemas_reads_and_writes_nothing() -> None:
    """No module for I/O is imported (lint-imports holds that), and none of the built-in functions is called."""
    for path in (ROOT / "schemas").glob("*.py"):
        called = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert called.isdisjoint({"open", "print", "input", "exec", "eval", "__import__"}), path.name


@pytest.mark.slow
@pytest.mark.parametrize("package", ["matcher", "schemas"])
def test_a_package_works_without_web_and_database(package: str) -> None:
    """Every module of it is imported by a fresh interpreter in which these cannot be."""
    blocked = (*WEB_AND_DATABASE, "matcher") if package == "schemas" else WEB_AND_DATABASE
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted((ROOT / package).rglob("*.py"))
    ]
    program = "\n".join(
        (
            "import importlib, sys",
            f"sys.path.insert(0, {str(ROOT)!r})",
            f"sys.modules.update(dict.fromkeys({blocked!r}))",
            f"for name in {modules!r}: importlib.import_module(name)",
        )
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
