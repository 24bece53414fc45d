"""Guest and node as each other's witnesses: reports answered, cosignatures accepted, returned, and refused when bad."""

from __future__ import annotations

import json
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace

from exchange.conformance.check import Check, Part
from exchange.conformance.checks.reading import read_or_untried, signed_head
from exchange.conformance.guest.guest import Guest
from exchange.conformance.targets import WITNESS
from exchange.conformance.verdicts import NotKept, NotTried
from exchange.conformance.visit import Visit
from exchange.errors import CheckpointInvalid, RequestRefused
from exchange.flows.statement.heads import open_cosigned, own_lines
from exchange.log import note
from exchange.log.checkpoint import Checkpoint, parse_text
from exchange.log.cosignature import cosign, witness_name
from exchange.net.message_signatures import verify_response
from exchange.trust.keys import LogKeys
from schemas import CONTRACT_VERSION, ContractError
from schemas.witness import WitnessAnswer, parse_witness_answer, parse_witness_report

LATER_S = 61


def _report(cosigned: bytes | None = None, **changes: object) -> bytes:
    told = b64encode(cosigned).decode() if cosigned is not None else None
    report = {
        "contract": CONTRACT_VERSION,
        "cosigned": told,
        "shown": None,
        "seen": [],
        "forked": [],
        "size": None,
        "asks": [],
        **changes,
    }
    return json.dumps(report).encode()


def _tell(guest: Guest, report: bytes) -> WitnessAnswer:
    """Raises NotKept unless the answer is signed, bound to the report, and in its form."""
    headers = guest.signed(WITNESS, method="POST", body=report)
    told = guest.wire.ask("POST", WITNESS, headers, report).expect(200)
    try:
        verify_response(
            guest.answers_with,
            status=told.status,
            headers=told.headers,
            body=told.body,
            request_method="POST",
            request_url=guest.url(WITNESS),
            request_headers=headers,
            now=int(time.time()),
        )
        return parse_witness_answer(told.body)
    except RequestRefused as error:
        raise NotKept(f"{told.asked}: {error} ({error.code})") from error
    except ContractError as error:
        raise NotKept(f"{told.asked}: the answer breaks the contract: {error} ({error.reason})") from error


def _answered(visit: Visit) -> str:
    answer = _tell(visit.guest, _report())
    return f"Signed, bound to the report, with {len(answer.seen)} heads of other logs."


def _accepted(visit: Visit) -> str:
    head, signed = _head(visit)
    _tell(visit.guest, _report(_cosigned(visit.guest, signed)))
    answer = _tell(visit.guest, _report(_cosigned(visit.guest, signed), size=head.size, asks=[1]))
    if len(answer.proofs) != 1:
        raise NotKept(f"One proof was asked for, {len(answer.proofs)} came.")
    return f"The cosignature of the head of size {head.size} was accepted, twice, and a proof given for it."


def _bad_reports(visit: Visit) -> str:
    """What stands under ``schemas/vectors`` as bad reports, of this log and by this witness."""
    guest, (head, signed) = visit.guest, _head(visit)
    own = guest.node.keys
    good = note.parse_note(_cosigned(guest, signed))
    *most, plain, timed = good.signatures
    later = replace(plain, value=(int(time.time()) + LATER_S).to_bytes(8, "big") + plain.value[8:])
    forged = _forged(signed)
    tries = {
        "cosigned with other keys": _report(_cosigned(guest, signed, keys=own.log)),
        "a head that the log did not sign": _report(_cosigned(guest, forged)),
        "Ed25519 alone": _report(note.Note(good.text, (*most, plain)).encoded()),
        "ML-DSA-44 alone": _report(note.Note(good.text, (*most, timed)).encoded()),
        "two times": _report(note.Note(good.text, (*most, later, timed)).encoded()),
        "the next contract": _report(contract="2.0"),
        "an unknown field": _report(more=1),
        "a proof from nothing": _report(size=head.size, asks=[0]),
        "garbage": b"\xff",
    }
    for name, report in tries.items():
        told = guest.post(WITNESS, report)
        if told.status not in (400, 422):
            raise NotKept(f"{name}: {told.status} in place of 400 or 422.")
        told.problem  # noqa: B018 - refused in the one form
    return f"{len(tries)} reports refused: {', '.join(tries)}."


def _forged(signed: bytes) -> bytes:
    """The head with the last bit of each signature changed."""
    head = note.parse_note(signed)
    lines = (replace(line, value=line.value[:-1] + bytes([line.value[-1] ^ 1])) for line in head.signatures)
    return note.Note(head.text, tuple(lines)).encoded()


def _returned(visit: Visit) -> str:
    guest = visit.guest

    def returned() -> Checkpoint | None:
        answer = _tell(guest, _report(_cosigned(guest, _head(visit)[1])))
        if answer.cosigned is None:
            time.sleep(1)
            return None
        return _opened(guest, answer.cosigned)

    head = guest.wait_for(returned, "the node cosigned no head of this peer's log")
    return f"This peer's log at size {head.size}, cosigned with Ed25519 (0x04) and ML-DSA-44 (0x06)."


def _tells(visit: Visit) -> str:
    guest = visit.guest

    def told() -> Checkpoint | None:
        for asked in list(guest.peer.asked):
            if asked.path == WITNESS:
                cosigned = parse_witness_report(asked.body).cosigned
                if cosigned is not None:
                    return _opened(guest, cosigned)
        return None

    head = guest.wait_for(told, "no report came with a cosigned head of this peer's log")
    return f"A report came with the head of size {head.size} cosigned."


def _opened(guest: Guest, cosigned: str) -> Checkpoint:
    try:
        return open_cosigned(b64decode(cosigned), guest.node.history, guest.keys)[0]
    except CheckpointInvalid as error:
        raise NotKept(f"The cosigned head is not believed: {error}.") from error


def _head(visit: Visit) -> tuple[Checkpoint, bytes]:
    """The last signed head of the tested node's log, verified, and its note."""
    page = read_or_untried(visit).pages[-1]
    head = signed_head(visit, page)
    if page.checkpoint is None:
        raise NotTried("The log has no signed head yet.")
    return head, b64decode(page.checkpoint)


def _cosigned(guest: Guest, signed: bytes, *, keys: LogKeys | None = None) -> bytes:
    witness = keys or guest.node.keys.witness
    name, parsed = witness_name(guest.node.node_id), note.parse_note(signed)
    if parsed.signatures[0].name != guest.tested.log_origin:
        raise NotTried("The head names another log than the card; see heads-signed.")
    lines = own_lines(guest.keys, parse_text(parsed.text))
    return cosign(signed, name, witness.ed25519, witness.ml_dsa, int(time.time()), own_lines=lines)


def _check(name: str, asks: str, source: str, how: str, attempt: Callable[[Visit], str], traces: str = "") -> Check:
    return Check(name, Part.READER, asks, source, how, attempt, traces)


CHECKS = (
    _check(
        "report-answered",
        "A witness's report is answered, signed and bound to it, with what the node itself cosigned.",
        "schemas/json/witness-answer.json; RFC 9421, 2.4",
        "A report that tells nothing",
        _answered,
    ),
    _check(
        "cosignature-accepted",
        "A peer's cosignature of the node's head is taken, and a proof given that the log goes on from earlier sizes.",
        "C2SP tlog-cosignature; RFC 9162, 2.1.4",
        "The head of the lane's page, cosigned and reported twice, with a proof asked for",
        _accepted,
        "a cosignature of this peer at the node's last head",
    ),
    _check(
        "bad-reports-refused",
        "A cosignature that does not verify, or a report outside of the contract, is refused whole.",
        "schemas/vectors, bad/witness-*",
        "Each kind of bad report that the vectors have, of this log and by this witness",
        _bad_reports,
    ),
)
LATER = (
    _check(
        "reports-to-peers",
        "The node cosigns the heads that it verified, and tells their owner.",
        "C2SP tlog-cosignature, 0x04 and 0x06",
        "The node's own report to this peer, once it has read its lane",
        _tells,
    ),
    _check(
        "cosignature-returned",
        "Asked, the node returns the last head of the asker's log that it cosigned.",
        "docs/adr/0004; schemas/json/witness-answer.json",
        "A report, once the node has read this peer's lane",
        _returned,
    ),
)
"""For when the node has read the guest's lane."""
