"""The technical annex of a report: for examiners, and for whoever verifies what the first page says."""

from __future__ import annotations

from functools import partial
from typing import Any

from exchange.flows.node.likelihood_ratio import other_matcher
from exchange.flows.report.pair_report import PairReport, ReportedStatement
from exchange.web.languages import gettext as _
from exchange.web.languages import spoken, term
from exchange.web.languages.days import moment
from exchange.web.report.blocks import Block, bullets, columns, heading, pairs, paragraph, picture, quiet
from exchange.web.report.report_exhibits import (
    authorisation,
    custody_discrepancies,
    handling,
    laboratories,
    named_side,
    records,
    signer,
    stated_at,
)
from exchange.web.report.views import views
from exchange.web.wording.custody_words import exhibit_where
from exchange.web.wording.sentences import model_for, no_effect, reason
from schemas import Conclusion, CustodyExplanation, Feedback, Hit, PhysicalComparison, Retraction, Verification
from schemas.statement_base import Statement


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


CELL_COLUMNS = 5


def annex(report: PairReport) -> list[Block]:
    """Who answers for it, the images, the comparison, what its score is worth, the limits, the records, who signed what
    of them, and how to verify all of it."""
    return [
        heading(_("Technical annex"), 0),
        *laboratories(report),
        *_images(),
        *views(report),
        *_comparison(report),
        *_worth(report),
        *limits(report),
        *records(report),
        *_custody(report),
        *_references(report),
        *_signatures(report),
        *_statements(report),
        *_verification(report),
    ]


def _images() -> list[Block]:
    return [
        heading(_("Both scans, aligned"), 1),
        picture(
            _(
                "Left the first, right the second cartridge case, in one frame and under the same virtual light, as "
                "the program registered them. Congruent cells are lit."
            )
        ),
    ]


def _comparison(report: PairReport) -> list[Block]:
    number, found = spoken().number, report.comparison
    cells = _("not known yet")
    if report.cells is not None:
        cells = _("%(congruent)s of %(cells)s", congruent=report.congruent_cells, cells=report.cells)
    rows = [
        (_("Region"), term(report.roi)),
        (_("Score"), _score(report)),
        (_("Congruent cells"), cells),
    ]
    if (turned := found.get("rotation_deg")) is not None:
        signed = (turned + 180) % 360 - 180
        rows.append((_("Rotation"), _("%(degrees)s°", degrees=number(signed, 1))))
    if (shared := found.get("overlap")) is not None:
        rows.append((_("Shared area"), _("%(share)s of the smaller mark", share=number(shared, 2))))
    rows += [
        (_("Matcher version"), str(found["matcher_version"])),
        (_("Digest of its parameters"), report.parameters),
    ]
    blocks = [
        heading(_("What the score rests on"), 1),
        pairs(*rows),
        quiet(
            _(
                "The score ranks candidates for comparison by an examiner. It is no probability and identifies "
                "nothing; systems of this kind are for search, not for verification."
            )
        ),
    ]
    if (other := other_matcher(str(found["matcher_version"]))) is not None:
        blocks.append(quiet(reason(other)))
    if each := found.get("cells") or found.get("segments") or []:
        shown = [_cell(cell) for cell in each]
        lines = [shown[at : at + CELL_COLUMNS] for at in range(0, len(shown), CELL_COLUMNS)]
        lines[-1] += [""] * (CELL_COLUMNS - len(lines[-1]))
        blocks += [
            quiet(_("Each cell with its correlation, 0 to 1; + marks the congruent ones.")),
            columns([], lines),
        ]
    return blocks


def _score(report: PairReport) -> str:
    score = spoken().number(report.score, 3)
    return score if report.not_validated is None else f"{score}. {reason(report.not_validated)}"


def _cell(cell: dict[str, Any]) -> str:
    mark = " +" if cell["congruent"] else ""
    return f"{cell['label']}  {spoken().number(cell['correlation'], 2)}{mark}"


def _worth(report: PairReport) -> list[Block]:
    number = spoken().number
    blocks = [
        heading(_("What the score is worth"), 1),
        pairs(
            (_("First proposition"), _("One firearm fired both cartridge cases.")),
            (_("Second proposition"), _("Two firearms fired them.")),
        ),
    ]
    found = report.worth.likelihood_ratio
    if found is None:
        why = reason(report.worth.no_validated_lr or "")
        return [*blocks, paragraph(_("no validated LR: %(reason)s", reason=why))]
    population = found["population"]
    rows = [
        (_("log10 of the likelihood ratio"), number(found["log10_lr"], 2)),
        (
            _("Bounds that the reference population supports"),
            _("%(lower)s to %(upper)s", lower=number(found["lower"], 2), upper=number(found["upper"], 2)),
        ),
        (_("In words (ENFSI, 2015)"), term(found["verbal"])),
        (_("Limits of the likelihood model"), model_limits(report)),
        (
            _("Reference population"),
            _(
                "%(name)s: %(firearms)s firearms, %(same)s pairs of one firearm and %(different)s of two",
                name=population["name"],
                firearms=number(population["n_firearms"]),
                same=number(population["n_km"]),
                different=number(population["n_knm"]),
            ),
        ),
        (_("Digest of the model"), str(found["model_digest"])),
    ]
    if found["capped"] is not None:
        rows.insert(2, (_("Bound reached"), _("The data support no value further from 0.")))
    note = _(
        "A likelihood ratio holds within its bounds and for its reference population alone, and leaves out that the "
        "pair was found by its score."
    )
    return [*blocks, pairs(*rows), paragraph(model_for(population["marks"])), quiet(note)]


def _references(report: PairReport) -> list[Block]:
    """Under which numbers other channels know the matter."""
    blocks: list[Block] = [heading(_("Reference numbers of other channels"), 1)]
    if not report.references:
        return [*blocks, paragraph(_("None that is known here."))]
    for one in report.references:
        channel = term(one.channel, "reference_channel") if one.channel is not None else _("channel not stated")
        said = {"kind": term(one.kind, "statement"), "node": one.issuer, "at": moment(one.received_at)}
        blocks.append(
            pairs(
                (_("Number"), f"{one.number} ({channel})"),
                (_("Stands in"), _("%(kind)s of %(node)s, received here %(at)s", **said)),
                (_("Statement"), one.statement_id),
            )
        )
    return [
        *blocks,
        quiet(
            _(
                "They stand in messages about this pair or one of its records, and in what one side disclosed to the "
                "other."
            )
        ),
    ]


def _signatures(report: PairReport) -> list[Block]:
    """Of both sides, in one table; each statement follows with all that it says."""
    signed: list[tuple[str, Statement, str]] = [("record", side.record, side.received_at) for side in report.sides]
    signed += [(item.kind, item.statement, item.received_at) for item in report.said]
    return [
        heading(_("Who signed what, and when"), 1),
        columns(
            [_("Statement"), _("Node"), _("Signed by"), _("Stated by the issuer"), _("Received here")],
            [
                [
                    term(kind, "statement"),
                    said.issuer,
                    f"{said.made_by.pseudonym}, {term(said.made_by.role, 'role')}",
                    stated_at(said),
                    moment(received),
                ]
                for kind, said, received in signed
            ],
        ),
    ]


def _statements(report: PairReport) -> list[Block]:
    blocks: list[Block] = [heading(_("What was stated of this pair"), 1)]
    if not report.said:
        return [*blocks, paragraph(_("Nothing that is known here and may be shown."))]
    for said in report.said:
        blocks += [heading(term(said.kind, "statement"), 2), pairs(*_statement(report, said))]
    return blocks


def _statement(report: PairReport, said: ReportedStatement) -> list[tuple[str, str]]:
    statement = said.statement
    rows = [(_("Stated by"), signer(statement)), (_("Authorisation"), authorisation(report, statement))]
    match statement:
        case Conclusion() | Verification():
            rows += [
                (_("Conclusion"), term(statement.result.conclusion)),
                (_("Basis"), term(statement.result.basis)),
                (_("Remark"), statement.remark or "–"),
            ]
        case Hit():
            rows += [(_("Stage"), term(statement.stage)), (_("Basis"), term(statement.basis))]
        case PhysicalComparison():
            rows += _step(statement)
        case CustodyExplanation():
            rows += [(_("Explains"), statement.explains), (_("Explanation"), statement.explanation)]
        case Feedback():
            rows += [(_("Outcome"), term(statement.outcome)), (_("Remark"), statement.remark or "–")]
        case Retraction():
            rows += [(_("Takes back"), statement.retracts), (_("Reason"), statement.reason)]
        case _:
            pass
    if said.retracted:
        rows.append((_("State"), _("taken back by its issuer")))
    elif said.no_effect is not None:
        rows.append((_("State"), _("has no effect: %(why)s", why=no_effect(said.no_effect))))
    return [
        *rows,
        (_("Stated by the issuer"), stated_at(statement)),
        (_("Received here"), moment(said.received_at)),
        (_("Statement"), said.statement_id),
        (_("Place in the log"), _("%(index)s in the log of %(node)s", index=said.log_index, node=statement.issuer)),
    ]


def _step(said: PhysicalComparison) -> list[tuple[str, str]]:
    given = [
        (_("Step"), term(said.step, "comparison_step")),
        (_("Day"), str(said.on) if said.on is not None else None),
        (_("Place"), said.place),
        (_("Record"), said.record),
        (_("Seal"), said.seal),
        (_("Seal whole"), term(said.seal_whole, "answer") if said.seal_whole is not None else None),
        (_("Remark"), said.remark),
    ]
    return [(name, value) for name, value in given if value is not None]


def _custody(report: PairReport) -> list[Block]:
    """Each exhibit that travelled: who signed for it, when, where, under which seal; and the custody discrepancies."""
    if report.hit is None or not report.hit.progress.custody:
        return []
    said = {entry.statement_id: entry.statement for entry in report.hit.history}
    blocks: list[Block] = [heading(_("The way of the exhibits"), 1)]
    for custody in report.hit.progress.custody:
        steps = [step for name in custody.steps if isinstance(step := said[name], PhysicalComparison)]
        blocks += [
            paragraph(exhibit_where(custody, partial(named_side, report), str)),
            columns(
                [_("Step"), _("Day"), _("Signed by"), _("Place"), _("Seal"), _("Seal whole")],
                [_leg(step) for step in steps],
            ),
        ]
    return [*blocks, *custody_discrepancies(report)]


def _leg(said: PhysicalComparison) -> list[str]:
    whole = term(said.seal_whole, "answer") if said.seal_whole is not None else "–"
    signed_by = f"{said.issuer}, {said.made_by.pseudonym}"
    return [term(said.step, "comparison_step"), str(said.on), signed_by, said.place or "–", said.seal or "–", whole]


def _verification(report: PairReport) -> list[Block]:
    return [
        heading(_("How to verify this"), 1),
        paragraph(
            _(
                "Each record and each statement is signed by the node that made it and stands in that node's log, at "
                "the place that is named above. The node that made a record gives it out as a bundle: with its "
                "signatures, the proof that the log holds it, and the log's signed head."
            )
        ),
        paragraph(
            _(  # set in the type of the rest: backquotes belong to pages
                "A bundle is verified without any node: by `ffp verify` with the issuer's fingerprint, which two "
                "people have compared, or by hand with public tools, as `docs/verify-by-hand.md` says."
            ).replace("`", "")
        ),
        paragraph(
            _(
                "The bundle of this pair has this report and these statements in one file, and names what may not be "
                "given away. What stands in no statement cannot be verified by it: laboratory and authorisation, saved "
                "views, and the score, which follows from both scans."
            )
        ),
        quiet(
            _(
                "Made by the node %(node)s, which makes the same report, byte for byte, from the same statements.",
                node=report.node_id,
            )
        ),
    ]
