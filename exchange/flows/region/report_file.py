"""The file of a report: manifest, both editions and the proof that they were approved, in one piece.

A node hands it out (`exchange.flows.region.release`); whoever gets it verifies it far from any node:

    found = verify_report_file(data, who, key)     # `who`: which identities are believed; `key`: None without one
    found.document, found.restricted

The restricted edition stands in it sealed for its recipient, or not at all.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, ValidationError

from exchange.errors import ExchangeError, InvalidInput, LogError, StatementInvalid
from exchange.flows.monitoring.document import FIRST_FORMAT, REPORT_FORMAT, Document
from exchange.flows.monitoring.editions import PeriodText, ReportManifest, check_edition, read_report_manifest
from exchange.flows.monitoring.restricted_edition import Restricted, RestrictedHalf, read_restricted
from exchange.flows.monitoring.small_counts import Figure, Told
from exchange.flows.region.untrusted import read_public
from exchange.flows.witness.bundle import ProvenStatement, last_round_that_names, verify_proven
from exchange.trust.card import same_fingerprint
from exchange.trust.recipient import RecipientKey
from exchange.trust.registry import Trust
from schemas import Approval
from schemas.errors import ContractError, shown
from schemas.exhibit import Contract, plain_line
from schemas.lane import Base64Text
from schemas.statement_base import NodeId
from schemas.statements import contract_error
from schemas.strict_json import check_json
from schemas.vocabulary import Decision

FILE_FORMAT: Final = "ffp-report-file/1"
MAX_FILE_BYTES: Final = 64 * 1024 * 1024
"""A restricted edition of 32 MB, a third more for Base64, and a proof with its witnesses."""
_OLDER: Final = (FIRST_FORMAT,)
_MOST_SAID: Final = 2000
"""Characters of a refusal."""


class SealedEdition(Contract):
    """The restricted edition for one recipient. What stands here beside ``sealed`` is authenticated with it."""

    recipient: Annotated[str, Field(min_length=1, max_length=120), AfterValidator(plain_line)]
    fingerprint: Annotated[str, Field(pattern=r"^([0-9]{5} ){7}[0-9]{5}$")]
    purpose: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(plain_line)]
    released_at: Annotated[str, Field(max_length=30)]
    suite: Annotated[str, Field(max_length=100)]
    sealed: Base64Text


class ReportFile(Contract):
    """``proof`` is the bundle of the signed approval (`schemas.bundle`)."""

    format: Literal["ffp-report-file/1"]
    node: NodeId
    period: PeriodText
    manifest: Base64Text
    public: Base64Text
    restricted: SealedEdition | None
    proof: Base64Text


@dataclass(frozen=True)
class Believed:
    """Whose identities a reader believes: those that the trust root names, and those with these fingerprints."""

    trust: Trust | None = None
    fingerprints: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True)
class VerifiedReport:
    """A report that its node's head approved. ``restricted``: None where the file has none, or there is no key."""

    manifest: ReportManifest
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


def write_report_file(file: ReportFile) -> bytes:
    return (json.dumps(file.model_dump(mode="json"), indent=1) + "\n").encode()


def sealing_info(manifest: bytes, said: SealedEdition) -> bytes:
    """What is bound to the sealed edition: the manifest, and for whom and why it was sealed."""
    fields = said.model_dump(mode="json", exclude={"sealed"})
    told = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
    return FILE_FORMAT.encode() + b"\0" + hashlib.sha256(manifest).digest() + told


def verify_report_file(data: bytes, who: Believed, key: RecipientKey | None = None) -> VerifiedReport:
    """Believe a report's file, or raise the reason not to, with what to do.

    1. It is bounded, and in this format.
    2. The approval's proof verifies: identity, keys, both signatures, the log's head, the way to it.
    3. The identity is one that the reader believes.
    4. The statement is an approval, by the node's own head, of this manifest.
    5. The manifest is of that node; the public edition is the one that it names, and of the same node and period.
    6. With a key: the restricted edition opens, is the one that it names, and says nothing else than the public one.

    Raises ReportRefused.
    """
    # 1.
    file = _file(data)
    manifest_bytes, public = base64.b64decode(file.manifest), base64.b64decode(file.public)

    # 2. and 3.
    try:
        proven = verify_proven(base64.b64decode(file.proof))
    except (StatementInvalid, LogError, ContractError) as error:
        raise _forged(file, f"Its proof does not verify: {error}") from error
    if proven.card.issuer != file.node:
        raise _forged(file, f"It says that it is of {file.node}, and {proven.card.issuer} signed it.")
    _check_identity(file, proven, who)

    # 4.
    approval = proven.verified.statement
    sha256 = hashlib.sha256(manifest_bytes).hexdigest()
    if (
        not isinstance(approval, Approval)
        or approval.decision is not Decision.APPROVED
        or approval.jurisdiction != proven.card.jurisdiction
    ):
        raise _unapproved(file, "What its proof proves is no approval of a report.")
    if approval.concerns != sha256:
        raise _unapproved(file, f"The approval inside is of another report, whose digest is {approval.concerns}.")

    # 5.
    try:
        manifest = read_report_manifest(manifest_bytes)
        check_edition(public, manifest.public, "public")
        document = read_public(public)
    except (StatementInvalid, ContractError) as error:
        raise _forged(file, str(error)) from error
    own = manifest.node, manifest.jurisdiction, manifest.period
    if own != (proven.card.issuer, proven.card.jurisdiction, file.period):
        raise _forged(file, "The manifest is of another node or period than the file.")
    if own != (document.node_id, document.jurisdiction, str(document.period)):
        raise _forged(file, "The public edition is of another node or period than the manifest.")

    # 6.
    restricted = _restricted(file, manifest, manifest_bytes, document, key)
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
        sha256=sha256,
    )


def _file(data: bytes) -> ReportFile:
    if len(data) > MAX_FILE_BYTES:
        raise _no_report(f"It has more than {MAX_FILE_BYTES} bytes.")
    try:
        check_json(data, max_bytes=MAX_FILE_BYTES)
    except ContractError as error:
        raise _no_report(str(error)) from error
    fields = json.loads(data)
    _check_format(fields if isinstance(fields, dict) else {})
    try:
        return ReportFile.model_validate_json(data, strict=True)
    except ValidationError as error:
        raise _no_report(str(contract_error(error))) from error


def _check_format(fields: dict[str, Any]) -> None:
    found = str(fields.get("format", ""))[:60]
    node = str(fields.get("node", ""))[:40] or None
    period = str(fields.get("half", fields.get("period", "")))[:10]
    if found == FILE_FORMAT:
        return
    if found in _OLDER:
        raise ReportRefused(
            f"It is a report of {period} of the format {found}, from before reports had two editions: it has no exact "
            "counts and no link ids, and its hits were counted by the rules of then.",
            code="older-format",
            node=node,
            next_step="Read it by itself, with its signed approval. Ask the focal point for the file of a half-year "
            "that was approved in two editions.",
        )
    if fields.get("draft") is True:
        raise ReportRefused(
            f"It is a draft of {period}: nobody approved it.",
            code="unapproved",
            node=node,
            next_step="Ask the head of the focal point to approve the report and to release its file.",
        )
    if found == REPORT_FORMAT:
        raise ReportRefused(
            f"It is the public edition of {period} alone, without the proof that it was approved.",
            code="unapproved",
            node=node,
            next_step="Ask the focal point for the whole file: ffp report --form file.",
        )
    if found.startswith("ffp-report-file/"):
        raise ReportRefused(
            f"It is of the format {found}, and this release reads {FILE_FORMAT}.",
            code="newer-format",
            node=node,
            next_step="Install a newer release here.",
        )
    raise _no_report("It is JSON of another kind.")


def _check_identity(file: ReportFile, proven: ProvenStatement, who: Believed) -> None:
    if any(same_fingerprint(known, proven.fingerprint) for known in who.fingerprints):
        return
    if who.trust is not None and last_round_that_names(who.trust, proven.card) is not None:
        return
    named = who.trust is not None and who.trust.node(proven.card.issuer) is not None
    raise ReportRefused(
        f"It is signed by an identity with the fingerprint {proven.fingerprint}, "
        + ("and the trust root names another one for this node." if named else "which nobody vouches for here."),
        code="forged" if named else "unknown-identity",
        node=file.node,
        next_step="Ask the focal point for its 40 digits by telephone. If they are these, give them with --fingerprint "
        "or install the trust root; if not, somebody else made the file: keep it, and tell the focal point.",
    )


def _restricted(
    file: ReportFile, manifest: ReportManifest, manifest_bytes: bytes, document: Document, key: RecipientKey | None
) -> Restricted | None:
    if file.restricted is None or key is None:
        return None
    try:
        data = key.open(base64.b64decode(file.restricted.sealed), sealing_info(manifest_bytes, file.restricted))
    except InvalidInput as error:
        raise ReportRefused(
            f"Its restricted edition was sealed for {file.restricted.recipient}, fingerprint "
            f"{file.restricted.fingerprint}, and does not open with this key.",
            code="other-recipient",
            node=file.node,
            next_step=f"Ask the focal point for a file for {key.recipient.name}, fingerprint "
            f"{key.recipient.fingerprint}.",
        ) from error
    try:
        check_edition(data, manifest.restricted, "restricted")
        found = read_restricted(data)
    except (StatementInvalid, ContractError) as error:
        raise _forged(file, str(error)) from error
    if (found.node, found.jurisdiction, found.period) != (manifest.node, manifest.jurisdiction, manifest.period):
        raise _forged(file, "The restricted edition is of another node or period than the manifest.")
    if isinstance(found, RestrictedHalf):
        _check_agreement(file, document, found)
    return found


def _check_agreement(file: ReportFile, document: Document, exact: RestrictedHalf) -> None:
    """Each range that the public edition tells holds the exact count."""
    for name, row in (*document.counts.items(), *document.gaps.items()):
        for column, figure in row.cells.items():
            if not _holds(figure, exact.count(name, column)):
                raise _forged(file, f"Its two editions contradict each other: {name}, {column}.")


def _holds(told: Figure, count: int | None) -> bool:
    if told.told in (Told.RESTRICTED, Told.HELD_BACK):
        return True
    if told.told is Told.NO_DATA or count is None:
        return told.told is Told.NO_DATA and count is None
    return (told.low or 0) <= count <= (told.high or 0)


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


def _unapproved(file: ReportFile, message: str) -> ReportRefused:
    return ReportRefused(
        message,
        code="unapproved",
        node=file.node,
        next_step="Ask the head of the focal point to approve the report and to release its file.",
    )
