"""A view of the comparison viewer as it is saved: everything that makes it, each number and word within bounds.

The names are those of the viewer (``static/viewer/view.js``); places are micrometres in the query's frame.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.exhibit import ShortText

MOST_DOCUMENT_BYTES = 16 * 1024
"""Forty marks with 120 characters each, and what is around them."""

_Coordinate = Annotated[float, Field(ge=-1e6, le=1e6)]
Degrees = Annotated[float, Field(ge=-360, le=360)]
_Share = Annotated[float, Field(ge=0, le=1)]
_LineEnds = tuple[_Coordinate, _Coordinate, _Coordinate, _Coordinate]
Legs = tuple[_Coordinate, _Coordinate, _Coordinate, _Coordinate, _Coordinate, _Coordinate]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Camera(_Part):
    x_um: _Coordinate
    y_um: _Coordinate
    field_um: Annotated[float, Field(ge=10, le=1e6)]
    angle_deg: Degrees


class Pose(_Part):
    """Where the reference lies on the query."""

    dx_um: _Coordinate
    dy_um: _Coordinate
    angle_deg: Degrees


class Light(_Part):
    azimuth_deg: Annotated[float, Field(ge=0, le=360)]
    elevation_deg: Annotated[float, Field(ge=5, le=85)]


class Tilt(_Part):
    """How the stage is seen where the mode is "tilted". ``heights``: times what they are."""

    tilt_deg: Annotated[float, Field(ge=0, le=75)]
    turn_deg: Degrees
    heights: Annotated[float, Field(ge=1, le=200)]


class ViewMark(_Part):
    """A point, or a ring where the radius is not 0, with what the examiner saw there."""

    kind: Literal["agreement", "disagreement", "note"]
    x_um: _Coordinate
    y_um: _Coordinate
    radius_um: Annotated[float, Field(ge=0, le=1e5)]
    text: ShortText | Literal[""]


class ViewDocument(_Part):
    """``tilt``: None of a view that was saved before the stage could be tilted."""

    version: Literal[1]
    mode: Literal["split", "side-by-side", "overlay", "difference", "tilted"]
    camera: Camera
    reference: Pose
    linked: bool
    divider: _Share
    mix: _Share
    light: Light
    exaggeration: Annotated[float, Field(ge=0.5, le=60)]
    contrast: Annotated[float, Field(ge=0.3, le=3)]
    colours: Literal["relief", "height"]
    form: Literal["raw", "filtered"]
    cells: bool
    heat: bool
    tilt: Tilt | None = None
    tool: Literal["measure", "angle", "profile", "mark"] | None
    measure: _LineEnds | None
    measured_on: Literal["query", "reference"] | None
    angle: _LineEnds | Legs | None
    profile: _LineEnds | None
    marks: Annotated[tuple[ViewMark, ...], Field(max_length=40)]
