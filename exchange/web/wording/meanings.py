"""What a word of the field means, in one sentence: its tooltip where a page has it first. docs/glossary.md has more.

A word of our own has its own name here. A term of a vocabulary stands under its section and value of
``languages/glossary.toml``: whatever template prints that term, it has its meaning.
"""

from __future__ import annotations

from typing import Final

from exchange.web.languages import gettext, spoken
from exchange.web.languages.catalogue import marked as _m

_LEAD: Final = _m("A pair that two examiners hold for worth pursuing, after they saw it on the screen.")
_BAND: Final = _m("All that the answer to a query says of a score: low, middle or high. It identifies nothing.")

MEANINGS: Final = {
    "candidate": _m("A pair of scans that the matcher ranked, and that no person has judged."),
    "lead": _LEAD,
    "hit": _m("Two cases that were not known to be connected, joined by a person through two of their exhibits."),
    "stage": _m("How far a hit is: from lead to confirmed hit, eliminated or inconclusive."),
    "blind": _m("Judged by a second examiner who was shown neither the score nor what the first one concluded."),
    "purpose": _m("Why somebody searches and reads, and under which law: it goes with each look into the audit log."),
    "restore": _m("A backup that was put back on trial and found whole: before that nobody knows that it is good."),
    "peer": _m("The node of another jurisdiction that this node's operator has enrolled."),
    "log": _m("All that this node signed, in one list that only grows; partners watch that it does."),
    "head": _m("The signed size of the log: what stands below it cannot be changed unseen."),
    "audience": _m("The jurisdictions, or groups of them, that a record names as those who may have it."),
    "handling": _m("What its owner allows to be done with a record: it goes with the record to whoever has it."),
    "query": _m("A signed question to other nodes whether they hold something like one scan."),
    "region_of_interest.breech_face": _m(
        "The mark that the wall of the firearm behind the cartridge leaves on the primer around the firing pin's dent."
    ),
    "region_of_interest.firing_pin_impression": _m("The dent that the firing pin leaves in the primer."),
    "region_of_interest.aperture_shear": _m(
        "Striae on the primer that the edge of the firing pin's hole leaves when the barrel drops."
    ),
    "region_of_interest.ejector_mark": _m("Where the part that throws the case out of the firearm struck its head."),
    "region_of_interest.extractor_mark": _m("Where the claw that pulls the case out of the chamber held its rim."),
    "region_of_interest.firing_pin_drag": _m("The trace of a firing pin that was still out when the barrel moved."),
    "region_of_interest.chamber_mark": _m("Striae that the wall of the chamber leaves along the side of the case."),
    "modality.topography": _m("A scan that measured heights: the light on it can be moved afterwards."),
    "modality.reflectance": _m("A picture under one light: it holds no heights, and is compared with none that does."),
    "exhibit_kind.crime_scene": _m("A cartridge case that was found where a firearm was used."),
    "exhibit_kind.test_fire": _m("A cartridge case that the laboratory fired from a firearm that it knows."),
    "exhibit_kind.replica": _m("A cast of a cartridge case: the marks on it are the same, or turned inside out."),
    "handling_code.H0": _m("Handling code H0: the record may be used to prevent and to fight crime."),
    "handling_code.H1": _m("Handling code H1: a court sees nothing of the record before its owner has allowed it."),
    "handling_code.H2": _m("Handling code H2: nobody passes the record on before its owner has allowed it."),
    "handling_code.H3": _m("Handling code H3: the owner states in words what else is not allowed."),
    "release_level.full": _m("The record and its scans go to each jurisdiction of its audience."),
    "release_level.search": _m("The record does not leave this node; others may ask whether it holds something alike."),
    "release_level.none": _m("The record does not leave this node, and no query of another one searches it."),
    "sharing_state.on_lane": _m("It is offered to the other node, which has not fetched it yet."),
    "sharing_state.withheld": _m("A rule keeps it from the other node; the reason stands beside it."),
    "stage.lead": _LEAD,
    "hit_stage.lead": _LEAD,
    "stage.comparison_asked": _m("One side wants both exhibits under one microscope; the other has not answered."),
    "stage.comparison_agreed": _m("Both sides have said when and where the exhibits meet under one microscope."),
    "stage.compared": _m("The exhibits were compared; a conclusion of two examiners is still to be signed."),
    "stage.confirmed": _m("An examiner compared the exhibits under one microscope, and a second one verified it."),
    "stage.inconclusive": _m("The exhibits were compared, and neither one firearm nor two can be concluded."),
    "stage.eliminated": _m("The exhibits were compared: they were fired in two firearms."),
    "stage.retracted": _m("Whoever signed the hit has taken it back; it is kept, and counts for nothing."),
    "stage.no_effect": _m("Nothing that was signed of it counts by the rules; the reasons stand with each statement."),
    "basis.screen": _m("Judged by scans and pictures: it makes a lead, and never an identification."),
    "basis.exhibits": _m("Judged by the exhibits themselves under one microscope."),
    "screen_conclusion.possible_association": _m(
        "The marks on the scans agree. Whether one firearm made them is concluded on the exhibits alone."
    ),
    "afte_conclusion.unsuitable": _m("The marks do not suffice to compare them at all."),
    "score_band.high": _BAND,
    "score_band.middle": _BAND,
    "score_band.low": _BAND,
    "acquisition_state.correlated": _m("Compared with all references of its region and of a calibre that fits."),
    "acquisition_state.not_usable": _m("The mark on the scan is too small or too poor to be compared."),
    "erasure_outcome.restricted": _m("A court wants it kept: it is shown to nobody and compared with nothing."),
    "statement.disclosure": _m("Content that was given to somebody outside of the exchange, written down and signed."),
    "statement.retraction": _m("It takes back what the same side signed before; both stay in the log."),
}


def meaning_of(named: str) -> str:
    """Raises KeyError for a word that has none: a template named it wrongly."""
    return gettext(MEANINGS[named])


def meaning_name(value: str, of: str | None = None) -> str | None:
    """Under which name the term of a value has its meaning here; None where it has none."""
    entry = spoken().glossary.entry_of(value, of)
    name = ".".join(entry) if entry is not None else ""
    return name if name in MEANINGS else None
