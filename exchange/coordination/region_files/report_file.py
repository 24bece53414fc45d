"""The file of a report: manifest, both editions and the proof that they were approved, in one piece.

A node hands it out (`region_files.release_report`); whoever gets it verifies it far from any node:

    found = verify_report_file(data, who, key)     # `who`: which identities are believed; `key`: None without one
    found.document, found.restricted

The restricted edition stands in it sealed for its recipient, or not at all.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from exchange.coordination.approved_document import check_approval, check_part
from exchange.coordination.approved_rows import ApprovedKind
from exchange.coordination.half_year.editions import EditionsManifest, PeriodText, read_editions_manifest
from exchange.coordination.half_year.half_year_document import REPORT_FORMAT, Document, read_document
from exchange.coordination.half_year.half_years import parse_period
from exchange.coordination.half_year.public_edition import PublicFigures, public_figures
from exchange.coordination.half_year.restricted_edition import Restricted, RestrictedHalf, read_restricted
from exchange.coordination.region_files.bound_annex import BoundAnnex, VerifiedAnnex, check_annex
from exchange.coordination.region_files.recipient import RecipientKey, SealedEdition, open_edition
from exchange.errors import ExchangeError, InvalidInput, LogError, StatementInvalid
from exchange.flows.statement.proven import ProvenStatement, last_round_that_names, verify_proven
from exchange.jurisdictions.directory import Directory, shipped_directory
from exchange.trust.card import same_fingerprint
from exchange.trust.registry import Trust
from schemas.errors import ContractError, shown
from schemas.exhibit import Contract
from schemas.lane import Base64Text
from schemas.statement_base import NodeId
from schemas.strict_json import check_json, read_strict

FILE_FORMAT: Final = "ffp-report-file/1"
MAX_FILE_BYTES: Final = 64 * 1024 * 1024
"""A restricted edition of 32 MB, a third more for Base64, and a proof with its witnesses."""
MAX_OTHER_VALUES: Final = 32_768
"""Of a file that is told what else it is: as many as a public edition of 2 MB may hold."""
_MOST_VALUES: Final = 256
"""Of a report's file: with two annexes it has some 50, and its documents are text to it."""
_MOST_SAID: Final = 2000
"""Characters of a refusal."""


class ReportFile(Contract):
    """``proof`` is the bundle of the signed approval (`schemas.bundle`). ``annexes``: the incident annexes of its
    half-years, in the order of the half-years."""

    format: Literal["ffp-report-file/1"]
    node: NodeId
    period: PeriodText
    manifest: Base64Text
    public: Base64Text
    restricted: SealedEdition | None
    annexes: Annotated[tuple[BoundAnnex, ...], Field(max_length=2)]
    proof: Base64Text

    @model_validator(mode="after")
    def _annexes_are_of_its_halves(self) -> Self:
        halves = [annex.half for annex in self.annexes]
        if sorted(set(halves)) != halves or not set(halves) <= set(map(str, parse_period(self.period).halves)):
            raise ValueError("the annexes are not of the half-years of the period, the first first")
        return self


@dataclass(frozen=True)
class Believed:
    """Whose identities a reader believes: those that the last round of the trust root names, and those with these
    ``fingerprints``, each with the node that it is of: ``ffp-rs=12345 ...``. When a report was signed nobody can prove,
    so one of an identity that was replaced may be new.

    Raises InvalidInput, code "unnamed-fingerprint", for digits alone: they do not say whose they are, and who gave
    theirs could report under another node's name."""

    trust: Trust | None = None
    fingerprints: Sequence[str] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        for known in self.fingerprints:
            if not known.rpartition("=")[0].strip():
                raise InvalidInput(
                    f"{shown(known, 60)} does not say of which node it is. Give the digits with their node: "
                    '--fingerprint "ffp-rs=12345 ...".',
                    code="unnamed-fingerprint",
                )

    def confirms(self, proven: ProvenStatement) -> bool:
        """Whether somebody compared the digits of this node."""
        return any(
            node.strip() == proven.card.issuer and same_fingerprint(digits, proven.fingerprint)
            for node, _, digits in (known.rpartition("=") for known in self.fingerprints)
        )


@dataclass(frozen=True)
class DeskKeys:
    """The identities that a desk trusts, and the key that opens restricted editions. ``key`` is None if the desk has no
    such key."""

    who: Believed
    key: RecipientKey | None

    @property
    def directory(self) -> Directory:
        """The names of jurisdictions, also of those that the trust root names beyond the release's."""
        return shipped_directory() if self.who.trust is None else self.who.trust.registry.directory


@dataclass(frozen=True)
class VerifiedReport:
    """A report that its node's head approved. ``restricted``: None where the file has none, or there is no key.
    ``annexes``: the incident annexes of its half-years that are bound into the file, the first first."""

    manifest: EditionsManifest
    document: Document
    public: bytes
    restricted: Restricted | None
    sealed: SealedEdition | None
    approval: str
    approved_by: str
    because: str
    log_index: int
    fingerprint: str
    sha256: str
    """Of the manifest: what the approval concerns."""
    annexes: tuple[VerifiedAnnex, ...] = ()

    @property
    def node_id(self) -> str:
        return self.manifest.node

    @property
    def jurisdiction(self) -> str:
        return self.manifest.jurisdiction

    @property
    def halves(self) -> tuple[RestrictedHalf, ...]:
        """The exact half-years, the first first; none without a restricted edition."""
        return self.restricted.halves if self.restricted is not None else ()


@dataclass(frozen=True)
class RefusedFile:
    """A file of which nothing is counted: whose it says that it is, what is wrong, and what to do."""

    file: str
    node: str | None
    code: str
    why: str
    next_step: str


class ReportRefused(ExchangeError):
    """A file of which nothing is counted. ``node``: whose it says that it is; ``next_step``: what to do about it.

    All three may repeat words of a file that nobody vouches for, and go into pages, reports and terminals: so nothing
    in them hides or reorders what a person reads, steers a terminal, or is half of a pair of surrogates.
    """

    code = "report-refused"

    def __init__(self, message: str, *, code: str, next_step: str, node: str | None = None) -> None:
        super().__init__(shown(message, _MOST_SAID), code=code)
        self.node = None if node is None else shown(node, 40)
        self.next_step = shown(next_step, _MOST_SAID)

    def of(self, file: str) -> RefusedFile:
        """To be kept: unlike the error it holds nothing of the file's content."""
        return RefusedFile(file, self.node, self.code, str(self), self.next_step)


def write_report_file(file: ReportFile) -> bytes:
    return (file.model_dump_json(indent=1) + "\n").encode()


def verify_report_file(data: bytes, who: Believed, key: RecipientKey | None = None) -> VerifiedReport:
    """Believe a report's file, or raise the reason not to, with what to do.

    1. It is bounded, and in this format.
    2. The approval's proof verifies: identity, keys, both signatures, the log's head, the way to it.
    3. The identity is one that the reader believes.
    4. The statement is an approval, by the node's own head, of this manifest.
    5. The manifest is of that node; the public edition is the one that it names, and of the same node and period.
    6. With a key: the restricted edition opens, is the one that it names, and says nothing else than the public one.
    7. Each incident annex is approved by the same node's head, and holds by itself (`check_annex`).

    Raises ReportRefused.
    """
    # 1.
    file = _file(data)
    manifest_bytes, public = base64.b64decode(file.manifest), base64.b64decode(file.public)

    # 2. and 3.
    proven = _proven(file, file.proof)
    check_believed(file.node, proven, who)

    # 4.
    try:
        approval = check_approval(proven, manifest_bytes)
    except StatementInvalid as error:
        raise _unapproved(file, error) from error

    # 5.
    try:
        manifest = read_editions_manifest(ApprovedKind.REPORT, manifest_bytes)
        check_part(public, manifest.public, "public")
        document = read_document(public)
    except (StatementInvalid, ContractError) as error:
        raise _forged(file, str(error)) from error
    own = manifest.node, manifest.jurisdiction, manifest.period
    if own != (proven.card.issuer, proven.card.jurisdiction, file.period):
        raise _forged(file, "The manifest is of another node or period than the file.")
    if own != (document.node_id, document.jurisdiction, str(document.period)):
        raise _forged(file, "The public edition is of another node or period than the manifest.")

    # 6.
    restricted = _restricted(file, manifest, manifest_bytes, document, key)

    # 7.
    annexes = tuple(_annex(file, bound, proven, key) for bound in file.annexes)
    return VerifiedReport(
        manifest=manifest,
        document=document,
        public=public,
        restricted=restricted,
        sealed=file.restricted,
        approval=proven.verified.statement_id,
        approved_by=approval.made_by.pseudonym,
        because=approval.because,
        log_index=proven.log_index,
        fingerprint=proven.fingerprint,
        sha256=approval.concerns,
        annexes=annexes,
    )


def _file(data: bytes) -> ReportFile:
    if len(data) > MAX_FILE_BYTES:
        raise _no_report(f"It has more than {MAX_FILE_BYTES} bytes.")
    try:
        check_json(data, max_bytes=MAX_FILE_BYTES, max_values=MAX_OTHER_VALUES)
        _check_format(_fields(data))
        return read_strict(ReportFile, data, max_bytes=MAX_FILE_BYTES, max_values=_MOST_VALUES)
    except ContractError as error:
        raise _no_report(str(error)) from error


def _fields(data: bytes) -> dict[str, Any]:
    found = json.loads(data)
    return found if isinstance(found, dict) else {}


def _check_format(fields: dict[str, Any]) -> None:
    found = str(fields.get("format", ""))[:60]
    node = str(fields.get("node", ""))[:40] or None
    period = str(fields.get("period", ""))[:10]
    if found == FILE_FORMAT:
        return
    if fields.get("draft") is True:
        raise ReportRefused(
            f"It is a draft of {period}: nobody approved it.",
            code="unapproved",
            node=node,
            next_step="Ask the head of the focal point to approve the report and to release its file.",
        )
    if found.startswith("ffp-monitoring-report/") and found != REPORT_FORMAT:
        raise _newer(found, node)
    if found == REPORT_FORMAT:
        raise ReportRefused(
            f"It is the public edition of {period} alone, without the proof that it was approved.",
            code="unapproved",
            node=node,
            next_step="Ask the focal point for the whole file: ffp report --form file.",
        )
    if found.startswith("ffp-report-file/"):
        raise _newer(found, node)
    raise _no_report("It is JSON of another kind.")


def _newer(found: str, node: str | None) -> ReportRefused:
    return ReportRefused(
        f"It is of the format {found}, and this release reads {FILE_FORMAT}.",
        code="newer-format",
        node=node,
        next_step="Install a newer release here.",
    )


def check_believed(node: str, proven: ProvenStatement, who: Believed) -> None:
    """Whether a document that ``node`` sends is signed by an identity that the reader believes. Raises
    ReportRefused."""
    if who.confirms(proven):
        return
    named = None if who.trust is None else who.trust.node(proven.card.issuer)
    if named is not None and (named.jurisdiction, named.identity) == (proven.card.jurisdiction, proven.card.identity):
        return
    last = None if who.trust is None else last_round_that_names(who.trust, proven.card)
    if last is not None and who.trust is not None:
        raise ReportRefused(
            f"It is signed by an identity with the fingerprint {proven.fingerprint}, which round {last} of the trust "
            f"root was the last to name; round {who.trust.version} names "
            + ("another one for this node." if named is not None else "this node no more."),
            code="replaced-identity",
            node=node,
            next_step="Nobody can tell whether it was signed before that. Ask the focal point by telephone: if it is a "
            f"report of before, and these are the 40 digits of then, give them with {_option(proven)}; if not, keep "
            "the file, and ask for one by the identity of now.",
        )
    raise ReportRefused(
        f"It is signed by an identity with the fingerprint {proven.fingerprint}, "
        + ("and the trust root names another one for this node." if named else "which nobody vouches for here."),
        code="forged" if named is not None else "unknown-identity",
        node=node,
        next_step="Ask the focal point for its 40 digits by telephone. If they are these, give them with "
        f"{_option(proven)} or install the trust root; if not, somebody else made the file: keep it, and tell the "
        "focal point.",
    )


def _option(proven: ProvenStatement) -> str:
    return f'--fingerprint "{proven.card.issuer}=12345 ..."'


def _proven(file: ReportFile, proof: str) -> ProvenStatement:
    try:
        proven = verify_proven(base64.b64decode(proof))
    except (StatementInvalid, LogError, ContractError) as error:
        raise _forged(file, f"Its proof does not verify: {error}") from error
    if proven.card.issuer != file.node:
        raise _forged(file, f"It says that it is of {file.node}, and {proven.card.issuer} signed it.")
    return proven


def _annex(file: ReportFile, bound: BoundAnnex, report: ProvenStatement, key: RecipientKey | None) -> VerifiedAnnex:
    proven = _proven(file, bound.proof)
    if proven.card.identity != report.card.identity:
        raise _forged(file, "Its incident annex is signed by another identity than the report.")

    def opened(said: SealedEdition, manifest: bytes) -> bytes | None:
        return None if key is None else _opened(file, said, manifest, key)

    try:
        return check_annex(bound, proven, opened)
    except StatementInvalid as error:
        if error.code in ("digest-differs", "wrong-issuer"):
            raise _forged(file, f"Its incident annex: {error}") from error
        raise _unapproved(file, error) from error
    except (ContractError, InvalidInput) as error:
        raise _forged(file, f"Its incident annex: {error}") from error


def _opened(file: ReportFile, said: SealedEdition, manifest: bytes, key: RecipientKey) -> bytes:
    try:
        return open_edition(said, manifest, key)
    except InvalidInput as error:
        raise ReportRefused(
            f"Its restricted edition was sealed for {said.recipient}, fingerprint {said.fingerprint}, and does not "
            "open with this key.",
            code="other-recipient",
            node=file.node,
            next_step=f"Ask the focal point for a file for {key.recipient.name}, fingerprint "
            f"{key.recipient.fingerprint}.",
        ) from error


def _restricted(
    file: ReportFile, manifest: EditionsManifest, manifest_bytes: bytes, document: Document, key: RecipientKey | None
) -> Restricted | None:
    if file.restricted is None or key is None:
        return None
    data = _opened(file, file.restricted, manifest_bytes, key)
    try:
        check_part(data, manifest.restricted, "restricted")
        found = read_restricted(data)
    except (StatementInvalid, ContractError) as error:
        raise _forged(file, str(error)) from error
    if (found.node, found.jurisdiction, found.period) != (manifest.node, manifest.jurisdiction, manifest.period):
        raise _forged(file, "The restricted edition is of another node or period than the manifest.")
    public, told = public_figures(found.halves), PublicFigures(document.entered, document.stages)
    if public != told or document.smallest != min(half.smallest_count_told for half in found.halves):
        raise _forged(file, "Its two editions contradict each other.")
    return found


def _no_report(message: str) -> ReportRefused:
    return ReportRefused(
        f"This is no report's file. {message}",
        code="no-report",
        next_step="Ask the focal point for the file that ffp report --form file writes.",
    )


def _forged(file: ReportFile, message: str) -> ReportRefused:
    return ReportRefused(
        message,
        code="forged",
        node=file.node,
        next_step="Keep the file, and ask the focal point by telephone for it anew: it was changed on the way, or "
        "somebody else made it.",
    )


def _unapproved(file: ReportFile, error: StatementInvalid) -> ReportRefused:
    if error.code == "wrong-role":
        return ReportRefused(
            str(error),
            code="not-by-head",
            node=file.node,
            next_step="Keep the file. Ask the head of the focal point by telephone who approved it, and for a file of "
            "what the head approved.",
        )
    return ReportRefused(
        str(error),
        code="unapproved",
        node=file.node,
        next_step="Ask the head of the focal point to approve the report and to release its file.",
    )
