"""Which key counts where: against a slow reading of the same rules, and for chains that were tampered with."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.errors import CheckpointInvalid, StatementInvalid
from exchange.trust.key_history import (
    KEY_ROLES,
    KeyHistory,
    VerifiedKeyEvent,
    begin_history,
    extend_history,
    history_of,
    replaced_roles,
)
from schemas import Compromise, Delegation, Envelope, HybridKey, KeyEvent, KeyRole, LogKey, parse_statement
from schemas.statements import statement_id
from tests.schemas.examples import IDENTITY, card_fields, encoded, hybrid, proofs
from tests.schemas.key_examples import (
    CARD,
    COMPROMISED_AT,
    COMPROMISED_FROM,
    ROTATED_AT,
    WORKING_2,
    compromise_fields,
    delegation_fields,
    rotation_fields,
)

LONGEST = 40


@dataclass(frozen=True)
class Change:
    """What one key-event does: at which index, to which roles, and from where they are not believed, if at all."""

    index: int
    roles: tuple[KeyRole, ...]
    refused_from: int | None


@st.composite
def changes(draw: st.DrawFn) -> list[Change]:
    indices = sorted(draw(st.sets(st.integers(1, LONGEST - 1), max_size=5)))
    made = []
    for index in indices:
        roles = draw(st.sets(st.sampled_from(KEY_ROLES), min_size=1))
        refused_from = draw(st.none() | st.integers(0, index))
        made.append(Change(index, tuple(role for role in KEY_ROLES if role in roles), refused_from))
    return made


def number_key(role: KeyRole, number: int) -> HybridKey | LogKey | str:
    """The key of a role after so many changes: no two are alike."""
    mark = bytes([KEY_ROLES.index(role), number])
    ed25519 = base64.b64encode(mark + bytes(30)).decode()
    match role:
        case "statement":
            return HybridKey(ed25519=ed25519, ml_dsa=base64.b64encode(mark + bytes(1950)).decode())
        case "log" | "witness":
            return LogKey(ed25519=ed25519, ml_dsa=base64.b64encode(mark + bytes(1310)).decode())
        case "transport":
            return ed25519


def delegation(index: int, numbers: dict[KeyRole, int]) -> Delegation:
    return Delegation.model_validate(
        {"from_index": index, **{role: number_key(role, numbers[role]) for role in KEY_ROLES}}
    )


def history(made: list[Change]) -> KeyHistory:
    """Unsigned: what is tried here is which key counts where."""
    card = parse_statement(CARD.payload)
    assert isinstance(card, KeyEvent)
    numbers: dict[KeyRole, int] = dict.fromkeys(KEY_ROLES, 0)
    nothing = Envelope(b"", b"", {})
    links = [VerifiedKeyEvent("00" * 32, nothing, card.model_copy(update={"delegation": delegation(0, numbers)}))]
    for place, change in enumerate(made):
        for role in change.roles:
            numbers[role] += 1
        found = None
        if change.refused_from is not None:
            found = Compromise(roles=change.roles, from_index=change.refused_from)
        update = {"delegation": delegation(change.index, numbers), "compromised": found}
        links.append(VerifiedKeyEvent(f"{place + 1:064x}", nothing, card.model_copy(update=update)))
    return KeyHistory(tuple(links))


def slowly(made: list[Change], role: KeyRole, index: int) -> tuple[int, bool]:
    """The number of the role's key at an index, and whether it is refused there: each index is gone through."""
    numbers = [sum(role in change.roles for change in made if change.index <= at) for at in range(LONGEST)]
    refused = False
    for change in made:
        if change.refused_from is not None and role in change.roles:
            meant = numbers[min(change.refused_from, change.index - 1)]
            refused |= change.refused_from <= index < change.index and numbers[index] == meant
    return numbers[index], refused


@given(changes(), st.integers(0, LONGEST - 1))
def test_the_statement_key_is_the_one_in_force_at_its_index(made: list[Change], index: int) -> None:
    number, refused = slowly(made, "statement", index)
    if refused:
        with pytest.raises(StatementInvalid) as caught:
            history(made).statement_key(index)
        assert caught.value.code == "key-compromised"
    else:
        assert history(made).statement_key(index) == number_key("statement", number)


@pytest.mark.slow
@given(changes(), st.integers(0, LONGEST))
def test_a_head_is_signed_by_the_keys_at_its_last_leaf_and_by_both_at_the_change(made: list[Change], size: int) -> None:
    last_leaf = max(size - 1, 0)
    number, refused = slowly(made, "log", last_leaf)
    found = history(made)
    if refused:
        with pytest.raises(CheckpointInvalid, match="wrong hands"):
            found.log_keys(size)
        return
    rotated = any(
        change.index == last_leaf and "log" in change.roles and change.refused_from is None for change in made
    )
    former = (number_key("log", number - 1),) if rotated else ()
    assert found.log_keys(size) == (*former, number_key("log", number))
    assert (found.last_doubly_signed or 0) >= (size if rotated else 0)


@given(changes())
def test_witness_and_transport_count_by_today(made: list[Change]) -> None:
    found = history(made).in_force
    assert found.witness == number_key("witness", slowly(made, "witness", LONGEST - 1)[0])
    assert found.transport == number_key("transport", slowly(made, "transport", LONGEST - 1)[0])


def test_a_compromise_refuses_what_its_own_key_signed_and_no_other() -> None:
    """The first key was stolen at 5 and replaced at 10, which is found out at 20 only: the second stays good."""
    found = history(
        [Change(10, ("statement",), None), Change(20, ("statement",), 5), Change(30, ("log",), 30)],
    )
    refused = [index for index in range(LONGEST) if found.is_refused("statement", index)]
    assert refused == list(range(5, 10))
    assert not any(found.is_refused("log", index) for index in range(LONGEST)), "good up to its event"
    assert found.last_doubly_signed is None, "a key in wrong hands signs no head along"


def test_a_head_that_only_a_stolen_key_could_sign_along_is_waited_for_no_more() -> None:
    assert history([Change(10, ("log",), None)]).last_doubly_signed == 11
    assert history([Change(10, ("log",), None), Change(12, ("log",), 10)]).last_doubly_signed is None
    assert history([Change(10, ("log",), None), Change(12, ("log",), 11)]).last_doubly_signed == 11


def third_event(before: bytes) -> bytes:
    third, previous = replace(WORKING_2, statement=hybrid("ffp-rs statement 3")), statement_id(before)
    fields = rotation_fields(
        nonce="03" * 32,
        previous=previous,
        delegation=delegation_fields(12, statement=third.statement.public.model_dump()),
        possession=proofs(third, ("statement",), previous=previous),
    )
    return encoded(fields)


def test_a_chain_of_three_and_every_way_to_tamper_with_its_order() -> None:
    first = IDENTITY.sign(encoded(rotation_fields()))
    second = IDENTITY.sign(third_event(first.payload))
    whole = history_of(CARD, [first.raw, second.raw])
    assert [link.index for link in whole.links] == [0, ROTATED_AT, 12]
    assert whole.last.statement_id == statement_id(second.payload)
    for tampered in ([second], [second, first], [first, first], [first, second, second], [first, second, first]):
        with pytest.raises(StatementInvalid) as caught:
            history_of(CARD, [item.raw for item in tampered])
        assert caught.value.code == "out-of-order"


def test_of_two_events_that_follow_on_one_the_second_is_refused() -> None:
    """An identity that signs both is in wrong hands, or its node was set back."""
    one, other = (IDENTITY.sign(encoded(fields)) for fields in (rotation_fields(), compromise_fields()))
    for first, second in ((one, other), (other, one)):
        with pytest.raises(StatementInvalid) as caught:
            history_of(CARD, [first.raw, second.raw])
        assert caught.value.code == "out-of-order"


def test_an_index_that_does_not_go_up_is_refused() -> None:
    later = IDENTITY.sign(encoded(compromise_fields()))
    for index in (COMPROMISED_AT, COMPROMISED_AT - 1):
        third = hybrid("ffp-rs statement 3").public.model_dump()
        fields = rotation_fields(
            previous=statement_id(later.payload), delegation=delegation_fields(index, statement=third)
        )
        with pytest.raises(StatementInvalid) as caught:
            history_of(CARD, [later.raw, IDENTITY.sign(encoded(fields)).raw])
        assert caught.value.code == "out-of-order"


def test_a_key_never_comes_back() -> None:
    """Not even in another role's place of the pair, nor two events later."""
    first = IDENTITY.sign(encoded(rotation_fields()))
    known = extend_history(begin_history(CARD), first.raw)
    old = card_fields()["delegation"]
    for changes_of in ({"statement": old["statement"]}, {"transport": old["transport"]}, {"log": old["witness"]}):
        fields = rotation_fields(
            previous=known.last.statement_id, delegation=delegation_fields(ROTATED_AT + 1, **changes_of)
        )
        with pytest.raises(StatementInvalid) as caught:
            extend_history(known, IDENTITY.sign(encoded(fields)).raw)
        assert caught.value.code == "key-reused"


def test_a_compromise_says_which_roles_and_the_rest_goes_on() -> None:
    before = begin_history(CARD)
    found = extend_history(before, IDENTITY.sign(encoded(compromise_fields())).raw)
    assert replaced_roles(before.in_force, found.in_force) == ("statement", "log")
    assert found.statement_key(COMPROMISED_FROM - 1) == before.in_force.statement
    assert found.log_keys(COMPROMISED_FROM) == (before.in_force.log,)
    assert found.log_keys(COMPROMISED_AT + 1) == (found.in_force.log,)


def test_a_card_that_is_no_card_begins_nothing() -> None:
    with pytest.raises(StatementInvalid) as caught:
        begin_history(IDENTITY.sign(encoded(rotation_fields())))
    assert caught.value.code == "unexpected-type"
    broken = replace(CARD, signatures={**CARD.signatures, next(iter(CARD.signatures)): bytes(64)})
    with pytest.raises(StatementInvalid):
        begin_history(broken)
