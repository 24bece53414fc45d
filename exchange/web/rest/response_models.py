"""What the API answers with. Kosovo* never leaves without its footnote, a score never without what it is not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from exchange.flows.candidates.candidates import CandidatePair
from exchange.flows.candidates.shown_pair import ShownPair
from exchange.flows.entry.free_text import Doubt
from exchange.flows.entry.submit import SubmissionReceipt
from exchange.flows.keys.suspicion import Suspicion
from exchange.flows.node.likelihood_ratio import other_matcher
from exchange.flows.review.records import ReadRecord, StoredAcquisition, StoredRecord
from exchange.flows.review.visible_statements import VisibleStatement
from exchange.flows.statement.sharing import Shared
from exchange.flows.sync.progress import PeerStatus, in_words
from exchange.web.languages import spoken
from exchange.web.rest.started_search_routes import StartedSearchAnswer, started_answer
from exchange.web.wording.conclusions import concluded_in_english
from schemas import AnyStatement, Conclusion, Verification, open_envelope, parse_statement

SCORE_NOTE = (
    "A score ranks candidates for comparison by an examiner; it identifies nothing. A likelihood ratio holds within "
    "its bounds and for its reference population alone, and leaves out that the pair was found by its score."
)


class JurisdictionAnswer(BaseModel):
    code: str
    name: str
    footnote: str | None = None


class SharingAnswer(BaseModel):
    jurisdiction: JurisdictionAnswer
    state: str
    peer: str | None = None
    reason: str | None = None


TextWarnings = Annotated[
    dict[str, tuple[Doubt, ...]],
    Field(
        description="Free texts that may tell of a person, by their place: what they look like. Nothing was refused; "
        "whoever wrote them looks again, and amends or takes back what names somebody."
    ),
]


class ReceiptAnswer(BaseModel):
    """The receipt of a submission. The statement id comes from what was sent; the time of reception stands here."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "statement_id": "5f0c1e6a" * 8,
                    "log_index": 17,
                    "received_at": "2026-11-25T09:00:02.114Z",
                    "created": True,
                    "sharing": [
                        {
                            "jurisdiction": {"code": "MK", "name": "North Macedonia"},
                            "state": "on-lane",
                            "peer": "ffp-mk",
                        }
                    ],
                    "warnings": {"scan": []},
                    "text_warnings": {"exhibit.headstamp": ["name"]},
                }
            ]
        }
    )

    statement_id: str
    log_index: int
    received_at: datetime
    created: bool
    sharing: list[SharingAnswer]
    warnings: dict[str, tuple[str, ...]]
    text_warnings: TextWarnings


class AcquisitionAnswer(BaseModel):
    """How far one scan is: awaiting-scan, queued, correlated, not-correlated, not-usable or failed, and why. Of a
    correlated one ``detail`` is there where it agrees with another only mirrored or inverted: its export is to be
    corrected. ``region_mended``: an examiner marked its region by hand."""

    position: int
    roi: str
    modality: str
    sha256: str
    size: int
    media_type: str
    region_mended: bool
    state: str
    detail: str | None
    correlated_at: datetime | None


class SuspicionAnswer(BaseModel):
    """That the key which signed a statement was in wrong hands, by which key-event of its issuer, from which place of
    its log on. ``since`` this node knows it. What stands before that place is ``believed``."""

    model_config = ConfigDict(from_attributes=True)

    key_event: str
    since: datetime | None
    place: int
    believed: bool
    in_words: str


class RecordSummary(BaseModel):
    statement_id: str
    issuer: str
    jurisdiction: JurisdictionAnswer
    case_reference: str
    incident: str | None = None
    item: str | None = None
    kind: str
    calibre: str
    calibre_words: str | None = Field(default=None, description="What a record whose calibre is `other` calls it.")
    earliest: str | None
    latest: str | None
    received_at: datetime
    suspicion: SuspicionAnswer | None = None


class RecordAnswer(RecordSummary):
    """A record with the exact statement that was signed, and where its scans are on their way."""

    log_index: int
    superseded_by: str | None
    statement: dict[str, Any]
    acquisitions: list[AcquisitionAnswer]
    sharing: list[SharingAnswer]
    searched_by_itself: StartedSearchAnswer | None = None


class RecordPage(BaseModel):
    items: list[RecordSummary]
    next: str | None


class LikelihoodRatioAnswer(BaseModel):
    """How many times more probable the score is if one firearm made both marks than if two did, as log10.

    ``lower`` and ``upper`` are the bounds that the model's firearms support, ``capped`` the one that was reached;
    ``verbal`` is the ENFSI equivalent in words. It is no probability that one firearm made both.
    """

    log10_lr: float
    lower: float
    upper: float
    capped: str | None
    verbal: str
    population: dict[str, Any]
    model_digest: str


class CandidateAnswer(BaseModel):
    """One compared pair, seen from ``record``. Both stand as equals; the score is the same from either side.

    Of striae (aperture shear) the cells are segments of a profile, and there is no rotation. ``cells`` are null until
    they were found: when the pair is first looked at, unless every worker process is busy then. Where scores of
    this kind were not validated, by region, by what was compared and by how much of the marks shows, ``not_validated``
    says so. Where no likelihood ratio is validated,
    ``no_validated_lr`` says why.
    """

    candidate_id: int
    roi: str
    score: float
    not_validated: str | None
    congruent_cells: int | None
    cells: int | None
    rotation_deg: float | None
    cross_border: bool
    same_case: bool
    likelihood_ratio: LikelihoodRatioAnswer | None
    no_validated_lr: str | None
    record: RecordSummary
    other: RecordSummary
    created_at: datetime
    matcher: str
    matcher_differs: str | None
    parameters: str


class ScoredListAnswer(BaseModel):
    """``open``: the caller may look at the list. ``left``: the examiners of this node, beside the caller, who neither
    work on the exhibit nor opened its list: they could still verify a pair of it blind."""

    open: bool
    left: list[str]


class CandidatePage(BaseModel):
    """Ranked, best score first. ``pending`` counts the scans that are not correlated yet: those of the record, or all
    of the node where no record is named."""

    items: list[CandidateAnswer]
    next: str | None
    pending: int
    note: str = SCORE_NOTE


class CandidateDetail(CandidateAnswer):
    """With the matcher's whole explanation: registration, overlap, each cell. ``mended``: the records of the two whose
    region was marked by hand."""

    comparison: dict[str, Any]
    mended: list[str]
    note: str = SCORE_NOTE


class GalleryAnswer(BaseModel):
    """``references``: how many it holds now, ``of`` how many while it is filled; ``checked``: how many of its shards
    were read again in the round that began at ``check_began``."""

    gallery: str
    references: int
    of: int | None
    shards: int
    checked: int
    check_began: datetime | None


class StatusAnswer(BaseModel):
    """``witnesses`` has for each peer the largest size at which it cosigned this node's log; ``stamped_size`` is that
    of the largest head with a time stamp, ``stamped_at`` the time in it. ``alarms`` say what keeps the log from being
    signed or stamped, what is wrong with the trust root, which backup or verified restore is missing, and the next
    step; none when all is well."""

    node_id: str
    records: int
    acquisitions: dict[str, int]
    candidates: int
    jobs: dict[str, int]
    log_size: int
    signed_size: int
    stamped_size: int
    stamped_at: datetime | None
    checked_at: str | None
    altered: list[str]
    galleries: list[GalleryAnswer]
    witnesses: dict[str, int]
    alarms: list[str]


class PeerAnswer(BaseModel):
    node_id: str
    jurisdiction: JurisdictionAnswer
    url: str
    fingerprint: str
    state: str
    legal_basis: str
    on_lane: int
    acknowledged: int
    read_again_at: datetime | None
    received: int
    quarantined: int
    pulled_at: datetime | None
    alarm: str | None
    clock_ahead_s: float | None
    reads: str | None
    """Up to which version of the contract it reads, as it last said."""
    peer_older: int
    """How many statements wait for it until it is upgraded."""
    node_older: int
    """How many of its statements wait until this node is upgraded."""
    in_words: list[str]


class Stated(BaseModel):
    """The ids of the statements that were signed and logged."""

    statements: list[str]
    text_warnings: TextWarnings = {}


class KeptAnswer(BaseModel):
    """A scan of an erased record that is still there, and the nodes whose own records delivered it."""

    sha256: str
    by: list[str]


class HolderAnswer(BaseModel):
    """``outcome``: erased, restricted (a court holds it), never_held; null while the holder has said nothing. ``kept``:
    scans that it did not erase, as it signed."""

    node_id: str
    outcome: str | None
    at: datetime | None
    kept: list[KeptAnswer]


class WithdrawalAnswer(BaseModel):
    """``here``: what became of the content on this node; null while it is still being erased. ``kept``: its scans that
    other records keep on this node."""

    record: str
    withdrawal: str | None
    holder: str | None
    reason: str
    at: datetime
    here: str | None
    kept: list[KeptAnswer]
    holders: list[HolderAnswer]


class SpokeAnswer(BaseModel):
    """What was said, its place in the log, and the peers on whose lanes it stands."""

    statement_id: str
    log_index: int
    to: list[str]
    text_warnings: TextWarnings = Field(validation_alias=AliasChoices("doubts", "text_warnings"))


class StatementAnswer(BaseModel):
    """``matcher_differs``: of a hit, that its score was made by another version of the matcher than this node's;
    ``not_validated``: why scores of its kind are not validated.
    ``words``: a conclusion as people are to read it: on the screen nobody identifies."""

    statement_id: str
    type: str
    issuer: str
    about: str | None
    received_at: datetime
    statement: dict[str, Any]
    matcher_differs: str | None
    not_validated: str | None
    suspicion: SuspicionAnswer | None = None
    words: str | None = None


def statement(
    row: VisibleStatement, doubted: Suspicion | None = None, not_validated: str | None = None
) -> StatementAnswer:
    said = parse_statement(open_envelope(row.envelope or b"").payload)
    return StatementAnswer(
        statement_id=row.statement_id,
        type=row.type,
        issuer=row.issuer,
        about=row.about,
        received_at=datetime.fromisoformat(row.received_at),
        statement=said.model_dump(mode="json"),
        matcher_differs=other_matcher(getattr(said, "matcher", None)),
        not_validated=not_validated,
        suspicion=suspicion_answer(doubted),
        words=words_of(said),
    )


def words_of(said: AnyStatement) -> str | None:
    """Of a conclusion or its verification."""
    return concluded_in_english(said.result.conclusion) if isinstance(said, Conclusion | Verification) else None


def jurisdiction(code: str) -> JurisdictionAnswer:
    """In English, by the directory of the node that answers; a code that it does not know is its own name."""
    known = spoken().jurisdictions
    return JurisdictionAnswer(code=code, name=known.name(code), footnote=known.footnote(code))


def sharing(items: list[Shared]) -> list[SharingAnswer]:
    return [
        SharingAnswer(
            jurisdiction=jurisdiction(item.jurisdiction), state=item.state, peer=item.peer, reason=item.reason
        )
        for item in items
    ]


def receipt_answer(found: SubmissionReceipt) -> ReceiptAnswer:
    return ReceiptAnswer(
        statement_id=found.statement_id,
        log_index=found.log_index,
        received_at=datetime.fromisoformat(found.received_at),
        created=found.created,
        sharing=sharing(found.sharing),
        warnings=found.warnings,
        text_warnings=found.doubts,
    )


def summary(row: StoredRecord, doubted: Suspicion | None = None) -> RecordSummary:
    return RecordSummary(
        statement_id=row.statement_id,
        issuer=row.issuer,
        jurisdiction=jurisdiction(row.jurisdiction),
        case_reference=row.case_reference,
        incident=row.incident,
        item=row.item,
        kind=row.kind,
        calibre=row.calibre,
        calibre_words=row.calibre_words,
        earliest=row.earliest,
        latest=row.latest,
        received_at=datetime.fromisoformat(row.received_at),
        suspicion=suspicion_answer(doubted),
    )


def suspicion_answer(found: Suspicion | None) -> SuspicionAnswer | None:
    return None if found is None else SuspicionAnswer.model_validate(found)


def record(found: ReadRecord) -> RecordAnswer:
    return RecordAnswer(
        **summary(found.row, found.suspicion).model_dump(),
        log_index=found.log_index,
        superseded_by=found.superseded_by,
        statement=found.said.model_dump(mode="json"),
        acquisitions=[_acquisition(item, found.mirrored.get(item.acquisition_id)) for item in found.scans],
        sharing=sharing(found.shared),
        searched_by_itself=None if found.started is None else started_answer(found.started),
    )


def _acquisition(row: StoredAcquisition, mirrored: str | None) -> AcquisitionAnswer:
    answer = AcquisitionAnswer.model_validate(row, from_attributes=True)
    return answer.model_copy(update={"detail": mirrored}) if mirrored is not None else answer


def candidate(found: ShownPair, doubted: Mapping[str, Suspicion]) -> CandidateAnswer:
    return CandidateAnswer(**_candidate(found, doubted))


def candidate_detail(pair: CandidatePair, found: ShownPair, doubted: Mapping[str, Suspicion]) -> CandidateDetail:
    sides = ((pair.acquisition_a, pair.record_a), (pair.acquisition_b, pair.record_b))
    return CandidateDetail(
        **_candidate(found, doubted),
        comparison=json.loads(pair.row.comparison),
        mended=[record.statement_id for scan, record in sides if scan.region_mended],
    )


def _candidate(found: ShownPair, doubted: Mapping[str, Suspicion]) -> dict[str, Any]:
    return vars(found) | {
        "record": summary(found.record, doubted.get(found.record.statement_id)),
        "other": summary(found.other, doubted.get(found.other.statement_id)),
        "matcher_differs": other_matcher(found.matcher),
    }


def peer(status: PeerStatus) -> PeerAnswer:
    row = status.row
    return PeerAnswer(
        node_id=row.node_id,
        jurisdiction=jurisdiction(row.jurisdiction),
        url=row.url,
        fingerprint=status.fingerprint,
        state=row.state,
        legal_basis=row.legal_basis,
        on_lane=status.to_send,
        acknowledged=status.acknowledged,
        read_again_at=datetime.fromisoformat(status.read_again_at) if status.read_again_at else None,
        received=row.cursor_count,
        quarantined=status.quarantined,
        pulled_at=datetime.fromisoformat(row.pulled_at) if row.pulled_at else None,
        alarm=row.alarm,
        clock_ahead_s=row.clock_ahead_s,
        reads=status.reads,
        peer_older=status.behind.waiting if status.behind else 0,
        node_older=status.waits_here,
        in_words=in_words(status),
    )
