"""Verify the bundle of a pair that somebody else gave, without any node: each statement, then all of them together."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from exchange.bounded_zip import open_bounded_zip
from exchange.errors import StatementInvalid
from exchange.flows.hits.rules import weigh
from exchange.flows.hits.vocabulary import CustodyDiscrepancy, Said
from exchange.flows.statement.proven import verify_proven
from exchange.flows.witness.bundle import check_jurisdiction
from exchange.trust.card import fingerprint, same_fingerprint
from exchange.trust.key_history import history_of
from exchange.trust.verify import verify_statement
from schemas import (
    AnyStatement,
    Conclusion,
    ContractError,
    CustodyExplanation,
    Feedback,
    Hit,
    KeyEvent,
    Pair,
    PhysicalComparison,
    Record,
    Retraction,
    Verification,
    about,
    open_envelope,
)
from schemas.bundle import MAX_BUNDLE_BYTES
from schemas.errors import shown
from schemas.kinds import MeantFor, kind_of
from schemas.pair_bundle import (
    CONTENTS,
    MAX_CONTENTS_BYTES,
    MAX_PAIR_BUNDLE_BYTES,
    MAX_PAIR_STATEMENTS,
    MAX_PDF_BYTES,
    PROVEN,
    REPORT_FILE,
    SIGNED,
    PairContents,
    parse_contents,
    parse_signed,
)

_PACKED: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""Of the other ways one may ask for gigabytes of memory before the first byte is unpacked (LZMA)."""
_MOST_DIRECTORY_BYTES: Final = 128 * 1024
"""The directory of a bundle of 258 files with short names has 20 kB."""
_UNREADABLE: Final = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, KeyError, ValueError)
"""What Python's reader raises on a ZIP that is damaged, encrypted or packed otherwise."""


@dataclass(frozen=True)
class PairFact:
    """One statement, signed by its issuer. ``head_size``: of the signed head of its issuer's log that holds it; None
    where signatures alone prove it."""

    statement_id: str
    statement: AnyStatement
    card: KeyEvent
    log_index: int
    head_size: int | None


@dataclass(frozen=True)
class VerifiedPair:
    """``fingerprints``: of each issuer's identity; whether they are theirs, two people must have compared."""

    contents: PairContents
    facts: tuple[PairFact, ...]
    fingerprints: dict[str, str]


@dataclass(frozen=True)
class BundledDiscrepancy:
    """A custody discrepancy at a step inside. ``explanation``: the signed statement that explains it; None where no
    explanation inside counts."""

    record: str
    step: str
    kinds: tuple[CustodyDiscrepancy, ...]
    explanation: CustodyExplanation | None


def bundled_discrepancies(facts: Sequence[PairFact]) -> list[BundledDiscrepancy]:
    """The custody discrepancies of each hit inside, weighed by the rules of hits on the statements inside alone."""
    by_id = {fact.statement_id: fact.statement for fact in facts}
    pairs = {name: said.pair for name, said in by_id.items() if isinstance(said, Hit)}
    found = []
    for pair in {pair.model_dump_json(): pair for pair in pairs.values()}.values():
        of_pair = [fact for fact in facts if _pair_of(fact.statement, by_id) == pair]
        weighed = weigh(pair, (Said(fact.statement_id, fact.statement, fact.log_index) for fact in of_pair))
        for custody in weighed.custody:
            for step, kinds in custody.discrepancies.items():
                said = by_id.get(custody.explanations.get(step, ""))
                explanation = said if isinstance(said, CustodyExplanation) else None
                found.append(BundledDiscrepancy(custody.record, step, kinds, explanation))
    return found


def _pair_of(said: AnyStatement, by_id: Mapping[str, AnyStatement]) -> Pair | None:
    match said:
        case Conclusion() | Verification() | Hit():
            return said.pair
        case PhysicalComparison() | CustodyExplanation() | Feedback():
            hit = by_id.get(said.hit)
            return hit.pair if isinstance(hit, Hit) else None
        case Retraction():
            taken_back = by_id.get(said.retracts)
            return getattr(taken_back, "pair", None)
        case _:
            return None


def verify_pair_bundle(data: bytes, *, confirmed: Sequence[str] = ()) -> VerifiedPair:
    """Believe the bundle of a pair, or raise the reason not to.

    1. It is a ZIP of the files that its contents name, each within bounds, one statement at least; the report is the
       one named there.
    2. Each statement is signed by its issuer, and stands in its log where there is a proof.
    3. One issuer has one identity; each fingerprint that is known from elsewhere is one of these.
    4. Each statement speaks of this pair: a record is one of both, any other names the pair, or a statement inside.

    Raises StatementInvalid, CheckpointInvalid, ProofInvalid, RootInvalid.
    """
    # 1.
    contents, files = _opened(data)

    # 2.
    facts = tuple(_fact(name, content) for name, content in files.items())
    if not facts:
        raise _not_whole("No statement is inside: it proves nothing of what its report says.")
    if tuple(fact.statement_id for fact in facts) != contents.statements:
        raise _not_whole("The statements inside are others than its contents name.")

    # 3.
    identities: dict[str, str] = {}
    for fact in facts:
        found = fingerprint(fact.card.identity)
        if identities.setdefault(fact.card.issuer, found) != found:
            raise StatementInvalid(f"{fact.card.issuer} has two identities inside.", code="unknown-key")
    for known in confirmed:
        if not any(same_fingerprint(known, found) for found in identities.values()):
            raise StatementInvalid(f"No identity inside has the fingerprint {known} that you know.")

    # 4.
    for fact in facts:
        _check_of_pair(fact, contents, {other.statement_id for other in facts})
    return VerifiedPair(contents, facts, identities)


def _opened(data: bytes) -> tuple[PairContents, dict[str, bytes]]:
    """Bounded: a few kilobytes can unpack to gigabytes."""
    try:
        with open_bounded_zip(io.BytesIO(data), most_directory_bytes=_MOST_DIRECTORY_BYTES) as archive:
            names = archive.namelist()
            if len(names) > MAX_PAIR_STATEMENTS + 2 or len(set(names)) != len(names):
                raise _not_whole("It has too many files, or one twice.")
            if any(file.compress_type not in _PACKED for file in archive.infolist()):
                raise _not_whole("It is packed otherwise than a node packs it.")
            strange = [
                name for name in names if name not in (CONTENTS, REPORT_FILE) and not name.startswith((PROVEN, SIGNED))
            ]
            if strange:
                raise _not_whole(f"It has a file that no bundle has: {strange[0][:80]!r}.")
            contents = parse_contents(_read(archive, CONTENTS, MAX_CONTENTS_BYTES))
            report = hashlib.sha256(_read(archive, REPORT_FILE, MAX_PDF_BYTES)).hexdigest()
            named = [name for name in names if name not in (CONTENTS, REPORT_FILE)]
            files: dict[str, bytes] = {}
            left = MAX_PAIR_BUNDLE_BYTES
            for name in named:
                files[name] = _read(archive, name, min(left, MAX_BUNDLE_BYTES))
                left -= len(files[name])
    except ContractError as error:
        raise StatementInvalid(str(error), code=error.reason) from error
    except _UNREADABLE as error:
        raise _not_whole("It cannot be read as a ZIP with contents and report.") from error
    if report != contents.report:
        raise _not_whole("The report inside is another one than its contents name.")
    return contents, files


def _read(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    with archive.open(name) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise _not_whole(f"{shown(name, 80)} has more than {most} bytes.")
    return content


def _fact(name: str, content: bytes) -> PairFact:
    if name.startswith(PROVEN):
        found = verify_proven(content)
        return _checked(
            PairFact(
                found.verified.statement_id, found.verified.statement, found.card, found.log_index, found.head.size
            )
        )
    try:
        signed = parse_signed(content)
        keys = history_of(open_envelope(base64.b64decode(signed.card)), map(base64.b64decode, signed.key_events))
    except ContractError as error:
        raise StatementInvalid(str(error), code=error.reason) from error
    verified = verify_statement(
        base64.b64decode(signed.envelope), issuer=keys.card.issuer, key=keys.statement_key(signed.log_index)
    )
    return _checked(PairFact(verified.statement_id, verified.statement, keys.card, signed.log_index, None))


def _checked(fact: PairFact) -> PairFact:
    if isinstance(fact.statement, Record):
        check_jurisdiction(fact.statement, fact.card)
    return fact


def _check_of_pair(fact: PairFact, contents: PairContents, inside: set[str]) -> None:
    """Raises StatementInvalid."""
    said = fact.statement
    match said:
        case Record():
            speaks_of_it = fact.statement_id in contents.records
        case Conclusion() | Verification() | Hit():
            speaks_of_it = {said.pair.a.record, said.pair.b.record} == set(contents.records)
        case _:
            speaks_of_it = kind_of(said).meant_for is MeantFor.CONCERNED and about(said) in inside
    if not speaks_of_it:
        raise StatementInvalid(
            f"{fact.statement_id}, a {fact.statement.type}, does not speak of this pair.", code="unexpected-type"
        )


def _not_whole(why: str) -> StatementInvalid:
    return StatementInvalid(f"This is no bundle of a pair as a node made it. {why}")
