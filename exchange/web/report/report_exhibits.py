"""Who answers for the two records of a report, and what each says of its exhibit, its firearm and its scan."""

from __future__ import annotations

from functools import partial

from exchange.flows.report.pair_report import PairReport, ReportSide
from exchange.flows.report.report_sources import Laboratory
from exchange.web.languages import gettext as _
from exchange.web.languages import spoken, term
from exchange.web.languages.days import moment, period
from exchange.web.report.blocks import Block, bullets, columns, heading, pairs, quiet
from exchange.web.wording.calibres import calibre_words
from exchange.web.wording.custody_words import ExplainedStep, explained_steps
from exchange.web.wording.instrument_check_words import named_check_words
from exchange.web.wording.said_of_hits import disagreement_words
from exchange.web.wording.sentences import suspicion
from schemas import Acquisition, Firearm, Handling
from schemas.statement_base import Statement
from schemas.vocabulary import ExhibitKind, Modality


def laboratories(report: PairReport) -> list[Block]:
    """Side by side. Of the other side nothing is said that its node did not sign."""
    rows = [
        (_("Node"), [side.issuer for side in report.sides]),
        (_("Jurisdiction"), [term(side.record.jurisdiction) for side in report.sides]),
        (_("Laboratory"), [laboratory_name(side.laboratory) for side in report.sides]),
        (_("Accreditation"), [_accreditation(side.laboratory) for side in report.sides]),
        (_("Fingerprint of the node"), [side.laboratory.fingerprint or not_stated() for side in report.sides]),
    ]
    return [
        heading(_("Laboratories"), 1),
        columns(["", _("First record"), _("Second record")], [[name, *values] for name, values in rows]),
        quiet(
            _(
                "Name and accreditation are known of the laboratory of this node alone: no statement between nodes has "
                "them. The fingerprint is that of the identity which vouches for all that a node signs."
            )
        ),
    ]


def records(report: PairReport) -> list[Block]:
    titles = (_("The first record"), _("The second record"))
    blocks: list[Block] = []
    for title, side in zip(titles, report.sides, strict=True):
        rows = [*_exhibit(side), *scan_rows(side.acquisition), *_signed(report, side)]
        blocks += [heading(title, 1), pairs(*rows)]
    return blocks


def named_side(report: PairReport, node_id: str) -> str:
    """A node by its jurisdiction."""
    return next((term(side.record.jurisdiction) for side in report.sides if side.record.issuer == node_id), node_id)


def open_disagreements(report: PairReport) -> list[Block]:
    """Return the section of the open disagreements on the two exhibits, or nothing."""
    found = report.hit.progress.disagreements if report.hit is not None else ()
    words = [disagreement_words(one, partial(named_side, report)) for one in found]
    return [heading(_("Open disagreements"), 1), bullets(*words)] if words else []


def custody_discrepancies(report: PairReport) -> list[Block]:
    """Each custody discrepancy of a hit, with the signed explanation of the owner's head."""
    if (hit := report.hit) is None:
        return []
    found = explained_steps(hit.progress, hit.history, partial(named_side, report))
    if not found:
        return []
    return [heading(_("Custody discrepancies"), 1), bullets(*map(_explained, found))]


def _explained(step: ExplainedStep) -> str:
    if step.explained:
        return f"{step.what} {step.explained}"
    said = [step.what, _("Nobody has explained it.")]
    if step.stops:
        said.append(_("No confirmed hit has an effect before the head of its owner signs an explanation."))
    return " ".join(said)


def laboratory_name(found: Laboratory) -> str:
    return found.name or not_stated()


def not_stated() -> str:
    """Of what this node does not know: another may."""
    return _("not stated here")


def firearm_words(stated: Firearm) -> str:
    """What a test fire names, in one line: never a serial number, since no record has one."""
    named = " ".join(part for part in (stated.make, stated.model) if part)
    converted = _("converted: %(answer)s", answer=term(stated.converted, "answer"))
    parts = [term(stated.kind), named or _("make and model not stated"), calibre_words(stated), converted]
    return f"{stated.firearm_id}: {', '.join(parts)}"


def handling(said: Handling) -> str:
    """The code in words, with its grading where there is one."""
    grades = "".join(str(grade) for grade in (said.source_grade, said.information_grade) if grade is not None)
    meaning = f"{said.code.value}: {said.restriction or term(said.code)}"
    return meaning if not grades else _("%(meaning)s; graded %(grades)s", meaning=meaning, grades=grades)


def signer(said: Statement) -> str:
    """A role and a pseudonym: no report names a person."""
    return f"{term(said.made_by.role, 'role')}, {said.made_by.pseudonym} ({said.issuer})"


def authorisation(report: PairReport, said: Statement) -> str:
    """What a signer is authorised for, as far as this node was told of its own people."""
    found = report.authorisations.get(said.made_by.pseudonym) if said.issuer == report.node_id else None
    if found is None:
        return not_stated()
    return _("%(words)s (entered on %(day)s)", words=found.words, day=found.entered_at[:10])


def stated_at(said: Statement) -> str:
    return moment(said.stated_at) if said.stated_at is not None else _("not stated")


def _accreditation(found: Laboratory) -> str:
    if found.accreditation_number is None:
        return not_stated()
    return f"{found.accreditation_number}, {found.accreditation_standard}"


def _exhibit(side: ReportSide) -> list[tuple[str, str]]:
    exhibit = side.record.exhibit
    rows = [
        (_("Jurisdiction"), term(side.record.jurisdiction)),
        (_("Laboratory"), laboratory_name(side.laboratory)),
        (_("Case"), side.record.case_reference),
        (_("Incident"), exhibit.incident or _("not stated")),
        (_("Item number"), exhibit.item or _("not stated")),
        (_("Seal"), exhibit.seal or _("not stated")),
        (_("Exhibit"), term(exhibit.kind)),
        (_("Calibre"), calibre_words(exhibit)),
        (_("Occurred"), period(exhibit.occurred.earliest, exhibit.occurred.latest)),
        (_("Headstamp"), exhibit.headstamp or "–"),
    ]
    if exhibit.kind is ExhibitKind.TEST_FIRE:
        fired = firearm_words(exhibit.firearm) if exhibit.firearm is not None else _("not stated")
        rows.append((_("Firearm that fired it"), fired))
    return rows


def scan_rows(scan: Acquisition) -> list[tuple[str, str]]:
    """How the region was measured, and by what."""
    size, check = scan.lateral_resolution_um, scan.instrument_check
    instrument = term("not_examined")
    if scan.instrument is not None:
        instrument = f"{scan.instrument.maker} {scan.instrument.model}"
    rows = [
        (_("Modality"), term(scan.modality)),
        (_("Instrument"), instrument),
        (_("Last check of the instrument"), named_check_words(check) if check is not None else _("not stated")),
    ]
    if scan.region_mask is not None:
        rows.insert(0, (_("Region"), _("mended by hand")))
    if scan.modality is Modality.REFLECTANCE and size is not None:
        rows.append((_("Resolution"), _("%(size)s µm per pixel", size=spoken().number(size, 2))))
    return [*rows, (_("SHA-256 of the scan"), scan.blob.sha256)]


def _signed(report: PairReport, side: ReportSide) -> list[tuple[str, str]]:
    record = side.record
    rows = [
        (_("Handling code"), handling(record.handling)),
        (_("Kept until"), str(record.retention_until)),
        (_("Submitted by"), signer(record)),
        (_("Authorisation"), authorisation(report, record)),
        (_("Stated by the issuer"), stated_at(record)),
        (_("Received here"), moment(side.received_at)),
        (_("Statement"), side.statement_id),
        (_("Place in the log"), _("%(index)s in the log of %(node)s", index=side.log_index, node=side.issuer)),
    ]
    if side.doubted is not None:
        rows.append((_("State"), suspicion(side.doubted)))
    return rows
