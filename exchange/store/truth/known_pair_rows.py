"""Test fires whose firearms are known, and the scores of their pairs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.store.entry.record_rows import is_current
from exchange.store.node.jobs import JobKind, JobState, promise
from exchange.store.scan.deliveries import is_delivered
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow, ScanInstrumentRow
from exchange.store.tables.truth import KnownPairRow
from exchange.store.tables.work_tables import JobRow
from schemas.vocabulary import ExhibitKind, Modality

PairOfScans = tuple[int, int]
"""Two acquisitions, the smaller number first."""


@dataclass(frozen=True)
class KnownScan:
    """A scan of a test fire whose firearm is known; ``instrument``: in words, None where it was not looked at yet."""

    scan: AcquisitionRow
    record: RecordRow
    instrument: str | None

    @property
    def firearm(self) -> tuple[str, str]:
        """Its issuer, and the issuer's pseudonym of it: two issuers may give one name to two firearms."""
        return self.record.issuer, self.record.firearm or ""


def is_known_test_fire(record: RecordRow) -> bool:
    return record.kind == ExhibitKind.TEST_FIRE and record.firearm is not None


def all_test_fire_scans(session: Session, *, issuer: str | None) -> list[KnownScan]:
    """Every scan of test fires whose firearms are known, of one issuer or of all, the newest record first: those of
    superseded and of restricted records too, and those that are not here."""
    found = (
        select(AcquisitionRow, RecordRow, ScanInstrumentRow.instrument)
        .join(RecordRow, RecordRow.statement_id == AcquisitionRow.statement_id)
        .outerjoin(ScanInstrumentRow, ScanInstrumentRow.acquisition_id == AcquisitionRow.acquisition_id)
        .where(RecordRow.kind == ExhibitKind.TEST_FIRE, RecordRow.firearm.is_not(None))
        .order_by(RecordRow.sequence.desc(), AcquisitionRow.position)
    )
    if issuer is not None:
        found = found.where(RecordRow.issuer == issuer)
    return [KnownScan(*row) for row in session.execute(found)]


def comparable_test_fires(session: Session, issuer: str, parameters: str, *, most: int) -> list[KnownScan]:
    """Topographies of an issuer's test fires that were prepared with these parameters, the newest record first, one of
    each exhibit, ``most`` at most.

    Two scans of one cartridge case are no two test fires. A region that was marked by hand is left out: by such no
    score of this matcher was validated.
    """
    first = (
        select(func.min(AcquisitionRow.acquisition_id))
        .join(RecordRow, RecordRow.statement_id == AcquisitionRow.statement_id)
        .where(
            RecordRow.issuer == issuer,
            RecordRow.kind == ExhibitKind.TEST_FIRE,
            RecordRow.firearm.is_not(None),
            AcquisitionRow.parameters == parameters,
            AcquisitionRow.modality == Modality.TOPOGRAPHY,
            AcquisitionRow.region_mask.is_(None),
            is_delivered(),
            is_current(),
        )
        .group_by(RecordRow.exhibit)
    )
    found = (
        select(AcquisitionRow, RecordRow, ScanInstrumentRow.instrument)
        .join(RecordRow, RecordRow.statement_id == AcquisitionRow.statement_id)
        .outerjoin(ScanInstrumentRow, ScanInstrumentRow.acquisition_id == AcquisitionRow.acquisition_id)
        .where(AcquisitionRow.acquisition_id.in_(first))
        .order_by(RecordRow.sequence.desc())
        .limit(most)
    )
    return [KnownScan(*row) for row in session.execute(found)]


def count_test_fires(session: Session, issuer: str) -> tuple[int, int]:
    """How many current test fires an issuer has here, and how many of them name their firearm."""
    of_kind = (RecordRow.issuer == issuer, RecordRow.kind == ExhibitKind.TEST_FIRE, is_current())
    row = session.execute(select(func.count(), func.count(RecordRow.firearm)).where(*of_kind)).one()
    return row[0], row[1]


def known_scores(session: Session, parameters: str, *, of: int | None = None) -> dict[PairOfScans, float]:
    """What was scored with these parameters, by its pair; of one scan alone, where that is named."""
    found = select(KnownPairRow.acquisition_a, KnownPairRow.acquisition_b, KnownPairRow.score)
    found = found.where(KnownPairRow.parameters == parameters)
    if of is not None:
        found = found.where(or_(KnownPairRow.acquisition_a == of, KnownPairRow.acquisition_b == of))
    return {(row[0], row[1]): row[2] for row in session.execute(found)}


def last_scored_at(session: Session, parameters: Collection[str]) -> str | None:
    """When the newest of the scores was made; None where there is none."""
    return session.scalar(select(func.max(KnownPairRow.made_at)).where(KnownPairRow.parameters.in_(parameters)))


def keep_scores(
    session: Session, scores: Mapping[PairOfScans, float], *, parameters: str, matcher_version: str
) -> None:
    """In the place of those of other parameters. Of a scan that was erased meanwhile nothing is kept."""
    numbers = sorted({number for pair in scores for number in pair})
    here = set(session.scalars(select(AcquisitionRow.acquisition_id).where(AcquisitionRow.acquisition_id.in_(numbers))))
    made_at = stamp()
    for (a, b), score in scores.items():
        if a in here and b in here:
            session.merge(
                KnownPairRow(
                    acquisition_a=a,
                    acquisition_b=b,
                    score=score,
                    parameters=parameters,
                    matcher_version=matcher_version,
                    made_at=made_at,
                )
            )


def drop_scores_but(session: Session, parameters: Collection[str], kept: Collection[int]) -> None:
    """Of pairs of other scans than these, and of parameters that this release does not have."""
    other = or_(KnownPairRow.acquisition_a.not_in(kept), KnownPairRow.acquisition_b.not_in(kept))
    session.execute(delete(KnownPairRow).where(or_(KnownPairRow.parameters.not_in(parameters), other)))


def forget_known_pairs(session: Session, statement_id: str) -> None:
    """The scans of a record are about to be erased, or restricted."""
    theirs = select(AcquisitionRow.acquisition_id).where(AcquisitionRow.statement_id == statement_id)
    named = or_(KnownPairRow.acquisition_a.in_(theirs), KnownPairRow.acquisition_b.in_(theirs))
    session.execute(delete(KnownPairRow).where(named))


def promise_scores(session: Session, scan: AcquisitionRow, record: RecordRow, *, own: str) -> None:
    """To be called with the correlation of a scan: promise to score an own test fire with the others."""
    if record.issuer == own and is_known_test_fire(record) and record.superseded_by is None:
        promise(session, JobKind.KNOWN_PAIRS, scan.acquisition_id)


def scans_that_wait(session: Session) -> int:
    """How many test fires are still to be scored; those that were given up are not counted."""
    waiting = select(func.count()).where(JobRow.kind == JobKind.KNOWN_PAIRS, JobRow.state != JobState.DEAD)
    return session.scalar(waiting) or 0


def promise_all(session: Session, scans: Sequence[int]) -> None:
    for acquisition_id in scans:
        promise(session, JobKind.KNOWN_PAIRS, acquisition_id)
