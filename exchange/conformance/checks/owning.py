"""The tested node reads a lane of the guest's, true items and poison; what it makes of it is seen from what it asks
next, and from what it signs for."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator

from exchange.conformance.check import Check, Part
from exchange.conformance.checks.lies import quiet_answer, signed_page, true_page
from exchange.conformance.checks.reading import read_whole_lane
from exchange.conformance.guest.guest import CONFORMANCE_HEAD, Guest
from exchange.conformance.guest.owner import Published
from exchange.conformance.guest.peer_simulator import SimulatedRequest, blob_answer
from exchange.conformance.guest.poison import Issuer, PoisonedItem, make_poison
from exchange.conformance.targets import blob
from exchange.conformance.verdicts import NotKept, NotTried
from exchange.conformance.visit import Visit
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.terms.withdraw import withdraw
from exchange.trust.keys import load_identity
from schemas import Acknowledgement, AnyStatement, ContractError, Receipt, open_envelope, parse_statement
from schemas.lane import LanePage
from schemas.vocabulary import WithdrawalReason

SCAN_BYTES = 4096
_CURSOR = re.compile(r"(?=.*[?&]start=\d+(&|$))(?=.*[?&]head=[0-9a-f]{64}(&|$))(?=.*[?&]known_size=\d+(&|$))")


def asks(guest: Guest) -> list[SimulatedRequest]:
    """The node's questions for its lane so far, those that say from where on."""
    return [asked for asked in list(guest.peer.asked) if asked.path == "/v1/lane" and _CURSOR.search(asked.target)]


def _pulls(visit: Visit) -> str:
    guest = visit.guest
    guest.peer.lane = lambda asked: quiet_answer(guest, asked)
    seen = len(asks(guest))
    guest.wait_for(lambda: len(asks(guest)) >= seen + 2 or None, "the node did not ask for its lane twice")
    if guest.peer.refused:
        raise NotKept(f"A request of the node's is no good: {guest.peer.refused[-1]}")
    nonces = Counter(guest.peer.verified(asked).nonce for asked in asks(guest)[-2:])
    if len(nonces) < 2:
        raise NotKept("Two requests of the node's carry one nonce.")
    return "Two requests, each signed with the card's transport key, under its own nonce."


def _goes_on(visit: Visit) -> str:
    guest = visit.guest
    if not asks(guest):
        raise NotTried("The node never asked for its lane; see asks-signed.")
    node, settings = guest.node, guest.node.settings
    identity = load_identity(settings.keys, settings.passphrase)
    issuer = Issuer(node.history, node.keys.statement, identity, guest.tested.jurisdiction)
    guest.honest.append(publish_record(guest))
    for item in make_poison(issuer):
        guest.poison[guest.owner.end()[0]] = item
        guest.owner.publish_payload(item.envelope.payload, envelope=item.envelope, name=item.name)
    guest.honest.append(publish_record(guest))
    count, head = guest.owner.end()
    guest.peer.blob = lambda asked: _scan(guest, asked)
    guest.peer.lane = lambda asked: whole_lane(guest, asked)
    pages = len(asks(guest))

    def through() -> bool | None:
        last = asks(guest)[-1]
        return True if last.text("start") == str(count) else None

    try:
        guest.wait_for(through, "the node's cursor did not come to the lane's end")
    except NotKept as error:
        place = int(asks(guest)[-1].text("start"))
        raise NotKept(f"{error} It stands at {place} of {count}: {_at(guest, place)}.") from error
    if asks(guest)[-1].text("head") != head.hex():
        raise NotKept(f"After {count} items the node's running head is not the lane's.")
    guest.lane_end = (count, head)
    asked = len(asks(guest)) - pages
    return f"{len(guest.poison)} bad items between {len(guest.honest)} good ones: all passed, in {asked} requests."


def _at(guest: Guest, place: int) -> str:
    return guest.poison[place].vector if place in guest.poison else "a good item"


def _receipt(visit: Visit) -> str:
    guest = visit.guest
    if guest.lane_end is None:
        raise NotTried("The node did not come to the end of the lane; see poison-set-aside.")
    count, head = guest.lane_end

    def given() -> Receipt | None:
        receipts = [said for said in _said(visit) if isinstance(said, Receipt) and said.count >= count]
        if not receipts:
            time.sleep(1)
        return receipts[-1] if receipts else None

    receipt = guest.wait_for(given, f"no receipt for the {count} items came on the lane to this peer")
    head = guest.owner.head_after(receipt.count) or head
    if receipt.head != head.hex() or receipt.owner != guest.node.node_id:
        raise NotKept(f"The receipt is for {receipt.owner} and the head {receipt.head[:16]}..., not for this lane.")
    if receipt.set_aside != len(guest.poison):
        named = {refusal.position for refusal in receipt.refused}
        missed = [item.vector for place, item in guest.poison.items() if place not in named]
        raise NotKept(
            f"{receipt.set_aside} items were set aside in place of {len(guest.poison)}; "
            f"not among those named: {', '.join(missed) or 'none'}."
        )
    wrong = [
        f"{_at(guest, refusal.position)}: {refusal.reason}"
        for refusal in receipt.refused
        if refusal.position not in guest.poison or refusal.reason != guest.poison[refusal.position].reason
    ]
    if wrong:
        raise NotKept(f"Set aside for another reason than the vectors give: {', '.join(wrong)}.")
    return f"{receipt.accepted} accepted, {receipt.set_aside} set aside, all {len(receipt.refused)} named rightly."


def _said(visit: Visit) -> Iterator[AnyStatement]:
    """What the tested node has put on the guest's lane."""
    for item in read_whole_lane(visit).items:
        if item.envelope is not None:
            try:
                yield parse_statement(open_envelope(b64decode(item.envelope)).payload)
            except ContractError:
                continue  # said by the check of the statements


def _scans(visit: Visit) -> str:
    guest = visit.guest
    if not guest.honest:
        raise NotTried("No record was published; see poison-set-aside.")
    for published in guest.honest:
        guest.wait_for(lambda digest=published.sha256: _fetched(guest, digest) or None, "the node fetched no scan")  # type: ignore[misc]  # bound here
    return f"The scans of {len(guest.honest)} records, asked for with good signatures."


def refused_scan(guest: Guest) -> str | None:
    """The digest of the bytes that the node was given in place of a scan, if it was."""
    if not guest.honest or not _fetched(guest, guest.honest[0].sha256):
        return None
    return hashlib.sha256(guest.honest[0].blob[::-1]).hexdigest()


def _fetched(guest: Guest, sha256: str) -> list[SimulatedRequest]:
    return [asked for asked in list(guest.peer.asked) if asked.path == blob(sha256)]


def _wrong_scan(visit: Visit) -> str:
    """The first scan was given with other bytes when it was first asked for."""
    guest = visit.guest
    if not guest.honest or not _fetched(guest, guest.honest[0].sha256):
        raise NotTried("The node asked for no scan; see scans-fetched.")
    digest = guest.honest[0].sha256
    guest.wait_for(
        lambda: True if len(_fetched(guest, digest)) > 1 else None,
        "a scan of other bytes than its digest says was not asked for again, as if it were kept",
    )
    return "Given with other bytes, it was asked for again."


def _withdrawn(visit: Visit) -> str:
    guest = visit.guest
    if not guest.honest:
        raise NotTried("No record was published; see poison-set-aside.")
    guest.peer.lane = lambda asked: whole_lane(guest, asked)
    records, guest.withdrawn = {item.statement_id for item in guest.honest}, True
    for record in records:
        withdraw(guest.node, CONFORMANCE_HEAD, record, WithdrawalReason.ENTERED_IN_ERROR)
    sign_head(guest.node)

    def erased() -> bool | None:
        said = {item.record: item.outcome for item in _said(visit) if isinstance(item, Acknowledgement)}
        if records <= said.keys():
            return True
        time.sleep(1)
        return None

    guest.wait_for(erased, "not every withdrawal was acknowledged on the lane to this peer")
    for item in guest.honest:
        guest.get(blob(item.sha256)).expect(404, "not-found")  # held on, its owner would get it back
    return f"{len(records)} records withdrawn and acknowledged as erased; their scans are there no more."


def publish_record(guest: Guest) -> Published:
    """A record with a scan that is none, so that nothing is correlated."""
    return guest.owner.publish(blob=b"conformance test, no scan\n" + secrets.token_bytes(SCAN_BYTES))


def whole_lane(guest: Guest, asked: SimulatedRequest) -> Iterator[bytes]:
    """The whole lane, with the proofs of what the log does not hold made wrong."""
    unproven = {_name(item) for item in guest.poison.values() if not item.proven}
    page = true_page(guest, asked)
    items = tuple(
        item.model_copy(update={"inclusion": ("0" * 64,)}) if item.statement_id in unproven else item
        for item in page.items
    )
    shown: LanePage = page.model_copy(update={"items": items})
    yield from signed_page(guest, asked, shown)


def _name(item: PoisonedItem) -> str:
    return item.name or hashlib.sha256(item.envelope.payload).hexdigest()


def _scan(guest: Guest, asked: SimulatedRequest) -> Iterator[bytes]:
    """The scan that was asked for; of the first record, the first time, other bytes of the same length."""
    guest.peer.verified(asked)
    whole = guest.peer.blob_of(asked)
    first = asked.path == blob(guest.honest[0].sha256) and len(_fetched(guest, guest.honest[0].sha256)) == 1
    given = whole[::-1] if first else whole
    yield from blob_answer(asked.offset, given[asked.offset :], given)


def _check(name: str, asked: str, source: str, how: str, attempt: Callable[[Visit], str], traces: str = "") -> Check:
    return Check(name, Part.OWNER, asked, source, how, attempt, traces)


CHECKS = (
    _check(
        "asks-signed",
        "A node asks its peers for news by itself, each time with a good signature and a new nonce.",
        "RFC 9421, 3.1; docs/adr/0001",
        "Its first two questions for its lane at this peer, verified",
        _pulls,
    ),
    _check(
        "poison-set-aside",
        "An item that must not be believed is set aside, and the lane goes on.",
        "schemas/vectors, bad/*; docs/architecture.md, where is it verified",
        "Every bad statement and item of the vectors, issued by this peer, between two good records",
        _goes_on,
        "the bad items in quarantine; two records, until they are withdrawn",
    ),
    _check(
        "scans-fetched",
        "The scans that a record names are fetched, each with a good signature.",
        "docs/architecture.md, where is it verified",
        "The scans of the good records, which are no scans",
        _scans,
    ),
    _check(
        "other-scan-refused",
        "A scan whose bytes are not those of its digest is not kept.",
        "schemas/json/record.json (blob)",
        "The first scan given with other bytes when it was first asked for",
        _wrong_scan,
    ),
    _check(
        "receipt-adds-up",
        "A reader signs at once when something was set aside: each place accepted, withheld, or refused and why.",
        "schemas/json/receipt.json; schemas/vectors, reasons",
        "The receipt on the lane to this peer, its reasons held against those of the vectors",
        _receipt,
    ),
)
WITHDRAWAL = (
    _check(
        "withdrawal-acknowledged",
        "A record that its owner withdraws is erased, and that is acknowledged.",
        "schemas/json/withdrawal.json and acknowledgement.json",
        "All records of this peer withdrawn",
        _withdrawn,
        "hashes of the statements, tombstones and acknowledgements",
    ),
)
"""For when the lies are over."""
