"""Which limits apply to what a report says: what the owners ask, what the score must not be, what the model covers."""

from __future__ import annotations

from exchange.flows.report.report import PairReport
from exchange.web.languages import gettext as _
from exchange.web.languages import term
from exchange.web.report.blocks import Block, bullets, heading, pairs
from exchange.web.report.exhibits import handling
from exchange.web.wording.sentences import reason


def limits(report: PairReport) -> list[Block]:
    """For whoever passes the report on, or rests something on it."""
    return [
        heading(_("Which limits apply"), 1),
        pairs(
            *(
                (f"{term(side.record.jurisdiction)}, {side.record.case_reference}", handling(side.record.handling))
                for side in report.sides
            ),
            (_("Limits of the likelihood model"), model_limits(report)),
        ),
        bullets(
            _(
                "Each record stays its owner's: whoever passes this report on keeps to both handling codes, and asks "
                "the owner where a code says so."
            ),
            _(
                "The score must not be told as an identification, as a probability, or as how certain an examiner is: "
                "it puts pairs in an order, and is for search, not for verification."
            ),
            _(
                "On the screen an examiner holds a possible association at most. Identification and elimination as an "
                "expert's conclusions rest on the exhibits themselves."
            ),
            _("This report is no expert's report, and replaces none."),
        ),
    ]


def model_limits(report: PairReport) -> str:
    """Whether the pair is one of those that the calibration model was made for."""
    if report.worth.likelihood_ratio is not None:
        return _("kept: the pair is of the kind that the model was made from")
    return _("no likelihood ratio holds: %(reason)s", reason=reason(report.worth.no_validated_lr or ""))
