"""The contract between nodes: types, exact bytes, vocabularies. No I/O, no keys, no clock."""

from schemas.calibre import Calibre, compatible_calibres, fold_calibre
from schemas.envelope import (
    ENVELOPE_MEDIA_TYPE,
    PAYLOAD_TYPE,
    Envelope,
    open_envelope,
    pre_authentication_encoding,
    seal,
)
from schemas.errors import ContractError
from schemas.exhibit import (
    ClassCharacteristics,
    DateRange,
    Exhibit,
    Handling,
    Instrument,
    Measurement,
    SuspectedFirearm,
)
from schemas.statements import (
    CONTRACT_VERSION,
    Acquisition,
    Blob,
    Delegation,
    HybridKey,
    KeyEvent,
    LogKey,
    Maker,
    Record,
    Statement,
    parse_statement,
    statement_id,
    statement_payload,
)
from schemas.submission import Submission, SubmittedAcquisition, parse_submission

__all__ = [
    "CONTRACT_VERSION",
    "ENVELOPE_MEDIA_TYPE",
    "PAYLOAD_TYPE",
    "Acquisition",
    "Blob",
    "Calibre",
    "ClassCharacteristics",
    "ContractError",
    "DateRange",
    "Delegation",
    "Envelope",
    "Exhibit",
    "Handling",
    "HybridKey",
    "Instrument",
    "KeyEvent",
    "LogKey",
    "Maker",
    "Measurement",
    "Record",
    "Statement",
    "Submission",
    "SubmittedAcquisition",
    "SuspectedFirearm",
    "compatible_calibres",
    "fold_calibre",
    "open_envelope",
    "parse_statement",
    "parse_submission",
    "pre_authentication_encoding",
    "seal",
    "statement_id",
    "statement_payload",
]
