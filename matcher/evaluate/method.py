"""What the matcher does and why, from its own docstrings: they cannot say something else than the code beside them."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import fields
from itertools import pairwise
from typing import Any

from matcher.areal.cells import find_cells
from matcher.areal.comparison import score_of
from matcher.areal.registration import register
from matcher.mark.clean import band_passed, clean
from matcher.numeric.parameters import DEFAULT_PARAMETERS, MATCHER_VERSION, RELIEF_PARAMETERS, Parameters

_STEPS: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("Clean", clean),
    ("Band-pass", band_passed),
    ("Register", register),
    ("Cells", find_cells),
    ("Score", score_of),
)


def describe_method(digest: str) -> str:
    """The section of a dossier, for the parameters' digest that the results carry."""
    relief = ", ".join(
        entry.name
        for entry in fields(Parameters)
        if getattr(RELIEF_PARAMETERS, entry.name) != getattr(DEFAULT_PARAMETERS, entry.name)
    )
    lines = [
        "## Method\n",
        f"Matcher version {MATCHER_VERSION}, parameters `{digest}` (SHA-256 of the version and every value). In the "
        "words of the source:\n",
    ]
    for name, step in _STEPS:
        lines += [f"### {name}\n", inspect.getdoc(step) or "", ""]
    lines += ["### Parameters\n", "| name | value | reason |", "|---|---|---|"]
    why = reasons(Parameters)
    for entry in fields(Parameters):
        value = getattr(DEFAULT_PARAMETERS, entry.name)
        shown = " to ".join(f"{end:g}" for end in value) if isinstance(value, tuple) else str(value)
        lines.append(f"| `{entry.name}` | {shown} | {cell(why.get(entry.name, 'not stated'))} |")
    lines += ["", f"Under ring light these differ: {relief}."]
    return "\n".join(lines)


def reasons(owner: type) -> dict[str, str]:
    """What the source of a class says under each of its fields."""
    body = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0]
    found = {}
    statements = body.body if isinstance(body, ast.ClassDef) else []
    for entry, after in pairwise(statements):
        match entry, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = " ".join(text.split())
    return found


def cell(text: str) -> str:
    """Text that comes from outside, within one cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")
