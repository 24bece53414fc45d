"""Every way in which a page can lie, each refused for its reason; and what is poison while the lane goes on."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.errors import PeerMisbehaved
from exchange.flows.statement.heads import open_head
from exchange.flows.sync.verify_lane_page import Expected, VerifiedPage, verify_page
from exchange.trust.keys import load_identity
from schemas import ContractError, Envelope, seal
from schemas.envelope import MAX_ENVELOPE_BYTES
from schemas.lane import EMPTY_HEAD, MAX_PAGE_BYTES, MAX_PAGE_ITEMS, LaneItem, LanePage, next_head, parse_lane_page
from tests.exchange.flows.owner import READER, Owner, add_reader, make_owner
from tests.exchange.open_policy import allow_all
from tests.schemas.examples import OTHERS, encoded, hybrid, record_fields
from tests.schemas.statement_examples import statement_fields

ITEMS = 5
KNOWN_SIZE = 3  # the card and two records
EMPTY_ROOT = hashlib.sha256(b"").digest()


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owner]:
    """Five records on the lane, six leaves in the log."""
    made = make_owner(tmp_path_factory.mktemp("owner") / "node")
    for _ in range(ITEMS):
        made.publish()
    yield made
    made.node.close()


@pytest.fixture(scope="module")
def poisoner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owner]:
    """An owner whose log may be filled with anything: each test puts on the lane what it likes and reads from there."""
    made = make_owner(tmp_path_factory.mktemp("poisoner") / "node")
    yield made
    made.node.close()


def expected(owner: Owner, **changes: Any) -> Expected:
    place = Expected(owner.node.history, READER, 0, EMPTY_HEAD, None)
    return dataclasses.replace(place, **changes)


def knowing(owner: Owner, **changes: Any) -> Expected:
    """A reader that has seen an earlier head of the log."""
    return expected(owner, known=owner.head(KNOWN_SIZE), **changes)


def verified(page: LanePage, place: Expected) -> VerifiedPage:
    """Over the wire and back, as a reader does it."""
    return verify_page(parse_lane_page(page.model_dump_json().encode()), place)


def renumbered(page: LanePage, items: list[LaneItem]) -> LanePage:
    """Other items at the places of the old ones; the head is left as it was."""
    placed = tuple(item.model_copy(update={"position": page.start + place}) for place, item in enumerate(items))
    return page.model_copy(update={"items": placed})


def adding_up(page: LanePage) -> LanePage:
    """The running head made to fit, for a page from the start of the lane."""
    head = EMPTY_HEAD
    for item in page.items:
        head = next_head(head, item.statement_id)
    return page.model_copy(update={"head": head.hex()})


def with_item(page: LanePage, place: int, **changes: Any) -> LanePage:
    """One item altered, and the running head made to fit."""
    items = list(page.items)
    items[place] = items[place].model_copy(update=changes)
    return adding_up(page.model_copy(update={"items": tuple(items)}))


@pytest.fixture
def sharing(tmp_path: Path) -> Iterator[Owner]:
    """An owner whose policy lets the reader have its five records. The policy was stated before there was a reader, so
    it stands on no lane."""
    made = make_owner(tmp_path / "node", with_reader=False)
    allow_all(made.node)
    add_reader(made.node)
    for _ in range(ITEMS):
        made.publish()
    yield made
    made.node.close()


def test_a_true_page_is_taken_whole(sharing: Owner) -> None:
    owner = sharing
    page = owner.honest_page(known_size=KNOWN_SIZE)
    assert page.model_copy(update={"checkpoint": None}) == owner.page(known_size=KNOWN_SIZE).model_copy(
        update={"checkpoint": None}
    ), "the pages that the lies below are made of are those of a node"
    found = verified(page, knowing(owner))
    assert [item.envelope.raw for item in found.accepted] == [item.envelope.raw for item in owner.published]
    assert [item.log_index for item in found.accepted] == [2, 3, 4, 5, 6]
    assert (found.poisoned, found.count, found.more) == ((), ITEMS, False)
    assert found.head.hex() == owner.page().head
    assert found.checkpoint is not None
    assert open_head(found.checkpoint, owner.node.history) == owner.head(ITEMS + 2)


def test_a_place_beyond_all_logs_is_refused_before_it_is_stored(owner: Owner) -> None:
    """No database has a number for it: each round with that peer broke off, and nobody was told why."""
    with pytest.raises(ContractError, match="log_index"):
        verified(with_item(owner.page(), 0, log_index=2**70, envelope=None, inclusion=()), expected(owner))
    with pytest.raises(ContractError, match="count"):
        verified(owner.page().model_copy(update={"count": 2**70}), expected(owner))


def test_a_page_from_the_middle_goes_on_from_the_readers_head(owner: Owner) -> None:
    head = EMPTY_HEAD
    for item in owner.published[:2]:
        head = next_head(head, item.statement_id)
    place = knowing(owner, start=2, head=head)
    found = verified(owner.page(start=2, head=head, known_size=KNOWN_SIZE), place)
    assert [item.statement_id for item in found.accepted] == [item.statement_id for item in owner.published[2:]]
    with pytest.raises(PeerMisbehaved, match="does not add up"):
        verified(owner.page(start=2, head=head), dataclasses.replace(place, head=EMPTY_HEAD))


def test_an_empty_page_waits_for_what_the_head_does_not_cover_yet(owner: Owner) -> None:
    page = owner.page().model_copy(update={"items": (), "head": EMPTY_HEAD.hex()})
    found = verified(page, expected(owner))
    assert (found.accepted, found.count, found.head, found.more) == ((), 0, EMPTY_HEAD, False)


def test_a_withheld_place_adds_up_and_brings_nothing(owner: Owner) -> None:
    page = with_item(owner.page(), 1, envelope=None, inclusion=())
    found = verified(page, expected(owner))
    assert [item.log_index for item in found.accepted] == [1, 3, 4, 5]
    assert (found.poisoned, found.count, found.head.hex()) == ((), ITEMS, owner.page().head)


def _dropped(page: LanePage) -> LanePage:
    return renumbered(page, [item for item in page.items if item.position != 1])


def _gap(page: LanePage) -> LanePage:
    return adding_up(page.model_copy(update={"items": page.items[:1] + page.items[2:]}))


def _altered_note(page: LanePage, old: bytes, new: bytes) -> str:
    note = base64.b64decode(page.checkpoint or "")
    assert old in note
    return base64.b64encode(note.replace(old, new)).decode()


def _without_line(page: LanePage, line: int) -> str:
    lines = base64.b64decode(page.checkpoint or "").splitlines(keepends=True)
    return base64.b64encode(b"".join(lines[:line] + lines[line + 1 :])).decode()


def _flipped(digest: str) -> str:
    return f"{int(digest, 16) ^ 1:064x}"


Lie = Callable[[Owner, LanePage], LanePage]
LANE_LIES: dict[str, tuple[Lie, str]] = {
    "another-lane": (lambda _, page: page.model_copy(update={"lane": "ffp-xk"}), "another lane or place"),
    "another-start": (lambda _, page: page.model_copy(update={"start": 1}), "another lane or place"),
    "gap": (lambda _, page: _gap(page), "has a gap"),
    "begins-later": (
        lambda _, page: page.model_copy(
            update={"items": tuple(i.model_copy(update={"position": i.position + 1}) for i in page.items)}
        ),
        "has a gap",
    ),
    "left-out": (lambda _, page: _dropped(page), "does not add up"),
    "reordered": (lambda _, page: renumbered(page, [*page.items[1::-1], *page.items[2:]]), "does not add up"),
    "twice": (lambda _, page: renumbered(page, [page.items[0], *page.items]), "more of its lane than it says"),
    "cut-short": (lambda _, page: renumbered(page, list(page.items[:-1])), "does not add up"),
    "wrong-head": (lambda _, page: page.model_copy(update={"head": _flipped(page.head)}), "does not add up"),
    "another-id": (
        lambda _, page: page.model_copy(
            update={"items": (page.items[0].model_copy(update={"statement_id": "0" * 64}), *page.items[1:])}
        ),
        "does not add up",
    ),
    "count-too-small": (lambda _, page: page.model_copy(update={"count": ITEMS - 1}), "more of its lane than it says"),
}
HEAD_LIES: dict[str, tuple[Lie, str]] = {
    "no-head": (lambda _, page: page.model_copy(update={"checkpoint": None}), "no signed head"),
    "no-head-and-no-items": (
        lambda _, page: page.model_copy(update={"checkpoint": None, "items": (), "head": EMPTY_HEAD.hex()}),
        "no signed head",
    ),
    "another-log": (
        lambda owner, page: page.model_copy(
            update={"checkpoint": owner.signed(6, owner.head(6).root, origin="ffp-mk.ffp-exchange/log")}
        ),
        "signatures of ffp-rs",
    ),
    "size-altered": (
        lambda _, page: page.model_copy(update={"checkpoint": _altered_note(page, b"\n6\n", b"\n7\n")}),
        "Ed25519 signature",
    ),
    "ed25519-missing": (
        lambda _, page: page.model_copy(update={"checkpoint": _without_line(page, 4)}),
        "has 0 signatures",
    ),
    "ml-dsa-missing": (
        lambda _, page: page.model_copy(update={"checkpoint": _without_line(page, 5)}),
        "has 0 signatures",
    ),
    "not-a-note": (
        lambda _, page: page.model_copy(update={"checkpoint": base64.b64encode(b"hello").decode()}),
        "has no signatures",
    ),
    "rolled-back": (
        lambda owner, page: page.model_copy(update={"checkpoint": owner.signed(2, owner.head(2).root)}),
        "no log grows from size 3 to size 2",
    ),
    "emptied": (
        lambda owner, page: page.model_copy(update={"checkpoint": owner.signed(0, EMPTY_ROOT)}),
        "no log grows from size 3 to size 0",
    ),
    "forked-at-the-same-size": (
        lambda owner, page: page.model_copy(
            update={"checkpoint": owner.signed(KNOWN_SIZE, b"\1" * 32), "consistency": ()}
        ),
        "two different heads of one size",
    ),
    "forked-later": (
        lambda owner, page: page.model_copy(update={"checkpoint": owner.signed(6, b"\1" * 32)}),
        "does not lead to the root of the new size",
    ),
    "proof-left-out": (lambda _, page: page.model_copy(update={"consistency": ()}), "is empty"),
    "proof-altered": (
        lambda _, page: page.model_copy(update={"consistency": (_flipped(page.consistency[0]), *page.consistency[1:])}),
        "does not lead to the root of the old size",
    ),
    "proof-too-long": (
        lambda _, page: page.model_copy(update={"consistency": (*page.consistency, "0" * 64)}),
        "more hashes",
    ),
}


@pytest.mark.parametrize(("lie", "said"), [*LANE_LIES.values(), *HEAD_LIES.values()], ids=[*LANE_LIES, *HEAD_LIES])
def test_a_page_that_lies_about_lane_or_log_is_refused_whole(owner: Owner, lie: Lie, said: str) -> None:
    page = owner.page(known_size=KNOWN_SIZE)
    with pytest.raises(PeerMisbehaved, match=said):
        verified(lie(owner, page), knowing(owner))


def test_a_reader_that_saw_an_empty_log_takes_any_head_that_is_signed(owner: Owner) -> None:
    found = verified(owner.page(), expected(owner, known=dataclasses.replace(owner.head(1), size=0, root=EMPTY_ROOT)))
    assert len(found.accepted) == ITEMS


def test_pages_out_of_the_contract_are_refused_before_they_are_taken_apart(owner: Owner) -> None:
    page = owner.page()
    whole = page.model_dump_json().encode()
    item = page.items[0].model_dump_json()
    bad = {
        "not-json": [b"", b"<html>", whole[:-1], whole.replace(b'"lane"', b"lane"), whole + b" 1"],
        "duplicate-key": [whole.replace(b'"count":5', b'"count":5,"count":5')],
        "unknown-field": [whole.replace(b'"count":5', b'"count":5,"more":1')],
        "unknown-contract": [whole.replace(b'"contract":"1.0"', b'"contract":"2.0"')],
        "too-large": [whole + b" " * MAX_PAGE_BYTES, b'{"items":[' + b"{}," * 2_600_000 + b"{}]}"],
        "invalid-field": [
            whole.replace(page.items[0].envelope.encode()[:8], b"=" * 8) if page.items[0].envelope else b"",
            with_item(page, 0, envelope="QQ=").model_dump_json().encode(),
            with_item(page, 0, envelope="QR==").model_dump_json().encode(),  # not canonical
            with_item(page, 0, inclusion=("0" * 63,)).model_dump_json().encode(),
            with_item(page, 0, inclusion=("0" * 64,) * 65).model_dump_json().encode(),
            whole.replace(b'"items":[', f'"items":[{",".join([item] * MAX_PAGE_ITEMS)},'.encode()),
            whole.replace(b'"start":0', b'"start":-1'),
            whole.replace(b'"start":0', b'"start":"0"'),
            whole.replace(b'"start":0', b'"start":1e400'),
        ],
    }
    for reason, pages in bad.items():
        for body in pages:
            with pytest.raises(ContractError) as refused:
                parse_lane_page(body)
            assert refused.value.reason == reason, body[:200]


def _resealed(envelope: Envelope, change: Callable[[dict[str, bytes]], dict[str, bytes]]) -> Envelope:
    return seal(envelope.payload, change(dict(envelope.signatures)))


def _altered(signature: bytes) -> bytes:
    return signature[:-1] + bytes([signature[-1] ^ 1])


def _with_signature(which: int) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    def change(signatures: dict[str, bytes]) -> dict[str, bytes]:
        name = list(signatures)[which]
        return {**signatures, name: _altered(signatures[name])}

    return change


THIRD = hybrid("nobody")
Sealed = Callable[[Owner], Envelope]


def _payload(**changes: Any) -> bytes:
    """Of a record that no other test has."""
    return encoded(record_fields(nonce=secrets.token_hex(32), **changes))


def _signed_along(owner: Owner) -> Envelope:
    made = _sign()(owner)
    return _resealed(made, lambda two: {**two, **THIRD.sign(made.payload).signatures})


def _sign(**changes: Any) -> Sealed:
    return lambda owner: owner.node.keys.statement.sign(_payload(**changes))


ENVELOPE_LIES: dict[str, tuple[Sealed, str]] = {
    "another-key": (lambda _: OTHERS.sign(_payload()), "unknown-key"),
    "identity-key": (lambda owner: load_identity(owner.node.settings.keys).sign(_payload()), "unexpected-type"),
    "another-issuer": (_sign(issuer="ffp-mk"), "wrong-issuer"),
    "ed25519-missing": (
        lambda owner: _resealed(_sign()(owner), lambda made: dict(list(made.items())[1:])),
        "unknown-key",
    ),
    "ml-dsa-missing": (
        lambda owner: _resealed(_sign()(owner), lambda made: dict(list(made.items())[:1])),
        "unknown-key",
    ),
    "third-signature": (_signed_along, "unknown-key"),
    "ed25519-altered": (lambda owner: _resealed(_sign()(owner), _with_signature(0)), "bad-signature"),
    "ml-dsa-altered": (lambda owner: _resealed(_sign()(owner), _with_signature(1)), "bad-signature"),
    "payload-altered": (lambda owner: seal(_payload(level="none"), _sign()(owner).signatures), "bad-signature"),
    "another-jurisdiction": (_sign(jurisdiction="MK"), "wrong-jurisdiction"),
    "unknown-type": (_sign(type="rumour"), "unknown-type"),
    "unknown-contract": (_sign(contract="one"), "unknown-contract"),
    "unknown-field": (_sign(suspect="somebody"), "unknown-field"),
    "payload-not-json": (lambda owner: owner.node.keys.statement.sign(b"\xff"), "not-json"),
    "audit-batch": (
        lambda owner: owner.node.keys.statement.sign(encoded(statement_fields()["audit-batch"])),
        "unexpected-type",
    ),
}


@pytest.mark.parametrize(("sealed", "reason"), ENVELOPE_LIES.values(), ids=ENVELOPE_LIES)
def test_a_logged_statement_that_must_not_be_believed_is_set_aside(
    poisoner: Owner, sealed: Sealed, reason: str
) -> None:
    """The log holds it and every proof is true: only the statement itself is bad."""
    start, head = poisoner.end()
    first = poisoner.publish()
    bad = poisoner.publish_payload(b"", envelope=sealed(poisoner))
    last = poisoner.publish()
    found = verified(poisoner.page(start=start, head=head), expected(poisoner, start=start, head=head))
    assert [(item.position, item.reason) for item in found.poisoned] == [(start + 1, reason)]
    assert found.poisoned[0].envelope == bad.envelope.raw, "the evidence stays"
    assert [item.statement_id for item in found.accepted] == [first.statement_id, last.statement_id]
    assert found.count == start + 3, "the lane goes on"


@pytest.mark.parametrize("changes", [{"audience": ["XK"]}, {"audience": []}, {"level": "search"}, {"level": "none"}])
def test_nothing_is_kept_of_what_is_not_proved_as_it_may_be_for_others(
    poisoner: Owner, changes: dict[str, Any]
) -> None:
    start, head = poisoner.end()
    kept = poisoner.publish(**changes)
    page = poisoner.page(start=start, head=head)
    unproved = page.items[0].model_copy(update={"inclusion": ()})
    found = verified(page.model_copy(update={"items": (unproved,)}), expected(poisoner, start=start, head=head))
    assert [(item.reason, item.envelope) for item in found.poisoned] == [("proof-invalid", b"")]
    assert kept.statement_id not in found.poisoned[0].detail
    assert (found.accepted, found.count) == ((), start + 1)


def _proof_lie(change: Callable[[tuple[str, ...]], tuple[str, ...]]) -> Callable[[Owner, LanePage], dict[str, Any]]:
    return lambda _, page: {"inclusion": change(page.items[2].inclusion)}


def _of_leaf(place: int) -> Callable[[Owner, LanePage], dict[str, Any]]:
    return lambda owner, page: {
        "inclusion": page.items[place].inclusion,
        "log_index": page.items[place].log_index,
    }


def _signed_again(owner: Owner, _page: LanePage) -> dict[str, Any]:
    """The same payload, so the same id, under new signatures: another leaf, which the log does not hold."""
    payload = owner.published[2].envelope.payload
    return {"envelope": base64.b64encode(owner.node.keys.statement.sign(payload).raw).decode()}


ITEM_LIES: dict[str, tuple[Callable[[Owner, LanePage], dict[str, Any]], str]] = {
    "another-id": (lambda _owner, _page: {"statement_id": "ab" * 32}, "wrong-id"),
    "another-statement": (lambda _, page: {"envelope": page.items[3].envelope}, "wrong-id"),
    "proof-altered": (_proof_lie(lambda proof: (_flipped(proof[0]), *proof[1:])), "proof-invalid"),
    "proof-reordered": (_proof_lie(lambda proof: proof[::-1]), "proof-invalid"),
    "proof-cut": (_proof_lie(lambda proof: proof[:-1]), "proof-invalid"),
    "proof-empty": (_proof_lie(lambda proof: ()), "proof-invalid"),
    "proof-too-long": (_proof_lie(lambda proof: (*proof, "0" * 64)), "proof-invalid"),
    "proof-as-long-as-may-be": (_proof_lie(lambda proof: proof + ("0" * 64,) * (64 - len(proof))), "proof-invalid"),
    "another-leaf": (_of_leaf(1), "proof-invalid"),
    "another-index": (lambda _owner, _page: {"log_index": 2}, "proof-invalid"),
    "index-past-the-head": (lambda _owner, _page: {"log_index": 6}, "proof-invalid"),
    "index-past-any-log": (lambda _owner, _page: {"log_index": 2**62}, "proof-invalid"),
    "signed-again": (_signed_again, "proof-invalid"),
    "not-an-envelope": (lambda _owner, _page: {"envelope": base64.b64encode(b"{}").decode()}, "not-an-envelope"),
    "empty": (lambda _owner, _page: {"envelope": ""}, "not-json"),
}


@pytest.mark.parametrize(("lie", "reason"), ITEM_LIES.values(), ids=ITEM_LIES)
def test_an_item_that_does_not_fit_its_place_is_set_aside(
    owner: Owner, lie: Callable[[Owner, LanePage], dict[str, Any]], reason: str
) -> None:
    page = owner.page()
    lying = with_item(page, 2, **lie(owner, page))
    found = verified(lying, expected(owner))
    assert [(item.position, item.reason) for item in found.poisoned] == [(2, reason)]
    evidence = b"" if reason == "proof-invalid" else base64.b64decode(lying.items[2].envelope or "")
    assert found.poisoned[0].envelope == evidence
    assert [item.log_index for item in found.accepted] == [1, 2, 4, 5]
    assert found.count == ITEMS


def test_of_what_is_too_large_to_be_an_envelope_nothing_is_kept(owner: Owner) -> None:
    junk = base64.b64encode(bytes(MAX_ENVELOPE_BYTES + 1)).decode()
    found = verified(with_item(owner.page(), 2, envelope=junk), expected(owner))
    assert [(item.reason, item.envelope) for item in found.poisoned] == [("too-large", b"")]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Owner, bytes, VerifiedPage]]:
    """A page of two records, as bytes, and what it means."""
    made = make_owner(tmp_path_factory.mktemp("small") / "node")
    made.publish()
    made.publish()
    page = made.page(known_size=1).model_dump_json().encode()
    yield made, page, verify_page(parse_lane_page(page), expected(made, known=made.head(1)))
    made.node.close()


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_no_byte_can_be_changed_without_being_noticed(
    small: tuple[Owner, bytes, VerifiedPage], data: st.DataObject
) -> None:
    owner, page, true = small
    structure = [place for place, byte in enumerate(page) if byte in b'{}[]",:']
    place = data.draw(st.one_of(st.integers(0, len(page) - 1), st.sampled_from(structure)))
    byte = data.draw(st.one_of(st.integers(0, 255), st.sampled_from(b'{}[]",: 0A=/n\\')))
    changed = page[:place] + bytes([byte]) + page[place + 1 :]
    try:
        found = verify_page(parse_lane_page(changed), expected(owner, known=owner.head(1)))
    except (PeerMisbehaved, ContractError):
        return
    assert all(item in true.accepted for item in found.accepted)
    assert len(found.accepted) + len(found.poisoned) == len(true.accepted)
    assert (found.count, found.head, found.checkpoint) == (true.count, true.head, true.checkpoint)
