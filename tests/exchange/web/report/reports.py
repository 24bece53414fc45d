"""A report on a pair that holds everything that a report can hold, made without a node."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

import numpy as np
from PIL import Image

from exchange.flows.node.likelihood_ratio import ScoreRatio
from exchange.flows.report.pair_report import PairReport, ReportedStatement, ReportSide
from exchange.flows.report.report_sources import Authorisation, Laboratory, ReportedReference, ReportedView
from exchange.flows.report.view_document import ViewDocument
from schemas import parse_statement
from schemas.record import Record
from schemas.vocabulary import ReferenceChannel
from tests.schemas.examples import acquisition_fields, exhibit_fields, firearm_fields, fired_fields, record_fields
from tests.schemas.results import SCREEN
from tests.schemas.statement_examples import custody_fields, statement_fields

RATIO = {
    "log10_lr": 2.345,
    "lower": -1.5,
    "upper": 3.25,
    "capped": None,
    "verbal": "moderately strong support for one firearm rather than two",
    "population": {"name": "Fadul", "n_firearms": 10, "n_km": 1234, "n_knm": 740, "marks": "whole marks"},
    "model_digest": "d" * 64,
}
VIEW = {
    "version": 1,
    "mode": "split",
    "camera": {"x_um": 120.0, "y_um": -40.0, "field_um": 1500.0, "angle_deg": 12.5},
    "reference": {"dx_um": 31.0, "dy_um": -7.0, "angle_deg": 353.6},
    "linked": False,
    "divider": 0.5,
    "mix": 0.5,
    "light": {"azimuth_deg": 315.0, "elevation_deg": 35.0},
    "exaggeration": 4.0,
    "contrast": 1.2,
    "colours": "relief",
    "form": "raw",
    "cells": True,
    "heat": False,
    "tool": "mark",
    "measure": [0.0, 0.0, 300.0, 400.0],
    "measured_on": "query",
    "angle": None,
    "profile": None,
    "marks": [
        {"kind": "agreement", "x_um": 210.0, "y_um": 15.0, "radius_um": 40.0, "text": "two parallel lines"},
        {"kind": "disagreement", "x_um": -310.0, "y_um": 215.0, "radius_um": 0.0, "text": ""},
    ],
}


def statement(kind: str, **changes: Any) -> Any:
    return parse_statement(json.dumps({**statement_fields()[kind], **changes}).encode())


def record(exhibit: dict[str, Any], **changes: Any) -> Record:
    found = parse_statement(json.dumps(record_fields(exhibit=exhibit, **changes)).encode())
    assert isinstance(found, Record)
    return found


def drawn(width: int = 256, height: int = 64) -> bytes:
    """A grey wedge as PNG."""
    stream = io.BytesIO()
    wedge = np.linspace(0, 255, width).astype(np.uint8)
    Image.fromarray(np.tile(wedge, (height, 1))).save(stream, "PNG")
    return stream.getvalue()


def full_report(**changes: Any) -> PairReport:
    """A confirmed hit whose exhibits travelled, of a test fire here and a case at the other side."""
    fields: dict[str, Any] = {
        "node_id": "ffp-rs",
        "candidate_id": 12,
        "roi": "breech_face",
        "score": 0.4321,
        "not_validated": None,
        "congruent_cells": 9,
        "cells": 12,
        "comparison": {
            "matcher_version": "5",
            "rotation_deg": 353.6,
            "overlap": 0.83,
            "cells": [{"label": f"A{n}", "correlation": n / 12, "congruent": n > 3} for n in range(1, 13)],
        },
        "parameters": "c" * 64,
        "worth": ScoreRatio(likelihood_ratio=RATIO),
        "sides": (_ours(), _theirs()),
        "said": _said(),
        "stage": "confirmed",
        "dated": "2026-12-20T10:11:12.000Z",
        "picture": drawn(),
        "authorisations": {"examiner-7": Authorisation("authorised for cartridge cases", "2026-01-15T08:00:00.000Z")},
        "views": (_view(1, 320, 180), _view(2, 120, 320)),
        "views_left_out": 3,
        "references": _references(),
    }
    return PairReport(**(fields | changes))


def _ours() -> ReportSide:
    stated = record(
        fired_fields(item="K-2/1", seal="RS 004711", firearm=firearm_fields(converted="yes")),
        contract="1.0",
        stated_at="2026-11-25T08:59:00.000Z",
    )
    laboratory = Laboratory(
        "National Forensic Centre, Department of Ballistics", "01-234", "ISO/IEC 17025:2017", "12345 " * 7 + "12345"
    )
    scan = stated.acquisitions[0]
    return ReportSide("a" * 64, "ffp-rs", 17, "2026-11-25T09:00:02.114Z", stated, scan, None, laboratory)


def _theirs() -> ReportSide:
    check = {"specimen": "SRM 2461-17", "checked_on": "2026-11-20", "warning": True, "digest": "f" * 64}
    exhibit = exhibit_fields(
        calibre="other", calibre_words="9x20 mm experimental", item="3", seal="MK 12", incident="MK-2026-9/2"
    )
    stated = record(
        exhibit,
        contract="1.0",
        issuer="ffp-mk",
        jurisdiction="MK",
        case_reference="MK-2026-0009",
        acquisitions=[acquisition_fields() | {"instrument_check": check}],
    )
    scan = stated.acquisitions[0]
    return ReportSide(
        *("b" * 64, "ffp-mk", 4, "2026-11-26T09:00:02.114Z", stated, scan, None),
        Laboratory(fingerprint="54321 " * 7 + "54321"),
    )


def _said() -> tuple[ReportedStatement, ...]:
    screen = {**SCREEN}
    stated = [
        ("conclusion", statement("conclusion", **screen)),
        ("verification", statement("verification", **screen)),
        ("hit", statement("hit")),
        ("physical-comparison", statement("physical-comparison", step="asked", on=None)),
        ("physical-comparison", statement("physical-comparison", issuer="ffp-mk")),
        *(
            ("physical-comparison", parse_statement(json.dumps(custody_fields(step)).encode()))
            for step in ("sent", "received")
        ),
        ("conclusion", statement("conclusion", result={"basis": "exhibits", "conclusion": "inconclusive_a"})),
        ("verification", statement("verification")),
        ("feedback", statement("feedback")),
    ]
    return tuple(
        ReportedStatement(
            *(hashlib.sha256(f"{at}".encode()).hexdigest(), kind, 100 + at, f"2026-12-{at + 1:02}T10:00:00.000Z", said),
            retracted=False,
        )
        for at, (kind, said) in enumerate(stated)
    )


def _view(view_id: int, width: int, height: int) -> ReportedView:
    document = ViewDocument.model_validate_json(json.dumps(VIEW))
    title, saved = f"Agreement at three o'clock, {view_id}", "2026-11-27T12:00:00.000Z"
    return ReportedView(view_id, title, "examiner-7", saved, view_id == 2, document, drawn(width, height))


def _references() -> tuple[ReportedReference, ...]:
    told = (
        (ReferenceChannel.SIENA, "SIENA-0001", "message"),
        (ReferenceChannel.IARMS, "iARMS-77", "disclosure"),
        (None, "12/2026", "disclosure"),
    )
    return tuple(
        ReportedReference(channel, number, kind, f"{at}" * 64, "ffp-mk", "2026-12-05T10:00:00.000Z")
        for at, (channel, number, kind) in enumerate(told, start=1)
    )
