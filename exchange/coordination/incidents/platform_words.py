"""The words of the incident annex: titles and definitions in English, and the words of SEESAC's Armed Violence
Monitoring Platform beside them, which are facts from outside (``monitoring_platform.json``)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from exchange.coordination.outside_words import OutsideFact, read_facts

DIMENSION_TITLES: Final[Mapping[str, str]] = {
    "role": "Role",
    "sex": "Sex",
    "age": "Age band",
    "offence": "Offence",
    "outcome": "Outcome",
    "weapon": "Weapon kind",
}
VALUE_TITLES: Final[Mapping[str, Mapping[str, str]]] = {
    "role": {"victim": "Victim", "perpetrator": "Perpetrator", "unknown": "Role unknown"},
    "sex": {"female": "Female", "male": "Male", "unknown": "Sex unknown"},
    "age": {
        "0-18": "0 to 18 years",
        "19-35": "19 to 35 years",
        "36-60": "36 to 60 years",
        "61+": "61 years and older",
        "unknown": "Age unknown",
    },
    "offence": {
        "terrorism": "Terrorism",
        "domestic_violence": "Domestic violence",
        "homicide": "Homicide, also attempted",
        "robbery": "Robbery",
        "trafficking": "Trafficking in firearms",
        "border_seizure": "Seizure at a border",
        "public_dispute": "Dispute in public",
        "threat": "Threat with a firearm",
        "illicit_possession": "Illicit possession",
        "celebratory_fire": "Celebratory fire",
        "suicide": "Suicide, also attempted",
        "accident": "Accident",
        "other": "Other offence",
        "unknown": "Offence unknown",
    },
    "outcome": {
        "killed": "Killed",
        "injured": "Injured",
        "not_injured": "Not injured",
        "unknown": "Outcome unknown",
    },
    "weapon": {
        "explosive": "Explosive or grenade",
        "machine_gun": "Machine gun",
        "assault_rifle": "Assault rifle",
        "submachine_gun": "Submachine gun",
        "pistol": "Pistol",
        "revolver": "Revolver",
        "rifle": "Rifle",
        "shotgun": "Shotgun",
        "alarm": "Alarm or signal weapon",
        "improvised": "Home-made firearm",
        "other": "Other weapon",
        "unknown": "Weapon unknown",
    },
}
TABLE_TITLES: Final[Mapping[str, str]] = {
    "use_by_outcome_and_weapon": "Incidents in which a weapon was used, by outcome and weapon kind",
    "use_by_offence": "Incidents in which a weapon was used, by offence",
    "possession_by_offence_and_weapon": "Seizures, possession and trafficking, by offence and weapon kind",
    "victims_by_sex_and_age": "Victims by sex and age band",
    "victims_by_offence": "Victims by offence",
    "perpetrators_by_sex_and_age": "Perpetrators by sex and age band",
    "perpetrators_by_offence": "Perpetrators by offence",
}
TOTAL_TITLES: Final[Mapping[str, str]] = {
    "use": "Incidents in which a weapon was used or shown",
    "possession": "Seizures, possession and trafficking",
    "victims": "Victims",
    "perpetrators": "Perpetrators",
    "persons_of_unknown_role": "Persons whose role is unknown",
}
ANNEX_DEFINITIONS: Final = (
    "An incident is one event with a firearm or an explosive that the police came to know of and that happened in the "
    "half-year, counted once, whether or not an exhibit of it is in the exchange.",
    "An incident has one offence and one weapon kind: where several hold, the first in the order of the list. Its "
    "outcome is the gravest that is known of a person in it.",
    "A person is counted once for each incident and role. The outcome is what became of that person.",
    "What is not known is counted as unknown. It is not left out, and it is not 0.",
)


def title_of(dimension: str, value: str) -> str:
    """In English; pages and reports translate it."""
    return VALUE_TITLES[dimension][value]


def annex_texts() -> list[str]:
    """All that a page or a report says of these in the reader's language."""
    titles = [text for named in VALUE_TITLES.values() for text in named.values()]
    return [*DIMENSION_TITLES.values(), *titles, *TABLE_TITLES.values(), *TOTAL_TITLES.values(), *ANNEX_DEFINITIONS]


@cache
def platform_facts() -> Mapping[str, OutsideFact]:
    """The platform's words by our own: ``field.sex``, ``sex.female``."""
    return read_facts(__package__, "monitoring_platform.json")


def all_verified() -> bool:
    return all(fact.verified for fact in platform_facts().values())


def sources() -> list[str]:
    """Where the platform's words come from, each source once."""
    return list(dict.fromkeys(fact.source for fact in platform_facts().values()))
