"""One audited act: who saw or asked what, when, why, and what came of it. Its exact bytes are a leaf of its batch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from exchange.log.merkle import EMPTY_ROOT, leaf_hash, node_hash
from schemas.vocabulary import Role

MAX_SUBJECTS: Final = 200
"""As many as a page for people holds; a page of a lane names 64 at most, a scan its digest and 16 records."""
MAX_ASKED: Final = 2000
SUPERVISION: Final = "supervision"
"""The purpose of whoever reads the rows themselves."""


class ActorKind(StrEnum):
    PERSON = "person"
    PEER = "peer"
    NODE = "node"


class Act(StrEnum):
    """What is audited. ``count`` of an entry is said with each; what makes a statement is in the log by itself."""

    SEARCH_RECORDS = "search-records"
    """A person searched; ``asked`` is the filter, ``count`` how many records came."""
    READ_RECORD = "read-record"
    READ_ENVELOPE = "read-envelope"
    READ_BUNDLE = "read-bundle"
    """A record with its proofs, to be given away."""
    READ_SCAN = "read-scan"
    """``asked`` is the part, where it was not the whole; ``count`` the bytes."""
    LIST_CANDIDATES = "list-candidates"
    """The candidate list of one record, or across borders where no subject is named; ``count`` how many came."""
    LIST_WORK = "list-work"
    """The first page: exhibits on which this person is to do something; the subjects are their records."""
    READ_CANDIDATE = "read-candidate"
    READ_PICTURE = "read-picture"
    """Both scans of a candidate, drawn; or one scan, small: then ``asked`` says so, and the subjects are the record and
    the scan."""
    READ_REPORT = "read-report"
    """The report on a candidate, to be given away."""
    READ_MONITORING = "read-monitoring"
    """A monitoring report that was approved was handed out; ``asked`` is the half-year and the form, the subject is the
    approval."""
    RELEASE_RESTRICTED = "release-restricted"
    """The restricted edition of a monitoring report was sealed for a recipient and handed out; ``asked`` is the period
    and for whom, by name and fingerprint, the purpose is why, the subject is the approval."""
    LIST_STATEMENTS = "list-statements"
    """What people said of pairs, and to each other; the subjects are the statements that were shown."""
    READ_STATEMENT = "read-statement"
    """One of these, with what it speaks of."""
    GIVE_PAGE = "give-page"
    """A peer was given a page of its lane; the subjects are the statements whose envelopes it held."""
    GIVE_SCAN = "give-scan"
    """A peer was given a scan or a part of it; ``count`` the bytes."""
    TAKE_PAGE = "take-page"
    """This node took a page from a peer; the subjects are all the statements whose envelopes it held."""
    TAKE_SCAN = "take-scan"
    """This node took a scan from a peer, whole; ``count`` the bytes."""
    READ_FIREARM = "read-firearm"
    """Firearms of this laboratory were shown with what stays at home, their serial numbers among it; ``count`` how
    many, ``asked`` what was searched, the subjects are their pseudonyms."""
    CHANGE_FIREARM = "change-firearm"
    """Somebody entered a firearm, or changed or removed what is known of it; ``asked`` is which of these, the subject
    is its pseudonym."""
    DECIDE_HELD = "decide-held"
    """The head took back, or left, records that a peer holds and that the policy in force would not give it any more;
    ``asked`` is which of both, from whom and why, the subjects are the records, ``count`` how many."""
    PROPOSE_WITHDRAWAL = "propose-withdrawal"
    """Somebody proposed to withdraw an own record, or a proposal was approved, declined or undone; ``asked`` is which
    step, from whom the record is to be taken and why, the subject is the record."""
    START_SEARCH = "start-search"
    """This node asked its peers by itself about an own record; ``asked`` is which rules it fits and what became of it,
    the subjects are the record and the queries, ``count`` how many queries."""
    READ_AUDIT = "read-audit"
    """Somebody read these rows; ``count`` how many."""
    TAKE_WORK = "take-work"
    """Somebody took on themselves an own exhibit or a hit on which something is to be done, gave it to a colleague, or
    put it back; ``asked`` is which of these, and to whom, the subjects are the records and the hits, ``count`` how
    many."""
    RETRY_WORK = "retry-work"
    """The operator had work tried again that was given up; the subjects are the jobs by kind and number, ``count`` how
    many."""
    ADD_WEBHOOK = "add-webhook"
    """The operator had a program told that something is new; ``asked`` is its address, the subject its number."""
    REMOVE_WEBHOOK = "remove-webhook"
    """The program is told no more."""
    CHECK_INSTRUMENT = "check-instrument"
    """An instrument was checked on a reference specimen; ``asked`` is which, and what came of it, the subjects are the
    check's number and the digest of its document."""
    CHANGE_INCIDENTS = "change-incidents"
    """Counts of the incident annex were entered, imported or taken back; ``asked`` is the half-year and which of these,
    never a count."""
    EXPORT_TRUTH = "export-truth"
    """Test fires of known firearm were written into a folder, a scan each; the subjects are the scans' digests,
    ``asked`` is whose, ``count`` how many were written now."""
    READ_SEPARATION = "read-separation"
    """The scores of own test fires were handed out as a table; ``count`` how many."""
    INSTALL_MODEL = "install-model"
    """A calibration model was put in force; the subject is its digest, ``asked`` its file."""
    CHANGE_MEETING = "change-meeting"
    """The head entered a meeting or training that was held, changed it, took it back or put it back; ``asked`` is which
    of these, and of which kind and day, the subject is its number."""
    ERASE_AUDIT = "erase-audit"
    """Rows whose retention is over were erased; the subject is their batch, ``count`` how many."""


@dataclass(frozen=True)
class Actor:
    """Whose act it is: a pseudonym, or a node's id. ``token`` is the number of a person's token, None in the pages."""

    kind: ActorKind
    name: str
    role: Role
    token: int | None = None


@dataclass(frozen=True)
class Deed:
    """An act that is not written down yet. ``purpose`` and ``legal_basis`` are None where none was stated."""

    actor: Actor
    act: Act
    count: int
    subjects: tuple[str, ...] = ()
    asked: str | None = None
    purpose: str | None = None
    legal_basis: str | None = None


@dataclass(frozen=True)
class AuditEntry:
    """A numbered act, as it is kept: plain text, since what somebody altered must be readable too.

    ``nonce`` makes its hash unguessable: of a batch one row can be shown with a proof, and the hashes beside it tell
    nothing of the others.
    """

    number: int
    at: str
    nonce: str
    kind: str
    actor: str
    role: str
    token: int | None
    act: str
    count: int
    subjects: tuple[str, ...]
    asked: str | None
    purpose: str | None
    legal_basis: str | None

    @classmethod
    def of(cls, deed: Deed, *, number: int, at: str, nonce: str) -> AuditEntry:
        return cls(
            number=number,
            at=at,
            nonce=nonce,
            kind=deed.actor.kind,
            actor=deed.actor.name,
            role=deed.actor.role,
            token=deed.actor.token,
            act=deed.act,
            count=deed.count,
            subjects=deed.subjects[:MAX_SUBJECTS],
            asked=None if deed.asked is None else deed.asked[:MAX_ASKED],
            purpose=deed.purpose,
            legal_basis=deed.legal_basis,
        )

    def canonical(self) -> bytes:
        """JSON as RFC 8785 has it: keys in order, no space, UTF-8. Strings, whole numbers, null and one list alone."""
        return json.dumps(vars(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    def leaf(self) -> bytes:
        """Its leaf hash (RFC 6962, 2.1)."""
        return leaf_hash(self.canonical())


def batch_root(leaves: Sequence[bytes]) -> bytes:
    """The Merkle root over leaf hashes (RFC 6962, 2.1), row by row: a last one without a pair goes up as it is, which
    gives the same tree as splitting at the largest power of two."""
    row = list(leaves)
    while len(row) > 1:
        paired = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=False)]
        row = paired + row[len(paired) * 2 :]
    return row[0] if row else EMPTY_ROOT
