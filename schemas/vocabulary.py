"""The field's closed vocabularies (Open-FMC x3p extension, draft 0.7, and NBTRD), versioned together.

Every one of an exhibit's characteristics also knows *unknown* (looked at, could not be told) and
*not_examined*: the two mean different things to an examiner.
"""

from __future__ import annotations

from enum import StrEnum

from schemas.jurisdiction import (
    Jurisdiction as Jurisdiction,  # a word of statements like these, though of no closed list
)

VOCABULARY_VERSION = "3"

KOSOVO_FOOTNOTE = (
    "* References to Kosovo shall be understood to be in the context of Security Council resolution 1244 (1999)."
)


class RegionOfInterest(StrEnum):
    BREECH_FACE = "breech_face"
    FIRING_PIN_IMPRESSION = "firing_pin_impression"
    APERTURE_SHEAR = "aperture_shear"
    EJECTOR_MARK = "ejector_mark"
    EXTRACTOR_MARK = "extractor_mark"
    FIRING_PIN_DRAG = "firing_pin_drag"
    CHAMBER_MARK = "chamber_mark"
    UNKNOWN = "unknown"
    NOT_EXAMINED = "not_examined"


class Modality(StrEnum):
    TOPOGRAPHY = "topography"
    REFLECTANCE = "reflectance"


class ExhibitKind(StrEnum):
    CRIME_SCENE = "crime_scene"
    TEST_FIRE = "test_fire"
    """Fired by the laboratory from a firearm, however the firearm came to the laboratory (``FirearmOrigin``)."""
    SEIZED = "seized"
    """Seized or recovered as a cartridge case, and not fired by the laboratory."""
    REPLICA = "replica"
    UNKNOWN = "unknown"
    NOT_EXAMINED = "not_examined"


class FirearmKind(StrEnum):
    PISTOL = "pistol"
    REVOLVER = "revolver"
    SUBMACHINE_GUN = "submachine_gun"
    RIFLE = "rifle"
    ASSAULT_RIFLE = "assault_rifle"
    MACHINE_GUN = "machine_gun"
    SHOTGUN = "shotgun"
    ALARM = "alarm"
    """Made to fire blanks or signals, converted or not."""
    IMPROVISED = "improvised"
    """Home-made, or of no maker."""
    OTHER = "other"
    UNKNOWN = "unknown"
    NOT_EXAMINED = "not_examined"


class FirearmOrigin(StrEnum):
    """How a firearm came to the laboratory."""

    SCENE = "scene"
    SEIZED = "seized"
    BORDER_SEIZURE = "border_seizure"
    FOUND = "found"
    SURRENDERED = "surrendered"
    """Handed in by whoever had it."""
    STORE = "store"
    """Of a state's own stock, or a maker's."""
    REFERENCE = "reference"
    """Of the laboratory's own collection."""
    OTHER = "other"
    UNKNOWN = "unknown"


class FiringPinType(StrEnum):
    CENTREFIRE = "centrefire"
    RIMFIRE = "rimfire"
    UNKNOWN = "unknown"
    NOT_EXAMINED = "not_examined"


class FiringPinClass(StrEnum):
    CIRCULAR = "circular"
    ELLIPTICAL = "elliptical"
    HEMISPHERICAL = "hemispherical"
    RECTANGULAR = "rectangular"
    OTHER = "other"
    UNKNOWN = "unknown"
    NOT_EXAMINED = "not_examined"


class FiringPinAperture(StrEnum):
    CIRCULAR = "circular"
    RECTANGULAR = "rectangular"
    TEARDROP = "teardrop"
    OTHER = "other"
    UNKNOWN = "unknown"
    NOT_EXAMINED = "not_examined"


class BreechFaceClass(StrEnum):
    """Several may hold at once. *parallel* is what NBTRD calls striated."""

    ARCHED = "arched"
    CIRCULAR = "circular"
    CROSS_HATCH = "cross_hatch"
    GRANULAR = "granular"
    PARALLEL = "parallel"
    SMOOTH = "smooth"
    OTHER = "other"
    UNKNOWN = "unknown"
    NOT_EXAMINED = "not_examined"


class PrimerMaterial(StrEnum):
    BRASS = "brass"
    COPPER = "copper"
    NICKEL = "nickel"
    STEEL = "steel"
    OTHER = "other"
    UNKNOWN = "unknown"
    NOT_EXAMINED = "not_examined"


class CaseMaterial(StrEnum):
    ALUMINIUM = "aluminium"
    BRASS = "brass"
    NICKEL = "nickel"
    STEEL = "steel"
    OTHER = "other"
    UNKNOWN = "unknown"
    NOT_EXAMINED = "not_examined"


class Answer(StrEnum):
    """Yes or no, where not knowing and not having looked are answers too."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
    NOT_EXAMINED = "not_examined"


class Cast(StrEnum):
    NO = "no"
    POSITIVE = "positive"
    NEGATIVE = "negative"
    UNKNOWN = "unknown"
    NOT_EXAMINED = "not_examined"


class OffenceCategory(StrEnum):
    HOMICIDE = "homicide"
    ATTEMPTED_HOMICIDE = "attempted_homicide"
    BODILY_INJURY = "bodily_injury"
    ATTACK_ON_POLICE = "attack_on_police"
    DOMESTIC_VIOLENCE = "domestic_violence"
    ENDANGERING_THE_PUBLIC = "endangering_the_public"
    ROBBERY = "robbery"
    THREAT = "threat"
    ILLICIT_POSSESSION = "illicit_possession"
    TRAFFICKING = "trafficking"
    BORDER_SEIZURE = "border_seizure"
    TERRORISM = "terrorism"
    CELEBRATORY_FIRE = "celebratory_fire"
    OTHER = "other"
    UNKNOWN = "unknown"


class DatePrecision(StrEnum):
    DAY = "day"
    MONTH = "month"
    YEAR = "year"
    UNKNOWN = "unknown"


class Lighting(StrEnum):
    RING = "ring"
    SIDE = "side"
    NONE = "none"
    UNKNOWN = "unknown"


class HandlingCode(StrEnum):
    """Europol's handling codes."""

    H0 = "H0"
    """Crime prevention use; no further restriction."""
    H1 = "H1"
    """Not for use in judicial proceedings without permission of the owner."""
    H2 = "H2"
    """No dissemination without permission of the owner."""
    H3 = "H3"
    """Another restriction, stated in words."""


class SourceGrade(StrEnum):
    A = "A"
    B = "B"
    C = "C"
    X = "X"


class ReleaseLevel(StrEnum):
    FULL = "full"
    """Metadata and scans replicate to the audience."""
    SEARCH = "search"
    """Stays at home; may be searched."""
    NONE = "none"
    """Stays at home."""


class Role(StrEnum):
    EXAMINER = "examiner"
    INVESTIGATOR = "investigator"
    OPERATOR = "operator"
    HEAD = "head"
    """The head of the Firearms Focal Point, who approves what no rule may release."""
    AUDITOR = "auditor"
    """A supervisor or a defence expert: reads the log, releases nothing."""
    NODE = "node"
    """The node itself, for what no person does: key-events, receipts."""


class SignedInBy(StrEnum):
    TOKEN = "token"  # noqa: S105 - the name of a way to sign in, not a secret
    PASSWORD_AND_TOTP = "password_and_totp"  # noqa: S105 - likewise
    OIDC = "oidc"
    NODE_KEY = "node_key"


class WithdrawalReason(StrEnum):
    ENTERED_IN_ERROR = "entered_in_error"
    UNLAWFUL = "unlawful"
    ERASURE_ORDERED = "erasure_ordered"
    RETENTION_OVER = "retention_over"
    REVOKED = "revoked"
    """One holder may have it no more."""
    EXPELLED = "expelled"
    """The holder is no member of the exchange any more."""
    OTHER = "other"


class ErasureOutcome(StrEnum):
    ERASED = "erased"
    RESTRICTED = "restricted"
    """Held by a court: shown to nobody, compared with nothing, and erased when the hold is lifted."""
    NEVER_HELD = "never_held"
    """The withdrawal came before the record, which is not accepted any more."""


class SharingRule(StrEnum):
    """What the law says of one pair of jurisdictions and one kind of exhibit."""

    ALLOWED = "allowed"
    NEEDS_APPROVAL = "needs_approval"
    BLOCKED = "blocked"


class Decision(StrEnum):
    APPROVED = "approved"
    REFUSED = "refused"


class AfteConclusion(StrEnum):
    """The AFTE range of conclusions, on the exhibits themselves."""

    IDENTIFICATION = "identification"
    INCONCLUSIVE_A = "inconclusive_a"
    """All discernible class characteristics agree, and some individual ones: not enough for an identification."""
    INCONCLUSIVE_B = "inconclusive_b"
    """All discernible class characteristics agree; individual ones neither agree nor disagree."""
    INCONCLUSIVE_C = "inconclusive_c"
    """All discernible class characteristics agree, and individual ones disagree: not enough for an elimination."""
    ELIMINATION = "elimination"
    UNSUITABLE = "unsuitable"


class ScreenConclusion(StrEnum):
    """What an examiner may conclude from scans and pictures alone."""

    POSSIBLE_ASSOCIATION = "possible_association"
    INCONCLUSIVE = "inconclusive"
    NO_ASSOCIATION_INDICATED = "no_association_indicated"
    UNSUITABLE_FOR_EXAMINATION = "unsuitable_for_examination"


class Basis(StrEnum):
    """What a conclusion rests on. The screen alone never makes a confirmed hit."""

    SCREEN = "screen"
    EXHIBITS = "exhibits"


class HitStage(StrEnum):
    LEAD = "lead"
    CONFIRMED = "confirmed"


class FeedbackOutcome(StrEnum):
    UNDER_INVESTIGATION = "under_investigation"
    CASES_JOINED = "cases_joined"
    SUSPECT_FOUND = "suspect_found"
    FIREARM_RECOVERED = "firearm_recovered"
    TRACE_RESULT = "trace_result"
    """A trace request about the firearm was answered."""
    CHARGED = "charged"
    CONVICTED = "convicted"
    NO_USE = "no_use"
    DISPUTED = "disputed"
    """This side's examiners do not agree that the pair is a lead."""


class ComparisonStep(StrEnum):
    """On the way of two exhibits to one microscope, and home again."""

    ASKED = "asked"
    AGREED = "agreed"
    DECLINED = "declined"
    SENT = "sent"
    """An exhibit left its owner, under seal."""
    RECEIVED = "received"
    """It arrived: where, and whether its seal was whole."""
    DONE = "done"
    """Compared and verified, and not identified: an identification makes a confirmed hit."""
    RETURNED = "returned"
    """It left for its owner again."""


class ReferenceChannel(StrEnum):
    """Where evidential use goes on, outside of this exchange."""

    SIENA = "siena"
    NCB = "ncb"
    """An INTERPOL National Central Bureau."""
    MLA = "mla"
    """Mutual legal assistance."""
    IARMS = "iarms"
    """INTERPOL's Illicit Arms Records and tracing Management System: stolen and lost firearms."""
    TRACE = "trace"
    """A request to trace a firearm, outside of iARMS."""


class LawfulPurpose(StrEnum):
    """Directive (EU) 2016/680, article 1(1)."""

    PREVENTION = "prevention"
    INVESTIGATION = "investigation"
    DETECTION = "detection"
    PROSECUTION = "prosecution"
    PUBLIC_SECURITY = "public_security"


class QueryResult(StrEnum):
    CANDIDATE = "candidate"
    NO_CANDIDATE = "no_candidate"
    NOT_SEARCHED = "not_searched"


class ScoreBand(StrEnum):
    """As coarse as it is meant to be: a fine score would tell of the marks themselves."""

    HIGH = "high"
    MIDDLE = "middle"
    LOW = "low"


class MeetingKind(StrEnum):
    """What is held twice a year: a local coordination meeting in each jurisdiction, then the regional one; and what
    people are trained at."""

    LOCAL = "local"
    REGIONAL = "regional"
    TRAINING = "training"


class OfficeRole(StrEnum):
    """In which role somebody attends a meeting, or is to do what it agreed on. Never a name."""

    HEAD = "head"
    EXAMINER = "examiner"
    INVESTIGATOR = "investigator"
    OPERATOR = "operator"
    PROSECUTOR = "prosecutor"
    LEGAL_OFFICER = "legal_officer"
    POLICY_OFFICER = "policy_officer"
    COORDINATOR = "coordinator"
    TRAINER = "trainer"
    OTHER = "other"


class ActionState(StrEnum):
    OPEN = "open"
    DONE = "done"
    DROPPED = "dropped"
    """It will not be done; its line says why."""


class OnboardingStep(StrEnum):
    """What a jurisdiction does until it exchanges, in this order."""

    LEGAL_BASIS = "legal_basis"
    CEREMONY = "ceremony"
    NODE = "node"
    CONFORMANCE = "conformance"
    BACKUP_DRILL = "backup_drill"
    TRIAL_EXCHANGE = "trial_exchange"
    FIRST_REPORT = "first_report"


class OnboardingState(StrEnum):
    OPEN = "open"
    DONE = "done"
    """Somebody says so, in a role."""
    PROVEN = "proven"
    """The issuer's node saw it itself."""
    NOT_POSSIBLE = "not_possible"
    """Not yet; a line says why."""
