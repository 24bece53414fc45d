"""The views that examiners saved of a pair: the pictures as they were saved, with all that makes each."""

from __future__ import annotations

import hashlib
import math
from typing import Final

from exchange.flows.report.pair_report import PairReport
from exchange.flows.report.report_sources import ReportedView
from exchange.flows.report.view_document import ViewDocument
from exchange.web.languages import gettext as _
from exchange.web.languages import marked as _m
from exchange.web.languages import spoken
from exchange.web.languages.days import moment
from exchange.web.report.blocks import Block, columns, heading, pairs, picture, quiet

MODES: Final = {
    "split": _m("Split"),
    "side-by-side": _m("Side by side"),
    "overlay": _m("Overlay"),
    "difference": _m("Difference"),
    "tilted": _m("3-D"),
}
"""In the words of the viewer, as those of the marks."""
SHAPES: Final = {"agreement": _m("Agreement"), "disagreement": _m("Disagreement"), "note": _m("Note")}


def views(report: PairReport) -> list[Block]:
    """Nothing where nobody saved any."""
    if not report.views:
        return []
    blocks = [
        heading(_("Views that examiners saved"), 1),
        quiet(
            _(
                "Each picture is printed as it was saved. Places are micrometres from the first point of the scan that "
                "is named as frame, to the right and downwards. Marks are what the examiner saw there, and no "
                "conclusion."
            )
        ),
    ]
    if report.views_left_out:
        blocks.append(quiet(_("The newest ones; %(count)s older ones are left out.", count=report.views_left_out)))
    for view in report.views:
        blocks += _view(view)
    return blocks


def pictures(report: PairReport) -> dict[str, bytes]:
    """By the names under which the template finds them."""
    return {_file(view): view.picture for view in report.views}


def _view(view: ReportedView) -> list[Block]:
    blocks = [
        heading(view.title, 2),
        picture(_("Saved by %(who)s, %(when)s.", who=view.made_by, when=moment(view.made_at)), _file(view)),
        pairs(*_settings(view)),
    ]
    if marks := view.document.marks:
        head = [_("Mark"), _("Place, µm"), _("Radius, µm"), _("What was seen")]
        rows = [
            [
                f"{at}. {_(SHAPES[mark.kind])}",
                _place(mark.x_um, mark.y_um),
                _number(mark.radius_um) if mark.radius_um else _("a point"),
                mark.text or "–",
            ]
            for at, mark in enumerate(marks, start=1)
        ]
        blocks.append(columns(head, rows))
    return blocks


def _settings(view: ReportedView) -> list[tuple[str, str]]:
    made = view.document
    camera, pose, light = made.camera, made.reference, made.light
    framed = _("the second scan") if view.on_second else _("the first scan")
    by_hand = "" if made.linked else _("laid by hand")
    rows = [
        (_("View"), _mode(made)),
        (_("Frame"), framed),
        (
            _("Part that is shown"),
            _(
                "%(field)s µm across, the middle at %(place)s, turned by %(angle)s°",
                field=_number(camera.field_um),
                place=_place(camera.x_um, camera.y_um),
                angle=_number(camera.angle_deg, 1),
            ),
        ),
        (
            _("Where the other scan lies"),
            _(
                "moved by %(place)s, turned by %(angle)s°",
                place=_place(pose.dx_um, pose.dy_um),
                angle=_number(pose.angle_deg, 1),
            )
            + (f" ({by_hand})" if by_hand else ""),
        ),
        (
            _("Light"),
            _(
                "from %(azimuth)s°, %(elevation)s° high, slopes × %(slopes)s, contrast %(contrast)s",
                azimuth=_number(light.azimuth_deg),
                elevation=_number(light.elevation_deg),
                slopes=_number(made.exaggeration, 1),
                contrast=_number(made.contrast, 1),
            ),
        ),
        (_("Heights"), _("as measured") if made.form == "raw" else _("filtered")),
        (_("Drawn over it"), ", ".join(_drawn_over(made)) or "–"),
    ]
    return [*rows, *_measured(made), (_("SHA-256 of the picture"), hashlib.sha256(view.picture).hexdigest())]


def _mode(made: ViewDocument) -> str:
    mode = _(MODES[made.mode])
    match made.mode:
        case "split":
            divided = _("divided at %(share)s of the width", share=_number(made.divider, 2))
            return f"{mode}, {divided}"
        case "overlay":
            mixed = _("%(share)s of the other scan", share=_number(made.mix, 2))
            return f"{mode}, {mixed}"
        case "tilted" if made.tilt is not None:
            tilted = _(
                "tilted by %(tilt)s°, turned by %(turn)s°, heights × %(heights)s",
                tilt=_number(made.tilt.tilt_deg),
                turn=_number(made.tilt.turn_deg),
                heights=_number(made.tilt.heights),
            )
            return f"{mode}, {tilted}"
        case _:
            return mode


def _drawn_over(made: ViewDocument) -> list[str]:
    drawn = {
        _("Cells"): made.cells,
        _("Correlation of cells"): made.heat,
        _("Height colours"): made.colours == "height",
    }
    return [name for name, is_drawn in drawn.items() if is_drawn]


def _measured(made: ViewDocument) -> list[tuple[str, str]]:
    """What was laid on the scans to measure, with its ends."""
    rows = []
    for name, line in ((_("Distance"), made.measure), (_("Profile"), made.profile)):
        if line is not None:
            x0, y0, x1, y1 = line
            length = _number(math.hypot(x1 - x0, y1 - y0), 1)
            ends = {"length": length, "first": _place(x0, y0), "last": _place(x1, y1)}
            rows.append((name, _("%(length)s µm, from %(first)s to %(last)s", **ends)))
    if made.angle is not None:
        ends_of_legs = zip(made.angle[::2], made.angle[1::2], strict=True)
        rows.append((_("Angle"), "; ".join(_place(x, y) for x, y in ends_of_legs)))
    return rows


def _file(view: ReportedView) -> str:
    return f"view-{view.view_id}.png"


def _place(x_um: float, y_um: float) -> str:
    return f"{_number(x_um)} / {_number(y_um)}"


def _number(value: float, digits: int = 0) -> str:
    return spoken().number(value, digits)
