"""The file that holds calibration models: one for whole marks, and further ones for parts. Strictly checked.

``matcher.likelihood.calibration_model`` says what a model is. See docs/likelihood-ratio.md.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from matcher.likelihood.calibration_model import CalibrationModel, CalibrationRefused, ReferencePopulation
from matcher.likelihood.mark_limits import MarkLimits

CALIBRATION_FORMAT = "ffp-calibration-2"
"""Changes when a file says something else; a node refuses formats that it does not know."""

_MAX_BYTES = 256 * 1024
"""A model with the most knots takes 30 kB."""
_MAX_MODELS = 8


@dataclass(frozen=True)
class CalibrationModels:
    """The models of one file, narrowest first: the first that a pair of marks is inside of judges it.

    ``digest``: SHA-256 (hex) of the content as JSON: sorted keys, no spaces, UTF-8. It detects damage, and signs
    nothing.
    """

    models: tuple[CalibrationModel, ...]
    digest: str

    @classmethod
    def of(cls, *models: CalibrationModel) -> CalibrationModels:
        return cls(models, _digest(_content(models)))

    @property
    def widest(self) -> CalibrationModel:
        """The one whose limits most pairs keep."""
        return self.models[-1]

    def to_json(self) -> str:
        """The file."""
        return json.dumps({**_content(self.models), "digest": self.digest}, indent=1, ensure_ascii=False) + "\n"


def _content(models: tuple[CalibrationModel, ...]) -> dict[str, Any]:
    return {"format": CALIBRATION_FORMAT, "models": [asdict(model) for model in models]}


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(
        json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    ).hexdigest()


def read_calibration(path: Path) -> CalibrationModels:
    """Read an untrusted calibration file.

    1. Take no more bytes than a file of models has.
    2. Refuse what is not JSON, and what a lenient reader would mend: a key named twice, NaN.
    3. Refuse every field that is missing, unknown, or not what its class says.
    4. Refuse a file whose digest is not that of its content.

    Raises ``CalibrationRefused``; OSError when the file cannot be opened, which is not the file's fault.
    """
    # 1.
    with path.open("rb") as file:
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise CalibrationRefused(f"this is no calibration file: it has more than {_MAX_BYTES} bytes")

    # 2.
    try:
        content = json.loads(data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise CalibrationRefused("this is no calibration file: it is not JSON in UTF-8, each key once") from error

    # 3.
    try:
        stated, models = _models(content)
    except ValueError as error:
        raise CalibrationRefused(f"the calibration file is refused: {error}") from error

    # 4.
    if stated != _digest({name: value for name, value in content.items() if name != "digest"}):
        raise CalibrationRefused("the calibration file was damaged or altered: its digest is not that of its content")
    return CalibrationModels(models, stated)


def _models(content: object) -> tuple[str, tuple[CalibrationModel, ...]]:
    """The digest that the file states, and its models."""
    found = _fields(("format", "models", "digest"), content)
    if found["format"] != CALIBRATION_FORMAT:
        raise ValueError(f"the format must be {CALIBRATION_FORMAT}")
    if not isinstance(found["models"], tuple) or not 0 < len(found["models"]) <= _MAX_MODELS:
        raise ValueError(f"models must be a list of 1 to {_MAX_MODELS}")
    return str(found["digest"]), tuple(_model(one) for one in found["models"])


def _model(content: object) -> CalibrationModel:
    said = _fields_of(CalibrationModel, content)
    population = _fields_of(ReferencePopulation, said["population"])
    if population["limits"] is not None:
        population["limits"] = MarkLimits(**_fields_of(MarkLimits, population["limits"]))
    return CalibrationModel(**{**said, "population": ReferencePopulation(**population)})


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _fields_of(kind: type, content: object) -> dict[str, Any]:
    """The object's values, lists frozen; it has exactly the fields of the class."""
    return _fields(tuple(field.name for field in fields(kind)), content)


def _fields(names: tuple[str, ...], content: object) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise ValueError(f"it must be an object with {', '.join(names)}")  # noqa: TRY004 - the file's fault, not a caller's
    if missing := [name for name in names if name not in content]:
        raise ValueError(f"it lacks {', '.join(missing)}")
    if len(content) != len(names):
        raise ValueError("it has fields that are not known")
    return {name: tuple(value) if isinstance(value, list) else value for name, value in content.items()}
