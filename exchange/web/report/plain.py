"""The first page of a report, for those who decide and are no examiners: prosecutors, investigators, judges."""

from __future__ import annotations

from functools import partial
from typing import Final

from exchange.flows.hits.vocabulary import Stage
from exchange.flows.report.pair_report import PairReport, ReportSide
from exchange.web.languages import gettext as _
from exchange.web.languages import marked as _m
from exchange.web.languages import term
from exchange.web.languages.days import period
from exchange.web.report.blocks import Block, bullets, columns, heading, paragraph, stage
from exchange.web.report.report_exhibits import (
    custody_discrepancies,
    firearm_words,
    laboratory_name,
    named_side,
    open_disagreements,
)
from exchange.web.wording.calibres import calibre_words
from exchange.web.wording.custody_words import signature_words
from exchange.web.wording.exhibit_name import record_name
from exchange.web.wording.sentences import reason, suspicion

IS: Final = {
    "candidate": _m(
        "A computer program put this pair on a list for examiners, because marks on the two cartridge cases resemble "
        "each other. No examiner's conclusion on it is known here."
    ),
    "concluded": _m(
        "An examiner has compared the two cartridge cases and concluded that one firearm fired both. That conclusion "
        "has not led to a shared lead yet: a second examiner must come to the same result without knowing of the first."
    ),
    "associated": _m(
        "An examiner has compared images of the two cartridge cases on the screen and sees a possible association: the "
        "marks agree. The exhibits themselves have not been compared, and a second examiner must come to the same "
        "result without knowing of the first."
    ),
    "lead": _m(
        "Two examiners have compared images of the two cartridge cases on the screen, the second without knowing the "
        "program's score or the first one's conclusion. Both hold the pair worth pursuing: it is a lead. The exhibits "
        "themselves have not been compared."
    ),
    "comparison_asked": _m(
        "Two examiners hold the pair worth pursuing: it is a lead. One side has asked to compare the exhibits "
        "themselves under one microscope; the other has not answered yet."
    ),
    "comparison_agreed": _m(
        "Two examiners hold the pair worth pursuing: it is a lead. Both sides have agreed on a day to compare the "
        "exhibits themselves under one microscope. That has not been concluded yet."
    ),
    "compared": _m(
        "Two examiners have compared the two cartridge cases themselves under the microscope, and both concluded that "
        "one firearm fired both. The confirmed hit is still to be signed."
    ),
    "confirmed": _m(
        "Two examiners have compared the two cartridge cases themselves under the microscope, the second without "
        "knowing the first one's conclusion. Both concluded that one firearm fired both: it is a confirmed hit."
    ),
    "eliminated": _m("An examiner has compared the two cartridge cases and concluded that two firearms fired them."),
    "inconclusive": _m(
        "An examiner has compared the two cartridge cases and could conclude neither that one firearm fired both, nor "
        "that two did."
    ),
    "unsuitable": _m("An examiner has found that the marks on the cartridge cases are not suitable for comparison."),
    "not_associated": _m(
        "An examiner has examined images of the two cartridge cases on the screen. No association is indicated. The "
        "exhibits themselves have not been compared."
    ),
    "inconclusive_on_screen": _m(
        "An examiner has examined images of the two cartridge cases on the screen. The images show neither that the "
        "marks agree nor that they differ. The exhibits themselves have not been compared."
    ),
    "unsuitable_on_screen": _m(
        "An examiner has found that the images of the marks are not suitable for examination. The exhibits themselves "
        "have not been compared."
    ),
}

MEANS: Final = {
    "candidate": _m("An examiner should look at the pair. For an investigation it means nothing yet."),
    "concluded": _m("The two cases may be connected. Rest nothing on it before a second examiner has verified it."),
    "associated": _m("The two cases may be connected. Rest nothing on it before a second examiner has verified it."),
    "lead": _m(
        "The two cases may be connected, and it is worth asking what else connects them. It is a reason to compare the "
        "exhibits; it is no evidence that one firearm was used in both."
    ),
    "comparison_asked": _m(
        "The two cases may be connected, and it is worth asking what else connects them. It is a reason to compare the "
        "exhibits; it is no evidence that one firearm was used in both."
    ),
    "comparison_agreed": _m(
        "The two cases may be connected, and it is worth asking what else connects them. It is a reason to compare the "
        "exhibits; it is no evidence that one firearm was used in both."
    ),
    "compared": _m(
        "In the opinion of the examiners, one firearm was used in both cases. It is no confirmed hit before it is "
        "signed."
    ),
    "confirmed": _m(
        "In the opinion of the examiners, one firearm was used in both cases. An expert's report by the laboratory, "
        "not this one, is what a court can be given."
    ),
    "eliminated": _m("In the opinion of the examiner, this pair does not connect the two cases."),
    "inconclusive": _m("This pair neither connects the two cases nor excludes that they are connected."),
    "unsuitable": _m("This pair tells nothing about whether the two cases are connected."),
    "not_associated": _m(
        "The images give no reason to compare the exhibits. They do not exclude that the two cases are connected."
    ),
    "inconclusive_on_screen": _m("This pair neither connects the two cases nor excludes that they are connected."),
    "unsuitable_on_screen": _m("This pair tells nothing about whether the two cases are connected."),
}

NEXT: Final = {
    "candidate": _m("Ask the laboratory of your Firearms Focal Point to have an examiner look at the pair."),
    "concluded": _m("Wait for the second examiner's verification; the Firearms Focal Point can say when it is due."),
    "associated": _m("Wait for the second examiner's verification; the Firearms Focal Point can say when it is due."),
    "lead": _m("Ask, through the two Firearms Focal Points, that the exhibits be compared under one microscope."),
    "comparison_asked": _m("Wait for the other side's answer; the Firearms Focal Point can say when it is due."),
    "comparison_agreed": _m("Wait for the day that was agreed; the Firearms Focal Point can say when it is."),
    "compared": _m("Ask the Firearms Focal Point when the confirmed hit will be signed."),
    "confirmed": _m("Ask the laboratory that holds the exhibits for an expert's report."),
    "eliminated": _m("No further step follows from this pair."),
    "inconclusive": _m("Ask the laboratory whether better scans, or the exhibits themselves, could tell more."),
    "unsuitable": _m("Ask the laboratory whether other marks on the cartridge cases can be compared."),
    "not_associated": _m("No further step follows from this pair."),
    "inconclusive_on_screen": _m(
        "Ask the laboratory whether better scans, or the exhibits themselves, could tell more."
    ),
    "unsuitable_on_screen": _m("Ask the laboratory whether better scans, or the exhibits themselves, could tell more."),
}


def plain_page(report: PairReport) -> list[Block]:
    """What this is, what it means, what it does not mean, and the next step."""
    at = report.stage
    return [
        columns(
            ["", _("First cartridge case"), _("Second cartridge case")],
            [
                [_("Jurisdiction"), *(term(side.record.jurisdiction) for side in report.sides)],
                [_("Laboratory"), *(laboratory_name(side.laboratory) for side in report.sides)],
                [_("Case"), *(record_name(side.record) for side in report.sides)],
                [_("Exhibit"), *(term(side.record.exhibit.kind) for side in report.sides)],
                [_("Calibre"), *(calibre_words(side.record.exhibit) for side in report.sides)],
                *_fired(report),
                [_("Occurred"), *map(_occurred, report.sides)],
            ],
        ),
        stage(_("State of this pair: %(stage)s", stage=term(at, "pair_stage"))),
        *_doubted(report),
        *open_disagreements(report),
        *custody_discrepancies(report),
        heading(_("What this is"), 1),
        paragraph(_(IS[at])),
        *_signatures(report),
        heading(_("What it means"), 1),
        paragraph(_(MEANS[at])),
        paragraph(_worth(report)),
        *(paragraph(reason(said)) for said in (report.not_validated,) if said is not None),
        heading(_("What it does not mean"), 1),
        bullets(
            _("The program's score puts pairs in an order for examiners. It identifies nothing and is no probability."),
            _(
                "A likelihood ratio is not the probability that one firearm fired both. It says how much more probable "
                "the score is if one firearm fired both than if two did."
            ),
            _("That one firearm was used twice does not tell who used it, or whether it changed hands."),
            _("That a pair is not on the list does not tell that two cases are not connected."),
            _(
                "Nothing that concerns a person may be decided on this alone: a human being must assess it (Directive "
                "(EU) 2016/680, article 11)."
            ),
        ),
        heading(_("The next step"), 1),
        bullets(
            _(NEXT[at]),
            _(
                "Use as evidence needs a request through SIENA, the INTERPOL National Central Bureau, or mutual legal "
                "assistance; note its reference at the hit."
            ),
            *_handling(report),
        ),
    ]


def _fired(report: PairReport) -> list[list[str]]:
    """The firearms that test fires name, where one does."""
    named = [side.record.exhibit.firearm for side in report.sides]
    if not any(named):
        return []
    return [[_("Firearm that fired it"), *(firearm_words(one) if one is not None else "–" for one in named)]]


def _doubted(report: PairReport) -> list[Block]:
    """Of each record whose key was in wrong hands, before anything else is said."""
    return [
        paragraph(f"{term(side.record.jurisdiction)}, {record_name(side.record)}: {suspicion(side.doubted)}")
        for side in report.sides
        if side.doubted is not None
    ]


def _signatures(report: PairReport) -> list[Block]:
    """Who signed the confirmed hit, and when; and whose signature is missing."""
    if report.hit is None or report.stage != Stage.CONFIRMED:
        return []
    return [bullets(*signature_words(report.hit.progress, report.hit.history, partial(named_side, report)))]


def _worth(report: PairReport) -> str:
    if (found := report.worth.likelihood_ratio) is not None:
        return _(
            "In the words of the scale of the European forensic institutes (ENFSI), the score gives: %(verbal)s. The "
            "annex says for which firearms this holds.",
            verbal=term(found["verbal"]),
        )
    return _(
        "How much the score tells cannot be stated: there is no validated likelihood ratio. %(reason)s",
        reason=reason(report.worth.no_validated_lr or ""),
    )


def _occurred(side: ReportSide) -> str:
    when = side.record.exhibit.occurred
    return period(when.earliest, when.latest)


def _handling(report: PairReport) -> list[str]:
    """What each owner asks of whoever reads this; once, where both ask the same."""
    said = []
    for side in report.sides:
        handling = side.record.handling
        said.append(
            _(
                "Handling code %(code)s (%(jurisdiction)s): %(meaning)s",
                code=handling.code.value,
                jurisdiction=term(side.record.jurisdiction),
                meaning=handling.restriction or term(handling.code),
            )
        )
    return list(dict.fromkeys(said))
